/*
 * planned.h - what programs that measure share: SQL text to a plan, and a process that ends on any error.
 */
#ifndef SLUICE_BENCH_PLANNED_H
#define SLUICE_BENCH_PLANNED_H

#include "planner/planner.h"

/* Ends the process with the message, unless OK. */
void check(Status status, const Error *err);

/* Everything a plan needs to stand on. Thread: one. */
typedef struct {
    Arena     *arena;
    Catalog   *catalog;
    Functions *functions;
    Clock      clock; /* virtual */
} Planned;

void planned_init(Planned *self);
void planned_clear(Planned *self);
/* The last statement is a persistent query, those before it are sources: its plan, in the arena. */
const QueryPlan *planned_query(Planned *self, const char *sql);
/* Adds the sources of a script to the catalog. */
void planned_sources(Planned *self, const char *sql);
/* Parses and plans a pull query. */
void planned_pull(Planned *self, const char *sql);

#endif
