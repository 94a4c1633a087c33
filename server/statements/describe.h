/*
 * describe.h - descriptions of sources and queries, which several statements show (rest.md 4.1).
 */
#ifndef SLUICE_SERVER_STATEMENTS_DESCRIBE_H
#define SLUICE_SERVER_STATEMENTS_DESCRIBE_H

#include "server/statements/statements.h"

json_t *describe_source(Execution *x, const Source *source, bool extended);
/* As SHOW QUERIES lists a persistent query. */
json_t *describe_running(Execution *x, const QueryEntry *query);
/* As EXPLAIN shows a persistent query. */
json_t *describe_query(Execution *x, const QueryEntry *query);
/* As EXPLAIN shows a plan that does not run. */
json_t *describe_plan(Execution *x, const QueryPlan *plan, Str statement, const char *query_type);

#endif
