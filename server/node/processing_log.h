/*
 * processing_log.h - records that queries skipped: a line in the log always, a record of the processing log's
 * topic when that is on (runtime.md 7.2).
 *
 * It never blocks a worker: lines are limited to a few a second, records go through a bounded queue to a
 * thread, and what does not fit is counted.
 */
#ifndef SLUICE_SERVER_NODE_PROCESSING_LOG_H
#define SLUICE_SERVER_NODE_PROCESSING_LOG_H

#include "executor/dataflow/pipeline.h"
#include "server/settings/properties.h"

typedef struct ProcessingLog ProcessingLog;

/* Makes the topic when it is on and missing; trouble with it is said in the log, not an error. */
ProcessingLog *processing_log_open(Log *log, Clock *clock, const Properties *properties, Str service_id);
void           processing_log_close(ProcessingLog *log); /* writes what is queued; accepts NULL */
/* For RuntimeOptions. Thread: any. */
void processing_log_skipped(void *context, const SkipInfo *info);
/* The topic's name; valid as long as the log. STR_NULL when it is off. */
Str processing_log_topic(const ProcessingLog *log);

#endif
