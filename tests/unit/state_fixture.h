/*
 * state_fixture.h - what the tests of state/ share: a file in a directory of its own, specs, shorthands.
 */
#ifndef SLUICE_TESTS_STATE_FIXTURE_H
#define SLUICE_TESTS_STATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/store.h"

typedef struct {
    char       dir[64], path[96];
    StateFile *file;
    Arena     *arena;
    Error      err;
} Fixture;

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        Status must_ = (call);                                                                               \
        if (must_ != OK)                                                                                     \
            fail_msg("%s: %s: %s", #call, status_name(must_), f->err.message);                               \
    } while (0)

static inline int fixture_setup(void **state)
{
    Fixture *f = mem_calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/sluice-state-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    snprintf(f->path, sizeof f->path, "%s/worker-0.db", f->dir);
    f->arena = arena_new(0);
    *state   = f;
    return state_file_open(f->path, &f->file, &f->err) == OK ? 0 : -1;
}

static inline void fixture_remove_files(const Fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char                     name[128];
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof name, "%s%s", f->path, suffixes[i]);
        unlink(name);
    }
}

static inline int fixture_teardown(void **state)
{
    Fixture *f = *state;
    state_file_close(f->file);
    arena_free(f->arena);
    fixture_remove_files(f);
    rmdir(f->dir);
    mem_free(f);
    return 0;
}

static inline void fixture_reopen(Fixture *f)
{
    state_file_close(f->file);
    f->file = NULL;
    MUST(state_file_open(f->path, &f->file, &f->err));
}

static const Column fixture_keys[]   = {{{"K", 1}, &type_string, COLUMN_KEY, {0}}};
static const Column fixture_values[] = {{{"N", 1}, &type_bigint, COLUMN_VALUE, {0}},
                                        {{"T", 1}, &type_string, COLUMN_VALUE, {0}}};
static const Column fixture_states[] = {{{"S", 1}, &type_double, COLUMN_VALUE, {0}}};

static inline StoreSpec fixture_spec(const char *name, StoreKind kind, int64_t retention_ms)
{
    return (StoreSpec){str_c(name),    kind, fixture_keys, 1, fixture_values, 2,
                       fixture_states, 1,    retention_ms};
}

static inline StoreRow *fixture_get(Fixture *f, Store *store, const char *key, int64_t start, int64_t end)
{
    StoreRow *row;
    Value     k = value_from_str(str_c(key));
    MUST(store_get(store, str_c(key), &k, start, end, &row, &f->err));
    return row;
}

static inline StoreRow *fixture_put(Fixture *f, Store *store, const char *key, int64_t start, int64_t end,
                                    int64_t n, const char *text)
{
    StoreRow *row      = fixture_get(f, store, key, start, end);
    Value     values[] = {value_from_int(n), value_from_str(str_c(text)), value_from_double((double)n / 2)};
    store_put(store, row, values, n, true);
    return row;
}

static inline StoreRows fixture_windows(Fixture *f, Store *store, const char *key, int64_t from, int64_t to)
{
    StoreRows rows;
    Value     k = value_from_str(str_c(key));
    MUST(store_find_windows(store, str_c(key), &k, from, to, f->arena, &rows, &f->err));
    return rows;
}

#endif
