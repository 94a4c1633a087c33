/*
 * plan.h - the physical plan: a read-only tree from sink to sources, in the query's arena. The executor makes
 * one operator per node and task.
 *
 * An edge is what a node hands to its parent: rows of `schema`, a stream or a table, keyed in `key_format`
 * (and `window`). Key columns are the first of the schema. Rows that a node emits have all columns of its
 * schema; columns nobody reads are left NULL (pruning).
 *
 * Sub-topologies are cut at REKEY nodes with `repartition`: what is below writes a topic, what is above reads
 * it.
 */
#ifndef SLUICE_PLANNER_PLAN_H
#define SLUICE_PLANNER_PLAN_H

#include "catalog/catalog.h"
#include "expr/expr.h"

typedef enum {
    PLAN_SOURCE,    /* reads a topic, decodes; a table keeps its rows in a store */
    PLAN_FILTER,    /* WHERE; on a table with tombstones for rows that leave */
    PLAN_PROJECT,   /* SELECT: new value columns, the key stays */
    PLAN_FLATTEN,   /* table functions */
    PLAN_REKEY,     /* PARTITION BY, GROUP BY, join keys; with or without a topic in between */
    PLAN_AGGREGATE, /* groups by its input's key; HAVING and SELECT included */
    PLAN_JOIN,
    PLAN_SINK,   /* writes a topic */
    PLAN_OUTPUT, /* hands rows to a client (push queries) */
} PlanKind;

typedef struct PlanNode PlanNode;

/* The columns of a SOURCE that hands out records as they are (PRINT); key and value are BYTES, NULL where the
 * record's are null. */
enum { RECORD_TIME, RECORD_PARTITION, RECORD_KEY, RECORD_VALUE, RECORD_COLUMNS };

/* A store that a node keeps, as the executor opens it. */
typedef struct {
    Str     name;         /* table in the worker's file */
    int64_t retention_ms; /* windowed; < 0: for ever */
} PlanStore;

typedef struct {
    Str                  source_name;
    Str                  topic;
    int                  partitions;
    FormatSpec           value_format;
    Str                  timestamp_column; /* as in Source */
    int                  timestamp_slot;   /* of that column in `schema`, or -1 */
    Str                  timestamp_format;
    const Wanted *const *wanted; /* one per column of the schema; NULL = all */
    bool          records; /* rows are the records as they are; of the rest only topic and partitions count */
    bool          materialize; /* the store is what pull queries read (SOURCE TABLE) */
    const Schema *declared;    /* the columns under their names in the records; `schema` has them first, maybe
                                  under other names (joins) */
} PlanSource;

typedef struct {
    const Expr *condition;
} PlanFilter;

typedef struct {
    const Expr *const *values; /* one per value column of the schema, over the input's schema */
} PlanProject;

typedef struct {
    const Expr *const
          *functions; /* CALLs of table functions over the input; results become the last value columns */
    size_t count;
} PlanFlatten;

typedef struct {
    const Expr *const *keys;          /* over the input's schema; the new key columns */
    size_t             key_count;     /* 0: PARTITION BY NULL */
    bool               drop_null;     /* GROUP BY: rows with any NULL or failing key are dropped */
    bool               drop_null_key; /* inner joins: rows whose key is NULL are dropped */
    bool               repartition;
    Str                topic_suffix; /* "Aggregate-GroupBy-repartition" (runtime.md 6.1) */
    const int         *value_slots;  /* for each column of the schema behind the key: the input's slot */
} PlanRekey;

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

typedef struct {
    Str        sink_name; /* the source it writes; ptr NULL: CREATE SOURCE TABLE has no sink */
    Str        topic;
    int        partitions;
    FormatSpec value_format;
    int        timestamp_slot; /* WITH (TIMESTAMP=...): the column that sets the written timestamp, or -1 */
    Str        timestamp_format;
} PlanSink;

/* What a column of a push query's result still shows of a deleted row, when it is no key column. */
enum { OUTPUT_NOTHING = -1, OUTPUT_WINDOWSTART = -2, OUTPUT_WINDOWEND = -3 };

typedef struct {
    const Expr *const *values; /* one per column of the schema, over the input */
    const int *key_slots; /* for each column: which key column it is, or one of OUTPUT_*: what a tombstone
                             still shows */
    bool    has_limit;
    int64_t limit;
} PlanOutput;

struct PlanNode {
    PlanKind         kind;
    int              number; /* unique in the plan, from 0, sources first */
    Str              step;   /* logger path of the processing log: "KsqlTopic.Source" */
    const Schema    *schema;
    bool             is_table;
    FormatSpec       key_format; /* of the edge; format NULL or NONE: no key */
    KeyWindow        window;     /* of the edge's key */
    const PlanNode  *inputs[2];
    size_t           input_count;
    const PlanStore *stores; /* what it remembers; several where it needs several (joins) */
    size_t           store_count;
    union {
        PlanSource    source;
        PlanFilter    filter;
        PlanProject   project;
        PlanFlatten   flatten;
        PlanRekey     rekey;
        PlanAggregate aggregate;
        PlanJoin      join;
        PlanSink      sink;
        PlanOutput    output;
    } u;
};

typedef struct {
    Str              id;        /* query id */
    Str              statement; /* canonical text */
    const PlanNode  *root;      /* SINK, OUTPUT, or for a SOURCE TABLE its SOURCE */
    const PlanNode **sources;   /* all SOURCE nodes, leftmost first */
    size_t           source_count;
    int              partitions; /* P of the slot formula: of the leftmost source's topic */
    bool             result_is_table;
    const Schema    *schema;       /* of the result: keys first; for OUTPUT in projection order */
    KeyWindow        window;       /* of the result's key */
    const PlanNode  *materialized; /* node whose store answers pull queries, or NULL */
    uint64_t         hash; /* of what makes stored state and positions usable: sources, steps, stores */
} QueryPlan;

/* EXPLAIN's " > [ SINK ] | Schema: ..." text. */
void plan_print(const QueryPlan *plan, StrBuf *out);
/* Walks from sources to root. */
void plan_visit(const PlanNode *root, void (*visit)(void *context, const PlanNode *node), void *context);

#endif
