/*
 * engine_state.h - what the files of the engine know of each other.
 *
 *   engine.c      what a node is: made, looked at, closed
 *   execution.c   one statement: what its handler may ask and do, what becomes of its command
 *   transient.c   a SELECT: planned for whoever runs it
 *   request.c     a text of statements: tried in the sandbox, carried out, again when the lease was lost
 *
 * For these four alone. Handlers get an Execution (execution.h) and front ends an Engine (engine.h), so that
 * the rule of lock and lease is kept in one place.
 */
#ifndef SLUICE_SERVER_ENGINE_ENGINE_STATE_H
#define SLUICE_SERVER_ENGINE_ENGINE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/engine/execution.h"
#include "server/engine/plans.h"
#include "udf/extension/native_load.h"

struct Engine {
    EngineOptions   options;
    Functions      *functions;
    Extensions     *extensions; /* what some of them are in; NULL: none */
    pthread_mutex_t lock;       /* of everything below */
    Catalog        *catalog;
    Plans           plans;
    int64_t         next_number; /* of the next query id */
    CommandSink    *sink;
    Transients     *transients;
    json_t         *statuses; /* of commands, by id */
    int64_t         last_command;
    KeptPlans      *kept;      /* of a file of statements; NULL: none */
    size_t          replanned; /* logged commands that had no plan */
    atomic_bool     degraded;
    atomic_uint_fast64_t
                    generation;   /* goes up when a statement has changed something, before it is answered */
    pthread_mutex_t altered_lock; /* of what follows: sessions begin without the engine's lock */
    Properties     *altered;      /* by ALTER SYSTEM */
    atomic_bool     is_altered;
};

/* On the engine's own catalog, with the next free query number. Thread: under the engine's lock, while the
 * execution lasts; the catalog is the engine's. */
Execution execution_of(Engine *engine, Session *session, Arena *arena);
/* What the planner asks is answered from x; x must not move afterwards. */
void execution_bind_host(Execution *x);
/* The planner asked what nobody could answer: *err is why, and what it concluded is void. */
bool execution_unanswered(const Execution *x, Error *err);
/* Carries a statement out, or tries it (x->sandbox). *entity: new reference, NULL where there is nothing to
 * say. x->number is the next query's afterwards. Thread: under the engine's lock, which handlers may leave.
 */
Status execution_run(Execution *x, const AstStatement *statement, json_t **entity, Error *err);
/* Does this kind of statement change what exists, so that it needs the lease? */
bool execution_needs_lease(const Engine *engine, AstStatementKind kind);
/* A statement is refused, and nobody knows a place in it: that of the name that it is about. */
void execution_locate(const AstStatement *statement, Error *err);

#endif
