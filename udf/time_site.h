/*
 * time_site.h - zones and patterns that a call keeps between rows.
 */
#ifndef SLUICE_UDF_TIME_SITE_H
#define SLUICE_UDF_TIME_SITE_H

#include "udf/site_cache.h"
#include "udf/time_pattern.h"

typedef struct {
    Arena       *arena;
    TimePattern *pattern;
    StrBuf       text; /* scratch for formatting */
} TimeFormatter;

Status time_site_zone(const FnCall *call, Str id, Zone **out, Error *err);
Status time_site_formatter(const FnCall *call, Str pattern, TimeFormatter **out, Error *err);
/* ksql.functions._global_.timezone, else the zone of the process (TZ, /etc/localtime), else UTC. */
Status time_site_server_zone(const FnCall *call, Zone **out, Error *err);

#endif
