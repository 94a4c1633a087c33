/*
 * with.c - one table of properties: name, where it may stand, how its value is read.
 *
 * A new property is a row and a reader. Readers see the literal as the parser gave it; values of any literal
 * kind are converted to what the property wants, as ksqlDB does ('4' is good for PARTITIONS).
 */
#include "planner/with.h"

#include <stdlib.h>

#include "core/suggest.h"
#include "parser/parser.h"
#include "udf/time_pattern.h"

typedef struct {
    Arena         *arena;
    WithClause    *with;
    const char    *name; /* of the property */
    Str            text; /* the literal's text */
    const AstExpr *value;
    void          *field; /* in *with */
} Reading;

typedef Status (*PropertyReader)(const Reading *in, Error *err);

typedef struct {
    const char    *name;
    unsigned       uses; /* bits of 1 << WithUse */
    PropertyReader read;
    size_t         offset; /* of the field in WithClause */
} Property;

static Status invalid(const Reading *in, Error *err, const char *reason)
{
    return error_set(err, E_PLAN, in->value->pos,
                     "Failed to prepare statement: Configuration %s is invalid: %s", in->name, reason);
}

/* ---- readers ---- */

static Status read_text(const Reading *in, Error *err)
{
    *(Str *)in->field = in->text;
    return OK;
}

static Status read_topic(const Reading *in, Error *err)
{
    if (in->text.len == 0)
        return invalid(in, err, "String must be non-empty");
    return read_text(in, err);
}

static Status read_format(const Reading *in, Error *err)
{
    bool key                                                         = in->field == &in->with->key_format;
    *(Str *)in->field                                                = str_upper(in->arena, in->text);
    *(key ? &in->with->key_format_pos : &in->with->value_format_pos) = in->value->pos;
    return OK;
}

static Status read_number(const Reading *in, const char *type, int64_t *out, Error *err)
{
    if (int64_parse(str_trim(in->text), out))
        return OK;
    return error_set(err, E_PLAN, in->value->pos,
                     "Failed to prepare statement: Invalid value " STR_FMT
                     " for property %s: Not a number of type %s",
                     STR_ARG(in->text), in->name, type);
}

static Status read_count(const Reading *in, Error *err)
{
    int64_t n;
    TRY(read_number(in, "INT", &n, err));
    if (n < 1 || n > 1000000)
        return error_set(err, E_PLAN, in->value->pos,
                         "Failed to prepare statement: Invalid value " STR_FMT
                         " for property %s: must be at least 1",
                         STR_ARG(in->text), in->name);
    *(int *)in->field = (int)n;
    return OK;
}

static Status read_retention(const Reading *in, Error *err)
{
    TRY(read_number(in, "LONG", &in->with->retention_ms, err));
    in->with->has_retention = true;
    return OK;
}

static Status read_schema_id(const Reading *in, Error *err)
{
    bool key = strcmp(in->name, "KEY_SCHEMA_ID") == 0;
    *(key ? &in->with->has_key_schema_id : &in->with->has_value_schema_id) = true;
    return read_number(in, "INT", in->field, err);
}

static Status read_delimiter(const Reading *in, Error *err)
{
    Str delimiter;
    if (format_parse_delimiter(in->text, &delimiter, err) != OK)
        return error_prefix(err, "Failed to prepare statement: Configuration %s is invalid: ", in->name);
    *(Str *)in->field = str_dup(in->arena, delimiter);
    return OK;
}

static Status read_wrap(const Reading *in, Error *err)
{
    bool yes = str_equal_nocase(in->text, STR_LIT("true"));
    if (!yes && !str_equal_nocase(in->text, STR_LIT("false")))
        return error_set(err, E_PLAN, in->value->pos,
                         "Failed to prepare statement: Invalid value " STR_FMT
                         " for property %s: Expected value to be either true or false",
                         STR_ARG(in->text), in->name);
    in->with->has_wrap = true;
    in->with->wrap     = yes;
    return OK;
}

/* A column's name in a string: quoted names keep their case. */
static Status read_column(const Reading *in, Error *err)
{
    Str s = in->text;
    if (s.len >= 2 && (s.ptr[0] == '`' || s.ptr[0] == '"') && s.ptr[s.len - 1] == s.ptr[0])
        *(Str *)in->field = str_n(s.ptr + 1, s.len - 2);
    else
        *(Str *)in->field = str_upper(in->arena, s);
    return OK;
}

static Status read_time_format(const Reading *in, Error *err)
{
    TimePattern *pattern;
    Error        why;
    if (time_pattern_compile(in->text, in->arena, &pattern, &why) != OK)
        return error_set(
            err, E_PLAN, in->value->pos,
            "Failed to prepare statement: Invalid datetime format for config:TIMESTAMP_FORMAT, reason:%s",
            why.message);
    return read_text(in, err);
}

static Status read_window_type(const Reading *in, Error *err)
{
    static const char *const names[] = {"TUMBLING", "HOPPING", "SESSION"};
    for (int i = 0; i < (int)ARRAY_LEN(names); i++) {
        if (str_equal_nocase(in->text, str_c(names[i]))) {
            in->with->window.kind = (WindowedKind)(WINDOWED_TUMBLING + i);
            return OK;
        }
    }
    return invalid(in, err, "String must be one of: SESSION, HOPPING, TUMBLING, null");
}

/* '10 SECONDS', as ksqlDB's DurationParser reads it. */
static Status read_window_size(const Reading *in, Error *err)
{
    static const struct {
        const char *name;
        int64_t     ms;
    } units[] = {
        {"DAY", 86400000}, {"HOUR", 3600000}, {"MINUTE", 60000}, {"SECOND", 1000}, {"MILLISECOND", 1},
    };
    Str       text  = str_trim(in->text);
    ptrdiff_t blank = str_find(text, STR_LIT(" "), 0);
    Str       unit  = blank < 0 ? STR_NULL
                                : str_upper(in->arena, str_trim(str_n(text.ptr + blank, text.len - (size_t)blank)));
    int64_t   amount;
    if (blank < 0)
        return error_set(
            err, E_PLAN, in->value->pos,
            "Failed to prepare statement: Configuration WINDOW_SIZE is invalid: Invalid duration: '" STR_FMT
            "'. Expected format: <size> <unit>",
            STR_ARG(in->text));
    if (!int64_parse(str_n(text.ptr, (size_t)blank), &amount))
        return error_set(
            err, E_PLAN, in->value->pos,
            "Failed to prepare statement: Configuration WINDOW_SIZE is invalid: Invalid duration: '" STR_FMT
            "'. Not numeric: '" STR_FMT "'",
            STR_ARG(in->text), STR_ARG(str_n(text.ptr, (size_t)blank)));
    Str singular = unit.len > 1 && unit.ptr[unit.len - 1] == 'S' ? str_n(unit.ptr, unit.len - 1) : unit;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_equal(singular, str_c(units[i].name)))
            continue;
        if (amount <= 0 || amount > INT64_MAX / units[i].ms)
            return error_set(err, E_PLAN, in->value->pos,
                             "Failed to prepare statement: Configuration WINDOW_SIZE is invalid: Invalid "
                             "duration: '" STR_FMT
                             "'. The size must be above 0 and fit 64 bits of milliseconds",
                             STR_ARG(in->text));
        in->with->window.size_ms = amount * units[i].ms;
        return OK;
    }
    return error_set(
        err, E_PLAN, in->value->pos,
        "Failed to prepare statement: Configuration WINDOW_SIZE is invalid: Invalid duration: '" STR_FMT
        "'. Unknown time unit: '" STR_FMT "'\nSupported time units are: NANOSECONDS, MICROSECONDS, "
        "MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS",
        STR_ARG(in->text), STR_ARG(unit));
}

static Status read_nullable(const Reading *in, Error *err)
{
    Str upper = str_upper(in->arena, in->text);
    if (!str_equal(upper, STR_LIT("OPTIONAL")) && !str_equal(upper, STR_LIT("WRAPPER")))
        return invalid(in, err, "String must be one of: OPTIONAL, WRAPPER, null");
    *(Str *)in->field = upper;
    return OK;
}

static Status read_cleanup_policy(const Reading *in, Error *err)
{
    return error_set(err, E_PLAN, in->value->pos,
                     "Invalid config variable in the WITH clause: CLEANUP_POLICY.\nThe CLEANUP_POLICY config "
                     "is automatically "
                     "inferred based on the type of source (STREAM or TABLE).\nUsers can't set the "
                     "CLEANUP_POLICY config manually.");
}

static Status read_ignored(const Reading *in, Error *err) { return OK; }

static Status read_query_id(const Reading *in, Error *err)
{
    static const char *const reserved[] = {"INSERTQUERY_", "CTAS_", "CSAS_", "CST_"};
    Str                      id         = str_upper(in->arena, in->text);
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return error_set(err, E_PLAN, in->value->pos,
                             "Query IDs may contain only alphanumeric characters and '_'. Got: '" STR_FMT "'",
                             STR_ARG(in->text));
    }
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (str_starts_with(id, str_c(reserved[i])))
            return error_set(err, E_PLAN, in->value->pos,
                             "Query IDs must not start with a reserved query ID prefix (INSERTQUERY_, CTAS_, "
                             "CSAS_, CST_). Got '" STR_FMT "'.",
                             STR_ARG(id));
    *(Str *)in->field = id;
    return OK;
}

/* ---- the table ---- */

enum {
    IN_CREATE = 1 << WITH_CREATE,
    IN_AS     = 1 << WITH_CREATE_AS,
    IN_INSERT = 1 << WITH_INSERT,
    IN_ASSERT = 1 << WITH_ASSERT
};
#define IN_BOTH (IN_CREATE | IN_AS | IN_ASSERT)
#define FIELD(name) offsetof(WithClause, name)

static const Property properties[] = {
    {"KAFKA_TOPIC", IN_BOTH, read_topic, FIELD(topic)},
    {"PARTITIONS", IN_BOTH, read_count, FIELD(partitions)},
    {"REPLICAS", IN_BOTH, read_count, FIELD(replicas)},
    {"RETENTION_MS", IN_BOTH, read_retention, 0},
    {"CLEANUP_POLICY", IN_BOTH, read_cleanup_policy, 0},
    {"FORMAT", IN_BOTH, read_format, FIELD(value_format)}, /* with_parse copies it to the key side */
    {"KEY_FORMAT", IN_BOTH, read_format, FIELD(key_format)},
    {"VALUE_FORMAT", IN_BOTH, read_format, FIELD(value_format)},
    {"KEY_DELIMITER", IN_BOTH, read_delimiter, FIELD(key_delimiter)},
    {"VALUE_DELIMITER", IN_BOTH, read_delimiter, FIELD(value_delimiter)},
    {"WRAP_SINGLE_VALUE", IN_BOTH, read_wrap, 0},
    {"TIMESTAMP", IN_BOTH, read_column, FIELD(timestamp_column)},
    {"TIMESTAMP_FORMAT", IN_BOTH, read_time_format, FIELD(timestamp_format)},
    {"WINDOW_TYPE", IN_CREATE | IN_ASSERT, read_window_type, 0},
    {"WINDOW_SIZE", IN_CREATE | IN_ASSERT, read_window_size, 0},
    {"KEY_SCHEMA_ID", IN_BOTH, read_schema_id, FIELD(key_schema_id)},
    {"VALUE_SCHEMA_ID", IN_BOTH, read_schema_id, FIELD(value_schema_id)},
    {"KEY_SCHEMA_FULL_NAME", IN_BOTH, read_text, FIELD(key_schema_name)},
    {"VALUE_SCHEMA_FULL_NAME", IN_BOTH, read_text, FIELD(value_schema_name)},
    {"VALUE_AVRO_SCHEMA_FULL_NAME", IN_BOTH, read_text, FIELD(value_schema_name)},
    {"KEY_PROTOBUF_NULLABLE_REPRESENTATION", IN_BOTH, read_nullable, FIELD(key_nullable)},
    {"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", IN_BOTH, read_nullable, FIELD(value_nullable)},
    {"SOURCED_BY_CONNECTOR", IN_CREATE, read_ignored, 0},
    {"SOURCE_CONNECTOR", IN_CREATE, read_ignored, 0},
    {"QUERY_ID", IN_INSERT, read_query_id, FIELD(query_id)},
};

static const Property *property_find(Str name, WithUse use)
{
    for (size_t i = 0; i < ARRAY_LEN(properties); i++)
        if (str_equal(name, str_c(properties[i].name)) && (properties[i].uses & (1u << use)))
            return &properties[i];
    return NULL;
}

static const AstProperty *said(const AstStatement *statement, const char *name)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (str_equal(statement->properties[i].name.text, str_c(name)))
            return &statement->properties[i];
    return NULL;
}

/* The text of a literal: of a string its contents, of anything else as it is printed. */
static Str literal_text(Arena *arena, const AstExpr *literal)
{
    if (literal->kind == AST_STRING)
        return literal->text;
    StrBuf buf = {0};
    ast_print_expr(literal, &buf);
    Str text = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

static Status refuse_unknown(Str unknown, WithUse use, Pos pos, Error *err)
{
    Str    names[ARRAY_LEN(properties)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(properties); i++)
        if (properties[i].uses & (1u << use))
            names[count++] = str_c(properties[i].name);
    error_set(err, E_PLAN, pos,
              "Failed to prepare statement: Invalid config variable(s) in the WITH clause: " STR_FMT,
              STR_ARG(unknown));
    error_suggest(err, unknown, names, count);
    return E_PLAN;
}

static Status check_known(const AstStatement *statement, WithUse use, Error *err)
{
    StrBuf unknown = {0};
    Pos    pos     = NO_POS;
    for (size_t i = 0; i < statement->property_count; i++) {
        const AstName *name = &statement->properties[i].name;
        if (property_find(name->text, use) != NULL)
            continue;
        if (unknown.len > 0)
            strbuf_addc(&unknown, ',');
        else
            pos = name->pos;
        strbuf_add(&unknown, name->text);
    }
    Status status = OK;
    if (unknown.len > 0)
        status = refuse_unknown(strbuf_str(&unknown), use, pos, err);
    strbuf_clear(&unknown);
    return status;
}

static Status check_exclusive(const AstStatement *statement, Error *err)
{
    static const struct {
        const char *one, *other, *text;
    } pairs[] = {
        {"FORMAT", "KEY_FORMAT",
         "Cannot supply both 'KEY_FORMAT' and 'FORMAT' properties, as 'FORMAT' sets both key and value "
         "formats. "
         "Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."},
        {"FORMAT", "VALUE_FORMAT",
         "Cannot supply both 'VALUE_FORMAT' and 'FORMAT' properties, as 'FORMAT' sets both key and value "
         "formats. "
         "Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."},
        {"VALUE_AVRO_SCHEMA_FULL_NAME", "VALUE_SCHEMA_FULL_NAME",
         "Cannot supply both 'VALUE_AVRO_SCHEMA_FULL_NAME' and 'VALUE_SCHEMA_FULL_NAME' properties. Please "
         "only set "
         "'VALUE_SCHEMA_FULL_NAME'."},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const AstProperty *other = said(statement, pairs[i].other);
        if (said(statement, pairs[i].one) != NULL && other != NULL)
            return error_set(err, E_PLAN, other->name.pos, "%s", pairs[i].text);
    }
    return OK;
}

static Status check_window(const WithClause *with, Error *err)
{
    static const char *const names[] = {"", "TUMBLING", "HOPPING", "SESSION"};
    bool sized = with->window.kind == WINDOWED_TUMBLING || with->window.kind == WINDOWED_HOPPING;
    if (sized && with->window.size_ms == 0)
        return error_set(err, E_PLAN, NO_POS,
                         "%s windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: "
                         "'WINDOW_SIZE'='10 SECONDS'",
                         names[with->window.kind]);
    if (!sized && with->window.size_ms != 0)
        return error_set(err, E_PLAN, NO_POS, "'WINDOW_SIZE' should not be set for %s windows.",
                         with->window.kind == WINDOWED_SESSION ? "SESSION" : "non-windowed");
    return OK;
}

Status with_parse(Arena *arena, const AstStatement *statement, WithUse use, WithClause *out, Error *err)
{
    *out = (WithClause){0};
    TRY(check_known(statement, use, err));
    TRY(check_exclusive(statement, err));
    for (size_t i = 0; i < statement->property_count; i++) {
        const AstProperty *given    = &statement->properties[i];
        const Property    *property = property_find(given->name.text, use);
        Reading            reading  = {arena,          out,
                                       property->name, literal_text(arena, given->value),
                                       given->value,   (char *)out + property->offset};
        TRY(property->read(&reading, err));
    }
    if (said(statement, "FORMAT") != NULL) {
        out->key_format     = out->value_format;
        out->key_format_pos = out->value_format_pos;
    }
    return check_window(out, err);
}

/* ---- formats ---- */

static Status refuse_property(const FormatSpec *format, const char *property, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "%s does not support the following configs: [%s]",
                     format_name(format->format), property);
}

static Status refuse_format(const WithClause *with, int side, Str name, Error *err)
{
    Status status = format_refuse_unknown(name, err);
    if (err != NULL)
        err->pos = side == SIDE_KEY ? with->key_format_pos : with->value_format_pos;
    return status;
}

Status with_format(const WithClause *with, int side, Str name, FormatSpec *out, Error *err)
{
    Str delimiter   = side == SIDE_KEY ? with->key_delimiter : with->value_delimiter;
    Str schema_name = side == SIDE_KEY ? with->key_schema_name : with->value_schema_name;
    Str nullable    = side == SIDE_KEY ? with->key_nullable : with->value_nullable;

    *out        = (FormatSpec){0};
    out->format = format_find(name);
    if (out->format == NULL || format_facts(out->format)->hidden)
        return refuse_format(with, side, name, err);
    if (!str_is_null(delimiter) && !format_facts(out->format)->delimiter)
        return refuse_property(out, "delimiter", err);
    if (!str_is_null(schema_name)) {
        if (!format_facts(out->format)->registry)
            return refuse_property(out, "fullSchemaName", err);
        if (str_trim(schema_name).len == 0)
            return error_set(err, E_PLAN, NO_POS,
                             "fullSchemaName cannot be empty. Format configuration: {fullSchemaName=}");
    }
    if (!str_is_null(nullable) && !format_facts(out->format)->nullable_representation)
        return error_set(
            err, E_PLAN, NO_POS,
            "Property %s_PROTOBUF_NULLABLE_REPRESENTATION can only be enabled with protobuf format",
            side == SIDE_KEY ? "KEY" : "VALUE");
    out->delimiter               = delimiter;
    out->full_schema_name        = schema_name;
    out->nullable_representation = nullable;
    if (side == SIDE_KEY ? with->has_key_schema_id : with->has_value_schema_id)
        out->schema_id = (int32_t)(side == SIDE_KEY ? with->key_schema_id : with->value_schema_id);
    return OK;
}

Status with_wrapping(const WithClause *with, const PlannerHost *host, FormatSpec *value_format,
                     size_t value_columns, Error *err)
{
    if (with->has_wrap) {
        Wrapping wanted = with->wrap ? WRAP_SINGLES : UNWRAP_SINGLES;
        if (value_columns != 1)
            return error_set(err, E_PLAN, NO_POS,
                             "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas");
        if (!format_supports_wrapping(value_format->format, wanted))
            return error_set(err, E_PLAN, NO_POS,
                             "Format '%s' does not support 'WRAP_SINGLE_VALUE' set to '%s'.",
                             format_name(value_format->format), with->wrap ? "true" : "false");
        value_format->wrapping = wanted;
        return OK;
    }
    Str property = host->property(host, "ksql.persistence.wrap.single.values");
    if (!str_is_null(property) && value_columns == 1) {
        Wrapping wanted = str_equal_nocase(property, STR_LIT("true")) ? WRAP_SINGLES : UNWRAP_SINGLES;
        if (format_supports_wrapping(value_format->format, wanted))
            value_format->wrapping = wanted;
    }
    return OK;
}

Status with_refuse_timestamp(const WithClause *with, Error *err)
{
    return error_set(err, E_PLAN, NO_POS,
                     "The TIMESTAMP column set in the WITH clause does not exist in the schema: '" STR_FMT
                     "'",
                     STR_ARG(with->timestamp_column));
}

Status with_timestamp(const WithClause *with, const Schema *schema, int *slot, Error *err)
{
    *slot = -1;
    if (str_is_null(with->timestamp_column)) {
        if (!str_is_null(with->timestamp_format))
            return error_set(err, E_PLAN, NO_POS,
                             "'TIMESTAMP_FORMAT' set in the WITH clause can only be used when the timestamp "
                             "column is of type STRING.");
        return OK;
    }
    int found = schema_find(schema, with->timestamp_column);
    if (found < 0 || schema->columns[found].role > COLUMN_VALUE)
        return with_refuse_timestamp(with, err);
    SqlKind kind = schema->columns[found].type->kind;
    if (kind == T_STRING && str_is_null(with->timestamp_format))
        return error_set(
            err, E_PLAN, NO_POS,
            "A String timestamp field has been specified without also specifying the timestamp_format");
    if (kind != T_STRING && !str_is_null(with->timestamp_format))
        return error_set(err, E_PLAN, NO_POS,
                         "'TIMESTAMP_FORMAT' set in the WITH clause can only be used when the timestamp "
                         "column is of type STRING.");
    if (kind != T_STRING && kind != T_BIGINT && kind != T_TIMESTAMP)
        return error_set(
            err, E_PLAN, NO_POS,
            "Timestamp column, `" STR_FMT
            "`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified.",
            STR_ARG(with->timestamp_column));
    *slot = found;
    return OK;
}
