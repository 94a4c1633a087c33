/*
 * log_embedded_rewrite.c - see log_embedded_rewrite.h.
 *
 * The new file is written beside the old one, flushed, and takes its name in one step: whatever ends the
 * process before leaves the old file as it was. A repair keeps the old one under another name.
 *
 * Layout 1 (until November 2026) had no checksums and left gaps where compaction took records; layout 2
 * covers each offset by a chunk. So an upgrade puts an empty chunk into each gap, and a repair does the same
 * where records are lost, after it has said so.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "log/log_embedded_rewrite.h"

Status rewrite_lose(Rewrite *rewrite, Error *err, const char *fmt, ...)
{
    char    what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (!rewrite->lenient)
        return log_file_damaged(rewrite->from.name, err, "%s", what);
    rewrite->lost++;
    rewrite->say(rewrite->context, what);
    return OK;
}

Status rewrite_forgive(Rewrite *rewrite, Status status, Error *err)
{
    if (status != E_DAMAGED || !rewrite->lenient)
        return status;
    char what[256];
    snprintf(what, sizeof what, "%.*s", (int)sizeof what - 1, sqlite3_errmsg(rewrite->from.handle));
    return rewrite_lose(rewrite, err, "a part of the file cannot be read: %s", what);
}

/* ---- small tables, row by row ---- */

typedef Status (*CopyRow)(Rewrite *rewrite, sqlite3_stmt *row, Error *err);

static Status copy_rows(Rewrite *rewrite, const char *sql, CopyRow copy, Error *err)
{
    sqlite3_stmt *stmt;
    int           code = sqlite3_prepare_v2(rewrite->from.handle, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return rewrite_forgive(rewrite, db_prepare_fail(&rewrite->from, code, err), err);
    Status status = OK;
    while (status == OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        status = copy(rewrite, stmt, err);
    if (status == OK && code != SQLITE_DONE)
        status = rewrite_forgive(rewrite, db_fail(&rewrite->from, code, err), err);
    sqlite3_finalize(stmt);
    return status;
}

static Status bind_and_run(Rewrite *rewrite, const char *sql, sqlite3_stmt *row, int columns, Error *err)
{
    sqlite3_stmt *stmt;
    int           code = sqlite3_prepare_v2(rewrite->to.handle, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(&rewrite->to, code, err);
    for (int i = 0; i < columns; i++)
        sqlite3_bind_value(stmt, i + 1, sqlite3_column_value(row, i));
    code = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (code == SQLITE_CONSTRAINT) /* twice the same, or NULL: a flipped bit in a name or number */
        return rewrite_lose(rewrite, err, "an entry contradicts another one and is left out");
    return code == SQLITE_DONE ? OK : db_fail(&rewrite->to, code, err);
}

/* The last column of each row says whether its proof is right. */

static Status copy_topic(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    if (sqlite3_column_int(row, 4) == 0)
        TRY(rewrite_lose(rewrite, err, "the entry of topic %s is damaged, it is taken as it is",
                         (const char *)sqlite3_column_text(row, 1)));
    return bind_and_run(rewrite, "INSERT INTO topics VALUES (?1, ?2, ?3, ?4, row_check(?2, ?3, ?4))", row, 4,
                        err);
}

static Status copy_config(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    if (sqlite3_column_int(row, 3) == 0)
        return rewrite_lose(rewrite, err,
                            "a setting of topic number %" PRId64 " is lost (%s): it has its default",
                            (int64_t)sqlite3_column_int64(row, 0), (const char *)sqlite3_column_text(row, 1));
    return bind_and_run(rewrite, "INSERT INTO configs VALUES (?1, ?2, ?3, row_check(?1, ?2, ?3))", row, 3,
                        err);
}

/* One whose row is damaged comes back from the index, which has its place but not its bounds. */
static Status copy_part(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    if (sqlite3_column_int(row, 5) == 0)
        return rewrite_lose(rewrite, err, "the bounds of a partition are damaged (entry %" PRId64 ")",
                            (int64_t)sqlite3_column_int64(row, 0));
    return bind_and_run(rewrite, "INSERT INTO parts VALUES (?1, ?2, ?3, ?4, ?5, row_check(?2, ?3, ?4, ?5))",
                        row, 5, err);
}

static Status copy_part_of_index(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    return bind_and_run(rewrite, "INSERT OR IGNORE INTO parts VALUES (?1, ?2, ?3, -1, 0, 0)", row, 3, err);
}

static Status copy_group(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    if (sqlite3_column_int(row, 4) == 0)
        return rewrite_lose(rewrite, err, "a position of group %s is lost",
                            (const char *)sqlite3_column_text(row, 0));
    return bind_and_run(rewrite, "INSERT INTO groups VALUES (?1, ?2, ?3, ?4, row_check(?1, ?2, ?3, ?4))", row,
                        4, err);
}

static Status copy_meta(Rewrite *rewrite, sqlite3_stmt *row, Error *err)
{
    if (sqlite3_column_int(row, 2) == 0)
        return rewrite_lose(rewrite, err, "the %s of the log is lost",
                            (const char *)sqlite3_column_text(row, 0));
    return bind_and_run(rewrite, "INSERT INTO meta VALUES (?1, ?2, row_check(?1, ?2))", row, 2, err);
}

static const struct {
    const char *sql[2]; /* of layout 1, of layout 2 */
    CopyRow     copy;
} tables[] = {
    {{"SELECT name, value, 1 FROM meta", "SELECT name, value, proof = row_check(name, value) FROM meta"},
     copy_meta},
    {{"SELECT id, name, replicas, (SELECT count(*) FROM parts WHERE topic = topics.id), 1 FROM topics",
      "SELECT id, name, replicas, partitions, proof = row_check(name, replicas, partitions) FROM topics"},
     copy_topic},
    {{"SELECT topic, name, value, 1 FROM configs",
      "SELECT topic, name, value, proof = row_check(topic, name, value) FROM configs"},
     copy_config},
    {{"SELECT id, topic, number, first, next, 1 FROM parts WHERE topic IS NOT NULL",
      "SELECT id, topic, number, first, next, proof = row_check(topic, number, first, next) FROM parts"
      " WHERE topic IS NOT NULL"},
     copy_part},
    {{"SELECT id, topic, number FROM parts INDEXED BY parts_by_topic WHERE topic IS NOT NULL",
      "SELECT id, topic, number FROM parts INDEXED BY parts_by_topic WHERE topic IS NOT NULL"},
     copy_part_of_index},
    {{"SELECT name, topic, part, position, 1 FROM groups",
      "SELECT name, topic, part, position, proof = row_check(name, topic, part, position) FROM groups"},
     copy_group},
};

/* ---- what belongs together ---- */

/* Runs a statement and, if it has changed something, tells what that means. */
static Status mend(Rewrite *rewrite, const char *sql, const char *means, Error *err)
{
    int before = sqlite3_total_changes(rewrite->to.handle);
    TRY(db_exec(&rewrite->to, sql, err));
    return sqlite3_total_changes(rewrite->to.handle) == before ? OK : rewrite_lose(rewrite, err, "%s", means);
}

/* A topic without its entry gets a name, a topic without one of its partitions an empty one. Records whose
 * partition is not known go before a new partition could get its number. */
static Status complete_topics(Rewrite *rewrite, Error *err)
{
    TRY(mend(rewrite,
             "INSERT INTO topics SELECT topic, 'recovered-' || topic, 1, max(number) + 1,"
             " row_check('recovered-' || topic, 1, max(number) + 1) FROM parts"
             " WHERE topic NOT IN (SELECT id FROM topics) AND number >= 0 AND number < 100000 GROUP BY topic",
             "topics have lost their names, which are recovered-NUMBER now", err));
    TRY(mend(
        rewrite,
        "DELETE FROM parts WHERE id NOT IN (SELECT min(id) FROM parts GROUP BY topic, number) OR number < 0"
        " OR number >= (SELECT partitions FROM topics WHERE id = parts.topic)",
        "entries of partitions that cannot be are left out", err));
    int64_t before = sqlite3_total_changes(rewrite->to.handle);
    TRY(db_exec(&rewrite->to, "DELETE FROM chunks WHERE part NOT IN (SELECT id FROM parts)", err));
    if (sqlite3_total_changes(rewrite->to.handle) > before && rewrite->lenient)
        TRY(rewrite_lose(rewrite, err, "records of topics that are deleted or unknown are left out"));
    return mend(
        rewrite,
        "INSERT INTO parts(topic, number, first, next, proof)"
        " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(partitions)"
        " FROM topics)) SELECT t.id, i, 0, 0, row_check(t.id, i, 0, 0) FROM topics t JOIN n"
        " ON i < partitions WHERE NOT EXISTS (SELECT 1 FROM parts WHERE topic = t.id AND number = i)",
        "partitions have lost their entries and are empty now", err);
}

typedef struct {
    int64_t id, number, first, next;
    char    topic[256];
} Part;

static Status lose_range(Rewrite *rewrite, const Part *part, int64_t from, int64_t to, Error *err)
{
    if (rewrite->layout < 2)
        return OK; /* compaction left such gaps, and nothing tells them from a loss */
    return rewrite_lose(rewrite, err,
                        "topic %s partition %" PRId64 ": the records at offsets %" PRId64 " to %" PRId64
                        " are lost",
                        part->topic, part->number, from, to);
}

static Status cover(Rewrite *rewrite, const Part *part, int64_t from, int64_t to, Error *err)
{
    ChunkPlace place = {.base = from, .last = to};
    Str        none  = str_n("", 0);
    TRY(lose_range(rewrite, part, from, to, err));
    return db_run(&rewrite->to, SQL_CHUNK_ADD, err, "iiiiiiib", part->id, from, to, (int64_t)0, (int64_t)0,
                  (int64_t)0, chunk_checksum(part->id, &place, none), none);
}

/* Goes through the chunks in order: what overlaps goes, gaps are covered. *end: behind the last one. */
static Status cover_gaps(Rewrite *rewrite, const Part *part, int64_t *end, Error *err)
{
    sqlite3_stmt *stmt;
    Status        status = OK;
    int           code   = sqlite3_prepare_v2(
                    rewrite->to.handle, "SELECT id, base, last FROM chunks WHERE part = ? AND last >= ? ORDER BY last",
                    -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(&rewrite->to, code, err);
    sqlite3_bind_int64(stmt, 1, part->id);
    sqlite3_bind_int64(stmt, 2, part->first);
    *end = part->first;
    for (bool first = true; status == OK && (code = sqlite3_step(stmt)) == SQLITE_ROW; first = false) {
        int64_t id = sqlite3_column_int64(stmt, 0), base = sqlite3_column_int64(stmt, 1);
        int64_t last = sqlite3_column_int64(stmt, 2);
        if (base < *end && !first) {
            status = rewrite_lose(rewrite, err, "chunk %" PRId64 " overlaps another one and is left out", id);
            if (status == OK)
                status = db_run(&rewrite->to, SQL_CHUNK_DROP, err, "i", id);
            continue;
        }
        if (base > *end)
            status = cover(rewrite, part, *end, base - 1, err);
        *end = last + 1;
    }
    if (status == OK && code != SQLITE_DONE)
        status = db_fail(&rewrite->to, code, err);
    sqlite3_finalize(stmt);
    return status;
}

/* Where the bounds are lost they begin with the first chunk that there is. */
static Status find_first(Rewrite *rewrite, Part *part, Error *err)
{
    sqlite3_stmt *stmt;
    int           code = sqlite3_prepare_v2(
                  rewrite->to.handle, "SELECT coalesce(min(base), 0) FROM chunks WHERE part = ?", -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(&rewrite->to, code, err);
    sqlite3_bind_int64(stmt, 1, part->id);
    Status status = OK;
    if ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        part->first = sqlite3_column_int64(stmt, 0);
    else
        status = db_fail(&rewrite->to, code, err);
    sqlite3_finalize(stmt);
    return status;
}

static Status complete_part(Rewrite *rewrite, Part *part, Error *err)
{
    if (part->first < 0)
        TRY(find_first(rewrite, part, err));
    int64_t end = part->first;
    TRY(cover_gaps(rewrite, part, &end, err));
    if (end < part->next)
        TRY(cover(rewrite, part, end, part->next - 1, err)); /* no offset is given out twice */
    if (end < part->next)
        end = part->next;
    char sql[256];
    snprintf(sql, sizeof sql,
             "UPDATE parts SET first = %" PRId64 ", next = %" PRId64
             ", proof = row_check(topic, number, %" PRId64 ", %" PRId64 ") WHERE id = %" PRId64,
             part->first, end, part->first, end, part->id);
    return db_exec(&rewrite->to, sql, err);
}

/* The list first, for the partitions change under way. */
static Status complete_parts(Rewrite *rewrite, Error *err)
{
    Part         *parts  = NULL;
    size_t        count  = 0;
    Status        status = OK;
    sqlite3_stmt *stmt;
    int           code = sqlite3_prepare_v2(rewrite->to.handle,
                                            "SELECT p.id, p.number, p.first, p.next, t.name FROM parts p"
                                                      " JOIN topics t ON t.id = p.topic",
                                            -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return db_fail(&rewrite->to, code, err);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        parts      = mem_realloc(parts, (count + 1) * sizeof *parts);
        Part *part = &parts[count++];
        *part      = (Part){.id     = sqlite3_column_int64(stmt, 0),
                            .number = sqlite3_column_int64(stmt, 1),
                            .first  = sqlite3_column_int64(stmt, 2),
                            .next   = sqlite3_column_int64(stmt, 3)};
        Str name   = db_column(stmt, 4);
        snprintf(part->topic, sizeof part->topic, STR_FMT, STR_ARG(name));
    }
    if (code != SQLITE_DONE)
        status = db_fail(&rewrite->to, code, err);
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < count && status == OK; i++)
        status = complete_part(rewrite, &parts[i], err);
    mem_free(parts);
    return status;
}

static Status rewrite_all(Rewrite *rewrite, Error *err)
{
    TRY(db_exec(&rewrite->to, "BEGIN", err));
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        TRY(copy_rows(rewrite, tables[i].sql[rewrite->layout >= 2], tables[i].copy, err));
    TRY(salvage_chunks(rewrite, err));
    TRY(complete_topics(rewrite, err));
    TRY(complete_parts(rewrite, err));
    return db_exec(&rewrite->to, "COMMIT", err);
}

/* ---- files ---- */

static Status flush_path(const char *path, int flags, Error *err)
{
    int  fd   = open(path, flags | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    int  why  = errno;
    if (fd >= 0)
        close(fd);
    return good ? OK : error_set(err, E_IO, NO_POS, "%s: %s", path, strerror(why));
}

static Status flush_directory_of(const char *path, Error *err)
{
    char       *copy   = mem_strdup(path);
    char       *slash  = strrchr(copy, '/');
    const char *where  = slash == NULL ? "." : slash == copy ? "/" : (*slash = '\0', copy);
    Status      status = flush_path(where, O_RDONLY | O_DIRECTORY, err);
    mem_free(copy);
    return status;
}

static void unlink_with(const char *path, const char *ending)
{
    StrBuf name = {0};
    strbuf_addf(&name, "%s%s", path, ending);
    char *text = str_to_heap(strbuf_str(&name));
    unlink(text);
    mem_free(text);
    strbuf_clear(&name);
}

static Status drop_wal(const char *path, const char *kept, Error *err)
{
    StrBuf from = {0}, to = {0};
    strbuf_addf(&from, "%s-wal%c", path, '\0');
    strbuf_addf(&to, "%s-wal%c", kept != NULL ? kept : "", '\0');
    int    failed = kept != NULL ? rename(from.ptr, to.ptr) : unlink(from.ptr);
    Status status = failed != 0 && errno != ENOENT
                        ? error_set(err, E_IO, NO_POS, "%s: %s", from.ptr, strerror(errno))
                        : OK;
    strbuf_clear(&from);
    strbuf_clear(&to);
    unlink_with(path, "-shm");
    return status;
}

/* The old file goes, or stays as `kept`. */
static Status take_place(const char *path, const char *fresh, const char *kept, Error *err)
{
    TRY(flush_path(fresh, O_RDWR, err));
    if (kept != NULL && link(path, kept) != 0)
        return error_set(err, E_IO, NO_POS, "cannot keep %s as %s: %s", path, kept, strerror(errno));
    /* All that counts of the WAL is in the new file, and SQLite would apply it to whatever has the name. */
    TRY(drop_wal(path, kept, err));
    if (rename(fresh, path) != 0)
        return error_set(err, E_IO, NO_POS, "cannot rename %s: %s", fresh, strerror(errno));
    return flush_directory_of(path, err);
}

static Status open_both(Rewrite *rewrite, const char *path, const char *fresh, Error *err)
{
    TRY(db_open_raw(&rewrite->from, path, err));
    /* Without it SQLite refuses all of a file that is shorter than it should be. */
    if (rewrite->lenient) {
        /* Closing would write the WAL back and delete it: it stays with the old file. */
        sqlite3_db_config(rewrite->from.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        TRY(db_exec(&rewrite->from, "PRAGMA writable_schema=ON", err));
    }
    TRY(db_layout(&rewrite->from, &rewrite->layout, err));
    if (rewrite->layout < 1 || rewrite->layout > LAYOUT)
        return error_set(err, E_CONFIG, NO_POS, "%s: layout %d is not one that this version can read", path,
                         rewrite->layout);
    unlink_with(fresh, "");
    unlink_with(fresh, "-journal");
    TRY(db_open_raw(&rewrite->to, fresh, err));
    TRY(db_exec(&rewrite->to,
                "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", err));
    return db_create(&rewrite->to, err);
}

static Status rewrite_file(Rewrite *rewrite, const char *path, const char *kept, Error *err)
{
    StrBuf name = {0};
    strbuf_addf(&name, "%s.new", path);
    char  *fresh  = str_to_heap(strbuf_str(&name));
    Status status = open_both(rewrite, path, fresh, err);
    if (status == OK)
        status = rewrite_all(rewrite, err);
    db_close(&rewrite->from);
    db_close(&rewrite->to);
    if (status == OK)
        status = take_place(path, fresh, kept, err);
    if (status != OK)
        unlink(fresh);
    mem_free(fresh);
    strbuf_clear(&name);
    return status;
}

Status log_upgrade(const char *path, int *layout, Error *err)
{
    Db      old     = {0};
    Rewrite rewrite = {0};
    TRY(db_open_raw(&old, path, err));
    Status status = db_layout(&old, layout, err);
    db_close(&old);
    if (status != OK || *layout != 1)
        return status;
    log_line(LOG_INFO, "%s is brought from layout 1 to %d", path, LAYOUT);
    return rewrite_file(&rewrite, path, NULL, err);
}

/* PATH.damaged, or with a number behind: what an earlier repair has kept stays. */
static char *free_name(const char *path)
{
    StrBuf name = {0};
    strbuf_addf(&name, "%s.damaged", path);
    char *kept = str_to_heap(strbuf_str(&name));
    for (int n = 2; access(kept, F_OK) == 0; n++) {
        mem_free(kept);
        strbuf_reset(&name);
        strbuf_addf(&name, "%s.damaged-%d", path, n);
        kept = str_to_heap(strbuf_str(&name));
    }
    strbuf_clear(&name);
    return kept;
}

Status log_embedded_repair(const char *path, LogSay say, void *context, Error *err)
{
    Rewrite rewrite = {.lenient = true, .say = say, .context = context};
    if (access(path, R_OK | W_OK) != 0)
        return error_set(err, E_NOT_FOUND, NO_POS, "%s: %s", path, strerror(errno));
    int fd;
    TRY(log_lock_file(path, &fd, err));
    if (wal_check(path, err) == E_DAMAGED)
        TRY(rewrite_lose(&rewrite, err, "%s", err->message));
    char  *kept   = free_name(path);
    Status status = rewrite_file(&rewrite, path, kept, err);
    if (status == OK && rewrite.lost > 0) {
        char what[512];
        snprintf(what, sizeof what, "the file as it was is kept as %s", kept);
        say(context, what);
    }
    if (status == OK)
        witness_forget(path); /* what is lost was told */
    if (status == OK && rewrite.lost == 0) {
        unlink_with(kept, "");
        unlink_with(kept, "-wal");
    }
    mem_free(kept);
    close(fd);
    return status;
}

/* ---- looking only ---- */

static Status check_part(Log *log, const Partition *part, Rewrite *told, Error *err)
{
    if (part->damage != NULL) {
        told->lost++;
        told->say(told->context, part->damage);
        return OK;
    }
    ChunkScan scan;
    bool      found  = true;
    Status    status = scan_open(&scan, &log->db, part, part->first, part->end, err);
    while (status == OK && found)
        status = scan_next(&scan, &found, err);
    scan_close(&scan);
    if (status != E_DAMAGED)
        return status;
    told->lost++;
    told->say(told->context, err->message);
    return OK;
}

Status log_embedded_check(const char *path, LogSay say, void *context, int64_t *damages, Error *err)
{
    Rewrite told = {.say = say, .context = context};
    Log    *log;
    if (access(path, R_OK | W_OK) != 0)
        return error_set(err, E_NOT_FOUND, NO_POS, "%s: %s", path, strerror(errno));
    TRY(log_open_embedded(path, clock_system(), &log, err));
    Status status = OK;
    pthread_mutex_lock(&log->db_lock);
    for (size_t i = 0; i < log->topic_count; i++)
        for (int p = 0; p < log->topics[i]->count && status == OK; p++)
            status = check_part(log, &log->topics[i]->parts[p], &told, err);
    pthread_mutex_unlock(&log->db_lock);
    log_close(log);
    *damages = told.lost;
    return status;
}
