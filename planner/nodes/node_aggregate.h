/*
 * node_aggregate.h - AGGREGATE groups by its input's key; HAVING and SELECT are included.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_AGGREGATE_H
#define SLUICE_PLANNER_NODES_NODE_AGGREGATE_H

#include "planner/node.h"

typedef struct {
    const FnResolved    *function;
    const AggregateCall *call;
    const Expr *const   *args; /* over the input's schema */
    size_t               arg_count;
} PlanAggregateCall;

typedef struct {
    bool                     over_table; /* input carries old and new: undo, then add */
    const PlanAggregateCall *calls;
    size_t                   call_count;
    KeyWindow                window;     /* kind NO: not windowed */
    int64_t                  advance_ms; /* TUMBLING: = size */
    int64_t                  gap_ms;     /* SESSION */
    int64_t                  grace_ms;
    int64_t                  retention_ms;
    bool                     emit_final;
    const Schema
        *inner; /* key columns, one value column per call, then WINDOWSTART, WINDOWEND, ROWTIME as needed */
    const Expr        *having; /* over `inner`; or NULL */
    const Expr *const *values; /* one per value column of the node's schema, over `inner` */
} PlanAggregate;

static inline const PlanAggregate *plan_aggregate(const PlanNode *node)
{
    return node_details(node, &node_aggregate);
}

/* ---- calls, for who has them beside the AGGREGATE (node_partial.h) ---- */

/* "COUNT(A), TOPK(B, 3)": over columns of `from`. */
void aggregate_calls_print(const PlanAggregateCall *calls, size_t count, const Schema *from, StrBuf *out);
/* "KSQL_AGG_STATE_0", ...: what the calls keep of a group; in `arena`. */
void aggregate_state_columns(const PlanAggregateCall *calls, size_t count, Arena *arena, Column *out);
/* A new reference; and back, checked, in the reader's arena: the member "calls". */
struct json_t           *doc_json_aggregate_calls(const PlanAggregateCall *calls, size_t count);
const PlanAggregateCall *doc_aggregate_calls(DocReader *r, const struct JsonNode *json, const Schema *from,
                                             size_t *count);

#endif
