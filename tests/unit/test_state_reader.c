/* Readers: bounds, windows, partitions, several files, chunks, and a thread that reads while the worker
 * commits. */
#include "state/store_table.h"
#include "state_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    size_t  count;
    int64_t sum;
    Str     last;
    char    last_text[32];
    bool    ordered;
    size_t  stop_after;
    int     partition;
    int64_t start;
} Seen;

static Status see(void *context, const StateRow *row, Error *err)
{
    Seen *seen   = context;
    bool  behind = seen->count > 0 && row->partition == seen->partition && row->window_start == seen->start &&
                  str_compare(seen->last, row->key) > 0;
    seen->ordered   = seen->ordered && !behind;
    seen->partition = row->partition;
    seen->start     = row->window_start;
    seen->last      = str_n(seen->last_text, row->key.len);
    memcpy(seen->last_text, row->key.ptr, row->key.len);
    seen->sum += row->values[0].as.i64;
    seen->count++;
    return seen->count == seen->stop_after ? error_set(err, E_CANCELLED, NO_POS, "enough") : OK;
}

static Seen scan(Fixture *f, StateReader *reader, const StoreSpec *spec, StoreRange range)
{
    Seen seen = {.ordered = true};
    MUST(state_reader_scan(reader, spec, &range, f->arena, see, &seen, &f->err));
    assert_true(seen.ordered);
    return seen;
}

static StateReader *open_reader(Fixture *f)
{
    StateReader *reader;
    const char  *paths[] = {f->path};
    MUST(state_reader_open(paths, NULL, 1, &reader, &f->err));
    return reader;
}

static void key_bounds_partitions_and_visibility(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *stores[2];
    char      key[16];
    for (int p = 0; p < 2; p++)
        MUST(store_open(f->file, &spec, p, &stores[p], &f->err));
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%04d", i);
        StoreRow *row = fixture_put(f, stores[i % 2], key, 0, 0, 1, "");
        row->visible  = i % 10 != 9;
    }
    MUST(state_file_commit(f->file, &f->err));
    fixture_put(f, stores[0], "9999", 0, 0, 1, ""); /* not committed: not seen */
    StateReader *reader = open_reader(f);
    const int    one[]  = {1};
    const struct {
        StoreRange range;
        size_t     count;
    } cases[] = {
        {{0}, 4500},
        {{.partitions = one, .partition_count = 1}, 2000},
        {{.partitions = one}, 0},
        {{.low_kind  = BOUND_INCLUSIVE,
          .low       = STR_LIT("0100"),
          .high_kind = BOUND_INCLUSIVE,
          .high      = STR_LIT("0100")},
         1},
        {{.low_kind  = BOUND_EXCLUSIVE,
          .low       = STR_LIT("0100"),
          .high_kind = BOUND_EXCLUSIVE,
          .high      = STR_LIT("0105")},
         4},
        {{.low_kind = BOUND_INCLUSIVE, .low = STR_LIT("1000")}, 3600},
        {{.high_kind = BOUND_EXCLUSIVE, .high = STR_LIT("3000")}, 2700},
        {{.low_kind = BOUND_INCLUSIVE, .low = STR_LIT("x")}, 0},
    };
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
            assert_int_equal(scan(f, reader, &spec, cases[i].range).count, cases[i].count);
    Seen       seen  = {.stop_after = 3};
    StoreRange range = {0};
    assert_int_equal(state_reader_scan(reader, &spec, &range, f->arena, see, &seen, &f->err), E_CANCELLED);
    assert_int_equal(seen.count, 3);
    StoreSpec none = fixture_spec("NONE", STORE_KEY_VALUE, -1);
    assert_int_equal(scan(f, reader, &none, range).count, 0);
    state_reader_close(reader);
}

static void window_bounds_chunks_and_retention(void **state)
{
    Fixture *f = *state;
    for (int kind = STORE_WINDOW; kind <= STORE_SESSION; kind++) {
        StoreSpec spec = fixture_spec(kind == STORE_WINDOW ? "W" : "S", (StoreKind)kind, 29000);
        Store    *store;
        MUST(store_open(f->file, &spec, 0, &store, &f->err));
        for (int i = 0; i < 3000; i++)
            fixture_put(f, store, i % 2 ? "odd" : "even", i * 10, i * 10 + 10, i, "");
        MUST(state_file_commit(f->file, &f->err));
        StateReader *reader = open_reader(f);
        StoreRange   range  = {.low_kind  = BOUND_INCLUSIVE,
                               .low       = STR_LIT("odd"),
                               .high_kind = BOUND_INCLUSIVE,
                               .high      = STR_LIT("odd")};
        assert_int_equal(scan(f, reader, &spec, (StoreRange){0}).count, 2901);
        range.has_start_from = range.has_end_to = true;
        range.start_from                        = 10000;
        range.end_to                            = 20000;
        assert_int_equal(scan(f, reader, &spec, range).count, 500);
        range.has_start_to = range.has_end_from = true;
        range.start_to                          = 15010;
        range.end_from                          = 15020;
        assert_int_equal(scan(f, reader, &spec, range).count, 1);
        state_reader_close(reader);
    }
}

static void a_table_made_again_is_noticed(void **state)
{
    Fixture  *f    = *state;
    StoreSpec spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    Store    *store;
    bool      done;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "");
    MUST(state_file_commit(f->file, &f->err));
    StateReader *reader = open_reader(f);
    assert_int_equal(scan(f, reader, &spec, (StoreRange){0}).count, 1);
    store_close(store);
    for (done = false; !done;)
        MUST(store_drop(f->file, spec.name, 10, &done, &f->err));
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(scan(f, reader, &spec, (StoreRange){0}).count, 0);
    spec.state_count = 0;
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    Value     key = value_string("k", 1), values[] = {value_from_int(1), value_null()};
    StoreRow *row;
    MUST(store_get(store, STR_LIT("k"), &key, 0, 0, &row, &f->err));
    store_put(store, row, values, 0, true);
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(scan(f, reader, &spec, (StoreRange){0}).count, 1);
    state_reader_close(reader);
}

typedef struct {
    Fixture    *f;
    StoreSpec   spec;
    atomic_bool stop;
    int         scans, wrong;
} Watcher;

static Status add_up(void *context, const StateRow *row, Error *err)
{
    *(int64_t *)context += row->values[0].as.i64;
    return OK;
}

/* Fewer rows than a chunk: each scan is one snapshot, so the sum of a transfer between rows never changes. */
static void *watch(void *context)
{
    Watcher     *w = context;
    StateReader *reader;
    const char  *paths[] = {w->f->path};
    Error        err;
    Arena       *arena = arena_new(0);
    StoreRange   range = {0};
    if (state_reader_open(paths, NULL, 1, &reader, &err) != OK)
        return (void *)1;
    while (!atomic_load(&w->stop)) {
        int64_t sum = 0;
        if (state_reader_scan(reader, &w->spec, &range, arena, add_up, &sum, &err) != OK || sum != 5000)
            w->wrong++;
        w->scans++;
        arena_reset(arena);
    }
    state_reader_close(reader);
    arena_free(arena);
    return NULL;
}

static void a_reader_sees_only_whole_commits(void **state)
{
    Fixture  *f = *state;
    Watcher   w = {.f = f, .spec = fixture_spec("T", STORE_KEY_VALUE, -1)};
    Store    *store;
    pthread_t thread;
    void     *failed;
    char      from[16], to[16];
    MUST(store_open(f->file, &w.spec, 0, &store, &f->err));
    for (int i = 0; i < 500; i++) {
        snprintf(from, sizeof from, "%d", i);
        fixture_put(f, store, from, 0, 0, 10, "");
    }
    MUST(state_file_commit(f->file, &f->err));
    assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(from, sizeof from, "%d", i * 7 % 500);
        snprintf(to, sizeof to, "%d", (i * 13 + 1) % 500);
        StoreRow *row = fixture_get(f, store, from, 0, 0);
        row->values[0].as.i64--;
        store_touch(store, row, i);
        row = fixture_get(f, store, to, 0, 0);
        row->values[0].as.i64++;
        store_touch(store, row, i);
        if (i % 3 == 0)
            MUST(state_file_commit(f->file, &f->err));
        if (i % 500 == 0)
            MUST(state_file_checkpoint(f->path, &f->err));
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(w.wrong, 0);
    assert_true(w.scans > 0);
}

static void rows_of_several_files(void **state)
{
    Fixture     *f    = *state;
    StoreSpec    spec = fixture_spec("T", STORE_KEY_VALUE, -1);
    char         path[128];
    StateFile   *second;
    Store       *store;
    StateReader *reader;
    snprintf(path, sizeof path, "%s/worker-1.db", f->dir);
    MUST(state_file_open(path, &second, &f->err));
    MUST(store_open(f->file, &spec, 0, &store, &f->err));
    fixture_put(f, store, "a", 0, 0, 1, "");
    MUST(state_file_commit(f->file, &f->err));
    MUST(store_open(second, &spec, 1, &store, &f->err));
    fixture_put(f, store, "b", 0, 0, 10, "");
    MUST(state_file_commit(second, &f->err));
    const char *paths[] = {f->path, path};
    MUST(state_reader_open(paths, NULL, 2, &reader, &f->err));
    assert_int_equal(scan(f, reader, &spec, (StoreRange){0}).sum, 11);
    state_reader_close(reader);
    state_file_close(second);
    unlink(path);
    paths[1] = "/nonexistent/worker.db";
    assert_int_equal(state_reader_open(paths, NULL, 2, &reader, &f->err), E_IO);
}

/* Steps of SQLite's machine for a chunk of 10 rows that begins behind the row with this number. */
static int chunk_steps(Fixture *f, StoreTable *table, int after)
{
    sqlite3_stmt *stmt;
    char          key[16];
    int           rows = 0;
    snprintf(key, sizeof key, "%06d", after);
    const TableRow last = {.key = str_c(key), .partition = 1, .window_start = after, .window_end = after};
    MUST(store_table_statement(table, table_sql_chunk(CHUNK_AFTER, BOUND_NONE), &stmt, &f->err));
    store_table_bind_identity(table, stmt, &last);
    sqlite3_bind_int(stmt, 7, 10);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        rows++;
    sqlite3_reset(stmt);
    assert_int_equal(rows, 10);
    return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
}

/* A table of a million rows took the square of that. */
static void a_chunk_costs_its_own_rows(void **state)
{
    static const StoreKind kinds[] = {STORE_KEY_VALUE, STORE_WINDOW, STORE_SESSION};
    Fixture               *f       = *state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        sqlite3     *db;
        StoreTable  *table;
        StoreSpec    spec     = fixture_spec("T", kinds[k], -1);
        const Value  values[] = {value_from_int(1), value_null(), value_null()};
        const Value *keys     = ARENA_ARRAY(f->arena, Value, spec.key_count + 1);
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        MUST(state_db_create(db, &f->err));
        MUST(store_table_open(db, &spec, true, &table, &f->err));
        for (int i = 0; i < 3000; i++) {
            char key[16];
            snprintf(key, sizeof key, "%06d", i);
            MUST(store_table_put(table, &(TableRow){str_c(key), 1, i, i, i, true, keys, values}, &f->err));
        }
        assert_true(chunk_steps(f, table, 2900) < chunk_steps(f, table, 5) * 2);
        store_table_free(table);
        sqlite3_close(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_bounds_partitions_and_visibility, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(window_bounds_chunks_and_retention, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_table_made_again_is_noticed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_reader_sees_only_whole_commits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(rows_of_several_files, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_chunk_costs_its_own_rows, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
