/*
 * task_state.h - a task's life as one table of states, events and moves.
 *
 * Every change of a task's state is an event that the table allows from where the task is; another is a
 * mistake of ours and stops the program. No input reaches it: what fails, waits or moves to another node is
 * an event.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_TASK_STATE_H
#define SLUICE_EXECUTOR_RUNTIME_TASK_STATE_H

#include <stdbool.h>

/* name, what it is */
#define TASK_STATES(X)                                                                                       \
    X(ABSENT, "there is none here")                                                                          \
    X(OPENING, "is to be opened, or opened again")                                                           \
    X(REPLAYING, "reads source tables once more, from their topics into its stores")                         \
    X(RESTORING, "reads its changelogs into its stores")                                                     \
    X(FOLLOWING, "reads its changelogs on and on into its stores: another node has its slot")                \
    X(RUNNING, "takes records")                                                                              \
    X(WAITING, "waits for something outside before its next record")                                         \
    X(WAITING_TO_OPEN, "waits for something outside before it can be opened")                                \
    X(FAILED, "has failed; opened again after its back-off")

/* name, what happened */
#define TASK_EVENTS(X)                                                                                       \
    X(CREATED, "its slot and its query are here")                                                            \
    X(STARTED, "a client's: opened as it is made")                                                           \
    X(OPENED, "pipeline and positions are there")                                                            \
    X(SOURCES_BEHIND, "opened, and a source table's rows are older than its positions")                      \
    X(STANDS_BY, "opened, and another node has its slot")                                                    \
    X(TAKES_OVER, "its slot has come to this node")                                                          \
    X(REPLAYED, "source tables have caught up")                                                              \
    X(RESTORED, "so have all stores")                                                                        \
    X(MUST_WAIT, "something outside is not there yet (E_WAIT)")                                              \
    X(WAIT_OVER, "its back-off is over: to be tried again")                                                  \
    X(REOPENED, "what it has in memory is void: rolled back past it, or another node went on")               \
    X(FAILED, "its own failure")                                                                             \
    X(RETRIED, "the back-off of its failure is over")

#define TASK_STATE_NAME(name, text) TASK_##name,
typedef enum { TASK_STATES(TASK_STATE_NAME) TASK_STATE_COUNT } TaskState;
#define TASK_EVENT_NAME(name, text) EVENT_##name,
typedef enum { TASK_EVENTS(TASK_EVENT_NAME) TASK_EVENT_COUNT } TaskEvent;

/* The state after the event; -1: it cannot happen there. */
int         task_state_next(TaskState state, TaskEvent event);
const char *task_state_name(TaskState state); /* "RUNNING" */
const char *task_state_text(TaskState state);
const char *task_event_name(TaskEvent event);
const char *task_event_text(TaskEvent event);

/* Neither running nor at rest: something will come of it soon. */
static inline bool task_state_is_starting(TaskState state)
{
    return state == TASK_OPENING || state == TASK_REPLAYING || state == TASK_RESTORING;
}
static inline bool task_state_is_waiting(TaskState state)
{
    return state == TASK_WAITING || state == TASK_WAITING_TO_OPEN;
}
/* Has it stores and positions that a commit may keep? */
static inline bool task_state_is_live(TaskState state)
{
    return state == TASK_RUNNING || state == TASK_WAITING;
}

#endif
