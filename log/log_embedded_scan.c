/*
 * log_embedded_scan.c - the chunks of a partition one after the other, with the proof that none is missing.
 *
 * Every offset below a partition's end is covered by exactly one chunk: appends leave no gap, and a chunk
 * that compaction writes covers what it took out as well (log_embedded_compact.c). So a chunk that begins
 * later than the one before has ended says that records are lost, be it by an index that has been
 * overwritten, a page that came back from an older time, or a file cut short; SQLite itself would notice none
 * of them.
 *
 * The first offset may have moved on since the caller has looked: retention commits first and publishes then.
 * Before a gap at the beginning is called damage, the partition's row is asked, in the same snapshot.
 */
#include <inttypes.h>

#include "log/log_embedded.h"

Status scan_open(ChunkScan *scan, Db *db, const Partition *part, int64_t from, int64_t end, Error *err)
{
    *scan = (ChunkScan){.db = db, .part = part, .expected = from, .end = end};
    if (from >= end)
        return OK;
    scan->stmt = db_bind(db, SQL_CHUNKS_FROM, err, "ii", part->id, from);
    return scan->stmt != NULL ? OK : db_unprepared(err);
}

void scan_close(ChunkScan *scan)
{
    if (scan->stmt != NULL)
        sqlite3_reset(scan->stmt);
    scan->stmt = NULL;
}

static Status damaged(const ChunkScan *scan, int64_t to, const char *what, Error *err)
{
    return log_records_damaged(scan->db->name, scan->part, scan->expected, to, what, err);
}

/* Nothing covers [expected, until). OK, and beyond it, where that was deleted. */
static Status check_gap(ChunkScan *scan, int64_t until, Error *err)
{
    sqlite3_stmt *stmt = db_bind(scan->db, SQL_PART_BOUNDS, err, "i", scan->part->id);
    bool          row, deleted;
    int64_t       first = 0;
    if (stmt == NULL)
        return db_unprepared(err);
    TRY(db_step(scan->db, stmt, &row, err));
    deleted = !row || sqlite3_column_int64(stmt, 2) == 0;
    if (row) {
        first = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    if (!deleted && first < until)
        return damaged(scan, until - 1, "the records are missing", err);
    scan->expected = until;
    return OK;
}

/* A failing step: the position is known, and what SQLite says is no help to find it. */
static Status step_failed(const ChunkScan *scan, Status status, Error *err)
{
    if (status != E_DAMAGED)
        return status;
    return damaged(scan, scan->end - 1,
                   "the pages of SQLite that lead to them are damaged, the first offset is lost", err);
}

static ChunkPlace place_of(sqlite3_stmt *stmt)
{
    return (ChunkPlace){
        .base          = sqlite3_column_int64(stmt, 0),
        .last          = sqlite3_column_int64(stmt, 2),
        .written       = sqlite3_column_int64(stmt, 4),
        .count         = sqlite3_column_int64(stmt, 5),
        .max_timestamp = sqlite3_column_int64(stmt, 6),
    };
}

Status scan_next(ChunkScan *scan, bool *found, Error *err)
{
    bool row = false;
    *found   = false;
    if (scan->expected >= scan->end)
        return OK;
    Status status = db_step(scan->db, scan->stmt, &row, err);
    if (status != OK)
        return step_failed(scan, status, err);
    if (!row)
        return check_gap(scan, scan->end, err);
    scan->id      = sqlite3_column_int64(scan->stmt, 3);
    scan->place   = place_of(scan->stmt);
    scan->records = db_column(scan->stmt, 1);
    if (sqlite3_column_int64(scan->stmt, 7) != chunk_checksum(scan->part->id, &scan->place, scan->records) ||
        scan->place.last < scan->expected)
        return damaged(scan, scan->place.last >= scan->expected ? scan->place.last : scan->expected,
                       "their checksum is wrong", err);
    if (scan->place.base > scan->expected)
        TRY(check_gap(scan, scan->place.base, err));
    scan->expected = scan->place.last + 1;
    *found         = true;
    return OK;
}

Status scan_parse(const ChunkScan *scan, Block *block, Error *err)
{
    size_t bad;
    if (block_parse(block, &bad))
        return OK;
    return log_records_damaged(scan->db->name, scan->part, block->bases[bad],
                               bad + 1 < block->chunks ? block->bases[bad + 1] - 1 : scan->expected - 1,
                               "they are no records", err);
}
