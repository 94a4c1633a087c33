/*
 * http_client.h - requests to whichever of several servers answers, in JSON.
 *
 * Thread: any; requests of several threads run side by side.
 */
#ifndef SLUICE_REGISTRY_HTTP_CLIENT_H
#define SLUICE_REGISTRY_HTTP_CLIENT_H

#include <jansson.h>

#include "registry/registry_http.h"

typedef struct HttpClient HttpClient;

Status http_client_new(const RegistryHttpOptions *options, HttpClient **out, Error *err);
void   http_client_free(HttpClient *client); /* accepts NULL */

/* GET, or POST when there is a body (borrowed). Anything that the server answers itself is OK: *status says
 * what, *answer is the document (owned by the caller), NULL where it was none. Servers that do not answer, or
 * answer 5xx or 429, are tried in turn, with pauses that grow; E_WAIT when none has helped, and at once for a
 * while after that. */
Status http_client_ask(HttpClient *client, Str path, const json_t *body, long *status, json_t **answer,
                       Error *err);
/* Appends the text as a part of a path. */
void http_client_escape(StrBuf *path, Str text);

#endif
