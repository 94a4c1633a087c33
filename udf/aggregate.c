/*
 * aggregate.c - an aggregate of one query: its types and constants, fixed when the query is planned.
 *
 * The state's type is text with generics; it is bound again from the argument types here, because a call
 * keeps only what the run needs. Constants stand behind the column arguments.
 */
#include "udf/agg.h"
#include "udf/signature.h"

/* The generics of "ARRAY<T>" and the like, from the first occurrence in the parameters. */
static void bind_from(const ParamType *param, const SqlType *arg, Bindings *bindings)
{
    const SqlType **slot = NULL;
    if (arg->kind == T_NULL)
        return;
    if (param->kind == PARAM_GENERIC)
        slot = &bindings->types[param->letter - 'A'];
    else if (arg->kind == T_DECIMAL)
        slot = &bindings->types[BINDING_DECIMAL];
    else if (param->kind == PARAM_ARRAY && arg->kind == T_ARRAY)
        bind_from(param->element, arg->element, bindings);
    else if (param->kind == PARAM_MAP && arg->kind == T_MAP) {
        bind_from(param->key, arg->key, bindings);
        bind_from(param->element, arg->element, bindings);
    }
    if (slot != NULL && *slot == NULL)
        *slot = arg;
}

static Status bind_state(const AggregateFn *fn, AggregateCall *call, Arena *arena, Error *err)
{
    Signature        signature;
    const ParamType *state;
    Bindings         bindings = {0};
    if (str_equal(str_c(fn->state), STR_LIT("?")))
        return OK;
    TRY(signature_parse(str_c(fn->signature), arena, &signature, err));
    TRY(param_type_parse(str_c(fn->state), arena, &state, err));
    for (size_t i = 0; i < call->arg_count && i < signature.count; i++)
        bind_from(signature.params[i].type, call->arg_types[i], &bindings);
    call->state_type = param_type_apply(state, &bindings, arena);
    return OK;
}

Status aggregate_bind(const FnResolved *resolved, const SqlType *const *arg_types, const Value *constants,
                      const FnConfig *config, Arena *arena, AggregateCall **out, Error *err)
{
    const AggregateFn *fn      = resolved->aggregate;
    AggregateCall     *call    = ARENA_NEW(arena, AggregateCall);
    size_t             columns = resolved->count - resolved->constant_count;
    const SqlType    **types   = ARENA_ARRAY(arena, const SqlType *, resolved->count + 1);
    for (size_t i = 0; i < resolved->count; i++)
        types[i] = type_copy(arena, resolved->param_types[i]);
    Value *copies = ARENA_ARRAY(arena, Value, resolved->constant_count + 1);
    for (size_t i = 0; i < resolved->constant_count; i++)
        copies[i] = value_copy(arena, types[columns + i], constants[i]);
    *call = (AggregateCall){
        .result_type    = resolved->result_type,
        .arg_types      = types,
        .arg_count      = columns,
        .constants      = copies,
        .constant_types = types + columns,
        .constant_count = resolved->constant_count,
        .limit          = -1,
        .config         = config,
        .self           = resolved->self,
    };
    TRY(bind_state(fn, call, arena, err));
    if (fn->bind != NULL)
        TRY(fn->bind(call, arena, err));
    if (call->state_type == NULL || call->result_type == NULL)
        return error_set(
            err, E_PLAN, NO_POS,
            "Function '%s': no argument fixes the type of its state. Use CAST() to give NULL a type.",
            resolved->name);
    call->state_type  = type_copy(arena, call->state_type);
    call->result_type = type_copy(arena, call->result_type);
    *out              = call;
    return OK;
}
