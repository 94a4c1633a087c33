/*
 * test_buffer_beyond.c - a buffer with more rows than may be held, and than there is memory for: a random
 * walk against a list of all rows, while segments go to the file, are given up and are found there again.
 *
 * A row's number is its place in the list. The changelog is kept in memory that a forked process shares, so
 * that one which is killed at any moment leaves what a broker would have: all that was committed, and perhaps
 * a commit more than the file.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "state_fixture.h"

enum {
    KEYS       = 300,
    ROWS_MAX   = 60000,
    LOG_MAX    = 2 * ROWS_MAX,
    RECORD_MAX = 160,
    RETENTION  = 4000,
    LATE       = 600,
    VERY_LATE  = 3000,                      /* older than what is held */
    YOUNG      = RETENTION + 2 * VERY_LATE, /* a row with a smaller number than so many ago has expired */
    KILLS      = 12
};

typedef struct {
    int     key;
    int64_t time;
    bool    now, decided, committed;
} BeyondRow;

typedef struct {
    uint8_t key_len, value_len;
    bool    removal;
    char    bytes[RECORD_MAX];
} Logged;

typedef struct {
    size_t count; /* of committed records */
    Logged records[LOG_MAX];
} Changelog;

typedef struct {
    Fixture    *f;
    StateShare *share;
    Store      *store;
    Changelog  *log;
    size_t      more; /* records of the commit that is being made */
    BeyondRow  *rows;
    size_t      count, decided_count, committed_count;
    uint64_t    seed;
    int64_t     clock;
    bool        failed;
} Beyond;

static uint64_t below(Beyond *b, uint64_t limit)
{
    b->seed = b->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (b->seed >> 33) % limit;
}

/* Also in a process that has nobody to tell: its end does. */
static void hold_true(Beyond *b, bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    b->failed = true;
}

static const char *key_of(int key)
{
    static char text[16];
    snprintf(text, sizeof text, "key-%d", key);
    return text;
}

/* ---- the list ---- */

static int64_t newest(const Beyond *b)
{
    int64_t time = 0;
    for (size_t i = b->count > YOUNG ? b->count - YOUNG : 0; i < b->count; i++)
        time = b->rows[i].time > time ? b->rows[i].time : time;
    return time;
}

/* Rows of before have expired. */
static int64_t bound_of(const Beyond *b)
{
    int64_t time = newest(b);
    return time == INT64_MIN ? INT64_MIN : time - RETENTION;
}

static bool is_wanted(const BeyondRow *row, int key, int64_t from, int64_t to, int64_t bound)
{
    return row->now && row->key == key && row->time >= from && row->time <= to && row->time >= bound;
}

static void compare(Beyond *b, int key, int64_t from, int64_t to, const StoreRows *found)
{
    size_t  wanted = 0;
    int64_t bound  = bound_of(b);
    for (size_t i = b->count > YOUNG ? b->count - YOUNG : 0; i < b->count; i++)
        wanted += is_wanted(&b->rows[i], key, from, to, bound);
    hold_true(b, found->count == wanted, "another number of rows");
    for (size_t i = 0; i < found->count; i++) {
        const StoreRow *row = found->rows[i], *before = i > 0 ? found->rows[i - 1] : NULL;
        size_t          number = (size_t)row->window_end;
        hold_true(b, number < b->count && is_wanted(&b->rows[number], key, from, to, bound), "a stranger");
        hold_true(b, number < b->count && row->window_start == b->rows[number].time, "another time");
        hold_true(b, row->values[0].as.i64 == row->window_end * 3, "another value");
        hold_true(b,
                  before == NULL || before->window_start < row->window_start ||
                      (before->window_start == row->window_start && before->window_end < row->window_end),
                  "another order");
    }
}

/* ---- steps ---- */

static void add(Beyond *b)
{
    int     key    = (int)below(b, KEYS);
    int64_t time   = b->clock + LATE - (int64_t)below(b, below(b, 20) == 0 ? VERY_LATE : LATE),
            number = (int64_t)b->count;
    char  text[64];
    Value keys[] = {value_from_str(str_c(key_of(key)))};
    snprintf(text, sizeof text, "%0*d", (int)below(b, 60) + 1, key);
    Value values[] = {value_from_int(number * 3), value_from_str(str_c(text)), value_from_double(0.5)};
    bool  taken    = store_buffer_add(b->store, str_c(key_of(key)), keys, time, number, values, time);
    hold_true(b, taken, "a row is late");
    b->rows[b->count++] = (BeyondRow){key, time, taken, false, false};
    b->clock++;
}

static void look(Beyond *b, bool removes)
{
    Fixture  *f    = b->f;
    int       key  = (int)below(b, KEYS);
    int64_t   from = b->clock - (int64_t)below(b, RETENTION + LATE), to = from + (int64_t)below(b, RETENTION);
    StoreRows rows;
    Status    status = store_buffer_find(b->store, str_c(key_of(key)), from, to, f->arena, &rows, &f->err);
    hold_true(b, status == OK, f->err.message);
    compare(b, key, from, to, &rows);
    for (size_t i = 0; removes && i < rows.count; i++) {
        b->rows[rows.rows[i]->window_end].now = false;
        store_remove(b->store, rows.rows[i]);
    }
    arena_reset(f->arena);
}

static void log_changes(Beyond *b)
{
    Str key, value;
    for (size_t i = 0; i < store_change_count(b->store); i++) {
        if (!store_encode_change(b->store, i, b->f->arena, &key, &value))
            continue;
        Logged *to    = &b->log->records[b->log->count + b->more++];
        to->key_len   = (uint8_t)key.len;
        to->value_len = (uint8_t)value.len;
        to->removal   = str_is_null(value);
        assert_true(key.len + value.len <= RECORD_MAX && b->log->count + b->more < LOG_MAX);
        memcpy(to->bytes, key.ptr, key.len);
        if (value.len > 0)
            memcpy(to->bytes + key.len, value.ptr, value.len);
    }
    arena_reset(b->f->arena);
}

static void decide(Beyond *b)
{
    for (size_t i = 0; i < b->count; i++)
        b->rows[i].decided = b->rows[i].now;
    b->decided_count = b->count;
}

static void roll_back(Beyond *b)
{
    state_file_rollback(b->f->file);
    for (size_t i = 0; i < b->committed_count; i++)
        b->rows[i].now = b->rows[i].committed;
    b->count = b->committed_count;
    b->more  = 0;
}

static void commit(Beyond *b)
{
    Fixture *f = b->f;
    char     text[24];
    log_changes(b);
    decide(b);
    if (below(b, 2) == 0) {
        state_file_prepare(f->file);
        for (size_t i = below(b, 300); i > 0; i--)
            below(b, 4) == 0 ? look(b, true) : add(b);
        if (below(b, 5) == 0) {
            roll_back(b);
            return;
        }
    }
    b->log->count += b->more; /* from here on it has happened */
    b->more = 0;
    snprintf(text, sizeof text, "%lld", (long long)store_changelog_from(b->store, (int64_t)b->log->count));
    Status status = state_meta_set(f->file, STR_LIT("from"), str_c(text), &f->err);
    if (status == OK)
        status = state_file_commit(f->file, &f->err);
    hold_true(b, status == OK, f->err.message);
    for (size_t i = 0; i < b->decided_count; i++)
        b->rows[i].committed = b->rows[i].decided;
    b->committed_count = b->decided_count;
}

static void step(Beyond *b)
{
    uint64_t what = below(b, 1000);
    if (what < 700)
        add(b);
    else if (what < 990)
        look(b, what < 760);
    else if (what < 998)
        commit(b);
    else
        roll_back(b);
}

/* ---- opening ---- */

static int64_t number_at(const char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return (int64_t)number;
}

/* The list as the changelog has it. A key is followed by number and time. */
static void list_from_log(Beyond *b)
{
    b->count = 0;
    memset(b->rows, 0, ROWS_MAX * sizeof *b->rows);
    for (size_t i = 0; i < b->log->count; i++) {
        const Logged *record = &b->log->records[i];
        int64_t       number = number_at(record->bytes + record->key_len - 16);
        int64_t       time   = number_at(record->bytes + record->key_len - 8);
        b->rows[number]      = (BeyondRow){atoi(record->bytes + 4), time, !record->removal, false, false};
        b->count             = (size_t)number >= b->count ? (size_t)number + 1 : b->count;
        b->clock             = time - LATE > b->clock ? time - LATE : b->clock;
    }
    decide(b);
    for (size_t i = 0; i < b->count; i++)
        b->rows[i].committed = b->rows[i].now;
    b->committed_count = b->count;
}

static void open_beyond(Beyond *b, size_t memory)
{
    Fixture  *f    = b->f;
    StoreSpec spec = fixture_spec("B", STORE_BUFFER, RETENTION);
    StateLag  lag  = {2000, 60000};
    Str       text;
    int64_t   from = 0;
    MUST(state_file_open_behind(f->path, b->share, &lag, memory, &f->file, &f->err));
    MUST(store_open(f->file, &spec, 3, &b->store, &f->err));
    MUST(state_meta_get(f->file, STR_LIT("from"), f->arena, &text, &f->err));
    assert_true(str_is_null(text) || int64_parse(text, &from));
    (void)store_changelog_from(b->store, from);
    for (size_t i = (size_t)from; i < b->log->count; i++) {
        const Logged *record = &b->log->records[i];
        Str           value  = str_n(record->bytes + record->key_len, record->value_len);
        MUST(store_apply(b->store, str_n(record->bytes, record->key_len), record->removal ? STR_NULL : value,
                         &f->err));
    }
    MUST(state_file_commit(f->file, &f->err)); /* a rollback before it would want all of that once more */
    list_from_log(b);
}

static void look_at_all(Beyond *b)
{
    Fixture  *f = b->f;
    StoreRows rows;
    for (int key = 0; key < KEYS; key++) {
        MUST(store_buffer_find(b->store, str_c(key_of(key)), 0, INT64_MAX, f->arena, &rows, &f->err));
        compare(b, key, 0, INT64_MAX, &rows);
    }
    size_t  alive = 0;
    int64_t bound = bound_of(b);
    for (size_t i = 0; i < b->count; i++)
        alive += b->rows[i].now && b->rows[i].time >= bound;
    MUST(store_find_all(b->store, f->arena, &rows, &f->err));
    assert_int_equal(rows.count, alive);
    arena_reset(f->arena);
    assert_false(b->failed);
}

static void close_file(Beyond *b)
{
    state_file_close(b->f->file);
    b->f->file = NULL;
    state_share_free(b->share);
    b->share = state_share_new();
}

static Beyond beyond_new(Fixture *f, uint64_t seed)
{
    Beyond b = {.f = f, .share = state_share_new(), .seed = seed, .clock = RETENTION};
    state_file_close(f->file);
    f->file = NULL;
    b.rows  = mem_calloc(ROWS_MAX, sizeof *b.rows);
    b.log   = mmap(NULL, sizeof *b.log, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(b.log != MAP_FAILED);
    return b;
}

static void beyond_free(Beyond *b)
{
    state_file_close(b->f->file);
    b->f->file = NULL;
    state_share_free(b->share);
    munmap(b->log, sizeof *b->log);
    mem_free(b->rows);
}

/* ---- tests ---- */

/* From "nothing is kept that the file has" to "all is". */
static void rows_are_found_wherever_they_are(void **state)
{
    static const struct {
        size_t memory;
        bool   reads;
    } cases[] = {{0, true}, {200000, true}, {500000, true}, {64 << 20, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Beyond       b = beyond_new(*state, i + 1);
        StoreFigures figures;
        open_beyond(&b, cases[i].memory);
        for (int n = 0; n < 30000; n++)
            step(&b);
        store_figures(b.store, &figures);
        assert_int_equal(figures.file_reads > 0, cases[i].reads);
        look_at_all(&b);
        commit(&b);
        look_at_all(&b);
        close_file(&b);
        open_beyond(&b, cases[i].memory);
        look_at_all(&b);
        for (int n = 0; n < 3000; n++)
            step(&b);
        look_at_all(&b);
        beyond_free(&b);
        fixture_remove_files(b.f);
    }
}

static void a_kill_loses_nothing(void **state)
{
    Beyond b = beyond_new(*state, 77);
    for (int i = 0; i < KILLS; i++) {
        size_t memory = i % 3 == 0 ? 0 : i % 3 == 1 ? 300000 : 64 << 20;
        int    ended;
        b.seed += (uint64_t)i;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            open_beyond(&b, memory);
            while (!b.failed && b.count < ROWS_MAX - 100)
                step(&b);
            _exit(b.failed);
        }
        usleep(20000 + (useconds_t)below(&b, 150000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended) || WEXITSTATUS(ended) == 0);
        open_beyond(&b, memory);
        look_at_all(&b);
        close_file(&b);
    }
    assert_true(b.log->count > 0);
    beyond_free(&b);
}

static void a_changelog_makes_a_file_that_never_was(void **state)
{
    Beyond b = beyond_new(*state, 5);
    open_beyond(&b, 300000);
    for (int n = 0; n < 20000; n++)
        step(&b);
    commit(&b);
    close_file(&b);
    fixture_remove_files(b.f);
    open_beyond(&b, 300000);
    look_at_all(&b);
    beyond_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_found_wherever_they_are, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_kill_loses_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_changelog_makes_a_file_that_never_was, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
