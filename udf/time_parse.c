/*
 * time_parse.c - text to a moment: matches a text against a compiled pattern, any case, all of it
 * (functions.md 3.7.2).
 *
 * Each element reads its piece and sets a field; a field that is set twice must get the same value. What the
 * fields mean together is time_resolve.c's business.
 */
#include "udf/time_element.h"

#include <inttypes.h>

enum { MS_PER_DAY = 86400000 };

typedef struct {
    const TimePattern *pattern;
    Str                text;
    TimeFields         fields;
    Zone              *owned; /* opened for a zone in the text */
    size_t             failed_at;
} Parser;

static const size_t NO_MATCH = SIZE_MAX;

static size_t fail_at(Parser *p, size_t at)
{
    p->failed_at = at;
    return NO_MATCH;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool starts_nocase(Str text, size_t at, Str prefix)
{
    return at <= text.len && prefix.len <= text.len - at &&
           str_equal_nocase(str_n(text.ptr + at, prefix.len), prefix);
}

/* Sets a field read between start and end; a different value from before is a mismatch. */
static size_t set_field(Parser *p, TimeField field, int64_t value, size_t start, size_t end)
{
    if (time_field_known(&p->fields, field) && p->fields.values[field] != value)
        return fail_at(p, start);
    p->fields.values[field] = value;
    p->fields.known |= 1u << field;
    return end;
}

/* ---- numbers ---- */

/* Digits from `from`, at most `most`; how many there are, the value saturating at 18 digits. */
static size_t read_digits(Str text, size_t from, size_t most, int64_t *value)
{
    size_t at = from;
    *value    = 0;
    while (at < text.len && at - from < most && is_digit(text.ptr[at])) {
        if (*value < 100000000000000000)
            *value = *value * 10 + (text.ptr[at] - '0');
        else
            *value = INT64_MAX / 2; /* far out of every field's range, which is reported */
        at++;
    }
    return at - from;
}

static size_t parse_reduced_or_number(Parser *p, const TimeElement *e, size_t start, size_t at, bool negative,
                                      bool positive)
{
    size_t  least = (size_t)e->min_width, lent = e->following > 0 ? (size_t)e->following : 0;
    int64_t value;
    if (at + least > p->text.len)
        return fail_at(p, at);
    size_t digits = read_digits(p->text, at, (size_t)e->max_width + lent, &value);
    if (digits < least)
        return fail_at(p, at);
    if (lent > 0) { /* the numbers behind take theirs from the end */
        size_t own = digits > lent ? digits - lent : 0;
        digits     = read_digits(p->text, at, own > least ? own : least, &value);
    }
    if (negative && value == 0)
        return fail_at(p, start);
    if (negative)
        value = -value;
    else if (e->sign == SIGN_EXCEEDS_PAD && positive && digits <= least)
        return fail_at(p, start);
    else if (e->sign == SIGN_EXCEEDS_PAD && !positive && digits > least)
        return fail_at(p, at);
    if (e->kind == ELEMENT_REDUCED)
        value += 2000;
    return set_field(p, e->field, value, start, at + digits);
}

static size_t parse_number(Parser *p, const TimeElement *e, size_t at)
{
    if (at >= p->text.len)
        return fail_at(p, at);
    char   sign  = p->text.ptr[at];
    size_t start = at;
    if (sign == '+' && e->sign != SIGN_EXCEEDS_PAD)
        return fail_at(p, at);
    if (sign == '-' && e->sign == SIGN_NOT_NEGATIVE)
        return fail_at(p, at);
    if (sign == '+' || sign == '-')
        at++;
    return parse_reduced_or_number(p, e, start, at, sign == '-', sign == '+');
}

static size_t parse_fraction(Parser *p, const TimeElement *e, size_t at)
{
    int64_t value;
    size_t  digits = read_digits(p->text, at, (size_t)e->max_width, &value);
    if (digits < (size_t)e->min_width)
        return fail_at(p, at);
    for (size_t i = digits; i < 9; i++)
        value *= 10;
    return set_field(p, FIELD_NANO, value, at, at + digits);
}

/* ---- texts ---- */

/* The longest of the field's texts in a style. */
static size_t match_texts(Parser *p, TimeField field, TextStyle style, size_t at, int64_t *value)
{
    size_t             count, longest = 0;
    int                first;
    const char *const *texts = time_field_texts(field, style, &count, &first);
    for (size_t i = 0; i < count; i++) {
        Str text = str_c(texts[i]);
        if (text.len > longest && starts_nocase(p->text, at, text)) {
            longest = text.len;
            *value  = first + (int64_t)i;
        }
    }
    return longest;
}

static size_t parse_text(Parser *p, const TimeElement *e, size_t at)
{
    int64_t value = 0;
    if (e->style == TEXT_NARROW && e->field != FIELD_ERA) { /* ambiguous letters: Java reads a number */
        TimeElement number = {
            .kind = ELEMENT_NUMBER, .field = e->field, .min_width = 1, .max_width = 19, .sign = SIGN_NORMAL};
        return parse_number(p, &number, at);
    }
    size_t len = match_texts(p, e->field, TEXT_FULL, at, &value);
    if (len == 0)
        len = match_texts(p, e->field, e->style == TEXT_NARROW ? TEXT_NARROW : TEXT_SHORT, at, &value);
    if (len == 0)
        return fail_at(p, at);
    return set_field(p, e->field, value, at, at + len);
}

static size_t parse_literal(Parser *p, const TimeElement *e, size_t at)
{
    return starts_nocase(p->text, at, e->literal) ? at + e->literal.len : fail_at(p, at);
}

/* ---- offsets ---- */

/* Two digits 00-59, behind a colon when asked for. */
static bool read_pair(Str text, size_t *at, bool colon, int *out)
{
    size_t pos = *at + colon;
    if (pos + 2 > text.len || (colon && text.ptr[*at] != ':') || !is_digit(text.ptr[pos]) ||
        !is_digit(text.ptr[pos + 1]))
        return false;
    int value = (text.ptr[pos] - '0') * 10 + (text.ptr[pos + 1] - '0');
    if (value > 59)
        return false;
    *out = value;
    *at  = pos + 2;
    return true;
}

static size_t read_offset(Parser *p, int type, Str zero, size_t start, int *seconds)
{
    int    hours, minutes = 0, rest = 0;
    bool   colon = type == 4 || type == 6;
    size_t at    = start;
    *seconds     = 0;
    if (at >= p->text.len)
        return fail_at(p, at);
    if (starts_nocase(p->text, at, zero))
        return at + zero.len;
    char sign = p->text.ptr[at++];
    if ((sign != '+' && sign != '-') || !read_pair(p->text, &at, false, &hours) || hours > 23)
        return fail_at(p, start);
    bool got_minutes = type > 0 && read_pair(p->text, &at, colon, &minutes);
    if (type >= 3 && !got_minutes)
        return fail_at(p, start);
    if (type >= 5)
        read_pair(p->text, &at, colon, &rest);
    *seconds = (hours * 3600 + minutes * 60 + rest) * (sign == '-' ? -1 : 1);
    return at;
}

static size_t parse_offset(Parser *p, const TimeElement *e, size_t at)
{
    int    seconds;
    size_t end = read_offset(p, e->offset_type, e->literal, at, &seconds);
    return end == NO_MATCH ? end : set_field(p, FIELD_OFFSET, seconds, at, end);
}

/* GMT, GMT+3, GMT-07:00 */
static size_t parse_gmt_offset(Parser *p, const TimeElement *e, size_t start)
{
    Str    text  = p->text;
    size_t at    = start + 3;
    int    hours = 0, minutes = 0, rest = 0;
    if (!starts_nocase(text, start, STR_LIT("GMT")))
        return fail_at(p, start);
    if (at >= text.len || (text.ptr[at] != '+' && text.ptr[at] != '-'))
        return set_field(p, FIELD_OFFSET, 0, start, at);
    int sign = text.ptr[at++] == '-' ? -1 : 1;
    if (e->style == TEXT_FULL) {
        if (!read_pair(text, &at, false, &hours) || !read_pair(text, &at, true, &minutes))
            return fail_at(p, start);
        read_pair(text, &at, true, &rest);
    } else {
        if (at >= text.len || !is_digit(text.ptr[at]))
            return fail_at(p, start);
        hours = text.ptr[at++] - '0';
        if (at < text.len && is_digit(text.ptr[at]))
            hours = hours * 10 + (text.ptr[at++] - '0');
        if (read_pair(text, &at, true, &minutes))
            read_pair(text, &at, true, &rest);
    }
    return set_field(p, FIELD_OFFSET, sign * (hours * 3600 + minutes * 60 + rest), start, at);
}

/* ---- zones ---- */

static size_t take_zone(Parser *p, Zone *zone, size_t start, size_t end)
{
    if (p->owned != NULL && !str_equal(zone_id(p->owned), zone_id(zone))) {
        zone_close(zone);
        return fail_at(p, start);
    }
    zone_close(p->owned);
    p->owned = zone;
    return end;
}

/* +02:00 where a zone is expected */
static size_t parse_zone_offset(Parser *p, size_t start)
{
    int    seconds;
    Zone  *zone;
    size_t end = read_offset(p, 6, STR_LIT("Z"), start, &seconds);
    if (end == NO_MATCH)
        end = read_offset(p, 3, STR_LIT("Z"), start, &seconds);
    if (end == NO_MATCH)
        end = read_offset(p, 0, STR_LIT("Z"), start, &seconds);
    if (end == NO_MATCH || zone_open(str_n(p->text.ptr + start, end - start), &zone, NULL) != OK)
        return fail_at(p, start);
    return take_zone(p, zone, start, end);
}

/* UTC+01:00 and the like: the match of ids stops at the colon. */
static size_t extend_prefixed(Str text, size_t start, Zone **zone)
{
    static const size_t lengths[] = {9, 6, 3};
    for (size_t prefix = 3; prefix >= 2; prefix--) {
        Str name = str_n(text.ptr + start, prefix < text.len - start ? prefix : 0);
        if (!str_equal_nocase(name, STR_LIT("UTC")) && !str_equal_nocase(name, STR_LIT("GMT")) &&
            !str_equal_nocase(name, STR_LIT("UT")))
            continue;
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            size_t len = prefix + lengths[i];
            if (len <= text.len - start && zone_open(str_n(text.ptr + start, len), zone, NULL) == OK)
                return start + len;
        }
    }
    return start;
}

static size_t parse_zone(Parser *p, const TimeElement *e, size_t start)
{
    Zone *zone;
    if (start >= p->text.len)
        return fail_at(p, start);
    if (p->text.ptr[start] == '+' || p->text.ptr[start] == '-')
        return parse_zone_offset(p, start);
    size_t end = extend_prefixed(p->text, start, &zone);
    if (end == start) {
        bool      is_long = e->zone_name == ZONE_NAME_LONG || e->zone_name == ZONE_NAME_GENERIC_LONG;
        ZoneMatch match   = e->kind == ELEMENT_ZONE_ID ? ZONE_MATCH_ID
                            : is_long                  ? ZONE_MATCH_LONG
                                                       : ZONE_MATCH_SHORT;
        size_t    len     = zone_match(str_n(p->text.ptr + start, p->text.len - start), match, &zone);
        if (len == 0)
            return fail_at(p, start);
        end = start + len;
    }
    return take_zone(p, zone, start, end);
}

/* ---- the whole text ---- */

static size_t parse_element(Parser *p, const TimeElement *e, size_t at)
{
    switch (e->kind) {
    case ELEMENT_LITERAL:
        return parse_literal(p, e, at);
    case ELEMENT_NUMBER:
    case ELEMENT_REDUCED:
        return parse_number(p, e, at);
    case ELEMENT_FRACTION:
        return parse_fraction(p, e, at);
    case ELEMENT_TEXT:
        return parse_text(p, e, at);
    case ELEMENT_OFFSET:
        return parse_offset(p, e, at);
    case ELEMENT_GMT_OFFSET:
        return parse_gmt_offset(p, e, at);
    case ELEMENT_ZONE_ID:
    case ELEMENT_ZONE_TEXT:
        return parse_zone(p, e, at);
    case ELEMENT_DAY_PERIOD:
    case ELEMENT_OPTION:
        break;
    }
    return fail_at(p, at);
}

/* A padded element takes exactly its width, spaces in front. */
static size_t parse_padded(Parser *p, const TimeElement *e, size_t at)
{
    Str    whole = p->text;
    size_t end = at + (size_t)e->pad, first = at;
    if (end > whole.len)
        return fail_at(p, at);
    while (first < end && whole.ptr[first] == ' ')
        first++;
    p->text    = str_n(whole.ptr, end);
    size_t got = parse_element(p, e, first);
    p->text    = whole;
    return got == end || got == NO_MATCH ? got : fail_at(p, at + (got - first));
}

/* Recursion is as deep as optional sections nest, which the compiler bounds. */
static size_t parse_range(Parser *p, size_t from, size_t to, size_t at)
{
    for (size_t i = from; i < to; i++) {
        const TimeElement *e = &p->pattern->elements[i];
        if (e->kind == ELEMENT_OPTION) {
            TimeFields before = p->fields;
            size_t     end    = parse_range(p, i + 1, e->end, at);
            if (end == NO_MATCH)
                p->fields = before;
            else
                at = end;
            i = e->end - 1;
            continue;
        }
        at = e->pad > 0 ? parse_padded(p, e, at) : parse_element(p, e, at);
        if (at == NO_MATCH)
            return NO_MATCH;
    }
    return at;
}

static bool reads_day_period(const TimePattern *pattern)
{
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->elements[i].kind == ELEMENT_DAY_PERIOD)
            return true;
    }
    return false;
}

static size_t index_of(Str text, size_t at) { return utf16_length(str_n(text.ptr, at)); }

static Status parse_fields(Parser *p, TimeResolved *resolved, Error *err)
{
    if (reads_day_period(p->pattern))
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "Reading a day period (pattern letter B) is not supported");
    size_t end = parse_range(p, 0, p->pattern->count, 0);
    if (end == NO_MATCH)
        return error_set(err, E_DATA, NO_POS, "Text '" STR_FMT "' could not be parsed at index %zu",
                         STR_ARG(p->text), index_of(p->text, p->failed_at));
    if (end < p->text.len)
        return error_set(err, E_DATA, NO_POS,
                         "Text '" STR_FMT "' could not be parsed, unparsed text found at index %zu",
                         STR_ARG(p->text), index_of(p->text, end));
    Error  why;
    Status status = time_resolve(&p->fields, resolved, &why);
    if (status != OK)
        return error_set(err, status, NO_POS, "Text '" STR_FMT "' could not be parsed: %s", STR_ARG(p->text),
                         why.message);
    return OK;
}

static int64_t to_local_ms(int64_t days, int64_t nano_of_day)
{
    return days * MS_PER_DAY + nano_of_day / 1000000;
}

Status time_pattern_parse(const TimePattern *pattern, Str text, Zone *zone, int64_t *utc_ms, Error *err)
{
    Parser       p = {.pattern = pattern, .text = text};
    TimeResolved resolved;
    int64_t      days, nano_of_day;
    Status       status = parse_fields(&p, &resolved, err);
    if (status == OK)
        status = time_resolve_with_defaults(&p.fields, &resolved, &days, &nano_of_day, err);
    if (status == OK) {
        int64_t local = to_local_ms(days, nano_of_day);
        if (time_field_known(&p.fields, FIELD_OFFSET))
            *utc_ms = local - p.fields.values[FIELD_OFFSET] * 1000;
        else
            *utc_ms = zone_utc_from_local(p.owned ? p.owned : zone, local);
    }
    zone_close(p.owned);
    return status;
}

Status time_pattern_parse_date(const TimePattern *pattern, Str text, int64_t *days, Error *err)
{
    Parser       p = {.pattern = pattern, .text = text};
    TimeResolved resolved;
    Status       status = parse_fields(&p, &resolved, err);
    zone_close(p.owned);
    TRY(status);
    if (!resolved.has_date)
        return error_set(err, E_DATA, NO_POS,
                         "Text '" STR_FMT
                         "' could not be parsed: Unable to obtain LocalDate from TemporalAccessor",
                         STR_ARG(text));
    *days = resolved.days;
    return OK;
}

Status time_pattern_parse_time(const TimePattern *pattern, Str text, int64_t *ms, Error *err)
{
    Parser       p = {.pattern = pattern, .text = text};
    TimeResolved resolved;
    Status       status = parse_fields(&p, &resolved, err);
    zone_close(p.owned);
    TRY(status);
    if (p.fields.known & ((2u << FIELD_LAST_DATE) - 1))
        return error_set(err, E_DATA, NO_POS, "Time format contains date field.");
    if (!resolved.has_time)
        return error_set(err, E_DATA, NO_POS,
                         "Text '" STR_FMT
                         "' could not be parsed: Unable to obtain LocalTime from TemporalAccessor",
                         STR_ARG(text));
    *ms = resolved.nano_of_day / 1000000;
    return OK;
}
