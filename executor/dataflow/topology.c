/*
 * topology.c - cutting a plan at its repartition topics, and the names of internal topics.
 *
 * Sub-topologies are numbered as the cuts are met from the root down, left before right: the numbers of a
 * plan never depend on anything but its shape. All inputs of one sub-topology have as many partitions as the
 * largest source among them; where it reads repartition topics alone, as many as the sub-topologies that
 * write them have.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_exchange.h"
#include "planner/nodes/node_source.h"

typedef struct {
    SubTopology *sub;
    bool        *seen;  /* by number: a node that several read is walked once */
    bool         whole; /* nothing is cut */
} Walk;

static bool is_input(const Walk *walk, const PlanNode *node)
{
    return node->class->reads_topic || (!walk->whole && topology_reads(walk->sub, node));
}

static void visit(const Walk *walk, const PlanNode *node)
{
    SubTopology *sub = walk->sub;
    if (walk->seen[node->number])
        return;
    walk->seen[node->number] = true;
    if (is_input(walk, node))
        sub->inputs[sub->input_count++] = node;
    else
        for (size_t i = 0; i < node->input_count; i++)
            visit(walk, node->inputs[i]);
    sub->stateful |= node->store_count > 0;
    sub->nodes[sub->node_count++] = node;
}

static SubTopology gather(const QueryPlan *plan, const PlanNode *root, bool whole, Arena *arena)
{
    SubTopology sub  = {.root   = root,
                        .nodes  = ARENA_ARRAY(arena, const PlanNode *, plan->node_count),
                        .inputs = ARENA_ARRAY(arena, const PlanNode *, plan->node_count)};
    Walk        walk = {&sub, ARENA_ARRAY(arena, bool, plan->node_count), whole};
    visit(&walk, root);
    return sub;
}

bool topology_reads(const SubTopology *sub, const PlanNode *node)
{
    return node->class->cuts && node != sub->root;
}

SubTopology topology_whole(const QueryPlan *plan, Arena *arena)
{
    return gather(plan, plan->root, true, arena);
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
            if (subs[other].root != sub->inputs[i])
                continue;
            set_partitions(subs, count, &subs[other]);
            sub->partitions = subs[other].partitions;
        }
    }
    if (sub->partitions <= 0)
        sub->partitions = 1;
}

static bool is_root(const SubTopology *subs, size_t count, const PlanNode *node)
{
    for (size_t i = 0; i < count; i++)
        if (subs[i].root == node)
            return true;
    return false;
}

void topology_cut(const QueryPlan *plan, Arena *arena, SubTopology **out, size_t *count)
{
    SubTopology *subs = ARENA_ARRAY(arena, SubTopology, plan->node_count);
    size_t       made = 1;
    subs[0].root      = plan->root;
    for (size_t i = 0; i < made; i++) {
        subs[i]        = gather(plan, subs[i].root, false, arena);
        subs[i].number = (int)i;
        for (size_t input = 0; input < subs[i].input_count; input++)
            if (subs[i].inputs[input]->class->cuts && !is_root(subs, made, subs[i].inputs[input]))
                subs[made++].root = subs[i].inputs[input];
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
