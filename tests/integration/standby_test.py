#!/usr/bin/env python3
"""Standbys: nodes that follow the changelogs of what another node has. They are read when that one cannot be, within the lag that is allowed, and
go on from where they are when it is gone: nothing is restored from the beginning, and nothing counts twice.

usage: standby_test.py PATH-TO-SLUICE [test...]        the broker's address is in SLUICE_TEST_BOOTSTRAP; SLUICE_TEST_SEED repeats a random walk
"""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
BOOTSTRAP = os.environ.get("SLUICE_TEST_BOOTSTRAP", "")
PARTITIONS = 8
PATIENCE = 60  # seconds; what is waited for takes one or two, a node that died ten
STANDBYS = {"ksql.query.pull.enable.standby.reads": True}


class WithStandbys(unittest.TestCase):
    """T counts per key, W per key and window, E per session, H per value through a repartition topic, J what a stream-stream join has found, L what a
    table was looked up for; D is a table of its own, with a row per key."""
    count = 3
    replicas = 1
    more = False
    settings = {}

    def setUp(self):
        self.name = "y" + uuid.uuid4().hex[:10]
        self.nodes = [self.node() for _ in range(self.count)]
        self.counts = {}

    def node(self):
        server = Server(BINARY, {"bootstrap.servers": BOOTSTRAP, "ksql.service.id": self.name, "ksql.streams.processing.guarantee": "exactly_once_v2",
                                 "ksql.streams.num.standby.replicas": str(self.replicas), "ksql.heartbeat.enable": "true",
                                 "ksql.lag.reporting.enable": "true", "ksql.lag.reporting.send.interval.ms": "200",
                                 "ksql.heartbeat.missed.threshold.ms": "10", **self.settings})
        self.addCleanup(server.close)
        return self.start(server)

    @staticmethod
    def start(server):
        server.start(ready=False)
        wait_until(lambda: server.get("/info")[0] == 200, PATIENCE, "a node that is ready")
        return server

    def make_tables(self):
        number = self.nodes[0].ok(
            f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});"
            f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"
            f"CREATE TABLE W WITH (kafka_topic='{self.name}-w') AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1000 DAYS) GROUP BY K;"
            f"CREATE TABLE H WITH (kafka_topic='{self.name}-h') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;"
            f"CREATE SOURCE TABLE D (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='{self.name}-d', value_format='JSON', partitions={PARTITIONS});"
            + (self.MORE.format(name=self.name, partitions=PARTITIONS) if self.more else ""), timeout=120
        )[-1]["commandSequenceNumber"]
        for node in self.nodes:
            node.ok("SHOW QUERIES;", commandSequenceNumber=number, timeout=60)

    MORE = """CREATE TABLE E WITH (kafka_topic='{name}-e') AS SELECT K, COUNT(*) AS N FROM S WINDOW SESSION (1000 DAYS) GROUP BY K;
        CREATE STREAM P (K STRING KEY, X INT) WITH (kafka_topic='{name}-p', value_format='JSON', partitions={partitions});
        CREATE STREAM SP WITH (kafka_topic='{name}-sp') AS SELECT S.K AS K, P.X AS X FROM S JOIN P WITHIN 1000 DAYS ON S.K = P.K;
        CREATE TABLE J WITH (kafka_topic='{name}-j') AS SELECT K, COUNT(*) AS N FROM SP GROUP BY K;
        CREATE TABLE DT (K STRING PRIMARY KEY, V INT) WITH (kafka_topic='{name}-d', value_format='JSON');
        CREATE TABLE L WITH (kafka_topic='{name}-l') AS SELECT DT.V AS V, COUNT(*) AS N FROM S JOIN DT ON S.K = DT.K GROUP BY DT.V;"""

    def insert(self, node, keys, times=1):
        for _ in range(times):
            node.ok("".join(f"INSERT INTO S VALUES ('key {k}', {k % 10});" for k in keys))
        for k in keys:
            self.counts[k] = self.counts.get(k, 0) + times

    def set_rows(self, node, keys, value):
        records = [{"key": f"key {k}", "value": json.dumps({"V": value})} for k in keys]
        status, body, _ = node.post("/sluice/records", {"topic": f"{self.name}-d", "partitions": PARTITIONS, "records": records})
        self.assertEqual(status, 200, body)

    @staticmethod
    def ask(node, text, **properties):
        """The status, and the rows or the error."""
        status, body, _ = node.post("/query", {"ksql": text, "streamsProperties": {**STANDBYS, **properties}}, timeout=40)
        answer = json.loads(body)
        return (200, sorted(e["row"]["columns"] for e in answer[1:])) if status == 200 else (status, answer)

    def wanted(self):
        values = {}
        for k, n in self.counts.items():
            values[k % 10] = values.get(k % 10, 0) + n
        keys = sorted([f"key {k}", n] for k, n in self.counts.items())
        more = {"E": keys, "J": keys, "L": [[1, sum(self.counts.values())]]} if self.more else {}
        return {"T": keys, "W": keys, "H": sorted([v, n] for v, n in values.items()), **more}

    SELECT = {"T": "SELECT K, N FROM T;", "W": "SELECT K, N FROM W;", "H": "SELECT V, N FROM H;", "E": "SELECT K, N FROM E WHERE K IN (" + ", ".join(f"'key {k}'" for k in range(60)) + ");", "J": "SELECT K, N FROM J;",
              "L": "SELECT V, N FROM L;"}

    def await_counts(self, *nodes):
        for node in nodes:
            for table, rows in self.wanted().items():
                wait_until(lambda: self.ask(node, self.SELECT[table]) == (200, rows), PATIENCE, f"the counts of {table}", )

    def status(self, node):
        code, body, _ = node.get("/clusterStatus")
        self.assertEqual(code, 200, body)
        return json.loads(body)["clusterStatus"]

    def copies(self, node):
        """Per store and partition the lags that nodes tell: of the active, and of those that stand by."""
        found = {}
        for host in self.status(node).values():
            for store, lags in host["hostStoreLags"]["stateStoreLags"].items():
                for partition, lag in lags["lagByPartition"].items():
                    found.setdefault((store, partition), []).append(lag["offsetLag"])
        return found

    def await_copies(self, *nodes):
        """Every partition of T, W and H is on as many nodes as it should, and up to date."""
        for node in nodes:
            def there():
                found = self.copies(node)
                tables = [lags for (store, _), lags in found.items() if store.split("#")[1] in ("T", "W", "H")]
                return len(tables) == 3 * PARTITIONS and all(sorted(lags) == [0] * (1 + min(self.replicas, len(nodes) - 1)) for lags in tables)
            try:
                wait_until(there, PATIENCE, "copies of all tables")
            except AssertionError as error:
                raise AssertionError(f"{error}: {self.copies(node)}") from error

    def caught_up(self, node, since):
        """What the tasks of a node have read of changelogs, by its log."""
        lines = re.findall(r"(\d+) tasks have caught up with (\d+) records", node.log()[since:])
        return sum(int(tasks) for tasks, _ in lines), sum(int(records) for _, records in lines)


class TakeOver(WithStandbys):
    def test_the_copies_are_told(self):
        self.make_tables()
        self.insert(self.nodes[0], range(40))
        self.await_counts(*self.nodes)
        self.await_copies(*self.nodes)
        status = self.status(self.nodes[0])
        for query in ("CTAS_T", "CTAS_W", "CTAS_H"):
            shares = [share for host in status.values() for id, share in host["activeStandbyPerQuery"].items() if id.startswith(query)]
            self.assertEqual(len(shares), 3)
            topics = {p["topic"] for share in shares for p in share["standByPartitions"]}
            for topic in topics:
                for kind in ("activePartitions", "standByPartitions"):
                    self.assertEqual(sorted(p["partition"] for share in shares for p in share[kind] if p["topic"] == topic), list(range(PARTITIONS)), kind)
            for share in shares:  # nobody stands by for himself
                active = {(p["topic"], p["partition"]) for p in share["activePartitions"]}
                self.assertFalse(active & {(p["topic"], p["partition"]) for p in share["standByPartitions"]})
                self.assertEqual(share["standByStores"], [query.split("_")[1]])

    def test_killed_read_and_taken_over(self):
        self.more = True
        self.make_tables()
        a, b, c = self.nodes
        keys = range(60)
        self.set_rows(a, keys, 1)
        wait_until(lambda: len(self.ask(a, "SELECT * FROM D;")[1]) == len(keys), PATIENCE, "the rows of D")
        a.ok("".join(f"INSERT INTO P VALUES ('key {k}', {k});" for k in keys))
        self.insert(a, keys, times=5)
        self.await_counts(*self.nodes)
        wait_until(lambda: self.ask(a, "SELECT * FROM D;")[1] == sorted([f"key {k}", 1] for k in keys), PATIENCE, "the rows of D")
        self.await_copies(*self.nodes)
        time.sleep(1.2)  # how far copies are behind is looked up once a second
        marks = {node: len(node.log()) for node in (a, c)}
        wanted = self.wanted()
        b.stop(signal.SIGKILL)

        # Nobody else has its slots for ten seconds. The copies are asked.
        gap = time.monotonic() + 6
        refused = False
        for node in (a, c):
            for table, rows in wanted.items():
                self.assertEqual(self.ask(node, self.SELECT[table]), (200, rows), table)
                self.assertEqual(self.ask(node, self.SELECT[table], **{"ksql.query.pull.max.allowed.offset.lag": 0}), (200, rows), table)
            self.assertEqual(self.ask(node, "SELECT * FROM D;"), (200, sorted([f"key {k}", 1] for k in keys)))
            for k in keys:
                self.assertEqual(self.ask(node, f"SELECT K, N FROM T WHERE K = 'key {k}';"), (200, [[f"key {k}", 5]]))
        status, answer = self.ask(a, self.SELECT["T"], **{"ksql.query.pull.enable.standby.reads": False})
        refused = status == 503
        self.assertTrue(refused or time.monotonic() > gap, answer)  # on the active alone it would not have worked

        self.insert(a, keys)  # what comes for the dead node's partitions is counted after the take-over
        self.await_counts(a, c)
        tasks, records = map(sum, zip(*(self.caught_up(node, marks[node]) for node in (a, c))))
        self.assertGreater(tasks, 0)
        self.assertLess(records, len(keys), f"{tasks} tasks")  # of 300 and more for each table that were written

        self.insert(c, keys)
        self.await_counts(a, c)
        self.await_copies(a, c)
        self.start(b)
        self.await_counts(a, b, c)
        self.await_copies(a, b, c)
        for node in self.nodes:  # all at once
            node.stop(signal.SIGKILL)
        for node in self.nodes:
            self.start(node)
        self.insert(b, keys)
        self.await_counts(a, b, c)
        self.await_copies(a, b, c)
        self.assertEqual(self.ask(b, "SELECT * FROM D;"), (200, sorted([f"key {k}", 1] for k in keys)))


class WithoutHeartbeats(WithStandbys):
    """Who is dead is found out by asking."""
    settings = {"ksql.heartbeat.enable": "false", "ksql.lag.reporting.enable": "false"}

    def reads(self, node, partition, properties, **more):
        """Can it read the partition of what it has?"""
        said = {"request.ksql.query.pull.skip.forwarding": True, "request.ksql.query.pull.partition": str(partition), **more}
        return node.post("/query", {"ksql": self.SELECT["T"], "streamsProperties": properties, "requestProperties": said}, timeout=40)[0] == 200

    def are_placed(self):
        """Each node has some, each partition is on one as its own, and on two with the copy."""
        own = [[self.reads(node, p, {}) for p in range(PARTITIONS)] for node in self.nodes]
        both = [[self.reads(node, p, STANDBYS) for p in range(PARTITIONS)] for node in self.nodes]
        return all(map(any, own)) and all(sum(n[p] for n in own) == 1 and sum(n[p] for n in both) == 2 for p in range(PARTITIONS))

    def test_one_is_enough_and_none_is_not(self):
        self.make_tables()
        a, b, c = self.nodes
        self.insert(a, range(40))
        self.await_counts(a, b, c)
        wait_until(self.are_placed, PATIENCE, "a copy of each partition")
        said = {"request.sluice.query.pull.standby.lag": (1 << 63) - 1}  # what nodes tell each other is no client's to say
        self.assertEqual([[self.reads(node, p, {}, **said) for p in range(PARTITIONS)] for node in self.nodes],
                         [[self.reads(node, p, {}) for p in range(PARTITIONS)] for node in self.nodes])
        b.stop(signal.SIGKILL)
        for node in (a, c):
            self.assertEqual(self.ask(node, self.SELECT["T"]), (200, self.wanted()["T"]))
        c.stop(signal.SIGKILL)  # what these two had has nobody now, until the group notices
        status, answer = self.ask(a, self.SELECT["T"])
        if status == 200:  # it has noticed before we asked
            self.assertEqual(answer, self.wanted()["T"])
        else:
            self.assertEqual((status, answer["error_code"]), (503, 50302), answer)
            self.assertIn("Unable to execute pull query", answer["message"])
        self.await_counts(a)


class WithoutRest(unittest.TestCase):
    """`sluice run`: several processes with one service id."""

    def start(self, directory):
        path = os.path.join(directory, "queries.sql")
        os.makedirs(directory, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"SET 'auto.offset.reset' = 'earliest'; SET 'ksql.streams.num.standby.replicas' = '1';"
                       f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});"
                       f"CREATE TABLE T WITH (kafka_topic='{self.name}-t') AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
        log = open(path + ".log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([BINARY, "run", "--bootstrap-servers", BOOTSTRAP, "--property", f"ksql.service.id={self.name}",
                                    "--property", "processing.guarantee=exactly_once_v2", "--property", "commit.interval.ms=100", path], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, path + ".log"

    def test_taken_over(self):
        self.name = "y" + uuid.uuid4().hex[:10]
        directory = tempfile.mkdtemp(prefix="sluice-standby-")
        self.addCleanup(shutil.rmtree, directory, True)
        with Server(BINARY, {"bootstrap.servers": BOOTSTRAP, "ksql.service.id": self.name + "x"}) as feeder:
            feeder.ok(f"CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='{self.name}-s', value_format='JSON', partitions={PARTITIONS});"
                      f"CREATE STREAM T (K STRING KEY, N BIGINT) WITH (kafka_topic='{self.name}-t', value_format='JSON', partitions={PARTITIONS});", timeout=60)
            a, b = (self.start(os.path.join(directory, name)) for name in "ab")

            def counts():
                return {k: max(m for j, m in rows if j == k) for rows in [feeder.pull("SELECT K, N FROM T;")] for k in {r[0] for r in rows}}

            def caught_up():
                with open(a[1], encoding="utf-8") as file:
                    return re.findall(r"(\d+) tasks have caught up with (\d+) records", file.read())

            def rows_of(name):
                """All that the files of a process hold, its own and what it follows (which open.sql does not show: it is another's)."""
                found = set()
                for path in glob.glob(os.path.join(directory, name, "queries.sql.state", "state", "worker-*.db")):
                    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file, contextlib.suppress(sqlite3.OperationalError):
                        found |= set(file.execute("SELECT K, N FROM T"))  # there may be no table yet
                return found

            def has_copies():
                return all({(f"key {k}", 3) for k in range(40)} <= rows_of(name) for name in "ab")
            for n in range(1, 4):
                feeder.ok("".join(f"INSERT INTO S VALUES ('key {k}', {k});" for k in range(40)), timeout=60)
                wait_until(lambda: counts() == {f"key {k}": n for k in range(40)}, PATIENCE, "counts")
            wait_until(has_copies, PATIENCE, "a copy of each partition")
            before = len(caught_up())
            b[0].kill()
            feeder.ok("".join(f"INSERT INTO S VALUES ('key {k}', {k});" for k in range(40)), timeout=60)
            wait_until(lambda: counts() == {f"key {k}": 4 for k in range(40)}, PATIENCE, "counts after the take-over")
            wait_until(lambda: len(caught_up()) > before, PATIENCE, "what it has cost")
            self.assertLess(sum(int(records) for _, records in caught_up()[before:]), 10, caught_up())


class Walk(WithStandbys):
    """Nodes die, leave and come back in an order that a seed says, while records come in and tables are read."""
    replicas = 2
    more = True

    def read(self, node):
        """Copies may be of a moment ago, but never of more than there is, and nothing that was there is gone."""
        for table, rows in self.wanted().items():
            status, found = self.ask(node, self.SELECT[table])
            if status == 503:
                self.assertIn("Unable to execute pull query", found["message"])  # nobody has it at the moment
                continue
            self.assertEqual(status, 200, found)
            most = dict(rows)
            for key, count in found:
                self.assertLessEqual(count, most.get(key, 0), (table, key))

    def test_in_any_order(self):
        seed = int(os.environ.get("SLUICE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
        print(f"SLUICE_TEST_SEED={seed}", file=sys.stderr)
        dice = random.Random(seed)
        self.make_tables()
        self.set_rows(self.nodes[0], range(40), 1)
        wait_until(lambda: len(self.ask(self.nodes[0], "SELECT * FROM D;")[1]) == 40, PATIENCE, "the rows of D")
        self.nodes[0].ok("".join(f"INSERT INTO P VALUES ('key {k}', {k});" for k in range(40)), timeout=60)
        self.insert(self.nodes[0], range(30))
        self.await_counts(*self.nodes)
        self.await_copies(*self.nodes)
        for _ in range(6):
            there = [node for node in self.nodes if node.process is not None]
            away = [node for node in self.nodes if node.process is None]
            what = dice.choice((["kill", "kill", "stop"] if len(there) > 1 else []) + (["start", "start"] if away else []) + ["wait"])
            print(what, file=sys.stderr)
            if what == "wait":
                self.await_counts(*there)
            elif what == "start":
                self.start(dice.choice(away))
            else:
                dice.choice(there).stop(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            there = [node for node in self.nodes if node.process is not None]
            self.insert(dice.choice(there), dice.sample(range(40), 15))
            self.read(dice.choice(there))
        for node in self.nodes:
            if node.process is None:
                self.start(node)
        self.await_counts(*self.nodes)
        self.await_copies(*self.nodes)


if __name__ == "__main__":
    if not BOOTSTRAP:
        sys.exit("SLUICE_TEST_BOOTSTRAP is not set: these tests need a broker")
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
