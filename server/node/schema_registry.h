/*
 * schema_registry.h - the schema registry that the settings ask for: one elsewhere, or the embedded one.
 */
#ifndef SLUICE_SERVER_NODE_SCHEMA_REGISTRY_H
#define SLUICE_SERVER_NODE_SCHEMA_REGISTRY_H

#include "registry/registry_keeper.h"
#include "server/settings/properties.h"

typedef struct {
    SchemaRegistry *registry;   /* for who may wait; NULL: none */
    SchemaRegistry *background; /* the same, for workers, which may not */
    RegistryKeeper *keeper;     /* of the embedded one; NULL: it is another */
} NodeRegistry;

/* Asks nobody and opens nothing yet, so a registry or log that is away keeps no server from starting. Without
 * an address the embedded log has a registry of its own, Kafka where it is asked for. E_CONFIG: an address
 * that is none, both at once, or a setting without what it needs. */
Status schema_registry_open(const Properties *properties, Log *log, Clock *clock, NodeRegistry *out,
                            Error *err);
/* Whoever waits for it goes on with E_WAIT, and nobody waits for it any more. Thread: any. */
void schema_registry_stop(NodeRegistry *registry);
/* Before the log is closed. */
void schema_registry_close(NodeRegistry *registry);

#endif
