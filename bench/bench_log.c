/*
 * bench_log.c - the embedded log: durable appends by batch, one record at a time, reading, and the space that
 * comes back as retention passes. Usage: bench_log DIR [RECORDS [BYTES]]; DIR is on the disk to be measured.
 *
 * Records of BYTES bytes (200), in transactions of 10,000: every commit is flushed to the disk. The floor of
 * the single acknowledged insert is measured beside it, by fdatasync of a file of one page in the same
 * folder.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/log_embedded.h"

enum { BATCH = 10000, SINGLES = 200, KEYS = 10000 };

static void check(Status status, const Error *err)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* Of all threads: what a busy machine does not change. */
static double cpu_s(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double now_s(void) { return (double)monotonic_now_us() / 1e6; }

static double size_mb(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (double)info.st_size / 1e6 : 0;
}

static void append_batches(Log *log, int64_t count, size_t size)
{
    Error         err;
    LogWriter    *writer;
    WriterOptions options = {.transactional_id = "bench", .linger_ms = -1};
    char          key[24], *value = mem_calloc(1, size);
    memset(value, 'x', size);
    check(log_writer_open(log, &options, &writer, &err), &err);
    double start = now_s(), cpu = cpu_s();
    for (int64_t n = 0; n < count; n += BATCH) {
        check(log_txn_begin(writer, &err), &err);
        for (int i = 0; i < BATCH; i++) {
            snprintf(key, sizeof key, "key-%" PRId64, (n + i) % KEYS);
            LogRecord one = {
                .timestamp = 1700000000000 + n + i, .key = str_c(key), .value = str_n(value, size)};
            check(log_append(writer, STR_LIT("t"), 0, &one, STR_NULL, &err), &err);
        }
        check(log_txn_commit(writer, &err), &err);
    }
    double took = now_s() - start;
    printf("append, transactions of %d: %.0f records/s, %.1f MB/s, %.0f ns of CPU a record\n", BATCH,
           (double)count / took, (double)count * (double)size / took / 1e6,
           (cpu_s() - cpu) / (double)count * 1e9);
    log_writer_close(writer);
    mem_free(value);
}

static void append_singles(Log *log, size_t size, const char *folder)
{
    Error         err;
    LogWriter    *writer;
    WriterOptions options = {.linger_ms = -1};
    char         *value = mem_calloc(1, size), path[512], page[4096] = "";
    LogRecord     one = {.timestamp = 1700000000000, .key = STR_LIT("k"), .value = str_n(value, size)};
    snprintf(path, sizeof path, "%s/sync-floor", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        exit(1);
    double start = now_s();
    for (int i = 0; i < SINGLES; i++)
        if (pwrite(fd, page, sizeof page, (off_t)i * 4096) < 0 || fdatasync(fd) != 0)
            exit(1);
    double floor = (now_s() - start) / SINGLES * 1e6;
    close(fd);
    unlink(path);
    check(log_writer_open(log, &options, &writer, &err), &err);
    start = now_s();
    for (int i = 0; i < SINGLES; i++)
        check(log_append_sync(writer, STR_LIT("t"), 0, &one, STR_NULL, NULL, &err), &err);
    double took = (now_s() - start) / SINGLES * 1e6;
    printf("append of one, acknowledged: %.0f us; write and fdatasync of a page: %.0f us\n", took, floor);
    log_writer_close(writer);
    mem_free(value);
}

static void read_all(Log *log)
{
    Error      err;
    LogReader *reader;
    int        handle;
    int64_t    count = 0;
    check(log_reader_open(log, NULL, &reader, &err), &err);
    check(log_reader_assign(reader, STR_LIT("t"), 0, LOG_EARLIEST, &handle, &err), &err);
    double start = now_s(), cpu = cpu_s();
    while (!log_reader_at_end(reader, handle)) {
        LogBatch batch;
        check(log_reader_take(reader, handle, 10000, &batch, &err), &err);
        count += (int64_t)batch.count;
        log_batch_release(reader, &batch);
    }
    printf("read: %.0f records/s, %.0f ns of CPU a record\n", (double)count / (now_s() - start),
           (cpu_s() - cpu) / (double)count * 1e9);
    log_reader_close(reader);
}

static void give_back(Log *log, const char *path)
{
    Error  err;
    double before = size_mb(path), start = now_s();
    check(log_topic_set_config(log, STR_LIT("t"), "retention.bytes", "1000000", &err), &err);
    check(log_embedded_clean(log, &err), &err);
    printf("retention: %.1f MB before, %.1f MB after, in %.2f s\n", before, size_mb(path), now_s() - start);
}

int main(int argc, char **argv)
{
    Error   err;
    Log    *log;
    char    path[512];
    int64_t count = 1000000, size = 200;
    if (argc < 2 || (argc > 2 && !int64_parse(str_c(argv[2]), &count)) ||
        (argc > 3 && !int64_parse(str_c(argv[3]), &size))) {
        fprintf(stderr, "usage: bench_log DIR [RECORDS [BYTES]]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/bench-log.db", argv[1]);
    unlink(path);
    check(log_open_embedded(path, clock_system(), &log, &err), &err);
    check(log_topic_create(log, STR_LIT("t"), 1, 1, NULL, 0, &err), &err);
    append_batches(log, count / BATCH * BATCH, (size_t)size);
    read_all(log);
    append_singles(log, (size_t)size, argv[1]);
    give_back(log, path);
    log_close(log);
    printf("after the end: %.1f MB\n", size_mb(path));
    unlink(path);
    return 0;
}
