#!/usr/bin/env python3
"""Pull queries on several nodes of one service: every node answers every key and every scan, in every form; a node that dies, cannot be reached or
says a wrong address costs a clear 503 and never a part of the answer; /clusterStatus, /heartbeat and /lag.

usage: routing_test.py PATH-TO-SLUICE [test...]        the broker's address is in SLUICE_TEST_BOOTSTRAP
"""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from certificates import Authority  # noqa: E402
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
BOOTSTRAP = os.environ.get("SLUICE_TEST_BOOTSTRAP", "")
PARTITIONS = 8
PATIENCE = 60  # seconds; what is waited for takes one or two
DELIMITED, ARRAY, OBJECTS, PROTO = ("application/vnd.ksqlapi.delimited.v1", "application/json", "application/vnd.ksql.v1+json",
                                    "application/vnd.ksql.v1+protobuf")


class WithNodes(unittest.TestCase):
    count = 2
    settings = {}

    def setUp(self):
        self.name = "r" + uuid.uuid4().hex[:10]  # of the service and, first, of its topics
        self.nodes = [self.node() for _ in range(self.count)]

    def node(self, **settings):
        server = Server(BINARY, {"bootstrap.servers": BOOTSTRAP, "ksql.service.id": self.name, **self.settings,
                                 **{name.replace("_", "."): value for name, value in settings.items()}})
        self.addCleanup(server.close)
        server.start(ready=False)
        wait_until(lambda: server.get("/info")[0] == 200, PATIENCE, "a node that is ready")
        return server

    def make_tables(self, numbers):
        """T counts per key, W per key and window."""
        first = self.nodes[0]
        number = first.ok(
            f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});"
            f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N, SUM(V) AS V FROM S GROUP BY K;"
            f"CREATE TABLE W WITH (kafka_topic='{self.name}-w') AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;"
        )[-1]["commandSequenceNumber"]
        first.ok("".join(f"INSERT INTO S VALUES ('key {n}', {n});" for n in numbers))
        for node in self.nodes:
            node.ok("SHOW QUERIES;", commandSequenceNumber=number)

    @staticmethod
    def ask(server, text, **fields):
        """The status, and the rows or the error."""
        status, body, _ = server.post("/query", {"ksql": text, **fields}, timeout=40)
        answer = json.loads(body)
        return (200, sorted(e["row"]["columns"] for e in answer[1:])) if status == 200 else (status, answer)

    def await_scan(self, server, wanted):
        wait_until(lambda: self.ask(server, "SELECT * FROM T;") == (200, wanted), PATIENCE, f"{len(wanted)} rows of T")

    def await_rows(self, numbers):
        """All nodes give the whole table, and none has all of it itself."""
        for server in self.nodes:
            wait_until(lambda: self.ask_here(server)[0] == 503, PATIENCE, "a share of the slots for each node")
        for server in self.nodes:
            self.await_scan(server, sorted([f"key {n}", 1, n] for n in numbers))

    def nodes_know_each_other(self, server):
        """Of two: by heartbeats, what queries do on both, and what has been inserted on its way through both."""
        wait_until(lambda: [h["hostAlive"] for h in json.loads(server.get("/clusterStatus")[1])["clusterStatus"].values()] == [True, True],
                   PATIENCE, "heartbeats")
        self.assertEqual([q["statusCount"] for q in server.ok("SHOW QUERIES;")[0]["queries"]], [{"RUNNING": 2}] * 2)
        status, body, response = server.post("/ksql", {"ksql": "INSERT INTO S VALUES ('key 7', 0);"})
        self.assertEqual(status, 200, body)
        said = {"request.ksql.query.pull.consistency.token": response.headers["Sluice-Consistency-Token"]}
        found = [self.ask(node, "SELECT N FROM T WHERE K = 'key 7';", requestProperties=said)[1] for node in self.nodes]
        self.assertEqual(found[0], found[1])
        self.assertGreater(found[0][0][0], 1)

    def ask_here(self, server, text="SELECT * FROM T;"):
        return self.ask(server, text, requestProperties={"request.ksql.query.pull.skip.forwarding": True})


class Answers(WithNodes):
    count = 3

    def lines(self, server, path, field, text, accept):
        status, body, _ = server.post(path, {field: text}, {"Accept": accept})
        self.assertEqual(status, 200, body)
        return body

    def all_forms(self, server, text):
        """Each answer without the query's id, its rows in order."""
        for path, field in (("/query", "ksql"), ("/query-stream", "sql")):
            for accept in (DELIMITED, ARRAY, OBJECTS, PROTO):
                body = self.lines(server, path, field, text, accept)
                rows = json.loads("[" + ",".join(body.splitlines()) + "]") if accept == DELIMITED else json.loads(body)
                header = json.dumps(rows[0])
                query_id = (rows[0].get("header") or rows[0])["queryId"]
                self.assertRegex(query_id, r"^query_\d+$")
                yield path, accept, header.replace(query_id, ""), sorted(map(json.dumps, rows[1:]))
        yield "/ws/query", sorted(self.frames(server, text)[1:])

    @staticmethod
    def frames(server, text):
        """The messages of a WebSocket up to its close."""
        with socket.create_connection(("127.0.0.1", server.port), 20) as connection, connection.makefile("rb") as reader:
            request = urllib.parse.quote(json.dumps({"ksql": text}))
            connection.sendall(f"GET /ws/query?request={request} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n".encode())
            while reader.readline().strip():
                pass
            messages = []
            while True:
                kind, length = reader.read(2)
                length = int.from_bytes(reader.read(2), "big") if length == 126 else length
                payload = reader.read(length)
                if kind & 15 == 8:
                    return messages
                messages.append(payload.decode())

    def test_every_node_gives_the_same_answers(self):
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        for n in numbers:
            answers = [self.ask(server, f"SELECT * FROM T WHERE K = 'key {n}';") for server in self.nodes]
            self.assertEqual(answers, [(200, [[f"key {n}", 1, n]])] * 3)
        for text in ("SELECT * FROM T;", "SELECT V + 1 AS X, K FROM T WHERE N = 1 AND V > 10;", "SELECT * FROM T WHERE K IN ('key 1', 'key 2', 'key 7', 'none');",
                     "SELECT * FROM T WHERE K >= 'key 3' AND K < 'key 6';", "SELECT * FROM T WHERE V < 0;", "SELECT * FROM W;",
                     "SELECT K, WINDOWSTART, N FROM W WHERE K = 'key 5' AND WINDOWSTART >= 0;"):
            answers = [list(self.all_forms(server, text)) for server in self.nodes]
            self.assertEqual(answers[0], answers[1])
            self.assertEqual(answers[0], answers[2])

    def test_what_a_statement_comes_with_goes_along(self):
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        for server in self.nodes:
            for limit in (0, 1, 7, 40, 100):
                self.assertEqual(len(self.ask(server, f"SELECT * FROM T LIMIT {limit};")[1]), min(limit, 40))
            self.assertEqual(self.ask(server, "SELECT * FROM T WHERE V < ${most};", sessionVariables={"most": "2"}),
                             (200, [["key 0", 1, 0], ["key 1", 1, 1]]))
            status, answer = self.ask(server, "SELECT * FROM T;", streamsProperties={"ksql.query.pull.table.scan.enabled": False})
            self.assertEqual(status, 400, answer)
            status, answer = self.ask(server, "SELECT * FROM T;", streamsProperties={"ksql.query.pull.max.allowed.offset.lag": -1})
            self.assertEqual((status, answer["error_code"]), (400, 40000), answer)

    def test_parts_are_the_whole(self):
        """What nodes ask of each other: some partitions, of this node alone."""
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        rows, nobody = [], 0
        for partition in range(PARTITIONS):
            answers = [self.ask(server, "SELECT * FROM T;", requestProperties={
                "request.ksql.query.pull.skip.forwarding": True, "request.ksql.query.pull.partition": str(partition)}) for server in self.nodes]
            self.assertEqual(sorted(status for status, _ in answers), [200, 503, 503])
            rows += [row for status, found in answers if status == 200 for row in found]
            both = self.ask(self.nodes[0], "SELECT * FROM T;", requestProperties={"request.ksql.query.pull.partition": str(partition)})
            self.assertIn(both, answers)
        self.assertEqual(sorted(rows), sorted([f"key {n}", 1, n] for n in numbers))
        for wrong in ("x", "1,", ["1"], True, -1):
            status, answer = self.ask(self.nodes[0], "SELECT * FROM T;", requestProperties={"request.ksql.query.pull.partition": wrong})
            self.assertEqual((status, answer["error_code"]), (400, 40000), answer)

    def test_a_large_answer_is_passed_on_as_it_comes(self):
        rows, size = 3000, 6000
        first = self.nodes[0]
        number = first.ok(f"CREATE SOURCE TABLE BIG (K STRING PRIMARY KEY, V STRING) WITH (kafka_topic='{self.name}-big', value_format='JSON', partitions={PARTITIONS});"
                          )[0]["commandSequenceNumber"]
        for start in range(0, rows, 500):
            records = [{"key": f"key {n}", "value": json.dumps({"V": f"{n} " + "x" * size})} for n in range(start, start + 500)]
            status, body, _ = first.post("/sluice/records", {"topic": f"{self.name}-big", "partitions": PARTITIONS, "records": records})
            self.assertEqual(status, 200, body)
        for server in self.nodes:
            server.ok("SHOW QUERIES;", commandSequenceNumber=number)
            wait_until(lambda: len(self.ask(server, "SELECT K FROM BIG;")[1]) == rows, PATIENCE, f"{rows} rows")
            found = self.ask(server, "SELECT * FROM BIG;")[1]
            self.assertEqual({k: len(v) for k, v in found}, {f"key {n}": len(f"{n} ") + size for n in range(rows)})
            self.assertEqual(len(self.ask(server, "SELECT * FROM BIG LIMIT 2500;")[1]), 2500)
            stream = server.stream("/query-stream", {"sql": "SELECT * FROM BIG;"})
            stream.line()
            stream.leave()  # in the middle: nothing is left behind
        self.assertEqual(self.ask(first, "SELECT K FROM BIG WHERE K = 'key 1';"), (200, [["key 1"]]))

    def test_what_was_inserted_is_seen_on_any_node(self):
        """A token goes to the nodes that are asked, and theirs become part of the answer's."""
        self.make_tables(range(10))
        self.await_rows(range(10))
        for n in range(10, 40):
            status, body, response = self.nodes[n % 3].post("/ksql", {"ksql": f"INSERT INTO S VALUES ('key {n}', {n});"})
            self.assertEqual(status, 200, body)
            said = {"request.ksql.query.pull.consistency.token": response.headers["Sluice-Consistency-Token"]}
            for server in self.nodes:
                self.assertEqual(self.ask(server, f"SELECT * FROM T WHERE K = 'key {n}';", requestProperties=said), (200, [[f"key {n}", 1, n]]))
        for server in self.nodes:
            status, body, response = server.post("/query", {"ksql": "SELECT * FROM T;", "requestProperties": said,
                                                            "streamsProperties": {"ksql.query.pull.consistency.token.enabled": True}})
            token = json.loads(body)[-1]["consistencyToken"]["consistencyToken"]
            self.assertEqual(response.headers["Sluice-Consistency-Token"], token)
            offsets = dict(entry.split("=") for entry in token.split(":")[1].split(","))
            self.assertEqual(sorted(offsets), [str(p) for p in range(PARTITIONS)], token)  # of both sides
            self.assertEqual(sum(map(int, offsets.values())), 40, token)
            status, answer = self.ask(server, "SELECT * FROM T;", requestProperties={
                "request.ksql.query.pull.consistency.token": f"sluice1;{self.name}-s:" + ",".join(f"{p}=1000" for p in range(PARTITIONS))},
                streamsProperties={"sluice.query.pull.wait.ms": 200})
            self.assertEqual((status, answer["error_code"]), (503, 50301), answer)

    def test_what_goes_through_other_nodes_is_waited_for(self):
        """Through a repartition topic, and through another query and one: the tasks on the way are on any node."""
        self.make_tables(range(3))
        number = self.nodes[1].ok(
            f"CREATE TABLE H WITH (kafka_topic='{self.name}-h') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;"
            f"CREATE STREAM B WITH (kafka_topic='{self.name}-b') AS SELECT V, K AS W FROM S PARTITION BY V;"
            f"CREATE TABLE C WITH (kafka_topic='{self.name}-c') AS SELECT W, COUNT(*) AS N FROM B GROUP BY W;")[-1]["commandSequenceNumber"]
        for server in self.nodes:
            server.ok("SHOW QUERIES;", commandSequenceNumber=number)
        self.await_rows(range(3))
        for n in range(100, 160):
            status, body, response = self.nodes[n % 3].post("/ksql", {"ksql": f"INSERT INTO S VALUES ('key {n}', {n});"})
            self.assertEqual(status, 200, body)
            said = {"request.ksql.query.pull.consistency.token": response.headers["Sluice-Consistency-Token"]}
            reader = self.nodes[(n // 3) % 3]
            self.assertEqual(self.ask(reader, f"SELECT * FROM H WHERE V = {n};", requestProperties=said), (200, [[n, 1]]))
            self.assertEqual(self.ask(reader, f"SELECT * FROM C WHERE W = 'key {n}';", requestProperties=said), (200, [[f"key {n}", 1]]))

    def test_many_at_once(self):
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        wrong = []

        def client(server, number):
            for n in range(30):
                answer = self.ask(server, f"SELECT * FROM T WHERE K = 'key {(n + number) % 40}';")
                if answer != (200, [[f"key {(n + number) % 40}", 1, (n + number) % 40]]):
                    wrong.append(answer)

        clients = [threading.Thread(target=client, args=(self.nodes[n % 3], n)) for n in range(24)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        self.assertEqual(wrong, [])


class Failures(WithNodes):
    def poll(self, server, wanted, seconds):
        """Asks until the answer is there; anything but it and a clear 503 is wrong. Returns what the refusals said."""
        said, end = set(), time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            status, answer = self.ask(server, "SELECT * FROM T;")
            self.assertLess(time.monotonic() - start, 20)
            if status == 200:
                self.assertEqual(answer, wanted)
                return said
            self.assertEqual((status, answer["error_code"]), (503, 50302), answer)
            self.assertIn("Unable to execute pull query", answer["message"])
            said.add(answer["message"])
            time.sleep(0.1)
        self.fail(f"no answer within {seconds} s: {said}")

    def test_a_node_dies_and_comes_back(self):
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        wanted = sorted([f"key {n}", 1, n] for n in numbers)
        a, b = self.nodes
        address = f"http://127.0.0.1:{b.port}"
        b.stop(signal.SIGKILL)
        said = self.poll(a, wanted, PATIENCE)  # the group notices after ten seconds
        self.assertTrue(any(address in text for text in said), said)
        for n in numbers:
            self.assertEqual(self.ask(a, f"SELECT * FROM T WHERE K = 'key {n}';"), (200, [[f"key {n}", 1, n]]))
        b.start()  # at another port, with the state directory that it had
        self.await_rows(numbers)

    def test_a_node_leaves(self):
        numbers = range(40)
        self.make_tables(numbers)
        self.await_rows(numbers)
        a, b = self.nodes
        b.stop()
        self.poll(a, sorted([f"key {n}", 1, n] for n in numbers), PATIENCE)

    def test_a_table_that_was_just_made_and_dropped(self):
        self.make_tables(range(10))
        a, b = self.nodes
        a.ok(f"CREATE TABLE LATE WITH (kafka_topic='{self.name}-late') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
        for _ in range(20):  # the other node may not have heard of it
            status, answer = self.ask(a, "SELECT * FROM LATE;")
            self.assertIn(status, (200, 503), answer)
        wait_until(lambda: self.ask(a, "SELECT * FROM LATE;")[1] == sorted([f"key {n}", 1] for n in range(10)), PATIENCE, "the table")
        a.ok("DROP TABLE LATE;")
        self.assertEqual(self.ask(a, "SELECT * FROM LATE;")[0], 400)


class Unreachable(WithNodes):
    count = 1

    def refusal(self, server):
        """What is said of a scan; keys that are here are answered."""
        found = [n for n in range(40) if self.ask_here(server, f"SELECT * FROM T WHERE K = 'key {n}';")[0] == 200]
        self.assertTrue(0 < len(found) < 40, found)
        start = time.monotonic()
        status, answer = self.ask(server, "SELECT * FROM T;")
        self.assertEqual((status, answer["error_code"]), (503, 50302), answer)
        self.assertLess(time.monotonic() - start, 30)
        return answer["message"]

    def with_second(self, address):
        self.make_tables(range(40))
        a = self.nodes[0]
        self.await_scan(a, sorted([f"key {n}", 1, n] for n in range(40)))
        b = self.node(ksql_advertised_listener=address)
        wait_until(lambda: self.ask(a, "SELECT * FROM T;")[0] == 503, PATIENCE, "a share of the slots for the second node")
        self.await_scan(b, sorted([f"key {n}", 1, n] for n in range(40)))  # it can ask, though it cannot be asked
        return a

    def test_an_address_where_nobody_is(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{unused.getsockname()[1]}"
            self.assertIn(f"{address} was asked", self.refusal(self.with_second(address)))

    def test_an_address_where_nobody_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            self.assertIn("no answer within 8000 ms", self.refusal(self.with_second(address)))

    def test_no_loops(self):
        """The second node's address is the first one's: it asks itself, which refuses instead of asking again."""
        message = self.refusal(self.with_second(f"http://127.0.0.1:{self.nodes[0].port}"))
        self.assertIn("on another server of this service", message)

    def test_an_address_that_is_none(self):
        for wrong in ("x", "ftp://host:1", "http://0.0.0.0:8088", "http://host/path", "http://"):
            server = Server(BINARY, {"bootstrap.servers": BOOTSTRAP, "ksql.service.id": self.name, "ksql.advertised.listener": wrong})
            self.addCleanup(server.close)
            server.start(ready=False)
            self.assertNotEqual(server.process.wait(30), 0)
            self.assertIn("ksql.advertised.listener", server.log())
            server.process = None


class Protected(WithNodes):
    """A client's proof is shown to the other nodes; what nodes tell each other needs their own alone."""

    def setUp(self):
        tokens = tempfile.NamedTemporaryFile("w", suffix=".tokens", delete=False)  # of mode 0600
        self.addCleanup(os.unlink, tokens.name)
        with tokens:
            tokens.write(f"ann:{hashlib.sha256(b'secret').hexdigest()}:reader\n")
        self.settings = {"authentication.method": "BEARER", "sluice.authentication.tokens.file": tokens.name, **Cluster.settings}
        super().setUp()

    def node(self, **settings):
        server = Server(BINARY, {"bootstrap.servers": BOOTSTRAP, "ksql.service.id": self.name, **self.settings})
        request = server.request
        server.request = lambda method, path, body=None, headers=None, timeout=20: request(
            method, path, body, {"Authorization": "Bearer secret", **(headers or {})}, timeout)
        self.addCleanup(server.close)
        server.start(ready=False)
        wait_until(lambda: server.get("/info")[0] == 200, PATIENCE, "a node that is ready")
        return server

    def test_proofs_go_along(self):
        self.make_tables(range(40))
        self.await_rows(range(40))
        for server in self.nodes:
            for n in range(40):
                self.assertEqual(self.ask(server, f"SELECT * FROM T WHERE K = 'key {n}';"), (200, [[f"key {n}", 1, n]]))
            self.assertEqual(server.post("/query", {"ksql": "SELECT * FROM T;"}, {"Authorization": "Bearer x"})[0], 401)
            self.assertEqual(server.post("/query", {"ksql": "SELECT * FROM T;"}, {"Authorization": "", "Sluice-Node": "x y"})[0], 401)
            self.assertEqual(server.post("/sluice/queries", {}, {"Sluice-Node": "x y"})[0], 403)
        for server in self.nodes:
            self.nodes_know_each_other(server)


class Noted(WithNodes):
    count = 0

    def test_a_query_that_was_routed_is_in_the_audit_log(self):
        self.settings = {"ksql.audit.topic": f"{self.name}-who"}
        self.nodes = [self.node(), self.node()]
        self.make_tables(range(20))
        self.await_rows(range(20))
        for n, server in enumerate(self.nodes):
            self.assertEqual(server.ok("SHOW QUERIES;")[0]["queries"][0]["statusCount"], {"RUNNING": 2})
            self.assertEqual(self.ask(server, f"SELECT * FROM T WHERE V >= 0 LIMIT {100 + n};")[0], 200)

        stream = self.nodes[0].stream("/query-stream", {"sql": f"PRINT '{self.name}-who' FROM BEGINNING;"})
        found, end = "", time.monotonic() + 20
        while time.monotonic() < end and not all(found.count(f"LIMIT {100 + n};") == 2 for n in range(2)):  # of who asked, and who was asked
            found += stream.line()
        stream.leave()
        self.assertEqual([found.count(f"LIMIT {100 + n};") for n in range(2)], [2, 2], found)
        self.assertNotIn("/sluice/queries", found)  # what nodes ask each other for a statement that is noted itself


class Encrypted(WithNodes):
    """Nodes whose addresses are https://, and which want to see certificates."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-routing-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        ours = Authority(os.path.join(self.directory, "ours"), "ours")
        with open(ours.path("config"), "a", encoding="utf-8") as config:
            config.write("[node]\nsubjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth, clientAuth\n")
        self.settings = {**Cluster.settings, "ssl.keystore.location": ours.issue("node", "/CN=node", "node"), "ssl.truststore.location": ours.certificate,
                         "ssl.client.authentication": "REQUIRED"}
        super().setUp()

    def node(self, **settings):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return super().node(listeners=f"http://127.0.0.1:0,https://127.0.0.1:{port}", **{"ksql.advertised.listener": f"https://127.0.0.1:{port}"})

    def test_parts_come_encrypted(self):
        self.make_tables(range(20))
        self.await_rows(range(20))
        for server in self.nodes:
            self.nodes_know_each_other(server)


class Limits(WithNodes):
    count = 1

    def test_a_part_does_not_count_at_the_node_that_is_asked(self):
        self.make_tables(range(40))
        closed = self.node(**{"ksql.query.pull.max.qps": "0"})
        self.nodes.append(closed)
        a = self.nodes[0]
        wait_until(lambda: self.ask_here(a)[0] == 503, PATIENCE, "a share of the slots for the second node")
        self.await_scan(a, sorted([f"key {n}", 1, n] for n in range(40)))
        for properties in ({}, {"request.ksql.query.pull.skip.forwarding": True}):
            status, answer = self.ask(closed, "SELECT * FROM T;", requestProperties=properties)
            self.assertEqual((status, answer["error_code"]), (429, 42900), answer)
        status, body, _ = closed.post("/query", {"ksql": "SELECT * FROM T;"}, {"Sluice-Node": "somebody 0123456789abcdef"})
        self.assertEqual(status, 429, body)


class Cluster(WithNodes):
    settings = {"ksql.heartbeat.enable": "true", "ksql.lag.reporting.enable": "true", "ksql.lag.reporting.send.interval.ms": "200",
                "ksql.heartbeat.missed.threshold.ms": "10"}

    def status(self, server):
        code, body, _ = server.get("/clusterStatus")
        self.assertEqual(code, 200, body)
        return json.loads(body)["clusterStatus"]

    def test_status(self):
        self.make_tables(range(20))
        self.await_rows(range(20))
        hosts = sorted(f"127.0.0.1:{server.port}" for server in self.nodes)
        group = f"_confluent-ksql-{self.name}query_"
        t, w = sorted(q["id"] for q in self.nodes[0].ok("SHOW QUERIES;")[0]["queries"])

        def lags_of(status):
            return {(store, partition): lag for host in status.values()
                    for store, lags in host["hostStoreLags"]["stateStoreLags"].items() for partition, lag in lags["lagByPartition"].items()}

        for server in self.nodes:
            wait_until(lambda: len(lags_of(self.status(server))) == 2 * PARTITIONS, PATIENCE, "the lags of both tables")
            wait_until(lambda: all(lag["offsetLag"] == 0 for lag in lags_of(self.status(server)).values()), PATIENCE, "no lag")
            status = self.status(server)
            self.assertEqual(sorted(status), hosts)
            self.assertTrue(all(host["hostAlive"] for host in status.values()))
            self.assertTrue(all(abs(time.time() * 1000 - host["lastStatusUpdateMs"]) < 10000 for host in status.values()))
            for query in (t, w):
                shares = [host["activeStandbyPerQuery"][query] for host in status.values()]
                self.assertEqual(sorted(p["partition"] for share in shares for p in share["activePartitions"]), list(range(PARTITIONS)))
                self.assertEqual({p["topic"] for share in shares for p in share["activePartitions"]}, {f"{self.name}-s"})
                self.assertTrue(all(share["activeStores"] == [query.split("_")[1]] and share["standByStores"] == [] for share in shares), shares)
            self.assertEqual({store for store, _ in lags_of(status)}, {f"{group}{t}#T", f"{group}{w}#W"})
            ends = [lag["endOffsetPosition"] for (store, _), lag in lags_of(status).items() if store.endswith("#T")]
            self.assertGreaterEqual(sum(ends), 20)

    def test_a_node_that_is_not_heard(self):
        self.make_tables(range(20))
        self.await_rows(range(20))
        a, b = self.nodes
        name = f"127.0.0.1:{b.port}"
        wait_until(lambda: self.status(a)[name]["hostAlive"], PATIENCE, "the other node's heartbeat")
        b.process.send_signal(signal.SIGSTOP)
        self.addCleanup(lambda: b.process is None or b.process.send_signal(signal.SIGCONT))
        wait_until(lambda: not self.status(a)[name]["hostAlive"], PATIENCE, "its silence")
        self.assertTrue(self.status(a)[f"127.0.0.1:{a.port}"]["hostAlive"])
        b.process.send_signal(signal.SIGCONT)
        wait_until(lambda: self.status(a)[name]["hostAlive"], PATIENCE, "its return")

    def test_only_nodes_are_listened_to(self):
        beat = {"hostInfo": {"host": "127.0.0.1", "port": self.nodes[1].port}, "timestamp": 1}
        for path in ("/heartbeat", "/lag"):
            for headers in ({}, {"Sluice-Node": "x"}, {"Sluice-Node": "x y"}):
                status, body, _ = self.nodes[0].post(path, beat, headers)
                self.assertEqual((status, json.loads(body)["error_code"]), (403, 40300), body)


class Alone(unittest.TestCase):
    """On the embedded log there is one node."""

    def test_it_lists_itself(self):
        with Server(BINARY, {"ksql.heartbeat.enable": "true", "ksql.lag.reporting.enable": "true", "ksql.lag.reporting.send.interval.ms": "100"}) as server:
            server.ok("CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=2);"
                      "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K; INSERT INTO S VALUES ('a', 1);")

            def lags():
                status = json.loads(server.get("/clusterStatus")[1])["clusterStatus"]
                self.assertEqual(list(status), [f"127.0.0.1:{server.port}"])
                return [lag for store in status[f"127.0.0.1:{server.port}"]["hostStoreLags"]["stateStoreLags"].values() for lag in store["lagByPartition"].values()]
            wait_until(lambda: sorted(lag["endOffsetPosition"] for lag in lags()) == [0, 1], 10, "the changelog's record")
            wait_until(lambda: all(lag["offsetLag"] == 0 for lag in lags()), 10, "no lag")


if __name__ == "__main__":
    if not BOOTSTRAP:
        sys.exit("SLUICE_TEST_BOOTSTRAP is not set: these tests need a broker")
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
