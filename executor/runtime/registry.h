/*
 * registry.h - the queries of a runtime, for the threads that look at all of them.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_REGISTRY_H
#define SLUICE_EXECUTOR_RUNTIME_REGISTRY_H

#include "executor/runtime/query.h"

/* All queries of the registry, each with a reference for the caller. Thread: any */
size_t registry_hold_all(Runtime *runtime, Arena *arena, RunningQuery ***out);
/* A reference of the caller's, or NULL. Thread: any */
RunningQuery *registry_hold(Runtime *runtime, Str id);
/* `next` takes the place of `query`, with its reference, unless something else has done so. Thread: any */
void registry_replace_grown(Runtime *runtime, RunningQuery *query, RunningQuery *next);
/* Its tasks stop with what query_check_grown says. Thread: any */
void registry_stop_outgrown(Runtime *runtime, RunningQuery *query);

#endif
