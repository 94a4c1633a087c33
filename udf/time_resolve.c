/*
 * time_resolve.c - fields to a date and a time of day: Java's SMART resolver (functions.md 3.7.2).
 *
 * Values out of a field's range fail, but a day that its month lacks becomes the last one (30 February), and
 * 24:00 is the next midnight. Fields that are left over must agree with the result.
 */
#include "udf/time_element.h"

#include "core/value.h"

#include <inttypes.h>

static const int64_t NANOS_PER_SECOND = 1000000000;
static const int64_t NANOS_PER_HOUR   = 3600 * (int64_t)1000000000;
static const int64_t NANOS_PER_DAY    = 86400 * (int64_t)1000000000;

enum {
    EPOCH_DAY_MAX = 365250000
}; /* about year 1,000,000: beyond, milliseconds still fit but nobody means it */
enum { YEAR_LIMIT = 999999 };

int time_month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && time_is_leap(year));
}

int time_iso_weekday(int64_t days)
{
    int64_t weekday = (days + 3) % 7; /* the epoch was a Thursday */
    return (int)(weekday < 0 ? weekday + 7 : weekday) + 1;
}

/* Week number of day `day` (1-based) of a period, when that day is the given day of a week that starts on
 * Sunday. */
static int week_number(int day, int64_t days)
{
    int sunday_based = time_iso_weekday(days) % 7 + 1;
    int week_start   = (day - sunday_based) % 7;
    if (week_start < 0)
        week_start += 7;
    int offset = week_start + 1 > 1 ? 7 - week_start : 0;
    return (7 + offset + (day - 1)) / 7;
}

/* The first day of week 1 of a week-based year: the Sunday on or before 1 January. */
static int64_t week_year_start(int64_t year)
{
    int64_t first = days_from_civil(year, 1, 1);
    return first - time_iso_weekday(first) % 7;
}

int64_t time_week_year(int64_t days)
{
    int64_t year;
    int     month, day;
    civil_from_days(days, &year, &month, &day);
    return days >= week_year_start(year + 1) ? year + 1 : year;
}

int time_week_of_year(int64_t days) { return (int)((days - week_year_start(time_week_year(days))) / 7) + 1; }

int time_week_of_month(int64_t days)
{
    int64_t year;
    int     month, day;
    civil_from_days(days, &year, &month, &day);
    return week_number(day, days);
}

/* ---- ranges ---- */

static const struct {
    int64_t     least, most;
    const char *text;
} ranges[FIELD_COUNT] = {
    [FIELD_ERA]                = {0, 1, "0 - 1"},
    [FIELD_YEAR]               = {-YEAR_LIMIT, YEAR_LIMIT, "-999999 - 999999"},
    [FIELD_YEAR_OF_ERA]        = {1, YEAR_LIMIT, "1 - 999999"},
    [FIELD_WEEK_YEAR]          = {-YEAR_LIMIT, YEAR_LIMIT, "-999999 - 999999"},
    [FIELD_QUARTER]            = {1, 4, "1 - 4"},
    [FIELD_MONTH]              = {1, 12, "1 - 12"},
    [FIELD_WEEK]               = {1, 54, "1 - 52/54"},
    [FIELD_WEEK_OF_MONTH]      = {1, 6, "1 - 5/6"},
    [FIELD_DAY_OF_YEAR]        = {1, 366, "1 - 365/366"},
    [FIELD_DAY_OF_MONTH]       = {1, 31, "1 - 28/31"},
    [FIELD_ALIGNED_DAY]        = {1, 7, "1 - 7"},
    [FIELD_DAY_OF_WEEK]        = {1, 7, "1 - 7"},
    [FIELD_LOCAL_DAY_OF_WEEK]  = {1, 7, "1 - 7"},
    [FIELD_JULIAN_DAY]         = {-EPOCH_DAY_MAX, EPOCH_DAY_MAX, "-365250000 - 365250000"},
    [FIELD_AMPM]               = {0, 1, "0 - 1"},
    [FIELD_CLOCK_HOUR_OF_AMPM] = {0, 12, "1 - 12"},
    [FIELD_HOUR_OF_AMPM]       = {0, 11, "0 - 11"},
    [FIELD_CLOCK_HOUR]         = {0, 24, "1 - 24"},
    [FIELD_HOUR]               = {0, 24, "0 - 23"}, /* 24 only at 24:00: resolve_time sees to it */
    [FIELD_MINUTE]             = {0, 59, "0 - 59"},
    [FIELD_SECOND]             = {0, 59, "0 - 59"},
    [FIELD_NANO]               = {0, 999999999, "0 - 999999999"},
    [FIELD_MILLI_OF_DAY]       = {0, 86399999, "0 - 86399999"},
    [FIELD_NANO_OF_DAY]        = {0, 86399999999999, "0 - 86399999999999"},
    [FIELD_OFFSET]             = {-18 * 3600, 18 * 3600, "-64800 - 64800"},
};

static Status out_of_range(TimeField field, int64_t value, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Invalid value for %s (valid values %s): %" PRId64,
                     time_field_names[field], ranges[field].text, value);
}

static Status check_ranges(const TimeFields *fields, Error *err)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        TimeField field = (TimeField)i;
        if (time_field_known(fields, field) &&
            (fields->values[i] < ranges[i].least || fields->values[i] > ranges[i].most))
            return out_of_range(field, fields->values[i], err);
    }
    return OK;
}

/* Sets a field that follows from another one; they must agree. */
static Status derive(TimeFields *fields, TimeField target, int64_t value, TimeField source, Error *err)
{
    if (time_field_known(fields, target) && fields->values[target] != value)
        return error_set(err, E_DATA, NO_POS,
                         "Conflict found: %s %" PRId64 " differs from %s %" PRId64 " while resolving %s",
                         time_field_names[target], fields->values[target], time_field_names[target], value,
                         time_field_names[source]);
    fields->values[target] = value;
    fields->known |= 1u << target;
    return OK;
}

/* ---- date ---- */

static Status resolve_year(TimeFields *fields, Error *err)
{
    if (time_field_known(fields, FIELD_LOCAL_DAY_OF_WEEK))
        TRY(derive(fields, FIELD_DAY_OF_WEEK, (fields->values[FIELD_LOCAL_DAY_OF_WEEK] + 5) % 7 + 1,
                   FIELD_LOCAL_DAY_OF_WEEK, err));
    if (!time_field_known(fields, FIELD_YEAR_OF_ERA))
        return OK;
    int64_t year   = fields->values[FIELD_YEAR_OF_ERA];
    bool    before = time_field_known(fields, FIELD_ERA)
                         ? fields->values[FIELD_ERA] == 0
                         : time_field_known(fields, FIELD_YEAR) && fields->values[FIELD_YEAR] <= 0;
    return derive(fields, FIELD_YEAR, before ? 1 - year : year, FIELD_YEAR_OF_ERA, err);
}

static Status resolve_week_date(const TimeFields *fields, TimeResolved *out)
{
    int64_t weekday = fields->values[FIELD_DAY_OF_WEEK] % 7; /* Sunday = 0 */
    out->days =
        week_year_start(fields->values[FIELD_WEEK_YEAR]) + (fields->values[FIELD_WEEK] - 1) * 7 + weekday;
    out->has_date = true;
    return OK;
}

static Status resolve_date(const TimeFields *fields, TimeResolved *out, Error *err)
{
    bool    has_year = time_field_known(fields, FIELD_YEAR);
    int64_t year     = fields->values[FIELD_YEAR];
    if (time_field_known(fields, FIELD_JULIAN_DAY)) {
        out->days     = fields->values[FIELD_JULIAN_DAY] - 40587;
        out->has_date = true;
    } else if (has_year && time_field_known(fields, FIELD_MONTH) &&
               time_field_known(fields, FIELD_DAY_OF_MONTH)) {
        int     month = (int)fields->values[FIELD_MONTH], last = time_month_length(year, month);
        int64_t day   = fields->values[FIELD_DAY_OF_MONTH];
        out->days     = days_from_civil(year, month, day > last ? last : (int)day);
        out->has_date = true;
    } else if (has_year && time_field_known(fields, FIELD_DAY_OF_YEAR)) {
        if (fields->values[FIELD_DAY_OF_YEAR] == 366 && !time_is_leap(year))
            return error_set(err, E_DATA, NO_POS,
                             "Invalid date 'DayOfYear 366' as '%" PRId64 "' is not a leap year", year);
        out->days     = days_from_civil(year, 1, 1) + fields->values[FIELD_DAY_OF_YEAR] - 1;
        out->has_date = true;
    } else if (time_field_known(fields, FIELD_WEEK_YEAR) && time_field_known(fields, FIELD_WEEK) &&
               time_field_known(fields, FIELD_DAY_OF_WEEK)) {
        return resolve_week_date(fields, out);
    }
    return OK;
}

static void print_date(int64_t days, char out[32]) { out[date_print(days, out)] = 0; }

static int64_t derived_from_date(TimeField field, int64_t days)
{
    int64_t year;
    int     month, day;
    civil_from_days(days, &year, &month, &day);
    switch (field) {
    case FIELD_YEAR:
        return year;
    case FIELD_QUARTER:
        return (month - 1) / 3 + 1;
    case FIELD_MONTH:
        return month;
    case FIELD_DAY_OF_MONTH:
        return day;
    case FIELD_DAY_OF_YEAR:
        return days - days_from_civil(year, 1, 1) + 1;
    case FIELD_ALIGNED_DAY:
        return (day - 1) % 7 + 1;
    case FIELD_DAY_OF_WEEK:
        return time_iso_weekday(days);
    case FIELD_WEEK_YEAR:
        return time_week_year(days);
    case FIELD_WEEK:
        return time_week_of_year(days);
    default:
        return time_week_of_month(days); /* FIELD_WEEK_OF_MONTH */
    }
}

/* Fields that did not make the date must agree with it. */
static Status cross_check_date(const TimeFields *fields, const TimeResolved *out, Error *err)
{
    static const TimeField checked[] = {FIELD_YEAR,        FIELD_QUARTER,     FIELD_MONTH,
                                        FIELD_WEEK_YEAR,   FIELD_WEEK,        FIELD_WEEK_OF_MONTH,
                                        FIELD_DAY_OF_YEAR, FIELD_ALIGNED_DAY, FIELD_DAY_OF_WEEK};
    for (size_t i = 0; i < ARRAY_LEN(checked); i++) {
        TimeField field = checked[i];
        if (!time_field_known(fields, field) || derived_from_date(field, out->days) == fields->values[field])
            continue;
        char date[32];
        print_date(out->days, date);
        return error_set(err, E_DATA, NO_POS,
                         "Conflict found: Field %s %" PRId64 " differs from %s %" PRId64 " derived from %s",
                         time_field_names[field], derived_from_date(field, out->days),
                         time_field_names[field], fields->values[field], date);
    }
    return OK;
}

/* ---- time of day ---- */

static Status resolve_hour(TimeFields *fields, Error *err)
{
    if (time_field_known(fields, FIELD_CLOCK_HOUR))
        TRY(derive(fields, FIELD_HOUR, fields->values[FIELD_CLOCK_HOUR] % 24, FIELD_CLOCK_HOUR, err));
    if (time_field_known(fields, FIELD_CLOCK_HOUR_OF_AMPM))
        TRY(derive(fields, FIELD_HOUR_OF_AMPM, fields->values[FIELD_CLOCK_HOUR_OF_AMPM] % 12,
                   FIELD_CLOCK_HOUR_OF_AMPM, err));
    if (time_field_known(fields, FIELD_AMPM) && time_field_known(fields, FIELD_HOUR_OF_AMPM))
        TRY(derive(fields, FIELD_HOUR, fields->values[FIELD_AMPM] * 12 + fields->values[FIELD_HOUR_OF_AMPM],
                   FIELD_AMPM, err));
    return OK;
}

static Status split_nano_of_day(TimeFields *fields, int64_t nano, TimeField source, Error *err)
{
    TRY(derive(fields, FIELD_HOUR, nano / NANOS_PER_HOUR, source, err));
    TRY(derive(fields, FIELD_MINUTE, nano / (60 * NANOS_PER_SECOND) % 60, source, err));
    TRY(derive(fields, FIELD_SECOND, nano / NANOS_PER_SECOND % 60, source, err));
    if (source == FIELD_MILLI_OF_DAY && time_field_known(fields, FIELD_NANO))
        nano = nano / 1000000 * 1000000 +
               fields->values[FIELD_NANO] % 1000000; /* finer digits come from elsewhere */
    return derive(fields, FIELD_NANO, nano % NANOS_PER_SECOND, source, err);
}

/* "19.29 AM": AM and PM that did not make the hour must agree with it. */
static Status cross_check_ampm(const TimeFields *fields, int64_t hour, Error *err)
{
    if (!time_field_known(fields, FIELD_AMPM) || fields->values[FIELD_AMPM] == hour / 12)
        return OK;
    return error_set(err, E_DATA, NO_POS,
                     "Conflict found: Field AmPmOfDay %" PRId64 " differs from AmPmOfDay %" PRId64
                     " derived from hour %" PRId64,
                     hour / 12, fields->values[FIELD_AMPM], hour);
}

static Status resolve_time(TimeFields *fields, TimeResolved *out, Error *err)
{
    if (time_field_known(fields, FIELD_NANO_OF_DAY))
        TRY(split_nano_of_day(fields, fields->values[FIELD_NANO_OF_DAY], FIELD_NANO_OF_DAY, err));
    if (time_field_known(fields, FIELD_MILLI_OF_DAY))
        TRY(split_nano_of_day(fields, fields->values[FIELD_MILLI_OF_DAY] * 1000000, FIELD_MILLI_OF_DAY, err));
    TRY(resolve_hour(fields, err));
    bool minute = time_field_known(fields, FIELD_MINUTE), second = time_field_known(fields, FIELD_SECOND),
         nano = time_field_known(fields, FIELD_NANO);
    if (!time_field_known(fields, FIELD_HOUR))
        return OK;
    int64_t hour = fields->values[FIELD_HOUR];
    TRY(cross_check_ampm(fields, hour % 24, err));
    int64_t rest = (minute ? fields->values[FIELD_MINUTE] * 60 * NANOS_PER_SECOND : 0) +
                   (second ? fields->values[FIELD_SECOND] * NANOS_PER_SECOND : 0) +
                   (nano ? fields->values[FIELD_NANO] : 0);
    if (hour == 24 && rest != 0)
        return out_of_range(FIELD_HOUR, hour, err);
    if ((!minute && (second || nano)) || (minute && !second && nano))
        return OK; /* a hole: no time of day of its own */
    out->excess_days = hour == 24;
    out->nano_of_day = hour % 24 * NANOS_PER_HOUR + rest;
    out->has_time    = true;
    return OK;
}

Status time_resolve(TimeFields *fields, TimeResolved *out, Error *err)
{
    *out = (TimeResolved){0};
    TRY(check_ranges(fields, err));
    TRY(resolve_year(fields, err));
    TRY(resolve_date(fields, out, err));
    if (out->has_date)
        TRY(cross_check_date(fields, out, err));
    TRY(resolve_time(fields, out, err));
    if (out->has_date && out->has_time) {
        out->days += out->excess_days;
        out->excess_days = 0;
    }
    return OK;
}

/* ---- what is missing ---- */

static int64_t known_or(const TimeFields *fields, TimeField field, int64_t otherwise)
{
    return time_field_known(fields, field) ? fields->values[field] : otherwise;
}

/* Largest unit first over 1970-01-01. */
static Status default_date(const TimeFields *fields, int64_t *days, Error *err)
{
    int64_t year  = known_or(fields, FIELD_YEAR, 1970);
    int     month = (int)known_or(fields, FIELD_MONTH, 1);
    int64_t day   = known_or(fields, FIELD_DAY_OF_MONTH, 1);
    if (!time_field_known(fields, FIELD_YEAR) && time_field_known(fields, FIELD_ERA) &&
        fields->values[FIELD_ERA] == 0)
        year = 1 - year;
    if (day > time_month_length(year, month))
        return error_set(err, E_DATA, NO_POS, "Invalid date 'DayOfMonth %" PRId64 "'", day);
    *days = days_from_civil(year, month, (int)day);
    if (time_field_known(fields, FIELD_DAY_OF_YEAR)) {
        if (fields->values[FIELD_DAY_OF_YEAR] == 366)
            return error_set(err, E_DATA, NO_POS,
                             "Leap day cannot be parsed without supplying the year field");
        *days = days_from_civil(year, 1, 1) + fields->values[FIELD_DAY_OF_YEAR] - 1;
    }
    if (time_field_known(fields, FIELD_ALIGNED_DAY))
        *days += fields->values[FIELD_ALIGNED_DAY] - derived_from_date(FIELD_ALIGNED_DAY, *days);
    if (time_field_known(fields, FIELD_DAY_OF_WEEK))
        *days += fields->values[FIELD_DAY_OF_WEEK] - time_iso_weekday(*days);
    return OK;
}

static int64_t default_time(const TimeFields *fields)
{
    /* AM and PM alone are the middle of their half of the day, as in Java: 06:00 and 18:00. */
    int64_t half = time_field_known(fields, FIELD_AMPM) ? fields->values[FIELD_AMPM] * 12 + 6 : 0;
    int64_t hour = known_or(fields, FIELD_HOUR, known_or(fields, FIELD_HOUR_OF_AMPM, half));
    return hour % 24 * NANOS_PER_HOUR + known_or(fields, FIELD_MINUTE, 0) * 60 * NANOS_PER_SECOND +
           known_or(fields, FIELD_SECOND, 0) * NANOS_PER_SECOND + known_or(fields, FIELD_NANO, 0);
}

Status time_resolve_with_defaults(TimeFields *fields, const TimeResolved *resolved, int64_t *days,
                                  int64_t *nano_of_day, Error *err)
{
    *days = resolved->days;
    if (!resolved->has_date)
        TRY(default_date(fields, days, err));
    *nano_of_day = resolved->has_time ? resolved->nano_of_day : default_time(fields);
    if (*nano_of_day >= NANOS_PER_DAY)
        return error_set(err, E_DATA, NO_POS, "Invalid time of day");
    return OK;
}
