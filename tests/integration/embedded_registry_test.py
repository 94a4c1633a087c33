#!/usr/bin/env python3
"""The schema registry that a server on the embedded log keeps itself: Confluent's HTTP interface on the server's own listener, the engine and strangers'
serializers side by side, and what is left of it after a restart.

usage: embedded_registry_test.py PATH-TO-SLUICE [test...]

With the Python package confluent-kafka its serializers are tried, too (CMake's SLUICE_REST_PYTHON). With a broker in SLUICE_TEST_BOOTSTRAP the registry of
several nodes on one Kafka is.
"""
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import unittest
import uuid
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"

try:
    from confluent_kafka import schema_registry
    from confluent_kafka.schema_registry import avro, json_schema
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError:
    schema_registry = None


def record(*fields, name="r"):
    return json.dumps({"type": "record", "name": name, "fields": list(fields)})


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


A = field("a", "int")
B = field("b", "int")
B_DEFAULT = field("b", "int", default=0)


class Embedded(unittest.TestCase):
    properties = {}

    def setUp(self):
        self.server = self.new_server(self.properties)

    def new_server(self, properties):
        server = Server(BINARY, properties)
        self.addCleanup(server.close)
        return server.start()

    def ask(self, method, path, document=None):
        body = None if document is None else json.dumps(document)
        status, text, response = self.server.request(method, path, body, {"Content-Type": MEDIA_TYPE})
        self.assertEqual(response.getheader("Content-Type"), MEDIA_TYPE, (path, text))
        return status, json.loads(text)

    def good(self, method, path, document=None):
        status, answer = self.ask(method, path, document)
        self.assertEqual(status, 200, (method, path, answer))
        return answer

    def bad(self, code, method, path, document=None):
        status, answer = self.ask(method, path, document)
        self.assertEqual(answer.get("error_code"), code, (method, path, answer))
        self.assertEqual(status, code // 100 if code >= 1000 else code)
        return answer["message"]

    def put(self, subject, schema, **more):
        return self.good("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema, **more})["id"]

    def rows(self, text, count):
        status, body, _ = self.server.post("/query", {"ksql": f"{text} EMIT CHANGES LIMIT {count};", "streamsProperties": {"auto.offset.reset": "earliest"}})
        self.assertEqual(status, 200, body)
        return [e["row"]["columns"] for e in json.loads(body) if "row" in e]

    def restart(self, how=signal.SIGTERM):
        self.server.stop(how)
        self.server.start()


class Interface(Embedded):
    def test_subjects_versions_and_ids(self):
        self.assertEqual(self.good("GET", "/subjects"), [])
        self.assertEqual(self.put("t-value", '{"type": "int"}'), 1)
        self.assertEqual(self.put("t-value", '"int"'), 1)  # the same schema
        self.assertEqual(self.put("u-value", ' "int"'), 1)  # in another subject, too
        self.assertEqual(self.put("t-value", '"long"'), 2)
        self.assertEqual(self.good("GET", "/subjects"), ["t-value", "u-value"])
        self.assertEqual(self.good("GET", "/subjects?subjectPrefix=u"), ["u-value"])
        self.assertEqual(self.good("GET", "/subjects/t-value/versions"), [1, 2])
        self.assertEqual(self.good("GET", "/subjects/t-value/versions/latest"), {"subject": "t-value", "version": 2, "id": 2, "schema": '"long"'})
        self.assertEqual(self.good("GET", "/subjects/t-value/versions/-1")["version"], 2)
        self.assertEqual(self.good("GET", "/subjects/t-value/versions/1/schema"), "int")
        self.assertEqual(self.good("GET", "/schemas/ids/1"), {"schema": '"int"'})
        self.assertEqual(self.good("GET", "/schemas/ids/1?fetchMaxId=true"), {"schema": '"int"', "maxId": 2})
        self.assertEqual(self.good("GET", "/schemas/ids/2/schema"), "long")
        self.assertEqual(self.good("GET", "/schemas/ids/1/subjects"), ["t-value", "u-value"])
        self.assertEqual(self.good("GET", "/schemas/ids/1/versions"), [{"subject": "t-value", "version": 1}, {"subject": "u-value", "version": 1}])
        self.assertEqual(sorted(self.good("GET", "/schemas/types")), ["AVRO", "JSON", "PROTOBUF"])
        self.assertEqual([s["version"] for s in self.good("GET", "/schemas?latestOnly=true")], [2, 1])
        self.assertEqual(self.good("POST", "/subjects/t-value", {"schema": '{"type":"int"}'}), {"subject": "t-value", "version": 1, "id": 1, "schema": '"int"'})

    def test_what_is_not_there(self):
        self.put("t", '"int"')
        self.assertEqual(self.bad(40401, "GET", "/subjects/x/versions"), "Subject 'x' not found.")
        self.assertEqual(self.bad(40401, "GET", "/subjects/x/versions/1"), "Subject 'x' not found.")
        self.assertEqual(self.bad(40401, "GET", "/subjects/x/versions/latest"), "Subject 'x' not found.")
        self.assertEqual(self.bad(40402, "GET", "/subjects/t/versions/2"), "Version 2 not found.")
        self.assertEqual(self.bad(40403, "GET", "/schemas/ids/99"), "Schema 99 not found")
        self.bad(40403, "GET", "/schemas/ids/99/versions")
        self.bad(40401, "POST", "/subjects/x", {"schema": '"int"'})
        self.assertEqual(self.bad(40403, "POST", "/subjects/t", {"schema": '"long"'}), "Schema not found")
        self.bad(40401, "DELETE", "/subjects/x")
        self.bad(40401, "DELETE", "/subjects/x/versions/1")
        self.bad(40402, "DELETE", "/subjects/t/versions/7")
        self.bad(40408, "GET", "/config/t")
        self.bad(40409, "GET", "/mode/t")
        self.bad(404, "GET", "/subjects/t/nothing")
        self.bad(404, "GET", "/schemas/ids/x")
        self.bad(405, "PUT", "/subjects/t")
        for version in ("0", "-2", "x", "2147483648", "1.5"):
            self.assertIn("is not a valid version id", self.bad(42202, "GET", "/subjects/t/versions/" + version))

    def test_what_is_no_schema(self):
        path = "/subjects/t/versions"
        self.assertEqual(self.bad(42201, "POST", path, {"schema": ""}), "Empty schema")
        self.bad(42201, "POST", path, {})
        self.bad(42201, "POST", path, {"schema": 5})
        self.assertIn("Undefined name: \"no\"", self.bad(42201, "POST", path, {"schema": '"no"'}))
        self.assertIn("Invalid schema type XML", self.bad(42201, "POST", path, {"schema": '"int"', "schemaType": "XML"}))
        self.assertIn("line 1, column 20", self.bad(42201, "POST", path, {"schema": 'syntax = "proto3"; m', "schemaType": "PROTOBUF"}))
        self.bad(42201, "POST", path, {"schema": "[1]", "schemaType": "JSON"})
        self.assertIn("unknown type: txt", self.bad(42201, "POST", path, {"schema": '{"type":"txt"}', "schemaType": "JSON"}))
        status, text, _ = self.server.request("POST", path, "{")
        self.assertEqual((status, json.loads(text)["error_code"]), (400, 400))
        self.assertEqual(self.good("GET", "/subjects"), [])

    def test_schemas_that_are_too_much(self):
        path = "/subjects/t/versions"
        self.assertIn("1000000 are the most", self.bad(42201, "POST", path, {"schema": record(*[field(f"f{i}", "int") for i in range(300000)])}))
        deep = '{"type":"array","items":' * 10000 + '"int"' + "}" * 10000
        self.bad(42201, "POST", path, {"schema": deep})
        self.bad(42201, "POST", path, {"schema": '{"type":"array","items":' * 1000 + '"int"' + "}" * 1000})
        self.bad(42201, "POST", path, {"schema": '{"items":' * 10000 + "{}" + "}" * 10000, "schemaType": "JSON"})
        self.bad(42201, "POST", path, {"schema": 'syntax="proto3"; ' + "message M {" * 10000 + "}" * 10000, "schemaType": "PROTOBUF"})
        self.assertEqual(self.server.get("/info")[0], 200)

    def test_references(self):
        self.put("inner", record(A, name="inner"))
        outer = record(field("i", "inner"), name="outer")
        self.assertIn("Undefined name", self.bad(42201, "POST", "/subjects/outer/versions", {"schema": outer}))
        missing = [{"name": "inner", "subject": "inner", "version": 9}]
        self.assertIn('No schema reference found for subject "inner" and version 9', self.bad(42201, "POST", "/subjects/outer/versions", {"schema": outer, "references": missing}))
        references = [{"name": "inner", "subject": "inner", "version": 1}]
        number = self.put("outer", outer, references=references)
        self.assertEqual(self.good("GET", f"/schemas/ids/{number}")["references"], references)
        self.assertEqual(self.good("GET", "/subjects/inner/versions/1/referencedby"), [number])
        self.assertIn("One or more references exist", self.bad(42206, "DELETE", "/subjects/inner"))
        self.bad(42206, "DELETE", "/subjects/inner/versions/1")
        # Nothing refers to a version that is not there yet, so no cycle can be registered: this would be one.
        self.bad(42201, "POST", "/subjects/inner/versions", {"schema": record(A, field("o", "outer"), name="inner"), "references": [{"name": "outer", "subject": "outer", "version": 2}]})
        proto = 'syntax = "proto3"; import "in.proto"; message Out { In i = 1; }'
        self.put("in.proto", 'syntax = "proto3"; message In { int32 a = 1; }', schemaType="PROTOBUF")
        self.put("out", proto, schemaType="PROTOBUF", references=[{"name": "in.proto", "subject": "in.proto", "version": 1}])
        self.good("DELETE", "/subjects/outer")
        self.good("DELETE", "/subjects/inner")

    def test_deleting(self):
        self.put("t", '"int"')
        self.put("t", '"long"')
        self.assertIn("not deleted first", self.bad(40407, "DELETE", "/subjects/t/versions/1?permanent=true"))
        self.assertEqual(self.good("DELETE", "/subjects/t/versions/1"), 1)
        self.assertIn("was soft deleted", self.bad(40406, "DELETE", "/subjects/t/versions/1"))
        self.assertEqual(self.good("GET", "/subjects/t/versions"), [2])
        self.assertEqual(self.good("GET", "/subjects/t/versions?deleted=true"), [1, 2])
        self.bad(40402, "GET", "/subjects/t/versions/1")
        self.assertEqual(self.good("GET", "/subjects/t/versions/1?deleted=true")["id"], 1)
        self.assertEqual(self.good("GET", "/schemas/ids/1"), {"schema": '"int"'})  # records still name it
        self.assertEqual(self.good("DELETE", "/subjects/t/versions/1?permanent=true"), 1)
        self.bad(40403, "GET", "/schemas/ids/1")
        self.assertIn("not deleted first", self.bad(40405, "DELETE", "/subjects/t?permanent=true"))
        self.assertEqual(self.good("DELETE", "/subjects/t"), [2])
        self.bad(40404, "DELETE", "/subjects/t")
        self.assertEqual(self.good("GET", "/subjects"), [])
        self.assertEqual(self.good("GET", "/subjects?deleted=true"), ["t"])
        self.assertEqual(self.put("t", '"long"'), 2)  # comes back as another version
        self.assertEqual(self.good("GET", "/subjects/t/versions"), [3])
        self.good("DELETE", "/subjects/t")
        self.assertEqual(self.good("DELETE", "/subjects/t?permanent=true"), [2, 3])
        self.bad(40401, "DELETE", "/subjects/t")
        self.restart()
        self.assertEqual(self.put("t", '"string"'), 3)  # an id is never given twice
        self.assertEqual(self.good("GET", "/subjects/t/versions"), [1])

    def test_levels(self):
        self.assertEqual(self.good("GET", "/config"), {"compatibilityLevel": "BACKWARD"})
        self.put("t", record(A))
        wider, lost = record(A, B), record(B_DEFAULT)
        message = self.bad(409, "POST", "/subjects/t/versions", {"schema": wider})
        self.assertIn('incompatible with an earlier schema for subject "t"', message)
        self.assertIn("compatibility: 'BACKWARD'", message)
        check = "/compatibility/subjects/t/versions/latest"
        self.assertEqual(self.good("POST", check, {"schema": wider}), {"is_compatible": False})
        self.assertIn("a new field without a default (at b)", self.good("POST", check + "?verbose=true", {"schema": wider})["messages"][0])
        self.assertEqual(self.good("POST", check + "?verbose=true", {"schema": record(A, B_DEFAULT)}), {"is_compatible": True, "messages": []})
        self.assertEqual(self.good("POST", "/compatibility/subjects/new/versions/latest", {"schema": wider}), {"is_compatible": True})
        self.bad(40402, "POST", "/compatibility/subjects/t/versions/9", {"schema": wider})
        self.bad(42201, "POST", check, {"schema": "{"})
        self.assertEqual(self.good("PUT", "/config/t", {"compatibility": "forward"}), {"compatibility": "FORWARD"})
        self.assertEqual(self.good("POST", check, {"schema": wider}), {"is_compatible": True})
        self.assertEqual(self.good("POST", check, {"schema": lost}), {"is_compatible": False})
        self.good("PUT", "/config/t", {"compatibility": "FULL"})
        self.assertEqual(self.good("POST", check, {"schema": wider}), {"is_compatible": False})
        self.assertIn("Invalid compatibility level", self.bad(42203, "PUT", "/config/t", {"compatibility": "SIDEWAYS"}))
        self.bad(42203, "PUT", "/config", {})
        self.assertIn('"alias" is not built', self.bad(42299, "PUT", "/config", {"compatibility": "FULL", "alias": "x"}))
        self.good("PUT", "/config", {"compatibility": "NONE"})
        self.assertEqual(self.good("GET", "/config/t"), {"compatibilityLevel": "FULL"})
        self.assertEqual(self.good("GET", "/config/u?defaultToGlobal=true"), {"compatibilityLevel": "NONE"})
        self.assertEqual(self.good("DELETE", "/config/t"), {"compatibilityLevel": "FULL"})
        self.assertEqual(self.put("t", wider), 2)

    def test_transitive_levels_look_at_all_versions(self):
        self.good("PUT", "/config", {"compatibility": "NONE"})
        self.put("t", record(A))
        self.put("t", record(A, B))
        after = {"schema": record(A, B, name="r")[:-2] + ',{"name":"c","type":"int","default":0}]}'}
        self.good("PUT", "/config", {"compatibility": "BACKWARD"})
        self.assertTrue(self.good("POST", "/compatibility/subjects/t/versions", after)["is_compatible"])
        self.good("PUT", "/config", {"compatibility": "BACKWARD_TRANSITIVE"})
        answer = self.good("POST", "/compatibility/subjects/t/versions?verbose=true", after)
        self.assertFalse(answer["is_compatible"])
        self.assertIn("{oldSchemaVersion: 1}", answer["messages"])
        self.assertFalse(self.good("POST", "/compatibility/subjects/t/versions/1", after)["is_compatible"])
        self.assertTrue(self.good("POST", "/compatibility/subjects/t/versions/2", after)["is_compatible"])

    def test_modes(self):
        self.assertEqual(self.good("GET", "/mode"), {"mode": "READWRITE"})
        self.put("t", '"int"')
        self.assertEqual(self.good("PUT", "/mode/t", {"mode": "READONLY"}), {"mode": "READONLY"})
        self.assertIn("read-only", self.bad(42205, "POST", "/subjects/t/versions", {"schema": '"long"'}))
        self.bad(42205, "DELETE", "/subjects/t")
        self.put("u", '"int"')
        self.assertEqual(self.good("DELETE", "/mode/t"), {"mode": "READONLY"})
        self.put("t", '"long"')
        self.bad(42204, "PUT", "/mode", {"mode": "IMPORT"})

    def test_names_and_what_is_not_built(self):
        odd = "a/b c%d-\u00e4"
        self.put(odd, '"int"')
        self.assertEqual(self.good("GET", "/subjects"), [odd])
        self.assertEqual(self.good("GET", f"/subjects/{quote(odd, safe='')}/versions/1")["subject"], odd)
        for name in (":.ctx:t", "__GLOBAL", "a\nb"):
            self.bad(42208, "POST", f"/subjects/{quote(name, safe='')}/versions", {"schema": '"int"'})
        self.bad(42299, "POST", "/subjects/t/versions?normalize=true", {"schema": '"int"'})
        self.bad(42299, "POST", "/subjects/t/versions", {"schema": '"int"', "metadata": {"owner": "x"}})
        self.bad(42205, "POST", "/subjects/t/versions", {"schema": '"int"', "id": 7})
        self.assertEqual(self.good("GET", "/contexts"), ["."])

    def test_protobuf_as_a_descriptor(self):
        text = 'syntax = "proto3"; package p; message M { int32 a = 1; repeated string b = 2; map<string, int64> c = 3; optional bool d = 4; }'
        number = self.put("t", text, schemaType="PROTOBUF")
        answer = self.good("GET", f"/schemas/ids/{number}?format=serialized")
        self.assertIn(b"M", base64.b64decode(answer["schema"]))
        self.assertEqual(self.put("t", answer["schema"], schemaType="PROTOBUF"), number)
        printed = self.good("GET", f"/schemas/ids/{number}")
        self.assertEqual(printed["schemaType"], "PROTOBUF")
        self.assertEqual(self.put("t", printed["schema"], schemaType="PROTOBUF"), number)
        self.assertEqual(self.put("t", text.replace("; ", ";\n// a comment\n"), schemaType="PROTOBUF"), number)

    def test_it_survives(self):
        self.put("t", record(A))
        self.put("j", '{"type": "object", "properties": {"x": {"type": "number", "minimum": 0.1}}}', schemaType="JSON")
        self.good("PUT", "/config/t", {"compatibility": "NONE"})
        self.put("t", '"int"')
        self.good("DELETE", "/subjects/t/versions/1")
        questions = ["/subjects", "/subjects/t/versions", "/subjects/t/versions?deleted=true", "/subjects/t/versions/latest", "/config/t", "/config", "/schemas/ids/1", "/schemas/ids/2", "/schemas"]
        before = [self.ask("GET", q) for q in questions]
        self.restart(signal.SIGKILL)
        self.assertEqual([self.ask("GET", q) for q in questions], before)
        self.assertEqual(self.put("t", '"string"'), 4)


class WithTheEngine(Embedded):
    def test_formats_need_no_setting(self):
        for name in ("AVRO", "PROTOBUF", "JSON_SR"):
            self.server.ok(f"CREATE STREAM {name} (K STRING KEY, V INT, T STRING) WITH (kafka_topic='{name}', value_format='{name}', partitions=1);")
            self.server.ok(f"INSERT INTO {name} VALUES ('a', 1, 'x');")
            self.assertEqual(self.rows(f"SELECT * FROM {name}", 1), [["a", 1, "x"]])
        self.assertEqual(self.good("GET", "/subjects"), ["AVRO-value", "JSON_SR-value", "PROTOBUF-value"])
        self.restart()
        self.assertEqual(self.rows("SELECT * FROM AVRO", 1), [["a", 1, "x"]])

    def test_print_shows_what_the_registry_knows(self):
        for name in ("AVRO", "PROTOBUF", "JSON_SR"):
            self.server.ok(f"CREATE STREAM {name} (K STRUCT<A INT> KEY, V INT, T STRING) WITH (kafka_topic='{name}', format='{name}', partitions=1);")
            self.server.ok(f"INSERT INTO {name} VALUES (STRUCT(A := 5), 300, 'x');")
            status, text, _ = self.server.post("/query", {"ksql": f"PRINT '{name}' FROM BEGINNING LIMIT 1;"})
            self.assertEqual(status, 200, text)
            lines = text.splitlines()
            self.assertRegex(lines[0], f"^Key format: {name}\\b")
            self.assertRegex(lines[1], f"^Value format: {name}\\b")
            self.assertRegex(lines[2], r', key: .*"A":5\}+, value: \{"V":300,"T":"x"\}, partition: 0$')
            self.assertNotRegex(text, r"[\x00-\x08\x0b-\x1f\x7f]")

    def test_columns_come_from_a_registered_schema(self):
        self.put("t-value", record(A, field("s", ["null", "string"], default=None)))
        self.server.ok("CREATE STREAM T (K STRING KEY) WITH (kafka_topic='t', value_format='AVRO', partitions=1);")
        self.assertEqual([f["name"] for f in self.server.ok("DESCRIBE T;")[0]["sourceDescription"]["fields"]], ["K", "A", "S"])

    def test_incompatible_statements_are_refused(self):
        self.put("x-value", record(A))
        self.server.ok("CREATE STREAM S (K STRING KEY, Z BOOLEAN) WITH (kafka_topic='s', value_format='JSON', partitions=1);")
        self.good("PUT", "/config", {"compatibility": "FULL"})
        self.put("y-value", '"int"')
        status, answer = self.server.ksql("CREATE STREAM Y WITH (kafka_topic='y', value_format='AVRO') AS SELECT * FROM S;")
        self.assertEqual(status, 400, answer)
        self.assertIn("Could not register schema for topic: y. Schema being registered is incompatible", answer["message"])

    def test_rows_into_topics_of_others(self):
        """By the schema that was made elsewhere, where the source says so; refused before anything is written where ours would take its place."""
        order = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
            {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None}, {"name": "n", "type": "int", "default": 5}]})
        for topic in ("a", "b"):
            self.put(f"{topic}-value", order)
        self.put("d-key", json.dumps({"type": "record", "name": "Key", "namespace": "shop", "fields": [{"name": "id", "type": "int"}]}))
        self.put("e-value", 'syntax = "proto3"; package p; message A { string x = 1; } message B { int32 id = 1; repeated string tags = 4; }', schemaType="PROTOBUF")
        self.server.ok("CREATE STREAM A (K STRING KEY) WITH (kafka_topic='a', value_format='AVRO', partitions=1);"
                       "CREATE STREAM B (K STRING KEY) WITH (kafka_topic='b', value_format='AVRO', value_schema_id=1, partitions=1);"
                       "CREATE STREAM D (V INT) WITH (kafka_topic='d', key_format='AVRO', value_format='JSON', partitions=1);"
                       "CREATE STREAM D2 (ID INT KEY, V INT) WITH (kafka_topic='d', key_format='AVRO', value_format='JSON', partitions=1);"
                       "CREATE STREAM E (K STRING KEY) WITH (kafka_topic='e', value_format='PROTOBUF', value_schema_id=3, value_schema_full_name='p.B', partitions=1);"
                       "CREATE STREAM J (K STRING KEY, ID BIGINT, NOTE STRING, N INT) WITH (kafka_topic='j', value_format='JSON', partitions=1);"
                       "CREATE STREAM BYTES_A (V BYTES) WITH (kafka_topic='a', value_format='KAFKA'); CREATE STREAM BYTES_B (V BYTES) WITH (kafka_topic='b', value_format='KAFKA');")
        advice = "\nTo write by the schema that a-value has, name it where the source is created, without its columns: WITH (VALUE_SCHEMA_ID=1)."
        for text, reason in (("INSERT INTO A (K, ID) VALUES ('x', 1);", advice), ("INSERT INTO A SELECT * FROM J;", advice),
                             ("INSERT INTO B (K, `note`) VALUES ('x', 'q');", "Null for the required Avro field: [id]"),
                             ("INSERT INTO D2 VALUES (1, 2);", "ksqlDB generated schema would overwrite existing key schema."),
                             ("CREATE STREAM E2 (K STRING KEY) WITH (kafka_topic='e', value_format='PROTOBUF');", "multiple schema definitions. \n\n- p.A\n- p.B\n")):
            status, answer = self.server.ksql(text)
            self.assertEqual(status, 400, answer)
            self.assertIn(reason, answer["message"])
        self.assertEqual(self.server.ok("SHOW QUERIES;")[0]["queries"], [])
        self.assertEqual(self.good("GET", "/subjects/a-value/versions"), [1])
        self.server.ok("INSERT INTO B (K, `id`) VALUES ('x', 1); INSERT INTO D (ROWKEY, V) VALUES (STRUCT(ID := 7), 2); INSERT INTO E (K, `id`, `tags`) VALUES ('k', 1, ARRAY['t']);")
        self.assertEqual(base64.b64decode(self.rows("SELECT V FROM BYTES_B", 1)[0][0]), b"\0\0\0\0\1\2\0\x0a")  # what is not named has its default
        self.assertEqual(self.rows("SELECT * FROM D", 1), [[{"ID": 7}, 2]])
        self.assertEqual(self.rows("SELECT * FROM E", 1), [["k", 1, ["t"]]])

    def test_assert_schema(self):
        def refused(text, message):
            status, answer = self.server.ksql(text)
            self.assertEqual((status, answer["error_code"], answer["message"]), (417, 41700, message))

        self.put("t", '"int"')
        for text, entity in (
                ("ASSERT SCHEMA SUBJECT 't' ID 1;", {"subject": "t", "id": 1, "exists": True}),
                ("ASSERT SCHEMA SUBJECT t;", {"subject": "t", "id": None, "exists": True}),
                ("ASSERT SCHEMA ID 1;", {"subject": None, "id": 1, "exists": True}),
                ("ASSERT NOT EXISTS SCHEMA SUBJECT 'u' TIMEOUT 3 SECONDS;", {"subject": "u", "id": None, "exists": False}),
                ("ASSERT NOT EXISTS SCHEMA SUBJECT 't' ID 2;", {"subject": "t", "id": 2, "exists": False})):
            answer = self.server.ok(text)[0]
            self.assertEqual({k: answer[k] for k in ("@type", "subject", "id", "exists")}, {"@type": "assert_schema", **entity})
        for what, told in (("ID 1", "Schema id 1 exists"), ("SUBJECT 't' ID 1", "Schema t id 1 exists"), ("SUBJECT 't'", "Schema t exists")):
            shell = subprocess.run([BINARY, "sql", "-e", f"ASSERT SCHEMA {what};", f"http://127.0.0.1:{self.server.port}"], capture_output=True, text=True,
                                   timeout=20, check=True)
            self.assertEqual(shell.stdout.strip(), told)
        refused("ASSERT SCHEMA SUBJECT 'u' TIMEOUT 10 MILLISECONDS;", "Schema with subject name u does not exist")
        refused("ASSERT SCHEMA SUBJECT 't' ID 2 TIMEOUT 10 MILLISECONDS;", "Schema with subject name t id 2 does not exist")
        refused("ASSERT SCHEMA ID 99999999999 TIMEOUT 10 MILLISECONDS;", "Schema with id 99999999999 does not exist")
        refused("ASSERT NOT EXISTS SCHEMA SUBJECT 't' ID 1 TIMEOUT 10 MILLISECONDS;", "Schema with subject name t id 1 exists")
        status, answer = self.server.ksql("ASSERT SCHEMA ID 9;", streamsProperties={"ksql.assert.schema.default.timeout.ms": "20"})
        self.assertEqual((status, answer["message"]), (417, "Schema with id 9 does not exist"))

    def test_delete_topic_takes_the_subjects_with_it(self):
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', format='AVRO', partitions=1);")
        self.assertEqual(self.good("GET", "/subjects"), ["a-key", "a-value"])
        self.server.ok("DROP STREAM A;")
        self.assertEqual(self.good("GET", "/subjects"), ["a-key", "a-value"])
        self.server.ok("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', format='AVRO');")
        self.server.ok("DROP STREAM A DELETE TOPIC;")
        self.assertEqual(self.good("GET", "/subjects"), [])
        self.good("GET", "/schemas/ids/1")  # records elsewhere may name it


class BadRecords(Embedded):
    """Skipped, and told with topic, partition, offset and reason; what comes behind them is read."""

    properties = {"ksql.logging.processing.topic.auto.create": "true", "ksql.logging.processing.topic.name": "problems"}

    def test_of_registry_formats(self):
        def framed(number, payload):
            return b"\0" + number.to_bytes(4, "big") + payload

        one = self.put("a-value", record(field("V", ["null", "int"]), field("S", "string")))
        other = self.put("p-value", 'syntax = "proto3"; message M { int32 V = 1; string S = 2; }', schemaType="PROTOBUF")
        avro_ends = "The payload is not valid Avro: it is cut short, or a number is too large"
        cases = {
            "a": ("AVRO", framed(one, b"\2\2\2x"), [
                (b"\1" + framed(one, b"\2\2\2x")[1:], "Unknown magic byte!"), (b"\0\0\0", "The payload is too short to name its schema"),
                (framed(775, b"\2\2\2x"), "Error retrieving AVRO schema for id 775: Schema 775 not found"), (framed(other, b"\0\x08\1"), "its schema is of the kind PROTOBUF"),
                (framed(one, b"\2\2\x10x"), avro_ends), (framed(one, b"\2" + b"\xff" * 10 + b"\2x"), avro_ends),
                (framed(one, b"\x0c\2\2x"), "The payload is not valid Avro: a union has no such branch")]),
            "p": ("PROTOBUF", framed(other, b"\0\x08\1\x12\1x"), [
                (framed(other, b"\0\x08"), "The payload is not valid Protobuf: it is cut short"), (framed(other, b"\0\x12\x50xx"), "The payload is not valid Protobuf: it is cut short"),
                (framed(other, b"\2\6\x08\1"), "The payload names a message that its schema does not have"),
                (framed(other, b"\0\x0f"), "The payload is not valid Protobuf: a field has no such wire type"), (framed(one, b"\0"), "its schema is of the kind AVRO")])}
        for topic, (form, good, bad) in cases.items():
            records = [{"key": "k", "value64": base64.b64encode(value).decode()} for value in [b for b, _ in bad] + [good]]
            self.assertEqual(self.server.post("/sluice/records", {"topic": topic, "partitions": 1, "records": records})[0], 200)
            self.server.ok(f"CREATE STREAM S_{topic} (K STRING KEY, V INT, S STRING) WITH (kafka_topic='{topic}', value_format='{form}');"
                           f"CREATE STREAM O_{topic} WITH (value_format='JSON') AS SELECT * FROM S_{topic};")
            self.assertEqual(self.rows(f"SELECT * FROM O_{topic}", 1), [["k", 1, "x"]])
        self.server.ok("CREATE STREAM PROBLEMS (MESSAGE STRUCT<DESERIALIZATIONERROR STRUCT<ERRORMESSAGE STRING>, CONTEXT STRUCT<`TOPIC` STRING, `PARTITION` INT, `OFFSET` BIGINT>>)"
                       " WITH (kafka_topic='problems', value_format='JSON');")
        told = self.rows("SELECT MESSAGE->CONTEXT->`TOPIC`, MESSAGE->CONTEXT->`PARTITION`, MESSAGE->CONTEXT->`OFFSET`, MESSAGE->DESERIALIZATIONERROR->ERRORMESSAGE FROM PROBLEMS", 12)
        self.assertEqual(sorted(told), sorted([t, 0, at, f"Error deserializing message from topic: {t}. {reason}"]
                                              for t, (_, _, bad) in cases.items() for at, (_, reason) in enumerate(bad)))


class Settings(unittest.TestCase):
    def test_none_or_one(self):
        server = Server(BINARY, {"sluice.schema.registry.embedded": "false"})
        self.addCleanup(server.close)
        server.start()
        status, text, _ = server.get("/subjects")
        self.assertEqual(status, 404)
        self.assertIn("keeps no schema registry of its own", json.loads(text)["message"])
        status, answer = server.ksql("CREATE STREAM A (V INT) WITH (kafka_topic='a', value_format='AVRO', partitions=1);")
        self.assertEqual(status, 400, answer)
        self.assertIn("without configuring 'ksql.schema.registry.url'", answer["message"])
        status, answer = server.ksql("ASSERT SCHEMA ID 1;")
        self.assertEqual(status, 400, answer)
        self.assertIn("needs a schema registry", answer["message"])

    def test_both(self):
        server = Server(BINARY, {"sluice.schema.registry.embedded": "true", "ksql.schema.registry.url": "http://127.0.0.1:9"})
        self.addCleanup(server.close)
        self.assertRaises(AssertionError, server.start)
        self.assertIn("exclude each other", server.log())


@unittest.skipIf("SLUICE_TEST_BOOTSTRAP" not in os.environ, "no broker")
class Nodes(Embedded):
    """Two nodes, one Kafka, one registry: whoever is asked knows the same, and no id is given twice."""

    def setUp(self):
        name = uuid.uuid4().hex[:8]
        properties = {"bootstrap.servers": os.environ["SLUICE_TEST_BOOTSTRAP"], "ksql.service.id": f"registry_{name}_",
                      "sluice.schema.registry.embedded": "true", "sluice.schema.registry.topic": f"_schemas_{name}"}
        self.nodes = [self.new_server(properties) for _ in range(2)]
        self.server = self.nodes[0]

    def test_one_order(self):
        ids, refused = [[], []], []

        def work(node):
            for i in range(12):
                status, text, _ = self.nodes[node].post(f"/subjects/s{i}/versions", {"schema": record(A, name=f"n{node}_{i}")}, timeout=60)
                answer = json.loads(text)
                # They share subjects, and each name is another schema: one of both comes second and is incompatible.
                if status == 200:
                    ids[node].append(answer["id"])
                elif status != 409:
                    refused.append((status, answer))

        threads = [threading.Thread(target=work, args=(node,)) for node in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(refused, [])
        self.assertEqual(sorted(ids[0] + ids[1]), list(range(1, 13)))
        questions = ["/subjects", "/schemas", *(f"/schemas/ids/{i}" for i in range(1, 13))]
        answers = []
        for node in self.nodes:
            self.server = node
            answers.append([self.good("GET", q) for q in questions])
        self.assertEqual(answers[0], answers[1])
        self.server = self.nodes[0]
        self.restart(signal.SIGKILL)
        self.assertEqual([self.good("GET", q) for q in questions], answers[1])
        self.assertEqual(self.put("after", '"int"'), 13)

    def test_one_writes_what_the_other_reads(self):
        topic = "registry_" + uuid.uuid4().hex[:8]
        self.server.ok(f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{topic}', value_format='AVRO', partitions=1);")
        self.server.ok("INSERT INTO S VALUES ('a', 1);")
        self.server = self.nodes[1]
        self.assertEqual(self.good("GET", "/subjects"), [f"{topic}-value"])
        self.assertEqual(self.rows("SELECT * FROM S", 1), [["a", 1]])
        self.server.ok("DROP STREAM S DELETE TOPIC;")
        self.server = self.nodes[0]
        self.assertEqual(self.good("GET", "/subjects"), [])


@unittest.skipIf(schema_registry is None, "no confluent-kafka for this Python")
class Serializers(Embedded):
    """confluent-kafka's serializers write what the engine reads, and read what it writes."""

    def client(self):
        return schema_registry.SchemaRegistryClient({"url": f"http://127.0.0.1:{self.server.port}"})

    def feed(self, topic, values):
        records = [{"key": "k", "value64": base64.b64encode(v).decode()} for v in values]
        status, text, _ = self.server.post("/sluice/records", {"topic": topic, "partitions": 1, "records": records})
        self.assertEqual(status, 200, text)

    def written(self, topic):
        """The first value of a topic, as bytes."""
        self.server.ok(f"CREATE STREAM RAW_{topic} (K STRING KEY, V BYTES) WITH (kafka_topic='{topic}', value_format='KAFKA');")
        return base64.b64decode(self.rows(f"SELECT V FROM RAW_{topic}", 1)[0][0])

    def test_avro(self):
        client, schema = self.client(), record(A, field("s", "string"))
        serializer, context = avro.AvroSerializer(client, schema), SerializationContext("t", MessageField.VALUE)
        value = serializer({"a": 7, "s": "x"}, context)
        self.assertEqual(self.good("GET", "/subjects"), ["t-value"])
        self.assertEqual(avro.AvroDeserializer(client)(value, context), {"a": 7, "s": "x"})
        self.feed("t", [value])
        self.server.ok("CREATE STREAM T (K STRING KEY) WITH (kafka_topic='t', value_format='AVRO');")
        self.assertEqual(self.rows("SELECT * FROM T", 1), [["k", 7, "x"]])
        self.server.ok("CREATE STREAM O WITH (kafka_topic='o') AS SELECT K, A + 1 AS A, S FROM T;")
        self.assertEqual(avro.AvroDeserializer(client)(self.written("o"), SerializationContext("o", MessageField.VALUE)), {"A": 8, "S": "x"})
        self.assertEqual(client.get_latest_version("t-value").version, 1)
        self.assertTrue(client.test_compatibility("t-value", schema_registry.Schema(record(A), "AVRO")))
        client.set_compatibility("t-value", level="FULL")
        self.assertEqual(client.get_compatibility("t-value"), "FULL")
        self.assertEqual(client.delete_subject("t-value"), [1])

    def test_keys(self):
        """Theirs in a query's key, and the query's in theirs, where equal keys must be equal bytes."""
        from confluent_kafka.schema_registry import protobuf
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        client = self.client()
        file = descriptor_pb2.FileDescriptorProto(name="k.proto", package="p", syntax="proto3")
        file.message_type.add(name="K").field.add(name="ID", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_INT64)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("p.K"))
        title = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "K", "type": "integer"})
        plain = {"use.deprecated.format": False}
        for form, column, make, read, mine, theirs in (
                ("AVRO", "K BIGINT", avro.AvroSerializer(client, '"long"'), avro.AvroDeserializer(client), 7, lambda k: k),
                ("JSON_SR", "K BIGINT", json_schema.JSONSerializer(title, client), json_schema.JSONDeserializer(title, schema_registry_client=client), 7, lambda k: k),
                ("PROTOBUF", "ID BIGINT", protobuf.ProtobufSerializer(kind, client, plain), protobuf.ProtobufDeserializer(kind, plain, client), kind(ID=7), lambda k: k.ID)):
            with self.subTest(form=form):
                topic, name = f"k_{form}".lower(), column.split()[0]
                key = make(mine, SerializationContext(topic, MessageField.KEY))
                records = [{"key64": base64.b64encode(key).decode(), "value": json.dumps({"V": i})} for i in (1, 2)]
                self.assertEqual(self.server.post("/sluice/records", {"topic": topic, "partitions": 1, "records": records})[0], 200)
                self.server.ok(f"CREATE STREAM {topic} ({column} KEY, V INT) WITH (kafka_topic='{topic}', key_format='{form}', value_format='JSON');"
                               f"CREATE TABLE {topic}_sum WITH (kafka_topic='{topic}_sum') AS SELECT {name}, SUM(V) AS V FROM {topic} GROUP BY {name};")
                self.assertEqual(self.rows(f"SELECT {name}, V FROM {topic}", 2), [[7, 1], [7, 2]])
                self.server.ok(f"INSERT INTO {topic} ({name}, V) VALUES (7, 3);")  # by the schema that the topic has
                self.server.ok(f"CREATE STREAM RAW_{topic} (B BYTES KEY, V BYTES) WITH (kafka_topic='{topic}', format='KAFKA');"
                               f"CREATE STREAM RAW_{topic}_sum (B BYTES KEY, V BYTES) WITH (kafka_topic='{topic}_sum', format='KAFKA');")
                keys = {base64.b64decode(row[0]) for row in self.rows(f"SELECT B FROM RAW_{topic}", 3)}
                self.assertEqual(keys, {key})
                written = base64.b64decode(self.rows(f"SELECT B FROM RAW_{topic}_sum", 1)[0][0])
                self.assertEqual(theirs(read(written, SerializationContext(f"{topic}_sum", MessageField.KEY))), 7)

    def test_what_queries_write_in_json_and_protobuf(self):
        from confluent_kafka.schema_registry import protobuf
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        client = self.client()
        self.server.ok("CREATE STREAM S (K STRING KEY, A INT, T ARRAY<STRING>, N STRUCT<X DOUBLE>, E STRING) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
                       "INSERT INTO S VALUES ('k', 7, ARRAY['x', 'y'], STRUCT(X := 0.5), NULL);"
                       "CREATE STREAM j WITH (kafka_topic='j', value_format='JSON_SR') AS SELECT * FROM S; CREATE STREAM p WITH (kafka_topic='p', value_format='PROTOBUF') AS SELECT * FROM S;")
        read = json_schema.JSONDeserializer(client.get_latest_version("j-value").schema.schema_str, schema_registry_client=client)
        self.assertEqual(read(self.written("j"), SerializationContext("j", MessageField.VALUE)), {"A": 7, "T": ["x", "y"], "N": {"X": 0.5}, "E": None})
        file, types = descriptor_pb2.FileDescriptorProto(name="o.proto", syntax="proto3"), descriptor_pb2.FieldDescriptorProto
        message = file.message_type.add(name="M")
        message.field.add(name="A", number=1, type=types.TYPE_INT32)
        message.field.add(name="T", number=2, type=types.TYPE_STRING, label=types.LABEL_REPEATED)
        message.nested_type.add(name="N_t").field.add(name="X", number=1, type=types.TYPE_DOUBLE)
        message.field.add(name="N", number=3, type=types.TYPE_MESSAGE, type_name=".M.N_t")
        message.field.add(name="E", number=4, type=types.TYPE_STRING)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("M"))
        got = protobuf.ProtobufDeserializer(kind, {"use.deprecated.format": False}, client)(self.written("p"), SerializationContext("p", MessageField.VALUE))
        self.assertEqual((got.A, list(got.T), got.N.X, got.E), (7, ["x", "y"], 0.5, ""))

    def test_json(self):
        client = self.client()
        schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "T", "type": "object", "properties": {"a": {"type": "integer"}}})
        context = SerializationContext("t", MessageField.VALUE)
        value = json_schema.JSONSerializer(schema, client)({"a": 7}, context)
        self.assertEqual(json_schema.JSONDeserializer(schema, schema_registry_client=client)(value, context), {"a": 7})
        self.feed("t", [value])
        self.server.ok("CREATE STREAM T (K STRING KEY) WITH (kafka_topic='t', value_format='JSON_SR');")
        self.assertEqual(self.rows("SELECT * FROM T", 1), [["k", 7]])

    def test_protobuf(self):
        from confluent_kafka.schema_registry import protobuf
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        client, context = self.client(), SerializationContext("t", MessageField.VALUE)
        file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="p", syntax="proto3")
        file.message_type.add(name="M").field.add(name="a", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_INT32)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("p.M"))
        value = protobuf.ProtobufSerializer(kind, client, {"use.deprecated.format": False})(kind(a=7), context)
        reader = protobuf.ProtobufDeserializer(kind, {"use.deprecated.format": False}, client)
        self.assertEqual(reader(value, context), kind(a=7))
        self.assertIn("message M", self.good("GET", "/schemas/ids/1")["schema"])
        self.feed("t", [value])
        self.server.ok("CREATE STREAM T (K STRING KEY) WITH (kafka_topic='t', value_format='PROTOBUF');")
        self.assertEqual(self.rows("SELECT * FROM T", 1), [["k", 7]])


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
