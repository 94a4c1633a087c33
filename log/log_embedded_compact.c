/*
 * log_embedded_compact.c - compaction: of the records of a key only the last stays.
 *
 * First the dirty part (what came since the last compaction) is read and the last offset of each of its keys
 * noted, as far as KEYS_BYTES_MAX allows; then all chunks up to there are rewritten without the records that
 * a noted offset supersedes, small chunks being merged on the way. Offsets stay as they are. A tombstone goes
 * once its chunk was written longer than delete.retention.ms ago; merging keeps the youngest chunk's time, so
 * it may stay longer, never shorter. Both halves go in slices of SLICE_BYTES.
 */
#include "log/log_embedded.h"

enum { SLICE_BYTES = 1024 * 1024, KEYS_BYTES_MAX = 64 * 1024 * 1024, DIRTY_MIN = 100 };

typedef struct {
    size_t  key, len; /* in keys; len + 1, so that 0 is an empty slot */
    int64_t offset;
} KeySlot;

struct Compaction {
    Partition *part;
    bool       rewriting;
    int64_t    scan;                 /* next offset to look at */
    int64_t    known_to;             /* keys of all records below are noted */
    int64_t    target;               /* end of the partition when it began */
    int64_t    tombstones_before_ms; /* those of chunks written before go */
    StrBuf     keys;
    KeySlot   *slots;
    size_t     slot_count, used;
};

/* ---- keys and their last offsets ---- */

static KeySlot *find_slot(const Compaction *self, Str key)
{
    size_t at = (size_t)str_hash(key) & (self->slot_count - 1);
    while (self->slots[at].len != 0 &&
           !str_equal(str_n(self->keys.ptr + self->slots[at].key, self->slots[at].len - 1), key))
        at = (at + 1) & (self->slot_count - 1);
    return &self->slots[at];
}

static void grow_slots(Compaction *self)
{
    KeySlot *old     = self->slots;
    size_t   count   = self->slot_count;
    self->slot_count = count ? count * 2 : 1024;
    self->slots      = mem_calloc(self->slot_count, sizeof *self->slots);
    for (size_t i = 0; i < count; i++) {
        if (old[i].len != 0)
            *find_slot(self, str_n(self->keys.ptr + old[i].key, old[i].len - 1)) = old[i];
    }
    mem_free(old);
}

static void note_key(Compaction *self, Str key, int64_t offset)
{
    if (self->used * 2 >= self->slot_count)
        grow_slots(self);
    KeySlot *slot = find_slot(self, key);
    if (slot->len == 0) {
        slot->key = self->keys.len;
        slot->len = key.len + 1;
        strbuf_add(&self->keys, key);
        strbuf_reserve(&self->keys, 1); /* so that ptr is set for an empty key, too */
        self->used++;
    }
    slot->offset = offset;
}

static bool keys_full(const Compaction *self)
{
    return self->keys.len + self->slot_count * sizeof *self->slots > KEYS_BYTES_MAX;
}

static bool is_superseded(const Compaction *self, const LogRecord *record)
{
    if (self->slot_count == 0)
        return false;
    const KeySlot *slot = find_slot(self, record->key);
    return slot->len != 0 && slot->offset > record->offset;
}

/* ---- when ---- */

static Status count_records(Log *log, const Partition *part, int64_t from, int64_t *count, Error *err)
{
    return db_ask(&log->db, SQL_CHUNKS_COUNT, count, 1, err, "ii", part->id, from);
}

Status compaction_new(Log *log, Partition *part, Compaction **out, Error *err)
{
    *out = NULL;
    if (part->clean_to >= part->next)
        return OK;
    pthread_mutex_lock(&log->lock);
    double  ratio     = part->topic->dirty_ratio;
    int64_t retention = part->topic->delete_retention_ms;
    pthread_mutex_unlock(&log->lock);
    int64_t dirty, all;
    TRY(count_records(log, part, part->clean_to, &dirty, err));
    TRY(count_records(log, part, 0, &all, err));
    if (ratio > 0 && (dirty < DIRTY_MIN || (double)dirty < ratio * (double)all))
        return OK;
    *out  = mem_calloc(1, sizeof **out);
    **out = (Compaction){
        .part                 = part,
        .scan                 = part->clean_to,
        .target               = part->next,
        .tombstones_before_ms = log->clock->now_ms(log->clock) - retention,
    };
    return OK;
}

void compaction_free(Compaction *self)
{
    if (self == NULL)
        return;
    strbuf_clear(&self->keys);
    mem_free(self->slots);
    mem_free(self);
}

/* ---- slices ---- */

typedef struct {
    int64_t id, base, last, written;
} ChunkRow;

typedef struct {
    Block    *block;
    ChunkRow *rows;
    size_t    count, capacity;
} Slice;

/* The chunks from `from` on and below target, SLICE_BYTES or at least one. Damage ends the compaction, and
 * nothing is rewritten: what is readable still would go with what is not. */
static Status slice_read(Log *log, const Compaction *self, int64_t from, Slice *slice, Error *err)
{
    ChunkScan scan;
    Status    status;
    bool      found = true;
    TRY(scan_open(&scan, &log->db, self->part, from, self->target, err));
    while ((status = scan_next(&scan, &found, err)) == OK && found) {
        if (slice->count == slice->capacity) {
            slice->capacity = slice->capacity ? slice->capacity * 2 : 64;
            slice->rows     = mem_realloc(slice->rows, slice->capacity * sizeof *slice->rows);
        }
        slice->rows[slice->count++] =
            (ChunkRow){scan.id, scan.place.base, scan.place.last, scan.place.written};
        block_add(slice->block, scan.place.base, scan.records);
        if (slice->block->bytes.len >= SLICE_BYTES)
            break;
    }
    scan_close(&scan);
    return status == OK ? scan_parse(&scan, slice->block, err) : status;
}

static void note_slice(Compaction *self, const Slice *slice)
{
    for (size_t i = 0; i < slice->block->count; i++) {
        const LogRecord *record = &slice->block->records[i];
        if (!str_is_null(record->key))
            note_key(self, record->key, record->offset);
    }
    if (slice->count > 0)
        self->scan = slice->rows[slice->count - 1].last + 1;
    if (slice->count == 0 || self->scan >= self->target || keys_full(self)) {
        self->known_to  = slice->count == 0 ? self->target : self->scan;
        self->scan      = 0;
        self->rewriting = true;
    }
}

/* Chunks being written. Together they cover what the slice has covered, although records are gone: a reader
 * takes offsets that no chunk covers for lost ones. */
typedef struct {
    Chunk   chunk;
    int64_t base, written;
} Output;

/* Covers all up to `last`, even if no record is left. */
static Status output_flush(Log *log, const Partition *part, Output *out, int64_t last, Error *err)
{
    Status status = chunk_write(log, part, out->base, last, out->written, &out->chunk, err);
    chunk_clear(&out->chunk);
    out->base    = last + 1;
    out->written = 0;
    return status;
}

static Status output_add(Log *log, const Partition *part, Output *out, const LogRecord *record,
                         int64_t written, Error *err)
{
    bool full = out->chunk.bytes.len >= CHUNK_BYTES || record->offset - out->base > UINT32_MAX;
    if (full)
        TRY(output_flush(log, part, out, record->offset - 1, err));
    if (written > out->written)
        out->written = written;
    chunk_add(&out->chunk, (uint32_t)(record->offset - out->base), record);
    return OK;
}

static bool is_kept(const Compaction *self, const LogRecord *record, int64_t written)
{
    if (str_is_null(record->key) || record->offset >= self->known_to)
        return true; /* a null key is there only from before the topic was compacted */
    bool expired = str_is_null(record->value) && written < self->tombstones_before_ms;
    return !expired && !is_superseded(self, record);
}

static Status rewrite_records(Log *log, Compaction *self, const Slice *slice, Error *err)
{
    Output out    = {.base = slice->rows[0].base};
    Status status = OK;
    size_t row    = 0;
    for (size_t i = 0; i < slice->block->count && status == OK; i++) {
        const LogRecord *record = &slice->block->records[i];
        while (record->offset > slice->rows[row].last)
            row++;
        if (is_kept(self, record, slice->rows[row].written))
            status = output_add(log, self->part, &out, record, slice->rows[row].written, err);
    }
    if (status == OK)
        status = output_flush(log, self->part, &out, slice->rows[slice->count - 1].last, err);
    chunk_clear(&out.chunk);
    return status;
}

static bool slice_changes(const Compaction *self, const Slice *slice)
{
    if (slice->count > 1 && slice->block->bytes.len < slice->count * CHUNK_BYTES / 2)
        return true; /* small chunks are worth a merge */
    size_t row = 0;
    for (size_t i = 0; i < slice->block->count; i++) {
        const LogRecord *record = &slice->block->records[i];
        while (record->offset > slice->rows[row].last)
            row++;
        if (!is_kept(self, record, slice->rows[row].written))
            return true;
    }
    return false;
}

static Status rewrite_slice(Log *log, Compaction *self, const Slice *slice, bool *done, Error *err)
{
    if (slice_changes(self, slice)) {
        for (size_t i = 0; i < slice->count; i++)
            TRY(db_run(&log->db, SQL_CHUNK_DROP, err, "i", slice->rows[i].id));
        TRY(rewrite_records(log, self, slice, err));
    }
    if (slice->count > 0)
        self->scan = slice->rows[slice->count - 1].last + 1;
    *done = slice->count == 0 || self->scan >= self->known_to;
    if (*done)
        self->part->clean_to = self->known_to;
    return OK;
}

Status compaction_slice(Log *log, Compaction *self, bool *done, Error *err)
{
    Slice  slice  = {.block = block_new()};
    Status status = slice_read(log, self, self->scan, &slice, err);
    *done         = false;
    if (status == OK && self->rewriting)
        status = rewrite_slice(log, self, &slice, done, err);
    else if (status == OK)
        note_slice(self, &slice);
    block_free(slice.block);
    mem_free(slice.rows);
    return status;
}
