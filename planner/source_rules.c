/*
 * source_rules.c - the checks that CREATE STREAM, CREATE TABLE, ALTER and CREATE ... AS share.
 */
#include "planner/source_rules.h"

#include "parser/parser.h"
#include "serde/schema_text.h"

const char *source_kind(bool is_table) { return is_table ? "table" : "stream"; }

bool is_reserved_column(Str name)
{
    static const char *const names[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal(name, str_c(names[i])))
            return true;
    return false;
}

Status check_source_name(const AstName *name, Error *err)
{
    for (size_t i = 0; i < name->text.len; i++) {
        unsigned char c = (unsigned char)name->text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-'))
            return error_set(err, E_PLAN, name->pos,
                             "Illegal argument at Line: %u, Col: %u. Source names may only contain "
                             "alphanumeric values, '_' or '-'. Got: '" STR_FMT "'",
                             name->pos.line, name->pos.col, STR_ARG(name->text));
    }
    return OK;
}

static Status check_key_types(const Schema *schema, Error *err)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        const Column *column = &schema->columns[i];
        if (!type_contains_map(column->type))
            continue;
        StrBuf text = {0};
        type_print(column->type, &text);
        error_set(err, E_PLAN, NO_POS,
                  "Map keys, including types that contain maps, are not supported as they may lead to "
                  "unexpected behavior due to "
                  "inconsistent serialization. Key column name: `" STR_FMT "`. Column type: " STR_FMT
                  ". See https://github.com/confluentinc/ksql/issues/6621 for more.",
                  STR_ARG(column->name), STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        return E_PLAN;
    }
    return OK;
}

Status check_source(const Source *source, Error *err)
{
    const Schema *schema = source->schema;
    TRY(check_key_types(schema, err));
    if (source->window.kind != WINDOWED_NO && schema->key_count == 0)
        return error_set(err, E_PLAN, NO_POS, "Windowed sources require a key column.");
    TRY(serde_check(&source->key_format, SIDE_KEY, schema->columns, schema->key_count, err));
    return serde_check(&source->value_format, SIDE_VALUE, schema->columns + schema->key_count,
                       schema->value_count, err);
}

Status check_name_free(const Catalog *catalog, const AstStatement *statement, Error *err)
{
    const Source *old  = catalog_source(catalog, statement->name.text);
    const char   *kind = source_kind(statement->is_table);
    if (statement->or_replace && (statement->source_keyword || (old != NULL && old->read_only)))
        return error_set(err, E_PLAN, statement->name.pos,
                         "Cannot add %s '" STR_FMT "': CREATE OR REPLACE is not supported on source %ss.",
                         kind, STR_ARG(statement->name.text),
                         source_kind(old != NULL ? old->is_table : statement->is_table));
    if (old == NULL)
        return OK;
    if (statement->or_replace && old->is_table == statement->is_table)
        return OK;
    if (statement->if_not_exists)
        return error_set(err, E_EXISTS, statement->name.pos,
                         "Cannot add %s `" STR_FMT "`: A %s with the same name already exists.", kind,
                         STR_ARG(old->name), source_kind(old->is_table));
    return error_set(err, E_PLAN, statement->name.pos,
                     "Cannot add %s '" STR_FMT "': A %s with the same name already exists", kind,
                     STR_ARG(old->name), source_kind(old->is_table));
}

/* ---- OR REPLACE (sql.md 4.1.5) ---- */

/* Gathers what differs; the texts are joined by "\n\tAND ". */
typedef struct {
    const Source *old;
    StrBuf        text;
} Differences;

static void differ(Differences *all, const char *property, Str was, Str is)
{
    if (all->text.len > 0)
        strbuf_adds(&all->text, "\n\tAND ");
    strbuf_addf(&all->text,
                "DataSource '" STR_FMT "' has %s = " STR_FMT " which is not upgradeable to " STR_FMT,
                STR_ARG(all->old->name), property, STR_ARG(was), STR_ARG(is));
}

static bool same_text(Str a, Str b) { return str_is_null(a) == str_is_null(b) && str_equal(a, b); }

bool same_format(const FormatSpec *a, const FormatSpec *b, int side, size_t count_a, size_t count_b)
{
    return a->format == b->format && same_text(a->delimiter, b->delimiter) &&
           (count_a != count_b || serde_features(a, side, count_a) == serde_features(b, side, count_b));
}

static void print_topic(const Source *source, StrBuf *out)
{
    strbuf_addf(out, "KsqlTopic{kafkaTopicName='" STR_FMT "', keyFormat=%s, valueFormat=%s}",
                STR_ARG(source->topic), format_name(source->key_format.format),
                format_name(source->value_format.format));
}

static void print_one(const Column *column, StrBuf *out)
{
    if (out->len > 0)
        strbuf_adds(out, ", ");
    strbuf_addf(out, "`" STR_FMT "` ", STR_ARG(column->name));
    type_print(column->type, out);
    if (column->role == COLUMN_KEY)
        strbuf_adds(out, " KEY");
}

/* Old columns of [from, from + count) that are not at the same place in the new schema. */
static void changed_columns(const Schema *old, size_t old_from, size_t count, const Schema *next,
                            size_t next_from, size_t next_count, StrBuf *out)
{
    for (size_t i = 0; i < count; i++) {
        const Column *was = &old->columns[old_from + i];
        const Column *is  = i < next_count ? &next->columns[next_from + i] : NULL;
        if (is == NULL || !str_equal(was->name, is->name) || !type_equal(was->type, is->type))
            print_one(was, out);
    }
}

static void differ_schema(Differences *all, const Source *next, const char *what, const StrBuf *columns)
{
    StrBuf was = {0}, is = {0};
    schema_print(all->old->schema, false, &was);
    schema_print(next->schema, false, &is);
    differ(all, "schema", strbuf_str(&was), strbuf_str(&is));
    strbuf_addf(&all->text, ". (%s [" STR_FMT "])", what, STR_ARG(strbuf_str(columns)));
    strbuf_clear(&was);
    strbuf_clear(&is);
}

static void compare_schemas(Differences *all, const Source *next)
{
    const Schema *old = all->old->schema, *new = next->schema;
    StrBuf        keys = {0}, values = {0};
    changed_columns(old, 0, old->key_count, new, 0, new->key_count, &keys);
    if (new->key_count > old->key_count)
        changed_columns(new, 0, new->key_count, old, 0, old->key_count, &keys);
    changed_columns(old, old->key_count, old->value_count, new, new->key_count, new->value_count, &values);
    if (keys.len > 0)
        differ_schema(
            all, next,
            "Key columns must be identical. The following key columns are changed, missing or reordered:",
            &keys);
    else if (values.len > 0)
        differ_schema(all, next, "The following columns are changed, missing or reordered:", &values);
    strbuf_clear(&keys);
    strbuf_clear(&values);
}

Status check_source_upgrade(const Source *old, const Source *next, Error *err)
{
    Differences   all        = {.old = old};
    const Schema *old_schema = old->schema, *next_schema = next->schema;
    if (old->is_table != next->is_table)
        differ(&all, "type", str_c(old->is_table ? "KTABLE" : "KSTREAM"),
               str_c(next->is_table ? "KTABLE" : "KSTREAM"));
    if (!str_equal(old->topic, next->topic) ||
        !same_format(&old->key_format, &next->key_format, SIDE_KEY, old_schema->key_count,
                     next_schema->key_count) ||
        !same_format(&old->value_format, &next->value_format, SIDE_VALUE, old_schema->value_count,
                     next_schema->value_count)) {
        StrBuf was = {0}, is = {0};
        print_topic(old, &was);
        print_topic(next, &is);
        differ(&all, "topic", strbuf_str(&was), strbuf_str(&is));
        strbuf_clear(&was);
        strbuf_clear(&is);
    }
    if (!same_text(old->timestamp_column, next->timestamp_column) ||
        !same_text(old->timestamp_format, next->timestamp_format))
        differ(&all, "timestampColumn", old->timestamp_column, next->timestamp_column);
    compare_schemas(&all, next);

    Status status = OK;
    if (all.text.len > 0)
        status = error_set(err, E_PLAN, NO_POS, "Cannot upgrade data source: " STR_FMT,
                           STR_ARG(strbuf_str(&all.text)));
    strbuf_clear(&all.text);
    return status;
}

void name_key_schema(Arena *arena, Source *source)
{
    FormatSpec *format = &source->key_format;
    if (str_is_null(format->full_schema_name) && format->format != NULL)
        format->full_schema_name = schema_key_name(format->format, source->name, arena);
}
