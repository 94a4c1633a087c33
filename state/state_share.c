/*
 * state_share.c - see state_share.h.
 */
#include "state/state_share.h"

StateShare *state_share_new(void)
{
    StateShare        *share = mem_calloc(1, sizeof *share);
    pthread_condattr_t monotonic;
    pthread_mutex_init(&share->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&share->waiting, &monotonic);
    pthread_cond_init(&share->settled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    share->batch = 1;
    return share;
}

void state_share_free(StateShare *share)
{
    if (share == NULL)
        return;
    fact_set_clear(&share->facts);
    mem_free(share->graves.rows);
    pthread_cond_destroy(&share->waiting);
    pthread_cond_destroy(&share->settled);
    pthread_mutex_destroy(&share->lock);
    mem_free(share);
}

StoreMemory *state_share_next(const StateShare *share, const StoreMemory *after, Str name)
{
    StoreMemory *memory = after == NULL ? share->memories : after->next;
    while (memory != NULL && !str_equal(memory->table->spec.name, name))
        memory = memory->next;
    return memory;
}

void state_share_list(StateShare *share, StoreMemory *memory)
{
    if (memory->listed)
        return;
    memory->listed      = true;
    memory->next_listed = share->listed;
    share->listed       = memory;
}

/* The row that was replaced is in the file, in the batch being gathered, or in the one being written. */
static void replaced(StateShare *share, StoreMemory *memory, MemRow *old, MemRow *row, bool waits)
{
    if (old != NULL && old->batch > share->done && old->batch < share->batch) {
        mem_rows_add(&share->graves, old);
        old = NULL;
    }
    if (old != NULL && old->batch == share->batch) { /* its place among those that wait is the new one's */
        share->waiting_bytes -= store_memory_row_bytes(old);
        row->position                       = old->position;
        memory->waiting.rows[row->position] = row;
        row->batch                          = share->batch;
        mem_free(old);
        return;
    }
    mem_free(old);
    if (!waits)
        return;
    row->position = (uint32_t)memory->waiting.count;
    mem_rows_add(&memory->waiting, row);
}

/* Its next version into the block of the row that is here, unless the writer may be reading that. Rows whose
 * size stays the same, as most do, cost no malloc and stay where they are. */
static MemRow *written_over(StateShare *share, StoreMemory *memory, const MemEntry *entry, bool waits)
{
    MemRow *row = store_memory_find(memory, entry->key, entry->start, entry->end);
    if (row == NULL || (row->batch > share->done && row->batch < share->batch))
        return NULL;
    size_t before = store_memory_row_bytes(row);
    if (!store_memory_write_over(memory, row, entry))
        return NULL;
    if (row->batch == share->batch) {
        share->waiting_bytes -= before; /* it keeps its place among those that wait */
        return row;
    }
    row->batch = waits ? share->batch : 0;
    if (!waits)
        return row;
    row->position = (uint32_t)memory->waiting.count;
    mem_rows_add(&memory->waiting, row);
    return row;
}

static MemRow *put_new(StateShare *share, StoreMemory *memory, const MemEntry *entry, bool waits)
{
    MemRow *row, *old = store_memory_put(memory, entry, waits ? share->batch : 0, &row);
    replaced(share, memory, old, row, waits);
    return row;
}

void state_share_put(StateShare *share, StoreMemory *memory, const MemEntry *entry, bool waits)
{
    MemRow *row = written_over(share, memory, entry, waits);
    if (row == NULL)
        row = put_new(share, memory, entry, waits);
    if (row->batch == 0)
        return;
    share->waiting_bytes += store_memory_row_bytes(row);
    memory->last_batch = share->batch;
    state_share_list(share, memory);
}

Status state_share_unwritten(StoreMemory *memory, Status (*use)(void *context, MemRow *row, Error *err),
                             void *context, Error *err)
{
    for (size_t i = 0; i < memory->writing.count; i++) {
        MemEntry entry = store_memory_entry(memory, memory->writing.rows[i]);
        if (store_memory_find(memory, entry.key, entry.start, entry.end) == memory->writing.rows[i])
            TRY(use(context, memory->writing.rows[i], err));
    }
    for (size_t i = 0; i < memory->waiting.count; i++)
        TRY(use(context, memory->waiting.rows[i], err));
    return OK;
}

/* ---- facts ---- */

static size_t index_slot(const FactSet *set, Str name)
{
    size_t at = str_hash(name) & (set->index_size - 1);
    while (set->index[at] != 0 && !str_equal(set->facts[set->index[at] - 1].name, name))
        at = (at + 1) & (set->index_size - 1);
    return at;
}

const Fact *fact_set_find(const FactSet *set, Str name)
{
    if (set->count == 0)
        return NULL;
    uint32_t position = set->index[index_slot(set, name)];
    return position ? &set->facts[position - 1] : NULL;
}

static void index_grow(FactSet *set)
{
    if ((set->count + 1) * 2 <= set->index_size)
        return;
    set->index_size = set->index_size ? set->index_size * 2 : 64;
    mem_free(set->index);
    set->index = mem_calloc(set->index_size, sizeof *set->index);
    for (size_t i = 0; i < set->count; i++)
        set->index[index_slot(set, set->facts[i].name)] = (uint32_t)i + 1;
}

static Fact *fact_add(FactSet *set, Str name)
{
    index_grow(set);
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 32;
        set->facts    = mem_realloc(set->facts, set->capacity * sizeof *set->facts);
    }
    size_t slot      = index_slot(set, name);
    Fact  *fact      = &set->facts[set->count++];
    set->index[slot] = (uint32_t)set->count;
    *fact            = (Fact){.name = {str_to_heap(name), name.len}};
    return fact;
}

void fact_set_put(FactSet *set, Str name, Str value)
{
    Fact *fact = (Fact *)fact_set_find(set, name);
    Str   copy = str_is_null(value) ? STR_NULL : (Str){str_to_heap(value), value.len};
    if (fact == NULL)
        fact = fact_add(set, name);
    mem_free((char *)fact->value.ptr);
    fact->value = copy;
}

void fact_set_empty(FactSet *set)
{
    for (size_t i = 0; i < set->count; i++) {
        mem_free((char *)set->facts[i].name.ptr);
        mem_free((char *)set->facts[i].value.ptr);
    }
    set->count = 0;
    if (set->index_size > 0)
        memset(set->index, 0, set->index_size * sizeof *set->index);
}

void fact_set_clear(FactSet *set)
{
    fact_set_empty(set);
    mem_free(set->facts);
    mem_free(set->index);
    *set = (FactSet){0};
}
