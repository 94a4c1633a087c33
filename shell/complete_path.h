/*
 * complete_path.h - which columns and fields are meant: of the sources that a statement names, of an alias,
 * of a struct behind `->`.
 */
#ifndef SLUICE_SHELL_COMPLETE_PATH_H
#define SLUICE_SHELL_COMPLETE_PATH_H

#include "shell/names.h"
#include "shell/scan.h"

/* Columns of the sources that the statement names; of all, when it names none so far. In `arena`. */
KnownFields path_columns(const NameList *names, Str before, Str after, Arena *arena);

/* The cursor stands behind `alias.` or `column->field->`, perhaps with the beginning of a name: *start is
 * where that begins, *out what may stand there (nothing, if nobody knows the path). False: no path is before
 * it. */
bool path_resolve(const NameList *names, Str before, Str after, const Scan *scan, Arena *arena, size_t *start,
                  KnownFields *out);

#endif
