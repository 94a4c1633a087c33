/*
 * node_subscribe.c - see node_subscribe.h.
 */
#include "planner/nodes/node_subscribe.h"

#include "planner/document/doc.h"

static const char *step_name(const PlanNode *node) { return "ForeignKeySubscribe"; }

static void print(const PlanNode *node, StrBuf *out)
{
    print_node_exprs("Refers by", &plan_subscribe(node)->foreign_key, 1, node->inputs[0]->schema, out);
}

static void want(const PlanNode *node, size_t input, const Wants *of_node, Wants *wants)
{
    want_keys(wants);
    want_exprs(wants, &plan_subscribe(node)->foreign_key, 1);
    want_column(wants, (size_t)plan_subscribe(node)->version_slot);
}

/* ---- document ---- */

static const char *const type_names[] = {[PLAN_INNER] = "INNER", [PLAN_LEFT] = "LEFT"};

static void write_details(const PlanNode *node, json_t *json)
{
    const PlanSubscribe *subscribe = plan_subscribe(node);
    doc_put(json, "type", json_string_nocheck(type_names[subscribe->type]));
    doc_put(json, "foreignKey", doc_json_expr(subscribe->foreign_key));
    doc_put(json, "versionSlot", json_integer(subscribe->version_slot));
}

/* The columns that say of which left row it is, from `slot` on. */
static void check_about(DocReader *r, const Schema *schema, size_t slot, SqlKind last)
{
    doc_is_column(r, schema, slot + SUBSCRIBE_VERSION, T_BIGINT);
    doc_is_column(r, schema, slot + SUBSCRIBE_PARTITION, T_INTEGER);
    doc_is_column(r, schema, slot + SUBSCRIBE_ACTION, last);
}

void subscribe_check_answers(DocReader *r, const Schema *answers, const Schema *table)
{
    if (answers->key_count != table->key_count)
        doc_fail(r, "the answers have %zu key columns, the table has %zu", answers->key_count,
                 table->key_count);
    if (doc_ok(r))
        doc_same_columns(r, answers, 0, table, 0, table->key_count);
    check_about(r, answers, table->key_count, T_BOOLEAN);
}

static const void *read_details(DocReader *r, const PlanNode *node, const DocNode *json)
{
    const Schema  *schema = node->schema, *table = node->inputs[0]->schema;
    PlanSubscribe *subscribe = ARENA_NEW(r->arena, PlanSubscribe);
    subscribe->type          = (PlanJoinType)doc_choice(r, json, "type", type_names, ARRAY_LEN(type_names));
    subscribe->foreign_key   = doc_expr(r, json, "foreignKey", table, NULL);
    subscribe->version_slot  = (int)doc_int(r, json, "versionSlot", 0, (int64_t)table->count - 1);
    doc_is_column(r, table, (size_t)subscribe->version_slot, T_BIGINT);
    if (schema->key_count != 1 || schema->count != 1 + table->key_count + SUBSCRIBE_COLUMNS)
        doc_fail(r, "%zu columns are no message", schema->count);
    if (doc_ok(r) && !doc_type_fits(schema->columns[0].type, subscribe->foreign_key->type))
        doc_fail(r, "the messages' key is not of the foreign key's type");
    if (doc_ok(r))
        doc_same_columns(r, schema, 1, table, 0, table->key_count);
    check_about(r, schema, 1 + table->key_count, T_INTEGER);
    return subscribe;
}

const NodeClass node_subscribe = {.name          = "SUBSCRIBE",
                                  .least_inputs  = 1,
                                  .most_inputs   = 1,
                                  .write         = write_details,
                                  .read          = read_details,
                                  .step_name     = step_name,
                                  .print         = print,
                                  .want          = want,
                                  .check_upgrade = refuse_any_upgrade};
