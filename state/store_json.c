/*
 * store_json.c - ARRAY, MAP and STRUCT as JSON text, so that SQLite's json functions can look into a table.
 *
 * For people only: the exact value stands in _exact. Numbers JSON does not have (NaN, infinities) become
 * strings.
 */
#include <inttypes.h>
#include <math.h>

#include "core/decimal.h"
#include "state/store_table.h"

static void add_text(StrBuf *out, Str s)
{
    strbuf_addc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\') {
            strbuf_addc(out, '\\');
            strbuf_addc(out, (char)c);
        } else if (c < 0x20) {
            strbuf_addf(out, "\\u%04x", c);
        } else {
            strbuf_addc(out, (char)c);
        }
    }
    strbuf_addc(out, '"');
}

static void add_base64(StrBuf *out, Str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    strbuf_addc(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t   left = bytes.len - i;
        uint32_t n    = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        n |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        n |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
        strbuf_addc(out, digits[n >> 18]);
        strbuf_addc(out, digits[n >> 12 & 63]);
        strbuf_addc(out, left > 1 ? digits[n >> 6 & 63] : '=');
        strbuf_addc(out, left > 2 ? digits[n & 63] : '=');
    }
    strbuf_addc(out, '"');
}

static void add_double(StrBuf *out, double d)
{
    char   text[32];
    size_t len = double_print(d, text);
    if (isfinite(d))
        strbuf_add(out, str_n(text, len));
    else
        add_text(out, str_n(text, len));
}

/* A map's key as the name of a JSON member. */
static void add_member(StrBuf *out, const SqlType *type, Value key)
{
    if (value_is_null(key)) {
        strbuf_adds(out, "\"null\"");
    } else if (type->kind == T_STRING) {
        add_text(out, value_str(key));
    } else {
        StrBuf text = {0};
        store_json_add(&text, type, key);
        if (text.len > 0 && text.ptr[0] == '"')
            strbuf_add(out, strbuf_str(&text));
        else
            add_text(out, strbuf_str(&text));
        strbuf_clear(&text);
    }
}

static void add_compound(StrBuf *out, const SqlType *type, Value v)
{
    strbuf_addc(out, type->kind == T_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            strbuf_addc(out, ',');
        if (type->kind == T_ARRAY) {
            store_json_add(out, type->element, value_items(v)[i]);
        } else if (type->kind == T_STRUCT) {
            add_text(out, type->fields[i].name);
            strbuf_addc(out, ':');
            store_json_add(out, type->fields[i].type, value_items(v)[i]);
        } else {
            add_member(out, type->key, value_entries(v)[i].key);
            strbuf_addc(out, ':');
            store_json_add(out, type->element, value_entries(v)[i].value);
        }
    }
    strbuf_addc(out, type->kind == T_ARRAY ? ']' : '}');
}

void store_json_add(StrBuf *out, const SqlType *type, Value v)
{
    if (value_is_null(v)) {
        strbuf_adds(out, "null");
        return;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        strbuf_adds(out, value_bool(v) ? "true" : "false");
        break;
    case T_DOUBLE:
        add_double(out, value_double(v));
        break;
    case T_DECIMAL:
        decimal_print(v, out);
        break;
    case T_STRING:
        add_text(out, value_str(v));
        break;
    case T_BYTES:
        add_base64(out, value_str(v));
        break;
    case T_ARRAY:
    case T_STRUCT:
    case T_MAP:
        add_compound(out, type, v);
        break;
    default:
        strbuf_addf(out, "%" PRId64, value_int(v));
    }
}
