/*
 * store_memory.c - see store_memory.h.
 *
 * The table is open addressing with linear probing; a place has its row's hash, so that probing and growing
 * do not look into the rows. The hand goes round over the places, a few for each row that is put: giving up
 * rows costs no list of their use, and expired windows need no search.
 */
#include "state/store_cache.h"
#include "state/store_memory.h"

enum { PLACES_MIN = 16, LIST_MIN = 4, BLOCK_BYTES = 16 /* what malloc adds, about */ };

/* The rows of a key that has several. */
typedef struct {
    uint8_t  kind; /* MEM_LIST */
    uint32_t count, capacity;
    MemRow  *rows[]; /* by (time, second) */
} MemList;

static bool has_windows(const StoreMemory *memory) { return !store_is_timeless(memory->table->spec.kind); }

static size_t bounds_size(const StoreMemory *memory) { return has_windows(memory) ? 2 * sizeof(int64_t) : 0; }

void mem_rows_add(MemRows *rows, MemRow *row)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 64;
        rows->rows     = mem_realloc(rows->rows, rows->capacity * sizeof *rows->rows);
    }
    rows->rows[rows->count++] = row;
}

/* ---- a row ---- */

size_t store_memory_row_bytes(const MemRow *row)
{
    return sizeof *row + BLOCK_BYTES + row->key_len + (row->value_len == MEM_REMOVED ? 0 : row->value_len);
}

/* What malloc gives for a row of that entry: it goes in steps of 16 bytes and keeps 8 of them. */
static size_t room_of(const StoreMemory *memory, size_t key_len, size_t value_len)
{
    return ((sizeof(MemRow) + bounds_size(memory) + key_len + value_len + 8 + 15) & ~(size_t)15) - 8;
}

static void write_bounds(const StoreMemory *memory, MemRow *row, const MemEntry *entry)
{
    if (bounds_size(memory) == 0)
        return;
    memcpy(row->bytes, &entry->start, sizeof entry->start);
    memcpy(row->bytes + sizeof entry->start, &entry->end, sizeof entry->end);
}

static void write_value(const StoreMemory *memory, MemRow *row, Str value)
{
    row->used      = true;
    row->value_len = str_is_null(value) ? MEM_REMOVED : (uint32_t)value.len;
    if (value.len > 0)
        memcpy(row->bytes + bounds_size(memory) + row->key_len, value.ptr, value.len);
}

static MemRow *row_new(const StoreMemory *memory, const MemEntry *entry)
{
    MemRow *row = mem_alloc(room_of(memory, entry->key.len, entry->value.len));
    *row        = (MemRow){.kind = MEM_ROW, .key_len = (uint32_t)entry->key.len};
    write_bounds(memory, row, entry);
    if (entry->key.len > 0)
        memcpy(row->bytes + bounds_size(memory), entry->key.ptr, entry->key.len);
    write_value(memory, row, entry->value);
    return row;
}

/* A row that was removed may have more room than its size says; then it just is not written over. */
bool store_memory_write_over(StoreMemory *memory, MemRow *row, const MemEntry *entry)
{
    size_t value_len = row->value_len == MEM_REMOVED ? 0 : row->value_len;
    if (room_of(memory, row->key_len, value_len) != room_of(memory, row->key_len, entry->value.len))
        return false;
    memory->bytes -= store_memory_row_bytes(row);
    write_bounds(memory, row, entry);
    write_value(memory, row, entry->value);
    memory->bytes += store_memory_row_bytes(row);
    return true;
}

static Str row_key(const StoreMemory *memory, const MemRow *row)
{
    return str_n(row->bytes + bounds_size(memory), row->key_len);
}

MemEntry store_memory_entry(const StoreMemory *memory, const MemRow *row)
{
    MemEntry entry = {.key = row_key(memory, row)};
    entry.value =
        row->value_len == MEM_REMOVED ? STR_NULL : str_n(entry.key.ptr + row->key_len, row->value_len);
    if (has_windows(memory)) {
        memcpy(&entry.start, row->bytes, sizeof entry.start);
        memcpy(&entry.end, row->bytes + sizeof entry.start, sizeof entry.end);
    }
    return entry;
}

/* Rows of one key are in the order of (time, second), which is their identity beside it. */
typedef struct {
    int64_t time, second;
} When;

static When when_of(const StoreMemory *memory, int64_t start, int64_t end)
{
    StoreKind kind = memory->table->spec.kind;
    return (When){store_row_time(kind, start, end), store_row_second(kind, start, end)};
}

static int compare_when(When a, When b)
{
    if (a.time != b.time)
        return a.time < b.time ? -1 : 1;
    return (a.second > b.second) - (a.second < b.second);
}

/* What the rows at one place have in common. */
static Str place_key(const StoreMemory *memory, Str key)
{
    return memory->table->spec.kind == STORE_PREFIX ? store_prefix_of(key) : key;
}

static When row_when(const StoreMemory *memory, const MemRow *row)
{
    MemEntry entry = store_memory_entry(memory, row);
    return when_of(memory, entry.start, entry.end);
}

/* Where a row of that time and key stands beside `row` of the same place: before it, behind it, or 0: it is
 * the same. */
static int compare_rows(const StoreMemory *memory, const MemRow *row, When when, Str key)
{
    if (has_windows(memory))
        return compare_when(row_when(memory, row), when);
    return memory->table->spec.kind == STORE_PREFIX ? str_compare(row_key(memory, row), key) : 0;
}

/* ---- places ---- */

/* `key`: of a place, from here on in this part. */
static uint32_t tag_of(Str key)
{
    uint64_t hash = str_hash(key);
    return (uint32_t)(hash ^ hash >> 32);
}

/* All have the place's key; the newest is the one that is most likely asked for. */
static const MemRow *newest_row(const void *place)
{
    const MemList *list = place;
    return list->kind == MEM_LIST ? list->rows[list->count - 1] : place;
}

/* Where the key's rows are, or the free place where they would be. The table is never full. */
static size_t place_of(const StoreMemory *memory, Str key, uint32_t tag)
{
    size_t at = tag & (memory->capacity - 1);
    while (memory->places[at].what != NULL &&
           (memory->places[at].tag != tag ||
            !str_equal(place_key(memory, row_key(memory, newest_row(memory->places[at].what))), key)))
        at = (at + 1) & (memory->capacity - 1);
    return at;
}

static void grow(StoreMemory *memory)
{
    if ((memory->count + 1) * 4 <= memory->capacity * 3)
        return;
    MemPlace *places = memory->places;
    size_t    old    = memory->capacity;
    memory->capacity = old ? old * 2 : PLACES_MIN;
    memory->places   = mem_calloc(memory->capacity, sizeof *memory->places);
    memory->hand     = 0;
    memory->bytes += (memory->capacity - old) * sizeof *places;
    for (size_t i = 0; i < old; i++) {
        size_t at = places[i].tag & (memory->capacity - 1);
        if (places[i].what == NULL)
            continue;
        while (memory->places[at].what != NULL)
            at = (at + 1) & (memory->capacity - 1);
        memory->places[at] = places[i];
    }
    mem_free(places);
}

/* Closes the gap, so that no probe ends too early. */
static void free_place(StoreMemory *memory, size_t gap)
{
    size_t mask = memory->capacity - 1;
    for (size_t at = (gap + 1) & mask; memory->places[at].what != NULL; at = (at + 1) & mask) {
        size_t home = memory->places[at].tag & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            memory->places[gap] = memory->places[at];
            gap                 = at;
        }
    }
    memory->places[gap].what = NULL;
    memory->count--;
}

/* ---- lists ---- */

/* Position of the first row that is not before. */
static uint32_t list_position(const StoreMemory *memory, const MemList *list, When when, Str key)
{
    uint32_t low = 0, high = list->count;
    if (high > 0 && compare_rows(memory, list->rows[high - 1], when, key) < 0)
        return high; /* time goes on, mostly */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (compare_rows(memory, list->rows[middle], when, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t list_bytes(uint32_t capacity) { return sizeof(MemList) + capacity * sizeof(MemRow *); }

/* The list may move. */
static MemList *list_insert(StoreMemory *memory, MemList *list, uint32_t at, MemRow *row)
{
    if (list->count == list->capacity) {
        memory->bytes += list->capacity * sizeof *list->rows;
        list->capacity *= 2;
        list = mem_realloc(list, list_bytes(list->capacity));
    }
    memmove(list->rows + at + 1, list->rows + at, (list->count - at) * sizeof *list->rows);
    list->rows[at] = row;
    list->count++;
    return list;
}

static MemList *list_new(StoreMemory *memory, MemRow *first)
{
    MemList *list = mem_alloc(list_bytes(LIST_MIN));
    *list         = (MemList){.kind = MEM_LIST, .count = 1, .capacity = LIST_MIN};
    list->rows[0] = first;
    memory->bytes += list_bytes(LIST_MIN) + BLOCK_BYTES;
    return list;
}

static void list_free(StoreMemory *memory, MemList *list)
{
    memory->bytes -= list_bytes(list->capacity) + BLOCK_BYTES;
    mem_free(list);
}

/* ---- finding ---- */

void store_memory_fetch_place(const StoreMemory *memory, Str key)
{
    if (memory->capacity > 0)
        __builtin_prefetch(&memory->places[tag_of(place_key(memory, key)) & (memory->capacity - 1)]);
}

void store_memory_fetch_row(const StoreMemory *memory, Str key)
{
    if (memory->capacity > 0)
        __builtin_prefetch(memory->places[tag_of(place_key(memory, key)) & (memory->capacity - 1)].what);
}

void store_memory_fetch_newest(const StoreMemory *memory, Str key)
{
    const MemList *list = memory->capacity == 0
                              ? NULL
                              : memory->places[tag_of(place_key(memory, key)) & (memory->capacity - 1)].what;
    if (list != NULL && list->kind == MEM_LIST)
        __builtin_prefetch(list->rows[list->count - 1]);
}

static void *place_at(const StoreMemory *memory, Str key)
{
    Str at = place_key(memory, key);
    return memory->count == 0 ? NULL : memory->places[place_of(memory, at, tag_of(at))].what;
}

bool store_memory_has_key(const StoreMemory *memory, Str key) { return place_at(memory, key) != NULL; }

MemRow *store_memory_find(StoreMemory *memory, Str key, int64_t start, int64_t end)
{
    void *place = place_at(memory, key);
    if (place == NULL)
        return NULL;
    When    when = when_of(memory, start, end);
    MemRow *row  = place;
    if (*(uint8_t *)place == MEM_LIST) {
        MemList *list = place;
        uint32_t at   = list_position(memory, list, when, key);
        if (at == list->count)
            return NULL;
        row = list->rows[at];
    }
    return compare_rows(memory, row, when, key) == 0 ? row : NULL;
}

Status store_memory_of_key(StoreMemory *memory, Str                                     key,
                           Status (*use)(void *context, MemRow *row, Error *err), void *context, Error *err)
{
    void *place = place_at(memory, key);
    if (place == NULL)
        return OK;
    if (*(uint8_t *)place == MEM_ROW)
        return use(context, place, err);
    MemList *list = place;
    for (uint32_t i = 0; i < list->count; i++)
        TRY(use(context, list->rows[i], err));
    return OK;
}

bool store_memory_may_lack(const StoreMemory *memory, int64_t start, int64_t end)
{
    if (memory->complete)
        return false;
    return !has_windows(memory) || store_row_time(memory->table->spec.kind, start, end) <= memory->cold_time;
}

/* ---- changing ---- */

/* Into the list at that place; the row of the same identity that was there. */
static MemRow *put_in_list(StoreMemory *memory, size_t place, MemRow *row)
{
    MemList *list = memory->places[place].what;
    When     when = row_when(memory, row);
    Str      key  = row_key(memory, row);
    uint32_t at   = list_position(memory, list, when, key);
    if (at < list->count && compare_rows(memory, list->rows[at], when, key) == 0) {
        MemRow *old    = list->rows[at];
        list->rows[at] = row;
        return old;
    }
    memory->places[place].what = list_insert(memory, list, at, row);
    return NULL;
}

static MemRow *put_at(StoreMemory *memory, size_t at, uint32_t tag, MemRow *row)
{
    void *place = memory->places[at].what;
    if (place == NULL) {
        memory->places[at] = (MemPlace){row, tag};
        memory->count++;
        return NULL;
    }
    if (*(uint8_t *)place == MEM_LIST)
        return put_in_list(memory, at, row);
    if (compare_rows(memory, place, row_when(memory, row), row_key(memory, row)) == 0) {
        memory->places[at].what = row;
        return place;
    }
    memory->places[at].what = list_new(memory, place);
    return put_in_list(memory, at, row);
}

MemRow *store_memory_put(StoreMemory *memory, const MemEntry *entry, uint32_t batch, MemRow **placed)
{
    MemRow  *row = row_new(memory, entry);
    Str      key = place_key(memory, entry->key);
    uint32_t tag = tag_of(key);
    row->batch   = batch;
    grow(memory);
    MemRow *old = put_at(memory, place_of(memory, key, tag), tag, row);
    memory->bytes += store_memory_row_bytes(row);
    if (old != NULL)
        memory->bytes -= store_memory_row_bytes(old);
    else
        memory->rows++;
    *placed = row;
    return old;
}

static void take_from(StoreMemory *memory, size_t at, MemRow *row)
{
    void *place = memory->places[at].what;
    memory->bytes -= store_memory_row_bytes(row);
    memory->rows--;
    if (*(uint8_t *)place == MEM_ROW) {
        free_place(memory, at);
        return;
    }
    MemList *list  = place;
    uint32_t index = list_position(memory, list, row_when(memory, row), row_key(memory, row));
    memmove(list->rows + index, list->rows + index + 1, (list->count - index - 1) * sizeof *list->rows);
    if (--list->count > 1)
        return;
    memory->places[at].what = list->rows[0];
    list_free(memory, list);
}

void store_memory_take(StoreMemory *memory, MemRow *row)
{
    Str key = place_key(memory, row_key(memory, row));
    take_from(memory, place_of(memory, key, tag_of(key)), row);
}

/* ---- giving up ---- */

/* Whether the row may go now. */
static bool may_go(StoreMemory *memory, MemRow *row, uint32_t done, bool over)
{
    int64_t bound = store_bound(
        &(StoreSpec){.kind = memory->table->spec.kind, .retention_ms = memory->retention_ms}, memory->time);
    if (row->batch > done)
        return false;
    if (row->value_len == MEM_REMOVED || (has_windows(memory) && row_when(memory, row).time < bound))
        return true; /* the file does not have it either, or nobody asks any more */
    if (!over)
        return false;
    if (row->used) {
        row->used = false;
        return false;
    }
    memory->complete = false;
    if (has_windows(memory) && row_when(memory, row).time > memory->cold_time)
        memory->cold_time = row_when(memory, row).time;
    return true;
}

static void sweep_list(StoreMemory *memory, MemList *list, uint32_t done, bool over)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (!may_go(memory, list->rows[i], done, over)) {
            list->rows[kept++] = list->rows[i];
            continue;
        }
        memory->bytes -= store_memory_row_bytes(list->rows[i]);
        memory->rows--;
        mem_free(list->rows[i]);
    }
    list->count = kept;
}

/* What may go of the rows at one place. Where the place gets free, others move up: the hand meets them next
 * time. */
static size_t sweep_place(StoreMemory *memory, size_t at, uint32_t done, bool over)
{
    size_t   before = memory->bytes;
    void    *place  = memory->places[at].what;
    MemList *list   = place;
    if (*(uint8_t *)place == MEM_ROW) {
        MemRow *row = place;
        if (may_go(memory, row, done, over)) {
            take_from(memory, at, row);
            mem_free(row);
        }
        return before - memory->bytes;
    }
    sweep_list(memory, list, done, over);
    if (list->count > 1)
        return before - memory->bytes;
    memory->places[at].what = list->count == 1 ? list->rows[0] : NULL;
    list_free(memory, list);
    if (memory->places[at].what == NULL)
        free_place(memory, at);
    return before - memory->bytes;
}

size_t store_memory_sweep(StoreMemory *memory, size_t steps, uint32_t done, size_t over)
{
    size_t freed = 0;
    if (memory->count == 0)
        return 0;
    if (steps > memory->capacity)
        steps = memory->capacity;
    for (; steps > 0 && memory->count > 0; steps--) {
        memory->hand = (memory->hand + 1) & (memory->capacity - 1);
        if (memory->places[memory->hand].what != NULL)
            freed += sweep_place(memory, memory->hand, done, freed < over);
    }
    return freed;
}

/* ---- life ---- */

StoreMemory *store_memory_new(StoreTable *table, int partition)
{
    StoreMemory *memory = mem_calloc(1, sizeof *memory);
    memory->table       = table;
    memory->partition   = partition;
    memory->cold_time   = INT64_MAX;
    memory->time        = INT64_MIN;
    return memory;
}

void store_memory_clear(StoreMemory *memory)
{
    for (size_t i = 0; i < memory->capacity; i++) {
        void *place = memory->places[i].what;
        if (place == NULL)
            continue;
        if (*(uint8_t *)place == MEM_ROW) {
            mem_free(place);
            continue;
        }
        MemList *list = place;
        for (uint32_t r = 0; r < list->count; r++)
            mem_free(list->rows[r]);
        list_free(memory, list);
    }
    mem_free(memory->places);
    memory->places = NULL;
    memory->count = memory->capacity = memory->rows = memory->hand = memory->bytes = 0;
}

void store_memory_free(StoreMemory *memory)
{
    store_memory_clear(memory);
    mem_free(memory->waiting.rows);
    mem_free(memory->writing.rows);
    mem_segments_clear(&memory->segments);
    mem_segments_clear(&memory->segments_writing);
    mem_free(memory);
}

void mem_segments_add(MemSegments *segments, MemSegment item)
{
    if (segments->count == segments->capacity) {
        segments->capacity = segments->capacity ? segments->capacity * 2 : 8;
        segments->items    = mem_realloc(segments->items, segments->capacity * sizeof *segments->items);
    }
    segments->items[segments->count++] = item;
}

void mem_segments_clear(MemSegments *segments)
{
    for (size_t i = 0; i < segments->count; i++) {
        segment_unref(segments->items[i].segment);
        mem_free(segments->items[i].rows);
    }
    mem_free(segments->items);
    *segments = (MemSegments){0};
}
