/*
 * proto_rows.c - see proto_rows.h.
 *
 * Names and numbers of messages are Kafka Connect's, whose readers the clients have: a STRUCT is a nested
 * message ConnectDefaultN, a MAP a repeated ConnectDefaultNEntry, N counted in the order in which they are
 * met. NULL is a field that is not there; so is, as in all of proto3, a zero. The wire form is few enough
 * lines that no library is asked for it: Google's would want the schema compiled first.
 */
#include "server/rest/proto_rows.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2 };

/* ---- the schema ---- */

typedef struct {
    StrBuf *out;
    int     messages; /* that have a number */
    Error  *err;
} Printer;

static const char *scalar_name(SqlKind kind)
{
    switch (kind) {
    case T_BOOLEAN:
        return "bool";
    case T_INTEGER:
        return "int32";
    case T_BIGINT:
        return "int64";
    case T_DOUBLE:
        return "double";
    case T_STRING:
        return "string";
    case T_BYTES:
        return "bytes";
    case T_TIMESTAMP:
        return "google.protobuf.Timestamp";
    default:
        return NULL;
    }
}

/* One level of fields: of the row, of a STRUCT, or key and value of a MAP. */
typedef struct {
    const SqlField *fields;
    size_t          count;
    const char     *suffix; /* of its message's name */
    int             number;
} Level;

static Status print_level(Printer *printer, const Level *level, int indent);

static Status refuse(Printer *printer, const SqlType *type)
{
    StrBuf text = {0};
    type_print(type, &text);
    error_set(printer->err, E_UNSUPPORTED, NO_POS, "The protobuf form of rows has no type for " STR_FMT,
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_UNSUPPORTED;
}

/* The fields of the message that a STRUCT or MAP is; false: it is none. */
static bool level_of(const SqlType *type, SqlField entry[2], Level *out)
{
    if (type->kind == T_STRUCT)
        *out = (Level){type->fields, type->field_count, "", 0};
    else if (type->kind == T_MAP) {
        entry[0] = (SqlField){STR_LIT("key"), type->key};
        entry[1] = (SqlField){STR_LIT("value"), type->element};
        *out     = (Level){entry, 2, "Entry", 0};
    } else
        return false;
    return true;
}

static bool is_repeated(const SqlType *type) { return type->kind == T_ARRAY || type->kind == T_MAP; }

static Status print_field(Printer *printer, const SqlField *field, size_t at, int indent, int *message)
{
    const SqlType *type = field->type->kind == T_ARRAY ? field->type->element : field->type;
    const char    *name = scalar_name(type->kind);
    SqlField       entry[2];
    Level          inner;
    bool           nested = level_of(type, entry, &inner);
    if (!nested && name == NULL)
        return refuse(printer, field->type);
    if (field->type->kind == T_ARRAY && is_repeated(type))
        return refuse(printer, field->type);
    strbuf_addf(printer->out, "%*s%s", indent + 2, "", is_repeated(field->type) ? "repeated " : "");
    if (nested)
        strbuf_addf(printer->out, "ConnectDefault%d%s", *message = ++printer->messages, inner.suffix);
    else
        strbuf_adds(printer->out, name);
    strbuf_addf(printer->out, " " STR_FMT " = %zu;\n", STR_ARG(field->name), at + 1);
    return OK;
}

/* Fields first, then the messages that they need: so does Connect. Recursion is as deep as the type is. */
static Status print_level(Printer *printer, const Level *level, int indent)
{
    int *messages = mem_calloc(level->count + 1, sizeof *messages);
    strbuf_addf(printer->out, "%*smessage ConnectDefault%d%s {\n", indent, "", level->number, level->suffix);
    Status status = OK;
    for (size_t i = 0; i < level->count && status == OK; i++)
        status = print_field(printer, &level->fields[i], i, indent, &messages[i]);
    for (size_t i = 0; i < level->count && status == OK; i++) {
        const SqlType *type = level->fields[i].type;
        SqlField       entry[2];
        Level          inner;
        if (messages[i] == 0 || !level_of(type->kind == T_ARRAY ? type->element : type, entry, &inner))
            continue;
        inner.number = messages[i];
        strbuf_addc(printer->out, '\n');
        status = print_level(printer, &inner, indent + 2);
    }
    strbuf_addf(printer->out, "%*s}\n", indent, "");
    mem_free(messages);
    return status;
}

static bool has_timestamp(const SqlType *type)
{
    bool found = type->kind == T_TIMESTAMP ||
                 ((type->kind == T_ARRAY || type->kind == T_MAP) && has_timestamp(type->element));
    for (size_t i = 0; type->kind == T_STRUCT && i < type->field_count; i++)
        found = found || has_timestamp(type->fields[i].type);
    return found;
}

Status proto_schema_print(const Schema *schema, StrBuf *out, Error *err)
{
    Printer   printer = {out, 1, err};
    SqlField *fields  = mem_calloc(schema->count + 1, sizeof *fields);
    bool      times   = false;
    for (size_t i = 0; i < schema->count; i++) {
        fields[i] = (SqlField){schema->columns[i].name, schema->columns[i].type};
        times     = times || has_timestamp(fields[i].type);
    }
    strbuf_adds(out, "syntax = \"proto3\";\n\n");
    strbuf_adds(out, times ? "import \"google/protobuf/timestamp.proto\";\n\n" : "");
    Status status = print_level(&printer, &(Level){fields, schema->count, "", 1}, 0);
    mem_free(fields);
    return status;
}

/* ---- rows ---- */

static void add_varint(StrBuf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        strbuf_addc(out, (char)(n | 0x80));
    strbuf_addc(out, (char)n);
}

static void add_tag(StrBuf *out, size_t number, int wire) { add_varint(out, number << 3 | (unsigned)wire); }

static void add_bytes(StrBuf *out, size_t number, Str bytes)
{
    add_tag(out, number, WIRE_BYTES);
    add_varint(out, bytes.len);
    strbuf_add(out, bytes);
}

static void add_number(StrBuf *out, size_t number, int64_t n)
{
    add_tag(out, number, WIRE_VARINT);
    add_varint(out, (uint64_t)n);
}

static void add_double(StrBuf *out, size_t number, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    add_tag(out, number, WIRE_64);
    for (int i = 0; i < 8; i++)
        strbuf_addc(out, (char)(bits >> (8 * i)));
}

/* google.protobuf.Timestamp: seconds, and nanoseconds from there on. */
static void add_timestamp(StrBuf *out, size_t number, int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0), nanos = (ms - seconds * 1000) * 1000000;
    StrBuf  inner = {0};
    if (seconds != 0)
        add_number(&inner, 1, seconds);
    if (nanos != 0)
        add_number(&inner, 2, nanos);
    add_bytes(out, number, strbuf_str(&inner));
    strbuf_clear(&inner);
}

static void add_field(StrBuf *out, size_t number, const SqlType *type, Value value, bool repeated);

static void add_struct(StrBuf *out, size_t number, const SqlType *type, Value value)
{
    StrBuf inner = {0};
    for (size_t i = 0; i < type->field_count; i++)
        add_field(&inner, i + 1, type->fields[i].type, value_items(value)[i], false);
    add_bytes(out, number, strbuf_str(&inner));
    strbuf_clear(&inner);
}

static void add_map(StrBuf *out, size_t number, const SqlType *type, Value value)
{
    for (size_t i = 0; i < value.len; i++) {
        StrBuf inner = {0};
        add_field(&inner, 1, type->key, value_entries(value)[i].key, false);
        add_field(&inner, 2, type->element, value_entries(value)[i].value, false);
        add_bytes(out, number, strbuf_str(&inner));
        strbuf_clear(&inner);
    }
}

/* What is as good as not there; within an array it has a place. */
static bool is_zero(const SqlType *type, Value value)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
        return value_int(value) == 0;
    case T_DOUBLE: {
        const double zero = 0; /* -0.0 is not as good */
        double       d    = value_double(value);
        return memcmp(&d, &zero, sizeof d) == 0;
    }
    case T_STRING:
    case T_BYTES:
        return value.len == 0;
    default:
        return false;
    }
}

/* proto_schema_print has refused all other types. An array cannot hold "not there": a NULL in it is a zero.
 */
static void add_field(StrBuf *out, size_t number, const SqlType *type, Value value, bool repeated)
{
    static const Value nothing = {0};
    if (value_is_null(value) && repeated && type->kind != T_STRUCT)
        value = nothing;
    if (value_is_null(value) || (!repeated && is_zero(type, value)))
        return;
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
        add_number(out, number, value_int(value));
        break;
    case T_DOUBLE:
        add_double(out, number, value_double(value));
        break;
    case T_TIMESTAMP:
        add_timestamp(out, number, value_int(value));
        break;
    case T_STRUCT:
        add_struct(out, number, type, value);
        break;
    case T_MAP:
        add_map(out, number, type, value);
        break;
    case T_ARRAY:
        for (size_t i = 0; i < value.len; i++)
            add_field(out, number, type->element, value_items(value)[i], true);
        break;
    default:
        add_bytes(out, number, value.len > 0 ? value_str(value) : STR_LIT(""));
    }
}

void proto_row_write(const Schema *schema, const Value *values, StrBuf *out)
{
    for (size_t i = 0; i < schema->count; i++)
        add_field(out, i + 1, schema->columns[i].type, values[i], false);
}
