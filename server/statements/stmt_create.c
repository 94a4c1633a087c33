/*
 * stmt_create.c - CREATE STREAM|TABLE, CREATE ... AS SELECT, INSERT INTO ... SELECT.
 *
 * Order (runtime.md 6.6): plan, topic, command log, query, catalog. A topic that was made stays when a later
 * step fails; the statement can be repeated. What is there already is logged by nobody.
 */
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

static void register_query(Execution *x, Str id, QueryKind kind, Str text, Str sink, const Str *sources,
                           size_t count)
{
    QueryEntry entry = {
        .id = id, .kind = kind, .statement = text, .sink = sink, .sources = sources, .source_count = count};
    catalog_put_query(x->catalog, &entry);
}

/* Query numbers count queries where no command log gives them. */
static void next_number(Execution *x) { x->number++; }

/* ---- CREATE STREAM|TABLE ---- */

static Status create_source(Execution *x, const AstStatement *statement, Arena *plan_arena, PlanRef **ref,
                            json_t **entity, Error *err)
{
    Planner    planner = execution_planner(x, plan_arena);
    Source    *source;
    TopicWish  wish;
    QueryPlan *plan;
    Status     status = plan_create_source(&planner, statement, &source, &wish, &plan, err);
    if (status != OK)
        return answer_exists(statement, status, entity, err);
    TRY(topic_fulfil(x, &wish, says(statement, "PARTITIONS"), says(statement, "REPLICAS"), err));
    TRY(schemas_register(x, source, true, err));
    Str text = statement_text(statement, x->arena), command = command_id(x, statement);
    TRY(execution_log(x, command, statement, text, err));
    if (plan != NULL) {
        *ref             = plan_ref_new(plan_arena, plan);
        source->query_id = plan->id;
        TRY(execution_start(x, *ref, err));
        next_number(x);
    }
    source->statement = text; /* as the command log has it: the same after a restart */
    catalog_put_source(x->catalog, source);
    if (plan != NULL) {
        Str *names = ARENA_ARRAY(x->arena, Str, 1);
        names[0]   = source->name;
        register_query(x, plan->id, QUERY_SOURCE_TABLE, text, source->name, names, 1);
    }
    *entity =
        entity_status(x, text, command, statement->is_table ? "Table created" : "Stream created", STR_NULL);
    return OK;
}

Status stmt_create_source(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Arena   *arena  = arena_new(0);
    PlanRef *ref    = NULL;
    Status   status = execution_keep(x, statement, arena, &statement, err);
    if (status == OK)
        status = create_source(x, statement, arena, &ref, entity, err);
    if (ref != NULL)
        plan_unref(ref); /* it owns the arena */
    else
        arena_free(arena);
    return status;
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

static Status check_replace(const Execution *x, const PersistentQuery *query, Error *err)
{
    if (str_is_null(query->replaced_query))
        return OK;
    TRY(check_one_writer(x, query->sink->name, err));
    PlanRef *old = execution_plan(x, query->replaced_query);
    return old == NULL ? OK : plan_check_upgrade(plan_ref_plan(old), query->plan, err);
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

static Status start_persistent(Execution *x, const AstStatement *statement, Arena *plan_arena, PlanRef **ref,
                               Str command, json_t **entity, Error *err)
{
    Planner          planner = execution_planner(x, plan_arena);
    PersistentQuery *query;
    Status           status = plan_persistent_query(&planner, statement, &query, err);
    if (status != OK)
        return answer_exists(statement, status, entity, err);
    TRY(check_replace(x, query, err));
    if (str_is_null(query->replaced_query) &&
        x->command == NULL) /* the limit is of the node that was asked */
        TRY(check_limit(x, err));
    TRY(topic_fulfil(x, &query->topic, says(statement, "PARTITIONS"), says(statement, "REPLICAS"), err));
    TRY(schemas_register(x, query->sink, query->kind == QUERY_INSERT, err));
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    *ref = plan_ref_new(plan_arena, query->plan);
    TRY(execution_start(x, *ref, err));
    if (query->kind != QUERY_INSERT) {
        query->sink->statement = query->plan->statement;
        catalog_put_source(x->catalog, query->sink);
    }
    register_query(x, query->plan->id, query->kind, query->plan->statement, query->sink->name,
                   query->source_names, query->source_count);
    Str message = str_printf(x->arena, "Created query with ID " STR_FMT, STR_ARG(query->plan->id));
    *entity = entity_status(x, query->plan->statement, command, str_to_c(x->arena, message), query->plan->id);
    next_number(x);
    return OK;
}

static Status run_persistent(Execution *x, const AstStatement *statement, Str command, json_t **entity,
                             Error *err)
{
    Arena   *arena  = arena_new(0);
    PlanRef *ref    = NULL;
    Status   status = execution_keep(x, statement, arena, &statement, err);
    if (status == OK)
        status = start_persistent(x, statement, arena, &ref, command, entity, err);
    if (ref != NULL)
        plan_unref(ref);
    else
        arena_free(arena);
    return status;
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
