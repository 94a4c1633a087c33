/*
 * store_changelog.c - a row as a changelog record.
 *
 * The key is the identity as windowed keys have it on the wire (key bytes, then start; sessions: end, start;
 * buffers: number, time; big-endian), so that compaction keeps one record per row. The value: version,
 * visible, timestamp, window end, then all columns by the codec: keys, states, values. Values are the last,
 * for a later version of a query may add some (OR REPLACE): a record that ends before them was written
 * before, and they are NULL. So the log needs no rewriting, and a restore over records of both versions gives
 * the table that is there.
 */
#include "state/state_memory.h"
#include "state/store_buffer.h"
#include "state/store_codec.h"

enum { RECORD_VERSION = 2, BOUND_SIZE = 8 };

static size_t suffix_size(StoreKind kind)
{
    return store_is_timeless(kind) ? 0 : kind == STORE_WINDOW ? BOUND_SIZE : 2 * BOUND_SIZE;
}

void store_record_encode(const StoreSpec *spec, const TableRow *row, StrBuf *out)
{
    strbuf_addc(out, RECORD_VERSION);
    strbuf_addc(out, row->visible);
    store_codec_add_int(out, row->timestamp);
    store_codec_add_int(out, row->window_end);
    store_codec_add_columns(out, spec->keys, row->keys, spec->key_count);
    store_codec_add_columns(out, spec->states, row->values + spec->value_count, spec->state_count);
    store_codec_add_columns(out, spec->values, row->values, spec->value_count);
}

/* What reads a value: store_codec_read copies its texts, store_codec_view leaves them where they are. */
typedef Status (*ReadValue)(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err);

static inline Status read_columns(Str bytes, size_t *at, const Column *columns, size_t count, ReadValue read,
                                  Arena *arena, Value *out, Error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(read(bytes, at, columns[i].type, arena, &out[i], err));
    return OK;
}

static inline Status read_record(const StoreSpec *spec, Str value, ReadValue read, Arena *arena,
                                 TableRow *row, Error *err)
{
    Value  *keys   = arena_alloc(arena, (spec->key_count + 1) * sizeof *keys);
    Value  *values = arena_alloc(arena, (spec->value_count + spec->state_count + 1) * sizeof *values);
    size_t  at = 2, present = 0;
    int64_t end;
    if (value.len < 2 || value.ptr[0] != RECORD_VERSION || (unsigned char)value.ptr[1] > 1)
        return error_set(err, E_DATA, NO_POS, "Changelog record of " STR_FMT ": unknown version",
                         STR_ARG(spec->name));
    row->visible = value.ptr[1] != 0;
    row->keys    = keys;
    row->values  = values;
    TRY(store_codec_read_int(value, &at, &row->timestamp, err));
    TRY(store_codec_read_int(value, &at, &end, err));
    TRY(read_columns(value, &at, spec->keys, spec->key_count, read, arena, keys, err));
    TRY(read_columns(value, &at, spec->states, spec->state_count, read, arena, values + spec->value_count,
                     err));
    for (; present < spec->value_count && at < value.len; present++)
        TRY(read(value, &at, spec->values[present].type, arena, &values[present], err));
    for (; present < spec->value_count; present++)
        values[present] = value_null();
    if (at != value.len || (store_has_end(spec->kind) && end != row->window_end))
        return error_set(err, E_DATA, NO_POS,
                         "Changelog record of " STR_FMT ": it does not fit the store's columns",
                         STR_ARG(spec->name));
    row->window_end = end;
    return OK;
}

Str store_changelog_key(const StoreSpec *spec, Str key, int64_t start, int64_t end, Arena *arena)
{
    size_t suffix = suffix_size(spec->kind);
    char  *bytes  = arena_alloc(arena, key.len + suffix + 1);
    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len);
    if (store_has_end(spec->kind))
        int64_put(end, bytes + key.len);
    if (suffix > 0)
        int64_put(start, bytes + key.len + suffix - BOUND_SIZE);
    return str_n(bytes, key.len + suffix);
}

Status store_record_decode(const StoreSpec *spec, Str value, Arena *arena, TableRow *row, Error *err)
{
    return read_record(spec, value, store_codec_read, arena, row, err);
}

Status store_record_view(const StoreSpec *spec, Str value, Arena *arena, TableRow *row, Error *err)
{
    return read_record(spec, value, store_codec_view, arena, row, err);
}

void store_encode(const Store *store, const StoreRow *row, Arena *arena, Str *key, Str *value)
{
    const StoreSpec *spec = &store->spec;
    *key                  = store_changelog_key(spec, row->key, row->window_start, row->window_end, arena);
    *value                = STR_NULL;
    if (!row->exists)
        return;
    StrBuf  *out    = &store->table->buffer;
    TableRow record = store_table_row((const CacheRow *)row);
    strbuf_reset(out);
    store_record_encode(spec, &record, out);
    *value = str_dup(arena, strbuf_str(out));
}

static Status decode_key(const Store *store, Str key, TableRow *row, Error *err)
{
    size_t suffix = suffix_size(store->spec.kind);
    if (key.len < suffix)
        return error_set(err, E_DATA, NO_POS, "Changelog record of " STR_FMT ": the key has no window",
                         STR_ARG(store->spec.name));
    row->key = str_n(key.ptr, key.len - suffix);
    if (store->spec.kind == STORE_PREFIX && str_is_null(store_prefix_of(row->key)))
        return error_set(err, E_DATA, NO_POS, "Changelog record of " STR_FMT ": the key has no first part",
                         STR_ARG(store->spec.name));
    row->partition = store->partition;
    if (store_has_end(store->spec.kind))
        row->window_end = int64_take(key.ptr + row->key.len);
    if (suffix > 0)
        row->window_start = int64_take(key.ptr + key.len - BOUND_SIZE);
    return OK;
}

/* What the cache has of the row is out of date; a row changed since stays, and is written over this at
 * commit. */
static void cache_forget(Store *store, const TableRow *row)
{
    uint64_t hash =
        store_cache_hash(row->key, row->window_start, store_has_end(store->spec.kind) ? row->window_end : 0);
    CacheRow *cached = store_cache_find(store, hash, row->key, row->window_start, row->window_end);
    if (cached != NULL && cached->base.dirty)
        cached->base.stored = true;
    else if (cached != NULL)
        store_cache_remove(cached);
    store_cache_forget_group(store, row->key);
}

static void raise_time(Store *store, const TableRow *row)
{
    int64_t time = store_row_time(store->spec.kind, row->window_start, row->window_end);
    if (store_is_timeless(store->spec.kind))
        return;
    if (time > store->time)
        store->time = time;
    store_cache_list(store);
}

/* Where commits go to the file themselves, and in a transaction that has emptied a store. */
static Status apply_to_file(Store *store, const TableRow *row, bool exists, Error *err)
{
    TRY(state_file_begin(store->file, true, err));
    state_memory_forget(store, row->key, row->window_start, row->window_end);
    if (exists)
        return store_table_put(store->table, row, err);
    return store_table_delete(store->table, row, err);
}

/* value ptr NULL: removed. */
static Status apply(Store *store, const TableRow *row, Str value, Error *err)
{
    bool to_file = true;
    if (store->buffer != NULL)
        TRY(store_buffer_apply(store, row, value, &to_file, err));
    if (!to_file)
        return OK;
    if (store->memory == NULL || store->file->in_transaction)
        return apply_to_file(store, row, !str_is_null(value), err);
    return state_memory_apply(store, row, value, err);
}

Status store_apply(Store *store, Str key, Str value, Error *err)
{
    TableRow row    = {0};
    Arena   *arena  = store->file->scratch;
    bool     exists = !str_is_null(value);
    TRY(decode_key(store, key, &row, err));
    Status status = exists ? store_record_decode(&store->spec, value, arena, &row, err) : OK;
    if (status == OK) {
        cache_forget(store, &row);
        raise_time(store, &row);
        exists = exists && !store_row_expired(store, row.window_start, row.window_end);
        status = apply(store, &row, exists ? value : STR_NULL, err);
    }
    arena_reset(arena);
    return status;
}
