/*
 * log.h - a topic as an interface: readers, writers, topics, membership. Two backends stand behind it, Kafka
 * (log_kafka*.c, librdkafka) and embedded (log_embedded*.c, SQLite); the engine above never asks which one it
 * has.
 *
 * Kafka's facts hold for both: a topic has partitions; a record has an offset in its partition, a timestamp
 * in ms, key and value (each may be null) and headers; offsets grow but need not be dense (compaction,
 * transaction markers); readers see committed records only.
 *
 * Threads: a Log may be used from any thread. A Reader, a Writer and a Member each belong to one thread at a
 * time.
 */
#ifndef SLUICE_LOG_LOG_H
#define SLUICE_LOG_LOG_H

#include "core/clock.h"
#include "core/row.h"

typedef struct Log       Log;
typedef struct LogReader LogReader;
typedef struct LogWriter LogWriter;
typedef struct LogMember LogMember;

typedef struct {
    int64_t       offset;
    int64_t       timestamp; /* ms */
    Str           key;       /* ptr NULL: null */
    Str           value;     /* ptr NULL: null */
    const Header *headers;
    size_t        header_count;
} LogRecord;

typedef struct {
    const char *name;
    const char *value;
} LogConfig;

/* ---- opening ---- */

/* Kafka. `configs` are librdkafka properties (bootstrap.servers among them). A broker that is not there is no
 * error here: calls below wait for it and report through the logger. E_CONFIG for a bad property value,
 * naming it. */
Status log_open_kafka(const LogConfig *configs, size_t count, Log **out, Error *err);
/* Embedded: all topics in the SQLite file at `path` (created when missing); NULL: in memory. The caller owns
 * `clock`. */
Status log_open_embedded(const char *path, Clock *clock, Log **out, Error *err);
/* Writes the embedded log at `path`, which nobody uses, anew from what can be read of it. Each loss is told
 * to `say` by topic, partition and offsets; the old file stays as `path`.damaged if there was one. E_BUSY: in
 * use. E_DAMAGED: nothing can be read. */
typedef void (*LogSay)(void *context, const char *what);
Status log_embedded_repair(const char *path, LogSay say, void *context, Error *err);
/* Reads all of it and tells each damage; *damages counts them. The same file, untouched. */
Status      log_embedded_check(const char *path, LogSay say, void *context, int64_t *damages, Error *err);
void        log_close(Log *log); /* accepts NULL; readers, writers and members must be closed before */
const char *log_backend_name(const Log *log); /* "kafka", "embedded" */
/* Offsets that the end of a transaction takes in each partition it wrote to: 1 on Kafka (a marker), 0
 * embedded. */
int log_marker_offsets(const Log *log);
/* May a topic that another client has just made be unknown for a moment? (Brokers tell each other.) */
bool log_hears_late(const Log *log);
/* The cluster's id (Kafka's, or one made up once per embedded file). */
Status log_cluster_id(Log *log, Arena *arena, Str *out, Error *err);
/* OK when the log answers now; E_IO with the reason when it does not. */
Status log_ping(Log *log, int timeout_ms, Error *err);

/* ---- topics ---- */

typedef struct {
    Str name;
    int partitions;
    int replicas;
} TopicInfo;

/* E_EXISTS when it is there already. `replicas` <= 0: the broker's default. */
Status log_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                        size_t count, Error *err);
/* A topic to be made, with the arguments of log_topic_create, and what became of it. */
typedef struct {
    Str              name;
    int              partitions, replicas;
    const LogConfig *configs;
    size_t           config_count;
    Status           status;
} NewTopic;
/* Makes all of them at the price of one question, for a broker takes as long for one as for ten; each has its
 * own `status`. The result is the first that is a failure, else E_EXISTS if there was one, and `err` tells of
 * it. */
Status log_topics_create(Log *log, NewTopic *topics, size_t count, Error *err);
Status log_topic_delete(Log *log, Str name, Error *err);               /* E_NOT_FOUND */
Status log_topic_info(Log *log, Str name, TopicInfo *out, Error *err); /* E_NOT_FOUND; out->name is `name` */
Status log_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count,
                      Error *err); /* sorted by name */
/* One configuration value ("retention.ms", "cleanup.policy") as text in the arena. */
Status log_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err);
Status log_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err);
/* First offset, and the offset that the next committed record gets (Kafka: last stable offset). */
Status log_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err);
/* The same of many partitions at the price of one question: first[i] and end[i] of partitions[i]. */
Status log_offsets_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                        int64_t *end, Error *err);
/* Behind the last record that has arrived, its transaction decided or not (Kafka: the high watermark). What a
 * transaction that has committed has written lies below it, even while log_offsets does not show it yet. */
Status log_arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end, Error *err);
/* First offset whose timestamp is >= ms, or the end. */
Status log_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err);
/* Removes all records below `before`. */
Status log_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err);

/* ---- reading ---- */

typedef struct {
    const char *client_id;    /* for the broker's logs; may be NULL */
    size_t      budget_bytes; /* of all prefetched records; 0 = default */
} ReaderOptions;

Status log_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err);
void   log_reader_close(LogReader *reader);

/* Special positions for assign. */
enum { LOG_EARLIEST = -2, LOG_LATEST = -1 };

/* Starts reading a partition at `offset`; *handle is a small number for the calls below, valid until
 * unassign. The same partition may be assigned once per reader. A topic that does not exist (yet) is
 * E_NOT_FOUND. An offset that is no longer there continues at the first one that is, with a warning in the
 * log. */
Status log_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                         Error *err);
void   log_reader_unassign(LogReader *reader, int handle);
Status log_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err);

/* A run of records of one partition, in offset order. What it points to is valid until log_batch_release. */
typedef struct {
    int              handle;
    Str              topic;
    int              partition;
    const LogRecord *records;
    size_t           count;
    int64_t          next_offset; /* position after the batch: may be beyond the last record (markers) */
    void            *owner;       /* of the backend */
} LogBatch;

/* Takes up to max_records that are already here, without waiting: OK with count 0 when there are none. A
 * partition that is not taken from keeps its records queued and then stops fetching: that is the flow
 * control. E_IO: fetching fails right now (reported once; go on calling). */
Status log_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err);
void   log_batch_release(LogReader *reader, LogBatch *batch);
/* Waits until some assigned partition has something to take, log_reader_wake was called, or the time is over.
 * True: something is there. What lies behind a batch that is not released yet is not waited for, it is there
 * and not wanted now: then the wait is short, for whoever holds a batch back waits for something else. */
bool log_reader_wait(LogReader *reader, int timeout_ms);
/* Thread: any. */
void log_reader_wake(LogReader *reader);
/* True when everything up to the partition's end, as last heard of, has been taken (an empty partition: true
 * once that is known). */
bool log_reader_at_end(LogReader *reader, int handle);
/* Has it read all that the log last told of? A guess, for who wants to know whether more is on its way;
 * log_reader_at_end is sure. */
bool log_reader_caught_up(LogReader *reader, int handle);
/* Position of the next record to take. */
int64_t log_reader_position(LogReader *reader, int handle);

/* ---- writing ---- */

typedef struct {
    const char *client_id;        /* may be NULL */
    const char *transactional_id; /* NULL: no transactions, idempotent only */
    int         transaction_timeout_ms;
    int         linger_ms; /* < 0: default */
} WriterOptions;

/* With a transactional id it fences every earlier writer of that id: their next call answers E_FENCED, their
 * open transaction is aborted. */
Status log_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err);
void   log_writer_close(LogWriter *writer); /* an open transaction is aborted */

/* Records for this topic will come: what there is to learn of it is learned beforehand, in the background, so
 * that the first need not wait for it. Says nothing of whether the topic is there. */
void log_writer_expect(LogWriter *writer, Str topic);

enum { PARTITION_BY_KEY = -1 };

/* Partition of a key: (murmur2(key) & 0x7fffffff) % partitions (runtime.md 1.14). A null key: round robin by
 * the writer. */
int      log_partition_of(Str key, int partitions);
uint32_t murmur2(Str bytes);

/* Appends a copy of the record. PARTITION_BY_KEY hashes `hash_key` if its ptr is set (windowed keys hash
 * without their window), else record->key. Asynchronous: failures show up in flush and commit. E_IO when its
 * buffer stays full. E_NOT_FOUND: no such topic or partition. On a transactional writer a transaction must be
 * open. `offset` of the record is ignored. */
Status log_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                  Error *err);
/* Waits until all appended records are acknowledged. E_IO with the first failure. */
Status log_flush(LogWriter *writer, int timeout_ms, Error *err);
/* Sends what has been appended without lingering any longer; does not wait for it to arrive, or a millisecond
 * at most. */
void log_send_now(LogWriter *writer);

typedef struct {
    Str     topic;
    int     partition;
    int64_t offset;
} LogPosition;

/* A writer without transactions: appends and waits. *offset may be NULL. */
Status log_append_sync(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                       int64_t *offset, Error *err);
/* The same of many records, which go out together and wait for one answer. Where they landed: of each
 * partition that got some, the offset behind the last, with `topic` as it was given; `landed` has room for
 * `count`. After an error some may have been written. */
Status log_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                      Str hash_key, LogPosition *landed, size_t *landed_count, Error *err);

Status log_txn_begin(LogWriter *writer, Error *err);
/* The fence: commits `positions` for the member's group with the generation that the member had when `fence`
 * was taken. E_FENCED when the group moved on. */
typedef struct LogFence LogFence;
Status log_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions, size_t count,
                     Error *err);
/* OK: all of it is visible and durable. E_FENCED: none of it, and the writer is dead. Any other: none of it,
 * after log_txn_abort the writer is usable. An unknown outcome is retried inside until it is known. */
Status log_txn_commit(LogWriter *writer, Error *err);
Status log_txn_abort(LogWriter *writer, Error *err);
/* Offset after the last record this writer has appended to that partition in transactions that committed, or
 * -1. */
int64_t log_writer_end(LogWriter *writer, Str topic, int partition);

/* ---- membership: who owns which partition of a topic ---- */

typedef struct {
    void *context;
    /* New partitions are ours, with the fence to commit under. Called from log_member_poll. */
    void (*assigned)(void *context, const int *partitions, size_t count, const LogFence *fence);
    /* These are going. When it returns they belong to others: commit or abort before. */
    void (*revoked)(void *context, const int *partitions, size_t count);
    /* Ownership was lost without warning: others may already have them. Abort, do not commit. */
    void (*lost)(void *context);
} MemberCallbacks;

/* Joins `group` on `topic` as static member `member_id`. On the embedded log the one process owns all
 * partitions at once. */
Status log_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                       LogMember **out, Error *err);
/* Runs callbacks; to be called often (at least every few seconds). */
Status log_member_poll(LogMember *member, int timeout_ms, Error *err);
void   log_member_close(LogMember *member); /* leaves: revoked is called first */
/* The group's committed offset of a partition, once no transaction on it is pending (require-stable); -1 if
 * none. */
Status log_member_committed(LogMember *member, int partition, int64_t *offset, Error *err);
/* Waits until no transaction is pending on the offsets of these partitions, asking for all at once. `known`,
 * one per partition: does the group have an offset there? */
Status log_member_settle(LogMember *member, const int *partitions, size_t count, bool *known, Error *err);
/* A fence is shared by workers and freed by the last. */
const LogFence *log_fence_ref(const LogFence *fence);
void            log_fence_unref(const LogFence *fence);
/* Offsets of a group for display (lag tools); no fence. */
Status log_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err);

#endif
