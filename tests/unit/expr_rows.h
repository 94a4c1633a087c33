/*
 * expr_rows.h - expressions as tables: a text, and what comes of it over one row that every test knows.
 *
 * The outcome is "TYPE: value", "TYPE: error" for an evaluation error, or "E: message" when planning refuses
 * it.
 */
#ifndef SLUICE_TESTS_EXPR_ROWS_H
#define SLUICE_TESTS_EXPR_ROWS_H

#include <setjmp.h>
#include <stddef.h>
/* cmocka wants the two above first */
#include <cmocka.h>

#include "core/decimal.h"
#include "expr/expr.h"
#include "parser/parser.h"
#include "planner/typer.h"

typedef struct {
    const char *sql, *outcome;
} ExprRow;

typedef struct {
    Arena        *arena;
    Functions    *functions;
    Catalog      *catalog;
    const Schema *schema;
    const Value  *row;
    Clock         clock;
    ErrorSink     sink;
    int           reported; /* errors of guarded units */
    bool          pull, nested_errors_stay, magic;
} ExprBench;

static inline void bench_report(ErrorSink *sink, const Error *err)
{
    ExprBench *bench = (ExprBench *)((char *)sink - offsetof(ExprBench, sink));
    bench->reported++;
}

static inline void bench_column(Column *columns, Value *row, size_t *count, const char *name,
                                const SqlType *type, Value value)
{
    columns[*count] = (Column){.name = str_c(name), .type = type, .role = COLUMN_VALUE};
    row[(*count)++] = value;
}

static inline void bench_scalars(ExprBench *b, Column *columns, Value *row, size_t *n)
{
    const SqlType *decimal = type_decimal_unchecked(b->arena, 4, 2);
    bench_column(columns, row, n, "I", &type_integer, value_from_int(7));
    bench_column(columns, row, n, "B", &type_bigint, value_from_int(5000000000));
    bench_column(columns, row, n, "D", &type_double, value_from_double(2.5));
    bench_column(columns, row, n, "M", decimal, value_decimal(1234, 2));
    bench_column(columns, row, n, "S", &type_string, value_from_str(STR_LIT("abc")));
    bench_column(columns, row, n, "T", &type_boolean, value_from_bool(true));
    bench_column(columns, row, n, "F", &type_boolean, value_from_bool(false));
    bench_column(columns, row, n, "NI", &type_integer, value_null());
    bench_column(columns, row, n, "ND", &type_double, value_null());
    bench_column(columns, row, n, "NS", &type_string, value_null());
    bench_column(columns, row, n, "NB", &type_boolean, value_null());
    bench_column(columns, row, n, "NAN", &type_double, value_from_double(__builtin_nan("")));
    bench_column(columns, row, n, "BIN", &type_bytes, value_from_str(STR_LIT("\x80\x01")));
    bench_column(columns, row, n, "TS", &type_timestamp, value_from_int(1577836800000));
    bench_column(columns, row, n, "DT", &type_date, value_from_int(18262));
    bench_column(columns, row, n, "TM", &type_time, value_from_int(3600123));
    bench_column(columns, row, n, "IMIN", &type_integer, value_from_int(INT32_MIN));
    bench_column(columns, row, n, "BMIN", &type_bigint, value_from_int(INT64_MIN));
    bench_column(columns, row, n, "ROWTIME", &type_bigint, value_from_int(1577836800000));
}

static inline void bench_collections(ExprBench *b, Column *columns, Value *row, size_t *n)
{
    static const Value    ints[]   = {{.as.i64 = 10}, {.flags = VALUE_NULL}, {.as.i64 = 30}};
    static const MapEntry map[]    = {{{.as.ptr = "a", .len = 1}, {.as.i64 = 1}},
                                      {{.as.ptr = "b", .len = 1}, {.flags = VALUE_NULL}}};
    static const Value    st[]     = {{.as.i64 = 5}, {.as.ptr = "x", .len = 1}};
    SqlField              fields[] = {{STR_LIT("F"), &type_integer}, {STR_LIT("G"), &type_string}};
    const SqlType        *record   = type_struct(b->arena, fields, 2);
    bench_column(columns, row, n, "A", type_array(b->arena, &type_integer), value_array(ints, 3));
    bench_column(columns, row, n, "NA", type_array(b->arena, &type_integer), value_null());
    bench_column(columns, row, n, "AB", type_array(b->arena, &type_bigint), value_array(ints, 3));
    bench_column(columns, row, n, "MP", type_map(b->arena, &type_string, &type_integer), value_map(map, 2));
    bench_column(columns, row, n, "ST", record, value_array(st, 2));
    bench_column(columns, row, n, "NST", record, value_null());
}

static inline int bench_open(void **state)
{
    ExprBench *b = mem_calloc(1, sizeof *b);
    Column     columns[32];
    Value      row[32];
    size_t     n   = 0;
    b->arena       = arena_new(0);
    b->functions   = functions_open();
    b->catalog     = catalog_new();
    b->sink.report = bench_report;
    clock_init_virtual(&b->clock, 1000, 1);
    bench_scalars(b, columns, row, &n);
    bench_collections(b, columns, row, &n);
    b->schema   = schema_new(b->arena, columns, n);
    Value *copy = ARENA_ARRAY(b->arena, Value, n);
    memcpy(copy, row, n * sizeof *copy);
    b->row = copy;
    *state = b;
    return 0;
}

static inline int bench_close(void **state)
{
    ExprBench *b = *state;
    functions_close(b->functions);
    catalog_free(b->catalog);
    arena_free(b->arena);
    mem_free(b);
    return 0;
}

static inline Typer bench_typer(ExprBench *b)
{
    return (Typer){
        .catalog = b->catalog, .functions = b->functions, .arena = b->arena, .magic_timestamps = b->magic};
}

static inline Status bench_type(ExprBench *b, const char *sql, const Expr **out, Error *err)
{
    AstExpr    *ast;
    SchemaScope scope;
    Typer       typer = bench_typer(b);
    schema_scope_init(&scope, b->schema);
    TRY(parse_expression(b->arena, str_c(sql), &ast, err));
    return type_expression(&typer, ast, &scope.base, out, err);
}

static inline const char *bench_outcome(ExprBench *b, const char *sql)
{
    static Error   err;
    const Expr    *expr;
    Program       *program;
    Value          value;
    StrBuf         buf     = {0};
    ProgramContext context = {
        .clock = &b->clock, .errors = &b->sink, .pull = b->pull, .nested_errors_stay = b->nested_errors_stay};
    if (bench_type(b, sql, &expr, &err) != OK ||
        program_compile(expr, &context, b->arena, &program, &err) != OK)
        return str_printf(b->arena, "E: %s", err.message).ptr;
    type_print(expr->type, &buf);
    strbuf_adds(&buf, ": ");
    if (program_eval(program, b->row, b->arena, &value, &err) == OK)
        value_print(expr->type, value, &buf);
    else
        strbuf_adds(&buf, "error");
    program_close(program);
    const char *text = str_to_c(b->arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

static inline void bench_check(ExprBench *b, const ExprRow *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *outcome = bench_outcome(b, rows[i].sql);
        if (strcmp(outcome, rows[i].outcome) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", rows[i].sql, outcome, rows[i].outcome);
    }
}

#define BENCH_CHECK(state, rows) bench_check(*(state), rows, ARRAY_LEN(rows))

#endif
