/*
 * registry_record.h - a record of the topic `_schemas`, in the form that Confluent's registry gives them:
 * which key it has, and what its value says. A registry of that make can take the topic over, and the other
 * way round.
 *
 *   {"keytype":"SCHEMA","subject":"t-value","version":1,"magic":1}
 *       {"subject":"t-value","version":1,"id":1,"schema":"\"int\"","deleted":false}   null: gone for good
 *   {"keytype":"CONFIG","subject":"t-value","magic":0}   {"compatibilityLevel":"FULL"}  null: as above it
 *   {"keytype":"MODE","subject":null,"magic":0}          {"mode":"READONLY"}
 *   {"keytype":"DELETE_SUBJECT","subject":"t-value","magic":0}  {"subject":"t-value","version":3}: up to here
 *   {"keytype":"NOOP","magic":0}                                {"maxId":7}: ours, others pass over it
 */
#ifndef SLUICE_REGISTRY_REGISTRY_RECORD_H
#define SLUICE_REGISTRY_REGISTRY_RECORD_H

#include "serde/registry.h"

typedef enum {
    LEVEL_UNSET, /* of a subject: as the registry's; of the registry: BACKWARD */
    LEVEL_NONE,
    LEVEL_BACKWARD,
    LEVEL_BACKWARD_TRANSITIVE,
    LEVEL_FORWARD,
    LEVEL_FORWARD_TRANSITIVE,
    LEVEL_FULL,
    LEVEL_FULL_TRANSITIVE,
} CompatibilityLevel;

typedef enum { MODE_UNSET, MODE_READWRITE, MODE_READONLY } RegistryMode;

const char *compatibility_level_name(CompatibilityLevel level);           /* "BACKWARD"; of UNSET NULL */
bool        compatibility_level_parse(Str text, CompatibilityLevel *out); /* any case */
const char *registry_mode_name(RegistryMode mode);
bool        registry_mode_parse(Str text, RegistryMode *out);

typedef enum {
    RECORD_OTHER, /* of no importance here: contexts, what a later version writes */
    RECORD_NOOP,
    RECORD_SCHEMA,
    RECORD_CONFIG,
    RECORD_MODE,
    RECORD_DELETE_SUBJECT,
    RECORD_CLEAR_SUBJECT,
} RegistryRecordKind;

typedef struct {
    RegistryRecordKind kind;
    Str                subject; /* ptr NULL: of the whole registry */
    int                version; /* SCHEMA; DELETE_SUBJECT: the last that goes */
    bool               tombstone;
    RegisteredSchema   schema; /* SCHEMA, with its id */
    bool               deleted;
    CompatibilityLevel level;
    RegistryMode       mode;
    int32_t            greatest_id; /* NOOP; 0: it says nothing */
} RegistryRecord;

/* Texts are copied into the arena. E_DATA: it is none, and why. */
Status registry_record_read(Str key, Str value, Arena *arena, RegistryRecord *out, Error *err);
/* Appends both; a tombstone has no value. */
void registry_record_write(const RegistryRecord *record, StrBuf *key, StrBuf *value);

#endif
