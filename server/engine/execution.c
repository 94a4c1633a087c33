/*
 * execution.c - one statement: finds its handler, gives it what it may ask and do, keeps its outcome.
 *
 * A statement comes from a request, once in the sandbox and once in earnest, or from the command log, where
 * another node wrote it. The handler is the same, so it asks here and not the world: topics come from the
 * sandbox, from the command or from the log, effects are none in the sandbox, and what was logged is settled
 * here whatever the handler says. A SELECT has no handler: transient.c plans
 * it for whoever runs it.
 *
 * Invariant: once a statement is in the command topic, every node comes to the same end with it. So what its
 * planner saw of topics is written with it, and a world that failed is no verdict: the follower tries again.
 */
#include <assert.h>
#include <time.h>

#include "core/logger.h"
#include "executor/dataflow/topology.h"
#include "planner/nodes/node_exchange.h"
#include "planner/plan_partial.h"
#include "planner/plan_settings.h"
#include "server/engine/access.h"
#include "server/engine/creation.h"
#include "server/engine/engine_state.h"
#include "server/settings/settings.h"

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

void execution_leave_engine(Execution *x)
{
    CommandSink *sink = x->lease ? x->engine->sink : NULL;
    int64_t      last = x->engine->last_command;
    assert(x->command == NULL && x->logged_at < 0);
    x->lease = false;
    pthread_mutex_unlock(&x->engine->lock);
    if (sink != NULL)
        sink->end(sink, last);
}

void execution_enter_engine(Execution *x)
{
    pthread_mutex_lock(&x->engine->lock);
    if (!x->lease && !x->sandbox)
        x->number = x->engine->next_number; /* others may have taken some */
}

void execution_begin_work(Execution *x, bool keep_lease)
{
    if (x->engine->sink == NULL)
        return;
    if (!x->sandbox) /* its catalog is a copy already */
        x->catalog = catalog_copy(x->catalog);
    if (keep_lease || !x->lease)
        pthread_mutex_unlock(&x->engine->lock);
    else
        execution_leave_engine(x);
}

void execution_end_work(Execution *x)
{
    if (x->engine->sink == NULL)
        return;
    execution_enter_engine(x);
    if (x->sandbox)
        return;
    catalog_free(x->catalog);
    x->catalog = x->engine->catalog;
}

void execution_pause(Execution *x, int64_t ms)
{
    const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    execution_leave_engine(x);
    nanosleep(&pause, NULL);
    execution_enter_engine(x);
}

Status execution_start(Execution *x, PlanRef *plan, Error *err)
{
    if (x->sandbox)
        return OK;
    QueryHost    *host = x->engine->options.host;
    QuerySettings settings;
    plan_query_settings(plan_ref_plan(plan), &settings);
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

static bool is_there(const Execution *x, const QueryPlan *plan, const PlanNode *exchange, Str suffix)
{
    TopicInfo    info;
    PlanExchange called = *plan_exchange(exchange);
    PlanNode     node   = *exchange;
    called.topic_suffix = suffix;
    node.details        = &called;
    Str topic = topology_repartition_topic(x->engine->options.service_id, plan->id, &node, x->arena);
    return log_topic_info(x->engine->options.log, topic, &info, NULL) == OK;
}

/* A query of a file whose plans are lost (a container without a volume) or were not kept by an earlier
 * version: what is under way in its topics is of the kind that it was. */
static Partials partials_of_topics(const Execution *x, const QueryPlan *plan, Partials wish)
{
    bool rows = false;
    for (size_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        if (node->class != &node_exchange)
            continue;
        Str suffix = plan_exchange(node)->topic_suffix;
        if (is_there(x, plan, node, plan_partial_suffix(suffix, x->arena)))
            return PARTIALS_NAMED;
        rows |= is_there(x, plan, node, suffix);
    }
    return rows ? PARTIALS_NONE : wish;
}

/* A command that has to be planned was written before there were partial results: its topics hold rows. */
static Partials choose_partials(const Execution *x, const QueryPlan *plan, const QuerySettings *settings)
{
    Partials wish = settings->cache_bytes > 0 && x->command == NULL ? PARTIALS_NAMED : PARTIALS_NONE;
    return x->engine->kept == NULL ? wish : partials_of_topics(x, plan, wish);
}

void execution_seal_plan(Execution *x, QueryPlan *plan, const QueryPlan *former)
{
    QuerySettings settings  = execution_settings(x);
    size_t        overrides = properties_count(x->session->overrides);
    PlanSetting  *asked     = ARENA_ARRAY(x->arena, PlanSetting, x->asked_count + overrides);
    if (x->asked_count > 0)
        memcpy(asked, x->asked, x->asked_count * sizeof *asked);
    for (size_t i = 0; i < overrides; i++) {
        PlanSetting *setting = &asked[x->asked_count + i];
        setting->overridden  = true;
        properties_at(x->session->overrides, i, &setting->name, &setting->value);
    }
    plan_keep_settings(plan, &settings, asked, x->asked_count + overrides, x->arena);
    plan->generation = former != NULL ? former->generation : x->number;
    plan_set_partials(plan, former != NULL ? plan_partials(former) : choose_partials(x, plan, &settings),
                      x->arena);
}

/* ---- what the planner asks ---- */

/* From the command itself, so that it means what it meant when it was validated. */
static bool topic_of_command(const LoggedCommand *command, Str topic, int *partitions, int *replicas)
{
    char          *name  = str_to_heap(topic);
    const DocNode *known = doc_member(command->topics, name);
    int64_t        counts[2];
    mem_free(name);
    if (!doc_whole(doc_item(known, 0), &counts[0]) || !doc_whole(doc_item(known, 1), &counts[1]))
        return false;
    *partitions = (int)counts[0];
    *replicas   = (int)counts[1];
    return true;
}

static void keep_topic(Execution *x, const TopicInfo *info)
{
    char *name = str_to_heap(info->name);
    if (x->topics != NULL)
        json_object_set_new(x->topics, name, json_pack("[i, i]", info->partitions, info->replicas));
    mem_free(name);
}

/* What a plan was made with is kept with it. */
static void note_asked(Execution *x, Str name, Str value)
{
    for (size_t i = 0; i < x->asked_count; i++)
        if (str_equal(x->asked[i].name, name))
            return;
    if (x->asked_count == x->asked_capacity) {
        x->asked_capacity = x->asked_capacity * 2 + 8;
        PlanSetting *more = ARENA_ARRAY(x->arena, PlanSetting, x->asked_capacity);
        if (x->asked_count > 0)
            memcpy(more, x->asked, x->asked_count * sizeof *more);
        x->asked = more;
    }
    x->asked[x->asked_count++] = (PlanSetting){
        .name = str_dup(x->arena, name), .value = str_is_null(value) ? STR_NULL : str_dup(x->arena, value)};
}

static Str host_property(const PlannerHost *self, const char *name)
{
    const SessionHost *host  = (const SessionHost *)self;
    Str                value = properties_get_c(host->session->overrides, name);
    note_asked(host->x, str_c(name), value);
    return value;
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
        x->topic_missed |= status == E_NOT_FOUND;
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

void execution_bind_host(Execution *x)
{
    x->host = (SessionHost){{host_property, host_topic, host_retention}, x->engine, x->session, x->arena, x};
}

Planner execution_planner(Execution *x, Arena *arena)
{
    return (Planner){.catalog      = x->catalog,
                     .functions    = x->functions,
                     .host         = &x->host.base,
                     .registry     = x->registry,
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
    QuerySettings settings;
    settings_of_query(x->session->overrides, &settings);
    return settings;
}

/* An open question to the registry is none to tell of: the request asks it and begins again. */
bool execution_unanswered(const Execution *x, Error *err)
{
    if (x->notes != NULL && registry_notes_are_open(x->notes)) {
        error_set(err, E_WAIT, NO_POS, "The schema registry has yet to be asked");
        return true;
    }
    if (x->unanswered.code == OK)
        return false;
    *err = x->unanswered;
    return true;
}

void execution_forget_subject(Execution *x, Str subject)
{
    if (x->notes != NULL)
        registry_notes_forget(x->notes, subject);
}

Status execution_log(Execution *x, Str command_id, const AstStatement *statement, Str logged_text, Error *err)
{
    CommandSink *sink = x->engine->sink;
    if (execution_unanswered(x, err))
        return err->code;
    x->command_id = command_id;
    if (x->command != NULL) {
        x->logged_at = x->command->offset;
    } else if (x->sandbox && sink != NULL) { /* query ids are those that the real pass will give */
        x->logged_at = x->next_offset;
        x->next_offset += sink->span;
    } else if (sink != NULL) {
        assert(x->lease); /* statements.def says of each kind whether it needs it */
        execution_leave_lock(x);
        CommandText text   = {command_id, logged_text, x->session->overrides, x->topics, x->creation};
        Status      status = sink->append(sink, &text, &x->logged_at, err);
        execution_take_lock(x);
        return status;
    }
    return OK;
}

/* ---- one statement ---- */

bool execution_needs_lease(const Engine *engine, AstStatementKind kind)
{
    const StatementClass *known = engine->options.statement_class(kind);
    return known != NULL && known->changes;
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

static void begin_statement(Execution *x)
{
    execution_bind_host(x);
    x->unanswered.code = OK;
    x->topic_missed    = false;
    x->carried_out     = false;
    x->logged_at       = x->command != NULL ? x->command->offset : -1;
    x->command_id      = x->command != NULL ? x->command->id : STR_NULL;
    x->asked           = NULL; /* it was in the arena of the statement before */
    x->asked_count = x->asked_capacity = 0;
}

/* The name that the statement is about, or else where it begins. */
static Pos subject_of(const AstStatement *statement)
{
    if (statement->kind == STMT_EXPLAIN && statement->explained != NULL)
        statement = statement->explained;
    if (statement->name.pos.line > 0)
        return statement->name.pos;
    return statement->query != NULL ? statement->query->from.name.pos : statement->pos;
}

void execution_locate(const AstStatement *statement, Error *err)
{
    static const Status refusals[] = {E_PLAN, E_UNSUPPORTED, E_NOT_FOUND, E_EXISTS, E_DATA, E_LIMIT};
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (err->code == refusals[i] && err->pos.line == 0)
            err->pos = subject_of(statement);
}

static Status run_statement(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const StatementClass *kind = x->engine->options.statement_class(statement->kind);
    *entity                    = NULL;
    if (kind == NULL)
        return error_set(err, E_UNSUPPORTED, statement->pos,
                         "Sluice does not carry out this kind of statement yet: " STR_FMT,
                         STR_ARG(statement->text));
    Access who = access_of(x);
    if (x->command == NULL) /* what is in the log was permitted */
        TRY(access_check(&who, statement, err));
    begin_statement(x);
    x->topics     = x->lease && x->command == NULL ? json_object() : NULL;
    Status status = kind->handler(x, statement, entity, err);
    if (kind->changes && !x->sandbox) /* whatever came of it: half of it may be done */
        atomic_fetch_add(&x->engine->generation, 1);
    json_decref(x->topics);
    json_decref(x->others);
    x->topics = x->others = NULL;
    if (status != OK && x->logged_at < 0 && execution_unanswered(x, err))
        status = err->code;
    return x->logged_at >= 0 ? settle_command(x, status, *entity, err) : status;
}

Status execution_run(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Status status = run_statement(x, statement, entity, err);
    if (status != OK)
        execution_locate(statement, err);
    return status;
}

Execution execution_of(Engine *engine, Session *session, Arena *arena)
{
    return (Execution){.engine    = engine,
                       .session   = session,
                       .catalog   = engine->catalog,
                       .functions = engine->functions,
                       .registry  = engine->options.registry,
                       .arena     = arena,
                       .request   = arena,
                       .number    = engine->next_number,
                       .logged_at = -1};
}

Status execution_do(Engine *engine, Session *session, Arena *arena,
                    Status (*act)(Execution *x, void *context, Error *err), void *context, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x = execution_of(engine, session, arena);
    execution_bind_host(&x);
    Status status = act(&x, context, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

Status engine_execute_statement(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                                json_t **entity, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Execution x         = execution_of(engine, session, arena);
    Status    status    = execution_run(&x, statement, entity, err);
    engine->next_number = x.number;
    pthread_mutex_unlock(&engine->lock);
    return status;
}

/* Commands of these kinds have plans since version 19. */
static bool makes_something(AstStatementKind kind)
{
    return kind == STMT_CREATE_SOURCE || kind == STMT_CREATE_AS || kind == STMT_INSERT_INTO ||
           kind == STMT_ALTER_SOURCE;
}

/* By its plan, or, an older version's, by its text. */
static Status apply_command(Execution *x, json_t **entity, Error *err)
{
    AstStatement *statement;
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    if (x->command->plan == NULL) {
        TRY(parse_statement(x->arena, x->command->text, &options, &statement, err));
        x->engine->replanned += makes_something(statement->kind);
        return execution_run(x, statement, entity, err);
    }
    begin_statement(x);
    x->number     = x->command->offset;
    Status status = execution_replay(x, entity, err);
    return status == E_UNSUPPORTED ? status : settle_command(x, status, *entity, err);
}

Status engine_apply(Engine *engine, Session *session, const LoggedCommand *command, Arena *arena, Error *err)
{
    json_t *entity = NULL;
    pthread_mutex_lock(&engine->lock);
    Execution x   = execution_of(engine, session, arena);
    x.lease       = true;
    x.command     = command;
    Status status = apply_command(&x, &entity, err);
    bool   later  = status == E_UNSUPPORTED && command->plan != NULL;
    bool   again  = world_failed(status);
    if (!again && !later) {
        engine->last_command = command->offset;
        engine->next_number  = command->offset + 1;
    }
    pthread_mutex_unlock(&engine->lock);
    json_decref(entity);
    if (status == OK || again || later)
        return status;
    log_line(LOG_ERROR, "command %lld (" STR_FMT ") failed: %s", (long long)command->offset,
             STR_ARG(command->id), err->message);
    return OK;
}
