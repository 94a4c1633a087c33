#!/usr/bin/env python3
"""Every route has its example in docs/rest.md and its operation in docs/openapi.json, and these have no others."""
import json
import re
import sys
import unittest

import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rest_docs  # noqa: E402

METHODS = {"get", "post", "put", "delete", "head", "options", "patch"}


def as_route(path):
    """/status/{type}/{entity}/{action} is /status/* in the table of routes."""
    return path.split("{")[0] + "*" if "{" in path else path


class Routes(unittest.TestCase):
    def setUp(self):
        self.routes = rest_docs.routes()
        self.assertGreater(len(self.routes), 15)
        self.api = json.loads((rest_docs.ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

    def test_openapi(self):
        described = [(method.upper(), as_route(path)) for path, item in self.api["paths"].items() for method in item if method in METHODS]
        self.assertEqual(sorted(described), sorted(self.routes), "docs/openapi.json and server/rest/routes.def differ: add the operation there")

    def test_examples(self):
        text = (rest_docs.ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
        shown = rest_docs.examples(text)
        for method, pattern in self.routes:
            self.assertTrue(any(e.method == method and rest_docs.matches_route(e.path, pattern) for e in shown),
                            f"docs/rest.md has no example of {method} {pattern}: write one, it is run as a test")

    def test_registry(self):
        """Its paths are Confluent's, whose OpenAPI document they have: a table in docs/rest.md names them."""
        table = (rest_docs.ROOT / "registry" / "api_routes.def").read_text(encoding="utf-8")
        routes = re.findall(r'^ROUTE\("(\w+)", "([^"]+)"', table, re.M)
        text = (rest_docs.ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
        shown = [(method, re.sub(r"{\w+}", "{}", path)) for method, path in re.findall(r"^\| (\w+) \| `([^`]+)` \|", text, re.M)]
        self.assertGreater(len(routes), 20)
        self.assertEqual(sorted(shown), sorted(routes))

    def test_the_document(self):
        """References lead somewhere, parameters of paths are declared, every operation says what it is for and what it answers."""
        self.assertRegex(self.api["openapi"], r"^3\.")
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    target = self.api
                    for part in node["$ref"].removeprefix("#/").split("/"):
                        self.assertIn(part, target, node["$ref"])
                        target = target[part]
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)
        walk(self.api)
        ids = []
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                ids.append(operation["operationId"])
                self.assertTrue(operation["summary"] and operation["responses"], (path, method))
                wanted = [part.split("}")[0] for part in path.split("{")[1:]]
                self.assertEqual([p["name"] for p in operation.get("parameters", []) if p["in"] == "path"], wanted, path)
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
