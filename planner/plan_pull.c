/*
 * plan_pull.c - pull queries on tables: which keys, ranges or windows the WHERE asks for, and what is computed of each row (sql.md 5.13).
 *
 * The whole condition is evaluated on every row that is fetched, so what is derived from it here only has to be wide enough: keys that all
 * disjuncts bind, a range, window bounds. Everything else is a scan.
 */
#include "parser/parser.h"
#include "planner/pull_constraint.h"
#include "planner/query_build.h"

static const char help_text[] = " See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.";

static Status refuse(Pos pos, Error *err, const char *message) { return error_set(err, E_PLAN, pos, "%s%s", message, help_text); }

static bool is_false(const Planner *planner, const char *name)
{
    Str value = planner->host->property(planner->host, name);
    return !str_is_null(value) && str_equal_nocase(value, STR_LIT("false"));
}

/* ---- what a pull query may not have ---- */

static Status check_clauses(const Planner *planner, const AstQuery *query, Error *err)
{
    if (query->join_count > 0)
        return refuse(query->joins[0].pos, err, "Pull queries don't support JOIN clauses.");
    if (query->window.kind != WINDOW_NONE)
        return refuse(query->window.pos, err, "Pull queries don't support WINDOW clauses.");
    if (query->has_group_by)
        return refuse(query->pos, err, "Pull queries don't support GROUP BY clauses.");
    if (query->has_partition_by)
        return refuse(query->pos, err, "Pull queries don't support PARTITION BY clauses.");
    if (query->having != NULL)
        return refuse(query->pos, err, "Pull queries don't support HAVING clauses.");
    if (query->has_limit && is_false(planner, "ksql.query.pull.limit.clause.enabled"))
        return refuse(query->pos, err, "LIMIT clause in pull queries is currently disabled. You can enable them by setting "
                                       "ksql.query.pull.limit.clause.enabled=true.");
    if (query->has_limit && query->limit < 0)
        return refuse(query->pos, err, "Pull queries don't support negative integers in the LIMIT clause.");
    return OK;
}

static Status check_columns(const Analysis *a, Error *err)
{
    if (!a->uses_rowpartition && !a->uses_rowoffset)
        return OK;
    const char *one  = a->uses_rowpartition ? "`ROWPARTITION`" : "`ROWOFFSET`";
    const char *both = a->uses_rowpartition && a->uses_rowoffset ? ", `ROWOFFSET`" : "";
    error_set(err, E_PLAN, a->query->pos, "Pull queries don't support the following columns in SELECT clauses: %s%s\n%s", one, both, help_text);
    return E_PLAN;
}

static Status check_table(const Planner *planner, const Analysis *a, Error *err)
{
    Str name = a->from[0].source->name;
    if (is_false(planner, "ksql.pull.queries.enable"))
        return refuse(a->query->pos, err, "Pull queries are disabled. Please set ksql.pull.queries.enable=true to enable this feature.\n");
    if (!str_is_null(a->from[0].source->query_id))
        return OK;
    return error_set(err, E_PLAN, a->from[0].pos,
                     "The `" STR_FMT "` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_" STR_FMT
                     " AS SELECT * FROM " STR_FMT "'.%s",
                     STR_ARG(name), STR_ARG(name), STR_ARG(name), help_text);
}

static Status check_star(const Analysis *a, Error *err)
{
    if (a->has_star && a->query->item_count > 1)
        return refuse(a->query->pos, err, "Pull queries only support wildcards in the projects if they are the only expression");
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
    Schema *result  = ARENA_NEW(arena, Schema);
    *result         = (Schema){columns, a->item_count, 0, a->item_count};
    plan->result    = result;
    plan->values    = values;
    return OK;
}

static Status type_where(const Analysis *a, PullPlan *plan, Error *err)
{
    SchemaScope scope;
    Typer       typer = a->typer;
    if (a->where.flat == NULL)
        return OK;
    TRY(pull_check_condition(a->where.flat, err));
    typer.magic_timestamps = true;
    schema_scope_init(&scope, plan->schema);
    return type_condition(&typer, a->where.flat, &scope.base, "WHERE", &plan->where, err);
}

static Status check_scan(const Planner *planner, const PullPlan *plan, const AstQuery *query, Error *err)
{
    static const char hint[] = "Pull queries require a WHERE clause that:\n - includes a key equality expression, e.g. `SELECT * FROM X WHERE "
                               "<key-column> = Y;`.\n - in the case of a multi-column key, is a conjunction of equality expressions that cover all "
                               "key columns.\n - to support range expressions, e.g. `SELECT * FROM X WHERE <key-column> < Y;`, range scans need to be "
                               "enabled by setting `ksql.query.pull.range.scan.enabled=true`\nIf more flexible queries are needed, table scans can be "
                               "enabled by setting ksql.query.pull.table.scan.enabled=true.";
    if (plan->access != PULL_SCAN || !is_false(planner, "ksql.query.pull.table.scan.enabled"))
        return OK;
    return error_set(err, E_PLAN, query->pos, "%s%s%s", plan->where == NULL ? "Missing WHERE clause. " : "WHERE clause missing key column. ", hint,
                     help_text);
}

Status plan_pull_query(const Planner *planner, const AstStatement *statement, PullPlan **out, Error *err)
{
    Analysis *a;
    PullPlan *plan = ARENA_NEW(planner->arena, PullPlan);
    TRY(check_clauses(planner, statement->query, err));
    TRY(analyze_query(planner, statement->query, false, STR_NULL, "SELECT", &a, err));
    TRY(check_columns(a, err));
    TRY(check_table(planner, a, err));
    TRY(check_star(a, err));
    plan->table  = a->from[0].source;
    plan->store  = plan->table->name;
    plan->schema = pull_schema(planner->arena, plan->table);
    TRY(type_where(a, plan, err));
    TRY(type_result(a, plan, err));
    TRY(pull_find_access(planner, plan, err));
    TRY(check_scan(planner, plan, statement->query, err));
    plan->has_limit = statement->query->has_limit;
    plan->limit     = statement->query->limit;
    *out            = plan;
    return OK;
}
