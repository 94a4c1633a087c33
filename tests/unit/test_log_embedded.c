/*
 * test_log_embedded.c - what only the embedded log can be asked: that acknowledged records survive a kill -9,
 * that a full disk is an error and nothing else, that a file is one process's, and that it reads back after a
 * restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log_embedded.h"

typedef struct {
    Clock clock;
    char  directory[64], path[80];
    Error err;
} Place;

static int set_up(void **state)
{
    Place *place = mem_calloc(1, sizeof *place);
    clock_init_virtual(&place->clock, 1700000000000, 1);
    snprintf(place->directory, sizeof place->directory, "/tmp/sluice-log-XXXXXX");
    if (mkdtemp(place->directory) == NULL)
        return 1;
    snprintf(place->path, sizeof place->path, "%s/log.db", place->directory);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    Place                   *place     = *state;
    char                     file[96];
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(file, sizeof file, "%s%s", place->path, endings[i]);
        unlink(file);
    }
    rmdir(place->directory);
    mem_free(place);
    return 0;
}

static Log *open_log(Place *place)
{
    Log *log;
    if (log_open_embedded(place->path, &place->clock, &log, &place->err) != OK)
        fail_msg("%s", place->err.message);
    return log;
}

/* Values 0, 1, 2, ... in the only partition of `t`, from offset 0 without a gap: how many. */
static int64_t count_records(Place *place, Log *log)
{
    LogReader *reader;
    int        handle;
    int64_t    next = 0;
    assert_int_equal(log_reader_open(log, NULL, &reader, &place->err), OK);
    assert_int_equal(log_reader_assign(reader, STR_LIT("t"), 0, LOG_EARLIEST, &handle, &place->err), OK);
    while (!log_reader_at_end(reader, handle)) {
        LogBatch batch;
        assert_int_equal(log_reader_take(reader, handle, 1000, &batch, &place->err), OK);
        for (size_t i = 0; i < batch.count; i++, next++) {
            assert_int_equal(batch.records[i].offset, next);
            assert_memory_equal(batch.records[i].key.ptr, &next, sizeof next);
        }
        log_batch_release(reader, &batch);
    }
    log_reader_close(reader);
    return next;
}

/* Appends numbered records and reports each acknowledgement through the pipe, until it is killed. */
static void append_for_ever(Place *place, int report)
{
    Log        *log;
    LogWriter  *writer;
    static char padding[500];
    if (log_open_embedded(place->path, &place->clock, &log, &place->err) != OK ||
        log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &place->err) != OK ||
        log_writer_open(log, NULL, &writer, &place->err) != OK)
        _exit(1);
    for (int64_t n = 0;; n++) {
        LogRecord one = {.key = str_n((const char *)&n, sizeof n), .value = str_n(padding, sizeof padding)};
        int64_t   offset;
        if (log_append_sync(writer, STR_LIT("t"), 0, &one, STR_NULL, &offset, &place->err) != OK ||
            offset != n)
            _exit(2);
        if (write(report, &n, sizeof n) != sizeof n)
            _exit(3);
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    Place  *place = *state;
    int     pipes[2];
    int64_t acknowledged = -1, n;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        append_for_ever(place, pipes[1]);
    close(pipes[1]);
    while (acknowledged < 300 && read(pipes[0], &n, sizeof n) == sizeof n)
        acknowledged = n;
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(pipes[0], &n, sizeof n) == sizeof n)
        acknowledged = n;
    close(pipes[0]);
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    assert_true(acknowledged >= 300);

    Log *log = open_log(place);
    assert_true(count_records(place, log) > acknowledged);
    log_close(log);
}

static Status append_number(Log *log, LogWriter *writer, int64_t n, size_t size, Error *err)
{
    char     *padding = mem_calloc(1, size);
    LogRecord one     = {.key = str_n((const char *)&n, sizeof n), .value = str_n(padding, size)};
    Status    status  = log_append_sync(writer, STR_LIT("t"), 0, &one, STR_NULL, NULL, err);
    mem_free(padding);
    return status;
}

/* Appends until it fails; then lifts the limit and sees that nothing but the refused record is missing. */
static void fill_and_check(Place *place, Log *log, void (*limit)(Log *log, bool on), Status wanted)
{
    LogWriter *writer;
    int64_t    n = 0;
    Status     status;
    assert_int_equal(log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &place->err), OK);
    assert_int_equal(log_writer_open(log, NULL, &writer, &place->err), OK);
    limit(log, true);
    while ((status = append_number(log, writer, n, 20000, &place->err)) == OK && n < 1000)
        n++;
    limit(log, false);
    assert_int_equal(status, wanted);
    assert_true(n > 10 && n < 1000);
    assert_int_equal(count_records(place, log), n);
    assert_int_equal(append_number(log, writer, n, 20000, &place->err), OK); /* there is room again */
    assert_int_equal(count_records(place, log), n + 1);
    log_writer_close(writer);
    log_close(log);
    log = open_log(place);
    assert_int_equal(count_records(place, log), n + 1);
    log_close(log);
}

static void limit_pages(Log *log, bool on)
{
    pthread_mutex_lock(&log->db_lock);
    const char *sql = on ? "PRAGMA max_page_count = 200" : "PRAGMA max_page_count = 1000000";
    assert_int_equal(sqlite3_exec(log->db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
    pthread_mutex_unlock(&log->db_lock);
}

static void a_full_disk_is_an_error(void **state)
{
    fill_and_check(*state, open_log(*state), limit_pages, E_FULL);
}

/* SQLite says "disk I/O error" of a disk that has no room for the shared memory of a WAL. /proc has none
 * ever; /dev is not full. */
static void a_full_disk_is_named(void **state)
{
    Error err;
    Db    full = {.name = "/proc/nowhere/log.db"}, other = {.name = "/dev/nowhere/log.db"};
    assert_int_equal(db_fail(&full, SQLITE_IOERR, &err), E_FULL);
    assert_int_equal(err.code, E_FULL);
    assert_non_null(
        strstr(err.message, "disk I/O error (SQLite error 10). The disk that /proc is on is full"));
    assert_int_equal(db_fail(&full, SQLITE_FULL, NULL), E_FULL);
    assert_int_equal(db_fail(&other, SQLITE_IOERR, &err), E_IO);
    assert_null(strstr(err.message, "is full"));
}

/* A write that fails in the WAL: SQLite keeps the reason to itself here, unless it is ENOSPC. */
static void limit_file(Log *log, bool on)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = on ? 1024 * 1024 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_failed_write_loses_nothing_else(void **state)
{
    fill_and_check(*state, open_log(*state), limit_file, E_IO);
}

static void a_log_comes_back_as_it_was(void **state)
{
    static const LogConfig configs[] = {{"retention.ms", "5"}};
    Place                 *place     = *state;
    Log                   *log       = open_log(place);
    Arena                 *arena     = arena_new(0);
    LogWriter             *writer;
    Str                    id, again, value;
    TopicInfo              info;
    int64_t                first, end;
    assert_int_equal(log_topic_create(log, STR_LIT("t"), 3, 1, configs, 1, &place->err), OK);
    assert_int_equal(log_topic_create(log, STR_LIT("gone"), 1, 1, NULL, 0, &place->err), OK);
    assert_int_equal(log_topic_delete(log, STR_LIT("gone"), &place->err), OK);
    assert_int_equal(log_writer_open(log, NULL, &writer, &place->err), OK);
    for (int64_t n = 0; n < 10; n++)
        assert_int_equal(append_number(log, writer, n, 10, &place->err), OK);
    assert_int_equal(log_delete_records(log, STR_LIT("t"), 0, 4, &place->err), OK);
    assert_int_equal(log_cluster_id(log, arena, &id, &place->err), OK);
    log_writer_close(writer);
    log_close(log);

    log = open_log(place);
    assert_int_equal(log_cluster_id(log, arena, &again, &place->err), OK);
    assert_true(str_equal(id, again));
    assert_int_equal(log_topic_info(log, STR_LIT("t"), &info, &place->err), OK);
    assert_int_equal(info.partitions, 3);
    assert_int_equal(log_topic_info(log, STR_LIT("gone"), &info, &place->err), E_NOT_FOUND);
    assert_int_equal(log_topic_config(log, STR_LIT("t"), "retention.ms", arena, &value, &place->err), OK);
    assert_true(str_equal(value, STR_LIT("5")));
    assert_int_equal(log_offsets(log, STR_LIT("t"), 0, &first, &end, &place->err), OK);
    assert_int_equal(first, 4);
    assert_int_equal(end, 10);
    log_close(log);
    arena_free(arena);
}

static off_t file_size(const Place *place)
{
    struct stat info;
    return stat(place->path, &info) == 0 ? info.st_size : -1;
}

/* What retention deletes goes back to the disk, and what is left is read as before. */
static void the_file_shrinks(void **state)
{
    Place     *place = *state;
    Log       *log   = open_log(place);
    LogWriter *writer;
    int64_t    first, end;
    assert_int_equal(log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &place->err), OK);
    assert_int_equal(log_topic_create(log, STR_LIT("gone"), 1, 1, NULL, 0, &place->err), OK);
    assert_int_equal(log_writer_open(log, NULL, &writer, &place->err), OK);
    char *padding = mem_calloc(1, 1000000);
    for (int n = 0; n < 30; n++) {
        LogRecord one = {.key = STR_LIT("k"), .value = str_n(padding, 1000000)};
        Str       to  = n % 2 == 0 ? STR_LIT("t") : STR_LIT("gone");
        assert_int_equal(log_append_sync(writer, to, 0, &one, STR_NULL, NULL, &place->err), OK);
    }
    mem_free(padding);
    log_writer_close(writer);
    log_close(log); /* all of it is in the file now, not in the WAL */
    assert_true(file_size(place) > 20000000);
    log = open_log(place);
    assert_int_equal(log_topic_delete(log, STR_LIT("gone"), &place->err), OK);
    assert_int_equal(log_topic_set_config(log, STR_LIT("t"), "retention.bytes", "2000000", &place->err), OK);
    assert_int_equal(log_embedded_clean(log, &place->err), OK);
    assert_int_equal(log_offsets(log, STR_LIT("t"), 0, &first, &end, &place->err), OK);
    assert_true(first > 0 && end == 15);
    log_close(log);
    assert_true(file_size(place) < 10000000);
    log = open_log(place);
    LogReader *reader;
    int        handle;
    assert_int_equal(log_reader_open(log, NULL, &reader, &place->err), OK);
    assert_int_equal(log_reader_assign(reader, STR_LIT("t"), 0, LOG_EARLIEST, &handle, &place->err), OK);
    LogBatch batch;
    assert_int_equal(log_reader_take(reader, handle, 1, &batch, &place->err), OK);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.records[0].offset, first);
    log_batch_release(reader, &batch);
    log_reader_close(reader);
    log_close(log);
}

static void a_file_has_one_owner(void **state)
{
    Place *place = *state;
    Log   *log   = open_log(place), *second;
    assert_int_equal(log_open_embedded(place->path, &place->clock, &second, &place->err), E_BUSY);
    log_close(log);
    log = open_log(place);
    log_close(log);
}

/* ---- jobs of one group ---- */

typedef struct {
    Place    *place;
    Log      *log;
    Status    status;
    Error     err;
    pthread_t thread;
} Caller;

static void *delete_topic(void *context)
{
    Caller *self = context;
    self->status = log_topic_delete(self->log, STR_LIT("t"), &self->err);
    return NULL;
}

static void *append_one(void *context)
{
    Caller    *self = context;
    LogWriter *writer;
    LogRecord  record = {.timestamp = 1, .value = STR_LIT("v")};
    assert_int_equal(log_writer_open(self->log, NULL, &writer, &self->err), OK);
    self->status = log_append(writer, STR_LIT("t"), 0, &record, STR_NULL, &self->err);
    if (self->status == OK)
        self->status = log_flush(writer, -1, &self->err);
    log_writer_close(writer);
    return NULL;
}

static void *set_config(void *context)
{
    Caller *self = context;
    self->status = log_topic_set_config(self->log, STR_LIT("t"), "retention.ms", "1", &self->err);
    return NULL;
}

static void *trim_topic(void *context)
{
    Caller *self = context;
    self->status = log_delete_records(self->log, STR_LIT("t"), 0, -1, &self->err);
    return NULL;
}

static void *make_another(void *context)
{
    Caller *self = context;
    self->status = log_topic_create(self->log, STR_LIT("another"), 1, 1, NULL, 0, &self->err);
    return NULL;
}

/* While one job is stuck, the next ones wait, and become a group. */
static void start(Caller *caller, void *(*run)(void *))
{
    assert_int_equal(pthread_create(&caller->thread, NULL, run, caller), 0);
    usleep(50000);
}

/* What comes behind the deletion of its topic in the same transaction finds no topic. It was told that the
 * log is damaged, for it met a row that is not as it was written. */
static void behind_a_deletion_there_is_no_topic(void **state)
{
    void *(*const later[])(void *) = {append_one, set_config, trim_topic, delete_topic};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        Log       *log   = open_log(*state);
        Caller     first = {*state, log, OK, {0}, 0}, deletes = first, behind = first;
        LogRecord  record = {.timestamp = 1, .value = STR_LIT("v")};
        LogWriter *writer;
        assert_int_equal(log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &first.err), OK);
        assert_int_equal(log_writer_open(log, NULL, &writer, &first.err), OK);
        assert_int_equal(log_append(writer, STR_LIT("t"), 0, &record, STR_NULL, &first.err), OK);
        assert_int_equal(log_flush(writer, -1, &first.err), OK);
        pthread_mutex_lock(&log->db_lock);
        start(&first, make_another);
        start(&deletes, delete_topic);
        start(&behind, later[i]);
        pthread_mutex_unlock(&log->db_lock);
        pthread_join(first.thread, NULL);
        pthread_join(deletes.thread, NULL);
        pthread_join(behind.thread, NULL);
        assert_int_equal(first.status, OK);
        assert_int_equal(deletes.status, OK);
        if (behind.status != E_NOT_FOUND)
            fail_msg("%zu: %s", i, behind.err.message);
        assert_int_equal(log_topic_delete(log, STR_LIT("another"), &first.err), OK);
        log_writer_close(writer);
        log_close(log);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, set_up, tear_down),
        cmocka_unit_test(a_full_disk_is_named),
        cmocka_unit_test_setup_teardown(behind_a_deletion_there_is_no_topic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_write_loses_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_shrinks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_has_one_owner, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
