/*
 * stmt_explain.c - EXPLAIN of a running query or of a statement, which is planned and forgotten (sql.md 4.7).
 */
#include "server/statements/describe.h"

static void answer(json_t **entity, const AstStatement *statement, json_t *description)
{
    *entity = entity_new("queryDescription", statement->text);
    json_object_set_new(*entity, "queryDescription", description);
}

static Status explain_id(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const QueryEntry *query = catalog_query(x->catalog, statement->name.text);
    if (query == NULL)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Query with id:" STR_FMT
                         " does not exist, use SHOW QUERIES to view the full set of queries.",
                         STR_ARG(statement->name.text));
    answer(entity, statement, describe_query(x, query));
    return OK;
}

static json_t *describe_pull(const PullPlan *plan, Str text)
{
    static const char *const access[] = {"KEY LOOKUP", "RANGE SCAN", "TABLE SCAN"};
    char                     steps[64];
    snprintf(steps, sizeof steps, " > [ PULL ] | %s", access[plan->access]);
    return json_pack("{s:s, s:o, s:n, s:o, s:[o], s:[], s:s, s:s, s:{}, s:{}, s:s, s:[], s:[], s:n, s:n}",
                     "id", "", "statementText", json_str(text), "windowType", "fields",
                     entity_fields(plan->result), "sources", json_str(plan->table->name), "sinks", "topology",
                     "", "executionPlan", steps, "overriddenProperties", "ksqlHostQueryStatus", "queryType",
                     "PULL", "queryErrors", "tasksMetadata", "consumerGroupId", "state");
}

static Status explain_select(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const AstStatement *select  = statement->explained;
    Planner             planner = execution_planner(x, x->arena);
    TransientKind       kind;
    TRY(plan_classify(&planner, select, &kind, err));
    if (kind == QUERY_PULL_TABLE) {
        PullPlan *pull;
        TRY(plan_pull_query(&planner, select, &pull, err));
        answer(entity, statement, describe_pull(pull, select->text));
        return OK;
    }
    QueryPlan *plan;
    TRY(plan_push_query(&planner, select, STR_LIT("EXPLAIN"), &plan, err));
    answer(entity, statement, describe_plan(x, plan, select->text, "PUSH"));
    return OK;
}

static Status explain_persistent(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Planner          planner = execution_planner(x, x->arena);
    PersistentQuery *query;
    TRY(plan_persistent_query(&planner, statement->explained, &query, err));
    answer(entity, statement,
           describe_plan(x, query->plan, statement_text(statement->explained, x->arena), "PERSISTENT"));
    return OK;
}

Status stmt_explain(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (statement->explained == NULL)
        return explain_id(x, statement, entity, err);
    switch (statement->explained->kind) {
    case STMT_QUERY:
        return explain_select(x, statement, entity, err);
    case STMT_CREATE_AS:
    case STMT_INSERT_INTO:
        return explain_persistent(x, statement, entity, err);
    default:
        return error_set(err, E_PLAN, statement->explained->pos,
                         "The provided statement does not run a ksql query");
    }
}
