/*
 * stmt_explain.c - EXPLAIN of a running query or of a statement, which is planned and forgotten (sql.md 4.7).
 */
#include "planner/plan_document.h"
#include "server/statements/explain_figures.h"
#include "server/statements/describe.h"
#include "server/statements/others.h"

/* How a plan is shown as "executionPlan": the table's first form is the default. */
typedef struct {
    const char *name;
    void (*print)(const QueryPlan *plan, StrBuf *out);
} PlanForm;

static void print_json(const QueryPlan *plan, StrBuf *out)
{
    json_t *json = plan_to_json(plan);
    char   *text = json_dumps(json, JSON_INDENT(2));
    strbuf_adds(out, text);
    free(text); /* jansson's */
    json_decref(json);
}

#define FORM(name, print)                                                                                    \
    {                                                                                                        \
#name, print                                                                                         \
    }
static const PlanForm forms[] = {FORM(TEXT, plan_print), FORM(JSON, print_json), FORM(DOT, plan_print_dot)};
#undef FORM

static Status find_form(const AstStatement *statement, const PlanForm **out, Error *err)
{
    const AstName *form = &statement->form;
    *out                = &forms[0];
    for (size_t i = 0; i < ARRAY_LEN(forms) && !str_is_null(form->text); i++)
        if (str_equal_nocase(form->text, str_c(forms[i].name))) {
            *out = &forms[i];
            return OK;
        }
    if (str_is_null(form->text))
        return OK;
    return error_set(err, E_PLAN, form->pos, "EXPLAIN can show a plan as TEXT, JSON or DOT, not as " STR_FMT,
                     STR_ARG(form->text));
}

static void answer(json_t **entity, const AstStatement *statement, json_t *description)
{
    *entity = entity_new("queryDescription", statement->text);
    json_object_set_new(*entity, "queryDescription", description);
}

static void show_as(json_t *description, const PlanForm *form, const QueryPlan *plan)
{
    StrBuf text = {0};
    form->print(plan, &text);
    json_object_set_new(description, "executionPlan", json_str(strbuf_str(&text)));
    strbuf_clear(&text);
}

static Status explain_id(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    others_ask(x, false);
    const QueryEntry *query = catalog_query(x->catalog, statement->name.text);
    const PlanForm   *form;
    TRY(find_form(statement, &form, err));
    if (query == NULL) {
        error_set(err, E_PLAN, statement->name.pos,
                  "Query with id:" STR_FMT
                  " does not exist, use SHOW QUERIES to view the full set of queries.",
                  STR_ARG(statement->name.text));
        catalog_hint_query(x->catalog, statement->name.text, err);
        return E_PLAN;
    }
    json_t  *description = describe_query(x, query);
    PlanRef *plan        = execution_plan(x, query->id);
    if (plan != NULL)
        show_as(description, form, plan_ref_plan(plan));
    answer(entity, statement, description);
    if (!statement->analyze || explain_figures(statement, description, err) == OK)
        return OK;
    json_decref(*entity);
    *entity = NULL;
    return err->code;
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
    const PlanForm     *form;
    TransientKind       kind;
    TRY(plan_classify(&planner, select, &kind, err));
    TRY(find_form(statement, &form, err));
    if (kind == QUERY_PULL_TABLE && form != &forms[0])
        return error_set(err, E_UNSUPPORTED, statement->form.pos,
                         "The plan of a pull query on a table can be shown as TEXT only");
    if (kind == QUERY_PULL_TABLE) {
        PullPlan *pull;
        TRY(plan_pull_query(&planner, select, &pull, err));
        answer(entity, statement, describe_pull(pull, select->text));
        return OK;
    }
    QueryPlan *plan;
    TRY(plan_push_query(&planner, select, STR_LIT("EXPLAIN"), &plan, err));
    json_t *description = describe_plan(x, plan, select->text, "PUSH");
    show_as(description, form, plan);
    answer(entity, statement, description);
    return OK;
}

static Status explain_persistent(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Planner          planner = execution_planner(x, x->arena);
    PersistentQuery *query;
    const PlanForm  *form;
    TRY(find_form(statement, &form, err));
    TRY(plan_persistent_query(&planner, statement->explained, &query, err));
    execution_seal_plan(x, query->plan, NULL);
    json_t *description =
        describe_plan(x, query->plan, statement_text(statement->explained, x->arena), "PERSISTENT");
    show_as(description, form, query->plan);
    answer(entity, statement, description);
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
