/*
 * expr.h - typed expressions, and the programs they are compiled to.
 *
 * An Expr is a read-only tree in the plan's arena: names are resolved to slots (the column's index in the
 * input schema), every node has its type, implicit coercions are explicit casts. A Program is made from it
 * once per task, runs once per row and keeps the call sites' memory; it belongs to the task's thread.
 *
 * Two ways out (sql.md 3.3): NULL is a value; an evaluation error is E_DATA, whose effect the operator
 * decides. Where the dialect guards inner units (an argument that fails becomes NULL), the program reports
 * the error to its ErrorSink and goes on.
 */
#ifndef SLUICE_EXPR_EXPR_H
#define SLUICE_EXPR_EXPR_H

#include "core/row.h"
#include "udf/udf.h"

typedef enum {
    EXPR_CONST,
    EXPR_COLUMN, /* slot */
    EXPR_PARAM,  /* slot = number of the lambda parameter, counted over all enclosing lambdas from the
                    outermost */
    EXPR_ARITHMETIC,
    EXPR_NEGATE,
    EXPR_CONCAT_TEXT, /* STRING + STRING: a null operand appends "null" (sql.md 3.4) */
    EXPR_COMPARE,     /* both operands have been brought to `operand_type` */
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT,
    EXPR_IS_NULL,
    EXPR_IN,   /* args: value, items; all of operand_type */
    EXPR_LIKE, /* args: value, pattern; escape */
    EXPR_CASE, /* args: when, then, ..., [else] */
    EXPR_CAST, /* args: value */
    EXPR_CALL,
    EXPR_SUBSCRIPT,
    EXPR_FIELD, /* slot = index of the field */
    EXPR_ARRAY,
    EXPR_MAP, /* args: key, value, ... */
    EXPR_STRUCT,
    EXPR_LAMBDA, /* slot = number of its first parameter, param_count; args: body */
} ExprKind;

typedef enum {
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_MODULO,
    EXPR_EQUAL,
    EXPR_NOT_EQUAL,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_GREATER,
    EXPR_GREATER_EQUAL,
    EXPR_DISTINCT,
    EXPR_NOT_DISTINCT,
} ExprOp;

typedef struct Expr Expr;
struct Expr {
    ExprKind           kind;
    ExprOp             op;
    bool               negated; /* IS_NULL, IN, LIKE */
    bool               has_else;
    const SqlType     *type;
    const SqlType     *operand_type; /* COMPARE, IN */
    Value              value;        /* CONST */
    int                slot;
    int                param_count;
    Str                escape;   /* LIKE; ptr NULL: none */
    const FnResolved  *function; /* CALL */
    const Expr *const *args;
    size_t             count;
};

/* ---- compiled ---- */

typedef struct Program Program;

typedef struct ErrorSink ErrorSink;
struct ErrorSink {
    void (*report)(ErrorSink *self, const Error *err); /* an inner unit failed and became NULL */
};

typedef struct {
    Clock          *clock;
    const FnConfig *config;             /* may be NULL */
    ErrorSink      *errors;             /* may be NULL */
    bool            nested_errors_stay; /* ksql.nested.error.set.null=false */
    bool            pull;               /* text concatenation with NULL gives NULL (sql.md 3.4) */
} ProgramContext;

/* Constants are folded; everything is allocated in `arena`. The context is borrowed. */
Status program_compile(const Expr *expr, const ProgramContext *context, Arena *arena, Program **out,
                       Error *err);
void   program_close(Program *program); /* releases call sites; accepts NULL */

/* What lambdas have taken so far. */
typedef struct {
    uint64_t calls;
    int64_t  since; /* thread's processor time at the first look at it, in ns */
} LambdaBudget;

/* Lambdas have a limit for each evaluation (E_DATA beyond it). Programs that run over the same row share one
 * instead: `budget`, borrowed, which the caller sets to zero for every row. */
void program_share_lambdas(Program *program, LambdaBudget *budget);

/* One row. *out is valid as long as `arena` and `columns`. E_DATA: evaluation error. */
Status program_eval(Program *program, const Value *columns, Arena *arena, Value *out, Error *err);

typedef enum { TRUTH_FALSE, TRUTH_TRUE, TRUTH_NULL } Truth;
/* A condition: a NULL result is an evaluation error too (sql.md 3.3), so on OK it is TRUE or FALSE. */
Status program_test(Program *program, const Value *columns, Arena *arena, Truth *out, Error *err);

/* Slots that the expression reads: sets used[slot]; used has `count` entries. */
void expr_mark_columns(const Expr *expr, bool *used, size_t count);
/* The same to the depth of struct fields, for pruning: calls `visit` with the column's slot and the path of
 * field indexes that is read (depth 0: the whole column). */
void expr_visit_paths(const Expr *expr, void (*visit)(void *context, int slot, const int *path, size_t depth),
                      void       *context);
/* A copy in which slot s is slots[s]; in the arena. */
const Expr *expr_remap(const Expr *expr, const int *slots, size_t count, Arena *arena);
bool        expr_equal(const Expr *a, const Expr *b);
bool        expr_is_constant(const Expr *expr); /* no columns, no params, only pure functions */
const Expr *expr_column(Arena *arena, int slot, const SqlType *type);
const Expr *expr_constant(Arena *arena, const SqlType *type, Value value);
const Expr *expr_cast(Arena *arena, const Expr *value, const SqlType *type); /* without check */
/* For EXPLAIN. */
void expr_print(const Expr *expr, const Schema *schema, StrBuf *out);

/* CAST of one value outside a program (INSERT VALUES, key constraints); E_DATA as at run time. */
Status cast_value(const SqlType *from, const SqlType *to, Value value, Arena *arena, Value *out, Error *err);
/* May this CAST be written at all (sql.md 3.6)? */
bool cast_is_supported(const SqlType *from, const SqlType *to);

#endif
