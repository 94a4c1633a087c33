/*
 * timestamp_column.h - WITH (TIMESTAMP = 'column'): a column that gives a record its time (runtime.md 2.1).
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_TIMESTAMP_COLUMN_H
#define SLUICE_EXECUTOR_DATAFLOW_TIMESTAMP_COLUMN_H

#include "core/row.h"
#include "udf/time_site.h"

typedef struct {
    int           slot;   /* -1: no such column */
    Str           format; /* of STRING */
    const Schema *schema;
} TimestampSpec;

typedef struct {
    int          slot; /* -1: none, the record's own */
    SqlKind      kind;
    TimePattern *pattern; /* STRING */
    FnSite       site;    /* keeps the server's zone */
    FnCall       call;
} TimestampColumn;

/* `arena` lives as long as the column. */
Status timestamp_column_open(const TimestampSpec *spec, Clock *clock, const FnConfig *config, Arena *arena,
                             TimestampColumn *out, Error *err);
void   timestamp_column_close(TimestampColumn *column);
/* E_DATA for NULL and for text that does not fit the format. The result may be negative. */
Status timestamp_column_read(TimestampColumn *column, Value value, int64_t *out, Error *err);

#endif
