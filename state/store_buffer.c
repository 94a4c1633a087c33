/*
 * store_buffer.c - several rows per key and time: what a join or a pattern keeps of a stream.
 *
 * A row's identity is key, time and a number that its owner counts up; so a new row is never in the file and
 * is added without a look at it, which is what makes a buffer cheap to fill. Rows of one key lie in the
 * cache in the order of (time, number), as the windows of a key do (store_cache.h: KeyGroup), and expire by
 * the newest time ever put, exactly at the retention.
 */
#include "state/store_cache.h"

StoreRow *store_buffer_add(Store *store, Str key, const Value *keys, int64_t time, int64_t number,
                           const Value *values, int64_t timestamp)
{
    if (store_row_expired(store, time, number))
        return NULL;
    CacheRow *row = store_cache_add(store, store_cache_hash(key, time, number), key, keys, time, number);
    store_put(store, &row->base, values, timestamp, true);
    return &row->base;
}

Status store_buffer_find(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                         Error *err)
{
    return store_find_windows(store, key, NULL, from, to, arena, out, err);
}
