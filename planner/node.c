/*
 * node.c - what the classes of nodes share: see node.h.
 */
#include "planner/node.h"

StoreShape node_store_shape(const PlanNode *node, size_t index, Arena *arena)
{
    const Schema *schema = node->schema;
    StoreShape    shape  = {.keys         = schema->columns,
                            .key_count    = schema->key_count,
                            .values       = schema->columns + schema->key_count,
                            .value_count  = schema->value_count,
                            .retention_ms = node->stores[index].retention_ms};
    assert(index < node->store_count);
    if (node->class->shape_store != NULL)
        node->class->shape_store(node, index, arena, &shape);
    return shape;
}

void plan_visit(const QueryPlan *plan, void (*visit)(void *context, const PlanNode *node), void *context)
{
    for (size_t i = 0; i < plan->node_count; i++)
        visit(context, plan->nodes[i]);
}

void print_node_exprs(const char *label, const Expr *const *exprs, size_t count, const Schema *schema,
                      StrBuf *out)
{
    strbuf_addf(out, " | %s: ", label);
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? ", " : "");
        expr_print(exprs[i], schema, out);
    }
}

Status refuse_upgrade(const PlanNode *node, const char *property, Str was, Str is, Error *err)
{
    return error_set(
        err, E_PLAN, NO_POS,
        "Query is not upgradeable. Plan step of type %s must have matching %s. Values differ: " STR_FMT
        " vs. " STR_FMT,
        node->class->step_name(node), property, STR_ARG(was), STR_ARG(is));
}

Status refuse_any_upgrade(const PlanNode *old, const PlanNode *next, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "Upgrades not yet supported for %s", next->class->step_name(next));
}
