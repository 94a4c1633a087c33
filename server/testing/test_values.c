/*
 * test_values.c - see test_values.h.
 */
#include "server/testing/test_values.h"

#include "core/decimal.h"
#include "serde/serde.h"
#include "server/testing/json_raw.h"

/* ---- reading ---- */

static Status refuse(const SqlType *type, Str raw, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Test data: " STR_FMT " is no %s", STR_ARG(raw),
                     type_kind_name(type->kind));
}

static Status read_scalar(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err)
{
    Str     text = raw_text(raw, arena), bytes;
    int64_t n;
    double  d;
    Value   exact;
    switch (type->kind) {
    case T_BOOLEAN:
        *out = value_from_bool(str_equal_nocase(text, STR_LIT("true")));
        return OK;
    case T_DOUBLE:
        if (!double_parse(text, &d))
            return refuse(type, raw, err);
        *out = value_from_double(d);
        return OK;
    case T_DECIMAL:
        TRY(decimal_parse(arena, text, &exact, err));
        return decimal_ensure_fit(arena, exact, type->precision, type->scale, out, err);
    case T_STRING:
        *out = value_from_str(text);
        return OK;
    case T_BYTES:
        TRY(base64_decode(arena, text, &bytes, err));
        *out = value_from_str(bytes);
        return OK;
    default:
        if (!int64_parse(text, &n))
            return refuse(type, raw, err);
        *out = value_from_int(n);
        return OK;
    }
}

static Status read_array(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err)
{
    size_t at = 0, count = 0;
    Str    item;
    while (raw_next(raw, &at, &item))
        count++;
    Value *items = ARENA_ARRAY(arena, Value, count + 1);
    at = count = 0;
    while (raw_next(raw, &at, &item))
        TRY(test_value_read(type->element, item, arena, &items[count++], err));
    *out = value_array(items, count);
    return OK;
}

/* {"k": v}, or the array of entries that some formats have on the wire. */
static Status read_map(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err)
{
    size_t at = 0, count = 0;
    Str    item, name;
    bool   entries = raw.len > 0 && raw.ptr[0] == '[';
    while (entries ? raw_next(raw, &at, &item) : raw_next_member(raw, &at, arena, &name, &item))
        count++;
    MapEntry *items = ARENA_ARRAY(arena, MapEntry, count + 1);
    at = count = 0;
    while (entries ? raw_next(raw, &at, &item) : raw_next_member(raw, &at, arena, &name, &item)) {
        if (entries) {
            name = raw_text(raw_member(item, "key"), arena);
            item = raw_member(item, "value");
        }
        items[count].key = value_from_str(name);
        TRY(test_value_read(type->element, item, arena, &items[count++].value, err));
    }
    *out = value_map(items, count);
    return OK;
}

/* Its exact name first: a record may have fields that differ in case alone. */
static Str find_member(Str object, Str name, Arena *arena)
{
    Str    found, value;
    size_t at    = 0;
    Str    exact = raw_member(object, str_to_c(arena, name));
    if (!str_is_null(exact))
        return exact;
    while (raw_next_member(object, &at, arena, &found, &value))
        if (str_equal_nocase(found, name))
            return value;
    return STR_NULL;
}

static Status read_struct(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err)
{
    Value *fields = ARENA_ARRAY(arena, Value, type->field_count + 1);
    if (raw.len == 0 || raw.ptr[0] != '{')
        return refuse(type, raw, err);
    for (size_t i = 0; i < type->field_count; i++)
        TRY(test_value_read(type->fields[i].type, find_member(raw, type->fields[i].name, arena), arena,
                            &fields[i], err));
    *out = value_array(fields, type->field_count);
    return OK;
}

Status test_value_read(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err)
{
    if (raw_is_null(raw)) {
        *out = value_null();
        return OK;
    }
    switch (type->kind) {
    case T_ARRAY:
        return read_array(type, raw, arena, out, err);
    case T_MAP:
        return read_map(type, raw, arena, out, err);
    case T_STRUCT:
        return read_struct(type, raw, arena, out, err);
    default:
        return read_scalar(type, raw, arena, out, err);
    }
}

/* ---- writing ---- */

static void print_struct(const SqlType *type, Value value, StrBuf *out)
{
    strbuf_addc(out, '{');
    for (size_t i = 0; i < type->field_count; i++) {
        strbuf_adds(out, i ? "," : "");
        json_write_string(type->fields[i].name, out);
        strbuf_addc(out, ':');
        test_value_print(type->fields[i].type, value_items(value)[i], out);
    }
    strbuf_addc(out, '}');
}

static void print_map(const SqlType *type, Value value, StrBuf *out)
{
    strbuf_addc(out, '{');
    for (size_t i = 0; i < value.len; i++) {
        strbuf_adds(out, i ? "," : "");
        json_write_string(value_str(value_entries(value)[i].key), out);
        strbuf_addc(out, ':');
        test_value_print(type->element, value_entries(value)[i].value, out);
    }
    strbuf_addc(out, '}');
}

void test_value_print(const SqlType *type, Value value, StrBuf *out)
{
    if (value_is_null(value)) {
        strbuf_adds(out, "null");
        return;
    }
    switch (type->kind) {
    case T_DECIMAL:
        decimal_print(value, out);
        return;
    case T_ARRAY:
        strbuf_addc(out, '[');
        for (size_t i = 0; i < value.len; i++) {
            strbuf_adds(out, i ? "," : "");
            test_value_print(type->element, value_items(value)[i], out);
        }
        strbuf_addc(out, ']');
        return;
    case T_MAP:
        print_map(type, value, out);
        return;
    case T_STRUCT:
        print_struct(type, value, out);
        return;
    default:
        json_write_value(type, value, JSON_STYLE_TOPIC, out);
        return;
    }
}
