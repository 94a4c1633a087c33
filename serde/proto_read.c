/*
 * proto_read.c - Protobuf messages to rows: see proto_codec.h.
 *
 * A row begins as what an empty message is: zeros, empty lists, NULL where the schema tells absence from
 * zero. Then every field on the wire finds its column by number. Lists grow by doubling in the batch's arena.
 */
#include "core/decimal.h"
#include "serde/connect.h"
#include "serde/proto_codec.h"

enum { DEEPEST = 100, DIRECT_NUMBERS = 256, FEWEST_ITEMS = 4 };

typedef struct MessagePlan MessagePlan;

/* A field with the column it goes to. */
typedef struct {
    const ProtoField *field;
    const SqlType    *column; /* of the value itself: the element of a list */
    const SqlType    *wire;   /* of scalars */
    Conversion        convert;
    int32_t           slot;
    int32_t           member;   /* of a oneof: the field of the STRUCT in slot; -1 */
    uint32_t          width;    /* of that STRUCT */
    MessagePlan      *message;  /* MESSAGE, and entries of maps */
    bool              unwanted; /* checked, but stepped over */
} FieldPlan;

struct MessagePlan {
    FieldPlan *fields; /* only those with a column */
    size_t     count;
    uint16_t   direct[DIRECT_NUMBERS]; /* number to index of fields + 1 */
    Value     *empty;                  /* [width] */
    size_t     width;
    bool       maps; /* some column is a MAP: duplicates have to go */
};

struct ProtoReader {
    MessagePlan root;
    bool        unwrapped;
};

/* ---- the plan ---- */

static Status plan_message(MessagePlan *plan, const ProtoMessage *message, const SqlType *row,
                           const Wanted *wanted, const ConnectPath *path, int depth, Arena *arena,
                           Error *err);

static const SqlType *wire_of(const ProtoField *field, Arena *arena)
{
    static const SqlType a_struct = {.kind = T_STRUCT};
    const SqlType       *scalar   = proto_scalar(field, arena);
    return scalar != NULL ? scalar : &a_struct;
}

static const Wanted *wanted_field(const Wanted *wanted, size_t i)
{
    return wanted == NULL || wanted->fields == NULL ? NULL : wanted->fields[i];
}

/* A value that is not a list or map. */
static Status plan_value(FieldPlan *plan, const SqlType *column, const Wanted *wanted,
                         const ConnectPath *path, int depth, Arena *arena, Error *err)
{
    plan->column = column;
    plan->wire   = wire_of(plan->field, arena);
    if (plan->wire->kind == T_STRUCT && column->kind == T_STRUCT) {
        plan->message = ARENA_NEW(arena, MessagePlan);
        return plan_message(plan->message, plan->field->message, column, wanted, path, depth + 1, arena, err);
    }
    plan->convert = CONVERT_NEVER;
    if (plan->wire->kind != T_STRUCT && column->kind < T_ARRAY)
        plan->convert = connect_conversion(plan->wire, column);
    return plan->convert == CONVERT_NEVER ? connect_refuse(plan->wire, column, path, err) : OK;
}

/* Entries are rows of key and value. */
static Status plan_map(FieldPlan *plan, const SqlType *column, const ConnectPath *path, int depth,
                       Arena *arena, Error *err)
{
    SqlField *pair = ARENA_ARRAY(arena, SqlField, 2);
    pair[0]        = (SqlField){plan->field->message->fields[0].name, &type_string};
    pair[1]        = (SqlField){plan->field->message->fields[1].name, column->element};
    plan->column   = column;
    plan->message  = ARENA_NEW(arena, MessagePlan);
    return plan_message(plan->message, plan->field->message, type_struct(arena, pair, 2), NULL, path,
                        depth + 1, arena, err);
}

static Status plan_column(FieldPlan *plan, const SqlType *column, const Wanted *wanted, const ConnectPath *up,
                          int depth, Arena *arena, Error *err)
{
    static const SqlType a_list = {.kind = T_ARRAY}, a_map = {.kind = T_MAP};
    const ProtoField    *field = plan->field;
    ConnectPath          path = {up, field->name}, element = {&path, STR_LIT("ARRAY")};
    plan->unwanted = wanted != NULL && wanted->none;
    if (field->kind == PROTO_GROUP)
        return connect_refuse(wire_of(field, arena), column, &path, err);
    if (field->map && column->kind == T_MAP)
        return plan_map(plan, column, &path, depth, arena, err);
    if (!field->repeated)
        return plan_value(plan, column, wanted, &path, depth, arena, err);
    if (column->kind == T_ARRAY)
        return plan_value(plan, column->element, NULL, &element, depth, arena, err);
    return connect_refuse(field->map ? &a_map : &a_list, column, &path, err);
}

/* What a column holds when nothing of it is on the wire. */
static Value empty_value(const FieldPlan *plan, Arena *arena)
{
    const ProtoField *field = plan->field;
    Value             zero  = value_null();
    Error             ignored;
    if (plan->unwanted)
        return zero;
    if (field->map)
        return value_map(NULL, 0);
    if (field->repeated)
        return value_array(NULL, 0);
    if (field->presence || plan->member >= 0 || field->kind == PROTO_MESSAGE)
        return zero;
    switch (plan->wire->kind) {
    case T_STRING: /* an enum's zero has a name, unless the schema forgot it */
        zero = value_from_str(STR_LIT(""));
        for (size_t i = 0; i < field->symbol_count; i++)
            if (field->numbers[i] == 0)
                zero = value_from_str(field->symbols[i]);
        return zero;
    case T_BYTES:
        return value_from_str(STR_LIT(""));
    case T_DOUBLE:
        zero = value_from_double(0);
        break;
    default:
        zero = value_from_int(0);
        break;
    }
    return connect_convert(plan->convert, plan->wire, plan->column, arena, &zero, &ignored) == OK
               ? zero
               : value_null();
}

static Status plan_member(MessagePlan *plan, const ProtoMessage *message, const ProtoField *field,
                          const SqlType *row, const Wanted *wanted, const ConnectPath *path, int depth,
                          Arena *arena, Error *err)
{
    FieldPlan *out = &plan->fields[plan->count];
    Str name       = field->oneof >= 0 ? proto_oneof_name(message, (size_t)field->oneof, arena) : field->name;
    int slot       = connect_field(row, name);
    *out           = (FieldPlan){.field = field, .slot = slot, .member = -1};
    if (slot < 0 && field->oneof >= 0) { /* declared as a column of its own */
        slot = out->slot = connect_field(row, field->name);
        name             = field->name;
    } else if (field->oneof >= 0) {
        const SqlType *members = row->fields[slot].type;
        ConnectPath    here    = {path, name};
        if (members->kind != T_STRUCT)
            return connect_refuse(&(SqlType){.kind = T_STRUCT}, members, &here, err);
        out->member = connect_field(members, field->name);
        out->width  = (uint32_t)members->field_count;
        if (out->member < 0)
            return OK;
        const Wanted *part = wanted_field(wanted, (size_t)slot);
        TRY(plan_column(out, members->fields[out->member].type, wanted_field(part, (size_t)out->member),
                        &here, depth, arena, err));
        out->unwanted |= part != NULL && part->none;
        plan->empty[slot] = value_null();
        plan->count++;
        return OK;
    }
    if (slot < 0)
        return OK;
    TRY(plan_column(out, row->fields[slot].type, wanted_field(wanted, (size_t)slot), path, depth, arena,
                    err));
    plan->empty[slot] = empty_value(out, arena);
    plan->maps |= field->map;
    plan->count++;
    return OK;
}

static Status plan_message(MessagePlan *plan, const ProtoMessage *message, const SqlType *row,
                           const Wanted *wanted, const ConnectPath *path, int depth, Arena *arena, Error *err)
{
    if (depth > DEEPEST)
        return error_set(err, E_DATA, NO_POS, "A Protobuf message nests too deep");
    plan->fields = ARENA_ARRAY(arena, FieldPlan, message->count + 1);
    plan->width  = row->field_count;
    plan->empty  = ARENA_ARRAY(arena, Value, row->field_count + 1);
    for (size_t i = 0; i < row->field_count; i++)
        plan->empty[i] = value_null();
    for (size_t i = 0; i < message->count; i++)
        TRY(plan_member(plan, message, &message->fields[i], row, wanted, path, depth, arena, err));
    for (size_t i = 0; i < plan->count && i < UINT16_MAX; i++)
        if (plan->fields[i].field->number < DIRECT_NUMBERS)
            plan->direct[plan->fields[i].field->number] = (uint16_t)(i + 1);
    return OK;
}

Status proto_reader_new(const ProtoMessage *message, const SerdeSpec *spec, Arena *arena,
                        const ProtoReader **out, Error *err)
{
    ProtoReader   *self = ARENA_NEW(arena, ProtoReader);
    Wanted         all  = {.fields = spec->wanted};
    const SqlType *row  = connect_row(arena, spec->columns, spec->count);
    *out                = self;
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    if (!self->unwrapped)
        return plan_message(&self->root, message, row, &all, NULL, 0, arena, err);
    if (row->fields[0].type->kind != T_STRUCT)
        return connect_refuse(&(SqlType){.kind = T_STRUCT}, row->fields[0].type, NULL, err);
    return plan_message(&self->root, message, row->fields[0].type, spec->wanted ? spec->wanted[0] : NULL,
                        NULL, 0, arena, err);
}

/* ---- the bytes ---- */

typedef struct {
    const uint8_t *at, *end;
    Arena         *arena;
} Cursor;

static Status malformed(const char *what, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "The payload is not valid Protobuf: %s", what);
}

static inline size_t left(const Cursor *c) { return (size_t)(c->end - c->at); }

static bool long_varint(Cursor *c, uint64_t *out)
{
    uint64_t n = 0;
    for (int shift = 0; shift < 70 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        n |= (uint64_t)(byte & 0x7f) << (shift & 63);
        if (byte < 0x80) {
            *out = n;
            return true;
        }
    }
    return false;
}

static inline bool read_varint(Cursor *c, uint64_t *out)
{
    if (c->at < c->end && *c->at < 0x80) {
        *out = *c->at++;
        return true;
    }
    return long_varint(c, out);
}

bool proto_take_varint(Str *from, uint64_t *out)
{
    const uint8_t *start = (const uint8_t *)from->ptr;
    Cursor         c     = {start, start + from->len, NULL};
    if (!read_varint(&c, out))
        return false;
    *from = str_n((const char *)c.at, left(&c));
    return true;
}

static inline bool read_span(Cursor *c, Str *out)
{
    uint64_t len;
    if (!read_varint(c, &len) || len > left(c))
        return false;
    *out = str_n((const char *)c->at, (size_t)len);
    c->at += len;
    return true;
}

static inline bool read_fixed(Cursor *c, size_t size, uint64_t *out)
{
    if (left(c) < size)
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out |= (uint64_t)c->at[i] << (8 * i);
    c->at += size;
    return true;
}

static Cursor cursor_of(Str span, Arena *arena)
{
    const uint8_t *start = (const uint8_t *)span.ptr;
    return (Cursor){start, start + span.len, arena};
}

static Status skip(Cursor *c, uint64_t tag, int depth, Error *err)
{
    uint64_t ignored;
    Str      span;
    bool     fine = false;
    switch (tag & 7) {
    case WIRE_VARINT:
        fine = read_varint(c, &ignored);
        break;
    case WIRE_64:
        fine = read_fixed(c, 8, &ignored);
        break;
    case WIRE_32:
        fine = read_fixed(c, 4, &ignored);
        break;
    case WIRE_SPAN:
        fine = read_span(c, &span);
        break;
    case WIRE_GROUP:
        if (depth > DEEPEST)
            return malformed("it nests too deep", err);
        for (uint64_t inner;;) {
            if (!read_varint(c, &inner))
                break;
            if (inner == (tag | 7) - 7 + WIRE_END_GROUP)
                return OK;
            TRY(skip(c, inner, depth + 1, err));
        }
        break;
    default:
        return malformed("a field has no such wire type", err);
    }
    return fine ? OK : malformed("it is cut short", err);
}

/* ---- scalars ---- */

static Value enum_value(const ProtoField *field, int32_t number, Arena *arena)
{
    for (size_t i = 0; i < field->symbol_count; i++)
        if (field->numbers[i] == number)
            return value_from_str(field->symbols[i]);
    /* proto3's enums are open: Java calls a number without a name so. */
    return value_from_str(str_printf(arena, "UNKNOWN_ENUM_VALUE_%d", (int)number));
}

static double double_of(uint64_t bits, bool single)
{
    double   d;
    float    f;
    uint32_t half = (uint32_t)bits;
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &half, sizeof f);
    return single ? (double)f : d;
}

static Value number_value(const ProtoField *field, uint64_t bits, Arena *arena)
{
    switch (field->kind) {
    case PROTO_DOUBLE:
    case PROTO_FLOAT:
        return value_from_double(double_of(bits, field->kind == PROTO_FLOAT));
    case PROTO_INT32:
    case PROTO_SFIXED32:
        return value_from_int((int32_t)(uint32_t)bits);
    case PROTO_UINT32:
    case PROTO_FIXED32:
        return value_from_int((int64_t)(uint32_t)bits);
    case PROTO_SINT32:
        bits = (uint32_t)bits;
        return value_from_int((int32_t)((uint32_t)(bits >> 1) ^ -(uint32_t)(bits & 1)));
    case PROTO_SINT64:
        return value_from_int((int64_t)((bits >> 1) ^ -(bits & 1)));
    case PROTO_BOOL:
        return value_from_bool(bits != 0);
    case PROTO_ENUM:
        return enum_value(field, (int32_t)(uint32_t)bits, arena);
    default:
        return value_from_int((int64_t)bits);
    }
}

/* Numbers and spans of a message of scalars, by field number. */
typedef struct {
    uint64_t number[5];
    Str      span[5];
} Parts;

static Status read_parts(Cursor *c, Parts *parts, Error *err)
{
    *parts = (Parts){0};
    while (c->at < c->end) {
        uint64_t tag, field;
        if (!read_varint(c, &tag))
            return malformed("it is cut short", err);
        field = tag >> 3;
        if (field == 0 || field > 4) {
            TRY(skip(c, tag, 0, err));
            continue;
        }
        bool fine;
        switch (tag & 7) {
        case WIRE_VARINT:
            fine = read_varint(c, &parts->number[field]);
            break;
        case WIRE_64:
            fine = read_fixed(c, 8, &parts->number[field]);
            break;
        case WIRE_32:
            fine = read_fixed(c, 4, &parts->number[field]);
            break;
        case WIRE_SPAN:
            fine = read_span(c, &parts->span[field]);
            break;
        default:
            TRY(skip(c, tag, 0, err));
            continue;
        }
        if (!fine)
            return malformed("it is cut short", err);
    }
    return OK;
}

/* Whoever made it may have filled it with anything: what is no date or time is refused, not bent. */
static Status read_calendar(ProtoSpecial special, const Parts *parts, Value *out, Error *err)
{
    int64_t a = (int32_t)parts->number[1], b = (int32_t)parts->number[2], c = (int32_t)parts->number[3];
    int64_t nanos = (int32_t)parts->number[4], seconds = (int64_t)parts->number[1];
    if (special == SPECIAL_TIMESTAMP) {
        nanos = b;
        if (seconds < INT64_MIN / 1000 || seconds > INT64_MAX / 1000 - 1)
            return malformed("a timestamp is out of range", err);
        *out = value_from_int(seconds * 1000 + nanos / 1000000);
        return OK;
    }
    if (special == SPECIAL_TIME) {
        if (a < 0 || a > 24 || b < 0 || b > 59 || c < 0 || c > 60 || nanos < 0 || nanos > 999999999)
            return malformed("a time of day is out of range", err);
        *out = value_from_int(((a * 60 + b) * 60 + c) * 1000 + nanos / 1000000);
        return serde_check_time(value_int(*out), err);
    }
    if (a < 1 || a > 9999 || b < 1 || b > 12 || c < 1 || c > 31)
        return malformed("a date is out of range", err);
    int64_t days = days_from_civil(a, (int)b, (int)c), year;
    int     month, day;
    civil_from_days(days, &year, &month, &day);
    if (month != b || day != c)
        return malformed("a date is out of range", err);
    *out = value_from_int(days);
    return OK;
}

static Value wrapped_value(const ProtoField *field, const Parts *parts, Arena *arena)
{
    if (proto_wire_type(field->kind) != WIRE_SPAN)
        return number_value(field, parts->number[1], arena);
    Str span = str_is_null(parts->span[1]) ? STR_LIT("") : parts->span[1];
    return value_from_str(field->kind == PROTO_STRING ? utf8_repair(arena, span) : span);
}

static Status read_special(Cursor *c, const FieldPlan *plan, Value *out, Error *err)
{
    const ProtoMessage *message = plan->field->message;
    Parts               parts;
    TRY(read_parts(c, &parts, err));
    switch (message->special) {
    case SPECIAL_WRAPPER:
        *out = wrapped_value(&message->fields[0], &parts, c->arena);
        return OK;
    case SPECIAL_DECIMAL: {
        int32_t scale = (int32_t)(uint32_t)parts.number[3];
        if (scale < 0 || scale > 1000)
            return malformed("a decimal's scale is out of range", err);
        *out = decimal_from_bytes(c->arena, parts.span[1].len > 0 ? parts.span[1] : str_n("\0", 1), scale);
        return OK;
    }
    default:
        return read_calendar(message->special, &parts, out, err);
    }
}

/* ---- fields ---- */

static Status read_message(Cursor *c, const MessagePlan *plan, int depth, Value *row, Error *err);

static Status new_row(Cursor *c, const MessagePlan *plan, Value **out, Error *err)
{
    *out = arena_try_alloc(c->arena, plan->width * sizeof **out + 1, err);
    if (*out == NULL)
        return E_LIMIT;
    memcpy(*out, plan->empty, plan->width * sizeof **out);
    return OK;
}

/* A message that comes twice is both, merged (unless it is in a list). */
static Status read_nested(Cursor *c, const FieldPlan *plan, int depth, Value *out, Error *err)
{
    Value *row;
    if (!plan->field->repeated && !value_is_null(*out))
        row = (Value *)(uintptr_t)value_items(*out);
    else
        TRY(new_row(c, plan->message, &row, err));
    *out = value_array(row, plan->message->width);
    return read_message(c, plan->message, depth + 1, row, err);
}

static Status read_value(Cursor *c, const FieldPlan *plan, int wire, int depth, Value *out, Error *err)
{
    const ProtoField *field = plan->field;
    uint64_t          bits  = 0;
    Str               span  = STR_NULL;
    bool              fine;
    if (wire == WIRE_SPAN)
        fine = read_span(c, &span);
    else
        fine = wire == WIRE_VARINT ? read_varint(c, &bits) : read_fixed(c, wire == WIRE_64 ? 8 : 4, &bits);
    if (!fine)
        return malformed("it is cut short", err);
    if (field->kind == PROTO_MESSAGE) {
        Cursor inner = cursor_of(span, c->arena);
        if (plan->message != NULL)
            return read_nested(&inner, plan, depth, out, err);
        TRY(read_special(&inner, plan, out, err));
    } else if (field->kind == PROTO_STRING) {
        *out = value_from_str(utf8_repair(c->arena, span));
    } else if (field->kind == PROTO_BYTES) {
        *out = value_from_str(span);
    } else {
        *out = number_value(field, bits, c->arena);
    }
    return plan->convert == CONVERT_NONE
               ? OK
               : connect_convert(plan->convert, plan->wire, plan->column, c->arena, out, err);
}

/* Room for one more; a list's memory is a power of two of items, so its length alone says when it is full. */
static Status widen(Cursor *c, Value *list, size_t width, void **items, Error *err)
{
    size_t count = list->len;
    *items       = (void *)(uintptr_t)list->as.ptr;
    if (count != 0 && (count < FEWEST_ITEMS || (count & (count - 1)) != 0))
        return OK;
    size_t room  = count == 0 ? FEWEST_ITEMS : count * 2;
    void  *wider = arena_try_alloc(c->arena, room * width, err);
    if (wider == NULL)
        return E_LIMIT;
    if (count > 0)
        memcpy(wider, *items, count * width);
    *items       = wider;
    list->as.ptr = wider;
    return OK;
}

static Status read_item(Cursor *c, const FieldPlan *plan, int wire, int depth, Value *list, Error *err)
{
    void *items;
    TRY(widen(c, list, sizeof(Value), &items, err));
    Value *item = (Value *)items + list->len;
    *item       = value_null();
    TRY(read_value(c, plan, wire, depth, item, err));
    list->len++;
    return OK;
}

static Status read_entry(Cursor *c, const FieldPlan *plan, int depth, Value *map, Error *err)
{
    void *items;
    Str   span;
    Value pair[2];
    if (!read_span(c, &span))
        return malformed("it is cut short", err);
    Cursor inner = cursor_of(span, c->arena);
    memcpy(pair, plan->message->empty, sizeof pair);
    TRY(read_message(&inner, plan->message, depth + 1, pair, err));
    TRY(widen(c, map, sizeof(MapEntry), &items, err));
    if (value_is_null(pair[0]))
        pair[0] = value_from_str(STR_LIT(""));
    ((MapEntry *)items)[map->len++] = (MapEntry){pair[0], pair[1]};
    return OK;
}

/* Lists of numbers may come packed into one span or one by one, whatever the schema says. */
static Status read_packed(Cursor *c, const FieldPlan *plan, int depth, Value *list, Error *err)
{
    Str span;
    if (!read_span(c, &span))
        return malformed("it is cut short", err);
    Cursor inner = cursor_of(span, c->arena);
    while (inner.at < inner.end)
        TRY(read_item(&inner, plan, proto_wire_type(plan->field->kind), depth, list, err));
    return OK;
}

static Status read_member(Cursor *c, const FieldPlan *plan, int wire, int depth, Value *slot, Error *err)
{
    Value *row;
    if (value_is_null(*slot)) {
        row = arena_try_alloc(c->arena, plan->width * sizeof *row + 1, err);
        if (row == NULL)
            return E_LIMIT;
    } else {
        row = (Value *)(uintptr_t)value_items(*slot);
    }
    for (size_t i = 0; i < plan->width; i++) /* one of them: the last on the wire */
        row[i] = value_null();
    *slot = value_array(row, plan->width);
    return read_value(c, plan, wire, depth, &row[plan->member], err);
}

static const FieldPlan *find_field(const MessagePlan *plan, uint64_t number)
{
    if (number < DIRECT_NUMBERS)
        return plan->direct[number] != 0 ? &plan->fields[plan->direct[number] - 1] : NULL;
    for (size_t i = 0; i < plan->count; i++)
        if ((uint64_t)plan->fields[i].field->number == number)
            return &plan->fields[i];
    return NULL;
}

static Status read_message(Cursor *c, const MessagePlan *plan, int depth, Value *row, Error *err)
{
    if (depth > DEEPEST)
        return malformed("it nests too deep", err);
    while (c->at < c->end) {
        uint64_t tag;
        if (!read_varint(c, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
            return malformed("a field's tag is wrong", err);
        const FieldPlan *field = find_field(plan, tag >> 3);
        int              wire  = (int)(tag & 7);
        if (field == NULL || field->unwanted) {
            TRY(skip(c, tag, depth, err));
            continue;
        }
        int expected = proto_wire_type(field->field->kind);
        if (field->field->map && wire == WIRE_SPAN && field->column->kind == T_MAP)
            TRY(read_entry(c, field, depth, &row[field->slot], err));
        else if (field->field->repeated && wire == expected)
            TRY(read_item(c, field, wire, depth, &row[field->slot], err));
        else if (field->field->repeated && wire == WIRE_SPAN)
            TRY(read_packed(c, field, depth, &row[field->slot], err));
        else if (wire != expected) /* another type than the schema's: as unknown as another number */
            TRY(skip(c, tag, depth, err));
        else if (field->member >= 0)
            TRY(read_member(c, field, wire, depth, &row[field->slot], err));
        else
            TRY(read_value(c, field, wire, depth, &row[field->slot], err));
    }
    for (size_t i = 0; plan->maps && i < plan->count; i++)
        if (plan->fields[i].field->map && plan->fields[i].column->kind == T_MAP) {
            Value *map = &row[plan->fields[i].slot];
            if (!value_is_null(*map))
                map->len = (uint32_t)connect_unique((MapEntry *)(uintptr_t)map->as.ptr, map->len, c->arena);
        }
    return OK;
}

Status proto_read(const ProtoReader *reader, Str payload, Arena *arena, Value *out, Error *err)
{
    Cursor c = cursor_of(payload, arena);
    Value *row;
    if (!reader->unwrapped) {
        memcpy(out, reader->root.empty, reader->root.width * sizeof *out);
        return read_message(&c, &reader->root, 0, out, err);
    }
    TRY(new_row(&c, &reader->root, &row, err));
    *out = value_array(row, reader->root.width);
    return read_message(&c, &reader->root, 0, row, err);
}
