#!/usr/bin/env python3
"""Damage on disk, on the embedded log: each file of a state directory, at every kind of place. Whatever is damaged is named, and costs no
more than it must: the server answers or refuses to start with a reason, clients get an answer, what is whole goes on, and the log of the
server stays short.

usage: damage_test.py PATH-TO-SLUICE [test...]
SLUICE_TEST_SEED repeats a run of the random part, SLUICE_TEST_ROUNDS makes it longer.
"""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
SEED = int(os.environ.get("SLUICE_TEST_SEED", "20261129"))
ROUNDS = int(os.environ.get("SLUICE_TEST_ROUNDS", "24"))
KEYS, RECORDS = 50, 2000
LOG_MOST = 64 * 1024  # bytes of the server's own log in a round: each damage once a minute at most
PATIENCE = 30

SETUP = """
CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);
CREATE STREAM O (K STRING KEY, V INT) WITH (kafka_topic='o', value_format='JSON', partitions=1);
CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
CREATE TABLE U AS SELECT K, COUNT(*) AS N FROM O GROUP BY K;
"""


def records(topic, first, count):
    rows = [{"timestamp": 1700000000000 + i, "key": f"k{i % KEYS}", "value": json.dumps({"V": i})} for i in range(first, first + count)]
    return {"topic": topic, "partitions": 1, "records": rows}


class Damage(unittest.TestCase):
    """A state directory that is made once and copied for each test."""

    @classmethod
    def setUpClass(cls):
        cls.golden = tempfile.mkdtemp(prefix="sluice-golden-")
        server = Server(BINARY, {"ksql.streams.state.dir": cls.golden, "ksql.streams.num.stream.threads": "1"})
        try:
            server.start()
            server.ok(SETUP)
            for first in range(0, RECORDS, 500):
                for topic in ("s", "o"):
                    status, body, _ = server.post("/sluice/records", records(topic, first, 500))
                    assert status == 200, body
            for table in ("T", "U"):
                wait_until(lambda table=table: cls.counted(server, table) == RECORDS, PATIENCE, "the tables")
            assert server.stop() == 0
        finally:
            server.close()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.golden)

    @staticmethod
    def counted(server, table):
        status, body, _ = server.post("/query", {"ksql": f"SELECT K, N FROM {table};"})
        if status != 200:
            return None
        elements = json.loads(body)
        return None if any("errorMessage" in e for e in elements) else sum(e["row"]["columns"][1] for e in elements if "row" in e)

    def setUp(self):
        self.server = Server(BINARY, {"ksql.streams.num.stream.threads": "1", "ksql.query.retry.backoff.initial.ms": "60000"})
        self.addCleanup(self.server.close)
        self.data = self.server.properties["ksql.streams.state.dir"]
        self.fresh()

    def fresh(self):
        """The directory as it was made."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.golden, self.data)
        open(self.server.log_path, "w", encoding="utf-8").close()

    def path(self, name):
        return os.path.join(self.data, name)

    def refuses(self):
        """The server ends with status 1; answers what it says."""
        config = os.path.join(self.server.directory, "refused.properties")
        with open(config, "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in self.server.properties.items())
        run = subprocess.run([BINARY, "server", "--config", config], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        return run.stderr

    def state_of(self, query):
        queries = self.server.ok("SHOW QUERIES;")[0]["queries"]
        return next(q["state"] for q in queries if q["id"] == query)

    def reason_of(self, query):
        errors = self.server.ok(f"EXPLAIN {query};")[0]["queryDescription"]["queryErrors"]
        return errors[-1]["errorMessage"] if errors else ""

    def says_little(self, pattern=None, most=2):
        """The server's log is short, and says `pattern` once (twice at most: a test may take more than a minute)."""
        log = self.server.log()
        self.assertLess(len(log), LOG_MOST, log[:4000])
        if pattern is not None:
            self.assertIn(pattern, log)
            self.assertLessEqual(sum(pattern in line for line in log.splitlines()), most, log)

    def damage_chunk(self, topic, newest=False):
        """Flips a bit in a record of the topic, as a disk would: SQLite has no checksum that could tell."""
        database = sqlite3.connect(self.path("log.db"))
        order = "DESC" if newest else "ASC"
        row = database.execute("SELECT chunks.id, records, base, last FROM chunks JOIN parts ON parts.id = part JOIN topics ON topics.id = topic"
                               f" WHERE topics.name = ? AND count > 0 ORDER BY last {order}", (topic,)).fetchone()
        self.assertIsNotNone(row, topic)
        flipped = bytearray(row[1])
        flipped[len(flipped) // 2] ^= 1
        database.execute("UPDATE chunks SET records = ? WHERE id = ?", (bytes(flipped), row[0]))
        database.commit()
        database.close()
        return row[2], row[3]

    def internal_topic(self, like):
        database = sqlite3.connect(self.path("log.db"))
        names = [name for (name,) in database.execute("SELECT name FROM topics WHERE name LIKE ?", (like,))]
        database.close()
        self.assertEqual(len(names), 1, names)
        return names[0]

    def other_query_runs(self):
        status, body, _ = self.server.post("/sluice/records", records("o", RECORDS, 10))
        self.assertEqual(status, 200, body)
        wait_until(lambda: self.counted(self.server, "U") == RECORDS + 10, PATIENCE, "the other query goes on")

    def stops_clean(self):
        self.assertEqual(self.server.stop(seconds=PATIENCE), 0, self.server.log()[-4000:])


class Records(Damage):
    """A record of the log has another bit than was written."""

    def test_a_new_query_stops_where_the_damage_is(self):
        first, last = self.damage_chunk("s")
        self.server.start()
        self.server.ok("CREATE STREAM C AS SELECT * FROM S;")
        query = self.server.ok("SHOW QUERIES;")[0]["queries"]
        query = next(q["id"] for q in query if q["id"].startswith("CSAS_C"))
        wait_until(lambda: self.state_of(query) == "ERROR", PATIENCE, "the query has stopped")
        reason = self.reason_of(query)
        for part in (self.path("log.db"), f"topic s partition 0, offsets {first} to {last}", "checksum", "sluice log repair"):
            self.assertIn(part, reason)
        wait_until(lambda: self.counted(self.server, "T") == RECORDS, PATIENCE, "the table, which stands behind the damage")
        self.other_query_runs()
        self.says_little("checksum is wrong")
        self.stops_clean()

    def test_a_client_gets_its_error(self):
        self.damage_chunk("s")
        self.server.start()
        for path, body in (("/query", {"ksql": "SELECT * FROM S EMIT CHANGES LIMIT 5000;"}),
                           ("/query-stream", {"sql": "SELECT * FROM S EMIT CHANGES LIMIT 5000;"})):
            status, answer, _ = self.server.post(path, {**body, "streamsProperties": {"auto.offset.reset": "earliest"}, "properties": {"auto.offset.reset": "earliest"}})
            self.assertIn("checksum is wrong", answer, (path, status, answer))
        stream = self.server.stream("/query", {"ksql": "PRINT 's' FROM BEGINNING;"})
        self.assertIn("checksum is wrong", stream.rest())
        stream.close()
        self.says_little()
        self.stops_clean()

    def test_repair_drops_the_damage_and_says_so(self):
        first, last = self.damage_chunk("s")
        check = subprocess.run([BINARY, "log", "check", self.data], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(check.returncode, 1)
        self.assertIn(f"topic s partition 0, offsets {first} to {last}", check.stdout)
        repair = subprocess.run([BINARY, "log", "repair", self.data], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(repair.returncode, 0, repair.stderr)
        self.assertIn(f"topic s partition 0: the records at offsets {first} to {last} are lost", repair.stdout)
        self.assertTrue(os.path.exists(self.path("log.db.damaged")))
        self.server.start()
        self.server.ok("CREATE TABLE C AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
        wait_until(lambda: self.counted(self.server, "C") == RECORDS - (last - first + 1), PATIENCE, "the rest is counted")
        self.other_query_runs()
        self.stops_clean()

    def test_the_changelog(self):
        self.damage_chunk(self.internal_topic("%CTAS_T%changelog"))
        shutil.rmtree(self.path("state"))  # now it is needed
        self.server.start()
        wait_until(lambda: self.state_of("CTAS_T_2") == "ERROR", PATIENCE, "the query has stopped")
        self.assertIn("changelog partition 0, offsets", self.reason_of("CTAS_T_2"))
        status, body, _ = self.server.post("/query", {"ksql": "SELECT K, N FROM T;"})
        self.assertTrue(status != 200 or "errorMessage" in body, body)
        self.other_query_runs()
        self.says_little("checksum is wrong")
        self.stops_clean()

    def test_the_command_topic(self):
        self.damage_chunk(self.internal_topic("%command_topic"), newest=True)
        self.server.start()
        status, answer = self.server.ksql("CREATE STREAM C AS SELECT * FROM S;")
        self.assertGreaterEqual(status, 400, answer)
        self.assertEqual(self.server.get("/info")[0], 200)
        log = self.server.log()
        self.assertIn("command_topic partition 0, offsets", log)
        self.says_little()
        self.stops_clean()

    def test_the_positions(self):
        """Where the tasks of a slot stand is not known: they must not begin anew."""
        topic = self.internal_topic("%slots")
        self.damage_chunk(topic)
        self.server.start()
        status, body, _ = self.server.post("/sluice/records", records("o", RECORDS, 10))
        self.assertEqual(status, 200, body)
        for table in ("T", "U"):
            counted = self.counted(self.server, table)
            self.assertIn(counted, (None, RECORDS, RECORDS + 10))
        time.sleep(3)
        self.says_little(topic + " partition")
        self.stops_clean()


class Files(Damage):
    def test_no_log_beside_its_state(self):
        os.remove(self.path("log.db"))
        said = self.refuses()
        for part in (self.path("log.db"), "missing", self.path("state")):
            self.assertIn(part, said)
        self.assertFalse(os.path.exists(self.path("log.db")))
        open(self.path("log.db"), "w", encoding="utf-8").close()
        self.assertIn("empty", self.refuses())
        shutil.rmtree(self.path("state"))  # what the message tells to do, for who wants to begin anew
        self.server.start()
        self.assertEqual(self.server.ok("SHOW QUERIES;")[0]["queries"], [])
        self.stops_clean()

    def test_a_log_that_has_less_than_it_had(self):
        """After kill -9 the newest is in the WAL. Without it the log looks like a younger one, which nothing in its file tells."""
        self.server.start()
        self.server.ok("INSERT INTO O (K, V) VALUES ('k1', 1);")
        wait_until(lambda: self.counted(self.server, "U") == RECORDS + 1, PATIENCE, "the table")
        time.sleep(0.5)
        self.server.process.kill()
        self.server.process.wait()
        self.server.process = None
        for empty in (False, True):
            with self.subTest(empty=empty):
                os.rename(self.path("log.db-wal"), self.path("kept"))
                if empty:
                    open(self.path("log.db-wal"), "w", encoding="utf-8").close()
                said = self.refuses()
                for part in (self.path("log.db") + " has lost records: topic ", self.path("log.db-wal"), f"move {self.path('state')} away"):
                    self.assertIn(part, said)
                check = subprocess.run([BINARY, "log", "check", self.data], capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual((check.returncode, "has lost records" in check.stderr), (1, True), check)
                os.rename(self.path("kept"), self.path("log.db-wal"))
        self.server.start()
        wait_until(lambda: self.counted(self.server, "U") == RECORDS + 1, PATIENCE, "the WAL was put back, and all is there")
        self.stops_clean()

    def test_an_older_copy_of_the_log_is_taken_when_told_so(self):
        shutil.copy(self.path("log.db"), self.path("yesterday"))
        self.server.start()
        self.server.ok("INSERT INTO O (K, V) VALUES ('k1', 1);")
        wait_until(lambda: self.counted(self.server, "U") == RECORDS + 1, PATIENCE, "the table")
        self.stops_clean()
        os.rename(self.path("yesterday"), self.path("log.db"))
        self.assertIn("has lost records", self.refuses())
        shutil.rmtree(self.path("state"))  # what the message tells to do
        self.server.start()
        wait_until(lambda: self.counted(self.server, "U") == RECORDS, PATIENCE, "the table, made again from the log as it is")
        self.stops_clean()

    def test_a_log_of_a_later_version(self):
        database = sqlite3.connect(self.path("log.db"))
        database.execute("PRAGMA user_version = 99")
        database.close()
        said = self.refuses()
        self.assertIn(self.path("log.db"), said)
        self.assertIn("later version", said)

    def test_small_files(self):
        for name, junk in (("node-id", b"\0\xff" * 100), ("node-id", b""), ("lock", b"junk" * 1000), ("state/open.sql", b"\0" * 10000)):
            with self.subTest(name=name, junk=junk[:4]):
                self.fresh()
                with open(self.path(name), "wb") as file:
                    file.write(junk)
                self.server.start()
                wait_until(lambda: self.counted(self.server, "T") == RECORDS, PATIENCE, "the table")
                self.other_query_runs()
                self.says_little(self.path("node-id") if name == "node-id" else None)
                self.stops_clean()

    def test_damage_while_the_server_runs(self):
        self.server.start()
        size = os.path.getsize(self.path("log.db"))
        with open(self.path("log.db"), "r+b") as file:
            for page in range(4, size // 4096, 2):
                file.seek(page * 4096)
                file.write(os.urandom(4096))
        deadline = time.monotonic() + 20
        answers = []
        for path, body in (("/query", {"ksql": "SELECT K, N FROM T;"}), ("/query", {"ksql": "SELECT * FROM S EMIT CHANGES LIMIT 2000;", "streamsProperties": {"auto.offset.reset": "earliest"}}),
                           ("/ksql", {"ksql": "SHOW QUERIES;"}), ("/sluice/records", records("o", RECORDS, 10)), ("/ksql", {"ksql": "CREATE STREAM C AS SELECT * FROM S;"})):
            answers.append((path, self.server.post(path, body, timeout=20)[:2]))
        self.assertLess(time.monotonic(), deadline, answers)
        self.assertEqual(self.server.get("/info")[0], 200)
        self.assertIn("is damaged", answers[1][1][1])
        time.sleep(2)
        self.says_little()
        self.stops_clean()


class Rights(Damage):
    """Files that another user has left behind: the text names the one that is in the way, and what to do."""

    FILES = (("log.db", "log.db"), ("log.db-wal", "log.db-wal"), ("log.db-shm", "log.db-shm"), ("state/worker-0.db", "worker-0.db"),
             ("state/worker-0.db-wal", "worker-0.db-wal"), ("state/worker-0.db-shm", "worker-0.db-shm"), ("lock", "lock"), ("node-id", "node-id"),
             ("state/service", "service"), ("state/log-witness", "log-witness"), ("state", "state"), (".", "data"))

    def as_nobody(self, *arguments):
        return subprocess.run([BINARY, *arguments], user="nobody", capture_output=True, text=True, timeout=PATIENCE, check=False, env={"HOME": "/"})

    def setUp(self):
        super().setUp()
        try:
            if os.geteuid() != 0 or self.as_nobody("version").returncode != 0:
                self.skipTest("there is nobody else who could run it")
        except (OSError, KeyError, subprocess.SubprocessError) as why:
            self.skipTest(f"there is nobody else who could run it: {why}")
        os.chmod(self.server.directory, 0o755)
        self.server.start()
        self.server.ok("INSERT INTO S (K, V) VALUES ('k1', 1);")
        wait_until(lambda: self.counted(self.server, "T") == RECORDS + 1, PATIENCE, "the table")
        time.sleep(0.6)
        self.server.process.kill()  # so that there are a WAL and its shared memory
        self.server.process.wait()
        self.server.process = None

    def test_each_file_is_named(self):
        everything = [self.data] + [os.path.join(top, name) for top, folders, files in os.walk(self.data) for name in folders + files]
        for path in everything:
            shutil.chown(path, "nobody")
        for name, told in self.FILES:
            for mode in (0o444, 0o000):
                with self.subTest(name=name, mode=oct(mode)):
                    path = self.path(name)
                    before = os.stat(path).st_mode
                    os.chmod(path, mode)
                    if mode == 0o444 and name in ("node-id", "state/service", "state/log-witness"):
                        os.chmod(path, before)  # they are read, and are whole
                        continue
                    run = self.as_nobody("server", "--property", f"state.dir={self.data}", "--property", "listeners=http://127.0.0.1:0",
                                         "--property", "num.stream.threads=1")
                    os.chmod(path, before)
                    self.assertEqual(run.returncode, 1, run)
                    self.assertRegex(run.stderr, rf"{told} may not be read(, written and entered| and written) by the user that this runs as \(nobody\): .*chown")


class Dropped(Damage):
    def test_a_table_that_is_dropped_with_its_topic_goes_without_a_word(self):
        """Its last records were on their way into a topic that is deleted: the log called itself damaged, and the query said that it had stopped."""
        self.server.start()
        start = len(self.server.log())
        for turn in range(60):
            self.server.ok("CREATE TABLE X AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
            self.server.ok(f"INSERT INTO S (K, V) VALUES ('k{turn}', 1);" * 5)
            self.server.ok("DROP TABLE X DELETE TOPIC;")
        self.assertEqual([line for line in self.server.log()[start:].splitlines() if "WARN" in line or "ERROR" in line], [])
        wait_until(lambda: self.counted(self.server, "T") == RECORDS + 300, PATIENCE, "the table that stays")
        self.stops_clean()


class Strangers(Damage):
    """Files that are whole, and somebody else's."""

    def aside(self, kind):
        return [name for name in os.listdir(self.path("state")) if f".{kind}-" in name and not name.endswith(("-wal", "-shm"))]

    def test_two_services_in_one_directory_are_kept_apart(self):
        """Their queries have the same ids, so each took the other's tables for what a dropped query has left."""
        owner = self.server.properties.get("ksql.service.id", "default_")
        for turn in range(2):
            self.server.properties["ksql.service.id"] = "other_"
            self.server.start()
            if turn == 0:
                self.assertEqual(self.server.ok("SHOW QUERIES;")[0]["queries"], [])
                self.server.ok(SETUP.replace("TABLE T ", "TABLE T WITH (KAFKA_TOPIC='T2') ").replace("TABLE U ", "TABLE U WITH (KAFKA_TOPIC='U2') "))
            for table in ("T", "U"):
                wait_until(lambda table=table: self.counted(self.server, table) == RECORDS, PATIENCE, "the tables of the other service")
            self.assertIn(f"{self.path('state')} has the tables of the service '{owner}'; those of 'other_' are kept apart, in {self.path('services/other_')}", self.server.log())
            self.stops_clean()
            self.server.properties["ksql.service.id"] = owner
            self.server.start()
            for table in ("T", "U"):
                wait_until(lambda table=table: self.counted(self.server, table) == RECORDS, PATIENCE, "the tables")
            self.stops_clean()
        self.assertEqual(self.aside("ahead") + self.aside("foreign") + self.aside("damaged"), [])
        self.assertNotIn("made again", self.server.log())
        self.assertEqual(self.server.log().count("are kept apart"), 1)

    def test_whose_directory_it_is_cannot_be_read(self):
        """A disk that does not answer is no reason to take another service's tables for what a dropped query has left."""
        os.remove(self.path("state/service"))
        os.mkdir(self.path("state/service"))  # can be opened, and not be read
        with self.assertRaisesRegex(AssertionError, f"cannot read {self.path('state/service')}: Is a directory"):
            self.server.start()

    def test_a_file_of_another_directory(self):
        other = Server(BINARY, {"ksql.streams.num.stream.threads": "1"})
        self.addCleanup(other.close)
        other.start()
        other.ok(SETUP)
        other.ok("INSERT INTO S (K, V) VALUES ('k1', 1);")
        wait_until(lambda: self.counted(other, "T") == 1, PATIENCE, "the tables of the other")
        self.assertEqual(other.stop(), 0)
        shutil.copy(os.path.join(other.properties["ksql.streams.state.dir"], "state", "worker-0.db"), self.path("state/worker-0.db"))
        self.server.start()
        for table in ("T", "U"):
            wait_until(lambda table=table: self.counted(self.server, table) == RECORDS, PATIENCE, "the tables, made again")
        self.assertEqual(len(self.aside("foreign")), 1)
        self.says_little("it comes from another state directory", most=1)
        self.stops_clean()


class Anywhere(Damage):
    """Each file, damaged at a random place in a random way."""

    FILES = ("log.db", "log.db", "log.db", "state/worker-0.db", "log.db-wal", "log.db-shm", "state/worker-0.db-wal", "state/worker-0.db-shm")

    def make_wal(self):
        """As after kill -9: the newest transactions are in the WALs."""
        self.server.start()
        self.server.post("/sluice/records", records("o", RECORDS, 10))
        wait_until(lambda: self.counted(self.server, "U") == RECORDS + 10, PATIENCE, "the tables")
        self.server.process.kill()
        self.server.process.wait()
        self.server.process = None

    def damage(self, chance):
        path = self.path(chance.choice(self.FILES))
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            return None
        size = os.path.getsize(path)
        at = {"header": 0, "front": chance.randrange(min(size, 65536)), "middle": chance.randrange(size), "end": max(0, size - 100)}
        where = chance.choice(sorted(at))
        count = min(chance.choice((1, 100, 4096, 20000)), size - at[where])
        way = chance.choice(("flip", "zero", "random", "cut"))
        with open(path, "r+b") as file:
            if way == "cut":
                file.truncate(at[where])
            else:
                file.seek(at[where])
                old = file.read(count)
                new = {"zero": bytes(count), "random": chance.randbytes(count), "flip": bytes([old[0] ^ (1 << chance.randrange(8))]) + old[1:]}[way]
                file.seek(at[where])
                file.write(new)
        return f"{os.path.relpath(path, self.data)}: {way} {count} bytes at {at[where]} of {size}"

    def serves(self):
        """Everything answers; what is wrong is in the answer."""
        answers = {}
        self.assertEqual(self.server.get("/info")[0], 200)
        for table in ("T", "U"):
            answers[table] = self.counted(self.server, table)
        status, answers["push"], _ = self.server.post("/query", {"ksql": "SELECT * FROM O EMIT CHANGES LIMIT 2000;", "streamsProperties": {"auto.offset.reset": "earliest"}})
        answers["insert"] = self.server.post("/sluice/records", records("s", RECORDS, 10))[:2]
        answers["queries"] = self.server.ksql("SHOW QUERIES;")
        return answers

    def comes_up(self):
        """False: it refuses to start, with the file and what to do."""
        try:
            self.server.start()
            return True
        except AssertionError:
            self.assertIsNotNone(self.server.process.poll(), self.server.log())
            self.assertEqual(self.server.process.returncode, 1, self.server.log())
            self.server.process = None
            self.assertRegex(self.server.log(), r"sluice: .*log\.db.*(sluice log repair|later version|missing|empty|has lost)")
            return False

    def check_tables(self, answers):
        """A table is right, or refuses, or its query tells why it is not."""
        for table, query in (("T", "CTAS_T_2"), ("U", "CTAS_U_3")):
            if answers[table] in (None, RECORDS, RECORDS + 10):
                continue
            told = self.server.log() + json.dumps(answers["queries"])
            self.assertTrue("damaged" in told or "made again" in told or "wiped" in told, (table, query, answers, self.server.log()))

    def test_anything(self):
        self.make_wal()
        after_kill = tempfile.mkdtemp(prefix="sluice-killed-")
        self.addCleanup(shutil.rmtree, after_kill)
        shutil.copytree(self.data, after_kill, dirs_exist_ok=True)
        refused = served = 0
        for turn in range(ROUNDS):
            chance = random.Random(SEED + turn)
            shutil.rmtree(self.data)
            shutil.copytree(after_kill, self.data)
            open(self.server.log_path, "w", encoding="utf-8").close()
            done = self.damage(chance)
            if done is None:
                continue
            with self.subTest(seed=SEED + turn, done=done):
                if not self.comes_up():
                    refused += 1
                    self.says_little()
                    continue
                served += 1
                try:
                    answers = self.serves()
                    self.check_tables(answers)
                    self.says_little()
                    self.stops_clean()
                finally:
                    if self.server.process is not None:
                        self.server.process.kill()
                        self.server.process.wait()
                        self.server.process = None
        self.assertGreater(served, refused)  # damage is contained as a rule


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
