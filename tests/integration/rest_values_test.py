#!/usr/bin/env python3
"""What stands for what: variables in statements, and NULL in formats that have none.

usage: rest_values_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")


class Values(unittest.TestCase):
    def setUp(self):
        self.server = Server(BINARY)
        self.addCleanup(self.server.close)
        self.server.start()

    def test_a_format_without_null(self):
        """A table is what its topic says: who looks into the store gets what a reader of the topic gets."""
        columns = "I INT, B BIGINT, D DOUBLE, O BOOLEAN, X STRING, A ARRAY<INT>, M MAP<STRING, INT>, R STRUCT<I INT, X STRING>, E DECIMAL(4, 2), Y DATE"
        self.server.ok(f"CREATE TABLE L (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='l', value_format='JSON', partitions=1);"
                       f"CREATE TABLE R (K STRING PRIMARY KEY, {columns}) WITH (kafka_topic='r', value_format='JSON', partitions=1);"
                       "CREATE TABLE P WITH (value_format='PROTOBUF_NOSR') AS SELECT L.K AS K, V, I, B, D, O, X, A, M, R, E, Y FROM L LEFT JOIN R ON L.K = R.K;"
                       "CREATE TABLE N WITH (value_format='PROTOBUF_NOSR', value_protobuf_nullable_representation='OPTIONAL') AS SELECT L.K AS K, I, X FROM L LEFT JOIN R ON L.K = R.K;"
                       "INSERT INTO L (K, V) VALUES ('a', 1); INSERT INTO R (K, R) VALUES ('b', STRUCT(I := 7)); INSERT INTO L (K, V) VALUES ('b', 2);")
        empty = [0, 0, 0.0, False, "", [], {}]
        wanted = [["a", 1, *empty, None, None, None], ["b", 2, *empty, {"I": 7, "X": ""}, None, None]]
        wait_until(lambda: sorted(self.server.pull("SELECT * FROM P;")) == wanted, what="both rows")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM P WHERE V = 1 OR R IS NOT NULL EMIT CHANGES LIMIT 2;"})
        self.assertEqual(sorted(e["row"]["columns"] for e in json.loads(body) if "row" in e), wanted)
        self.assertEqual(self.server.pull("SELECT K FROM P WHERE X = '' AND R->X = '';"), [["b"]])
        self.assertEqual(self.server.pull("SELECT I, X FROM N WHERE K = 'a';"), [[None, None]])

    def test_variables(self):
        """In names, literals and texts; what a quoted one stands for outlives the request that brought it."""
        named = {"sessionVariables": {"s": "`low_er`", "t": "word", "q": "'it's'", "n": "3", "f": "JSON", "c": "V"}}
        self.server.ok("CREATE STREAM ${s} (K STRING KEY, ${c} INT, T STRING) WITH (kafka_topic='${t}', value_format='${f}', partitions=${n});", **named)
        for _ in range(20):
            self.server.ok("INSERT INTO ${s} (K, ${c}, T) VALUES (${q}, ${n}, '${t}, $${t}, ${none}, ${q}');", **named)
        self.assertEqual(self.server.pull("SELECT * FROM `low_er` WHERE V = ${n} AND K = 'it''s' LIMIT 20;", **named), [["it's", 3, "word, ${t}, ${none}, 'it's'"]] * 20)
        self.server.ok("CREATE STREAM ${t} AS SELECT K, T FROM ${s} WHERE V < ${n};", **named)
        self.assertEqual(sorted((s["name"], s["topic"]) for s in self.server.ok("SHOW STREAMS;")[0]["streams"] if s["name"] != "S"), [("WORD", "WORD"), ("low_er", "word")])
        for text, message in (("DESCRIBE ${no};", "Identifier names cannot start with '@'"), ("INSERT INTO ${s} (K, V) VALUES ('a', ${t});", "Got: 'word'"), ("DESCRIBE ${s}x;", "line 1:")):
            status, answer = self.server.ksql(text, **named)
            self.assertEqual(status, 400, answer)
            self.assertIn(message, answer["message"])


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
