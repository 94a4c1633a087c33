/*
 * pull_forms.h - pull queries that were planned before, remembered by their text.
 *
 * A form is a plan that is good for every text of a pattern: where WHERE binds the whole key to literals,
 * those may be any; all other literals have to be the same. It was made from what there was at the session's
 * `generation` (engine.h), and nobody gets it once that has gone by: whatever is made, dropped, replaced,
 * altered, granted or set with ALTER SYSTEM makes every form void. What else a plan depends on, the
 * session's own settings and who asks, is part of what it is found by (its scope). Texts into which variables
 * may be put, and plans that depend on the moment (functions in WHERE), are not remembered.
 *
 * Bounded in number and bytes; the one that was used longest ago goes. A form that is in use lives until it
 * is not.
 */
#ifndef SLUICE_SERVER_REST_PULL_FORMS_H
#define SLUICE_SERVER_REST_PULL_FORMS_H

#include <pthread.h>

#include "executor/pull/pull.h"
#include "server/engine/engine.h"
#include "server/rest/pull_text.h"

enum { PULL_FORMS = 512 /* at most */ };

typedef struct PullForm PullForm;

/* Thread: any, under lock. */
typedef struct {
    pthread_mutex_t lock;
    PullForm       *buckets[PULL_FORMS];
    size_t          count, bytes;
    uint64_t        generation; /* of all that are here */
    uint64_t        clock;      /* counts uses */
} PullForms;

void pull_forms_init(PullForms *forms);
void pull_forms_clear(PullForms *forms);

/* What a session adds to a text, in the arena: settings of its own, and who asks, if that matters. */
Str pull_forms_scope(const Session *session, Arena *arena);

/* A reference, or NULL. */
PullForm *pull_forms_find(PullForms *forms, const PullText *text, Str scope, uint64_t generation);
void      pull_form_unref(PullForm *form); /* accepts NULL */

/* What was planned. `text` and scope may be of any arena. */
typedef struct {
    const PullText       *text;
    Str                   scope;
    uint64_t              generation;
    Arena                *arena; /* statement and query are in it */
    const AstStatement   *statement;
    const TransientQuery *query;
    PlanRef              *writer; /* makes the table, of the same generation; the form takes a reference */
    bool                  plain;  /* its answer is rows, and nothing else, without settings of a session */
} PullMaking;

/* Makes a form of it, if it can be one: then that takes over `arena`. A reference for the caller; NULL: it is
 * none. */
PullForm *pull_forms_remember(PullForms *forms, const PullMaking *making);

/* The query as this text asks it, in `arena` and the form's; its id is still that of the first. */
void pull_form_bind(const PullForm *form, const PullText *text, Arena *arena, TransientQuery *out);

/* What its expressions take is more than little (ast_work). */
bool pull_form_works(const PullForm *form);

/* ---- without waiting ---- */

/* It looks up one key, costs little for each row, and is plain: it may be answered where nobody may wait. */
bool pull_form_is_quick(const PullForm *form);
/* Borrowed for one question (executor/pull/pull.h: pull_ask); NULL: it cannot be made. */
PullQuery *pull_form_take(PullForms *forms, PullForm *form, PullHost *host);
void       pull_form_give_back(PullForms *forms, PullForm *form, PullQuery *query);
/* The key that this text asks for, in `arena`; NULL: the plan's own. */
const Value          *pull_form_key(const PullForm *form, const PullText *text, Arena *arena);
const TransientQuery *pull_form_query(const PullForm *form);
/* The plan that makes the table; borrowed. */
PlanRef *pull_form_writer(const PullForm *form);

#endif
