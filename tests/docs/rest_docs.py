"""The examples of docs/rest.md: a block of ```http that begins with a method is a request, the next one what it is answered by.

In what is expected, `<word>` in a text stands for anything and is remembered under that name (a text that is nothing else may also stand for a number), `"...": "..."`
in an object for further fields, and a last line `...` for a stream that stays open.
"""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACEHOLDER = re.compile(r"<([a-z]+)>")
OPEN_END = "\n..."


class Example:
    def __init__(self, line, request, response):
        self.line = line
        self.first, self.headers, self.body = take_apart(request)
        self.method, self.path = self.first.split(" ", 1)
        status, self.expected_headers, self.expected = take_apart(response)
        found = re.fullmatch(r"HTTP/1\.1 (\d+)", status)
        assert found, f"line {line}: '{status}' is no status line"
        self.status = int(found.group(1))
        self.stays_open = self.expected.endswith(OPEN_END)
        if self.stays_open:
            self.expected = self.expected[:-len(OPEN_END)]


def take_apart(block):
    head, _, body = block.partition("\n\n")
    first, *headers = head.splitlines()
    return first, dict(line.split(": ", 1) for line in headers), body


def examples(text):
    blocks = [(text.count("\n", 0, m.start()) + 1, m.group(1)) for m in re.finditer(r"^```http\n(.*?)\n```$", text, re.M | re.S)]
    assert len(blocks) % 2 == 0, "a request without an answer"
    return [Example(line, request, answer) for (line, request), (_, answer) in zip(blocks[::2], blocks[1::2])]


def routes():
    """[(method, path)] of the table of routes."""
    table = (ROOT / "server" / "rest" / "routes.def").read_text(encoding="utf-8")
    return re.findall(r'^ROUTE\("(\w+)", "([^"]+)"', table, re.M)


def matches_route(path, pattern):
    path = path.split("?")[0]
    return path.startswith(pattern[:-1]) and path != pattern[:-1] if pattern.endswith("*") else path == pattern


# ---- comparing ----


def match_text(expected, actual, captured):
    parts = PLACEHOLDER.split(expected)  # text, name, text, name, ..., text
    pattern = "".join(re.escape(part) if i % 2 == 0 else "(.*?)" for i, part in enumerate(parts))
    found = re.fullmatch(pattern, actual, re.S)
    if found:
        captured.update(zip(parts[1::2], found.groups()))
    return found is not None


def differences(expected, actual, captured, where="$"):
    """What is not as expected, in words; [] when all is."""
    if isinstance(expected, str):
        if PLACEHOLDER.fullmatch(expected) and isinstance(actual, (int, float)) and not isinstance(actual, bool):
            actual = json.dumps(actual)
        return [] if isinstance(actual, str) and match_text(expected, actual, captured) else [f"{where}: {expected!r} expected, {actual!r} found"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        missing = [f"{where}.{key} is missing" for key in expected if key not in actual and key != "..."]
        more = [] if "..." in expected else [f"{where}.{key} was not expected" for key in actual if key not in expected]
        inner = [d for key in expected if key in actual for d in differences(expected[key], actual[key], captured, f"{where}.{key}")]
        return missing + more + inner
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [f"{where}: {len(expected)} elements expected, {len(actual)} found"]
        return [d for i, (e, a) in enumerate(zip(expected, actual)) for d in differences(e, a, captured, f"{where}[{i}]")]
    return [] if type(expected) is type(actual) and expected == actual else [f"{where}: {expected!r} expected, {actual!r} found"]


def read(text):
    """A document, or a list of what the lines are: documents, or text."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    lines = []
    for line in text.rstrip("\n").split("\n"):
        try:
            lines.append(json.loads(line))
        except ValueError:
            lines.append(line)
    return lines


def compare_bodies(expected, actual, captured):
    if expected.strip() == "" or actual.strip() == "":
        return [] if expected.strip() == actual.strip() else [f"the body is {actual!r}"]
    return differences(read(expected), read(actual), captured)
