/*
 * topology.h - a plan cut into sub-topologies: what runs without a topic in between.
 *
 * Sub-topology 0 is the one that holds the root (or, when the plan has no repartition, everything); the
 * others feed it. A task is (query, sub-topology, partition).
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_TOPOLOGY_H
#define SLUICE_EXECUTOR_DATAFLOW_TOPOLOGY_H

#include "planner/plan.h"

typedef struct {
    int              number;
    const PlanNode **nodes; /* each behind its inputs; an EXCHANGE that is read here is among
                               them as an input */
    size_t           node_count;
    const PlanNode **inputs; /* SOURCE nodes, and EXCHANGE nodes whose topic is read here: leftmost first */
    size_t           input_count;
    int              partitions;
    bool             stateful; /* some node of it keeps a store */
} SubTopology;

/* In `arena`. */
SubTopology topology_whole(const QueryPlan *plan, Arena *arena); /* not cut at all */
/* Does it read the topic of that EXCHANGE? Does it write it? */
bool topology_reads(const SubTopology *sub, const PlanNode *node);
bool topology_writes(const SubTopology *sub, const PlanNode *node);
void topology_cut(const QueryPlan *plan, Arena *arena, SubTopology **out, size_t *count);

/* Internal names (runtime.md 6.1), in `arena`. */
Str topology_application_id(Str service_id, Str query_id, Arena *arena);
Str topology_repartition_topic(Str service_id, Str query_id, const PlanNode *exchange, Arena *arena);
/* Of store `number` of the node. */
Str topology_changelog_topic(Str service_id, Str query_id, const PlanNode *node, size_t number, Arena *arena);

#endif
