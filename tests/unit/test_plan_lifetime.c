/* A plan is used after its sources were dropped or altered: nothing in it is the catalog's. Catalog's memory
 * that is read after it is gone is found by AddressSanitizer. */
#include "plan_test.h"

#include "planner/nodes/node_source.h"
#include "planner/plan_document.h"

#define STREAM                                                                                               \
    "CREATE STREAM s (`the key` STRING KEY, x STRUCT<y INT, `a field` ARRAY<STRING>>, d DECIMAL(9, 2)) "     \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define LINES                                                                                                \
    "CREATE STREAM l (k STRING KEY, a INT, b STRING, ts BIGINT) WITH (KAFKA_TOPIC='l', TIMESTAMP='ts', "     \
    "VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|'); "
#define TABLE                                                                                                \
    "CREATE TABLE t AS SELECT `the key`, LATEST_BY_OFFSET(x) AS x, COUNT(*) AS n FROM s GROUP BY `the "      \
    "key`; "

static const AstStatement *parsed(Flow *f, const char *sql)
{
    AstScript script;
    FLOW_MUST(parse_script(f->arena, str_dup(f->arena, str_c(sql)), &(ParseOptions){0}, &script, &f->err));
    return script.items[0];
}

/* Another node, request or command takes all away. */
static void drop_all(Flow *f)
{
    catalog_free(f->catalog);
    f->catalog = catalog_new();
}

static void expect_schema(Flow *f, const Schema *schema, const char *expected)
{
    StrBuf text = {0};
    for (size_t i = 0; i < schema->count; i++) {
        strbuf_addf(&text, "%s" STR_FMT " ", i > 0 ? ", " : "", STR_ARG(schema->columns[i].name));
        type_print(schema->columns[i].type, &text);
    }
    char *got = str_to_c(f->arena, strbuf_str(&text));
    strbuf_clear(&text);
    assert_string_equal(got, expected);
}

static void a_pull_query_outlives_its_table(void **state)
{
    Flow     *f = *state;
    PullPlan *plan;
    flow_sql(f, STREAM TABLE);
    Planner planner = flow_planner(f);
    FLOW_MUST(plan_pull_query(&planner, parsed(f, "SELECT * FROM t WHERE `the key` = 'a';"), &plan, &f->err));
    drop_all(f);
    expect_schema(f, plan->result,
                  "the key STRING, X STRUCT<`Y` INTEGER, `a field` ARRAY<STRING>>, N BIGINT");
    assert_true(str_equal(plan->store, STR_LIT("T")));
    assert_true(str_equal(plan->table->name, STR_LIT("T")));
    assert_true(str_equal(plan->table->topic, STR_LIT("T")));
    assert_true(str_starts_with(plan->table->query_id, STR_LIT("CTAS_T_")));
    assert_int_equal(plan->access, PULL_LOOKUP);
}

/* Its document has everything. */
static void expect_written(const QueryPlan *plan, const char *part)
{
    json_t *json = plan_to_json(plan);
    char   *text = json_dumps(json, JSON_COMPACT);
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
    free(text); /* jansson's */
    json_decref(json);
}

static void a_push_query_outlives_its_sources(void **state)
{
    Flow      *f = *state;
    QueryPlan *plan;
    flow_sql(f, STREAM LINES);
    Planner planner = flow_planner(f);
    FLOW_MUST(plan_push_query(&planner,
                              parsed(f, "SELECT * FROM l JOIN s WITHIN 1 HOUR ON l.k = s.`the key` "
                                        "EMIT CHANGES;"),
                              STR_LIT("q"), &plan, &f->err));
    drop_all(f);
    const PlanSource *source = plan_source(plan->sources[0]);
    assert_true(str_equal(source->value_format.delimiter, STR_LIT("|")));
    assert_true(str_equal(source->timestamp_column, STR_LIT("TS")));
    expect_written(plan, "\"delimiter\":\"|\"");
    expect_written(plan, "a field");
}

static void a_persistent_query_outlives_what_its_sources_were(void **state)
{
    Flow            *f = *state;
    PersistentQuery *query;
    flow_sql(f, LINES "CREATE STREAM o (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='o', "
                      "VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='#');");
    Planner planner = flow_planner(f);
    FLOW_MUST(
        plan_persistent_query(&planner, parsed(f, "INSERT INTO o SELECT k, a, b FROM l;"), &query, &f->err));
    drop_all(f);
    assert_true(str_equal(query->sink->name, STR_LIT("O")));
    assert_true(str_equal(query->source_names[0], STR_LIT("L")));
    expect_written(query->plan, "\"delimiter\":\"|\"");
    expect_written(query->plan, "\"delimiter\":\"#\"");
}

/* The registry is asked for the key's schema without the engine's lock. */
static void an_inserted_row_outlives_its_target(void **state)
{
    Flow      *f = *state;
    InsertRow *row;
    flow_sql(f, LINES);
    Planner planner = flow_planner(f);
    FLOW_MUST(
        plan_insert_values(&planner, parsed(f, "INSERT INTO l VALUES ('k', 1, 'b', 2);"), &row, &f->err));
    drop_all(f);
    expect_schema(f, row->source->schema, "K STRING, A INTEGER, B STRING, TS BIGINT");
    assert_true(str_equal(row->source->topic, STR_LIT("l")));
    assert_true(str_equal(row->source->value_format.delimiter, STR_LIT("|")));
}

static void an_altered_source_outlives_what_it_was(void **state)
{
    Flow   *f = *state;
    Source *altered;
    flow_sql(f, LINES);
    Planner planner = flow_planner(f);
    FLOW_MUST(plan_alter_source(&planner, parsed(f, "ALTER STREAM l ADD COLUMN c INT;"), &altered, &f->err));
    drop_all(f);
    assert_true(str_equal(altered->name, STR_LIT("L")));
    assert_true(str_equal(altered->timestamp_column, STR_LIT("TS")));
    expect_schema(f, altered->schema, "K STRING, A INTEGER, B STRING, TS BIGINT, C INTEGER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pull_query_outlives_its_table, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_push_query_outlives_its_sources, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_persistent_query_outlives_what_its_sources_were, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(an_inserted_row_outlives_its_target, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(an_altered_source_outlives_what_it_was, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
