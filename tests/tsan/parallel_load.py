#!/usr/bin/env python3
"""A server on the embedded log under parallel clients: inserts, pull queries, push queries that end, leave or stay, statements that create, pause
and drop queries. Made for the thread sanitizer, worth running without.

Whatever the interleaving: every row inserted is in the table and in the stream exactly once at the end, a key's count never goes back while
it is watched, and no answer is a 5xx.

usage: parallel_load.py PATH-TO-SLUICE [SECONDS]
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from sluice_server import Server, wait_until  # noqa: E402

KEYS = 8
SETUP = """
CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=4);
CREATE TABLE T AS SELECT K, COUNT(*) AS N, SUM(V) AS TOTAL FROM S GROUP BY K;
CREATE TABLE W AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;
"""
SANITIZER_WORDS = ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "Assertion")

# No query here has a reason to stop, but that DROP ... DELETE TOPIC may take the topic from one that is just being stopped.
UNEXPECTED = re.compile(r" ERROR (?!.*Topic 'D\d+(_T)?' does not exist)| State store: ")


class Load:
    def __init__(self, server, seconds):
        self.server = server
        self.end = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.inserted = {f"k{n}": [0, 0] for n in range(KEYS)}  # key: rows, sum
        self.done = {}
        self.errors = []

    def going(self):
        return time.monotonic() < self.end and not self.errors

    def count(self, what, by=1):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + by

    def check(self, condition, *what):
        if not condition:
            raise AssertionError(what)

    def note_rows(self, rows):
        with self.lock:
            for key, value in rows:
                self.inserted[key][0] += 1
                self.inserted[key][1] += value

    # ---- clients; each is a thread that repeats a round until the time is over ----

    def insert_values(self, number):
        rows = [(f"k{(number + n) % KEYS}", number + n) for n in range(5)]
        self.server.ok("".join(f"INSERT INTO S (K, V) VALUES ('{k}', {v});" for k, v in rows))
        self.note_rows(rows)
        self.count("rows by INSERT VALUES", len(rows))

    def pull(self, number):
        key = f"k{number % KEYS}"
        last = 0
        for _ in range(5):
            with self.lock:
                most = self.inserted[key][0] + 1000  # rows on their way
            rows = self.server.pull(f"SELECT K, N, TOTAL FROM T WHERE K = '{key}';")
            if rows:
                self.check(last <= rows[0][1] <= most, "a count went back or ahead", key, last, rows)
                last = rows[0][1]
            self.server.pull(f"SELECT K, N FROM W WHERE K = '{key}';")
        self.count("pull queries", 10)

    def push_to_limit(self, number):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K, V FROM S EMIT CHANGES LIMIT 10;"})
        rows = [line for line in stream.rest().splitlines() if line.startswith("[\"")]
        stream.close()
        self.check(len(rows) in (0, 10), rows)
        self.count("push queries to their limit")

    def push_and_leave(self, number):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K, N FROM T EMIT CHANGES;"})
        self.check(stream.status == 200, stream.status)
        stream.line()
        for _ in range(number % 4):
            stream.line()
        stream.leave()
        self.count("push queries left")

    def change_what_exists(self, number):
        name = f"D{number}"
        self.server.ok(f"CREATE STREAM {name} AS SELECT K, V + 1 AS V FROM S WHERE V > 2;")
        self.server.ok(f"CREATE TABLE {name}_T AS SELECT K, MAX(V) AS MOST FROM {name} GROUP BY K;")
        queries = [q["id"] for q in self.server.ok("SHOW QUERIES;")[0]["queries"] if q["queryType"] == "PERSISTENT" and f"_{name}" in q["id"]]
        self.check(len(queries) == 2, queries)
        self.server.ok(f"PAUSE {queries[0]}; DESCRIBE {name} EXTENDED; RESUME {queries[0]};")
        time.sleep(0.2)
        self.server.ok(f"DROP TABLE {name}_T DELETE TOPIC; DROP STREAM {name} DELETE TOPIC;")
        self.count("queries made and dropped", 2)

    def pause_and_resume(self, number):
        """Two clients at the same query: their commands have one id, and so one status."""
        for entity in self.server.ok("PAUSE CTAS_W_2; RESUME CTAS_W_2;"):
            self.check(entity["commandStatus"]["status"] == "SUCCESS", entity)
        self.count("pauses", 1)

    def look(self, number):
        for path in ("/info", "/healthcheck"):
            status = self.server.get(path)[0]
            self.check(status == 200, path, status)
        self.server.ok("SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW PROPERTIES;")
        self.server.ksql("SELECT nonsense FROM nowhere;")
        self.count("looks")

    # ----

    def repeat(self, round_of, start):
        number = start
        try:
            while self.going():
                round_of(number)
                number += 1
        except Exception as error:  # whatever it is, the run fails
            self.errors.append(f"{round_of.__name__} {number}: {error!r}"[:2000])

    def run(self):
        clients = [self.insert_values, self.insert_values, self.pull, self.pull, self.push_to_limit, self.push_and_leave,
                   self.change_what_exists, self.pause_and_resume, self.pause_and_resume, self.look]
        threads = [threading.Thread(target=self.repeat, args=(client, 100 * n)) for n, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(self.done))

    def table(self):
        return {row[0]: row[1:] for row in self.server.pull("SELECT K, N, TOTAL FROM T;")}

    def check_everything_arrived(self):
        wanted = {key: rows for key, rows in self.inserted.items() if rows[0]}
        try:
            wait_until(lambda: self.table() == wanted, 60)
        except AssertionError:
            raise AssertionError(f"table {self.table()} instead of {wanted}")
        rows = sum(count for count, _ in wanted.values())
        stream = self.server.stream("/query-stream", {"sql": f"SELECT K, V FROM S EMIT CHANGES LIMIT {rows};"})
        got = {}
        for line in stream.rest().splitlines():
            if line.startswith("[\""):
                key, value = json.loads(line)
                count = got.setdefault(key, [0, 0])
                count[0] += 1
                count[1] += value
        stream.close()
        self.check(got == wanted, "stream", got, wanted)


def on_one_address_layout():
    """The thread sanitizer cannot stand some randomised address spaces: start over without, where that is allowed."""
    if os.environ.get("SLUICE_NO_ASLR") or subprocess.run(["setarch", "-R", "true"], capture_output=True, check=False).returncode != 0:
        return
    os.environ["SLUICE_NO_ASLR"] = "1"
    os.execvp("setarch", ["setarch", "-R", sys.executable] + sys.argv)


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    os.environ["TSAN_OPTIONS"] = f"suppressions={HERE}/suppressions.txt second_deadlock_stack=1 exitcode=66 " + os.environ.get("TSAN_OPTIONS", "")
    server = Server(sys.argv[1], {"ksql.query.pull.table.scan.enabled": "true"})
    failed = []
    try:
        server.start()
        server.ok(SETUP)
        load = Load(server, seconds)
        load.run()
        failed = load.errors
        if not failed:
            load.check_everything_arrived()
        status = server.stop(signal.SIGTERM, 30)
        if status != 0:
            failed.append(f"the server ended with status {status}")
    except Exception as error:
        failed.append(repr(error))
    log = server.log()
    failed += [word for word in SANITIZER_WORDS if word in log]
    failed += ["log: " + line for line in log.splitlines() if UNEXPECTED.search(line)][:10]
    if failed:
        print(log[-20000:])
    server.close()
    for what in failed:
        print("FAILED " + what)
    return 1 if failed else 0


if __name__ == "__main__":
    if not os.path.exists(sys.argv[1] if len(sys.argv) > 1 else ""):
        sys.exit(__doc__)
    on_one_address_layout()
    sys.exit(main())
