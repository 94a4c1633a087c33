/*
 * execution.h - what a statement's handler gets, and what it may ask and do. The handlers are in
 * server/statements/, whose rows the engine is given when it is opened: nothing here knows one of them.
 *
 * A handler validates against x->catalog and, unless x->sandbox, carries out. It changes x->catalog in both
 * cases: later statements of the request see what it made. A statement that changes what exists goes in this
 * order: validate and plan, topics, execution_log, then what can fail for the world's sake (execution_start,
 * _stop), then the catalog: a command that failed half-way can be carried out once more.
 */
#ifndef SLUICE_SERVER_ENGINE_EXECUTION_H
#define SLUICE_SERVER_ENGINE_EXECUTION_H

#include "registry/registry_notes.h"
#include "server/engine/engine.h"

typedef struct Execution Execution;

typedef struct {
    PlannerHost base;
    Engine     *engine;
    Session    *session;
    Arena      *arena;
    Execution  *x;
} SessionHost;

/* A topic that a statement of the request would make: the sandbox knows it, the log does not yet. */
typedef struct SandboxTopic SandboxTopic;
struct SandboxTopic {
    SandboxTopic *next;
    Str           name;
    int           partitions, replicas;
};

struct Execution {
    Engine         *engine;
    Session        *session;
    Catalog        *catalog;   /* the engine's, or the sandbox */
    Functions      *functions; /* the engine's, or a fork of them for the sandbox */
    bool            sandbox;
    Arena          *arena;        /* of the statement */
    Arena          *request;      /* for what statements behind it look at; may be the same */
    SessionHost     host;         /* what the planner asks */
    int64_t         number;       /* of the next query id */
    SandboxTopic   *imagined;     /* sandbox */
    int64_t         next_offset;  /* sandbox: of the next command */
    bool            lease;        /* has the lease (engine.h); given back by execution_leave_engine */
    SchemaRegistry *registry;     /* what planner and handlers ask; NULL: there is none */
    RegistryNotes  *notes;        /* behind it; NULL: it is the engine's own, which takes its time */
    bool            asked_before; /* sandbox: another service was asked about this statement, and agreed */
    const LoggedCommand *command; /* being applied; NULL: a request's own statement */
    /* Of the statement at work. */
    int64_t logged_at;   /* offset of its command; -1: not logged */
    Str     command_id;  /* once it was logged */
    bool    carried_out; /* what fails from here on is no reason to do it again */
    json_t *topics;      /* that the planner looked at, for the command */
    Str     creation; /* the document of what was decided, for the command; ptr NULL: it is of another kind */
    json_t *others;   /* what other nodes say of queries (statements/others.h); NULL: not asked, or none */
    Str     own_name; /* of this node among them */
    PlanSetting *asked; /* properties that the planner looked at, each once */
    size_t       asked_count, asked_capacity;
    Error        unanswered;   /* what the planner asked and nobody could tell; code OK: nothing */
    bool         topic_missed; /* the planner asked for a topic that the log does not know */
};

typedef Status (*StatementHandler)(Execution *x, const AstStatement *statement, json_t **entity, Error *err);

/* A kind of statement: a row of core/statements.def. */
struct StatementClass {
    AstStatementKind kind;
    StatementHandler handler;
    bool             changes; /* what exists: then it is a command, in one order with those of other nodes */
};

/* What is no statement but asks as one does: `act` runs under the engine's lock, on the engine's catalog, and
 * changes nothing. */
Status execution_do(Engine *engine, Session *session, Arena *arena,
                    Status (*act)(Execution *x, void *context, Error *err), void *context, Error *err);

/* A planner over x->catalog whose results live in `arena`. */
Planner execution_planner(Execution *x, Arena *arena);
/* Effective value of a setting: the request's, else the server's. */
Str           execution_property(const Execution *x, const char *name);
QuerySettings execution_settings(const Execution *x);

/* What the plan keeps beside its nodes: the settings, those that the planner has asked for among them, and
 * which query of its id it is; `former` is the plan that it takes the place of (OR REPLACE), or NULL. */
void execution_seal_plan(Execution *x, QueryPlan *plan, const QueryPlan *former);

/* Logs a statement that changes what exists (nothing in the sandbox). */
Status execution_log(Execution *x, Str command_id, const AstStatement *statement, Str logged_text,
                     Error *err);

/* Plans of persistent queries, for OR REPLACE and EXPLAIN. The engine's registry; a sandbox has only names.
 */
PlanRef *execution_plan(const Execution *x, Str query_id); /* borrowed; NULL */
Status   execution_start(Execution *x, PlanRef *plan, Error *err);
Status   execution_stop(Execution *x, Str query_id, bool forget, Error *err);

/* Around what may wait for a broker, but in the sandbox. Who has the lease can rely on what it knows: nobody
 * changes anything meanwhile. Without the lease no pointer into the catalog is valid afterwards. */
void execution_leave_lock(Execution *x);
void execution_take_lock(Execution *x);
/* Around what may wait for any other server, the sandbox included: others look and change, for the lease is
 * given back, too, and the request takes it again behind this statement. No pointer into the engine's catalog
 * outlives it; the sandbox's copy stays. Not of a statement that changes what exists. */
void execution_leave_engine(Execution *x);
void execution_enter_engine(Execution *x);
/* Around what may compute long and changes nothing: x->catalog is a copy meanwhile, and others look and
 * change what exists. Without `keep_lease` it is given back as by execution_leave_engine: for what nobody
 * should have to wait for. Nothing without a sink, where the lock is both. */
void execution_begin_work(Execution *x, bool keep_lease);
void execution_end_work(Execution *x);
/* Waits without lock and lease. No pointer into the catalog outlives it. Not in the sandbox. */
void execution_pause(Execution *x, int64_t ms);

/* The subject of a topic that is gone, deleted once the request holds nothing that others wait for. */
void execution_forget_subject(Execution *x, Str subject);

/* NULL: no statement of the sandbox made it. */
const SandboxTopic *sandbox_topic(const Execution *x, Str name);
/* Makes or checks a topic (sql.md 4.1.3); nothing in the sandbox but the checks. */
Status topic_fulfil(Execution *x, const TopicWish *wish, bool given_partitions, bool given_replicas,
                    Error *err);

/* ---- entities (rest.md 4) ---- */

json_t *json_str(Str text); /* text as a JSON string; NULL text: null */
/* {"@type": type, "statementText": text, "warnings": []} */
json_t *entity_new(const char *type, Str statement_text);
json_t *entity_status(Execution *x, Str statement_text, Str command_id, const char *message, Str query_id);
/* {"status": status, "message": message, "queryId": query_id} */
json_t *command_status(const char *status, const char *message, Str query_id);
json_t *entity_warning(Str statement_text, const char *message);
/* {"type": "STRUCT", "fields": [...], "memberSchema": null} */
json_t *entity_type(const SqlType *type);
/* Fields of a schema as DESCRIBE lists them. */
json_t *entity_fields(const Schema *schema);
/* Canonical text of a statement, in the arena. */
Str statement_text(const AstStatement *statement, Arena *arena);

#endif
