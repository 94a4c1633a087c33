/*
 * udf.h - functions: scalar, aggregate and table functions, one family per file, and how a call finds its
 * overload.
 *
 * A family is a table of rows (fn_*.c) and a line in families.def; a new function is a new row. Signatures
 * are SQL text and are parsed once, when the registry is opened:
 *
 *   "(text STRING, times INT) -> STRING"      parameter names are shown by DESCRIBE FUNCTION
 *   "(a T, rest T...) -> T"                   generics are single capital letters (K, V, T, ...); `...` is
 * variadic
 *   "(list ARRAY<T>, f LAMBDA(T) -> BOOLEAN) -> ARRAY<T>"
 *   "(amount INT, unit UNIT, at TIMESTAMP) -> TIMESTAMP"
 *   "(v DECIMAL) -> ?"                        `?`: the row's `result_type` hook decides
 *
 * Rules of resolution: functions.md 2. Thread: any reads the registry while one adds to it; calls run on
 * their task's thread.
 */
#ifndef SLUICE_UDF_UDF_H
#define SLUICE_UDF_UDF_H

#include "core/clock.h"
#include "core/growth.h"

/* ---- calling ---- */

/* A lambda as an argument value: args[i].as.ptr is a const FnLambda *. */
typedef struct FnLambda FnLambda;
struct FnLambda {
    Status (*invoke)(const FnLambda *self, const Value *args, size_t count, Arena *arena, Value *out,
                     Error *err);
};

/* Looks up `ksql.functions.<name>.<key>` and the like; STR_NULL when it is not set. */
typedef struct FnConfig FnConfig;
struct FnConfig {
    Str (*get)(const FnConfig *self, Str key);
};

/* One call in one program of one task: keeps what is worth keeping between rows (a compiled pattern, a parsed
 * format). */
typedef struct {
    void *data; /* of the function; NULL at first */
    void (*release)(void *data);
} FnSite;

typedef struct {
    const Value          *args;
    size_t                count;
    const SqlType *const *arg_types; /* after coercion to the overload's parameters */
    const SqlType        *type;      /* of the result */
    Arena                *arena;     /* for the result: of the batch */
    FnSite               *site;
    Clock                *clock;
    const FnConfig       *config; /* may be NULL */
    const void           *self;   /* what a function that was added is made of; NULL for built-in ones */
} FnCall;

enum {
    FN_NULL_IF_ANY_NULL = 1, /* a NULL argument gives NULL; the function is not called */
    FN_ERROR_IF_NULL    = 2, /* a NULL argument is an E_DATA error ("N!" in functions.md) */
    FN_NOT_PURE         = 4, /* never folded: RANDOM, UUID(), UNIX_TIMESTAMP() */
};

typedef Status (*ScalarEval)(const FnCall *call, Value *result, Error *err);
/* The result type where it depends on the arguments; E_PLAN refuses the call. */
typedef Status (*ResultTypeRule)(const SqlType *const *arg_types, size_t count, Arena *arena,
                                 const SqlType **out, Error *err);

typedef struct {
    const char    *name; /* in the registered spelling, which errors print (functions.md 2.1) */
    const char    *signature;
    unsigned       flags;
    ScalarEval     eval;
    const char    *doc;
    ResultTypeRule result_type; /* NULL: as the signature says */
} ScalarFn;

/* A table function answers an ARRAY value; every element becomes a row. The signature's result is the element
 * type. */
typedef struct {
    const char    *name;
    const char    *signature;
    unsigned       flags;
    ScalarEval     eval;
    const char    *doc;
    ResultTypeRule result_type;
} TableFn;

/* ---- aggregates (functions.md 4) ---- */

/* One aggregate of one query, made by bind. Read-only afterwards. */
typedef struct {
    const SqlType        *state_type, *result_type;
    const SqlType *const *arg_types; /* column arguments */
    size_t                arg_count;
    const Value          *constants; /* trailing literal arguments */
    const SqlType *const *constant_types;
    size_t                constant_count;
    int64_t               limit; /* of COLLECT_*: -1 = none; free for the function's use */
    const FnConfig       *config;
    const void           *self;    /* what a function that was added is made of; NULL for built-in ones */
    Value                 initial; /* of the state, where bind has computed it */
    /* E_DATA and E_LIMIT leave the state as it was (bind says so): the row is told of and left out of this
     * aggregate, or its result is NULL, and the query goes on. false: it may be half changed, and the query
     * stops. */
    bool survives;
} AggregateCall;

/* What a change of a state gets beside the state. */
typedef struct {
    Growth
        *memory; /* of this state; may be NULL where its type has values of fixed size only (kind_is_fixed) */
    Arena  *scratch;  /* of the batch: for what lies between */
    int64_t sequence; /* accumulate: the number of the row, for those that keep first or last */
    FnSite *site;     /* of the call in its task; NULL where only functions that keep nothing there are run */
    const FnConfig *config; /* may be NULL */
} AggregateContext;

/* A state is a Value that changes in place (core/growth.h): a function keeps nothing of its arguments but
 * what growth_set has copied. It is complete after every call, so it can be read and stored at any time. Any
 * status but OK may leave it half changed: the caller rolls back. */
typedef struct {
    const char *name;
    const char
        *signature;    /* column arguments first; constants are marked: "(v T, CONST n INT) -> ARRAY<T>" */
    const char *state; /* type text, generics bound by the arguments; "?" = bind sets it */
    const char *doc;
    Status (*bind)(AggregateCall *call, Arena *arena, Error *err); /* may be NULL */
    Value (*init)(const AggregateCall *call);                      /* may point to constants */
    Status (*accumulate)(const AggregateCall *call, Value *state, const Value *args,
                         const AggregateContext *context, Error *err);
    /* `other` belongs to somebody else and stays as it is. NULL: no session windows. */
    Status (*merge)(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                    Error *err);
    Status (*undo)(const AggregateCall *call, Value *state, const Value *args,
                   const AggregateContext *context, Error *err); /* NULL: streams only */
    Status (*result)(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                     Error *err); /* in context->scratch, may share the state; NULL: the state itself */
    ResultTypeRule result_type;
} AggregateFn;

/* ---- registry ---- */

typedef struct Functions Functions;

typedef enum { FN_NONE, FN_SCALAR, FN_AGGREGATE, FN_TABLE } FnKind;

/* All built-in families. Never fails: a row that does not parse is a bug and stops the program here. */
Functions *functions_open(void);
/* One that has what `base` has now; what is added to it or removed from it is its own. `base` outlives it. */
Functions *functions_fork(const Functions *base);
/* Frees all rows: nothing that was resolved here may be called afterwards. */
void functions_close(Functions *functions);

/* Where a function comes from, as DESCRIBE FUNCTION says it. Any text but path may be NULL. */
typedef struct {
    const char *path, *author, *version, *category;
    const char *description; /* NULL: the first overload's */
} FnOrigin;

/* Several functions that come together, all or none: begin, any number of adds, then one of the two ends.
 * Thread: one at a time per registry; others read meanwhile and see the result only after the commit. */
typedef struct FnAddition FnAddition;
FnAddition               *functions_begin(Functions *functions, const FnOrigin *origin);
/* Says something else than the origin of those that are added from now on; the path stays. */
void functions_addition_describe(FnAddition *addition, const FnOrigin *origin);
/* What belongs to the functions that are added: lives as long as the registry. */
Arena *functions_addition_arena(FnAddition *addition);
/* Copies the row and its texts, not `self`. E_SYNTAX: a signature that is none; E_EXISTS: a name that is a
 * built-in's, another origin's or another kind's, or the same parameters twice. After an error the others can
 * still be committed. */
Status functions_add_scalar(FnAddition *addition, const ScalarFn *row, const void *self, Error *err);
Status functions_add_table(FnAddition *addition, const TableFn *row, const void *self, Error *err);
Status functions_add_aggregate(FnAddition *addition, const AggregateFn *row, const void *self, Error *err);
/* A function that was added before gives way, with all its overloads. E_EXISTS: it is built in. */
Status functions_add_removal(FnAddition *addition, Str name, Error *err);
void   functions_commit(FnAddition *addition);
void   functions_abandon(FnAddition *addition);
/* Was it added, rather than built in? */
bool functions_is_added(const Functions *functions, Str name);
/* What kind of function that name (any case) is. */
FnKind functions_kind(const Functions *functions, Str name);
/* E_PLAN: "Can't find any functions with the name 'X'", and the nearest name. */
Status functions_refuse_unknown(const Functions *functions, Str name, Error *err);

/* The overload chosen for a call, arguments' coercions included. */
typedef struct {
    FnKind                kind;
    const ScalarFn       *scalar;
    const TableFn        *table;
    const AggregateFn    *aggregate;
    const void           *self;        /* what a function that was added is made of, for its calls */
    const char           *name;        /* registered spelling */
    const SqlType *const *param_types; /* concrete type each argument must be coerced to (equal to the
                                          argument's where it fits) */
    size_t         count;
    size_t         constant_count; /* aggregates: how many trailing arguments are constants */
    const SqlType *result_type;    /* table functions: of an element */
} FnResolved;

/* For lambdas the types of their parameters are known only when earlier arguments have bound the generics;
 * resolution asks for the type of the body then. arg_types[index] is a LAMBDA with field_count parameters. */
typedef struct FnLambdaTyper FnLambdaTyper;
struct FnLambdaTyper {
    Status (*type_body)(FnLambdaTyper *self, size_t index, const SqlType *const *params, size_t count,
                        const SqlType **body, Error *err);
};

/* functions.md 2.2-2.10. Untyped NULL literals have type T_NULL. E_PLAN with the texts of 2.9. `lambdas` may
 * be NULL when no argument is one. */
Status functions_resolve(const Functions *functions, Str name, const SqlType *const *arg_types, size_t count,
                         FnLambdaTyper *lambdas, Arena *arena, FnResolved *out, Error *err);
/* The row's signature: with the name it tells overloads apart, in plans that are kept. */
const char *functions_signature(const FnResolved *resolved);
/* What was resolved once, again: the overload of that name and signature (whose parameters may have other
 * names now), for arguments of types that it takes. E_NOT_FOUND: there is none; E_PLAN: it does not take
 * them. */
Status functions_overload(const Functions *functions, Str name, Str signature,
                          const SqlType *const *param_types, size_t count, FnLambdaTyper *lambdas,
                          Arena *arena, FnResolved *out, Error *err);
/* Fixes state and result type of an aggregate; `constants` are its trailing literal arguments. */
Status aggregate_bind(const FnResolved *resolved, const SqlType *const *arg_types, const Value *constants,
                      const FnConfig *config, Arena *arena, AggregateCall **out, Error *err);

/* Is what the rows of a group give exactly what states of any parts of them, merged in any order, give? Such
 * a function may run in front of a topic as well as behind it. */
bool aggregate_adds_up(const FnResolved *resolved);

/* ---- listing (SHOW FUNCTIONS, DESCRIBE FUNCTION) ---- */

typedef struct {
    Str         name; /* upper case */
    FnKind      kind;
    const char *category;
    FnOrigin    origin; /* as far as it is known; path: "internal" for what is built in */
} FnListing;

typedef struct {
    Str  name, type; /* type as functions.md 2.9 prints parameter types */
    bool variadic;
} FnParamListing;

typedef struct {
    FnParamListing *params;
    size_t          param_count;
    Str             result;
    const char     *doc;
} FnOverloadListing;

void   functions_list(const Functions *functions, Arena *arena, FnListing **out,
                      size_t *count); /* sorted by name */
Status functions_describe(const Functions *functions, Str name, Arena *arena, FnListing *out,
                          FnOverloadListing **overloads, size_t *count,
                          Error *err); /* E_PLAN as functions_refuse_unknown */

#endif
