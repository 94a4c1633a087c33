/* Pipelines by themselves: sub-topologies through a repartition topic, late emission, saved state, rollback,
 * replay, push query output. */
#include "plan_test.h"

#define S "CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T                                                                                                    \
    "CREATE TABLE t (k STRING PRIMARY KEY, a INT, b STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

enum { MOST = 64 };

typedef struct {
    PipelineHost host; /* first */
    Flow        *f;
    StrBuf       sink, changes, rows;
    LogRecord    internal[MOST]; /* of the repartition topic */
    size_t       internal_count, sink_bytes;
    Str          internal_topic;
} Bench;

static Status bench_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    Bench *b = (Bench *)self;
    Arena *a = b->f->arena;
    if (node->class->cuts) {
        LogRecord *to     = &b->internal[b->internal_count++];
        *to               = *record;
        to->key           = str_is_null(record->key) ? STR_NULL : str_dup(a, record->key);
        to->value         = str_is_null(record->value) ? STR_NULL : str_dup(a, record->value);
        b->internal_topic = str_dup(a, topic);
        return OK;
    }
    b->sink_bytes += record->key.len + record->value.len;
    strbuf_addf(&b->sink, STR_FMT " " STR_FMT " @%lld\n", STR_ARG(hash_key),
                STR_ARG(str_is_null(record->value) ? STR_LIT("null") : record->value),
                (long long)record->timestamp);
    return OK;
}

static Status bench_changelog(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                              Error *err)
{
    strbuf_addf(&((Bench *)self)->changes, STR_FMT "%s\n",
                STR_ARG(pipeline_store_node(pipeline, store)->step), str_is_null(value) ? " removed" : "");
    return OK;
}

static Status bench_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err)
{
    StrBuf *out = &((Bench *)self)->rows;
    for (size_t i = 0; i < node->schema->count; i++) {
        const SqlType *type = node->schema->columns[i].type;
        strbuf_adds(out, i ? "," : row->columns ? "+" : "-");
        value_print(type, row->columns ? row->columns[i] : output_kept_value(node, i, row), out);
    }
    strbuf_addc(out, '\n');
    return OK;
}

static void bench_skip(PipelineHost *self, const SkipInfo *info) {}

static int bench_setup(void **state)
{
    Bench *b = mem_calloc(1, sizeof *b);
    void  *flow;
    b->host = (PipelineHost){bench_append, bench_output, bench_changelog, bench_skip};
    int rc  = flow_setup(&flow);
    b->f    = flow;
    *state  = b;
    return rc;
}

static int bench_teardown(void **state)
{
    Bench *b    = *state;
    void  *flow = b->f;
    flow_teardown(&flow);
    strbuf_clear(&b->sink);
    strbuf_clear(&b->changes);
    strbuf_clear(&b->rows);
    mem_free(b);
    return 0;
}

static Pipeline *bench_open(Bench *b, const QueryPlan *plan, int sub, StateFile *file, bool late)
{
    Flow        *f = b->f;
    Pipeline    *pipeline;
    PipelineSpec spec = {.plan         = plan,
                         .sub_topology = sub,
                         .state        = file,
                         .host         = &b->host,
                         .clock        = &f->clock,
                         .service_id   = STR_LIT("test_"),
                         .emit_late    = late};
    FLOW_MUST(pipeline_open(&spec, &pipeline, &f->err));
    return pipeline;
}

static void bench_push(Bench *b, Pipeline *pipeline, const char *key, const char *value, int64_t timestamp)
{
    Flow     *f      = b->f;
    LogRecord record = {.timestamp = timestamp, .key = str_c(key), .value = str_c(value)};
    FLOW_MUST(pipeline_push(pipeline, 0, 0, &record, 1, &f->err));
}

static void expect_text(StrBuf *text, const char *expected)
{
    strbuf_addc(text, 0);
    assert_string_equal(text->ptr, expected);
    strbuf_reset(text);
}

static void a_repartition_topic_joins_two_pipelines(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan = flow_sql(f, S "CREATE TABLE o AS SELECT b, SUM(a) AS n FROM s GROUP BY b;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *upper = bench_open(b, plan, 0, file, false), *lower = bench_open(b, plan, 1, file, false);
    bench_push(b, lower, "x", "{\"a\":1,\"b\":\"p\"}", 5);
    bench_push(b, lower, "y", "{\"a\":2,\"b\":\"p\"}", 3);
    bench_push(b, lower, "z", "{\"a\":2}", 3);
    assert_int_equal(b->internal_count, 2);
    assert_true(str_equal(b->internal_topic,
                          STR_LIT("_confluent-ksql-test_query_CTAS_O_1-Aggregate-GroupBy-repartition")));
    assert_int_equal(pipeline_input_count(upper), 1);
    assert_true(str_equal(pipeline_input_topic(upper, 0), b->internal_topic));
    FLOW_MUST(pipeline_push(upper, 0, 0, b->internal, b->internal_count, &f->err));
    expect_text(&b->sink, "p {\"N\":1} @5\np {\"N\":3} @5\n");
    pipeline_close(upper);
    pipeline_close(lower);
    state_file_close(file);
}

static void changes_of_a_table_cross_with_both_sides(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan = flow_sql(f, T "CREATE TABLE o AS SELECT b, SUM(a) AS n FROM t GROUP BY b;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *upper = bench_open(b, plan, 0, file, false), *lower = bench_open(b, plan, 1, file, false);
    bench_push(b, lower, "x", "{\"a\":1,\"b\":\"p\"}", 1);
    bench_push(b, lower, "x", "{\"a\":2,\"b\":\"p\"}", 2);
    bench_push(b, lower, "x", "{\"a\":3,\"b\":\"q\"}", 3);
    bench_push(b, lower, "x", NULL, 4);
    assert_int_equal(b->internal_count, 5);
    FLOW_MUST(pipeline_push(upper, 0, 0, b->internal, b->internal_count, &f->err));
    expect_text(&b->sink, "p {\"N\":1} @1\np {\"N\":2} @2\np {\"N\":0} @3\nq {\"N\":3} @3\nq {\"N\":0} @4\n");
    assert_true(pipeline_store_is_source(lower, 0));
    assert_false(pipeline_store_is_source(upper, 0));
    pipeline_close(upper);
    pipeline_close(lower);
    state_file_close(file);
}

static void late_emission_is_once_per_key_and_commit(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan =
        flow_sql(f, S "CREATE TABLE o AS SELECT k, SUM(a) AS n FROM s GROUP BY k HAVING SUM(a) > 2;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, 0, file, true);
    bench_push(b, pipeline, "x", "{\"a\":3}", 5);
    bench_push(b, pipeline, "y", "{\"a\":1}", 6);
    bench_push(b, pipeline, "x", "{\"a\":4}", 4);
    expect_text(&b->sink, "");
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "x {\"N\":7} @5\n");
    expect_text(&b->changes, "Aggregate\nAggregate\n");
    FLOW_MUST(state_file_commit(file, &f->err));
    pipeline_committed(pipeline);
    bench_push(b, pipeline, "x", "{\"a\":-9}", 7); /* leaves: a tombstone */
    bench_push(b, pipeline, "y", "{\"a\":9}", 8);
    bench_push(b, pipeline, "y", "{\"a\":-9}", 8); /* in and out again within a commit: silence */
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "x null @7\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void late_tables_emit_once_per_key_and_commit(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan = flow_sql(f, T "CREATE TABLE o AS SELECT k, a FROM t WHERE a > 1;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, 0, file, true);
    bench_push(b, pipeline, "x", "{\"a\":3}", 5);
    bench_push(b, pipeline, "y", "{\"a\":1}", 6);
    bench_push(b, pipeline, "x", "{\"a\":4}", 4);
    bench_push(b, pipeline, "z", "{\"a\":4}", 4);
    bench_push(b, pipeline, "z", NULL, 5); /* came and went */
    bench_push(b, pipeline, "u", NULL, 5); /* never was */
    expect_text(&b->sink, "");
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "x {\"A\":4} @4\n");
    FLOW_MUST(state_file_commit(file, &f->err));
    bench_push(b, pipeline, "x", NULL, 9);
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "x null @9\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void a_late_table_aggregates_what_it_shows(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan = flow_sql(f, T "CREATE TABLE o AS SELECT b, SUM(a) AS n FROM t GROUP BY b;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, ALL_DIRECT, file, true);
    bench_push(b, pipeline, "x", "{\"a\":3,\"b\":\"p\"}", 1);
    bench_push(b, pipeline, "x", "{\"a\":4,\"b\":\"q\"}", 2);
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "q {\"N\":4} @2\n");
    FLOW_MUST(state_file_commit(file, &f->err));
    bench_push(b, pipeline, "x", "{\"a\":5,\"b\":\"p\"}", 3);
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "q {\"N\":0} @3\np {\"N\":5} @3\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void late_sessions_retire_what_was_shown(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan = flow_sql(f, S "CREATE TABLE o AS SELECT k, COLLECT_LIST(b) AS l FROM s WINDOW "
                                          "SESSION (10 MILLISECONDS) GROUP BY k;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, 0, file, true);
    bench_push(b, pipeline, "x", "{\"b\":\"p\"}", 1);
    bench_push(b, pipeline, "x", "{\"b\":\"q\"}", 5);
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->sink, "x {\"L\":[\"p\",\"q\"]} @5\n");
    expect_text(&b->changes,
                "Aggregate\n"); /* the session of one record came and went: nobody has heard of it */
    FLOW_MUST(state_file_commit(file, &f->err));
    bench_push(b, pipeline, "x", "{\"b\":\"r\"}", 9);
    FLOW_MUST(pipeline_flush(pipeline, &f->err));
    expect_text(&b->changes, "Aggregate removed\nAggregate\n");
    expect_text(&b->sink, "x null @5\nx {\"L\":[\"p\",\"q\",\"r\"]} @9\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void saved_time_keeps_late_records_out(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    StrBuf           saved = {0};
    const QueryPlan *plan  = flow_sql(f, S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING "
                                            "(SIZE 10 MILLISECONDS, GRACE PERIOD 0 "
                                            "MILLISECONDS) GROUP BY k;");
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, 0, file, false);
    bench_push(b, pipeline, "x", "{\"a\":1}", 25);
    pipeline_save(pipeline, &saved);
    pipeline_close(pipeline);
    pipeline = bench_open(b, plan, 0, file, false);
    FLOW_MUST(pipeline_load(pipeline, strbuf_str(&saved), &f->err));
    bench_push(b, pipeline, "x", "{\"a\":1}", 5);
    expect_text(&b->sink, "x {\"N\":1} @25\n");
    assert_int_equal(pipeline_counters(pipeline)->skipped_late, 1);
    assert_int_equal(pipeline_load(pipeline, STR_LIT("rubbish"), &f->err), E_DATA);
    pipeline_rolled_back(pipeline);
    FLOW_MUST(pipeline_load(pipeline, STR_NULL, &f->err));
    bench_push(b, pipeline, "x", "{\"a\":1}", 5);
    expect_text(&b->sink, "x {\"N\":1} @5\n");
    strbuf_clear(&saved);
    pipeline_close(pipeline);
    state_file_close(file);
}

/* A clock that goes on by a microsecond whenever it is asked. */
static int64_t stepping_ns(Clock *clock) { return (int64_t)++clock->seed * 1000; }

/* Each operator's own time, without what it hands on; that of the batches which were not timed follows from
 * those which were. */
static void figures_add_up(void **state)
{
    enum { RECORDS = 200, PASSED = 133 };
    static const uint64_t expected[][4] = {{RECORDS, RECORDS, 2000 * RECORDS, 8 * RECORDS},
                                           {RECORDS, PASSED, 0, 0},
                                           {PASSED, PASSED, 0, 0},
                                           {PASSED, PASSED, 0, 0}};
    Bench                *b             = *state;
    Flow                 *f             = b->f;
    StateFile            *file;
    const QueryPlan      *plan   = flow_sql(f, S "CREATE STREAM o AS SELECT * FROM s WHERE a > 1;");
    uint64_t              all_ns = 0, figures[FIGURE_COUNT];
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline    = bench_open(b, plan, 0, file, false);
    f->clock.monotonic_ns = stepping_ns;
    for (int i = 0; i < RECORDS; i++)
        bench_push(b, pipeline, "x", i % 3 == 0 ? "{\"a\":1}" : "{\"a\":2}", i);
    assert_int_equal(pipeline_operator_count(pipeline), ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        pipeline_figures(pipeline, i, figures);
        all_ns += figures[FIGURE_NANOSECONDS];
        assert_int_equal(figures[FIGURE_ROWS_IN], expected[i][0]);
        assert_int_equal(figures[FIGURE_ROWS_OUT], expected[i][1]);
        assert_int_equal(figures[FIGURE_BYTES_IN], expected[i][3]);
        if (expected[i][2] > 0)
            assert_int_equal(figures[FIGURE_NANOSECONDS], expected[i][2]);
    }
    assert_int_equal(figures[FIGURE_BYTES_OUT], b->sink_bytes);
    /* A batch that the filter drops: source 2 us, filter 1; one that it passes: 2 each, and the sink's 1. */
    assert_in_range(all_ns, 1100000, 1160000); /* exactly: 67 * 3 + 133 * 7 = 1132 us */
    pipeline_close(pipeline);
    state_file_close(file);
}

static void a_replayed_table_says_nothing(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    const QueryPlan *plan   = flow_sql(f, T "CREATE TABLE o AS SELECT * FROM t WHERE a > 1;");
    LogRecord        record = {.key = STR_LIT("x"), .value = STR_LIT("{\"a\":2}")};
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline = bench_open(b, plan, 0, file, false);
    FLOW_MUST(pipeline_replay_source(pipeline, 0, &record, 1, &f->err));
    expect_text(&b->sink, "");
    assert_int_equal(pipeline_counters(pipeline)->records_in, 0);
    uint64_t figures[FIGURE_COUNT];
    pipeline_figures(pipeline, 0, figures);
    assert_int_equal(figures[FIGURE_ROWS_IN], 0);
    bench_push(b, pipeline, "x", "{\"a\":1}", 1); /* it was there: a tombstone */
    expect_text(&b->sink, "x null @1\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void the_next_timestamp_is_known_beforehand(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    StateFile       *file;
    SourceDecoder   *decoder;
    SourceRows       decoded;
    const QueryPlan *plan = flow_sql(
        f,
        "CREATE STREAM v (k STRING KEY, t STRING) WITH (KAFKA_TOPIC='v', VALUE_FORMAT='JSON', TIMESTAMP='t', "
        "TIMESTAMP_FORMAT='yyyy-MM-dd'); CREATE STREAM o AS SELECT k, t FROM v;");
    static const struct {
        const char *value;
        int64_t     timestamp;
    } rows[] = {
        {"{\"t\":\"1970-01-02\"}", 86400000},
        {"{\"t\":\"soon\"}", INT64_MIN},
        {"{\"t\":", INT64_MIN},
        {NULL, INT64_MIN},
        {"{}", INT64_MIN},
    };
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline  *pipeline = bench_open(b, plan, 0, file, false);
    SourceSpec spec     = source_spec(pipeline_input_node(pipeline, 0));
    FLOW_MUST(source_decoder_open(&spec, &f->clock, NULL, NULL, f->arena, &decoder, &f->err));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        LogRecord record = {.timestamp = 7, .value = str_c(rows[i].value)};
        source_decoder_read(decoder, 0, &record, 1, f->arena, &decoded);
        assert_int_equal(pipeline_row_time(pipeline, 0, &decoded, 0), rows[i].timestamp);
    }
    source_decoder_close(decoder);
    pipeline_close(pipeline);
    state_file_close(file);
}

static const QueryPlan *push_query(Bench *b, const char *sql)
{
    Flow         *f = b->f;
    AstStatement *statement;
    QueryPlan    *plan;
    Planner       planner = flow_planner(f);
    FLOW_MUST(parse_statement(f->arena, str_c(sql), &(ParseOptions){0}, &statement, &f->err));
    FLOW_MUST(plan_push_query(&planner, statement, STR_LIT("transient_1"), &plan, &f->err));
    return plan;
}

static void push_queries_show_rows_and_deletions(void **state)
{
    Bench     *b = *state;
    Flow      *f = b->f;
    StateFile *file;
    flow_sql(f, S T);
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    Pipeline *pipeline =
        bench_open(b, push_query(b, "SELECT a, k FROM t EMIT CHANGES;"), ALL_DIRECT, file, false);
    bench_push(b, pipeline, "x", "{\"a\":1}", 1);
    bench_push(b, pipeline, "x", NULL, 2);
    expect_text(&b->rows, "+1,x\n-null,x\n");
    pipeline_close(pipeline);
    pipeline = bench_open(b, push_query(b, "SELECT b, COUNT(*) AS n FROM s GROUP BY b EMIT CHANGES;"),
                          ALL_DIRECT, file, false);
    bench_push(b, pipeline, "x", "{\"b\":\"p\"}", 1);
    bench_push(b, pipeline, "y", "{\"b\":\"p\"}", 1);
    expect_text(&b->rows, "+p,1\n+p,2\n");
    pipeline_close(pipeline);
    pipeline = bench_open(b, push_query(b, "SELECT a FROM s EMIT CHANGES LIMIT 2;"), ALL_DIRECT, file, false);
    LogRecord records[3] = {
        {.value = STR_LIT("{\"a\":1}")}, {.value = STR_LIT("{\"a\":2}")}, {.value = STR_LIT("{\"a\":3}")}};
    assert_int_equal(pipeline_push(pipeline, 0, 0, records, 3, &f->err), E_CANCELLED);
    expect_text(&b->rows, "+1\n+2\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void deleted_windows_say_which_they_were(void **state)
{
    Bench     *b = *state;
    Flow      *f = b->f;
    StateFile *file;
    flow_sql(f, S);
    FLOW_MUST(state_file_open(NULL, &file, &f->err));
    const QueryPlan *plan = push_query(
        b,
        "SELECT WINDOWEND AS e, COUNT(*) AS n, k, WINDOWSTART FROM s WINDOW SESSION (1 SECONDS) GROUP BY k "
        "EMIT CHANGES;");
    Pipeline *pipeline = bench_open(b, plan, ALL_DIRECT, file, false);
    bench_push(b, pipeline, "x", "{\"a\":1}", 100);
    bench_push(b, pipeline, "x", "{\"a\":1}", 700);
    expect_text(&b->rows, "+100,1,x,100\n-100,null,x,100\n+700,2,x,100\n");
    pipeline_close(pipeline);
    state_file_close(file);
}

static void a_plan_is_cut_at_its_repartitions(void **state)
{
    Bench           *b = *state;
    Flow            *f = b->f;
    const QueryPlan *plan =
        flow_sql(f, S T "CREATE STREAM o AS SELECT s.b AS b, s.a AS a, t.a AS x FROM s JOIN t ON s.b = t.k;");
    SubTopology *subs;
    size_t       count;
    topology_cut(plan, f->arena, &subs, &count);
    assert_int_equal(count, 2);
    assert_true(subs[0].nodes[subs[0].node_count - 1] == plan->root && subs[0].stateful);
    assert_int_equal(subs[0].input_count, 2);
    assert_true(subs[0].inputs[0]->class == &node_exchange);
    assert_true(subs[0].inputs[1]->class == &node_source);
    assert_true(topology_writes(&subs[1], subs[0].inputs[0]) && !subs[1].stateful);
    assert_int_equal(subs[1].partitions, 1);
    assert_true(
        str_equal(topology_changelog_topic(STR_LIT("default_"), plan->id, subs[0].inputs[1], 0, f->arena),
                  STR_LIT("_confluent-ksql-default_query_CSAS_O_2-sluice-KafkaTopic_T-Reduce-changelog")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_repartition_topic_joins_two_pipelines, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(changes_of_a_table_cross_with_both_sides, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(late_emission_is_once_per_key_and_commit, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(late_tables_emit_once_per_key_and_commit, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(a_late_table_aggregates_what_it_shows, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(late_sessions_retire_what_was_shown, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(saved_time_keeps_late_records_out, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_replayed_table_says_nothing, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(figures_add_up, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(the_next_timestamp_is_known_beforehand, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(push_queries_show_rows_and_deletions, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(deleted_windows_say_which_they_were, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_plan_is_cut_at_its_repartitions, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
