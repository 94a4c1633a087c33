/*
 * doc_function.c - calls of functions in the plan's document: the overload that was chosen when the statement
 * was accepted, by name and signature, with the types that its arguments were brought to.
 *
 * Resolution is not done again: a later version may have a better overload for the same call. What follows
 * from the overload (the type of the result) is, and must be what it was.
 */
#include "planner/document/doc.h"

json_t *doc_json_function(const FnResolved *function)
{
    json_t *json = json_object(), *params = json_array();
    doc_put(json, "name", json_string_nocheck(function->name));
    doc_put(json, "signature", json_string_nocheck(functions_signature(function)));
    for (size_t i = 0; i < function->count; i++)
        json_array_append_new(params, doc_json_type(function->param_types[i]));
    doc_put(json, "params", params);
    return json;
}

typedef struct {
    FnLambdaTyper      base;
    const Expr *const *args;
    size_t             count;
} ReadLambdas;

/* Are the lambda's parameters used as what they are? */
static bool params_are(const Expr *expr, int first, const SqlType *const *params, size_t count)
{
    bool right = true;
    if (expr->kind == EXPR_PARAM && expr->slot >= first && (size_t)(expr->slot - first) < count)
        right = type_equal(expr->type, params[expr->slot - first]);
    for (size_t i = 0; right && i < expr->count; i++)
        right = params_are(expr->args[i], first, params, count);
    return right;
}

static Status type_body(FnLambdaTyper *self, size_t index, const SqlType *const *params, size_t count,
                        const SqlType **body, Error *err)
{
    const ReadLambdas *lambdas = (const ReadLambdas *)self;
    const Expr        *lambda  = index < lambdas->count ? lambdas->args[index] : NULL;
    if (lambda == NULL || lambda->kind != EXPR_LAMBDA || (size_t)lambda->param_count != count ||
        !params_are(lambda->args[0], lambda->slot, params, count))
        return error_set(err, E_PLAN, NO_POS, "argument %zu is no lambda that it takes", index + 1);
    *body = lambda->args[0]->type;
    return OK;
}

static const SqlType *const *take_params(DocReader *r, const DocNode *json, size_t *count)
{
    const DocNode  *array = doc_array(r, json, "params", count);
    const SqlType **types = ARENA_ARRAY(r->arena, const SqlType *, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++)
        types[i] = doc_type_of(r, doc_item(array, i));
    return types;
}

const FnResolved *doc_function(DocReader *r, const DocNode *object, const char *name, FnKind kind,
                               const Expr *const *args, size_t count)
{
    const DocNode        *json    = doc_field(r, object, name);
    FnResolved           *out     = ARENA_NEW(r->arena, FnResolved);
    ReadLambdas           lambdas = {{type_body}, args, count};
    size_t                params;
    Error                 why;
    Str                   function  = doc_text(r, json, "name");
    Str                   signature = doc_text(r, json, "signature");
    const SqlType *const *types     = take_params(r, json, &params);
    if (!doc_ok(r))
        return NULL;
    if (functions_overload(r->functions, function, signature, types, params, &lambdas.base, r->arena, out,
                           &why) != OK)
        doc_fail(r, "%s", why.message);
    else if (out->kind != kind)
        doc_fail(r, "the function " STR_FMT " cannot stand here", STR_ARG(function));
    return doc_ok(r) ? out : NULL;
}
