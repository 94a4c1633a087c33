/*
 * placement.h - for slots.c: what this node is told to have. What others may ask is in runtime.h.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_PLACEMENT_H
#define SLUICE_EXECUTOR_RUNTIME_PLACEMENT_H

#include "executor/runtime/runtime_core.h"

/* From now on these (ascending) are the node's slots. Thread: member */
void placement_keep(Runtime *runtime, const int *slots, size_t count);

#endif
