/*
 * ast_span.c - a span of the text (5 MINUTES) in milliseconds.
 */
#include "parser/ast.h"

static const int64_t unit_ms[] = {
    [UNIT_MILLISECONDS] = 1, [UNIT_SECONDS] = 1000,  [UNIT_MINUTES] = 60000,
    [UNIT_HOURS] = 3600000,  [UNIT_DAYS] = 86400000,
};

Status ast_span_ms(const AstSpan *span, int64_t *ms, Error *err)
{
    if (__builtin_mul_overflow(span->amount, unit_ms[span->unit], ms))
        return error_set(err, E_PLAN, span->pos,
                         "%lld of that unit are more milliseconds than a BIGINT holds",
                         (long long)span->amount);
    return OK;
}
