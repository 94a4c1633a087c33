/*
 * test_state_behind.c - a file that follows behind its commits: killed at any moment it holds one of them,
 * whole; what is read is never behind; what there is no room for waits.
 *
 * Commit number i changes a third of the keys to i, removes some, adds a window, and sets the fact "n" to i;
 * so from the fact in a file follows every row that has to be in it.
 */
#include <signal.h>
#include <sys/wait.h>

#include "state_fixture.h"

enum { KEYS = 400, KILLS = 25, RETENTION_MS = 300 };

typedef struct {
    Fixture    *f;
    StateShare *share;
    Store      *table, *windows;
} Behind;

static StateLag lag = {2000, 1 << 20};

static void open_behind(Behind *b, size_t memory)
{
    Fixture  *f       = b->f;
    StoreSpec table   = fixture_spec("T", STORE_KEY_VALUE, -1);
    StoreSpec windows = fixture_spec("W", STORE_WINDOW, RETENTION_MS);
    MUST(state_file_open_behind(f->path, b->share, &lag, memory, &f->file, &f->err));
    MUST(store_open(f->file, &table, 0, &b->table, &f->err));
    MUST(store_open(f->file, &windows, 0, &b->windows, &f->err));
}

static bool touches(int key, int64_t commit) { return (key * 7 + commit * 13) % 3 == 0; }
static bool removes(int key, int64_t commit) { return touches(key, commit) && (key + commit) % 5 == 0; }

/* The commit that key's row is of after `commit`; 0: there is none. */
static int64_t row_of(int key, int64_t commit)
{
    while (commit > 0 && !touches(key, commit))
        commit--;
    return commit > 0 && removes(key, commit) ? 0 : commit;
}

static void make_changes(Behind *b, int64_t commit)
{
    Fixture *f = b->f;
    char     key[16];
    for (int i = 0; i < KEYS; i++) {
        if (!touches(i, commit))
            continue;
        snprintf(key, sizeof key, "key-%d", i);
        if (removes(i, commit))
            store_remove(b->table, fixture_get(f, b->table, key, 0, 0));
        else
            fixture_put(f, b->table, key, 0, 0, commit, "text");
    }
    fixture_put(f, b->windows, "w", commit * 10, commit * 10 + 10, commit, "");
}

static void end_commit(Behind *b, int64_t commit)
{
    Fixture *f = b->f;
    char     text[24];
    snprintf(text, sizeof text, "%lld", (long long)commit);
    MUST(state_meta_set(f->file, STR_LIT("n"), str_c(text), &f->err));
    MUST(state_file_commit(f->file, &f->err));
}

static void make_commit(Behind *b, int64_t commit)
{
    make_changes(b, commit);
    end_commit(b, commit);
}

/* Changes that were made before are set aside, the next ones made, and only then the commit ends. */
static void make_commit_in_halves(Behind *b, int64_t commit)
{
    assert_true(state_file_can_prepare(b->f->file));
    state_file_prepare(b->f->file);
    make_changes(b, commit + 1);
    end_commit(b, commit);
}

static int64_t last_commit(Behind *b)
{
    Fixture *f = b->f;
    Str      text;
    int64_t  n = 0;
    MUST(state_meta_get(f->file, STR_LIT("n"), f->arena, &text, &f->err));
    assert_true(str_is_null(text) || int64_parse(text, &n));
    return n;
}

static void check_all(Behind *b, int64_t commit)
{
    char      key[16];
    StoreRows rows;
    Fixture  *f     = b->f;
    int64_t   first = commit - RETENTION_MS / 10 > 1 ? commit - RETENTION_MS / 10 : 1;
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        StoreRow *row  = fixture_get(f, b->table, key, 0, 0);
        int64_t   want = row_of(i, commit);
        assert_int_equal(row->exists, want > 0);
        if (want > 0)
            assert_int_equal(row->values[0].as.i64, want);
    }
    MUST(store_find_all(b->windows, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, commit == 0 ? 0 : commit - first + 1);
    arena_reset(f->arena);
}

static Behind behind_new(Fixture *f)
{
    state_file_close(f->file);
    f->file = NULL;
    return (Behind){.f = f, .share = state_share_new()};
}

static void behind_free(Behind *b)
{
    state_file_close(b->f->file);
    b->f->file = NULL;
    state_share_free(b->share);
}

static void run_and_be_killed(Behind *b, useconds_t us, size_t memory, bool halves)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_behind(b, memory);
        int64_t commit = last_commit(b) + 1;
        if (halves)
            make_changes(b, commit);
        for (;; commit++)
            (halves ? make_commit_in_halves : make_commit)(b, commit);
    }
    usleep(us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_kill_leaves_a_whole_commit(void **state)
{
    Behind   b      = behind_new(*state);
    int64_t  before = 0;
    uint64_t chance = 42;
    for (int i = 0; i < KILLS; i++) {
        chance        = chance * 6364136223846793005ull + 1442695040888963407ull;
        size_t memory = i % 2 ? 0 : 1 << 20;
        run_and_be_killed(&b, 3000 + (useconds_t)(chance >> 33) % 30000, memory, i % 3 == 0);
        open_behind(&b, memory);
        int64_t commit = last_commit(&b);
        assert_true(commit >= before);
        check_all(&b, commit);
        state_file_close(b.f->file);
        b.f->file = NULL;
        before    = commit;
    }
    assert_true(before > 0);
    behind_free(&b);
}

static void a_close_writes_everything(void **state)
{
    Behind b = behind_new(*state);
    open_behind(&b, 1 << 20);
    for (int64_t commit = 1; commit <= 40; commit++)
        make_commit(&b, commit);
    state_file_close(b.f->file);
    open_behind(&b, 1 << 20);
    assert_int_equal(last_commit(&b), 40);
    check_all(&b, 40);
    behind_free(&b);
}

static Status add_row(void *context, const StateRow *row, Error *err)
{
    *(int64_t *)context += row->values[0].as.i64;
    return OK;
}

/* By a key, and by all: what was committed just now is there, whatever the file has. */
static void readers_are_never_behind(void **state)
{
    Behind       b = behind_new(*state);
    Fixture     *f = *state;
    StateReader *reader;
    const char  *path = f->path;
    StoreSpec    spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    lag               = (StateLag){20000000, 1 << 20}; /* never, as far as this test goes */
    open_behind(&b, 1 << 20);
    MUST(state_reader_open(&path, &b.share, 1, &reader, &f->err));
    for (int64_t commit = 1; commit <= 30; commit++) {
        int64_t    sum = 0, want = 0, one = 0;
        StoreRange all = {0}, key = {.low_kind  = BOUND_INCLUSIVE,
                                     .high_kind = BOUND_INCLUSIVE,
                                     .low       = STR_LIT("key-3"),
                                     .high      = STR_LIT("key-3")};
        make_commit(&b, commit);
        if (commit % 10 == 5)
            MUST(state_file_flush(f->file, &f->err));
        for (int i = 0; i < KEYS; i++)
            want += row_of(i, commit);
        MUST(state_reader_scan(reader, &spec, &all, f->arena, add_row, &sum, &f->err));
        MUST(state_reader_scan(reader, &spec, &key, f->arena, add_row, &one, &f->err));
        assert_int_equal(sum, want);
        assert_int_equal(one, row_of(3, commit));
    }
    state_reader_close(reader);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* The file cannot grow: commits go on until too much waits, then say so; with room, nothing is missing. */
static void a_full_disk_holds_commits_up(void **state)
{
    Behind   b      = behind_new(*state);
    Fixture *f      = *state;
    Status   status = OK;
    int64_t  commit = 1;
    lag             = (StateLag){1000, 20000};
    open_behind(&b, 1 << 20);
    make_commit(&b, commit);
    MUST(state_file_flush(f->file, &f->err));
    MUST(state_file_limit_pages(f->file, 1, &f->err)); /* as many as there are */
    for (int i = 0; status == OK && i < 4000; i++) {
        char key[32];
        snprintf(key, sizeof key, "more-%d", i);
        fixture_put(f, b.table, key, 0, 0, 1, "a text that takes room");
        status = state_file_commit(f->file, &f->err);
    }
    assert_int_equal(status, E_FULL);
    assert_int_equal(state_file_trouble(f->file, &f->err), E_FULL);
    MUST(state_file_limit_pages(f->file, 0, &f->err));
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_file_flush(f->file, &f->err));
    assert_int_equal(state_file_trouble(f->file, &f->err), OK);
    assert_true(fixture_get(f, b.table, "more-0", 0, 0)->exists);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* A store that is closed with rows on their way keeps them; emptied, it has none. */
static void stores_come_and_go(void **state)
{
    Behind    b    = behind_new(*state);
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    lag            = (StateLag){20000000, 1 << 20};
    open_behind(&b, 1 << 20);
    for (int64_t commit = 1; commit <= 5; commit++)
        make_commit(&b, commit);
    store_close(b.table);
    MUST(store_open(f->file, &spec, 0, &b.table, &f->err));
    check_all(&b, 5);
    MUST(store_clear(b.table, &f->err));
    assert_false(fixture_get(f, b.table, "key-2", 0, 0)->exists);
    state_file_rollback(f->file);
    check_all(&b, 5);
    MUST(store_clear(b.table, &f->err));
    fixture_put(f, b.table, "key-1", 0, 0, 77, "");
    MUST(state_file_commit(f->file, &f->err));
    assert_false(fixture_get(f, b.table, "key-2", 0, 0)->exists);
    assert_int_equal(fixture_get(f, b.table, "key-1", 0, 0)->values[0].as.i64, 77);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* What changes after the first half of a commit is of the next: readers see the first half when it ends, and
 * nothing else; a rollback before that takes back both. */
static void a_commit_in_halves_is_kept_or_taken_back(void **state)
{
    Behind       b = behind_new(*state);
    Fixture     *f = *state;
    StateReader *reader;
    const char  *path = f->path;
    StoreSpec    spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    open_behind(&b, 0);
    state_file_set_cache(f->file, 1); /* whatever may be given up is */
    MUST(state_reader_open(&path, &b.share, 1, &reader, &f->err));
    make_changes(&b, 1);
    for (int64_t commit = 1; commit <= 30; commit++) {
        int64_t    before = 0, after = 0, want = 0, was = 0;
        StoreRange all = {0};
        state_file_prepare(f->file);
        assert_int_equal(state_file_dirty_bytes(f->file), 0);
        check_all(&b, commit);
        make_changes(&b, commit + 1);
        MUST(state_reader_scan(reader, &spec, &all, f->arena, add_row, &before, &f->err));
        if (commit % 4 == 0) { /* decided against */
            state_file_rollback(f->file);
            check_all(&b, commit - 1);
            make_commit(&b, commit);
            make_changes(&b, commit + 1);
        } else
            end_commit(&b, commit);
        MUST(state_reader_scan(reader, &spec, &all, f->arena, add_row, &after, &f->err));
        for (int i = 0; i < KEYS; i++) {
            was += row_of(i, commit - 1);
            want += row_of(i, commit);
        }
        assert_int_equal(before, was);
        assert_int_equal(after, want);
        check_all(&b, commit + 1);
    }
    state_reader_close(reader);
    behind_free(&b);
}

/* ---- buffers ---- */

static Store *buffer_open(Fixture *f, const char *name, int64_t retention_ms)
{
    StoreSpec spec = fixture_spec(name, STORE_BUFFER, retention_ms);
    Store    *store;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    return store;
}

static void add_rows(Fixture *f, Store *store, int count, size_t size)
{
    char *text = arena_alloc(f->arena, size);
    memset(text, 'x', size);
    Value values[3] = {value_from_int(1), value_from_str(str_n(text, size)), value_null()};
    Value key       = value_from_str(STR_LIT("k"));
    for (int i = 0; i < count; i++)
        assert_true(store_buffer_add(store, STR_LIT("k"), &key, i, i, values, i));
}

static size_t count_rows(Fixture *f, Store *store)
{
    StoreRows rows;
    MUST(store_buffer_find(store, STR_LIT("k"), 0, INT32_MAX, f->arena, &rows, &f->err));
    return rows.count;
}

/* The changes of `from` as a changelog that has forgotten the rows of all but the last `kept` of them. */
static void apply_changes(Fixture *f, Store *from, Store *to, size_t kept)
{
    size_t count = store_change_count(from);
    Str    key, value;
    for (size_t i = 0; i < count; i++) {
        assert_true(store_encode_change(from, i, f->arena, &key, &value));
        MUST(store_apply(to, key, value, &f->err));
        if (i + kept < count)
            MUST(store_apply(to, key, STR_NULL, &f->err));
    }
}

/* One buffer is restored from nothing, in a transaction of the file, until memory holds too much. What it
 * makes room with must be its own: when that restore is given up, nobody restores the others. */
static void a_restore_that_is_given_up_takes_no_rows_of_others(void **state)
{
    Behind   b = behind_new(*state);
    Fixture *f = *state;
    lag        = (StateLag){20000000, 40000};
    open_behind(&b, 1 << 20);
    Store *running = buffer_open(f, "A", -1), *restored = buffer_open(f, "B", -1),
          *source = buffer_open(f, "C", -1);
    add_rows(f, running, 350, 22);
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(count_rows(f, running), 350);
    MUST(store_clear(restored, &f->err));
    add_rows(f, source, 4096, 22);
    apply_changes(f, source, restored, 300);
    assert_int_equal(count_rows(f, restored), 300);
    state_file_rollback(f->file);
    assert_int_equal(count_rows(f, running), 350);
    store_close(source);
    store_close(restored);
    store_close(running);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* However large rows are: what is too much goes to the file, where readers see it, while the changelog is
 * read. */
static void a_restore_holds_no_more_than_it_may(void **state)
{
    enum { ROWS = 200, ROW_BYTES = 10000 };
    Behind       b = behind_new(*state);
    Fixture     *f = *state;
    StateReader *reader;
    const char  *path = f->path;
    StoreSpec    spec = fixture_spec("B", STORE_BUFFER, -1);
    StoreRange   all  = {0};
    int64_t      cold = 0;
    lag               = (StateLag){20000000, 20 * ROW_BYTES};
    open_behind(&b, 1 << 20);
    Store *restored = buffer_open(f, "B", -1), *source = buffer_open(f, "C", -1);
    add_rows(f, source, ROWS, ROW_BYTES);
    apply_changes(f, source, restored, ROWS);
    MUST(state_file_flush(f->file, &f->err)); /* readers do not see what is on its way there */
    MUST(state_reader_open(&path, &b.share, 1, &reader, &f->err));
    MUST(state_reader_scan(reader, &spec, &all, f->arena, add_row, &cold, &f->err));
    assert_in_range(cold, ROWS - 25, ROWS - 15);
    assert_int_equal(count_rows(f, restored), ROWS);
    state_reader_close(reader);
    store_close(source);
    store_close(restored);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* What the file has is given up as a commit is prepared. Time has gone on by then, but only if the commit is
 * decided for: what would have expired is found again if it is not. */
static void a_commit_that_is_taken_back_takes_no_rows_along(void **state)
{
    enum { ROWS = 200 };
    Behind   b         = behind_new(*state);
    Fixture *f         = *state;
    Value    values[3] = {value_from_int(1), value_from_str(STR_LIT("late")), value_null()};
    Value    key       = value_from_str(STR_LIT("other"));
    lag                = (StateLag){20000000, 10000};
    open_behind(&b, 0);
    Store *store = buffer_open(f, "A", 10 * ROWS);
    add_rows(f, store, ROWS, 100);
    MUST(state_file_commit(f->file, &f->err));
    MUST(state_file_flush(f->file, &f->err));
    assert_true(store_buffer_add(store, STR_LIT("other"), &key, 10 * ROWS + ROWS / 2, ROWS, values, 0));
    state_file_prepare(f->file);
    assert_int_equal(count_rows(f, store), ROWS / 2);
    state_file_rollback(f->file);
    assert_int_equal(count_rows(f, store), ROWS);
    store_close(store);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

/* What goes to the file may lie among rows that are not committed yet; the file gets the time of what it has,
 * for by that it forgets. */
static void the_file_gets_no_time_that_is_not_committed(void **state)
{
    enum { STORES = 30, ROWS = 24, FAR = 100000 };
    Behind   b         = behind_new(*state);
    Fixture *f         = *state;
    Value    values[3] = {value_from_int(1), value_from_str(STR_LIT("late")), value_null()};
    Value    key       = value_from_str(STR_LIT("k"));
    Store   *stores[STORES];
    lag = (StateLag){20000000, 100000};
    open_behind(&b, 1 << 20);
    for (int i = 0; i < STORES; i++) {
        stores[i] = buffer_open(f, str_to_c(f->arena, str_printf(f->arena, "S%d", i)), 10 * ROWS);
        add_rows(f, stores[i], ROWS, i == 0 ? 120 : 110);
    }
    state_file_prepare(f->file);
    assert_true(store_buffer_add(stores[0], STR_LIT("k"), &key, FAR, ROWS, values, 0));
    MUST(state_file_commit(f->file, &f->err)); /* what all of them hold is too much: of the first it goes */
    state_file_rollback(f->file);
    MUST(state_file_flush(f->file, &f->err));
    store_close(stores[0]);
    stores[0] = buffer_open(f, "S0", 10 * ROWS);
    assert_int_equal(store_time(stores[0]), ROWS - 1);
    assert_int_equal(count_rows(f, stores[0]), ROWS);
    for (int i = 0; i < STORES; i++)
        store_close(stores[i]);
    behind_free(&b);
    lag = (StateLag){2000, 1 << 20};
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_kill_leaves_a_whole_commit),
        TEST(a_close_writes_everything),
        TEST(readers_are_never_behind),
        TEST(a_full_disk_holds_commits_up),
        TEST(stores_come_and_go),
        TEST(a_commit_in_halves_is_kept_or_taken_back),
        TEST(a_restore_that_is_given_up_takes_no_rows_of_others),
        TEST(a_restore_holds_no_more_than_it_may),
        TEST(a_commit_that_is_taken_back_takes_no_rows_along),
        TEST(the_file_gets_no_time_that_is_not_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
