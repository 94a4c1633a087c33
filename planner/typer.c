/*
 * typer.c - from a syntax tree to a typed expression: the walk, names and literals (sql.md 3.1 to 3.3).
 *
 * One function per kind of node, here or in the typer_*.c next to it. Names go through the Scope, whose
 * caller knows about sources and aliases; lambda parameters hide columns. Every text here is what clients
 * match on.
 */
#include "core/decimal.h"
#include "planner/typer_run.h"

Status typer_fail(TyperRun *run, const AstExpr *at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    Status status = error_setv(run->err, E_PLAN, at->pos, fmt, args);
    va_end(args);
    return status;
}

const char *typer_text(TyperRun *run, const AstExpr *ast)
{
    StrBuf buf = {0};
    if (run->scope->print != NULL)
        run->scope->print(run->scope, ast, &buf);
    else
        ast_print_expr(ast, &buf);
    const char *text = str_to_c(run->arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

const char *typer_type_text(TyperRun *run, const SqlType *type)
{
    return type->kind == T_NULL ? "null" : str_to_c(run->arena, type_text(run->arena, type));
}

/* A node that is being built: its arguments are written, which nobody may who reads the node. */
typedef struct {
    Expr        node; /* first, so Expr * and Draft * convert */
    const Expr *args[];
} Draft;

Expr *typer_node(TyperRun *run, ExprKind kind, const SqlType *type, size_t count)
{
    Draft *draft = arena_calloc(run->arena, 1, sizeof(Draft) + count * sizeof(Expr *));
    draft->node  = (Expr){.kind = kind, .type = type, .args = draft->args, .count = count};
    return &draft->node;
}

const Expr **typer_args(Expr *node) { return ((Draft *)node)->args; }
void         typer_arg(Expr *node, size_t at, const Expr *arg) { typer_args(node)[at] = arg; }

bool typer_replaced(TyperRun *run, const AstExpr *ast, int *slot, const SqlType **type)
{
    return run->scope->replace != NULL && run->scope->replace(run->scope, ast, slot, type);
}

/* ---- leaves ---- */

bool typer_is_literal(const AstExpr *ast)
{
    switch (ast->kind) {
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_INTEGER:
    case AST_DECIMAL:
    case AST_DOUBLE:
    case AST_STRING:
        return true;
    default:
        return false;
    }
}

/* Leading zeros do not count, trailing ones do; below 1 there is one digit more than the scale. */
static Status decimal_literal(TyperRun *run, const AstExpr *ast, const SqlType **type, Value *value)
{
    TRY(decimal_parse(run->arena, ast->text, value, run->err));
    int scale = value->scale, precision = decimal_precision(*value);
    return type_decimal(run->arena, precision > scale ? precision : scale + 1, scale, type, run->err);
}

/* The value shares the literal's text and the tree's names end in STRUCT types: the syntax tree must
 * outlive the expression. */
Status typer_literal(TyperRun *run, const AstExpr *ast, const SqlType **type, Value *value)
{
    switch (ast->kind) {
    case AST_BOOLEAN:
        *type  = &type_boolean;
        *value = value_from_bool(ast->integer != 0);
        break;
    case AST_INTEGER:
        *type  = ast->integer >= INT32_MIN && ast->integer <= INT32_MAX ? &type_integer : &type_bigint;
        *value = value_from_int(ast->integer);
        break;
    case AST_DECIMAL:
        return decimal_literal(run, ast, type, value);
    case AST_DOUBLE:
        *type  = &type_double;
        *value = value_from_double(ast->number);
        break;
    case AST_STRING:
        *type  = &type_string;
        *value = value_from_str(ast->text);
        break;
    default:
        *type  = &type_null;
        *value = value_null();
        break;
    }
    return OK;
}

static Status type_literal(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const SqlType *type;
    Value          value;
    TRY(typer_literal(run, ast, &type, &value));
    *out = expr_constant(run->arena, type, value);
    return OK;
}

static Status type_unit_literal(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    static const int64_t ms[] = {
        [UNIT_MILLISECONDS] = 1,           [UNIT_SECONDS] = 1000,
        [UNIT_MINUTES] = 60 * 1000,        [UNIT_HOURS] = 60 * 60 * 1000,
        [UNIT_DAYS] = 24 * 60 * 60 * 1000,
    };
    *out = expr_constant(run->arena, &type_unit, value_from_int(ms[ast->unit]));
    return OK;
}

static Status type_column(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const TyperParam *param = str_is_null(ast->qualifier.text) ? run->params : NULL;
    while (param != NULL && !str_equal(param->name, ast->name.text))
        param = param->outer;
    if (param != NULL) {
        Expr *node = typer_node(run, EXPR_PARAM, param->type, 0);
        node->slot = param->slot;
        *out       = node;
        return OK;
    }
    int            slot;
    const SqlType *type;
    TRY(run->scope->resolve(run->scope, ast, &slot, &type, run->err));
    *out = expr_column(run->arena, slot, type);
    return OK;
}

/* ---- logic, casts ---- */

/* An operand of AND, OR, NOT. An untyped NULL passes: reaching it is an evaluation error. */
static Status type_truth(TyperRun *run, const AstExpr *whole, const AstExpr *ast, const Expr **out)
{
    TRY(typer_expr(run, ast, out));
    if ((*out)->type->kind == T_BOOLEAN || (*out)->type->kind == T_NULL)
        return OK;
    return typer_fail(run, ast, "Error processing expression: %s. %s should be BOOLEAN but is %s.",
                      typer_text(run, whole), typer_text(run, ast), typer_type_text(run, (*out)->type));
}

static Status type_logical(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    Expr       *node = typer_node(run, ast->op == OP_AND ? EXPR_AND : EXPR_OR, &type_boolean, 2);
    const Expr *side;
    for (size_t i = 0; i < 2; i++) {
        TRY(type_truth(run, ast, ast->operands[i], &side));
        typer_arg(node, i, side);
    }
    *out = node;
    return OK;
}

static Status type_not(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    Expr       *node = typer_node(run, EXPR_NOT, &type_boolean, 1);
    const Expr *operand;
    TRY(type_truth(run, ast, ast->operands[0], &operand));
    typer_arg(node, 0, operand);
    *out = node;
    return OK;
}

static Status type_is_null(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    Expr       *node = typer_node(run, EXPR_IS_NULL, &type_boolean, 1);
    const Expr *operand;
    TRY(typer_expr(run, ast->operands[0], &operand));
    typer_arg(node, 0, operand);
    node->negated = ast->negated;
    *out          = node;
    return OK;
}

static Status type_cast(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    const SqlType *to;
    const Expr    *value;
    TRY(typer_expr(run, ast->operands[0], &value));
    TRY(resolve_type(run->typer->catalog, ast->type, run->arena, &to, run->err));
    /* Before the table of casts, which has no row for an untyped NULL: CAST(NULL AS T) is the one way the
     * dialect has to give a NULL a type. */
    if (value->type->kind == T_NULL) {
        *out = expr_constant(run->arena, to, value_null());
        return OK;
    }
    if (!cast_is_supported(value->type, to))
        return typer_fail(run, ast, "Cast of %s to %s is not supported", typer_type_text(run, value->type),
                          typer_type_text(run, to));
    *out = expr_cast(run->arena, value, to);
    return OK;
}

/* ---- the walk ---- */

static Status type_binary(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    if (ast->op == OP_AND || ast->op == OP_OR)
        return type_logical(run, ast, out);
    if (ast->op <= OP_MODULO)
        return typer_arithmetic(run, ast, out);
    return typer_compare(run, ast, EXPR_EQUAL + (ast->op - OP_EQUAL), ast->operands[0], ast->operands[1],
                         out);
}

static Status type_node(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    switch (ast->kind) {
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_INTEGER:
    case AST_DECIMAL:
    case AST_DOUBLE:
    case AST_STRING:
        return type_literal(run, ast, out);
    case AST_COLUMN:
        return type_column(run, ast, out);
    case AST_BINARY:
        return type_binary(run, ast, out);
    case AST_NOT:
        return type_not(run, ast, out);
    case AST_NEGATE:
    case AST_PLUS:
        return typer_sign(run, ast, out);
    case AST_IS_NULL:
        return type_is_null(run, ast, out);
    case AST_BETWEEN:
        return typer_between(run, ast, out);
    case AST_IN:
        return typer_in(run, ast, out);
    case AST_LIKE:
        return typer_like(run, ast, out);
    case AST_CASE:
        return typer_case(run, ast, out);
    case AST_SIMPLE_CASE:
        return error_set(run->err, E_UNSUPPORTED, ast->pos, "not yet implemented: %s", typer_text(run, ast));
    case AST_CAST:
        return type_cast(run, ast, out);
    case AST_CALL:
        return typer_call(run, ast, out);
    case AST_SUBSCRIPT:
        return typer_subscript(run, ast, out);
    case AST_FIELD:
        return typer_field(run, ast, out);
    case AST_ARRAY_OF:
        return typer_array(run, ast, out);
    case AST_MAP_OF:
        return typer_map(run, ast, out);
    case AST_STRUCT_OF:
        return typer_struct(run, ast, out);
    case AST_LAMBDA:
        return typer_fail(run, ast, "A lambda can only be an argument of a function: %s",
                          typer_text(run, ast));
    case AST_UNIT:
        return type_unit_literal(run, ast, out);
    }
    return typer_fail(run, ast, "Unknown kind of expression: %s", typer_text(run, ast));
}

/* The check of WHERE takes these for BOOLEAN without looking inside (sql.md 5.2). */
static bool hides_operands(const AstExpr *ast)
{
    return ast->kind == AST_NOT || ast->kind == AST_BETWEEN || ast->kind == AST_LIKE || ast->kind == AST_IN;
}

/* Twice what the longest statement has: some expressions are typed twice (the parts of a constructor that has
 * another beside it, what is BETWEEN), and what is in them each time, so that each level of such takes twice
 * as long. */
enum { MOST_STEPS = 500000 };

Status typer_expr(TyperRun *run, const AstExpr *ast, const Expr **out)
{
    /* The scope is asked before anyone looks inside: after GROUP BY A + B the expression A + B is a
     * column, while A alone is unknown. An aggregate call that is not replaced here fails as misplaced. */
    int            slot;
    const SqlType *type;
    if (++run->steps > MOST_STEPS)
        return typer_fail(run, ast, "The expression is nested too deeply to find its type.");
    if (typer_replaced(run, ast, &slot, &type)) {
        *out = expr_column(run->arena, slot, type);
        return OK;
    }
    bool hides = hides_operands(ast);
    run->hidden += hides;
    Status status      = type_node(run, ast, out);
    run->failed_hidden = run->failed_hidden || (status != OK && run->hidden > 0);
    run->hidden -= hides;
    return status;
}

const char *typer_hidden_prefix(const TyperRun *run)
{
    return run->typer->hidden_prefix != NULL ? run->typer->hidden_prefix : "Invalid Predicate: ";
}

/* Behind whatever else the message has to say. */
static Status with_hint(const TyperRun *run, Status status)
{
    if (status == E_PLAN && run->hint != NULL)
        error_append(run->err, "\nHint: %s", run->hint);
    return status;
}

Status type_expression(const Typer *typer, const AstExpr *ast, const Scope *scope, const Expr **out,
                       Error *err)
{
    TyperRun run = {.typer = typer, .scope = scope, .arena = typer->arena, .err = err};
    return with_hint(&run, typer_expr(&run, ast, out));
}

/* The check of WHERE and HAVING, which comes before the code for the condition is made, names the condition.
 *
 * ksqlDB types a condition twice: the check of WHERE, which stops at NOT, BETWEEN, LIKE and IN, and later
 * the code's own typing, whose errors are an "Invalid Predicate". One walk stands for both and only the
 * texts tell them apart. The price: of two mistakes, the first in the text is reported, where ksqlDB
 * tells the one that is not hidden. IN puts the prefix before its message by itself, in SELECT too: hence
 * the look at what is there. */
static Status checked(TyperRun *run, const AstExpr *ast, const char *clause, const Expr **out)
{
    Status status = typer_expr(run, ast, out);
    if (status == E_PLAN && !run->failed_hidden) {
        error_prefix(run->err, "Error in %s expression: ", clause);
        return error_append(run->err, "\nStatement: %s", typer_text(run, ast));
    }
    if (status == E_PLAN && !str_starts_with(str_c(run->err->message), str_c(typer_hidden_prefix(run))))
        return error_prefix(run->err, "%s", typer_hidden_prefix(run));
    TRY(status);
    if ((*out)->type->kind == T_BOOLEAN)
        return OK;
    return typer_fail(run, ast,
                      "Type error in %s expression: Should evaluate to boolean but is %s (%s) instead.",
                      clause, typer_text(run, ast), typer_type_text(run, (*out)->type));
}

Status type_condition(const Typer *typer, const AstExpr *ast, const Scope *scope, const char *clause,
                      const Expr **out, Error *err)
{
    TyperRun run = {.typer = typer, .scope = scope, .arena = typer->arena, .err = err};
    return with_hint(&run, checked(&run, ast, clause, out));
}

/* ---- scopes ---- */

static Status empty_resolve(const Scope *self, const AstExpr *column, int *slot, const SqlType **type,
                            Error *err)
{
    return error_set(err, E_PLAN, column->pos, "Unknown column " STR_FMT ".", STR_ARG(column->name.text));
}

const Scope scope_empty = {.resolve = empty_resolve};

static Status schema_resolve(const Scope *self, const AstExpr *column, int *slot, const SqlType **type,
                             Error *err)
{
    const SchemaScope *scope = (const SchemaScope *)self;
    int                at    = schema_find(scope->schema, column->name.text);
    if (at < 0)
        return empty_resolve(self, column, slot, type, err);
    *slot = at;
    *type = scope->schema->columns[at].type;
    return OK;
}

void schema_scope_init(SchemaScope *scope, const Schema *schema)
{
    *scope = (SchemaScope){.base = {.resolve = schema_resolve}, .schema = schema};
}
