/*
 * unknown_ids.h - the ids that a registry did not know when it was last asked: it is not asked again for 10
 * s, as a topic of bad records would ask for each.
 *
 * Thread: any.
 */
#ifndef SLUICE_REGISTRY_UNKNOWN_IDS_H
#define SLUICE_REGISTRY_UNKNOWN_IDS_H

#include <pthread.h>

#include "core/clock.h"
#include "core/str.h"

enum { UNKNOWN_MOST = 64, UNKNOWN_US = 10 * 1000000 };

typedef struct {
    Clock          *clock;
    pthread_mutex_t lock; /* of what follows */
    struct {
        int32_t id;
        int64_t until_us;
    } ids[UNKNOWN_MOST];
    size_t next;
} UnknownIds;

void unknown_ids_init(UnknownIds *unknown, Clock *clock); /* the clock is borrowed */
void unknown_ids_clear(UnknownIds *unknown);
bool unknown_ids_has(UnknownIds *unknown, int32_t id);
void unknown_ids_add(UnknownIds *unknown, int32_t id);
void unknown_ids_remove(UnknownIds *unknown, int32_t id);

#endif
