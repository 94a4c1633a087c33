/*
 * driver_query.h - what the two files of the test driver know of each other: topics in memory, and a query
 * with its pipelines, which driver_query.c starts anew between two records if it is told to.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_DRIVER_QUERY_H
#define SLUICE_EXECUTOR_DATAFLOW_DRIVER_QUERY_H

#include "executor/dataflow/driver.h"

typedef struct {
    Str           name;
    DriverRecord *records;
    size_t        count, capacity;
    bool          has_inputs; /* records that were declared as inputs */
} DriverTopic;

typedef struct {
    size_t topic, record;
} DriverAt;

/* A sub-topology of a query's plan. */
typedef struct {
    Pipeline *pipeline; /* NULL: it did not open */
    StrBuf    saved;    /* small state of its operators, as of the last restart */
    bool      listed;   /* its inputs are in the query's list */
} DriverPart;

/* What a query reads that others write: its sources, in the order of the plan. */
typedef struct {
    size_t  part, input; /* of that part's pipeline */
    Str     topic;       /* the pipeline's */
    size_t  read;        /* records of the topic that are no news any more, where that has no inputs */
    size_t *taken;       /* all that went through, in that order: what a source table is made of again */
    size_t  taken_count, taken_capacity;
} DriverInput;

typedef struct {
    PipelineHost     host; /* first */
    Driver          *driver;
    const QueryPlan *plan;
    Str              id;
    int              number; /* of its state files */
    DriverPart      *parts;
    size_t           part_count;
    DriverInput     *inputs;
    size_t           input_count;
    StateFile       *state;
    size_t           inputs_done; /* of driver->inputs */
    DriverAt        *crossing;    /* repartition records not yet taken by the part that reads them */
    size_t           crossing_count, crossing_capacity;
    size_t           restarts;
} DriverQuery;

struct Driver {
    DriverOptions options;
    Arena        *arena;
    DriverTopic  *topics;
    size_t        topic_count, topic_capacity;
    DriverQuery **queries;
    size_t        query_count, query_capacity;
    int           queries_made;
    DriverRecord *outputs;
    size_t        output_count, output_capacity;
    DriverAt     *inputs;
    size_t        input_count, input_capacity;
    DriverAt     *written; /* by the push that is going on: depth first */
    size_t        written_count, written_capacity;
};

/* Room for one more item of a heap array. */
static inline void *driver_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_realloc(items, *capacity * size);
}

/* ---- driver.c ---- */

size_t   driver_find_topic(Driver *driver, Str name); /* found or made; driver->topics may move */
DriverAt driver_append(Driver *driver, size_t topic, int partition, const LogRecord *record);
/* Somebody else's record now: an output, and what comes next in depth. */
void driver_note_written(Driver *driver, DriverAt at);

/* ---- driver_query.c ---- */

Status driver_query_open(Driver *driver, const QueryPlan *plan, DriverQuery **out, Error *err);
void   driver_query_close(DriverQuery *query); /* accepts NULL */
/* Another version of the plan takes over; if that fails the query is without pipelines and takes nothing. */
Status driver_query_replace(DriverQuery *query, const QueryPlan *plan, Error *err);
/* A record through one input, to the end of the last part. */
Status driver_query_push(DriverQuery *query, size_t input, DriverAt at, Error *err);
/* Closed, opened and loaded, in the way that the driver's options say; nothing without such an option. */
Status driver_query_restart(DriverQuery *query, Error *err);
Status driver_query_flush(DriverQuery *query, Error *err);

#endif
