/*
 * time_lenient.c - PARSE_DATE's engine (functions.md 3.7.3): SimpleDateFormat letters, lenient values, GMT.
 *
 * It walks pattern and text together, so there is nothing to compile. Numbers roll over (month 13 is next
 * January), text behind the pattern is ignored, and where several fields could say the day, the one read last
 * does: Java's calendar.
 */
#include "udf/time_element.h"

#include "core/value.h"

enum { MS_PER_DAY = 86400000, YEARS_BACK = 80 };

static const int64_t MAX_DAYS =
    100000000000; /* 270 million years: still in 64 bits of milliseconds, hours included */

typedef enum {
    BY_DAY_OF_MONTH,
    BY_DAY_OF_YEAR,
    BY_WEEK_OF_YEAR,
    BY_WEEK_OF_MONTH,
    BY_WEEKDAY_IN_MONTH
} DayRule;

typedef struct {
    Str     text;
    size_t  at;
    int64_t now_ms;
    int64_t year, month, day, day_of_year, weekday, week, week_of_month, weekday_in_month;
    bool    before_christ;
    /* When each was read: later wins; 0 = never. */
    int step, day_step, day_of_year_step, weekday_step, week_step, week_of_month_step, weekday_in_month_step;
    int64_t hour, ampm, hour_of_ampm, minute, second, milli;
    int     hour_step, ampm_step;
    Zone   *zone;
} Lenient;

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31); }

static bool is_number_letter(char c, size_t width)
{
    if (c == 'M')
        return width < 3;
    return strchr("yYdDuFwWHkKhmsS", c) != NULL;
}

/* Reads digits: all there are, or `width` when another number follows directly. */
static bool read_number(Lenient *l, size_t width, int64_t *out)
{
    if (width == 0) {
        while (l->at < l->text.len && is_space(l->text.ptr[l->at]))
            l->at++;
    }
    size_t  start = l->at;
    int64_t value = 0;
    while (l->at < l->text.len && l->text.ptr[l->at] >= '0' && l->text.ptr[l->at] <= '9' &&
           (width == 0 || l->at - start < width)) {
        value = value * 10 + (l->text.ptr[l->at++] - '0');
        if (value > INT32_MAX)
            return false;
    }
    *out = value;
    return l->at > start;
}

static bool read_text(Lenient *l, TimeField field, int64_t *out)
{
    size_t longest = 0;
    for (int style = TEXT_SHORT; style <= TEXT_FULL; style++) {
        size_t             count;
        int                first;
        const char *const *texts = time_field_texts(field, (TextStyle)style, &count, &first);
        for (size_t i = 0; i < count; i++) {
            Str text = str_c(texts[i]);
            if (text.len > longest && text.len <= l->text.len - l->at &&
                str_equal_nocase(str_n(l->text.ptr + l->at, text.len), text)) {
                longest = text.len;
                *out    = first + (int64_t)i;
            }
        }
    }
    l->at += longest;
    return longest > 0;
}

/* yy: within 80 years back and 20 ahead of now. */
static int64_t place_year(const Lenient *l, int64_t two_digits)
{
    int64_t year, start;
    int     month, day;
    civil_from_days(l->now_ms / MS_PER_DAY, &year, &month, &day);
    start         = year - YEARS_BACK;
    int64_t trial = two_digits + start / 100 * 100;
    return two_digits >= start % 100 ? trial : trial + 100;
}

/* ---- zones ---- */

static bool digits_at(const Lenient *l, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (at + i >= l->text.len || l->text.ptr[at + i] < '0' || l->text.ptr[at + i] > '9')
            return false;
    }
    return true;
}

static bool take_zone(Lenient *l, size_t start, size_t len)
{
    zone_close(l->zone);
    l->zone = NULL;
    l->at   = start + len;
    return zone_open(str_n(l->text.ptr + start, len), &l->zone, NULL) == OK;
}

/* X, XX, XXX (and ZZ): Z, +hh, +hhmm, +hh:mm */
static bool read_iso_zone(Lenient *l, size_t width)
{
    size_t at = l->at;
    if (at < l->text.len && l->text.ptr[at] == 'Z')
        return take_zone(l, at, 1);
    if (at >= l->text.len || (l->text.ptr[at] != '+' && l->text.ptr[at] != '-') || !digits_at(l, at + 1, 2))
        return false;
    if (width == 1)
        return take_zone(l, at, 3);
    if (width == 2)
        return digits_at(l, at + 3, 2) && take_zone(l, at, 5);
    return at + 3 < l->text.len && l->text.ptr[at + 3] == ':' && digits_at(l, at + 4, 2) &&
           take_zone(l, at, 6);
}

/* z and Z: +hhmm, GMT+h:mm, names. */
static bool read_zone(Lenient *l)
{
    size_t at = l->at;
    if (at < l->text.len && (l->text.ptr[at] == '+' || l->text.ptr[at] == '-'))
        return digits_at(l, at + 1, 4) && take_zone(l, at, 5);
    if (l->text.len - at >= 7 && str_equal_nocase(str_n(l->text.ptr + at, 3), STR_LIT("GMT"))) {
        size_t hours = digits_at(l, at + 4, 2) ? 2 : 1, colon = at + 4 + hours;
        char   id[8] = {0};
        if (digits_at(l, at + 4, hours) && colon < l->text.len && l->text.ptr[colon] == ':' &&
            digits_at(l, colon + 1, 2)) {
            snprintf(id, sizeof id, "%c%s%.*s:%.2s", l->text.ptr[at + 3], hours == 1 ? "0" : "", (int)hours,
                     l->text.ptr + at + 4, l->text.ptr + colon + 1);
            zone_close(l->zone);
            l->zone = NULL;
            l->at   = colon + 3;
            return zone_open(str_c(id), &l->zone, NULL) == OK;
        }
    }
    zone_close(l->zone);
    l->zone    = NULL;
    size_t len = zone_match(str_n(l->text.ptr + at, l->text.len - at), ZONE_MATCH_SHORT, &l->zone);
    l->at += len;
    return len > 0;
}

/* ---- fields ---- */

static bool read_date_number(Lenient *l, char letter, size_t count, size_t width)
{
    int64_t n;
    if (!read_number(l, width, &n))
        return false;
    int step = ++l->step;
    switch (letter) {
    case 'y':
    case 'Y':
        l->year = count <= 2 && n < 100 ? place_year(l, n) : n;
        break;
    case 'M':
        l->month = n;
        break;
    case 'd':
        l->day = n, l->day_step = step;
        break;
    case 'D':
        l->day_of_year = n, l->day_of_year_step = step;
        break;
    case 'u':
        l->weekday = n, l->weekday_step = step;
        break;
    case 'F':
        l->weekday_in_month = n, l->weekday_in_month_step = step;
        break;
    case 'w':
        l->week = n, l->week_step = step;
        break;
    default:
        l->week_of_month = n, l->week_of_month_step = step;
        break; /* W */
    }
    return true;
}

static bool read_time_number(Lenient *l, char letter, size_t width)
{
    int64_t n;
    if (!read_number(l, width, &n))
        return false;
    switch (letter) {
    case 'H':
        l->hour = n, l->hour_step = ++l->step;
        break;
    case 'k':
        l->hour = n == 24 ? 0 : n, l->hour_step = ++l->step;
        break;
    case 'K':
        l->hour_of_ampm = n, l->ampm_step = ++l->step;
        break;
    case 'h':
        l->hour_of_ampm = n == 12 ? 0 : n, l->ampm_step = ++l->step;
        break;
    case 'm':
        l->minute = n;
        break;
    case 's':
        l->second = n;
        break;
    default:
        l->milli = n;
        break; /* S */
    }
    return true;
}

static bool read_letter(Lenient *l, char letter, size_t count, size_t width)
{
    int64_t value;
    switch (letter) {
    case 'G':
        if (!read_text(l, FIELD_ERA, &value))
            return false;
        l->before_christ = value == 0;
        return true;
    case 'E':
        l->weekday_step = ++l->step;
        return read_text(l, FIELD_DAY_OF_WEEK, &l->weekday);
    case 'a':
        l->ampm_step = ++l->step;
        return read_text(l, FIELD_AMPM, &l->ampm);
    case 'X':
        return read_iso_zone(l, count);
    case 'Z':
        return count == 2 ? read_iso_zone(l, 3) : read_zone(l);
    case 'z':
        return read_zone(l);
    case 'M':
        if (count >= 3)
            return read_text(l, FIELD_MONTH, &l->month);
        return read_date_number(l, letter, count, width);
    case 'H':
    case 'k':
    case 'K':
    case 'h':
    case 'm':
    case 's':
    case 'S':
        return read_time_number(l, letter, width);
    default:
        return read_date_number(l, letter, count, width);
    }
}

/* ---- the calendar ---- */

static int later(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a > b ? a : b; /* a pair counts only when both are there */
}

static DayRule choose_rule(const Lenient *l)
{
    const struct {
        DayRule rule;
        int     step;
    } rules[] = {
        {BY_DAY_OF_MONTH, l->day_step},
        {BY_WEEK_OF_MONTH, later(l->week_of_month_step, l->weekday_step)},
        {BY_WEEKDAY_IN_MONTH, later(l->weekday_in_month_step, l->weekday_step)},
        {BY_DAY_OF_YEAR, l->day_of_year_step},
        {BY_WEEK_OF_YEAR, later(l->week_step, l->weekday_step)},
    };
    size_t best = 0;
    for (size_t i = 1; i < ARRAY_LEN(rules); i++) {
        if (rules[i].step > rules[best].step)
            best = i;
    }
    if (rules[best].step > 0)
        return rules[best].rule;
    if (l->week_of_month_step > 0 && l->week_of_month_step >= l->week_step &&
        l->week_of_month_step >= l->weekday_step)
        return BY_WEEK_OF_MONTH;
    if (l->week_step > 0 && l->week_step > l->weekday_step)
        return BY_WEEK_OF_YEAR;
    return l->weekday_step > 0 || l->weekday_in_month_step > 0 ? BY_WEEKDAY_IN_MONTH : BY_DAY_OF_MONTH;
}

static int64_t days_of(const Lenient *l)
{
    int64_t year     = l->before_christ ? 1 - l->year : l->year;
    int64_t months   = l->month - 1;
    int64_t carry    = months >= 0 ? months / 12 : (months - 11) / 12;
    int64_t first    = days_from_civil(year + carry, (int)(months - carry * 12) + 1, 1);
    int64_t new_year = days_from_civil(year, 1, 1);
    int64_t weekday  = (l->weekday_step ? l->weekday : 7) % 7; /* Sunday = 0, the first day of a week */
    switch (choose_rule(l)) {
    case BY_DAY_OF_MONTH:
        return first + l->day - 1;
    case BY_DAY_OF_YEAR:
        return new_year + l->day_of_year - 1;
    case BY_WEEK_OF_YEAR:
        return new_year - time_iso_weekday(new_year) % 7 + (l->week - 1) * 7 + weekday;
    case BY_WEEK_OF_MONTH:
        return first - time_iso_weekday(first) % 7 + (l->week_of_month - 1) * 7 + weekday;
    case BY_WEEKDAY_IN_MONTH:
        break;
    }
    int64_t ahead = (weekday - time_iso_weekday(first) % 7 + 7) % 7;
    return first + ahead + ((l->weekday_in_month_step ? l->weekday_in_month : 1) - 1) * 7;
}

/* false: no number of milliseconds holds it. */
static bool to_utc(Lenient *l, int64_t *utc_ms)
{
    int64_t hour = l->ampm_step > l->hour_step ? l->ampm * 12 + l->hour_of_ampm : l->hour;
    int64_t days = days_of(l);
    if (days > MAX_DAYS || days < -MAX_DAYS)
        return false;
    *utc_ms = zone_utc_from_local(l->zone, days * MS_PER_DAY + hour * 3600000 + l->minute * 60000 +
                                               l->second * 1000 + l->milli);
    return true;
}

/* ---- the pattern ---- */

static size_t run_length(Str pattern, size_t at)
{
    size_t end = at + 1;
    while (end < pattern.len && pattern.ptr[end] == pattern.ptr[at])
        end++;
    return end - at;
}

/* The literal character at *at, quotes taken off; false at a quote that only opens or closes. */
static bool next_literal(Str pattern, size_t *at, bool *quoted, char *out)
{
    char c = pattern.ptr[(*at)++];
    if (c == '\'') {
        if (*at >= pattern.len || pattern.ptr[*at] != '\'') {
            *quoted = !*quoted;
            return false;
        }
        (*at)++;
    }
    *out = c;
    return true;
}

static Status check_pattern(Str pattern, Error *err)
{
    bool quoted = false;
    for (size_t at = 0; at < pattern.len;) {
        char c = pattern.ptr[at];
        if (quoted || !is_letter(c)) {
            next_literal(pattern, &at, &quoted, &c);
            continue;
        }
        size_t count = run_length(pattern, at);
        if (!strchr("GyYMdDEuFwWaHkKhmsSzZX", c))
            return error_set(err, E_DATA, NO_POS, "Illegal pattern component: %.*s", (int)count,
                             pattern.ptr + at);
        if (c == 'X' && count > 3)
            return error_set(err, E_DATA, NO_POS, "invalid number of X");
        at += count;
    }
    if (quoted)
        return error_set(err, E_DATA, NO_POS, "Unterminated quote");
    return OK;
}

static bool read_all(Lenient *l, Str pattern)
{
    bool quoted = false;
    for (size_t at = 0; at < pattern.len;) {
        char c = pattern.ptr[at];
        if (quoted || !is_letter(c)) {
            if (!next_literal(pattern, &at, &quoted, &c))
                continue;
            if (l->at >= l->text.len || l->text.ptr[l->at] != c)
                return false;
            l->at++;
            continue;
        }
        size_t count = run_length(pattern, at), next = at + count;
        bool   followed = next < pattern.len && is_letter(pattern.ptr[next]) &&
                        is_number_letter(pattern.ptr[next], run_length(pattern, next));
        if (!read_letter(l, c, count, followed && is_number_letter(c, count) ? count : 0))
            return false;
        at = next;
    }
    return true;
}

Status time_lenient_parse(Str pattern, Str text, int64_t now_ms, int64_t *utc_ms, Error *err)
{
    Lenient l = {.text = text, .now_ms = now_ms, .year = 1970, .month = 1, .day = 1};
    TRY(check_pattern(pattern, err));
    bool read = read_all(&l, pattern) && to_utc(&l, utc_ms);
    zone_close(l.zone);
    if (!read)
        return error_set(err, E_DATA, NO_POS, "Unparseable date: \"" STR_FMT "\"", STR_ARG(text));
    return OK;
}
