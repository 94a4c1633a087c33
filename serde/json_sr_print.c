/*
 * json_sr_print.c - the JSON Schema of columns, as ksqlDB's Connect translation registers it
 * (runtime.md 1.9): everything below the root is optional, integers say their width, maps are arrays of
 * entries.
 */
#include "serde/json_sr_schema.h"

static void print_type(const SqlType *type, StrBuf *out);

/* `"oneOf":[{"type":"null"},T]` */
static void print_optional(const SqlType *type, StrBuf *out)
{
    strbuf_adds(out, "\"oneOf\":[{\"type\":\"null\"},");
    print_type(type, out);
    strbuf_addc(out, ']');
}

static void print_property(Str name, size_t index, const SqlType *type, StrBuf *out)
{
    json_write_string(name, out);
    strbuf_addf(out, ":{\"connect.index\":%zu,", index);
    print_optional(type, out);
    strbuf_addc(out, '}');
}

static void print_struct(const SqlType *type, Str title, StrBuf *out)
{
    strbuf_adds(out, "{\"type\":\"object\",");
    if (!str_is_null(title)) {
        strbuf_adds(out, "\"title\":");
        json_write_string(title, out);
        strbuf_addc(out, ',');
    }
    strbuf_adds(out, "\"properties\":{");
    for (size_t i = 0; i < type->field_count; i++) {
        strbuf_adds(out, i ? "," : "");
        print_property(type->fields[i].name, i, type->fields[i].type, out);
    }
    strbuf_adds(out, "}}");
}

static void print_map(const SqlType *type, StrBuf *out)
{
    strbuf_adds(
        out, "{\"type\":\"array\",\"connect.type\":\"map\",\"items\":{\"type\":\"object\",\"properties\":{");
    print_property(STR_LIT("key"), 0, type->key, out);
    strbuf_addc(out, ',');
    print_property(STR_LIT("value"), 1, type->element, out);
    strbuf_adds(out, "}}}");
}

static void print_logical(const char *name, const char *connect, StrBuf *out)
{
    strbuf_addf(out,
                "{\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.%s\",\"connect.version\":1,"
                "\"connect.type\":\"%s\"}",
                name, connect);
}

static void print_type(const SqlType *type, StrBuf *out)
{
    static const char *const scalars[] = {[T_BOOLEAN] = "{\"type\":\"boolean\"}",
                                          [T_INTEGER] = "{\"type\":\"integer\",\"connect.type\":\"int32\"}",
                                          [T_BIGINT]  = "{\"type\":\"integer\",\"connect.type\":\"int64\"}",
                                          [T_DOUBLE]  = "{\"type\":\"number\",\"connect.type\":\"float64\"}",
                                          [T_STRING]  = "{\"type\":\"string\"}",
                                          [T_BYTES]   = "{\"type\":\"string\",\"connect.type\":\"bytes\"}"};
    switch (type->kind) {
    case T_DECIMAL:
        strbuf_addf(
            out,
            "{\"type\":\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\",\"connect.version\":1,"
            "\"connect.type\":\"bytes\",\"connect.parameters\":{\"scale\":\"%d\",\"connect.decimal."
            "precision\":"
            "\"%d\"}}",
            type->scale, type->precision);
        break;
    case T_DATE:
        print_logical("Date", "int32", out);
        break;
    case T_TIME:
        print_logical("Time", "int32", out);
        break;
    case T_TIMESTAMP:
        print_logical("Timestamp", "int64", out);
        break;
    case T_ARRAY:
        strbuf_adds(out, "{\"type\":\"array\",\"items\":{");
        print_optional(type->element, out);
        strbuf_adds(out, "}}");
        break;
    case T_MAP:
        print_map(type, out);
        break;
    case T_STRUCT:
        print_struct(type, STR_NULL, out);
        break;
    default:
        strbuf_adds(out, scalars[type->kind]);
        break;
    }
}

void json_sr_print(const Column *columns, size_t count, bool unwrapped, Str title, StrBuf *out)
{
    if (unwrapped) {
        strbuf_addc(out, '{');
        print_optional(columns[0].type, out);
        strbuf_addc(out, '}');
        return;
    }
    SqlField *fields = mem_calloc(count + 1, sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = (SqlField){columns[i].name, columns[i].type};
    print_struct(&(SqlType){.kind = T_STRUCT, .fields = fields, .field_count = count}, title, out);
    mem_free(fields);
}
