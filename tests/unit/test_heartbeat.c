/*
 * test_heartbeat.c - when a host counts as dead (runtime.md 6.8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/peers/heartbeat.h"

static const struct {
    int64_t silent_ms, send_ms, window_ms, threshold;
    bool    alive;
} rows[] = {
    {0, 100, 2000, 3, true}, /* the defaults */
    {99, 100, 2000, 3, true},
    {299, 100, 2000, 3, true}, /* two were missed, the third may be on its way */
    {300, 100, 2000, 3, false},
    {5000, 100, 2000, 3, false},
    {1999, 100, 2000, 1000, true}, /* a patient threshold: the window decides */
    {2000, 100, 2000, 1000, false},
    {150, 100, 200, 3, true}, /* a window that is shorter than the threshold */
    {200, 100, 200, 3, false},
    {999, 1000, 2000, 1, true}, /* one that is missed is enough */
    {1000, 1000, 2000, 1, false},
};

static void a_host_is_dead_after_a_gap(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (heartbeat_counts_as_alive(1000 * rows[i].silent_ms, 1000 * rows[i].send_ms,
                                      1000 * rows[i].window_ms, rows[i].threshold) != rows[i].alive)
            fail_msg("row %zu: silent for %lld ms", i, (long long)rows[i].silent_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_dead_after_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
