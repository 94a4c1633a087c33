/*
 * file_trouble.c - what to do about a file that cannot be opened, or written.
 *
 * SQLite tells of a full disk as "disk I/O error" (the shared memory of its WAL has no room), of a directory
 * as "unable to open database file", and of a file beside its own that it may not write (what root has left
 * behind, say) as if it were the database. The file system knows better, and is asked once something has
 * failed. A disk counts as full when it has not the room that an empty database with its WAL takes.
 */
#include "core/file_trouble.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ROOM_NEEDED = 256 * 1024, PATH_BYTES = 4096 };

/* The nearest directory above `path` that is there; false when that is longer than `size`. */
static bool directory_of(const char *path, char *out, size_t size)
{
    struct stat info;
    if (snprintf(out, size, "%s", path) >= (int)size)
        return false;
    for (;;) {
        char *slash = strrchr(out, '/');
        if (slash == NULL)
            snprintf(out, size, ".");
        else
            slash[slash == out] = '\0';
        if (slash == NULL || slash == out || stat(out, &info) == 0)
            return true;
    }
}

static void explain_rights(const char *path, const char *what, Error *err)
{
    struct passwd entry, *found = NULL;
    char          buffer[2048], who[64];
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        snprintf(who, sizeof who, "%u", (unsigned)geteuid());
    else
        snprintf(who, sizeof who, "%.60s", found->pw_name);
    error_append(err,
                 ". %s may not be %s by the user that this runs as (%s): give it to that user with chown, or "
                 "change its rights with chmod",
                 path, what, who);
}

static bool is_closed(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && access(path, R_OK | W_OK) != 0;
}

/* The file, or one that SQLite keeps beside it. */
static bool explain_files(const char *path, Error *err)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[PATH_BYTES];
        if (snprintf(name, sizeof name, "%s%s", path, endings[i]) < (int)sizeof name && is_closed(name)) {
            explain_rights(name, "read and written", err);
            return true;
        }
    }
    return false;
}

static bool explain_disk(const char *directory, Error *err)
{
    struct statvfs disk;
    if (statvfs(directory, &disk) != 0 || (unsigned long long)disk.f_bavail * disk.f_frsize >= ROOM_NEEDED)
        return false;
    error_append(err, ". The disk that %s is on is full (%llu KB are free): make room on it", directory,
                 (unsigned long long)disk.f_bavail * disk.f_frsize / 1024);
    return true;
}

bool file_explain_full_disk(const char *path, Error *err)
{
    char directory[PATH_BYTES];
    return directory_of(path, directory, sizeof directory) && explain_disk(directory, err);
}

void file_explain_trouble(const char *path, Error *err)
{
    char        directory[PATH_BYTES];
    struct stat file;
    if (!directory_of(path, directory, sizeof directory))
        return;
    if (stat(path, &file) == 0 && S_ISDIR(file.st_mode))
        error_append(err, ". %s is a directory: move it away, for a file of that name is to be there", path);
    else if (!explain_disk(directory, err) && !explain_files(path, err) &&
             access(directory, R_OK | W_OK | X_OK) != 0 && errno == EACCES)
        explain_rights(directory, "read, written and entered", err);
}
