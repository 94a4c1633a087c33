/*
 * notice.h - a trouble that lasts is said when it begins, when it changes, and once a minute while it lasts.
 *
 * What fails is tried again every second or so, by several threads and by libraries with opinions of their
 * own: a line for each try buries the line that matters. A Notice remembers the texts that were said of one
 * trouble.
 *
 * Zeroed memory is a notice of nothing. Thread: its owner, or under its owner's lock.
 */
#ifndef SLUICE_CORE_NOTICE_H
#define SLUICE_CORE_NOTICE_H

#include "core/str.h"

/* Texts that take turns (two brokers, a name with two addresses) are no change; more than this are. */
enum { NOTICE_TEXTS = 8, NOTICE_REPEAT_S = 60 };

typedef struct {
    struct {
        uint64_t hash;
        int64_t  said_us;
    } texts[NOTICE_TEXTS];
    size_t count, next;
} Notice;

/* Is `text` to be said at `now_us` (of a monotonic clock)? Then it counts as said. */
bool notice_due(Notice *notice, Str text, int64_t now_us);
/* The trouble is over: whatever comes next is new. */
void notice_clear(Notice *notice);

#endif
