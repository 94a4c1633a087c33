/*
 * decision.h - the end of a log transaction, decided while the worker goes on.
 *
 * A transaction's last calls (until all is acknowledged, the fence, the commit) are questions to brokers, 5
 * to 20 ms in which a worker could process as many thousand records. A thread of its own asks them; the
 * worker looks at the outcome between two batches, or waits for it where it has to be known. One decision at
 * a time: it is taken before the next begins.
 *
 * Thread: worker, unless said otherwise.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_DECISION_H
#define SLUICE_EXECUTOR_RUNTIME_DECISION_H

#include "log/log.h"

typedef struct Decision Decision;

/* `wake` is called on the thread when a decision has fallen. */
Decision *decision_new(void (*wake)(void *context), void *context);
void      decision_free(Decision *decision); /* accepts NULL; waits for a decision under way */

/* Waits until the records of the writer's open transaction are acknowledged, fences it with `positions`
 * (copied) and commits it; the writer belongs to the thread until the decision has fallen. Where there is no
 * thread to be had, it falls at once. */
void decision_begin(Decision *decision, LogWriter *writer, const LogFence *fence,
                    const LogPosition *positions, size_t count);
/* Has it fallen, or was none begun? */
bool decision_has_fallen(const Decision *decision);
/* Waits until the transaction's records are acknowledged, or it has fallen. */
void decision_wait_acknowledged(Decision *decision);
/* Waits. What log_flush, log_txn_fence or log_txn_commit answered; stays the same until the next begins. */
Status decision_outcome(Decision *decision, Error *err);

#endif
