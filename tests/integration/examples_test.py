#!/usr/bin/env python3
"""The jobs in sql-examples/jobs, each from its data to its expected result, on a server of its own.

    examples_test.py SLUICE [JOB...]      # path of the binary; --update writes what comes out as expected

A job is a folder: job.sql makes streams and tables, feed.txt says which files of records go into which topics (TOPIC KEY-FIELD TIME-FIELD, the file is
TOPIC.jsonl), questions.sql asks, expected.tsv is what the shell prints for it. Among the records are broken ones.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

SLUICE = "build/sluice"
JOBS = pathlib.Path(__file__).resolve().parents[2] / "sql-examples" / "jobs"
UPDATE = False


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.env = dict(os.environ, XDG_CONFIG_HOME=self.folder.name)
        self.env.pop("SLUICE_URL", None)
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        self.server = subprocess.Popen([SLUICE, "server", "--property", "listeners=http://127.0.0.1:0",
                                        "--property", "state.dir=" + os.path.join(self.folder.name, "data"),
                                        "--property", "commit.interval.ms=100"], stdout=self.log, stderr=self.log, env=self.env)
        self.url = self.find_url()

    def tearDown(self):
        self.server.terminate()
        status = self.server.wait(20)
        self.log.close()
        self.folder.cleanup()
        self.assertEqual(status, 0)

    def find_url(self):
        for _ in range(400):
            match = re.search(r"\(port (\d+)\)", pathlib.Path(self.log.name).read_text(encoding="utf-8"))
            if match:
                return "http://127.0.0.1:" + match.group(1)
            time.sleep(0.05)
        self.fail("the server did not start: " + pathlib.Path(self.log.name).read_text(encoding="utf-8"))

    def run_sluice(self, *args):
        done = subprocess.run([SLUICE, *args], stdin=subprocess.DEVNULL, capture_output=True, env=self.env, timeout=60)
        self.assertEqual((args, done.returncode, done.stderr.decode()), (args, 0, ""))
        return done.stdout.decode()

    def ask(self, job):
        """What the questions give now. A push query that waits for rows which do not come ends by its time-out."""
        return self.run_sluice("sql", "-X", "--query-timeout", "2000", "-f", str(job / "questions.sql"), self.url)

    def job(self, name):
        job = JOBS / name
        for line in (job / "feed.txt").read_text(encoding="utf-8").splitlines():
            topic, key, at = line.split()
            self.run_sluice("feed", "--url", self.url, "--topic", topic, "--key-field", key, "--keep-broken", "--timestamp-field", at, str(job / (topic + ".jsonl")))
        self.run_sluice("sql", "-X", "-f", str(job / "job.sql"), self.url)
        if UPDATE:
            time.sleep(5)
            (job / "expected.tsv").write_text(self.ask(job), encoding="utf-8")
        expected = (job / "expected.tsv").read_text(encoding="utf-8")
        end = time.time() + 30
        while (got := self.ask(job)) != expected and time.time() < end:
            time.sleep(0.2)
        self.assertEqual(got, expected)


def add_job(name):
    setattr(ExamplesTest, "test_" + name.replace("-", "_"), lambda self: self.job(name))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--update"]
    UPDATE = len(arguments) < len(sys.argv) - 1
    if arguments:
        SLUICE = os.path.abspath(arguments[0])
    for folder in sorted(path.name for path in JOBS.iterdir() if path.is_dir()):
        if not arguments[1:] or folder in arguments[1:]:
            add_job(folder)
    unittest.main(argv=sys.argv[:1], verbosity=1)
