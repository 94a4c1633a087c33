/*
 * op_source.c - from the records of a topic to rows: key and value decoded, header and pseudo columns filled
 * in, the record's time taken.
 *
 * All rows of a batch lie in one block of values. A record that cannot be decoded, or whose time cannot be
 * told, is reported and leaves no row behind. Tables go through their store on the way: see source_table.c.
 *
 * The record's key bytes become the row's, and so the sink's, only where decoding and encoding them again
 * would give the same bytes: a KAFKA key does, a JSON key may have blanks.
 */
#include "executor/source_table.h"
#include "executor/task.h"
#include "executor/timestamp_column.h"

typedef struct {
    InputOperator   base;
    Decoder        *key_decoder, *value_decoder;
    WindowKeyKind   windowed;
    bool            exact_keys;  /* key bytes are what encoding the key columns would give */
    size_t          first_extra; /* headers and pseudo columns start here */
    TimestampColumn time;
} SourceOp;

static WindowKeyKind window_key_kind(KeyWindow window)
{
    if (window.kind == WINDOWED_NO)
        return WINDOW_KEY_NONE;
    return window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME;
}

static bool format_is(const FormatSpec *spec, const char *name)
{
    return spec->format != NULL && strcmp(format_name(spec->format), name) == 0;
}

static Status open_decoders(SourceOp *self, Error *err)
{
    Operator         *op     = &self->base.base;
    const PlanNode   *node   = op->node;
    const PlanSource *source = &node->u.source;
    const Schema     *schema = source->declared; /* records know columns by these names */
    /* Keys are decoded whole: a key that cannot be read drops its record whether anybody looks at it or not.
     */
    SerdeSpec key   = {.format  = node->key_format,
                       .side    = SIDE_KEY,
                       .topic   = source->topic,
                       .columns = schema->columns,
                       .count   = schema->key_count};
    SerdeSpec value = {.format  = source->value_format,
                       .side    = SIDE_VALUE,
                       .topic   = source->topic,
                       .columns = schema->columns + schema->key_count,
                       .count   = schema->value_count,
                       .wanted  = source->wanted == NULL ? NULL : source->wanted + schema->key_count};
    if (schema->key_count > 0)
        TRY(op_decoder(op, &key, &self->key_decoder, err));
    if (schema->value_count > 0)
        TRY(op_decoder(op, &value, &self->value_decoder, err));
    return OK;
}

static Status  source_feed(Operator *op, int partition, const LogRecord *records, size_t count, Error *err);
static int64_t source_peek(Operator *op, const LogRecord *record, Arena *arena);

static Status source_open(Operator *op, Error *err)
{
    SourceOp         *self   = (SourceOp *)op;
    const PlanSource *source = &op->node->u.source;
    self->base.topic         = source->topic;
    self->base.feed          = source_feed;
    self->base.peek          = source_peek;
    self->windowed           = window_key_kind(op->node->window);
    self->exact_keys         = format_is(&op->node->key_format, "KAFKA");
    self->first_extra        = op->node->schema->key_count + op->node->schema->value_count;
    TRY(open_decoders(self, err));
    return timestamp_column_open(op, source->timestamp_slot, source->timestamp_format, op->node->schema,
                                 &self->time, err);
}

static void source_close(Operator *op)
{
    timestamp_column_close(&((SourceOp *)op)->time);
}

/* ---- one record ---- */

static void report(SourceOp *self, const Row *row, SkipKind kind, bool key_side, const char *message)
{
    Operator     *op   = &self->base.base;
    PipelineHost *host = op->pipeline->spec.host;
    SkipInfo      info = {.kind      = kind,
                          .query     = op->pipeline->spec.plan->id,
                          .step      = op->node->step,
                          .key_side  = key_side,
                          .origin    = row->origin,
                          .timestamp = row->timestamp,
                          .message   = message};
    op->pipeline->counters.skipped_bad++;
    host->skip(host, &info);
}

/* The key's columns, or NULLs for a null key. */
static Status decode_key(SourceOp *self, Str key, Row *row, Value *values, Arena *arena, Error *err)
{
    const PlanNode *node  = self->base.base.node;
    size_t          count = node->schema->key_count;
    Str             inner = key;
    for (size_t i = 0; i < count; i++)
        values[i] = value_null();
    if (self->windowed != WINDOW_KEY_NONE &&
        !windowed_key_split(self->windowed, node->window.size_ms, key, &inner, &row->window_start,
                            &row->window_end))
        return OK;
    if (count == 0 || str_is_null(key))
        return OK;
    TRY(decoder_decode(self->key_decoder, inner, arena, values, err));
    if (count == 1 && value_is_null(values[0]))
        return OK;
    row->key = values;
    if (self->exact_keys &&
        (node->schema->columns[0].type->kind != T_STRING || values[0].as.ptr == inner.ptr))
        row->key_bytes = inner;
    return OK;
}

static Value headers_value(const Column *column, const LogRecord *record, Arena *arena)
{
    if (!str_is_null(column->header_key)) {
        for (size_t i = record->header_count; i-- > 0;)
            if (str_equal(record->headers[i].key, column->header_key))
                return record->headers[i].value.ptr == NULL ? value_null()
                                                            : value_from_str(record->headers[i].value);
        return value_null();
    }
    Value *list = ARENA_ARRAY(arena, Value, record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        Value *pair = ARENA_ARRAY(arena, Value, 2);
        pair[0]     = value_from_str(record->headers[i].key);
        pair[1] =
            record->headers[i].value.ptr == NULL ? value_null() : value_from_str(record->headers[i].value);
        list[i] = value_array(pair, 2);
    }
    return value_array(list, record->header_count);
}

static void fill_extras(SourceOp *self, const LogRecord *record, const Row *row, Value *values, Arena *arena)
{
    const Schema *schema = self->base.base.node->schema;
    for (size_t i = self->first_extra; i < schema->count; i++) {
        switch (schema->columns[i].role) {
        case COLUMN_HEADERS:
            values[i] = headers_value(&schema->columns[i], record, arena);
            break;
        case COLUMN_ROWTIME:
            values[i] = value_from_int(row->timestamp);
            break;
        case COLUMN_ROWPARTITION:
            values[i] = value_from_int(row->origin->partition);
            break;
        case COLUMN_ROWOFFSET:
            values[i] = value_from_int(record->offset);
            break;
        case COLUMN_WINDOWSTART:
            values[i] = value_from_int(row->window_start);
            break;
        case COLUMN_WINDOWEND:
            values[i] = value_from_int(row->window_end);
            break;
        default:
            values[i] = value_null();
            break;
        }
    }
}

/* OK with *usable false: the record is dropped and that was reported. */
static Status take_timestamp(SourceOp *self, const LogRecord *record, Row *row, const Value *values,
                             bool *usable, Error *err)
{
    const PlanNode *node = self->base.base.node;
    int             slot = self->time.slot;
    *usable              = true;
    if (slot < 0) {
        if (record->timestamp >= 0)
            return OK;
        return error_set(
            err, E_FATAL_DATA, NO_POS,
            "Input record of topic " STR_FMT
            " (partition %d, offset %lld) has invalid (negative) timestamp. Possibly because a pre-0.10 "
            "producer client was used to write this record to Kafka without embedding a timestamp.",
            STR_ARG(node->u.source.topic), row->origin->partition, (long long)record->offset);
    }
    Error why;
    bool  is_key = (size_t)slot < node->schema->key_count;
    Value column = row->columns == NULL && !is_key ? value_null() : values[slot];
    if (timestamp_column_read(&self->time, column, &row->timestamp, &why) != OK) {
        if (self->base.base.pipeline->spec.throw_on_invalid_timestamp)
            return error_set(err, E_FATAL_DATA, NO_POS, "%s", why.message);
        row->timestamp = -1;
        report(self, row, SKIP_TIMESTAMP, false, why.message);
        *usable = false;
    } else if (row->timestamp < 0) {
        report(self, row, SKIP_TIMESTAMP, false, "Skipping record due to negative extracted timestamp.");
        *usable = false;
    }
    return OK;
}

/* OK: the record is dropped and that was reported. */
static Status undecodable(SourceOp *self, const Row *row, bool key_side, const Error *why, Error *err)
{
    if (self->base.base.pipeline->spec.fail_on_deserialization_error)
        return error_set(err, E_FATAL_DATA, NO_POS, "%s", why->message);
    report(self, row, SKIP_DESERIALIZE, key_side, why->message);
    return OK;
}

/* Fills `row` (zeroed) and its values; OK with *usable false when the record leaves no row. */
static Status read_record(SourceOp *self, const LogRecord *record, Row *row, Value *values, Arena *arena,
                          bool *usable, Error *err)
{
    const Schema *schema = self->base.base.node->schema;
    Error         why;
    *usable        = false;
    row->timestamp = record->timestamp;
    if (decode_key(self, record->key, row, values, arena, &why) != OK)
        return undecodable(self, row, true, &why, err);
    if (!str_is_null(record->value)) {
        if (self->value_decoder != NULL &&
            decoder_decode(self->value_decoder, record->value, arena, values + schema->key_count, &why) != OK)
            return undecodable(self, row, false, &why, err);
        row->columns = values;
    }
    TRY(take_timestamp(self, record, row, values, usable, err));
    if (*usable && row->columns != NULL && self->first_extra < schema->count)
        fill_extras(self, record, row, values, arena);
    return OK;
}

/* ---- batches ---- */

static Status source_feed(Operator *op, int partition, const LogRecord *records, size_t count, Error *err)
{
    SourceOp     *self    = (SourceOp *)op;
    Arena        *arena   = op->pipeline->batch;
    const Schema *schema  = op->node->schema;
    RecordBatch  *batch   = batch_new(arena, schema, count);
    Origin       *origins = arena_alloc(arena, count * sizeof *origins);
    Value        *values  = arena_alloc(arena, count * schema->count * sizeof *values);
    int64_t      *newest  = &op->pipeline->counters.stream_time;
    for (size_t i = 0; i < count; i++) {
        Row *row = &batch->rows[batch->count];
        bool usable;
        origins[i] = (Origin){self->base.topic, partition, records[i].offset, records[i].headers,
                              records[i].header_count};
        *row       = (Row){.origin = &origins[i]};
        TRY(read_record(self, &records[i], row, values, arena, &usable, err));
        if (!usable)
            continue;
        if (row->timestamp > *newest)
            *newest = row->timestamp;
        batch->count++;
        values += schema->count;
    }
    if (op->store != NULL)
        TRY(source_table_apply(op, batch, err));
    return op->pipeline->replaying ? OK : op_emit(op, batch, err);
}

/* Looking ahead reports nothing: the record will be read again. */
static int64_t source_peek(Operator *op, const LogRecord *record, Arena *arena)
{
    SourceOp     *self   = (SourceOp *)op;
    const Schema *schema = op->node->schema;
    int           slot   = self->time.slot;
    int64_t       timestamp;
    Error         why;
    if (slot < 0)
        return record->timestamp;
    Value *values = arena_alloc(arena, schema->count * sizeof *values);
    Row    row    = {0};
    Status status;
    if ((size_t)slot < schema->key_count)
        status = decode_key(self, record->key, &row, values, arena, &why);
    else if (str_is_null(record->value))
        status = E_DATA;
    else
        status = decoder_decode(self->value_decoder, record->value, arena, values + schema->key_count, &why);
    if (status != OK || timestamp_column_read(&self->time, values[slot], &timestamp, &why) != OK)
        return INT64_MIN;
    return timestamp;
}

const OperatorClass op_source = {
    .name       = "SOURCE",
    .state_size = sizeof(SourceOp),
    .open       = source_open,
    .flush      = source_table_flush,
    .close      = source_close,
};
