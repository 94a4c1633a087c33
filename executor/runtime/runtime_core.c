/*
 * runtime_core.c - what the threads of a runtime share.
 */
#include "executor/runtime/runtime_core.h"

int64_t runtime_now_us(const Runtime *runtime) { return runtime->clock->monotonic_us(runtime->clock); }

bool runtime_sleep(Runtime *runtime, const atomic_bool *stop, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&runtime->lock);
    while (!atomic_load(stop) && pthread_cond_timedwait(&runtime->changed, &runtime->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&runtime->lock);
    return !atomic_load(stop);
}

int runtime_commit_interval_ms(const Runtime *runtime)
{
    if (runtime->options.commit_interval_ms >= 0)
        return runtime->options.commit_interval_ms;
    return runtime->options.exactly_once ? 100 : 2000;
}
