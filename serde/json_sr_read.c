/*
 * json_sr_read.c - JSON payloads with a schema to rows: see json_sr_codec.h.
 *
 * The reader of plain JSON (json_values.h) does the work, for the types that the schema says instead of the
 * columns'. Where both are the same, which is nearly always, its values are the result; where not, they are
 * converted as all registry formats convert (connect.h), and maps that came as lists of entries become maps.
 */
#include "serde/connect.h"
#include "serde/json_sr_codec.h"
#include "serde/json_values.h"

typedef struct Node Node;
struct Node {
    const JsonSrType *type;
    const SqlType    *natural; /* what the JSON reader is told */
    const SqlType    *column;
    Conversion        convert;
    bool              same;     /* the natural value is the column's */
    Node             *children; /* fields that are read, or the element */
    int32_t          *slots;    /* STRUCT: of each child */
    size_t            count;
};

struct JsonSrReader {
    Node       root;
    JsonNode   json;
    JsonReader reader;
    JsonIndex *index;
    bool       unwrapped;
    size_t     count;
};

/* ---- the plan ---- */

static Status plan(Node *node, const JsonSrType *type, const SqlType *column, const Wanted *wanted,
                   const ConnectPath *path, Arena *arena, Error *err);

static Status plan_scalar(Node *node, const ConnectPath *path, Error *err)
{
    const SqlType *scalar = node->type->scalar;
    if (node->column->kind >= T_ARRAY)
        return connect_refuse(scalar, node->column, path, err);
    node->convert = connect_conversion(scalar, node->column);
    if (node->convert == CONVERT_NEVER)
        return connect_refuse(scalar, node->column, path, err);
    /* JSON's numbers are exact: a decimal is read as the column's at once. */
    node->natural = node->convert == CONVERT_DECIMAL ? node->column : scalar;
    node->same    = node->convert == CONVERT_NONE || node->convert == CONVERT_DECIMAL;
    return OK;
}

static Status plan_list(Node *node, const ConnectPath *path, Arena *arena, Error *err)
{
    static const SqlType a_list = {.kind = T_ARRAY}, a_map = {.kind = T_MAP};
    bool                 map  = node->type->form != FORM_ARRAY;
    ConnectPath          here = {path, map ? STR_LIT("MAP_VAL") : STR_LIT("ARRAY")};
    SqlField            *entry;
    if (node->column->kind != (map ? T_MAP : T_ARRAY))
        return connect_refuse(map ? &a_map : &a_list, node->column, path, err);
    node->children = ARENA_NEW(arena, Node);
    TRY(plan(node->children, node->type->element, node->column->element, NULL, &here, arena, err));
    const SqlType *element = node->children->natural;
    node->same             = node->children->same && node->type->form != FORM_MAP_ENTRIES;
    switch (node->type->form) {
    case FORM_MAP_ENTRIES:
        entry         = ARENA_ARRAY(arena, SqlField, 2);
        entry[0]      = (SqlField){STR_LIT("key"), &type_string};
        entry[1]      = (SqlField){STR_LIT("value"), element};
        node->natural = type_array(arena, type_struct(arena, entry, 2));
        return OK;
    case FORM_MAP_OBJECT:
        node->natural = type_map(arena, &type_string, element);
        return OK;
    default:
        node->natural = type_array(arena, element);
        return OK;
    }
}

static Status plan_struct(Node *node, const Wanted *wanted, const ConnectPath *path, Arena *arena, Error *err)
{
    static const SqlType a_struct = {.kind = T_STRUCT};
    const JsonSrType    *type     = node->type;
    SqlField            *fields   = ARENA_ARRAY(arena, SqlField, type->count + 1);
    if (node->column->kind != T_STRUCT)
        return connect_refuse(&a_struct, node->column, path, err);
    node->children = ARENA_ARRAY(arena, Node, type->count + 1);
    node->slots    = ARENA_ARRAY(arena, int32_t, type->count + 1);
    node->same     = true;
    for (size_t i = 0; i < type->count; i++) {
        ConnectPath   here  = {path, type->fields[i].name};
        int           slot  = connect_field(node->column, type->fields[i].name);
        Node         *child = &node->children[node->count];
        const Wanted *part =
            slot >= 0 && wanted != NULL && wanted->fields != NULL ? wanted->fields[slot] : NULL;
        if (slot < 0)
            continue;
        TRY(plan(child, type->fields[i].type, node->column->fields[slot].type, part, &here, arena, err));
        if (part != NULL && part->none)
            continue; /* checked, but not read */
        fields[node->count]      = (SqlField){type->fields[i].name, child->natural};
        node->slots[node->count] = slot;
        node->same &= child->same && (size_t)slot == node->count;
        node->count++;
    }
    node->same &= node->count == node->column->field_count;
    node->natural = type_struct(arena, fields, node->count);
    return OK;
}

static Status plan(Node *node, const JsonSrType *type, const SqlType *column, const Wanted *wanted,
                   const ConnectPath *path, Arena *arena, Error *err)
{
    *node = (Node){.type = type, .column = column};
    switch (type->form) {
    case FORM_SCALAR:
        return plan_scalar(node, path, err);
    case FORM_STRUCT:
        return plan_struct(node, wanted, path, arena, err);
    default:
        return plan_list(node, path, arena, err);
    }
}

Status json_sr_reader_new(const JsonSrType *schema, const SerdeSpec *spec, Arena *arena, JsonSrReader **out,
                          Error *err)
{
    JsonSrReader  *self = ARENA_NEW(arena, JsonSrReader);
    Wanted         all  = {.fields = spec->wanted};
    const SqlType *row  = connect_row(arena, spec->columns, spec->count);
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    self->count         = spec->count;
    self->reader.topic  = spec->topic;
    self->reader.side   = spec->side;
    if (schema == NULL)
        return error_set(err, E_DATA, NO_POS, "Its JSON Schema describes no type that SQL has");
    if (self->unwrapped)
        TRY(plan(&self->root, schema, row->fields[0].type, spec->wanted ? spec->wanted[0] : NULL, NULL, arena,
                 err));
    else
        TRY(plan(&self->root, schema, row, &all, NULL, arena, err));
    json_node_init(&self->json, self->root.natural, NULL, arena);
    self->index = json_index_new();
    if (self->index == NULL)
        return error_set(err, E_LIMIT, NO_POS, "No memory for a JSON reader");
    *out = self;
    return OK;
}

void json_sr_reader_free(JsonSrReader *reader)
{
    json_index_free(reader->index);
    strbuf_clear(&reader->reader.scratch);
}

/* ---- natural values to the columns' ---- */

static Status convert(const Node *node, Arena *arena, Value *value, Error *err);

static Status convert_items(const Node *node, Arena *arena, Value *value, Error *err)
{
    Value *items = arena_try_alloc(arena, value->len * sizeof *items + 1, err);
    if (items == NULL)
        return E_LIMIT;
    for (uint32_t i = 0; i < value->len; i++) {
        items[i] = value_items(*value)[i];
        TRY(convert(node->children, arena, &items[i], err));
    }
    *value = value_array(items, value->len);
    return OK;
}

static Status convert_map(const Node *node, Arena *arena, Value *value, Error *err)
{
    size_t    count   = 0;
    bool      list    = node->type->form == FORM_MAP_ENTRIES;
    MapEntry *entries = arena_try_alloc(arena, value->len * sizeof *entries + 1, err);
    if (entries == NULL)
        return E_LIMIT;
    for (uint32_t i = 0; i < value->len; i++) {
        const Value *pair = list ? value_items(value_items(*value)[i]) : NULL;
        if (list && (value_is_null(value_items(*value)[i]) || value_is_null(pair[0])))
            return error_set(err, E_DATA, NO_POS, "A map's entry has no key");
        entries[count] = list ? (MapEntry){pair[0], pair[1]} : value_entries(*value)[i];
        TRY(convert(node->children, arena, &entries[count++].value, err));
    }
    *value = value_map(entries, list ? connect_unique(entries, count, arena) : count);
    return OK;
}

static Status convert_row(const Node *node, Arena *arena, const Value *natural, Value *row, Error *err)
{
    for (size_t i = 0; i < node->column->field_count; i++)
        row[i] = value_null();
    for (size_t i = 0; i < node->count; i++) {
        row[node->slots[i]] = natural[i];
        TRY(convert(&node->children[i], arena, &row[node->slots[i]], err));
    }
    return OK;
}

static Status convert(const Node *node, Arena *arena, Value *value, Error *err)
{
    Value *row;
    if (node->same || value_is_null(*value))
        return OK;
    switch (node->type->form) {
    case FORM_SCALAR:
        return connect_convert(node->convert, node->natural, node->column, arena, value, err);
    case FORM_ARRAY:
        return convert_items(node, arena, value, err);
    case FORM_STRUCT:
        row = arena_try_alloc(arena, node->column->field_count * sizeof *row + 1, err);
        if (row == NULL)
            return E_LIMIT;
        TRY(convert_row(node, arena, value_items(*value), row, err));
        *value = value_array(row, node->column->field_count);
        return OK;
    default:
        return convert_map(node, arena, value, err);
    }
}

/* ---- a payload ---- */

static Status malformed(Error *err)
{
    return error_set(err, E_DATA, NO_POS, "The payload is not valid JSON, or nests deeper than %d levels",
                     (int)JSON_MAX_DEPTH);
}

/* The record's own fields one by one, without a row of natural values in between. */
static Status read_fields(JsonSrReader *self, Value *out, Error *err)
{
    const uint32_t *slots;
    const Node     *root = &self->root;
    for (size_t i = 0; i < self->count; i++)
        out[i] = value_null();
    if (json_shape_walk(self->json.shape, &self->reader.doc, 0, &slots) == 0)
        return malformed(err);
    for (size_t i = 0; i < root->count; i++) {
        JsonPath here = {.name = root->natural->fields[i].name, .suffix = ""};
        Value   *slot = &out[root->slots[i]];
        if (slots[i] == 0)
            continue;
        TRY(json_read_value(&self->reader, &self->json.fields[i], slots[i], &here, slot, err));
        TRY(convert(&root->children[i], self->reader.arena, slot, err));
    }
    return OK;
}

Status json_sr_read(JsonSrReader *self, Str payload, Arena *arena, Value *out, Error *err)
{
    JsonDoc *doc       = &self->reader.doc;
    self->reader.arena = arena;
    if (!json_doc_open(doc, self->index, payload))
        return malformed(err);
    if (!self->unwrapped && self->root.type->form == FORM_STRUCT && json_doc_is(doc, 0, '{'))
        return read_fields(self, out, err);
    if (json_doc_skip(doc, 0) == 0)
        return malformed(err);
    Value whole;
    TRY(json_read_value(&self->reader, &self->json, 0, NULL, &whole, err));
    TRY(convert(&self->root, arena, &whole, err));
    if (self->unwrapped) {
        *out = whole;
        return OK;
    }
    for (size_t i = 0; i < self->count; i++) /* nothing but a null comes here: objects went the other way */
        out[i] = value_is_null(whole) ? value_null() : value_items(whole)[i];
    return OK;
}
