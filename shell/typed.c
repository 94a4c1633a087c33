/*
 * typed.c - see typed.h.
 */
#include "shell/typed.h"

#include <poll.h>
#include <unistd.h>

#include "shell/interrupt.h"

enum { AHEAD_MAX = 1 << 20, STEP_MS = 50 };

static bool is_kept(const Typed *typed) { return typed->at < typed->ahead.len; }

static void drop(Typed *typed)
{
    typed->at = 0;
    strbuf_reset(&typed->ahead);
}

void typed_clear(Typed *typed)
{
    strbuf_clear(&typed->ahead);
    *typed = (Typed){0};
}

static bool is_readable(int ms)
{
    struct pollfd waited = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&waited, 1, ms) > 0 && (waited.revents & POLLIN) != 0;
}

void typed_keep(Typed *typed)
{
    char bytes[4096];
    while (typed->keeps && !interrupt_pending() && is_readable(0)) {
        ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        if (got <= 0)
            break; /* the prompt will find out why */
        if (typed->ahead.len + (size_t)got > AHEAD_MAX) {
            typed->lost = true; /* half a statement would be another one */
            drop(typed);
        }
        if (!typed->lost)
            strbuf_add(&typed->ahead, str_n(bytes, (size_t)got));
    }
    if (typed->keeps && interrupt_pending())
        drop(typed);
}

bool typed_pause(Typed *typed, int64_t ms)
{
    for (; ms > 0 && !interrupt_pending(); ms -= STEP_MS) {
        usleep((useconds_t)(ms < STEP_MS ? ms : STEP_MS) * 1000);
        typed_keep(typed);
    }
    return !interrupt_pending();
}

bool typed_comes_within(const Typed *typed, int ms) { return is_kept(typed) || is_readable(ms); }

bool typed_wait(const Typed *typed) { return is_kept(typed) || interrupt_wait_readable(STDIN_FILENO); }

ssize_t typed_read(Typed *typed, char *byte)
{
    if (!is_kept(typed))
        return read(STDIN_FILENO, byte, 1);
    *byte = typed->ahead.ptr[typed->at++];
    if (!is_kept(typed))
        drop(typed);
    return 1;
}
