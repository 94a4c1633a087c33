/*
 * pull_rules.c - see pull_rules.h. In the dialect's order: clauses, columns, switches.
 */
#include "planner/pull_rules.h"

const char pull_help_text[] =
    " See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.";

static Status refuse(Pos pos, Error *err, const char *message)
{
    return error_set(err, E_PLAN, pos, "%s%s", message, pull_help_text);
}

bool pull_is_off(const Planner *planner, const char *name)
{
    Str value = planner->host->property(planner->host, name);
    return !str_is_null(value) && str_equal_nocase(value, STR_LIT("false"));
}

Status pull_check_clauses(const Planner *planner, const AstQuery *query, Error *err)
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
    if (query->has_limit && pull_is_off(planner, "ksql.query.pull.limit.clause.enabled"))
        return refuse(query->pos, err,
                      "LIMIT clause in pull queries is currently disabled. You can enable them by setting "
                      "ksql.query.pull.limit.clause.enabled=true.");
    if (query->has_limit && query->limit < 0)
        return refuse(query->pos, err, "Pull queries don't support negative integers in the LIMIT clause.");
    return OK;
}

/* ---- columns ---- */

static const Str refused_columns[] = {STR_LIT("ROWPARTITION"), STR_LIT("ROWOFFSET")};

typedef struct {
    bool found[ARRAY_LEN(refused_columns)];
    Pos  pos; /* of the first */
} Refused;

static void look_for_refused(const AstExpr *expr, Refused *refused)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_columns) && expr->kind == AST_COLUMN; i++)
        if (str_equal(expr->name.text, refused_columns[i])) {
            refused->pos      = refused->pos.line == 0 ? expr->pos : refused->pos;
            refused->found[i] = true;
        }
    for (size_t i = 0; i < expr->count; i++)
        look_for_refused(expr->operands[i], refused);
}

static Status refuse_found(const Refused *refused, const char *clause, Error *err)
{
    StrBuf names = {0};
    for (size_t i = 0; i < ARRAY_LEN(refused_columns); i++)
        if (refused->found[i])
            strbuf_addf(&names, "%s`" STR_FMT "`", names.len > 0 ? ", " : "", STR_ARG(refused_columns[i]));
    Status status = OK;
    if (names.len > 0)
        status = error_set(err, E_PLAN, refused->pos,
                           "Pull queries don't support the following columns in %s clauses: " STR_FMT "\n%s",
                           clause, STR_ARG(strbuf_str(&names)), pull_help_text);
    strbuf_clear(&names);
    return status;
}

Status pull_check_columns(const Analysis *a, Error *err)
{
    Refused selected = {0}, where = {0};
    for (size_t i = 0; i < a->item_count; i++)
        look_for_refused(a->items[i].qualified, &selected);
    TRY(refuse_found(&selected, "SELECT", err));
    if (a->where.qualified != NULL)
        look_for_refused(a->where.qualified, &where);
    return refuse_found(&where, "WHERE", err);
}

/* ---- switches ---- */

Status pull_check_enabled(const Analysis *a, Error *err)
{
    if (!pull_is_off(a->planner, "ksql.pull.queries.enable"))
        return OK;
    return refuse(
        a->query->pos, err,
        "Pull queries are disabled. Please set ksql.pull.queries.enable=true to enable this feature.\n");
}

Status pull_check_stream_query(const Analysis *a, Error *err)
{
    TRY(pull_check_clauses(a->planner, a->query, err));
    TRY(pull_check_columns(a, err));
    TRY(pull_check_enabled(a, err));
    if (!pull_is_off(a->planner, "ksql.query.pull.stream.enabled"))
        return OK;
    return refuse(a->query->pos, err,
                  "Pull queries on streams are disabled. To create a push query on the stream, add EMIT "
                  "CHANGES to the end. To enable pull "
                  "queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.");
}
