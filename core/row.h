/*
 * row.h - rows on their way through a pipeline: schema, row, batch.
 *
 * A schema lists the columns of an edge: first the key columns, then values, then header columns, then the
 * pseudo columns (ROWTIME, WINDOWSTART, ...) that somebody downstream reads. A row is an array of Values in
 * that order.
 *
 * Streams carry `columns`; tables also carry `old`, the row before this change. NULL means absent:
 *   columns == NULL   stream: null value; table: the key was deleted (tombstone)
 *   old == NULL       table: there was no such row before
 *   key == NULL       null key bytes. The key columns in `columns` are then NULL values.
 * A row without columns still has its key: `key` points at the schema's first key_count values.
 */
#ifndef SLUICE_CORE_ROW_H
#define SLUICE_CORE_ROW_H

#include "core/name_set.h"
#include "core/value.h"

typedef enum {
    COLUMN_KEY,
    COLUMN_VALUE,
    COLUMN_HEADERS, /* HEADERS, or HEADER('k') when header_key is set */
    COLUMN_ROWTIME, /* pseudo columns, from here on: never serialized */
    COLUMN_ROWPARTITION,
    COLUMN_ROWOFFSET,
    COLUMN_WINDOWSTART,
    COLUMN_WINDOWEND,
} ColumnRole;

typedef struct {
    Str            name;
    const SqlType *type;
    ColumnRole     role;
    Str            header_key; /* COLUMN_HEADERS: STR_NULL = all headers */
} Column;

typedef struct {
    const Column *columns;
    size_t        count;
    size_t        key_count;   /* columns[0 .. key_count) */
    size_t        value_count; /* columns[key_count .. key_count + value_count) */
    const NameSet
        *places; /* of a wide one: where its columns stand, by name; NULL: they are looked through */
} Schema;

/* Copies columns (and names and types) into the arena, sorted stably into the order above. */
const Schema *schema_new(Arena *arena, const Column *columns, size_t count);
const Schema *schema_copy(Arena *arena, const Schema *schema);
/* Index of the column of that exact name, or -1. */
int  schema_find(const Schema *schema, Str name);
bool schema_equal(const Schema *a, const Schema *b);
/* `K` STRING KEY, `V` INTEGER: as DESCRIBE prints it. `primary`: PRIMARY KEY instead of KEY. Pseudo columns
 * are left out; header columns print as HEADERS or HEADER('key'). */
void schema_print(const Schema *schema, bool primary, StrBuf *out);
/* One column of it. */
void column_print(const Column *column, bool primary, StrBuf *out);

/* value_pack for the values of some columns. */
size_t columns_pack_size(const Column *columns, const Value *values, size_t count);
void   columns_pack(const Column *columns, const Value *from, size_t count, Value *to, char **at);
/* No value of these columns points anywhere, so that an assignment copies them. */
bool columns_are_fixed(const Column *columns, size_t count);

typedef struct {
    Str key;
    Str value; /* ptr NULL: null */
} Header;

/* Where the input record being processed came from; shared by all rows it causes. */
typedef struct {
    Str           topic;
    int32_t       partition;
    int64_t       offset;
    const Header *headers;
    size_t        header_count;
} Origin;

typedef struct {
    const Value *columns;
    const Value *old;
    const Value *key;
    Str     key_bytes; /* the key in the edge's key format without window; ptr NULL = not serialized yet */
    int64_t timestamp; /* ms */
    int64_t window_start, window_end; /* ms; windowed edges only */
    const Origin *origin;
} Row;

typedef struct {
    Arena        *arena; /* of the batch: everything in rows lives there or longer */
    const Schema *schema;
    Row          *rows;
    size_t        count, capacity;
} RecordBatch;

RecordBatch *batch_new(Arena *arena, const Schema *schema, size_t capacity);
/* A zeroed row at the end, growing the batch when it is full. */
Row *batch_add(RecordBatch *batch);
/* Appends a row that shares everything it points to: the same batch arena, no copy. */
void batch_share_row(RecordBatch *batch, const Row *row);

#endif
