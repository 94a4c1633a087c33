/*
 * format_planned.c - the formats of the schema registry, which the dialect knows and Sluice cannot read or
 * write yet.
 *
 * Their names, features and schema checks are here already, so that statements about them are refused for the
 * reason ksqlDB gives where there is one, and only otherwise because they are not built. Each moves to a file
 * of its own.
 */
#include "serde/format.h"

static Status check_json_sr(const FormatClass *format, int side, const Column *columns, size_t count,
                            Error *err)
{
    return columns_check_map_keys(columns, count, "JSON only supports MAP types with STRING keys", err);
}

const FormatClass format_json_sr = {
    .name  = "JSON_SR",
    .facts = {.payload  = PAYLOAD_RECORD,
              .wraps    = true,
              .unwraps  = true,
              .infers   = true,
              .registry = true,
              .exact    = true,
              .named    = true},
    .check = check_json_sr,
};
