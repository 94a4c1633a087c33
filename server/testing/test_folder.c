/*
 * test_folder.c - see test_folder.h. State files are written back and synchronised each time they are closed;
 * in memory that costs nothing, and a case is over in milliseconds.
 */
#include "server/testing/test_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/logger.h"

static const char *parent(void)
{
    const char *chosen = getenv("TMPDIR");
    if (chosen != NULL && chosen[0] != '\0')
        return chosen;
    return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

Status test_folder_make(Arena *arena, const char **out, Error *err)
{
    char *path = str_to_c(arena, str_printf(arena, "%s/sluice-test-XXXXXX", parent()));
    if (mkdtemp(path) == NULL)
        return error_set(err, E_IO, NO_POS, "Making a folder for state files (%s): %s", path,
                         strerror(errno));
    *out = path;
    return OK;
}

void test_folder_remove(const char *path)
{
    struct dirent *entry;
    DIR           *folder = path == NULL ? NULL : opendir(path);
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    if (rmdir(path) != 0)
        log_line(LOG_WARN, "removing %s: %s", path, strerror(errno));
}
