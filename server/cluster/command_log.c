/*
 * command_log.c - see command_log.h.
 *
 * `position` is where this node stands: all commands below it have been carried out here. Two sides move it,
 * one at a time (`changing`): the follower, record by record, and a request that has the lease, past the
 * commands that it has appended and carried out. A request gets the lease once `position` has reached the end
 * that the topic had after the request's writer was found or made to be the latest.
 *
 * Waiting for Kafka happens without any lock that others need to look at what exists: the lease itself is
 * what they wait for, and for no longer than a client waits (ksql.server.command.response.timeout.ms).
 */
#include "server/cluster/command_log.h"

#include <pthread.h>
#include <time.h>

#include "core/logger.h"
#include "core/value.h"
#include "server/cluster/command_record.h"

enum {
    POLL_MS        = 1000,
    BATCH          = 256,
    RETRY_FIRST_MS = 100, /* a command that cannot be carried out for the world's sake */
    RETRY_MOST_MS  = 5000,
    PING_MS        = 3000,
    TXN_TIMEOUT_MS = 20000,
    LOST_PAUSE_MS  = 20, /* doubled with each writer that was lost in a row */
    LOST_PAUSES    = 6,
    READER_BUDGET  = 4 * 1024 * 1024,
};

struct CommandLog {
    CommandSink       base;
    CommandLogOptions options;
    char             *topic, *transactional_id;
    int               timeout_ms;
    /* Thread: replay, then the follower */
    LogReader *reader;
    int        handle;
    int64_t    read; /* next offset to look at */
    pthread_t  thread;
    /* Thread: who has the lease */
    LogWriter *writer;    /* NULL: none yet, or it was fenced */
    int        lost;      /* writers in a row */
    int64_t    first_own; /* offset of the first command appended under this lease; -1 */
    /* Thread: any, under lock */
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    int64_t         position;
    bool            lease;    /* a request has it, or prepares to */
    bool            changing; /* somebody carries out commands */
    bool            following, stopping;
    const char     *degraded; /* why nothing can be changed any more; NULL */
};

static const char incompatible[] =
    "The server has encountered an incompatible entry in its log and cannot process further DDL statements.\n"
    "This is most likely due to the service being rolled back to an earlier version.";
static const char corrupted[] =
    "The server has detected corruption in the command topic due to modifications performed on it.\n"
    "DDL statements will not be processed any further.\n"
    "If a backup of the command topic is available, restore the command topic using the backup file.\n"
    "A server restart is required to restore full functionality.";

/* ---- waiting ---- */

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + ms * 1000000;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    return at;
}

/* Under the lock. False: the time is over. */
static bool wait_until(CommandLog *commands, const struct timespec *until)
{
    return pthread_cond_timedwait(&commands->changed, &commands->lock, until) == 0;
}

/* `what`: the command that is to blame; may be NULL. */
static void degrade(CommandLog *commands, const char *why, const char *what)
{
    pthread_mutex_lock(&commands->lock);
    bool known = commands->degraded != NULL; /* the end of the service is no damage */
    if (!known)
        commands->degraded = why;
    pthread_cond_broadcast(&commands->changed);
    pthread_mutex_unlock(&commands->lock);
    if (known)
        return;
    engine_set_degraded(commands->options.engine);
    log_line(LOG_ERROR, "%s%s%s", why, what != NULL ? "\n" : "", what != NULL ? what : "");
}

static void degrade_damaged(CommandLog *commands, const Error *why)
{
    degrade(commands, corrupted, why->message);
}

/* ---- following ---- */

static void stand_at(CommandLog *commands, int64_t position)
{
    if (position > commands->position)
        commands->position = position;
    pthread_cond_broadcast(&commands->changed);
}

/* Waits until no request has its hands on what exists. False: the record has been carried out, or we stop. */
static bool start_changing(CommandLog *commands, int64_t offset)
{
    pthread_mutex_lock(&commands->lock);
    while (commands->changing && !commands->stopping)
        pthread_cond_wait(&commands->changed, &commands->lock);
    bool wanted        = !commands->stopping && offset >= commands->position;
    commands->changing = commands->changing || wanted;
    pthread_mutex_unlock(&commands->lock);
    return wanted;
}

static void stop_changing(CommandLog *commands, int64_t position)
{
    pthread_mutex_lock(&commands->lock);
    commands->changing = false;
    stand_at(commands, position);
    pthread_mutex_unlock(&commands->lock);
}

static bool interrupted(const CommandLog *commands)
{
    return !commands->following && commands->options.interrupted != NULL && commands->options.interrupted();
}

/* False: we stop. */
static bool pause_before_retry(CommandLog *commands, int tries)
{
    int             shift = tries < 10 ? tries : 10;
    int64_t         ms    = (int64_t)RETRY_FIRST_MS << shift;
    struct timespec until = after_ms(ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS);
    pthread_mutex_lock(&commands->lock);
    while (!commands->stopping && wait_until(commands, &until))
        ;
    bool go_on = !commands->stopping;
    pthread_mutex_unlock(&commands->lock);
    return go_on && !interrupted(commands);
}

static Status carry_out(CommandLog *commands, const LogRecord *record, Error *err)
{
    if (str_is_null(record->value) || !start_changing(commands, record->offset))
        return OK;
    Status status = command_record_apply(commands->options.engine, record, err);
    stop_changing(commands, status == OK ? record->offset + 1 : -1);
    return status;
}

/* What fails for the world's sake is tried until it works: a command is never left out. */
static Status carry_out_surely(CommandLog *commands, const LogRecord *record, Error *err)
{
    for (int tries = 0;; tries++) {
        Status status = carry_out(commands, record, err);
        if (status == OK || status == E_UNSUPPORTED)
            return status;
        log_line(LOG_WARN, "command %lld cannot be carried out yet, trying again: %s",
                 (long long)record->offset, err->message);
        if (!pause_before_retry(commands, tries))
            return E_CANCELLED;
    }
}

/* A topic that was made anew begins with low offsets again. */
static Status read_up_to(CommandLog *commands, int64_t next, Error *err)
{
    if (next >= 0 && next < commands->read)
        return error_set(err, E_NOT_FOUND, NO_POS, "the command topic has gone back from offset %lld to %lld",
                         (long long)commands->read, (long long)next);
    commands->read = next > commands->read ? next : commands->read;
    pthread_mutex_lock(&commands->lock);
    stand_at(commands, commands->read);
    pthread_mutex_unlock(&commands->lock);
    return OK;
}

/* Takes what is there. *count: the records that were. */
static Status follow_batch(CommandLog *commands, size_t *count, Error *err)
{
    LogBatch batch;
    TRY(log_reader_take(commands->reader, commands->handle, BATCH, &batch, err));
    Status status = OK;
    *count        = batch.count;
    for (size_t i = 0; i < batch.count && status == OK; i++)
        status = carry_out_surely(commands, &batch.records[i], err);
    int64_t next =
        batch.count > 0 ? batch.next_offset : log_reader_position(commands->reader, commands->handle);
    if (status == OK)
        status = read_up_to(commands, next, err);
    log_batch_release(commands->reader, &batch);
    return status;
}

static bool goes_on(CommandLog *commands)
{
    pthread_mutex_lock(&commands->lock);
    bool on = !commands->stopping && commands->degraded == NULL;
    pthread_mutex_unlock(&commands->lock);
    return on;
}

static void *follow(void *argument)
{
    CommandLog *commands = argument;
    bool        reported = false;
    while (goes_on(commands)) {
        size_t count = 0;
        Error  err;
        Status status = follow_batch(commands, &count, &err);
        if (status == E_UNSUPPORTED)
            degrade(commands, incompatible, err.message);
        else if (status == E_NOT_FOUND)
            degrade(commands, corrupted, NULL);
        else if (status == E_DAMAGED)
            degrade_damaged(commands, &err);
        else if (status != OK && status != E_CANCELLED && !reported)
            log_line(LOG_WARN, "the command topic cannot be read, waiting for it: %s", err.message);
        reported = status != OK;
        if (count == 0)
            log_reader_wait(commands->reader, POLL_MS);
    }
    return NULL;
}

void command_log_follow(CommandLog *commands)
{
    if (goes_on(commands)) {
        commands->following = true;
        pthread_create(&commands->thread, NULL, follow, commands);
    }
    engine_set_command_sink(commands->options.engine, &commands->base);
}

/* ---- at a start ---- */

static Status open_reader(CommandLog *commands, Error *err)
{
    char            in_sync[24];
    const LogConfig configs[] = {{"cleanup.policy", "delete"},
                                 {"retention.ms", "-1"},
                                 {"unclean.leader.election.enable", "false"},
                                 {"min.insync.replicas", in_sync}};
    in_sync[int64_print(
        properties_int(commands->options.properties, "ksql.internal.topic.min.insync.replicas", 1),
        in_sync)]             = '\0';
    ReaderOptions options     = {.client_id = "sluice-commands", .budget_bytes = READER_BUDGET};
    int    replicas = (int)properties_int(commands->options.properties, "ksql.internal.topic.replicas", 1);
    Str    topic    = str_c(commands->topic);
    Status status =
        log_topic_create(commands->options.log, topic, 1, replicas, configs, ARRAY_LEN(configs), err);
    if (status != OK && status != E_EXISTS)
        return status;
    if (commands->reader == NULL)
        TRY(log_reader_open(commands->options.log, &options, &commands->reader, err));
    if (commands->handle < 0)
        TRY(log_reader_assign(commands->reader, topic, 0, LOG_EARLIEST, &commands->handle, err));
    return OK;
}

Status command_log_replay(CommandLog *commands, Error *err)
{
    int64_t first, end;
    TRY(log_ping(commands->options.log, PING_MS, err)); /* the calls below have more patience */
    TRY(open_reader(commands, err));
    TRY(log_offsets(commands->options.log, str_c(commands->topic), 0, &first, &end, err));
    while (commands->read < end) {
        size_t count;
        Status status = follow_batch(commands, &count, err);
        if (status == E_UNSUPPORTED) {
            degrade(commands, incompatible, err->message);
            return OK;
        }
        if (status == E_DAMAGED) { /* as above: what stands before it runs */
            degrade_damaged(commands, err);
            return OK;
        }
        TRY(status);
        if (interrupted(commands))
            return error_set(err, E_CANCELLED, NO_POS, "told to stop");
        if (count == 0 && commands->read < end && !log_reader_wait(commands->reader, POLL_MS))
            TRY(log_ping(commands->options.log, PING_MS, err));
    }
    if (engine_replanned(commands->options.engine) > 0)
        log_line(LOG_INFO,
                 "%zu commands of an older version keep no plan: they were planned from their texts, with "
                 "the settings of "
                 "now where they keep none",
                 engine_replanned(commands->options.engine));
    return OK;
}

/* ---- the command lease ---- */

static Status refuse_degraded(const CommandLog *commands, Error *err)
{
    if (commands->stopping)
        return error_set(err, E_CANCELLED, NO_POS, "The server is shutting down");
    if (commands->degraded != NULL)
        return error_set(err, E_IO, NO_POS, "Failed to handle Ksql Statement.\n%s", commands->degraded);
    return OK;
}

static Status take_lease(CommandLog *commands, Error *err)
{
    struct timespec until = after_ms(commands->timeout_ms);
    bool            time  = true;
    pthread_mutex_lock(&commands->lock);
    while (commands->lease && time && !commands->stopping)
        time = wait_until(commands, &until);
    Status status = refuse_degraded(commands, err);
    if (status == OK && commands->lease)
        status =
            error_set(err, E_BUSY, NO_POS,
                      "Could not write the statement into the command topic: an earlier statement is still "
                      "waiting for Kafka");
    if (status == OK)
        commands->lease = true;
    pthread_mutex_unlock(&commands->lock);
    return status;
}

static void give_lease(CommandLog *commands)
{
    pthread_mutex_lock(&commands->lock);
    commands->lease = false;
    pthread_cond_broadcast(&commands->changed);
    pthread_mutex_unlock(&commands->lock);
}

static void lose_writer(CommandLog *commands)
{
    log_writer_close(commands->writer);
    commands->writer = NULL;
}

/* Two nodes that fence each other again and again part by chance. */
static void pause_after_loss(const CommandLog *commands)
{
    Clock          *clock = engine_clock(commands->options.engine);
    int             shift = commands->lost < LOST_PAUSES ? commands->lost : LOST_PAUSES;
    uint64_t        most  = (uint64_t)LOST_PAUSE_MS << shift;
    uint64_t        ms    = clock->random(clock) % most;
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

static Status find_writer(CommandLog *commands, Error *err)
{
    WriterOptions options = {.client_id              = "sluice-commands",
                             .transactional_id       = commands->transactional_id,
                             .transaction_timeout_ms = TXN_TIMEOUT_MS,
                             .linger_ms              = 0};
    if (commands->writer != NULL)
        return OK;
    if (commands->lost > 0)
        pause_after_loss(commands);
    return log_writer_open(commands->options.log, &options, &commands->writer, err);
}

/* Everything that is in the topic has been carried out here, and the follower stands still. */
static Status catch_up(CommandLog *commands, int64_t end, Error *err)
{
    struct timespec until = after_ms(commands->timeout_ms);
    bool            time  = true;
    pthread_mutex_lock(&commands->lock);
    while ((commands->position < end || commands->changing) && time && !commands->stopping &&
           commands->degraded == NULL)
        time = wait_until(commands, &until);
    Status status = refuse_degraded(commands, err);
    if (status == OK && (commands->position < end || commands->changing))
        status = error_set(
            err, E_BUSY, NO_POS,
            "Timed out while waiting for previous commands to be carried out: the server is at %lld "
            "of %lld in the command topic",
            (long long)commands->position, (long long)end);
    if (status == OK)
        commands->changing = true;
    /* The end may lag behind: a commit is answered before its marker is written. */
    commands->base.next_offset = end > commands->position ? end : commands->position;
    pthread_mutex_unlock(&commands->lock);
    return status;
}

static Status prepare(CommandLog *commands, Error *err)
{
    int64_t first, end;
    TRY(log_ping(commands->options.log, PING_MS, err));
    TRY(find_writer(commands, err));
    TRY(log_offsets(commands->options.log, str_c(commands->topic), 0, &first, &end, err));
    commands->first_own = -1;
    return catch_up(commands, end, err);
}

static Status begin(CommandSink *self, Error *err)
{
    CommandLog *commands = (CommandLog *)self;
    TRY(take_lease(commands, err));
    Status status = prepare(commands, err);
    if (status == OK)
        return OK;
    if (status == E_NOT_FOUND)
        degrade(commands, corrupted, NULL);
    if (status == E_FENCED) /* already while it was opened */
        commands->lost++;
    give_lease(commands);
    if (status == E_CANCELLED || status == E_BUSY)
        return status;
    return error_prefix(err, "The command topic is not available: ");
}

static void end(CommandSink *self, int64_t last)
{
    CommandLog *commands = (CommandLog *)self;
    pthread_mutex_lock(&commands->lock);
    commands->changing = false;
    commands->lease    = false;
    if (commands->first_own >= 0 && last >= commands->first_own)
        stand_at(commands, last + self->span);
    pthread_cond_broadcast(&commands->changed);
    pthread_mutex_unlock(&commands->lock);
}

static Status append_record(CommandLog *commands, const CommandRecord *command, int64_t *offset, Error *err)
{
    Clock    *clock  = engine_clock(commands->options.engine);
    Str       topic  = str_c(commands->topic);
    LogRecord record = {
        .timestamp = clock->now_ms(clock), .key = str_c(command->key), .value = str_c(command->value)};
    TRY(log_txn_begin(commands->writer, err));
    TRY(log_append(commands->writer, topic, 0, &record, STR_NULL, err));
    TRY(log_txn_commit(commands->writer, err));
    *offset = log_writer_end(commands->writer, topic, 0) - 1;
    return OK;
}

static Status append(CommandSink *self, const CommandText *command, int64_t *offset, Error *err)
{
    CommandLog   *commands = (CommandLog *)self;
    CommandRecord record;
    TRY(command_record_make(command, &record, err));
    Status status = append_record(commands, &record, offset, err);
    command_record_clear(&record);
    if (status == OK) {
        commands->lost      = 0;
        commands->first_own = commands->first_own < 0 ? *offset : commands->first_own;
        self->next_offset   = *offset + self->span;
        return OK;
    }
    lose_writer(commands); /* with its transaction; the next one is of one piece */
    if (status == E_FENCED)
        commands->lost++;
    return error_prefix(
        err, "Could not write the statement '" STR_FMT "' into the command topic: ", STR_ARG(command->text));
}

/* ---- the end ---- */

static const char terminated[] = "The cluster has been terminated.";

static Status erase(CommandSink *self, Error *err)
{
    CommandLog *commands = (CommandLog *)self;
    pthread_mutex_lock(&commands->lock);
    commands->degraded = terminated; /* the follower stops, and says nothing about the topic's end */
    pthread_cond_broadcast(&commands->changed);
    pthread_mutex_unlock(&commands->lock);
    Status status = log_topic_delete(commands->options.log, str_c(commands->topic), err);
    return status == E_NOT_FOUND ? OK : status;
}

/* ---- life ---- */

CommandLog *command_log_new(const CommandLogOptions *options)
{
    CommandLog        *commands = mem_calloc(1, sizeof *commands);
    StrBuf             name     = {0};
    pthread_condattr_t monotonic;
    strbuf_addf(&name, "_confluent-ksql-" STR_FMT "_command_topic", STR_ARG(options->service_id));
    commands->base      = (CommandSink){.begin = begin, .append = append, .end = end, .erase = erase};
    commands->base.span = 1 + log_marker_offsets(options->log);
    commands->options   = *options;
    commands->topic     = str_to_heap(strbuf_str(&name));
    commands->handle    = -1;
    commands->timeout_ms =
        (int)properties_int(options->properties, "ksql.server.command.response.timeout.ms", 5000);
    commands->transactional_id = str_to_heap(options->service_id);
    strbuf_clear(&name);
    pthread_mutex_init(&commands->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&commands->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return commands;
}

void command_log_stop(CommandLog *commands)
{
    if (commands == NULL)
        return;
    pthread_mutex_lock(&commands->lock);
    commands->stopping = true;
    pthread_cond_broadcast(&commands->changed);
    pthread_mutex_unlock(&commands->lock);
    if (!commands->following)
        return;
    log_reader_wake(commands->reader);
    pthread_join(commands->thread, NULL);
    commands->following = false;
}

void command_log_close(CommandLog *commands)
{
    if (commands == NULL)
        return;
    if (commands->writer != NULL)
        log_writer_close(commands->writer);
    if (commands->reader != NULL)
        log_reader_close(commands->reader);
    pthread_cond_destroy(&commands->changed);
    pthread_mutex_destroy(&commands->lock);
    mem_free(commands->transactional_id);
    mem_free(commands->topic);
    mem_free(commands);
}
