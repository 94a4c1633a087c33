/*
 * engine.c - the state of a node, and how a text of statements is carried out: parse, try in the sandbox, execute.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "server/execution.h"
#include "server/scalable_push.h"

struct PlanRef {
    atomic_int       refs;
    Arena           *arena;
    const QueryPlan *plan;
};

typedef struct {
    PlanRef **items;
    size_t    count, capacity;
} Plans;

struct Engine {
    EngineOptions   options;
    Functions      *functions;
    pthread_mutex_t lock; /* of everything below */
    Catalog        *catalog;
    Plans           plans;
    int64_t         next_number;
    CommandSink    *sink;
    Transients     *transients;
    json_t         *statuses; /* of commands, by id */
    int64_t         last_command;
    bool            replaying;
};

/* ---- plans ---- */

PlanRef *plan_ref_new(Arena *arena, const QueryPlan *plan)
{
    PlanRef *ref = mem_calloc(1, sizeof *ref);
    atomic_init(&ref->refs, 1);
    ref->arena = arena;
    ref->plan  = plan;
    return ref;
}

PlanRef *plan_ref(PlanRef *ref)
{
    atomic_fetch_add(&ref->refs, 1);
    return ref;
}

void plan_unref(void *shared)
{
    PlanRef *ref = shared;
    if (ref == NULL || atomic_fetch_sub(&ref->refs, 1) != 1)
        return;
    arena_free(ref->arena);
    mem_free(ref);
}

const QueryPlan *plan_ref_plan(const PlanRef *ref) { return ref->plan; }

static ptrdiff_t plans_find(const Plans *plans, Str id)
{
    for (size_t i = 0; i < plans->count; i++)
        if (str_equal(plans->items[i]->plan->id, id))
            return (ptrdiff_t)i;
    return -1;
}

static void plans_put(Plans *plans, PlanRef *ref)
{
    ptrdiff_t at = plans_find(plans, ref->plan->id);
    if (at >= 0) {
        plan_unref(plans->items[at]);
        plans->items[at] = plan_ref(ref);
        return;
    }
    if (plans->count == plans->capacity) {
        plans->capacity = plans->capacity ? plans->capacity * 2 : 16;
        plans->items    = mem_realloc(plans->items, plans->capacity * sizeof(PlanRef *));
    }
    plans->items[plans->count++] = plan_ref(ref);
}

static void plans_remove(Plans *plans, Str id)
{
    ptrdiff_t at = plans_find(plans, id);
    if (at < 0)
        return;
    plan_unref(plans->items[at]);
    plans->items[at] = plans->items[--plans->count];
}

PlanRef *execution_plan(const Execution *x, Str query_id)
{
    ptrdiff_t at = plans_find(&x->engine->plans, query_id);
    return at < 0 ? NULL : x->engine->plans.items[at];
}

Status execution_start(Execution *x, PlanRef *plan, Error *err)
{
    if (x->sandbox)
        return OK;
    QuerySettings settings = execution_settings(x);
    TRY(x->engine->options.host->start(x->engine->options.host, plan, &settings, err));
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

static Str host_property(const PlannerHost *self, const char *name)
{
    const SessionHost *host = (const SessionHost *)self;
    return properties_get_c(host->session->overrides, name);
}

static bool host_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    const SessionHost *host = (const SessionHost *)self;
    TopicInfo          info;
    Error              ignored;
    const SandboxTopic *imagined = host->x != NULL ? sandbox_topic(host->x, topic) : NULL;
    if (imagined != NULL) {
        *partitions = imagined->partitions;
        *replicas   = imagined->replicas;
        return true;
    }
    if (log_topic_info(host->engine->options.log, topic, &info, &ignored) != OK) {
        *partitions = *replicas = 1; /* a topic of the past: what was made from it has to be made to be dropped later */
        return host->engine->replaying;
    }
    *partitions = info.partitions;
    *replicas   = info.replicas;
    return true;
}

static int64_t host_retention(const PlannerHost *self, Str topic)
{
    const SessionHost *host = (const SessionHost *)self;
    Str                text;
    int64_t            ms;
    Error              ignored;
    if (log_topic_config(host->engine->options.log, topic, "retention.ms", host->arena, &text, &ignored) != OK)
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

Str execution_property(const Execution *x, const char *name) { return properties_get_c(x->session->overrides, name); }

QuerySettings execution_settings(const Execution *x)
{
    Str reset = execution_property(x, "auto.offset.reset");
    return (QuerySettings){
        .from_earliest                 = !str_is_null(reset) && str_equal_nocase(reset, STR_LIT("earliest")),
        .fail_on_deserialization_error = properties_is_true(x->session->overrides, "ksql.fail.on.deserialization.error", false),
    };
}

Status execution_log(Execution *x, Str command_id, const AstStatement *statement, Str logged_text, Error *err)
{
    CommandSink *sink = x->engine->sink;
    if (x->sandbox) {
        if (sink != NULL) /* query ids are those that the real pass will give */
            x->number = ++x->last_command;
        return OK;
    }
    if (sink != NULL)
        TRY(sink->append(sink, command_id, statement, logged_text, x->session->overrides, &x->number, err));
    x->engine->last_command = x->number;
    return OK;
}

/* ---- life ---- */

Status engine_open(const EngineOptions *options, Engine **out, Error *err)
{
    Engine *engine    = mem_calloc(1, sizeof *engine);
    engine->options   = *options;
    engine->functions = functions_open();
    engine->catalog   = catalog_new();
    engine->statuses  = json_object();
    engine->last_command = -1;
    pthread_mutex_init(&engine->lock, NULL);
    *out = engine;
    return OK;
}

void engine_close(Engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->plans.count; i++)
        plan_unref(engine->plans.items[i]);
    mem_free(engine->plans.items);
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

void engine_set_query_number(Engine *engine, int64_t number)
{
    pthread_mutex_lock(&engine->lock);
    engine->next_number = number;
    pthread_mutex_unlock(&engine->lock);
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
    ptrdiff_t at  = plans_find(&engine->plans, id);
    PlanRef  *ref = at < 0 ? NULL : plan_ref(engine->plans.items[at]);
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

void engine_set_last_command(Engine *engine, int64_t number)
{
    pthread_mutex_lock(&engine->lock);
    engine->last_command = number;
    pthread_mutex_unlock(&engine->lock);
}

void engine_set_transients(Engine *engine, Transients *transients)
{
    pthread_mutex_lock(&engine->lock);
    engine->transients = transients;
    pthread_mutex_unlock(&engine->lock);
}

Transients *engine_transients(Engine *engine) { return engine->transients; }
void        engine_set_replaying(Engine *engine, bool replaying) { engine->replaying = replaying; }
bool        engine_is_replaying(const Engine *engine) { return engine->replaying; }

/* ---- one statement ---- */

static void keep_status(Execution *x, const json_t *entity)
{
    const char *id = json_string_value(json_object_get(entity, "commandId"));
    if (id != NULL && !x->sandbox)
        json_object_set(x->engine->statuses, id, json_object_get(entity, "commandStatus"));
}

static StatementHandler find_handler(AstStatementKind kind)
{
    static const struct { AstStatementKind kind; StatementHandler handler; } handlers[] = {
#define STATEMENT(kind, handler) {kind, handler},
#include "server/statements.def"
#undef STATEMENT
    };
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (handlers[i].kind == kind)
            return handlers[i].handler;
    return NULL;
}

static Status execute_one(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    StatementHandler handler = find_handler(statement->kind);
    *entity                  = NULL;
    if (handler == NULL)
        return error_set(err, E_UNSUPPORTED, statement->pos, "Sluice does not carry out this kind of statement yet: " STR_FMT,
                         STR_ARG(statement->text));
    x->host = (SessionHost){{host_property, host_topic, host_retention}, x->engine, x->session, x->arena, x};
    TRY(handler(x, statement, entity, err));
    keep_status(x, *entity);
    return OK;
}

Status engine_execute_statement(Engine *engine, Session *session, const AstStatement *statement, Arena *arena, json_t **entity, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x           = {.engine = engine, .session = session, .catalog = engine->catalog, .arena = arena, .number = engine->next_number};
    Status    status      = execute_one(&x, statement, entity, err);
    engine->next_number   = x.number;
    pthread_mutex_unlock(&engine->lock);
    return status;
}

/* ---- a text of statements ---- */

/* The statements of a request as they come: those after a DEFINE see its variable, so each is parsed when it is its turn. */
typedef struct {
    Str  text;      /* of the whole request */
    Str *pieces;    /* one per statement, within text */
    size_t count;
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

/* The statement alone, at its place: what is before it is blanked, so that positions are those of the whole text. */
static Str blanked(Str text, Str piece, Arena *arena)
{
    size_t before = (size_t)(piece.ptr - text.ptr);
    char  *copy   = arena_alloc(arena, before + piece.len + 1);
    for (size_t i = 0; i < before; i++)
        copy[i] = text.ptr[i] == '\n' ? '\n' : ' ';
    memcpy(copy + before, piece.ptr, piece.len);
    return str_n(copy, before + piece.len);
}

static Status parse_piece(const Request *request, size_t at, const Session *session, Arena *arena, AstStatement **out, Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_statement(arena, blanked(request->text, request->pieces[at], arena), &options, out, err);
}

Status engine_parse(Engine *engine, const Session *session, Str text, Arena *arena, AstScript *out, Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_script(arena, text, &options, out, err);
}

Status execution_keep(Execution *x, const AstStatement *statement, Arena *arena, const AstStatement **out, Error *err)
{
    AstStatement *copy;
    *out = statement;
    if (x->sandbox || x->engine->options.test_mode) /* the plan is dropped at once; the test's arena lives longer */
        return OK;
    ParseOptions options = {.optional_semicolon = true, .origin = statement->pos, .keep_variables = x->engine->replaying};
    session_collect_variables(x->session, arena, &options);
    TRY(parse_statement(arena, str_dup(arena, statement->text), &options, &copy, err));
    *out = copy;
    return OK;
}

/* Overrides and variables that the sandbox pass may change, so that the real pass starts from what the client sent. */
static void copy_session(const Session *from, Session *to)
{
    Str name, value;
    session_init(to, from->overrides);
    for (size_t i = 0; i < properties_count(from->variables); i++) {
        properties_at(from->variables, i, &name, &value);
        properties_set(to->variables, name, value);
    }
}

static Status try_in_sandbox(Engine *engine, const Session *session, const Request *request, Arena *arena, AstStatement **statements, size_t *failed,
                             Error *err)
{
    Session   copy;
    Execution x = {.engine = engine, .sandbox = true, .arena = arena, .number = engine->next_number, .last_command = engine->last_command};
    copy_session(session, &copy);
    x.session     = &copy;
    x.catalog     = catalog_copy(engine->catalog);
    Status status = OK;
    for (size_t i = 0; i < request->count && status == OK; i++) {
        json_t *entity = NULL;
        *failed        = i + 1;
        status         = parse_piece(request, i, &copy, arena, &statements[i], err);
        if (status == OK)
            status = execute_one(&x, statements[i], &entity, err);
        json_decref(entity);
    }
    catalog_free(x.catalog);
    session_clear(&copy);
    return status;
}

static Status execute_all(Engine *engine, Session *session, const Request *request, Arena *arena, AstStatement **statements, json_t *entities,
                          size_t *failed, Error *err)
{
    Execution x      = {.engine = engine, .session = session, .catalog = engine->catalog, .arena = arena, .number = engine->next_number};
    Status    status = OK;
    for (size_t i = 0; i < request->count && status == OK; i++) {
        json_t *entity = NULL;
        *failed        = i + 1;
        status         = execute_one(&x, statements[i], &entity, err);
        if (entity != NULL)
            json_array_append_new(entities, entity);
    }
    engine->next_number = x.number;
    return status;
}

static bool is_blank(Str s) { return str_trim(s).len == 0; }

/* Where the mistake is, for messages whose text (ksqlDB's) does not say it. */
static void locate(const Engine *engine, Error *err)
{
    bool refused = err->code == E_PLAN || err->code == E_UNSUPPORTED;
    Str  message = str_c(err->message);
    if (!refused || engine->options.test_mode || err->pos.line == 0 || str_find(message, STR_LIT("Line: "), 0) >= 0 ||
        str_find(message, STR_LIT("line "), 0) >= 0)
        return;
    error_append(err, "\nAt line %u, column %u.", err->pos.line, err->pos.col);
}

Status engine_execute(Engine *engine, Session *session, Str text, Arena *arena, json_t *entities, size_t *failed, Str *failed_text, Error *err)
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
    AstStatement **statements = ARENA_ARRAY(arena, AstStatement *, request.count);
    pthread_mutex_lock(&engine->lock);
    Status status = try_in_sandbox(engine, session, &request, arena, statements, &at, err);
    if (status == OK)
        status = execute_all(engine, session, &request, arena, statements, entities, &at, err);
    pthread_mutex_unlock(&engine->lock);
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
    return str_printf(arena, "transient_" STR_FMT "_%llu", STR_ARG(query->from.alias.text), (unsigned long long)random);
}

static Status plan_push(Execution *x, const AstStatement *statement, TransientQuery *out, Error *err)
{
    Planner planner = execution_planner(x, x->arena);
    out->query_id   = push_query_id(x->engine, statement->query, x->arena);
    if (out->kind != QUERY_PUSH || !scalable_push_applies(x, statement->query))
        return plan_push_query(&planner, statement, out->query_id, &out->push, err);
    TRY(scalable_push_check(statement->query, err));
    Str prefix      = STR_LIT("transient_");
    out->query_id   = str_printf(x->arena, "SCALABLE_PUSH_QUERY_" STR_FMT, (int)(out->query_id.len - prefix.len), out->query_id.ptr + prefix.len);
    Catalog *copy   = scalable_push_catalog(x, statement->query);
    planner.catalog = copy;
    Status status   = plan_push_query(&planner, statement, out->query_id, &out->push, err);
    catalog_free(copy);
    return status;
}

Status engine_plan_query(Engine *engine, Session *session, const AstStatement *statement, Arena *arena, TransientQuery *out, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x  = {.engine = engine, .session = session, .catalog = engine->catalog, .arena = arena, .number = engine->next_number};
    x.host       = (SessionHost){{host_property, host_topic, host_retention}, engine, session, arena, &x};
    Planner planner = execution_planner(&x, arena);
    *out            = (TransientQuery){.settings = execution_settings(&x)};
    Status status   = plan_classify(&planner, statement, &out->kind, err);
    if (status == OK && out->kind == QUERY_PULL_TABLE) {
        out->query_id = str_printf(arena, "query_%lld", (long long)engine->options.clock->now_ms(engine->options.clock));
        status        = plan_pull_query(&planner, statement, &out->pull, err);
    } else if (status == OK) {
        status = plan_push(&x, statement, out, err);
    }
    if (status != OK)
        locate(engine, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}
