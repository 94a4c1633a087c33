/*
 * feed_log.c - records straight into a log.
 *
 * An embedded log belongs to one process: its file is locked, so what a running server has open cannot be
 * written behind its back (feed_server.c goes through it).
 */
#include "main/feed.h"
#include "server/node/state_dir.h"

#include <limits.h>

#include "server/node/state_dir.h"

enum { FLUSH_MS = 60000, PING_MS = 10000 };

typedef struct {
    FeedTarget base;
    StateDir   dir;
    Log       *log;
    LogWriter *writer;
} LogTarget;

static Status log_prepare(FeedTarget *base, Str topic, int partitions, Error *err)
{
    LogTarget *self = (LogTarget *)base;
    TopicInfo  info;
    TRY(log_ping(self->log, PING_MS, err)); /* it says best what is wrong with a broker */
    Status status = log_topic_info(self->log, topic, &info, err);
    if (status != E_NOT_FOUND)
        return status;
    status = log_topic_create(self->log, topic, partitions, 0, NULL, 0, err);
    return status == E_EXISTS ? OK : status;
}

static Status log_add(FeedTarget *base, Str topic, const LogRecord *record, Error *err)
{
    return log_append(((LogTarget *)base)->writer, topic, PARTITION_BY_KEY, record, STR_NULL, err);
}

static Status log_finish(FeedTarget *base, Error *err)
{
    return log_flush(((LogTarget *)base)->writer, FLUSH_MS, err);
}

static void log_target_close(FeedTarget *base)
{
    LogTarget *self = (LogTarget *)base;
    if (self->writer != NULL)
        log_writer_close(self->writer);
    log_close(self->log);
    state_dir_close(&self->dir);
    mem_free(self);
}

static LogTarget *target_new(void)
{
    LogTarget *self = mem_calloc(1, sizeof *self);
    *self = (LogTarget){.base = {log_prepare, log_add, log_finish, log_target_close}, .dir = {.lock = -1}};
    return self;
}

static Status open_writer(LogTarget *self, FeedTarget **out, Error *err)
{
    WriterOptions options = {.client_id = "sluice-feed", .linger_ms = -1};
    Status        status  = log_writer_open(self->log, &options, &self->writer, err);
    if (status == OK)
        *out = &self->base;
    return status;
}

Status feed_open_kafka(const LogConfig *configs, size_t count, FeedTarget **out, Error *err)
{
    LogTarget *self   = target_new();
    Status     status = log_open_kafka(configs, count, &self->log, err);
    if (status == OK)
        status = open_writer(self, out, err);
    if (status != OK)
        log_target_close(&self->base);
    return status;
}

Status feed_open_embedded(const char *state_dir, FeedTarget **out, Error *err)
{
    char       path[PATH_MAX];
    LogTarget *self   = target_new();
    Status     status = state_dir_open(&self->dir, state_dir, clock_system(), err);
    if (status == OK) {
        snprintf(path, sizeof path, "%s/log.db", state_dir);
        status = state_dir_check_log(state_dir, err);
        if (status == OK)
            status = log_open_embedded(path, clock_system(), &self->log, err);
    }
    if (status == OK)
        status = open_writer(self, out, err);
    if (status == E_BUSY)
        error_append(err, "\nA server runs there: feed it by its address, --url http://localhost:8088");
    if (status != OK)
        log_target_close(&self->base);
    return status;
}
