/*
 * proto_write.c - rows to Protobuf messages: see proto_codec.h.
 *
 * Zeros are left out where the schema does not tell them from absence, as every Protobuf serializer does;
 * NULL is left out always, and so reads back as zero there.
 */
#include <stdlib.h>

#include "core/decimal.h"
#include "serde/connect.h"
#include "serde/proto_codec.h"

enum { DEEPEST = 100 };

typedef struct WritePlan WritePlan;

typedef struct {
    const ProtoField *field;
    const SqlType    *column; /* the element of a list */
    int32_t           slot;
    int32_t           member; /* of a oneof's STRUCT; -1 */
    WritePlan        *message;
} WriteField;

struct WritePlan {
    WriteField *fields;
    size_t      count;
};

struct ProtoWriter {
    WritePlan root;
    bool      unwrapped;
};

/* ---- the plan ---- */

static Status plan_message(WritePlan *plan, const ProtoMessage *message, const SqlType *row, int depth,
                           Arena *arena, Error *err);

static bool can_hold(const ProtoField *field, const SqlType *column)
{
    ProtoKind    kind    = field->kind;
    ProtoSpecial special = kind == PROTO_MESSAGE ? field->message->special : SPECIAL_NONE;
    if (special == SPECIAL_WRAPPER)
        return field->message->count == 1 && can_hold(&field->message->fields[0], column);
    switch (column->kind) {
    case T_BOOLEAN:
        return kind == PROTO_BOOL;
    case T_INTEGER:
        return kind == PROTO_INT32 || kind == PROTO_SINT32 || kind == PROTO_SFIXED32 || kind == PROTO_INT64 ||
               kind == PROTO_SINT64 || kind == PROTO_SFIXED64;
    case T_BIGINT: /* unsigned ones too: they are read as BIGINT */
        return kind >= PROTO_INT32 && kind <= PROTO_SFIXED64 && kind != PROTO_INT32 && kind != PROTO_SINT32 &&
               kind != PROTO_SFIXED32;
    case T_DOUBLE:
        return kind == PROTO_DOUBLE || kind == PROTO_FLOAT;
    case T_STRING:
        return kind == PROTO_STRING || kind == PROTO_ENUM;
    case T_BYTES:
        return kind == PROTO_BYTES;
    case T_DECIMAL:
        return special == SPECIAL_DECIMAL;
    case T_DATE:
        return special == SPECIAL_DATE;
    case T_TIME:
        return special == SPECIAL_TIME;
    case T_TIMESTAMP:
        return special == SPECIAL_TIMESTAMP;
    case T_STRUCT:
        return kind == PROTO_MESSAGE && special == SPECIAL_NONE;
    default:
        return false;
    }
}

static Status cannot_write(const SqlType *column, Str name, Error *err)
{
    StrBuf text = {0};
    type_print(column, &text);
    error_set(err, E_PLAN, NO_POS,
              "The Protobuf schema cannot hold the column `" STR_FMT "` of type " STR_FMT, STR_ARG(name),
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Status plan_field(WriteField *plan, const SqlType *column, int depth, Arena *arena, Error *err)
{
    const ProtoField *field = plan->field;
    SqlField          pair[2];
    SqlType           entry = {.kind = T_STRUCT, .fields = pair, .field_count = 2};
    plan->column            = column;
    if (field->map && column->kind == T_MAP) {
        pair[0]       = (SqlField){field->message->fields[0].name, column->key};
        pair[1]       = (SqlField){field->message->fields[1].name, column->element};
        plan->message = ARENA_NEW(arena, WritePlan);
        return plan_message(plan->message, field->message, &entry, depth + 1, arena, err);
    }
    if (field->repeated != (column->kind == T_ARRAY))
        return cannot_write(column, field->name, err);
    if (field->repeated)
        plan->column = column->element;
    if (!can_hold(field, plan->column))
        return cannot_write(column, field->name, err);
    if (plan->column->kind != T_STRUCT)
        return OK;
    plan->message = ARENA_NEW(arena, WritePlan);
    return plan_message(plan->message, field->message, plan->column, depth + 1, arena, err);
}

static int find_column(const SqlType *row, Str name)
{
    int at = connect_field(row, name);
    for (size_t i = 0; at < 0 && i < row->field_count; i++)
        if (str_equal_nocase(row->fields[i].name, name))
            at = (int)i;
    return at;
}

static int by_number(const void *a, const void *b)
{
    int32_t x = ((const WriteField *)a)->field->number, y = ((const WriteField *)b)->field->number;
    return (x > y) - (x < y);
}

static Status plan_message(WritePlan *plan, const ProtoMessage *message, const SqlType *row, int depth,
                           Arena *arena, Error *err)
{
    bool *used = ARENA_ARRAY(arena, bool, row->field_count + 1);
    if (depth > DEEPEST)
        return error_set(err, E_PLAN, NO_POS, "A Protobuf message nests too deep");
    plan->fields = ARENA_ARRAY(arena, WriteField, message->count + 1);
    for (size_t i = 0; i < message->count; i++) {
        const ProtoField *field = &message->fields[i];
        WriteField       *out   = &plan->fields[plan->count];
        const SqlType    *column;
        *out = (WriteField){.field = field, .member = -1, .slot = find_column(row, field->name)};
        if (out->slot < 0 && field->oneof >= 0) {
            out->slot = find_column(row, proto_oneof_name(message, (size_t)field->oneof, arena));
            if (out->slot >= 0 && row->fields[out->slot].type->kind == T_STRUCT)
                out->member = find_column(row->fields[out->slot].type, field->name);
            if (out->member < 0)
                continue;
        }
        if (out->slot < 0)
            continue;
        used[out->slot] = true;
        column          = row->fields[out->slot].type;
        TRY(plan_field(out, out->member < 0 ? column : column->fields[out->member].type, depth, arena, err));
        plan->count++;
    }
    for (size_t i = 0; i < row->field_count; i++)
        if (!used[i])
            return cannot_write(row->fields[i].type, row->fields[i].name, err);
    qsort(plan->fields, plan->count, sizeof(WriteField), by_number);
    return OK;
}

Status proto_writer_new(const ProtoMessage *message, const SerdeSpec *spec, Arena *arena,
                        const ProtoWriter **out, Error *err)
{
    ProtoWriter   *self = ARENA_NEW(arena, ProtoWriter);
    const SqlType *row  = connect_row(arena, spec->columns, spec->count);
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    *out                = self;
    if (self->unwrapped && row->fields[0].type->kind != T_STRUCT)
        return cannot_write(row->fields[0].type, row->fields[0].name, err);
    return plan_message(&self->root, message, self->unwrapped ? row->fields[0].type : row, 0, arena, err);
}

/* ---- the bytes ---- */

static Status write_message(const WritePlan *plan, const Value *row, StrBuf *out, Error *err);

void proto_put_varint(uint64_t n, StrBuf *out)
{
    strbuf_reserve(out, 10);
    while (n >= 0x80) {
        out->ptr[out->len++] = (char)(uint8_t)(n | 0x80);
        n >>= 7;
    }
    out->ptr[out->len++] = (char)(uint8_t)n;
}

static void put_fixed(uint64_t bits, size_t size, StrBuf *out)
{
    for (size_t i = 0; i < size; i++)
        strbuf_addc(out, (char)(uint8_t)(bits >> (8 * i)));
}

ProtoWire proto_wire_type(ProtoKind kind)
{
    switch (kind) {
    case PROTO_DOUBLE:
    case PROTO_FIXED64:
    case PROTO_SFIXED64:
        return WIRE_64;
    case PROTO_FLOAT:
    case PROTO_FIXED32:
    case PROTO_SFIXED32:
        return WIRE_32;
    case PROTO_STRING:
    case PROTO_BYTES:
    case PROTO_MESSAGE:
        return WIRE_SPAN;
    default:
        return WIRE_VARINT;
    }
}

static void put_tag(int32_t number, int wire, StrBuf *out)
{
    proto_put_varint((uint64_t)(uint32_t)number << 3 | (uint64_t)wire, out);
}

/* What was written behind `from` becomes a span: its length goes before it. */
static void close_span(size_t from, StrBuf *out)
{
    size_t len = out->len - from;
    proto_put_varint(len, out);
    size_t size = out->len - from - len;
    char   head[10];
    memcpy(head, out->ptr + from + len, size);
    memmove(out->ptr + from + size, out->ptr + from, len);
    memcpy(out->ptr + from, head, size);
}

static uint64_t number_bits(ProtoKind kind, Value value)
{
    double   d = value_double(value);
    float    f;
    uint64_t bits = (uint64_t)value_int(value);
    uint32_t half;
    switch (kind) {
    case PROTO_DOUBLE:
        memcpy(&bits, &d, sizeof bits);
        return bits;
    case PROTO_FLOAT:
        f = (float)d;
        memcpy(&half, &f, sizeof half);
        return half;
    case PROTO_SINT32:
        return (uint32_t)((uint32_t)bits << 1) ^ (uint32_t)((int32_t)(uint32_t)bits >> 31);
    case PROTO_SINT64:
        return bits << 1 ^ (uint64_t)((int64_t)bits >> 63);
    case PROTO_UINT32:
    case PROTO_FIXED32:
    case PROTO_SFIXED32:
        return (uint32_t)bits;
    default:
        return bits;
    }
}

static void put_number(ProtoKind kind, uint64_t bits, StrBuf *out)
{
    int wire = proto_wire_type(kind);
    if (wire == WIRE_VARINT)
        proto_put_varint(bits, out);
    else
        put_fixed(bits, wire == WIRE_64 ? 8 : 4, out);
}

static Status enum_number(const ProtoField *field, Str symbol, uint64_t *out, Error *err)
{
    for (size_t i = 0; i < field->symbol_count; i++)
        if (str_equal(field->symbols[i], symbol)) {
            *out = (uint64_t)(int64_t)field->numbers[i];
            return OK;
        }
    return error_set(err, E_DATA, NO_POS, "The Protobuf enum of [" STR_FMT "] has no such symbol",
                     STR_ARG(field->name));
}

static void put_part(int32_t number, int64_t value, StrBuf *out)
{
    if (value == 0)
        return;
    put_tag(number, WIRE_VARINT, out);
    proto_put_varint((uint64_t)value, out);
}

static void put_decimal(const SqlType *type, Value value, StrBuf *out)
{
    char   few[8];
    size_t len   = connect_short_decimal(value, type, few);
    Arena *arena = len > 0 ? NULL : arena_new(0);
    Str    bytes = len > 0 ? str_n(few, len) : decimal_to_bytes(arena, value);
    put_tag(1, WIRE_SPAN, out);
    proto_put_varint(bytes.len, out);
    strbuf_add(out, bytes);
    put_part(2, type->precision, out);
    put_part(3, value.scale, out);
    arena_free(arena);
}

static void put_calendar(SqlKind kind, int64_t n, StrBuf *out)
{
    int64_t year, seconds = n / 1000 - (n % 1000 < 0);
    int     month, day;
    if (kind == T_DATE) {
        civil_from_days(n, &year, &month, &day);
        put_part(1, year, out);
        put_part(2, month, out);
        put_part(3, day, out);
    } else if (kind == T_TIME) {
        put_part(1, n / 3600000, out);
        put_part(2, n / 60000 % 60, out);
        put_part(3, n / 1000 % 60, out);
        put_part(4, n % 1000 * 1000000, out);
    } else {
        put_part(1, seconds, out);
        put_part(2, (n - seconds * 1000) * 1000000, out);
    }
}

/* The bytes between a span's length and its end. */
static Status write_body(const WriteField *plan, Value value, StrBuf *out, Error *err)
{
    if (plan->message != NULL)
        return write_message(plan->message, value_items(value), out, err);
    const ProtoMessage *message = plan->field->message;
    if (message->special == SPECIAL_WRAPPER) {
        WriteField inner = {.field = &message->fields[0], .column = plan->column, .member = -1};
        WritePlan  whole = {&inner, 1};
        return write_message(&whole, &value, out, err);
    }
    if (message->special == SPECIAL_DECIMAL)
        put_decimal(plan->column, value, out);
    else
        put_calendar(plan->column->kind, value_int(value), out);
    return OK;
}

/* One value with its tag; `always`: zeros too. */
static Status write_value(const WriteField *plan, Value value, bool always, StrBuf *out, Error *err)
{
    const ProtoField *field = plan->field;
    uint64_t          bits;
    if (field->kind == PROTO_MESSAGE) {
        put_tag(field->number, WIRE_SPAN, out);
        size_t from = out->len;
        TRY(write_body(plan, value, out, err));
        close_span(from, out);
        return OK;
    }
    if (proto_wire_type(field->kind) == WIRE_SPAN) {
        Str span = value_str(value);
        if (span.len == 0 && !always)
            return OK;
        put_tag(field->number, WIRE_SPAN, out);
        proto_put_varint(span.len, out);
        strbuf_add(out, span);
        return OK;
    }
    if (field->kind == PROTO_ENUM)
        TRY(enum_number(field, value_str(value), &bits, err));
    else
        bits = number_bits(field->kind, value);
    if (bits == 0 && !always)
        return OK;
    put_tag(field->number, proto_wire_type(field->kind), out);
    put_number(field->kind, bits, out);
    return OK;
}

/* There is no NULL in a list: it becomes what an absent value reads as. */
static Value list_item(const WriteField *plan, Value value)
{
    static const Value nothing = {.as = {.i64 = 0}};
    if (!value_is_null(value))
        return value;
    SqlKind kind = plan->column->kind;
    return kind == T_STRING || kind == T_BYTES ? value_from_str(STR_LIT("")) : nothing;
}

static Status write_list(const WriteField *plan, Value list, StrBuf *out, Error *err)
{
    const ProtoField *field = plan->field;
    uint64_t          bits;
    if (list.len == 0)
        return OK;
    if (proto_wire_type(field->kind) == WIRE_SPAN) {
        for (uint32_t i = 0; i < list.len; i++) {
            Value item = value_items(list)[i];
            if (value_is_null(item) && field->kind == PROTO_MESSAGE) { /* an empty message */
                put_tag(field->number, WIRE_SPAN, out);
                proto_put_varint(0, out);
                continue;
            }
            TRY(write_value(plan, list_item(plan, item), true, out, err));
        }
        return OK;
    }
    put_tag(field->number, WIRE_SPAN, out); /* packed, as proto3 has it */
    size_t from = out->len;
    for (uint32_t i = 0; i < list.len; i++) {
        Value item = value_items(list)[i];
        bits       = 0;
        if (!value_is_null(item) && field->kind == PROTO_ENUM)
            TRY(enum_number(field, value_str(item), &bits, err));
        else if (!value_is_null(item))
            bits = number_bits(field->kind, item);
        put_number(field->kind, bits, out);
    }
    close_span(from, out);
    return OK;
}

static Status write_map(const WriteField *plan, Value map, StrBuf *out, Error *err)
{
    for (uint32_t i = 0; i < map.len; i++) {
        const MapEntry *entry   = &value_entries(map)[i];
        Value           pair[2] = {entry->key, entry->value};
        put_tag(plan->field->number, WIRE_SPAN, out);
        size_t from = out->len;
        TRY(write_message(plan->message, pair, out, err));
        close_span(from, out);
    }
    return OK;
}

static Status write_message(const WritePlan *plan, const Value *row, StrBuf *out, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const WriteField *field = &plan->fields[i];
        Value             value = row[field->slot];
        if (field->member >= 0 && !value_is_null(value))
            value = value_items(value)[field->member];
        if (value_is_null(value))
            continue;
        if (field->field->map && field->column->kind == T_MAP)
            TRY(write_map(field, value, out, err));
        else if (field->field->repeated)
            TRY(write_list(field, value, out, err));
        else
            TRY(write_value(field, value, field->field->presence, out, err));
    }
    return OK;
}

Status proto_write(const ProtoWriter *writer, const Value *values, StrBuf *out, Error *err)
{
    if (!writer->unwrapped)
        return write_message(&writer->root, values, out, err);
    return value_is_null(values[0]) ? OK : write_message(&writer->root, value_items(values[0]), out, err);
}
