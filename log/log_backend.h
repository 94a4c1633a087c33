/*
 * log_backend.h - what a backend of log.h must bring: one table of functions, named as in log.h and with its
 * contracts.
 *
 * Every handle starts with a pointer to its backend's table (LogHandle), so that log.c finds the way without
 * knowing who is behind it. What log.c checks once for all backends (topic names, partition counts) no
 * backend checks again.
 */
#ifndef SLUICE_LOG_LOG_BACKEND_H
#define SLUICE_LOG_LOG_BACKEND_H

#include "log/log.h"

typedef struct LogBackend {
    const char *name;
    int         marker_offsets; /* log_marker_offsets */
    bool        hears_late;     /* log_hears_late */
    void (*close)(Log *log);
    Status (*cluster_id)(Log *log, Arena *arena, Str *out, Error *err);
    Status (*ping)(Log *log, int timeout_ms, Error *err);

    Status (*topic_create)(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                           size_t count, Error *err);
    Status (*topic_delete)(Log *log, Str name, Error *err);
    Status (*topic_info)(Log *log, Str name, TopicInfo *out, Error *err);
    Status (*topic_list)(Log *log, Arena *arena, TopicInfo **out, size_t *count,
                         Error *err); /* in any order */
    Status (*topic_config)(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err);
    Status (*topic_set_config)(Log *log, Str name, const char *config, const char *value, Error *err);
    Status (*offsets)(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err);
    Status (*offset_for_time)(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err);
    Status (*delete_records)(Log *log, Str topic, int partition, int64_t before, Error *err);
    Status (*group_commit)(Log *log, Str group, const LogPosition *positions, size_t count, Error *err);

    Status (*reader_open)(Log *log, const ReaderOptions *options, LogReader **out, Error *err);
    void (*reader_close)(LogReader *reader);
    Status (*reader_assign)(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                            Error *err);
    void (*reader_unassign)(LogReader *reader, int handle);
    Status (*reader_seek)(LogReader *reader, int handle, int64_t offset, Error *err);
    Status (*reader_take)(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err);
    void (*batch_release)(LogReader *reader, LogBatch *batch);
    bool (*reader_wait)(LogReader *reader, int timeout_ms);
    void (*reader_wake)(LogReader *reader);
    bool (*reader_at_end)(LogReader *reader, int handle);
    bool (*reader_caught_up)(LogReader *reader, int handle);
    int64_t (*reader_position)(LogReader *reader, int handle);

    Status (*writer_open)(Log *log, const WriterOptions *options, LogWriter **out, Error *err);
    void (*writer_close)(LogWriter *writer);
    Status (*append)(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                     Error *err);
    Status (*flush)(LogWriter *writer, int timeout_ms, Error *err);
    void (*send_now)(LogWriter *writer);
    Status (*append_all)(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                         Str hash_key, LogPosition *landed, size_t *landed_count, Error *err);
    Status (*txn_begin)(LogWriter *writer, Error *err);
    Status (*txn_fence)(LogWriter *writer, const LogFence *fence, const LogPosition *positions, size_t count,
                        Error *err);
    Status (*txn_commit)(LogWriter *writer, Error *err);
    Status (*txn_abort)(LogWriter *writer, Error *err);
    int64_t (*writer_end)(LogWriter *writer, Str topic, int partition);

    Status (*member_join)(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                          LogMember **out, Error *err);
    Status (*member_poll)(LogMember *member, int timeout_ms, Error *err);
    void (*member_close)(LogMember *member);
    Status (*member_committed)(LogMember *member, int partition, int64_t *offset, Error *err);
    const LogFence *(*fence_ref)(const LogFence *fence);
    void (*fence_unref)(const LogFence *fence);

    /* NULL where one question is as cheap as many: then the partitions are asked for one by one. */
    Status (*offsets_many)(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                           int64_t *end, Error *err);
    /* NULL where what has arrived is decided: then the ends of `offsets` are those. */
    Status (*arrived_many)(Log *log, Str topic, const int *partitions, size_t count, int64_t *end,
                           Error *err);
    /* NULL where topics are made one by one. */
    Status (*topics_create)(Log *log, NewTopic *topics, size_t count, Error *err);
    /* NULL where there is nothing to learn. */
    void (*writer_expect)(LogWriter *writer, Str topic);
    Status (*member_settle)(LogMember *member, const int *partitions, size_t count, bool *known, Error *err);
} LogBackend;

enum { HELD_WAIT_MS = 20 }; /* the longest wait while records lie behind a batch that is held */

/* First in every Log, LogReader, LogWriter, LogMember and LogFence. */
typedef struct {
    const LogBackend *backend;
} LogHandle;

extern const LogBackend log_backend_kafka, log_backend_embedded;

/* What became of one of many topics: its status, and what the call as a whole answers (log_topics_create). */
void log_note_new_topic(NewTopic *topic, Status status, Error *why, Status *worst, Error *err);

/* "cannot find topic X" in one wording for both. */
Status log_no_topic(Str topic, Error *err);
Status log_no_partition(Str topic, int partition, Error *err);
/* The partition to append to, in the order of log_append's rules: -1 when there is none such. *round_robin is
 * the writer's. */
int log_choose_partition(int wanted, int partitions, const LogRecord *record, Str hash_key,
                         unsigned *round_robin);

#endif
