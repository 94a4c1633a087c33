/*
 * others.h - what the service's other nodes say of queries, for statements that show them.
 *
 * Each node knows what its own tasks do. A statement asks the others first, without lock and lease, and shows
 * all of it: how many nodes a query runs on, and what they have done together.
 */
#ifndef SLUICE_SERVER_STATEMENTS_OTHERS_H
#define SLUICE_SERVER_STATEMENTS_OTHERS_H

#include "server/engine/execution.h"

/* Asks them about all queries, once in a statement; `positions`: where their tasks are, too, for which they
 * have to ask the log. Nothing in the sandbox. No pointer into the catalog outlives it. */
void others_ask(Execution *x, bool positions);

/* Adds the others' states of the query to {"RUNNING": 1}: {"RUNNING": 2, "UNRESPONSIVE": 1}. */
void others_count(const Execution *x, Str id, json_t *status_count);
/* The state of all of them together: the first of ERROR, UNRESPONSIVE, PAUSED, RUNNING that some node is in.
 */
const char *others_state(const json_t *status_count);
/* {"host:port": state}, this node included; NULL: there are no others. New reference. */
json_t *others_hosts(const Execution *x, Str id, const char *own);
/* Calls `add` with what each of the others says of the query. */
void others_each(const Execution *x, Str id, void (*add)(void *context, const json_t *facts), void *context);
/* Adds their figures to "operators" of this node's. */
void others_add_operators(const Execution *x, Str id, json_t *operators);

#endif
