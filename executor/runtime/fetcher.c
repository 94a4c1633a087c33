/*
 * fetcher.c - a topic partition is fetched once for all tasks of a worker.
 *
 * A fetcher holds one batch until every consumer has passed it; a consumer skips what lies below its own
 * position. Not taking is the flow control, so one consumer that cannot go on would hold up the others: it is
 * detached, and comes back through a fetcher of its own (in a reader of the pool, for a reader reads a
 * partition once) until it has caught up with the shared one. A new task that starts far back comes in the
 * same way; where it is a little, as with the queries of one start, the shared fetcher goes back, and the
 * others skip what they have.
 *
 * A log that goes back under its reader (a topic that was deleted and made again, a broker that has lost the
 * end of one) has other records below the positions of its readers than those that they have read. They take
 * them all: to skip what lies below their positions would be to lose it in silence.
 *
 * Several consumers that wait for each other's inputs could stall for ever; a fetcher in which some are done
 * and some do not move for STALL_US detaches the latter.
 */
#include <assert.h>
#include <time.h>

#include "core/logger.h"
#include "executor/runtime/fetcher.h"
#include "executor/runtime/shared_decode.h"

enum {
    STALL_US         = 200000,
    TROUBLE_PAUSE_MS = 5,
    GO_BACK_RECORDS  = 2 * POLL_RECORDS,
    IDLE_EVERY       = 16,
    FEW_FETCHERS     = 64,
    BUCKETS          = 1024
};

struct Fetchers {
    LogReader  *reader; /* the shared one */
    ReaderPool *pool;
    Clock      *clock;
    SliceCache *slices;
    FetchClient client;
    Fetcher    *first;
    Fetcher    *shared[BUCKETS]; /* by the hash of their partitions: those of the shared reader */
    size_t      count;
    unsigned    passes;
};

Fetchers *fetchers_new(LogReader *shared, ReaderPool *pool, Clock *clock, SliceCache *slices,
                       const FetchClient *client)
{
    Fetchers *self = mem_calloc(1, sizeof *self);
    *self = (Fetchers){.reader = shared, .pool = pool, .clock = clock, .slices = slices, .client = *client};
    return self;
}

void fetchers_free(Fetchers *self)
{
    assert(self == NULL || self->first == NULL);
    mem_free(self);
}

/* ---- opening and closing ---- */

static size_t bucket_of(Str topic, int partition) { return (str_hash(topic) + (size_t)partition) % BUCKETS; }

static Fetcher *shared_fetcher(const Fetchers *self, Str topic, int partition)
{
    Fetcher *fetcher = self->shared[bucket_of(topic, partition)];
    while (fetcher != NULL && (fetcher->partition != partition || !str_equal(fetcher->topic, topic)))
        fetcher = fetcher->next_alike;
    return fetcher;
}

static void link_fetcher(Fetchers *self, Fetcher *fetcher)
{
    fetcher->next = self->first;
    fetcher->link = &self->first;
    if (fetcher->next != NULL)
        fetcher->next->link = &fetcher->next;
    self->first = fetcher;
    self->count++;
    if (fetcher->pooled != NULL)
        return;
    Fetcher **bucket    = &self->shared[bucket_of(fetcher->topic, fetcher->partition)];
    fetcher->next_alike = *bucket;
    *bucket             = fetcher;
}

static void unlink_fetcher(Fetchers *self, Fetcher *fetcher)
{
    *fetcher->link = fetcher->next;
    if (fetcher->next != NULL)
        fetcher->next->link = fetcher->link;
    self->count--;
    if (fetcher->pooled != NULL)
        return;
    Fetcher **alike = &self->shared[bucket_of(fetcher->topic, fetcher->partition)];
    while (*alike != fetcher)
        alike = &(*alike)->next_alike;
    *alike = fetcher->next_alike;
}

static Status fetcher_open(Fetchers *self, Str topic, int partition, int64_t position, bool pooled,
                           Fetcher **out, Error *err)
{
    PoolReading *reading = NULL;
    int          handle;
    if (pooled)
        TRY(reader_pool_begin(self->pool, topic, partition, position, &reading, err));
    else
        TRY(log_reader_assign(self->reader, topic, partition, position, &handle, err));
    Fetcher *fetcher   = mem_calloc(1, sizeof *fetcher);
    fetcher->topic     = (Str){str_to_heap(topic), topic.len};
    fetcher->partition = partition;
    fetcher->handle    = pooled ? reading->handle : handle;
    fetcher->reader    = pooled ? reading->reader : self->reader;
    fetcher->pooled    = reading;
    fetcher->slices    = self->slices;
    fetcher->from      = position;
    fetcher->furthest  = INT64_MAX;
    link_fetcher(self, fetcher);
    *out = fetcher;
    return OK;
}

static void release(Fetcher *fetcher)
{
    shared_decode_end_batch(fetcher);
    if (fetcher->held)
        log_batch_release(fetcher->reader, &fetcher->batch);
    fetcher->held       = false;
    fetcher->stalled_us = 0;
}

static void fetcher_close(Fetchers *self, Fetcher *fetcher)
{
    unlink_fetcher(self, fetcher);
    release(fetcher);
    if (fetcher->pooled != NULL)
        reader_pool_end(self->pool, fetcher->pooled);
    else
        log_reader_unassign(fetcher->reader, fetcher->handle);
    mem_free(fetcher->broken);
    mem_free((char *)fetcher->topic.ptr);
    mem_free(fetcher->consumers);
    mem_free(fetcher);
}

/* First record of the held batch at or after the input's position. */
static size_t find_place(const Fetcher *fetcher, int64_t position)
{
    size_t low = 0, high = fetcher->held ? fetcher->batch.count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fetcher->batch.records[middle].offset < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The place where a former log was read says nothing of this one. What was made of the former stays. */
static void begin_anew(TaskInput *input, int64_t first)
{
    input->position = input->committed = first;
    input->head_known                  = false;
    if (input->replay_until > first)
        input->replay_until = first;
}

/* Positions that this log has not come to since it went back are of the former one. */
static bool is_of_former_log(const Fetcher *fetcher, const TaskInput *input)
{
    return input->position > fetcher->furthest;
}

static void add_consumer(Fetcher *fetcher, TaskInput *input)
{
    assert(!is_of_former_log(fetcher, input));
    fetcher->doubtful |= input->position > fetcher->from;
    if (fetcher->count == fetcher->capacity) {
        fetcher->capacity  = fetcher->capacity ? fetcher->capacity * 2 : 4;
        fetcher->consumers = mem_realloc(fetcher->consumers, fetcher->capacity * sizeof *fetcher->consumers);
    }
    fetcher->consumers[fetcher->count++] = input;
    input->fetcher                       = fetcher;
    input->at                            = find_place(fetcher, input->position);
    input->head_known                    = false;
    input->placed                        = true;
    shared_decode_join(input);
}

static void remove_consumer(TaskInput *input)
{
    Fetcher *fetcher = input->fetcher;
    size_t   i       = 0;
    while (fetcher->consumers[i] != input)
        i++;
    shared_decode_leave(input);
    fetcher->consumers[i] = fetcher->consumers[--fetcher->count];
    input->fetcher        = NULL;
    input->head_known     = false;
}

void fetcher_detach(Fetchers *self, TaskInput *input)
{
    Fetcher *fetcher = input->fetcher;
    if (fetcher == NULL)
        return;
    remove_consumer(input);
    if (fetcher->count == 0)
        fetcher_close(self, fetcher);
}

/* A reader of its own and a second decoding of all that comes, for the queries of one start would never
 * catch up while there is a backlog, are dearer than reading some records again. Not for those who come back:
 * they may be slow for good. Nor for clients and failed queries, which are not to disturb the others. */
static bool worth_going_back(const Fetchers *self, const Fetcher *fetcher, const TaskInput *input)
{
    return !input->placed && self->client.may_go_back(input) &&
           fetcher->from - input->position <= GO_BACK_RECORDS;
}

/* On an error the fetcher is where it was. */
static Status go_back(Fetcher *fetcher, int64_t position, Error *err)
{
    TRY(log_reader_seek(fetcher->reader, fetcher->handle, position, err));
    release(fetcher);
    fetcher->from = position;
    return OK;
}

Status fetcher_attach(Fetchers *self, TaskInput *input, Error *err)
{
    Fetcher *fetcher = input->own_fetcher ? NULL : shared_fetcher(self, input->topic, input->partition);
    assert(input->fetcher == NULL);
    bool usable = fetcher != NULL && fetcher->broken == NULL;
    if (usable && is_of_former_log(fetcher, input))
        begin_anew(input, fetcher->first);
    if (usable && input->position < fetcher->from && worth_going_back(self, fetcher, input) &&
        go_back(fetcher, input->position, err) != OK)
        log_line(LOG_WARN, "%s; a reader of its own, then", err->message);
    if (usable && input->position >= fetcher->from) {
        add_consumer(fetcher, input);
        return OK;
    }
    bool pooled = fetcher != NULL || input->own_fetcher;
    TRY(fetcher_open(self, input->topic, input->partition, input->position, pooled, &fetcher, err));
    add_consumer(fetcher, input);
    return OK;
}

/* A consumer with a fetcher of its own joins the others once it stands where they do. */
static Status rejoin(Fetchers *self, Fetcher *fetcher, bool *moved, Error *err)
{
    TaskInput *input = fetcher->consumers[0];
    *moved           = false;
    if (fetcher->pooled == NULL || fetcher->held || fetcher->count != 1 || input->own_fetcher)
        return OK;
    Fetcher *shared = shared_fetcher(self, fetcher->topic, fetcher->partition);
    if (shared != NULL && (input->position < shared->from || shared->broken != NULL ||
                           is_of_former_log(shared, input))) /* its own reader finds that out */
        return OK;
    *moved = true;
    fetcher_detach(self, input);
    return fetcher_attach(self, input, err);
}

/* All leave; who still reads comes back through a new fetcher at its own position. */
static void dissolve(Fetchers *self, Fetcher *fetcher)
{
    for (size_t left = fetcher->count; left-- > 0;)
        fetcher_detach(self, fetcher->consumers[left]); /* the last one closes the fetcher */
}

void fetchers_rewind(Fetchers *self)
{
    Error err;
    for (Fetcher *fetcher = self->first, *next; fetcher != NULL; fetcher = next) {
        int64_t lowest = INT64_MAX;
        next           = fetcher->next;
        for (size_t i = 0; i < fetcher->count; i++) {
            if (is_of_former_log(fetcher, fetcher->consumers[i]))
                begin_anew(fetcher->consumers[i], fetcher->first);
            if (fetcher->consumers[i]->position < lowest)
                lowest = fetcher->consumers[i]->position;
        }
        for (size_t i = 0; i < fetcher->count; i++)
            fetcher->consumers[i]->head_known = false;
        if (lowest >= fetcher->from && fetcher->held) {
            for (size_t i = 0; i < fetcher->count; i++)
                fetcher->consumers[i]->at = find_place(fetcher, fetcher->consumers[i]->position);
            continue;
        }
        if (lowest >= fetcher->from)
            continue; /* nothing was taken since */
        if (go_back(fetcher, lowest, &err) != OK) {
            log_line(LOG_WARN, "going back to the last commit: %s", err.message);
            dissolve(self, fetcher);
        }
    }
}

bool fetchers_caught_up(const Fetchers *self)
{
    for (const Fetcher *fetcher = self->first; fetcher != NULL; fetcher = fetcher->next)
        if (!log_reader_caught_up(fetcher->reader, fetcher->handle))
            return false;
    return true;
}

bool fetcher_at_end(const TaskInput *input)
{
    const Fetcher *fetcher = input->fetcher;
    if (fetcher == NULL || (fetcher->held && input->at < fetcher->batch.count))
        return false;
    if (input->position >= input->end)
        return true;
    return log_reader_at_end(fetcher->reader, fetcher->handle);
}

/* ---- pumping ---- */

static void say_gone(const Fetcher *fetcher, int64_t read, int64_t first)
{
    log_line(LOG_WARN,
             "topic " STR_FMT " partition %d: what was there up to offset %lld is gone, and there are others "
             "from %lld on: it was made again, or has lost its end. Its readers take all that is there; what "
             "they made of the former records stays",
             STR_ARG(fetcher->topic), fetcher->partition, (long long)read, (long long)first);
}

static void begin_all_anew(Fetchers *self, Fetcher *fetcher, int64_t first)
{
    for (size_t i = 0; i < fetcher->count; i++) {
        begin_anew(fetcher->consumers[i], first);
        self->client.moved(fetcher->consumers[i]);
    }
    fetcher->from = fetcher->first = fetcher->furthest = first;
}

/* A reader is taken down only by go_back, or by the log. All who read the partition here learn it at once, so
 * that none of them compares a former position with the new log. */
static void log_went_back(Fetchers *self, Fetcher *fetcher, int64_t first)
{
    Error err;
    say_gone(fetcher, fetcher->from, first);
    begin_all_anew(self, fetcher, first);
    for (Fetcher *other = self->first; other != NULL; other = other->next)
        if (other != fetcher && other->partition == fetcher->partition &&
            str_equal(other->topic, fetcher->topic) && other->from > first) {
            if (go_back(other, first, &err) == OK)
                begin_all_anew(self, other, first);
            else /* it will find out by itself */
                log_line(LOG_WARN, "%s", err.message);
        }
}

static void note_progress(Fetcher *fetcher, int64_t next)
{
    if (fetcher->furthest != INT64_MAX && next > fetcher->furthest)
        fetcher->furthest = next;
}

/* Who stands before the reader, and so before all that it has met, has either read further elsewhere or read
 * a log that is gone: a reader that was opened since the topic was made again has not seen it go back. At the
 * log's end, the log can tell. */
static void look_at_who_is_ahead(Fetchers *self, Fetcher *fetcher)
{
    int64_t first, end, furthest = 0;
    Error   err;
    for (size_t i = 0; i < fetcher->count; i++)
        furthest = fetcher->consumers[i]->position > furthest ? fetcher->consumers[i]->position : furthest;
    fetcher->doubtful = furthest > fetcher->from;
    if (!fetcher->doubtful || !log_reader_at_end(fetcher->reader, fetcher->handle))
        return;
    if (reader_pool_offsets(self->pool, fetcher->topic, fetcher->partition, &first, &end, &err) != OK)
        return; /* asked again at the next look */
    fetcher->doubtful = furthest > end;
    if (!fetcher->doubtful)
        return;
    if (first < fetcher->from && go_back(fetcher, first, &err) != OK) {
        log_line(LOG_WARN, "%s", err.message);
        return;
    }
    say_gone(fetcher, furthest, first);
    fetcher->doubtful = false;
    fetcher->first    = first;
    fetcher->furthest = end;
    for (size_t i = 0; i < fetcher->count; i++)
        if (is_of_former_log(fetcher, fetcher->consumers[i])) {
            begin_anew(fetcher->consumers[i], first);
            self->client.moved(fetcher->consumers[i]);
        }
}

/* With nothing there, the reader may still have gone beyond markers and compacted records. */
static void pass_gap(Fetchers *self, Fetcher *fetcher)
{
    int64_t position = log_reader_position(fetcher->reader, fetcher->handle);
    if (position < fetcher->from)
        log_went_back(self, fetcher, position);
    if (position > fetcher->from)
        fetcher->from = position;
    note_progress(fetcher, position);
    for (size_t i = 0; i < fetcher->count; i++) {
        TaskInput *input = fetcher->consumers[i];
        if (fetcher->from <= input->position)
            continue;
        input->position = fetcher->from;
        self->client.moved(input);
    }
    if (fetcher->doubtful)
        look_at_who_is_ahead(self, fetcher);
}

/* The topic is gone, which a reader tells once: all who read it fail, one by one, as they are told here. */
static Status fail_one(const Fetcher *fetcher, Task **failed, Error *err)
{
    *failed = fetcher->consumers[0]->task;
    if (err != NULL)
        *err = *fetcher->broken;
    return fetcher->broken->code;
}

/* Damage concerns who has yet to read it. Those who have passed it before (the fetcher went back for a
 * newcomer) go on: by fetchers of their own, or by this one when nobody else is left. */
static bool concerns_anybody(Fetcher *fetcher)
{
    int64_t at = log_reader_position(fetcher->reader, fetcher->handle), lowest = INT64_MAX;
    size_t  concerned = 0;
    Error   err;
    for (size_t i = 0; i < fetcher->count; i++) {
        int64_t position = fetcher->consumers[i]->position;
        lowest           = position < lowest ? position : lowest;
        concerned += position <= at;
    }
    if (concerned == 0)
        return go_back(fetcher, lowest, &err) != OK;
    for (size_t i = fetcher->count; i-- > 0;)
        if (fetcher->consumers[i]->position > at)
            remove_consumer(fetcher->consumers[i]);
    return true;
}

static Status cannot_read(Fetchers *self, Fetcher *fetcher, const Error *why, Task **failed, Error *err)
{
    const struct timespec pause = {0, TROUBLE_PAUSE_MS * 1000000L};
    if (why->code == E_IO || why->code == E_BUSY) {
        if (notice_due(&fetcher->trouble, str_c(why->message), self->clock->monotonic_us(self->clock)))
            log_line(LOG_WARN, "reading " STR_FMT " partition %d: %s", STR_ARG(fetcher->topic),
                     fetcher->partition, why->message);
        nanosleep(&pause, NULL); /* there are records, so that no wait for some would last */
        return OK;
    }
    if (why->code == E_DAMAGED && !concerns_anybody(fetcher))
        return OK;
    fetcher->broken  = mem_alloc(sizeof *fetcher->broken);
    *fetcher->broken = *why;
    return fail_one(fetcher, failed, err);
}

static Status take(Fetchers *self, Fetcher *fetcher, bool *busy, Task **failed, Error *err)
{
    Error why;
    if (fetcher->broken != NULL)
        return fail_one(fetcher, failed, err);
    if (log_reader_take(fetcher->reader, fetcher->handle, POLL_RECORDS, &fetcher->batch, &why) != OK)
        return cannot_read(self, fetcher, &why, failed, err);
    if (fetcher->batch.count == 0) {
        log_batch_release(fetcher->reader, &fetcher->batch);
        pass_gap(self, fetcher);
        return OK;
    }
    if (fetcher->batch.records[0].offset < fetcher->from)
        log_went_back(self, fetcher, fetcher->batch.records[0].offset);
    note_progress(fetcher, fetcher->batch.next_offset);
    *busy         = true;
    fetcher->held = true;
    for (size_t i = 0; i < fetcher->count; i++) {
        TaskInput *input  = fetcher->consumers[i];
        input->at         = find_place(fetcher, input->position);
        input->head_known = false;
    }
    return OK;
}

/* An input stands at its place only when all before it was done, so a batch is over when all stand behind it.
 */
static bool batch_done(const Fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->count; i++)
        if (fetcher->consumers[i]->at < fetcher->batch.count &&
            fetcher->batch.records[fetcher->consumers[i]->at].offset < fetcher->consumers[i]->end)
            return false;
    return true;
}

static void finish_batch(Fetchers *self, Fetcher *fetcher)
{
    fetcher->from = fetcher->batch.next_offset;
    for (size_t i = 0; i < fetcher->count; i++) {
        TaskInput *input = fetcher->consumers[i];
        if (input->position < fetcher->from && input->end >= fetcher->from)
            input->position = fetcher->from;
        input->at = 0;
        self->client.moved(input);
    }
    release(fetcher);
}

/* Detaches those who hold the others up. */
static void relieve(Fetchers *self, Fetcher *fetcher)
{
    size_t  done = 0;
    int64_t now  = self->clock->monotonic_us(self->clock);
    for (size_t i = 0; i < fetcher->count; i++)
        done += fetcher->consumers[i]->at >= fetcher->batch.count &&
                self->client.runnable(fetcher->consumers[i]->task);
    if (done == 0)
        return;
    if (fetcher->stalled_us == 0)
        fetcher->stalled_us = now;
    for (size_t i = fetcher->count; i-- > 0;) {
        TaskInput *input = fetcher->consumers[i];
        if (input->at < fetcher->batch.count &&
            (!self->client.runnable(input->task) || now - fetcher->stalled_us > STALL_US))
            remove_consumer(input); /* done > 0: the fetcher stays */
    }
}

/* Runs the tasks on what is held. They take turns, a step each, so that all use a slice of decoded rows while
 * it is there. */
static Status run_consumers(Fetchers *self, Fetcher *fetcher, bool *busy, Task **failed, Error *err)
{
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < fetcher->count; i++) {
            TaskInput *input = fetcher->consumers[i];
            if (!input_has_data(input) || !self->client.runnable(input->task))
                continue;
            *failed = input->task; /* should it */
            TRY(self->client.step(input->task, &any, err));
        }
        shared_decode_end_slices(fetcher);
        *busy |= any;
    }
    return OK;
}

/* *changed: the list of fetchers may be another. */
static Status run_one(Fetchers *self, Fetcher *fetcher, bool *busy, bool *changed, Task **failed, Error *err)
{
    Error why;
    if (!fetcher->held) {
        Status status = rejoin(self, fetcher, changed, &why);
        if (status != OK)
            log_line(LOG_WARN, "%s", why.message); /* detached: attached again in the next pass */
        if (*changed)
            return OK;
        TRY(take(self, fetcher, busy, failed, err));
        if (!fetcher->held)
            return OK;
    }
    TRY(run_consumers(self, fetcher, busy, failed, err));
    if (!fetcher->held)
        return OK;
    if (batch_done(fetcher))
        finish_batch(self, fetcher);
    else
        relieve(self, fetcher);
    return OK;
}

Status fetchers_run(Fetchers *self, bool *busy, Task **failed, Error *err)
{
    bool all = self->count <= FEW_FETCHERS || self->passes++ % IDLE_EVERY == 0;
    for (Fetcher *fetcher = self->first, *next; fetcher != NULL; fetcher = next) {
        bool changed = false;
        next         = fetcher->next;
        if (!all && !fetcher->held)
            continue;
        TRY(run_one(self, fetcher, busy, &changed, failed, err));
        if (changed) {
            *busy = true; /* from the start in the next pass */
            return OK;
        }
        if (self->client.interrupted(self->client.context))
            return OK;
    }
    return OK;
}
