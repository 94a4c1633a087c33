/*
 * analysis.c - FROM, names and references of a SELECT (sql.md 5.2, steps 2 and 3).
 */
#include "planner/analysis.h"

#include "core/suggest.h"
#include "parser/parser.h"
#include "planner/aggregate_rules.h"
#include "planner/select_items.h"
#include "planner/source_rules.h"

/* ---- FROM ---- */

/* A copy: the plan has names, types and formats of the source, which may be dropped while the plan runs. */
static Status find_source(const Planner *planner, const AstSource *named, FromItem *out, Error *err)
{
    const Source *source = catalog_source(planner->catalog, named->name.text);
    out->alias           = named->alias.text;
    out->pos             = named->name.pos;
    if (source != NULL) {
        out->source = source_copy(planner->arena, source);
        return OK;
    }
    error_set(err, E_PLAN, named->name.pos,
              "Exception while preparing statement: " STR_FMT " does not exist.", STR_ARG(named->name.text));
    catalog_hint(planner->catalog, named->name.text, err);
    return E_PLAN;
}

/* A value column named like a pseudo column hides it from everything (sql.md 5.2). */
static Status check_legacy_columns(const Source *source, Error *err)
{
    StrBuf names = {0};
    for (size_t i = source->schema->key_count; i < source->schema->key_count + source->schema->value_count;
         i++)
        if (is_reserved_column(source->schema->columns[i].name))
            strbuf_addf(&names, "%s`" STR_FMT "`", names.len ? ", " : "",
                        STR_ARG(source->schema->columns[i].name));
    Status status = OK;
    if (names.len > 0)
        status = error_set(err, E_PLAN, NO_POS,
                           "Your stream/table has columns with the same name as newly introduced "
                           "pseudocolumns in ksqlDB, and cannot be queried "
                           "as a result. The conflicting names are: " STR_FMT ".",
                           STR_ARG(strbuf_str(&names)));
    strbuf_clear(&names);
    return status;
}

static Status check_self_join(const Analysis *a, Error *err)
{
    for (size_t i = 0; i < a->from_count; i++) {
        for (size_t j = 0; j < i; j++) {
            Str name = a->from[i].source->name;
            if (!str_equal(name, a->from[j].source->name))
                continue;
            if (a->from_count == 2)
                return error_set(err, E_PLAN, a->from[i].pos,
                                 "Can not join '" STR_FMT "' to '" STR_FMT
                                 "': self joins are not yet supported.",
                                 STR_ARG(name), STR_ARG(name));
            return error_set(
                err, E_PLAN, a->from[i].pos,
                "N-way joins do not support multiple occurrences of the same source. Source: '" STR_FMT "'.",
                STR_ARG(name));
        }
    }
    return OK;
}

static Status find_sources(Analysis *a, Error *err)
{
    const AstQuery *query = a->query;
    a->from_count         = 1 + query->join_count;
    a->from               = ARENA_ARRAY(a->planner->arena, FromItem, a->from_count);
    TRY(find_source(a->planner, &query->from, &a->from[0], err));
    for (size_t i = 0; i < query->join_count; i++)
        TRY(find_source(a->planner, &query->joins[i].source, &a->from[i + 1], err));
    for (size_t i = 0; i < a->from_count; i++)
        TRY(check_legacy_columns(a->from[i].source, err));
    return check_self_join(a, err);
}

/* ---- columns ---- */

/* Pseudo columns count as columns of every source, window bounds of windowed ones. */
static bool source_has(const Source *source, Str name)
{
    if (schema_find(source->schema, name) >= 0)
        return true;
    if (str_equal(name, STR_LIT("WINDOWSTART")) || str_equal(name, STR_LIT("WINDOWEND")))
        return source->window.kind != WINDOWED_NO;
    return is_reserved_column(name);
}

static void note_pseudo(Analysis *a, Str name)
{
    a->uses_rowtime |= str_equal(name, STR_LIT("ROWTIME"));
    a->uses_rowpartition |= str_equal(name, STR_LIT("ROWPARTITION"));
    a->uses_rowoffset |= str_equal(name, STR_LIT("ROWOFFSET"));
    a->uses_windowstart |= str_equal(name, STR_LIT("WINDOWSTART"));
    a->uses_windowend |= str_equal(name, STR_LIT("WINDOWEND"));
}

typedef struct {
    AstRewriter base;
    Analysis   *a;
} Qualifier;

static Status refuse_ambiguous(const Analysis *a, const AstExpr *column, Error *err)
{
    StrBuf names = {0};
    size_t found = 0;
    for (size_t i = 0; i < a->from_count; i++) {
        if (source_has(a->from[i].source, column->name.text)) {
            strbuf_addf(&names, "%s" STR_FMT "." STR_FMT, found == 0 ? "" : " or ", STR_ARG(a->from[i].alias),
                        STR_ARG(column->name.text));
            found++;
        }
    }
    error_set(err, E_PLAN, column->pos,
              "Exception while preparing statement: Line: %u, Col: %u: Column '" STR_FMT
              "' is ambiguous. Could be " STR_FMT ".",
              column->pos.line, column->pos.col, STR_ARG(column->name.text), STR_ARG(strbuf_str(&names)));
    strbuf_clear(&names);
    return E_PLAN;
}

static Status check_lambda(const Analysis *a, const AstExpr *lambda, Error *err)
{
    for (size_t i = 0; i < lambda->name_count; i++)
        for (size_t from = 0; from < a->from_count; from++)
            if (schema_find(a->from[from].source->schema, lambda->names[i].text) >= 0)
                return error_set(err, E_PLAN, lambda->names[i].pos,
                                 "Lambda function argument can't be a column name: " STR_FMT,
                                 STR_ARG(lambda->names[i].text));
    return OK;
}

/* Binds an unqualified column to its one source; one that no source has is left for check_references. */
static Status qualify_column(AstRewriter *self, const AstExpr *expr, const AstExpr **out, Error *err)
{
    Analysis *a     = ((Qualifier *)self)->a;
    size_t    found = 0, at = 0;
    if (expr->kind == AST_LAMBDA)
        return check_lambda(a, expr, err);
    if (expr->kind != AST_COLUMN)
        return OK;
    note_pseudo(a, expr->name.text);
    *out = expr;
    if (!str_is_null(expr->qualifier.text)) {
        for (size_t i = 0; i < a->from_count;
             i++) /* a source may be called by its name although it has an alias */
            if (!str_equal(a->from[i].alias, expr->qualifier.text) &&
                str_equal(a->from[i].source->name, expr->qualifier.text))
                at = i + 1;
        for (size_t i = 0; i < a->from_count; i++)
            if (str_equal(a->from[i].alias, expr->qualifier.text))
                return OK;
        if (at == 0)
            return error_set(err, E_PLAN, expr->pos,
                             "Failed to prepare statement: '" STR_FMT
                             "' is not a valid stream/table name or alias.",
                             STR_ARG(expr->qualifier.text));
        found = 1;
        at--;
    } else {
        for (size_t i = 0; i < a->from_count; i++) {
            if (source_has(a->from[i].source, expr->name.text)) {
                at = i;
                found++;
            }
        }
    }
    if (found > 1)
        return refuse_ambiguous(a, expr, err);
    if (found == 0)
        return OK;
    AstExpr *qualified        = ARENA_NEW(a->planner->arena, AstExpr);
    *qualified                = *expr;
    qualified->qualifier      = expr->name;
    qualified->qualifier.text = a->from[at].alias;
    *out                      = qualified;
    return OK;
}

int analysis_partitions(const Analysis *a, size_t from)
{
    int           partitions, replicas;
    const Source *source = a->from[from].source;
    if (a->planner->host->topic(a->planner->host, source->topic, &partitions, &replicas))
        return partitions;
    return source->partitions;
}

Str analysis_flat_name(const Analysis *a, size_t from, Str column)
{
    if (!analysis_is_join(a))
        return column;
    return str_printf(a->planner->arena, STR_FMT "_" STR_FMT, STR_ARG(a->from[from].alias), STR_ARG(column));
}

static Status flatten_column(AstRewriter *self, const AstExpr *expr, const AstExpr **out, Error *err)
{
    Analysis *a = ((Qualifier *)self)->a;
    if (expr->kind != AST_COLUMN)
        return OK;
    *out = expr;
    if (str_is_null(expr->qualifier.text))
        return OK;
    for (size_t i = 0; i < a->from_count; i++) {
        if (!str_equal(a->from[i].alias, expr->qualifier.text))
            continue;
        AstExpr *flat        = ARENA_NEW(a->planner->arena, AstExpr);
        *flat                = *expr;
        flat->qualifier.text = STR_NULL;
        flat->name.text      = analysis_flat_name(a, i, expr->name.text);
        *out                 = flat;
        return OK;
    }
    return OK;
}

static Status both_forms(Analysis *a, const AstExpr *written, BothForms *out, Error *err)
{
    Qualifier qualifier = {{a->planner->arena, qualify_column}, a};
    Qualifier flattener = {{a->planner->arena, flatten_column}, a};
    TRY(ast_rewrite(&qualifier.base, written, &out->qualified, err));
    return ast_rewrite(&flattener.base, out->qualified, &out->flat, err);
}

Status select_both_forms(Analysis *a, const AstExpr *written, BothForms *out, Error *err)
{
    return both_forms(a, written, out, err);
}

static Status both_forms_list(Analysis *a, const AstExpr *const *written, size_t count, BothForms **out,
                              Error *err)
{
    *out = ARENA_ARRAY(a->planner->arena, BothForms, count);
    for (size_t i = 0; i < count; i++)
        TRY(both_forms(a, written[i], &(*out)[i], err));
    return OK;
}

/* ---- do all references resolve? ---- */

typedef struct {
    AstRewriter     base; /* walks like a rewriter, replaces nothing */
    const Analysis *a;
    const char     *clause, *more;
} Checker;

static bool resolves(const Analysis *a, const AstExpr *column)
{
    Str  name         = column->name.text;
    bool window_bound = str_equal(name, STR_LIT("WINDOWSTART")) || str_equal(name, STR_LIT("WINDOWEND"));
    if (window_bound && a->query->window.kind != WINDOW_NONE)
        return true;
    if (str_is_null(column->qualifier.text)) /* a synthetic join key belongs to no source */
        return analysis_is_join(a) && str_starts_with(name, STR_LIT("ROWKEY"));
    for (size_t i = 0; i < a->from_count; i++)
        if (str_equal(a->from[i].alias, column->qualifier.text))
            return source_has(a->from[i].source, name);
    return false;
}

/* The habit from other dialects: an alias of SELECT in HAVING or GROUP BY. */
static bool hint_alias(const Analysis *a, const AstExpr *column, const char *clause, Error *err)
{
    for (size_t i = 0; i < a->item_count && str_is_null(column->qualifier.text); i++) {
        if (a->items[i].generated || !str_equal(a->items[i].alias, column->name.text))
            continue;
        const AstExpr *named = a->items[i].flat;
        if (named->kind == AST_COLUMN && str_equal(named->name.text, column->name.text))
            continue; /* the key that PARTITION BY adds to SELECT *: it is the unknown name itself */
        StrBuf text = {0};
        ast_print_expr(named, &text);
        error_append(err,
                     "\n`" STR_FMT "` is an alias in SELECT, which %s does not see. Use " STR_FMT " instead.",
                     STR_ARG(column->name.text), clause, STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        return true;
    }
    return false;
}

/* The nearest column of the sources that the reference can be about. */
static void hint_column(const Analysis *a, const AstExpr *column, Error *err)
{
    enum { MOST_NAMES = 256 };
    Str    names[MOST_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < a->from_count; i++) {
        const Schema *schema = a->from[i].source->schema;
        if (!str_is_null(column->qualifier.text) && !str_equal(column->qualifier.text, a->from[i].alias))
            continue;
        for (size_t c = 0; c < schema->count && count < MOST_NAMES; c++)
            names[count++] = schema->columns[c].name;
    }
    Str nearest = str_nearest(column->name.text, names, count);
    if (!str_is_null(nearest))
        error_append(err, "\nDid you mean `" STR_FMT "`?", STR_ARG(nearest));
}

static Status check_column(AstRewriter *self, const AstExpr *expr, const AstExpr **out, Error *err)
{
    Checker *checker = (Checker *)self;
    if (expr->kind != AST_COLUMN)
        return OK;
    *out = expr;
    if (resolves(checker->a, expr))
        return OK;
    StrBuf text = {0};
    ast_print_expr(expr, &text);
    error_set(err, E_PLAN, expr->pos, "Line: %u, Col: %u: %s column '" STR_FMT "' cannot be resolved.%s",
              expr->pos.line, expr->pos.col, checker->clause, STR_ARG(strbuf_str(&text)), checker->more);
    if (!hint_alias(checker->a, expr, checker->clause, err))
        hint_column(checker->a, expr, err);
    strbuf_clear(&text);
    return E_PLAN;
}

static Status check_expr(const Analysis *a, const AstExpr *expr, const char *clause, Error *err)
{
    bool           partition = strcmp(clause, "PARTITION BY") == 0;
    StrBuf         more      = {0};
    const AstExpr *ignored;
    if (expr == NULL)
        return OK;
    if (partition) {
        strbuf_adds(&more, " '");
        ast_print_expr(expr, &more);
        strbuf_adds(&more,
                    "' must be a column in the source schema since PARTITION BY is applied on the input.");
        strbuf_addc(&more, '\0');
    }
    Checker checker = {{a->planner->arena, check_column}, a, clause, partition ? more.ptr : ""};
    Status  status  = ast_rewrite(&checker.base, expr, &ignored, err);
    strbuf_clear(&more);
    return status;
}

static Status check_references(const Analysis *a, Error *err)
{
    for (size_t i = 0; i + 1 < a->from_count; i++)
        TRY(check_expr(a, a->join_on[i].qualified, "JOIN ON", err));
    TRY(check_expr(a, a->where.qualified, "WHERE", err));
    for (size_t i = 0; i < a->query->group_count; i++)
        TRY(check_expr(a, a->group_by[i].qualified, "GROUP BY", err));
    for (size_t i = 0; i < a->query->partition_count; i++)
        TRY(check_expr(a, a->partition_by[i].qualified, "PARTITION BY", err));
    TRY(check_expr(a, a->having.qualified, "HAVING", err));
    for (size_t i = 0; i < a->item_count; i++)
        TRY(check_expr(a, a->items[i].qualified, "SELECT", err));
    return OK;
}

/* ---- restrictions that need no types ---- */

static Status check_kafka_values(const Analysis *a, const char *feature, Error *err)
{
    StrBuf names = {0};
    for (size_t i = 0; i < a->from_count; i++)
        if (format_facts(a->from[i].source->value_format.format)->opaque)
            strbuf_addf(&names, "%s" STR_FMT, names.len ? ", " : "", STR_ARG(a->from[i].source->name));
    Status status = OK;
    if (names.len > 0)
        status =
            error_set(err, E_PLAN, NO_POS,
                      "Source(s) " STR_FMT
                      " are using the 'KAFKA' value format. This format does not yet support %s.\nEither:\n"
                      "1. Declare the source with a format that supports %s, or\n2. Convert the stream first "
                      "with CREATE STREAM AS SELECT "
                      "into a format that does.",
                      STR_ARG(strbuf_str(&names)), feature, feature);
    strbuf_clear(&names);
    return status;
}

static bool property_is_false(const Planner *planner, const char *name)
{
    Str value = planner->host->property(planner->host, name);
    return !str_is_null(value) && str_equal_nocase(value, STR_LIT("false"));
}

static Status check_shape(const Analysis *a, Error *err)
{
    const AstQuery *query = a->query;
    if (analysis_is_join(a))
        TRY(check_kafka_values(a, "JOIN", err));
    if (query->has_group_by)
        TRY(check_kafka_values(a, "GROUP BY", err));
    if (analysis_aggregates(a))
        TRY(check_aggregation(a, err));
    if (query->window.kind != WINDOW_NONE && !query->has_group_by)
        return error_set(err, E_PLAN, query->window.pos,
                         "Line: %u, Col: %u: WINDOW clause requires a GROUP BY clause.",
                         query->window.pos.line, query->window.pos.col);
    if (query->emit == EMIT_FINAL) {
        if (query->window.kind == WINDOW_NONE)
            return error_set(err, E_PLAN, query->pos,
                             "EMIT FINAL is only supported for windowed aggregations.");
        if (property_is_false(a->planner, "ksql.suppress.enabled"))
            return error_set(err, E_PLAN, query->pos,
                             "Suppression is currently disabled. You can enable it by setting "
                             "ksql.suppress.enabled to true");
    }
    if (!a->persistent && query->emit != EMIT_NONE && query->has_limit && query->limit < 0)
        return error_set(err, E_PLAN, query->pos,
                         "Push queries don't support negative integers in the LIMIT clause.");
    if (a->persistent && query->has_limit && a->statement_kind[0] == 'C')
        return error_set(err, E_PLAN, query->pos, "%s statements don't support LIMIT clause.",
                         a->statement_kind);
    return OK;
}

typedef struct {
    bool found;
} Found;

static void note_aggregate(void *context, const AstExpr *call) { ((Found *)context)->found = true; }

bool analysis_aggregates(const Analysis *a)
{
    Found found = {a->query->has_group_by};
    for (size_t i = 0; i < a->item_count; i++)
        visit_aggregates(a->planner->functions, a->items[i].flat, note_aggregate, &found);
    if (a->having.flat != NULL)
        visit_aggregates(a->planner->functions, a->having.flat, note_aggregate, &found);
    return found.found;
}

/* Keys are compared with each other and with all of the select list. */
static Status check_key_count(const AstQuery *query, Error *err)
{
    enum { MOST_KEYS = 256 };
    if (query->group_count <= MOST_KEYS && query->partition_count <= MOST_KEYS)
        return OK;
    return error_set(err, E_PLAN, query->pos, "%s has more than %d expressions",
                     query->group_count > MOST_KEYS ? "GROUP BY" : "PARTITION BY", MOST_KEYS);
}

static Status qualify_clauses(Analysis *a, Error *err)
{
    const AstQuery *query = a->query;
    TRY(check_key_count(query, err));
    a->join_on = ARENA_ARRAY(a->planner->arena, BothForms, query->join_count);
    for (size_t i = 0; i < query->join_count; i++)
        TRY(both_forms(a, query->joins[i].on, &a->join_on[i], err));
    if (query->where != NULL)
        TRY(both_forms(a, query->where, &a->where, err));
    if (query->having != NULL)
        TRY(both_forms(a, query->having, &a->having, err));
    TRY(both_forms_list(a, query->group_by, query->group_count, &a->group_by, err));
    return both_forms_list(a, query->partition_by, query->partition_count, &a->partition_by, err);
}

Status analyze_query(const Planner *planner, const AstQuery *query, bool persistent, Str sink_name,
                     const char *statement_kind, Analysis **out, Error *err)
{
    Analysis *a       = ARENA_NEW(planner->arena, Analysis);
    *out              = a;
    a->planner        = planner;
    a->query          = query;
    a->persistent     = persistent;
    a->sink_name      = sink_name;
    a->statement_kind = statement_kind;
    a->typer          = (Typer){.catalog          = planner->catalog,
                                .functions        = planner->functions,
                                .arena            = planner->arena,
                                .lambdas_disabled = property_is_false(planner, "ksql.lambdas.enabled")};
    TRY(find_sources(a, err));
    TRY(qualify_clauses(a, err));
    TRY(select_items_expand(a, err));
    TRY(check_references(a, err));
    return check_shape(a, err);
}
