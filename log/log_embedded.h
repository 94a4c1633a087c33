/*
 * log_embedded.h - inside the embedded log: what its files share. Not for anybody else, but tests
 * (log_embedded_clean).
 *
 * Records lie in SQLite as chunks: a run of records of one partition, written by one transaction, packed in a
 * blob. Topics, their settings and the bounds of their partitions are in memory too, loaded at the start; a
 * change goes to SQLite first and is published in memory after the COMMIT, so that nobody sees what might
 * still be rolled back.
 *
 * All changes are jobs. With a file, one writer thread takes all jobs that wait and commits them in one
 * SQLite transaction (synchronous=FULL costs a disk flush, so grouping matters), each in a savepoint of its
 * own. In memory the caller runs his job himself: no thread, and the same calls in the same order give the
 * same log.
 *
 * Locks: db_lock (the connection `db`) before lock (all else of the Log). A LogWriter's lock comes after none
 * and before none.
 */
#ifndef SLUICE_LOG_LOG_EMBEDDED_H
#define SLUICE_LOG_LOG_EMBEDDED_H

#include <pthread.h>
#include <sqlite3.h>

#include "core/logger.h"
#include "core/notice.h"
#include "log/log_backend.h"

/* ---- SQLite (log_embedded_db.c) ---- */

typedef enum {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_ROLLBACK_TO,
    SQL_META_GET,
    SQL_META_PUT,
    SQL_TOPIC_ADD,
    SQL_TOPIC_DROP,
    SQL_TOPICS,
    SQL_CONFIG_PUT,
    SQL_CONFIGS,
    SQL_CONFIGS_DROP,
    SQL_PART_ADD,
    SQL_PARTS,
    SQL_PART_BOUNDS,
    SQL_PART_LAST,
    SQL_PART_FIRST,
    SQL_PART_END,
    SQL_PARTS_ORPHAN,
    SQL_PARTS_HIGHEST,
    SQL_ORPHAN,
    SQL_PART_DROP,
    SQL_CHUNK_ADD,
    SQL_CHUNK_SALVAGE,
    SQL_CHUNKS_FROM,
    SQL_CHUNK_FOR_TIME,
    SQL_CHUNK_DROP,
    SQL_CHUNKS_DROP_BELOW,
    SQL_CHUNKS_DROP_SOME,
    SQL_CHUNKS_SIZE,
    SQL_CHUNKS_AGE,
    SQL_CHUNKS_COUNT,
    SQL_GROUP_PUT,
    SQL_GROUP_GET,
    SQL_GIVE_BACK,
    SQL_FREE_PAGES,
    SQL_STATEMENTS,
} SqlId;

typedef struct {
    sqlite3      *handle;
    sqlite3_stmt *statements[SQL_STATEMENTS]; /* prepared when first used */
    char         *name;                       /* of the file, for messages */
} Db;

enum { LAYOUT = 2 }; /* of the file: PRAGMA user_version */

/* `path` NULL: in memory. E_DAMAGED: not readable as what it should be; E_CONFIG: of another version. */
Status db_open(Db *db, const char *path, bool read_only, Error *err);
/* Opens whatever is there (or a new file) and looks at nothing, for rewriting. */
Status db_open_raw(Db *db, const char *path, Error *err);
/* Writes the schema of this layout into an empty database. */
Status db_create(Db *db, Error *err);
/* PRAGMA user_version of the file; 0 for one that is empty. */
Status db_layout(Db *db, int *layout, Error *err);
Status db_exec(Db *db, const char *sql, Error *err);
/* What a failed call of SQLite means to us, as an Error with the file's name. */
Status db_fail(Db *db, int code, Error *err);
void   db_close(Db *db);
/* The prepared statement with its parameters: i int64_t, t Str as text, b Str as blob (both borrowed until
 * the reset; a null Str is NULL). NULL and err when it cannot be prepared. */
sqlite3_stmt *db_bind(Db *db, SqlId id, Error *err, const char *types, ...);
/* The status after a NULL of db_bind. */
Status db_unprepared(const Error *err);
/* db_fail of a statement that cannot be prepared: a table or column of ours that is not there is damage. */
Status db_prepare_fail(Db *db, int code, Error *err);
/* Steps: *row says whether there is one. After the last row, or on failure, the statement is reset. */
Status db_step(Db *db, sqlite3_stmt *stmt, bool *row, Error *err);
/* Runs a statement that returns no rows. */
Status db_run(Db *db, SqlId id, Error *err, const char *types, ...);
/* The first `count` columns of a statement's only row, as integers; 0 each when there is no row. */
Status db_ask(Db *db, SqlId id, int64_t *out, size_t count, Error *err, const char *types, ...);
Str    db_column(sqlite3_stmt *stmt, int column); /* text or blob; NULL is a null Str */

/* ---- checksums (log_embedded_check.c) ---- */

typedef struct {        /* a row of chunks without its records */
    int64_t base, last; /* it covers these offsets, with gaps where compaction took records */
    int64_t count, max_timestamp, written;
} ChunkPlace;

int64_t chunk_checksum(int64_t part, const ChunkPlace *place, Str records);
/* Gives the connection the SQL function row_check. Answers SQLite's code. */
int check_register(sqlite3 *handle);
/* E_DAMAGED when the WAL of the file at `path` has lost transactions that were acknowledged
 * (log_embedded_wal.c). Before SQLite opens the file. */
Status wal_check(const char *path, Error *err);
/* E_DAMAGED with file, place and what to do. */
Status log_file_damaged(const char *file, Error *err, const char *fmt, ...) SL_PRINTF(3, 4);

/* ---- chunks (log_embedded_chunk.c) ---- */

enum { CHUNK_BYTES = 128 * 1024, RECORD_BYTES_MAX = 64 * 1024 * 1024 };

typedef struct {
    StrBuf  bytes;
    size_t  count;
    int64_t max_timestamp;
    int64_t last_delta; /* offset of the last record minus the base */
} Chunk;

/* Appends a record whose offset is base + delta. */
void chunk_add(Chunk *chunk, uint32_t delta, const LogRecord *record);
void chunk_clear(Chunk *chunk);
/* Size a record takes, E_LIMIT beyond RECORD_BYTES_MAX. */
Status chunk_record_size(const LogRecord *record, size_t *size, Error *err);

/* Chunks read back: records point into bytes. Counted, for batches share it with the reader. Thread: the
 * reader's. */
typedef struct Block Block;
struct Block {
    int        refs;
    StrBuf     bytes;
    LogRecord *records;
    size_t     count, capacity;
    Header    *headers;
    size_t     header_count, header_capacity;
    size_t    *starts; /* of each chunk in bytes */
    int64_t   *bases;
    size_t     chunks, chunk_capacity;
};

Block *block_new(void);
void   block_reset(Block *block);
void   block_free(Block *block);
/* Adds a chunk's bytes; block_parse then makes the records. False, with its number, where a chunk's bytes are
 * none: its checksum was right, so somebody else wrote it. */
void block_add(Block *block, int64_t base, Str bytes);
bool block_parse(Block *block, size_t *bad_chunk);

/* ---- topics (log_embedded_topic.c) ---- */

typedef struct Topic Topic;

typedef struct {
    Topic  *topic;
    int     number;
    int64_t id;         /* parts.id */
    int64_t first, end; /* what readers see. Under lock */
    int64_t next;       /* end with what is being written. Under db_lock */
    int64_t clean_to;   /* all below has been compacted. Under db_lock */
    char   *damage;     /* why it can be neither read nor written, or NULL. Set while the log opens */
} Partition;

Status log_records_damaged(const char *file, const Partition *part, int64_t from, int64_t to,
                           const char *what, Error *err);

struct Topic {
    int        refs; /* under lock */
    int64_t    id;
    char      *name;
    int        count, replicas;
    bool       deleted;         /* written under lock, read anywhere (atomic) */
    bool       leaving;         /* deleted by a job that is not committed yet. Under db_lock */
    bool       compact, retain; /* cleanup.policy has compact (as deleted), delete (under lock) */
    int64_t    retention_ms, retention_bytes, delete_retention_ms;
    double     dirty_ratio;
    LogConfig *configs; /* heap texts; under lock */
    size_t     config_count;
    Partition  parts[];
};

Status topics_load(Log *log, Error *err);
/* E_NOT_FOUND: it is deleted, or will be by a job before this one. In a job. */
Status topic_check_there(const Topic *topic, Error *err);
/* Both under lock. topic_find adds no reference. */
Topic *topic_find(Log *log, Str name);
void   topic_unref(Topic *topic);

Status embedded_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                             size_t count, Error *err);
Status embedded_topic_delete(Log *log, Str name, Error *err);
Status embedded_topic_info(Log *log, Str name, TopicInfo *out, Error *err);
Status embedded_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err);
Status embedded_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err);
Status embedded_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err);
Status embedded_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err);
Status embedded_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err);
Status embedded_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err);
/* The partition with a reference on its topic. */
Status embedded_find_partition(Log *log, Str topic, int partition, Partition **out, Error *err);

/* ---- reading with proof (log_embedded_scan.c) ---- */

/* The chunks of a partition that cover [from, end) are read one after the other, each proven: its checksum,
 * and that it begins where the one before has ended. Opened, stepped and closed under db_lock, or with a
 * connection of one's own. */
typedef struct {
    Db              *db;
    const Partition *part;
    int64_t          expected, end; /* first offset not yet covered; where it stops */
    sqlite3_stmt    *stmt;
    int64_t          id;
    ChunkPlace       place; /* of the chunk that scan_next has found */
    Str              records;
} ChunkScan;

Status scan_open(ChunkScan *scan, Db *db, const Partition *part, int64_t from, int64_t end, Error *err);
/* *found false: [from, end) is covered. E_DAMAGED names the offsets. */
Status scan_next(ChunkScan *scan, bool *found, Error *err);
void   scan_close(ChunkScan *scan);
/* block_parse of what a scan has found. */
Status scan_parse(const ChunkScan *scan, Block *block, Error *err);

/* ---- the log and its jobs (log_embedded.c, log_embedded_commit.c) ---- */

typedef struct Job Job;
struct Job {
    Status (*apply)(Log *log, Job *job, Error *err); /* under db_lock, in a savepoint */
    void (*publish)(Log *log, Job *job);             /* after the COMMIT, under lock; may be NULL */
    void (*undo)(Log *log, Job *job);                /* after a rollback, under db_lock; may be NULL */
    void (*finished)(Log *log, Job *job); /* nobody waits: called last, no lock held; NULL: somebody waits */
    void  *context;
    Status status;
    Error *err;
    bool   done; /* under lock */
    Job   *next;
};

typedef struct Name Name; /* a transactional id or a group: what its newest owner has as number */
struct Name {
    char    *text;
    uint64_t epoch;
    Name    *next;
};

typedef struct Cleaner Cleaner;
typedef struct Witness Witness;

struct Log {
    LogHandle       base;
    Clock          *clock;
    char           *path; /* NULL: in memory */
    int             lock_fd;
    Db              db;
    pthread_mutex_t db_lock;
    pthread_mutex_t lock;
    pthread_cond_t  changed; /* records, generations, wakes, done jobs */
    Topic         **topics;  /* sorted by name */
    size_t          topic_count, topic_capacity;
    Name           *transactional, *groups;
    char            cluster_id[24];
    bool            renamed; /* its id was damaged, and is a new one. While it opens */
    Witness        *witness; /* NULL: there is no state directory */
    /* the writer thread */
    bool           threaded, stopping;
    pthread_t      thread;
    pthread_cond_t work;
    Job           *jobs, **jobs_end;
    LogWriter     *lingering; /* writers with records that nobody has asked to flush */
    int64_t        linger_due_us;
    Cleaner       *cleaner;     /* under db_lock */
    Notice         damage_told; /* by the cleaner; under db_lock */
    Notice         clean_told;  /* the same, of what made it give up a round. Thread: the log's */
};

/* ---- what the log is known to have held (log_embedded_witness.c) ---- */

#define WITNESS_FILE "state/log-witness" /* beside the log */

/* Reads the witness, where there is a state directory. Before the log is opened. */
Status witness_open(Log *log, Error *err);
/* E_DAMAGED: the log's file holds nothing at all, and there is a witness who has seen more. */
Status witness_check_empty(Log *log, Error *err);
/* E_DAMAGED: the log has less than the witness has seen. Once topics are loaded. */
Status witness_check(Log *log, Error *err);
/* There is more in the log. Thread: the log's, as the next three. */
void    witness_committed(Log *log);
int64_t witness_due_us(const Log *log); /* when it is to be written; INT64_MAX: no need to */
void    witness_write_if_due(Log *log);
void    witness_close(Log *log, bool opened); /* `opened`: the log was, so what is new is written */
/* Of a log that was written anew by hand: whatever it had, it has what it has. */
void witness_forget(const char *log_path);

/* A file is one process's: E_BUSY. The lock goes with the descriptor. */
Status log_lock_file(const char *path, int *fd, Error *err);

/* Runs the job, alone or in a group, and waits for it. */
Status log_submit(Log *log, Job *job, Error *err);
void  *log_writer_thread(void *log);
/* Has the writer write its buffered records within linger_ms. */
void log_linger(Log *log, LogWriter *writer, int linger_ms);
void log_linger_forget(Log *log, LogWriter *writer);
/* Turns the records that a lingering writer has into a job, or NULL. Thread: the log's. */
Job *writer_take_job(LogWriter *writer);
/* Where a lingering writer keeps its place in the list. */
LogWriter **writer_next_lingering(LogWriter *writer);
/* Where a writer keeps its place among those that are due: it may linger anew meanwhile. Thread: the log's.
 */
LogWriter **writer_next_due(LogWriter *writer);
/* The number of a name, made with 0 when new. Under lock. */
Name *name_get(Name **list, Str text);
/* An absolute time on the clock of the conditions. */
struct timespec deadline_after_us(int64_t us);
int64_t         monotonic_now_us(void);

/* One slice of cleaning, under db_lock: retention, compaction, remains of deleted topics. *more: there is
 * more to do in this round. */
Status cleaner_slice(Log *log, bool *more, Error *err);
void   cleaner_free(Log *log);

typedef struct Compaction Compaction;
/* Starts on a partition, or answers NULL when too little is superseded. */
Status compaction_new(Log *log, Partition *part, Compaction **out, Error *err);
/* Some more of it, inside a transaction. */
Status compaction_slice(Log *log, Compaction *compaction, bool *done, Error *err);
void   compaction_free(Compaction *compaction);

/* A whole round, now. The writer thread does the same every CLEAN_INTERVAL; in memory nobody else does. */
Status log_embedded_clean(Log *log, Error *err);

/* Writes a chunk with its checksum, covering base to last. In a job. */
Status chunk_write(Log *log, const Partition *part, int64_t base, int64_t last, int64_t written_ms,
                   const Chunk *chunk, Error *err);
/* Writes a bound of a partition (SQL_PART_FIRST, SQL_PART_END); E_DAMAGED when the row is not as it was
 * written. In a job. */
Status part_write(Log *log, const Partition *part, SqlId what, int64_t bound, Error *err);

/* ---- readers, writers, members: the functions of the table ---- */

Status  embedded_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err);
void    embedded_reader_close(LogReader *reader);
Status  embedded_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                               Error *err);
void    embedded_reader_unassign(LogReader *reader, int handle);
Status  embedded_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err);
Status  embedded_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err);
void    embedded_batch_release(LogReader *reader, LogBatch *batch);
bool    embedded_reader_wait(LogReader *reader, int timeout_ms);
void    embedded_reader_wake(LogReader *reader);
bool    embedded_reader_at_end(LogReader *reader, int handle);
int64_t embedded_reader_position(LogReader *reader, int handle);

Status  embedded_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err);
void    embedded_writer_close(LogWriter *writer);
Status  embedded_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                        Error *err);
Status  embedded_flush(LogWriter *writer, int timeout_ms, Error *err);
void    embedded_send_now(LogWriter *writer);
Status  embedded_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records,
                            size_t count, Str hash_key, LogPosition *landed, size_t *landed_count, Error *err);
Status  embedded_txn_begin(LogWriter *writer, Error *err);
Status  embedded_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions,
                           size_t count, Error *err);
Status  embedded_txn_commit(LogWriter *writer, Error *err);
Status  embedded_txn_abort(LogWriter *writer, Error *err);
int64_t embedded_writer_end(LogWriter *writer, Str topic, int partition);

struct LogFence {
    LogHandle base;
    int       refs; /* atomic */
    Log      *log;
    char     *group;
    uint64_t  generation;
};

Status embedded_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                            LogMember **out, Error *err);
Status embedded_member_poll(LogMember *member, int timeout_ms, Error *err);
void   embedded_member_close(LogMember *member);
Status embedded_member_committed(LogMember *member, int partition, int64_t *offset, Error *err);
const LogFence *embedded_fence_ref(const LogFence *fence);
void            embedded_fence_unref(const LogFence *fence);
Status embedded_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err);
/* Stores positions of a group. In a job. */
Status group_put(Log *log, Str group, const LogPosition *positions, size_t count, Error *err);

#endif
