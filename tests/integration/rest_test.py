#!/usr/bin/env python3
"""The REST API of a real server process, end to end on the embedded log: statements, pull and push queries, clients that leave or
do not read, restarts, errors with their codes.

usage: rest_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
DELIMITED = {"Accept": "application/vnd.ksqlapi.delimited.v1"}
STREAM = "CREATE STREAM S (K STRING KEY, V INT, D DOUBLE) WITH (kafka_topic='s', value_format='JSON', partitions=2);"
TABLE = "CREATE TABLE T AS SELECT K, COUNT(*) AS N, SUM(V) AS TOTAL FROM S GROUP BY K;"


class WithServer(unittest.TestCase):
    properties = {}

    def setUp(self):
        self.server = Server(BINARY, self.properties, environment={"MALLOC_PERTURB_": "165"})  # what is freed is overwritten at once
        self.addCleanup(self.server.close)
        self.server.start()

    def insert(self, key, value, number=1.5):
        self.server.ok(f"INSERT INTO S VALUES ('{key}', {value}, {number});")

    def running(self, kind="PUSH"):
        return [q["id"] for q in self.server.ok("SHOW QUERIES;")[0]["queries"] if q["queryType"] == kind]


class Statements(WithServer):
    def test_alter_names_what_it_altered(self):
        """The entry of the catalog that it was asked about is freed by then."""
        self.server.ok("CREATE STREAM PAYMENTS (K STRING KEY) WITH (kafka_topic='p', value_format='JSON', partitions=1);"
                       "CREATE TABLE ACCOUNTS (K STRING PRIMARY KEY) WITH (kafka_topic='a', value_format='JSON', partitions=1);")
        for kind, name in (("Stream", "PAYMENTS"), ("Table", "ACCOUNTS")):
            answer = self.server.ok(f"ALTER {kind} {name} ADD COLUMN V INT;")
            self.assertEqual(answer[0]["commandStatus"]["message"], f"{kind} {name} altered.")

    def test_information(self):
        status, body, _ = self.server.get("/info")
        info = json.loads(body)["KsqlServerInfo"]
        self.assertEqual((status, info["ksqlServiceId"], info["serverStatus"]), (200, "default_", "RUNNING"))
        self.assertRegex(info["version"], r"^\d+\.\d+\.\d+$")
        self.assertTrue(json.loads(self.server.get("/healthcheck")[1])["isHealthy"])
        for method, path, code in (("GET", "/nothing", 404), ("GET", "/ksql", 405), ("PUT", "/info", 405), ("GET", "/clusterStatus", 404)):
            status, body, response = self.server.request(method, path)
            self.assertEqual((status, json.loads(body)["error_code"]), (code, code * 100))
            self.assertEqual(response.headers["Allow"], {"/ksql": "POST", "/info": "GET"}.get(path))
        for path in ("/heartbeat", "/lag"):  # nothing is behind them
            self.assertEqual(self.server.post(path, {})[0], 400)
        for nothing in ("", "  ", "-- only this", ";"):
            status, answer = self.server.ksql(nothing)
            self.assertEqual(status, 400, nothing)
        status, _, response = self.server.get("/")
        self.assertEqual((status, response.headers["Location"]), (307, "/info"))
        self.assertEqual(self.server.get("/chc/ready")[:2], (200, "{}"))
        self.assertEqual(self.server.get("/is_valid_property/ksql.streams.auto.offset.reset")[:2], (200, "true"))
        self.assertEqual(self.server.get("/is_valid_property/ksql.service.id")[0], 400)
        code, body = self.server.get("/is_valid_property/auto.offset.rest")[:2]
        self.assertEqual(code, 400)
        self.assertIn("Did you mean auto.offset.reset?", json.loads(body)["message"])
        for statement, message in (("SET 'cache.max.bytes.buffering' = '-5';", "Value must be at least 0"), ("SET 'num.stream.threads' = '2';", "[num.stream.threads]"), ("SET 'ksql.nested.error.set.null' = 'false';", "knows only true")):
            code, body = self.server.post("/ksql", {"ksql": statement})[:2]
            self.assertEqual(code, 400)
            self.assertIn(message, json.loads(body)["message"])

    def test_query_strings(self):
        self.server.ok("CREATE STREAM QS (K STRING KEY, A INT) WITH (kafka_topic='qs', value_format='JSON', partitions=2);"
                       "CREATE STREAM QO WITH (partitions=1) AS SELECT *, a + 1, a AS b FROM qs x WHERE a > 0;"
                       "INSERT INTO QO SELECT k, a, a + 2 AS KSQL_COL_0, a AS b FROM qs;")
        queries = {q["sinks"][0] + q["id"][:4]: q["queryString"] for q in self.server.ok("SHOW QUERIES;")[0]["queries"] if q["sinks"] == ["QO"]}
        self.assertEqual(queries["QOCSAS"], "CREATE STREAM QO WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='QO', PARTITIONS=1, REPLICAS=1, "
                                            "RETENTION_MS=604800000) AS SELECT\n  *,\n  (X.A + 1) KSQL_COL_0,\n  X.A B\nFROM QS X\nWHERE (X.A > 0)\n"
                                            "EMIT CHANGES;")
        self.assertEqual(queries["QOINSE"], "INSERT INTO QO SELECT\n  QS.K K,\n  QS.A A,\n  (QS.A + 2) KSQL_COL_0,\n  QS.A B\nFROM QS QS\nEMIT CHANGES;")

    def test_entities(self):
        entities = self.server.ok(STREAM + TABLE + "CREATE TYPE A AS STRUCT<X INT>; INSERT INTO S VALUES ('a', 1, 1.0);")
        self.assertEqual([e["@type"] for e in entities], ["currentStatus"] * 3)
        first = entities[0]
        self.assertEqual(first["commandId"], "stream/`S`/create")
        self.assertEqual(first["commandStatus"], {"status": "SUCCESS", "message": "Stream created", "queryId": None})
        self.assertEqual(entities[1]["commandStatus"]["queryId"], "CTAS_T_1")
        self.assertEqual([e["commandSequenceNumber"] for e in entities], [0, 1, 2])
        self.assertEqual(self.server.ok("INSERT INTO S VALUES ('a', 1, 1.0);"), [])
        streams, tables, topics, types = self.server.ok("SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW TYPES;")
        self.assertEqual(streams["streams"], [{"type": "STREAM", "name": "S", "topic": "s", "keyFormat": "KAFKA",
                                               "valueFormat": "JSON", "isWindowed": False}])
        self.assertEqual([t["name"] for t in tables["tables"]], ["T"])
        self.assertEqual([(t["name"], len(t["replicaInfo"])) for t in topics["topics"]], [("T", 2), ("s", 2)])
        self.assertEqual(list(types["types"]), ["A"])
        described = self.server.ok("DESCRIBE S EXTENDED;")[0]["sourceDescription"]
        self.assertEqual((described["partitions"], described["sourceConstraints"]), (2, ["T"]))
        self.assertEqual(described["fields"][0], {"name": "K", "type": "KEY",
                                                  "schema": {"type": "STRING", "fields": None, "memberSchema": None}})
        self.assertEqual(self.server.get("/status/stream/%60S%60/create")[0], 200)
        self.assertEqual(self.server.get("/status/stream/S/create")[0], 200)
        self.assertEqual(self.server.get("/status/stream/X/create")[0], 404)
        self.assertIn("[ SINK ]", self.server.ok("EXPLAIN CTAS_T_1;")[0]["queryDescription"]["executionPlan"])

    def test_what_operators_have_done(self):
        self.server.ok(STREAM + "CREATE TABLE T AS SELECT V, COUNT(*) AS N FROM S WHERE V > 0 GROUP BY V;")
        for i in range(20):
            self.insert(f"k{i}", i % 4)
        wait_until(lambda: sorted(self.server.pull("SELECT * FROM T;")) == [[1, 5], [2, 5], [3, 5]], 10, "all rows")

        def operators():
            return self.server.ok("EXPLAIN ANALYZE QUERY CTAS_T_1;")[0]["queryDescription"]["operators"]
        wait_until(lambda: operators()[-1]["rowsOut"] == 15, 10, "the commit of all")
        found = operators()
        self.assertEqual([(op["operator"], op["rowsIn"], op["rowsOut"]) for op in found],
                         [("SOURCE", 20, 20), ("FILTER", 20, 15), ("REKEY", 15, 15), ("EXCHANGE", 15, 15), ("REPARTITION", 15, 15), ("AGGREGATE", 15, 15),
                          ("SINK", 15, 15)])
        of = {op["operator"]: op for op in found}
        self.assertTrue(all(op["nanoseconds"] > 0 for op in found), found)
        self.assertTrue(of["SOURCE"]["bytesIn"] > 20 * len('{"V":1,"D":1.5}') and of["EXCHANGE"]["bytesOut"] > 0 and of["SINK"]["bytesOut"] > 0, found)
        self.assertEqual((of["AGGREGATE"]["lookups"], of["AGGREGATE"]["stateRows"]), (15, 3))
        self.assertTrue(12 <= of["AGGREGATE"]["cacheHits"] <= 15, found)  # a key's first question may be the file's to answer
        shown = self.server.ok("EXPLAIN ANALYZE QUERY CTAS_T_1;")[0]["queryDescription"]["executionPlan"]
        self.assertIn("> [ SINK ]", shown)
        self.assertRegex(shown, r" FILTER \(WhereFilter\) +20 +15 ")
        self.assertEqual(len(self.server.ok("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"][0]["operators"]), 7)
        self.assertEqual(self.server.ksql("EXPLAIN ANALYZE QUERY NOPE;")[0], 400)
        self.assertIn("Expecting 'QUERY'", self.server.ksql("EXPLAIN ANALYZE SELECT * FROM S EMIT CHANGES;")[1]["message"])

    def test_if_exists(self):
        self.server.ok(STREAM)
        again = self.server.ok("CREATE STREAM IF NOT EXISTS" + STREAM[len("CREATE STREAM"):])
        self.assertEqual(again[0]["@type"], "warning_entity")
        self.assertEqual(self.server.ok("DROP STREAM IF EXISTS NOPE;")[0]["@type"], "warning_entity")

    def test_drop(self):
        self.server.ok(STREAM + TABLE)
        status, answer = self.server.ksql("DROP STREAM S;")
        self.assertEqual((status, answer["error_code"]), (400, 40001))
        self.assertEqual(self.server.ok("TERMINATE CTAS_T_1;")[0]["commandStatus"]["message"], "Query terminated.")
        self.server.ok("DROP TABLE T; DROP STREAM S DELETE TOPIC;")
        self.assertEqual(self.server.ok("SHOW STREAMS;")[0]["streams"], [])
        self.assertEqual([t["name"] for t in self.server.ok("SHOW TOPICS;")[0]["topics"]], ["T"])

    def test_assert_topic(self):
        self.server.ok(STREAM)
        self.assertTrue(self.server.ok("ASSERT TOPIC s WITH (PARTITIONS=2);")[0]["exists"])
        for text in ("ASSERT TOPIC nope TIMEOUT 10 MILLISECONDS;", "ASSERT TOPIC s WITH (PARTITIONS=3) TIMEOUT 10 MILLISECONDS;",
                     "ASSERT NOT EXISTS TOPIC s TIMEOUT 10 MILLISECONDS;"):
            status, answer = self.server.ksql(text)
            self.assertEqual((status, answer["error_code"]), (417, 41700), text)


class Errors(WithServer):
    def test_codes(self):
        self.server.ok(STREAM)
        cases = [
            ("/ksql", {"ksql": "SELEC 1;"}, 400, 40001, "line 1:1: Syntax Error"),
            ("/ksql", {"ksql": "SELECT * FROM S EMIT CHANGES;"}, 400, 40002, "should be issued to the websocket endpoint"),
            ("/ksql", {"ksql": "DROP STREAM NOPE;"}, 400, 40001, "NOPE does not exist"),
            ("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {"auto.offset.reset": "x"}}, 400, 40000, "Invalid value x"),
            ("/ksql", {"ksql": "SHOW CONNECTORS;"}, 400, 40001, "no Kafka Connect is configured"),
            ("/query", {"ksql": ""}, 400, 40000, '"ksql" field must be populated'),
            ("/query", {"ksql": "SELECT * FROM NOPE;"}, 400, 40001, "NOPE"),
            ("/query", {"ksql": "SHOW STREAMS;"}, 400, 40000, "not supported"),
            ("/query", {"ksql": "SELECT * FROM S EMIT CHANGES LIMIT -1;"}, 400, 40001, "Push queries don't support negative integers in the LIMIT clause."),
            ("/query", {"ksql": "SELECT * FROM S LIMIT -1;"}, 400, 40001, "Pull queries don't support negative integers in the LIMIT clause."),
            ("/query", {"ksql": "SELECT * FROM S; SELECT * FROM S;"}, 400, 40001, "exactly one"),
            ("/query-stream", {"sql": "SHOW STREAMS;"}, 400, 40001, "not a query"),
            ("/query-stream", {}, 400, 40000, "Invalid JSON in request:"),
            ("/close-query", {"queryId": "nope"}, 400, 40000, "No query with id nope"),
        ]
        for path, request, status, code, text in cases:
            got, body, _ = self.server.post(path, request)
            answer = json.loads(body)
            self.assertEqual((got, answer["error_code"]), (status, code), (path, request, answer))
            self.assertIn(text, answer["message"])

    def test_values_are_masked(self):
        status, answer = self.server.ksql("INSERT INTO NOPE VALUES ('secret', 4711);")
        self.assertEqual(status, 400)
        self.assertNotIn("secret", answer["statementText"])
        self.assertNotIn("4711", answer["statementText"])

    def test_entities_before_the_error(self):
        status, answer = self.server.ksql("SHOW STREAMS; ASSERT TOPIC nope TIMEOUT 1 MILLISECONDS;")
        self.assertEqual(status, 417)
        self.assertEqual([e["@type"] for e in answer["entities"]], ["streams"])

    def test_bad_requests(self):
        self.assertEqual(self.server.request("POST", "/ksql", b"{")[0], 400)
        self.assertEqual(self.server.request("POST", "/ksql", b"[]")[0], 400)
        self.assertEqual(self.server.request("POST", "/ksql", b"")[0], 400)
        self.assertEqual(self.server.request("POST", "/query-stream", b'{"sql":"SELECT 1;"}', {"Accept": "text/html"})[0], 406)
        self.assertEqual(self.server.request("DELETE", "/ksql")[0], 405)
        self.assertEqual(self.server.request("POST", "/ksql", b" " * (17 << 20))[0], 413)
        self.assertEqual(self.server.get("/info")[0], 200)

    def test_nonsense_on_the_wire(self):
        for nonsense in (b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"POST /ksql HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                         b"POST /ksql HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST /ksql HTTP/1.1\r\nContent-Le"):
            with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
                sock.sendall(nonsense)
        self.assertEqual(self.server.get("/info")[0], 200)


class Pull(WithServer):
    def test_forms(self):
        self.server.ok(STREAM + TABLE)
        for key, value in (("a", 1), ("b", 2), ("a", 3)):
            self.insert(key, value)
        wait_until(lambda: self.server.pull("SELECT * FROM T WHERE K='a';") == [["a", 2, 4]])
        self.assertEqual(sorted(self.server.pull("SELECT * FROM T;")), [["a", 2, 4], ["b", 1, 2]])
        self.assertEqual(sorted(self.server.pull("SELECT N, K FROM T WHERE K IN ('a', 'b', 'c') AND N > 1;")), [[2, "a"]])
        self.assertEqual(len(self.server.pull("SELECT * FROM T LIMIT 1;")), 1)
        self.assertEqual(self.server.pull("SELECT * FROM T LIMIT 0;"), [])
        self.assertEqual(self.server.pull("SELECT K FROM T WHERE K > 'a';"), [["b"]])
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM T WHERE K='b';"})
        self.assertEqual(json.loads(body)[0]["header"]["schema"], "`K` STRING KEY, `N` BIGINT, `TOTAL` INTEGER")
        self.assertEqual(body.count(",\n"), 1)
        status, body, _ = self.server.post("/query-stream", {"sql": "SELECT * FROM T WHERE K='b'"})
        header, row = [json.loads(line) for line in body.splitlines()]
        self.assertEqual((header["columnNames"], header["columnTypes"]), (["K", "N", "TOTAL"], ["STRING", "BIGINT", "INTEGER"]))
        self.assertEqual(row, ["b", 1, 2])
        status, body, _ = self.server.post("/query-stream", {"sql": "SELECT * FROM T WHERE K='b';"}, {"Accept": "application/json"})
        self.assertEqual(json.loads(body)[1:], [["b", 1, 2]])

    def test_refusals(self):
        self.server.ok(STREAM + "CREATE TABLE P (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='p', value_format='JSON', partitions=1);")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM P;"})
        self.assertEqual((status, json.loads(body)["error_code"]), (400, 40001))
        self.assertIn("isn't queryable", json.loads(body)["message"])

    def test_windows(self):
        self.server.ok(STREAM + "CREATE TABLE W AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY K;")
        for time_ms in (1000, 1500, 2000):
            self.server.ok(f"INSERT INTO S (ROWTIME, K, V) VALUES ({time_ms}, 'a', 1);")
        expected = [["a", 1000, 2000, 2], ["a", 2000, 3000, 1]]
        wait_until(lambda: sorted(self.server.pull("SELECT * FROM W WHERE K='a';")) == expected)
        self.assertEqual(self.server.pull("SELECT * FROM W WHERE K='a' AND WINDOWSTART >= 2000;"), expected[1:])
        self.assertEqual(self.server.pull("SELECT * FROM W WHERE K='a' AND WINDOWEND = 2000;"), expected[:1])

    def test_header_columns(self):
        """Of a SOURCE TABLE; the store keeps them behind the values. The schema's text names them before the values, as ksqlDB does."""
        self.server.ok("CREATE SOURCE TABLE H (K STRING PRIMARY KEY, H BYTES HEADER('abc'), A INT, B STRING) "
                       "WITH (kafka_topic='h', value_format='DELIMITED', partitions=1);"
                       "CREATE SOURCE TABLE ALL_OF_THEM (K STRING PRIMARY KEY, A INT, B STRING, L ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS) "
                       "WITH (kafka_topic='h', value_format='DELIMITED');")
        records = [{"key": "x", "value": "1,one", "headers": [{"key": "abc", "value": "!"}, {"key": "d"}]}, {"key": "y", "value": "2,two"}]
        self.assertEqual(self.server.post("/sluice/records", {"topic": "h", "records": records})[0], 200)
        wait_until(lambda: len(self.server.pull("SELECT * FROM H;")) == 2)
        self.assertEqual(sorted(self.server.pull("SELECT * FROM H;")), [["x", 1, "one", "IQ=="], ["y", 2, "two", None]])
        self.assertEqual(self.server.pull("SELECT H, K FROM H WHERE K='x';"), [["IQ==", "x"]])
        self.assertEqual(self.server.pull("SELECT K FROM H WHERE FROM_BYTES(H, 'utf8') = '!';"), [["x"]])
        _, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM H WHERE K='x';"})
        self.assertEqual(json.loads(body)[0]["header"]["schema"], "`K` STRING KEY, `H` BYTES HEADER('abc'), `A` INTEGER, `B` STRING")
        _, body, _ = self.server.post("/query", {"ksql": "SELECT H, K FROM H WHERE K='x';"})
        self.assertEqual(json.loads(body)[0]["header"]["schema"], "`H` BYTES, `K` STRING KEY")
        _, body, _ = self.server.post("/query-stream", {"sql": "SELECT * FROM H WHERE K='x';"})
        self.assertEqual(json.loads(body.splitlines()[0])["columnNames"], ["K", "A", "B", "H"])
        both = [["x", [{"KEY": "abc", "VALUE": "IQ=="}, {"KEY": "d", "VALUE": None}]], ["y", []]]
        wait_until(lambda: sorted(self.server.pull("SELECT K, L FROM ALL_OF_THEM;")) == both)
        self.assertEqual(self.server.pull("SELECT K, ROWTIME > 0 AS T FROM ALL_OF_THEM WHERE ARRAY_LENGTH(L) = 2;"), [["x", True]])

    def test_stream_pull_ends(self):
        self.server.ok(STREAM)
        for number in range(5):
            self.insert("k", number)
        status, body, _ = self.server.post("/query", {"ksql": "SELECT V FROM S;"})
        elements = json.loads(body)
        self.assertEqual([e["row"]["columns"][0] for e in elements[1:-1]], [0, 1, 2, 3, 4])
        self.assertEqual(elements[-1], {"finalMessage": "Query Completed"})


class PullConditions(WithServer):
    """What a pull query's WHERE may say (the server tries a condition before it asks whether the table's query runs)."""
    TABLES = ("CREATE STREAM S (K STRING KEY, I INT, B BIGINT, D DECIMAL(4,2)) WITH (kafka_topic='s', value_format='JSON', partitions=2);"
              "CREATE TABLE NUM AS SELECT I, COUNT(*) AS N FROM S GROUP BY I;"
              "CREATE TABLE TXT AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"
              "CREATE TABLE PAIR WITH (key_format='JSON') AS SELECT K, I, COUNT(*) AS N FROM S GROUP BY K, I;"
              "CREATE TABLE WIN AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY K;"
              "CREATE TABLE SES AS SELECT K, COUNT(*) AS N FROM S WINDOW SESSION (1 SECOND) GROUP BY K;")
    DEFAULT = {}
    NO_SCAN = {"ksql.query.pull.table.scan.enabled": False}
    NO_RANGE = {"ksql.query.pull.table.scan.enabled": False, "ksql.query.pull.range.scan.enabled": False}

    REFUSED = [  # overrides, query, a part of the message
        (DEFAULT, "SELECT * FROM NUM WHERE I = '10'",
         "Error in WHERE expression: Cannot compare I (INTEGER) to '10' (STRING) with EQUAL.\nStatement: (I = '10')"),
        (DEFAULT, "SELECT * FROM NUM WHERE I IN ('10', 8)", "'10' can not be converted to the type of the key column: I INTEGER KEY"),
        (DEFAULT, "SELECT * FROM NUM WHERE I = 3000000000", "'3000000000' can not be converted to the type of the key column: I INTEGER KEY"),
        (DEFAULT, "SELECT * FROM NUM WHERE I = 1 OR I = 1.5", "'1.5' can not be converted to the type of the key column: I INTEGER KEY"),
        (DEFAULT, "SELECT * FROM NUM WHERE I = CAST(NULL AS INT)", "Primary key columns can not be NULL: (I = CAST(null AS INTEGER))"),
        (DEFAULT, "SELECT * FROM NUM WHERE NOT (I = 1)", "Unsupported expression in WHERE clause: (NOT (I = 1))"),
        (DEFAULT, "SELECT * FROM NUM WHERE I IS NULL", "Unsupported expression in WHERE clause"),
        (DEFAULT, "SELECT * FROM NUM WHERE I LIKE 12", "The column type for Like condition must be VARCHAR. The column type is INTEGER"),
        (DEFAULT, "SELECT * FROM TXT WHERE K BETWEEN 1 AND 'b'", "Invalid expression: Cannot compare K (STRING) to 1 (INTEGER) with GREATER_THAN_OR_EQUAL"),
        (DEFAULT, "SELECT * FROM WIN WHERE K = 'a' AND WINDOWSTART <> 5", "Unsupported `WINDOWSTART` bounds: NOT_EQUAL"),
        (DEFAULT, "SELECT * FROM WIN WHERE K = 'a' AND WINDOWSTART > N", "Window bounds must resolve to an INT, BIGINT, or STRING containing a datetime."),
        (DEFAULT, "SELECT * FROM WIN WHERE K = 'a' AND WINDOWSTART = 1 AND WINDOWSTART > 0",
         "`(WINDOWSTART = 1)` cannot be combined with other `WINDOWSTART` bounds"),
        (DEFAULT, "SELECT * FROM WIN WHERE K = 'a' AND WINDOWEND > 1 AND WINDOWEND >= 5", "Duplicate `WINDOWEND` bounds on: GREATER_THAN"),
        (DEFAULT, "SELECT * FROM WIN WHERE K = 'a' AND 9 > WINDOWEND AND WINDOWEND < 8", "Duplicate `WINDOWEND` bounds on: LESS_THAN"),
        (DEFAULT, "SELECT * FROM SES WHERE N > 1", "Table scan unsupported on session tables"),
        (DEFAULT, "SELECT K, ROWPARTITION FROM TXT", "don't support the following columns in SELECT clauses: `ROWPARTITION`"),
        (DEFAULT, "SELECT K, ROWPARTITION FROM S", "don't support the following columns in SELECT clauses: `ROWPARTITION`"),
        (DEFAULT, "SELECT K FROM S WHERE ROWOFFSET > 1 AND ROWPARTITION = 0",
         "don't support the following columns in WHERE clauses: `ROWPARTITION`, `ROWOFFSET`"),
        (DEFAULT, "SELECT K, COUNT(*) FROM S GROUP BY K", "Pull queries don't support GROUP BY clauses."),
        (DEFAULT, "SELECT K FROM S PARTITION BY I", "Pull queries don't support PARTITION BY clauses."),
        ({"ksql.query.pull.stream.enabled": False}, "SELECT K FROM S", "Pull queries on streams are disabled."),
        ({"ksql.pull.queries.enable": False}, "SELECT K FROM S", "Pull queries are disabled."),
        ({"ksql.pull.queries.enable": False}, "SELECT K FROM TXT", "Pull queries are disabled."),
        (NO_SCAN, "SELECT * FROM NUM", "Missing WHERE clause. Pull queries require a WHERE clause that:"),
        (NO_SCAN, "SELECT * FROM NUM WHERE N = 1", "WHERE clause missing key column for disjunct: (N = 1). Pull queries require"),
        (NO_SCAN, "SELECT * FROM NUM WHERE I = 1 OR (N > 1 AND N < 4)", "WHERE clause missing key column for disjunct: ((N > 1) AND (N < 4))."),
        (NO_SCAN, "SELECT * FROM WIN WHERE WINDOWSTART >= 12000", "WHERE clause missing key column for disjunct: (WINDOWSTART >= 12000)."),
        (NO_SCAN, "SELECT * FROM TXT WHERE K != 'a'", "Bound on key columns '[`K` STRING KEY]' must currently be '='. "),
        (NO_SCAN, "SELECT * FROM NUM WHERE I = N", "A comparison must be between a key column and a resolvable expression."),
        (NO_SCAN, "SELECT * FROM NUM WHERE I IN (2, CAST(N AS INT) + 1)", "A comparison must be between a key column and a resolvable expression."),
        (NO_SCAN, "SELECT * FROM NUM WHERE I + 1 = 2", "A comparison must directly reference a key column."),
        (NO_SCAN, "SELECT * FROM NUM WHERE I = 1 AND I IN (1, 2)", "cannot be combined with other comparisons such as an IN predicate."),
        (NO_SCAN, "SELECT * FROM NUM WHERE 0 < I AND I < 100", "cannot be combined with other comparisons such as an IN predicate."),
        (NO_SCAN, "SELECT * FROM PAIR WHERE K = 'a'",
         "Multi-column sources must specify every key in the WHERE clause. Specified: [`K`] Expected: [`K` STRING KEY, `I` INTEGER KEY]."),
        (NO_SCAN, "SELECT * FROM TXT WHERE UCASE(K) LIKE 'a%'", "Like condition must be between strings."),
        (NO_SCAN, "SELECT * FROM TXT WHERE K LIKE 'a%'", "Query requires table scan to be enabled."),
        (NO_SCAN, "SELECT * FROM TXT WHERE K < 'a' OR K > 'b'", "Query requires table scan to be enabled."),
        (NO_SCAN, "SELECT * FROM WIN WHERE K < 'a'", "Query requires table scan to be enabled."),
        (NO_SCAN, "SELECT * FROM NUM WHERE I < 3", "Query requires table scan to be enabled."),
        (NO_RANGE, "SELECT * FROM TXT WHERE K < 'c'", "Query requires table scan to be enabled."),
    ]
    ROWS = [  # overrides, query, rows
        (DEFAULT, "SELECT I FROM NUM WHERE N = 2", [[1]]),
        (DEFAULT, "SELECT I FROM NUM WHERE I = 1 AND I IN (1, 2)", [[1]]),
        (DEFAULT, "SELECT I FROM NUM WHERE I = 2 OR N = 2", [[1], [2]]),
        (DEFAULT, "SELECT I FROM NUM WHERE NOT (NOT (I = 2))", [[2]]),
        (DEFAULT, "SELECT I FROM NUM WHERE NOT (NOT I = 2 AND NOT I = 1)", [[1], [2]]),
        (DEFAULT, "SELECT I FROM NUM WHERE I != 2", [[1], [3]]),
        (DEFAULT, "SELECT I FROM NUM WHERE I < 3.5 AND I > 1.5", [[2], [3]]),
        (NO_SCAN, "SELECT I FROM NUM WHERE 2 = I", [[2]]),
        (NO_SCAN, "SELECT I FROM NUM WHERE I IN (1 + 1, 3) AND N < 9", [[2], [3]]),
        (NO_SCAN, "SELECT K FROM TXT WHERE K >= 'b'", [["b"], ["c"]]),
        (NO_SCAN, "SELECT K FROM TXT WHERE 'b' > K AND N > 0", [["a"]]),
        (NO_SCAN, "SELECT N FROM PAIR WHERE I = 1 AND K = 'a'", [[2]]),
        (NO_SCAN, "SELECT N FROM WIN WHERE K IN ('a', 'b') AND WINDOWSTART >= 0 AND WINDOWEND <= '1970-01-01T00:00:02.000'", [[1], [2]]),
        (NO_SCAN, "SELECT N FROM SES WHERE K = 'a' AND WINDOWSTART = 1000", [[2]]),
    ]

    def test_what_is_refused(self):
        self.server.ok(self.TABLES)
        for overrides, query, part in self.REFUSED:
            with self.subTest(query=query, **overrides):
                status, body, _ = self.server.post("/query", {"ksql": query + ";", "streamsProperties": overrides})
                answer = json.loads(body)
                self.assertEqual((status, answer["error_code"] if status != 200 else answer), (400, 40001))
                self.assertIn(part, answer["message"])

    def test_what_is_found(self):
        self.server.ok(self.TABLES + "".join(
            f"INSERT INTO S (ROWTIME, K, I) VALUES ({time_ms}, '{key}', {number});"
            for time_ms, key, number in ((1000, "a", 1), (1100, "a", 1), (1200, "b", 2), (1300, "c", 3))))
        for table, rows in (("NUM", 3), ("TXT", 3), ("PAIR", 3), ("WIN", 3)):
            wait_until(lambda: len(self.server.pull(f"SELECT * FROM {table} WHERE N > 0;")) == rows, what=table)
        wait_until(lambda: self.server.pull("SELECT N FROM SES WHERE K = 'a';") == [[2]])
        for overrides, query, rows in self.ROWS:
            with self.subTest(query=query, **overrides):
                self.assertEqual(sorted(self.server.pull(query + ";", streamsProperties=overrides)), rows)


class Push(WithServer):
    def setUp(self):
        super().setUp()
        self.server.ok(STREAM)

    def test_rows_arrive_one_by_one(self):
        stream = self.server.stream("/query", {"ksql": "SELECT K, V, D FROM S EMIT CHANGES;"})
        self.assertIn('"schema":"`K` STRING, `V` INTEGER, `D` DOUBLE"', stream.line())
        for number in range(3):  # each is a whole line before the next exists
            self.insert("a", number)
            self.assertEqual(stream.line(), '{"row":{"columns":["a",%d,1.5]}},\n' % number)
        stream.leave()

    def test_delimited(self):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K, V, D FROM S EMIT CHANGES"})
        self.assertEqual(json.loads(stream.line())["columnNames"], ["K", "V", "D"])
        for number in range(3):
            self.insert("a", number, 5.0)
            self.assertEqual(stream.line(), f'["a",{number},5.0]\n')
        stream.leave()

    def test_latest(self):
        self.insert("old", 1)
        stream = self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;", "properties": {"auto.offset.reset": "latest"}})
        stream.line()
        self.insert("new", 2)
        self.assertEqual(stream.line(), '["new"]\n')
        stream.leave()

    def test_limit(self):
        for number in range(3):
            self.insert("a", number)
        status, body, _ = self.server.post("/query", {"ksql": "SELECT K FROM S EMIT CHANGES LIMIT 2;"})
        self.assertEqual(json.loads(body)[1:], [{"row": {"columns": ["a"]}}] * 2 + [{"finalMessage": "Limit Reached"}])
        status, body, _ = self.server.post("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES LIMIT 2;"})
        self.assertEqual(body.splitlines()[1:], ['["a"]'] * 2)

    def test_no_rows_wanted(self):
        status, body, _ = self.server.post("/query", {"ksql": "SELECT K FROM S EMIT CHANGES LIMIT 0;"})
        self.assertEqual(json.loads(body)[1:], [{"finalMessage": "Limit Reached"}])

    def test_scalable(self):
        self.server.ok("CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
        self.insert("old", 1)
        wait_until(lambda: self.server.pull("SELECT N FROM T WHERE K='old';") == [[1]])
        overrides = {"auto.offset.reset": "latest", "ksql.query.push.v2.enabled": True}
        stream = self.server.stream("/query-stream", {"sql": "SELECT * FROM T WHERE N > 1 EMIT CHANGES;", "properties": overrides})
        self.assertTrue(json.loads(stream.line())["queryId"].startswith("SCALABLE_PUSH_QUERY_"))
        for key in ("new", "old"):
            self.insert(key, 1)
        self.assertEqual(stream.line(), '["old",2]\n')
        stream.leave()

    def test_close_query(self):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"})
        query = json.loads(stream.line())["queryId"]
        self.assertEqual(self.running(), [query])
        self.assertEqual(self.server.post("/close-query", {"queryId": query})[0], 200)
        self.assertEqual(stream.rest(), "")
        wait_until(lambda: self.running() == [])

    def test_terminate(self):
        stream = self.server.stream("/query", {"ksql": "SELECT K FROM S EMIT CHANGES;"})
        wait_until(lambda: len(self.running()) == 1)
        answer = self.server.ok(f"TERMINATE `{self.running()[0]}`;")
        self.assertEqual((answer[0]["@type"], answer[0]["wasTerminated"]), ("terminate_query", True))
        self.assertEqual(json.loads(stream.rest())[-1], {"finalMessage": "Query terminated"})
        status, answer = self.server.ksql("TERMINATE `transient_S_1`;")
        self.assertEqual(answer["message"], "Failed to terminate query with query ID: 'transient_S_1'")

    def test_client_leaves(self):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"})
        stream.line()
        self.assertEqual(len(self.running()), 1)
        stream.leave()
        wait_until(lambda: self.running() == [], 1.0, "the end of the query of a client that left")

    def test_client_that_does_not_read(self):
        big = "x" * 20000
        slow = self.server.stream("/query-stream", {"sql": f"SELECT K, CONCAT(K, '{big}') AS B FROM S EMIT CHANGES;"})
        for start in range(0, 600, 50):
            self.server.ok("".join(f"INSERT INTO S VALUES ('k', {start + i}, 1.0);" for i in range(50)))
        begin = time.monotonic()
        quick = self.server.stream("/query-stream", {"sql": "SELECT V FROM S EMIT CHANGES LIMIT 600;"})
        quick.line()
        self.assertEqual(sorted(json.loads(line)[0] for line in quick.rest().splitlines()), list(range(600)))
        self.assertLess(time.monotonic() - begin, 10)
        slow.line()
        rows = 0
        while rows < 600:  # whoever begins to read gets all of it
            self.assertEqual(len(slow.line()), len(big) + len('["k","k"]\n'))
            rows += 1
        slow.leave()

    def test_switches(self):
        self.server.ok("CREATE STREAM L (K STRING KEY, A ARRAY<INT>) WITH (kafka_topic='l', value_format='JSON', partitions=1);")
        lambdas = "SELECT TRANSFORM(A, X => X + 1) FROM L EMIT CHANGES LIMIT 0;"
        self.assertEqual(self.server.post("/query", {"ksql": lambdas})[0], 200)
        status, body, _ = self.server.post("/query", {"ksql": lambdas, "streamsProperties": {"ksql.lambdas.enabled": "false"}})
        self.assertEqual((status, json.loads(body)["error_code"]), (400, 40001))
        self.assertIn("Lambdas are not enabled", json.loads(body)["message"])
        named = {"sessionVariables": {"s": "L"}}
        self.assertEqual(self.server.ksql("DESCRIBE ${s};", **named)[0], 200)
        self.assertEqual(self.server.ksql("DESCRIBE ${s};", streamsProperties={"ksql.variable.substitution.enable": False}, **named)[0], 400)

    def test_stop_with_open_streams(self):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"})
        stream.line()
        self.assertEqual(self.server.stop(), 0)


class Print(WithServer):
    def records(self, *records, topic="t"):
        status, body, _ = self.server.post("/sluice/records", {"topic": topic, "records": list(records)})
        self.assertEqual(status, 200, body)

    def print(self, text, path="/query-stream", **fields):
        name = {"/query": "ksql", "/query-stream": "sql"}[path]
        status, body, _ = self.server.post(path, {name: text, **fields})
        self.assertEqual(status, 200, body)
        return body

    def test_formats_and_records(self):
        self.records({"key": "18", "value": '{"A": 1}', "timestamp": 1670001722556}, {"value": "{}", "timestamp": -1},
                     {"key": "19", "timestamp": 0})
        expected = ("Key format: JSON or KAFKA_STRING\nValue format: JSON or KAFKA_STRING\n"
                    'rowtime: 2022/12/02 17:22:02.556 Z, key: 18, value: {"A": 1}, partition: 0\n'
                    "rowtime: N/A, key: <null>, value: {}, partition: 0\n"
                    "rowtime: 1970/01/01 00:00:00.000 Z, key: 19, value: <null>, partition: 0\n")
        for path in ("/query", "/query-stream"):
            self.assertEqual(self.print("PRINT t FROM BEGINNING LIMIT 3", path), expected)
        _, body, response = self.server.post("/query-stream", {"sql": "PRINT t FROM BEGINNING LIMIT 3;"}, DELIMITED)
        self.assertEqual((body, response.headers["Content-Type"]), (expected, DELIMITED["Accept"]))

    def test_formats_are_told_again_when_they_change(self):
        self.records()
        stream = self.server.stream("/query", {"ksql": "PRINT t FROM BEGINNING;"})
        self.records({"value": "\n[1,\n2]", "timestamp": 5})
        row = "rowtime: 1970/01/01 00:00:00.005 Z, key: %s, value: %s, partition: 0\n"
        self.assertEqual([stream.line() for _ in range(3)],
                         ["Key format: ¯\\_(ツ)_/¯ - no data processed\n", "Value format: JSON or KAFKA_STRING\n", row % ("<null>", "[1,2]")])
        self.records({"key64": "AAAAAAAAABI=", "value": "a\nb", "timestamp": 5})
        self.assertEqual([stream.line() for _ in range(3)],
                         ["Key format: KAFKA_BIGINT or KAFKA_DOUBLE or KAFKA_STRING\n", "Value format: KAFKA_STRING\n", row % ("18", "a\\nb")])
        self.records({"key64": "AAAAAAAAABM=", "value": "c", "timestamp": 5})
        self.assertEqual(stream.line(), row % ("19", "c"))
        stream.leave()

    def test_interval_and_limit(self):
        self.records(*({"value": str(number), "timestamp": 5} for number in range(10)))
        for text, values in (("INTERVAL 4 LIMIT 3", "048"), ("SAMPLE 5 LIMIT 2", "05"), ("INTERVAL 1 LIMIT 2", "01")):
            lines = self.print(f"PRINT 't' FROM BEGINNING {text};").splitlines()[2:]
            self.assertEqual([line.split(", ")[2] for line in lines], [f"value: {value}" for value in values])
        self.assertEqual(self.print("PRINT t FROM BEGINNING LIMIT 0;"), "")

    def test_where_it_starts(self):
        self.records({"value": "old"})
        latest = {"auto.offset.reset": "latest"}
        stream = self.server.stream("/query-stream", {"sql": "PRINT t LIMIT 1;", "properties": latest})
        self.records({"value": "new"})
        self.assertIn("value: new,", stream.rest())
        stream.close()
        self.assertIn("value: old,", self.print("PRINT t LIMIT 1;"))  # by the server's configuration
        self.assertIn("value: old,", self.print("PRINT t FROM BEGINNING LIMIT 1;", properties=latest))

    def test_refusals(self):
        self.records(topic="Orders")
        missing = ("Could not find topic '%s', or the KSQL user does not have permissions to list the topic. Topic names are case-sensitive.%s")
        hint = "\nDid you mean:\n\tprint Orders;"
        cases = [
            ("PRINT orders;", {}, 400, 40000, missing % ("orders", hint)),
            ("PRINT Order FROM BEGINNING;", {}, 400, 40000, missing % ("Order", hint)),
            ("PRINT `nothing like it`;", {}, 400, 40000, missing % ("nothing like it", "")),
            ("PRINT Orders INTERVAL 0;", {}, 400, 40001, "INTERVAL must be at least 1, but was: 0"),
            ("PRINT Orders LIMIT -1;", {}, 400, 40001, "LIMIT must be at least 0, but was: -1"),
            ("PRINT Orders; PRINT Orders;", {}, 400, 40001, "Expected exactly one KSQL statement; found 2 instead"),
        ]
        for text, headers, status, code, message in cases:
            for path, name in (("/query", "ksql"), ("/query-stream", "sql")):
                got, body, _ = self.server.post(path, {name: text}, headers)
                answer = json.loads(body)
                self.assertEqual((got, answer["error_code"], answer["message"]), (status, code, message), (path, text))
        self.assertEqual(self.server.ksql("PRINT Orders;")[1]["error_code"], 40002)
        for type_ in ("application/json", "application/vnd.ksql.v1+json"):
            got, body, _ = self.server.post("/query-stream", {"sql": "PRINT Orders LIMIT 0;"}, {"Accept": type_})
            self.assertEqual((got, body), (406, ""))

    def test_clients_that_do_not_read(self):
        """More of them than there are threads; whoever reads has everything, then and later."""
        big, count = "x" * 20000, 600
        self.records({"value": "first"})
        slow = [self.server.stream("/query", {"ksql": "PRINT t FROM BEGINNING;"}) for _ in range(20)]
        for start in range(0, count, 50):
            self.records(*({"value": f"{start + i}:{big}"} for i in range(50)))
        self.assertEqual(self.print(f"PRINT t FROM BEGINNING LIMIT {count + 1};").count(big), count)
        for stream in slow[1:]:
            stream.leave()
        read = [slow[0].line() for _ in range(count + 3)]
        self.assertEqual([line.split("value: ")[1].split(":")[0] for line in read[3:]], [str(number) for number in range(count)])
        slow[0].leave()
        self.assertEqual(self.server.stop(), 0)

    def test_topic_that_goes(self):
        self.server.ok(STREAM)
        self.insert("a", 1)
        stream = self.server.stream("/query-stream", {"sql": "PRINT s FROM BEGINNING;"})
        for _ in range(3):
            stream.line()
        self.server.ok("DROP STREAM S DELETE TOPIC;")
        self.assertEqual(json.loads(stream.rest())["@type"], "generic_error")
        stream.close()

    def test_stop_while_printing(self):
        self.records()
        stream = self.server.stream("/query-stream", {"sql": "PRINT t;"})
        self.assertEqual((stream.status, self.server.stop()), (200, 0))
        stream.close()


class Restart(WithServer):
    def everything(self):
        return self.server.ok("SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TYPES; DESCRIBE T;")

    def restart_with(self, how):
        self.server.ok(STREAM + TABLE + "CREATE TYPE A AS STRUCT<X INT>; CREATE STREAM COPY AS SELECT * FROM S;"
                       "CREATE STREAM GONE (K STRING KEY) WITH (kafka_topic='gone', value_format='JSON', partitions=1);"
                       "DROP STREAM GONE DELETE TOPIC; TERMINATE CSAS_COPY_3;")
        self.insert("a", 1)
        wait_until(lambda: self.server.pull("SELECT * FROM T WHERE K='a';") == [["a", 1, 1]])
        before = self.everything()
        self.server.stop(how)
        self.server.start()
        self.assertEqual(self.everything(), before)
        self.assertNotIn("gone", [t["name"] for t in self.server.ok("SHOW TOPICS;")[0]["topics"]])
        wait_until(lambda: self.server.pull("SELECT * FROM T WHERE K='a';") == [["a", 1, 1]])
        self.insert("a", 2)
        wait_until(lambda: self.server.pull("SELECT * FROM T WHERE K='a';") == [["a", 2, 3]])
        entity = self.server.ok("CREATE STREAM C2 AS SELECT * FROM S;")[0]
        self.assertEqual(entity["commandStatus"]["queryId"], "CSAS_C2_7")

    def test_restart(self):
        self.restart_with(signal.SIGTERM)

    def test_kill(self):
        self.restart_with(signal.SIGKILL)

    def test_a_recreated_topic_keeps_its_records(self):
        self.server.ok(STREAM + "DROP STREAM S DELETE TOPIC;" + STREAM)
        self.insert("a", 1)
        self.server.stop()
        self.server.start()
        status, body, _ = self.server.post("/query", {"ksql": "SELECT K FROM S EMIT CHANGES LIMIT 1;"})
        self.assertEqual(json.loads(body)[1], {"row": {"columns": ["a"]}})

    def test_one_process_per_directory(self):
        other = Server(BINARY, {"ksql.streams.state.dir": self.server.properties["ksql.streams.state.dir"]})
        self.addCleanup(other.close)
        with self.assertRaisesRegex(AssertionError, "in use by another process"):
            other.start()


class ProcessingLog(WithServer):
    properties = {"ksql.logging.processing.topic.auto.create": "true", "ksql.logging.processing.stream.auto.create": "true"}

    def test_skipped_record(self):
        self.server.ok("CREATE STREAM RAW (K STRING KEY, V STRING) WITH (kafka_topic='s', key_format='KAFKA', value_format='KAFKA', partitions=1);"
                       "CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON');"
                       "CREATE STREAM C AS SELECT * FROM S;"
                       "INSERT INTO RAW VALUES ('a', 'nonsense');")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM KSQL_PROCESSING_LOG EMIT CHANGES LIMIT 1;"})
        self.assertEqual(status, 200, body)
        row = json.loads(body)[1]["row"]["columns"]
        self.assertEqual(row[:2], ["processing.CSAS_C_3.KsqlTopic.Source.deserializer", "ERROR"])
        self.assertEqual(row[3]["TYPE"], 0)
        self.assertIn("skipped the record of s-0 at offset 0", self.server.log())

    def test_a_column_that_fails_skips_nothing(self):
        self.server.ok("CREATE STREAM T (K STRING KEY, V INT) WITH (kafka_topic='t', value_format='JSON', partitions=1);"
                       "CREATE STREAM M AS SELECT K, V % 2 AS M FROM T;"
                       "INSERT INTO T (K) VALUES ('a');")
        status, body, _ = self.server.post("/query", {"ksql": "SELECT * FROM KSQL_PROCESSING_LOG EMIT CHANGES LIMIT 1;"})
        self.assertEqual(json.loads(body)[1]["row"]["columns"][3]["RECORDPROCESSINGERROR"]["ERRORMESSAGE"], "%: an operand is null")
        self.assertIn("error at the record of t-0 at offset 0: %: an operand is null", self.server.log())


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
