/*
 * fault_log.c - the log in front of another one. Every function is the other's behind one question: does this
 * call fail?
 *
 * Batches and fences are passed through as the other log made them: what they belong to is in them.
 */
#include "fault_log.h"

#include "log/log_backend.h"

struct Log {
    LogHandle base;
    Log      *inner;
    Fault    *fault;
    unsigned  calls;
};

struct LogReader {
    LogHandle  base;
    Log       *log;
    LogReader *inner;
};

struct LogWriter {
    LogHandle  base;
    Log       *log;
    LogWriter *inner;
};

struct LogMember {
    LogHandle  base;
    Log       *log;
    LogMember *inner;
};

static const LogBackend backend;

enum { POLL_MS = 10 }; /* a poll may end early; a sweep stops its node hundreds of times */

static Status chance(const Log *log, unsigned call, const char *what, Error *err)
{
    if ((log->calls & call) == 0 || !fault_here(log->fault))
        return OK;
    return error_set(err, (Status)log->fault->code, NO_POS, "%s was made to fail by a test", what);
}

/* ---- log and topics ---- */

static void fault_close(Log *log)
{
    log_close(log->inner);
    mem_free(log);
}

static Status fault_cluster_id(Log *log, Arena *arena, Str *out, Error *err)
{
    return log_cluster_id(log->inner, arena, out, err);
}

static Status fault_ping(Log *log, int timeout_ms, Error *err)
{
    return log_ping(log->inner, timeout_ms, err);
}

static Status fault_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                                 size_t count, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "creating a topic", err));
    return log_topic_create(log->inner, name, partitions, replicas, configs, count, err);
}

static Status fault_topic_delete(Log *log, Str name, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "deleting a topic", err));
    return log_topic_delete(log->inner, name, err);
}

static Status fault_topic_info(Log *log, Str name, TopicInfo *out, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "looking for a topic", err));
    return log_topic_info(log->inner, name, out, err);
}

static Status fault_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "listing topics", err));
    return log_topic_list(log->inner, arena, out, count, err);
}

static Status fault_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "reading a topic's settings", err));
    return log_topic_config(log->inner, name, config, arena, out, err);
}

static Status fault_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "changing a topic's settings", err));
    return log_topic_set_config(log->inner, name, config, value, err);
}

static Status fault_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "asking for offsets", err));
    return log_offsets(log->inner, topic, partition, first, end, err);
}

static Status fault_offsets_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                                 int64_t *end, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "asking for many offsets", err));
    return log_offsets_many(log->inner, topic, partitions, count, first, end, err);
}

static Status fault_arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end,
                                 Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "asking for what has arrived", err));
    return log_arrived_many(log->inner, topic, partitions, count, end, err);
}

static Status fault_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "asking for the offset of a time", err));
    return log_offset_for_time(log->inner, topic, partition, ms, out, err);
}

static Status fault_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "deleting records", err));
    return log_delete_records(log->inner, topic, partition, before, err);
}

static Status fault_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err)
{
    TRY(chance(log, FAULT_TOPIC, "committing a group's offsets", err));
    return log_group_commit(log->inner, group, positions, count, err);
}

/* ---- readers ---- */

static Status fault_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    LogReader *inner;
    TRY(chance(log, FAULT_HANDLE, "opening a reader", err));
    TRY(log_reader_open(log->inner, options, &inner, err));
    *out  = mem_calloc(1, sizeof **out);
    **out = (LogReader){{&backend}, log, inner};
    return OK;
}

static void fault_reader_close(LogReader *reader)
{
    log_reader_close(reader->inner);
    mem_free(reader);
}

static Status fault_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                                  Error *err)
{
    TRY(chance(reader->log, FAULT_READ, "assigning a partition", err));
    return log_reader_assign(reader->inner, topic, partition, offset, handle, err);
}

static void fault_reader_unassign(LogReader *reader, int handle)
{
    log_reader_unassign(reader->inner, handle);
}

static Status fault_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err)
{
    TRY(chance(reader->log, FAULT_READ, "seeking", err));
    return log_reader_seek(reader->inner, handle, offset, err);
}

static Status fault_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err)
{
    TRY(chance(reader->log, FAULT_READ, "reading", err));
    return log_reader_take(reader->inner, handle, max_records, out, err);
}

static void fault_batch_release(LogReader *reader, LogBatch *batch)
{
    log_batch_release(reader->inner, batch);
}
static bool fault_reader_wait(LogReader *reader, int timeout_ms)
{
    return log_reader_wait(reader->inner, timeout_ms);
}
static void fault_reader_wake(LogReader *reader) { log_reader_wake(reader->inner); }
static bool fault_reader_at_end(LogReader *reader, int handle)
{
    return log_reader_at_end(reader->inner, handle);
}

static bool fault_reader_caught_up(LogReader *reader, int handle)
{
    return log_reader_caught_up(reader->inner, handle);
}

static int64_t fault_reader_position(LogReader *reader, int handle)
{
    return log_reader_position(reader->inner, handle);
}

/* ---- writers ---- */

static Status fault_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    LogWriter *inner;
    TRY(chance(log, FAULT_HANDLE, "opening a writer", err));
    TRY(log_writer_open(log->inner, options, &inner, err));
    *out  = mem_calloc(1, sizeof **out);
    **out = (LogWriter){{&backend}, log, inner};
    return OK;
}

/* A broker that makes topics by itself makes one that a producer asks for, so nobody may expect what is not
 * there. */
static void fault_writer_expect(LogWriter *writer, Str topic)
{
    TopicInfo info;
    Error     err;
    if (log_topic_info(writer->log->inner, topic, &info, &err) == E_NOT_FOUND) {
        fprintf(stderr, "a writer expects topic " STR_FMT ", which is not there\n", STR_ARG(topic));
        abort();
    }
    log_writer_expect(writer->inner, topic);
}

static void fault_writer_close(LogWriter *writer)
{
    log_writer_close(writer->inner);
    mem_free(writer);
}

static Status fault_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                           Error *err)
{
    TRY(chance(writer->log, FAULT_APPEND, "appending", err));
    return log_append(writer->inner, topic, partition, record, hash_key, err);
}

static Status fault_flush(LogWriter *writer, int timeout_ms, Error *err)
{
    TRY(chance(writer->log, FAULT_APPEND, "flushing", err));
    return log_flush(writer->inner, timeout_ms, err);
}

static void fault_send_now(LogWriter *writer) { log_send_now(writer->inner); }

static Status fault_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records,
                               size_t count, Str hash_key, LogPosition *landed, size_t *landed_count,
                               Error *err)
{
    TRY(chance(writer->log, FAULT_APPEND, "appending", err));
    return log_append_all(writer->inner, topic, partition, records, count, hash_key, landed, landed_count,
                          err);
}

static Status fault_txn_begin(LogWriter *writer, Error *err)
{
    TRY(chance(writer->log, FAULT_TXN, "beginning a transaction", err));
    return log_txn_begin(writer->inner, err);
}

static Status fault_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions,
                              size_t count, Error *err)
{
    TRY(chance(writer->log, FAULT_TXN, "fencing a transaction", err));
    return log_txn_fence(writer->inner, fence, positions, count, err);
}

static Status fault_txn_commit(LogWriter *writer, Error *err)
{
    TRY(chance(writer->log, FAULT_TXN, "committing a transaction", err));
    return log_txn_commit(writer->inner, err);
}

static Status fault_txn_abort(LogWriter *writer, Error *err)
{
    TRY(chance(writer->log, FAULT_TXN, "aborting a transaction", err));
    return log_txn_abort(writer->inner, err);
}

static int64_t fault_writer_end(LogWriter *writer, Str topic, int partition)
{
    return log_writer_end(writer->inner, topic, partition);
}

/* ---- members ---- */

static Status fault_member_join(Log *log, Str group, Str topic, Str member_id,
                                const MemberCallbacks *callbacks, LogMember **out, Error *err)
{
    LogMember *inner;
    TRY(chance(log, FAULT_HANDLE, "joining", err));
    TRY(log_member_join(log->inner, group, topic, member_id, callbacks, &inner, err));
    *out  = mem_calloc(1, sizeof **out);
    **out = (LogMember){{&backend}, log, inner};
    return OK;
}

static Status fault_member_poll(LogMember *member, int timeout_ms, Error *err)
{
    TRY(chance(member->log, FAULT_HANDLE, "polling", err));
    return log_member_poll(member->inner, timeout_ms < POLL_MS ? timeout_ms : POLL_MS, err);
}

static void fault_member_close(LogMember *member)
{
    log_member_close(member->inner);
    mem_free(member);
}

static Status fault_member_committed(LogMember *member, int partition, int64_t *offset, Error *err)
{
    TRY(chance(member->log, FAULT_HANDLE, "asking for a group's offset", err));
    return log_member_committed(member->inner, partition, offset, err);
}

static Status fault_member_settle(LogMember *member, const int *partitions, size_t count, bool *known,
                                  Error *err)
{
    TRY(chance(member->log, FAULT_HANDLE, "waiting for a group's offsets", err));
    return log_member_settle(member->inner, partitions, count, known, err);
}

static const LogBackend backend = {
    .name             = "fault",
    .close            = fault_close,
    .cluster_id       = fault_cluster_id,
    .ping             = fault_ping,
    .topic_create     = fault_topic_create,
    .topic_delete     = fault_topic_delete,
    .topic_info       = fault_topic_info,
    .topic_list       = fault_topic_list,
    .topic_config     = fault_topic_config,
    .topic_set_config = fault_topic_set_config,
    .offsets          = fault_offsets,
    .offsets_many     = fault_offsets_many,
    .arrived_many     = fault_arrived_many,
    .offset_for_time  = fault_offset_for_time,
    .delete_records   = fault_delete_records,
    .group_commit     = fault_group_commit,
    .reader_open      = fault_reader_open,
    .reader_close     = fault_reader_close,
    .reader_assign    = fault_reader_assign,
    .reader_unassign  = fault_reader_unassign,
    .reader_seek      = fault_reader_seek,
    .reader_take      = fault_reader_take,
    .batch_release    = fault_batch_release,
    .reader_wait      = fault_reader_wait,
    .reader_wake      = fault_reader_wake,
    .reader_at_end    = fault_reader_at_end,
    .reader_caught_up = fault_reader_caught_up,
    .reader_position  = fault_reader_position,
    .writer_open      = fault_writer_open,
    .writer_close     = fault_writer_close,
    .writer_expect    = fault_writer_expect,
    .append           = fault_append,
    .flush            = fault_flush,
    .send_now         = fault_send_now,
    .append_all       = fault_append_all,
    .txn_begin        = fault_txn_begin,
    .txn_fence        = fault_txn_fence,
    .txn_commit       = fault_txn_commit,
    .txn_abort        = fault_txn_abort,
    .writer_end       = fault_writer_end,
    .member_join      = fault_member_join,
    .member_poll      = fault_member_poll,
    .member_close     = fault_member_close,
    .member_committed = fault_member_committed,
    .member_settle    = fault_member_settle,
};

Log *fault_log_new(Log *inner, Fault *fault, unsigned calls)
{
    Log *log = mem_calloc(1, sizeof *log);
    *log     = (Log){{&backend}, inner, fault, calls};
    return log;
}
