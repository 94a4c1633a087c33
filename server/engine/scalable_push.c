/*
 * scalable_push.c - see scalable_push.h.
 */
#include "server/engine/scalable_push.h"

static bool names_position(const AstExpr *expr)
{
    if (expr == NULL)
        return false;
    if (expr->kind == AST_COLUMN && (str_equal(expr->name.text, STR_LIT("ROWPARTITION")) ||
                                     str_equal(expr->name.text, STR_LIT("ROWOFFSET"))))
        return true;
    for (size_t i = 0; i < expr->count; i++)
        if (names_position(expr->operands[i]))
            return true;
    return false;
}

static bool uses_position(const AstQuery *query)
{
    for (size_t i = 0; i < query->item_count; i++)
        if (names_position(query->items[i].expr))
            return true;
    return names_position(query->where);
}

static bool has_one_writer(const Execution *x, Str source)
{
    const QueryEntry **queries;
    size_t             count, writers = 0;
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++)
        writers += queries[i]->kind != QUERY_SOURCE_TABLE && str_equal(queries[i]->sink, source);
    return writers == 1;
}

bool scalable_push_applies(const Execution *x, const AstQuery *query)
{
    const Properties *overrides = x->session->overrides;
    if (!properties_is_true(overrides, "ksql.query.push.v2.enabled", false) ||
        execution_settings(x).offset_reset == OFFSET_RESET_EARLIEST)
        return false;
    if (query->emit != EMIT_CHANGES || query->join_count > 0 || query->window.kind != WINDOW_NONE)
        return false;
    if (query->has_group_by || query->has_partition_by || query->having != NULL || uses_position(query))
        return false;
    return has_one_writer(x, query->from.name.text);
}

Status scalable_push_check(const AstQuery *query, Error *err)
{
    for (size_t i = 0; i < query->item_count && query->item_count > 1; i++)
        if (query->items[i].kind == SELECT_STAR || query->items[i].kind == SELECT_SOURCE_STAR)
            return error_set(err, E_PLAN, query->items[i].pos,
                             "Scalable push queries only support wildcards in the projects if they are the "
                             "only expression");
    return OK;
}

Catalog *scalable_push_catalog(const Execution *x, const AstQuery *query)
{
    Catalog      *copy   = catalog_copy(x->catalog);
    const Source *source = catalog_source(x->catalog, query->from.name.text);
    Source        stream = *source;
    stream.is_table      = false;
    catalog_put_source(copy, &stream);
    return copy;
}
