/*
 * op_source.c - the rows of a source as one task sees them.
 *
 * Decoding is source_decoder.c's; a worker does it once for all tasks that read the source (shared_decode.c)
 * and hands the rows to each. What is done here is the task's own: its reports of bad records, its stream
 * time, its table (source_table.c). Fed with records, as in the test driver, the operator decodes them
 * itself.
 *
 * What a task does must not depend on who else reads the source:
 * - Rows may hold columns and fields that only others want. An operator that reads what it asked for
 *   (OperatorClass.reads_wanted_only) cannot tell; if one of the task's is not so, rows are copied without
 * them.
 * - A value that cannot be read may be one that only others want. Such a record is read again for this task
 *   alone, and is bad for it only if that fails, too.
 */
#include "executor/dataflow/source_table.h"
#include "executor/dataflow/task.h"

typedef struct {
    InputOperator  base;
    SourceSpec     spec;
    SourceDecoder *own;     /* of what this task wants alone; NULL until it is needed: it takes tens of KB */
    bool           hides;   /* rows must not show what this task does not want */
    uint64_t       flushed; /* a table: see source_table_find */
} SourceOp;

static Status  source_feed(Operator *op, int partition, const LogRecord *records, size_t count, Error *err);
static Status  source_take(Operator *op, const SourceRows *rows, size_t from, size_t count, Error *err);
static int64_t source_time(Operator *op, const SourceRows *rows, size_t at, Arena *arena);

/* Do all operators that the rows may come to? */
static bool reads_wanted_only(const Operator *op)
{
    bool all = true;
    for (size_t i = 0; all && i < op->outlet_count; i++)
        all = op->outlets[i].to->class->reads_wanted_only && reads_wanted_only(op->outlets[i].to);
    return all;
}

static Status source_open(Operator *op, Error *err)
{
    SourceOp *self   = (SourceOp *)op;
    self->spec       = source_spec(op->node);
    self->base.topic = self->spec.topic;
    self->base.feed  = source_feed;
    self->base.take  = source_take;
    self->base.time  = source_time;
    self->hides      = !reads_wanted_only(op);
    return OK;
}

static void source_close(Operator *op) { source_decoder_close(((SourceOp *)op)->own); }

static Status read_alone(SourceOp *self, int partition, const LogRecord *records, size_t count, Arena *arena,
                         SourceRows *out, Error *err)
{
    Operator *op = &self->base.base;
    if (self->own == NULL)
        TRY(source_decoder_open(&self->spec, op->programs.clock, op->programs.config,
                                op->pipeline->spec.registry, op->arena, &self->own, err));
    source_decoder_read(self->own, partition, records, count, arena, out);
    op->pipeline->counters.decoded += count;
    return OK;
}

/* ---- bad records ---- */

static void report(SourceOp *self, const Row *row, SkipKind kind, const SourceFault *fault)
{
    Operator     *op   = &self->base.base;
    PipelineHost *host = op->pipeline->spec.host;
    SkipInfo      info = {.kind      = kind,
                          .query     = op->pipeline->spec.plan->id,
                          .step      = op->node->step,
                          .key_side  = fault->kind == FAULT_KEY,
                          .origin    = row->origin,
                          .timestamp = row->timestamp,
                          .message   = fault->message};
    op->pipeline->counters.skipped_bad++;
    host->skip(host, &info);
}

/* OK: the record is dropped, and that was reported. */
static Status drop(SourceOp *self, const Row *row, const SourceFault *fault, Error *err)
{
    const PipelineSpec *spec      = &self->base.base.pipeline->spec;
    bool                replaying = self->base.base.pipeline->replaying;
    bool                fatal     = false;
    switch (fault->kind) {
    case FAULT_KEY:
    case FAULT_VALUE:
        if (spec->fail_on_deserialization_error && !replaying) /* what is replayed was passed before */
            return op_fail_record(row->origin, fault->kind == FAULT_KEY, fault->message, err);
        break;
    case FAULT_TIME_UNREADABLE:
        fatal = spec->throw_on_invalid_timestamp;
        break;
    case FAULT_TIME_NEGATIVE:
        break;
    case FAULT_TIME_MISSING:
        fatal = true;
        break;
    case FAULT_REGISTRY:
        return error_set(err, E_WAIT, NO_POS, "%s", fault->message);
    }
    if (fatal)
        return error_set(err, E_FATAL_DATA, NO_POS, "%s", fault->message);
    report(self, row, fault->kind <= FAULT_VALUE ? SKIP_DESERIALIZE : SKIP_TIMESTAMP, fault);
    return OK;
}

/* Is it of interest to this task alone what is wrong with the record? */
static bool may_be_readable(const SourceOp *self, const SourceRows *rows, const SourceFault *fault)
{
    return fault->kind == FAULT_VALUE && rows->spec != &self->spec &&
           !source_spec_covers(&self->spec, rows->spec);
}

/* ---- rows as this task would have got them alone ---- */

/* Can its operators take the rows as they are? */
static bool fits(const SourceOp *self, const SourceRows *rows)
{
    if (rows->spec == &self->spec)
        return true;
    if (self->hides && !source_spec_covers(&self->spec, rows->spec))
        return false;
    for (ColumnRole role = COLUMN_ROWTIME; role <= COLUMN_WINDOWEND; role++)
        if (self->spec.pseudo & 1u << role &&
            source_spec_slot(&self->spec, role) != source_spec_slot(rows->spec, role))
            return false;
    return true;
}

static Value hide(const Wanted *wanted, const SqlType *type, Value value, Arena *arena)
{
    if (wanted == NULL || value_is_null(value))
        return value;
    if (wanted->none)
        return value_null();
    if (wanted->fields == NULL || type->kind != T_STRUCT)
        return value;
    Value *fields = arena_alloc(arena, (type->field_count + 1) * sizeof *fields);
    for (size_t i = 0; i < type->field_count; i++)
        fields[i] = hide(wanted->fields[i], type->fields[i].type, value_items(value)[i], arena);
    return value_array(fields, type->field_count);
}

static void fit_row(const SourceOp *self, const SourceSpec *from, Row *row, Arena *arena)
{
    const Schema *schema = self->spec.declared;
    size_t        slot   = schema->count;
    Value        *out    = arena_alloc(arena, (slot + COLUMN_WINDOWEND) * sizeof *out);
    if (row->columns == NULL)
        return; /* the key stands for itself */
    memcpy(out, row->columns, schema->count * sizeof *out);
    for (size_t i = schema->key_count;
         self->spec.wanted != NULL && i < schema->key_count + schema->value_count; i++)
        out[i] = hide(self->spec.wanted[i], schema->columns[i].type, out[i], arena);
    for (ColumnRole role = COLUMN_ROWTIME; role <= COLUMN_WINDOWEND; role++)
        if (self->spec.pseudo & 1u << role)
            out[slot++] = row->columns[source_spec_slot(from, role)];
    row->columns = out;
    if (row->key != NULL)
        row->key = out;
}

/* Copies the rows that there are of records [from, from + count) and reports the others. */
static Status own_rows(SourceOp *self, const SourceRows *rows, size_t from, size_t count, RecordBatch *out,
                       Error *err)
{
    bool as_they_are = fits(self, rows);
    out->rows        = arena_alloc(out->arena, (count + 1) * sizeof *out->rows);
    out->count       = 0;
    for (size_t i = from; i < from + count; i++) {
        Row                row   = rows->rows[i];
        const SourceFault *fault = rows->faults == NULL ? NULL : rows->faults[i];
        if (fault != NULL && may_be_readable(self, rows, fault)) {
            SourceRows again;
            TRY(read_alone(self, rows->partition, &rows->records[i], 1, out->arena, &again, err));
            row   = again.rows[0];
            fault = again.faults == NULL ? NULL : again.faults[0];
        } else if (fault == NULL && !as_they_are) {
            fit_row(self, rows->spec, &row, out->arena);
        }
        if (fault != NULL)
            TRY(drop(self, &row, fault, err));
        else
            out->rows[out->count++] = row;
    }
    return OK;
}

/* ---- batches ---- */

static Status source_take(Operator *op, const SourceRows *rows, size_t from, size_t count, Error *err)
{
    SourceOp   *self   = (SourceOp *)op;
    int64_t    *newest = &op->pipeline->counters.stream_time;
    RecordBatch batch  = {op->pipeline->batch, op->node->schema, rows->rows + from, count, count};
    if (op->store_count > 0 && store_is_far(op->stores[0]))
        source_table_fetch_ahead(op, rows, from, count);
    if (rows->faults != NULL || op->store_count > 0 || !fits(self, rows))
        TRY(own_rows(self, rows, from, count, &batch, err));
    for (size_t i = 0; i < batch.count; i++)
        if (batch.rows[i].timestamp > *newest)
            *newest = batch.rows[i].timestamp;
    if (op->store_count > 0)
        TRY(source_table_apply(op, &batch, err));
    return op->pipeline->replaying ? OK : op_emit(op, &batch, err);
}

static Status source_feed(Operator *op, int partition, const LogRecord *records, size_t count, Error *err)
{
    SourceRows rows;
    TRY(read_alone((SourceOp *)op, partition, records, count, op->pipeline->batch, &rows, err));
    return source_take(op, &rows, 0, count, err);
}

/* Looking ahead reports nothing: the record's turn will come. */
static int64_t source_time(Operator *op, const SourceRows *rows, size_t at, Arena *arena)
{
    SourceOp          *self  = (SourceOp *)op;
    const SourceFault *fault = rows->faults == NULL ? NULL : rows->faults[at];
    SourceRows         again;
    Error              why;
    if (fault == NULL)
        return rows->rows[at].timestamp;
    if (!may_be_readable(self, rows, fault) ||
        read_alone(self, rows->partition, &rows->records[at], 1, arena, &again, &why) != OK ||
        again.faults != NULL)
        return INT64_MIN;
    return again.rows[0].timestamp;
}

/* ---- as a table ---- */

static Status source_flush(Operator *op, Error *err)
{
    return source_table_flush(op, &((SourceOp *)op)->flushed, err);
}

static Status source_find(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err)
{
    return source_table_find(op, ((SourceOp *)op)->flushed, key, row, arena, out, err);
}

const OperatorClass op_source = {
    .name       = "SOURCE",
    .state_size = sizeof(SourceOp),
    .open       = source_open,
    .flush      = source_flush,
    .find       = source_find,
    .close      = source_close,
};
