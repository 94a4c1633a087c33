/*
 * site_cache.c - a handful of entries in order of last use. A linear look over eight texts is cheaper than
 * hashing them.
 */
#include "udf/site_cache.h"

typedef struct {
    const SiteKind *kind;
    Str             text; /* on the heap */
    void           *item;
} SiteEntry;

struct SiteCache {
    SiteEntry entries[SITE_CACHE_SIZE]; /* the last used first */
    size_t    count;
    StrBuf    text;
};

static void entry_clear(SiteEntry *entry)
{
    entry->kind->release(entry->item);
    mem_free((char *)(uintptr_t)entry->text.ptr);
}

static void cache_release(void *data)
{
    SiteCache *cache = data;
    for (size_t i = 0; i < cache->count; i++)
        entry_clear(&cache->entries[i]);
    strbuf_clear(&cache->text);
    mem_free(cache);
}

static void move_to_front(SiteCache *cache, size_t index)
{
    SiteEntry found = cache->entries[index];
    memmove(cache->entries + 1, cache->entries, index * sizeof found);
    cache->entries[0] = found;
}

static SiteCache *cache_of(const FnCall *call)
{
    if (call->site->data == NULL) {
        call->site->data    = mem_calloc(1, sizeof(SiteCache));
        call->site->release = cache_release;
    }
    return call->site->data;
}

StrBuf *site_text(const FnCall *call)
{
    SiteCache *cache = cache_of(call);
    strbuf_reset(&cache->text);
    return &cache->text;
}

Status site_text_result(const FnCall *call, const StrBuf *text, Value *result, Error *err)
{
    Str   from = strbuf_str(text);
    char *copy = arena_try_alloc(call->arena, from.len + 1, err);
    if (copy == NULL)
        return E_LIMIT;
    memcpy(copy, from.ptr, from.len);
    *result = value_string(copy, from.len);
    return OK;
}

Status site_get(const FnCall *call, const SiteKind *kind, Str text, void **out, Error *err)
{
    SiteCache *cache = cache_of(call);
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].kind != kind || !str_equal(cache->entries[i].text, text))
            continue;
        if (i > 0)
            move_to_front(cache, i);
        *out = cache->entries[0].item;
        return OK;
    }
    TRY(kind->make(text, out, err));
    if (cache->count == SITE_CACHE_SIZE)
        entry_clear(&cache->entries[--cache->count]);
    cache->entries[cache->count++] = (SiteEntry){kind, {str_to_heap(text), text.len}, *out};
    move_to_front(cache, cache->count - 1);
    return OK;
}
