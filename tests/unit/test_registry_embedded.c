/* The embedded registry on logs: what its topic says, two nodes on one, and what a topic of others is good
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "registry/registry_embedded.h"
#include "registry/registry_rules.h"

typedef struct {
    Log            *log;
    RegistryKeeper *keepers[2];
    SchemaRegistry *nodes[2];
    Arena          *arena;
    Error           err;
} Fixture;

static void setup(Fixture *f)
{
    RegistryKeeperOptions options = {.clock = clock_system(), .topic = "_schemas", .replicas = 1};
    *f                            = (Fixture){.arena = arena_new(0)};
    assert_int_equal(log_open_embedded(NULL, clock_system(), &f->log, &f->err), OK);
    options.log = f->log;
    for (size_t i = 0; i < 2; i++) {
        f->keepers[i] = keeper_new(&options);
        f->nodes[i]   = registry_embedded_new(f->keepers[i], clock_system());
    }
}

static void teardown(Fixture *f)
{
    for (size_t i = 0; i < 2; i++) {
        registry_close(f->nodes[i]);
        keeper_free(f->keepers[i]);
    }
    log_close(f->log);
    arena_free(f->arena);
}

static int32_t put(Fixture *f, int node, const char *subject, const char *text)
{
    RegisteredSchema schema = {.text = str_c(text)};
    int32_t          id     = -1;
    assert_int_equal(registry_enroll(f->nodes[node], str_c(subject), &schema, &id, &f->err), OK);
    return id;
}

/* ---- records ---- */

static const struct {
    const char *key, *value; /* NULL: none */
    bool        same;        /* is written as it was read */
} records[] = {
    {"{\"keytype\":\"SCHEMA\",\"subject\":\"t-value\",\"version\":1,\"magic\":1}",
     "{\"subject\":\"t-value\",\"version\":1,\"id\":3,\"schema\":\"\\\"int\\\"\",\"deleted\":false}", true},
    {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":2,\"magic\":1}",
     "{\"subject\":\"t\",\"version\":2,\"id\":4,\"schemaType\":\"PROTOBUF\",\"references\":[{\"name\":\"a."
     "proto\",\"subject\":\"a\","
     "\"version\":1}],\"schema\":\"x\",\"deleted\":true}",
     true},
    {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":2,\"magic\":1}", NULL, true},
    {"{\"keytype\":\"CONFIG\",\"subject\":null,\"magic\":0}", "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}",
     true},
    {"{\"keytype\":\"CONFIG\",\"subject\":\"t\",\"magic\":0}", NULL, true},
    {"{\"keytype\":\"MODE\",\"subject\":\"t\",\"magic\":0}", "{\"mode\":\"READONLY\"}", true},
    {"{\"keytype\":\"DELETE_SUBJECT\",\"subject\":\"t\",\"magic\":0}", "{\"subject\":\"t\",\"version\":3}",
     true},
    {"{\"keytype\":\"NOOP\",\"magic\":0}", "{\"maxId\":7}", true},
    {"{\"keytype\":\"NOOP\",\"magic\":0}", "null", false},
    {"{\"keytype\":\"CONTEXT\",\"tenant\":\"default\",\"context\":\".\",\"magic\":0}", "{}", false},
};

static void records_are_confluents(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        Arena         *arena = arena_new(0);
        StrBuf         key = {0}, value = {0};
        RegistryRecord record;
        Error          err;
        assert_int_equal(
            registry_record_read(str_c(records[i].key), str_c(records[i].value), arena, &record, &err), OK);
        if (records[i].same) {
            registry_record_write(&record, &key, &value);
            assert_string_equal(str_to_c(arena, strbuf_str(&key)), records[i].key);
            assert_string_equal(str_to_c(arena, strbuf_str(&value)),
                                records[i].value != NULL ? records[i].value : "");
            assert_int_equal(record.tombstone, records[i].value == NULL);
        }
        strbuf_clear(&key);
        strbuf_clear(&value);
        arena_free(arena);
    }
}

static void what_is_no_record(void **state)
{
    static const char *const bad[][2] = {
        {"x", "{}"},
        {"{}", "{}"},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":0,\"magic\":1}", NULL},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}", "[]"},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}", "{\"id\":1}"},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}",
         "{\"id\":99999999999,\"schema\":\"\"}"},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}",
         "{\"id\":1,\"schema\":\"\",\"references\":[{\"name\":\"a\"}]}"},
        {"{\"keytype\":\"DELETE_SUBJECT\",\"magic\":0}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Arena         *arena = arena_new(0);
        RegistryRecord record;
        Error          err;
        assert_int_equal(registry_record_read(str_c(bad[i][0]), str_c(bad[i][1]), arena, &record, &err),
                         E_DATA);
        arena_free(arena);
    }
}

/* ---- nodes ---- */

/* Each fences the other's writer, and neither gives an id twice. */
static void two_nodes_keep_one_order(void **state)
{
    Fixture f;
    char    text[64];
    setup(&f);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "{\"type\":\"fixed\",\"name\":\"f%d\",\"size\":1}", i);
        char subject[16];
        snprintf(subject, sizeof subject, "s%d", i);
        assert_int_equal(put(&f, i % 2, subject, text), i + 1);
    }
    for (int node = 0; node < 2; node++) {
        RegisteredSchema schema;
        assert_int_equal(registry_by_id(f.nodes[node], 20, f.arena, &schema, &f.err), OK);
        assert_int_equal(registry_latest(f.nodes[node], STR_LIT("s7"), f.arena, &schema, &f.err), OK);
        assert_int_equal(schema.id, 8);
        assert_int_equal(registry_in_subject(f.nodes[node], STR_LIT("s7"), 8, &f.err), OK);
        assert_int_equal(registry_in_subject(f.nodes[node], STR_NULL, 21, &f.err), E_NOT_FOUND);
    }
    assert_int_equal(registry_forget(f.nodes[0], STR_LIT("s7"), &f.err), OK);
    assert_int_equal(registry_in_subject(f.nodes[1], STR_LIT("s7"), 8, &f.err), E_NOT_FOUND);
    assert_int_equal(registry_forget(f.nodes[1], STR_LIT("s7"), &f.err), E_NOT_FOUND);
    teardown(&f);
}

/* Before the first schema there is no topic, and nothing is known. */
static void nothing_is_made_by_looking(void **state)
{
    Fixture          f;
    TopicInfo        info;
    RegisteredSchema schema;
    setup(&f);
    assert_int_equal(registry_latest(f.nodes[0], STR_LIT("t"), f.arena, &schema, &f.err), E_NOT_FOUND);
    assert_int_equal(registry_by_id(f.nodes[0], 1, f.arena, &schema, &f.err), E_NOT_FOUND);
    assert_int_equal(log_topic_info(f.log, STR_LIT("_schemas"), &info, &f.err), E_NOT_FOUND);
    assert_int_equal(put(&f, 0, "t", "\"int\""), 1);
    assert_int_equal(log_topic_info(f.log, STR_LIT("_schemas"), &info, &f.err), OK);
    assert_int_equal(registry_by_id(f.nodes[0], 1, f.arena, &schema, &f.err),
                     OK); /* known, though it was not */
    teardown(&f);
}

static void check_says_what_enroll_would(void **state)
{
    Fixture          f;
    RegisteredSchema other = {.text = STR_LIT("\"string\"")};
    int32_t          id;
    setup(&f);
    assert_int_equal(registry_check(f.nodes[0], STR_LIT("t"), &other, &f.err), OK);
    put(&f, 0, "t", "\"int\"");
    assert_int_equal(registry_check(f.nodes[0], STR_LIT("t"), &other, &f.err), E_PLAN);
    assert_int_equal(registry_enroll(f.nodes[0], STR_LIT("t"), &other, &id, &f.err), E_PLAN);
    teardown(&f);
}

/* Records that a real registry would take over are the ones that are there; a topic that loses schemas is
 * none. */
static void a_topic_of_others(void **state)
{
    Fixture          f;
    RegisteredSchema schema;
    const LogConfig  configs[] = {{"cleanup.policy", "delete"}};
    setup(&f);
    assert_int_equal(log_topic_create(f.log, STR_LIT("_schemas"), 1, 1, configs, 1, &f.err), OK);
    assert_int_equal(registry_latest(f.nodes[0], STR_LIT("t"), f.arena, &schema, &f.err), E_PLAN);
    assert_non_null(strstr(f.err.message, "a schema registry's topic is compacted"));
    teardown(&f);
}

static void foreign_records_are_read(void **state)
{
    static const char *const foreign[][2] = {
        {"garbage", "garbage"}, /* passed over */
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}",
         "{\"subject\":\"t\",\"version\":1,\"id\":41,\"schema\":\"\\\"int\\\"\",\"deleted\":false,\"ts\":5}"},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\":.ctx:t\",\"version\":1,\"magic\":1}",
         "{\"subject\":\":.ctx:t\",\"version\":1,\"id\":900,\"schema\":\"\\\"long\\\"\",\"deleted\":false}"},
        /* A cycle, which no registry would have taken. */
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"c\",\"version\":1,\"magic\":1}",
         "{\"subject\":\"c\",\"version\":1,\"id\":42,\"schema\":\"\\\"c\\\"\",\"deleted\":false,"
         "\"references\":[{\"name\":\"c\","
         "\"subject\":\"c\",\"version\":1}]}"},
    };
    Fixture          f;
    RegisteredSchema schema;
    LogWriter       *writer;
    WriterOptions    options   = {.linger_ms = 0};
    const LogConfig  configs[] = {{"cleanup.policy", "compact"}};
    int32_t          id;
    setup(&f);
    assert_int_equal(log_topic_create(f.log, STR_LIT("_schemas"), 1, 1, configs, 1, &f.err), OK);
    assert_int_equal(log_writer_open(f.log, &options, &writer, &f.err), OK);
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        LogRecord record = {.key = str_c(foreign[i][0]), .value = str_c(foreign[i][1])};
        assert_int_equal(log_append_sync(writer, STR_LIT("_schemas"), 0, &record, STR_NULL, NULL, &f.err),
                         OK);
    }
    log_writer_close(writer);
    assert_int_equal(registry_latest(f.nodes[0], STR_LIT("t"), f.arena, &schema, &f.err), OK);
    assert_int_equal(schema.id, 41);
    assert_int_equal(registry_by_id(f.nodes[0], 900, f.arena, &schema, &f.err), E_NOT_FOUND);
    assert_int_equal(put(&f, 0, "u", "\"string\""), 43);
    RegisteredSchema next = {.text = STR_LIT("\"c\"")};
    next.references       = &(SchemaReference){STR_LIT("c"), STR_LIT("c"), 1};
    next.reference_count  = 1;
    assert_int_equal(registry_enroll(f.nodes[0], STR_LIT("d"), &next, &id, &f.err), E_PLAN);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_confluents),       cmocka_unit_test(what_is_no_record),
        cmocka_unit_test(two_nodes_keep_one_order),     cmocka_unit_test(nothing_is_made_by_looking),
        cmocka_unit_test(check_says_what_enroll_would), cmocka_unit_test(a_topic_of_others),
        cmocka_unit_test(foreign_records_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
