#!/usr/bin/env python3
"""The shell against a server of our own making: prompt, multi-line statements, Ctrl-C, -e, -f, pipes, forms, exit statuses.

    shell_test.py SLUICE      # path of the binary

The server answers what each test needs, so a test says exactly what the shell gets; sockets and the pseudo-terminal are real.
"""
import base64
import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

SLUICE = "build/sluice"
HEADER = {"header": {"queryId": "transient_1", "schema": "`ID` STRING, `V` INTEGER, `NOTE` STRING"}}
# Header columns stand before the values in the schema's text, and last in rows.
WITH_HEADERS = {"header": {"queryId": "query_1", "schema": "`K` INTEGER KEY, `H` BYTES HEADER('a, b'), `L` ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>> "
                                                           "HEADERS, `V` STRING"}}


def entity(kind, **fields):
    return {"@type": kind, "statementText": "", "warnings": [], **fields}


def status(message):
    return entity("currentStatus", commandId="stream/`S`/create", commandSequenceNumber=3,
                  commandStatus={"status": "SUCCESS", "message": message, "queryId": None})


STREAMS = entity("streams", streams=[{"type": "STREAM", "name": "S", "topic": "s", "keyFormat": "KAFKA", "valueFormat": "JSON", "isWindowed": False}])


NAMES = {
    "SHOW STREAMS EXTENDED;": [entity("source_descriptions", sourceDescriptions=[
        {"name": "VIEWS", "type": "STREAM", "fields": [{"name": "USER_ID"}, {"name": "USER_NAME"}, {"name": "PAGE"}]}])],
    "SHOW TOPICS;": [entity("kafka_topics", topics=[{"name": "views-topic"}])],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reply(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def do_GET(self):
        if self.path.startswith("/is_valid_property/bad"):
            self.reply(400, {"@type": "generic_error", "error_code": 40000, "message": "Property cannot be overridden or is unknown: bad"})
        elif self.path == "/info":
            self.reply(200, {"KsqlServerInfo": {"version": "0.29.0", "serverStatus": "RUNNING"}})
        elif self.path.startswith("/status/"):
            self.server.asked.append(self.path)
            self.reply(200, {"status": "SUCCESS", "message": "Done at last", "queryId": None})
        else:
            self.reply(200, True)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request["auth"] = self.headers.get("Authorization")
        request["peer"] = self.client_address
        if "sessionVariables" not in request:  # completion's thread wants to know what there is
            return self.reply(200, NAMES.get(request["ksql"], []))
        self.server.requests.append(request)
        if self.path == "/ksql":
            return self.statement(request["ksql"])
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.query(request["ksql"])

    def statement(self, sql):
        if "BROKEN" in sql or sql.startswith("SET 'a.number' = 'x'"):
            error = {"@type": "statement_error", "error_code": 40001, "message": "line 2:3: Syntax Error\nhint\nCaused by: x", "entities": []}
            return self.reply(400, error)
        if "NAP" in sql:
            self.server.napping.set()
            self.server.woken.wait(10)
        if "SLOW" in sql:
            slow = status("Executing")
            slow["commandStatus"]["status"] = "QUEUED"
            return self.reply(200, [slow])
        if "MANY" in sql:
            many = [dict(STREAMS["streams"][0], name="STREAM_%d" % i) for i in range(100)]
            return self.reply(200, [dict(STREAMS, streams=many)])
        self.server.counter += 1
        if "COUNTER" in sql:
            return self.reply(200, [entity("variables", variables=[{"name": "same", "value": "1"}, {"name": "n", "value": str(self.server.counter)}])])
        self.reply(200, [STREAMS] if "SHOW" in sql else [] if "INSERT" in sql else [status("Stream created")])

    def query(self, sql):
        if sql.upper().startswith("PRINT"):
            rows = [f"rowtime: 2022/12/02 17:22:02.556 Z, key: 18, value: {value}, partition: 0\n" for value in ("one", "\x1b[2J", "three")]
            end = '{"@type":"generic_error","error_code":50000,"message":"the topic is gone"}\n' if "FAIL" in sql else ""
            self.chunk("Key format: JSON or KAFKA_STRING\nValue format: KAFKA_STRING\n" + "".join(rows) + end)
            return self.wfile.write(b"0\r\n\r\n")
        if "HEADER_COLUMNS" in sql:
            self.chunk("[" + json.dumps(WITH_HEADERS) + ',\n{"row":{"columns":[1,"v","IQ==",[]]}}]\n')
            return self.wfile.write(b"0\r\n\r\n")
        self.chunk("[" + json.dumps(HEADER))
        for row in (["a", 1, None], ["b", 22, ""], ["c|\n", 3, "日本\x1b[2J"]):
            self.chunk(",\n" + json.dumps({"row": {"columns": row}}, ensure_ascii=False))
        self.chunk(',\n{"row":{"columns":["d",null,null],"tombstone":true}}')
        if "FOREVER" in sql:
            try:
                while True:
                    time.sleep(0.05)
                    self.chunk(',\n{"row":{"columns":["e",1,"x"]}}')
            except OSError:
                self.server.gone.set()
                self.close_connection = True
                return
        if "CUT" in sql:
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if "FAIL" in sql:
            self.chunk(',\n{"errorMessage":{"@type":"generic_error","error_code":50000,"message":"the disk is full"}}]')
        elif "UNCLOSED" not in sql:
            self.chunk(',\n{"finalMessage":"Limit Reached"}]\n')
        self.wfile.write(b"0\r\n\r\n")


class ShellTest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that goes is no error
        self.server.requests, self.server.asked, self.server.gone, self.server.counter = [], [], threading.Event(), 0
        self.server.napping, self.server.woken = threading.Event(), threading.Event()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.folder = tempfile.TemporaryDirectory()
        self.env = dict(os.environ, XDG_CONFIG_HOME=self.folder.name, TERM="xterm", LC_ALL="C.UTF-8")
        self.env.pop("SLUICE_URL", None)

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def run_shell(self, *args, stdin="", url=None):
        done = subprocess.run([SLUICE, "sql", *args, url or self.url], input=stdin.encode(), capture_output=True, env=self.env, timeout=30)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def file(self, text):
        path = os.path.join(self.folder.name, "script.sql")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    # ---- scripts ----

    def test_execute(self):
        code, out, err = self.run_shell("-e", "CREATE STREAM s (a INT); SHOW STREAMS")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "Stream created\nStream Name\tKafka Topic\tKey Format\tValue Format\tWindowed\nS\ts\tKAFKA\tJSON\tfalse\n")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["CREATE STREAM s (a INT);", "SHOW STREAMS;"])

    def test_failed_statement_stops_the_script(self):
        code, out, err = self.run_shell("-e", "BROKEN; SHOW STREAMS;")
        self.assertEqual((code, out, len(self.server.requests)), (1, "", 1))
        self.assertIn("Syntax Error (40001)", err)
        self.assertIn("hint", err)
        self.assertNotIn("Caused by", err)

    def test_continue_on_error(self):
        code, out, _ = self.run_shell("--continue-on-error", "-e", "BROKEN; INSERT x;")
        self.assertEqual((code, len(self.server.requests)), (1, 2))

    def test_file_names_the_place(self):
        path = self.file("SHOW STREAMS;\n\nSELECT_ a\n  BROKEN;\n")
        code, _, err = self.run_shell("-f", path)
        self.assertEqual(code, 1)
        self.assertIn(f"{path}:4:3: Syntax Error (40001)\n    BROKEN;\n    ^", err)

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
        self.assertIn("Syntax Error (40001)", err)

    def test_variables_in_settings(self):
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
        shell = subprocess.Popen([SLUICE, "sql", "-e", "SELECT FOREVER;", self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        start = time.time()
        for _ in range(4):
            self.assertTrue(shell.stdout.readline())
        self.assertLess(time.time() - start, 2)
        shell.send_signal(signal.SIGINT)
        self.assertEqual(shell.wait(5), 130)
        shell.stdout.close()
        shell.stderr.close()
        self.assertTrue(self.server.gone.wait(5))


class Terminal:
    """The shell on a pseudo-terminal."""

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(SLUICE, [SLUICE, "sql", *args], env)
        self.seen = ""

    def expect(self, pattern, seconds=10):
        end = time.time() + seconds
        while True:
            match = re.search(pattern, self.seen)
            if match:
                before = self.seen[: match.end()]
                self.seen = self.seen[match.end():]
                return before
            left = end - time.time()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"waited for {pattern!r}, saw {self.seen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"the shell ended before {pattern!r}, saw {self.seen!r}")
            self.seen += re.sub(r"\x1b\[\?2004[hl]", "", data.decode(errors="replace"))

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        end = time.time() + 10
        while time.time() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(code)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("the shell did not end")


class SessionTest(ShellTest):
    def start(self, *args):
        terminal = Terminal([*args, self.url], self.env)
        terminal.expect("sluice> ")
        return terminal

    def test_banner_and_exit(self):
        terminal = Terminal([self.url], self.env)
        self.assertIn("ksqlDB 0.29.0", terminal.expect("sluice> "))
        terminal.send("exit\r")
        self.assertEqual(terminal.end(), 0)

    def test_lines_are_gathered(self):
        terminal = self.start()
        terminal.send("INSERT (\r")
        terminal.expect(r"\(> ")
        terminal.send(") 'a\r")
        terminal.expect(r"'> ")
        terminal.send("b'\r")
        terminal.expect(r"-> ")
        terminal.send("; SHOW STREAMS;\r")
        terminal.expect(r"Stream Name +Kafka Topic")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT (\n) 'a\nb';", "SHOW STREAMS;"])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt_drops_the_line(self):
        terminal = self.start()
        terminal.send("INSERT wrong\r")
        terminal.expect("-> ")
        terminal.send("half\x03")
        terminal.expect(r"sluice> ")
        terminal.send("INSERT right;\r")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT right;"])
        terminal.send("quit;\r")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt_ends_the_query(self):
        terminal = self.start()
        terminal.send("SELECT * FROM s FOREVER EMIT CHANGES;\r")
        terminal.expect(r"\| ID +\| +V +\| NOTE")
        terminal.expect("<TOMBSTONE>")
        start = time.time()
        terminal.send("\x03")
        seen = terminal.expect("sluice> ")
        self.assertLess(time.time() - start, 1)
        self.assertIn("Query terminated", seen)
        self.assertRegex(seen, r"\d+ rows, .*interrupted")
        self.assertTrue(self.server.gone.wait(5))
        terminal.send("SHOW STREAMS;\r")
        terminal.expect("Stream Name")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_keys_typed_ahead(self):
        """What is typed while a statement runs is the next line, shown once; a Ctrl-D among it is one."""
        terminal = self.start()
        terminal.send("NAP;\r")
        self.assertTrue(self.server.napping.wait(10))
        terminal.send("INSERT ahead;\r\x04")
        self.server.woken.set()
        seen = terminal.expect(r"Stream created\s+sluice> ")
        self.assertNotIn("ahead", seen)
        self.assertIn("INSERT ahead;", terminal.expect("sluice> "))
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT ahead;")

    def test_history_is_kept(self):
        terminal = self.start("-q")
        terminal.send("INSERT\r")
        terminal.expect("-> ")
        terminal.send("kept;\r")
        terminal.expect("sluice> ")
        terminal.send("CREATE x WITH ('password'='p');\r")
        terminal.expect("sluice> ")
        terminal.send("exit\r")
        self.assertEqual(terminal.end(), 0)
        with open(os.path.join(self.folder.name, "sluice", "history"), encoding="utf-8") as file:
            text = file.read().replace("\\040", " ")
        self.assertIn("INSERT kept;", text)
        self.assertNotIn("password", text)
        terminal = self.start("-q")
        terminal.send("\x1b[A\x1b[A\r")  # exit, then the statement before
        terminal.expect("sluice> ")
        self.assertEqual(self.server.requests[-1]["ksql"].split(), ["INSERT", "kept;"])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_an_error_keeps_the_shell(self):
        terminal = self.start("--no-color")
        terminal.send("BROKEN;\r")
        terminal.expect("Syntax Error")
        terminal.expect("sluice> ")
        terminal.send("server http://127.0.0.1:1\r")
        terminal.expect("Cannot reach")
        terminal.expect("sluice> ")
        terminal.send(f"server {self.url}\r")
        terminal.expect("ksqlDB 0.29.0")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_terminate_signal(self):
        terminal = self.start()
        os.kill(terminal.pid, signal.SIGTERM)
        self.assertEqual(terminal.end(), 0)

    def test_completion(self):
        terminal = self.start("-q", "--no-color")
        terminal.send("sel\t")
        terminal.expect("ect ")
        terminal.send("use\t")  # what USER_ID and USER_NAME have in common
        terminal.expect("r_")
        terminal.send("\t")
        terminal.expect(r"user_id +user_name")
        terminal.send("i\t")
        terminal.expect("d ")
        terminal.send("from vi\t")
        terminal.expect("ews ")
        terminal.send(";\r")
        terminal.expect("sluice> ")
        self.assertEqual(self.server.requests[-1]["ksql"], "select user_id from views;")
        terminal.send("print \t")
        terminal.expect("'views-topic' ")
        terminal.send("\x03")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_pasted_text_is_one_edit(self):
        terminal = self.start("-q")
        terminal.send("\x1b[200~INSERT\n\tone;\nINSERT two;\nINSERT three;\n\x1b[201~")
        terminal.expect("three;")
        self.assertEqual(self.server.requests, [])
        terminal.send("\r")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT\n one;", "INSERT two;", "INSERT three;"])
        terminal.send("\x1b[A\r")  # and one entry of the history
        terminal.expect("sluice> ")
        self.assertEqual(len(self.server.requests), 6)
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_the_last_statement_again(self):
        terminal = self.start("-q", "--no-color")
        terminal.send("\\g\r")
        terminal.expect("There is no statement yet")
        terminal.expect("sluice> ")
        terminal.send("SHOW COUNTER;\r")
        terminal.expect("n +1")
        terminal.expect("sluice> ")
        terminal.send("\\g\r")
        terminal.expect("n +2")
        terminal.expect("sluice> ")
        path = os.path.join(self.folder.name, "out.txt")
        terminal.send("\\g %s\r" % path)
        terminal.expect("sluice> ")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "Variable Name\tValue\nsame\t1\nn\t3\n")
        terminal.send("\\watch 0.1 3\r")
        terminal.expect(r"same +1\s")
        terminal.expect(r"n +4\s")
        seen = terminal.expect(r"n +5 \*\s")
        self.assertNotRegex(seen, r"same +1 \*")
        terminal.expect(r"n +6 \*\s")
        terminal.expect("sluice> ")
        terminal.send("\\watch\r")
        terminal.expect(r"Every 2\.0 s: SHOW COUNTER")
        terminal.send("\x03")
        terminal.expect("sluice> ")
        terminal.send("\\watch often\r")
        terminal.expect("usage: ")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_edit(self):
        editor = os.path.join(self.folder.name, "editor")
        with open(editor, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nsed -i s/one/two/ \"$1\"\n")
        os.chmod(editor, 0o755)
        self.env["VISUAL"] = editor
        self.env.pop("SLUICE_EDITOR", None)
        terminal = self.start("-q")
        terminal.send("INSERT one;\r")
        terminal.expect("sluice> ")
        terminal.send("\\e\r")
        terminal.expect("INSERT two;")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;", "INSERT two;"])
        self.assertEqual([name for name in os.listdir("/tmp") if name.startswith("sluice-edit-")], [])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_pager(self):
        self.env["PAGER"] = "tail -n 1; echo paged"
        terminal = self.start("-q")
        terminal.send("SHOW MANY;\r")
        seen = terminal.expect("paged")
        self.assertNotIn("STREAM_50 ", seen)
        terminal.expect("sluice> ")
        terminal.send("SHOW STREAMS;\r")  # fits the screen
        self.assertNotIn("paged", terminal.expect("sluice> "))
        terminal.send("\\pset pager off\r")
        terminal.expect("sluice> ")
        terminal.send("SHOW MANY;\r")
        terminal.expect("STREAM_50 ")
        self.assertNotIn("paged", terminal.expect("sluice> "))
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_numbers_and_names_are_never_cut(self):
        terminal = self.start("-q")
        fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
        os.kill(terminal.pid, signal.SIGWINCH)
        terminal.send("SHOW STREAMS;\r")
        terminal.expect(r"Stream Name +\| S\s")
        terminal.expect(r"Value Format +\| JSON\s")
        terminal.expect("sluice> ")
        terminal.send("SELECT * FROM s;\r")
        terminal.expect(r"<null>")
        self.assertNotIn("\u2026", terminal.expect("sluice> "))
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_help(self):
        terminal = self.start()
        terminal.send("help create stream\r")
        terminal.expect(r"CREATE \[OR REPLACE\] \[SOURCE\] STREAM")
        terminal.expect("Example: ")
        terminal.expect("sluice> ")
        terminal.send("\\nonsense\r")
        terminal.expect("There is no command")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        SLUICE = os.path.abspath(sys.argv.pop(1))
    for name in [n for n in vars(ShellTest) if n.startswith("test_")]:
        if name not in vars(SessionTest):
            setattr(SessionTest, name, None)  # inherited fixtures, not tests
    unittest.main(verbosity=1)
