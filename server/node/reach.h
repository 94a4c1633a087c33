/*
 * reach.h - who can reach a listener, and what that asks for: said once, when it opens.
 */
#ifndef SLUICE_SERVER_NODE_REACH_H
#define SLUICE_SERVER_NODE_REACH_H

#include "core/str.h"

typedef enum {
    REACH_USER,    /* unix:PATH: this user of this machine */
    REACH_MACHINE, /* an address of the loopback */
    REACH_NETWORK  /* anything else */
} Reach;

/* Of an address as `listeners` has it. A name counts as the network's but for `localhost`: what it stands for
 * may change. */
Reach reach_of(Str url);
/* The line in the log; a warning where the network gets in unasked, or passwords cross it in the clear. */
void reach_tell(Str url, int port, bool authenticated);

#endif
