/*
 * test_script.c - scripts with assertions, as `run-ksql-test` runs them: every inserted record goes through all queries at once, and
 * ASSERT looks at the next unread record of a topic, or at a source (sql.md 4.9).
 */
#include "planner/with.h"
#include "server/json_raw.h"
#include "server/test_case.h"

typedef struct {
    Str    topic;
    size_t next; /* first unread record */
} Reading;

typedef struct {
    TestBench   *bench;
    Str          files; /* raw JSON object: path to text */
    const char **stage;
    Reading      readings[64];
    size_t       reading_count;
    int          depth; /* of RUN SCRIPT */
} Script;

static Status run_text(Script *script, Str text, Error *err);

static Status mismatch(Script *script, const AstStatement *statement, Error *err, const char *what)
{
    *script->stage = "assert";
    return error_set(err, E_DATA, statement->pos, "%s", what);
}

/* ---- ASSERT VALUES, ASSERT NULL VALUES ---- */

static const DriverRecord *next_record(Script *script, Str topic)
{
    Reading *reading = NULL;
    for (size_t i = 0; i < script->reading_count; i++)
        if (str_equal(script->readings[i].topic, topic))
            reading = &script->readings[i];
    if (reading == NULL && script->reading_count < ARRAY_LEN(script->readings)) {
        reading  = &script->readings[script->reading_count++];
        *reading = (Reading){topic, 0};
    }
    size_t              count;
    const DriverRecord *records = driver_topic(script->bench->driver, topic, &count);
    return reading != NULL && reading->next < count ? &records[reading->next++] : NULL;
}

static Status decode_side(Script *script, const Source *source, int side, Str bytes, Value *out, Error *err)
{
    const Schema *schema = source->schema;
    SerdeSpec     spec   = {.format  = side == SIDE_KEY ? source->key_format : source->value_format,
                            .side    = side,
                            .topic   = source->topic,
                            .columns = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                            .count   = side == SIDE_KEY ? schema->key_count : schema->value_count};
    Decoder      *decoder;
    for (size_t i = 0; i < spec.count; i++)
        out[i] = value_null();
    if (spec.count == 0 || str_is_null(bytes))
        return OK;
    TRY(decoder_open(&spec, script->bench->arena, &decoder, err));
    Status status = decoder_decode(decoder, bytes, script->bench->arena, out, err);
    decoder_close(decoder);
    return status;
}

typedef struct {
    const Source *source;
    Value        *columns; /* keys, values */
    int64_t       timestamp, window_start, window_end;
} Actual;

static Status read_actual(Script *script, const Source *source, const LogRecord *record, Actual *out, Error *err)
{
    Str key = record->key;
    *out    = (Actual){.source = source, .columns = ARENA_ARRAY(script->bench->arena, Value, source->schema->count), .timestamp = record->timestamp};
    if (source->window.kind != WINDOWED_NO)
        windowed_key_split(source->window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME, source->window.size_ms, record->key, &key,
                           &out->window_start, &out->window_end);
    TRY(decode_side(script, source, SIDE_KEY, key, out->columns, err));
    return decode_side(script, source, SIDE_VALUE, record->value, out->columns + source->schema->key_count, err);
}

/* The column an ASSERT names, its type and actual value; false when there is none of that name. */
static bool actual_column(const Actual *actual, Str name, const SqlType **type, Value *value)
{
    *type = &type_bigint;
    if (str_equal(name, STR_LIT("ROWTIME")))
        *value = value_from_int(actual->timestamp);
    else if (str_equal(name, STR_LIT("WINDOWSTART")))
        *value = value_from_int(actual->window_start);
    else if (str_equal(name, STR_LIT("WINDOWEND")))
        *value = value_from_int(actual->window_end);
    else {
        int at = schema_find(actual->source->schema, name);
        if (at < 0)
            return false;
        *type  = actual->source->schema->columns[at].type;
        *value = actual->columns[at];
    }
    return true;
}

static Status compare_column(Script *script, const AstStatement *statement, const Catalog *catalog, const Actual *actual, Str name,
                             const AstExpr *expected, Error *err)
{
    Typer          typer = {catalog, engine_functions(script->bench->engine), script->bench->arena, false};
    const SqlType *type;
    Value          is, want;
    if (!actual_column(actual, name, &type, &is))
        return error_set(err, E_PLAN, statement->pos, "Column name `" STR_FMT "` does not exist.", STR_ARG(name));
    TRY(evaluate_constant(&typer, expected, type, name, &script->bench->clock, &want, err));
    if (value_equal(type, is, want))
        return OK;
    return mismatch(script, statement, err, "Expected record does not match actual");
}

static Str asserted_column(const AstStatement *statement, const Schema *schema, size_t i)
{
    if (statement->columns != NULL)
        return i < statement->column_count ? statement->columns[i].text : STR_LIT("");
    return i < schema->count ? schema->columns[i].name : STR_LIT("");
}

static Status find_asserted(Script *script, const AstStatement *statement, const Catalog *catalog, const Source **source, Error *err)
{
    *source = catalog_source(catalog, statement->name.text);
    if (*source == NULL)
        return error_set(err, E_PLAN, statement->name.pos, STR_FMT " does not exist", STR_ARG(statement->name.text));
    return OK;
}

static Status assert_values(Script *script, const AstStatement *statement, const Catalog *catalog, bool tombstone, Error *err)
{
    const Source *source;
    Actual        actual;
    TRY(find_asserted(script, statement, catalog, &source, err));
    const DriverRecord *record = next_record(script, source->topic);
    if (record == NULL)
        return mismatch(script, statement, err, "Expected another record, but all records have already been read from topic");
    if (str_is_null(record->record.value) != tombstone)
        return mismatch(script, statement, err, "Expected record does not match actual");
    TRY(read_actual(script, source, &record->record, &actual, err));
    for (size_t i = 0; i < statement->value_count; i++)
        TRY(compare_column(script, statement, catalog, &actual, asserted_column(statement, source->schema, i), statement->values[i], err));
    return OK;
}

/* ---- ASSERT STREAM, ASSERT TABLE ---- */

static bool same_text(Str a, Str b) { return str_is_null(a) == str_is_null(b) && str_equal(a, b); }

static Status asserted_schema(Script *script, const AstStatement *statement, const Catalog *catalog, const Schema **out, Error *err)
{
    Arena  *arena   = script->bench->arena;
    Column *columns = ARENA_ARRAY(arena, Column, statement->element_count);
    for (size_t i = 0; i < statement->element_count; i++) {
        const AstElement *element = &statement->elements[i];
        columns[i].name           = element->name.text;
        columns[i].header_key     = element->header_key;
        columns[i].role           = element->kind == ELEMENT_VALUE                                             ? COLUMN_VALUE
                                    : element->kind == ELEMENT_KEY || element->kind == ELEMENT_PRIMARY_KEY ? COLUMN_KEY
                                                                                                           : COLUMN_HEADERS;
        TRY(resolve_type(catalog, element->type, arena, &columns[i].type, err));
    }
    *out = schema_new(arena, columns, statement->element_count);
    return OK;
}

static Status compare_formats(Script *script, const AstStatement *statement, const WithClause *with, const Source *source, Error *err)
{
    FormatSpec key = source->key_format, value = source->value_format;
    const char *what = NULL;
    if (!str_is_null(with->key_format))
        TRY(with_format(with, SIDE_KEY, with->key_format, &key, err));
    if (!str_is_null(with->value_format))
        TRY(with_format(with, SIDE_VALUE, with->value_format, &value, err));
    if (key.format != source->key_format.format)
        what = "key format";
    else if (with->window.kind != (int)WINDOWED_NO && (with->window.kind != source->window.kind || with->window.size_ms != source->window.size_ms))
        what = "key format properties";
    else if (value.format != source->value_format.format)
        what = "value format";
    else if (!str_is_null(with->value_delimiter) && !same_text(with->value_delimiter, source->value_format.delimiter))
        what = "value format properties";
    else if (with->has_wrap && source->value_format.wrapping != (with->wrap ? WRAP_SINGLES : UNWRAP_SINGLES))
        what = "value serde features";
    if (what == NULL)
        return OK;
    Str text = str_printf(script->bench->arena, "Expected %s does not match actual for source " STR_FMT ".", what, STR_ARG(source->name));
    return mismatch(script, statement, err, str_to_c(script->bench->arena, text));
}

static Status assert_source(Script *script, const AstStatement *statement, const Catalog *catalog, Error *err)
{
    Arena        *arena = script->bench->arena;
    const Source *source;
    const Schema *schema;
    WithClause    with;
    TRY(find_asserted(script, statement, catalog, &source, err));
    TRY(with_parse(arena, statement, WITH_ASSERT, &with, err));
    TRY(asserted_schema(script, statement, catalog, &schema, err));
    Str name = source->name;
    if (statement->element_count > 0 && !schema_equal(schema, source->schema))
        return mismatch(script, statement, err, "Expected schema does not match actual");
    if (source->is_table != statement->is_table)
        return mismatch(script, statement, err,
                        str_to_c(arena, str_printf(arena, "Expected type does not match actual for source " STR_FMT ".", STR_ARG(name))));
    if (!str_is_null(with.topic) && !str_equal(with.topic, source->topic))
        return mismatch(script, statement, err,
                        str_to_c(arena, str_printf(arena, "Expected kafka topic does not match actual for source " STR_FMT ".", STR_ARG(name))));
    TRY(compare_formats(script, statement, &with, source, err));
    if (!same_text(with.timestamp_column, source->timestamp_column))
        return mismatch(script, statement, err,
                        str_to_c(arena, str_printf(arena, "Expected timestamp column does not match actual for source " STR_FMT ".", STR_ARG(name))));
    if (!same_text(with.timestamp_format, source->timestamp_format))
        return mismatch(script, statement, err,
                        str_to_c(arena, str_printf(arena, "Expected timestamp format does not match actual for source " STR_FMT ".", STR_ARG(name))));
    return OK;
}

/* ---- statements ---- */

static Status run_script_file(Script *script, const AstStatement *statement, Error *err)
{
    enum { DEEPEST = 16 };
    Str    name, text = STR_NULL, raw;
    size_t at = 0;
    while (raw_next_member(script->files, &at, script->bench->arena, &name, &raw))
        if (str_equal(name, statement->value))
            text = raw_text(raw, script->bench->arena);
    if (str_is_null(text))
        return error_set(err, E_NOT_FOUND, statement->pos, "Failed to read file: " STR_FMT, STR_ARG(statement->value));
    if (script->depth == DEEPEST)
        return error_set(err, E_LIMIT, statement->pos, "RUN SCRIPT is nested more than %d deep", DEEPEST);
    script->depth++;
    Status status = run_text(script, text, err);
    script->depth--;
    return status;
}

static Status run_statement(Script *script, const AstStatement *statement, Error *err)
{
    TestBench *bench   = script->bench;
    Catalog   *catalog = engine_catalog(bench->engine);
    json_t    *entity  = NULL;
    Status     status;
    switch (statement->kind) {
    case STMT_ASSERT_VALUES:
        status = assert_values(script, statement, catalog, false, err);
        break;
    case STMT_ASSERT_NULL:
        status = assert_values(script, statement, catalog, true, err);
        break;
    case STMT_ASSERT_SOURCE:
        status = assert_source(script, statement, catalog, err);
        break;
    case STMT_RUN_SCRIPT:
        status = run_script_file(script, statement, err);
        break;
    default:
        status = test_bench_statement_topic(bench, statement, err);
        if (status == OK)
            status = engine_execute_statement(bench->engine, &bench->session, statement, bench->arena, &entity, err);
        json_decref(entity);
        break;
    }
    catalog_free(catalog);
    return status;
}

static Status run_text(Script *script, Str text, Error *err)
{
    Arena *arena = script->bench->arena;
    Str   *pieces, rest;
    Pos   *positions;
    size_t count;
    TRY(parse_split(arena, text, &pieces, &positions, &count, &rest, err));
    for (size_t i = 0; i < count; i++) {
        ParseOptions  options = {.test_statements = true, .origin = positions[i]};
        AstStatement *statement;
        TRY(parse_statement(arena, pieces[i], &options, &statement, err));
        TRY(run_statement(script, statement, err));
    }
    if (str_trim(rest).len > 0) {
        ParseOptions  options = {.test_statements = true};
        AstStatement *statement;
        return parse_statement(arena, rest, &options, &statement, err);
    }
    return OK;
}

Status test_script_run(TestBench *bench, Str text, Str files, const char **stage, Error *err)
{
    Script script = {.bench = bench, .files = files, .stage = stage};
    return run_text(&script, text, err);
}
