#!/usr/bin/env python3
"""Statements about connectors against a Kafka Connect that the test plays: its REST interface, with everything that can go wrong there. And ALTER SYSTEM,
and who reads what its settings hold.

usage: connect_test.py PATH-TO-SLUICE [test...]
"""
import base64
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.parse import unquote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server  # noqa: E402

BINARY = os.environ.get("SLUICE", "build/sluice")
CLASS = "org.example.FileStreamSource"
CREATE = f"CREATE SOURCE CONNECTOR %s WITH ('connector.class'='{CLASS}', 'file'='a', 'tasks.max'=2, LIMITED=TRUE, 'password'='s3cret');"


class Connect:
    """Connectors in memory. `trouble`: {(method, path): what to do instead}, where what is (status, body bytes), a function of the handler, or a list of such,
    one a request."""

    def __init__(self, user=None):
        self.connectors, self.asked, self.trouble, self.user = {}, [], {}, user
        connect = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, document):
                self.raw(status, b"" if document is None else json.dumps(document).encode())

            def raw(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                document = json.loads(body) if body else None
                connect.asked.append((self.command, self.path, document))
                wanted = "Basic " + base64.b64encode(connect.user.encode()).decode() if connect.user else None
                trouble = connect.trouble.get((self.command, self.path))
                if isinstance(trouble, list):
                    trouble = trouble.pop(0) if trouble else None
                if self.headers.get("Authorization") != wanted:
                    self.reply(401, {"error_code": 401, "message": "User cannot access the resource."})
                elif callable(trouble):
                    trouble(self)
                elif trouble is not None:
                    self.raw(*trouble)
                else:
                    self.reply(*connect.answer(self.command, [unquote(p) for p in self.path.split("?")[0].split("/")[1:]], document))

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # clients leave
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.address}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method, path, body):
        missing = 404, {"error_code": 404, "message": "Connector %s not found" % (path[1] if len(path) > 1 else "")}
        if path == ["connectors"] and method == "GET":
            return 200, list(self.connectors)
        if path == ["connectors"] and method == "POST":
            if body["name"] in self.connectors:
                return 409, {"error_code": 409, "message": f"Connector {body['name']} already exists"}
            self.connectors[body["name"]] = {"name": body["name"], "config": body["config"], "tasks": [], "type": "source" if "Source" in body["config"]["connector.class"] else "sink"}
            return 201, self.connectors[body["name"]]
        if path == ["connector-plugins"]:
            return 200, [{"class": CLASS, "type": "source", "version": "1.0"}, {"class": "org.example.Sink", "type": "sink", "version": None}]
        if path[0] == "connector-plugins" and path[2:] == ["config", "validate"] and method == "PUT":
            mistakes = [] if "file" in body else ["Missing required configuration \"file\"", "It must be a path"]
            return 200, {"name": path[1], "error_count": len(mistakes), "groups": [],
                         "configs": [{"value": {"name": "name", "value": body["name"], "errors": []}}, {"value": {"name": "file", "value": None, "errors": mistakes}}]}
        if path[0] != "connectors" or path[1] not in self.connectors:
            return missing
        if method == "DELETE":
            del self.connectors[path[1]]
            return 204, None
        if path[2:] == ["status"]:
            return 200, {"name": path[1], "connector": {"state": "RUNNING", "worker_id": "w:8083"}, "type": self.connectors[path[1]]["type"],
                         "tasks": [{"id": 0, "state": "RUNNING", "worker_id": "w:8083"}, {"id": 1, "state": "FAILED", "worker_id": "w:8083", "trace": "java.lang.Exception: no\n\tat x"}]}
        if path[2:] == ["topics"]:
            return 200, {path[1]: {"topics": ["views"]}}
        return 200, self.connectors[path[1]]


class AgainstConnect(unittest.TestCase):
    properties = {}
    user = None

    def setUp(self):
        self.connect = Connect(self.user)
        self.addCleanup(self.connect.close)
        self.server = Server(BINARY, {"ksql.connect.url": self.connect.url + "/", "ksql.connect.request.timeout.ms": "1000", **self.properties})
        self.addCleanup(self.server.close)
        self.server.start()

    def refused(self, text, status, code, *parts):
        got, answer = self.server.ksql(text)
        self.assertEqual((got, answer.get("error_code")), (status, code), answer)
        for part in parts:
            self.assertIn(part, answer["message"])
        return answer


class Statements(AgainstConnect):
    def test_a_connector_from_its_making_to_its_end(self):
        entity = self.server.ok(CREATE % "c")[0]
        self.assertEqual(entity["@type"], "connector_info")
        self.assertEqual(entity["info"]["name"], "C")
        self.assertEqual(self.connect.connectors["C"]["config"],
                         {"connector.class": CLASS, "file": "a", "tasks.max": "2", "LIMITED": "true", "password": "s3cret", "name": "C"})
        self.assertNotIn("s3cret", entity["statementText"])
        self.assertIn(CLASS, entity["statementText"])
        self.server.ok("CREATE STREAM V (A INT) WITH (kafka_topic='views', value_format='JSON', partitions=1);")
        entity = self.server.ok("DESCRIBE CONNECTOR c;")[0]
        self.assertEqual([entity[k] for k in ("@type", "connectorClass", "topics", "warnings")], ["connector_description", CLASS, ["views"], []])
        self.assertEqual(entity["status"]["tasks"][1]["trace"], "java.lang.Exception: no\n\tat x")
        self.assertEqual([s["name"] for s in entity["sources"]], ["V"])
        self.server.ok("CREATE SINK CONNECTOR IF NOT EXISTS `d/ä` WITH ('connector.class'='org.example.Sink', 'file'='b');")
        listed = self.server.ok("SHOW CONNECTORS;")[0]
        self.assertEqual(listed["connectors"], [
            {"name": "C", "type": "source", "className": CLASS, "state": "RUNNING (1/2 tasks RUNNING)"},
            {"name": "d/ä", "type": "sink", "className": "org.example.Sink", "state": "RUNNING (1/2 tasks RUNNING)"}])
        self.assertEqual([c["name"] for c in self.server.ok("LIST SINK CONNECTORS;")[0]["connectors"]], ["d/ä"])
        self.assertEqual([c["name"] for c in self.server.ok("SHOW SOURCE CONNECTORS;")[0]["connectors"]], ["C"])
        plugins = self.server.ok("SHOW CONNECTOR PLUGINS;")[0]
        self.assertEqual(plugins["@type"], "connector_plugins_list")
        self.assertEqual(plugins["connectorsPlugins"][0], {"className": CLASS, "type": "source", "version": "1.0"})
        entity = self.server.ok("DROP CONNECTOR `d/ä`; DROP CONNECTOR IF EXISTS c;")[0]
        self.assertEqual((entity["@type"], entity["connectorName"]), ("drop_connector", "d/ä"))
        self.assertEqual(self.connect.connectors, {})

    def test_what_is_there_and_what_is_not(self):
        self.server.ok(CREATE % "c")
        self.assertNotIn("s3cret", json.dumps(self.refused(CREATE % "c", 409, 40900, "Connector C already exists")))
        for text, message in ((CREATE.replace("CONNECTOR", "CONNECTOR IF NOT EXISTS") % "c", "Connector C already exists"), ("DROP CONNECTOR IF EXISTS d;", "Connector 'D' does not exist.")):
            entity = self.server.ok(text)[0]
            self.assertEqual((entity["@type"], entity["message"]), ("warning_entity", message))
            self.assertNotIn("s3cret", json.dumps(entity))
        self.connect.connectors["low"] = self.connect.connectors["C"]
        self.refused("DROP CONNECTOR low;", 404, 40400, "Connector 'LOW' does not exist.", "`low`")
        self.refused("DESCRIBE CONNECTOR cc;", 404, 40400, "Connector 'CC' does not exist.", "Did you mean C?")
        # Between the look and the making another made it.
        self.connect.trouble[("GET", "/connectors/C")] = (404, b"{}")
        self.assertEqual(self.server.ok(CREATE.replace("CONNECTOR", "CONNECTOR IF NOT EXISTS") % "c")[0]["@type"], "warning_entity")

    def test_a_wrong_configuration_is_refused_before_anything_is_made(self):
        stream = "CREATE STREAM S (A INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
        self.refused(stream + f"CREATE SOURCE CONNECTOR c WITH ('connector.class'='{CLASS}');", 400, 40001, 'Validation error: file - Missing required configuration "file". It must be a path')
        self.refused(stream + "CREATE SINK CONNECTOR c WITH (x=1);", 400, 40001, "no 'connector.class'")
        self.connect.trouble[("PUT", f"/connector-plugins/{CLASS}/config/validate")] = (500, b'{"error_code":500,"message":"Failed to find any class that implements Connector"}')
        self.refused(stream + CREATE % "c", 500, 50000, "Validation error: ", "Failed to find any class")
        self.assertEqual(self.server.ok("SHOW STREAMS;")[0]["streams"], [])
        self.assertEqual(self.connect.connectors, {})
        # One that cannot check beforehand checks when it makes.
        self.connect.trouble[("PUT", f"/connector-plugins/{CLASS}/config/validate")] = (404, b'{"error_code":404,"message":"HTTP 404 Not Found"}')
        self.connect.trouble[("POST", "/connectors")] = [(400, b'{"error_code":400,"message":"Connector configuration is invalid"}')]
        self.refused(CREATE % "c", 400, 40001, "Failed to create connector: Connector configuration is invalid")
        self.server.ok(CREATE % "c")

    def test_a_slip_beside_a_password(self):
        self.assertNotIn("s3cret", json.dumps(self.refused((CREATE % "c").replace("2,", "2"), 400, 40001, "line 1:")))

    def test_drop_and_create_in_one_request(self):
        self.server.ok(CREATE % "c")
        answers = self.server.ok("DROP CONNECTOR c;" + CREATE % "c" + "SHOW CONNECTORS;")
        self.assertEqual([a["@type"] for a in answers], ["drop_connector", "connector_info", "connector_list"])

    def test_what_may_have_begun_is_not_sent_twice(self):
        self.connect.trouble[("POST", "/connectors")] = (500, b'{"error_code":500,"message":"Request timed out"}')
        self.refused(CREATE % "c", 500, 50000, "Failed to create connector: ", "Request timed out")
        self.assertEqual(sum(method == "POST" for method, _, _ in self.connect.asked), 1)
        self.connect.trouble[("POST", "/connectors")] = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
        self.refused(CREATE % "c", 503, 50302, "does not answer")
        self.assertEqual(sum(method == "POST" for method, _, _ in self.connect.asked), 2)
        # Questions are asked again.
        self.connect.trouble[("GET", "/connectors")] = [(503, b""), (500, b"no")]
        self.assertEqual(self.server.ok("SHOW CONNECTORS;")[0]["connectors"], [])

    def test_while_workers_agree(self):
        self.connect.trouble[("POST", "/connectors")] = [(409, b'{"error_code":409,"message":"Cannot complete request momentarily due to stale configuration"}')]
        self.refused(CREATE % "c", 409, 40900, "Failed to create connector: Cannot complete request momentarily")

    def test_answers_that_make_no_sense(self):
        self.server.ok(CREATE % "c")
        for path, text in (("/connectors", "SHOW CONNECTORS;"), ("/connectors/C", "DESCRIBE CONNECTOR c;"), ("/connectors/C/status", "DESCRIBE CONNECTOR c;"), ("/connector-plugins", "SHOW CONNECTOR PLUGINS;")):
            for body in (b"", b"{", b"null", b"\xff\xfe", b'"text"', b"[" * 100000, b'{"a":' * 3000 + b"1" + b"}" * 3000):
                self.connect.trouble = {("GET", path): (200, body)}
                self.refused(text, 500, 50000, "makes no sense")
        self.connect.trouble = {("GET", "/connectors"): (200, b"[1, null, {}]")}
        self.refused("SHOW CONNECTORS;", 500, 50000, "makes no sense")
        # Right in shape, odd in what it holds: shown as far as it goes.
        self.connect.trouble = {("GET", "/connectors/C"): (200, b'{"config":7,"type":[],"tasks":{}}'), ("GET", "/connectors/C/status"): (200, b'{"connector":"x","tasks":[1,{"state":2}]}'),
                                ("GET", "/connectors/C/topics"): (200, b'{"C":{"topics":[7]}}'), ("GET", "/connector-plugins"): (200, b'[1,{"class":{}}]')}
        self.assertEqual(self.server.ok("SHOW CONNECTORS;")[0]["connectors"], [{"name": "C", "type": None, "className": None, "state": "UNKNOWN"}])
        described = self.server.ok("DESCRIBE CONNECTOR c;")[0]
        self.assertEqual(described["topics"], [])
        self.assertIn("Could not list related topics", described["warnings"][0]["message"])
        self.assertEqual(len(self.server.ok("SHOW CONNECTOR PLUGINS;")[0]["connectorsPlugins"]), 2)
        self.connect.trouble = {("POST", "/connectors"): (201, b"made")}
        self.refused(CREATE % "d", 500, 50000, "makes no sense")

    def test_one_that_cannot_be_told_is_a_warning(self):
        self.server.ok(CREATE % "c" + CREATE % "d")
        self.connect.trouble = {("GET", "/connectors/C/status"): (404, b'{"message":"No status found for connector C"}')}
        listed = self.server.ok("SHOW CONNECTORS;")[0]
        self.assertEqual([c["name"] for c in listed["connectors"]], ["D"])
        self.assertEqual(listed["warnings"], [{"message": "Could not describe connector C: No status found for connector C"}])

    def test_a_big_list_and_one_that_is_too_big(self):
        plugins = [{"class": "c" * 100 + str(i), "type": "sink", "version": "1"} for i in range(50000)]
        self.connect.trouble = {("GET", "/connector-plugins"): (200, json.dumps(plugins).encode())}
        self.assertEqual(len(self.server.ok("SHOW CONNECTOR PLUGINS;")[0]["connectorsPlugins"]), 50000)
        self.connect.trouble = {("GET", "/connector-plugins"): (200, b"[" + b" " * (17 << 20) + b"]")}
        self.refused("SHOW CONNECTOR PLUGINS;", 503, 50302, "larger than 16 MB")

    def test_the_shell(self):
        def shell(*arguments):
            done = subprocess.run([BINARY, "sql", "-X", *arguments, f"http://127.0.0.1:{self.server.port}"], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        self.assertEqual(shell("-e", CREATE % "c"), "Created connector C\n")
        self.assertIn("RUNNING (1/2 tasks RUNNING)", shell("-e", "SHOW CONNECTORS;"))
        self.assertIn("SOURCE", shell("-e", "SHOW CONNECTORS;"))
        self.server.ok("CREATE STREAM V (A INT) WITH (kafka_topic='views', value_format='JSON', partitions=1);")
        lines = shell("--output", "tabular", "-e", "DESCRIBE CONNECTOR c;").splitlines()
        for expected in ("Name                 : C", f"Class                : {CLASS}", "Type                 : source", "State                : RUNNING", "WorkerId             : w:8083"):
            self.assertIn(expected, lines)
        text = "\n".join(lines)
        for expected in ("Task ID", "Error Trace", "java.lang.Exception: no", "KSQL Source Name", "Related Topics", "views"):
            self.assertIn(expected, text)
        self.assertEqual(shell("-e", "DROP CONNECTOR c;"), 'Dropped connector "C"\n')


class Hanging(AgainstConnect):
    properties = {"ksql.connect.request.timeout.ms": "6000"}

    def test_one_that_hangs_stops_nobody_else(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        self.connect.trouble = {("GET", "/connectors"): lambda handler: hang.wait(30), ("PUT", f"/connector-plugins/{CLASS}/config/validate"): lambda handler: hang.wait(30)}
        texts = ["SHOW CONNECTORS;", CREATE % "c"] * 6
        answers = []
        threads = [threading.Thread(target=lambda text=text: answers.append(self.server.ksql(text))) for text in texts]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        slowest = 0
        for i in range(3):
            begin = time.monotonic()
            self.server.ok(f"CREATE STREAM S{i} (A INT) WITH (kafka_topic='s{i}', value_format='JSON', partitions=1); INSERT INTO S{i} VALUES (1); SHOW STREAMS;")
            slowest = max(slowest, time.monotonic() - begin)
        self.assertEqual(len(answers), 0, "they have not waited at all")
        self.assertLess(slowest, 4)
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - start, 30)
        for status, answer in answers:
            self.assertEqual((status, answer["error_code"]), (503, 50302), answer)
            self.assertIn(f"Kafka Connect at {self.connect.url}/conn", answer["message"])
            self.assertIn("timed out", answer["message"])


class Authentication(AgainstConnect):
    user = "writer:s3 cret"

    def setUp(self):
        handle, self.credentials = tempfile.mkstemp()
        os.close(handle)
        self.write("writer", "s3 cret")
        self.addCleanup(os.unlink, self.credentials)
        self.properties = {"ksql.connect.basic.auth.credentials.source": "FILE", "ksql.connect.basic.auth.credentials.file": self.credentials,
                           "ksql.connect.basic.auth.credentials.reload": "true"}
        super().setUp()

    def write(self, user, password):
        with open(self.credentials, "w", encoding="utf-8") as file:
            file.write(f"username={user}\npassword={password}\n")

    def test_the_file_is_read_again(self):
        self.server.ok(CREATE % "c")
        self.write("nobody", "s3 cret")
        self.refused("SHOW CONNECTORS;", 500, 50000, "Failed to list connectors: Kafka Connect answers /connectors with status 401: User cannot access the resource.")
        self.assertEqual(sum(path == "/connectors" and method == "GET" for method, path, _ in self.connect.asked), 1)
        os.truncate(self.credentials, 0)
        self.refused("SHOW CONNECTORS;", 500, 50000, "need a username and a password")
        self.write("writer", "s3 cret")
        self.assertEqual(len(self.server.ok("SHOW CONNECTORS;")[0]["connectors"]), 1)


class Settings(unittest.TestCase):
    def start(self, properties, ready=True):
        server = Server(BINARY, properties)
        self.addCleanup(server.close)
        if ready:
            server.start()
        return server

    def does_not_start(self, properties, *parts):
        server = self.start(properties, ready=False)
        self.assertRaises(AssertionError, server.start)
        for part in parts:
            self.assertIn(part, server.log())

    def test_without_an_address(self):
        server = self.start({"ksql.connect.worker.config": "/etc/connect.properties"})
        stream = "CREATE STREAM S (A INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
        for text, purpose in ((CREATE % "c", "create connector"), ("SHOW CONNECTORS;", "list connectors"), ("SHOW CONNECTOR PLUGINS;", "list connector plugins"),
                              ("DESCRIBE CONNECTOR c;", "describe connector"), ("DROP CONNECTOR IF EXISTS c;", "drop connector")):
            status, answer = server.ksql(stream + text)
            self.assertEqual((status, answer["error_code"]), (400, 40001), answer)
            self.assertIn(f"Failed to {purpose}: no Kafka Connect is configured. Set 'ksql.connect.url'", answer["message"])
            self.assertNotIn("s3cret", json.dumps(answer))
        self.assertEqual(server.ok("SHOW STREAMS;")[0]["streams"], [])
        self.assertIn("ksql.connect.worker.config has no effect", server.log())

    def test_nobody_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and does not listen
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            server = self.start({"ksql.connect.url": f"http://user:s3cret@{address}/x"})
            for text in (CREATE % "c", "SHOW CONNECTORS;"):
                status, answer = server.ksql(text)
                self.assertEqual((status, answer["error_code"]), (503, 50302), answer)
                self.assertIn(f"Kafka Connect at http://{address}/x/conn", answer["message"])
                self.assertIn("does not answer", answer["message"])
                self.assertNotIn("s3cret", json.dumps(answer))
            shown = {p["name"]: p["value"] for p in server.ok("SHOW PROPERTIES;")[0]["properties"]}
            self.assertEqual(shown["ksql.connect.url"], f"http://{address}/x")

    def test_the_second_address_is_asked_where_the_first_is_dead(self):
        connect = Connect()
        self.addCleanup(connect.close)
        server = self.start({"ksql.connect.url": f"http://127.0.0.1:9,{connect.url}"})
        server.ok(CREATE % "c")
        self.assertIn("C", connect.connectors)

    def test_user_and_password_in_the_address(self):
        connect = Connect("writer:s3cret")
        self.addCleanup(connect.close)
        server = self.start({"ksql.connect.url": f"http://writer:s3cret@{connect.address}"})
        server.ok(CREATE % "c")

    def test_secrets_are_not_shown(self):
        server = self.start({"ksql.schema.registry.url": "http://u:s3cret@127.0.0.1:9", "ksql.schema.registry.basic.auth.user.info": "u:s3cret",
                             "ksql.connect.ssl.key.password": "s3cret"})
        self.assertNotIn("s3cret", json.dumps(server.ok("SHOW PROPERTIES;")))

    def test_what_cannot_be_is_refused_at_the_start(self):
        self.does_not_start({"ksql.connect.url": "nowhere"}, "Invalid value for configuration ksql.connect.url: 'nowhere' is no http")
        url = {"ksql.connect.url": "http://127.0.0.1:9"}
        self.does_not_start({**url, "ksql.connect.request.headers.plugin": "com.example.Plugin"}, "ksql.connect.request.headers.plugin=com.example.Plugin has no effect")
        self.does_not_start({**url, "ksql.connect.basic.auth.credentials.source": "FILE"}, "names no file")
        self.does_not_start({**url, "ksql.connect.basic.auth.credentials.source": "LDAP"}, "NONE|FILE")
        self.does_not_start({**url, "ksql.connect.basic.auth.credentials.source": "FILE", "ksql.connect.basic.auth.credentials.file": "/nowhere"}, "/nowhere, cannot be read")


class AlterSystem(unittest.TestCase):
    def start(self, on="true", **properties):
        server = Server(BINARY, {"ksql.runtime.feature.shared.enabled": on, **properties})
        self.addCleanup(server.close)
        return server.start()

    def value(self, server, name, **fields):
        return next(p["value"] for p in server.ok("SHOW PROPERTIES;", **fields)[0]["properties"] if p["name"] == name)

    def test_for_all_who_say_nothing_else_and_for_good(self):
        server = self.start()
        name = "ksql.output.topic.name.prefix"
        statement = f"ALTER SYSTEM '{name}'='all_';"
        entity = server.ok(statement)[0]
        self.assertEqual([entity["@type"], entity["commandId"], entity["statementText"]], ["currentStatus", f"cluster/{name}/alter", statement])
        self.assertEqual(entity["commandStatus"], {"status": "SUCCESS", "message": f"System property {name} was set to all_.", "queryId": None})
        self.assertEqual(server.get(f"/status/cluster/{name}/alter")[0], 200)
        create = "CREATE STREAM S (A INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);"
        server.ok(create + "CREATE STREAM T AS SELECT * FROM S;")
        topic = {s["name"]: s["topic"] for s in server.ok("SHOW STREAMS;")[0]["streams"]}
        self.assertEqual(topic["T"], "all_T")
        self.assertEqual(self.value(server, name), "all_")
        self.assertEqual(self.value(server, name, streamsProperties={name: "mine_"}), "mine_")
        # Later statements of the same request see it; and SET, then UNSET, falls back to it.
        server.ok(f"ALTER SYSTEM '{name}'='later_'; CREATE STREAM U AS SELECT * FROM S; SET '{name}'='x_'; UNSET '{name}'; CREATE STREAM W AS SELECT * FROM S;")
        self.assertEqual(server.stop(), 0)
        server.start()
        topic = {s["name"]: s["topic"] for s in server.ok("SHOW STREAMS;")[0]["streams"]}
        self.assertEqual([topic[n] for n in "TUW"], ["all_T", "later_U", "later_W"])
        self.assertEqual(self.value(server, name), "later_")

    def test_a_query_keeps_what_it_was_made_with(self):
        server = self.start()
        server.ok("ALTER SYSTEM 'auto.offset.reset'='latest';")
        self.assertEqual(self.value(server, "ksql.streams.auto.offset.reset"), "latest")
        server.ok("CREATE STREAM S (A INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); INSERT INTO S VALUES (1);")
        status, body, _ = server.post("/query", {"ksql": "SELECT * FROM S EMIT CHANGES LIMIT 1;", "streamsProperties": {"auto.offset.reset": "earliest"}})
        self.assertEqual((status, len(json.loads(body))), (200, 3), body)

    def test_what_is_refused(self):
        server = self.start()
        for text, part in (("ALTER SYSTEM 'listeners'='http://x';", "Failed to set listeners to http://x. Caused by: "), ("ALTER SYSTEM 'ksql.pull.queries.enabel'='false';", "Did you mean ksql.pull.queries.enable?"),
                           ("ALTER SYSTEM 'commit.interval.ms'='soon';", "Not a number")):
            status, answer = server.ksql("CREATE STREAM S (A INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);" + text)
            self.assertEqual((status, answer["error_code"]), (400, 40001), answer)
            self.assertIn(part, answer["message"])
        self.assertEqual(server.ok("SHOW STREAMS;")[0]["streams"], [])
        denied = self.start(**{"ksql.properties.overrides.denylist": "commit.interval.ms"})
        self.assertEqual(denied.ksql("ALTER SYSTEM 'ksql.streams.commit.interval.ms'='5';")[0], 400)

    def test_switched_off(self):
        server = self.start("false")
        status, answer = server.ksql("ALTER SYSTEM 'auto.offset.reset'='latest';")
        self.assertEqual((status, answer["error_code"]), (400, 40001), answer)
        self.assertIn("Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is turned off.", answer["message"])

    def test_what_was_altered_stays_when_it_is_switched_off(self):
        server = self.start()
        server.ok("ALTER SYSTEM 'ksql.output.topic.name.prefix'='p_';")
        self.assertEqual(server.stop(), 0)
        server.properties["ksql.runtime.feature.shared.enabled"] = "false"
        server.start()
        self.assertEqual(self.value(server, "ksql.output.topic.name.prefix"), "p_")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
