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

    def test_a_restart_keeps_an_aggregate_and_its_state(self):
        server = self.server(sluice__functions__create__enabled="true")
        mean = """CREATE AGGREGATE FUNCTION F(V INT) RETURNS DOUBLE STATE STRUCT<N BIGINT, TOTAL BIGINT> LANGUAGE LUA AS $$
            function init() return {n = 0, total = 0} end
            function accumulate(s, v) if v == 13 then while true do end end return {n = s.n + 1, total = s.total + v} end
            function result(s) return s.total / s.n end $$;"""
        server.ok(SOURCE + mean + "CREATE FUNCTION W(V INT) RETURNS TABLE (N INT) LANGUAGE LUA AS $$ return {v, v * 2} $$;"
                  "CREATE STREAM R AS SELECT ID, W(V) AS V FROM S; CREATE TABLE C AS SELECT ID, F(V) AS N FROM R GROUP BY ID;"
                  "CREATE OR REPLACE AGGREGATE FUNCTION F(V INT) RETURNS DOUBLE LANGUAGE LUA AS $$ function accumulate(s, v) return -1.0 end $$;"
                  "INSERT INTO S VALUES ('a', 1);")
        self.latest(server, [["a", 1.5]])
        self.assertEqual(server.stop(), 0)
        server.start()
        server.ok("INSERT INTO S VALUES ('a', 13); INSERT INTO S VALUES ('b', 2);")
        self.latest(server, [["a", 9.666666666666666], ["b", 3.0]])  # (1 + 2 + 26) / 3: 13 was stopped, in the query's own definition
        self.assertIn("Failed to invoke function F: accumulate: it was stopped after 1000000 instructions", server.log())
        self.assertEqual({q["state"] for q in server.ok("SHOW QUERIES;")[0]["queries"]}, {"RUNNING"})
        for name, kind in (("F", "AGGREGATE"), ("W", "TABLE")):
            described = server.ok(f"DESCRIBE FUNCTION {name};")[0]
            self.assertEqual((described["path"], described["type"]), ("CREATE FUNCTION", kind))
            self.assertIn(kind, [f["type"] for f in server.ok("SHOW FUNCTIONS;")[0]["functions"] if f["name"] == name])
        status, reply = server.post("/ksql", {"ksql": "DROP FUNCTION F;"})[:2]
        self.assertEqual(status, 400)
        self.assertIn("You need to terminate them before dropping it", str(reply))

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
    def test_aggregates_and_table_functions_of_a_library(self):
        server = self.server(ksql__extension__dir=self.extensions())
        server.ok("CREATE STREAM S (ID VARCHAR KEY, V DOUBLE, W DOUBLE) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
                  "CREATE STREAM R AS SELECT ID, WORDS(ID) AS WORD FROM S;")
        server.ok("CREATE TABLE C AS SELECT ID, WEIGHTED_AVG(V, W) AS N FROM S GROUP BY ID; CREATE TABLE L AS SELECT ID, LONGEST(WORD) AS N FROM R GROUP BY ID;")
        server.ok("INSERT INTO S VALUES ('a bcd', 10.0, 1.0); INSERT INTO S VALUES ('a bcd', 20.0, 3.0);")
        self.latest(server, [["a bcd", 17.5]])
        self.assertEqual(server.stop(), 0)
        server.start()
        server.ok("INSERT INTO S VALUES ('a bcd', 1.0, -1.0); INSERT INTO S VALUES ('a bcd', 17.5, 1.0); INSERT INTO S VALUES ('a bcd', 37.5, 5.0);")
        self.latest(server, [["a bcd", 27.5]])
        wait_until(lambda: server.pull("SELECT * FROM L;") == [["a bcd", "bcd"]], 10, "L to hold bcd")
        self.assertIn("Failed to invoke function WEIGHTED_AVG: a weight is negative", server.log())
        self.assertEqual(server.ok("DESCRIBE FUNCTION weighted_avg;")[0]["type"], "AGGREGATE")
        self.assertEqual(server.ok("DESCRIBE FUNCTION words;")[0]["type"], "TABLE")

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
