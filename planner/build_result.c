/*
 * build_result.c - the select list as the result's schema: keys, values, and the rules of persistent queries
 * (sql.md 5.4).
 */
#include "parser/parser.h"
#include "planner/join_keys.h"
#include "planner/nodes/node_output.h"
#include "planner/nodes/node_project.h"
#include "planner/query_build.h"

/* ---- keys ---- */

/* Does the item show key column `key` of the node? */
static bool shows_key(const Builder *b, const PlanNode *node, size_t key, const SelectItem *item)
{
    const Analysis *a = b->a;
    switch (b->keys_are) {
    case KEYS_GROUP_BY:
        return key < a->query->group_count && ast_expr_equal(item->flat, a->group_by[key].flat);
    case KEYS_PARTITION_BY:
        return ast_expr_equal(item->flat, a->partition_by[key].flat);
    default:
        return item->flat->kind == AST_COLUMN &&
               str_equal(item->flat->name.text, node->schema->columns[key].name);
    }
}

static void print_key(const Builder *b, const PlanNode *node, size_t key, StrBuf *out)
{
    const Analysis *a = b->a;
    if (b->keys_are == KEYS_GROUP_BY)
        ast_print_expr(a->group_by[key].flat, out);
    else if (b->keys_are == KEYS_PARTITION_BY)
        ast_print_expr(a->partition_by[key].qualified, out);
    else
        strbuf_add(out, node->schema->columns[key].name);
}

static bool is_shown(const Builder *b, const PlanNode *node, size_t key)
{
    for (size_t i = 0; i < b->a->item_count; i++)
        if (shows_key(b, node, key, &b->a->items[i]))
            return true;
    return false;
}

/* PARTITION BY names all its keys when one is missing, the others only those that are. */
static bool is_named(const Builder *b, const PlanNode *node, size_t key)
{
    return b->keys_are == KEYS_PARTITION_BY || !is_shown(b, node, key);
}

/* The keys to be named: "A, B and C" in `text`, "A, B, C" in `list`; returns how many. */
static size_t print_keys(const Builder *b, const PlanNode *node, StrBuf *text, StrBuf *list)
{
    size_t named = 0, printed = 0;
    for (size_t i = 0; i < node->schema->key_count; i++)
        named += is_named(b, node, i);
    for (size_t i = 0; i < node->schema->key_count; i++) {
        if (!is_named(b, node, i))
            continue;
        strbuf_adds(text, printed == 0 ? "" : printed + 1 < named ? ", " : " and ");
        strbuf_adds(list, printed == 0 ? "" : ", ");
        print_key(b, node, i, text);
        print_key(b, node, i, list);
        printed++;
    }
    return named;
}

static void print_viable(const Builder *b, StrBuf *text, StrBuf *list, Str *synthetic)
{
    ViableKeys keys;
    join_viable_keys(b->a, &keys);
    *synthetic = keys.synthetic;
    if (!str_is_null(keys.synthetic)) {
        strbuf_add(text, keys.synthetic);
        strbuf_add(list, keys.synthetic);
    }
    for (size_t i = 0; i < keys.count; i++) {
        strbuf_adds(text, i == 0 ? "" : i + 1 < keys.count ? ", " : " or ");
        ast_print_expr(keys.items[i], text);
        if (i == 0)
            ast_print_expr(keys.items[i], list);
    }
}

/* The result of a foreign-key join has the left table's key. */
static Status refuse_missing_primary(const Builder *b, const PlanNode *node, Error *err)
{
    const FromItem *left  = &b->a->from[0];
    StrBuf          names = {0};
    size_t          count = 0;
    for (size_t key = 0; key < node->schema->key_count; key++)
        if (!is_shown(b, node, key))
            strbuf_addf(&names, "%s`" STR_FMT "`", count++ ? ", " : "",
                        STR_ARG(left->source->schema->columns[key].name));
    error_set(err, E_PLAN, b->a->query->pos,
              "Primary key column%s missing in projection. For foreign-key table-table joins, the projection "
              "must include all primary key columns from the left input table (`" STR_FMT
              "`). Missing column%s: " STR_FMT ".",
              count > 1 ? "s" : "", STR_ARG(left->alias), count > 1 ? "s" : "", STR_ARG(strbuf_str(&names)));
    strbuf_clear(&names);
    return E_PLAN;
}

static Status refuse_missing(const Builder *b, const PlanNode *node, Error *err)
{
    if (b->keys_are == KEYS_FOREIGN_JOIN)
        return refuse_missing_primary(b, node, err);
    static const char *const what[] = {"key column", "partitioning expression", "grouping expression",
                                       "join expression"};
    StrBuf                   text = {0}, list = {0};
    Str                      synthetic = STR_NULL;
    bool                     join      = b->keys_are == KEYS_JOIN;
    bool                     several;
    if (join) {
        print_viable(b, &text, &list, &synthetic);
        several = str_find(strbuf_str(&text), STR_LIT(" or "), 0) >= 0;
    } else {
        several = print_keys(b, node, &text, &list) > 1;
    }
    error_set(err, E_PLAN, b->a->query->pos,
              "Key%s missing from projection (ie, SELECT). %s\nThe query used to build `" STR_FMT
              "` must include the %s%s " STR_FMT " in its projection (eg, SELECT " STR_FMT "...).",
              several ? "s" : "", str_is_null(synthetic) ? "" : "See https://cnfl.io/2LV7ouS.",
              STR_ARG(b->a->sink_name), what[b->keys_are], several ? "s" : "", STR_ARG(strbuf_str(&text)),
              STR_ARG(strbuf_str(&list)));
    if (!str_is_null(synthetic))
        error_append(
            err,
            "\n" STR_FMT
            " was added as a synthetic key column because the join criteria did not match any source column. "
            "This expression must be included in the projection and may be aliased. ",
            STR_ARG(synthetic));
    strbuf_clear(&text);
    strbuf_clear(&list);
    return E_PLAN;
}

static Status refuse_twice(const Builder *b, const PlanNode *node, size_t key, Error *err)
{
    StrBuf names = {0};
    size_t found = 0;
    for (size_t i = 0; i < b->a->item_count; i++) {
        if (!shows_key(b, node, key, &b->a->items[i]))
            continue;
        strbuf_adds(&names, found++ ? " and " : "");
        strbuf_addf(&names, b->keys_are == KEYS_GROUP_BY ? "`" STR_FMT "`" : STR_FMT,
                    STR_ARG(b->a->items[i].alias));
    }
    if (b->keys_are == KEYS_GROUP_BY)
        error_set(err, E_PLAN, b->a->query->pos,
                  "The projection contains a key column more than once: " STR_FMT ".",
                  STR_ARG(strbuf_str(&names)));
    else
        error_set(err, E_PLAN, b->a->query->pos,
                  "The projection contains a key column (`" STR_FMT "`) more than once, aliased as: " STR_FMT
                  ".",
                  STR_ARG(node->schema->columns[key].name), STR_ARG(strbuf_str(&names)));
    error_append(err, "\nEach key column must only be in the projection once. If you intended to copy the "
                      "key into the value, then consider using "
                      "the AS_VALUE function to indicate which key reference should be copied.");
    strbuf_clear(&names);
    return E_PLAN;
}

/* Exactly once: without its key a result could not be partitioned or, as a table, updated, and two items of
 * one key would leave open which of them names it. AS_VALUE makes a copy that is no key. */
Status match_key_items(Builder *b, const PlanNode *node, size_t *items, Error *err)
{
    for (size_t key = 0; key < node->schema->key_count; key++) {
        size_t found = 0;
        for (size_t i = 0; i < b->a->item_count; i++)
            if (shows_key(b, node, key, &b->a->items[i]) && found++ == 0)
                items[key] = i;
        if (found == 0)
            return refuse_missing(b, node, err);
        if (found > 1)
            return refuse_twice(b, node, key, err);
    }
    return OK;
}

/* ---- names ---- */

static void print_column(const Column *column, StrBuf *out)
{
    strbuf_addf(out, "`" STR_FMT "` ", STR_ARG(column->name));
    type_print(column->type, out);
}

static Status refuse_twins(const Column *first, const Column *second, Error *err)
{
    if (first->role != second->role)
        return error_set(err, E_PLAN, NO_POS, "Value columns clash with key columns: `" STR_FMT "`",
                         STR_ARG(second->name));
    StrBuf text = {0};
    print_column(second, &text);
    error_set(err, E_PLAN, NO_POS, "Duplicate %s columns found in schema: " STR_FMT,
              second->role == COLUMN_KEY ? "key" : "value", STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

Status check_result_columns(Arena *arena, const Column *columns, size_t count, Error *err)
{
    size_t   values = 0;
    NameSet *known  = name_set_new(arena);
    for (size_t i = 0; i < count; i++) {
        bool    added;
        size_t *first = name_set_put(known, columns[i].name, &added);
        if (!added)
            return refuse_twins(&columns[*first], &columns[i], err);
        *first = i;
        values += columns[i].role == COLUMN_VALUE;
    }
    if (values == 0)
        return error_set(err, E_PLAN, NO_POS, "The projection contains no value columns.");
    return OK;
}

/* ---- nodes ---- */

PlanNode *build_project_node(Builder *b, const char *step, PlanNode *input, const Schema *schema,
                             const Expr *const *values)
{
    PlanNode    *node    = builder_node(b, &node_project, step, input, NULL);
    PlanProject *details = ARENA_NEW(b->arena, PlanProject);
    details->values      = values;
    node->schema         = schema;
    node->details        = details;
    return node;
}

Status build_projection(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    const Analysis *a    = b->a;
    size_t          keys = input->schema->key_count, count = 0;
    size_t         *of_key  = ARENA_ARRAY(b->arena, size_t, keys);
    bool           *is_key  = ARENA_ARRAY(b->arena, bool, a->item_count);
    Column         *columns = ARENA_ARRAY(b->arena, Column, keys + a->item_count);
    const Expr    **values  = ARENA_ARRAY(b->arena, const Expr *, a->item_count);
    TRY(match_key_items(b, input, of_key, err));
    /* Keys are renamed, never computed: the key's bytes have chosen the partition. */
    for (size_t i = 0; i < keys; i++) {
        columns[i]        = input->schema->columns[i];
        columns[i].name   = a->items[of_key[i]].alias;
        is_key[of_key[i]] = true;
    }
    for (size_t i = 0; i < a->item_count; i++) {
        if (is_key[i])
            continue;
        TRY(builder_type(b, "Select", a->items[i].flat, input->schema, &values[count], err));
        TRY(check_item_type(a->items[i].flat, values[count], err));
        columns[keys + count] = (Column){a->items[i].alias, values[count]->type, COLUMN_VALUE, STR_NULL};
        count++;
    }
    TRY(check_result_columns(b->arena, columns, keys + count, err));
    PlanNode *node =
        build_project_node(b, "Project", input, schema_new(b->arena, columns, keys + count), values);
    /* Under the sink's name: pull queries look for the store of the table that they name. */
    if (node->is_table)
        builder_store(b, node, a->sink_name, -1);
    *out = node;
    return OK;
}

/* A deletion has no values: all that a client can still be shown is its key, and the bounds of its window. */
static int shown_by_tombstones(const Builder *b, const PlanNode *input, const SelectItem *item)
{
    for (size_t key = 0; key < input->schema->key_count; key++)
        if (shows_key(b, input, key, item))
            return (int)key;
    if (input->window.kind == WINDOWED_NO || item->flat->kind != AST_COLUMN)
        return OUTPUT_NOTHING;
    if (str_equal(item->flat->name.text, STR_LIT("WINDOWSTART")))
        return OUTPUT_WINDOWSTART;
    return str_equal(item->flat->name.text, STR_LIT("WINDOWEND")) ? OUTPUT_WINDOWEND : OUTPUT_NOTHING;
}

Status build_output(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    const Analysis *a          = b->a;
    bool            aggregated = input->class == &node_aggregate;
    Column         *columns    = ARENA_ARRAY(b->arena, Column, a->item_count);
    const Expr    **values     = ARENA_ARRAY(b->arena, const Expr *, a->item_count);
    int            *key_slots  = ARENA_ARRAY(b->arena, int, a->item_count);
    for (size_t i = 0; i < a->item_count; i++) {
        if (aggregated) { /* the aggregate has made one value column per item */
            int slot  = (int)(input->schema->key_count + i);
            values[i] = expr_column(b->arena, slot, input->schema->columns[slot].type);
        } else {
            TRY(builder_type(b, "Select", a->items[i].flat, input->schema, &values[i], err));
            TRY(check_item_type(a->items[i].flat, values[i], err));
        }
        columns[i]   = (Column){a->items[i].alias, values[i]->type, COLUMN_VALUE, STR_NULL};
        key_slots[i] = shown_by_tombstones(b, input, &a->items[i]);
    }
    PlanNode   *node    = builder_node(b, &node_output, "Output", input, NULL);
    PlanOutput *details = ARENA_NEW(b->arena, PlanOutput);
    *details            = (PlanOutput){values, key_slots, a->query->has_limit, a->query->limit};
    node->schema        = schema_new(b->arena, columns, a->item_count);
    node->details       = details;
    *out                = node;
    return OK;
}
