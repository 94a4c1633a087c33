/*
 * fault_log.h - a log that fails: a backend of log.h in front of another one.
 *
 * The engine above never asks which backend it has, so it runs on this one as on any. What fails has not been
 * done: an append leaves no record, a commit leaves the transaction to be aborted, as log.h says for every
 * status but OK.
 */
#ifndef SLUICE_TESTS_FAULT_LOG_H
#define SLUICE_TESTS_FAULT_LOG_H

#include "fault.h"
#include "log/log.h"

enum {
    FAULT_APPEND = 1,  /* log_append, log_append_sync, log_flush */
    FAULT_TXN    = 2,  /* begin, fence, commit, abort */
    FAULT_READ   = 4,  /* take, assign, seek */
    FAULT_HANDLE = 8,  /* open a reader or writer, join, poll, what the group has committed */
    FAULT_TOPIC  = 16, /* create, info, offsets, delete records */
    FAULT_LOG    = 31,
};

/* Takes over `inner` (log_close closes both). The chances of `fault` are the calls named in `calls`; its code
 * is the Status they answer with. Until a Fault is armed everything passes. */
Log *fault_log_new(Log *inner, Fault *fault, unsigned calls);

#endif
