/*
 * registry_question.h - a question to a schema registry as a thing that can be kept, compared and asked
 * later, and a registry that makes things of the questions that come to it.
 *
 * Who asks a registry is often somebody who must not wait for it: a statement under the engine's lock, a
 * worker with other tasks. What stands between them and the registry (registry_notes.h,
 * registry_background.h) answers from what it has heard and has the rest asked elsewhere.
 *
 * Thread: one at a time, each.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_QUESTION_H
#define SLUICE_REGISTRY_REGISTRY_QUESTION_H

#include "serde/registry.h"

typedef enum { ASK_BY_ID, ASK_BY_VERSION, ASK_ENROLL, ASK_CHECK, ASK_IN_SUBJECT, ASK_FORGET } RegistryAsk;

typedef struct {
    RegistryAsk      ask;
    Str              subject; /* ptr NULL: none */
    int              number;  /* id, or version */
    RegisteredSchema schema;  /* ASK_ENROLL, ASK_CHECK */
} RegistryQuestion;

typedef struct {
    Status           status;
    RegisteredSchema schema; /* ASK_BY_ID, ASK_BY_VERSION */
    int32_t          id;     /* ASK_ENROLL */
    const Error     *why;    /* unless OK */
} RegistryAnswer;

RegistryQuestion registry_question_copy(const RegistryQuestion *from, Arena *arena);
bool             registry_question_same(const RegistryQuestion *a, const RegistryQuestion *b);
/* Waits for the registry. The answer is in the arena, all of it. */
void registry_question_ask(SchemaRegistry *registry, const RegistryQuestion *question, Arena *arena,
                           RegistryAnswer *out);

/* First in whatever stands in a registry's place. */
typedef struct RegistryProxy RegistryProxy;
struct RegistryProxy {
    SchemaRegistry base;
    /* OK: *out is filled in, its texts in the arena. Otherwise *err says why, as of SchemaRegistry's own. */
    Status (*answer)(RegistryProxy *self, const RegistryQuestion *question, Arena *arena, RegistryAnswer *out,
                     Error *err);
};
/* All functions of `base` but `close` and `refresh`, which are the maker's. */
void registry_proxy_init(RegistryProxy *proxy);

#endif
