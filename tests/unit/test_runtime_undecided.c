/*
 * test_runtime_undecided.c - what the last process has committed is found by the next, though brokers may be
 * slow in showing it.
 *
 * In Kafka a commit is decided in one place and then told to each partition by a marker. Readers see an end
 * before the first transaction whose marker is missing (the last stable offset), while the high watermark
 * lies behind it. The embedded log has neither, so both are played here: the last record of a partition is
 * hidden from readers until somebody has looked for it a few times.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "log/log_backend.h"
#include "runtime_test.h"

enum { LOOKS = 20, HANDLES = 256 };

typedef struct {
    const LogReader *reader;
    int              handle, partition;
    int64_t          last; /* the offset of what is hidden; -1: nothing is */
} Assigned;

static const LogBackend *whole;
static LogBackend        hiding;
static Log              *log_of_all;
static const char       *what; /* in the names of topics that hide something; NULL: none */
static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static Assigned          assigned[HANDLES];
static size_t            assigned_count;
static atomic_int        looks[64]; /* by partition */

static bool hides(Str topic, int partition)
{
    char name[200];
    snprintf(name, sizeof name, STR_FMT, STR_ARG(topic));
    return what != NULL && strstr(name, what) != NULL && atomic_load(&looks[partition]) < LOOKS;
}

static Status offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err)
{
    TRY(whole->offsets(log, topic, partition, first, end, err));
    if (hides(topic, partition) && *end > *first)
        --*end;
    return OK;
}

static Status arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end, Error *err)
{
    int64_t first;
    for (size_t i = 0; i < count; i++)
        TRY(whole->offsets(log, topic, partitions[i], &first, &end[i], err));
    return OK;
}

static Status assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle, Error *err)
{
    int64_t first, end;
    TRY(whole->offsets(log_of_all, topic, partition, &first, &end, err));
    TRY(whole->reader_assign(reader, topic, partition, offset, handle, err));
    pthread_mutex_lock(&lock);
    assert_true(assigned_count < HANDLES);
    assigned[assigned_count++] =
        (Assigned){reader, *handle, partition, hides(topic, partition) && end > first ? end - 1 : -1};
    pthread_mutex_unlock(&lock);
    return OK;
}

/* Is what is behind its position hidden now? */
static bool is_hidden(LogReader *reader, int handle, int *partition)
{
    int64_t last = -1;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < assigned_count; i++) {
        if (assigned[i].reader != reader || assigned[i].handle != handle)
            continue;
        last       = assigned[i].last;
        *partition = assigned[i].partition;
    }
    pthread_mutex_unlock(&lock);
    return last >= 0 && atomic_load(&looks[*partition]) < LOOKS &&
           whole->reader_position(reader, handle) >= last;
}

static Status take(LogReader *reader, int handle, size_t most, LogBatch *out, Error *err)
{
    int partition = 0;
    if (!is_hidden(reader, handle, &partition))
        return whole->reader_take(reader, handle, what != NULL ? 1 : most, out, err);
    atomic_fetch_add(&looks[partition], 1);
    *out = (LogBatch){.handle = handle};
    return OK;
}

static void release(LogReader *reader, LogBatch *batch)
{
    if (batch->count > 0)
        whole->batch_release(reader, batch);
}

static bool at_end(LogReader *reader, int handle)
{
    int partition = 0;
    return is_hidden(reader, handle, &partition) || whole->reader_at_end(reader, handle);
}

static Status open_hiding(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    TRY(whole->reader_open(log, options, out, err));
    ((LogHandle *)*out)->backend = &hiding;
    return OK;
}

static Node *node_hiding(const char *name)
{
    Node *n                        = fresh(name);
    n->options.workers             = 1;
    n->options.commit_interval_ms  = 20;
    n->options.cache_bytes         = 0;
    whole                          = ((LogHandle *)n->log)->backend;
    hiding                         = *whole;
    hiding.offsets                 = offsets;
    hiding.offsets_many            = NULL;
    hiding.arrived_many            = arrived_many;
    hiding.reader_open             = open_hiding;
    hiding.reader_assign           = assign;
    hiding.reader_take             = take;
    hiding.batch_release           = release;
    hiding.reader_at_end           = at_end;
    ((LogHandle *)n->log)->backend = &hiding;
    log_of_all                     = n->log;
    what                           = NULL;
    assigned_count                 = 0;
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        atomic_store(&looks[i], 0);
    node_topic_make(n, topic_of(n, "in"), 1);
    return n;
}

static void send(Node *n, int count)
{
    LogWriter *writer = node_writer(n);
    for (int i = 0; i < count; i++)
        node_send(n, writer, topic_of(n, "in"), "a", "{\"V\":1}", 10);
    node_flush(n, writer);
    log_writer_close(writer);
}

static void wait_for_lines(Node *n, size_t count)
{
    for (int i = 0; i < 2000 && count_lines(n, "out") < count; i++)
        usleep(5000);
    assert_int_equal(count_lines(n, "out"), count);
}

static void restart(Node *n, const char *hidden)
{
    char command[300];
    node_stop(n);
    snprintf(command, sizeof command, "rm -rf '%s/state'", n->dir);
    assert_int_equal(system(command), 0);
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    what            = hidden;
    node_run(n);
}

/* The last positions. */
static void no_record_is_processed_again(void **state)
{
    Node       *n   = node_hiding("positions");
    const char *sql = STREAM "CREATE STREAM U WITH (KAFKA_TOPIC='$out') AS SELECT K, V FROM S;";
    node_run(n);
    node_sql(n, sql_of(n, sql));
    send(n, 3);
    wait_for_lines(n, 3);
    restart(n, "slots");
    node_sql(n, sql_of(n, sql));
    send(n, 1);
    wait_for_lines(n, 4);
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
    node_free(n);
}

/* The last rows of a table. */
static void no_row_is_older_than_its_position(void **state)
{
    Node       *n   = node_hiding("rows");
    const char *sql = STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out', PARTITIONS=1) AS SELECT K, COUNT(*) "
                             "AS N FROM S GROUP BY K;";
    node_run(n);
    node_sql(n, sql_of(n, sql));
    send(n, 3);
    wait_for_lines(n, 3);
    restart(n, "changelog");
    node_sql(n, sql_of(n, sql));
    send(n, 1);
    wait_for_lines(n, 4);
    StrBuf found = {0};
    node_read(n, topic_of(n, "out"), &found);
    assert_true(str_ends_with(strbuf_str(&found), STR_LIT("{\"N\":4}\n")));
    strbuf_clear(&found);
    node_stop(n);
    ((LogHandle *)n->log)->backend = whole;
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_record_is_processed_again),
        cmocka_unit_test(no_row_is_older_than_its_position),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
