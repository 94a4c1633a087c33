#!/usr/bin/env python3
"""What those who are known may do: GRANT, REVOKE and SHOW GRANTS, on every endpoint; refusals that say nothing of what exists.

usage: grants_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth_test import SHA512, basic, write  # noqa: E402
from sluice_server import Server, Stream, wait_until  # noqa: E402

BINARY = sys.argv[1] if __name__ == "__main__" else None
ADMIN, READER, WRITER, ANN = basic("boss", "secret"), basic("rita", "secret"), basic("will", "secret"), basic("ann", "secret")
USERS = f"boss:{SHA512}:ADMIN\nrita:{SHA512}:reader\nwill:{SHA512}:writer,reader\nann:{SHA512}\n"


class WithGrants(unittest.TestCase):
    def setUp(self):
        self.server = Server(BINARY, {"authentication.method": "BASIC", "sluice.authorization.method": "GRANTS"})
        self.addCleanup(self.server.close)
        users = os.path.join(self.server.directory, "users")
        write(users, USERS)
        self.server.properties["sluice.authentication.file"] = users
        self.start()
        self.ok("CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE STREAM SECRET (K STRING KEY, V INT) WITH (KAFKA_TOPIC='secret', VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")

    def start(self):
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/info", ADMIN)[0] == 200)

    def ksql(self, text, who):
        status, body, _ = self.server.post("/ksql", {"ksql": text}, who)
        return status, json.loads(body)

    def ok(self, text, who=ADMIN):
        status, answer = self.ksql(text, who)
        self.assertEqual(status, 200, (text, answer))
        return answer

    def denied(self, text, who, message=None):
        status, answer = self.ksql(text, who)
        self.assertEqual((status, answer.get("error_code")), (403, 40300), (text, answer))
        if message is not None:
            self.assertEqual(answer["message"], message)
        return answer["message"]

    def names(self, show, field, who):
        return sorted(item["name" if field != "queries" else "id"] for item in self.ok(show, who)[0][field])

    def query(self, text, who, path="/query-stream"):
        field = "sql" if path == "/query-stream" else "ksql"
        status, body, _ = self.server.post(path, {field: text, "properties": {"auto.offset.reset": "earliest"}}, who)
        return status, body


class OwnTopics(WithGrants):
    """Topics that the server lives by: who could write the commands could do everything."""
    COMMANDS = "_confluent-ksql-default__command_topic"
    PREFIX = {"ksql.output.topic.name.prefix": "_confluent-ksql-default__command_", "auto.offset.reset": "earliest"}

    def create(self, text, who, **properties):
        status, body, _ = self.server.post("/ksql", {"ksql": text, "streamsProperties": properties}, who)
        return status, json.loads(body)

    def test_nobody_writes_or_deletes_them(self):
        for topic in (self.COMMANDS, "_confluent-ksql-default__slots", "_schemas", "__consumer_offsets"):
            self.ok(f"CREATE STREAM OWN (K STRING KEY, V STRING) WITH (KAFKA_TOPIC='{topic}', PARTITIONS=1, VALUE_FORMAT='KAFKA');" if topic == "__consumer_offsets"
                    else f"CREATE STREAM OWN (K STRING KEY, V STRING) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='KAFKA', PARTITIONS={1 if 'slots' not in topic else 48});")
            for text in (f"CREATE STREAM MINE WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON') AS SELECT * FROM S;", "INSERT INTO OWN SELECT K, CAST(V AS STRING) AS V FROM S;",
                         "INSERT INTO OWN VALUES ('a', 'b');", "DROP STREAM OWN DELETE TOPIC;"):
                status, answer = self.ksql(text, ADMIN)
                self.assertEqual((status, "read-only topic: " + topic in answer.get("message", "")), (400, True), (text, answer))
            status, body, _ = self.server.post("/sluice/records", {"topic": topic, "records": [{"key": "k", "value": "v"}]}, ADMIN)
            self.assertEqual((status, "read-only topic" in body), (400, True), body)
            self.ok("DROP STREAM OWN;")

    def test_a_prefix_is_as_good_as_a_topic(self):
        self.ok("GRANT SELECT ON S TO reader; GRANT CREATE ON `topic` TO reader;")
        status, answer = self.create("CREATE STREAM `topic` AS SELECT * FROM S;", READER, **self.PREFIX)
        self.assertEqual((status, answer["error_code"]), (403, 40300), answer)
        status, answer = self.create("CREATE STREAM `topic` AS SELECT * FROM S;", ADMIN, **self.PREFIX)
        self.assertEqual((status, "read-only topic: " + self.COMMANDS in answer.get("message", "")), (400, True), answer)

    def test_a_schema_by_its_id_is_not_for_everybody(self):
        self.ok("GRANT SELECT ON S TO reader; GRANT CREATE ON MINE TO reader;")
        self.denied("CREATE STREAM MINE WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT * FROM S;", READER)

    def test_reading_them_is_for_admins(self):
        self.ok("GRANT CREATE ON ALL TO reader;")
        self.denied(f"CREATE STREAM C (V STRING) WITH (KAFKA_TOPIC='{self.COMMANDS}', VALUE_FORMAT='KAFKA');", READER)
        self.ok(f"CREATE STREAM C (V STRING) WITH (KAFKA_TOPIC='{self.COMMANDS}', VALUE_FORMAT='KAFKA');")


class Table(WithGrants):
    """Every kind of statement and every endpoint, for who has nothing, something, everything and the rest; and not a word of what somebody may not see."""
    # (kind, text, statuses for ann: nothing; rita: ALL on S, T and MIX; will: ALL ON ALL; boss: admin). 400: allowed, and refused for another reason.
    STATEMENTS = [
        ("STMT_QUERY", "SELECT * FROM S;", (403, 200, 200, 200)),
        ("STMT_QUERY", "SELECT * FROM T;", (403, 200, 200, 200)),
        ("STMT_QUERY", "SELECT * FROM MIX;", (403, 200, 200, 200)),
        ("STMT_QUERY", "SELECT NOTHING FROM S;", (403, 400, 400, 400)),
        ("STMT_QUERY", "SELECT * FROM S JOIN ZQ WITHIN 1 HOUR ON S.NO = ZQ.K EMIT CHANGES LIMIT 1;", (403, 403, 400, 400)),
        ("STMT_CREATE_SOURCE", "CREATE STREAM NEW (K STRING KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');", (403, 403, 200, 200)),
        ("STMT_CREATE_AS", "CREATE STREAM NEW AS SELECT * FROM S;", (403, 403, 200, 200)),
        ("STMT_CREATE_AS", "CREATE OR REPLACE TABLE T AS SELECT K, COUNT(*) AS N, 1 AS ONE FROM S GROUP BY K;", (403, 200, 200, 200)),
        ("STMT_CREATE_TYPE", "CREATE TYPE NEW AS INT;", (403, 403, 200, 200)),
        ("STMT_CREATE_FUNCTION", "CREATE FUNCTION NEW (A INT) RETURNS INT LANGUAGE LUA AS $$ return 1 $$;", (403, 403, 403, 400)),
        ("STMT_CREATE_CONNECTOR", "CREATE SINK CONNECTOR NEW WITH ('a'='b');", (403, 403, 403, 400)),
        ("STMT_INSERT_VALUES", "INSERT INTO S VALUES ('a', 1);", (403, 200, 200, 200)),
        ("STMT_INSERT_INTO", "INSERT INTO S SELECT * FROM S;", (403, 400, 400, 400)),
        ("STMT_DESCRIBE_SOURCE", "DESCRIBE S;", (403, 200, 200, 200)),
        ("STMT_DESCRIBE_SOURCE", "DESCRIBE S EXTENDED;", (403, 200, 200, 200)),
        ("STMT_DESCRIBE_SOURCE", "DESCRIBE MIX EXTENDED;", (403, 200, 200, 200)),
        ("STMT_DESCRIBE_SOURCES", "DESCRIBE STREAMS EXTENDED;", (200, 200, 200, 200)),
        ("STMT_DESCRIBE_SOURCES", "DESCRIBE TABLES EXTENDED;", (200, 200, 200, 200)),
        ("STMT_DESCRIBE_FUNCTION", "DESCRIBE FUNCTION ABS;", (200, 200, 200, 200)),
        ("STMT_DESCRIBE_CONNECTOR", "DESCRIBE CONNECTOR X;", (403, 403, 403, 400)),
        ("STMT_PRINT", "PRINT 's' FROM BEGINNING LIMIT 1;", (403, 200, 200, 200)),
        ("STMT_EXPLAIN", "EXPLAIN SELECT * FROM S EMIT CHANGES;", (403, 200, 200, 200)),
        ("STMT_EXPLAIN", "EXPLAIN {T};", (403, 200, 200, 200)),
        ("STMT_EXPLAIN", "EXPLAIN {MIX};", (403, 403, 200, 200)),
        ("STMT_EXPLAIN", "EXPLAIN ANALYZE QUERY {MIX};", (403, 403, 200, 200)),
        ("STMT_EXPLAIN", "EXPLAIN CSAS_MIXX_3;", (403, 403, 400, 400)),
        ("STMT_SHOW", "SHOW STREAMS;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW STREAMS EXTENDED;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW TABLES EXTENDED;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW TOPICS;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW ALL TOPICS EXTENDED;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW QUERIES;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW QUERIES EXTENDED;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW FUNCTIONS;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW TYPES;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW PROPERTIES;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW VARIABLES;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW GRANTS;", (200, 200, 200, 200)),
        ("STMT_SHOW", "SHOW CONNECTORS;", (403, 403, 403, 400)),
        ("STMT_SHOW", "SHOW CONNECTOR PLUGINS;", (403, 403, 403, 400)),
        ("STMT_PAUSE", "PAUSE {MIX};", (403, 200, 200, 200)),
        ("STMT_RESUME", "RESUME {MIX};", (403, 200, 200, 200)),
        ("STMT_RESUME", "RESUME ALL;", (403, 403, 200, 200)),
        ("STMT_TERMINATE", "TERMINATE CSAS_MIXX_3;", (403, 403, 400, 400)),
        ("STMT_TERMINATE", "TERMINATE `transient_S_1`;", (400, 400, 400, 400)),
        ("STMT_DROP_SOURCE", "DROP STREAM S;", (403, 400, 400, 400)),
        ("STMT_DROP_SOURCE", "DROP STREAM IF EXISTS S DELETE TOPIC;", (403, 400, 400, 400)),
        ("STMT_DROP_SOURCE", "DROP STREAM SS;", (403, 403, 400, 400)),
        ("STMT_DROP_TYPE", "DROP TYPE IF EXISTS NEW;", (403, 403, 200, 200)),
        ("STMT_DROP_FUNCTION", "DROP FUNCTION IF EXISTS NEW;", (403, 403, 403, 200)),
        ("STMT_DROP_CONNECTOR", "DROP CONNECTOR X;", (403, 403, 403, 400)),
        ("STMT_SET", "SET 'auto.offset.reset' = 'earliest';", (200, 200, 200, 200)),
        ("STMT_DEFINE", "DEFINE a = 'b';", (200, 200, 200, 200)),
        ("STMT_UNDEFINE", "UNDEFINE a;", (200, 200, 200, 200)),
        ("STMT_UNSET", "UNSET 'auto.offset.reset';", (200, 200, 200, 200)),
        ("STMT_ASSERT_TOPIC", "ASSERT TOPIC zq;", (403, 403, 200, 200)),
        ("STMT_ASSERT_SCHEMA", "ASSERT NOT EXISTS SCHEMA SUBJECT 'x' TIMEOUT 1 SECONDS;", (403, 403, 200, 200)),
        ("STMT_ASSERT_VALUES", "ASSERT VALUES S (K, V) VALUES ('a', 1);", (400, 400, 400, 400)),
        ("STMT_ASSERT_NULL", "ASSERT NULL VALUES T (K) KEY ('a');", (400, 400, 400, 400)),
        ("STMT_ASSERT_SOURCE", "ASSERT STREAM S (K STRING KEY) WITH (KAFKA_TOPIC='s');", (400, 400, 400, 400)),
        ("STMT_ALTER_SOURCE", "ALTER STREAM SX ADD COLUMN X INT;", (403, 403, 400, 400)),
        ("STMT_ALTER_SYSTEM", "ALTER SYSTEM 'auto.offset.reset' = 'earliest';", (403, 403, 403, 400)),
        ("STMT_GRANT", "GRANT SELECT ON NEW TO nobody;", (403, 403, 403, 200)),
        ("STMT_REVOKE", "REVOKE SELECT ON NEW FROM nobody;", (403, 403, 403, 200)),
        ("STMT_RUN_SCRIPT", "RUN SCRIPT 'x';", (400, 400, 400, 400)),
    ]
    ENDPOINTS = [  # method, path, body; beside /ksql, /query and /query-stream, which take the statements
        ("GET", "/status", None, (200, 200, 200, 200)),
        ("GET", "/status/stream/ZQ/create", None, (404, 404, 200, 200)),
        ("GET", "/status/stream/NONE/create", None, (404, 404, 404, 404)),
        ("GET", "/clusterStatus", None, (403, 403, 200, 200)),
        ("POST", "/inserts-stream", '{"target":"S"}\n{"K":"a","V":1}\n', (403, 200, 200, 200)),
        ("POST", "/inserts-stream", '{"target":"T"}\n{"K":"a"}\n', (403, 200, 200, 200)),
        ("POST", "/close-query", '{"queryId":"{MIX}"}', (400, 400, 400, 400)),
        ("POST", "/sluice/records", '{"topic":"s","records":[]}', (403, 403, 200, 200)),
        ("GET", "/subjects", None, (403, 403, 200, 200)),
        ("GET", "/info", None, (200, 200, 200, 200)),
        ("POST", "/heartbeat", "{}", (403, 403, 403, 403)),
        ("POST", "/sluice/queries", "{}", (403, 403, 403, 403)),
        ("POST", "/sluice/passed", "{}", (403, 403, 403, 403)),
        ("GET", "/nothing", None, (404, 404, 404, 404)),
    ]
    CLEAN_UP = ("DROP STREAM IF EXISTS NEW;", "DROP TYPE IF EXISTS NEW;", "DROP FUNCTION IF EXISTS NEW;")

    def setUp(self):
        super().setUp()
        self.server.stop()
        self.server.properties["ksql.heartbeat.enable"] = "true"
        self.start()
        self.ok("CREATE STREAM ZQ (K STRING KEY, V INT, ZONE STRING) WITH (KAFKA_TOPIC='zq', VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE STREAM ZQTWIN (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
                "CREATE STREAM MIX AS SELECT K, V FROM ZQ WHERE ZONE <> 'zqvalue';"
                "CREATE TABLE ZQREADER AS SELECT K, MAX(V) AS M FROM S GROUP BY K;"
                "INSERT INTO S SELECT K, V FROM ZQ;"
                "GRANT ALL ON S TO reader; GRANT ALL ON T TO reader; GRANT ALL ON MIX TO reader; GRANT ALL ON ALL TO writer;")
        self.ids = {q["sinks"][0]: q["id"] for q in self.ok("SHOW QUERIES;")[0]["queries"] if q["id"].startswith("C")}
        for who in (ADMIN, READER):
            wait_until(lambda who=who: self.query("SELECT * FROM T;", who)[0] == 200)

    def tell(self, text):
        for name, query in self.ids.items():
            text = text.replace("{%s}" % name, query)
        return text

    def ask(self, kind, text, who):
        if kind in ("STMT_QUERY", "STMT_PRINT"):
            status, body = self.query(text, who)
            self.assertEqual(self.query(text, who, "/query")[0], status, text)
            return status, body
        status, body, _ = self.server.post("/ksql", {"ksql": text}, who)
        return status, body

    def says_nothing(self, body, asked):
        """... but what the request itself named."""
        told = body.replace("[hidden]", "").upper()
        for word in ("ZQTWIN", "ZQVALUE", "ZQREADER", "ZQ"):
            if word not in asked.upper():
                self.assertNotIn(word, told, (asked, body))

    def test_all_kinds_are_there(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "core/statements.def"), encoding="utf-8") as rows:
            kinds = set(re.findall(r"^STATEMENT\w*\((STMT_\w+)", rows.read(), re.M))
        self.assertGreater(len(kinds), 30)
        self.assertEqual(kinds, {kind for kind, _, _ in self.STATEMENTS})

    def test_statements(self):
        # One after the other from the weakest on: what somebody is allowed may change what the next one finds, and is cleaned up.
        for kind, text, expected in self.STATEMENTS:
            text = self.tell(text)
            for who, status in zip((ANN, READER, WRITER, ADMIN), expected):
                with self.subTest(text=text, who=(ANN, READER, WRITER, ADMIN).index(who)):
                    got, body = self.ask(kind, text, who)
                    if got == 200 and kind.startswith("STMT_CREATE"):
                        for undo in self.CLEAN_UP:
                            self.ok(undo)
                    self.assertEqual(got, status, body)
                    if who in (ANN, READER):
                        self.says_nothing(body, text)

    def test_endpoints(self):
        for method, path, body, expected in self.ENDPOINTS:
            for who, status in zip((ANN, READER, WRITER, ADMIN), expected):
                with self.subTest(path=path, who=(ANN, READER, WRITER, ADMIN).index(who)):
                    got, answer, _ = self.server.request(method, path, body and self.tell(body), who)
                    self.assertEqual(got, status, answer)
                    if who in (ANN, READER):
                        self.says_nothing(answer, path)

    def test_who_may_see_all_is_told_all(self):
        self.assertIn("[T, ZQREADER]", self.ksql("DROP STREAM S;", ADMIN)[1]["message"])
        self.assertIn("[T, 1 that you may not see]", self.ksql("DROP STREAM S;", READER)[1]["message"])
        text = next(q for q in self.ok("SHOW QUERIES;", READER)[0]["queries"] if q["id"] == self.ids["MIX"])["queryString"]
        self.assertEqual(text, "[hidden]")
        self.assertIn("ZQ", next(q for q in self.ok("SHOW QUERIES;", WRITER)[0]["queries"] if q["id"] == self.ids["MIX"])["queryString"])


class Grants(WithGrants):
    def test_nothing_is_allowed_at_first_and_refusals_tell_nothing(self):
        """Word for word the same, but for the name, whether it is there or not."""
        for there, missing in (("S", "XX"), ("T", "XX"), ("SECRET", "XX")):
            for text in ("SELECT * FROM {};", "SELECT * FROM {} EMIT CHANGES;", "DESCRIBE {};", "DROP STREAM {};", "DROP TABLE IF EXISTS {};", "INSERT INTO {} VALUES ('a', 1);",
                         "ALTER STREAM {} ADD COLUMN X INT;", "CREATE STREAM {} AS SELECT * FROM S;", "INSERT INTO {} SELECT * FROM S;", "EXPLAIN SELECT * FROM {};",
                         "CREATE STREAM IF NOT EXISTS {} (K STRING KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"):
                one = self.ksql(text.format(there), READER)
                other = self.ksql(text.format(missing), READER)
                if text.startswith("SELECT"):  # it belongs elsewhere, whatever it asks for
                    continue
                self.assertEqual((one[0], other[0]), (403, 403), text)
                self.assertEqual(json.dumps(one[1]), json.dumps(other[1]).replace(missing, there))
            for text in ("SELECT * FROM {};", "SELECT * FROM {} EMIT CHANGES;", "SELECT * FROM {} JOIN S ON S.K = {}.K EMIT CHANGES;", "PRINT '{}';", "PRINT {};"):
                for path in ("/query", "/query-stream"):
                    one, other = self.query(text.format(there, there), READER, path), self.query(text.format(missing, missing), READER, path)
                    self.assertEqual(one[0], 403, one)
                    self.assertEqual((one[0], one[1]), (other[0], other[1].replace(missing, there)))
            one, other = (self.server.request("POST", "/inserts-stream", '{"target":"%s"}\n{"K":"a"}\n' % name, READER)[:2] for name in (there, missing))
            self.assertEqual((one[0], one[1]), (403, other[1].replace(missing, there)))
        for verb in ("TERMINATE", "PAUSE", "RESUME", "EXPLAIN"):
            one, other = self.denied(f"{verb} CTAS_T_5;", READER), self.denied(f"{verb} CTAS_T_99;", READER)
            self.assertEqual(one, other.replace("99", "5"))
        self.assertEqual(self.server.get("/status/stream/S/create", READER)[:2], self.server.get("/status/stream/XX/create", READER)[:2])

    def test_listings_leave_out_what_is_not_ones_own(self):
        everything = self.names("SHOW STREAMS;", "streams", ADMIN)
        self.assertEqual(everything, ["S", "SECRET"])
        for show, field in (("SHOW STREAMS;", "streams"), ("SHOW TABLES;", "tables"), ("SHOW QUERIES;", "queries"), ("SHOW TOPICS;", "topics"), ("SHOW ALL TOPICS;", "topics"),
                            ("SHOW STREAMS EXTENDED;", "sourceDescriptions"), ("DESCRIBE TABLES;", "sourceDescriptions"), ("SHOW QUERIES EXTENDED;", "queryDescriptions")):
            self.assertEqual(self.ok(show, READER)[0][field], [], show)
            self.assertNotEqual(self.ok(show)[0][field], [], show)
        self.assertEqual(json.loads(self.server.get("/status", READER)[1]), {"commandStatuses": {}})
        self.assertEqual(len(json.loads(self.server.get("/status", ADMIN)[1])["commandStatuses"]), 3)
        self.ok("GRANT DESCRIBE ON S TO reader;")
        self.assertEqual(self.names("SHOW STREAMS;", "streams", READER), ["S"])
        self.assertEqual(self.names("SHOW TOPICS;", "topics", READER), ["s"])
        description = self.ok("DESCRIBE S;", READER)[0]["sourceDescription"]
        self.assertEqual(description["readQueries"], [])  # T's is not the reader's to see
        self.assertEqual(list(json.loads(self.server.get("/status", READER)[1])["commandStatuses"]), ["stream/`S`/create", "grant/`S`/create"])
        self.ok("GRANT SELECT ON T TO reader;")
        self.assertEqual(len(self.ok("DESCRIBE S;", READER)[0]["sourceDescription"]["readQueries"]), 1)
        self.assertEqual(len(self.names("SHOW QUERIES;", "queries", READER)), 1)

    def test_each_privilege_opens_its_own_door(self):
        self.ok("GRANT INSERT ON S TO writer;")
        self.ok("INSERT INTO S VALUES ('a', 1);", WRITER)
        status, body, _ = self.server.request("POST", "/inserts-stream", '{"target":"S"}\n{"K":"a","V":2}\n', WRITER)
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertEqual(self.query("SELECT * FROM S;", WRITER)[0], 403)
        self.ok("GRANT SELECT ON S TO USER 'Will';")  # letters of either case
        self.assertEqual(self.query("SELECT K, V FROM S;", WRITER)[1].splitlines()[1:], ['["a",1]', '["a",2]'])
        self.assertEqual(self.query("PRINT 's' FROM BEGINNING LIMIT 1;", WRITER)[0], 200)
        self.assertEqual(self.query("PRINT 'secret' FROM BEGINNING LIMIT 1;", WRITER)[0], 403)
        self.assertEqual(self.query("SELECT * FROM S;", READER)[0], 403)  # another user of one of the roles
        self.assertEqual(self.query("SELECT * FROM S JOIN SECRET WITHIN 1 HOUR ON S.K = SECRET.K EMIT CHANGES;", WRITER)[0], 403)
        self.denied("CREATE STREAM MINE AS SELECT * FROM S;", WRITER, "You are not allowed to CREATE MINE")
        self.ok("GRANT CREATE ON MINE TO writer;")
        self.denied("CREATE STREAM MINE AS SELECT * FROM SECRET;", WRITER, "You are not allowed to SELECT SECRET")
        self.denied("CREATE STREAM MINE WITH (KAFKA_TOPIC='secret') AS SELECT * FROM S;", WRITER, "You are not allowed to CREATE ALL")
        self.denied("CREATE STREAM MINE (K STRING KEY) WITH (KAFKA_TOPIC='secret', VALUE_FORMAT='JSON');", WRITER, "You are not allowed to CREATE ALL")
        query = self.ok("CREATE STREAM MINE AS SELECT * FROM S;", WRITER)[0]["commandStatus"]["queryId"]
        self.denied("CREATE OR REPLACE STREAM MINE AS SELECT * FROM S WHERE V > 1;", WRITER, "You are not allowed to ALTER MINE")
        self.denied(f"TERMINATE {query};", WRITER)
        self.denied("TERMINATE ALL;", WRITER)
        self.ok("GRANT TERMINATE, ALTER ON MINE TO writer;")
        self.ok("CREATE OR REPLACE STREAM MINE AS SELECT * FROM S WHERE V > 1;", WRITER)
        self.ok(f"PAUSE {query}; RESUME {query}; TERMINATE {query};", WRITER)
        self.denied("DROP STREAM MINE;", WRITER, "You are not allowed to DROP MINE")
        self.ok("GRANT DROP ON MINE TO writer;")
        self.ok("DROP STREAM MINE;", WRITER)

    def test_administration_is_not_granted(self):
        self.ok("GRANT ALL ON ALL TO reader;")
        for text in ("GRANT ALL ON ALL TO USER rita;", "REVOKE SELECT ON S FROM writer;", "ALTER SYSTEM 'a'='b';", "DROP FUNCTION F;",
                     "CREATE FUNCTION F (A INT) RETURNS INT LANGUAGE LUA AS $$ return 1 $$;"):
            self.assertIn("for users with the role admin", self.denied(text, READER))
        self.assertEqual(self.server.post("/ksql/terminate", {}, READER)[0], 403)
        self.assertEqual(self.server.post("/sluice/records", {"topic": "s", "records": []}, READER)[0], 200)
        self.assertEqual(self.server.post("/sluice/records", {"topic": "s", "records": []}, ANN)[0], 403)
        self.ok("CREATE STREAM ANY (K STRING KEY) WITH (KAFKA_TOPIC='secret', VALUE_FORMAT='JSON'); DROP STREAM ANY; CREATE TYPE X AS INT; DROP TYPE X; ASSERT TOPIC s;", READER)
        self.denied("CREATE TYPE X AS INT;", ANN)
        self.denied("ASSERT TOPIC s;", ANN)
        for method, path, code in (("GET", "/subjects", 200), ("POST", "/subjects/x/versions", 422), ("PUT", "/config", 403), ("DELETE", "/subjects/x", 403)):
            self.assertEqual(self.server.request(method, path, "{}", READER)[0], code, path)
            self.assertEqual(self.server.request(method, path, "{}", ANN)[0], 403, path)
        for text in ("SHOW FUNCTIONS;", "DESCRIBE FUNCTION ABS;", "SHOW TYPES;", "SHOW PROPERTIES;", "SET 'auto.offset.reset'='earliest';", "SHOW VARIABLES;"):
            self.ok(text, ANN)

    def test_a_request_is_refused_as_a_whole(self):
        self.ok("GRANT INSERT ON S TO writer;")
        self.denied("INSERT INTO S VALUES ('a', 1); DROP STREAM SECRET;", WRITER)
        self.ok("GRANT SELECT ON S TO writer;")
        self.assertEqual(len(self.query("SELECT * FROM S;", WRITER)[1].splitlines()), 1)

    def test_show_grants_and_revoke(self):
        self.ok("GRANT SELECT, INSERT ON S TO reader; GRANT ALL ON ALL TO USER 'ann'; GRANT SELECT ON `s-x` TO Writer;")
        grants = self.ok("SHOW GRANTS;")[0]
        self.assertEqual(grants["@type"], "grants")
        self.assertEqual([(g["granteeType"], g["grantee"], g["on"], g["source"], len(g["privileges"])) for g in grants["grants"]],
                         [("ROLE", "reader", "S", "S", 2), ("ROLE", "Writer", "`s-x`", "s-x", 1), ("USER", "ann", "ALL", None, 7)])
        self.assertEqual([g["grantee"] for g in self.ok("SHOW GRANTS;", READER)[0]["grants"]], ["reader"])
        self.assertEqual([g["grantee"] for g in self.ok("SHOW GRANTS;", WRITER)[0]["grants"]], ["reader", "Writer"])
        self.assertEqual([g["grantee"] for g in self.ok("SHOW GRANTS;", ANN)[0]["grants"]], ["ann"])
        self.assertEqual(self.query("SELECT * FROM SECRET;", ANN)[0], 200)
        self.assertEqual(self.ok("REVOKE SELECT ON S FROM USER ann;")[0]["@type"], "warning_entity")  # it has ALL, not S
        self.ok("REVOKE ALL ON ALL FROM USER ANN; REVOKE INSERT ON S FROM READER;")
        self.assertEqual(self.query("SELECT * FROM SECRET;", ANN)[0], 403)
        self.assertEqual(self.query("SELECT * FROM S;", READER)[0], 200)
        self.denied("INSERT INTO S VALUES ('a', 1);", READER)

    def test_grants_outlive_a_restart_and_a_drop(self):
        self.ok("GRANT SELECT ON T TO reader; GRANT INSERT ON S TO reader; REVOKE INSERT ON S FROM reader;")
        self.server.stop()
        self.start()
        self.assertEqual([(g["on"], g["privileges"]) for g in self.ok("SHOW GRANTS;", READER)[0]["grants"]], [("T", ["SELECT"])])
        self.assertEqual(self.query("SELECT * FROM T;", READER)[0], 200)
        self.denied("INSERT INTO S VALUES ('a', 1);", READER)
        self.ok("DROP TABLE T DELETE TOPIC; CREATE TABLE T AS SELECT K, SUM(V) AS N FROM S GROUP BY K;")
        wait_until(lambda: self.query("SELECT * FROM T;", READER)[0] == 200)

    def test_a_token_names_no_hidden_topic(self):
        """T is granted, the stream that it is made of is not."""
        self.ok("INSERT INTO S VALUES ('a', 1); GRANT SELECT ON T TO USER ann;")

        def token(who, brought=None):
            request = {"ksql": "SELECT * FROM T;", "streamsProperties": {"ksql.query.pull.consistency.token.enabled": "true"}}
            if brought is not None:
                request["requestProperties"] = {"request.ksql.query.pull.consistency.token": brought}
            status, body, response = self.server.post("/query", request, who)
            self.assertEqual(status, 200, body)
            return body.decode() if isinstance(body, bytes) else body, response.headers.get("Sluice-Consistency-Token")
        wait_until(lambda: token(ADMIN)[1] == "sluice1;s:0=1")
        body, header = token(ANN)
        self.assertIsNone(header)
        self.assertNotIn("s:0", body)
        body, header = token(ANN, "sluice1;s:0=0")
        self.assertEqual(header, "sluice1;s:0=0")
        self.assertNotIn("s:0=1", body)
        self.ok("GRANT SELECT ON S TO USER ann;")
        self.assertEqual(token(ANN)[1], "sluice1;s:0=1")

    def test_push_queries_are_their_owners(self):
        self.ok("GRANT SELECT ON S TO reader;")
        stream = Stream(self.server.port, "/query-stream", {"sql": "SELECT * FROM S EMIT CHANGES;"}, READER)
        query = json.loads(stream.line())["queryId"]
        self.assertEqual([q for q in self.ok("SHOW QUERIES;", WRITER)[0]["queries"] if q["id"] == query], [])
        self.assertEqual(self.server.post("/close-query", {"queryId": query}, WRITER)[0], 400)
        self.assertEqual(self.ksql(f"TERMINATE `{query}`;", WRITER)[0], 400)
        self.assertIn(query, [q["id"] for q in self.ok("SHOW QUERIES;", READER)[0]["queries"]])
        self.assertIn(query, [q["id"] for q in self.ok("SHOW QUERIES;")[0]["queries"]])
        self.assertEqual(self.server.post("/close-query", {"queryId": query}, READER)[0], 200)
        stream.close()

    def test_a_hint_names_nothing(self):
        self.ok("GRANT SELECT ON SECRE TO reader; GRANT DESCRIBE ON SECRE TO reader; GRANT SELECT ON secret_ TO reader;")
        self.assertNotIn("SECRET?", self.query("SELECT * FROM SECRE;", READER)[1])
        self.assertNotIn("SECRET?", self.ksql("DESCRIBE SECRE;", READER)[1]["message"])
        self.assertIn("SECRET?", self.ksql("DESCRIBE SECRE;", ADMIN)[1]["message"])

    def test_the_shell_shows_them(self):
        self.ok("GRANT SELECT, INSERT ON S TO reader;")
        done = subprocess.run([BINARY, "sql", "-X", "-u", "boss", "-p", "secret", "-e", "SHOW GRANTS;", f"http://127.0.0.1:{self.server.port}"],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertRegex(done.stdout, r"ROLE\s+reader\s+S\s+SELECT, ?INSERT")


class Off(unittest.TestCase):
    def test_grant_is_refused_where_nobody_looks(self):
        with Server(BINARY) as server:
            status, answer = server.ksql("GRANT SELECT ON S TO reader;")
            self.assertEqual((status, answer["error_code"]), (400, 40001))
            self.assertIn("sluice.authorization.method=GRANTS", answer["message"])
            self.assertEqual(server.ok("SHOW GRANTS;")[0]["grants"], [])

    def test_it_needs_to_know_who_asks(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([BINARY, "server", f"--property=state.dir={directory}/data", "--property=sluice.authorization.method=GRANTS"],
                                  capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("needs to know who asks", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
