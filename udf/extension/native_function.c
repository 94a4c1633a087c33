/*
 * native_function.c - scalar and table functions of extensions: see native_function.h.
 *
 * A row is handed over as a batch of one: programs run row by row here.
 */
#include "udf/extension/native_function.h"

#include "udf/extension/native_call.h"
#include "udf/extension/native_values.h"

/* What the registry keeps of it. */
typedef struct {
    NativeFunction   base;
    const sl_scalar *scalar; /* the extension's */
} NativeScalar;

static Status evaluate(const FnCall *call, const SqlType *type, Value *result, Error *err)
{
    const NativeScalar *self = call->self;
    sl_call    native = {.function = &self->base, .arena = call->arena, .config = call->config, .err = err};
    slv        args[NATIVE_MOST_PARAMETERS], out = {.kind = SLV_NULL};
    const slv *columns[NATIVE_MOST_PARAMETERS];
    void      *instance;
    uint8_t    failed = 0;
    if (call->count > NATIVE_MOST_PARAMETERS)
        return error_set(err, E_DATA, NO_POS, "Failed to invoke function %s: more than %d arguments",
                         self->base.name, NATIVE_MOST_PARAMETERS);
    TRY(native_call_open(call->site, &native, &instance));
    for (size_t i = 0; i < call->count; i++) {
        TRY(native_values_show(call->arg_types[i], call->args[i], call->arena, &args[i], err));
        columns[i] = &args[i];
    }
    sl_status status =
        self->scalar->eval(&native, instance, (uint32_t)call->count, columns, 1, &out, &failed);
    if (status != SL_OK || failed)
        return native_call_refuse(&native, status != SL_OK ? status : SL_ERR);
    return native_call_take(&native, type, &out, result);
}

static Status scalar_eval(const FnCall *call, Value *result, Error *err)
{
    return evaluate(call, call->type, result, err);
}

static Status table_eval(const FnCall *call, Value *result, Error *err)
{
    const SqlType rows = {.kind = T_ARRAY, .element = call->type};
    return evaluate(call, &rows, result, err);
}

/* ---- made ---- */

static NativeShape shape_of(const sl_scalar *function)
{
    return (NativeShape){function->meta, function->params, function->nparams, function->result};
}

static Status make(FnAddition *addition, const sl_scalar *function, NativeScalar **out, Error *err)
{
    Arena *arena = functions_addition_arena(addition);
    if (function == NULL || function->struct_size < sizeof *function)
        return error_set(err, E_PLAN, NO_POS, "a function whose struct is too small");
    NativeShape shape = shape_of(function);
    TRY(native_shape_check(&shape, err));
    if (function->eval == NULL)
        return error_set(err, E_PLAN, NO_POS, "%s has no eval", function->meta->name);
    native_shape_describe(addition, &shape);
    *out               = ARENA_NEW(arena, NativeScalar);
    **out              = (NativeScalar){native_shape_function(&shape, arena), function};
    (*out)->base.open  = function->open;
    (*out)->base.close = function->close;
    return OK;
}

static unsigned flags_of(const sl_scalar *function)
{
    return ((function->flags & SL_DETERMINISTIC) ? 0u : (unsigned)FN_NOT_PURE) |
           ((function->flags & SL_STRICT) ? (unsigned)FN_NULL_IF_ANY_NULL : 0u) |
           ((function->flags & SL_NULL_IS_ERROR) ? (unsigned)FN_ERROR_IF_NULL : 0u);
}

Status native_scalar_add(FnAddition *addition, const sl_scalar *function, Error *err)
{
    NativeScalar *self;
    TRY(make(addition, function, &self, err));
    NativeShape shape = shape_of(function);
    ScalarFn    row   = {.name      = self->base.name,
                         .signature = native_shape_signature(&shape, functions_addition_arena(addition)),
                         .flags     = flags_of(function),
                         .eval      = scalar_eval,
                         .doc       = function->doc ? function->doc : ""};
    return functions_add_scalar(addition, &row, self, err);
}

Status native_table_add(FnAddition *addition, const sl_scalar *function, Error *err)
{
    NativeScalar *self;
    TRY(make(addition, function, &self, err));
    if (function->nparams == 0) /* f() is called as f(ROWTIME) (functions.md 2.1) */
        return error_set(err, E_PLAN, NO_POS, "%s: a table function has one parameter at least",
                         self->base.name);
    NativeShape shape = shape_of(function);
    TableFn     row   = {.name      = self->base.name,
                         .signature = native_shape_signature(&shape, functions_addition_arena(addition)),
                         .flags     = flags_of(function),
                         .eval      = table_eval,
                         .doc       = function->doc ? function->doc : ""};
    return functions_add_table(addition, &row, self, err);
}
