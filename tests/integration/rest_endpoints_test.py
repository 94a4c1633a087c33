#!/usr/bin/env python3
"""Endpoints beside statements and queries, on a real server process: inserted rows with acknowledgements, rows as Protobuf, settings of
requests, the end of a service.

usage: rest_endpoints_test.py PATH-TO-SLUICE [test...]
"""
import base64
import json
import os
import socket
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from rest_test import STREAM, TABLE  # noqa: E402
from sluice_server import wait_until  # noqa: E402


class Inserts(rest_test.WithServer):
    """POST /inserts-stream over HTTP/1.1; http2_test.py has it while the request is open."""

    def setUp(self):
        super().setUp()
        self.server.ok("CREATE STREAM I (K STRING KEY, `q` INT, V DECIMAL(4, 2), B BYTES, M MAP<STRING, INT>, A ARRAY<STRUCT<X INT>>, T TIMESTAMP) "
                       "WITH (kafka_topic='i', value_format='JSON', partitions=1);"
                       "CREATE TABLE IT (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='it', value_format='JSON', partitions=1);")

    def send(self, *lines, headers=None):
        body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        return self.server.request("POST", "/inserts-stream", body, headers)[:2]

    def test_rows(self):
        status, body = self.send({"target": "i"}, {"k": "a", "`q`": 1, "V": 1.5, "b": "IQ==", "m": {"x": 1}, "A": [{"x": 2}, None], "t": "2020-01-02T03:04:05.000",
                                                   "nobody": 1}, {"K": "b"}, {"V": "no number"}, {"\"q\"": 3})
        self.assertEqual(status, 200)
        acks = [json.loads(line) for line in body.splitlines()]
        self.assertEqual([(a["status"], a["seq"]) for a in acks], [("ok", 0), ("ok", 1), ("error", 2), ("ok", 3)])
        self.assertEqual(acks[2]["error_code"], 40000)
        self.assertEqual(self.server.pull("SELECT * FROM I;"),
                         [["a", 1, 1.5, "IQ==", {"x": 1}, [{"X": 2}, None], "2020-01-02T03:04:05.000"], ["b"] + [None] * 6, [None, 3] + [None] * 5])

    def test_forms_and_refusals(self):
        status, body = self.send({"target": "I"}, {"K": "a"}, {"A": 5}, headers={"Accept": "application/json"})
        self.assertEqual((status, [a["status"] for a in json.loads(body)]), (200, ["ok", "error"]))
        self.assertEqual(json.loads(self.send({"target": "I"}, headers={"Accept": "application/json"})[1]), [])
        status, body = self.send({"target": "IT"}, {"V": 1}, {"K": "k"})
        self.assertEqual([json.loads(line)["status"] for line in body.splitlines()], ["error", "ok"])
        status, body = self.send({"target": "I"}, {"K": "a"}, "{nonsense", {"K": "never"})
        first, last = body.splitlines()
        self.assertEqual((status, json.loads(first)["status"]), (200, "ok"))
        self.assertIn("Invalid JSON in inserts stream", json.loads(last)["message"])
        for lines, code in (((), 40000), (("{",), 40000), (({},), 40000), (({"target": "NONE"},), 40001), (({"target": 1},), 40000),
                            (({"target": "I", "properties": {"ksql.insert.into.values.enabled": False}},), 40000)):
            status, body = self.send(*lines, {"K": "a"}) if lines else self.send()
            self.assertEqual((status, json.loads(body)["error_code"]), (400, code), lines)

    def test_a_first_line_without_an_end(self):
        status, body = self.server.request("POST", "/inserts-stream", b"{" + b" " * (17 << 20))[:2]
        self.assertEqual((status, json.loads(body)["error_code"]), (413, 41300))

    def test_many(self):
        rows = [{"K": f"k{i}"} for i in range(20000)]
        status, body = self.send({"target": "I"}, *rows)
        self.assertEqual((status, body.count('"ok"')), (200, 20000))
        self.assertEqual(len(self.server.pull("SELECT K FROM I;")), 20000)


class Overrides(rest_test.WithServer):
    def test_settings_of_a_request(self):
        self.server.ok(STREAM)
        for path, sql, field in (("/query-stream", "sql", "properties"), ("/query", "ksql", "streamsProperties"), ("/ksql", "ksql", "streamsProperties")):
            text = "SHOW STREAMS;" if path == "/ksql" else "SELECT K FROM S;"
            for name in ("auto.ofset.reset", "nobodys", "ksql.query.pull.table.scan.enable"):
                status, body, _ = self.server.post(path, {sql: text, field: {name: "earliest"}})
                self.assertEqual((status, json.loads(body)["error_code"]), (400, 40000), (path, name))
                self.assertIn(f"Unknown property: {name}", json.loads(body)["message"])
                self.assertEqual("Did you mean auto.offset.reset?" in json.loads(body)["message"], name == "auto.ofset.reset")
            known = {"auto.offset.reset": "earliest", "ksql.streams.auto.offset.reset": "latest", "ksql.streams.nobodys": 1, "consumer.fetch.min.bytes": 1,
                     "producer.linger.ms": "5", "ksql.streams.producer.acks": "all", "ksql.functions.f.x": True}
            status, body, _ = self.server.post(path, {sql: text, field: known, "requestProperties": {"nobodys": 1}})
            self.assertEqual(status, 200, body)


class Proto(rest_test.WithServer):
    ACCEPT = {"Accept": "application/vnd.ksql.v1+protobuf"}

    def test_rows(self):
        self.server.ok("CREATE STREAM P (K STRING KEY, I INT, B BIGINT, D DOUBLE, O BOOLEAN, A ARRAY<INT>, M MAP<STRING, BIGINT>, S STRUCT<X INT, Y STRING>, "
                       "T TIMESTAMP) WITH (kafka_topic='p', value_format='JSON', partitions=1);"
                       "INSERT INTO P VALUES ('a', -1, 300, 0.5, true, ARRAY[1, 0], MAP('q' := 1), STRUCT(X := 7, Y := 'y'), '1970-01-01T00:00:01.500');"
                       "INSERT INTO P (K) VALUES ('z');")
        status, body, response = self.server.post("/query-stream", {"sql": "SELECT * FROM P;"}, self.ACCEPT)
        self.assertEqual((status, response.headers["Content-Type"]), (200, self.ACCEPT["Accept"]))
        header, one, two, end = json.loads(body)
        self.assertEqual(header["header"]["protoSchema"], '''syntax = "proto3";

import "google/protobuf/timestamp.proto";

message ConnectDefault1 {
  string K = 1;
  int32 I = 2;
  int64 B = 3;
  double D = 4;
  bool O = 5;
  repeated int32 A = 6;
  repeated ConnectDefault2Entry M = 7;
  ConnectDefault3 S = 8;
  google.protobuf.Timestamp T = 9;

  message ConnectDefault2Entry {
    string key = 1;
    int64 value = 2;
  }

  message ConnectDefault3 {
    int32 X = 1;
    string Y = 2;
  }
}
''')
        bytes_of = lambda row: base64.b64decode(row["row"]["protobufBytes"])
        self.assertEqual(bytes_of(one), b"\x0a\x01a" + b"\x10" + b"\xff" * 9 + b"\x01" + b"\x18\xac\x02" + b"\x21\0\0\0\0\0\0\xe0\x3f" + b"\x28\x01" +
                         b"\x30\x01\x30\x00" + b"\x3a\x05\x0a\x01q\x10\x01" + b"\x42\x05\x08\x07\x12\x01y" + b"\x4a\x08\x08\x01\x10\x80\xca\xb5\xee\x01")
        self.assertEqual(bytes_of(two), b"\x0a\x01z")
        self.assertEqual(end, {"finalMessage": "Query Completed"})

    def test_a_table(self):
        self.server.ok(STREAM + TABLE)
        self.insert("a", 1)
        self.insert("b", 1)
        def there():
            status, body, _ = self.server.post("/query", {"ksql": "SELECT K, N FROM T;"}, self.ACCEPT)
            rows = json.loads(body)[1:]  # whole, without a comma too many
            return status == 200 and sorted(base64.b64decode(r["row"]["protobufBytes"]) for r in rows) == [b"\x0a\x01a\x10\x01", b"\x0a\x01b\x10\x01"]
        wait_until(there)

    def test_what_has_no_form(self):
        self.server.ok("CREATE STREAM P (K STRING KEY, D DECIMAL(4, 2)) WITH (kafka_topic='p', value_format='JSON', partitions=1);")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM P;"}, self.ACCEPT)
        self.assertEqual((status, json.loads(body)["error_code"]), (400, 40001))
        self.assertIn("no type for DECIMAL(4, 2)", json.loads(body)["message"])
        self.assertEqual(self.server.post("/query", {"ksql": "PRINT p;"}, self.ACCEPT)[0], 406)


class Socket:
    """A WebSocket, as little of it as a test needs."""

    def __init__(self, port, request, headers=b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
                 sock=None):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), 20)
        path = "/ws/query?version=1&request=" + urllib.parse.quote(json.dumps(request) if isinstance(request, dict) else request)
        self.sock.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, value = line.decode().strip().split(": ", 1)
            self.headers[name.lower()] = value

    def message(self):
        """-> (opcode, payload) of a whole message, or of a control frame."""
        payload, kind = b"", None
        while True:
            first, size = self.file.read(2)
            assert size < 128, "masked"
            size = int.from_bytes(self.file.read({126: 2, 127: 8}[size]), "big") if size > 125 else size
            payload += self.file.read(size)
            kind = kind or first & 15
            if first & 128:
                return kind, payload

    def json(self):
        kind, payload = self.message()
        assert kind == 1, (kind, payload)
        return json.loads(payload)

    def closed(self):
        kind, payload = self.message()
        assert kind == 8, (kind, payload)
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def send(self, opcode, payload=b""):
        self.sock.sendall(bytes([128 | opcode, 128 | len(payload)]) + b"\1\2\3\4" + bytes(c ^ (1, 2, 3, 4)[i % 4] for i, c in enumerate(payload)))

    def leave(self):
        self.file.close()
        self.sock.close()


class WebSockets(rest_test.WithServer):
    def setUp(self):
        super().setUp()
        self.server.ok(STREAM)
        for i in range(3):
            self.insert("a", i)

    def ask(self, request, *headers):
        sock = Socket(self.server.port, request, *headers)
        self.addCleanup(sock.leave)
        return sock

    def test_rows(self):
        sock = self.ask({"ksql": "SELECT K, V FROM S EMIT CHANGES LIMIT 2;"})
        self.assertEqual((sock.status, sock.headers["sec-websocket-accept"]), (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        self.assertEqual([(f["name"], f["schema"]["type"]) for f in sock.json()], [("K", "STRING"), ("V", "INTEGER")])
        self.assertEqual([sock.json() for _ in range(3)], [{"row": {"columns": ["a", 0]}}, {"row": {"columns": ["a", 1]}}, {"finalMessage": "Limit Reached"}])
        self.assertEqual(sock.closed(), (1000, "done"))

    def test_big_messages_and_pings(self):
        self.insert("x" * 100000, 3)
        sock = self.ask({"ksql": "SELECT K FROM S WHERE V = 3 EMIT CHANGES;"})
        sock.json()
        self.assertEqual(len(sock.json()["row"]["columns"][0]), 100000)
        sock.send(9, b"are you there")
        self.assertEqual(sock.message(), (10, b"are you there"))
        sock.send(8, b"\x03\xe8")
        self.assertEqual(sock.message()[0], 8)
        wait_until(lambda: not self.running())

    def test_print(self):
        sock = self.ask({"ksql": "PRINT s FROM BEGINNING LIMIT 2;"})
        lines = [sock.message()[1].decode() for _ in range(4)]
        self.assertEqual([line.split(":")[0] for line in lines], ["Key format", "Value format", "rowtime", "rowtime"])
        self.assertEqual(sock.closed(), (1000, "done"))

    def test_refusals(self):
        for request, message in (({"ksql": "SELECT * FROM NONE;"}, "NONE"), ({"ksql": ""}, "must be populated"), ("{", "Invalid JSON"), ({"ksql": "SHOW STREAMS;"}, "not supported"),
                                 ({"ksql": "SELEKT;"}, "line 1:1")):
            sock = self.ask(request)
            code, reason = sock.closed()
            self.assertEqual(code, 1003)
            self.assertIn(message, reason)
        code, reason = self.ask({"ksql": "SELECT * FROM S;", "commandSequenceNumber": 1000}).closed()
        self.assertEqual(code, 1013)
        self.assertEqual(self.ask({"ksql": "SELECT * FROM S;"}, b"").status, 400)

    def test_clients_that_misbehave(self):
        for how in (lambda s: s.leave(), lambda s: s.sock.sendall(b"\xff" * 40), lambda s: s.sock.sendall(b"\x81\x05hello"), lambda s: s.sock.sendall(b"\x89\xff" + b"\xff" * 12),
                    lambda s: (s.sock.sendall(b"\x82"), s.leave())):
            sock = self.ask({"ksql": "SELECT K FROM S EMIT CHANGES;"})
            sock.json()
            wait_until(lambda: len(self.running()) == 1)
            how(sock)
            wait_until(lambda: not self.running())

    def test_stop(self):
        sock = self.ask({"ksql": "SELECT K FROM S EMIT CHANGES;"})
        for _ in range(4):
            sock.json()
        self.server.stop()
        self.assertEqual(sock.closed()[0], 1000)


class NullKeys(rest_test.WithServer):
    """INSERT of an explicit NULL into a key: a stream's record has none, a table's is refused, and the text 'NULL' is a text."""

    def test_streams(self):
        for form, seen in (("KAFKA", [[None, 1], [None, 2], ["NULL", 3], ["", 4]]), ("JSON", [[None, 1], [None, 2], ["NULL", 3], ["", 4]]),
                           ("DELIMITED", [["NULL", 3], [None, 4]])):  # as ksqlDB: NULL becomes no bytes, which it cannot read, and the empty text is read as NULL
            self.server.ok(f"CREATE STREAM S{form} (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s{form}', KEY_FORMAT='{form}', VALUE_FORMAT='JSON', PARTITIONS=1);")
            for row in ("(K, V) VALUES (NULL, 1)", "(V) VALUES (2)", "VALUES ('NULL', 3)", "VALUES ('', 4)"):
                self.server.ok(f"INSERT INTO S{form} {row};")
            self.assertEqual(self.server.pull(f"SELECT * FROM S{form};"), seen, form)
        self.server.ok("CREATE STREAM S2 (K STRING KEY, L INT KEY, V INT) WITH (KAFKA_TOPIC='s2', KEY_FORMAT='JSON', VALUE_FORMAT='JSON', PARTITIONS=1);"
                       "INSERT INTO S2 VALUES (NULL, 1, 1); INSERT INTO S2 VALUES (NULL, NULL, 2);")
        self.assertEqual(self.server.pull("SELECT * FROM S2;"), [[None, 1, 1], [None, None, 2]])

    def test_tables(self):
        self.server.ok("CREATE TABLE T (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);")
        for row, told in (("VALUES (NULL, 1)", "Compacted topic cannot accept message without key"), ("(V) VALUES (1)", "Value for primary key column(s) `K` is required for tables")):
            status, answer = self.server.ksql(f"INSERT INTO T {row};")
            self.assertEqual((status, answer["error_code"], told in answer["message"]), (400, 40001, True), answer)
        self.server.ok("INSERT INTO T VALUES ('a', NULL);")  # a row of nulls is no tombstone


class FinalTables(rest_test.WithServer):
    def test_what_a_pull_query_sees(self):
        """The table's state, finished or not, as far back as it is kept: not what EMIT FINAL has written."""
        self.server.ok(rest_test.STREAM)
        for name, retention in (("SHORT", ""), ("LONG", "RETENTION 1 HOUR, ")):
            self.server.ok(f"CREATE TABLE {name} AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 10 SECONDS, {retention}GRACE PERIOD 0 SECONDS) GROUP BY K EMIT FINAL;")
        for second in (0, 1, 15, 25):
            self.server.ok(f"INSERT INTO S (ROWTIME, K, V) VALUES ({1900000000000 + second * 1000}, 'x', 1);")
        query = "SELECT WINDOWSTART, N FROM {} WHERE K = 'x';"
        windows = [[1900000000000, 2], [1900000010000, 1], [1900000020000, 1]]
        wait_until(lambda: self.server.pull(query.format("LONG")) == windows)
        wait_until(lambda: self.server.pull(query.format("SHORT")) == windows[1:])  # size + grace are kept, unless RETENTION says otherwise
        self.assertEqual(self.server.pull("SELECT N FROM LONG WHERE K = 'x' AND WINDOWEND <= 1900000020000;"), [[2], [1]])


class Unreadable(rest_test.WithServer):
    def test_a_query_in_error(self):
        """A pull query on what cannot be read says what its query does, and speaks of no other server where there is none."""
        self.server.ok(STREAM + "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;", streamsProperties={"ksql.fail.on.deserialization.error": "true"})
        self.server.ok("INSERT INTO S VALUES ('a', 1, 1);")
        wait_until(lambda: self.server.pull("SELECT N FROM T;") == [[1]])
        bad = {"topic": "s", "partitions": 2, "records": [{"timestamp": 1, "key": "a", "value": "{nonsense"}]}
        self.assertEqual(self.server.post("/sluice/records", bad)[0], 200)
        wait_until(lambda: self.server.ok("SHOW QUERIES;")[0]["queries"][0]["state"] == "ERROR")
        told = []

        def refused():
            status, body, _ = self.server.post("/query", {"ksql": "SELECT N FROM T;"})
            told.append(json.loads(body)["message"] if status == 503 else body)
            return status == 503
        wait_until(refused)
        self.assertRegex(told[-1], r"of the query CTAS_T_1 that makes the table cannot be read: the query is in ERROR.*cannot be deserialized.*EXPLAIN CTAS_T_1;")
        self.assertNotIn("another server", told[-1])


class Terminate(rest_test.WithServer):
    def test_the_end(self):
        self.server.ok(STREAM + TABLE + "CREATE TABLE U WITH (kafka_topic='kept') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"
                       "CREATE TABLE R (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='r', value_format='JSON', partitions=1);"
                       "CREATE SOURCE TABLE RS (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='r', value_format='JSON');")
        for wrong in ({"deleteTopicList": ["("]}, {"deleteTopicList": "T"}, {"deleteTopicList": [1]}):
            status, body, _ = self.server.post("/ksql/terminate", wrong)
            self.assertEqual((status, json.loads(body)["error_code"]), (400, 40000))
        status, body, _ = self.server.post("/ksql/terminate", {"deleteTopicList": ["T", "s", "x.*"]})
        self.assertEqual((status, json.loads(body)[0]["commandStatus"]["status"]), (200, "SUCCESS"))
        for path in ("/ksql", "/query", "/info"):
            status, body, _ = self.server.post(path, {"ksql": "SHOW QUERIES;"})
            self.assertEqual((status, json.loads(body)["error_code"]), (503, 50304))
        self.assertEqual(self.server.get("/chc/live")[0], 200)
        self.server.stop()
        self.server.start()
        streams, tables, queries, topics = self.server.ok("SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TOPICS;")
        self.assertEqual((streams["streams"], tables["tables"], queries["queries"]), ([], [], []))
        self.assertEqual(sorted(t["name"] for t in topics["topics"]), ["kept", "r", "s"])  # s was there before its query


if __name__ == "__main__":
    rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
