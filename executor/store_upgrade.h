/*
 * store_upgrade.h - what the stores of a query hold, carried over to its next version (OR REPLACE).
 *
 * Rows keep the columns that both versions have by name and type; new columns are NULL. A store whose kind or
 * key changed starts empty.
 */
#ifndef SLUICE_EXECUTOR_STORE_UPGRADE_H
#define SLUICE_EXECUTOR_STORE_UPGRADE_H

#include "executor/pipeline.h"

typedef struct StoreSnapshot StoreSnapshot;

/* Copies all rows of the pipeline's stores, in memory. */
Status store_snapshot_take(Pipeline *pipeline, Arena *arena, StoreSnapshot **out, Error *err);
/* Once that pipeline is closed: removes its tables, so that the next version can make its own. */
Status store_snapshot_drop_tables(const StoreSnapshot *snapshot, StateFile *file, Error *err);
Status store_snapshot_restore(const StoreSnapshot *snapshot, Pipeline *pipeline, Error *err);

#endif
