/*
 * registry.h - the inside of the registry, for resolve.c and describe.c: names in order, each with its
 * overloads.
 */
#ifndef SLUICE_UDF_REGISTRY_H
#define SLUICE_UDF_REGISTRY_H

#include "udf/signature.h"
#include "udf/udf.h"

typedef struct {
    Signature          signature;
    const ScalarFn    *scalar; /* exactly one of these three is set */
    const TableFn     *table;
    const AggregateFn *aggregate;
    const ParamType   *state; /* aggregates; NULL: bind sets it */
} Overload;

typedef struct {
    Str         upper; /* upper case: the key */
    const char *name;  /* registered spelling */
    const char *category;
    FnKind      kind;
    Overload   *overloads; /* in the order of registration */
    size_t      count, capacity;
} FnEntry;

struct Functions {
    Arena   *arena;
    FnEntry *entries; /* sorted by `upper` */
    size_t   count, capacity;
};

/* Found by name in any case, or NULL. */
const FnEntry *functions_find(const Functions *functions, Str name);
ResultTypeRule overload_rule(const Overload *overload);
const char    *overload_doc(const Overload *overload);

#endif
