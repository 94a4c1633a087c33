/*
 * avro_default.c - see avro_default.h. A default of a union is one of its first branch (Avro 1.11,
 * "Complex Types"); of bytes and fixed a text whose characters are the bytes.
 */
#include "serde/avro_default.h"

#include <jansson.h>

/* Types that are used twice at each level double what they take. */
enum { DEEPEST = 64, MOST_STEPS = 1 << 16, MOST_BYTES = 1 << 20 };

typedef struct {
    StrBuf *out;
    size_t  limit, steps; /* of its length, of the types that it may still go through */
} Filling;

/* One type more. */
static Status step(Filling *f, const AvroType *type, int depth, Error *err)
{
    size_t bytes = type->kind == AVRO_FIXED ? type->size : 0;
    if (depth > DEEPEST || f->steps == 0 || f->out->len > f->limit || bytes > f->limit - f->out->len)
        return error_set(err, E_DATA, NO_POS, "A default or zero nests too deep or is too large");
    f->steps--;
    return OK;
}

static Filling filling(StrBuf *out) { return (Filling){out, out->len + MOST_BYTES, MOST_STEPS}; }

void avro_put_varint(int64_t n, StrBuf *out)
{
    uint64_t bits = ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
    strbuf_reserve(out, 10);
    while (bits >= 0x80) {
        out->ptr[out->len++] = (char)(uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    out->ptr[out->len++] = (char)(uint8_t)bits;
}

void avro_put_span(Str bytes, StrBuf *out)
{
    avro_put_varint((int64_t)bytes.len, out);
    strbuf_add(out, bytes);
}

static void put_little_endian(uint64_t bits, size_t size, StrBuf *out)
{
    for (size_t i = 0; i < size; i++)
        strbuf_addc(out, (char)(uint8_t)(bits >> (8 * i)));
}

void avro_put_double(double d, StrBuf *out)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    put_little_endian(bits, 8, out);
}

void avro_put_float(float f, StrBuf *out)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    put_little_endian(bits, 4, out);
}

/* ---- zeros ---- */

static Status put_zero(Filling *f, const AvroType *type, int depth, Error *err)
{
    TRY(step(f, type, depth, err)); /* a record within itself that is never null has no finite value */
    switch (type->kind) {
    case AVRO_NULL:
        return OK;
    case AVRO_FLOAT:
        put_little_endian(0, 4, f->out);
        return OK;
    case AVRO_DOUBLE:
        put_little_endian(0, 8, f->out);
        return OK;
    case AVRO_FIXED:
        for (size_t i = 0; i < type->size; i++)
            strbuf_addc(f->out, 0);
        return OK;
    case AVRO_RECORD:
        for (size_t i = 0; i < type->count; i++)
            TRY(put_zero(f, type->fields[i].type, depth + 1, err));
        return OK;
    case AVRO_UNION: {
        size_t branch = 0;
        for (size_t i = 0; i < type->count; i++)
            if (type->branches[i]->kind == AVRO_NULL)
                branch = i;
        avro_put_varint((int64_t)branch, f->out);
        return type->count > 0 ? put_zero(f, type->branches[branch], depth + 1, err) : OK;
    }
    default: /* a zero, false, a length or a count of none, the first symbol */
        strbuf_addc(f->out, 0);
        return OK;
    }
}

Status avro_put_zero(const AvroType *type, StrBuf *out, Error *err)
{
    Filling f = filling(out);
    return put_zero(&f, type, 0, err);
}

/* ---- defaults ---- */

static Status put_json(Filling *f, const AvroType *type, const json_t *json, int depth, Error *err);
static Status put_text(Filling *f, const AvroType *type, Str text, int depth, Error *err);

static Status put_members(Filling *f, const AvroType *type, json_t *json, int depth, Error *err)
{
    const char *key;
    json_t     *value;
    if (json_object_size(json) > 0)
        avro_put_varint((int64_t)json_object_size(json), f->out);
    json_object_foreach(json, key, value)
    {
        avro_put_span(str_c(key), f->out);
        TRY(put_json(f, type->element, value, depth, err));
    }
    strbuf_addc(f->out, 0);
    return OK;
}

static Status put_items(Filling *f, const AvroType *type, const json_t *json, int depth, Error *err)
{
    size_t count = json_array_size(json);
    if (count > 0)
        avro_put_varint((int64_t)count, f->out);
    for (size_t i = 0; i < count; i++)
        TRY(put_json(f, type->element, json_array_get(json, i), depth, err));
    strbuf_addc(f->out, 0);
    return OK;
}

/* Fields that the default leaves out have their own. */
static Status put_record(Filling *f, const AvroType *type, const json_t *json, int depth, Error *err)
{
    for (size_t i = 0; i < type->count; i++) {
        const AvroField *field = &type->fields[i];
        char             name[256];
        if (field->name.len >= sizeof name)
            return error_set(err, E_DATA, NO_POS, "A field's name is too long for a default");
        memcpy(name, field->name.ptr, field->name.len);
        name[field->name.len] = 0;
        const json_t *member  = json_object_get(json, name);
        if (member != NULL)
            TRY(put_json(f, field->type, member, depth, err));
        else if (!str_is_null(field->fallback))
            TRY(put_text(f, field->type, field->fallback, depth, err));
        else
            return error_set(err, E_DATA, NO_POS, "A default lacks the field " STR_FMT, STR_ARG(field->name));
    }
    return OK;
}

/* \u00FF is the byte FF. */
static Status put_bytes(const AvroType *type, const json_t *json, StrBuf *out, Error *err)
{
    Str    text  = str_n(json_string_value(json), json_string_length(json));
    StrBuf bytes = {0};
    for (size_t at = 0; at < text.len;)
        strbuf_addc(&bytes, (char)(uint8_t)utf8_next(text, &at));
    bool fits = type->kind == AVRO_BYTES || bytes.len == type->size;
    if (type->kind == AVRO_BYTES)
        avro_put_varint((int64_t)bytes.len, out);
    strbuf_add(out, strbuf_str(&bytes));
    strbuf_clear(&bytes);
    return fits ? OK : error_set(err, E_DATA, NO_POS, "A default of a fixed has another size");
}

static Status put_symbol(const AvroType *type, Str symbol, StrBuf *out, Error *err)
{
    for (size_t i = 0; i < type->count; i++)
        if (str_equal(type->symbols[i], symbol)) {
            avro_put_varint((int64_t)i, out);
            return OK;
        }
    return error_set(err, E_DATA, NO_POS, "A default is no symbol of its enum");
}

static Status put_json(Filling *f, const AvroType *type, const json_t *json, int depth, Error *err)
{
    StrBuf *out = f->out;
    TRY(step(f, type, depth, err));
    switch (type->kind) {
    case AVRO_NULL:
        if (json_is_null(json))
            return OK;
        break;
    case AVRO_BOOLEAN:
        if (!json_is_boolean(json))
            break;
        strbuf_addc(out, json_is_true(json) ? 1 : 0);
        return OK;
    case AVRO_INT:
    case AVRO_LONG:
        if (!json_is_integer(json))
            break;
        avro_put_varint(json_integer_value(json), out);
        return OK;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        if (!json_is_number(json))
            break;
        if (type->kind == AVRO_DOUBLE)
            avro_put_double(json_number_value(json), out);
        else
            avro_put_float((float)json_number_value(json), out);
        return OK;
    case AVRO_STRING:
    case AVRO_ENUM:
        if (!json_is_string(json))
            break;
        if (type->kind == AVRO_ENUM)
            return put_symbol(type, str_c(json_string_value(json)), out, err);
        avro_put_span(str_n(json_string_value(json), json_string_length(json)), out);
        return OK;
    case AVRO_BYTES:
    case AVRO_FIXED:
        if (!json_is_string(json))
            break;
        return put_bytes(type, json, out, err);
    case AVRO_ARRAY:
        if (!json_is_array(json))
            break;
        return put_items(f, type, json, depth + 1, err);
    case AVRO_MAP:
        if (!json_is_object(json))
            break;
        return put_members(f, type, (json_t *)json, depth + 1, err);
    case AVRO_RECORD:
        if (!json_is_object(json))
            break;
        return put_record(f, type, json, depth + 1, err);
    case AVRO_UNION:
        if (type->count == 0)
            break;
        avro_put_varint(0, out);
        return put_json(f, type->branches[0], json, depth + 1, err);
    }
    return error_set(err, E_DATA, NO_POS, "A default does not have the type of its field");
}

static Status put_text(Filling *f, const AvroType *type, Str text, int depth, Error *err)
{
    json_error_t why;
    json_t      *json = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &why);
    if (json == NULL)
        return error_set(err, E_DATA, NO_POS, "A default is not valid JSON: %s", why.text);
    Status status = put_json(f, type, json, depth, err);
    json_decref(json);
    return status;
}

Status avro_put_default(const AvroType *type, Str text, StrBuf *out, Error *err)
{
    Filling f = filling(out);
    return put_text(&f, type, text, 0, err);
}
