/*
 * log_kafka_trouble.c - connections that fail, and come back, in few words.
 *
 * A dozen librdkafka clients each tell of every try, twice (log and error callback), with counters and times
 * in the text. Cut down to what they say, most of it is the same: a Log says it once a minute, and says when
 * Kafka is back. That is found out from the answers that the backend gets anyway; librdkafka has no callback
 * for it.
 *
 * Thread: any; librdkafka's own threads call from here, so nothing but the Log's lock is taken.
 */
#include "log/log_kafka.h"

/* Without "[thrd:...]: " before and " (after 3ms in state CONNECT, ...)" behind. */
static Str essence(const char *text)
{
    const char *begin = text, *end;
    if (strncmp(begin, "[thrd:", 6) == 0 && (end = strstr(begin, "]: ")) != NULL)
        begin = end + 3;
    end = strstr(begin, " (after ");
    return end != NULL ? str_n(begin, (size_t)(end - begin)) : str_c(begin);
}

void kafka_complain(Log *log, const char *text)
{
    Str what = essence(text);
    pthread_mutex_lock(&log->lock);
    snprintf(log->why, sizeof log->why, STR_FMT, STR_ARG(what));
    bool due = notice_due(&log->trouble, what, kafka_now_us());
    pthread_mutex_unlock(&log->lock);
    if (due)
        log_line(LOG_WARN, "kafka: " STR_FMT, STR_ARG(what));
}

void kafka_lost(Log *log)
{
    int64_t there = 0;
    if (__atomic_compare_exchange_n(&log->away_us, &there, kafka_now_us(), false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        log_line(LOG_WARN, "Kafka cannot be reached, trying until it can");
}

void kafka_heard(Log *log)
{
    if (__atomic_load_n(&log->away_us, __ATOMIC_RELAXED) == 0)
        return;
    int64_t since = __atomic_exchange_n(&log->away_us, 0, __ATOMIC_RELAXED);
    if (since == 0)
        return; /* another thread heard it, too */
    pthread_mutex_lock(&log->lock);
    notice_clear(&log->trouble);
    log->why[0] = '\0';
    pthread_mutex_unlock(&log->lock);
    log_line(LOG_INFO, "Kafka answers again, after %lld s", (long long)((kafka_now_us() - since) / 1000000));
}

void kafka_why(Log *log, const char *otherwise, char *out, size_t size)
{
    pthread_mutex_lock(&log->lock);
    snprintf(out, size, "%s", log->why[0] != '\0' ? log->why : otherwise);
    pthread_mutex_unlock(&log->lock);
}
