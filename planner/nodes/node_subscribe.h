/*
 * node_subscribe.h - the first step of a foreign-key join: each change of the left table becomes messages to
 * the rows of the right one that its rows refer to.
 *
 * Left rows and the right row they refer to live in different partitions. So a left row subscribes, by a
 * message keyed by the foreign key, with whoever has that right row (RESPOND); the answers come back, keyed
 * by the left primary key, and are joined where the left row is (JOIN, FOREIGN_KEY). A message carries the
 * left row's version (its record's offset): an answer to another version than the left row has now is out of
 * date.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_SUBSCRIBE_H
#define SLUICE_PLANNER_NODES_NODE_SUBSCRIBE_H

#include "planner/nodes/node_join.h"

/* A message is keyed by the foreign key; behind it stand the left primary key, and these. An answer is keyed
 * by the left primary key; behind it stand these, and the right row. */
enum {
    SUBSCRIBE_VERSION,   /* BIGINT; -1: the left row is gone */
    SUBSCRIBE_PARTITION, /* INTEGER: of the left row */
    SUBSCRIBE_ACTION,    /* INTEGER; in answers BOOLEAN: is there a right row? NULL: there is none, and who
                            has no result need not say so */
    SUBSCRIBE_COLUMNS
};

typedef enum {
    SUBSCRIBE_LEAVE,          /* nobody wants to know */
    SUBSCRIBE_LEAVE_AND_TELL, /* answer that there is none */
    SUBSCRIBE_IF_FOUND,       /* answer if there is a right row, or if the left row was there already */
    SUBSCRIBE_ALWAYS,         /* answer in any case: there may be a result to be taken back */
} SubscribeAction;

typedef struct {
    PlanJoinType type;        /* INNER or LEFT */
    const Expr  *foreign_key; /* over the input */
    int          version_slot;
} PlanSubscribe;

/* Reading a plan's document: is that a schema of answers to rows of `table`? A failure otherwise. */
void subscribe_check_answers(DocReader *r, const Schema *answers, const Schema *table);

static inline const PlanSubscribe *plan_subscribe(const PlanNode *node)
{
    return node_details(node, &node_subscribe);
}

#endif
