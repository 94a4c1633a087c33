/*
 * runtime_kill.h - a process that is killed with SIGKILL at random moments, and is the same node again after.
 *
 * The moments are random, from the seed that is printed; SLUICE_TEST_SEED repeats one.
 */
#ifndef SLUICE_TESTS_RUNTIME_KILL_H
#define SLUICE_TESTS_RUNTIME_KILL_H

#include <signal.h>

#include "runtime_compare.h"

/* What a process needs to be the same node again. */
typedef struct {
    char   dir[256], service[64];
    bool   exactly_once;
    size_t state_memory; /* bytes; 0: plenty */
} Identity;

static inline Node *node_again(const Identity *identity)
{
    Node *n                       = node_new(identity->dir, identity->service);
    n->options.exactly_once       = identity->exactly_once;
    n->options.commit_interval_ms = 5;
    n->options.cache_bytes        = 0;
    n->options.state_memory_bytes = identity->state_memory;
    return n;
}

/* With those topics, of two partitions each; the last is NULL. */
static inline Identity new_identity(const char *name, bool exactly_once, const char *const *topics)
{
    Node    *n        = fresh(name);
    Identity identity = {.exactly_once = exactly_once};
    snprintf(identity.dir, sizeof identity.dir, "%s", n->dir);
    snprintf(identity.service, sizeof identity.service, "%s", n->service);
    for (; *topics != NULL; topics++)
        node_topic_make(n, topic_of(n, *topics), 2);
    node_free(n);
    return identity;
}

static inline void kill_after_us(const Identity *identity, const char *sql, useconds_t us)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Node *n = node_again(identity);
        node_run(n);
        node_sql(n, sql_of(n, sql));
        for (;;)
            pause();
    }
    usleep(us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Runs to the end and reads what was ever written. */
static inline void finish(const Identity *identity, const char *sql, const char *const *outputs, size_t count,
                          WrittenTopic *out)
{
    Node *n = node_again(identity);
    node_run(n);
    node_sql(n, sql_of(n, sql));
    node_wait_idle(n, 120);
    node_stop(n);
    for (size_t i = 0; i < count; i++)
        out[i] = written_read(n, outputs[i]);
    node_free(n);
}

static inline uint64_t choose_seed(void)
{
    const char *given = getenv("SLUICE_TEST_SEED");
    return given != NULL ? strtoull(given, NULL, 0) : clock_system()->random(clock_system());
}

#endif
