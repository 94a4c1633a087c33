/*
 * log_embedded_writer.c - appending: records are packed into chunks at once and get their offsets when they
 * are committed.
 *
 * A transaction is what a writer has packed since log_txn_begin: an abort throws it away, so nothing
 * uncommitted ever reaches the file. Without transactions the packed records are committed by the writer
 * thread after a short linger, or by whoever flushes; in memory, where there is no thread, by every append.
 * Fences are checked inside the commit's job, where nobody can overtake.
 */
#include <assert.h>

#include "log/log_embedded.h"

enum {
    DEFAULT_LINGER_MS = 5,
    FLUSH_BYTES =
        4 * 1024 * 1024, /* without transactions: more than this is committed before append returns */
    TXN_BYTES_MAX = 1024 * 1024 * 1024,
};

typedef struct Run Run; /* what one transaction appends to one partition */
struct Run {
    Run       *next;
    Partition *part; /* holds a reference on its topic */
    Chunk     *chunks;
    size_t     chunk_count;
    int64_t    records;
    int64_t    base;     /* since apply */
    int64_t   *end;      /* where the writer wants to know the end after the commit */
    bool       advanced; /* part->next includes it */
    bool       asked;    /* log_append_all wants to know where it landed */
};

typedef struct {
    Topic   *topic; /* holds a reference */
    Run    **open;  /* per partition: the run being filled */
    int64_t *ends;  /* per partition: log_writer_end */
} WriterTopic;

struct LogWriter {
    LogHandle       base;
    Log            *log;
    Name           *id; /* NULL: no transactions */
    uint64_t        epoch;
    bool            in_txn, fenced;
    int             linger_ms;
    unsigned        round_robin;
    WriterTopic    *topics;
    size_t          topic_count, topic_capacity, last; /* of the topic asked for last */
    pthread_mutex_t lock; /* of what follows: the writer thread takes it from a lingering writer */
    Run            *runs;
    size_t          bytes;          /* in runs */
    Error          *failed;         /* of a commit that nobody waited for */
    LogWriter      *next_lingering; /* under log->lock */
    LogWriter      *next_due;       /* the log's thread's */
    const LogFence *fence;          /* of the open transaction */
    Str             positions_group;
    LogPosition    *positions;
    size_t          position_count;
};

typedef struct {
    Job        job;
    LogWriter *writer;
    Run       *runs;
    int64_t    written_ms;
} CommitJob;

/* ---- the commit's job ---- */

static void run_free(Log *log, Run *run)
{
    for (size_t i = 0; i < run->chunk_count; i++)
        chunk_clear(&run->chunks[i]);
    mem_free(run->chunks);
    pthread_mutex_lock(&log->lock);
    topic_unref(run->part->topic);
    pthread_mutex_unlock(&log->lock);
    mem_free(run);
}

static void runs_free(Log *log, Run *run)
{
    while (run != NULL) {
        Run *next = run->next;
        run_free(log, run);
        run = next;
    }
}

static Status apply_run(Log *log, Run *run, int64_t written_ms, Error *err)
{
    Partition *part = run->part;
    TRY(topic_check_there(part->topic, err));
    run->base    = part->next;
    int64_t base = run->base;
    for (size_t i = 0; i < run->chunk_count; i++) {
        const Chunk *chunk = &run->chunks[i];
        TRY(chunk_write(log, part, base, base + chunk->last_delta, written_ms, chunk, err));
        base += chunk->last_delta + 1;
    }
    TRY(part_write(log, part, SQL_PART_END, base, err));
    part->next    = base;
    run->advanced = true;
    return OK;
}

static Status check_fences(Log *log, const LogWriter *writer, Error *err)
{
    Status status = OK;
    pthread_mutex_lock(&log->lock);
    if (writer->id != NULL && writer->id->epoch != writer->epoch)
        status = error_set(err, E_FENCED, NO_POS, "another writer has the transactional id '%s' now",
                           writer->id->text);
    else if (writer->fence != NULL &&
             name_get(&log->groups, str_c(writer->fence->group))->epoch != writer->fence->generation)
        status = error_set(err, E_FENCED, NO_POS, "the group '%s' has moved on", writer->fence->group);
    pthread_mutex_unlock(&log->lock);
    return status;
}

static Status apply_commit(Log *log, Job *job, Error *err)
{
    CommitJob *commit = (CommitJob *)job;
    LogWriter *writer = commit->writer;
    TRY(check_fences(log, writer, err));
    for (Run *run = commit->runs; run != NULL; run = run->next)
        TRY(apply_run(log, run, commit->written_ms, err));
    if (writer->fence != NULL)
        TRY(group_put(log, str_c(writer->fence->group), writer->positions, writer->position_count, err));
    return OK;
}

static void undo_commit(Log *log, Job *job)
{
    for (Run *run = ((CommitJob *)job)->runs; run != NULL; run = run->next) {
        if (run->advanced)
            run->part->next = run->base;
        run->advanced = false;
    }
}

static void publish_commit(Log *log, Job *job)
{
    for (Run *run = ((CommitJob *)job)->runs; run != NULL; run = run->next) {
        run->part->end = run->base + run->records;
        if (run->end != NULL)
            *run->end = run->part->end;
    }
}

/* Under writer->lock: the buffered runs, which are the caller's then. */
static Run *take_runs(LogWriter *writer)
{
    Run *runs     = writer->runs;
    writer->runs  = NULL;
    writer->bytes = 0;
    for (Run *run = runs; run != NULL; run = run->next) {
        for (size_t i = 0; i < writer->topic_count; i++) {
            if (writer->topics[i].topic == run->part->topic)
                writer->topics[i].open[run->part->number] = NULL;
        }
    }
    return runs;
}

static void commit_init(CommitJob *commit, LogWriter *writer, Run *runs)
{
    Clock *clock = writer->log->clock;
    *commit      = (CommitJob){
             .job        = {.apply = apply_commit, .publish = publish_commit, .undo = undo_commit},
             .writer     = writer,
             .runs       = runs,
             .written_ms = clock->now_ms(clock),
    };
}

static Status commit_runs(LogWriter *writer, Run *runs, Error *err)
{
    CommitJob commit;
    commit_init(&commit, writer, runs);
    Status status = log_submit(writer->log, &commit.job, err);
    runs_free(writer->log, runs);
    return status;
}

/* ---- commits that nobody waits for ---- */

static void finish_async(Log *log, Job *job)
{
    CommitJob *commit = (CommitJob *)job;
    LogWriter *writer = commit->writer;
    if (job->status != OK) {
        pthread_mutex_lock(&writer->lock);
        if (writer->failed == NULL) {
            writer->failed = job->err;
            job->err       = NULL;
        }
        pthread_mutex_unlock(&writer->lock);
    }
    runs_free(log, commit->runs);
    mem_free(job->err);
    mem_free(commit);
}

Job *writer_take_job(LogWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    Run *runs = take_runs(writer);
    pthread_mutex_unlock(&writer->lock);
    if (runs == NULL)
        return NULL;
    CommitJob *commit = mem_calloc(1, sizeof *commit);
    commit_init(commit, writer, runs);
    commit->job.finished = finish_async;
    commit->job.err      = mem_calloc(1, sizeof(Error));
    return &commit->job;
}

LogWriter **writer_next_lingering(LogWriter *writer) { return &writer->next_lingering; }
LogWriter **writer_next_due(LogWriter *writer) { return &writer->next_due; }

static Status take_failure(LogWriter *writer, Error *err)
{
    pthread_mutex_lock(&writer->lock);
    Error *failed  = writer->failed;
    writer->failed = NULL;
    pthread_mutex_unlock(&writer->lock);
    if (failed == NULL)
        return OK;
    Status status = failed->code;
    if (err != NULL)
        *err = *failed;
    mem_free(failed);
    return status;
}

/* ---- open and close ---- */

static Status apply_nothing(Log *log, Job *job, Error *err) { return OK; }

/* As a job, so that the earlier writer's commits are all decided when the new one opens. */
static void publish_epoch(Log *log, Job *job)
{
    LogWriter *writer = job->context;
    writer->epoch     = ++writer->id->epoch;
}

Status embedded_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    LogWriter *writer    = mem_calloc(1, sizeof *writer);
    writer->base.backend = &log_backend_embedded;
    writer->log          = log;
    writer->linger_ms    = options->linger_ms < 0 ? DEFAULT_LINGER_MS : options->linger_ms;
    pthread_mutex_init(&writer->lock, NULL);
    if (options->transactional_id != NULL) {
        pthread_mutex_lock(&log->lock);
        writer->id = name_get(&log->transactional, str_c(options->transactional_id));
        pthread_mutex_unlock(&log->lock);
        Job    job    = {.apply = apply_nothing, .publish = publish_epoch, .context = writer};
        Status status = log_submit(log, &job, err);
        if (status != OK) {
            embedded_writer_close(writer);
            return status;
        }
    }
    *out = writer;
    return OK;
}

static void forget_transaction(LogWriter *writer)
{
    runs_free(writer->log, take_runs(writer));
    writer->in_txn = false;
    embedded_fence_unref(writer->fence);
    writer->fence = NULL;
    for (size_t i = 0; i < writer->position_count; i++)
        mem_free((char *)writer->positions[i].topic.ptr);
    mem_free(writer->positions);
    writer->positions      = NULL;
    writer->position_count = 0;
}

void embedded_writer_close(LogWriter *writer)
{
    Log  *log = writer->log;
    Error err;
    if (writer->id == NULL && embedded_flush(writer, -1, &err) != OK)
        log_line(LOG_ERROR, "records were lost when a writer of the embedded log closed: %s", err.message);
    log_linger_forget(log, writer);
    forget_transaction(writer);
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < writer->topic_count; i++)
        topic_unref(writer->topics[i].topic);
    pthread_mutex_unlock(&log->lock);
    for (size_t i = 0; i < writer->topic_count; i++) {
        mem_free(writer->topics[i].open);
        mem_free(writer->topics[i].ends);
    }
    mem_free(writer->topics);
    mem_free(writer->failed);
    pthread_mutex_destroy(&writer->lock);
    mem_free(writer);
}

/* ---- append ---- */

static WriterTopic *known_topic(LogWriter *writer, Str name)
{
    for (size_t i = 0; i < writer->topic_count; i++) {
        size_t at = (writer->last + i) % writer->topic_count; /* nearly always the one of the last time */
        if (str_equal(str_c(writer->topics[at].topic->name), name)) {
            writer->last = at;
            return &writer->topics[at];
        }
    }
    return NULL;
}

/* A topic that was deleted makes room for the one that has its name now. Under writer->lock. */
static Status writer_topic(LogWriter *writer, Str name, WriterTopic **out, Error *err)
{
    Log         *log   = writer->log;
    WriterTopic *known = known_topic(writer, name);
    if (known != NULL && !__atomic_load_n(&known->topic->deleted, __ATOMIC_RELAXED)) {
        *out = known;
        return OK;
    }
    pthread_mutex_lock(&log->lock);
    Topic *topic = topic_find(log, name);
    if (topic != NULL)
        topic->refs++;
    if (topic != NULL && known != NULL)
        topic_unref(known->topic);
    pthread_mutex_unlock(&log->lock);
    if (topic == NULL)
        return log_no_topic(name, err);
    if (known == NULL) {
        if (writer->topic_count == writer->topic_capacity) {
            writer->topic_capacity = writer->topic_capacity ? writer->topic_capacity * 2 : 8;
            writer->topics = mem_realloc(writer->topics, writer->topic_capacity * sizeof *writer->topics);
        }
        writer->last = writer->topic_count++;
        known        = &writer->topics[writer->last];
    } else {
        mem_free(known->open);
        mem_free(known->ends);
    }
    *known = (WriterTopic){topic, mem_calloc((size_t)topic->count, sizeof(Run *)),
                           mem_calloc((size_t)topic->count, sizeof(int64_t))};
    for (int p = 0; p < topic->count; p++)
        known->ends[p] = -1;
    *out = known;
    return OK;
}

static Run *open_run(LogWriter *writer, WriterTopic *target, int partition)
{
    if (target->open[partition] != NULL)
        return target->open[partition];
    Run *run  = mem_calloc(1, sizeof *run);
    run->part = &target->topic->parts[partition];
    run->end  = writer->id != NULL ? &target->ends[partition] : NULL;
    run->next = writer->runs;
    pthread_mutex_lock(&writer->log->lock);
    target->topic->refs++;
    pthread_mutex_unlock(&writer->log->lock);
    writer->runs            = run;
    target->open[partition] = run;
    return run;
}

static void run_add(Run *run, const LogRecord *record)
{
    Chunk *last = run->chunk_count > 0 ? &run->chunks[run->chunk_count - 1] : NULL;
    if (last == NULL || last->bytes.len >= CHUNK_BYTES) {
        run->chunks = mem_realloc(run->chunks, (run->chunk_count + 1) * sizeof *run->chunks);
        last        = &run->chunks[run->chunk_count++];
        memset(last, 0, sizeof *last);
    }
    chunk_add(last, (uint32_t)last->count, record);
    run->records++;
}

/* Under writer->lock. *written is the run that has the record now. */
static Status buffer_record(LogWriter *writer, Str topic, int partition, const LogRecord *record,
                            Str hash_key, Run **written, Error *err)
{
    WriterTopic *target = NULL;
    size_t       size;
    TRY(chunk_record_size(record, &size, err));
    TRY(writer_topic(writer, topic, &target, err));
    int chosen =
        log_choose_partition(partition, target->topic->count, record, hash_key, &writer->round_robin);
    if (chosen < 0)
        return log_no_partition(topic, partition, err);
    if (target->topic->parts[chosen].damage != NULL)
        return error_set(err, E_DAMAGED, NO_POS, "%s", target->topic->parts[chosen].damage);
    if (str_is_null(record->key) && __atomic_load_n(&target->topic->compact, __ATOMIC_RELAXED))
        return error_set(err, E_DATA, NO_POS,
                         "Compacted topic cannot accept message without key in topic partition %s-%d.",
                         target->topic->name, chosen);
    if (writer->id != NULL && writer->bytes + size > TXN_BYTES_MAX)
        return error_set(err, E_LIMIT, NO_POS, "a transaction of more than %d bytes", TXN_BYTES_MAX);
    *written = open_run(writer, target, chosen);
    run_add(*written, record);
    writer->bytes += size;
    return OK;
}

static Status check_open(LogWriter *writer, Error *err)
{
    if (writer->id == NULL)
        return OK;
    assert(writer->in_txn); /* log.h: on a transactional writer a transaction must be open */
    return check_fences(writer->log, writer, err);
}

Status embedded_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                       Error *err)
{
    Run *run;
    if (writer->id != NULL) { /* its own thread only: no lock needed */
        assert(writer->in_txn);
        return buffer_record(writer, topic, partition, record, hash_key, &run, err);
    }
    pthread_mutex_lock(&writer->lock);
    bool   was_empty = writer->runs == NULL;
    Status status    = buffer_record(writer, topic, partition, record, hash_key, &run, err);
    bool   is_full   = writer->bytes >= FLUSH_BYTES;
    pthread_mutex_unlock(&writer->lock);
    if (status != OK)
        return status;
    if (is_full || !writer->log->threaded)
        return embedded_flush(writer, -1, err);
    if (was_empty)
        log_linger(writer->log, writer, writer->linger_ms);
    return OK;
}

Status embedded_flush(LogWriter *writer, int timeout_ms, Error *err)
{
    if (writer->id != NULL)
        return check_fences(writer->log, writer,
                            err); /* a transaction's records are acknowledged by its commit */
    pthread_mutex_lock(&writer->lock);
    Run *runs = take_runs(writer);
    pthread_mutex_unlock(&writer->lock);
    Status status = OK;
    /* Without runs as well: the thread may be committing what it took before. */
    if (runs != NULL || writer->log->threaded)
        status = commit_runs(writer, runs, err);
    if (status != OK) {
        (void)!take_failure(writer, NULL);
        return status;
    }
    return take_failure(writer, err);
}

void embedded_send_now(LogWriter *writer)
{
    if (writer->id == NULL && writer->log->threaded)
        log_linger(writer->log, writer, 0);
}

/* Under writer->lock. Whatever happens, all that is buffered is in *runs then. */
static Status buffer_all(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                         Str hash_key, Run **runs, Error *err)
{
    Status status = OK;
    Run   *run;
    for (size_t i = 0; i < count && status == OK; i++) {
        status = buffer_record(writer, topic, partition, &records[i], hash_key, &run, err);
        if (status == OK)
            run->asked = true;
    }
    *runs = take_runs(writer);
    return status;
}

/* Records before one that cannot be written are written: some may be those of an append before. */
Status embedded_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records,
                           size_t count, Str hash_key, LogPosition *landed, size_t *landed_count, Error *err)
{
    Run      *runs;
    CommitJob commit;
    assert(writer->id == NULL);
    *landed_count = 0;
    pthread_mutex_lock(&writer->lock);
    Status buffered = buffer_all(writer, topic, partition, records, count, hash_key, &runs, err);
    pthread_mutex_unlock(&writer->lock);
    if (runs == NULL)
        return buffered;
    commit_init(&commit, writer, runs);
    Status status = log_submit(writer->log, &commit.job, buffered == OK ? err : NULL);
    for (const Run *run = runs; status == OK && run != NULL; run = run->next)
        if (run->asked)
            landed[(*landed_count)++] = (LogPosition){topic, run->part->number, run->base + run->records};
    runs_free(writer->log, runs);
    return buffered != OK ? buffered : status;
}

/* ---- transactions ---- */

Status embedded_txn_begin(LogWriter *writer, Error *err)
{
    assert(writer->id != NULL && !writer->in_txn);
    TRY(check_fences(writer->log, writer, err));
    writer->in_txn = true;
    return OK;
}

Status embedded_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions,
                          size_t count, Error *err)
{
    TRY(check_open(writer, err));
    assert(writer->fence == NULL);
    writer->fence          = embedded_fence_ref(fence);
    writer->positions      = mem_calloc(count, sizeof *positions);
    writer->position_count = count;
    for (size_t i = 0; i < count; i++) {
        writer->positions[i]       = positions[i];
        writer->positions[i].topic = str_c(str_to_heap(positions[i].topic));
    }
    return check_fences(writer->log, writer, err);
}

Status embedded_txn_commit(LogWriter *writer, Error *err)
{
    assert(writer->id != NULL && writer->in_txn);
    Run   *runs   = take_runs(writer);
    Status status = runs == NULL && writer->fence == NULL ? check_fences(writer->log, writer, err)
                                                          : commit_runs(writer, runs, err);
    if (status == OK)
        forget_transaction(writer);
    return status;
}

Status embedded_txn_abort(LogWriter *writer, Error *err)
{
    forget_transaction(writer);
    return check_fences(writer->log, writer, err);
}

int64_t embedded_writer_end(LogWriter *writer, Str topic, int partition)
{
    WriterTopic *known = known_topic(writer, topic);
    return known != NULL && partition >= 0 && partition < known->topic->count ? known->ends[partition] : -1;
}
