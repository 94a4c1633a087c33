/*
 * aggregate_rules.h - the aggregate calls of a query, and the rules about them that need no types.
 */
#ifndef SLUICE_PLANNER_AGGREGATE_RULES_H
#define SLUICE_PLANNER_AGGREGATE_RULES_H

#include "planner/analysis.h"

/* The calls of SELECT and HAVING, flat, each one once. */
typedef struct {
    const AstExpr **asts;
    size_t          count, capacity;
    uint32_t       *places; /* by hash: one more than where it stands in asts; 0: none */
    size_t          place_count;
} AggregateCalls;
void aggregate_calls_of(const Analysis *a, AggregateCalls *out);
/* Which of them it is; -1: it is none. */
int aggregate_call_find(const AggregateCalls *calls, const AstExpr *expr);

/* WINDOWSTART or WINDOWEND. */
bool is_window_bound(Str name);
/* Of a query that aggregates: grouping expressions, calls, and columns outside of both. E_PLAN with the texts
 * of sql.md 5.6. */
Status check_aggregation(const Analysis *a, Error *err);

#endif
