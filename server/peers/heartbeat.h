/*
 * heartbeat.h - which nodes of the service are alive, and how far behind their changelogs their tables are.
 *
 * With ksql.heartbeat.enable every node tells every other ten times a second that it lives, over HTTP and not
 * through Kafka: whether a node can be asked is what has to be known. One that has missed a few in a row
 * counts as dead, and is not asked for pull queries, until it is heard again. With ksql.lag.reporting.enable
 * it also tells them the lags of its stores.
 *
 * Thread: any, but open and close.
 */
#ifndef SLUICE_SERVER_PEERS_HEARTBEAT_H
#define SLUICE_SERVER_PEERS_HEARTBEAT_H

#include <jansson.h>

#include "server/peers/directory.h"
#include "server/peers/peer_client.h"
#include "server/settings/properties.h"

typedef struct Heartbeat Heartbeat;

typedef struct {
    Directory        *directory; /* NULL: there are no other nodes */
    PeerClient       *peers;
    Runtime          *runtime;
    Clock            *clock;
    const Properties *properties;
    Str               service_id, address; /* of this node */
} HeartbeatOptions;

/* *out NULL: neither is enabled. */
Status heartbeat_open(const HeartbeatOptions *options, Heartbeat **out, Error *err);
void   heartbeat_close(Heartbeat *self); /* accepts NULL; before the peer client and the directory */

/* Does a host count as alive that was heard last so long ago? Not when it was not heard in the whole window,
 * nor when as many heartbeats in a row were missed as the threshold says. */
bool heartbeat_counts_as_alive(int64_t silent_us, int64_t send_us, int64_t window_us, int64_t threshold);

bool heartbeat_is_beating(const Heartbeat *self);   /* is ksql.heartbeat.enable set? NULL: no */
bool heartbeat_reports_lags(const Heartbeat *self); /* ksql.lag.reporting.enable? */

/* A node has said that it lives: the body of /heartbeat. E_DATA: it is none. */
Status heartbeat_hear(Heartbeat *self, const json_t *message, Error *err);
/* A node has said how far its stores are: the body of /lag. E_DATA. */
Status heartbeat_hear_lags(Heartbeat *self, const json_t *message, Error *err);
/* May the node at that address be asked? True where nobody listens to heartbeats. */
bool heartbeat_is_alive(Heartbeat *self, Str address);
/* {"host:8088": {"hostAlive":..., ...}, ...}: this node and all others. New reference. */
json_t *heartbeat_cluster_status(Heartbeat *self);

#endif
