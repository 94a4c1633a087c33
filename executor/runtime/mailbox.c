/*
 * mailbox.c - messages to a worker, in order.
 *
 * A message that is waited for is its sender's to free, who otherwise would have to find it again. `posted`
 * and `settled` count messages: a worker that was ready before a message came may not be when it has answered
 * it, so what was found out in between is believed only while no message is newer.
 */
#include "executor/runtime/mailbox.h"

#include "executor/runtime/worker_state.h"

typedef struct Message Message;
struct Message {
    Message *next;
    void (*run)(Worker *worker, void *argument);
    void *argument;
    bool  waited, done; /* under the lock */
};

struct Mailbox {
    pthread_mutex_t  lock; /* of the list */
    pthread_cond_t   answered;
    Message         *first, **last;
    bool             ended;
    _Atomic bool     has_mail, ready;
    _Atomic unsigned posted, settled; /* messages sent; sent when `ready` was last set */
    unsigned         taken;           /* posted, when the list was last emptied. Thread: worker */
};

Mailbox *mailbox_new(void)
{
    Mailbox *mailbox = mem_calloc(1, sizeof *mailbox);
    mailbox->last    = &mailbox->first;
    pthread_mutex_init(&mailbox->lock, NULL);
    pthread_cond_init(&mailbox->answered, NULL);
    return mailbox;
}

void mailbox_free(Mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    pthread_cond_destroy(&mailbox->answered);
    pthread_mutex_destroy(&mailbox->lock);
    mem_free(mailbox);
}

static bool post(Mailbox *mailbox, Message *message)
{
    pthread_mutex_lock(&mailbox->lock);
    bool ended = mailbox->ended;
    if (!ended) {
        *mailbox->last = message;
        mailbox->last  = &message->next;
        atomic_store(&mailbox->has_mail, true);
        atomic_fetch_add(&mailbox->posted, 1);
    }
    pthread_mutex_unlock(&mailbox->lock);
    return !ended;
}

bool worker_post(Worker *worker, void (*run)(Worker *, void *), void *argument, bool wait)
{
    Mailbox *mailbox = worker->mailbox;
    Message *message = mem_calloc(1, sizeof *message);
    *message         = (Message){.run = run, .argument = argument, .waited = wait};
    if (!post(mailbox, message)) {
        mem_free(message);
        return false;
    }
    log_reader_wake(worker->reader);
    if (!wait)
        return true;
    pthread_mutex_lock(&mailbox->lock);
    while (!message->done)
        pthread_cond_wait(&mailbox->answered, &mailbox->lock);
    pthread_mutex_unlock(&mailbox->lock);
    mem_free(message);
    return true;
}

bool mailbox_has_mail(const Mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->has_mail, memory_order_relaxed);
}

static Message *take_messages(Mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    Message *messages = mailbox->first;
    mailbox->first    = NULL;
    mailbox->last     = &mailbox->first;
    atomic_store(&mailbox->has_mail, false);
    mailbox->taken = atomic_load(&mailbox->posted);
    pthread_mutex_unlock(&mailbox->lock);
    return messages;
}

void mailbox_answer(Worker *worker)
{
    Mailbox *mailbox = worker->mailbox;
    for (Message *message = take_messages(mailbox), *next; message != NULL; message = next) {
        next = message->next;
        message->run(worker, message->argument);
        if (!message->waited) {
            mem_free(message);
            continue;
        }
        pthread_mutex_lock(&mailbox->lock);
        message->done = true;
        pthread_cond_broadcast(&mailbox->answered);
        pthread_mutex_unlock(&mailbox->lock);
    }
}

void mailbox_end(Worker *worker)
{
    pthread_mutex_lock(&worker->mailbox->lock);
    worker->mailbox->ended = true;
    pthread_mutex_unlock(&worker->mailbox->lock);
    mailbox_answer(worker);
}

void mailbox_set_ready(Mailbox *mailbox, bool ready)
{
    atomic_store(&mailbox->ready, ready);
    if (ready)
        atomic_store(&mailbox->settled, mailbox->taken);
}

bool mailbox_is_ready(const Mailbox *mailbox)
{
    return atomic_load(&mailbox->settled) == atomic_load(&mailbox->posted) && atomic_load(&mailbox->ready);
}
