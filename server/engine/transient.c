/*
 * transient.c - a SELECT of a client: classified and planned here, run by whoever asked. Nothing that exists
 * is changed, so it is no command and needs no lease.
 */
#include "server/engine/access.h"
#include "server/engine/engine_state.h"
#include "server/engine/scalable_push.h"

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

static Status plan(Execution *x, const AstStatement *statement, TransientQuery *out, Error *err)
{
    Engine *engine  = x->engine;
    Planner planner = execution_planner(x, x->arena);
    Access  who     = access_of(x);
    TRY(access_check(&who, statement, err));
    TRY(plan_classify(&planner, statement, &out->kind, err));
    if (out->kind != QUERY_PULL_TABLE)
        return plan_push(x, statement, out, err);
    out->query_id =
        str_printf(x->arena, "query_%lld", (long long)engine->options.clock->now_ms(engine->options.clock));
    return plan_pull_query(&planner, statement, &out->pull, err);
}

/* Keys that a pull query compares with are evaluated here, which may take as long as the statement likes:
 * then on a copy of what exists, without the lock. */
Status engine_plan_query(Engine *engine, Session *session, const AstStatement *statement, Arena *arena,
                         TransientQuery *out, Error *err)
{
    bool works = ast_work(statement) != WORK_LITTLE;
    pthread_mutex_lock(&engine->lock);
    Execution x = execution_of(engine, session, arena);
    execution_bind_host(&x);
    *out = (TransientQuery){.settings = execution_settings(&x)};
    if (works)
        execution_begin_work(&x, false);
    Status status = plan(&x, statement, out, err);
    if (status != OK && execution_unanswered(&x, err))
        status = err->code;
    if (works)
        execution_end_work(&x);
    if (status != OK) {
        execution_locate(statement, err);
        access_mute(session, err);
    }
    pthread_mutex_unlock(&engine->lock);
    return status;
}
