/*
 * statements.h - the statements that Sluice carries out: a row each in core/statements.def, a
 * handler each in a stmt_x.c.
 */
#ifndef SLUICE_SERVER_STATEMENTS_STATEMENTS_H
#define SLUICE_SERVER_STATEMENTS_STATEMENTS_H

#include "server/engine/execution.h"

#define STATEMENT(kind, words, handler, changes, printer, syntax, example)                                   \
    Status handler(Execution *x, const AstStatement *statement, json_t **entity, Error *err);
#define STATEMENT_ELSEWHERE(kind, words, place, printer, syntax, example)
#include "core/statements.def"
#undef STATEMENT
#undef STATEMENT_ELSEWHERE

/* For EngineOptions. NULL: a kind that is not built, or that no statement endpoint takes (SELECT, PRINT). */
const StatementClass *statement_class(AstStatementKind kind);

#endif
