/*
 * query_settings.h - what a query is told when it is made, beside its plan: one value per row of
 * query_settings.def, carried whole from the statement to the pipeline.
 *
 * The settings are part of what was decided when the statement was accepted: they are stored with the plan,
 * by name and as text, so that a later version with more or other rows still reads them, and a changed
 * configuration of the server changes no query that exists.
 */
#ifndef SLUICE_PLANNER_QUERY_SETTINGS_H
#define SLUICE_PLANNER_QUERY_SETTINGS_H

#include "core/error.h"
#include "core/str.h"

/* Places in the rows' lists. */
enum { OFFSET_RESET_EARLIEST, OFFSET_RESET_LATEST, OFFSET_RESET_NONE };
enum { GUARANTEE_AT_LEAST_ONCE, GUARANTEE_EXACTLY_ONCE_V2 /* and what is above: its old names */ };

#define QUERY_SETTING_TYPE_INT int64_t
#define QUERY_SETTING_TYPE_BOOL bool
#define QUERY_SETTING_TYPE_CHOICE int
typedef struct {
#define QUERY_SETTING(field, name, kind, initial, limits, who, reader, doc) QUERY_SETTING_TYPE_##kind field;
#include "planner/query_settings.def"
#undef QUERY_SETTING
} QuerySettings;

/* Every value its row's default. */
void   query_settings_init(QuerySettings *settings);
size_t query_settings_count(void);
/* The row's name, as ksqlDB's: "ksql.streams.commit.interval.ms". */
const char *query_settings_name(size_t at);
/* The value as text that query_settings_set takes; lives as long as `arena`. */
Str query_settings_text(const QuerySettings *settings, size_t at, Arena *arena);
/* E_NOT_FOUND: no row has this name. E_CONFIG: no such value. */
Status query_settings_set(QuerySettings *settings, Str name, Str value, Error *err);

#endif
