/*
 * file_trouble.c - what to do about a file that cannot be opened.
 *
 * SQLite tells of a full disk as "disk I/O error" (the shared memory of its WAL has no room) and of a
 * directory as "unable to open database file". The file system knows better, and is asked once something has
 * failed. A disk counts as full when it has not the room that an empty database with its WAL takes.
 */
#include "core/file_trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ROOM_NEEDED = 256 * 1024 };

/* The directory that `path` is in; false when that is longer than `size`. */
static bool directory_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    int         len   = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    return snprintf(out, size, "%.*s", len, slash == NULL ? "." : path) < (int)size;
}

void file_explain_trouble(const char *path, Error *err)
{
    char           directory[4096];
    struct stat    file;
    struct statvfs disk;
    bool           there = stat(path, &file) == 0;
    if (!directory_of(path, directory, sizeof directory))
        return;
    if (there && S_ISDIR(file.st_mode))
        error_append(err, ". %s is a directory: move it away, for a file of that name is to be there", path);
    else if (statvfs(directory, &disk) == 0 &&
             (unsigned long long)disk.f_bavail * disk.f_frsize < ROOM_NEEDED)
        error_append(err, ". The disk that %s is on is full (%llu KB are free): make room on it", directory,
                     (unsigned long long)disk.f_bavail * disk.f_frsize / 1024);
    else if (access(there ? path : directory, there ? R_OK | W_OK : W_OK | X_OK) != 0)
        error_append(err, ". %s may not be written by the user that this runs as (%s): change that",
                     there ? path : directory, strerror(errno));
}
