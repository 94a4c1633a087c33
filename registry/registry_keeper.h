/*
 * registry_keeper.h - the embedded registry's memory: the topic `_schemas` of a log of either kind, read into
 * a model, and changed in one order.
 *
 * Nothing is opened before the first question. Each question reads what has come to the topic since the last
 * one, so several nodes on one Kafka know the same. A change is decided on the model, appended in one
 * transaction, and read back: what was decided on a model that another node has overtaken is not committed,
 * for that node's writer has fenced ours, and is decided again.
 *
 * Thread: any.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_KEEPER_H
#define SLUICE_REGISTRY_REGISTRY_KEEPER_H

#include "log/log.h"
#include "registry/registry_model.h"

typedef struct RegistryKeeper RegistryKeeper;

typedef struct {
    Log        *log;   /* borrowed */
    Clock      *clock; /* borrowed */
    const char *topic; /* "_schemas"; made by the first change. Copied */
    int         replicas;
} RegistryKeeperOptions;

RegistryKeeper *keeper_new(const RegistryKeeperOptions *options);
void            keeper_free(RegistryKeeper *keeper); /* accepts NULL; before its log is closed */

/* The model as of now, until keeper_done: nobody else gets at it meanwhile. When it fails (E_IO: the log does
 * not answer; E_DAMAGED; E_PLAN: the topic is not one that a registry can use) nothing is to be done. */
Status keeper_look(RegistryKeeper *keeper, const RegistryModel **model, Error *err);
/* The model as it was read last, for who does not want to wait: until keeper_done. */
const RegistryModel *keeper_peek(RegistryKeeper *keeper);
void                 keeper_done(RegistryKeeper *keeper);

/* Records that are to be appended, their texts in the arena. */
typedef struct {
    Arena          *arena;
    RegistryRecord *items;
    size_t          count, capacity;
} RecordList;

void record_list_add(RecordList *list, const RegistryRecord *record);

/* Decides what is to be appended; nothing: there is nothing to do. May be called several times, the last
 * counts. What it refuses is the outcome. */
typedef Status (*KeeperDecision)(const RegistryModel *model, void *context, RecordList *out, Error *err);
/* OK: it is in the topic and in the model. */
Status keeper_change(RegistryKeeper *keeper, KeeperDecision decide, void *context, Error *err);

#endif
