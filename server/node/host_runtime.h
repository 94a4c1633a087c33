/*
 * host_runtime.h - the QueryHost over the runtime: what a server and `sluice run` use.
 *
 * While it holds, starts are only remembered: the command log is replayed without starting what a later
 * command stops.
 */
#ifndef SLUICE_SERVER_NODE_NODE_HOST_RUNTIME_H
#define SLUICE_SERVER_NODE_NODE_HOST_RUNTIME_H

#include "executor/runtime/runtime.h"
#include "server/engine/engine.h"
#include "server/peers/directory.h"
#include "server/peers/peer_client.h"

typedef struct HostRuntime HostRuntime;

/* `most_errors`: how many of a query's errors its description lists. */
HostRuntime *host_runtime_new(Runtime *runtime, Log *log, size_t most_errors);
void         host_runtime_free(HostRuntime *host); /* accepts NULL */
QueryHost   *host_runtime_base(HostRuntime *host);
void         host_runtime_hold(HostRuntime *host);
/* From now on the service's other nodes are asked, too, what their queries do; `address` is this node's. Both
 * outlive all requests. */
void host_runtime_meet(HostRuntime *host, Directory *directory, PeerClient *peers, Str address);
/* Starts what is left, in order. What cannot start is said in the log: the other queries go on. E_IO, E_BUSY:
 * the log did not answer; to be called again for the rest. */
Status host_runtime_release(HostRuntime *host, Error *err);

#endif
