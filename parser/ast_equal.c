/*
 * ast_equal.c - structural equality of trees, positions and texts aside.
 *
 * Two spellings of one thing are equal: INT and INTEGER, `a || b` and CONCAT(a, b), COUNT() and COUNT(*), a
 * quoted and a bare name that fold to the same.
 */
#include <math.h>

#include "parser/parser.h"

static bool names_equal(const AstName *a, const AstName *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!str_equal(a[i].text, b[i].text))
            return false;
    return true;
}

/* No text and the empty text differ. */
static bool texts_equal(Str a, Str b) { return str_is_null(a) == str_is_null(b) && str_equal(a, b); }

static bool types_equal(const AstType *a, const AstType *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case AST_TYPE_NAMED:
        return str_equal(a->name, b->name) ||
               (type_primitive(a->name) != NULL && type_primitive(a->name) == type_primitive(b->name));
    case AST_TYPE_DECIMAL:
        return a->precision == b->precision && a->scale == b->scale;
    case AST_TYPE_ARRAY:
        return types_equal(a->element, b->element);
    case AST_TYPE_MAP:
        return types_equal(a->key, b->key) && types_equal(a->element, b->element);
    case AST_TYPE_STRUCT:
        break;
    }
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!str_equal(a->fields[i].name.text, b->fields[i].name.text) ||
            !types_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

static bool exprs_equal(const AstExpr *const *a, const AstExpr *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!ast_expr_equal(a[i], b[i]))
            return false;
    return true;
}

/* What a node of this kind holds beside its operands. */
static bool contents_equal(const AstExpr *a, const AstExpr *b)
{
    switch (a->kind) {
    case AST_BOOLEAN:
    case AST_INTEGER:
        return a->integer == b->integer;
    case AST_DOUBLE:
        return a->number == b->number && signbit(a->number) == signbit(b->number);
    case AST_DECIMAL:
    case AST_STRING:
        return str_equal(a->text, b->text);
    case AST_COLUMN:
        return texts_equal(a->qualifier.text, b->qualifier.text) && str_equal(a->name.text, b->name.text);
    case AST_BINARY:
        return a->op == b->op;
    case AST_IS_NULL:
    case AST_BETWEEN:
    case AST_IN:
        return a->negated == b->negated;
    case AST_LIKE:
        return a->negated == b->negated && texts_equal(a->text, b->text);
    case AST_CASE:
    case AST_SIMPLE_CASE:
        return a->has_else == b->has_else;
    case AST_CAST:
        return types_equal(a->type, b->type);
    case AST_CALL:
        return str_equal_nocase(a->name.text, b->name.text);
    case AST_FIELD:
        return str_equal(a->name.text, b->name.text);
    case AST_STRUCT_OF:
    case AST_LAMBDA:
        return a->name_count == b->name_count && names_equal(a->names, b->names, a->name_count);
    case AST_UNIT:
        return a->unit == b->unit;
    case AST_NULL:
    case AST_NOT:
    case AST_NEGATE:
    case AST_PLUS:
    case AST_SUBSCRIPT:
    case AST_ARRAY_OF:
    case AST_MAP_OF:
        break;
    }
    return true;
}

bool ast_expr_equal(const AstExpr *a, const AstExpr *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->kind == b->kind && a->count == b->count && contents_equal(a, b) &&
           exprs_equal(a->operands, b->operands, a->count);
}

static bool spans_equal(const AstSpan *a, const AstSpan *b)
{
    return a->amount == b->amount && a->unit == b->unit;
}

static bool items_equal(const AstSelectItem *a, const AstSelectItem *b)
{
    return a->kind == b->kind && ast_expr_equal(a->expr, b->expr) &&
           texts_equal(a->source.text, b->source.text) && texts_equal(a->alias.text, b->alias.text);
}

static bool sources_equal(const AstSource *a, const AstSource *b)
{
    return str_equal(a->name.text, b->name.text) && str_equal(a->alias.text, b->alias.text);
}

static bool joins_equal(const AstJoin *a, const AstJoin *b)
{
    return a->kind == b->kind && sources_equal(&a->source, &b->source) && a->has_within == b->has_within &&
           a->has_grace == b->has_grace && spans_equal(&a->before, &b->before) &&
           spans_equal(&a->after, &b->after) && spans_equal(&a->grace, &b->grace) &&
           ast_expr_equal(a->on, b->on);
}

static bool windows_equal(const AstWindow *a, const AstWindow *b)
{
    return a->kind == b->kind && spans_equal(&a->size, &b->size) && spans_equal(&a->advance, &b->advance) &&
           a->has_retention == b->has_retention && spans_equal(&a->retention, &b->retention) &&
           a->has_grace == b->has_grace && spans_equal(&a->grace, &b->grace);
}

static bool clauses_equal(const AstQuery *a, const AstQuery *b)
{
    return windows_equal(&a->window, &b->window) && ast_expr_equal(a->where, b->where) &&
           ast_expr_equal(a->having, b->having) && a->has_group_by == b->has_group_by &&
           a->group_count == b->group_count && exprs_equal(a->group_by, b->group_by, a->group_count) &&
           a->has_partition_by == b->has_partition_by && a->partition_count == b->partition_count &&
           exprs_equal(a->partition_by, b->partition_by, a->partition_count) && a->emit == b->emit &&
           a->has_limit == b->has_limit && a->limit == b->limit;
}

static bool queries_equal(const AstQuery *a, const AstQuery *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->item_count != b->item_count || a->join_count != b->join_count ||
        !sources_equal(&a->from, &b->from))
        return false;
    for (size_t i = 0; i < a->item_count; i++)
        if (!items_equal(&a->items[i], &b->items[i]))
            return false;
    for (size_t i = 0; i < a->join_count; i++)
        if (!joins_equal(&a->joins[i], &b->joins[i]))
            return false;
    return clauses_equal(a, b);
}

static bool flags_equal(const AstStatement *a, const AstStatement *b)
{
    return a->is_table == b->is_table && a->or_replace == b->or_replace &&
           a->if_not_exists == b->if_not_exists && a->if_exists == b->if_exists &&
           a->source_keyword == b->source_keyword && a->delete_topic == b->delete_topic && a->all == b->all &&
           a->extended == b->extended && a->not_exists == b->not_exists &&
           a->connector_sink == b->connector_sink && a->connector_source == b->connector_source &&
           a->show == b->show && a->from_beginning == b->from_beginning &&
           a->has_interval == b->has_interval && a->interval == b->interval && a->has_limit == b->has_limit &&
           a->limit == b->limit && a->has_timeout == b->has_timeout &&
           spans_equal(&a->timeout, &b->timeout) && a->has_subject == b->has_subject &&
           a->has_id == b->has_id && a->promises == b->promises;
}

static bool elements_equal(const AstStatement *a, const AstStatement *b)
{
    if (a->element_count != b->element_count)
        return false;
    for (size_t i = 0; i < a->element_count; i++) {
        const AstElement *x = &a->elements[i], *y = &b->elements[i];
        if (x->kind != y->kind || !str_equal(x->name.text, y->name.text) || !types_equal(x->type, y->type) ||
            !texts_equal(x->header_key, y->header_key))
            return false;
    }
    return true;
}

static bool properties_equal(const AstStatement *a, const AstStatement *b)
{
    if (a->property_count != b->property_count)
        return false;
    for (size_t i = 0; i < a->property_count; i++)
        if (!str_equal(a->properties[i].name.text, b->properties[i].name.text) ||
            !ast_expr_equal(a->properties[i].value, b->properties[i].value))
            return false;
    return true;
}

static bool rows_equal(const AstStatement *a, const AstStatement *b)
{
    return (a->columns == NULL) == (b->columns == NULL) && a->column_count == b->column_count &&
           names_equal(a->columns, b->columns, a->column_count) && a->value_count == b->value_count &&
           exprs_equal(a->values, b->values, a->value_count);
}

bool ast_statement_equal(const AstStatement *a, const AstStatement *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->kind == b->kind && texts_equal(a->name.text, b->name.text) && flags_equal(a, b) &&
           elements_equal(a, b) && properties_equal(a, b) && queries_equal(a->query, b->query) &&
           types_equal(a->type, b->type) && rows_equal(a, b) && texts_equal(a->key, b->key) &&
           texts_equal(a->value, b->value) && ast_expr_equal(a->id, b->id) &&
           texts_equal(a->grantee.text, b->grantee.text) && a->privileges == b->privileges &&
           a->to_user == b->to_user && texts_equal(a->form.text, b->form.text) &&
           ast_statement_equal(a->explained, b->explained);
}
