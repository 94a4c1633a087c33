/*
 * node_aggregate.c - see node_aggregate.h.
 *
 * Its store shows people the select list's columns; behind them stand the states of the aggregate functions.
 */
#include "planner/document/doc.h"
#include "planner/nodes/node_partial.h"

static const char *step_name(const PlanNode *node)
{
    if (plan_aggregate(node)->over_table)
        return "TableAggregate";
    return node->window.kind == WINDOWED_NO ? "StreamAggregate" : "StreamWindowedAggregate";
}

static void print_call(const PlanAggregateCall *item, const Schema *from, StrBuf *out)
{
    strbuf_addf(out, "%s(", item->function->name);
    for (size_t arg = 0; arg < item->arg_count; arg++) {
        strbuf_adds(out, arg ? ", " : "");
        expr_print(item->args[arg], from, out);
    }
    for (size_t i = 0; i < item->call->constant_count; i++) {
        strbuf_adds(out, i + item->arg_count ? ", " : "");
        value_print(item->call->constant_types[i], item->call->constants[i], out);
    }
    strbuf_addc(out, ')');
}

void aggregate_calls_print(const PlanAggregateCall *calls, size_t count, const Schema *from, StrBuf *out)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? ", " : "");
        print_call(&calls[i], from, out);
    }
}

/* What the arguments are of, whether they are evaluated here or below. */
static const Schema *rows_schema(const PlanNode *node)
{
    const PlanNode *partial = partial_of(node);
    return (partial != NULL ? partial : node)->inputs[0]->schema;
}

/* Constants, too: what TOPK(a, 3) has kept is not what TOPK(a, 5) would have. */
static void print_calls(const PlanNode *node, StrBuf *out)
{
    const PlanAggregate *agg = plan_aggregate(node);
    aggregate_calls_print(agg->calls, agg->call_count, rows_schema(node), out);
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
    if (partial_of(node) != NULL) {
        for (size_t i = 0; i < agg->call_count; i++)
            want_column(wants, wants->schema->key_count + i);
        return;
    }
    for (size_t i = 0; i < agg->call_count; i++)
        want_exprs(wants, agg->calls[i].args, agg->calls[i].arg_count);
}

/* A replaced query goes on from its state, and nothing is computed again: ksqlDB allows it for unwindowed
 * streams only (sql.md 5.11). */
static bool upgrades(const PlanNode *node)
{
    return !plan_aggregate(node)->over_table && node->window.kind == WINDOWED_NO;
}

/* Of one name there may have been two functions, one after the other (CREATE OR REPLACE FUNCTION). */
static void print_states(const PlanNode *node, StrBuf *out)
{
    const PlanAggregate *agg = plan_aggregate(node);
    for (size_t i = 0; i < agg->call_count; i++) {
        strbuf_adds(out, i ? ", " : "");
        type_print(agg->calls[i].call->state_type, out);
    }
}

static Status compare_prints(void (*prints)(const PlanNode *node, StrBuf *out), const char *property,
                             const PlanNode *old, const PlanNode *next, Error *err)
{
    StrBuf was = {0}, is = {0};
    prints(old, &was);
    prints(next, &is);
    Status status = str_equal(strbuf_str(&was), strbuf_str(&is))
                        ? OK
                        : refuse_upgrade(next, property, strbuf_str(&was), strbuf_str(&is), err);
    strbuf_clear(&was);
    strbuf_clear(&is);
    return status;
}

/* Neither from nor to a window: rows of the one kind of store are no rows of the other. */
static Status check_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    if (!upgrades(old) || !upgrades(next))
        return refuse_any_upgrade(old, upgrades(next) ? old : next, err);
    TRY(compare_prints(print_calls, "columns not part of aggregate", old, next, err));
    return compare_prints(print_states, "types of the aggregates' states", old, next, err);
}

void aggregate_state_columns(const PlanAggregateCall *calls, size_t count, Arena *arena, Column *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (Column){str_printf(arena, "KSQL_AGG_STATE_%zu", i), calls[i].call->state_type, COLUMN_VALUE,
                          STR_NULL};
}

static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const PlanAggregate *agg    = plan_aggregate(node);
    Column              *states = ARENA_ARRAY(arena, Column, agg->call_count);
    aggregate_state_columns(agg->calls, agg->call_count, arena, states);
    out->states      = states;
    out->state_count = agg->call_count;
    /* EMIT FINAL finds closed sessions however far time has jumped (runtime.md 2.6); it removes them itself.
     */
    if (agg->emit_final && agg->window.kind == WINDOWED_SESSION)
        out->retention_ms = -1;
}

/* ---- document ---- */

static json_t *json_constants(const AggregateCall *call)
{
    json_t *array = json_array();
    for (size_t i = 0; i < call->constant_count; i++)
        json_array_append_new(array, doc_json_value(call->constant_types[i], call->constants[i]));
    return array;
}

static json_t *json_call(const PlanAggregateCall *call)
{
    json_t *json = json_object();
    doc_put(json, "function", doc_json_function(call->function));
    doc_put(json, "args", doc_json_exprs(call->args, call->arg_count));
    doc_put(json, "constants", json_constants(call->call));
    doc_put(json, "state", doc_json_type(call->call->state_type));
    doc_put(json, "result", doc_json_type(call->call->result_type));
    return json;
}

json_t *doc_json_aggregate_calls(const PlanAggregateCall *calls, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_call(&calls[i]));
    return array;
}

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanAggregate *agg = plan_aggregate(node);
    doc_put(json, "overTable", json_boolean(agg->over_table));
    doc_put(json, "calls", doc_json_aggregate_calls(agg->calls, agg->call_count));
    doc_put(json, "window", doc_json_window(agg->window));
    doc_put(json, "advanceMs", json_integer(agg->advance_ms));
    doc_put(json, "gapMs", json_integer(agg->gap_ms));
    doc_put(json, "graceMs", json_integer(agg->grace_ms));
    doc_put(json, "retentionMs", json_integer(agg->retention_ms));
    doc_put(json, "emitFinal", json_boolean(agg->emit_final));
    doc_put(json, "inner", doc_json_schema(agg->inner));
    doc_put(json, "having", doc_json_expr(agg->having));
    doc_put(json, "values", doc_json_exprs(agg->values, node->schema->value_count));
}

static const Value *read_constants(DocReader *r, const FnResolved *function, const DocNode *json)
{
    size_t         count;
    const DocNode *array     = doc_array(r, json, "constants", &count);
    Value         *constants = ARENA_ARRAY(r->arena, Value, count + 1);
    if (doc_ok(r) && count != function->constant_count)
        doc_fail(r, "%s takes %zu constants, not %zu", function->name, function->constant_count, count);
    for (size_t i = 0; doc_ok(r) && i < count; i++)
        constants[i] =
            doc_value_of(r, doc_item(array, i), function->param_types[function->count - count + i]);
    return constants;
}

/* The state on disk was made by what the function was then. */
static void check_types(DocReader *r, const PlanAggregateCall *call, const DocNode *json)
{
    const SqlType *state = doc_type(r, json, "state"), *result = doc_type(r, json, "result");
    if (doc_ok(r) &&
        (!type_equal(state, call->call->state_type) || !type_equal(result, call->call->result_type)))
        doc_fail(r,
                 "this version of %s keeps another state or gives another type than the one that made the "
                 "query: drop the query and create it again",
                 call->function->name);
    for (size_t i = 0; doc_ok(r) && i < call->arg_count; i++)
        if (call->args[i]->type->kind != T_NULL &&
            !doc_type_fits(call->args[i]->type, call->function->param_types[i]))
            doc_fail(r, "argument %zu of %s is of another type than it takes", i + 1, call->function->name);
}

static void read_call(DocReader *r, const DocNode *json, const Schema *from, PlanAggregateCall *out)
{
    AggregateCall *call = NULL;
    Error          why;
    out->args     = doc_exprs(r, json, "args", from, &out->arg_count);
    out->function = doc_function(r, json, "function", FN_AGGREGATE, out->args, out->arg_count);
    if (!doc_ok(r))
        return;
    const Value *constants = read_constants(r, out->function, json);
    if (doc_ok(r) && out->arg_count + out->function->constant_count != out->function->count)
        doc_fail(r, "%s takes %zu arguments", out->function->name, out->function->count);
    if (doc_ok(r) && aggregate_bind(out->function, out->function->param_types, constants, r->config, r->arena,
                                    &call, &why) != OK)
        doc_fail(r, "%s", why.message);
    if (!doc_ok(r))
        return;
    call->config = NULL; /* what bind wanted of it is in the call */
    out->call    = call;
    check_types(r, out, json);
}

static void check_inner(DocReader *r, const PlanNode *node, const PlanAggregate *agg)
{
    const Schema *inner = agg->inner, *from = node->inputs[0]->schema;
    doc_same_columns(r, inner, 0, from, 0, from->key_count);
    doc_same_columns(r, node->schema, 0, from, 0, from->key_count);
    if (doc_ok(r) && (inner->key_count != from->key_count || inner->value_count != agg->call_count ||
                      node->schema->key_count != from->key_count ||
                      node->schema->count != node->schema->key_count + node->schema->value_count))
        doc_fail(r, "the columns of an aggregation are not its keys and calls");
    for (size_t i = 0; doc_ok(r) && i < agg->call_count; i++)
        if (!doc_type_fits(inner->columns[inner->key_count + i].type, agg->calls[i].call->result_type))
            doc_fail(r, "the column of call %zu is not of its type", i);
    if (doc_ok(r) && agg->window.kind != WINDOWED_NO && agg->window.kind != WINDOWED_SESSION &&
        (agg->advance_ms <= 0 || agg->advance_ms > agg->window.size_ms))
        doc_fail(r, "a window's advance must be between 1 and its size");
    if (doc_ok(r) && (node->store_count == 0 || node->window.kind != agg->window.kind ||
                      node->window.size_ms != agg->window.size_ms))
        doc_fail(r, "an aggregation must keep a store, by its window");
}

const PlanAggregateCall *doc_aggregate_calls(DocReader *r, const DocNode *json, const Schema *from,
                                             size_t *count)
{
    const DocNode     *array = doc_array(r, json, "calls", count);
    PlanAggregateCall *calls = ARENA_ARRAY(r->arena, PlanAggregateCall, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++)
        read_call(r, doc_item(array, i), from, &calls[i]);
    return calls;
}

/* States are merged as they come: they must be this node's. */
static void check_partial(DocReader *r, const PlanNode *node, const PlanAggregate *agg)
{
    const PlanNode    *below = partial_of(node);
    const PlanPartial *partial;
    if (!doc_ok(r) || below == NULL)
        return;
    partial = plan_partial(below);
    if (agg->over_table || partial->call_count != agg->call_count)
        doc_fail(r, "its partial results are not of its calls");
    for (size_t i = 0; doc_ok(r) && i < agg->call_count; i++)
        if (!type_equal(partial->calls[i].call->state_type, agg->calls[i].call->state_type) ||
            agg->calls[i].function->aggregate->merge == NULL)
            doc_fail(r, "the partial result of call %zu is not of its state's type", i);
}

/* What the planner checked is checked again: functions may have been replaced since, and without undo the
 * first retraction would call NULL. */
static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanAggregate           *agg   = ARENA_NEW(r->arena, PlanAggregate);
    const PlanAggregateCall *calls = doc_aggregate_calls(r, json, rows_schema(node), &agg->call_count);
    agg->over_table                = doc_bool(r, json, "overTable");
    for (size_t i = 0; doc_ok(r) && agg->over_table && i < agg->call_count; i++)
        if (calls[i].function->aggregate->undo == NULL)
            doc_fail(r, "%s cannot aggregate a table", calls[i].function->name);
    agg->calls        = calls;
    agg->window       = doc_window(r, json, "window");
    agg->advance_ms   = doc_int(r, json, "advanceMs", 0, INT64_MAX);
    agg->gap_ms       = doc_int(r, json, "gapMs", 0, INT64_MAX);
    agg->grace_ms     = doc_int(r, json, "graceMs", 0, INT64_MAX);
    agg->retention_ms = doc_int(r, json, "retentionMs", 0, INT64_MAX);
    agg->emit_final   = doc_bool(r, json, "emitFinal");
    agg->inner        = doc_schema(r, json, "inner");
    agg->having       = doc_expr_or_null(r, json, "having", agg->inner, &type_boolean);
    agg->values       = doc_columns(r, json, "values", agg->inner, node->schema, node->schema->key_count,
                                    node->schema->value_count);
    for (size_t i = 0; doc_ok(r) && agg->window.kind == WINDOWED_SESSION && i < agg->call_count; i++)
        if (calls[i].function->aggregate->merge == NULL)
            doc_fail(r, "%s cannot aggregate sessions", calls[i].function->name);
    if (doc_ok(r))
        check_inner(r, node, agg);
    check_partial(r, node, agg);
    return agg;
}

const NodeClass node_aggregate = {.name          = "AGGREGATE",
                                  .least_inputs  = 1,
                                  .most_inputs   = 1,
                                  .write         = write_details,
                                  .read          = read_details,
                                  .step_name     = step_name,
                                  .print         = print,
                                  .want          = want,
                                  .check_upgrade = check_upgrade,
                                  .shape_store   = shape_store};
