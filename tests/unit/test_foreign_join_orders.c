/*
 * test_foreign_join_orders.c - whatever order the messages of a foreign-key join take, its result is in the
 * end the join of the rows that there are in the end.
 *
 * All short sequences of changes of one left row and of the right row it may refer to, and random longer
 * ones. A join's two sub-topologies are pipelines here, and the topics between them and in front of them
 * queues: a schedule says which queue's head moves next. Different right rows may be in different partitions,
 * so each has a queue of its own. Where the whole plan is one pipeline, as for push queries, there is nothing
 * between the two, but batches still hold several changes of a row. Restarts close everything and open it
 * again from its state file.
 *
 * Each sequence has keys of its own, so all of them run in one pair of pipelines.
 */
#include "plan_test.h"

#include <stdlib.h>
#include <unistd.h>

enum { LENGTH = 5, LONGER = 12, LONGER_COUNT = 1500, RESTARTED = 40, QUEUED = 64, REFS = 3 };

/* What a sequence is made of. */
typedef enum { REFER_A, REFER_B, REFER_NOBODY, REFER_NULL, DELETE_LEFT, PUT_A, DELETE_A, CHANGES } Change;
static const char *const change_names[] = {"fk=A", "fk=B", "fk=C", "fk=NULL", "delete", "put A", "delete A"};

typedef enum { ALL_AT_ONCE, ONE_BY_ONE, ANY_ORDER, SCHEDULES } Schedule;

/* Records on their way, oldest first. They own their bytes. */
typedef struct {
    LogRecord records[QUEUED];
    size_t    count;
} Queue;

typedef struct {
    PipelineHost host; /* first */
    Flow        *f;
    StateFile   *file;
    char         path[64];
    bool         late;
    Pipeline    *parts[2];
    size_t       part_count; /* 1: the whole plan */
    struct {
        size_t part, input;
    } left, right, messages, answers;
    Queue   left_queue, right_queue, message_queues[REFS], answer_queue;
    int64_t offsets[4];
    char    key[16], value[64]; /* of the sequence that runs: its result */
    int     y;                  /* A's; -1: there is none */
    int     ref, x;             /* ref: of Change; DELETE_LEFT: no row */
    size_t  serial;
} Bench;

/* ---- queues ---- */

static Str kept(Str s)
{
    char *bytes = s.ptr == NULL ? NULL : mem_alloc(s.len + 1);
    if (bytes != NULL)
        memcpy(bytes, s.ptr, s.len);
    return (Str){bytes, s.len};
}

static void enqueue(Queue *queue, const LogRecord *record)
{
    assert_true(queue->count < QUEUED);
    assert_int_equal(record->header_count, 0);
    LogRecord *to = &queue->records[queue->count++];
    *to           = *record;
    to->key       = kept(record->key);
    to->value     = kept(record->value);
}

/* Takes the first of it, as one batch, to where they are read. */
static void deliver(Bench *b, Queue *queue, size_t count, size_t part, size_t input, int64_t *offset)
{
    Flow     *f = b->f;
    LogRecord records[QUEUED];
    memcpy(records, queue->records, count * sizeof *records);
    queue->count -= count;
    memmove(queue->records, queue->records + count, queue->count * sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[i].offset = (*offset)++;
    FLOW_MUST(pipeline_push(b->parts[part], input, 0, records, count, &f->err));
    for (size_t i = 0; i < count; i++) {
        mem_free((char *)records[i].key.ptr);
        mem_free((char *)records[i].value.ptr);
    }
}

/* ---- the host ---- */

/* Messages are keyed by the foreign key, whose last letter is the right row's. */
static Status bench_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                           const LogRecord *record, Str hash_key, Error *err)
{
    Bench *b = (Bench *)self;
    if (node->class->cuts && partition == PARTITION_BY_KEY) {
        int ref = (hash_key.ptr[hash_key.len - 1] | 32) - 'a';
        assert_in_range(ref, 0, REFS - 1);
        enqueue(&b->message_queues[ref], record);
    } else if (node->class->cuts) {
        enqueue(&b->answer_queue, record);
    } else {
        assert_true(str_equal(record->key, str_c(b->key)));
        snprintf(b->value, sizeof b->value, STR_FMT, STR_ARG(record->value));
    }
    return OK;
}

static Status bench_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err)
{
    return OK;
}

static void bench_skip(PipelineHost *self, const SkipInfo *info) { fail_msg("%s", info->message); }

/* ---- pipelines ---- */

static void find_input(Bench *b, size_t part, size_t input)
{
    Str topic = pipeline_input_topic(b->parts[part], input);
    if (str_equal(topic, STR_LIT("l")))
        b->left.part = part, b->left.input = input;
    else if (str_equal(topic, STR_LIT("r")))
        b->right.part = part, b->right.input = input;
    else if (strstr(str_to_c(b->f->arena, topic), "subscriptions") != NULL)
        b->messages.part = part, b->messages.input = input;
    else
        b->answers.part = part, b->answers.input = input;
}

static void open_parts(Bench *b, const QueryPlan *plan)
{
    Flow *f = b->f;
    FLOW_MUST(state_file_open(b->path[0] != '\0' ? b->path : NULL, &b->file, &f->err));
    for (size_t part = 0; part < b->part_count; part++) {
        PipelineSpec spec = {.plan         = plan,
                             .sub_topology = b->part_count == 1 ? ALL_DIRECT : (int)part,
                             .state        = b->file,
                             .host         = &b->host,
                             .clock        = &f->clock,
                             .service_id   = STR_LIT("test_"),
                             .emit_late    = b->late};
        FLOW_MUST(pipeline_open(&spec, &b->parts[part], &f->err));
        for (size_t i = 0; i < pipeline_input_count(b->parts[part]); i++)
            find_input(b, part, i);
    }
}

static void close_parts(Bench *b)
{
    for (size_t part = 0; part < b->part_count; part++)
        pipeline_close(b->parts[part]);
    state_file_close(b->file);
}

static void flush(Bench *b)
{
    Flow *f = b->f;
    for (size_t part = 0; part < b->part_count; part++)
        FLOW_MUST(pipeline_flush(b->parts[part], &f->err));
    FLOW_MUST(state_file_commit(b->file, &f->err));
    for (size_t part = 0; part < b->part_count; part++)
        pipeline_committed(b->parts[part]);
}

static void restart(Bench *b, const QueryPlan *plan)
{
    Flow  *f        = b->f;
    StrBuf saved[2] = {{0}};
    flush(b);
    for (size_t part = 0; part < b->part_count; part++)
        pipeline_save(b->parts[part], &saved[part]);
    close_parts(b);
    open_parts(b, plan);
    for (size_t part = 0; part < b->part_count; part++) {
        FLOW_MUST(pipeline_load(b->parts[part], strbuf_str(&saved[part]), &f->err));
        strbuf_clear(&saved[part]);
    }
}

/* ---- a sequence ---- */

static size_t pick(Bench *b, size_t below) { return (size_t)(b->f->clock.random(&b->f->clock) % below); }

/* Moves the head of some queue, at random; false: all are empty. */
static bool move_one(Bench *b)
{
    Queue *const queues[] = {&b->left_queue,        &b->right_queue,       &b->message_queues[0],
                             &b->message_queues[1], &b->message_queues[2], &b->answer_queue};
    size_t       filled   = 0;
    for (size_t i = 0; i < ARRAY_LEN(queues); i++)
        filled += queues[i]->count > 0;
    if (filled == 0)
        return false;
    for (size_t i = 0, at = pick(b, filled); i < ARRAY_LEN(queues); i++) {
        if (queues[i]->count == 0 || at-- > 0)
            continue;
        if (i == 0)
            deliver(b, queues[i], 1, b->left.part, b->left.input, &b->offsets[0]);
        else if (i == 1)
            deliver(b, queues[i], 1, b->right.part, b->right.input, &b->offsets[1]);
        else if (i == 5)
            deliver(b, queues[i], 1, b->answers.part, b->answers.input, &b->offsets[3]);
        else
            deliver(b, queues[i], 1, b->messages.part, b->messages.input, &b->offsets[2]);
        return true;
    }
    return false;
}

static void settle(Bench *b)
{
    do {
        while (move_one(b)) {
        }
        flush(b);
    } while (move_one(b));
}

static void put(Bench *b, Queue *queue, const char *suffix, const char *value)
{
    char      key[32];
    LogRecord record = {.timestamp = 10};
    snprintf(key, sizeof key, "%s%s", b->key, suffix);
    record.key = str_c(key);
    if (value != NULL)
        record.value = str_c(value);
    enqueue(queue, &record);
}

static void put_right(Bench *b, const char *suffix, int y)
{
    char value[32];
    snprintf(value, sizeof value, "{\"y\":%d}", y);
    put(b, &b->right_queue, suffix, y < 0 ? NULL : value);
}

static void change(Bench *b, Change what, int number)
{
    char value[64];
    if (what == PUT_A || what == DELETE_A) {
        b->y = what == PUT_A ? number : -1;
        put_right(b, "a", b->y);
        return;
    }
    b->ref = (int)what;
    b->x   = number;
    if (what == REFER_NULL)
        snprintf(value, sizeof value, "{\"x\":%d}", number);
    else
        snprintf(value, sizeof value, "{\"ref\":\"%s%c\",\"x\":%d}", b->key, "abc"[what % REFS], number);
    put(b, &b->left_queue, "", what == DELETE_LEFT ? NULL : value);
}

/* The join of the rows that there are. */
static void expected_value(const Bench *b, bool inner, char *out, size_t size)
{
    int y  = b->ref == REFER_A ? b->y : b->ref == REFER_B ? 99 : -1;
    out[0] = '\0';
    if (b->ref == DELETE_LEFT || (inner && y < 0))
        return;
    if (y < 0)
        snprintf(out, size, "{\"X\":%d,\"Y\":null}", b->x);
    else
        snprintf(out, size, "{\"X\":%d,\"Y\":%d}", b->x, y);
}

typedef struct {
    const QueryPlan *plan;
    bool             inner, restarts;
} Join;

static void run(Bench *b, const Join *join, const Change *changes, size_t count, Schedule schedule)
{
    char expected[64];
    snprintf(b->key, sizeof b->key, "%zu", b->serial++);
    b->value[0] = '\0';
    b->ref      = DELETE_LEFT;
    b->y        = 98;
    put_right(b, "a", 98);
    put_right(b, "b", 99);
    settle(b);
    for (size_t i = 0; i < count; i++) {
        change(b, changes[i], (int)i);
        if (schedule == ONE_BY_ONE)
            settle(b);
        for (size_t moves = schedule == ANY_ORDER ? pick(b, 5) : 0; moves > 0; moves--)
            move_one(b);
        if (b->late && pick(b, 3) == 0)
            flush(b);
        if (join->restarts && pick(b, 2) == 0)
            restart(b, join->plan);
    }
    /* first all changes of the left table, as one batch brings them */
    if (schedule == ALL_AT_ONCE && b->left_queue.count > 0)
        deliver(b, &b->left_queue, b->left_queue.count, b->left.part, b->left.input, &b->offsets[0]);
    settle(b);
    expected_value(b, join->inner, expected, sizeof expected);
    if (strcmp(b->value, expected) == 0)
        return;
    for (size_t i = 0; i < count; i++)
        print_message("%s; ", change_names[changes[i]]);
    fail_msg("schedule %d, key %s: the result is \"%s\", it should be \"%s\"", (int)schedule, b->key,
             b->value, expected);
}

/* ---- the tests ---- */

static void all_short_sequences(Bench *b, const Join *join, size_t longest)
{
    size_t total = 1;
    for (size_t length = 1; length <= longest; length++) {
        total *= CHANGES;
        for (size_t number = 0; number < total; number++) {
            Change changes[LENGTH];
            size_t rest = number;
            for (size_t i = 0; i < length; i++, rest /= CHANGES)
                changes[i] = (Change)(rest % CHANGES);
            for (Schedule schedule = 0; schedule < SCHEDULES; schedule++)
                run(b, join, changes, length, schedule);
        }
    }
}

static void random_sequences(Bench *b, const Join *join, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        Change changes[LONGER];
        size_t length = 5 + pick(b, LONGER - 4);
        for (size_t i = 0; i < length; i++)
            changes[i] = (Change)pick(b, CHANGES);
        run(b, join, changes, length, (Schedule)pick(b, SCHEDULES));
    }
}

typedef enum { PLAIN, CACHE, RESTARTS, DIRECT } How;

static void check(bool inner, const char *on, How how)
{
    void    *flow;
    char     sql[512];
    uint64_t seed     = 1;
    bool     restarts = how == RESTARTS;
    if (getenv("SLUICE_TEST_SEED") != NULL)
        seed = strtoull(getenv("SLUICE_TEST_SEED"), NULL, 0);
    assert_int_equal(flow_setup(&flow), 0);
    Bench *b      = mem_calloc(1, sizeof *b);
    b->f          = flow;
    b->late       = how == CACHE;
    b->part_count = how == DIRECT ? 1 : 2;
    b->host       = (PipelineHost){.append = bench_append, .output = bench_output, .skip = bench_skip};
    clock_init_virtual(&b->f->clock, 0, seed);
    snprintf(sql, sizeof sql,
             "CREATE TABLE l (k STRING PRIMARY KEY, ref STRING, x INT) WITH (KAFKA_TOPIC='l', "
             "VALUE_FORMAT='JSON'); "
             "CREATE TABLE r (k STRING PRIMARY KEY, y INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON'); "
             "CREATE TABLE o AS SELECT l.k AS k, x, y FROM l %s JOIN r ON %s = r.k;",
             inner ? "" : "LEFT", on);
    if (restarts)
        snprintf(b->path, sizeof b->path, "/tmp/sluice-orders-%d.db", (int)getpid());
    Join join = {flow_sql(b->f, sql), inner, restarts};
    open_parts(b, join.plan);
    if (how == PLAIN || how == DIRECT)
        all_short_sequences(b, &join, inner && how == PLAIN ? LENGTH : LENGTH - 1);
    random_sequences(b, &join, restarts ? RESTARTED : LONGER_COUNT);
    close_parts(b);
    for (size_t i = 0; restarts && i < 3; i++) {
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        char                     path[80];
        snprintf(path, sizeof path, "%s%s", b->path, suffixes[i]);
        unlink(path);
    }
    mem_free(b);
    flow_teardown(&flow);
}

#define COLUMN "l.ref"
#define EXPRESSION "SUBSTRING(l.ref, 1)"

static void inner_by_a_column(void **state) { check(true, COLUMN, PLAIN); }
static void inner_by_an_expression(void **state) { check(true, EXPRESSION, PLAIN); }
static void inner_with_a_cache(void **state) { check(true, COLUMN, CACHE); }
static void inner_with_restarts(void **state) { check(true, EXPRESSION, RESTARTS); }
static void inner_as_one_pipeline(void **state) { check(true, COLUMN, DIRECT); }
static void left_by_a_column(void **state) { check(false, COLUMN, PLAIN); }
static void left_by_an_expression(void **state) { check(false, EXPRESSION, PLAIN); }
static void left_with_a_cache(void **state) { check(false, COLUMN, CACHE); }
static void left_with_restarts(void **state) { check(false, COLUMN, RESTARTS); }
static void left_as_one_pipeline(void **state) { check(false, COLUMN, DIRECT); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_by_a_column),     cmocka_unit_test(inner_by_an_expression),
        cmocka_unit_test(inner_with_a_cache),    cmocka_unit_test(inner_with_restarts),
        cmocka_unit_test(inner_as_one_pipeline), cmocka_unit_test(left_by_a_column),
        cmocka_unit_test(left_by_an_expression), cmocka_unit_test(left_with_a_cache),
        cmocka_unit_test(left_with_restarts),    cmocka_unit_test(left_as_one_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
