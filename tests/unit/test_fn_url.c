/* URL_*: check vectors of functions.md 3.11 and 14.6. */
#include "fn_rows.h"

extern const ScalarFn url_functions[];

static int setup(void **state)
{
    *state = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static Arg text_arg(const char *text) { return (Arg){value_from_str(str_c(text)), &type_string}; }

static const struct {
    const char *url, *parts[6];
} urls[] = {
    {"http://a_b.com/x", {"http", "NULL", "NULL", "/x", "NULL", "NULL"}},
    {"http://user@h:80/p%20q?x=%26y&z=1#f%41", {"http", "h", "80", "/p q", "x=&y&z=1", "fA"}},
    {"mailto:a@b", {"mailto", "NULL", "NULL", "NULL", "NULL", "NULL"}},
    {"/rel/path?q", {"NULL", "NULL", "NULL", "/rel/path", "q", "NULL"}},
    {"http://h?", {"http", "h", "NULL", "", "", "NULL"}},
    {"http://[::1]:8080/", {"http", "[::1]", "8080", "/", "NULL", "NULL"}},
    {"http://\303\251.com/\303\274?k=v", {"http", "NULL", "NULL", "/\303\274", "k=v", "NULL"}},
    {"http://h:/p", {"http", "h", "NULL", "/p", "NULL", "NULL"}},
    {"", {"NULL", "NULL", "NULL", "", "NULL", "NULL"}},
    {"HTTP://Host.COM/", {"HTTP", "Host.COM", "NULL", "/", "NULL", "NULL"}},
    {"http://1.2.3.4:5#", {"http", "1.2.3.4", "5", "", "NULL", ""}},
    {"http://1.2.3.400/", {"http", "NULL", "NULL", "/", "NULL", "NULL"}},
    {"http://h/%C3%BC%ff", {"http", "h", "NULL", "/\303\274\357\277\275", "NULL", "NULL"}},
    {"file:///etc", {"file", "NULL", "NULL", "/etc", "NULL", "NULL"}},
    {"http://h:80x/", {"http", "NULL", "NULL", "/", "NULL", "NULL"}},
};

static const char *const names[] = {"url_extract_protocol", "url_extract_host",  "url_extract_port",
                                    "url_extract_path",     "url_extract_query", "url_extract_fragment"};

static void takes_urls_apart(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        for (size_t part = 0; part < ARRAY_LEN(names); part++)
            fn_expect(urls[i].url,
                      fn_call(url_functions, names[part], part == 2 ? &type_integer : &type_string,
                              (Arg[]){text_arg(urls[i].url)}, 1, *state),
                      urls[i].parts[part]);
    }
}

static void refuses_bad_urls(void **state)
{
    static const char *const bad[] = {"foo bar",      "http:",       "http://h/a|b", "http://h/%zz",
                                      "http://h/a[b", "http://[::1", "http://[zz]/", "://x",
                                      "1a:b",         "//",          "http://h/%4",  "http://h/\302\240"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t part = 0; part < ARRAY_LEN(names); part++)
            fn_expect(bad[i],
                      fn_call(url_functions, names[part], &type_string, (Arg[]){text_arg(bad[i])}, 1, *state),
                      "ERROR~URL input has invalid syntax: ");
    }
}

static void finds_parameters(void **state)
{
    static const struct {
        const char *url, *name, *value;
    } cases[] = {
        {"https://h?foo%20bar=baz%20zab&blank", "foo bar", "baz zab"},
        {"https://h?foo%20bar=baz%20zab&blank", "blank", ""},
        {"https://h?foo%20bar=baz%20zab&blank", "Blank", "NULL"},
        {"https://h", "a", "NULL"},
        {"https://h?a=1%26b=2", "b", "2"},
        {"https://h?a=b=c&a=d", "a", "b=c"},
        {"x y", "a", "ERROR"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fn_expect(cases[i].url,
                  fn_call(url_functions, "url_extract_parameter", &type_string,
                          (Arg[]){text_arg(cases[i].url), text_arg(cases[i].name)}, 2, *state),
                  cases[i].value);
}

static void encodes_forms(void **state)
{
    static const struct {
        const char *plain, *encoded;
    } cases[] = {
        {"a b-_.*~", "a+b-_.*%7E"},
        {"\303\274&=", "%C3%BC%26%3D"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fn_expect("encode",
                  fn_call(url_functions, "url_encode_param", &type_string, (Arg[]){text_arg(cases[i].plain)},
                          1, *state),
                  cases[i].encoded);
        fn_expect("decode",
                  fn_call(url_functions, "url_decode_param", &type_string,
                          (Arg[]){text_arg(cases[i].encoded)}, 1, *state),
                  cases[i].plain);
    }
    fn_expect("bad", fn_call(url_functions, "url_decode_param", &type_string, (Arg[]){S("%zz")}, 1, *state),
              "ERROR");
    fn_expect("cut", fn_call(url_functions, "url_decode_param", &type_string, (Arg[]){S("a%4")}, 1, *state),
              "ERROR");
    fn_expect("not utf-8",
              fn_call(url_functions, "url_decode_param", &type_string, (Arg[]){S("%ff")}, 1, *state),
              "\357\277\275");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_bad_urls),
        cmocka_unit_test(finds_parameters),
        cmocka_unit_test(encodes_forms),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
