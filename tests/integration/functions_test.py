#!/usr/bin/env python3
"""Functions that people add to a server: kept over a restart, stopped when they never end, refused where they are not enabled.

usage: functions_test.py PATH-TO-SLUICE [PATH-TO-EXAMPLE.so] [test...]
"""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
EXAMPLE = sys.argv.pop(2) if len(sys.argv) > 2 and sys.argv[2].endswith(".so") else None
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

    def extensions(self):
        directory = tempfile.mkdtemp(prefix="sluice-test-")
        self.addCleanup(shutil.rmtree, directory)
        shutil.copy(EXAMPLE, os.path.join(directory, "example.so"))
        os.chmod(os.path.join(directory, "example.so"), 0o644)
        return directory

    @unittest.skipUnless(EXAMPLE, "the example extension was not built")
    def test_a_library(self):
        server = self.server(ksql__extension__dir=self.extensions())
        described = server.ok("DESCRIBE FUNCTION median;")[0]
        self.assertEqual([described[name] for name in ("name", "author", "version", "path", "type", "description")],
                         ["MEDIAN", "Sluice", "1.0", "example.so", "SCALAR", "The middle one of a list of numbers."])
        self.assertIn({"name": "MEDIAN", "type": "SCALAR", "category": "EXAMPLE"}, server.ok("SHOW FUNCTIONS;")[0]["functions"])
        self.assertIn("a function is left out: The name ABS is that of a built-in function", server.log())
        server.ok(SOURCE + "CREATE TABLE C AS SELECT ID, LATEST_BY_OFFSET(LEVENSHTEIN(ID, 'sitting')) AS N, COUNT(MISTAKEN()) AS M FROM S GROUP BY ID;"
                  "INSERT INTO S VALUES ('kitten', 1);")
        self.latest(server, [["kitten", 3, 0]])
        self.assertIn("Failed to invoke function MISTAKEN", server.log())
        self.assertEqual(server.stop(), 0)
        server.start()
        server.ok("INSERT INTO S VALUES ('sitting', 1);")
        self.latest(server, [["kitten", 3, 0], ["sitting", 0, 0]])
        status, reply = server.post("/ksql", {"ksql": "DROP FUNCTION MEDIAN;"})[:2]
        self.assertEqual(status, 400)
        self.assertIn("CREATE FUNCTION did not make it", str(reply))

    @unittest.skipUnless(EXAMPLE, "the example extension was not built")
    def test_libraries_are_switched_off(self):
        server = self.server(ksql__extension__dir=self.extensions(), ksql__udfs__enabled="false")
        self.assertNotIn("MEDIAN", [f["name"] for f in server.ok("SHOW FUNCTIONS;")[0]["functions"]])

    def test_who_may(self):
        server = self.server()
        status, reply = server.post("/ksql", {"ksql": "CREATE FUNCTION F(V INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;"})[:2]
        self.assertEqual(status, 400)
        self.assertIn("CREATE FUNCTION is not enabled", str(reply))


if __name__ == "__main__":
    BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else BINARY
    unittest.main()
