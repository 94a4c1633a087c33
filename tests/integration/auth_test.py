#!/usr/bin/env python3
"""Who may ask: passwords and tokens on every endpoint and protocol, files that are wrong, clients that are hostile, and who can reach the listener.

usage: auth_test.py PATH-TO-SLUICE [test...]
"""
import base64
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = sys.argv[1] if __name__ == "__main__" else None
CHALLENGE = 'Basic realm="sluice"'
# Of "secret", as others make it: cheap, so that tests do not wait.
BCRYPT = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
SHA512 = "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/"
TOKEN_LINE = "ci:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b:writer\n"
USERS = f"# who may\nann:{BCRYPT}:admin,reader\nbob:{SHA512}:reader\njoe: CRYPT:{SHA512},writer\n"


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


ANN = basic("ann", "secret")
BEARER = {"Authorization": "Bearer secret"}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o600)


class WithUsers(unittest.TestCase):
    """A server that asks who it is."""
    properties = {"authentication.method": "BASIC"}
    tokens = True

    def setUp(self):
        self.server = Server(BINARY, dict(self.properties))
        self.addCleanup(self.server.close)
        self.users = os.path.join(self.server.directory, "users")
        write(self.users, USERS)
        if self.properties["authentication.method"] == "BASIC":
            self.server.properties["sluice.authentication.file"] = self.users
        if self.tokens:
            tokens = os.path.join(self.server.directory, "tokens")
            write(tokens, TOKEN_LINE)
            self.server.properties["sluice.authentication.tokens.file"] = tokens
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/healthcheck")[0] == 200)

    def refused(self, method, path, body=None, headers=None):
        status, text, response = self.server.request(method, path, body, headers)
        self.assertEqual((status, json.loads(text) if text else None),
                         (401, None if method == "HEAD" else {"@type": "generic_error", "error_code": 40100, "message": "Unauthorized"}), (method, path))
        return response


class Basic(WithUsers):
    ENDPOINTS = [("GET", "/"), ("GET", "/info"), ("HEAD", "/info"), ("GET", "/status"), ("GET", "/status/stream/S/create"), ("GET", "/clusterStatus"),
                 ("POST", "/heartbeat"), ("POST", "/lag"), ("GET", "/is_valid_property/x"), ("POST", "/ksql"), ("POST", "/query"), ("POST", "/query-stream"),
                 ("POST", "/close-query"), ("POST", "/inserts-stream"), ("POST", "/ksql/terminate"), ("GET", "/ws/query"), ("POST", "/sluice/records"), ("POST", "/sluice/queries"),
                 ("POST", "/sluice/passed"),
                 ("GET", "/subjects"), ("POST", "/subjects/s-value/versions"), ("GET", "/schemas"), ("GET", "/schemas/types"), ("POST", "/compatibility/subjects/s/versions/1"),
                 ("GET", "/config"), ("PUT", "/config/s"), ("GET", "/mode"), ("PUT", "/mode/s"), ("GET", "/contexts"), ("GET", "/nothing"), ("PUT", "/info"), ("GET", "/healthcheck/"), ("GET", "/chc"), ("GET", "//info"), ("GET", "/%69nfo")]
    OPEN = ["/healthcheck", "/v1/metadata", "/v1/metadata/id", "/chc/live", "/chc/ready"]

    def test_every_endpoint_asks(self):
        for method, path in self.ENDPOINTS:
            body = None if method in ("GET", "HEAD") else '{"ksql":"SHOW STREAMS;"}'
            for headers in (None, basic("ann", "wrong"), basic("eve", "secret")):
                response = self.refused(method, path, body, headers)
                self.assertEqual(response.headers.get_all("WWW-Authenticate"), [CHALLENGE, 'Bearer realm="sluice"'])
        for path in self.OPEN:
            self.assertEqual(self.server.get(path)[0], 200, path)

    def test_every_route_is_among_them(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "server/rest/routes.def"), encoding="utf-8") as rows:
            routes = re.findall(r'^ROUTE\("([\w*]+)", "([^"]+)"', rows.read(), re.M)
        known = {path for _, path in self.ENDPOINTS} | set(self.OPEN)
        self.assertEqual([path for _, path in routes if path.rstrip("*") not in {k[:len(path.rstrip("*"))] for k in known}], [])

    def test_who_is_known_gets_in(self):
        for who in (ANN, basic("bob", "secret"), basic("joe", "secret"), BEARER):
            status, body, _ = self.server.post("/ksql", {"ksql": "SHOW STREAMS;"}, who)
            self.assertEqual((status, json.loads(body)[0]["@type"]), (200, "streams"))
        self.assertEqual(self.server.get("/nothing", ANN)[0], 404)

    def test_a_query_and_inserts(self):
        def ksql(text):
            status, body, _ = self.server.post("/ksql", {"ksql": text}, ANN)
            self.assertEqual(status, 200, body)
        ksql("CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
        status, body, _ = self.server.request("POST", "/inserts-stream", '{"target":"S"}\n{"K":"a","V":1}\n', ANN)
        self.assertEqual((status, json.loads(body)), (200, {"status": "ok", "seq": 0}))
        status, body, _ = self.server.post("/query-stream", {"sql": "SELECT * FROM S;", "properties": {"auto.offset.reset": "earliest"}}, BEARER)
        self.assertEqual((status, body.splitlines()[1]), (200, '["a",1]'))

    def test_hostile_headers(self):
        cases = ["Basic", "Basic ", "Basic ****", "Basic YW5u", "Basic YW5uOnNlY3JldAA=", "Basic " + "A" * 60000,
                 "Basic " + base64.b64encode(b"ann:secret\0").decode(), "Basic " + base64.b64encode(b"\0ann:secret").decode(),
                 "Basic " + base64.b64encode(b"ann:" + b"x" * 5000).decode(), "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), "Basic Og==",
                 "BasicYW5uOnNlY3JldA==", "Digest username=ann", "Bearer", "Bearer secret2", "Bearer SECRET", "Bearer secret secret", "secret",
                 "Bearer " + "x" * 50000, "Negotiate abc", "Basic YW5uOnNlY3JldA==,Basic YW5uOnNlY3JldA==",
                 "Basic " + base64.b64encode(b"ANN:secret").decode(), "Basic " + base64.b64encode(b"ann :secret").decode()]
        for value in cases:
            self.refused("GET", "/info", None, {"Authorization": value})
        self.assertEqual(self.server.get("/info", {"Authorization": "bASIC   YW5uOnNlY3JldA=="})[0], 200)

    def test_a_header_of_10_megabytes(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as sock:
            sock.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ")
            try:
                for _ in range(160):
                    sock.sendall(b"A" * 65536)
                sock.sendall(b"\r\n\r\n")
            except OSError:
                pass  # it is not read to its end
            sock.settimeout(10)
            try:
                answer = sock.recv(100)
            except ConnectionError:
                answer = b""
        self.assertIn(answer[:12], (b"", b"HTTP/1.1 431", b"HTTP/1.1 413", b"HTTP/1.1 400"))
        self.assertEqual(self.server.get("/info", ANN)[0], 200)

    def test_half_a_request_is_told_before_it_is_read(self):
        """What streams its body is refused by its header."""
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as sock:
            sock.sendall(b"POST /inserts-stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            self.assertEqual(sock.recv(12), b"HTTP/1.1 401")

    def test_http2(self):
        def curl(*args):
            done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-m", "10", "-w", "\n%{http_code} %{http_version}", *args,
                                   f"http://127.0.0.1:{self.server.port}/ksql", "-d", '{"ksql":"SHOW STREAMS;"}'], capture_output=True, text=True, check=False)
            return done.stdout.rsplit("\n", 1)
        body, code = curl()
        self.assertEqual((code, json.loads(body)["error_code"]), ("401 2", 40100))
        self.assertIn("www-authenticate: " + CHALLENGE, curl("-D", "-")[0])
        self.assertEqual(curl("-u", "ann:wrong")[1], "401 2")
        self.assertEqual(curl("-u", "ann:secret")[1], "200 2")
        self.assertEqual(curl("-H", "Authorization: Bearer secret")[1], "200 2")

    def test_websocket(self):
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        header = ("Authorization: " + ANN["Authorization"] + "\r\n").encode()

        def status(path, headers):
            with socket.create_connection(("127.0.0.1", self.server.port), 20) as sock:
                sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
                return int(sock.recv(100).split()[1])
        request = b"/ws/query?version=1&request=%7B%22ksql%22%3A%22PRINT%20t%3B%22%7D"
        self.assertEqual(status(request, upgrade), 401)
        self.assertEqual(status(request, upgrade + header), 101)
        self.assertEqual(status(request + b"&access_token=secret", upgrade), 101)
        self.assertEqual(status(request + b"&access_token=secre", upgrade), 401)
        self.assertEqual(status(request + b"&access_token=", upgrade), 401)
        self.assertEqual(status(request + b"&access_token=secret", upgrade + b"Authorization: Basic x\r\n"), 401)
        self.assertEqual(status(b"/info?access_token=secret", b""), 401)  # addresses are written into logs

    def test_preflight_needs_no_password(self):
        self.server.stop()
        self.server.properties["access.control.allow.origin"] = "*"
        self.server.start(ready=False)
        self.assertEqual(self.server.request("OPTIONS", "/ksql")[0], 200)
        self.assertEqual(self.refused("GET", "/info").headers["Access-Control-Allow-Origin"], "*")

    def test_a_server_that_starts_asks_first(self):
        """401 comes before 503: a stranger is not told whether the server is ready, either."""
        self.server.stop()
        self.server.start(ready=False)
        self.refused("GET", "/info")

    def test_users_come_and_go_without_a_restart(self):
        self.assertEqual(self.server.get("/info", ANN)[0], 200)
        write(self.users, USERS.replace("ann:", "amy:"))
        wait_until(lambda: self.server.get("/info", basic("amy", "secret"))[0] == 200)
        self.refused("GET", "/info", None, ANN)
        write(self.users, "amy\n")
        told = "users line 1: it is no name:secret:roles; what it said before goes on to count"
        wait_until(lambda: self.server.get("/info", ANN)[0] == 401 and told in self.server.log(), what="the warning")
        self.assertEqual(self.server.get("/info", basic("amy", "secret"))[0], 200)

    def test_a_slow_hash_is_paid_once(self):
        """A guesser, and a thousand requests of one client, keep nobody from an answer."""
        subprocess.run([BINARY, "passwd", self.users, "slow"], input="pa$$ word\n", text=True, check=True)
        slow = basic("slow", "pa$$ word")
        wait_until(lambda: self.server.get("/info", slow)[0] == 200)
        stop = threading.Event()

        def guess(number):
            i = 0
            while not stop.is_set():
                self.server.get("/info", basic("slow" if number % 2 else "nobody", f"guess {number} {i}"))
                i += 1
        guessers = [threading.Thread(target=guess, args=(n,)) for n in range(6)]
        for thread in guessers:
            thread.start()
        try:
            worst = 0
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            for _ in range(300):
                start = time.monotonic()
                connection.request("GET", "/info", None, slow)
                response = connection.getresponse()
                response.read()
                self.assertEqual(response.status, 200)
                worst = max(worst, time.monotonic() - start)
            connection.close()
        finally:
            stop.set()
            for thread in guessers:
                thread.join()
        self.assertLess(worst, 5)

    def test_the_shell_and_feed(self):
        url = f"http://127.0.0.1:{self.server.port}"

        def shell(*args, env=None):
            return subprocess.run([BINARY, "sql", "-X", *args, "-e", "SHOW TABLES;", url], capture_output=True, text=True, timeout=30, check=False,
                                  env={**os.environ, "SLUICE_PASSWORD": "", **(env or {})})
        refused = shell()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("use -u and -p, or -t", refused.stderr)
        self.assertEqual(shell("-u", "ann", "-p", "guess").returncode, 1)
        self.assertEqual(shell("-u", "ann", "-p", "secret").returncode, 0)
        self.assertEqual(shell("-u", "ann", env={"SLUICE_PASSWORD": "secret"}).returncode, 0)
        self.assertEqual(shell("-t", "secret").returncode, 0)
        for args, code in (([], 1), (["--user", "ann"], 0), (["--token", "secret"], 0), (["--token", "x"], 1)):
            fed = subprocess.run([BINARY, "feed", "--url", url, "--topic", "t", *args], input="x\n", capture_output=True, text=True, timeout=30, check=False,
                                 env={**os.environ, "SLUICE_PASSWORD": "secret"})
            self.assertEqual(fed.returncode, code, fed)


class BasicWithRoles(WithUsers):
    properties = {"authentication.method": "BASIC", "authentication.roles": "admin,writer", "authentication.realm": "the mill",
                  "authentication.skip.paths": "/info,/status/*"}
    tokens = False

    def test_a_wrong_role_is_forbidden(self):
        status, body, response = self.server.post("/ksql", {"ksql": "SHOW STREAMS;"}, basic("bob", "secret"))
        self.assertEqual((status, json.loads(body)), (403, {"@type": "generic_error", "error_code": 40300, "message": "You are forbidden from using this cluster."}))
        self.assertIsNone(response.headers["WWW-Authenticate"])
        for who in (ANN, basic("joe", "secret")):
            self.assertEqual(self.server.post("/ksql", {"ksql": "SHOW STREAMS;"}, who)[0], 200)

    def test_realm_and_skipped_paths(self):
        response = self.refused("POST", "/ksql", "{}", BEARER)
        self.assertEqual(response.headers.get_all("WWW-Authenticate"), ['Basic realm="the mill"'])
        self.assertEqual(self.server.get("/info")[0], 200)
        self.assertEqual(self.server.get("/status/stream/S/create")[0], 404)
        self.refused("GET", "/status")


class BearerAlone(WithUsers):
    properties = {"authentication.method": "BEARER"}

    def test_passwords_are_not_taken(self):
        response = self.refused("GET", "/info", None, ANN)
        self.assertEqual(response.headers.get_all("WWW-Authenticate"), ['Bearer realm="sluice"'])
        self.assertEqual(self.server.get("/info", BEARER)[0], 200)


class Starts(unittest.TestCase):
    """A server that looks protected and is not does not start."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-auth-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)
        self.users = os.path.join(self.directory, "users")

    def start(self, *properties):
        args = [f"--property={p}" for p in (f"state.dir={self.directory}/data", "listeners=http://127.0.0.1:0", *properties)]
        return subprocess.run([BINARY, "server", *args], capture_output=True, text=True, timeout=20, check=False)

    def refuses(self, told, *properties):
        done = self.start(*properties)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(told, done.stderr)

    def test_settings(self):
        named = f"sluice.authentication.file={self.users}"
        write(self.users, USERS)
        self.refuses("authentication.method=BASIC needs sluice.authentication.file", "authentication.method=BASIC")
        self.refuses("authentication.method=BEARER needs sluice.authentication.tokens.file", "authentication.method=BEARER")
        self.refuses("sluice.authentication.file has no effect with authentication.method=NONE", named)
        self.refuses("sluice.authentication.file has no effect with authentication.method=BEARER", "authentication.method=BEARER", named)
        self.refuses("authentication.roles has no effect", "authentication.roles=admin")
        self.refuses("String must be one of", "authentication.method=LDAP", named)
        self.refuses("There is no setting authentication.role", "authentication.method=BASIC", named, "authentication.role=admin")
        self.refuses("There is no setting sluice.authentification.file", "sluice.authentification.file=x")
        self.refuses("authentication.realm", "authentication.method=BASIC", named, 'authentication.realm=a"b')

    def test_files(self):
        basics = ("authentication.method=BASIC", f"sluice.authentication.file={self.users}")
        self.refuses(f"cannot read {self.users}: No such file", *basics)
        for text, told in ((f"ann:{BCRYPT}\nbob\n", "users line 2: it is no name:secret:roles"), ("ann:geheim:admin\n", "users line 1: the password is not hashed"),
                           (f"ann:{BCRYPT}:a,,b\n", "users line 1: roles are"), (f"ann:{BCRYPT[:-1]}:a\n", "users line 1: the hash is not whole"),
                           (f"ann:{BCRYPT}\nAnn:{BCRYPT}\n", "users line 2: the name is there already"), ("x" * 100000, "users line 1: ")):
            write(self.users, text)
            self.refuses(told, *basics)
            self.assertNotIn("geheim", self.start(*basics).stderr)
        write(self.users, USERS)
        os.chmod(self.users, 0o666)
        self.refuses("can be written by every user", *basics)
        os.unlink(self.users)
        os.mkfifo(self.users)
        self.refuses("is no file", *basics)
        if os.geteuid() != 0:  # nothing is unreadable to root
            os.unlink(self.users)
            write(self.users, USERS)
            os.chmod(self.users, 0)
            self.refuses(f"cannot read {self.users}: Permission denied", *basics)


class Passwd(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-passwd-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)
        self.path = os.path.join(self.directory, "users")

    def passwd(self, *args, password="secret\n"):
        return subprocess.run([BINARY, "passwd", *args], input=password, capture_output=True, text=True, timeout=20, check=False)

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def test_lines(self):
        self.assertEqual(self.passwd("--roles", "admin,reader", self.path, "ann").returncode, 0)
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertRegex(self.read(), r"^ann:\$y\$[^:]+:admin,reader\n$")
        self.assertNotIn("secret", self.read())
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("# ann: a comment\n")
        self.assertEqual(self.passwd(self.path, "bob").returncode, 0)
        before = self.read()
        self.assertEqual(self.passwd(self.path, "ann", password="other\n").returncode, 0)  # the roles stay
        self.assertRegex(self.read(), r"^# ann: a comment\nbob:\$y\$[^:]+:\nann:\$y\$[^:]+:admin,reader\n$")
        self.assertNotIn(before.splitlines()[0], self.read())
        self.assertEqual(self.passwd("--delete", self.path, "bob").returncode, 0)
        self.assertNotIn("bob", self.read())
        self.assertEqual(os.listdir(self.directory), ["users"])

    def test_refusals(self):
        for args, password, code in ((("--delete", self.path, "ann"), "", 1), ((self.path, "a:b"), "x\n", 2), ((self.path,), "x\n", 2), ((self.path, "ann"), "", 1),
                                     ((self.path, "ann"), "\n", 1), ((self.path, "ann"), "x" * 600 + "\n", 1), (("--roles", "a b", self.path, "ann"), "x\n", 1),
                                     ((self.path, "a\tb"), "x\n", 1), (("/nowhere/users", "ann"), "x\n", 1), (("--what", self.path, "ann"), "x\n", 2)):
            done = self.passwd(*args, password=password)
            self.assertEqual(done.returncode, code, (args, done))
            self.assertNotEqual(done.stderr, "")
            self.assertEqual(os.listdir(self.directory), [])
        write(self.path, "nonsense\n")
        self.assertEqual(self.passwd(self.path, "ann").returncode, 1)
        self.assertEqual(self.read(), "nonsense\n")

    def test_a_token_is_told_once(self):
        done = self.passwd("--token", "--roles", "writer", self.path, "ci")
        token = done.stdout.strip()
        self.assertRegex(token, r"^[0-9a-f]{64}$")
        self.assertNotIn(token, self.read())
        server = Server(BINARY, {"authentication.method": "BEARER", "sluice.authentication.tokens.file": self.path})
        self.addCleanup(server.close)
        server.start(ready=False)
        wait_until(lambda: server.get("/info", {"Authorization": "Bearer " + token})[0] == 200)


class Reach(unittest.TestCase):
    """Who can reach it: by default this machine; the shell's own engine, this user."""

    def first_lines(self, *properties):
        with tempfile.TemporaryDirectory() as directory:
            args = [f"--property={p}" for p in (f"state.dir={directory}/data", *properties)]
            with subprocess.Popen([BINARY, "server", *args], stderr=subprocess.PIPE, text=True) as process:
                line = process.stderr.readline()
                while "listening" not in line and "cannot listen" not in line:
                    line = process.stderr.readline()
                process.send_signal(signal.SIGTERM)
                process.stderr.read()
                return line

    def test_the_default_is_the_loopback(self):
        line = self.first_lines()
        self.assertRegex(line, r"listen(ing)? on http://127\.0\.0\.1:8088")  # the port may be somebody's
        self.assertNotIn("0.0.0.0", line)

    def test_the_first_line_says_who(self):
        self.assertIn("for this machine only", self.first_lines("listeners=http://127.0.0.1:0"))
        self.assertRegex(self.first_lines("listeners=http://0.0.0.0:0"), "WARN .*for everybody who can reach it: authentication.method is not set")
        with tempfile.TemporaryDirectory() as directory:
            write(directory + "/users", USERS)
            line = self.first_lines("listeners=http://0.0.0.0:0", "authentication.method=BASIC", f"sluice.authentication.file={directory}/users")
            self.assertRegex(line, "WARN .*in the clear")

    def test_a_socket_of_ones_own(self):
        with tempfile.TemporaryDirectory() as directory:
            path = directory + "/" + "long/" * 30 + "x"  # no address has room for it
            os.makedirs(os.path.dirname(path))
            with subprocess.Popen([BINARY, "sql", "-X", "-q", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as shell:
                shell.stdin.write("SHOW TABLES;\n")
                shell.stdin.flush()
                wait_until(lambda: os.path.exists(path + "/shell/socket"))
                self.assertEqual(stat.S_IMODE(os.stat(path + "/shell").st_mode), 0o700)
                self.assertEqual(stat.S_IMODE(os.stat(path + "/shell/socket").st_mode), 0o600)
                with open(f"/proc/{shell.pid}/net/tcp", encoding="ascii") as sockets:
                    listening = {line.split()[9] for line in sockets if line.split()[3] == "0A"}
                own = {os.readlink(f"/proc/{shell.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{shell.pid}/fd")}
                self.assertEqual([inode for inode in listening if f"socket:[{inode}]" in own], [])
                other = subprocess.run([BINARY, "sql", "-X", "-e", "SHOW TABLES;", f"unix:{path}/shell/socket"], capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(other.returncode, 0, other)
                shell.stdin.close()
                self.assertEqual(shell.wait(20), 0)
            self.assertFalse(os.path.exists(path + "/shell/socket"))

    def test_a_directory_that_others_can_open_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            os.mkdir(directory + "/open", 0o755)
            os.chmod(directory + "/open", 0o755)
            for listener in (f"unix:{directory}/open/socket", "unix:socket", f"unix:{directory}/none/none/socket", "unix:"):
                done = subprocess.run([BINARY, "server", f"--property=state.dir={directory}/data", f"--property=listeners={listener}"],
                                      capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 1, done)
            write(directory + "/data/file", "mine")
            os.chmod(directory + "/data", 0o700)
            done = subprocess.run([BINARY, "server", f"--property=state.dir={directory}/data2", f"--property=listeners=unix:{directory}/data/file"],
                                  capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1, done)
            with open(directory + "/data/file", encoding="ascii") as file:
                self.assertEqual(file.read(), "mine")  # only a socket is taken away

    def test_what_a_killed_process_left_is_taken_over(self):
        with tempfile.TemporaryDirectory() as directory:
            for _ in range(2):
                args = [f"--property=state.dir={directory}/data", f"--property=listeners=unix:{directory}/s/socket"]
                with subprocess.Popen([BINARY, "server", *args], stderr=subprocess.PIPE, text=True) as process:
                    line = process.stderr.readline()
                    while "listening" not in line:
                        self.assertNotEqual(line, "")
                        line = process.stderr.readline()
                    self.assertIn("for this user only", line)
                    process.kill()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
