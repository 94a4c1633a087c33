/*
 * row.c - schemas and batches.
 *
 * The order of columns is an invariant of every schema (see row.h); schema_new establishes it and the counts
 * that follow from it, so nobody else has to look at roles to find the key or the value.
 */
#include "core/row.h"

static Column column_copy(Arena *arena, const Column *column)
{
    Column copy = *column;
    copy.name   = str_dup(arena, column->name);
    copy.type   = type_copy(arena, column->type);
    if (!str_is_null(column->header_key))
        copy.header_key = str_dup(arena, column->header_key);
    return copy;
}

enum { WIDE = 16 };

static const NameSet *places_of(Arena *arena, const Column *columns, size_t count)
{
    NameSet *places = name_set_new(arena);
    for (size_t i = 0; i < count; i++) {
        bool    added;
        size_t *place = name_set_put(places, columns[i].name, &added);
        *place        = added ? i : *place; /* the first one counts */
    }
    return places;
}

const Schema *schema_new(Arena *arena, const Column *columns, size_t count)
{
    Schema *schema = ARENA_NEW(arena, Schema);
    Column *sorted = ARENA_ARRAY(arena, Column, count);
    size_t  at     = 0;
    for (int role = COLUMN_KEY; role <= COLUMN_WINDOWEND; role++)
        for (size_t i = 0; i < count; i++)
            if ((int)columns[i].role == role)
                sorted[at++] = column_copy(arena, &columns[i]);
    schema->columns = sorted;
    schema->count   = at;
    for (size_t i = 0; i < at; i++) {
        schema->key_count += sorted[i].role == COLUMN_KEY;
        schema->value_count += sorted[i].role == COLUMN_VALUE;
    }
    if (at > WIDE)
        schema->places = places_of(arena, sorted, at);
    return schema;
}

const Schema *schema_copy(Arena *arena, const Schema *schema)
{
    return schema_new(arena, schema->columns, schema->count);
}

int schema_find(const Schema *schema, Str name)
{
    if (schema->places != NULL) {
        const size_t *place = name_set_get(schema->places, name);
        return place != NULL ? (int)*place : -1;
    }
    for (size_t i = 0; i < schema->count; i++)
        if (str_equal(schema->columns[i].name, name))
            return (int)i;
    return -1;
}

bool schema_equal(const Schema *a, const Schema *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const Column *x = &a->columns[i], *y = &b->columns[i];
        if (x->role != y->role || !str_equal(x->name, y->name) || !type_equal(x->type, y->type) ||
            str_is_null(x->header_key) != str_is_null(y->header_key) ||
            !str_equal(x->header_key, y->header_key))
            return false;
    }
    return true;
}

void column_print(const Column *column, bool primary, StrBuf *out)
{
    strbuf_addc(out, '`');
    strbuf_add(out, column->name);
    strbuf_adds(out, "` ");
    type_print(column->type, out);
    if (column->role == COLUMN_KEY) {
        strbuf_adds(out, primary ? " PRIMARY KEY" : " KEY");
    } else if (column->role == COLUMN_HEADERS && str_is_null(column->header_key)) {
        strbuf_adds(out, " HEADERS");
    } else if (column->role == COLUMN_HEADERS) {
        strbuf_adds(out, " HEADER('");
        strbuf_add(out, column->header_key);
        strbuf_adds(out, "')");
    }
}

void schema_print(const Schema *schema, bool primary, StrBuf *out)
{
    bool first = true;
    for (size_t i = 0; i < schema->count && schema->columns[i].role < COLUMN_ROWTIME; i++) {
        if (!first)
            strbuf_adds(out, ", ");
        first = false;
        column_print(&schema->columns[i], primary, out);
    }
}

size_t columns_pack_size(const Column *columns, const Value *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        if (!value_is_fixed(columns[i].type->kind, values[i]))
            size += value_pack_size(columns[i].type, values[i]);
    return size;
}

void columns_pack(const Column *columns, const Value *from, size_t count, Value *to, char **at)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value_is_fixed(columns[i].type->kind, from[i]) ? from[i]
                                                               : value_pack(columns[i].type, from[i], at);
}

bool columns_are_fixed(const Column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!kind_is_fixed(columns[i].type->kind))
            return false;
    return true;
}

RecordBatch *batch_new(Arena *arena, const Schema *schema, size_t capacity)
{
    RecordBatch *batch = ARENA_NEW(arena, RecordBatch);
    batch->arena       = arena;
    batch->schema      = schema;
    batch->capacity    = capacity ? capacity : 1;
    size_t size;
    if (!size_multiply(batch->capacity, sizeof(Row), &size))
        size = SIZE_MAX; /* refused by arena_alloc */
    batch->rows = arena_alloc(arena, size);
    return batch;
}

/* Room for one more row at the end. The old array stays in the arena until the batch is done. */
static Row *batch_extend(RecordBatch *batch)
{
    if (batch->count == batch->capacity) {
        Row *rows = arena_alloc(batch->arena, batch->capacity * 2 * sizeof(Row));
        memcpy(rows, batch->rows, batch->count * sizeof(Row));
        batch->rows = rows;
        batch->capacity *= 2;
    }
    return &batch->rows[batch->count++];
}

Row *batch_add(RecordBatch *batch)
{
    Row *row = batch_extend(batch);
    memset(row, 0, sizeof *row);
    return row;
}

void batch_share_row(RecordBatch *batch, const Row *row)
{
    Row copy             = *row; /* it may lie in this very batch, which may move */
    *batch_extend(batch) = copy;
}
