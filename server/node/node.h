/*
 * node.h - one Sluice process: state directory, log, runtime, engine, and REST when it serves.
 *
 * `sluice server`, `sluice run` and the shell's own engine are nodes that differ in their options.
 */
#ifndef SLUICE_SERVER_NODE_NODE_H
#define SLUICE_SERVER_NODE_NODE_H

#include "server/engine/engine.h"
#include "server/settings/properties.h"

typedef struct Node Node;

typedef struct {
    const Properties *properties;   /* defaults filled in; must live as long */
    bool              serve;        /* REST on `listeners` */
    const char       *listener;     /* this one instead of `listeners`; may be NULL */
    const char       *queries_file; /* run this file's statements and nothing else; NULL: the command log */
    /* Not NULL: a start waits for a log that does not answer, until this says true (E_CANCELLED). NULL: it
     * fails. */
    bool (*interrupted)(void);
    bool log_to_file; /* what there is to say goes to NODE_LOG_FILE in the state directory: standard error is
                         a terminal with somebody's tables on it */
} NodeOptions;

#define NODE_LOG_FILE "sluice.log"
/* In the state directory of a file of statements: what each was made as. */
#define NODE_PLANS_FILE "plans.json"

/* E_BUSY: another process has the state directory. */
Status node_open(const NodeOptions *options, Node **out, Error *err);
void   node_close(Node *node); /* commits; accepts NULL */
/* Reads the files of https listeners again: when told to, or when they have changed and
 * ssl.keystore.reload=true. What cannot be read is said in the log, and what was read before goes on to
 * count. Thread: who opened it. */
void node_look_at_certificates(Node *node, bool told);

Engine           *node_engine(Node *node);
const Properties *node_properties(const Node *node);
/* Port of the first listener; 0: it does not serve. */
int node_port(const Node *node);
/* Everything that was in the sources has been processed and committed. */
bool node_is_idle(Node *node);

#endif
