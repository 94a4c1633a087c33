/*
 * value_print.c - the text of CAST(v AS STRING).
 *
 * Java's toString in disguise: lists in brackets, maps in braces, structs by name without their null fields.
 * Recursion follows the type.
 */
#include "core/decimal.h"

static void entries_print(const SqlType *type, Value v, StrBuf *out)
{
    strbuf_addc(out, '{');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        value_print(type->key, value_entries(v)[i].key, out);
        strbuf_addc(out, '=');
        value_print(type->element, value_entries(v)[i].value, out);
    }
    strbuf_addc(out, '}');
}

static void struct_value_print(const SqlType *type, Value v, StrBuf *out)
{
    bool first = true;
    strbuf_adds(out, "Struct{");
    for (uint32_t i = 0; i < v.len && i < type->field_count; i++) {
        if (value_is_null(value_items(v)[i]))
            continue;
        if (!first)
            strbuf_addc(out, ',');
        first = false;
        strbuf_add(out, type->fields[i].name);
        strbuf_addc(out, '=');
        value_print(type->fields[i].type, value_items(v)[i], out);
    }
    strbuf_addc(out, '}');
}

static void items_print(const SqlType *element, Value v, StrBuf *out)
{
    strbuf_addc(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        value_print(element, value_items(v)[i], out);
    }
    strbuf_addc(out, ']');
}

/* BYTES have no text in SQL; inside other values they show as base64. */
static void bytes_print(Value v, StrBuf *out)
{
    Arena *arena = arena_new(0);
    strbuf_add(out, base64_encode(arena, value_str(v)));
    arena_free(arena);
}

void value_print(const SqlType *type, Value v, StrBuf *out)
{
    char text[40];
    if (value_is_null(v)) {
        strbuf_adds(out, "null");
        return;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        strbuf_adds(out, value_bool(v) ? "true" : "false");
        break;
    case T_INTEGER:
    case T_BIGINT:
    case T_UNIT:
        strbuf_add(out, str_n(text, int64_print(value_int(v), text)));
        break;
    case T_DECIMAL:
        decimal_print(v, out);
        break;
    case T_DOUBLE:
        strbuf_add(out, str_n(text, double_print(value_double(v), text)));
        break;
    case T_STRING:
        strbuf_add(out, value_str(v));
        break;
    case T_BYTES:
        bytes_print(v, out);
        break;
    case T_TIME:
        strbuf_add(out, str_n(text, time_print(value_int(v), text)));
        break;
    case T_DATE:
        strbuf_add(out, str_n(text, date_print(value_int(v), text)));
        break;
    case T_TIMESTAMP:
        strbuf_add(out, str_n(text, timestamp_print(value_int(v), text)));
        break;
    case T_ARRAY:
        items_print(type->element, v, out);
        break;
    case T_MAP:
        entries_print(type, v, out);
        break;
    case T_STRUCT:
        struct_value_print(type, v, out);
        break;
    case T_NULL:
    case T_LAMBDA:
        strbuf_adds(out, "null");
    }
}
