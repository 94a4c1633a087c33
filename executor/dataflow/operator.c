/*
 * operator.c - what operators share: their class, reports of bad rows, programs, serde, and key bytes.
 */
#include "executor/dataflow/task.h"
#include "planner/nodes/node_aggregate.h"
#include "planner/nodes/node_join.h"
#include "planner/nodes/node_source.h"

const OperatorClass *operator_class(const PlanNode *node)
{
#define OPERATOR(wanted, condition, symbol)                                                                  \
    if (node->class == &(wanted) && (condition))                                                             \
        return &symbol;
#include "executor/dataflow/operators.def"
#undef OPERATOR
    return NULL;
}

/* ---- figures ---- */

/* After an error the turn is over, and the pipeline rolled back. */
Status op_push_timed(Operator *op, int port, const RecordBatch *in, Error *err)
{
    Span span = stopwatch_enter(op->watch);
    TRY(op->class->push(op, port, in, err));
    op->figures.timed_ns += stopwatch_leave(op->watch, span);
    op->figures.timed_rows += in->count;
    return OK;
}

/* ---- bad rows ---- */

static void tell(Operator *op, const Row *row, SkipKind kind, const char *message)
{
    PipelineHost *host = op->pipeline->spec.host;
    SkipInfo      info = {
             .kind = kind, .query = op->pipeline->spec.plan->id, .step = op->node->step, .message = message};
    if (row != NULL) {
        info.origin    = row->origin;
        info.timestamp = row->timestamp;
    }
    host->skip(host, &info);
}

void op_skip_row(Operator *op, const Row *row, const Error *why)
{
    op->pipeline->counters.skipped_bad++;
    tell(op, row, SKIP_EVALUATE, why->message);
}

void op_report(Operator *op, const Row *row, const Error *why) { tell(op, row, SKIP_EVALUATE, why->message); }

Status op_fail_record(const Origin *origin, bool key_side, const char *why, Error *err)
{
    return error_set(
        err, E_FATAL_DATA, NO_POS,
        "The %s of the record at topic " STR_FMT
        ", partition %d, offset %lld cannot be deserialized: %s (ksql.fail.on.deserialization.error "
        "is true, so it is not skipped)",
        key_side ? "key" : "value", STR_ARG(origin->topic), origin->partition, (long long)origin->offset,
        why);
}

void op_drop_row(Operator *op, const Row *row, SkipKind kind)
{
    PipelineCounters *counters = &op->pipeline->counters;
    if (kind == SKIP_LATE)
        counters->skipped_late++;
    else
        counters->skipped_null_key++;
    tell(op, row, kind,
         kind == SKIP_LATE ? "Skipping record for expired window." : "Skipping record due to null key.");
}

/* ---- things that are closed with the pipeline ---- */

static Resource *keep(Operator *op)
{
    Resource *resource      = ARENA_NEW(op->arena, Resource);
    resource->next          = op->pipeline->resources;
    op->pipeline->resources = resource;
    return resource;
}

Status op_compile(Operator *op, const Expr *expr, Program **out, Error *err)
{
    TRY(program_compile(expr, &op->programs, op->arena, out, err));
    keep(op)->program = *out;
    return OK;
}

Status op_decoder(Operator *op, const SerdeSpec *spec, Decoder **out, Error *err)
{
    SerdeSpec full = *spec;
    full.registry  = op->pipeline->spec.registry;
    TRY(decoder_open(&full, op->arena, out, err));
    keep(op)->decoder = *out;
    return OK;
}

Status op_encoder(Operator *op, const SerdeSpec *spec, Encoder **out, Error *err)
{
    SerdeSpec full = *spec;
    full.registry  = op->pipeline->spec.registry;
    TRY(encoder_open(&full, op->arena, out, err));
    keep(op)->encoder = *out;
    return OK;
}

/* ---- tables ---- */

bool op_old_is_read(const Operator *op)
{
    for (size_t i = 0; i < op->outlet_count; i++) {
        const Operator *to = op->outlets[i].to;
        if (to->class->old_rows == OLD_READ || (to->class->old_rows == OLD_PASSED_ON && op_old_is_read(to)))
            return true;
    }
    return false;
}

Status op_table(Operator *op, int port, Operator **out, Error *err)
{
    const PlanNode *node = op->node->inputs[port];
    *out                 = pipeline_operator(op->pipeline, node);
    if (*out != NULL && (*out)->class->find != NULL)
        return OK;
    return error_set(err, E_UNSUPPORTED, NO_POS,
                     "The table that step " STR_FMT " makes cannot be looked into", STR_ARG(node->step));
}

/* ---- key bytes ---- */

Status op_key_bytes(Operator *op, const Row *row, Arena *arena, Str *out, Error *err)
{
    *out = row->key == NULL ? STR_NULL : row->key_bytes;
    if (row->key == NULL || !str_is_null(row->key_bytes))
        return OK;
    const PlanNode *from = op->node->input_count > 0 ? op->node->inputs[0] : op->node;
    if (from->key_format.format == NULL)
        return OK;
    if (op->key_encoder == NULL) {
        SerdeSpec spec = {.format  = format_inside(&from->key_format),
                          .side    = SIDE_KEY,
                          .columns = from->schema->columns,
                          .count   = from->schema->key_count};
        TRY(op_encoder(op, &spec, &op->key_encoder, err));
    }
    return encoder_encode(op->key_encoder, row->key, arena, out, err);
}

void put_int64(StrBuf *out, int64_t n)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        strbuf_addc(out, (char)(uint8_t)((uint64_t)n >> shift));
}

bool take_int64(Str *from, int64_t *out)
{
    uint64_t n = 0;
    if (from->len < 8)
        return false;
    for (int i = 0; i < 8; i++)
        n = n << 8 | (uint8_t)from->ptr[i];
    *from = str_n(from->ptr + 8, from->len - 8);
    *out  = (int64_t)n;
    return true;
}
