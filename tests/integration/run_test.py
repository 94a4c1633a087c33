#!/usr/bin/env python3
"""What needs no client: files of queries (sluice run, --queries-file), and the state that they leave behind for people.

usage: run_test.py PATH-TO-SLUICE [test...]
"""
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server, needs_librdkafka, wait_until  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
STREAM = "CREATE STREAM S (K STRING KEY, V INT, D DOUBLE) WITH (kafka_topic='s', value_format='JSON', partitions=2);"
TABLE = "CREATE TABLE T AS SELECT K, COUNT(*) AS N, SUM(V) AS TOTAL FROM S GROUP BY K;"


class QueriesFile(unittest.TestCase):
    def test_may_be_asked_but_not_changed(self):
        server = Server(BINARY)
        self.addCleanup(server.close)
        path = os.path.join(server.directory, "queries.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(STREAM + TABLE)
        server.properties["ksql.queries.file"] = path
        server.start()
        self.assertEqual(server.ksql("CREATE TYPE A AS STRUCT<X INT>;")[0], 400)
        self.assertEqual(server.pull("SELECT * FROM T;"), [])

    def test_needs_a_query(self):
        server = Server(BINARY)
        self.addCleanup(server.close)
        path = os.path.join(server.directory, "queries.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(STREAM)
        server.properties["ksql.queries.file"] = path
        with self.assertRaisesRegex(AssertionError, "does not contain any persistent queries"):
            server.start(ready=False)
            server.process.wait(10)
            raise AssertionError(server.log())


class FirstLine(unittest.TestCase):
    def test_says_which_log_which_folder_which_address(self):
        server = Server(BINARY)
        self.addCleanup(server.close)
        server.start()
        data = os.path.realpath(os.path.join(server.directory, "data"))
        self.assertRegex(server.log().splitlines()[0],
                         rf"INFO  Sluice \S+, service default_, with a log of its own in {data}/log\.db, state in {data}, listeners http://127\.0\.0\.1:0$")

    @needs_librdkafka
    def test_also_of_a_kafka_that_is_not_there(self):
        server = Server(BINARY, properties={"bootstrap.servers": "127.0.0.1:1", "ksql.service.id": "first_line_"})
        self.addCleanup(server.close)
        server.start(ready=False)
        self.assertRegex(server.log().splitlines()[0], r"service first_line_, on Kafka at 127\.0\.0\.1:1, state in /\S+/data, listeners http://127")


class Headless(unittest.TestCase):
    def test_an_error_names_its_place(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "job.sql")
            for text, place, message in (
                    ("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='JSON', partitions=1);\n"
                     "CREATE STREAM B AS\n  SELECT K, W FROM A;\n", "3:13", "SELECT column 'W' cannot be resolved."),
                    ("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='JSON', partitions=1);\n"
                     " CREATE STREAM A2 (K STRING KEY) WITH (kafka_topic='a', value_format='JSON', partitions=3);\nCREATE STREAM C AS SELECT * FROM A;",
                     "2:16", "KSQL expects 3 partitions (topic has 1), 1 replication factor (topic has 1)."),
                    ("CREATE STREAM A;\nCREATE STREAM B AS SELECT K FORM A;", "2:34", "Did you mean 'FROM' for 'FORM' at line 2:29?")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = subprocess.run([BINARY, "run", "--until-idle", path], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{path}:{place}: ", done.stderr)
                self.assertIn(message, done.stderr)

    def test_the_shell_on_its_state_says_whose_it_is(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "job.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(STREAM + TABLE)
            env = {name: value for name, value in os.environ.items() if name != "SLUICE_URL"}
            subprocess.run([BINARY, "run", "--until-idle", path], check=True, timeout=60)
            for state, told in ((path + ".state", True), (os.path.join(directory, "other"), False)):
                done = subprocess.run([BINARY, "sql", "-X", "-e", "SHOW TABLES; SHOW TOPICS;", state], env=env, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual("is the state of a file of queries (sluice run)" in done.stderr, told, done.stderr)
                self.assertEqual("\ns\t2\t1\n" in done.stdout, told, done.stdout)
            script = os.path.join(path + ".state", "state", "open.sql")
            connection = sqlite3.connect(":memory:", isolation_level=None)
            self.addCleanup(connection.close)
            with open(script, encoding="utf-8") as file:
                connection.executescript(file.read())
            self.assertEqual(connection.execute("SELECT COUNT(*) FROM T").fetchall(), [(0,)])  # as the shell says

    @needs_librdkafka
    def test_a_missing_broker_is_waited_for(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # nobody listens here
            path = os.path.join(directory, "job.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write("CREATE STREAM A (K STRING KEY, V INT) WITH (kafka_topic='a', value_format='JSON', partitions=1);"
                           "CREATE STREAM B AS SELECT * FROM A;")
            address = f"127.0.0.1:{closed.getsockname()[1]}"
            with subprocess.Popen([BINARY, "run", "--bootstrap-servers", address, path], stderr=subprocess.PIPE, text=True) as process:
                self.addCleanup(process.kill)
                for line in process.stderr:
                    if "the log is not available, waiting for it" in line:
                        break
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(30), 0)


    def test_a_terminal_that_is_gone_ends_it(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "job.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(STREAM + TABLE)
            for ignored in (False, True):
                handler = signal.SIG_IGN if ignored else signal.SIG_DFL
                with subprocess.Popen([BINARY, "run", path], stderr=subprocess.DEVNULL,
                                      preexec_fn=lambda handler=handler: signal.signal(signal.SIGHUP, handler)) as process:
                    try:
                        wait_until(lambda: os.path.exists(path + ".state/plans.json"), 30, "the queries")
                        process.send_signal(signal.SIGHUP)
                        if ignored:
                            with self.assertRaises(subprocess.TimeoutExpired):
                                process.wait(1)
                            process.send_signal(signal.SIGTERM)
                        self.assertEqual(process.wait(30), 0)
                    finally:
                        process.kill()


class State(unittest.TestCase):
    def test_tables_for_people(self):
        """open.sql after a run too short for its first regular writing: whole tables, without what is internal or hidden."""
        server = Server(BINARY)
        self.addCleanup(server.close)
        server.start()
        server.ok("CREATE STREAM S (K STRING KEY, A INT) WITH (kafka_topic='s', value_format='JSON', partitions=4);"
                  "CREATE TABLE T AS SELECT A, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY A HAVING COUNT(*) > 1;"
                  + "".join(f"INSERT INTO S (rowtime, K, A) VALUES ({i}, 'k{i}', {i // 2});" for i in range(1, 9)))
        wait_until(lambda: len(server.pull("SELECT * FROM T;")) == 3)
        server.stop()
        script = os.path.join(server.directory, "data", "state", "open.sql")
        connection = sqlite3.connect(":memory:", isolation_level=None)
        self.addCleanup(connection.close)
        with open(script, encoding="utf-8") as file:
            connection.executescript(file.read())
        cursor = connection.execute("SELECT * FROM T ORDER BY A")
        self.assertEqual([column[0] for column in cursor.description], ["A", "WINDOWSTART", "WINDOWEND", "N", "ROWTIME"])
        self.assertEqual(cursor.fetchall(), [(a, 0, 3600000, 2, 2 * a + 1) for a in (1, 2, 3)])


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
