/*
 * log_embedded_salvage.c - the chunks of a file that may be damaged anywhere, one after the other.
 *
 * The table is walked by ids, which is the order in which chunks were written. Where a page cannot be read,
 * each id behind it is asked for on its own until one answers: pages lie beside each other in no order, so
 * what follows may be whole. How far to ask is known from the far end of the table, or else from the index.
 */
#include <inttypes.h>

#include "log/log_embedded_rewrite.h"

/* Ids that did not answer, in a row, before the rest is given up: a second or two, and many times what an
 * inner page of SQLite leads to. */
enum { PROBES_MOST = 500000 };

static const char columns_of_1[] =
    "SELECT id, part, base, last, count, max_timestamp, written, 0, records FROM chunks";
static const char columns_of_2[] =
    "SELECT id, part, base, last, count, max_timestamp, written, proof, records FROM chunks";

typedef struct {
    Rewrite      *rewrite;
    sqlite3_stmt *walk, *probe;
    int64_t       id;  /* of the last chunk that answered, or was asked for */
    int64_t       end; /* greatest id; INT64_MAX: not known */
} Salvage;

static Status prepare(Db *db, const char *columns, const char *rest, sqlite3_stmt **out, Error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql, "%s %s", columns, rest);
    int code = sqlite3_prepare_v2(db->handle, sql, -1, out, NULL);
    return code == SQLITE_OK ? OK : db_prepare_fail(db, code, err);
}

/* The answer of a query for one number, or `otherwise` when it cannot be had. */
static int64_t ask(Db *db, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *stmt   = NULL;
    int64_t       answer = otherwise;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        answer = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return answer;
}

static int64_t find_end(Db *db)
{
    int64_t end = ask(db, "SELECT coalesce(max(id), 0) FROM chunks NOT INDEXED", -1);
    if (end < 0)
        end = ask(db, "SELECT coalesce(max(id), 0) FROM chunks INDEXED BY chunks_by_last", -1);
    return end < 0 ? INT64_MAX : end;
}

/* Are the bytes records? A file of layout 1 has no other proof. */
static bool is_readable(Str records, int64_t base)
{
    Block *block = block_new();
    size_t bad;
    block_add(block, base, records);
    bool good = block_parse(block, &bad);
    block_free(block);
    return good;
}

/* A bad one is told of where its id is the one that comes next: met again elsewhere it is no other loss. */
static Status copy_chunk(Salvage *salvage, sqlite3_stmt *row, bool is_next, Error *err)
{
    Rewrite   *rewrite = salvage->rewrite;
    int64_t    part    = sqlite3_column_int64(row, 1);
    ChunkPlace place   = {.base          = sqlite3_column_int64(row, 2),
                          .last          = sqlite3_column_int64(row, 3),
                          .count         = sqlite3_column_int64(row, 4),
                          .max_timestamp = sqlite3_column_int64(row, 5),
                          .written       = sqlite3_column_int64(row, 6)};
    Str        records = db_column(row, 8);
    bool       good = place.base <= place.last && !str_is_null(records) && is_readable(records, place.base);
    if (good && rewrite->layout >= 2)
        good = sqlite3_column_int64(row, 7) == chunk_checksum(part, &place, records);
    if (!good && !is_next)
        return OK;
    if (!good)
        return rewrite_lose(rewrite, err, "chunk %" PRId64 " is damaged and left out", salvage->id);
    return db_run(&rewrite->to, SQL_CHUNK_SALVAGE, err, "iiiiiiib", part, place.base, place.last, place.count,
                  place.max_timestamp, place.written, chunk_checksum(part, &place, records), records);
}

/* Ids grow as one walks. Where a damaged page leads to another's chunks they do not, and a chunk may have an
 * id that nobody gave it: such chunks are taken, but who went on from them would go round for ever, or pass
 * by all the others. */
static bool is_next_id(const Salvage *salvage, int64_t id)
{
    if (id <= salvage->id || id > salvage->end)
        return false;
    return salvage->end < INT64_MAX || salvage->id == 0 || id - salvage->id <= PROBES_MOST;
}

/* Walks on behind salvage->id. *over: the table ends; else the row behind salvage->id is unreadable. */
static Status walk(Salvage *salvage, bool *over, Error *err)
{
    Status status = OK;
    sqlite3_bind_int64(salvage->walk, 1, salvage->id);
    int code;
    while ((code = sqlite3_step(salvage->walk)) == SQLITE_ROW && status == OK) {
        int64_t id   = sqlite3_column_int64(salvage->walk, 0);
        bool    next = is_next_id(salvage, id);
        salvage->id  = next ? id : salvage->id;
        status       = copy_chunk(salvage, salvage->walk, next, err);
    }
    sqlite3_reset(salvage->walk);
    *over = code == SQLITE_DONE;
    if (status != OK || code == SQLITE_DONE)
        return status;
    return rewrite_forgive(salvage->rewrite, db_fail(&salvage->rewrite->from, code, err), err);
}

/* Asks for the ids behind salvage->id, one by one. *found: there is one to go on from. */
static Status probe(Salvage *salvage, bool *found, Error *err)
{
    int64_t silent = 0;
    *found         = false;
    while (!*found && salvage->id < salvage->end && silent < PROBES_MOST) {
        salvage->id++;
        silent++;
        sqlite3_bind_int64(salvage->probe, 1, salvage->id);
        Status status = OK;
        if ((*found = sqlite3_step(salvage->probe) == SQLITE_ROW))
            status = copy_chunk(salvage, salvage->probe, true, err);
        sqlite3_reset(salvage->probe);
        TRY(status);
    }
    return OK;
}

static Status salvage_all(Salvage *salvage, Error *err)
{
    for (bool over = false, found = true; !over && found;) {
        TRY(walk(salvage, &over, err));
        if (over)
            break;
        TRY(probe(salvage, &found, err));
    }
    return OK;
}

Status salvage_chunks(Rewrite *rewrite, Error *err)
{
    Salvage     salvage = {.rewrite = rewrite, .end = find_end(&rewrite->from)};
    const char *columns = rewrite->layout >= 2 ? columns_of_2 : columns_of_1;
    Status      status =
        prepare(&rewrite->from, columns, "NOT INDEXED WHERE id > ? ORDER BY id", &salvage.walk, err);
    if (status == OK)
        status = prepare(&rewrite->from, columns, "NOT INDEXED WHERE id = ?", &salvage.probe, err);
    if (status == OK)
        status = salvage_all(&salvage, err);
    sqlite3_finalize(salvage.walk);
    sqlite3_finalize(salvage.probe);
    return status;
}
