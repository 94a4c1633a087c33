#!/usr/bin/env python3
"""Endpoints beside statements and queries, on a real server process: inserted rows with acknowledgements, rows as Protobuf, the end of
a service.

usage: rest_endpoints_test.py PATH-TO-SLUICE [test...]
"""
import base64
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from rest_test import STREAM, TABLE  # noqa: E402


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

    def test_many(self):
        rows = [{"K": f"k{i}"} for i in range(20000)]
        status, body = self.send({"target": "I"}, *rows)
        self.assertEqual((status, body.count('"ok"')), (200, 20000))
        self.assertEqual(len(self.server.pull("SELECT K FROM I;")), 20000)


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

    def test_what_has_no_form(self):
        self.server.ok("CREATE STREAM P (K STRING KEY, D DECIMAL(4, 2)) WITH (kafka_topic='p', value_format='JSON', partitions=1);")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM P;"}, self.ACCEPT)
        self.assertEqual((status, json.loads(body)["error_code"]), (400, 40001))
        self.assertIn("no type for DECIMAL(4, 2)", json.loads(body)["message"])
        self.assertEqual(self.server.post("/query", {"ksql": "PRINT p;"}, self.ACCEPT)[0], 406)


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
