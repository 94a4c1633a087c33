/*
 * shared_decode.c - the records of a fetcher, decoded once for all tasks that read the same source.
 *
 * A fetcher has a SharedDecode per source description (SourceSpec); inputs join it when they join the
 * fetcher. Its decoder reads what all members together want. The batch is decoded in slices of BATCH_ROWS
 * records, when the first member gets there; a slice goes when all have passed it, so that a thousand
 * members, who take turns slice by slice, share the few rows that are in the processor's cache. Slices and
 * their memory belong to the worker.
 *
 * What is wanted may change as members come and go, but not under a slice: a newcomer who wants more lets the
 * slices go at once, and other changes wait until none is held.
 */
#include <assert.h>
#include <stdatomic.h>

#include "executor/runtime/shared_decode.h"

enum { SLICES = (POLL_RECORDS + BATCH_ROWS - 1) / BATCH_ROWS, SPARE_SLICES = 4 };

typedef struct Slice Slice;
struct Slice {
    Slice     *next; /* spare ones */
    Arena     *arena;
    SourceRows rows;
};

struct SliceCache {
    Clock           *clock;
    const FnConfig  *functions;
    SchemaRegistry  *registry;
    Slice           *spare;
    size_t           spare_count;
    _Atomic uint64_t decoded; /* records. Thread: read by any */
};

struct SharedDecode {
    SharedDecode  *next; /* of the fetcher */
    Fetcher       *fetcher;
    size_t         members;
    bool           stale; /* they are others than those whose wants `spec` joins */
    Arena         *arena; /* of what follows */
    SourceSpec     spec;
    SourceDecoder *decoder; /* NULL: not made yet */
    size_t         held;
    size_t         lowest;         /* of the members' places: scratch */
    Slice         *slices[SLICES]; /* of the fetcher's batch; NULL: not decoded, or passed by all */
};

/* ---- slices ---- */

static Slice *take_slice(SliceCache *cache)
{
    Slice *slice = cache->spare;
    if (slice == NULL) {
        slice        = mem_calloc(1, sizeof *slice);
        slice->arena = arena_new(0);
        return slice;
    }
    cache->spare = slice->next;
    cache->spare_count--;
    return slice;
}

static void free_slice(Slice *slice)
{
    arena_free(slice->arena);
    mem_free(slice);
}

static void drop_slice(SharedDecode *shared, size_t number)
{
    SliceCache *cache = shared->fetcher->slices;
    Slice      *slice = shared->slices[number];
    if (slice == NULL)
        return;
    shared->slices[number] = NULL;
    shared->held--;
    if (cache->spare_count == SPARE_SLICES) {
        free_slice(slice);
        return;
    }
    arena_reset(slice->arena);
    slice->next  = cache->spare;
    cache->spare = slice;
    cache->spare_count++;
}

static void drop_slices(SharedDecode *shared, size_t end)
{
    for (size_t i = 0; shared->held > 0 && i < end; i++)
        drop_slice(shared, i);
}

/* Before the batch is released: rows have strings that are in its records. */
void shared_decode_end_batch(Fetcher *fetcher)
{
    for (SharedDecode *shared = fetcher->decodes; shared != NULL; shared = shared->next)
        drop_slices(shared, SLICES);
}

/* By the members' places, and not by a count of readers per slice: one that is detached, rolled back or comes
 * in mid-batch would leave a count wrong, and a slice freed in use or held for ever. The last slice may be
 * short, which no division finds: it goes when all stand at the batch's end. */
void shared_decode_end_slices(Fetcher *fetcher)
{
    for (SharedDecode *shared = fetcher->decodes; shared != NULL; shared = shared->next)
        shared->lowest = fetcher->batch.count;
    for (size_t i = 0; i < fetcher->count; i++) {
        SharedDecode *shared = fetcher->consumers[i]->decode;
        if (shared != NULL && fetcher->consumers[i]->at < shared->lowest)
            shared->lowest = fetcher->consumers[i]->at;
    }
    for (SharedDecode *shared = fetcher->decodes; shared != NULL; shared = shared->next)
        drop_slices(shared, shared->lowest == fetcher->batch.count ? SLICES : shared->lowest / BATCH_ROWS);
}

SliceCache *slice_cache_new(Clock *clock, const FnConfig *functions, SchemaRegistry *registry)
{
    SliceCache *cache = mem_calloc(1, sizeof *cache);
    cache->clock      = clock;
    cache->functions  = functions;
    cache->registry   = registry;
    return cache;
}

void slice_cache_free(SliceCache *cache)
{
    for (Slice *slice = cache == NULL ? NULL : cache->spare, *next; slice != NULL; slice = next) {
        next = slice->next;
        free_slice(slice);
    }
    mem_free(cache);
}

uint64_t slice_cache_decoded(const SliceCache *cache) { return atomic_load(&cache->decoded); }

/* ---- what is wanted ---- */

static SourceSpec spec_of(const TaskInput *input)
{
    return source_spec(pipeline_input_node(input->pipeline, input->index));
}

/* Invariant: no slice is held. Rows point to the description that they were decoded by, and it is in here. */
static void forget(SharedDecode *shared)
{
    source_decoder_close(shared->decoder);
    arena_free(shared->arena);
    shared->decoder = NULL;
    shared->arena   = NULL;
}

static SourceSpec join_wanted(const SharedDecode *shared, Arena *arena)
{
    const Fetcher *fetcher = shared->fetcher;
    SourceSpec all = source_spec_copy(arena, &shared->spec); /* the description; what it wants is replaced */
    bool       any = false;
    for (size_t i = 0; i < fetcher->count; i++) {
        if (fetcher->consumers[i]->decode != shared)
            continue;
        SourceSpec one = spec_of(fetcher->consumers[i]);
        if (any)
            source_spec_add(arena, &all, &one);
        else
            all = source_spec_copy(arena, &one);
        any = true;
    }
    return all;
}

static bool same_wanted(const SourceSpec *a, const SourceSpec *b)
{
    return a->pseudo == b->pseudo && source_spec_covers(a, b) && source_spec_covers(b, a);
}

/* The decoder for what the members want now. */
static Status refresh(SharedDecode *shared, Error *err)
{
    const SliceCache *cache = shared->fetcher->slices;
    if (shared->stale) {
        Arena     *arena = arena_new(0);
        SourceSpec all   = join_wanted(shared, arena);
        if (same_wanted(&all, &shared->spec)) {
            arena_free(arena);
        } else {
            forget(shared);
            shared->arena = arena;
            shared->spec  = all;
        }
        shared->stale = false;
    }
    if (shared->decoder != NULL)
        return OK;
    return source_decoder_open(&shared->spec, cache->clock, cache->functions, cache->registry, shared->arena,
                               &shared->decoder, err);
}

/* ---- members ---- */

static SharedDecode *find_alike(const Fetcher *fetcher, const SourceSpec *spec)
{
    SharedDecode *shared = fetcher->decodes;
    while (shared != NULL && !source_spec_alike(&shared->spec, spec))
        shared = shared->next;
    return shared;
}

/* Who wants no more than the others changes nothing: the usual case of a thousand queries alike. Who wants
 * more cannot wait until slices have gone, for their rows lack its columns, and a NULL for a value that was
 * not decoded is a wrong result that nobody notices. No row is in use now: inputs come and go between the
 * steps of tasks, on the worker's thread, and no step keeps rows. */
void shared_decode_join(TaskInput *input)
{
    Fetcher *fetcher = input->fetcher;
    if (!pipeline_takes_rows(input->pipeline, input->index))
        return;
    SourceSpec    spec   = spec_of(input);
    SharedDecode *shared = find_alike(fetcher, &spec);
    if (shared == NULL) {
        shared           = mem_calloc(1, sizeof *shared);
        shared->fetcher  = fetcher;
        shared->arena    = arena_new(0);
        shared->spec     = source_spec_copy(shared->arena, &spec);
        shared->next     = fetcher->decodes;
        fetcher->decodes = shared;
    } else if ((spec.pseudo & ~shared->spec.pseudo) != 0 || !source_spec_covers(&shared->spec, &spec)) {
        drop_slices(shared, SLICES);
        shared->stale = true;
    }
    shared->members++;
    input->decode = shared;
}

/* Marked, no more: others are in the middle of the slices, and to decode too much for a while is no mistake,
 * while a decoder anew for each of a thousand queries that stop would be paid for by the rest. */
void shared_decode_leave(TaskInput *input)
{
    SharedDecode *shared = input->decode;
    input->decode        = NULL;
    if (shared == NULL)
        return;
    shared->stale = true;
    if (--shared->members > 0)
        return;
    SharedDecode **link = &shared->fetcher->decodes;
    while (*link != shared)
        link = &(*link)->next;
    *link = shared->next;
    drop_slices(shared, SLICES);
    forget(shared);
    mem_free(shared);
}

/* ---- rows ---- */

/* A bad record is no error here, for whose it is cannot be said: the value that cannot be read may be one
 * that a single member wants. Each looks for itself (op_source.c), so what a query skips never depends on who
 * else reads the topic. */
static Status decode_slice(SharedDecode *shared, size_t number, Error *err)
{
    const Fetcher *fetcher = shared->fetcher;
    size_t         start = number * BATCH_ROWS, left = fetcher->batch.count - start;
    /* While a slice is held the decoder reads enough: who wanted more has let all go (shared_decode_join). */
    if (shared->held == 0)
        TRY(refresh(shared, err));
    Clock  *clock = fetcher->slices->clock;
    Slice  *slice = take_slice(fetcher->slices);
    int64_t began = clock->monotonic_ns(clock);
    source_decoder_read(shared->decoder, fetcher->partition, fetcher->batch.records + start,
                        left < BATCH_ROWS ? left : BATCH_ROWS, slice->arena, &slice->rows);
    slice->rows.decode_ns  = clock->monotonic_ns(clock) - began;
    shared->slices[number] = slice;
    shared->held++;
    atomic_fetch_add_explicit(&fetcher->slices->decoded, slice->rows.count, memory_order_relaxed);
    return OK;
}

Status shared_decode_rows(const TaskInput *input, size_t at, const SourceRows **rows, size_t *index,
                          Error *err)
{
    SharedDecode *shared = input->decode;
    size_t        number = at / BATCH_ROWS;
    assert(at < shared->fetcher->batch.count && number < SLICES);
    /* Rows that could not be read for want of a schema are no result to be kept: it may be there by now. */
    if (shared->slices[number] != NULL && shared->slices[number]->rows.waits)
        drop_slice(shared, number);
    if (shared->slices[number] == NULL)
        TRY(decode_slice(shared, number, err));
    *rows  = &shared->slices[number]->rows;
    *index = at % BATCH_ROWS;
    return OK;
}
