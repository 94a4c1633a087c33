/*
 * api_answer.h - what the answers of the registry's HTTP interface share: a request that found its route, and
 * ways to reply.
 */
#ifndef SLUICE_REGISTRY_API_ANSWER_H
#define SLUICE_REGISTRY_API_ANSWER_H

#include <jansson.h>

#include "registry/registry_api.h"
#include "registry/registry_rules.h"

enum { MOST_PARTS = 3 };

typedef struct {
    RegistryKeeper        *keeper;
    const RegistryRequest *request;
    Str                    parts[MOST_PARTS]; /* what stood for {}, unescaped; STR_NULL: nothing did */
    RegistryReply         *reply;
} Answering;

#define ROUTE(method, path, answer) void answer(Answering *a);
#include "registry/api_routes.def"
#undef ROUTE

/* Both take the document. */
void reply_json(Answering *a, json_t *document);
void reply_refusal(Answering *a, int code, const char *message);
/* `code` 0: the log's trouble, which is no refusal: 50001. */
void reply_failure(Answering *a, int code, const Error *err);
/* A field of the query that is "true". */
bool    asks_for(const Answering *a, const char *name);
json_t *json_of(Str text);

/* The body as an object; NULL: a refusal was replied. */
json_t *read_body(Answering *a);
/* The schema of a body, its texts borrowed from it or in the arena. False: as above. */
bool read_schema_body(Answering *a, const json_t *body, RegisteredSchema *out);
/* "latest" and -1 are 0. False: as above. */
bool read_version_part(Answering *a, Str part, int *out);
bool read_id_part(Answering *a, Str part, int32_t *out);
/* False: 50001 was replied; else keeper_done is to follow. */
bool look(Answering *a, const RegistryModel **model);

#endif
