/*
 * join_keys.h - which column of a join can be its key (sql.md 5.5, "Join key").
 */
#ifndef SLUICE_PLANNER_JOIN_KEYS_H
#define SLUICE_PLANNER_JOIN_KEYS_H

#include "planner/analysis.h"

typedef struct {
    const AstExpr **items; /* plain references, qualified, in order of preference */
    size_t          count;
    Str             synthetic; /* name of the synthetic key column when there is none; else ptr NULL */
} ViableKeys;

/* For the join of all sources of the analysis, without foreign-key joins (their key is the left table's). */
void join_viable_keys(const Analysis *a, ViableKeys *out);

#endif
