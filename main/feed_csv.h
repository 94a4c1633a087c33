/*
 * feed_csv.h - CSV with a header (RFC 4180) as JSON objects, a record a line, for `sluice feed --csv`.
 *
 * What stands unquoted and is a number, `true` or `false` in JSON is written as that; unquoted and empty is
 * null; all else is text. Quoted fields may hold separators, doubled quotes and newlines.
 */
#ifndef SLUICE_MAIN_FEED_CSV_H
#define SLUICE_MAIN_FEED_CSV_H

#include "core/str.h"

typedef struct {
    Str   *names; /* of the header */
    size_t count;
    Arena *arena; /* of the names */
} CsvHeader;

/* Is the record complete, or does a quoted field go on in the next line? */
bool csv_is_complete(Str text);
/* The first record. E_DATA: a name is missing or comes twice. csv_clear on OK. */
Status csv_header(Str text, CsvHeader *out, Error *err);
void   csv_clear(CsvHeader *header);
/* Appends the object. E_DATA: it has not as many fields as the header, or a quote stands where none may. */
Status csv_object(const CsvHeader *header, Str text, StrBuf *out, Error *err);

#endif
