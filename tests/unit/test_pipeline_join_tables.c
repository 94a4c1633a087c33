/*
 * test_pipeline_join_tables.c - table-table joins that go to a topic: what they hold back, copy and leave out
 * must not show in what a key has at last, whatever changes fall into one commit.
 *
 * Random changes of all sides go through the same query twice: every change emitted at once and the state in
 * memory, as in the conformance suite; and emitted at commits, with a state file that follows behind and a
 * cache so small that rows are looked for beyond it. After each commit both have written the same last row of
 * every key.
 */
#include <unistd.h>

#include "plan_test.h"

enum { KEYS = 12, COMMITS = 60, CHANGES_MAX = 40 };

typedef struct {
    PipelineHost host; /* first */
    StateFile   *file;
    Pipeline    *pipeline;
    char         last[KEYS][128]; /* what was last written; empty: nothing or a tombstone */
    size_t       written;
    size_t       of_key[KEYS]; /* since the last commit */
} Run;

typedef struct {
    Flow       *f;
    Run         eager, late;
    StateShare *share;
    char        path[64];
} Pair;

static Status run_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                         const LogRecord *record, Str hash_key, Error *err)
{
    Run *run = (Run *)self;
    int  key = hash_key.ptr[0] - 'a';
    snprintf(run->last[key], sizeof run->last[key], STR_FMT, STR_ARG(record->value));
    run->written++;
    run->of_key[key]++;
    return OK;
}

static Status run_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err) { return OK; }

static void run_skip(PipelineHost *self, const SkipInfo *info) {}

static void run_open(Flow *f, Run *run, const QueryPlan *plan, bool late)
{
    PipelineSpec spec = {.plan         = plan,
                         .sub_topology = ALL_DIRECT,
                         .host         = &run->host,
                         .clock        = &f->clock,
                         .service_id   = STR_LIT("test_"),
                         .state        = run->file,
                         .emit_late    = late};
    run->host         = (PipelineHost){.append = run_append, .output = run_output, .skip = run_skip};
    FLOW_MUST(pipeline_open(&spec, &run->pipeline, &f->err));
}

static void run_commit(Flow *f, Run *run)
{
    memset(run->of_key, 0, sizeof run->of_key);
    FLOW_MUST(pipeline_flush(run->pipeline, &f->err));
    if (state_file_can_prepare(run->file))
        state_file_prepare(run->file);
    pipeline_committed(run->pipeline);
    FLOW_MUST(state_file_commit(run->file, &f->err));
}

static void pair_open(Pair *p, const char *sql)
{
    Flow            *f    = p->f;
    const QueryPlan *plan = flow_sql(f, sql);
    StateLag         lag  = {2000, 1 << 20};
    snprintf(p->path, sizeof p->path, "/tmp/test-join-tables-%d.db", (int)getpid());
    p->share = state_share_new();
    FLOW_MUST(state_file_open(NULL, &p->eager.file, &f->err));
    FLOW_MUST(state_file_open_behind(p->path, p->share, &lag, 4096, &p->late.file, &f->err));
    run_open(f, &p->eager, plan, false);
    run_open(f, &p->late, plan, true);
}

static void run_close(Run *run)
{
    pipeline_close(run->pipeline);
    state_file_close(run->file);
}

static void pair_close(Pair *p)
{
    char name[80];
    run_close(&p->eager);
    run_close(&p->late);
    state_share_free(p->share);
    for (const char *const *part = (const char *const[]){"", "-wal", "-shm", NULL}; *part != NULL; part++) {
        snprintf(name, sizeof name, "%s%s", p->path, *part);
        unlink(name);
    }
}

static uint64_t dice(Pair *p, uint64_t limit) { return p->f->clock.random(&p->f->clock) % limit; }

static void push(Flow *f, Run *run, size_t input, char key, const char *value, int64_t time)
{
    LogRecord record = {
        .timestamp = time, .key = str_n(&key, 1), .value = value == NULL ? STR_NULL : str_c(value)};
    FLOW_MUST(pipeline_push(run->pipeline, input, 0, &record, 1, &f->err));
}

/* A change in three is a tombstone. */
static void change(Pair *p, int64_t time)
{
    char   value[64], key = (char)('a' + dice(p, KEYS));
    size_t input = dice(p, pipeline_input_count(p->late.pipeline));
    bool   gone  = dice(p, 3) == 0;
    snprintf(value, sizeof value, "{\"V\":\"%zu-%d\"}", input, (int)dice(p, 1000));
    push(p->f, &p->eager, input, key, gone ? NULL : value, time);
    push(p->f, &p->late, input, key, gone ? NULL : value, time);
}

static void compare(Pair *p, const char *sql)
{
    for (int key = 0; key < KEYS; key++)
        if (strcmp(p->eager.last[key], p->late.last[key]) != 0)
            fail_msg("%s\nkey %c: '%s', at a commit '%s'", sql, 'a' + key, p->eager.last[key],
                     p->late.last[key]);
}

#define TABLE(name)                                                                                          \
    "CREATE TABLE " name " (K STRING PRIMARY KEY, V STRING) WITH (KAFKA_TOPIC='" name                        \
    "', VALUE_FORMAT='JSON');"
#define TWO(join)                                                                                            \
    TABLE("a")                                                                                               \
    TABLE("b") "CREATE TABLE o AS SELECT a.k AS k, a.v AS av, b.v AS bv FROM a " join " b ON a.k = b.k;"
#define THREE(first, second)                                                                                 \
    TABLE("a")                                                                                               \
    TABLE("b")                                                                                               \
    TABLE("c")                                                                                               \
    "CREATE TABLE o AS SELECT a.k AS k, a.v AS av, b.v AS bv, c.v AS cv FROM a " first                       \
    " b ON a.k = b.k " second " c ON a.k = c.k;"

static const char *const queries[] = {
    TWO("INNER JOIN"),
    TWO("LEFT JOIN"),
    TWO("RIGHT JOIN"),
    TABLE("a") TABLE("b") "CREATE TABLE o AS SELECT ROWKEY AS k, a.v AS av, b.v AS bv FROM a FULL OUTER JOIN "
                          "b ON a.k = b.k;",
    THREE("INNER JOIN", "INNER JOIN"),
    THREE("LEFT JOIN", "LEFT JOIN"),
    THREE("INNER JOIN", "LEFT JOIN"),
    THREE("LEFT JOIN", "INNER JOIN"),
};

static void last_rows_are_those_of_a_join_without_a_cache(void **state)
{
    for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
        void *flow;
        assert_int_equal(flow_setup(&flow), 0);
        Pair p = {.f = flow};
        pair_open(&p, queries[q]);
        int64_t time = 1000;
        for (int commit = 0; commit < COMMITS; commit++) {
            for (size_t n = dice(&p, CHANGES_MAX); n > 0; n--)
                change(&p, time += (int64_t)dice(&p, 3));
            run_commit(p.f, &p.eager);
            run_commit(p.f, &p.late);
            compare(&p, queries[q]);
        }
        assert_true(p.late.written > 0 && p.late.written < p.eager.written);
        pair_close(&p);
        flow_teardown(&flow);
    }
}

/* Both sides of a key in one commit make one row, and a row without its other side none. */
static void both_sides_of_a_commit_are_one_row(void **state)
{
    void *flow;
    assert_int_equal(flow_setup(&flow), 0);
    Pair p = {.f = flow};
    pair_open(&p, queries[0]);
    for (int round = 0; round < 3; round++) {
        size_t before = p.late.written;
        for (size_t input = 0; input < 2; input++)
            for (int n = 0; n < 5; n++)
                push(p.f, &p.late, (input + (size_t)round) % 2, 'a', "{\"V\":\"x\"}", 1000 + n);
        run_commit(p.f, &p.late);
        assert_int_equal(p.late.written - before, 1);
        assert_string_equal(p.late.last[0], "{\"AV\":\"x\",\"BV\":\"x\"}");
    }
    pair_close(&p);
    flow_teardown(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_rows_are_those_of_a_join_without_a_cache),
        cmocka_unit_test(both_sides_of_a_commit_are_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
