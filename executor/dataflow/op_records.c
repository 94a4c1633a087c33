/*
 * op_records.c - the records of a topic as they are, for PRINT: time, partition, bytes of key and value.
 *
 * Nothing is decoded, so nothing can fail and no record is left out: neither a null value nor a time before
 * 1970. It is the only operator of its pipeline and hands its rows to the client itself.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_source.h"

static Value bytes_or_null(Str bytes) { return str_is_null(bytes) ? value_null() : value_from_str(bytes); }

static Status records_feed(Operator *op, int partition, const LogRecord *records, size_t count, Error *err)
{
    PipelineHost *host = op->pipeline->spec.host;
    for (size_t i = 0; i < count; i++) {
        const Value columns[RECORD_COLUMNS] = {
            [RECORD_TIME]      = value_from_int(records[i].timestamp),
            [RECORD_PARTITION] = value_from_int(partition),
            [RECORD_KEY]       = bytes_or_null(records[i].key),
            [RECORD_VALUE]     = bytes_or_null(records[i].value),
        };
        const Row row = {.columns = columns, .timestamp = records[i].timestamp};
        TRY(host->output(host, op->node, &row, err));
        op->pipeline->counters.records_out++;
    }
    return OK;
}

static Status records_open(Operator *op, Error *err)
{
    InputOperator *self = (InputOperator *)op;
    self->topic         = plan_source(op->node)->topic;
    self->feed          = records_feed;
    return OK;
}

const OperatorClass op_records = {
    .name = "RECORDS", .state_size = sizeof(InputOperator), .open = records_open};
