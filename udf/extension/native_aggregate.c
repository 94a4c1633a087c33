/*
 * native_aggregate.c - aggregates of extensions: see native_function.h.
 *
 * The state is a value of SQL. The extension is shown it and says which it is to be; it is taken when the
 * call has succeeded, so one that failed has changed nothing.
 */
#include "udf/agg.h"
#include "udf/extension/native_call.h"
#include "udf/extension/native_function.h"
#include "udf/extension/native_values.h"

/* What the registry keeps of it. */
typedef struct {
    NativeFunction      base;
    const sl_aggregate *aggregate; /* the extension's */
} NativeAggregate;

/* A call with memory of its own: a batch of rows would hold as many copies of the state. */
static Status begin(const AggregateCall *call, const AggregateContext *context, sl_call *native,
                    void **instance, Error *err)
{
    const NativeAggregate *self = call->self;
    *native =
        (sl_call){.function = &self->base, .arena = context->scratch, .config = context->config, .err = err};
    TRY(native_call_open(context->site, native, instance));
    native->arena = native_call_memory(context->site);
    return OK;
}

/* SL_STRICT: the row is none of this aggregate's; SL_NULL_IS_ERROR: it is an error. */
static Status check_nulls(const AggregateCall *call, const Value *args, bool *left_out, Error *err)
{
    const NativeAggregate *self = call->self;
    bool                   null = false;
    for (size_t i = 0; i < call->arg_count; i++)
        null |= value_is_null(args[i]);
    *left_out = null && (self->aggregate->flags & SL_STRICT);
    if (null && !*left_out && (self->aggregate->flags & SL_NULL_IS_ERROR))
        return error_set(err, E_DATA, NO_POS, "Failed to invoke function %s: an argument is NULL",
                         self->base.name);
    return OK;
}

typedef sl_status (*FoldRow)(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args);

/* accumulate and undo. */
static Status fold(const AggregateCall *call, FoldRow row, Value *state, const Value *args,
                   const AggregateContext *context, Error *err)
{
    const NativeAggregate *self = call->self;
    sl_call                native;
    slv                    shown[NATIVE_MOST_PARAMETERS], held;
    void                  *instance;
    Value                  next;
    bool                   left_out;
    TRY(check_nulls(call, args, &left_out, err));
    if (left_out)
        return OK;
    if (call->arg_count > NATIVE_MOST_PARAMETERS)
        return error_set(err, E_DATA, NO_POS, "Failed to invoke function %s: more than %d arguments",
                         self->base.name, NATIVE_MOST_PARAMETERS);
    TRY(begin(call, context, &native, &instance, err));
    TRY(native_values_show(call->state_type, *state, native.arena, &held, err));
    for (size_t i = 0; i < call->arg_count; i++)
        TRY(native_values_show(call->arg_types[i], args[i], native.arena, &shown[i], err));
    sl_status status = row(&native, instance, &held, (uint32_t)call->arg_count, shown);
    if (status != SL_OK)
        return native_call_refuse(&native, status);
    TRY(native_call_take(&native, call->state_type, &held, &next));
    agg_replace(call, state, next, context);
    return OK;
}

/* ---- the row of the registry ---- */

static Status native_bind(AggregateCall *call, Arena *arena, Error *err)
{
    const NativeAggregate *self = call->self;
    sl_call native = {.function = &self->base, .arena = arena, .config = call->config, .err = err};
    slv     state  = {.kind = SLV_NULL};
    call->survives = true;
    if (call->state_type == NULL || self->aggregate->init == NULL)
        return OK; /* initial: NULL */
    sl_status status = self->aggregate->init(&native, &state);
    if (status == SL_OK && native_call_take(&native, call->state_type, &state, &call->initial) == OK)
        return OK;
    if (status != SL_OK)
        native_call_refuse(&native, status);
    return err->code = E_PLAN;
}

static Value native_init(const AggregateCall *call) { return call->initial; }

static Status native_accumulate(const AggregateCall *call, Value *state, const Value *args,
                                const AggregateContext *context, Error *err)
{
    return fold(call, ((const NativeAggregate *)call->self)->aggregate->accumulate, state, args, context,
                err);
}

static Status native_undo(const AggregateCall *call, Value *state, const Value *args,
                          const AggregateContext *context, Error *err)
{
    return fold(call, ((const NativeAggregate *)call->self)->aggregate->undo, state, args, context, err);
}

static Status native_merge(const AggregateCall *call, Value *state, Value other,
                           const AggregateContext *context, Error *err)
{
    const NativeAggregate *self = call->self;
    sl_call                native;
    slv                    ours, theirs;
    void                  *instance;
    Value                  next;
    TRY(begin(call, context, &native, &instance, err));
    TRY(native_values_show(call->state_type, *state, native.arena, &ours, err));
    TRY(native_values_show(call->state_type, other, native.arena, &theirs, err));
    sl_status status = self->aggregate->merge(&native, instance, &ours, &theirs);
    if (status != SL_OK)
        return native_call_refuse(&native, status);
    TRY(native_call_take(&native, call->state_type, &ours, &next));
    agg_replace(call, state, next, context);
    return OK;
}

static Status native_result(const AggregateCall *call, Value state, const AggregateContext *context,
                            Value *out, Error *err)
{
    const NativeAggregate *self = call->self;
    sl_call                native;
    slv                    held, given = {.kind = SLV_NULL};
    void                  *instance;
    TRY(begin(call, context, &native, &instance, err));
    TRY(native_values_show(call->state_type, state, native.arena, &held, err));
    sl_status status = self->aggregate->finish(&native, instance, &held, &given);
    if (status != SL_OK)
        return native_call_refuse(&native, status);
    TRY(native_call_take(&native, call->result_type, &given, out));
    *out = value_copy(context->scratch, call->result_type, *out);
    return OK;
}

/* ---- made ---- */

static Status check_aggregate(const sl_aggregate *function, Error *err)
{
    const char *name = function->meta->name;
    if (function->nparams == 0) /* f() is called as f(ROWTIME) (functions.md 2.1) */
        return error_set(err, E_PLAN, NO_POS, "%s: an aggregate has one parameter at least", name);
    if (function->accumulate == NULL || function->state == NULL)
        return error_set(err, E_PLAN, NO_POS, "%s has no accumulate or no type of its state", name);
    if (function->finish == NULL && strcmp(function->state, function->result) != 0)
        return error_set(err, E_PLAN, NO_POS,
                         "%s has no finish, and the types of its state and its result differ", name);
    for (uint32_t i = 0; i < function->nparams; i++)
        if (strstr(function->params[i].type, "CONST") != NULL)
            return error_set(err, E_PLAN, NO_POS,
                             "%s: parameter %u is CONST, which this version does not pass", name, i + 1);
    return OK;
}

Status native_aggregate_add(FnAddition *addition, const sl_aggregate *function, Error *err)
{
    Arena *arena = functions_addition_arena(addition);
    if (function == NULL || function->struct_size < sizeof *function)
        return error_set(err, E_PLAN, NO_POS, "a function whose struct is too small");
    NativeShape shape = {function->meta, function->params, function->nparams, function->result};
    TRY(native_shape_check(&shape, err));
    TRY(check_aggregate(function, err));
    native_shape_describe(addition, &shape);
    NativeAggregate *self = ARENA_NEW(arena, NativeAggregate);
    *self                 = (NativeAggregate){native_shape_function(&shape, arena), function};
    self->base.open       = function->open;
    self->base.close      = function->close;
    AggregateFn row       = {.name       = self->base.name,
                             .signature  = native_shape_signature(&shape, arena),
                             .state      = function->state,
                             .doc        = function->doc ? function->doc : "",
                             .bind       = native_bind,
                             .init       = native_init,
                             .accumulate = native_accumulate,
                             .merge      = function->merge != NULL ? native_merge : NULL,
                             .undo       = function->undo != NULL ? native_undo : NULL,
                             .result     = function->finish != NULL ? native_result : NULL};
    return functions_add_aggregate(addition, &row, self, err);
}
