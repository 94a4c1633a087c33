/*
 * test_runtime_freshness.c - when is what was written in what is read? Through chains of queries, repartition
 * topics, joins that send records back and forth, and rings.
 *
 * Each round writes one record, waits until the check says FRESH and looks at once: a check that says so too
 * early is found out in one of the rounds. On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "executor/runtime/query.h"
#include "executor/runtime/registry.h"
#include "runtime_test.h"

enum { ROUNDS = 12, PATIENCE_S = 30 };

/* Writes one record; where it is goes into `written`. */
static void insert(Node *n, LogWriter *writer, const char *topic, const char *key, const char *value,
                   OffsetVector *written)
{
    LogRecord   record = {.timestamp = 1700000000000, .key = str_c(key), .value = str_c(value)};
    LogPosition landed;
    size_t      count;
    MUST(log_append_all(writer, str_c(topic_of(n, topic)), PARTITION_BY_KEY, &record, 1, STR_NULL, &landed,
                        &count, &n->err));
    offset_vector_put(written, landed.topic, landed.partition, landed.offset);
}

static Freshness await(Node *n, const FreshnessTarget *target, const OffsetVector *written, int seconds)
{
    FreshnessCheck *check = freshness_open(n->runtime, target, written);
    Freshness       verdict;
    for (int i = 0; (verdict = freshness_check(check, &n->err)) == STALE && i < seconds * 1000; i++)
        usleep(1000);
    freshness_close(check);
    return verdict;
}

static void must_be_fresh(Node *n, const FreshnessTarget *target, const OffsetVector *written)
{
    Freshness verdict = await(n, target, written, PATIENCE_S);
    if (verdict != FRESH)
        fail_msg("%s: %s", verdict == STALE ? "stale" : "stuck", n->err.message);
}

static bool topic_says(Node *n, const char *topic, const char *line)
{
    StrBuf got = {0};
    node_read(n, topic_of(n, topic), &got);
    bool there = str_find(strbuf_str(&got), str_c(line), 0) >= 0;
    strbuf_clear(&got);
    return there;
}

static Node *running(const char *name, int partitions, const char *const *topics)
{
    Node *n = fresh(name);
    for (; *topics != NULL; topics++)
        node_topic_make(n, topic_of(n, *topics), partitions);
    node_run(n);
    return n;
}

#define TOPICS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- ways ---- */

static void through_a_chain_of_queries(void **state)
{
    Node *n = running("chain", 2, TOPICS("in"));
    node_sql(n,
             sql_of(n, STREAM
                    "CREATE STREAM A WITH (KAFKA_TOPIC='$a') AS SELECT V, K AS W FROM S PARTITION BY V;"
                    "CREATE STREAM B WITH (KAFKA_TOPIC='$b') AS SELECT V, W FROM A WHERE V > 0;"
                    "CREATE TABLE T WITH (KAFKA_TOPIC='$t') AS SELECT W, COUNT(*) AS C FROM B GROUP BY W;"));
    OffsetVector    written = {0};
    LogWriter      *writer  = node_writer(n);
    FreshnessTarget target  = {.topic = str_c(topic_of(n, "t"))};
    for (int i = 1; i <= ROUNDS; i++) {
        char value[32], line[32];
        snprintf(value, sizeof value, "{\"V\":%d}", i);
        snprintf(line, sizeof line, "x {\"C\":%d}", i);
        insert(n, writer, "in", "x", value, &written);
        must_be_fresh(n, &target, &written);
        if (!topic_says(n, "t", line))
            fail_msg("round %d: %s is not there", i, line);
    }
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

/* A left row goes to the right one's partition and back. */
static void through_a_foreign_key_join(void **state)
{
    Node *n = running("foreign", 3, TOPICS("l", "r"));
    node_sql(
        n,
        sql_of(n,
               "CREATE TABLE L (K STRING PRIMARY KEY, R STRING) WITH (KAFKA_TOPIC='$l', VALUE_FORMAT='JSON');"
               "CREATE TABLE R (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='$r', VALUE_FORMAT='JSON');"
               "CREATE TABLE J WITH (KAFKA_TOPIC='$j') AS SELECT L.K AS K, R.V AS V FROM L JOIN R ON L.R = "
               "R.K;"));
    OffsetVector    written = {0};
    LogWriter      *writer  = node_writer(n);
    FreshnessTarget target  = {.topic = str_c(topic_of(n, "j"))};
    for (int i = 1; i <= ROUNDS; i++) {
        char key[16], value[32], line[32];
        snprintf(key, sizeof key, "l%d", i);
        snprintf(line, sizeof line, "l%d {\"V\":%d}", i, i);
        if (i % 2 == 0) { /* the left row first */
            snprintf(value, sizeof value, "{\"R\":\"r%d\"}", i);
            insert(n, writer, "l", key, value, &written);
        }
        snprintf(value, sizeof value, "{\"V\":%d}", i);
        key[0] = 'r';
        insert(n, writer, "r", key, value, &written);
        key[0] = 'l';
        snprintf(value, sizeof value, "{\"R\":\"r%d\"}", i);
        if (i % 2 == 1)
            insert(n, writer, "l", key, value, &written);
        must_be_fresh(n, &target, &written);
        if (!topic_says(n, "j", line))
            fail_msg("round %d: %s is not there", i, line);
    }
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

/* The sub-topology in front of a repartition topic is made to look as if another node had it: its tasks run,
 * and are not seen. */
static const QuerySub *hide_tasks(RunningQuery *query)
{
    for (size_t s = 0; s < query->sub_count; s++) {
        if (query->subs[s].has_materialized)
            continue;
        for (int p = 0; p < query->subs[s].tasks; p++)
            atomic_store(&query->subs[s].views[p].worker, -1);
        return &query->subs[s];
    }
    fail_msg("there is no repartition topic");
    return NULL;
}

static void show_tasks(const QuerySub *sub, int worker)
{
    for (int p = 0; p < sub->tasks; p++)
        atomic_store(&sub->views[p].worker, worker);
}

static void what_other_nodes_have_is_asked_for(void **state)
{
    Node            *n    = running("others", 2, TOPICS("in"));
    const QueryPlan *plan = node_sql(n, sql_of(n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$t') AS "
                                                         "SELECT V, COUNT(*) AS C FROM S GROUP BY V;"));
    node_wait_idle(n, PATIENCE_S);
    RunningQuery   *query   = registry_hold(n->runtime, plan->id);
    const QuerySub *sub     = hide_tasks(query);
    OffsetVector    written = {0};
    LogWriter      *writer  = node_writer(n);
    insert(n, writer, "in", "x", "{\"V\":1}", &written);
    FreshnessTarget      target = {.query_id = plan->id, .others = true};
    FreshnessCheck      *check  = freshness_open(n->runtime, &target, &written);
    const FreshnessWish *wishes;
    assert_int_equal(freshness_check(check, &n->err), STALE);
    assert_non_null(strstr(n->err.message, "as far as the other servers of this service say"));
    assert_int_equal(freshness_wishes(check, &wishes), 1);
    FreshnessWish wish = wishes[0];
    wish.query_id      = plan->id;
    wish.topic         = str_c(topic_of(n, "in"));
    assert_true(str_equal(wishes[0].query_id, wish.query_id) && str_equal(wishes[0].topic, wish.topic));
    assert_int_equal(wish.sub_topology, sub->sub.number);
    assert_int_equal(wish.offset, written.entries[0].offset);
    assert_int_equal(freshness_of_task(n->runtime, &wish, &n->err), STALE); /* who is asked has not got it */
    show_tasks(sub, 0);
    for (int i = 0; i < PATIENCE_S * 1000 && freshness_of_task(n->runtime, &wish, &n->err) != FRESH; i++)
        usleep(1000);
    assert_int_equal(freshness_of_task(n->runtime, &wish, &n->err), FRESH);
    (void)hide_tasks(query);
    freshness_tell(check, &wish); /* from here on the table's own tasks are waited for, which are here */
    Freshness verdict;
    for (int i = 0; (verdict = freshness_check(check, &n->err)) == STALE && i < PATIENCE_S * 1000; i++)
        usleep(1000);
    assert_int_equal(verdict, FRESH);
    wish.partition = 99;
    assert_int_equal(freshness_of_task(n->runtime, &wish, &n->err), STALE);
    wish.partition = 0;
    wish.topic     = STR_LIT("another");
    assert_int_equal(freshness_of_task(n->runtime, &wish, &n->err), STALE);
    freshness_close(check);
    show_tasks(sub, 0);
    query_unref(query);
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

/* Two queries that feed each other: the check ends, with one round behind it. */
static void a_ring_is_gone_round_once(void **state)
{
    Node *n = running("ring", 1, TOPICS("in", "a", "b"));
    node_sql(n, sql_of(n, STREAM
                       "CREATE STREAM A (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$a', VALUE_FORMAT='JSON');"
                       "CREATE STREAM B (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$b', VALUE_FORMAT='JSON');"
                       "INSERT INTO A SELECT K, V FROM S; INSERT INTO B SELECT K, V + 1 AS V FROM A;"
                       "INSERT INTO A SELECT K, V + 1 AS V FROM B;"));
    OffsetVector    written = {0};
    LogWriter      *writer  = node_writer(n);
    FreshnessTarget target  = {.topic = str_c(topic_of(n, "a"))};
    insert(n, writer, "in", "x", "{\"V\":0}", &written);
    must_be_fresh(n, &target, &written);
    assert_true(topic_says(n, "a", "x {\"V\":2}"));
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

/* ---- what is not waited for, and what is in vain ---- */

static bool reads_nothing(void *context, int partition) { return false; }

static void a_paused_query_is_told_of(void **state)
{
    Node            *n    = running("paused", 1, TOPICS("in"));
    const QueryPlan *plan = node_sql(
        n, sql_of(n, STREAM
                  "CREATE TABLE T WITH (KAFKA_TOPIC='$t') AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;"));
    OffsetVector    written = {0}, reached = {0}, nobodys = {0};
    LogWriter      *writer = node_writer(n);
    FreshnessTarget target = {.query_id = plan->id};
    insert(n, writer, "in", "x", "{\"V\":1}", &written);
    must_be_fresh(n, &target, &written);
    freshness_reached(n->runtime, &target, &reached);
    assert_int_equal(offset_vector_get(&reached, str_c(topic_of(n, "in")), 0), 1);
    MUST(runtime_pause_query(n->runtime, plan->id, true, &n->err));
    insert(n, writer, "in", "x", "{\"V\":1}", &written);
    usleep(100000); /* what was fetched before it paused may still go */
    insert(n, writer, "in", "x", "{\"V\":1}", &written);
    assert_int_equal(await(n, &target, &written, PATIENCE_S), STUCK);
    assert_non_null(strstr(n->err.message, "is paused"));
    target.reads = reads_nothing;
    assert_int_equal(await(n, &target, &written, 0), FRESH);
    target.reads = NULL;
    offset_vector_put(&nobodys, str_c(topic_of(n, "elsewhere")), 0, 1000);
    assert_int_equal(await(n, &target, &nobodys, 0), FRESH);
    MUST(runtime_pause_query(n->runtime, plan->id, false, &n->err));
    must_be_fresh(n, &target, &written);
    log_writer_close(writer);
    offset_vector_clear(&nobodys);
    offset_vector_clear(&reached);
    offset_vector_clear(&written);
    node_free(n);
}

/* The offsets of before a topic was made anew may never come. */
static void offsets_that_are_gone_are_not_waited_for(void **state)
{
    Node            *n    = running("gone", 1, TOPICS("in"));
    const QueryPlan *plan = node_sql(
        n, sql_of(n, STREAM
                  "CREATE TABLE T WITH (KAFKA_TOPIC='$t') AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;"));
    OffsetVector    written = {0};
    LogWriter      *writer  = node_writer(n);
    FreshnessTarget target  = {.query_id = plan->id};
    insert(n, writer, "in", "x", "{\"V\":1}", &written);
    offset_vector_put(&written, str_c(topic_of(n, "in")), 0, 1000);
    offset_vector_put(&written, str_c(topic_of(n, "in")), 7, 1); /* it had more partitions */
    must_be_fresh(n, &target, &written);
    assert_true(topic_says(n, "t", "x {\"C\":1}"));
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

static void everything_is_all_that_is_there(void **state)
{
    Node *n = running("everything", 2, TOPICS("in"));
    node_sql(n,
             sql_of(n, STREAM
                    "CREATE STREAM A WITH (KAFKA_TOPIC='$a') AS SELECT V, K AS W FROM S PARTITION BY V;"
                    "CREATE TABLE T WITH (KAFKA_TOPIC='$t') AS SELECT W, COUNT(*) AS C FROM A GROUP BY W;"));
    OffsetVector    written = {0}, all = {.everything = true};
    LogWriter      *writer = node_writer(n);
    FreshnessTarget target = {.topic = str_c(topic_of(n, "t"))};
    for (int i = 1; i <= ROUNDS / 4; i++) {
        char line[32];
        snprintf(line, sizeof line, "x {\"C\":%d}", i);
        insert(n, writer, "in", "x", "{\"V\":1}", &written);
        must_be_fresh(n, &target, &all);
        assert_true(topic_says(n, "t", line));
    }
    log_writer_close(writer);
    offset_vector_clear(&written);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_a_chain_of_queries),
        cmocka_unit_test(through_a_foreign_key_join),
        cmocka_unit_test(what_other_nodes_have_is_asked_for),
        cmocka_unit_test(a_ring_is_gone_round_once),
        cmocka_unit_test(a_paused_query_is_told_of),
        cmocka_unit_test(offsets_that_are_gone_are_not_waited_for),
        cmocka_unit_test(everything_is_all_that_is_there),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
