/*
 * insert_writers.c - see insert_writers.h. The one given back last is taken first, so a lone client opens one
 * alone: on Kafka each is a producer.
 */
#include "server/node/insert_writers.h"

#include <pthread.h>

struct InsertWriters {
    Log            *log;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t  given;
    LogWriter      *idle[INSERT_WRITERS_MAX];
    int             idle_count, made;
};

InsertWriters *insert_writers_new(Log *log)
{
    InsertWriters *self = mem_calloc(1, sizeof *self);
    self->log           = log;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->given, NULL);
    return self;
}

void insert_writers_free(InsertWriters *self)
{
    if (self == NULL)
        return;
    for (int i = 0; i < self->idle_count; i++)
        log_writer_close(self->idle[i]);
    pthread_cond_destroy(&self->given);
    pthread_mutex_destroy(&self->lock);
    mem_free(self);
}

/* One less is made: somebody who waits may try. */
static Status open_one(InsertWriters *self, LogWriter **out, Error *err)
{
    WriterOptions options = {.client_id = "sluice-insert", .linger_ms = 0};
    Status        status  = log_writer_open(self->log, &options, out, err);
    if (status == OK)
        return OK;
    pthread_mutex_lock(&self->lock);
    self->made--;
    pthread_cond_signal(&self->given);
    pthread_mutex_unlock(&self->lock);
    return status;
}

Status insert_writers_take(InsertWriters *self, LogWriter **out, Error *err)
{
    pthread_mutex_lock(&self->lock);
    while (self->idle_count == 0 && self->made == INSERT_WRITERS_MAX)
        pthread_cond_wait(&self->given, &self->lock);
    bool opens = self->idle_count == 0;
    if (opens)
        self->made++;
    else
        *out = self->idle[--self->idle_count];
    pthread_mutex_unlock(&self->lock);
    return opens ? open_one(self, out, err) : OK;
}

void insert_writers_give(InsertWriters *self, LogWriter *writer)
{
    pthread_mutex_lock(&self->lock);
    self->idle[self->idle_count++] = writer;
    pthread_cond_signal(&self->given);
    pthread_mutex_unlock(&self->lock);
}
