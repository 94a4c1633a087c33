#!/usr/bin/env python3
"""What one client asks may cost that client much, and nobody else: while expressions are evaluated for as long as they may, by more clients
than there are threads for anything, whoever asks something short has his answer at once.

usage: rest_cost_test.py PATH-TO-SLUICE [test...]
"""
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402

# Some 6 million calls, of 10 million that a row may have.
SLOW = "REDUCE(GENERATE_SERIES(1, 2500), CAST(0 AS BIGINT), (a, x) => a + REDUCE(GENERATE_SERIES(1, 2500), 0, (b, y) => b + y))"
VALUE = 2500 * (2500 * 2501 // 2)
TABLE = "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"


class Cost(rest_test.WithServer):
    properties = {"ksql.query.pull.thread.pool.size": "2"}
    CLIENTS = 10  # more than there are threads for what is short

    def setUp(self):
        super().setUp()
        self.server.ok(rest_test.STREAM + TABLE)
        self.insert("a", 1)
        rest_test.wait_until(lambda: self.server.pull("SELECT N FROM T WHERE K = 'a';") == [[1]])
        self.answers = []

    def ask_at_once(self, ask, count):
        threads = [threading.Thread(target=lambda: self.answers.append(ask())) for _ in range(count)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        return threads

    def slowest_short_question(self, threads):
        """Seconds, of what is asked while they compute."""
        slowest = 0
        for _ in range(3):
            for ask in (lambda: self.assertEqual(self.server.get("/info")[0], 200),
                        lambda: self.assertEqual(self.server.pull("SELECT N FROM T WHERE K = 'a';"), [[1]]),
                        lambda: self.server.ok("SHOW STREAMS;"),
                        lambda: self.server.ok("CREATE STREAM IF NOT EXISTS S2 AS SELECT * FROM S;")):
                begin = time.monotonic()
                ask()
                slowest = max(slowest, time.monotonic() - begin)
        self.assertTrue(any(thread.is_alive() for thread in threads), "they were over too soon to show anything")
        return slowest

    def check(self, ask, count=CLIENTS):
        begin = time.monotonic()
        threads = self.ask_at_once(ask, count)
        slowest = self.slowest_short_question(threads)
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
        print(f"{count} together {seconds:.2f} s; short questions beside them {slowest:.3f} s at most", file=sys.stderr)
        self.assertLess(slowest, seconds / 3)

    def test_pull_queries(self):
        def ask():
            return self.server.pull(f"SELECT N + {SLOW} FROM T WHERE K = 'a';", timeout=100)
        self.check(ask)
        self.assertEqual({tuple(map(tuple, answer)) for answer in self.answers}, {((1 + VALUE,),)})

    def test_pull_queries_that_compute_their_key(self):
        """Which they do when they are planned."""
        def ask():
            return self.server.pull(f"SELECT N FROM T WHERE K = CAST({SLOW} AS STRING);", timeout=100)
        self.check(ask)
        self.assertEqual(self.answers, [[]] * self.CLIENTS)

    def test_scans(self):
        self.insert("b", 1)
        rest_test.wait_until(lambda: len(self.server.pull("SELECT N FROM T;")) == 2)

        def ask():
            return len(self.server.pull(f"SELECT {SLOW} FROM T;", timeout=100))
        self.check(ask)
        self.assertEqual(set(self.answers), {2})

    def test_inserts(self):
        def ask():
            return self.server.ksql(f"INSERT INTO S (K, V) VALUES ('x', CAST({SLOW} / {VALUE} AS INT));", timeout=100)[0]
        self.check(ask)
        self.assertEqual(self.answers, [200] * self.CLIENTS)
        count = self.CLIENTS
        rest_test.wait_until(lambda: self.server.pull("SELECT N FROM T WHERE K = 'x';") == [[count]])

    def test_inserts_among_commands(self):
        """Who may make things has the right to it while he does, and not while he computes."""
        numbers = iter(range(100))

        def ask():
            name = f"S{next(numbers)}X"
            return self.server.ksql(f"CREATE STREAM {name} AS SELECT * FROM S; INSERT INTO {name} (K, V) VALUES ('x', CAST({SLOW} / {VALUE} AS INT)); "
                                    f"INSERT INTO {name} (K, V) VALUES ('y', 1); DROP STREAM {name};", timeout=100)
        self.check(ask, 6)
        self.assertEqual([(status, len(answer)) for status, answer in self.answers], [(200, 2)] * 6)

    def test_many_statements(self):
        """They are carried out one after the other for as long as it takes, and others have the engine in between."""
        begin = time.monotonic()
        threads = self.ask_at_once(lambda: self.server.ksql("UNSET 'auto.offset.reset';" * 60000, timeout=100)[0], 1)
        slowest = 0
        while threads[0].is_alive():
            start = time.monotonic()
            self.server.ok("SHOW STREAMS;")
            slowest = max(slowest, time.monotonic() - start)
        self.assertLess(slowest, (time.monotonic() - begin) / 3)
        self.assertEqual(self.answers, [200])

    def test_answers_are_bounded(self):
        """What comes first is carried out, and told."""
        def ask(count):
            return self.server.ksql("CREATE TYPE X AS INT;" + "SHOW TYPES;" * count + "DROP TYPE X;", timeout=100)
        status, answer = ask(100000)
        told = len(answer["entities"])
        self.assertEqual((status, answer["error_code"], answer["statementText"]), (400, 40001, "SHOW TYPES;"))
        self.assertIn(f"take more than 67108864 bytes (sluice.request.max.answer.bytes) with that of statement {told + 1}: ask with fewer", answer["message"])
        self.assertEqual(list(self.server.ok("SHOW TYPES; DROP TYPE X;")[0]["types"]), ["X"])
        status, answer = ask(10000)
        self.assertEqual((status, len(answer)), (200, 10002))

    def test_a_value_that_is_wrong_refuses_all_of_a_request(self):
        for wrong in (f"REDUCE(GENERATE_SERIES(1, 4000), 0, (a, x) => a + {SLOW})", "TRANSFORM(ARRAY[1], x => x)"):
            status, answer = self.server.ksql(f"CREATE STREAM Q AS SELECT * FROM S; INSERT INTO S (K, V) VALUES ('q', {wrong});", timeout=100)
            self.assertEqual((status, answer["error_code"]), (400, 40001))
            self.assertIn("Failed to insert values into 'S'.", answer["message"])
        self.assertEqual([s["name"] for s in self.server.ok("SHOW STREAMS;")[0]["streams"]], ["S"])


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
