/*
 * time_text.c - DATE, TIME and TIMESTAMP as text and back, by the rules of CAST.
 *
 * The calendar is proleptic Gregorian. Reading resolves as Java's "smart" style does: 30 February is the last
 * of February and 24:00 the next midnight, while day 32 is an error. Years have four digits, more only after
 * a sign.
 */
#include "core/value.h"

static const int64_t day_ms = 86400000;

/* Days are counted in eras of 400 years that start on 1 March: the leap day comes last (Hinnant's algorithm).
 */
int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era      = (year >= 0 ? year : year - 399) / 400;
    int64_t era_year = year - era * 400;
    int64_t year_day = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t era_day  = era_year * 365 + era_year / 4 - era_year / 100 + year_day;
    return era * 146097 + era_day - 719468;
}

void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    if (days > INT64_MAX - 719468)
        days = INT64_MAX - 719468; /* no calendar reaches there: keeps the sum defined */
    days += 719468;
    int64_t era      = (days >= 0 ? days : days - 146096) / 146097;
    int64_t era_day  = days - era * 146097;
    int64_t era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
    int64_t year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    int64_t m        = (5 * year_day + 2) / 153;
    *day             = (int)(year_day - (153 * m + 2) / 5 + 1);
    *month           = (int)(m < 10 ? m + 3 : m - 9);
    *year            = era_year + era * 400 + (*month <= 2);
}

static int month_length(int64_t year, int month)
{
    static const signed char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool                     leap      = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

static size_t put_digits(char *out, int64_t n, int width)
{
    for (int i = width; i-- > 0; n /= 10)
        out[i] = (char)('0' + n % 10);
    return (size_t)width;
}

size_t date_print(int64_t days, char out[32])
{
    int64_t year;
    int     month, day;
    size_t  at = 0;
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        out[at++] = year < 0 ? '-' : '+';
    if (year < 0)
        year = -year;
    at += year > 9999 ? int64_print(year, out + at) : put_digits(out + at, year, 4);
    out[at++] = '-';
    at += put_digits(out + at, month, 2);
    out[at++] = '-';
    return at + put_digits(out + at, day, 2);
}

static size_t put_clock(char *out, int64_t seconds, bool with_seconds)
{
    size_t at = put_digits(out, seconds / 3600, 2);
    out[at++] = ':';
    at += put_digits(out + at, seconds / 60 % 60, 2);
    if (with_seconds) {
        out[at++] = ':';
        at += put_digits(out + at, seconds % 60, 2);
    }
    return at;
}

/* Rest of a division that rounds down: the time of day also before 1970. */
static int64_t ms_of_day(int64_t ms)
{
    int64_t rest = ms % day_ms;
    return rest < 0 ? rest + day_ms : rest;
}

size_t time_print(int64_t ms, char out[32])
{
    int64_t seconds = ms_of_day(ms) / 1000;
    return put_clock(out, seconds, seconds % 60 != 0);
}

size_t timestamp_print(int64_t ms, char out[40])
{
    int64_t rest = ms_of_day(ms);
    size_t  at   = date_print(ms / day_ms - (ms % day_ms < 0), out);
    out[at++]    = 'T';
    at += put_clock(out + at, rest / 1000, true);
    out[at++] = '.';
    return at + put_digits(out + at, rest % 1000, 3);
}

/* Takes exactly `width` digits off the front. */
static bool take_digits(Str *text, size_t width, int64_t *n)
{
    if (text->len < width)
        return false;
    *n = 0;
    for (size_t i = 0; i < width; i++) {
        unsigned digit = (unsigned char)text->ptr[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        *n = *n * 10 + digit;
    }
    *text = str_n(text->ptr + width, text->len - width);
    return true;
}

static bool take_char(Str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = str_n(text->ptr + 1, text->len - 1);
    return true;
}

static bool take_year(Str *text, int64_t *year)
{
    bool   negative = take_char(text, '-'), sign = negative || take_char(text, '+');
    size_t width = 0;
    while (width < text->len && text->ptr[width] >= '0' && text->ptr[width] <= '9')
        width++;
    if (width < 4 || width > (sign ? 9 : 4) || !take_digits(text, width, year))
        return false;
    if (negative)
        *year = -*year;
    return true;
}

/* yyyy-MM-dd; with `partial` also yyyy-MM and yyyy. A day that its month lacks is no date: no conversion
 * invents a value. */
static bool parse_date(Str text, bool partial, int64_t *days)
{
    int64_t year, month = 1, day = 1;
    if (!take_year(&text, &year))
        return false;
    if (text.len > 0 || !partial) {
        if (!take_char(&text, '-') || !take_digits(&text, 2, &month) || month < 1 || month > 12)
            return false;
        if (text.len > 0 || !partial) {
            if (!take_char(&text, '-') || !take_digits(&text, 2, &day) || day < 1 || day > 31)
                return false;
        }
    }
    if (day > month_length(year, (int)month))
        return false;
    *days = days_from_civil(year, (int)month, (int)day);
    return text.len == 0;
}

bool date_parse(Str text, int64_t *days) { return parse_date(str_trim(text), true, days); }

/* Digits behind the point, those beyond milliseconds dropped. */
static bool parse_fraction(Str text, int64_t *ms)
{
    if (text.len > 9)
        return false;
    *ms = 0;
    for (size_t i = 0; i < 3; i++) {
        int64_t digit = 0;
        if (text.len > 0 && !take_digits(&text, 1, &digit))
            return false;
        *ms = *ms * 10 + digit;
    }
    int64_t dropped;
    return take_digits(&text, text.len, &dropped);
}

bool time_parse(Str text, int64_t *ms)
{
    int64_t hour, minute, second = 0, fraction = 0;
    text = str_trim(text);
    if (!take_digits(&text, 2, &hour) || !take_char(&text, ':') || !take_digits(&text, 2, &minute))
        return false;
    if (text.len > 0 && (!take_char(&text, ':') || !take_digits(&text, 2, &second)))
        return false;
    if (text.len > 0 && (!take_char(&text, '.') || !parse_fraction(text, &fraction)))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* Takes Z, +hhmm, -hhmm or +hh:mm off the end, if there. False when it is there but no zone. */
static bool take_zone(Str *text, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (text->len > 0 && text->ptr[text->len - 1] == 'Z') {
        text->len--;
        return true;
    }
    size_t at = text->len;
    while (at > 0 && text->ptr[at - 1] != '+' && text->ptr[at - 1] != '-')
        at--;
    if (at == 0)
        return true;
    Str     zone = str_n(text->ptr + at, text->len - at);
    int64_t hours, minutes;
    if (!take_digits(&zone, 2, &hours))
        return false;
    take_char(&zone, ':');
    if (!take_digits(&zone, 2, &minutes) || zone.len > 0 || minutes > 59 || hours * 60 + minutes > 18 * 60)
        return false;
    *offset_ms = (hours * 60 + minutes) * 60000 * (text->ptr[at - 1] == '-' ? -1 : 1);
    text->len  = at - 1;
    return true;
}

/* HH:mm:ss.SSS, cut anywhere: what is missing is zeros. 24:00 is the end of the day. */
static bool parse_cut_time(Str text, int64_t *ms)
{
    char full[] = "00:00:00.000";
    if (text.len > sizeof full - 1)
        return false;
    memcpy(full, text.len ? text.ptr : "", text.len);
    Str     rest = str_n(full, sizeof full - 1);
    int64_t hour, minute, second, fraction;
    if (!take_digits(&rest, 2, &hour) || !take_char(&rest, ':') || !take_digits(&rest, 2, &minute) ||
        !take_char(&rest, ':') || !take_digits(&rest, 2, &second) || !take_char(&rest, '.') ||
        !take_digits(&rest, 3, &fraction))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    return minute <= 59 && second <= 59 && *ms <= day_ms;
}

bool timestamp_parse(Str text, int64_t *ms)
{
    int64_t days, time, offset_ms;
    text         = str_trim(text);
    ptrdiff_t at = str_find(text, STR_LIT("T"), 0);
    if (at < 0)
        return parse_date(text, true, &days) && !__builtin_mul_overflow(days, day_ms, ms);
    Str clock = str_n(text.ptr + at + 1, text.len - (size_t)at - 1);
    if (!parse_date(str_n(text.ptr, (size_t)at), false, &days) || !take_zone(&clock, &offset_ms) ||
        !parse_cut_time(clock, &time))
        return false;
    /* Nine digits of year reach beyond 64 bits of milliseconds. */
    return !__builtin_mul_overflow(days, day_ms, ms) && !__builtin_add_overflow(*ms, time - offset_ms, ms);
}
