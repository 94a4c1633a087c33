#!/usr/bin/env python3
"""A server and its schema registry, which the test plays: Confluent's HTTP interface, with authentication under a path, that can go away.

usage: registry_test.py PATH-TO-SLUICE [test...]
"""
import base64
import http.server
import json
import os
import socket
import sys
import threading
import time
import unittest
from urllib.parse import unquote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
PATIENCE = 30
USER = "reader:se cret"


class Registry:
    """Subjects and ids in memory. `away`: answers 503. `asked`: the requests that came."""

    def __init__(self):
        self.schemas, self.subjects, self.asked, self.away = [], {}, [], False
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                registry.asked.append((self.command, self.path))
                if self.headers.get("Authorization") != "Basic " + base64.b64encode(USER.encode()).decode():
                    self.reply(401, {"error_code": 401, "message": "who are you?"})
                elif registry.away:
                    self.reply(503, {"error_code": 50301, "message": "away"})
                else:
                    self.reply(*registry.answer(self.command, [unquote(p) for p in self.path.split("?")[0].split("/")[1:]], json.loads(body) if body else None))

            do_GET = do_POST = do_DELETE = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/contexts/.here"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def put(self, subject, schema):
        document = {"schema": schema["schema"], "schemaType": schema.get("schemaType", "AVRO"), "references": schema.get("references", [])}
        if document not in self.schemas:
            self.schemas.append(document)
        number = self.schemas.index(document) + 1
        versions = self.subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        return number

    def answer(self, method, path, body):
        if path[:2] != ["contexts", ".here"]:
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        path = path[2:]
        if method == "GET" and path[:2] == ["schemas", "ids"] and path[3:] == ["versions"]:
            number = int(path[2])
            places = [{"subject": s, "version": v.index(number) + 1} for s, v in self.subjects.items() if number in v]
            return (200, places) if places else (404, {"error_code": 40403, "message": "Schema not found"})
        if method == "DELETE" and path[1] in self.subjects:
            return 200, list(range(1, len(self.subjects.pop(path[1])) + 1))
        if method == "GET" and path[:2] == ["schemas", "ids"]:
            number = int(path[2])
            return (200, self.schemas[number - 1]) if 0 < number <= len(self.schemas) else (404, {"error_code": 40403, "message": "Schema not found"})
        if method == "GET" and path[0] == "subjects" and path[1] in self.subjects:
            versions = self.subjects[path[1]]
            version = len(versions) if path[3] == "latest" else int(path[3])
            return 200, {"subject": path[1], "version": version, "id": versions[version - 1], **self.schemas[versions[version - 1] - 1]}
        if method == "POST" and path[0] == "subjects" and "refused" in path[1]:
            return 409, {"error_code": 409, "message": "Schema being registered is incompatible with an earlier schema"}
        if method == "POST" and path[0] == "subjects":
            return 200, {"id": self.put(path[1], body)}
        if method == "POST" and path[0] == "compatibility" and ("refused" in path[2]):
            return 200, {"is_compatible": False, "messages": ["a field is gone"]}
        return 404, {"error_code": 40401, "message": "Subject not found"}


class AgainstRegistry(unittest.TestCase):
    def setUp(self):
        self.registry = Registry()
        self.addCleanup(self.registry.close)
        self.server = Server(BINARY, {
            # Nobody listens at the first address: the second is asked, and from then on asked first.
            "ksql.schema.registry.url": "http://127.0.0.1:9," + self.registry.url + "/",
            "ksql.schema.registry.basic.auth.credentials.source": "USER_INFO",
            "ksql.schema.registry.basic.auth.user.info": USER,
            "ksql.query.retry.backoff.initial.ms": "100",
        })
        self.addCleanup(self.server.close)
        self.server.start()

    def rows(self, text, count):
        status, body, _ = self.server.post("/query", {"ksql": f"{text} EMIT CHANGES LIMIT {count};", "streamsProperties": {"auto.offset.reset": "earliest"}})
        self.assertEqual(status, 200, body)
        return [e["row"]["columns"] for e in json.loads(body) if "row" in e]

    def test_written_and_read_by_all_formats(self):
        for name in ("AVRO", "PROTOBUF", "JSON_SR"):
            self.server.ok(f"CREATE STREAM {name} (K STRING KEY, V INT, T STRING) WITH (kafka_topic='{name}', value_format='{name}', partitions=1);")
            self.assertIn(f"{name}-value", self.registry.subjects)
            self.server.ok(f"INSERT INTO {name} VALUES ('a', 1, 'x'); INSERT INTO {name} VALUES ('b', 2, NULL);")
            self.assertEqual([r[:2] for r in self.rows(f"SELECT * FROM {name}", 2)], [["a", 1], ["b", 2]])

    def test_columns_of_a_topic_come_from_it(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);")
        self.server.ok("CREATE STREAM B (K STRING KEY) WITH (kafka_topic='a', value_format='AVRO');")
        described = self.server.ok("DESCRIBE B;")[0]["sourceDescription"]["fields"]
        self.assertEqual([f["name"] for f in described], ["K", "V"])

    def test_what_it_refuses_is_refused(self):
        status, answer = self.server.ksql("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='refused', value_format='AVRO', partitions=1);")
        self.assertEqual(status, 400, answer)
        self.assertIn("incompatible", answer["message"])
        self.assertEqual(self.server.ok("SHOW STREAMS;")[0]["streams"], [])

    def test_a_registry_that_was_set_up_anew(self):
        """Where people try things it happens that ids begin again: what is kept of them must not outlive them."""
        fields = [{"name": "V", "type": "int"}], [{"name": "W", "type": "string"}, {"name": "V", "type": "long"}]
        for number, schema in enumerate(json.dumps({"type": "record", "name": "r", "fields": f}) for f in fields):
            self.registry.schemas, self.registry.subjects = [], {}
            self.registry.put("x", {"schema": schema})
            self.server.ok(f"CREATE STREAM X{number} (K STRING KEY) WITH (kafka_topic='x{number}', value_format='AVRO', value_schema_id=1, partitions=1);")
            self.assertEqual([f["name"] for f in self.server.ok(f"DESCRIBE X{number};")[0]["sourceDescription"]["fields"]], [["K", "V"], ["K", "W", "V"]][number])
        for number, (columns, value, row) in enumerate((("A INT", "1", 1), ("A STRING, B INT", "'x'", "x"))):
            self.registry.schemas, self.registry.subjects = [], {}
            self.server.ok(f"CREATE STREAM Y{number} (K STRING KEY, {columns}) WITH (kafka_topic='y{number}', value_format='AVRO', partitions=1);")
            self.server.ok(f"INSERT INTO Y{number} (K, A) VALUES ('a', {value});")
            self.assertEqual(self.rows(f"SELECT K, A FROM Y{number}", 1), [["a", row]])

    def test_assert_schema(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);")
        self.server.ok("ASSERT SCHEMA SUBJECT 'a-value' ID 1; ASSERT SCHEMA SUBJECT 'a-value'; ASSERT SCHEMA ID 1; ASSERT NOT EXISTS SCHEMA SUBJECT 'b' ID 1;")
        status, answer = self.server.ksql("ASSERT SCHEMA SUBJECT 'b' ID 1 TIMEOUT 10 MILLISECONDS;")
        self.assertEqual((status, answer["error_code"], answer["message"]), (417, 41700, "Schema with subject name b id 1 does not exist"))
        threading.Timer(0.5, lambda: self.registry.put("later", {"schema": '"int"'})).start()
        self.server.ok("ASSERT SCHEMA SUBJECT 'later' TIMEOUT 20 SECONDS;")
        self.registry.away = True
        status, answer = self.server.ksql("ASSERT SCHEMA ID 1 TIMEOUT 10 MILLISECONDS;")  # nobody can tell
        self.assertEqual(status, 503, answer)

    def test_delete_topic_takes_the_subjects_with_it(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);")
        self.server.ok("DROP STREAM A DELETE TOPIC;")
        self.assertEqual(self.registry.subjects, {})
        self.assertNotIn(("DELETE", "/contexts/.here/subjects/a-key"), self.registry.asked)  # a KAFKA key has none

    def test_a_query_waits_while_it_is_away(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);"
                       "CREATE STREAM J (K STRING KEY, V INT) WITH (kafka_topic='j', value_format='JSON', partitions=1);"
                       "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM J GROUP BY K;"
                       "INSERT INTO A VALUES ('a', 1);")
        self.assertEqual(self.server.stop(), 0)  # what it has learned is forgotten
        self.registry.away = True
        self.server.start()
        # A query that writes AVRO cannot be checked now: it is refused and nothing is made.
        status, answer = self.server.ksql("CREATE STREAM X AS SELECT * FROM A;")
        self.assertEqual(status, 503, answer)
        self.assertIn("answers with status 503", answer["message"])
        self.server.ok("CREATE STREAM C WITH (value_format='JSON') AS SELECT * FROM A;")
        self.server.ok("INSERT INTO J VALUES ('a', 1);")
        wait_until(lambda: self.server.pull("SELECT K, N FROM T;") == [["a", 1]], PATIENCE, "a query that needs no registry")
        asked = len(self.registry.asked)
        self.assertLess(asked, 100)
        self.registry.away = False
        self.assertEqual(self.rows("SELECT * FROM C", 1), [["a", 1]])
        self.assertLess(len(self.server.log()), 16384, self.server.log())

    def test_bad_records_are_skipped_and_no_flood(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);")
        self.server.ok("CREATE STREAM C WITH (value_format='JSON') AS SELECT * FROM A;")
        bad = [{"key": "k", "value": "\0\0\0\3\7abc"} for _ in range(200)]  # schema 775, which nobody has
        self.assertEqual(self.server.post("/sluice/records", {"topic": "a", "partitions": 1, "records": bad})[0], 200)
        self.server.ok("INSERT INTO A VALUES ('a', 1);")
        self.assertEqual(self.rows("SELECT * FROM C", 1), [["a", 1]])
        self.assertLess(sum("/ids/775" in path for _, path in self.registry.asked), 5, self.registry.asked[-20:])


class Silent:
    """A server that takes connections and never says a word."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def close(self):
        self.socket.close()


class AgainstSilence(unittest.TestCase):
    """A registry, or a Kafka Connect, that takes requests and says nothing: who needs it waits, and nobody else notices."""

    def setUp(self):
        self.silent, self.registry = Silent(), Registry()
        self.addCleanup(self.registry.close)
        self.addCleanup(self.silent.close)
        self.server = Server(BINARY, {
            "ksql.schema.registry.url": self.registry.url.replace("http://", f"http://{USER.replace(' ', '%20')}@"),
            "ksql.connect.url": self.silent.url,
            "num.stream.threads": "1",  # what one task waits for, the others of its worker must not
        })
        self.addCleanup(self.server.close)
        self.server.start()
        self.server.ok("CREATE STREAM J (K STRING KEY, V INT) WITH (kafka_topic='j', value_format='JSON', partitions=1);"
                       "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM J GROUP BY K;")
        self.answers, self.threads, self.rounds, self.began = {}, [], 0, 0

    def fall_silent(self):
        """From now on the registry is the server that says nothing; what was learned of the other is forgotten."""
        self.assertEqual(self.server.stop(), 0)
        self.server.properties["ksql.schema.registry.url"] = self.silent.url
        self.server.start()

    def begin(self, *texts):
        """Has them under way, each in a thread of its own."""
        self.began = time.monotonic()
        for text in texts:
            thread = threading.Thread(target=lambda text=text: self.answers.update({text: self.server.ksql(text, timeout=60)}), daemon=True)
            thread.start()
            self.threads.append(thread)
        time.sleep(0.5)

    def assert_others_go_on(self):
        """Statements that change what exists, inserts, pull queries and the queries that run."""
        key = f"k{self.rounds}"
        for what in (lambda: self.server.ok("CREATE STREAM O AS SELECT * FROM J; DROP STREAM O;"),
                     lambda: self.server.ok(f"SHOW STREAMS; INSERT INTO J VALUES ('{key}', 1);"),
                     lambda: wait_until(lambda: self.server.pull(f"SELECT N FROM T WHERE K = '{key}';") == [[1]])):
            began = time.monotonic()
            what()
            self.assertLess(time.monotonic() - began, 3.5)
        self.rounds += 1
        if time.monotonic() - self.began < 4:
            self.assertEqual(self.answers, {}, "they were answered too early for this test")

    def end(self):
        for thread in self.threads:
            thread.join(30)
            self.assertFalse(thread.is_alive())
        return list(self.answers.values())

    def test_registry(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);"
                       "CREATE STREAM D (K STRING KEY, V INT) WITH (kafka_topic='d', value_format='AVRO', partitions=1);"
                       "CREATE STREAM C WITH (value_format='JSON') AS SELECT * FROM A;")
        self.fall_silent()
        self.begin("CREATE STREAM X (K STRING KEY, V INT) WITH (kafka_topic='x', value_format='AVRO', partitions=1);",
                   "CREATE STREAM Y (K STRING KEY) WITH (kafka_topic='a', value_format='AVRO');",
                   "CREATE STREAM Z WITH (value_format='PROTOBUF') AS SELECT * FROM J;",
                   "ASSERT SCHEMA ID 1 TIMEOUT 3 SECONDS; CREATE STREAM V AS SELECT * FROM J;",
                   "INSERT INTO A VALUES ('b', 2);",
                   "SET 'auto.offset.reset' = 'earliest'; DROP STREAM D DELETE TOPIC;")
        record = {"key": "a", "value": "\0\0\0\0\1\2\4"}  # the query waits for its schema, too
        self.assertEqual(self.server.post("/sluice/records", {"topic": "a", "partitions": 1, "records": [record]})[0], 200)
        # Each of these waits in a handler's thread, of which there are eight.
        prints = [threading.Thread(target=self.server.post, args=("/query", {"ksql": "PRINT 'a' FROM BEGINNING LIMIT 1;"}), kwargs={"timeout": 60}, daemon=True)
                  for _ in range(10)]
        inserts = [threading.Thread(target=self.server.request, args=("POST", "/inserts-stream", '{"target":"A"}\n{"K":"x","V":1}\n'), kwargs={"timeout": 60}, daemon=True)
                   for _ in range(10)]
        for thread in prints + inserts:
            thread.start()
        while time.monotonic() - self.began < 7:
            self.assert_others_go_on()
            time.sleep(0.5)
        self.end()
        dropped = [text for text, (status, _) in self.answers.items() if status == 200]
        self.assertEqual(len(dropped), 1, self.answers)
        self.assertIn("DROP", dropped[0])
        for status, answer in self.answers.values():
            self.assertTrue(status == 200 or (status == 503 and "does not answer" in answer["message"]), answer)
        self.assertIn("the subject d-value stays in the schema registry", self.server.log())
        self.assertIn("query CSAS_C_", self.server.log())
        self.assertIn("waits: ", self.server.log())
        self.assertEqual([s["name"] for s in self.server.ok("SHOW STREAMS;")[0]["streams"]], ["A", "C", "J"])
        began = time.monotonic()  # it is remembered: the next one is refused at once
        self.assertEqual(self.server.ksql("INSERT INTO A VALUES ('b', 2);")[0], 503)
        self.assertEqual(self.server.ksql("CREATE STREAM X (K STRING KEY, V INT) WITH (kafka_topic='x', value_format='AVRO', partitions=1);")[0], 503)
        self.assertLess(time.monotonic() - began, 1)
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)

    def test_connect(self):
        self.begin("CREATE SOURCE CONNECTOR c WITH ('connector.class'='X'); CREATE STREAM L AS SELECT * FROM J;",
                   "SHOW CONNECTORS; CREATE STREAM M AS SELECT * FROM J;",
                   "DROP CONNECTOR c; CREATE STREAM N AS SELECT * FROM J;")
        self.assert_others_go_on()
        self.end()
        for status, answer in self.answers.values():
            self.assertEqual(status, 503, answer)


class Settings(unittest.TestCase):
    def test_an_address_that_is_none(self):
        server = Server(BINARY, {"ksql.schema.registry.url": "nowhere"})
        self.addCleanup(server.close)
        self.assertRaises(AssertionError, server.start)
        self.assertIn("Invalid value for configuration ksql.schema.registry.url: 'nowhere' is no http", server.log())


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
