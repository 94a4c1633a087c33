/*
 * test_loop.c - the event loop is everybody's: a source that is woken all the time keeps no other one
 * waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/loop.h"

enum { PATIENCE_MS = 5000 };

typedef struct {
    LoopSource  base;
    Loop       *loop;
    int64_t     until_ms;
    atomic_bool heard, released;
} Source;

static void wake_again(LoopSource *source)
{
    Source *self = (Source *)source;
    if (loop_now_ms() < self->until_ms)
        loop_wake(self->loop, source);
}

static void note_event(LoopSource *source, uint32_t events)
{
    Source *self = (Source *)source;
    atomic_store(&self->heard, true);
    loop_want(self->loop, source, 0);
}

static void note_release(LoopSource *source) { atomic_store(&((Source *)source)->released, true); }

static bool comes(atomic_bool *what)
{
    int64_t until_ms = loop_now_ms() + PATIENCE_MS / 2;
    while (!atomic_load(what) && loop_now_ms() < until_ms)
        usleep(1000);
    return atomic_load(what);
}

static void who_is_woken_all_the_time_keeps_nobody_waiting(void **state)
{
    Loop *loop;
    Error err;
    assert_int_equal(loop_open("test", &loop, &err), OK);
    Source busy  = {.base     = {.fd = eventfd(0, 0), .woken = wake_again, .release = note_release},
                    .loop     = loop,
                    .until_ms = loop_now_ms() + PATIENCE_MS};
    Source heard = {.base = {.fd = eventfd(1, 0), .ready = note_event, .release = note_release},
                    .loop = loop};
    assert_int_equal(loop_add(loop, &busy.base, 0, &err), OK);
    loop_wake(loop, &busy.base);
    usleep(20 * 1000); /* it is at it */
    assert_int_equal(loop_add(loop, &heard.base, EPOLLIN, &err), OK);
    bool came = comes(&heard.heard);
    loop_close(loop);
    assert_true(came);
    assert_true(atomic_load(&busy.released) && atomic_load(&heard.released));
    close(busy.base.fd);
    close(heard.base.fd);
}

/* ---- removing ---- */

static void remove_next(LoopSource *source)
{
    Source *self = (Source *)source;
    loop_remove(self->loop, source->next);
}

/* One that is removed by another, both woken, is not called any more. */
static void who_is_removed_is_not_woken(void **state)
{
    Loop  *loop;
    Error  err;
    Source sources[3];
    assert_int_equal(loop_open("test", &loop, &err), OK);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) { /* the last is the first of the loop's list */
        sources[i] = (Source){.base = {.fd = eventfd(0, 0), .release = note_release}, .loop = loop};
        assert_int_equal(loop_add(loop, &sources[i].base, 0, &err), OK);
    }
    sources[2].base.woken = remove_next;
    for (size_t i = ARRAY_LEN(sources); i-- > 0;)
        loop_wake(loop, &sources[i].base);
    assert_true(comes(&sources[1].released));
    assert_false(atomic_load(&sources[0].released));
    loop_close(loop);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        close(sources[i].base.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_woken_all_the_time_keeps_nobody_waiting),
        cmocka_unit_test(who_is_removed_is_not_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
