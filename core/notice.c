/*
 * notice.c - see notice.h.
 */
#include "core/notice.h"

bool notice_due(Notice *notice, Str text, int64_t now_us)
{
    uint64_t hash = str_hash(text);
    size_t   at   = 0;
    while (at < notice->count && notice->texts[at].hash != hash)
        at++;
    bool known = at < notice->count;
    if (known && now_us - notice->texts[at].said_us < (int64_t)NOTICE_REPEAT_S * 1000000)
        return false;
    if (!known) { /* instead of the one that came first */
        at           = notice->next;
        notice->next = (notice->next + 1) % NOTICE_TEXTS;
        if (notice->count < NOTICE_TEXTS)
            notice->count++;
    }
    notice->texts[at].hash    = hash;
    notice->texts[at].said_us = now_us;
    return true;
}

void notice_clear(Notice *notice) { *notice = (Notice){0}; }
