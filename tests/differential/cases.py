"""A random case: sources, queries over them, records. All of it follows from one seed.

What comes out has to be one thing, or there is nothing to compare. Records of different partitions have no order, nor have two inputs of one
query. So what depends on an order (LATEST_BY_OFFSET, sums of doubles, lateness) is asked for only where the case has one partition or the
query keeps the source's key; and a table that is joined is filled before the stream that looks it up.
"""
import random
import time

import values

HOUR = 3600000
START = (int(time.time() * 1000) // HOUR - 20) * HOUR  # brokers delete what is old
MODELLED = ("COUNT(*)", "COUNT", "SUM", "MIN", "MAX")
ORDERED = ("LATEST_BY_OFFSET", "EARLIEST_BY_OFFSET", "COLLECT_LIST", "COLLECT_SET", "AVG", "STDDEV_SAMP")
OTHERS = ("TOPK", "TOPKDISTINCT", "HISTOGRAM", "COUNT_DISTINCT", "TALLY")
# An aggregate of somebody's own, whatever the order of its rows.
TALLY = """CREATE AGGREGATE FUNCTION TALLY(V INT) RETURNS BIGINT STATE STRUCT<N BIGINT, TOTAL BIGINT, SEEN MAP<INT, BIGINT>> LANGUAGE LUA STRICT AS $$
    local function shift(s, n, v) local seen = s.seen seen[v] = (seen[v] or 0) + n if seen[v] == 0 then seen[v] = nil end
      return {n = s.n + n, total = s.total + n * v, seen = seen} end
    function init() return {n = 0, total = 0, seen = {}} end
    function accumulate(s, v) return shift(s, 1, v) end
    function undo(s, v) return shift(s, -1, v) end
    function merge(a, b) for v, n in pairs(b.seen) do a = shift(a, n, v) end return a end
    function result(s) local kinds = 0 for _ in pairs(s.seen) do kinds = kinds + 1 end return s.total + 1000003 * s.n + 7 * kinds end $$;"""


class Source:
    def __init__(self, rng, name, is_table, partitions):
        self.name, self.is_table, self.partitions = name, is_table, partitions
        self.key = (("INT",), ("BIGINT",), ("STRING",))[rng.randrange(3)]
        self.key_format = rng.choice(("KAFKA", "JSON", "DELIMITED"))
        self.value_format = rng.choice(("JSON", "JSON", "DELIMITED"))
        kinds = [("INT",), ("STRING",), ("DOUBLE",)]  # so that each kind of query finds something
        kinds += [values.random_type(rng, 2 if self.value_format == "JSON" else 0) for _ in range(rng.randint(1, 5))]
        self.columns = [("V%d" % i, kind) for i, kind in enumerate(kinds)]
        self.topic = "{P}" + name.lower()
        self.pool = [k for k in {self.value_of_key(rng) for _ in range(rng.randint(3, 9))}]

    def value_of_key(self, rng):
        if self.key[0] == "STRING":
            # Two spellings of one key (with quotes, without) would be two partitions' keys: a producer's mistake, not a server's.
            texts = [t for t in values.TEXTS if self.key_format != "DELIMITED" or t.isascii() and t.isalnum()]
            return rng.choice(texts) if rng.random() < 0.5 else "k%d" % rng.randrange(20)
        return rng.randint(-3, 30)

    def create(self):
        columns = ", ".join("%s %s" % (n, values.sql(t)) for n, t in self.columns)
        return ("CREATE %s %s (K %s %s, %s) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='%s', VALUE_FORMAT='%s', PARTITIONS=%d);" % (
            "TABLE" if self.is_table else "STREAM", self.name, values.sql(self.key), "PRIMARY KEY" if self.is_table else "KEY", columns, self.topic,
            self.key_format, self.value_format, self.partitions))

    def with_one_zero(self, row):
        """The two zeros are one key here and two there."""
        return [0.0 if kind[0] == "DOUBLE" and value == 0 else value for value, (_, kind) in zip(row, self.columns)]

    def record(self, rng, timestamp):
        """(key, row, timestamp, key bytes, value bytes); row None: no value, or none that can be read."""
        key = rng.choice(self.pool) if self.is_table or rng.random() < 0.97 else None
        row = [values.random_value(rng, kind) for _, kind in self.columns]
        row[0] = rng.choice((None, 0, 1, 2, 3)) if rng.random() < 0.7 else row[0]
        for i, (_, kind) in enumerate(self.columns):
            if self.value_format == "DELIMITED" and kind[0] in ("BYTES", "STRING") and not row[i]:
                row[i] = None  # its empty text is NULL
        row = self.with_one_zero(row)
        value = values.encode(self.value_format, self.columns, row, False)
        chance = rng.random()
        if chance < 0.02:
            row, value = None, b"{ \"V0\": " if self.value_format == "JSON" else b"1,2"  # nobody can read it
        elif chance < (0.12 if self.is_table else 0.04):
            row, value = None, None
        return (key, row, timestamp, values.encode(self.key_format, [("K", self.key)], [key], True), value)


class Query:
    """One statement, and what is known of its result."""

    def __init__(self, name, statement, is_table, keys=(), columns=(), window=None, model=None, final=False, direct=True, empties=False,
                 forgets=False):
        self.name, self.statement, self.is_table = name, statement, is_table
        self.keys, self.columns, self.window, self.model, self.final, self.direct = list(keys), list(columns), window, model, final, direct
        self.forgets = forgets  # the state keeps less than the topic
        self.empties = empties  # groups that rows came to and left again: a cache may never have shown them

    def without_empty(self, rows):
        return {at: row for at, row in rows.items() if row[0] != 0} if self.empties else rows


def aggregate(rng, columns, number, ordered):
    """(SQL, result type, function, column) of a random aggregate, or None."""
    name = rng.choice(MODELLED + (ORDERED if ordered else ()) + OTHERS)
    if name == "COUNT(*)":
        return ("COUNT(*) AS A%d" % number, ("BIGINT",), name, None)
    # No sums of DECIMALs: one that overflows stops its query, as in ksqlDB.
    fits = {"SUM": ("INT", "BIGINT") + (("DOUBLE",) if ordered else ()), "MIN": values.NUMBERS + ("DATE", "TIME", "TIMESTAMP"), "MAX": values.NUMBERS,
            "AVG": ("INT", "BIGINT", "DOUBLE"), "STDDEV_SAMP": ("INT", "BIGINT", "DOUBLE"), "TOPK": ("INT", "BIGINT", "DOUBLE", "STRING"), "TOPKDISTINCT": ("INT", "BIGINT", "STRING"),
            "HISTOGRAM": ("STRING",), "TALLY": ("INT",), "COLLECT_LIST": tuple(k[0] for k in values.PLAIN), "COLLECT_SET": ("INT", "BIGINT", "STRING")}.get(name)
    usable = [(n, t) for n, t in columns if fits is None or t[0] in fits]
    if not usable:
        return None
    column, kind = rng.choice(usable)
    count = ", 3" if name in ("TOPK", "TOPKDISTINCT") else ""
    result = {"COUNT": ("BIGINT",), "COUNT_DISTINCT": ("BIGINT",), "TALLY": ("BIGINT",), "AVG": ("DOUBLE",), "STDDEV_SAMP": ("DOUBLE",), "HISTOGRAM": ("MAP", ("BIGINT",)),
              "TOPK": ("ARRAY", kind), "TOPKDISTINCT": ("ARRAY", kind), "COLLECT_LIST": ("ARRAY", kind), "COLLECT_SET": ("ARRAY", kind)}.get(name, kind)
    return ("%s(%s%s) AS A%d" % (name, column, count, number), result, name, column)


def predicate(rng, columns):
    """(SQL, function of a row as a dict), or nothing."""
    chance = rng.random()
    if chance < 0.4:
        return "", lambda row: True
    if chance < 0.7:
        bound = rng.randint(-1, 2)
        return " WHERE V0 >= %d" % bound, lambda row: row["V0"] is not None and row["V0"] >= bound
    column = rng.choice(columns)[0]
    return " WHERE %s IS NOT NULL" % column, lambda row: row[column] is not None


WINDOWS = ("TUMBLING", "HOPPING", "SESSION")


def window_clause(rng, size, grace, retention=", RETENTION 2 DAYS"):
    kind = rng.choice(WINDOWS)
    advance = max(1000, size // rng.choice((1, 2, 3)) // 1000 * 1000) if kind == "HOPPING" else size
    grace_text = "" if grace is None else ", GRACE PERIOD %d SECONDS" % (grace // 1000)
    if kind == "SESSION":
        text = "WINDOW SESSION (%d SECONDS%s)" % (size // 1000, retention + grace_text)
    elif kind == "HOPPING":
        text = "WINDOW HOPPING (SIZE %d SECONDS, ADVANCE BY %d SECONDS%s)" % (size // 1000, advance // 1000, retention + grace_text)
    else:
        text = "WINDOW TUMBLING (SIZE %d SECONDS%s)" % (size // 1000, retention + grace_text)
    return text, {"kind": kind, "size": size, "advance": advance, "grace": 2 * 24 * HOUR - size if grace is None else grace}


class Case:
    def __init__(self, seed, size):
        rng = self.rng = random.Random(seed)
        self.seed = seed
        self.partitions = rng.choice((1, 1, 2, 3))
        self.stream = Source(rng, "S", False, self.partitions)
        self.table = Source(rng, "T", True, self.partitions)
        self.sources = [self.stream, self.table]
        self.pair = []  # the two streams of stream-stream joins
        self.referring = None  # the left table of foreign-key joins
        self.queries = []
        self.step = rng.choice((1000, 20000, 60000))
        self.lateness = self.step * rng.choice((0, 3, 40))
        self.add_queries()
        self.make_records(size)

    # ---- queries ----

    def add(self, **fields):
        self.queries.append(Query("Q%d" % len(self.queries), **fields))
        query = self.queries[-1]
        query.statement = query.statement.replace("{N}", query.name).replace("{TOPIC}", "{P}" + query.name.lower())
        return query

    def add_queries(self):
        makers = [self.add_projection, self.add_group, self.add_group, self.add_partition_by, self.add_explode, self.add_from_table, self.add_table_group,
                  self.add_join, self.add_stream_join, self.add_table_join, self.add_foreign_join]
        for make in self.rng.sample(makers, self.rng.randint(3, 6)):
            make()

    def add_projection(self):
        rng, columns = self.rng, self.stream.columns
        where, keeps = predicate(rng, columns)
        chosen = rng.sample(columns, rng.randint(1, len(columns)))
        fmt = "JSON" if any(not values.flat(t) for _, t in chosen) else rng.choice(("JSON", "DELIMITED"))
        names = ", ".join(n for n, _ in chosen)

        def model(records):
            """How many: a record without a value passes where there is no condition."""
            names = [n for n, _ in columns]
            return sum(keeps(dict(zip(names, row))) if row is not None else value is None and not where for _, row, _, _, value in records)
        self.add(statement=f"CREATE STREAM {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', VALUE_FORMAT='{fmt}') AS SELECT K, {names} FROM S{where};",
                 is_table=False, keys=[("K", self.stream.key)], columns=chosen, model=model)

    def add_partition_by(self):
        rng = self.rng
        by = rng.choice(("V0", "V1", "V0, V1", "CAST(V0 AS STRING)", "V1"))
        fmt = "JSON" if "," in by or rng.random() < 0.6 else rng.choice(("KAFKA", "DELIMITED"))
        select = by if "CAST" not in by else by + " AS C"
        stream = self.add(statement=f"CREATE STREAM {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='{fmt}', VALUE_FORMAT='JSON') AS "
                                    f"SELECT {select}, V2, K AS OLD FROM S PARTITION BY {by};", is_table=False)
        if rng.random() < 0.6:
            self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS "
                               f"SELECT OLD, COUNT(*) AS A0, MAX(V2) AS A1 FROM {stream.name} GROUP BY OLD;", is_table=True, direct=False,
                     keys=[("OLD", self.stream.key)], columns=[("A0", ("BIGINT",)), ("A1", ("DOUBLE",))])

    def add_explode(self):
        lists = [(n, t) for n, t in self.stream.columns if t[0] == "ARRAY"]
        what = "EXPLODE(%s)" % self.rng.choice(lists)[0] if lists else "EXPLODE(ARRAY[V0, V0 + 1])"
        self.add(statement=f"CREATE STREAM {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', VALUE_FORMAT='JSON') AS SELECT K, V1, {what} AS E FROM S;", is_table=False)

    def add_group(self):
        rng = self.rng
        by_key = rng.random() < 0.4
        ordered = by_key or self.partitions == 1
        columns = self.stream.columns
        keys = [("K", self.stream.key)] if by_key else rng.sample([c for c in columns if values.flat(c[1])], rng.choice((1, 1, 2)))
        if len(keys) == 1 and not by_key and rng.random() < 0.5:
            keys = [columns[rng.choice((0, 1))]]
        found = [a for a in (aggregate(rng, columns, i, ordered) for i in range(rng.randint(1, 4))) if a is not None]
        if not found:
            return
        where, keeps = predicate(rng, columns)
        text, window, final, forgets = "", None, False, False
        if rng.random() < 0.6:
            size = rng.choice((10, 60, 600)) * 1000
            grace = rng.choice((0, size, None)) if ordered else None
            # What EMIT FINAL emits does not depend on how long windows are kept beyond that, nor on when it looks for them.
            final = grace is not None and rng.random() < 0.5
            forgets = final and rng.random() < 0.7
            text, window = window_clause(rng, size, grace, *([""] if forgets else []))
        having = "" if final or rng.random() < 0.7 else " HAVING COUNT(*) > 1"
        names = [n for n, _ in keys]
        key_format = "JSON"
        model = None
        if all(a[2] in MODELLED and (a[2] != "SUM" or a[1][0] != "DOUBLE") for a in found):
            model = {"keys": names, "keeps": keeps, "aggregates": [(a[2], a[3], a[1]) for a in found], "having": bool(having), "by_key": by_key, "final": final}
        self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='{key_format}', VALUE_FORMAT='JSON') AS SELECT {', '.join(names)}, "
                           f"{', '.join(a[0] for a in found)} FROM S {text}{where} GROUP BY {', '.join(names)}{having} EMIT {'FINAL' if final else 'CHANGES'};",
                 is_table=True, keys=keys, columns=[("A%d" % int(a[0].rsplit(" A", 1)[1]), a[1]) for a in found], window=window, model=model, final=final,
                 forgets=forgets)

    def add_from_table(self):
        rng = self.rng
        where, _ = predicate(rng, self.table.columns)
        chosen = rng.sample(self.table.columns, rng.randint(1, len(self.table.columns)))
        self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS "
                           f"SELECT K, {', '.join(n for n, _ in chosen)} FROM T{where};", is_table=True, keys=[("K", self.table.key)], columns=chosen)

    def add_table_group(self):
        rng = self.rng
        by = rng.choice(self.table.columns[:2])
        where, _ = predicate(rng, self.table.columns)
        self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS "
                           f"SELECT {by[0]}, COUNT(*) AS A0, SUM(V0) AS A1, TALLY(V0) AS A2 FROM T{where} GROUP BY {by[0]};", is_table=True, keys=[by],
                 columns=[("A0", ("BIGINT",)), ("A1", ("INT",)), ("A2", ("BIGINT",))], empties=True)

    def add_join(self):
        rng = self.rng
        on = {"INT": "V0", "STRING": "V1", "BIGINT": "CAST(V0 AS BIGINT)"}[self.table.key[0]]
        if self.stream.key == self.table.key and rng.random() < 0.5:
            on = "K"
        left = rng.choice(("", "LEFT "))
        on = on.replace("V0", "S.V0").replace("V1", "S.V1") if on != "K" else "S.K"
        joined = self.add(statement=f"CREATE STREAM {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', VALUE_FORMAT='JSON') AS SELECT {'T.K' if 'CAST' in on else on} AS J, S.V2 AS X, T.V1 AS Y, T.V2 AS Z "
                                    f"FROM S {left}JOIN T ON {on} = T.K;", is_table=False)
        if rng.random() < 0.5:
            self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT Y, COUNT(*) AS A0 FROM {joined.name} "
                               "GROUP BY Y;", is_table=True, keys=[("Y", ("STRING",))], columns=[("A0", ("BIGINT",))], direct=False)

    def add_stream_join(self):
        """Two streams of its own, which end with records so far ahead that every window closes. Nothing is late before that, so what matches
        depends on times alone and not on which input was read first. As in Kafka Streams a record that comes behind stream time by more than
        WITHIN is padded at once, so an outer join takes a span as wide as all of the data."""
        if self.pair:
            return
        rng = self.rng
        left, right = Source(rng, "L", False, self.partitions), Source(rng, "R", False, self.partitions)
        right.key, right.key_format = left.key, left.key_format
        right.pool = left.pool[1:] + [right.value_of_key(rng)]
        self.pair = [left, right]
        self.sources += self.pair
        for _ in range(rng.randint(1, 2)):
            kind, within = rng.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL OUTER JOIN")), rng.choice((0, 5, 60))
            within = within if kind == "JOIN" else 3600
            key = "ROWKEY" if "FULL" in kind else "R.K" if "RIGHT" in kind else "L.K"
            self.add(statement=f"CREATE STREAM {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT {key} AS J, L.V0 AS X, R.V1 AS Y "
                               f"FROM L {kind} R WITHIN {within} SECONDS GRACE PERIOD 2 DAYS ON L.K = R.K;", is_table=False, direct=False,
                     model={"join": kind, "within": within * 1000})

    def add_table_join(self):
        rng, table = self.rng, self.table
        kind = rng.choice(("JOIN", "LEFT JOIN", "FULL OUTER JOIN"))
        if self.stream.key == table.key and rng.random() < 0.5:
            other = self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='{table.key_format}', VALUE_FORMAT='JSON') AS SELECT K, COUNT(*) AS C "
                                       "FROM S GROUP BY K;", is_table=True, keys=[("K", self.stream.key)], columns=[("C", ("BIGINT",))]).name
        else:
            other = self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='{table.key_format}', VALUE_FORMAT='JSON') AS SELECT K, V0 AS C FROM T "
                                       "WHERE V0 > 0;", is_table=True, keys=[("K", table.key)], columns=[("C", ("INT",))]).name
        self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT {'ROWKEY' if 'FULL' in kind else 'A.K'} AS J, A.C, "
                           f"B.V1 FROM {other} A {kind} T B ON A.K = B.K;", is_table=True, direct=False)

    def add_foreign_join(self):
        """A table of its own, which changes along with the stream: its rows refer to the stream's counts by V0, to what is not there (0, and what
        is not counted yet) and to nothing, and go from one to another within a batch."""
        if self.referring:
            return
        rng = self.rng
        self.referring = Source(rng, "F", True, self.partitions)
        self.sources.append(self.referring)
        right = self.add(statement="CREATE TABLE {N} WITH (KAFKA_TOPIC='{TOPIC}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT V0, COUNT(*) AS A0 FROM S "
                                   "WHERE V0 > 0 GROUP BY V0;", is_table=True, keys=[("V0", ("INT",))], columns=[("A0", ("BIGINT",))]).name
        for kind in rng.sample(("JOIN", "LEFT JOIN"), rng.randint(1, 2)):
            without = rng.choice((None, 2))
            on = "F.V0" if without is None else f"NULLIF(F.V0, {without})"
            self.add(statement=f"CREATE TABLE {{N}} WITH (KAFKA_TOPIC='{{TOPIC}}', KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT F.K AS K, F.V0 AS X, F.V2 AS Y, R.A0 AS A0 "
                               f"FROM F {kind} {right} R ON {on} = R.V0;", is_table=True, direct=False, keys=[("K", self.referring.key)],
                     columns=[("X", ("INT",)), ("Y", ("DOUBLE",)), ("A0", ("BIGINT",))], model={"foreign": kind, "without": without})

    # ---- records ----

    def make_records(self, size):
        rng = self.rng
        clock = START
        self.tables, self.batches = [], []
        for _ in range(size // 8):
            clock += rng.randrange(2) * 1000
            self.tables.append(self.table.record(rng, clock))
        clock, jumps = START, rng.random() < 0.5
        for _ in range(rng.randint(3, 6)):
            batch = []
            for _ in range(size // 5):
                clock += rng.randrange(2 * self.step)
                clock += rng.randrange(HOUR) if rng.random() < 0.02 and jumps else 0  # further than what is kept
                batch.append(self.stream.record(rng, max(START, clock - rng.randrange(self.lateness + 1))))
            self.batches.append(batch)
        self.pair_batches = [[[source.record(rng, START + rng.randrange(600000)) for _ in range(size // 20)] for source in self.pair] for _ in self.batches]
        for batch in self.pair_batches:
            for i, records in enumerate(batch):
                batch[i] = [record for record in records if record[0] is not None]
        self.referring_batches = [[self.referring.record(rng, START + rng.randrange(600000)) for _ in range(size // 10)] if self.referring else []
                                  for _ in self.batches]
        self.pair_ends = [[self.nudge(rng, key, START + 4 * 24 * HOUR, source) for key in source.pool] for source in self.pair]
        self.nudges = [self.nudge(rng, key, clock) for key in self.stream.pool]

    def nudge(self, rng, key, timestamp, source=None):
        """A record that no condition drops: it makes EMIT FINAL look for what has closed, in the partition of its key."""
        source = source or self.stream
        row = [values.random_value(rng, kind, 0) for _, kind in source.columns]
        row[0], row[1] = 3, "b"
        row = source.with_one_zero(b"x" if value == b"" else value for value in row)
        return (key, row, timestamp, values.encode(source.key_format, [("K", source.key)], [key], True),
                values.encode(source.value_format, source.columns, row, False))

    def all_records(self):
        return [record for batch in self.batches for record in batch]

    def referring_records(self):
        return [record for batch in self.referring_batches for record in batch]

    def pair_records(self, side):
        return [record for batch in self.pair_batches for record in batch[side]] + self.pair_ends[side]
