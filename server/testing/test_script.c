/*
 * test_script.c - scripts with assertions, as `run-ksql-test` runs them: every inserted record goes through
 * all queries at once, and ASSERT looks at the next unread record of a topic, or at a source (sql.md 4.9).
 */
#include "planner/with.h"
#include "server/testing/test_case.h"

typedef struct Reading Reading;
struct Reading {
    Str      topic;
    size_t   next; /* first unread record */
    Reading *below;
};

struct TestScript {
    TestBench     *bench;
    TestFileReader read_file;
    void          *context;
    Reading       *readings; /* newest first */
    int            depth;    /* of RUN SCRIPT */
    bool           asserted, at_end;
};

static Status run_text(TestScript *script, Str text, Error *err);

static Status mismatch(TestScript *script, const AstStatement *statement, Error *err, const char *what)
{
    script->asserted = true;
    return error_set(err, E_DATA, statement->pos, "%s", what);
}

/* ---- ASSERT VALUES, ASSERT NULL VALUES ---- */

static Reading *reading_of(TestScript *script, Str topic)
{
    for (Reading *reading = script->readings; reading != NULL; reading = reading->below)
        if (str_equal(reading->topic, topic))
            return reading;
    Reading *reading = ARENA_NEW(script->bench->arena, Reading);
    *reading         = (Reading){.topic = str_dup(script->bench->arena, topic), .below = script->readings};
    return script->readings = reading;
}

static const DriverRecord *next_record(TestScript *script, Str topic)
{
    size_t              count;
    Reading            *reading = reading_of(script, topic);
    const DriverRecord *records = driver_topic(script->bench->driver, topic, &count);
    return reading->next < count ? &records[reading->next++] : NULL;
}

static Status decode_side(TestScript *script, const Source *source, int side, Str bytes, Value *out,
                          Error *err)
{
    const Schema *schema = source->schema;
    SerdeSpec     spec   = {.format  = side == SIDE_KEY ? source->key_format : source->value_format,
                            .side    = side,
                            .topic   = source->topic,
                            .columns = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                            .count   = side == SIDE_KEY ? schema->key_count : schema->value_count,
                            .registry = script->bench->registry};
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

static Status read_actual(TestScript *script, const Source *source, const LogRecord *record, Actual *out,
                          Error *err)
{
    Str key = record->key;
    *out    = (Actual){.source    = source,
                       .columns   = ARENA_ARRAY(script->bench->arena, Value, source->schema->count),
                       .timestamp = record->timestamp};
    if (source->window.kind != WINDOWED_NO)
        windowed_key_split(source->window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME,
                           source->window.size_ms, record->key, &key, &out->window_start, &out->window_end);
    TRY(decode_side(script, source, SIDE_KEY, key, out->columns, err));
    return decode_side(script, source, SIDE_VALUE, record->value, out->columns + source->schema->key_count,
                       err);
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

static void print_found(const SqlType *type, Value value, StrBuf *out)
{
    const char *quote = type->kind == T_STRING && !value_is_null(value) ? "'" : "";
    strbuf_adds(out, quote);
    value_print(type, value, out);
    strbuf_adds(out, quote);
}

static Status describe_difference(Str name, const SqlType *type, Value want, Value is, Error *err)
{
    StrBuf text = {0};
    strbuf_addf(&text, "\n`" STR_FMT "`: expected ", STR_ARG(name));
    print_found(type, want, &text);
    strbuf_adds(&text, ", found ");
    print_found(type, is, &text);
    Status status = error_append(err, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

static Status compare_column(TestScript *script, const AstStatement *statement, const Catalog *catalog,
                             const Actual *actual, Str name, const AstExpr *expected, Error *err)
{
    Typer          typer = {.catalog   = catalog,
                            .functions = engine_functions(script->bench->engine),
                            .arena     = script->bench->arena};
    const SqlType *type;
    Value          is, want;
    if (!actual_column(actual, name, &type, &is))
        return error_set(err, E_PLAN, statement->pos, "Column name `" STR_FMT "` does not exist.",
                         STR_ARG(name));
    TRY(evaluate_constant(&typer, expected, type, name, &script->bench->clock, &want, err));
    if (value_equal(type, is, want))
        return OK;
    mismatch(script, statement, err, "Expected record does not match actual");
    return describe_difference(name, type, want, is, err);
}

static Str asserted_column(const AstStatement *statement, const Schema *schema, size_t i)
{
    if (statement->columns != NULL)
        return i < statement->column_count ? statement->columns[i].text : STR_LIT("");
    return i < schema->count ? schema->columns[i].name : STR_LIT("");
}

static Status find_asserted(TestScript *script, const AstStatement *statement, const Catalog *catalog,
                            const Source **source, Error *err)
{
    *source = catalog_source(catalog, statement->name.text);
    if (*source == NULL)
        return error_set(err, E_PLAN, statement->name.pos, STR_FMT " does not exist",
                         STR_ARG(statement->name.text));
    return OK;
}

static Status assert_values(TestScript *script, const AstStatement *statement, const Catalog *catalog,
                            bool tombstone, Error *err)
{
    const Source *source;
    Actual        actual;
    TRY(find_asserted(script, statement, catalog, &source, err));
    const DriverRecord *record = next_record(script, source->topic);
    if (record == NULL)
        return mismatch(script, statement, err,
                        "Expected another record, but all records have already been read from topic");
    if (str_is_null(record->record.value) != tombstone) {
        mismatch(script, statement, err, "Expected record does not match actual");
        return error_append(err, tombstone ? "\nexpected a tombstone, found a value"
                                           : "\nexpected a value, found a tombstone");
    }
    TRY(read_actual(script, source, &record->record, &actual, err));
    for (size_t i = 0; i < statement->value_count; i++)
        TRY(compare_column(script, statement, catalog, &actual, asserted_column(statement, source->schema, i),
                           statement->values[i], err));
    return OK;
}

/* ---- ASSERT STREAM, ASSERT TABLE ---- */

static bool same_text(Str a, Str b) { return str_is_null(a) == str_is_null(b) && str_equal(a, b); }

static Status asserted_schema(TestScript *script, const AstStatement *statement, const Catalog *catalog,
                              const Schema **out, Error *err)
{
    Arena  *arena   = script->bench->arena;
    Column *columns = ARENA_ARRAY(arena, Column, statement->element_count);
    for (size_t i = 0; i < statement->element_count; i++) {
        const AstElement *element = &statement->elements[i];
        columns[i].name           = element->name.text;
        columns[i].header_key     = element->header_key;
        columns[i].role           = element->kind == ELEMENT_VALUE ? COLUMN_VALUE
                                    : element->kind == ELEMENT_KEY || element->kind == ELEMENT_PRIMARY_KEY
                                        ? COLUMN_KEY
                                        : COLUMN_HEADERS;
        TRY(resolve_type(catalog, element->type, arena, &columns[i].type, err));
    }
    *out = schema_new(arena, columns, statement->element_count);
    return OK;
}

static Status mismatched_schema(TestScript *script, const AstStatement *statement, const Schema *want,
                                const Schema *is, Error *err)
{
    StrBuf text = {0};
    strbuf_adds(&text, "\nexpected ");
    schema_print(want, statement->is_table, &text);
    strbuf_adds(&text, "\nfound    ");
    schema_print(is, statement->is_table, &text);
    mismatch(script, statement, err, "Expected schema does not match actual");
    Status status = error_append(err, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

static Status compare_formats(TestScript *script, const AstStatement *statement, const WithClause *with,
                              const Source *source, Error *err)
{
    FormatSpec  key = source->key_format, value = source->value_format;
    const char *what = NULL;
    if (!str_is_null(with->key_format))
        TRY(with_format(with, SIDE_KEY, with->key_format, &key, err));
    if (!str_is_null(with->value_format))
        TRY(with_format(with, SIDE_VALUE, with->value_format, &value, err));
    if (key.format != source->key_format.format)
        what = "key format";
    else if (with->window.kind != (int)WINDOWED_NO &&
             (with->window.kind != source->window.kind || with->window.size_ms != source->window.size_ms))
        what = "key format properties";
    else if (value.format != source->value_format.format)
        what = "value format";
    else if (!str_is_null(with->value_delimiter) &&
             !same_text(with->value_delimiter, source->value_format.delimiter))
        what = "value format properties";
    else if (with->has_wrap && source->value_format.wrapping != (with->wrap ? WRAP_SINGLES : UNWRAP_SINGLES))
        what = "value serde features";
    if (what == NULL)
        return OK;
    Str text = str_printf(script->bench->arena, "Expected %s does not match actual for source " STR_FMT ".",
                          what, STR_ARG(source->name));
    return mismatch(script, statement, err, str_to_c(script->bench->arena, text));
}

static Status assert_source(TestScript *script, const AstStatement *statement, const Catalog *catalog,
                            Error *err)
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
        return mismatched_schema(script, statement, schema, source->schema, err);
    if (source->is_table != statement->is_table)
        return mismatch(
            script, statement, err,
            str_to_c(arena, str_printf(arena, "Expected type does not match actual for source " STR_FMT ".",
                                       STR_ARG(name))));
    if (!str_is_null(with.topic) && !str_equal(with.topic, source->topic))
        return mismatch(
            script, statement, err,
            str_to_c(arena,
                     str_printf(arena, "Expected kafka topic does not match actual for source " STR_FMT ".",
                                STR_ARG(name))));
    TRY(compare_formats(script, statement, &with, source, err));
    if (!same_text(with.timestamp_column, source->timestamp_column))
        return mismatch(
            script, statement, err,
            str_to_c(arena,
                     str_printf(arena,
                                "Expected timestamp column does not match actual for source " STR_FMT ".",
                                STR_ARG(name))));
    if (!same_text(with.timestamp_format, source->timestamp_format))
        return mismatch(
            script, statement, err,
            str_to_c(arena,
                     str_printf(arena,
                                "Expected timestamp format does not match actual for source " STR_FMT ".",
                                STR_ARG(name))));
    return OK;
}

/* ---- statements ---- */

static Status run_script_file(TestScript *script, const AstStatement *statement, Error *err)
{
    enum { DEEPEST = 16 };
    Str text;
    if (script->read_file(script->context, statement->value, script->bench->arena, &text, err) != OK) {
        err->pos = statement->pos;
        return err->code;
    }
    if (script->depth == DEEPEST)
        return error_set(err, E_LIMIT, statement->pos, "RUN SCRIPT is nested more than %d deep", DEEPEST);
    script->depth++;
    Status status = run_text(script, text, err);
    script->depth--;
    return status;
}

static Status run_statement(TestScript *script, const AstStatement *statement, Error *err)
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
            status = engine_execute_statement(bench->engine, &bench->session, statement, bench->arena,
                                              &entity, err);
        json_decref(entity);
        break;
    }
    catalog_free(catalog);
    return status;
}

static Pos position_in(Str text, Str part)
{
    Pos    pos = {1, 1};
    size_t at = 0, end = (size_t)(part.ptr - text.ptr);
    while (at < end) {
        bool newline = utf8_next(text, &at) == '\n';
        pos          = newline ? (Pos){pos.line + 1, 1} : (Pos){pos.line, pos.col + 1};
    }
    return pos;
}

/* Parses the piece of a text that starts at `origin` and runs it. */
static Status run_piece(TestScript *script, Str piece, Pos origin, Error *err)
{
    ParseOptions  options = {.test_statements = true, .origin = origin};
    AstStatement *statement;
    session_give_variables(&script->bench->session, &options);
    TRY(parse_statement(script->bench->arena, piece, &options, &statement, err));
    Status status = run_statement(script, statement, err);
    if (status != OK && err->pos.line == 0)
        err->pos = statement->pos;
    return status;
}

static Status run_text(TestScript *script, Str text, Error *err)
{
    Arena *arena = script->bench->arena;
    Str   *pieces, rest;
    Pos   *positions;
    size_t count;
    TRY(parse_split(arena, text, &pieces, &positions, &count, &rest, err));
    bool unfinished = str_trim(rest).len > 0;
    for (size_t i = 0; i < count; i++) {
        script->at_end = i + 1 == count && !unfinished;
        TRY(run_piece(script, pieces[i], positions[i], err));
    }
    script->at_end = true;
    return unfinished ? run_piece(script, rest, position_in(text, rest), err) : OK;
}

TestScript *test_script_new(TestBench *bench, TestFileReader read_file, void *context)
{
    TestScript *script = ARENA_NEW(bench->arena, TestScript);
    *script            = (TestScript){.bench = bench, .read_file = read_file, .context = context};
    return script;
}

Status test_script_run(TestScript *script, Str text, Error *err)
{
    script->asserted = false;
    return run_text(script, text, err);
}

bool test_script_asserted(const TestScript *script) { return script->asserted; }
bool test_script_at_end(const TestScript *script) { return script->at_end; }

static Status look_at_topic_of(TestScript *script, Str name, Error *err)
{
    Catalog      *catalog = engine_catalog(script->bench->engine);
    const Source *source  = catalog_source(catalog, name);
    Status        status  = OK;
    if (source != NULL)
        reading_of(script, source->topic);
    else
        status = error_set(err, E_PLAN, NO_POS, STR_FMT " does not exist", STR_ARG(name));
    catalog_free(catalog);
    return status;
}

Status test_script_check_read(TestScript *script, Str name, Error *err)
{
    if (!str_is_null(name))
        TRY(look_at_topic_of(script, name, err));
    for (const Reading *reading = script->readings; reading != NULL; reading = reading->below) {
        size_t              count;
        const DriverRecord *records = driver_topic(script->bench->driver, reading->topic, &count);
        if (reading->next < count) {
            const LogRecord *record = &records[reading->next].record;
            return error_set(err, E_DATA, NO_POS,
                             "Topic " STR_FMT
                             " holds %zu records that no ASSERT reads; the first: key " STR_FMT
                             ", value " STR_FMT ", timestamp %lld",
                             STR_ARG(reading->topic), count - reading->next, STR_ARG(record->key),
                             STR_ARG(record->value), (long long)record->timestamp);
        }
    }
    return OK;
}
