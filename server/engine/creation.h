/*
 * creation.h - what a statement makes, decided: a source, a query, or both. Its document is what the command
 * keeps (docs/plan-format.md), and carrying it out is the same for who was asked, for another node and at a
 * start.
 */
#ifndef SLUICE_SERVER_ENGINE_CREATION_H
#define SLUICE_SERVER_ENGINE_CREATION_H

#include "planner/document/doc_tree.h"
#include "server/engine/execution.h"

typedef enum { CREATION_SOURCE, CREATION_ALTERED_SOURCE, CREATION_QUERY } CreationKind;

typedef struct {
    CreationKind     kind;
    const Source    *source; /* that the catalog gets; NULL: none (INSERT INTO) */
    const QueryPlan *query;  /* that is started; NULL: none */
    QueryKind        query_kind;
    Str              sink; /* name of what the query writes, or materialises */
    const Str       *reads;
    size_t           read_count;
    Str              text; /* of the statement, as answers and lists show it */
} Creation;

/* Logs what was decided, and carries it out: topics are there. `logged_text` is the statement's. In the
 * sandbox the catalog alone changes. */
Status execution_create(Execution *x, const Creation *creation, const AstStatement *statement, Str command_id,
                        Str logged_text, json_t **entity, Error *err);
/* Carries out what a command keeps. A part that is damaged is named in the error, E_PLAN; what the query
 * reads and writes is known all the same, if that part is whole, and the query is listed as one that does not
 * run. E_UNSUPPORTED: of a later version. */
Status execution_replay(Execution *x, json_t **entity, Error *err);

/* The document's text; freed by free(). */
char *creation_to_text(const Creation *creation);
/* In `arena`. */
Status creation_from_json(const DocNode *json, const Functions *functions, Arena *arena, Creation *out,
                          Error *err);

#endif
