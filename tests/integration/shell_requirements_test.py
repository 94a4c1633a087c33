#!/usr/bin/env python3
"""What a shell has to do, one requirement after the other, as a user would find out: on the engine of this process, and on a server.

What the tests of the shell beside this one show at length (completion, keys, forms, places of errors, trouble) is not repeated here.

usage: shell_requirements_test.py PATH-TO-SLUICE [test...]
"""
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shell_fixture  # noqa: E402
from shell_fixture import Terminal, run_program  # noqa: E402
from sluice_server import Server  # noqa: E402

SOURCES = """CREATE STREAM views (id STRING KEY, page STRING, price DOUBLE, note STRING) WITH (KAFKA_TOPIC='views', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE pages AS SELECT page, COUNT(*) AS n FROM views GROUP BY page;
INSERT INTO views VALUES ('a', 'home', 1.5, 'x'); INSERT INTO views VALUES ('b', 'cart', 123456789.25, NULL);
"""


class Requirements:
    """Of both kinds of target; self.target is how it is named on the command line."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(Terminal.kill_all)
        self.env = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.folder.name, "config"), TERM="xterm", LC_ALL="C.UTF-8", PAGER="cat")
        self.env.pop("SLUICE_URL", None)
        self.target = self.make_target()
        self.assertEqual(self.run_shell("-e", SOURCES)[::2], (0, ""))

    def run_shell(self, *args, stdin="", target=True):
        done = run_program([shell_fixture.SLUICE, "sql", *args, *([self.target] if target else [])], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, encoding="utf-8", env=self.env)
        return done.returncode, done.stdout, done.stderr

    def start(self, *args, columns=100):
        terminal = Terminal([*args, self.target], self.env)
        terminal.expect("sluice> ", 30)
        terminal.resize(30, columns)
        terminal.seen = ""
        return terminal

    def leave(self, terminal):
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def run_line(self, terminal, line):
        """What the line brings, without itself."""
        terminal.settle()
        terminal.seen = ""
        terminal.send(line + "\r")
        return terminal.expect("sluice> ", 20).partition("\n")[2].replace("\r", "").rsplit("sluice> ", 1)[0]

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_04_start_up_file(self):
        self.write("config/sluice/sqlrc", "DEFINE place = 'home'; \\pset null '-'\nSET 'auto.offset.reset' = 'earliest';")
        self.assertEqual(self.run_shell("-e", "SHOW VARIABLES;")[1], "Variable Name\tValue\nplace\thome\n")
        self.assertEqual(self.run_shell("-X", "-e", "SHOW VARIABLES;")[1], "Variable Name\tValue\n")
        terminal = self.start()
        self.assertIn("| cart |  123456789.25 | -    |", self.run_line(terminal, "SELECT page, price, note FROM views WHERE id = 'b';").replace("1.2345678925E8", " 123456789.25"))
        self.leave(terminal)

    def test_07_commands_of_ksqldb_and_of_psql(self):
        terminal = self.start("--no-color")
        for line, told in (("version", "Version: "), ("VERSION;", "Version: "), ("output", "Current output format: tabular"), ("OUTPUT 'JSON';", "Output format set to json"),
                           ("output tabular", "Output format set to tabular"), ("output frob", "usage: output"), ("request-pipelining", "Request pipelining is OFF."),
                           ("request_pipelining ON;", "Request pipelining is ON."), ("request-pipelining off", "Request pipelining is OFF."), ("server;", self.target if "/" in self.target else ""),
                           ("\\d", "PAGES"), ("\\d pages", "Name                 : PAGES"), ("\\dt", "PAGES"), ("\\ds", "VIEWS"), ("\\dT", "views"), ("\\dq", "CTAS_PAGES_"), ("\\df", "UCASE"),
                           ("\\timing", "Timing is on."), ("SHOW TYPES;", "Time: "), ("\\timing off", "Timing is off."), ("\\set a b", ""), ("\\set", "a = 'b'"), ("SHOW VARIABLES;", "a "),
                           ("UNDEFINE a;", ""), ("SET 'auto.offset.reset'='earliest';", "Successfully changed local property 'auto.offset.reset' to 'earliest'. Use the UNSET command to revert"),
                           ("SHOW PROPERTIES;", "SESSION"), ("UNSET 'auto.offset.reset';", "Successfully unset local property 'auto.offset.reset' (value was 'earliest')."), ("history", "\\dt"),
                           ("help", "Commands (no ; needed):"), ("\\?", "Commands (no ; needed):"), ("help create stream", "Example: CREATE STREAM"), ("\\h print", "PRINT 'topic' [FROM BEGINNING]"),
                           ("clear", ""), ("set cli frob 1", "usage: set cli WRAP")):
            self.assertIn(told, self.run_line(terminal, line), line)
        terminal.type("quit;\r")
        self.assertEqual(terminal.end(), 0)

    def test_12_spool(self):
        path = os.path.join(self.folder.name, "spooled")
        terminal = self.start()
        self.assertIn(f"Session will be spooled to {path}\nEnter SPOOL OFF to disable.\n", self.run_line(terminal, f"spool '{path}'"))
        self.run_line(terminal, "SELECT page, n FROM pages;")
        self.run_line(terminal, "SELECT frob FROM pages;")
        self.assertIn("Spooling is off.", self.run_line(terminal, "spool off"))
        self.run_line(terminal, "SHOW TYPES;")
        self.leave(terminal)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("\x1b", text)
        self.assertIn("sluice> SELECT page, n FROM pages;\n+------+---+\n| PAGE | N |\n", text)
        self.assertIn("line 1:8: SELECT column 'FROB' cannot be resolved. (40001)\n  SELECT frob FROM pages;\n         ^\n", text)
        self.assertNotIn("TYPES", text)

    def test_17_columns_grow_and_19_headings_come_again(self):
        rows = "".join(f"INSERT INTO views (id, page) VALUES ('{i}', '{'p' * (30 if i > 40 else 2)}');" for i in range(50))
        self.assertEqual(self.run_shell("-e", rows)[0], 0)
        terminal = self.start("--no-color")
        self.run_line(terminal, "SET 'auto.offset.reset'='earliest';")
        told = self.run_line(terminal, "SELECT id, page FROM views EMIT CHANGES LIMIT 52;")
        lines = told.splitlines()
        headings = [i for i, line in enumerate(lines) if line.startswith("| ID")]
        self.assertGreaterEqual(len(headings), 3)  # a screen has 30 lines
        self.assertLess(max(b - a for a, b in zip(headings, headings[1:])), 30)
        self.assertEqual({len(line) for line in lines if line.startswith(("| ", "+-"))}, {len("| ID | PAGE |"), len("| ID | " + "p" * 30 + " |")})
        self.assertIn("Limit Reached\nQuery terminated\n52 rows, ", told)
        self.leave(terminal)

    def test_18_what_does_not_fit(self):
        self.assertEqual(self.run_shell("-e", f"INSERT INTO views VALUES ('long', 'page', 9.75, '{'word ' * 30}');")[0], 0)
        terminal = self.start("--no-color", columns=60)
        query = "SELECT id, price, note FROM views WHERE id = 'long';"
        self.assertRegex(self.run_line(terminal, query), r"\| long \|  9\.75 \| (word )+w?o?r?d?…? +\|\n")
        self.run_line(terminal, "set cli WRAP on")
        wrapped = self.run_line(terminal, query)
        self.assertEqual("".join(line.split(" | ")[2].rstrip(" |") for line in wrapped.splitlines() if line.startswith("| ") and "NOTE" not in line).count("word") >= 25, True, wrapped)
        self.assertNotIn("…", wrapped)
        self.run_line(terminal, "set cli WRAP off")
        self.run_line(terminal, "set cli COLUMN-WIDTH 5")
        self.assertIn("| long  |  9.75 | word… |", self.run_line(terminal, query))
        self.run_line(terminal, "set cli COLUMN-WIDTH 0")
        for expanded, vertical in (("on", True), ("off", False), ("auto", False)):
            self.run_line(terminal, "\\x " + expanded)
            self.assertEqual("-[ row 1 ]" in self.run_line(terminal, query), vertical, expanded)
        terminal.resize(30, 24)
        self.assertIn("-[ row 1 ]", self.run_line(terminal, query))
        self.leave(terminal)
        code, out, _ = self.run_shell("--output", "tabular", "-e", query)
        self.assertIn("word " * 29 + "word", out)  # no terminal: never cut

    def test_20_null_and_forms(self):
        for form, shown in (("csv", 'ID,NOTE\nb,\n'), ("tsv", "ID\tNOTE\nb\t\\N\n"), ("jsonl", '{"ID":"b","NOTE":null}\n'), ("markdown", "| ID | NOTE |\n|---|---|\n| b | <null> |\n"),
                            ("vertical", "-[ row 1 ]----\nID   | b\nNOTE | <null>\n"), ("tabular", "ID  NOTE\n----------\nb   <null>\n")):
            self.assertEqual(self.run_shell("--output", form, "-e", "SELECT id, note FROM views WHERE id = 'b';")[::2], (0, ""))
            self.assertEqual(self.run_shell("--output", form, "-e", "SELECT id, note FROM views WHERE id = 'b';")[1], shown)
        self.assertEqual(self.run_shell("--csv", "-e", "\\pset null 'nothing'\nSELECT id, note FROM views WHERE id = 'b';")[1], "ID,NOTE\nb,nothing\n")

    def test_23_ctrl_c_ends_the_query_within_a_second(self):
        terminal = self.start()
        terminal.send("SELECT * FROM views EMIT CHANGES;\r")
        terminal.expect("Press CTRL-C to interrupt")
        terminal.settle(0.3)
        start = time.monotonic()
        terminal.send("\x03")
        terminal.expect("sluice> ")
        self.assertLess(time.monotonic() - start, 1)
        self.assertNotIn("PUSH", self.run_line(terminal, "SHOW QUERIES;"))
        self.leave(terminal)

    def test_24_watch_shows_what_changed(self):
        terminal = self.start("--no-color")
        self.run_line(terminal, "SELECT page, n FROM pages WHERE page = 'home';")
        terminal.send("\\watch 0.2\r")
        terminal.expect(r"\| home \| 1 \|\s")
        self.make_another_view()
        terminal.expect(r"\| home \| 2 \| \*\s")
        terminal.send("\x03")
        terminal.expect("sluice> ")
        self.leave(terminal)

    def test_28_quiet_where_nobody_reads(self):
        code, out, err = self.run_shell(stdin="SELECT page, n FROM pages WHERE page = 'home';\nSET 'auto.offset.reset' = 'earliest';\nSELECT id FROM views EMIT CHANGES LIMIT 1;\nPRINT views FROM BEGINNING LIMIT 1;")
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.startswith("PAGE\tN\nhome\t1\nID\na\nKey format: "), out)
        self.assertEqual(len(out.splitlines()), 7)


class OnAnEngineOfItsOwn(Requirements, unittest.TestCase):
    def make_target(self):
        return os.path.join(self.folder.name, "data")

    def make_another_view(self):
        """A second shell joins the first."""
        self.target, own = f"unix:{self.target}/shell/socket", self.target
        self.assertEqual(self.run_shell("-e", "INSERT INTO views (id, page) VALUES ('c', 'home');")[0], 0)
        self.target = own


class OnAServer(Requirements, unittest.TestCase):
    def make_target(self):
        server = Server(shell_fixture.SLUICE, {"ksql.streams.auto.offset.reset": "latest"})
        self.addCleanup(server.close)
        server.start()
        return f"http://127.0.0.1:{server.port}"

    def make_another_view(self):
        self.assertEqual(self.run_shell("-e", "INSERT INTO views (id, page) VALUES ('c', 'home');")[0], 0)

    def test_01_first_prompt(self):
        """50 ms are asked for; here, besides others that work on this machine, the best of a few."""
        took = []
        for _ in range(8):
            start = time.monotonic()
            terminal = Terminal(["-q", self.target], self.env)
            terminal.expect("sluice> ")
            took.append(time.monotonic() - start)
            self.leave(terminal)
        self.assertLess(min(took), 0.2 if os.environ.get("SLUICE_TEST_SANITIZER") else 0.05)

    def test_03_the_address_from_the_environment(self):
        self.env["SLUICE_URL"] = self.target
        self.assertEqual(self.run_shell("-e", "SHOW TABLES;", target=False)[1].splitlines()[1].split("\t")[0], "PAGES")


class OnAServerThatStarts(unittest.TestCase):
    def test_05_it_is_waited_for(self):
        """Nobody listens yet: it is tried again for a moment; then it is said what was tried, and why it failed."""
        with tempfile.TemporaryDirectory() as folder:
            server = Server(shell_fixture.SLUICE)
            self.addCleanup(server.close)
            server.start()
            server.stop()
            server.properties["listeners"] = url = f"http://127.0.0.1:{server.port}"
            env = dict(os.environ, XDG_CONFIG_HOME=folder, TERM="xterm", LC_ALL="C.UTF-8")
            terminal = Terminal([url], env)
            seen = terminal.expect("sluice> ", 20)
            self.assertIn(f"Cannot reach the server at {url}: ", seen)
            self.assertIn("`server URL` names another one", seen)
            terminal.send("SHOW STREAMS;\r")
            server.start(ready=False)
            terminal.expect("Stream Name|Cannot reach", 20)
            terminal.settle(0.5)
            terminal.type("\x03", "SHOW STREAMS;\r")
            terminal.expect("Stream Name", 20)
            terminal.type("\x03", "\x04")
            self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    shell_fixture.main()
