#!/usr/bin/env python3
"""The shell as scripts use it: -e, -f, pipes, forms, exit statuses.

    shell_test.py SLUICE      # path of the binary
"""
import base64
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shell_fixture  # noqa: E402
from shell_fixture import HEADER  # noqa: E402


class ShellTest(shell_fixture.WithShell):
    # ---- scripts ----

    def test_execute(self):
        code, out, err = self.run_shell("-e", "CREATE STREAM s (a INT); SHOW STREAMS")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "Stream created\nStream Name\tKafka Topic\tKey Format\tValue Format\tWindowed\nS\ts\tKAFKA\tJSON\tfalse\n")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["CREATE STREAM s (a INT);", "SHOW STREAMS;"])

    def test_why_a_query_failed(self):
        out = self.run_shell("-e", "EXPLAIN Q_1;")[1]
        self.assertIn("Status               : ERROR\n"
                      "Error                : 2023-11-14T22:13:20.002 UTC SYSTEM: no. 2\\u001b[2J\n"
                      "Error                : 2023-11-14T22:13:20.003 UTC SYSTEM: no. 3\\u001b[2J\n"
                      "Error                : 2023-11-14T22:13:20.004 UTC SYSTEM: no. 4\\u001b[2J\n"
                      "Errors               : 2 more before these\n", out)
        self.assertIn("Error                : SYSTEM: its function is gone\n", self.run_shell("-e", "EXPLAIN NEVER_RAN;")[1])
        self.assertNotIn("Error", self.run_shell("-e", "EXPLAIN FINE;")[1])

    def test_failed_statement_stops_the_script(self):
        code, out, err = self.run_shell("-e", "BROKEN; SHOW STREAMS;")
        self.assertEqual((code, out, len(self.server.requests)), (1, "", 1))
        self.assertIn("Syntax error at or near 'x' (40001)", err)
        self.assertIn("hint", err)
        self.assertNotIn("Caused by", err)

    def test_continue_on_error(self):
        code, out, _ = self.run_shell("--continue-on-error", "-e", "BROKEN; INSERT x;")
        self.assertEqual((code, len(self.server.requests)), (1, 2))

    def test_file_names_the_place(self):
        path = self.file("SHOW STREAMS;\n\nSELECT_ a\n  BROKEN;\n")
        code, _, err = self.run_shell("-f", path)
        self.assertEqual(code, 1)
        self.assertIn(f"{path}:4:3: Syntax error at or near 'x' (40001)\n    BROKEN;\n    ^", err)

    def test_a_pipe_knows_its_lines(self):
        """Lines count from the pipe's first one, though they are let go of as they are run."""
        shell = subprocess.Popen([shell_fixture.SLUICE, "sql", self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        shell.stdin.write(b"INSERT one;\nINSERT\n two; INS")
        shell.stdin.flush()
        while len(self.server.requests) < 2:
            time.sleep(0.01)
        _, err = shell.communicate("ERT 三; SELECT_ a\n\tBROKEN;\n".encode())
        self.assertEqual(shell.returncode, 1)
        self.assertIn("(standard input):4:3: Syntax error at or near 'x' (40001)\n          BROKEN;\n           ^\nhint\n", err.decode())

    def test_what_is_not_defined_is_shown(self):
        code, _, err = self.run_shell("-e", "INSERT x;\n  INSERT ${a};")
        self.assertEqual((code, len(self.server.requests)), (1, 1))
        self.assertIn("line 2:10: The variable ${a} is not defined (DEFINE name = 'value';)\n    INSERT ${a};\n           ^\n", err)

    def test_a_variable_that_was_meant(self):
        code, _, err = self.run_shell("-d", "topic=x", "-e", "INSERT ${topc};")
        self.assertEqual(code, 1)
        self.assertIn("  INSERT ${topc};\n         ^\nDid you mean topic?\n", err)

    def test_help_of_what_was_meant(self):
        for topic, told in (("selct", "Did you mean SELECT?"), ("\\\\watch", "  \\\\watch [SECONDS [TIMES]]  "), ("spool", "  spool FILE|off  "), ("exit", "  exit, quit, \\\\q  "),
                            ("frobnicate", "There is no help on frobnicate"), ("describe function", "Example: DESCRIBE FUNCTION ucase;")):
            code, out, err = self.run_shell("-e", "help " + topic.replace("\\\\", "\\"))
            self.assertEqual((code, err), (0, ""))
            self.assertIn(told.replace("\\\\", "\\"), out)
        for command, told in (("\\wach", "Did you mean \\watch?"), ("\\DT x", "There is no command \\DT (")):
            code, out, err = self.run_shell("-e", command)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(told, err)

    def test_pipe_and_order(self):
        code, out, _ = self.run_shell(stdin="-- a comment; with this\nINSERT one;\nINSERT\n two")
        self.assertEqual((code, out), (0, ""))
        code, _, _ = self.run_shell("-e", "INSERT three;", "-f", self.file("INSERT four;"), "-e", "INSERT five")
        self.assertEqual([r["ksql"] for r in self.server.requests],
                         ["INSERT one;", "INSERT\n two;", "INSERT three;", "INSERT four;", "INSERT five;"])

    def test_one_connection(self):
        code, _, _ = self.run_shell(stdin="INSERT x;\n" * 300)
        self.assertEqual((code, len(self.server.requests)), (0, 300))
        self.assertEqual(len({r["peer"] for r in self.server.requests}), 1)

    def test_exit_statuses(self):
        self.assertEqual(self.run_shell("--nonsense")[0], 2)
        self.assertEqual(self.run_shell("--output", "nonsense")[0], 2)
        self.assertEqual(self.run_shell("-e", "x", url="ftp://x")[0], 2)
        code, _, err = self.run_shell("-e", "SHOW STREAMS", url="http://127.0.0.1:1")
        self.assertEqual(code, 3)
        self.assertIn("Cannot reach the server at http://127.0.0.1:1", err)
        self.assertEqual(self.run_shell("-f", "/nonexistent")[0], 1)

    def test_exit_statuses_of_files_and_pipes(self):
        for sql, code in (("INSERT x;", 0), ("BROKEN;", 1), ("INSERT x; BROKEN; INSERT y", 1)):
            for args, stdin in ((("-e", sql), ""), (("-f", self.file(sql)), ""), (("-f", "-"), sql), ((), sql)):
                self.assertEqual(self.run_shell(*args, stdin=stdin)[0], code, (sql, args))
                self.assertEqual(self.run_shell(*args, stdin=stdin, url="http://127.0.0.1:1")[0], 3, (sql, args))
        for args, stdin in ((("-e", "SELECT FOREVER;"), None), (("-f", self.file("SELECT FOREVER;")), None), (("-f", "-"), b"SELECT FOREVER;"), ((), b"INSERT x;\n-- waits")):
            with subprocess.Popen([shell_fixture.SLUICE, "sql", *args, self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env) as shell:
                shell.stdin.write(stdin or b"")
                if args == ("-f", "-"):
                    shell.stdin.close()
                else:
                    shell.stdin.flush()
                before = len(self.server.requests)
                end = time.time() + 10
                while len(self.server.requests) < before + 1 and time.time() < end and before == 0:
                    time.sleep(0.01)
                time.sleep(0.3)
                shell.send_signal(signal.SIGINT)
                self.assertEqual(shell.wait(10), 130, args)

    def test_session(self):
        script = "SET 'auto.offset.reset'='earliest'; DEFINE t = 'it''s'; INSERT ${T}; UNSET 'auto.offset.reset'; INSERT x; SHOW VARIABLES;"
        code, out, err = self.run_shell("-d", "a=1", "-e", script)
        self.assertEqual((code, err, out), (0, "", "Variable Name\tValue\na\t1\nt\tit's\n"))
        setting, first, second = self.server.requests
        self.assertEqual((setting["ksql"], setting["streamsProperties"]), ("SET 'auto.offset.reset' = 'earliest';", {}))
        self.assertEqual(first["streamsProperties"], {"auto.offset.reset": "earliest"})
        self.assertEqual(first["sessionVariables"], {"a": "1", "t": "it's"})
        self.assertEqual(second["streamsProperties"], {})

    def test_a_bad_value_is_not_kept(self):
        code, _, err = self.run_shell("--continue-on-error", "-e", "SET 'a.number'='x'; INSERT y;")
        self.assertEqual((code, self.server.requests[-1]["streamsProperties"]), (1, {}))
        self.assertIn("Syntax error at or near 'x' (40001)", err)

    def test_variables_in_settings(self):
        code, _, err = self.run_shell("-e", "DEFINE a = 'xxxxxxxxxxxxxxxx';" + "DEFINE a = '${a}${a}${a}${a}${a}${a}${a}${a}';" * 9 + "INSERT y;")
        self.assertEqual(code, 1)
        self.assertIn("With variable 'a' of 524288 bytes the value would have more than the 1048576 bytes that a value may have", err)
        script = "DEFINE w = 'earl'; DEFINE v = '${w}iest'; SET 'auto.offset.reset' = '${v}'; INSERT y;"
        code, _, err = self.run_shell("-e", script)
        self.assertEqual((code, err, self.server.requests[-1]["streamsProperties"]), (0, "", {"auto.offset.reset": "earliest"}))

    def test_what_a_script_sets_ends_with_it(self):
        path = self.file("SET 'auto.offset.reset'='earliest'; DEFINE t = 'new'; DEFINE u = '1'; \\pset null '-'\nUNDEFINE a; INSERT x;")
        code, _, err = self.run_shell("-d", "t=old", "-d", "a=1", "-e", f"run script '{path}'; INSERT y;\n\\i {path}\nINSERT z;")
        self.assertEqual((code, err), (0, ""))
        sent = {r["ksql"]: (r["streamsProperties"], r["sessionVariables"]) for r in self.server.requests}
        changed = {"auto.offset.reset": "earliest"}, {"t": "new", "u": "1"}
        self.assertEqual([sent["INSERT x;"], sent["INSERT y;"], sent["INSERT z;"]], [changed, ({}, {"t": "old", "a": "1"}), changed])

    def test_variables_that_are_none(self):
        code, _, err = self.run_shell("-d", "x=1", "-e", "DEFINE v = '$${x} ${x} $$ $${ ${y}'; SET 'ksql.variable.substitution.enable'='false'; DEFINE w = '${x}'; INSERT y;")
        self.assertEqual((code, err, self.server.requests[-1]["sessionVariables"]), (0, "", {"x": "1", "v": "${x} 1 $$ $${ ${y}", "w": "${x}"}))

    def test_unknown_variables(self):
        """In a text an unknown name stays; elsewhere it is refused, unless substitution is off."""
        code, _, err = self.run_shell("-e", "INSERT /* ${them} */ 'Dear ${name}, it''s ${you}'; INSERT 2; SET 'ksql.variable.substitution.enable'='false'; INSERT ${x};")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([r["ksql"] for r in self.server.requests if r["ksql"].startswith("INSERT")],
                         ["INSERT /* ${them} */ 'Dear ${name}, it''s ${you}';", "INSERT 2;", "INSERT ${x};"])
        code, _, err = self.run_shell("-e", "INSERT 'a ${b}' ${c};")
        self.assertEqual(code, 1)
        self.assertIn("${c}", err)

    def test_refusals_before_sending(self):
        code, _, err = self.run_shell("-e", "INSERT ${nobody};")
        self.assertEqual((code, self.server.requests), (1, []))
        self.assertIn("${nobody}", err)
        code, _, err = self.run_shell("-e", "SET 'bad'='x';")
        self.assertEqual(code, 1)
        self.assertIn("unknown: bad", err)

    def test_status_is_awaited_and_sequence_sent(self):
        code, out, _ = self.run_shell("-e", "SLOW; INSERT x;")
        self.assertEqual((code, out), (0, "Executing\n"))
        self.assertEqual(self.server.asked, ["/status/stream/%60S%60/create"])
        self.assertEqual(self.server.requests[1]["commandSequenceNumber"], 3)

    def test_authentication(self):
        self.env["SLUICE_PASSWORD"] = "secret"
        self.run_shell("-u", "ann", "-e", "INSERT x")
        self.assertEqual(self.server.requests[0]["auth"], "Basic " + base64.b64encode(b"ann:secret").decode())

    # ---- rows ----

    def test_forms(self):
        forms = {
            "tsv": "ID\tV\tNOTE\na\t1\t\\N\nb\t22\t\nc|\\n\t3\t日本\x1b[2J\nd\t<TOMBSTONE>\t<TOMBSTONE>\n",
            "csv": 'ID,V,NOTE\na,1,\nb,22,""\n"c|\n",3,日本\x1b[2J\nd,<TOMBSTONE>,<TOMBSTONE>\n',
            "markdown": "| ID | V | NOTE |\n|---|---:|---|\n| a | 1 | <null> |\n| b | 22 |  |\n| c\\|\\n | 3 | 日本\\u001b[2J |\n"
                        "| d | <TOMBSTONE> | <TOMBSTONE> |\n",
            "tabular": "ID              V  NOTE\n" + "-" * 32 + "\na               1  <null>\nb              22  \nc|\\n            3  日本\\u001b[2J\n"
                       "d     <TOMBSTONE>  <TOMBSTONE>\n",
        }
        for form, expected in forms.items():
            code, out, err = self.run_shell("--output", form, "-e", "SELECT * FROM s EMIT CHANGES;")
            self.assertEqual((form, code, err), (form, 0, ""))
            self.assertEqual(out, expected)

    def test_print(self):
        row = "rowtime: 2022/12/02 17:22:02.556 Z, key: 18, value: %s, partition: 0\n"
        formats = "Key format: JSON or KAFKA_STRING\nValue format: KAFKA_STRING\n"
        self.assertEqual(self.run_shell("-e", "print t from beginning"), (0, formats + row % "one" + row % "\x1b[2J" + row % "three", ""))
        self.assertEqual(self.server.requests[-1]["ksql"], "print t from beginning;")
        self.assertEqual(self.run_shell("--query-row-limit", "1", "-e", "PRINT t")[:2], (0, formats + row % "one"))
        code, out, err = self.run_shell("-e", "PRINT FAIL; SHOW STREAMS")
        self.assertEqual((code, out.count("rowtime"), "the topic is gone (50000)" in err, "Stream Name" in out), (1, 3, True, False))

    def test_header_columns(self):
        self.assertEqual(self.run_shell("-e", "SELECT HEADER_COLUMNS")[1], "K\tV\tH\tL\n1\tv\tIQ==\t[]\n")

    def test_json_forms(self):
        _, out, _ = self.run_shell("--output", "JSON", "-e", "SELECT * FROM s EMIT CHANGES;")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((lines[0], lines[1]), (HEADER, {"row": {"columns": ["a", 1, None]}}))
        _, out, _ = self.run_shell("--output", "jsonl", "-e", "SELECT * FROM s EMIT CHANGES;")
        self.assertEqual(json.loads(out.splitlines()[0]), {"ID": "a", "V": 1, "NOTE": None})
        _, out, _ = self.run_shell("--output", "JSON", "-e", "SHOW STREAMS;")
        self.assertEqual(json.loads(out)["streams"][0]["name"], "S")
        self.assertIn('  "@type" : "streams",', out)

    def test_limits(self):
        code, out, _ = self.run_shell("--query-row-limit", "2", "-e", "SELECT * FROM s FOREVER;")
        self.assertEqual((code, out.splitlines()), (0, ["ID\tV\tNOTE", "a\t1\t\\N", "b\t22\t"]))
        start = time.time()
        code, _, _ = self.run_shell("--query-timeout", "300", "-e", "SELECT * FROM s FOREVER;")
        self.assertEqual(code, 0)
        self.assertLess(time.time() - start, 5)
        self.assertTrue(self.server.gone.wait(5))

    def test_bad_ends_are_told_apart(self):
        for sql, message in (("FAIL", "the disk is full"), ("CUT", "broke"), ("UNCLOSED", "broke off after 4 row")):
            code, out, err = self.run_shell("-e", f"SELECT {sql};")
            self.assertEqual((sql, code, len(out.splitlines())), (sql, 1, 5))
            self.assertIn(message, err)

    def test_rows_come_at_once_through_a_pipe(self):
        shell = subprocess.Popen([shell_fixture.SLUICE, "sql", "-e", "SELECT FOREVER;", self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        start = time.time()
        for _ in range(4):
            self.assertTrue(shell.stdout.readline())
        self.assertLess(time.time() - start, 2)
        shell.send_signal(signal.SIGINT)
        self.assertEqual(shell.wait(5), 130)
        shell.stdout.close()
        shell.stderr.close()
        self.assertTrue(self.server.gone.wait(5))


if __name__ == "__main__":
    shell_fixture.main()
