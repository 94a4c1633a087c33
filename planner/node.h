/*
 * node.h - what a kind of plan node is: one file nodes/node_x.c with its class and a line in nodes.def.
 *
 * Everything that is said or asked about a kind stands in its class, so that printing, pruning, upgrades and
 * stores know no kind by name. What differs from node to node is in `details`, a struct of the kind's header.
 */
#ifndef SLUICE_PLANNER_NODE_H
#define SLUICE_PLANNER_NODE_H

#include <assert.h>

#include "planner/plan.h"
#include "planner/wants.h"

typedef enum {
    SHAPE_TABLE,  /* one row per key, and window where the node's rows have one */
    SHAPE_BUFFER, /* several per key and time */
    SHAPE_PREFIX, /* one per key; found by the first part of it, too */
} StoreShapeKind;

/* What a store keeps of its node's rows: keys, value columns, as people see them, and behind them what the
 * operator needs for itself. */
typedef struct {
    StoreShapeKind kind;
    const Column  *keys, *values, *states;
    size_t         key_count, value_count, state_count;
    int64_t        retention_ms;
} StoreShape;

struct json_t;                      /* jansson's */
struct JsonNode;                    /* planner/document/doc_tree.h */
typedef struct DocReader DocReader; /* planner/document/doc.h */

struct NodeClass {
    const char *name;                      /* "FILTER" */
    int         since;                     /* version of the plan's document that brought it; 0: the first */
    size_t      least_inputs, most_inputs; /* most 0: none */
    /* It reads a topic that others write; no inputs. Its stores are filled from that topic, which is their
     * changelog. */
    bool reads_topic;
    /* Rows go through a topic of the query's own: what is below runs in other tasks than what is above. */
    bool cuts;
    /* It keeps neither state nor order: it may come, change and go when a query is replaced. */
    bool passes;
    /* Its rows leave the query: a plan ends in it. */
    bool leaves;
    /* ksqlDB's name of the step, in messages. */
    const char *(*step_name)(const PlanNode *node);
    /* EXPLAIN: what it has beside the common line, " | Name: value ...". May be NULL. */
    void (*print)(const PlanNode *node, StrBuf *out);
    /* Marks in `wants` which columns of that input it reads, when `of_node` is read of its own. Not asked of
     * sources. */
    void (*want)(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants);
    /* May `next` go on from the state and order of `old`, of the same class? NULL: always. E_PLAN with
     * ksqlDB's text. Not asked of those that pass. */
    Status (*check_upgrade)(const PlanNode *old, const PlanNode *next, Error *err);
    /* The details as fields of a JSON object, and back (planner/document/doc.h): of a node whose other
     * members are there. What was read without failure can be executed: slots are in range and types are what
     * they say. */
    void (*write)(const PlanNode *node, struct json_t *details);
    const void *(*read)(DocReader *r, const PlanNode *node, const struct JsonNode *details);
    /* Of store `index`, in `arena`. *out comes as a table with the schema's keys and value columns, no
     * states, and the store's retention. NULL: that is right. */
    void (*shape_store)(const PlanNode *node, size_t index, Arena *arena, StoreShape *out);
};

#define NODE(symbol) extern const NodeClass symbol;
#include "planner/nodes.def"
#undef NODE

static inline const void *node_details(const PlanNode *node, const NodeClass *class)
{
    assert(node->class == class); /* details are of the class's type */
    return node->details;
}

/* What store `index` of the node keeps. */
StoreShape node_store_shape(const PlanNode *node, size_t index, Arena *arena);

/* ---- for the classes ---- */

/* " | label: a, b" */
void print_node_exprs(const char *label, const Expr *const *exprs, size_t count, const Schema *schema,
                      StrBuf *out);
/* Query is not upgradeable: a property differs. */
Status refuse_upgrade(const PlanNode *node, const char *property, Str was, Str is, Error *err);
/* Such steps are never upgraded; only what is the same may stay (plan_upgrade.c). */
Status refuse_any_upgrade(const PlanNode *old, const PlanNode *next, Error *err);

#endif
