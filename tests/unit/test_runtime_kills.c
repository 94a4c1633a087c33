/*
 * test_runtime_kills.c - a process that is killed at random moments writes what one writes that nobody kills.
 *
 * The same input twice: once through a node that runs to its end, once through processes that are killed with
 * SIGKILL again and again, with more input in between. Compared is what both wrote, key by key
 * (runtime_compare.h): a filter, a stream-table join, a windowed aggregate, and a count behind a repartition
 * topic. Every update is written (no cache), so that a record counted twice, or not at all, shows in a
 * sequence and not only in its end.
 *
 * The moments are random, from the seed that is printed; SLUICE_TEST_SEED repeats one. On the embedded log,
 * or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include <signal.h>

#include "runtime_compare.h"

enum { ROUNDS = 4, KILLS = 3, ROUND_RECORDS = 3000, NAMES = 20, GROUPS = 7 };

static const char sql[] =
    "CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"
    "CREATE TABLE D (K STRING PRIMARY KEY, X INT) WITH (KAFKA_TOPIC='$dim', VALUE_FORMAT='JSON');"
    "CREATE STREAM C WITH (KAFKA_TOPIC='$copy') AS SELECT K, V + 1 AS Y FROM S WHERE V <> 3;"
    "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K, V, X FROM S JOIN D ON S.K = D.K;"
    "CREATE TABLE W WITH (KAFKA_TOPIC='$windows') AS SELECT K, COUNT(*) AS N, SUM(V) AS T FROM S"
    " WINDOW TUMBLING (SIZE 50 MILLISECONDS) GROUP BY K;"
    "CREATE TABLE G WITH (KAFKA_TOPIC='$groups') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;";

static const char *const outputs[] = {"copy", "joined", "windows", "groups"};

/* What a process needs to be the same node again. */
typedef struct {
    char dir[256], service[64];
    bool exactly_once;
} Identity;

static Node *node_again(const Identity *identity)
{
    Node *n                       = node_new(identity->dir, identity->service);
    n->options.exactly_once       = identity->exactly_once;
    n->options.commit_interval_ms = 5;
    n->options.cache_bytes        = 0;
    return n;
}

static Identity new_identity(const char *name, bool exactly_once)
{
    Node    *n        = fresh(name);
    Identity identity = {.exactly_once = exactly_once};
    snprintf(identity.dir, sizeof identity.dir, "%s", n->dir);
    snprintf(identity.service, sizeof identity.service, "%s", n->service);
    node_topic_make(n, topic_of(n, "in"), 2);
    node_topic_make(n, topic_of(n, "dim"), 2);
    node_free(n);
    return identity;
}

/* The table's rows come before the stream's records of a round, in time and in the log. */
static void feed_round(const Identity *identity, int round)
{
    Node      *n      = node_again(identity);
    LogWriter *writer = node_writer(n);
    char       key[16], value[32];
    for (int i = 0; i < NAMES; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"X\":%d}", round * 100 + i);
        node_send(n, writer, topic_of(n, "dim"), key, value, 10000 * round);
    }
    node_flush(n, writer);
    for (int i = 0; i < ROUND_RECORDS; i++) {
        snprintf(key, sizeof key, "k%d", i % NAMES);
        snprintf(value, sizeof value, "{\"V\":%d}", i % GROUPS);
        node_send(n, writer, topic_of(n, "in"), key, value, 10000 * round + 1 + i);
    }
    node_flush(n, writer);
    log_writer_close(writer);
    node_free(n);
}

static void kill_after_us(const Identity *identity, useconds_t us)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Node *n = node_again(identity);
        node_run(n);
        node_sql(n, sql_of(n, sql));
        for (;;)
            pause();
    }
    usleep(us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Runs to the end and reads what was ever written. */
static void finish(const Identity *identity, WrittenTopic *out)
{
    Node *n = node_again(identity);
    node_run(n);
    node_sql(n, sql_of(n, sql));
    node_wait_idle(n, 120);
    node_stop(n);
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        out[i] = written_read(n, outputs[i]);
    node_free(n);
}

static uint64_t choose_seed(void)
{
    const char *given = getenv("SLUICE_TEST_SEED");
    return given != NULL ? strtoull(given, NULL, 0) : clock_system()->random(clock_system());
}

static void compare_with_undisturbed(const char *name, bool exactly_once)
{
    WrittenTopic expected[ARRAY_LEN(outputs)], got[ARRAY_LEN(outputs)];
    Clock        chance;
    char         what[96];
    uint64_t     seed = choose_seed();
    useconds_t   span = on_kafka() ? 1500000 : 200000;
    print_message("%s: SLUICE_TEST_SEED=0x%llx\n", name, (unsigned long long)seed);
    snprintf(what, sizeof what, "%s, SLUICE_TEST_SEED=0x%llx", name, (unsigned long long)seed);
    clock_init_virtual(&chance, 0, seed);

    Identity calm = new_identity("calm", exactly_once), killed = new_identity(name, exactly_once);
    for (int round = 0; round < ROUNDS; round++) {
        feed_round(&calm, round);
        feed_round(&killed, round);
        for (int i = 0; i < KILLS; i++)
            kill_after_us(&killed, 10000 + (useconds_t)(chance.random(&chance) % span));
    }
    finish(&calm, expected);
    finish(&killed, got);
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        assert_true(expected[i].count > NAMES);
        assert_same_topic(&expected[i], &got[i], exactly_once ? SAME_SEQUENCES : SAME_WITH_TWICE, outputs[i],
                          what);
        written_clear(&expected[i]);
        written_clear(&got[i]);
    }
}

static void exactly_once_is_the_same_sequences(void **state) { compare_with_undisturbed("exactly", true); }

static void at_least_once_loses_nothing(void **state) { compare_with_undisturbed("least", false); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_once_is_the_same_sequences),
        cmocka_unit_test(at_least_once_loses_nothing),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
