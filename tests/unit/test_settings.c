/*
 * test_settings.c - the rows of settings hold together, and what a server refuses at its start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/settings/settings.h"

static void every_default_is_a_value_of_its_row(void **state)
{
    size_t         count;
    const Setting *rows = settings_all(&count);
    for (size_t i = 0; i < count; i++) {
        Error err;
        Str   name = str_c(rows[i].name);
        assert_ptr_equal(settings_find(name), &rows[i]); /* no name twice */
        bool said = rows[i].initial != NULL && !str_equal(str_c(rows[i].initial), STR_LIT("-1"));
        if (said && settings_check(name, str_c(rows[i].initial), &err) != OK)
            fail_msg("%s", err.message);
        assert_true(rows[i].scope == SCOPE_SERVER ? !rows[i].editable : true);
        assert_true(strlen(rows[i].doc) > 0);
    }
}

static void what_a_query_keeps_comes_back_from_its_text(void **state)
{
    static const char *const others[][2] = {{"auto.offset.reset", "earliest"},
                                            {"ksql.streams.commit.interval.ms", "7"},
                                            {"processing.guarantee", "EXACTLY_ONCE_V2"},
                                            {"ksql.fail.on.deserialization.error", "TRUE"}};
    Arena                   *arena       = arena_new(0);
    QuerySettings            a, b;
    Error                    err;
    query_settings_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(query_settings_set(&a, str_c(others[i][0]), str_c(others[i][1]), &err), OK);
    assert_int_equal(a.offset_reset, OFFSET_RESET_EARLIEST);
    assert_int_equal(a.commit_interval_ms, 7);
    assert_int_equal(a.guarantee, GUARANTEE_EXACTLY_ONCE_V2);
    assert_true(a.fail_on_deserialization_error);
    query_settings_init(&b);
    for (size_t i = 0; i < query_settings_count(); i++)
        assert_int_equal(
            query_settings_set(&b, str_c(query_settings_name(i)), query_settings_text(&a, i, arena), &err),
            OK);
    for (size_t i = 0; i < query_settings_count(); i++)
        assert_true(str_equal(query_settings_text(&a, i, arena), query_settings_text(&b, i, arena)));
    assert_int_equal(query_settings_set(&b, STR_LIT("commit.interval.ms"), STR_LIT("soon"), &err), E_CONFIG);
    assert_int_equal(query_settings_set(&b, STR_LIT("ksql.of.tomorrow"), STR_LIT("1"), &err), E_NOT_FOUND);
    arena_free(arena);
}

static void a_client_sets_a_query_over_the_server(void **state)
{
    Properties   *server = properties_new(NULL), *client = properties_new(server);
    QuerySettings settings;
    properties_set(server, STR_LIT("ksql.streams.cache.max.bytes.buffering"), STR_LIT("0"));
    properties_set(server, STR_LIT("commit.interval.ms"), STR_LIT("100"));
    properties_set(client, STR_LIT("ksql.streams.commit.interval.ms"), STR_LIT("5"));
    settings_of_query(client, &settings);
    assert_int_equal(settings.cache_bytes, 0);
    assert_int_equal(settings.commit_interval_ms, 5);
    assert_int_equal(settings.offset_reset, OFFSET_RESET_LATEST);
    properties_free(client);
    properties_free(server);
}

static const struct {
    const char *text, *refusal; /* NULL: the server starts */
} files[] = {
    {"bootstrap.servers=a:9092\n", NULL},
    {"ksql.streams.state.dir=/x\nksql.extension.dir=ext\nksql.udf.collect.metrics=true\n", NULL},
    {"bootstrap.server=a:9092\n", "did you mean bootstrap.servers?"},
    {"ksql.serviceid=x\n", "did you mean ksql.service.id?"},
    {"ksql.state.dir=/x\n", "did you mean ksql.streams.state.dir?"},
    {"ksql.listeners=http://x:1\n", "did you mean listeners?"},
    {"state.dir=/x\n", NULL},
    {"listener=http://x:1\n", "did you mean listeners?"},
    {"commit.interval.ms=soon\n", "Not a number"},
    {"metadata.max.age.ms=5\n", "at least 100"},
    {"ksql.suppress.enabled=maybe\n", "either true or false"},
    {"ksql.streams.num.standby.replicas=-1\n", "at least 0"},
    {"ksql.query.pull.max.allowed.offset.lag=-1\n", "at least 0"},
    {"ksql.heartbeat.enable=true\n", NULL},
    {"ksql.heartbeat.enable=false\n", NULL},
    {"max.task.idle.ms=5\n", "in 0..0"},
    {"authentication.method=LDAP\n", "must be one of"},
    {"authentication.method=NONE\n", NULL},
    {"authentication.method=BASIC\n", NULL}, /* with what: authentication_open */
    {"authentication.metod=BASIC\n", "There is no setting authentication.metod"},
    {"sluice.functions.enabled=true\n", "There is no setting sluice.functions.enabled"},
    {"ksql.authentication.plugin.class=x\n", "does not start"},
    {"ssl.client.authentication=maybe\n", "NONE|REQUESTED|REQUIRED"},
    {"ssl.client.auth=true\nssl.keystore.location=/x\n",
     NULL}, /* node/tls_settings.c looks what it protects */
    {"ssl.keystore.key=-----BEGIN\n", "does not start"},
    {"listeners\n", "Line 1 is no setting"},
    {"# fine\n\nthis is nothing\n", "Line 3 is no setting"},
    {"=x\n", "Line 1 is no setting"},
};

/* Where an operator says what the default is, it is his wish all the same. */
static void what_was_said_is_told_from_what_was_filled_in(void **state)
{
    Properties *server = properties_new(NULL), *other = properties_new(NULL);
    properties_set(other, STR_LIT("ksql.streams.cache.max.bytes.buffering"), STR_LIT("10000000"));
    settings_fill(server);
    settings_fill(other);
    assert_string_equal(properties_get_c(server, "cache.max.bytes.buffering").ptr, "10000000");
    assert_string_equal(properties_get_c(other, "cache.max.bytes.buffering").ptr, "10000000");
    assert_false(properties_is_said(server, "cache.max.bytes.buffering"));
    assert_true(properties_is_said(other, "cache.max.bytes.buffering"));
    assert_false(properties_is_said(server, "no.such.setting"));
    Properties *session = properties_new(server);
    assert_false(properties_is_said(session, "cache.max.bytes.buffering"));
    properties_set(server, STR_LIT("cache.max.bytes.buffering"), STR_LIT("5"));
    assert_true(properties_is_said(session, "cache.max.bytes.buffering"));
    properties_free(session);
    properties_free(other);
    properties_free(server);
}

static void a_server_refuses_what_it_would_not_do(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        Properties *properties = properties_new(NULL);
        Error       err;
        error_clear(&err);
        Status status = properties_parse(properties, str_c(files[i].text), &err);
        if (status == OK)
            status = settings_check_all(properties, &err);
        if ((status == OK) != (files[i].refusal == NULL))
            fail_msg("%s: %s", files[i].text, err.message);
        if (files[i].refusal != NULL && strstr(err.message, files[i].refusal) == NULL)
            fail_msg("%s: %s", files[i].text, err.message);
        properties_free(properties);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_a_value_of_its_row),
        cmocka_unit_test(what_a_query_keeps_comes_back_from_its_text),
        cmocka_unit_test(a_client_sets_a_query_over_the_server),
        cmocka_unit_test(what_was_said_is_told_from_what_was_filled_in),
        cmocka_unit_test(a_server_refuses_what_it_would_not_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
