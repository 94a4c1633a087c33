/*
 * node_join.h - JOIN brings rows of two inputs together by key.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_JOIN_H
#define SLUICE_PLANNER_NODES_NODE_JOIN_H

#include "planner/node.h"

typedef enum {
    PLAN_JOIN_STREAM_STREAM,
    PLAN_JOIN_STREAM_TABLE,
    PLAN_JOIN_TABLE_TABLE,
    PLAN_JOIN_FOREIGN_KEY
} PlanJoinKind;
typedef enum { PLAN_INNER, PLAN_LEFT, PLAN_RIGHT, PLAN_FULL } PlanJoinType;

typedef struct {
    PlanJoinKind kind;
    PlanJoinType type;
    const int   *left_slots,
        *right_slots; /* for each column of the schema behind the key: slot in that input, or -1 */
    int64_t     before_ms, after_ms, grace_ms; /* stream-stream */
    bool        has_grace;
    const Expr *foreign_key; /* over the left input */
} PlanJoin;

static inline const PlanJoin *plan_join(const PlanNode *node) { return node_details(node, &node_join); }

#endif
