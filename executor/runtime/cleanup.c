/*
 * cleanup.c - removing what a dropped query leaves behind: its positions, its rows, its topics.
 *
 * Positions go in a transaction, which waits for slots and is tried again when the world fails. Tables may be
 * large and are emptied in slices between batches; a fact "drop/<table>" remembers that across a restart.
 * Internal topics are deleted by the helper thread, once all workers have cleaned up after the query: a
 * worker would stand still until Kafka's brokers have heard of it.
 */
#include "executor/runtime/cleanup.h"

#include "executor/dataflow/task.h"
#include "executor/runtime/commit.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/writers.h"

enum { SLICE_ROWS = 2000, DELETE_TRIES = 300 };

struct DroppedQuery {
    DroppedQuery *next; /* of the runtime's list */
    RunningQuery *query;
    _Atomic int   left; /* workers */
    int           tries;
};

struct Cleanup {
    Worker        *worker;
    DroppedQuery **dropped; /* whose positions are still there */
    size_t         dropped_count;
    Str           *tables; /* stores to be removed; heap */
    size_t         table_count;
};

static void add_table(Cleanup *cleanup, Str store)
{
    for (size_t i = 0; i < cleanup->table_count; i++)
        if (str_equal(cleanup->tables[i], store))
            return;
    cleanup->tables = mem_realloc(cleanup->tables, (cleanup->table_count + 1) * sizeof *cleanup->tables);
    cleanup->tables[cleanup->table_count++] = (Str){str_to_heap(store), store.len};
}

static void remove_table(Cleanup *cleanup, size_t index)
{
    mem_free((char *)cleanup->tables[index].ptr);
    cleanup->tables[index] = cleanup->tables[--cleanup->table_count];
}

/* ---- positions ---- */

static Status remove_positions(Worker *worker, const RunningQuery *query, const QuerySub *sub, bool *any,
                               Error *err)
{
    for (int p = 0; p < sub->tasks; p++) {
        char key[512];
        int  slot = query_slot(sub, p, atomic_load(&worker->runtime->slot_count));
        int  len  = snprintf(key, sizeof key, STR_FMT "/%d/%d", STR_ARG(query->plan->id), sub->sub.number, p);
        if (len < 0 || (size_t)len >= sizeof key)
            return error_set(err, E_LIMIT, NO_POS, "The query id is too long");
        Str name = str_n(key, (size_t)len);
        TRY(state_meta_set(worker->state, name, STR_NULL, err));
        if (worker->slots[slot] != SLOT_OWNED)
            continue;
        LogRecord tombstone = {.timestamp = worker->runtime->clock->now_ms(worker->runtime->clock),
                               .key       = name};
        TRY(writers_begin(worker, err));
        TRY(log_append(worker->txn, worker->runtime->slots_topic, slot, &tombstone, STR_NULL, err));
        positions_put(worker->positions, name, slot, STR_NULL);
        *any = true;
    }
    return OK;
}

/* ---- stores ---- */

typedef struct {
    Cleanup *cleanup;
    Worker  *worker;
    Status   status;
    Error   *err;
} Removal;

static void remove_stores(void *context, const PlanNode *node)
{
    Removal *self = context;
    for (size_t i = 0; self->status == OK && i < node->store_count; i++) {
        Str name = node->stores[i].name;
        add_table(self->cleanup, name);
        self->status = state_meta_set(self->worker->state,
                                      str_printf(self->worker->scratch, "drop/" STR_FMT, STR_ARG(name)),
                                      STR_LIT("1"), self->err);
    }
}

/* Its transaction is its own: what others have done is committed before. */
static Status remove_query(Cleanup *cleanup, const RunningQuery *query, Error *err)
{
    Worker *worker = cleanup->worker;
    Removal self   = {cleanup, worker, OK, err};
    bool    any    = false;
    if (worker->dirty != NULL)
        TRY(worker_commit(worker, true, err));
    for (size_t i = 0; i < query->sub_count; i++)
        TRY(remove_positions(worker, query, &query->subs[i], &any, err));
    plan_visit(query->plan, remove_stores, &self);
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

DroppedQuery *dropped_query_new(RunningQuery *query, int workers)
{
    DroppedQuery *dropped = mem_calloc(1, sizeof *dropped);
    dropped->query        = query_ref(query);
    atomic_init(&dropped->left, workers);
    return dropped;
}

RunningQuery *dropped_query(const DroppedQuery *dropped) { return dropped->query; }

static void push_dropped(Runtime *runtime, DroppedQuery *dropped)
{
    pthread_mutex_lock(&runtime->lock);
    dropped->next    = runtime->dropped;
    runtime->dropped = dropped;
    pthread_mutex_unlock(&runtime->lock);
}

void dropped_query_release(DroppedQuery *dropped)
{
    if (atomic_fetch_sub(&dropped->left, 1) == 1)
        push_dropped(dropped->query->runtime, dropped);
}

/* True: to be tried again. */
static bool delete_fails(DroppedQuery *dropped, bool last_time)
{
    Error  err;
    Status status = query_delete_topics(dropped->query, &err);
    if (status == OK)
        return false;
    bool again = !last_time && ++dropped->tries < DELETE_TRIES;
    if (dropped->tries == 1 || !again)
        log_line(LOG_WARN, "deleting the topics of query " STR_FMT ": %s", STR_ARG(dropped->query->plan->id),
                 err.message);
    return again;
}

void dropped_queries_delete_topics(Runtime *runtime, bool last_time)
{
    pthread_mutex_lock(&runtime->lock);
    DroppedQuery *dropped = runtime->dropped, *next;
    runtime->dropped      = NULL;
    pthread_mutex_unlock(&runtime->lock);
    for (; dropped != NULL; dropped = next) {
        next = dropped->next;
        if (delete_fails(dropped, last_time)) {
            push_dropped(runtime, dropped);
            continue;
        }
        query_unref(dropped->query);
        mem_free(dropped);
    }
}

void cleanup_add(Cleanup *cleanup, DroppedQuery *dropped)
{
    size_t count            = cleanup->dropped_count++;
    cleanup->dropped        = mem_realloc(cleanup->dropped, (count + 1) * sizeof(DroppedQuery *));
    cleanup->dropped[count] = dropped;
}

Status cleanup_positions(Cleanup *cleanup, bool *busy, Error *err)
{
    while (cleanup->dropped_count > 0) {
        DroppedQuery *dropped = cleanup->dropped[cleanup->dropped_count - 1];
        Status        status  = remove_query(cleanup, dropped->query, err);
        if (status != OK) {
            log_line(LOG_WARN, "removing what query " STR_FMT " has left: %s",
                     STR_ARG(dropped->query->plan->id), err->message);
            return status;
        }
        cleanup->dropped_count--;
        dropped_query_release(dropped);
        *busy = true;
    }
    return OK;
}

/* ---- tables, in slices ---- */

static Status drop_slice(Cleanup *cleanup, size_t index, bool *done, Error *err)
{
    Worker *worker = cleanup->worker;
    Str     name   = cleanup->tables[index];
    TRY(store_drop(worker->state, name, SLICE_ROWS, done, err));
    worker->state_changed = true;
    if (*done)
        TRY(state_meta_set(worker->state, str_printf(worker->scratch, "drop/" STR_FMT, STR_ARG(name)),
                           STR_NULL, err));
    arena_reset(worker->scratch);
    return OK;
}

Status cleanup_slice(Cleanup *cleanup, bool *busy, Error *err)
{
    Error why;
    bool  done;
    if (cleanup->table_count == 0 || cleanup->worker->state == NULL)
        return OK;
    *busy         = true;
    Status status = drop_slice(cleanup, 0, &done, &why);
    if (status == E_BUSY) {
        remove_table(cleanup, 0); /* somebody uses a table of that name: it is theirs */
        return OK;
    }
    if (status == E_STALE_STATE) {
        if (err != NULL)
            *err = why;
        return status;
    }
    if (status != OK) {
        log_line(LOG_WARN, "removing the table " STR_FMT ": %s", STR_ARG(cleanup->tables[0]), why.message);
        remove_table(cleanup, 0); /* the fact stays: tried again after the next start */
    } else if (done)
        remove_table(cleanup, 0);
    return OK;
}

Status cleanup_finish(Cleanup *cleanup, Str store, Error *err)
{
    for (size_t i = 0; i < cleanup->table_count; i++) {
        if (!str_equal(cleanup->tables[i], store))
            continue;
        bool   done   = false;
        Status status = OK;
        while (status == OK && !done)
            status = drop_slice(cleanup, i, &done, err);
        if (status == E_BUSY)
            status = OK; /* another partition's task has it open, and has made sure of it */
        remove_table(cleanup, i);
        return status;
    }
    return OK;
}

/* ---- what a query that was dropped while this node was away has left ---- */

static void drop_now(void *context, const PlanNode *node)
{
    Removal *self = context;
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

Status cleanup_leftovers(Cleanup *cleanup, const RunningQuery *query, Error *err)
{
    Worker *worker = cleanup->worker;
    Removal self   = {cleanup, worker, OK, err};
    Str     prefix = str_printf(worker->scratch, STR_FMT "/", STR_ARG(query->plan->id));
    Str    *names, *values;
    size_t  count;
    plan_visit(query->plan, drop_now, &self);
    TRY(self.status);
    TRY(state_meta_list(worker->state, prefix, worker->scratch, &names, &values, &count, err));
    for (size_t i = 0; i < count; i++) /* no partition may take a table that is gone for its own */
        TRY(state_meta_set(worker->state, names[i], STR_NULL, err));
    return OK;
}

Cleanup *cleanup_new(Worker *worker)
{
    Cleanup *cleanup = mem_calloc(1, sizeof *cleanup);
    Error    err;
    Str     *names, *values;
    size_t   count;
    cleanup->worker = worker;
    if (state_meta_list(worker->state, STR_LIT("drop/"), worker->scratch, &names, &values, &count, &err) !=
        OK) {
        log_line(LOG_WARN, "%s: %s", worker->path, err.message);
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        add_table(cleanup, str_n(names[i].ptr + 5, names[i].len - 5));
    arena_reset(worker->scratch);
    return cleanup;
}

void cleanup_free(Cleanup *cleanup)
{
    if (cleanup == NULL)
        return;
    for (size_t i = 0; i < cleanup->table_count; i++)
        mem_free((char *)cleanup->tables[i].ptr);
    for (size_t i = 0; i < cleanup->dropped_count; i++)
        dropped_query_release(cleanup->dropped[i]);
    mem_free(cleanup->tables);
    mem_free(cleanup->dropped);
    mem_free(cleanup);
}
