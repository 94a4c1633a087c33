/*
 * test_state_damage.c - a state file that was damaged says so; it never gives rows that were not put.
 *
 * Every page of a file with all kinds of pages (header, inner pages, leaves, overflow, index) is damaged in
 * every way, one at a time; then all rows are read, some changed and committed. Either everything is as it
 * was, or some call says E_STALE_STATE. The same for files that are cut short.
 */
#include "state/state_vfs.h"
#include "state_damage.h"
#include "state_fixture.h"

enum { ROWS = 900, WINDOWS = 300, LONG = 9000 };

typedef struct {
    Fixture *f;
    Store   *keyed, *windows;
} Two;

static Status open_two(Two *t)
{
    StoreSpec keyed   = fixture_spec("KEYED", STORE_KEY_VALUE, -1);
    StoreSpec windows = fixture_spec("WINDOWS", STORE_WINDOW, 100000);
    Fixture  *f       = t->f;
    TRY(state_file_open(f->path, &f->file, &f->err));
    state_file_set_cache(f->file, 0);
    TRY(store_open(f->file, &keyed, 0, &t->keyed, &f->err));
    return store_open(f->file, &windows, 0, &t->windows, &f->err);
}

static void text_of(int i, char *out, size_t size)
{
    size_t len = i % 50 == 0 ? LONG : 10; /* some go over several pages */
    assert_true(len < size);
    memset(out, 'a' + i % 26, len);
    out[len] = '\0';
}

static Status put(Two *t, Store *store, int i, int64_t start, int64_t n)
{
    char      key[16], text[LONG + 1];
    StoreRow *row;
    snprintf(key, sizeof key, "key-%d", i);
    text_of(i, text, sizeof text);
    Value k        = value_from_str(str_c(key));
    Value values[] = {value_from_int(n), value_from_str(str_c(text)), value_from_double(0.5)};
    TRY(store_get(store, str_c(key), &k, start, start == 0 ? 0 : start + 10, &row, &t->f->err));
    store_put(store, row, values, n, true);
    return OK;
}

static Status look(Two *t, Store *store, int i, int64_t start)
{
    char      key[16], text[LONG + 1];
    StoreRow *row;
    snprintf(key, sizeof key, "key-%d", i);
    text_of(i, text, sizeof text);
    Value k = value_from_str(str_c(key));
    TRY(store_get(store, str_c(key), &k, start, start == 0 ? 0 : start + 10, &row, &t->f->err));
    assert_true(row->exists);
    assert_int_equal(row->values[0].as.i64, i);
    assert_true(str_equal(value_str(row->values[1]), str_c(text)));
    return OK;
}

static void fill(Two *t)
{
    Fixture *f = t->f;
    state_file_close(f->file);
    MUST(open_two(t));
    for (int i = 0; i < ROWS; i++)
        MUST(put(t, t->keyed, i, 0, i));
    for (int i = 0; i < WINDOWS; i++)
        MUST(put(t, t->windows, i, 10 + 10 * (i % 7), i));
    MUST(state_meta_set(f->file, STR_LIT("fact"), STR_LIT("x"), &f->err));
    MUST(state_file_commit(f->file, &f->err));
    state_file_close(f->file);
    f->file = NULL;
}

/* All there is to read, by every way there is. */
static Status use_stores(Two *t)
{
    Fixture  *f = t->f;
    StoreRows found;
    Str       fact;
    TRY(state_meta_get(f->file, STR_LIT("fact"), f->arena, &fact, &f->err));
    assert_true(str_equal(fact, STR_LIT("x")));
    for (int i = 0; i < ROWS; i++)
        TRY(look(t, t->keyed, i, 0));
    for (int i = 0; i < WINDOWS; i++)
        TRY(look(t, t->windows, i, 10 + 10 * (i % 7)));
    TRY(store_find_range(t->windows, 0, 1000, f->arena, &found, &f->err));
    assert_int_equal(found.count, WINDOWS);
    TRY(store_find_all(t->keyed, f->arena, &found, &f->err));
    assert_int_equal(found.count, ROWS);
    for (int i = 0; i < ROWS; i += 7)
        TRY(put(t, t->keyed, i, 0, i));
    TRY(put(t, t->windows, 1000, 200000, 1)); /* everything else expires */
    return state_file_commit(f->file, &f->err);
}

static Status use_file(Two *t)
{
    Status status = open_two(t);
    if (status == OK)
        status = use_stores(t);
    state_file_close(t->f->file);
    t->f->file = NULL;
    arena_reset(t->f->arena);
    return status;
}

static void take_copy(const Fixture *f, char copy[128])
{
    snprintf(copy, 128, "%s/whole", f->dir);
    damage_copy(f->path, copy);
}

static void put_back(const Fixture *f, const char *copy)
{
    char name[128];
    damage_copy(copy, f->path);
    snprintf(name, sizeof name, "%s-wal", f->path);
    unlink(name);
    snprintf(name, sizeof name, "%s-shm", f->path);
    unlink(name);
}

static void every_page_in_every_way(void **state)
{
    Two  t = {*state, NULL, NULL};
    char copy[128];
    int  noticed = 0;
    fill(&t);
    take_copy(t.f, copy);
    int64_t pages = damage_pages(copy);
    assert_true(pages > 50);
    for (int64_t page = 0; page < pages; page++)
        for (int how = 0; how < DAMAGE_KINDS; how++) {
            put_back(t.f, copy);
            if (!damage_page(t.f->path, page, (Damage)how))
                continue;
            Status status = use_file(&t);
            if (status != OK && status != E_STALE_STATE)
                fail_msg("page %lld, damage %d: %s: %s", (long long)page, how, status_name(status),
                         t.f->err.message);
            noticed += status == E_STALE_STATE;
        }
    assert_int_equal(noticed, pages * DAMAGE_KINDS); /* all of it is read */
    put_back(t.f, copy);
    assert_int_equal(use_file(&t), OK);
    unlink(copy);
}

static void a_file_cut_short(void **state)
{
    Two  t = {*state, NULL, NULL};
    char copy[128];
    fill(&t);
    take_copy(t.f, copy);
    int64_t size = damage_pages(copy) * DAMAGE_PAGE;
    for (int64_t left = 2; left < size; left += left < 200 ? 33 : 5000) {
        put_back(t.f, copy);
        assert_int_equal(truncate(t.f->path, left), 0);
        assert_int_equal(use_file(&t), E_STALE_STATE);
    }
    unlink(copy);
}

static void a_later_version(void **state)
{
    Fixture *f = *state;
    sqlite3 *db;
    state_file_close(f->file);
    f->file = NULL;
    assert_int_equal(state_db_open(f->path, SQLITE_OPEN_READWRITE, 1000, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(state_file_open(f->path, &f->file, &f->err), E_STALE_STATE);
    assert_non_null(strstr(f->err.message, "version 99"));
}

/* What another tool has written back has no checksums, and zeros over the end of a page look the same. */
static void pages_without_checksums(void **state)
{
    Two           t          = {*state, NULL, NULL};
    unsigned char zeros[100] = {0};
    char          copy[128];
    fill(&t);
    take_copy(t.f, copy);
    int64_t pages = damage_pages(copy);
    for (size_t many = 8; many <= sizeof zeros; many += sizeof zeros - 8)
        for (int64_t page = 0; page < pages; page++) {
            put_back(t.f, copy);
            int file = open(t.f->path, O_RDWR);
            assert_int_equal(pwrite(file, zeros, many, (page + 1) * DAMAGE_PAGE - (int64_t)many),
                             (ssize_t)many);
            close(file);
            assert_int_equal(use_file(&t), E_STALE_STATE);
        }
    unlink(copy);
}

static void a_file_is_set_aside(void **state)
{
    Fixture *f = *state;
    Str      first, second;
    state_file_close(f->file);
    MUST(state_file_set_aside(f->path, ASIDE_DAMAGED, 1000, f->arena, &first, &f->err));
    MUST(state_file_open(f->path, &f->file, &f->err));
    state_file_close(f->file);
    f->file = NULL;
    MUST(state_file_set_aside(f->path, ASIDE_DAMAGED, 2000, f->arena, &second, &f->err));
    assert_int_not_equal(access(str_to_c(f->arena, first), F_OK), 0); /* one is kept */
    assert_int_equal(access(str_to_c(f->arena, second), F_OK), 0);
    unlink(str_to_c(f->arena, second));
}

/* The program of the other version may want it back. */
static void another_version_is_not_called_damaged(void **state)
{
    Fixture *f = *state;
    Str      damaged, old;
    state_file_close(f->file);
    MUST(state_file_set_aside(f->path, ASIDE_DAMAGED, 1000, f->arena, &damaged, &f->err));
    MUST(state_file_open(f->path, &f->file, &f->err));
    state_file_close(f->file);
    f->file  = NULL;
    int file = open(f->path, O_RDWR);
    assert_int_equal(pwrite(file, "\0\0\0\2", 4, 60), 4);
    close(file);
    MUST(state_file_set_aside(f->path, ASIDE_DAMAGED, 2000, f->arena, &old, &f->err));
    assert_string_equal(str_to_c(f->arena, old),
                        str_to_c(f->arena, str_printf(f->arena, "%s.version-2-2000", f->path)));
    assert_int_equal(access(str_to_c(f->arena, old), F_OK), 0);
    assert_int_equal(access(str_to_c(f->arena, damaged), F_OK), 0);
    unlink(str_to_c(f->arena, old));
    unlink(str_to_c(f->arena, damaged));
}

static void a_file_that_cannot_be_opened(void **state)
{
    Fixture    *f = *state;
    StateFile  *file;
    const char *path = str_to_c(f->arena, str_printf(f->arena, "%s.directory", f->path));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(state_file_open(path, &file, &f->err), E_IO);
    rmdir(path);
    assert_non_null(strstr(f->err.message, path)); /* which file, and what to do */
    assert_non_null(strstr(f->err.message, "is a directory: move it away"));
}

static Status count_row(void *context, const StateRow *row, Error *err)
{
    (*(size_t *)context)++;
    return OK;
}

/* A reader that has the old file open sees the new one. */
static void readers_follow(void **state)
{
    Fixture     *f    = *state;
    StoreSpec    spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    StoreRange   all  = {0};
    const char  *path = f->path;
    size_t       rows = 0;
    Str          kept;
    Store       *store;
    StateReader *reader;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "x");
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_reader_open(&path, NULL, 1, &reader, &f->err));
    MUST(state_reader_scan(reader, &spec, &all, f->arena, count_row, &rows, &f->err));
    assert_int_equal(rows, 1);
    state_file_close(f->file);
    MUST(state_file_set_aside(f->path, ASIDE_DAMAGED, 1, f->arena, &kept, &f->err));
    MUST(state_file_open(f->path, &f->file, &f->err));
    rows = 0;
    MUST(state_reader_scan(reader, &spec, &all, f->arena, count_row, &rows, &f->err));
    assert_int_equal(rows, 0);
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "x");
    fixture_put(f, store, "b", 0, 0, 1, "x");
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_reader_scan(reader, &spec, &all, f->arena, count_row, &rows, &f->err));
    assert_int_equal(rows, 2);
    state_reader_close(reader);
    unlink(str_to_c(f->arena, kept));
    unlink(str_to_c(f->arena, str_printf(f->arena, STR_FMT "-shm", STR_ARG(kept))));
    unlink(str_to_c(f->arena, str_printf(f->arena, STR_FMT "-wal", STR_ARG(kept))));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_page_in_every_way),
        TEST(a_file_cut_short),
        TEST(a_later_version),
        TEST(pages_without_checksums),
        TEST(a_file_is_set_aside),
        TEST(another_version_is_not_called_damaged),
        TEST(a_file_that_cannot_be_opened),
        TEST(readers_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
