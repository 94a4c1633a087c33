/*
 * connect_client.h - what Kafka Connect is asked and told: its REST interface, a function for each question.
 *
 * Thread: any; it takes its time, so nobody holds a lock meanwhile. Documents are new references.
 *
 * Four ends are told apart:
 *   OK           Connect's answer
 *   E_NOT_FOUND, E_EXISTS, E_PLAN   it says no (404, 409, another 4xx), in its own words
 *   E_IO         it failed (5xx), does not know us (401, 403), or its answer makes no sense
 *   E_WAIT       it does not answer
 */
#ifndef SLUICE_SERVER_CONNECT_CONNECT_CLIENT_H
#define SLUICE_SERVER_CONNECT_CONNECT_CLIENT_H

#include "web/http_client.h"

/* Names of connectors, an array of texts. */
Status connect_names(HttpClient *client, json_t **out, Error *err);
/* {"name":, "config": {}, "tasks": [], "type": "source"} */
Status connect_info(HttpClient *client, Str connector, json_t **out, Error *err);
/* {"name":, "connector": {"state":, "worker_id":}, "tasks": [{"id":, "state":, "worker_id":}], "type":} */
Status connect_state(HttpClient *client, Str connector, json_t **out, Error *err);
/* Topics that the connector has used, an array of texts. Connect before 2.5 does not know: E_NOT_FOUND. */
Status connect_topics(HttpClient *client, Str connector, json_t **out, Error *err);
/* [{"class":, "type":, "version":}] */
Status connect_plugins(HttpClient *client, json_t **out, Error *err);
/* `config` is an object of texts with `connector.class` and `name`. OK: nothing speaks against it, or Connect
 * cannot say; E_PLAN: "name - what is wrong with it", a line each. */
Status connect_validate(HttpClient *client, Str class_name, const json_t *config, Error *err);
/* *out: as connect_info. What Connect may have begun is not asked for again. */
Status connect_create(HttpClient *client, Str connector, const json_t *config, json_t **out, Error *err);
Status connect_delete(HttpClient *client, Str connector, Error *err);

#endif
