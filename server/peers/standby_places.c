/*
 * standby_places.c - see standby_places.h.
 */
#include "server/peers/standby_places.h"

#include <stdbool.h>

/* Which of `nodes` has the slot when blocks are dealt out; the first few are larger by one if need be. */
static size_t range_owner(int slot, int slots, size_t nodes)
{
    size_t least = (size_t)slots / nodes, larger = (size_t)slots % nodes, at = (size_t)slot;
    size_t in_larger = larger * (least + 1);
    return at < in_larger ? at / (least + 1) : larger + (at - in_larger) / least;
}

static bool is_taken(size_t node, size_t owner, const size_t *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (taken[i] == node)
            return true;
    return node == owner;
}

size_t standby_places(int slot, int slots, size_t nodes, size_t owner, size_t *out)
{
    size_t count = 0, left = owner < nodes ? nodes - 1 : nodes;
    for (; left > 0 && slot < slots && left <= (size_t)slots; left--) {
        size_t place = range_owner(slot, slots, left), node = 0;
        while (is_taken(node, owner, out, count) || place-- > 0)
            node++;
        out[count++] = node;
    }
    return count;
}
