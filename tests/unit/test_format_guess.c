/* What payloads look like: the formats that are left after each, and how they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serde/format_guess.h"
#include "serde/registry_memory.h"
#include "serde/serde.h"

#define NOTHING "¯\\_(ツ)_/¯ - no data processed"
#define WINDOWED(f) "SESSION(" f ") or HOPPING(" f ") or TUMBLING(" f ")"
#define TIMED(f) "HOPPING(" f ") or TUMBLING(" f ")"
#define NUMBERS "KAFKA_BIGINT or KAFKA_DOUBLE"

#define ONE(a) {a}, 1
#define TWO(a, b) {a, b}, 2
#define THREE(a, b, c) {a, b, c}, 3

/* The names are those after the last payload, which is shown. */
static const struct {
    int         side;
    Str         payloads[3];
    size_t      count;
    const char *names, *shown;
} rows[] = {
    /* nothing is known */
    {SIDE_KEY, ONE(STR_NULL), NOTHING, "<null>"},
    /* JSON: whole values only */
    {SIDE_VALUE, ONE(STR_LIT("{\"a\": 1, \"b\": [true, null]}")), "JSON or KAFKA_STRING",
     "{\"a\": 1, \"b\": [true, null]}"},
    {SIDE_VALUE, TWO(STR_LIT("[10,22]"), STR_LIT(" 5 ")), "JSON or KAFKA_STRING", " 5 "},
    {SIDE_VALUE, ONE(STR_LIT("{\n  \"a b\" : \"c d\",\r\n\t\"e\": [ 1 ]\n}\n")), "JSON or KAFKA_STRING",
     "{\"a b\":\"c d\",\"e\":[1]}"},
    {SIDE_VALUE, ONE(STR_LIT("{\"a\":1")), "KAFKA_STRING", "{\"a\":1"},
    {SIDE_VALUE, ONE(STR_LIT("{\"a\":1} and more")), "KAFKA_STRING", "{\"a\":1} and more"},
    {SIDE_VALUE, ONE(STR_LIT("{\"a\":1}{\"a\":1}")), "KAFKA_STRING", "{\"a\":1}{\"a\":1}"},
    {SIDE_VALUE, ONE(STR_LIT("{\"ab\":1}\xff")), "UNRECOGNISED_BYTES", "{\"ab\":1}\\xFF"},
    {SIDE_VALUE, ONE(STR_LIT("tru")), "KAFKA_STRING", "tru"},
    /* text; a null and the empty text say little */
    {SIDE_KEY, THREE(STR_LIT("a\nb\r"), STR_NULL, STR_LIT("λ\\n\nb")), "KAFKA_STRING", "λ\\n\\nb"},
    {SIDE_KEY, ONE(STR_LIT("")), "KAFKA_STRING", ""},
    {SIDE_VALUE, TWO(STR_LIT("a"), STR_NULL), "KAFKA_STRING", "<null>"},
    /* numbers */
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\x12")), "KAFKA_INT or KAFKA_STRING", "18"},
    {SIDE_KEY, ONE(STR_LIT("\xff\xff\xff\xff")), "KAFKA_INT", "-1"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\0\0\0\0\xc7")), NUMBERS, "199"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\0\0\0\0\x12")), NUMBERS " or KAFKA_STRING", "18"},
    {SIDE_VALUE, ONE(STR_LIT("\xff\xff\xff\xff\xff\xff\xff\xfe")), NUMBERS, "-2"},
    {SIDE_KEY, TWO(STR_LIT("\0\0\0\1"), STR_LIT("\0\0\0\0\0\0\0\1")), "KAFKA_STRING", NULL},
    /* readable text is shown as such, though it could be a number */
    {SIDE_KEY, ONE(STR_LIT("Bob1")), "KAFKA_STRING or KAFKA_INT", "Bob1"},
    {SIDE_KEY, ONE(STR_LIT("1234")), "JSON or KAFKA_INT or KAFKA_STRING", "1234"},
    {SIDE_VALUE, ONE(STR_LIT("abcdefgh")), "KAFKA_STRING or " NUMBERS, "abcdefgh"},
    {SIDE_KEY, TWO(STR_LIT("Bob1"), STR_LIT("\0\0\0\1")), "KAFKA_INT or KAFKA_STRING", "1"},
    /* windowed keys; values are never windowed */
    {SIDE_KEY, ONE(STR_LIT("k1\0\0\0\0\0\0\xEA\x60")), TIMED("KAFKA_STRING"), "[k1@60000/-]"},
    {SIDE_VALUE, ONE(STR_LIT("k1\0\0\0\0\0\0\xEA\x60")), "UNRECOGNISED_BYTES",
     "k1\\x00\\x00\\x00\\x00\\x00\\x00\\xEA`"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\7\0\0\0\0\0\0\0\5")),
     TIMED("KAFKA_INT") " or " TIMED("KAFKA_STRING") " or KAFKA_STRING", "[7@5/-]"},
    {SIDE_KEY, ONE(STR_LIT("\"k\"\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x05")),
     "SESSION(JSON) or " WINDOWED("KAFKA_STRING") " or KAFKA_STRING", "[\"k\"@5/9]"},
    {SIDE_KEY, ONE(STR_LIT("kk\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x09")),
     TIMED("KAFKA_STRING") " or KAFKA_STRING", NULL}, /* ends before it starts */
    {SIDE_KEY, ONE(STR_LIT("kk\xff\0\0\0\0\0\0\1")), "UNRECOGNISED_BYTES",
     "kk\\xFF\\x00\\x00\\x00\\x00\\x00\\x00\\x01"}, /* before 1970 */
    {SIDE_KEY, ONE(STR_LIT("some key\0\0\0\0\0\0\xEA\x60")),
     "HOPPING(KAFKA_STRING) or " TIMED("KAFKA_BIGINT") " or " TIMED(
         "KAFKA_DOUBLE") " or TUMBLING(KAFKA_STRING)",
     "[some key@60000/-]"},
    {SIDE_KEY,
     TWO(STR_LIT("some key\0\0\0\0\0\0\xEA\x60"), STR_LIT("\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\xEA\x60")),
     TIMED("KAFKA_BIGINT") " or " TIMED("KAFKA_DOUBLE") " or " TIMED("KAFKA_STRING"), "[7@60000/-]"},
    {SIDE_KEY, ONE(STR_LIT("abcd\0\0\0\0\0\0\xEA\x61\0\0\0\0\0\0\xEA\x60")),
     "SESSION(KAFKA_STRING) or SESSION(KAFKA_INT)", "[abcd@60000/60001]"},
    /* the last letters of a key in a time window are no end of a session */
    {SIDE_KEY, ONE(STR_LIT("35857969876543\0\0\1\x71\xA0\x12\x34\x56")), NULL,
     "[35857969876543@1587528479830/-]"},
    {SIDE_KEY, ONE(STR_LIT("user-number-1\0\0\1\x71\xA0\x12\x34\x56")), TIMED("KAFKA_STRING"),
     "[user-number-1@1587528479830/-]"},
    /* texts of any length are windowed keys, too, of times that no clock shows */
    {SIDE_KEY, ONE(STR_LIT("a-long-key")), "KAFKA_STRING or " TIMED("KAFKA_STRING"), "a-long-key"},
    {SIDE_KEY, ONE(STR_LIT("1234567890123")),
     "JSON or " TIMED("JSON") " or " TIMED("KAFKA_STRING") " or KAFKA_STRING", "1234567890123"},
    {SIDE_KEY, ONE(STR_LIT("\"stream/CLICKSTREAM/create\"")),
     "JSON or " TIMED("KAFKA_STRING") " or KAFKA_STRING", "\"stream/CLICKSTREAM/create\""},
    /* no terminal obeys what is shown */
    {SIDE_VALUE, ONE(STR_LIT("a\0\x1b[2J\x7f\xc2\x9b\tb")), "KAFKA_STRING",
     "a\\x00\\x1B[2J\\x7F\\xC2\\x9B\tb"},
    {SIDE_VALUE, ONE(STR_LIT("\"\x7f\xc2\x9b\"")), "JSON or KAFKA_STRING", "\"\\u007f\\u009b\""},
    /* schemas that the registry knows, keys in windows, too; bytes that their schema cannot read */
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\1\2\xc8\1\2x")), "AVRO", "{\"A\":100,\"s\":\"x\"}"},
    {SIDE_VALUE, TWO(STR_LIT("\0\0\0\0\1\2\2\2x"), STR_NULL), "AVRO or KAFKA_STRING", "<null>"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\0\1\2\2\2x\0\0\0\0\0\0\xEA\x60")),
     TIMED("AVRO") " or AVRO or " WINDOWED("KAFKA_STRING"), "[{\"A\":1,\"s\":\"x\"}@60000/-]"},
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\1\2\2\2\x1b")), "AVRO or KAFKA_STRING", "{\"A\":1,\"s\":\"\\u001B\"}"},
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\1\2\xfe")), "UNRECOGNISED_BYTES",
     "\\x00\\x00\\x00\\x00\\x01\\x02\\xFE"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\0\2\xfe\1")), "AVRO", "127"},
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\3\0\x08\7\x12\6abcdef")), "PROTOBUF or KAFKA_STRING",
     "{\"a\":7,\"s\":\"abcdef\"}"},
    {SIDE_KEY, ONE(STR_LIT("\0\0\0\0\4{\"a\": 7, \"s\": \"a long text\"}")), NULL,
     "{\"a\":7,\"s\":\"a long text\"}"},
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\4{\"a\": 7}")), "JSON_SR or KAFKA_STRING", "{\"a\":7,\"s\":null}"},
    {SIDE_VALUE, ONE(STR_LIT("\0\0\0\0\x63\2\2\2\xff")), "UNRECOGNISED_BYTES",
     "\\x00\\x00\\x00\\x00c\\x02\\x02\\x02\\xFF"},
    /* mixed */
    {SIDE_VALUE, TWO(STR_LIT("{}"), STR_LIT("text")), "KAFKA_STRING", "text"},
    {SIDE_VALUE, TWO(STR_LIT("{}"), STR_LIT("\0\0\0\0\1\xfe\\")), "UNRECOGNISED_BYTES",
     "\\x00\\x00\\x00\\x00\\x01\\xFE\\x5C"},
    {SIDE_VALUE, TWO(STR_LIT("\xfe"), STR_LIT("λ\n")), "UNRECOGNISED_BYTES", "λ\\n"},
};

/* In the order of their ids. */
static SchemaRegistry *new_registry(void)
{
    static const RegisteredSchema schemas[] = {
        {.kind = SCHEMA_AVRO,
         .text = STR_LIT(
             "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"A\",\"type\":[\"null\",\"int\"]},"
             "{\"name\":\"s\",\"type\":\"string\"}]}")},
        {.kind = SCHEMA_AVRO, .text = STR_LIT("\"int\"")},
        {.kind = SCHEMA_PROTOBUF,
         .text = STR_LIT("syntax = \"proto3\"; message M { int32 a = 1; string s = 2; }")},
        {.kind = SCHEMA_JSON,
         .text = STR_LIT("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},"
                         "\"s\":{\"type\":\"string\"}}}")},
    };
    SchemaRegistry *registry = registry_memory_new();
    Error           err;
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        char    subject[2] = {(char)('a' + i), 0};
        int32_t id         = 0;
        assert_int_equal(registry_enroll(registry, str_c(subject), &schemas[i], &id, &err), OK);
        assert_int_equal(id, i + 1);
    }
    return registry;
}

/* A registry that counts how often it is asked, and does not answer. */
static int asked;

static Status no_answer(SchemaRegistry *self, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    asked++;
    return error_set(err, E_WAIT, NO_POS, "The schema registry is away");
}

static void a_registry_that_is_away_is_asked_once(void **state)
{
    SchemaRegistry away  = {.by_id = no_answer};
    StrBuf         names = {0}, shown = {0};
    FormatGuess   *guess;
    Error          err;
    Str            bytes = STR_LIT("\0\0\0\0\1\xfe"), other = STR_LIT("\0\0\0\0\2\xfe");
    assert_int_equal(format_guess_new(SIDE_KEY, &away, &guess, &err), OK);
    format_guess_see(guess, bytes);
    format_guess_see(guess, other);
    format_guess_names(guess, &names);
    format_guess_print(guess, bytes, &shown);
    assert_int_equal(asked, 1);
    assert_true(str_equal(strbuf_str(&names), STR_LIT("UNRECOGNISED_BYTES")));
    assert_true(str_equal(strbuf_str(&shown), STR_LIT("\\x00\\x00\\x00\\x00\\x01\\xFE")));
    format_guess_free(guess);
    strbuf_clear(&names);
    strbuf_clear(&shown);
}

static void formats_are_guessed(void **state)
{
    SchemaRegistry *registry = new_registry();
    StrBuf          names = {0}, shown = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        FormatGuess *guess;
        Error        err;
        assert_int_equal(format_guess_new(rows[i].side, registry, &guess, &err), OK);
        for (size_t n = 0; n < rows[i].count; n++)
            format_guess_see(guess, rows[i].payloads[n]);
        strbuf_reset(&names);
        strbuf_reset(&shown);
        format_guess_names(guess, &names);
        format_guess_print(guess, rows[i].payloads[rows[i].count - 1], &shown);
        strbuf_addc(&names, '\0');
        strbuf_addc(&shown, '\0');
        if ((rows[i].names != NULL && strcmp(names.ptr, rows[i].names) != 0) ||
            (rows[i].shown != NULL && strcmp(shown.ptr, rows[i].shown) != 0))
            fail_msg("row %zu: %s, %s; expected %s, %s", i, names.ptr, shown.ptr,
                     rows[i].names != NULL ? rows[i].names : "any", rows[i].shown);
        format_guess_free(guess);
    }
    strbuf_clear(&names);
    strbuf_clear(&shown);
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_guessed),
        cmocka_unit_test(a_registry_that_is_away_is_asked_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
