/*
 * peer_round.h - questions to other nodes, all at once, and a thread that waits for the answers.
 *
 * For what a statement or a pull query has to know before it goes on. The one who waits holds nothing that
 * others wait for.
 */
#ifndef SLUICE_SERVER_PEERS_PEER_ROUND_H
#define SLUICE_SERVER_PEERS_PEER_ROUND_H

#include <jansson.h>

#include "server/peers/directory.h"
#include "server/peers/peer_client.h"

/* What a node answers about the queries that run on it. */
#define NODE_QUERIES_PATH "/sluice/queries"
/* Which of its tasks have committed past which offsets. */
#define NODE_PASSED_PATH "/sluice/passed"

typedef struct {
    Str     address; /* of the node */
    json_t *body;    /* borrowed */
    json_t *answer;  /* what it has answered with 200; new reference. NULL: it did not, or not in time */
} PeerQuestion;

/* Sends each node its question, as this node, and returns when all have answered or `timeout_ms` are over.
 * Thread: any. */
void peer_round(PeerClient *client, const Directory *directory, const char *path, PeerQuestion *questions,
                size_t count, int timeout_ms);

#endif
