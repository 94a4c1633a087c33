/*
 * test_log_witness.c - a log that has less than it had is refused, by name; one whose process was killed
 * never.
 *
 * Another process writes and dies without a word, as after kill -9. Then files are taken away, emptied, put
 * back as they were earlier, or left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log_embedded.h"

typedef struct {
    char  directory[64], log[96], wal[112], witness[128], state[96];
    Error err;
} Place;

static int set_up(void **state)
{
    Place *place = mem_calloc(1, sizeof *place);
    snprintf(place->directory, sizeof place->directory, "/tmp/sluice-witness-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->log, sizeof place->log, "%s/log.db", place->directory);
    snprintf(place->wal, sizeof place->wal, "%s-wal", place->log);
    snprintf(place->state, sizeof place->state, "%s/state", place->directory);
    snprintf(place->witness, sizeof place->witness, "%s/" WITNESS_FILE, place->directory);
    assert_int_equal(mkdir(place->state, 0700), 0);
    *state = place;
    return 0;
}

static void shell(const Place *place, const char *command)
{
    char text[512];
    snprintf(text, sizeof text, "cd %s && %s", place->directory, command);
    assert_int_equal(system(text), 0);
}

static int tear_down(void **state)
{
    Place *place = *state;
    shell(place, "rm -rf \"$PWD\"");
    mem_free(place);
    return 0;
}

static Log *open_log(Place *place)
{
    Log *log;
    if (log_open_embedded(place->log, clock_system(), &log, &place->err) != OK)
        fail_msg("%s", place->err.message);
    return log;
}

static void append(Place *place, Log *log, const char *topic, int count)
{
    LogWriter *writer;
    LogRecord  record = {.timestamp = 1, .key = STR_LIT("k"), .value = STR_LIT("v")};
    assert_int_equal(log_writer_open(log, NULL, &writer, &place->err), OK);
    for (int i = 0; i < count; i++)
        assert_int_equal(log_append(writer, str_c(topic), 0, &record, STR_NULL, &place->err), OK);
    assert_int_equal(log_flush(writer, -1, &place->err), OK);
    log_writer_close(writer);
}

static void write_some(Place *place, Log *log, int count)
{
    Status status = log_topic_create(log, STR_LIT("t"), 2, 1, NULL, 0, &place->err);
    assert_true(status == OK || status == E_EXISTS);
    append(place, log, "t", count);
}

/* What a process does that is killed afterwards. */
static void killed(Place *place, void (*work)(Place *place, Log *log, int count), int count, int wait_ms)
{
    pid_t child = fork();
    if (child == 0) {
        work(place, open_log(place), count);
        usleep((useconds_t)wait_ms * 1000);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

enum { SEEN_MS = 600 };

static const struct {
    const char *loss, *said; /* said NULL: it is none */
} losses[] = {
    {"true", NULL},
    {"rm -f log.db-shm", NULL},
    {"rm log.db-wal", "has lost records"},
    {": > log.db-wal", "has lost records"},
    {"cp early.db log.db && cp early.db-wal log.db-wal && rm -f log.db-shm", "has lost records"},
    {"cp early.db log.db && rm log.db-wal", "has lost records"},
    {": > log.db && rm log.db-wal", "is empty"},
    {": > log.db && : > log.db-wal", "is empty"},
    {"rm log.db log.db-wal", "is empty"},
    {"cp other.db log.db && cp other.db-wal log.db-wal && rm -f log.db-shm", "is another one"},
    {"rm log.db-wal && rm -r state && mkdir state", NULL}, /* what the message tells to do */
    {": > state/log-witness", NULL},
    {"printf x >> state/log-witness", NULL},
    {"rm state/log-witness", NULL},
};

/* early.db: after 10 of 510 records, with a WAL. other.db: of another log with as many. */
static void make_files(Place *place)
{
    killed(place, write_some, 510, SEEN_MS);
    shell(place,
          "mv log.db other.db && mv log.db-wal other.db-wal && rm -rf log.db-shm state && mkdir state");
    Log *log = open_log(place);
    write_some(place, log, 5);
    log_close(log); /* written back: 5 are in the file itself */
    killed(place, write_some, 5, SEEN_MS);
    shell(place, "cp log.db early.db && cp log.db-wal early.db-wal");
    killed(place, write_some, 500, SEEN_MS);
    shell(place, "mkdir all && cp -r *.db *.db-wal state all");
}

static void what_is_lost_is_named(void **state)
{
    Place *place = *state;
    make_files(place);
    for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
        Log *log;
        shell(place, "rm -rf state *.db *.db-wal *.db-shm && cp -r all/* .");
        shell(place, losses[i].loss);
        Status status = log_open_embedded(place->log, clock_system(), &log, &place->err);
        if (status == OK)
            log_close(log);
        if (status != (losses[i].said == NULL ? OK : E_DAMAGED))
            fail_msg("%s: %s", losses[i].loss, status == OK ? "opened" : place->err.message);
        if (losses[i].said == NULL)
            continue;
        if (strstr(place->err.message, losses[i].said) == NULL ||
            strstr(place->err.message, place->log) == NULL ||
            strstr(place->err.message, "log.db-wal") == NULL ||
            strstr(place->err.message, place->state) == NULL)
            fail_msg("%s: %s", losses[i].loss, place->err.message);
        /* Refused again, and nothing was written over: put back, all is there. */
        assert_int_equal(log_open_embedded(place->log, clock_system(), &log, &place->err), E_DAMAGED);
        shell(place, "rm -f *.db *.db-wal *.db-shm && cp -r all/*.db all/*.db-wal .");
        int64_t first, end;
        log = open_log(place);
        assert_int_equal(log_offsets(log, STR_LIT("t"), 0, &first, &end, &place->err), OK);
        assert_int_equal(end, 510);
        log_close(log);
    }
}

static void churn(Place *place, Log *log, int count)
{
    for (int i = 0; i < count; i++) {
        (void)!log_topic_delete(log, STR_LIT("t"), &place->err);
        write_some(place, log, count - i);
    }
}

/* Killed whenever: topics that come, go and come again under the same name among them. */
static void a_kill_loses_nothing(void **state)
{
    Place *place = *state;
    for (int turn = 0; turn < 40; turn++)
        killed(place, turn % 3 == 0 ? churn : write_some, 1 + turn % 7, turn * 37 % 250);
    Log *log = open_log(place);
    assert_int_equal(log_topic_delete(log, STR_LIT("t"), &place->err), OK);
    log_close(log);
    log_close(open_log(place));
}

static void say_nothing(void *context, const char *what) {}

/* What a repair has to leave out is not asked for afterwards. */
static void a_repair_is_believed(void **state)
{
    Place *place = *state;
    Log   *log   = open_log(place);
    write_some(place, log, 100);
    log_close(log);
    assert_int_equal(access(place->witness, F_OK), 0);
    shell(place, "cp log.db whole");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->log, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM chunks; UPDATE parts SET proof = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(log_embedded_repair(place->log, say_nothing, NULL, &place->err), OK);
    log_close(open_log(place));
    shell(place, "cp whole log.db");
    log_close(open_log(place));
}

/* Without a state directory beside it nothing is kept, as in a log of a test. */
static void a_log_by_itself_has_none(void **state)
{
    Place *place = *state;
    shell(place, "rmdir state");
    Log *log = open_log(place);
    write_some(place, log, 10);
    log_close(log);
    assert_int_not_equal(access(place->state, F_OK), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_lost_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kill_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_repair_is_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_by_itself_has_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
