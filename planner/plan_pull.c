/*
 * plan_pull.c - pull queries on tables: which keys, ranges or windows the WHERE asks for, and what is
 * computed of each row (sql.md 5.13).
 *
 * The whole condition is evaluated on every row that is fetched, so what is derived from it here only has to
 * be wide enough: keys that all disjuncts bind, a range, window bounds. Everything else is a scan.
 */
#include "parser/parser.h"
#include "planner/pull_constraint.h"
#include "planner/pull_disjuncts.h"
#include "planner/pull_rules.h"
#include "planner/query_build.h"

static Status check_table(const Analysis *a, Error *err)
{
    Str name = a->from[0].source->name;
    if (!str_is_null(a->from[0].source->query_id))
        return OK;
    return error_set(
        err, E_PLAN, a->from[0].pos,
        "The `" STR_FMT
        "` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_" STR_FMT
        " AS SELECT * FROM " STR_FMT "'.%s",
        STR_ARG(name), STR_ARG(name), STR_ARG(name), pull_help_text);
}

static Status check_star(const Analysis *a, Error *err)
{
    if (a->has_star && a->query->item_count > 1)
        return error_set(
            err, E_PLAN, a->query->pos,
            "Pull queries only support wildcards in the projects if they are the only expression%s",
            pull_help_text);
    return OK;
}

/* ---- the row that expressions are evaluated over ---- */

static const Schema *pull_schema(Arena *arena, const Source *table)
{
    const Schema *from    = table->schema;
    size_t        count   = from->count;
    Column       *columns = ARENA_ARRAY(arena, Column, count + 3);
    memcpy(columns, from->columns, count * sizeof *columns);
    columns[count++] = (Column){STR_LIT("ROWTIME"), &type_bigint, COLUMN_ROWTIME, STR_NULL};
    if (table->window.kind != WINDOWED_NO) {
        columns[count++] = (Column){STR_LIT("WINDOWSTART"), &type_bigint, COLUMN_WINDOWSTART, STR_NULL};
        columns[count++] = (Column){STR_LIT("WINDOWEND"), &type_bigint, COLUMN_WINDOWEND, STR_NULL};
    }
    return schema_new(arena, columns, count);
}

/* Keys and window bounds are marked. Header columns stay what they are under `*` alone, as in ksqlDB. */
static Column result_column(const SelectItem *item, const Expr *value, const Schema *schema)
{
    Column        result = {item->alias, value->type, COLUMN_VALUE, STR_NULL};
    const Column *column = value->kind == EXPR_COLUMN ? &schema->columns[value->slot] : NULL;
    if (column == NULL)
        return result;
    if (column->role == COLUMN_KEY || column->role >= COLUMN_WINDOWSTART)
        result.role = COLUMN_KEY;
    else if (column->role == COLUMN_HEADERS && item->from_star)
        result = (Column){item->alias, value->type, COLUMN_HEADERS, column->header_key};
    return result;
}

static Status type_result(const Analysis *a, PullPlan *plan, Error *err)
{
    Arena       *arena   = a->planner->arena;
    Column      *columns = ARENA_ARRAY(arena, Column, a->item_count);
    const Expr **values  = ARENA_ARRAY(arena, const Expr *, a->item_count);
    SchemaScope  scope;
    schema_scope_init(&scope, plan->schema);
    for (size_t i = 0; i < a->item_count; i++) {
        if (type_expression(&a->typer, a->items[i].flat, &scope.base, &values[i], err) != OK)
            return err->code == E_PLAN ? error_prefix(err, "Invalid expression: ") : err->code;
        TRY(check_item_type(a->items[i].flat, values[i], err));
        columns[i] = result_column(&a->items[i], values[i], plan->schema);
    }
    /* In projection order, keys only marked: not through schema_new, which would sort. */
    Schema *result = ARENA_NEW(arena, Schema);
    *result        = (Schema){.columns = columns, .count = a->item_count, .value_count = a->item_count};
    plan->result   = result;
    plan->values   = values;
    return OK;
}

/* What stands within BETWEEN, LIKE and IN is typed only after the rules for keys have been applied: those are
 * said first. */
static Status find_rows(const Analysis *a, PullPlan *plan, Error *err)
{
    static const char within[] = "Invalid expression: ";
    SchemaScope       scope;
    Error             later = {0};
    Typer             typer = a->typer;
    Status            typed = OK;
    if (a->where.flat != NULL) {
        typer.magic_timestamps = true;
        typer.hidden_prefix    = within;
        schema_scope_init(&scope, plan->schema);
        typed = type_condition(&typer, a->where.flat, &scope.base, "WHERE", &plan->where, &later);
        if (typed != OK && !str_starts_with(str_c(later.message), str_c(within))) {
            *err = later;
            return typed;
        }
        TRY(pull_check_form(a->where.flat, err));
    }
    LambdaBudget lambdas = {0};
    Typer        bounds  = a->typer;
    bounds.lambdas       = &lambdas;
    TRY(pull_find_access(a->planner, &bounds, a->where.flat, plan, err));
    if (typed != OK)
        *err = later;
    return typed;
}

Status plan_pull_query(const Planner *planner, const AstStatement *statement, PullPlan **out, Error *err)
{
    Analysis *a;
    PullPlan *plan = ARENA_NEW(planner->arena, PullPlan);
    TRY(pull_check_clauses(planner, statement->query, err));
    TRY(analyze_query(planner, statement->query, false, STR_NULL, "SELECT", &a, err));
    TRY(pull_check_columns(a, err));
    TRY(pull_check_enabled(a, err));
    TRY(check_table(a, err));
    TRY(check_star(a, err));
    plan->table  = a->from[0].source;
    plan->store  = plan->table->name;
    plan->schema = pull_schema(planner->arena, plan->table);
    TRY(find_rows(a, plan, err));
    TRY(type_result(a, plan, err));
    plan->has_limit = statement->query->has_limit;
    plan->limit     = statement->query->limit;
    *out            = plan;
    return OK;
}
