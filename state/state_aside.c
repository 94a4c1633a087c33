/*
 * state_aside.c - a state file that cannot be used any more is renamed, not deleted.
 *
 * The changelogs have all of it, so nobody needs the file; but who looks for the reason of the damage does,
 * and who goes back to the program of another version, or has put the wrong file there. The new name says
 * which it is. One file of each kind
 * is kept for each path: a disk that keeps failing must not be filled with them.
 *
 * The WAL goes along under the new name, so that SQLite's tools find both. What has the file open goes on
 * reading the renamed one; state_reader.c notices.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "state/state_vfs.h"
#include "state/store.h"

static const char        version_mark[] = ".version-";
static const char *const marks[]        = {
           [ASIDE_DAMAGED] = ".damaged-", [ASIDE_FOREIGN] = ".foreign-", [ASIDE_AHEAD] = ".ahead-"};

/* Of the file at `path` by its header; 0: it has none, or not one of SQLite's. */
static int version_of(const char *path)
{
    static const char magic[] = "SQLite format 3";
    enum { VERSION_AT = 60, HEADER = 64 };
    unsigned char header[HEADER];
    int           file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t count = pread(file, header, sizeof header, 0);
    close(file);
    if (count != HEADER || memcmp(header, magic, sizeof magic) != 0)
        return 0;
    const unsigned char *at = header + VERSION_AT;
    return (int)((unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3]);
}

static void remove_in(const char *dir, Str prefix, Arena *arena)
{
    DIR *entries = opendir(dir);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        if (str_starts_with(str_c(entry->d_name), prefix))
            unlink(str_to_c(arena, str_printf(arena, "%s/%s", dir, entry->d_name)));
    if (entries != NULL)
        closedir(entries);
}

/* Those set aside before. That they cannot be removed is no reason to stop. */
static void remove_former(const char *path, const char *mark, Arena *arena)
{
    const char *slash = strrchr(path, '/');
    Str         dir   = slash == NULL ? STR_LIT(".") : str_n(path, (size_t)(slash - path));
    remove_in(str_to_c(arena, dir), str_printf(arena, "%s%s", slash == NULL ? path : slash + 1, mark), arena);
}

static Status move(const char *path, const char *suffix, Str to, Arena *arena, Error *err)
{
    const char *from = str_to_c(arena, str_printf(arena, "%s%s", path, suffix));
    const char *name = str_to_c(arena, str_printf(arena, STR_FMT "%s", STR_ARG(to), suffix));
    if (rename(from, name) == 0 || errno == ENOENT)
        return OK;
    return error_set(err, E_IO, NO_POS, "cannot rename %s: %s", from, strerror(errno));
}

Status state_file_set_aside(const char *path, StateAside why, int64_t now_ms, Arena *arena, Str *kept,
                            Error *err)
{
    int  version = version_of(path);
    bool other   = version != 0 && version != STATE_FILE_VERSION;
    *kept        = other ? str_printf(arena, "%s%s%d-%lld", path, version_mark, version, (long long)now_ms)
                         : str_printf(arena, "%s%s%lld", path, marks[why], (long long)now_ms);
    remove_former(path, other ? version_mark : marks[why], arena);
    /* The WAL first: without it the file is an old state, with a stranger's it is damaged again. */
    TRY(move(path, "-wal", *kept, arena, err));
    TRY(move(path, "", *kept, arena, err));
    return move(path, "-shm", *kept, arena, err);
}
