/*
 * engine.h - what a node knows and does: the catalog, the functions, the settings, the queries; statements
 * are carried out here.
 *
 * The REST server, the shell's embedded mode, `sluice run` and `sluice test` are front ends of one Engine.
 * What runs the queries stands behind QueryHost: the runtime with its workers (host_runtime.c), or the
 * deterministic driver (host_driver.c).
 *
 * A request's statements are first tried in order on a sandbox (a copy of the catalog, nothing executed),
 * then carried out in order (sql.md 1.5).
 *
 * Two rights are told apart. Looking at what exists, and the moment of changing it, is under the engine's
 * lock, which nobody keeps while a broker takes its time. To be the one who may change it is CommandSink's
 * command lease: a request has it from its first check to its last statement, the follower of the command log
 * for each command. Without a sink the lock is both.
 *
 * Thread: any.
 */
#ifndef SLUICE_SERVER_ENGINE_ENGINE_H
#define SLUICE_SERVER_ENGINE_ENGINE_H

#include <jansson.h>

#include "catalog/catalog.h"
#include "core/offset_vector.h"
#include "log/log.h"
#include "parser/parser.h"
#include "planner/document/doc_tree.h"
#include "planner/planner.h"
#include "planner/query_settings.h"
#include "server/access/identity.h"
#include "server/settings/properties.h"

typedef struct Engine Engine;

/* ---- who runs queries ---- */

/* A plan with the arena that holds it, shared by the engine and whoever runs it. */
typedef struct PlanRef PlanRef;
PlanRef               *plan_ref_new(Arena *arena, const QueryPlan *plan); /* takes the arena over */
PlanRef               *plan_ref(PlanRef *ref);
void                   plan_unref(void *ref); /* void *: fits runtime_start_query */
const QueryPlan       *plan_ref_plan(const PlanRef *ref);

typedef struct QueryHost QueryHost;
struct QueryHost {
    /* Starts a query, or with the id of a running one replaces it. The host takes a reference of its own. */
    Status (*start)(QueryHost *self, PlanRef *plan, const QuerySettings *settings, Error *err);
    Status (*stop)(QueryHost *self, Str id, bool forget, Error *err);
    Status (*pause)(QueryHost *self, Str id, bool paused, Error *err);
    /* Returns when a query that was stopped before writes nothing any more. Not under the engine's lock: it
     * may wait for a commit. */
    void (*settle)(QueryHost *self);
    /* Appends records that were inserted and waits until they are durable; after an error some may be. Where
     * they are is put into `written`. Thread: any. */
    Status (*insert)(QueryHost *self, Str topic, const LogRecord *records, size_t count,
                     OffsetVector *written, Error *err);
    /* {"state": "RUNNING", ...} for SHOW QUERIES, EXPLAIN and DESCRIBE EXTENDED; NULL when there is nothing
     * to say. `positions`: with where its tasks are, for which the log has to be asked. New reference. */
    json_t *(*describe)(QueryHost *self, Str id, bool positions);
    /* The same of all queries of this node: {id: {"state": ...}}. New reference. NULL: not for others. */
    json_t *(*describe_all)(QueryHost *self, bool positions);
    /* What the service's other nodes say so: {"host:port": {id: {"state": ...}}}, null for one that does not
     * answer in time; *own (in `arena`): the name of this one. NULL: there are no others. Waits for them: not
     * under the engine's lock. New reference. The pointer may be NULL. */
    json_t *(*ask_others)(QueryHost *self, bool positions, Arena *arena, Str *own);
};

/* Where Kafka Connect is (server/connect/); the engine hands it on. */
typedef struct ConnectSettings ConnectSettings;

/* What a kind of statement does (execution.h). */
typedef struct StatementClass StatementClass;

typedef struct {
    Log       *log;
    QueryHost *host;
    const StatementClass *(*statement_class)(AstStatementKind kind); /* NULL for kinds that are not built */
    Clock                 *clock;
    SchemaRegistry        *registry;   /* borrowed; NULL: none is configured */
    const ConnectSettings *connect;    /* borrowed; NULL: no Kafka Connect is configured */
    const Properties      *properties; /* server level */
    Str                    service_id;
    const char            *extension_dir; /* libraries of functions; NULL: none are loaded */
    bool test_mode; /* sluice test: query numbers count queries, no check of topic counts, no registry */
    int  default_partitions; /* test mode: of topics that statements name and nobody made */
} EngineOptions;

Status engine_open(const EngineOptions *options, Engine **out, Error *err);
void   engine_close(Engine *engine);
/* Statements are carried out as they were decided before (kept_plans.h); borrowed; NULL: there is nothing
 * kept. */
typedef struct KeptPlans KeptPlans;
void                     engine_set_kept_plans(Engine *engine, KeptPlans *kept);

/* ---- one client's state ---- */

/* Overrides and variables of a request or a shell session. Thread: one. */
typedef struct {
    uint64_t     generation; /* of what exists, when the session began, or older */
    Properties  *system;     /* ALTER SYSTEM, as it was when the session began; over the server's */
    Properties  *overrides;  /* SET, streamsProperties; over the system's */
    Properties  *variables;  /* DEFINE, sessionVariables */
    OffsetVector written;    /* what it has inserted: a pull query has to see it */
    bool         alone;      /* another node asks, or somebody who wants to know of this node alone */
    bool         restricted; /* may do what `identity` was granted (access.c); false: everything */
    Identity     identity; /* who it is; its texts live as long as the session. name.ptr NULL: nobody knows */
} Session;

/* Over the engine's properties and what ALTER SYSTEM has made of them. */
void session_init(Session *session, Engine *engine);
/* For what is tried: has what `from` has, which must outlive it. */
void session_copy(Session *session, const Session *from);
void session_clear(Session *session);
/* Counts changes of what plans of sessions depend on: statements that change what exists, ALTER SYSTEM. What
 * a session has planned, settings and all, is the same in another of its generation. One that has begun
 * before a change, and plans after it, has the older number. Never 0. Thread: any, without the lock. */
uint64_t engine_generation(const Engine *engine);
/* What sessions that begin later get, over the server's properties. */
void engine_alter_system(Engine *engine, Str name, Str value);
/* The variables as the parser asks for them, none where substitution is off; borrowed while it parses. */
void session_give_variables(const Session *session, ParseOptions *options);
enum { SESSION_NAMES_MAX = 10000 }; /* variables of a session, and as many settings */
/* Sets a variable, in any case of letters. E_LIMIT: its value, or all of the session together, would be too
 * large, or there are too many. */
Status session_define(Session *session, Str name, Str value, Error *err);
/* Sets a setting, whose value was checked. E_LIMIT: there are too many. */
Status session_override(Session *session, Str name, Str value, Error *err);

/* ---- statements ---- */

/* Carries out all statements of `text`. The replies (entities of rest.md 4) are appended to `entities` (a
 * JSON array) in order; statements without one add none. On an error `entities` holds what earlier statements
 * answered, *failed (may be NULL) is the 1-based number of the statement that failed (0: the text did not
 * parse), and *failed_text its text (in `arena`). */
Status engine_execute(Engine *engine, Session *session, Str text, Arena *arena, json_t *entities,
                      size_t *failed, Str *failed_text, Error *err);

/* One parsed statement, carried out at once (no sandbox): the test runner. */
Status engine_execute_statement(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                                json_t **entity, Error *err);

/* A SELECT: parsed and planned as what rest.md 3 says it is. The plans live in `arena`. */
typedef struct {
    TransientKind kind;
    PullPlan     *pull;
    QueryPlan    *push; /* PUSH and PULL_STREAM */
    Str           query_id;
    QuerySettings settings;
} TransientQuery;
Status engine_plan_query(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                         TransientQuery *out, Error *err);

/* ---- who may what ---- */

/* Of what is no statement but asks as one does. E_DENIED; the same words for what exists and what does not.
 */
Status engine_check_statement(Engine *engine, const Session *session, const AstStatement *statement,
                              Error *err);
/* The role that may do everything. */
bool session_is_admin(const Session *session);
/* One of these privileges on the source of that name; STR_NULL: on all of them. True for who may do
 * everything.
 */
bool engine_allows(Engine *engine, const Session *session, unsigned privileges, Str name);
/* Adds the topics of all sources that the session may see, with partition and offset 0. */
void engine_add_seen_topics(Engine *engine, const Session *session, OffsetVector *out);

/* ---- looking ---- */

Log                   *engine_log(Engine *engine);
Clock                 *engine_clock(Engine *engine);
SchemaRegistry        *engine_registry(Engine *engine); /* NULL: none */
const ConnectSettings *engine_connect(Engine *engine);  /* NULL: none */
const Functions       *engine_functions(Engine *engine);
QueryHost             *engine_host(Engine *engine);
Str                    engine_service_id(Engine *engine);
bool                   engine_is_test(const Engine *engine);
/* A copy of the catalog as it is now; the caller frees it. */
Catalog *engine_catalog(Engine *engine);

/* The plan of a running persistent query, with a reference; NULL: there is none. */
PlanRef *engine_query_plan(Engine *engine, Str id);
/* Parses a text under the session's variables; the last `;` may be missing. */
Status engine_parse(Engine *engine, const Session *session, Str text, Arena *arena, AstScript *out,
                    Error *err);
/* What became of commands: {"stream/`S`/create": {"status":..., "message":..., "queryId":...}}. New
 * reference. */
json_t *engine_command_statuses(Engine *engine);
/* How many logged commands had no plan and were planned from their texts: an older version's. */
size_t engine_replanned(Engine *engine);
/* Number (offset) of the last command that was executed; -1: none. The next query gets the number after it.
 */
int64_t engine_last_command(Engine *engine);

/* Queries of clients, which the engine does not run itself: TERMINATE ends them, SHOW QUERIES lists them.
 * Thread: any. */
typedef struct Transients Transients;
struct Transients {
    void *context;
    /* Of whom `asker` may see: his own, or all. */
    bool (*close)(Transients *self, Str id, const Session *asker); /* false: no such query */
    void (*list)(Transients *self, json_t *queries, const Session *asker);
};
void        engine_set_transients(Engine *engine, Transients *transients); /* borrowed; NULL: none */
Transients *engine_transients(Engine *engine);

/* ---- the command log ---- */

/* A command as the log has it. */
typedef struct {
    Str            id;     /* "stream/`S`/create" */
    Str            text;   /* of the statement */
    const DocNode *topics; /* see CommandText; NULL: a command that does not say */
    const DocNode *plan;   /* what was decided (creation.h); NULL: it is planned from its text */
    int64_t        offset;
} LoggedCommand;

/* Carries out a command that is not this process's own, or that failed here before: not tried in a sandbox,
 * for it was valid when it was appended. Topics are neither made nor deleted: who appended it has done that.
 * The caller has the lease. E_IO, E_BUSY, E_FULL: the world failed and nothing has changed; the same command
 * is to be tried again. E_UNSUPPORTED: its plan is of a later version. A command that is wrong is so on every
 * node, and so is one that is damaged: OK, said in the log and in its status.
 */
Status engine_apply(Engine *engine, Session *session, const LoggedCommand *command, Arena *arena, Error *err);

/* What is appended. */
typedef struct {
    Str               id, text;
    const Properties *overrides;
    const json_t *topics; /* that were looked at, {"name": [partitions, replicas]}: they may change, what the
                             statement means may not */
    Str plan; /* what was decided, a JSON text; ptr NULL: a kind of statement whose text says everything */
} CommandText;

/* Where statements that change what exists are made durable, in one order with those of the service's other
 * nodes. NULL: nothing is logged (test mode, queries file). */
typedef struct CommandSink CommandSink;
struct CommandSink {
    /* Gives the lease to this request, with all commands that are in the log by now carried out here. Not
     * under the engine's lock. Fails with what the client is told, or with E_FENCED; then there is no lease.
     */
    Status (*begin)(CommandSink *self, Error *err);
    /* Makes the statement durable at *offset, once it has been validated and before it is carried out.
     * E_FENCED: another node has appended since `begin`, nothing was written: `end`, `begin`, validate again.
     */
    Status (*append)(CommandSink *self, const CommandText *command, int64_t *offset, Error *err);
    /* Gives the lease back. `last`: the last command that has been carried out here; own ones behind it are
     * left to the follower. */
    void (*end)(CommandSink *self, int64_t last);
    /* Forgets all commands, for good: nothing is followed and nothing can be changed any more. */
    Status (*erase)(CommandSink *self, Error *err);
    /* During a lease: the offset that the next command gets, and how many it takes. */
    int64_t next_offset;
    int     span;
};
void engine_set_command_sink(Engine *engine, CommandSink *sink);
/* The service ends: a node that starts later finds nothing. */
Status engine_erase_commands(Engine *engine, Error *err);

/* DEGRADED: the command log holds what this version cannot carry out; what runs goes on, nothing can be
 * changed. */
void engine_set_degraded(Engine *engine);
bool engine_is_degraded(Engine *engine);

#endif
