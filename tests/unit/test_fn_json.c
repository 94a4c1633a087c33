/* JSON functions: check vectors of functions.md 3.6 and 14.9. */
#include "fn_rows.h"

#include "udf/json_tree.h"

extern const ScalarFn json_functions[], json_write_functions[];

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
    const char *json, *path, *result;
} fields[] = {
    {"{\"a\":[1,2]}", "$.a[1]", "2"},
    {"{\"a\":[1,2]}", "$.a[2]", "NULL"},
    {"{\"a\":[1,2]}", "$.a[x]", "NULL"},
    {"{\"a\":[1,2]}", "$.a[-1]", "ERROR~Invalid JSON path: '$.a[-1]'"},
    {"{\"a\":1}", "a", "ERROR"},
    {"{\"a\":1}", "$.", "ERROR"},
    {"{\"a\":1}", "$..a", "ERROR"},
    {"{\"a\":1}", "$.*", "ERROR"},
    {"{\"a\":1}", "", "ERROR"},
    {"{\"a\":1}", "$[\"a", "ERROR"},
    {"{\"a b\":1}", "$[\"a b\"]", "1"},
    {"{\"a\\\"\\\\\":1}", "$[\"a\\\"\\\\\"]", "1"},
    {"{\"@t:x\":1}", "$.@t:x", "1"},
    {"{\"\303\251\":1}", "$.\303\251", "1"},
    {"{\"a\":null}", "$.a", "null"},
    {"{\"a\":\"x\\ny\"}", "$.a", "x\ny"},
    {"{\"a\":{\"z\":1,\"b\":[true,\"s\"]}}", "$.a", "{\"z\":1,\"b\":[true,\"s\"]}"},
    {"3", "$.a", "NULL"},
    {"1e5", "$", "1E+5"},
    {"1.0E+2", "$", "1.0E+2"},
    {"0.0000001", "$", "1E-7"},
    {"1.23450", "$", "1.23450"},
    {"123456789012345678901234567890", "$", "123456789012345678901234567890"},
    {"-0", "$", "0"},
    {"-0.0", "$", "0.0"},
    {"0.000001", "$", "0.000001"},
    {"-12.5e-3", "$", "-0.0125"},
    {"0e5", "$", "0E+5"},
    {"1e999999999999", "$", "ERROR"},
    {"{\"a\":1,\"a\":2}", "$", "{\"a\":2}"},
    {"{\"a\":1,\"b\":0,\"a\":2,\"c\":3}", "$", "{\"a\":2,\"b\":0,\"c\":3}"},
    {"{\"a\":1}}", "$.a", "1"},
    {"1 2", "$", "1"},
    {"true x", "$", "true"},
    {"", "$", "NULL"},
    {"  ", "$.a", "NULL"},
    {"01", "$", "ERROR~Invalid JSON format:01"},
    {"+1", "$", "ERROR"},
    {".5", "$", "ERROR"},
    {"NaN", "$", "ERROR"},
    {"'a'", "$", "ERROR"},
    {"[1,]", "$", "ERROR"},
    {"[1,2", "$", "ERROR"},
    {"tru", "$", "ERROR"},
    {"/**/1", "$", "ERROR"},
    {"\"a\nb\"", "$", "ERROR"},
    {"1x", "$", "ERROR"},
    {"truex", "$", "ERROR"},
    {"{1:2}", "$", "ERROR"},
    {"{\"a\" 1}", "$", "ERROR"},
    {"1.", "$", "ERROR"},
    {"1e", "$", "ERROR"},
    {"-", "$", "ERROR"},
    {"\"\\x\"", "$", "ERROR"},
    {"\"\\u12g4\"", "$", "ERROR"},
    {"\"\\ud83d\\ude00\"", "$", "\360\237\230\200"},
    {"\"\\ud83dx\"", "$", "\357\277\275x"},
    {"\"\\u0041\\/\"", "$", "A/"},
    {"[\"\\u0001\\u001f\\\"/\"]", "$", "[\"\\u0001\\u001F\\\"/\"]"},
};

static void extracts_fields(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        Arg args[] = {text_arg(fields[i].json), text_arg(fields[i].path)};
        fn_expect(fields[i].json, fn_call(json_functions, "extractjsonfield", &type_string, args, 2, *state),
                  fields[i].result);
    }
}

static const struct {
    const char *name, *json, *result;
} ones[] = {
    {"IS_JSON_STRING", "[1]", "true"},
    {"IS_JSON_STRING", "", "false"},
    {"IS_JSON_STRING", "null", "true"},
    {"IS_JSON_STRING", "[", "false"},
    {"JSON_ARRAY_LENGTH", "[1,[2]]", "2"},
    {"JSON_ARRAY_LENGTH", "{}", "NULL"},
    {"JSON_ARRAY_LENGTH", "", "NULL"},
    {"JSON_ARRAY_LENGTH", "[", "ERROR"},
    {"JSON_ITEMS", "[1,\"a\",{\"b\": null}]", "[1, \"a\", {\"b\":null}]"},
    {"JSON_ITEMS", "[]", "[]"},
    {"JSON_ITEMS", "{}", "ERROR"},
    {"JSON_KEYS", "{\"b\":1,\"a\":2}", "[b, a]"},
    {"JSON_KEYS", "[]", "NULL"},
    {"JSON_RECORDS", "{\"a\":\"x\",\"b\":1,\"c\":null,\"d\":[1.0]}", "{a=x, b=1, c=null, d=[1.0]}"},
    {"JSON_RECORDS", "1", "NULL"},
    {"JSON_CONCAT", "[1e5, 1.0E+2, 0.0000001]", "[100000,100,0.0000001]"},
    {"JSON_CONCAT", "", "NULL"},
    {"JSON_CONCAT", "1e200000", "ERROR"},
};

static void answers_about_one_text(void **state)
{
    Arena         *arena = *state;
    const SqlType *list = type_array(arena, &type_string), *map = type_map(arena, &type_string, &type_string);
    for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
        const char    *name = ones[i].name;
        const SqlType *type = strcmp(name, "IS_JSON_STRING") == 0      ? &type_boolean
                              : strcmp(name, "JSON_ARRAY_LENGTH") == 0 ? &type_integer
                              : strcmp(name, "JSON_RECORDS") == 0      ? map
                              : strcmp(name, "JSON_CONCAT") == 0       ? &type_string
                                                                       : list;
        fn_expect(ones[i].json,
                  fn_call(json_functions, name, type, (Arg[]){text_arg(ones[i].json)}, 1, arena),
                  ones[i].result);
    }
    fn_expect("null",
              fn_call(json_functions, "IS_JSON_STRING", &type_boolean, (Arg[]){NUL(type_string)}, 1, arena),
              "false");
}

static void finds_elements(void **state)
{
    const struct {
        const char *json;
        Arg         value;
        const char *result;
    } cases[] = {
        {"[1,null]", NUL(type_null), "true"},
        {"[1]", I(1), "true"},
        {"[1]", D(1.0), "false"},
        {"[1.0]", D(1.0), "true"},
        {"[1.0]", I(1), "false"},
        {"[\"a\"]", S("a"), "true"},
        {"[[\"a\"]]", S("a"), "false"},
        {"[true]", B(true), "true"},
        {"[true]", B(false), "false"},
        {"{\"a\":1}", I(1), "false"},
        {"[1,2", I(1), "true"},
        {"[1,2", I(3), "false"},
        {"x", I(3), "false"},
        {"", I(1), "false"},
        {"[9223372036854775808]", L(1), "false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fn_expect(cases[i].json,
                  fn_call(json_functions, "JSON_ARRAY_CONTAINS", &type_boolean,
                          (Arg[]){text_arg(cases[i].json), cases[i].value}, 2, *state),
                  cases[i].result);
    fn_expect("NULL text",
              fn_call(json_functions, "JSON_ARRAY_CONTAINS", &type_boolean, (Arg[]){NUL(type_string), I(1)},
                      2, *state),
              "ERROR");
}

static void concatenates(void **state)
{
    const struct {
        const char *a, *b, *result;
    } cases[] = {
        {"[1]", "2", "[1,2]"},
        {"[1]", "[2,3]", "[1,2,3]"},
        {"{\"a\":1,\"b\":2}", "{\"a\":3,\"c\":4}", "{\"a\":3,\"b\":2,\"c\":4}"},
        {"{\"a\":1}", "[2]", "[{\"a\":1},2]"},
        {"1", "\"x\"", "[1,\"x\"]"},
        {"[1]", " ", "NULL"},
        {"[1]", "[", "ERROR"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fn_expect(cases[i].a,
                  fn_call(json_functions, "JSON_CONCAT", &type_string,
                          (Arg[]){text_arg(cases[i].a), text_arg(cases[i].b)}, 2, *state),
                  cases[i].result);
    fn_expect("none", fn_call(json_functions, "JSON_CONCAT", &type_string, NULL, 0, *state), "ERROR");
}

static const char *to_json(Arg arg, Arena *arena)
{
    return fn_call(json_write_functions, "TO_JSON_STRING", &type_string, &arg, 1, arena);
}

static void writes_json(void **state)
{
    Arena *arena = *state;
    fn_expect("double", to_json(D(1.0), arena), "1.0");
    fn_expect("double", to_json(D(1e7), arena), "1.0E7");
    fn_expect("nan", to_json(D(0.0 / 0.0), arena), "\"NaN\"");
    fn_expect("text", to_json(S("a\"\\/\001\037\303\251\n\177"), arena),
              "\"a\\\"\\\\/\\u0001\\u001F\303\251\\n\177\"");
    fn_expect("null", to_json(NUL(type_string), arena), "null");
    fn_expect("bytes", to_json(BY("\001\002"), arena), "\"AQI=\"");
    fn_expect("date", to_json(DT(19012), arena), "\"2022-01-20\"");
    fn_expect("time", to_json(TM(3600000), arena), "\"01:00\"");
    fn_expect("timestamp", to_json(TS(0), arena), "\"1970-01-01T00:00:00.000\"");
    Value items[] = {value_from_int(1), value_null()};
    fn_expect("array", to_json((Arg){value_array(items, 2), type_array(arena, &type_integer)}, arena),
              "[1,null]");
    SqlField parts[] = {{STR_LIT("B"), &type_integer}, {STR_LIT("A"), &type_integer}};
    fn_expect("struct", to_json((Arg){value_array(items, 2), type_struct(arena, parts, 2)}, arena),
              "{\"A\":null,\"B\":1}");
    MapEntry entries[] = {{S("z").value, value_from_bool(true)}, {S("a").value, value_from_bool(false)}};
    fn_expect("map",
              to_json((Arg){value_map(entries, 2), type_map(arena, &type_string, &type_boolean)}, arena),
              "{\"a\":false,\"z\":true}");
}

static void bounds_depth(void **state)
{
    char      deep[4000];
    JsonNode *root;
    Error     err;
    memset(deep, '[', sizeof deep);
    assert_int_equal(json_read(str_n(deep, sizeof deep), *state, &root, &err), E_DATA);
    memset(deep + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    assert_int_equal(json_read(str_n(deep, JSON_MAX_DEPTH * 2), *state, &root, &err), OK);
}

static void keeps_the_last_of_many_equal_keys(void **state)
{
    StrBuf json = {0};
    strbuf_addc(&json, '{');
    for (int i = 0; i < 20000; i++)
        strbuf_addf(&json, "%s\"k%d\":%d", i ? "," : "", i % 10000, i);
    strbuf_addc(&json, '}');
    JsonNode *root;
    Error     err;
    assert_int_equal(json_read(strbuf_str(&json), *state, &root, &err), OK);
    assert_int_equal(root->count, 10000);
    assert_true(str_equal(json_member(root, STR_LIT("k3"))->text, STR_LIT("10003")));
    assert_true(str_equal(root->first->text, STR_LIT("10000")));
    strbuf_clear(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extracts_fields),
        cmocka_unit_test(answers_about_one_text),
        cmocka_unit_test(finds_elements),
        cmocka_unit_test(concatenates),
        cmocka_unit_test(writes_json),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(keeps_the_last_of_many_equal_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
