/* States that change in place: their memory is counted, committed, rolled back, and moves from row to row. */
#include "state_fixture.h"

static const SqlType list_type = {.kind = T_ARRAY, .element = &type_string};

static const Column states[] = {{{"L", 1}, &list_type, COLUMN_VALUE, {0}},
                                {{"N", 1}, &type_bigint, COLUMN_VALUE, {0}}};

static Store *open_store(Fixture *f)
{
    StoreSpec spec   = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store  = NULL;
    spec.states      = states;
    spec.state_count = ARRAY_LEN(states);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    return store;
}

/* `times` more texts at the end of the list. */
static void collect(Fixture *f, Store *store, const char *key, const char *text, int times)
{
    StoreRow *row    = fixture_get(f, store, key, 0, 0);
    Growth   *memory = store_edit_states(store, row);
    Value    *list   = &row->values[2];
    assert_non_null(memory);
    if (!row->exists) {
        *list          = value_array(NULL, 0);
        row->values[3] = value_from_int(0);
    }
    for (int i = 0; i < times; i++) {
        Value *items = growth_items(&memory[0], list, sizeof(Value), list->len + 1, &f->err);
        assert_non_null(items);
        items[list->len] = value_null();
        MUST(growth_set(&memory[0], &type_string, &items[list->len], value_from_str(str_c(text)), &f->err));
        list->len++;
    }
    row->values[3].as.i64 += times;
    store_put_values(store, row, NULL, 5, true);
}

static void expect_list(Fixture *f, Store *store, const char *key, const char *expected, int64_t count)
{
    StoreRow *row  = fixture_get(f, store, key, 0, 0);
    StrBuf    text = {0};
    assert_true(row->exists);
    value_print(&list_type, row->values[2], &text);
    assert_true(str_equal(strbuf_str(&text), str_c(expected)));
    assert_int_equal(row->values[3].as.i64, count);
    strbuf_clear(&text);
}

static void states_are_committed_and_rolled_back(void **state)
{
    Fixture *f     = *state;
    Store   *store = open_store(f);
    collect(f, store, "a", "one", 1);
    assert_true(value_is_null(fixture_get(f, store, "a", 0, 0)->values[0])); /* value columns of a new row */
    collect(f, store, "a", "two", 2);
    MUST(state_file_commit(f->file, &f->err));
    collect(f, store, "a", "three", 1);
    expect_list(f, store, "a", "[one, two, two, three]", 4);
    state_file_rollback(f->file);
    expect_list(f, store, "a", "[one, two, two]", 3);
    collect(f, store, "a", "four", 1);
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    store = open_store(f);
    expect_list(f, store, "a", "[one, two, two, four]", 4);
}

static void memory_of_states_is_counted(void **state)
{
    Fixture *f      = *state;
    Store   *store  = open_store(f);
    size_t   before = state_file_cache_bytes(f->file);
    collect(f, store, "a", "a text of twenty-four b.", 1000);
    size_t live = 1000 * (sizeof(Value) + 24);
    assert_in_range(state_file_cache_bytes(f->file) - before, live, 4 * live);
    assert_in_range(state_file_dirty_bytes(f->file), live, 4 * live);
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(state_file_dirty_bytes(f->file), 0);
    assert_in_range(state_file_cache_bytes(f->file) - before, live, 4 * live);
    collect(f, store, "a", "x", 1);
    state_file_rollback(f->file);
    assert_int_equal(state_file_cache_bytes(f->file), before);
    collect(f, store, "a", "x", 1);
    MUST(state_file_commit(f->file, &f->err));
    state_file_set_cache(f->file, 0);
    MUST(state_file_commit(f->file, &f->err)); /* evicts */
    assert_int_equal(state_file_cache_bytes(f->file), before);
}

static void a_removed_row_begins_anew(void **state)
{
    Fixture *f     = *state;
    Store   *store = open_store(f);
    collect(f, store, "a", "one", 3);
    store_remove(store, fixture_get(f, store, "a", 0, 0));
    collect(f, store, "a", "two", 1);
    expect_list(f, store, "a", "[two]", 1);
}

static void states_move_from_row_to_row(void **state)
{
    Fixture *f     = *state;
    Store   *store = open_store(f);
    collect(f, store, "a", "one", 1);
    collect(f, store, "b", "two", 500);
    size_t    bytes = state_file_cache_bytes(f->file);
    StoreRow *a = fixture_get(f, store, "a", 0, 0), *b = fixture_get(f, store, "b", 0, 0);
    store_swap_states(store, a, b);
    assert_int_equal(state_file_cache_bytes(f->file), bytes);
    expect_list(f, store, "b", "[one]", 1);
    store_remove(store, b);
    store_edit_states(store, b); /* lets go of what it had */
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(fixture_get(f, store, "a", 0, 0)->values[2].len, 500);
    fixture_reopen(f);
    store = open_store(f);
    assert_int_equal(fixture_get(f, store, "a", 0, 0)->values[2].len, 500);
    assert_false(fixture_get(f, store, "b", 0, 0)->exists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(states_are_committed_and_rolled_back, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(memory_of_states_is_counted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_removed_row_begins_anew, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(states_move_from_row_to_row, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
