/*
 * node_rekey.h - PARTITION BY, GROUP BY and join keys: REKEY puts rows under a new key.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_REKEY_H
#define SLUICE_PLANNER_NODES_NODE_REKEY_H

#include "planner/node.h"

typedef struct {
    const Expr *const *keys;          /* over the input's schema; the new key columns */
    size_t             key_count;     /* 0: PARTITION BY NULL */
    bool               drop_null;     /* GROUP BY: rows with any NULL or failing key are dropped */
    bool               drop_null_key; /* inner joins: rows whose key is NULL are dropped */
    const int         *value_slots;   /* for each column of the schema behind the key: the input's slot */
} PlanRekey;

static inline const PlanRekey *plan_rekey(const PlanNode *node) { return node_details(node, &node_rekey); }

#endif
