/*
 * directory.h - the nodes of the service: at which address each is, and which slots it has.
 *
 * Nodes find each other through a compacted topic, `_confluent-ksql-<service>_nodes`, with one record per
 * node (node_record.h): written when the node comes, when its slots change and once an hour, and withdrawn
 * when it leaves. Of two nodes that say to have a slot the one that said so last has it. What is read here is
 * a little behind the truth, which only the owner of a slot knows: who is asked for what it does not have
 * refuses, and the asker looks again. A node that dies says nothing; its slots are another's as soon as the
 * group has given them to one, who says so.
 *
 * From it follows, too, who stands by for whose slots: the runtime is told so (runtime_stand_by).
 *
 * Thread: any, but open and close.
 */
#ifndef SLUICE_SERVER_PEERS_DIRECTORY_H
#define SLUICE_SERVER_PEERS_DIRECTORY_H

#include "core/clock.h"
#include "executor/runtime/runtime.h"

typedef struct Directory Directory;

typedef struct {
    Log     *log;
    Runtime *runtime;
    Clock   *clock;
    Str      service_id, node_id;
    Str      address;  /* of this node, for others: node_address */
    int      replicas; /* of the topic */
} DirectoryOptions;

typedef struct {
    Str    id, address;
    int   *slots; /* those that nobody has said to have since */
    size_t slot_count;
    int   *ranks; /* per slot of the service (runtime_slot_count): as the how-manieth it stands by; 0: not */
    bool   self;
} DirectoryNode;

typedef struct {
    Str  address; /* empty: it serves no requests */
    bool self;
} DirectoryPlace;

/* Starts its thread; a log that does not answer is waited for. */
Status directory_open(const DirectoryOptions *options, Directory **out, Error *err);
/* Withdraws the node's record, if the log takes it at once. Before the runtime and the log. Accepts NULL. */
void directory_close(Directory *directory);

/* Where the node is that has the slot, in `arena`. False: nobody says so. */
bool directory_owner(Directory *directory, int slot, Arena *arena, Str *address, bool *self);
/* The nodes that stand by for the slot, in order (standby_places.h): of them as many do as a query wants. In
 * `arena`. */
size_t directory_standbys(Directory *directory, int slot, Arena *arena, DirectoryPlace **out);
/* All nodes, this one included, by id. */
size_t directory_list(Directory *directory, Arena *arena, DirectoryNode **out);

/* "<id> <token>": what a node sends along, as the header DIRECTORY_HEADER, when it asks another. In `arena`.
 */
#define DIRECTORY_HEADER "Sluice-Node"
Str directory_credential(const Directory *directory, Arena *arena);
/* Was it made by a node of this service? */
bool directory_knows(Directory *directory, Str credential);

#endif
