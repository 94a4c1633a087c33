/*
 * standby.c - a task that follows its changelogs while another node has its slot, so that it can take over
 * from where it is, and be read meanwhile.
 *
 * It is a restore that does not end: the same pipeline without inputs, the same records into the same stores,
 * and the same fact in the state file that says how far they are. When the slot comes to this node, the task
 * goes on restoring with what is left of the changelogs (task_take_over), and runs. If it is opened instead,
 * after a restart or a failure, it does so from the fact. Its sequence number is 0, which no commit has: how
 * many commits the stores are behind is not known, and not asked.
 *
 * A source table has no changelog but its topic, and of that nothing is applied beyond what the task that has
 * the slot has committed (its record in the slots topic, which is followed, too): rows ahead of the positions
 * would be taken for the old ones when the task goes on from there.
 *
 * Invariant: a standby takes part in no transaction and holds up nobody. What it has applied is committed by
 * another, so a rollback here does not concern it, but for what the state file forgets: then it is opened
 * again. What fails is tried again by itself.
 */
#include "executor/runtime/standby.h"

#include "executor/runtime/changelog_cut.h"
#include "executor/runtime/fetch.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/reader_pool.h"
#include "executor/runtime/restore.h"
#include "executor/runtime/stored.h"
#include "executor/runtime/worker_state.h"

enum {
    TURN_US        = 10000, /* between two looks: what follows need not wake a worker for each record */
    SLOT_RECORDS   = 500,
    SOURCE_SLICE   = 1000,
    RETRY_FIRST_MS = 200,
    RETRY_MAX_MS   = 10000,
    RENEW_US       = 600 * 1000000,
};

struct Standbys {
    ReaderPool   *pool;
    int          *ranks;    /* per slot; 0: not */
    PoolReading **readings; /* per slot: of its positions; NULL: not begun */
    int           slots;
    int64_t       turn_us; /* when it is looked next */
    bool          turn;    /* it is looked in this pass */
};

/* A topic that rows come from: a store's changelog, or an input that a source table is made from. */
typedef struct {
    PoolReading *reading; /* NULL: it is not followed */
    LogBatch     batch;   /* inputs: what may not be applied yet */
    size_t       at;
    bool         held;
    int64_t      wanted; /* how far it was when the task was opened; -1: not known yet */
} Followed;

struct Following {
    Followed *stores, *inputs;
    size_t    store_count, input_count;
    bool      reached;         /* all that was wanted is applied */
    bool      torn;            /* records were taken that could not be applied */
    bool      stored;          /* the file says something of it */
    int64_t   fact_us;         /* when that was written last */
    uint64_t  reached_commits; /* of the state file, then: only after the next one it can be read */
};

/* ---- slots ---- */

Standbys *standbys_new(Log *log, Clock *clock)
{
    Standbys *self = mem_calloc(1, sizeof *self);
    self->pool     = reader_pool_new(log, clock);
    return self;
}

static void stop_reading(Standbys *self, int slot)
{
    if (self->readings[slot] != NULL)
        reader_pool_end(self->pool, self->readings[slot]);
    self->readings[slot] = NULL;
}

void standbys_free(Standbys *self)
{
    if (self == NULL)
        return;
    for (int s = 0; s < self->slots; s++)
        stop_reading(self, s);
    reader_pool_free(self->pool);
    mem_free(self->ranks);
    mem_free(self->readings);
    mem_free(self);
}

static void make_room(Standbys *self, int slots)
{
    if (self->slots >= slots)
        return;
    self->ranks    = mem_realloc(self->ranks, (size_t)slots * sizeof *self->ranks);
    self->readings = mem_realloc(self->readings, (size_t)slots * sizeof *self->readings);
    for (int s = self->slots; s < slots; s++) {
        self->ranks[s]    = 0;
        self->readings[s] = NULL;
    }
    self->slots = slots;
}

void standby_set_slot(Worker *worker, int slot, int rank)
{
    Standbys *self = worker->standbys;
    make_room(self, atomic_load(&worker->runtime->slot_count));
    if (rank != self->ranks[slot])
        worker->slots_changed = true;
    if (rank == 0 && self->ranks[slot] > 0) {
        stop_reading(self, slot);
        positions_drop_slot(worker->positions, slot);
    }
    self->ranks[slot]   = rank;
    worker->slots[slot] = rank > 0 ? SLOT_STANDBY : SLOT_NONE;
}

void standby_leave_slot(Worker *worker, int slot)
{
    Standbys *self = worker->standbys;
    if (slot >= self->slots)
        return;
    stop_reading(self, slot);
    self->ranks[slot] = 0;
}

bool standbys_are_following(const Standbys *self) { return reader_pool_is_reading(self->pool); }
void standbys_tidy(Standbys *self) { reader_pool_tidy(self->pool); }

static Status read_slot(Worker *worker, int slot, bool *busy, Error *err)
{
    PoolReading **reading = &worker->standbys->readings[slot];
    LogBatch      batch;
    if (*reading == NULL)
        TRY(reader_pool_begin(worker->standbys->pool, worker->runtime->slots_topic, slot, LOG_EARLIEST,
                              reading, err));
    TRY(log_reader_take((*reading)->reader, (*reading)->handle, SLOT_RECORDS, &batch, err));
    for (size_t i = 0; i < batch.count; i++)
        positions_put(worker->positions, batch.records[i].key, slot, batch.records[i].value);
    *busy |= batch.count == SLOT_RECORDS;
    log_batch_release((*reading)->reader, &batch);
    return OK;
}

void standby_read_slots(Worker *worker, bool *busy)
{
    Standbys *self = worker->standbys;
    int64_t   now  = runtime_now_us(worker->runtime);
    Error     err;
    self->turn = now >= self->turn_us;
    if (!self->turn)
        return;
    self->turn_us = now + TURN_US;
    for (int s = 0; s < self->slots; s++)
        if (self->ranks[s] > 0 && worker->slots[s] == SLOT_STANDBY &&
            read_slot(worker, s, busy, &err) != OK &&
            notice_due(&worker->standby_trouble, str_c(err.message), now))
            log_line(LOG_WARN, "worker %d, the positions of slot %d, for a standby: %s", worker->index, s,
                     err.message);
}

static bool has_store(const QuerySub *sub)
{
    for (size_t i = 0; i < sub->sub.node_count; i++)
        if (sub->sub.nodes[i]->store_count > 0)
            return true;
    return false;
}

bool standby_is_wanted(const Worker *worker, const RunningQuery *query, const QuerySub *sub, int slot)
{
    return worker->slots[slot] == SLOT_STANDBY &&
           worker->standbys->ranks[slot] <= query->settings.standby_replicas && has_store(sub);
}

/* ---- opening ---- */

static const TaskClass standby_class;

Task *standby_new(Worker *worker, RunningQuery *query, QuerySub *sub, int partition)
{
    return task_new_of(&standby_class, worker, query, sub, partition);
}

static bool never_runs(const Task *task) { return false; }

static bool is_source_input(const Task *task, size_t input)
{
    for (size_t s = 0; s < pipeline_store_count(task->pipeline); s++)
        if (pipeline_store_is_source(task->pipeline, s) &&
            pipeline_store_node(task->pipeline, s) ==
                pipeline_input_node(task->pipeline, task->inputs[input].index))
            return true;
    return false;
}

/* As for a restore (restore.c), without a record to compare with: what the file has is followed on from. */
static Status find_positions(Task *task, Error *err)
{
    TaskRecord file;
    bool       usable;
    int64_t    kept_ms;
    TRY(stored_read(task, &file, &kept_ms, &usable, err));
    if (usable)
        TRY(stored_fits(task, &file, kept_ms, false, &usable, err));
    task->following->stored = usable;
    bool sources            = usable && file.source_columns == task->source_columns;
    if (!sources)
        TRY(stored_clear(task, usable, err));
    stored_set_changelogs(task, usable ? &file : NULL);
    for (size_t i = 0; i < task->input_count; i++) {
        task->inputs[i].position = sources ? stored_input_position(&file, task, i) : -1;
        task->input_positions[i] = task->inputs[i].position;
    }
    return OK;
}

static Status follow_stores(Task *task, Error *err)
{
    Worker *worker = task->worker;
    for (size_t i = 0; i < task->following->store_count; i++) {
        Followed *store = &task->following->stores[i];
        int64_t   first;
        if (pipeline_store_is_source(task->pipeline, i))
            continue;
        TRY(log_offsets(worker->runtime->options.log, task->changelog_topics[i], task->partition, &first,
                        &store->wanted, err));
        TRY(changelog_look_for_cut(task, i, task->changelogs[i], err));
        TRY(reader_pool_begin(worker->standbys->pool, task->changelog_topics[i], task->partition,
                              task->changelogs[i] < 0 ? LOG_EARLIEST : task->changelogs[i], &store->reading,
                              err));
    }
    return OK;
}

static Status follow_inputs(Task *task, Error *err)
{
    for (size_t i = 0; i < task->input_count; i++) {
        const TaskInput *input = &task->inputs[i];
        Followed        *topic = &task->following->inputs[i];
        topic->wanted          = -1;
        if (is_source_input(task, i))
            TRY(reader_pool_begin(task->worker->standbys->pool, input->topic, input->partition,
                                  input->position < 0 ? LOG_EARLIEST : input->position, &topic->reading,
                                  err));
    }
    return OK;
}

static Status begin(Task *task, Error *err)
{
    Following *following   = mem_calloc(1, sizeof *following);
    task->following        = following;
    following->fact_us     = runtime_now_us(task->worker->runtime);
    following->store_count = pipeline_store_count(task->pipeline);
    following->input_count = task->input_count;
    following->stores      = mem_calloc(following->store_count + 1, sizeof *following->stores);
    following->inputs      = mem_calloc(following->input_count + 1, sizeof *following->inputs);
    TRY(find_positions(task, err));
    TRY(follow_stores(task, err));
    return follow_inputs(task, err);
}

Status standby_open(Task *task, Error *err)
{
    TaskRecord record;
    bool       found;
    atomic_store(&task->view->readable, false);
    Status status = task_prepare(task, &record, &found, err);
    if (status == OK)
        status = begin(task, err);
    arena_reset(task->worker->scratch);
    if (status != OK) {
        task_close_pipeline(task);
        return status;
    }
    task_move(task, EVENT_STANDS_BY);
    return OK;
}

static void end_followed(Task *task, Followed *topic)
{
    if (topic->reading == NULL)
        return;
    if (topic->held)
        log_batch_release(topic->reading->reader, &topic->batch);
    reader_pool_end(task->worker->standbys->pool, topic->reading);
}

static void standby_close(Task *task)
{
    Following *following = task->following;
    if (following == NULL)
        return;
    for (size_t i = 0; i < following->store_count; i++)
        end_followed(task, &following->stores[i]);
    for (size_t i = 0; i < following->input_count; i++)
        end_followed(task, &following->inputs[i]);
    mem_free(following->stores);
    mem_free(following->inputs);
    mem_free(following);
    task->following = NULL;
    atomic_store(&task->view->readable, false);
}

/* ---- following ---- */

static Status read_changelog(Task *task, size_t store, size_t *applied, bool *busy, Error *err)
{
    const PoolReading *reading = task->following->stores[store].reading;
    size_t             count;
    if (reading == NULL)
        return OK;
    Status status         = stored_apply(task, store, reading, &count, err);
    task->following->torn = status != OK && count > 0;
    TRY(status);
    task->changelogs[store] = log_reader_position(reading->reader, reading->handle);
    *applied += count;
    *busy |= count == STORED_SLICE;
    return OK;
}

static Status take_more(Followed *topic, Error *err)
{
    TRY(log_reader_take(topic->reading->reader, topic->reading->handle, SOURCE_SLICE, &topic->batch, err));
    topic->at   = 0;
    topic->held = topic->batch.count > 0;
    if (!topic->held)
        log_batch_release(topic->reading->reader, &topic->batch);
    return OK;
}

/* How many of the records that are held lie below `target`. */
static size_t count_below(const Followed *topic, int64_t target)
{
    size_t count = 0;
    while (topic->at + count < topic->batch.count && topic->batch.records[topic->at + count].offset < target)
        count++;
    return count;
}

/* Up to `target`, and no further. What lies between the last record and the target is gone, if the reader is
 * beyond it. */
static Status read_input(Task *task, size_t at, int64_t target, size_t *applied, bool *busy, Error *err)
{
    TaskInput *input = &task->inputs[at];
    Followed  *topic = &task->following->inputs[at];
    if (!topic->held && input->position < target)
        TRY(take_more(topic, err));
    size_t count = topic->held ? count_below(topic, target) : 0;
    if (count > 0) {
        TRY(pipeline_replay_source(task->pipeline, input->index, &topic->batch.records[topic->at], count,
                                   err));
        stored_note_written(task);
        topic->at += count;
        input->position = topic->batch.records[topic->at - 1].offset + 1;
        *applied += count;
        *busy = true;
    }
    bool over = topic->held ? topic->at < topic->batch.count
                            : log_reader_position(topic->reading->reader, topic->reading->handle) >= target;
    if (over && input->position < target)
        input->position = target;
    if (topic->held && topic->at == topic->batch.count) {
        log_batch_release(topic->reading->reader, &topic->batch);
        topic->held = false;
    }
    task->input_positions[at] = input->position;
    return OK;
}

static Status read_inputs(Task *task, size_t *applied, bool *busy, Error *err)
{
    TaskRecord record;
    Str        bytes = task->has_source_store ? positions_get(task->worker->positions, task->key) : STR_NULL;
    if (str_is_null(bytes))
        return OK; /* nothing has been committed yet, or it is not known here */
    TRY(task_record_decode(bytes, task->worker->scratch, &record, err));
    for (size_t i = 0; stored_is_ours(task, &record) && i < task->input_count; i++) {
        Followed *topic = &task->following->inputs[i];
        int64_t   to    = stored_input_position(&record, task, i);
        if (topic->reading == NULL || to < 0)
            continue;
        if (topic->wanted < 0)
            topic->wanted = to;
        TRY(read_input(task, i, to, applied, busy, err));
    }
    return OK;
}

/* Has it all that there was when it was opened? Before, what it has may be of long ago. */
static bool has_reached(const Task *task)
{
    const Following *following = task->following;
    for (size_t i = 0; i < following->store_count; i++)
        if (following->stores[i].reading != NULL && task->changelogs[i] < following->stores[i].wanted)
            return false;
    for (size_t i = 0; i < following->input_count; i++)
        if (following->inputs[i].reading != NULL &&
            (following->inputs[i].wanted < 0 || task->inputs[i].position < following->inputs[i].wanted))
            return false;
    return true;
}

/* Rows that were applied while the file was in a transaction of its own (stores emptied) are seen after it.
 */
static void publish(Task *task)
{
    Following *following = task->following;
    TaskView  *view      = task->view;
    Worker    *worker    = task->worker;
    for (size_t i = 0; i < following->store_count; i++)
        atomic_store(&view->changelogs[i], task->changelogs[i]);
    for (size_t i = 0; i < task->input_count; i++)
        if (following->inputs[i].reading != NULL)
            atomic_store(&view->positions[task->inputs[i].index], task->inputs[i].position);
    if (!following->reached && has_reached(task)) {
        following->reached         = true;
        following->reached_commits = worker->file_commits;
        worker->state_changed      = true;
    }
    if (following->reached && worker->file_commits > following->reached_commits)
        atomic_store(&view->readable, true);
}

/* What the next opening goes on from, here or with the slot. */
static Status write_fact(Task *task, Error *err)
{
    StrBuf bytes = {0};
    stored_encode_fact(task, 0, &bytes);
    Status status = state_meta_set(task->worker->state, task->key, strbuf_str(&bytes), err);
    strbuf_clear(&bytes);
    task->following->stored     = true;
    task->following->fact_us    = runtime_now_us(task->worker->runtime);
    task->worker->state_changed = true;
    return status;
}

/* Where nothing comes, the fact is renewed: to be up to date for long is not to be old (stored_fits). */
static bool is_old(const Task *task)
{
    const Following *following = task->following;
    return following->reached && following->stored &&
           runtime_now_us(task->worker->runtime) - following->fact_us > RENEW_US;
}

static Status read_all(Task *task, bool *busy, Error *err)
{
    size_t applied = 0;
    for (size_t i = 0; i < task->following->store_count; i++)
        TRY(read_changelog(task, i, &applied, busy, err));
    TRY(read_inputs(task, &applied, busy, err));
    if (applied > 0 || is_old(task))
        TRY(write_fact(task, err));
    return OK;
}

Status standby_step(Task *task, bool *busy, Error *err)
{
    Standbys *self = task->worker->standbys;
    bool      more = false;
    if (!self->turn)
        return OK;
    Status status = read_all(task, &more, err);
    arena_reset(task->worker->scratch);
    if (more)
        self->turn_us = 0;
    *busy |= more;
    if (status == E_IO && !task->following->torn)
        return OK; /* fetching fails right now, which the reader says itself and gets over */
    TRY(status);
    task->failures = 0;
    publish(task);
    return OK;
}

static void standby_failed(Task *task, const Error *err)
{
    Worker *worker = task->worker;
    int64_t now = runtime_now_us(worker->runtime), ms = RETRY_FIRST_MS;
    for (unsigned i = 0; i < task->failures && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    task->failures++;
    task->retry_us = now + (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS) * 1000;
    if (notice_due(&task->waiting, str_c(err->message), now))
        log_line(LOG_WARN, "query " STR_FMT ", a standby of task " STR_FMT " (tried again): %s",
                 STR_ARG(task->query->plan->id), STR_ARG(task->key), err->message);
    task_close_pipeline(task);
    task_move(task, EVENT_FAILED);
}

static const TaskClass standby_class = {
    .stands_by = true, .runnable = never_runs, .failed = standby_failed, .close = standby_close};
