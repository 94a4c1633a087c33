/*
 * pull_limits.h - how much clients may ask of one node (rest.md 7): pull queries a second and at a time, and
 * the bytes of their rows in an hour; the bytes of scalable push queries, which are counted apart.
 *
 * Thread: any.
 */
#ifndef SLUICE_SERVER_REST_PULL_LIMITS_H
#define SLUICE_SERVER_REST_PULL_LIMITS_H

#include <pthread.h>

#include "server/settings/properties.h"

/* Bytes of the last hour, by minutes. */
typedef struct {
    int64_t most; /* < 0: no limit */
    int64_t minute, bytes[60];
} HourlyBytes;

typedef struct {
    pthread_mutex_t lock;
    int64_t         per_second, at_a_time; /* < 0: no limit */
    int64_t         running;
    double          allowance; /* queries that may start now; grows to one second's worth */
    int64_t         refilled_us;
    HourlyBytes     pull, push;
} PullLimits;

void pull_limits_init(PullLimits *limits, const Properties *server);
void pull_limits_clear(PullLimits *limits);
/* A pull query begins; pull_limits_end when it is over. E_LIMIT with ksqlDB's text. */
Status pull_limits_begin(PullLimits *limits, int64_t now_us, Error *err);
void   pull_limits_end(PullLimits *limits);
/* May a scalable push query begin? E_LIMIT. */
/* It has not begun after all: whoever begins it counts it again. */
void   pull_limits_cancel(PullLimits *limits);
Status pull_limits_check_push(PullLimits *limits, int64_t now_us, Error *err);
/* Rows that were sent. */
void pull_limits_add_pull(PullLimits *limits, int64_t now_us, size_t bytes);
void pull_limits_add_push(PullLimits *limits, int64_t now_us, size_t bytes);

#endif
