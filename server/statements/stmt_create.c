/*
 * stmt_create.c - CREATE STREAM|TABLE, CREATE ... AS SELECT, INSERT INTO ... SELECT.
 *
 * Order (runtime.md 6.6): plan, topic, command log, query, catalog. A topic that was made stays when a later
 * step fails; the statement can be repeated. What is there already is logged by nobody.
 */
#include "server/engine/creation.h"
#include "server/engine/own_topics.h"
#include "server/engine/schemas.h"
#include "server/statements/statements.h"

static bool says(const AstStatement *statement, const char *property)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (str_equal(statement->properties[i].name.text, str_c(property)))
            return true;
    return false;
}

static Str command_id(Execution *x, const AstStatement *statement)
{
    return str_printf(x->arena, "%s/`" STR_FMT "`/create", statement->is_table ? "table" : "stream",
                      STR_ARG(statement->name.text));
}

/* IF NOT EXISTS of something that is there: a warning, and nothing happens. */
static Status answer_exists(const AstStatement *statement, Status status, json_t **entity, Error *err)
{
    if (status != E_EXISTS || !statement->if_not_exists)
        return status;
    *entity = entity_warning(statement->text, err->message);
    error_clear(err);
    return OK;
}

/* ---- CREATE STREAM|TABLE ---- */

Status stmt_create_source(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Planner    planner = execution_planner(x, x->arena);
    Source    *source;
    TopicWish  wish;
    QueryPlan *plan;
    Status     status = plan_create_source(&planner, statement, &source, &wish, &plan, err);
    if (status != OK)
        return answer_exists(statement, status, entity, err);
    TRY(topic_fulfil(x, &wish, says(statement, "PARTITIONS"), says(statement, "REPLICAS"), err));
    TRY(schemas_register(x, source, true, err));
    Str text          = statement_text(statement, x->arena);
    source->statement = text; /* as the command log has it: the same after a restart */
    Creation creation = {.kind = CREATION_SOURCE, .source = source, .text = text};
    if (plan != NULL) {
        execution_seal_plan(x, plan, NULL);
        source->query_id    = plan->id;
        creation.query      = plan;
        creation.query_kind = QUERY_SOURCE_TABLE;
        creation.sink       = source->name;
        creation.reads      = &source->name;
        creation.read_count = 1;
    }
    return execution_create(x, &creation, statement, command_id(x, statement), text, entity, err);
}

/* ---- CREATE ... AS, INSERT INTO ... SELECT ---- */

static Status check_one_writer(const Execution *x, Str sink, Error *err)
{
    const QueryEntry **queries;
    size_t             count, writers = 0;
    StrBuf             ids = {0};
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++)
        if (str_equal(queries[i]->sink, sink))
            strbuf_addf(&ids, "%s" STR_FMT, writers++ ? ", " : "", STR_ARG(queries[i]->id));
    Status status = OK;
    if (writers > 1)
        status = error_set(err, E_PLAN, NO_POS,
                           "REPLACE for sink " STR_FMT
                           " is not supported because there are multiple queries writing into it: " STR_FMT,
                           STR_ARG(sink), STR_ARG(strbuf_str(&ids)));
    strbuf_clear(&ids);
    return status;
}

/* *former: the plan that is replaced; NULL: none, or in the sandbox one that is not there yet. */
static Status check_replace(const Execution *x, const PersistentQuery *query, const QueryPlan **former,
                            Error *err)
{
    *former = NULL;
    if (str_is_null(query->replaced_query))
        return OK;
    TRY(check_one_writer(x, query->sink->name, err));
    PlanRef *old = execution_plan(x, query->replaced_query);
    if (old == NULL)
        return OK;
    *former = plan_ref_plan(old);
    return plan_check_upgrade(*former, query->plan, err);
}

static Status check_limit(const Execution *x, Error *err)
{
    const QueryEntry **queries;
    size_t             count;
    int64_t most = properties_int(x->session->overrides, "ksql.query.persistent.active.limit", INT64_MAX);
    catalog_queries(x->catalog, x->arena, &queries, &count);
    if ((int64_t)count < most)
        return OK;
    return error_set(err, E_PLAN, NO_POS,
                     "Not executing statement(s) as it would cause the number of active, persistent queries "
                     "to exceed the configured limit. "
                     "Use the TERMINATE command to terminate existing queries. Configured persistent query "
                     "limit: %lld. Current persistent query count: %zu.",
                     (long long)most, count);
}

static Status run_persistent(Execution *x, const AstStatement *statement, Str command, json_t **entity,
                             Error *err)
{
    Planner          planner = execution_planner(x, x->arena);
    PersistentQuery *query;
    const QueryPlan *former;
    Status           status = plan_persistent_query(&planner, statement, &query, err);
    if (status != OK)
        return answer_exists(statement, status, entity, err);
    if (x->command == NULL)
        TRY(refuse_own_topic(x->session->overrides, query->sink->topic, "insert into", statement->name.pos,
                             err));
    TRY(check_replace(x, query, &former, err));
    if (str_is_null(query->replaced_query) &&
        x->command == NULL) /* the limit is of the node that was asked */
        TRY(check_limit(x, err));
    TRY(topic_fulfil(x, &query->topic, says(statement, "PARTITIONS"), says(statement, "REPLICAS"), err));
    TRY(schemas_register(x, query->sink, false,
                         err)); /* INSERT INTO writes, too, and by its sink's columns */
    execution_seal_plan(x, query->plan, former);
    query->sink->statement = query->plan->statement;
    Creation creation      = {.kind       = CREATION_QUERY,
                              .source     = query->kind == QUERY_INSERT ? NULL : query->sink,
                              .query      = query->plan,
                              .query_kind = query->kind,
                              .sink       = query->sink->name,
                              .reads      = query->source_names,
                              .read_count = query->source_count,
                              .text       = query->plan->statement};
    return execution_create(x, &creation, statement, command, statement_text(statement, x->arena), entity,
                            err);
}

Status stmt_create_as(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    return run_persistent(x, statement, command_id(x, statement), entity, err);
}

Status stmt_insert_into(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    return run_persistent(x, statement,
                          str_printf(x->arena, "stream/`" STR_FMT "`/create", STR_ARG(statement->name.text)),
                          entity, err);
}
