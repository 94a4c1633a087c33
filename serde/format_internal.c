/*
 * format_internal.c - INTERNAL: any row, exactly, in few bytes. For repartition topics and other data of our
 * own.
 *
 * What the dialect's formats lose (empty text against NULL, NaN, -0.0, a decimal's own scale, maps in their
 * order) comes back bit for bit. A group of values (a row, a struct, an array) is a bitmap of those that are
 * not NULL, then those. Integers are zig-zag varints, doubles 8 bytes, texts a varint length and bytes. The
 * schema is not in the bytes.
 *
 * Topics can be written by strangers, so reading trusts nothing: every length is checked against what is
 * left.
 */
#include "serde/format.h"

typedef struct {
    Decoder        base;
    const SqlType *row; /* the columns as a STRUCT */
    bool          *unwanted;
    Str            topic;
    int            side;
} InternalDecoder;

typedef struct {
    Encoder        base;
    const SqlType *row;
    StrBuf         bytes;
} InternalEncoder;

static Status check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    return OK;
}

static const SqlType *row_type(const SerdeSpec *spec, Arena *arena)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++)
        fields[i] = (SqlField){spec->columns[i].name, spec->columns[i].type};
    return type_copy(arena, type_struct(arena, fields, spec->count));
}

/* ---- writing ---- */

static inline void put_byte(StrBuf *out, uint8_t byte)
{
    if (out->len == out->capacity)
        strbuf_reserve(out, 1);
    out->ptr[out->len++] = (char)byte;
}

static void put_varint(StrBuf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        put_byte(out, (uint8_t)(n | 0x80));
    put_byte(out, (uint8_t)n);
}

static void put_integer(StrBuf *out, int64_t n) { put_varint(out, (uint64_t)n << 1 ^ (uint64_t)(n >> 63)); }

static void put_bytes(StrBuf *out, Str bytes)
{
    put_varint(out, bytes.len);
    strbuf_add(out, bytes);
}

/* Scale and size class first: (scale zig-zag) * 2 + big. */
static void put_decimal(StrBuf *out, Value value)
{
    int      scale  = value.scale;
    uint32_t zigzag = (uint32_t)scale << 1 ^ (uint32_t)(scale >> 31);
    bool     big    = (value.flags & VALUE_BIG) != 0;
    put_varint(out, zigzag << 1 | big);
    if (big)
        put_bytes(out, value_str(value));
    else
        put_integer(out, value.as.i64);
}

static void put_value(StrBuf *out, const SqlType *type, Value value);

/* `stride` values apart: map keys and values lie in one array of entries. */
static void put_bitmap(StrBuf *out, const Value *values, size_t n, size_t stride)
{
    for (size_t i = 0; i < n; i += 8) {
        uint8_t bits = 0;
        for (size_t j = i; j < n && j < i + 8; j++)
            bits |= (uint8_t)(!value_is_null(values[j * stride]) << (j - i));
        put_byte(out, bits);
    }
}

static void put_fields(StrBuf *out, const SqlType *type, const Value *values)
{
    put_bitmap(out, values, type->field_count, 1);
    for (size_t i = 0; i < type->field_count; i++)
        if (!value_is_null(values[i]))
            put_value(out, type->fields[i].type, values[i]);
}

static void put_items(StrBuf *out, const SqlType *type, const Value *values, size_t n, size_t stride)
{
    put_bitmap(out, values, n, stride);
    for (size_t i = 0; i < n; i++)
        if (!value_is_null(values[i * stride]))
            put_value(out, type, values[i * stride]);
}

static void put_value(StrBuf *out, const SqlType *type, Value value)
{
    switch (type->kind) {
    case T_BOOLEAN:
        put_byte(out, value_bool(value));
        break;
    case T_DOUBLE:
        strbuf_add(out, str_n((const char *)&value.as.f64, sizeof(double)));
        break; /* little-endian */
    case T_STRING:
    case T_BYTES:
        put_bytes(out, value_str(value));
        break;
    case T_DECIMAL:
        put_decimal(out, value);
        break;
    case T_STRUCT:
        put_fields(out, type, value_items(value));
        break;
    case T_ARRAY:
        put_varint(out, value.len);
        put_items(out, type->element, value_items(value), value.len, 1);
        break;
    case T_MAP:
        put_varint(out, value.len);
        if (value.len > 0) {
            put_items(out, type->key, &value_entries(value)->key, value.len, 2);
            put_items(out, type->element, &value_entries(value)->value, value.len, 2);
        }
        break;
    default:
        put_integer(out, value_int(value));
        break;
    }
}

_Static_assert(sizeof(MapEntry) == 2 * sizeof(Value), "entries are pairs of values");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "doubles are copied as they lie in memory");

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    InternalEncoder *self = (InternalEncoder *)base;
    strbuf_reset(&self->bytes);
    put_fields(&self->bytes, self->row, values);
    return encoder_hand_out(&self->bytes, arena, out, err);
}

static void close_encoder(Encoder *base) { strbuf_clear(&((InternalEncoder *)base)->bytes); }

static Status open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    InternalEncoder *self = ARENA_NEW(arena, InternalEncoder);
    self->base            = (Encoder){.encode = encode, .close = close_encoder};
    self->row             = row_type(spec, arena);
    *out                  = &self->base;
    return OK;
}

/* ---- reading ---- */

typedef struct {
    const uint8_t *at, *end;
    Arena         *arena;
} Input;

static Status corrupt(Error *err) { return error_set(err, E_DATA, NO_POS, "malformed internal data"); }

static inline size_t left(const Input *in) { return (size_t)(in->end - in->at); }

static bool get_varint(Input *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return shift < 63 || byte <= 1;
    }
    return false;
}

static bool get_integer(Input *in, int64_t *out)
{
    uint64_t n;
    if (!get_varint(in, &n))
        return false;
    *out = (int64_t)(n >> 1 ^ -(n & 1));
    return true;
}

static bool get_bytes(Input *in, Str *out)
{
    uint64_t len;
    if (!get_varint(in, &len) || len > left(in) || len > UINT32_MAX)
        return false;
    *out = str_n((const char *)in->at, len);
    in->at += len;
    return true;
}

static bool get_decimal(Input *in, Value *out)
{
    uint64_t head;
    if (!get_varint(in, &head) || head >> 1 > 0xffff)
        return false;
    int scale = (int)(head >> 2) ^ -(int)(head >> 1 & 1);
    if (head & 1) {
        Str bytes;
        if (!get_bytes(in, &bytes) || bytes.len <= 8)
            return false; /* what fits 64 bits is never written this way */
        *out       = value_from_str(bytes);
        out->flags = VALUE_BIG;
        out->scale = (int16_t)scale;
        return true;
    }
    int64_t digits;
    if (!get_integer(in, &digits))
        return false;
    *out = value_decimal(digits, scale);
    return true;
}

static Status get_value(Input *in, const SqlType *type, Value *out, Error *err);

/* Values `stride` apart; each of type `type`, or field i's where it is NULL. */
static Status get_group(Input *in, const SqlType *type, const SqlField *fields, Value *out, size_t n,
                        size_t stride, Error *err)
{
    size_t bytes = n / 8 + (n % 8 != 0);
    if (bytes > left(in))
        return corrupt(err);
    const uint8_t *bitmap = in->at;
    in->at += bytes;
    /* Bits beyond the last value are never set: so hardly any text passes for a group, see
     * executor/dataflow/op_repartition.c. */
    if (n % 8 != 0 && bitmap[bytes - 1] >> (n % 8) != 0)
        return corrupt(err);
    for (size_t i = 0; i < n; i++) {
        Value *value = &out[i * stride];
        if (bitmap[i / 8] >> (i % 8) & 1)
            TRY(get_value(in, type ? type : fields[i].type, value, err));
        else
            *value = value_null();
    }
    return OK;
}

/* A count whose bitmap can still be there, and memory for that many values, `per_item` each. */
static Status get_count(Input *in, size_t per_item, size_t *n, Value **items, Error *err)
{
    uint64_t count;
    if (!get_varint(in, &count) || count > UINT32_MAX || count / 8 > left(in))
        return corrupt(err);
    *n     = count;
    *items = arena_try_alloc(in->arena, count * per_item * sizeof(Value) + sizeof(Value), err);
    return *items == NULL ? E_LIMIT : OK;
}

static Status get_container(Input *in, const SqlType *type, Value *out, Error *err)
{
    Value *items;
    size_t n = type->field_count;
    if (type->kind == T_STRUCT) {
        if ((items = arena_try_alloc(in->arena, n * sizeof(Value) + 1, err)) == NULL)
            return E_LIMIT;
        TRY(get_group(in, NULL, type->fields, items, n, 1, err));
        *out = value_array(items, n);
    } else if (type->kind == T_ARRAY) {
        TRY(get_count(in, 1, &n, &items, err));
        TRY(get_group(in, type->element, NULL, items, n, 1, err));
        *out = value_array(items, n);
    } else {
        TRY(get_count(in, 2, &n, &items, err));
        TRY(get_group(in, type->key, NULL, items, n, 2, err));
        TRY(get_group(in, type->element, NULL, items + 1, n, 2, err));
        *out = value_map((const MapEntry *)items, n);
    }
    return OK;
}

static Status get_value(Input *in, const SqlType *type, Value *out, Error *err)
{
    Str     bytes;
    int64_t n;
    double  d;
    switch (type->kind) {
    case T_STRING:
    case T_BYTES:
        if (!get_bytes(in, &bytes) || (type->kind == T_STRING && !str_is_ascii(bytes) && !utf8_valid(bytes)))
            return corrupt(err);
        *out = value_from_str(bytes);
        return OK;
    case T_DOUBLE:
        if (left(in) < sizeof d)
            return corrupt(err);
        memcpy(&d, in->at, sizeof d);
        in->at += sizeof d;
        *out = value_from_double(d);
        return OK;
    case T_BOOLEAN:
        if (left(in) == 0 || *in->at > 1)
            return corrupt(err);
        *out = value_from_bool(*in->at++);
        return OK;
    case T_DECIMAL:
        return get_decimal(in, out) ? OK : corrupt(err);
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        return get_container(in, type, out, err);
    default:
        break;
    }
    if (!get_integer(in, &n) || (type->kind == T_INTEGER && n != (int32_t)n))
        return corrupt(err);
    *out = value_from_int(n);
    return OK;
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    const InternalDecoder *self = (const InternalDecoder *)base;
    Input                  in   = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len, arena};
    Status status = get_group(&in, NULL, self->row->fields, out, self->row->field_count, 1, err);
    if (status == OK && in.at != in.end)
        status = corrupt(err);
    if (status == E_DATA)
        error_prefix(err, "Failed to deserialize %s from topic: " STR_FMT ". ", side_name(self->side),
                     STR_ARG(self->topic));
    for (size_t i = 0; status == OK && i < self->row->field_count; i++)
        if (self->unwanted[i])
            out[i] = value_null();
    return status;
}

static Status open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    InternalDecoder *self = ARENA_NEW(arena, InternalDecoder);
    self->base.decode     = decode;
    self->row             = row_type(spec, arena);
    self->unwanted        = ARENA_ARRAY(arena, bool, spec->count + 1);
    self->topic           = str_dup(arena, spec->topic);
    self->side            = spec->side;
    for (size_t i = 0; i < spec->count; i++)
        self->unwanted[i] = spec_unwanted(spec, i);
    *out = &self->base;
    return OK;
}

const FormatClass format_internal = {
    .name         = "INTERNAL",
    .facts        = {.payload   = PAYLOAD_RECORD,
                     .hidden    = true,
                     .built     = true,
                     .wraps     = true,
                     .canonical = true,
                     .exact     = true},
    .check        = check,
    .open_decoder = open_decoder,
    .open_encoder = open_encoder,
};
