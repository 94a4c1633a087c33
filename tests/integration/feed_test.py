#!/usr/bin/env python3
"""`sluice feed` into an embedded log, directly and by way of a server; the shell on an engine of its own; the examples.

    feed_test.py SLUICE      # path of the binary
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

SLUICE = "build/sluice"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sql-examples"
LINES = b'{"id":"a","v":1,"ts":1700000000000}\n\n{"id":"b","v":2,"ts":"2023-11-15T00:00:00"}\r\nbroken \xff\n{"id":"a","v":3}\n'
STREAM = ("SET 'auto.offset.reset'='earliest'; CREATE STREAM s (id STRING KEY, v INT) WITH (kafka_topic='in', value_format='JSON', "
          "key_format='KAFKA'); SELECT id, v, ROWTIME AS t FROM s EMIT CHANGES LIMIT 3;")
ROWS = "ID\tV\tT\na\t1\t1700000000000\nb\t2\t1700006400000\na\t3\t1700006400000\n"


class FeedTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = os.path.join(self.folder.name, "data")
        self.server = None
        self.env = dict(os.environ, XDG_CONFIG_HOME=self.folder.name)
        self.env.pop("SLUICE_URL", None)

    def tearDown(self):
        if self.server:
            self.server.terminate()
            self.assertEqual(self.server.wait(20), 0)
            self.log.close()
        self.folder.cleanup()

    def serve(self):
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        self.server = subprocess.Popen([SLUICE, "server", "--property", "listeners=http://127.0.0.1:0", "--property", f"state.dir={self.dir}",
                                        "--property", "commit.interval.ms=100"], stdout=self.log, stderr=self.log, env=self.env)
        for _ in range(200):
            text = pathlib.Path(self.log.name).read_text(encoding="utf-8")
            match = re.search(r"\(port (\d+)\)", text)
            if match:
                return f"http://127.0.0.1:{match.group(1)}"
            time.sleep(0.05)
        self.fail("the server did not start: " + text)

    def run_sluice(self, *args, stdin=b""):
        done = subprocess.run([SLUICE, *args], input=stdin, capture_output=True, env=self.env, timeout=60, cwd=self.folder.name)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_csv(self):
        csv = ('\ufeffid,v,note,ok\r\na,1,"two\nlines, ""quoted""",true\nb,007,,false\nc,1\nd,2.5e3,"",x"y\ne,-0.5,null,no\nf,"3",x,"open\n').encode()
        code, out, err = self.run_sluice("feed", "--topic", "in", "--csv", "--key-field", "id", "--state-dir", self.dir, stdin=csv)
        self.assertEqual(code, 1)
        self.assertEqual(out, "3 records written to in, 3 refused\n")
        self.assertEqual(err, "sluice: -:5: 2 fields where the header has 4\nsluice: -:6: a quote stands within a field that has none in front\n"
                              "sluice: -:8: a quoted field does not end\n")
        query = ("SET 'auto.offset.reset'='earliest'; CREATE STREAM s (k STRING KEY, line STRING) WITH (kafka_topic='in', value_format='KAFKA'); "
                 "SELECT k, line FROM s EMIT CHANGES LIMIT 3;")
        _, out, _ = self.run_sluice("sql", "--output", "jsonl", "-e", query, self.dir)
        rows = [json.loads(line) for line in out.splitlines() if line.startswith("{\"K\"")]
        self.assertEqual([(row["K"], json.loads(row["LINE"])) for row in rows],
                         [("a", {"id": "a", "v": 1, "note": 'two\nlines, "quoted"', "ok": True}), ("b", {"id": "b", "v": "007", "note": None, "ok": False}),
                          ("e", {"id": "e", "v": -0.5, "note": "null", "ok": "no"})])
        code, _, err = self.run_sluice("feed", "--topic", "in", "--csv", "--state-dir", self.dir, stdin=b"a,b,a\n1,2,3\n")
        self.assertEqual((code, err), (1, "sluice: -:1: the header has the name a twice\n"))

    def test_help(self):
        for command in ("sql", "feed", "server", "run", "test", "log", "version"):
            code, out, err = self.run_sluice("help", command)
            self.assertEqual((command, code, err), (command, 0, ""))
            self.assertRegex(out, r"usage: sluice .*" + ("" if command == "sql" else command))
            self.assertIn("Example: sluice " + command, out)
            if command != "version":
                self.assertEqual(self.run_sluice(command, "--help"), (0, out, ""))
        code, out, err = self.run_sluice("help", "nonsense")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("there is no command 'nonsense'", err)

    def feed(self, *args):
        code, out, err = self.run_sluice("feed", "--topic", "in", "--key-field", "id", "--keep-broken", "--timestamp-field", "ts", *args, stdin=LINES)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "4 records written to in, 1 without a key, 2 without a timestamp (they got that of the record before)\n")

    def test_what_has_no_key_is_refused(self):
        """With its line; a line without that field has the null key, and without --key-field lines go in as they are."""
        lines = b'{"id":1}\nnot json\n[1]\n{id}\n{"id":2} x\n{"n":12345678901234567890}\n{"id":2}\n'
        code, out, err = self.run_sluice("feed", "--topic", "in", "--key-field", "id", "--state-dir", self.dir, stdin=lines)
        self.assertEqual((code, out), (1, "3 records written to in, 1 without a key, 4 refused\n"))
        self.assertEqual(re.findall(r"sluice: -:(\d+): it is no JSON object", err), ["2", "3", "4", "5"])
        code, out, err = self.run_sluice("feed", "--topic", "in", "--timestamp-field", "id", "--state-dir", self.dir, stdin=lines)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("7 records written to in", out)

    def test_embedded_log_then_own_engine(self):
        self.feed("--state-dir", self.dir)
        code, out, err = self.run_sluice("sql", "-X", "-e", STREAM, self.dir)
        self.assertEqual((code, out), (0, "Stream created\n" + ROWS), err)

    def test_by_way_of_a_server(self):
        url = self.serve()
        self.feed("--url", url)
        code, out, err = self.run_sluice("sql", "-X", "-e", STREAM, url)
        self.assertEqual((code, out), (0, "Stream created\n" + ROWS), err)
        code, _, err = self.run_sluice("feed", "--topic", "in", "--state-dir", self.dir, stdin=LINES)
        self.assertEqual(code, 1)
        self.assertIn("--url", err)
        code, _, err = self.run_sluice("sql", "-e", "SHOW STREAMS", self.dir)
        self.assertEqual(code, 3)
        self.assertIn("URL", err)

    def test_print(self):
        """The same on an engine of its own and by way of a URL."""
        line = '{"id":"a","ts":1700000000000}'
        code, _, err = self.run_sluice("feed", "--topic", "in", "--key-field", "id", "--timestamp-field", "ts", "--state-dir", self.dir,
                                       stdin=line.encode())
        self.assertEqual((code, err), (0, ""))
        expected = ("Key format: KAFKA_STRING\nValue format: JSON or KAFKA_STRING\n"
                    f"rowtime: 2023/11/14 22:13:20.000 Z, key: a, value: {line}, partition: 0\n")
        for open_target in (lambda: self.dir, self.serve):
            target = open_target()
            self.assertEqual(self.run_sluice("sql", "-X", "-e", "PRINT 'in' FROM BEGINNING LIMIT 1;", target), (0, expected, ""))
            code, out, err = self.run_sluice("sql", "-X", "-e", "PRINT 'IN' FROM BEGINNING LIMIT 1;", target)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("Did you mean:\n\tprint in;", err)

    def test_a_script_that_is_not_there(self):
        """No state directory is made of its name, whatever else is to be run there."""
        for args in (["nofile.sql"], ["-e", "SHOW TABLES;", "nofile.sql"]):
            self.assertEqual(self.run_sluice("sql", "-X", *args), (1, "", "sluice sql: cannot read nofile.sql: No such file or directory\n"))
            self.assertEqual(os.listdir(self.folder.name), [])

    def test_separated_keys(self):
        code, _, err = self.run_sluice("feed", "--topic", "in", "--key-separator", "\\t", "--state-dir", self.dir, stdin=b"k1\t7\nk2\t8\n")
        self.assertEqual(code, 0, err)
        sql = ("SET 'auto.offset.reset'='earliest'; CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='in', value_format='DELIMITED');"
               "SELECT * FROM s EMIT CHANGES LIMIT 2;")
        code, out, err = self.run_sluice("sql", "-q", "-X", "-e", sql, self.dir)
        self.assertEqual((code, out), (0, "K\tV\nk1\t7\nk2\t8\n"), err)

    def test_a_time_behind_a_separated_key(self):
        """It was looked for in the whole line, which is no JSON with a key in front."""
        code, out, err = self.run_sluice("feed", "--topic", "in", "--key-separator", "|", "--timestamp-field", "ts", "--state-dir", self.dir,
                                         stdin=b'k|{"ts":1700000000000}\n')
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn("without a timestamp", out)
        code, out, err = self.run_sluice("sql", "-X", "-e", "PRINT 'in' FROM BEGINNING LIMIT 1;", self.dir)
        self.assertIn("rowtime: 2023/11/14 22:13:20.000 Z, key: k, ", out)

    def test_usage(self):
        for args in ([], ["--topic", "t", "--url", "u", "--state-dir", "d"], ["--topic", "t", "--partitions", "0"], ["--topic", "t", "--keep-broken"],
                     ["--topic", "t", "/nonexistent"]):
            self.assertEqual(self.run_sluice("feed", *args)[0], 2, args)

    def test_bad_requests(self):
        url = self.serve() + "/sluice/records"
        for body in (b"", b"[]", b"{}", b'{"topic":"t","records":[1]}', b'{"topic":"u","partitions":0,"records":[]}',
                     b'{"topic":"t","records":[{"key64":"*"}]}'):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url, body)
            self.assertEqual(refused.exception.code, 400, body)
            refused.exception.close()

    def test_examples(self):
        url = self.serve()
        for name in ("listings", "prices", "town-alerts", "sessions"):
            if name == "prices":
                for topic in ("listings", "price_changes", "views"):
                    code, _, err = self.run_sluice("feed", "--url", url, "--topic", topic, "--key-field", "listing_id", "--keep-broken", "--timestamp-field", "ts",
                                                   str(EXAMPLES / f"{topic}.jsonl"))
                    self.assertEqual(code, 0, err)
            code, _, err = self.run_sluice("sql", "-X", "-f", str(EXAMPLES / f"{name}.sql"), url)
            self.assertEqual((name, code, err), (name, 0, ""))
        views = 0
        for _ in range(100):
            _, out, _ = self.run_sluice("sql", "-X", "-e", "SELECT views FROM views_per_hour;", url)
            views = sum(int(line) for line in out.splitlines()[1:])
            if views == 10500:
                break
            time.sleep(0.1)
        self.assertEqual(views, 10500)
        code, out, err = self.run_sluice("sql", "-X", "-f", str(EXAMPLES / "questions.sql"), url)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("L-142\t18\t241500\n", out)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        SLUICE = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
