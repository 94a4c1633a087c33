/*
 * avro_write.c - rows to Avro records: see avro_codec.h.
 *
 * The schema leads, be it the one made from the columns or one that somebody registered: each of its fields
 * takes the column of its name, or else its default, whose bytes are made once.
 */
#include "core/decimal.h"
#include "serde/avro_codec.h"
#include "serde/avro_default.h"
#include "serde/connect.h"

typedef struct WriteNode WriteNode;
struct WriteNode {
    const AvroType *type;
    const SqlType  *column; /* NULL: no column; `fixed` is written */
    WriteNode      *children;
    int32_t        *slots; /* RECORD: the column's field; -1: none. UNION as STRUCT: the branch's field */
    Str  fixed; /* bytes of a field without a column, or of one with a default whose column is NULL */
    Str  name;  /* of the field, for error texts */
    int  null_branch, value_branch; /* UNION; -1: none */
    bool spread;
    bool missing; /* a field without column, default or null: every record fails */
    bool fill;
};

struct AvroWriter {
    WriteNode root;
    bool      unwrapped;
};

/* ---- the plan ---- */

typedef struct {
    bool   fill;
    Arena *arena;
} Planning;

static Status plan(const Planning *p, WriteNode *node, const AvroType *type, const SqlType *column, Str name,
                   int depth, Error *err);

static bool can_hold(const AvroType *type, const SqlType *column)
{
    AvroKind kind = type->kind;
    switch (column->kind) {
    case T_BOOLEAN:
        return kind == AVRO_BOOLEAN;
    case T_INTEGER:
        return kind == AVRO_INT || kind == AVRO_LONG;
    case T_BIGINT:
        return kind == AVRO_LONG;
    case T_DOUBLE:
        return kind == AVRO_DOUBLE || kind == AVRO_FLOAT;
    case T_DECIMAL:
        return type->logical == LOGICAL_DECIMAL;
    case T_STRING:
        return kind == AVRO_STRING || kind == AVRO_ENUM;
    case T_BYTES:
        return (kind == AVRO_BYTES || kind == AVRO_FIXED) && type->logical == LOGICAL_NONE;
    case T_DATE:
    case T_TIME:
        return kind == AVRO_INT;
    case T_TIMESTAMP:
        return kind == AVRO_LONG;
    case T_ARRAY:
        return kind == AVRO_ARRAY && !avro_is_entries(type);
    case T_MAP:
        return kind == AVRO_MAP || avro_is_entries(type);
    case T_STRUCT:
        return kind == AVRO_RECORD;
    default:
        return false;
    }
}

static Status cannot_write(const SqlType *column, Str name, Error *err)
{
    StrBuf text = {0};
    type_print(column, &text);
    error_set(err, E_PLAN, NO_POS, "The Avro schema cannot hold %s" STR_FMT "%sof type " STR_FMT,
              name.len ? "the column `" : "a value ", STR_ARG(name), name.len ? "` " : "",
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

static Status plan_union(const Planning *p, WriteNode *node, int depth, Error *err)
{
    const AvroType *type = node->type;
    node->null_branch = node->value_branch = -1;
    node->children                         = ARENA_ARRAY(p->arena, WriteNode, type->count + 1);
    node->slots                            = ARENA_ARRAY(p->arena, int32_t, type->count + 1);
    for (size_t i = 0; i < type->count; i++)
        if (type->branches[i]->kind == AVRO_NULL)
            node->null_branch = (int)i;
    for (size_t i = 0; i < type->count && node->value_branch < 0; i++)
        if (can_hold(type->branches[i], node->column))
            node->value_branch = (int)i;
    if (node->value_branch >= 0)
        return plan(p, &node->children[node->value_branch], type->branches[node->value_branch], node->column,
                    node->name, depth + 1, err);
    const SqlType *fields = avro_to_sql(type, false, p->arena);
    if (fields == NULL || fields->kind != T_STRUCT || node->column->kind != T_STRUCT)
        return cannot_write(node->column, node->name, err);
    node->spread = true;
    for (size_t i = 0, field = 0; i < type->count; i++) {
        node->slots[i] = -1;
        if (avro_to_sql(type->branches[i], false, p->arena) == NULL)
            continue;
        node->slots[i] = connect_field(node->column, fields->fields[field++].name);
        if (node->slots[i] >= 0)
            TRY(plan(p, &node->children[i], type->branches[i], node->column->fields[node->slots[i]].type,
                     node->name, depth + 1, err));
    }
    return OK;
}

/* What a field holds that no column gives. */
static Status plan_absent(const Planning *p, WriteNode *node, const AvroField *field, Error *err)
{
    StrBuf bytes  = {0};
    Status status = OK;
    bool   null   = field->type->kind == AVRO_NULL;
    for (size_t i = 0; field->type->kind == AVRO_UNION && i < field->type->count; i++)
        null |= field->type->branches[i]->kind == AVRO_NULL;
    if (!str_is_null(field->fallback))
        status = avro_put_default(field->type, field->fallback, &bytes, err);
    else if (null || p->fill)
        status = avro_put_zero(field->type, &bytes, err);
    else
        node->missing = true;
    node->fixed = str_dup(p->arena, strbuf_str(&bytes));
    strbuf_clear(&bytes);
    return status;
}

/* NULL in a column whose field cannot be null: its default, where it has a valid one, as Connect does. */
static void plan_null(const Planning *p, WriteNode *node, const AvroField *field)
{
    StrBuf bytes = {0};
    if (!str_is_null(field->fallback) && avro_put_default(field->type, field->fallback, &bytes, NULL) == OK)
        node->fixed = str_dup(p->arena, strbuf_str(&bytes));
    strbuf_clear(&bytes);
}

static int find_column(const SqlType *row, Str name)
{
    int at = connect_field(row, name);
    for (size_t i = 0; at < 0 && i < row->field_count; i++)
        if (str_equal_nocase(row->fields[i].name, name))
            at = (int)i;
    return at;
}

static Status plan_record(const Planning *p, WriteNode *node, int depth, Error *err)
{
    const AvroType *type = node->type;
    node->children       = ARENA_ARRAY(p->arena, WriteNode, type->count + 1);
    node->slots          = ARENA_ARRAY(p->arena, int32_t, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        const AvroField *field = &type->fields[i];
        WriteNode       *child = &node->children[i];
        int              slot  = find_column(node->column, field->name);
        child->name            = field->name;
        child->type            = field->type;
        node->slots[i]         = slot;
        if (slot < 0) {
            TRY(plan_absent(p, child, field, err));
            continue;
        }
        TRY(plan(p, child, field->type, node->column->fields[slot].type, field->name, depth + 1, err));
        plan_null(p, child, field);
    }
    return OK;
}

static Status plan_map(const Planning *p, WriteNode *node, int depth, Error *err)
{
    const AvroType *type = node->type;
    node->children       = ARENA_ARRAY(p->arena, WriteNode, 2);
    if (type->kind == AVRO_MAP)
        return plan(p, &node->children[1], type->element, node->column->element, node->name, depth + 1, err);
    const AvroField *fields = type->element->fields;
    TRY(plan(p, &node->children[0], fields[0].type, node->column->key, node->name, depth + 1, err));
    return plan(p, &node->children[1], fields[1].type, node->column->element, node->name, depth + 1, err);
}

static Status plan(const Planning *p, WriteNode *node, const AvroType *type, const SqlType *column, Str name,
                   int depth, Error *err)
{
    node->type   = type;
    node->column = column;
    node->name   = name;
    node->fill   = p->fill;
    if (type->kind == AVRO_UNION)
        return plan_union(p, node, depth, err);
    if (!can_hold(type, column))
        return cannot_write(column, name, err);
    switch (column->kind) {
    case T_ARRAY:
        node->children = ARENA_NEW(p->arena, WriteNode);
        return plan(p, node->children, type->element, column->element, name, depth + 1, err);
    case T_MAP:
        return plan_map(p, node, depth, err);
    case T_STRUCT:
        return plan_record(p, node, depth, err);
    default:
        return OK;
    }
}

Status avro_writer_new(const AvroType *schema, const SerdeSpec *spec, bool fill, Arena *arena,
                       const AvroWriter **out, Error *err)
{
    AvroWriter    *self = ARENA_NEW(arena, AvroWriter);
    Planning       p    = {fill, arena};
    const SqlType *row  = connect_row(arena, spec->columns, spec->count);
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    *out                = self;
    if (self->unwrapped)
        return plan(&p, &self->root, schema, row->fields[0].type, STR_LIT(""), 0, err);
    return plan(&p, &self->root, schema, row, STR_LIT(""), 0, err);
}

/* ---- the bytes ---- */

static Status write(const WriteNode *node, Value value, StrBuf *out, Error *err);

/* NULL where the schema has no null. */
static Status write_instead(const WriteNode *node, StrBuf *out, Error *err)
{
    if (node->fill)
        return avro_put_zero(node->type, out, err);
    if (!str_is_null(node->fixed)) {
        strbuf_add(out, node->fixed);
        return OK;
    }
    return error_set(err, E_DATA, NO_POS,
                     "Unable to serialize record. Null for the required Avro field: [" STR_FMT "]",
                     STR_ARG(node->name));
}

/* A fixed is as long as it is: the sign fills it. */
static Status put_decimal(const WriteNode *node, Str bytes, StrBuf *out, Error *err)
{
    const AvroType *type = node->type;
    char            sign = bytes.len > 0 && (uint8_t)bytes.ptr[0] >= 0x80 ? (char)0xff : 0;
    if (type->kind == AVRO_BYTES) {
        avro_put_span(bytes, out);
        return OK;
    }
    if (bytes.len > type->size)
        return error_set(err, E_DATA, NO_POS, "A DECIMAL does not fit the fixed field [" STR_FMT "]",
                         STR_ARG(node->name));
    for (size_t i = bytes.len; i < type->size; i++)
        strbuf_addc(out, sign);
    strbuf_add(out, bytes);
    return OK;
}

static Status write_decimal(const WriteNode *node, Value value, StrBuf *out, Error *err)
{
    const AvroType *type  = node->type;
    SqlType         exact = {.kind = T_DECIMAL, .precision = type->precision, .scale = type->scale};
    char            few[8];
    size_t          len = connect_short_decimal(value, &exact, few);
    if (len > 0)
        return put_decimal(node, str_n(few, len), out, err);
    Arena *arena = arena_new(0);
    Value  fits;
    Status status = decimal_ensure_fit(arena, value, type->precision, type->scale, &fits, err);
    if (status == OK)
        status = put_decimal(node, decimal_to_bytes(arena, fits), out, err);
    arena_free(arena);
    return status;
}

static Status write_text(const WriteNode *node, Str text, StrBuf *out, Error *err)
{
    const AvroType *type = node->type;
    if (type->kind != AVRO_ENUM) {
        avro_put_span(text, out);
        return OK;
    }
    for (size_t i = 0; i < type->count; i++)
        if (str_equal(type->symbols[i], text)) {
            avro_put_varint((int64_t)i, out);
            return OK;
        }
    return error_set(err, E_DATA, NO_POS,
                     "Unable to serialize record. The Avro enum of [" STR_FMT "] has no such symbol",
                     STR_ARG(node->name));
}

static Status write_bytes(const WriteNode *node, Str bytes, StrBuf *out, Error *err)
{
    if (node->type->kind == AVRO_BYTES) {
        avro_put_span(bytes, out);
        return OK;
    }
    if (bytes.len != node->type->size)
        return error_set(err, E_DATA, NO_POS,
                         "Unable to serialize record. The Avro field [" STR_FMT "] takes exactly %zu bytes",
                         STR_ARG(node->name), node->type->size);
    strbuf_add(out, bytes);
    return OK;
}

static Status write_record(const WriteNode *node, const Value *row, StrBuf *out, Error *err)
{
    for (size_t i = 0; i < node->type->count; i++) {
        const WriteNode *child = &node->children[i];
        if (child->missing)
            return error_set(
                err, E_DATA, NO_POS,
                "Unable to serialize record. Missing default value for required Avro field: [" STR_FMT
                "]. This field appears in Avro schema in Schema Registry",
                STR_ARG(child->name));
        if (node->slots[i] < 0)
            strbuf_add(out, child->fixed);
        else
            TRY(write(child, row[node->slots[i]], out, err));
    }
    return OK;
}

static Status write_array(const WriteNode *node, Value value, StrBuf *out, Error *err)
{
    if (value.len > 0)
        avro_put_varint(value.len, out);
    for (uint32_t i = 0; i < value.len; i++)
        TRY(write(node->children, value_items(value)[i], out, err));
    strbuf_addc(out, 0);
    return OK;
}

static Status write_map(const WriteNode *node, Value value, StrBuf *out, Error *err)
{
    if (value.len > 0)
        avro_put_varint(value.len, out);
    for (uint32_t i = 0; i < value.len; i++) {
        const MapEntry *entry = &value_entries(value)[i];
        if (node->type->kind == AVRO_MAP)
            avro_put_span(value_str(entry->key), out);
        else
            TRY(write(&node->children[0], entry->key, out, err));
        TRY(write(&node->children[1], entry->value, out, err));
    }
    strbuf_addc(out, 0);
    return OK;
}

static Status write_union(const WriteNode *node, Value value, StrBuf *out, Error *err)
{
    int branch = value_is_null(value) ? node->null_branch : node->value_branch;
    if (!value_is_null(value) && node->spread) {
        branch = node->null_branch;
        for (size_t i = 0; i < node->type->count; i++)
            if (node->slots[i] >= 0 && !value_is_null(value_items(value)[node->slots[i]])) {
                avro_put_varint((int64_t)i, out);
                return write(&node->children[i], value_items(value)[node->slots[i]], out, err);
            }
        value = value_null();
    }
    if (branch < 0)
        return write_instead(node, out, err);
    avro_put_varint(branch, out);
    return value_is_null(value) ? OK : write(&node->children[branch], value, out, err);
}

static Status write(const WriteNode *node, Value value, StrBuf *out, Error *err)
{
    if (node->type->kind == AVRO_UNION)
        return write_union(node, value, out, err);
    if (value_is_null(value))
        return write_instead(node, out, err);
    switch (node->column->kind) {
    case T_BOOLEAN:
        strbuf_addc(out, value_bool(value));
        return OK;
    case T_DOUBLE:
        if (node->type->kind == AVRO_DOUBLE)
            avro_put_double(value_double(value), out);
        else
            avro_put_float((float)value_double(value), out);
        return OK;
    case T_DECIMAL:
        return write_decimal(node, value, out, err);
    case T_STRING:
        return write_text(node, value_str(value), out, err);
    case T_BYTES:
        return write_bytes(node, value_str(value), out, err);
    case T_ARRAY:
        return write_array(node, value, out, err);
    case T_MAP:
        return write_map(node, value, out, err);
    case T_STRUCT:
        return write_record(node, value_items(value), out, err);
    default:
        avro_put_varint(value_int(value), out);
        return OK;
    }
}

Status avro_write_row(const AvroWriter *writer, const Value *values, StrBuf *out, Error *err)
{
    const WriteNode *root = &writer->root;
    if (!writer->unwrapped)
        return write(root, value_array(values, 1), out, err);
    if (root->type->kind == AVRO_BYTES && root->type->logical == LOGICAL_NONE && !value_is_null(values[0])) {
        strbuf_add(out, value_str(values[0])); /* as it is read: without its length */
        return OK;
    }
    return write(root, values[0], out, err);
}
