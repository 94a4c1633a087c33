/* Every value survives: the codec, the changelog, and the columns of a table. */
#include "state_fixture.h"

#include <math.h>

#include "state/store_codec.h"

static const SqlField fields[]     = {{{"A", 1}, &type_bigint}, {{"b", 1}, &type_string}};
static const SqlType  type_dec     = {.kind = T_DECIMAL, .precision = 30, .scale = 2};
static const SqlType  type_list    = {.kind = T_ARRAY, .element = &type_double};
static const SqlType  type_dict    = {.kind = T_MAP, .key = &type_string, .element = &type_dec};
static const SqlType  type_record  = {.kind = T_STRUCT, .fields = fields, .field_count = 2};
static const Value    list_items[] = {
       {.as.f64 = -0.0}, {.flags = VALUE_NULL}, {.as.f64 = NAN}, {.as.f64 = 1e300}};
static const MapEntry dict_items[] = {{{.as.ptr = "k\"\n", .len = 3}, {.as.i64 = -5, .scale = 2}},
                                      {{.as.ptr = "", .len = 0}, {.flags = VALUE_NULL}}};
static const Value    record[]     = {{.as.i64 = INT64_MIN}, {.as.ptr = "\xc3\xa4\0x", .len = 4}};

static const struct {
    const SqlType *type;
    Value          value;
} values[] = {
    {&type_boolean, {.as.i64 = 1}},
    {&type_boolean, {.flags = VALUE_NULL}},
    {&type_integer, {.as.i64 = -2147483647}},
    {&type_bigint, {.as.i64 = INT64_MAX}},
    {&type_bigint, {.as.i64 = INT64_MIN}},
    {&type_double, {.as.f64 = 0.1}},
    {&type_double, {.as.f64 = 3.0}},
    {&type_double, {.as.f64 = -0.0}},
    {&type_double, {.as.f64 = NAN}},
    {&type_double, {.as.f64 = INFINITY}},
    {&type_double, {.as.f64 = 5e-324}},
    {&type_string, {.as.ptr = "", .len = 0}},
    {&type_string, {.as.ptr = "gr\xc3\xbc\xc3\x9f", .len = 6}},
    {&type_string, {.as.ptr = "a\0b", .len = 3}},
    {&type_string, {.as.ptr = "12", .len = 2}},
    {&type_bytes, {.as.ptr = "", .len = 0}},
    {&type_bytes, {.as.ptr = "\0\xff\x80", .len = 3}},
    {&type_dec, {.as.i64 = 1000, .scale = 2}},
    {&type_dec, {.as.i64 = -7, .scale = 5}},
    {&type_dec, {.as.i64 = INT64_MIN, .scale = 0}},
    {&type_dec, {.as.i64 = 5, .scale = -3}},
    {&type_dec, {.as.ptr = "\x01\0\0\0\0\0\0\0\0", .len = 9, .flags = VALUE_BIG, .scale = 2}},
    {&type_date, {.as.i64 = 0}},
    {&type_date, {.as.i64 = -719528}},
    {&type_date, {.as.i64 = 2932896}},
    {&type_date, {.as.i64 = 2932897}},
    {&type_time, {.as.i64 = 86399999}},
    {&type_timestamp, {.as.i64 = -1}},
    {&type_list, {.as.ptr = list_items, .len = 4}},
    {&type_list, {.as.ptr = "", .len = 0}},
    {&type_dict, {.as.ptr = dict_items, .len = 2}},
    {&type_record, {.as.ptr = record, .len = 2}},
    {&type_record, {.flags = VALUE_NULL}},
};

/* Same bits: the codec's bytes are a normal form, NaN and -0.0 included. */
static void assert_same(const SqlType *type, Value a, Value b)
{
    StrBuf x = {0}, y = {0};
    store_codec_add(&x, type, a);
    store_codec_add(&y, type, b);
    assert_true(str_equal(strbuf_str(&x), strbuf_str(&y)));
    strbuf_clear(&x);
    strbuf_clear(&y);
}

static void every_value_survives_the_codec(void **state)
{
    Fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        StrBuf bytes = {0};
        Value  back;
        size_t at = 0;
        store_codec_add(&bytes, values[i].type, values[i].value);
        MUST(store_codec_read(strbuf_str(&bytes), &at, values[i].type, f->arena, &back, &f->err));
        assert_int_equal(at, bytes.len);
        assert_true(value_equal(values[i].type, values[i].value, back));
        assert_same(values[i].type, values[i].value, back);
        for (size_t len = 0; len < bytes.len; len++) { /* cut anywhere, it is refused */
            at = 0;
            assert_int_equal(
                store_codec_read(str_n(bytes.ptr, len), &at, values[i].type, f->arena, &back, &f->err),
                E_DATA);
        }
        strbuf_clear(&bytes);
    }
}

static void bad_bytes_are_refused(void **state)
{
    Fixture *f = *state;
    const struct {
        const SqlType *type;
        Str            bytes;
    } bad[] = {
        {&type_string, STR_LIT("\1\377\377\377\377\17")}, /* a length of 4 GiB */
        {&type_string, STR_LIT("\1\1\377")},              /* not UTF-8 */
        {&type_list, STR_LIT("\1\377\377\377\377\17")},
        {&type_boolean, STR_LIT("\1\4")},
        {&type_bigint, STR_LIT("\2\1")},
        {&type_bigint, STR_LIT("\1\377\377\377\377\377\377\377\377\377\177")},
        {&type_record, STR_LIT("\1\1\0")},
        {&type_dec, STR_LIT("\2\0\1x")},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Value  v;
        size_t at = 0;
        assert_int_equal(store_codec_read(bad[i].bytes, &at, bad[i].type, f->arena, &v, &f->err), E_DATA);
    }
}

/* A store with each value as key column, value and state. */
static StoreSpec one_column(const SqlType *type, Column column[1])
{
    column[0] = (Column){STR_LIT("C"), type, COLUMN_VALUE, {0}};
    return (StoreSpec){STR_LIT("T"), STORE_KEY_VALUE, column, 1, column, 1, column, 1, -1};
}

static void every_value_survives_table_and_changelog(void **state)
{
    Fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        Column    column[1];
        StoreSpec spec   = one_column(values[i].type, column);
        Value     both[] = {values[i].value, values[i].value};
        char      name[16];
        Store    *store;
        StoreRow *row;
        StoreRows rows;
        Str       key, value;
        snprintf(name, sizeof name, "T%zu", i);
        spec.name = str_c(name);
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
        MUST(store_get(store, STR_LIT("k"), both, 0, 0, &row, &f->err));
        store_put(store, row, both, 5, i % 2);
        store_encode(store, row, f->arena, &key, &value);
        for (int round = 0; round < 2; round++) {
            MUST(state_file_commit(f->file, &f->err));
            store_close(store);
            MUST(store_open(f->file, &spec, 0, &store, &f->err));
            MUST(store_find_all(store, f->arena, &rows, &f->err));
            assert_int_equal(rows.count, 1);
            assert_same(values[i].type, rows.rows[0]->keys[0], values[i].value);
            assert_same(values[i].type, rows.rows[0]->values[0], values[i].value);
            assert_same(values[i].type, rows.rows[0]->values[1], values[i].value);
            assert_int_equal(rows.rows[0]->visible, i % 2);
            MUST(store_clear(store, &f->err)); /* second round: the same from the changelog */
            MUST(store_apply(store, key, value, &f->err));
        }
        store_close(store);
    }
}

static void changelog_of_windows_removes_and_keeps_time(void **state)
{
    Fixture *f = *state;
    for (int kind = STORE_WINDOW; kind <= STORE_SESSION; kind++) {
        StoreSpec spec = fixture_spec(kind == STORE_WINDOW ? "W" : "S", (StoreKind)kind, 1000);
        Store    *from, *to;
        Str       key, value, dead_key, dead_value;
        MUST(store_open(f->file, &spec, 0, &from, &f->err));
        MUST(store_open(f->file, &spec, 1, &to, &f->err));
        store_encode(from, fixture_put(f, from, "a", 10, 30, 1, "x"), f->arena, &key, &value);
        StoreRow *row = fixture_put(f, from, "b", 50, 60, 2, "y");
        MUST(store_apply(to, key, value, &f->err));
        store_encode(from, row, f->arena, &dead_key, &dead_value);
        MUST(store_apply(to, dead_key, dead_value, &f->err));
        store_remove(from, row);
        store_encode(from, row, f->arena, &dead_key, &dead_value);
        assert_true(str_is_null(dead_value));
        MUST(store_apply(to, dead_key, dead_value, &f->err));
        MUST(state_file_commit(f->file, &f->err));
        fixture_reopen(f);
        MUST(store_open(f->file, &spec, 1, &to, &f->err));
        assert_int_equal(store_time(to), kind == STORE_WINDOW ? 50 : 60);
        StoreRows rows;
        MUST(store_find_all(to, f->arena, &rows, &f->err));
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0]->window_start, 10);
        assert_int_equal(rows.rows[0]->window_end, 30);
        assert_int_equal(store_apply(to, STR_LIT("short"), STR_NULL, &f->err), E_DATA);
        assert_int_equal(store_apply(to, key, STR_LIT("\2\1rubbish"), &f->err), E_DATA);
        assert_int_equal(store_apply(to, key, str_n(value.ptr, value.len - 1), &f->err), E_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_value_survives_the_codec, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(bad_bytes_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(every_value_survives_table_and_changelog, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(changelog_of_windows_removes_and_keeps_time, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
