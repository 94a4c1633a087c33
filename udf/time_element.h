/*
 * time_element.h - what a compiled date-time pattern is made of. Private to time_pattern.c, time_format.c,
 * time_parse.c and time_resolve.c.
 *
 * The elements and their widths are those of Java's DateTimeFormatterBuilder, because widths decide what a
 * text means: a number of fixed width right after another number takes its digits from the end (yyyyMMdd).
 */
#ifndef SLUICE_UDF_TIME_ELEMENT_H
#define SLUICE_UDF_TIME_ELEMENT_H

#include "udf/time_pattern.h"

/* In Java's order where it matters (date before time). */
typedef enum {
    FIELD_ERA,
    FIELD_YEAR,
    FIELD_YEAR_OF_ERA,
    FIELD_WEEK_YEAR,
    FIELD_QUARTER,
    FIELD_MONTH,
    FIELD_WEEK,
    FIELD_WEEK_OF_MONTH,
    FIELD_DAY_OF_YEAR,
    FIELD_DAY_OF_MONTH,
    FIELD_ALIGNED_DAY,
    FIELD_DAY_OF_WEEK,
    FIELD_LOCAL_DAY_OF_WEEK,
    FIELD_JULIAN_DAY,
    FIELD_AMPM,
    FIELD_CLOCK_HOUR_OF_AMPM,
    FIELD_HOUR_OF_AMPM,
    FIELD_CLOCK_HOUR,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_NANO,
    FIELD_MILLI_OF_DAY,
    FIELD_NANO_OF_DAY,
    FIELD_OFFSET,
    FIELD_COUNT,
} TimeField;

#define FIELD_LAST_DATE FIELD_JULIAN_DAY

typedef enum {
    ELEMENT_LITERAL,
    ELEMENT_NUMBER,
    ELEMENT_REDUCED, /* two digits of a year: 2000 to 2099 */
    ELEMENT_FRACTION,
    ELEMENT_TEXT,
    ELEMENT_OFFSET,     /* X x Z */
    ELEMENT_GMT_OFFSET, /* O ZZZZ */
    ELEMENT_ZONE_ID,
    ELEMENT_ZONE_TEXT,
    ELEMENT_DAY_PERIOD,
    ELEMENT_OPTION, /* [ ... ]: the elements up to `end` */
} ElementKind;

typedef enum { SIGN_NORMAL, SIGN_NOT_NEGATIVE, SIGN_EXCEEDS_PAD } SignStyle;
typedef enum { TEXT_SHORT, TEXT_FULL, TEXT_NARROW } TextStyle;

typedef struct {
    ElementKind kind;
    TimeField   field;
    TextStyle   style;
    SignStyle   sign;
    int         min_width, max_width;
    int         following; /* digits of the fixed-width numbers right behind; -1 = fixed itself (Java's
                              subsequentWidth) */
    int      pad;          /* `p`: at least that wide, with spaces in front */
    int      offset_type;  /* OFFSET: 0 +HH, 1 +HHmm, 3 +HHMM, 4 +HH:MM, 5 +HHMMss, 6 +HH:MM:ss */
    Str      literal;      /* LITERAL; OFFSET: how zero is written */
    ZoneName zone_name;
    size_t   end; /* OPTION: index behind its last element */
} TimeElement;

struct TimePattern {
    TimeElement *elements;
    size_t       count;
    unsigned     parts;
};

/* Java's names, for messages: "MonthOfYear". */
extern const char *const time_field_names[FIELD_COUNT];
/* The English texts of a field in a style; NULL when there are none. `first` = the value of the first. */
const char *const *time_field_texts(TimeField field, TextStyle style, size_t *count, int *first);

/* What was read so far. */
typedef struct {
    int64_t  values[FIELD_COUNT];
    uint32_t known; /* bits of fields */
    Zone    *zone;  /* borrowed from the parse; NULL = none in the text */
} TimeFields;

static inline bool time_field_known(const TimeFields *fields, TimeField field)
{
    return (fields->known >> field & 1) != 0;
}

/* A date and time put together from fields; `time_resolve.c`. */
typedef struct {
    bool    has_date, has_time; /* complete on its own */
    int64_t days, nano_of_day;
    int64_t excess_days; /* 24:00 */
} TimeResolved;

/* Java's SMART resolver: E_DATA with its texts. */
Status time_resolve(TimeFields *fields, TimeResolved *out, Error *err);
/* Local date-time with what is missing taken from 1970-01-01T00:00. */
Status time_resolve_with_defaults(TimeFields *fields, const TimeResolved *resolved, int64_t *days,
                                  int64_t *nano_of_day, Error *err);

/* Weeks start on Sunday, and the first has one day at least. */
int64_t time_week_year(int64_t days);
int     time_week_of_year(int64_t days);
int     time_week_of_month(int64_t days);
int     time_iso_weekday(int64_t days); /* Monday = 1 */

static inline bool time_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
int time_month_length(int64_t year, int month);

#endif
