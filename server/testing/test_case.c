/*
 * test_case.c - see test_case.h and the contract: register topics, run statements, feed inputs, run the
 * queries, report.
 */
#include "server/testing/test_case.h"

#include <stdlib.h>

#include "server/statements/statements.h"
#include "server/testing/json_raw.h"
#include "server/testing/test_folder.h"
#include "serde/registry_memory.h"
#include "serde/schema_text.h"
#include "server/testing/test_record.h"
#include "server/testing/test_serde.h"

/* ---- the bench ---- */

/* The time of day in tests: 2023-11-14, where a test that asks for now gets something of our time, the same
 * each run. */
#define TEST_NOW_MS INT64_C(1700000000000)

Status test_bench_open(TestBench *bench, bool script, DriverRestart restart, Error *err)
{
    static const char *const defaults[][2] = {{"auto.offset.reset", "earliest"},
                                              {"cache.max.bytes.buffering", "0"},
                                              {"ksql.headers.columns.enabled", "true"},
                                              {"sluice.functions.create.enabled", "true"}};
    *bench                                 = (TestBench){.default_partitions = script ? 1 : 4};
    bench->arena                           = arena_new(0);
    bench->server                          = properties_new(NULL);
    clock_init_virtual(&bench->clock, TEST_NOW_MS, 1);
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        properties_set(bench->server, str_c(defaults[i][0]), str_c(defaults[i][1]));
    bench->registry = registry_memory_new();
    TRY(log_open_embedded(NULL, &bench->clock, &bench->log, err));
    if (restart != DRIVER_NO_RESTART)
        TRY(test_folder_make(bench->arena, &bench->state_folder, err));
    DriverOptions driver = {.restart      = restart,
                            .state_folder = bench->state_folder,
                            .clock        = &bench->clock,
                            .registry     = bench->registry,
                            .service_id   = STR_LIT("some.ksql.service.id")};
    TRY(driver_open(&driver, &bench->driver, err));
    driver_host_init(&bench->host, bench->driver, script);
    EngineOptions options = {.log                = bench->log,
                             .statement_class    = statement_class,
                             .host               = &bench->host.base,
                             .clock              = &bench->clock,
                             .registry           = bench->registry,
                             .properties         = bench->server,
                             .service_id         = STR_LIT("some.ksql.service.id"),
                             .test_mode          = true,
                             .default_partitions = bench->default_partitions};
    TRY(engine_open(&options, &bench->engine, err));
    session_init(&bench->session, bench->engine);
    return OK;
}

void test_bench_close(TestBench *bench)
{
    driver_close(bench->driver);
    engine_close(bench->engine);
    driver_host_clear(&bench->host);
    session_clear(&bench->session);
    log_close(bench->log);
    registry_close(bench->registry);
    properties_free(bench->server);
    test_folder_remove(bench->state_folder);
    arena_free(bench->arena);
}

Status test_bench_topic(TestBench *bench, Str topic, int partitions, Error *err)
{
    Status status = log_topic_create(
        bench->log, topic, partitions > 0 ? partitions : bench->default_partitions, 1, NULL, 0, err);
    return status == E_EXISTS ? OK : status;
}

static Str literal_of(const AstStatement *statement, const char *name, Arena *arena)
{
    for (size_t i = 0; i < statement->property_count; i++) {
        if (!str_equal(statement->properties[i].name.text, str_c(name)))
            continue;
        const AstExpr *value = statement->properties[i].value;
        if (value->kind == AST_STRING)
            return value->text;
        return str_printf(arena, "%lld", (long long)value->integer);
    }
    return STR_NULL;
}

Status test_bench_statement_topic(TestBench *bench, const AstStatement *statement, Error *err)
{
    if (statement->kind != STMT_CREATE_SOURCE)
        return OK;
    Str topic = literal_of(statement, "KAFKA_TOPIC", bench->arena);
    if (str_is_null(topic) || topic.len == 0)
        return OK;
    return test_bench_topic(bench, topic, (int)raw_int(literal_of(statement, "PARTITIONS", bench->arena), 0),
                            err);
}

const Source *test_bench_source(const Catalog *catalog, Str topic, Arena *arena)
{
    const Source **sources;
    size_t         count;
    catalog_sources(catalog, arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (str_equal(sources[i]->topic, topic))
            return sources[i];
    return NULL;
}

/* ---- the parts of a case ---- */

/* Does a CREATE declare columns of this side in a format that registers them? */
static bool declares_schema(const AstStatement *statement, int side, Arena *arena)
{
    Str  format   = literal_of(statement, side == SIDE_KEY ? "KEY_FORMAT" : "VALUE_FORMAT", arena);
    bool declared = false;
    if (str_is_null(format))
        format = literal_of(statement, "FORMAT", arena);
    for (size_t i = 0; i < statement->element_count; i++) {
        AstElementKind kind = statement->elements[i].kind;
        declared |=
            side == SIDE_KEY ? kind == ELEMENT_KEY || kind == ELEMENT_PRIMARY_KEY : kind == ELEMENT_VALUE;
    }
    const FormatClass *found = str_is_null(format) ? NULL : format_find(format);
    return declared && found != NULL && format_facts(found)->registry;
}

/* Ids that a case does not give count from 1, over the schemas that CREATE statements declare first:
 * statements of the case name them. `script` may be NULL. */
static Status register_topics(TestBench *bench, Str line, const AstScript *script, Error *err)
{
    Str     topics = raw_member(line, "topics"), topic;
    size_t  at     = 0;
    int32_t before = 0;
    for (size_t i = 0; script != NULL && i < script->count; i++)
        for (int side = SIDE_KEY; side <= SIDE_VALUE && script->items[i]->kind == STMT_CREATE_SOURCE; side++)
            before += declares_schema(script->items[i], side, bench->arena);
    while (raw_next(topics, &at, &topic)) {
        Str  name    = raw_text(raw_member(topic, "name"), bench->arena);
        bool created = false;
        for (size_t i = 0; script != NULL && i < script->count; i++)
            created |= script->items[i]->kind == STMT_CREATE_SOURCE &&
                       str_equal(literal_of(script->items[i], "KAFKA_TOPIC", bench->arena), name);
        int32_t *next = created || before == 0 ? NULL : &before;
        TRY(test_bench_topic(bench, name, (int)raw_int(raw_member(topic, "partitions"), 0), err));
        TRY(test_record_register(bench->registry, topic, SIDE_KEY, next, bench->arena, err));
        TRY(test_record_register(bench->registry, topic, SIDE_VALUE, next, bench->arena, err));
    }
    return OK;
}

/* Topics that CREATE statements name exist before the first statement; a text that does not parse is found
 * out when it is run. */
static Status register_all(TestBench *bench, Str line, Str text, Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    AstScript    script;
    Error        ignored;
    if (parse_script(bench->arena, text, &options, &script, &ignored) != OK)
        return register_topics(bench, line, NULL, err);
    TRY(register_topics(bench, line, &script, err));
    for (size_t i = 0; i < script.count; i++)
        TRY(test_bench_statement_topic(bench, script.items[i], err));
    return OK;
}

static void set_properties(TestBench *bench, Str line)
{
    Str    properties = raw_member(line, "properties"), name, value;
    size_t at         = 0;
    while (raw_next_member(properties, &at, bench->arena, &name, &value))
        if (!raw_is_null(value))
            properties_set(bench->server, name, raw_text(value, bench->arena));
}

/* All statements as one text, a line each; starts[i] is where statement i begins. */
static Str join_statements(TestBench *bench, Str line, size_t **starts, size_t *count)
{
    Str    statements = raw_member(line, "statements"), one;
    size_t at = 0, n = 0;
    StrBuf text = {0};
    while (raw_next(statements, &at, &one))
        n++;
    *starts = ARENA_ARRAY(bench->arena, size_t, n + 1);
    *count  = n;
    at = n = 0;
    while (raw_next(statements, &at, &one)) {
        (*starts)[n++] = text.len;
        strbuf_add(&text, raw_text(one, bench->arena));
        strbuf_addc(&text, '\n');
    }
    Str joined = str_dup(bench->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return joined;
}

static Status run_statements(TestBench *bench, Str line, size_t *failed, Error *err)
{
    size_t *starts, count;
    Str     text = join_statements(bench, line, &starts, &count), failed_text = STR_NULL;
    json_t *entities = json_array();
    TRY(register_all(bench, line, text, err));
    Status status =
        engine_execute(bench->engine, &bench->session, text, bench->arena, entities, NULL, &failed_text, err);
    json_decref(entities);
    *failed = count;
    for (size_t i = 0; status != OK && i < count; i++)
        if (!str_is_null(failed_text) && failed_text.ptr >= text.ptr &&
            starts[i] <= (size_t)(failed_text.ptr - text.ptr))
            *failed = i + 1;
    return status;
}

/* ---- inputs ---- */

static Status read_headers(TestBench *bench, Str headers, LogRecord *record, Error *err)
{
    Str    header;
    size_t at = 0, count = 0;
    while (raw_next(headers, &at, &header))
        count++;
    Header *list = ARENA_ARRAY(bench->arena, Header, count);
    at = count = 0;
    while (raw_next(headers, &at, &header)) {
        Str value         = raw_member(header, "VALUE");
        list[count].key   = raw_text(raw_member(header, "KEY"), bench->arena);
        list[count].value = STR_NULL;
        if (!raw_is_null(value))
            TRY(base64_decode(bench->arena, raw_text(value, bench->arena), &list[count].value, err));
        count++;
    }
    record->headers      = list;
    record->header_count = count;
    return OK;
}

static Str windowed(TestBench *bench, Str window, Str key)
{
    if (raw_is_null(window) || str_is_null(key))
        return key;
    bool session = str_equal(raw_text(raw_member(window, "type"), bench->arena), STR_LIT("SESSION"));
    return windowed_key_encode(bench->arena, session ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME, key,
                               raw_int(raw_member(window, "start"), 0),
                               raw_int(raw_member(window, "end"), 0));
}

static Status insert_input(TestBench *bench, const Catalog *catalog, Str input, Error *err)
{
    Str           topic  = raw_text(raw_member(input, "topic"), bench->arena);
    const Source *source = test_bench_source(catalog, topic, bench->arena);
    LogRecord     record = {.timestamp = raw_int(raw_member(input, "timestamp"), 0)};
    if (source == NULL)
        return OK; /* nobody can read it */
    TRY(test_side_to_bytes(bench->registry, source, SIDE_KEY, raw_member(input, "key"), bench->arena,
                           &record.key, err));
    TRY(test_side_to_bytes(bench->registry, source, SIDE_VALUE, raw_member(input, "value"), bench->arena,
                           &record.value, err));
    TRY(read_headers(bench, raw_member(input, "headers"), &record, err));
    record.key = windowed(bench, raw_member(input, "window"), record.key);
    return driver_insert(bench->driver, topic, 0, &record, true, false, err);
}

static Status insert_inputs(TestBench *bench, const Catalog *catalog, Str line, Error *err)
{
    Str    inputs = raw_member(line, "inputs"), input;
    size_t at     = 0;
    while (raw_next(inputs, &at, &input))
        TRY(insert_input(bench, catalog, input, err));
    return OK;
}

/* ---- the result ---- */

static void print_member(const char *name, Str text, StrBuf *out)
{
    strbuf_addf(out, "\"%s\":", name);
    json_write_string(text, out);
}

static void print_headers(const LogRecord *record, Arena *arena, StrBuf *out)
{
    strbuf_adds(out, ",\"headers\":[");
    for (size_t i = 0; i < record->header_count; i++) {
        strbuf_adds(out, i ? ",{" : "{");
        print_member("KEY", record->headers[i].key, out);
        strbuf_adds(out, ",\"VALUE\":");
        if (str_is_null(record->headers[i].value))
            strbuf_adds(out, "null");
        else
            json_write_string(base64_encode(arena, record->headers[i].value), out);
        strbuf_addc(out, '}');
    }
    strbuf_addc(out, ']');
}

static Str split_window(const Source *source, Str key, StrBuf *window)
{
    int64_t       start, end;
    Str           inner;
    WindowKeyKind kind = source->window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME;
    if (source->window.kind == WINDOWED_NO ||
        !windowed_key_split(kind, source->window.size_ms, key, &inner, &start, &end))
        return key;
    strbuf_addf(window, ",\"window\":{\"start\":%lld,\"end\":%lld,\"type\":\"%s\"}", (long long)start,
                (long long)end, kind == WINDOW_KEY_SESSION ? "SESSION" : "TIME");
    return inner;
}

static Status print_output(TestBench *bench, const Catalog *catalog, const DriverRecord *output, StrBuf *out,
                           Error *err)
{
    const LogRecord *record = &output->record;
    const Source    *source = test_bench_source(catalog, output->topic, bench->arena);
    StrBuf           window = {0};
    Status           status = OK;
    strbuf_addc(out, '{');
    print_member("topic", output->topic, out);
    if (source != NULL) {
        Str key = split_window(source, record->key, &window);
        strbuf_adds(out, ",\"key\":");
        status = test_side_to_json(bench->registry, source, SIDE_KEY, key, bench->arena, out, err);
        strbuf_adds(out, ",\"value\":");
        if (status == OK)
            status =
                test_side_to_json(bench->registry, source, SIDE_VALUE, record->value, bench->arena, out, err);
        strbuf_add(out, strbuf_str(&window));
    }
    strbuf_addf(out, ",\"timestamp\":%lld", (long long)record->timestamp);
    print_headers(record, bench->arena, out);
    strbuf_addc(out, '}');
    strbuf_clear(&window);
    return status;
}

static void print_features(const char *name, const FormatSpec *format, int side, size_t columns, StrBuf *out)
{
    Wrapping features = serde_features(format, side, columns);
    strbuf_addf(out, ",\"%s\":[%s]", name,
                features == WRAP_SINGLES     ? "\"WRAP_SINGLES\""
                : features == UNWRAP_SINGLES ? "\"UNWRAP_SINGLES\""
                                             : "");
}

static const char *window_type(WindowedKind kind)
{
    static const char *const names[] = {"", "TUMBLING", "HOPPING", "SESSION"};
    return names[kind];
}

static void print_source(const Source *source, StrBuf *out)
{
    const Schema *schema = source->schema;
    StrBuf        text   = {0};
    strbuf_addc(out, '{');
    print_member("name", source->name, out);
    strbuf_addf(out, ",\"type\":\"%s\",", source->is_table ? "TABLE" : "STREAM");
    print_member("topic", source->topic, out);
    strbuf_addf(out, ",\"isSource\":%s,", source->read_only ? "true" : "false");
    schema_print(schema, source->is_table, &text);
    print_member("schema", strbuf_str(&text), out);
    strbuf_addf(out, ",\"keyFormat\":{\"format\":\"%s\"", format_name(source->key_format.format));
    if (source->window.kind != WINDOWED_NO)
        strbuf_addf(out, ",\"windowType\":\"%s\"", window_type(source->window.kind));
    if (source->window.size_ms > 0)
        strbuf_addf(out, ",\"windowSize\":%lld", (long long)source->window.size_ms);
    strbuf_addf(out, "},\"valueFormat\":\"%s\"", format_name(source->value_format.format));
    print_features("keyFeatures", &source->key_format, SIDE_KEY, schema->key_count, out);
    print_features("valueFeatures", &source->value_format, SIDE_VALUE, schema->value_count, out);
    strbuf_addc(out, '}');
    strbuf_clear(&text);
}

static void print_property(const char *name, Str text, bool *before, StrBuf *out)
{
    if (str_is_null(text))
        return;
    strbuf_adds(out, *before ? "," : "");
    print_member(name, text, out);
    *before = true;
}

static Str lower(Str text, Arena *arena)
{
    char *copy = str_is_null(text) ? NULL : str_to_c(arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = copy[i] >= 'A' && copy[i] <= 'Z' ? (char)(copy[i] + 32) : copy[i];
    return str_n(copy, text.len);
}

static void print_topic_format(const char *name, const FormatSpec *format, int side, size_t columns,
                               const KeyWindow *window, Arena *arena, StrBuf *out)
{
    bool before = false;
    strbuf_addf(out, ",\"%s\":{\"format\":\"%s\"", name, format_name(format->format));
    print_features("features", format, side, columns, out);
    strbuf_adds(out, ",\"properties\":{");
    print_property("delimiter", format->delimiter, &before, out);
    print_property("fullSchemaName", format->full_schema_name, &before, out);
    print_property("nullableRepresentation", lower(format->nullable_representation, arena), &before, out);
    strbuf_addc(out, '}');
    if (window != NULL && window->kind != WINDOWED_NO) {
        strbuf_addf(out, ",\"windowInfo\":{\"type\":\"%s\"", window_type(window->kind));
        if (window->size_ms > 0)
            strbuf_addf(out, ",\"size\":%lld", (long long)window->size_ms);
        strbuf_addc(out, '}');
    }
    strbuf_addc(out, '}');
}

/* The latest schema of the topic's side: JSON as it is, anything else as a text. */
static void print_registered(TestBench *bench, const char *name, Str topic, int side, StrBuf *out)
{
    RegisteredSchema schema;
    Error            ignored;
    Str              subject = registry_subject(bench->arena, topic, side);
    strbuf_addf(out, ",\"%s\":", name);
    if (registry_latest(bench->registry, subject, bench->arena, &schema, &ignored) != OK)
        strbuf_adds(out, "null");
    else if (schema.kind == SCHEMA_PROTOBUF)
        json_write_string(schema.text, out);
    else
        strbuf_add(out, schema.text);
}

static void print_topic(TestBench *bench, const TopicInfo *topic, const Source *source, StrBuf *out)
{
    strbuf_addc(out, '{');
    print_member("name", topic->name, out);
    strbuf_addf(out, ",\"partitions\":%d", topic->partitions);
    if (source != NULL) {
        print_topic_format("keyFormat", &source->key_format, SIDE_KEY, source->schema->key_count,
                           &source->window, bench->arena, out);
        print_topic_format("valueFormat", &source->value_format, SIDE_VALUE, source->schema->value_count,
                           NULL, bench->arena, out);
    }
    print_registered(bench, "keySchema", topic->name, SIDE_KEY, out);
    print_registered(bench, "valueSchema", topic->name, SIDE_VALUE, out);
    strbuf_addc(out, '}');
}

static Status print_result(TestBench *bench, const Catalog *catalog, StrBuf *out, Error *err)
{
    size_t              count;
    const DriverRecord *outputs = driver_outputs(bench->driver, &count);
    const Source      **sources;
    TopicInfo          *topics;
    strbuf_adds(out, ",\"outputs\":[");
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? "," : "");
        TRY(print_output(bench, catalog, &outputs[i], out, err));
    }
    strbuf_adds(out, "],\"sources\":[");
    catalog_sources(catalog, bench->arena, &sources, &count);
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? "," : "");
        print_source(sources[i], out);
    }
    strbuf_adds(out, "],\"topics\":[");
    TRY(log_topic_list(bench->log, bench->arena, &topics, &count, err));
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? "," : "");
        print_topic(bench, &topics[i], test_bench_source(catalog, topics[i].name, bench->arena), out);
    }
    strbuf_addc(out, ']');
    return OK;
}

/* ---- running ---- */

static const char *stage_of(Status status, const char *stage)
{
    if (status == E_UNSUPPORTED)
        return "unsupported";
    return status == E_SYNTAX ? "parse" : stage;
}

static void print_error(const char *stage, size_t statement, const Error *err, StrBuf *out)
{
    strbuf_addf(out, ",\"error\":{\"stage\":\"%s\"", stage_of(err->code, stage));
    if (statement > 0)
        strbuf_addf(out, ",\"statement\":%zu", statement);
    strbuf_addc(out, ',');
    print_member("message", str_c(err->message), out);
    strbuf_addc(out, '}');
}

static Status run_queries(TestBench *bench, Str line, StrBuf *out, Error *err)
{
    Catalog *catalog = engine_catalog(bench->engine);
    StrBuf   result  = {0};
    Status   status  = insert_inputs(bench, catalog, line, err);
    if (status == OK)
        status = driver_run(bench->driver, err);
    if (status == OK)
        status = print_result(bench, catalog, &result, err);
    if (status == OK)
        strbuf_add(out, strbuf_str(&result));
    strbuf_clear(&result);
    catalog_free(catalog);
    return status;
}

static void run_query_case(TestBench *bench, Str line, StrBuf *out)
{
    Error  err;
    size_t failed = 0;
    set_properties(bench, line);
    if (run_statements(bench, line, &failed, &err) != OK)
        print_error("plan", failed, &err, out);
    else if (run_queries(bench, line, out, &err) != OK)
        print_error("runtime", 0, &err, out);
}

/* Files of a script are members of the case: path to text. */
static Status case_file(void *context, Str path, Arena *arena, Str *out, Error *err)
{
    Str    files = *(const Str *)context, name, raw;
    size_t at    = 0;
    *out         = STR_NULL;
    while (raw_next_member(files, &at, arena, &name, &raw))
        if (str_equal(name, path))
            *out = raw_text(raw, arena);
    if (str_is_null(*out))
        return error_set(err, E_NOT_FOUND, NO_POS, "Failed to read file: " STR_FMT, STR_ARG(path));
    return OK;
}

static void run_script_case(TestBench *bench, Str line, StrBuf *out)
{
    Error       err;
    Str         text = raw_text(raw_member(line, "script"), bench->arena), files = raw_member(line, "files");
    TestScript *script = test_script_new(bench, case_file, &files);
    if (test_script_run(script, text, &err) == OK)
        strbuf_adds(out, ",\"ok\":true");
    else
        print_error(test_script_asserted(script) ? "assert" : "plan", 0, &err, out);
}

void test_case_run(Str line, DriverRestart restart, StrBuf *out)
{
    Error        err;
    TestBench    bench;
    json_error_t why;
    json_t      *valid  = json_loadb(line.ptr, line.len, JSON_ALLOW_NUL, &why);
    bool         script = valid != NULL && json_object_get(valid, "script") != NULL;
    strbuf_adds(out, "{\"id\":");
    Str id = valid == NULL ? STR_LIT("null") : raw_member(line, "id");
    strbuf_add(out, str_is_null(id) ? STR_LIT("null") : id);
    json_decref(valid);
    if (valid == NULL) {
        error_set(&err, E_DATA, NO_POS, "The case is not valid JSON: line %d, column %d: %s", why.line,
                  why.column, why.text);
        print_error("parse", 0, &err, out);
    } else if (test_bench_open(&bench, script, restart, &err) != OK) {
        print_error("runtime", 0, &err, out);
        test_bench_close(&bench);
    } else {
        if (script)
            run_script_case(&bench, line, out);
        else
            run_query_case(&bench, line, out);
        test_bench_close(&bench);
    }
    strbuf_addc(out, '}');
}
