/*
 * avro_print.c - the Avro schema of columns, as ksqlDB's Connect translation registers it (runtime.md 1.8):
 * every field optional, nested records named after their way from the root, maps as arrays of entries.
 *
 * Other programs find the schema by its text: names, order and Connect's properties are all part of it.
 */
#include "serde/avro_schema.h"

static Status print_type(const SqlType *type, Str name, bool root, StrBuf *out, Error *err);

static void print_logical(const char *base, const char *logical, const char *connect, StrBuf *out)
{
    strbuf_addf(
        out,
        "{\"type\":\"%s\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.%s\","
        "\"logicalType\":\"%s\"}",
        base, connect, logical);
}

static void print_decimal(const SqlType *type, StrBuf *out)
{
    strbuf_addf(out,
                "{\"type\":\"bytes\",\"scale\":%d,\"precision\":%d,\"connect.version\":1,"
                "\"connect.parameters\":{\"scale\":\"%d\",\"connect.decimal.precision\":\"%d\"},"
                "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}",
                type->scale, type->precision, type->scale, type->precision);
}

static size_t last_dot(Str name)
{
    size_t at = name.len;
    while (at > 0 && name.ptr[at - 1] != '.')
        at--;
    return at;
}

/* `"name":"C","namespace":"a.b"`: nested types are in their parent's namespace without saying so. */
static void print_name(Str name, bool root, StrBuf *out)
{
    size_t dot = last_dot(name);
    strbuf_addf(out, "\"name\":\"" STR_FMT "\"", STR_ARG(str_n(name.ptr + dot, name.len - dot)));
    if (root && dot > 0)
        strbuf_addf(out, ",\"namespace\":\"" STR_FMT "\"", STR_ARG(str_n(name.ptr, dot - 1)));
}

static Status check_name(Str name, Error *err)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c     = (unsigned char)name.ptr[i];
        bool          alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (i == 0 && !alpha)
            return error_set(err, E_PLAN, NO_POS,
                             "Schema is not compatible with Avro: Illegal initial character: " STR_FMT,
                             STR_ARG(name));
        if (!alpha && !(c >= '0' && c <= '9'))
            return error_set(err, E_PLAN, NO_POS,
                             "Schema is not compatible with Avro: Illegal character in: " STR_FMT,
                             STR_ARG(name));
    }
    return name.len > 0 ? OK
                        : error_set(err, E_PLAN, NO_POS, "Schema is not compatible with Avro: Empty name");
}

/* `["null",T],"default":null` */
static Status print_optional(const SqlType *type, Str name, StrBuf *out, Error *err)
{
    strbuf_adds(out, "[\"null\",");
    TRY(print_type(type, name, false, out, err));
    strbuf_adds(out, "],\"default\":null");
    return OK;
}

/* A field's own name has no dots in Avro; the types below it are named after parent and field. */
static Status print_field(Str parent, Str field, const char *suffix, const SqlType *type, StrBuf *out,
                          Error *err)
{
    StrBuf name = {0}, context = {0};
    for (size_t i = 0; i < field.len; i++)
        strbuf_addc(&name, field.ptr[i] == '.' ? '_' : field.ptr[i]);
    Status status = check_name(strbuf_str(&name), err);
    strbuf_addf(&context, STR_FMT "_" STR_FMT, STR_ARG(parent),
                STR_ARG(suffix != NULL ? str_c(suffix) : strbuf_str(&name)));
    if (status == OK) {
        strbuf_addf(out, "{\"name\":\"" STR_FMT "\",\"type\":", STR_ARG(strbuf_str(&name)));
        status = print_optional(type, strbuf_str(&context), out, err);
        strbuf_addc(out, '}');
    }
    strbuf_clear(&name);
    strbuf_clear(&context);
    return status;
}

static Status print_record(const SqlType *type, Str name, bool root, StrBuf *out, Error *err)
{
    strbuf_adds(out, "{\"type\":\"record\",");
    print_name(name, root, out);
    strbuf_adds(out, ",\"fields\":[");
    for (size_t i = 0; i < type->field_count; i++) {
        strbuf_adds(out, i ? "," : "");
        TRY(print_field(name, type->fields[i].name, NULL, type->fields[i].type, out, err));
    }
    strbuf_addf(out, "],\"connect.name\":\"" STR_FMT "\"}", STR_ARG(name));
    return OK;
}

/* Keys of ksqlDB's maps are optional, which Avro's own map cannot say. */
static Status print_map(const SqlType *type, Str name, bool root, StrBuf *out, Error *err)
{
    strbuf_adds(out, "{\"type\":\"array\",\"items\":{\"type\":\"record\",");
    print_name(name, root, out);
    strbuf_adds(out, ",\"fields\":[");
    TRY(print_field(name, STR_LIT("key"), "MapKey", type->key, out, err));
    strbuf_addc(out, ',');
    TRY(print_field(name, STR_LIT("value"), "MapValue", type->element, out, err));
    strbuf_addf(out, "],\"connect.internal.type\":\"MapEntry\"},\"connect.name\":\"" STR_FMT "\"}",
                STR_ARG(name));
    return OK;
}

static Status print_array(const SqlType *type, Str name, bool root, StrBuf *out, Error *err)
{
    strbuf_adds(out, "{\"type\":\"array\",\"items\":[\"null\",");
    TRY(print_type(type->element, name, root, out, err));
    strbuf_adds(out, "]}");
    return OK;
}

/* `root`: there is no record around it whose namespace it would be in. */
static Status print_type(const SqlType *type, Str name, bool root, StrBuf *out, Error *err)
{
    static const char *const scalars[] = {
        [T_BOOLEAN] = "boolean", [T_INTEGER] = "int",   [T_BIGINT] = "long",
        [T_DOUBLE] = "double",   [T_STRING] = "string", [T_BYTES] = "bytes"};
    switch (type->kind) {
    case T_DECIMAL:
        print_decimal(type, out);
        return OK;
    case T_DATE:
        print_logical("int", "date", "Date", out);
        return OK;
    case T_TIME:
        print_logical("int", "time-millis", "Time", out);
        return OK;
    case T_TIMESTAMP:
        print_logical("long", "timestamp-millis", "Timestamp", out);
        return OK;
    case T_ARRAY:
        return print_array(type, name, root, out, err);
    case T_MAP:
        return print_map(type, name, root, out, err);
    case T_STRUCT:
        return print_record(type, name, root, out, err);
    default:
        strbuf_addf(out, "\"%s\"", scalars[type->kind]);
        return OK;
    }
}

Status avro_print(const Column *columns, size_t count, bool unwrapped, Str name, StrBuf *out, Error *err)
{
    if (unwrapped)
        return print_type(columns[0].type, name, true, out, err);
    SqlField *fields = mem_calloc(count + 1, sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = (SqlField){columns[i].name, columns[i].type};
    SqlType row    = {.kind = T_STRUCT, .fields = fields, .field_count = count};
    Status  status = print_record(&row, name, true, out, err);
    mem_free(fields);
    return status;
}
