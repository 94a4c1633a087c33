/*
 * bench_store.c - what a table store costs: cached get + touch, puts, and the commit of many dirty rows; and
 * the curve over ever more keys.
 *
 * Usage: bench_store [DIRECTORY]                                  figures are in state/README.md
 *        bench_store curve KEYS MEMORY_MB file|behind [DIRECTORY [DIRTY_MB]]  and in docs/performance.md
 *
 * The curve is a windowed count and sum over KEYS users, drawn with density u^-0.8, as in the peer benchmark:
 * each record finds its row and changes its state; when DIRTY_MB (64) of rows are dirty their changelog
 * records are made and they are committed. `file`: each commit writes SQLite; `behind`: a thread does, half a
 * second later.
 */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "state/store.h"

enum { ROWS = 100000, LOOKUPS = 20000000, HOT = 1000 };

static const Column keys[]   = {{{"K", 1}, &type_string, COLUMN_KEY, {0}}};
static const Column values[] = {{{"COUNT", 5}, &type_bigint, COLUMN_VALUE, {0}},
                                {{"TOTAL", 5}, &type_double, COLUMN_VALUE, {0}}};
static const Column states[] = {{{"S", 1}, &type_bigint, COLUMN_VALUE, {0}}};

static void check(Status status, const Error *err)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double seconds_since(int64_t start)
{
    Clock *clock = clock_system();
    return (double)(clock->monotonic_us(clock) - start) / 1e6;
}

static StoreRow *get_text(Store *store, Str text, int64_t window, Error *err)
{
    Value     key = value_from_str(text);
    StoreRow *row;
    check(store_get(store, text, &key, window, window ? window + 60000 : 0, &row, err), err);
    return row;
}

static StoreRow *get(Store *store, int i, int64_t window, Error *err)
{
    char text[16];
    return get_text(store, str_n(text, (size_t)snprintf(text, sizeof text, "key-%07d", i)), window, err);
}

static void put_all(Store *store, int64_t window, Error *err)
{
    for (int i = 0; i < ROWS; i++) {
        Value row[] = {value_from_int(i), value_from_double(i / 3.0), value_from_int(i)};
        int   k     = (int)((int64_t)i * 7919 % ROWS); /* not in key order */
        store_put(store, get(store, k, window, err), row, i, true);
    }
}

static void bench_commit(StateFile *file, Store *store, int64_t window, const char *name, Error *err)
{
    Clock  *clock = clock_system();
    int64_t start = clock->monotonic_us(clock);
    put_all(store, window, err);
    double put = seconds_since(start);
    start      = clock->monotonic_us(clock);
    check(state_file_commit(file, err), err);
    printf("%-28s put %d rows %.3f s, commit %.3f s\n", name, ROWS, put, seconds_since(start));
}

/* Keys ready made: what is measured is the store. */
static void bench_lookup(Store *store, int count, Error *err)
{
    char(*text)[16] = mem_calloc((size_t)count, 16);
    Clock *clock    = clock_system();
    for (int i = 0; i < count; i++)
        snprintf(text[i], 16, "key-%07d", i);
    int64_t start = clock->monotonic_us(clock);
    for (int i = 0, k = 0; i < LOOKUPS; i++, k = (k + 7919) % count) {
        StoreRow *row;
        Value     key = value_string(text[k], 11);
        check(store_get(store, str_n(text[k], 11), &key, 0, 0, &row, err), err);
        row->values[0].as.i64++;
        store_touch(store, row, i);
    }
    printf("get + touch, %6d keys: %.1f M/s\n", count, LOOKUPS / seconds_since(start) / 1e6);
    mem_free(text);
}

/* ---- the curve ---- */

enum { CURVE_RECORDS = 3000000, SLICE_RECORDS = 250000, DRAWN = 16 };

typedef struct {
    StateFile *file;
    Store     *store;
    Arena     *arena;
    uint64_t   seed;
    double     keys;
    size_t     dirty_max;
    char       drawn[DRAWN][16]; /* the next users, as an operator knows the next rows of its batch */
    Str        users[DRAWN];
    Error      err;
} Curve;

/* user = floor(keys * x^5): the density of u^-0.8. */
static void draw(Curve *c, size_t at)
{
    c->seed  = c->seed * 6364136223846793005ull + 1442695040888963407ull;
    double x = (double)(c->seed >> 11) / 9007199254740992.0;
    int    n = snprintf(c->drawn[at], sizeof c->drawn[at], "key-%07d", (int)(c->keys * x * x * x * x * x));
    c->users[at] = str_n(c->drawn[at], (size_t)n);
}

/* Before record `number`. */
static void look_ahead(Curve *c, int64_t number, int64_t window)
{
    draw(c, (size_t)(number + DRAWN - 1) % DRAWN);
    if (!store_is_far(c->store))
        return;
    store_fetch_place(c->store, c->users[(number + 3 * STORE_AHEAD) % DRAWN], window);
    store_fetch_row(c->store, c->users[(number + 2 * STORE_AHEAD) % DRAWN], window);
    store_fetch_newest(c->store, c->users[(number + STORE_AHEAD) % DRAWN]);
}

static void curve_commit(Curve *c)
{
    StoreRows dirty = store_dirty_rows(c->store);
    for (size_t i = 0; i < dirty.count; i++) {
        Str key, value;
        store_encode(c->store, dirty.rows[i], c->arena, &key, &value);
        if (i % 1000 == 999)
            arena_reset(c->arena);
    }
    arena_reset(c->arena);
    check(state_file_commit(c->file, &c->err), &c->err);
}

static void curve_record(Curve *c, int64_t number)
{
    int64_t window = number / 500000 * 60000 + 60000;
    look_ahead(c, number, window);
    StoreRow *row     = get_text(c->store, c->users[number % DRAWN], window, &c->err);
    Value     fresh[] = {value_from_int(1), value_from_double(0.5), value_from_int(1)};
    if (!row->exists) {
        store_put(c->store, row, fresh, number, true);
        return;
    }
    row->values[0].as.i64++;
    row->values[1].as.f64 += 0.5;
    row->values[2].as.i64++;
    store_touch(c->store, row, number);
}

static double cpu_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* By the CPU's time, of the worker and of all: other programs on the machine count for little then. */
static void curve_run(Curve *c)
{
    double  worst = 0, mark = 0;
    Clock  *clock = clock_system();
    int64_t start = clock->monotonic_us(clock);
    for (int64_t number = 0; number < CURVE_RECORDS; number++) {
        curve_record(c, number);
        if (number % 1000 == 0 && state_file_dirty_bytes(c->file) > c->dirty_max)
            curve_commit(c);
        if (number % SLICE_RECORDS != SLICE_RECORDS - 1)
            continue;
        double now = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
        worst      = now - mark > worst ? now - mark : worst;
        mark       = now;
    }
    curve_commit(c);
    double worker = cpu_seconds(CLOCK_THREAD_CPUTIME_ID), all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    printf("%9.0f keys: %8.0f records a CPU second (worst slice %8.0f), %4.2f us of the worker, %4.2f of the "
           "writer a "
           "record; %5.0f MB of rows; %.1f s on this machine",
           c->keys, CURVE_RECORDS / all, SLICE_RECORDS / worst, worker * 1e6 / CURVE_RECORDS,
           (all - worker) * 1e6 / CURVE_RECORDS, (double)state_file_cache_bytes(c->file) / 1e6,
           seconds_since(start));
    start = clock->monotonic_us(clock);
    check(state_file_flush(c->file, &c->err), &c->err);
    printf(", level after %.2f s\n", seconds_since(start));
}

static int curve_main(int argc, char **argv)
{
    char  path[4096];
    Curve c     = {.arena = arena_new(0), .seed = 1, .keys = atof(argv[2])};
    c.dirty_max = (size_t)(argc > 6 ? atol(argv[6]) : 64) << 20;
    for (size_t i = 0; i < DRAWN; i++)
        draw(&c, i);
    size_t      memory = (size_t)atol(argv[3]) << 20;
    StateShare *share  = state_share_new();
    StateLag    lag    = {500000, (size_t)64 << 20};
    StoreSpec   spec   = {STR_LIT("W"), STORE_WINDOW, keys, 1, values, 2, states, 1, 86400000};
    if (memory / 4 < lag.bytes)
        lag.bytes = memory / 4;
    snprintf(path, sizeof path, "%s/bench-%d.db", argc > 5 ? argv[5] : "/tmp", (int)getpid());
    if (strcmp(argv[4], "behind") == 0) {
        check(state_file_open_behind(path, share, &lag, memory, &c.file, &c.err), &c.err);
    } else {
        check(state_file_open(path, &c.file, &c.err), &c.err);
        state_file_set_cache(c.file, memory);
    }
    check(store_open(c.file, &spec, 0, &c.store, &c.err), &c.err);
    curve_run(&c);
    state_file_close(c.file);
    state_share_free(share);
    unlink(path);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "curve") == 0)
        return curve_main(argc, argv);
    char       path[4096];
    StateFile *file;
    Store     *table, *windows;
    Error      err;
    StoreSpec  spec = {STR_LIT("T"), STORE_KEY_VALUE, keys, 1, values, 2, states, 1, -1};
    snprintf(path, sizeof path, "%s/bench-%d.db", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    check(state_file_open(path, &file, &err), &err);
    check(store_open(file, &spec, 0, &table, &err), &err);
    bench_commit(file, table, 0, "key-value, new rows", &err);
    bench_commit(file, table, 0, "key-value, the same again", &err);
    spec.name = STR_LIT("W");
    spec.kind = STORE_WINDOW;
    check(store_open(file, &spec, 0, &windows, &err), &err);
    bench_commit(file, windows, 60000, "window, new rows", &err);
    bench_commit(file, windows, 60000, "window, the same again", &err);
    bench_lookup(table, HOT, &err);
    bench_lookup(table, ROWS, &err);
    printf("cache: %.0f bytes a row\n", (double)state_file_cache_bytes(file) / (2 * ROWS));
    state_file_close(file);
    unlink(path);
    return 0;
}
