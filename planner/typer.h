/*
 * typer.h - from syntax to typed expressions: names to slots, types checked, coercions made explicit (sql.md
 * 3).
 */
#ifndef SLUICE_PLANNER_TYPER_H
#define SLUICE_PLANNER_TYPER_H

#include "catalog/catalog.h"
#include "expr/expr.h"
#include "parser/ast.h"

/* Where names are looked up. `resolve` answers the slot and type of a column reference, or E_PLAN with the
 * text of its stage
 * ("Unknown column X."). `print` gives the text of an expression as messages of this stage show it (COL,
 * SRC_COL: sql.md 6.5); NULL: ast_print_expr. */
typedef struct Scope Scope;
struct Scope {
    Status (*resolve)(const Scope *self, const AstExpr *column, int *slot, const SqlType **type, Error *err);
    void (*print)(const Scope *self, const AstExpr *expr, StrBuf *out);
    /* An expression that stands for a column as a whole (a grouping expression after aggregation, an
     * aggregate call): true and its slot. May be NULL. */
    bool (*replace)(const Scope *self, const AstExpr *expr, int *slot, const SqlType **type);
};

typedef struct {
    const Catalog   *catalog; /* custom types */
    const Functions *functions;
    Arena           *arena;
    bool             table_calls;      /* a table function may be called here */
    bool             lambdas_disabled; /* ksql.lambdas.enabled=false */
    bool magic_timestamps;       /* text compared with ROWTIME, WINDOWSTART, WINDOWEND is a timestamp (WHERE,
                                    HAVING: sql.md 3.5) */
    LambdaBudget *lambdas;       /* shared by the constants that are evaluated; NULL: each has its own */
    const char   *hidden_prefix; /* of errors within BETWEEN, LIKE, IN and NOT of a condition; NULL: "Invalid
                                    Predicate: " */
} Typer;

/* Types one expression. E_PLAN with the texts of sql.md 3, without the prefix of the clause ("Invalid Select:
 * ...": the caller's). */
Status type_expression(const Typer *typer, const AstExpr *ast, const Scope *scope, const Expr **out,
                       Error *err);
/* A WHERE or HAVING condition: BOOLEAN, with the texts of sql.md 3.5; `clause` is "WHERE" or "HAVING". */
Status type_condition(const Typer *typer, const AstExpr *ast, const Scope *scope, const char *clause,
                      const Expr **out, Error *err);
/* Names of types to types: primitives, then custom types. "Cannot resolve unknown type: X". */
Status resolve_type(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out,
                    Error *err);
/* A Scope without columns: constants, INSERT VALUES ("Unsupported column reference in insert value: ..." is
 * the caller's). */
extern const Scope scope_empty;
/* A Scope over a schema of one source, names as they are. */
typedef struct {
    Scope         base;
    const Schema *schema;
} SchemaScope;
void schema_scope_init(SchemaScope *scope, const Schema *schema);
/* The value of an expression without columns, coerced (STRICT rules, sql.md 3.7) to `type`; "Expected type T
 * for field c but got ..." */
Status evaluate_constant(const Typer *typer, const AstExpr *ast, const SqlType *type, Str column,
                         Clock *clock, Value *out, Error *err);

/* The same for what a pull query compares a key column with: "'v' can not be converted to the type of the key
 * column: C T KEY". An expression that fails has the value NULL. */
Status evaluate_key(const Typer *typer, const AstExpr *ast, const Column *column, Clock *clock, Value *out,
                    Error *err);

#endif
