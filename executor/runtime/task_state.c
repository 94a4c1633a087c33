/*
 * task_state.c - see task_state.h.
 */
#include "executor/runtime/task_state.h"

/* 0: no move; else the next state + 1. */
static const unsigned char moves[TASK_STATE_COUNT][TASK_EVENT_COUNT] = {
#define MOVE(from, event, to) [TASK_##from][EVENT_##event] = TASK_##to + 1,
#include "executor/runtime/task_state.def"
#undef MOVE
};

#define NAME(name, text) #name,
#define TEXT(name, text) text,
static const char *const state_names[] = {TASK_STATES(NAME)}, *const state_texts[] = {TASK_STATES(TEXT)};
static const char *const event_names[] = {TASK_EVENTS(NAME)}, *const event_texts[] = {TASK_EVENTS(TEXT)};

int         task_state_next(TaskState state, TaskEvent event) { return moves[state][event] - 1; }
const char *task_state_name(TaskState state) { return state_names[state]; }
const char *task_state_text(TaskState state) { return state_texts[state]; }
const char *task_event_name(TaskEvent event) { return event_names[event]; }
const char *task_event_text(TaskEvent event) { return event_texts[event]; }
