/*
 * proto_print.c - the Protobuf schema of columns, as Confluent's translation registers it (runtime.md 1.9):
 * proto3, fields numbered by their place, nested messages called ConnectDefault2, ... in the order they are
 * met.
 */
#include "serde/proto_sql.h"

typedef struct {
    Str  representation;
    int  messages; /* named so far */
    bool decimal, date, time, timestamp, wrapper;
} Printing;

static Status print_message(Printing *p, const SqlType *row, Str name, int indent, StrBuf *out, Error *err);

static bool represents(const Printing *p, const char *word)
{
    return str_equal_nocase(p->representation, str_c(word));
}

static Status check_name(Str name, Error *err)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c     = (unsigned char)name.ptr[i];
        bool          alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!alpha && !(i > 0 && c >= '0' && c <= '9'))
            return error_set(err, E_PLAN, NO_POS,
                             "Schema is not compatible with Protobuf: \"" STR_FMT
                             "\" is not a valid identifier",
                             STR_ARG(name));
    }
    return name.len > 0
               ? OK
               : error_set(err, E_PLAN, NO_POS, "Schema is not compatible with Protobuf: Empty name");
}

static const char *scalar_name(Printing *p, SqlKind kind)
{
    static const char *const plain[]   = {[T_BOOLEAN] = "bool",  [T_INTEGER] = "int32", [T_BIGINT] = "int64",
                                          [T_DOUBLE] = "double", [T_STRING] = "string", [T_BYTES] = "bytes"};
    static const char *const wrapped[] = {
        [T_BOOLEAN] = "google.protobuf.BoolValue",  [T_INTEGER] = "google.protobuf.Int32Value",
        [T_BIGINT] = "google.protobuf.Int64Value",  [T_DOUBLE] = "google.protobuf.DoubleValue",
        [T_STRING] = "google.protobuf.StringValue", [T_BYTES] = "google.protobuf.BytesValue"};
    switch (kind) {
    case T_DECIMAL:
        p->decimal = true;
        return "confluent.type.Decimal";
    case T_DATE:
        p->date = true;
        return "google.type.Date";
    case T_TIME:
        p->time = true;
        return "google.type.TimeOfDay";
    case T_TIMESTAMP:
        p->timestamp = true;
        return "google.protobuf.Timestamp";
    default:
        break;
    }
    if (!represents(p, "wrapper"))
        return plain[kind];
    p->wrapper = true;
    return wrapped[kind];
}

static void print_indent(int indent, StrBuf *out)
{
    for (int i = 0; i < indent; i++)
        strbuf_adds(out, "  ");
}

/* MY_MAP is MyMapEntry, MSTR is MSTREntry. */
static void entry_name(Str field, StrBuf *out)
{
    bool camel = memchr(field.ptr, '_', field.len) != NULL, begin = true;
    for (size_t i = 0; i < field.len; i++) {
        char c     = field.ptr[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        if (camel && c == '_') {
            begin = true;
            continue;
        }
        strbuf_addc(out, camel && begin && lower    ? (char)(c - 32)
                         : camel && !begin && upper ? (char)(c + 32)
                                                    : c);
        begin = false;
    }
    strbuf_adds(out, "Entry");
}

/* The name of the field's type; messages that it needs go to `nested`, inside the message that has the field.
 */
static Status type_name(Printing *p, const SqlType *type, Str field, int indent, StrBuf *nested, StrBuf *out,
                        Error *err)
{
    StrBuf   name = {0};
    SqlField pair[2];
    SqlType  entry = {.kind = T_STRUCT, .fields = pair, .field_count = 2};
    if (type->kind != T_STRUCT && type->kind != T_MAP) {
        strbuf_adds(out, scalar_name(p, type->kind));
        return OK;
    }
    if (type->kind == T_MAP) {
        pair[0] = (SqlField){STR_LIT("key"), type->key};
        pair[1] = (SqlField){STR_LIT("value"), type->element};
        entry_name(field, &name);
    } else {
        strbuf_addf(&name, "ConnectDefault%d", ++p->messages);
    }
    strbuf_add(out, strbuf_str(&name));
    Status status =
        print_message(p, type->kind == T_MAP ? &entry : type, strbuf_str(&name), indent, nested, err);
    strbuf_clear(&name);
    return status;
}

static Status print_field(Printing *p, const SqlField *field, size_t number, int indent, StrBuf *nested,
                          StrBuf *out, Error *err)
{
    const SqlType *type     = field->type;
    bool           repeated = type->kind == T_ARRAY || type->kind == T_MAP;
    TRY(check_name(field->name, err));
    if (type->kind == T_ARRAY)
        type = type->element;
    print_indent(indent, out);
    strbuf_adds(out, repeated ? "repeated " : represents(p, "optional") ? "optional " : "");
    TRY(type_name(p, type, field->name, indent, nested, out, err));
    strbuf_addf(out, " " STR_FMT " = %zu", STR_ARG(field->name), number);
    if (type->kind == T_DECIMAL)
        strbuf_addf(
            out,
            " [(confluent.field_meta) = {\n    params: [\n      {\n        key: \"precision\",\n        "
            "value: "
            "\"%d\"\n      },\n      {\n        key: \"scale\",\n        value: \"%d\"\n      }\n    ]\n  }]",
            type->precision, type->scale);
    strbuf_adds(out, ";\n");
    return OK;
}

static Status print_message(Printing *p, const SqlType *row, Str name, int indent, StrBuf *out, Error *err)
{
    StrBuf nested = {0};
    Status status = OK;
    print_indent(indent, out);
    strbuf_addf(out, "message " STR_FMT " {\n", STR_ARG(name));
    for (size_t i = 0; i < row->field_count && status == OK; i++)
        status = print_field(p, &row->fields[i], i + 1, indent + 1, &nested, out, err);
    if (nested.len > 0) {
        strbuf_addc(out, '\n');
        strbuf_add(out, strbuf_str(&nested));
    }
    print_indent(indent, out);
    strbuf_adds(out, "}\n");
    strbuf_clear(&nested);
    return status;
}

static void print_imports(const Printing *p, StrBuf *out)
{
    if (p->decimal)
        strbuf_adds(out, "import \"confluent/meta.proto\";\nimport \"confluent/type/decimal.proto\";\n");
    if (p->timestamp)
        strbuf_adds(out, "import \"google/protobuf/timestamp.proto\";\n");
    if (p->wrapper)
        strbuf_adds(out, "import \"google/protobuf/wrappers.proto\";\n");
    if (p->date)
        strbuf_adds(out, "import \"google/type/date.proto\";\n");
    if (p->time)
        strbuf_adds(out, "import \"google/type/timeofday.proto\";\n");
    if (p->decimal || p->timestamp || p->wrapper || p->date || p->time)
        strbuf_addc(out, '\n');
}

/* "a.b.Name" is Name in package a.b. */
Status proto_print(const Column *columns, size_t count, Str name, Str representation, StrBuf *out, Error *err)
{
    Printing  p      = {.representation = representation, .messages = 1};
    StrBuf    body   = {0};
    SqlField *fields = mem_calloc(count + 1, sizeof *fields);
    size_t    dot    = name.len;
    for (size_t i = 0; i < count; i++)
        fields[i] = (SqlField){columns[i].name, columns[i].type};
    while (dot > 0 && name.ptr[dot - 1] != '.')
        dot--;
    SqlType row    = {.kind = T_STRUCT, .fields = fields, .field_count = count};
    Status  status = print_message(&p, &row, str_n(name.ptr + dot, name.len - dot), 0, &body, err);
    strbuf_adds(out, "syntax = \"proto3\";\n");
    if (dot > 0)
        strbuf_addf(out, "package " STR_FMT ";\n", STR_ARG(str_n(name.ptr, dot - 1)));
    strbuf_addc(out, '\n');
    print_imports(&p, out);
    strbuf_add(out, strbuf_str(&body));
    strbuf_clear(&body);
    mem_free(fields);
    return status;
}
