/*
 * store_index.c - see store_index.h.
 */
#include "state/store_index.h"

enum { PART_ROWS = 1 << 16, SLOTS_MIN = 64, FOUND_MIN = 8 };

static uint32_t stored_tag(uint32_t tag) { return tag == 0 ? 1 : tag; }

static size_t part_bytes(size_t capacity) { return capacity * (sizeof(uint32_t) + sizeof(int64_t)); }

static void part_free(TimeIndex *index, IndexPart *part)
{
    index->bytes -= part_bytes(part->capacity);
    mem_free(part->tags);
    mem_free(part->times);
}

/* False: it is there already. */
static bool part_put(IndexPart *part, uint32_t tag, int64_t time)
{
    size_t mask = part->capacity - 1, at = tag & mask;
    for (; part->tags[at] != 0; at = (at + 1) & mask)
        if (part->tags[at] == tag && part->times[at] == time)
            return false;
    part->tags[at]  = tag;
    part->times[at] = time;
    part->count++;
    return true;
}

static void part_grow(TimeIndex *index, IndexPart *part)
{
    IndexPart old  = *part;
    part->capacity = old.capacity ? old.capacity * 2 : SLOTS_MIN;
    part->tags     = mem_calloc(part->capacity, sizeof *part->tags);
    part->times    = mem_alloc(part->capacity * sizeof *part->times);
    part->count    = 0;
    index->bytes += part_bytes(part->capacity);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.tags[i] != 0)
            (void)part_put(part, old.tags[i], old.times[i]);
    part_free(index, &old);
}

static IndexPart *last_part(TimeIndex *index)
{
    if (index->count > 0 && index->parts[index->count - 1].count < PART_ROWS)
        return &index->parts[index->count - 1];
    if (index->count == index->capacity) {
        size_t capacity = index->capacity ? index->capacity * 2 : 8;
        index->parts    = mem_realloc(index->parts, capacity * sizeof *index->parts);
        index->capacity = capacity;
    }
    index->parts[index->count] = (IndexPart){.oldest = INT64_MAX, .newest = INT64_MIN};
    return &index->parts[index->count++];
}

void time_index_add(TimeIndex *index, uint32_t tag, int64_t time)
{
    IndexPart *part = last_part(index);
    if ((part->count + 1) * 4 > part->capacity * 3)
        part_grow(index, part);
    if (!part_put(part, stored_tag(tag), time))
        return;
    part->oldest = time < part->oldest ? time : part->oldest;
    part->newest = time > part->newest ? time : part->newest;
}

typedef struct {
    Arena   *arena;
    int64_t *times;
    size_t   count, capacity;
} Found;

static void found_add(Found *found, int64_t time)
{
    if (found->count == found->capacity) {
        size_t   capacity = found->capacity ? found->capacity * 2 : FOUND_MIN;
        int64_t *times    = arena_alloc(found->arena, capacity * sizeof *times);
        if (found->count > 0)
            memcpy(times, found->times, found->count * sizeof *times);
        found->times    = times;
        found->capacity = capacity;
    }
    found->times[found->count++] = time;
}

static bool overlaps(const IndexPart *part, int64_t from, int64_t to)
{
    return part->count > 0 && part->newest >= from && part->oldest <= to;
}

size_t time_index_find(const TimeIndex *index, uint32_t tag, int64_t from, int64_t to, Arena *arena,
                       int64_t **out)
{
    Found found = {.arena = arena};
    tag         = stored_tag(tag);
    for (size_t i = 0; i < index->count; i++) /* all at once: each is a wait for memory */
        if (overlaps(&index->parts[i], from, to))
            __builtin_prefetch(&index->parts[i].tags[tag & (index->parts[i].capacity - 1)]);
    for (size_t i = 0; i < index->count; i++) {
        const IndexPart *part = &index->parts[i];
        if (!overlaps(part, from, to))
            continue;
        size_t mask = part->capacity - 1;
        for (size_t at = tag & mask; part->tags[at] != 0; at = (at + 1) & mask)
            if (part->tags[at] == tag && part->times[at] >= from && part->times[at] <= to)
                found_add(&found, part->times[at]);
    }
    *out = found.times;
    return found.count;
}

void time_index_expire(TimeIndex *index, int64_t bound)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->count; i++)
        if (index->parts[i].newest < bound)
            part_free(index, &index->parts[i]);
        else
            index->parts[kept++] = index->parts[i];
    index->count = kept;
}

void time_index_clear(TimeIndex *index)
{
    for (size_t i = 0; i < index->count; i++)
        part_free(index, &index->parts[i]);
    mem_free(index->parts);
    *index = (TimeIndex){0};
}
