/*
 * access.h - may who asks do that? What has been granted (GRANT) against what a statement wants.
 *
 * Asked by the name alone, before anything is looked up: a refusal is the same for a source that exists and
 * one that does not. A session that is not restricted, and one of the role `admin`, may do everything.
 *
 * Thread: under the engine's lock.
 */
#ifndef SLUICE_SERVER_ENGINE_ACCESS_H
#define SLUICE_SERVER_ENGINE_ACCESS_H

#include "server/engine/execution.h"

#define ADMIN_ROLE "admin"

/* Who asks, and what has been granted. */
typedef struct {
    const Catalog *catalog;
    const Session *session;
} Access;

static inline Access access_of(const Execution *x) { return (Access){x->catalog, x->session}; }

/* E_DENIED: who asks lacks a privilege that the statement needs. Of listings nothing is asked: they leave out
 * what may not be seen. */
Status access_check(const Access *who, const AstStatement *statement, Error *err);
/* The same for one source; STR_NULL: for all of them. */
Status access_check_source(const Access *who, unsigned privileges, Str name, Error *err);

/* One of these, on the source or on all of them. */
bool access_allows(const Access *who, unsigned privileges, Str name);
/* Any privilege at all. */
bool access_sees(const Access *who, Str name);
bool access_sees_query(const Access *who, const QueryEntry *query); /* by what it writes */
/* All that it reads as well: its text and its plan name that. */
bool access_sees_text(const Access *who, const QueryEntry *query);
bool access_sees_statement(const Access *who, const Source *source); /* the same of what made a source */
bool access_sees_topic(const Access *who, Str topic);                /* by the sources over it */
/* Cuts from the message what the nearest name would tell. */
void access_mute(const Session *session, Error *err);

#endif
