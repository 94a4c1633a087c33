/*
 * node_answer.h - the rows that another node of the service has sent for a part of a pull query.
 *
 * They come in pieces, in the form of row_form_between_nodes: a header, then an element a line, the last of
 * which may be an error. What this node would send itself for that query is what is expected, and passed on
 * as it is; the header must be its own but for the query's id.
 */
#ifndef SLUICE_SERVER_REST_NODE_ANSWER_H
#define SLUICE_SERVER_REST_NODE_ANSWER_H

#include "server/rest/rest.h"

typedef struct {
    RowForm form;
    Str     header; /* node_answer_header; borrowed */
    StrBuf  bytes;  /* what has come: appended to by who receives it */
    size_t  at;     /* what is below has been looked at */
    bool    headed;
} NodeAnswer;

/* What every header ends with in that form: all but the query's id. In `arena`. */
Str node_answer_header(RowForm form, const Schema *schema, Arena *arena);

typedef enum { ANSWER_ROW, ANSWER_TOKEN, ANSWER_NO_MORE, ANSWER_WRONG } AnswerNext;
/* The next row, valid until bytes are added or dropped. NO_MORE: none that is whole; `ended`: there will be
 * no more bytes. TOKEN: *row says what the rows reflect (node_answer_token). WRONG: why (E_BUSY) says what
 * is; another try may help. */
AnswerNext node_answer_next(NodeAnswer *answer, bool ended, Str *row, Error *why);
/* Merges what a TOKEN says into the vector. E_BUSY: it is none. */
Status node_answer_token(Str element, OffsetVector *out, Error *why);
void   node_answer_rewind(NodeAnswer *answer); /* to be read once more */
void   node_answer_drop(NodeAnswer *answer);   /* forgets the bytes that have been looked at */
void   node_answer_clear(NodeAnswer *answer);

#endif
