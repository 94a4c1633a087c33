#!/usr/bin/env python3
"""Read your writes: whoever inserts and asks at once sees what was inserted, in each of many rounds.

usage: consistency_test.py PATH-TO-SLUICE [test...]       on the embedded log; on Kafka with SLUICE_TEST_BOOTSTRAP
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
BOOTSTRAP = os.environ.get("SLUICE_TEST_BOOTSTRAP", "")
ROUNDS = 100
HEADER = "Sluice-Consistency-Token"
FIELD = "request.ksql.query.pull.consistency.token"


def server_properties():
    """Defaults, but for names of our own on a broker that others use, too."""
    name = "ryw" + uuid.uuid4().hex[:10]
    properties = {"ksql.streams.cache.max.bytes.buffering": "10000000", "ksql.streams.commit.interval.ms": "2000",
                  "sluice.query.pull.wait.ms": "18000"}  # a broker on a busy machine may take seconds for a commit; the client waits for 20
    if BOOTSTRAP:
        properties.update({"bootstrap.servers": BOOTSTRAP, "ksql.service.id": name})
    return name, properties


class Session:
    """A client that carries its token, and nothing else."""

    def __init__(self, server):
        self.server, self.token = server, None

    def post(self, path, document, **headers):
        if self.token is not None:
            document["requestProperties"] = {FIELD: self.token}
        status, body, response = self.server.post(path, document, headers)
        self.token = response.headers.get(HEADER, self.token)
        return status, body

    def run(self, text):
        status, body = self.post("/ksql", {"ksql": text})
        assert status == 200, (text, body)
        return json.loads(body)

    def ask(self, text, properties=None):
        status, body = self.post("/query", {"ksql": text, "streamsProperties": properties or {}})
        return status, json.loads(body)

    def rows(self, text, properties=None):
        status, elements = self.ask(text, properties)
        assert status == 200 and not any("errorMessage" in e for e in elements), (text, elements)
        return [e["row"]["columns"] for e in elements if "row" in e]


class WithServer(unittest.TestCase):
    def setUp(self):
        self.name, properties = server_properties()
        self.server = Server(BINARY, properties)
        self.addCleanup(self.server.close)
        self.server.start()
        self.session = Session(self.server)
        self.session.run(f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions=3);")


class Rounds(WithServer):
    def test_an_aggregate(self):
        self.session.run(f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N, SUM(V) AS TOTAL FROM S GROUP BY K;")
        for n in range(1, ROUNDS + 1):
            self.session.run(f"INSERT INTO S VALUES ('k{n % 7}', {n});")
            expected = [i for i in range(1, n + 1) if i % 7 == n % 7]
            self.assertEqual(self.session.rows(f"SELECT N, TOTAL FROM T WHERE K = 'k{n % 7}';"), [[len(expected), sum(expected)]])
        self.assertEqual(sum(n for n, in self.session.rows("SELECT N FROM T;")), ROUNDS)

    def test_a_join(self):
        self.session.run(f"CREATE TABLE D (ID STRING PRIMARY KEY, NAME STRING) WITH (kafka_topic='{self.name}-d', value_format='JSON', partitions=3);"
                         f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT NAME, COUNT(*) AS N FROM S JOIN D ON S.K = D.ID GROUP BY NAME;")
        for n in range(1, ROUNDS + 1):
            self.session.run(f"INSERT INTO D VALUES ('k{n}', 'name {n}');")
            self.session.rows("SELECT * FROM T WHERE NAME = 'nobody';")  # the table's row is there before the stream's
            self.session.run(f"INSERT INTO S VALUES ('k{n}', {n});")
            self.assertEqual(self.session.rows(f"SELECT N FROM T WHERE NAME = 'name {n}';"), [[1]])

    def test_a_foreign_key_join(self):
        self.session.run(f"CREATE TABLE L (ID INT PRIMARY KEY, R STRING) WITH (kafka_topic='{self.name}-l', value_format='JSON', partitions=3);"
                         f"CREATE TABLE R (ID STRING PRIMARY KEY, V INT) WITH (kafka_topic='{self.name}-r', value_format='JSON', partitions=3);"
                         f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT L.ID AS ID, R.V AS V FROM L JOIN R ON L.R = R.ID;")
        for n in range(1, ROUNDS + 1):
            rows = [f"INSERT INTO L VALUES ({n}, 'r{n}');", f"INSERT INTO R VALUES ('r{n}', {n});"]
            self.session.run("".join(rows if n % 2 else rows[::-1]))
            self.assertEqual(self.session.rows(f"SELECT V FROM T WHERE ID = {n};"), [[n]])

    def test_queries_in_a_chain(self):
        self.session.run(f"CREATE STREAM A WITH (kafka_topic='{self.name}-a') AS SELECT V, K FROM S PARTITION BY V;"
                         f"CREATE STREAM B WITH (kafka_topic='{self.name}-b') AS SELECT V, K, V * 2 AS W FROM A;"
                         f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N, MAX(W) AS W FROM B GROUP BY K;")
        for n in range(1, ROUNDS + 1):
            self.session.run(f"INSERT INTO S VALUES ('k', {n});")
            self.assertEqual(self.session.rows("SELECT N, W FROM T WHERE K = 'k';"), [[n, 2 * n]])
            if n % 10 == 0:
                self.assertEqual(len(self.session.rows("SELECT V FROM B;")), n)

    def test_exactly_once(self):
        self.session.run(f"SET 'processing.guarantee' = 'exactly_once_v2';"
                         f"CREATE STREAM A WITH (kafka_topic='{self.name}-a') AS SELECT V, K FROM S PARTITION BY V;"
                         f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N FROM A GROUP BY K;")
        for n in range(1, ROUNDS + 1):
            self.session.run(f"INSERT INTO S VALUES ('k', {n});")
            self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';"), [[n]])
            self.assertEqual(len(self.session.rows("SELECT V FROM A;")), n)

    def test_a_query_that_was_just_made(self):
        for n in range(1, 11):
            self.session.run(f"SET 'auto.offset.reset' = 'earliest'; INSERT INTO S VALUES ('k', {n});"
                             f"CREATE TABLE T{n} WITH (kafka_topic='{self.name}-t{n}') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
            self.assertEqual(self.session.rows(f"SELECT N FROM T{n} WHERE K = 'k';"), [[n]])


class Tokens(WithServer):
    TABLE = "CREATE TABLE T WITH (kafka_topic='{0}-t') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"

    def setUp(self):
        super().setUp()
        self.session.run(self.TABLE.format(self.name))

    def test_who_inserts_nothing_has_none(self):
        self.assertIsNone(self.session.token)
        self.session.rows("SELECT * FROM T;")
        self.assertIsNone(self.session.token)

    def test_the_time_is_limited(self):
        query = self.session.run("SHOW QUERIES;")[0]["queries"][0]["id"]
        self.session.run("INSERT INTO S VALUES ('k', 1);")
        self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';"), [[1]])
        self.session.run(f"PAUSE {query};")
        time.sleep(0.2)
        self.session.run("INSERT INTO S VALUES ('k', 2);")
        start = time.monotonic()
        status, error = self.session.ask("SELECT N FROM T WHERE K = 'k';")
        self.assertLess(time.monotonic() - start, 3)  # a paused query is not waited for
        self.assertEqual((status, error["error_code"]), (503, 50301))
        self.assertIn(f"the query {query} is paused", error["message"])
        self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';", {"sluice.query.pull.wait.ms": 0}), [[1]])
        self.assertEqual(Session(self.server).rows("SELECT N FROM T WHERE K = 'k';"), [[1]])  # another's business
        self.session.run(f"RESUME {query};")
        self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';"), [[2]])

    def test_other_partitions_are_not_waited_for(self):
        """A token asks for what is read, and a key is in one partition."""
        self.session.run("INSERT INTO S VALUES ('k', 1);")
        self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';"), [[1]])
        query = self.session.run("SHOW QUERIES;")[0]["queries"][0]["id"]
        self.session.run(f"PAUSE {query};")
        time.sleep(0.2)
        for n in range(12):
            self.session.token = None
            self.session.run(f"INSERT INTO S VALUES ('other {n}', 1);")
            partitions = self.session.token.rsplit(":", 1)[1]
            status, _ = self.session.ask("SELECT N FROM T WHERE K = 'k';")
            self.assertEqual(self.session.ask(f"SELECT N FROM T WHERE K = 'other {n}';")[0], 503)
            self.assertEqual(self.session.ask("SELECT N FROM T;")[0], 503)
            if status == 200:
                return
        self.fail("all keys are in one partition: " + partitions)

    def test_answers_end_with_one(self):
        want = {"ksql.query.pull.consistency.token.enabled": True}
        self.session.run("INSERT INTO S VALUES ('k', 1);")
        _, elements = self.session.ask("SELECT N FROM T WHERE K = 'k';", want)
        self.assertEqual(elements[1], {"row": {"columns": [1]}})
        token = elements[-1]["consistencyToken"]["consistencyToken"]
        self.assertEqual(token, self.session.token)
        self.assertTrue(token.startswith("sluice1;"))
        for accept, last in (("application/vnd.ksqlapi.delimited.v1", lambda body: json.loads(body.splitlines()[-1])),
                             ("application/json", lambda body: json.loads(body)[-1])):
            status, body = self.session.post("/query-stream", {"sql": "SELECT N FROM T WHERE K = 'k';", "properties": want}, Accept=accept)
            self.assertEqual((status, last(body)), (200, {"consistencyToken": token}))

    def test_a_strange_one_is_ignored_and_a_damaged_one_refused(self):
        for token in ("", "AAEC", '{"version":3}'):
            self.session.token = token
            self.assertEqual(self.session.rows("SELECT N FROM T WHERE K = 'k';"), [])
        for token in ("sluice1;s", "sluice1;s:x=1", "sluice1;s:0=-1"):
            self.session.token = token
            status, error = self.session.ask("SELECT N FROM T WHERE K = 'k';")
            self.assertEqual((status, error["error_code"]), (400, 40000))

    def test_inserts_stream(self):
        body = json.dumps({"target": "S", "requestProperties": {FIELD: ""}}) + "\n" + "".join(json.dumps({"K": f"k{n}", "V": n}) + "\n" for n in range(50))
        status, answer, _ = self.server.request("POST", "/inserts-stream", body, {})
        acks = [json.loads(line) for line in answer.splitlines()]
        self.assertEqual((status, len(acks)), (200, 50))
        self.session.token = acks[-1]["consistencyToken"]
        self.assertEqual(len(self.session.rows("SELECT N FROM T;")), 50)
        status, answer, _ = self.server.request("POST", "/inserts-stream", '{"target":"S"}\n{"K":"k","V":1}\n', {})
        self.assertEqual(json.loads(answer), {"status": "ok", "seq": 0})

    @unittest.skipIf(BOOTSTRAP, "hundreds of partitions are much for a small broker")
    def test_a_long_one_fits(self):
        """Up to some kilobytes of a header; what would be longer stands for everything."""
        self.session.run("CREATE STREAM W (K STRING KEY, V INT) WITH (kafka_topic='wide', value_format='JSON', partitions=1000);"
                         "CREATE TABLE X AS SELECT V, COUNT(*) AS N FROM W GROUP BY V;")
        longest = rounds = 0
        while not self.session.token or not self.session.token.endswith("*"):
            rounds += 1
            self.session.run("".join(f"INSERT INTO W VALUES ('{rounds} {n}', 1);" for n in range(250)))
            self.assertEqual(self.session.rows("SELECT N FROM X WHERE V = 1;"), [[250 * rounds]])
            longest = max(longest, len(self.session.token))
            self.assertLess(rounds, 40)
        self.assertGreater(longest, 3000)
        self.assertLessEqual(longest, 6000)

    def test_a_topic_made_anew(self):
        self.session.run("".join(f"INSERT INTO S VALUES ('k', {n});" for n in range(20)))
        self.assertEqual(self.session.rows("SELECT N FROM T;"), [[20]])
        self.session.run("DROP TABLE T DELETE TOPIC; DROP STREAM S DELETE TOPIC;")
        time.sleep(1 if BOOTSTRAP else 0)
        self.session.run(f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions=3);"
                         + self.TABLE.format(self.name) + "INSERT INTO S VALUES ('k', 1);")
        self.assertEqual(self.session.rows("SELECT N FROM T;"), [[1]])


@unittest.skipIf(BOOTSTRAP, "the engine of the shell is on the embedded log")
class Shell(unittest.TestCase):
    README = pathlib.Path(__file__).resolve().parents[2] / "README.md"

    def script(self, folder):
        """The README's own example, up to the query that has no end."""
        text = re.search(r"```sql\n(.*?)```", self.README.read_text(encoding="utf-8"), re.S).group(1)
        self.assertIn("INSERT INTO", text)
        path = os.path.join(folder, "job.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in text.splitlines() if not re.match("SELECT.*EMIT CHANGES", line)))
        return path

    def run_shell(self, folder, *arguments):
        done = subprocess.run([BINARY, "sql", "-X", "--csv", *arguments], capture_output=True, timeout=60, cwd=folder,
                              env={**{k: v for k, v in os.environ.items() if k != "SLUICE_URL"}, "XDG_CONFIG_HOME": folder})
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return [line for line in done.stdout.decode().splitlines() if line.startswith("Oslo,")]

    def test_the_readmes_example(self):
        for n in range(20):
            with tempfile.TemporaryDirectory() as folder:
                script = self.script(folder)
                rows = self.run_shell(folder, script) if n % 2 else self.run_shell(folder, "-f", script, os.path.join(folder, "data"))
                self.assertEqual(len(rows), 1)
                self.assertTrue(rows[0].endswith(",1"), rows)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))  # one test has a working directory of its own
    unittest.main(verbosity=2)
