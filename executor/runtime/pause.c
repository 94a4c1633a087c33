/*
 * pause.c - a worker stands still for a while: longer each time, so that what is broken is not asked all the
 * time.
 */
#include "executor/runtime/pause.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 5000 };

void worker_pause(Worker *worker)
{
    worker->pause_ms = worker->pause_ms == 0                 ? PAUSE_FIRST_MS
                       : worker->pause_ms * 2 < PAUSE_MAX_MS ? worker->pause_ms * 2
                                                             : PAUSE_MAX_MS;
    worker->pause_us = runtime_now_us(worker->runtime) + (int64_t)worker->pause_ms * 1000;
}

void worker_say_trouble(Worker *worker, const Error *err)
{
    if (notice_due(&worker->trouble, str_c(err->message), runtime_now_us(worker->runtime)))
        log_line(LOG_WARN, "worker %d: %s", worker->index, err->message);
}
