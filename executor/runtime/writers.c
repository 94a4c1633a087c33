/*
 * writers.c - a worker's writers.
 *
 * The transactional one's id is the worker's for good: opening it again, after a fence or in the next
 * process, ends what the last one of that id has left open.
 */
#include "executor/runtime/writers.h"

enum { PING_MS = 1000, TXN_TIMEOUT_MS = 10000 };

static Status open_transactional(Worker *worker, Error *err)
{
    const RuntimeOptions *options = &worker->runtime->options;
    /* Nothing interrupts the opening of a transactional writer, which has the patience of half a minute. */
    TRY(log_ping(options->log, PING_MS, err));
    Str           id     = str_printf(worker->scratch, "_confluent-ksql-" STR_FMT "worker-" STR_FMT "-%d",
                                      STR_ARG(options->service_id), STR_ARG(options->node_id), worker->index);
    WriterOptions writer = {.client_id              = "sluice-worker",
                            .transactional_id       = str_to_c(worker->scratch, id),
                            .transaction_timeout_ms = TXN_TIMEOUT_MS,
                            .linger_ms              = -1};
    Status        status = log_writer_open(options->log, &writer, &worker->txn, err);
    arena_reset(worker->scratch);
    return status;
}

Status writers_open(Worker *worker, Error *err)
{
    const RuntimeOptions *options = &worker->runtime->options;
    if (worker->txn == NULL)
        TRY(open_transactional(worker, err));
    if (worker->sink == NULL && !options->exactly_once) {
        WriterOptions writer = {.client_id = "sluice-worker-sink", .linger_ms = -1};
        TRY(log_writer_open(options->log, &writer, &worker->sink, err));
    }
    return OK;
}

void writers_drop_transactional(Worker *worker)
{
    if (worker->txn != NULL)
        log_writer_close(worker->txn);
    worker->txn = NULL;
}

void writers_close(Worker *worker)
{
    writers_drop_transactional(worker);
    if (worker->sink != NULL)
        log_writer_close(worker->sink);
    worker->sink = NULL;
}

Status writers_begin(Worker *worker, Error *err)
{
    if (worker->in_txn)
        return OK;
    if (worker->txn == NULL)
        return error_set(err, E_BUSY, NO_POS, "The worker has no transactions now");
    TRY(log_txn_begin(worker->txn, err));
    worker->in_txn = true;
    return OK;
}
