/*
 * signature.h - the signature text of a function, parsed: what each parameter accepts and what comes out.
 *
 * Beyond what udf.h shows, a bare DECIMAL accepts any precision and scale, and as a result or state it is the
 * type of the first DECIMAL argument; ANY accepts everything; STRUCT without fields accepts any struct; CONST
 * marks an aggregate's literal arguments.
 */
#ifndef SLUICE_UDF_SIGNATURE_H
#define SLUICE_UDF_SIGNATURE_H

#include "core/type.h"

typedef enum {
    PARAM_SIMPLE,  /* `type`: a primitive, UNIT, or a DECIMAL(p, s) in a result */
    PARAM_DECIMAL, /* DECIMAL of any precision and scale */
    PARAM_ARRAY,
    PARAM_MAP,
    PARAM_STRUCT, /* no fields: any struct */
    PARAM_GENERIC,
    PARAM_ANY,
    PARAM_LAMBDA,
    PARAM_BY_RULE, /* `?` */
} ParamKind;

typedef struct ParamType ParamType;
struct ParamType {
    ParamKind         kind;
    const SqlType    *type;
    char              letter;  /* GENERIC: 'A' .. 'Z' */
    const ParamType  *key;     /* MAP */
    const ParamType  *element; /* ARRAY, MAP; LAMBDA: what the body gives */
    const ParamType **parts;   /* STRUCT: field types; LAMBDA: parameters */
    Str              *names;   /* STRUCT */
    size_t            count;
};

typedef struct {
    Str              name; /* empty: unnamed */
    const ParamType *type;
    bool             variadic, constant;
} Param;

typedef struct {
    Param           *params;
    size_t           count, constant_count;
    int              variadic; /* index of the variadic parameter, -1: none */
    const ParamType *result;
} Signature;

/* What the generic letters stand for in one call; [26]: the first DECIMAL argument. */
enum { BINDING_DECIMAL = 26, BINDING_COUNT };
typedef struct {
    const SqlType *types[BINDING_COUNT];
} Bindings;

/* E_SYNTAX when the text is no signature, which is a bug of its row. */
Status signature_parse(Str text, Arena *arena, Signature *out, Error *err);
/* A type on its own, generics allowed: the state of an aggregate. */
Status param_type_parse(Str text, Arena *arena, const ParamType **out, Error *err);
/* True when it holds a generic letter or ANY. */
bool param_type_is_generic(const ParamType *type);
/* The type with the bindings applied; NULL when a letter in it is not bound. */
const SqlType *param_type_apply(const ParamType *type, const Bindings *bindings, Arena *arena);
/* As functions.md 2.9 prints parameter types: INT, VARCHAR, ARRAY<T>, LAMBDA (T) => R. */
void param_type_print(const ParamType *type, StrBuf *out);

#endif
