/*
 * json_sr_write.c - rows to JSON by a JSON Schema: see json_sr_codec.h. The schema's names and order, NULLs
 * written as null, maps in the form that the schema has.
 */
#include "serde/connect.h"
#include "serde/json_sr_codec.h"

typedef struct WriteNode WriteNode;
struct WriteNode {
    const JsonSrType *type;
    const SqlType    *column;
    WriteNode        *children; /* fields that have a column, or the element */
    int32_t          *slots;
    Str              *leads; /* `{"A":`, `,"B":` */
    size_t            count;
    bool              plain; /* as plain JSON is written: no map of entries, no name of its own anywhere */
};

struct JsonSrWriter {
    WriteNode root;
    bool      unwrapped;
};

static Status plan(WriteNode *node, const JsonSrType *type, const SqlType *column, Str name, Arena *arena,
                   Error *err);

static Status cannot_write(const SqlType *column, Str name, Error *err)
{
    StrBuf text = {0};
    type_print(column, &text);
    error_set(err, E_PLAN, NO_POS, "The JSON Schema cannot hold the column `" STR_FMT "` of type " STR_FMT,
              STR_ARG(name), STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

/* What stands between two values never changes. */
static Str lead_of(Str name, bool first, Arena *arena)
{
    StrBuf text = {0};
    strbuf_addc(&text, first ? '{' : ',');
    json_write_string(name, &text);
    strbuf_addc(&text, ':');
    Str lead = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return lead;
}

static Status plan_struct(WriteNode *node, Arena *arena, Error *err)
{
    const JsonSrType *type = node->type;
    node->children         = ARENA_ARRAY(arena, WriteNode, type->count + 1);
    node->slots            = ARENA_ARRAY(arena, int32_t, type->count + 1);
    node->leads            = ARENA_ARRAY(arena, Str, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        Str name = type->fields[i].name;
        int slot = connect_field(node->column, name);
        for (size_t j = 0; slot < 0 && j < node->column->field_count; j++)
            if (str_equal_nocase(node->column->fields[j].name, name))
                slot = (int)j;
        if (slot < 0)
            continue;
        node->slots[node->count] = slot;
        node->leads[node->count] = lead_of(name, node->count == 0, arena);
        TRY(plan(&node->children[node->count++], type->fields[i].type, node->column->fields[slot].type, name,
                 arena, err));
    }
    return OK;
}

static bool holds_scalar(const SqlType *scalar, const SqlType *column)
{
    if (scalar->kind == column->kind)
        return true;
    return (scalar->kind == T_BIGINT && (column->kind == T_INTEGER || column->kind == T_TIMESTAMP)) ||
           (scalar->kind == T_INTEGER && (column->kind == T_DATE || column->kind == T_TIME)) ||
           (scalar->kind == T_DOUBLE && type_is_numeric(column));
}

static Status plan(WriteNode *node, const JsonSrType *type, const SqlType *column, Str name, Arena *arena,
                   Error *err)
{
    *node     = (WriteNode){.type = type, .column = column};
    bool list = type->form == FORM_ARRAY, row = type->form == FORM_STRUCT, scalar = type->form == FORM_SCALAR;
    if (scalar) {
        node->plain = true;
        return column->kind < T_ARRAY && holds_scalar(type->scalar, column) ? OK
                                                                            : cannot_write(column, name, err);
    }
    if (column->kind != (list ? T_ARRAY : row ? T_STRUCT : T_MAP))
        return cannot_write(column, name, err);
    if (row)
        return plan_struct(node, arena, err);
    node->children = ARENA_NEW(arena, WriteNode);
    TRY(plan(node->children, type->element, column->element, name, arena, err));
    node->plain = type->form != FORM_MAP_ENTRIES && node->children->plain;
    return OK;
}

Status json_sr_writer_new(const JsonSrType *schema, const SerdeSpec *spec, Arena *arena,
                          const JsonSrWriter **out, Error *err)
{
    JsonSrWriter  *self = ARENA_NEW(arena, JsonSrWriter);
    const SqlType *row  = connect_row(arena, spec->columns, spec->count);
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    *out                = self;
    if (schema == NULL)
        return error_set(err, E_PLAN, NO_POS, "The JSON Schema describes no type that SQL has");
    if (self->unwrapped)
        return plan(&self->root, schema, row->fields[0].type, row->fields[0].name, arena, err);
    return plan(&self->root, schema, row, STR_LIT(""), arena, err);
}

static void write(const WriteNode *node, Value value, StrBuf *out);

static void write_row(const WriteNode *node, const Value *row, StrBuf *out)
{
    if (node->count == 0)
        strbuf_addc(out, '{');
    for (size_t i = 0; i < node->count; i++) {
        strbuf_add(out, node->leads[i]);
        write(&node->children[i], row[node->slots[i]], out);
    }
    strbuf_addc(out, '}');
}

static void write_map(const WriteNode *node, Value map, StrBuf *out)
{
    bool entries = node->type->form == FORM_MAP_ENTRIES;
    strbuf_addc(out, entries ? '[' : '{');
    for (uint32_t i = 0; i < map.len; i++) {
        const MapEntry *entry = &value_entries(map)[i];
        strbuf_adds(out, i ? "," : "");
        strbuf_adds(out, entries ? "{\"key\":" : "");
        json_write_string(value_str(entry->key), out);
        strbuf_adds(out, entries ? ",\"value\":" : ":");
        write(node->children, entry->value, out);
        strbuf_adds(out, entries ? "}" : "");
    }
    strbuf_addc(out, entries ? ']' : '}');
}

static void write(const WriteNode *node, Value value, StrBuf *out)
{
    if (node->plain || value_is_null(value)) {
        json_write_value(node->column, value, JSON_STYLE_TOPIC, out);
        return;
    }
    switch (node->type->form) {
    case FORM_STRUCT:
        write_row(node, value_items(value), out);
        return;
    case FORM_ARRAY:
        strbuf_addc(out, '[');
        for (uint32_t i = 0; i < value.len; i++) {
            strbuf_adds(out, i ? "," : "");
            write(node->children, value_items(value)[i], out);
        }
        strbuf_addc(out, ']');
        return;
    default:
        write_map(node, value, out);
        return;
    }
}

void json_sr_write(const JsonSrWriter *writer, const Value *values, StrBuf *out)
{
    if (writer->unwrapped)
        write(&writer->root, values[0], out);
    else
        write_row(&writer->root, values, out);
}
