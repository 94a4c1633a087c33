/*
 * print.h - what the printers share. Private to the parser.
 *
 * Printing follows sql.md 6.5. Recursion is bounded by AST_MAX_DEPTH.
 */
#ifndef SLUICE_PARSER_PRINT_H
#define SLUICE_PARSER_PRINT_H

#include "parser/parser.h"

typedef struct {
    StrBuf *out;
    bool    bare; /* messages: names without quotes */
    bool    mask; /* values that may be secret are replaced */
} Printer;

void        print_name(Printer *printer, Str name);
void        print_name_after_dot(Printer *printer, Str name); /* `.1R` would be a number */
void        print_names(Printer *printer, const AstName *names, size_t count);
void        print_string(Printer *printer, Str text); /* in single quotes */
void        print_expr(Printer *printer, const AstExpr *expr);
void        print_exprs(Printer *printer, const AstExpr *const *exprs, size_t count);
void        print_type(Printer *printer, const AstType *type);
void        print_span(Printer *printer, const AstSpan *span); /* 5 MINUTES */
void        print_query(Printer *printer, const AstQuery *query);
const char *print_unit_name(AstUnit unit);

#endif
