/*
 * canonical.c - a statement is rebuilt from its analysis, then printed like any other.
 *
 * `*` stays what it is: which columns it stands for is the plan's business. What the WITH clause of a sink
 * says beside what the user wrote are the facts of its topic, so that the text alone would make the same one
 * again.
 */
#include "planner/canonical.h"

#include <stdlib.h>

#include "parser/parser.h"

/* ---- the query ---- */

/* Items stand in the order of the text, so each is looked for from the last one found on. */
static const SelectItem *item_at(const Analysis *a, Pos pos, size_t *from)
{
    for (size_t i = 0; i < a->item_count; i++) {
        const SelectItem *item = &a->items[(*from + i) % a->item_count];
        if (item->pos.line != pos.line || item->pos.col != pos.col)
            continue;
        *from = (size_t)(item - a->items);
        return item;
    }
    return NULL;
}

static AstSelectItem *name_items(const Analysis *a)
{
    const AstQuery *query = a->query;
    AstSelectItem  *items = ARENA_ARRAY(a->planner->arena, AstSelectItem, query->item_count);
    size_t          from  = 0;
    for (size_t i = 0; i < query->item_count; i++) {
        const SelectItem *item = item_at(a, query->items[i].pos, &from);
        items[i]               = query->items[i];
        if (items[i].kind != SELECT_EXPR || item == NULL)
            continue;
        items[i].expr       = item->qualified;
        items[i].alias.text = item->alias;
    }
    return items;
}

static const AstExpr **qualified_list(const Analysis *a, const BothForms *forms, size_t count)
{
    const AstExpr **list = ARENA_ARRAY(a->planner->arena, const AstExpr *, count);
    for (size_t i = 0; i < count; i++)
        list[i] = forms[i].qualified;
    return list;
}

static AstQuery *qualified_query(const Analysis *a)
{
    AstQuery *query     = ARENA_NEW(a->planner->arena, AstQuery);
    AstJoin  *joins     = ARENA_ARRAY(a->planner->arena, AstJoin, a->query->join_count);
    *query              = *a->query;
    query->items        = name_items(a);
    query->where        = a->where.qualified;
    query->having       = a->having.qualified;
    query->group_by     = qualified_list(a, a->group_by, query->group_count);
    query->partition_by = qualified_list(a, a->partition_by, query->partition_count);
    for (size_t i = 0; i < query->join_count; i++) {
        joins[i]    = query->joins[i];
        joins[i].on = a->join_on[i].qualified;
    }
    query->joins = joins;
    if (query->emit == EMIT_NONE)
        query->emit = EMIT_CHANGES;
    return query;
}

/* ---- WITH ---- */

static AstExpr *literal(Arena *arena, AstExprKind kind, Str text, int64_t number)
{
    AstExpr *expr = ARENA_NEW(arena, AstExpr);
    expr->kind    = kind;
    expr->text    = text;
    expr->integer = number;
    return expr;
}

static void add_property(AstStatement *statement, const char *name, AstExpr *value)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (str_equal(statement->properties[i].name.text, str_c(name)))
            return; /* the user's own */
    statement->properties[statement->property_count++] = (AstProperty){{.text = str_c(name)}, value};
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(((const AstProperty *)a)->name.text, ((const AstProperty *)b)->name.text);
}

static void describe_topic(Arena *arena, AstStatement *statement, const Source *sink, const TopicWish *topic)
{
    enum { FACTS = 5 };
    AstProperty *properties = ARENA_ARRAY(arena, AstProperty, statement->property_count + FACTS);
    for (size_t i = 0; i < statement->property_count; i++)
        properties[i] = statement->properties[i];
    statement->properties = properties;
    add_property(statement, "CLEANUP_POLICY", literal(arena, AST_STRING, str_c(topic->cleanup_policy), 0));
    add_property(statement, "KAFKA_TOPIC", literal(arena, AST_STRING, topic->name, 0));
    add_property(statement, "PARTITIONS", literal(arena, AST_INTEGER, STR_NULL, topic->partitions));
    add_property(statement, "REPLICAS",
                 literal(arena, AST_INTEGER, STR_NULL, topic->replicas > 0 ? topic->replicas : 1));
    if (sink->retention_ms >= 0)
        add_property(statement, "RETENTION_MS", literal(arena, AST_INTEGER, STR_NULL, sink->retention_ms));
    qsort(statement->properties, statement->property_count, sizeof *statement->properties, compare_names);
}

Str canonical_statement(const Analysis *a, const AstStatement *statement, const Source *sink,
                        const TopicWish *topic)
{
    Arena       *arena = a->planner->arena;
    AstStatement copy  = *statement;
    StrBuf       text  = {0};
    copy.query         = qualified_query(a);
    if (sink != NULL)
        describe_topic(arena, &copy, sink, topic);
    ast_print_statement(&copy, &text);
    Str printed = strbuf_str(&text);
    if (str_ends_with(printed, STR_LIT(";")))
        printed.len--;
    Str result = str_dup(arena, printed);
    strbuf_clear(&text);
    return result;
}
