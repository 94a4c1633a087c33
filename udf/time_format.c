/*
 * time_format.c - a moment to text, element by element (functions.md 3.7.1).
 *
 * A value may have only a date or only a time of day. A letter of the other part fails, unless it stands in
 * an optional section: then the section writes nothing.
 */
#include "udf/time_element.h"

#include "core/value.h"

#include <inttypes.h>

enum { MS_PER_DAY = 86400000, NUMBER_MAX_DIGITS = 20 };

typedef struct {
    const TimePattern *pattern;
    unsigned           parts;
    int64_t            utc_ms, days, ms_of_day;
    int                offset_s;
    int64_t            year;
    int                month, day;
    Zone              *zone;
    StrBuf            *out;
} Formatter;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t date_field(const Formatter *f, TimeField field)
{
    switch (field) {
    case FIELD_ERA:
        return f->year > 0;
    case FIELD_YEAR:
        return f->year;
    case FIELD_YEAR_OF_ERA:
        return f->year > 0 ? f->year : 1 - f->year;
    case FIELD_WEEK_YEAR:
        return time_week_year(f->days);
    case FIELD_QUARTER:
        return (f->month - 1) / 3 + 1;
    case FIELD_MONTH:
        return f->month;
    case FIELD_WEEK:
        return time_week_of_year(f->days);
    case FIELD_WEEK_OF_MONTH:
        return time_week_of_month(f->days);
    case FIELD_DAY_OF_YEAR:
        return f->days - days_from_civil(f->year, 1, 1) + 1;
    case FIELD_DAY_OF_MONTH:
        return f->day;
    case FIELD_ALIGNED_DAY:
        return (f->day - 1) % 7 + 1;
    case FIELD_DAY_OF_WEEK:
        return time_iso_weekday(f->days);
    case FIELD_LOCAL_DAY_OF_WEEK:
        return time_iso_weekday(f->days) % 7 + 1;
    default:
        return f->days + 40587; /* FIELD_JULIAN_DAY */
    }
}

static int64_t time_field(const Formatter *f, TimeField field)
{
    int64_t hour = f->ms_of_day / 3600000;
    switch (field) {
    case FIELD_AMPM:
        return hour / 12;
    case FIELD_CLOCK_HOUR_OF_AMPM:
        return hour % 12 == 0 ? 12 : hour % 12;
    case FIELD_HOUR_OF_AMPM:
        return hour % 12;
    case FIELD_CLOCK_HOUR:
        return hour == 0 ? 24 : hour;
    case FIELD_HOUR:
        return hour;
    case FIELD_MINUTE:
        return f->ms_of_day / 60000 % 60;
    case FIELD_SECOND:
        return f->ms_of_day / 1000 % 60;
    case FIELD_NANO:
        return f->ms_of_day % 1000 * 1000000;
    case FIELD_MILLI_OF_DAY:
        return f->ms_of_day;
    default:
        return f->ms_of_day * 1000000; /* FIELD_NANO_OF_DAY */
    }
}

static Status field_value(const Formatter *f, TimeField field, int64_t *out, Error *err)
{
    bool is_date = field <= FIELD_LAST_DATE;
    if (!(f->parts & (is_date ? TIME_DATE : TIME_TIME)))
        return error_set(err, E_DATA, NO_POS, "Unsupported field: %s", time_field_names[field]);
    *out = is_date ? date_field(f, field) : time_field(f, field);
    return OK;
}

static int64_t power_of_ten(int digits)
{
    int64_t power = 1;
    while (digits-- > 0)
        power *= 10;
    return power;
}

static Status format_number(Formatter *f, const TimeElement *e, Error *err)
{
    int64_t value;
    char    digits[24];
    TRY(field_value(f, e->field, &value, err));
    size_t len = int64_print(value < 0 ? -value : value, digits);
    if (len > (size_t)e->max_width)
        return error_set(err, E_DATA, NO_POS,
                         "Field %s cannot be printed as the value %" PRId64
                         " exceeds the maximum print width of %d",
                         time_field_names[e->field], value, e->max_width);
    if (value < 0 && e->sign == SIGN_NOT_NEGATIVE)
        return error_set(err, E_DATA, NO_POS,
                         "Field %s cannot be printed as the value %" PRId64
                         " cannot be negative according to the SignStyle",
                         time_field_names[e->field], value);
    if (value < 0)
        strbuf_addc(f->out, '-');
    else if (e->sign == SIGN_EXCEEDS_PAD && e->min_width < 19 && value >= power_of_ten(e->min_width))
        strbuf_addc(f->out, '+');
    for (size_t i = len; i < (size_t)e->min_width; i++)
        strbuf_addc(f->out, '0');
    strbuf_add(f->out, str_n(digits, len));
    return OK;
}

static Status format_reduced(Formatter *f, const TimeElement *e, Error *err)
{
    int64_t value;
    TRY(field_value(f, e->field, &value, err));
    strbuf_addf(f->out, "%02d", (int)((value < 0 ? -value : value) % 100));
    return OK;
}

static Status format_fraction(Formatter *f, const TimeElement *e, Error *err)
{
    int64_t nano;
    TRY(field_value(f, FIELD_NANO, &nano, err));
    char digits[16];
    snprintf(digits, sizeof digits, "%09d", (int)nano);
    strbuf_add(f->out, str_n(digits, (size_t)e->max_width));
    return OK;
}

static Status format_text(Formatter *f, const TimeElement *e, Error *err)
{
    int64_t value;
    size_t  count;
    int     first;
    TRY(field_value(f, e->field, &value, err));
    const char *const *texts = time_field_texts(e->field, e->style, &count, &first);
    strbuf_adds(f->out, texts[value - first]);
    return OK;
}

static void format_offset(Formatter *f, const TimeElement *e)
{
    int         total = abs(f->offset_s), minutes = total / 60 % 60, seconds = total % 60;
    int         type            = e->offset_type;
    size_t      start           = f->out->len;
    bool        printed_nonzero = total / 3600 > 0;
    const char *colon           = type == 4 || type == 6 ? ":" : "";
    if (total == 0) {
        strbuf_add(f->out, e->literal);
        return;
    }
    strbuf_addf(f->out, "%c%02d", f->offset_s < 0 ? '-' : '+', total / 3600);
    if (type >= 3 || (type == 1 && minutes > 0)) {
        strbuf_addf(f->out, "%s%02d", colon, minutes);
        printed_nonzero |= minutes > 0;
    }
    if (type >= 5 && seconds > 0) {
        strbuf_addf(f->out, "%s%02d", colon, seconds);
        printed_nonzero = true;
    }
    if (!printed_nonzero) { /* the part that is not zero has no place here */
        f->out->len = start;
        strbuf_add(f->out, e->literal);
    }
}

static void format_gmt_offset(Formatter *f, const TimeElement *e)
{
    int total = abs(f->offset_s), hours = total / 3600, minutes = total / 60 % 60, seconds = total % 60;
    strbuf_adds(f->out, "GMT");
    if (total == 0)
        return;
    strbuf_addc(f->out, f->offset_s < 0 ? '-' : '+');
    if (e->style == TEXT_FULL) {
        strbuf_addf(f->out, "%02d:%02d", hours, minutes);
        if (seconds > 0)
            strbuf_addf(f->out, ":%02d", seconds);
        return;
    }
    strbuf_addf(f->out, "%d", hours);
    if (minutes > 0 || seconds > 0)
        strbuf_addf(f->out, ":%02d", minutes);
    if (seconds > 0)
        strbuf_addf(f->out, ":%02d", seconds);
}

static Status format_day_period(Formatter *f, const TimeElement *e, Error *err)
{
    int64_t hour;
    TRY(field_value(f, FIELD_HOUR, &hour, err));
    bool        narrow = e->style == TEXT_NARROW, sharp = f->ms_of_day / 60000 % 60 == 0;
    const char *text = hour >= 6 && hour < 12    ? "in the morning"
                       : hour >= 12 && hour < 18 ? "in the afternoon"
                       : hour >= 18 && hour < 21 ? "in the evening"
                                                 : "at night";
    if (sharp && hour == 0)
        text = narrow ? "mi" : "midnight";
    else if (sharp && hour == 12)
        text = narrow ? "n" : "noon";
    strbuf_adds(f->out, text);
    return OK;
}

static Status need_zone(const Formatter *f, Error *err)
{
    if (f->parts & TIME_ZONE)
        return OK;
    return error_set(err, E_DATA, NO_POS, "Unable to extract ZoneId from temporal");
}

static Status format_element(Formatter *f, const TimeElement *e, Error *err)
{
    switch (e->kind) {
    case ELEMENT_LITERAL:
        strbuf_add(f->out, e->literal);
        return OK;
    case ELEMENT_NUMBER:
        return format_number(f, e, err);
    case ELEMENT_REDUCED:
        return format_reduced(f, e, err);
    case ELEMENT_FRACTION:
        return format_fraction(f, e, err);
    case ELEMENT_TEXT:
        return format_text(f, e, err);
    case ELEMENT_DAY_PERIOD:
        return format_day_period(f, e, err);
    case ELEMENT_OPTION:
        return OK; /* format_range sees to it */
    case ELEMENT_OFFSET:
    case ELEMENT_GMT_OFFSET:
        if (!(f->parts & TIME_ZONE))
            return error_set(err, E_DATA, NO_POS, "Unsupported field: OffsetSeconds");
        if (e->kind == ELEMENT_OFFSET)
            format_offset(f, e);
        else
            format_gmt_offset(f, e);
        return OK;
    case ELEMENT_ZONE_ID:
        TRY(need_zone(f, err));
        strbuf_add(f->out, zone_id(f->zone));
        return OK;
    case ELEMENT_ZONE_TEXT:
        TRY(need_zone(f, err));
        strbuf_add(f->out, zone_name(f->zone, e->zone_name, f->utc_ms));
        return OK;
    }
    return OK;
}

static Status pad_to(Formatter *f, size_t start, int width, Error *err)
{
    size_t len = utf16_length(str_n(f->out->ptr + start, f->out->len - start));
    if (len > (size_t)width)
        return error_set(err, E_DATA, NO_POS,
                         "Cannot print as output of %zu characters exceeds pad width of %d", len, width);
    size_t missing = (size_t)width - len, bytes = f->out->len - start;
    for (size_t i = 0; i < missing; i++)
        strbuf_addc(f->out, ' ');
    memmove(f->out->ptr + start + missing, f->out->ptr + start, bytes);
    memset(f->out->ptr + start, ' ', missing);
    return OK;
}

/* Recursion is as deep as optional sections nest, which the compiler bounds. */
static Status format_range(Formatter *f, size_t from, size_t to, Error *err)
{
    for (size_t i = from; i < to; i++) {
        const TimeElement *e     = &f->pattern->elements[i];
        size_t             start = f->out->len;
        if (e->kind == ELEMENT_OPTION) {
            if (format_range(f, i + 1, e->end, NULL) != OK)
                f->out->len = start; /* an optional section that lacks a field writes nothing */
            i = e->end - 1;
            continue;
        }
        TRY(format_element(f, e, err));
        if (e->pad > 0)
            TRY(pad_to(f, start, e->pad, err));
    }
    return OK;
}

Status time_pattern_format_parts(const TimePattern *pattern, unsigned parts, int64_t ms, Zone *zone,
                                 StrBuf *out, Error *err)
{
    Formatter f         = {.pattern = pattern, .parts = parts, .utc_ms = ms, .zone = zone, .out = out};
    int64_t   offset_ms = zone_offset_ms(zone, ms), local;
    if (__builtin_add_overflow(ms, offset_ms, &local))
        return error_set(err, E_DATA, NO_POS, "Timestamp %" PRId64 " is out of range", ms);
    f.offset_s  = (int)(offset_ms / 1000);
    f.days      = floor_div(local, MS_PER_DAY);
    f.ms_of_day = local - f.days * MS_PER_DAY;
    civil_from_days(f.days, &f.year, &f.month, &f.day);
    return format_range(&f, 0, pattern->count, err);
}

Status time_pattern_format(const TimePattern *pattern, int64_t utc_ms, Zone *zone, StrBuf *out, Error *err)
{
    return time_pattern_format_parts(pattern, TIME_DATE | TIME_TIME | TIME_ZONE, utc_ms, zone, out, err);
}
