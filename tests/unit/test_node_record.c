/*
 * test_node_record.c - what nodes tell each other of themselves, and the addresses in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/peers/node_address.h"
#include "server/peers/node_record.h"

/* ---- records ---- */

static void a_record_is_read_as_it_was_written(void **state)
{
    int        slots[] = {0, 7, 47};
    NodeRecord record  = {STR_LIT("http://10.0.0.1:8088"), STR_LIT("secret"), slots, 3}, read;
    Arena     *arena   = arena_new(0);
    StrBuf     text    = {0};
    Error      err;
    node_record_write(&record, &text);
    assert_int_equal(node_record_read(strbuf_str(&text), arena, &read, &err), OK);
    assert_true(str_equal(read.address, record.address));
    assert_true(str_equal(read.token, record.token));
    assert_int_equal(read.slot_count, 3);
    assert_memory_equal(read.slots, slots, sizeof slots);
    strbuf_clear(&text);
    arena_free(arena);
}

static const struct {
    const char *value;
    Status      status;
} records[] = {
    {"{\"version\":1,\"address\":\"\",\"token\":\"t\",\"slots\":[]}", OK},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\",\"slots\":[5],\"rack\":\"a\"}", OK},
    {"", E_DATA},
    {"[]", E_DATA},
    {"{}", E_DATA},
    {"{\"version\":2}", E_UNSUPPORTED},
    {"{\"version\":1,\"token\":\"t\",\"slots\":[]}", E_DATA},
    {"{\"version\":1,\"address\":\"file:///etc/passwd\",\"token\":\"t\",\"slots\":[]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1/x\",\"token\":\"t\",\"slots\":[]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"slots\":[]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"\",\"slots\":[]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\"}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\",\"slots\":{\"0\":1}}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\",\"slots\":[-1]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\",\"slots\":[1.5]}", E_DATA},
    {"{\"version\":1,\"address\":\"http://h:1\",\"token\":\"t\",\"slots\":[65536]}", E_DATA},
};

static void records_that_are_none_are_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        NodeRecord read;
        Error      err;
        Arena     *arena = arena_new(0);
        if (node_record_read(str_c(records[i].value), arena, &read, &err) != records[i].status)
            fail_msg("%s", records[i].value);
        arena_free(arena);
    }
}

/* ---- addresses ---- */

static const struct {
    const char *address, *host_port; /* NULL: it is none */
} addresses[] = {
    {"http://localhost:8088", "localhost:8088"},
    {"https://host.example", "host.example:443"},
    {"http://host", "host:80"},
    {"http://[::1]:8088", "[::1]:8088"},
    {"http://[::1]", "[::1]:80"},
    {"http://", NULL},
    {"host:8088", NULL},
    {"http://host:x", NULL},
    {"http://host:65536", NULL},
    {"http://:8088", NULL},
    {"http://user@host", NULL},
    {"http://host/", NULL},
    {"http://a b", NULL},
};

static void addresses_have_a_host_and_a_port(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        Str    host, address = str_c(addresses[i].address);
        int    port;
        Arena *arena = arena_new(0);
        if (node_address_split(address, &host, &port) != (addresses[i].host_port != NULL))
            fail_msg("%s", addresses[i].address);
        if (addresses[i].host_port != NULL)
            assert_string_equal(str_to_c(arena, node_address_host_port(address, arena)),
                                addresses[i].host_port);
        arena_free(arena);
    }
}

static const struct {
    const char *advertised, *listeners;
    int         port;
    const char *address; /* NULL: refused; "*": the machine's name */
} nodes[] = {
    {NULL, "http://127.0.0.1:0", 4711, "http://127.0.0.1:4711"},
    {NULL, "http://127.0.0.1:1,http://10.0.0.1:2", 1, "http://127.0.0.1:1"},
    {NULL, "unix:/tmp/x, http://10.0.0.1:2/", 2, "http://10.0.0.1:2"},
    {NULL, "unix:/tmp/x", 0, ""},
    {NULL, "http://0.0.0.0:8088", 8088, "*"},
    {NULL, "http://[::]:8088", 8088, "*"},
    {"", "http://127.0.0.1:1", 1, "http://127.0.0.1:1"},
    {"https://front:443/", "http://127.0.0.1:1", 1, "https://front:443"},
    {"http://0.0.0.0:1", "http://127.0.0.1:1", 1, NULL},
    {"http://host:0", "http://127.0.0.1:1", 1, NULL},
    {"front:443", "http://127.0.0.1:1", 1, NULL},
};

static void a_node_says_where_it_is_reached(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        Properties *properties = properties_new(NULL);
        Arena      *arena      = arena_new(0);
        Str         address    = STR_NULL;
        Error       err;
        if (nodes[i].advertised != NULL)
            properties_set(properties, STR_LIT("ksql.advertised.listener"), str_c(nodes[i].advertised));
        Status status =
            node_address(properties, str_c(nodes[i].listeners), nodes[i].port, arena, &address, &err);
        assert_int_equal(status, nodes[i].address != NULL ? OK : E_CONFIG);
        if (status == OK && strcmp(nodes[i].address, "*") == 0)
            assert_true(node_address_is_valid(address) && str_ends_with(address, STR_LIT(":8088")));
        else if (status == OK)
            assert_string_equal(str_to_c(arena, address), nodes[i].address);
        arena_free(arena);
        properties_free(properties);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(records_that_are_none_are_refused),
        cmocka_unit_test(addresses_have_a_host_and_a_port),
        cmocka_unit_test(a_node_says_where_it_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
