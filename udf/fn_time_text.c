/*
 * fn_time_text.c - dates and times to text and back (functions.md 3.7). The patterns are time_pattern.h's.
 *
 * PARSE_DATE alone has the lenient engine. The four deprecated functions differ from their successors in the
 * number type, in how they take NULL and in the zone they assume: the server's, not GMT.
 */
#include "udf/time_site.h"

#include <inttypes.h>

enum { MS_PER_DAY = 86400000 };

/* ---- formatting ---- */

static Status format_with(const FnCall *call, Str pattern, unsigned parts, int64_t ms, Zone *zone,
                          Value *result, Error *err)
{
    TimeFormatter *formatter;
    TRY(time_site_formatter(call, pattern, &formatter, err));
    strbuf_reset(&formatter->text);
    TRY(time_pattern_format_parts(formatter->pattern, parts, ms, zone, &formatter->text, err));
    return site_text_result(call, &formatter->text, result, err);
}

/* "Failed to format <what> <value> with formatter '<pattern>': <why>" */
static Status format_failed(const char *what, Str value, Str pattern, Error *err)
{
    if (err == NULL)
        return E_DATA;
    return error_prefix(err, "Failed to format %s " STR_FMT " with formatter '" STR_FMT "': ", what,
                        STR_ARG(value), STR_ARG(pattern));
}

static Status format_date(const FnCall *call, int64_t days, Str pattern, Value *result, Error *err)
{
    char    text[32];
    int64_t ms;
    if (__builtin_mul_overflow(days, (int64_t)MS_PER_DAY, &ms))
        return error_set(err, E_DATA, NO_POS, "Date is out of range: %" PRId64, days);
    if (format_with(call, pattern, TIME_DATE, ms, NULL, result, err) != OK)
        return format_failed("date", str_n(text, date_print(days, text)), pattern, err);
    return OK;
}

static Status fn_format_date(const FnCall *call, Value *result, Error *err)
{
    return format_date(call, value_int(call->args[0]), value_str(call->args[1]), result, err);
}

static Status fn_format_time(const FnCall *call, Value *result, Error *err)
{
    char    text[32];
    int64_t ms      = value_int(call->args[0]);
    Str     pattern = value_str(call->args[1]);
    if (format_with(call, pattern, TIME_TIME, ms, NULL, result, err) != OK)
        return format_failed("time", str_n(text, time_print(ms, text)), pattern, err);
    return OK;
}

static Status format_timestamp(const FnCall *call, Zone *zone, Value *result, Error *err)
{
    char    text[40];
    int64_t ms      = value_int(call->args[0]);
    Str     pattern = value_str(call->args[1]);
    if (format_with(call, pattern, TIME_DATE | TIME_TIME | TIME_ZONE, ms, zone, result, err) != OK)
        return format_failed("timestamp", str_n(text, timestamp_print(ms, text)), pattern, err);
    return OK;
}

/* The zone of the third argument; NULL (GMT) without one. */
static Status zone_argument(const FnCall *call, Zone **out, Error *err)
{
    *out = NULL;
    return call->count > 2 ? time_site_zone(call, value_str(call->args[2]), out, err) : OK;
}

static Status fn_format_timestamp(const FnCall *call, Value *result, Error *err)
{
    Zone *zone;
    TRY(zone_argument(call, &zone, err));
    return format_timestamp(call, zone, result, err);
}

/* ---- parsing ---- */

static Status parse_failed(const char *what, const FnCall *call, Error *err)
{
    Status code = err ? err->code : E_DATA;
    if (err)
        error_prefix(err, "Failed to parse %s '" STR_FMT "' with formatter '" STR_FMT "': ", what,
                     STR_ARG(value_str(call->args[0])), STR_ARG(value_str(call->args[1])));
    return code;
}

static Status parse_date(const FnCall *call, Value *result, Error *err)
{
    int64_t ms;
    TRY(time_lenient_parse(value_str(call->args[1]), value_str(call->args[0]),
                           call->clock->now_ms(call->clock), &ms, err));
    if (ms % MS_PER_DAY != 0)
        return error_set(err, E_DATA, NO_POS, "Date format contains time field.");
    *result = value_from_int(ms / MS_PER_DAY);
    return OK;
}

static Status fn_parse_date(const FnCall *call, Value *result, Error *err)
{
    return parse_date(call, result, err) == OK ? OK : parse_failed("date", call, err);
}

typedef Status (*PatternParse)(const TimePattern *pattern, Str text, int64_t *out, Error *err);

static Status parse_with(const FnCall *call, PatternParse parse, int64_t *out, Error *err)
{
    TimeFormatter *formatter;
    TRY(time_site_formatter(call, value_str(call->args[1]), &formatter, err));
    return parse(formatter->pattern, value_str(call->args[0]), out, err);
}

static Status parse_as(const FnCall *call, const char *what, PatternParse parse, Value *result, Error *err)
{
    int64_t n;
    if (parse_with(call, parse, &n, err) != OK)
        return parse_failed(what, call, err);
    *result = value_from_int(n);
    return OK;
}

static Status fn_parse_time(const FnCall *call, Value *result, Error *err)
{
    return parse_as(call, "time", time_pattern_parse_time, result, err);
}

static Status fn_stringtodate(const FnCall *call, Value *result, Error *err)
{
    return parse_as(call, "date", time_pattern_parse_date, result, err);
}

static Status parse_at_zone(const FnCall *call, Zone *zone, int64_t *ms, Error *err)
{
    TimeFormatter *formatter;
    TRY(time_site_formatter(call, value_str(call->args[1]), &formatter, err));
    return time_pattern_parse(formatter->pattern, value_str(call->args[0]), zone, ms, err);
}

static Status parse_timestamp(const FnCall *call, Zone *zone, Str zone_text, Status zone_status,
                              Value *result, Error *err)
{
    int64_t ms;
    Status  status = zone_status == OK ? parse_at_zone(call, zone, &ms, err) : zone_status;
    if (status != OK) {
        if (err)
            error_prefix(err,
                         "Failed to parse timestamp '" STR_FMT "' at timezone '" STR_FMT
                         "' with formatter '" STR_FMT "': ",
                         STR_ARG(value_str(call->args[0])), STR_ARG(zone_text),
                         STR_ARG(value_str(call->args[1])));
        return status;
    }
    *result = value_from_int(ms);
    return OK;
}

static Status fn_parse_timestamp(const FnCall *call, Value *result, Error *err)
{
    Zone  *zone;
    Status status = zone_argument(call, &zone, err);
    Str    text   = call->count > 2 ? value_str(call->args[2]) : STR_LIT("GMT");
    return parse_timestamp(call, zone, text, status, result, err);
}

/* ---- deprecated ---- */

static Status server_or_argument_zone(const FnCall *call, Zone **out, Error *err)
{
    *out = NULL;
    return call->count > 2 ? time_site_zone(call, value_str(call->args[2]), out, err)
                           : time_site_server_zone(call, out, err);
}

static Status fn_stringtotimestamp(const FnCall *call, Value *result, Error *err)
{
    Zone  *zone;
    Status status = server_or_argument_zone(call, &zone, err);
    Str    text   = call->count > 2 ? value_str(call->args[2]) : zone_id(zone);
    return parse_timestamp(call, zone, text, status, result, err);
}

/* The value must be there; a NULL among the others gives NULL. True: *result is NULL already. */
static Status null_rules(const FnCall *call, const char *name, bool *is_null, Value *result, Error *err)
{
    if (value_is_null(call->args[0]))
        return error_set(err, E_DATA, NO_POS, "Failed to invoke function %s: a NULL value is not allowed",
                         name);
    *is_null = false;
    for (size_t i = 1; i < call->count; i++)
        *is_null |= value_is_null(call->args[i]);
    *result = value_null();
    return OK;
}

static Status fn_datetostring(const FnCall *call, Value *result, Error *err)
{
    bool is_null;
    TRY(null_rules(call, "datetostring", &is_null, result, err));
    return is_null ? OK : format_date(call, value_int(call->args[0]), value_str(call->args[1]), result, err);
}

static Status fn_timestamptostring(const FnCall *call, Value *result, Error *err)
{
    bool  is_null;
    Zone *zone;
    TRY(null_rules(call, "timestamptostring", &is_null, result, err));
    if (is_null)
        return OK;
    TRY(server_or_argument_zone(call, &zone, err));
    return format_timestamp(call, zone, result, err);
}

const ScalarFn time_text_functions[] = {
    {"format_date", "(date DATE, formatPattern STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_format_date,
     "Converts a DATE value into the string representation of the date in the given format (Java "
     "DateTimeFormatter pattern).",
     NULL},
    {"format_time", "(time TIME, formatPattern STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_format_time,
     "Converts a TIME value into the string representation of the time in the given format.", NULL},
    {"format_timestamp", "(timestamp TIMESTAMP, formatPattern STRING) -> STRING", FN_NULL_IF_ANY_NULL,
     fn_format_timestamp,
     "Converts a TIMESTAMP value into the string representation of the timestamp in the given format, in "
     "GMT.",
     NULL},
    {"format_timestamp", "(timestamp TIMESTAMP, formatPattern STRING, timeZone STRING) -> STRING",
     FN_NULL_IF_ANY_NULL, fn_format_timestamp,
     "Converts a TIMESTAMP value into text in the given format and time zone.", NULL},
    {"parse_date", "(formattedDate STRING, formatPattern STRING) -> DATE", FN_NULL_IF_ANY_NULL, fn_parse_date,
     "Converts a string representation of a date in the given format into a DATE value (Java "
     "SimpleDateFormat pattern).",
     NULL},
    {"parse_time", "(formattedTime STRING, formatPattern STRING) -> TIME", FN_NULL_IF_ANY_NULL, fn_parse_time,
     "Converts a string representation of a time in the given format into a TIME value.", NULL},
    {"parse_timestamp", "(formattedTimestamp STRING, formatPattern STRING) -> TIMESTAMP", FN_NULL_IF_ANY_NULL,
     fn_parse_timestamp,
     "Converts a string representation of a date and time in the given format into a TIMESTAMP value, in "
     "GMT.",
     NULL},
    {"parse_timestamp", "(formattedTimestamp STRING, formatPattern STRING, timeZone STRING) -> TIMESTAMP",
     FN_NULL_IF_ANY_NULL, fn_parse_timestamp,
     "Converts a string representation of a date and time in the given format and time zone into a "
     "TIMESTAMP.",
     NULL},
    {"datetostring", "(epochDays INT, formatPattern STRING) -> STRING", 0, fn_datetostring,
     "Deprecated: use FORMAT_DATE. Converts days since the epoch into text in the given format.", NULL},
    {"stringtodate", "(formattedDate STRING, formatPattern STRING) -> INT", FN_ERROR_IF_NULL, fn_stringtodate,
     "Deprecated: use PARSE_DATE. Converts a formatted date into the number of days since the epoch.", NULL},
    {"stringtotimestamp", "(formattedTimestamp STRING, formatPattern STRING) -> BIGINT", FN_ERROR_IF_NULL,
     fn_stringtotimestamp,
     "Deprecated: use PARSE_TIMESTAMP. Converts a formatted timestamp into milliseconds since the epoch.",
     NULL},
    {"stringtotimestamp", "(formattedTimestamp STRING, formatPattern STRING, timeZone STRING) -> BIGINT",
     FN_ERROR_IF_NULL, fn_stringtotimestamp,
     "Deprecated: use PARSE_TIMESTAMP. As above, in the given time zone.", NULL},
    {"timestamptostring", "(epochMilli BIGINT, formatPattern STRING) -> STRING", 0, fn_timestamptostring,
     "Deprecated: use FORMAT_TIMESTAMP. Converts milliseconds since the epoch into text in the given format.",
     NULL},
    {"timestamptostring", "(epochMilli BIGINT, formatPattern STRING, timeZone STRING) -> STRING", 0,
     fn_timestamptostring, "Deprecated: use FORMAT_TIMESTAMP. As above, in the given time zone.", NULL},
    {0},
};
