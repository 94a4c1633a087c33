/*
 * fn_time.c - arithmetic on dates and times, and the clock (functions.md 3.7). Texts are in fn_time_text.c.
 *
 * A unit is a number of milliseconds: there is nothing longer than a day. A date plus hours is cut back to
 * whole days, toward 1970 on both sides, as the reference does.
 */
#include "udf/time_site.h"

enum { MS_PER_DAY = 86400000 };

/* Overload argument 0: ms of one unit; 1: how many. Fits: an INT times at most a day. */
static int64_t interval_ms(const FnCall *call) { return value_int(call->args[0]) * value_int(call->args[1]); }

static Status shift_date(const FnCall *call, int64_t ms, Value *result)
{
    *result = value_from_int((value_int(call->args[2]) * MS_PER_DAY + ms) / MS_PER_DAY);
    return OK;
}

static Status fn_dateadd(const FnCall *call, Value *result, Error *err)
{
    return shift_date(call, interval_ms(call), result);
}

static Status fn_datesub(const FnCall *call, Value *result, Error *err)
{
    return shift_date(call, -interval_ms(call), result);
}

static Status shift_time(const FnCall *call, int64_t ms, Value *result)
{
    int64_t sum = (value_int(call->args[2]) + ms) % MS_PER_DAY;
    *result     = value_from_int(sum < 0 ? sum + MS_PER_DAY : sum);
    return OK;
}

static Status fn_timeadd(const FnCall *call, Value *result, Error *err)
{
    return shift_time(call, interval_ms(call), result);
}

static Status fn_timesub(const FnCall *call, Value *result, Error *err)
{
    return shift_time(call, -interval_ms(call), result);
}

/* Wraps, as all integers of built-ins do. */
static Status shift_timestamp(const FnCall *call, int64_t ms, Value *result)
{
    *result = value_from_int((int64_t)((uint64_t)value_int(call->args[2]) + (uint64_t)ms));
    return OK;
}

static Status fn_timestampadd(const FnCall *call, Value *result, Error *err)
{
    return shift_timestamp(call, interval_ms(call), result);
}

static Status fn_timestampsub(const FnCall *call, Value *result, Error *err)
{
    return shift_timestamp(call, -interval_ms(call), result);
}

static Status conversion_zone(const FnCall *call, size_t index, Zone **out, Error *err)
{
    Str id = value_str(call->args[index]);
    if (time_site_zone(call, id, out, NULL) != OK)
        return error_set(err, E_DATA, NO_POS, "Invalid time zone: " STR_FMT, STR_ARG(id));
    return OK;
}

/* Both offsets at the instant itself, not at the wall time it stands for. */
static Status fn_convert_tz(const FnCall *call, Value *result, Error *err)
{
    int64_t at = value_int(call->args[0]);
    Zone   *from, *to;
    TRY(conversion_zone(call, 1, &from, err));
    TRY(conversion_zone(call, 2, &to, err));
    int64_t shift = zone_offset_ms(to, at) - zone_offset_ms(from, at);
    *result       = value_from_int((int64_t)((uint64_t)at + (uint64_t)shift));
    return OK;
}

/* FROM_DAYS, FROM_UNIXTIME, UNIX_DATE(d), UNIX_TIMESTAMP(t): the same number under another type. */
static Status fn_same_number(const FnCall *call, Value *result, Error *err)
{
    *result = call->args[0];
    return OK;
}

static Status fn_unix_timestamp_now(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_int(call->clock->now_ms(call->clock));
    return OK;
}

static Status fn_unix_date_now(const FnCall *call, Value *result, Error *err)
{
    int64_t now = call->clock->now_ms(call->clock);
    Zone   *zone;
    TRY(time_site_server_zone(call, &zone, err));
    int64_t local = now + zone_offset_ms(zone, now);
    *result       = value_from_int(local / MS_PER_DAY - (local % MS_PER_DAY < 0));
    return OK;
}

const ScalarFn time_functions[] = {
    {"convert_tz", "(ts TIMESTAMP, fromTimeZone STRING, toTimeZone STRING) -> TIMESTAMP", FN_NULL_IF_ANY_NULL,
     fn_convert_tz,
     "Converts a TIMESTAMP value from one timezone to another. The TIMEZONE parameters are tz database ids "
     "or offsets.",
     NULL},
    {"dateadd", "(unit UNIT, interval INT, date DATE) -> DATE", FN_NULL_IF_ANY_NULL, fn_dateadd,
     "Adds a duration to a DATE value.", NULL},
    {"datesub", "(unit UNIT, interval INT, date DATE) -> DATE", FN_NULL_IF_ANY_NULL, fn_datesub,
     "Subtracts a duration from a DATE value.", NULL},
    {"timeadd", "(unit UNIT, interval INT, time TIME) -> TIME", FN_NULL_IF_ANY_NULL, fn_timeadd,
     "Adds a duration to a TIME value; wraps around at midnight.", NULL},
    {"timesub", "(unit UNIT, interval INT, time TIME) -> TIME", FN_NULL_IF_ANY_NULL, fn_timesub,
     "Subtracts a duration from a TIME value; wraps around at midnight.", NULL},
    {"timestampadd", "(unit UNIT, interval INT, timestamp TIMESTAMP) -> TIMESTAMP", FN_NULL_IF_ANY_NULL,
     fn_timestampadd, "Adds a duration to a TIMESTAMP value.", NULL},
    {"timestampsub", "(unit UNIT, interval INT, timestamp TIMESTAMP) -> TIMESTAMP", FN_NULL_IF_ANY_NULL,
     fn_timestampsub, "Subtracts a duration from a TIMESTAMP value.", NULL},
    {"from_days", "(days INT) -> DATE", FN_ERROR_IF_NULL, fn_same_number,
     "Converts a number of days since the epoch to a DATE value.", NULL},
    {"from_unixtime", "(epochMilli BIGINT) -> TIMESTAMP", FN_NULL_IF_ANY_NULL, fn_same_number,
     "Converts a number of milliseconds since the epoch to a TIMESTAMP value.", NULL},
    {"unix_date", "() -> INT", FN_NOT_PURE, fn_unix_date_now,
     "Gets the number of days since the epoch for the current date in the server's time zone.", NULL},
    {"unix_date", "(date DATE) -> INT", FN_NULL_IF_ANY_NULL, fn_same_number,
     "Gets the number of days since the epoch for the given date.", NULL},
    {"unix_timestamp", "() -> BIGINT", FN_NOT_PURE, fn_unix_timestamp_now,
     "Gets the current time in milliseconds since the epoch.", NULL},
    {"unix_timestamp", "(timestamp TIMESTAMP) -> BIGINT", FN_NULL_IF_ANY_NULL, fn_same_number,
     "Gets the milliseconds since the epoch of the given TIMESTAMP value.", NULL},
    {0},
};
