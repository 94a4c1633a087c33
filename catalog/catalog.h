/*
 * catalog.h - what exists: streams, tables, custom types, queries, and what has been granted.
 *
 * A Catalog is a value: statements of one request are validated in order against a copy (the sandbox) before
 * anything is executed (sql.md 1.5). What is added is copied into the catalog. Sources are immutable and
 * reference-counted between copies; ALTER and OR REPLACE put a new one in the old one's place.
 *
 * Thread: a Catalog belongs to one thread at a time; the server keeps its own behind the engine's lock.
 */
#ifndef SLUICE_CATALOG_CATALOG_H
#define SLUICE_CATALOG_CATALOG_H

#include "core/row.h"
#include "serde/serde.h"

typedef enum { WINDOWED_NO, WINDOWED_TUMBLING, WINDOWED_HOPPING, WINDOWED_SESSION } WindowedKind;

/* How a key is windowed. size_ms is 0 for sessions. */
typedef struct {
    WindowedKind kind;
    int64_t      size_ms;
} KeyWindow;

typedef struct {
    Str           name;
    bool          is_table;
    bool          read_only; /* CREATE SOURCE ... */
    bool          derived;   /* made by CREATE ... AS */
    const Schema *schema;    /* keys, values, header columns; no pseudo columns */
    Str           topic;
    int           partitions; /* of the topic when the source was created; 0 = unknown */
    FormatSpec    key_format, value_format;
    KeyWindow     window;
    Str           timestamp_column; /* ptr NULL: the record's timestamp */
    Str           timestamp_format;
    Str           statement; /* text that made it */
    Str query_id; /* derived, or materialised SOURCE TABLE: the query that makes it; ptr NULL otherwise */
    const Str *made_from; /* sources its query reads: these cannot be dropped before it */
    size_t     made_from_count;
    int64_t    retention_ms; /* from WITH or inherited; < 0: none */
} Source;

typedef struct {
    Str            name;
    const SqlType *type;
} CustomType;

typedef enum { QUERY_PERSISTENT_STREAM, QUERY_PERSISTENT_TABLE, QUERY_INSERT, QUERY_SOURCE_TABLE } QueryKind;

typedef struct {
    Str        id;
    QueryKind  kind;
    Str        statement; /* canonical text */
    Str        sink;      /* name of the source it writes; QUERY_SOURCE_TABLE: the table */
    const Str *sources;   /* names of what it reads */
    size_t     source_count;
    bool       paused;
    Str        failure; /* why it cannot run here at all; ptr NULL: it can */
} QueryEntry;

/* What a role or a user may do with a source, or with all of them (core/privilege.h). A name need not exist,
 * and outlives what had it: a source that is made again is as open as it was. */
typedef struct {
    Str      key;     /* made by catalog_put_grant of what follows: each pair has one grant */
    Str      grantee; /* letters of either case are the same */
    bool     to_user; /* rather than to a role */
    Str      object;  /* ptr NULL: all of them */
    unsigned privileges;
} Grant;

typedef struct Catalog Catalog;

Catalog *catalog_new(void);
Catalog *catalog_copy(const Catalog *catalog);
void     catalog_free(Catalog *catalog); /* accepts NULL */

/* Or NULL. The catalog's: it ends when this catalog and all copies that share it have let go of it. */
const Source *catalog_source(const Catalog *catalog, Str name);
/* With all that it points to: for whoever looks at a source after he has left the lock. */
Source *source_copy(Arena *arena, const Source *source);
/* Sorted by name; the array is in `arena`, the sources belong to the catalog. */
void catalog_sources(const Catalog *catalog, Arena *arena, const Source ***out, size_t *count);
/* Adds or replaces; copies everything. */
void catalog_put_source(Catalog *catalog, const Source *source);
void catalog_remove_source(Catalog *catalog, Str name);
/* "\nDid you mean ..." of sql.md 6.4 appended to err when a source of the same name in another case exists;
 * else the nearest name, if one is near. */
void catalog_hint(const Catalog *catalog, Str name, Error *err);
/* The nearest name of a query or a type, if one is near. */
void catalog_hint_query(const Catalog *catalog, Str id, Error *err);
void catalog_hint_type(const Catalog *catalog, Str name, Error *err);

const SqlType *catalog_type(const Catalog *catalog, Str name); /* custom types only; or NULL */
void catalog_types(const Catalog *catalog, Arena *arena, CustomType **out, size_t *count); /* sorted */
void catalog_put_type(Catalog *catalog, Str name, const SqlType *type);
void catalog_remove_type(Catalog *catalog, Str name);

const QueryEntry *catalog_query(const Catalog *catalog, Str id); /* or NULL */
void              catalog_queries(const Catalog *catalog, Arena *arena, const QueryEntry ***out,
                                  size_t *count); /* in order of creation */
void              catalog_put_query(Catalog          *catalog,
                                    const QueryEntry *query); /* replacing keeps its place in the order */
void              catalog_remove_query(Catalog *catalog, Str id);

/* ---- grants ---- */

/* In the order of their keys; the array is in `arena`. */
void catalog_grants(const Catalog *catalog, Arena *arena, const Grant ***out, size_t *count);
/* Without an arena, in no order. */
size_t       catalog_grant_count(const Catalog *catalog);
const Grant *catalog_grant_at(const Catalog *catalog, size_t index);
/* What has been given to this grantee on this object; 0: nothing. */
unsigned catalog_granted(const Catalog *catalog, const Grant *like);
/* From now on it has these privileges and no others; 0: none. */
void catalog_put_grant(Catalog *catalog, const Grant *grant);

#endif
