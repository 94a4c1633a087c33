/*
 * store_cache.c - the rows in memory: found by a hash of key and window, kept in order of use, counted in
 * bytes.
 *
 * A row is one block (itself, key, key columns, the array of values) and one more for what the value columns
 * point to, if anything. A put copies into a spare block and swaps it with the row's: values may point into
 * the row they replace. States have memory of their own, each, for they change in place (core/growth.h).
 *
 * Use is tracked in steps of a commit interval: a row moves to the end of the list once per interval, however
 * often it is looked up. Nothing is evicted in between, so finer steps would buy nothing.
 */
#include "state/state_memory.h"

enum { TABLE_MIN = 16, SPARE_MAX = 64 * 1024, SPARE_ROWS = 8192, DIRTY_ROW = 64 };

uint64_t store_cache_hash(Str key, int64_t start, int64_t end)
{
    uint64_t hash = str_hash(key);
    if ((start | end) == 0)
        return hash;
    hash ^= ((uint64_t)start * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)end * 0xc2b2ae3d27d4eb4full);
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ull;
    return hash ^ hash >> 32;
}

/* ---- hash table ---- */

static void table_place(CacheTable *table, uint64_t hash, void *item)
{
    size_t at = hash & (table->capacity - 1);
    while (table->slots[at].item != NULL)
        at = (at + 1) & (table->capacity - 1);
    table->slots[at].hash = hash;
    table->slots[at].item = item;
}

static void table_insert(CacheTable *table, uint64_t hash, void *item)
{
    if ((table->count + 1) * 4 > table->capacity * 3) {
        CacheTable old  = *table;
        table->capacity = old.capacity ? old.capacity * 2 : TABLE_MIN;
        table->slots    = mem_calloc(table->capacity, sizeof *table->slots);
        for (size_t i = 0; i < old.capacity; i++)
            if (old.slots[i].item != NULL)
                table_place(table, old.slots[i].hash, old.slots[i].item);
        mem_free(old.slots);
    }
    table_place(table, hash, item);
    table->count++;
}

/* Closes the gap, so that no probe ends too early. */
static void table_delete(CacheTable *table, uint64_t hash, const void *item)
{
    size_t mask = table->capacity - 1, gap = hash & mask;
    while (table->slots[gap].item != item)
        gap = (gap + 1) & mask;
    for (size_t at = (gap + 1) & mask; table->slots[at].item != NULL; at = (at + 1) & mask) {
        size_t home = table->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            table->slots[gap] = table->slots[at];
            gap               = at;
        }
    }
    table->slots[gap].item = NULL;
    table->count--;
}

CacheRow *store_cache_find(const Store *store, uint64_t hash, Str key, int64_t start, int64_t end)
{
    const CacheTable *table = &store->rows;
    if (table->count == 0)
        return NULL;
    bool compare_end = store_has_end(store->spec.kind);
    for (size_t at = hash & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) {
        CacheRow *row = table->slots[at].item;
        if (row == NULL)
            return NULL;
        if (table->slots[at].hash == hash && row->base.window_start == start &&
            (!compare_end || row->base.window_end == end) && str_equal(row->base.key, key))
            return row;
    }
}

/* ---- groups: the windows of a key ---- */

KeyGroup *store_cache_find_group(const Store *store, Str key)
{
    const CacheTable *table = &store->groups;
    if (table->count == 0)
        return NULL;
    uint64_t hash = str_hash(key);
    for (size_t at = hash & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) {
        KeyGroup *group = table->slots[at].item;
        if (group == NULL || (table->slots[at].hash == hash && str_equal(group->key, key)))
            return group;
    }
}

void store_cache_forget_group(Store *store, Str key)
{
    KeyGroup *group = store->spec.kind == STORE_KEY_VALUE
                          ? NULL
                          : store_cache_find_group(store, store_cache_group_key(store, key));
    if (group != NULL)
        group->complete_from = INT64_MAX;
}

static size_t group_bytes(const KeyGroup *group)
{
    return sizeof *group + group->key.len + group->capacity * sizeof *group->rows;
}

static void group_set_idle(Store *store, KeyGroup *group)
{
    if (group->idle)
        return;
    if (store->idle_count == store->idle_capacity) {
        store->idle_capacity = store->idle_capacity ? store->idle_capacity * 2 : 16;
        store->idle          = mem_realloc(store->idle, store->idle_capacity * sizeof *store->idle);
    }
    group->idle                      = true;
    store->idle[store->idle_count++] = group;
}

Str store_cache_group_key(const Store *store, Str key)
{
    return store->spec.kind == STORE_PREFIX ? store_prefix_of(key) : key;
}

KeyGroup *store_cache_group(Store *store, Str key)
{
    KeyGroup *group = store_cache_find_group(store, key);
    if (group != NULL)
        return group;
    group                = mem_calloc(1, sizeof *group + key.len);
    group->hash          = str_hash(key);
    group->key           = str_n((char *)(group + 1), key.len);
    group->complete_from = INT64_MAX;
    if (key.len > 0)
        memcpy(group + 1, key.ptr, key.len);
    table_insert(&store->groups, group->hash, group);
    store->file->cache_bytes += group_bytes(group);
    group_set_idle(store, group);
    return group;
}

static int64_t row_time(const CacheRow *row)
{
    return store_row_time(row->store->spec.kind, row->base.window_start, row->base.window_end);
}

static int64_t row_second(const CacheRow *row)
{
    return store_row_second(row->store->spec.kind, row->base.window_start, row->base.window_end);
}

static bool row_is_before(const CacheRow *row, int64_t time, int64_t second, Str key)
{
    int64_t own = row_time(row);
    if (own != time)
        return own < time;
    if (row->store->spec.kind == STORE_PREFIX)
        return str_compare(row->base.key, key) < 0;
    return row_second(row) < second;
}

/* Position of the first row of the group that is not before this one. */
static size_t group_position(const KeyGroup *group, const CacheRow *wanted)
{
    int64_t time = row_time(wanted), second = row_second(wanted);
    size_t  low = 0, high = group->count;
    if (high > 0 && row_time(group->rows[high - 1]) < time)
        return high; /* time goes on, mostly */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (row_is_before(group->rows[middle], time, second, wanted->base.key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void group_insert(KeyGroup *group, CacheRow *row)
{
    if (group->count == group->capacity) {
        size_t more = group->capacity ? group->capacity : 4;
        row->store->file->cache_bytes += more * sizeof *group->rows;
        group->capacity += more;
        group->rows = mem_realloc(group->rows, group->capacity * sizeof *group->rows);
    }
    size_t at = group_position(group, row);
    memmove(group->rows + at + 1, group->rows + at, (group->count - at) * sizeof *group->rows);
    group->rows[at] = row;
    group->count++;
    row->group   = group;
    row->grouped = true;
}

void store_cache_ungroup(CacheRow *row)
{
    KeyGroup *group = row->group;
    if (!row->grouped)
        return;
    size_t at = group_position(group, row);
    memmove(group->rows + at, group->rows + at + 1, (group->count - at - 1) * sizeof *group->rows);
    group->count--;
    row->grouped = false;
    if (group->count == 0)
        group_set_idle(row->store, group);
}

void store_cache_regroup(CacheRow *row)
{
    if (row->store->keeps_groups && !row->grouped)
        group_insert(row->group != NULL
                         ? row->group
                         : store_cache_group(row->store, store_cache_group_key(row->store, row->base.key)),
                     row);
}

/* Most stores with windows are never asked for all windows of a key; a group for each row would double its
 * cost. */
void store_cache_keep_groups(Store *store)
{
    if (store->keeps_groups)
        return;
    store->keeps_groups = true;
    for (size_t i = 0; i < store->rows.capacity; i++) {
        CacheRow *row = store->rows.slots[i].item;
        if (row == NULL)
            continue;
        if (row->base.dirty && !row->base.exists) /* no member, but a rollback that takes it back must tell */
            row->group = store_cache_group(store, store_cache_group_key(store, row->base.key));
        else
            store_cache_regroup(row);
    }
}

static void group_delete(CacheRow *row)
{
    KeyGroup *group = row->group;
    int64_t   time  = row_time(row);
    store_cache_ungroup(row);
    if (time >= group->complete_from) /* the file may hold it: from here on the cache is not complete */
        group->complete_from = time == INT64_MAX ? INT64_MAX : time + 1;
}

static void group_free(Store *store, KeyGroup *group)
{
    store->file->cache_bytes -= group_bytes(group);
    table_delete(&store->groups, group->hash, group);
    mem_free(group->rows);
    mem_free(group);
}

void store_cache_drop_idle_groups(Store *store)
{
    for (size_t i = 0; i < store->idle_count; i++) {
        store->idle[i]->idle = false;
        if (store->idle[i]->count == 0)
            group_free(store, store->idle[i]);
    }
    store->idle_count = 0;
}

/* ---- rows ---- */

static void list_remove(StateFile *file, CacheRow *row)
{
    *(row->older ? &row->older->newer : &file->oldest) = row->newer;
    *(row->newer ? &row->newer->older : &file->newest) = row->older;
}

static void list_append(StateFile *file, CacheRow *row)
{
    row->older                                             = file->newest;
    row->newer                                             = NULL;
    *(file->newest ? &file->newest->newer : &file->oldest) = row;
    file->newest                                           = row;
    row->epoch                                             = file->epoch;
}

void store_cache_use(CacheRow *row)
{
    StateFile *file = row->store->file;
    if (row->epoch == file->epoch)
        return;
    list_remove(file, row);
    list_append(file, row);
}

/* Rows come and go by the ten thousand at each commit, most of them of one size: malloc would join and split
 * them. */
static CacheRow *block_take(StateFile *file, size_t bytes)
{
    unsigned  steps = (unsigned)((bytes + ROW_STEP - 1) / ROW_STEP);
    CacheRow *row;
    if (steps >= SPARE_CLASSES || file->spare_rows[steps] == NULL) {
        row = mem_calloc(steps, ROW_STEP);
    } else {
        row                     = file->spare_rows[steps];
        file->spare_rows[steps] = *(void **)file->spare_rows[steps];
        file->spare_counts[steps]--;
        memset(row, 0, bytes);
    }
    row->block = steps;
    return row;
}

static void block_give(StateFile *file, CacheRow *row)
{
    unsigned steps = row->block;
    if (steps >= SPARE_CLASSES || file->spare_counts[steps] >= SPARE_ROWS) {
        mem_free(row);
        return;
    }
    *(void **)row           = file->spare_rows[steps];
    file->spare_rows[steps] = row;
    file->spare_counts[steps]++;
}

void store_cache_free_spare(StateFile *file)
{
    for (size_t i = 0; i < SPARE_CLASSES; i++)
        for (void *block = file->spare_rows[i], *next; block != NULL; block = next) {
            next = *(void **)block;
            mem_free(block);
        }
}

CacheRow *store_cache_add(Store *store, uint64_t hash, Str key, const Value *keys, int64_t start, int64_t end)
{
    const StoreSpec *spec   = &store->spec;
    size_t           extra  = columns_pack_size(spec->keys, keys, spec->key_count);
    size_t           growth = store->fixed_states ? 0 : spec->state_count * sizeof(Growth);
    size_t           bytes =
        sizeof(CacheRow) + (store->row_values + spec->key_count) * sizeof(Value) + growth + extra + key.len;
    CacheRow *row    = block_take(store->file, bytes);
    Value    *values = (Value *)(row + 1), *key_values = values + store->row_values;
    char     *at = (char *)(key_values + spec->key_count);
    row->growth  = growth > 0 ? (Growth *)(void *)at : NULL;
    at += growth;
    columns_pack(spec->keys, keys, spec->key_count, key_values, &at);
    if (key.len > 0)
        memcpy(at, key.ptr, key.len);
    row->base  = (StoreRow){.key          = str_n(at, key.len),
                            .window_start = start,
                            .window_end   = end,
                            .keys         = key_values,
                            .values       = values};
    row->store = store;
    row->hash  = hash;
    row->bytes = bytes;
    store->file->cache_bytes += bytes;
    table_insert(&store->rows, hash, row);
    list_append(store->file, row);
    if (store->keeps_groups)
        group_insert(store_cache_group(store, store_cache_group_key(store, key)), row);
    return row;
}

/* `more` may be less than nothing: the sums wrap. */
static void add_bytes(CacheRow *row, size_t more)
{
    row->bytes += more;
    row->store->file->cache_bytes += more;
    if (row->base.dirty)
        row->store->file->dirty_bytes += more;
}

/* What a dirty row counts for: its values and some, without the bookkeeping of the cache. It is what others
 * count who bound their caches, and decides how often there is a commit. */
static size_t dirty_weight(const CacheRow *row) { return row->bytes - sizeof *row + DIRTY_ROW; }

static void row_free(CacheRow *row)
{
    StateFile *file = row->store->file;
    store_cache_clear_states(row);
    file->cache_bytes -= row->bytes;
    if (row->base.dirty)
        file->dirty_bytes -= dirty_weight(row);
    list_remove(file, row);
    mem_free(row->data);
    block_give(file, row);
}

void store_cache_remove(CacheRow *row)
{
    table_delete(&row->store->rows, row->hash, row);
    if (row->group != NULL)
        group_delete(row);
    row_free(row);
}

/* A block of at least `size` bytes for a row: the spare one when it is not far too big. */
static void *spare_take(StateFile *file, size_t size, size_t *got)
{
    if (file->spare_size >= size && file->spare_size <= 2 * size + 64) {
        void *block      = file->spare;
        *got             = file->spare_size;
        file->spare      = NULL;
        file->spare_size = 0;
        return block;
    }
    *got = (size + 31) & ~(size_t)31;
    return mem_alloc(*got);
}

static void spare_give(StateFile *file, void *block, size_t size)
{
    if (block == NULL || size > SPARE_MAX || file->spare != NULL) {
        mem_free(block);
        return;
    }
    file->spare      = block;
    file->spare_size = size;
}

void store_cache_set_values(CacheRow *row, const Value *values)
{
    Store           *store = row->store;
    StateFile       *file  = store->file;
    const StoreSpec *spec  = &store->spec;
    size_t size = store->fixed_values ? 0 : columns_pack_size(spec->values, values, spec->value_count);
    if (size == 0 && row->data == NULL) {
        memmove(row->base.values, values, spec->value_count * sizeof(Value)); /* they may be its own */
        return;
    }
    void  *old      = row->data;
    size_t old_size = row->data_size, got = 0;
    char  *at = size ? spare_take(file, size, &got) : NULL;
    row->data = at;
    columns_pack(spec->values, values, spec->value_count, row->base.values, &at);
    row->data_size = got;
    add_bytes(row, got - old_size);
    spare_give(file, old, old_size);
}

/* ---- states ---- */

static void count_states(CacheRow *row)
{
    size_t size = 0;
    for (size_t i = 0; i < row->store->spec.state_count; i++)
        size += row->growth[i].held;
    add_bytes(row, size - row->growth_size);
    row->growth_size = size;
}

void store_cache_set_states(CacheRow *row, const Value *states)
{
    const StoreSpec *spec = &row->store->spec;
    Value           *own  = row->base.values + spec->value_count;
    if (row->growth == NULL) {
        memmove(own, states, spec->state_count * sizeof *own);
        return;
    }
    for (size_t i = 0; i < spec->state_count; i++)
        growth_replace(&row->growth[i], spec->states[i].type, states[i], &own[i]);
    count_states(row);
}

void store_cache_clear_states(CacheRow *row)
{
    if (row->growth == NULL)
        return;
    for (size_t i = 0; i < row->store->spec.state_count; i++)
        growth_clear(&row->growth[i]);
    count_states(row);
}

void store_cache_swap_states(CacheRow *a, CacheRow *b)
{
    const StoreSpec *spec = &a->store->spec;
    for (size_t i = 0; i < spec->state_count; i++) {
        Value *x = &a->base.values[spec->value_count + i], *y = &b->base.values[spec->value_count + i];
        Value  value = *x;
        *x           = *y;
        *y           = value;
    }
    if (a->growth == NULL)
        return;
    for (size_t i = 0; i < spec->state_count; i++) {
        Growth growth = a->growth[i];
        a->growth[i]  = b->growth[i];
        b->growth[i]  = growth;
    }
    count_states(a);
    count_states(b);
}

void store_cache_settle_states(CacheRow *row)
{
    const StoreSpec *spec = &row->store->spec;
    for (size_t i = 0; i < spec->state_count; i++)
        growth_settle(&row->growth[i], spec->states[i].type, &row->base.values[spec->value_count + i]);
    count_states(row);
}

void store_cache_list(Store *store)
{
    if (store->listed)
        return;
    store->listed        = true;
    store->next_changed  = store->file->changed;
    store->file->changed = store;
}

void store_cache_mark_dirty(CacheRow *row)
{
    Store *store = row->store;
    if (row->base.dirty)
        return;
    if (store->dirty_count == store->dirty_capacity) {
        store->dirty_capacity = store->dirty_capacity ? store->dirty_capacity * 2 : 16;
        store->dirty          = mem_realloc(store->dirty, store->dirty_capacity * sizeof *store->dirty);
    }
    store->dirty[store->dirty_count++] = row;
    row->base.dirty                    = true;
    store->file->dirty_bytes += dirty_weight(row);
    store_cache_list(store);
}

void store_cache_evict(StateFile *file)
{
    CacheRow *row = file->oldest;
    while (row != NULL && file->cache_bytes > file->cache_limit) {
        CacheRow *newer = row->newer;
        if (!row->base.dirty) {
            state_memory_keep(file, row);
            store_cache_remove(row);
        }
        row = newer;
    }
}

void store_cache_clear(Store *store)
{
    for (size_t i = 0; i < store->rows.capacity; i++)
        if (store->rows.slots[i].item != NULL)
            row_free(store->rows.slots[i].item);
    for (size_t i = 0; i < store->groups.capacity; i++) {
        KeyGroup *group = store->groups.slots[i].item;
        if (group != NULL) {
            store->file->cache_bytes -= group_bytes(group);
            mem_free(group->rows);
            mem_free(group);
        }
    }
    mem_free(store->rows.slots);
    mem_free(store->groups.slots);
    store->rows = store->groups = (CacheTable){0};
    store->dirty_count = store->aside_count = store->idle_count = 0;
}
