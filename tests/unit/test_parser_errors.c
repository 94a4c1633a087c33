/* Positions and texts of what the parser refuses (parser/syntax_error.c, the checks while building). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/parser.h"

#define SYNTAX(at, detail) "line " at ": Syntax Error\n" detail
#define NEAR(token, at) SYNTAX(at, "Syntax error at or near '" token "' at line " at)
#define WORD(token, at)                                                                                      \
    SYNTAX(                                                                                                  \
        at,                                                                                                  \
        "\"" token                                                                                           \
        "\" is a reserved keyword and it can't be used as an identifier. You can use it as an identifier "   \
        "by escaping it as '" token "'")
#define UNKNOWN(token, at, near) SYNTAX(at, "Unknown statement '" token "'\nDid you mean '" near "'?")
#define OPEN_BRACKET(at) SYNTAX(at, "Syntax error at or near \";\"\n'}', ']', or ')' is missing")
#define INNER                                                                                                \
    "\nQueries within queries are not in this dialect: CREATE STREAM or TABLE name AS SELECT ... gives one " \
    "a "                                                                                                     \
    "name to read from"
#define ORDER                                                                                                \
    "\nORDER BY is not in this dialect: rows come in no promised order. TOPK, LATEST_BY_OFFSET and windows " \
    "do "                                                                                                    \
    "much of what it is for"
#define UNION                                                                                                \
    "\nUNION is not in this dialect: INSERT INTO name SELECT ... adds a second query's rows to a stream"
#define OFFSET "\nOFFSET is not in this dialect: a condition on the key gives a part of the rows"
#define UNITS "\nThe units are DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS"
#define PREPARE "Failed to prepare statement: "

static const struct {
    const char *sql;
    unsigned    line, col;
    const char *message;
} mistakes[] = {
    /* the first word */
    {"SELET a FROM t;", 1, 1, UNKNOWN("SELET", "1:1", "SELECT")},
    {"list streams; shw tables;", 1, 15, UNKNOWN("shw", "1:15", "SHOW")},
    {";", 1, 1, UNKNOWN(";", "1:1", "SET")},
    {"RUN SCRIPT 'a';", 1, 1, UNKNOWN("RUN", "1:1", "PRINT")},
    /* reserved words as names */
    {"CREATE STREAM o (a VARCHAR, size INT) WITH (kafka_topic='o');", 1, 29, WORD("size", "1:29")},
    {"CREATE STREAM stream (a INT);", 1, 15, WORD("stream", "1:15")},
    {"DROP TYPE table;", 1, 11, WORD("table", "1:11")},
    {"CREATE STREAM select (a INT);", 1, 15, WORD("select", "1:15")},
    {"DROP STREAM distinct;", 1, 13, WORD("distinct", "1:13")},
    /* not meant as names */
    {"SELECT COUNT(DISTINCT x) FROM t;", 1, 14,
     NEAR("DISTINCT",
          "1:14") "\nDISTINCT in a function is not in this dialect: COUNT_DISTINCT and COLLECT_SET are"},
    {"SELECT DISTINCT a FROM t;", 1, 8,
     NEAR("DISTINCT", "1:8") "\nSELECT DISTINCT is not in this dialect: SELECT a, COUNT(*) FROM name GROUP "
                             "BY a has each value once"},
    {"SELECT a, FROM t;", 1, 11, NEAR("FROM", "1:11")},
    {"SELECT a FROM t WHERE a IN (SELECT b FROM u);", 1, 29, NEAR("SELECT", "1:29") INNER},
    /* what other databases have */
    {"SELECT a FROM t ORDER BY a;", 1, 23, NEAR("BY", "1:23") ORDER},
    {"SELECT a FROM t WHERE a > 1 ORDER BY a;", 1, 29, NEAR("ORDER", "1:29") ORDER},
    {"SELECT a FROM t UNION SELECT a FROM u;", 1, 23, NEAR("SELECT", "1:23") UNION},
    {"SELECT a FROM t UNION ALL SELECT a FROM u;", 1, 23, NEAR("ALL", "1:23") UNION},
    {"SELECT a FROM t WHERE a > 1 UNION SELECT a FROM u;", 1, 29, NEAR("UNION", "1:29") UNION},
    {"SELECT a FROM (SELECT a FROM t);", 1, 15, NEAR("(", "1:15") INNER},
    {"SELECT a FROM t LIMIT 1 OFFSET 2;", 1, 25, SYNTAX("1:25", "Expecting ';'") OFFSET},
    {"SELECT a FROM t OFFSET 2;", 1, 24, NEAR("2", "1:24") OFFSET},
    {"SELECT a FROM t WHERE b > timestamp '2020';", 1, 37,
     NEAR("'2020'", "1:37") "\nWrite CAST('2020' AS TIMESTAMP)"},
    {"SELECT DATEADD(MONTHS, 1, a) FROM t;", 1, 16, NEAR("MONTHS", "1:16") UNITS},
    {"SELECT a FROM t WINDOW TUMBLING (SIZE 1 WEEK);", 1, 41, NEAR("WEEK", "1:41") UNITS},
    /* the end comes too early */
    {"SELECT a FROM t", 1, 16, SYNTAX("1:16", "missing ';' at '<EOF>'")},
    {"SELECT a FROM t\n", 2, 1, SYNTAX("2:1", "missing ';' at '<EOF>'")},
    {"SELECT (a + 1", 1, 14, OPEN_BRACKET("1:14")},
    {"SELECT f(a;", 1, 11, OPEN_BRACKET("1:11")},
    {"SHOW", 1, 5, NEAR("<EOF>", "1:5")},
    /* few things would fit */
    {"SET 'a' 'b';", 1, 9, SYNTAX("1:9", "Expecting '='")},
    {"CREATE STREAM s AS 1;", 1, 20, SYNTAX("1:20", "Expecting 'SELECT'")},
    {"CREATE STREAM s (a INT) WITH (a='b' c=1);", 1, 37, SYNTAX("1:37", "Expecting {',', ')'}")},
    {"SELECT a FROM t LIMIT 'x';", 1, 23,
     SYNTAX("1:23", "Expecting {INTEGER_VALUE, DECIMAL_VALUE, FLOATING_POINT_VALUE}")},
    {"DROP STREAM IF x;", 1, 16, SYNTAX("1:16", "Expecting {';', 'DELETE'}")},
    {"CREATE STREAM s (a DECIMAL);", 1, 27, SYNTAX("1:27", "Expecting '('")},
    /* everything else */
    {"CREATE STREM s (a INT);", 1, 8, NEAR("STREM", "1:8") "\nDid you mean 'STREAM'?"},
    {"SELECT a = b = c FROM t;", 1, 14, NEAR("=", "1:14")},
    {"SELECT a IS NULL = TRUE FROM t;", 1, 18, NEAR("=", "1:18")},
    {"SELECT t.a.b FROM t;", 1, 11, NEAR(".", "1:11")},
    {"SELECT a FROM t GROUP BY a IS NULL;", 1, 28, NEAR("IS", "1:28")},
    {"SELECT a FROM t WHERE a = 1 WINDOW SESSION (1 DAY);", 1, 29, NEAR("WINDOW", "1:29")},
    {"SELECT 'abc FROM t;", 1, 8, NEAR("'", "1:8")},
    {"SELECT \xC3\xA9 FROM t;", 1, 8, NEAR("\xC3\xA9", "1:8")},
    {"CREATE STREAM s (a STRUCT<>);", 1, 26, NEAR("<>", "1:26")},
    {"CREATE STREAM s ();", 1, 18, NEAR(")", "1:18")},
    {"CREATE STREAM s (a INT) WITH ();", 1, 31, NEAR(")", "1:31")},
    {"CREATE SOURCE STREAM s AS SELECT * FROM t;", 1, 24, NEAR("AS", "1:24")},
    {"SELECT a IN () FROM t;", 1, 14, NEAR(")", "1:14")},
    {"SELECT f(x => x) FROM t;", 1, 12, NEAR("=>", "1:12")},
    {"SELECT f(a, () => 1) FROM t;", 1, 16, NEAR("=>", "1:16")},
    {"SELECT f(a, (x, 1) => 1) FROM t;", 1, 20, NEAR("=>", "1:20")},
    {"SELECT f(a, (t.x) => 1) FROM t;", 1, 19, NEAR("=>", "1:19")},
    {"SELECT (a, b) FROM t;", 1, 10, NEAR(",", "1:10")},
    {"SELECT DATE '2020-01-01' FROM t;", 1, 13,
     NEAR("'2020-01-01'", "1:13") "\nWrite CAST('2020-01-01' AS DATE)"},
    {"ASSERT VALUES s VALUES (1);", 1, 8, NEAR("VALUES", "1:8")},
    {"ASSERT NULL VALUES s KEY (1);", 1, 8, NEAR("NULL", "1:8")},
    {"ASSERT STREAM s;", 1, 8, NEAR("STREAM", "1:8")},
    /* found while building */
    {"SELECT 9223372036854775808 FROM t;", 1, 8,
     PREPARE "line 1:9: Invalid numeric literal: 9223372036854775808"},
    {"SELECT -9223372036854775809 FROM t;", 1, 8,
     PREPARE "line 1:9: Invalid numeric literal: -9223372036854775809"},
    {"SELECT 1e999 FROM t;", 1, 8, PREPARE "line 1:9: Number overflows DOUBLE: 1e999"},
    {"SELECT x.a FROM t AS y;", 1, 8, PREPARE "'X' is not a valid stream/table name or alias."},
    {"SELECT x.* FROM t y;", 1, 8, PREPARE "'X' is not a valid stream/table name or alias."},
    {"INSERT INTO t VALUES (t.a);", 1, 23, PREPARE "'T' is not a valid stream/table name or alias."},
    {"SELECT a FROM t GROUP BY ();", 1, 17, PREPARE "GROUP BY requires at least one expression"},
    {"SELECT a FROM t PARTITION BY ();", 1, 17, PREPARE "PARTITION BY requires at least one expression"},
    {"SELECT a FROM t LIMIT 1.5;", 1, 23, PREPARE "Value must be integer for command: LIMIT"},
    {"PRINT t INTERVAL 1e1;", 1, 18, PREPARE "Value must be integer for command: INTERVAL"},
    {"CREATE TYPE t AS DECIMAL(1.5, 0);", 1, 26,
     PREPARE "Value must be integer for command: DECIMAL(PRECISION)"},
    {"CREATE TYPE t AS DECIMAL(1, 0.);", 1, 29, PREPARE "Value must be integer for command: DECIMAL(SCALE)"},
    {"SELECT a FROM t WINDOW SESSION (1.5 DAYS);", 1, 33, PREPARE "For input string: \"1.5\""},
    {"INSERT INTO t (a, b) VALUES (1);", 1, 1, PREPARE "Expected number columns and values to match: 2, 1"},
    {"ASSERT SCHEMA;", 1, 1, PREPARE "ASSERT SCHEMA statements much include a subject name or an id"},
    {"ASSERT SCHEMA ID 'x';", 1, 18, PREPARE "ID must be an integer"},
    {"SELECT ${x} FROM t;", 1, 8, PREPARE "not yet implemented"},
    {"SELECT a FROM `a b`;", 1, 15,
     "Illegal argument at Line: 1, Col: 15. Source names may only contain alphanumeric values, '_' or '-'. "
     "Got: 'a b'"},
    {"CREATE TABLE t (a INT KEY);", 1, 17,
     "Line: 1, Col: 17: Column `A` is a 'KEY' column: please use 'PRIMARY KEY' for tables.\n"
     "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
     "Streams have KEYs, which have no uniqueness or NON NULL constraints."},
    {"CREATE STREAM t (a INT PRIMARY KEY);", 1, 18,
     "Line: 1, Col: 18: Column `A` is a 'PRIMARY KEY' column: please use 'KEY' for streams.\n"
     "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
     "Streams have KEYs, which have no uniqueness or NON NULL constraints."},
    /* a syntax error further on wins; of two other mistakes the first does */
    {"SELECT 1e999 FROM t; SHOW x;", 1, 27, NEAR("x", "1:27")},
    {"SELECT 1e999 FROM t; SELECT x.a FROM t;", 1, 8, PREPARE "line 1:9: Number overflows DOUBLE: 1e999"},
};

static void the_parser_points_at_the_mistake(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        Arena    *arena = arena_new(0);
        AstScript script;
        Error     err;
        if (parse_script(arena, str_c(mistakes[i].sql), NULL, &script, &err) != E_SYNTAX)
            fail_msg("accepted: %s", mistakes[i].sql);
        if (strcmp(err.message, mistakes[i].message) != 0 || err.pos.line != mistakes[i].line ||
            err.pos.col != mistakes[i].col)
            fail_msg("%s\n%u:%u %s\nexpected %s", mistakes[i].sql, err.pos.line, err.pos.col, err.message,
                     mistakes[i].message);
        arena_free(arena);
    }
}

static void positions_start_at_the_origin(void **unused)
{
    Arena       *arena   = arena_new(0);
    ParseOptions options = {.origin = {7, 3}};
    AstScript    script;
    Error        err;
    assert_int_equal(parse_script(arena, STR_LIT("SHOW x;\n"), &options, &script, &err), E_SYNTAX);
    assert_int_equal(err.pos.line, 7);
    assert_int_equal(err.pos.col, 8);
    assert_string_equal(err.message, NEAR("x", "7:8"));
    arena_free(arena);
}

static void exactly_one_statement(void **unused)
{
    Arena        *arena = arena_new(0);
    AstStatement *statement;
    Error         err;
    assert_int_equal(parse_statement(arena, STR_LIT("-- nothing"), NULL, &statement, &err), E_SYNTAX);
    assert_string_equal(err.message, "Expected exactly one KSQL statement; found 0 instead");
    assert_int_equal(parse_statement(arena, STR_LIT("SHOW TYPES; SHOW TYPES;"), NULL, &statement, &err),
                     E_SYNTAX);
    assert_string_equal(err.message, "Expected exactly one KSQL statement; found 2 instead");
    arena_free(arena);
}

/* `head`, then `unit` again and again, then `tail`: none may cost more than an error. */
static const struct {
    const char *head, *unit, *tail;
    int         times;
    bool        fits;
} deep[] = {
    {"SELECT ", "(", ";", 1000000, false},
    {"SELECT a", "+a", " FROM t;", 100000, false},
    {"SELECT a", "||a", " FROM t;", 100000, false},
    {"SELECT a", " AND a", " FROM t;", 100000, false},
    {"SELECT ", "NOT ", "a FROM t;", 100000, false},
    {"SELECT ", "- ", "a FROM t;", 100000, false},
    {"SELECT a", "[1]", " FROM t;", 100000, false},
    {"SELECT a", "->b", " FROM t;", 100000, false},
    {"SELECT ", "f(", ";", 100000, false},
    {"SELECT ", "CASE WHEN ", ";", 100000, false},
    {"SELECT ", "CAST(", ";", 100000, false},
    {"SELECT f(a", ", x => f(a", ";", 100000, false},
    {"CREATE TYPE t AS ", "ARRAY<", ";", 100000, false},
    {"CREATE TYPE t AS ", "STRUCT<a ", ";", 100000, false},
    {"CREATE TYPE t AS INT", " ARRAY", ";", 100000, false},
    {"", "EXPLAIN ", "SHOW TYPES;", 100000, false},
    {"SELECT a", "+a", " FROM t;", AST_MAX_DEPTH, false},
    {"SELECT a", "+a", " FROM t;", AST_MAX_DEPTH - 1, true},
    {"SELECT a", ",a", " FROM t;", 100000, true},
    {"SELECT a FROM t", " JOIN u ON a", ";", 10000, true},
    {"", "SHOW TYPES;", "", 10000, true},
};

static void depth_is_bounded(void **unused)
{
    for (size_t i = 0; i < ARRAY_LEN(deep); i++) {
        StrBuf text = {0}, printed = {0};
        strbuf_adds(&text, deep[i].head);
        for (int n = 0; n < deep[i].times; n++)
            strbuf_adds(&text, deep[i].unit);
        strbuf_adds(&text, deep[i].tail);
        Arena    *arena = arena_new(0);
        AstScript script;
        Error     err;
        Status    status = parse_script(arena, strbuf_str(&text), NULL, &script, &err);
        assert_int_equal(status, deep[i].fits ? OK : E_SYNTAX);
        if (deep[i].fits)
            ast_print_statement(script.items[0], &printed);
        else
            assert_string_equal(
                err.message,
                "Error processing statement: Statement is too large to parse. This may be caused "
                "by having too many nested expressions in the statement.");
        strbuf_clear(&text);
        strbuf_clear(&printed);
        arena_free(arena);
    }
}

static Status parse_list(int literals, StrBuf *text, Error *err)
{
    Arena    *arena = arena_new(0);
    AstScript script;
    strbuf_adds(text, "SELECT 1");
    for (int i = 1; i < literals; i++)
        strbuf_adds(text, ",1");
    strbuf_adds(text, " FROM t; SELECT 1 FROM t;"); /* what is counted is a statement's */
    Status status = parse_script(arena, strbuf_str(text), NULL, &script, err);
    arena_free(arena);
    return status;
}

static void size_is_bounded(void **unused)
{
    StrBuf most = {0}, more = {0};
    Error  err;
    assert_int_equal(parse_list(AST_MAX_EXPRESSIONS, &most, &err), OK);
    assert_int_equal(parse_list(AST_MAX_EXPRESSIONS + 1, &more, &err), E_SYNTAX);
    assert_string_equal(err.message,
                        "Error processing statement: Statement is too large to parse. It has more than "
                        "250000 expressions, columns and literals included.");
    assert_int_equal(err.pos.col, strlen("SELECT 1,") + 2 * (AST_MAX_EXPRESSIONS - 1) + 1);
    strbuf_clear(&most);
    strbuf_clear(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parser_points_at_the_mistake),
        cmocka_unit_test(positions_start_at_the_origin),
        cmocka_unit_test(exactly_one_statement),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(size_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
