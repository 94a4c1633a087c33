/*
 * inference.c - see inference.h.
 *
 * Key and value are independent: a side with columns of its own is left alone. Names found by a topic's
 * subject are folded to upper case, as if somebody had typed them without quotes; those of a schema that was
 * named by its id stay as they are, because records are written by that very schema.
 */
#include "planner/inference.h"

#include "serde/schema_text.h"

static const char *const side_words[]  = {"KEY", "VALUE"};
static const char *const side_titles[] = {"Key", "Value"};

static const FormatSpec *side_format(const Source *source, int side)
{
    return side == SIDE_KEY ? &source->key_format : &source->value_format;
}

static size_t side_columns(const Schema *schema, int side)
{
    return side == SIDE_KEY ? schema->key_count : schema->value_count;
}

/* Keys are bare wherever the format can be; a value only when the statement says so. */
static bool is_unwrapped(const FormatSpec *format, int side, bool wrap_said_false)
{
    return format_facts(format->format)->unwraps && (side == SIDE_KEY || wrap_said_false);
}

static Status refuse_missing(Str topic, Str subject, int side, Error *err)
{
    return error_set(
        err, E_PLAN, NO_POS,
        "Schema for message %ss on topic '" STR_FMT
        "' does not exist in the Schema Registry.\nSubject: " STR_FMT
        "\nPossible causes include:\n- The topic itself does not exist\n\t-> Use SHOW TOPICS; to check\n"
        "- Messages on the topic are not serialized using a format Schema Registry supports\n"
        "\t-> Use PRINT '" STR_FMT "' FROM BEGINNING; to verify\n"
        "- Messages on the topic have not been serialized using a Confluent Schema Registry supported "
        "serializer\n"
        "- The schema is registered on a different instance of the Schema Registry\n"
        "\t-> Use the REST API to list available subjects\n"
        "- You do not have permissions to access the Schema Registry.",
        side == SIDE_KEY ? "key" : "value", STR_ARG(topic), STR_ARG(subject), STR_ARG(topic));
}

static Status fetch(const Planner *planner, const Source *source, int side, RegisteredSchema *out, Error *err)
{
    const FormatSpec *format  = side_format(source, side);
    Str               subject = registry_subject(planner->arena, source->topic, side);
    Status            status;
    if (format->schema_id != 0) {
        registry_refresh(planner->registry, format->schema_id);
        status = registry_by_id(planner->registry, format->schema_id, planner->arena, out, err);
    } else
        status = registry_latest(planner->registry, subject, planner->arena, out, err);
    if (status == E_NOT_FOUND && format->schema_id == 0)
        return refuse_missing(source->topic, subject, side, err);
    if (status == E_NOT_FOUND)
        return error_set(err, E_PLAN, NO_POS,
                         "Schema for message %ss on topic '" STR_FMT
                         "' does not exist in the Schema Registry.\nSchema Id: %d",
                         side == SIDE_KEY ? "key" : "value", STR_ARG(source->topic), (int)format->schema_id);
    TRY(status);
    if (out->kind == schema_kind_of(format->format))
        return OK;
    return error_set(err, E_PLAN, NO_POS,
                     "%s schema is not in the expected format. You may want to set %s_FORMAT to '%s'.\n"
                     "Source schema format: %s.",
                     side_titles[side], side_words[side], format_name(schema_format(out->kind)),
                     schema_kind_name(out->kind));
}

static Status fetch_columns(const Planner *planner, const Source *source, int side, bool unwrapped,
                            Column **out, size_t *count, Error *err)
{
    const FormatSpec *format = side_format(source, side);
    RegisteredSchema  schema;
    TRY(fetch(planner, source, side, &schema, err));
    SchemaQuestion question = {.format    = format,
                               .side      = side,
                               .schema    = &schema,
                               .registry  = planner->registry,
                               .unwrapped = unwrapped,
                               .upper     = format->schema_id == 0};
    return schema_columns(&question, planner->arena, out, count, err);
}

/* Header columns do not count as declared. */
static Status check_side(const WithClause *with, const Source *source, int side, Error *err)
{
    const FormatSpec *format = side_format(source, side);
    bool              has_id = side == SIDE_KEY ? with->has_key_schema_id : with->has_value_schema_id;
    if (!has_id)
        return OK;
    if (!format_facts(format->format)->infers)
        return error_set(err, E_PLAN, NO_POS,
                         "%s_FORMAT should support schema inference when %s_SCHEMA_ID is provided. "
                         "Current format is %s.",
                         side_words[side], side_words[side], format_name(format->format));
    if (side_columns(source->schema, side) > 0)
        return error_set(err, E_PLAN, NO_POS,
                         "Table elements and %s_SCHEMA_ID cannot both exist for create statement.",
                         side_words[side]);
    return OK;
}

static Status infer_side(const Planner *planner, const WithClause *with, Source *source, int side, Error *err)
{
    const FormatSpec *format = side_format(source, side);
    const Schema     *schema = source->schema;
    Column           *found, *all;
    size_t            count;
    if (side_columns(schema, side) > 0 || !format_facts(format->format)->infers)
        return OK;
    if (!format_facts(format->format)->built)
        return error_set(err, E_UNSUPPORTED, NO_POS, "Sluice cannot read the schemas of %s yet",
                         format_name(format->format));
    bool unwrapped = is_unwrapped(format, side, with->has_wrap && !with->wrap);
    TRY(fetch_columns(planner, source, side, unwrapped, &found, &count, err));
    all = ARENA_ARRAY(planner->arena, Column, schema->count + count);
    memcpy(all, schema->columns, schema->count * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[schema->count + i]      = found[i];
        all[schema->count + i].role = side == SIDE_KEY ? COLUMN_KEY : COLUMN_VALUE;
    }
    source->schema = schema_new(planner->arena, all, schema->count + count);
    return OK;
}

Status infer_source_columns(const Planner *planner, const WithClause *with, Source *source, Error *err)
{
    for (int side = SIDE_KEY; side <= SIDE_VALUE; side++)
        TRY(check_side(with, source, side, err));
    for (int side = SIDE_KEY; side <= SIDE_VALUE; side++)
        TRY(infer_side(planner, with, source, side, err));
    return OK;
}

/* ---- CREATE ... AS ---- */

static void print_columns(const Column *columns, size_t count, StrBuf *out)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "%s`" STR_FMT "` ", i ? ", " : "", STR_ARG(columns[i].name));
        type_print(columns[i].type, out);
    }
}

/* A bare column has no name in its schema. */
static bool same_column(const Column *result, const Column *schema, bool unwrapped)
{
    return (unwrapped || str_equal(result->name, schema->name)) && type_equal(result->type, schema->type);
}

static Status check_sink_side(const Planner *planner, const Source *sink, int side, Error *err)
{
    const FormatSpec *format    = side_format(sink, side);
    size_t            have      = side_columns(sink->schema, side), count;
    const Column     *columns   = sink->schema->columns + (side == SIDE_KEY ? 0 : sink->schema->key_count);
    bool              unwrapped = serde_is_unwrapped(format, side, have);
    Column           *wanted;
    if (format->schema_id == 0)
        return OK;
    if (!format_facts(format->format)->infers)
        return error_set(err, E_PLAN, NO_POS,
                         "%s_FORMAT should support schema inference when %s_SCHEMA_ID is provided. "
                         "Current format is %s.",
                         side_words[side], side_words[side], format_name(format->format));
    TRY(fetch_columns(planner, sink, side, unwrapped, &wanted, &count, err));
    StrBuf changed = {0}, all = {0};
    for (size_t i = 0; i < have; i++) {
        if (i < count && same_column(&columns[i], &wanted[i], unwrapped))
            continue;
        strbuf_adds(&changed, changed.len ? ", " : "");
        print_columns(&columns[i], 1, &changed);
    }
    print_columns(wanted, count, &all);
    Status status = OK;
    if (changed.len > 0)
        status = error_set(err, E_PLAN, NO_POS,
                           "The following %s columns are changed, missing or reordered: [" STR_FMT
                           "]. Schema from schema registry is [" STR_FMT "]",
                           side == SIDE_KEY ? "key" : "value", STR_ARG(strbuf_str(&changed)),
                           STR_ARG(strbuf_str(&all)));
    strbuf_clear(&changed);
    strbuf_clear(&all);
    return status;
}

Status check_sink_schemas(const Planner *planner, const Source *sink, Error *err)
{
    TRY(check_sink_side(planner, sink, SIDE_KEY, err));
    return check_sink_side(planner, sink, SIDE_VALUE, err);
}
