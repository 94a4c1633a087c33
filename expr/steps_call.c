/*
 * steps_call.c - calling a function, LIKE, and concatenation of text: steps whose operands are text or lists
 * of values.
 *
 * The argument array of a call is allocated once: constants and results stand in it already, only columns are
 * copied in. What a row of the function table promises about NULLs is kept here, so functions need not check
 * again.
 */
#include "expr/program.h"

const Step *step_call(const Step *s, Program *p)
{
    CallSite *site  = (CallSite *)s->aux;
    size_t    count = site->call.count;
    for (size_t i = 0; i < count; i++)
        site->args[i] = operand_value(site->sources[i], p);
    if (site->flags & (FN_NULL_IF_ANY_NULL | FN_ERROR_IF_NULL)) {
        for (size_t i = 0; i < count; i++) {
            if (!value_is_null(site->args[i]))
                continue;
            if (site->flags & FN_NULL_IF_ANY_NULL)
                return step_give(s, p, value_null());
            return step_fail(
                s, p,
                error_set(p->err, E_DATA, NO_POS, "%s: parameter %zu is null", site->function->name, i + 1));
        }
    }
    site->call.arena = p->arena;
    Value  result    = value_null();
    Status status    = site->eval(&site->call, &result, p->err);
    return status == OK ? step_give(s, p, result) : step_fail(s, p, status == E_LIMIT ? E_DATA : status);
}

const Step *step_like_const(const Step *s, Program *p)
{
    Value text = step_a(s, p);
    if (value_is_null(text))
        return step_fail_null(s, p, "LIKE");
    return step_give(s, p, value_from_bool(like_matches(s->aux, value_str(text)) != (s->param != 0)));
}

/* The pattern comes with the row; aux is the escape character as Str, or NULL. */
const Step *step_like(const Step *s, Program *p)
{
    Value text = step_a(s, p), pattern = step_b(s, p);
    if (value_is_null(text) || value_is_null(pattern))
        return step_fail_null(s, p, "LIKE");
    const LikePattern *compiled;
    Status status = like_compile(p->arena, value_str(pattern), s->aux ? *(const Str *)s->aux : STR_NULL,
                                 &compiled, p->err);
    if (status != OK)
        return step_fail(s, p, status);
    return step_give(s, p, value_from_bool(like_matches(compiled, value_str(text)) != (s->param != 0)));
}

/* STRING + STRING. A NULL reads "null", except in pull queries (sql.md 3.4). */
const Step *step_concat_text(const Step *s, Program *p)
{
    Value a = step_a(s, p), b = step_b(s, p);
    if (p->context->pull && (value_is_null(a) || value_is_null(b)))
        return step_give(s, p, value_null());
    Str left  = value_is_null(a) ? STR_LIT("null") : value_str(a),
        right = value_is_null(b) ? STR_LIT("null") : value_str(b);
    if (left.len + right.len > UINT32_MAX)
        return step_fail(s, p, error_set(p->err, E_DATA, NO_POS, "+: the text is too long"));
    char *bytes = arena_try_alloc(p->arena, left.len + right.len, p->err);
    if (bytes == NULL)
        return step_fail(s, p, E_DATA);
    if (left.len > 0)
        memcpy(bytes, left.ptr, left.len);
    if (right.len > 0)
        memcpy(bytes + left.len, right.ptr, right.len);
    return step_give(s, p, value_string(bytes, left.len + right.len));
}
