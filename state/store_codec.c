/*
 * store_codec.c - values as bytes and back, bit for bit (format: store_codec.h).
 *
 * Reading trusts nothing: a changelog topic can hold anybody's bytes. Every count is checked against the
 * bytes that are left before memory is taken for it (an item takes at least its tag), and recursion follows
 * the type, whose depth is bounded.
 */
#include "state/store_codec.h"

enum { TAG_NULL, TAG_PRESENT, TAG_BIG };

enum { VARINT_MAX = 10 };

/* Where there is room for it. */
static char *put_varint(char *at, uint64_t n)
{
    while (n >= 0x80) {
        *at++ = (char)(n | 0x80);
        n >>= 7;
    }
    *at++ = (char)n;
    return at;
}

static void add_varint(StrBuf *out, uint64_t n)
{
    strbuf_reserve(out, VARINT_MAX);
    out->len = (size_t)(put_varint(out->ptr + out->len, n) - out->ptr);
}

void store_codec_add_int(StrBuf *out, int64_t number)
{
    add_varint(out, ((uint64_t)number << 1) ^ (uint64_t)(number >> 63));
}

static void add_bytes(StrBuf *out, Str s)
{
    strbuf_reserve(out, VARINT_MAX + s.len);
    char *at = put_varint(out->ptr + out->len, s.len);
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    out->len = (size_t)(at - out->ptr) + s.len;
}

static void add_double(StrBuf *out, double d)
{
    uint64_t bits;
    char     bytes[8];
    memcpy(&bits, &d, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    strbuf_add(out, str_n(bytes, sizeof bytes));
}

static void add_decimal(StrBuf *out, Value v)
{
    store_codec_add_int(out, v.scale);
    if (v.flags & VALUE_BIG)
        add_bytes(out, value_str(v));
    else
        store_codec_add_int(out, v.as.i64);
}

static void add_map(StrBuf *out, const SqlType *type, Value v)
{
    const MapEntry *entries = value_entries(v);
    add_varint(out, v.len);
    for (uint32_t i = 0; i < v.len; i++) {
        store_codec_add(out, type->key, entries[i].key);
        store_codec_add(out, type->element, entries[i].value);
    }
}

void store_codec_add(StrBuf *out, const SqlType *type, Value v)
{
    if (value_is_null(v)) {
        strbuf_addc(out, TAG_NULL);
        return;
    }
    strbuf_addc(out, v.flags & VALUE_BIG ? TAG_BIG : TAG_PRESENT);
    switch (type->kind) {
    case T_DOUBLE:
        add_double(out, v.as.f64);
        break;
    case T_STRING:
    case T_BYTES:
        add_bytes(out, value_str(v));
        break;
    case T_DECIMAL:
        add_decimal(out, v);
        break;
    case T_ARRAY:
    case T_STRUCT:
        add_varint(out, v.len);
        for (uint32_t i = 0; i < v.len; i++)
            store_codec_add(out, type->kind == T_ARRAY ? type->element : type->fields[i].type,
                            value_items(v)[i]);
        break;
    case T_MAP:
        add_map(out, type, v);
        break;
    default:
        store_codec_add_int(out, v.as.i64);
    }
}

void store_codec_add_columns(StrBuf *out, const Column *columns, const Value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        store_codec_add(out, columns[i].type, values[i]);
}

static Status bad_bytes(Error *err, const char *what)
{
    return error_set(err, E_DATA, NO_POS, "Stored row cannot be read: %s", what);
}

static Status read_varint(Str bytes, size_t *at, uint64_t *out, Error *err)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*at >= bytes.len)
            return bad_bytes(err, "it ends inside a number");
        unsigned char byte = (unsigned char)bytes.ptr[(*at)++];
        if (shift == 63 && byte > 1)
            break;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = n;
            return OK;
        }
    }
    return bad_bytes(err, "a number has more than 64 bits");
}

Status store_codec_read_int(Str bytes, size_t *at, int64_t *out, Error *err)
{
    uint64_t n = 0;
    TRY(read_varint(bytes, at, &n, err));
    *out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
    return OK;
}

/* A count of things that take at least one byte each. */
static Status read_count(Str bytes, size_t *at, uint32_t *out, Error *err)
{
    uint64_t n = 0;
    TRY(read_varint(bytes, at, &n, err));
    if (n > bytes.len - *at || n > UINT32_MAX)
        return bad_bytes(err, "a length goes beyond its end");
    *out = (uint32_t)n;
    return OK;
}

static Status read_bytes(Str bytes, size_t *at, Value *out, Error *err)
{
    uint32_t len = 0;
    TRY(read_count(bytes, at, &len, err));
    *out = value_string(bytes.ptr + *at, len);
    *at += len;
    return OK;
}

static Status read_text(Str bytes, size_t *at, Value *out, Error *err)
{
    TRY(read_bytes(bytes, at, out, err));
    return utf8_valid(value_str(*out)) ? OK : bad_bytes(err, "text is not UTF-8");
}

static Status read_double(Str bytes, size_t *at, Value *out, Error *err)
{
    if (bytes.len - *at < 8)
        return bad_bytes(err, "it ends inside a number");
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)(unsigned char)bytes.ptr[*at + (size_t)i] << (8 * i);
    *at += 8;
    *out = (Value){0};
    memcpy(&out->as.f64, &bits, sizeof bits);
    return OK;
}

static Status read_decimal(Str bytes, size_t *at, bool big, Value *out, Error *err)
{
    int64_t scale, unscaled;
    TRY(store_codec_read_int(bytes, at, &scale, err));
    if (scale < INT16_MIN || scale > INT16_MAX)
        return bad_bytes(err, "a decimal's scale is out of range");
    if (big) {
        TRY(read_bytes(bytes, at, out, err));
        if (out->len <= 8)
            return bad_bytes(err, "a small decimal stands as a big one");
        out->flags = VALUE_BIG;
        out->scale = (int16_t)scale;
        return OK;
    }
    TRY(store_codec_read_int(bytes, at, &unscaled, err));
    *out = value_decimal(unscaled, (int)scale);
    return OK;
}

static Status read_items(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err)
{
    uint32_t count = 0;
    TRY(read_count(bytes, at, &count, err));
    if (type->kind == T_STRUCT && count != type->field_count)
        return bad_bytes(err, "a STRUCT has another number of fields");
    Value *items = arena_try_alloc(arena, count * sizeof(Value), err);
    if (items == NULL)
        return E_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        TRY(store_codec_read(bytes, at, type->kind == T_ARRAY ? type->element : type->fields[i].type, arena,
                             &items[i], err));
    *out = value_array(items, count);
    return OK;
}

static Status read_map(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err)
{
    uint32_t count = 0;
    TRY(read_count(bytes, at, &count, err));
    MapEntry *entries = arena_try_alloc(arena, count * sizeof(MapEntry), err);
    if (entries == NULL)
        return E_LIMIT;
    for (uint32_t i = 0; i < count; i++) {
        TRY(store_codec_read(bytes, at, type->key, arena, &entries[i].key, err));
        TRY(store_codec_read(bytes, at, type->element, arena, &entries[i].value, err));
    }
    *out = value_map(entries, count);
    return OK;
}

static Status read_integer(Str bytes, size_t *at, const SqlType *type, Value *out, Error *err)
{
    int64_t n = 0;
    TRY(store_codec_read_int(bytes, at, &n, err));
    if (type->kind == T_BOOLEAN && n != 0 && n != 1)
        return bad_bytes(err, "a BOOLEAN is neither true nor false");
    *out = value_from_int(n);
    return OK;
}

Status store_codec_read(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err)
{
    if (*at >= bytes.len)
        return bad_bytes(err, "it ends too early");
    char tag = bytes.ptr[(*at)++];
    if (tag == TAG_NULL) {
        *out = value_null();
        return OK;
    }
    if (tag != TAG_PRESENT && !(tag == TAG_BIG && type->kind == T_DECIMAL))
        return bad_bytes(err, "unknown tag");
    switch (type->kind) {
    case T_DOUBLE:
        return read_double(bytes, at, out, err);
    case T_STRING:
        return read_text(bytes, at, out, err);
    case T_BYTES:
        return read_bytes(bytes, at, out, err);
    case T_DECIMAL:
        return read_decimal(bytes, at, tag == TAG_BIG, out, err);
    case T_ARRAY:
    case T_STRUCT:
        return read_items(bytes, at, type, arena, out, err);
    case T_MAP:
        return read_map(bytes, at, type, arena, out, err);
    default:
        return read_integer(bytes, at, type, out, err);
    }
}

Status store_codec_view(Str bytes, size_t *at, const SqlType *type, Arena *arena, Value *out, Error *err)
{
    uint32_t len = 0;
    if ((type->kind != T_STRING && type->kind != T_BYTES) || *at >= bytes.len ||
        bytes.ptr[*at] != TAG_PRESENT)
        return store_codec_read(bytes, at, type, arena, out, err);
    ++*at;
    TRY(read_count(bytes, at, &len, err));
    *out = value_string(bytes.ptr + *at, len);
    *at += len;
    return OK;
}

Status store_codec_read_columns(Str bytes, size_t *at, const Column *columns, size_t count, Arena *arena,
                                Value *out, Error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(store_codec_read(bytes, at, columns[i].type, arena, &out[i], err));
    return OK;
}

Status store_codec_read_rest(Str bytes, size_t *at, const Column *columns, size_t count, Arena *arena,
                             Value *out, Error *err)
{
    size_t present = 0;
    for (; present < count && *at < bytes.len; present++)
        TRY(store_codec_read(bytes, at, columns[present].type, arena, &out[present], err));
    for (; present < count; present++)
        out[present] = value_null();
    return OK;
}
