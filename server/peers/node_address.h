/*
 * node_address.h - at which address other nodes reach this one.
 */
#ifndef SLUICE_SERVER_PEERS_NODE_ADDRESS_H
#define SLUICE_SERVER_PEERS_NODE_ADDRESS_H

#include "server/settings/properties.h"

/* ksql.advertised.listener; else the first of `listeners` with the `port` that it got, and the name of the
 * machine where it listens on all addresses; empty: it can be reached on this machine alone. E_CONFIG: it is
 * none. In `arena`. */
Status node_address(const Properties *properties, Str listeners, int port, Arena *arena, Str *out,
                    Error *err);
/* "host:port" of an address, the scheme's port if it names none. */
Str node_address_host_port(Str address, Arena *arena);
/* Both apart; false: it is no address. */
bool node_address_split(Str address, Str *host, int *port);

#endif
