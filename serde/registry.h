/*
 * registry.h - a schema registry: schemas by id, and by subject and version (runtime.md 1.6, 1.10).
 *
 * Formats whose bytes name their schema by an id ask here for the schema of an id that they read and for the
 * id of a schema that they write; the planner asks for the columns of a topic that were not declared. What
 * answers is an implementation: in memory (registry_memory.h), or behind HTTP. It is one object per process.
 *
 * Three answers are told apart, because they have different consequences:
 *   E_NOT_FOUND  the registry knows no such id, subject or version. A record that names it is bad.
 *   E_WAIT       the registry did not answer. Nothing is wrong with statement or record: whoever needs it
 *                waits and asks again. Nobody holds a lock that others need across a call.
 *   E_PLAN       the registry refuses the schema (incompatible, or no schema at all); the text is its own.
 *
 * A schema that has an id never changes. An implementation keeps what it fetched, so that asking for the same
 * id again costs no round trip; it also remembers for a while that it did not find one or got no answer, so
 * that a topic full of bad records does not become a flood of requests.
 *
 * Thread: any, of all functions. Results are copied into the caller's arena.
 */
#ifndef SLUICE_SERDE_REGISTRY_H
#define SLUICE_SERDE_REGISTRY_H

#include "core/str.h"

typedef enum { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF } SchemaKind;

/* As the registry's own interface spells it: "AVRO", "JSON", "PROTOBUF". */
const char *schema_kind_name(SchemaKind kind);
/* The opposite; absent means AVRO there. False when it is none. */
bool schema_kind_parse(Str text, SchemaKind *out);

/* Another subject's schema that a text uses by name. */
typedef struct {
    Str name; /* Avro: full name; Protobuf: the import's path; JSON: the $ref's URL */
    Str subject;
    int version;
} SchemaReference;

typedef struct {
    SchemaKind             kind;
    Str                    text;
    const SchemaReference *references;
    size_t                 reference_count;
    int32_t                id;      /* of a schema that is registered */
    int                    version; /* in the subject it was asked for by; 0: asked for by id */
} RegisteredSchema;

/* With all its texts in the arena. */
RegisteredSchema registered_schema_copy(const RegisteredSchema *from, Arena *arena);
/* The same names for the same versions of the same subjects, in the same order. */
bool registered_schema_same_references(const RegisteredSchema *a, const RegisteredSchema *b);

typedef struct SchemaRegistry SchemaRegistry;
struct SchemaRegistry {
    Status (*by_id)(SchemaRegistry *self, int32_t id, Arena *arena, RegisteredSchema *out, Error *err);
    /* `version` 0: the latest. */
    Status (*by_version)(SchemaRegistry *self, Str subject, int version, Arena *arena, RegisteredSchema *out,
                         Error *err);
    /* The id that the schema has in the subject. One that is there already keeps its id; a new one is
     * checked for compatibility first and becomes the latest version. */
    Status (*enroll)(SchemaRegistry *self, Str subject, const RegisteredSchema *schema, int32_t *id,
                     Error *err);
    /* OK: it could be registered under the subject (which may be new). E_PLAN: it could not, and why. */
    Status (*check)(SchemaRegistry *self, Str subject, const RegisteredSchema *schema, Error *err);
    /* Has a version of the subject (STR_NULL: of any) that is not deleted the id? Asked anew each time.
     * E_NOT_FOUND: none has. */
    Status (*in_subject)(SchemaRegistry *self, Str subject, int32_t id, Error *err);
    /* Deletes all versions of the subject; their ids stay known. E_NOT_FOUND: there are none. */
    Status (*forget)(SchemaRegistry *self, Str subject, Error *err);
    /* What is kept of the id is dropped: the next question goes to the registry. NULL: nothing is kept. */
    void (*refresh)(SchemaRegistry *self, int32_t id);
    /* Ends what is under way with E_WAIT, and whatever is asked from now on. NULL: nothing takes long. */
    void (*stop)(SchemaRegistry *self);
    void (*close)(SchemaRegistry *self);
};

/* Calls through NULL answer E_PLAN: there is no registry (ksql.schema.registry.url). */
Status registry_by_id(SchemaRegistry *registry, int32_t id, Arena *arena, RegisteredSchema *out, Error *err);
Status registry_latest(SchemaRegistry *registry, Str subject, Arena *arena, RegisteredSchema *out,
                       Error *err);
Status registry_by_version(SchemaRegistry *registry, Str subject, int version, Arena *arena,
                           RegisteredSchema *out, Error *err);
Status registry_enroll(SchemaRegistry *registry, Str subject, const RegisteredSchema *schema, int32_t *id,
                       Error *err);
Status registry_check(SchemaRegistry *registry, Str subject, const RegisteredSchema *schema, Error *err);
Status registry_in_subject(SchemaRegistry *registry, Str subject, int32_t id, Error *err);
Status registry_forget(SchemaRegistry *registry, Str subject, Error *err);
/* For statements that name an id: they want what the registry has now, even if it was set up anew. */
void registry_refresh(SchemaRegistry *registry, int32_t id); /* accepts NULL */
void registry_stop(SchemaRegistry *registry);                /* accepts NULL */
void registry_close(SchemaRegistry *registry);               /* accepts NULL */

/* TopicNameStrategy: "<topic>-key" or "<topic>-value". */
Str registry_subject(Arena *arena, Str topic, int side);

/* A schema's references and theirs, each once, every text after those it needs. E_DATA for a cycle or for
 * more than a sane number of them. */
typedef struct {
    Str name, text;
} ResolvedReference;
Status registry_resolve(SchemaRegistry *registry, const RegisteredSchema *schema, Arena *arena,
                        ResolvedReference **out, size_t *count, Error *err);

#endif
