/*
 * typer_coerce.c - implicit coercion: the common type of a list, and expressions brought to a type
 * (sql.md 3.7).
 *
 * Two rule sets. STRICT is for expressions: numbers widen, text becomes a time or bytes. LAX is for literals,
 * which are known: there text also becomes a number or a BOOLEAN if it reads as one, and anything becomes
 * text. A list is walked left to right; the first element that is not NULL fixes the kind, later ones may
 * widen it. Constructors are walked into.
 */
#include "core/decimal.h"
#include "planner/typer_run.h"

static const SqlType *as_decimal(Arena *arena, const SqlType *type)
{
    return type->kind == T_DECIMAL ? type
                                   : type_decimal_unchecked(arena, type->kind == T_INTEGER ? 10 : 19, 0);
}

/* Room for the digits of both sides before and after the point, and none for a carry: a list holds values
 * and adds nothing. (Sums have one digit more: typer_operator.c.) */
const SqlType *typer_widen(Arena *arena, const SqlType *a, const SqlType *b)
{
    if (a->kind == T_DOUBLE || b->kind == T_DOUBLE)
        return &type_double;
    if (a->kind != T_DECIMAL && b->kind != T_DECIMAL)
        return a->kind == T_BIGINT || b->kind == T_BIGINT ? &type_bigint : &type_integer;
    a         = as_decimal(arena, a);
    b         = as_decimal(arena, b);
    int whole = a->precision - a->scale, other = b->precision - b->scale,
        scale = a->scale > b->scale ? a->scale : b->scale;
    return type_decimal_unchecked(arena, (whole > other ? whole : other) + scale, scale);
}

/* ---- STRICT ---- */

/* NULL when there is none. */
static const SqlType *strict_common(Arena *arena, const SqlType *a, const SqlType *b);

/* The union of fields, in the order of their first appearance. */
static const SqlType *common_struct(Arena *arena, const SqlType *a, const SqlType *b)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, a->field_count + b->field_count + 1);
    size_t    count  = a->field_count;
    for (size_t i = 0; i < count; i++)
        fields[i] = a->fields[i];
    for (size_t i = 0; i < b->field_count; i++) {
        int at = type_field(a, b->fields[i].name);
        if (at < 0) {
            fields[count++] = b->fields[i];
            continue;
        }
        fields[at].type = strict_common(arena, a->fields[at].type, b->fields[i].type);
        if (fields[at].type == NULL)
            return NULL;
    }
    return type_struct(arena, fields, count);
}

static const SqlType *strict_common(Arena *arena, const SqlType *a, const SqlType *b)
{
    if (type_equal(a, b) || b->kind == T_NULL)
        return a;
    if (a->kind == T_NULL)
        return b;
    if (type_is_numeric(a) && type_is_numeric(b))
        return typer_widen(arena, a, b);
    if (a->kind == T_STRING && b->kind >= T_BYTES && b->kind <= T_TIMESTAMP)
        return b;
    if (b->kind == T_STRING && a->kind >= T_BYTES && a->kind <= T_TIMESTAMP)
        return a;
    if (a->kind != b->kind)
        return NULL;
    if (a->kind == T_STRUCT)
        return common_struct(arena, a, b);
    const SqlType *key = NULL, *element = NULL;
    if (a->kind == T_MAP && (key = strict_common(arena, a->key, b->key)) == NULL)
        return NULL;
    if ((a->kind != T_ARRAY && a->kind != T_MAP) ||
        (element = strict_common(arena, a->element, b->element)) == NULL)
        return NULL;
    return a->kind == T_MAP ? type_map(arena, key, element) : type_array(arena, element);
}

/* One direction only, where strict_common takes either: the target is given and cannot widen. A DECIMAL
 * is not refused for its precision; whether digits fit is known only of a value, and the cast says so. A
 * STRUCT may lack fields of the target, which become NULL, but may not bring others (only INSERT VALUES
 * drops them: constant.c). */
bool typer_is_strict(const SqlType *from, const SqlType *to)
{
    if (from->kind == T_NULL || type_equal(from, to))
        return true;
    if (from->kind == T_STRING)
        return to->kind >= T_BYTES && to->kind <= T_TIMESTAMP;
    if (type_is_numeric(from) && type_is_numeric(to))
        return from->kind <=
               to->kind; /* T_INTEGER, T_BIGINT, T_DECIMAL, T_DOUBLE stand in the order of promotion */
    if (from->kind != to->kind)
        return false;
    if (from->kind == T_ARRAY)
        return typer_is_strict(from->element, to->element);
    if (from->kind == T_MAP)
        return typer_is_strict(from->key, to->key) && typer_is_strict(from->element, to->element);
    for (size_t i = 0; from->kind == T_STRUCT && i < from->field_count; i++) {
        int at = type_field(to, from->fields[i].name);
        if (at < 0 || !typer_is_strict(from->fields[i].type, to->fields[at].type))
            return false;
    }
    return from->kind == T_STRUCT;
}

/* ---- LAX: literals ---- */

static Status bad_text(TyperRun *run, const AstExpr *ast, const SqlType *common)
{
    return typer_fail(run, ast, "invalid input syntax for type %s: \"" STR_FMT "\".",
                      type_kind_name(common->kind), STR_ARG(ast->text));
}

/* The type of a number given as text: the smallest of INTEGER, BIGINT, DECIMAL that holds it. */
static const SqlType *text_number_type(Arena *arena, Str text)
{
    int64_t n;
    Value   decimal;
    text = str_trim(text);
    if (int64_parse(text, &n))
        return n >= INT32_MIN && n <= INT32_MAX ? &type_integer : &type_bigint;
    if (decimal_parse(arena, text, &decimal, NULL) != OK)
        return NULL;
    int digits = decimal_precision(decimal), scale = decimal.scale;
    if (scale < 0)
        return type_decimal_unchecked(arena, digits - scale, 0);
    return type_decimal_unchecked(arena, digits > scale ? digits : scale + 1, scale);
}

/* Checked, as the CAST makes FALSE of any other text and a slip of the pen would become data. */
static bool is_boolean_text(Str text)
{
    static const Str words[] = {STR_LIT("true"), STR_LIT("yes"), STR_LIT("false"), STR_LIT("no")};
    text                     = str_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text.len > 0 && text.len <= words[i].len && str_equal_nocase(text, str_n(words[i].ptr, text.len)))
            return true;
    return false;
}

/* *next stays NULL when they do not go together. */
static Status common_with_text(TyperRun *run, const AstExpr *ast, const SqlType *common, const SqlType **next)
{
    Value parsed;
    *next = common;
    if (type_is_numeric(common)) {
        const SqlType *number = text_number_type(run->arena, ast->text);
        if (number == NULL)
            return bad_text(run, ast, common);
        *next = typer_widen(run->arena, common, number);
        return OK;
    }
    if (common->kind == T_BOOLEAN)
        return is_boolean_text(ast->text) ? OK : bad_text(run, ast, common);
    if (common->kind >= T_BYTES && common->kind <= T_TIMESTAMP) {
        if (cast_value(&type_string, common, value_from_str(ast->text), run->arena, &parsed, NULL) != OK)
            return bad_text(run, ast, common);
        return OK;
    }
    *next = common->kind == T_STRING ? common : NULL;
    return OK;
}

/* Not symmetric: the first kind rules. ARRAY['1', 2] is of STRING and takes 2 as text; ARRAY[2, '1'] is
 * of INTEGER and parses '1'. */
static Status common_with_literal(TyperRun *run, const AstExpr *ast, const SqlType *common,
                                  const SqlType **next)
{
    const SqlType *type;
    Value          value;
    TRY(typer_literal(run, ast, &type, &value));
    if (type->kind == T_NULL || common == NULL) {
        *next = type->kind == T_NULL ? common : type;
        return OK;
    }
    if (ast->kind == AST_STRING)
        return common_with_text(run, ast, common, next);
    if (common->kind == T_STRING || type_equal(type, common))
        *next = common;
    else
        *next =
            type_is_numeric(type) && type_is_numeric(common) ? typer_widen(run->arena, common, type) : NULL;
    return OK;
}

/* ---- the common type ---- */

static Status common_of(TyperRun *run, const AstExpr *ast, const SqlType *common, const SqlType **next,
                        const Expr **typed);

/* ARRAY[...], MAP(...), STRUCT(...) among others of their kind: part by part. */
static Status common_of_array(TyperRun *run, const AstExpr *ast, const SqlType *common, const SqlType **next)
{
    const SqlType *key = common->key, *element = common->element;
    size_t         step = ast->kind == AST_MAP_OF ? 2 : 1;
    const Expr    *part;
    *next = NULL;
    for (size_t i = 0; i + step <= ast->count; i += step) {
        if (step == 2)
            TRY(common_of(run, ast->operands[i], key, &key, &part));
        TRY(common_of(run, ast->operands[i + step - 1], element, &element, &part));
        if ((step == 2 && key == NULL) || element == NULL)
            return OK;
    }
    *next = step == 2 ? type_map(run->arena, key, element) : type_array(run->arena, element);
    return OK;
}

static Status common_of_struct(TyperRun *run, const AstExpr *ast, const SqlType *common, const SqlType **next)
{
    SqlField *fields = ARENA_ARRAY(run->arena, SqlField, common->field_count + ast->count + 1);
    size_t    count  = common->field_count;
    *next            = NULL;
    for (size_t i = 0; i < count; i++)
        fields[i] = common->fields[i];
    for (size_t i = 0; i < ast->count; i++) {
        int            at = type_field(common, ast->names[i].text);
        const SqlType *field;
        const Expr    *part;
        TRY(common_of(run, ast->operands[i], at >= 0 ? fields[at].type : NULL, &field, &part));
        if (field == NULL)
            return OK;
        if (at < 0)
            fields[count++] = (SqlField){ast->names[i].text, field};
        else
            fields[at].type = field;
    }
    *next = type_struct(run->arena, fields, count);
    return OK;
}

static bool is_constructor_of(const AstExpr *ast, const SqlType *type)
{
    return (ast->kind == AST_ARRAY_OF && type->kind == T_ARRAY) ||
           (ast->kind == AST_MAP_OF && type->kind == T_MAP) ||
           (ast->kind == AST_STRUCT_OF && type->kind == T_STRUCT);
}

/* `common` joined by one more element; *next is NULL when they do not go together (or all is NULL so far).
 * *typed: the element, where that took typing it. */
static Status common_of(TyperRun *run, const AstExpr *ast, const SqlType *common, const SqlType **next,
                        const Expr **typed)
{
    int            slot;
    const SqlType *type;
    *typed = NULL;
    if (!typer_replaced(run, ast, &slot, &type)) {
        if (typer_is_literal(ast))
            return common_with_literal(run, ast, common, next);
        if (common != NULL && ast->count > 0 && is_constructor_of(ast, common))
            return ast->kind == AST_STRUCT_OF ? common_of_struct(run, ast, common, next)
                                              : common_of_array(run, ast, common, next);
        TRY(typer_expr(run, ast, typed));
        type = (*typed)->type;
    }
    *next = common == NULL ? type : strict_common(run->arena, common, type);
    return OK;
}

/* What the first pass has typed as a whole needs its cast, and no more: typed once more, a list in a list
 * would take twice as long at each level. Constructors are brought to the type part by part. */
static Status coerce_typed(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out)
{
    if (*out == NULL || (ast->count > 0 && is_constructor_of(ast, to)))
        return typer_coerce(run, ast, to, out);
    if (to->kind != T_NULL)
        *out = expr_cast(run->arena, *out, to);
    return OK;
}

/* Two passes, as a late element may widen the type of the first: nothing can be cast before the last was
 * seen. Only the syntax tree tells a literal (LAX) from a constant: the second pass starts there again. */
Status typer_common_list(TyperRun *run, const AstExpr *const *asts, size_t count, const SqlType **common,
                         const Expr **out)
{
    const SqlType *next;
    *common = NULL;
    for (size_t i = 0; i < count; i++) {
        TRY(common_of(run, asts[i], *common, &next, &out[i]));
        if (next == NULL && *common != NULL) {
            const Expr *typed = out[i];
            if (typed == NULL)
                TRY(typer_expr(run, asts[i], &typed));
            return typer_fail(
                run, asts[i],
                "operator does not exist: %s = %s (%s)\nHint: You might need to add explicit type casts.",
                typer_type_text(run, *common), typer_type_text(run, typed->type), typer_text(run, asts[i]));
        }
        *common = next != NULL && next->kind == T_NULL ? NULL : next;
    }
    for (size_t i = 0; i < count; i++)
        TRY(coerce_typed(run, asts[i], *common != NULL ? *common : &type_null, &out[i]));
    return OK;
}

/* ---- to the common type ---- */

static Status coerce_literal(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out)
{
    /* Converted now, not by a CAST for each row: a literal that does not fit is an error of the
     * statement, hence E_PLAN for what cast_value calls E_DATA. */
    const SqlType *type;
    Value          value;
    TRY(typer_literal(run, ast, &type, &value));
    if (to->kind == T_NULL)
        to = type;
    if (!value_is_null(value) && cast_value(type, to, value, run->arena, &value, run->err) != OK) {
        if (ast->kind == AST_STRING)
            return bad_text(run, ast, to);
        run->err->code = E_PLAN;
        return E_PLAN;
    }
    *out = expr_constant(run->arena, to, value);
    return OK;
}

/* In the order of the target's fields: after the union of fields it need not be the literal's, and slots
 * count in the target. */
static Status coerce_struct(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out)
{
    Expr *node = typer_node(run, EXPR_STRUCT, to, to->field_count);
    for (size_t i = 0; i < to->field_count; i++) {
        const SqlType *type  = to->fields[i].type;
        const Expr    *value = expr_constant(run->arena, type, value_null());
        for (size_t j = 0; j < ast->count; j++)
            if (str_equal(ast->names[j].text, to->fields[i].name))
                TRY(typer_coerce(run, ast->operands[j], type, &value));
        typer_arg(node, i, value);
    }
    *out = node;
    return OK;
}

static Status coerce_collection(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out)
{
    bool        map  = to->kind == T_MAP;
    Expr       *node = typer_node(run, map ? EXPR_MAP : EXPR_ARRAY, to, ast->count);
    const Expr *part;
    for (size_t i = 0; i < ast->count; i++) {
        TRY(typer_coerce(run, ast->operands[i], map && i % 2 == 0 ? to->key : to->element, &part));
        typer_arg(node, i, part);
    }
    *out = node;
    return OK;
}

Status typer_coerce(TyperRun *run, const AstExpr *ast, const SqlType *to, const Expr **out)
{
    int            slot;
    const SqlType *type;
    if (!typer_replaced(run, ast, &slot, &type)) {
        if (typer_is_literal(ast))
            return coerce_literal(run, ast, to, out);
        if (ast->count > 0 && is_constructor_of(ast, to))
            return to->kind == T_STRUCT ? coerce_struct(run, ast, to, out)
                                        : coerce_collection(run, ast, to, out);
    }
    TRY(typer_expr(run, ast, out));
    if (to->kind != T_NULL)
        *out = expr_cast(run->arena, *out, to);
    return OK;
}
