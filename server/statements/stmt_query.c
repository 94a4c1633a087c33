/*
 * stmt_query.c - TERMINATE, PAUSE and RESUME of persistent queries (sql.md 4.8). Push queries of clients are
 * ended where they run.
 */
#include "server/statements/statements.h"

typedef Status (*QueryAction)(Execution *x, const QueryEntry *query, Error *err);

typedef struct {
    const char *verb;    /* of refusals: "terminate" */
    const char *command; /* first part of the command id */
    const char *message;
    QueryAction act;
} Kind;

static Status act_terminate(Execution *x, const QueryEntry *query, Error *err)
{
    Str id = str_dup(x->arena, query->id);
    TRY(execution_stop(x, id, true, err));
    catalog_remove_query(x->catalog, id);
    return OK;
}

static Status set_paused(Execution *x, const QueryEntry *query, bool paused, Error *err)
{
    QueryEntry changed = *query;
    QueryHost *host    = engine_host(x->engine);
    if (!x->sandbox)
        TRY(host->pause(host, query->id, paused, err));
    changed.paused = paused;
    catalog_put_query(x->catalog, &changed);
    return OK;
}

static Status act_pause(Execution *x, const QueryEntry *query, Error *err)
{
    return set_paused(x, query, true, err);
}
static Status act_resume(Execution *x, const QueryEntry *query, Error *err)
{
    return set_paused(x, query, false, err);
}

static Status act_on_all(Execution *x, const Kind *kind, Error *err)
{
    const QueryEntry **queries;
    size_t             count;
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++)
        if (queries[i]->kind != QUERY_SOURCE_TABLE)
            TRY(kind->act(x, queries[i], err));
    return OK;
}

static Status act_on_one(Execution *x, const Kind *kind, const AstStatement *statement, Error *err)
{
    const QueryEntry *query = catalog_query(x->catalog, statement->name.text);
    if (query == NULL) {
        error_set(err, E_PLAN, statement->name.pos, "Unknown queryId: " STR_FMT,
                  STR_ARG(statement->name.text));
        catalog_hint_query(x->catalog, statement->name.text, err);
        return E_PLAN;
    }
    if (query->kind == QUERY_SOURCE_TABLE)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Cannot %s query '" STR_FMT "' because it is linked to a source table.", kind->verb,
                         STR_ARG(query->id));
    return kind->act(x, query, err);
}

static Status run(Execution *x, const Kind *kind, const AstStatement *statement, json_t **entity, Error *err)
{
    Str command =
        str_printf(x->arena, "%s/" STR_FMT "/execute", kind->command, STR_ARG(statement->name.text));
    if (statement->all)
        command = str_printf(x->arena, "%s/ALL/execute", kind->command);
    else if (catalog_query(x->catalog, statement->name.text) == NULL)
        return act_on_one(x, kind, statement, err);
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    TRY(statement->all ? act_on_all(x, kind, err) : act_on_one(x, kind, statement, err));
    *entity = entity_status(x, statement->text, command, kind->message, STR_NULL);
    return OK;
}

/* A query of a client: not logged, ended on the node that runs it. */
static Status terminate_transient(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Transients *transients = engine_transients(x->engine);
    if (x->sandbox)
        return OK;
    if (!transients->close(transients, statement->name.text, x->session))
        return error_set(err, E_PLAN, NO_POS, "Failed to terminate query with query ID: '" STR_FMT "'",
                         STR_ARG(statement->name.text));
    *entity = entity_new("terminate_query", statement->text);
    json_object_set_new(*entity, "queryId", json_str(statement->name.text));
    json_object_set_new(*entity, "wasTerminated", json_true());
    return OK;
}

Status stmt_terminate(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    bool transient = str_starts_with(statement->name.text, STR_LIT("transient_")) ||
                     str_starts_with(statement->name.text, STR_LIT("SCALABLE_PUSH_QUERY_"));
    if (!statement->all && transient && engine_transients(x->engine) != NULL)
        return terminate_transient(x, statement, entity, err);
    static const Kind kind = {"terminate", "terminate", "Query terminated.", act_terminate};
    return run(x, &kind, statement, entity, err);
}

Status stmt_pause(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const Kind kind = {"pause", "pause", "Query paused.", act_pause};
    return run(x, &kind, statement, entity, err);
}

Status stmt_resume(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const Kind kind = {"resume", "resume", "Query resumed.", act_resume};
    return run(x, &kind, statement, entity, err);
}
