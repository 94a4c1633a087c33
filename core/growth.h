/*
 * growth.h - the memory behind one value that changes in place: the state of an aggregate in one group.
 *
 * A list of n elements would cost n for each element appended if every change made a new value. Here the
 * elements lie in an array with room behind them, and what they point to lies in blocks; both grow by
 * doubling, so an append costs the same however long the list is. What nothing points to any more is counted,
 * and growth_settle copies the rest together once it has become the smaller half.
 *
 * The Value itself stays where its owner keeps it and is complete at any time: it is read, encoded and copied
 * like any other. All bytes zero is an empty Growth; the value may then point to memory that lives longer (a
 * constant), and gets its own at its first change.
 *
 * Thread: the owner's.
 */
#ifndef SLUICE_CORE_GROWTH_H
#define SLUICE_CORE_GROWTH_H

#include "core/value.h"

typedef struct GrowthBlock GrowthBlock;

typedef struct {
    char        *items; /* the array; the value's elements lie somewhere in it */
    size_t       items_size;
    GrowthBlock *blocks;     /* what elements point to; the one being filled first */
    size_t       used, live; /* bytes handed out from blocks; how many were in use when last looked at */
    size_t       held;       /* bytes taken from the heap */
    uint32_t    *index;      /* of growth_find: element number + 1, 0 = free */
    uint32_t     index_size, indexed;
} Growth;

/* Frees everything: the value that lived here must not be read any more. */
void growth_clear(Growth *growth);
/* Frees what was there and makes *out a deep copy of `from`, which may have lived here. */
void growth_replace(Growth *growth, const SqlType *type, Value from, Value *out);

/* The elements of *v (an ARRAY, MAP or STRUCT that is not NULL; `width` bytes each) as memory of its own with
 * room for `count` of them, to be changed; v->len stays. NULL and E_LIMIT when a state would take more than
 * 256 MiB. */
void *growth_items(Growth *growth, Value *v, size_t width, size_t count, Error *err);
/* Puts a deep copy of `v` where `slot` is: *v itself or one of its elements, NULL or set by this function.
 * E_LIMIT as above. */
Status growth_set(Growth *growth, const SqlType *type, Value *slot, Value v, Error *err);
/* To be called when a change is complete: copies what is alive together when it is worth it. */
void growth_settle(Growth *growth, const SqlType *type, Value *v);

/* Number of the element whose key (key(list, i)) equals `wanted`, or -1; keys are unique. A hash table takes
 * over where the list is long, and knows of elements appended since. Whoever removes or moves elements calls
 * growth_unindex. */
ptrdiff_t growth_find(Growth *growth, const SqlType *key_type, Value (*key)(Value list, size_t at),
                      Value list, Value wanted);
void      growth_unindex(Growth *growth);

#endif
