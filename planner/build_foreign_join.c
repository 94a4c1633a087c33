/*
 * build_foreign_join.c - the nodes below a foreign-key join: subscriptions, and answers (node_subscribe.h).
 *
 * The left table is read twice, by SUBSCRIBE and by the join, and the way from one to the other leads through
 * two topics: to where the right rows are, and back to where the left ones are. So the plan is a graph, and
 * one of its sub-topologies both writes the first topic and reads the second.
 */
#include "planner/join_rules.h"
#include "planner/nodes/node_respond.h"

/* The left source gives the offsets of its records, too, if it does not already. They are what versions of
 * its rows are told apart by. */
static int add_version(Builder *b, PlanNode *left)
{
    const Schema *schema  = left->schema;
    Column       *columns = ARENA_ARRAY(b->arena, Column, schema->count + 1);
    memcpy(columns, schema->columns, schema->count * sizeof *columns);
    columns[schema->count] =
        (Column){STR_LIT(FOREIGN_JOIN_VERSION), &type_bigint, COLUMN_ROWOFFSET, STR_NULL};
    for (size_t i = 0; i < schema->count; i++)
        if (schema->columns[i].role == COLUMN_ROWOFFSET)
            return (int)i;
    left->schema = schema_new(b->arena, columns, schema->count + 1);
    return schema_find(left->schema, STR_LIT(FOREIGN_JOIN_VERSION));
}

static PlanNode *subscribe(Builder *b, PlanNode *left, const PlanNode *right, const PlanSubscribe *details)
{
    PlanNode     *node    = builder_node(b, &node_subscribe, "ForeignKeySubscribe", left, NULL);
    const Schema *schema  = left->schema;
    Column       *columns = ARENA_ARRAY(b->arena, Column, 1 + schema->key_count + SUBSCRIBE_COLUMNS);
    size_t        count   = 0;
    columns[count++] =
        (Column){STR_LIT("KSQL_FOREIGN_KEY"), details->foreign_key->type, COLUMN_KEY, STR_NULL};
    for (size_t i = 0; i < schema->key_count; i++) {
        columns[count]        = schema->columns[i];
        columns[count++].role = COLUMN_VALUE;
    }
    /* The partition travels with the message: the left topic may be another program's, partitioned by bytes
     * or a rule that a hash of our key would not give again. */
    columns[count++] = (Column){STR_LIT("KSQL_VERSION"), &type_bigint, COLUMN_VALUE, STR_NULL};
    columns[count++] = (Column){STR_LIT("KSQL_PARTITION"), &type_integer, COLUMN_VALUE, STR_NULL};
    columns[count++] = (Column){STR_LIT("KSQL_ACTION"), &type_integer, COLUMN_VALUE, STR_NULL};
    node->schema     = schema_new(b->arena, columns, count);
    node->is_table   = false;
    node->key_format = right->key_format;
    node->details    = details;
    return build_exchange(b, node, "ForeignKeyJoin-subscriptions", -1);
}

static PlanNode *respond(Builder *b, PlanNode *messages, PlanNode *right, const PlanNode *left)
{
    PlanNode     *node = builder_node(b, &node_respond, "ForeignKeyRespond", messages, right);
    const Schema *keys = left->schema, *from = right->schema;
    Column       *columns = ARENA_ARRAY(b->arena, Column, keys->key_count + SUBSCRIBE_COLUMNS + from->count);
    size_t        count   = 0;
    for (size_t i = 0; i < keys->key_count; i++)
        columns[count++] = keys->columns[i];
    columns[count++] = (Column){STR_LIT("KSQL_VERSION"), &type_bigint, COLUMN_VALUE, STR_NULL};
    columns[count++] = (Column){STR_LIT("KSQL_PARTITION"), &type_integer, COLUMN_VALUE, STR_NULL};
    columns[count++] = (Column){STR_LIT("KSQL_FOUND"), &type_boolean, COLUMN_VALUE, STR_NULL};
    for (size_t i = 0; i < from->count; i++) {
        columns[count]        = from->columns[i];
        columns[count++].role = COLUMN_VALUE;
    }
    node->schema     = schema_new(b->arena, columns, count);
    node->key_format = left->key_format;
    if (format_facts(left->key_format.format)->registry)
        node->key_format = (FormatSpec){.format = format_any_key()};
    builder_store(b, node, str_printf(b->arena, STR_FMT ".ForeignKeyJoin-subscribers", STR_ARG(b->query_id)),
                  -1);
    return build_exchange(b, node, "ForeignKeyJoin-responses", (int)(keys->key_count + SUBSCRIBE_PARTITION));
}

PlanNode *build_foreign_join(Builder *b, PlanNode *left, PlanNode *right, const Expr *foreign_key,
                             PlanJoinType type, int *version_slot)
{
    PlanSubscribe *details = ARENA_NEW(b->arena, PlanSubscribe);
    *version_slot          = add_version(b, left);
    *details               = (PlanSubscribe){type, foreign_key, *version_slot};
    return respond(b, subscribe(b, left, right, details), right, left);
}
