#!/usr/bin/env python3
"""What other people's programs write on a real Kafka is read, and theirs read what a server writes: the windowed keys of Kafka Streams, the partitions of
Java's murmur2, the envelopes of Debezium. Java itself is asked (Interop.java); CLASSPATH has Kafka's client and Kafka Streams.

usage: SLUICE_TEST_BOOTSTRAP=HOST:PORT interop_test.py PATH-TO-SLUICE [test...]
"""
import base64
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
HERE = os.path.dirname(os.path.abspath(__file__))
BOOTSTRAP = os.environ.get("SLUICE_TEST_BOOTSTRAP", "")
SERVICE = f"interop-{os.getpid()}-{int(time.time())}-"


class Java:
    """Interop.java at the other end of a pipe."""

    def __init__(self):
        path = subprocess.run([os.path.join(HERE, "kafka.sh"), "classpath"], check=True, capture_output=True, text=True).stdout.strip()
        self.process = subprocess.Popen(["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", path,
                                         os.path.join(HERE, "Interop.java"), BOOTSTRAP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *fields):
        self.process.stdin.write("\t".join(str(f) for f in fields) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == ".\n":
                return [line.rstrip("\n").split("\t") for line in lines]
            lines.append(line)
        raise AssertionError("Interop.java ended")

    def read(self, topic, count, kind="none", key="STRING"):
        lines = self.ask("read", topic, count, kind, key)
        assert len(lines) == count, (topic, lines)
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


def recently():
    """Ten minutes ago, where a window begins: brokers remove what is older than a topic's retention."""
    return (int(time.time()) - 600) // 20 * 20000


# ---- Avro, written by hand ----

def avro_long(number):
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def avro(value):
    """Texts, whole numbers, None as the first branch of a union, ("some", value) as its second, lists as a record's fields."""
    if value is None:
        return avro_long(0)
    if isinstance(value, tuple):
        return avro_long(1) + avro(value[1])
    if isinstance(value, list):
        return b"".join(avro(v) for v in value)
    return avro_long(value) if isinstance(value, int) else avro_long(len(value.encode())) + value.encode()


@unittest.skipIf(not BOOTSTRAP, "no broker")
class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.java = Java()
        cls.server = Server(BINARY, {
            "ksql.streams.bootstrap.servers": BOOTSTRAP, "ksql.service.id": SERVICE, "sluice.schema.registry.embedded": "true",
            "sluice.schema.registry.topic": SERVICE + "schemas",
        })
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.java.close()

    def topic(self, name):
        return SERVICE + name

    def records(self, topic, records, partitions=1):
        def encoded(record):
            return {name + "64": base64.b64encode(part).decode() for name, part in record.items() if part is not None}
        status, text, _ = self.server.post("/sluice/records", {"topic": topic, "partitions": partitions, "records": [encoded(r) for r in records]})
        self.assertEqual(status, 200, text)

    def pulled(self, text, expected):
        wait_until(lambda: sorted(self.server.pull(text), key=str) == sorted(expected, key=str), 20, f"{text} giving {expected}, not {self.server.pull(text)}")

    # ---- Kafka Streams ----

    def test_windowed_keys_that_streams_wrote(self):
        keys, base = {"STRING": "a", "INTEGER": "7", "BIGINT": "8", "DOUBLE": "0.5"}, recently()
        for kind, window in (("time", "window_type='TUMBLING', window_size='10 SECONDS'"), ("session", "window_type='SESSION'")):
            for key, text in list(keys.items())[:4 if kind == "time" else 2]:
                name = f"R_{kind}_{key}".upper()
                self.server.ok(f"CREATE TABLE {name} (K {key} PRIMARY KEY, V INT) WITH (kafka_topic='{self.topic(name)}', value_format='JSON', partitions=4, {window});")
                for start, end, value in ((base, base + 10000, 1), (base + 20000, base + 30000, 2)):
                    self.java.ask("write", self.topic(name), kind, key, text, start, end, json.dumps({"V": value}))
                status, body, _ = self.server.post("/query", {"ksql": f"SELECT K, WINDOWSTART, WINDOWEND, V FROM {name} EMIT CHANGES LIMIT 2;",
                                                              "streamsProperties": {"auto.offset.reset": "earliest"}})
                self.assertEqual(status, 200, body)
                typed = text if key == "STRING" else json.loads(text)
                self.assertEqual([e["row"]["columns"] for e in json.loads(body) if "row" in e], [[typed, base, base + 10000, 1], [typed, base + 20000, base + 30000, 2]], name)

    def test_windowed_keys_that_streams_reads(self):
        """And the partitions are those that Kafka Streams chooses: by the key without its window."""
        self.server.ok(f"CREATE STREAM W (K STRING KEY, N INT, D DOUBLE, V INT) WITH (kafka_topic='{self.topic('w')}', value_format='JSON', partitions=1);")
        columns, base = {"STRING": "K", "INTEGER": "N", "BIGINT": "CAST(N AS BIGINT)", "DOUBLE": "D"}, recently()
        windows = {"time": "TUMBLING (SIZE 10 SECONDS)", "session": "SESSION (10 SECONDS)"}
        tables = [(kind, key) for kind in windows for key in list(columns)[:4 if kind == "time" else 2]]
        for kind, key in tables:
            name = f"T_{kind}_{key}".upper()
            self.server.ok(f"CREATE TABLE {name} WITH (kafka_topic='{self.topic(name)}', partitions=5) AS SELECT {columns[key]} AS G, COUNT(*) AS C FROM W "
                           f"WINDOW {windows[kind]} GROUP BY {columns[key]};")
        for i in range(6):
            self.server.ok(f"INSERT INTO W (ROWTIME, K, N, D, V) VALUES ({base + i * 20000 + 1000}, 'k{i}', {i * 1000}, {i}.25, 1);")
        for kind, key in tables:
            lines = self.java.read(self.topic(f"T_{kind}_{key}".upper()), 6, kind, key)
            texts = [{"STRING": f"k{i}", "DOUBLE": f"{i}.25"}.get(key, str(i * 1000)) for i in range(6)]
            spans = [(base + i * 20000, base + i * 20000 + 10000) if kind == "time" else (base + i * 20000 + 1000,) * 2 for i in range(6)]
            self.assertEqual(sorted(l[2:6] for l in lines), sorted([t, str(s), str(e), '{"C":1}'] for t, (s, e) in zip(texts, spans)))
            self.assertEqual([l[0] for l in lines], [l[1] for l in lines], (key, kind))
            self.assertGreater(len({l[0] for l in lines}), 1)

    # ---- partitions ----

    def test_partitions_are_those_of_java(self):
        """Of every type of key in every format, for rows that are inserted and rows that queries write."""
        types = {"STRING": "'s{i}'", "INT": "{i}", "BIGINT": "{i}", "DOUBLE": "{i}.5", "BOOLEAN": "true", "DECIMAL(4,2)": "{i}.25", "BYTES": "TO_BYTES('0{i}', 'hex')",
                 "DATE": "'2020-01-0{d}'", "TIME": "'00:00:0{i}'", "TIMESTAMP": "'2020-01-01T00:00:0{i}'", "ARRAY<INT>": "ARRAY[{i}]",
                 "STRUCT<A INT>": "STRUCT(A := {i})"}
        formats = {"KAFKA": ("STRING", "INT", "BIGINT", "DOUBLE"), "DELIMITED": ("DECIMAL(4,2)", "DATE", "BYTES"), "JSON": tuple(types),
                   "AVRO": ("BIGINT", "STRUCT<A INT>"), "PROTOBUF": ("STRING",), "JSON_SR": ("DOUBLE",)}
        wanted = []
        for form, known in formats.items():
            for number, kind in enumerate(known):
                name = f"{form}_{number}"
                self.server.ok(f"CREATE STREAM {name} (K {kind} KEY, V INT) WITH (kafka_topic='{self.topic(name)}', key_format='{form}', value_format='JSON', partitions=5);")
                self.server.ok("".join(f"INSERT INTO {name} (K, V) VALUES ({types[kind].format(i=i, d=i + 1)}, {i});" for i in range(6)))
                wanted.append(name)
        self.server.ok("SET 'auto.offset.reset'='earliest';" + "".join(
            f"CREATE STREAM Q_{name} WITH (kafka_topic='{self.topic('Q_' + name)}', partitions=3) AS SELECT K AS L, V AS V FROM {name} PARTITION BY K;" for name in ("JSON_6", "AVRO_0")))
        for name, partitions in [(n, 5) for n in wanted] + [("Q_JSON_6", 3), ("Q_AVRO_0", 3)]:
            lines = self.java.read(self.topic(name), 6, "none", "BYTES")
            self.assertEqual([l[0] for l in lines], [l[1] for l in lines], name)

    # ---- Debezium ----

    before_and_after = "STRUCT<ID INT, NAME STRING, EMAIL STRING>"
    # op, before, after: two customers come, one is changed, the other is deleted; a third was there when it began.
    events = (("c", None, [1001, "Sally", "s@x"]), ("c", None, [1002, "George", "g@x"]), ("r", None, [1003, "Edward", None]),
              ("u", [1001, "Sally", "s@x"], [1001, "Sally Thomas", None]), ("d", [1002, "George", "g@x"], None))
    state = [[1001, "Sally Thomas", None], [1003, "Edward", None]]

    def follow(self, name, key, envelope=""):
        self.server.ok(f"SET 'auto.offset.reset'='earliest'; CREATE TABLE {name}_NOW AS SELECT {key} AS ID, LATEST_BY_OFFSET({envelope}after->name, false) AS NAME, "
                       f"LATEST_BY_OFFSET({envelope}after->email, false) AS EMAIL FROM {name} GROUP BY {key} HAVING LATEST_BY_OFFSET({envelope}op) <> 'd';")
        self.pulled(f"SELECT ID, NAME, EMAIL FROM {name}_NOW;", self.state)

    def json_events(self, wrap):
        def row(values):
            return None if values is None else dict(zip(("id", "name", "email"), values))
        for number, (op, before, after) in enumerate(self.events):
            key = {"id": (after or before)[0]}
            yield {"key": json.dumps(wrap(key)).encode(), "value": json.dumps(wrap({
                "before": row(before), "after": row(after), "source": {"version": "2.5", "connector": "mysql", "ts_ms": number, "table": "customers"},
                "op": op, "ts_ms": number, "transaction": None})).encode()}
            if op == "d":
                yield {"key": json.dumps(wrap(key)).encode(), "value": None}

    def test_debezium_json(self):
        self.records(self.topic("dbz"), list(self.json_events(lambda document: document)))
        self.server.ok(f"CREATE STREAM DBZ (K STRUCT<ID INT> KEY, BEFORE {self.before_and_after}, AFTER {self.before_and_after}, OP STRING, TS_MS BIGINT) "
                       f"WITH (kafka_topic='{self.topic('dbz')}', key_format='JSON', value_format='JSON');")
        self.follow("DBZ", "K->ID")

    def test_debezium_json_with_schema(self):
        schema = {"type": "struct", "optional": False, "name": "dbserver1.inventory.customers.Envelope", "fields": [{"type": "string", "optional": False, "field": "op"}]}
        self.records(self.topic("dbzs"), list(self.json_events(lambda document: {"schema": schema, "payload": document})))
        self.server.ok(f"CREATE STREAM DBZS (K STRUCT<PAYLOAD STRUCT<ID INT>> KEY, PAYLOAD STRUCT<BEFORE {self.before_and_after}, AFTER {self.before_and_after}, OP STRING>) "
                       f"WITH (kafka_topic='{self.topic('dbzs')}', key_format='JSON', value_format='JSON');")
        self.follow("DBZS", "K->PAYLOAD->ID", "payload->")

    def register(self, subject, schema):
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}/subjects/{subject}/versions", json.dumps({"schema": json.dumps(schema)}).encode(),
                                         {"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return b"\0" + json.load(answer)["id"].to_bytes(4, "big")

    # A topic's schemas as Debezium's Avro converter registers them.
    row_schema = {"type": "record", "name": "Value", "fields": [
        {"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "email", "type": ["null", "string"], "default": None}]}
    key_schema = {"type": "record", "name": "Key", "namespace": "dbserver1.inventory.customers", "fields": [{"name": "id", "type": "int"}]}

    def test_debezium_avro(self):
        topic = self.topic("dbza")
        key = self.register(topic + "-key", self.key_schema)
        envelope = self.register(topic + "-value", {"type": "record", "name": "Envelope", "namespace": "dbserver1.inventory.customers", "fields": [
            {"name": "before", "type": ["null", self.row_schema], "default": None}, {"name": "after", "type": ["null", "Value"], "default": None},
            {"name": "source", "type": {"type": "record", "name": "Source", "namespace": "io.debezium.connector.mysql", "fields": [
                {"name": "version", "type": "string"}, {"name": "ts_ms", "type": "long"}, {"name": "snapshot", "type": ["null", "string"], "default": None}]}},
            {"name": "op", "type": "string"}, {"name": "ts_ms", "type": ["null", "long"], "default": None},
            {"name": "transaction", "type": ["null", {"type": "record", "name": "block", "namespace": "event", "fields": [{"name": "id", "type": "string"}]}], "default": None}]})

        def row(values):
            return None if values is None else ("some", [values[0], values[1], values[2] and ("some", values[2])])
        records = []
        for number, (op, before, after) in enumerate(self.events):
            id_ = key + avro([(after or before)[0]])
            records.append({"key": id_, "value": envelope + avro([row(before), row(after), ["2.5", number, None], op, ("some", number), None])})
            if op == "d":
                records.append({"key": id_, "value": None})
        self.records(topic, records)
        self.server.ok(f"CREATE STREAM DBZA WITH (kafka_topic='{topic}', key_format='AVRO', value_format='AVRO');")
        self.follow("DBZA", "ROWKEY->ID")

    def test_debezium_flattened(self):
        """After ExtractNewRecordState a topic is a table's changelog: a row per key, a tombstone where it was deleted."""
        topic = self.topic("dbzf")
        key, value = self.register(topic + "-key", self.key_schema), self.register(topic + "-value", {**self.row_schema, "namespace": "dbserver1.inventory.customers"})
        self.records(topic, [{"key": key + avro([(after or before)[0]]),
                              "value": after and value + avro([after[0], after[1], after[2] and ("some", after[2])])} for _, before, after in self.events])
        self.server.ok(f"SET 'auto.offset.reset'='earliest'; CREATE TABLE DBZF WITH (kafka_topic='{topic}', key_format='AVRO', value_format='AVRO');"
                       "CREATE TABLE DBZF_NOW AS SELECT * FROM DBZF;")
        self.pulled("SELECT ID, NAME, EMAIL FROM DBZF_NOW;", self.state)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
