/*
 * time_pattern.c - pattern text to elements, as Java's DateTimeFormatterBuilder.appendPattern does it (JDK
 * 17).
 */
#include "udf/time_element.h"

#include <limits.h>

enum { MAX_ELEMENTS = 1024, MAX_OPTION_DEPTH = 32 };

const char *const time_field_names[FIELD_COUNT] = {
    "Era",
    "Year",
    "YearOfEra",
    "WeekBasedYear[WeekFields[SUNDAY,1]]",
    "QuarterOfYear",
    "MonthOfYear",
    "WeekOfWeekBasedYear[WeekFields[SUNDAY,1]]",
    "WeekOfMonth[WeekFields[SUNDAY,1]]",
    "DayOfYear",
    "DayOfMonth",
    "AlignedDayOfWeekInMonth",
    "DayOfWeek",
    "DayOfWeek[WeekFields[SUNDAY,1]]",
    "ModifiedJulianDay",
    "AmPmOfDay",
    "ClockHourOfAmPm",
    "HourOfAmPm",
    "ClockHourOfDay",
    "HourOfDay",
    "MinuteOfHour",
    "SecondOfMinute",
    "NanoOfSecond",
    "MilliOfDay",
    "NanoOfDay",
    "OffsetSeconds",
};

static const char *const month_short[]    = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const month_full[]     = {"January",   "February", "March",    "April",
                                             "May",       "June",     "July",     "August",
                                             "September", "October",  "November", "December"};
static const char *const month_narrow[]   = {"J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"};
static const char *const day_short[]      = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const day_full[]       = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};
static const char *const day_narrow[]     = {"M", "T", "W", "T", "F", "S", "S"};
static const char *const quarter_short[]  = {"Q1", "Q2", "Q3", "Q4"};
static const char *const quarter_full[]   = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
static const char *const quarter_narrow[] = {"1", "2", "3", "4"};
static const char *const era_short[]      = {"BC", "AD"};
static const char *const era_full[]       = {"Before Christ", "Anno Domini"};
static const char *const era_narrow[]     = {"B", "A"};
static const char *const ampm_short[]     = {"AM", "PM"};

static const struct {
    TimeField          field;
    const char *const *texts[3]; /* by TextStyle */
    size_t             count;
    int                first;
} field_texts[] = {
    {FIELD_MONTH, {month_short, month_full, month_narrow}, 12, 1},
    {FIELD_DAY_OF_WEEK, {day_short, day_full, day_narrow}, 7, 1},
    {FIELD_QUARTER, {quarter_short, quarter_full, quarter_narrow}, 4, 1},
    {FIELD_ERA, {era_short, era_full, era_narrow}, 2, 0},
    {FIELD_AMPM, {ampm_short, ampm_short, ampm_short}, 2, 0},
};

const char *const *time_field_texts(TimeField field, TextStyle style, size_t *count, int *first)
{
    for (size_t i = 0; i < ARRAY_LEN(field_texts); i++) {
        if (field_texts[i].field == field) {
            *count = field_texts[i].count;
            *first = field_texts[i].first;
            return field_texts[i].texts[style];
        }
    }
    return NULL;
}

/* ---- the builder ---- */

typedef struct {
    Str          pattern;
    Arena       *arena;
    TimePattern *out;
    size_t       capacity;
    ptrdiff_t    open_number; /* the number that adjacent fixed-width numbers belong to; -1 = none
                                 (valueParserIndex) */
    int    pad;               /* waits for the next element */
    size_t options[MAX_OPTION_DEPTH];
    size_t depth;
    Error *err;
} Builder;

static Status refuse(Builder *b, const char *text, char letter)
{
    return error_set(b->err, E_DATA, NO_POS, "%s%c", text, letter);
}

static Status add_element(Builder *b, TimeElement element)
{
    TimePattern *out = b->out;
    if (out->count == MAX_ELEMENTS)
        return error_set(b->err, E_DATA, NO_POS, "Pattern has more than %d parts", MAX_ELEMENTS);
    if (out->count == b->capacity) {
        size_t       larger = b->capacity ? b->capacity * 2 : 16;
        TimeElement *grown  = ARENA_ARRAY(b->arena, TimeElement, larger);
        if (out->count > 0)
            memcpy(grown, out->elements, out->count * sizeof *grown);
        out->elements = grown;
        b->capacity   = larger;
    }
    element.pad                 = b->pad;
    b->pad                      = 0;
    out->elements[out->count++] = element;
    b->open_number              = -1;
    if (element.kind == ELEMENT_OFFSET || element.kind == ELEMENT_GMT_OFFSET ||
        element.kind == ELEMENT_ZONE_ID || element.kind == ELEMENT_ZONE_TEXT)
        out->parts |= TIME_ZONE;
    else if (element.kind == ELEMENT_DAY_PERIOD)
        out->parts |= TIME_TIME;
    else if (element.kind != ELEMENT_LITERAL && element.kind != ELEMENT_OPTION)
        out->parts |= element.field <= FIELD_LAST_DATE ? TIME_DATE : TIME_TIME;
    return OK;
}

static bool is_fixed(const TimeElement *e)
{
    return e->kind == ELEMENT_FRACTION || (e->min_width == e->max_width && e->sign == SIGN_NOT_NEGATIVE);
}

/* Adjacent value parsing: a fixed-width number lends its width to the open number before it. */
static Status add_number(Builder *b, TimeElement element)
{
    ptrdiff_t open   = b->pad > 0 ? -1 : b->open_number;
    bool      padded = b->pad > 0;
    if (open >= 0 && is_fixed(&element)) {
        b->out->elements[open].following += element.max_width;
        element.following = -1;
        TRY(add_element(b, element));
        b->open_number = open;
        return OK;
    }
    if (open >= 0)
        b->out->elements[open].following = -1; /* closed: as Java, even when it had lent digits */
    TRY(add_element(b, element));
    b->open_number = padded ? -1 : (ptrdiff_t)b->out->count - 1;
    return OK;
}

static TimeElement number(TimeField field, int min_width, int max_width, SignStyle sign)
{
    return (TimeElement){
        .kind = ELEMENT_NUMBER, .field = field, .min_width = min_width, .max_width = max_width, .sign = sign};
}

static Status add_plain(Builder *b, TimeField field, int count)
{
    return add_number(b, count == 1 ? number(field, 1, 19, SIGN_NORMAL)
                                    : number(field, count, count, SIGN_NOT_NEGATIVE));
}

static Status add_text(Builder *b, TimeField field, TextStyle style)
{
    return add_element(b, (TimeElement){.kind = ELEMENT_TEXT, .field = field, .style = style});
}

static Status add_literal(Builder *b, Str text)
{
    return add_element(b, (TimeElement){.kind = ELEMENT_LITERAL, .literal = text});
}

/* u y Y */
static Status add_year(Builder *b, TimeField field, int count)
{
    if (count == 2)
        return add_number(b, (TimeElement){.kind      = ELEMENT_REDUCED,
                                           .field     = field,
                                           .min_width = 2,
                                           .max_width = 2,
                                           .sign      = SIGN_NOT_NEGATIVE});
    return add_number(b, number(field, count, 19, count < 4 ? SIGN_NORMAL : SIGN_EXCEEDS_PAD));
}

/* M L Q q E e c: a number when short, a text when long. */
static Status add_named(Builder *b, char letter, int count)
{
    TimeField field = letter == 'M' || letter == 'L'   ? FIELD_MONTH
                      : letter == 'Q' || letter == 'q' ? FIELD_QUARTER
                                                       : FIELD_DAY_OF_WEEK;
    if (letter == 'c' && count == 2)
        return error_set(b->err, E_DATA, NO_POS, "Invalid pattern \"cc\"");
    switch (count) {
    case 1:
    case 2:
        if (letter == 'e' || letter == 'c')
            return add_number(b, number(FIELD_LOCAL_DAY_OF_WEEK, count, 2, SIGN_NOT_NEGATIVE));
        return letter == 'E' ? add_text(b, field, TEXT_SHORT) : add_plain(b, field, count);
    case 3:
        return add_text(b, field, TEXT_SHORT);
    case 4:
        return add_text(b, field, TEXT_FULL);
    case 5:
        return add_text(b, field, TEXT_NARROW);
    default:
        return refuse(b, "Too many pattern letters: ", letter);
    }
}

static Status add_offset(Builder *b, int type, const char *zero)
{
    return add_element(b, (TimeElement){.kind = ELEMENT_OFFSET, .offset_type = type, .literal = str_c(zero)});
}

static Status add_gmt_offset(Builder *b, TextStyle style)
{
    return add_element(b, (TimeElement){.kind = ELEMENT_GMT_OFFSET, .style = style});
}

static Status add_zone_name(Builder *b, ZoneName name)
{
    return add_element(b, (TimeElement){.kind = ELEMENT_ZONE_TEXT, .zone_name = name});
}

/* z V v Z O X x */
static Status add_zone_letter(Builder *b, char letter, int count)
{
    static const int offset_types[] = {0, 1, 3, 4, 5, 6};
    switch (letter) {
    case 'z':
        if (count > 4)
            return refuse(b, "Too many pattern letters: ", letter);
        return add_zone_name(b, count == 4 ? ZONE_NAME_LONG : ZONE_NAME_SHORT);
    case 'v':
        if (count != 1 && count != 4)
            return refuse(b, "Wrong number of pattern letters: ", letter);
        return add_zone_name(b, count == 4 ? ZONE_NAME_GENERIC_LONG : ZONE_NAME_GENERIC_SHORT);
    case 'V':
        if (count != 2)
            return refuse(b, "Pattern letter count must be 2: ", letter);
        return add_element(b, (TimeElement){.kind = ELEMENT_ZONE_ID});
    case 'Z':
        if (count > 5)
            return refuse(b, "Too many pattern letters: ", letter);
        return count < 4    ? add_offset(b, 3, "+0000")
               : count == 4 ? add_gmt_offset(b, TEXT_FULL)
                            : add_offset(b, 6, "Z");
    case 'O':
        if (count != 1 && count != 4)
            return refuse(b, "Pattern letter count must be 1 or 4: ", letter);
        return add_gmt_offset(b, count == 1 ? TEXT_SHORT : TEXT_FULL);
    default:
        if (count > 5)
            return refuse(b, "Too many pattern letters: ", letter);
        if (letter == 'X')
            return add_offset(b, offset_types[count], "Z");
        return add_offset(b, offset_types[count], count == 1 ? "+00" : count % 2 == 0 ? "+0000" : "+00:00");
    }
}

/* B */
static Status add_day_period(Builder *b, char letter, int count)
{
    if (count != 1 && count != 4 && count != 5)
        return refuse(b, "Wrong number of pattern letters: ", letter);
    return add_element(
        b, (TimeElement){.kind = ELEMENT_DAY_PERIOD, .style = count == 5 ? TEXT_NARROW : TEXT_FULL});
}

/* Fields that are numbers of at most `most` letters. */
static const struct {
    char      letter;
    TimeField field;
    int       most;
} plain_letters[] = {
    {'d', FIELD_DAY_OF_MONTH, 2}, {'F', FIELD_ALIGNED_DAY, 1}, {'h', FIELD_CLOCK_HOUR_OF_AMPM, 2},
    {'H', FIELD_HOUR, 2},         {'k', FIELD_CLOCK_HOUR, 2},  {'K', FIELD_HOUR_OF_AMPM, 2},
    {'m', FIELD_MINUTE, 2},       {'s', FIELD_SECOND, 2},
};

static Status add_letter(Builder *b, char letter, int count)
{
    for (size_t i = 0; i < ARRAY_LEN(plain_letters); i++) {
        if (plain_letters[i].letter == letter)
            return count > plain_letters[i].most ? refuse(b, "Too many pattern letters: ", letter)
                                                 : add_plain(b, plain_letters[i].field, count);
    }
    bool many = (letter == 'a' && count > 1) || (letter == 'G' && count > 5) ||
                (letter == 'D' && count > 3) || (letter == 'W' && count > 1) || (letter == 'w' && count > 2);
    if (many)
        return refuse(b, "Too many pattern letters: ", letter);
    if (strchr("MLQqEec", letter))
        return add_named(b, letter, count);
    if (strchr("zvVZOXx", letter))
        return add_zone_letter(b, letter, count);
    if (count > 19)
        return error_set(b->err, E_DATA, NO_POS,
                         "The minimum width must be from 1 to 19 inclusive but was %d", count);
    switch (letter) {
    case 'G':
        return add_text(b, FIELD_ERA, count < 4 ? TEXT_SHORT : count == 4 ? TEXT_FULL : TEXT_NARROW);
    case 'u':
        return add_year(b, FIELD_YEAR, count);
    case 'y':
        return add_year(b, FIELD_YEAR_OF_ERA, count);
    case 'Y':
        return add_year(b, FIELD_WEEK_YEAR, count);
    case 'w':
        return add_number(b, number(FIELD_WEEK, count, 2, SIGN_NOT_NEGATIVE));
    case 'W':
        return add_number(b, number(FIELD_WEEK_OF_MONTH, 1, 2, SIGN_NOT_NEGATIVE));
    case 'D':
        return count == 1 ? add_plain(b, FIELD_DAY_OF_YEAR, 1)
                          : add_number(b, number(FIELD_DAY_OF_YEAR, count, 3, SIGN_NOT_NEGATIVE));
    case 'a':
        return add_text(b, FIELD_AMPM, TEXT_SHORT);
    case 'g':
        return add_number(b, number(FIELD_JULIAN_DAY, count, 19, SIGN_NORMAL));
    case 'A':
        return add_number(b, number(FIELD_MILLI_OF_DAY, count, 19, SIGN_NOT_NEGATIVE));
    case 'n':
        return add_number(b, number(FIELD_NANO, count, 19, SIGN_NOT_NEGATIVE));
    case 'N':
        return add_number(b, number(FIELD_NANO_OF_DAY, count, 19, SIGN_NOT_NEGATIVE));
    case 'B':
        return add_day_period(b, letter, count);
    case 'S':
        if (count > 9)
            return error_set(b->err, E_DATA, NO_POS, "Maximum width must be from 1 to 9 inclusive but was %d",
                             count);
        return add_number(b, (TimeElement){.kind      = ELEMENT_FRACTION,
                                           .field     = FIELD_NANO,
                                           .min_width = count,
                                           .max_width = count,
                                           .sign      = SIGN_NOT_NEGATIVE});
    default:
        return refuse(b, "Unknown pattern letter: ", letter);
    }
}

/* ---- the pattern's text ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static int run_length(Str text, size_t at)
{
    size_t end = at + 1;
    while (end < text.len && text.ptr[end] == text.ptr[at])
        end++;
    return end - at > 10000 ? 10000 : (int)(end - at);
}

static Status compile_letters(Builder *b, size_t *at)
{
    char letter = b->pattern.ptr[*at];
    int  count  = run_length(b->pattern, *at);
    *at += (size_t)count;
    if (letter == 'p') {
        if (*at >= b->pattern.len || !is_letter(b->pattern.ptr[*at]))
            return error_set(b->err, E_DATA, NO_POS,
                             "Pad letter 'p' must be followed by valid pad pattern: " STR_FMT,
                             STR_ARG(b->pattern));
        b->pad = count;
        letter = b->pattern.ptr[*at];
        count  = run_length(b->pattern, *at);
        *at += (size_t)count;
    }
    return add_letter(b, letter, count);
}

/* 'text', with '' inside for a quote; '' alone is a quote. */
static Status compile_quoted(Builder *b, size_t *at)
{
    Str    text  = b->pattern;
    size_t start = ++*at, len = 0;
    char  *copy = arena_alloc(b->arena, text.len - start + 1);
    for (;; ++*at) {
        if (*at >= text.len)
            return error_set(b->err, E_DATA, NO_POS,
                             "Pattern ends with an incomplete string literal: " STR_FMT, STR_ARG(text));
        if (text.ptr[*at] == '\'') {
            if (*at + 1 >= text.len || text.ptr[*at + 1] != '\'')
                break;
            ++*at;
        }
        copy[len++] = text.ptr[*at];
    }
    bool empty = *at == start;
    ++*at;
    return add_literal(b, empty ? STR_LIT("'") : str_n(copy, len));
}

static Status open_option(Builder *b)
{
    if (b->depth == MAX_OPTION_DEPTH)
        return error_set(b->err, E_DATA, NO_POS, "Pattern nests more than %d optional sections",
                         MAX_OPTION_DEPTH);
    b->options[b->depth++] = b->out->count;
    b->pad                 = 0;
    return add_element(b, (TimeElement){.kind = ELEMENT_OPTION});
}

static Status close_option(Builder *b)
{
    if (b->depth == 0)
        return error_set(b->err, E_DATA, NO_POS, "Pattern invalid as it contains ] without previous [");
    b->out->elements[b->options[--b->depth]].end = b->out->count;
    b->open_number                               = -1;
    return OK;
}

static Status compile_step(Builder *b, size_t *at)
{
    char c = b->pattern.ptr[*at];
    if (is_letter(c))
        return compile_letters(b, at);
    if (c == '\'')
        return compile_quoted(b, at);
    if (c == '{' || c == '}' || c == '#')
        return error_set(b->err, E_DATA, NO_POS, "Pattern includes reserved character: '%c'", c);
    size_t start = (*at)++;
    if (c == '[')
        return open_option(b);
    if (c == ']')
        return close_option(b);
    while (*at < b->pattern.len && ((unsigned char)b->pattern.ptr[*at] & 0xC0) == 0x80)
        ++*at; /* a character is never split: padding and messages count characters */
    return add_literal(b, str_dup(b->arena, str_n(b->pattern.ptr + start, *at - start)));
}

Status time_pattern_compile(Str pattern, Arena *arena, TimePattern **out, Error *err)
{
    Builder b = {.pattern     = pattern,
                 .arena       = arena,
                 .out         = ARENA_NEW(arena, TimePattern),
                 .open_number = -1,
                 .err         = err};
    for (size_t at = 0; at < pattern.len;)
        TRY(compile_step(&b, &at));
    while (b.depth > 0)
        TRY(close_option(&b));
    *out = b.out;
    return OK;
}

unsigned time_pattern_parts(const TimePattern *pattern) { return pattern->parts; }
