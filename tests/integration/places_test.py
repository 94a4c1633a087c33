#!/usr/bin/env python3
"""Mistakes are shown in one way, at their place: by the shell, by `sluice run`, by `sluice test`; the message itself is ksqlDB's.

`^` in a statement stands before the letter that the mark has to be under, and is no part of it.

usage: places_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server  # noqa: E402
from screen import width_of  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
SOURCES = """CREATE STREAM views (id STRING KEY, page STRING, price DOUBLE, addr STRUCT<street STRING>) WITH (KAFKA_TOPIC='views', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TYPE place AS STRUCT<x INT>;
CREATE TABLE pages AS SELECT page, COUNT(*) AS n FROM views GROUP BY page;
"""
WITH = "WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1)"
# Statement, what is said beside the place.
MISTAKES = (
    ("^SELEC 1", "Syntax Error: Unknown statement 'SELEC' (40001)", "Did you mean 'SELECT'?"),
    ("SELECT 1^", "Syntax error at or near ';' (40001)", "A query reads a stream or a table: SELECT ... FROM name"),
    ("SELECT page,\n\t^pric FROM views", "SELECT column 'PRIC' cannot be resolved. (40001)", "Did you mean `PRICE`?"),
    ("SELECT '日本 \U0001F468\u200d\U0001F469', ^pric FROM views", "SELECT column 'PRIC' cannot be resolved. (40001)", "Did you mean `PRICE`?"),
    ("SELECT * FROM ^viewz EMIT CHANGES", "VIEWZ does not exist", "Did you mean VIEWS?"),
    ("SELECT ^UCAS(page) FROM views EMIT CHANGES", "Can't find any functions with the name 'UCAS'", "Did you mean UCASE?"),
    ("SELECT id, ^page * 2 FROM views EMIT CHANGES", "Unsupported arithmetic types. STRING INTEGER", ""),
    ("SELECT addr->^stret FROM views EMIT CHANGES", "Could not find field 'STRET' in 'ADDR'.", "Did you mean STREET?"),
    ("SELECT * FROM pages WHERE ^n = 'x'", "Cannot compare N (BIGINT) to 'x' (STRING) with EQUAL.", "Hint: CAST"),
    ("SELECT page FROM views WERE ^price > 1", "Syntax error at or near 'price'", "Did you mean 'WHERE' for 'WERE' at line"),
    ("INSERT INTO views (id, ^pagee) VALUES ('x', 'y')", "Column name `PAGEE` does not exist.", "Did you mean PAGE?"),
    ("INSERT INTO views (id, price) VALUES ('x',\n  ^'abc')", "Expected type DOUBLE for field PRICE but got STRING(abc)", ""),
    ("DROP STREAM ^viewz", "Stream VIEWZ does not exist.", "Did you mean VIEWS?"),
    ("DROP STREAM ^views", "Cannot drop VIEWS.", "You need to drop them before dropping VIEWS."),
    ("DROP TYPE ^plac", "Type PLAC does not exist.", "Did you mean PLACE?"),
    ("DESCRIBE ^viewz", "Could not find STREAM/TABLE 'VIEWZ' in the Metastore", "Did you mean VIEWS?"),
    ("TERMINATE ^ctas_page_1", "Unknown queryId: CTAS_PAGE_1", "Did you mean CTAS_PAGES_"),
    ("PAUSE ^ctas_page_1", "Unknown queryId: CTAS_PAGE_1", "Did you mean CTAS_PAGES_"),
    ("EXPLAIN ^ctas_page_1", "Query with id:CTAS_PAGE_1 does not exist", "Did you mean CTAS_PAGES_"),
    ("PRINT ^'Views'", "Could not find topic 'Views'", "print views;"),
    (f"CREATE STREAM x (a INT, ^a INT) {WITH}", "Duplicate column names: `A`", ""),
    ("CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT=^'JSN', PARTITIONS=1)", "Unknown format: JSN", "Did you mean JSON?"),
    ("CREATE STREAM x (a INT) WITH (FORMAT=^'JSN', KAFKA_TOPIC='x', PARTITIONS=1)", "Unknown format: JSN", "Did you mean JSON?"),
    ("CREATE STREAM x (a INT) WITH (^KAFKA_TPIC='x', FORMAT='JSON')", "Invalid config variable(s) in the WITH clause: KAFKA_TPIC", "Did you mean KAFKA_TOPIC?"),
    (f"CREATE STREAM x (a ^INTT) {WITH}", "Cannot resolve unknown type: INTT", "Did you mean INT?"),
    (f"CREATE TABLE ^x (a INT) {WITH}", "Tables require a PRIMARY KEY.", ""),
    (f"CREATE STREAM ^views (a INT) {WITH}", "Cannot add stream 'VIEWS'", ""),
    ("^SET 'auto.offset.rest'='earliest'", "Property cannot be overridden or is unknown: auto.offset.rest", "Did you mean auto.offset.reset?"),
    ("^DEFINE 1x='3'", "'1x' cannot be the name of a variable", ""),
    ("SELECT * FROM views PARTITION BY ^pagee EMIT CHANGES", "PARTITION BY column 'PAGEE' cannot be resolved.", "Did you mean `PAGE`?"),
    ("INSERT INTO views (id) VALUES (^${nope})", "The variable ${nope} is not defined", ""),
)


def width(text):
    """Of a line that begins two columns to the right of its tabs' stops."""
    columns = previous = 0
    for c in text:
        if c == "\t":
            columns += 8 - columns % 8
        elif previous != "\u200d":
            columns += width_of(c)
        previous = c
    return columns


def marked(text):
    """The text without its `^`; line and column (from 1) of what it stands before; that line, as it is shown, and the width in front."""
    before, after = text.split("^", 1)
    first, rest = before.rpartition("\n")[2], after.partition("\n")[0]
    shown = first.replace("\t", " " * 8) + rest
    return before + after, before.count("\n") + 1, len(first) + 1, shown, width(first)


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.env = {name: value for name, value in os.environ.items() if name != "SLUICE_URL"}
        cls.env["LC_ALL"] = "C.UTF-8"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def run_sluice(self, *args, stdin=""):
        done = subprocess.run([BINARY, *args], input=stdin, env=self.env, capture_output=True, text=True, encoding="utf-8", timeout=120)
        return done.returncode, done.stdout, done.stderr

    def check(self, told, name, mistake, first_line, in_front=0, wide_in_front=0, shown_in_front="", indent=""):
        """In what was told: the place, the sentence, the line, the mark, the hint, in this order and nothing between."""
        statement, sentence, hint = mistake
        _, line, column, shown, columns = marked(statement)
        if line == 1:
            column, columns, shown = column + in_front, columns + wide_in_front, shown_in_front + shown
        head = re.search(rf"^{re.escape(name)}:{first_line + line - 1}:{column}: .*$", told, re.M)
        self.assertIsNotNone(head, (statement, told))
        self.assertIn(sentence, head.group(0))
        below = told[head.end() + 1:].splitlines()
        self.assertTrue(below[0].startswith(f"{indent}  {shown}"), (statement, below[0]))
        self.assertEqual(below[1], indent + "  " + " " * columns + "^", statement)
        self.assertTrue(hint in below[2] if hint and not hint.startswith(("You need", "print", "Hint")) else hint in "\n".join(below[2:5]), (statement, below[2:5]))
        self.assertNotIn("Line:", head.group(0))

    def test_of_a_file_of_several_statements(self):
        text, first_lines = SOURCES, []
        for mistake in MISTAKES:
            first_lines.append(text.count("\n") + 1)
            text += marked(mistake[0])[0] + ";\n"
        path = self.write("mistakes.sql", text)
        code, _, told = self.run_sluice("sql", "-X", "--continue-on-error", "-f", path, self.path("data"))
        self.assertEqual(code, 1)
        for mistake, line in zip(MISTAKES, first_lines):
            self.check(told, path, mistake, line)
        for name, args in (("(standard input)", ()), ("line", ("-e", text))):  # the same of a pipe and of what is typed
            _, _, told = self.run_sluice("sql", "-X", "--continue-on-error", *args, self.path("data"), stdin=text)
            told = re.sub(r"^line ", "line:", told, flags=re.M)
            for mistake, line in zip(MISTAKES, first_lines):
                self.check(told, name, mistake, line)

    def test_of_one_line_with_several_statements(self):
        front = "SHOW TYPES;  /* 日本 */ "
        self.run_sluice("sql", "-X", "-e", SOURCES, self.path("data2"))
        for mistake in MISTAKES:
            path = self.write("line.sql", "\n" + front + marked(mistake[0])[0] + ";")
            code, _, told = self.run_sluice("sql", "-X", "-f", path, self.path("data2"))
            self.assertEqual(code, 1)
            self.check(told, path, mistake, 2, len(front), width(front), front)

    def test_of_a_file_of_queries(self):
        for mistake in (
                ("CREATE STREAM y AS SELECT id,\n\t^pric FROM views", "SELECT column 'PRIC' cannot be resolved.", "Did you mean `PRICE`?"),
                ("CREATE STREAM y AS ^SELEC 1", "Syntax", ""),
                ("CREATE TABLE ^pages AS SELECT id, COUNT(*) FROM views GROUP BY id", "Cannot add table 'PAGES'", ""),
                ("CREATE STREAM y AS SELECT * FROM ^viewz", "VIEWZ does not exist", "Did you mean VIEWS?")):
            path = self.write("queries.sql", SOURCES + marked(mistake[0])[0] + ";\n")
            code, _, told = self.run_sluice("run", "--until-idle", path)
            self.assertEqual(code, 1)
            self.check(told, path, mistake, SOURCES.count("\n") + 1)

    def test_of_a_test(self):
        for mistake in (("SELECT page,\n\t^pric FROM views EMIT CHANGES", "SELECT column 'PRIC' cannot be resolved.", "Did you mean `PRICE`?"),
                        ("^SELEC 1", "Syntax Error: Unknown statement 'SELEC'", "Did you mean 'SELECT'?")):
            statement = marked(mistake[0])[0].replace("SELECT page", "CREATE STREAM y AS SELECT page")
            mistake = (mistake[0].replace("SELECT page", "CREATE STREAM y AS SELECT page"), *mistake[1:])
            path = self.write("golden.sql", SOURCES + "--@test: one\nSHOW TYPES;\n--@test: two\n\n" + statement + ";\n")
            code, told, _ = self.run_sluice("test", path)
            self.assertEqual(code, 1)
            self.check(told.replace("\n  " + path, "\n" + path), path, mistake, SOURCES.count("\n") + 5, indent="    ")
        self.assertIn("No such file", self.run_sluice("test", self.path("nowhere.sql"))[1])

    def test_the_message_is_not_touched(self):
        """What programs look into tells no more than ksqlDB's does; the place stands beside it."""
        server = Server(BINARY)
        self.addCleanup(server.close)
        server.start()
        server.ok(SOURCES)
        for text, position, message in (("SHOW TYPES;\n DROP STREAM viewz;", "2:14", "Stream VIEWZ does not exist.\nDid you mean VIEWS?"),
                                        ("INSERT INTO views (id) VALUES (1.5 + 'x');", "1:32", None), ("SELEC 1;", "1:1", None), ("", None, None)):
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}/ksql", json.dumps({"ksql": text}).encode(), {"Content-Type": "application/json"})
            with self.assertRaises(urllib.error.HTTPError) as failed:
                urllib.request.urlopen(request)
            answer = json.loads(failed.exception.read())
            self.assertEqual((failed.exception.code, failed.exception.headers.get("Sluice-Error-Position")), (400, position), text)
            self.assertEqual(set(answer) - {"statementText", "entities"}, {"@type", "error_code", "message"})
            self.assertNotIn("At line", answer["message"])
            if message:
                self.assertEqual((answer["message"], answer["statementText"]), (message, "DROP STREAM viewz;"))


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
