/*
 * explain_figures.h - EXPLAIN ANALYZE QUERY id: what the operators of a running query have done.
 */
#ifndef SLUICE_SERVER_STATEMENTS_EXPLAIN_FIGURES_H
#define SLUICE_SERVER_STATEMENTS_EXPLAIN_FIGURES_H

#include "server/statements/statements.h"

/* Appends the figures that `description` (describe_query) has under "operators" to its "executionPlan", as a
 * table. E_PLAN: the query does not run on this server. */
Status explain_figures(const AstStatement *statement, json_t *description, Error *err);

#endif
