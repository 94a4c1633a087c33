/*
 * timestamp_column.c - times from BIGINT, TIMESTAMP and, with a format, STRING columns.
 *
 * Text without a zone is in the server's zone, as functions read it: so the same zone cache is asked.
 */
#include "executor/dataflow/timestamp_column.h"

Status timestamp_column_open(const TimestampSpec *spec, Clock *clock, const FnConfig *config, Arena *arena,
                             TimestampColumn *out, Error *err)
{
    *out = (TimestampColumn){.slot = spec->slot};
    if (spec->slot < 0)
        return OK;
    out->kind = spec->schema->columns[spec->slot].type->kind;
    out->call = (FnCall){.arena = arena, .clock = clock, .config = config};
    return out->kind == T_STRING ? time_pattern_compile(spec->format, arena, &out->pattern, err) : OK;
}

void timestamp_column_close(TimestampColumn *column)
{
    if (column->site.release != NULL)
        column->site.release(column->site.data);
    column->site = (FnSite){0};
}

Status timestamp_column_read(TimestampColumn *column, Value value, int64_t *out, Error *err)
{
    Zone *zone;
    if (value_is_null(value))
        return error_set(err, E_DATA, NO_POS, "Failed to extract timestamp from row: the column is NULL");
    if (column->kind != T_STRING) {
        *out = value_int(value);
        return OK;
    }
    column->call.site = &column->site;
    TRY(time_site_server_zone(&column->call, &zone, err));
    if (time_pattern_parse(column->pattern, value_str(value), zone, out, err) == OK)
        return OK;
    err->code = E_DATA;
    return error_prefix(err, "Failed to extract timestamp from row: ");
}
