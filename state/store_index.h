/*
 * store_index.h - inside of the state folder: at which times a buffer's table has rows of a key.
 *
 * The table of a buffer lies by time, so that new rows are written behind the old ones and expired ones go as
 * a range; but a join looks for rows by key. What memory does not have any more is found by way of this: for
 * each such row a tag of its key and its time, by which the table is asked for one place instead of for a
 * stretch. A tag may be that of another key, and a row may have gone meanwhile: the table decides.
 *
 * It lies in parts by the order in which rows come, each a hash table, and each goes when all its times have
 * expired.
 *
 * Thread: worker.
 */
#ifndef SLUICE_STATE_STORE_INDEX_H
#define SLUICE_STATE_STORE_INDEX_H

#include "core/mem.h"
#include "core/str.h"

typedef struct {
    int64_t   oldest, newest;
    uint32_t *tags;  /* by position; 0: free */
    int64_t  *times; /* the same positions */
    size_t    count, capacity;
} IndexPart;

typedef struct {
    IndexPart *parts;
    size_t     count, capacity;
    size_t     bytes; /* all that it has of the heap */
} TimeIndex;

/* Once more what is there: nothing. */
void time_index_add(TimeIndex *index, uint32_t tag, int64_t time);
/* The times from `from` to `to` of that tag, in no order, some perhaps twice. *out in the arena; how many. */
size_t time_index_find(const TimeIndex *index, uint32_t tag, int64_t from, int64_t to, Arena *arena,
                       int64_t **out);
/* Forgets the parts all of whose times are before `bound`. */
void time_index_expire(TimeIndex *index, int64_t bound);
void time_index_clear(TimeIndex *index);

#endif
