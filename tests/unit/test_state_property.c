/*
 * test_state_property.c - whatever is put into a store comes back bit for bit: random schemas, random values,
 * random lives of rows, against a list in memory.
 *
 * One round is one random store (kind, columns, names, types, retention) and some hundred steps: put, change
 * states in place, remove, commit, rollback, close and open again, with caches from "nothing" to "all", and
 * at the end a second file made from the changelog alone. After each commit, rollback, opening and restore
 * all rows are compared, by get, by find and as readers see them.
 *
 * SLUICE_PROPERTY_ROUNDS (default: a few seconds' worth) and SLUICE_PROPERTY_SEED set how many and where to
 * begin; a failure prints the seed of its round.
 */
#include "state_random.h"

enum { ROUNDS = 120, STEPS = 260, KEYS = 7, STARTS = 6, MODEL_MAX = 4000, PARTITION = 3 };

/* A new kind of store is a row here, and what its rows' windows look like a case in pick_window. */
static const struct {
    const char *name;
    StoreKind   kind;
} kinds[] = {
    {"key-value", STORE_KEY_VALUE}, {"window", STORE_WINDOW}, {"session", STORE_SESSION},
    {"buffer", STORE_BUFFER},       {"prefix", STORE_PREFIX},
};

typedef struct {
    int          key;
    int64_t      start, end, timestamp;
    bool         exists, visible;
    bool         logged; /* the changelog knows of it */
    const Value *values; /* in the round's arena: never changed, only replaced */
} ModelRow;

typedef struct {
    ModelRow rows[MODEL_MAX];
    size_t   count;
    int64_t  time;
} Model;

typedef struct {
    Fixture    *f;
    Random      random;
    uint64_t    seed;
    Arena      *arena; /* of the round */
    StoreSpec   spec;
    size_t      cache;
    bool        behind; /* a thread writes the file */
    StateLag    lag;
    StateShare *share;
    Store      *store;
    Str         key_bytes[KEYS];
    Value      *key_values[KEYS];
    Model      *now, *committed;
    int64_t     number; /* of the last row of a buffer */
    Str        *log;    /* changelog: key, value, key, value, ... */
    size_t      log_count, log_capacity;
    int64_t     held_from; /* as of the last commit: where the log has what a buffer held in memory */
} Round;

#define SAME(condition, ...)                                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("seed %llu: ", (unsigned long long)w->seed);                                         \
            fail_msg(__VA_ARGS__);                                                                           \
        }                                                                                                    \
    } while (0)

#undef MUST
#define MUST(call)                                                                                           \
    do {                                                                                                     \
        Status must_ = (call);                                                                               \
        SAME(must_ == OK, "%s: %s: %s", #call, status_name(must_), w->f->err.message);                       \
    } while (0)

/* ---- the model ---- */

static bool is_timeless(const Round *w)
{
    return w->spec.kind == STORE_KEY_VALUE || w->spec.kind == STORE_PREFIX;
}

static int64_t row_time(const Round *w, const ModelRow *row)
{
    return w->spec.kind == STORE_SESSION ? row->end : row->start;
}

static bool alive(const Round *w, const Model *model, const ModelRow *row)
{
    return row->exists && (is_timeless(w) || w->spec.retention_ms < 0 || model->time == INT64_MIN ||
                           row_time(w, row) >= model->time - w->spec.retention_ms);
}

static ModelRow *model_row(Round *w, Model *model, int key, int64_t start, int64_t end)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->rows[i].key == key && model->rows[i].start == start && model->rows[i].end == end)
            return &model->rows[i];
    SAME(model->count < MODEL_MAX, "the model is too small");
    model->rows[model->count] = (ModelRow){.key = key, .start = start, .end = end};
    return &model->rows[model->count++];
}

/* ---- comparing ---- */

static void compare_columns(const Round *w, const char *what, const Column *columns, const Value *got,
                            const Value *want, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (value_same(columns[i].type, got[i], want[i]))
            continue;
        StrBuf text = {0};
        type_print(columns[i].type, &text);
        strbuf_adds(&text, ": got ");
        value_print(columns[i].type, got[i], &text);
        strbuf_adds(&text, ", wanted ");
        value_print(columns[i].type, want[i], &text);
        SAME(false, "%s %zu is not what was put: " STR_FMT, what, i, STR_ARG(strbuf_str(&text)));
    }
}

static void compare_row(const Round *w, const StoreRow *row, const ModelRow *want)
{
    SAME(row->timestamp == want->timestamp && row->visible == want->visible, "time or visibility of a row");
    SAME(is_timeless(w) || row->window_end == want->end, "the end of a window");
    compare_columns(w, "key", w->spec.keys, row->keys, w->key_values[want->key], w->spec.key_count);
    compare_columns(w, "value", w->spec.values, row->values, want->values, w->spec.value_count);
    compare_columns(w, "state", w->spec.states, row->values + w->spec.value_count,
                    want->values + w->spec.value_count, w->spec.state_count);
}

static int key_of(const Round *w, Str bytes)
{
    for (int i = 0; i < KEYS; i++)
        if (str_equal(w->key_bytes[i], bytes))
            return i;
    SAME(false, "a key that was never put");
    return -1;
}

static size_t count_alive(const Round *w, const Model *model, bool visible_only)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++)
        count += alive(w, model, &model->rows[i]) && (!visible_only || model->rows[i].visible);
    return count;
}

/* As the store itself sees them. */
static void compare_all(Round *w)
{
    Fixture  *f = w->f;
    StoreRows found;
    MUST(store_find_all(w->store, f->arena, &found, &f->err));
    SAME(found.count == count_alive(w, w->now, false), "%zu rows found, %zu are there", found.count,
         count_alive(w, w->now, false));
    for (size_t i = 0; i < found.count; i++) {
        const StoreRow *row = found.rows[i];
        compare_row(w, row, model_row(w, w->now, key_of(w, row->key), row->window_start, row->window_end));
    }
    arena_reset(f->arena);
}

typedef struct {
    Round *w;
    size_t count;
} Reading;

static Status read_row(void *context, const StateRow *row, Error *err)
{
    Reading        *reading = context;
    Round          *w       = reading->w;
    const ModelRow *want =
        model_row(w, w->committed, key_of(w, row->key), row->window_start, row->window_end);
    reading->count++;
    SAME(alive(w, w->committed, want) && want->visible, "a reader sees a row that is not there");
    SAME(row->partition == PARTITION && row->timestamp == want->timestamp, "a reader sees another time");
    compare_columns(w, "read key", w->spec.keys, row->keys, w->key_values[want->key], w->spec.key_count);
    compare_columns(w, "read value", w->spec.values, row->values, want->values, w->spec.value_count);
    return OK;
}

/* One key, which a reader need not look for in the file. */
static void compare_key(Round *w, StateReader *reader)
{
    Fixture   *f       = w->f;
    int        key     = (int)random_below(&w->random, KEYS);
    Reading    reading = {w, 0};
    size_t     want    = 0;
    StoreRange range   = {.low_kind  = BOUND_INCLUSIVE,
                          .high_kind = BOUND_INCLUSIVE,
                          .low       = w->key_bytes[key],
                          .high      = w->key_bytes[key]};
    for (size_t i = 0; i < w->committed->count; i++)
        want += w->committed->rows[i].key == key && w->committed->rows[i].visible &&
                alive(w, w->committed, &w->committed->rows[i]);
    MUST(state_reader_scan(reader, &w->spec, &range, f->arena, read_row, &reading, &f->err));
    SAME(reading.count == want, "a reader sees %zu rows of a key, not %zu", reading.count, want);
}

/* As others see it: the last commit. */
static void compare_readers(Round *w)
{
    if (store_is_held(w->store))
        return; /* they see nothing of what is held */
    Fixture     *f       = w->f;
    Reading      reading = {w, 0};
    StoreRange   range   = {0};
    const char  *path    = f->path;
    StateReader *reader;
    MUST(state_reader_open(&path, w->behind ? &w->share : NULL, 1, &reader, &f->err));
    MUST(state_reader_scan(reader, &w->spec, &range, f->arena, read_row, &reading, &f->err));
    SAME(reading.count == count_alive(w, w->committed, true), "a reader sees %zu rows, not %zu",
         reading.count, count_alive(w, w->committed, true));
    compare_key(w, reader);
    state_reader_close(reader);
    arena_reset(f->arena);
}

/* ---- the steps ---- */

static void pick_window(Round *w, int64_t *start, int64_t *end)
{
    Random *r = &w->random;
    *start    = (int64_t)random_below(r, STARTS) * 10;
    switch (w->spec.kind) {
    case STORE_KEY_VALUE:
    case STORE_PREFIX:
        *start = *end = 0;
        break;
    case STORE_WINDOW:
        *end = *start + 10;
        break;
    case STORE_SESSION:
        *end = *start + (int64_t)random_below(r, 3) * 5;
        break;
    case STORE_BUFFER: /* rows are numbered as they come */
        *end = 0;
        break;
    }
}

/* One state after the other is changed in the memory that the row has for it. */
static void put_in_place(Round *w, StoreRow *row, const Value *values, int64_t timestamp, bool visible)
{
    const StoreSpec *spec   = &w->spec;
    Growth          *growth = store_edit_states(w->store, row);
    for (size_t i = 0; i < spec->state_count; i++)
        if (growth == NULL)
            row->values[spec->value_count + i] = values[spec->value_count + i];
        else
            growth_replace(&growth[i], spec->states[i].type, values[spec->value_count + i],
                           &row->values[spec->value_count + i]);
    store_put_values(w->store, row, values, timestamp, visible);
}

static Value *values_and_states(Round *w)
{
    const StoreSpec *spec   = &w->spec;
    Value           *values = ARENA_ARRAY(w->arena, Value, spec->value_count + spec->state_count + 1);
    memcpy(values, random_values(&w->random, w->arena, spec->values, spec->value_count),
           spec->value_count * sizeof *values);
    memcpy(values + spec->value_count, random_values(&w->random, w->arena, spec->states, spec->state_count),
           spec->state_count * sizeof *values);
    return values;
}

static void remember(Round *w, ModelRow *model, const Value *values, int64_t timestamp, bool visible)
{
    model->exists    = true;
    model->visible   = visible;
    model->timestamp = timestamp;
    model->values    = values;
    if (!is_timeless(w) && row_time(w, model) > w->now->time)
        w->now->time = row_time(w, model);
}

static void put(Round *w, StoreRow *row, ModelRow *model)
{
    Random *r         = &w->random;
    Value  *values    = values_and_states(w);
    int64_t timestamp = random_int(r, T_TIMESTAMP);
    bool    visible   = !random_once_in(r, 5);
    if (random_once_in(r, 2))
        put_in_place(w, row, values, timestamp, visible);
    else
        store_put(w->store, row, values, timestamp, visible);
    remember(w, model, values, timestamp, visible);
}

static void add_to_buffer(Round *w, int key, int64_t time)
{
    Value  *values    = values_and_states(w);
    int64_t timestamp = random_int(&w->random, T_TIMESTAMP);
    bool added = store_buffer_add(w->store, w->key_bytes[key], w->key_values[key], time, ++w->number, values,
                                  timestamp);
    bool late =
        w->spec.retention_ms >= 0 && w->now->time != INT64_MIN && time < w->now->time - w->spec.retention_ms;
    SAME(added != late, "a row is added to a buffer beyond its retention, or is not");
    if (added)
        remember(w, model_row(w, w->now, key, time, w->number), values, timestamp, true);
}

/* What came and went raises no time in the log, so that only rows of the last commit go where rows expire. */
static void remove_from_buffer(Round *w, int key, int64_t time)
{
    Fixture  *f = w->f;
    StoreRows found;
    MUST(store_buffer_find(w->store, w->key_bytes[key], time, time, f->arena, &found, &f->err));
    for (size_t i = 0; i < found.count; i++) {
        if (random_once_in(&w->random, 2) || (!found.rows[i]->stored && w->spec.retention_ms >= 0))
            continue;
        model_row(w, w->now, key, time, found.rows[i]->window_end)->exists = false;
        store_remove(w->store, found.rows[i]);
    }
    arena_reset(f->arena);
}

static void change(Round *w)
{
    Fixture  *f   = w->f;
    int       key = (int)random_below(&w->random, KEYS);
    int64_t   start, end;
    StoreRow *row;
    pick_window(w, &start, &end);
    if (w->spec.kind == STORE_BUFFER) {
        if (random_once_in(&w->random, 3))
            remove_from_buffer(w, key, start);
        else
            add_to_buffer(w, key, start);
        return;
    }
    MUST(store_get(w->store, w->key_bytes[key], w->key_values[key], start, end, &row, &f->err));
    ModelRow *model = model_row(w, w->now, key, start, end);
    SAME(row->exists == alive(w, w->now, model), "a row is %s", row->exists ? "there" : "gone");
    if (row->exists)
        compare_row(w, row, model);
    model->exists = alive(w, w->now, model);
    if (!random_once_in(&w->random, 5)) {
        put(w, row, model);
    } else if (row->stored || w->spec.retention_ms < 0) { /* what came and went raises no time in the log */
        store_remove(w->store, row);
        model->exists = false;
    }
}

static void find(Round *w)
{
    Fixture  *f   = w->f;
    int       key = (int)random_below(&w->random, KEYS);
    int64_t   from, to;
    size_t    want = 0;
    StoreRows found;
    if (is_timeless(w))
        return;
    pick_window(w, &from, &to);
    MUST(store_find_windows(w->store, w->key_bytes[key], w->key_values[key], from, to, f->arena, &found,
                            &f->err));
    for (size_t i = 0; i < w->now->count; i++) {
        const ModelRow *row = &w->now->rows[i];
        want += row->key == key && alive(w, w->now, row) && row_time(w, row) >= from && row->start <= to;
    }
    SAME(found.count == want, "%zu windows of a key found, %zu are there", found.count, want);
    for (size_t i = 0; i < found.count; i++)
        compare_row(w, found.rows[i],
                    model_row(w, w->now, key, found.rows[i]->window_start, found.rows[i]->window_end));
    arena_reset(f->arena);
}

static void log_add(Round *w, Str bytes)
{
    if (w->log_count == w->log_capacity) {
        w->log_capacity = w->log_capacity * 2 + 64;
        w->log          = mem_realloc(w->log, w->log_capacity * sizeof *w->log);
    }
    w->log[w->log_count++] = bytes;
}

static void roll_back(Round *w)
{
    state_file_rollback(w->f->file);
    *w->now = *w->committed;
    compare_all(w);
}

/* What expired or went is forgotten: it must not come back. */
static void forget_dead(const Round *w, Model *model)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->count; i++)
        if (alive(w, model, &model->rows[i]))
            model->rows[kept++] = model->rows[i];
    model->count = kept;
}

static void log_changes(Round *w)
{
    for (size_t i = 0; i < store_change_count(w->store); i++) {
        Str key, value;
        if (!store_encode_change(w->store, i, w->arena, &key, &value))
            continue;
        log_add(w, key);
        log_add(w, str_is_null(value) ? value : str_dup(w->arena, value));
    }
}

static void end_commit(Round *w, const Model *decided, size_t logged)
{
    Fixture *f   = w->f;
    w->held_from = store_changelog_from(w->store, (int64_t)logged);
    MUST(state_file_commit(f->file, &f->err));
    *w->committed = *decided;
    forget_dead(w, w->committed);
    forget_dead(w, w->now);
    if (random_once_in(&w->random, 4))
        compare_readers(w);
}

/* While it is being decided, changes go on; they belong to the next, or go with this one. */
static void commit_in_two_halves(Round *w, size_t logged)
{
    Fixture *f       = w->f;
    Model   *decided = mem_alloc(sizeof *decided);
    *decided         = *w->now;
    state_file_prepare(f->file);
    for (size_t left = random_below(&w->random, 6); left > 0; left--)
        change(w);
    if (random_once_in(&w->random, 4)) {
        w->log_count = logged;
        roll_back(w);
    } else {
        end_commit(w, decided, w->log_count);
    }
    mem_free(decided);
}

static void commit(Round *w)
{
    size_t logged = w->log_count;
    log_changes(w);
    if (state_file_can_prepare(w->f->file) && random_once_in(&w->random, 2))
        commit_in_two_halves(w, logged);
    else
        end_commit(w, w->now, w->log_count);
}

static void open_store(Round *w, const char *path)
{
    Fixture *f = w->f;
    if (w->behind) {
        MUST(state_file_open_behind(path, w->share, &w->lag, w->cache, &f->file, &f->err));
    } else {
        MUST(state_file_open(path, &f->file, &f->err));
        state_file_set_cache(f->file, w->cache);
    }
    MUST(store_open(f->file, &w->spec, PARTITION, &w->store, &f->err));
}

/* What a buffer held when the file was closed is in the log. */
static void read_held(Round *w)
{
    Fixture *f = w->f;
    if (!store_is_held(w->store))
        return;
    (void)store_changelog_from(w->store, w->held_from);
    for (size_t i = (size_t)(w->held_from < 0 ? 0 : w->held_from); i < w->log_count; i += 2)
        MUST(store_apply(w->store, w->log[i], w->log[i + 1], &f->err));
}

static void reopen(Round *w)
{
    state_file_close(w->f->file);
    w->f->file = NULL;
    open_store(w, w->f->path);
    *w->now = *w->committed;
    read_held(w);
    SAME(store_time(w->store) == w->now->time,
         "the time of a store after opening it again: %lld, not %lld, kind %d behind %d",
         (long long)store_time(w->store), (long long)w->now->time, w->spec.kind, w->behind);
    compare_all(w);
}

static void step(Round *w)
{
    size_t what = random_below(&w->random, 100);
    if (what < 70)
        change(w);
    else if (what < 82)
        find(w);
    else if (what < 92)
        commit(w);
    else if (what < 94)
        roll_back(w);
    else if (what < 96)
        reopen(w);
    else
        compare_all(w);
}

/* ---- a round ---- */

/* A file that never was, from the changelog alone; once more over itself, as an interrupted restore does. */
static void restore(Round *w)
{
    Fixture *f = w->f;
    state_file_close(f->file);
    f->file = NULL;
    fixture_remove_files(f);
    open_store(w, f->path);
    (void)store_changelog_from(w->store, 0);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < w->log_count; i += 2)
            MUST(store_apply(w->store, w->log[i], w->log[i + 1], &f->err));
        MUST(state_file_commit(f->file, &f->err));
        compare_all(w);
        compare_readers(w);
    }
}

static void make_store(Round *w)
{
    Random             *r      = &w->random;
    size_t              number = 0, kind = random_below(r, ARRAY_LEN(kinds));
    static const size_t caches[] = {0, 1, 2000, 20000, (size_t)64 << 20};
    w->spec              = (StoreSpec){.name = random_name(r, w->arena, 1000), .kind = kinds[kind].kind};
    w->spec.key_count    = 1 + random_below(r, 3);
    w->spec.value_count  = random_below(r, 7);
    w->spec.state_count  = random_below(r, 5);
    w->spec.keys         = random_columns(r, w->arena, w->spec.key_count, &number);
    w->spec.values       = random_columns(r, w->arena, w->spec.value_count, &number);
    w->spec.states       = random_columns(r, w->arena, w->spec.state_count, &number);
    w->spec.retention_ms = random_once_in(r, 3) ? 30 : -1;
    w->cache             = caches[random_below(r, ARRAY_LEN(caches))];
    w->behind            = random_once_in(r, 2);
    w->lag               = (StateLag){(int64_t)random_below(r, 3000), 1 + random_below(r, 20000)};
    for (int i = 0; i < KEYS; i++) {
        w->key_bytes[i]  = str_printf(w->arena, STR_FMT "%d", STR_ARG(random_text(r, w->arena, false)), i);
        w->key_values[i] = random_values(r, w->arena, w->spec.keys, w->spec.key_count);
    }
    w->key_bytes[0] = STR_LIT("");
    for (int i = 0; w->spec.kind == STORE_PREFIX && i < KEYS; i++) /* two keys each begin alike */
        w->key_bytes[i] = store_prefix_key(str_printf(w->arena, "%d", i / 2), w->key_bytes[i], w->arena);
}

static void run_round(Fixture *f, uint64_t seed)
{
    Round round = {.f = f, .random = {seed}, .seed = seed, .arena = arena_new(0)}, *w = &round;
    w->now       = mem_calloc(1, sizeof *w->now);
    w->committed = mem_calloc(1, sizeof *w->committed);
    w->now->time = w->committed->time = INT64_MIN;
    w->share                          = state_share_new();
    make_store(w);
    state_file_close(f->file);
    fixture_remove_files(f);
    open_store(w, f->path);
    for (int i = 0; i < STEPS; i++)
        step(w);
    commit(w);
    compare_readers(w);
    reopen(w);
    restore(w);
    state_file_close(f->file);
    f->file = NULL;
    state_share_free(w->share);
    mem_free(w->now);
    mem_free(w->committed);
    mem_free(w->log);
    arena_free(w->arena);
}

static uint64_t setting(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text == NULL ? usual : strtoull(text, NULL, 10);
}

static void every_value_comes_back(void **state)
{
    uint64_t rounds = setting("SLUICE_PROPERTY_ROUNDS", ROUNDS), seed = setting("SLUICE_PROPERTY_SEED", 1);
    for (uint64_t i = 0; i < rounds; i++)
        run_round(*state, seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_value_comes_back, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
