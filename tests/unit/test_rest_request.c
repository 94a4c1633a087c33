/*
 * test_rest_request.c - which form an Accept header asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/rest/rest.h"

static const char *const offers[] = {"application/vnd.ksqlapi.delimited.v1", "application/json",
                                     "application/vnd.ksql.v1+json"};

static const struct {
    const char *accept;
    int         chosen;
} headers[] = {
    {NULL, 0},
    {"", 0},
    {"  ", 0},
    {"*/*", 0},
    {"application/*", 0},
    {"application/json", 1},
    {"Application/JSON", 1},
    {"application/vnd.ksql.v1+json", 2},
    {"application/json; charset=utf-8", 1},
    {"text/html", -1},
    {"text/*", -1},
    {"application", -1},
    {";q=1", -1},
    {",,,", -1},
    {"application/json;q=0", -1},
    {"text/html, application/json", 1},
    {"application/json;q=0.2, application/vnd.ksql.v1+json;q=0.8", 2},
    {"*/*;q=0.1, application/json", 1},
    {"application/json;q=0.5, */*;q=0.9", 0},
    {"*/*, application/vnd.ksql.v1+json", 2},
    {"application/vnd.ksql.v1+json, application/json", 2},
    {"application/json;q=x", 1},
};

static void accept_chooses_a_form(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        Str accept = headers[i].accept != NULL ? str_c(headers[i].accept) : STR_NULL;
        int chosen = rest_accept(accept, offers, ARRAY_LEN(offers), 0);
        if (chosen != headers[i].chosen)
            print_message("Accept: %s\n", headers[i].accept);
        assert_int_equal(chosen, headers[i].chosen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accept_chooses_a_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
