/*
 * test_runtime_kills.c - a process that is killed at random moments writes what one writes that nobody kills.
 *
 * The same input twice: once through a node that runs to its end, once through processes that are killed with
 * SIGKILL again and again, with more input in between. Compared is what both wrote, key by key
 * (runtime_compare.h): a filter, a stream-table join, a windowed aggregate, and a count behind a repartition
 * topic. Every update is written (no cache), so that a record counted twice, or not at all, shows in a
 * sequence and not only in its end.
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include "runtime_kill.h"

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

static const char *const inputs[] = {"in", "dim", NULL};

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

    Identity calm   = new_identity("calm", exactly_once, inputs),
             killed = new_identity(name, exactly_once, inputs);
    for (int round = 0; round < ROUNDS; round++) {
        feed_round(&calm, round);
        feed_round(&killed, round);
        for (int i = 0; i < KILLS; i++)
            kill_after_us(&killed, sql, 10000 + (useconds_t)(chance.random(&chance) % span));
    }
    finish(&calm, sql, outputs, ARRAY_LEN(outputs), expected);
    finish(&killed, sql, outputs, ARRAY_LEN(outputs), got);
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
