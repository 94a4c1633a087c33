/*
 * store_segments.c - see store_segments.h.
 *
 * A place in a segment is 32 bits, the number of its block and where in it, counted in units of 8 bytes, so
 * that a slot of the hash table takes 8 bytes, too, and its tag tells most strangers without a look at their
 * rows. Blocks grow with the segment: a buffer with ten rows takes a kilobyte.
 *
 * A key that has several rows has a list of their places, in a block of the segment like the rows themselves;
 * a list that has grown leaves its old place behind, as a dead row does. All of that goes with the segment.
 */
#include "state/store_segments.h"

enum {
    UNIT        = 8,
    BLOCK_BITS  = 13, /* units of the largest shared block: 64 KB */
    BLOCK_UNITS = 1 << BLOCK_BITS,
    BLOCK_FIRST = 128, /* units of the first one */
    SLOTS_MIN   = 64,
    LIST_MIN    = 4,
    SHARE       = 6,       /* segments to a retention */
    IN_CACHE    = 1 << 20, /* bytes of a buffer that the CPU's cache has anyway */
};

#define PLACE_NONE UINT32_MAX
#define PLACE_LIST 0x80000000u /* what is there is a list */
#define BLOCKS_MAX (PLACE_LIST >> BLOCK_BITS)

typedef struct {
    uint32_t count, capacity;
    uint32_t places[];
} RowList;

/* ---- memory of a segment ---- */

static void *at_place(const Segment *segment, uint32_t place)
{
    place &= ~PLACE_LIST;
    return segment->blocks[place >> BLOCK_BITS] + (size_t)(place & (BLOCK_UNITS - 1)) * UNIT;
}

static SegmentRow *row_at(const Segment *segment, uint32_t place) { return at_place(segment, place); }

static uint32_t add_block(Segment *segment, size_t units)
{
    if (segment->block_count == segment->block_capacity) {
        segment->block_capacity = segment->block_capacity ? segment->block_capacity * 2 : 8;
        segment->blocks = mem_realloc(segment->blocks, segment->block_capacity * sizeof *segment->blocks);
    }
    segment->blocks[segment->block_count] = mem_alloc(units * UNIT);
    segment->bytes += units * UNIT;
    return segment->block_count++;
}

/* What is larger than a shared block has one of its own. */
static uint32_t take_place(Segment *segment, size_t bytes)
{
    size_t units = (bytes + UNIT - 1) / UNIT;
    if (units > BLOCK_UNITS)
        return add_block(segment, units) << BLOCK_BITS;
    if (units > segment->room - segment->used) {
        uint32_t room = segment->room == 0 ? BLOCK_FIRST : segment->room * 4;
        while (room < units)
            room *= 4;
        segment->room    = room < BLOCK_UNITS ? room : BLOCK_UNITS;
        segment->used    = 0;
        segment->current = add_block(segment, segment->room);
    }
    uint32_t place = segment->current << BLOCK_BITS | segment->used;
    segment->used += (uint32_t)units;
    return place;
}

static bool is_full(const Segments *all, const Segment *segment)
{
    return segment->bytes >= all->segment_bytes || segment->block_count >= BLOCKS_MAX / 2;
}

/* ---- keys ---- */

uint32_t segment_tag(Str key)
{
    uint64_t hash = str_hash(key);
    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t first_of(const Segment *segment, uint32_t place)
{
    return place & PLACE_LIST ? ((const RowList *)at_place(segment, place))->places[0] : place;
}

/* The key's slot, or the free one where it would be. The table is never full. */
static SegmentSlot *slot_of(const Segment *segment, Str key, uint32_t tag)
{
    size_t mask = segment->capacity - 1, at = tag & mask;
    for (;; at = (at + 1) & mask) {
        SegmentSlot *slot = &segment->slots[at];
        if (slot->place == PLACE_NONE)
            return slot;
        if (slot->tag == tag &&
            str_equal(segment_row_key(row_at(segment, first_of(segment, slot->place))), key))
            return slot;
    }
}

static void make_slots(Segment *segment, size_t capacity)
{
    SegmentSlot *old   = segment->slots;
    size_t       count = segment->capacity;
    segment->slots     = mem_alloc(capacity * sizeof *segment->slots);
    segment->capacity  = capacity;
    memset(segment->slots, 0xff, capacity * sizeof *segment->slots); /* PLACE_NONE */
    segment->bytes += (capacity - count) * sizeof *segment->slots;
    for (size_t i = 0; i < count; i++) {
        size_t at = old[i].tag & (capacity - 1);
        if (old[i].place == PLACE_NONE)
            continue;
        while (segment->slots[at].place != PLACE_NONE)
            at = (at + 1) & (capacity - 1);
        segment->slots[at] = old[i];
    }
    mem_free(old);
}

/* ---- the rows of a key ---- */

static bool is_before(const SegmentRow *row, int64_t time, int64_t number)
{
    return row->time != time ? row->time < time : row->number < number;
}

/* Position of the first row that is not before. */
static uint32_t list_position(const Segment *segment, const RowList *list, int64_t time, int64_t number)
{
    uint32_t low = 0, high = list->count;
    if (high > 0 && is_before(row_at(segment, list->places[high - 1]), time, number))
        return high; /* time goes on, mostly */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (is_before(row_at(segment, list->places[middle]), time, number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_list(Segment *segment, SegmentSlot *slot, const uint32_t *places, uint32_t count,
                      uint32_t capacity)
{
    uint32_t place = take_place(segment, sizeof(RowList) + capacity * sizeof *places);
    RowList *list  = at_place(segment, place);
    list->count    = count;
    list->capacity = capacity;
    memcpy(list->places, places, count * sizeof *places);
    slot->place = place | PLACE_LIST;
}

static void list_insert(Segment *segment, SegmentSlot *slot, uint32_t place)
{
    RowList          *list = at_place(segment, slot->place);
    const SegmentRow *row  = row_at(segment, place);
    if (list->count == list->capacity) {
        make_list(segment, slot, list->places, list->count, list->capacity * 2);
        list = at_place(segment, slot->place);
    }
    uint32_t at = list_position(segment, list, row->time, row->number);
    memmove(list->places + at + 1, list->places + at, (list->count - at) * sizeof *list->places);
    list->places[at] = place;
    list->count++;
}

static void put_in_slot(Segment *segment, SegmentSlot *slot, uint32_t tag, uint32_t place)
{
    if (slot->place == PLACE_NONE) {
        *slot = (SegmentSlot){tag, place};
        segment->taken++;
        return;
    }
    if (!(slot->place & PLACE_LIST)) {
        if (row_at(segment, slot->place)->state == ROW_DEAD) {
            slot->place = place;
            return;
        }
        uint32_t first = slot->place;
        make_list(segment, slot, &first, 1, LIST_MIN);
    }
    list_insert(segment, slot, place);
}

/* ---- segments ---- */

void segments_init(Segments *all, int64_t retention_ms, size_t segment_bytes)
{
    *all = (Segments){.width         = retention_ms < 0 ? INT64_MAX : retention_ms / SHARE + 1,
                      .segment_bytes = segment_bytes};
}

static void reserve(Segments *all)
{
    if (all->count < all->capacity)
        return;
    all->capacity = all->capacity ? all->capacity * 2 : 8;
    all->list     = mem_realloc(all->list, all->capacity * sizeof *all->list);
}

static Segment *segment_new(Segments *all, size_t at, int64_t from, int64_t position, size_t rows)
{
    size_t   slots   = SLOTS_MIN;
    Segment *segment = mem_calloc(1, sizeof *segment);
    reserve(all);
    memmove(all->list + at + 1, all->list + at, (all->count - at) * sizeof *all->list);
    all->list[at] = segment;
    all->count++;
    while (slots * 3 < rows * 4)
        slots *= 2;
    segment->from     = from;
    segment->oldest   = INT64_MAX;
    segment->newest   = INT64_MIN;
    segment->position = position;
    segment->refs     = 1;
    segment->bytes    = sizeof *segment;
    make_slots(segment, slots);
    all->bytes += segment->bytes;
    return segment;
}

/* The last one ends, for a row that is newer than all of it. */
static bool ends_before(const Segments *all, const Segment *last, int64_t time)
{
    int64_t age;
    if (time <= last->newest || __builtin_sub_overflow(time, last->from, &age))
        return false;
    return is_full(all, last) || (age >= all->width && last->rows >= SEGMENT_ROWS_MIN);
}

static Segment *segment_for(Segments *all, int64_t time, int64_t position)
{
    size_t at = all->count;
    while (at > 0 && all->list[at - 1]->from > time)
        at--;
    if (all->count == 0)
        return segment_new(all, 0, time, position, 0);
    if (at == all->count && ends_before(all, all->list[at - 1], time))
        return segment_new(all, at, time, position, all->list[at - 1]->taken);
    if (at > 0)
        return all->list[at - 1];
    all->list[0]->from = time;
    return all->list[0];
}

SegmentRow *segments_add(Segments *all, Str key, int64_t time, int64_t number, size_t value_len,
                         int64_t position, Segment **out)
{
    Segment *segment = segment_for(all, time, position);
    size_t   before  = segment->bytes;
    uint32_t tag     = segment_tag(key);
    if ((segment->taken + 1) * 4 > segment->capacity * 3)
        make_slots(segment, segment->capacity * 2);
    uint32_t    place = take_place(segment, sizeof(SegmentRow) + key.len + value_len);
    SegmentRow *row   = row_at(segment, place);
    *row              = (SegmentRow){
                     .time = time, .number = number, .key_len = (uint32_t)key.len, .value_len = (uint32_t)value_len};
    if (key.len > 0)
        memcpy(row->bytes, key.ptr, key.len);
    put_in_slot(segment, slot_of(segment, key, tag), tag, place);
    segment->rows++;
    segment->live++;
    segment->live_bytes += segment_row_bytes(row);
    if (time > segment->newest)
        segment->newest = time;
    if (time < segment->oldest)
        segment->oldest = time;
    all->live++;
    all->live_bytes += segment_row_bytes(row);
    all->bytes += segment->bytes - before;
    *out = segment;
    return row;
}

/* ---- finding ---- */

static bool overlaps(const Segment *segment, int64_t from, int64_t to)
{
    return segment->live > 0 && segment->newest >= from && segment->oldest <= to;
}

static void find_in(Segment *segment, Str key, uint32_t tag, int64_t from, int64_t to, SegmentVisit visit,
                    void *context)
{
    const SegmentSlot *slot = slot_of(segment, key, tag);
    if (slot->place == PLACE_NONE)
        return;
    if (!(slot->place & PLACE_LIST)) {
        SegmentRow *row = row_at(segment, slot->place);
        if (row->state != ROW_DEAD && row->time >= from && row->time <= to)
            visit(context, segment, row);
        return;
    }
    const RowList *list = at_place(segment, slot->place);
    for (uint32_t i = list_position(segment, list, from, INT64_MIN); i < list->count; i++) {
        SegmentRow *row = row_at(segment, list->places[i]);
        if (row->time > to)
            break;
        if (row->state != ROW_DEAD)
            visit(context, segment, row);
    }
}

void segments_find(const Segments *all, Str key, int64_t from, int64_t to, SegmentVisit visit, void *context)
{
    if (all->live == 0)
        return;
    uint32_t tag = segment_tag(key);
    for (size_t i = 0; all->bytes > IN_CACHE && i < all->count; i++) /* each is a wait for memory: at once */
        if (overlaps(all->list[i], from, to))
            __builtin_prefetch(&all->list[i]->slots[tag & (all->list[i]->capacity - 1)]);
    for (size_t i = 0; i < all->count; i++)
        if (overlaps(all->list[i], from, to))
            find_in(all->list[i], key, tag, from, to, visit, context);
}

typedef struct {
    int64_t     number;
    SegmentRow *row;
    Segment    *segment;
} Wanted;

static void take_wanted(void *context, Segment *segment, SegmentRow *row)
{
    Wanted *wanted = context;
    if (row->number != wanted->number)
        return;
    wanted->row     = row;
    wanted->segment = segment;
}

SegmentRow *segments_get(const Segments *all, Str key, int64_t time, int64_t number, Segment **out)
{
    Wanted wanted = {.number = number};
    segments_find(all, key, time, time, take_wanted, &wanted);
    *out = wanted.segment;
    return wanted.row;
}

void segment_each(Segment *segment, SegmentVisit visit, void *context)
{
    for (size_t i = 0; i < segment->capacity; i++) {
        uint32_t place = segment->slots[i].place;
        if (place == PLACE_NONE)
            continue;
        if (!(place & PLACE_LIST)) {
            if (row_at(segment, place)->state != ROW_DEAD)
                visit(context, segment, row_at(segment, place));
            continue;
        }
        const RowList *list = at_place(segment, place);
        for (uint32_t r = 0; r < list->count; r++)
            if (row_at(segment, list->places[r])->state != ROW_DEAD)
                visit(context, segment, row_at(segment, list->places[r]));
    }
}

typedef struct {
    int64_t      from, to;
    SegmentVisit visit;
    void        *context;
} TimeFilter;

static void visit_within(void *context, Segment *segment, SegmentRow *row)
{
    const TimeFilter *filter = context;
    if (row->time >= filter->from && row->time <= filter->to)
        filter->visit(filter->context, segment, row);
}

void segments_scan(const Segments *all, int64_t from, int64_t to, SegmentVisit visit, void *context)
{
    TimeFilter filter = {from, to, visit, context};
    for (size_t i = 0; i < all->count; i++)
        if (overlaps(all->list[i], from, to))
            segment_each(all->list[i], visit_within, &filter);
}

/* ---- ends ---- */

/* The list of a key with many rows is read often: it has no dead ones. */
void segments_kill(Segments *all, Segment *segment, SegmentRow *row)
{
    SegmentSlot *slot = slot_of(segment, segment_row_key(row), segment_tag(segment_row_key(row)));
    row->state        = ROW_DEAD;
    segment->live--;
    segment->live_bytes -= segment_row_bytes(row);
    all->live--;
    all->live_bytes -= segment_row_bytes(row);
    if (!(slot->place & PLACE_LIST))
        return;
    RowList *list = at_place(segment, slot->place);
    uint32_t at   = list_position(segment, list, row->time, row->number);
    while (row_at(segment, list->places[at]) != row)
        at++; /* of the same identity: applied once more */
    if (list->count == 1)
        return; /* the slot needs a row to know its key by */
    memmove(list->places + at, list->places + at + 1, (list->count - at - 1) * sizeof *list->places);
    list->count--;
}

void segment_ref(Segment *segment) { atomic_fetch_add(&segment->refs, 1); }

void segment_unref(Segment *segment)
{
    if (atomic_fetch_sub(&segment->refs, 1) > 1)
        return;
    for (uint32_t i = 0; i < segment->block_count; i++)
        mem_free(segment->blocks[i]);
    mem_free(segment->blocks);
    mem_free(segment->slots);
    mem_free(segment);
}

Segment *segments_take(Segments *all, size_t at)
{
    Segment *segment = all->list[at];
    memmove(all->list + at, all->list + at + 1, (all->count - at - 1) * sizeof *all->list);
    all->count--;
    all->bytes -= segment->bytes;
    all->live -= segment->live;
    all->live_bytes -= segment->live_bytes;
    return segment;
}

void segments_expire(Segments *all, int64_t bound)
{
    for (size_t i = 0; i < all->count;)
        if (all->list[i]->live == 0 || all->list[i]->newest < bound)
            segment_unref(segments_take(all, i));
        else
            i++;
}

void segments_adopt(Segments *all, Segment *segment)
{
    reserve(all);
    all->list[all->count++] = segment;
    all->bytes += segment->bytes;
    all->live += segment->live;
    all->live_bytes += segment->live_bytes;
}

int64_t segments_position(const Segments *all, int64_t none)
{
    int64_t position = none;
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i]->position < position)
            position = all->list[i]->position;
    return position;
}

void segments_clear(Segments *all)
{
    for (size_t i = 0; i < all->count; i++)
        segment_unref(all->list[i]);
    mem_free(all->list);
    all->list  = NULL;
    all->count = all->capacity = all->bytes = all->live = all->live_bytes = 0;
}
