"""A small evaluator of grouped and windowed queries, written from the rules and not from the engine: what it says a table must be.

Records go through in the order of their partition; stream time is the partition's. Windows are late when they end at or before stream time
less grace; a session that is takes no further record under EMIT FINAL. NULL groups are dropped, aggregates pass over NULL arguments.
"""
import collections

import values


def fold(name, state, value):
    if name == "COUNT(*)":
        return (state or 0) + 1
    if name == "COUNT":
        return (state or 0) + (value is not None)
    if value is None:
        return state
    if name == "SUM":
        return (state or 0) + value
    if state is None:
        return value
    return min(state, value) if name == "MIN" else max(state, value)


def empty(name):
    return 0 if name in ("COUNT(*)", "COUNT", "SUM") else None


def wrap(kind, value):
    """Java's integers go round."""
    bits = {"INT": 32, "BIGINT": 64}.get(kind[0])
    if value is None or bits is None:
        return value
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def windows_of(window, timestamp, time):
    """[(start, end)] that take the record now."""
    size, advance, grace = window["size"], window["advance"], window["grace"]
    start = max(0, (timestamp - size + advance) // advance * advance)
    found = []
    while start <= timestamp:
        if start + size > time - grace:
            found.append((start, start + size))
        start += advance
    return found


class Groups:
    def __init__(self, model):
        self.model, self.rows, self.time = model, {}, None

    def take(self, window, group, row, timestamp):
        if window is None:
            self.add((group, None), row)
        elif window["kind"] == "SESSION":
            self.session(window, group, row, timestamp)
        else:
            for bounds in windows_of(window, timestamp, self.time):
                self.add((group, bounds), row)

    def fresh(self):
        return [empty(name) for name, _, _ in self.model["aggregates"]] + [0]

    def folded(self, states, row):
        out = [wrap(kind, fold(name, state, row[column] if column else None))
               for (name, column, kind), state in zip(self.model["aggregates"], states)]
        return out + [states[-1] + 1]

    def add(self, at, row):
        self.rows[at] = self.folded(self.rows.get(at) or self.fresh(), row)

    def session(self, window, group, row, timestamp):
        gap, low, high = window["size"], timestamp, timestamp
        states = self.fresh()
        oldest = self.time - window["grace"] - gap
        met = [(g, b) for g, b in self.rows if g == group and b[1] >= timestamp - gap and b[0] <= timestamp + gap and (b[1] >= oldest or not self.model["final"])]
        for at in met:
            low, high = min(low, at[1][0]), max(high, at[1][1])
        if high < oldest:
            return
        for at in met:
            states = self.merged(states, self.rows.pop(at))
        self.rows[(group, (low, high))] = self.folded(states, row)

    def merged(self, a, b):
        out = []
        for (name, _, kind), x, y in zip(self.model["aggregates"], a, b):
            if name in ("COUNT", "COUNT(*)", "SUM"):
                out.append(wrap(kind, x + y))
            else:
                out.append(x if y is None else y if x is None else min(x, y) if name == "MIN" else max(x, y))
        return out + [a[-1] + b[-1]]


def table(query, source, records, final):
    """{(canonical key, window): canonical row} of a grouped query over these records of the source, in their order."""
    model, window = query.model, query.window
    names = [n for n, _ in source.columns]
    parts = {}
    for number, (key, row, timestamp, key_bytes, _) in enumerate(records):
        part = values.partition_of(key_bytes, source.partitions) if model["by_key"] and key_bytes is not None else 0
        if row is None:
            continue
        by_name = dict(zip(names, row), K=key)
        if not model["keeps"](by_name):
            continue
        group = tuple(by_name[name] for name in model["keys"])
        if any(value is None for value in group):
            continue
        groups = parts.setdefault(part, Groups(model))
        groups.time = timestamp if groups.time is None else max(groups.time, timestamp)
        canonical = values.canonical_row(query.keys, group, "python")
        groups.take(window, canonical, by_name, timestamp)
    out = {}
    for groups in parts.values():
        for (group, bounds), states in groups.rows.items():
            if final and bounds[1] + window["grace"] + (window["size"] if window["kind"] == "SESSION" else 0) > groups.time - (window["kind"] == "SESSION"):
                continue
            if not model["having"] or states[-1] > 1:
                out[(group, bounds)] = values.canonical_row(query.columns, states[:-1], "python")
    return out


def foreign_join(query, left, right):
    """{(canonical key, None): canonical row} of the left table's last rows and how many right records have the number that they refer to."""
    counts = collections.Counter(row[0] for _, row, _, _, _ in right if row is not None and row[0] is not None and row[0] > 0)
    rows, out = {}, {}
    for key, row, _, _, value in left:
        if row is not None or value is None:  # else nobody can read it
            rows[key] = row
    for key, row in rows.items():
        if row is None:
            continue
        count = counts.get(None if row[0] == query.model["without"] else row[0])
        if count is not None or query.model["foreign"] == "LEFT JOIN":
            out[(values.canonical_row(query.keys, (key,), "python"), None)] = values.canonical_row(query.columns, (row[0], row[2], count), "python")
    return out


def stream_join(query, left, right, ends):
    """{(key, X, Y): how often} of a join of two streams in which nothing is late; of the records at the end none is closed."""
    kind, within = query.model["join"], query.model["within"]
    left, right = [[r for r in records if r[1] is not None] for records in (left, right)]
    out, met = collections.Counter(), set()
    for a in left:
        for b in right:
            if a[0] == b[0] and abs(a[2] - b[2]) <= within:
                out[(a[0], a[1][0], b[1][1])] += 1
                met |= {id(a), id(b)}
    for a in left:
        if kind in ("LEFT JOIN", "FULL OUTER JOIN") and id(a) not in met and a[2] < ends:
            out[(a[0], a[1][0], None)] += 1
    for b in right:
        if kind in ("RIGHT JOIN", "FULL OUTER JOIN") and id(b) not in met and b[2] < ends:
            out[(b[0], None, b[1][1])] += 1
    return out
