/*
 * node_join.c - see node_join.h.
 */
#include "planner/nodes/node_subscribe.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node)
{
    static const char *const names[] = {
        [PLAN_JOIN_STREAM_STREAM] = "StreamStreamJoin",
        [PLAN_JOIN_STREAM_TABLE]  = "StreamTableJoin",
        [PLAN_JOIN_TABLE_TABLE]   = "TableTableJoin",
        [PLAN_JOIN_FOREIGN_KEY]   = "ForeignKeyTableTableJoin",
    };
    return names[plan_join(node)->kind];
}

/* The key is made of both keys, so these are always read. */
static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    const PlanJoin *join  = plan_join(node);
    const int      *slots = input == 0 ? join->left_slots : join->right_slots;
    size_t          keys  = node->schema->key_count;
    for (size_t i = keys; i < node->schema->count; i++)
        if (slots[i - keys] >= 0)
            want_shared(wants, (size_t)slots[i - keys], of_node, i);
    want_keys(wants);
    if (join->kind != PLAN_JOIN_FOREIGN_KEY)
        return;
    if (input == 0) {
        want_exprs(wants, &join->foreign_key, 1);
        want_column(wants, (size_t)join->version_slot);
    } else {
        for (size_t i = 0; i < keys + SUBSCRIBE_COLUMNS; i++)
            want_column(wants, i);
    }
}

int plan_join_pending_store(const PlanJoin *join, int side)
{
    if (!join->has_grace || !plan_join_preserves(join, side))
        return -1;
    return side == 0 || join->type == PLAN_RIGHT ? 2 : 3;
}

/* A buffer has whole rows of its side, and their window. */
static void shape_store(const PlanNode *node, size_t index, Arena *arena, StoreShape *out)
{
    const PlanJoin *join = plan_join(node);
    if (join->kind != PLAN_JOIN_STREAM_STREAM) { /* the result of a foreign-key join */
        out->value_count = node->schema->count - node->schema->key_count;
        return;
    }
    int           side   = index < 2 ? (int)index : (int)index != plan_join_pending_store(join, 0);
    const Schema *schema = node->inputs[side]->schema;
    out->kind            = SHAPE_BUFFER;
    out->keys            = schema->columns;
    out->key_count       = schema->key_count;
    out->values          = schema->columns + schema->key_count;
    out->value_count     = schema->count - schema->key_count;
    if (node->window.kind == WINDOWED_NO)
        return;
    Column *window   = ARENA_ARRAY(arena, Column, 2);
    window[0]        = (Column){STR_LIT("START"), &type_bigint, COLUMN_VALUE, STR_NULL};
    window[1]        = (Column){STR_LIT("END"), &type_bigint, COLUMN_VALUE, STR_NULL};
    out->states      = window;
    out->state_count = 2;
}

/* ---- document ---- */

static const char *const kind_names[] = {[PLAN_JOIN_STREAM_STREAM] = "STREAM_STREAM",
                                         [PLAN_JOIN_STREAM_TABLE]  = "STREAM_TABLE",
                                         [PLAN_JOIN_TABLE_TABLE]   = "TABLE_TABLE",
                                         [PLAN_JOIN_FOREIGN_KEY]   = "FOREIGN_KEY"};
static const char *const type_names[] = {
    [PLAN_INNER] = "INNER", [PLAN_LEFT] = "LEFT", [PLAN_RIGHT] = "RIGHT", [PLAN_FULL] = "FULL"};

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanJoin *join  = plan_join(node);
    size_t          count = node->schema->count - node->schema->key_count;
    doc_put(json, "kind", json_string_nocheck(kind_names[join->kind]));
    doc_put(json, "type", json_string_nocheck(type_names[join->type]));
    doc_put_slots(json, "leftSlots", join->left_slots, count);
    doc_put_slots(json, "rightSlots", join->right_slots, count);
    doc_put(json, "beforeMs", json_integer(join->before_ms));
    doc_put(json, "afterMs", json_integer(join->after_ms));
    doc_put(json, "graceMs", json_integer(join->grace_ms));
    doc_put(json, "hasGrace", json_boolean(join->has_grace));
    doc_put(json, "foreignKey", doc_json_expr(join->foreign_key));
    if (join->kind == PLAN_JOIN_FOREIGN_KEY)
        doc_put(json, "versionSlot", json_integer(join->version_slot));
}

static const int *read_slots(DocReader *r, const PlanNode *node, size_t input, const DocNode *json,
                             const char *name)
{
    const Schema *schema = node->schema, *from = node->inputs[input]->schema;
    size_t        keys  = schema->key_count;
    const int    *slots = doc_slots(r, json, name, schema->count - keys, -1, (int)from->count - 1);
    for (size_t i = keys; doc_ok(r) && i < schema->count; i++)
        if (slots[i - keys] >= 0)
            doc_same_columns(r, schema, i, from, (size_t)slots[i - keys], 1);
    return slots;
}

static void check_stores(DocReader *r, const PlanNode *node, const PlanJoin *join)
{
    size_t stores = 2 + (plan_join_pending_store(join, 0) >= 0) + (plan_join_pending_store(join, 1) >= 0);
    if (join->kind == PLAN_JOIN_STREAM_STREAM && node->store_count != stores)
        doc_fail(r, "a join of streams keeps %zu stores, not %zu", stores, node->store_count);
    if (node->inputs[1]->schema->key_count < node->schema->key_count && join->kind != PLAN_JOIN_FOREIGN_KEY)
        doc_fail(r, "the right side lacks the key");
}

/* Its right input gives answers, and it keeps its result. */
static void read_foreign(DocReader *r, const PlanNode *node, const DocNode *json, PlanJoin *join)
{
    const Schema *table = node->inputs[0]->schema;
    join->version_slot  = (int)doc_int(r, json, "versionSlot", 0, (int64_t)table->count - 1);
    doc_is_column(r, table, (size_t)join->version_slot, T_BIGINT);
    subscribe_check_answers(r, node->inputs[1]->schema, table);
    if (doc_ok(r) && (join->foreign_key == NULL || node->store_count != 1))
        doc_fail(r, "a foreign-key join has a foreign key, and keeps its result");
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    PlanJoin *join    = ARENA_NEW(r->arena, PlanJoin);
    join->kind        = (PlanJoinKind)doc_choice(r, json, "kind", kind_names, ARRAY_LEN(kind_names));
    join->type        = (PlanJoinType)doc_choice(r, json, "type", type_names, ARRAY_LEN(type_names));
    join->left_slots  = read_slots(r, node, 0, json, "leftSlots");
    join->right_slots = read_slots(r, node, 1, json, "rightSlots");
    join->before_ms   = doc_int(r, json, "beforeMs", 0, INT64_MAX);
    join->after_ms    = doc_int(r, json, "afterMs", 0, INT64_MAX);
    join->grace_ms    = doc_int(r, json, "graceMs", 0, INT64_MAX);
    join->has_grace   = doc_bool(r, json, "hasGrace");
    join->foreign_key = doc_expr_or_null(r, json, "foreignKey", node->inputs[0]->schema, NULL);
    doc_same_columns(r, node->schema, 0, node->inputs[0]->schema, 0, node->schema->key_count);
    if (doc_ok(r) && join->kind == PLAN_JOIN_FOREIGN_KEY)
        read_foreign(r, node, json, join);
    if (doc_ok(r))
        check_stores(r, node, join);
    return join;
}

const NodeClass node_join = {.name          = "JOIN",
                             .least_inputs  = 2,
                             .most_inputs   = 2,
                             .write         = write_details,
                             .read          = read_details,
                             .step_name     = step_name,
                             .want          = want,
                             .check_upgrade = refuse_any_upgrade,
                             .shape_store   = shape_store};
