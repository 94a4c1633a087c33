/*
 * log_embedded_reader.c - reading: a block of chunks is copied out of SQLite at once, and batches are slices
 * of it.
 *
 * A read transaction ends before the block is handed on, so a slow reader never keeps the WAL from being
 * checkpointed. Whether there is something new is known from the bounds in memory: polling an idle partition
 * does not touch SQLite.
 */
#include <assert.h>

#include "log/log_embedded.h"

enum { BLOCK_BYTES = 256 * 1024 };

typedef struct {
    bool       used, gone_told;
    bool       held; /* a batch of it is not released yet */
    Partition *part; /* holds a reference on its topic */
    int64_t    position;
    Block     *block;   /* what was read ahead, or NULL */
    size_t     next;    /* in block */
    int64_t    covered; /* position once the block is used up: there may be gaps at its end */
} Assigned;

struct LogReader {
    LogHandle base;
    Log      *log;
    Db        db; /* its own; unused in memory */
    Assigned *assigned;
    int       count;
    bool      woken; /* under log->lock */
    Block    *spare;
};

Status embedded_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    LogReader *reader    = mem_calloc(1, sizeof *reader);
    reader->base.backend = &log_backend_embedded;
    reader->log          = log;
    if (log->path != NULL) {
        Status status = db_open(&reader->db, log->path, true, err);
        if (status != OK) {
            mem_free(reader);
            return status;
        }
    }
    *out = reader;
    return OK;
}

void embedded_reader_close(LogReader *reader)
{
    for (int i = 0; i < reader->count; i++)
        embedded_reader_unassign(reader, i);
    if (reader->log->path != NULL)
        db_close(&reader->db);
    block_free(reader->spare);
    mem_free(reader->assigned);
    mem_free(reader);
}

static void block_unref(LogReader *reader, Block *block)
{
    if (block == NULL || --block->refs > 0)
        return;
    if (reader->spare != NULL || block->bytes.capacity > 4 * BLOCK_BYTES) {
        block_free(block);
        return;
    }
    block_reset(block);
    reader->spare = block;
}

/* ---- assignment ---- */

static void set_position(LogReader *reader, Assigned *one, int64_t offset)
{
    Log *log = reader->log;
    pthread_mutex_lock(&log->lock);
    int64_t first = one->part->first, end = one->part->end;
    pthread_mutex_unlock(&log->lock);
    one->position = offset == LOG_EARLIEST ? first : offset == LOG_LATEST ? end : offset;
    if (one->position < first || one->position > end) {
        log_line(
            LOG_WARN,
            "topic %s partition %d: offset %lld is not there (it has %lld to %lld), reading from the first",
            one->part->topic->name, one->part->number, (long long)one->position, (long long)first,
            (long long)end);
        one->position = first;
    }
    block_unref(reader, one->block);
    one->block = NULL;
}

Status embedded_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                              Error *err)
{
    Partition *part;
    TRY(embedded_find_partition(reader->log, topic, partition, &part, err));
    int place = 0;
    while (place < reader->count && reader->assigned[place].used)
        place++;
    if (place == reader->count) {
        reader->count    = reader->count ? reader->count * 2 : 8;
        reader->assigned = mem_realloc(reader->assigned, (size_t)reader->count * sizeof *reader->assigned);
        memset(reader->assigned + place, 0, (size_t)(reader->count - place) * sizeof *reader->assigned);
    }
    Assigned *one = &reader->assigned[place];
    *one          = (Assigned){.used = true, .part = part};
    set_position(reader, one, offset);
    *handle = place;
    return OK;
}

void embedded_reader_unassign(LogReader *reader, int handle)
{
    Assigned *one = &reader->assigned[handle];
    if (!one->used)
        return;
    block_unref(reader, one->block);
    pthread_mutex_lock(&reader->log->lock);
    topic_unref(one->part->topic);
    pthread_mutex_unlock(&reader->log->lock);
    *one = (Assigned){0};
}

Status embedded_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err)
{
    set_position(reader, &reader->assigned[handle], offset);
    return OK;
}

/* ---- reading ---- */

/* Copies chunks until the block is full. What is whole before something damaged is handed on first; the next
 * call begins at the damage, and says so. */
static Status read_chunks(Db *db, Assigned *one, int64_t end, Block *block, Error *err)
{
    ChunkScan scan;
    bool      found = true;
    TRY(scan_open(&scan, db, one->part, one->position, end, err));
    Status status = OK;
    while (block->bytes.len < BLOCK_BYTES && found && status == OK) {
        status = scan_next(&scan, &found, err);
        if (status == OK && found)
            block_add(block, scan.place.base, scan.records);
    }
    scan_close(&scan);
    one->covered = scan.expected < end ? scan.expected : end;
    if (status != OK && (status != E_DAMAGED || block->chunks == 0))
        return status;
    return scan_parse(&scan, block, err);
}

/* Cuts the block to records in [first, end): what lies below was deleted, what lies beyond is not published
 * yet. */
static size_t clip_block(Block *block, int64_t first, int64_t end)
{
    size_t from = 0;
    while (block->count > 0 && block->records[block->count - 1].offset >= end)
        block->count--;
    while (from < block->count && block->records[from].offset < first)
        from++;
    return from;
}

static Status fill_block(LogReader *reader, Assigned *one, Error *err)
{
    Log *log = reader->log;
    pthread_mutex_lock(&log->lock);
    int64_t first = one->part->first, end = one->part->end;
    pthread_mutex_unlock(&log->lock);
    if (one->position < first)
        one->position = first;
    if (one->position >= end)
        return OK;
    Block *block = reader->spare != NULL ? reader->spare : block_new();
    Status status;
    reader->spare = NULL;
    block->refs   = 1;
    if (log->path != NULL)
        status = read_chunks(&reader->db, one, end, block, err);
    else {
        pthread_mutex_lock(&log->db_lock);
        status = read_chunks(&log->db, one, end, block, err);
        pthread_mutex_unlock(&log->db_lock);
    }
    one->next = status == OK ? clip_block(block, one->position, end) : 0;
    if (status == OK && one->next < block->count) {
        one->block = block;
        return OK;
    }
    if (status == OK)
        one->position = one->covered; /* compaction took all that was between */
    block_unref(reader, block);
    return status;
}

static Status check_gone(LogReader *reader, Assigned *one, Error *err)
{
    if (one->gone_told || !__atomic_load_n(&one->part->topic->deleted, __ATOMIC_RELAXED))
        return OK;
    one->gone_told = true;
    return log_no_topic(str_c(one->part->topic->name), err);
}

Status embedded_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err)
{
    Assigned *one = &reader->assigned[handle];
    assert(handle < reader->count && one->used);
    *out = (LogBatch){.handle      = handle,
                      .topic       = str_c(one->part->topic->name),
                      .partition   = one->part->number,
                      .next_offset = one->position};
    if (one->block == NULL) {
        TRY(check_gone(reader, one, err));
        TRY(fill_block(reader, one, err));
    }
    out->next_offset = one->position;
    Block *block     = one->block;
    if (block == NULL || max_records == 0)
        return OK;
    size_t left  = block->count - one->next;
    out->count   = left < max_records ? left : max_records;
    out->records = &block->records[one->next];
    out->owner   = block;
    one->held    = true;
    one->next += out->count;
    one->position = out->records[out->count - 1].offset + 1;
    if (one->next < block->count)
        block->refs++;
    else {
        one->block    = NULL; /* its reference goes with the batch */
        one->position = one->covered;
    }
    out->next_offset = one->position;
    return OK;
}

void embedded_batch_release(LogReader *reader, LogBatch *batch)
{
    if (batch->owner != NULL)
        reader->assigned[batch->handle].held = false;
    block_unref(reader, batch->owner);
    batch->owner = NULL;
    batch->count = 0;
}

/* ---- waiting ---- */

/* Under log->lock. *behind: there is more of partitions of which a batch is held. */
static bool something_there(const LogReader *reader, bool *behind)
{
    *behind = false;
    for (int i = 0; i < reader->count; i++) {
        const Assigned *one = &reader->assigned[i];
        if (!one->used || (one->block == NULL && one->position >= one->part->end &&
                           (!one->part->topic->deleted || one->gone_told)))
            continue;
        if (!one->held)
            return true;
        *behind = true;
    }
    return false;
}

bool embedded_reader_wait(LogReader *reader, int timeout_ms)
{
    Log *log = reader->log;
    bool there, behind;
    pthread_mutex_lock(&log->lock);
    (void)something_there(reader, &behind);
    if (behind && timeout_ms > HELD_WAIT_MS)
        timeout_ms = HELD_WAIT_MS;
    struct timespec until = deadline_after_us((int64_t)timeout_ms * 1000);
    while (!(there = something_there(reader, &behind)) && !reader->woken && timeout_ms > 0 &&
           pthread_cond_timedwait(&log->changed, &log->lock, &until) == 0)
        ;
    reader->woken = false;
    there         = there || something_there(reader, &behind);
    pthread_mutex_unlock(&log->lock);
    return there;
}

void embedded_reader_wake(LogReader *reader)
{
    pthread_mutex_lock(&reader->log->lock);
    reader->woken = true;
    pthread_cond_broadcast(&reader->log->changed);
    pthread_mutex_unlock(&reader->log->lock);
}

bool embedded_reader_at_end(LogReader *reader, int handle)
{
    const Assigned *one = &reader->assigned[handle];
    pthread_mutex_lock(&reader->log->lock);
    bool at_end = one->block == NULL && one->position >= one->part->end;
    pthread_mutex_unlock(&reader->log->lock);
    return at_end;
}

int64_t embedded_reader_position(LogReader *reader, int handle) { return reader->assigned[handle].position; }
