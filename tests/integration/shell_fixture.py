"""What tests of the shell share: a server that answers what each test needs, and the shell on a pseudo-terminal.

The server is of our own making, so a test says exactly what the shell gets; sockets and the terminal are real.
"""
import atexit
import codecs
import faulthandler
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

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from screen import Screen  # noqa: E402

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
        {"name": "VIEWS", "type": "STREAM", "fields": [{"name": "USER_ID"}, {"name": "USER_NAME"}, {"name": "PAGE"},
                                                       {"name": "ADDRESS", "schema": {"type": "STRUCT", "fields": [{"name": "STREET"}, {"name": "TOWN"}]}}]}])],
    "SHOW TOPICS;": [entity("kafka_topics", topics=[{"name": "views-topic"}, {"name": "orders"}])],
    "SHOW PROPERTIES;": [entity("properties", properties=[{"name": "ksql.streams.auto.offset.reset", "editable": True}, {"name": "ksql.service.id", "editable": False}])],
    "SHOW FUNCTIONS;": [entity("function_names", functions=[{"name": "UCASE"}])],
    "SHOW QUERIES;": [entity("queries", queries=[{"id": "CTAS_X_1"}])],
}

INFO = {"KsqlServerInfo": {"version": "0.29.0", "serverStatus": "RUNNING"}}


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
            self.reply(200, INFO)
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
            error = {"@type": "statement_error", "error_code": 40001, "message": "line 2:3: Syntax Error\nSyntax error at or near 'x' at line 2:3\nhint\nCaused by: x", "entities": []}
            return self.reply(400, error)
        if "NAP" in sql:
            self.server.napping.set()
            self.server.woken.wait(10)
        if "SLOW" in sql:
            slow = status("Executing")
            slow["commandStatus"]["status"] = "QUEUED"
            return self.reply(200, [slow])
        if sql.startswith("EXPLAIN"):
            errors = [{"timestamp": 1700000000000 + i, "errorMessage": f"no. {i}\x1b[2J", "type": "SYSTEM"} for i in range(5)]
            query = {"id": "Q_1", "queryType": "PERSISTENT", "state": "ERROR", "fields": [], "queryErrors": [] if "FINE" in sql else errors}
            if "NEVER_RAN" in sql:
                query["queryErrors"] = [{"timestamp": 0, "errorMessage": "its function is gone", "type": "SYSTEM"}]
            return self.reply(200, [entity("queryDescription", queryDescription=query)])
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
        if "TIMES" in sql:
            names = {"AT": "TIMESTAMP", "D": "DATE", "T": "TIME", "OK": "BOOLEAN", "NOTE": "STRING"}
            schema = ", ".join(f"`{name}` {kind}" for name, kind in names.items())
            row = ["2024-01-01T10:00:01.234", "2024-01-02", "10:11:12.345", False, "x" * 100]
            self.chunk("[" + json.dumps({"header": {"queryId": "query_1", "schema": schema}}) + ",\n" + json.dumps({"row": {"columns": row}}) + "]\n")
            return self.wfile.write(b"0\r\n\r\n")
        if "NULLS" in sql or "LONG" in sql:
            rows = [["<null>", 2, "x" * 300]] if "LONG" in sql else [["a", 1, None], ["b", 2, "<null>"]]
            self.chunk("[" + json.dumps({"header": dict(HEADER["header"], queryId="query_1")}) + "".join(",\n" + json.dumps({"row": {"columns": row}}) for row in rows) + "]\n")
            return self.wfile.write(b"0\r\n\r\n")
        if "LATE" in sql:
            self.chunk("[" + json.dumps({"header": dict(HEADER["header"], queryId="query_1")}) + ',\n{"row":{"columns":["a",1,"x"]}},\n{"row":{"columns":["b",1,"x"]}}\n')
            time.sleep(1.5)
            self.chunk(',{"row":{"columns":["c",1,"late"]}}]\n')
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


class WithShell(unittest.TestCase):
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
        Terminal.kill_all()
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def run_shell(self, *args, stdin="", url=None):
        done = run_program([SLUICE, "sql", *args, url or self.url], input=stdin.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def file(self, text):
        path = os.path.join(self.folder.name, "script.sql")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path


class Terminal:
    """The shell on a pseudo-terminal. Whatever is waited for is waited for so long only: then the test fails, and says what the terminal showed."""

    PATIENCE = 20  # seconds, for what takes a moment where nobody else is at work
    ANSWER = 0.5   # seconds that the server may take for an answer, where others are at work
    running = {}   # pid: Terminal; killed at the end of the test, if it has not ended by itself

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(SLUICE, [SLUICE, "sql", *args], env)
        os.set_inheritable(self.fd, False)
        os.set_blocking(self.fd, False)
        Terminal.running[self.pid] = self
        self.seen = self.recent = ""
        self.screen = None
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def fail(self, what):
        shown = self.screen.text() if self.screen is not None else self.recent[-2000:]
        raise AssertionError(f"{what}; not looked at yet: {self.seen[-2000:]!r}; the terminal shows:\n{shown}")

    def read(self):
        """Takes what is there; False: the shell has ended."""
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.take(self.decoder.decode(data))
        return data != b""

    def expect(self, pattern, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.seen)
            if match:
                before = self.seen[: match.end()]
                self.seen = self.seen[match.end():]
                return before
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                self.fail(f"waited {seconds} s for {pattern!r}")
            if not self.read():
                self.fail(f"the shell ended before {pattern!r}")

    def take(self, text):
        """Colours are the screen's business; what is waited for is text."""
        if self.screen is not None:
            self.screen.feed(text)
        text = re.sub(r"\x1b\[(\?2004[hl]|[0-9;]*m)", "", text)
        self.recent = (self.recent + text)[-10000:]
        self.seen += text

    def resize(self, lines, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.settle()
        self.screen = Screen(lines, columns)
        self.send("\x0c")  # Ctrl-L: all is drawn once more
        self.settle()

    def is_at_work(self):
        """Has it something to do, be it that it waits for a processor, or for its thread that looks for names?"""
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/stat", encoding="utf-8") as file:
                running = file.read().rpartition(")")[2].split()[0] in "RD"
            with open(f"/proc/{self.pid}/task/{self.pid}/wchan", encoding="utf-8") as file:
                return running or "futex" in file.read()
        except OSError:
            return False

    def waits_for_keys(self):
        """Rather than for an answer of the server: it polls, without an end."""
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/syscall", encoding="utf-8") as file:
                return int(file.read().split()[3], 16) & 0xffffffff == 0xffffffff
        except (OSError, IndexError, ValueError):
            return True  # it cannot be told

    def settle(self, quiet=0.15):
        """Until nothing more is drawn."""
        end = time.monotonic() + self.PATIENCE
        drawn = time.monotonic()
        while True:
            if select.select([self.fd], [], [], quiet)[0]:
                drawn = time.monotonic()
            elif not self.is_at_work() and (self.waits_for_keys() or time.monotonic() > drawn + self.ANSWER):
                return
            if not self.read():
                return
            if time.monotonic() > end:
                self.fail(f"something is drawn, or done, for {self.PATIENCE} s")

    def settle_for(self, seconds):
        """What is drawn goes on being drawn."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0] and not self.read():
                return

    def type(self, *keys):
        for key in keys:
            self.send(key)
            self.settle()

    def send(self, text):
        """A shell that draws reads no keys until what it draws has room: so that is read meanwhile."""
        data = text.encode()
        end = time.monotonic() + self.PATIENCE
        while data:
            readable, writable, _ = select.select([self.fd], [self.fd], [], 1)
            if readable and not self.read():
                self.fail("the shell ended before it had read all keys")
            if writable:
                try:
                    data = data[os.write(self.fd, data[:4096]):]
                    end = time.monotonic() + self.PATIENCE
                except BlockingIOError:
                    pass
            if time.monotonic() > end:
                self.fail(f"the shell reads no keys; {len(data)} bytes are left")

    def end(self):
        """The exit status."""
        end = time.monotonic() + self.PATIENCE
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0] and not self.read():
                time.sleep(0.01)  # it is about to end
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.close()
                return os.waitstatus_to_exitcode(code)
        self.fail("the shell did not end")

    def close(self):
        del Terminal.running[self.pid]
        os.close(self.fd)

    @classmethod
    def kill_all(cls):
        for pid, terminal in list(cls.running.items()):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            terminal.close()


def run_program(command, seconds=60, **options):
    """subprocess.run, but of a program that does not end all processes are ended that it has started: they hold the pipes open, and subprocess.run would read on for ever."""
    stdin = options.pop("input", None)
    with subprocess.Popen(command, start_new_session=True, stdin=subprocess.PIPE if stdin is not None else None, **options) as process:
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"{command} did not end in {seconds} s; it wrote {out!r} and {err!r}") from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def main():
    """The binary's path is the first argument."""
    global SLUICE
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        SLUICE = os.path.abspath(sys.argv.pop(1))
    faulthandler.dump_traceback_later(170, exit=True)  # before CTest ends it at 180 s without a word
    atexit.register(Terminal.kill_all)
    unittest.main(verbosity=1)
