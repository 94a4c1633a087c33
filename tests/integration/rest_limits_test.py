#!/usr/bin/env python3
"""How much clients may ask of a server at a time and in a second (ksql.max.push.queries, ksql.query.pull.max...), and that who has the end of an
answer counts no more.

usage: rest_limits_test.py PATH-TO-SLUICE [test...]
"""
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from sluice_server import wait_until  # noqa: E402


class Limits(rest_test.WithServer):
    def setUp(self):
        super().setUp()
        self.server.ok(rest_test.STREAM)

    def test_an_answer_is_the_end(self):
        """Who has the end of an answer, or the last of the rows that LIMIT lets through, finds the query in no list and its place free."""
        self.server.stop()
        self.server.properties.update({"ksql.max.push.queries": "1", "ksql.query.pull.max.concurrent.requests": "1"})
        processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(processors)})  # the server has one: who sends an answer is interrupted by who gets the next question
        self.server.start()
        os.sched_setaffinity(0, processors)
        self.server.ok(rest_test.TABLE)
        self.insert("a", 1)
        wait_until(lambda: self.server.pull("SELECT N FROM T;") == [[1]])
        for _ in range(60):
            stream = self.server.stream("/query-stream", {"sql": "SELECT V FROM S EMIT CHANGES LIMIT 1;", "properties": {"auto.offset.reset": "earliest"}})
            self.addCleanup(stream.close)
            stream.line()
            self.assertEqual(json.loads(stream.line()), [1])
            self.assertEqual(self.running(), [])
            self.assertEqual(stream.rest(), "")
            self.assertEqual(self.server.pull("SELECT V FROM S;"), [[1]])
            self.assertEqual(self.running(), [])
            self.assertEqual(self.server.pull("SELECT N FROM T;"), [[1]])
            self.assertEqual(self.server.pull("SELECT N FROM T WHERE K = 'a';"), [[1]])

    def test_bound(self):
        self.server.stop()
        self.server.properties["ksql.max.push.queries"] = "2"
        self.server.start()
        streams = [self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"}) for _ in range(2)]
        for stream in streams:
            stream.line()
        status, body, _ = self.server.post("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"})
        self.assertEqual((status, json.loads(body)["error_code"]), (400, 40003))
        streams[0].leave()
        wait_until(lambda: len(self.running()) == 1)
        third = self.server.stream("/query-stream", {"sql": "SELECT K FROM S EMIT CHANGES;"})
        self.assertEqual(third.status, 200)
        third.leave()

    def test_pull_limits(self):
        self.server.stop()
        self.server.properties["ksql.query.pull.max.qps"] = "2"
        self.server.start()
        self.server.ok(rest_test.TABLE)
        wait_until(lambda: self.server.post("/query", {"ksql": "SELECT * FROM T;"})[0] == 200)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.server.post("/query", {"ksql": "SELECT * FROM T;"})[:2])) for _ in range(40)]
        for thread in threads:  # one after the other they might take half a second each, where much else runs
            thread.start()
        for thread in threads:
            thread.join()
        status, body = [a for a in answers if a[0] != 200][0]
        self.assertEqual((status, json.loads(body)["error_code"]), (429, 42900))
        self.assertIn("rate limit for pull queries. Currently set to 2 qps", json.loads(body)["message"])
        time.sleep(1.1)  # it is a rate: later it may ask again
        self.assertEqual(self.server.post("/query", {"ksql": "SELECT * FROM T;"})[0], 200)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
