/*
 * agg.h - what the aggregate families share. Inside udf/ only.
 */
#ifndef SLUICE_UDF_AGG_H
#define SLUICE_UDF_AGG_H

#include "udf/udf.h"

enum { AGG_FIELDS_MAX = 6 };

/* Initial states. */
Value agg_init_zero(const AggregateCall *call); /* 0, 0.0 and decimal 0 */
Value agg_init_null(const AggregateCall *call);
Value agg_init_empty(const AggregateCall *call);  /* [] and {} */
Value agg_init_fields(const AggregateCall *call); /* a STRUCT of numbers, all 0 */

/* The fields of a STRUCT state, to be changed. NULL and E_LIMIT when memory is refused. */
Value *agg_fields(const AggregateCall *call, Value *state, const AggregateContext *context, Error *err);
/* The elements of an ARRAY state with room for `count` of them. */
Value *agg_items(Value *state, size_t count, const AggregateContext *context, Error *err);
/* A copy of `item` in front of element `at`; the last element goes when there are more than `limit`. */
Status agg_insert(const AggregateCall *call, Value *state, size_t at, Value item, size_t limit,
                  const AggregateContext *context, Error *err);
/* A copy of `item` behind the elements. */
Status agg_append(const AggregateCall *call, Value *state, Value item, const AggregateContext *context,
                  Error *err);
/* The state becomes a copy of `next`, which may have pointed into it. */
void agg_replace(const AggregateCall *call, Value *state, Value next, const AggregateContext *context);
/* A whole number from `ksql.functions.<key>`; `fallback` when it is not set or no number. */
int64_t agg_config_int(const AggregateCall *call, const char *key, int64_t fallback);

#endif
