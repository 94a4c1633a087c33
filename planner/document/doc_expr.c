/*
 * doc_expr.c - expressions in the plan's document: a tree of objects, each with what it is, its type, and
 * what that kind has beside its arguments.
 */
#include "planner/document/doc.h"

enum {
    HAS_OP       = 1,
    HAS_NEGATED  = 2,
    HAS_ELSE     = 4,
    HAS_OPERANDS = 8,
    HAS_VALUE    = 16,
    HAS_SLOT     = 32,
    HAS_PARAMS   = 64,
    HAS_ESCAPE   = 128,
    HAS_FUNCTION = 256,
};

static const unsigned has[] = {
    [EXPR_CONST]      = HAS_VALUE,
    [EXPR_COLUMN]     = HAS_SLOT,
    [EXPR_PARAM]      = HAS_SLOT,
    [EXPR_ARITHMETIC] = HAS_OP,
    [EXPR_COMPARE]    = HAS_OP | HAS_OPERANDS,
    [EXPR_IS_NULL]    = HAS_NEGATED,
    [EXPR_IN]         = HAS_NEGATED | HAS_OPERANDS,
    [EXPR_LIKE]       = HAS_NEGATED | HAS_ESCAPE,
    [EXPR_CASE]       = HAS_ELSE,
    [EXPR_CALL]       = HAS_FUNCTION,
    [EXPR_FIELD]      = HAS_SLOT,
    [EXPR_LAMBDA]     = HAS_SLOT | HAS_PARAMS,
};

static const char *const kind_names[] = {[EXPR_CONST]       = "CONST",
                                         [EXPR_COLUMN]      = "COLUMN",
                                         [EXPR_PARAM]       = "PARAM",
                                         [EXPR_ARITHMETIC]  = "ARITHMETIC",
                                         [EXPR_NEGATE]      = "NEGATE",
                                         [EXPR_CONCAT_TEXT] = "CONCAT_TEXT",
                                         [EXPR_COMPARE]     = "COMPARE",
                                         [EXPR_AND]         = "AND",
                                         [EXPR_OR]          = "OR",
                                         [EXPR_NOT]         = "NOT",
                                         [EXPR_IS_NULL]     = "IS_NULL",
                                         [EXPR_IN]          = "IN",
                                         [EXPR_LIKE]        = "LIKE",
                                         [EXPR_CASE]        = "CASE",
                                         [EXPR_CAST]        = "CAST",
                                         [EXPR_CALL]        = "CALL",
                                         [EXPR_SUBSCRIPT]   = "SUBSCRIPT",
                                         [EXPR_FIELD]       = "FIELD",
                                         [EXPR_ARRAY]       = "ARRAY",
                                         [EXPR_MAP]         = "MAP",
                                         [EXPR_STRUCT]      = "STRUCT",
                                         [EXPR_LAMBDA]      = "LAMBDA"};

static const char *const op_names[] = {[EXPR_ADD]           = "+",
                                       [EXPR_SUBTRACT]      = "-",
                                       [EXPR_MULTIPLY]      = "*",
                                       [EXPR_DIVIDE]        = "/",
                                       [EXPR_MODULO]        = "%",
                                       [EXPR_EQUAL]         = "=",
                                       [EXPR_NOT_EQUAL]     = "<>",
                                       [EXPR_LESS]          = "<",
                                       [EXPR_LESS_EQUAL]    = "<=",
                                       [EXPR_GREATER]       = ">",
                                       [EXPR_GREATER_EQUAL] = ">=",
                                       [EXPR_DISTINCT]      = "IS DISTINCT FROM",
                                       [EXPR_NOT_DISTINCT]  = "IS NOT DISTINCT FROM"};

_Static_assert(ARRAY_LEN(has) == ARRAY_LEN(kind_names), "each kind of expression has a row in both tables");

/* ---- writing ---- */

static void put_extras(json_t *json, const Expr *expr, unsigned what)
{
    if (what & HAS_OP)
        doc_put(json, "op", json_string_nocheck(op_names[expr->op]));
    if (what & HAS_NEGATED)
        doc_put(json, "negated", json_boolean(expr->negated));
    if (what & HAS_ELSE)
        doc_put(json, "hasElse", json_boolean(expr->has_else));
    if (what & HAS_OPERANDS)
        doc_put(json, "operands", doc_json_type(expr->operand_type));
    if (what & HAS_VALUE)
        doc_put(json, "value", doc_json_value(expr->type, expr->value));
    if (what & HAS_SLOT)
        doc_put(json, "slot", json_integer(expr->slot));
    if (what & HAS_PARAMS)
        doc_put(json, "params", json_integer(expr->param_count));
    if (what & HAS_ESCAPE)
        doc_put_text(json, "escape", expr->escape);
    if (what & HAS_FUNCTION)
        doc_put(json, "function", doc_json_function(expr->function));
}

json_t *doc_json_expr(const Expr *expr)
{
    if (expr == NULL)
        return json_null();
    json_t *json = json_object();
    doc_put(json, "is", json_string_nocheck(kind_names[expr->kind]));
    doc_put(json, "type", doc_json_type(expr->type));
    put_extras(json, expr, has[expr->kind]);
    if (expr->count > 0)
        doc_put(json, "args", doc_json_exprs(expr->args, expr->count));
    return json;
}

json_t *doc_json_exprs(const Expr *const *exprs, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, doc_json_expr(exprs[i]));
    return array;
}

/* ---- reading ---- */

/* What stands for an expression that could not be read. */
static const Expr nothing = {.kind = EXPR_CONST, .type = &type_null, .value = {.flags = VALUE_NULL}};

static void take_extras(DocReader *r, const DocNode *json, Expr *expr, unsigned what)
{
    if (what & HAS_OP)
        expr->op = (ExprOp)doc_choice(r, json, "op", op_names, ARRAY_LEN(op_names));
    if (what & HAS_NEGATED)
        expr->negated = doc_bool(r, json, "negated");
    if (what & HAS_ELSE)
        expr->has_else = doc_bool(r, json, "hasElse");
    if (what & HAS_OPERANDS)
        expr->operand_type = doc_type(r, json, "operands");
    if (what & HAS_VALUE)
        expr->value = doc_value_of(r, doc_field(r, json, "value"), expr->type);
    if (what & HAS_SLOT)
        expr->slot = (int)doc_int(r, json, "slot", 0, INT16_MAX);
    if (what & HAS_PARAMS)
        expr->param_count = (int)doc_int(r, json, "params", 0, INT16_MAX);
    if (what & HAS_ESCAPE)
        expr->escape = doc_text_or_null(r, json, "escape");
}

/* "args" is left out where there are none: most nodes are leaves. */
static void take_args(DocReader *r, const DocNode *json, Expr *expr, const Schema *schema)
{
    const DocNode *array  = doc_member(json, "args");
    int            params = r->params;
    if (array == NULL || !doc_ok(r))
        return;
    if (!doc_is_list(array)) {
        doc_fail(r, "\"args\" must be a list");
        return;
    }
    size_t       count = doc_count(array);
    const Expr **args  = ARENA_ARRAY(r->arena, const Expr *, count + 1);
    if (expr->kind == EXPR_LAMBDA)
        r->params += expr->param_count;
    const DocNode *arg = doc_first(array);
    for (size_t i = 0; i < count; i++, arg = doc_next(arg))
        args[i] = doc_expr_of(r, arg, schema);
    r->params   = params;
    expr->args  = args;
    expr->count = count;
}

static const Expr *read_expr(DocReader *r, const DocNode *json, const Schema *schema, bool table)
{
    Expr *expr = ARENA_NEW(r->arena, Expr);
    expr->kind = (ExprKind)doc_choice(r, json, "is", kind_names, ARRAY_LEN(kind_names));
    expr->type = doc_type(r, json, "type");
    take_extras(r, json, expr, has[expr->kind]);
    take_args(r, json, expr, schema);
    if (doc_ok(r) && expr->kind == EXPR_CALL)
        expr->function =
            doc_function(r, json, "function", table ? FN_TABLE : FN_SCALAR, expr->args, expr->count);
    if (doc_ok(r))
        doc_check_expr(r, expr, schema);
    return expr;
}

const Expr *doc_expr_of(DocReader *r, const DocNode *json, const Schema *schema)
{
    bool        table = r->table_calls;
    const Expr *expr  = &nothing;
    r->table_calls    = false;
    if (++r->depth > DOC_DEPTH_MAX)
        doc_fail(r, "an expression is nested too deeply");
    else if (doc_ok(r))
        expr = read_expr(r, json, schema, table);
    r->depth--;
    return doc_ok(r) ? expr : &nothing;
}

const Expr *doc_expr_or_null(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                             const SqlType *type)
{
    const DocNode *field = doc_field(r, object, name);
    if (field == NULL || doc_is_null(field))
        return NULL;
    const Expr *expr = doc_expr_of(r, field, schema);
    if (doc_ok(r) && type != NULL && !type_equal(expr->type, type))
        doc_fail(r, "\"%s\" is of another type than it must be", name);
    return expr;
}

const Expr *doc_expr(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                     const SqlType *type)
{
    const Expr *expr = doc_expr_or_null(r, object, name, schema, type);
    if (expr == NULL)
        doc_fail(r, "\"%s\" must be an expression", name);
    return expr != NULL ? expr : &nothing;
}

const Expr *const *doc_exprs(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                             size_t *count)
{
    const DocNode *array = doc_array(r, object, name, count);
    const Expr   **exprs = ARENA_ARRAY(r->arena, const Expr *, *count + 1);
    bool           table = r->table_calls;
    const DocNode *item  = doc_first(array);
    for (size_t i = 0; i < *count; i++, item = doc_next(item)) {
        r->table_calls = table;
        exprs[i]       = doc_expr_of(r, item, schema);
    }
    r->table_calls = false;
    return exprs;
}

const Expr *const *doc_columns(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                               const Schema *to, size_t from, size_t count)
{
    size_t             found;
    const Expr *const *exprs = doc_exprs(r, object, name, schema, &found);
    if (doc_ok(r) && (found != count || from + count > to->count))
        doc_fail(r, "\"%s\" has %zu elements for %zu columns", name, found, count);
    for (size_t i = 0; doc_ok(r) && i < count; i++)
        if (!type_equal(exprs[i]->type, to->columns[from + i].type))
            doc_fail(r, "element %zu of \"%s\" is not of its column's type", i, name);
    return exprs;
}
