/*
 * time_pattern.h - dates and times as text, by patterns of Java's DateTimeFormatter
 * (functions.md 3.7.1, 3.7.2).
 *
 * A pattern is compiled once and is read-only afterwards; formatting and parsing with it are re-entrant.
 * Zones come from ICU's data; a Zone keeps what it looked up last and therefore serves one thread at a time.
 */
#ifndef SLUICE_UDF_TIME_PATTERN_H
#define SLUICE_UDF_TIME_PATTERN_H

#include "core/str.h"

/* ---- zones (functions.md 3.7 "Zones", 14.4) ---- */

/* Thread: one at a time. */
typedef struct Zone Zone;

typedef enum {
    ZONE_NAME_SHORT,
    ZONE_NAME_LONG,
    ZONE_NAME_GENERIC_SHORT,
    ZONE_NAME_GENERIC_LONG,
    ZONE_NAME_KINDS
} ZoneName;

/* "America/New_York", "UTC", "+02:00", "GMT+1". E_DATA "Unknown time-zone ID: X" and the like. zone_close on
 * OK. */
Status zone_open(Str id, Zone **out, Error *err);
/* The region that an abbreviation such as "PST" names when text is read (never valid as an id). */
Status  zone_open_abbreviation(Str abbreviation, Zone **out, Error *err);
void    zone_close(Zone *zone); /* accepts NULL */
Str     zone_id(const Zone *zone);
int64_t zone_offset_ms(Zone *zone, int64_t utc_ms);
/* The instant of a local time. A gap moves it forward, an overlap means the earlier offset. */
int64_t zone_utc_from_local(Zone *zone, int64_t local_ms);
/* "PDT", "Pacific Daylight Time", "PT", "Pacific Time": lives as long as the zone. */
Str zone_name(Zone *zone, ZoneName kind, int64_t utc_ms);
/* What may stand for a zone in a text, beside its id: nothing (VV), "PST" (z), "Pacific Standard Time"
 * (zzzz). */
typedef enum { ZONE_MATCH_ID, ZONE_MATCH_SHORT, ZONE_MATCH_LONG } ZoneMatch;
/* The length of the longest prefix of `text` that names a zone, in any case; 0 = none. Opens it when `out` is
 * given. */
size_t zone_match(Str text, ZoneMatch match, Zone **out);

/* ---- patterns ---- */

typedef struct TimePattern TimePattern;

enum { TIME_DATE = 1, TIME_TIME = 2, TIME_ZONE = 4 }; /* what a pattern reads or writes */

/* E_DATA with Java's text ("Unknown pattern letter: T") when the pattern is wrong. Thread: read-only
 * afterwards. */
Status   time_pattern_compile(Str pattern, Arena *arena, TimePattern **out, Error *err);
unsigned time_pattern_parts(const TimePattern *pattern);

/* Appends. zone NULL: GMT. `parts` says what the value has: a letter of another part is E_DATA "Unsupported
 * field: X". */
Status time_pattern_format(const TimePattern *pattern, int64_t utc_ms, Zone *zone, StrBuf *out, Error *err);
Status time_pattern_format_parts(const TimePattern *pattern, unsigned parts, int64_t ms, Zone *zone,
                                 StrBuf *out, Error *err);

/* Missing fields are those of 1970-01-01T00:00 in the zone (NULL: GMT); a zone in the text wins. E_DATA with
 * Java's text. */
Status time_pattern_parse(const TimePattern *pattern, Str text, Zone *zone, int64_t *utc_ms, Error *err);
/* The text must give a whole date; a time in it is ignored. */
Status time_pattern_parse_date(const TimePattern *pattern, Str text, int64_t *days, Error *err);
/* The text must give the hour at least, and no date. */
Status time_pattern_parse_time(const TimePattern *pattern, Str text, int64_t *ms, Error *err);

/* PARSE_DATE's own engine: lenient, SimpleDateFormat-like (functions.md 3.7.3); `now_ms` places two-digit
 * years. */
Status time_lenient_parse(Str pattern, Str text, int64_t now_ms, int64_t *utc_ms, Error *err);

#endif
