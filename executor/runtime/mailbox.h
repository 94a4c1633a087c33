/*
 * mailbox.h - messages to a worker: functions to be run on its thread, in order.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_MAILBOX_H
#define SLUICE_EXECUTOR_RUNTIME_MAILBOX_H

#include <stdbool.h>

typedef struct Mailbox Mailbox;
typedef struct Worker  Worker;

Mailbox *mailbox_new(void);
void     mailbox_free(Mailbox *mailbox); /* accepts NULL */

/* Runs `run` on the worker's thread; with `wait` returns after. False: the worker has ended. Thread: any but
 * the worker's. */
bool worker_post(Worker *worker, void (*run)(Worker *, void *), void *argument, bool wait);
/* Is there something to answer? Thread: any */
bool mailbox_has_mail(const Mailbox *mailbox);
/* Runs what was posted. Thread: worker */
void mailbox_answer(Worker *worker);
/* From now on worker_post answers false; what was posted before is still run. Thread: worker */
void mailbox_end(Worker *worker);

/* Whether a worker is ready is found out between messages, and is not known while one sent later waits. */
void mailbox_set_ready(Mailbox *mailbox, bool ready); /* as of the messages answered. Thread: worker */
bool mailbox_is_ready(const Mailbox *mailbox);        /* Thread: any */

#endif
