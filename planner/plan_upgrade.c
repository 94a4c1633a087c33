/*
 * plan_upgrade.c - may a new version of a query go on from the old one's positions and state (sql.md 5.11,
 * runtime.md 6.5)?
 *
 * Steps that keep nothing (WHERE and SELECT) may come, go and change. What is left must correspond one to
 * one. Steps whose stored state depends on more than their own properties are never upgradeable, unless
 * nothing about them changed.
 */
#include "planner/query_build.h"

typedef struct {
    const PlanNode *items[64];
    size_t          count;
} Steps;

static void gather(void *context, const PlanNode *node)
{
    Steps *steps   = context;
    bool   passive = node->kind == PLAN_FILTER || node->kind == PLAN_PROJECT;
    if (!passive && steps->count < ARRAY_LEN(steps->items))
        steps->items[steps->count++] = node;
}

/* ksqlDB's names of steps, which its messages print. */
static const char *step_name(const PlanNode *node)
{
    switch (node->kind) {
    case PLAN_SOURCE:
        if (node->window.kind != WINDOWED_NO)
            return node->is_table ? "WindowedTableSource" : "WindowedStreamSource";
        return node->is_table ? "TableSource" : "StreamSource";
    case PLAN_FLATTEN:
        return "StreamFlatMap";
    case PLAN_REKEY:
        return node->u.rekey.drop_null ? (node->is_table ? "TableGroupBy" : "StreamGroupBy")
                                       : "StreamSelectKey";
    case PLAN_AGGREGATE:
        if (node->u.aggregate.over_table)
            return "TableAggregate";
        return node->window.kind == WINDOWED_NO ? "StreamAggregate" : "StreamWindowedAggregate";
    case PLAN_JOIN:
        switch (node->u.join.kind) {
        case PLAN_JOIN_STREAM_STREAM:
            return "StreamStreamJoin";
        case PLAN_JOIN_STREAM_TABLE:
            return "StreamTableJoin";
        case PLAN_JOIN_TABLE_TABLE:
            return "TableTableJoin";
        default:
            return "ForeignKeyTableTableJoin";
        }
    default:
        return node->is_table ? "TableSink" : "StreamSink";
    }
}

static Status refuse(const PlanNode *node, const char *property, Str was, Str is, Error *err)
{
    return error_set(
        err, E_PLAN, NO_POS,
        "Query is not upgradeable. Plan step of type %s must have matching %s. Values differ: " STR_FMT
        " vs. " STR_FMT,
        step_name(node), property, STR_ARG(was), STR_ARG(is));
}

static Status compare_source(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (!str_equal(old->u.source.topic, next->u.source.topic))
        return refuse(next, "topicName", old->u.source.topic, next->u.source.topic, err);
    if (old->key_format.format != next->key_format.format ||
        old->u.source.value_format.format != next->u.source.value_format.format)
        return refuse(next, "formats", str_c(format_name(old->u.source.value_format.format)),
                      str_c(format_name(next->u.source.value_format.format)), err);
    return OK;
}

static Str keys_text(const PlanNode *node, StrBuf *buf)
{
    for (size_t i = 0; i < node->u.rekey.key_count; i++) {
        strbuf_adds(buf, i ? ", " : "");
        expr_print(node->u.rekey.keys[i], node->inputs[0]->schema, buf);
    }
    return strbuf_str(buf);
}

static Status compare_rekey(const PlanNode *old, const PlanNode *next, Error *err)
{
    StrBuf was = {0}, is = {0};
    Str    a = keys_text(old, &was), b = keys_text(next, &is);
    Status status = OK;
    if (!str_equal(a, b))
        status = refuse(next, next->u.rekey.drop_null ? "groupByExpressions" : "keyExpression", a, b, err);
    strbuf_clear(&was);
    strbuf_clear(&is);
    return status;
}

static Str calls_text(const PlanNode *node, StrBuf *buf)
{
    const PlanAggregate *agg = &node->u.aggregate;
    for (size_t i = 0; i < agg->call_count; i++) {
        strbuf_addf(buf, "%s%s(", i ? ", " : "", agg->calls[i].function->name);
        for (size_t arg = 0; arg < agg->calls[i].arg_count; arg++) {
            strbuf_adds(buf, arg ? ", " : "");
            expr_print(agg->calls[i].args[arg], node->inputs[0]->schema, buf);
        }
        strbuf_addc(buf, ')');
    }
    return strbuf_str(buf);
}

static Status compare_aggregate(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (next->u.aggregate.over_table || next->window.kind != WINDOWED_NO)
        return error_set(err, E_PLAN, NO_POS, "Upgrades not yet supported for %s", step_name(next));
    StrBuf was = {0}, is = {0};
    Str    a = calls_text(old, &was), b = calls_text(next, &is);
    Status status = OK;
    if (!str_equal(a, b))
        status = refuse(next, "columns not part of aggregate", a, b, err);
    strbuf_clear(&was);
    strbuf_clear(&is);
    return status;
}

static Status compare_steps(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (old->kind != next->kind) {
        if (next->kind == PLAN_JOIN)
            return error_set(err, E_PLAN, NO_POS,
                             "Query is not upgradeable. Cannot change a non-join source into a join source.");
        return refuse(next, "type", str_c(step_name(old)), str_c(step_name(next)), err);
    }
    switch (next->kind) {
    case PLAN_SOURCE:
        if (next->window.kind != WINDOWED_NO)
            return error_set(err, E_PLAN, NO_POS, "Upgrades not yet supported for %s", step_name(next));
        return compare_source(old, next, err);
    case PLAN_REKEY:
        return compare_rekey(old, next, err);
    case PLAN_AGGREGATE:
        return compare_aggregate(old, next, err);
    case PLAN_JOIN:
    case PLAN_FLATTEN:
        return error_set(err, E_PLAN, NO_POS, "Upgrades not yet supported for %s", step_name(next));
    default:
        return OK;
    }
}

Status plan_check_upgrade(const QueryPlan *old_plan, const QueryPlan *new_plan, Error *err)
{
    Steps old = {.count = 0}, next = {.count = 0};
    plan_visit(old_plan->root, gather, &old);
    plan_visit(new_plan->root, gather, &next);
    for (size_t i = 0; i < old.count && i < next.count; i++)
        TRY(compare_steps(old.items[i], next.items[i], err));
    if (old.count == next.count)
        return OK;
    for (size_t i = 0; i < next.count; i++)
        if (next.items[i]->kind == PLAN_JOIN)
            return error_set(err, E_PLAN, NO_POS,
                             "Query is not upgradeable. Cannot change a non-join source into a join source.");
    return error_set(
        err, E_PLAN, NO_POS,
        "Query is not upgradeable. The old plan has %zu steps that keep state or order, the new one %zu",
        old.count, next.count);
}
