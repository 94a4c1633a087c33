/*
 * test_fault_store.c - a state file whose disk or memory fails at the n-th chance: what a commit answered is
 * what the file has.
 *
 * The scenario is a row of steps, each one commit: rows and windows put, changed and removed, a partition
 * emptied and rows applied from a changelog (past the cache), a table made and dropped, a checkpoint. Two
 * ways to go on after a failure, as store.h allows:
 *
 *   stubborn   the failed call again, or rollback and the step again: in the end the file has what it has
 * without a fault crash      the file is closed and opened again: it has one of the steps, whole, and none
 * that was acknowledged is missing
 */
#include "../unit/state_fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "fault_alloc.h"
#include "fault_vfs.h"

enum { STEPS = 5, KEYS = 8, ATTEMPTS = 12, APPLIED = 6, WINDOWS_KEPT_MS = 500 };

typedef enum { DISK, MEMORY } Seam;

typedef struct {
    const char *name;
    Seam        seam;
    int         code;
    bool        crash;
    long        stride; /* there are thousands of small allocations: not each of them is taken */
} Sweep;

typedef struct {
    StateFile *file;
    Store     *accounts, *windows, *passing;
    char       path[64];
    Arena     *arena;
    Str        keys[APPLIED], values[APPLIED]; /* changelog records */
    Error      err;
} Place;

/* ---- the steps ---- */

static Status put(Place *p, Store *store, int key, int64_t start, int64_t n)
{
    char      name[16];
    StoreRow *row;
    snprintf(name, sizeof name, "key-%d", key);
    Value k        = value_from_str(str_c(name));
    Value values[] = {value_from_int(n), value_from_str(str_c(name)), value_from_double((double)n / 2)};
    TRY(store_get(store, str_c(name), &k, start, start == 0 ? 0 : start + 10, &row, &p->err));
    if (n < 0)
        store_remove(store, row);
    else
        store_put(store, row, values, n, true);
    return OK;
}

static Status fill(Place *p, int step)
{
    for (int i = 0; i < KEYS; i++) {
        TRY(put(p, p->accounts, i, 0, step == 2 && i % 4 == 0 ? -1 : step * 100 + i));
        TRY(put(p, p->windows, i, step * 300 + i * 10 + 1, step * 100 + i));
    }
    return OK;
}

/* As a restore from scratch does it. */
static Status restore(Place *p)
{
    TRY(store_clear(p->accounts, &p->err));
    for (size_t i = 0; i < APPLIED; i++)
        TRY(store_apply(p->accounts, p->keys[i], p->values[i], &p->err));
    return put(p, p->accounts, 100, 0, 7);
}

static Status open_passing(Place *p)
{
    StoreSpec spec = fixture_spec("PASSING", STORE_SESSION, -1);
    if (p->passing == NULL)
        TRY(store_open(p->file, &spec, 0, &p->passing, &p->err));
    return put(p, p->passing, 1, 10, 1);
}

static Status drop_passing(Place *p)
{
    bool done = false;
    store_close(p->passing);
    p->passing = NULL;
    while (!done)
        TRY(store_drop(p->file, STR_LIT("PASSING"), 2, &done, &p->err));
    return OK;
}

static Status change(Place *p, int step)
{
    char text[16];
    snprintf(text, sizeof text, "%d", step);
    TRY(state_meta_set(p->file, STR_LIT("step"), str_c(text), &p->err));
    switch (step) {
    case 3:
        return restore(p);
    case 4:
        return open_passing(p);
    case 5:
        return drop_passing(p);
    default:
        return fill(p, step);
    }
}

/* ---- opening and looking ---- */

static Status open_place(Place *p)
{
    StoreSpec accounts = fixture_spec("ACCOUNTS", STORE_KEY_VALUE, -1);
    StoreSpec windows  = fixture_spec("WINDOWS", STORE_WINDOW, WINDOWS_KEPT_MS);
    TRY(state_file_open(p->path, &p->file, &p->err));
    TRY(store_open(p->file, &accounts, 0, &p->accounts, &p->err));
    return store_open(p->file, &windows, 0, &p->windows, &p->err);
}

static void close_place(Place *p)
{
    state_file_close(p->file);
    p->file     = NULL;
    p->accounts = p->windows = p->passing = NULL;
}

static void add_rows(Place *p, Store *store, StrBuf *out)
{
    StoreRows rows;
    if (store_find_all(store, p->arena, &rows, &p->err) != OK)
        fail_msg("%s", p->err.message);
    for (size_t i = 0; i < rows.count; i++)
        strbuf_addf(out, STR_FMT "[%lld]=%lld ", STR_ARG(rows.rows[i]->key),
                    (long long)rows.rows[i]->window_start, (long long)rows.rows[i]->values[0].as.i64);
}

/* All that is in the file, as text in p->arena; *step: the last that it has. */
static const char *look(Place *p, int *step)
{
    StrBuf out = {0};
    Str    text;
    if (state_meta_get(p->file, STR_LIT("step"), p->arena, &text, &p->err) != OK)
        fail_msg("%s", p->err.message);
    *step = str_is_null(text) ? 0 : text.ptr[0] - '0';
    strbuf_addf(&out, "step %d: ", *step);
    add_rows(p, p->accounts, &out);
    add_rows(p, p->windows, &out);
    const char *all = str_to_c(p->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return all;
}

/* ---- a run ---- */

static void check_failure(Place *p, Status status, const char *what)
{
    if (!fault_is_of_the_world(status) || p->err.code != status)
        fail_msg("%s: %s (%s): %s", what, status_name(status), status_name(p->err.code), p->err.message);
}

/* False: it gave up with a crash. */
static bool open_stubbornly(Place *p, const Sweep *sweep, const char *what)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        Status status = open_place(p);
        if (status == OK)
            return true;
        check_failure(p, status, what);
        close_place(p);
        if (sweep->crash)
            return false;
    }
    fail_msg("%s: the file cannot be opened: %s", what, p->err.message);
    return false;
}

static bool step_stubbornly(Place *p, const Sweep *sweep, int step, const char *what)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        Status status = change(p, step);
        bool   again  = status == OK;
        if (status == OK)
            status = state_file_commit(p->file, &p->err);
        if (status == OK)
            return true;
        check_failure(p, status, what);
        if (sweep->crash)
            return false;
        if (again && !state_file_is_lost(p->file) && state_file_commit(p->file, &p->err) == OK)
            return true;
        state_file_rollback(p->file);
    }
    fail_msg("%s: step %d cannot be done: %s", what, step, p->err.message);
    return false;
}

/* Steps until the end or the crash; how many were acknowledged. */
static int take_steps(Place *p, const Sweep *sweep, const char *what)
{
    if (!open_stubbornly(p, sweep, what))
        return 0;
    for (int step = 1; step <= STEPS; step++) {
        if (!step_stubbornly(p, sweep, step, what))
            return step - 1;
        Status status = step == 2 ? state_file_checkpoint(p->path, &p->err) : OK;
        if (status != OK)
            check_failure(p, status, what); /* tried again in a second, in life */
    }
    return STEPS;
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char                     name[96];
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void place_init(Place *p)
{
    StateFile *memory;
    Store     *store;
    StoreSpec  spec = fixture_spec("ACCOUNTS", STORE_KEY_VALUE, -1);
    *p              = (Place){.arena = arena_new(0)};
    snprintf(p->path, sizeof p->path, "%s/sluice-fault-store-%d.db",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    remove_files(p->path);
    assert_int_equal(state_file_open(NULL, &memory, &p->err), OK);
    assert_int_equal(store_open(memory, &spec, 0, &store, &p->err), OK);
    for (int i = 0; i < APPLIED; i++) {
        assert_int_equal(put(p, store, i + 3, 0, 1000 + i), OK);
        store_encode(store, store_dirty_rows(store).rows[i], p->arena, &p->keys[i], &p->values[i]);
    }
    state_file_close(memory);
}

static void watch(const Sweep *sweep, Fault *fault)
{
    fault_vfs_watch(fault != NULL && sweep->seam == DISK ? fault : NULL, "sluice-fault-store", FAULT_DISK);
    fault_sqlite_memory_watch(fault != NULL && sweep->seam == MEMORY ? fault : NULL);
}

/* What the file looks like after each number of steps. */
static void undisturbed(const Sweep *sweep, Arena *arena, const char *after[STEPS + 1])
{
    Place p;
    int   step;
    place_init(&p);
    assert_true(open_stubbornly(&p, sweep, "undisturbed"));
    for (int i = 0; i <= STEPS; i++) {
        if (i > 0)
            assert_true(step_stubbornly(&p, sweep, i, "undisturbed"));
        after[i] = str_to_c(arena, str_c(look(&p, &step)));
        assert_int_equal(step, i);
    }
    close_place(&p);
    remove_files(p.path);
    arena_free(p.arena);
}

static bool disturbed(const Sweep *sweep, long nth, const char *const after[STEPS + 1])
{
    Place p;
    Fault fault = {0};
    char  what[96];
    int   step;
    snprintf(what, sizeof what, "%s, n = %ld", sweep->name, nth);
    place_init(&p);
    watch(sweep, &fault);
    fault_arm(&fault, nth, 1, sweep->code);
    int acknowledged = take_steps(&p, sweep, what);
    close_place(&p);
    fault_disarm(&fault);
    watch(sweep, NULL);
    if (open_place(&p) != OK)
        fail_msg("%s: afterwards: %s", what, p.err.message);
    const char *got = look(&p, &step);
    if (strcmp(got, after[step]) != 0)
        fail_msg("%s:\n  disturbed:   %s\n  undisturbed: %s", what, got, after[step]);
    if (step != acknowledged && !(sweep->crash && step == acknowledged + 1))
        fail_msg("%s: %d steps were acknowledged, the file has %d", what, acknowledged, step);
    close_place(&p);
    remove_files(p.path);
    arena_free(p.arena);
    return fault_was_hit(&fault);
}

static const Sweep sweeps[] = {
    {"a write fails", DISK, SQLITE_IOERR_WRITE, false, 1},
    {"a write fails, then the process", DISK, SQLITE_IOERR_WRITE, true, 1},
    {"the disk is full", DISK, SQLITE_FULL, false, 1},
    {"the disk is full, then the process ends", DISK, SQLITE_FULL, true, 1},
    {"SQLite gets no memory", MEMORY, 0, false, 29},
    {"SQLite gets no memory, then the process ends", MEMORY, 0, true, 29},
};

static void acknowledged_steps_are_there_whole(void **state)
{
    const Sweep *sweep = *state;
    const char  *after[STEPS + 1];
    Arena       *arena = arena_new(0);
    long         nth   = 1;
    undisturbed(sweep, arena, after);
    for (; disturbed(sweep, nth, after); nth += sweep->stride)
        assert_true(nth < FAULT_SWEEP_MAX);
    print_message("%s: fewer than %ld chances\n", sweep->name, nth + 1);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_LEN(sweeps)];
    for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
        tests[i] = (struct CMUnitTest){.name          = sweeps[i].name,
                                       .test_func     = acknowledged_steps_are_there_whole,
                                       .initial_state = (void *)&sweeps[i]};
    if (!fault_sqlite_memory_install() || !fault_vfs_install())
        return 1;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
