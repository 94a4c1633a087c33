#!/usr/bin/env python3
"""Several nodes of one service on a real Kafka: commands that one node appends are carried out on all, in one order; partitions are shared out
and taken over; a command topic that is away is waited for.

usage: nodes_test.py PATH-TO-SLUICE [test...]        the broker's address is in SLUICE_TEST_BOOTSTRAP
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
BOOTSTRAP = os.environ.get("SLUICE_TEST_BOOTSTRAP", "")
KAFKA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka.sh")
PARTITIONS = 8
PATIENCE = 60  # seconds; what is waited for takes one or two


class WithNodes(unittest.TestCase):
    """Results are compared exactly under exactly_once_v2 alone; at_least_once promises that nothing is missing."""
    bootstrap = BOOTSTRAP
    guarantee = "exactly_once_v2"

    def setUp(self):
        self.name = "n" + uuid.uuid4().hex[:10]  # of the service and, first, of its topics
        self.a, self.b = self.node(), self.node()

    def node(self, start=True):
        server = Server(BINARY, {"bootstrap.servers": self.bootstrap, "ksql.service.id": self.name,
                                 "ksql.streams.processing.guarantee": self.guarantee})
        self.addCleanup(server.close)
        return server.start() if start else server

    def make_query(self, server):
        return server.ok(
            f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});"
            f"CREATE STREAM OUT WITH (kafka_topic='{self.name}-out') AS SELECT K, V * 2 AS W FROM S;")[1]["commandStatus"]["queryId"]

    def insert(self, server, numbers):
        server.ok("".join(f"INSERT INTO S VALUES ('key {n}', {n});" for n in numbers))

    def results(self, server):
        return sorted(w for _, w in server.pull("SELECT K, W FROM OUT;"))

    def await_results(self, server, numbers):
        wanted = sorted(2 * n for n in numbers)

        def there():
            found = self.results(server)
            return (found if self.guarantee == "exactly_once_v2" else sorted(set(found))) == wanted
        wait_until(there, PATIENCE, f"{len(wanted)} records in OUT")

    @staticmethod
    def query_ids(server):
        return [q["id"] for q in server.ok("SHOW QUERIES;")[0]["queries"]]

    @staticmethod
    def state_of(server, query):
        return {q["id"]: q["state"] for q in server.ok("SHOW QUERIES;")[0]["queries"]}.get(query)

    @staticmethod
    def catalog(server):
        """Whatever two nodes must agree on."""
        streams, tables, queries, types = server.ok("SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TYPES;")
        return (sorted((s["name"], s["topic"]) for s in streams["streams"]), sorted((t["name"], t["topic"]) for t in tables["tables"]),
                sorted((q["id"], q["queryString"]) for q in queries["queries"]), sorted(types["types"]))

    def await_level(self, *servers):
        wait_until(lambda: all(self.catalog(s) == self.catalog(servers[0]) for s in servers[1:]), PATIENCE, "one catalog on all nodes")

    @staticmethod
    def partitions_at(server):
        """Partitions of S whose tasks run on this node."""
        summaries = server.ok("DESCRIBE OUT EXTENDED;", requestProperties={"request.ksql.internal.request": True})[0]["sourceDescription"]["queryOffsetSummaries"]
        return sorted(o["partition"] for s in summaries for t in s["topicSummaries"] for o in t["offsets"])

    def await_shares(self):
        """Every partition runs on one of the two nodes, and each has some."""
        def shared():
            at_a, at_b = self.partitions_at(self.a), self.partitions_at(self.b)
            return at_a and at_b and sorted(at_a + at_b) == list(range(PARTITIONS))
        wait_until(shared, PATIENCE, "a share of the partitions for each node")


class Following(WithNodes):
    def test_a_topic_made_just_now(self):
        """Brokers tell each other of a topic: a statement that names it is refused only when it is still unknown a moment later."""
        statement = "CREATE STREAM X (K STRING KEY, V INT) WITH (kafka_topic='{}', value_format='JSON');"
        begun = time.monotonic()
        status, answer = self.a.ksql(statement.format(self.name + "-never"))
        self.assertEqual((status, "does not exist" in answer["message"]), (400, True), answer)
        self.assertLess(time.monotonic() - begun, 5)
        for attempt in range(5):  # a broker that takes its time to make a topic is no failure of this
            answers, topic = [], f"{self.name}-new{attempt}"
            asking = threading.Thread(target=lambda: answers.append(self.a.ksql(statement.format(topic))))
            asking.start()
            time.sleep(0.1)
            self.assertEqual(answers, [])
            record = {"timestamp": 1, "key": "a", "value": "{}"}
            self.assertEqual(self.b.post("/sluice/records", {"topic": topic, "partitions": 1, "records": [record]})[0], 200)
            asking.join()
            if answers[0][0] == 200:
                return
        self.fail(answers)

    def test_both_nodes_run_what_one_was_told(self):
        query = self.make_query(self.a)
        wait_until(lambda: query in self.query_ids(self.b), PATIENCE, "the query on the other node")
        self.await_shares()
        self.insert(self.a, range(40))
        self.await_results(self.b, range(40))

    def test_statements_of_the_other_node(self):
        query = self.make_query(self.a)
        answer = self.b.ok(f"PAUSE {query};")[0]  # it knows the query: it catches up before it looks
        self.assertEqual(answer["commandStatus"]["message"], "Query paused.")
        wait_until(lambda: self.state_of(self.a, query) == "PAUSED", PATIENCE, "the pause on the other node")
        number = self.b.ok(f"RESUME {query};")[0]["commandSequenceNumber"]
        self.a.ok("SHOW QUERIES;", commandSequenceNumber=number)
        self.assertEqual(self.state_of(self.a, query), "RUNNING")
        self.b.ok(f"CREATE OR REPLACE STREAM OUT WITH (kafka_topic='{self.name}-out') AS SELECT K, V * 2 AS W FROM S WHERE V >= 100;")
        self.await_level(self.a, self.b)
        self.assertIn("100", self.a.ok("SHOW QUERIES;")[0]["queries"][0]["queryString"])
        self.await_shares()
        self.insert(self.a, range(90, 130))
        self.await_results(self.a, range(100, 130))
        number = self.b.ok(f"TERMINATE {query};")[0]["commandSequenceNumber"]
        self.assertEqual(self.a.ok("SHOW QUERIES;", commandSequenceNumber=number)[0]["queries"], [])
        number = self.b.ok("DROP STREAM OUT DELETE TOPIC;")[0]["commandSequenceNumber"]
        self.assertEqual([s["name"] for s in self.a.ok("SHOW STREAMS;", commandSequenceNumber=number)[0]["streams"]], ["S"])
        self.assertEqual(json.loads(self.a.get("/status/terminate/" + query + "/execute")[1])["status"], "SUCCESS")

    def test_a_query_is_shown_with_all_its_nodes(self):
        query = self.make_query(self.a)
        self.b.ok("SHOW QUERIES;", commandSequenceNumber=self.a.ok("CREATE TYPE X AS INT;")[0]["commandSequenceNumber"])
        self.await_shares()
        self.insert(self.a, range(40))
        self.await_results(self.a, range(40))
        names = [f"127.0.0.1:{node.port}" for node in (self.a, self.b)]

        def shown(server):
            [entity] = [q for q in server.ok("SHOW QUERIES;")[0]["queries"] if q["id"] == query]
            return entity["statusCount"], entity["state"]
        for server in (self.a, self.b):
            self.assertEqual(shown(server), ({"RUNNING": 2}, "RUNNING"))
            explained = server.ok(f"EXPLAIN {query};")[0]["queryDescription"]
            self.assertEqual(explained["ksqlHostQueryStatus"], dict.fromkeys(names, "RUNNING"))
            described = server.ok("DESCRIBE OUT EXTENDED;")[0]["sourceDescription"]
            self.assertRegex(described["statistics"], r"messages-consumed: +40 +total-messages: +40 ")
            [summary] = described["queryOffsetSummaries"]
            self.assertEqual(sorted(o["partition"] for t in summary["topicSummaries"] for o in t["offsets"]), list(range(PARTITIONS)))
            self.assertEqual(sum(o["logEndOffset"] - o["logStartOffset"] for t in summary["topicSummaries"] for o in t["offsets"]), 40)
            alone = server.ok("SHOW QUERIES;", requestProperties={"request.ksql.internal.request": True})[0]["queries"]
            self.assertEqual([q["statusCount"] for q in alone], [{"RUNNING": 1}])
            analyzed = server.ok(f"EXPLAIN ANALYZE QUERY {query};")[0]["queryDescription"]["operators"]
            self.assertIn(40, [operator["rowsIn"] for operator in analyzed])
        self.b.process.send_signal(signal.SIGSTOP)
        self.addCleanup(lambda: self.b.process is None or self.b.process.send_signal(signal.SIGCONT))
        self.assertEqual(shown(self.a), ({"RUNNING": 1, "UNRESPONSIVE": 1}, "UNRESPONSIVE"))
        self.assertEqual(self.a.ok(f"EXPLAIN {query};")[0]["queryDescription"]["ksqlHostQueryStatus"], {names[0]: "RUNNING", names[1]: "UNRESPONSIVE"})
        self.b.process.send_signal(signal.SIGCONT)
        wait_until(lambda: shown(self.a) == ({"RUNNING": 2}, "RUNNING"), PATIENCE, "its return")

    def test_session_settings_stay_with_the_statement(self):
        self.a.ok(f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});")
        self.insert(self.a, range(20))
        self.a.ok("SET 'auto.offset.reset'='latest'; DEFINE least='30';"
                  f"CREATE STREAM OUT WITH (kafka_topic='{self.name}-out') AS SELECT K, V * 2 AS W FROM S WHERE V >= ${{least}};")
        self.await_level(self.a, self.b)
        self.await_shares()
        self.insert(self.b, range(20, 60))
        self.await_results(self.b, range(30, 60))
        self.assertEqual(self.b.ksql("CREATE STREAM X AS SELECT * FROM S WHERE V > ${least};")[0], 400)

    def test_a_setting_that_one_node_alters(self):
        name, value = "ksql.output.topic.name.prefix", f"{self.name}-p_"
        other = self.node(start=False)
        other.properties["ksql.runtime.feature.shared.enabled"] = "true"
        other.start().ok(f"ALTER SYSTEM '{name}'='{value}';")

        def knows(server):
            return any(p["name"] == name and p["value"] == value for p in server.ok("SHOW PROPERTIES;")[0]["properties"])
        wait_until(lambda: knows(self.a) and knows(self.b), PATIENCE, "the setting on all nodes")
        self.assertEqual(self.a.ksql(f"ALTER SYSTEM '{name}'='';")[0], 400)  # there it is not switched on

    def test_a_command_means_what_it_meant(self):
        """What has become of a topic meanwhile is nothing to a node that comes later."""
        def create(kind, name, key, partitions):
            return (f"CREATE {kind} {name} (K STRING {key}, V INT) "
                    f"WITH (kafka_topic='{self.name}-{name}', value_format='JSON', partitions={partitions});")
        self.a.ok(create("STREAM", "L", "KEY", 3) + create("TABLE", "R", "PRIMARY KEY", 3) +
                  f"CREATE STREAM JOINED WITH (kafka_topic='{self.name}-j') AS SELECT L.K, R.V FROM L JOIN R ON L.K = R.K;"
                  "DROP STREAM JOINED; DROP TABLE R DELETE TOPIC; DROP STREAM L DELETE TOPIC;")
        self.a.ok(create("STREAM", "L", "KEY", 5))
        late = self.node()
        self.await_level(self.a, self.b, late)
        self.assertEqual([s["name"] for s in late.ok("SHOW STREAMS;")[0]["streams"]], ["L"])
        self.assertNotIn("failed", late.log())


class Together(WithNodes):
    def test_many_clients_on_both(self):
        self.make_query(self.a)
        answers, lock = [], threading.Lock()

        def client(server, number):
            for i in range(5):
                mine, contended = f"OWN_{number}_{i}", f"SHARED_{i}"
                for name in (mine, contended):
                    for _ in range(5):  # a broker with too much to do may fail a transaction: a client asks again
                        status, answer = server.ksql(f"CREATE STREAM {name} WITH (kafka_topic='{self.name}-{name}') AS SELECT * FROM S;")
                        if status != 500:
                            break
                    with lock:
                        answers.append((name, status, answer))

        clients = [threading.Thread(target=client, args=((self.a, self.b)[n % 2], n)) for n in range(4)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        made = sorted(name for name, status, _ in answers if status == 200)
        self.assertEqual(made, sorted([f"OWN_{n}_{i}" for n in range(4) for i in range(5)] + [f"SHARED_{i}" for i in range(5)]),
                         [a for a in answers if a[1] != 200])
        refused = [answer for _, status, answer in answers if status != 200]
        self.assertTrue(all("already exists" in answer["message"] for answer in refused), refused)
        self.await_level(self.a, self.b)
        ids = {answer[0]["commandStatus"]["queryId"] for _, status, answer in answers if status == 200}
        self.assertEqual(set(self.query_ids(self.b)), ids | {"CSAS_OUT_1"})
        before = self.catalog(self.a)
        self.a.stop()
        self.a.start()
        self.assertEqual(self.catalog(self.a), before)


class Failures(WithNodes):
    def test_a_node_dies_and_comes_back(self):
        self.make_query(self.a)
        self.await_level(self.a, self.b)
        self.await_shares()
        self.insert(self.a, range(20))
        self.await_results(self.b, range(20))
        self.a.stop(signal.SIGKILL)
        self.b.ok(f"CREATE STREAM MEANWHILE WITH (kafka_topic='{self.name}-m') AS SELECT * FROM OUT; CREATE TYPE A AS STRUCT<X INT>;")
        self.insert(self.b, range(20, 60))
        self.await_results(self.b, range(60))
        wait_until(lambda: self.partitions_at(self.b) == list(range(PARTITIONS)), PATIENCE, "all partitions on the node that is left")
        self.a.start()
        self.assertEqual(self.catalog(self.a), self.catalog(self.b))
        self.await_shares()
        self.insert(self.a, range(60, 100))
        self.await_results(self.a, range(100))

    def test_a_node_dies_and_nothing_is_missing(self):
        """What was written and not committed is written again."""
        self.guarantee = "at_least_once"
        for node in (self.a, self.b):
            node.stop()
            node.properties["ksql.streams.processing.guarantee"] = self.guarantee
            node.start()
        self.make_query(self.a)
        self.await_level(self.a, self.b)
        self.await_shares()
        self.insert(self.a, range(20))
        self.a.stop(signal.SIGKILL)
        self.insert(self.b, range(20, 60))
        self.await_results(self.b, range(60))

    def test_a_command_of_a_later_version(self):
        number = self.a.ok("CREATE TYPE A AS STRUCT<X INT>;")[0]["commandSequenceNumber"]
        self.b.ok("SHOW TYPES;", commandSequenceNumber=number)  # the end of the transaction is in the topic, too: no other server writes before it
        self.append_command(self.b, {"statement": "CREATE TYPE C AS STRUCT<X INT>;", "streamsProperties": {}, "version": 1000})
        for server in (self.a, self.b):
            wait_until(lambda: json.loads(server.get("/info")[1])["KsqlServerInfo"]["serverStatus"] == "DEGRADED", PATIENCE)
            status, answer = server.ksql("CREATE TYPE B AS STRUCT<X INT>;")
            self.assertEqual((status, answer["error_code"]), (500, 50000))
            self.assertIn("incompatible entry in its log", answer["message"])
            self.assertEqual(sorted(server.ok("SHOW TYPES;")[0]["types"]), ["A"])
        self.a.stop()
        self.a.start()
        self.assertEqual(sorted(self.a.ok("SHOW TYPES;")[0]["types"]), ["A"])

    def append_command(self, server, command):
        topic = f"_confluent-ksql-{self.name}_command_topic"
        record = json.dumps("type/C/create") + "|" + json.dumps(command)  # as another node does: no server writes it for a client
        subprocess.run([BINARY, "feed", "--bootstrap-servers", server.properties["bootstrap.servers"], "--topic", topic, "--key-separator", "|", "-"],
                       input=record + "\n", text=True, check=True, capture_output=True)


class Ending(WithNodes):
    def test_nodes_stop_after_the_end_of_the_service(self):
        """The command topic is deleted while both read it, of which librdkafka never ends a client; no node waits for that."""
        self.make_query(self.a)
        self.insert(self.a, range(20))
        self.await_results(self.a, range(20))
        self.await_level(self.a, self.b)
        status, *answer = self.a.post("/ksql/terminate", {"deleteTopicList": [f"{self.name}-.*"]}, timeout=PATIENCE)
        self.assertEqual(status, 200, answer)
        time.sleep(1)  # for the clients to hear of it
        for node in (self.a, self.b):
            self.assertEqual(node.stop(seconds=10), 0)


class Unavailable(unittest.TestCase):
    """On a broker of its own, which goes away."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-broker-")
        self.addCleanup(self.remove)
        host, port = BOOTSTRAP.rsplit(":", 1)
        self.port = int(port) + 2
        self.bootstrap = f"{host}:{self.port}"
        self.kafka("start", str(self.port), self.directory)

    def remove(self):
        self.kafka("wipe", self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def kafka(*arguments):
        subprocess.run([KAFKA, *arguments], check=True, stdout=subprocess.DEVNULL)

    def test_a_broker_that_goes_away(self):
        with Server(BINARY, {"bootstrap.servers": self.bootstrap, "ksql.service.id": "away"}) as a:
            a.ok("CREATE TYPE A AS STRUCT<X INT>; CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
                 "INSERT INTO S VALUES ('a', 1);")
            self.kafka("stop", self.directory)
            insert = threading.Thread(target=a.ksql, args=("INSERT INTO S VALUES ('b', 2);",), kwargs={"timeout": 2 * PATIENCE})
            insert.start()
            self.assertEqual(len(a.ok("SHOW STREAMS;")[0]["streams"]), 1)
            self.assertTrue(insert.is_alive())  # it waits for the broker, others do not wait for it
            status, answer = a.ksql("CREATE TYPE B AS STRUCT<X INT>;")
            self.assertEqual((status, answer["error_code"]), (500, 50000), answer)
            self.assertIn("The command topic is not available", answer["message"])
            self.assertEqual(sorted(a.ok("SHOW TYPES;")[0]["types"]), ["A"])
            with_b = Server(BINARY, {"bootstrap.servers": self.bootstrap, "ksql.service.id": "away"})
            self.addCleanup(with_b.close)
            with_b.start(ready=False)
            status, body, _ = with_b.get("/info")
            self.assertEqual((status, json.loads(body)["error_code"]), (503, 50302))
            self.kafka("start", str(self.port), self.directory)
            wait_until(lambda: a.ksql("CREATE TYPE IF NOT EXISTS B AS STRUCT<X INT>;")[0] == 200, PATIENCE, "the broker's return")
            wait_until(lambda: with_b.get("/info")[0] == 200, PATIENCE, "the second node")
            insert.join()
            wait_until(lambda: sorted(with_b.ok("SHOW TYPES;")[0]["types"]) == ["A", "B"], PATIENCE, "the types on the second node")

    def test_a_query_goes_on_exactly_once(self):
        """The broker is away for longer than a worker's first tries, while records come in."""
        properties = {"bootstrap.servers": self.bootstrap, "ksql.service.id": "once", "ksql.streams.processing.guarantee": "exactly_once_v2"}
        with Server(BINARY, properties) as a:
            a.ok("CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=2);"
                 "CREATE STREAM OUT AS SELECT K, V FROM S; CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
            now = int(time.time() * 1000)  # what is old would be deleted by its age
            records = [{"timestamp": now, "key": f"key {n}", "value": json.dumps({"V": n})} for n in range(2000)]

            def send(some):
                answer = a.post("/sluice/records", {"topic": "s", "partitions": 2, "records": some}, timeout=2 * PATIENCE)
                self.assertEqual(answer[0], 200, answer[1])

            def states():
                return {q["state"] for q in a.ok("SHOW QUERIES;")[0]["queries"]}

            send(records[:500])
            wait_until(lambda: len(a.pull("SELECT * FROM T;")) > 0, PATIENCE, "a first result")
            send(records[500:1000])
            self.kafka("stop", self.directory)  # some are read and not committed, or committed and not answered
            late = threading.Thread(target=send, args=(records[1000:],))
            late.start()
            wait_until(lambda: json.loads(a.get("/healthcheck")[1])["isHealthy"] is False, PATIENCE, "a health check that knows")
            self.assertEqual(a.get("/info")[0], 200)
            status, answer = a.ksql("CREATE TYPE B AS STRUCT<X INT>;")
            self.assertEqual((status, answer["error_code"]), (500, 50000), answer)
            self.assertRegex(answer["message"], f"Kafka at {self.bootstrap} does not answer: .+")  # whichever of its sockets noticed first
            start = len(a.log())
            self.kafka("start", str(self.port), self.directory)
            a.await_log("(Kafka answers again)", start, PATIENCE)
            late.join()
            wait_until(lambda: len(a.pull("SELECT * FROM OUT;")) >= 2000, 2 * PATIENCE, "all results")
            wait_until(lambda: states() == {"RUNNING"}, PATIENCE, "running queries")
            wait_until(lambda: len(a.pull("SELECT * FROM T;")) == 2000, PATIENCE, "all keys")
            self.assertEqual(sorted(v for _, v in a.pull("SELECT * FROM OUT;")), list(range(2000)))
            self.assertEqual({n for _, n in a.pull("SELECT K, N FROM T;")}, {1})
            warnings = [line.split(" ", 1)[1] for line in a.log().splitlines() if "WARN" in line]
            self.assertLess(len(warnings), 60, a.log())

    def test_a_server_that_was_first(self):
        self.kafka("stop", self.directory)
        with open(os.path.join(self.directory, "job.sql"), "w", encoding="utf-8") as file:
            file.write("CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='first-s', value_format='JSON', partitions=1);"
                       "CREATE STREAM OUT WITH (kafka_topic='first-out') AS SELECT K, V FROM S;")
        run = subprocess.Popen([BINARY, "run", "--bootstrap-servers", self.bootstrap, file.name], stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait, PATIENCE)
        self.addCleanup(run.kill)
        server = Server(BINARY, {"bootstrap.servers": self.bootstrap, "ksql.service.id": "first"})
        self.addCleanup(server.close)
        server.start(ready=False)
        server.await_log("(the command topic is not available)", 0, PATIENCE)
        self.kafka("start", str(self.port), self.directory)
        wait_until(lambda: server.get("/info")[0] == 200, PATIENCE, "the server")
        server.ok("CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='first-s', value_format='JSON', partitions=1);"
                  "INSERT INTO S VALUES ('a', 1);")
        wait_until(lambda: "first-out" in [t["name"] for t in server.ok("SHOW TOPICS;")[0]["topics"]], PATIENCE, "the topic of the file's query")
        server.ok("CREATE STREAM OUT (K STRING KEY, V INT) WITH (kafka_topic='first-out', value_format='JSON');")
        wait_until(lambda: server.pull("SELECT * FROM OUT;") == [["a", 1]], PATIENCE, "the result of the file's query")

    def test_a_start_that_waits_can_be_stopped(self):
        self.kafka("stop", self.directory)
        server = Server(BINARY, {"bootstrap.servers": self.bootstrap, "ksql.service.id": "away"})
        self.addCleanup(server.close)
        server.start(ready=False)
        server.await_log("(the command topic is not available)", 0, PATIENCE + 60)
        self.assertEqual(server.stop(seconds=PATIENCE + 60), 0)


if __name__ == "__main__":
    if not BOOTSTRAP:
        sys.exit("SLUICE_TEST_BOOTSTRAP is not set: these tests need a broker")
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
