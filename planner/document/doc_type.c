/*
 * doc_type.c - types, values and schemas in the plan's document.
 *
 * Values are exact: a DOUBLE is written as its 64 bits, a DECIMAL as its unscaled number and its own scale,
 * BYTES in base64. Which is meant follows from the type, which stands beside each value.
 */
#include "planner/document/doc.h"

/* ---- types ---- */

static const char *const kind_names[] = {
    [T_BOOLEAN] = "BOOLEAN", [T_INTEGER] = "INTEGER",     [T_BIGINT] = "BIGINT", [T_DECIMAL] = "DECIMAL",
    [T_DOUBLE] = "DOUBLE",   [T_STRING] = "STRING",       [T_BYTES] = "BYTES",   [T_TIME] = "TIME",
    [T_DATE] = "DATE",       [T_TIMESTAMP] = "TIMESTAMP", [T_ARRAY] = "ARRAY",   [T_MAP] = "MAP",
    [T_STRUCT] = "STRUCT",   [T_NULL] = "NULL",           [T_UNIT] = "UNIT",     [T_LAMBDA] = "LAMBDA"};

static const SqlType *const simple_types[] = {
    [T_BOOLEAN] = &type_boolean, [T_INTEGER] = &type_integer, [T_BIGINT] = &type_bigint,
    [T_DOUBLE] = &type_double,   [T_STRING] = &type_string,   [T_BYTES] = &type_bytes,
    [T_TIME] = &type_time,       [T_DATE] = &type_date,       [T_TIMESTAMP] = &type_timestamp,
    [T_NULL] = &type_null,       [T_UNIT] = &type_unit,       [T_LAMBDA] = NULL};

json_t *doc_json_type(const SqlType *type)
{
    if (simple_types[type->kind] != NULL)
        return json_string_nocheck(kind_names[type->kind]);
    json_t *json = json_object();
    doc_put(json, "kind", json_string_nocheck(kind_names[type->kind]));
    if (type->kind == T_DECIMAL) {
        doc_put(json, "precision", json_integer(type->precision));
        doc_put(json, "scale", json_integer(type->scale));
    } else if (type->kind == T_LAMBDA) {
        doc_put(json, "params", json_integer((json_int_t)type->field_count));
    } else if (type->kind == T_STRUCT) {
        json_t *fields = json_array();
        for (size_t i = 0; i < type->field_count; i++) {
            json_t *field = json_object();
            doc_put_text(field, "name", type->fields[i].name);
            doc_put(field, "type", doc_json_type(type->fields[i].type));
            json_array_append_new(fields, field);
        }
        doc_put(json, "fields", fields);
    } else {
        if (type->kind == T_MAP)
            doc_put(json, "key", doc_json_type(type->key));
        doc_put(json, "element", doc_json_type(type->element));
    }
    return json;
}

static const SqlType *struct_of(DocReader *r, const DocNode *json)
{
    size_t         count;
    const DocNode *array  = doc_array(r, json, "fields", &count);
    SqlField      *fields = ARENA_ARRAY(r->arena, SqlField, count + 1);
    const DocNode *field  = doc_first(array);
    for (size_t i = 0; doc_ok(r) && i < count; i++, field = doc_next(field)) {
        fields[i].name = doc_text(r, field, "name");
        fields[i].type = doc_type(r, field, "type");
    }
    return doc_ok(r) ? type_struct(r->arena, fields, count) : &type_null;
}

static const SqlType *lambda_of(DocReader *r, const DocNode *json)
{
    SqlType *type     = ARENA_NEW(r->arena, SqlType);
    type->kind        = T_LAMBDA;
    type->field_count = (size_t)doc_int(r, json, "params", 0, DOC_DEPTH_MAX);
    return type;
}

/* Precision 0 is that of comparisons, which are exact whatever the operands' is. */
static const SqlType *decimal_of(DocReader *r, const DocNode *json)
{
    int precision = (int)doc_int(r, json, "precision", 0, INT16_MAX);
    int scale     = (int)doc_int(r, json, "scale", 0, INT16_MAX);
    return type_decimal_unchecked(r->arena, precision, scale);
}

static const SqlType *compound_of(DocReader *r, const DocNode *json)
{
    switch (doc_choice(r, json, "kind", kind_names, ARRAY_LEN(kind_names))) {
    case T_DECIMAL:
        return decimal_of(r, json);
    case T_ARRAY:
        return type_array(r->arena, doc_type(r, json, "element"));
    case T_MAP: {
        const SqlType *key = doc_type(r, json, "key");
        return type_map(r->arena, key, doc_type(r, json, "element"));
    }
    case T_STRUCT:
        return struct_of(r, json);
    case T_LAMBDA:
        return lambda_of(r, json);
    default:
        doc_fail(r, "a type with parts must be a DECIMAL, ARRAY, MAP or STRUCT");
        return &type_null;
    }
}

const SqlType *doc_type_of(DocReader *r, const DocNode *json)
{
    const SqlType *type = &type_null;
    if (++r->depth > DOC_DEPTH_MAX)
        doc_fail(r, "a type is nested too deeply");
    else if (doc_is_object(json))
        type = compound_of(r, json);
    else {
        size_t kind = 0;
        while (kind < ARRAY_LEN(kind_names) &&
               (simple_types[kind] == NULL || !doc_string_is(json, kind_names[kind])))
            kind++;
        if (kind < ARRAY_LEN(kind_names))
            type = simple_types[kind];
        else
            doc_fail(r, "'" STR_FMT "' is no type that this version knows", STR_ARG(doc_string(json)));
    }
    r->depth--;
    return doc_ok(r) ? type : &type_null;
}

const SqlType *doc_type(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *field = doc_field(r, object, name);
    return field != NULL ? doc_type_of(r, field) : &type_null;
}

/* ---- values ---- */

static json_t *json_bits(uint64_t bits)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)bits);
    return json_string_nocheck(text);
}

static json_t *json_double(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return json_bits(bits);
}

static json_t *json_bytes(Str bytes)
{
    Arena  *arena = arena_new(0);
    Str     text  = base64_encode(arena, bytes);
    json_t *json  = json_stringn_nocheck(text.ptr, text.len);
    arena_free(arena);
    return json;
}

static json_t *json_decimal(Value v)
{
    json_t *unscaled = (v.flags & VALUE_BIG) != 0 ? json_bytes(value_str(v)) : json_integer(value_int(v));
    return json_pack("{s:o, s:i}", "unscaled", unscaled, "scale", (int)v.scale);
}

json_t *doc_json_value(const SqlType *type, Value value)
{
    json_t *array;
    if (value_is_null(value))
        return json_null();
    switch (type->kind) {
    case T_BOOLEAN:
        return json_boolean(value_bool(value));
    case T_DOUBLE:
        return json_double(value_double(value));
    case T_STRING:
        return doc_json_text(value_str(value));
    case T_BYTES:
        return json_bytes(value_str(value));
    case T_DECIMAL:
        return json_decimal(value);
    case T_ARRAY:
    case T_STRUCT:
        array = json_array();
        for (size_t i = 0; i < value.len; i++)
            json_array_append_new(array,
                                  doc_json_value(type->kind == T_ARRAY ? type->element : type->fields[i].type,
                                                 value_items(value)[i]));
        return array;
    case T_MAP:
        array = json_array();
        for (size_t i = 0; i < value.len; i++)
            json_array_append_new(array,
                                  json_pack("[o, o]", doc_json_value(type->key, value_entries(value)[i].key),
                                            doc_json_value(type->element, value_entries(value)[i].value)));
        return array;
    default:
        return json_integer(value_int(value));
    }
}

static Value double_of(DocReader *r, const DocNode *json)
{
    static const char digits[] = "0123456789abcdef";
    Str               text     = doc_string(json);
    uint64_t          bits     = 0;
    size_t            len      = 0;
    double            d;
    for (; len < text.len && len < 16; len++) {
        const char *digit = memchr(digits, text.ptr[len], 16);
        if (digit == NULL)
            break;
        bits = bits << 4 | (uint64_t)(digit - digits);
    }
    if (len != 16 || text.len != 16)
        doc_fail(r, "a DOUBLE must be 16 hexadecimal digits");
    memcpy(&d, &bits, sizeof d);
    return value_from_double(d);
}

static Value bytes_of(DocReader *r, const DocNode *json)
{
    Str bytes = STR_LIT("");
    if (!doc_is_text(json) || base64_decode(r->arena, doc_string(json), &bytes, NULL) != OK)
        doc_fail(r, "BYTES must be in base64");
    return value_from_str(bytes);
}

static Value decimal_value_of(DocReader *r, const DocNode *json)
{
    const DocNode *unscaled = doc_field(r, json, "unscaled");
    int            scale    = (int)doc_int(r, json, "scale", INT16_MIN, INT16_MAX);
    int64_t        whole;
    if (doc_whole(unscaled, &whole))
        return value_decimal(whole, scale);
    Value v = bytes_of(r, unscaled);
    if (doc_ok(r) && v.len <= sizeof(int64_t))
        doc_fail(r, "the unscaled number of a DECIMAL must not be in base64 when it fits 64 bits");
    v.flags = VALUE_BIG;
    v.scale = (int16_t)scale;
    return v;
}

static Value list_of(DocReader *r, const DocNode *json, const SqlType *type)
{
    size_t count = doc_count(json);
    Value *items = ARENA_ARRAY(r->arena, Value, count + 1);
    if (!doc_is_list(json) || (type->kind == T_STRUCT && count != type->field_count))
        doc_fail(r, "a value is no list, or not as long as its type");
    const DocNode *item = doc_first(json);
    for (size_t i = 0; doc_ok(r) && i < count; i++, item = doc_next(item))
        items[i] = doc_value_of(r, item, type->kind == T_STRUCT ? type->fields[i].type : type->element);
    return value_array(items, count);
}

static Value map_of(DocReader *r, const DocNode *json, const SqlType *type)
{
    size_t    count   = doc_count(json);
    MapEntry *entries = ARENA_ARRAY(r->arena, MapEntry, count + 1);
    if (!doc_is_list(json))
        doc_fail(r, "a MAP must be a list of pairs");
    const DocNode *pair = doc_first(json);
    for (size_t i = 0; doc_ok(r) && i < count; i++, pair = doc_next(pair)) {
        entries[i].key   = doc_value_of(r, doc_item(pair, 0), type->key);
        entries[i].value = doc_value_of(r, doc_item(pair, 1), type->element);
    }
    return value_map(entries, count);
}

static Value text_value_of(DocReader *r, const DocNode *json)
{
    if (!doc_is_text(json)) {
        doc_fail(r, "a STRING must be a text");
        return value_null();
    }
    return value_from_str(str_dup(r->arena, doc_string(json)));
}

Value doc_value_of(DocReader *r, const DocNode *json, const SqlType *type)
{
    int64_t whole;
    if (json == NULL)
        doc_fail(r, "a value is missing");
    if (!doc_ok(r) || doc_is_null(json))
        return value_null();
    switch (type->kind) {
    case T_BOOLEAN:
        if (!doc_is_bool(json))
            doc_fail(r, "a BOOLEAN must be true or false");
        return value_from_bool(doc_is_true(json));
    case T_DOUBLE:
        return double_of(r, json);
    case T_STRING:
        return text_value_of(r, json);
    case T_BYTES:
        return bytes_of(r, json);
    case T_DECIMAL:
        return decimal_value_of(r, json);
    case T_ARRAY:
    case T_STRUCT:
        return list_of(r, json, type);
    case T_MAP:
        return map_of(r, json, type);
    case T_NULL:
    case T_LAMBDA:
        doc_fail(r, "there is no such value");
        return value_null();
    default:
        if (!doc_whole(json, &whole))
            doc_fail(r, "a value of type %s must be a whole number", type_kind_name(type->kind));
        return value_from_int(whole);
    }
}

/* ---- schemas ---- */

static const char *const role_names[] = {[COLUMN_KEY]          = "KEY",
                                         [COLUMN_VALUE]        = "VALUE",
                                         [COLUMN_HEADERS]      = "HEADERS",
                                         [COLUMN_ROWTIME]      = "ROWTIME",
                                         [COLUMN_ROWPARTITION] = "ROWPARTITION",
                                         [COLUMN_ROWOFFSET]    = "ROWOFFSET",
                                         [COLUMN_WINDOWSTART]  = "WINDOWSTART",
                                         [COLUMN_WINDOWEND]    = "WINDOWEND"};

json_t *doc_json_schema(const Schema *schema)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        json_t       *json   = json_object();
        doc_put_text(json, "name", column->name);
        doc_put(json, "type", doc_json_type(column->type));
        doc_put(json, "role", json_string_nocheck(role_names[column->role]));
        if (column->role == COLUMN_HEADERS)
            doc_put_text(json, "header", column->header_key);
        json_array_append_new(columns, json);
    }
    return columns;
}

const Schema *doc_schema(DocReader *r, const DocNode *object, const char *name)
{
    size_t         count;
    const DocNode *array   = doc_array(r, object, name, &count);
    Column        *columns = ARENA_ARRAY(r->arena, Column, count + 1);
    const DocNode *json    = doc_first(array);
    for (size_t i = 0; doc_ok(r) && i < count; i++, json = doc_next(json)) {
        columns[i].name = doc_text(r, json, "name");
        columns[i].type = doc_type(r, json, "type");
        columns[i].role = (ColumnRole)doc_choice(r, json, "role", role_names, ARRAY_LEN(role_names));
        columns[i].header_key =
            columns[i].role == COLUMN_HEADERS ? doc_text_or_null(r, json, "header") : STR_NULL;
        if (i > 0 && columns[i].role < columns[i - 1].role)
            doc_fail(r, "the columns of \"%s\" are not in the order of their roles", name);
    }
    return schema_new(r->arena, columns, doc_ok(r) ? count : 0);
}

/* ---- windows ---- */

static const char *const window_names[] = {[WINDOWED_NO]       = "UNWINDOWED",
                                           [WINDOWED_TUMBLING] = "TUMBLING",
                                           [WINDOWED_HOPPING]  = "HOPPING",
                                           [WINDOWED_SESSION]  = "SESSION"};

json_t *doc_json_window(KeyWindow window)
{
    return json_pack("{s:s, s:I}", "kind", window_names[window.kind], "sizeMs", (json_int_t)window.size_ms);
}

KeyWindow doc_window(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *json   = doc_field(r, object, name);
    KeyWindow      window = {WINDOWED_NO, 0};
    if (json == NULL)
        return window;
    window.kind    = (WindowedKind)doc_choice(r, json, "kind", window_names, ARRAY_LEN(window_names));
    window.size_ms = doc_int(r, json, "sizeMs", 0, INT64_MAX);
    if (window.size_ms == 0 && (window.kind == WINDOWED_TUMBLING || window.kind == WINDOWED_HOPPING))
        doc_fail(r, "a window's size must be above 0");
    return window;
}
