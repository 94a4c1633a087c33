/*
 * build_flatten.c - table functions of the select list (sql.md 5.8).
 *
 * Every call becomes a column of a FLATTEN node, and the items refer to that column: so a table function may
 * stand inside scalar expressions, and the projection above knows nothing of it.
 */
#include "parser/parser.h"
#include "planner/nodes/node_flatten.h"
#include "planner/query_build.h"
#include "planner/select_items.h"

typedef struct {
    AstRewriter     base;
    Builder        *b;
    PlanNode       *input;
    const Expr    **calls; /* typed */
    const AstExpr **asts;
    size_t          count, capacity;
    bool            in_case;
} Gather;

static bool is_table_call(const Builder *b, const AstExpr *expr)
{
    return expr->kind == AST_CALL && functions_kind(b->a->planner->functions, expr->name.text) == FN_TABLE;
}

static const AstExpr *first_table_call(const Builder *b, const AstExpr *expr)
{
    if (is_table_call(b, expr))
        return expr;
    for (size_t i = 0; i < expr->count; i++) {
        const AstExpr *found = first_table_call(b, expr->operands[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static Status refuse(const AstExpr *expr, const char *what, Error *err)
{
    StrBuf text = {0};
    ast_print_expr(expr, &text);
    error_set(err, E_PLAN, expr->pos, "%s: " STR_FMT, what, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Str column_name(Arena *arena, size_t number) { return str_printf(arena, "KSQL_SYNTH_%zu", number); }

static Status take_call(Gather *g, const AstExpr *call, const AstExpr **out, Error *err)
{
    for (size_t i = 0; i < call->count; i++)
        if (first_table_call(g->b, call->operands[i]) != NULL)
            return refuse(call, "Table functions cannot be nested", err);
    if (g->count == g->capacity)
        return error_set(err, E_LIMIT, call->pos, "A query can hold %zu table functions at most",
                         g->capacity);
    g->b->a->typer.table_calls = true;
    Status status = builder_type(g->b, "Select", call, g->input->schema, &g->calls[g->count], err);
    g->b->a->typer.table_calls = false;
    TRY(status);
    *out = select_column(g->b->arena, STR_NULL, column_name(g->b->arena, g->count), call->pos);
    g->count++;
    return OK;
}

static Status replace_call(AstRewriter *self, const AstExpr *expr, const AstExpr **out, Error *err)
{
    Gather *g = (Gather *)self;
    if ((expr->kind == AST_CASE || expr->kind == AST_SIMPLE_CASE) && first_table_call(g->b, expr) != NULL)
        return refuse(expr, "Table functions cannot be used in CASE", err);
    return is_table_call(g->b, expr) ? take_call(g, expr, out, err) : OK;
}

static const Schema *flattened_schema(Builder *b, const Schema *input, const Gather *g)
{
    Column *columns = ARENA_ARRAY(b->arena, Column, input->count + g->count);
    memcpy(columns, input->columns, input->count * sizeof *columns);
    for (size_t i = 0; i < g->count; i++)
        columns[input->count + i] =
            (Column){column_name(b->arena, i), g->calls[i]->type, COLUMN_VALUE, STR_NULL};
    return schema_new(b->arena, columns, input->count + g->count);
}

Status build_flatten(Builder *b, PlanNode *input, PlanNode **out, Error *err)
{
    enum { MOST_CALLS = 64 };
    Analysis *a   = b->a;
    bool      any = false;
    for (size_t i = 0; i < a->item_count; i++)
        any |= first_table_call(b, a->items[i].flat) != NULL;
    *out = input;
    if (!any)
        return OK;
    /* Several rows under one primary key are no table, and no change could take them back. */
    if (input->is_table)
        return error_set(err, E_PLAN, a->query->pos, "Table source is not supported with table functions");
    Gather g = {.base = {b->arena, replace_call}, .b = b, .input = input, .capacity = MOST_CALLS};
    g.calls  = ARENA_ARRAY(b->arena, const Expr *, MOST_CALLS);
    for (size_t i = 0; i < a->item_count; i++)
        TRY(ast_rewrite(&g.base, a->items[i].flat, &a->items[i].flat, err));
    PlanNode    *node    = builder_node(b, &node_flatten, "Flatten", input, NULL);
    PlanFlatten *details = ARENA_NEW(b->arena, PlanFlatten);
    node->schema         = flattened_schema(b, input->schema, &g);
    *details             = (PlanFlatten){g.calls, g.count};
    node->details        = details;
    *out                 = node;
    return OK;
}
