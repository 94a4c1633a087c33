/*
 * pull_rules.h - what no pull query may have, on a table or on a stream (sql.md 5.13).
 */
#ifndef SLUICE_PLANNER_PULL_RULES_H
#define SLUICE_PLANNER_PULL_RULES_H

#include "planner/analysis.h"

/* What every refusal ends with. */
extern const char pull_help_text[];

/* Is a switch of pull queries off? */
bool pull_is_off(const Planner *planner, const char *name);
/* JOIN, WINDOW, GROUP BY, PARTITION BY, HAVING, a LIMIT that cannot be: before the analysis. */
Status pull_check_clauses(const Planner *planner, const AstQuery *query, Error *err);
/* Pseudo columns that say where a record lies; then the switches of pull queries. */
Status pull_check_columns(const Analysis *a, Error *err);
Status pull_check_enabled(const Analysis *a, Error *err);
/* All of it for a pull query on a stream, which otherwise is planned as a push query that ends. */
Status pull_check_stream_query(const Analysis *a, Error *err);

#endif
