/*
 * statements.c - see statements.h.
 */
#include "server/statements/statements.h"

static const StatementClass classes[] = {
#define STATEMENT(kind, handler, changes) {kind, handler, changes},
#include "server/statements/statements.def"
#undef STATEMENT
};

const StatementClass *statement_class(AstStatementKind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].kind == kind)
            return &classes[i];
    return NULL;
}
