/*
 * unknown_ids.c - see unknown_ids.h: a ring, in which the oldest goes first.
 */
#include "registry/unknown_ids.h"

void unknown_ids_init(UnknownIds *unknown, Clock *clock)
{
    *unknown = (UnknownIds){.clock = clock};
    pthread_mutex_init(&unknown->lock, NULL);
}

void unknown_ids_clear(UnknownIds *unknown) { pthread_mutex_destroy(&unknown->lock); }

bool unknown_ids_has(UnknownIds *unknown, int32_t id)
{
    int64_t now   = unknown->clock->monotonic_us(unknown->clock);
    bool    found = false;
    pthread_mutex_lock(&unknown->lock);
    for (size_t i = 0; i < UNKNOWN_MOST && !found; i++)
        found = unknown->ids[i].id == id && now < unknown->ids[i].until_us;
    pthread_mutex_unlock(&unknown->lock);
    return found;
}

void unknown_ids_add(UnknownIds *unknown, int32_t id)
{
    int64_t now = unknown->clock->monotonic_us(unknown->clock);
    pthread_mutex_lock(&unknown->lock);
    unknown->ids[unknown->next].id       = id;
    unknown->ids[unknown->next].until_us = now + UNKNOWN_US;
    unknown->next                        = (unknown->next + 1) % UNKNOWN_MOST;
    pthread_mutex_unlock(&unknown->lock);
}

void unknown_ids_remove(UnknownIds *unknown, int32_t id)
{
    pthread_mutex_lock(&unknown->lock);
    for (size_t i = 0; i < UNKNOWN_MOST; i++)
        if (unknown->ids[i].id == id)
            unknown->ids[i].until_us = 0;
    pthread_mutex_unlock(&unknown->lock);
}
