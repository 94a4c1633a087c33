/* The plan's document (docs/plan-format.md): what is written is read back as the same, exactly; what is
 * damaged or of a later version is refused with its place. */
#include "plan_test.h"

#include <math.h>

#include "planner/nodes/node_project.h"
#include "planner/plan_document.h"

#define S                                                                                                    \
    "CREATE STREAM s (k STRING KEY, a INT, d DOUBLE, m DECIMAL(30, 4), b BYTES, t STRUCT<x INT, y STRING>, " \
    "l ARRAY<INT>, ts TIMESTAMP) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T "CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

static QueryPlan *read_back(Flow *f, const json_t *json)
{
    QueryPlan     *plan;
    const DocNode *node;
    char          *text = json_dumps(json, JSON_COMPACT);
    FLOW_MUST(doc_parse(str_dup(f->arena, str_c(text)), f->arena, &node, &f->err));
    FLOW_MUST(plan_from_json(node, f->functions, f->arena, &plan, &f->err));
    free(text); /* jansson's */
    return plan;
}

/* Statements of every kind of node, expression and constant. */
static const char *const statements[] = {
    S "CREATE STREAM o AS SELECT k, a + 1 AS x, -a AS n, d * 2.5 AS dd, m / 3 AS q FROM s WHERE a > 1 AND "
      "NOT (d < 0.1);",
    S "CREATE STREAM o AS SELECT k, t->x AS x, l[1] AS i, CASE WHEN a = 1 THEN 'one' ELSE 'more' END AS c "
      "FROM s "
      "WHERE k LIKE 'a!%%' ESCAPE '!' OR a IN (1, 2, 3) OR k IS NOT NULL;",
    S "CREATE STREAM o AS SELECT a, k, TRANSFORM(l, x => x + 1) AS l, REDUCE(l, 0, (s, x) => s + x) AS r, "
      "STRUCT(p := a, q := k) AS st, MAP('z' := a) AS mp, ARRAY[a, 2] AS ar FROM s PARTITION BY a;",
    S "CREATE STREAM o AS SELECT k, EXPLODE(l) AS e, EXPLODE(SPLIT(k, ',')) AS p FROM s;",
    S "CREATE TABLE o AS SELECT a, COUNT(*) AS n, TOPK(a, 3) AS top, LATEST_BY_OFFSET(k, 2) AS ks FROM s "
      "WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, GRACE PERIOD 2 HOURS) GROUP BY a HAVING COUNT(*) > "
      "1;",
    S "CREATE TABLE o AS SELECT k, SUM(m) AS total FROM s WINDOW SESSION (10 SECONDS) GROUP BY k EMIT FINAL;",
    T "CREATE TABLE o AS SELECT v, COUNT(*) AS n FROM t GROUP BY v;",
    S T "CREATE STREAM o AS SELECT s.k AS k, s.a AS a, t.v AS v FROM s LEFT JOIN t ON s.k = t.k;",
    S T "CREATE STREAM o AS SELECT t.k AS k, s.a AS a, t.v AS v FROM s JOIN t ON CAST(s.a AS STRING) = t.k;",
    "CREATE SOURCE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');",
};

static void what_is_written_is_read_as_the_same(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        void *fresh;
        assert_int_equal(flow_setup(&fresh), 0);
        Flow   *f     = fresh;
        json_t *json  = plan_to_json(flow_sql(f, statements[i]));
        json_t *again = plan_to_json(read_back(f, json));
        assert_true(json_equal(json, again));
        json_decref(json);
        json_decref(again);
        flow_teardown(&fresh);
    }
}

/* A constant in place of the projection's expression, written and read. */
static Value cross(Flow *f, const SqlType *type, Value value)
{
    static int number;
    char       sql[120];
    snprintf(sql, sizeof sql, "CREATE STREAM o%d AS SELECT k, CAST(NULL AS STRING) AS c FROM s;", number++);
    QueryPlan       changed = *flow_sql(f, sql);
    PlanNode        project = *changed.nodes[1], sink = *changed.nodes[2];
    const Expr     *expr      = expr_constant(f->arena, type, value);
    PlanProject     details   = {&expr};
    Column          columns[] = {project.schema->columns[0], project.schema->columns[1]};
    const PlanNode *inputs[] = {&project}, *nodes[] = {changed.nodes[0], &project, &sink};
    columns[1].type = type;
    project.schema = sink.schema = schema_new(f->arena, columns, 2);
    project.details              = &details;
    sink.inputs                  = inputs;
    changed.nodes                = nodes;
    json_t    *json              = plan_to_json(&changed);
    QueryPlan *read              = read_back(f, json);
    json_decref(json);
    return plan_project(read->nodes[1])->values[0]->value;
}

static void constants_are_exact(void **state)
{
    Flow         *f         = *state;
    const double  doubles[] = {0.0, -0.0, 0.1, 1e-320, 1.7976931348623157e308, INFINITY, -INFINITY, NAN};
    const int64_t whole[]   = {0, -1, INT64_MAX, INT64_MIN};
    flow_sql(f, S);
    for (size_t i = 0; i < ARRAY_LEN(doubles); i++) {
        double back = value_double(cross(f, &type_double, value_from_double(doubles[i])));
        assert_memory_equal(&back, &doubles[i], sizeof back);
    }
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        assert_true(value_int(cross(f, &type_bigint, value_from_int(whole[i]))) == whole[i]);
    const SqlType *decimal = type_decimal_unchecked(f->arena, 10, 2);
    Value          m       = cross(f, decimal, value_decimal(-12340, 3));
    assert_true(value_int(m) == -12340 && m.scale == 3); /* 12.340 is not 12.34 */
    static const char big[]    = "\1\2\3\4\5\6\7\10\11";
    Value             unscaled = {.as.ptr = big, .len = 9, .flags = VALUE_BIG, .scale = 2};
    m                          = cross(f, type_decimal_unchecked(f->arena, 30, 2), unscaled);
    assert_true(m.flags == VALUE_BIG && m.scale == 2 && m.len == 9);
    assert_memory_equal(m.as.ptr, big, 9);
    assert_true(str_equal(value_str(cross(f, &type_string, value_string("a\0\"\xc3\xa9", 5))),
                          str_n("a\0\"\xc3\xa9", 5)));
    assert_true(str_equal(value_str(cross(f, &type_string, value_string("", 0))), STR_LIT("")));
    assert_true(
        str_equal(value_str(cross(f, &type_bytes, value_string("\xff\0\x80", 3))), str_n("\xff\0\x80", 3)));
    assert_true(value_is_null(cross(f, &type_string, value_null())));
}

/* ---- refusals ---- */

/* Follows a path of member names and indexes, "nodes.1.details.values", and replaces what is there. */
static void replace_at(json_t *json, const char *path, json_t *value)
{
    char    copy[120], *save, *step, *last = NULL;
    json_t *at = json;
    snprintf(copy, sizeof copy, "%s", path);
    for (step = strtok_r(copy, ".", &save); step != NULL; step = strtok_r(NULL, ".", &save)) {
        if (last != NULL)
            at = json_is_array(at) ? json_array_get(at, (size_t)atoi(last)) : json_object_get(at, last);
        last = step;
    }
    if (json_is_array(at))
        json_array_set_new(at, (size_t)atoi(last), value);
    else if (value == NULL)
        json_object_del(at, last);
    else
        json_object_set_new(at, last, value);
}

static const struct {
    const char *path, *value; /* JSON; NULL: the member goes */
    Status      code;
    const char *message;
} damages[] = {
    {"version", "3", E_UNSUPPORTED,
     "was written by a later version of Sluice (it is of version 3, this one reads up to 2)"},
    {"version", NULL, E_PLAN, "The plan is damaged: \"version\" is missing"},
    {"id", NULL, E_PLAN, "\"id\" is missing"},
    {"nodes", "[]", E_PLAN, "it has no nodes"},
    {"nodes.1", "{}", E_PLAN, "node 1: \"class\" is missing"},
    {"nodes.1.class", "\"FLTER\"", E_PLAN, "node 1: \"class\" is 'FLTER', which this version does not know"},
    {"nodes.1.inputs.0", "1", E_PLAN, "node 1 (FILTER): an input must be a node before this one"},
    {"nodes.1.inputs", "[]", E_PLAN, "node 1 (FILTER): it has 0 inputs"},
    {"nodes.1.inputs.0", "-1", E_PLAN, "an input must be a node before this one"},
    {"nodes.2.inputs.0", "0", E_PLAN, "nobody reads node 1"},
    {"nodes.1.details.condition.type", "\"BIGINT\"", E_PLAN, "node 1 (FILTER): an expression of type BIGINT"},
    {"nodes.1.details.condition.args.0.slot", "99", E_PLAN, "is made of what gives no such value"},
    {"nodes.1.details.condition.args.0.slot", "0", E_PLAN, "is made of what gives no such value"},
    {"nodes.1.details.condition.op", "\"=>\"", E_PLAN, "\"op\" is '=>'"},
    {"nodes.2.details.values", "[]", E_PLAN, "node 2 (PROJECT): \"values\" has 0 elements for 2 columns"},
    {"nodes.2.details.values.0.function.name", "\"UCAZE\"", E_PLAN, "There is no function UCAZE"},
    {"nodes.2.details.values.0.function.signature", "\"(a INT) -> STRING\"", E_PLAN,
     "There is no function ucase(a INT)"},
    {"nodes.2.details.values.0.type", "\"INTEGER\"", E_PLAN, "is made of what gives no such value"},
    {"nodes.3.details.valueFormat.format", "\"JASON\"", E_PLAN,
     "is 'JASON', which is no format that this version knows"},
    {"nodes.0.details.timestampSlot", "50", E_PLAN, "\"timestampSlot\" must be a whole number from -1 to"},
    {"nodes.0.details.wanted.1", "7", E_PLAN, "what is read of a column must be true, false or a list"},
    {"settings", "[[\"b\", null, false], [\"a\", null, false]]", E_PLAN, "not in the order of their names"},
};

static void damage_is_refused_with_its_place(void **state)
{
    Flow   *f = *state;
    json_t *json =
        plan_to_json(flow_sql(f, S "CREATE STREAM o AS SELECT k, UCASE(k) AS u, a AS a FROM s WHERE a > 1;"));
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        json_t    *copy = json_deep_copy(json);
        QueryPlan *plan;
        replace_at(copy, damages[i].path,
                   damages[i].value != NULL ? json_loads(damages[i].value, JSON_DECODE_ANY, NULL) : NULL);
        const DocNode *node;
        char          *text = json_dumps(copy, JSON_COMPACT);
        FLOW_MUST(doc_parse(str_c(text), f->arena, &node, &f->err));
        assert_int_equal(plan_from_json(node, f->functions, f->arena, &plan, &f->err), damages[i].code);
        free(text); /* jansson's */
        if (strstr(f->err.message, damages[i].message) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", damages[i].path, f->err.message, damages[i].message);
        json_decref(copy);
    }
    json_decref(json);
}

/* An overload that was chosen stays chosen: parameters may have other names. */
static void overloads_are_found_by_their_types(void **state)
{
    Flow          *f = *state;
    FnResolved     first, again;
    const SqlType *types[] = {&type_string};
    FLOW_MUST(functions_resolve(f->functions, STR_LIT("ucase"), types, 1, NULL, f->arena, &first, &f->err));
    FLOW_MUST(functions_overload(f->functions, STR_LIT("UCASE"),
                                 STR_LIT("(called_otherwise STRING) -> STRING"), types, 1, NULL, f->arena,
                                 &again, &f->err));
    assert_true(first.scalar == again.scalar);
    assert_int_equal(functions_overload(f->functions, STR_LIT("UCASE"),
                                        STR_LIT("(a STRING, b INT) -> STRING"), types, 1, NULL, f->arena,
                                        &again, &f->err),
                     E_NOT_FOUND);
}

static void a_drawing_has_all_nodes_and_edges(void **state)
{
    Flow  *f    = *state;
    StrBuf text = {0};
    plan_print_dot(flow_sql(f, S "CREATE TABLE o AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;"), &text);
    Str dot = strbuf_str(&text);
    assert_true(str_starts_with(dot, STR_LIT("digraph \"CTAS_O_1\" {\n")));
    static const char *const parts[] = {"n0 [label=\"SOURCE: ",
                                        "n1 [label=\"REKEY: ",
                                        "n2 [style=dashed, label=\"EXCHANGE: ",
                                        "n3 [label=\"AGGREGATE: ",
                                        "Store: O",
                                        "n0 -> n1 [label=\"stream ",
                                        "n3 -> n4 [label=\"table "};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_true(str_find(dot, str_c(parts[i]), 0) >= 0);
    strbuf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        cmocka_unit_test_setup_teardown(constants_are_exact, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(damage_is_refused_with_its_place, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(overloads_are_found_by_their_types, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_drawing_has_all_nodes_and_edges, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
