/*
 * statements.c - see statements.h.
 */
#include "server/statements/statements.h"

static const StatementClass classes[] = {
#define STATEMENT(kind, words, handler, changes, printer, syntax, example) {kind, handler, changes},
#define STATEMENT_ELSEWHERE(kind, words, place, printer, syntax, example)
#include "core/statements.def"
#undef STATEMENT
#undef STATEMENT_ELSEWHERE
};

const StatementClass *statement_class(AstStatementKind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].kind == kind)
            return &classes[i];
    return NULL;
}
