/*
 * registry_background.h - a schema registry for threads that must not wait for one: workers, which have other
 * tasks.
 *
 * A thread of its own asks. Who wants an answer gets it, or, when it takes longer than a moment, E_WAIT; who
 * asks the same again later finds it there. While the registry is silent, or after it failed to answer,
 * nobody waits even for that moment.
 *
 * Thread: any.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_BACKGROUND_H
#define SLUICE_REGISTRY_REGISTRY_BACKGROUND_H

#include "core/clock.h"
#include "serde/registry.h"

/* Both are borrowed. The thread begins with the first question. */
SchemaRegistry *registry_background_new(SchemaRegistry *behind, Clock *clock);

#endif
