/*
 * native_call.h - a call of an extension's function, from the server's side of the ABI (sluice_ext.h).
 */
#ifndef SLUICE_UDF_EXTENSION_NATIVE_CALL_H
#define SLUICE_UDF_EXTENSION_NATIVE_CALL_H

#include "udf/extension/sluice_ext.h"
#include "udf/udf.h"

enum { NATIVE_MOST_PARAMETERS = 100 };

/* What all functions of extensions have. */
typedef struct {
    const char *name;                                  /* as the extension spells it */
    Str         prefix;                                /* `ksql.functions.<name>.` */
    sl_status (*open)(sl_call *call, void **instance); /* the extension's; may be NULL */
    void (*close)(void *instance);
} NativeFunction;

struct sl_call {
    const NativeFunction *function;
    Arena                *arena;
    const FnConfig       *config;
    Error                *err;
    bool                  said; /* the extension has set `err` */
};

/* The table that extensions are given; who adds functions (`add_*`) is the loader's. */
void native_call_host(sl_host *host);
/* The instance of the call's place, opened by its first call; released with the site. */
Status native_call_open(FnSite *site, sl_call *call, void **instance);
/* Memory for one call, which the next call at this place takes again; only after native_call_open. */
Arena *native_call_memory(FnSite *site);
/* The error (call->err) of a call that came back with that status: E_FATAL_DATA or E_DATA. */
Status native_call_refuse(const sl_call *call, sl_status status);
/* A value that an extension gave, looked at and copied into the call's arena. E_DATA: it is none of that
 * type. */
Status native_call_take(const sl_call *call, const SqlType *type, const slv *given, Value *out);

/* ---- made ---- */

/* What does not depend on the kind of function. */
typedef struct {
    const sl_meta  *meta;
    const sl_param *params;
    uint32_t        nparams;
    const char     *result;
} NativeShape;

/* E_PLAN: a member is missing or of an earlier version. */
Status native_shape_check(const NativeShape *shape, Error *err);
/* What is added next is described by its meta. */
void native_shape_describe(FnAddition *addition, const NativeShape *shape);
/* "(a STRING) -> INT", in the arena. */
const char *native_shape_signature(const NativeShape *shape, Arena *arena);
/* Name and prefix; the callbacks are the caller's to set. */
NativeFunction native_shape_function(const NativeShape *shape, Arena *arena);

#endif
