/*
 * state_dir.c - see state_dir.h.
 */
#include "server/node/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/logger.h"

enum { NODE_ID_LEN = 16 };

/* mkdir -p */
static Status make_dirs(const char *path, Error *err)
{
    char *copy = mem_strdup(path);
    for (char *at = copy + 1;; at++) {
        char c = *at;
        if (c != '/' && c != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            int failure = errno;
            mem_free(copy);
            return error_set(err, E_CONFIG, NO_POS, "cannot make the state directory %s: %s", path,
                             strerror(failure));
        }
        *at = c;
        if (c == '\0')
            break;
    }
    mem_free(copy);
    return OK;
}

static char *join(const char *path, const char *name)
{
    StrBuf buf = {0};
    strbuf_addf(&buf, "%s/%s", path, name);
    char *joined = str_to_heap(strbuf_str(&buf));
    strbuf_clear(&buf);
    return joined;
}

static Status take_lock(StateDir *dir, Error *err)
{
    char *path = join(dir->path, "lock");
    dir->lock  = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    mem_free(path);
    if (dir->lock < 0)
        return error_set(err, E_CONFIG, NO_POS, "cannot open the lock of the state directory %s: %m",
                         dir->path);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, errno == EWOULDBLOCK ? E_BUSY : E_IO, NO_POS,
                         "the state directory %s is in use by another process", dir->path);
    return OK;
}

static Status write_id(const char *path, const char *id, Error *err)
{
    int  fd      = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok      = fd >= 0 && write(fd, id, NODE_ID_LEN) == NODE_ID_LEN && fsync(fd) == 0;
    int  failure = errno;
    if (fd >= 0)
        close(fd);
    return ok ? OK : error_set(err, E_IO, NO_POS, "cannot write %s: %s", path, strerror(failure));
}

/* Whoever wrote half an identity and died gets a new one. */
static Status take_id(StateDir *dir, Clock *clock, Error *err)
{
    char  *path                = join(dir->path, "node-id");
    char   id[NODE_ID_LEN + 1] = "";
    Status status              = OK;
    int    fd                  = open(path, O_RDONLY | O_CLOEXEC);
    bool   known =
        fd >= 0 && read(fd, id, NODE_ID_LEN) == NODE_ID_LEN && strspn(id, "0123456789abcdef") == NODE_ID_LEN;
    if (fd >= 0)
        close(fd);
    if (!known) {
        if (fd >= 0)
            log_line(LOG_WARN, "%s is damaged: the node gets a new name", path);
        snprintf(id, sizeof id, "%016llx", (unsigned long long)clock->random(clock));
        status = write_id(path, id, err);
    }
    dir->node_id = mem_strdup(id);
    mem_free(path);
    return status;
}

Status state_dir_open(StateDir *dir, const char *path, Clock *clock, Error *err)
{
    *dir          = (StateDir){.path = mem_strdup(path), .lock = -1};
    char  *inner  = join(path, "state");
    Status status = make_dirs(inner, err);
    mem_free(inner);
    TRY(status);
    TRY(take_lock(dir, err));
    return take_id(dir, clock, err);
}

static bool is_worker_file(const char *name)
{
    int number, end = 0;
    return sscanf(name, "worker-%d.db%n", &number, &end) == 1 && end > 0 && name[end] == '\0';
}

static bool holds_state(const char *path)
{
    char          *inner = join(path, "state");
    DIR           *dir   = opendir(inner);
    struct dirent *entry;
    bool           found = false;
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
        found = is_worker_file(entry->d_name);
    if (dir != NULL)
        closedir(dir);
    mem_free(inner);
    return found;
}

Status state_dir_check_log(const char *path, Error *err)
{
    struct stat info;
    char       *log     = join(path, "log.db");
    bool        missing = stat(log, &info) != 0, empty = !missing && info.st_size == 0;
    Status      status = OK;
    if ((missing || empty) && holds_state(path))
        status =
            error_set(err, E_DAMAGED, NO_POS,
                      "the log %s is %s, but tables made from it are in %s/state. Put the log back from a "
                      "backup; or, to begin anew with an empty one, remove %s/state first",
                      log, missing ? "missing" : "empty", path, path);
    mem_free(log);
    return status;
}

void state_dir_close(StateDir *dir)
{
    if (dir->lock >= 0)
        close(dir->lock);
    mem_free(dir->path);
    mem_free(dir->node_id);
    *dir = (StateDir){.lock = -1};
}
