/*
 * writers.c - a worker's writers.
 *
 * A transactional writer's id is the worker's for good: opening it again, after a fence or in the next
 * process, ends what the last one of that id has left open. A worker has two, which take turns: while the
 * one's transaction is decided (decision.c) the other's is built. The second is opened when a transaction had
 * to wait for the first time; that there is one is a fact of the state file before it is used, so that the
 * next process ends what it has left open, too.
 *
 * Both write to the same partitions. These stay in order, for a writer gets its first record when all of the
 * other's are acknowledged.
 */
#include "executor/runtime/writers.h"

#include "executor/runtime/decision.h"
#include "executor/runtime/query.h"
#include "executor/runtime/task.h"
#include "planner/nodes/node_sink.h"

enum { PING_MS = 1000, TXN_TIMEOUT_MS = 10000 };

static Status open_transactional(Worker *worker, const char *suffix, LogWriter **out, Error *err)
{
    const RuntimeOptions *options = &worker->runtime->options;
    /* Nothing interrupts the opening of a transactional writer, which has the patience of half a minute. */
    TRY(log_ping(options->log, PING_MS, err));
    Str           id     = str_printf(worker->scratch, "_confluent-ksql-" STR_FMT "worker-" STR_FMT "-%d%s",
                                      STR_ARG(options->service_id), STR_ARG(options->node_id), worker->index, suffix);
    WriterOptions writer = {.client_id              = "sluice-worker",
                            .transactional_id       = str_to_c(worker->scratch, id),
                            .transaction_timeout_ms = TXN_TIMEOUT_MS,
                            .linger_ms              = -1};
    Status        status = log_writer_open(options->log, &writer, out, err);
    arena_reset(worker->scratch);
    return status;
}

static Status had_other(Worker *worker, bool *had, Error *err)
{
    Str    fact;
    Status status = state_meta_get(worker->state, STR_LIT("writers"), worker->scratch, &fact, err);
    *had          = status == OK && !str_is_null(fact);
    arena_reset(worker->scratch);
    return status;
}

static Status open_other(Worker *worker, Error *err)
{
    bool had;
    if (worker->other != NULL)
        return OK;
    TRY(had_other(worker, &had, err));
    if (!had && !worker->wants_other)
        return OK;
    TRY(open_transactional(worker, "-b", &worker->other, err));
    worker->other_usable = had ? 0 : worker->file_commits + 1;
    if (!had)
        worker->state_changed = true;
    return had ? OK : state_meta_set(worker->state, STR_LIT("writers"), STR_LIT("2"), err);
}

Status writers_open_sink(Worker *worker, Error *err)
{
    WriterOptions writer = {.client_id = "sluice-worker-sink", .linger_ms = -1};
    return worker->sink != NULL ? OK
                                : log_writer_open(worker->runtime->options.log, &writer, &worker->sink, err);
}

Status writers_open(Worker *worker, Error *err)
{
    if (worker->txn == NULL) {
        TRY(open_transactional(worker, "", &worker->txn, err));
        TRY(open_other(worker, err));
    }
    if (worker->wants_other)
        TRY(open_other(worker, err));
    return worker->wants_sink ? writers_open_sink(worker, err) : OK;
}

void writers_drop_transactional(Worker *worker)
{
    if (worker->txn != NULL)
        log_writer_close(worker->txn);
    if (worker->other != NULL)
        log_writer_close(worker->other);
    worker->txn = worker->other = NULL;
}

void writers_close(Worker *worker)
{
    writers_drop_transactional(worker);
    if (worker->sink != NULL)
        log_writer_close(worker->sink);
    worker->sink = NULL;
}

/* ---- what will be written ---- */

static void expect_repartitions(const Task *task)
{
    const RunningQuery *query = task->query;
    for (size_t s = 0; s < query->sub_count; s++)
        for (size_t i = 0; i < query->subs[s].sub.input_count; i++)
            if (topology_writes(&task->sub->sub, query->subs[s].sub.inputs[i]))
                log_writer_expect(task->worker->txn, query->subs[s].topics[i]);
}

static void expect_sink(const Task *task)
{
    const PlanSink *sink    = plan_sink_of(task->query->plan);
    bool            at_once = task->query->settings.guarantee == GUARANTEE_AT_LEAST_ONCE;
    Error           ignored; /* the first record says it */
    if (sink == NULL || !query_sub_has(task->sub, task->query->plan->root))
        return;
    if (!at_once)
        log_writer_expect(task->worker->txn, sink->topic);
    else if (writers_open_sink(task->worker, &ignored) == OK)
        log_writer_expect(task->worker->sink, sink->topic);
}

void writers_expect(const Task *task)
{
    Worker *worker = task->worker;
    if (worker->txn == NULL)
        return;
    log_writer_expect(worker->txn, worker->runtime->slots_topic);
    expect_repartitions(task);
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++)
        if (!pipeline_store_is_source(task->pipeline,
                                      i)) /* it has no changelog, and a broker might make one */
            log_writer_expect(worker->txn, task->changelog_topics[i]);
    expect_sink(task);
}

/* ---- transactions ---- */

/* The one that is free, or waits until there is one. */
static Status choose_free(Worker *worker, Error *err)
{
    if (worker->deciding_txn != worker->txn || worker->deciding_txn == NULL)
        return OK;
    if (worker->other != NULL && worker->file_commits >= worker->other_usable) {
        decision_wait_acknowledged(worker->decision);
        LogWriter *free = worker->other;
        worker->other   = worker->txn;
        worker->txn     = free;
        return OK;
    }
    worker->wants_other = true;
    Status status       = decision_outcome(worker->decision, err);
    /* Whatever it was, it was not the task that wants to write. */
    return status == OK || status == E_FENCED || status == E_FULL
               ? status
               : error_set(err, E_IO, NO_POS, "The transaction before has failed");
}

Status writers_begin(Worker *worker, Error *err)
{
    if (worker->in_txn)
        return OK;
    if (worker->txn == NULL)
        return error_set(err, E_BUSY, NO_POS, "The worker has no transactions now");
    TRY(choose_free(worker, err));
    TRY(log_txn_begin(worker->txn, err));
    worker->in_txn = true;
    return OK;
}

int64_t writers_end(const Worker *worker, Str topic, int partition)
{
    int64_t a = worker->txn == NULL ? -1 : log_writer_end(worker->txn, topic, partition);
    int64_t b = worker->other == NULL ? -1 : log_writer_end(worker->other, topic, partition);
    return a > b ? a : b;
}
