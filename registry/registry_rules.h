/*
 * registry_rules.h - what a registry allows, and which records a change consists of: Confluent's rules and
 * numbers. Everything is decided on a model that stands still; nothing is read or written here.
 *
 * A refusal has a number, which clients look at, besides the Status: see `code` in Refusal.
 *
 * Thread: who has the model.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_RULES_H
#define SLUICE_REGISTRY_REGISTRY_RULES_H

#include "registry/registry_keeper.h"

/* Confluent's error codes; the first three digits are the HTTP status. */
enum {
    CODE_INCOMPATIBLE        = 409,
    CODE_SUBJECT_NOT_FOUND   = 40401,
    CODE_VERSION_NOT_FOUND   = 40402,
    CODE_SCHEMA_NOT_FOUND    = 40403,
    CODE_SUBJECT_DELETED     = 40404, /* already: permanent=true is left */
    CODE_SUBJECT_NOT_DELETED = 40405, /* yet: permanent=true comes second */
    CODE_VERSION_DELETED     = 40406,
    CODE_VERSION_NOT_DELETED = 40407,
    CODE_LEVEL_NOT_SET       = 40408,
    CODE_MODE_NOT_SET        = 40409,
    CODE_INVALID_SCHEMA      = 42201,
    CODE_INVALID_VERSION     = 42202,
    CODE_INVALID_LEVEL       = 42203,
    CODE_INVALID_MODE        = 42204,
    CODE_NOT_PERMITTED       = 42205,
    CODE_REFERENCE_EXISTS    = 42206,
    CODE_INVALID_SUBJECT     = 42208,
    CODE_NOT_BUILT           = 42299, /* ours */
};

enum { LONGEST_SCHEMA = 1000000 /* bytes: what a record of Kafka may hold by default */ };

/* Fills in err and *code. */
Status refuse_with(int *code, int number, Status status, Error *err, const char *fmt, ...) SL_PRINTF(5, 6);
Status refuse_subject_not_found(int *code, Str subject, Error *err);
Status refuse_version_not_found(int *code, const RegistryModel *model, Str subject, int version, Error *err);

/* The schema with its text in the form that is kept (schema_canonical). E_PLAN, 42201: it is none, is too
 * long, or refers to what is not there. */
Status rules_canonical(const RegistryModel *model, const RegisteredSchema *schema, Arena *arena,
                       RegisteredSchema *out, int *code, Error *err);

/* Its serialized form (schema_serialized). */
Status rules_serialized(const RegistryModel *model, const RegisteredSchema *schema, Arena *arena, Str *out,
                        Error *err);

/* May the schema (canonical) become a version of the subject? OK, or E_PLAN with why. `version` 0: as the
 * subject's level says; else compared with that version alone, which there is. *against: the version that it
 * does not go with; may be NULL. */
Status rules_compatible(const RegistryModel *model, Str subject, const RegisteredSchema *schema, int version,
                        int *against, Error *err);

/* What keeper_change gets as context; the members above the line are borrowed. */
typedef struct {
    Str              subject; /* STR_NULL: the whole registry (level, mode) */
    RegisteredSchema schema;  /* as it came */
    int              version; /* 0: the latest */
    bool             permanent;
    const char      *level, *mode; /* NULL: unset it */
    /* ---- what came of it ---- */
    int                code; /* of the refusal; 0: it was no refusal */
    int32_t            id;
    int               *versions; /* that were deleted; heap, of the caller */
    size_t             version_count;
    CompatibilityLevel old_level;
    RegistryMode       old_mode;
} RegistryChange;

/* A version that is there already keeps its id; else it is the next one, if it may be. */
Status change_register(const RegistryModel *model, void *change, RecordList *out, Error *err);
Status change_delete_subject(const RegistryModel *model, void *change, RecordList *out, Error *err);
Status change_delete_version(const RegistryModel *model, void *change, RecordList *out, Error *err);
Status change_level(const RegistryModel *model, void *change, RecordList *out, Error *err);
Status change_mode(const RegistryModel *model, void *change, RecordList *out, Error *err);

#endif
