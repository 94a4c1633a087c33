/*
 * query_build.h - from an analysed SELECT to the nodes of its plan, one step after the other (sql.md 5.2,
 * step 4): source or join, WHERE, PARTITION BY, table functions, then aggregation or projection, and the
 * sink.
 */
#ifndef SLUICE_PLANNER_QUERY_BUILD_H
#define SLUICE_PLANNER_QUERY_BUILD_H

#include "planner/analysis.h"
#include "planner/node.h"
#include "planner/with.h"

typedef struct {
    Analysis  *a;
    Arena     *arena;
    Str        query_id;
    PlanNode **nodes; /* the draft: each behind its inputs; plan_finish makes a plan of it */
    size_t     node_count, node_capacity;
    /* What the key columns of the node built last stand for, for matching them with the select list. */
    enum { KEYS_OF_SOURCE, KEYS_PARTITION_BY, KEYS_GROUP_BY, KEYS_JOIN, KEYS_FOREIGN_JOIN } keys_are;
    Str  join_key;         /* KEYS_JOIN: flat name of the key column */
    bool group_keys_given; /* false: everything in one group (transient queries without GROUP BY) */
    bool materialize;      /* CREATE SOURCE TABLE: the source's store is what pull queries read */
} Builder;

/* A node behind those that are there, with number, step and what it takes over from its first input; NULL
 * inputs are none. Without inputs it has no schema yet. Drafts are changed until plan_finish: classes get
 * their `details` from whoever builds them. */
PlanNode *builder_node(Builder *b, const NodeClass *class, const char *step, PlanNode *left, PlanNode *right);
/* The node keeps a store of that name, beside those it has. */
void builder_store(Builder *b, PlanNode *node, Str name, int64_t retention_ms);
/* Types the flat form of an expression over an edge; errors get "Invalid <context>: " and the tail of
 * sql.md 5.2. */
Status builder_type(Builder *b, const char *context, const AstExpr *flat, const Schema *schema,
                    const Expr **out, Error *err);
/* A result column needs a type: E_PLAN for a bare NULL. */
Status check_item_type(const AstExpr *item, const Expr *typed, Error *err);

Status build_source_node(Builder *b, size_t from, PlanNode **out, Error *err);
Status build_joins(Builder *b, PlanNode **out, Error *err);
Status build_where(Builder *b, PlanNode *input, PlanNode **out, Error *err);
Status build_partition_by(Builder *b, PlanNode *input, PlanNode **out, Error *err);
/* Table functions: their calls in the select list become columns of the node; the items' flat forms are
 * changed to refer to them. */
Status build_flatten(Builder *b, PlanNode *input, PlanNode **out, Error *err);
/* GROUP BY, HAVING and the select list. `result` as for build_projection. */
Status build_aggregate(Builder *b, PlanNode *input, PlanNode **out, Error *err);
Status build_projection(Builder *b, PlanNode *input, PlanNode **out, Error *err);
/* A PROJECT: `values` are one per value column of the schema, over the input's. */
PlanNode *build_project_node(Builder *b, const char *step, PlanNode *input, const Schema *schema,
                             const Expr *const *values);
/* Transient queries: the root, in projection order. */
Status build_output(Builder *b, PlanNode *input, PlanNode **out, Error *err);

/* A topic of the query's own; partition_slot as in PlanExchange. The suffix must last. */
PlanNode *build_exchange(Builder *b, PlanNode *input, const char *topic_suffix, int partition_slot);

/* A REKEY node over `input`: key columns of those names and expressions (over input's schema), then the
 * input's columns with keep[slot]; behind it an EXCHANGE, if it names a topic. */
typedef struct {
    const Expr *const *keys;
    const Str         *names;
    size_t             count;
    const bool        *keep;
    bool               drop_null, drop_null_key;
    const char        *topic_suffix; /* NULL: no topic in between */
    const char        *step;
    const FormatSpec  *key_format; /* NULL: the input's where it can hold the key */
    int               *moved;      /* filled: for each kept slot of the input its slot here; or NULL */
} RekeySpec;
Status build_rekey(Builder *b, PlanNode *input, const RekeySpec *spec, PlanNode **out, Error *err);
/* The key format of an internal topic for such a key (runtime.md 1.2): the given one where it can hold it,
 * else JSON. */
void rekey_format(const Planner *planner, const FormatSpec *from, const Column *keys, size_t count,
                  FormatSpec *out);

/* Keys of the result: for each key column of the node the one item of the select list that shows it. E_PLAN
 * with the texts of sql.md 5.4. */
Status match_key_items(Builder *b, const PlanNode *node, size_t *items, Error *err);
/* Value columns and their names are unique, and apart from the keys. */
Status check_result_columns(Arena *arena, const Column *columns, size_t count, Error *err);

/* The plan of CREATE SOURCE TABLE. */
Status query_build_source_table(const Planner *planner, const Source *source, QueryPlan **out, Error *err);

/* The plan that was drafted: its nodes are pruned, and from here on read-only. The root is the last node. */
QueryPlan *plan_finish(Builder *b, Str statement);
/* Tells each SOURCE of a draft which columns and fields anybody reads (pruning). The root is the last node.
 */
void plan_prune(PlanNode *const *nodes, size_t count, Arena *arena);

#endif
