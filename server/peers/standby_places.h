/*
 * standby_places.h - which nodes stand by for a slot.
 *
 * As many as a query wants, in an order that every node finds by itself from the directory. The first is the
 * node that the group gives the slot to if its owner is gone, for then the take-over finds its state where it
 * goes: the group's assignor (range) gives the sorted members contiguous blocks of the slots, and its members
 * are sorted as the directory is, by id. The second is the one that would have it if that one were gone, too.
 * It is a guess at what the group will do, and no more: where it is wrong, a take-over restores, and nothing
 * else follows from it.
 */
#ifndef SLUICE_SERVER_PEERS_STANDBY_PLACES_H
#define SLUICE_SERVER_PEERS_STANDBY_PLACES_H

#include <stddef.h>

/* `nodes` are there, in their order, of which `owner` has the slot (>= nodes: none of them). Puts the others
 * into `out` (room for `nodes`), the first standby first; returns how many. */
size_t standby_places(int slot, int slots, size_t nodes, size_t owner, size_t *out);

#endif
