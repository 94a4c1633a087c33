/*
 * wants.h - which columns, and which fields of structs, are read of a node: what pruning asks each class of
 * nodes (plan_prune.c).
 */
#ifndef SLUICE_PLANNER_WANTS_H
#define SLUICE_PLANNER_WANTS_H

#include "expr/expr.h"
#include "serde/serde.h"

/* What is wanted of a column: nothing, all, or some fields of a struct. Mutable twin of Wanted. */
typedef struct Want Want;
struct Want {
    bool   any, whole;
    Want **fields;
};

typedef struct {
    Arena        *arena;
    const Schema *schema; /* of the node that is read */
    Want         *columns;
} Wants;

Wants wants_new(Arena *arena, const Schema *schema);
/* The whole column. */
void want_column(Wants *wants, size_t slot);
void want_keys(Wants *wants);
void want_all(Wants *wants);
/* What the expressions read; those that are NULL read nothing. */
void want_exprs(Wants *wants, const Expr *const *exprs, size_t count);
/* Column `to` is handed on as the reader's column `from`. */
void want_shared(Wants *to, size_t to_slot, const Wants *from, size_t from_slot);
/* The decoder's form. */
const Wanted *wanted_of(Arena *arena, const Want *want, const SqlType *type);

#endif
