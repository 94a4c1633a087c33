/*
 * typer_run.h - what the files that type expressions share: one run over one syntax tree.
 *
 * Expressions are typed bottom-up in one walk. The depth of a tree is bounded by the parser.
 */
#ifndef SLUICE_PLANNER_TYPER_RUN_H
#define SLUICE_PLANNER_TYPER_RUN_H

#include "parser/parser.h"
#include "planner/typer.h"

/* A lambda parameter in scope; the innermost first. */
typedef struct TyperParam {
    Str                      name;
    const SqlType           *type;
    int                      slot;
    const struct TyperParam *outer;
} TyperParam;

typedef struct {
    const Typer      *typer;
    const Scope      *scope;
    Arena            *arena;
    const TyperParam *params;
    int               param_count; /* over all enclosing lambdas: number of the next one */
    int hidden; /* how many NOT, BETWEEN, LIKE, IN stand around: the check of WHERE does not look into those
                 */
    bool        failed_hidden;
    size_t      steps; /* expressions typed so far; some are typed twice, and what is in them each time */
    const char *hint;  /* what might help: the message's end; NULL: nothing */
    Error      *err;
} TyperRun;

Status      typer_expr(TyperRun *run, const AstExpr *ast, const Expr **out);
const char *typer_hidden_prefix(const TyperRun *run);
/* Fails with E_PLAN at the expression; notes whether the check of WHERE would have seen it. */
Status typer_fail(TyperRun *run, const AstExpr *at, const char *fmt, ...) SL_PRINTF(3, 4);
/* The expression as messages of this stage show it. */
const char *typer_text(TyperRun *run, const AstExpr *ast);
const char *typer_type_text(TyperRun *run, const SqlType *type); /* "null" for an untyped NULL */
Expr       *typer_node(TyperRun *run, ExprKind kind, const SqlType *type,
                       size_t count); /* args: NULLs, filled in by typer_arg */
/* Of a node that typer_node has made, while it is being built: its arguments; one of them is this. */
const Expr **typer_args(Expr *node);
void         typer_arg(Expr *node, size_t at, const Expr *arg);
/* True when the scope has a column that stands for this expression as a whole. */
bool typer_replaced(TyperRun *run, const AstExpr *ast, int *slot, const SqlType **type);

Status typer_literal(TyperRun *run, const AstExpr *ast, const SqlType **type, Value *value);
bool   typer_is_literal(const AstExpr *ast); /* NULL included */

/* typer_operator.c */
Status typer_arithmetic(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_sign(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_compare(TyperRun *run, const AstExpr *ast, ExprOp op, const AstExpr *left, const AstExpr *right,
                     const Expr **out);
/* "GREATER_THAN" and the like, as messages name a comparison. */
const char *typer_comparison_name(ExprOp op);
Status      typer_between(TyperRun *run, const AstExpr *ast, const Expr **out);

/* typer_build.c: what stands around other expressions */
Status typer_case(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_in(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_like(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_array(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_map(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_struct(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_subscript(TyperRun *run, const AstExpr *ast, const Expr **out);
Status typer_field(TyperRun *run, const AstExpr *ast, const Expr **out);

/* typer_call.c */
Status typer_call(TyperRun *run, const AstExpr *ast, const Expr **out);

/* typer_coerce.c (sql.md 3.7) */
const SqlType *typer_widen(Arena *arena, const SqlType *a, const SqlType *b); /* of two numeric types */
/* May a value of `from` be taken as one of `to` by the STRICT rules? */
bool typer_is_strict(const SqlType *from, const SqlType *to);
/* The common type of a list, left to right, and the list brought to it. *common is NULL when all are untyped
 * NULLs. */
Status typer_common_list(TyperRun *run, const AstExpr *const *asts, size_t count, const SqlType **common,
                         const Expr **out);
/* One expression as that type: literals are rewritten, others wrapped in a CAST. */
Status typer_coerce(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out);

#endif
