/*
 * build_aggregate.c - GROUP BY, aggregate functions, HAVING and the select list over them (sql.md 5.6).
 *
 * The node groups by its input's key, so a REKEY stands below it unless the grouping is the key already. What
 * comes after works on the `inner` row: the key columns, one column per aggregate call, and the window
 * bounds. An expression that equals a grouping expression or an aggregate call stands for that column as a
 * whole; that there is no other column outside them was checked (aggregate_rules.c).
 */
#include "parser/parser.h"
#include "planner/aggregate_rules.h"
#include "planner/nodes/node_aggregate.h"
#include "planner/query_build.h"

typedef struct {
    Scope                 base;
    const Analysis       *a;
    const AggregateCalls *calls;
    const Schema         *inner;
} AfterScope;

/* ---- expressions over the inner row ---- */

/* By structure alone: GROUP BY a+b does not cover b+a (sql.md 5.6). */
static bool stands_for_column(const Scope *scope, const AstExpr *expr, int *slot, const SqlType **type)
{
    const AfterScope *self   = (const AfterScope *)scope;
    size_t            groups = self->a->query->group_count;
    for (size_t i = 0; i < groups; i++) {
        if (ast_expr_equal(self->a->group_by[i].flat, expr)) {
            *slot = (int)i;
            *type = self->inner->columns[i].type;
            return true;
        }
    }
    int call = aggregate_call_find(self->calls, expr);
    if (call < 0)
        return false;
    *slot = (int)self->inner->key_count + call;
    *type = self->inner->columns[*slot].type;
    return true;
}

static Status resolve_bound(const Scope *scope, const AstExpr *column, int *slot, const SqlType **type,
                            Error *err)
{
    const AfterScope *self = (const AfterScope *)scope;
    int at = is_window_bound(column->name.text) ? schema_find(self->inner, column->name.text) : -1;
    if (at < 0)
        return error_set(err, E_PLAN, column->pos, "Unknown column " STR_FMT ".", STR_ARG(column->name.text));
    *slot = at;
    *type = self->inner->columns[at].type;
    return OK;
}

/* ---- the calls ---- */

static Status typed_literal(const AstExpr *ast, size_t number, Str function, Error *err)
{
    switch (ast->kind) {
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_INTEGER:
    case AST_DECIMAL:
    case AST_DOUBLE:
    case AST_STRING:
        return OK;
    default:
        break;
    }
    StrBuf text = {0};
    ast_print_expr(ast, &text);
    error_set(err, E_PLAN, ast->pos,
              "Parameter %zu passed to function " STR_FMT
              " must be a literal constant, but was expression: '" STR_FMT "'",
              number, STR_ARG(function), STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

/* Function settings (`ksql.functions.collect_list.limit`) are properties like others. */
typedef struct {
    FnConfig           base;
    const PlannerHost *host;
    Arena             *arena;
} HostConfig;

static Str config_get(const FnConfig *self, Str key)
{
    const HostConfig *config = (const HostConfig *)self;
    return config->host->property(config->host, str_to_c(config->arena, key));
}

static Status type_arguments(Builder *b, const AstExpr *ast, const Schema *input, const Expr **args,
                             Error *err)
{
    SchemaScope scope;
    schema_scope_init(&scope, input);
    if (ast->count == 0) /* COUNT(*): the implicit argument ROWTIME is never null, and only that matters */
        args[0] = expr_constant(b->arena, &type_bigint, value_from_int(0));
    for (size_t i = 0; i < ast->count; i++) {
        if (ast->operands[i]->kind == AST_NULL)
            args[i] = expr_constant(b->arena, &type_null, value_null());
        else
            TRY(type_expression(&b->a->typer, ast->operands[i], &scope.base, &args[i], err));
    }
    return OK;
}

/* The overload comes before the literals: it alone says how many trailing arguments are constants. They must
 * be literals, because bind lets them shape the state, and with it the store. */
static Status resolve_call(Builder *b, const AstExpr *ast, const Schema *input, PlanAggregateCall *out,
                           Error *err)
{
    HostConfig      config = {{config_get}, b->a->planner->host, b->arena};
    size_t          count  = ast->count == 0 ? 1 : ast->count;
    const Expr    **args   = ARENA_ARRAY(b->arena, const Expr *, count);
    const SqlType **types  = ARENA_ARRAY(b->arena, const SqlType *, count);
    FnResolved     *fn     = ARENA_NEW(b->arena, FnResolved);
    TRY(type_arguments(b, ast, input, args, err));
    for (size_t i = 0; i < count; i++)
        types[i] = args[i]->type;
    Status found =
        functions_resolve(b->a->planner->functions, ast->name.text, types, count, NULL, b->arena, fn, err);
    if (found == E_PLAN)
        err->pos = ast->pos;
    TRY(found);
    size_t columns   = count - fn->constant_count;
    Value *constants = ARENA_ARRAY(b->arena, Value, fn->constant_count);
    for (size_t i = columns; i < count; i++) {
        TRY(typed_literal(ast->operands[i], i + 1, ast->name.text, err));
        constants[i - columns] = args[i]->value;
    }
    AggregateCall *call;
    TRY(aggregate_bind(fn, types, constants, &config.base, b->arena, &call, err));
    call->config = NULL; /* what bind wanted of it is in the call; the host does not live as long */
    *out         = (PlanAggregateCall){fn, call, args, columns};
    return OK;
}

/* Those of other people need not have all that a built-in one has. */
static bool lacks_undo(const AggregateFn *function) { return function->undo == NULL; }
static bool lacks_merge(const AggregateFn *function) { return function->merge == NULL; }

static Status refuse_lacking(const PlanAggregateCall *calls, size_t                  count,
                             bool (*lacks)(const AggregateFn *function), const char *what, Error *err)
{
    Str    names[64];
    size_t found = 0;
    for (size_t i = 0; i < count && found < ARRAY_LEN(names); i++) {
        Str  name = str_c(calls[i].function->name);
        bool seen = false;
        for (size_t j = 0; j < found; j++)
            seen |= str_equal(names[j], name);
        if (lacks(calls[i].function->aggregate) && !seen)
            names[found++] = name;
    }
    if (found == 0)
        return OK;
    error_set(err, E_PLAN, NO_POS, "The aggregation function%s ", found > 1 ? "s" : "");
    for (size_t i = 0; i < found; i++)
        error_append(err, "%s" STR_FMT, i == 0 ? "" : i + 1 < found ? ", " : " and ", STR_ARG(names[i]));
    error_append(err, " %s", what);
    return E_PLAN;
}

static Status check_abilities(const Analysis *a, const PlanAggregateCall *calls, size_t count,
                              bool over_table, Error *err)
{
    if (over_table)
        TRY(refuse_lacking(calls, count, lacks_undo,
                           "cannot be applied to a table source, only to a stream source.", err));
    if (a->query->window.kind == WINDOW_SESSION)
        TRY(refuse_lacking(calls, count, lacks_merge,
                           "cannot be applied in session windows: it says no way to merge two sessions.",
                           err));
    return OK;
}

/* ---- grouping ---- */

static Status type_groups(Builder *b, const PlanNode *input, const Expr ***keys, Str **names, size_t *count,
                          Error *err)
{
    const Analysis *a = b->a;
    *count            = a->query->group_count;
    *keys             = ARENA_ARRAY(b->arena, const Expr *, *count + 1);
    *names            = ARENA_ARRAY(b->arena, Str, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        TRY(builder_type(b, "Group By", a->group_by[i].flat, input->schema, &(*keys)[i], err));
        (*names)[i] = a->generated_keys[a->query->partition_count + i];
    }
    if (*count == 0) { /* transient queries without GROUP BY: all in one group */
        (*keys)[0]  = expr_constant(b->arena, &type_integer, value_from_int(0));
        (*names)[0] = STR_LIT("KSQL_GROUP");
        *count      = 1;
    }
    return OK;
}

/* ksqlDB's rule (runtime.md 3.8): several key columns go through a repartition topic even in their own order.
 * So does a table, for a change of group is two rows that may belong to two tasks, and a windowed stream,
 * whose key has the window in it. */
static bool grouped_already(const PlanNode *input, const Expr *const *keys, size_t count)
{
    return !input->is_table && input->window.kind == WINDOWED_NO && input->schema->key_count == 1 &&
           count == 1 && keys[0]->kind == EXPR_COLUMN && keys[0]->slot == 0;
}

/* Puts a REKEY below and points the arguments at its columns. Only columns that the arguments read go through
 * the topic. */
static Status regroup(Builder *b, PlanNode **input, const Expr *const *keys, const Str *names, size_t count,
                      PlanAggregateCall *calls, size_t call_count, Error *err)
{
    size_t width = (*input)->schema->count;
    bool  *keep  = ARENA_ARRAY(b->arena, bool, width);
    int   *moved = ARENA_ARRAY(b->arena, int, width);
    for (size_t i = 0; i < call_count; i++)
        for (size_t arg = 0; arg < calls[i].arg_count; arg++)
            expr_mark_columns(calls[i].args[arg], keep, width);
    RekeySpec spec = {.keys         = keys,
                      .names        = names,
                      .count        = count,
                      .keep         = keep,
                      .drop_null    = true,
                      .topic_suffix = "Aggregate-GroupBy-repartition",
                      .step         = "Aggregate.GroupBy",
                      .moved        = moved};
    TRY(build_rekey(b, *input, &spec, input, err));
    for (size_t i = 0; i < call_count; i++) {
        const Expr **args = ARENA_ARRAY(b->arena, const Expr *, calls[i].arg_count);
        for (size_t arg = 0; arg < calls[i].arg_count; arg++)
            args[arg] = expr_remap(calls[i].args[arg], moved, width, b->arena);
        calls[i].args = args;
    }
    return OK;
}

/* A grace of 24 h less the size is Kafka Streams' legacy default; under EMIT FINAL it would be a day without
 * output, so there it is 0. Retention is at least size and grace, or rows would expire that records may still
 * change. */
static Status set_window(const Analysis *a, PlanNode *node, PlanAggregate *agg, Error *err)
{
    enum {
        DAY_MS                  = 24 * 60 * 60 * 1000,
        WINDOWS_OF_A_RECORD_MAX = 100000 /* a day by seconds; each is a row of the state */
    };
    const AstWindow *window = &a->query->window;
    int64_t          size   = 0;
    if (window->kind == WINDOW_NONE)
        return OK;
    if (node->is_table && agg->over_table)
        return error_set(err, E_PLAN, window->pos, "Windowing not supported for table aggregations.");
    TRY(ast_span_ms(&window->size, &size, err));
    agg->window = (KeyWindow){WINDOWED_TUMBLING, size};
    if (window->kind == WINDOW_SESSION)
        agg->window = (KeyWindow){WINDOWED_SESSION, 0};
    else if (window->kind == WINDOW_HOPPING)
        agg->window.kind = WINDOWED_HOPPING;
    agg->gap_ms     = window->kind == WINDOW_SESSION ? size : 0;
    agg->advance_ms = size;
    if (window->kind == WINDOW_HOPPING)
        TRY(ast_span_ms(&window->advance, &agg->advance_ms, err));
    if (size <= 0 || agg->advance_ms <= 0 || agg->advance_ms > size)
        return error_set(err, E_PLAN, window->pos,
                         "Window sizes must be above 0, and the advance between 1 and the size; got size "
                         "%lld ms, advance %lld ms",
                         (long long)size, (long long)agg->advance_ms);
    if (size / agg->advance_ms > WINDOWS_OF_A_RECORD_MAX)
        return error_set(err, E_PLAN, window->pos,
                         "Each record would be in %lld windows; %d at most are kept up with: a longer "
                         "ADVANCE BY is needed",
                         (long long)(size / agg->advance_ms), WINDOWS_OF_A_RECORD_MAX);
    agg->emit_final = a->query->emit == EMIT_FINAL;
    agg->grace_ms   = agg->emit_final || size > DAY_MS ? 0 : DAY_MS - size; /* runtime.md 2.3 */
    if (window->has_grace)
        TRY(ast_span_ms(&window->grace, &agg->grace_ms, err));
    agg->retention_ms = size > INT64_MAX - agg->grace_ms ? INT64_MAX : size + agg->grace_ms;
    if (window->has_retention) {
        int64_t wanted;
        TRY(ast_span_ms(&window->retention, &wanted, err));
        if (wanted < agg->retention_ms)
            return error_set(err, E_PLAN, window->pos,
                             "The retention period of the window store %s must be no smaller than its window "
                             "size plus the grace period. Got "
                             "size=[%lld], grace=[%lld], retention=[%lld]",
                             "Aggregate-Aggregate-Materialize", (long long)size, (long long)agg->grace_ms,
                             (long long)wanted);
        agg->retention_ms = wanted;
    }
    node->window = agg->window;
    return OK;
}

static const Schema *inner_schema(Builder *b, const PlanNode *input, const PlanAggregateCall *calls,
                                  size_t count, bool windowed)
{
    const Schema *from    = input->schema;
    Column       *columns = ARENA_ARRAY(b->arena, Column, from->key_count + count + 2);
    size_t        n       = 0;
    for (; n < from->key_count; n++)
        columns[n] = from->columns[n];
    for (size_t i = 0; i < count; i++)
        columns[n++] = (Column){str_printf(b->arena, "KSQL_AGG_VARIABLE_%zu", i), calls[i].call->result_type,
                                COLUMN_VALUE, STR_NULL};
    if (windowed) {
        columns[n++] = (Column){STR_LIT("WINDOWSTART"), &type_bigint, COLUMN_WINDOWSTART, STR_NULL};
        columns[n++] = (Column){STR_LIT("WINDOWEND"), &type_bigint, COLUMN_WINDOWEND, STR_NULL};
    }
    return schema_new(b->arena, columns, n);
}

/* ---- the select list ---- */

static Status type_item(Builder *b, const AfterScope *scope, const SelectItem *item, const Expr **out,
                        Error *err)
{
    if (type_expression(&b->a->typer, item->flat, &scope->base, out, err) == OK)
        return check_item_type(item->flat, *out, err);
    return err->code == E_PLAN ? error_prefix(err, "Invalid Select: ") : err->code;
}

/* An aggregate names its columns item by item, keys among them, and looks for duplicates before any of them
 * is a key. */
static Status check_item_names(const Analysis *a, const Column *columns, const size_t *column_of_item,
                               Error *err)
{
    Column *items = ARENA_ARRAY(a->planner->arena, Column, a->item_count);
    for (size_t i = 0; i < a->item_count; i++) {
        items[i]      = columns[column_of_item[i]];
        items[i].role = COLUMN_VALUE;
    }
    return check_result_columns(a->planner->arena, items, a->item_count, err);
}

/* Persistent: the keys, named by their items, then the other items. Transient: the key, then all items. */
static Status select_columns(Builder *b, PlanNode *node, PlanAggregate *agg, const AfterScope *scope,
                             Error *err)
{
    const Analysis *a    = b->a;
    size_t          keys = node->schema->key_count, count = 0;
    size_t         *of_key  = ARENA_ARRAY(b->arena, size_t, keys);
    Column         *columns = ARENA_ARRAY(b->arena, Column, keys + a->item_count);
    const Expr    **values  = ARENA_ARRAY(b->arena, const Expr *, a->item_count);
    bool           *is_key  = ARENA_ARRAY(b->arena, bool, a->item_count);
    size_t         *of_item = ARENA_ARRAY(b->arena, size_t, a->item_count);
    if (a->persistent)
        TRY(match_key_items(b, node, of_key, err));
    for (size_t i = 0; i < keys; i++) {
        columns[i] = node->schema->columns[i];
        if (!a->persistent)
            continue;
        columns[i].name    = a->items[of_key[i]].alias;
        is_key[of_key[i]]  = true;
        of_item[of_key[i]] = i;
    }
    for (size_t i = 0; i < a->item_count; i++) {
        if (is_key[i])
            continue;
        of_item[i] = keys + count;
        TRY(type_item(b, scope, &a->items[i], &values[count], err));
        columns[keys + count] = (Column){a->items[i].alias, values[count]->type, COLUMN_VALUE, STR_NULL};
        count++;
    }
    if (a->persistent) {
        TRY(check_item_names(a, columns, of_item, err));
        TRY(check_result_columns(b->arena, columns, keys + count, err));
    }
    node->schema = schema_new(b->arena, columns, keys + count);
    agg->values  = values;
    return OK;
}

/* State is found by this name after a restart, and by pull queries: so it is the table's, whatever the plan
 * looks like. */
static Str store_name(const Builder *b)
{
    if (b->a->persistent)
        return b->a->sink_name;
    return str_printf(b->arena, STR_FMT ".Aggregate", STR_ARG(b->query_id));
}

/* HAVING has a typer of its own: only in conditions is text beside ROWTIME a timestamp (sql.md 3.5). */
static Status type_after(Builder *b, PlanNode *node, PlanAggregate *agg, const AggregateCalls *calls,
                         Error *err)
{
    AfterScope scope = {{.resolve = resolve_bound, .replace = stands_for_column}, b->a, calls, agg->inner};
    Typer      typer = b->a->typer;
    typer.magic_timestamps = true;
    if (b->a->having.flat != NULL)
        TRY(type_condition(&typer, b->a->having.flat, &scope.base, "HAVING", &agg->having, err));
    return select_columns(b, node, agg, &scope, err);
}

Status build_aggregate(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    AggregateCalls calls;
    const Expr   **keys;
    Str           *names;
    size_t         key_count;
    aggregate_calls_of(b->a, &calls);
    /* Arguments are typed over the input, before there is a REKEY: what they read decides which columns go
     * through its topic. regroup then points them at the new places. */
    TRY(type_groups(b, input, &keys, &names, &key_count, err));
    PlanAggregateCall *resolved = ARENA_ARRAY(b->arena, PlanAggregateCall, calls.count);
    for (size_t i = 0; i < calls.count; i++)
        TRY(resolve_call(b, calls.asts[i], input->schema, &resolved[i], err));
    bool over_table = input->is_table;
    TRY(check_abilities(b->a, resolved, calls.count, over_table, err));
    if (!grouped_already(input, keys, key_count))
        TRY(regroup(b, &input, keys, names, key_count, resolved, calls.count, err));

    bool           windowed = b->a->query->window.kind != WINDOW_NONE;
    PlanNode      *node     = builder_node(b, &node_aggregate, "Aggregate", input, NULL);
    PlanAggregate *agg      = ARENA_NEW(b->arena, PlanAggregate);
    node->is_table          = true;
    node->details           = agg;
    *agg        = (PlanAggregate){.over_table = over_table, .calls = resolved, .call_count = calls.count};
    b->keys_are = KEYS_GROUP_BY;
    TRY(set_window(b->a, node, agg, err));
    agg->inner = inner_schema(b, input, resolved, calls.count, windowed);
    builder_store(b, node, store_name(b), windowed ? agg->retention_ms : -1);
    node->schema = agg->inner; /* keys for match_key_items */
    TRY(type_after(b, node, agg, &calls, err));
    *out = node;
    return OK;
}
