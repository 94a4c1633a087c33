/*
 * log_embedded_clean.c - what a log forgets: expired records, records below a partition's first offset,
 * deleted topics; superseded ones are log_embedded_compact.c's.
 *
 * A round visits every partition, in slices of a few milliseconds between which commits get their turn. Pages
 * that became free are used again by what is appended next; when a quarter of the file is free, it shrinks,
 * by as many pages a slice. Retention counts from the later of a record's own time and the time it was
 * written: replaying last year's events must not delete them at once.
 */
#include "log/log_embedded.h"

struct Cleaner {
    Topic     **topics; /* of this round, with references */
    size_t      count, topic;
    int         part;
    Compaction *compaction;
    bool        gives_back; /* at the end of the round: the file shrinks */
};

enum { FREE_LEAST = 1024 /* pages of 4 KB that are never given back: they will be wanted soon */ };

static void round_start(Log *log)
{
    Cleaner *cleaner = mem_calloc(1, sizeof *cleaner);
    pthread_mutex_lock(&log->lock);
    cleaner->count  = log->topic_count;
    cleaner->topics = mem_calloc(log->topic_count + 1, sizeof *cleaner->topics);
    for (size_t i = 0; i < cleaner->count; i++) {
        cleaner->topics[i] = log->topics[i];
        cleaner->topics[i]->refs++;
    }
    pthread_mutex_unlock(&log->lock);
    log->cleaner = cleaner;
}

void cleaner_free(Log *log)
{
    Cleaner *cleaner = log->cleaner;
    if (cleaner == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < cleaner->count; i++)
        topic_unref(cleaner->topics[i]);
    pthread_mutex_unlock(&log->lock);
    compaction_free(cleaner->compaction);
    mem_free(cleaner->topics);
    mem_free(cleaner);
    log->cleaner = NULL;
}

/* ---- one partition ---- */

typedef struct {
    bool    compact, retain;
    int64_t retention_ms, retention_bytes, first;
} Rules;

static Rules rules_of(Log *log, const Partition *part)
{
    pthread_mutex_lock(&log->lock);
    const Topic *topic = part->topic;
    Rules rules = {topic->compact, topic->retain, topic->retention_ms, topic->retention_bytes, part->first};
    pthread_mutex_unlock(&log->lock);
    return rules;
}

/* The first offset that stays, looking at the oldest chunks only; the next slice looks at the next ones. */
static Status expired_up_to(Log *log, const Partition *part, const Rules *rules, int64_t excess,
                            int64_t *keep, Error *err)
{
    int64_t       now  = log->clock->now_ms(log->clock);
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_CHUNKS_AGE, err, "i", part->id);
    if (stmt == NULL)
        return db_unprepared(err);
    for (bool row;;) {
        TRY(db_step(&log->db, stmt, &row, err));
        if (!row)
            return OK;
        int64_t stamp = sqlite3_column_int64(stmt, 1), written = sqlite3_column_int64(stmt, 2);
        int64_t size = sqlite3_column_int64(stmt, 3);
        bool    old =
            rules->retention_ms >= 0 && (stamp > written ? stamp : written) < now - rules->retention_ms;
        if (!old && excess < size)
            break;
        excess -= size;
        *keep = sqlite3_column_int64(stmt, 0) + 1;
    }
    sqlite3_reset(stmt);
    return OK;
}

/* A flipped bit in a time must not delete what is young: all that is to go is read and proven once more.
 * *keep: as far as that holds. */
static Status prove_expired(Log *log, const Partition *part, int64_t first, int64_t *keep, Error *err)
{
    ChunkScan scan;
    bool      found = true;
    TRY(scan_open(&scan, &log->db, part, first, *keep, err));
    Status status = OK;
    while (status == OK && found)
        status = scan_next(&scan, &found, err);
    scan_close(&scan);
    if (status == OK || scan.expected == first)
        return status;
    *keep = scan.expected;
    return OK; /* the next slice begins at the damage, and says so */
}

static Status size_beyond(Log *log, const Partition *part, const Rules *rules, int64_t *excess, Error *err)
{
    *excess = 0;
    if (rules->retention_bytes < 0)
        return OK;
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_CHUNKS_SIZE, err, "i", part->id);
    bool          row;
    if (stmt == NULL)
        return db_unprepared(err);
    TRY(db_step(&log->db, stmt, &row, err));
    if (row) {
        *excess = sqlite3_column_int64(stmt, 0) - rules->retention_bytes;
        sqlite3_reset(stmt);
    }
    return OK;
}

typedef struct {
    Job        job;
    Partition *part;
    int64_t    first;
    bool       changed, done;
} CleanJob;

static Status apply_trim(Log *log, Job *job, Error *err)
{
    CleanJob *self  = (CleanJob *)job;
    Rules     rules = rules_of(log, self->part);
    self->first     = rules.first;
    if (rules.retain) {
        int64_t excess;
        TRY(size_beyond(log, self->part, &rules, &excess, err));
        TRY(expired_up_to(log, self->part, &rules, excess, &self->first, err));
        TRY(prove_expired(log, self->part, rules.first, &self->first, err));
    }
    if (self->first > rules.first)
        TRY(part_write(log, self->part, SQL_PART_FIRST, self->first, err));
    else
        self->first = rules.first;
    int before = sqlite3_total_changes(log->db.handle);
    TRY(db_run(&log->db, SQL_CHUNKS_DROP_BELOW, err, "ii", self->part->id, self->first));
    self->done = sqlite3_total_changes(log->db.handle) == before;
    return OK;
}

static void publish_trim(Log *log, Job *job)
{
    CleanJob *self = (CleanJob *)job;
    if (self->first > self->part->first)
        self->part->first = self->first;
}

static Status apply_compaction(Log *log, Job *job, Error *err)
{
    CleanJob *self = (CleanJob *)job;
    return compaction_slice(log, log->cleaner->compaction, &self->done, err);
}

static Status apply_orphans(Log *log, Job *job, Error *err)
{
    CleanJob     *self = (CleanJob *)job;
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_ORPHAN, err, "");
    bool          row;
    if (stmt == NULL)
        return db_unprepared(err);
    TRY(db_step(&log->db, stmt, &row, err));
    self->done = !row;
    if (!row)
        return OK;
    int64_t part = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    int before = sqlite3_total_changes(log->db.handle);
    TRY(db_run(&log->db, SQL_CHUNKS_DROP_SOME, err, "i", part));
    if (sqlite3_total_changes(log->db.handle) == before)
        return db_run(&log->db, SQL_PART_DROP, err, "i", part);
    return OK;
}

/* ---- the file ---- */

static Status count_free(Log *log, int64_t *count, int64_t *all, Error *err)
{
    int64_t pages[2] = {0};
    TRY(db_ask(&log->db, SQL_FREE_PAGES, pages, 2, err, ""));
    *count = pages[0];
    *all   = pages[1];
    return OK;
}

/* The last pages of the file move to free places; the file becomes shorter when the WAL is written back. Once
 * begun, until little is free: else each round would move as much as the round before had left over. */
static Status apply_give_back(Log *log, Job *job, Error *err)
{
    CleanJob *self = (CleanJob *)job;
    int64_t   free, all;
    TRY(count_free(log, &free, &all, err));
    Cleaner *cleaner = log->cleaner;
    self->done       = free <= FREE_LEAST || (!cleaner->gives_back && free < all / 4);
    if (self->done)
        return OK;
    cleaner->gives_back = true;
    sqlite3_stmt *stmt  = db_bind(&log->db, SQL_GIVE_BACK, err, "");
    if (stmt == NULL)
        return db_unprepared(err);
    for (bool row = true; row;) /* a row for each page */
        TRY(db_step(&log->db, stmt, &row, err));
    return OK;
}

/* ---- a round ---- */

/* A job of our own, run where we are: under db_lock. */
static Status run_slice(Log *log, CleanJob *slice, Error *err)
{
    TRY(db_run(&log->db, SQL_BEGIN, err, ""));
    Status status = slice->job.apply(log, &slice->job, err);
    if (status == OK)
        status = db_run(&log->db, SQL_COMMIT, err, "");
    if (status != OK) {
        if (!sqlite3_get_autocommit(log->db.handle))
            (void)!db_run(&log->db, SQL_ROLLBACK, NULL, "");
        return status;
    }
    if (slice->job.publish != NULL) {
        pthread_mutex_lock(&log->lock);
        slice->job.publish(log, &slice->job);
        pthread_mutex_unlock(&log->lock);
    }
    return OK;
}

static Status clean_partition(Log *log, Cleaner *cleaner, Partition *part, bool *done, Error *err)
{
    if (cleaner->compaction == NULL) {
        CleanJob trim = {.job = {.apply = apply_trim, .publish = publish_trim}, .part = part};
        TRY(run_slice(log, &trim, err));
        *done = trim.done;
        if (!trim.done || !rules_of(log, part).compact)
            return OK;
        TRY(compaction_new(log, part, &cleaner->compaction, err));
        *done = cleaner->compaction == NULL;
        return OK;
    }
    CleanJob slice  = {.job = {.apply = apply_compaction}};
    Status   status = run_slice(log, &slice, err);
    *done           = slice.done;
    if (status != OK || slice.done) {
        compaction_free(cleaner->compaction);
        cleaner->compaction = NULL;
    }
    return status;
}

/* What the partitions have left. */
static Status end_round(Log *log, bool *more, Error *err)
{
    CleanJob orphans = {.job = {.apply = apply_orphans}}, shrink = {.job = {.apply = apply_give_back}};
    Status   status = run_slice(log, &orphans, err);
    if (status == OK && orphans.done && log->path != NULL)
        status = run_slice(log, &shrink, err);
    *more = status == OK && (!orphans.done || (log->path != NULL && !shrink.done));
    if (*more)
        return OK;
    if (log->cleaner->gives_back) /* what cannot be written back now will be later */
        (void)!sqlite3_wal_checkpoint_v2(log->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    cleaner_free(log);
    return status;
}

Status cleaner_slice(Log *log, bool *more, Error *err)
{
    if (log->cleaner == NULL)
        round_start(log);
    Cleaner *cleaner = log->cleaner;
    *more            = true;
    if (cleaner->topic == cleaner->count)
        return end_round(log, more, err);
    Topic *topic  = cleaner->topics[cleaner->topic];
    bool   done   = true;
    Status status = OK;
    if (!__atomic_load_n(&topic->deleted, __ATOMIC_RELAXED) && topic->parts[cleaner->part].damage == NULL)
        status = clean_partition(log, cleaner, &topic->parts[cleaner->part], &done, err);
    if (status == E_DAMAGED) { /* stays as it is; the others are cleaned all the same */
        if (notice_due(&log->damage_told, str_c(err->message), monotonic_now_us()))
            log_line(LOG_ERROR, "%s", err->message);
        done   = true;
        status = OK;
    }
    if (status != OK) {
        cleaner_free(log);
        return status;
    }
    if (done && ++cleaner->part >= topic->count) {
        cleaner->part = 0;
        cleaner->topic++;
    }
    return OK;
}

Status log_embedded_clean(Log *log, Error *err)
{
    for (bool more = true; more;) {
        pthread_mutex_lock(&log->db_lock);
        Status status = cleaner_slice(log, &more, err);
        pthread_mutex_unlock(&log->db_lock);
        TRY(status);
    }
    return OK;
}
