/*
 * test_runtime_strangers.c - state files that are whole, and not what the log has: another's, ahead, long
 * behind.
 *
 * What is in a file is found by names that are alike everywhere, so nothing but what a file says of itself
 * tells whose it is. Whatever is put there, the tables are those of a node that nobody touched, and a file
 * that is not used is kept.
 */
#include <glob.h>
#include <sqlite3.h>

#include "core/logger.h"
#include "log/log_embedded.h"
#include "runtime_test.h"

enum { NAMES = 60, DAY_MS = 86400000 };

static const char sql[] =
    "CREATE TABLE L (K STRING PRIMARY KEY, R STRING) WITH (KAFKA_TOPIC='$left', VALUE_FORMAT='JSON');"
    "CREATE TABLE R (K STRING PRIMARY KEY, X INT) WITH (KAFKA_TOPIC='$right', VALUE_FORMAT='JSON');"
    "CREATE TABLE F WITH (KAFKA_TOPIC='$joined') AS SELECT L.K AS K, L.R AS R, X FROM L JOIN R ON L.R = R.K;"
    "CREATE TABLE G WITH (KAFKA_TOPIC='$groups') AS SELECT R, COUNT(*) AS N FROM L GROUP BY R;";

/* The machine's clock, some days on. */
static int64_t ahead_ms;

static int64_t later_now_ms(Clock *clock) { return clock_system()->now_ms(clock_system()) + ahead_ms; }

static Clock *later_clock(void)
{
    static Clock clock;
    clock        = *clock_system();
    clock.now_ms = later_now_ms;
    return &clock;
}

static Node *start(const char *dir, const char *service, const char *log_id)
{
    char  path[300];
    Node *n = node_new(dir, service);
    log_close(n->log);
    snprintf(path, sizeof path, "%s/log.db", dir);
    MUST(log_open_embedded(path, later_clock(), &n->log, &n->err));
    n->options.cache_bytes             = 0;
    n->options.clock                   = later_clock();
    n->options.joins_later             = true;
    static const LogConfig compacted[] = {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}};
    for (int i = 0; i < 2; i++) {
        Status status = log_topic_create(n->log, str_c(topic_of(n, i == 0 ? "left" : "right")), 2, 1,
                                         compacted, 2, &n->err);
        assert_true(status == OK || status == E_EXISTS);
    }
    node_run(n);
    runtime_know_log(n->runtime, str_c(log_id));
    node_sql(n, sql_of(n, sql));
    runtime_join(n->runtime);
    return n;
}

static void send(Node *n, int from, int to, bool remove)
{
    LogWriter *writer = node_writer(n);
    char       key[16], value[64];
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"R\":\"r%d\"}", i % 5);
        LogRecord left = {
            .timestamp = later_now_ms(NULL), .key = str_c(key), .value = remove ? STR_NULL : str_c(value)};
        MUST(log_append(writer, str_c(topic_of(n, "left")), PARTITION_BY_KEY, &left, STR_NULL, &n->err));
    }
    for (int i = 0; i < 5 && !remove; i++) {
        snprintf(key, sizeof key, "r%d", i);
        node_send(n, writer, topic_of(n, "right"), key, "{\"X\":1}", later_now_ms(NULL));
    }
    node_flush(n, writer);
    log_writer_close(writer);
    node_wait_idle(n, 60);
}

static size_t count_kept(const char *dir, const char *mark)
{
    char   pattern[300];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/state/*.db.%s-*[0-9]", dir, mark);
    glob(pattern, 0, NULL, &found);
    size_t count = found.gl_pathc;
    globfree(&found);
    return count;
}

static void shell(const char *dir, const char *command)
{
    char text[600];
    snprintf(text, sizeof text, "cd '%s' && %s", dir, command);
    assert_int_equal(system(text), 0);
}

/* Rows of all tables of all files: what a ghost of a row would be among. */
static int64_t count_rows(const char *dir)
{
    int64_t rows = 0;
    for (int i = 0; i < 2; i++) {
        char          path[300];
        sqlite3      *db;
        sqlite3_stmt *names, *count;
        snprintf(path, sizeof path, "%s/state/worker-%d.db", dir, i);
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT table_name FROM _stores", -1, &names, NULL),
                         SQLITE_OK);
        while (sqlite3_step(names) == SQLITE_ROW) {
            char text[300];
            snprintf(text, sizeof text, "SELECT count(*) FROM \"%s\" WHERE _visible",
                     sqlite3_column_text(names, 0));
            assert_int_equal(sqlite3_prepare_v2(db, text, -1, &count, NULL), SQLITE_OK);
            assert_int_equal(sqlite3_step(count), SQLITE_ROW);
            rows += sqlite3_column_int64(count, 0);
            sqlite3_finalize(count);
        }
        sqlite3_finalize(names);
        sqlite3_close(db);
    }
    return rows;
}

/* ---- what is done to the files of a node that is stopped ---- */

/* A healthy file that says of itself something else. */
static void say(const char *dir, const char *text)
{
    char       path[300];
    StateFile *file;
    Error      err;
    snprintf(path, sizeof path, "%s/state/worker-0.db", dir);
    assert_int_equal(state_file_open(path, &file, &err), OK);
    assert_int_equal(state_meta_set(file, STR_LIT("file"), str_c(text), &err), OK);
    assert_int_equal(state_file_commit(file, &err), OK);
    state_file_close(file);
}

static void nothing(const char *dir) {}
static void another_workers(const char *dir) { shell(dir, "cp state/worker-0.db state/worker-1.db"); }
static void exchanged(const char *dir)
{
    shell(dir, "mv state/worker-0.db x && mv state/worker-1.db state/worker-0.db && mv x state/worker-1.db");
}
static void another_services(const char *dir) { say(dir, "service=another\n"); }
static void another_nodes(const char *dir) { say(dir, "node=another\n"); }
static void another_logs(const char *dir) { say(dir, "log=another\n"); }
static void of_old(const char *dir) { say(dir, ""); }
static void put_back(const char *dir) { shell(dir, "cp early/worker-*.db state/"); }
/* The log loses what the files have. Its witness (log_embedded_witness.c) would not let it open. */
static void log_put_back(const char *dir)
{
    shell(dir, "cp early/log.db . && rm -f log.db-wal state/log-witness");
}

static void positions_gone(const char *dir)
{
    char  path[300];
    Log  *log;
    Error err;
    snprintf(path, sizeof path, "%s/log.db", dir);
    assert_int_equal(log_open_embedded(path, clock_system(), &log, &err), OK);
    Arena     *arena = arena_new(0);
    TopicInfo *topics;
    size_t     count;
    assert_int_equal(log_topic_list(log, arena, &topics, &count, &err), OK);
    for (size_t i = 0; i < count; i++)
        if (str_find(topics[i].name, STR_LIT("_slots"), 0) >= 0)
            assert_int_equal(log_topic_delete(log, topics[i].name, &err), OK);
    arena_free(arena);
    log_close(log);
}

/* Two days later, and the topics have been compacted meanwhile. */
static void days_later(const char *dir)
{
    char  path[300];
    Log  *log;
    Error err;
    put_back(dir);
    snprintf(path, sizeof path, "%s/log.db", dir);
    for (int day = 0; day < 2; day++) {
        ahead_ms += 2 * (int64_t)DAY_MS;
        assert_int_equal(log_open_embedded(path, later_clock(), &log, &err), OK);
        Arena     *arena = arena_new(0);
        TopicInfo *topics;
        size_t     count;
        assert_int_equal(log_topic_list(log, arena, &topics, &count, &err), OK);
        for (size_t i = 0; i < count; i++)
            if (str_find(topics[i].name, STR_LIT("changelog"), 0) >= 0)
                assert_int_equal(
                    log_topic_set_config(log, topics[i].name, "min.cleanable.dirty.ratio", "0", &err), OK);
        arena_free(arena);
        assert_int_equal(log_embedded_clean(log, &err), OK);
        log_close(log);
    }
}

static const struct {
    const char *name;
    void (*touch)(const char *dir);
    const char *kept; /* with this in its name; NULL: all are used */
    bool        anew; /* what the log has lost is sent once more before it is compared */
} kinds[] = {
    {"another worker's", another_workers, "foreign", false},
    {"exchanged", exchanged, "foreign", false},
    {"another service's", another_services, "foreign", false},
    {"another node's", another_nodes, "foreign", false},
    {"another log's", another_logs, "foreign", false},
    {"of old", of_old, NULL, false},
    {"put back", put_back, NULL, false},
    {"the log put back", log_put_back, "ahead", true},
    {"positions gone", positions_gone, "ahead", false},
    {"put back days later", days_later, NULL, false},
};

static void lose_half(Node *n) { send(n, 0, NAMES / 2, true); }

/* Half of the rows are removed after the copies in early/ were made. */
static int64_t touched(size_t number, void (*touch)(const char *dir), const char *kept, bool anew)
{
    char name[32], dir[256], service[64];
    ahead_ms = 0;
    snprintf(name, sizeof name, "kind%zu", number);
    Node *n = fresh(name);
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_free(n);
    shell(dir, "mkdir state early");
    n = start(dir, service, "one");
    send(n, 0, NAMES, false);
    node_free(n);
    shell(dir, "cp state/worker-*.db log.db early/");
    n = start(dir, service, "one");
    lose_half(n);
    node_free(n);
    touch(dir);
    n = start(dir, service, "one");
    if (anew)
        lose_half(n);
    node_wait_idle(n, 60);
    node_free(n);
    if ((count_kept(dir, "*") > 0) != (kept != NULL) || (kept != NULL && count_kept(dir, kept) == 0))
        fail_msg("%zu: kept %zu", number, count_kept(dir, "*"));
    return count_rows(dir);
}

static void whatever_is_put_there(void **state)
{
    if (on_kafka())
        skip();
    int64_t calm = touched(0, nothing, NULL, false);
    assert_true(calm > NAMES);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int64_t rows = touched(i + 1, kinds[i].touch, kinds[i].kept, kinds[i].anew);
        if (rows != calm)
            fail_msg("%s: %lld rows instead of %lld", kinds[i].name, (long long)rows, (long long)calm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_is_put_there)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
