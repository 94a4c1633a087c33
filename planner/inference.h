/*
 * inference.h - columns that come from a schema registry (sql.md 4.1.4, runtime.md 1.10).
 */
#ifndef SLUICE_PLANNER_INFERENCE_H
#define SLUICE_PLANNER_INFERENCE_H

#include "planner/planner.h"
#include "planner/with.h"

/* CREATE STREAM|TABLE: source->schema holds what was declared, formats and topic are known; the sides without
 * columns whose formats infer get those of their topic's latest schema, or of the schema that an id names.
 * E_PLAN with ksqlDB's texts; E_WAIT: the registry does not answer. */
Status infer_source_columns(const Planner *planner, const WithClause *with, Source *source, Error *err);

/* CREATE ... AS with KEY_SCHEMA_ID or VALUE_SCHEMA_ID: the result's columns must be the first of the schema.
 */
Status check_sink_schemas(const Planner *planner, const Source *sink, Error *err);

#endif
