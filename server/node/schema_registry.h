/*
 * schema_registry.h - the schema registry that the settings name.
 */
#ifndef SLUICE_SERVER_NODE_SCHEMA_REGISTRY_H
#define SLUICE_SERVER_NODE_SCHEMA_REGISTRY_H

#include "core/clock.h"
#include "server/settings/properties.h"
#include "serde/registry.h"

/* *out NULL: none is configured. It asks nobody yet, so a registry that is away keeps no server from
 * starting. E_CONFIG: an address that is none, or a setting without what it needs. The caller closes it. */
Status schema_registry_open(const Properties *properties, Clock *clock, SchemaRegistry **out, Error *err);

#endif
