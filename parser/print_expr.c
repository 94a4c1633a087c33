/*
 * print_expr.c - the canonical text of expressions.
 *
 * Whatever could bind in two ways is printed in brackets, so the text reads back as the same tree without
 * precedence. A minus is the exception: `-5` is a literal and `-x` an operation, so the operation on
 * something that starts with a digit gets brackets of its own.
 */
#include <math.h>

#include "parser/print.h"

static const char *const operators[] = {
    [OP_ADD]           = "+",
    [OP_SUBTRACT]      = "-",
    [OP_MULTIPLY]      = "*",
    [OP_DIVIDE]        = "/",
    [OP_MODULO]        = "%",
    [OP_EQUAL]         = "=",
    [OP_NOT_EQUAL]     = "<>",
    [OP_LESS]          = "<",
    [OP_LESS_EQUAL]    = "<=",
    [OP_GREATER]       = ">",
    [OP_GREATER_EQUAL] = ">=",
    [OP_DISTINCT]      = "IS DISTINCT FROM",
    [OP_NOT_DISTINCT]  = "IS NOT DISTINCT FROM",
    [OP_AND]           = "AND",
    [OP_OR]            = "OR",
};

static const char *const units[] = {
    [UNIT_MILLISECONDS] = "MILLISECONDS",
    [UNIT_SECONDS]      = "SECONDS",
    [UNIT_MINUTES]      = "MINUTES",
    [UNIT_HOURS]        = "HOURS",
    [UNIT_DAYS]         = "DAYS",
};

const char *print_unit_name(AstUnit unit) { return units[unit]; }

void print_names(Printer *printer, const AstName *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_adds(printer->out, ", ");
        print_name(printer, names[i].text);
    }
}

void print_string(Printer *printer, Str text) { strbuf_add_quoted(printer->out, text, '\''); }

void print_exprs(Printer *printer, const AstExpr *const *exprs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_adds(printer->out, ", ");
        print_expr(printer, exprs[i]);
    }
}

/* Scientific form with the fewest digits that read back: 1.5E1, 1E-3. */
static void print_double(Printer *printer, double number)
{
    char text[40];
    for (int digits = 0; digits <= 16; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    char *exponent = strchr(text, 'e');
    strbuf_add(printer->out, str_n(text, (size_t)(exponent - text)));
    strbuf_addf(printer->out, "E%d", (int)strtol(exponent + 1, NULL, 10));
}

static void print_binary(Printer *printer, const AstExpr *expr)
{
    strbuf_addc(printer->out, '(');
    print_expr(printer, expr->operands[0]);
    strbuf_addf(printer->out, " %s ", operators[expr->op]);
    print_expr(printer, expr->operands[1]);
    strbuf_addc(printer->out, ')');
}

/* The first character that `expr` will print, as far as a sign before it minds: a digit, a minus or anything
 * else. */
static char first_printed(const AstExpr *expr)
{
    while (expr->kind == AST_SUBSCRIPT || expr->kind == AST_FIELD)
        expr = expr->operands[0];
    switch (expr->kind) {
    case AST_INTEGER:
        return expr->integer < 0 ? '-' : '0';
    case AST_DECIMAL:
        return expr->text.ptr[0] == '-' ? '-' : '0';
    case AST_DOUBLE:
        return signbit(expr->number) ? '-' : '0';
    case AST_NEGATE:
        return '-'; /* in brackets when it is a base, where the blank does no harm */
    default:
        return 'x';
    }
}

static void print_sign(Printer *printer, const AstExpr *expr)
{
    const AstExpr *operand = expr->operands[0];
    char           first   = first_printed(operand);
    if (expr->kind == AST_PLUS) {
        strbuf_addc(printer->out, '+');
        print_expr(printer, operand);
    } else if (first == '0') {
        strbuf_adds(printer->out, "-(");
        print_expr(printer, operand);
        strbuf_addc(printer->out, ')');
    } else {
        strbuf_adds(printer->out,
                    first == '-' ? "- " : "-"); /* two signs without a blank would be a comment */
        print_expr(printer, operand);
    }
}

/* The base of `[...]` and `->` must be a primary: only signs are not. */
static void print_base(Printer *printer, const AstExpr *base)
{
    bool brackets = base->kind == AST_NEGATE || base->kind == AST_PLUS;
    if (brackets)
        strbuf_addc(printer->out, '(');
    print_expr(printer, base);
    if (brackets)
        strbuf_addc(printer->out, ')');
}

static void print_predicate(Printer *printer, const AstExpr *expr)
{
    StrBuf *out = printer->out;
    strbuf_adds(out, expr->negated ? "(NOT (" : "(");
    print_expr(printer, expr->operands[0]);
    if (expr->kind == AST_BETWEEN) {
        strbuf_adds(out, " BETWEEN ");
        print_expr(printer, expr->operands[1]);
        strbuf_adds(out, " AND ");
        print_expr(printer, expr->operands[2]);
    } else if (expr->kind == AST_IN) {
        strbuf_adds(out, " IN (");
        print_exprs(printer, expr->operands + 1, expr->count - 1);
        strbuf_addc(out, ')');
    } else {
        strbuf_adds(out, " LIKE ");
        print_expr(printer, expr->operands[1]);
        if (!str_is_null(expr->text)) {
            strbuf_adds(out, " ESCAPE ");
            print_string(printer, expr->text);
        }
    }
    strbuf_adds(out, expr->negated ? "))" : ")");
}

static void print_case(Printer *printer, const AstExpr *expr)
{
    size_t at = 0, end = expr->count - expr->has_else;
    strbuf_adds(printer->out, "(CASE");
    if (expr->kind == AST_SIMPLE_CASE) {
        strbuf_addc(printer->out, ' ');
        print_expr(printer, expr->operands[at++]);
    }
    for (; at + 1 < end; at += 2) {
        strbuf_adds(printer->out, " WHEN ");
        print_expr(printer, expr->operands[at]);
        strbuf_adds(printer->out, " THEN ");
        print_expr(printer, expr->operands[at + 1]);
    }
    if (expr->has_else) {
        strbuf_adds(printer->out, " ELSE ");
        print_expr(printer, expr->operands[end]);
    }
    strbuf_adds(printer->out, " END)");
}

static void print_call(Printer *printer, const AstExpr *expr)
{
    if (expr->pipes)
        strbuf_adds(printer->out, "concat");
    else
        print_name(printer, expr->name.text);
    strbuf_addc(printer->out, '(');
    if (expr->count == 0 && str_equal_nocase(expr->name.text, STR_LIT("COUNT")))
        strbuf_addc(printer->out, '*');
    print_exprs(printer, expr->operands, expr->count);
    strbuf_addc(printer->out, ')');
}

static void print_constructor(Printer *printer, const AstExpr *expr)
{
    bool is_map = expr->kind == AST_MAP_OF;
    strbuf_adds(printer->out, is_map ? "MAP(" : "STRUCT(");
    for (size_t i = 0; i < (is_map ? expr->count / 2 : expr->count); i++) {
        if (i > 0)
            strbuf_adds(printer->out, ", ");
        if (is_map)
            print_expr(printer, expr->operands[2 * i]);
        else
            print_name(printer, expr->names[i].text);
        strbuf_adds(printer->out, ":=");
        print_expr(printer, expr->operands[is_map ? 2 * i + 1 : i]);
    }
    strbuf_addc(printer->out, ')');
}

static void print_lambda(Printer *printer, const AstExpr *expr)
{
    if (expr->name_count == 1) {
        print_name(printer, expr->names[0].text);
    } else {
        strbuf_addc(printer->out, '(');
        print_names(printer, expr->names, expr->name_count);
        strbuf_addc(printer->out, ')');
    }
    strbuf_adds(printer->out, " => ");
    print_expr(printer, expr->operands[0]);
}

static void print_literal(Printer *printer, const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_NULL:
        strbuf_adds(printer->out, "null");
        break;
    case AST_BOOLEAN:
        strbuf_adds(printer->out, expr->integer ? "true" : "false");
        break;
    case AST_INTEGER:
        strbuf_addf(printer->out, "%lld", (long long)expr->integer);
        break;
    case AST_DECIMAL:
        strbuf_add(printer->out, expr->text);
        break;
    case AST_DOUBLE:
        print_double(printer, expr->number);
        break;
    case AST_STRING:
        print_string(printer, expr->text);
        break;
    default:
        strbuf_adds(printer->out, print_unit_name(expr->unit));
        break;
    }
}

static void print_column(Printer *printer, const AstExpr *expr)
{
    if (str_is_null(expr->qualifier.text)) {
        print_name(printer, expr->name.text);
        return;
    }
    print_name(printer, expr->qualifier.text);
    strbuf_addc(printer->out, '.');
    print_name_after_dot(printer, expr->name.text);
}

static void print_not(Printer *printer, const AstExpr *expr)
{
    strbuf_adds(printer->out, "(NOT ");
    print_expr(printer, expr->operands[0]);
    strbuf_addc(printer->out, ')');
}

static void print_is_null(Printer *printer, const AstExpr *expr)
{
    strbuf_addc(printer->out, '(');
    print_expr(printer, expr->operands[0]);
    strbuf_adds(printer->out, expr->negated ? " IS NOT NULL)" : " IS NULL)");
}

static void print_cast(Printer *printer, const AstExpr *expr)
{
    strbuf_adds(printer->out, "CAST(");
    print_expr(printer, expr->operands[0]);
    strbuf_adds(printer->out, " AS ");
    print_type(printer, expr->type);
    strbuf_addc(printer->out, ')');
}

static void print_subscript(Printer *printer, const AstExpr *expr)
{
    print_base(printer, expr->operands[0]);
    strbuf_addc(printer->out, '[');
    print_expr(printer, expr->operands[1]);
    strbuf_addc(printer->out, ']');
}

static void print_field(Printer *printer, const AstExpr *expr)
{
    print_base(printer, expr->operands[0]);
    strbuf_adds(printer->out, "->");
    print_name(printer, expr->name.text);
}

static void print_array(Printer *printer, const AstExpr *expr)
{
    strbuf_adds(printer->out, "ARRAY[");
    print_exprs(printer, expr->operands, expr->count);
    strbuf_addc(printer->out, ']');
}

static void (*const printers[])(Printer *printer, const AstExpr *expr) = {
    [AST_NULL]        = print_literal,
    [AST_BOOLEAN]     = print_literal,
    [AST_INTEGER]     = print_literal,
    [AST_DECIMAL]     = print_literal,
    [AST_DOUBLE]      = print_literal,
    [AST_STRING]      = print_literal,
    [AST_UNIT]        = print_literal,
    [AST_COLUMN]      = print_column,
    [AST_BINARY]      = print_binary,
    [AST_NOT]         = print_not,
    [AST_NEGATE]      = print_sign,
    [AST_PLUS]        = print_sign,
    [AST_IS_NULL]     = print_is_null,
    [AST_BETWEEN]     = print_predicate,
    [AST_IN]          = print_predicate,
    [AST_LIKE]        = print_predicate,
    [AST_CASE]        = print_case,
    [AST_SIMPLE_CASE] = print_case,
    [AST_CAST]        = print_cast,
    [AST_CALL]        = print_call,
    [AST_SUBSCRIPT]   = print_subscript,
    [AST_FIELD]       = print_field,
    [AST_ARRAY_OF]    = print_array,
    [AST_MAP_OF]      = print_constructor,
    [AST_STRUCT_OF]   = print_constructor,
    [AST_LAMBDA]      = print_lambda,
};

void print_expr(Printer *printer, const AstExpr *expr) { printers[expr->kind](printer, expr); }

void ast_print_expr(const AstExpr *expr, StrBuf *out)
{
    Printer printer = {.out = out, .bare = true};
    print_expr(&printer, expr);
}

void ast_print_expr_sql(const AstExpr *expr, StrBuf *out)
{
    Printer printer = {.out = out};
    print_expr(&printer, expr);
}
