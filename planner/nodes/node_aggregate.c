/*
 * node_aggregate.c - see node_aggregate.h.
 *
 * Its store shows people the select list's columns; behind them stand the states of the aggregate functions.
 */
#include "planner/nodes/node_aggregate.h"

static const char *step_name(const PlanNode *node)
{
    if (plan_aggregate(node)->over_table)
        return "TableAggregate";
    return node->window.kind == WINDOWED_NO ? "StreamAggregate" : "StreamWindowedAggregate";
}

static void print_calls(const PlanNode *node, StrBuf *out)
{
    const PlanAggregate *agg = plan_aggregate(node);
    for (size_t i = 0; i < agg->call_count; i++) {
        strbuf_addf(out, "%s%s(", i ? ", " : "", agg->calls[i].function->name);
        for (size_t arg = 0; arg < agg->calls[i].arg_count; arg++) {
            strbuf_adds(out, arg ? ", " : "");
            expr_print(agg->calls[i].args[arg], node->inputs[0]->schema, out);
        }
        strbuf_addc(out, ')');
    }
}

static void print(const PlanNode *node, StrBuf *out)
{
    const PlanAggregate *agg = plan_aggregate(node);
    strbuf_adds(out, " | Aggregates: ");
    print_calls(node, out);
    if (agg->window.kind != WINDOWED_NO)
        strbuf_addf(
            out, " | Window: size %lld ms, advance %lld ms, gap %lld ms, grace %lld ms, retention %lld ms%s",
            (long long)agg->window.size_ms, (long long)agg->advance_ms, (long long)agg->gap_ms,
            (long long)agg->grace_ms, (long long)agg->retention_ms, agg->emit_final ? ", EMIT FINAL" : "");
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanAggregate *agg = plan_aggregate(node);
    want_keys(wants);
    for (size_t i = 0; i < agg->call_count; i++)
        want_exprs(wants, agg->calls[i].args, agg->calls[i].arg_count);
}

static Status check_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (plan_aggregate(next)->over_table || next->window.kind != WINDOWED_NO)
        return refuse_any_upgrade(old, next, err);
    StrBuf was = {0}, is = {0};
    print_calls(old, &was);
    print_calls(next, &is);
    Status status = OK;
    if (!str_equal(strbuf_str(&was), strbuf_str(&is)))
        status =
            refuse_upgrade(next, "columns not part of aggregate", strbuf_str(&was), strbuf_str(&is), err);
    strbuf_clear(&was);
    strbuf_clear(&is);
    return status;
}

static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const PlanAggregate *agg    = plan_aggregate(node);
    Column              *states = ARENA_ARRAY(arena, Column, agg->call_count);
    for (size_t i = 0; i < agg->call_count; i++)
        states[i] = (Column){str_printf(arena, "KSQL_AGG_STATE_%zu", i), agg->calls[i].call->state_type,
                             COLUMN_VALUE, STR_NULL};
    out->states      = states;
    out->state_count = agg->call_count;
    /* EMIT FINAL finds closed sessions however far time has jumped (runtime.md 2.6); it removes them itself.
     */
    if (agg->emit_final && agg->window.kind == WINDOWED_SESSION)
        out->retention_ms = -1;
}

const NodeClass node_aggregate = {.name          = "AGGREGATE",
                                  .step_name     = step_name,
                                  .print         = print,
                                  .want          = want,
                                  .check_upgrade = check_upgrade,
                                  .shape_store   = shape_store};
