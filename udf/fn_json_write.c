/*
 * fn_json_write.c - TO_JSON_STRING: any value as JSON text (functions.md 3.6.2).
 *
 * Keys of maps and fields of structs are sorted by UTF-16 unit, so equal values give equal texts.
 */
#include "core/decimal.h"
#include "udf/json_tree.h"
#include "udf/site_cache.h"

typedef struct {
    Str            key;
    const SqlType *type;
    Value          value;
} Member;

static Status write_value(const FnCall *call, const SqlType *type, Value value, StrBuf *out, Error *err);

static int by_key(const void *a, const void *b)
{
    return utf16_compare(((const Member *)a)->key, ((const Member *)b)->key);
}

static Status write_members(const FnCall *call, Member *members, size_t count, StrBuf *out, Error *err)
{
    if (count > 1)
        qsort(members, count, sizeof *members, by_key);
    strbuf_addc(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_addc(out, ',');
        json_print_string(members[i].key, out);
        strbuf_addc(out, ':');
        TRY(write_value(call, members[i].type, members[i].value, out, err));
    }
    strbuf_addc(out, '}');
    return OK;
}

static Str key_text(const FnCall *call, const SqlType *type, Value key)
{
    if (!value_is_null(key) && type->kind == T_STRING)
        return value_str(key);
    StrBuf text = {0};
    value_print(type, key, &text);
    Str copy = str_dup(call->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static Status write_map(const FnCall *call, const SqlType *type, Value value, StrBuf *out, Error *err)
{
    Member *members = arena_try_alloc(call->arena, (value.len + 1) * sizeof *members, err);
    if (members == NULL)
        return E_LIMIT;
    const MapEntry *entries = value_entries(value);
    for (size_t i = 0; i < value.len; i++)
        members[i] = (Member){key_text(call, type->key, entries[i].key), type->element, entries[i].value};
    return write_members(call, members, value.len, out, err);
}

static Status write_struct(const FnCall *call, const SqlType *type, Value value, StrBuf *out, Error *err)
{
    Member *members = ARENA_ARRAY(call->arena, Member, type->field_count + 1);
    for (size_t i = 0; i < type->field_count; i++)
        members[i] = (Member){type->fields[i].name, type->fields[i].type, value_items(value)[i]};
    return write_members(call, members, type->field_count, out, err);
}

static Status write_array(const FnCall *call, const SqlType *type, Value value, StrBuf *out, Error *err)
{
    strbuf_addc(out, '[');
    for (size_t i = 0; i < value.len; i++) {
        if (i > 0)
            strbuf_addc(out, ',');
        TRY(write_value(call, type->element, value_items(value)[i], out, err));
    }
    strbuf_addc(out, ']');
    return OK;
}

static void write_double(double number, StrBuf *out)
{
    char   text[32];
    size_t len    = double_print(number, text);
    bool   finite = number - number == 0;
    if (!finite)
        strbuf_addc(out, '"');
    strbuf_add(out, str_n(text, len));
    if (!finite)
        strbuf_addc(out, '"');
}

/* DATE, TIME, TIMESTAMP: their text in quotes. */
static void write_moment(const SqlType *type, Value value, StrBuf *out)
{
    char   text[48];
    size_t len = type->kind == T_DATE   ? date_print(value_int(value), text)
                 : type->kind == T_TIME ? time_print(value_int(value), text)
                                        : timestamp_print(value_int(value), text);
    json_print_string(str_n(text, len), out);
}

/* As deep as the type, which the statement's parser bounds. */
static Status write_value(const FnCall *call, const SqlType *type, Value value, StrBuf *out, Error *err)
{
    char number[24];
    if (value_is_null(value)) {
        strbuf_adds(out, "null");
        return OK;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        strbuf_adds(out, value_bool(value) ? "true" : "false");
        return OK;
    case T_INTEGER:
    case T_BIGINT:
        strbuf_add(out, str_n(number, int64_print(value_int(value), number)));
        return OK;
    case T_DOUBLE:
        write_double(value_double(value), out);
        return OK;
    case T_DECIMAL:
        decimal_print(value, out);
        return OK;
    case T_STRING:
        json_print_string(value_str(value), out);
        return OK;
    case T_BYTES:
        json_print_string(base64_encode(call->arena, value_str(value)), out);
        return OK;
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        write_moment(type, value, out);
        return OK;
    case T_ARRAY:
        return write_array(call, type, value, out, err);
    case T_MAP:
        return write_map(call, type, value, out, err);
    case T_STRUCT:
        return write_struct(call, type, value, out, err);
    case T_NULL:
    case T_UNIT:
    case T_LAMBDA:
        break;
    }
    return error_set(err, E_DATA, NO_POS, "TO_JSON_STRING: unexpected type %s", type_kind_name(type->kind));
}

static Status fn_to_json_string(const FnCall *call, Value *result, Error *err)
{
    StrBuf *text = site_text(call);
    TRY(write_value(call, call->arg_types[0], call->args[0], text, err));
    return site_text_result(call, text, result, err);
}

const ScalarFn json_write_functions[] = {
    {"TO_JSON_STRING", "(val T) -> STRING", 0, fn_to_json_string,
     "Given any data type, returns the equivalent JSON string.", NULL},
    {0},
};
