#!/usr/bin/env python3
"""https listeners: both protocols and WebSockets through TLS, clients' certificates, what is refused at the start, and clients that do not
shake hands as they should.

usage: tls_test.py PATH-TO-SLUICE [test...]
"""
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from random import Random

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import http2  # noqa: E402
import rest_test  # noqa: E402
from certificates import Authority, openssl  # noqa: E402
from rest_endpoints_test import Socket  # noqa: E402
from sluice_server import Server, Stream, connect, wait_until  # noqa: E402

HANDSHAKE_S = 60  # as long as a handshake may take
DIRECTORY = OURS = OTHERS = SERVER = ANN = None


def setUpModule():
    global DIRECTORY, OURS, OTHERS, SERVER, ANN
    DIRECTORY = tempfile.mkdtemp(prefix="sluice-tls-")
    unittest.addModuleCleanup(shutil.rmtree, DIRECTORY)
    OURS = Authority(os.path.join(DIRECTORY, "ours"), "ours")
    OTHERS = Authority(os.path.join(DIRECTORY, "others"), "others")
    SERVER = OURS.issue("server", "/CN=localhost", "server")
    ANN = OURS.issue("ann", "/O=x/CN=ann")


def context(certificate=None, alpn=None, trusted=None, **fields):
    made = ssl.create_default_context(cafile=trusted or OURS.certificate)
    if certificate is not None:
        made.load_cert_chain(certificate)
    if alpn is not None:
        made.set_alpn_protocols(alpn)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def shake_hands(port, with_what):
    sock = socket.create_connection(("127.0.0.1", port), 20)
    return with_what.wrap_socket(sock, server_hostname="localhost")


class WithTls(rest_test.WithServer):
    properties = {"listeners": "https://127.0.0.1:0"}

    def setUp(self):
        self.server = Server(rest_test.BINARY, {"ssl.keystore.location": SERVER, **self.properties}, tls=context(*self.certificate()))
        self.addCleanup(self.server.close)
        self.server.start()

    def certificate(self):
        return ()

    def tearDown(self):
        self.assertIn(self.server.stop(), (0, None), self.server.log())  # a sanitizer has a last look

    def refused(self, with_what, port=None):
        """TLS 1.3 tells a client that it is not wanted when the client has finished its part."""
        with self.assertRaises((ssl.SSLError, ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)) as caught:
            connection = connect(port or self.server.port, with_what)
            self.addCleanup(connection.close)
            connection.request("GET", "/info")
            connection.getresponse()
        return str(caught.exception)

    def alive(self):
        self.assertEqual(self.server.get("/info")[0], 200)


class Protocols(WithTls):
    def setUp(self):
        super().setUp()
        self.server.ok(rest_test.STREAM)

    def test_http1(self):
        connection = connect(self.server.port, self.server.tls)
        self.addCleanup(connection.close)
        for _ in range(3):  # on one connection
            connection.request("GET", "/info")
            response = connection.getresponse()
            self.assertEqual((response.status, response.version), (200, 11))
            response.read()
        stream = self.server.stream("/query-stream", {"sql": "SELECT K, V FROM S EMIT CHANGES;"})
        self.addCleanup(stream.close)
        self.assertEqual(json.loads(stream.line())["columnNames"], ["K", "V"])
        for i in range(3):
            self.insert("k", i)
            self.assertEqual(json.loads(stream.line()), ["k", i])

    def test_clients_that_leave_a_stream(self):
        for how in ("close", "reset", "half"):
            stream = self.server.stream("/query-stream", {"sql": "SELECT K, V FROM S EMIT CHANGES;"})
            self.addCleanup(stream.close)
            stream.line()
            wait_until(lambda: len(self.running()) == 1)
            if how == "half":
                try:
                    stream.response.fp.raw._sock.unwrap()  # TLS's own end; the socket stays
                except ssl.SSLError:
                    pass  # what came before the server's own is not expected here
            elif how == "reset":
                stream.leave()
            else:
                stream.close()
            wait_until(lambda: not self.running())

    def test_a_body_of_the_client_arrives_whole_and_a_slow_reader_gets_all(self):
        big = "x" * 200000
        stream = self.server.stream("/query-stream", {"sql": "SELECT V, K FROM S EMIT CHANGES;"})
        self.addCleanup(stream.close)
        stream.line()
        for i in range(40):
            self.insert(big, i)
        time.sleep(0.5)  # more than sockets and the relay hold waits in the exchange by now
        self.alive()
        rows = [json.loads(stream.line()) for _ in range(40)]
        self.assertEqual(sorted(row[0] for row in rows), list(range(40)))
        self.assertTrue(all(row[1] == big for row in rows))

    def test_a_request_beyond_the_limit(self):
        status, body, _ = self.server.request("POST", "/ksql", b" " * (17 * 1024 * 1024))
        self.assertEqual(status, 413, body)
        self.alive()

    def test_http2_by_alpn(self):
        sock = shake_hands(self.server.port, context(alpn=["h2", "http/1.1"]))
        self.assertEqual(sock.selected_alpn_protocol(), "h2")
        self.both_ways(sock)

    def test_http2_by_prior_knowledge(self):
        self.both_ways(shake_hands(self.server.port, context()))

    def both_ways(self, sock):
        client = http2.Client(None, sock=sock)
        self.addCleanup(client.close)
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info"))))
        stream = client.ask("POST", "/query-stream", b'{"sql":"SELECT K, V FROM S EMIT CHANGES;"}')
        client.next_data(stream)
        for i in range(5):
            self.insert("k", i)
        self.assertEqual([client.next_data(stream) for _ in range(5)], [b'["k",%d]\n' % i for i in range(5)])
        acks = client.ask("POST", "/inserts-stream", b'{"target":"S"}\n', end=False)
        for i in range(3):
            client.send(http2.frame(http2.DATA, 0, acks, b'{"K":"k","V":%d}\n' % i))
            self.assertEqual(json.loads(client.next_data(acks)), {"status": "ok", "seq": i})
        big = "y" * 500000
        self.insert(big, 1)
        got = b""
        while not got.endswith(b"\n") or big.encode() not in got:
            client.send(http2.frame(http2.WINDOW_UPDATE, 0, stream, b"\0\x0f\0\0"), http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\0\x0f\0\0"))
            got += client.next_data(stream)
        client.sock.unwrap()
        wait_until(lambda: not self.running())

    def test_http1_by_alpn_and_neither(self):
        sock = shake_hands(self.server.port, context(alpn=["http/1.1"]))
        self.assertEqual(sock.selected_alpn_protocol(), "http/1.1")
        sock.close()
        with self.assertRaises(ssl.SSLError):
            shake_hands(self.server.port, context(alpn=["spdy/3"]))

    def test_no_upgrade_where_alpn_decides(self):
        status, _, _ = self.server.request("GET", "/info", None, {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": ""})
        self.assertEqual(status, 200)

    def test_web_sockets(self):
        self.insert("a", 1)
        sock = Socket(None, {"ksql": "SELECT K, V FROM S EMIT CHANGES;"}, sock=shake_hands(self.server.port, context()))
        self.addCleanup(sock.leave)
        self.assertEqual(sock.status, 101)
        sock.json()
        self.assertEqual(sock.json(), {"row": {"columns": ["a", 1]}})
        sock.send(9, b"are you there")
        self.assertEqual(sock.message(), (10, b"are you there"))
        self.insert("x" * 100000, 2)
        self.assertEqual(len(sock.json()["row"]["columns"][0]), 100000)
        sock.send(8, b"\x03\xe8")
        self.assertEqual(sock.message()[0], 8)
        wait_until(lambda: not self.running())

    def test_the_server_ends_its_streams(self):
        stream = self.server.stream("/query-stream", {"sql": "SELECT K, V FROM S EMIT CHANGES;"})
        self.addCleanup(stream.close)
        stream.line()
        client = http2.Client(None, sock=shake_hands(self.server.port, context(alpn=["h2"])))
        self.addCleanup(client.close)
        other = client.ask("POST", "/query-stream", b'{"sql":"SELECT K, V FROM S EMIT CHANGES;"}')
        client.next_data(other)
        self.server.stop()
        self.assertTrue(list(client.frames(other))[-1][1] & http2.END_STREAM)
        stream.rest()  # to an end that was declared: IncompleteRead otherwise

    def test_many_idle_connections(self):
        socks = [shake_hands(self.server.port, context()) for _ in range(100)]
        self.alive()
        for sock in socks:
            sock.sendall(b"GET /chc/live HTTP/1.1\r\nHost: x\r\n\r\n")
        for sock in socks:
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200"))
            sock.close()


class SideBySide(WithTls):
    properties = {"listeners": "http://127.0.0.1:0, https://127.0.0.1:0"}

    def setUp(self):
        self.server = Server(rest_test.BINARY, {"ssl.keystore.location": SERVER, **self.properties})
        self.addCleanup(self.server.close)
        self.server.start()

    def test_both(self):
        ports = [int(port) for port in re.findall(r"\(port (\d+)\)", self.server.log())]
        self.assertEqual(len(ports), 2)
        self.alive()
        self.server.port, self.server.tls = ports[1], context()
        self.alive()


class ClientCertificates(WithTls):
    def setUp(self):
        self.properties = {"ssl.client.authentication": "REQUIRED", "ssl.truststore.location": OURS.certificate, **WithTls.properties}
        super().setUp()

    def certificate(self):
        return (ANN,)

    def test_required(self):
        self.alive()
        sock = shake_hands(self.server.port, context(ANN, ["h2"]))
        client = http2.Client(None, sock=sock)
        self.addCleanup(client.close)
        self.assertIn(b"KsqlServerInfo", b"".join(client.data(client.ask("GET", "/info"))))
        self.assertIn("certificate required", self.refused(context()).lower().replace("_", " "))
        self.assertIn("unknown ca", self.refused(context(OTHERS.issue("eve", "/CN=eve"))).lower().replace("_", " "))
        expired = OURS.issue("old", "/CN=old", expired=True)
        self.assertIn("certificate expired", self.refused(context(expired)).lower().replace("_", " "))
        self.refused(context(SERVER))  # a server's certificate is no client's
        for told in ("it shows no certificate", "certificate has expired", "unable to get local issuer certificate", "certificate purpose"):
            wait_until(lambda: told in self.server.log(), what=told)  # the client is told first
        self.alive()

    def test_tls_1_2(self):
        old = context(ANN, maximum_version=ssl.TLSVersion.TLSv1_2)
        self.assertEqual(connect(self.server.port, old).request("GET", "/info"), None)
        self.refused(context(maximum_version=ssl.TLSVersion.TLSv1_2))


class Audit(WithTls):
    def setUp(self):
        self.properties = {"ssl.client.authentication": "REQUESTED", "ssl.truststore.location": OURS.certificate, "ksql.audit.topic": "who", **WithTls.properties}
        super().setUp()

    def test_the_subject_is_who_asked(self):
        self.server.tls = context(ANN)
        self.server.ok(rest_test.STREAM)
        self.server.tls = context()
        wait_until(lambda: "who" in [topic["name"] for topic in self.server.ok("SHOW TOPICS;")[0]["topics"]], what="the topic, which a thread of its own makes")
        self.server.ok("CREATE STREAM WHO (NAME STRING KEY, principal STRING, statement STRING) WITH (kafka_topic='who', value_format='JSON');")
        rows = []
        def there():
            rows[:] = self.server.pull("SELECT NAME, principal, statement FROM WHO;")
            return any("STREAM WHO" in row[2].upper() for row in rows)
        wait_until(there)
        names = {row[2].split()[2]: row[:2] for row in rows if row[2].startswith("CREATE")}
        self.assertEqual(names["S"], ["CN=ann,O=x"] * 2)
        self.assertEqual(names["WHO"][1], None)


class ClientCertificatesIfThereAreAny(WithTls):
    def setUp(self):
        trusted = OURS.path("trusted.p12")
        openssl("pkcs12", "-export", "-nokeys", "-in", OURS.certificate, "-out", trusted, "-passout", "pass:p q")
        self.properties = {"ssl.client.authentication": "requested", "ssl.truststore.location": trusted, "ssl.truststore.password": "p q", **WithTls.properties}
        super().setUp()

    def test_requested(self):
        self.alive()
        self.server.tls = context(ANN)
        self.alive()
        self.assertIn("unknown ca", self.refused(context(OTHERS.issue("mallory", "/CN=mallory"))).lower().replace("_", " "))


class NewFiles(WithTls):
    """Certificates that change while the server runs."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=DIRECTORY)
        self.shown, self.trusted = os.path.join(self.folder, "server.pem"), os.path.join(self.folder, "trusted.pem")
        shutil.copy(SERVER, self.shown)
        shutil.copy(OURS.certificate, self.trusted)
        self.revoked = OURS.revoke(None, os.path.join(self.folder, "revoked.pem"))
        self.properties = {"ssl.client.authentication": "REQUIRED", "ssl.truststore.location": self.trusted, "sluice.ssl.crl.location": self.revoked, **WithTls.properties}
        self.configure()
        super().setUp()

    def configure(self):
        self.properties["ssl.keystore.location"] = self.shown

    def certificate(self):
        return (ANN,)

    def replace(self, path, source):
        shutil.copy(source, path + ".new")
        os.rename(path + ".new", path)

    def tell(self):
        self.server.process.send_signal(signal.SIGHUP)

    def serial(self, certificate=None):
        with shake_hands(self.server.port, context(certificate or ANN)) as sock:
            sock.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n")
            return sock.getpeercert()["serialNumber"] if sock.recv(4096).startswith(b"HTTP/1.1 200") else None

    def test_they_are_seen(self):
        kept = connect(self.server.port, context(ANN))
        kept.request("GET", "/info")
        kept.getresponse().read()
        before = self.serial()
        self.replace(self.shown, OURS.issue("next", "/CN=localhost", "server"))
        self.tell()
        wait_until(lambda: self.serial() != before, what="the new certificate")
        kept.request("GET", "/info")  # who was there stays
        self.assertEqual(kept.getresponse().status, 200)
        kept.close()
        now = self.serial()
        with open(self.shown, "w", encoding="utf-8") as file:
            file.write("nothing")
        self.tell()
        wait_until(lambda: "certificates are as they were" in self.server.log(), what="a line in the log")
        self.assertEqual(self.serial(), now)

    def test_revoked_ones(self):
        bob = OURS.issue("bob", "/CN=bob")
        self.assertIsNotNone(self.serial(bob))
        OURS.revoke(os.path.join(OURS.directory, "bob.crt"), self.revoked + ".new")
        os.rename(self.revoked + ".new", self.revoked)
        self.tell()
        wait_until(lambda: "certificates were read again" in self.server.log())
        self.assertIn("revoked", self.refused(context(bob)).lower())
        self.assertIsNotNone(self.serial())


class WatchedFiles(NewFiles):
    """The same without being told."""

    def configure(self):
        super().configure()
        self.properties["ssl.keystore.reload"] = "true"

    def tell(self):
        pass


class Granted(WithTls):
    """Who a certificate names has what was granted to that name."""

    def setUp(self):
        self.properties = {"ssl.client.authentication": "REQUESTED", "ssl.truststore.location": OURS.certificate, "sluice.authorization.method": "GRANTS",
                           "sluice.authorization.admins": "CN=other; CN=boss,O=x", **WithTls.properties}
        super().setUp()

    def certificate(self):
        return (OURS.issue("boss", "/O=x/CN=boss"),)

    def test_it(self):
        self.server.ok(rest_test.STREAM)
        self.server.ok("GRANT SELECT ON S TO USER 'CN=ann,O=x';")
        boss = self.server.tls
        for who, status in ((context(ANN), 200), (context(OURS.issue("eve", "/CN=eve")), 403), (context(), 403)):
            self.server.tls = who
            self.assertEqual(self.server.post("/query-stream", {"sql": "SELECT * FROM S;"})[0], status)
            self.assertEqual(self.server.ksql("GRANT ALL ON ALL TO USER 'x';")[0], 403)
        self.server.tls = boss
        self.assertEqual([g["grantee"] for g in self.server.ok("SHOW GRANTS;")[0]["grants"]], ["CN=ann,O=x"])

    def test_somebody_has_to_grant(self):
        self.server.stop()
        for change, told in (({"sluice.authorization.admins": ""}, "needs somebody who grants"), ({"sluice.authorization.method": "NONE"}, "has no effect without"),
                             ({"ssl.client.authentication": "NONE"}, "needs to know who asks")):
            properties = {name: value for name, value in {**self.server.properties, **change}.items() if value}
            with self.assertRaises(AssertionError) as caught:
                Server(rest_test.BINARY, {**properties, "ksql.streams.state.dir": tempfile.mkdtemp(dir=DIRECTORY)}, tls=context()).start()
            self.assertIn(told, str(caught.exception))


class Stores(unittest.TestCase):
    """What a key store may be, and what stops a start."""

    def start(self, **settings):
        properties = {"listeners": "https://127.0.0.1:0", **{"ssl." + name.replace("_", "."): value for name, value in settings.items()}}
        server = Server(rest_test.BINARY, properties, tls=context())
        self.addCleanup(server.close)
        return server

    def serves(self, **settings):
        server = self.start(**settings)
        server.start()
        self.assertEqual(server.get("/info")[0], 200)
        return server

    def refuses(self, told, **settings):
        with self.assertRaises(AssertionError) as caught:
            self.start(**settings).start()
        self.assertIn(told, str(caught.exception))

    def test_forms(self):
        p12 = OURS.pkcs12(SERVER, "secret")
        locked = OURS.path("locked.key")
        openssl("pkcs8", "-topk8", "-in", OURS.path("server.key"), "-out", locked, "-v2", "aes256", "-passout", "pass:word")
        self.serves(keystore_location=p12, keystore_password="secret", keystore_type="PKCS12", key_password="secret")
        self.serves(keystore_location=SERVER, keystore_type="PEM")
        certificate = OURS.path("server.crt")
        self.serves(keystore_location=certificate, key_location=locked, key_password="word")
        self.refuses("the password is wrong", keystore_location=p12, keystore_password="other")
        self.refuses("for configuration ssl.key.location", keystore_location=certificate, key_location=locked, key_password="other")
        self.refuses("ssl.key.password", keystore_location=certificate, key_location=locked)
        self.refuses("ssl.keystore.password has no effect", keystore_location=SERVER, keystore_password="x")
        self.refuses("is it PEM?", keystore_location=SERVER, keystore_type="PKCS12")
        self.refuses("not PEM", keystore_location=p12, keystore_type="PEM")
        self.refuses("one password for both", keystore_location=p12, keystore_password="secret", key_password="other")
        self.refuses("the key is not that of the certificate", keystore_location=certificate, key_location=ANN)
        self.refuses("String must be one of: PEM, PKCS12", keystore_location=SERVER, keystore_type="BKS")

    def test_what_is_no_store(self):
        jks = OURS.path("store.jks")
        with open(jks, "wb") as file:
            file.write(b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1")
        self.refuses(f"keytool -importkeystore -srckeystore {jks} -destkeystore {jks}.p12 -deststoretype PKCS12", keystore_location=jks, keystore_type="JKS")
        for text in ("", "nothing", "0nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            self.refuses("for configuration ssl.keystore.location", keystore_location=OURS.path("nothing", text))
        self.refuses("No such file", keystore_location=OURS.path("missing"))
        self.refuses("https needs ssl.keystore.location")

    def test_what_would_not_protect(self):
        self.refuses("needs ssl.truststore.location", keystore_location=SERVER, client_auth="true")
        self.refuses("no certificate is in it", keystore_location=SERVER, client_auth="true", truststore_location=OURS.path("none.pem", "none"))
        self.refuses("String must be one of: NONE|REQUESTED|REQUIRED", keystore_location=SERVER, client_authentication="maybe")
        self.refuses("what is older is not safe", keystore_location=SERVER, enabled_protocols="TLSv1.1,TLSv1.2")
        self.refuses("knows not all of them", keystore_location=SERVER, cipher_suites="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_WITH_NOTHING")
        self.refuses("none of them is for a protocol that is enabled", keystore_location=SERVER, cipher_suites="TLS_AES_128_GCM_SHA256",
                     enabled_protocols="TLSv1.2")

    def test_versions_and_ciphers(self):
        server = self.serves(keystore_location=SERVER)
        old = context(maximum_version=ssl.TLSVersion.TLSv1_1)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            shake_hands(server.port, old)
        self.assertEqual(shake_hands(server.port, context()).version(), "TLSv1.3")
        weak = context(maximum_version=ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA")
        with self.assertRaises(ssl.SSLError):
            shake_hands(server.port, weak)
        server = self.serves(keystore_location=SERVER, enabled_protocols="TLSv1.2", cipher_suites="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
        self.assertEqual(shake_hands(server.port, context()).cipher()[:2], ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2"))
        server = self.serves(keystore_location=SERVER, cipher_suites="TLS_CHACHA20_POLY1305_SHA256")  # of 1.3: then it is spoken alone
        self.assertEqual(shake_hands(server.port, context()).cipher()[:2], ("TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3"))
        with self.assertRaises(ssl.SSLError):
            shake_hands(server.port, context(maximum_version=ssl.TLSVersion.TLSv1_2))


class Hostile(WithTls):
    """Clients that do not shake hands as they should; nobody else notices."""

    def connect(self, *pieces):
        sock = socket.create_connection(("127.0.0.1", self.server.port), 20)
        self.addCleanup(sock.close)
        for piece in pieces:
            sock.sendall(piece)
        return sock

    def hello(self):
        """The first flight of a client."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        return outgoing.read()

    def ended(self, sock):
        got = b""
        try:
            while True:
                block = sock.recv(4096)
                got += block
                if not block:
                    return got
        except ConnectionResetError:
            return got

    def test_what_is_no_handshake(self):
        answer = self.ended(self.connect(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn("use https://", json.loads(answer.split(b"\r\n\r\n")[1])["message"])
        for garbage in (http2.PREFACE, b"\0" * 100, b"\xff" * 70000, b"\x16\x03\x01\xff\xff" + b"\xff" * 70000, b"\x16\x03\x01\0\0", b"\x16\x03",
                        b"\x16" * 5000, self.hello()[:5] + b"\0" * 600, self.hello() + b"nonsense" * 10):
            sock = self.connect()
            try:
                sock.sendall(garbage)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it was closed before all was sent
            self.ended(sock)
            self.alive()

    def test_nonsense_behind_a_handshake(self):
        for alpn in (["h2"], ["http/1.1"], None):
            sock = shake_hands(self.server.port, context(alpn=alpn))
            sock.sendall(b"\xff" * 100 + b"\r\n\r\n")
            raw = socket.socket(fileno=sock.detach())
            self.addCleanup(raw.close)
            raw.settimeout(20)
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"\xff" * 32)  # a record that nobody has encrypted
            self.ended(raw)
            self.alive()

    def test_half_a_handshake_is_closed_after_a_minute(self):
        start, hello = time.monotonic(), self.hello()
        half = [self.connect(hello[:n]) for n in (0, 1, 3, 5, 100, len(hello))] + [self.connect(hello[:100]) for _ in range(100)]
        silent = shake_hands(self.server.port, context())  # it has shaken hands, and says nothing
        drip = self.connect(hello[:3])
        closed = [False] * len(half)
        while time.monotonic() < start + HANDSHAKE_S - 5:
            self.alive()
            try:
                drip.sendall(hello[3:4])  # bytes do not buy time
            except OSError:
                self.fail("closed too early")
            for i, sock in enumerate(half):
                sock.setblocking(False)
                try:
                    if i != 5:
                        closed[i] = closed[i] or sock.recv(1) == b""
                except BlockingIOError:
                    pass
            time.sleep(1)
        self.assertFalse(any(closed))
        for sock in (*half, drip, silent):
            sock.settimeout(start + HANDSHAKE_S + 10 - time.monotonic())
            self.ended(sock)
        self.alive()


class Crowd(WithTls):
    """Clients of all kinds at once, while the server stops: for sanitizers to look at."""
    SECONDS = 5

    def client(self, seed):
        random, port = Random(seed), self.server.port
        while not self.over:
            try:
                how = random.randrange(8)
                sock = socket.create_connection(("127.0.0.1", port), 10)
                if how < 2:
                    sock.sendall(os.urandom(100) if how else b"\x16\x03\x01\x02\x00\x01")
                    sock.close()
                    continue
                sock = context(alpn=random.choice([["h2"], ["http/1.1"], None])).wrap_socket(sock, server_hostname="localhost")
                if sock.selected_alpn_protocol() == "h2":
                    client = http2.Client(None, sock=sock)
                    client.next_data(client.ask("POST", "/query-stream", self.PUSH))
                    client.data(client.ask("GET", "/info"))
                else:
                    sock.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n" if how < 4 else
                                 b"POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(self.PUSH), self.PUSH))
                    sock.recv(5000)
                if how == 6:
                    sock.unwrap()
                elif how == 7:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
                self.served += 1
            except (OSError, AssertionError):  # the server stops, or ends what goes on
                pass

    PUSH = b'{"sql":"SELECT K, V FROM S EMIT CHANGES;"}'

    def test_all_at_once(self):
        self.server.ok(rest_test.STREAM)
        self.over, self.served = False, 0
        threads = [threading.Thread(target=self.client, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(self.SECONDS)
        served, status = self.served, self.server.stop(seconds=60)
        self.over = True
        for thread in threads:
            thread.join()
        self.assertEqual(status, 0, self.server.log())
        self.assertGreater(served, 20)


class Shell(WithTls):
    def setUp(self):
        self.properties = {"ssl.client.authentication": "REQUIRED", "ssl.truststore.location": OURS.certificate, **WithTls.properties}
        super().setUp()

    def certificate(self):
        return (ANN,)

    def sql(self, *options):
        command = [rest_test.BINARY, "sql", "-X", "-q", "--output", "json", *options, "-e", "SHOW TABLES;", f"https://localhost:{self.server.port}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def test_shell(self):
        done = self.sql("--cacert", OURS.certificate, "--cert", ANN)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        config = OURS.path("shell.properties", f"ssl.truststore.location={OURS.certificate}\nssl.keystore.location={OURS.path('ann.crt')}\n"
                                               f"ssl.key.location={OURS.path('ann.key')}\n")
        done = self.sql("--config-file", config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        java = OURS.path("java.properties", "ssl.truststore.location=x.jks\nssl.truststore.type=JKS\nssl.truststore.password=secret\n")
        self.assertNotIn("secret", self.sql("--config-file", java).stderr)
        for options, told in ((("--config-file", java), "ssl.truststore.type=JKS has no effect here"), (("--cert", ANN), "certificate"), (("--cacert", OTHERS.certificate, "--cert", ANN), "certificate"),
                              (("--cacert", OURS.certificate), "certificate required"),
                              (("--cacert", OURS.certificate, "--cert", OURS.path("missing")), "missing")):
            done = self.sql(*options)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(told, done.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        rest_test.BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
