/*
 * build_nodes.c - sources, WHERE, PARTITION BY.
 */
#include "parser/parser.h"
#include "planner/nodes/node_exchange.h"
#include "planner/nodes/node_filter.h"
#include "planner/nodes/node_rekey.h"
#include "planner/nodes/node_source.h"
#include "planner/query_build.h"

/* ---- drafts ---- */

/* Nodes are kept by pointer: builders hold on to theirs while this array moves. A node stands behind its
 * inputs, which pruning, deriving and readers of documents rely on. */
static void add_node(Builder *b, PlanNode *node)
{
    if (b->node_count == b->node_capacity) {
        b->node_capacity = b->node_capacity ? b->node_capacity * 2 : 16;
        PlanNode **more  = ARENA_ARRAY(b->arena, PlanNode *, b->node_capacity);
        if (b->node_count > 0)
            memcpy(more, b->nodes, b->node_count * sizeof *more);
        b->nodes = more;
    }
    node->number              = (int)b->node_count;
    b->nodes[b->node_count++] = node;
}

PlanNode *builder_node(Builder *b, const NodeClass *class, const char *step, PlanNode *left, PlanNode *right)
{
    PlanNode        *node   = ARENA_NEW(b->arena, PlanNode);
    const PlanNode **inputs = ARENA_ARRAY(b->arena, const PlanNode *, 2);
    node->class             = class;
    node->step              = str_c(step);
    node->inputs            = inputs;
    if (left != NULL) {
        inputs[node->input_count++] = left;
        node->schema                = left->schema;
        node->is_table              = left->is_table;
        node->key_format            = left->key_format;
        node->window                = left->window;
    }
    if (right != NULL)
        inputs[node->input_count++] = right;
    add_node(b, node);
    return node;
}

/* The name goes into the plan and finds the state again after a restart, in later versions and after OR
 * REPLACE: a changed one means an empty store beside a full one. */
void builder_store(Builder *b, PlanNode *node, Str name, int64_t retention_ms)
{
    PlanStore *stores = ARENA_ARRAY(b->arena, PlanStore, node->store_count + 1);
    if (node->store_count > 0)
        memcpy(stores, node->stores, node->store_count * sizeof *stores);
    stores[node->store_count++] = (PlanStore){name, retention_ms, STORE_VERSION};
    node->stores                = stores;
}

Status check_item_type(const AstExpr *item, const Expr *typed, Error *err)
{
    if (typed->type->kind != T_NULL)
        return OK;
    return error_set(err, E_PLAN, item->pos,
                     "Can't infer a type of null. Please explicitly cast it to a required type, e.g. "
                     "CAST(null AS VARCHAR).");
}

Status builder_type(Builder *b, const char *context, const AstExpr *flat, const Schema *schema,
                    const Expr **out, Error *err)
{
    SchemaScope scope;
    schema_scope_init(&scope, schema);
    if (type_expression(&b->a->typer, flat, &scope.base, out, err) == OK)
        return OK;
    if (err->code == E_PLAN)
        error_prefix(err, "Invalid %s: ", context);
    return err->code;
}

/* ---- sources ---- */

static Column pseudo_column(Builder *b, size_t from, const char *name, ColumnRole role, const SqlType *type)
{
    return (Column){analysis_flat_name(b->a, from, str_c(name)), type, role, STR_NULL};
}

/* Pseudo columns only where the statement names one: rows carry every column of their schema, and those of
 * tables are stored with them. */
static const Schema *source_schema(Builder *b, size_t from)
{
    const Analysis *a        = b->a;
    const Source   *source   = a->from[from].source;
    const Schema   *schema   = source->schema;
    bool            windowed = source->window.kind != WINDOWED_NO;
    Column         *columns  = ARENA_ARRAY(b->arena, Column, schema->count + 5);
    size_t          count    = 0;
    for (size_t i = 0; i < schema->count; i++) {
        columns[count]        = schema->columns[i];
        columns[count++].name = analysis_flat_name(a, from, schema->columns[i].name);
    }
    if (a->uses_rowtime)
        columns[count++] = pseudo_column(b, from, "ROWTIME", COLUMN_ROWTIME, &type_bigint);
    if (a->uses_rowpartition)
        columns[count++] = pseudo_column(b, from, "ROWPARTITION", COLUMN_ROWPARTITION, &type_integer);
    if (a->uses_rowoffset)
        columns[count++] = pseudo_column(b, from, "ROWOFFSET", COLUMN_ROWOFFSET, &type_bigint);
    if (a->uses_windowstart && windowed)
        columns[count++] = pseudo_column(b, from, "WINDOWSTART", COLUMN_WINDOWSTART, &type_bigint);
    if (a->uses_windowend && windowed)
        columns[count++] = pseudo_column(b, from, "WINDOWEND", COLUMN_WINDOWEND, &type_bigint);
    return schema_new(b->arena, columns, count);
}

/* The plan outlives the catalog's source, which may be altered or dropped; `declared` has the columns under
 * the names that records know, which joins have prefixed in the node's schema. */
static void copy_source(Arena *arena, const Source *source, PlanSource *out)
{
    out->source_name  = str_dup(arena, source->name);
    out->topic        = str_dup(arena, source->topic);
    out->partitions   = source->partitions;
    out->value_format = source->value_format;
    out->timestamp_column =
        str_is_null(source->timestamp_column) ? STR_NULL : str_dup(arena, source->timestamp_column);
    out->timestamp_format =
        str_is_null(source->timestamp_format) ? STR_NULL : str_dup(arena, source->timestamp_format);
    out->timestamp_slot = -1;
    out->declared       = schema_copy(arena, source->schema);
}

/* CREATE SOURCE TABLE has no select list and names its table. */
static Str source_store_name(const Builder *b, size_t from)
{
    const Analysis *a = b->a;
    if (b->materialize)
        return a->from[from].source->name;
    if (!analysis_is_join(a))
        return str_printf(b->arena, STR_FMT ".KsqlTopic-Reduce", STR_ARG(b->query_id));
    return str_printf(b->arena, STR_FMT ".KafkaTopic_" STR_FMT "-Reduce", STR_ARG(b->query_id),
                      STR_ARG(a->from[from].alias));
}

Status build_source_node(Builder *b, size_t from, PlanNode **out, Error *err)
{
    const Analysis *a      = b->a;
    const Source   *source = a->from[from].source;
    if (!format_facts(source->value_format.format)->built || !format_facts(source->key_format.format)->built)
        return error_set(err, E_UNSUPPORTED, a->from[from].pos,
                         "Sluice cannot read the formats of " STR_FMT " yet (key %s, value %s)",
                         STR_ARG(source->name), format_name(source->key_format.format),
                         format_name(source->value_format.format));
    bool        join = analysis_is_join(a);
    const char *step =
        join ? str_to_c(b->arena, str_printf(b->arena, "SourceOf" STR_FMT, STR_ARG(a->from[from].alias)))
             : "KsqlTopic.Source";
    PlanNode   *node    = builder_node(b, &node_source, step, NULL, NULL);
    PlanSource *details = ARENA_NEW(b->arena, PlanSource);
    node->schema        = source_schema(b, from);
    node->is_table      = source->is_table;
    node->key_format    = source->key_format;
    node->window        = source->window;
    node->details       = details;
    copy_source(b->arena, source, details);
    details->partitions  = analysis_partitions(a, from); /* when the query is made, not the source */
    details->materialize = b->materialize;
    if (!str_is_null(source->timestamp_column))
        details->timestamp_slot =
            schema_find(node->schema, analysis_flat_name(a, from, source->timestamp_column));
    if (source->is_table)
        builder_store(b, node, source_store_name(b, from), -1);
    *out = node;
    return OK;
}

/* ---- WHERE ---- */

/* The typer is a copy: that a text may stand for a time holds in conditions, not in the select list. */
Status build_where(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    *out = input;
    if (b->a->where.flat == NULL)
        return OK;
    SchemaScope scope;
    Typer       typer      = b->a->typer;
    PlanNode   *node       = builder_node(b, &node_filter, "WhereFilter", input, NULL);
    PlanFilter *filter     = ARENA_NEW(b->arena, PlanFilter);
    node->details          = filter;
    typer.magic_timestamps = true;
    schema_scope_init(&scope, input->schema);
    TRY(type_condition(&typer, b->a->where.flat, &scope.base, "WHERE", &filter->condition, err));
    *out = node;
    return OK;
}

/* ---- re-keying ---- */

static bool format_holds(const FormatSpec *format, const Column *keys, size_t count)
{
    Error ignored;
    return serde_check(format, SIDE_KEY, keys, count, &ignored) == OK;
}

void rekey_format(const Planner *planner, const FormatSpec *from, const Column *keys, size_t count,
                  FormatSpec *out)
{
    *out = *from;
    if (count == 0) {
        *out = (FormatSpec){.format = format_keyless()};
        return;
    }
    if (out->format == NULL || out->format == format_keyless()) {
        Str name = planner->host->property(planner->host, "ksql.persistence.default.format.key");
        *out     = (FormatSpec){.format = str_is_null(name) ? format_default_key() : format_find(name)};
    }
    if (out->format == NULL || !format_holds(out, keys, count))
        *out = (FormatSpec){.format = format_any_key()};
}

/* Who reads what goes through here runs in another task, maybe elsewhere: a row must carry all that is
 * asked of it above. The suffix names a topic with rows under way, so it is as frozen as a store's name. */
PlanNode *build_exchange(Builder *b, PlanNode *input, const char *topic_suffix, int partition_slot)
{
    PlanNode     *node      = builder_node(b, &node_exchange, topic_suffix, input, NULL);
    PlanExchange *details   = ARENA_NEW(b->arena, PlanExchange);
    details->topic_suffix   = str_c(topic_suffix);
    details->partition_slot = partition_slot;
    node->details           = details;
    return node;
}

Status build_rekey(Builder *b, PlanNode *input, const RekeySpec *spec, PlanNode **out, Error *err)
{
    const Schema *from = input->schema;
    /* `drop_null` marks GROUP BY, which alone may lose the window of its rows: an aggregate makes keys of
     * its own. Joined or partitioned again, rows of different windows would fall together. */
    if (input->window.kind != WINDOWED_NO && !spec->drop_null)
        return error_set(err, E_PLAN, NO_POS,
                         "Implicit repartitioning of windowed sources is not supported. See "
                         "https://github.com/confluentinc/ksql/issues/4385.");
    PlanNode  *node    = builder_node(b, &node_rekey, spec->step, input, NULL);
    PlanRekey *rekey   = ARENA_NEW(b->arena, PlanRekey);
    Column    *columns = ARENA_ARRAY(b->arena, Column, spec->count + from->count);
    int       *slots   = ARENA_ARRAY(b->arena, int, from->count);
    size_t     count = 0, kept = 0;
    for (size_t i = 0; i < spec->count; i++)
        columns[count++] = (Column){spec->names[i], spec->keys[i]->type, COLUMN_KEY, STR_NULL};
    if (spec->key_format != NULL)
        node->key_format = *spec->key_format;
    else
        rekey_format(b->a->planner, &input->key_format, columns, spec->count, &node->key_format);
    /* Old keys come behind the values; everything kept is a plain value from here on. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < from->count; i++) {
            if (!spec->keep[i] || (i < from->key_count) != (pass == 1))
                continue;
            if (spec->moved != NULL)
                spec->moved[i] = (int)count;
            columns[count]        = from->columns[i];
            columns[count++].role = COLUMN_VALUE;
            slots[kept++]         = (int)i;
        }
    }
    node->schema  = schema_new(b->arena, columns, count);
    node->window  = (KeyWindow){WINDOWED_NO, 0};
    node->details = rekey;
    *rekey        = (PlanRekey){.keys          = spec->keys,
                                .key_count     = spec->count,
                                .drop_null     = spec->drop_null,
                                .drop_null_key = spec->drop_null_key,
                                .value_slots   = slots};
    *out          = node;
    if (spec->topic_suffix != NULL) {
        *out         = build_exchange(b, node, spec->topic_suffix, -1);
        (*out)->step = str_c(spec->step);
    }
    return OK;
}

static Status check_partition_by(Builder *b, PlanNode *input, Error *err)
{
    const Analysis *a = b->a;
    for (size_t i = 0; i < a->query->partition_count; i++) {
        const AstExpr *key  = a->partition_by[i].qualified;
        StrBuf         text = {0};
        ast_print_expr(key, &text);
        Status status = OK;
        if (key->kind == AST_NULL && a->query->partition_count > 1)
            status = error_set(err, E_PLAN, key->pos, "Cannot PARTITION BY multiple columns including NULL");
        else if (input->is_table)
            status = error_set(err, E_PLAN, key->pos,
                               "Cannot repartition a TABLE source. If this is a join, make sure that the "
                               "criteria uses the TABLE's key column " STR_FMT " instead of " STR_FMT,
                               STR_ARG(input->schema->columns[0].name), STR_ARG(strbuf_str(&text)));
        for (size_t j = 0; j < i && status == OK; j++)
            if (ast_expr_equal(key, a->partition_by[j].qualified))
                status = error_set(err, E_PLAN, key->pos, "Duplicate PARTITION BY expression: " STR_FMT,
                                   STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        TRY(status);
    }
    return OK;
}

Status build_partition_by(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    const Analysis *a = b->a;
    *out              = input;
    if (!a->query->has_partition_by)
        return OK;
    if (a->query->partition_count == 0)
        return error_set(err, E_PLAN, a->query->pos, "PARTITION BY requires at least one expression");
    TRY(check_partition_by(b, input, err));
    size_t       count = a->partition_by[0].flat->kind == AST_NULL ? 0 : a->query->partition_count;
    const Expr **keys  = ARENA_ARRAY(b->arena, const Expr *, count);
    Str         *names = ARENA_ARRAY(b->arena, Str, count);
    bool        *keep  = ARENA_ARRAY(b->arena, bool, input->schema->count);
    memset(keep, true, input->schema->count);
    for (size_t i = 0; i < count; i++) {
        const AstExpr *flat = a->partition_by[i].flat;
        TRY(builder_type(b, "SelectKey", flat, input->schema, &keys[i], err));
        names[i] = flat->kind == AST_COLUMN ? flat->name.text : a->generated_keys[i];
        if (keys[i]->kind == EXPR_COLUMN)
            keep[keys[i]->slot] = false; /* it moves into the key */
    }
    /* A topic for GROUP BY only: else the write to the sink is the repartitioning (runtime.md 3.7). GROUP
     * BY by the new key goes on in place and must find equal keys in one task. */
    RekeySpec spec = {.keys         = keys,
                      .names        = names,
                      .count        = count,
                      .keep         = keep,
                      .topic_suffix = a->query->has_group_by ? "PartitionBy-repartition" : NULL,
                      .step         = "PartitionBy"};
    b->keys_are    = KEYS_PARTITION_BY;
    return build_rekey(b, input, &spec, out, err);
}
