#!/usr/bin/env python3
"""Runs the examples of docs/rest.md in their order, against a server on the embedded log.

usage: rest_examples_test.py PATH-TO-SLUICE
"""
import http.client
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]
import rest_docs  # noqa: E402
from rest_endpoints_test import Socket  # noqa: E402
from sluice_server import Server  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
SETTLE_SECONDS = 10  # what was inserted reaches a table


class Run:
    def __init__(self, port, fail):
        self.port, self.fail, self.captured, self.open = port, fail, {}, []

    def fill_in(self, text):
        return rest_docs.PLACEHOLDER.sub(lambda m: self.captured.get(m.group(1), m.group(0)), text)

    def send(self, example):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(example.method, example.path, self.fill_in(example.body).encode() or None, example.headers)
        return connection, connection.getresponse()

    def socket(self, example):
        """-> (status, headers, messages as lines)."""
        request = self.fill_in(example.path).split("request=", 1)[1]
        socket = Socket(self.port, request)
        lines = []
        while True:
            kind, payload = socket.message()
            if kind == 8:
                break
            lines.append(payload.decode())
        socket.leave()
        return socket.status, socket.headers, "\n".join(lines)

    def ask(self, example):
        if "Upgrade" in example.headers:
            return self.socket(example)
        connection, response = self.send(example)
        if example.stays_open:
            body = "".join(response.readline().decode() for _ in example.expected.splitlines())
            self.open.append((connection, response))
        else:
            body = response.read().decode()
            connection.close()
        return response.status, response.headers, body

    def look(self, example):
        status, headers, body = self.ask(example)
        wrong = [] if status == example.status else [f"status {status}, not {example.status}: {body}"]
        wrong += [f"{name}: {headers.get(name)!r}, not {value!r}" for name, value in example.expected_headers.items() if headers.get(name) != value]
        return wrong or rest_docs.compare_bodies(example.expected, body, self.captured)

    def run(self, example):
        # Only what changes nothing may be asked twice.
        waits = example.path.startswith("/query") and "EMIT" not in example.body and "PRINT" not in example.body
        until = time.monotonic() + (SETTLE_SECONDS if waits else 0)
        while (wrong := self.look(example)) and time.monotonic() < until:
            time.sleep(0.1)
        if wrong:
            self.fail(f"docs/rest.md:{example.line}: {example.first}\n  " + "\n  ".join(wrong))


class Examples(unittest.TestCase):
    def test_in_order(self):
        text = (rest_docs.ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
        examples = rest_docs.examples(text)
        self.assertGreater(len(examples), 20)
        server = Server(BINARY)
        self.addCleanup(server.close)
        for name in ("ksql.streams.auto.offset.reset", "ksql.streams.commit.interval.ms"):  # what a server is by default
            del server.properties[name]
        server.start()
        run = Run(server.port, self.fail)
        for example in examples:
            run.run(example)
        for connection, response in run.open:
            self.assertEqual(response.read(), b"", "a stream that was closed goes on")
            connection.close()

    def test_a_difference_is_seen(self):
        """The comparison itself: what it lets pass, and what not."""
        same = [('{"a": "<x>", "...": "..."}', '{"a": 5, "b": 1}'), ('["q_<id>", 1.0]', '["q_7", 1.0]'), ("a <t> b\n[1]", "a x y b\n[1]\n"), ("", "")]
        other = [('{"a": 1}', '{"a": 1, "b": 1}'), ('{"a": 1}', '{"a": true}'), ("[1]", "[1.0]"), ('["q_<id>"]', '["r_7"]'), ("[1]\n[2]", "[1]"), ("", "{}")]
        for pairs, empty in ((same, True), (other, False)):
            for expected, actual in pairs:
                self.assertEqual(rest_docs.compare_bodies(expected, actual, {}) == [], empty, (expected, actual))


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
