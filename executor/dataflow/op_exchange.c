/*
 * op_exchange.c - the writing end of a repartition topic (repartition.h): the root of the sub-topology below
 * the cut.
 *
 * Where a plan is one pipeline (test driver, push queries) there is no topic in between, and rows go straight
 * on: the topic's partitions do not change what the rows are.
 */
#include "executor/dataflow/key_coder.h"
#include "executor/dataflow/repartition.h"
#include "executor/dataflow/task.h"
#include "planner/nodes/node_exchange.h"

typedef struct {
    Operator base;
    KeyCoder keys;
    bool     writes;
    Str      topic;
    Encoder *values;
    Encoder *exact_keys; /* NULL: the edge's key bytes are exact */
} ExchangeOp;

static Status exchange_open(Operator *op, Error *err)
{
    ExchangeOp *self = (ExchangeOp *)op;
    self->writes     = op->pipeline->spec.sub_topology != ALL_DIRECT;
    if (!self->writes)
        return OK;
    self->topic    = topology_repartition_topic(op->pipeline->spec.service_id, op->pipeline->spec.plan->id,
                                                op->node, op->arena);
    SerdeSpec spec = repartition_serde(op->node, self->topic, op->arena);
    SerdeSpec keys = repartition_key_serde(op->node, self->topic);
    if (!repartition_keeps_key_bytes(op->node) && keys.count > 0)
        TRY(op_encoder(op, &keys, &self->exact_keys, err));
    TRY(key_coder_open_inside(op, op->node->schema, self->topic, &self->keys, err));
    return op_encoder(op, &spec, &self->values, err);
}

static Status encode_row(ExchangeOp *self, const Row *row, Arena *arena, Str *out, Error *err)
{
    const Schema *schema = self->base.node->schema;
    size_t        keys   = schema->key_count;
    *out                 = STR_NULL;
    if (!self->base.node->is_table)
        return row->columns == NULL ? OK : encoder_encode(self->values, row->columns + keys, arena, out, err);
    Value sides[2] = {value_null(), value_null()};
    if (row->columns != NULL)
        sides[0] = value_array(row->columns + keys, schema->count - keys);
    if (row->old != NULL)
        sides[1] = value_array(row->old + keys, schema->count - keys);
    return encoder_encode(self->values, sides, arena, out, err);
}

static Status fatal(const ExchangeOp *self, Status status, Error *err)
{
    if (status != E_DATA && status != E_LIMIT)
        return status;
    if (err == NULL)
        return E_FATAL_DATA;
    err->code = E_FATAL_DATA;
    return error_prefix(err, "Unable to serialize record of topic " STR_FMT ": ", STR_ARG(self->topic));
}

static Status write_rows(ExchangeOp *self, const RecordBatch *batch, Error *err)
{
    PipelineHost *host = self->base.pipeline->spec.host;
    int           slot = plan_exchange(self->base.node)->partition_slot;
    for (size_t i = 0; i < batch->count; i++) {
        const Row *row       = &batch->rows[i];
        LogRecord  record    = {.timestamp = row->timestamp};
        int        partition = slot < 0 || row->columns == NULL || value_is_null(row->columns[slot])
                                   ? PARTITION_BY_KEY
                                   : (int)row->columns[slot].as.i64;
        Str        placed;
        Status     status = key_coder_bytes(&self->keys, row, batch->arena, &placed, err);
        record.key        = placed;
        if (status == OK && row->key != NULL && self->exact_keys != NULL)
            status = encoder_encode(self->exact_keys, row->key, batch->arena, &record.key, err);
        if (status == OK)
            status = encode_row(self, row, batch->arena, &record.value, err);
        if (status != OK)
            return fatal(self, status, err);
        if (row->origin != NULL) {
            record.headers      = row->origin->headers;
            record.header_count = row->origin->header_count;
        }
        Error why;
        status = host->append(host, self->base.node, self->topic, partition, &record, placed, &why);
        if (status == E_DATA) /* the record's own fault (its size) */
            op_skip_row(&self->base, row, &why);
        else if (status != OK)
            return error_set(err, status, why.pos, "%s", why.message);
        self->base.figures.rows_out++;
        self->base.figures.bytes_out += record.key.len + record.value.len;
    }
    return OK;
}

static Status exchange_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    ExchangeOp *self = (ExchangeOp *)op;
    return self->writes ? write_rows(self, in, err) : op_emit(op, in, err);
}

const OperatorClass op_exchange = {
    .name = "EXCHANGE", .state_size = sizeof(ExchangeOp), .open = exchange_open, .push = exchange_push};
