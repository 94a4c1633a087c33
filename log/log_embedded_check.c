/*
 * log_embedded_check.c - checksums of the embedded log: what is written is proven when it is read.
 *
 * SQLite checks its own structure, not what is in it: a flipped byte in a blob reads as if nothing had
 * happened, and an index page that was overwritten by an older one hides records. So each chunk carries a
 * checksum over its place and its records, chunks of a partition meet end to end (log_embedded_reader.c), and
 * each row of the small tables (topics, partitions, settings, positions) carries one over its columns, which
 * SQL gets from row_check(). XXH3 of libxxhash: it costs a tenth of copying the bytes out of SQLite.
 *
 * Frozen: layout 2 is defined by these functions.
 */
#include <inttypes.h>
#include <xxhash.h>

#include "log/log_embedded.h"

int64_t chunk_checksum(int64_t part, const ChunkPlace *place, Str records)
{
    int64_t head[] = {part, place->base, place->last, place->count, place->max_timestamp, place->written};
    return (int64_t)XXH3_64bits_withSeed(records.ptr, records.len, XXH3_64bits(head, sizeof head));
}

/* row_check(a, b, ...): types, lengths and bytes of all columns in turn, each hashed with the one before as
 * seed. */
static void row_check(sqlite3_context *context, int count, sqlite3_value **values)
{
    XXH64_hash_t hash = (XXH64_hash_t)count;
    for (int i = 0; i < count; i++) {
        int     type    = sqlite3_value_type(values[i]);
        int64_t head[2] = {type, sqlite3_value_bytes(values[i])};
        if (type == SQLITE_INTEGER) {
            head[1] = sqlite3_value_int64(values[i]);
            hash    = XXH3_64bits_withSeed(head, sizeof head, hash);
            continue;
        }
        hash = XXH3_64bits_withSeed(head, sizeof head, hash);
        if (type != SQLITE_NULL)
            hash = XXH3_64bits_withSeed(sqlite3_value_blob(values[i]), (size_t)sqlite3_value_bytes(values[i]),
                                        hash);
    }
    sqlite3_result_int64(context, (sqlite3_int64)hash);
}

int check_register(sqlite3 *handle)
{
    return sqlite3_create_function_v2(handle, "row_check", -1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, row_check,
                                      NULL, NULL, NULL);
}

Status log_file_damaged(const char *file, Error *err, const char *fmt, ...)
{
    char    what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return error_set(
        err, E_DAMAGED, NO_POS,
        "%s is damaged: %s. Put the file back from a backup, or stop the server and run 'sluice log "
        "repair %s': it keeps what can be read and says what is lost",
        file, what, file);
}

Status log_records_damaged(const char *file, const Partition *part, int64_t from, int64_t to,
                           const char *what, Error *err)
{
    return log_file_damaged(file, err, "topic %s partition %d, offsets %" PRId64 " to %" PRId64 ": %s",
                            part->topic->name, part->number, from, to, what);
}

Status chunk_write(Log *log, const Partition *part, int64_t base, int64_t last, int64_t written_ms,
                   const Chunk *chunk, Error *err)
{
    ChunkPlace place   = {base, last, (int64_t)chunk->count, chunk->max_timestamp, written_ms};
    Str        records = str_n(chunk->bytes.len > 0 ? chunk->bytes.ptr : "", chunk->bytes.len);
    return db_run(&log->db, SQL_CHUNK_ADD, err, "iiiiiiib", part->id, base, last, place.count,
                  place.max_timestamp, written_ms, chunk_checksum(part->id, &place, records), records);
}

Status part_write(Log *log, const Partition *part, SqlId what, int64_t bound, Error *err)
{
    TRY(db_run(&log->db, what, err, "ii", part->id, bound));
    if (sqlite3_changes(log->db.handle) == 1)
        return OK;
    return log_file_damaged(log->db.name, err, "topic %s partition %d: its first and last offset are damaged",
                            part->topic->name, part->number);
}
