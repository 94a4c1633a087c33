#!/usr/bin/env python3
"""Clients that send nonsense, send much, stop in the middle, leave without a word or all ask at once: the server answers with ksqlDB's
error codes, goes on for everybody else, and ends without a leak (run it under the asan preset).

usage: rest_hostile_test.py PATH-TO-SLUICE [test...]
"""
import http.client
import json
import os
import re
import resource
import select
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from auth_test import SHA512, basic, write  # noqa: E402
from http2 import DATA, HEADERS, PING, RST_STREAM, Client, frame  # noqa: E402
from sluice_server import Server, wait_until  # noqa: E402


def read_to_end(sock):
    answer = b""
    try:
        while block := sock.recv(65536):
            answer += block
    except ConnectionResetError:
        pass
    return answer


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS:")).split()[1])


class Strangers(unittest.TestCase):
    """Who has not said who he is: his bodies are not read, his half requests are forgotten with him, and he keeps nobody out."""

    def setUp(self):
        self.server = Server(rest_test.BINARY, {"authentication.method": "BASIC"})
        self.addCleanup(self.server.close)
        users = os.path.join(self.server.directory, "users")
        write(users, f"ann:{SHA512}:admin\n")
        self.server.properties["sluice.authentication.file"] = users

    def start(self):
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/info", basic("ann", "secret"))[0] == 200)
        return self.server

    def connect(self, sent):
        sock = socket.create_connection(("127.0.0.1", self.server.port), 20)
        self.addCleanup(sock.close)
        sock.sendall(sent)
        return sock

    @staticmethod
    def head(path, length, extra=b""):
        return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n" % (path, length, extra)

    def test_a_body_is_not_waited_for(self):
        """The answer comes when the headers are there, whatever is announced, and 100 Continue only to who may."""
        self.start()
        for path in (b"/ksql", b"/query-stream", b"/inserts-stream", b"/nothing"):
            for extra in (b"", b"Expect: 100-continue\r\n"):
                answer = read_to_end(self.connect(self.head(path, 15 * 1024 * 1024, extra)))
                self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer)
                self.assertIn(b'"error_code":40100', answer)
        who = b"Authorization: " + basic("ann", "secret")["Authorization"].encode() + b"\r\n"
        self.assertIn(b" 404 ", read_to_end(self.connect(self.head(b"/nothing", 15 * 1024 * 1024, who))))
        sock = self.connect(self.head(b"/ksql", 25, who + b"Expect: 100-continue\r\nConnection: close\r\n"))
        self.assertEqual(sock.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b'{"ksql":"SHOW STREAMS;"} ')
        self.assertIn(b'"streams"', read_to_end(sock))

    def test_a_body_is_not_waited_for_by_http2(self):
        server = self.start()
        client = Client(server.port)
        self.addCleanup(client.close)
        for path in ("/ksql", "/inserts-stream"):
            stream = client.ask("POST", path, end=False)
            answer = b"".join(payload for kind, _, _, payload in client.frames(stream) if kind == DATA)
            self.assertIn(b'"error_code":40100', answer)
        who = (b"authorization", basic("ann", "secret")["Authorization"].encode())
        stream = client.ask("POST", "/ksql", end=False, extra=(who, (b"expect", b"100-continue")))
        frames = client.frames(stream)
        self.assertEqual(next(frame for frame in frames if frame[0] == HEADERS)[3], b"H\x82\x08\x01")  # :status 100, as HPACK writes it
        client.send(frame(DATA, 1, stream, b'{"ksql":"SHOW STREAMS;"}'))
        self.assertIn(b'"streams"', b"".join(payload for kind, _, _, payload in frames if kind == DATA))

    def test_a_short_rest_of_a_body_may_come(self):
        """Some clients forget an answer when they are told in the middle of sending that the rest is not wanted: so they are told where there is
        much of it, or where it does not come."""
        client = Client(self.start().port)
        self.addCleanup(client.close)

        def refused(**extra):
            stream = client.ask("POST", "/ksql", end=False, **extra)
            self.assertIn(b'"error_code":40100', b"".join(client.data(stream)))
            return stream

        def next_frame():
            return next(got for got in iter(client.frame, None) if got[0] in (PING, RST_STREAM))
        stream = refused(extra=((b"content-length", b"2"),))
        client.send(frame(DATA, 1, stream, b"{}"), frame(PING, 0, 0, b"12345678"))
        self.assertEqual(next_frame()[0], PING)
        stream = refused()
        self.assertEqual(next_frame(), (RST_STREAM, 0, stream, b"\0\0\0\0"))
        stream = refused(extra=((b"content-length", b"1000000"),))
        client.send(frame(PING, 0, 0, b"12345678"))
        self.assertEqual(next_frame(), (RST_STREAM, 0, stream, b"\0\0\0\0"))

    def test_nothing_of_it_is_kept(self):
        server = self.start()
        before = resident_kb(server)
        for _ in range(20):
            sock = self.connect(self.head(b"/ksql", 15 * 1024 * 1024))
            try:
                for _ in range(60):
                    sock.sendall(b" " * 262144)
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.assertLess(resident_kb(server) - before, 20 * 1024)

    def test_half_requests_go_with_their_clients(self):
        server = self.start()
        before = descriptors(server)
        for start in (b"", b"P", b"PO", b"POST /ks", self.head(b"/ksql", 10), self.head(b"/ksql", 10) + b"{", b"GET /info HTTP/1.1\r\nHost: x\r\n\r\nGET"):
            for _ in range(10):
                self.connect(start).close()
        wait_until(lambda: descriptors(server) <= before, 5, "the end of connections whose clients left")

    def test_idle_strangers_keep_nobody_out(self):
        """Of too many of them the oldest has to go; who is known may idle."""
        script = os.path.join(self.server.directory, "few")
        write(script, f'#!/bin/sh\nulimit -n 900\nexec {os.path.abspath(rest_test.BINARY)} "$@"\n')
        os.chmod(script, 0o700)
        self.server.binary = script
        server = self.start()
        known = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.addCleanup(known.close)

        def ask():
            known.request("GET", "/info", headers=basic("ann", "secret"))
            response = known.getresponse()
            response.read()
            return response.status
        self.assertEqual(ask(), 200)
        known_sock = known.sock
        idle = [self.connect(b"POST /ksql HT" if i % 2 else b"") for i in range(700)]
        self.assertEqual(server.get("/info", basic("ann", "secret"))[0], 200)
        self.assertEqual((ask(), known.sock), (200, known_sock))
        self.assertEqual(read_to_end(idle[0]), b"")  # it is closed
        self.assertEqual(select.select([idle[-1]], [], [], 0)[0], [])  # this one has its time

    def test_a_field_that_says_it_twice(self):
        """By HTTP/2 as by HTTP/1."""
        client = Client(self.start().port)
        self.addCleanup(client.close)
        who = (b"authorization", basic("ann", "secret")["Authorization"].encode())
        for extra in ((who, who), ((b"host", b"y"),), ((b"x", b"a\x01b"),), ((who[0], who[1] + b"\0"),), ((b"content-type", b"a"), (b"content-type", b"b"))):
            stream = client.ask("GET", "/info", extra=extra)
            self.assertIn(b'"error_code":40000', b"".join(client.data(stream)), extra)
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info", extra=(who, (b"host", b"x"))))))


def peak_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1])


def cpu_s(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
        return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Large(rest_test.WithServer):
    """What a request costs grows as the request does, its statements and its variables included. Sanitizers keep books, which cost memory, too."""
    MB = 1024 * (4 if os.environ.get("SLUICE_TEST_SANITIZER") else 1)  # in KB

    def costs_kb(self, text, **more):
        before = resident_kb(self.server)
        status, answer = self.server.ksql(text, **more)
        return status, answer, peak_kb(self.server) - before

    def test_many_statements(self):
        for text, count, most_mb in (("SET 'auto.offset.reset'='latest';", 20000, 60), ("SHOW STREAMS;", 20000, 100)):
            status, answer, cost = self.costs_kb(text * count)
            self.assertEqual(status, 200, str(answer)[:500])
            self.assertLess(cost, most_mb * self.MB, text)

    def test_many_variables(self):
        status, answer, cost = self.costs_kb("".join(f"DEFINE a{i}='x';" for i in range(10000)))
        self.assertEqual(status, 200, str(answer)[:500])
        self.assertLess(cost, 60 * self.MB)

    def test_many_rows(self):
        self.server.ok("CREATE STREAM many (k STRING KEY, v INT) WITH (KAFKA_TOPIC='many', VALUE_FORMAT='JSON', PARTITIONS=1);")
        status, answer, cost = self.costs_kb("INSERT INTO many VALUES ('a', 1);" * 4500)
        self.assertEqual(status, 200, str(answer)[:500])
        self.assertLess(cost, 100 * self.MB)

    def test_many_names_in_the_worst_order(self):
        names = [f"{i:06}" for i in range(100000)][::-1]
        for field, what, name in (("sessionVariables", "variables", "v"), ("streamsProperties", "settings", "ksql.streams.x")):
            status, answer = self.server.ksql("SHOW STREAMS;", **{field: {name + n: "" for n in names}})
            self.assertEqual(status, 400)
            self.assertIn(f"this session would have more than 10000 {what}, which is their limit", answer["message"])
        full = {f"v{i}": "x" for i in range(10000)}
        self.assertEqual(self.server.ksql("DEFINE v7='y';", sessionVariables=full)[0], 200)
        self.assertEqual(self.server.ksql("DEFINE w='y';", sessionVariables=full)[0], 400)

    def test_many_schemas(self):
        """Each statement asks the registry, and begins again when that has answered."""
        def cost(prefix, count):
            before = cpu_s(self.server)
            self.server.ok("".join(f"CREATE STREAM {prefix}{i} (k STRING KEY, a INT) WITH (KAFKA_TOPIC='{prefix}{i}', PARTITIONS=1, "
                                   "VALUE_FORMAT='AVRO');" for i in range(count)))
            return cpu_s(self.server) - before
        few, many = cost("few", 75), cost("many", 300)
        print(f"75 schemas {few:.2f} s, 300 schemas {many:.2f} s", file=sys.stderr)
        self.assertLess(many, 7 * few)  # four times, or sixteen

    def test_places_are_those_of_the_whole_text(self):
        text = "SHOW STREAMS;\n  SHOW TOPICS; DEFINE x = 'y';\n SHOW NOTHING;"
        self.assertIn("line 3:7: ", self.server.ksql(text)[1]["message"])
        self.assertIn("line 2:9: ", self.server.ksql("SHOW STREAMS;\n SELECT 'open")[1]["message"])

    def test_variables_that_double(self):
        bomb = "DEFINE a='xxxxxxxxxx';" + "DEFINE a='${a}${a}${a}${a}${a}${a}${a}${a}';" * 9 + "SHOW STREAMS;"
        status, answer, cost = self.costs_kb(bomb)
        self.assertEqual(status, 400)
        self.assertIn("The value of variable 'a' has 2621440 bytes. The limit of a variable is 1048576 bytes.", answer["message"])
        self.assertLess(cost, 100 * self.MB)
        status, answer, cost = self.costs_kb("DEFINE b='${a}';", sessionVariables={"a": "x" * 1048577})
        self.assertEqual(status, 400)
        self.assertIn("The value of variable 'a' has 1048577 bytes.", answer["message"])
        many = "".join(f"DEFINE b{i}='${{a}}';" for i in range(1000))
        status, answer, cost = self.costs_kb(many, sessionVariables={"a": "x" * 1048576})
        self.assertEqual(status, 400)
        self.assertIn("With variable 'b14' of 1048576 bytes the variables of this session would have more", answer["message"])
        status, answer, cost = self.costs_kb("DEFINE b='" + "${a}" * 1000 + "';", sessionVariables={"a": "x" * 1048576})
        self.assertEqual(status, 400)
        self.assertIn("Variable ${a} has 1048576 bytes, and what variables put into one text", answer["message"])
        self.assertLess(cost, 300 * self.MB)


class Hostile(rest_test.WithServer):
    """Clients that send nonsense, much, or nothing at all: each is told what is wrong, and nobody else notices."""
    properties = {"ksql.properties.overrides.denylist": "ksql.streams.commit.interval.ms,ksql.fail.on.deserialization.error",
                  "ksql.server.command.response.timeout.ms": "6000"}

    BODIES = [  # what is no request, for each endpoint that takes one
        b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[" * 100000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b'{"a":1e999}', b'{"a":123456789012345678901234567890}', b'{"a\\u0000b":1}', b"{} {}", b"{}\0",
    ]
    FIELDS = [  # path, request, a part of the message
        ("/ksql", {"ksql": 5}, '"ksql" must be a string'),
        ("/ksql", {"ksql": ["SHOW STREAMS;"]}, '"ksql" must be a string'),
        ("/query", {"ksql": {}}, '"ksql" must be a string'),
        ("/query", {"ksql": None}, '"ksql" field must be populated'),
        ("/query-stream", {"sql": True}, '"sql" must be a string'),
        ("/query-stream", {"sql": None}, "Invalid JSON in request:"),
        ("/close-query", {"queryId": 1}, '"queryId" must be a string'),
        ("/close-query", {}, "Invalid JSON in request:"),
        ("/close-query", {"queryId": "x" * 100000}, "No query with id xxx"),
        ("/close-query", {"queryId": "\u00e9\u4e2d" * 5000}, "No query with id"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": []}, '"streamsProperties" must be an object'),
        ("/query", {"ksql": "SELECT * FROM S;", "streamsProperties": "x"}, '"streamsProperties" must be an object'),
        ("/query-stream", {"sql": "SELECT * FROM S;", "properties": 5}, '"properties" must be an object'),
        ("/ksql", {"ksql": "SHOW STREAMS;", "sessionVariables": "x"}, '"sessionVariables" must be an object'),
        ("/ksql", {"ksql": "SHOW STREAMS;", "sessionVariables": {"a": [1]}}, "Invalid value for variable 'a'"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "requestProperties": 1}, '"requestProperties" must be an object'),
        ("/ksql", {"ksql": "SHOW STREAMS;", "commandSequenceNumber": "x"}, '"commandSequenceNumber" must be an integer'),
        ("/ksql", {"ksql": "SHOW STREAMS;", "commandSequenceNumber": 1.5}, '"commandSequenceNumber" must be an integer'),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"auto.offset.reset": {}}}, "not a string, number or boolean"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"auto.offset.reset": 5}}, "Invalid value 5 for configuration"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"cache.max.bytes.buffering": -5}}, "Value must be at least 0"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"commit.interval.ms": 10}}, "prohibited by the KSQL server"),
        ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"ksql.streams.commit.interval.ms": 10}}, "prohibited by the KSQL server"),
        ("/query", {"ksql": "SELECT * FROM S;", "streamsProperties": {"ksql.service.id": "x"}}, "prohibited by the KSQL server"),
        ("/query-stream", {"sql": "SELECT * FROM S;", "properties": {"ksql.fail.on.deserialization.error": True}}, "prohibited by the KSQL server"),
    ]
    WIRE = [  # bytes, status of the answer
        (b"GET /info HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /info\r\n\r\n", 400),
        (b"post /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405),
        (b"BREW /info HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n{}", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n{}", 417),
        (b"GET /info HTTP/1.1\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\0\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n\r\n", 400),
        (b"GET /info HTTP/1.1\nHost: x\n\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 413),
        (b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300000 + b"\r\n\r\n", 431),
        (b"GET /is_valid_property/%FF%00%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /status/%FF/%60 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"POST /query-stream HTTP/1.0\r\nContent-Length: 32\r\n\r\n" + b'{"sql":"SELECT * FROM S;"      }', 400),
    ]

    def error(self, path, body):
        status, answer, _ = self.server.request("POST", path, body)
        document = json.loads(answer)
        return status, document["error_code"], document["message"]

    def test_bodies(self):
        for path in ("/ksql", "/query", "/query-stream", "/close-query"):
            for body in self.BODIES:
                with self.subTest(path=path, body=body[:40]):
                    status, code, message = self.error(path, body)
                    self.assertEqual((status, code), (400, 40000))
                    self.assertTrue(message.startswith("Invalid JSON in request: "), message)

    def test_fields(self):
        self.server.ok(rest_test.STREAM)
        for path, request, part in self.FIELDS:
            with self.subTest(path=path, request=str(request)[:80]):
                status, code, message = self.error(path, json.dumps(request))
                self.assertEqual((status, code), (400, 40000))
                self.assertIn(part, message)
        self.server.ok("SHOW STREAMS;", streamsProperties=None, sessionVariables=None, requestProperties=None, commandSequenceNumber="0")

    def test_what_may_not_be_overridden(self):
        for text in ("SET 'commit.interval.ms'='10';", "SET 'ksql.service.id'='x';", "SET 'ksql.properties.overrides.denylist'='';"):
            status, answer = self.server.ksql(text)
            self.assertEqual(status, 400, text)
            self.assertIn("prohibited by the KSQL server", answer["message"])
        for name in ("ksql.streams.commit.interval.ms", "ksql.properties.overrides.allowlist"):
            self.assertEqual(self.server.get(f"/is_valid_property/{name}")[0], 400, name)

    def test_wire(self):
        for sent, status in self.WIRE:
            with self.subTest(sent=sent[:90]), socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as sock:
                try:
                    sock.sendall(sent)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it has heard enough; the answer may be lost with it
                sock.shutdown(socket.SHUT_WR)
                answer = read_to_end(sock)
                head, _, body = answer.partition(b"\r\n\r\n")
                self.assertEqual(head.split(b" ")[1:2], [b"%d" % status])
                self.assertEqual(len(re.findall(rb"HTTP/1.1 \d{3} ", answer)), 1, "one answer is enough")
                document = json.loads(body)
                self.assertEqual((document["@type"], document["error_code"] // 100), ("generic_error", status))
                self.assertIn(b"Content-Type: application/json", head)
        self.assertEqual(self.server.get("/info")[0], 200)

    def test_a_websocket_that_is_none_is_no_warning(self):
        """Whoever likes could fill the log."""
        head = (b"GET /ws/query?request=%7B%22ksql%22%3A%22PRINT%20s%3B%22%7D HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        self.server.ok(rest_test.STREAM)
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", self.server.port), 20) as sock:
                sock.sendall(head + b"\x8f\x00" * 20)
                read_to_end(sock)
        self.assertNotIn("WARN", self.server.log())

    def test_many_idle_connections(self):
        """More than select() could watch, in the three states in which a client may stop: nothing sent, half a head, half a body."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 1600
        if hard != resource.RLIM_INFINITY and hard < wanted + 400:
            self.skipTest("not enough descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 400), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        starts = (b"", b"POST /ks", b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        idle = []
        try:
            for number in range(wanted):
                idle.append(socket.create_connection(("127.0.0.1", self.server.port), timeout=20))
                idle[-1].sendall(starts[number % len(starts)])
            self.assertEqual(self.server.get("/info")[0], 200)
        finally:
            for sock in idle:
                sock.close()

    def test_requests_that_wait_keep_nobody_from_an_answer(self):
        body = json.dumps({"ksql": "SHOW STREAMS;", "commandSequenceNumber": 10**9}).encode()
        waiting = []
        for _ in range(20):  # more than there are threads
            sock = socket.create_connection(("127.0.0.1", self.server.port), timeout=20)
            self.addCleanup(sock.close)
            sock.sendall(b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            waiting.append(sock)
        for _ in range(5):
            self.assertEqual(self.server.get("/info")[0], 200)
        self.assertEqual(select.select(waiting, [], [], 0)[0], [], "an answer came only after a wait had ended")
        for sock in waiting:
            answer = sock.recv(65536)
            self.assertIn(b" 503 ", answer)
            self.assertIn(b'"error_code":50301', answer)

    def test_an_assertion_that_waits_holds_nobody_up(self):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.server.ksql("ASSERT TOPIC late TIMEOUT 15 SECONDS;")))
        thread.start()
        self.server.ok(rest_test.STREAM + "SHOW STREAMS;")
        self.insert("a", 1)
        self.assertEqual(self.server.pull("SELECT K FROM S;"), [["a"]])
        self.assertEqual(answers, [])
        self.server.ok(rest_test.STREAM.replace(" S ", " LATE ").replace("'s'", "'late'"))
        thread.join()
        self.assertEqual([(status, answer[0]["exists"]) for status, answer in answers], [(200, True)])

    def test_clients_that_vanish(self):
        self.server.ok(rest_test.STREAM)
        for _ in range(3):
            streams = [self.server.stream(path, {field: "SELECT K FROM S EMIT CHANGES;"})
                       for path, field in (("/query", "ksql"), ("/query-stream", "sql")) for _ in range(10)]
            self.insert("a", 1)
            for stream in streams:
                stream.line()
                stream.leave()
        wait_until(lambda: self.running() == [], what="the end of the queries of clients that left")
        self.assertEqual(self.server.stop(), 0)

    def test_parallel_statements(self):
        """The same names from all sides: each statement succeeds or is refused, and what is left is what the catalog says."""
        failures = []

        def client(number):
            try:
                for turn in range(8):
                    for text in (rest_test.STREAM, f"CREATE STREAM OWN{number} AS SELECT * FROM S;", "SHOW STREAMS; SHOW QUERIES;", "DESCRIBE S EXTENDED;",
                                 f"DROP STREAM IF EXISTS OWN{number} DELETE TOPIC;", "DROP STREAM IF EXISTS S DELETE TOPIC;" if turn % 2 else "SHOW TOPICS;"):
                        status, answer = self.server.ksql(text)
                        if status != 200 and (status, answer["error_code"]) != (400, 40001):
                            failures.append((text, status, answer))
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.server.ok("TERMINATE ALL;")
        left = [s["name"] for s in self.server.ok("SHOW STREAMS;")[0]["streams"]]
        for name in sorted(left):  # OWN... before S
            self.server.ok(f"DROP STREAM {name};")
        self.assertEqual(self.server.ok("SHOW STREAMS;")[0]["streams"], [])
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
