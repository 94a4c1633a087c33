/*
 * zone_names.h - long English names of time zones, "Pacific Standard Time", from CLDR by ICU.
 *
 * Java's rules (java.time.format.DateTimeFormatterBuilder.ZoneTextPrinterParser): a zone has the names that
 * its rules of today give it, whatever instant is shown, and a name that is read means the reference zone of
 * its metazone: "Eastern Standard Time" is America/New_York for Toronto, too.
 *
 * ICU has these only in C++. Thread: any.
 */
#ifndef SLUICE_UDF_ZONE_NAMES_H
#define SLUICE_UDF_ZONE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { LONG_STANDARD, LONG_DAYLIGHT, LONG_GENERIC } LongName;

/* Writes the name of the zone `id` into `out`, ending in NUL; false when there is none, or it is too long. */
bool zone_long_name(const char *id, LongName kind, char *out, size_t size);

/* The longest prefix of `text` that is a long name of any kind and zone, in any case: how many bytes it has
 * (0: none), and the zone it means. */
size_t zone_match_long_name(const char *text, size_t len, char *id, size_t size);

#ifdef __cplusplus
}
#endif

#endif
