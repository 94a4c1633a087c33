/*
 * pull_disjuncts.h - the WHERE of a pull query in disjunctive normal form: an OR of ANDs of comparisons and
 * LIKEs.
 *
 * BETWEEN is `>=` AND `<=`, IN an OR of `=`, NOT is pushed down to the leaves (sql.md 5.13). The form only
 * serves to find the keys; rows are tested with the condition as it was written.
 */
#ifndef SLUICE_PLANNER_PULL_DISJUNCTS_H
#define SLUICE_PLANNER_PULL_DISJUNCTS_H

#include "core/error.h"
#include "parser/ast.h"

typedef struct {
    const AstExpr **leaves; /* AND of these: AST_BINARY with a comparison, or AST_LIKE */
    size_t          count;
} Disjunct;

typedef struct {
    Disjunct *items;
    size_t    count;
    bool      too_many; /* the form would be too large: items is NULL */
} Disjuncts;

/* Only AND, OR, comparisons and LIKE, with NOT pushed down: "Unsupported expression in WHERE clause: ...". */
Status pull_check_form(const AstExpr *condition, Error *err);
/* Of a condition that has passed the check. */
Disjuncts pull_split(Arena *arena, const AstExpr *condition);
void      disjunct_print(const Disjunct *disjunct, StrBuf *out);

#endif
