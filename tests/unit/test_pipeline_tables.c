/* Tables: sources, filters, projections; stream-table joins. */
#include "plan_test.h"

#define S "CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T                                                                                                    \
    "CREATE TABLE t (id STRING PRIMARY KEY, x INT, y STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

static const FlowCase cases[] = {
    /* Null keys are dropped, deletes go on even for unknown rows, the last offset wins. */
    {T "CREATE TABLE o AS SELECT id, x + 1 AS x FROM t;",
     {{"t", "p", "{\"x\":1}", 5},
      {"t", NULL, "{\"x\":2}", 6},
      {"t", "q", NULL, 7},
      {"t", "p", "{\"x\":3}", 2},
      {"t", "p", NULL, 8}},
     "p {\"X\":2} @5\nq null @7\np {\"X\":4} @2\np null @8\n"},
    /* A row that leaves becomes one tombstone; one that was never in, none. */
    {T "CREATE TABLE o AS SELECT * FROM t WHERE x > 1;",
     {{"t", "p", "{\"x\":1}", 0},
      {"t", "p", "{\"x\":2}", 1},
      {"t", "p", "{\"x\":3}", 2},
      {"t", "p", "{\"x\":1}", 3},
      {"t", "p", "{\"x\":0}", 4},
      {"t", "q", NULL, 5},
      {"t", "q", "{\"x\":9}", 6},
      {"t", "q", NULL, 7}},
     "p {\"X\":2,\"Y\":null} @1\np {\"X\":3,\"Y\":null} @2\np null @3\nq {\"X\":9,\"Y\":null} @6\nq null "
     "@7\n"},
    /* ROWTIME of a table is the stored row's. */
    {T "CREATE TABLE o AS SELECT id, ROWTIME AS r, x FROM t WHERE ROWTIME > 3;",
     {{"t", "p", "{\"x\":1}", 5}, {"t", "p", "{\"x\":2}", 2}},
     "p {\"R\":5,\"X\":1} @5\np null @2\n"},
    /* Stream-table: the stream asks, the table answers as it is. */
    {S T "CREATE STREAM o AS SELECT s.k AS k, a, x, y FROM s JOIN t ON s.k = t.id;",
     {{"s", "p", "{\"a\":1}", 0},
      {"t", "p", "{\"x\":7,\"y\":\"t\"}", 1},
      {"s", "p", "{\"a\":2}", 0},
      {"t", "p", "{\"x\":8}", 1},
      {"s", "p", "{\"a\":3}", 9},
      {"t", "p", NULL, 1},
      {"s", "p", "{\"a\":4}", 9},
      {"s", "p", NULL, 9},
      {"s", NULL, "{\"a\":5}", 9}},
     "p {\"A\":2,\"X\":7,\"Y\":\"t\"} @0\np {\"A\":3,\"X\":8,\"Y\":null} @9\n"},
    {S T "CREATE STREAM o AS SELECT s.k AS k, a, t.id AS id, x FROM s LEFT JOIN t ON s.k = t.id;",
     {{"s", "p", "{\"a\":1}", 0},
      {"t", "p", "{\"x\":7}", 1},
      {"s", "p", "{\"a\":2}", 0},
      {"s", NULL, "{\"a\":5}", 9}},
     "p {\"A\":1,\"ID\":null,\"X\":null} @0\np {\"A\":2,\"ID\":\"p\",\"X\":7} @0\nnull "
     "{\"A\":5,\"ID\":null,\"X\":null} @9\n"},
    /* By another column: through a repartition. */
    {S T "CREATE STREAM o AS SELECT b, a, x FROM s JOIN t ON s.b = t.id;",
     {{"t", "p", "{\"x\":7}", 1}, {"s", "k1", "{\"a\":1,\"b\":\"p\"}", 5}, {"s", "k2", "{\"a\":2}", 6}},
     "p {\"A\":1,\"X\":7} @5\n"},
};

static void tables_come_out_as_they_should(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("case %zu: %s\n", i, cases[i].sql);
        flow_case(&cases[i]);
    }
}

static void depth_first_goes_through_all_queries(void **state)
{
    Flow     *f      = *state;
    LogRecord first  = {.key = STR_LIT("x"), .value = STR_LIT("{\"a\":1}")};
    LogRecord second = {.key = STR_LIT("x"), .value = STR_LIT("{\"a\":5}"), .timestamp = 1};
    flow_sql(f, S "CREATE STREAM m AS SELECT k, a + 1 AS a FROM s; CREATE TABLE o AS SELECT k, SUM(a) AS n "
                  "FROM m GROUP BY k;");
    FLOW_MUST(driver_insert(f->driver, STR_LIT("s"), 0, &first, false, true, &f->err));
    flow_expect(f, "O", "x {\"N\":2} @0\n");
    FLOW_MUST(driver_insert(f->driver, STR_LIT("s"), 0, &second, false, true, &f->err));
    flow_expect(f, "O", "x {\"N\":2} @0\nx {\"N\":8} @1\n");
    FLOW_MUST(driver_run(f->driver, &f->err)); /* nothing is left */
    flow_expect(f, "O", "x {\"N\":2} @0\nx {\"N\":8} @1\n");
}

/* OR REPLACE: the table keeps its rows, so that a row that no longer matches is taken back. */
static void a_replaced_query_keeps_its_state(void **state)
{
    Flow *f = *state;
    flow_sql(f, T "CREATE TABLE o AS SELECT id, x FROM t WHERE x > 1;");
    flow_send(f, "t", "p", "{\"x\":2}", 0);
    flow_run(f);
    flow_sql(f, "CREATE OR REPLACE TABLE o AS SELECT id, x, y FROM t WHERE x > 1;");
    flow_send(f, "t", "p", "{\"x\":1}", 1);
    flow_run(f);
    flow_expect(f, "O", "p {\"X\":2} @0\np null @1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_come_out_as_they_should),
        cmocka_unit_test_setup_teardown(depth_first_goes_through_all_queries, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_replaced_query_keeps_its_state, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
