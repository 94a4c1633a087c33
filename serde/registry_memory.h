/*
 * registry_memory.h - a schema registry that lives as long as its process: `sluice test`, unit tests.
 */
#ifndef SLUICE_SERDE_REGISTRY_MEMORY_H
#define SLUICE_SERDE_REGISTRY_MEMORY_H

#include "serde/registry.h"

/* Ids count from 1; equal schemas share one, in whatever subject they are. */
SchemaRegistry *registry_memory_new(void);
/* Registers under an id of the caller's choice (test data that name ids), references included. E_EXISTS when
 * another schema has it. */
Status registry_memory_put(SchemaRegistry *registry, Str subject, const RegisteredSchema *schema, Error *err);

#endif
