/*
 * print.h - PRINT topic: which records are asked for, and what a record looks like as a line of text
 * (rest.md 5.3).
 *
 * Records come as rows of a push query over plan_records; which formats they are in is guessed from their
 * bytes and the schema registry (serde/format_guess.h).
 */
#ifndef SLUICE_SERVER_STATEMENTS_PRINT_H
#define SLUICE_SERVER_STATEMENTS_PRINT_H

#include "executor/runtime/runtime.h"
#include "server/engine/engine.h"

typedef struct {
    const QueryPlan *plan;
    bool             from_earliest;
    int64_t          interval; /* every n-th record is shown, from the first on */
    int64_t          limit;    /* records to be shown; < 0: no end */
} PrintPlan;

/* A PRINT statement; all in `arena`. E_NOT_FOUND with ksqlDB's text, and the nearest name, for a topic that
 * is not there. */
Status print_plan(Engine *engine, const Session *session, const AstStatement *statement, Arena *arena,
                  PrintPlan *out, Error *err);

typedef struct RecordPrinter RecordPrinter;

/* On the heap. `registry`, borrowed, tells what bytes are that name a schema; NULL: there is none. E_LIMIT:
 * no memory for a JSON reader. Thread: one at a time. */
Status record_printer_open(SchemaRegistry *registry, int64_t interval, int64_t limit, RecordPrinter **out,
                           Error *err);
void   record_printer_close(RecordPrinter *printer); /* accepts NULL */
/* Appends lines for those of the records that are to be shown, each ending in a line feed; before them the
 * formats of key and value, when they are others than were told last. False: that was the last one. */
bool record_printer_add(RecordPrinter *printer, const PushRow *rows, size_t count, StrBuf *out);

#endif
