/*
 * Mistakes as people see them: the place of the file, the line, a mark under the letter, whatever way the
 * message told it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/complaint.h"

static const struct {
    const char *what;
    const char *message;
    Pos         pos;
    const char *file, *text;
    size_t      start;
    unsigned    lines_before;
    const char *code;
    const char *shown;
} cases[] = {
    {"a place beside the message",
     "Unknown X\nDid you mean `Y`?",
     {1, 8},
     NULL,
     "SELECT x FROM s",
     0,
     0,
     "40001",
     "line 1:8: Unknown X (40001)\n  SELECT x FROM s\n         ^\nDid you mean `Y`?"},
    {"a place that a syntax error tells",
     "line 1:1: Syntax Error\nUnknown statement 'SELEC'\nDid you mean 'SELECT'?",
     {0, 0},
     NULL,
     "SELEC 1",
     0,
     0,
     "",
     "line 1:1: Syntax Error: Unknown statement 'SELEC'\n  SELEC 1\n  ^\nDid you mean 'SELECT'?"},
    {"told twice",
     "line 1:8: Syntax Error\nSyntax error at or near 'x' at line 1:8",
     {1, 8},
     NULL,
     "SELECT x",
     0,
     0,
     "",
     "line 1:8: Syntax error at or near 'x'\n  SELECT x\n         ^"},
    {"in the middle",
     "Exception while preparing statement: Line: 2, Col: 3: Source `T` is gone",
     {0, 0},
     NULL,
     "SELECT *\n  T",
     0,
     0,
     "",
     "line 2:3: Exception while preparing statement: Source `T` is gone\n    T\n    ^"},
    {"as an argument",
     "Illegal argument at Line: 1, Col: 2. Names must be names",
     {0, 0},
     NULL,
     "a-b",
     0,
     0,
     "",
     "line 1:2: Illegal argument. Names must be names\n  a-b\n   ^"},
    {"the second statement of a line",
     "wrong",
     {1, 3},
     "f.sql",
     "one; two x; three\n",
     5,
     0,
     "",
     "f.sql:1:8: wrong\n  one; two x; three\n         ^"},
    {"a later line of a later statement",
     "wrong",
     {2, 2},
     "f.sql",
     "one;\ntwo\n xyz;\n",
     5,
     0,
     "",
     "f.sql:3:2: wrong\n   xyz;\n   ^"},
    {"of a pipe, whose first lines are gone",
     "wrong",
     {1, 1},
     "(standard input)",
     "two;\n",
     0,
     40,
     "",
     "(standard input):41:1: wrong\n  two;\n  ^"},
    {"a hint with a place of its own",
     "line 1:9: Syntax Error\nSyntax error at or near '1' at line 1:9\nDid you mean 'WHERE' for "
     "'WERE' at line 1:4?",
     {1, 9},
     "f.sql",
     "-- x\na; s WERE a = 1;",
     8,
     0,
     "",
     "f.sql:2:12: Syntax error at or near '1'\n  a; s WERE a = 1;\n             ^\nDid you mean 'WHERE' for "
     "'WERE' at line 2:7?"},
    {"tabs",
     "wrong",
     {1, 4},
     NULL,
     "\ta\tb",
     0,
     0,
     "",
     "line 1:4: wrong\n          a       b\n                  ^"},
    {"wide letters", "wrong", {1, 4}, NULL, "日本 x", 0, 0, "", "line 1:4: wrong\n  日本 x\n       ^"},
    {"combining letters and joined pictures",
     "wrong",
     {1, 8},
     NULL,
     "e\xcc\x81 👨\u200d👩 x",
     0,
     0,
     "",
     "line 1:8: wrong\n  e\xcc\x81 👨\u200d👩 x\n       ^"},
    {"behind the end",
     "missing ';'",
     {1, 6},
     NULL,
     "日本",
     0,
     0,
     "",
     "line 1:6: missing ';'\n  日本   \n         ^"},
    {"a message that quotes what it should not",
     "bad: \033[2J\r\n\tprint x;",
     {0, 0},
     NULL,
     "",
     0,
     0,
     "",
     "bad: \\u001b[2J\\u000d\n\tprint x;"},
    {"control characters",
     "wrong",
     {1, 2},
     NULL,
     "\033[2J",
     0,
     0,
     "",
     "line 1:2: wrong\n  \\u001b[2J\n        ^"},
    {"line ends of Windows", "wrong", {1, 2}, NULL, "ab\r\ncd", 0, 0, "", "line 1:2: wrong\n  ab\n   ^"},
    {"no place at all",
     "The disk is full\nhint",
     {0, 0},
     NULL,
     "SELECT 1",
     0,
     0,
     "50000",
     "The disk is full (50000)\nhint"},
    {"none in the statement, but a file",
     "The disk is full",
     {0, 0},
     "f.sql",
     "a;\nb;",
     3,
     0,
     "",
     "f.sql:2:1: The disk is full"},
    {"a file that cannot be read", "No such file", {0, 0}, "f.sql", "", 0, 0, "", "f.sql: No such file"},
    {"a line that is not there", "wrong", {7, 3}, NULL, "a", 0, 0, "", "line 7:3: wrong"},
    {"numbers that are none", "line x:1: wrong", {0, 0}, NULL, "a", 0, 0, "", "line x:1: wrong"},
    {"numbers beyond measure",
     "line 99999999999999:1: wrong",
     {0, 0},
     NULL,
     "a",
     0,
     0,
     "",
     "line 99999999999999:1: wrong"},
};

static void a_mistake_is_shown_at_its_place(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        StrBuf    out       = {0};
        Complaint complaint = {.message      = str_c(cases[i].message),
                               .pos          = cases[i].pos,
                               .file         = cases[i].file,
                               .text         = str_c(cases[i].text),
                               .start        = cases[i].start,
                               .lines_before = cases[i].lines_before,
                               .code         = str_c(cases[i].code)};
        complaint_append(&out, &complaint);
        strbuf_addc(&out, '\0');
        if (strcmp(out.ptr, cases[i].shown) != 0)
            fail_msg("%s:\n%s\nis not\n%s", cases[i].what, out.ptr, cases[i].shown);
        strbuf_clear(&out);
    }
}

/* The mark stays on the screen, and under its letter. */
static void of_a_long_line_a_part_is_shown(void **state)
{
    char long_line[1001];
    memset(long_line, 'a', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    static const unsigned columns[] = {1, 30, 500, 990, 1000, 1001};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        StrBuf    out       = {0};
        Complaint complaint = {
            .message = STR_LIT("x"), .pos = {1, columns[i]}, .text = str_c(long_line), .columns = 40};
        if (columns[i] <= 1000)
            long_line[columns[i] - 1] = 'X';
        complaint_append(&out, &complaint);
        strbuf_addc(&out, '\0');
        char *line = strchr(out.ptr, '\n') + 1, *mark = strchr(line, '\n') + 1;
        mark[-1]  = '\0';
        size_t at = strlen(mark) - 1, bytes = 0, column = 0;
        assert_in_range(at, 2, 39);
        while (column < at) /* `…` is three bytes and one column */
            column += ((unsigned char)line[++bytes] & 0xC0) != 0x80;
        assert_int_equal(line[bytes], columns[i] <= 1000 ? 'X' : '\0');
        assert_true(strstr(line, "…") != NULL);
        if (columns[i] <= 1000)
            long_line[columns[i] - 1] = 'a';
        strbuf_clear(&out);
    }
}

/* What it costs grows as the line does: measured for each letter anew, this would take hours. The letters are
 * two bytes, the last one before the mark is wide, and none of it may be shown by half. */
static void a_line_of_megabytes_is_measured_once(void **state)
{
    enum { LETTERS = 1000000 };
    StrBuf text = {0}, out = {0};
    for (size_t i = 0; i < LETTERS; i++)
        strbuf_adds(&text, i % 100 == 50 ? "\t" : "é");
    strbuf_adds(&text, "日XYZ");
    for (unsigned place = 0; place < 2; place++) {
        Complaint complaint = {.message = STR_LIT("x"),
                               .pos     = {1, LETTERS + 2},
                               .text    = strbuf_str(&text),
                               .columns = place == 0 ? 40 : 41};
        strbuf_reset(&out);
        complaint_append(&out, &complaint);
        strbuf_addc(&out, '\0');
        char *line = strchr(out.ptr, '\n') + 1, *mark = strchr(line, '\n') + 1;
        mark[-1] = '\0';
        assert_true(strncmp(line, "  …é", strlen("  …é")) == 0);
        assert_string_equal(line + strlen(line) - strlen("é日XYZ"), "é日XYZ");
        assert_in_range(strlen(mark), 3 + 37 * 2 / 3 - 1, 3 + 38 * 2 / 3 + 1);
    }
    strbuf_clear(&text);
    strbuf_clear(&out);
}

/* A wide letter that only half of would fit is left out. */
static void a_wide_letter_is_not_cut(void **state)
{
    StrBuf text = {0}, out = {0};
    for (size_t i = 0; i < 100; i++)
        strbuf_adds(&text, "日");
    strbuf_adds(&text, "aX");
    Complaint complaint = {
        .message = STR_LIT("x"), .pos = {1, 102}, .text = strbuf_str(&text), .columns = 40};
    for (complaint.columns = 30; complaint.columns < 36; complaint.columns++) {
        strbuf_reset(&out);
        complaint_append(&out, &complaint);
        strbuf_addc(&out, '\0');
        char *line = strchr(out.ptr, '\n') + 1, *mark = strchr(line, '\n') + 1;
        mark[-1]    = '\0';
        size_t wide = (strlen(line) - strlen("  …aX")) / strlen("日");
        assert_int_equal(strlen(line), strlen("  …aX") + wide * strlen("日"));
        assert_int_equal(strlen(mark), strlen("   ") + 2 * wide + strlen("a^"));
        assert_true(2 * wide + 1 <= (complaint.columns - 3) * 2 / 3);
        assert_true(2 * wide + 3 >= (complaint.columns - 3) * 2 / 3);
    }
    strbuf_clear(&text);
    strbuf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_is_shown_at_its_place),
        cmocka_unit_test(of_a_long_line_a_part_is_shown),
        cmocka_unit_test(a_line_of_megabytes_is_measured_once),
        cmocka_unit_test(a_wide_letter_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
