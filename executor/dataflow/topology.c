/*
 * topology.c - cutting a plan at its repartition topics, and the names of internal topics.
 *
 * A sub-topology is what is connected without a topic in between; it may write several, and read one that
 * another writes from what it wrote itself (foreign-key joins). Sub-topologies are numbered as the cuts are
 * met from the root down, left before right: the numbers of a plan never depend on anything but its shape.
 * All inputs of one sub-topology have as many partitions as the largest source among them; where it reads
 * repartition topics alone, as many as the sub-topologies that write them have.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_exchange.h"
#include "planner/nodes/node_source.h"

/* Which nodes run together: those that are connected without a topic in between. An EXCHANGE is with what
 * writes it. By number: a node's part is the least node that stands for it. */
static int part_of(const int *parts, int node)
{
    while (parts[node] != node)
        node = parts[node];
    return node;
}

static int *find_parts(const QueryPlan *plan, bool whole, Arena *arena)
{
    int *parts = ARENA_ARRAY(arena, int, plan->node_count);
    for (size_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        parts[i]             = (int)i;
        for (size_t input = 0; input < node->input_count; input++)
            if (whole || !node->inputs[input]->class->cuts)
                parts[part_of(parts, node->inputs[input]->number)] = part_of(parts, (int)i);
    }
    for (size_t i = 0; i < plan->node_count; i++)
        parts[i] = part_of(parts, (int)i);
    return parts;
}

typedef struct {
    const QueryPlan *plan;
    const int       *parts;
    int              part;
    bool            *seen; /* by number: a node that several read is walked once */
    SubTopology     *sub;
} Walk;

static void visit(const Walk *walk, const PlanNode *node)
{
    SubTopology *sub = walk->sub;
    if (walk->seen[node->number])
        return;
    walk->seen[node->number] = true;
    if (node->class->reads_topic || walk->parts[node->number] != walk->part)
        sub->inputs[sub->input_count++] = node;
    else
        for (size_t i = 0; i < node->input_count; i++)
            visit(walk, node->inputs[i]);
    sub->stateful |= node->store_count > 0 && walk->parts[node->number] == walk->part;
    sub->nodes[sub->node_count++] = node;
}

/* From each node whose rows nobody reads here, the plan's root last. */
static SubTopology gather(const QueryPlan *plan, const int *parts, int part, Arena *arena)
{
    SubTopology sub  = {.nodes  = ARENA_ARRAY(arena, const PlanNode *, plan->node_count),
                        .inputs = ARENA_ARRAY(arena, const PlanNode *, plan->node_count)};
    bool       *read = ARENA_ARRAY(arena, bool, plan->node_count);
    Walk        walk = {plan, parts, part, ARENA_ARRAY(arena, bool, plan->node_count), &sub};
    for (size_t i = 0; i < plan->node_count; i++)
        for (size_t input = 0; input < plan->nodes[i]->input_count; input++)
            read[plan->nodes[i]->inputs[input]->number] |= parts[i] == part;
    for (size_t i = 0; i < plan->node_count; i++)
        if (parts[i] == part && !read[i])
            visit(&walk, plan->nodes[i]);
    return sub;
}

bool topology_reads(const SubTopology *sub, const PlanNode *node)
{
    for (size_t i = 0; node->class->cuts && i < sub->input_count; i++)
        if (sub->inputs[i] == node)
            return true;
    return false;
}

bool topology_writes(const SubTopology *sub, const PlanNode *node)
{
    bool here = false;
    for (size_t i = 0; node->class->cuts && i < sub->node_count; i++)
        here |= sub->nodes[i] == node;
    return here && !topology_reads(sub, node);
}

SubTopology topology_whole(const QueryPlan *plan, Arena *arena)
{
    const int *parts = find_parts(plan, true, arena);
    return gather(plan, parts, parts[plan->root->number], arena);
}

static void set_partitions(SubTopology *subs, size_t count, SubTopology *sub)
{
    if (sub->partitions > 0)
        return;
    for (size_t i = 0; i < sub->input_count; i++)
        if (sub->inputs[i]->class->reads_topic && plan_source(sub->inputs[i])->partitions > sub->partitions)
            sub->partitions = plan_source(sub->inputs[i])->partitions;
    for (size_t i = 0; sub->partitions == 0 && i < sub->input_count; i++) {
        for (size_t other = 0; other < count; other++) {
            if (!topology_writes(&subs[other], sub->inputs[i]))
                continue;
            set_partitions(subs, count, &subs[other]);
            sub->partitions = subs[other].partitions;
        }
    }
    if (sub->partitions <= 0)
        sub->partitions = 1;
}

void topology_cut(const QueryPlan *plan, Arena *arena, SubTopology **out, size_t *count)
{
    const int   *parts = find_parts(plan, false, arena);
    int         *order = ARENA_ARRAY(arena, int, plan->node_count); /* part of each sub-topology */
    SubTopology *subs  = ARENA_ARRAY(arena, SubTopology, plan->node_count);
    size_t       made  = 1;
    order[0]           = parts[plan->root->number];
    for (size_t i = 0; i < made; i++) {
        subs[i]        = gather(plan, parts, order[i], arena);
        subs[i].number = (int)i;
        for (size_t input = 0; input < subs[i].input_count; input++) {
            int  part  = parts[subs[i].inputs[input]->number];
            bool known = false;
            for (size_t other = 0; other < made; other++)
                known |= order[other] == part;
            if (!known)
                order[made++] = part;
        }
    }
    for (size_t i = 0; i < made; i++)
        set_partitions(subs, made, &subs[i]);
    *out   = subs;
    *count = made;
}

/* ---- names ---- */

Str topology_application_id(Str service_id, Str query_id, Arena *arena)
{
    return str_printf(arena, "_confluent-ksql-" STR_FMT "query_" STR_FMT, STR_ARG(service_id),
                      STR_ARG(query_id));
}

/* Topic names hold letters, digits, '.', '_' and '-' only. */
static Str legal_name(Arena *arena, Str name)
{
    char *copy = str_to_c(arena, name);
    for (size_t i = 0; i < name.len; i++) {
        char c     = copy[i];
        bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                     c == '_' || c == '-';
        copy[i] = legal ? c : '_';
    }
    return str_n(copy, name.len);
}

Str topology_repartition_topic(Str service_id, Str query_id, const PlanNode *exchange, Arena *arena)
{
    return str_printf(arena, STR_FMT "-" STR_FMT,
                      STR_ARG(topology_application_id(service_id, query_id, arena)),
                      STR_ARG(legal_name(arena, plan_exchange(exchange)->topic_suffix)));
}

/* Inner stores are called "<query>.<step>"; what a source materialises is named after the step that keeps it,
 * so that renaming nothing but the source keeps the changelog. */
Str topology_changelog_topic(Str service_id, Str query_id, const PlanNode *node, size_t number, Arena *arena)
{
    Str store  = node->stores[number].name;
    Str prefix = str_printf(arena, STR_FMT ".", STR_ARG(query_id));
    Str name   = node->step;
    if (str_starts_with(store, prefix))
        name = str_n(store.ptr + prefix.len, store.len - prefix.len);
    return str_printf(arena, STR_FMT "-sluice-" STR_FMT "-changelog",
                      STR_ARG(topology_application_id(service_id, query_id, arena)),
                      STR_ARG(legal_name(arena, name)));
}
