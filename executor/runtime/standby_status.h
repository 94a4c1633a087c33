/*
 * standby_status.h - for helper.c; what others ask of standbys is in runtime.h.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_STANDBY_STATUS_H
#define SLUICE_EXECUTOR_RUNTIME_STANDBY_STATUS_H

#include "executor/runtime/runtime_core.h"

/* Looks up the ends of what the copies of tables here are made from. Thread: helper */
Status standby_note_ends(Runtime *runtime, Arena *arena, Error *err);

#endif
