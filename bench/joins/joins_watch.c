/*
 * joins_watch.c - times a peer by its output topic, and looks at what is in it.
 *
 * The span goes from the moment at which marks have shown 20 % of the input done to the one at which they
 * show all of it: neither the start of a process nor the warming up of a JIT is in it, and the delay of a
 * commit or of a cache is there at both ends. CPU time is the process's over the same span. Then it waits
 * until nothing more comes and sums the hashes of all rows: of every one for a stream, of the last of each
 * key for a table (a peer may leave out versions in between). Two peers with equal sums have put out the same
 * rows.
 *
 * Prints: records/s, CPU seconds per million records, peak MB, seconds from the process's start to the first
 * and to the last output, output records, rows, sum. Records are those of both inputs.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "bench/joins/joins.h"
#include "core/clock.h"
#include "core/mem.h"

enum { BATCH = 10000, SETTLE_MS = 3000 };

typedef struct {
    uint64_t key, row; /* hashes; row 0: free, or deleted when used is set */
    bool     used;
} LastRow;

typedef struct {
    rd_kafka_t       *client;
    rd_kafka_queue_t *queue;
    int64_t           pid;
    bool              table;
    int               partitions;
    int64_t           done[PARTITIONS_MAX], end[PARTITIONS_MAX], total;
    LastRow          *rows; /* by key, open addressing, never more than half full */
    size_t            capacity, used;
    int64_t           outputs;
    uint64_t          sum;
    double            age_at_start, started, first, last;
} Watch;

typedef struct {
    double  at, cpu;
    int64_t done;
} Moment;

static double now(void)
{
    Clock *clock = clock_system();
    return (double)clock->monotonic_us(clock) / 1e6;
}

/* CPU seconds of the process; *age: seconds since it began. */
static double peer_cpu(const Watch *watch, double *age)
{
    char               path[64], text[2048];
    unsigned long      user, system;
    unsigned long long began;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", watch->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("the peer is gone");
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len]   = '\0';
    char *after = strrchr(text, ')'); /* its name may have anything in it */
    if (after == NULL ||
        sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu",
               &user, &system, &began) != 3)
        die("cannot read %s", path);
    double ticks = (double)sysconf(_SC_CLK_TCK);
    if (age != NULL) {
        struct timespec up;
        clock_gettime(CLOCK_BOOTTIME, &up);
        *age = (double)up.tv_sec + (double)up.tv_nsec / 1e9 - (double)began / ticks;
    }
    return (double)(user + system) / ticks;
}

static double peer_peak_mb(const Watch *watch)
{
    char   path[64], line[256];
    double kb = 0;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/status", watch->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lf", &kb) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kb / 1024;
}

static LastRow *place_of(LastRow *rows, size_t capacity, uint64_t key)
{
    size_t at = key & (capacity - 1);
    while (rows[at].used && rows[at].key != key)
        at = (at + 1) & (capacity - 1);
    return &rows[at];
}

static void keep_last(Watch *watch, uint64_t key, uint64_t row)
{
    if (watch->used * 2 >= watch->capacity) {
        size_t   capacity = watch->capacity ? watch->capacity * 2 : 1 << 16;
        LastRow *rows     = mem_calloc(capacity, sizeof *rows);
        for (size_t i = 0; i < watch->capacity; i++)
            if (watch->rows[i].used)
                *place_of(rows, capacity, watch->rows[i].key) = watch->rows[i];
        mem_free(watch->rows);
        watch->rows     = rows;
        watch->capacity = capacity;
    }
    LastRow *last = place_of(watch->rows, watch->capacity, key);
    watch->used += !last->used;
    watch->sum += row - last->row;
    *last = (LastRow){.key = key, .row = row, .used = true};
}

static void take(Watch *watch, const rd_kafka_message_t *message)
{
    int      partition;
    int64_t  done;
    Str      key = {message->key, message->key_len}, value = {message->payload, message->len};
    uint64_t hash = str_hash(key), row = value.ptr == NULL ? 0 : hash * 31 + str_hash(value);
    watch->outputs++;
    if (watch->table)
        keep_last(watch, hash, row);
    else
        watch->sum += row;
    if (mark_read(key, &partition, &done) && partition < watch->partitions && done > watch->done[partition])
        watch->done[partition] = done;
}

/* Waits for a first record, then takes what else is there; asked for a whole batch, librdkafka would wait for
 * it. */
static bool take_some(Watch *watch, int timeout_ms)
{
    static rd_kafka_message_t *messages[BATCH];
    ssize_t                    count = rd_kafka_consume_batch_queue(watch->queue, timeout_ms, messages, 1);
    if (count <= 0)
        return false;
    ssize_t more = rd_kafka_consume_batch_queue(watch->queue, 0, messages + 1, BATCH - 1);
    for (ssize_t i = 0; i < 1 + (more > 0 ? more : 0); i++) {
        if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take(watch, messages[i]);
        else
            fprintf(stderr, "bench_joins: %s\n", rd_kafka_message_errstr(messages[i]));
        rd_kafka_message_destroy(messages[i]);
    }
    watch->last  = now();
    watch->first = watch->first > 0 ? watch->first : watch->last;
    return true;
}

static void subscribe(Watch *watch, int argc, char **argv)
{
    static const char *const settings[] = {
        "group.id",   "watch", "enable.auto.commit",  "false",  "isolation.level",   "read_committed",
        "check.crcs", "false", "queued.min.messages", "200000", "fetch.wait.max.ms", "100",
        NULL};
    const char *inputs[] = {option_text(argc, argv, "orders", NULL),
                            option_text(argc, argv, "payments", NULL)};
    const char *out      = option_text(argc, argv, "out", NULL);
    watch->client        = kafka_client(RD_KAFKA_CONSUMER, settings);
    watch->partitions    = topic_partitions(watch->client, inputs[0]);
    for (int p = 0; p < watch->partitions; p++) {
        watch->end[p] = topic_end(watch->client, inputs[0], p) + topic_end(watch->client, inputs[1], p);
        watch->total += watch->end[p];
    }
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(watch->partitions);
    for (int p = 0; p < topic_partitions(watch->client, out); p++)
        rd_kafka_topic_partition_list_add(all, out, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    watch->queue = rd_kafka_queue_get_consumer(watch->client);
    rd_kafka_assign(watch->client, all);
    rd_kafka_topic_partition_list_destroy(all);
}

/* Until marks show that so many input records are done. */
static Moment wait_for(Watch *watch, int64_t wanted, double deadline)
{
    for (;;) {
        int64_t done = 0;
        for (int p = 0; p < watch->partitions; p++)
            done += watch->done[p];
        if (done >= wanted)
            return (Moment){now(), peer_cpu(watch, NULL), done};
        if (!take_some(watch, 100) && kill((pid_t)watch->pid, 0) != 0 && errno == ESRCH)
            die("the peer is gone");
        if (now() > deadline)
            die("timed out: %" PRId64 " of %" PRId64 " input records are done", done, watch->total);
    }
}

int watch_main(int argc, char **argv)
{
    Watch watch = {.pid   = option_number(argc, argv, "pid", getpid()),
                   .table = strcmp(option_text(argc, argv, "join", NULL), "table") == 0};
    peer_cpu(&watch, &watch.age_at_start);
    watch.started   = now();
    double deadline = watch.started + (double)option_number(argc, argv, "timeout", 600);
    subscribe(&watch, argc, argv);
    Moment from = wait_for(&watch, watch.total * option_number(argc, argv, "from", 20) / 100, deadline);
    Moment to   = wait_for(&watch, watch.total, deadline);
    double last = watch.last, records = (double)(to.done - from.done);
    if (records <= 0)
        die("all output came at once: take more records");
    while (take_some(&watch, SETTLE_MS))
        ;
    int64_t rows = watch.table ? 0 : watch.outputs;
    for (size_t i = 0; i < watch.capacity; i++)
        rows += watch.rows[i].used && watch.rows[i].row != 0;
    double before = watch.age_at_start - watch.started;
    printf("%.0f %.2f %.0f %.2f %.2f %" PRId64 " %" PRId64 " %016" PRIx64 "\n", records / (to.at - from.at),
           (to.cpu - from.cpu) / (records / 1e6), peer_peak_mb(&watch), watch.first + before, last + before,
           watch.outputs, rows, watch.sum);
    mem_free(watch.rows);
    return 0;
}
