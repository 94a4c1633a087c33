/*
 * typer_build.c - CASE, IN, LIKE, constructors, [] and ->: expressions that hold others together
 * (sql.md 3.8).
 */
#include "core/suggest.h"
#include "planner/typer_run.h"

#define EMPTY_ISSUE "(see https://github.com/confluentinc/ksql/issues/4239)"

/* ---- CASE ---- */

/* The WHEN and THEN texts of branch i, as messages quote them. */
static const char *branch_text(TyperRun *run, const AstExpr *ast, size_t i)
{
    return str_printf(run->arena, "WHEN %s THEN %s", typer_text(run, ast->operands[2 * i]),
                      typer_text(run, ast->operands[2 * i + 1]))
        .ptr;
}

/* CASE is the one list without a common type (sql.md 3.7): THEN 1 ELSE 2.5 is an error, and so are two
 * DECIMALs of different scale. NULL branches fit any type, so that the first branch with a type decides. */
static Status type_branches(TyperRun *run, const AstExpr *ast, Expr *node, size_t branches,
                            const SqlType **type)
{
    const Expr *when, *then;
    for (size_t i = 0; i < branches; i++) {
        TRY(typer_expr(run, ast->operands[2 * i], &when));
        if (when->type->kind != T_BOOLEAN)
            return typer_fail(run, ast, "WHEN operand type should be boolean.\nType for '%s' is %s",
                              typer_text(run, ast->operands[2 * i]), typer_type_text(run, when->type));
        TRY(typer_expr(run, ast->operands[2 * i + 1], &then));
        if (*type != NULL && then->type->kind != T_NULL && !type_equal(*type, then->type))
            return typer_fail(run, ast,
                              "Invalid Case expression. Type for all 'THEN' clauses should be the same.\n"
                              "THEN expression '%s' has type: %s.\nPrevious THEN expression(s) type: %s.",
                              branch_text(run, ast, i), typer_type_text(run, then->type),
                              typer_type_text(run, *type));
        if (*type == NULL && then->type->kind != T_NULL)
            *type = then->type;
        typer_arg(node, 2 * i, when);
        typer_arg(node, 2 * i + 1, then);
    }
    return OK;
}

Status typer_case(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const SqlType *type     = NULL;
    const Expr    *other    = NULL;
    Expr          *node     = typer_node(run, EXPR_CASE, NULL, ast->count);
    size_t         branches = (ast->count - (ast->has_else ? 1 : 0)) / 2;
    TRY(type_branches(run, ast, node, branches, &type));
    if (ast->has_else) {
        TRY(typer_expr(run, ast->operands[ast->count - 1], &other));
        typer_arg(node, ast->count - 1, other);
    }
    if (other != NULL && type != NULL && other->type->kind != T_NULL && !type_equal(type, other->type))
        return typer_fail(
            run, ast,
            "Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\n"
            "THEN type: %s.\nDEFAULT type: %s.",
            typer_type_text(run, type), typer_type_text(run, other->type));
    if (type == NULL && other != NULL && other->type->kind != T_NULL)
        type = other->type;
    if (type == NULL)
        return typer_fail(run, ast, "Invalid Case expression. All case branches have NULL type");
    node->type     = type;
    node->has_else = ast->has_else;
    *out           = node;
    return OK;
}

/* ---- IN, LIKE ---- */

/* NULL literals match nothing: they are dropped. */
static Status in_operands(TyperRun *run, const AstExpr *ast, const AstExpr **items, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < ast->count; i++)
        if (i == 0 || ast->operands[i]->kind != AST_NULL)
            items[(*count)++] = ast->operands[i];
    return OK;
}

Status typer_in(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    size_t          count;
    const AstExpr **items = ARENA_ARRAY(run->arena, const AstExpr *, ast->count);
    const SqlType  *common;
    TRY(in_operands(run, ast, items, &count));
    Expr  *node   = typer_node(run, EXPR_IN, &type_boolean, count);
    Status status = typer_common_list(run, items, count, &common, typer_args(node));
    if (status == E_PLAN)
        return error_prefix(run->err, "%s", typer_hidden_prefix(run));
    TRY(status);
    /* The left operand is part of the list, so a list element may widen it: INTEGER IN (1.5) compares
     * DECIMALs, and 1 is not rounded into a match. */
    node->operand_type = common != NULL ? common : &type_null;
    node->negated      = ast->negated;
    *out               = node;
    return OK;
}

static Status like_operand(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    TRY(typer_expr(run, ast, out));
    if ((*out)->type->kind == T_STRING || (*out)->type->kind == T_NULL)
        return OK;
    return typer_fail(run, ast, "Cannot apply LIKE to %s (%s): it should be STRING.", typer_text(run, ast),
                      typer_type_text(run, (*out)->type));
}

Status typer_like(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    Expr       *node = typer_node(run, EXPR_LIKE, &type_boolean, 2);
    const Expr *operand;
    if (!str_is_null(ast->text) && utf16_length(ast->text) != 1)
        return typer_fail(run, ast, "Expected single character escape but got: " STR_FMT, STR_ARG(ast->text));
    for (size_t i = 0; i < 2; i++) {
        TRY(like_operand(run, ast->operands[i], &operand));
        typer_arg(node, i, operand);
    }
    node->escape  = ast->text;
    node->negated = ast->negated;
    *out          = node;
    return OK;
}

/* ---- constructors ---- */

Status typer_array(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const SqlType *element;
    Expr          *node = typer_node(run, EXPR_ARRAY, NULL, ast->count);
    if (ast->count == 0)
        return typer_fail(run, ast,
                          "Array constructor cannot be empty. Please supply at least one element " EMPTY_ISSUE
                          ".");
    TRY(typer_common_list(run, ast->operands, ast->count, &element, typer_args(node)));
    if (element == NULL)
        return typer_fail(run, ast,
                          "Cannot construct an array with all NULL elements " EMPTY_ISSUE
                          ". As a workaround, you may cast a NULL value to the desired type.");
    node->type = type_array(run->arena, element);
    *out       = node;
    return OK;
}

/* Keys or values of a MAP constructor: every second operand. */
static Status map_side(TyperRun *run, const AstExpr *ast, size_t first, const char *what, Expr *node,
                       const SqlType **type)
{
    size_t          count = ast->count / 2;
    const AstExpr **items = ARENA_ARRAY(run->arena, const AstExpr *, count + 1);
    const Expr    **typed = ARENA_ARRAY(run->arena, const Expr *, count + 1);
    for (size_t i = 0; i < count; i++)
        items[i] = ast->operands[2 * i + first];
    TRY(typer_common_list(run, items, count, type, typed));
    if (*type == NULL)
        return typer_fail(run, ast,
                          "Cannot construct a map with all NULL %s " EMPTY_ISSUE
                          ". As a workaround, you may cast a NULL value to the desired type.",
                          what);
    for (size_t i = 0; i < count; i++)
        typer_arg(node, 2 * i + first, typed[i]);
    return OK;
}

Status typer_map(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const SqlType *key, *value;
    Expr          *node = typer_node(run, EXPR_MAP, NULL, ast->count);
    if (ast->count == 0)
        return typer_fail(
            run, ast,
            "Map constructor cannot be empty. Please supply at least one key value pair " EMPTY_ISSUE ".");
    TRY(map_side(run, ast, 0, "keys", node, &key));
    TRY(map_side(run, ast, 1, "values", node, &value));
    node->type = type_map(run->arena, key, value);
    *out       = node;
    return OK;
}

/* A NULL element of an ARRAY learns its type from its neighbours; a field has none. */
Status typer_struct(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    SqlField   *fields = ARENA_ARRAY(run->arena, SqlField, ast->count + 1);
    Expr       *node   = typer_node(run, EXPR_STRUCT, NULL, ast->count);
    NameSet    *known  = name_set_new(run->arena);
    const Expr *value;
    for (size_t i = 0; i < ast->count; i++) {
        Str name = ast->names[i].text;
        TRY(typer_expr(run, ast->operands[i], &value));
        if (value->type->kind == T_NULL)
            return typer_fail(run, ast,
                              "Can't infer the type of null for field `" STR_FMT
                              "` in %s. Please explicitly cast it to a "
                              "required type, e.g. CAST(null AS VARCHAR).",
                              STR_ARG(name), typer_text(run, ast));
        fields[i] = (SqlField){name, value->type};
        bool    added;
        size_t *first = name_set_put(known, name, &added);
        if (!added)
            return typer_fail(
                run, ast, "Duplicate field names found in STRUCT: '`" STR_FMT "` %s' and '`" STR_FMT "` %s'",
                STR_ARG(name), typer_type_text(run, fields[*first].type), STR_ARG(name),
                typer_type_text(run, value->type));
        *first = i;
        typer_arg(node, i, value);
    }
    node->type = type_struct(run->arena, fields, ast->count);
    *out       = node;
    return OK;
}

/* ---- [] and -> ---- */

Status typer_subscript(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr *base, *index;
    TRY(typer_expr(run, ast->operands[0], &base));
    TRY(typer_expr(run, ast->operands[1], &index));
    const SqlType *type = base->type;
    if (type->kind != T_ARRAY && type->kind != T_MAP)
        return typer_fail(run, ast, "Subscript expression (%s) do not apply to %s.%s", typer_text(run, ast),
                          typer_type_text(run, type),
                          type->kind == T_STRUCT ? " Use the dereference operator for STRUCTS" : "");
    /* A BIGINT index gets no cast: the step narrows it to its low 32 bits, as ksqlDB does. A key of a MAP
     * does: keys are found by equality within one type, and an INTEGER would never meet its BIGINT. */
    bool integer =
        index->type->kind == T_INTEGER || index->type->kind == T_BIGINT || index->type->kind == T_NULL;
    if (type->kind == T_ARRAY && !integer)
        return typer_fail(run, ast,
                          "Subscript expression (%s): the index of an ARRAY should be INTEGER but is %s.",
                          typer_text(run, ast), typer_type_text(run, index->type));
    if (type->kind == T_MAP && !typer_is_strict(index->type, type->key))
        return typer_fail(run, ast, "Subscript expression (%s): the key of a %s cannot be %s.",
                          typer_text(run, ast), typer_type_text(run, type),
                          typer_type_text(run, index->type));
    Expr *node = typer_node(run, EXPR_SUBSCRIPT, type->element, 2);
    typer_arg(node, 0, base);
    typer_arg(node, 1, type->kind == T_MAP ? expr_cast(run->arena, index, type->key) : index);
    *out = node;
    return OK;
}

static Status refuse_field(TyperRun *run, const AstExpr *ast, const SqlType *type)
{
    Str *names = ARENA_ARRAY(run->arena, Str, type->field_count);
    for (size_t i = 0; i < type->field_count; i++)
        names[i] = type->fields[i].name;
    typer_fail(run, ast, "Could not find field '" STR_FMT "' in '%s'.", STR_ARG(ast->name.text),
               typer_text(run, ast->operands[0]));
    if (run->err != NULL && ast->name.pos.line > 0)
        run->err->pos = ast->name.pos;
    error_suggest(run->err, ast->name.text, names, type->field_count);
    return E_PLAN;
}

Status typer_field(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const Expr *base;
    TRY(typer_expr(run, ast->operands[0], &base));
    if (base->type->kind != T_STRUCT)
        return typer_fail(run, ast, "Expected STRUCT type, got: %s", typer_type_text(run, base->type));
    int at = type_field(base->type, ast->name.text);
    if (at < 0)
        return refuse_field(run, ast, base->type);
    Expr *node = typer_node(run, EXPR_FIELD, base->type->fields[at].type, 1);
    node->slot = at;
    typer_arg(node, 0, base);
    *out = node;
    return OK;
}
