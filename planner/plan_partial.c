/*
 * plan_partial.c - see plan_partial.h.
 *
 * A topic between GROUP BY and its aggregation need not carry every row: rows of one group that come within a
 * commit add up to one. That holds where a partial result is exactly what its rows would have given, in any
 * order (aggregate_adds_up), where the window of all of them is the same, and where nobody counts updates:
 * with a cache, whose size 0 means that every row is to be seen.
 *
 * It is decided when a query is made, for what lies in the topic is of one kind or the other, and read as the
 * other it gives numbers out of nothing. A query that takes another's place therefore does as that one did;
 * and a topic of partial results has another name, so that a query whose plan was lost finds what it had
 * written.
 */
#include "planner/plan_partial.h"

#include "planner/nodes/node_exchange.h"
#include "planner/nodes/node_partial.h"
#include "planner/plan_finish.h"

static const Str rows_end = {"-repartition", 12}, partials_end = {"-partial-repartition", 20};

Str plan_partial_suffix(Str suffix, Arena *arena)
{
    if (!str_ends_with(suffix, rows_end) || str_ends_with(suffix, partials_end))
        return suffix;
    return str_printf(arena, STR_FMT STR_FMT, STR_ARG(str_n(suffix.ptr, suffix.len - rows_end.len)),
                      STR_ARG(partials_end));
}

static Str suffix_of_rows(Str suffix, Arena *arena)
{
    if (!str_ends_with(suffix, partials_end))
        return suffix;
    return str_printf(arena, STR_FMT STR_FMT, STR_ARG(str_n(suffix.ptr, suffix.len - partials_end.len)),
                      STR_ARG(rows_end));
}

Partials plan_partials(const QueryPlan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        if (node->class == &node_exchange && node->inputs[0]->class == &node_partial)
            return str_ends_with(plan_exchange(node)->topic_suffix, partials_end) ? PARTIALS_NAMED
                                                                                  : PARTIALS_UNNAMED;
    }
    return PARTIALS_NONE;
}

/* Groups are found by their values: those of these types are equal when their bytes in every format are. */
static bool is_plain_key(const SqlType *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
    case T_STRING:
    case T_BYTES:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return true;
    default:
        return false;
    }
}

/* Rows within one advance are in the same windows if windows begin and end at multiples of it. */
static bool has_panes(const PlanAggregate *agg)
{
    if (agg->window.kind == WINDOWED_NO)
        return true;
    return agg->window.kind != WINDOWED_SESSION && agg->window.size_ms % agg->advance_ms == 0;
}

/* Over a table a change also takes the old row back, perhaps from another group: that is no adding up. */
static bool can_be_partial(const PlanNode *node)
{
    if (node->class != &node_aggregate)
        return false;
    const PlanAggregate *agg   = plan_aggregate(node);
    const PlanNode      *below = node->inputs[0];
    if (agg->over_table || !has_panes(agg) || below->class != &node_exchange || below->is_table ||
        plan_exchange(below)->partition_slot >= 0 || below->schema->key_count == 0)
        return false;
    for (size_t i = 0; i < below->schema->key_count; i++)
        if (!is_plain_key(below->schema->columns[i].type))
            return false;
    for (size_t i = 0; i < agg->call_count; i++)
        if (!aggregate_adds_up(agg->calls[i].function) ||
            !kind_is_fixed(agg->calls[i].call->state_type->kind))
            return false;
    return true;
}

/* ---- the plan written anew ---- */

typedef struct {
    Arena           *arena;
    const PlanNode **nodes;
    size_t           count;
    const PlanNode **now; /* by the old number: the node that stands for it */
} Rewrite;

/* Copies: the nodes may be those of a plan that was kept as it was decided, and are read-only. */
static PlanNode *add(Rewrite *to, const PlanNode *like)
{
    PlanNode *node          = ARENA_NEW(to->arena, PlanNode);
    *node                   = *like;
    node->number            = (int)to->count;
    to->nodes[to->count++]  = node;
    const PlanNode **inputs = ARENA_ARRAY(to->arena, const PlanNode *, like->input_count + 1);
    for (size_t i = 0; i < like->input_count; i++)
        inputs[i] = to->now[like->inputs[i]->number];
    node->inputs = inputs;
    return node;
}

static const Schema *states_schema(const PlanNode *from, const PlanAggregate *agg, Arena *arena)
{
    size_t  keys    = from->schema->key_count;
    Column *columns = ARENA_ARRAY(arena, Column, keys + agg->call_count + 1);
    memcpy(columns, from->schema->columns, keys * sizeof *columns);
    aggregate_state_columns(agg->calls, agg->call_count, arena, columns + keys);
    return schema_new(arena, columns, keys + agg->call_count);
}

/* Behind the node that the exchange had below it. */
static const PlanNode *add_partial(Rewrite *to, const PlanNode *exchange, const PlanAggregate *agg)
{
    PlanPartial *partial = ARENA_NEW(to->arena, PlanPartial);
    PlanNode    *node    = add(to, exchange); /* its input, key format and step */
    bool         windows = agg->window.kind != WINDOWED_NO;
    *partial             = (PlanPartial){agg->calls, agg->call_count, windows ? agg->advance_ms : 0,
                             windows ? agg->grace_ms : 0};
    node->class          = &node_partial;
    node->details        = partial;
    node->schema         = states_schema(exchange, agg, to->arena);
    node->stores         = NULL;
    node->store_count    = 0;
    return node;
}

static const PlanNode *reader_of(const QueryPlan *plan, const PlanNode *node)
{
    for (size_t i = (size_t)node->number + 1; i < plan->node_count; i++)
        for (size_t input = 0; input < plan->nodes[i]->input_count; input++)
            if (plan->nodes[i]->inputs[input] == node)
                return plan->nodes[i];
    return NULL;
}

static Str suffix_for(Str old, bool partial, Partials partials, Arena *arena)
{
    Str rows = suffix_of_rows(old, arena);
    return partial && partials == PARTIALS_NAMED ? plan_partial_suffix(rows, arena) : rows;
}

static void rewrite_node(Rewrite *to, const QueryPlan *plan, const PlanNode *old, Partials partials)
{
    if (old->class == &node_partial) { /* it is put in anew where it is wanted */
        to->now[old->number] = to->now[old->inputs[0]->number];
        return;
    }
    if (old->class != &node_exchange) {
        to->now[old->number] = add(to, old);
        return;
    }
    const PlanNode *reader  = reader_of(plan, old);
    const PlanNode *below   = to->now[old->inputs[0]->number];
    bool            partial = partials != PARTIALS_NONE && reader != NULL && can_be_partial(reader);
    if (partial) {
        PlanNode plain = *old; /* without its partial results */
        plain.schema   = below->schema;
        below          = add_partial(to, &plain, plan_aggregate(reader));
    }
    PlanNode        *exchange = add(to, old);
    const PlanNode **inputs   = ARENA_ARRAY(to->arena, const PlanNode *, 1);
    inputs[0]                 = below;
    exchange->inputs          = inputs;
    exchange->schema          = below->schema;
    PlanExchange *details     = ARENA_NEW(to->arena, PlanExchange);
    *details                  = *plan_exchange(old);
    details->topic_suffix     = suffix_for(details->topic_suffix, partial, partials, to->arena);
    exchange->details         = details;
    to->now[old->number]      = exchange;
}

void plan_set_partials(QueryPlan *plan, Partials partials, Arena *arena)
{
    size_t  most       = 2 * plan->node_count;
    Rewrite to         = {.arena = arena,
                          .nodes = ARENA_ARRAY(arena, const PlanNode *, most + 1),
                          .now   = ARENA_ARRAY(arena, const PlanNode *, plan->node_count + 1)};
    int     partitions = plan->partitions;
    for (size_t i = 0; i < plan->node_count; i++)
        rewrite_node(&to, plan, plan->nodes[i], partials);
    plan->nodes      = to.nodes;
    plan->node_count = to.count;
    plan_derive(plan, arena);
    /* plan_derive takes it from the first source; but it is P of the slot formula, which places tasks and
     * stays as the plan has it. */
    plan->partitions = partitions;
}
