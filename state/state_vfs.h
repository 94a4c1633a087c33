/*
 * state_vfs.h - state files whose pages carry checksums.
 */
#ifndef SLUICE_STATE_STATE_VFS_H
#define SLUICE_STATE_STATE_VFS_H

#include <sqlite3.h>

/* What a page ends with; the file's header says so, and other tools leave these bytes alone. */
enum { PAGE_SUM_BYTES = 8 };

/* sqlite3_open_v2 by way of the checksums, with extended result codes on and `busy_ms` of patience. *out is
 * to be closed in any case. Thread: any */
int state_db_open(const char *path, int flags, int busy_ms, sqlite3 **out);

/* PRAGMA user_version of a state file. 3: buffers lay by key; 2: windows, too; 1: an upsert of SQLite 3.40
 * may have written values of another type (store_sql.c). */
enum { STATE_FILE_VERSION = 4 };

#endif
