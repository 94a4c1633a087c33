/*
 * pipeline_store.c - the stores of a pipeline: their shape, their changelogs, and the flush before a commit.
 *
 * What a store's table shows people is the node's value columns. Behind them stand what the operator needs
 * besides: the states of aggregates, and the partition and offset of a source's record.
 */
#include "executor/dataflow/task.h"

static StoreKind store_kind(KeyWindow window)
{
    switch (window.kind) {
    case WINDOWED_TUMBLING:
    case WINDOWED_HOPPING:
        return STORE_WINDOW;
    case WINDOWED_SESSION:
        return STORE_SESSION;
    case WINDOWED_NO:
        break;
    }
    return STORE_KEY_VALUE;
}

static void aggregate_states(const PlanNode *node, Arena *arena, StoreSpec *spec)
{
    const PlanAggregate *agg    = &node->u.aggregate;
    Column              *states = ARENA_ARRAY(arena, Column, agg->call_count);
    for (size_t i = 0; i < agg->call_count; i++)
        states[i] = (Column){str_printf(arena, "KSQL_AGG_STATE_%zu", i), agg->calls[i].call->state_type,
                             COLUMN_VALUE, STR_NULL};
    spec->states      = states;
    spec->state_count = agg->call_count;
    /* EMIT FINAL finds closed sessions however far time has jumped (runtime.md 2.6); emit_final.c removes
     * them itself. */
    if (agg->emit_final && agg->window.kind == WINDOWED_SESSION)
        spec->retention_ms = -1;
}

/* Header columns belong to the values; ROWPARTITION and ROWOFFSET are kept behind them. The other pseudo
 * columns follow from the row. */
static void source_states(const PlanNode *node, Arena *arena, StoreSpec *spec)
{
    const Schema *schema = node->schema;
    Column       *states = ARENA_ARRAY(arena, Column, 2);
    for (size_t i = schema->key_count; i < schema->count; i++) {
        ColumnRole role = schema->columns[i].role;
        if (role == COLUMN_HEADERS)
            spec->value_count++;
        else if ((role == COLUMN_ROWPARTITION || role == COLUMN_ROWOFFSET) && spec->state_count < 2)
            states[spec->state_count++] = schema->columns[i];
    }
    spec->states = states;
}

Status plan_store_spec(const PlanNode *node, size_t number, Arena *arena, StoreSpec *out, Error *err)
{
    if (number >= node->store_count)
        return error_set(err, E_NOT_FOUND, NO_POS, "The step " STR_FMT " keeps no store",
                         STR_ARG(node->step));
    const PlanStore *store = &node->stores[number];
    *out                   = (StoreSpec){
                          .name         = store->name,
                          .kind         = store_kind(node->window),
                          .keys         = node->schema->columns,
                          .key_count    = node->schema->key_count,
                          .values       = node->schema->columns + node->schema->key_count,
                          .value_count  = node->schema->value_count,
                          .retention_ms = store->retention_ms,
    };
    if (node->kind == PLAN_AGGREGATE)
        aggregate_states(node, arena, out);
    else if (node->kind == PLAN_SOURCE)
        source_states(node, arena, out);
    return OK;
}

size_t pipeline_store_count(const Pipeline *pipeline) { return pipeline->store_count; }

const PlanNode *pipeline_store_node(const Pipeline *pipeline, size_t index)
{
    return pipeline->stores[index].op->node;
}

size_t pipeline_store_number(const Pipeline *pipeline, size_t index) { return pipeline->stores[index].index; }

Store *pipeline_store(const Pipeline *pipeline, size_t index)
{
    return pipeline->stores[index].op->stores[pipeline->stores[index].index];
}

bool pipeline_store_is_source(const Pipeline *pipeline, size_t index)
{
    return pipeline->stores[index].op->node->kind == PLAN_SOURCE;
}

Status pipeline_replay_source(Pipeline *pipeline, size_t input, const LogRecord *records, size_t count,
                              Error *err)
{
    PipelineCounters before = pipeline->counters;
    pipeline->replaying     = true;
    Status status           = pipeline_push(pipeline, input, pipeline->spec.partition, records, count, err);
    pipeline->replaying     = false;
    pipeline->counters      = before;
    return status;
}

static Status write_changelog(Pipeline *pipeline, size_t index, Error *err)
{
    PipelineHost *host  = pipeline->spec.host;
    Store        *store = pipeline_store(pipeline, index);
    StoreRows     rows  = store_dirty_rows(store);
    for (size_t i = 0; i < rows.count; i++) {
        Str key, value;
        if (!rows.rows[i]->exists && !rows.rows[i]->stored)
            continue; /* came and went since the last commit */
        store_encode(store, rows.rows[i], pipeline->batch, &key, &value);
        TRY(host->changelog(host, pipeline, index, key, value, err));
        if (i % BATCH_ROWS == BATCH_ROWS - 1)
            arena_reset(pipeline->batch);
    }
    return OK;
}

Status pipeline_flush(Pipeline *pipeline, Error *err)
{
    for (size_t i = 0; i < pipeline->operator_count; i++) {
        Operator *op     = pipeline->operators[i];
        Status    status = op->class->flush == NULL ? OK : op->class->flush(op, err);
        arena_reset(pipeline->batch);
        TRY(status);
    }
    for (size_t i = 0; pipeline->spec.host->changelog != NULL && i < pipeline->store_count; i++) {
        Status status = pipeline_store_is_source(pipeline, i) ? OK : write_changelog(pipeline, i, err);
        arena_reset(pipeline->batch);
        TRY(status);
    }
    return OK;
}
