/* Partial results in front of a repartition topic: who sends them, and that nothing else changes by them. */
#include "plan_test.h"

#include "planner/plan_document.h"
#include "planner/plan_partial.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, g STRING, a INT, b BIGINT, d DOUBLE) WITH (KAFKA_TOPIC='s', "            \
    "KEY_FORMAT='JSON', VALUE_FORMAT='JSON'); "

/* ---- who ---- */

static const struct {
    const char *select;
    bool        sends;
} kinds[] = {
    {"SELECT g, COUNT(*) AS n FROM s GROUP BY g", true},
    {"SELECT g, SUM(a) AS x, SUM(b) AS y, MIN(d) AS z, MAX(a) AS u FROM s GROUP BY g", true},
    {"SELECT g, a, COUNT(*) AS n FROM s GROUP BY g, a", true},
    {"SELECT g, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 5 SECONDS) GROUP BY g", true},
    {"SELECT g, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 6 SECONDS, ADVANCE BY 2 SECONDS) GROUP BY g", true},
    {"SELECT k, COUNT(*) AS n FROM s GROUP BY k", false},              /* no topic in between */
    {"SELECT g, SUM(d) AS x FROM s GROUP BY g", false},                /* depends on the order */
    {"SELECT g, COUNT(*) AS n, AVG(a) AS x FROM s GROUP BY g", false}, /* not all of them */
    {"SELECT g, LATEST_BY_OFFSET(a) AS x FROM s GROUP BY g", false},   /* so does this */
    {"SELECT g, MAX(g) AS x FROM s GROUP BY g", false},                /* a text needs memory of its own */
    {"SELECT d, COUNT(*) AS n FROM s GROUP BY d", false},              /* -0.0 is 0.0 and is not */
    {"SELECT g, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY g", false},
    {"SELECT g, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 5 SECONDS, ADVANCE BY 2 SECONDS) GROUP BY g",
     false},
};

static const QueryPlan *with_partials(Flow *f, const QueryPlan *plan, Partials partials)
{
    QueryPlan *changed = ARENA_NEW(f->arena, QueryPlan);
    *changed           = *plan;
    plan_set_partials(changed, partials, f->arena);
    return changed;
}

static char *document(Flow *f, const QueryPlan *plan)
{
    json_t *json = plan_to_json(plan);
    char   *text = json_dumps(json, JSON_COMPACT), *kept = str_to_c(f->arena, str_c(text));
    free(text); /* jansson's */
    json_decref(json);
    return kept;
}

static void exact_results_cross_as_parts(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        void *flow;
        flow_setup(&flow);
        Flow       *f = flow;
        const char *sql =
            str_to_c(f->arena, str_printf(f->arena, S "CREATE TABLE o AS %s;", kinds[i].select));
        const QueryPlan *rows = flow_sql(f, sql), *parts = with_partials(f, rows, PARTIALS_NAMED);
        if ((plan_partials(parts) == PARTIALS_NAMED) != kinds[i].sends)
            fail_msg("%s: %s", kinds[i].select, kinds[i].sends ? "sends rows" : "sends partial results");
        assert_string_equal(document(f, with_partials(f, parts, PARTIALS_NONE)), document(f, rows));
        assert_string_equal(document(f, with_partials(f, parts, PARTIALS_NAMED)), document(f, parts));
        const QueryPlan *first =
            with_partials(f, rows, PARTIALS_UNNAMED); /* as the first version made them */
        assert_int_equal(plan_partials(first), kinds[i].sends ? PARTIALS_UNNAMED : PARTIALS_NONE);
        assert_string_equal(document(f, with_partials(f, first, plan_partials(first))), document(f, first));
        flow_teardown(&flow);
    }
}

static void documents_say_the_lowest_version_that_has_all(void **state)
{
    Flow            *f     = *state;
    const QueryPlan *rows  = flow_sql(f, S "CREATE TABLE o AS SELECT g, COUNT(*) AS n FROM s GROUP BY g;");
    const QueryPlan *parts = with_partials(f, rows, PARTIALS_NAMED);
    const DocNode   *json;
    QueryPlan       *again;
    assert_int_equal(plan_document_version(rows), 1);
    assert_int_equal(plan_document_version(parts), 2);
    FLOW_MUST(doc_parse(str_c(document(f, parts)), f->arena, &json, &f->err));
    FLOW_MUST(plan_from_json(json, f->functions, f->arena, &again, &f->err));
    assert_string_equal(document(f, again), document(f, parts));
}

/* A query that is replaced goes on with its topic as it is; the steps that keep something are the same. */
static void a_replaced_query_may_have_either(void **state)
{
    Flow            *f     = *state;
    const QueryPlan *rows  = flow_sql(f, S "CREATE TABLE o AS SELECT g, COUNT(*) AS n FROM s GROUP BY g;");
    const QueryPlan *parts = with_partials(f, rows, PARTIALS_NAMED);
    FLOW_MUST(plan_check_upgrade(rows, parts, &f->err));
    FLOW_MUST(plan_check_upgrade(parts, rows, &f->err));
}

/* ---- two pipelines and the topic between ---- */

enum { TOPIC_MOST = 20000 };

typedef struct {
    PipelineHost     host; /* first */
    Flow            *f;
    const QueryPlan *plan;
    StateFile       *file;
    Pipeline        *upper, *lower;
    LogRecord       *topic;
    size_t           count, read, total;
    StrBuf           sink;
    size_t           skipped;
} Pair;

static Status pair_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                          const LogRecord *record, Str hash_key, Error *err)
{
    Pair  *p = (Pair *)self;
    Arena *a = p->f->arena;
    if (node->class->cuts) {
        assert_true(p->count < TOPIC_MOST);
        LogRecord *to = &p->topic[p->count++];
        *to           = *record;
        to->key       = str_dup(a, record->key);
        to->value     = str_dup(a, record->value);
        return OK;
    }
    strbuf_add(&p->sink, hash_key);
    for (size_t i = hash_key.len; i < record->key.len; i++) /* the window */
        strbuf_addf(&p->sink, "%02x", (unsigned char)record->key.ptr[i]);
    strbuf_addf(&p->sink, " " STR_FMT "\n",
                STR_ARG(str_is_null(record->value) ? STR_LIT("null") : record->value));
    return OK;
}

static Status pair_changelog(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                             Error *err)
{
    return OK;
}

static Status pair_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err) { return OK; }

static void pair_skip(PipelineHost *self, const SkipInfo *info) { ((Pair *)self)->skipped++; }

static Pipeline *open_one(Pair *p, int sub, bool late)
{
    Pipeline    *pipeline;
    Flow        *f    = p->f;
    PipelineSpec spec = {.plan         = p->plan,
                         .sub_topology = sub,
                         .state        = p->file,
                         .host         = &p->host,
                         .clock        = &f->clock,
                         .service_id   = STR_LIT("test_"),
                         .emit_late    = late};
    FLOW_MUST(pipeline_open(&spec, &pipeline, &f->err));
    return pipeline;
}

static Pair *pair_open(Flow *f, const QueryPlan *plan, bool late)
{
    Pair *p  = mem_calloc(1, sizeof *p);
    p->host  = (PipelineHost){pair_append, pair_output, pair_changelog, pair_skip};
    p->f     = f;
    p->plan  = plan;
    p->topic = mem_calloc(TOPIC_MOST, sizeof *p->topic);
    FLOW_MUST(state_file_open(NULL, &p->file, &f->err));
    p->upper = open_one(p, 0, late);
    p->lower = open_one(p, 1, late);
    return p;
}

static void pair_close(Pair *p)
{
    pipeline_close(p->upper);
    pipeline_close(p->lower);
    state_file_close(p->file);
    strbuf_clear(&p->sink);
    mem_free(p->topic);
    mem_free(p);
}

static void send(Pair *p, const char *value, int64_t timestamp)
{
    Flow     *f      = p->f;
    LogRecord record = {.timestamp = timestamp, .key = STR_LIT("\"k\""), .value = str_c(value)};
    FLOW_MUST(pipeline_push(p->lower, 0, 0, &record, 1, &f->err));
}

/* What the workers do at a commit of the lower task, and then of the upper one. */
static void commit(Pair *p)
{
    Flow *f = p->f;
    FLOW_MUST(pipeline_flush(p->lower, &f->err));
    pipeline_committed(p->lower);
    FLOW_MUST(pipeline_push(p->upper, 0, 0, p->topic, p->count, &f->err));
    p->total += p->count;
    p->count = 0;
    FLOW_MUST(pipeline_flush(p->upper, &f->err));
    FLOW_MUST(state_file_commit(p->file, &f->err));
    pipeline_committed(p->upper);
}

static void expect_sink(Pair *p, const char *expected)
{
    strbuf_addc(&p->sink, 0);
    assert_string_equal(p->sink.ptr, expected);
    strbuf_reset(&p->sink);
}

#define COUNTS                                                                                               \
    "CREATE TABLE o AS SELECT g, COUNT(*) AS n, SUM(a) AS x, MIN(b) AS y, MAX(d) AS z FROM s GROUP BY g;"

static void rows_of_a_commit_become_one(void **state)
{
    Flow *f = *state;
    Pair *p = pair_open(f, with_partials(f, flow_sql(f, S COUNTS), true), true);
    send(p, "{\"g\":\"p\",\"a\":1,\"b\":7,\"d\":0.5}", 5);
    send(p, "{\"g\":\"q\",\"a\":1}", 5);
    send(p, "{\"g\":\"p\",\"a\":2,\"b\":3,\"d\":-2.5}", 9);
    send(p, "{\"g\":\"p\",\"a\":-5,\"b\":4}", 3);
    send(p, "{\"a\":-5,\"b\":4}", 3); /* in no group */
    assert_int_equal(p->count, 0);
    FLOW_MUST(pipeline_flush(p->lower, &f->err));
    assert_int_equal(p->count, 2);
    assert_int_equal(p->topic[0].timestamp, 9);
    commit(p);
    expect_sink(
        p, "\"p\" {\"N\":3,\"X\":-2,\"Y\":3,\"Z\":0.5}\n\"q\" {\"N\":1,\"X\":1,\"Y\":null,\"Z\":null}\n");
    send(p, "{\"g\":\"p\",\"a\":2,\"b\":1,\"d\":1}", 6);
    commit(p);
    expect_sink(p, "\"p\" {\"N\":4,\"X\":0,\"Y\":1,\"Z\":1.0}\n");
    pair_close(p);
}

static void without_a_cache_every_row_crosses(void **state)
{
    Flow *f = *state;
    Pair *p = pair_open(f, with_partials(f, flow_sql(f, S COUNTS), true), false);
    send(p, "{\"g\":\"p\",\"a\":1}", 5);
    send(p, "{\"g\":\"p\",\"a\":2}", 6);
    assert_int_equal(p->count, 2);
    commit(p);
    expect_sink(
        p, "\"p\" {\"N\":1,\"X\":1,\"Y\":null,\"Z\":null}\n\"p\" {\"N\":2,\"X\":3,\"Y\":null,\"Z\":null}\n");
    pair_close(p);
}

static void a_rollback_forgets_what_was_kept(void **state)
{
    Flow *f = *state;
    Pair *p = pair_open(f, with_partials(f, flow_sql(f, S COUNTS), true), true);
    send(p, "{\"g\":\"p\",\"a\":1}", 5);
    pipeline_rolled_back(p->lower);
    send(p, "{\"g\":\"p\",\"a\":2}", 5);
    commit(p);
    expect_sink(p, "\"p\" {\"N\":1,\"X\":2,\"Y\":null,\"Z\":null}\n");
    pair_close(p);
}

/* As many groups as rows: keeping them saves nothing, and they go on at once after it was seen. */
static void groups_that_save_nothing_are_not_kept(void **state)
{
    Flow *f = *state;
    Pair *p = pair_open(f, with_partials(f, flow_sql(f, S COUNTS), true), true);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1500; i++)
            send(p, str_to_c(f->arena, str_printf(f->arena, "{\"g\":\"%d\",\"a\":1}", i)), 5);
        assert_int_equal(p->count, round == 0 ? 0 : 1500);
        commit(p);
    }
    pair_close(p);
}

/* ---- the same tables ---- */

static const char *const tables[] = {
    "CREATE TABLE o AS SELECT g, COUNT(*) AS n, COUNT(a) AS m, SUM(a) AS x, SUM(b) AS y, MIN(d) AS z, MAX(b) "
    "AS u "
    "FROM s GROUP BY g HAVING SUM(a) <> 7;",
    "CREATE TABLE o AS SELECT g, a, COUNT(*) AS n, MIN(b) AS x FROM s GROUP BY g, a;",
    "CREATE TABLE o AS SELECT g, COUNT(*) AS n, SUM(b) AS x, WINDOWSTART AS w FROM s WINDOW TUMBLING (SIZE "
    "10 "
    "MILLISECONDS, GRACE PERIOD 15 MILLISECONDS) GROUP BY g;",
    "CREATE TABLE o AS SELECT g, COUNT(*) AS n, MAX(d) AS x, WINDOWSTART AS w FROM s WINDOW HOPPING (SIZE 20 "
    "MILLISECONDS, ADVANCE BY 5 MILLISECONDS, GRACE PERIOD 0 MILLISECONDS) GROUP BY g;",
    "CREATE TABLE o AS SELECT g, COUNT(*) AS n, SUM(b) AS x, WINDOWEND AS w FROM s WINDOW TUMBLING (SIZE 10 "
    "MILLISECONDS, RETENTION 1 HOUR, GRACE PERIOD 5 MILLISECONDS) GROUP BY g EMIT FINAL;",
};

static uint64_t dice(Flow *f) { return f->clock.random(&f->clock) >> 8; }

static char *random_row(Flow *f)
{
    StrBuf row = {0};
    strbuf_addf(&row, "{\"g\":\"%c\"", 'a' + (int)(dice(f) % 5));
    if (dice(f) % 4 != 0)
        strbuf_addf(&row, ",\"a\":%d", (int)(dice(f) % 9) - 4);
    if (dice(f) % 4 != 0)
        strbuf_addf(&row, ",\"b\":%lld", (long long)(dice(f) >> 3));
    if (dice(f) % 4 != 0)
        strbuf_addf(&row, ",\"d\":%d.25", (int)(dice(f) % 100) - 50);
    strbuf_addc(&row, '}');
    char *text = str_to_c(f->arena, strbuf_str(&row));
    strbuf_clear(&row);
    return text;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The last line of each key; what came before it depends on when commits were. With all lines: what EMIT
 * FINAL has said. */
static Str last_lines(Flow *f, StrBuf *sink, bool all)
{
    char  *lines[TOPIC_MOST];
    size_t count = 0;
    StrBuf out   = {0};
    strbuf_addc(sink, 0);
    for (char *line = sink->ptr, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end       = 0;
        size_t key = strcspn(line, " "), i = 0;
        while (i < count && (all || strncmp(lines[i], line, key + 1) != 0))
            i++;
        count += i == count;
        lines[i] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&out, "%s\n", lines[i]);
    Str text = str_dup(f->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

/* One input partition, so that there is one right answer, late rows included. */
static void tables_are_the_same(void **state)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (int round = 0; round < 30; round++, seed++) {
            void *flow;
            flow_setup(&flow);
            Flow            *f = flow;
            const QueryPlan *rows =
                flow_sql(f, str_to_c(f->arena, str_printf(f->arena, "%s%s", S, tables[i])));
            clock_init_virtual(&f->clock, 0, seed);
            Pair *plain  = pair_open(f, rows, true),
                 *parts  = pair_open(f, with_partials(f, rows, PARTIALS_NAMED), true);
            int64_t time = 1000;
            for (int n = 0; n < 600; n++) {
                time += (int64_t)(dice(f) % 4);
                int64_t     at  = dice(f) % 6 == 0 ? time - (int64_t)(dice(f) % 60) : time;
                const char *row = random_row(f);
                send(plain, row, at);
                send(parts, row, at);
                if (dice(f) % 40 == 0)
                    commit(parts);
                if (dice(f) % 40 == 0)
                    commit(plain);
            }
            commit(plain);
            commit(parts);
            assert_true(parts->total < plain->total);
            bool final = strstr(tables[i], "FINAL") != NULL;
            Str  want = last_lines(f, &plain->sink, final), have = last_lines(f, &parts->sink, final);
            if (!str_equal(want, have))
                fail_msg("seed %llu, %s\nrows:\n" STR_FMT "partial results:\n" STR_FMT,
                         (unsigned long long)seed, tables[i], STR_ARG(want), STR_ARG(have));
            pair_close(plain);
            pair_close(parts);
            flow_teardown(&flow);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_results_cross_as_parts),
        cmocka_unit_test_setup_teardown(documents_say_the_lowest_version_that_has_all, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(a_replaced_query_may_have_either, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(rows_of_a_commit_become_one, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(without_a_cache_every_row_crosses, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_rollback_forgets_what_was_kept, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(groups_that_save_nothing_are_not_kept, flow_setup, flow_teardown),
        cmocka_unit_test(tables_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
