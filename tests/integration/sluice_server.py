"""A server of its own for a test: a fresh state directory, a free port, the embedded log unless a broker is given."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

# A thread that C11's thrd_create starts is unknown to that sanitizer: librdkafka's first allocation crashes it.
needs_librdkafka = unittest.skipIf(os.environ.get("SLUICE_TEST_SANITIZER") == "thread",
                                   "librdkafka does not run under the thread sanitizer")


class Server:
    def __init__(self, binary, properties=None, keep_log=None, tls=None, environment=None):
        """tls: the ssl.SSLContext that requests are made with. environment: variables in addition to the test's own."""
        self.binary = binary
        self.environment = {**os.environ, **(environment or {})}
        self.tls = tls
        self.directory = tempfile.mkdtemp(prefix="sluice-test-")
        self.properties = {
            "listeners": "http://127.0.0.1:0",
            "ksql.streams.state.dir": os.path.join(self.directory, "data"),
            "ksql.streams.auto.offset.reset": "earliest",
            "ksql.streams.cache.max.bytes.buffering": "0",
            "ksql.streams.commit.interval.ms": "100",
            **(properties or {}),
        }
        self.log_path = keep_log or os.path.join(self.directory, "log")
        self.process = None
        self.port = None

    def start(self, ready=True):
        config = os.path.join(self.directory, "server.properties")
        with open(config, "w", encoding="utf-8") as file:
            for name, value in self.properties.items():
                file.write(f"{name}={value}\n")
        with open(self.log_path, "ab") as log:
            start = log.tell()
            self.process = subprocess.Popen([self.binary, "server", "--config", config], stdout=log, stderr=log, env=self.environment)
        self.port = int(self.await_log(r"\(port (\d+)\)", start))
        if ready:
            wait_until(lambda: self.get("/info")[0] == 200, 60, "a server that is ready")
        return self

    def await_log(self, pattern, start, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with open(self.log_path, "rb") as log:
                log.seek(start)
                found = re.search(pattern, log.read().decode("utf-8", "replace"))
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError("the server did not come up:\n" + self.log())

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, how=signal.SIGTERM, seconds=30):
        if self.process is None:
            return None
        self.process.send_signal(how)
        status = self.process.wait(seconds)
        self.process = None
        return status

    def close(self):
        try:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # ---- requests ----

    def request(self, method, path, body=None, headers=None, timeout=20):
        connection = connect(self.port, self.tls, timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8"), response
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, document, headers=None, timeout=20):
        return self.request("POST", path, json.dumps(document), headers, timeout)

    def ksql(self, text, timeout=20, **fields):
        status, body, _ = self.post("/ksql", {"ksql": text, **fields}, timeout=timeout)
        return status, json.loads(body)

    def ok(self, text, **fields):
        status, answer = self.ksql(text, **fields)
        assert status == 200, (text, status, answer)
        return answer

    def pull(self, text, timeout=20, **fields):
        """The rows of a pull query on /query."""
        status, body, _ = self.post("/query", {"ksql": text, **fields}, timeout=timeout)
        assert status == 200, (text, status, body)
        elements = json.loads(body)
        assert not any("errorMessage" in element for element in elements), elements
        return [element["row"]["columns"] for element in elements[1:] if "row" in element]

    def stream(self, path, document, headers=None):
        return Stream(self.port, path, document, headers, self.tls)


def connect(port, tls=None, timeout=20):
    if tls is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls)


class Stream:
    """A response read line by line while the server still writes it."""

    def __init__(self, port, path, document, headers=None, tls=None):
        self.connection = connect(port, tls)
        self.connection.request("POST", path, json.dumps(document), headers or {})
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def line(self):
        return self.response.readline().decode("utf-8")

    def rest(self):
        return self.response.read().decode("utf-8")

    def leave(self):
        """As a client that dies: without a word."""
        sock = self.connection.sock or self.response.fp.raw._sock  # http.client gives the socket away on "close"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.response.close()
        self.connection.close()

    def close(self):
        self.response.close()
        self.connection.close()


def wait_until(condition, seconds=30, what="the condition"):
    end = time.monotonic() + seconds
    while True:
        if condition():
            return
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.02)
