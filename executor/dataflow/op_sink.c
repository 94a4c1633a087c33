/*
 * op_sink.c - writes rows to a topic.
 *
 * A row without columns is a null value; of a table that is a tombstone. The record carries the row's time
 * and the headers of the input record that caused it. Windowed keys are hashed without their window, so that
 * all windows of a key share a partition.
 *
 * What cannot be serialized stops the query (runtime.md 1.12): skipping it would lose a result. A record that
 * the topic does not take (one without a key where keys are compacted) is reported and skipped: it would be
 * refused each time it is tried again.
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/task.h"
#include "executor/dataflow/timestamp_column.h"
#include "planner/nodes/node_sink.h"

typedef struct {
    Operator        base;
    KeyCoder        keys;
    Encoder        *values;
    WindowKeyKind   windowed;
    TimestampColumn time;
} SinkOp;

static Status sink_open(Operator *op, Error *err)
{
    SinkOp         *self   = (SinkOp *)op;
    const PlanSink *sink   = plan_sink(op->node);
    const Schema   *schema = op->node->schema;
    SerdeSpec       values = {.format  = sink->value_format,
                              .side    = SIDE_VALUE,
                              .topic   = sink->topic,
                              .columns = schema->columns + schema->key_count,
                              .count   = schema->value_count};
    KeyWindow       window = op->node->inputs[0]->window;
    self->windowed         = window.kind == WINDOWED_NO        ? WINDOW_KEY_NONE
                             : window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION
                                                               : WINDOW_KEY_TIME;
    TRY(key_coder_open(op, &op->node->key_format, schema, sink->topic, &self->keys, err));
    TRY(op_encoder(op, &values, &self->values, err));
    TimestampSpec time = {sink->timestamp_slot, sink->timestamp_format, schema};
    return timestamp_column_open(&time, op->programs.clock, op->programs.config, op->arena, &self->time, err);
}

static void sink_close(Operator *op) { timestamp_column_close(&((SinkOp *)op)->time); }

static Status cannot_write(const Operator *op, const char *side, Error *err)
{
    if (err == NULL)
        return E_FATAL_DATA;
    if (err->code != E_WAIT) /* a registry that is away: the row is fine, the task waits */
        err->code = E_FATAL_DATA;
    return error_prefix(err, "Unable to serialize record. %s of topic " STR_FMT ": ", side,
                        STR_ARG(plan_sink(op->node)->topic));
}

/* The written time; false: it cannot be told, the row was reported. */
static bool sink_timestamp(SinkOp *self, const Row *row, int64_t *out)
{
    Error why;
    *out = row->timestamp;
    if (self->time.slot < 0)
        return true;
    if (row->columns == NULL) {
        *out = self->base.pipeline->counters.stream_time;
        return true;
    }
    Status status = timestamp_column_read(&self->time, row->columns[self->time.slot], out, &why);
    if (status == OK && *out < 0)
        status = error_set(&why, E_DATA, NO_POS, "the timestamp %lld is negative", (long long)*out);
    if (status == OK)
        return true;
    error_prefix(&why, "Error writing row with extracted timestamp: ");
    op_skip_row(&self->base, row, &why);
    return false;
}

static Status write_row(SinkOp *self, const Row *row, Arena *arena, Error *err)
{
    Operator     *op     = &self->base;
    PipelineHost *host   = op->pipeline->spec.host;
    LogRecord     record = {.timestamp = row->timestamp};
    Str           key;
    if (!sink_timestamp(self, row, &record.timestamp))
        return OK;
    if (key_coder_bytes(&self->keys, row, arena, &key, err) != OK)
        return cannot_write(op, "key", err);
    if (row->columns != NULL && encoder_encode(self->values, row->columns + op->node->schema->key_count,
                                               arena, &record.value, err) != OK)
        return cannot_write(op, "value", err);
    record.key = key;
    if (self->windowed != WINDOW_KEY_NONE && !str_is_null(key))
        record.key = windowed_key_encode(arena, self->windowed, key, row->window_start, row->window_end);
    if (row->origin != NULL) {
        record.headers      = row->origin->headers;
        record.header_count = row->origin->header_count;
    }
    Error  why;
    Status status =
        host->append(host, op->node, plan_sink(op->node)->topic, PARTITION_BY_KEY, &record, key, &why);
    if (status == E_DATA) { /* the record's own fault */
        op_skip_row(op, row, &why);
        return OK;
    }
    if (status != OK)
        return error_set(err, status, why.pos, "%s", why.message);
    op->pipeline->counters.records_out++;
    op->figures.rows_out++;
    op->figures.bytes_out += record.key.len + record.value.len;
    return OK;
}

static Status sink_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    for (size_t i = 0; i < in->count; i++)
        TRY(write_row((SinkOp *)op, &in->rows[i], in->arena, err));
    return OK;
}

const OperatorClass op_sink = {.name              = "SINK",
                               .state_size        = sizeof(SinkOp),
                               .reads_wanted_only = true,
                               .old_rows          = OLD_IGNORED,
                               .open              = sink_open,
                               .push              = sink_push,
                               .close             = sink_close};
