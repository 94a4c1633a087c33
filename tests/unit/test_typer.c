/*
 * test_typer.c - types and refusals: the texts of sql.md 3.3 to 3.8, conditions, constants, lambdas.
 */
#include "expr_rows.h"

#define ISSUE "(see https://github.com/confluentinc/ksql/issues/4239)"
#define WORKAROUND " As a workaround, you may cast a NULL value to the desired type."
#define HINT "\nHint: You might need to add explicit type casts."

static const ExprRow refusals[] = {
    {"NOSUCH", "E: Unknown column NOSUCH."},
    {"I = NULL",
     "E: Comparison with NULL not supported: INTEGER = NULL\nUse 'IS NULL' or 'IS NOT NULL' instead."},
    {"NULL <> M",
     "E: Comparison with NULL not supported: NULL <> DECIMAL\nUse 'IS NULL' or 'IS NOT NULL' instead."},
    {"I + NULL",
     "E: Error processing expression: (I + null). Arithmetic on types INTEGER and null are not supported."},
    {"TRUE + 1.5",
     "E: Error processing expression: (true + 1.5). Unsupported arithmetic types. BOOLEAN DECIMAL"},
    {"S - 'a'", "E: Error processing expression: (S - 'a'). Unsupported arithmetic types. STRING STRING"},
    {"I > '10'", "E: Cannot compare I (INTEGER) to '10' (STRING) with GREATER_THAN.\nHint: CAST one side to "
                 "the other's type."},
    {"I BETWEEN 1 AND 'b'", "E: Cannot compare I (INTEGER) to 'b' (STRING) with LESS_THAN_OR_EQUAL.\nHint: "
                            "CAST one side to the other's type."},
    {"A < A", "E: Cannot compare A (ARRAY<INTEGER>) to A (ARRAY<INTEGER>) with LESS_THAN."},
    {"T > F", "E: Cannot compare T (BOOLEAN) to F (BOOLEAN) with GREATER_THAN."},
    {"TM = TS",
     "E: Cannot compare TM (TIME) to TS (TIMESTAMP) with EQUAL.\nHint: CAST one side to the other's type."},
    {"I IS DISTINCT FROM 'x'", "E: Cannot compare I (INTEGER) to 'x' (STRING) with IS_DISTINCT_FROM.\nHint: "
                               "CAST one side to the other's type."},
    {"I IN (10, 'nope')", "E: Invalid Predicate: invalid input syntax for type INTEGER: \"nope\"."},
    {"I IN (10, S)", "E: Invalid Predicate: operator does not exist: INTEGER = STRING (S)" HINT},
    {"T IN (true, 10)", "E: Invalid Predicate: operator does not exist: BOOLEAN = INTEGER (10)" HINT},
    {"M IN (10, S)", "E: Invalid Predicate: operator does not exist: DECIMAL(12, 2) = STRING (S)" HINT},
    {"ST IN (STRUCT(F := T))", "E: Invalid Predicate: operator does not exist: STRUCT<`F` INTEGER, `G` "
                               "STRING> = STRUCT<`F` BOOLEAN> (STRUCT(F:=T))" HINT},
    {"T IN ('maybe')", "E: Invalid Predicate: invalid input syntax for type BOOLEAN: \"maybe\"."},
    {"ARRAY[]", "E: Array constructor cannot be empty. Please supply at least one element " ISSUE "."},
    {"ARRAY[NULL, NULL]", "E: Cannot construct an array with all NULL elements " ISSUE "." WORKAROUND},
    {"MAP()", "E: Map constructor cannot be empty. Please supply at least one key value pair " ISSUE "."},
    {"MAP(NULL := 1)", "E: Cannot construct a map with all NULL keys " ISSUE "." WORKAROUND},
    {"MAP('a' := NULL)", "E: Cannot construct a map with all NULL values " ISSUE "." WORKAROUND},
    {"STRUCT(X := 1, X := 'a')", "E: Duplicate field names found in STRUCT: '`X` INTEGER' and '`X` STRING'"},
    {"S[1]", "E: Subscript expression (S[1]) do not apply to STRING."},
    {"ST->NOPE", "E: Could not find field 'NOPE' in 'ST'."},
    {"CASE WHEN I THEN 1 END", "E: WHEN operand type should be boolean.\nType for 'I' is INTEGER"},
    {"CASE WHEN T THEN 1 WHEN F THEN 'a' END",
     "E: Invalid Case expression. Type for all 'THEN' clauses should be the same.\n"
     "THEN expression 'WHEN F THEN 'a'' has type: STRING.\nPrevious THEN expression(s) type: INTEGER."},
    {"CASE WHEN T THEN 1 ELSE 2.5 END",
     "E: Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\n"
     "THEN type: INTEGER.\nDEFAULT type: DECIMAL(2, 1)."},
    {"CASE WHEN T THEN NULL ELSE NULL END", "E: Invalid Case expression. All case branches have NULL type"},
    {"TRANSFORM(A, x => TRANSFORM(A, x => x))",
     "E: Reusing lambda arguments in nested lambda is not allowed"},
    /* each level is typed twice */
    {"ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A]"
     ", ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY["
     "ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRA"
     "Y[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY["
     "A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRA"
     "Y[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], ARRAY[ARRAY[ARRAY[A], AR"
     "RAY[A]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]]["
     "2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]][2][1]]]["
     "2][1]]][2][1]]][2][1]",
     "E: The expression is nested too deeply to find its type."},
    {"NO_FN(1)", "E: Can't find any functions with the name 'NO_FN'"},
};

static const ExprRow types[] = {
    /* each level is typed once */
    {"ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[AR"
     "RAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRA"
     "Y[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY["
     "ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[AR"
     "RAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[ARRAY[I][1]][1]][1]][1]][1]][1]][1]][1]][1]][1"
     "]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1"
     "]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1"
     "]][1]][1]][1]][1]][1]][1]][1]][1]][1]][1]",
     "INTEGER: 7"},
    {"ARRAY[1, '2', 3.5]", "ARRAY<DECIMAL(11, 1)>: [1.0, 2.0, 3.5]"},
    {"ARRAY[NULL, 10, '2e1', I, B]", "ARRAY<DECIMAL(19, 0)>: [null, 10, 20, 7, 5000000000]"},
    {"ARRAY['a', 1, true, 1.50]", "ARRAY<STRING>: [a, 1, true, 1.50]"},
    {"MAP(S := T, 10 := 'no')", "MAP<STRING, BOOLEAN>: {abc=true, 10=false}"},
    {"ARRAY[STRUCT(X := I), STRUCT(X := B, Z := 'q')]",
     "ARRAY<STRUCT<`X` BIGINT, `Z` STRING>>: [Struct{X=7}, Struct{X=5000000000,Z=q}]"},
    {"ARRAY[ARRAY[1], ARRAY[B]]", "ARRAY<ARRAY<BIGINT>>: [[1], [5000000000]]"},
    {"ARRAY[DT, '2021-02-03']", "ARRAY<DATE>: [2020-01-01, 2021-02-03]"},
};

static void typer_refuses(void **state) { BENCH_CHECK(state, refusals); }
static void typer_finds_common_types(void **state) { BENCH_CHECK(state, types); }

static const struct {
    const char *sql, *message; /* NULL: accepted */
} conditions[] = {
    {"I = 7", NULL},
    {"ROWTIME >= '2019-12'", NULL},
    {"ROWTIME BETWEEN '2019' AND '2021'", NULL},
    {"I + 1", "Type error in WHERE expression: Should evaluate to boolean but is (I + 1) (INTEGER) instead."},
    {"I = 'x'", "Error in WHERE expression: Cannot compare I (INTEGER) to 'x' (STRING) with "
                "EQUAL.\nStatement: (I = 'x')\nHint: CAST one side to the other's type."},
    {"NOT (I = 'x')", "Invalid Predicate: Cannot compare I (INTEGER) to 'x' (STRING) with EQUAL.\nHint: CAST "
                      "one side to the other's type."},
    {"I IN (true)", "Invalid Predicate: operator does not exist: INTEGER = BOOLEAN (true)" HINT},
    {"ROWTIME > 'noon'",
     "Error in WHERE expression: Failed to parse timestamp 'noon'\nStatement: (ROWTIME > 'noon')"},
    {"S > 5 AND T", "Error in WHERE expression: Cannot compare S (STRING) to 5 (INTEGER) with "
                    "GREATER_THAN.\nStatement: ((S > 5) AND T)\nHint: CAST one side to the other's type."},
};

static void typer_checks_conditions(void **state)
{
    ExprBench *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        AstExpr    *ast;
        const Expr *expr;
        SchemaScope scope;
        Error       err;
        b->magic    = true;
        Typer typer = bench_typer(b);
        schema_scope_init(&scope, b->schema);
        error_clear(&err);
        assert_int_equal(parse_expression(b->arena, str_c(conditions[i].sql), &ast, &err), OK);
        Status status = type_condition(&typer, ast, &scope.base, "WHERE", &expr, &err);
        assert_string_equal(err.message, conditions[i].message != NULL ? conditions[i].message : "");
        assert_int_equal(status, conditions[i].message != NULL ? E_PLAN : OK);
    }
    assert_string_equal(bench_outcome(b, "ROWTIME = '2020-01-01T00:00:00.000Z'"), "BOOLEAN: true");
    b->magic = false;
}

static const struct {
    const char *sql, *type, *outcome;
} constants[] = {
    {"1 + 2", "BIGINT", "3"},
    {"5", "DECIMAL(4, 2)", "5.00"},
    {"1.255", "DECIMAL(4, 2)", "E: Expected type DECIMAL(4, 2) for field C but got DECIMAL(1.255)"},
    {"1.5", "DOUBLE", "1.5"},
    {"'2020-01-02'", "DATE", "2020-01-02"},
    {"'x'", "DATE", "E: Expected type DATE for field C but got STRING(x). Date format must be yyyy-mm-dd"},
    {"'x'", "TIME", "E: Expected type TIME for field C but got STRING(x). Time format must be hh:mm:ss[.S]"},
    {"'x'", "TIMESTAMP",
     "E: Expected type TIMESTAMP for field C but got STRING(x). Timestamp format must be "
     "yyyy-mm-ddThh:mm:ss[.S]"},
    {"'1'", "INT", "E: Expected type INTEGER for field C but got STRING(1)"},
    {"1e0", "INT", "E: Expected type INTEGER for field C but got DOUBLE(1.0)"},
    {"UCASE('a')", "STRING", "A"},
    {"NULL", "INT", "null"},
    {"ARRAY[1, 2]", "ARRAY<BIGINT>", "[1, 2]"},
    {"STRUCT(F := 1)", "STRUCT<F BIGINT, G STRING>", "Struct{F=1}"},
    {"X", "INT", "E: Unknown column X."},
};

static void typer_evaluates_constants(void **state)
{
    ExprBench *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
        AstExpr       *ast;
        AstType       *ast_type;
        const SqlType *type;
        Value          value;
        Error          err;
        StrBuf         text  = {0};
        Typer          typer = bench_typer(b);
        assert_int_equal(parse_expression(b->arena, str_c(constants[i].sql), &ast, &err), OK);
        assert_int_equal(parse_type(b->arena, str_c(constants[i].type), &ast_type, &err), OK);
        assert_int_equal(resolve_type(b->catalog, ast_type, b->arena, &type, &err), OK);
        if (evaluate_constant(&typer, ast, type, STR_LIT("C"), &b->clock, &value, &err) == OK)
            value_print(type, value, &text);
        else
            strbuf_addf(&text, "E: %s", err.message);
        assert_string_equal(str_to_c(b->arena, strbuf_str(&text)), constants[i].outcome);
        strbuf_clear(&text);
    }
}

static void typer_expands_custom_types(void **state)
{
    ExprBench     *b = *state;
    AstType       *ast;
    const SqlType *type;
    Error          err;
    catalog_put_type(b->catalog, STR_LIT("MONEY"), type_decimal_unchecked(b->arena, 9, 2));
    assert_int_equal(parse_type(b->arena, STR_LIT("MAP<STRING, MONEY>"), &ast, &err), OK);
    assert_int_equal(resolve_type(b->catalog, ast, b->arena, &type, &err), OK);
    assert_string_equal(str_to_c(b->arena, type_text(b->arena, type)), "MAP<STRING, DECIMAL(9, 2)>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typer_refuses),
        cmocka_unit_test(typer_finds_common_types),
        cmocka_unit_test(typer_checks_conditions),
        cmocka_unit_test(typer_evaluates_constants),
        cmocka_unit_test(typer_expands_custom_types),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
