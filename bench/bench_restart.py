#!/usr/bin/env python3
"""bench_restart.py SLUICE KEYS [ROUNDS [name=value ...]]: how long after a kill -9 under load a keyed pull query is right again.

A server of its own on the embedded log counts views per user in a window of an hour, for KEYS users, all of whom are there before anything is
measured. Then, ROUNDS times: 4,000 views a second of random users come in for five seconds and, one after the other, acknowledged views of a user of
whom nobody else tells; the server is killed and started again, and asked for that user's count until it is what was acknowledged (or one more: the last
insert may have been taken without an answer). Times are from the start of the process. What is between the first answer of the server and the first
right one is what the restart of the query took; name=value are further settings of the server.
BENCH_DIR: where the state lies. LOAD_RATE: views a second instead of 4,000."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

LOAD_SECONDS, LOAD_RATE, GIVE_UP_S = 5, int(os.environ.get("LOAD_RATE", "4000")), 120


class Server:
    def __init__(self, sluice, directory, settings):
        self.sluice, self.directory, self.settings = sluice, directory, settings
        self.log = os.path.join(directory, "log")

    def start(self):
        start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        options = [f"--property={s}" for s in ["listeners=http://127.0.0.1:0", f"ksql.streams.state.dir={self.directory}/data",
                                               "ksql.streams.auto.offset.reset=earliest", *self.settings]]
        with open(self.log, "ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen([self.sluice, "server", *options], stdout=log, stderr=log)
        while True:
            with open(self.log, "rb") as log:
                log.seek(start)
                found = re.search(rb"\(port (\d+)\)", log.read())
            if found:
                break
            if self.process.poll() is not None or time.monotonic() - self.started > GIVE_UP_S:
                sys.exit(f"the server does not start: see {self.log}")
            time.sleep(0.002)
        self.connection = http.client.HTTPConnection("127.0.0.1", int(found.group(1)), timeout=GIVE_UP_S)
        self.port = int(found.group(1))

    def ask(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def statement(self, text):
        status, body = self.ask("/ksql", {"ksql": text})
        if status != 200:
            sys.exit(body.decode())

    def await_ready(self):
        while self.ask("/ksql", {"ksql": "SHOW QUERIES;"})[0] != 200:
            time.sleep(0.01)

    def count_of(self, user):
        """The user's views over all windows; None: no answer."""
        status, body = self.ask("/query-stream", {"sql": f"SELECT N FROM COUNTS WHERE ID = '{user}';"})
        if status != 200:
            return None
        rows = [json.loads(line) for line in body.decode().splitlines()[1:] if line]
        return sum(row[0] for row in rows if isinstance(row, list))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def feed_all(sluice, directory, keys):
    """Before there is a server: a view of each user."""
    feed = subprocess.Popen([sluice, "feed", "--state-dir", f"{directory}/data", "--topic", "views", "--partitions", "4", "--key-separator", ":", "-"],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for first in range(0, keys, 10000):
        feed.stdin.write("".join(f"user_{user}:1\n" for user in range(first, min(first + 10000, keys))))
    feed.stdin.close()
    if feed.wait() != 0:
        sys.exit("feeding failed")


def load(server, keys, stop):
    feed = subprocess.Popen([server.sluice, "feed", "--url", f"http://127.0.0.1:{server.port}", "--topic", "views", "--key-separator", ":", "-"],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        while not stop.is_set():
            feed.stdin.write("".join(f"user_{random.randrange(keys)}:1\n" for _ in range(LOAD_RATE // 20)))
            feed.stdin.flush()
            time.sleep(0.05)
        feed.stdin.close()
    except BrokenPipeError:
        pass
    feed.wait()


def await_count(server, user, wanted):
    end = time.monotonic() + GIVE_UP_S * 5
    while server.count_of(user) not in wanted:
        if time.monotonic() > end:
            sys.exit(f"the count of {user} is {server.count_of(user)}, not one of {wanted}")
        time.sleep(0.05)


def measure(server, keys, number):
    stop, acknowledged, user = threading.Event(), 0, f"probe_{number}"
    loader = threading.Thread(target=load, args=(server, keys, stop))
    loader.start()
    end = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < end:
        server.statement(f"INSERT INTO VIEWS (ID, V) VALUES ('{user}', 1);")
        acknowledged += 1
    server.kill()
    stop.set()
    loader.join()
    server.start()
    answered, wrong, silent = time.monotonic() - server.started, 0, 0
    while True:
        count = server.count_of(user)
        now = time.monotonic() - server.started
        if count in (acknowledged, acknowledged + 1):
            break
        wrong, silent = wrong + (count is not None), silent + (count is None)
        if now > GIVE_UP_S:
            sys.exit(f"{count} instead of {acknowledged}")
        time.sleep(0.002)
    print(f"{keys:>10,} users: listens after {answered:.2f} s, right after {now:.2f} s ({server.cpu_s():.2f} s of CPU); {silent} refusals and {wrong} older "
          f"counts before it; {acknowledged:,} views of the user acknowledged", flush=True)


def main():
    sluice, keys = os.path.realpath(sys.argv[1]), int(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    directory = tempfile.mkdtemp(prefix="sluice-restart-", dir=os.environ.get("BENCH_DIR", "/tmp"))
    server = Server(sluice, directory, sys.argv[4:])
    try:
        feed_all(sluice, directory, keys)
        server.start()
        server.await_ready()
        server.statement("CREATE STREAM VIEWS (ID STRING KEY, V INT) WITH (KAFKA_TOPIC = 'views', VALUE_FORMAT = 'DELIMITED');"
                         "CREATE TABLE COUNTS AS SELECT ID, COUNT(*) AS N FROM VIEWS WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID EMIT CHANGES;")
        for user in range(max(0, keys - 20), keys):
            await_count(server, f"user_{user}", (1,))
        for number in range(rounds):
            measure(server, keys, number)
        server.kill()
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
