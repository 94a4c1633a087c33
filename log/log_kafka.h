/*
 * log_kafka.h - inside the Kafka backend: what its files share.
 *
 * A Log keeps the properties and one librdkafka client for questions (metadata, offsets, administration);
 * every reader, writer and member has a client of its own, because a client's threads and queues belong to
 * one user. Properties of the user override our defaults, and what correctness rests on overrides the user.
 */
#ifndef SLUICE_LOG_LOG_KAFKA_H
#define SLUICE_LOG_LOG_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stddef.h>

#include "core/logger.h"
#include "core/notice.h"
#include "log/log_backend.h"

typedef struct {
    char   *name;
    int     partitions;
    int64_t seen_us;
} KnownTopic;

/* What librdkafka's callbacks are given (`opaque`): readers, writers and members begin like this. */
typedef struct {
    LogHandle base;
    Log      *log;
} KafkaUser;
#define KAFKA_USER(type)                                                                                     \
    _Static_assert(offsetof(type, log) == offsetof(KafkaUser, log), #type " does not begin like a "          \
                                                                          "KafkaUser")

struct Log {
    LogHandle       base;
    LogConfig      *configs;
    size_t          config_count;
    KafkaUser       self;   /* whom the callbacks of `client` are for */
    rd_kafka_t     *client; /* a consumer without group: it reads committed and never creates topics */
    pthread_mutex_t lock;
    rd_kafka_t     *uncommitted; /* under lock: the same, but it reads what is not committed; NULL: not needed
                                    yet */
    bool        creating;        /* under lock: that one is being asked for topics */
    KnownTopic *known;           /* under lock */
    size_t      known_count, known_capacity;
    unsigned    topics_changed;  /* atomic; counts what may have changed somebody's number of partitions */
    bool        needs_idle;      /* librdkafka without fetch.queue.backoff.ms: see log_kafka_reader.c */
    int         idle_partitions; /* under lock: of the idle topic; 0: not asked yet, -1: there is none */
    Notice      trouble;         /* under lock: what librdkafka complained about */
    char        why[256];        /* under lock: the latest of it; empty: there is none */
    int64_t     away_us;         /* atomic; when Kafka was first not to be reached; 0: it is there */
    int         refs;            /* atomic; its owner, and each client that is being destroyed */
};

enum { ADMIN_TIMEOUT_MS = 30000 };

int64_t kafka_now_us(void);
/* defaults < properties of the user < forced; both lists end with a NULL name. */
Status kafka_conf(const Log *log, const LogConfig *defaults, const LogConfig *forced, rd_kafka_conf_t **out,
                  Error *err);
/* Takes conf over. */
Status kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, Error *err);
/* What librdkafka tells about itself between its tries; `opaque` is a KafkaUser. */
void kafka_on_error(rd_kafka_t *client, int code, const char *reason, void *opaque);
/* What one of librdkafka's errors means to us. */
Status kafka_status(rd_kafka_resp_err_t code);
Status kafka_fail(rd_kafka_resp_err_t code, const char *reason, Error *err, const char *fmt, ...)
    SL_PRINTF(4, 5);
/* ---- log_kafka_close.c: the end of a client ---- */

/* Destroys `client` (NULL: nothing to do) in a thread of its own and waits a second for it; one that takes
 * longer is told of and ends later, or never. Nothing that `client` calls back is called on the
 * caller's thread. Takes `user` over, a heap block (or NULL) that the callbacks are given: it is freed when
 * the client has ended, and the Log not before that. */
void kafka_client_close(Log *log, rd_kafka_t *client, void *user);
/* The consumer gives its partitions back (its rebalance callback is called from here) and leaves its group;
 * after five seconds without an answer that is said, and left to the group's session timeout. */
void kafka_leave_group(rd_kafka_t *client, const char *topic);
void kafka_ref(Log *log);
void kafka_unref(Log *log);

/* ---- log_kafka_trouble.c: connections that fail, and come back. Thread: any ---- */

/* librdkafka's complaint: a warning, unless the same was said within a minute. */
void kafka_complain(Log *log, const char *text);
/* No broker can be reached, or none answers. */
void kafka_lost(Log *log);
/* A broker has answered. */
void kafka_heard(Log *log);
/* The latest complaint, while Kafka cannot be reached; `otherwise` when there was none. */
void kafka_why(Log *log, const char *otherwise, char *out, size_t size);

/* Partitions of a topic, from a list that is MAX_AGE old at most; E_NOT_FOUND. */
/* E_NOT_FOUND; a partition beyond those known of is asked for: the topic may have grown. */
Status kafka_check_partition(Log *log, Str topic, int partition, Error *err);
/* What was just heard of a topic. */
void   kafka_remember_topic(Log *log, Str topic, int partitions);
Status kafka_partition_count(Log *log, Str topic, int *out, Error *err);
/* Also tells the writers to count again. */
void kafka_forget_topic(Log *log, Str topic);
/* Partitions of the topic that is always empty, created when missing; 0 when that cannot be. */
int               kafka_idle_partitions(Log *log);
extern const char kafka_idle_topic[];

Status kafka_topics_create(Log *log, NewTopic *topics, size_t count, Error *err);
Status kafka_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                          size_t count, Error *err);
Status kafka_topic_delete(Log *log, Str name, Error *err);
Status kafka_topic_info(Log *log, Str name, TopicInfo *out, Error *err);
Status kafka_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err);
Status kafka_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err);
Status kafka_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err);
Status kafka_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err);
Status kafka_offsets_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *first,
                          int64_t *end, Error *err);
Status kafka_arrived_many(Log *log, Str topic, const int *partitions, size_t count, int64_t *end, Error *err);
Status kafka_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err);
Status kafka_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err);
Status kafka_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err);

Status  kafka_reader_open(Log *log, const ReaderOptions *options, LogReader **out, Error *err);
void    kafka_reader_close(LogReader *reader);
Status  kafka_reader_assign(LogReader *reader, Str topic, int partition, int64_t offset, int *handle,
                            Error *err);
void    kafka_reader_unassign(LogReader *reader, int handle);
Status  kafka_reader_seek(LogReader *reader, int handle, int64_t offset, Error *err);
Status  kafka_reader_take(LogReader *reader, int handle, size_t max_records, LogBatch *out, Error *err);
void    kafka_batch_release(LogReader *reader, LogBatch *batch);
bool    kafka_reader_wait(LogReader *reader, int timeout_ms);
void    kafka_reader_wake(LogReader *reader);
bool    kafka_reader_at_end(LogReader *reader, int handle);
bool    kafka_reader_caught_up(LogReader *reader, int handle);
int64_t kafka_reader_position(LogReader *reader, int handle);

Status  kafka_writer_open(Log *log, const WriterOptions *options, LogWriter **out, Error *err);
void    kafka_writer_expect(LogWriter *writer, Str topic);
void    kafka_writer_close(LogWriter *writer);
Status  kafka_append(LogWriter *writer, Str topic, int partition, const LogRecord *record, Str hash_key,
                     Error *err);
Status  kafka_flush(LogWriter *writer, int timeout_ms, Error *err);
void    kafka_send_now(LogWriter *writer);
Status  kafka_append_all(LogWriter *writer, Str topic, int partition, const LogRecord *records, size_t count,
                         Str hash_key, LogPosition *landed, size_t *landed_count, Error *err);
Status  kafka_txn_begin(LogWriter *writer, Error *err);
Status  kafka_txn_fence(LogWriter *writer, const LogFence *fence, const LogPosition *positions, size_t count,
                        Error *err);
Status  kafka_txn_commit(LogWriter *writer, Error *err);
Status  kafka_txn_abort(LogWriter *writer, Error *err);
int64_t kafka_writer_end(LogWriter *writer, Str topic, int partition);

struct LogFence {
    LogHandle                           base;
    int                                 refs; /* atomic */
    rd_kafka_consumer_group_metadata_t *group;
};

Status kafka_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                         LogMember **out, Error *err);
Status kafka_member_poll(LogMember *member, int timeout_ms, Error *err);
void   kafka_member_close(LogMember *member);
Status kafka_member_committed(LogMember *member, int partition, int64_t *offset, Error *err);
Status kafka_member_settle(LogMember *member, const int *partitions, size_t count, bool *known, Error *err);
const LogFence *kafka_fence_ref(const LogFence *fence);
void            kafka_fence_unref(const LogFence *fence);

#endif
