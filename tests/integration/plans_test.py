#!/usr/bin/env python3
"""What is kept of a statement: a server started again, with other settings or with damage in its command topic, runs what was decided then.

usage: plans_test.py PATH-TO-SLUICE [test...]
"""
import contextlib
import json
import os
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
SOURCE = "CREATE STREAM S (ID VARCHAR KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
COUNTS = "CREATE TABLE C AS SELECT ID, COUNT(*) AS N, SUM(V) AS TOTAL FROM S GROUP BY ID;"


class Plans(unittest.TestCase):
    def server(self, **properties):
        server = Server(BINARY, {name.replace("__", "."): value for name, value in properties.items()})
        self.addCleanup(server.close)
        return server.start()

    def restart(self, server, **properties):
        self.assertEqual(server.stop(), 0)
        for name, value in properties.items():
            server.properties[name.replace("__", ".")] = value
        server.start()

    def counts(self, server, expected, table="C"):
        wait_until(lambda: sorted(server.pull(f"SELECT * FROM {table};")) == sorted(expected), 10, f"{table} to hold {expected}")

    def plan_of(self, server, query):
        return json.loads(server.ok(f"EXPLAIN (FORMAT JSON) {query};")[0]["queryDescription"]["executionPlan"])

    def test_as_deep_as_a_statement_goes(self):
        shapes = {"ABS(": ")", "STRUCT(A := ": ")", "ARRAY[": "]", "-(": ")", "CASE WHEN V > 0 THEN ": " ELSE 1 END", "(": " + 1.0)"}
        server = self.server()
        server.ok(SOURCE)
        for number, (begin, end) in enumerate(shapes.items()):
            server.ok(f"CREATE STREAM D{number} AS SELECT ID, {begin * 498}V{end * 498} AS W FROM S;")
            status, body = server.ksql(f"CREATE STREAM E AS SELECT ID, {begin * 501}V{end * 501} AS W FROM S;")[:2]
            self.assertEqual((status, body["error_code"]), (400, 40001), begin)
        self.restart(server)
        self.assertEqual({query["state"] for query in server.ok("SHOW QUERIES;")[0]["queries"]}, {"RUNNING"})
        self.assertEqual(len(server.ok("SHOW QUERIES;")[0]["queries"]), len(shapes))

    # ---- a setting of today does not change the queries of yesterday ----

    def test_rows_or_partial_results(self):
        """A query goes on with what its repartition topic holds, whatever the cache is by then."""
        table = "CREATE OR REPLACE TABLE C AS SELECT V, COUNT(*) AS N FROM S {}GROUP BY V;"
        for first, then in (("0", "1000000"), ("1000000", "0")):
            server = self.server(ksql__streams__cache__max__bytes__buffering=first)
            server.ok(SOURCE + table.format(""))
            server.ok("INSERT INTO S VALUES ('x', 1); INSERT INTO S VALUES ('y', 1);")
            self.counts(server, [[1, 2]])
            self.restart(server, ksql__streams__cache__max__bytes__buffering=then)
            server.ok("INSERT INTO S VALUES ('z', 1);")
            self.counts(server, [[1, 3]])
            server.ok(table.format("WHERE ID <> 'x' "))
            server.ok("INSERT INTO S VALUES ('x', 1); INSERT INTO S VALUES ('y', 2); INSERT INTO S VALUES ('y', 1);")
            self.counts(server, [[1, 4], [2, 1]])
            classes = [node["class"] for node in self.plan_of(server, server.ok("SHOW QUERIES;")[0]["queries"][0]["id"])["nodes"]]
            self.assertEqual("PARTIAL" in classes, first != "0")

    def test_the_prefix_of_topics(self):
        server = self.server(ksql__output__topic__name__prefix="A_")
        server.ok(SOURCE + COUNTS + "INSERT INTO S VALUES ('x', 1); INSERT INTO S VALUES ('x', 2);")
        self.counts(server, [["x", 2, 3]])
        self.restart(server, ksql__output__topic__name__prefix="B_")
        server.ok("INSERT INTO S VALUES ('x', 4);")
        self.counts(server, [["x", 3, 7]])
        self.assertEqual(server.ok("DESCRIBE C EXTENDED;")[0]["sourceDescription"]["topic"], "A_C")
        self.assertNotIn("B_C", [topic["name"] for topic in server.ok("SHOW TOPICS;")[0]["topics"]])
        server.ok("CREATE STREAM D AS SELECT * FROM S;")  # what is made now is made with what is set now
        self.assertEqual(server.ok("DESCRIBE D EXTENDED;")[0]["sourceDescription"]["topic"], "B_D")

    def test_the_default_key_format(self):
        server = self.server(ksql__persistence__default__format__key="JSON")
        server.ok("CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
                  "CREATE TABLE C AS SELECT V, COUNT(*) AS N FROM S GROUP BY V; INSERT INTO S VALUES (1); INSERT INTO S VALUES (1);")
        self.counts(server, [[1, 2]])
        self.restart(server, ksql__persistence__default__format__key="KAFKA")
        server.ok("INSERT INTO S VALUES (1);")
        self.counts(server, [[1, 3]])
        self.assertEqual(server.ok("DESCRIBE C EXTENDED;")[0]["sourceDescription"]["keyFormat"], "JSON")

    def test_the_default_value_format(self):
        server = self.server(ksql__persistence__default__format__value="JSON")
        server.ok("CREATE STREAM S (ID VARCHAR KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1);" + COUNTS + "INSERT INTO S VALUES ('x', 1);")
        self.counts(server, [["x", 1, 1]])
        for now in ("DELIMITED", ""):
            self.restart(server, ksql__persistence__default__format__value=now)
            self.assertEqual(server.ok("DESCRIBE S EXTENDED;")[0]["sourceDescription"]["valueFormat"], "JSON")
        server.ok("INSERT INTO S VALUES ('x', 5);")
        self.counts(server, [["x", 2, 6]])

    def test_what_is_switched_off_for_new_statements(self):
        server = self.server()
        server.ok("CREATE STREAM S (ID VARCHAR KEY, V INT, H ARRAY<STRUCT<KEY VARCHAR, VALUE BYTES>> HEADERS)"
                  " WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
                  "CREATE TABLE W AS SELECT ID, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID EMIT FINAL;"
                  "CREATE STREAM R AS SELECT ID, V FROM S;")
        self.restart(server, ksql__suppress__enabled="false", ksql__headers__columns__enabled="false")
        self.assertEqual(sorted(q["id"].split("_")[1] for q in server.ok("SHOW QUERIES;")[0]["queries"]), ["R", "W"])
        self.assertEqual({q["state"] for q in server.ok("SHOW QUERIES;")[0]["queries"]}, {"RUNNING"})
        self.assertIn("H", [f["name"] for f in server.ok("DESCRIBE S;")[0]["sourceDescription"]["fields"]])
        status, answer = server.ksql("CREATE TABLE W2 AS SELECT ID, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID EMIT FINAL;")
        self.assertEqual(status, 400, answer)

    def test_what_a_query_was_told(self):
        server = self.server(ksql__streams__auto__offset__reset="earliest")
        server.ok(SOURCE + "INSERT INTO S VALUES ('x', 1);")
        server.ok(COUNTS, streamsProperties={"ksql.fail.on.deserialization.error": "true"})
        query = server.ok("SHOW QUERIES;")[0]["queries"][0]["id"]
        before = self.plan_of(server, query)
        self.restart(server, ksql__streams__auto__offset__reset="latest")
        self.assertEqual(self.plan_of(server, query), before)
        shown = server.ok(f"EXPLAIN {query};")[0]["queryDescription"]
        self.assertEqual(shown["overriddenProperties"], {"ksql.fail.on.deserialization.error": "true"})
        self.assertIn(["ksql.fail.on.deserialization.error", "true", True], before["settings"])
        self.assertIn(["ksql.streams.auto.offset.reset", "earliest", False], before["settings"])

    def test_a_replaced_query_goes_on_after_a_start(self):
        server = self.server()
        server.ok(SOURCE + COUNTS + "INSERT INTO S VALUES ('x', 1);")
        self.counts(server, [["x", 1, 1]])
        server.ok("CREATE OR REPLACE TABLE C AS SELECT ID, COUNT(*) AS N, SUM(V) AS TOTAL FROM S WHERE V > 0 GROUP BY ID;")
        server.ok("INSERT INTO S VALUES ('x', -5); INSERT INTO S VALUES ('x', 5);")
        self.counts(server, [["x", 2, 6]])
        self.restart(server)
        server.ok("INSERT INTO S VALUES ('x', 10); INSERT INTO S VALUES ('y', -1);")
        self.counts(server, [["x", 3, 16]])


    # ---- where a query begins that begins at the ends ----

    def kill(self, server):
        server.stop(signal.SIGKILL)
        server.start()

    def insert(self, server, values):
        for value in values:
            server.ok(f"INSERT INTO S VALUES ('x', {value});")

    def starts(self, server, query):
        return [(start["topic"], start["offsets"]) for start in self.plan_of(server, query).get("starts", [])]

    def test_what_is_answered_before_the_first_commit(self):
        """All that is inserted behind the statement's answer is the query's, however often the server dies before it has committed."""
        server = self.server(ksql__streams__auto__offset__reset="latest")
        server.ok(SOURCE + SOURCE.replace("STREAM S", "STREAM S2") + "INSERT INTO S VALUES ('x', 1000);")
        server.ok(COUNTS + "CREATE STREAM D AS SELECT * FROM S; INSERT INTO D SELECT * FROM S; CREATE STREAM J AS SELECT A.ID, A.V FROM S A JOIN S2 B WITHIN 1 HOUR ON A.ID = B.ID;")
        server.ok("PAUSE ALL;")  # so that nothing is committed
        for number in range(4):
            self.insert(server, [number])
            self.kill(server)
        server.ok("RESUME ALL;")
        self.counts(server, [["x", 4, 6]])
        wait_until(lambda: len(server.pull("SELECT * FROM D;")) == 8, 10, "D to have all, by both queries")
        wait_until(lambda: len(server.pull("SELECT * FROM J;")) == 16, 10, "J to have all")
        persistent = [query["id"] for query in server.ok("SHOW QUERIES;")[0]["queries"] if query["queryType"] == "PERSISTENT"]
        self.assertEqual(len(persistent), 4)
        for query in persistent:  # a pull query over a stream may not have left yet
            self.assertEqual(self.starts(server, query), [("s", [1])])

    def test_killed_with_the_answer(self):
        for how in ("SELECT ID, COUNT(*) AS N FROM S GROUP BY ID", "SELECT V AS ID, COUNT(*) AS N FROM S GROUP BY V"):
            server = self.server(ksql__streams__auto__offset__reset="latest")
            server.ok(SOURCE + f"INSERT INTO S VALUES ('x', 1); CREATE TABLE C AS {how}; INSERT INTO S VALUES ('x', 1);")
            self.kill(server)
            wait_until(lambda: [row[1] for row in server.pull("SELECT * FROM C;")] == [1], 10, "C to have the record")

    def test_a_replaced_query_begins_where_the_former_did(self):
        server = self.server(ksql__streams__auto__offset__reset="latest")
        server.ok(SOURCE + "INSERT INTO S VALUES ('x', 1000);" + COUNTS + "PAUSE ALL;")
        self.insert(server, [1])
        server.ok(COUNTS.replace("CREATE TABLE", "CREATE OR REPLACE TABLE").replace("FROM S", "FROM S WHERE V > 0"))
        self.assertEqual(self.starts(server, server.ok("SHOW QUERIES;")[0]["queries"][0]["id"]), [("s", [1])])
        self.kill(server)
        server.ok("RESUME ALL;")
        self.counts(server, [["x", 1, 1]])

    def test_what_is_read_from_the_beginning_has_no_start(self):
        server = self.server(ksql__streams__auto__offset__reset="latest")
        server.ok(SOURCE + "CREATE TABLE T (ID VARCHAR PRIMARY KEY, W INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON');")
        server.ok("CREATE STREAM J AS SELECT S.ID, V, W FROM S JOIN T ON S.ID = T.ID;")
        server.ok(COUNTS, streamsProperties={"auto.offset.reset": "earliest"})
        starts = {query["id"][:4]: self.starts(server, query["id"]) for query in server.ok("SHOW QUERIES;")[0]["queries"]}
        self.assertEqual(starts, {"CSAS": [("s", [0])], "CTAS": []})


class QueriesFile(unittest.TestCase):
    """A file has no command log: its plans are kept in the state directory."""

    def server(self, text, **properties):
        server = Server(BINARY, {name.replace("__", "."): value for name, value in properties.items()})
        self.addCleanup(server.close)
        server.properties["ksql.queries.file"] = os.path.join(server.directory, "queries.sql")
        self.write(server, text)
        return server.start()

    def write(self, server, text):
        with open(server.properties["ksql.queries.file"], "w", encoding="utf-8") as file:
            file.write(text)

    def insert(self, server, *values):
        lines = [{"target": "S"}] + [{"ID": "x", "V": value} for value in values]
        status, body, _ = server.request("POST", "/inserts-stream", "".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual((status, body.count('"ok"')), (200, len(values)), body)

    def counts(self, server, expected):
        wait_until(lambda: sorted(server.pull("SELECT * FROM C;")) == sorted(expected), 10, f"C to hold {expected}")

    def refused(self, server, text, message):
        before = len(server.log())
        self.write(server, text)
        with self.assertRaises(AssertionError):
            server.start(ready=False)
            server.process.wait(10)
            raise AssertionError()
        server.stop() if server.process.poll() is None else None
        server.process = None
        self.assertIn(message, server.log()[before:])

    def test_settings_of_today(self):
        server = self.server(SOURCE + COUNTS, ksql__output__topic__name__prefix="A_")
        self.insert(server, 1)
        self.counts(server, [["x", 1, 1]])
        server.stop()
        server.properties["ksql.output.topic.name.prefix"] = "B_"
        server.start()
        self.insert(server, 2)
        self.counts(server, [["x", 2, 3]])
        with open(os.path.join(server.directory, "data", "plans.json"), encoding="utf-8") as file:
            kept = [json.loads(statement["plan"]) for statement in json.load(file)["kept"]]
        self.assertEqual([statement["source"]["is"]["topic"] for statement in kept], ["s", "A_C"])

    def test_lost_plans(self):
        """A container without a volume has no plans.json. What is under way in a repartition topic is rows or partial results, and read as the other
        it gives numbers out of nothing: so the topics tell what the query was made as."""
        for first, then in (("0", "1000000"), ("1000000", "0")):
            with self.subTest(first=first, then=then):
                server = self.server(SOURCE + 'CREATE TABLE C AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;', ksql__streams__cache__max__bytes__buffering=first)
                self.insert(server, 1, 1, 2)
                self.counts(server, [[1, 2], [2, 1]])
                self.assertEqual(server.stop(), 0)
                data = server.properties["ksql.streams.state.dir"]
                os.remove(os.path.join(data, "plans.json"))
                server.properties["ksql.streams.cache.max.bytes.buffering"] = then
                server.start()
                self.insert(server, 1)
                self.counts(server, [[1, 3], [2, 1]])
                self.assertEqual(server.stop(), 0)
                with contextlib.closing(sqlite3.connect(os.path.join(data, "log.db"))) as log:
                    topics = [name for (name,) in log.execute("SELECT name FROM topics WHERE name LIKE '%repartition'")]
                self.assertEqual([name.endswith("-partial-repartition") for name in topics], [first != "0"], topics)

    def test_a_file_that_was_changed(self):
        server = self.server(SOURCE + COUNTS)
        self.insert(server, 1)
        self.counts(server, [["x", 1, 1]])
        server.stop()
        # Another statement before it: the query's place is another, it is the same query.
        more = SOURCE + "CREATE STREAM BEFORE_IT AS SELECT * FROM S;"
        self.write(server, more + COUNTS)
        server.start()
        self.insert(server, 2)
        self.counts(server, [["x", 2, 3]])
        server.stop()
        # What OR REPLACE would refuse is refused, and nothing of it is lost.
        self.refused(server, more + "CREATE TABLE C AS SELECT ID, MAX(V) AS N FROM S GROUP BY ID;", "what it has stored does not fit the new one")
        self.refused(server, (more + COUNTS).replace("'s'", "'s2'"), "what it has stored does not fit the new one")
        self.write(server, COUNTS.join([more, ""]))
        server.start()
        self.insert(server, 3)
        self.counts(server, [["x", 3, 6]])
        server.stop()
        self.write(server, more)
        server.start()
        self.assertIn("no longer in the file, and not run; what it has stored stays: CREATE TABLE C", server.log())

    def test_a_new_column_goes_all_the_way(self):
        readers = "CREATE STREAM B AS SELECT * FROM S; CREATE STREAM D AS SELECT * FROM B;"
        server = self.server(SOURCE + readers)
        server.stop()
        self.write(server, SOURCE.replace("V INT", "V INT, W INT") + readers)
        for start in (1, 2):
            server.start()
            self.insert(server, start)
            wait_until(lambda: server.pull("SELECT * FROM D;") == [["x", n, None] for n in range(1, start + 1)], 10, "D to have the new column")
            server.stop()

    def test_a_kill_before_the_first_commit(self):
        """plans.json keeps where a query begins, also of one that was changed since."""
        other = "CREATE STREAM OTHER AS SELECT * FROM S;"
        server = self.server(SOURCE + other, ksql__streams__auto__offset__reset="latest")
        self.insert(server, 1000)
        server.stop()
        for text, total in ((COUNTS, 1), (COUNTS, 3), (COUNTS.replace("FROM S", "FROM S WHERE V > 0"), 6)):
            self.write(server, SOURCE + other + text)
            server.start()
            with open(os.path.join(server.directory, "data", "plans.json"), encoding="utf-8") as file:
                kept = [json.loads(statement["plan"]) for statement in json.load(file)["kept"]]
            self.assertEqual(kept[2]["query"]["is"]["starts"], [{"topic": "s", "offsets": [1]}])
            self.insert(server, {1: 1, 3: 2, 6: 3}[total])
            server.stop(signal.SIGKILL)
        server.start()
        self.counts(server, [["x", 3, 6]])

    def test_a_condition_may_change(self):
        server = self.server(SOURCE + COUNTS)
        self.insert(server, 1)
        self.counts(server, [["x", 1, 1]])
        server.stop()
        self.write(server, SOURCE + COUNTS.replace("FROM S", "FROM S WHERE V > 10"))
        server.start()
        self.insert(server, 2, 20)
        self.counts(server, [["x", 2, 21]])


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
