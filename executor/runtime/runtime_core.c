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

void runtime_settings(const RuntimeOptions *options, QuerySettings *out)
{
    query_settings_init(out);
    out->commit_interval_ms = options->commit_interval_ms;
    out->cache_bytes        = (int64_t)options->cache_bytes;
    out->guarantee          = options->exactly_once ? GUARANTEE_EXACTLY_ONCE_V2 : GUARANTEE_AT_LEAST_ONCE;
    out->throw_on_invalid_timestamp = options->throw_on_invalid_timestamp;
    if (options->retry_backoff_initial_ms > 0)
        out->retry_initial_ms = options->retry_backoff_initial_ms;
    if (options->retry_backoff_max_ms > 0)
        out->retry_max_ms = options->retry_backoff_max_ms;
}

int64_t settings_commit_interval_ms(const QuerySettings *settings)
{
    if (settings->commit_interval_ms >= 0)
        return settings->commit_interval_ms;
    return settings->guarantee == GUARANTEE_AT_LEAST_ONCE ? 2000 : 100;
}

int runtime_commit_interval_ms(const Runtime *runtime)
{
    if (runtime->options.commit_interval_ms >= 0)
        return runtime->options.commit_interval_ms;
    return runtime->options.exactly_once ? 100 : 2000;
}
