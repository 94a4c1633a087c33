/*
 * store_layout.h - how a store's table looks: its columns, and the words by which SQL knows a row's identity.
 *
 * For the two files that write SQL: store_registry.c makes tables, store_sql.c works on their rows.
 * Thread: any; nothing here changes.
 */
#ifndef SLUICE_STATE_STORE_LAYOUT_H
#define SLUICE_STATE_STORE_LAYOUT_H

#include "state/store.h"

/* Pieces of SQL. Parameters: 1 key, 2 partition, 3 start, 4 end. */
typedef struct {
    const char *columns;         /* the identity's, as they are declared */
    const char *identity;        /* the primary key */
    const char *identity_values; /* its parameters */
    const char *readable;        /* window bounds for people */
    const char *index;           /* by time; NULL: none */
    const char *select;          /* start and end, as every SELECT of rows has them */
    const char *insert, *insert_values;
    const char *where;
    const char *time;
} StoreLayout;

/* By StoreKind. */
extern const StoreLayout store_layouts[];

/* A name as SQL takes it, whatever is in it; followed by a NUL. All results live in the arena. */
Str store_quote(Arena *arena, Str name);
/* Column i of the table: keys, values, states. */
const Column *store_table_column(const StoreSpec *spec, size_t i);
/* The SQL names of the first `count` of them, quoted. Keys and values have their own, with _ behind as often
 * as it takes to be unique; states are _state_N. */
const Str  *store_table_columns(Arena *arena, const StoreSpec *spec, size_t count);
const char *store_column_sql_type(const SqlType *type);

#endif
