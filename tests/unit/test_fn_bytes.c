/* Bytes and encodings: functions.md 3.3.1, 3.5, 14.5. */
#include "fn_rows.h"

extern const ScalarFn encoding_functions[], bytes_functions[];

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

static void encodes(void **state)
{
    static const struct {
        const char *text, *from, *to, *result;
    } cases[] = {
        {"4578", "hex", "ascii", "Ex"},
        {"0x4578", "HEX", "utf8", "Ex"},
        {"0x578", "hex", "hEx", "ERROR"},
        {"0x578", "hex", "base64", "BXg="},
        {"X'4578'", "hex", "ascii", "Ex"},
        {"x'4578'", "hex", "ascii", "Ex"},
        {"457", "hex", "ascii", "ERROR"},
        {"zz", "hex", "ascii", "ERROR"},
        {"\303\251", "ascii", "utf8", "?"},
        {"\303\251", "utf8", "ascii", "\357\277\275\357\277\275"},
        {"\303\251", "utf8", "hex", "c3a9"},
        {"a_!-\n", "base64", "hex", "6bff"},
        {"YQ", "base64", "utf8", "a"},
        {"Ex", "ascii", "hex", "4578"},
        {"ff", "hex", "utf8", "\357\277\275"},
        {"a", "utf16", "hex", "ERROR: Supported input and output encodings are: hex, utf8, ascii and base64"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arg args[] = {text_arg(cases[i].text), text_arg(cases[i].from), text_arg(cases[i].to)};
        fn_expect(cases[i].text, fn_call(encoding_functions, "encode", &type_string, args, 3, *state),
                  cases[i].result);
    }
}

static void converts_bytes(void **state)
{
    static const struct {
        const char *text, *encoding, *hex;
    } cases[] = {
        {"3q2+", "base64", "DEADBE"},
        {"YQ", "base64", "61"},
        {"YQ==", "BASE64", "61"},
        {"YQ==\n", "base64", "ERROR"},
        {"_w==", "base64", "ERROR"},
        {"YQ=", "base64", "ERROR"},
        {"Y", "base64", "ERROR"},
        {"ab01", "hex", "AB01"},
        {"AB0", "hex", "ERROR"},
        {"0x01", "hex", "ERROR"},
        {"\303\251", "utf8", "C3A9"},
        {"\303\251", "ascii", "3F"},
        {"", "hex", ""},
        {"a", "x",
         "ERROR: Unknown encoding type 'x'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'."},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FnSite site   = {0};
        Value  args[] = {value_from_str(str_c(cases[i].text)), value_from_str(str_c(cases[i].encoding))},
              bytes   = value_null();
        const SqlType *types[] = {&type_string, &type_string};
        FnCall         call    = {.args      = args,
                                  .count     = 2,
                                  .arg_types = types,
                                  .type      = &type_bytes,
                                  .arena     = *state,
                                  .site      = &site};
        Error          err;
        const char    *got;
        if (fn_row(encoding_functions, "to_bytes", 2)->eval(&call, &bytes, &err) != OK)
            got = str_to_c(*state, str_printf(*state, "ERROR: %s", err.message));
        else
            got = fn_call(encoding_functions, "from_bytes", &type_string,
                          (Arg[]){{bytes, &type_bytes}, S("hex")}, 2, *state);
        fn_expect(cases[i].text, got, cases[i].hex);
    }
    fn_expect(
        "ascii",
        fn_call(encoding_functions, "from_bytes", &type_string, (Arg[]){BY("a\377"), S("ascii")}, 2, *state),
        "a\357\277\275");
    fn_expect(
        "utf8",
        fn_call(encoding_functions, "from_bytes", &type_string, (Arg[]){BY("a\377"), S("utf8")}, 2, *state),
        "a\357\277\275");
}

static void reads_numbers(void **state)
{
    Arena *arena = *state;
    fn_expect("int",
              fn_call(bytes_functions, "int_from_bytes", &type_integer, (Arg[]){BY("\0\0\0\020")}, 1, arena),
              "16");
    fn_expect("int",
              fn_call(bytes_functions, "int_from_bytes", &type_integer,
                      (Arg[]){BY("\0\0\0\020"), S("little_endian")}, 2, arena),
              "268435456");
    fn_expect(
        "int",
        fn_call(bytes_functions, "int_from_bytes", &type_integer, (Arg[]){BY("\377\377\377\377")}, 1, arena),
        "-1");
    fn_expect("int", fn_call(bytes_functions, "int_from_bytes", &type_integer, (Arg[]){BY("\1")}, 1, arena),
              "ERROR: Number of bytes must be equal to 4, but found 1");
    fn_expect("order",
              fn_call(bytes_functions, "int_from_bytes", &type_integer,
                      (Arg[]){BY("\0\0\0\020"), S("middle")}, 2, arena),
              "ERROR");
    fn_expect("order",
              fn_call(bytes_functions, "int_from_bytes", &type_integer,
                      (Arg[]){BY("\0\0\0\020"), NUL(type_string)}, 2, arena),
              "ERROR");
    fn_expect("null",
              fn_call(bytes_functions, "int_from_bytes", &type_integer, (Arg[]){NUL(type_bytes)}, 1, arena),
              "NULL");
    fn_expect("bigint",
              fn_call(bytes_functions, "bigint_from_bytes", &type_bigint,
                      (Arg[]){BY("\377\377\377\377\377\377\377\376")}, 1, arena),
              "-2");
    fn_expect("double",
              fn_call(bytes_functions, "double_from_bytes", &type_double, (Arg[]){BY("\100\0\0\0\0\0\0\0")},
                      1, arena),
              "2.0");
    fn_expect("double",
              fn_call(bytes_functions, "double_from_bytes", &type_double,
                      (Arg[]){BY("\0\0\0\0\0\0\0\100"), S("LITTLE_ENDIAN")}, 2, arena),
              "2.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(encodes), cmocka_unit_test(converts_bytes),
                                       cmocka_unit_test(reads_numbers)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
