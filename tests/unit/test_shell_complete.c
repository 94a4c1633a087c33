/*
 * Completion: what may stand at the cursor, by the words before it. `|` in a text is the cursor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "shell/complete.h"

static const Str view_columns[]  = {{"USER_ID", 7}, {"PAGE", 4}, {"mixed Case", 10}};
static const Str table_columns[] = {{"PAGE", 4}, {"N", 1}};

static const KnownName known[] = {
    {NAME_STREAM, {"VIEWS", 5}, view_columns, 3},
    {NAME_TABLE, {"PER_PAGE", 8}, table_columns, 2},
    {NAME_TOPIC, {"views-topic", 11}, NULL, 0},
    {NAME_QUERY, {"CTAS_PER_PAGE_3", 15}, NULL, 0},
    {NAME_FUNCTION, {"UCASE", 5}, NULL, 0},
    {NAME_FUNCTION, {"COUNT", 5}, NULL, 0},
    {NAME_TYPE, {"ADDRESS", 7}, NULL, 0},
    {NAME_PROPERTY, {"auto.offset.reset", 17}, NULL, 0},
    {NAME_STREAM, {"odd Name", 8}, table_columns, 2},
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
    {"create sink |", "CONNECTOR"},
    {"insert |", "INTO"},
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
    {"PRINT |", "'views-topic'"},
    {"PRINT 'vi|", "views-topic"},
    {"TERMINATE C|", "CTAS_PER_PAGE_3"},
    {"TERMINATE |", "ALL,CTAS_PER_PAGE_3"},
    {"SET 'auto|", "auto.offset.reset"},
    {"SHOW QU|", "QUERIES"},
    {"SELECT a FROM s EMIT |", "CHANGES,FINAL"},
    {"CREATE STREAM x (a BIG|", "BIGINT"},
    {"CREATE STREAM x (a ADD|", "ADDRESS"},
    {"CREATE STREAM x (a INT) WITH (KAFKA|", "KAFKA_TOPIC"},
    {"CREATE STREAM x (a INT) WITH (value_f|", "value_format"},
    {"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='v|", "views-topic"},
    {"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='J|", "JSON,JSON_SR"},
    {"CREATE STREAM x (a INT) WITH (TIMESTAMP_FORMAT='J|", ""},
    {"DESCRIBE FUNCTION u|", "ucase("},
    {"DROP TABLE P|", "PER_PAGE"},
    {"\\w|", "\\watch"},
    {"\\d PER|", "PER_PAGE"},
    {"output c|", "csv"},
    {"'|", ""},
    {"((((|", NULL},
    {"`|", NULL},
    {"|", NULL},
};

static void candidates_follow_from_the_words_before(void **state)
{
    const NameList names = {known, ARRAY_LEN(known)};
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
        if (cases[i].found != NULL && strcmp(got.ptr, cases[i].found) != 0)
            fail_msg("%s: got %s, not %s", cases[i].text, got.ptr, cases[i].found);
        strbuf_clear(&got);
        arena_free(arena);
    }
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
