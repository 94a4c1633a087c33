/*
 * plan_test.h - SQL in, records in, records out: statements are planned against a small catalog and run by
 * the driver.
 *
 * Records are written and compared as text: `key value @timestamp`, windowed keys as `key[start,end]`, a null
 * as `null`. Keys are KAFKA strings or JSON, so their bytes are text.
 */
#ifndef SLUICE_TESTS_PLAN_TEST_H
#define SLUICE_TESTS_PLAN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "executor/dataflow/driver.h"
#include "planner/node.h"
#include "parser/parser.h"
#include "planner/planner.h"

typedef struct {
    PlannerHost host; /* first */
    Arena      *arena;
    Catalog    *catalog;
    Functions  *functions;
    Clock       clock;
    Driver     *driver;
    int64_t     query_number;
    StrBuf      skipped; /* messages, one a line */
    Error       err;
} Flow;

#define FLOW_MUST(call)                                                                                      \
    do {                                                                                                     \
        Status must_ = (call);                                                                               \
        if (must_ != OK)                                                                                     \
            fail_msg("%s: %s: %s", #call, status_name(must_), f->err.message);                               \
    } while (0)

static Str flow_property(const PlannerHost *self, const char *name) { return STR_NULL; }

static bool flow_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    *partitions = *replicas = 1;
    return true;
}

static int64_t flow_retention(const PlannerHost *self, Str topic) { return -1; }

static void flow_skipped(void *context, const SkipInfo *info)
{
    Flow *f = context;
    strbuf_addf(&f->skipped, "%s\n", info->message);
}

static int flow_setup(void **state)
{
    Flow *f      = mem_calloc(1, sizeof *f);
    f->host      = (PlannerHost){flow_property, flow_topic, flow_retention};
    f->arena     = arena_new(0);
    f->catalog   = catalog_new();
    f->functions = functions_open();
    clock_init_virtual(&f->clock, 0, 1);
    DriverOptions options = {
        .clock = &f->clock, .service_id = STR_LIT("test_"), .skipped = flow_skipped, .context = f};
    *state = f;
    return driver_open(&options, &f->driver, &f->err) == OK ? 0 : -1;
}

static int flow_teardown(void **state)
{
    Flow *f = *state;
    driver_close(f->driver);
    functions_close(f->functions);
    catalog_free(f->catalog);
    arena_free(f->arena);
    strbuf_clear(&f->skipped);
    mem_free(f);
    return 0;
}

static Planner flow_planner(Flow *f)
{
    return (Planner){f->catalog, f->functions, &f->host,          NULL,
                     &f->clock,  f->arena,     f->query_number++, STR_LIT("test_")};
}

static const QueryPlan *flow_statement(Flow *f, const AstStatement *statement)
{
    Planner planner = flow_planner(f);
    if (statement->kind == STMT_CREATE_SOURCE) {
        Source    *source;
        TopicWish  topic;
        QueryPlan *plan = NULL;
        FLOW_MUST(plan_create_source(&planner, statement, &source, &topic, &plan, &f->err));
        catalog_put_source(f->catalog, source);
        return plan;
    }
    PersistentQuery *query;
    FLOW_MUST(plan_persistent_query(&planner, statement, &query, &f->err));
    if (query->kind != QUERY_INSERT)
        catalog_put_source(f->catalog, query->sink);
    return query->plan;
}

/* Plans and adds all statements; the plan of the last query. */
static inline const QueryPlan *flow_sql(Flow *f, const char *sql)
{
    AstScript        script;
    const QueryPlan *last = NULL;
    FLOW_MUST(parse_script(f->arena, str_dup(f->arena, str_c(sql)), &(ParseOptions){0}, &script, &f->err));
    for (size_t i = 0; i < script.count; i++) {
        const QueryPlan *plan = flow_statement(f, script.items[i]);
        if (plan != NULL)
            FLOW_MUST(driver_add_query(f->driver, plan, &f->err));
        last = plan != NULL ? plan : last;
    }
    return last;
}

/* An input record; key and value may be NULL. */
static inline void flow_send(Flow *f, const char *topic, const char *key, const char *value,
                             int64_t timestamp)
{
    LogRecord record = {.timestamp = timestamp, .key = str_c(key), .value = str_c(value)};
    FLOW_MUST(driver_insert(f->driver, str_c(topic), 0, &record, true, false, &f->err));
}

static inline void flow_send_headers(Flow *f, const char *topic, const char *key, const char *value,
                                     int64_t timestamp, const Header *headers, size_t count)
{
    LogRecord record = {.timestamp    = timestamp,
                        .key          = str_c(key),
                        .value        = str_c(value),
                        .headers      = headers,
                        .header_count = count};
    FLOW_MUST(driver_insert(f->driver, str_c(topic), 0, &record, true, false, &f->err));
}

static inline void flow_run(Flow *f) { FLOW_MUST(driver_run(f->driver, &f->err)); }

static void flow_print_key(Flow *f, Str topic, Str key, StrBuf *out)
{
    const Source **sources;
    size_t         count;
    KeyWindow      window = {WINDOWED_NO, 0};
    Str            inner  = key;
    int64_t        start, end;
    catalog_sources(f->catalog, f->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (str_equal(sources[i]->topic, topic))
            window = sources[i]->window;
    WindowKeyKind kind = window.kind == WINDOWED_NO        ? WINDOW_KEY_NONE
                         : window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION
                                                           : WINDOW_KEY_TIME;
    if (str_is_null(key)) {
        strbuf_adds(out, "null");
    } else {
        assert_true(windowed_key_split(kind, window.size_ms, key, &inner, &start, &end));
        strbuf_add(out, inner);
        if (kind != WINDOW_KEY_NONE)
            strbuf_addf(out, "[%lld,%lld]", (long long)start, (long long)end);
    }
}

/* All that was written to the topic, a line a record. */
static inline void flow_expect(Flow *f, const char *topic, const char *expected)
{
    size_t              count;
    const DriverRecord *outputs = driver_outputs(f->driver, &count);
    StrBuf              text    = {0};
    for (size_t i = 0; i < count; i++) {
        const LogRecord *record = &outputs[i].record;
        if (!str_equal(outputs[i].topic, str_c(topic)))
            continue;
        flow_print_key(f, outputs[i].topic, record->key, &text);
        strbuf_addf(&text, " " STR_FMT " @%lld",
                    STR_ARG(str_is_null(record->value) ? STR_LIT("null") : record->value),
                    (long long)record->timestamp);
        for (size_t h = 0; h < record->header_count; h++)
            strbuf_addf(&text, " " STR_FMT "=" STR_FMT, STR_ARG(record->headers[h].key),
                        STR_ARG(record->headers[h].value));
        strbuf_addc(&text, '\n');
    }
    char *got = str_to_c(f->arena, strbuf_str(&text));
    strbuf_clear(&text);
    assert_string_equal(got, expected);
}

/* One statement list, inputs into the topic "s" (or the given one), and what comes out of the topic "O". */
typedef struct {
    const char *topic, *key, *value;
    int64_t     timestamp;
} FlowRecord;

typedef struct {
    const char *sql;
    FlowRecord  in[16];
    const char *out;
} FlowCase;

static inline void flow_case(const FlowCase *c)
{
    void *state;
    assert_int_equal(flow_setup(&state), 0);
    Flow *f = state;
    flow_sql(f, c->sql);
    for (size_t i = 0; i < ARRAY_LEN(c->in) && c->in[i].topic != NULL; i++)
        flow_send(f, c->in[i].topic, c->in[i].key, c->in[i].value, c->in[i].timestamp);
    flow_run(f);
    flow_expect(f, "O", c->out);
    flow_teardown(&state);
}

#endif
