/*
 * Completion: what may stand at the cursor, by the words before it. `|` in a text is the cursor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "shell/complete.h"

#define FIELD(name, ...)                                                                                     \
    {                                                                                                        \
        {name, sizeof name - 1}, { __VA_ARGS__ }                                                             \
    }
#define FIELDS(array) array, ARRAY_LEN(array)

static const KnownField town_fields[]    = {FIELD("NAME", NULL, 0), FIELD("ZIP", NULL, 0)};
static const KnownField address_fields[] = {FIELD("STREET", NULL, 0), FIELD("TOWN", FIELDS(town_fields))};
static const KnownField view_columns[]   = {
      FIELD("USER_ID", NULL, 0), FIELD("PAGE", NULL, 0), FIELD("mixed Case", NULL, 0),
      FIELD("ADDRESS", FIELDS(address_fields)), FIELD("VISITED", FIELDS(address_fields))};
static const KnownField table_columns[] = {FIELD("PAGE", NULL, 0), FIELD("N", NULL, 0)};

static const KnownName known[] = {
    {NAME_STREAM, {"VIEWS", 5}, {FIELDS(view_columns)}},
    {NAME_TABLE, {"PER_PAGE", 8}, {FIELDS(table_columns)}},
    {NAME_TOPIC, {"views-topic", 11}, {0}},
    {NAME_TOPIC, {"orders", 6}, {0}},
    {NAME_QUERY, {"CTAS_PER_PAGE_3", 15}, {0}},
    {NAME_FUNCTION, {"UCASE", 5}, {0}},
    {NAME_FUNCTION, {"COUNT", 5}, {0}},
    {NAME_TYPE, {"PLACE", 5}, {0}},
    {NAME_PROPERTY, {"auto.offset.reset", 17}, {0}},
    {NAME_CONNECTOR, {"SINK_1", 6}, {0}},
    {NAME_STREAM, {"odd Name", 8}, {FIELDS(table_columns)}},
};

static const struct {
    const char *text;
    const char *found; /* all of them, parted by commas */
} cases[] = {
    {"cr|", "create"},
    {"CRE|", "CREATE"},
    {"csas|", "CREATE STREAM s AS SELECT * FROM  EMIT CHANGES;"},
    {"CREATE ST|", "STREAM"},
    {"create or replace ta|", "table"},
    {"CREATE |", "FUNCTION,OR REPLACE,SINK,SOURCE,STREAM,TABLE,TYPE"},
    {"create sink |", "connector"},
    {"insert |", "into"},
    {"ASSERT |", "NOT EXISTS,SCHEMA,TOPIC"},
    {"list qu|", "queries"},
    {"RUN |", "SCRIPT"},
    {"SELECT * FROM |", "PER_PAGE,VIEWS,`odd Name`"},
    {"SELECT * FROM vi|", "views"},
    {"SELECT 1; SELECT * FROM V|", "VIEWS"},
    {"SELECT us| FROM views", "user_id"},
    {"SELECT USER_ID, PA| FROM PER_PAGE", "PAGE,PARTITION BY"},
    {"SELECT n| FROM views", "not,null"},
    {"SELECT v.US|", "USER_ID"},
    {"SELECT UC|", "UCASE("},
    {"SELECT * FROM views WHERE page = 'VI|", ""},
    {"SELECT `mi| FROM views", "mixed Case"},
    {"SELECT * FROM views -- comment with 'quote\n wh|", "when,where"},
    {"PRINT |", "'orders','views-topic'"},
    {"print o|", "'orders'"},
    {"PRINT 'o|", "orders"},
    {"PRINT orders |", "FROM BEGINNING,INTERVAL,LIMIT"},
    {"PRINT 'orders' FROM |", "BEGINNING"},
    {"PRINT 'vi|", "views-topic"},
    {"TERMINATE C|", "CTAS_PER_PAGE_3"},
    {"TERMINATE |", "ALL,CTAS_PER_PAGE_3"},
    {"SET 'auto|", "auto.offset.reset"},
    {"SET auto|", "'auto.offset.reset'"},
    {"SET |", "'auto.offset.reset',CLI"},
    {"UNSET '|", "auto.offset.reset"},
    {"SET 'auto.offset.reset' = '|", "earliest,latest"},
    {"SET 'auto.offset.reset' = |", "'earliest','latest'"},
    {"SET 'ksql.streams.auto.offset.reset'='e|", "earliest"},
    {"SET 'ksql.query.pull.table.scan.enabled'='|", "false,true"},
    {"SET 'a' |", ""},
    {"SHOW QU|", "QUERIES"},
    {"SELECT a FROM s EMIT |", "CHANGES,FINAL"},
    {"CREATE STREAM x (a BIG|", "BIGINT"},
    {"CREATE STREAM x (a PL|", "PLACE"},
    {"CREATE STREAM x (|", ""},
    {"CREATE STREAM x (a INT, |", ""},
    {"CREATE STREAM x (a INT |", "HEADERS,KEY,PRIMARY KEY"},
    {"CREATE STREAM x (a MAP<STRING, BIG|", "BIGINT"},
    {"CREATE TABLE IF NOT EXISTS x (a BIG|", "BIGINT"},
    {"CREATE STREAM |", ""},
    {"CREATE STREAM x AS |", "SELECT"},
    {"CREATE STREAM x WITH (|", NULL},
    {"CREATE TYPE x AS STR|", "STRING,STRUCT<"},
    {"INSERT INTO v|", "views"},
    {"INSERT INTO views (|", "ADDRESS,PAGE,USER_ID,VISITED,`mixed Case`"},
    {"INSERT INTO VIEWS (USER_ID, P|", "PAGE"},
    {"INSERT INTO PER_PAGE (|", "N,PAGE"},
    {"INSERT INTO views VALUES (UC|", "UCASE("},
    {"INSERT INTO views VALUES (nu|", "null"},
    {"insert into views |", "select,values"},
    {"INSERT INTO views (user_id) VALUES ('a'), (U|", "UCASE("},
    {"select address->|", "street,town"},
    {"SELECT ADDRESS->ST| FROM VIEWS", "STREET"},
    {"SELECT v.ADDRESS->TOWN->Z|", "ZIP"},
    {"SELECT visited[1]->s| FROM views", "street"},
    {"SELECT VISITED['a[b']->TOWN->| FROM VIEWS", "NAME,ZIP"},
    {"SELECT page->| FROM views", ""},
    {"SELECT nowhere->| FROM views", ""},
    {"SELECT a.| FROM VIEWS V JOIN PER_PAGE A ON", "n,page"},
    {"SELECT * FROM VIEWS AS V JOIN PER_PAGE P ON V.PAGE = P.|", "N,PAGE"},
    {"SELECT v.`mi| FROM VIEWS V", "mixed Case"},
    {"SELECT mi| FROM views", "`mixed Case`,minutes"},
    {"SELECT | FROM PER_PAGE", "N,PAGE"},
    {"SELECT * FROM VIEWS W|", "WHEN,WHERE,WINDOW HOPPING,WINDOW SESSION,WINDOW TUMBLING,WITH,WITHIN"},
    {"SELECT * FROM VIEWS WHERE U|", "UCASE(,USER_ID"},
    {"SELECT * FROM VIEWS WHERE PAGE IS |", "NOT NULL,NULL"},
    {"SELECT * FROM VIEWS LEFT OUTER |", "JOIN"},
    {"SELECT CAST(PAGE AS BIG|", "BIGINT"},
    {"SELECT PAGE AS |", ""},
    {"SELECT /* FROM */ us|", "user_id"},
    {"SELECT 'FROM' , us|", "user_id"},
    {"CREATE STREAM x (a INT) WITH (KAFKA|", "KAFKA_TOPIC"},
    {"CREATE STREAM x (a INT) WITH (value_f|", "value_format"},
    {"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='v|", "views-topic"},
    {"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='J|", "JSON,JSON_SR"},
    {"CREATE STREAM x (a INT) WITH (VALUE_FORMAT=|",
     "'AVRO','DELIMITED','JSON','JSON_SR','KAFKA','NONE','PROTOBUF',"
     "'PROTOBUF_NOSR'"},
    {"CREATE STREAM x (a INT) WITH (VALUE_FORMAT=J|", "'JSON','JSON_SR'"},
    {"CREATE STREAM x (a INT) WITH (FORMAT='js|", "JSON,JSON_SR"},
    {"CREATE STREAM x (a INT) WITH (WRAP_SINGLE_VALUE=|", "'false','true'"},
    {"CREATE STREAM x (a INT) WITH (WINDOW_TYPE='T|", "TUMBLING"},
    {"CREATE STREAM x (a INT) WITH (PARTITIONS=|", ""},
    {"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC=o|", "'orders'"},
    {"CREATE STREAM x (a DECIMAL(1, 2)) WITH (TIMESTAMP_F|", "TIMESTAMP_FORMAT"},
    {"CREATE STREAM x (a INT) WITH (TIMESTAMP_FORMAT='J|", ""},
    {"DESCRIBE FUNCTION u|", "ucase"},
    {"DESCRIBE |", "CONNECTOR,FUNCTION,PER_PAGE,STREAMS,TABLES,VIEWS,`odd Name`"},
    {"describe vi|", "views"},
    {"DESCRIBE VIEWS |", "EXTENDED"},
    {"DESCRIBE CONNECTOR |", "SINK_1"},
    {"DROP STREAM |", "IF EXISTS,VIEWS,`odd Name`"},
    {"DROP STREAM IF |", "EXISTS"},
    {"DROP STREAM IF EXISTS v|", "views"},
    {"DROP STREAM views |", "DELETE TOPIC"},
    {"DROP TABLE |", "IF EXISTS,PER_PAGE"},
    {"DROP TYPE P|", "PLACE"},
    {"DROP FUNCTION U|", "UCASE"},
    {"DROP CONNECTOR |", "IF EXISTS,SINK_1"},
    {"ALTER STREAM |", "VIEWS,`odd Name`"},
    {"ALTER STREAM VIEWS |", "ADD COLUMN"},
    {"ALTER STREAM VIEWS ADD COLUMN x BIG|", "BIGINT"},
    {"PAUSE |", "ALL,CTAS_PER_PAGE_3"},
    {"RESUME c|", "CTAS_PER_PAGE_3"},
    {"EXPLAIN CT|", "CTAS_PER_PAGE_3"},
    {"EXPLAIN ANALYZE |", "QUERY"},
    {"EXPLAIN ANALYZE QUERY |", "CTAS_PER_PAGE_3"},
    {"EXPLAIN SELECT us|", "user_id"},
    {"GRANT SELECT ON PER|", "PER_PAGE"},
    {"GRANT INS|", "INSERT"},
    {"DROP TABLE P|", "PER_PAGE"},
    {"\\w|", "\\watch"},
    {"\\d PER|", "PER_PAGE"},
    {"output c|", "csv"},
    {"\\d|", "\\d,\\dT,\\df,\\dq,\\ds,\\dt"},
    {"\\pset |", NULL},
    {"\\pset pager |", "off,on"},
    {"\\x a|", "auto"},
    {"help cre|", "create"},
    {"\\i /etc/os-rel|", "/etc/os-release"},
    {"\\i /et|", "/etc/"},
    {"run script /etc/os-rel|", "/etc/os-release"},
    {"RUN SCRIPT '/etc/os-rel|", "/etc/os-release"},
    {"spool /etc/os-rel|", "/etc/os-release"},
    {"\\i no such -- file/|", ""},
    {"'|", ""},
    {"((((|", NULL},
    {"`|", NULL},
    {"|", NULL},
};

static void candidates_follow_from_the_words_before(void **state)
{
    const NameList names = {.names = known, .count = ARRAY_LEN(known)};
    int            wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arena      *arena  = arena_new(SIZE_MAX);
        Str         text   = str_c(cases[i].text);
        const char *cursor = strchr(cases[i].text, '|');
        StrBuf      got    = {0};
        Completion  found;
        size_t      at = (size_t)(cursor - text.ptr);
        complete(&names, str_n(text.ptr, at), str_n(cursor + 1, text.len - at - 1), arena, &found);
        for (size_t j = 0; j < found.count; j++)
            strbuf_addf(&got, "%s" STR_FMT, j > 0 ? "," : "", STR_ARG(found.items[j]));
        strbuf_addc(&got, '\0');
        assert_true(found.start <= at);
        if (cases[i].found != NULL && strcmp(got.ptr, cases[i].found) != 0) {
            print_error("%s: got %s, not %s\n", cases[i].text, got.ptr, cases[i].found);
            wrong++;
        }
        strbuf_clear(&got);
        arena_free(arena);
    }
    assert_int_equal(wrong, 0);
}

static void what_all_have_in_common_is_inserted(void **state)
{
    Str        items[] = {STR_LIT("VALUE_DELIMITER"), STR_LIT("VALUE_FORMAT"), STR_LIT("VALUE_SCHEMA_ID")};
    Completion found   = {.items = items, .count = 3};
    assert_int_equal(completion_common(&found), 6);
    found.count = 1;
    assert_int_equal(completion_common(&found), items[0].len);
    found.count = 0;
    assert_int_equal(completion_common(&found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_follow_from_the_words_before),
        cmocka_unit_test(what_all_have_in_common_is_inserted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
