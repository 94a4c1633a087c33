#!/usr/bin/env python3
"""Functions that people add to a server: kept over a restart, stopped when they never end, refused where they are not enabled.

usage: functions_test.py PATH-TO-SLUICE [test...]
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
SOURCE = "CREATE STREAM S (ID VARCHAR KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
LATEST = "CREATE TABLE C AS SELECT ID, LATEST_BY_OFFSET(F(V)) AS N FROM S GROUP BY ID;"


class Functions(unittest.TestCase):
    def server(self, **properties):
        server = Server(BINARY, {name.replace("__", "."): value for name, value in properties.items()})
        self.addCleanup(server.close)
        return server.start()

    def latest(self, server, expected):
        wait_until(lambda: sorted(server.pull("SELECT * FROM C;")) == sorted(expected), 10, f"C to hold {expected}")

    def test_a_restart_keeps_them(self):
        server = self.server(sluice__functions__create__enabled="true")
        server.ok(SOURCE + "CREATE FUNCTION F(V INT) RETURNS INT LANGUAGE LUA AS $$ return v + 1; $$;" + LATEST
                  + "CREATE OR REPLACE FUNCTION F(V INT) RETURNS INT LANGUAGE LUA AS $$ return v + 100 $$; INSERT INTO S VALUES ('a', 1);")
        self.latest(server, [["a", 2]])
        self.assertEqual(server.stop(), 0)
        server.properties["sluice.functions.create.enabled"] = "false"  # what is there stays
        server.start()
        server.ok("INSERT INTO S VALUES ('b', 1);")
        self.latest(server, [["a", 2], ["b", 2]])  # the query's own definition
        described = server.ok("DESCRIBE FUNCTION f;")[0]
        self.assertEqual((described["name"], described["path"], described["type"]), ("F", "CREATE FUNCTION", "SCALAR"))
        self.assertEqual([a["name"] for a in described["functions"][0]["arguments"]], ["v"])
        self.assertIn("F", [f["name"] for f in server.ok("SHOW FUNCTIONS;")[0]["functions"]])
        server.ok("TERMINATE ALL; DROP TABLE C; DROP FUNCTION F;")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertNotIn("F", [f["name"] for f in server.ok("SHOW FUNCTIONS;")[0]["functions"]])

    def test_one_that_never_ends_hurts_nobody(self):
        server = self.server(sluice__functions__create__enabled="true")
        server.ok(SOURCE + "CREATE FUNCTION F(V INT) RETURNS INT LANGUAGE LUA AS $$ while v == 1 do end return v $$;" + LATEST)
        server.ok("INSERT INTO S VALUES ('a', 1); INSERT INTO S VALUES ('b', 2);")
        self.latest(server, [["a", None], ["b", 2]])
        self.assertIn("Failed to invoke function F: it was stopped after 1000000 instructions", server.log())
        self.assertEqual({q["state"] for q in server.ok("SHOW QUERIES;")[0]["queries"]}, {"RUNNING"})

    def test_who_may(self):
        server = self.server()
        status, reply = server.post("/ksql", {"ksql": "CREATE FUNCTION F(V INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;"})[:2]
        self.assertEqual(status, 400)
        self.assertIn("CREATE FUNCTION is not enabled", str(reply))


if __name__ == "__main__":
    BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else BINARY
    unittest.main()
