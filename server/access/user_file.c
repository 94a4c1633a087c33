/*
 * user_file.c - see user_file.h.
 */
#include "server/access/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/logger.h"

enum { MOST_BYTES = 16 * 1024 * 1024 };

/* Who may write to it decides who gets in, so that has to be somebody. */
static Status check_mode(const char *path, const struct stat *info, Error *err)
{
    if (!S_ISREG(info->st_mode))
        return error_set(err, E_CONFIG, NO_POS, "%s is no file", path);
    if (info->st_mode & S_IWOTH)
        return error_set(err, E_CONFIG, NO_POS,
                         "%s can be written by every user of this machine: chmod 600 it", path);
    if (info->st_size > MOST_BYTES)
        return error_set(err, E_CONFIG, NO_POS, "%s is larger than %d MB", path, MOST_BYTES / 1024 / 1024);
    return OK;
}

/* Up to the size that it had: what is appended meanwhile shows in the next look. */
static Status read_all(int fd, const char *path, size_t size, StrBuf *out, Error *err)
{
    strbuf_reserve(out, size + 1);
    while (out->len < size) {
        ssize_t n = read(fd, out->ptr + out->len, size - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, E_CONFIG, NO_POS, "cannot read %s: %m", path);
        if (n == 0)
            break;
        out->len += (size_t)n;
    }
    return OK;
}

static Status load(const UserFile *file, UserTable **table, struct stat *seen, Error *err)
{
    StrBuf text   = {0};
    int    fd     = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for a writer */
    Status status = fd < 0 || fstat(fd, seen) != 0
                        ? error_set(err, E_CONFIG, NO_POS, "cannot read %s: %m", file->path)
                        : check_mode(file->path, seen, err);
    if (status == OK)
        status = read_all(fd, file->path, (size_t)seen->st_size, &text, err);
    if (status == OK)
        status = user_table_parse(strbuf_str(&text), file->kind, file->path, table, err);
    if (fd >= 0)
        close(fd);
    strbuf_clear(&text);
    return status;
}

Status user_file_open(UserFile *file, Str path, TableKind kind, Error *err)
{
    *file = (UserFile){.path = str_to_heap(path), .kind = kind};
    TRY(load(file, &file->table, &file->seen, err));
    if (file->seen.st_mode & S_IROTH)
        log_line(LOG_WARN, "%s can be read by every user of this machine: chmod 600 it", file->path);
    if (user_table_count(file->table) == 0)
        log_line(LOG_WARN, "%s names nobody", file->path);
    return OK;
}

void user_file_close(UserFile *file)
{
    user_table_unref(file->table);
    mem_free(file->path);
    *file = (UserFile){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool user_file_refresh(UserFile *file, int64_t now_us)
{
    struct stat now;
    UserTable  *table;
    Error       err;
    if (file->path == NULL || (stat(file->path, &now) == 0 && is_same(&now, &file->seen)))
        return false;
    if (load(file, &table, &now, &err) != OK) {
        if (notice_due(&file->trouble, str_c(err.message), now_us))
            log_line(LOG_ERROR, "%s; what it said before goes on to count", err.message);
        return false;
    }
    notice_clear(&file->trouble);
    log_line(LOG_INFO, "%s was read anew: %zu names", file->path, user_table_count(table));
    user_table_unref(file->table);
    file->table = table;
    file->seen  = now;
    return true;
}
