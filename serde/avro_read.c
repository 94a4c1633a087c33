/*
 * avro_read.c - Avro records to rows: see avro_codec.h.
 *
 * The bytes are a stranger's: every length is compared with what is left, every count with what could be
 * there, nesting is limited (a schema within itself lets a payload nest as deep as it likes).
 */
#include "core/decimal.h"
#include "serde/avro_codec.h"
#include "serde/connect.h"

enum { DEEPEST = 256, FREE_ITEMS = 4096, FREE_STEPS = 1 << 20, STEPS_A_BYTE = 64 };

typedef struct AvroNode AvroNode;
struct AvroNode {
    const AvroType *type;
    const SqlType  *column;   /* NULL: step over it */
    const SqlType  *wire;     /* of a scalar: what its schema says */
    AvroNode       *children; /* fields, branches, the element, key and value of an entry */
    int32_t        *slots;    /* RECORD, UNION as STRUCT: where a child goes; -1: nowhere */
    Conversion      convert;
    bool            spread; /* UNION: its branches are fields of a STRUCT */
};

struct AvroReader {
    AvroNode root;
    bool     unwrapped;
    size_t   count;
};

/* ---- the plan ---- */

static Status plan(AvroNode *node, const AvroType *type, const SqlType *column, const Wanted *wanted,
                   const ConnectPath *path, Arena *arena, Error *err);

/* A type for error texts, and for scalars the one to convert from. */
static const SqlType *wire_type(const AvroType *type, Arena *arena)
{
    static const SqlType a_struct = {.kind = T_STRUCT}, an_array = {.kind = T_ARRAY}, a_map = {.kind = T_MAP};
    switch (type->kind) {
    case AVRO_RECORD:
    case AVRO_UNION:
        return &a_struct;
    case AVRO_ARRAY:
        return avro_is_entries(type) ? &a_map : &an_array;
    case AVRO_MAP:
        return &a_map;
    case AVRO_NULL:
        return &type_null;
    default:
        return avro_to_sql(type, false, arena);
    }
}

static const Wanted *wanted_field(const Wanted *wanted, size_t i)
{
    return wanted == NULL || wanted->fields == NULL ? NULL : wanted->fields[i];
}

static Status plan_record(AvroNode *node, const ConnectPath *path, const Wanted *wanted, Arena *arena,
                          Error *err)
{
    const AvroType *type = node->type;
    node->children       = ARENA_ARRAY(arena, AvroNode, type->count + 1);
    node->slots          = ARENA_ARRAY(arena, int32_t, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        const AvroField *field = &type->fields[i];
        ConnectPath      here  = {path, field->name};
        int              slot  = connect_field(node->column, field->name);
        node->slots[i]         = slot;
        node->children[i].type = field->type;
        if (slot >= 0)
            TRY(plan(&node->children[i], field->type, node->column->fields[slot].type,
                     wanted_field(wanted, (size_t)slot), &here, arena, err));
    }
    return OK;
}

static size_t count_others(const AvroType *type)
{
    size_t others = 0;
    for (size_t i = 0; i < type->count; i++)
        others += type->branches[i]->kind != AVRO_NULL;
    return others;
}

/* null and one other: that one. Several others: the STRUCT that inference makes of them. */
static Status plan_union(AvroNode *node, const ConnectPath *path, const Wanted *wanted, Arena *arena,
                         Error *err)
{
    const AvroType *type   = node->type;
    const SqlType  *fields = avro_to_sql(type, false, arena);
    node->spread           = count_others(type) > 1;
    if (node->spread && (fields == NULL || node->column->kind != T_STRUCT))
        return connect_refuse(wire_type(type, arena), node->column, path, err);
    node->children = ARENA_ARRAY(arena, AvroNode, type->count + 1);
    node->slots    = ARENA_ARRAY(arena, int32_t, type->count + 1);
    for (size_t i = 0, field = 0; i < type->count; i++) {
        const AvroType *branch = type->branches[i];
        const SqlType  *column = node->column;
        node->children[i].type = branch;
        node->slots[i]         = -1;
        if (branch->kind == AVRO_NULL)
            continue;
        if (node->spread) {
            if (avro_to_sql(branch, false, arena) == NULL)
                continue;
            ConnectPath here = {path, fields->fields[field++].name};
            node->slots[i]   = connect_field(node->column, here.name);
            if (node->slots[i] < 0)
                continue;
            column = node->column->fields[node->slots[i]].type;
            TRY(plan(&node->children[i], branch, column, wanted_field(wanted, (size_t)node->slots[i]), &here,
                     arena, err));
        } else {
            TRY(plan(&node->children[i], branch, column, wanted, path, arena, err));
        }
    }
    return OK;
}

static Status plan_array(AvroNode *node, const ConnectPath *path, Arena *arena, Error *err)
{
    ConnectPath here = {path, STR_LIT("ARRAY")};
    node->children   = ARENA_NEW(arena, AvroNode);
    return plan(node->children, node->type->element, node->column->element, NULL, &here, arena, err);
}

static Status plan_map(AvroNode *node, const ConnectPath *path, Arena *arena, Error *err)
{
    const AvroType *type = node->type;
    ConnectPath     key = {path, STR_LIT("MAP_KEY")}, value = {path, STR_LIT("MAP_VAL")};
    node->children = ARENA_ARRAY(arena, AvroNode, 2);
    if (type->kind == AVRO_MAP)
        return plan(&node->children[1], type->element, node->column->element, NULL, &value, arena, err);
    const AvroField *fields = type->element->fields;
    TRY(plan(&node->children[0], fields[0].type, &type_string, NULL, &key, arena, err));
    return plan(&node->children[1], fields[1].type, node->column->element, NULL, &value, arena, err);
}

/* Every column is checked against the schema, also where nobody wants it: a statement must not fail or work
 * depending on which columns its queries read. */
static Status plan(AvroNode *node, const AvroType *type, const SqlType *column, const Wanted *wanted,
                   const ConnectPath *path, Arena *arena, Error *err)
{
    Status status = OK;
    node->type    = type;
    node->column  = column;
    if (type->kind == AVRO_UNION) {
        status = plan_union(node, path, wanted, arena, err);
    } else {
        node->wire = wire_type(type, arena);
        bool same  = node->wire->kind == column->kind;
        if (same && column->kind == T_STRUCT)
            status = plan_record(node, path, wanted, arena, err);
        else if (same && column->kind == T_ARRAY)
            status = plan_array(node, path, arena, err);
        else if (same && column->kind == T_MAP)
            status = plan_map(node, path, arena, err);
        else if (node->wire->kind >= T_ARRAY || column->kind >= T_ARRAY)
            status = connect_refuse(node->wire, column, path, err);
        else if ((node->convert = connect_conversion(node->wire, column)) == CONVERT_NEVER)
            status = connect_refuse(node->wire, column, path, err);
    }
    if (wanted != NULL && wanted->none)
        node->column = NULL;
    return status;
}

Status avro_reader_new(const AvroType *schema, const SerdeSpec *spec, Arena *arena, const AvroReader **out,
                       Error *err)
{
    AvroReader *self   = ARENA_NEW(arena, AvroReader);
    Wanted      all    = {.fields = spec->wanted};
    self->unwrapped    = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    self->count        = spec->count;
    *out               = self;
    const SqlType *row = connect_row(arena, spec->columns, spec->count);
    if (!self->unwrapped)
        return plan(&self->root, schema, row, &all, NULL, arena, err);
    return plan(&self->root, schema, row->fields[0].type, spec->wanted ? spec->wanted[0] : NULL, NULL, arena,
                err);
}

/* ---- the bytes ---- */

typedef struct {
    const uint8_t *at, *end;
    Arena         *arena;
    size_t         steps; /* items and skipped types that may still come: some take no bytes, and multiply */
} Cursor;

static Status malformed(const char *what, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "The payload is not valid Avro: %s", what);
}

static inline size_t left(const Cursor *c) { return (size_t)(c->end - c->at); }

static bool read_long_varint(Cursor *c, int64_t *out)
{
    uint64_t n = 0;
    for (int shift = 0; shift < 70 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        n |= (uint64_t)(byte & 0x7f) << (shift & 63);
        if (byte < 0x80) {
            *out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

/* Most numbers, lengths and branches take one byte. */
static inline bool read_varint(Cursor *c, int64_t *out)
{
    if (c->at < c->end && *c->at < 0x80) {
        uint8_t byte = *c->at++;
        *out         = (int64_t)(byte >> 1) ^ -(int64_t)(byte & 1);
        return true;
    }
    return read_long_varint(c, out);
}

static inline bool read_span(Cursor *c, Str *out)
{
    int64_t len;
    if (!read_varint(c, &len) || len < 0 || (uint64_t)len > left(c))
        return false;
    *out = str_n((const char *)c->at, (size_t)len);
    c->at += len;
    return true;
}

static inline bool step(Cursor *c, size_t size)
{
    if (left(c) < size)
        return false;
    c->at += size;
    return true;
}

/* The next block's count, 0 at the end. A negative one says how many bytes the block has. */
static Status read_block(Cursor *c, size_t *count, int64_t *size, Error *err)
{
    int64_t n;
    *size = -1;
    if (!read_varint(c, &n))
        return malformed("it ends within a list", err);
    if (n < 0) {
        if (n == INT64_MIN || !read_varint(c, size) || *size < 0 || (uint64_t)*size > left(c))
            return malformed("a block's size is wrong", err);
        n = -n;
    }
    /* Items may take no bytes at all (null, an empty record), but nobody means millions of them. */
    if ((uint64_t)n > left(c) + FREE_ITEMS)
        return malformed("a list claims more items than there are bytes", err);
    if ((uint64_t)n > c->steps)
        return malformed("it holds too much that takes no bytes", err);
    c->steps -= (size_t)n;
    *count = (size_t)n;
    return OK;
}

/* ---- stepping over ---- */

static Status cut_short(Error *err) { return malformed("it is cut short", err); }

/* As read_long_varint, but nobody wants the number. */
static inline bool skip_varint(Cursor *c)
{
    for (int i = 0; i < 10 && c->at < c->end; i++) {
        uint8_t byte = *c->at++;
        if (byte < 0x80)
            return i < 9 || byte <= 1;
    }
    return false;
}

static inline Status read_branch(Cursor *c, const AvroType *type, size_t *out, Error *err)
{
    int64_t branch;
    if (!read_varint(c, &branch) || branch < 0 || (uint64_t)branch >= type->count)
        return malformed("a union has no such branch", err);
    *out = (size_t)branch;
    return OK;
}

/* What has no parts and takes a byte at least: most of what is stepped over, so it is done in place, and
 * counts as no step, which only what takes no bytes could take without end. False: it is something else. */
static inline bool skip_plain(Cursor *c, const AvroType *type, bool *whole)
{
    Str span;
    switch (type->kind) {
    case AVRO_BOOLEAN:
        *whole = step(c, 1);
        return true;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        *whole = skip_varint(c);
        return true;
    case AVRO_FLOAT:
        *whole = step(c, 4);
        return true;
    case AVRO_DOUBLE:
        *whole = step(c, 8);
        return true;
    case AVRO_BYTES:
    case AVRO_STRING:
        *whole = read_span(c, &span);
        return true;
    default:
        return false;
    }
}

static Status skip_parts(Cursor *c, const AvroType *type, int depth, Error *err);

static inline Status skip(Cursor *c, const AvroType *type, int depth, Error *err)
{
    bool whole;
    if (type->kind == AVRO_UNION) {
        size_t branch = 0;
        TRY(read_branch(c, type, &branch, err));
        type = type->branches[branch];
        if (type->kind == AVRO_NULL) /* its branch took a byte */
            return OK;
    }
    if (skip_plain(c, type, &whole))
        return whole ? OK : cut_short(err);
    return skip_parts(c, type, depth, err);
}

static Status skip_list(Cursor *c, const AvroType *type, int depth, Error *err)
{
    size_t  count;
    int64_t size;
    Str     key;
    for (;;) {
        TRY(read_block(c, &count, &size, err));
        if (count == 0)
            return OK;
        if (size >= 0) {
            c->at += size;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (type->kind == AVRO_MAP && !read_span(c, &key))
                return malformed("it ends within a map's key", err);
            TRY(skip(c, type->element, depth + 1, err));
        }
    }
}

/* What skip() does not do in place. */
static Status skip_parts(Cursor *c, const AvroType *type, int depth, Error *err)
{
    if (depth > DEEPEST)
        return malformed("it nests too deep", err);
    if (c->steps == 0)
        return malformed("it holds too much that takes no bytes", err);
    c->steps--;
    switch (type->kind) {
    case AVRO_FIXED:
        return step(c, type->size) ? OK : cut_short(err);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return skip_list(c, type, depth, err);
    case AVRO_RECORD:
        for (size_t i = 0; i < type->count; i++)
            TRY(skip(c, type->fields[i].type, depth + 1, err));
        return OK;
    case AVRO_UNION: /* of a union: no schema that was parsed has one */
        return skip(c, type, depth + 1, err);
    default: /* NULL */
        return OK;
    }
}

/* ---- values ---- */

static Status read(Cursor *c, const AvroNode *node, int depth, Value *out, Error *err);

static inline double read_float(const uint8_t *at)
{
    uint32_t bits = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    float    f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static inline double read_double(const uint8_t *at)
{
    uint64_t bits = 0;
    double   d;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)at[i] << (8 * i);
    memcpy(&d, &bits, sizeof d);
    return d;
}

static Value span_value(const AvroType *type, Str span, Arena *arena)
{
    if (type->logical == LOGICAL_DECIMAL)
        return decimal_from_bytes(arena, span, type->scale);
    return value_from_str(span);
}

static Status read_scalar(Cursor *c, const AvroNode *node, Value *out, Error *err)
{
    const AvroType *type = node->type;
    int64_t         n    = 0;
    Str             span;
    bool            fine = true;
    switch (type->kind) {
    case AVRO_BOOLEAN:
        fine = left(c) >= 1;
        *out = value_from_bool(fine && *c->at++ != 0);
        break;
    case AVRO_INT:
    case AVRO_LONG:
        fine = read_varint(c, &n) && (type->kind == AVRO_LONG || n == (int32_t)n);
        *out = value_from_int(n);
        break;
    case AVRO_FLOAT:
        if ((fine = step(c, 4)))
            *out = value_from_double(read_float(c->at - 4));
        break;
    case AVRO_DOUBLE:
        if ((fine = step(c, 8)))
            *out = value_from_double(read_double(c->at - 8));
        break;
    case AVRO_STRING:
        if ((fine = read_span(c, &span)))
            *out = value_from_str(utf8_repair(c->arena, span));
        break;
    case AVRO_BYTES:
        if ((fine = read_span(c, &span)))
            *out = span_value(type, span, c->arena);
        break;
    case AVRO_FIXED:
        if ((fine = step(c, type->size)))
            *out = span_value(type, str_n((const char *)c->at - type->size, type->size), c->arena);
        break;
    default: /* AVRO_ENUM */
        if (!read_varint(c, &n) || n < 0 || (uint64_t)n >= type->count)
            return malformed("an enum has no such symbol", err);
        *out = value_from_str(type->symbols[n]);
        break;
    }
    if (!fine)
        return malformed("it is cut short, or a number is too large", err);
    return node->convert == CONVERT_NONE
               ? OK
               : connect_convert(node->convert, node->wire, node->column, c->arena, out, err);
}

/* Into a row that holds NULLs already. */
static Status read_fields(Cursor *c, const AvroNode *node, int depth, Value *row, Error *err)
{
    for (size_t i = 0; i < node->type->count; i++) {
        const AvroNode *child = &node->children[i];
        if (child->column == NULL)
            TRY(skip(c, child->type, depth + 1, err));
        else
            TRY(read(c, child, depth + 1, &row[node->slots[i]], err));
    }
    return OK;
}

static Status new_row(Cursor *c, const SqlType *type, Value **out, Error *err)
{
    *out = arena_try_alloc(c->arena, type->field_count * sizeof **out + 1, err);
    if (*out == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < type->field_count; i++)
        (*out)[i] = value_null();
    return OK;
}

static Status read_union(Cursor *c, const AvroNode *node, int depth, Value *out, Error *err)
{
    size_t branch = 0;
    Value *row;
    TRY(read_branch(c, node->type, &branch, err));
    const AvroNode *child = &node->children[branch];
    *out                  = value_null();
    if (child->type->kind == AVRO_NULL)
        return OK;
    if (!node->spread)
        return read(c, child, depth + 1, out, err);
    TRY(new_row(c, node->column, &row, err));
    *out = value_array(row, node->column->field_count);
    if (child->column == NULL)
        return skip(c, child->type, depth + 1, err);
    return read(c, child, depth + 1, &row[node->slots[branch]], err);
}

/* Room for `more` items behind those that are there. */
static Status widen(Cursor *c, void **items, size_t used, size_t *capacity, size_t more, size_t width,
                    Error *err)
{
    if (used + more <= *capacity)
        return OK;
    size_t wanted = used == 0 ? more : (used + more) * 2;
    void  *wider  = arena_try_alloc(c->arena, wanted * width + 1, err);
    if (wider == NULL)
        return E_LIMIT;
    if (used > 0)
        memcpy(wider, *items, used * width);
    *items    = wider;
    *capacity = wanted;
    return OK;
}

static Status read_array(Cursor *c, const AvroNode *node, int depth, Value *out, Error *err)
{
    void   *items = NULL;
    size_t  count = 0, capacity = 0, block;
    int64_t size;
    for (;;) {
        TRY(read_block(c, &block, &size, err));
        if (block == 0)
            break;
        TRY(widen(c, &items, count, &capacity, block, sizeof(Value), err));
        for (size_t i = 0; i < block; i++)
            TRY(read(c, node->children, depth + 1, &((Value *)items)[count++], err));
    }
    *out = value_array(items, count);
    return OK;
}

static Status read_entry(Cursor *c, const AvroNode *node, int depth, MapEntry *entry, Error *err)
{
    Str key;
    if (node->type->kind == AVRO_MAP) {
        if (!read_span(c, &key))
            return malformed("it ends within a map's key", err);
        entry->key = value_from_str(utf8_repair(c->arena, key));
    } else {
        TRY(read(c, &node->children[0], depth + 1, &entry->key, err));
        if (value_is_null(entry->key))
            return malformed("a map's key is null", err);
    }
    return read(c, &node->children[1], depth + 1, &entry->value, err);
}

static Status read_map(Cursor *c, const AvroNode *node, int depth, Value *out, Error *err)
{
    void   *items = NULL;
    size_t  count = 0, capacity = 0, block;
    int64_t size;
    for (;;) {
        TRY(read_block(c, &block, &size, err));
        if (block == 0)
            break;
        TRY(widen(c, &items, count, &capacity, block, sizeof(MapEntry), err));
        for (size_t i = 0; i < block; i++)
            TRY(read_entry(c, node, depth, &((MapEntry *)items)[count++], err));
    }
    *out = value_map(items, connect_unique(items, count, c->arena));
    return OK;
}

static Status read(Cursor *c, const AvroNode *node, int depth, Value *out, Error *err)
{
    Value *row;
    if (depth > DEEPEST)
        return malformed("it nests too deep", err);
    if (node->column == NULL) {
        *out = value_null();
        return skip(c, node->type, depth, err);
    }
    switch (node->type->kind) {
    case AVRO_UNION:
        return read_union(c, node, depth, out, err);
    case AVRO_RECORD:
        TRY(new_row(c, node->column, &row, err));
        *out = value_array(row, node->column->field_count);
        return read_fields(c, node, depth, row, err);
    case AVRO_ARRAY:
        return node->column->kind == T_MAP ? read_map(c, node, depth, out, err)
                                           : read_array(c, node, depth, out, err);
    case AVRO_MAP:
        return read_map(c, node, depth, out, err);
    default:
        return read_scalar(c, node, out, err);
    }
}

/* A root that may be null and is: every column is. */
static Status read_root(Cursor *c, const AvroReader *reader, Value *out, Error *err)
{
    const AvroNode *root = &reader->root;
    for (size_t i = 0; i < reader->count; i++)
        out[i] = value_null();
    if (root->type->kind == AVRO_RECORD && root->column != NULL && !reader->unwrapped)
        return read_fields(c, root, 0, out, err);
    if (reader->unwrapped)
        return read(c, root, 0, &out[0], err);
    Value row;
    TRY(read(c, root, 0, &row, err));
    if (!value_is_null(row))
        memcpy(out, value_items(row), reader->count * sizeof *out);
    return OK;
}

Status avro_read_row(const AvroReader *reader, Str payload, Arena *arena, Value *out, Error *err)
{
    const uint8_t *start = (const uint8_t *)payload.ptr;
    Cursor         c     = {start, start + payload.len, arena, payload.len * STEPS_A_BYTE + FREE_STEPS};
    /* Confluent's serializers write a bare `bytes` without its length. */
    if (reader->unwrapped && reader->root.type->kind == AVRO_BYTES && reader->root.column != NULL &&
        reader->root.type->logical == LOGICAL_NONE) {
        *out = value_from_str(payload);
        return OK;
    }
    return read_root(&c, reader, out, err);
}
