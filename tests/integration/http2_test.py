#!/usr/bin/env python3
"""HTTP/2 on the port of HTTP/1.1: what clients rely on (a frame a row, streams that do not wait for each other), and what a client may
do wrong without anybody else noticing.

usage: http2_test.py PATH-TO-SLUICE [test...]
"""
import base64
import json
import os
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_test  # noqa: E402
from http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Client, frame,  # noqa: E402
                   literal, request_headers)
from sluice_server import wait_until  # noqa: E402


class Http2(rest_test.WithServer):
    def setUp(self):
        super().setUp()
        self.server.ok(rest_test.STREAM)

    def client(self, window=None):
        client = Client(self.server.port, window)
        self.addCleanup(client.close)
        return client

    def push(self, client, text="SELECT K, V FROM S EMIT CHANGES;"):
        return client.ask("POST", "/query-stream", json.dumps({"sql": text}).encode())

    def alive(self):
        self.assertEqual(self.server.get("/info")[0], 200)

    def test_requests(self):
        client = self.client()
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info"))))
        self.assertEqual(json.loads(b"".join(client.data(client.ask("POST", "/ksql", b'{"ksql":"SHOW TABLES;"}'))))[0]["tables"], [])
        self.assertEqual(client.data(client.ask("HEAD", "/info")), [])
        frames = list(client.frames(client.ask("GET", "/chc/live")))
        self.assertEqual(frames[0][3][0], 0x88)  # :status 200
        self.assertEqual(b"".join(client.data(client.ask("GET", "/chc/live?x=%41&y"))), b"{}")

    def test_a_frame_a_row(self):
        client = self.client()
        stream = self.push(client)
        header = client.next_data(stream)
        self.assertEqual((json.loads(header)["columnNames"], header[-1:]), (["K", "V"], b"\n"))
        for i in range(5):
            self.insert("k", i)
        self.assertEqual([client.next_data(stream) for _ in range(5)], [b'["k",%d]\n' % i for i in range(5)])
        client.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
        wait_until(lambda: not self.running())

    def test_pull_rows_are_frames_too(self):
        client = self.client()
        self.server.ok(rest_test.TABLE)
        for i in range(3):
            self.insert(f"k{i}", i)
        rows = []
        def there():
            rows[:] = client.data(client.ask("POST", "/query-stream", b'{"sql":"SELECT K, N FROM T;"}'))
            return len(rows) == 4
        wait_until(there)
        self.assertEqual(sorted(rows[1:]), [b'["k%d",1]\n' % i for i in range(3)])

    def test_a_stream_that_is_not_read_stops_no_other(self):
        client = self.client(window=2000)
        slow, big = self.push(client), "x" * 1500
        client.next_data(slow)
        for i in range(4):
            self.insert(big, i)
        for _ in range(20):
            self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info"))))
        client.send(frame(WINDOW_UPDATE, 0, slow, struct.pack(">I", 100000)))
        got = b""
        while got.count(b"\n") < 4:
            got += client.next_data(slow)

    def test_many_streams_of_a_connection(self):
        client = self.client()
        streams = [client.ask("GET", "/info") for _ in range(300)]
        waiting = set(streams)
        while waiting:
            kind, flags, stream, _ = client.frame()
            self.assertNotIn(kind, (RST_STREAM, GOAWAY))
            if flags & END_STREAM and kind in (DATA, HEADERS):
                waiting.discard(stream)

    def test_clients_that_leave(self):
        for how in range(3):
            client = self.client()
            stream = self.push(client)
            client.next_data(stream)
            wait_until(lambda: len(self.running()) == 1)
            if how == 0:
                client.close()
            elif how == 1:
                client.send(b"\xff" * 9)
            else:
                client.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 0)))
            wait_until(lambda: not self.running())

    def test_rows_are_acknowledged_while_the_request_is_open(self):
        client = self.client()
        stream = client.ask("POST", "/inserts-stream", b'{"target":"S"}\n', end=False)
        self.assertEqual(client.frame()[0], SETTINGS)
        for i in range(3):
            client.send(frame(DATA, 0, stream, b'{"K":"k","V":%d}\n' % i))
            self.assertEqual(json.loads(client.next_data(stream)), {"status": "ok", "seq": i})
        client.send(frame(DATA, END_STREAM, stream, b'{"K":"k","V":"x"}'))
        self.assertEqual([json.loads(ack)["status"] for ack in client.data(stream)], ["error"])
        self.assertEqual(self.server.pull("SELECT V FROM S;"), [[0], [1], [2]])
        refused = client.ask("POST", "/inserts-stream", b'{"target":"NONE"}\n', end=False)
        self.assertEqual([json.loads(line)["error_code"] for line in client.data(refused)], [40001])  # it ends although the request does not
        left = client.ask("POST", "/inserts-stream", b'{"target":"S"}\n{"K":"half', end=False)
        client.send(frame(RST_STREAM, 0, left, struct.pack(">I", 8)))
        self.alive()

    def test_print_goes_to_the_other_endpoint(self):
        client = self.client()
        answer = json.loads(b"".join(client.data(client.ask("POST", "/query", b'{"ksql":"PRINT s;"}'))))
        self.assertEqual(answer["error_code"], 40500)

    def test_the_server_ends_its_streams(self):
        client = self.client()
        stream = self.push(client)
        client.next_data(stream)
        self.server.stop()
        frames = list(client.frames(stream))
        self.assertTrue(frames[-1][1] & END_STREAM, frames)

    def test_bodies_beyond_the_limit(self):
        client = self.client()
        stream = client.ask("POST", "/ksql", b"", end=False)
        block = b" " * 16384
        window, sent, answer, kind = 65535, 0, b"", None
        while kind != RST_STREAM:  # it is answered before it is over, and the rest is not wanted
            if window >= len(block):
                client.send(frame(DATA, 0, stream, block))
                window, sent = window - len(block), sent + 1
                continue
            kind, _, of, payload = client.frame()
            if kind == WINDOW_UPDATE and of == stream:
                window += int.from_bytes(payload, "big")
            answer += payload if kind == DATA else b""
        self.assertEqual(json.loads(answer)["error_code"], 41300)
        self.assertLess(sent, 1100)
        self.alive()

    def test_nonsense(self):
        """Each costs its connection or its stream, and nobody else anything."""
        huge = b"".join(literal(b"x%d" % i, b"v" * 4000) for i in range(40))
        for sent in (
            PREFACE[:10],
            PREFACE + b"\x00" * 100,
            PREFACE + frame(SETTINGS, 0, 0) + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
            PREFACE + frame(SETTINGS, 0, 0) + frame(DATA, 0, 1, b"x"),
            PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | END_STREAM, 2, request_headers(b"GET", b"/info")),
            PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff"),
            PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, request_headers(b"GET", b"/info")) + frame(CONTINUATION, 0, 1, huge[:16000]) * 12,
            PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, 0, 0) * 5000,
            PREFACE + frame(SETTINGS, 0, 0) + b"".join(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, request_headers(b"GET", b"/info")) +
                                                       frame(RST_STREAM, 0, 2 * i + 1, b"\0\0\0\x08") for i in range(3000)),
            PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal(b":method", b"GET")),
            PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers(b"GET", b"/info", [(b"Upper", b"case")])),
        ):
            client = self.client()
            try:
                client.sock.sendall(sent[len(PREFACE):] if sent.startswith(PREFACE) else sent)
                client.sock.settimeout(0.3)
                while client.sock.recv(65536):
                    pass
            except OSError:
                pass
            client.close()
            self.alive()
        for at in range(1, 24, 5):  # half a preface
            import socket
            with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
                sock.sendall(PREFACE[:at])
        self.alive()

    def test_half_a_request_keeps_nobody(self):
        clients = [self.client() for _ in range(100)]
        for client in clients:
            client.send(frame(HEADERS, END_HEADERS, 1, request_headers(b"POST", b"/ksql")), frame(DATA, 0, 1, b'{"ksql":'))
        started = time.monotonic()
        self.alive()
        self.assertLess(time.monotonic() - started, 1)


class Upgrade(rest_test.WithServer):
    """`Upgrade: h2c`: a request of HTTP/1.1 whose answer is the first stream of HTTP/2."""
    ASKS = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"

    def setUp(self):
        super().setUp()
        self.server.ok(rest_test.STREAM)

    def ask(self, method, path, body=b"", settings=(), headers=ASKS):
        """-> the socket, and the head of the answer."""
        packed = b"".join(struct.pack(">HI", *setting) for setting in settings)
        sock = socket.create_connection(("127.0.0.1", self.server.port), 20)
        self.addCleanup(sock.close)
        sock.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%sHTTP2-Settings: %s\r\n\r\n%s" % (
            method, path, len(body), headers, base64.urlsafe_b64encode(packed).rstrip(b"="), body))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            self.assertTrue(byte, head)
            head += byte
        return sock, head

    def upgrade(self, *args, **fields):
        sock, head = self.ask(*args, **fields)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(b"upgrade: h2c", head.lower())
        client = Client(None, sock=sock)
        self.addCleanup(client.close)
        client.next = 3
        return client

    def test_requests(self):
        client = self.upgrade(b"GET", b"/info")
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(1)))
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info"))))
        client = self.upgrade(b"POST", b"/ksql", b'{"ksql":"SHOW STREAMS;"}')
        self.assertEqual(json.loads(b"".join(client.data(1)))[0]["streams"][0]["name"], "S")
        self.assertEqual(self.upgrade(b"HEAD", b"/info").data(1), [])

    def test_a_stream_and_its_window(self):
        client = self.upgrade(b"POST", b"/query-stream", b'{"sql":"SELECT V, K FROM S EMIT CHANGES;"}', [(4, 2000)])
        got = client.next_data(1)
        for i in range(4):
            self.insert("x" * 1500, i)
        self.assertEqual(b"".join(client.data(client.ask("GET", "/chc/live"))), b"{}")
        while len(got) < 2000:
            got += client.next_data(1)
        self.assertEqual(len(got), 2000)
        client.send(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 100000)))
        while got.count(b"\n") < 5:
            got += client.next_data(1)
        client.send(frame(RST_STREAM, 0, 1, struct.pack(">I", 8)))
        wait_until(lambda: not self.running())
        self.assertIn(b"{}", b"".join(client.data(client.ask("GET", "/chc/live"))))

    def test_who_does_not_get_it(self):
        for headers in (b"Upgrade: h2c\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\n",
                        self.ASKS + b"HTTP2-Settings: AAMAAABk\r\n", self.ASKS + b"HTTP2-Settings: AAMAAABk=\r\n", self.ASKS + b"Via: 1.1 proxy\r\n",
                        self.ASKS + b"X-Forwarded-For: 10.1.1.1\r\n"):
            _, head = self.ask(b"GET", b"/info", headers=headers)
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), (headers, head))
        for settings in (b"AAMAAABkAA", b"A", b"\xff\xff", b"!!!!", b"A" * 5000):
            sock = socket.create_connection(("127.0.0.1", self.server.port), 20)
            self.addCleanup(sock.close)
            sock.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n" + self.ASKS + b"HTTP2-Settings: " + settings + b"\r\n\r\n")
            self.assertTrue(sock.recv(4096).startswith(b"HTTP/1.1 200 "), settings)

    def test_clients_that_do_wrong(self):
        sock, head = self.ask(b"GET", b"/info", settings=[(4, 0xffffffff)])  # no window can be as large
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        said = b""
        while block := sock.recv(4096):
            said += block
        kinds = []
        while said:
            kinds.append(said[3])
            said = said[9 + int.from_bytes(said[:3], "big"):]
        self.assertEqual(kinds[-1], GOAWAY)
        for then in (b"", b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 1000, PREFACE, PREFACE + b"\xff" * 100, PREFACE[:10]):
            sock, _ = self.ask(b"POST", b"/query-stream", b'{"sql":"SELECT V, K FROM S EMIT CHANGES;"}')
            sock.sendall(then)
            sock.close()
            wait_until(lambda: not self.running())
        self.assertEqual(self.server.get("/info")[0], 200)

    def test_the_server_ends_it(self):
        client = self.upgrade(b"POST", b"/query-stream", b'{"sql":"SELECT V, K FROM S EMIT CHANGES;"}')
        client.next_data(1)
        self.server.stop()
        self.assertTrue(list(client.frames(1))[-1][1] & END_STREAM)


if __name__ == "__main__":
    rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
