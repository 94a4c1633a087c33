"""What a server that has nothing to do takes: resident memory, which no clock enters. The ceilings are promises of docs/performance.md."""
import sys
import unittest

from sluice_server import Server

IDLE_KB = 16 * 1024
QUERIES = 300
QUERY_KB = 52


def resident_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def libraries(server):
    with open(f"/proc/{server.process.pid}/maps", encoding="utf-8", errors="replace") as maps:
        return {line.split("/")[-1].strip() for line in maps if ".so" in line}


class Idle(unittest.TestCase):
    def test_a_server_without_queries(self):
        with Server(sys.argv[1]) as server:
            self.assertLessEqual(resident_kb(server), IDLE_KB)

    def test_what_is_seldom_needed_is_not_loaded(self):
        with Server(sys.argv[1]) as server:
            loaded = [name for name in libraries(server) if name.startswith(("libcurl", "libldap", "libprotobuf"))]
            self.assertEqual(loaded, [], "see core/late_curl.c and sluice_archive in cmake/Sluice.cmake")

    def test_an_idle_query(self):
        with Server(sys.argv[1]) as server:
            server.ok("CREATE STREAM s (id INT KEY, a INT, b VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
            server.ok("CREATE STREAM q AS SELECT id, a FROM s WHERE b = 'first';")
            before = resident_kb(server)
            for i in range(QUERIES):
                server.ok(f"CREATE STREAM q{i} AS SELECT id, a FROM s WHERE b = 'x{i}';")
            self.assertLessEqual((resident_kb(server) - before) / QUERIES, QUERY_KB, "as they were made")
            server.stop()
            server.start()
            self.assertLessEqual((resident_kb(server) - before) / QUERIES, QUERY_KB, "after a restart")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
