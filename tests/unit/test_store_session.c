/* SESSION stores: which sessions a record may merge with. */
#include "state_windows.h"

static void candidates_touch_the_range_at_both_ends(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("S", STORE_SESSION, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 10, 1, "");
    fixture_put(f, store, "a", 20, 40, 2, "");
    fixture_put(f, store, "a", 60, 60, 3, "");
    fixture_put(f, store, "a", 61, 70, 4, "");
    for (int committed = 0; committed < 2; committed++) {
        StoreRows rows = fixture_windows(f, store, "a", 10, 60);
        assert_int_equal(rows.count, 3);
        assert_int_equal(rows.rows[0]->window_end, 10);
        assert_int_equal(rows.rows[2]->window_start, 60);
        assert_int_equal(fixture_windows(f, store, "a", 41, 59).count, 0);
        assert_int_equal(store_time(store), 70);
        MUST(state_file_commit(f->file, &f->err));
        fixture_reopen(f);
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
    }
}

static void merging_replaces_the_sessions_in_the_file(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("S", STORE_SESSION, -1);
    Store    *store;
    StoreRows rows;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 10, 1, "");
    fixture_put(f, store, "a", 20, 30, 1, "");
    MUST(state_file_commit(f->file, &f->err));
    rows = fixture_windows(f, store, "a", 5, 25);
    for (size_t i = 0; i < rows.count; i++)
        store_remove(store, rows.rows[i]);
    fixture_put(f, store, "a", 0, 30, 2, "");
    assert_int_equal(fixture_windows(f, store, "a", 0, 100).count, 1);
    MUST(store_find_range(store, 0, 100, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, 1);
    MUST(state_file_commit(f->file, &f->err));
    fixture_reopen(f);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    MUST(store_find_all(store, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.rows[0]->window_end, 30);
}

/* A session that grows is another row each time; those that it leaves behind are not looked at again. */
static void a_growing_session_leaves_no_rows_behind(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("S", STORE_SESSION, -1);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    StoreRow *row = fixture_put(f, store, "a", 0, 0, 0, "");
    assert_false(row->stored);
    MUST(state_file_commit(f->file, &f->err));
    assert_true(row->stored);
    for (int64_t end = 1; end <= 50; end++) {
        StoreRows rows = fixture_windows(f, store, "a", 0, end);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0]->window_end, end - 1);
        store_remove(store, rows.rows[0]);
        fixture_put(f, store, "a", 0, end, end, "");
    }
    fixture_put(f, store, "a", 0, 7, 7, ""); /* one that was removed comes back */
    assert_int_equal(fixture_windows(f, store, "a", 0, 100).count, 2);
    state_file_rollback(f->file);
    assert_int_equal(fixture_windows(f, store, "a", 0, 100).count, 1);
    assert_int_equal(fixture_windows(f, store, "a", 0, 100).rows[0]->window_end, 0);
}

static void random_walk_equals_the_model(void **state) { walk_run(*state, STORE_SESSION); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(candidates_touch_the_range_at_both_ends, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(merging_replaces_the_sessions_in_the_file, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_growing_session_leaves_no_rows_behind, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(random_walk_equals_the_model, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
