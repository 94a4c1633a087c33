/*
 * driver.h - runs plans over an in-memory log without threads or wall clock: `sluice test`, golden tests.
 *
 * Order (conformance contract): queries one after the other in the order they were created, each over all its
 * inputs as listed; or depth first, where every record goes through all downstream queries before the next.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_DRIVER_H
#define SLUICE_EXECUTOR_DATAFLOW_DRIVER_H

#include "executor/dataflow/pipeline.h"

typedef struct Driver Driver;

typedef struct {
    Str       topic;
    int       partition;
    LogRecord record;
} DriverRecord;

/* Between every two records a query takes, all of it ends and begins again, and nobody may see that. */
typedef enum {
    DRIVER_NO_RESTART, /* one pipeline in memory */
    DRIVER_REOPEN,     /* state is committed to files, closed, opened and loaded */
    DRIVER_RESTORE,    /* the same, but the files are deleted and state comes from the changelogs */
} DriverRestart;

typedef struct {
    DriverRestart   restart;
    const char     *state_folder; /* with restarts: an empty folder for state files; the caller removes it */
    Clock          *clock;
    const FnConfig *functions_config;
    SchemaRegistry *registry;
    Str             service_id;
    bool            throw_on_invalid_timestamp;
    void (*skipped)(void *context, const SkipInfo *info); /* may be NULL */
    void *context;
} DriverOptions;

Status driver_open(const DriverOptions *options, Driver **out, Error *err);
void   driver_close(Driver *driver);

/* Adds a query; one with the id of an earlier query takes its place, keeping what state the plans share. The
 * plan is borrowed. */
Status driver_add_query(Driver *driver, const QueryPlan *plan, Error *err);
void   driver_remove_query(Driver *driver, Str id);

/* An input record for a topic (copied). With depth_first it is processed at once by all queries that read the
 * topic, and what they write by those that read that, and so on; otherwise it waits for driver_run. */
Status driver_insert(Driver *driver, Str topic, int partition, const LogRecord *record, bool is_input,
                     bool depth_first, Error *err);
/* Runs every query in order of creation (conformance contract, step 4). E_DATA/E_FATAL_DATA: a record stopped
 * a query. */
Status driver_run(Driver *driver, Error *err);
/* Everything that queries and INSERT VALUES (is_input false) wrote, in write order; valid until the driver is
 * closed. */
const DriverRecord *driver_outputs(const Driver *driver, size_t *count);
/* All records of a topic in order: inputs and outputs. */
const DriverRecord *driver_topic(Driver *driver, Str topic, size_t *count);

#endif
