/*
 * push_query.h - push queries as their worker sees them.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_PUSH_QUERY_H
#define SLUICE_EXECUTOR_RUNTIME_PUSH_QUERY_H

#include <stdbool.h>

typedef struct Worker Worker;

/* Hands on what push queries have held back, if it is time; true: something was done. Thread: worker */
bool push_tasks_flush(Worker *worker);

#endif
