/*
 * engine.c - the state of a node, and how a text of statements is carried out: parse, try in the sandbox,
 * execute.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/logger.h"
#include "server/execution.h"
#include "server/plans.h"
#include "server/scalable_push.h"

struct Engine {
    EngineOptions   options;
    Functions      *functions;
    pthread_mutex_t lock; /* of everything below */
    Catalog        *catalog;
    Plans           plans;
    int64_t         next_number; /* of the next query id */
    CommandSink    *sink;
    Transients     *transients;
    json_t         *statuses; /* of commands, by id */
    int64_t         last_command;
    atomic_bool     degraded;
};

enum { MOST_LOST_TURNS = 50 }; /* other nodes are never that many times faster by chance */

/* ---- what handlers do ---- */

PlanRef *execution_plan(const Execution *x, Str query_id) { return plans_get(&x->engine->plans, query_id); }

static bool may_leave_lock(const Execution *x) { return x->engine->sink != NULL && !x->sandbox; }

void execution_leave_lock(Execution *x)
{
    if (may_leave_lock(x))
        pthread_mutex_unlock(&x->engine->lock);
}

void execution_take_lock(Execution *x)
{
    if (may_leave_lock(x))
        pthread_mutex_lock(&x->engine->lock);
}

void execution_pause(Execution *x, int64_t ms)
{
    const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    pthread_mutex_unlock(&x->engine->lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&x->engine->lock);
    x->number = x->turn ? x->number : x->engine->next_number; /* others may have taken some */
}

Status execution_start(Execution *x, PlanRef *plan, Error *err)
{
    if (x->sandbox)
        return OK;
    QueryHost    *host     = x->engine->options.host;
    QuerySettings settings = execution_settings(x);
    execution_leave_lock(x); /* internal topics are made */
    Status status = host->start(host, plan, &settings, err);
    execution_take_lock(x);
    TRY(status);
    plans_put(&x->engine->plans, plan);
    return OK;
}

Status execution_stop(Execution *x, Str query_id, bool forget, Error *err)
{
    if (x->sandbox)
        return OK;
    Status status = x->engine->options.host->stop(x->engine->options.host, query_id, forget, err);
    if (status == E_NOT_FOUND) /* it was terminated before */
        error_clear(err);
    else
        TRY(status);
    plans_remove(&x->engine->plans, query_id);
    return OK;
}

/* ---- what the planner asks ---- */

/* From the command itself, so that it means what it meant when it was validated. */
static bool topic_of_command(const LoggedCommand *command, Str topic, int *partitions, int *replicas)
{
    char         *name  = str_to_heap(topic);
    const json_t *known = json_object_get(command->topics, name);
    mem_free(name);
    if (known == NULL)
        return false;
    *partitions = (int)json_integer_value(json_array_get(known, 0));
    *replicas   = (int)json_integer_value(json_array_get(known, 1));
    return true;
}

static void keep_topic(Execution *x, const TopicInfo *info)
{
    char *name = str_to_heap(info->name);
    if (x->topics != NULL)
        json_object_set_new(x->topics, name, json_pack("[i, i]", info->partitions, info->replicas));
    mem_free(name);
}

static Str host_property(const PlannerHost *self, const char *name)
{
    const SessionHost *host = (const SessionHost *)self;
    return properties_get_c(host->session->overrides, name);
}

static bool host_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    const SessionHost  *host = (const SessionHost *)self;
    Execution          *x    = host->x;
    TopicInfo           info;
    Error               why;
    const SandboxTopic *imagined = sandbox_topic(x, topic);
    if (imagined != NULL) {
        *partitions = imagined->partitions;
        *replicas   = imagined->replicas;
        return true;
    }
    if (x->command != NULL && x->command->topics != NULL)
        return topic_of_command(x->command, topic, partitions, replicas);
    Status status = log_topic_info(host->engine->options.log, topic, &info, &why);
    if (status != OK) {
        if (status != E_NOT_FOUND)
            x->unanswered = why;
        *partitions = *replicas =
            1; /* a topic of the past: what was made from it has to be made to be dropped later */
        return x->command != NULL;
    }
    *partitions = info.partitions;
    *replicas   = info.replicas;
    keep_topic(x, &info);
    return true;
}

static int64_t host_retention(const PlannerHost *self, Str topic)
{
    const SessionHost *host = (const SessionHost *)self;
    Str                text;
    int64_t            ms;
    Error              ignored;
    if (log_topic_config(host->engine->options.log, topic, "retention.ms", host->arena, &text, &ignored) !=
        OK)
        return -1;
    return int64_parse(text, &ms) ? ms : -1;
}

Planner execution_planner(Execution *x, Arena *arena)
{
    return (Planner){.catalog      = x->catalog,
                     .functions    = x->engine->functions,
                     .host         = &x->host.base,
                     .clock        = x->engine->options.clock,
                     .arena        = arena,
                     .query_number = x->number,
                     .service_id   = x->engine->options.service_id};
}

Str execution_property(const Execution *x, const char *name)
{
    return properties_get_c(x->session->overrides, name);
}

QuerySettings execution_settings(const Execution *x)
{
    Str reset = execution_property(x, "auto.offset.reset");
    return (QuerySettings){
        .from_earliest = !str_is_null(reset) && str_equal_nocase(reset, STR_LIT("earliest")),
        .fail_on_deserialization_error =
            properties_is_true(x->session->overrides, "ksql.fail.on.deserialization.error", false),
    };
}

static bool unanswered(const Execution *x, Error *err)
{
    if (x->unanswered.code == OK)
        return false;
    *err = x->unanswered;
    return true;
}

Status execution_log(Execution *x, Str command_id, const AstStatement *statement, Str logged_text, Error *err)
{
    CommandSink *sink = x->engine->sink;
    if (unanswered(x, err))
        return err->code;
    x->command_id = command_id;
    if (x->command != NULL) {
        x->logged_at = x->command->offset;
    } else if (x->sandbox && sink != NULL) { /* query ids are those that the real pass will give */
        x->logged_at = x->next_offset;
        x->next_offset += sink->span;
    } else if (sink != NULL) {
        assert(x->turn); /* statements.def says of each kind whether it needs it */
        execution_leave_lock(x);
        Status status = sink->append(sink, command_id, statement, logged_text, x->session->overrides,
                                     x->topics, &x->logged_at, err);
        execution_take_lock(x);
        return status;
    }
    return OK;
}

/* ---- life ---- */

Status engine_open(const EngineOptions *options, Engine **out, Error *err)
{
    Engine *engine       = mem_calloc(1, sizeof *engine);
    engine->options      = *options;
    engine->functions    = functions_open();
    engine->catalog      = catalog_new();
    engine->statuses     = json_object();
    engine->last_command = -1;
    pthread_mutex_init(&engine->lock, NULL);
    *out = engine;
    return OK;
}

void engine_close(Engine *engine)
{
    if (engine == NULL)
        return;
    plans_clear(&engine->plans);
    json_decref(engine->statuses);
    catalog_free(engine->catalog);
    functions_close(engine->functions);
    pthread_mutex_destroy(&engine->lock);
    mem_free(engine);
}

void session_init(Session *session, const Properties *server)
{
    session->overrides = properties_new(server);
    session->variables = properties_new(NULL);
}

void session_clear(Session *session)
{
    properties_free(session->overrides);
    properties_free(session->variables);
}

Log             *engine_log(Engine *engine) { return engine->options.log; }
Clock           *engine_clock(Engine *engine) { return engine->options.clock; }
const Functions *engine_functions(Engine *engine) { return engine->functions; }
QueryHost       *engine_host(Engine *engine) { return engine->options.host; }
Str              engine_service_id(Engine *engine) { return engine->options.service_id; }
bool             engine_is_test(const Engine *engine) { return engine->options.test_mode; }

Catalog *engine_catalog(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    Catalog *copy = catalog_copy(engine->catalog);
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

void engine_set_command_sink(Engine *engine, CommandSink *sink)
{
    pthread_mutex_lock(&engine->lock);
    engine->sink = sink;
    pthread_mutex_unlock(&engine->lock);
}

PlanRef *engine_query_plan(Engine *engine, Str id)
{
    pthread_mutex_lock(&engine->lock);
    PlanRef *ref = plans_get(&engine->plans, id);
    if (ref != NULL)
        plan_ref(ref);
    pthread_mutex_unlock(&engine->lock);
    return ref;
}

json_t *engine_command_statuses(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    json_t *copy = json_deep_copy(engine->statuses);
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

int64_t engine_last_command(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    int64_t number = engine->last_command;
    pthread_mutex_unlock(&engine->lock);
    return number;
}

void engine_set_transients(Engine *engine, Transients *transients)
{
    pthread_mutex_lock(&engine->lock);
    engine->transients = transients;
    pthread_mutex_unlock(&engine->lock);
}

Transients *engine_transients(Engine *engine) { return engine->transients; }
void        engine_set_degraded(Engine *engine) { atomic_store(&engine->degraded, true); }
bool        engine_is_degraded(Engine *engine) { return atomic_load(&engine->degraded); }

/* ---- one statement ---- */

typedef struct {
    AstStatementKind kind;
    StatementHandler handler;
    bool             changes;
} KindOfStatement;

static const KindOfStatement *find_kind(AstStatementKind kind)
{
    static const KindOfStatement kinds[] = {
#define STATEMENT(kind, handler, changes) {kind, handler, changes},
#include "server/statements.def"
#undef STATEMENT
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

static bool world_failed(Status status) { return status == E_IO || status == E_BUSY || status == E_FULL; }

static void keep_status(Engine *engine, Str command_id, json_t *status)
{
    char *id = str_to_heap(command_id);
    json_object_set_new(engine->statuses, id, status);
    mem_free(id);
}

/* A command at work has its outcome: done, wrong (here and on every node), or to be tried again by the
 * follower. */
static Status settle_command(Execution *x, Status status, const json_t *entity, Error *err)
{
    Engine *engine = x->engine;
    json_t *done   = json_object_get(entity, "commandStatus");
    x->number      = x->logged_at + 1;
    if (x->sandbox)
        return status;
    if (world_failed(status) && !x->carried_out) {
        keep_status(engine, x->command_id, command_status("EXECUTING", "Executing statement", STR_NULL));
        if (x->command == NULL)
            error_prefix(err,
                         "The statement is in the command topic with number %lld, and is carried out as soon "
                         "as that is possible. At first it failed: ",
                         (long long)x->logged_at);
        return status;
    }
    if (status != OK)
        keep_status(engine, x->command_id, command_status("ERROR", err->message, STR_NULL));
    else if (done != NULL)
        keep_status(engine, x->command_id,
                    json_deep_copy(done)); /* the reply is read and freed without the lock */
    engine->last_command = x->logged_at;
    return status;
}

static Status execute_one(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const KindOfStatement *kind = find_kind(statement->kind);
    *entity                     = NULL;
    if (kind == NULL)
        return error_set(err, E_UNSUPPORTED, statement->pos,
                         "Sluice does not carry out this kind of statement yet: " STR_FMT,
                         STR_ARG(statement->text));
    x->host = (SessionHost){{host_property, host_topic, host_retention}, x->engine, x->session, x->arena, x};
    x->unanswered.code = OK;
    x->carried_out     = false;
    x->logged_at       = x->command != NULL ? x->command->offset : -1;
    x->command_id      = x->command != NULL ? x->command->id : STR_NULL;
    x->topics          = x->turn && x->command == NULL ? json_object() : NULL;
    Status status      = kind->handler(x, statement, entity, err);
    json_decref(x->topics);
    x->topics = NULL;
    if (status != OK && x->logged_at < 0 && unanswered(x, err))
        status = err->code;
    return x->logged_at >= 0 ? settle_command(x, status, *entity, err) : status;
}

static Execution execution_of(Engine *engine, Session *session, Arena *arena)
{
    return (Execution){.engine  = engine,
                       .session = session,
                       .catalog = engine->catalog,
                       .arena   = arena,
                       .number  = engine->next_number};
}

Status engine_execute_statement(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                                json_t **entity, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x         = execution_of(engine, session, arena);
    Status    status    = execute_one(&x, statement, entity, err);
    engine->next_number = x.number;
    pthread_mutex_unlock(&engine->lock);
    return status;
}

Status engine_apply(Engine *engine, Session *session, const LoggedCommand *command, Arena *arena, Error *err)
{
    json_t       *entity = NULL;
    AstStatement *statement;
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    Status        status  = parse_statement(arena, command->text, &options, &statement, err);
    pthread_mutex_lock(&engine->lock);
    Execution x = execution_of(engine, session, arena);
    x.turn      = true;
    x.command   = command;
    if (status == OK)
        status = execute_one(&x, statement, &entity, err);
    bool again = world_failed(status);
    if (!again) {
        engine->last_command = command->offset;
        engine->next_number  = command->offset + 1;
    }
    pthread_mutex_unlock(&engine->lock);
    json_decref(entity);
    if (status == OK || again)
        return status;
    log_line(LOG_ERROR, "command %lld failed: %s", (long long)command->offset, err->message);
    return OK;
}

/* ---- a text of statements ---- */

/* The statements of a request as they come: those after a DEFINE see its variable, so each is parsed when it
 * is its turn. */
typedef struct {
    Str            text;       /* of the whole request */
    Str           *pieces;     /* one per statement, within text */
    AstStatement **statements; /* once parsed */
    size_t         count, done;
} Request;

void session_collect_variables(const Session *session, Arena *arena, ParseOptions *options)
{
    size_t    count     = properties_count(session->variables);
    Variable *variables = ARENA_ARRAY(arena, Variable, count);
    for (size_t i = 0; i < count; i++)
        properties_at(session->variables, i, &variables[i].name, &variables[i].value);
    options->variables      = variables;
    options->variable_count = count;
}

/* The statement alone, at its place: what is before it is blanked, so that positions are those of the whole
 * text. */
static Str blanked(Str text, Str piece, Arena *arena)
{
    size_t before = (size_t)(piece.ptr - text.ptr);
    char  *copy   = arena_alloc(arena, before + piece.len + 1);
    for (size_t i = 0; i < before; i++)
        copy[i] = text.ptr[i] == '\n' ? '\n' : ' ';
    memcpy(copy + before, piece.ptr, piece.len);
    return str_n(copy, before + piece.len);
}

static Status parse_piece(const Request *request, size_t at, const Session *session, Arena *arena,
                          AstStatement **out, Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_statement(arena, blanked(request->text, request->pieces[at], arena), &options, out, err);
}

Status engine_parse(Engine *engine, const Session *session, Str text, Arena *arena, AstScript *out,
                    Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_script(arena, text, &options, out, err);
}

Status execution_keep(Execution *x, const AstStatement *statement, Arena *arena, const AstStatement **out,
                      Error *err)
{
    AstStatement *copy;
    *out = statement;
    if (x->sandbox ||
        x->engine->options.test_mode) /* the plan is dropped at once; the test's arena lives longer */
        return OK;
    ParseOptions options = {
        .optional_semicolon = true, .origin = statement->pos, .keep_variables = x->command != NULL};
    session_collect_variables(x->session, arena, &options);
    TRY(parse_statement(arena, str_dup(arena, statement->text), &options, &copy, err));
    *out = copy;
    return OK;
}

/* Overrides and variables that the sandbox pass may change, so that the real pass starts from what the client
 * sent. */
static void copy_session(const Session *from, Session *to)
{
    Str name, value;
    session_init(to, from->overrides);
    for (size_t i = 0; i < properties_count(from->variables); i++) {
        properties_at(from->variables, i, &name, &value);
        properties_set(to->variables, name, value);
    }
}

static Status try_in_sandbox(Engine *engine, const Session *session, const Request *request, bool turn,
                             Arena *arena, size_t *failed, Error *err)
{
    Session   copy;
    Execution x = execution_of(engine, &copy, arena);
    copy_session(session, &copy);
    x.sandbox     = true;
    x.next_offset = turn ? engine->sink->next_offset : 0;
    x.catalog     = catalog_copy(engine->catalog);
    Status status = OK;
    for (size_t i = request->done; i < request->count && status == OK; i++) {
        json_t *entity = NULL;
        *failed        = i + 1;
        status         = parse_piece(request, i, &copy, arena, &request->statements[i], err);
        if (status == OK)
            status = execute_one(&x, request->statements[i], &entity, err);
        json_decref(entity);
    }
    catalog_free(x.catalog);
    session_clear(&copy);
    return status;
}

static Status execute_all(Engine *engine, Session *session, Request *request, bool turn, Arena *arena,
                          json_t *entities, size_t *failed, Error *err)
{
    Execution x      = execution_of(engine, session, arena);
    Status    status = OK;
    x.turn           = turn;
    while (request->done < request->count && status == OK) {
        json_t *entity = NULL;
        *failed        = request->done + 1;
        status         = execute_one(&x, request->statements[request->done], &entity, err);
        if (turn || engine->sink == NULL)
            engine->next_number = x.number;
        if (status == OK)
            request->done++;
        if (status == OK && entity != NULL)
            json_array_append_new(entities, entity);
        else
            json_decref(entity);
    }
    return status;
}

static Status try_and_execute(Engine *engine, Session *session, Request *request, bool turn, Arena *arena,
                              json_t *entities, size_t *failed, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Status status = try_in_sandbox(engine, session, request, turn, arena, failed, err);
    if (status == OK)
        status = execute_all(engine, session, request, turn, arena, entities, failed, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

/* A statement that may turn out to be a command when its variables are known counts as one. */
static bool may_change(const Request *request, Arena *arena)
{
    ParseOptions options = {.optional_semicolon = true, .keep_variables = true};
    for (size_t i = 0; i < request->count; i++) {
        AstStatement *statement;
        Error         ignored;
        if (parse_statement(arena, request->pieces[i], &options, &statement, &ignored) != OK)
            return true;
        const KindOfStatement *kind = find_kind(statement->kind);
        if (kind != NULL && kind->changes)
            return true;
    }
    return false;
}

/* Fenced out, a request goes on from the statement that was not written, checked against what the others have
 * made meanwhile. */
static Status execute_in_turn(Engine *engine, Session *session, Request *request, Arena *arena,
                              json_t *entities, size_t *failed, Error *err)
{
    CommandSink *sink = engine->sink;
    for (int lost = 0; lost < MOST_LOST_TURNS; lost++) {
        *failed       = request->done + 1;
        Status status = sink->begin(sink, err);
        if (status == OK) {
            status = try_and_execute(engine, session, request, true, arena, entities, failed, err);
            sink->end(sink, engine_last_command(engine));
        }
        if (status != E_FENCED)
            return status;
    }
    return error_set(err, E_BUSY, NO_POS,
                     "Could not write the statement into the command topic: other servers of this service "
                     "kept being faster");
}

static bool is_blank(Str s) { return str_trim(s).len == 0; }

/* Where the mistake is, for messages whose text (ksqlDB's) does not say it. */
static void locate(const Engine *engine, Error *err)
{
    bool refused = err->code == E_PLAN || err->code == E_UNSUPPORTED;
    Str  message = str_c(err->message);
    if (!refused || engine->options.test_mode || err->pos.line == 0 ||
        str_find(message, STR_LIT("Line: "), 0) >= 0 || str_find(message, STR_LIT("line "), 0) >= 0)
        return;
    error_append(err, "\nAt line %u, column %u.", err->pos.line, err->pos.col);
}

Status engine_execute(Engine *engine, Session *session, Str text, Arena *arena, json_t *entities,
                      size_t *failed, Str *failed_text, Error *err)
{
    Request request = {.text = text};
    Str     rest;
    Pos    *positions;
    size_t  at = 0;
    if (failed != NULL)
        *failed = 0;
    if (failed_text != NULL)
        *failed_text = text;
    TRY(parse_split(arena, text, &request.pieces, &positions, &request.count, &rest, err));
    if (!is_blank(rest)) { /* an unfinished last statement: the parser says what is missing */
        Str *pieces = ARENA_ARRAY(arena, Str, request.count + 1);
        if (request.count > 0)
            memcpy(pieces, request.pieces, request.count * sizeof *pieces);
        pieces[request.count++] = rest;
        request.pieces          = pieces;
    }
    request.statements = ARENA_ARRAY(arena, AstStatement *, request.count);
    bool   in_turn     = engine->sink != NULL && may_change(&request, arena);
    Status status      = in_turn ? execute_in_turn(engine, session, &request, arena, entities, &at, err)
                                 : try_and_execute(engine, session, &request, false, arena, entities, &at, err);
    if (status != OK)
        locate(engine, err);
    if (status != OK && at > 0) {
        if (failed != NULL)
            *failed = at;
        if (failed_text != NULL)
            *failed_text = request.pieces[at - 1];
    }
    return status;
}

/* ---- SELECT ---- */

static Str push_query_id(Engine *engine, const AstQuery *query, Arena *arena)
{
    uint64_t random = engine->options.clock->random(engine->options.clock) >> 1;
    return str_printf(arena, "transient_" STR_FMT "_%llu", STR_ARG(query->from.alias.text),
                      (unsigned long long)random);
}

static Status plan_push(Execution *x, const AstStatement *statement, TransientQuery *out, Error *err)
{
    Planner planner = execution_planner(x, x->arena);
    out->query_id   = push_query_id(x->engine, statement->query, x->arena);
    if (out->kind != QUERY_PUSH || !scalable_push_applies(x, statement->query))
        return plan_push_query(&planner, statement, out->query_id, &out->push, err);
    TRY(scalable_push_check(statement->query, err));
    Str prefix      = STR_LIT("transient_");
    out->query_id   = str_printf(x->arena, "SCALABLE_PUSH_QUERY_" STR_FMT,
                                 (int)(out->query_id.len - prefix.len), out->query_id.ptr + prefix.len);
    Catalog *copy   = scalable_push_catalog(x, statement->query);
    planner.catalog = copy;
    Status status   = plan_push_query(&planner, statement, out->query_id, &out->push, err);
    catalog_free(copy);
    return status;
}

Status engine_plan_query(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                         TransientQuery *out, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x     = execution_of(engine, session, arena);
    x.host          = (SessionHost){{host_property, host_topic, host_retention}, engine, session, arena, &x};
    Planner planner = execution_planner(&x, arena);
    *out            = (TransientQuery){.settings = execution_settings(&x)};
    Status status   = plan_classify(&planner, statement, &out->kind, err);
    if (status == OK && out->kind == QUERY_PULL_TABLE) {
        out->query_id =
            str_printf(arena, "query_%lld", (long long)engine->options.clock->now_ms(engine->options.clock));
        status = plan_pull_query(&planner, statement, &out->pull, err);
    } else if (status == OK) {
        status = plan_push(&x, statement, out, err);
    }
    if (status != OK && unanswered(&x, err))
        status = err->code;
    if (status != OK)
        locate(engine, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}
