/*
 * registry_api.h - the embedded registry's HTTP interface, which is Confluent's: from a request's method,
 * path and body to a status and a JSON document. Nothing here knows a connection.
 *
 * Built: subjects, versions, schemas, look-up, compatibility, levels, modes READWRITE and READONLY. What is
 * not (contexts, normalize, metadata and rules, IMPORT) is refused with a message that says so.
 *
 * Thread: any.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_API_H
#define SLUICE_REGISTRY_REGISTRY_API_H

#include "registry/registry_keeper.h"

#define REGISTRY_MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

typedef struct {
    Str    method;
    Str    path; /* as it was sent: a subject may hold an escaped slash */
    Str    body;
    Arena *arena;
    /* A field of the query, unescaped; STR_NULL: not there. */
    Str (*parameter)(void *context, const char *name);
    void *context;
} RegistryRequest;

typedef struct {
    int         status;
    Str         body;  /* in the arena */
    const char *allow; /* 405: the methods that the path has, in the arena; else NULL */
} RegistryReply;

/* Is the path (unescaped will do) one of the registry's? */
bool registry_api_serves(Str path);
void registry_api_answer(RegistryKeeper *keeper, const RegistryRequest *request, RegistryReply *out);
/* A refusal as the registry writes them: {"error_code":..,"message":..}. */
Str registry_api_error(Arena *arena, int code, const char *message);

#endif
