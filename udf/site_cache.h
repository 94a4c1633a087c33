/*
 * site_cache.h - what a call keeps between its rows: compiled patterns, zones, JSON paths, by their text.
 *
 * A call nearly always has a constant pattern, so the newest entry is looked at first; a few more serve calls
 * whose pattern is a column. Thread: of the site.
 */
#ifndef SLUICE_UDF_SITE_CACHE_H
#define SLUICE_UDF_SITE_CACHE_H

#include "udf/udf.h"

typedef struct SiteCache SiteCache;

/* A kind of cached thing: `make` builds it from its text on the heap, `release` frees it. */
typedef struct {
    Status (*make)(Str text, void **out, Error *err);
    void (*release)(void *item);
} SiteKind;

/* The thing of that kind for that text, made when it is not there yet. It stays valid until the call returns:
 * at most SITE_CACHE_SIZE different ones may be in use at a time. */
Status site_get(const FnCall *call, const SiteKind *kind, Str text, void **out, Error *err);
enum { SITE_CACHE_SIZE = 8 };

/* An empty buffer that keeps its memory from row to row, and its contents as a STRING result in the batch's
 * arena. */
StrBuf *site_text(const FnCall *call);
Status  site_text_result(const FnCall *call, const StrBuf *text, Value *result, Error *err);

#endif
