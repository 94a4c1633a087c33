/*
 * test_store_buffer.c - several rows per key and time: their order, their end, and that they come back.
 */
#include "state_windows.h"

static Value *values_of(Fixture *f, int64_t n, const char *text)
{
    Value *values = ARENA_ARRAY(f->arena, Value, 3);
    values[0]     = value_from_int(n);
    values[1]     = text == NULL ? value_null() : value_from_str(str_c(text));
    values[2]     = value_from_double(0.5);
    return values;
}

static bool add(Fixture *f, Store *store, const char *key, int64_t time, int64_t number, int64_t n)
{
    Value keys[] = {value_from_str(str_c(key))};
    return store_buffer_add(store, str_c(key), keys, time, number, values_of(f, n, "text"), time);
}

/* "time/number=n" of the rows found. */
static const char *found(Fixture *f, Store *store, const char *key, int64_t from, int64_t to)
{
    StoreRows rows;
    StrBuf    text = {0};
    MUST(store_buffer_find(store, str_c(key), from, to, f->arena, &rows, &f->err));
    for (size_t i = 0; i < rows.count; i++)
        strbuf_addf(&text, "%s%d/%d=%d", i ? " " : "", (int)rows.rows[i]->window_start,
                    (int)rows.rows[i]->window_end, (int)rows.rows[i]->values[0].as.i64);
    const char *copy = str_to_c(f->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static Store *buffer_open(Fixture *f, int64_t retention_ms)
{
    StoreSpec spec = fixture_spec("B", STORE_BUFFER, retention_ms);
    Store    *store;
    MUST(store_open(f->file, &spec, 1, &store, &f->err));
    return store;
}

static void rows_of_a_key_come_by_time_and_number(void **state)
{
    Fixture *f     = *state;
    Store   *store = buffer_open(f, 100);
    assert_true(add(f, store, "a", 50, 1, 10));
    assert_true(add(f, store, "a", 20, 2, 11));
    assert_true(add(f, store, "b", 20, 3, 12));
    assert_true(add(f, store, "a", 50, 4, 13));
    assert_true(add(f, store, "a", 50, 5, 14));
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_string_equal(found(f, store, "a", 0, 100), "20/2=11 50/1=10 50/4=13 50/5=14");
        assert_string_equal(found(f, store, "a", 21, 50), "50/1=10 50/4=13 50/5=14");
        assert_string_equal(found(f, store, "a", 20, 49), "20/2=11");
        assert_string_equal(found(f, store, "c", 0, 100), "");
        MUST(state_file_commit(f->file, &f->err));
        store_close(store);
        fixture_reopen(f);
        store = buffer_open(f, 100);
    }
    store_close(store);
}

/* Gone when time < newest - retention; what comes too late is refused. */
static void rows_end_exactly_at_the_retention(void **state)
{
    Fixture *f     = *state;
    Store   *store = buffer_open(f, 100);
    add(f, store, "a", 1000, 1, 1);
    add(f, store, "a", 1001, 2, 2);
    MUST(state_file_commit(f->file, &f->err));
    add(f, store, "b", 1100, 3, 3);
    assert_string_equal(found(f, store, "a", 0, 5000), "1000/1=1 1001/2=2");
    add(f, store, "b", 1101, 4, 4);
    assert_string_equal(found(f, store, "a", 0, 5000), "1001/2=2");
    assert_false(add(f, store, "c", 1000, 5, 5));
    assert_true(add(f, store, "c", 1001, 6, 6));
    MUST(state_file_commit(f->file, &f->err));
    assert_string_equal(found(f, store, "c", 0, 5000), "1001/6=6");
    store_close(store);
}

static void a_rollback_forgets_what_was_added(void **state)
{
    Fixture *f     = *state;
    Store   *store = buffer_open(f, -1);
    add(f, store, "a", 1, 1, 1);
    MUST(state_file_commit(f->file, &f->err));
    add(f, store, "a", 2, 2, 2);
    StoreRows rows;
    MUST(store_buffer_find(store, STR_LIT("a"), 1, 1, f->arena, &rows, &f->err));
    store_remove(store, rows.rows[0]);
    assert_string_equal(found(f, store, "a", 0, 9), "2/2=2");
    state_file_rollback(f->file);
    assert_string_equal(found(f, store, "a", 0, 9), "1/1=1");
    assert_true(add(f, store, "a", 2, 2, 3));
    assert_string_equal(found(f, store, "a", 0, 9), "1/1=1 2/2=3");
    store_close(store);
}

/* The changelog of one store makes another that is the same; removed rows stay away. */
static void a_changelog_restores_a_buffer(void **state)
{
    Fixture  *f     = *state;
    StoreSpec other = fixture_spec("B2", STORE_BUFFER, 100);
    Store    *store = buffer_open(f, 100), *copy;
    StoreRows rows;
    Str       key, value;
    MUST(store_open(f->file, &other, 1, &copy, &f->err));
    add(f, store, "a", 10, 1, 1);
    add(f, store, "a", 10, 2, 2);
    add(f, store, "ab", 11, 3, 3);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < store_change_count(store); i++)
            if (store_encode_change(store, i, f->arena, &key, &value))
                MUST(store_apply(copy, key, value, &f->err));
        MUST(state_file_commit(f->file, &f->err));
        assert_string_equal(found(f, copy, "a", 0, 99), round == 0 ? "10/1=1 10/2=2" : "10/2=2");
        assert_string_equal(found(f, copy, "ab", 0, 99), "11/3=3");
        assert_int_equal(store_time(copy), 11);
        MUST(store_buffer_find(store, STR_LIT("a"), 10, 10, f->arena, &rows, &f->err));
        store_remove(store, rows.rows[0]);
    }
    store_close(copy);
    store_close(store);
}

static void a_buffer_agrees_with_a_list(void **state) { walk_run(*state, STORE_BUFFER); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_a_key_come_by_time_and_number, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(rows_end_exactly_at_the_retention, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_rollback_forgets_what_was_added, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_changelog_restores_a_buffer, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_buffer_agrees_with_a_list, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
