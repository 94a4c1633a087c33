/*
 * topology.c - cutting a plan at its repartition topics, and the names of internal topics.
 *
 * Sub-topologies are numbered as the cuts are met from the root down, left before right: the numbers of a
 * plan never depend on anything but its shape. All inputs of one sub-topology have as many partitions as the
 * largest source among them; where it reads repartition topics alone, as many as the sub-topologies that
 * write them have.
 */
#include "executor/dataflow/task.h"

static bool is_cut(const PlanNode *node) { return node->kind == PLAN_REKEY && node->u.rekey.repartition; }

static size_t count_cuts(const PlanNode *node, size_t *sources)
{
    size_t cuts = is_cut(node);
    *sources += node->kind == PLAN_SOURCE;
    for (size_t i = 0; i < node->input_count; i++)
        cuts += count_cuts(node->inputs[i], sources);
    return cuts;
}

static void walk(const PlanNode *node, SubTopology *sub)
{
    if (node->kind == PLAN_SOURCE || (is_cut(node) && node != sub->root)) {
        sub->inputs[sub->input_count++] = node;
        sub->stateful |= node->kind == PLAN_SOURCE && node->store_count > 0;
        return;
    }
    sub->stateful |= node->store_count > 0;
    for (size_t i = 0; i < node->input_count; i++)
        walk(node->inputs[i], sub);
}

static void set_partitions(SubTopology *subs, size_t count, SubTopology *sub)
{
    if (sub->partitions > 0)
        return;
    for (size_t i = 0; i < sub->input_count; i++)
        if (sub->inputs[i]->kind == PLAN_SOURCE && sub->inputs[i]->u.source.partitions > sub->partitions)
            sub->partitions = sub->inputs[i]->u.source.partitions;
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

void topology_cut(const QueryPlan *plan, Arena *arena, SubTopology **out, size_t *count)
{
    size_t       sources = 0, cuts = count_cuts(plan->root, &sources), made = 1;
    SubTopology *subs = ARENA_ARRAY(arena, SubTopology, cuts + 1);
    subs[0].root      = plan->root;
    for (size_t i = 0; i < made; i++) {
        subs[i].number = (int)i;
        subs[i].inputs = ARENA_ARRAY(arena, const PlanNode *, cuts + sources);
        walk(subs[i].root, &subs[i]);
        for (size_t input = 0; input < subs[i].input_count; input++)
            if (subs[i].inputs[input]->kind == PLAN_REKEY)
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

Str topology_repartition_topic(Str service_id, Str query_id, const PlanNode *rekey, Arena *arena)
{
    return str_printf(arena, STR_FMT "-" STR_FMT,
                      STR_ARG(topology_application_id(service_id, query_id, arena)),
                      STR_ARG(legal_name(arena, rekey->u.rekey.topic_suffix)));
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
