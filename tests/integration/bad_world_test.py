#!/usr/bin/env python3
"""A world that is bad from the start, or becomes so: no broker, a full disk, wrong settings, and warnings while somebody looks at tables.

usage: bad_world_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shell_fixture  # noqa: E402
from sluice_server import Server, needs_librdkafka, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
PATIENCE = 60  # seconds
STREAM = "CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"


def nobody():
    """An address where nobody listens, and nobody will: the port stays ours."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, f"127.0.0.1:{sock.getsockname()[1]}"


@needs_librdkafka
class NoBroker(unittest.TestCase):
    def setUp(self):
        sock, self.address = nobody()
        self.addCleanup(sock.close)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def await_text(self, path, text):
        def there():
            with open(path, encoding="utf-8") as file:
                return text in file.read()
        wait_until(there, PATIENCE, f"{text!r} in {path}")

    def test_a_server_waits_and_says_so_once(self):
        server = Server(BINARY, {"bootstrap.servers": self.address})
        self.addCleanup(server.close)
        server.start(ready=False)
        self.await_text(server.log_path, "waiting for it: Kafka at " + self.address)
        self.assertEqual(server.get("/info")[0], 503)
        # Two more rounds of a worker's tries; nothing else would tell that they passed without a word.
        time.sleep(5)
        texts = [re.sub("^[^ ]* ", "", line) for line in server.log().splitlines() if "WARN" in line]
        self.assertEqual(len(texts), len(set(texts)), server.log())
        self.assertIn("Connection refused", server.log())
        self.assertEqual(server.stop(seconds=PATIENCE), 0)

    def test_a_file_of_queries_waits(self):
        path = os.path.join(self.directory, "job.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(STREAM + "CREATE STREAM OUT AS SELECT * FROM S;")
        log_path = os.path.join(self.directory, "log")
        with open(log_path, "wb") as log:
            run = subprocess.Popen([BINARY, "run", "--bootstrap-servers", self.address, path], stderr=log)
        self.await_text(log_path, "the log is not available, waiting for it: Kafka at " + self.address)
        run.terminate()
        self.assertEqual(run.wait(PATIENCE), 0)

    def test_feed_gives_up_and_says_why(self):
        feed = subprocess.run([BINARY, "feed", "--bootstrap-servers", self.address, "--topic", "t"], input="line", text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(feed.returncode, 1)
        self.assertRegex(feed.stderr.splitlines()[-1], f"^sluice: Kafka at {self.address} does not answer: .*Connection refused$")


class Settings(unittest.TestCase):
    def serve(self, *properties):
        with tempfile.TemporaryDirectory() as directory:
            args = [f"--property={p}" for p in ("state.dir=" + directory, *properties)]
            return subprocess.run([BINARY, "server", *args], text=True, capture_output=True, timeout=PATIENCE)

    def test_bad_values_are_refused_by_name(self):
        for name, value in (("commit.interval.ms", "abc"), ("processing.guarantee", "exactly_onze"), ("num.stream.threads", "-1"),
                            ("listeners", "http://127.0.0.1:65536"), ("listeners", "http://127.0.0.1"), ("listeners", "here")):
            answer = self.serve("ksql.service.id=x", f"{name}={value}")
            self.assertEqual(answer.returncode, 1, answer)
            self.assertIn(f"Invalid value {value} for configuration {name}: ", answer.stderr)
        sock, address = nobody()
        with sock:
            answer = self.serve(f"bootstrap.servers={address}", "fetch.min.bytes=abc")
        self.assertEqual(answer.returncode, 1, answer)
        self.assertIn("Invalid value abc for configuration fetch.min.bytes: ", answer.stderr)

    def test_what_would_have_no_effect_stops_the_start(self):
        for given, told in (("bootstrap.server=x", "did you mean bootstrap.servers?"), ("KSQL.SERVICE.ID=x", "did you mean ksql.service.id?"),
                            ("KSQL.Streams.Num.Stream.Threads=1", "num.stream.threads?"), ("ksql.security.extension.class=x", "has no effect in Sluice yet"),
                            ("ssl.engine.factory.class=x", "has no effect in Sluice yet"),
                            ("ssl.client.authentication=REQUIRED", "none of the listeners is an https:// address")):
            answer = self.serve(given, "listeners=here")
            self.assertEqual(answer.returncode, 1, answer)
            self.assertIn(told, answer.stderr)

    def test_unknown_names_are_warned_about_with_the_nearest(self):
        sock, address = nobody()
        self.addCleanup(sock.close)
        # The last one ends it: nothing has to be waited for.
        answer = self.serve("ksql.hidden.topic.list=x", f"bootstrap.servers={address}", "consumer.fetch.max.bites=3", "fetch.message.max.bytes=1000", "listeners=here")
        self.assertIn("unknown setting ksql.hidden.topic.list is ignored. Did you mean ksql.hidden.topics?", answer.stderr)
        self.assertIn("unknown Kafka property fetch.max.bites is ignored. Did you mean fetch.max.bytes?", answer.stderr)
        self.assertEqual(answer.stderr.count("unknown"), 2, answer.stderr)


class OwnEngine(unittest.TestCase):
    """The shell with an engine in its process, on a pseudo-terminal."""

    def test_warnings_are_in_a_file_and_told_before_the_prompt(self):
        with tempfile.TemporaryDirectory() as directory:
            data = os.path.join(directory, "data")
            shell_fixture.SLUICE = BINARY
            terminal = shell_fixture.Terminal(["-X", data], {**os.environ, "HOME": directory, "TERM": "xterm"})
            terminal.expect("sluice> ")
            seen = ""
            for statement in (STREAM, "CREATE STREAM OUT AS SELECT K, 1 / V AS W FROM S;", "INSERT INTO S VALUES ('a', 0);"):
                terminal.send(statement + "\r")
                seen += terminal.expect("sluice> ")
            told = r"1 warning in [^\r\n]*/data/sluice\.log, the last: query CSAS_OUT_1: error at the record of s-0 at offset 0: [^\r\n]*\r\n"
            end = time.monotonic() + PATIENCE
            while not re.search(told, seen) and time.monotonic() < end:
                terminal.send("SHOW TYPES;\r")
                seen += terminal.expect("sluice> ")
            self.assertRegex(seen, told)
            self.assertNotIn("WARN", seen)
            terminal.send("SHOW TYPES;\r")
            self.assertNotIn("warning", terminal.expect("sluice> "))  # told once
            terminal.send("\x04")
            self.assertEqual(terminal.end(), 0)
            with open(os.path.join(data, "sluice.log"), encoding="utf-8") as log:
                self.assertRegex(log.read(), "WARN  query CSAS_OUT_1: error at the record of s-0 at offset 0: ")


class FullDisk(unittest.TestCase):
    """The state directory on a file system of 6 MB; without the right to mount one there is nothing to test on."""

    def setUp(self):
        self.mount = tempfile.mkdtemp(prefix="sluice-full-")
        self.addCleanup(os.rmdir, self.mount)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.mount], capture_output=True, check=False).returncode != 0:
            self.skipTest("mounting a small file system is not allowed here")
        self.addCleanup(subprocess.run, ["umount", self.mount], check=True)
        self.server = Server(BINARY, {"ksql.streams.state.dir": self.mount + "/data", "ksql.streams.num.stream.threads": "1"})
        self.addCleanup(self.server.close)
        self.server.start()

    def send(self, key, text):
        record = {"timestamp": 1, "key": key, "value": text}
        return self.server.post("/sluice/records", {"topic": "s", "partitions": 1, "records": [record]})[:2]

    def state(self):
        return self.server.ok("SHOW QUERIES;")[0]["queries"][0]["state"]

    def has_failed(self):
        """ERROR is seen, and its reason."""
        if self.state() != "ERROR":
            return False
        errors = self.server.ok("EXPLAIN CTAS_T_1;")[0]["queryDescription"]["queryErrors"]
        self.assertIn("database or disk is full", errors[-1]["errorMessage"])
        return True

    def counted(self):
        """What the table has counted; None while it cannot be asked."""
        status, body, _ = self.server.post("/query", {"ksql": "SELECT K, N FROM T;"})
        return sum(e["row"]["columns"][1] for e in json.loads(body) if "row" in e) if status == 200 else None

    def fill(self):
        """Records until there is no room for another; says how many."""
        text = '{"V": 1, "rest": "' + "x" * 20000 + '"}'
        for sent in range(1000):
            status, body = self.send(f"key {sent:04}", text)
            if status != 200:
                self.assertIn("database or disk is full", body)
                return sent
        raise AssertionError("the disk is not full")

    def clients_are_answered(self):
        """Reading takes no room: pull queries answer from what is committed, push queries with what is there."""
        begun = time.monotonic()
        for text in ("SELECT K, N FROM T;", "SELECT K, N FROM T WHERE K = 'key 0001';", "SELECT K FROM S;",
                     "SELECT K, V FROM S EMIT CHANGES LIMIT 20;", "SELECT K, COUNT(*) FROM S GROUP BY K EMIT CHANGES LIMIT 20;"):
            status, body, _ = self.server.post("/query", {"ksql": text, "streamsProperties": {"auto.offset.reset": "earliest"}})
            self.assertEqual(status, 200, body)
            self.assertIn("key 0001" if "COUNT" not in text else "row", body)
        self.assertLess(time.monotonic() - begun, 15)

    def test_nothing_is_lost_and_it_goes_on(self):
        self.server.ok(STREAM + "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;")
        sent = self.fill()
        with open(self.mount + "/ballast", "wb", buffering=0) as ballast:  # to the last byte
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass
        self.clients_are_answered()
        # What there was room for may have been counted; whatever comes now cannot be.
        while (answer := self.send("small", '{"V": 1}'))[0] == 200:
            sent += 1
        self.assertIn(f"The disk that {self.mount}/data is on is full", answer[1])
        statement = {"ksql": "CREATE STREAM X (K STRING KEY) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');"}
        self.assertIn(f"The disk that {self.mount}/data is on is full", self.server.post("/ksql", statement)[1])
        wait_until(lambda: self.has_failed() or self.counted() == sent, PATIENCE, "a query that has failed, or has found room for all")
        self.clients_are_answered()
        subprocess.run(["mount", "-o", "remount,size=64m", self.mount], check=True)
        wait_until(lambda: self.send("last", '{"V": 1}')[0] == 200, PATIENCE, "room for a record")
        wait_until(lambda: self.state() == "RUNNING" and self.counted() == sent + 1, PATIENCE, f"a count of {sent + 1} records")
        self.assertEqual({n for key, n in self.server.pull("SELECT K, N FROM T;") if key.startswith("key")}, {1})
        self.assertEqual(self.server.stop(), 0)
        for name in ("log.db", "state/worker-0.db"):
            database = sqlite3.connect(f"{self.mount}/data/{name}")
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            database.close()


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
