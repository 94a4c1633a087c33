/*
 * pull_limits.c - see pull_limits.h. A limit is looked at when a query begins: what runs is not cut off, as
 * in ksqlDB.
 */
#include "server/rest/pull_limits.h"

enum { MINUTES = 60 };

static const int64_t MEGABYTE = 1024 * 1024, SECOND_US = 1000000, MINUTE_US = 60000000;

static HourlyBytes hourly(int64_t megabytes)
{
    return (HourlyBytes){.most = megabytes < 0 ? -1 : megabytes * MEGABYTE};
}

void pull_limits_init(PullLimits *limits, const Properties *server)
{
    *limits = (PullLimits){
        .per_second = properties_int(server, "ksql.query.pull.max.qps", -1),
        .at_a_time  = properties_int(server, "ksql.query.pull.max.concurrent.requests", -1),
        .pull       = hourly(properties_int(server, "ksql.query.pull.max.hourly.bandwidth.megabytes", -1)),
        .push       = hourly(properties_int(server, "ksql.query.push.v2.max.hourly.bandwidth.megabytes", -1)),
    };
    limits->allowance = (double)limits->per_second;
    pthread_mutex_init(&limits->lock, NULL);
}

void pull_limits_clear(PullLimits *limits) { pthread_mutex_destroy(&limits->lock); }

/* ---- bytes ---- */

/* Minutes that have gone by hold nothing. */
static void move_to(HourlyBytes *hour, int64_t now_us)
{
    int64_t minute = now_us / MINUTE_US;
    for (int i = 0; i < MINUTES && hour->minute < minute; i++)
        hour->bytes[++hour->minute % MINUTES] = 0;
    hour->minute = minute;
}

static bool is_used_up(HourlyBytes *hour, int64_t now_us)
{
    int64_t sum = 0;
    if (hour->most < 0)
        return false;
    move_to(hour, now_us);
    for (int i = 0; i < MINUTES; i++)
        sum += hour->bytes[i];
    return sum > hour->most;
}

static void add(PullLimits *limits, HourlyBytes *hour, int64_t now_us, size_t bytes)
{
    pthread_mutex_lock(&limits->lock);
    move_to(hour, now_us);
    hour->bytes[hour->minute % MINUTES] += (int64_t)bytes;
    pthread_mutex_unlock(&limits->lock);
}

void pull_limits_add_pull(PullLimits *limits, int64_t now_us, size_t bytes)
{
    add(limits, &limits->pull, now_us, bytes);
}

void pull_limits_add_push(PullLimits *limits, int64_t now_us, size_t bytes)
{
    add(limits, &limits->push, now_us, bytes);
}

/* ---- queries ---- */

/* Lock held. */
static bool is_too_fast(PullLimits *limits, int64_t now_us)
{
    if (limits->per_second < 0)
        return false;
    double most       = (double)limits->per_second;
    double grown      = limits->allowance + most * (double)(now_us - limits->refilled_us) / (double)SECOND_US;
    limits->allowance = grown < most ? grown : most;
    limits->refilled_us = now_us;
    return limits->allowance < 1;
}

static Status check(PullLimits *limits, int64_t now_us, Error *err)
{
    if (is_too_fast(limits, now_us))
        return error_set(err, E_LIMIT, NO_POS,
                         "Host is at rate limit for pull queries. Currently set to %lld qps.",
                         (long long)limits->per_second);
    if (limits->at_a_time >= 0 && limits->running >= limits->at_a_time)
        return error_set(err, E_LIMIT, NO_POS,
                         "Host is at concurrency limit for pull queries. Currently set to %lld maximum "
                         "concurrent requests.",
                         (long long)limits->at_a_time);
    if (is_used_up(&limits->pull, now_us))
        return error_set(err, E_LIMIT, NO_POS, "Host is at bandwidth rate limit for pull queries.");
    return OK;
}

Status pull_limits_begin(PullLimits *limits, int64_t now_us, Error *err)
{
    pthread_mutex_lock(&limits->lock);
    Status status = check(limits, now_us, err);
    if (status == OK) {
        limits->allowance -= 1;
        limits->running++;
    }
    pthread_mutex_unlock(&limits->lock);
    return status;
}

void pull_limits_end(PullLimits *limits)
{
    pthread_mutex_lock(&limits->lock);
    limits->running--;
    pthread_mutex_unlock(&limits->lock);
}

void pull_limits_cancel(PullLimits *limits)
{
    pthread_mutex_lock(&limits->lock);
    limits->allowance += 1;
    limits->running--;
    pthread_mutex_unlock(&limits->lock);
}

Status pull_limits_check_push(PullLimits *limits, int64_t now_us, Error *err)
{
    pthread_mutex_lock(&limits->lock);
    bool used_up = is_used_up(&limits->push, now_us);
    pthread_mutex_unlock(&limits->lock);
    return used_up ? error_set(err, E_LIMIT, NO_POS, "Host is at bandwidth rate limit for push queries.")
                   : OK;
}
