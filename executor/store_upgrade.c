/*
 * store_upgrade.c - see store_upgrade.h.
 */
#include "executor/store_upgrade.h"

typedef struct {
    Str          key;
    int64_t      window_start, window_end, timestamp;
    bool         visible;
    const Value *keys, *values;
} SavedRow;

typedef struct {
    StoreSpec spec; /* columns in the snapshot's arena */
    SavedRow *rows;
    size_t    count;
} SavedStore;

struct StoreSnapshot {
    Arena      *arena;
    SavedStore *stores;
    size_t      count;
};

static const Column *copy_columns(Arena *arena, const Column *columns, size_t count)
{
    Column *copy = ARENA_ARRAY(arena, Column, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = (Column){str_dup(arena, columns[i].name), type_copy(arena, columns[i].type),
                           columns[i].role, STR_NULL};
    return copy;
}

static const Value *copy_values(Arena *arena, const Column *columns, const Value *values, size_t count)
{
    Value *copy = ARENA_ARRAY(arena, Value, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = value_copy(arena, columns[i].type, values[i]);
    return copy;
}

/* Values and states as one list. */
static const Column *all_values(Arena *arena, const StoreSpec *spec)
{
    Column *all = ARENA_ARRAY(arena, Column, spec->value_count + spec->state_count + 1);
    for (size_t i = 0; i < spec->value_count; i++)
        all[i] = spec->values[i];
    for (size_t i = 0; i < spec->state_count; i++)
        all[spec->value_count + i] = spec->states[i];
    return all;
}

static Status save_store(Store *store, const PlanNode *node, Arena *arena, SavedStore *out, Error *err)
{
    StoreRows rows;
    TRY(plan_store_spec(node, arena, &out->spec, err));
    out->spec.name = str_dup(arena, out->spec.name);
    out->spec.keys = copy_columns(arena, out->spec.keys, out->spec.key_count);
    out->spec.values =
        copy_columns(arena, all_values(arena, &out->spec), out->spec.value_count + out->spec.state_count);
    TRY(store_find_all(store, arena, &rows, err));
    out->rows = ARENA_ARRAY(arena, SavedRow, rows.count + 1);
    for (size_t i = 0; i < rows.count; i++) {
        const StoreRow *row     = rows.rows[i];
        out->rows[out->count++] = (SavedRow){
            str_dup(arena, row->key),
            row->window_start,
            row->window_end,
            row->timestamp,
            row->visible,
            copy_values(arena, out->spec.keys, row->keys, out->spec.key_count),
            copy_values(arena, out->spec.values, row->values, out->spec.value_count + out->spec.state_count)};
    }
    return OK;
}

Status store_snapshot_take(Pipeline *pipeline, Arena *arena, StoreSnapshot **out, Error *err)
{
    StoreSnapshot *snapshot = ARENA_NEW(arena, StoreSnapshot);
    snapshot->arena         = arena;
    snapshot->stores        = ARENA_ARRAY(arena, SavedStore, pipeline_store_count(pipeline) + 1);
    for (size_t i = 0; i < pipeline_store_count(pipeline); i++)
        TRY(save_store(pipeline_store(pipeline, i), pipeline_store_node(pipeline, i), arena,
                       &snapshot->stores[snapshot->count++], err));
    *out = snapshot;
    return OK;
}

Status store_snapshot_drop_tables(const StoreSnapshot *snapshot, StateFile *file, Error *err)
{
    enum { SLICE = 10000 };
    for (size_t i = 0; i < snapshot->count; i++)
        for (bool done = false; !done;)
            TRY(store_drop(file, snapshot->stores[i].spec.name, SLICE, &done, err));
    return OK;
}

static bool same_keys(const StoreSpec *a, const StoreSpec *b)
{
    if (a->kind != b->kind || a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (!type_equal(a->keys[i].type, b->keys[i].type))
            return false;
    return true;
}

static int find_column(const SavedStore *saved, const Column *wanted)
{
    for (size_t i = 0; i < saved->spec.value_count + saved->spec.state_count; i++)
        if (str_equal(saved->spec.values[i].name, wanted->name) &&
            type_equal(saved->spec.values[i].type, wanted->type))
            return (int)i;
    return -1;
}

static Status restore_store(const StoreSnapshot *snapshot, const SavedStore *saved, const StoreSpec *spec,
                            Store *store, Error *err)
{
    size_t        count   = spec->value_count + spec->state_count;
    const Column *columns = all_values(snapshot->arena, spec);
    int          *from    = ARENA_ARRAY(snapshot->arena, int, count + 1);
    Value        *values  = ARENA_ARRAY(snapshot->arena, Value, count + 1);
    for (size_t i = 0; i < count; i++) {
        from[i] = find_column(saved, &columns[i]);
        if (from[i] < 0 && i >= spec->value_count && spec->state_count > 0 &&
            spec->states[i - spec->value_count].role == COLUMN_VALUE)
            return OK; /* another aggregate: its states cannot be made up */
    }
    for (size_t i = 0; i < saved->count; i++) {
        const SavedRow *row = &saved->rows[i];
        StoreRow       *stored;
        for (size_t at = 0; at < count; at++)
            values[at] = from[at] < 0 ? value_null() : row->values[from[at]];
        TRY(store_get(store, row->key, row->keys, row->window_start, row->window_end, &stored, err));
        store_put(store, stored, values, row->timestamp, row->visible);
    }
    return OK;
}

Status store_snapshot_restore(const StoreSnapshot *snapshot, Pipeline *pipeline, Error *err)
{
    for (size_t i = 0; i < pipeline_store_count(pipeline); i++) {
        StoreSpec spec;
        TRY(plan_store_spec(pipeline_store_node(pipeline, i), snapshot->arena, &spec, err));
        for (size_t s = 0; s < snapshot->count; s++)
            if (str_equal(snapshot->stores[s].spec.name, spec.name) &&
                same_keys(&snapshot->stores[s].spec, &spec))
                TRY(restore_store(snapshot, &snapshot->stores[s], &spec, pipeline_store(pipeline, i), err));
    }
    return OK;
}
