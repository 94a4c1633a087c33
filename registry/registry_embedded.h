/*
 * registry_embedded.h - serde/registry.h over a topic of the log: a schema registry for who has none. The
 * same keeper answers HTTP (registry_api.h), so formats in this process and serializers in others meet in it.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_EMBEDDED_H
#define SLUICE_REGISTRY_REGISTRY_EMBEDDED_H

#include "registry/registry_keeper.h"

/* Both are borrowed, and live longer. */
SchemaRegistry *registry_embedded_new(RegistryKeeper *keeper, Clock *clock);

#endif
