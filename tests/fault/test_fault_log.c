/*
 * test_fault_log.c - the embedded log on a disk, or with a memory, that fails at the n-th chance: none of a
 * write that failed is there, all of one that was acknowledged is, once.
 *
 * The scenario goes on as log.h allows: what failed is done again, a transaction is aborted first. In the end
 * the log, opened again, reads as one on which nothing failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <unistd.h>

#include "core/logger.h"
#include "fault_alloc.h"
#include "fault_vfs.h"
#include "log/log.h"

enum { ATTEMPTS = 12, SINGLES = 4, ROUNDS = 3, BIG = 70000 };

typedef enum { DISK, MEMORY } Seam;

typedef struct {
    const char *name;
    Seam        seam;
    int         code;
    long        stride; /* there are thousands of small allocations: not each of them is taken */
} Sweep;

typedef struct {
    Clock       clock;
    Log        *log;
    LogWriter  *plain, *transactional;
    char        path[64], big[BIG];
    const char *what;
    Error       err;
} Place;

#define A STR_LIT("a")
#define B STR_LIT("b")

/* ---- steps: each may fail, and is then done again ---- */

static Status open_log(Place *p, int i)
{
    if (p->log == NULL)
        TRY(log_open_embedded(p->path, &p->clock, &p->log, &p->err));
    if (p->plain == NULL)
        TRY(log_writer_open(p->log, &(WriterOptions){.linger_ms = 0}, &p->plain, &p->err));
    if (p->transactional == NULL)
        TRY(log_writer_open(p->log, &(WriterOptions){.transactional_id = "t", .linger_ms = 0},
                            &p->transactional, &p->err));
    return OK;
}

static Status make_topic(Place *p, int i)
{
    static const LogConfig kept[] = {{"retention.ms", "-1"}};
    return log_topic_create(p->log, i == 0 ? A : B, 2 - i, 1, kept, 1, &p->err);
}

static Status append_one(Place *p, int i)
{
    char value[16];
    snprintf(value, sizeof value, "single %d", i);
    LogRecord record = {.key = str_c("k"), .value = str_c(value), .timestamp = 1000 + i};
    return log_append_sync(p->plain, A, 0, &record, STR_NULL, NULL, &p->err);
}

/* With more bytes than a page has, so that a transaction takes many writes. */
static Status fill_transaction(Place *p, int i)
{
    char key[16];
    snprintf(key, sizeof key, "round %d", i);
    LogRecord small = {.key = str_c(key), .value = str_c("small"), .timestamp = 2000 + i};
    LogRecord big   = {.key = str_c(key), .value = str_n(p->big, sizeof p->big), .timestamp = 2000 + i};
    TRY(log_append(p->transactional, A, 1, &small, STR_NULL, &p->err));
    TRY(log_append(p->transactional, B, 0, &big, STR_NULL, &p->err));
    TRY(log_append(p->transactional, A, 0, &small, STR_NULL, &p->err));
    return log_txn_commit(p->transactional, &p->err);
}

static Status transact(Place *p, int i)
{
    Error err;
    TRY(log_txn_begin(p->transactional, &p->err));
    Status status = fill_transaction(p, i);
    if (status != OK && log_txn_abort(p->transactional, &err) != OK)
        fail_msg("%s: after a failed commit the abort fails, too: %s", p->what, err.message);
    return status;
}

static Status change_settings(Place *p, int i)
{
    return log_topic_set_config(p->log, B, "retention.bytes", "1000000", &p->err);
}

static Status commit_group(Place *p, int i)
{
    LogPosition position = {A, 0, 3};
    return log_group_commit(p->log, STR_LIT("group"), &position, 1, &p->err);
}

static Status delete_first(Place *p, int i) { return log_delete_records(p->log, A, 0, 2, &p->err); }

static Status make_another(Place *p, int i)
{
    return log_topic_create(p->log, STR_LIT("c"), 1, 1, NULL, 0, &p->err);
}

static Status delete_topic(Place *p, int i) { return log_topic_delete(p->log, STR_LIT("c"), &p->err); }

static void stubbornly(Place *p, Status (*step)(Place *, int), int i)
{
    Status status = E_IO;
    for (int attempt = 0; attempt < ATTEMPTS && status != OK; attempt++) {
        status = step(p, i);
        if (status != OK && (!fault_is_of_the_world(status) || p->err.code != status))
            fail_msg("%s: %s (%s): %s", p->what, status_name(status), status_name(p->err.code),
                     p->err.message);
    }
    if (status != OK)
        fail_msg("%s: a step cannot be done: %s", p->what, p->err.message);
}

static void take_steps(Place *p)
{
    stubbornly(p, open_log, 0);
    stubbornly(p, make_topic, 0);
    stubbornly(p, make_topic, 1);
    for (int i = 0; i < SINGLES; i++)
        stubbornly(p, append_one, i);
    for (int i = 0; i < ROUNDS; i++)
        stubbornly(p, transact, i);
    stubbornly(p, change_settings, 0);
    stubbornly(p, commit_group, 0);
    stubbornly(p, delete_first, 0);
    stubbornly(p, make_another, 0);
    stubbornly(p, delete_topic, 0);
    stubbornly(p, append_one, SINGLES);
}

static void close_place(Place *p)
{
    log_writer_close(p->plain);
    log_writer_close(p->transactional);
    log_close(p->log);
    p->log   = NULL;
    p->plain = p->transactional = NULL;
}

/* ---- looking ---- */

static Status show_partition(Place *p, LogReader *reader, Str topic, int partition, StrBuf *out)
{
    int64_t  first, end;
    int      handle;
    LogBatch batch;
    TRY(log_offsets(p->log, topic, partition, &first, &end, &p->err));
    strbuf_addf(out, STR_FMT "/%d %lld to %lld:", STR_ARG(topic), partition, (long long)first,
                (long long)end);
    TRY(log_reader_assign(reader, topic, partition, LOG_EARLIEST, &handle, &p->err));
    while (log_reader_position(reader, handle) < end) {
        TRY(log_reader_take(reader, handle, 100, &batch, &p->err));
        for (size_t i = 0; i < batch.count; i++)
            strbuf_addf(out, " %lld=%.*s/%zu", (long long)batch.records[i].offset,
                        (int)(batch.records[i].value.len < 10 ? batch.records[i].value.len : 10),
                        batch.records[i].value.ptr, batch.records[i].value.len);
        log_batch_release(reader, &batch);
    }
    strbuf_addc(out, '\n');
    return OK;
}

static Status show(Place *p, LogReader *reader, StrBuf *out)
{
    Arena     *arena = arena_new(0);
    TopicInfo *topics;
    size_t     count;
    Status     status = log_topic_list(p->log, arena, &topics, &count, &p->err);
    for (size_t t = 0; status == OK && t < count; t++)
        for (int i = 0; status == OK && i < topics[t].partitions; i++)
            status = show_partition(p, reader, topics[t].name, i, out);
    arena_free(arena);
    return status;
}

/* What a process that opens the log now would read; the caller frees it. */
static char *look(Place *p)
{
    StrBuf     out = {0};
    LogReader *reader;
    if (open_log(p, 0) != OK || log_reader_open(p->log, NULL, &reader, &p->err) != OK ||
        show(p, reader, &out) != OK)
        fail_msg("%s: afterwards: %s", p->what, p->err.message);
    log_reader_close(reader);
    char *text = mem_alloc(out.len + 1);
    memcpy(text, out.ptr, out.len);
    text[out.len] = '\0';
    strbuf_clear(&out);
    return text;
}

/* ---- sweeps ---- */

static void watch(const Sweep *sweep, Fault *fault)
{
    fault_vfs_watch(fault != NULL && sweep->seam == DISK ? fault : NULL, "sluice-fault-log", FAULT_DISK);
    fault_sqlite_memory_watch(fault != NULL && sweep->seam == MEMORY ? fault : NULL);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char                     name[96];
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* The log after a run with the n-th chance taken (0: none). */
static char *run(const Sweep *sweep, long nth, bool *hit)
{
    Place *p     = mem_calloc(1, sizeof *p);
    Fault  fault = {0};
    char   what[96];
    snprintf(what, sizeof what, "%s, n = %ld", sweep->name, nth);
    snprintf(p->path, sizeof p->path, "%s/sluice-fault-log-%d.db",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    clock_init_virtual(&p->clock, 1700000000000, 1);
    memset(p->big, 'x', sizeof p->big);
    p->what = what;
    remove_files(p->path);
    watch(sweep, &fault);
    if (nth > 0)
        fault_arm(&fault, nth, 1, sweep->code);
    take_steps(p);
    close_place(p);
    *hit = fault_was_hit(&fault);
    fault_disarm(&fault);
    watch(sweep, NULL);
    char *text = look(p);
    close_place(p);
    remove_files(p->path);
    mem_free(p);
    return text;
}

static const Sweep sweeps[] = {
    {"a write fails", DISK, SQLITE_IOERR_WRITE, 1},
    {"the disk is full", DISK, SQLITE_FULL, 1},
    {"SQLite gets no memory", MEMORY, 0, 29},
};

static void the_log_reads_as_if_nothing_had_failed(void **state)
{
    const Sweep *sweep    = *state;
    bool         hit      = false;
    long         nth      = 1;
    char        *expected = run(sweep, 0, &hit);
    assert_non_null(strstr(expected, "b/0 0 to 3:"));
    do {
        char *got = run(sweep, nth, &hit);
        if (strcmp(got, expected) != 0)
            fail_msg("%s, n = %ld\n%s\ninstead of\n%s", sweep->name, nth, got, expected);
        mem_free(got);
        nth += sweep->stride;
        assert_true(nth < FAULT_SWEEP_MAX);
    } while (hit);
    print_message("%s: fewer than %ld chances\n", sweep->name, nth);
    mem_free(expected);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_LEN(sweeps)];
    for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
        tests[i] = (struct CMUnitTest){.name          = sweeps[i].name,
                                       .test_func     = the_log_reads_as_if_nothing_had_failed,
                                       .initial_state = (void *)&sweeps[i]};
    if (!fault_sqlite_memory_install() || !fault_vfs_install())
        return 1;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
