/*
 * scalable_push.h - push queries on what a running query writes, from now on (sql.md 5.14).
 *
 * ksqlDB takes their rows from the running query itself. Sluice reads the sink's topic, which a worker
 * fetches once for all readers: it costs the same. What differs from an ordinary push query: the id, and that
 * a table is seen as the stream of its changes.
 */
#ifndef SLUICE_SERVER_ENGINE_SCALABLE_PUSH_H
#define SLUICE_SERVER_ENGINE_SCALABLE_PUSH_H

#include "server/engine/execution.h"

/* Of a query that has been found to be a push query. */
bool scalable_push_applies(const Execution *x, const AstQuery *query);
/* E_PLAN: an item that cannot stand beside a wildcard. */
Status scalable_push_check(const AstQuery *query, Error *err);
/* A copy of the catalog in which the source is a stream; the caller frees it. */
Catalog *scalable_push_catalog(const Execution *x, const AstQuery *query);

#endif
