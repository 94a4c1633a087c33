/*
 * zone.c - time zones: Java's zone ids over ICU's data.
 *
 * Java knows fewer ids than ICU ("PST" and friends are none) and more forms of offsets. An offset holds
 * between two transitions, so a zone remembers the span it answered last: consecutive records nearly always
 * fall into it.
 */
#include "udf/time_pattern.h"
#include "udf/zone_names.h"

#include <unicode/ucal.h>
#include <unicode/uenum.h>
#include <unicode/ustring.h>

enum { ZONE_ID_MAX = 64, MAX_OFFSET_S = 18 * 3600, ZONE_TEXT_MAX = 96 };

struct Zone {
    char       id[ZONE_ID_MAX];
    char       canonical[ZONE_ID_MAX]; /* of a region: America/New_York for US/Eastern */
    bool       fixed;
    int64_t    offset_ms;          /* of a fixed zone, or within the span */
    bool       daylight;           /* within the span */
    int64_t    span_from, span_to; /* [from, to): empty at first */
    UCalendar *calendar;
    char       names[ZONE_NAME_KINDS][2][ZONE_TEXT_MAX]; /* [kind][daylight]; "" = not looked up yet */
};

/* ICU's own short ids: Java does not take them as zone ids. */
static const char *const not_ids[] = {
    "ACT", "AET", "AGT", "ART", "AST", "BET", "BST", "CAT", "CNT",         "CST",
    "CTT", "EAT", "ECT", "EST", "HST", "IET", "IST", "JST", "MIT",         "MST",
    "NET", "NST", "PLT", "PNT", "PRT", "PST", "SST", "VST", "Etc/Unknown",
};

/* Abbreviations, as Java writes them; reading one means the region (with its daylight time). */
static const struct {
    const char *standard, *daylight, *generic, *region;
} abbreviations[] = {
    {"PST", "PDT", "PT", "America/Los_Angeles"},
    {"MST", "MDT", "MT", "America/Denver"},
    {"CST", "CDT", "CT", "America/Chicago"},
    {"EST", "EDT", "ET", "America/New_York"},
    {"AKST", "AKDT", "AKT", "America/Anchorage"},
    {"HST", "HDT", NULL, "Pacific/Honolulu"},
    {"AST", "ADT", "AT", "America/Halifax"},
    {"NST", "NDT", "NT", "America/St_Johns"},
    {"GMT", NULL, NULL, "GMT"},
    {"UTC", NULL, NULL, "UTC"},
    {"UT", NULL, NULL, "UTC"},
    {"Z", NULL, NULL, "UTC"},
    {"GMT", "BST", "BT", "Europe/London"},
    {"GMT", "IST", "IT", "Europe/Dublin"},
    {"CET", "CEST", NULL, "Europe/Paris"},
    {"EET", "EEST", NULL, "Europe/Athens"},
    {"WET", "WEST", NULL, "Europe/Lisbon"},
    {"MSK", "MSD", "MT", "Europe/Moscow"},
    {"TRT", "TRST", NULL, "Europe/Istanbul"},
    {"IST", NULL, "IT", "Asia/Kolkata"},
    {"JST", "JDT", "JT", "Asia/Tokyo"},
    {"KST", "KDT", "KT", "Asia/Seoul"},
    {"CST", "CDT", "CT", "Asia/Shanghai"},
    {"HKT", "HKST", NULL, "Asia/Hong_Kong"},
    {"SGT", NULL, NULL, "Asia/Singapore"},
    {"PKT", "PKST", NULL, "Asia/Karachi"},
    {"ICT", NULL, NULL, "Asia/Bangkok"},
    {"WIB", NULL, NULL, "Asia/Jakarta"},
    {"GST", NULL, "GT", "Asia/Dubai"},
    {"IST", "IDT", "IT", "Asia/Jerusalem"},
    {"AEST", "AEDT", "AET", "Australia/Sydney"},
    {"ACST", "ACDT", "ACT", "Australia/Adelaide"},
    {"AWST", "AWDT", "AWT", "Australia/Perth"},
    {"NZST", "NZDT", "NZT", "Pacific/Auckland"},
    {"SAST", NULL, "SAT", "Africa/Johannesburg"},
    {"BRT", "BRST", "BRT", "America/Sao_Paulo"},
    {"ART", "ARST", NULL, "America/Argentina/Buenos_Aires"},
    {"CLT", "CLST", NULL, "America/Santiago"},
    {"COT", NULL, NULL, "America/Bogota"},
};

/* ---- ids ---- */

static bool two_digits(Str s, size_t at, int *out)
{
    if (at + 2 > s.len || s.ptr[at] < '0' || s.ptr[at] > '9' || s.ptr[at + 1] < '0' || s.ptr[at + 1] > '9')
        return false;
    *out = (s.ptr[at] - '0') * 10 + (s.ptr[at + 1] - '0');
    return true;
}

/* Java's ZoneOffset.of: +h, +hh, +hhmm, +hh:mm, +hhmmss, +hh:mm:ss. */
static bool offset_parse(Str s, int *seconds)
{
    int hours = 0, minutes = 0, rest = 0;
    if (s.len < 2 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
        return false;
    switch (s.len) {
    case 2:
        if (s.ptr[1] < '0' || s.ptr[1] > '9')
            return false;
        hours = s.ptr[1] - '0';
        break;
    case 3:
    case 5:
    case 7:
        if (!two_digits(s, 1, &hours) || (s.len >= 5 && !two_digits(s, 3, &minutes)) ||
            (s.len == 7 && !two_digits(s, 5, &rest)))
            return false;
        break;
    case 6:
    case 9:
        if (!two_digits(s, 1, &hours) || s.ptr[3] != ':' || !two_digits(s, 4, &minutes) ||
            (s.len == 9 && (s.ptr[6] != ':' || !two_digits(s, 7, &rest))))
            return false;
        break;
    default:
        return false;
    }
    int total = hours * 3600 + minutes * 60 + rest;
    if (minutes > 59 || rest > 59 || total > MAX_OFFSET_S)
        return false;
    *seconds = s.ptr[0] == '-' ? -total : total;
    return true;
}

static size_t offset_print(int seconds, char out[16])
{
    int  abs_s = abs(seconds);
    char sign  = seconds < 0 ? '-' : '+';
    int  len;
    if (abs_s % 60 != 0)
        len = snprintf(out, 16, "%c%02d:%02d:%02d", sign, abs_s / 3600 % 100, abs_s / 60 % 60, abs_s % 60);
    else
        len = snprintf(out, 16, "%c%02d:%02d", sign, abs_s / 3600 % 100, abs_s / 60 % 60);
    return (size_t)len;
}

static Zone *zone_new_fixed(Str prefix, int seconds)
{
    Zone *zone = mem_calloc(1, sizeof *zone);
    char  offset[16];
    zone->fixed     = true;
    zone->offset_ms = (int64_t)seconds * 1000;
    offset_print(seconds, offset);
    if (seconds != 0)
        snprintf(zone->id, sizeof zone->id, STR_FMT "%s", STR_ARG(prefix), offset);
    else if (prefix.len > 0)
        snprintf(zone->id, sizeof zone->id, STR_FMT, STR_ARG(prefix));
    else
        snprintf(zone->id, sizeof zone->id, "Z");
    return zone;
}

/* Is it a region that Java knows? Then also what it is an alias of. */
static bool region_known(Str id, UChar wide[ZONE_ID_MAX], char out[ZONE_ID_MAX])
{
    if (id.len == 0 || id.len >= ZONE_ID_MAX || !str_is_ascii(id) || memchr(id.ptr, 0, id.len) != NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(not_ids); i++) {
        if (str_equal(id, str_c(not_ids[i])))
            return false;
    }
    UChar      canonical[ZONE_ID_MAX];
    UBool      is_system = false;
    UErrorCode status    = U_ZERO_ERROR;
    u_charsToUChars(id.ptr, wide, (int32_t)id.len);
    wide[id.len] = 0;
    ucal_getCanonicalTimeZoneID(wide, (int32_t)id.len, canonical, ARRAY_LEN(canonical), &is_system, &status);
    if (U_FAILURE(status) || !is_system)
        return false;
    u_UCharsToChars(canonical, out, u_strlen(canonical) + 1);
    return true;
}

static Status zone_open_region(Str id, Zone **out, Error *err)
{
    UChar      wide[ZONE_ID_MAX];
    char       canonical[ZONE_ID_MAX];
    UErrorCode status = U_ZERO_ERROR;
    if (!region_known(id, wide, canonical))
        return error_set(err, E_DATA, NO_POS, "Unknown time-zone ID: " STR_FMT, STR_ARG(id));
    UCalendar *calendar = ucal_open(wide, (int32_t)id.len, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return error_set(err, E_DATA, NO_POS, "Unknown time-zone ID: " STR_FMT, STR_ARG(id));
    Zone *zone = mem_calloc(1, sizeof *zone);
    memcpy(zone->id, id.ptr, id.len);
    memcpy(zone->canonical, canonical, sizeof canonical);
    zone->calendar = calendar;
    *out           = zone;
    return OK;
}

Status zone_open(Str id, Zone **out, Error *err)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT", ""};
    int                      seconds;
    if (str_equal(id, STR_LIT("Z"))) {
        *out = zone_new_fixed(STR_NULL, 0);
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        Str prefix = str_c(prefixes[i]);
        if (!str_starts_with(id, prefix))
            continue;
        Str rest = str_n(id.ptr + prefix.len, id.len - prefix.len);
        if ((rest.len == 0 && prefix.len > 0) || offset_parse(rest, &seconds)) {
            *out = zone_new_fixed(prefix, rest.len == 0 ? 0 : seconds);
            return OK;
        }
    }
    if (id.len > 0 && (id.ptr[0] == '+' || id.ptr[0] == '-'))
        return error_set(err, E_DATA, NO_POS, "Invalid ID for ZoneOffset, invalid format: " STR_FMT,
                         STR_ARG(id));
    return zone_open_region(id, out, err);
}

Status zone_open_abbreviation(Str abbreviation, Zone **out, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(abbreviations); i++) {
        if (str_equal_nocase(abbreviation, str_c(abbreviations[i].standard)) ||
            (abbreviations[i].daylight && str_equal_nocase(abbreviation, str_c(abbreviations[i].daylight))) ||
            (abbreviations[i].generic && str_equal_nocase(abbreviation, str_c(abbreviations[i].generic))))
            return zone_open(str_c(abbreviations[i].region), out, err);
    }
    return error_set(err, E_DATA, NO_POS, "Unknown time-zone ID: " STR_FMT, STR_ARG(abbreviation));
}

void zone_close(Zone *zone)
{
    if (zone == NULL)
        return;
    if (zone->calendar)
        ucal_close(zone->calendar);
    mem_free(zone);
}

Str zone_id(const Zone *zone) { return zone ? str_c(zone->id) : STR_LIT("GMT"); }

/* ---- offsets ---- */

static int64_t transition(Zone *zone, UTimeZoneTransitionType type, int64_t none)
{
    UErrorCode status = U_ZERO_ERROR;
    UDate      at;
    if (!ucal_getTimeZoneTransitionDate(zone->calendar, type, &at, &status) || U_FAILURE(status))
        return none;
    return (int64_t)at;
}

/* Moves the remembered span to the one that holds utc_ms. */
static void zone_find_span(Zone *zone, int64_t utc_ms)
{
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(zone->calendar, (UDate)utc_ms, &status);
    int32_t raw      = ucal_get(zone->calendar, UCAL_ZONE_OFFSET, &status);
    int32_t daylight = ucal_get(zone->calendar, UCAL_DST_OFFSET, &status);
    zone->offset_ms =
        U_SUCCESS(status) ? (int64_t)raw + daylight : 0; /* only years beyond ICU's calendar fail */
    zone->daylight  = daylight != 0;
    zone->span_from = transition(zone, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, INT64_MIN);
    zone->span_to   = transition(zone, UCAL_TZ_TRANSITION_NEXT, INT64_MAX);
    if (utc_ms < zone->span_from || utc_ms >= zone->span_to)
        zone->span_from = zone->span_to = 0; /* out of ICU's range: look again each time */
}

int64_t zone_offset_ms(Zone *zone, int64_t utc_ms)
{
    if (zone == NULL || zone->fixed)
        return zone ? zone->offset_ms : 0;
    if (utc_ms < zone->span_from || utc_ms >= zone->span_to)
        zone_find_span(zone, utc_ms);
    return zone->offset_ms;
}

int64_t zone_utc_from_local(Zone *zone, int64_t local_ms)
{
    if (zone == NULL || zone->fixed)
        return local_ms - (zone ? zone->offset_ms : 0);
    UErrorCode status = U_ZERO_ERROR;
    int32_t    raw = 0, daylight = 0;
    ucal_setMillis(zone->calendar, (UDate)local_ms, &status);
    ucal_getTimeZoneOffsetFromLocal(zone->calendar, UCAL_TZ_LOCAL_FORMER, UCAL_TZ_LOCAL_FORMER, &raw,
                                    &daylight, &status);
    return U_SUCCESS(status) ? local_ms - raw - daylight : local_ms;
}

/* ---- names ---- */

static void narrow(const UChar *wide, char out[ZONE_TEXT_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t    len    = 0;
    u_strToUTF8(out, ZONE_TEXT_MAX - 1, &len, wide, -1, &status);
    out[U_SUCCESS(status) ? len : 0] = 0;
}

static void copy_name(char out[ZONE_TEXT_MAX], const char *text)
{
    size_t len = strlen(text);
    if (len > ZONE_TEXT_MAX - 1)
        len = ZONE_TEXT_MAX - 1;
    memcpy(out, text, len);
    out[len] = 0;
}

static bool names_zone(size_t abbreviation, const Zone *zone)
{
    const char *region = abbreviations[abbreviation].region;
    return strcmp(region, zone->id) == 0 || strcmp(region, zone->canonical) == 0;
}

/* CLDR's English has short names only where people use them: ask the English of other places, too. */
static void find_short_name(Zone *zone, char out[ZONE_TEXT_MAX])
{
    static const char *const locales[] = {"en_US", "en_GB", "en_150", "en_AU",
                                          "en_NZ", "en_IN", "en_ZA",  "en_CA"};
    for (size_t i = 0; i < ARRAY_LEN(abbreviations); i++) {
        const char *name = zone->daylight ? abbreviations[i].daylight : abbreviations[i].standard;
        if (name && names_zone(i, zone)) {
            copy_name(out, name);
            return;
        }
    }
    char first[ZONE_TEXT_MAX] = "";
    for (size_t i = 0; i < ARRAY_LEN(locales); i++) {
        UChar      wide[ZONE_TEXT_MAX];
        UErrorCode status = U_ZERO_ERROR;
        ucal_getTimeZoneDisplayName(zone->calendar, zone->daylight ? UCAL_SHORT_DST : UCAL_SHORT_STANDARD,
                                    locales[i], wide, ZONE_TEXT_MAX, &status);
        if (U_FAILURE(status))
            continue;
        narrow(wide, out);
        if (i == 0)
            copy_name(first, out);
        if (strncmp(out, "GMT+", 4) != 0 && strncmp(out, "GMT-", 4) != 0)
            return;
    }
    copy_name(out, first);
}

/* Zones that no metazone names: what Java falls back to. */
static const struct {
    const char *region, *name;
} long_names[] = {{"Europe/Istanbul", "Turkey Time"}, {"Turkey", "Turkey Time"}};

static void find_long_name(const Zone *zone, LongName kind, char out[ZONE_TEXT_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(long_names); i++)
        if (strcmp(zone->id, long_names[i].region) == 0) {
            copy_name(out, long_names[i].name);
            return;
        }
    if (!zone_long_name(zone->id, kind, out, ZONE_TEXT_MAX))
        out[0] = 0;
}

/* "PT"; where people have none, the name of standard time: "CET". */
static bool find_generic_short_name(const Zone *zone, char out[ZONE_TEXT_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(abbreviations); i++) {
        if (!names_zone(i, zone))
            continue;
        copy_name(out,
                  abbreviations[i].generic != NULL ? abbreviations[i].generic : abbreviations[i].standard);
        return true;
    }
    return false;
}

static const char *fixed_name(const Zone *zone, ZoneName kind)
{
    const char *id      = zone ? zone->id : "GMT";
    bool        is_long = kind == ZONE_NAME_LONG || kind == ZONE_NAME_GENERIC_LONG;
    if (is_long && strcmp(id, "GMT") == 0)
        return "Greenwich Mean Time";
    if (is_long && (strcmp(id, "UTC") == 0 || strcmp(id, "UT") == 0))
        return "Coordinated Universal Time";
    return id;
}

Str zone_name(Zone *zone, ZoneName kind, int64_t utc_ms)
{
    if (zone == NULL || zone->fixed)
        return str_c(fixed_name(zone, kind));
    zone_offset_ms(zone, utc_ms);
    char *name = zone->names[kind][zone->daylight];
    if (name[0] == 0) {
        if (kind == ZONE_NAME_LONG)
            find_long_name(zone, zone->daylight ? LONG_DAYLIGHT : LONG_STANDARD, name);
        else if (kind == ZONE_NAME_GENERIC_LONG)
            find_long_name(zone, LONG_GENERIC, name);
        else if (kind == ZONE_NAME_SHORT || !find_generic_short_name(zone, name))
            find_short_name(zone, name);
        if (name[0] == 0)
            copy_name(name, zone->id);
    }
    return str_c(name);
}

/* ---- reading a zone out of a text ---- */

static bool is_id_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
}

/* The id that ICU spells like `text` in any case. Only texts that are no id in their own case come here. */
static bool fold_id(Str text, char out[ZONE_ID_MAX])
{
    UErrorCode    status = U_ZERO_ERROR;
    UEnumeration *all    = ucal_openTimeZones(&status);
    bool          found  = false;
    const char   *id;
    int32_t       len;
    while (U_SUCCESS(status) && !found && (id = uenum_next(all, &len, &status)) != NULL) {
        if (len < ZONE_ID_MAX && str_equal_nocase(str_n(id, (size_t)len), text)) {
            snprintf(out, ZONE_ID_MAX, "%s", id);
            found = true;
        }
    }
    uenum_close(all);
    return found;
}

static Status open_any(Str text, ZoneMatch match, bool fold, Zone **out)
{
    char folded[ZONE_ID_MAX];
    if (match == ZONE_MATCH_SHORT && zone_open_abbreviation(text, out, NULL) == OK)
        return OK;
    if (zone_open(text, out, NULL) == OK)
        return OK;
    if (fold && fold_id(text, folded))
        return zone_open(str_c(folded), out, NULL);
    return E_DATA;
}

/* "Eastern Standard Time" has blanks, which no id has. */
static size_t match_long_name(Str text, Zone **out)
{
    char   id[ZONE_ID_MAX];
    Zone  *zone;
    size_t len = zone_match_long_name(text.ptr, text.len, id, sizeof id);
    for (size_t i = 0; i < ARRAY_LEN(long_names); i++) {
        Str name = str_c(long_names[i].name);
        if (name.len > len && text.len >= name.len && str_equal_nocase(str_n(text.ptr, name.len), name)) {
            len = name.len;
            snprintf(id, sizeof id, "%s", long_names[i].region);
        }
    }
    if (len == 0 || zone_open(str_c(id), &zone, NULL) != OK)
        return 0;
    if (out)
        *out = zone;
    else
        zone_close(zone);
    return len;
}

size_t zone_match(Str text, ZoneMatch match, Zone **out)
{
    size_t longest = match == ZONE_MATCH_LONG ? match_long_name(text, out) : 0;
    if (longest > 0)
        return longest;
    while (longest < text.len && longest < ZONE_ID_MAX - 1 && is_id_char(text.ptr[longest]))
        longest++;
    for (int fold = 0; fold < 2; fold++) {
        for (size_t len = longest; len > 0; len--) {
            Zone *zone;
            if (fold && len != longest)
                break; /* walking all ids is dear: only for the whole word */
            if (open_any(str_n(text.ptr, len), match, fold != 0, &zone) != OK)
                continue;
            if (out)
                *out = zone;
            else
                zone_close(zone);
            return len;
        }
    }
    return 0;
}
