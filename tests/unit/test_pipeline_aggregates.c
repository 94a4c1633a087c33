/* GROUP BY: unwindowed, time windows, sessions, EMIT FINAL, over tables; late records. */
#include "plan_test.h"

#define S "CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
#define T                                                                                                    \
    "CREATE TABLE t (k STRING PRIMARY KEY, a INT, b STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON'); "

static const FlowCase cases[] = {
    /* By the key, in place; the timestamp is the largest so far; null rows and null keys add nothing. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n, SUM(a) AS sum FROM s GROUP BY k;",
     {{"s", "x", "{\"a\":1}", 10},
      {"s", "y", "{\"a\":5}", 3},
      {"s", "x", "{\"a\":2}", 5},
      {"s", "x", NULL, 20},
      {"s", NULL, "{\"a\":9}", 20},
      {"s", "x", "{}", 21}},
     "x {\"N\":1,\"SUM\":1} @10\ny {\"N\":1,\"SUM\":5} @3\nx {\"N\":2,\"SUM\":3} @10\nx {\"N\":3,\"SUM\":3} "
     "@21\n"},
    /* By a value: NULL groups are dropped. Text states outlive their record. */
    {S "CREATE TABLE o AS SELECT b, COLLECT_LIST(k) AS ks, LATEST_BY_OFFSET(k) AS last FROM s GROUP BY b;",
     {{"s", "x", "{\"b\":\"p\"}", 0},
      {"s", "y", "{}", 1},
      {"s", "z", "{\"b\":\"p\"}", 2},
      {"s", NULL, "{\"b\":\"p\"}", 3}},
     "p {\"KS\":[\"x\"],\"LAST\":\"x\"} @0\np {\"KS\":[\"x\",\"z\"],\"LAST\":\"z\"} @2\np "
     "{\"KS\":[\"x\",\"z\",null],\"LAST\":\"z\"} @3\n"},
    /* HAVING: in, out with one tombstone, silence. */
    {S "CREATE TABLE o AS SELECT k, SUM(a) AS sum FROM s GROUP BY k HAVING SUM(a) > 2;",
     {{"s", "x", "{\"a\":1}", 0},
      {"s", "x", "{\"a\":3}", 1},
      {"s", "x", "{\"a\":-4}", 2},
      {"s", "x", "{\"a\":-1}", 3},
      {"s", "x", "{\"a\":9}", 4}},
     "x {\"SUM\":4} @1\nx null @2\nx {\"SUM\":8} @4\n"},
    /* Expressions over aggregates; the key has another name. */
    {S "CREATE TABLE o AS SELECT k AS id, AVG(a) AS avg, MAX(a) - MIN(a) AS span FROM s GROUP BY k;",
     {{"s", "x", "{\"a\":1}", 0}, {"s", "x", "{\"a\":4}", 1}},
     "x {\"AVG\":1.0,\"SPAN\":0} @0\nx {\"AVG\":2.5,\"SPAN\":3} @1\n"},
    /* Several keys. */
    {S "CREATE TABLE o WITH (KEY_FORMAT='JSON') AS SELECT k, b, COUNT(*) AS n FROM s GROUP BY k, b;",
     {{"s", "x", "{\"b\":\"p\"}", 0}, {"s", "x", "{\"b\":\"p\"}", 1}},
     "{\"K\":\"x\",\"B\":\"p\"} {\"N\":1} @0\n{\"K\":\"x\",\"B\":\"p\"} {\"N\":2} @1\n"},
    /* TUMBLING: bounds in the select list; late records count for nobody. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n, WINDOWSTART AS ws, WINDOWEND AS we FROM s "
       "WINDOW TUMBLING (SIZE 10 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS) GROUP BY k;",
     {{"s", "x", "{\"a\":1}", 3},
      {"s", "x", "{\"a\":1}", 12},
      {"s", "x", "{\"a\":1}", 2},
      {"s", "y", "{\"a\":1}", 15},
      {"s", "x", "{\"a\":1}", 4}},
     "x[0,10] {\"N\":1,\"WS\":0,\"WE\":10} @3\nx[10,20] {\"N\":1,\"WS\":10,\"WE\":20} @12\nx[0,10] "
     "{\"N\":2,\"WS\":0,\"WE\":10} @3\n"
     "y[10,20] {\"N\":1,\"WS\":10,\"WE\":20} @15\n"},
    /* HOPPING: oldest first, none below zero; late for one window only. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 5 "
       "MILLISECONDS, GRACE PERIOD 0 MILLISECONDS) "
       "GROUP BY k;",
     {{"s", "x", "{\"a\":1}", 3}, {"s", "x", "{\"a\":1}", 12}, {"s", "x", "{\"a\":1}", 8}},
     "x[0,10] {\"N\":1} @3\nx[5,15] {\"N\":1} @12\nx[10,20] {\"N\":1} @12\nx[5,15] {\"N\":2} @12\n"},
    /* SESSION: a distance of the gap merges; tombstones first, at the end of what goes. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (10 MILLISECONDS) GROUP BY k;",
     {{"s", "x", "{\"a\":1}", 0},
      {"s", "x", "{\"a\":1}", 10},
      {"s", "x", "{\"a\":1}", 40},
      {"s", "x", "{\"a\":1}", 5},
      {"s", "x", "{\"a\":1}", 40},
      {"s", "x", "{\"a\":1}", 30},
      {"s", "x", "{\"a\":1}", 20}},
     "x[0,0] {\"N\":1} @0\nx[0,0] null @0\nx[0,10] {\"N\":2} @10\nx[40,40] {\"N\":1} @40\nx[0,10] null "
     "@10\nx[0,10] {\"N\":3} @10\n"
     "x[40,40] {\"N\":2} @40\nx[40,40] null @40\nx[30,40] {\"N\":3} @40\n"
     "x[0,10] null @10\nx[30,40] null @40\nx[0,40] {\"N\":7} @40\n"},
    {S "CREATE TABLE o AS SELECT k, COLLECT_LIST(b) AS l FROM s WINDOW SESSION (10 MILLISECONDS, GRACE "
       "PERIOD 0 MILLISECONDS) GROUP BY k;",
     {{"s", "x", "{\"b\":\"p\"}", 100}, {"s", "y", "{\"b\":\"q\"}", 50}, {"s", "x", "{\"b\":\"r\"}", 92}},
     "x[100,100] {\"L\":[\"p\"]} @100\nx[100,100] null @100\nx[92,100] {\"L\":[\"p\",\"r\"]} @100\n"},
    /* EMIT FINAL: closed windows only, by start and key, once. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY k "
       "EMIT FINAL;",
     {{"s", "y", "{\"a\":1}", 3},
      {"s", "x", "{\"a\":1}", 5},
      {"s", "y", "{\"a\":1}", 4},
      {"s", "x", "{\"a\":1}", 10},
      {"s", "x", "{\"a\":1}", 11},
      {"s", "x", "{\"a\":1}", 20}},
     "x[0,10] {\"N\":1} @5\ny[0,10] {\"N\":2} @4\nx[10,20] {\"N\":2} @11\n"},
    /* A jump in time beyond the retention loses none. */
    {S "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY k "
       "EMIT FINAL;",
     {{"s", "x", "{\"a\":1}", 3}, {"s", "x", "{\"a\":1}", 1000}},
     "x[0,10] {\"N\":1} @3\n"},
    {S "CREATE TABLE o AS SELECT k, SUM(a) AS n FROM s WINDOW SESSION (10 MILLISECONDS) GROUP BY k HAVING "
       "SUM(a) > 1 EMIT FINAL;",
     {{"s", "x", "{\"a\":1}", 0},
      {"s", "y", "{\"a\":1}", 1},
      {"s", "x", "{\"a\":2}", 5},
      {"s", "z", "{\"a\":9}", 100},
      {"s", "z", "{\"a\":9}", 200}},
     "x[0,5] {\"N\":3} @5\nz[100,100] {\"N\":9} @100\n"},
    /* A table: one output within a group, two across groups, groups stay at nothing. */
    {T "CREATE TABLE o AS SELECT b, COUNT(*) AS n, SUM(a) AS sum FROM t GROUP BY b;",
     {{"t", "x", "{\"a\":1,\"b\":\"p\"}", 1},
      {"t", "y", "{\"a\":5,\"b\":\"p\"}", 2},
      {"t", "x", "{\"a\":2,\"b\":\"p\"}", 3},
      {"t", "x", "{\"a\":2,\"b\":\"q\"}", 4},
      {"t", "y", NULL, 5},
      {"t", "z", NULL, 6},
      {"t", "x", "{\"a\":3}", 7}},
     "p {\"N\":1,\"SUM\":1} @1\np {\"N\":2,\"SUM\":6} @2\np {\"N\":2,\"SUM\":7} @3\np {\"N\":1,\"SUM\":5} "
     "@4\nq {\"N\":1,\"SUM\":2} @4\n"
     "p {\"N\":0,\"SUM\":0} @5\nq {\"N\":0,\"SUM\":0} @7\n"},
};

static void aggregates_come_out_as_they_should(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("case %zu: %s\n", i, cases[i].sql);
        flow_case(&cases[i]);
    }
}

static void an_overflow_stops_the_query(void **state)
{
    Flow *f = *state;
    flow_sql(f,
             "CREATE STREAM s (k STRING KEY, d DECIMAL(2, 1)) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
             "CREATE TABLE o AS SELECT k, SUM(d) AS sum FROM s GROUP BY k;");
    flow_send(f, "s", "x", "{\"d\":9.9}", 0);
    flow_send(f, "s", "x", "{\"d\":9.9}", 1);
    assert_int_equal(driver_run(f->driver, &f->err), E_FATAL_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregates_come_out_as_they_should),
        cmocka_unit_test_setup_teardown(an_overflow_stops_the_query, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
