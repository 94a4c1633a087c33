/*
 * node_respond.h - the second step of a foreign-key join (node_subscribe.h): keeps who refers to which row of
 * the right table, and answers, at once and whenever that row changes.
 *
 * Inputs: the messages; the right table. The answers' columns: the left primary key, SUBSCRIBE_*, the right
 * table's.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_RESPOND_H
#define SLUICE_PLANNER_NODES_NODE_RESPOND_H

#include "planner/nodes/node_subscribe.h"

enum { RESPOND_MESSAGES, RESPOND_TABLE };

/* Where the right table's columns begin. */
static inline size_t respond_right_slot(const PlanNode *node)
{
    return node->schema->key_count + SUBSCRIBE_COLUMNS;
}

#endif
