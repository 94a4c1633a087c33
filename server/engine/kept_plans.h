/*
 * kept_plans.h - what a file of statements came to when it was first run (sluice run, ksql.queries.file).
 *
 * There is no command log to keep plans, so they are in a file of the state directory: each statement's text
 * and the document of what was decided. A statement whose text is the same is carried out as it was decided
 * then, whatever is set now. One that was changed is what CREATE OR REPLACE would be: it goes on with its
 * state where it may, and is refused where it may not, for nothing is to begin anew in silence. Statements
 * that have left the file are said and stay kept.
 *
 * Thread: of the request that runs the file.
 */
#ifndef SLUICE_SERVER_ENGINE_KEPT_PLANS_H
#define SLUICE_SERVER_ENGINE_KEPT_PLANS_H

#include "server/engine/creation.h"

/* A file that is missing is an empty one. E_CONFIG: it is damaged, or a later version's. */
Status kept_plans_open(const char *path, const Functions *functions, KeptPlans **out, Error *err);
void   kept_plans_close(KeptPlans *kept); /* accepts NULL */
/* What is to be carried out for a statement that came to `decided`: *document is a text in `arena`. `text` is
 * the statement's. E_PLAN: it was changed, and what is stored does not fit. */
Status kept_plans_choose(KeptPlans *kept, Str command_id, Str text, const Creation *decided, Arena *arena,
                         Str *document, Error *err);
/* Writes the file, if anything has changed since; says which statements are in it that nobody chose. */
Status kept_plans_save(KeptPlans *kept, Error *err);

#endif
