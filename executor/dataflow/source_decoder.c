/*
 * source_decoder.c - records to rows: key and value decoded, header and pseudo columns filled in, the
 * record's time taken.
 *
 * All rows of a call lie in one block of values. The record's key bytes become the row's, and so the sink's,
 * only where decoding and encoding them again would give the same bytes: a KAFKA key does, a JSON key may
 * have blanks.
 */
#include "executor/dataflow/source_decoder.h"
#include "executor/dataflow/timestamp_column.h"

struct SourceDecoder {
    const SourceSpec *spec;
    Decoder          *keys, *values;
    WindowKeyKind     windowed;
    bool              exact_keys; /* key bytes are what encoding the key columns would give */
    bool              has_extras; /* headers or pseudo columns */
    size_t            width;
    TimestampColumn   time;
};

static WindowKeyKind window_key_kind(KeyWindow window)
{
    if (window.kind == WINDOWED_NO)
        return WINDOW_KEY_NONE;
    return window.kind == WINDOWED_SESSION ? WINDOW_KEY_SESSION : WINDOW_KEY_TIME;
}

static Status open_sides(SourceDecoder *self, SchemaRegistry *registry, Arena *arena, Error *err)
{
    const SourceSpec *spec   = self->spec;
    const Schema     *schema = spec->declared;
    /* Keys are decoded whole: a key that cannot be read drops its record whether anybody looks at it or not.
     */
    SerdeSpec key   = {.format   = spec->key_format,
                       .side     = SIDE_KEY,
                       .topic    = spec->topic,
                       .columns  = schema->columns,
                       .count    = schema->key_count,
                       .registry = registry};
    SerdeSpec value = {.format   = spec->value_format,
                       .side     = SIDE_VALUE,
                       .topic    = spec->topic,
                       .columns  = schema->columns + schema->key_count,
                       .count    = schema->value_count,
                       .wanted   = spec->wanted == NULL ? NULL : spec->wanted + schema->key_count,
                       .registry = registry};
    if (schema->key_count > 0)
        TRY(decoder_open(&key, arena, &self->keys, err));
    if (schema->value_count > 0)
        TRY(decoder_open(&value, arena, &self->values, err));
    return OK;
}

Status source_decoder_open(const SourceSpec *spec, Clock *clock, const FnConfig *config,
                           SchemaRegistry *registry, Arena *arena, SourceDecoder **out, Error *err)
{
    SourceDecoder *self = ARENA_NEW(arena, SourceDecoder);
    const Schema  *from = spec->declared;
    self->spec          = spec;
    self->windowed      = window_key_kind(spec->window);
    self->exact_keys    = spec->key_format.format != NULL && format_facts(spec->key_format.format)->canonical;
    self->width         = from->count + (size_t)__builtin_popcount(spec->pseudo);
    self->has_extras    = self->width > from->key_count + from->value_count;
    TimestampSpec time  = {spec->timestamp_slot, spec->timestamp_format, from};
    Status        status = open_sides(self, registry, arena, err);
    if (status == OK)
        status = timestamp_column_open(&time, clock, config, arena, &self->time, err);
    if (status != OK) {
        source_decoder_close(self);
        return status;
    }
    *out = self;
    return OK;
}

void source_decoder_close(SourceDecoder *self)
{
    if (self == NULL)
        return;
    decoder_close(self->keys);
    decoder_close(self->values);
    timestamp_column_close(&self->time);
}

/* ---- one record ---- */

/* The key's columns, or NULLs for a null key. */
static Status decode_key(SourceDecoder *self, Str key, Row *row, Value *values, Arena *arena, Error *err)
{
    const SourceSpec *spec  = self->spec;
    size_t            count = spec->declared->key_count;
    Str               inner = key;
    for (size_t i = 0; i < count; i++)
        values[i] = value_null();
    if (self->windowed != WINDOW_KEY_NONE &&
        !windowed_key_split(self->windowed, spec->window.size_ms, key, &inner, &row->window_start,
                            &row->window_end))
        return OK;
    if (count == 0 || str_is_null(key))
        return OK;
    TRY(decoder_decode(self->keys, inner, arena, values, err));
    if (count == 1 && value_is_null(values[0]))
        return OK;
    row->key = values;
    if (self->exact_keys &&
        (spec->declared->columns[0].type->kind != T_STRING || values[0].as.ptr == inner.ptr))
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

static Value pseudo_value(ColumnRole role, const Row *row)
{
    switch (role) {
    case COLUMN_ROWTIME:
        return value_from_int(row->timestamp);
    case COLUMN_ROWPARTITION:
        return value_from_int(row->origin->partition);
    case COLUMN_ROWOFFSET:
        return value_from_int(row->origin->offset);
    case COLUMN_WINDOWSTART:
        return value_from_int(row->window_start);
    case COLUMN_WINDOWEND:
        return value_from_int(row->window_end);
    default:
        return value_null();
    }
}

static void fill_extras(const SourceDecoder *self, const LogRecord *record, const Row *row, Value *values,
                        Arena *arena)
{
    const Schema *schema = self->spec->declared;
    size_t        slot   = schema->key_count + schema->value_count;
    for (; slot < schema->count; slot++)
        values[slot] = headers_value(&schema->columns[slot], record, arena);
    for (ColumnRole role = COLUMN_ROWTIME; role <= COLUMN_WINDOWEND; role++)
        if (self->spec->pseudo & 1u << role)
            values[slot++] = pseudo_value(role, row);
}

/* ---- faults ---- */

static void fault(SourceRows *rows, size_t at, FaultKind kind, const char *message, Arena *arena)
{
    rows->waits |= kind == FAULT_REGISTRY;
    SourceFault *fault = arena_alloc(arena, sizeof *fault);
    *fault             = (SourceFault){kind, str_to_c(arena, str_c(message))};
    if (rows->faults == NULL)
        rows->faults = ARENA_ARRAY(arena, const SourceFault *, rows->count);
    rows->faults[at] = fault;
}

static const char *no_time_text(const SourceSpec *spec, const Origin *origin, Arena *arena)
{
    Str text = str_printf(
        arena,
        "Input record of topic " STR_FMT
        " (partition %d, offset %lld) has invalid (negative) timestamp. Possibly because a pre-0.10 "
        "producer client was used to write this record to Kafka without embedding a timestamp.",
        STR_ARG(spec->topic), origin->partition, (long long)origin->offset);
    return str_to_c(arena, text);
}

/* False: the row has no time, and a fault says why. */
static bool take_time(SourceDecoder *self, SourceRows *rows, size_t at, Row *row, const Value *values,
                      Arena *arena)
{
    int   slot = self->time.slot;
    Error why;
    if (slot < 0) {
        if (row->timestamp < 0)
            fault(rows, at, FAULT_TIME_MISSING, no_time_text(self->spec, row->origin, arena), arena);
        return row->timestamp >= 0;
    }
    bool  is_key = (size_t)slot < self->spec->declared->key_count;
    Value column = row->columns == NULL && !is_key ? value_null() : values[slot];
    if (timestamp_column_read(&self->time, column, &row->timestamp, &why) != OK) {
        row->timestamp = -1;
        fault(rows, at, FAULT_TIME_UNREADABLE, why.message, arena);
        return false;
    }
    if (row->timestamp < 0)
        fault(rows, at, FAULT_TIME_NEGATIVE, "Skipping record due to negative extracted timestamp.", arena);
    return row->timestamp >= 0;
}

static void read_record(SourceDecoder *self, SourceRows *rows, size_t at, Value *values, Arena *arena)
{
    const LogRecord *record = &rows->records[at];
    Row             *row    = &rows->rows[at];
    Error            why;
    if (decode_key(self, record->key, row, values, arena, &why) != OK) {
        fault(rows, at, why.code == E_WAIT ? FAULT_REGISTRY : FAULT_KEY, why.message, arena);
        return;
    }
    if (!str_is_null(record->value)) {
        if (self->values != NULL && decoder_decode(self->values, record->value, arena,
                                                   values + self->spec->declared->key_count, &why) != OK) {
            fault(rows, at, why.code == E_WAIT ? FAULT_REGISTRY : FAULT_VALUE, why.message, arena);
            return;
        }
        row->columns = values;
    }
    if (take_time(self, rows, at, row, values, arena) && row->columns != NULL && self->has_extras)
        fill_extras(self, record, row, values, arena);
}

void source_decoder_read(SourceDecoder *self, int partition, const LogRecord *records, size_t count,
                         Arena *arena, SourceRows *out)
{
    Row    *rows    = arena_alloc(arena, (count + 1) * sizeof *rows);
    Origin *origins = arena_alloc(arena, (count + 1) * sizeof *origins);
    Value  *values  = arena_alloc(arena, (count * self->width + 1) * sizeof *values);
    *out            = (SourceRows){
                   .spec = self->spec, .partition = partition, .records = records, .rows = rows, .count = count};
    for (size_t i = 0; i < count; i++) {
        origins[i] = (Origin){self->spec->topic, partition, records[i].offset, records[i].headers,
                              records[i].header_count};
        rows[i]    = (Row){.origin = &origins[i], .timestamp = records[i].timestamp};
        read_record(self, out, i, values + i * self->width, arena);
    }
}
