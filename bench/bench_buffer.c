/*
 * bench_buffer.c - the buffers of a stream-stream join, the state alone: orders and payments come in turn,
 * each is added to its side's buffer and looks for the other side's rows of its key.
 *
 *   bench_buffer WINDOW MEMORY_MB [DIRECTORY]
 *
 * Every order is new; a payment belongs to one of the last 1.25 * WINDOW orders, so that four of five find
 * theirs. Rows are kept as long as a join with WITHIN = WINDOW keeps them: twice as long. 3 million records
 * (more where the window is longer), changelog records made and committed when 10 MB of rows are dirty; by
 * the CPU's time, of the worker and of the thread that writes the file. At the end the state is closed, as a
 * kill would leave it, and read back from the changelog records that it holds in memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "state/store.h"

enum { RECORDS_MIN = 3000000, DIRTY_MAX = 10 << 20 };

static const Column key_columns[]   = {{{"ID", 2}, &type_string, COLUMN_KEY, {0}}};
static const Column value_columns[] = {{{"AT", 2}, &type_bigint, COLUMN_VALUE, {0}},
                                       {{"NAME", 4}, &type_string, COLUMN_VALUE, {0}},
                                       {{"PRICE", 5}, &type_double, COLUMN_VALUE, {0}}};

typedef struct {
    Str key, value;
} Logged;

typedef struct {
    StateFile  *file;
    StateShare *share;
    Store      *sides[2];
    int64_t     window, records, number;
    uint64_t    seed, matches, written;
    Arena      *arena, *log_arena;
    Logged     *log[2]; /* what a changelog has */
    size_t      logged[2], capacity[2];
    int64_t     held_from[2];
    char        path[4096];
    Error       err;
} Bench;

static void check(Status status, const Error *err)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double cpu_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_state(Bench *b, size_t memory)
{
    static const char *const names[] = {"ORDERS", "PAYMENTS"};
    StateLag                 lag = {500000, memory / 4 < (size_t)64 << 20 ? memory / 4 : (size_t)64 << 20};
    check(state_file_open_behind(b->path, b->share, &lag, memory, &b->file, &b->err), &b->err);
    for (int side = 0; side < 2; side++) {
        StoreSpec spec = {str_c(names[side]), STORE_BUFFER, key_columns, 1, value_columns, 3, NULL, 0,
                          2 * b->window};
        check(store_open(b->file, &spec, 0, &b->sides[side], &b->err), &b->err);
        (void)store_changelog_from(b->sides[side], b->held_from[side]);
    }
}

static void log_change(Bench *b, int side, Str key, Str value)
{
    if (b->logged[side] == b->capacity[side]) {
        b->capacity[side] = b->capacity[side] ? b->capacity[side] * 2 : 1 << 16;
        b->log[side]      = mem_realloc(b->log[side], b->capacity[side] * sizeof *b->log[side]);
    }
    b->log[side][b->logged[side]++] = (Logged){str_dup(b->log_arena, key), str_dup(b->log_arena, value)};
}

/* The records are kept for the last window only. */
static void commit(Bench *b)
{
    bool kept = b->number > b->records - 5 * b->window;
    for (int side = 0; side < 2; side++) {
        Str key, value;
        for (size_t i = 0; i < store_change_count(b->sides[side]); i++) {
            if (!store_encode_change(b->sides[side], i, b->arena, &key, &value))
                continue;
            b->written++;
            if (kept)
                log_change(b, side, key, value);
            if (i % 1000 == 999)
                arena_reset(b->arena);
        }
        arena_reset(b->arena);
        b->held_from[side] = store_changelog_from(b->sides[side], (int64_t)b->logged[side]);
    }
    check(state_file_commit(b->file, &b->err), &b->err);
}

static void record(Bench *b, int side, int64_t order, int64_t at)
{
    char  text[40];
    Str   key      = str_n(text, (size_t)snprintf(text, sizeof text, "Order_%" PRId64, order));
    Value id       = value_from_str(key);
    Value values[] = {value_from_int(at), value_from_str(STR_LIT("Customer_12345")), value_from_double(1.5)};
    StoreRows found;
    check(
        store_buffer_find(b->sides[1 - side], key, at - b->window, at + b->window, b->arena, &found, &b->err),
        &b->err);
    b->matches += found.count;
    (void)store_buffer_add(b->sides[side], key, &id, at, ++b->number, values, at);
}

static void run(Bench *b)
{
    double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID), worker = cpu_seconds(CLOCK_THREAD_CPUTIME_ID),
           worst = 0, mark = all;
    int64_t reach = b->window + b->window / 4, slice = b->records / 20;
    for (int64_t at = 0; b->number < b->records; at++) {
        b->seed        = b->seed * 6364136223846793005ull + 1442695040888963407ull;
        int64_t behind = (int64_t)((b->seed >> 33) % (uint64_t)(reach < at + 1 ? reach : at + 1));
        record(b, 0, at, at);
        record(b, 1, at - behind, at);
        if (at % 500 == 0) {
            arena_reset(b->arena);
            if (state_file_dirty_bytes(b->file) > DIRTY_MAX)
                commit(b);
        }
        if (b->number % slice < 2) {
            double now = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
            worst      = now - mark > worst ? now - mark : worst;
            mark       = now;
        }
    }
    commit(b);
    all    = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
    worker = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - worker;
    printf("window of %9" PRId64 " a side: %5.2f us of the worker, %5.2f of the writer a record (worst "
           "twentieth %5.2f of both); %" PRIu64 " matches; %4.0f MB of rows",
           b->window, worker * 1e6 / (double)b->records, (all - worker) * 1e6 / (double)b->records,
           worst * 1e6 / (double)slice, b->matches, (double)state_file_cache_bytes(b->file) / 1e6);
}

static void restart(Bench *b, size_t memory)
{
    size_t count = 0;
    state_file_close(b->file);
    Clock  *clock = clock_system();
    int64_t start = clock->monotonic_us(clock);
    double  cpu   = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    open_state(b, memory);
    for (int side = 0; side < 2; side++)
        for (size_t i = (size_t)b->held_from[side]; i < b->logged[side]; i++, count++)
            check(store_apply(b->sides[side], b->log[side][i].key, b->log[side][i].value, &b->err), &b->err);
    printf("; %zu records read back in %.2f s (%.2f of CPU)\n", count,
           (double)(clock->monotonic_us(clock) - start) / 1e6, cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_buffer WINDOW MEMORY_MB [DIRECTORY]\n");
        return 2;
    }
    Bench  b      = {.seed = 1, .window = atoll(argv[1]), .arena = arena_new(0), .log_arena = arena_new(0)};
    size_t memory = (size_t)atol(argv[2]) << 20;
    b.records     = b.window * 8 > RECORDS_MIN ? b.window * 8 : RECORDS_MIN;
    b.share       = state_share_new();
    snprintf(b.path, sizeof b.path, "%s/bench-buffer-%d.db", argc > 3 ? argv[3] : "/tmp", (int)getpid());
    open_state(&b, memory);
    run(&b);
    restart(&b, memory);
    state_file_close(b.file);
    state_share_free(b.share);
    arena_free(b.arena);
    arena_free(b.log_arena);
    mem_free(b.log[0]);
    mem_free(b.log[1]);
    unlink(b.path);
    return 0;
}
