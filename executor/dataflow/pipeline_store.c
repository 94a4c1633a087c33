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

Status plan_store_spec(const PlanNode *node, size_t number, Arena *arena, StoreSpec *out, Error *err)
{
    if (number >= node->store_count)
        return error_set(err, E_NOT_FOUND, NO_POS, "The step " STR_FMT " keeps no store",
                         STR_ARG(node->step));
    StoreShape shape = node_store_shape(node, number, arena);
    *out             = (StoreSpec){
                    .name         = node->stores[number].name,
                    .kind         = shape.kind == SHAPE_BUFFER   ? STORE_BUFFER
                                    : shape.kind == SHAPE_PREFIX ? STORE_PREFIX
                                                                 : store_kind(node->window),
                    .keys         = shape.keys,
                    .key_count    = shape.key_count,
                    .values       = shape.values,
                    .value_count  = shape.value_count,
                    .states       = shape.states,
                    .state_count  = shape.state_count,
                    .retention_ms = shape.retention_ms,
    };
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

int64_t pipeline_store_time(const Pipeline *pipeline, size_t index)
{
    const Operator *op = pipeline->stores[index].op;
    return op->class->stream_time == NULL ? INT64_MIN : op->class->stream_time(op);
}

bool pipeline_store_is_source(const Pipeline *pipeline, size_t index)
{
    return pipeline->stores[index].op->node->class->reads_topic;
}

Status pipeline_replay_source(Pipeline *pipeline, size_t input, const LogRecord *records, size_t count,
                              Error *err)
{
    Operator        *op      = &pipeline->inputs[input]->base;
    PipelineCounters before  = pipeline->counters;
    OperatorFigures  figures = op->figures;
    pipeline->replaying      = true;
    Status status            = pipeline_push(pipeline, input, pipeline->spec.partition, records, count, err);
    pipeline->replaying      = false;
    pipeline->counters       = before;
    op->figures              = figures;
    return status;
}

static Status write_changelog(Pipeline *pipeline, size_t index, Error *err)
{
    OperatorFigures *figures = &pipeline->stores[index].op->figures;
    PipelineHost    *host    = pipeline->spec.host;
    Store           *store   = pipeline_store(pipeline, index);
    size_t           count   = store_change_count(store);
    for (size_t i = 0; i < count; i++) {
        Str key, value;
        if (!store_encode_change(store, i, pipeline->batch, &key, &value))
            continue;
        TRY(host->changelog(host, pipeline, index, key, value, err));
        figures->bytes_out += key.len + value.len;
        if (i % BATCH_ROWS == BATCH_ROWS - 1)
            arena_reset(pipeline->batch);
    }
    return OK;
}

Status pipeline_tick(Pipeline *pipeline, Error *err)
{
    for (size_t i = 0; i < pipeline->operator_count; i++) {
        Operator *op = pipeline->operators[i];
        if (op->class->tick == NULL)
            continue;
        Span   span   = stopwatch_enter(&pipeline->watch);
        Status status = op->class->tick(op, err);
        arena_reset(pipeline->batch);
        TRY(status);
        op->figures.flush_ns += stopwatch_leave(&pipeline->watch, span);
    }
    return OK;
}

static Status flush_operators(Pipeline *pipeline, Error *err)
{
    for (size_t i = 0; i < pipeline->operator_count; i++) {
        Operator *op = pipeline->operators[i];
        if (op->class->flush == NULL)
            continue;
        Span   span   = stopwatch_enter(&pipeline->watch);
        Status status = op->class->flush(op, err);
        arena_reset(pipeline->batch);
        TRY(status);
        op->figures.flush_ns += stopwatch_leave(&pipeline->watch, span);
    }
    return OK;
}

static Status write_changelogs(Pipeline *pipeline, Error *err)
{
    for (size_t i = 0; pipeline->spec.host->changelog != NULL && i < pipeline->store_count; i++) {
        Span   span   = stopwatch_enter(&pipeline->watch);
        Status status = pipeline_store_is_source(pipeline, i) ? OK : write_changelog(pipeline, i, err);
        arena_reset(pipeline->batch);
        TRY(status);
        pipeline->stores[i].op->figures.flush_ns += stopwatch_leave(&pipeline->watch, span);
    }
    return OK;
}

Status pipeline_flush(Pipeline *pipeline, Error *err)
{
    stopwatch_flush(&pipeline->watch);
    TRY(pipeline_tick(pipeline, err));
    pipeline->flushes++;
    Status flushed = flush_operators(pipeline, err);
    pipeline->flushes++;
    TRY(flushed);
    return write_changelogs(pipeline, err);
}
