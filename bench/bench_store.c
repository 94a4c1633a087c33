/*
 * bench_store.c - what a table store costs: cached get + touch, puts, and the commit of many dirty rows.
 * Usage: bench_store [DIRECTORY]; figures are in state/README.md.
 */
#include <inttypes.h>
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

static StoreRow *get(Store *store, int i, int64_t window, Error *err)
{
    char      text[16];
    size_t    len = (size_t)snprintf(text, sizeof text, "key-%07d", i);
    Value     key = value_string(text, len);
    StoreRow *row;
    check(store_get(store, str_n(text, len), &key, window, window ? window + 60000 : 0, &row, err), err);
    return row;
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

int main(int argc, char **argv)
{
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
