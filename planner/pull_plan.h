/*
 * pull_plan.h - a pull query on a table as it is evaluated: what of the stored rows is read, and what is made
 * of them.
 *
 * Apart from planner.h, whose statements are syntax trees: who evaluates (executor/pull/) never sees one.
 */
#ifndef SLUICE_PLANNER_PULL_PLAN_H
#define SLUICE_PLANNER_PULL_PLAN_H

#include "planner/plan.h"

/* SELECT without EMIT from a table. */
typedef enum { PULL_LOOKUP, PULL_RANGE, PULL_SCAN } PullAccess;
typedef struct {
    const Source *table;
    Str           store; /* name of the store that holds it */
    PullAccess    access;
    const Value **keys; /* LOOKUP: key column values per key */
    size_t        lookup_count;
    bool          has_low, has_high, low_inclusive, high_inclusive; /* RANGE on a single key column */
    Value         low, high;
    bool          has_start_from, has_start_to, has_end_from, has_end_to; /* inclusive window bounds */
    int64_t       start_from, start_to, end_from, end_to;
    const Schema
               *schema; /* rows are evaluated over: keys, values, headers, ROWTIME, WINDOWSTART, WINDOWEND */
    const Expr *where;  /* over `schema`, the whole condition; or NULL */
    const Schema      *result; /* in projection order; keys marked */
    const Expr *const *values; /* one per result column, over `schema` */
    bool               has_limit;
    int64_t            limit;
} PullPlan;

#endif
