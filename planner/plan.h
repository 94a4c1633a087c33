/*
 * plan.h - the physical plan: a read-only graph from sources to one root, in the query's arena. The executor
 * makes one operator per node and task.
 *
 * Nodes stand in an array, each behind all that it reads, so that walking it goes from the sources to the
 * root; a node's number is its index. A node may have any number of inputs, and several nodes may read one.
 * What kinds there are is in nodes.def; what is particular to a kind, in its file in nodes/.
 *
 * An edge is what a node hands to its consumers: rows of `schema`, a stream or a table, keyed in `key_format`
 * (and `window`). Key columns are the first of the schema. Rows that a node emits have all columns of its
 * schema; columns nobody reads are left NULL (pruning).
 *
 * Sub-topologies are cut at the nodes whose class cuts (EXCHANGE): what is below writes a topic, what is
 * above reads it.
 *
 * Read-only means what it says: builders write a draft (query_build.h), plan_finish makes a plan of it, and
 * no type of this header lets anybody change one.
 */
#ifndef SLUICE_PLANNER_PLAN_H
#define SLUICE_PLANNER_PLAN_H

#include "catalog/catalog.h"
#include "expr/expr.h"

typedef struct NodeClass NodeClass; /* planner/node.h */
typedef struct PlanNode  PlanNode;

/* A store that a node keeps. */
typedef struct {
    Str     name;         /* table in the worker's file */
    int64_t retention_ms; /* windowed; < 0: for ever */
    int     version;      /* of its content: what was kept in another is not understood */
} PlanStore;

/* Raised where a node's class keeps other things in its stores than before. */
enum { STORE_VERSION = 1 };

/* A property that was looked at when the statement was accepted. */
typedef struct {
    Str  name;
    Str  value;      /* ptr NULL: it was not set */
    bool overridden; /* by the client, for this statement */
} PlanSetting;

/* Where a query begins in a topic: the ends when its statement was accepted (plan_starts.h). */
typedef struct {
    Str            topic;
    const int64_t *offsets; /* by partition */
    int            partitions;
} PlanStart;

struct PlanNode {
    const NodeClass *class;
    int                    number; /* its index in the plan */
    Str                    step;   /* logger path of the processing log: "KsqlTopic.Source" */
    const Schema          *schema;
    bool                   is_table;
    FormatSpec             key_format; /* of the edge; format NULL or NONE: no key */
    KeyWindow              window;     /* of the edge's key */
    const PlanNode *const *inputs;
    size_t                 input_count;
    const PlanStore       *stores;
    size_t                 store_count;
    const void            *details; /* of the class: plan_source(node), plan_filter(node), ... in nodes/ */
};

typedef struct {
    Str                    id;        /* query id */
    Str                    statement; /* canonical text */
    const PlanNode *const *nodes;     /* sources first; the root is the last */
    size_t                 node_count;
    const PlanNode        *root;    /* SINK, OUTPUT, or for a SOURCE TABLE its SOURCE */
    const PlanNode *const *sources; /* all SOURCE nodes, leftmost first */
    size_t                 source_count;
    int                    partitions; /* P of the slot formula: of the leftmost source's topic */
    bool                   result_is_table;
    const Schema          *schema;       /* of the result: keys first; for OUTPUT in projection order */
    KeyWindow              window;       /* of the result's key */
    const PlanNode        *materialized; /* node whose store answers pull queries, or NULL */
    const PlanSetting     *settings;     /* sorted by name, each once */
    size_t                 setting_count;
    /* Which query of this id: the number of the command that first created it; OR REPLACE keeps it. State and
     * positions are found by it. */
    int64_t          generation;
    const PlanStart *starts; /* of the topics that are not read from the beginning, each once; none in plans
                                of earlier versions */
    size_t start_count;
} QueryPlan;

/* All nodes, from the sources to the root. */
void plan_visit(const QueryPlan *plan, void (*visit)(void *context, const PlanNode *node), void *context);
/* EXPLAIN's " > [ SINK ] | Schema: ..." text. */
void plan_print(const QueryPlan *plan, StrBuf *out);

#endif
