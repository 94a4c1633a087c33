/*
 * state_dir.c - see state_dir.h.
 */
#include "server/node/state_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_trouble.h"
#include "core/logger.h"
#include "server/node/node.h"

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
            error_set(err, E_CONFIG, NO_POS, "cannot make the state directory %s: %s", path,
                      strerror(failure));
            file_explain_trouble(path, err);
            return E_CONFIG;
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

static Status refuse_file(const char *what, const char *path, int failure, Error *err)
{
    error_set(err, E_CONFIG, NO_POS, "cannot %s %s: %s", what, path, strerror(failure));
    file_explain_trouble(path, err);
    return E_CONFIG;
}

static Status take_lock(StateDir *dir, Error *err)
{
    char *path    = join(dir->path, "lock");
    dir->lock     = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    Status status = dir->lock < 0 ? refuse_file("open", path, errno, err) : OK;
    mem_free(path);
    TRY(status);
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
    return ok ? OK : refuse_file("write", path, failure, err);
}

/* Whoever wrote half an identity and died gets a new one. */
static Status take_id(StateDir *dir, Clock *clock, Error *err)
{
    char  *path                = join(dir->path, "node-id");
    char   id[NODE_ID_LEN + 1] = "";
    Status status              = OK;
    int    fd                  = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) {
        status = refuse_file("read", path, errno, err);
        mem_free(path);
        return status;
    }
    bool known =
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

/* ---- services ---- */

/* Tables are found by the ids of queries, which are the same in every service: in one directory those of one
 * would be taken for what a dropped query of the other has left, and be removed. */

/* STR_NULL: it says nothing. */
static Status read_owner(const char *path, StrBuf *owner, Error *err)
{
    char    text[512];
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;
    if (fd < 0)
        return errno == ENOENT ? OK : refuse_file("read", path, errno, err);
    len         = read(fd, text, sizeof text);
    int failure = errno;
    close(fd);
    if (len < 0) /* it may be another's all the same */
        return refuse_file("read", path, failure, err);
    if (len > 1 && text[len - 1] == '\n')
        strbuf_add(owner, str_n(text, (size_t)len - 1));
    else
        log_line(LOG_WARN, "%s is damaged: the directory becomes that of the service that starts now", path);
    return OK;
}

static Status write_owner(const char *path, Str service_id, Error *err)
{
    StrBuf fresh = {0}, text = {0};
    strbuf_addf(&fresh, "%s.new%c", path, '\0');
    strbuf_addf(&text, STR_FMT "\n", STR_ARG(service_id));
    int  fd      = open(fresh.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok      = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    int  failure = errno;
    if (fd >= 0)
        close(fd);
    if (ok && rename(fresh.ptr, path) != 0) {
        ok      = false;
        failure = errno;
    }
    strbuf_clear(&fresh);
    strbuf_clear(&text);
    return ok ? OK : refuse_file("write", path, failure, err);
}

/* DIR/services/ID. An id may hold anything; a name of a file may not. */
static char *path_apart(const StateDir *dir, Str service_id)
{
    StrBuf buf = {0};
    strbuf_addf(&buf, "%s/services/", dir->path);
    for (size_t i = 0; i < service_id.len; i++) {
        unsigned char c     = (unsigned char)service_id.ptr[i];
        bool          plain = isalnum(c) || c == '_' || c == '-' || (c == '.' && i > 0);
        if (plain)
            strbuf_addc(&buf, (char)c);
        else
            strbuf_addf(&buf, "%%%02X", c);
    }
    char *path = str_to_heap(strbuf_str(&buf));
    strbuf_clear(&buf);
    return path;
}

/* `owner`: a null Str where it is not written down. */
static Status keep_apart(StateDir *dir, Str service_id, Str owner, Error *err)
{
    struct stat info;
    dir->service_path = path_apart(dir, service_id);
    bool made         = stat(dir->service_path, &info) != 0;
    if (made && str_is_null(owner))
        log_line(LOG_WARN,
                 "%s/state has the tables of a file of queries; those of '" STR_FMT "' are kept apart, in %s",
                 dir->path, STR_ARG(service_id), dir->service_path);
    else if (made)
        log_line(LOG_WARN,
                 "%s/state has the tables of the service '" STR_FMT "'; those of '" STR_FMT
                 "' are kept apart, in %s. If it should be the same service, set ksql.service.id=" STR_FMT,
                 dir->path, STR_ARG(owner), STR_ARG(service_id), dir->service_path, STR_ARG(owner));
    char  *inner  = join(dir->service_path, "state");
    Status status = make_dirs(inner, err);
    mem_free(inner);
    return status;
}

/* One that was made before it was written down whose it is belongs to who comes first; but where plans of a
 * file of queries are, it is such a one's. */
static bool may_take(const StateDir *dir, bool runs_file)
{
    char *plans = join(dir->path, NODE_PLANS_FILE);
    bool  may   = runs_file || access(plans, F_OK) != 0;
    mem_free(plans);
    return may;
}

Status state_dir_take_service(StateDir *dir, Str service_id, bool runs_file, Error *err)
{
    char  *path   = join(dir->path, "state/service");
    StrBuf owner  = {0};
    Status status = read_owner(path, &owner, err);
    bool   known  = owner.len > 0;
    if (status == OK && known && !str_equal(strbuf_str(&owner), service_id)) {
        status = keep_apart(dir, service_id, strbuf_str(&owner), err);
    } else if (status == OK && !known && !may_take(dir, runs_file)) {
        status = keep_apart(dir, service_id, STR_NULL, err);
    } else if (status == OK) {
        dir->service_path = mem_strdup(dir->path);
        status            = known ? OK : write_owner(path, service_id, err);
    }
    strbuf_clear(&owner);
    mem_free(path);
    return status;
}

void state_dir_close(StateDir *dir)
{
    if (dir->lock >= 0)
        close(dir->lock);
    mem_free(dir->service_path);
    mem_free(dir->path);
    mem_free(dir->node_id);
    *dir = (StateDir){.lock = -1};
}
