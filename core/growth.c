/*
 * growth.c - see growth.h.
 */
#include "core/growth.h"

struct GrowthBlock {
    GrowthBlock *next;
    size_t       size, used; /* of what follows */
};

enum {
    ITEMS_MIN  = 4,  /* elements of a first array */
    BLOCK_MIN  = 48, /* bytes of a first block */
    BLOCK_MAX  = 64 * 1024,
    SETTLE_MIN = 1024, /* bytes that nobody points to are left alone up to here */
    SEARCH_MAX = 12,   /* elements that are compared one by one */
};

static const size_t held_max = (size_t)256 * 1024 * 1024;

static void free_blocks(Growth *growth)
{
    for (GrowthBlock *block = growth->blocks; block != NULL;) {
        GrowthBlock *next = block->next;
        growth->held -= sizeof *block + block->size;
        mem_free(block);
        block = next;
    }
    growth->blocks = NULL;
    growth->used   = 0;
}

void growth_clear(Growth *growth)
{
    free_blocks(growth);
    mem_free(growth->items);
    mem_free(growth->index);
    *growth = (Growth){0};
}

/* ---- the array ---- */

static Status check_limit(const Growth *growth, size_t more, Error *err)
{
    if (growth->held <= held_max && more <= held_max - growth->held)
        return OK;
    return error_set(err, E_LIMIT, NO_POS, "Value too large: %zu bytes wanted, limit is %zu bytes",
                     growth->held + more, held_max);
}

/* How far behind the start of the array the elements begin; beyond its size: they are not in it. */
static size_t items_offset(const Growth *growth, Value v)
{
    return growth->items == NULL ? SIZE_MAX : (size_t)((uintptr_t)v.as.ptr - (uintptr_t)growth->items);
}

static void *move_items(Growth *growth, Value *v, size_t width, size_t size)
{
    char *items = mem_alloc(size);
    if (v->len > 0)
        memcpy(items, v->as.ptr, v->len * width);
    mem_free(growth->items);
    growth->held += size - growth->items_size;
    growth->items      = items;
    growth->items_size = size;
    v->as.ptr          = items;
    return items;
}

void *growth_items(Growth *growth, Value *v, size_t width, size_t count, Error *err)
{
    size_t need = count * width, offset = items_offset(growth, *v);
    bool   own = offset <= growth->items_size;
    if (own && need <= growth->items_size - offset)
        return growth->items + offset;
    if (own && need <= growth->items_size / 2) { /* the front has become free */
        v->as.ptr = memmove(growth->items, v->as.ptr, v->len * width);
        return growth->items;
    }
    size_t size = need, more = (v->len < ITEMS_MIN / 2 ? ITEMS_MIN / 2 : v->len) * 2 * width;
    if (own && size < more) /* the first array is as long as it must be: many never change their length */
        size = more;
    if (check_limit(growth, size, err) != OK)
        return NULL;
    return move_items(growth, v, width, size);
}

/* ---- what elements point to ---- */

static void *take(Growth *growth, size_t size)
{
    GrowthBlock *block = growth->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t want    = growth->used < BLOCK_MIN   ? BLOCK_MIN
                         : growth->used < BLOCK_MAX ? growth->used
                                                    : BLOCK_MAX;
        want           = want < size ? size : want;
        block          = mem_alloc(sizeof *block + want);
        *block         = (GrowthBlock){growth->blocks, want, 0};
        growth->blocks = block;
        growth->held += sizeof *block + want;
    }
    void *at = (char *)(block + 1) + block->used;
    block->used += size;
    growth->used += size;
    return at;
}

static bool is_text(const SqlType *type, Value v)
{
    return !value_is_null(v) && (type->kind == T_STRING || type->kind == T_BYTES);
}

static size_t padded(size_t n) { return (n + 7) & ~(size_t)7; }

Status growth_set(Growth *growth, const SqlType *type, Value *slot, Value v, Error *err)
{
    size_t size = value_pack_size(type, v);
    if (size > 0 && is_text(type, v) && is_text(type, *slot) && size <= padded(slot->len)) {
        memmove((void *)(uintptr_t)slot->as.ptr, v.as.ptr,
                v.len); /* the slot's own memory, given out below */
        slot->len = v.len;
        return OK;
    }
    if (size > 0)
        TRY(check_limit(growth, size, err));
    char *at = size > 0 ? take(growth, size) : NULL;
    *slot    = value_pack(type, v, &at);
    return OK;
}

/* ---- copying together ---- */

static size_t element_width(const SqlType *type)
{
    return type->kind == T_MAP                               ? sizeof(MapEntry)
           : type->kind == T_ARRAY || type->kind == T_STRUCT ? sizeof(Value)
                                                             : 0;
}

/* What the elements, or the bare value, point to. */
static size_t contents_size(const SqlType *type, Value v)
{
    return value_is_null(v) ? 0 : value_pack_size(type, v) - v.len * element_width(type);
}

/* Moves what the elements point to into one new block; there is something, so the elements are the Growth's
 * own. */
static void pack_contents(Growth *growth, const SqlType *type, Value *v, size_t size)
{
    Growth old     = *growth;
    growth->blocks = NULL;
    growth->used   = 0;
    char  *at      = take(growth, size);
    Value *items   = (Value *)(uintptr_t)v->as.ptr; /* of a MAP: key, value, key, ... */
    size_t values  = v->len * element_width(type) / sizeof(Value);
    if (element_width(type) == 0)
        *v = value_pack(type, *v, &at);
    for (size_t i = 0; i < values; i++) {
        bool is_key = type->kind == T_MAP && i % 2 == 0;
        items[i]    = value_pack(type->kind == T_STRUCT ? type->fields[i].type
                                 : is_key               ? type->key
                                                        : type->element,
                              items[i], &at);
    }
    growth->live = size;
    old.held     = growth->held;
    free_blocks(&old);
    growth->held = old.held;
}

void growth_settle(Growth *growth, const SqlType *type, Value *v)
{
    if (growth->used <= 2 * growth->live + SETTLE_MIN)
        return;
    size_t live = contents_size(type, *v);
    if (live > growth->used / 2)
        growth->live = live;
    else if (live > 0)
        pack_contents(growth, type, v, live);
    else
        free_blocks(growth);
}

void growth_replace(Growth *growth, const SqlType *type, Value from, Value *out)
{
    Growth fresh = {0};
    size_t size = contents_size(type, from), width = value_is_null(from) ? 0 : element_width(type);
    Value  copy = from;
    char  *none = NULL;
    if (width > 0 && from.len > 0)
        move_items(&fresh, &copy, width, from.len * width);
    else if (size == 0)
        copy = value_pack(type, from, &none);
    if (size > 0)
        pack_contents(&fresh, type, &copy, size);
    growth_clear(growth);
    *growth = fresh;
    *out    = copy;
}

/* ---- finding ---- */

static void index_add(Growth *growth, const SqlType *key_type, Value key, uint32_t at)
{
    uint32_t slot = (uint32_t)value_hash(key_type, key) & (growth->index_size - 1);
    while (growth->index[slot] != 0)
        slot = (slot + 1) & (growth->index_size - 1);
    growth->index[slot] = at + 1;
}

/* Brings the index up to the list's length. */
static void index_follow(Growth *growth, const SqlType *key_type, Value (*key)(Value list, size_t at),
                         Value list)
{
    if ((uint64_t)list.len * 2 > growth->index_size) {
        uint32_t size = 64;
        while (size < (uint64_t)list.len * 4 && size < UINT32_C(1) << 31)
            size *= 2;
        mem_free(growth->index);
        growth->held += ((size_t)size - growth->index_size) * sizeof *growth->index;
        growth->index      = mem_calloc(size, sizeof *growth->index);
        growth->index_size = size;
        growth->indexed    = 0;
    }
    for (; growth->indexed < list.len; growth->indexed++)
        index_add(growth, key_type, key(list, growth->indexed), growth->indexed);
}

ptrdiff_t growth_find(Growth *growth, const SqlType *key_type, Value (*key)(Value list, size_t at),
                      Value list, Value wanted)
{
    if (list.len <= SEARCH_MAX) {
        for (size_t i = 0; i < list.len; i++)
            if (value_equal(key_type, key(list, i), wanted))
                return (ptrdiff_t)i;
        return -1;
    }
    index_follow(growth, key_type, key, list);
    uint32_t slot = (uint32_t)value_hash(key_type, wanted) & (growth->index_size - 1);
    for (; growth->index[slot] != 0; slot = (slot + 1) & (growth->index_size - 1))
        if (value_equal(key_type, key(list, growth->index[slot] - 1), wanted))
            return (ptrdiff_t)growth->index[slot] - 1;
    return -1;
}

void growth_unindex(Growth *growth)
{
    if (growth->indexed == 0)
        return;
    memset(growth->index, 0, growth->index_size * sizeof *growth->index);
    growth->indexed = 0;
}
