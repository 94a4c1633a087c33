/* The commit: one cut for others, all or nothing when the disk is full. */
#include "state_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

static int64_t query_int(Fixture *f, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

static void any_sqlite_reader_sees_whole_commits(void **state)
{
    Fixture  *f = *state;
    StoreSpec a = fixture_spec("ACCOUNTS", STORE_KEY_VALUE, -1),
              b = fixture_spec("other.table", STORE_WINDOW, -1);
    Store   *store, *windows;
    sqlite3 *db;
    MUST(store_open(f->file, &a, 0, &store, &f->err));
    MUST(store_open(f->file, &b, 0, &windows, &f->err));
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (int i = 1; i <= 50; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        fixture_put(f, store, key, 0, 0, i, "text");
        fixture_put(f, windows, key, i * 10, i * 10 + 10, i, "text");
        assert_int_equal(query_int(f, db, "SELECT count(*) FROM ACCOUNTS"), i - 1);
        if (i % 10 == 0)
            MUST(state_file_checkpoint(f->path, &f->err));
        MUST(state_file_commit(f->file, &f->err));
        assert_int_equal(
            query_int(f, db, "SELECT (SELECT sum(N) FROM ACCOUNTS) - (SELECT sum(N) FROM \"other.table\")"),
            0);
        assert_int_equal(query_int(f, db, "SELECT max(WINDOWEND) - max(WINDOWSTART) FROM \"other.table\""),
                         10);
    }
    assert_int_equal(query_int(f, db, "SELECT ROWTIME FROM ACCOUNTS WHERE K = '7'"), 7);
    assert_int_equal(
        query_int(f, db, "SELECT count(*) FROM ACCOUNTS WHERE _exact IS NULL AND _state_0 = N / 2.0"), 50);
    sqlite3_close(db);
}

/* Nobody else writes it back here, and there is no pause in which it could begin anew. */
static void the_wal_is_bounded(void **state)
{
    enum { COMMITS = 50, ROWS = 500, TEXT = 4000, BOUND = 48 << 20 };
    Fixture    *f    = *state;
    StoreSpec   spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store      *store;
    struct stat wal;
    char        key[16], path[600], text[TEXT + 1];
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    snprintf(path, sizeof path, "%s-wal", f->path);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    for (int i = 0; i < COMMITS; i++) {
        for (int row = 0; row < ROWS; row++) {
            snprintf(key, sizeof key, "%d", row);
            fixture_put(f, store, key, 0, 0, i, text);
        }
        MUST(state_file_commit(f->file, &f->err));
    }
    assert_int_equal(stat(path, &wal), 0);
    assert_true(wal.st_size < BOUND);
    assert_true(wal.st_size > 1 << 20); /* it is the right file */
}

static void a_full_disk_takes_nothing_away(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    char      key[16], text[1001];
    Str       value;
    memset(text, 'x', 1000);
    text[1000] = '\0';
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "old", 0, 0, 1, "old");
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_file_limit_pages(f->file, 20, &f->err));
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "%d", i);
        fixture_put(f, store, key, 0, 0, i, text);
    }
    fixture_put(f, store, "old", 0, 0, 2, "new");
    MUST(state_meta_set(f->file, STR_LIT("pos"), STR_LIT("2"), &f->err));
    size_t dirty = state_file_dirty_bytes(f->file);
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_int_equal(state_file_commit(f->file, &f->err), E_FULL);
        assert_int_equal(store_dirty_rows(store).count, 201);
        assert_int_equal(state_file_dirty_bytes(f->file), dirty);
        assert_int_equal(fixture_get(f, store, "old", 0, 0)->values[0].as.i64, 2);
    }
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(query_int(f, db, "SELECT sum(N) FROM T"), 1);
    MUST(state_file_limit_pages(f->file, 0, &f->err)); /* somebody made room */
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(query_int(f, db, "SELECT count(*) FROM T"), 201);
    sqlite3_close(db);
    MUST(state_meta_get(f->file, STR_LIT("pos"), f->arena, &value, &f->err));
    assert_true(str_equal(value, STR_LIT("2")));
}

static void a_full_disk_and_a_rollback(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1), late = fixture_spec("LATE", STORE_WINDOW, -1);
    Store    *store, *other;
    char      text[100001];
    Str       key, value, huge_key, huge_value;
    memset(text, 'x', 100000);
    text[100000] = '\0';
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    store_encode(store, fixture_put(f, store, "a", 0, 0, 1, "one"), f->arena, &key, &value);
    store_encode(store, fixture_put(f, store, "b", 0, 0, 1, text), f->arena, &huge_key, &huge_value);
    state_file_rollback(f->file);
    MUST(state_file_limit_pages(f->file, 20, &f->err));
    MUST(store_apply(store, key, value, &f->err));
    MUST(store_open(f->file, &late, 0, &other, &f->err)); /* its table is in the transaction that fails */
    assert_true(fixture_get(f, store, "a", 0, 0)->exists);
    fixture_put(f, store, "b", 0, 0, 1, text);
    assert_int_equal(state_file_commit(f->file, &f->err), E_FULL);
    assert_int_equal(state_file_commit(f->file, &f->err),
                     E_IO); /* the applied row is lost: no commit without it */
    state_file_rollback(f->file);
    assert_false(fixture_get(f, store, "a", 0, 0)->exists);
    assert_false(fixture_get(f, other, "a", 0, 10)->exists);
    assert_int_equal(store_apply(store, huge_key, huge_value, &f->err), E_FULL);
    state_file_rollback(f->file);
    MUST(state_file_limit_pages(f->file, 0, &f->err));
    MUST(store_apply(store, huge_key, huge_value, &f->err));
    fixture_put(f, other, "a", 0, 10, 1, "one");
    MUST(state_file_commit(f->file, &f->err));
    assert_true(fixture_get(f, store, "b", 0, 0)->exists);
}

static void facts_are_listed_as_they_will_be(void **state)
{
    Fixture *f = *state;
    Str     *names, *values;
    size_t   count;
    MUST(state_meta_set(f->file, STR_LIT("p/1"), STR_LIT("a"), &f->err));
    MUST(state_meta_set(f->file, STR_LIT("p/2"), STR_LIT("b"), &f->err));
    MUST(state_meta_set(f->file, STR_LIT("q"), STR_LIT("c"), &f->err));
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_meta_set(f->file, STR_LIT("p/1"), STR_NULL, &f->err));
    MUST(state_meta_set(f->file, STR_LIT("p/2"), STR_LIT("B"), &f->err));
    MUST(state_meta_set(f->file, STR_LIT("p/3"), STR_LIT(""), &f->err));
    for (int committed = 0; committed < 2; committed++) {
        MUST(state_meta_list(f->file, STR_LIT("p/"), f->arena, &names, &values, &count, &f->err));
        assert_int_equal(count, 2);
        assert_true(str_equal(names[0], STR_LIT("p/2")) && str_equal(values[0], STR_LIT("B")));
        assert_true(str_equal(names[1], STR_LIT("p/3")) && !str_is_null(values[1]) && values[1].len == 0);
        MUST(state_file_commit(f->file, &f->err));
        fixture_reopen(f);
    }
}

static void a_file_that_is_no_database_is_told_apart(void **state)
{
    Fixture   *f = *state;
    StateFile *file;
    state_file_close(f->file);
    f->file   = NULL;
    FILE *out = fopen(f->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database ", out);
    fclose(out);
    assert_int_equal(state_file_open(f->path, &file, &f->err), E_STALE_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_sqlite_reader_sees_whole_commits, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wal_is_bounded, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_takes_nothing_away, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_and_a_rollback, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(facts_are_listed_as_they_will_be, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_told_apart, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
