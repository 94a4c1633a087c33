#!/usr/bin/env python3
"""The audit topic: who asked what and what came of it, without secrets; on the embedded log.

usage: audit_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth_test import SHA512, basic, write  # noqa: E402
from sluice_server import Server, wait_until  # noqa: E402

BINARY = sys.argv[1] if __name__ == "__main__" else None
ANN, BOB = basic("ann", "secret"), basic("bob", "secret")


class Audit(unittest.TestCase):
    def setUp(self):
        self.server = Server(BINARY, {"authentication.method": "BASIC", "ksql.audit.topic": "who", "sluice.authorization.method": "GRANTS"})
        self.addCleanup(self.server.close)
        users = os.path.join(self.server.directory, "users")
        write(users, f"ann:{SHA512}:admin\nbob:{SHA512}\n")
        self.server.properties["sluice.authentication.file"] = users
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/info", ANN)[0] == 200)

    def records(self, count):
        """The first `count` records of the topic. PRINT is noted as well: after them."""
        end = time.monotonic() + 10
        while True:
            _, body, _ = self.server.post("/query-stream", {"sql": f"PRINT who FROM BEGINNING LIMIT {count};"}, ANN, timeout=20)
            found = [(line.split(", key: ")[1].split(",")[0], json.loads(line.split("value: ")[1].rsplit(", partition", 1)[0])) for line in body.splitlines() if "value: " in line]
            if len(found) == count or time.monotonic() > end:
                return found

    def test_who_asked_what(self):
        asked = [
            (ANN, "POST", "/ksql", {"ksql": "CREATE STREAM S (K STRING KEY, V STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"},
             ("ann", None, 200, "OK", "CREATE STREAM S (K STRING KEY, V STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")),
            (ANN, "POST", "/ksql", {"ksql": "INSERT INTO S VALUES ('a', 'geheim'); SHOW STREAMS;"},
             ("ann", None, 200, "OK", "INSERT INTO S VALUES ('[value]', '[value]');\nSHOW STREAMS;")),
            (ANN, "POST", "/ksql", {"ksql": "INSERT INTO S VALUE ('a', 'geheim"}, ("ann", None, 400, "FAILED", "INSERT INTO S VALUE ('[string]', '[string]'")),
            (ANN, "POST", "/ksql", {"ksql": "SET 'auto.offset.reset'='earliest'; DEFINE pw='geheim';"},
             ("ann", None, 200, "OK", "SET 'auto.offset.reset'='[string]';\nDEFINE pw='[string]';")),
            (ANN, "POST", "/ksql", {"ksql": "CREATE $$geheim$$ \"geheim\" 'geheim"}, ("ann", None, 400, "FAILED", "CREATE $$[string]$$ \"[string]\" '[string]'")),
            (BOB, "POST", "/query-stream", {"sql": "SELECT * FROM S;"}, ("bob", None, 403, "DENIED", "SELECT * FROM S;")),
            (basic("bob", "geheim"), "POST", "/query", {"ksql": "SELECT * FROM S;"}, (None, "bob", 401, "DENIED", None)),
            ({}, "GET", "/status", None, (None, None, 401, "DENIED", None)),
            (ANN, "POST", "/query", {"ksql": "SELECT * FROM S;"}, ("ann", None, 200, "OK", "SELECT * FROM S;")),
            (ANN, "POST", "/close-query", {"queryId": "q"}, ("ann", None, 400, "FAILED", "q")),
            (BOB, "POST", "/ksql/terminate", {}, ("bob", None, 403, "DENIED", None)),
            (ANN, "POST", "/ksql", "geheim", ("ann", None, 400, "FAILED", None)),
        ]
        for who, method, path, body, _ in asked:
            self.server.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), who)
        self.server.request("POST", "/inserts-stream", '{"target":"S"}\n{"K":"a","V":"geheim"}\n', ANN)
        self.server.request("POST", "/inserts-stream", '{"target":"S"}\n', BOB)
        wanted = [row[4] + (row[2],) for row in asked]
        wanted += [("ann", None, 200, "OK", "INSERT INTO S", "/inserts-stream"), ("bob", None, 403, "DENIED", "INSERT INTO S", "/inserts-stream")]
        records = self.records(len(wanted))
        found = [(r["principal"], r["claimed"], r["status"], r["outcome"], r["statement"], r["path"]) for _, r in records]
        self.assertEqual(sorted(found, key=repr), sorted(wanted, key=repr))  # a request is noted when it is over, which the next may be before
        self.assertEqual({key for key, _ in records}, {"ann", "bob", "<null>"})
        self.assertTrue(all(abs(r["time"] / 1000 - time.time()) < 60 for _, r in records))
        self.assertNotIn("geheim", json.dumps(records))

    def test_a_stream_over_it_and_a_restart(self):
        self.server.post("/ksql", {"ksql": "SHOW TYPES;"}, BOB)
        self.assertEqual(self.server.stop(), 0)  # nothing that was noted is lost
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/info", ANN)[0] == 200)
        self.server.post("/ksql", {"ksql": "CREATE STREAM A (who STRING KEY, statement STRING, outcome STRING) WITH (KAFKA_TOPIC='who', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');"}, ANN)
        _, body, _ = self.server.post("/query-stream", {"sql": "SELECT who, statement, outcome FROM A;", "properties": {"auto.offset.reset": "earliest"}}, ANN)
        self.assertEqual(json.loads(body.splitlines()[1]), ["bob", "SHOW TYPES;", "OK"])

    def test_a_statement_of_megabytes_is_told_by_its_beginning(self):
        text = "SHOW TYPES; " + "-- " + "x" * 1000000
        self.server.post("/ksql", {"ksql": text}, BOB)
        (_, record), = self.records(1)
        self.assertLessEqual(len(record["statement"]), 65536)

    def test_a_flood_blocks_nobody(self):
        start = time.monotonic()
        for _ in range(2000):
            self.server.post("/ksql", {"ksql": "SHOW TYPES;"}, BOB)
        self.assertLess(time.monotonic() - start, 30)
        self.assertEqual(len(self.records(2000)), 2000)


class Off(unittest.TestCase):
    def test_a_name_that_no_topic_has_stops_the_start(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([BINARY, "server", f"--property=state.dir={directory}", "--property=listeners=http://127.0.0.1:0", "--property=ksql.audit.topic=who asked"],
                                  capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Invalid value who asked for configuration ksql.audit.topic", done.stderr)

    def test_without_the_setting_there_is_no_topic(self):
        with Server(BINARY) as server:
            server.ok("SHOW TYPES;")
            self.assertEqual(server.ok("SHOW ALL TOPICS;")[0]["topics"], [t for t in server.ok("SHOW ALL TOPICS;")[0]["topics"] if "audit" not in t["name"]])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
