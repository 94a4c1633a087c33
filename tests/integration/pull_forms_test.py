#!/usr/bin/env python3
"""Pull queries that are remembered by their text (server/rest/pull_forms.h) answer as if they were not: with other literals, after
changes of what exists, of settings, of variables, of grants, and on every form of answer.

What they are compared with is the same statement with so many blanks behind it that it is not remembered.

usage: pull_forms_test.py PATH-TO-SLUICE [test...]
"""
import http.client
import json
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth_test import SHA512, basic, write  # noqa: E402
from sluice_server import Server, wait_until  # noqa: E402

BINARY = sys.argv[1] if __name__ == "__main__" else None
BLANKS = " " * 4100
STREAM = ("CREATE STREAM S (K STRING KEY, V INT, D DOUBLE, X STRUCT<A INT, B STRING>) WITH (kafka_topic='s', value_format='JSON', partitions=3);"
          "CREATE STREAM N (K BIGINT KEY, V INT) WITH (kafka_topic='n', value_format='JSON', partitions=2);"
          "CREATE STREAM P (A STRING KEY, B STRING KEY, V INT) WITH (kafka_topic='p', key_format='JSON', value_format='JSON', partitions=2);")
TABLES = ("CREATE TABLE T AS SELECT K, COUNT(*) AS C, SUM(V) AS TOTAL, LATEST_BY_OFFSET(X) AS X FROM S GROUP BY K;"
          "CREATE TABLE W AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY K;"
          "CREATE TABLE I AS SELECT V, COUNT(*) AS C FROM S GROUP BY V;"
          "CREATE TABLE B AS SELECT K, COUNT(*) AS C FROM N GROUP BY K;"
          "CREATE TABLE PP AS SELECT A, B, COUNT(*) AS C FROM P GROUP BY A, B;")
KEYS = ["a", "b", "c", "it is", "", "ключ", "A", "%s", "x;y", "--", "'", "null"]
NUMBERS = ["0", "1", "2", "-1", "999999999", "1000000000", "2147483648", "3000000000", "9223372036854775807", "9223372036854775808", "1.0", "01", "1e0"]
FORMS = ["application/vnd.ksql.v1+json", "application/json", "application/vnd.ksqlapi.delimited.v1", "application/vnd.ksql.v1+protobuf", None]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def plain(body):
    return re.sub(r'"query_\d+"', '"query"', body.replace(BLANKS, ""))


class WithServer(unittest.TestCase):
    properties = {}
    who = None

    def setUp(self):
        self.server = Server(BINARY, self.properties, environment={"MALLOC_PERTURB_": "165"})  # what is freed is overwritten at once
        self.addCleanup(self.server.close)
        self.prepare()
        self.kept = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)  # all by one connection
        self.addCleanup(self.kept.close)

    def prepare(self):
        self.server.start()

    def fill(self):
        self.server.ok(STREAM)
        self.server.ok(TABLES)
        rows = "".join(f"INSERT INTO S (ROWTIME, K, V, D, X) VALUES ({t}, {quoted(k)}, {v}, 1.5, STRUCT(A := {v}, B := 'x'));"
                       for t, (k, v) in enumerate([(k, v) for k in KEYS[:-1] for v in (0, 1, -1, 2147483647)], start=9980))
        rows += "".join(f"INSERT INTO N VALUES ({k}, 1);" for k in (0, 1, -1, 3000000000, 9223372036854775807))
        rows += "".join(f"INSERT INTO P VALUES ({quoted(a)}, {quoted(b)}, 1);" for a in "ab" for b in "abc")
        self.server.ok(rows)
        for table, count in (("T", len(KEYS) - 1), ("B", 5), ("PP", 6), ("I", 4)):
            wait_until(lambda table=table, count=count: len(self.server.pull(f"SELECT * FROM {table};{BLANKS}")) == count, what=table)
        wait_until(lambda: len(self.server.pull(f"SELECT * FROM W WHERE K = 'a';{BLANKS}")) > 0, what="W")

    def ask(self, text, path="/query", accept=None, who=None, **fields):
        headers = {**({"Accept": accept} if accept else {}), **(who or self.who or {})}
        document = {"sql" if path == "/query-stream" else "ksql": text, **fields}
        self.kept.request("POST", path, json.dumps(document), headers)
        response = self.kept.getresponse()
        return response.status, plain(response.read().decode("utf-8"))

    def same(self, text, **how):
        """Twice, so that the second is answered by what the first has left."""
        told = self.ask(text + BLANKS, **how)
        for _ in range(2):
            heard = self.ask(text, **how)
            self.assertEqual(heard, told, (text, how))
        return told


class Literals(WithServer):
    def test_any_literals_any_form(self):
        self.fill()
        dice = random.Random(20261129)
        conditions = ["K = {0}", "{0} = K", "K = {0} AND C > {3}", "C > {3} AND K = {0}", "K = {0} AND K = {0}", "K = {0} OR K = {1}", "K IN ({0}, {1})",
                      "K = {0} AND TOTAL <> {2}", "NOT (K = {0})", "K > {0}", "K LIKE {0}", "K = {0} AND K <> {1}", "(K = {0})", "T.K = {0}",
                      "K = UCASE({0})", "K = {0} AND X->A = {3}", "K = CAST({3} AS STRING)", "K BETWEEN {0} AND {1}"]
        statements = [f"SELECT {what} FROM T WHERE {how}{limit};" for what in ("*", "K, C", "C + {3} AS Z, K", "{1} AS Q, X->B", "TOTAL", "UCASE(K), K", "-C, C IS NULL")
                      for how in conditions for limit in ("", " LIMIT 1", " LIMIT 0")]
        statements += [f"SELECT * FROM W WHERE {how};" for how in ("K = {0}", "K = {0} AND WINDOWSTART >= {4}", "K = {0} AND WINDOWSTART = {4}", "WINDOWSTART > 0 AND K = {0} AND WINDOWEND < {4}",
                                                                     "K = {0} AND WINDOWSTART >= '1970-01-01T00:00:10'")]
        statements += [f"SELECT * FROM {table} WHERE {how};" for table, column in (("B", "K"), ("I", "V")) for how in (column + " = {2}", "{2} = " + column, column + " = {2} AND C = {3}",
                                                                                                                   column + " = -{3}", column + " = +{3}", column + " = {2} + 0")]
        statements += [f"SELECT * FROM PP WHERE {how};" for how in ("A = {0} AND B = {1}", "B = {1} AND A = {0}", "A = {0}", "A = {0} AND B = {1} AND A = {0}", "A = {0} AND B = {1} AND C = {3}")]
        statements += ["SELECT * FROM T WHERE K = {0} -- {1}\n;", "SELECT * FROM T /* {0} */ WHERE K = {0};", "select\n\tk\nfrom t where\n\n k={0}", "SELECT `K` FROM `T` WHERE `K` = {0};",
                       "SELECT K FROM t x WHERE x.K={0};", "SELECT * FROM T WHERE K = \"{0}\";", "SELECT * FROM T WHERE K = $${0}$$;", "SELECT * FROM MISSING WHERE K = {0};", "SELECT FROM T WHERE K = {0};",
                       "PRINT {0};", "SELECT * FROM T WHERE K = {0}; SELECT 1;"]
        for _ in range(1200):
            text = dice.choice(statements).format(quoted(dice.choice(KEYS)), quoted(dice.choice(KEYS)), dice.choice(NUMBERS), dice.choice(["0", "1", "2", "4"]), dice.choice(["0", "10000", "20000"]))
            if "PRINT" in text:
                continue
            self.same(text, path=dice.choice(["/query", "/query-stream"]), accept=dice.choice(FORMS))

    def test_by_name_of_the_key(self):
        """What was asked for the first key must not come for the second."""
        self.fill()
        for table, keys in (("T", KEYS[:-1]), ("W", KEYS[:-1])):
            for key in keys:
                rows = self.server.pull(f"SELECT K FROM {table} WHERE K = {quoted(key)};")
                self.assertEqual({row[0] for row in rows}, {key})
        for key in (0, 1, 3000000000, 9223372036854775807):
            self.assertEqual([row[0] for row in self.server.pull(f"SELECT K FROM B WHERE K = {key};")], [key])
        self.assertEqual(self.server.pull("SELECT * FROM T WHERE K = 'nobody';"), [])

    def test_more_rows_than_at_once(self):
        """An answer of many rows takes the long way, and is whole."""
        self.server.ok("CREATE STREAM S (K STRING KEY, V INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
                       "CREATE TABLE W AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 1 SECONDS) GROUP BY K;")
        self.server.ok("".join(f"INSERT INTO S (ROWTIME, K, V) VALUES ({1000 * t}, 'a', 1);" for t in range(150)))
        wait_until(lambda: len(self.server.pull(f"SELECT * FROM W WHERE K = 'a';{BLANKS}")) == 150)
        for _ in range(3):
            self.assertEqual([row[0] for row in self.server.pull("SELECT WINDOWSTART FROM W WHERE K = 'a';")], [1000 * t for t in range(150)])
            self.assertEqual(len(self.server.pull("SELECT * FROM W WHERE K = 'a' AND WINDOWSTART < 64000;")), 64)


class Changes(WithServer):
    properties = {"ksql.runtime.feature.shared.enabled": "true", "sluice.functions.create.enabled": "true"}  # the first: ALTER SYSTEM
    SOURCE = "CREATE STREAM S (K STRING KEY, V INT, U INT) WITH (kafka_topic='s', value_format='JSON', partitions=2);"

    def table(self, columns, replace=""):
        self.server.ok(f"CREATE {replace} TABLE T AS SELECT K, {columns} FROM S GROUP BY K;", streamsProperties={"auto.offset.reset": "earliest"})

    def pull(self):
        return self.ask("SELECT * FROM T WHERE K = 'a';")

    def rows(self):
        status, body = self.pull()
        self.assertEqual(status, 200, body)
        self.assertNotIn("errorMessage", body)
        return [element["row"]["columns"] for element in json.loads(body)[1:]]

    def test_dropped_and_made_again(self):
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7);")
        wait_until(lambda: self.rows() == [["a", 1]])
        self.server.ok("DROP TABLE T;")
        self.assertEqual(self.pull()[0], 400)
        self.table("SUM(V) AS TOTAL, MAX(U) AS M")
        wait_until(lambda: self.rows() == [["a", 5, 7]])
        self.assertIn("`TOTAL` INTEGER", self.pull()[1])
        self.server.ok("DROP TABLE T DELETE TOPIC; CREATE TABLE T (K STRING PRIMARY KEY, Z STRING) WITH (kafka_topic='t', value_format='JSON', partitions=1);")
        self.assertEqual(self.pull()[0], 400)  # no query makes it
        self.server.ok("DROP TABLE T; CREATE STREAM T (K STRING KEY, Z STRING) WITH (kafka_topic='t', value_format='JSON');")
        self.assertIn("`Z` STRING", self.pull()[1])

    def test_replaced_terminated_altered(self):
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7);")
        wait_until(lambda: self.rows() == [["a", 1]])
        self.table("COUNT(*) AS C, COUNT(*) + 100 AS TOTAL", "OR REPLACE")
        self.assertIn("TOTAL", self.pull()[1])
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7);")
        wait_until(lambda: self.rows()[0][1] == 2)
        query = self.server.ok("SHOW QUERIES;")[0]["queries"][0]["id"]
        self.server.ok("ALTER STREAM S ADD COLUMN Y STRING;")
        self.assertEqual(self.rows()[0][1], 2)
        self.server.ok(f"TERMINATE {query};")
        status, body = self.pull()
        self.assertEqual(status, 400)
        self.assertIn("isn't queryable", body)

    def test_settings(self):
        """A session's own settings, and those of the system."""
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7);")
        wait_until(lambda: self.rows() == [["a", 1]])
        scan, off = "SELECT * FROM T WHERE C = 1;", {"streamsProperties": {"ksql.query.pull.table.scan.enabled": "false"}}
        for _ in range(2):
            self.assertEqual(self.ask(scan)[0], 200)
            self.assertEqual(self.ask(scan, **off)[0], 400)
        token = {"streamsProperties": {"ksql.query.pull.consistency.token.enabled": True}}
        for _ in range(2):
            self.assertIn("consistencyToken", self.ask("SELECT * FROM T WHERE K = 'a';", **token)[1])
            self.assertNotIn("consistencyToken", self.pull()[1])
        self.server.ok("ALTER SYSTEM 'ksql.query.pull.consistency.token.enabled' = 'true';")
        for _ in range(2):
            self.assertIn("consistencyToken", self.pull()[1])
        self.server.ok("ALTER SYSTEM 'ksql.query.pull.consistency.token.enabled' = 'false';ALTER SYSTEM 'ksql.query.pull.table.scan.enabled' = 'false';")
        self.assertNotIn("consistencyToken", self.pull()[1])
        self.assertEqual(self.ask(scan)[0], 400)
        self.assertEqual(self.ask(scan, streamsProperties={"ksql.query.pull.table.scan.enabled": "true"})[0], 200)

    def test_variables(self):
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7); INSERT INTO S VALUES ('b', 5, 7);")
        wait_until(lambda: len(self.server.pull(f"SELECT * FROM T;{BLANKS}")) == 2)
        for _ in range(2):
            for key in "ab":
                status, body = self.ask("SELECT K FROM T WHERE K = '${key}';", sessionVariables={"key": key})
                self.assertEqual([element["row"]["columns"] for element in json.loads(body)[1:]], [[key]])

    def test_functions(self):
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        self.server.ok("INSERT INTO S VALUES ('a', 5, 7);")
        wait_until(lambda: self.rows() == [["a", 1]])
        for value in (10, 20):
            self.server.ok(f"CREATE OR REPLACE FUNCTION TENS (v BIGINT) RETURNS BIGINT LANGUAGE LUA AS $$ return v * {value} $$;")
            for _ in range(2):
                self.assertIn(f'"columns":[{value}]', self.ask("SELECT TENS(C) AS N FROM T WHERE K = 'a';")[1])
        self.server.ok("DROP FUNCTION TENS;")
        self.assertEqual(self.ask("SELECT TENS(C) AS N FROM T WHERE K = 'a';")[0], 400)

    def test_sees_what_the_session_wrote(self):
        self.server.ok(self.SOURCE)
        self.table("COUNT(*) AS C")
        for count in range(1, 40):
            status, _, response = self.server.post("/ksql", {"ksql": "INSERT INTO S VALUES ('a', 5, 7);"})
            token = {"request.ksql.query.pull.consistency.token": response.headers["Sluice-Consistency-Token"]}
            self.assertEqual(self.ask("SELECT C FROM T WHERE K = 'a';", requestProperties=token)[1].count(f"[{count}]"), 1)

    def test_random_crossing(self):
        """Changes and questions in any order; the long way tells what is right."""
        dice = random.Random(8)
        columns = ["COUNT(*) AS C", "SUM(V) AS C", "SUM(V) AS D, COUNT(*) AS C", "MAX(U) AS C, MIN(V) AS D"]
        self.server.ok(self.SOURCE)
        for key in "abc":
            self.server.ok(f"INSERT INTO S VALUES ('{key}', {ord(key)}, 7);")
        exists = False
        for _ in range(60):
            move = dice.choice(["make", "replace", "drop", "system", "alter", "nothing"])
            if move == "make" and not exists:
                self.table(dice.choice(columns))
                exists = True
                wait_until(lambda: len(self.server.pull(f"SELECT * FROM T;{BLANKS}")) == 3)
            elif move == "replace" and exists:
                self.server.ksql(f"CREATE OR REPLACE TABLE T AS SELECT K, {dice.choice(columns)}, COUNT(*) + {dice.randrange(9)} AS Y FROM S GROUP BY K;")  # may be refused
                wait_until(lambda: len(self.server.pull(f"SELECT * FROM T;{BLANKS}")) == 3)
            elif move == "drop" and exists:
                self.server.ok("DROP TABLE T;")
                exists = False
            elif move == "system":
                self.server.ok(f"ALTER SYSTEM 'ksql.query.pull.table.scan.enabled' = '{dice.choice(['true', 'false'])}';")
                self.server.ok("ALTER SYSTEM 'ksql.query.pull.table.scan.enabled' = 'true';") if exists else None
            elif move == "alter":
                self.server.ok(f"ALTER STREAM S ADD COLUMN Y{dice.randrange(10 ** 9)} INT;")
            for _ in range(6):
                text = dice.choice(["SELECT * FROM T WHERE K = '{}';", "SELECT C, K FROM T WHERE K = '{}';", "SELECT * FROM T WHERE K = '{}' AND C > 0;", "SELECT D FROM T WHERE K = '{}';",
                                    "SELECT * FROM T WHERE C > 1 AND K <> '{}';"]).format(dice.choice("abcd"))
                self.same(text, path=dice.choice(["/query", "/query-stream"]))


class Limits(WithServer):
    properties = {"ksql.query.pull.max.qps": "20"}

    def test_queries_a_second(self):
        self.server.ok(Changes.SOURCE + "CREATE TABLE T AS SELECT K, COUNT(*) AS C FROM S GROUP BY K; INSERT INTO S VALUES ('a', 5, 7);")
        statuses = [self.ask("SELECT * FROM T WHERE K = 'a';")[0] for _ in range(60)]
        self.assertEqual(set(statuses), {200, 429})
        self.assertGreaterEqual(statuses.count(200), 20)
        self.assertLess(statuses.count(200), 50)


class Grants(WithServer):
    who = basic("boss", "secret")

    def prepare(self):
        self.server = Server(BINARY, {"authentication.method": "BASIC", "sluice.authorization.method": "GRANTS"})
        self.addCleanup(self.server.close)
        users = os.path.join(self.server.directory, "users")
        write(users, f"boss:{SHA512}:ADMIN\nrita:{SHA512}:reader\nann:{SHA512}\n")
        self.server.properties["sluice.authentication.file"] = users
        self.server.start(ready=False)
        wait_until(lambda: self.server.get("/info", self.who)[0] == 200)

    def ok(self, text):
        status, body, _ = self.server.post("/ksql", {"ksql": text}, self.who)
        self.assertEqual(status, 200, body)

    def test_another_users_grants(self):
        self.ok(Changes.SOURCE + "CREATE TABLE T AS SELECT K, COUNT(*) AS C FROM S GROUP BY K; INSERT INTO S VALUES ('a', 5, 7);")
        question, rita, ann = "SELECT * FROM T WHERE K = 'a';", basic("rita", "secret"), basic("ann", "secret")
        wait_until(lambda: '"columns":["a",1]' in self.ask(question)[1])
        for _ in range(2):
            self.assertEqual([self.ask(question, who=who)[0] for who in (self.who, rita, ann)], [200, 403, 403])
        self.ok("GRANT SELECT ON T TO reader;")
        for _ in range(2):
            self.assertEqual([self.ask(question, who=who)[0] for who in (self.who, rita, ann)], [200, 200, 403])
        self.ok("REVOKE SELECT ON T FROM reader; GRANT SELECT ON T TO USER ann;")
        for _ in range(2):
            self.assertEqual([self.ask(question, who=who)[0] for who in (self.who, rita, ann)], [200, 403, 200])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
