/*
 * decision.c - see decision.h. The thread is started by the first decision: most of a thousand idle workers
 * in tests, and a server without queries, never have one.
 */
#include "executor/runtime/decision.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/logger.h"

enum { FLUSH_TIMEOUT_MS = 30000 };

struct Decision {
    void (*wake)(void *context);
    void           *context;
    pthread_t       thread;
    bool            started;
    _Atomic bool    fallen;
    bool            acknowledged; /* under lock: all records of the transaction are */
    pthread_mutex_t lock;         /* of what follows */
    pthread_cond_t  changed;
    bool            asked, ending;
    LogWriter      *writer;
    const LogFence *fence;
    LogPosition    *positions;
    size_t          count;
    Status          status;
    Error           why;
};

Decision *decision_new(void (*wake)(void *context), void *context)
{
    Decision *self = mem_calloc(1, sizeof *self);
    self->wake     = wake;
    self->context  = context;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    atomic_init(&self->fallen, true);
    return self;
}

void decision_free(Decision *self)
{
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (self->started)
        pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    mem_free(self->positions);
    mem_free(self);
}

/* Nobody else touches the writer meanwhile, so no lock is held across the calls. */
static void decide(Decision *self)
{
    self->status = log_flush(self->writer, FLUSH_TIMEOUT_MS, &self->why);
    if (self->status == OK) {
        pthread_mutex_lock(&self->lock);
        self->acknowledged = true;
        pthread_cond_broadcast(&self->changed);
        pthread_mutex_unlock(&self->lock);
        self->status = log_txn_fence(self->writer, self->fence, self->positions, self->count, &self->why);
    }
    if (self->status == OK)
        self->status = log_txn_commit(self->writer, &self->why);
    log_fence_unref(self->fence);
    self->fence = NULL;
}

static void *decision_main(void *argument)
{
    Decision *self = argument;
    pthread_mutex_lock(&self->lock);
    for (;;) {
        while (!self->asked && !self->ending)
            pthread_cond_wait(&self->changed, &self->lock);
        if (!self->asked)
            break;
        self->asked = false;
        pthread_mutex_unlock(&self->lock);
        decide(self);
        pthread_mutex_lock(&self->lock);
        atomic_store(&self->fallen, true);
        pthread_cond_broadcast(&self->changed);
        self->wake(self->context);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static bool has_thread(Decision *self)
{
    if (!self->started)
        self->started = pthread_create(&self->thread, NULL, decision_main, self) == 0;
    return self->started;
}

void decision_begin(Decision *self, LogWriter *writer, const LogFence *fence, const LogPosition *positions,
                    size_t count)
{
    assert(decision_has_fallen(self));
    self->writer       = writer;
    self->acknowledged = false;
    self->fence        = log_fence_ref(fence);
    self->count        = count;
    self->positions    = mem_realloc(self->positions, (count + 1) * sizeof *positions);
    memcpy(self->positions, positions, count * sizeof *positions);
    if (!has_thread(self)) {
        decide(self);
        return;
    }
    pthread_mutex_lock(&self->lock);
    atomic_store(&self->fallen, false);
    self->asked = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

bool decision_has_fallen(const Decision *self) { return atomic_load(&self->fallen); }

void decision_wait_acknowledged(Decision *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->acknowledged && !atomic_load(&self->fallen))
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

Status decision_outcome(Decision *self, Error *err)
{
    pthread_mutex_lock(&self->lock);
    while (!atomic_load(&self->fallen))
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
    if (self->status != OK && err != NULL)
        *err = self->why;
    return self->status;
}
