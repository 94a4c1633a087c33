/*
 * registry_model.h - what a registry knows: schemas by id, subjects and their versions, levels and modes. It
 * is made of the records of `_schemas` in their order and of nothing else, so every node that has read as far
 * knows the same.
 *
 * A deleted version stays (soft) until a tombstone takes it (hard); a schema stays as long as a version has
 * it.
 *
 * Thread: one at a time; who owns it has the lock.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_MODEL_H
#define SLUICE_REGISTRY_REGISTRY_MODEL_H

#include "registry/registry_record.h"

typedef struct {
    Arena           *arena; /* its own */
    RegisteredSchema schema;
    size_t           uses; /* by versions, deleted ones included */
} ModelSchema;

typedef struct {
    int          version;
    bool         deleted;
    ModelSchema *schema;
} ModelVersion;

typedef struct {
    char              *name;
    ModelVersion      *versions; /* by version, ascending */
    size_t             count, capacity;
    CompatibilityLevel level;
    RegistryMode       mode;
} ModelSubject;

typedef struct {
    ModelSchema      **schemas; /* by id, ascending */
    size_t             schema_count, schema_capacity;
    ModelSubject     **subjects; /* by name, ascending */
    size_t             subject_count, subject_capacity;
    CompatibilityLevel level;
    RegistryMode       mode;
    int32_t            greatest_id; /* that was ever given */
} RegistryModel;

/* A zeroed model is empty and valid. */
void model_clear(RegistryModel *model);
/* Carries the record out. */
void model_apply(RegistryModel *model, const RegistryRecord *record);

/* ---- questions; NULL: there is none ---- */

const ModelSchema  *model_schema(const RegistryModel *model, int32_t id);
const ModelSubject *model_subject(const RegistryModel *model, Str name);
/* Version 0: the latest. One that is deleted only if `deleted`. */
const ModelVersion *model_version(const RegistryModel *model, Str subject, int version, bool deleted);
/* Has the subject a version, a deleted one if so asked? */
bool subject_has_any(const ModelSubject *subject, bool deleted);
/* The version of the subject with this schema: kind, text and references. */
const ModelVersion *subject_find(const ModelSubject *subject, const RegisteredSchema *schema, bool deleted);
/* The schema of that kind, text and references in whatever subject. */
const ModelSchema *model_find(const RegistryModel *model, const RegisteredSchema *schema);
/* Does a version of the schema, one that is not deleted, stand in some subject? */
bool model_is_live(const RegistryModel *model, const ModelSchema *schema);
/* Does the schema refer to that version? */
bool schema_refers_to(const ModelSchema *schema, Str subject, int version);
/* What holds for the subject: its own, else the registry's, else BACKWARD and READWRITE. */
CompatibilityLevel model_level(const RegistryModel *model, Str subject);
RegistryMode       model_mode(const RegistryModel *model, Str subject);

#endif
