/*
 * op_repartition.c - the reading end of a repartition topic (repartition.h): the first operator of the
 * sub-topology above the cut.
 */
#include "executor/dataflow/repartition.h"
#include "executor/dataflow/task.h"

typedef struct {
    InputOperator base;
    Decoder      *keys, *values;
    Decoder      *edge_keys;  /* of records that an earlier version wrote; NULL: there is no difference */
    bool          same_bytes; /* records' keys are row->key_bytes */
} RepartitionOp;

static Status repartition_feed(Operator *op, int partition, const LogRecord *records, size_t count,
                               Error *err);

static Status repartition_open(Operator *op, Error *err)
{
    RepartitionOp *self = (RepartitionOp *)op;
    self->base.topic = topology_repartition_topic(op->pipeline->spec.service_id, op->pipeline->spec.plan->id,
                                                  op->node, op->arena);
    self->base.feed  = repartition_feed;
    SerdeSpec values = repartition_serde(op->node, self->base.topic, op->arena);
    SerdeSpec keys   = repartition_key_serde(op->node, self->base.topic);
    self->same_bytes = repartition_keeps_key_bytes(op->node);
    SerdeSpec edge   = repartition_edge_key_serde(op->node, self->base.topic);
    if (keys.count > 0)
        TRY(op_decoder(op, &keys, &self->keys, err));
    if (keys.count > 0 && !self->same_bytes)
        TRY(op_decoder(op, &edge, &self->edge_keys, err));
    return op_decoder(op, &values, &self->values, err);
}

/* A row of the schema: the key's columns, then those given. */
static const Value *with_key(const Schema *schema, const Value *keys, Value side, Arena *arena)
{
    if (value_is_null(side))
        return NULL;
    Value *out = arena_alloc(arena, (schema->count + 1) * sizeof *out);
    memcpy(out, keys, schema->key_count * sizeof *out);
    memcpy(out + schema->key_count, value_items(side), (schema->count - schema->key_count) * sizeof *out);
    return out;
}

/* Earlier versions wrote keys in the edge's own format, whatever that loses. Such records may still be on
 * their way at an upgrade. They are no exact keys: a text has bits where a group of values has none. */
static Status read_key(RepartitionOp *self, Str key, Arena *arena, Value *out, Error *err)
{
    Error  why;
    Status status = decoder_decode(self->keys, key, arena, out, &why);
    if (status == E_DATA && self->edge_keys != NULL &&
        decoder_decode(self->edge_keys, key, arena, out, NULL) == OK)
        return OK;
    return status == OK ? OK : error_set(err, status, why.pos, "%s", why.message);
}

static Status read_record(RepartitionOp *self, const LogRecord *record, Row *row, Arena *arena,
                          bool *key_side, Error *err)
{
    const Schema *schema = self->base.base.node->schema;
    Value        *values = arena_alloc(arena, (schema->count + 1) * sizeof *values);
    *key_side            = true;
    for (size_t i = 0; i < schema->key_count; i++)
        values[i] = value_null();
    if (self->keys != NULL && !str_is_null(record->key)) {
        TRY(read_key(self, record->key, arena, values, err));
        row->key       = values;
        row->key_bytes = self->same_bytes ? record->key : STR_NULL;
    }
    *key_side = false;
    if (str_is_null(record->value))
        return OK;
    if (!self->base.base.node->is_table) {
        TRY(decoder_decode(self->values, record->value, arena, values + schema->key_count, err));
        row->columns = values;
        return OK;
    }
    Value sides[2];
    TRY(decoder_decode(self->values, record->value, arena, sides, err));
    row->columns = with_key(schema, values, sides[0], arena);
    row->old     = with_key(schema, values, sides[1], arena);
    return OK;
}

static Status repartition_feed(Operator *op, int partition, const LogRecord *records, size_t count,
                               Error *err)
{
    RepartitionOp *self     = (RepartitionOp *)op;
    Pipeline      *pipeline = op->pipeline;
    RecordBatch   *batch    = batch_new(pipeline->batch, op->node->schema, count);
    Origin        *origins  = arena_alloc(pipeline->batch, count * sizeof *origins);
    for (size_t i = 0; i < count; i++) {
        Row  *row = &batch->rows[batch->count];
        Error why;
        bool  key_side;
        origins[i] = (Origin){self->base.topic, partition, records[i].offset, records[i].headers,
                              records[i].header_count};
        *row       = (Row){.origin = &origins[i], .timestamp = records[i].timestamp};
        if (read_record(self, &records[i], row, pipeline->batch, &key_side, &why) != OK) {
            if (pipeline->spec.fail_on_deserialization_error)
                return op_fail_record(row->origin, key_side, why.message, err);
            SkipInfo info = {.kind      = SKIP_DESERIALIZE,
                             .query     = pipeline->spec.plan->id,
                             .step      = op->node->step,
                             .key_side  = key_side,
                             .origin    = row->origin,
                             .timestamp = row->timestamp,
                             .message   = why.message};
            pipeline->counters.skipped_bad++;
            pipeline->spec.host->skip(pipeline->spec.host, &info);
            continue;
        }
        if (row->timestamp > pipeline->counters.stream_time)
            pipeline->counters.stream_time = row->timestamp;
        batch->count++;
    }
    return op_emit(op, batch, err);
}

const OperatorClass op_repartition = {
    .name = "REPARTITION", .state_size = sizeof(RepartitionOp), .open = repartition_open};
