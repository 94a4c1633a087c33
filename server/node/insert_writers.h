/*
 * insert_writers.h - the log writers of INSERT VALUES: as many as inserts are under way at once.
 *
 * A writer is one thread's at a time, and an insert is answered when its record is durable. With one writer
 * for all, each client waits for the disk for itself, one after the other; with one each, the log's group
 * commit takes all that wait at once.
 */
#ifndef SLUICE_SERVER_NODE_INSERT_WRITERS_H
#define SLUICE_SERVER_NODE_INSERT_WRITERS_H

#include "log/log.h"

enum { INSERT_WRITERS_MAX = 16 };

typedef struct InsertWriters InsertWriters;

/* `log` must live longer. */
InsertWriters *insert_writers_new(Log *log);
/* All have been given back. Accepts NULL. */
void insert_writers_free(InsertWriters *self);
/* Borrows a writer, opened when all others are in use; beyond INSERT_WRITERS_MAX it waits for one. On OK give
 * it back with insert_writers_give. Thread: any */
Status insert_writers_take(InsertWriters *self, LogWriter **out, Error *err);
void   insert_writers_give(InsertWriters *self, LogWriter *writer);

#endif
