/*
 * plan_source.c - CREATE STREAM|TABLE name (columns) WITH (...), and ALTER: from the statement to a Source.
 *
 * Order (sql.md 4.1.3): formats are filled in, columns are taken or inferred (inference.c), the topic is
 * found, then names, schema and formats are checked.
 */
#include "parser/parser.h"
#include "planner/inference.h"
#include "planner/source_rules.h"
#include "planner/query_build.h"
#include "planner/with.h"

/* ---- columns ---- */

/* The line:col form that checks of columns print inside the text (sql.md 6.1). */
static Status refuse_key(const AstElement *element, bool is_table, Error *err)
{
    const char *got = is_table ? "KEY" : "PRIMARY KEY", *want = is_table ? "PRIMARY KEY" : "KEY";
    return error_set(
        err, E_PLAN, element->name.pos,
        "Line: %u, Col: %u: Column `" STR_FMT
        "` is a '%s' column: please use '%s' for %ss.\nTables have PRIMARY KEYs, which are "
        "unique and NON NULL.\nStreams have KEYs, which have no uniqueness or NON NULL constraints.",
        element->name.pos.line, element->name.pos.col, STR_ARG(element->name.text), got, want,
        source_kind(is_table));
}

static bool is_headers_type(const SqlType *type)
{
    if (type->kind != T_ARRAY || type->element->kind != T_STRUCT || type->element->field_count != 2)
        return false;
    const SqlField *fields = type->element->fields;
    return str_equal(fields[0].name, STR_LIT("KEY")) && fields[0].type->kind == T_STRING &&
           str_equal(fields[1].name, STR_LIT("VALUE")) && fields[1].type->kind == T_BYTES;
}

static Status refuse_header_type(const AstElement *element, const char *expected, const SqlType *type,
                                 Error *err)
{
    StrBuf text = {0};
    type_print(type, &text);
    if (str_is_null(element->header_key))
        error_set(err, E_PLAN, element->name.pos,
                  "Invalid type for HEADERS column: expected %s, got " STR_FMT, expected,
                  STR_ARG(strbuf_str(&text)));
    else
        error_set(err, E_PLAN, element->name.pos,
                  "Invalid type for HEADER('" STR_FMT "') column: expected %s, got " STR_FMT,
                  STR_ARG(element->header_key), expected, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Status check_header_column(const AstElement *element, const SqlType *type, Error *err)
{
    if (element->kind == ELEMENT_HEADERS && !is_headers_type(type))
        return refuse_header_type(element, "ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>", type, err);
    if (element->kind == ELEMENT_HEADER && type->kind != T_BYTES)
        return refuse_header_type(element, "BYTES", type, err);
    return OK;
}

static Status element_to_column(const Planner *planner, const AstElement *element, bool is_table, Column *out,
                                Error *err)
{
    out->name = element->name.text;
    if (is_reserved_column(out->name))
        return error_set(err, E_PLAN, element->name.pos,
                         "'" STR_FMT "' is a reserved column name. You cannot use it as a name for a column.",
                         STR_ARG(out->name));
    if (element->kind == (is_table ? ELEMENT_KEY : ELEMENT_PRIMARY_KEY))
        return refuse_key(element, is_table, err);
    TRY(resolve_type(planner->catalog, element->type, planner->arena, &out->type, err));
    TRY(check_header_column(element, out->type, err));
    switch (element->kind) {
    case ELEMENT_VALUE:
        out->role = COLUMN_VALUE;
        break;
    case ELEMENT_KEY:
    case ELEMENT_PRIMARY_KEY:
        out->role = COLUMN_KEY;
        break;
    case ELEMENT_HEADERS:
    case ELEMENT_HEADER:
        out->role       = COLUMN_HEADERS;
        out->header_key = element->header_key;
        break;
    }
    return OK;
}

static Status check_headers_unique(Arena *arena, const Column *columns, size_t count, Error *err)
{
    NameSet *keys   = name_set_new(arena);
    size_t   before = 0;
    bool     all    = false, added;
    for (size_t i = 0; i < count; i++) {
        if (columns[i].role != COLUMN_HEADERS)
            continue;
        all = all || str_is_null(columns[i].header_key);
        if (before++ > 0 && all)
            return error_set(err, E_PLAN, NO_POS, "Schema already contains a HEADERS column.");
        (void)name_set_put(keys, columns[i].header_key, &added);
        if (!added)
            return error_set(err, E_PLAN, NO_POS, "Schema already contains a HEADER('" STR_FMT "') column.",
                             STR_ARG(columns[i].header_key));
    }
    return OK;
}

/* `elements`: the columns' places; NULL: nobody knows them. */
static Status check_columns_unique(Arena *arena, const Column *columns, const AstElement *elements,
                                   size_t count, Error *err)
{
    StrBuf   names = {0};
    Pos      pos   = NO_POS;
    NameSet *known = name_set_new(arena);
    for (size_t i = 0; i < count; i++) {
        bool added;
        (void)name_set_put(known, columns[i].name, &added);
        if (added)
            continue;
        pos = names.len == 0 && elements != NULL ? elements[i].name.pos : pos;
        strbuf_addf(&names, "%s`" STR_FMT "`", names.len ? ", " : "", STR_ARG(columns[i].name));
    }
    Status status = OK;
    if (names.len > 0)
        status = error_set(err, E_PLAN, pos, "Duplicate column names: " STR_FMT, STR_ARG(strbuf_str(&names)));
    strbuf_clear(&names);
    return status;
}

enum { MOST_KEYS = 256 };

static Status declared_schema(const Planner *planner, const AstStatement *statement, const Schema **out,
                              Error *err)
{
    size_t  count   = statement->element_count;
    Column *columns = ARENA_ARRAY(planner->arena, Column, count);
    size_t  keys    = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(element_to_column(planner, &statement->elements[i], statement->is_table, &columns[i], err));
        keys += columns[i].role == COLUMN_KEY;
    }
    if (keys > MOST_KEYS) /* they are compared with whatever a query selects */
        return error_set(err, E_PLAN, statement->pos, "The key has more than %d columns", MOST_KEYS);
    TRY(check_headers_unique(planner->arena, columns, count, err));
    TRY(check_columns_unique(planner->arena, columns, statement->elements, count, err));
    *out = schema_new(planner->arena, columns, count);
    return OK;
}

/* ---- formats ---- */

static Status create_formats(const Planner *planner, const WithClause *with, Source *source, Error *err)
{
    const PlannerHost *host         = planner->host;
    Str                key_format   = with->key_format;
    Str                value_format = with->value_format;
    if (str_is_null(key_format)) {
        key_format = host->property(host, "ksql.persistence.default.format.key");
        if (str_is_null(key_format))
            key_format = str_c(format_name(format_default_key()));
    }
    if (str_is_null(value_format))
        value_format = host->property(host, "ksql.persistence.default.format.value");
    if (str_is_null(value_format))
        return error_set(err, E_PLAN, NO_POS,
                         "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either "
                         "provide one or set a default via the "
                         "'ksql.persistence.default.format.value' config.");
    TRY(with_format(with, SIDE_KEY, str_upper(planner->arena, key_format), &source->key_format, err));
    name_key_schema(planner->arena, source);
    return with_format(with, SIDE_VALUE, str_upper(planner->arena, value_format), &source->value_format, err);
}

static Status check_columns(const Source *source, Error *err)
{
    const Schema *schema = source->schema;
    if (schema->count == 0)
        return error_set(err, E_PLAN, NO_POS, "The statement does not define any columns.");
    if (source->is_table && schema->key_count == 0)
        return error_set(
            err, E_PLAN, NO_POS, "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.%s",
            source->value_format.schema_id == 0
                ? ""
                : "\nUse a partial schema to define the primary key and still load the value columns "
                  "from the Schema Registry, for example:\n\tCREATE TABLE t (k INT PRIMARY KEY) WITH (...);");
    if (schema->value_count == 0 && schema->key_count == 0)
        return error_set(err, E_PLAN, NO_POS, "No columns supplied.");
    return OK;
}

/* ---- topic ---- */

/* Compaction keeps the last record of each key, which is what a table is. Windowed keys do not come again
 * once their window has passed: those must also be deleted, or the topic grows for ever. */
static void wish_topic(const WithClause *with, const Source *source, TopicWish *wish)
{
    wish->name           = source->topic;
    wish->partitions     = with->partitions;
    wish->replicas       = with->replicas;
    wish->retention_ms   = with->has_retention ? with->retention_ms : -1;
    wish->cleanup_policy = !source->is_table                    ? "delete"
                           : source->window.kind == WINDOWED_NO ? "compact"
                                                                : "compact,delete";
    wish->must_exist     = with->partitions == 0;
}

static Status find_topic(const Planner *planner, const AstStatement *statement, const WithClause *with,
                         Source *source, Error *err)
{
    int partitions = 0, replicas = 0;
    if (str_is_null(with->topic))
        return error_set(err, E_PLAN, statement->pos,
                         "Failed to prepare statement: Missing required property \"KAFKA_TOPIC\" which has "
                         "no default value.");
    source->topic = with->topic;
    if (planner->host->topic(planner->host, with->topic, &partitions, &replicas)) {
        source->partitions = partitions;
        return OK; /* whether the counts agree is checked where topics are made */
    }
    source->partitions = with->partitions;
    if (with->partitions > 0)
        return OK;
    StrBuf text = {0};
    ast_print_statement(statement, &text);
    Str shown = strbuf_str(&text);
    while (shown.len > 0 && (shown.ptr[shown.len - 1] == ';' || shown.ptr[shown.len - 1] == ')'))
        shown.len--;
    error_set(err, E_PLAN, statement->pos,
              "Topic '" STR_FMT "' does not exist. If you want to create a new topic for the stream/table "
              "please re-run the statement providing "
              "the required 'PARTITIONS' configuration in the WITH clause (and optionally 'REPLICAS'). For "
              "example: " STR_FMT ", PARTITIONS=2, REPLICAS=1);",
              STR_ARG(with->topic), STR_ARG(shown));
    strbuf_clear(&text);
    return E_PLAN;
}

/* ---- the statements ---- */

static bool switched_off(const Planner *planner, const char *property)
{
    Str value = planner->host->property(planner->host, property);
    return !str_is_null(value) && str_equal_nocase(value, STR_LIT("false"));
}

static Status check_retention(const WithClause *with, const Source *source, Error *err)
{
    if (with->has_retention && source->is_table && source->window.kind == WINDOWED_NO)
        return error_set(err, E_PLAN, NO_POS,
                         "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do "
                         "not support retention.");
    return OK;
}

static Status declare_source(const Planner *planner, const AstStatement *statement, const WithClause *with,
                             Source *source, Error *err)
{
    source->name      = statement->name.text;
    source->is_table  = statement->is_table;
    source->read_only = statement->source_keyword;
    source->window    = with->window;
    source->statement = statement->text;
    TRY(declared_schema(planner, statement, &source->schema, err));
    TRY(create_formats(planner, with, source, err));
    TRY(check_retention(with, source, err));
    source->topic = with->topic;
    if (!str_is_null(with->topic))
        TRY(infer_source_columns(planner, with, source, err));
    TRY(check_columns(source, err));
    TRY(with_wrapping(with, planner->host, &source->value_format, source->schema->value_count, err));
    int slot;
    TRY(with_timestamp(with, source->schema, &slot, err));
    source->timestamp_column = with->timestamp_column;
    source->timestamp_format = with->timestamp_format;
    source->retention_ms     = with->has_retention ? with->retention_ms : -1;
    TRY(find_topic(planner, statement, with, source, err));
    return check_source(source, err);
}

/* Topic, formats and keys must stay: queries on the source go on with what they have read under its former
 * definition (sql.md 4.1.5). */
static Status check_replace(const Planner *planner, const AstStatement *statement, const Source *next,
                            Error *err)
{
    const Source *old = catalog_source(planner->catalog, next->name);
    if (old == NULL || !statement->or_replace)
        return OK;
    if (switched_off(planner, "ksql.create.or.replace.enabled"))
        return error_set(err, E_PLAN, statement->pos,
                         "CREATE OR REPLACE is disabled: ksql.create.or.replace.enabled is false");
    return check_source_upgrade(old, next, err);
}

static bool has_header_elements(const AstStatement *statement)
{
    for (size_t i = 0; i < statement->element_count; i++)
        if (statement->elements[i].kind == ELEMENT_HEADERS || statement->elements[i].kind == ELEMENT_HEADER)
            return true;
    return false;
}

static Status check_switches(const Planner *planner, const AstStatement *statement, Error *err)
{
    if (statement->source_keyword && statement->is_table &&
        switched_off(planner, "ksql.source.table.materialization.enabled"))
        return error_set(err, E_PLAN, statement->pos,
                         "Cannot execute command because source table materialization is disabled.");
    if (has_header_elements(statement) && switched_off(planner, "ksql.headers.columns.enabled"))
        return error_set(err, E_PLAN, statement->pos,
                         "Cannot create Stream or Table with columns with HEADERS/HEADER(<key>) if "
                         "ksql.headers.columns.enabled is false.");
    return OK;
}

Status plan_create_source(const Planner *planner, const AstStatement *statement, Source **source,
                          TopicWish *topic, QueryPlan **query, Error *err)
{
    WithClause with;
    *query  = NULL;
    *source = ARENA_NEW(planner->arena, Source);
    TRY(check_source_name(&statement->name, err));
    TRY(check_switches(planner, statement, err));
    TRY(with_parse(planner->arena, statement, WITH_CREATE, &with, err));
    TRY(check_name_free(planner->catalog, statement, err));
    TRY(declare_source(planner, statement, &with, *source, err));
    TRY(check_replace(planner, statement, *source, err));
    wish_topic(&with, *source, topic);
    if ((*source)->read_only && (*source)->is_table)
        return query_build_source_table(planner, *source, query, err);
    return OK;
}

Status plan_alter_source(const Planner *planner, const AstStatement *statement, Source **out, Error *err)
{
    const Source *old  = catalog_source(planner->catalog, statement->name.text);
    const char   *kind = source_kind(statement->is_table);
    if (old == NULL)
        return error_set(err, E_PLAN, statement->name.pos, "Source " STR_FMT " does not exist.",
                         STR_ARG(statement->name.text));
    if (old->is_table != statement->is_table)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Incompatible data source type is %s, but statement was ALTER %s",
                         old->is_table ? "TABLE" : "STREAM", statement->is_table ? "TABLE" : "STREAM");
    if (old->derived)
        return error_set(err, E_PLAN, statement->pos,
                         "ALTER command is not supported for CREATE ... AS statements.");
    if (old->read_only)
        return error_set(err, E_PLAN, statement->pos,
                         "Cannot alter %s '" STR_FMT "': ALTER operations are not supported on source %ss.",
                         kind, STR_ARG(old->name), kind);

    /* Columns are only appended: records that are in the topic already read NULL there. Queries that exist
     * keep the schema of their plans. */
    size_t  count   = old->schema->count + statement->element_count;
    Column *columns = ARENA_ARRAY(planner->arena, Column, count);
    memcpy(columns, old->schema->columns, old->schema->count * sizeof *columns);
    for (size_t i = 0; i < statement->element_count; i++) {
        const AstElement *element = &statement->elements[i];
        if (schema_find(old->schema, element->name.text) >= 0)
            return error_set(err, E_PLAN, element->name.pos,
                             "Cannot add column `" STR_FMT
                             "` to schema. A column with the same name already exists.",
                             STR_ARG(element->name.text));
        TRY(element_to_column(planner, element, old->is_table, &columns[old->schema->count + i], err));
    }
    TRY(check_columns_unique(planner->arena, columns, NULL, count, err));
    *out           = source_copy(planner->arena, old);
    (*out)->schema = schema_new(planner->arena, columns, count);
    return check_source(*out, err);
}
