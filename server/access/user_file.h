/*
 * user_file.h - a file of users or tokens as it is on the disk now: read at the start, and anew when it has
 * changed.
 *
 * Thread: under the lock of who owns it.
 */
#ifndef SLUICE_SERVER_ACCESS_USER_FILE_H
#define SLUICE_SERVER_ACCESS_USER_FILE_H

#include <sys/stat.h>

#include "core/notice.h"
#include "server/access/user_table.h"

typedef struct {
    char       *path; /* NULL: there is no such file, and no table */
    TableKind   kind;
    UserTable  *table;
    struct stat seen;
    Notice      trouble;
} UserFile;

/* E_CONFIG, with the line: it cannot be read, others may write to it, or a line is none. */
Status user_file_open(UserFile *file, Str path, TableKind kind, Error *err);
void   user_file_close(UserFile *file);
/* Looks whether it has changed. True: it has, and `table` is another; the former one has lost a reference. A
 * file that became unreadable or wrong is said in the log, and the former table stays. */
bool user_file_refresh(UserFile *file, int64_t now_us);

#endif
