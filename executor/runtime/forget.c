/*
 * forget.c - removing what a dropped query leaves behind: its positions, its rows, its topics.
 *
 * Positions go in a transaction, which waits for slots and is tried again when the world fails. Tables may be
 * large and are emptied in slices between batches; a fact "drop/<table>" remembers that across a restart.
 * Internal topics are deleted by the helper thread, once all workers have forgotten the query: a worker would
 * stand still until Kafka's brokers have heard of it.
 */
#include "executor/dataflow/task.h"
#include "executor/runtime/worker.h"

enum { SLICE_ROWS = 2000, DELETE_TRIES = 300 };

static void add_drop(Worker *worker, Str store)
{
    for (size_t i = 0; i < worker->drop_count; i++)
        if (str_equal(worker->drops[i], store))
            return;
    worker->drops = mem_realloc(worker->drops, (worker->drop_count + 1) * sizeof *worker->drops);
    worker->drops[worker->drop_count++] = (Str){str_to_heap(store), store.len};
}

static void remove_drop(Worker *worker, size_t index)
{
    mem_free((char *)worker->drops[index].ptr);
    worker->drops[index] = worker->drops[--worker->drop_count];
}

/* ---- positions ---- */

static Status forget_slot_positions(Worker *worker, const Query *query, const QuerySub *sub, bool *any,
                                    Error *err)
{
    for (int p = 0; p < sub->tasks; p++) {
        char key[512];
        int  slot = slot_of(sub, p, atomic_load(&worker->runtime->slot_count));
        int  len  = snprintf(key, sizeof key, STR_FMT "/%d/%d", STR_ARG(query->plan->id), sub->sub.number, p);
        if (len < 0 || (size_t)len >= sizeof key)
            return error_set(err, E_LIMIT, NO_POS, "The query id is too long");
        Str name = str_n(key, (size_t)len);
        TRY(state_meta_set(worker->state, name, STR_NULL, err));
        if (worker->slots[slot] != SLOT_OWNED)
            continue;
        LogRecord tombstone = {.timestamp = worker->runtime->clock->now_ms(worker->runtime->clock),
                               .key       = name};
        TRY(worker_txn_begin(worker, err));
        TRY(log_append(worker->txn, worker->runtime->slots_topic, slot, &tombstone, STR_NULL, err));
        positions_put(&worker->positions, name, slot, STR_NULL);
        *any = true;
    }
    return OK;
}

/* ---- stores ---- */

typedef struct {
    Worker *worker;
    Status  status;
    Error  *err;
} Forgetting;

static void forget_stores(void *context, const PlanNode *node)
{
    Forgetting *self = context;
    for (size_t i = 0; self->status == OK && i < node->store_count; i++) {
        Str name = node->stores[i].name;
        add_drop(self->worker, name);
        self->status = state_meta_set(self->worker->state,
                                      str_printf(self->worker->scratch, "drop/" STR_FMT, STR_ARG(name)),
                                      STR_LIT("1"), self->err);
    }
}

/* Its transaction is its own: what others have done is committed before. */
static Status forget_query(Worker *worker, const Query *query, Error *err)
{
    Forgetting self = {worker, OK, err};
    bool       any  = false;
    if (worker->dirty != NULL)
        TRY(worker_commit(worker, true, err));
    for (size_t i = 0; i < query->sub_count; i++)
        TRY(forget_slot_positions(worker, query, &query->subs[i], &any, err));
    plan_visit(query->plan, forget_stores, &self);
    arena_reset(worker->scratch);
    TRY(self.status);
    if (any) {
        TRY(log_txn_fence(worker->txn, worker->fence, NULL, 0, err));
        TRY(log_txn_commit(worker->txn, err));
        worker->in_txn = false;
    }
    worker->state_changed = true;
    return OK;
}

/* ---- dropped queries ---- */

Forgotten *forgotten_new(Query *query, int workers)
{
    Forgotten *forgotten = mem_calloc(1, sizeof *forgotten);
    forgotten->query     = query_ref(query);
    atomic_init(&forgotten->left, workers);
    return forgotten;
}

static void push_forgotten(Runtime *runtime, Forgotten *forgotten)
{
    pthread_mutex_lock(&runtime->lock);
    forgotten->next    = runtime->forgotten;
    runtime->forgotten = forgotten;
    pthread_mutex_unlock(&runtime->lock);
}

void forgotten_release(Forgotten *forgotten)
{
    if (atomic_fetch_sub(&forgotten->left, 1) == 1)
        push_forgotten(forgotten->query->runtime, forgotten);
}

/* True: to be tried again. */
static bool delete_fails(Forgotten *forgotten, bool last_time)
{
    Error  err;
    Status status = query_delete_topics(forgotten->query, &err);
    if (status == OK)
        return false;
    bool again = !last_time && ++forgotten->tries < DELETE_TRIES;
    if (forgotten->tries == 1 || !again)
        log_line(LOG_WARN, "deleting the topics of query " STR_FMT ": %s",
                 STR_ARG(forgotten->query->plan->id), err.message);
    return again;
}

void forgotten_delete_topics(Runtime *runtime, bool last_time)
{
    pthread_mutex_lock(&runtime->lock);
    Forgotten *forgotten = runtime->forgotten, *next;
    runtime->forgotten   = NULL;
    pthread_mutex_unlock(&runtime->lock);
    for (; forgotten != NULL; forgotten = next) {
        next = forgotten->next;
        if (delete_fails(forgotten, last_time)) {
            push_forgotten(runtime, forgotten);
            continue;
        }
        query_unref(forgotten->query);
        mem_free(forgotten);
    }
}

void worker_forget(Worker *worker, Forgotten *forgotten)
{
    size_t count              = worker->forgetting_count++;
    worker->forgetting        = mem_realloc(worker->forgetting, (count + 1) * sizeof(Forgotten *));
    worker->forgetting[count] = forgotten;
}

bool worker_forget_queries(Worker *worker, bool *busy)
{
    while (worker->forgetting_count > 0) {
        Forgotten *forgotten = worker->forgetting[worker->forgetting_count - 1];
        Error      err;
        if (forget_query(worker, forgotten->query, &err) != OK) {
            log_line(LOG_WARN, "forgetting query " STR_FMT ": %s", STR_ARG(forgotten->query->plan->id),
                     err.message);
            worker_failed(worker, worker->guilty, &err);
            return false;
        }
        worker->forgetting_count--;
        forgotten_release(forgotten);
        *busy = true;
    }
    return true;
}

/* ---- tables, in slices ---- */

static Status drop_slice(Worker *worker, size_t index, bool *done, Error *err)
{
    Str name = worker->drops[index];
    TRY(store_drop(worker->state, name, SLICE_ROWS, done, err));
    worker->state_changed = true;
    if (*done)
        TRY(state_meta_set(worker->state, str_printf(worker->scratch, "drop/" STR_FMT, STR_ARG(name)),
                           STR_NULL, err));
    arena_reset(worker->scratch);
    return OK;
}

bool worker_forget_slice(Worker *worker)
{
    Error err;
    bool  done;
    if (worker->drop_count == 0)
        return false;
    Status status = drop_slice(worker, 0, &done, &err);
    if (status == E_BUSY) {
        remove_drop(worker, 0); /* somebody uses a table of that name: it is theirs */
        return true;
    }
    if (status != OK) {
        log_line(LOG_WARN, "removing the table " STR_FMT ": %s", STR_ARG(worker->drops[0]), err.message);
        remove_drop(worker, 0); /* the fact stays: tried again after the next start */
    } else if (done)
        remove_drop(worker, 0);
    return true;
}

Status worker_forget_finish(Worker *worker, Str store, Error *err)
{
    for (size_t i = 0; i < worker->drop_count; i++) {
        if (!str_equal(worker->drops[i], store))
            continue;
        bool   done   = false;
        Status status = OK;
        while (status == OK && !done)
            status = drop_slice(worker, i, &done, err);
        if (status == E_BUSY)
            status = OK; /* another partition's task has it open, and has made sure of it */
        remove_drop(worker, i);
        return status;
    }
    return OK;
}

/* ---- what a query that was dropped while this node was away has left ---- */

static void drop_now(void *context, const PlanNode *node)
{
    Forgetting *self = context;
    for (size_t i = 0; self->status == OK && i < node->store_count; i++) {
        bool done = false;
        while (self->status == OK && !done)
            self->status =
                store_drop(self->worker->state, node->stores[i].name, SLICE_ROWS, &done, self->err);
        if (self->status == E_BUSY)
            self->status = OK; /* another partition's task has it open: then it is the new query's */
    }
    self->worker->state_changed = true;
}

Status worker_forget_leftovers(Worker *worker, const Query *query, Error *err)
{
    Forgetting self   = {worker, OK, err};
    Str        prefix = str_printf(worker->scratch, STR_FMT "/", STR_ARG(query->plan->id));
    Str       *names, *values;
    size_t     count;
    plan_visit(query->plan, drop_now, &self);
    TRY(self.status);
    TRY(state_meta_list(worker->state, prefix, worker->scratch, &names, &values, &count, err));
    for (size_t i = 0; i < count; i++) /* no partition may take a table that is gone for its own */
        TRY(state_meta_set(worker->state, names[i], STR_NULL, err));
    return OK;
}

void worker_forget_resume(Worker *worker)
{
    Error  err;
    Str   *names, *values;
    size_t count;
    if (state_meta_list(worker->state, STR_LIT("drop/"), worker->scratch, &names, &values, &count, &err) !=
        OK) {
        log_line(LOG_WARN, "%s: %s", worker->path, err.message);
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        add_drop(worker, str_n(names[i].ptr + 5, names[i].len - 5));
    arena_reset(worker->scratch);
}
