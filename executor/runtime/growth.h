/*
 * growth.h - partitions that are added to input topics.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_GROWTH_H
#define SLUICE_EXECUTOR_RUNTIME_GROWTH_H

#include "executor/runtime/runtime.h"

/* Looks at the input topics, when it is time for it (*next_us). Thread: helper */
void growth_check(Runtime *runtime, Arena *arena, int64_t *next_us);

#endif
