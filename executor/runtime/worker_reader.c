/*
 * worker_reader.c - feeds: a topic partition is fetched once for all tasks of a worker.
 *
 * A feed holds one batch until every consumer has passed it; a consumer skips what lies below its own
 * position. Not taking is the flow control, so one consumer that cannot go on would hold up the others: it is
 * detached, and comes back through a feed of its own (in a reader of the pool, for a reader reads a partition
 * once) until it is level with the shared one. A new task that starts far back comes in the same way; where
 * it is a little, as with the queries of one start, the shared feed goes back, and the others skip what they
 * have.
 *
 * Several consumers that wait for each other's inputs could stall for ever; a feed in which some are done and
 * some do not move for STALL_US detaches the latter.
 */
#include <assert.h>

#include "executor/runtime/worker.h"

enum {
    STALL_US        = 200000,
    GO_BACK_RECORDS = 2 * POLL_RECORDS,
    POOL_IDLE_US    = 30000000,
    IDLE_EVERY      = 16,
    FEW_FEEDS       = 64
};

/* ---- the pool ---- */

static bool reads_partition(const Worker *worker, const PoolReader *pool, Str topic, int partition)
{
    for (const Feed *feed = worker->feeds; feed != NULL; feed = feed->next)
        if (feed->pool == pool && feed->partition == partition && str_equal(feed->topic, topic))
            return true;
    for (const Task *task = worker->tasks; task != NULL; task = task->next)
        if (task->restore.pool == pool && task->partition == partition &&
            task->restore.store < pipeline_store_count(task->pipeline) &&
            str_equal(task->changelog_topics[task->restore.store], topic))
            return true;
    return false;
}

Status pool_reader_get(Worker *worker, Str topic, int partition, PoolReader **out, Error *err)
{
    PoolReader *pool = worker->pool;
    while (pool != NULL && reads_partition(worker, pool, topic, partition))
        pool = pool->next;
    if (pool == NULL) {
        ReaderOptions options = {.client_id = "sluice-catch-up"};
        LogReader    *reader;
        TRY(log_reader_open(worker->runtime->options.log, &options, &reader, err));
        pool         = mem_calloc(1, sizeof *pool);
        pool->reader = reader;
        pool->next   = worker->pool;
        worker->pool = pool;
    }
    *out = pool;
    return OK;
}

/* An idle consumer of Kafka has threads and sockets. */
void pool_tidy(Worker *worker)
{
    int64_t now = runtime_now_us(worker->runtime);
    for (PoolReader **link = &worker->pool, *pool; (pool = *link) != NULL;) {
        if (pool->assigned > 0)
            pool->idle_us = 0;
        else if (pool->idle_us == 0)
            pool->idle_us = now;
        if (pool->idle_us == 0 || now - pool->idle_us < POOL_IDLE_US) {
            link = &pool->next;
            continue;
        }
        *link = pool->next;
        log_reader_close(pool->reader);
        mem_free(pool);
    }
}

/* ---- feeds ---- */

static Feed *shared_feed(const Worker *worker, Str topic, int partition)
{
    for (Feed *feed = worker->feeds; feed != NULL; feed = feed->next)
        if (feed->pool == NULL && feed->partition == partition && str_equal(feed->topic, topic))
            return feed;
    return NULL;
}

static Status feed_open(Worker *worker, Str topic, int partition, int64_t position, PoolReader *pool,
                        Feed **out, Error *err)
{
    LogReader *reader = pool == NULL ? worker->reader : pool->reader;
    int        handle;
    TRY(log_reader_assign(reader, topic, partition, position, &handle, err));
    Feed *feed      = mem_calloc(1, sizeof *feed);
    feed->topic     = (Str){str_to_heap(topic), topic.len};
    feed->partition = partition;
    feed->handle    = handle;
    feed->reader    = reader;
    feed->pool      = pool;
    feed->from      = position;
    feed->next      = worker->feeds;
    worker->feeds   = feed;
    worker->feed_count++;
    if (pool != NULL)
        pool->assigned++;
    *out = feed;
    return OK;
}

static void release(Feed *feed)
{
    shared_decode_end_batch(feed);
    if (feed->held)
        log_batch_release(feed->reader, &feed->batch);
    feed->held       = false;
    feed->stalled_us = 0;
}

static void feed_close(Worker *worker, Feed *feed)
{
    Feed **link = &worker->feeds;
    while (*link != feed)
        link = &(*link)->next;
    *link = feed->next;
    worker->feed_count--;
    release(feed);
    log_reader_unassign(feed->reader, feed->handle);
    if (feed->pool != NULL)
        feed->pool->assigned--;
    mem_free((char *)feed->topic.ptr);
    mem_free(feed->consumers);
    mem_free(feed);
}

/* First record of the held batch at or after the input's position. */
static size_t find_place(const Feed *feed, int64_t position)
{
    size_t low = 0, high = feed->held ? feed->batch.count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (feed->batch.records[middle].offset < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_consumer(Feed *feed, TaskInput *input)
{
    if (feed->count == feed->capacity) {
        feed->capacity  = feed->capacity ? feed->capacity * 2 : 4;
        feed->consumers = mem_realloc(feed->consumers, feed->capacity * sizeof *feed->consumers);
    }
    feed->consumers[feed->count++] = input;
    input->feed                    = feed;
    input->at                      = find_place(feed, input->position);
    input->head_known              = false;
    input->placed                  = true;
    shared_decode_join(input);
}

static void remove_consumer(TaskInput *input)
{
    Feed  *feed = input->feed;
    size_t i    = 0;
    while (feed->consumers[i] != input)
        i++;
    shared_decode_leave(input);
    feed->consumers[i] = feed->consumers[--feed->count];
    input->feed        = NULL;
    input->head_known  = false;
}

void feed_detach(Worker *worker, TaskInput *input)
{
    Feed *feed = input->feed;
    if (feed == NULL)
        return;
    remove_consumer(input);
    if (feed->count == 0)
        feed_close(worker, feed);
}

/* A reader of its own and a second decoding of all that comes, for the queries of one start would never be
 * level while there is a backlog, are dearer than reading some records again. Not for those who come back:
 * they may be slow for good. Nor for clients and failed queries, which are not to disturb the others. */
static bool worth_going_back(const Feed *feed, const TaskInput *input)
{
    const Task *task = input->task;
    return !input->placed && task->push == NULL && task->failures == 0 &&
           feed->from - input->position <= GO_BACK_RECORDS;
}

/* On an error the feed is where it was. */
static Status go_back(Feed *feed, int64_t position, Error *err)
{
    TRY(log_reader_seek(feed->reader, feed->handle, position, err));
    release(feed);
    feed->from = position;
    return OK;
}

Status feed_attach(Worker *worker, TaskInput *input, Error *err)
{
    Feed       *feed = input->private_feed ? NULL : shared_feed(worker, input->topic, input->partition);
    PoolReader *pool = NULL;
    assert(input->feed == NULL);
    if (feed != NULL && input->position < feed->from && worth_going_back(feed, input) &&
        go_back(feed, input->position, err) != OK)
        log_line(LOG_WARN, "%s; a reader of its own, then", err->message);
    if (feed != NULL && input->position >= feed->from) {
        add_consumer(feed, input);
        return OK;
    }
    if (feed != NULL || input->private_feed)
        TRY(pool_reader_get(worker, input->topic, input->partition, &pool, err));
    TRY(feed_open(worker, input->topic, input->partition, input->position, pool, &feed, err));
    add_consumer(feed, input);
    return OK;
}

/* A consumer with a feed of its own joins the others once it stands where they do. */
static Status level(Worker *worker, Feed *feed, bool *moved, Error *err)
{
    TaskInput *input = feed->consumers[0];
    *moved           = false;
    if (feed->pool == NULL || feed->held || feed->count != 1 || input->private_feed)
        return OK;
    Feed *shared = shared_feed(worker, feed->topic, feed->partition);
    if (shared != NULL && input->position < shared->from)
        return OK;
    *moved = true;
    feed_detach(worker, input);
    return feed_attach(worker, input, err);
}

/* All leave; who still reads comes back through a new feed at its own position. */
static void dissolve(Worker *worker, Feed *feed)
{
    for (size_t left = feed->count; left-- > 0;)
        feed_detach(worker, feed->consumers[left]); /* the last one closes the feed */
}

void feeds_rewind(Worker *worker)
{
    Error err;
    for (Feed *feed = worker->feeds, *next; feed != NULL; feed = next) {
        int64_t lowest = INT64_MAX;
        next           = feed->next;
        for (size_t i = 0; i < feed->count; i++)
            if (feed->consumers[i]->position < lowest)
                lowest = feed->consumers[i]->position;
        for (size_t i = 0; i < feed->count; i++)
            feed->consumers[i]->head_known = false;
        if (lowest >= feed->from && feed->held) {
            for (size_t i = 0; i < feed->count; i++)
                feed->consumers[i]->at = find_place(feed, feed->consumers[i]->position);
            continue;
        }
        if (lowest >= feed->from)
            continue; /* nothing was taken since */
        if (go_back(feed, lowest, &err) != OK) {
            log_line(LOG_WARN, "going back to the last commit: %s", err.message);
            dissolve(worker, feed);
        }
    }
}

bool feeds_are_level(const Worker *worker)
{
    for (const Feed *feed = worker->feeds; feed != NULL; feed = feed->next)
        if (!log_reader_is_level(feed->reader, feed->handle))
            return false;
    return true;
}

bool feed_at_end(const TaskInput *input)
{
    const Feed *feed = input->feed;
    if (feed == NULL || (feed->held && input->at < feed->batch.count))
        return false;
    if (input->position >= input->end)
        return true;
    return log_reader_at_end(feed->reader, feed->handle);
}

/* ---- pumping ---- */

/* With nothing there, the reader may still have gone beyond markers and compacted records. */
static void pass_gap(Feed *feed)
{
    int64_t position = log_reader_position(feed->reader, feed->handle);
    if (position > feed->from)
        feed->from = position;
    for (size_t i = 0; i < feed->count; i++) {
        TaskInput *input = feed->consumers[i];
        if (feed->from <= input->position)
            continue;
        input->position = feed->from;
        if (input->task->view != NULL)
            atomic_store(&input->task->view->positions[input->index], input->position);
        if (input->task->push != NULL)
            push_task_stepped(input->task);
    }
}

static bool is_open(const Worker *worker, const Feed *feed)
{
    const Feed *one = worker->feeds;
    while (one != NULL && one != feed)
        one = one->next;
    return one != NULL;
}

static void feed_failed(Worker *worker, Feed *feed, const Error *err)
{
    if (err->code == E_IO || err->code == E_BUSY) {
        log_line(LOG_WARN, "reading " STR_FMT " partition %d: %s", STR_ARG(feed->topic), feed->partition,
                 err->message);
        return;
    }
    while (is_open(worker, feed)) /* the topic is gone, which is told once: all who read it stop */
        worker_failed(worker, feed->consumers[0]->task, err);
}

/* False: the feed may be gone. */
static bool take(Worker *worker, Feed *feed, bool *busy)
{
    Error  err;
    Status status = log_reader_take(feed->reader, feed->handle, POLL_RECORDS, &feed->batch, &err);
    if (status != OK) {
        feed_failed(worker, feed, &err);
        return false;
    }
    if (feed->batch.count == 0) {
        log_batch_release(feed->reader, &feed->batch);
        pass_gap(feed);
        return true;
    }
    *busy      = true;
    feed->held = true;
    for (size_t i = 0; i < feed->count; i++) {
        TaskInput *input  = feed->consumers[i];
        input->at         = find_place(feed, input->position);
        input->head_known = false;
    }
    return true;
}

/* An input stands at its place only when all before it was done, so a batch is over when all stand behind it.
 */
static bool batch_done(const Feed *feed)
{
    for (size_t i = 0; i < feed->count; i++)
        if (feed->consumers[i]->at < feed->batch.count &&
            feed->batch.records[feed->consumers[i]->at].offset < feed->consumers[i]->end)
            return false;
    return true;
}

static void finish_batch(Feed *feed)
{
    feed->from = feed->batch.next_offset;
    for (size_t i = 0; i < feed->count; i++) {
        TaskInput *input = feed->consumers[i];
        if (input->position < feed->from && input->end >= feed->from)
            input->position = feed->from;
        input->at = 0;
        if (input->task->view != NULL)
            atomic_store(&input->task->view->positions[input->index], input->position);
    }
    release(feed);
}

/* Detaches those who hold the others up. */
static void relieve(Worker *worker, Feed *feed)
{
    size_t  done = 0;
    int64_t now  = runtime_now_us(worker->runtime);
    for (size_t i = 0; i < feed->count; i++)
        done += feed->consumers[i]->at >= feed->batch.count && task_runnable(feed->consumers[i]->task);
    if (done == 0)
        return;
    if (feed->stalled_us == 0)
        feed->stalled_us = now;
    for (size_t i = feed->count; i-- > 0;) {
        TaskInput *input = feed->consumers[i];
        if (input->at < feed->batch.count &&
            (!task_runnable(input->task) || now - feed->stalled_us > STALL_US))
            remove_consumer(input); /* done > 0: the feed stays */
    }
}

/* Runs the tasks on what is held. They take turns, a step each, so that all use a slice of decoded rows while
 * it is there. False: something failed, feeds and tasks may have changed. */
static bool run_consumers(Worker *worker, Feed *feed, bool *busy)
{
    Error err;
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < feed->count; i++) {
            TaskInput *input = feed->consumers[i];
            if (!input_has_data(input) || !task_runnable(input->task))
                continue;
            if (task_step(input->task, &any, &err) != OK) {
                worker_failed(worker, input->task, &err);
                return false;
            }
        }
        shared_decode_end_slices(feed);
        *busy |= any;
    }
    return true;
}

static bool pump_one(Worker *worker, Feed *feed, bool *busy)
{
    Error err;
    bool  moved;
    if (!feed->held) {
        if (level(worker, feed, &moved, &err) != OK) {
            log_line(LOG_WARN, "%s", err.message); /* detached: attached again in the next pass */
            return false;
        }
        if (moved) {
            *busy = true;
            return false;
        }
        if (!take(worker, feed, busy))
            return false;
        if (!feed->held)
            return true;
    }
    if (!run_consumers(worker, feed, busy))
        return false;
    if (!feed->held)
        return true;
    if (batch_done(feed))
        finish_batch(feed);
    else
        relieve(worker, feed);
    return true;
}

void feeds_pump(Worker *worker, bool *busy)
{
    bool all = worker->feed_count <= FEW_FEEDS || worker->passes++ % IDLE_EVERY == 0;
    for (Feed *feed = worker->feeds, *next; feed != NULL; feed = next) {
        next = feed->next;
        if (!all && !feed->held)
            continue;
        if (!pump_one(worker, feed, busy)) {
            *busy = true; /* lists have changed: from the start in the next pass */
            return;
        }
        if (atomic_load_explicit(&worker->has_mail, memory_order_relaxed))
            return;
    }
}
