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
    const Expr *foreign_key;  /* over the left input; the right one has answers (node_subscribe.h) */
    int         version_slot; /* FOREIGN_KEY: which version of its row the left input has */
} PlanJoin;

/* Do rows of that side (0 left, 1 right) come out without a match, too? */
static inline bool plan_join_preserves(const PlanJoin *join, int side)
{
    return join->type == PLAN_FULL || join->type == (side == 0 ? PLAN_LEFT : PLAN_RIGHT);
}

/* Stream-stream joins keep a buffer per side (stores 0 and 1), and with GRACE the rows of preserved sides
 * that wait for a match: which store that is, -1 when there is none. */
int plan_join_pending_store(const PlanJoin *join, int side);

static inline const PlanJoin *plan_join(const PlanNode *node) { return node_details(node, &node_join); }

#endif
