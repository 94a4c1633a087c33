/*
 * test_program.c - what expressions give: nulls, errors, arithmetic, comparisons, CASE, collections, guards
 * (sql.md 3.3 to 3.8).
 */
#include "expr_rows.h"

static const ExprRow literals[] = {
    {"1", "INTEGER: 1"},
    {"-2147483648", "INTEGER: -2147483648"},
    {"2147483648", "BIGINT: 2147483648"},
    {"0.05", "DECIMAL(3, 2): 0.05"},
    {"2.345", "DECIMAL(4, 3): 2.345"},
    {"1.50", "DECIMAL(3, 2): 1.50"},
    {"1e3", "DOUBLE: 1000.0"},
    {"'it''s'", "STRING: it's"},
    {"TRUE", "BOOLEAN: true"},
};

static const ExprRow nulls[] = {
    {"NI = 1", "BOOLEAN: false"},
    {"NI <> 1", "BOOLEAN: false"},
    {"1 <> NI", "BOOLEAN: false"},
    {"NOT (NI = 1)", "BOOLEAN: true"},
    {"NI < I", "BOOLEAN: false"},
    {"NI IS DISTINCT FROM 1", "BOOLEAN: true"},
    {"NI IS NOT DISTINCT FROM NI", "BOOLEAN: true"},
    {"I IS DISTINCT FROM 7", "BOOLEAN: false"},
    {"NI IN (1, 2)", "BOOLEAN: false"},
    {"NI NOT IN (1, 2)", "BOOLEAN: true"},
    {"I IN (1, NULL, 7)", "BOOLEAN: true"},
    {"NI BETWEEN 1 AND 9", "BOOLEAN: false"},
    {"I BETWEEN 7 AND 7", "BOOLEAN: true"},
    {"I NOT BETWEEN 1 AND 6", "BOOLEAN: true"},
    {"NS LIKE 'a%'", "BOOLEAN: error"},
    {"NI + 1", "INTEGER: error"},
    {"-NI", "INTEGER: error"},
    {"NB AND T", "BOOLEAN: error"},
    {"F AND NB", "BOOLEAN: false"},
    {"T AND NB", "BOOLEAN: error"},
    {"T OR NB", "BOOLEAN: true"},
    {"F OR NB", "BOOLEAN: error"},
    {"NOT NB", "BOOLEAN: error"},
    {"NST->F", "INTEGER: null"},
    {"NA[1]", "INTEGER: null"},
    {"NI IS NULL", "BOOLEAN: true"},
    {"I IS NOT NULL", "BOOLEAN: true"},
    {"CASE WHEN NB THEN 1 ELSE 2 END", "INTEGER: error"},
};

static const ExprRow arithmetic[] = {
    {"I + 2147483647", "INTEGER: -2147483642"},
    {"I * B", "BIGINT: 35000000000"},
    {"I / 2", "INTEGER: 3"},
    {"-7 / 2", "INTEGER: -3"},
    {"-7 % 3", "INTEGER: -1"},
    {"I / 0", "INTEGER: error"},
    {"I % 0", "INTEGER: error"},
    {"IMIN / -1", "INTEGER: -2147483648"},
    {"BMIN / -1", "BIGINT: -9223372036854775808"},
    {"BMIN % -1", "BIGINT: 0"},
    {"-IMIN", "INTEGER: -2147483648"},
    {"BMIN - 1", "BIGINT: 9223372036854775807"},
    {"D / 0.0", "DOUBLE: Infinity"},
    {"D % 2", "DOUBLE: 0.5"},
    {"D + 1.5", "DOUBLE: 4.0"},
    {"1.0 + I", "DECIMAL(12, 1): 8.0"},
    {"M + 1.5", "DECIMAL(5, 2): 13.84"},
    {"M - M", "DECIMAL(5, 2): 0.00"},
    {"M * 2.0", "DECIMAL(7, 3): 24.680"},
    {"M / 2.0", "DECIMAL(9, 6): 6.170000"},
    {"1.0 / 3.0", "DECIMAL(8, 6): error"},
    {"M / 0.0", "DECIMAL(9, 6): error"},
    {"M % 5.0", "DECIMAL(3, 2): 2.34"},
    {"S + 'd'", "STRING: abcd"},
    {"NS + 'd'", "STRING: nulld"},
    {"+I", "INTEGER: 7"},
    {"- -5", "INTEGER: 5"},
};

static const ExprRow comparisons[] = {
    {"D >= 2", "BOOLEAN: true"},
    {"D > 2.5", "BOOLEAN: false"},
    {"D = 2.50", "BOOLEAN: true"},
    {"2.4 < D", "BOOLEAN: true"},
    {"NAN = NAN", "BOOLEAN: false"},
    {"NAN <> NAN", "BOOLEAN: false"},
    {"NAN > 1.5", "BOOLEAN: error"},
    {"ND > 1.5", "BOOLEAN: false"},
    {"NAN > 1e0", "BOOLEAN: false"},
    {"M = 12.340", "BOOLEAN: true"},
    {"M < I", "BOOLEAN: false"},
    {"I < 7.5", "BOOLEAN: true"},
    {"B > I", "BOOLEAN: true"},
    {"S = 'abc'", "BOOLEAN: true"},
    {"'abc' = S", "BOOLEAN: true"},
    {"'b' > S", "BOOLEAN: true"},
    {"S < 'abd'", "BOOLEAN: true"},
    {"'\xF0\x9F\x98\x80' < '\xEF\xBF\xBD'", "BOOLEAN: true"}, /* a surrogate sorts before U+FFFD */
    {"BIN < CAST('AQI=' AS BYTES)", "BOOLEAN: true"},         /* bytes are signed */
    {"T = F", "BOOLEAN: false"},
    {"A = A", "BOOLEAN: true"},
    {"A = AB", "BOOLEAN: false"},
    {"A <> ARRAY[10]", "BOOLEAN: true"},
    {"ST = ST", "BOOLEAN: true"},
    {"TS = '2020-01-01'", "BOOLEAN: true"},
    {"TS > '2020-01-01T00:00:00.000+0100'", "BOOLEAN: true"},
    {"TS > 'rubbish'", "BOOLEAN: error"},
    {"DT = TS", "BOOLEAN: true"},
    {"DT >= '2019'", "BOOLEAN: true"},
    {"TM > '01:00'", "BOOLEAN: true"},
};

static const ExprRow branches[] = {
    {"CASE WHEN I > 5 THEN 'big' ELSE 'small' END", "STRING: big"},
    {"CASE WHEN I > 9 THEN 'big' END", "STRING: null"},
    {"CASE WHEN I > 5 THEN NULL ELSE 'x' END", "STRING: null"},
    {"CASE WHEN T THEN 1 WHEN I / 0 = 1 THEN 2 END", "INTEGER: 1"},
    {"CASE WHEN TRUE THEN 1 ELSE 1 / 0 END", "INTEGER: 1"},
    {"CASE WHEN NI = 1 THEN 1 ELSE 2 END", "INTEGER: 2"},
    {"TRUE OR 1 / 0 = 1", "BOOLEAN: true"},
};

static const ExprRow collections[] = {
    {"A[1]", "INTEGER: 10"},
    {"A[-1]", "INTEGER: 30"},
    {"A[0]", "INTEGER: null"},
    {"A[4]", "INTEGER: null"},
    {"A[-4]", "INTEGER: null"},
    {"A[B]", "INTEGER: null"},
    {"MP['a']", "INTEGER: 1"},
    {"MP['zz']", "INTEGER: null"},
    {"MP[NS]", "INTEGER: null"},
    {"ST->G", "STRING: x"},
    {"ARRAY[I, NULL, B]", "ARRAY<BIGINT>: [7, null, 5000000000]"},
    {"MAP('x' := 1, 'y' := I, 'x' := 3)", "MAP<STRING, INTEGER>: {x=3, y=7}"},
    {"STRUCT(X := I, Y := NS)", "STRUCT<`X` INTEGER, `Y` STRING>: Struct{X=7}"},
    {"STRUCT(X := ARRAY[1])->X[1]", "INTEGER: 1"},
    {"ARRAY[I / 0, 2]", "ARRAY<INTEGER>: [null, 2]"},
    {"MAP('a' := I / 0)", "MAP<STRING, INTEGER>: {a=null}"},
    {"STRUCT(X := 1, Y := CAST(S AS INT))->X", "INTEGER: 1"},
};

static const ExprRow calls[] = {
    {"UCASE(S)", "STRING: ABC"},
    {"S || 'x' || NS", "STRING: abcx"},
    {"COALESCE(CAST(S AS INT), 5)", "INTEGER: 5"},
    {"COALESCE(CAST('x' AS INT), 5)", "INTEGER: 5"},
    {"COALESCE(I / 0, 5)", "INTEGER: error"},
    {"UCASE(NULL)", "STRING: null"},
    {"TRANSFORM(ARRAY[1, 2], x => x + I)", "ARRAY<INTEGER>: [8, 9]"},
    {"TRANSFORM(ARRAY[1, 0], x => 1 / x)", "ARRAY<INTEGER>: error"},
    {"REDUCE(ARRAY[1, 2, 3], 0, (s, x) => s + x)", "INTEGER: 6"},
    {"FILTER(A, x => x > 5)", "ARRAY<INTEGER>: [10, 30]"},
    {"TRANSFORM(ARRAY[ARRAY[1, 2], ARRAY[3]], x => REDUCE(x, I, (s, y) => s + y))",
     "ARRAY<INTEGER>: [10, 10]"},
    {"TRANSFORM(MP, (k, v) => UCASE(k), (k, v) => CASE WHEN v IS NULL THEN 0 ELSE v END)",
     "MAP<STRING, INTEGER>: {A=1, B=0}"},
    {"SQRT(CAST(4 AS DECIMAL(5, 2)))", "DOUBLE: 2.0"},
    {"DATEADD(DAYS, 1, DT)", "DATE: 2020-01-02"},
};

static const ExprRow membership[] = {
    {"I IN (1, '7')", "BOOLEAN: true"},          {"B IN (1, 2.0, '5000000000')", "BOOLEAN: true"},
    {"S IN (true, 10, 'abc')", "BOOLEAN: true"}, {"T IN ('TrUe')", "BOOLEAN: true"},
    {"T IN ('N', 'fal')", "BOOLEAN: false"},     {"ARRAY[1, NULL] IN (ARRAY['1', NULL])", "BOOLEAN: true"},
    {"DT IN ('2020-01-01')", "BOOLEAN: true"},   {"I IN (NULL)", "BOOLEAN: false"},
    {"I NOT IN (7)", "BOOLEAN: false"},
};

static void program_reads_literals(void **state) { BENCH_CHECK(state, literals); }
static void program_has_two_truth_values(void **state) { BENCH_CHECK(state, nulls); }
static void program_calculates(void **state) { BENCH_CHECK(state, arithmetic); }
static void program_compares(void **state) { BENCH_CHECK(state, comparisons); }
static void program_takes_one_branch(void **state) { BENCH_CHECK(state, branches); }
static void program_builds_and_takes_apart(void **state) { BENCH_CHECK(state, collections); }
static void program_calls_functions(void **state) { BENCH_CHECK(state, calls); }
static void program_finds_members(void **state) { BENCH_CHECK(state, membership); }

static void program_reports_guarded_units(void **state)
{
    ExprBench *b = *state;
    b->reported  = 0;
    assert_string_equal(bench_outcome(b, "ARRAY[I / 0, CAST(S AS INT), 3]"),
                        "ARRAY<INTEGER>: [null, null, 3]");
    assert_int_equal(b->reported, 2);
    b->nested_errors_stay = true;
    assert_string_equal(bench_outcome(b, "ARRAY[I / 0, 3]"), "ARRAY<INTEGER>: error");
    b->nested_errors_stay = false;
}

static void program_concatenates_null_in_pull_queries(void **state)
{
    ExprBench *b = *state;
    b->pull      = true;
    assert_string_equal(bench_outcome(b, "NS + 'x'"), "STRING: null");
    b->pull = false;
}

/* A NULL verdict is an evaluation error; on OK it is true or false. */
static void program_tests_conditions(void **state)
{
    ExprBench     *b       = *state;
    ProgramContext context = {.clock = &b->clock};
    const struct {
        const char *sql;
        Status      status;
        Truth       truth;
    } rows[] = {{"I = 7", OK, TRUTH_TRUE}, {"S = 'zz'", OK, TRUTH_FALSE}, {"NB", E_DATA, TRUTH_NULL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const Expr *expr;
        Program    *program;
        Truth       truth;
        Error       err;
        assert_int_equal(bench_type(b, rows[i].sql, &expr, &err), OK);
        assert_int_equal(program_compile(expr, &context, b->arena, &program, &err), OK);
        assert_int_equal(program_test(program, b->row, b->arena, &truth, &err), rows[i].status);
        assert_int_equal(truth, rows[i].truth);
        program_close(program);
    }
}

/* Nested lambdas would run for months; programs over one row share what they may take. */
static void lambdas_are_stopped(void **state)
{
    ExprBench     *b       = *state;
    ProgramContext context = {.clock = &b->clock};
    LambdaBudget   budget  = {0};
    Value          out;
    Error          err;
    const Expr    *expr;
    Program       *program;
    const char    *endless =
        "REDUCE(GENERATE_SERIES(I, 99999), 0, (s, x) => s + ABS(REDUCE(GENERATE_SERIES(I, "
        "99999), 0, (t, y) => t + ABS(REDUCE(GENERATE_SERIES(I, 99999), 0, (u, z) => 1)))))";
    assert_string_equal(bench_outcome(b, endless), "INTEGER: error");
    assert_string_equal(bench_outcome(b, "REDUCE(GENERATE_SERIES(I, 1000000), 0, (s, x) => s + 1)"),
                        "INTEGER: 999994");
    assert_int_equal(bench_type(b, "REDUCE(ARRAY[I, 1], 0, (s, x) => s + x)", &expr, &err), OK);
    assert_int_equal(program_compile(expr, &context, b->arena, &program, &err), OK);
    program_share_lambdas(program, &budget);
    assert_int_equal(program_eval(program, b->row, b->arena, &out, &err), OK);
    assert_int_equal(budget.calls, 2);
    budget.calls = 10 * 1000 * 1000 - 1;
    assert_int_equal(program_eval(program, b->row, b->arena, &out, &err), E_DATA);
    assert_string_equal(err.message, "the lambdas of one row were stopped after 10000000 calls");
    program_close(program);
}

/* What a body makes to come to a number goes with it, or rows would take a hundred megabytes each. */
static void bodies_give_memory_back(void **state)
{
    static const char *const rows[] = {
        "REDUCE(GENERATE_SERIES(1, 4000), 0, (s, x) => s + ARRAY_LENGTH(TRANSFORM(GENERATE_SERIES(1, 500), y "
        "=> "
        "y + 1)))",
        "REDUCE(TRANSFORM(GENERATE_SERIES(1, 4000), x => ARRAY_LENGTH(FILTER(TRANSFORM(SPLIT(LPAD('a', 1000, "
        "','), "
        "','), y => CONCAT(y, 'b')), z => LEN(z) > 0))), 0, (s, n) => s + n / 2)",
    };
    ExprBench     *b       = *state;
    ProgramContext context = {.clock = &b->clock};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        Arena      *arena = arena_new(0);
        const Expr *expr;
        Program    *program;
        Value       out;
        Error       err;
        assert_int_equal(bench_type(b, rows[i], &expr, &err), OK);
        assert_int_equal(program_compile(expr, &context, b->arena, &program, &err), OK);
        assert_int_equal(program_eval(program, b->row, arena, &out, &err), OK);
        assert_int_equal(value_int(out), 2000000);
        assert_true(arena_used(arena) < 1024 * 1024);
        program_close(program);
        arena_free(arena);
    }
}

static int visited[4];

static void note_path(void *context, int slot, const int *path, size_t depth)
{
    visited[0]++;
    visited[1] += (int)depth;
}

static void expr_tools_see_columns(void **state)
{
    ExprBench  *b = *state;
    const Expr *expr, *same, *other;
    Error       err;
    bool        used[32] = {false};
    int         slots[32];
    StrBuf      text = {0};
    assert_int_equal(bench_type(b, "I + 1 > ST->F AND S = 'x'", &expr, &err), OK);
    assert_int_equal(bench_type(b, "I + 1 > ST->F AND S = 'x'", &same, &err), OK);
    assert_int_equal(bench_type(b, "I + 1 > ST->F AND S = 'y'", &other, &err), OK);
    assert_true(expr_equal(expr, same));
    assert_false(expr_equal(expr, other));
    assert_false(expr_is_constant(expr));
    expr_mark_columns(expr, used, 32);
    int i = schema_find(b->schema, STR_LIT("I")), st = schema_find(b->schema, STR_LIT("ST"));
    assert_true(used[i] && used[st] && used[schema_find(b->schema, STR_LIT("S"))]);
    assert_false(used[schema_find(b->schema, STR_LIT("D"))]);
    visited[0] = visited[1] = 0;
    expr_visit_paths(expr, note_path, NULL);
    assert_int_equal(visited[0], 3);
    assert_int_equal(visited[1], 1);
    expr_print(expr, b->schema, &text);
    assert_true(str_equal(strbuf_str(&text), STR_LIT("(((I + 1) > ST->F) AND (S = 'x'))")));
    strbuf_clear(&text);
    for (int k = 0; k < 32; k++)
        slots[k] = 31 - k;
    memset(used, 0, sizeof used);
    expr_mark_columns(expr_remap(expr, slots, 32, b->arena), used, 32);
    assert_true(used[31 - i] && used[31 - st]);
    assert_int_equal(bench_type(b, "REDUCE(ARRAY[1], 0, (s, x) => s + x) + 1", &expr, &err), OK);
    assert_true(expr_is_constant(expr));
    assert_int_equal(bench_type(b, "RANDOM()", &expr, &err), OK);
    assert_false(expr_is_constant(expr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_reads_literals),
        cmocka_unit_test(program_has_two_truth_values),
        cmocka_unit_test(program_calculates),
        cmocka_unit_test(program_compares),
        cmocka_unit_test(program_takes_one_branch),
        cmocka_unit_test(program_builds_and_takes_apart),
        cmocka_unit_test(program_calls_functions),
        cmocka_unit_test(program_finds_members),
        cmocka_unit_test(program_reports_guarded_units),
        cmocka_unit_test(program_concatenates_null_in_pull_queries),
        cmocka_unit_test(program_tests_conditions),
        cmocka_unit_test(lambdas_are_stopped),
        cmocka_unit_test(bodies_give_memory_back),
        cmocka_unit_test(expr_tools_see_columns),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
