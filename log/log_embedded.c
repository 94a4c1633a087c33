/*
 * log_embedded.c - the embedded log as a whole: opening, closing, and the table of its functions. Read
 * log_embedded.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_trouble.h"
#include "log/log_embedded_rewrite.h"

/* ---- names with an epoch: transactional ids and groups ---- */

Name *name_get(Name **list, Str text)
{
    for (Name *name = *list; name != NULL; name = name->next) {
        if (str_equal(str_c(name->text), text))
            return name;
    }
    Name *name = mem_calloc(1, sizeof *name);
    name->text = str_to_heap(text);
    name->next = *list;
    *list      = name;
    return name;
}

static void names_free(Name *name)
{
    while (name != NULL) {
        Name *next = name->next;
        mem_free(name->text);
        mem_free(name);
        name = next;
    }
}

/* ---- open and close ---- */

/* The bounds of partitions are kept in memory, so a second process on the same file would overwrite records.
 * flock and the POSIX locks of SQLite do not meet; the descriptor is closed last, because closing it drops
 * SQLite's locks as well. */
Status log_lock_file(const char *path, int *fd, Error *err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        Status status = errno == ENOSPC ? E_FULL : E_IO;
        error_set(err, status, NO_POS, "%s: %s", path, strerror(errno));
        if (status == E_FULL)
            file_explain_full_disk(path, err);
        return status;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    close(*fd);
    *fd = -1;
    return error_set(err, E_BUSY, NO_POS, "%s: another process uses this log", path);
}

/* An upgrade puts another file in the place of the one that is locked: that one is locked, too, then. */
static Status lock_and_upgrade(Log *log, Error *err)
{
    int old, layout = 0;
    TRY(witness_open(log, err));
    TRY(log_lock_file(log->path, &old, err));
    Status status = wal_check(log->path, err);
    if (status == OK)
        status = log_upgrade(log->path, &layout, err);
    if (status == OK && layout == 0)
        status = witness_check_empty(log, err);
    struct stat locked, there;
    if (status != OK ||
        (fstat(old, &locked) == 0 && stat(log->path, &there) == 0 && locked.st_ino == there.st_ino)) {
        log->lock_fd = old;
        return status;
    }
    status = log_lock_file(log->path, &log->lock_fd, err);
    close(old);
    return status;
}

static void make_cluster_id(Log *log)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int i = 0; i < 22; i++)
        log->cluster_id[i] = letters[log->clock->random(log->clock) % 64];
    log->cluster_id[22] = '\0';
}

static Status load_cluster_id(Log *log, Error *err)
{
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_META_GET, err, "t", STR_LIT("cluster_id"));
    bool          row;
    if (stmt == NULL)
        return db_unprepared(err);
    TRY(db_step(&log->db, stmt, &row, err));
    if (row) {
        Str  id   = db_column(stmt, 0);
        bool good = sqlite3_column_int(stmt, 1) != 0;
        snprintf(log->cluster_id, sizeof log->cluster_id, STR_FMT, STR_ARG(id));
        sqlite3_reset(stmt);
        if (good)
            return OK;
        log->renamed = true;
        log_line(LOG_ERROR, "%s is damaged: the id of the log; it gets a new one, which is for display only",
                 log->db.name);
    }
    make_cluster_id(log);
    return db_run(&log->db, SQL_META_PUT, err, "tt", STR_LIT("cluster_id"), str_c(log->cluster_id));
}

static void locks_init(Log *log)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->db_lock, NULL);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, &monotonic);
    pthread_cond_init(&log->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void embedded_close(Log *log)
{
    if (log->threaded) {
        pthread_mutex_lock(&log->lock);
        log->stopping = true;
        pthread_cond_signal(&log->work);
        pthread_mutex_unlock(&log->lock);
        pthread_join(log->thread, NULL);
    }
    cleaner_free(log);
    witness_close(log, log->threaded);
    for (size_t i = 0; i < log->topic_count; i++)
        topic_unref(log->topics[i]);
    mem_free(log->topics);
    names_free(log->transactional);
    names_free(log->groups);
    db_close(&log->db);
    if (log->lock_fd >= 0)
        close(log->lock_fd);
    pthread_cond_destroy(&log->work);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->lock);
    pthread_mutex_destroy(&log->db_lock);
    mem_free(log->path);
    mem_free(log);
}

static Status open_file(Log *log, Error *err)
{
    if (log->path != NULL)
        TRY(lock_and_upgrade(log, err));
    TRY(db_open(&log->db, log->path, false, err));
    TRY(load_cluster_id(log, err));
    TRY(topics_load(log, err));
    TRY(witness_check(log, err));
    if (log->path == NULL)
        return OK;
    int code = pthread_create(&log->thread, NULL, log_writer_thread, log);
    if (code != 0)
        return error_set(err, E_IO, NO_POS, "cannot start the log's thread: %s", strerror(code));
    log->threaded = true;
    return OK;
}

Status log_open_embedded(const char *path, Clock *clock, Log **out, Error *err)
{
    Log *log          = mem_calloc(1, sizeof *log);
    log->base.backend = &log_backend_embedded;
    log->clock        = clock;
    log->path         = path != NULL ? mem_strdup(path) : NULL;
    log->lock_fd      = -1;
    log->jobs_end     = &log->jobs;
    locks_init(log);
    Status status = open_file(log, err);
    if (status == OK)
        *out = log;
    else
        embedded_close(log);
    if (path != NULL && status == E_IO) /* E_FULL: db_fail has asked the disk */
        file_explain_trouble(path, err);
    return status;
}

static Status embedded_cluster_id(Log *log, Arena *arena, Str *out, Error *err)
{
    *out = str_dup(arena, str_c(log->cluster_id));
    return OK;
}

static Status embedded_ping(Log *log, int timeout_ms, Error *err) { return OK; }

const LogBackend log_backend_embedded = {
    .name             = "embedded",
    .close            = embedded_close,
    .cluster_id       = embedded_cluster_id,
    .ping             = embedded_ping,
    .topic_create     = embedded_topic_create,
    .topic_delete     = embedded_topic_delete,
    .topic_info       = embedded_topic_info,
    .topic_list       = embedded_topic_list,
    .topic_config     = embedded_topic_config,
    .topic_set_config = embedded_topic_set_config,
    .offsets          = embedded_offsets,
    .offset_for_time  = embedded_offset_for_time,
    .delete_records   = embedded_delete_records,
    .group_commit     = embedded_group_commit,
    .reader_open      = embedded_reader_open,
    .reader_close     = embedded_reader_close,
    .reader_assign    = embedded_reader_assign,
    .reader_unassign  = embedded_reader_unassign,
    .reader_seek      = embedded_reader_seek,
    .reader_take      = embedded_reader_take,
    .batch_release    = embedded_batch_release,
    .reader_wait      = embedded_reader_wait,
    .reader_wake      = embedded_reader_wake,
    .reader_at_end    = embedded_reader_at_end,
    .reader_caught_up = embedded_reader_at_end,
    .reader_position  = embedded_reader_position,
    .writer_open      = embedded_writer_open,
    .writer_close     = embedded_writer_close,
    .append           = embedded_append,
    .flush            = embedded_flush,
    .send_now         = embedded_send_now,
    .append_all       = embedded_append_all,
    .txn_begin        = embedded_txn_begin,
    .txn_fence        = embedded_txn_fence,
    .txn_commit       = embedded_txn_commit,
    .txn_abort        = embedded_txn_abort,
    .writer_end       = embedded_writer_end,
    .member_join      = embedded_member_join,
    .member_poll      = embedded_member_poll,
    .member_close     = embedded_member_close,
    .member_committed = embedded_member_committed,
    .fence_ref        = embedded_fence_ref,
    .fence_unref      = embedded_fence_unref,
};
