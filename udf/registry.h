/*
 * registry.h - the inside of the registry, for resolve.c and describe.c: names in order, each with its
 * overloads.
 */
#ifndef SLUICE_UDF_REGISTRY_H
#define SLUICE_UDF_REGISTRY_H

#include <stdatomic.h>

#include "udf/signature.h"
#include "udf/udf.h"

typedef struct {
    Signature          signature;
    const ScalarFn    *scalar; /* exactly one of these three is set */
    const TableFn     *table;
    const AggregateFn *aggregate;
    const ParamType   *state; /* aggregates; NULL: bind sets it */
    const void        *self;  /* of a function that was added: FnCall.self */
} Overload;

typedef struct {
    Str         upper; /* upper case: the key */
    const char *name;  /* registered spelling */
    const char *category;
    FnKind      kind;
    Overload   *overloads; /* in the order of registration */
    size_t      count, capacity;
    FnOrigin    origin; /* path NULL: built in */
} FnEntry;

/* What there is at one time. Never changes: adding makes another one. */
typedef struct {
    size_t         count;
    const FnEntry *entries[]; /* sorted by `upper` */
} FnTable;

/* Who reads takes the table once and never waits; what it finds stays, for plans and running queries point to
 * rows. So nothing is freed before the registry is closed, neither former tables nor rows that were removed:
 * a few KB for each function that somebody creates. */
struct Functions {
    Arena                   *arena;
    FnEntry                 *builtin; /* NULL in a fork */
    size_t                   builtin_count, builtin_capacity;
    _Atomic(const FnTable *) table;
};

static inline const FnTable *functions_table(const Functions *functions)
{
    return atomic_load_explicit(&((Functions *)(uintptr_t)functions)->table, memory_order_acquire);
}

int  fn_entry_compare(const void *a, const void *b); /* of pointers to FnEntry pointers */
void functions_publish(Functions *functions, const FnTable *table);

/* Found by name in any case, or NULL. */
const FnEntry *functions_find(const Functions *functions, Str name);
ResultTypeRule overload_rule(const Overload *overload);
const char    *overload_doc(const Overload *overload);

#endif
