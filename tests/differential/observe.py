"""What a server has to show of a query: its topic (PRINT), the answer of a pull query, the state files (open.sql), each in canonical form."""
import collections
import json
import os
import re
import socket
import sqlite3

import values

LINE = re.compile(r"^rowtime: (.*?), key: (.*), value: (.*), partition: (\d+)$", re.S)
WINDOWED = re.compile(r"^\[(.*)@(-?\d+)/(-?\d+|-)\]$", re.S)
QUIET = 0.2  # seconds without another line: that was all


class Schema:
    """Columns of a source, as DESCRIBE tells them."""

    def __init__(self, description):
        fields = description["fields"]
        self.keys = [(f["name"], self.kind(f["schema"])) for f in fields if f.get("type") == "KEY"]
        self.columns = [(f["name"], self.kind(f["schema"])) for f in fields if f.get("type") != "KEY"]
        self.window = description.get("windowType") or None
        self.key_format, self.value_format, self.topic = description["keyFormat"], description["valueFormat"], description["topic"]

    def kind(self, schema):
        name = {"INTEGER": "INT"}.get(schema["type"], schema["type"])
        if name == "DECIMAL":
            return (name, schema["parameters"]["precision"], schema["parameters"]["scale"])
        if name in ("ARRAY", "MAP"):
            return (name, self.kind(schema["memberSchema"]))
        if name == "STRUCT":
            return (name, tuple((f["name"], self.kind(f["schema"])) for f in schema["fields"]))
        return (name,)


def describe(server, name):
    return Schema(server.ok(f"DESCRIBE {name};")[0]["sourceDescription"])


def printed(server, topic):
    """[(rowtime, key, value, partition)] of all records of a topic, as text."""
    stream, lines, text = server.stream("/query", {"ksql": f"PRINT '{topic}' FROM BEGINNING;"}), [], b""
    sock = stream.connection.sock or stream.response.fp.raw._sock
    sock.settimeout(QUIET)
    try:
        while True:
            more = stream.response.read1(1 << 16)
            if not more:
                break
            text += more
    except (socket.timeout, TimeoutError):
        pass
    finally:
        stream.leave()
    for line in text.decode("utf-8", "replace").split("\n"):
        found = LINE.match(line)
        if found:
            lines.append(found.groups())
    return lines


def topic_rows(server, schema):
    """A table from its topic: {(key, window): row}, the last record of each key."""
    rows = {}
    for _, key, value, _ in printed(server, schema.topic):
        window = None
        if schema.window:
            key, start, end = WINDOWED.match(key).groups()
            window = (int(start), end)
        key = json.loads(key, parse_float=str)
        key = [key] if len(schema.keys) == 1 else [key[name] for name, _ in schema.keys]
        at = (values.canonical_row(schema.keys, key, "json"), window)
        rows.pop(at, None)
        if value != "<null>":
            value = json.loads(value, parse_float=str)
            rows[at] = values.canonical_row(schema.columns, [value.get(name) for name, _ in schema.columns], "json")
    return rows


def literal(kind, value):
    if kind[0] == "STRING":
        return "'" + value.replace("'", "''") + "'"
    return str(value) if kind[0] in ("INT", "BIGINT") else None


def ask(server, text):
    status, body, _ = server.post("/query", {"ksql": text})
    assert status == 200, (text, status, body)
    elements = json.loads(body, parse_float=str)
    assert not any("errorMessage" in element for element in elements), elements
    return [element["row"]["columns"] for element in elements[1:] if "row" in element]


def pull_rows(server, name, schema, keys):
    """{(key, window): row}; None where it cannot be asked for. Session tables answer by key only."""
    found = []
    if schema.window == "SESSION":
        for key in keys:
            wanted = [literal(kind, value) for (_, kind), value in zip(schema.keys, key)]
            if None in wanted:
                return None
            found += ask(server, f"SELECT * FROM {name} WHERE " + " AND ".join(f"{column} = {value}" for (column, _), value in zip(schema.keys, wanted)) + ";")
    else:
        found = ask(server, f"SELECT * FROM {name};")
    rows, width = {}, len(schema.keys)
    for row in found:
        window, rest = None, row[width:]
        if schema.window:
            window, rest = (row[width], row[width + 1]), row[width + 2:]
        at = (values.canonical_row(schema.keys, row[:width], "pull"), window)
        assert at not in rows, f"{name}: twice {at}"
        rows[at] = values.canonical_row(schema.columns, rest, "pull")
    return rows


def sqlite_rows(folder, name, schema):
    """The same from the state files of a server that has stopped, by the script for people."""
    with open(os.path.join(folder, "state", "open.sql"), encoding="utf-8") as file:
        script = "".join(line for line in file if not line.startswith("."))
    db = sqlite3.connect(":memory:")
    try:
        db.text_factory = lambda b: b.decode("utf-8", "replace")
        here = os.getcwd()
        os.chdir(os.path.join(folder, "state"))
        try:
            db.executescript(script)
            quoted = ", ".join('"%s"' % column for column, _ in schema.keys)
            quoted += ", WINDOWSTART, WINDOWEND" if schema.window else ""
            quoted += "".join(', "%s"' % column for column, _ in schema.columns)
            found = db.execute(f'SELECT {quoted} FROM "{name}"').fetchall()
        finally:
            os.chdir(here)
    finally:
        db.close()
    rows, width = {}, len(schema.keys)
    for row in found:
        window, rest = None, row[width:]
        if schema.window:
            window, rest = (row[width], row[width + 1]), row[width + 2:]
        rows[(values.canonical_row(schema.keys, row[:width], "sqlite"), window)] = values.canonical_row(schema.columns, rest, "sqlite")
    return rows


def topic_lines(server, schema, in_order):
    """A stream from its topic: what was written, in its order where there is one, else how often."""
    lines = printed(server, schema.topic)
    return [line[:3] for line in lines] if in_order else collections.Counter(line[:3] for line in lines)


def loose(rows):
    """For comparing forms of which one does not tell the end of a window, or has no NaN (SQLite)."""
    return {(key, window and window[0]): tuple(None if value == "NaN" else value for value in row) for (key, window), row in rows.items()}
