/* WINDOW stores: ranges by key and by time, retention. */
#include "state_windows.h"

static void windows_of_a_key_come_by_start(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("W", STORE_WINDOW, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_true(store_time(store) == INT64_MIN);
    fixture_put(f, store, "a", 20, 30, 3, "");
    fixture_put(f, store, "a", 0, 10, 1, "");
    fixture_put(f, store, "b", 10, 20, 9, "");
    MUST(state_file_commit(f->file, &f->err));
    fixture_put(f, store, "a", 10, 20, 2, "");
    StoreRows rows = fixture_windows(f, store, "a", 0, 10);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.rows[0]->window_start, 0);
    assert_int_equal(rows.rows[1]->window_start, 10);
    MUST(store_find_range(store, 10, 20, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, 3); /* (10, a), (10, b), (20, a) */
    assert_true(str_equal(rows.rows[1]->key, STR_LIT("b")));
    assert_int_equal(rows.rows[2]->window_end, 30);
    assert_int_equal(store_time(store), 20);
}

/* As a restore does that begins anew. Without its time in the file the next start would not look there for
 * windows. */
static void a_store_that_was_emptied_has_its_time_again(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("W", STORE_WINDOW, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 20, 30, 3, "");
    MUST(state_file_commit(f->file, &f->err));
    MUST(store_clear(store, &f->err));
    fixture_put(f, store, "a", 20, 30, 3, "");
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_int_equal(store_time(store), 20);
    MUST(store_clear(store, &f->err));
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_true(store_time(store) == INT64_MIN);
}

static void a_row_goes_exactly_beyond_the_retention(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("W", STORE_WINDOW, 100);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 10, 1, "");
    fixture_put(f, store, "a", 100, 110, 1, "");
    MUST(state_file_commit(f->file, &f->err));
    assert_true(fixture_get(f, store, "a", 0, 10)->exists); /* start = time - retention: still there */
    fixture_put(f, store, "a", 101, 111, 1, "");
    assert_false(fixture_get(f, store, "a", 0, 10)->exists);
    assert_int_equal(fixture_windows(f, store, "a", 0, 1000).count, 2);
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    spec.retention_ms = -1; /* looks at what the file really holds: the sweep has been there */
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    assert_int_equal(store_time(store), 101);
    assert_int_equal(fixture_windows(f, store, "a", 0, 1000).count, 2);
}

static void a_jump_in_time_is_swept_in_slices(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("W", STORE_WINDOW, 100);
    Store    *store;
    StoreRows rows;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    char key[16];
    for (int i = 0; i < 2500; i++) {
        snprintf(key, sizeof key, "%d", i);
        fixture_put(f, store, key, i % 50, i % 50 + 10, i, "");
    }
    MUST(state_file_commit(f->file, &f->err));
    for (int round = 0; round < 3; round++) {
        fixture_put(f, store, "late", 1000, 1010, 1, "");
        MUST(store_find_range(store, 0, 2000, f->arena, &rows, &f->err));
        assert_int_equal(rows.count, 1);
        MUST(state_file_commit(f->file, &f->err));
    }
    fixture_reopen(f);
    spec.retention_ms = -1;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    MUST(store_find_all(store, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, 1);
}

static void random_walk_equals_the_model(void **state) { walk_run(*state, STORE_WINDOW); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_that_was_emptied_has_its_time_again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(windows_of_a_key_come_by_start, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_row_goes_exactly_beyond_the_retention, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_jump_in_time_is_swept_in_slices, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(random_walk_equals_the_model, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
