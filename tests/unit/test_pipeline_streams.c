/* Streams: filter, projection, re-keying, table functions, nulls, times, headers. */
#include "plan_test.h"

#define S "CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "

static const FlowCase cases[] = {
    /* Projection: the key stays, a null value stays null. */
    {S "CREATE STREAM o AS SELECT k, a + 1 AS c, b FROM s;",
     {{"s", "x", "{\"a\":1,\"b\":\"p\"}", 5}, {"s", NULL, "{\"a\":2}", 6}, {"s", "y", NULL, 7}},
     "x {\"C\":2,\"B\":\"p\"} @5\nnull {\"C\":3,\"B\":null} @6\ny null @7\n"},
    /* WHERE keeps TRUE alone; null rows and undecodable ones are dropped. */
    {S "CREATE STREAM o AS SELECT * FROM s WHERE a > 1 AND b LIKE 'p%';",
     {{"s", "x", "{\"a\":1,\"b\":\"p\"}", 0},
      {"s", "y", "{\"a\":2,\"b\":\"pq\"}", 1},
      {"s", "z", "{\"a\":3}", 2},
      {"s", "n", NULL, 3},
      {"s", "bad", "{\"a\":", 4},
      {"s", "w", "{\"a\":9,\"b\":\"p\"}", 5}},
     "y {\"A\":2,\"B\":\"pq\"} @1\nw {\"A\":9,\"B\":\"p\"} @5\n"},
    /* A failing expression is a NULL column. */
    {S "CREATE STREAM o AS SELECT k, CAST(b AS INT) AS c FROM s;",
     {{"s", "x", "{\"b\":\"7\"}", 0}, {"s", "y", "{\"b\":\"q\"}", 1}},
     "x {\"C\":7} @0\ny {\"C\":null} @1\n"},
    /* PARTITION BY: null keys stay, the old key moves into the value; key expressions of null rows are still
       evaluated. */
    {S "CREATE STREAM o AS SELECT * FROM s PARTITION BY b;",
     {{"s", "x", "{\"a\":1,\"b\":\"p\"}", 5}, {"s", "y", "{\"a\":2}", 6}, {"s", "z", NULL, 7}},
     "p {\"A\":1,\"K\":\"x\"} @5\nnull {\"A\":2,\"K\":\"y\"} @6\nnull null @7\n"},
    {S "CREATE STREAM o AS SELECT * FROM s PARTITION BY UCASE(k);",
     {{"s", "x", "{\"a\":1,\"b\":\"p\"}", 5}, {"s", "z", NULL, 7}},
     "X {\"A\":1,\"B\":\"p\",\"K\":\"x\"} @5\nZ null @7\n"},
    {S "CREATE STREAM o AS SELECT * FROM s PARTITION BY NULL;",
     {{"s", "x", "{\"a\":1}", 5}},
     "null {\"A\":1,\"B\":null,\"K\":\"x\"} @5\n"},
    /* Another key format on the sink. */
    {S "CREATE STREAM o WITH (KEY_FORMAT='JSON') AS SELECT k, a FROM s;",
     {{"s", "x", "{\"a\":1}", 5}},
     "\"x\" {\"A\":1} @5\n"},
    /* Pseudo columns. */
    {S "CREATE STREAM o AS SELECT k, ROWTIME AS t, ROWPARTITION AS p, ROWOFFSET AS f FROM s;",
     {{"s", "x", "{}", 5}, {"s", "y", "{}", 6}},
     "x {\"T\":5,\"P\":0,\"F\":0} @5\ny {\"T\":6,\"P\":0,\"F\":1} @6\n"},
    /* The record's time from a column, by value and by format; what cannot be told is dropped. */
    {"CREATE STREAM s (k STRING KEY, t BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='t'); "
     "CREATE STREAM o AS SELECT k, t FROM s;",
     {{"s", "x", "{\"t\":100}", 5}, {"s", "n", "{}", 6}, {"s", "m", "{\"t\":-1}", 7}, {"s", "z", NULL, 8}},
     "x {\"T\":100} @100\n"},
    {"CREATE STREAM s (k STRING KEY, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='t', "
     "TIMESTAMP_FORMAT='yyyy-MM-dd'); "
     "CREATE STREAM o AS SELECT k, t FROM s;",
     {{"s", "x", "{\"t\":\"1970-01-02\"}", 5}, {"s", "y", "{\"t\":\"soon\"}", 6}},
     "x {\"T\":\"1970-01-02\"} @86400000\n"},
    /* The sink's own timestamp column. */
    {S "CREATE STREAM o WITH (TIMESTAMP='C') AS SELECT k, CAST(a AS BIGINT) AS c FROM s;",
     {{"s", "x", "{\"a\":77}", 5}, {"s", "y", "{\"a\":-3}", 6}, {"s", "z", "{}", 7}},
     "x {\"C\":77} @77\n"},
    /* Table functions: zipped, padded, nothing for empty lists. */
    {"CREATE STREAM s (k STRING KEY, l ARRAY<INT>, m ARRAY<STRING>) WITH (KAFKA_TOPIC='s', "
     "VALUE_FORMAT='JSON'); "
     "CREATE STREAM o AS SELECT k, EXPLODE(l) AS e, EXPLODE(m) AS g FROM s;",
     {{"s", "x", "{\"l\":[1,2],\"m\":[\"p\"]}", 5},
      {"s", "y", "{\"l\":[],\"m\":null}", 6},
      {"s", "z", NULL, 7}},
     "x {\"E\":1,\"G\":\"p\"} @5\nx {\"E\":2,\"G\":null} @5\n"},
    /* A windowed topic as a stream keeps its windows. */
    {S "CREATE TABLE w AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY k; "
       "CREATE STREAM ws (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='W', VALUE_FORMAT='JSON', "
       "WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 MILLISECONDS'); "
       "CREATE STREAM o AS SELECT k, WINDOWSTART AS f, WINDOWEND AS t, n FROM ws;",
     {{"s", "x", "{\"a\":1}", 5}, {"s", "x", "{\"a\":1}", 16}},
     "x[0,10] {\"F\":0,\"T\":10,\"N\":1} @5\nx[10,20] {\"F\":10,\"T\":20,\"N\":1} @16\n"},
    /* INSERT INTO: two queries write one topic. */
    {S "CREATE STREAM o AS SELECT k, a FROM s WHERE a = 1; INSERT INTO o SELECT k, a FROM s WHERE a = 2;",
     {{"s", "x", "{\"a\":2}", 5}, {"s", "y", "{\"a\":1}", 6}},
     "y {\"A\":1} @6\nx {\"A\":2} @5\n"},
    /* JSON keys are written anew, whatever blanks they had. */
    {"CREATE STREAM s (p INT KEY, q STRING KEY, a INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON'); CREATE STREAM "
     "o AS SELECT p AS r, q, a FROM s;",
     {{"s", "{ \"q\" : \"x\", \"P\":1 }", "{\"a\":2}", 5}, {"s", NULL, "{\"a\":3}", 6}},
     "{\"R\":1,\"Q\":\"x\"} {\"A\":2} @5\nnull {\"A\":3} @6\n"},
    /* Two queries, one after the other. */
    {S "CREATE STREAM m AS SELECT k, a * 2 AS a FROM s; CREATE STREAM o AS SELECT k, a + 1 AS c FROM m;",
     {{"s", "x", "{\"a\":1}", 5}, {"s", "y", "{\"a\":2}", 6}},
     "x {\"C\":3} @5\ny {\"C\":5} @6\n"},
};

static void streams_come_out_as_they_should(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("case %zu: %s\n", i, cases[i].sql);
        flow_case(&cases[i]);
    }
}

static void headers_travel_with_the_row(void **state)
{
    Flow  *f         = *state;
    Header headers[] = {
        {STR_LIT("a"), STR_LIT("1")}, {STR_LIT("b"), STR_LIT("2")}, {STR_LIT("a"), STR_LIT("3")}};
    flow_sql(f, "CREATE STREAM s (k STRING KEY, v INT, h BYTES HEADER('a')) WITH (KAFKA_TOPIC='s', "
                "VALUE_FORMAT='JSON'); "
                "CREATE STREAM o AS SELECT k, FROM_BYTES(h, 'utf8') AS h, v FROM s; "
                "CREATE STREAM t (k STRING KEY, hs ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH "
                "(KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "
                "CREATE STREAM p AS SELECT k, ARRAY_LENGTH(hs) AS n FROM t;");
    flow_send_headers(f, "s", "x", "{\"v\":1}", 5, headers, 3);
    flow_send(f, "s", "y", "{\"v\":2}", 6);
    flow_run(f);
    flow_expect(f, "O", "x {\"H\":\"3\",\"V\":1} @5 a=1 b=2 a=3\ny {\"H\":null,\"V\":2} @6\n");
    flow_expect(f, "P", "x {\"N\":3} @5 a=1 b=2 a=3\ny {\"N\":0} @6\n");
}

static void bad_records_are_reported(void **state)
{
    Flow *f = *state;
    flow_sql(f, S "CREATE STREAM o AS SELECT k, a FROM s;");
    flow_send(f, "s", "x", "{\"a\":\"q\"}", 0);
    flow_send(f, "s", "y", "{\"a\":1}", 1);
    flow_run(f);
    flow_expect(f, "O", "y {\"A\":1} @1\n");
    assert_true(f->skipped.len > 0);
}

static void a_negative_timestamp_stops_the_query(void **state)
{
    Flow *f = *state;
    flow_sql(f, S "CREATE STREAM o AS SELECT k, a FROM s;");
    flow_send(f, "s", "x", "{\"a\":1}", -5);
    assert_int_equal(driver_run(f->driver, &f->err), E_FATAL_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_out_as_they_should),
        cmocka_unit_test_setup_teardown(headers_travel_with_the_row, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(bad_records_are_reported, flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(a_negative_timestamp_stops_the_query, flow_setup, flow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
