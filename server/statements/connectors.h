/*
 * connectors.h - what statements about connectors share: how they ask Kafka Connect, and its lists.
 */
#ifndef SLUICE_SERVER_STATEMENTS_CONNECTORS_H
#define SLUICE_SERVER_STATEMENTS_CONNECTORS_H

#include "server/connect/connect_client.h"
#include "server/statements/statements.h"

/* E_PLAN "<purpose>: no Kafka Connect is configured": then nothing can be asked. */
Status connectors_check(const Execution *x, const char *purpose, Error *err);
/* Leaves the engine to others until connectors_end: Connect takes its time. No pointer into the catalog
 * outlives it. After an error there is nothing to end. */
Status connectors_begin(Execution *x, const char *purpose, HttpClient **client, Error *err);
/* Takes the engine again. Returns `status`, with the purpose before its message. */
Status connectors_end(Execution *x, const char *purpose, HttpClient *client, Status status, Error *err);
/* Appends the names that are like this one, which Connect does not know; nothing if it does not answer. */
void connectors_suggest(HttpClient *client, Str name, Error *err);

/* SHOW [SOURCE | SINK] CONNECTORS, SHOW CONNECTOR PLUGINS. */
Status show_connectors(Execution *x, const AstStatement *statement, json_t **entity, Error *err);
Status show_connector_plugins(Execution *x, const AstStatement *statement, json_t **entity, Error *err);

#endif
