/*
 * complaint.h - what is wrong with a text, told in one way: the place and one sentence, the line with a mark
 * under the place, then the rest of the message.
 *
 *     views.sql:3:8: SELECT column 'PRIZE' cannot be resolved. (40001)
 *       SELECT prize FROM views;
 *              ^
 *     Did you mean `PRICE`?
 *
 * One look for the shell, `sluice run`, the file of a server's queries and `sluice test`. Messages are
 * ksqlDB's, byte for byte, for programs look into them (rest.md 2); some of them tell the place themselves,
 * in one of several ways. Only what people see is put in order, here.
 */
#ifndef SLUICE_CORE_COMPLAINT_H
#define SLUICE_CORE_COMPLAINT_H

#include "core/error.h"
#include "core/str.h"

typedef struct {
    Str         message;      /* its first line is the sentence */
    Pos         pos;          /* from `start` on; line 0: not known, but the message may tell it */
    const char *file;         /* NULL: it was typed */
    Str         text;         /* of the file, or what was typed; empty: no line is shown */
    size_t      start;        /* where in `text` positions are counted from: a statement's first byte */
    unsigned    lines_before; /* of the file, in front of `text` */
    Str         code;         /* ksqlDB's number of the error; may be empty */
    size_t      columns;      /* of the terminal: of a longer line a part is shown; 0: COMPLAINT_COLUMNS */
} Complaint;

enum { COMPLAINT_COLUMNS = 200 };

/* Appends it, without a newline at its end. */
void complaint_append(StrBuf *out, const Complaint *complaint);

/* Takes the place out of a message that tells it (`line 1:8: `, `Line: 1, Col: 8: `, ...); NO_POS when it
 * tells none. What is left is a sentence without it, in `arena`. */
Pos complaint_take_place(Arena *arena, Str *message);

#endif
