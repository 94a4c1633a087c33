/*
 * log_contract.h - what the tests of log.h's contract share: a log of each backend, topics of their own, and
 * reading as text.
 *
 * Every backend must pass the same tests: embedded in memory, embedded in a file, and, when
 * SLUICE_TEST_BOOTSTRAP names a broker, Kafka.
 */
#ifndef SLUICE_TESTS_LOG_CONTRACT_H
#define SLUICE_TESTS_LOG_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "log/log_embedded.h"

#define HOUR INT64_C(3600000)
#define T0 INT64_C(1700000000000)

typedef enum { BACKEND_MEMORY, BACKEND_FILE, BACKEND_KAFKA } BackendKind;

static struct {
    BackendKind kind;
    Log        *log;
    Clock       clock;
    char        directory[64];
    unsigned    topics;
    Arena      *arena;
} env;

static inline bool is_kafka(void) { return env.kind == BACKEND_KAFKA; }

static Error last;
#define assert_ok(call) assert_status(call, OK, __LINE__)
#define assert_fails(call, expected) assert_status(call, expected, __LINE__)

static inline void assert_status(Status status, Status expected, int line)
{
    if (status != expected)
        fail_msg("line %d: %s instead of %s: %s", line, status_name(status), status_name(expected),
                 status != OK ? last.message : "");
}

/* ---- helpers ---- */

static inline int64_t now_ms(void) { return monotonic_now_us() / 1000; }

/* A name that no earlier run has used. */
static inline Str new_name(const char *what)
{
    return str_printf(env.arena, "contract-%s-%d-%lld-%u", what, (int)getpid(), (long long)now_ms(),
                      env.topics++);
}

/* Without settings of its own it keeps everything: the tests' timestamps are long past. */
static inline Str new_topic(int partitions, const LogConfig *configs, size_t count)
{
    static const LogConfig forever = {"retention.ms", "-1"};
    Str                    name    = new_name("topic");
    if (count == 0) {
        configs = &forever;
        count   = 1;
    }
    assert_ok(log_topic_create(env.log, name, partitions, 1, configs, count, &last));
    return name;
}

static inline LogRecord record(const char *key, const char *value, int64_t timestamp)
{
    return (LogRecord){.key = str_c(key), .value = str_c(value), .timestamp = timestamp};
}

static inline void put(Str topic, int partition, const char *key, const char *value, int64_t timestamp)
{
    LogWriter *writer;
    LogRecord  one = record(key, value, timestamp);
    assert_ok(log_writer_open(env.log, NULL, &writer, &last));
    assert_ok(log_append_sync(writer, topic, partition, &one, STR_NULL, NULL, &last));
    log_writer_close(writer);
}

static inline LogReader *open_reader(void)
{
    LogReader *reader;
    assert_ok(log_reader_open(env.log, NULL, &reader, &last));
    return reader;
}

/* "key=value " of every record until `count` have come or the time is over. */
static inline char *read_text(LogReader *reader, int handle, size_t count, int timeout_ms)
{
    StrBuf  text     = {0};
    size_t  got      = 0;
    int64_t deadline = now_ms() + timeout_ms;
    while (got < count && now_ms() < deadline) {
        LogBatch batch;
        log_reader_wait(reader, 20);
        assert_ok(log_reader_take(reader, handle, 1000, &batch, &last));
        for (size_t i = 0; i < batch.count; i++) {
            const LogRecord *one = &batch.records[i];
            strbuf_addf(&text, STR_FMT "=" STR_FMT " ", STR_ARG(one->key), STR_ARG(one->value));
        }
        got += batch.count;
        if (batch.count > 0)
            assert_int_equal(batch.next_offset, log_reader_position(reader, handle));
        log_batch_release(reader, &batch);
    }
    Str   all  = str_trim(strbuf_str(&text));
    char *copy = str_to_c(env.arena, all);
    strbuf_clear(&text);
    return copy;
}

static inline char *read_topic(Str topic, int partition, int64_t from, size_t count, int timeout_ms)
{
    int        handle;
    LogReader *reader = open_reader();
    assert_ok(log_reader_assign(reader, topic, partition, from, &handle, &last));
    char *text = read_text(reader, handle, count, timeout_ms);
    log_reader_close(reader);
    return text;
}

/* Long enough that what should not come would have come. */
static inline int silence_ms(void) { return is_kafka() ? 400 : 20; }
enum { PATIENCE_MS = 20000 };

static inline bool await_end(LogReader *reader, int handle)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!log_reader_at_end(reader, handle) && now_ms() < deadline) {
        LogBatch batch;
        log_reader_wait(reader, 50);
        assert_ok(log_reader_take(reader, handle, 2, &batch, &last));
        log_batch_release(reader, &batch);
    }
    return log_reader_at_end(reader, handle);
}

/* ---- running ---- */

static inline int set_up(void **state)
{
    env.arena = arena_new(0);
    clock_init_virtual(&env.clock, T0, 1);
    if (env.kind == BACKEND_MEMORY)
        return log_open_embedded(NULL, &env.clock, &env.log, &last) != OK;
    if (env.kind == BACKEND_KAFKA) {
        LogConfig configs[] = {{"bootstrap.servers", getenv("SLUICE_TEST_BOOTSTRAP")}};
        return log_open_kafka(configs, 1, &env.log, &last) != OK;
    }
    snprintf(env.directory, sizeof env.directory, "/tmp/sluice-log-XXXXXX");
    if (mkdtemp(env.directory) == NULL)
        return 1;
    Str path = str_printf(env.arena, "%s/log.db", env.directory);
    return log_open_embedded(str_to_c(env.arena, path), &env.clock, &env.log, &last) != OK;
}

static inline int tear_down(void **state)
{
    static const char *const files[] = {"log.db", "log.db-wal", "log.db-shm"};
    log_close(env.log);
    for (size_t i = 0; env.kind == BACKEND_FILE && i < ARRAY_LEN(files); i++)
        unlink(str_to_c(env.arena, str_printf(env.arena, "%s/%s", env.directory, files[i])));
    if (env.kind == BACKEND_FILE)
        rmdir(env.directory);
    arena_free(env.arena);
    return 0;
}

/* Runs the tests on every backend that there is; a command line argument picks tests by name, with * and ?.
 */
#define run_on_every_backend(tests, argc, argv)                                                              \
    ({                                                                                                       \
        int failures_ = 0;                                                                                   \
        if ((argc) > 1)                                                                                      \
            cmocka_set_test_filter((argv)[1]);                                                               \
        env.kind = BACKEND_MEMORY;                                                                           \
        failures_ += cmocka_run_group_tests_name("embedded, in memory", tests, set_up, tear_down);           \
        env.kind = BACKEND_FILE;                                                                             \
        failures_ += cmocka_run_group_tests_name("embedded, in a file", tests, set_up, tear_down);           \
        env.kind = BACKEND_KAFKA;                                                                            \
        if (getenv("SLUICE_TEST_BOOTSTRAP") != NULL)                                                         \
            failures_ += cmocka_run_group_tests_name("kafka", tests, set_up, tear_down);                     \
        failures_;                                                                                           \
    })

#endif
