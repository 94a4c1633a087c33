/*
 * agg.h - what the aggregate families share. Inside udf/ only.
 */
#ifndef SLUICE_UDF_AGG_H
#define SLUICE_UDF_AGG_H

#include "udf/udf.h"

/* Initial states. */
Value agg_init_zero(const AggregateCall *call, Arena *arena);  /* 0, 0.0 and decimal 0 */
Value agg_init_null(const AggregateCall *call, Arena *arena);
Value agg_init_empty(const AggregateCall *call, Arena *arena); /* [] and {} */

/* A fresh array of `count` values for a state; NULL and E_LIMIT when the arena refuses. */
Value *agg_new_items(Arena *arena, size_t count, Error *err);
/* The state with `item` behind its elements. */
Status agg_append(Value state, Value item, Arena *arena, Value *next, Error *err);
/* The elements of a, then those of b, at most `limit` (below 0: all). */
Status agg_concat(Value a, Value b, int64_t limit, Arena *arena, Value *next, Error *err);
/* Index of the first element equal to `item`, or -1. */
ptrdiff_t agg_find(const SqlType *element, Value state, Value item);
/* A whole number from `ksql.functions.<key>`; `fallback` when it is not set or no number. */
int64_t agg_config_int(const AggregateCall *call, const char *key, int64_t fallback);

#endif
