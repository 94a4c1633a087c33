/*
 * insert_rows.h - rows that come as JSON objects (rest.md 5.6), inserted as INSERT INTO ... VALUES would.
 *
 * A row is made the statement that it stands for, so that the same rules hold for both: which columns, which
 * coercions, which texts.
 */
#ifndef SLUICE_SERVER_STATEMENTS_INSERT_ROWS_H
#define SLUICE_SERVER_STATEMENTS_INSERT_ROWS_H

#include "server/statements/statements.h"

/* Key, value and time of the row of an INSERT INTO ... VALUES, in x->arena; in the sandbox it is checked
 * only. */
Status insert_make_record(Execution *x, const AstStatement *statement, LogRecord *out, Str *topic,
                          Error *err);

/* A name as clients write it into JSON: folded unless it is quoted, with ` or ". In the arena. */
Str insert_fold_name(Str name, Arena *arena);

/* May rows go there? E_PLAN if not; *switched_off: because the server takes none at all. */
Status insert_check_target(Engine *engine, Session *session, Str target, Arena *arena, bool *switched_off,
                           Error *err);
/* The record of one row, and its topic, in the arena. Fields that are no column's are nobody's concern.
 * E_PLAN, E_DATA: it does not fit. */
Status insert_read_row(Engine *engine, Session *session, Str target, const json_t *row, Arena *arena,
                       LogRecord *out, Str *topic, Error *err);

#endif
