#!/usr/bin/env python3
"""Clients that send nonsense, send much, stop in the middle, leave without a word or all ask at once: the server answers with ksqlDB's
error codes, goes on for everybody else, and ends without a leak (run it under the asan preset).

usage: rest_hostile_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import resource
import select
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from sluice_server import wait_until  # noqa: E402


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
                answer = sock.recv(65536)
                self.assertEqual(answer.split(b" ")[1:2], [b"%d" % status])
                answer.decode("utf-8")
        self.assertEqual(self.server.get("/info")[0], 200)

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
