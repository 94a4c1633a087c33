/*
 * join_rules.h - what may be joined with what, and how: the checks of sql.md 5.5, each with its text.
 */
#ifndef SLUICE_PLANNER_JOIN_RULES_H
#define SLUICE_PLANNER_JOIN_RULES_H

#include "planner/nodes/node_join.h"
#include "planner/query_build.h"

/* The ON condition of one join, its sides in order: `left` is about sources before, `right` about the joined
 * one. */
typedef struct {
    const AstJoin *join;
    BothForms      left, right;
    size_t         left_from, right_from; /* index of the source each side is about */
    const char    *text;                  /* "L.A = R.B", in the order written */
} JoinCondition;

Status join_condition(const Analysis *a, size_t join, JoinCondition *out, Error *err);
/* Kinds of sources, join types and WITHIN that do not go together; *kind is STREAM_STREAM, STREAM_TABLE or
 * TABLE_TABLE. */
Status join_kind(const Analysis *a, const JoinCondition *on, bool left_is_table, PlanJoinKind *kind,
                 Error *err);
/* The right side of a join with a table is its primary key; the left side too, or it is a foreign-key join
 * (*kind). */
Status join_table_keys(const Analysis *a, const JoinCondition *on, bool left_is_key, bool right_is_key,
                       PlanJoinKind *kind, Error *err);
Status join_types(const JoinCondition *on, PlanJoinKind kind, const SqlType *left, const SqlType *right,
                  Error *err);
Status join_windows(const Analysis *a, const JoinCondition *on, const PlanNode *left, const PlanNode *right,
                    Error *err);
/* What the left source of a foreign-key join calls the offset of a row's record, unless it has that already.
 */
#define FOREIGN_JOIN_VERSION "KSQL_VERSION"
/* build_foreign_join.c: the nodes below a foreign-key join. What they give are answers, for its second input:
 * the left primary key, SUBSCRIBE_COLUMNS, the right table's columns. *version_slot: of the left table's row.
 */
PlanNode *build_foreign_join(Builder *b, PlanNode *left, PlanNode *right, const Expr *foreign_key,
                             PlanJoinType type, int *version_slot);
Status    join_partitions(const Analysis *a, const JoinCondition *on, Error *err);

#endif
