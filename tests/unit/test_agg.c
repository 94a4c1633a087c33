/* Aggregates: accumulate, merge of two halves, undo, and what binding refuses. */
#include "tests/unit/agg_test.h"

static const SqlType d41 = {.kind = T_DECIMAL, .precision = 4, .scale = 1};

typedef struct {
    const char *name, *expected, *merged,
        *undone; /* all rows; rows 0-1 merged with the rest; the last row undone; NULL: not allowed */
    size_t arg_count, row_count;
    Arg    args[4];
    Value  rows[6];
} AggCase;

#define ROWS(...) sizeof((Value[]){__VA_ARGS__}) / sizeof(Value)
#define AGG(name, expected, merged, undone, arg, ...)                                                        \
    {                                                                                                        \
        name, expected, merged, undone, 1, ROWS(__VA_ARGS__), {arg}, { __VA_ARGS__ }                         \
    }
#define AGG2(name, expected, merged, a, b, ...)                                                              \
    {                                                                                                        \
        name, expected, merged, NULL, 2, ROWS(__VA_ARGS__), {a, b}, { __VA_ARGS__ }                          \
    }

static void runs(void **state)
{
    const AggCase cases[] = {
        AGG("count", "2", "2", "1", I(0), VI(1), VNULL, VI(3)),
        AGG("sum", "-2147483648", "-2147483648", "2147483647", I(0), VI(INT32_MAX), VNULL, VI(1)),
        AGG("sum", "6.0", "6.0", "3.0", D(0), VD(1), VD(2), VD(3)),
        AGG("avg", "1.5", "1.5", "1.0", I(0), VI(1), VNULL, VI(2)),
        AGG("avg", "0.0", "0.0", "0.0", I(0), VNULL, VNULL, VNULL),
        AGG("min", "1", "1", NULL, I(0), VI(2), VNULL, VI(1)),
        AGG("max", "b", "b", NULL, S(""), VS("a"), VS("b"), VNULL),
        AGG("collect_list", "[1, null, 1]", "[1, null, 1]", "[1, null]", I(0), VI(1), VNULL, VI(1)),
        AGG("collect_set", "[1, null]", "[1, null]", NULL, I(0), VI(1), VNULL, VI(1)),
        AGG("earliest_by_offset", "1", "1", NULL, I(0), VNULL, VI(1), VI(2)),
        AGG("latest_by_offset", "1", "1", NULL, I(0), VI(2), VI(1), VNULL),
        AGG2("latest_by_offset", "NULL", "NULL", I(0), B(false), VI(2), VI(1), VNULL),
        AGG2("latest_by_offset", "[1, 3]", "[1, 3]", I(0), I(2), VI(2), VI(1), VNULL, VI(3)),
        AGG2("earliest_by_offset", "[2, 1]", "[2, 1]", I(0), I(2), VI(2), VI(1), VNULL, VI(3)),
        AGG2("topk", "[100, 99]", "[100, 99]", I(0), I(2), VI(0), VI(100), VNULL, VI(99)),
        AGG2("topkdistinct", "[100, 99]", "[100, 99]", I(0), I(2), VI(100), VI(99), VI(100), VI(5)),
        AGG("stddev_samp", "50.0", "50.0", "0.0", I(0), VI(0), VI(10)),
        AGG("stddev_sample", "7.0710678118654755", "7.0710678118654755", "0.0", I(0), VI(0), VI(10)),
        AGG("histogram", "{a=2, b=1}", "{a=2, b=1}", "{a=1, b=1}", S(""), VS("a"), VS("b"), VNULL, VS("a")),
        AGG("attr", "1", "1", "1", S(""), VS("1"), VS("1"), VS("1")),
        AGG("attr", "NULL", "NULL", "NULL", S(""), VS("1"), VNULL, VS("1")),
        AGG("count_distinct", "3", "3", NULL, S(""), VS("a"), VS("b"), VS("a"), VNULL, VS("c")),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const AggCase *c     = &cases[i];
        Arena         *arena = arena_new(0);
        Agg            agg;
        if (agg_open(&agg, *state, arena, c->name, c->args, c->arg_count) != OK)
            fail_msg("%s: %s", c->name, agg.err.message);
        AggState all = agg_start(&agg), both = agg_start(&agg), second = agg_start(&agg),
                 first = agg_start(&agg);
        size_t head    = c->row_count > 2 ? 2 : 1;
        agg_feed(&agg, &all, c->rows, c->row_count, 0);
        agg_feed(&agg, &first, c->rows, head, 0);
        agg_feed(&agg, &second, c->rows + head, c->row_count - head, (int64_t)head);
        fn_expect(c->name, agg_text(&agg, all.value), c->expected);
        agg_merge(&agg, &both, &first);
        agg_merge(&agg, &both, &second);
        fn_expect(c->name, agg_text(&agg, both.value), c->merged);
        assert_int_equal(agg.fn->undo == NULL, c->undone == NULL);
        if (c->undone != NULL) {
            agg_undo(&agg, &all, &c->rows[c->row_count - 1]);
            fn_expect(c->name, agg_text(&agg, all.value), c->undone);
        }
        agg_state_clear(&all);
        agg_state_clear(&both);
        arena_free(arena);
    }
}

static void sum_of_decimals_overflows(void **state)
{
    Arena      *arena = arena_new(0);
    Agg         agg;
    const Value big = value_decimal(9999, 1), one = value_decimal(1, 1);
    assert_int_equal(agg_open(&agg, *state, arena, "sum", (Arg[]){DEC(d41, 0)}, 1), OK);
    AggState sum = agg_start(&agg);
    agg_feed(&agg, &sum, &big, 1, 0);
    fn_expect("sum", agg_text(&agg, sum.value), "999.9");
    assert_int_equal(agg_add(&agg, &sum, &one, 1), E_FATAL_DATA);
    assert_int_equal(agg.err.code, E_FATAL_DATA);
    assert_non_null(strstr(agg.err.message, "Numeric field overflow"));
    agg_state_clear(&sum);
    arena_free(arena);
}

static void topk_keeps_rows(void **state)
{
    Arena      *arena = arena_new(0);
    Agg         agg;
    const Value rows[3][2] = {{VI(1), VS("a")}, {VI(3), VS("b")}, {VI(1), VS("c")}};
    assert_int_equal(agg_open(&agg, *state, arena, "topk", (Arg[]){I(0), S(""), I(2)}, 3), OK);
    AggState top = agg_start(&agg);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(agg_add(&agg, &top, rows[i], (int64_t)i), OK);
    fn_expect("topk", agg_text(&agg, top.value), "[Struct{sort_col=3,col0=b}, Struct{sort_col=1,col0=a}]");
    agg_state_clear(&top);
    arena_free(arena);
}

static void refuses(void **state)
{
    static const struct {
        const char *name, *message;
        size_t      count;
        Arg         args[3];
    } cases[] = {
        {"avg", "Function 'avg' does not accept parameters (DECIMAL(4, 1)).", 1, {{{{0}, 0, 0, 1}, &d41}}},
        {"topk",
         "k must be 1 or greater",
         2,
         {{{{0}, 0, 0, 0}, &type_integer}, {{{0}, 0, 0, 0}, &type_integer}}},
        {"latest_by_offset",
         "latestN must be 1 or greater",
         2,
         {{{{0}, 0, 0, 0}, &type_integer}, {{{0}, 0, 0, 0}, &type_integer}}},
        {"max", "does not accept parameters (BOOLEAN)", 1, {{{{0}, 0, 0, 0}, &type_boolean}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arena *arena = arena_new(0);
        Agg    agg;
        assert_int_equal(agg_open(&agg, *state, arena, cases[i].name, cases[i].args, cases[i].count), E_PLAN);
        if (strstr(agg.err.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].name, agg.err.message);
        arena_free(arena);
    }
}

static void counts_many_distinct_values(void **state)
{
    Arena *arena = arena_new(0);
    Agg    agg;
    Value  out;
    assert_int_equal(agg_open(&agg, *state, arena, "count_distinct", (Arg[]){L(0)}, 1), OK);
    AggState sketch = agg_start(&agg);
    for (int64_t i = 0; i < 10000; i++) {
        Value v = value_from_int(i);
        agg_feed(&agg, &sketch, &v, 1, i);
    }
    assert_int_equal(
        agg.fn->result(agg.call, sketch.value, &(AggregateContext){.scratch = arena}, &out, &agg.err), OK);
    assert_in_range(out.as.i64, 9700, 10300);
    agg_state_clear(&sketch);
    arena_free(arena);
}

/* Groups of many values: texts that come and go, indexes, sliding lists. */
static void long_groups_keep_what_they_should(void **state)
{
    enum { DISTINCT = 300, ROWS = 2 * DISTINCT, LAST = 20 };
    static const struct {
        const char *name;
        size_t      len;
        int64_t     first; /* number of the row whose text stands first */
        int64_t     count; /* the constant behind the column; 0: none */
    } cases[] = {
        {"collect_list", ROWS, 0, 0},
        {"collect_set", DISTINCT, 0, 0},
        {"histogram", DISTINCT, 0, 0},
        {"latest_by_offset", LAST, DISTINCT - LAST, LAST},
        {"earliest_by_offset", LAST, 0, LAST},
        {"topk", LAST, DISTINCT - 1, LAST},
        {"topkdistinct", LAST, DISTINCT - 1, LAST},
    };
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        Arena *arena  = arena_new(0);
        Arg    args[] = {S(""), I(cases[c].count)};
        Agg    agg;
        Value  out;
        char   text[16];
        assert_int_equal(agg_open(&agg, *state, arena, cases[c].name, args, cases[c].count == 0 ? 1 : 2), OK);
        AggState group = agg_start(&agg), copy = agg_start(&agg);
        for (int i = 0; i < ROWS; i++) {
            Value v = value_string(text, (size_t)snprintf(text, sizeof text, "t%03d", i % DISTINCT));
            assert_int_equal(agg_add(&agg, &group, &v, i), OK);
        }
        growth_replace(&copy.memory, agg.call->state_type, group.value, &copy.value);
        agg_merge(&agg, &group, &copy);
        out = group.value;
        if (agg.fn->result != NULL)
            assert_int_equal(
                agg.fn->result(agg.call, group.value, &(AggregateContext){.scratch = arena}, &out, &agg.err),
                OK);
        size_t merged = cases[c].len * (strcmp(cases[c].name, "collect_list") == 0 ? 2 : 1);
        Value  first = agg.call->result_type->kind == T_MAP ? value_entries(out)[0].key : value_items(out)[0];
        assert_int_equal(out.len, merged);
        if (strcmp(cases[c].name, "latest_by_offset") != 0) {
            snprintf(text, sizeof text, "t%03d", (int)cases[c].first);
            assert_true(str_equal(value_str(first), str_c(text)));
        }
        if (agg.call->result_type->kind == T_MAP)
            assert_int_equal(value_entries(out)[DISTINCT - 1].value.as.i64, 4);
        agg_state_clear(&group);
        arena_free(arena);
    }
}

static void undo_finds_its_value_in_a_long_group(void **state)
{
    enum { DISTINCT = 100 };
    static const char *const names[] = {"histogram", "attr", "collect_list"};
    for (size_t c = 0; c < ARRAY_LEN(names); c++) {
        Arena *arena = arena_new(0);
        Agg    agg;
        char   text[16];
        assert_int_equal(agg_open(&agg, *state, arena, names[c], (Arg[]){S("")}, 1), OK);
        AggState group = agg_start(&agg);
        for (int i = 0; i < 3 * DISTINCT; i++) { /* each value comes, all but 42 go again */
            Value v = value_string(text, (size_t)snprintf(text, sizeof text, "t%03d", i % DISTINCT));
            if (i < DISTINCT)
                assert_int_equal(agg_add(&agg, &group, &v, i), OK);
            else if (i < 2 * DISTINCT && i % DISTINCT != 42)
                agg_undo(&agg, &group, &v);
            else if (i >= 2 * DISTINCT) /* what is not there any more */
                agg_undo(&agg, &group, &v);
            if (i == 2 * DISTINCT - 1)
                fn_expect(names[c], agg_text(&agg, group.value),
                          c == 0   ? "{t042=1}"
                          : c == 1 ? "t042"
                                   : "[t042]");
        }
        fn_expect(names[c], agg_text(&agg, group.value), c == 0 ? "{}" : c == 1 ? "NULL" : "[]");
        agg_state_clear(&group);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs),
        cmocka_unit_test(sum_of_decimals_overflows),
        cmocka_unit_test(topk_keeps_rows),
        cmocka_unit_test(refuses),
        cmocka_unit_test(counts_many_distinct_values),
        cmocka_unit_test(long_groups_keep_what_they_should),
        cmocka_unit_test(undo_finds_its_value_in_a_long_group),
    };
    return cmocka_run_group_tests(tests, fn_setup, fn_teardown);
}
