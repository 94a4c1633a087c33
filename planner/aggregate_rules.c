/*
 * aggregate_rules.c - what a query that aggregates may say, as far as it can be told without types
 * (sql.md 5.6).
 *
 * These rules come before any typing, and before the one that WINDOW needs a GROUP BY: a column outside of
 * aggregates is named first.
 */
#include "planner/aggregate_rules.h"

#include "parser/parser.h"

/* ---- which calls there are ---- */

/* Of that call, or free: more than half of the places are. */
static uint32_t *find_place(const AggregateCalls *calls, const AstExpr *call)
{
    size_t at = (size_t)ast_expr_hash(call) & (calls->place_count - 1);
    while (calls->places[at] != 0 && !ast_expr_equal(calls->asts[calls->places[at] - 1], call))
        at = (at + 1) & (calls->place_count - 1);
    return &calls->places[at];
}

int aggregate_call_find(const AggregateCalls *calls, const AstExpr *expr)
{
    if (expr->kind != AST_CALL || calls->count == 0)
        return -1;
    return (int)*find_place(calls, expr) - 1;
}

static void note_call(void *context, const AstExpr *call)
{
    AggregateCalls *calls = context;
    uint32_t       *place = find_place(calls, call);
    if (*place != 0 || calls->count == calls->capacity)
        return;
    calls->asts[calls->count++] = call;
    *place                      = (uint32_t)calls->count;
}

static void count_call(void *context, const AstExpr *call) { ++*(size_t *)context; }

/* SUM(x) in SELECT and in HAVING is one state. The order of first appearance is that of the states in the
 * store, so it must not depend on hashes. */
void aggregate_calls_of(const Analysis *a, AggregateCalls *calls)
{
    const Functions *functions = a->planner->functions;
    size_t           most      = 0;
    for (size_t i = 0; i < a->item_count; i++)
        visit_aggregates(functions, a->items[i].flat, count_call, &most);
    if (a->having.flat != NULL)
        visit_aggregates(functions, a->having.flat, count_call, &most);
    *calls = (AggregateCalls){
        .asts = ARENA_ARRAY(a->planner->arena, const AstExpr *, most), .capacity = most, .place_count = 8};
    while (calls->place_count < 2 * most + 2)
        calls->place_count *= 2;
    calls->places = ARENA_ARRAY(a->planner->arena, uint32_t, calls->place_count);
    for (size_t i = 0; i < a->item_count; i++)
        visit_aggregates(functions, a->items[i].flat, note_call, calls);
    if (a->having.flat != NULL)
        visit_aggregates(functions, a->having.flat, note_call, calls);
}

/* ---- rules ---- */

static Status refuse_text(const AstExpr *expr, const char *what, Error *err)
{
    StrBuf text = {0};
    ast_print_expr(expr, &text);
    error_set(err, E_PLAN, expr->pos, "%s" STR_FMT, what, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

bool is_window_bound(Str name)
{
    return str_equal(name, STR_LIT("WINDOWSTART")) || str_equal(name, STR_LIT("WINDOWEND"));
}

static const AstExpr *find_bound(const AstExpr *expr)
{
    if (expr->kind == AST_COLUMN && is_window_bound(expr->name.text))
        return expr;
    for (size_t i = 0; i < expr->count; i++) {
        const AstExpr *found = find_bound(expr->operands[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* Bounds of the query's own window; those of a windowed source are columns like others. Before the
 * aggregation a record has no window yet, under HOPPING it will have several: there is no value to group by
 * or to sum. HAVING could have them, but ksqlDB refuses it. */
static Status check_no_bounds(const Analysis *a, const AstExpr *expr, Error *err)
{
    const AstExpr *bound = a->query->window.kind == WINDOW_NONE ? NULL : find_bound(expr);
    if (bound == NULL)
        return OK;
    return error_set(
        err, E_PLAN, bound->pos,
        "Window bounds column " STR_FMT
        " can only be used in the SELECT clause of windowed aggregations and can not be passed to "
        "aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397",
        STR_ARG(bound->name.text));
}

static const AstExpr *nested_aggregate(const Functions *functions, const AstExpr *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const AstExpr *operand = call->operands[i];
        if (operand->kind == AST_CALL && functions_kind(functions, operand->name.text) == FN_AGGREGATE)
            return operand;
        const AstExpr *found = nested_aggregate(functions, operand);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static Status check_grouping(const Analysis *a, Error *err)
{
    const Functions *functions = a->planner->functions;
    if (a->query->has_group_by && a->query->group_count == 0)
        return error_set(err, E_PLAN, a->query->pos, "GROUP BY requires at least one expression");
    for (size_t i = 0; i < a->query->group_count; i++) {
        const AstExpr *group = a->group_by[i].flat;
        const AstExpr *call =
            group->kind == AST_CALL && functions_kind(functions, group->name.text) == FN_AGGREGATE
                ? group
                : nested_aggregate(functions, group);
        if (call != NULL)
            return error_set(err, E_PLAN, call->pos,
                             "GROUP BY does not support aggregate functions: " STR_FMT
                             " is an aggregate function.",
                             STR_ARG(call->name.text));
        TRY(check_no_bounds(a, group, err));
        for (size_t j = 0; j < i; j++)
            if (ast_expr_equal(a->group_by[i].qualified, a->group_by[j].qualified))
                return refuse_text(a->group_by[i].qualified, "Duplicate GROUP BY expression: ", err);
    }
    return a->having.flat == NULL ? OK : check_no_bounds(a, a->having.flat, err);
}

/* A function that nobody knows is no aggregate either, and that would be the misleading thing to say. */
static Status check_functions(const Analysis *a, const AstExpr *expr, Error *err)
{
    if (expr == NULL)
        return OK;
    if (expr->kind == AST_CALL && functions_kind(a->planner->functions, expr->name.text) == FN_NONE) {
        functions_refuse_unknown(a->planner->functions, expr->name.text, err);
        err->pos = expr->pos;
        return err->code;
    }
    for (size_t i = 0; i < expr->count; i++)
        TRY(check_functions(a, expr->operands[i], err));
    return OK;
}

static Status check_calls(const Analysis *a, const AggregateCalls *calls, Error *err)
{
    for (size_t i = 0; i < a->item_count; i++)
        TRY(check_functions(a, a->items[i].flat, err));
    TRY(check_functions(a, a->having.flat, err));
    if (calls->count == 0)
        return error_set(err, E_PLAN, a->query->pos,
                         "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.");
    for (size_t i = 0; i < calls->count; i++) {
        if (nested_aggregate(a->planner->functions, calls->asts[i]) != NULL)
            return refuse_text(calls->asts[i], "Aggregate functions can not be nested: ", err);
        for (size_t arg = 0; arg < calls->asts[i]->count; arg++)
            TRY(check_no_bounds(a, calls->asts[i]->operands[arg], err));
    }
    return OK;
}

/* Persistent queries have no single group of everything. */
static Status refuse_ungrouped(const Analysis *a, const AggregateCalls *calls, Error *err)
{
    StrBuf text = {0};
    for (size_t i = 0; i < calls->count; i++) {
        strbuf_adds(&text, i ? ", " : "");
        if (calls->asts[i]->count == 0)
            strbuf_addf(&text, STR_FMT "(ROWTIME)", STR_ARG(calls->asts[i]->name.text));
        else
            ast_print_expr(calls->asts[i], &text);
    }
    error_set(err, E_PLAN, a->query->pos,
              "%s statement does not support aggregate function [" STR_FMT "] without a GROUP BY clause.",
              a->statement_kind, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

/* Every column is within a grouping expression or an aggregate call: elsewhere it has no single value in a
 * group. Lambda parameters look like columns and are none, but only inside their lambda. */
static bool only_grouped(const Analysis *a, const AstExpr *expr, const AstExpr *const *params,
                         size_t param_count)
{
    if (expr->kind == AST_CALL && functions_kind(a->planner->functions, expr->name.text) == FN_AGGREGATE)
        return true;
    for (size_t i = 0; i < a->query->group_count; i++)
        if (ast_expr_equal(a->group_by[i].flat, expr))
            return true;
    if (expr->kind == AST_COLUMN) {
        for (size_t i = 0; i < param_count; i++)
            for (size_t n = 0; n < params[i]->name_count; n++)
                if (str_equal(params[i]->names[n].text, expr->name.text))
                    return true;
        return a->query->window.kind != WINDOW_NONE && is_window_bound(expr->name.text);
    }
    enum { DEEPEST_LAMBDA = 8 };
    const AstExpr *inner[DEEPEST_LAMBDA];
    if (expr->kind == AST_LAMBDA && param_count < DEEPEST_LAMBDA) {
        if (param_count > 0)
            memcpy(inner, params, param_count * sizeof *inner);
        inner[param_count++] = expr;
        params               = inner;
    }
    for (size_t i = 0; i < expr->count; i++)
        if (!only_grouped(a, expr->operands[i], params, param_count))
            return false;
    return true;
}

static Status check_grouped(const Analysis *a, Error *err)
{
    StrBuf wrong = {0};
    for (size_t i = 0; i < a->item_count; i++) {
        if (only_grouped(a, a->items[i].flat, NULL, 0))
            continue;
        strbuf_adds(&wrong, wrong.len ? ", " : "");
        ast_print_expr(a->items[i].flat, &wrong);
    }
    Status status = OK;
    if (wrong.len > 0)
        status = error_set(err, E_PLAN, a->query->pos,
                           "Non-aggregate SELECT expression(s) not part of GROUP BY: " STR_FMT
                           "\nEither add the column(s) to the GROUP BY or remove them from the SELECT.",
                           STR_ARG(strbuf_str(&wrong)));
    strbuf_clear(&wrong);
    if (status == OK && a->having.flat != NULL && !only_grouped(a, a->having.flat, NULL, 0)) {
        status = refuse_text(a->having.flat, "Non-aggregate HAVING expression not part of GROUP BY: ", err);
        error_append(err, "\nConsider switching the HAVING clause to a WHERE clause before the GROUP BY.");
    }
    return status;
}

static bool has_table_call(const Functions *functions, const AstExpr *expr)
{
    if (expr->kind == AST_CALL && functions_kind(functions, expr->name.text) == FN_TABLE)
        return true;
    for (size_t i = 0; i < expr->count; i++)
        if (has_table_call(functions, expr->operands[i]))
            return true;
    return false;
}

Status check_aggregation(const Analysis *a, Error *err)
{
    AggregateCalls calls;
    aggregate_calls_of(a, &calls);
    for (size_t i = 0; i < a->item_count; i++)
        if (has_table_call(a->planner->functions, a->items[i].flat))
            return error_set(err, E_PLAN, a->query->pos, "Table functions cannot be used with aggregations.");
    TRY(check_grouping(a, err));
    TRY(check_calls(a, &calls, err));
    TRY(check_grouped(a, err));
    return a->persistent && !a->query->has_group_by ? refuse_ungrouped(a, &calls, err) : OK;
}
