/*
 * positions.c - a task's positions as a record of the slots topic and as a fact in the state file.
 *
 * Both carry a sequence number that counts the task's commits. Since a commit writes the log first and the
 * state file second, equal numbers say that the state is exactly the log's, without asking the log where its
 * changelogs end; a smaller one in the file says that the tail has to be replayed, and a larger one that the
 * file is of another history.
 *
 * Layout, numbers big-endian: version, generation, sequence, source columns, inputs (topic, position), stores
 * (name, version of the content, changelog position), operator times. Version 2 had a hash of the plan's text
 * instead of the generation, and of the stores the changelog positions alone: it is taken over if it fits
 * (restore.c). The fact in the state file has the time behind it at which it was written.
 */
#include "executor/runtime/positions.h"

#include "executor/dataflow/task.h"

enum { RECORD_VERSION = 3, RECORD_VERSION_OF_HASHES = 2 };

static void put_text(StrBuf *out, Str text)
{
    put_int64(out, (int64_t)text.len);
    strbuf_add(out, text);
}

static bool take_text(Str *from, Str *out)
{
    int64_t len;
    if (!take_int64(from, &len) || len < 0 || (uint64_t)len > from->len)
        return false;
    *out = str_n(from->ptr, (size_t)len);
    from->ptr += len;
    from->len -= (size_t)len;
    return true;
}

void task_record_encode(const TaskRecord *record, StrBuf *out)
{
    strbuf_addc(out, RECORD_VERSION);
    put_int64(out, record->generation);
    put_int64(out, (int64_t)record->sequence);
    put_int64(out, (int64_t)record->source_columns);
    put_int64(out, (int64_t)record->input_count);
    for (size_t i = 0; i < record->input_count; i++) {
        put_text(out, record->topics[i]);
        put_int64(out, record->positions[i]);
    }
    put_int64(out, (int64_t)record->store_count);
    for (size_t i = 0; i < record->store_count; i++) {
        put_text(out, record->stores[i]);
        put_int64(out, record->versions[i]);
        put_int64(out, record->changelogs[i]);
    }
    put_text(out, record->saved);
}

static bool take_count(Str *from, size_t *out)
{
    int64_t n;
    if (!take_int64(from, &n) || n < 0 || (uint64_t)n > from->len / 8)
        return false; /* an element takes 8 bytes at least */
    *out = (size_t)n;
    return true;
}

static bool take_inputs(Str *from, Arena *arena, TaskRecord *out)
{
    if (!take_count(from, &out->input_count))
        return false;
    Str     *topics    = ARENA_ARRAY(arena, Str, out->input_count + 1);
    int64_t *positions = ARENA_ARRAY(arena, int64_t, out->input_count + 1);
    for (size_t i = 0; i < out->input_count; i++)
        if (!take_text(from, &topics[i]) || !take_int64(from, &positions[i]))
            return false;
    out->topics    = topics;
    out->positions = positions;
    return true;
}

static bool take_stores(Str *from, bool named, Arena *arena, TaskRecord *out)
{
    if (!take_count(from, &out->store_count))
        return false;
    Str     *stores     = ARENA_ARRAY(arena, Str, out->store_count + 1);
    int64_t *versions   = ARENA_ARRAY(arena, int64_t, out->store_count + 1);
    int64_t *changelogs = ARENA_ARRAY(arena, int64_t, out->store_count + 1);
    for (size_t i = 0; i < out->store_count; i++)
        if ((named && (!take_text(from, &stores[i]) || !take_int64(from, &versions[i]))) ||
            !take_int64(from, &changelogs[i]))
            return false;
    out->stores     = stores;
    out->versions   = versions;
    out->changelogs = changelogs;
    return true;
}

static bool take_record(Str *from, bool named, Arena *arena, TaskRecord *out)
{
    int64_t sequence, columns;
    if (!take_int64(from, &out->generation) || !take_int64(from, &sequence) || !take_int64(from, &columns) ||
        !take_inputs(from, arena, out) || !take_stores(from, named, arena, out))
        return false;
    out->generation     = named ? out->generation : -1;
    out->sequence       = (uint64_t)sequence;
    out->source_columns = (uint64_t)columns;
    return take_text(from, &out->saved) && from->len == 0;
}

Status task_record_decode(Str bytes, Arena *arena, TaskRecord *out, Error *err)
{
    *out         = (TaskRecord){0};
    char version = bytes.len > 0 ? bytes.ptr[0] : 0;
    if (version == RECORD_VERSION || version == RECORD_VERSION_OF_HASHES) {
        Str rest = str_n(bytes.ptr + 1, bytes.len - 1);
        if (take_record(&rest, version == RECORD_VERSION, arena, out))
            return OK;
    } else if (version > RECORD_VERSION) {
        return error_set(
            err, E_FATAL_DATA, NO_POS,
            "Its positions were written by a later version of Sluice: it runs again with that version. "
            "Nothing of it was changed");
    }
    return error_set(err, E_DATA, NO_POS, "A record of positions cannot be read");
}

void task_record_add_time(int64_t kept_ms, StrBuf *out) { put_int64(out, kept_ms); }

/* A record ends with its last byte, so one with a time behind it is none by itself. */
Status task_record_decode_kept(Str bytes, Arena *arena, TaskRecord *out, int64_t *kept_ms, Error *err)
{
    *kept_ms = 0;
    if (bytes.len > 8 && task_record_decode(str_n(bytes.ptr, bytes.len - 8), arena, out, NULL) == OK) {
        Str time = str_n(bytes.ptr + bytes.len - 8, 8);
        (void)!take_int64(&time, kept_ms);
        return OK;
    }
    return task_record_decode(bytes, arena, out, err);
}

/* ---- table ---- */

typedef struct PositionEntry PositionEntry;

struct PositionTable {
    PositionEntry **buckets;
    size_t          bucket_count, count;
};

struct PositionEntry {
    PositionEntry *next;
    uint64_t       hash;
    int            slot;
    Str            key, value; /* heap */
};

static void entry_free(PositionEntry *entry)
{
    mem_free((char *)entry->key.ptr);
    mem_free((char *)entry->value.ptr);
    mem_free(entry);
}

static PositionEntry **find(const PositionTable *table, Str key, uint64_t hash)
{
    PositionEntry **link = &table->buckets[hash & (table->bucket_count - 1)];
    while (*link != NULL && ((*link)->hash != hash || !str_equal((*link)->key, key)))
        link = &(*link)->next;
    return link;
}

static void grow(PositionTable *table)
{
    PositionEntry **old   = table->buckets;
    size_t          count = table->bucket_count;
    table->bucket_count   = count ? count * 2 : 64;
    table->buckets        = mem_calloc(table->bucket_count, sizeof *table->buckets);
    for (size_t i = 0; i < count; i++) {
        for (PositionEntry *entry = old[i], *next; entry != NULL; entry = next) {
            PositionEntry **bucket = &table->buckets[entry->hash & (table->bucket_count - 1)];
            next                   = entry->next;
            entry->next            = *bucket;
            *bucket                = entry;
        }
    }
    mem_free(old);
}

void positions_put(PositionTable *table, Str key, int slot, Str value)
{
    uint64_t hash = str_hash(key);
    if (table->count >= table->bucket_count)
        grow(table);
    PositionEntry **link  = find(table, key, hash);
    PositionEntry  *entry = *link;
    if (str_is_null(value)) {
        if (entry == NULL)
            return;
        *link = entry->next;
        entry_free(entry);
        table->count--;
        return;
    }
    if (entry == NULL) {
        entry  = mem_calloc(1, sizeof *entry);
        *entry = (PositionEntry){.hash = hash, .key = {str_to_heap(key), key.len}};
        *link  = entry;
        table->count++;
    }
    mem_free((char *)entry->value.ptr);
    entry->slot  = slot;
    entry->value = (Str){str_to_heap(value), value.len};
}

Str positions_get(const PositionTable *table, Str key)
{
    if (table->bucket_count == 0)
        return STR_NULL;
    PositionEntry *entry = *find(table, key, str_hash(key));
    return entry == NULL ? STR_NULL : entry->value;
}

/* slot < 0: all. */
void positions_drop_slot(PositionTable *table, int slot)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (PositionEntry **link = &table->buckets[i]; *link != NULL;) {
            PositionEntry *entry = *link;
            if (slot >= 0 && entry->slot != slot) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            entry_free(entry);
            table->count--;
        }
    }
}

PositionTable *positions_new(void) { return mem_calloc(1, sizeof(PositionTable)); }

void positions_free(PositionTable *table)
{
    if (table == NULL)
        return;
    positions_drop_slot(table, -1);
    mem_free(table->buckets);
    mem_free(table);
}
