/*
 * node_record.h - what a node tells the others of its service, as a record of the nodes topic.
 *
 * The key is the node's id. The value is JSON, {"version": 1, "address": "http://host:8088", "token": "...",
 * "slots": [0, 1, ...]}; null when the node has left. Members that a later version adds are ignored.
 */
#ifndef SLUICE_SERVER_PEERS_NODE_RECORD_H
#define SLUICE_SERVER_PEERS_NODE_RECORD_H

#include "core/str.h"

typedef struct {
    Str    address; /* without a slash at its end; empty: it serves no requests */
    Str    token;   /* by which it is known when it asks another node; never empty */
    int   *slots;
    size_t slot_count;
} NodeRecord;

/* Is it http://host[:port] or https://host[:port], and nothing else? */
bool node_address_is_valid(Str address);
/* Appends the value. */
void node_record_write(const NodeRecord *record, StrBuf *out);
/* Texts in `arena`. E_DATA: it is none; E_UNSUPPORTED: a version that cannot be understood. */
Status node_record_read(Str value, Arena *arena, NodeRecord *out, Error *err);

#endif
