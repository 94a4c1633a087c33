"""SQL types, random values of them with the odd ones, and the forms in which they are met: bytes of a topic, rows of a pull query, columns
of SQLite. Two forms of one value have one canonical form.

A type is a tuple: ("INT",), ("DECIMAL", 8, 2), ("ARRAY", element), ("MAP", element), ("STRUCT", ((name, type), ...)).
"""
import base64
import datetime
import json
import math
import struct

PLAIN = [("INT",), ("BIGINT",), ("DOUBLE",), ("STRING",), ("BOOLEAN",), ("DECIMAL", 8, 2), ("DECIMAL", 30, 5), ("DATE",), ("TIME",), ("TIMESTAMP",), ("BYTES",)]
NUMBERS = ("INT", "BIGINT", "DOUBLE", "DECIMAL")
EPOCH = datetime.datetime(1970, 1, 1)
TEXTS = ["", "a", "b", "ab", "Z z", "\u00e9", "\U0001f600", "x'y", 'say "hi"', "back\\slash", "a,b", "0", "null", "NaN", "tab\there", " lead", "trail "]
DOUBLES = [0.0, -0.0, 1.5, -2.25, 1e10, 123456789.125, 5e-324, 1.7976931348623157e308, 1e15, 0.1]


def sql(kind):
    """The type as SQL spells it."""
    if kind[0] == "DECIMAL":
        return "DECIMAL(%d, %d)" % kind[1:]
    if kind[0] == "ARRAY":
        return "ARRAY<%s>" % sql(kind[1])
    if kind[0] == "MAP":
        return "MAP<STRING, %s>" % sql(kind[1])
    if kind[0] == "STRUCT":
        return "STRUCT<%s>" % ", ".join("%s %s" % (name, sql(of)) for name, of in kind[1])
    return kind[0]


def flat(kind):
    return kind[0] not in ("ARRAY", "MAP", "STRUCT")


def random_type(rng, depth=1):
    if depth > 0 and rng.random() < 0.25:
        which = rng.choice(("ARRAY", "MAP", "STRUCT"))
        if which == "STRUCT":
            return (which, tuple(("F%d" % i, random_type(rng, depth - 1)) for i in range(rng.randint(1, 3))))
        return (which, random_type(rng, depth - 1))
    return rng.choice(PLAIN)


def random_value(rng, kind, nulls=0.12):
    """None, int, float, str, bool, bytes, list, dict; a DECIMAL is an int, its unscaled number."""
    if rng.random() < nulls:
        return None
    name = kind[0]
    if name == "INT":
        return rng.choice((0, 1, -1, 7, 2**31 - 1, -2**31, rng.randint(-5, 5), rng.randint(-10**6, 10**6)))
    if name == "BIGINT":
        return rng.choice((0, 1, -1, 2**53 + 1, 2**62, rng.randint(-5, 5), rng.randint(-10**12, 10**12)))
    if name == "DOUBLE":
        return rng.choice(DOUBLES) if rng.random() < 0.5 else rng.randint(-1000, 1000) / 8
    if name == "STRING":
        return rng.choice(TEXTS)
    if name == "BOOLEAN":
        return rng.random() < 0.5
    if name == "DECIMAL":
        most = 10 ** rng.randint(1, kind[1]) - 1
        return rng.randint(-most, most)
    if name == "DATE":
        return rng.choice((0, -1, 19000, rng.randint(-10000, 40000)))
    if name == "TIME":
        return rng.choice((0, 86399999, rng.randrange(86400000)))
    if name == "TIMESTAMP":
        return rng.choice((0, 1, -1, 1700000000123, rng.randint(-10**11, 10**12)))
    if name == "BYTES":
        return bytes(rng.choice((0, 1, 65, 255)) for _ in range(rng.randint(0, 4)))
    if name == "ARRAY":
        return [random_value(rng, kind[1], 0.2) for _ in range(rng.randint(0, 3))]
    if name == "MAP":
        return {"k%d" % i: random_value(rng, kind[1], 0.2) for i in range(rng.randint(0, 3))}
    return {field: random_value(rng, of, 0.2) for field, of in kind[1]}


# ---- bytes of a topic ----

def decimal_text(unscaled, scale):
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    text = digits[:-scale] + "." + digits[-scale:] if scale else digits
    return ("-" if unscaled < 0 else "") + text


def to_json(kind, value):
    """JSON text of the value; numbers keep every digit."""
    name = kind[0]
    if value is None:
        return "null"
    if name == "DOUBLE":
        return repr(value)
    if name == "DECIMAL":
        return decimal_text(value, kind[2])
    if name == "BYTES":
        return json.dumps(base64.b64encode(value).decode())
    if name == "ARRAY":
        return "[" + ",".join(to_json(kind[1], v) for v in value) + "]"
    if name == "MAP":
        return "{" + ",".join(json.dumps(k) + ":" + to_json(kind[1], v) for k, v in value.items()) + "}"
    if name == "STRUCT":
        return "{" + ",".join(json.dumps(field) + ":" + to_json(of, value[field]) for field, of in kind[1]) + "}"
    return json.dumps(value, ensure_ascii=False)


def to_delimited(kind, value):
    if value is None:
        return ""
    if kind[0] == "BOOLEAN":
        return "true" if value else "false"
    if kind[0] in ("DOUBLE", "DECIMAL"):
        return to_json(kind, value)
    if kind[0] == "BYTES":
        return base64.b64encode(value).decode()
    if kind[0] == "STRING":
        plain = value.isascii() and value.isalnum()
        return value if plain or not value else '"' + value.replace('"', '""') + '"'
    return str(value)


def to_kafka(kind, value):
    if value is None:
        return None
    if kind[0] == "STRING":
        return value.encode()
    return struct.pack({"INT": ">i", "BIGINT": ">q", "DOUBLE": ">d"}[kind[0]], value)


def encode(fmt, columns, row, bare):
    """Bytes of the columns [(name, type)]; None: null. `bare`: a single column without a wrapper (keys)."""
    if bare and len(columns) == 1 and row[0] is None:
        return None
    if fmt == "JSON":
        if bare and len(columns) == 1:
            return to_json(columns[0][1], row[0]).encode()
        return ("{" + ",".join(json.dumps(n) + ":" + to_json(t, v) for (n, t), v in zip(columns, row)) + "}").encode()
    if fmt == "DELIMITED":
        return ",".join(to_delimited(t, v) for (_, t), v in zip(columns, row)).encode()
    return to_kafka(columns[0][1], row[0])


# ---- one form for what is the same ----

def canonical_double(value):
    if isinstance(value, str):
        value = float(value.replace("Infinity", "inf"))
    return "NaN" if math.isnan(value) else repr(float(value) + 0.0 if value else 0.0)


def canonical(kind, value, form):
    """A hashable form of a value met as `form`: "python" (as made here), "pull", "json" (a topic's), "sqlite"."""
    name = kind[0]
    if value is None:
        return None
    if form == "sqlite" and not flat(kind):
        value, form = json.loads(value, parse_float=str), "json"
    if name == "DOUBLE":
        return canonical_double(value)
    if name == "DECIMAL":
        return decimal_text(value, kind[2]) if form == "python" else str(value)
    if name == "BOOLEAN":
        return bool(value)
    if name == "BYTES":
        return base64.b64encode(value).decode() if form in ("python", "sqlite") else value
    if name == "ARRAY":
        return tuple(canonical(kind[1], v, form) for v in value)
    if name == "MAP":
        return tuple(sorted((k, canonical(kind[1], v, form)) for k, v in value.items()))
    if name == "STRUCT":
        return tuple(canonical(of, value.get(field), form) for field, of in kind[1])
    if isinstance(value, str) and name in ("DATE", "TIME", "TIMESTAMP"):
        return time_number(name, value)
    return value


def time_number(name, text):
    if name == "DATE":
        year, month, day = text.rsplit("-", 2)
        return (datetime.date(int(year), int(month), int(day)) - EPOCH.date()).days
    if name == "TIME":
        parts = text.split(":")
        seconds = parts[2] if len(parts) > 2 else "0"
        return int(parts[0]) * 3600000 + int(parts[1]) * 60000 + round(float(seconds) * 1000)
    delta = datetime.datetime.fromisoformat(text) - EPOCH
    return (delta.days * 86400 + delta.seconds) * 1000 + delta.microseconds // 1000


def canonical_row(columns, row, form):
    return tuple(canonical(kind, value, form) for (_, kind), value in zip(columns, row))


# ---- Kafka's partitions ----

def murmur2(data):
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    for i in reversed(range(whole, len(data))):
        h ^= data[i] << 8 * (i - whole)
    if whole < len(data):
        h = h * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key, partitions):
    return (murmur2(key) & 0x7FFFFFFF) % partitions
