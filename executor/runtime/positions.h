/*
 * positions.h - a task's positions as a record, and the table of those of a worker's slots.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_POSITIONS_H
#define SLUICE_EXECUTOR_RUNTIME_POSITIONS_H

#include "core/row.h"

/* A task's record in the slots topic, and its fact in the state file. Strings are borrowed. */
typedef struct {
    int64_t generation; /* of the query's plan: another's is another query's; < 0: a record of old, which does
                           not say */
    uint64_t
        sequence; /* counts the task's commits; equal in log and state file when the file has caught up */
    uint64_t       source_columns; /* what the rows of its source tables were read for: see restore.c */
    const Str     *topics;
    const int64_t *positions;
    const Str     *stores; /* names; ptr NULL: a record of old, which has no names */
    const int64_t *versions;
    const int64_t
          *changelogs; /* next offset of each store's changelog, -1 unknown: known in the state file */
    size_t input_count, store_count;
    Str    saved; /* pipeline_save */
} TaskRecord;

void   task_record_encode(const TaskRecord *record, StrBuf *out);
Status task_record_decode(Str bytes, Arena *arena, TaskRecord *out, Error *err);
/* The fact in the state file has the time behind it at which it was written: what the changelogs have
 * forgotten since, the file cannot know. */
void   task_record_add_time(int64_t kept_ms, StrBuf *out);
Status task_record_decode_kept(Str bytes, Arena *arena, TaskRecord *out, int64_t *kept_ms, Error *err);

/* Key to value; owns copies. Thread: its worker */
typedef struct PositionTable PositionTable;
PositionTable               *positions_new(void);
void                         positions_free(PositionTable *table);      /* accepts NULL */
void positions_put(PositionTable *table, Str key, int slot, Str value); /* value ptr NULL: removed */
Str  positions_get(const PositionTable *table, Str key);                /* valid until the next put */
void positions_drop_slot(PositionTable *table, int slot);

#endif
