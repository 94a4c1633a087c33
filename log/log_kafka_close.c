/*
 * log_kafka_close.c - a client of librdkafka ends, and nobody waits for that without a bound.
 *
 * The end of a client waits for its threads, and these for what they hold: librdkafka (seen with 2.0.2) never
 * ends a consumer one of whose topics was deleted while it was assigned, as the command topic is by
 * /ksql/terminate; a member that leaves waits for its group. So a thread of its own destroys each client, and
 * who closes it waits a moment for that thread. Most end within milliseconds. One that does not is told of,
 * and goes on: it costs a little memory until the process ends, which does not wait for it.
 *
 * Until it has ended, its threads call the callbacks. What these are given (its reader, writer or member, and
 * the Log) is therefore freed by that thread; a Log counts who needs it.
 */
#include <pthread.h>
#include <time.h>

#include "log/log_kafka.h"

enum { END_WAIT_MS = 1000, LEAVE_WAIT_MS = 5000, LEAVE_POLL_MS = 100 };

/* Held by the thread that destroys the client and, while it waits, by who closes it. */
typedef struct {
    Log            *log;
    rd_kafka_t     *client;
    void           *user;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    bool            ended, left; /* under lock: the client; who waited */
} Ending;

static Ending *ending_new(Log *log, rd_kafka_t *client, void *user)
{
    Ending            *ending = mem_calloc(1, sizeof *ending);
    pthread_condattr_t monotonic;
    ending->log    = log;
    ending->client = client;
    ending->user   = user;
    pthread_mutex_init(&ending->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ending->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return ending;
}

static void ending_free(Ending *ending)
{
    pthread_cond_destroy(&ending->changed);
    pthread_mutex_destroy(&ending->lock);
    mem_free(ending);
}

static void *destroy(void *argument)
{
    Ending *ending = argument;
    rd_kafka_destroy_flags(ending->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    mem_free(ending->user);
    kafka_unref(ending->log);
    pthread_mutex_lock(&ending->lock);
    ending->ended = true;
    bool alone    = ending->left;
    pthread_cond_signal(&ending->changed);
    pthread_mutex_unlock(&ending->lock);
    if (alone)
        ending_free(ending);
    return NULL;
}

static struct timespec in_ms(int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* Whether the client has ended; `ending` is given up either way. */
static bool wait_for(Ending *ending)
{
    struct timespec until = in_ms(END_WAIT_MS);
    int             rc    = 0;
    pthread_mutex_lock(&ending->lock);
    while (!ending->ended && rc == 0)
        rc = pthread_cond_timedwait(&ending->changed, &ending->lock, &until);
    bool ended   = ending->ended;
    ending->left = true;
    pthread_mutex_unlock(&ending->lock);
    if (ended)
        ending_free(ending);
    return ended;
}

void kafka_client_close(Log *log, rd_kafka_t *client, void *user)
{
    char      name[128];
    pthread_t thread;
    if (client == NULL) {
        mem_free(user);
        return;
    }
    snprintf(name, sizeof name, "%s", rd_kafka_name(client));
    Ending *ending = ending_new(log, client, user);
    kafka_ref(log);
    int rc = pthread_create(&thread, NULL, destroy, ending);
    if (rc != 0) { /* it lives on, and so does what it calls back to */
        log_line(LOG_WARN, "kafka: closing %s: no thread: %s; it stays until the process ends", name,
                 strerror(rc));
        ending_free(ending);
        return;
    }
    pthread_detach(thread);
    if (!wait_for(ending))
        log_line(LOG_WARN,
                 "kafka: %s has not ended within %d ms, as happens when a topic is deleted that it read: "
                 "not waiting for it any longer",
                 name, END_WAIT_MS);
}

void kafka_leave_group(rd_kafka_t *client, const char *topic)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(client, queue);
    int64_t           until = kafka_now_us() + (int64_t)LEAVE_WAIT_MS * 1000;
    while (error == NULL && !rd_kafka_consumer_closed(client) && kafka_now_us() < until)
        rd_kafka_queue_poll_callback(queue, LEAVE_POLL_MS);
    if (error != NULL)
        log_line(LOG_INFO, "leaving the group of %s: %s", topic, rd_kafka_error_string(error));
    else if (!rd_kafka_consumer_closed(client))
        log_line(LOG_WARN, "leaving the group of %s: no answer from Kafka within %d ms; it will find out",
                 topic, LEAVE_WAIT_MS);
    rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
}
