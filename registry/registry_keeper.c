/*
 * registry_keeper.c - see registry_keeper.h.
 *
 * Two locks: `changing` is held by who reads the topic or appends to it, for as long as the log takes; `lock`
 * by who looks at the model or carries a record out, and never while somebody waits for a log. A worker that
 * knows the id it asks for takes the second alone.
 */
#include "registry/registry_keeper.h"

#include <pthread.h>
#include <time.h>

#include "core/logger.h"

enum {
    BATCH          = 256,
    POLL_MS        = 200,
    READ_MS        = 20000, /* without a record, before the topic counts as unreadable */
    TXN_TIMEOUT_MS = 20000,
    ATTEMPTS       = 60,
    AWAIT_MS       = 50,
    LOST_PAUSE_MS  = 10, /* doubled with each writer that was lost in a row */
    LOST_PAUSES    = 6,
    READER_BUDGET  = 1024 * 1024,
};

struct RegistryKeeper {
    RegistryKeeperOptions options;
    char                 *topic, *transactional_id;
    pthread_mutex_t       changing; /* of the following */
    LogReader            *reader;   /* NULL: not yet, or there is no topic */
    int                   handle;
    int64_t               read;   /* next offset */
    LogWriter            *writer; /* NULL: not yet, or it was fenced */
    pthread_mutex_t lock; /* of the model; written under `changing` too, so that who has that may read */
    RegistryModel   model;
};

void record_list_add(RecordList *list, const RegistryRecord *record)
{
    if (list->count == list->capacity) {
        size_t          more  = list->capacity > 0 ? 2 * list->capacity : 4;
        RegistryRecord *items = ARENA_ARRAY(list->arena, RegistryRecord, more);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items    = items;
        list->capacity = more;
    }
    list->items[list->count++] = *record;
}

/* ---- reading ---- */

static void forget_all(RegistryKeeper *keeper)
{
    log_reader_close(keeper->reader);
    keeper->reader = NULL;
    keeper->read   = 0;
    pthread_mutex_lock(&keeper->lock);
    model_clear(&keeper->model);
    pthread_mutex_unlock(&keeper->lock);
}

/* Records of other people's topics are no registry's: better to say so than to serve half of them. */
static Status check_topic(RegistryKeeper *keeper, Error *err)
{
    TopicInfo info;
    Str       policy, topic = str_c(keeper->topic);
    Arena    *arena  = arena_new(0);
    Status    status = log_topic_info(keeper->options.log, topic, &info, err);
    if (status == OK && info.partitions != 1)
        status = error_set(err, E_PLAN, NO_POS,
                           "The topic %s has %d partitions: a schema registry's topic has one", keeper->topic,
                           info.partitions);
    if (status == OK)
        status = log_topic_config(keeper->options.log, topic, "cleanup.policy", arena, &policy, err);
    if (status == OK && !str_equal(policy, STR_LIT("compact")))
        status = error_set(err, E_PLAN, NO_POS,
                           "The topic %s has the cleanup.policy '" STR_FMT
                           "': a schema registry's topic is compacted, or schemas would get lost",
                           keeper->topic, STR_ARG(policy));
    arena_free(arena);
    return status;
}

static Status open_reader(RegistryKeeper *keeper, Error *err)
{
    ReaderOptions options = {.client_id = "sluice-registry", .budget_bytes = READER_BUDGET};
    if (keeper->reader != NULL)
        return OK;
    TRY(check_topic(keeper, err));
    TRY(log_reader_open(keeper->options.log, &options, &keeper->reader, err));
    Status status =
        log_reader_assign(keeper->reader, str_c(keeper->topic), 0, LOG_EARLIEST, &keeper->handle, err);
    if (status != OK)
        forget_all(keeper);
    return status;
}

static void apply(RegistryKeeper *keeper, const LogRecord *from, Arena *arena)
{
    RegistryRecord record;
    Error          why;
    if (registry_record_read(from->key, from->value, arena, &record, &why) != OK) {
        log_line(LOG_WARN, "%s, offset %lld, is passed over: %s", keeper->topic, (long long)from->offset,
                 why.message);
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    model_apply(&keeper->model, &record);
    pthread_mutex_unlock(&keeper->lock);
}

/* *more: something was read. */
static Status read_batch(RegistryKeeper *keeper, bool *more, Error *err)
{
    LogBatch batch;
    TRY(log_reader_take(keeper->reader, keeper->handle, BATCH, &batch, err));
    for (size_t i = 0; i < batch.count; i++) {
        Arena *arena = arena_new(0);
        apply(keeper, &batch.records[i], arena);
        arena_free(arena);
    }
    int64_t next = batch.count > 0 ? batch.next_offset : log_reader_position(keeper->reader, keeper->handle);
    log_batch_release(keeper->reader, &batch);
    *more = next > keeper->read;
    if (*more)
        keeper->read = next;
    return OK;
}

static Status read_up_to(RegistryKeeper *keeper, int64_t end, Error *err)
{
    Clock  *clock = keeper->options.clock;
    int64_t since = clock->monotonic_us(clock);
    while (keeper->read < end) {
        bool more = false;
        TRY(read_batch(keeper, &more, err));
        if (more)
            since = clock->monotonic_us(clock);
        else if (clock->monotonic_us(clock) - since > (int64_t)READ_MS * 1000)
            return error_set(err, E_IO, NO_POS, "%s cannot be read: at %lld of %lld", keeper->topic,
                             (long long)keeper->read, (long long)end);
        else
            log_reader_wait(keeper->reader, POLL_MS);
    }
    return OK;
}

/* Everything that is in the topic, and at least what ends at `end`: where an own commit is, the topic's end
 * may lag behind. No topic (reader NULL afterwards) is an empty one. */
static Status catch_up(RegistryKeeper *keeper, int64_t end, Error *err)
{
    int64_t first, last;
    Status  status = open_reader(keeper, err);
    if (status == OK)
        status = log_offsets(keeper->options.log, str_c(keeper->topic), 0, &first, &last, err);
    if (status == E_NOT_FOUND) {
        forget_all(keeper);
        return OK;
    }
    TRY(status);
    return read_up_to(keeper, end > last ? end : last, err);
}

Status keeper_look(RegistryKeeper *keeper, const RegistryModel **model, Error *err)
{
    pthread_mutex_lock(&keeper->changing);
    Status status = catch_up(keeper, 0, err);
    pthread_mutex_unlock(&keeper->changing);
    TRY(status);
    *model = keeper_peek(keeper);
    return OK;
}

const RegistryModel *keeper_peek(RegistryKeeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    return &keeper->model;
}

void keeper_done(RegistryKeeper *keeper) { pthread_mutex_unlock(&keeper->lock); }

/* ---- changing ---- */

static void lose_writer(RegistryKeeper *keeper)
{
    log_writer_close(keeper->writer);
    keeper->writer = NULL;
}

/* The topic is made by who first has something to say. Opening the writer fences other nodes' writers. */
static Status open_writer(RegistryKeeper *keeper, Error *err)
{
    const LogConfig configs[] = {{"cleanup.policy", "compact"}};
    WriterOptions   options   = {.client_id              = "sluice-registry",
                                 .transactional_id       = keeper->transactional_id,
                                 .transaction_timeout_ms = TXN_TIMEOUT_MS,
                                 .linger_ms              = 0};
    Status status = log_topic_create(keeper->options.log, str_c(keeper->topic), 1, keeper->options.replicas,
                                     configs, ARRAY_LEN(configs), err);
    if (status != OK && status != E_EXISTS)
        return status;
    return log_writer_open(keeper->options.log, &options, &keeper->writer, err);
}

static Status append_one(RegistryKeeper *keeper, const RegistryRecord *record, Error *err)
{
    StrBuf    key = {0}, value = {0};
    LogRecord bytes = {.timestamp = keeper->options.clock->now_ms(keeper->options.clock)};
    registry_record_write(record, &key, &value);
    bytes.key     = strbuf_str(&key);
    bytes.value   = record->tombstone ? STR_NULL : strbuf_str(&value);
    Status status = log_append(keeper->writer, str_c(keeper->topic), 0, &bytes, STR_NULL, err);
    strbuf_clear(&key);
    strbuf_clear(&value);
    return status;
}

/* All of them or none. E_FENCED: another node has written meanwhile, or is about to. */
static Status append(RegistryKeeper *keeper, const RecordList *records, Error *err)
{
    Error  ignored;
    Status status = log_txn_begin(keeper->writer, err);
    if (status == OK) {
        for (size_t i = 0; i < records->count && status == OK; i++)
            status = append_one(keeper, &records->items[i], err);
        if (status == OK)
            status = log_txn_commit(keeper->writer, err);
        if (status != OK && status != E_FENCED && log_txn_abort(keeper->writer, &ignored) != OK)
            lose_writer(keeper);
    }
    if (status == E_FENCED)
        lose_writer(keeper);
    return status;
}

/* A topic that has just been made is not known everywhere yet: to take it for an empty one would give ids
 * twice.
 */
static Status await_topic(void)
{
    const struct timespec pause = {0, AWAIT_MS * 1000000L};
    nanosleep(&pause, NULL);
    return E_BUSY;
}

/* E_BUSY: to be tried again. The writer is new, and what was decided before it was opened may be old; or the
 * topic, which is there since the writer is, is not seen yet. */
static Status attempt(RegistryKeeper *keeper, KeeperDecision decide, void *context, Arena *arena, Error *err)
{
    RecordList records = {.arena = arena};
    TRY(catch_up(keeper, 0, err));
    if (keeper->writer != NULL && keeper->reader == NULL)
        return await_topic();
    TRY(decide(&keeper->model, context, &records, err));
    if (records.count == 0)
        return OK;
    if (keeper->writer == NULL) {
        TRY(open_writer(keeper, err));
        return E_BUSY;
    }
    Status status = append(keeper, &records, err);
    if (status == E_NOT_FOUND)
        return await_topic();
    TRY(status);
    TRY(catch_up(keeper, log_writer_end(keeper->writer, str_c(keeper->topic), 0), err));
    return keeper->reader != NULL ? OK : await_topic();
}

/* Two nodes that fence each other again and again part by chance. */
static void pause_after_loss(const RegistryKeeper *keeper, int lost)
{
    Clock          *clock = keeper->options.clock;
    uint64_t        most  = (uint64_t)LOST_PAUSE_MS << (lost < LOST_PAUSES ? lost : LOST_PAUSES);
    uint64_t        ms    = clock->random(clock) % most;
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

Status keeper_change(RegistryKeeper *keeper, KeeperDecision decide, void *context, Error *err)
{
    Status status;
    int    lost = 0, tries = 0;
    pthread_mutex_lock(&keeper->changing);
    do {
        Arena *arena = arena_new(0);
        status       = attempt(keeper, decide, context, arena, err);
        arena_free(arena);
        if (status == E_FENCED)
            pause_after_loss(keeper, lost++);
    } while ((status == E_FENCED || status == E_BUSY) && ++tries < ATTEMPTS);
    if (status == E_BUSY)
        lose_writer(keeper); /* the topic is gone: the next change makes it anew */
    pthread_mutex_unlock(&keeper->changing);
    if (status == E_BUSY)
        return error_set(err, E_IO, NO_POS, "%s does not appear", keeper->topic);
    if (status == E_FENCED)
        return error_set(err, E_IO, NO_POS, "%s is being written by other nodes all the time", keeper->topic);
    return status;
}

/* ---- life ---- */

RegistryKeeper *keeper_new(const RegistryKeeperOptions *options)
{
    RegistryKeeper *keeper = mem_calloc(1, sizeof *keeper);
    StrBuf          id     = {0};
    keeper->options        = *options;
    keeper->topic          = mem_strdup(options->topic);
    keeper->options.topic  = keeper->topic;
    strbuf_addf(&id, "sluice-registry-%s", options->topic);
    keeper->transactional_id = str_to_heap(strbuf_str(&id));
    strbuf_clear(&id);
    pthread_mutex_init(&keeper->changing, NULL);
    pthread_mutex_init(&keeper->lock, NULL);
    return keeper;
}

void keeper_free(RegistryKeeper *keeper)
{
    if (keeper == NULL)
        return;
    lose_writer(keeper);
    forget_all(keeper);
    pthread_mutex_destroy(&keeper->changing);
    pthread_mutex_destroy(&keeper->lock);
    mem_free(keeper->topic);
    mem_free(keeper->transactional_id);
    mem_free(keeper);
}
