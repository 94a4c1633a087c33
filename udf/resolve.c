/*
 * resolve.c - which overload a call means (functions.md 2.2-2.10).
 *
 * Two passes: first without conversions, then, except for aggregates, with implicit casts. Several candidates
 * are ordered; a tie for the best place is an error, never a guess. Generics never widen. Lambdas take part
 * by their number of parameters only; their bodies are typed after the choice, when the other arguments have
 * bound the generics.
 */
#include "udf/registry.h"

typedef struct {
    Str                   name;
    const SqlType *const *args;
    size_t                count;
    Arena                *arena;
} Call;

/* ---- does a parameter accept an argument? ---- */

/* INTEGER, BIGINT, DECIMAL, DOUBLE: any later one takes any earlier one. */
static int numeric_rank(SqlKind kind)
{
    return kind == T_INTEGER ? 1 : kind == T_BIGINT ? 2 : kind == T_DECIMAL ? 3 : kind == T_DOUBLE ? 4 : 0;
}

static bool kind_accepts(SqlKind param, SqlKind arg, bool widen)
{
    if (param == arg)
        return true;
    if (!widen)
        return false;
    if (arg == T_STRING)
        return param == T_DATE || param == T_TIME || param == T_TIMESTAMP || param == T_BYTES;
    return numeric_rank(arg) > 0 && numeric_rank(param) > numeric_rank(arg);
}

static bool accepts(const ParamType *param, const SqlType *arg, bool widen, Bindings *bindings);

static bool binds(const SqlType **slot, const SqlType *arg)
{
    if (*slot == NULL)
        *slot = arg;
    return type_equal(*slot, arg);
}

static bool accepts_struct(const ParamType *param, const SqlType *arg, Bindings *bindings)
{
    if (arg->kind != T_STRUCT)
        return false;
    if (param->count == 0)
        return true;
    if (param->count != arg->field_count)
        return false;
    for (size_t i = 0; i < param->count; i++) {
        int at = type_field(arg, param->names[i]);
        if (at < 0 || !accepts(param->parts[i], arg->fields[at].type, false, bindings))
            return false;
    }
    return true;
}

static bool accepts(const ParamType *param, const SqlType *arg, bool widen, Bindings *bindings)
{
    if (arg->kind == T_NULL)
        return true;
    if (arg->kind == T_LAMBDA)
        return param->kind == PARAM_LAMBDA && param->count == arg->field_count;
    if (arg->kind == T_UNIT && (param->kind != PARAM_SIMPLE || param->type->kind != T_UNIT))
        return false;
    switch (param->kind) {
    case PARAM_SIMPLE:
        return kind_accepts(param->type->kind, arg->kind, widen);
    case PARAM_DECIMAL:
        if (arg->kind == T_DECIMAL && bindings->types[BINDING_DECIMAL] == NULL)
            bindings->types[BINDING_DECIMAL] = arg;
        return kind_accepts(T_DECIMAL, arg->kind, widen);
    case PARAM_ARRAY:
        return arg->kind == T_ARRAY && accepts(param->element, arg->element, widen, bindings);
    case PARAM_MAP:
        return arg->kind == T_MAP && accepts(param->key, arg->key, widen, bindings) &&
               accepts(param->element, arg->element, widen, bindings);
    case PARAM_STRUCT:
        return accepts_struct(param, arg, bindings);
    case PARAM_GENERIC:
        return binds(&bindings->types[param->letter - 'A'], arg);
    case PARAM_ANY:
        return true;
    case PARAM_LAMBDA:
    case PARAM_BY_RULE:
        return false;
    }
    return false;
}

/* The parameter that takes argument i of `count`. */
static const Param *param_of(const Signature *signature, size_t count, size_t i)
{
    if (signature->variadic < 0 || i < (size_t)signature->variadic)
        return &signature->params[i];
    size_t repeated = count - (signature->count - 1);
    if (i < (size_t)signature->variadic + repeated)
        return &signature->params[signature->variadic];
    return &signature->params[i - repeated + 1];
}

static bool overload_accepts(const Overload *overload, const Call *call, bool widen, Bindings *bindings)
{
    const Signature *signature = &overload->signature;
    bool             count_fits =
        signature->variadic < 0 ? call->count == signature->count : call->count + 1 >= signature->count;
    if (!count_fits)
        return false;
    *bindings = (Bindings){0};
    for (size_t i = 0; i < call->count; i++)
        if (!accepts(param_of(signature, call->count, i)->type, call->args[i], widen, bindings))
            return false;
    return true;
}

/* ---- which of several? (2.4) ---- */

typedef struct {
    bool   variadic, any;
    size_t count, generic;
    int    variadic_at;
} Rank;

static Rank rank_of(const Overload *overload)
{
    const Signature *signature = &overload->signature;
    Rank             rank      = {
                         .variadic = signature->variadic >= 0, .count = signature->count, .variadic_at = signature->variadic};
    for (size_t i = 0; i < signature->count; i++) {
        rank.generic += param_type_is_generic(signature->params[i].type);
        rank.any |= signature->params[i].type->kind == PARAM_ANY;
    }
    return rank;
}

/* Below zero: a is better. */
static int rank_compare(const Overload *a, const Overload *b)
{
    Rank ra = rank_of(a), rb = rank_of(b);
    if (ra.variadic != rb.variadic)
        return ra.variadic - rb.variadic;
    if (ra.count != rb.count)
        return ra.count > rb.count ? -1 : 1;
    if (ra.generic != rb.generic)
        return ra.generic < rb.generic ? -1 : 1;
    if (ra.any != rb.any)
        return ra.any - rb.any;
    return rb.variadic_at - ra.variadic_at;
}

typedef struct {
    const Overload *best;
    bool            tie;
    Bindings        bindings;
} Choice;

static Choice choose(const FnEntry *entry, const Call *call, bool widen)
{
    Choice choice = {0};
    for (size_t i = 0; i < entry->count; i++) {
        const Overload *overload = &entry->overloads[i];
        Bindings        bindings;
        if (!overload_accepts(overload, call, widen, &bindings))
            continue;
        int order = choice.best == NULL ? -1 : rank_compare(overload, choice.best);
        if (order < 0)
            choice = (Choice){overload, false, bindings};
        else if (order == 0)
            choice.tie = true;
    }
    if (call->count == 0)
        choice.tie = false; /* CONCAT(): the overload registered first */
    return choice;
}

/* ---- error texts (2.9) ---- */

static void print_args(const Call *call, StrBuf *out)
{
    for (size_t i = 0; i < call->count; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        if (call->args[i]->kind == T_NULL)
            strbuf_adds(out, "null");
        else if (call->args[i]->kind == T_LAMBDA)
            strbuf_adds(out, "LAMBDA");
        else if (call->args[i]->kind == T_UNIT)
            strbuf_adds(out, "INTERVALUNIT");
        else
            type_print(call->args[i], out);
    }
}

static void print_alternatives(const FnEntry *entry, StrBuf *out)
{
    for (size_t i = 0; i < entry->count; i++) {
        const Signature *signature = &entry->overloads[i].signature;
        if (entry->kind == FN_SCALAR)
            strbuf_add(out, entry->upper);
        else
            strbuf_adds(out, entry->name);
        strbuf_addc(out, '(');
        for (size_t p = 0; p < signature->count; p++) {
            const Param *param = &signature->params[p];
            if (p > 0)
                strbuf_adds(out, ", ");
            param_type_print(param->type, out);
            if (param->variadic)
                strbuf_adds(out, "...");
            if (param->name.len > 0)
                strbuf_addf(out, " " STR_FMT, STR_ARG(param->name));
        }
        strbuf_adds(out, ")\n");
    }
    strbuf_adds(out, "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;");
}

static Status refuse(const FnEntry *entry, const Call *call, bool ambiguous, Error *err)
{
    StrBuf text = {0};
    strbuf_addf(&text, "Function '%s' %s (", entry->name,
                ambiguous ? "cannot be resolved due to ambiguous method parameters"
                          : "does not accept parameters");
    print_args(call, &text);
    strbuf_adds(
        &text,
        ambiguous
            ? ").\nUse CAST() to explicitly cast your parameters to one of the supported function calls."
              "\nValid function calls are:\n"
            : ").\nValid alternatives are:\n");
    print_alternatives(entry, &text);
    Status status = error_set(err, E_PLAN, NO_POS, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

/* ---- after the choice ---- */

static Status refuse_body(const FnEntry *entry, const ParamType *declared, const Bindings *bindings,
                          const SqlType *body, Arena *arena, Error *err)
{
    const SqlType *expected = param_type_apply(declared, bindings, arena);
    StrBuf         text     = {0};
    if (expected != NULL)
        type_print(expected, &text);
    strbuf_adds(&text, " and ");
    type_print(body, &text);
    Status status = error_set(
        err, E_PLAN, NO_POS,
        "Function '%s': a lambda gives a type that differs from what the other arguments fix: " STR_FMT
        ". Use CAST() to make them equal.",
        entry->name, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

static Status type_lambda(const FnEntry *entry, const ParamType *param, const Call *call, size_t index,
                          FnLambdaTyper *lambdas, Bindings *bindings, Error *err)
{
    const SqlType **inputs = ARENA_ARRAY(call->arena, const SqlType *, param->count + 1);
    const SqlType  *body;
    for (size_t i = 0; i < param->count; i++) {
        inputs[i] = param_type_apply(param->parts[i], bindings, call->arena);
        if (inputs[i] == NULL)
            return error_set(err, E_PLAN, NO_POS,
                             "Function '%s': the type of lambda parameter %zu cannot be derived from a NULL.",
                             entry->name, i + 1);
    }
    TRY(lambdas->type_body(lambdas, index, inputs, param->count, &body, err));
    if (body->kind == T_NULL || accepts(param->element, body, false, bindings))
        return OK;
    return refuse_body(entry, param->element, bindings, body, call->arena, err);
}

static Status type_lambdas(const FnEntry *entry, const Choice *choice, const Call *call,
                           FnLambdaTyper *lambdas, Bindings *bindings, Error *err)
{
    for (size_t i = 0; i < call->count; i++) {
        if (call->args[i]->kind != T_LAMBDA)
            continue;
        if (lambdas == NULL)
            return error_set(err, E_PLAN, NO_POS, "Function '%s': a lambda cannot stand here.", entry->name);
        TRY(type_lambda(entry, param_of(&choice->best->signature, call->count, i)->type, call, i, lambdas,
                        bindings, err));
    }
    return OK;
}

/* What an argument is converted to; a DECIMAL parameter takes the argument's own precision and scale. */
static const SqlType *target_type(const ParamType *param, const SqlType *arg, const Bindings *bindings,
                                  Arena *arena)
{
    if (arg->kind == T_LAMBDA || param->kind == PARAM_ANY || param->kind == PARAM_STRUCT)
        return arg;
    if (param->kind == PARAM_DECIMAL) {
        if (arg->kind == T_INTEGER || arg->kind == T_BIGINT)
            return type_decimal_unchecked(arena, arg->kind == T_INTEGER ? 10 : 19, 0);
        return arg;
    }
    if (param->kind == PARAM_ARRAY && arg->kind == T_ARRAY)
        return type_array(arena, target_type(param->element, arg->element, bindings, arena));
    if (param->kind == PARAM_MAP && arg->kind == T_MAP)
        return type_map(arena, target_type(param->key, arg->key, bindings, arena),
                        target_type(param->element, arg->element, bindings, arena));
    const SqlType *type = param_type_apply(param, bindings, arena);
    return type != NULL ? type : arg;
}

static const SqlType *equal_or(const SqlType *arg, const SqlType *target)
{
    return type_equal(arg, target) ? arg : target;
}

static Status type_result(const FnEntry *entry, const Overload *overload, const Bindings *bindings,
                          Arena *arena, FnResolved *out, Error *err)
{
    ResultTypeRule rule = overload_rule(overload);
    if (rule != NULL)
        return rule(out->param_types, out->count, arena, &out->result_type, err);
    out->result_type = param_type_apply(overload->signature.result, bindings, arena);
    if (out->result_type != NULL || entry->kind == FN_AGGREGATE)
        return OK; /* an aggregate's bind may set it */
    return error_set(
        err, E_PLAN, NO_POS,
        "Function '%s': no argument fixes the type of the result. Use CAST() to give NULL a type.",
        entry->name);
}

static Status finish(const FnEntry *entry, const Choice *choice, const Call *call, FnLambdaTyper *lambdas,
                     FnResolved *out, Error *err)
{
    const Signature *signature = &choice->best->signature;
    Bindings         bindings  = choice->bindings;
    const SqlType  **types     = ARENA_ARRAY(call->arena, const SqlType *, call->count + 1);
    TRY(type_lambdas(entry, choice, call, lambdas, &bindings, err));
    for (size_t i = 0; i < call->count; i++)
        types[i] = equal_or(call->args[i], target_type(param_of(signature, call->count, i)->type,
                                                       call->args[i], &bindings, call->arena));
    size_t constants = 0;
    for (size_t i = 0; i < call->count; i++)
        constants += param_of(signature, call->count, i)->constant;
    *out = (FnResolved){
        .kind           = entry->kind,
        .scalar         = choice->best->scalar,
        .table          = choice->best->table,
        .aggregate      = choice->best->aggregate,
        .self           = choice->best->self,
        .name           = entry->name,
        .param_types    = types,
        .count          = call->count,
        .constant_count = constants,
    };
    /* A result DECIMAL follows the first DECIMAL argument after conversion: DECIMAL(10, 0) for a widened
     * INTEGER. */
    for (size_t i = 0; bindings.types[BINDING_DECIMAL] == NULL && i < call->count; i++)
        if (types[i]->kind == T_DECIMAL)
            bindings.types[BINDING_DECIMAL] = types[i];
    return type_result(entry, choice->best, &bindings, call->arena, out, err);
}

Status functions_resolve(const Functions *functions, Str name, const SqlType *const *arg_types, size_t count,
                         FnLambdaTyper *lambdas, Arena *arena, FnResolved *out, Error *err)
{
    const FnEntry *entry = functions_find(functions, name);
    if (entry == NULL)
        return functions_refuse_unknown(functions, name, err);
    Call   call   = {name, arg_types, count, arena};
    Choice choice = choose(entry, &call, false);
    if (choice.best == NULL && entry->kind != FN_AGGREGATE)
        choice = choose(entry, &call, true);
    if (choice.best == NULL || choice.tie)
        return refuse(entry, &call, choice.tie, err);
    return finish(entry, &choice, &call, lambdas, out, err);
}

/* ---- once more ---- */

const char *functions_signature(const FnResolved *resolved)
{
    if (resolved->scalar != NULL)
        return resolved->scalar->signature;
    return resolved->table != NULL ? resolved->table->signature : resolved->aggregate->signature;
}

static const char *signature_of(const Overload *overload)
{
    FnResolved resolved = {
        .scalar = overload->scalar, .table = overload->table, .aggregate = overload->aggregate};
    return functions_signature(&resolved);
}

static void print_shape(const Signature *signature, StrBuf *out)
{
    for (size_t i = 0; i < signature->count; i++) {
        param_type_print(signature->params[i].type, out);
        strbuf_adds(out, signature->params[i].variadic ? "...," : ",");
    }
}

/* The same parameters, whatever they are called. */
static bool same_shape(const Overload *overload, Str text, Arena *arena)
{
    Signature signature;
    StrBuf    ours = {0}, theirs = {0};
    if (str_equal(str_c(signature_of(overload)), text))
        return true;
    if (signature_parse(text, arena, &signature, NULL) != OK)
        return false;
    print_shape(&overload->signature, &ours);
    print_shape(&signature, &theirs);
    bool same = str_equal(strbuf_str(&ours), strbuf_str(&theirs));
    strbuf_clear(&ours);
    strbuf_clear(&theirs);
    return same;
}

Status functions_overload(const Functions *functions, Str name, Str signature,
                          const SqlType *const *param_types, size_t count, FnLambdaTyper *lambdas,
                          Arena *arena, FnResolved *out, Error *err)
{
    const FnEntry *entry  = functions_find(functions, name);
    Call           call   = {name, param_types, count, arena};
    Choice         choice = {0};
    for (size_t i = 0; entry != NULL && choice.best == NULL && i < entry->count; i++)
        if (same_shape(&entry->overloads[i], signature, arena))
            choice.best = &entry->overloads[i];
    if (choice.best == NULL)
        return error_set(err, E_NOT_FOUND, NO_POS, "There is no function " STR_FMT STR_FMT, STR_ARG(name),
                         STR_ARG(signature));
    if (!overload_accepts(choice.best, &call, true, &choice.bindings))
        return refuse(entry, &call, false, err);
    return finish(entry, &choice, &call, lambdas, out, err);
}
