/*
 * placement.h - for slots.c: what this node is told to have. What others may ask is in runtime.h.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_PLACEMENT_H
#define SLUICE_EXECUTOR_RUNTIME_PLACEMENT_H

#include "executor/runtime/runtime_core.h"

/* From now on these (ascending) are the node's slots. Thread: member */
void placement_keep(Runtime *runtime, const int *slots, size_t count);
/* Per slot, whether this node has it, and the version of that (runtime_slots_version). Thread: any. */
unsigned placement_owned(Runtime *runtime, bool *owned, int slot_count);
/* As which the node stands by for each slot, as runtime_stand_by was told last; 0: not. Returns a number that
 * changes with it (runtime->ranks_version). Thread: any */
unsigned placement_ranks(Runtime *runtime, int *ranks, int slot_count);

#endif
