/*
 * log.c - the way from log.h to the backend that a handle belongs to, and the checks that hold for all of
 * them.
 */
#include "log/log_backend.h"

#define BACKEND(handle) (((const LogHandle *)(handle))->backend)

enum { TOPIC_NAME_MAX = 249, TOPIC_PARTITIONS_MAX = 100000 };

/* ---- what backends share ---- */

Status log_no_topic(Str topic, Error *err)
{
    return error_set(err, E_NOT_FOUND, NO_POS, "Topic '" STR_FMT "' does not exist", STR_ARG(topic));
}

Status log_no_partition(Str topic, int partition, Error *err)
{
    return error_set(err, E_NOT_FOUND, NO_POS, "Topic '" STR_FMT "' has no partition %d", STR_ARG(topic),
                     partition);
}

int log_choose_partition(int wanted, int partitions, const LogRecord *record, Str hash_key,
                         unsigned *round_robin)
{
    if (wanted >= 0)
        return wanted < partitions ? wanted : -1;
    Str key = str_is_null(hash_key) ? record->key : hash_key;
    if (str_is_null(key))
        return (int)((*round_robin)++ % (unsigned)partitions);
    return log_partition_of(key, partitions);
}

/* Kafka's rule for names, so that what the embedded log accepts moves to Kafka unchanged. */
static Status check_topic_name(Str name, Error *err)
{
    bool legal = name.len > 0 && name.len <= TOPIC_NAME_MAX && !str_equal(name, STR_LIT(".")) &&
                 !str_equal(name, STR_LIT(".."));
    for (size_t i = 0; legal && i < name.len; i++) {
        char c = name.ptr[i];
        legal  = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                c == '_' || c == '-';
    }
    if (legal)
        return OK;
    return error_set(err, E_CONFIG, NO_POS,
                     "Topic name '" STR_FMT "' is illegal: 1 to %d ASCII letters, digits, '.', '_' and '-'",
                     STR_ARG(name), TOPIC_NAME_MAX);
}

/* ---- log ---- */

void log_close(Log *log)
{
    if (log != NULL)
        BACKEND(log)->close(log);
}

const char *log_backend_name(const Log *log) { return BACKEND(log)->name; }
bool        log_hears_late(const Log *log) { return BACKEND(log)->hears_late; }
int         log_marker_offsets(const Log *log) { return BACKEND(log)->marker_offsets; }

Status log_cluster_id(Log *log, Arena *arena, Str *out, Error *err)
{
    return BACKEND(log)->cluster_id(log, arena, out, err);
}

Status log_ping(Log *log, int timeout_ms, Error *err) { return BACKEND(log)->ping(log, timeout_ms, err); }

/* ---- topics ---- */

static Status check_new_topic(Str name, int partitions, Error *err)
{
    TRY(check_topic_name(name, err));
    if (partitions < 1 || partitions > TOPIC_PARTITIONS_MAX)
        return error_set(err, E_CONFIG, NO_POS, "Topic '" STR_FMT "' cannot have %d partitions",
                         STR_ARG(name), partitions);
    return OK;
}

Status log_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                        size_t count, Error *err)
{
    TRY(check_new_topic(name, partitions, err));
    return BACKEND(log)->topic_create(log, name, partitions, replicas, configs, count, err);
}

void log_note_new_topic(NewTopic *topic, Status status, Error *why, Status *worst, Error *err)
{
    topic->status = status;
    if (status == OK || (*worst != OK && (*worst != E_EXISTS || status == E_EXISTS)))
        return;
    *worst = status;
    if (err != NULL)
        *err = *why;
}

static Status create_each(Log *log, NewTopic *topics, size_t count, Error *err)
{
    Status worst = OK;
    Error  why;
    for (size_t i = 0; i < count; i++) {
        NewTopic *t      = &topics[i];
        Status    status = BACKEND(log)->topic_create(log, t->name, t->partitions, t->replicas, t->configs,
                                                      t->config_count, &why);
        log_note_new_topic(t, status, &why, &worst, err);
    }
    return worst;
}

/* A name or a number that no log takes: none is made, for that is a mistake of whoever asks. */
Status log_topics_create(Log *log, NewTopic *topics, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if ((topics[i].status = check_new_topic(topics[i].name, topics[i].partitions, err)) != OK)
            return topics[i].status;
    if (count == 0)
        return OK;
    return BACKEND(log)->topics_create == NULL ? create_each(log, topics, count, err)
                                               : BACKEND(log)->topics_create(log, topics, count, err);
}

Status log_topic_delete(Log *log, Str name, Error *err) { return BACKEND(log)->topic_delete(log, name, err); }

Status log_topic_info(Log *log, Str name, TopicInfo *out, Error *err)
{
    return BACKEND(log)->topic_info(log, name, out, err);
}

static int compare_topics(const void *a, const void *b)
{
    return str_compare(((const TopicInfo *)a)->name, ((const TopicInfo *)b)->name);
}

Status log_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err)
{
    TRY(BACKEND(log)->topic_list(log, arena, out, count, err));
    if (*count > 1)
        qsort(*out, *count, sizeof **out, compare_topics);
    return OK;
}

Status log_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err)
{
    return BACKEND(log)->topic_config(log, name, config, arena, out, err);
}

Status log_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err)
{
    return BACKEND(log)->topic_set_config(log, name, config, value, err);
}

Status log_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err)
{
    return BACKEND(log)->offsets(log, topic, partition, first, end, err);
}

Status log_offsets_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                        int64_t *end, Error *err)
{
    if (BACKEND(log)->offsets_many != NULL)
        return BACKEND(log)->offsets_many(log, topic, partitions, count, first, end, err);
    for (size_t i = 0; i < count; i++)
        TRY(log_offsets(log, topic, partitions[i], &first[i], &end[i], err));
    return OK;
}

Status log_arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end, Error *err)
{
    int64_t first;
    if (BACKEND(log)->arrived_many != NULL)
        return BACKEND(log)->arrived_many(log, topic, partitions, count, end, err);
    for (size_t i = 0; i < count; i++)
        TRY(log_offsets(log, topic, partitions[i], &first, &end[i], err));
    return OK;
}

Status log_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err)
{
    return BACKEND(log)->offset_for_time(log, topic, partition, ms, out, err);
}

Status log_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err)
{
    return BACKEND(log)->delete_records(log, topic, partition, before, err);
}

Status log_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err)
{
    return BACKEND(log)->group_commit(log, group, positions, count, err);
}

/* ---- reading ---- */

Status log_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err)
{
    static const ReaderOptions defaults = {0};
    return BACKEND(log)->reader_open(log, options != NULL ? options : &defaults, out, err);
}

void log_reader_close(LogReader *reader)
{
    if (reader != NULL)
        BACKEND(reader)->reader_close(reader);
}

Status log_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle, Error *err)
{
    return BACKEND(reader)->reader_assign(reader, topic, partition, offset, handle, err);
}

void log_reader_unassign(LogReader *reader, int handle) { BACKEND(reader)->reader_unassign(reader, handle); }

Status log_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err)
{
    return BACKEND(reader)->reader_seek(reader, handle, offset, err);
}

Status log_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err)
{
    return BACKEND(reader)->reader_take(reader, handle, max_records, out, err);
}

void log_batch_release(LogReader *reader, LogBatch *batch) { BACKEND(reader)->batch_release(reader, batch); }

bool log_reader_wait(LogReader *reader, int timeout_ms)
{
    return BACKEND(reader)->reader_wait(reader, timeout_ms);
}

void log_reader_wake(LogReader *reader) { BACKEND(reader)->reader_wake(reader); }

bool log_reader_at_end(LogReader *reader, int handle)
{
    return BACKEND(reader)->reader_at_end(reader, handle);
}

bool log_reader_caught_up(LogReader *reader, int handle)
{
    return BACKEND(reader)->reader_caught_up(reader, handle);
}

int64_t log_reader_position(LogReader *reader, int handle)
{
    return BACKEND(reader)->reader_position(reader, handle);
}

/* ---- writing ---- */

Status log_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err)
{
    static const WriterOptions defaults = {.linger_ms = -1};
    return BACKEND(log)->writer_open(log, options != NULL ? options : &defaults, out, err);
}

void log_writer_close(LogWriter *writer)
{
    if (writer != NULL)
        BACKEND(writer)->writer_close(writer);
}

void log_writer_expect(LogWriter *writer, Str topic)
{
    if (BACKEND(writer)->writer_expect != NULL)
        BACKEND(writer)->writer_expect(writer, topic);
}

Status log_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                  Error *err)
{
    return BACKEND(writer)->append(writer, topic, partition, record, hash_key, err);
}

Status log_flush(LogWriter *writer, int timeout_ms, Error *err)
{
    return BACKEND(writer)->flush(writer, timeout_ms, err);
}

void log_send_now(LogWriter *writer) { BACKEND(writer)->send_now(writer); }

Status log_append_sync(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                       int64_t *offset, Error *err)
{
    LogPosition landed;
    size_t      count;
    TRY(log_append_all(writer, topic, partition, record, 1, hash_key, &landed, &count, err));
    if (offset != NULL)
        *offset = landed.offset - 1;
    return OK;
}

Status log_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                      Str hash_key, LogPosition *landed, size_t *landed_count, Error *err)
{
    return BACKEND(writer)->append_all(writer, topic, partition, records, count, hash_key, landed,
                                       landed_count, err);
}

Status log_txn_begin(LogWriter *writer, Error *err) { return BACKEND(writer)->txn_begin(writer, err); }

Status log_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions, size_t count,
                     Error *err)
{
    return BACKEND(writer)->txn_fence(writer, fence, positions, count, err);
}

Status log_txn_commit(LogWriter *writer, Error *err) { return BACKEND(writer)->txn_commit(writer, err); }

Status log_txn_abort(LogWriter *writer, Error *err) { return BACKEND(writer)->txn_abort(writer, err); }

int64_t log_writer_end(LogWriter *writer, Str topic, int partition)
{
    return BACKEND(writer)->writer_end(writer, topic, partition);
}

/* ---- membership ---- */

Status log_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                       LogMember **out, Error *err)
{
    return BACKEND(log)->member_join(log, group, topic, member_id, callbacks, out, err);
}

Status log_member_poll(LogMember *member, int timeout_ms, Error *err)
{
    return BACKEND(member)->member_poll(member, timeout_ms, err);
}

void log_member_close(LogMember *member)
{
    if (member != NULL)
        BACKEND(member)->member_close(member);
}

Status log_member_committed(LogMember *member, int partition, int64_t *offset, Error *err)
{
    return BACKEND(member)->member_committed(member, partition, offset, err);
}

Status log_member_settle(LogMember *member, const int *partitions, size_t count, bool *known, Error *err)
{
    int64_t offset;
    if (BACKEND(member)->member_settle != NULL)
        return BACKEND(member)->member_settle(member, partitions, count, known, err);
    for (size_t i = 0; i < count; i++) {
        TRY(log_member_committed(member, partitions[i], &offset, err));
        known[i] = offset >= 0;
    }
    return OK;
}

const LogFence *log_fence_ref(const LogFence *fence) { return BACKEND(fence)->fence_ref(fence); }

void log_fence_unref(const LogFence *fence)
{
    if (fence != NULL)
        BACKEND(fence)->fence_unref(fence);
}
