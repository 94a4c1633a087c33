/*
 * file_trouble.h - what to do about a file that cannot be opened, or written.
 */
#ifndef SLUICE_CORE_FILE_TROUBLE_H
#define SLUICE_CORE_FILE_TROUBLE_H

#include "core/error.h"

/* Appends to `err`, which says that the file at `path` could not be opened or made, what the file system has
 * against it and what to do: it is a directory, its disk is full, it (or its -wal or -shm, or the directory
 * it is in) may not be read and written; or nothing when none of these is so. Leaves err->code alone. Thread:
 * any. */
void file_explain_trouble(const char *path, Error *err);
/* Of a file that could not be written: appends that its disk is full, if it is, and says so. Thread: any. */
bool file_explain_full_disk(const char *path, Error *err);

#endif
