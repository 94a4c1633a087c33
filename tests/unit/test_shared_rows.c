/*
 * test_shared_rows.c - a query does the same whether it decodes its records alone or gets rows that were
 * decoded for others, too: what it writes (a repartition topic included), what it skips and what it says of
 * it.
 */
#include "plan_test.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, b STRING, n STRUCT<x INT, y INT, z STRUCT<p INT, q STRING>>, "    \
    "d DECIMAL(4,2), h BYTES HEADER('h')) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "

static const char *const queries[] = {
    "SELECT k, a FROM s",
    "SELECT k, b FROM s WHERE a > 1",
    "SELECT k, n->x FROM s",
    "SELECT k, n->z->q FROM s",
    "SELECT k, n->y + a AS sum FROM s",
    "SELECT k, d FROM s",
    "SELECT k, h FROM s",
    "SELECT * FROM s",
    "SELECT k, ROWTIME AS t FROM s",
    "SELECT k, ROWPARTITION AS p, ROWOFFSET AS o FROM s",
    "SELECT k, ROWOFFSET AS o, b FROM s",
    "SELECT b, a FROM s PARTITION BY b",
    "SELECT n->y AS y, n->z->p AS p FROM s PARTITION BY n->y",
    "SELECT a, SUM(n->y) AS total FROM s GROUP BY a",
    "SELECT b, COUNT(n->z->q) AS c, MAX(ROWOFFSET) AS o FROM s GROUP BY b",
};

static const LogRecord records[] = {
    {.offset = 0, .timestamp = 10, .key = STR_LIT("k0"), .value = STR_LIT("{\"a\":1,\"b\":\"one\"}")},
    {.offset    = 1,
     .timestamp = 11,
     .key       = STR_LIT("k1"),
     .value =
         STR_LIT("{\"a\":2,\"b\":\"two\",\"n\":{\"x\":5,\"y\":6,\"z\":{\"p\":7,\"q\":\"r\"}},\"d\":1.5}")},
    {.offset = 2, .timestamp = 9, .key = STR_LIT("k2"), .value = STR_LIT("{\"a\":\"no\",\"b\":\"three\"}")},
    {.offset    = 3,
     .timestamp = 12,
     .key       = STR_LIT("k3"),
     .value     = STR_LIT("{\"a\":4,\"n\":{\"y\":\"no\",\"x\":1}}")},
    {.offset = 4, .timestamp = 13, .key = STR_LIT("k4"), .value = STR_LIT("{\"a\":5,\"n\":7}")},
    {.offset = 5, .timestamp = 14, .key = STR_LIT("k5"), .value = STR_LIT("{\"a\":6,\"d\":100.5}")},
    {.offset = 6, .timestamp = 15, .key = STR_LIT("k6"), .value = STR_LIT("{\"a\":7,")},
    {.offset = 7, .timestamp = 16, .key = STR_LIT("k7")},
    {.offset    = 8,
     .timestamp = 17,
     .value     = STR_LIT("{\"a\":8,\"b\":\"null key\",\"n\":{\"y\":1,\"z\":{\"q\":\"s\"}}}")},
    {.offset    = 9,
     .timestamp = 18,
     .key       = STR_LIT("k9"),
     .value     = STR_LIT("{\"a\":9,\"n\":{\"z\":{\"p\":\"no\"}}}")},
};

/* FIRST: so many are pushed first, the rest behind them. */
enum { FIRST = 3, RECORDS = ARRAY_LEN(records), QUERIES = ARRAY_LEN(queries) };

typedef struct {
    PipelineHost host; /* first */
    Flow        *f;
    StateFile   *file;
    StrBuf       log;
} Listener;

static Status hear_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                          const LogRecord *record, Str hash_key, Error *err)
{
    StrBuf *out = &((Listener *)self)->log;
    strbuf_addf(out, STR_FMT ": ", STR_ARG(node->step));
    json_write_string(str_is_null(record->key) ? STR_LIT("null") : record->key, out);
    for (size_t i = 0; i < record->value.len; i++)
        strbuf_addf(out, " %02x", (unsigned char)record->value.ptr[i]);
    strbuf_addf(out, " @%lld\n", (long long)record->timestamp);
    return OK;
}

static void hear_skip(PipelineHost *self, const SkipInfo *info)
{
    strbuf_addf(&((Listener *)self)->log, "skipped %lld @%lld: %s\n", (long long)info->origin->offset,
                (long long)info->timestamp, info->message);
}

/* The sub-topology that reads the source. */
static Pipeline *open_query(Listener *l, const QueryPlan *plan)
{
    Flow *f = l->f;
    for (int sub = 0;; sub++) {
        Pipeline    *pipeline;
        PipelineSpec spec = {.plan         = plan,
                             .sub_topology = sub,
                             .state        = l->file,
                             .host         = &l->host,
                             .clock        = &f->clock,
                             .service_id   = STR_LIT("test_")};
        FLOW_MUST(pipeline_open(&spec, &pipeline, &f->err));
        if (pipeline_input_node(pipeline, 0)->class->reads_topic)
            return pipeline;
        pipeline_close(pipeline);
    }
}

static void hear_counters(Listener *l, Pipeline *pipeline)
{
    const PipelineCounters *counters = pipeline_counters(pipeline);
    strbuf_addf(&l->log, "in %llu out %llu bad %llu time %lld\n", (unsigned long long)counters->records_in,
                (unsigned long long)counters->records_out, (unsigned long long)counters->skipped_bad,
                (long long)counters->stream_time);
    strbuf_addc(&l->log, '\0');
}

static void alone(Listener *l, const QueryPlan *plan, StrBuf *out)
{
    Flow     *f        = l->f;
    Pipeline *pipeline = open_query(l, plan);
    strbuf_reset(&l->log);
    FLOW_MUST(pipeline_push(pipeline, 0, 0, records, FIRST, &f->err));
    FLOW_MUST(pipeline_push(pipeline, 0, 0, records + FIRST, RECORDS - FIRST, &f->err));
    hear_counters(l, pipeline);
    strbuf_reset(out);
    strbuf_add(out, strbuf_str(&l->log));
    pipeline_close(pipeline);
}

static void expect_shared(Listener *l, const QueryPlan *plan, const SourceRows *rows, const char *expected)
{
    Flow     *f        = l->f;
    Pipeline *pipeline = open_query(l, plan);
    strbuf_reset(&l->log);
    FLOW_MUST(pipeline_push_rows(pipeline, 0, rows, 0, FIRST, &f->err));
    FLOW_MUST(pipeline_push_rows(pipeline, 0, rows, FIRST, RECORDS - FIRST, &f->err));
    hear_counters(l, pipeline);
    assert_string_equal(l->log.ptr, expected);
    pipeline_close(pipeline);
}

static SourceSpec spec_of(Listener *l, const QueryPlan *plan)
{
    Pipeline  *pipeline = open_query(l, plan);
    SourceSpec spec     = source_spec(pipeline_input_node(pipeline, 0));
    pipeline_close(pipeline);
    return spec;
}

static void others_make_no_difference(void **state)
{
    Flow            *f = *state;
    Listener         l = {.host = {.append = hear_append, .skip = hear_skip}, .f = f};
    const QueryPlan *plans[QUERIES];
    StrBuf           expected = {0};
    flow_sql(f, S);
    FLOW_MUST(state_file_open(NULL, &l.file, &f->err));
    for (size_t i = 0; i < QUERIES; i++) {
        const char *kind = strstr(queries[i], "GROUP BY") == NULL ? "STREAM" : "TABLE";
        Str         sql  = str_printf(f->arena, "CREATE %s o%zu AS %s;", kind, i, queries[i]);
        plans[i]         = flow_sql(f, str_to_c(f->arena, sql));
    }
    for (size_t i = 0; i < QUERIES; i++) {
        alone(&l, plans[i], &expected);
        for (size_t other = 0; other < QUERIES; other++) {
            SourceDecoder *decoder;
            SourceRows     rows;
            SourceSpec     one = spec_of(&l, plans[i]), more = spec_of(&l, plans[other]);
            assert_true(source_spec_alike(&one, &more));
            SourceSpec both = source_spec_copy(f->arena, &one);
            source_spec_add(f->arena, &both, &more);
            FLOW_MUST(source_decoder_open(&both, &f->clock, NULL, NULL, f->arena, &decoder, &f->err));
            source_decoder_read(decoder, 0, records, RECORDS, f->arena, &rows);
            expect_shared(&l, plans[i], &rows, expected.ptr);
            source_decoder_close(decoder);
        }
    }
    state_file_close(l.file);
    strbuf_clear(&expected);
    strbuf_clear(&l.log);
}

/* Each differs from s in one thing that makes other rows of the same records. */
static const char *const different[] = {
    "(k STRING KEY, a BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON')",
    "(k STRING KEY, aa INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON')",
    "(k STRING, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON')",
    "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED')",
    "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', KEY_FORMAT='JSON', VALUE_FORMAT='JSON')",
    "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
    "WRAP_SINGLE_VALUE=false)",
    "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
    "WINDOW_TYPE='SESSION')",
    "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s2', VALUE_FORMAT='JSON')",
};

static SourceSpec spec_of_stream(Listener *l, const char *columns_and_properties)
{
    Flow *f    = l->f;
    int   name = (int)f->query_number;
    Str   sql  = str_printf(f->arena, "CREATE STREAM x%d %s; CREATE STREAM o%d AS SELECT * FROM x%d;", name,
                            columns_and_properties, name, name);
    return spec_of(l, flow_sql(f, str_to_c(f->arena, sql)));
}

static void unlike_sources_are_told_apart(void **state)
{
    Flow       *f   = *state;
    Listener    l   = {.host = {.append = hear_append, .skip = hear_skip}, .f = f};
    const char *sql = "(k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON')";
    SourceSpec  one = spec_of_stream(&l, sql), again = spec_of_stream(&l, sql);
    assert_true(source_spec_alike(&one, &again));
    for (size_t i = 0; i < ARRAY_LEN(different); i++) {
        SourceSpec other = spec_of_stream(&l, different[i]);
        assert_false(source_spec_alike(&one, &other));
        assert_false(source_spec_alike(&other, &one));
    }
    SourceSpec a = spec_of_stream(&l, "(k STRING KEY, a BIGINT) WITH (KAFKA_TOPIC='s', "
                                      "VALUE_FORMAT='JSON', TIMESTAMP='a')");
    SourceSpec b = spec_of_stream(&l, "(k STRING KEY, a BIGINT) WITH (KAFKA_TOPIC='s', "
                                      "VALUE_FORMAT='JSON')");
    assert_false(source_spec_alike(&a, &b));
    strbuf_clear(&l.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(others_make_no_difference, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(unlike_sources_are_told_apart, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
