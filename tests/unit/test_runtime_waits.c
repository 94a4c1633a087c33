/*
 * test_runtime_waits.c - a task that has to wait for something outside (E_WAIT) says for what, goes on by
 * itself when it is there, and meanwhile delays nobody else.
 *
 * What it waits for is a fake: a log that says "not yet" to one query's topic while `absent` is set.
 */
#include <stdatomic.h>

#include "log/log_backend.h"
#include "runtime_test.h"

static const LogBackend *whole;
static LogBackend        waiting;
static char              awaited[128]; /* a part of the topic's name */
static atomic_bool       absent;
static atomic_int        asked;

static bool is_absent(Str topic)
{
    if (!atomic_load(&absent) || str_find(topic, str_c(awaited), 0) < 0)
        return false;
    atomic_fetch_add(&asked, 1);
    return true;
}

static Status not_yet(Error *err) { return error_set(err, E_WAIT, NO_POS, "The registry has no schema yet"); }

static Status info_waits(Log *log, Str topic, TopicInfo *out, Error *err)
{
    bool made =
        str_find(topic, STR_LIT("changelog"), 0) < 0; /* other tests want it to be there, and to refuse */
    return !made && is_absent(topic) ? not_yet(err) : whole->topic_info(log, topic, out, err);
}

static Status append_waits(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                           Error *err)
{
    return is_absent(topic) ? not_yet(err) : whole->append(writer, topic, partition, record, hash_key, err);
}

static Status open_waiting(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    TRY(whole->writer_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &waiting;
    return OK;
}

static Node *node_with_fake(const char *name, const char *topic)
{
    Node *n                        = fresh(name);
    n->options.workers             = 1;
    whole                          = ((LogHandle *)n->log)->backend;
    waiting                        = *whole;
    waiting.topic_info             = info_waits;
    waiting.append                 = append_waits;
    waiting.writer_open            = open_waiting;
    ((LogHandle *)n->log)->backend = &waiting;
    snprintf(awaited, sizeof awaited, "%s", topic);
    atomic_store(&asked, 0);
    node_topic_make(n, topic_of(n, "in"), 2);
    return n;
}

static void node_end(Node *n)
{
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
    node_free(n);
}

static void wait_for(Node *n, Str id, RunState state)
{
    QueryStatus status = {0};
    for (int i = 0; i < 1000; i++) {
        MUST(runtime_query_status(n->runtime, id, n->arena, &status, &n->err));
        if (status.state == state)
            break;
        usleep(10000);
    }
    assert_int_equal(status.state, state);
    assert_int_equal(status.error_count, 0); /* to wait is no failure */
    if (state == RUN_WAITING)
        assert_true(str_equal(status.waiting_for, STR_LIT("The registry has no schema yet")));
    else
        assert_true(str_is_null(status.waiting_for));
}

static void wait_for_lines(Node *n, const char *topic, size_t count)
{
    for (int i = 0; i < 1000 && count_lines(n, topic) < count; i++)
        usleep(10000);
    assert_true(count_lines(n, topic) >= count);
}

/* The two queries are of one worker and read the same partitions. Which of the two waits is told by its
 * topic. */
static const char sql[] =
    STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$copy') AS SELECT K, V FROM S;"
           "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;";

static void one_waits_the_other_goes_on(const char *name, const char *topic, bool exactly_once)
{
    const QueryPlan *plans[2];
    Node            *n      = node_with_fake(name, topic);
    n->options.exactly_once = exactly_once;
    QuerySettings settings  = node_settings(n);
    QueryOptions  options   = {.settings = &settings};
    node_run(n);
    assert_int_equal(node_plans(n, sql_of(n, sql), plans, 2), 2);
    for (int i = 0; i < 500 && !runtime_is_ready(n->runtime); i++)
        usleep(10000);
    atomic_store(&absent, true);
    MUST(runtime_start_query(n->runtime, plans[0], &options, NULL, NULL, &n->err));
    Status status = runtime_start_query(n->runtime, plans[1], &options, NULL, NULL, &n->err);
    assert_int_equal(status, OK);
    feed(n);
    wait_for(n, plans[1]->id, RUN_WAITING);
    wait_for_lines(n, "copy", RECORDS);
    feed(n);
    wait_for_lines(n, "copy", 2 * RECORDS);
    wait_for(n, plans[0]->id, RUN_RUNNING);
    assert_true(atomic_load(&asked) < 200); /* each time later */
    atomic_store(&absent, false);
    wait_for(n, plans[1]->id, RUN_RUNNING);
    node_wait_idle(n, 30);
    if (exactly_once) /* what was undone may have been written twice otherwise */
        assert_int_equal(count_lines(n, "copy"), 2 * RECORDS);
    StrBuf got = {0};
    node_read(n, topic_of(n, "out"), &got);
    for (int k = 0; k < KEYS; k++) {
        char expected[32];
        snprintf(expected, sizeof expected, "{\"N\":%d}", 2 * (RECORDS / KEYS + (k < RECORDS % KEYS)));
        assert_true(str_find(strbuf_str(&got), str_c(expected), 0) >= 0);
    }
    strbuf_clear(&got);
    node_end(n);
}

/* Its changelog cannot be made yet: it waits before it is opened. */
static void before_it_is_opened(void **state) { one_waits_the_other_goes_on("open", "changelog", true); }

/* What it writes is refused in the middle of a step or a flush: that is undone, and it waits where it was. */
static void in_the_middle_of_a_step(void **state)
{
    one_waits_the_other_goes_on("step", "-repartition", true);
    one_waits_the_other_goes_on("flush", "_out", true);
    one_waits_the_other_goes_on("least", "-repartition", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_it_is_opened),
        cmocka_unit_test(in_the_middle_of_a_step),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
