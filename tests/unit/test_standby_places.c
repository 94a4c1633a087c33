/*
 * test_standby_places.c - whoever is gone, each of its slots goes to the node that has stood by for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/peers/standby_places.h"

enum { SLOTS = 48, NODES = 20 };

/* As the group's range assignor deals them out: written down the other way round, from the blocks. */
static size_t dealt_to(int slot, size_t nodes)
{
    size_t start = 0;
    for (size_t i = 0;; i++) {
        size_t size = SLOTS / nodes + (i < SLOTS % nodes);
        if ((size_t)slot < start + size)
            return i;
        start += size;
    }
}

static void a_lost_nodes_slots_go_to_their_first_standbys(void **state)
{
    for (size_t nodes = 2; nodes <= NODES; nodes++)
        for (size_t lost = 0; lost < nodes; lost++)
            for (int s = 0; s < SLOTS; s++) {
                size_t order[NODES], owner = dealt_to(s, nodes), left = dealt_to(s, nodes - 1);
                size_t next = left < lost ? left : left + 1; /* by its number among all */
                assert_int_equal(standby_places(s, SLOTS, nodes, owner, order), nodes - 1);
                if (next != owner) /* others' slots move, too: to their first standbys as well */
                    assert_int_equal(order[0], next);
            }
}

static void everybody_but_the_owner_once(void **state)
{
    for (size_t nodes = 1; nodes <= NODES; nodes++)
        for (size_t owner = 0; owner <= nodes; owner++)
            for (int s = 0; s < SLOTS; s++) {
                size_t order[NODES], count = standby_places(s, SLOTS, nodes, owner, order);
                bool   seen[NODES] = {false};
                assert_int_equal(count, owner < nodes ? nodes - 1 : nodes);
                for (size_t i = 0; i < count; i++) {
                    assert_true(order[i] < nodes && order[i] != owner && !seen[order[i]]);
                    seen[order[i]] = true;
                }
            }
}

static void what_is_no_slot_has_none(void **state)
{
    size_t order[NODES];
    assert_int_equal(standby_places(SLOTS, SLOTS, 3, 0, order), 0);
    assert_int_equal(standby_places(0, 0, 3, 3, order), 0);
    assert_int_equal(standby_places(0, SLOTS, 0, 0, order), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_nodes_slots_go_to_their_first_standbys),
        cmocka_unit_test(everybody_but_the_owner_once),
        cmocka_unit_test(what_is_no_slot_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
