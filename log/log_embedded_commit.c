/*
 * log_embedded_commit.c - jobs become SQLite transactions: the group commit and the thread that does it.
 *
 * A flush to disk costs far more than the rows of a small job, so the writer thread takes all jobs that wait
 * into one transaction. A job that fails is rolled back to its savepoint and hurts nobody else. When the
 * transaction as a whole fails, the jobs are run again one by one, so that the one that is too big for the
 * disk does not take the others with it.
 */
#include "log/log_embedded.h"

enum { CLEAN_INTERVAL_MS = 10000 };

int64_t monotonic_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct timespec deadline_after_us(int64_t us)
{
    int64_t at = monotonic_now_us() + us;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000), .tv_nsec = (long)(at % 1000000) * 1000};
}

/* ---- one transaction of jobs. All under db_lock ---- */

static void job_undo(Log *log, Job *job)
{
    if (job->undo != NULL)
        job->undo(log, job);
}

/* A job alone in its savepoint. Anything but OK here means that the whole transaction is lost; what is wrong
 * with the job only is in job->status. */
static Status apply_job(Log *log, Job *job, Error *err)
{
    TRY(db_run(&log->db, SQL_SAVEPOINT, err, ""));
    job->status = job->apply(log, job, job->err);
    if (job->status == OK)
        return db_run(&log->db, SQL_RELEASE, err, "");
    job_undo(log, job);
    if (sqlite3_get_autocommit(
            log->db.handle)) { /* SQLite gave up the transaction itself: a full disk does that */
        if (err != NULL && job->err != NULL)
            *err = *job->err;
        return job->status;
    }
    TRY(db_run(&log->db, SQL_ROLLBACK_TO, err, ""));
    return db_run(&log->db, SQL_RELEASE, err, "");
}

static Status apply_all(Log *log, Job **jobs, size_t count, size_t *applied, Error *err)
{
    *applied = 0;
    TRY(db_run(&log->db, SQL_BEGIN, err, ""));
    for (; *applied < count; (*applied)++)
        TRY(apply_job(log, jobs[*applied], err));
    return db_run(&log->db, SQL_COMMIT, err, "");
}

static void publish_all(Log *log, Job **jobs, size_t count)
{
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->status == OK && jobs[i]->publish != NULL)
            jobs[i]->publish(log, jobs[i]);
    }
    pthread_mutex_unlock(&log->lock);
}

static void commit_jobs(Log *log, Job **jobs, size_t count)
{
    Error  err;
    size_t applied;
    for (size_t i = 0; i < count; i++)
        jobs[i]->status = OK;
    Status status = apply_all(log, jobs, count, &applied, &err);
    if (status == OK) {
        publish_all(log, jobs, count);
        return;
    }
    if (!sqlite3_get_autocommit(log->db.handle))
        (void)!db_run(&log->db, SQL_ROLLBACK, NULL, "");
    size_t touched = applied < count ? applied + 1 : count;
    while (touched-- > 0) {
        if (jobs[touched]->status == OK)
            job_undo(log, jobs[touched]);
    }
    if (count == 1) {
        jobs[0]->status = status;
        if (jobs[0]->err != NULL)
            *jobs[0]->err = err;
        return;
    }
    for (size_t i = 0; i < count; i++)
        commit_jobs(log, &jobs[i], 1);
}

/* ---- the writer thread ---- */

enum { GROUP_MAX = 256 };

static void finish_jobs(Log *log, Job **jobs, size_t count)
{
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->finished == NULL)
            jobs[i]->done = true; /* once unlocked it belongs to who waits */
    }
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

static void run_group(Log *log, Job **jobs, size_t count)
{
    Job   *orphans[GROUP_MAX];
    size_t orphan_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->finished != NULL)
            orphans[orphan_count++] = jobs[i];
    }
    pthread_mutex_lock(&log->db_lock);
    commit_jobs(log, jobs, count);
    pthread_mutex_unlock(&log->db_lock);
    witness_committed(log);
    finish_jobs(log, jobs, count);
    for (size_t i = 0; i < orphan_count; i++)
        orphans[i]->finished(log, orphans[i]);
}

/* Under lock: what there is to do now, GROUP_MAX jobs at most; *due gets the writers that lingered long
 * enough. */
static size_t collect_jobs(Log *log, Job **jobs, LogWriter **due)
{
    size_t count = 0;
    *due         = NULL;
    while (log->jobs != NULL && count < GROUP_MAX / 2) {
        jobs[count++] = log->jobs;
        log->jobs     = log->jobs->next;
    }
    if (log->jobs == NULL)
        log->jobs_end = &log->jobs;
    if (log->lingering != NULL && (count > 0 || log->stopping || monotonic_now_us() >= log->linger_due_us)) {
        *due           = log->lingering;
        log->lingering = NULL;
        for (LogWriter *w = *due; w != NULL; w = *writer_next_due(w))
            *writer_next_due(w) = *writer_next_lingering(w);
    }
    return count;
}

/* All writers are asked before any job runs: a job that is done may be the last thing its writer waited for
 * before it closed. */
static void run_all(Log *log, Job **jobs, size_t count, LogWriter *due)
{
    Job *taken = NULL;
    while (due != NULL) {
        LogWriter *writer = due;
        due               = *writer_next_due(writer);
        Job *job          = writer_take_job(writer);
        if (job != NULL) {
            job->next = taken;
            taken     = job;
        }
    }
    while (count > 0 || taken != NULL) {
        for (; taken != NULL && count < GROUP_MAX; taken = taken->next)
            jobs[count++] = taken;
        run_group(log, jobs, count);
        count = 0;
    }
}

/* Under lock. Returns when there is a job, a writer that is due, or the time for cleaning or for the witness
 * has come. */
static void await_work(Log *log, int64_t clean_at_us)
{
    for (;;) {
        int64_t now = monotonic_now_us();
        int64_t due =
            log->lingering != NULL && log->linger_due_us < clean_at_us ? log->linger_due_us : clean_at_us;
        if (witness_due_us(log) < due)
            due = witness_due_us(log);
        if (log->stopping || log->jobs != NULL || due <= now)
            return;
        struct timespec until = deadline_after_us(due - now);
        pthread_cond_timedwait(&log->work, &log->lock, &until);
    }
}

/* True when the round goes on. */
static bool clean_some(Log *log)
{
    Error err;
    bool  more;
    pthread_mutex_lock(&log->db_lock);
    Status status = cleaner_slice(log, &more, &err);
    pthread_mutex_unlock(&log->db_lock);
    if (status != OK && notice_due(&log->clean_told, str_c(err.message), monotonic_now_us()))
        log_line(LOG_WARN, "cleaning the embedded log: %s", err.message);
    return status == OK && more;
}

void *log_writer_thread(void *arg)
{
    Log       *log      = arg;
    int64_t    clean_at = monotonic_now_us() + CLEAN_INTERVAL_MS * 1000;
    Job       *jobs[GROUP_MAX];
    LogWriter *due;
    pthread_setname_np(pthread_self(), "log-writer");
    pthread_mutex_lock(&log->lock);
    for (;;) {
        await_work(log, clean_at);
        size_t count = collect_jobs(log, jobs, &due);
        if (log->stopping && count == 0 && due == NULL)
            break;
        pthread_mutex_unlock(&log->lock);
        run_all(log, jobs, count, due);
        witness_write_if_due(log);
        if (monotonic_now_us() >= clean_at && !clean_some(log))
            clean_at = monotonic_now_us() + CLEAN_INTERVAL_MS * 1000;
        pthread_mutex_lock(&log->lock);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- the other side ---- */

Status log_submit(Log *log, Job *job, Error *err)
{
    job->err      = err;
    job->next     = NULL;
    job->done     = false;
    job->finished = NULL;
    if (!log->threaded) {
        pthread_mutex_lock(&log->db_lock);
        commit_jobs(log, &job, 1);
        pthread_mutex_unlock(&log->db_lock);
        pthread_mutex_lock(&log->lock);
        pthread_cond_broadcast(&log->changed);
        pthread_mutex_unlock(&log->lock);
        return job->status;
    }
    pthread_mutex_lock(&log->lock);
    *log->jobs_end = job;
    log->jobs_end  = &job->next;
    pthread_cond_signal(&log->work);
    while (!job->done)
        pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
    return job->status;
}

void log_linger(Log *log, LogWriter *writer, int linger_ms)
{
    int64_t due = monotonic_now_us() + (int64_t)linger_ms * 1000;
    pthread_mutex_lock(&log->lock);
    bool listed = false;
    for (LogWriter *w = log->lingering; w != NULL && !listed; w = *writer_next_lingering(w))
        listed = w == writer;
    if (log->lingering == NULL || due < log->linger_due_us)
        log->linger_due_us = due;
    if (!listed) {
        *writer_next_lingering(writer) = log->lingering;
        log->lingering                 = writer;
    }
    pthread_cond_signal(&log->work);
    pthread_mutex_unlock(&log->lock);
}

void log_linger_forget(Log *log, LogWriter *writer)
{
    pthread_mutex_lock(&log->lock);
    for (LogWriter **at = &log->lingering; *at != NULL; at = writer_next_lingering(*at)) {
        if (*at == writer) {
            *at = *writer_next_lingering(writer);
            break;
        }
    }
    pthread_mutex_unlock(&log->lock);
}
