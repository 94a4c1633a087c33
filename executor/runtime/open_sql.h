/*
 * open_sql.h - the script that shows the tables of all workers.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_OPEN_SQL_H
#define SLUICE_EXECUTOR_RUNTIME_OPEN_SQL_H

#include "executor/runtime/runtime.h"

/* Rewrites state/open.sql when the tables are others than in `last`, what was written before. `at_end`: not
 * when tasks had no time to start, which says nothing about the tables. Thread: helper. */
Status open_sql_refresh(Runtime *runtime, bool at_end, Arena *arena, StrBuf *last, Error *err);

#endif
