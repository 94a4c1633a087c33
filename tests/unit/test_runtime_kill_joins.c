/*
 * test_runtime_kill_joins.c - joins in a process that is killed at random moments: what comes out is what
 * comes out of one that nobody kills (runtime_kill.h).
 *
 * Stream-stream joins of all kinds of waiting, and table-table joins, have one order per key: the same
 * sequences. A foreign-key join crosses two topics, and how often a left and a right change meet on the way
 * is up to the commits: there each key must end the same. On the embedded log, or with SLUICE_TEST_BOOTSTRAP
 * on Kafka.
 */
#include "runtime_kill.h"

enum { ROUNDS = 3, KILLS = 3, ROUND_RECORDS = 1200, NAMES = 40 };

static const char sql[] =
    "CREATE STREAM L (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$left', VALUE_FORMAT='JSON');"
    "CREATE STREAM R (K STRING KEY, N STRING, W INT) WITH (KAFKA_TOPIC='$right', VALUE_FORMAT='JSON');"
    "CREATE TABLE A (K STRING PRIMARY KEY, X INT) WITH (KAFKA_TOPIC='$a', VALUE_FORMAT='JSON');"
    "CREATE TABLE B (K STRING PRIMARY KEY, REF STRING, Y INT) WITH (KAFKA_TOPIC='$b', VALUE_FORMAT='JSON');"
    "CREATE STREAM I WITH (KAFKA_TOPIC='$inner') AS SELECT L.K AS K, V, W FROM L JOIN R WITHIN 20 "
    "MILLISECONDS ON "
    "L.K = R.K;"
    "CREATE STREAM F WITH (KAFKA_TOPIC='$full') AS SELECT ROWKEY AS K, V, W FROM L FULL OUTER JOIN R WITHIN "
    "10 "
    "MILLISECONDS GRACE PERIOD 15 MILLISECONDS ON L.K = R.K;"
    "CREATE STREAM P WITH (KAFKA_TOPIC='$through') AS SELECT L.K AS K, V, W FROM L JOIN R WITHIN 15 "
    "MILLISECONDS ON L.K = R.N;"
    "CREATE TABLE T WITH (KAFKA_TOPIC='$tables') AS SELECT ROWKEY AS K, X, Y FROM A FULL OUTER JOIN B ON A.K "
    "= B.K;"
    "CREATE TABLE G WITH (KAFKA_TOPIC='$groups') AS SELECT X, COUNT(*) AS N, SUM(Y) AS S FROM A JOIN B ON "
    "A.K = B.K "
    "GROUP BY X;"
    "CREATE TABLE O WITH (KAFKA_TOPIC='$foreign') AS SELECT B.K AS K, X, Y FROM B LEFT JOIN A ON B.REF = "
    "A.K;"
    "CREATE TABLE M WITH (KAFKA_TOPIC='$matched') AS SELECT B.K AS K, X, Y FROM B JOIN A ON B.REF = A.K;";

static const char *const inputs[] = {"left", "right", "a", "b", NULL};
static const struct {
    const char *name;
    Sameness    how;
} topics[] = {{"inner", SAME_SEQUENCES},
              {"full", SAME_SEQUENCES},
              {"through", SAME_SETS}, /* one side comes through a topic, at the pace of commits */
              {"tables", SAME_SEQUENCES},
              {"groups", SAME_ENDS}, /* several partitions write to one group, in whatever order */
              {"foreign", SAME_ENDS},
              {"matched", SAME_ENDS}};

enum { REFERS_TO_NONE = -1 };

/* What tables a and b hold in the end; x < 0, ref < REFERS_TO_NONE: no such row. */
static struct {
    int x, ref, y;
} rows[NAMES];

static void send(Node *n, LogWriter *writer, const char *topic, int key, const char *value, int64_t time)
{
    char name[16];
    snprintf(name, sizeof name, "k%d", key);
    node_send(n, writer, topic_of(n, topic), name, value, time);
}

/* Records out of order, keys of all topics mixed, rows that are deleted now and then. */
static void feed_round(const Identity *identity, int round, uint64_t seed)
{
    Node      *n      = node_again(identity);
    LogWriter *writer = node_writer(n);
    Clock      chance;
    char       value[64];
    clock_init_virtual(&chance, 0, seed + (uint64_t)round);
#define PICK(below) ((int)(chance.random(&chance) % (uint64_t)(below)))
    for (int i = 0; i < ROUND_RECORDS; i++) {
        int64_t time = 100000 * round + 1000 + i - PICK(12);
        snprintf(value, sizeof value, "{\"V\":%d}", i);
        send(n, writer, "left", PICK(NAMES), value, time);
        snprintf(value, sizeof value, "{\"N\":\"k%d\",\"W\":%d}", PICK(NAMES), i);
        send(n, writer, "right", PICK(NAMES), value, time - PICK(30));
        int a = PICK(NAMES), b = PICK(NAMES);
        rows[a].x   = PICK(10) - 1;
        rows[b].ref = PICK(NAMES + 4) - 4;
        rows[b].y   = i;
        snprintf(value, sizeof value, "{\"X\":%d}", rows[a].x);
        send(n, writer, "a", a, rows[a].x < 0 ? NULL : value, 100000 * round + 2 * i);
        if (rows[b].ref == REFERS_TO_NONE)
            snprintf(value, sizeof value, "{\"Y\":%d}", i);
        else
            snprintf(value, sizeof value, "{\"REF\":\"k%d\",\"Y\":%d}", rows[b].ref, i);
        send(n, writer, "b", b, rows[b].ref < REFERS_TO_NONE ? NULL : value, 100000 * round + 2 * i + 1);
    }
#undef PICK
    node_flush(n, writer);
    log_writer_close(writer);
    node_free(n);
}

/* Each left row with the row it refers to, in whichever partition that is; without one, if `inner`, none. */
static void check_foreign(const WrittenTopic *topic, bool inner)
{
    for (size_t i = 0; i < topic->count; i++) {
        const Written *record = &topic->records[i];
        char           name[16], x[16], value[64];
        if (i + 1 < topic->count && same_key(record, &topic->records[i + 1]))
            continue;
        for (int k = 0; k < NAMES; k++) {
            snprintf(name, sizeof name, "k%d", k);
            if (!str_equal(record->key, str_c(name)))
                continue;
            int found = rows[k].ref < 0 ? -1 : rows[rows[k].ref].x;
            snprintf(x, sizeof x, found < 0 ? "null" : "%d", found);
            snprintf(value, sizeof value, "{\"X\":%s,\"Y\":%d}", x, rows[k].y);
            assert_true(str_is_null(record->value)
                            ? rows[k].ref < REFERS_TO_NONE || (inner && found < 0)
                            : !(inner && found < 0) && str_equal(record->value, str_c(value)));
        }
    }
}

static void joins_are_those_of_an_undisturbed_run(void **state)
{
    enum { TOPICS = ARRAY_LEN(topics) };
    WrittenTopic expected[TOPICS], got[TOPICS];
    const char  *names[TOPICS];
    char         what[96];
    Clock        chance;
    uint64_t     seed = choose_seed();
    useconds_t   span = on_kafka() ? 2000000 : 250000;
    snprintf(what, sizeof what, "SLUICE_TEST_SEED=0x%llx", (unsigned long long)seed);
    print_message("%s\n", what);
    clock_init_virtual(&chance, 0, seed);
    for (size_t i = 0; i < TOPICS; i++)
        names[i] = topics[i].name;
    Identity calm = new_identity("calm", true, inputs), killed = new_identity("killed", true, inputs);
    for (int round = 0; round < ROUNDS; round++) {
        feed_round(&calm, round, seed);
        feed_round(&killed, round, seed);
        for (int i = 0; i < KILLS; i++) {
            /* with so little, what buffers hold goes to the file at each commit */
            killed.state_memory = i % 2 == 0 ? 40000 : 0;
            kill_after_us(&killed, sql, 10000 + (useconds_t)(chance.random(&chance) % span));
        }
    }
    finish(&calm, sql, names, TOPICS, expected);
    finish(&killed, sql, names, TOPICS, got);
    for (size_t i = 0; i < TOPICS; i++) {
        assert_true(expected[i].count > NAMES / 2);
        if (strcmp(topics[i].name, "foreign") == 0)
            check_foreign(&expected[i], false);
        if (strcmp(topics[i].name, "matched") == 0)
            check_foreign(&expected[i], true);
        assert_same_topic(&expected[i], &got[i], topics[i].how, topics[i].name, what);
        written_clear(&expected[i]);
        written_clear(&got[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(joins_are_those_of_an_undisturbed_run)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
