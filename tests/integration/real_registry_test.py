#!/usr/bin/env python3
"""The same requests to the embedded registry and to a real one (real_registry.sh): equal statuses, error codes and documents, but for what is known.

usage: real_registry_test.py PATH-TO-SLUICE URL-OF-THE-REAL-ONE

The real one is Apicurio's, which speaks Confluent's interface and differs from it here and there: KNOWN says where, and that ours is Confluent's way. Compared are
status and error_code of refusals, and whole documents otherwise; ids are compared by what they lead to.
"""
import json
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sluice_server import Server  # noqa: E402

# Request: why the answers differ. A request that is listed and answered alike fails the test, too.
KNOWN = {
    "GET /subjects/t/versions/x": "42202: what is no version is not one that is missing",
    'POST /compatibility/subjects/r/versions/latest {"schema": "\\"int\\""}': "NONE compares nothing",
    "DELETE /subjects/t/versions/1?permanent=true": "404 with 40407, not 409",
    "DELETE /subjects/t/versions/1": "404 with 40406, not 409",
    "DELETE /subjects/t?permanent=true": "404 with 40405, not 409",
}


def record(*fields, name="r", **more):
    return json.dumps({"type": "record", "name": name, **more, "fields": list(fields)})


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def obj(properties, **more):
    return json.dumps({"type": "object", "properties": properties, **more})


def proto(body):
    return 'syntax = "proto3";\n' + body


A, B, B_DEFAULT = field("a", "int"), field("b", "int"), field("b", "int", default=0)
PROTOBUF, JSON = {"schemaType": "PROTOBUF"}, {"schemaType": "JSON"}


def register(subject, schema, **more):
    return "POST", f"/subjects/{subject}/versions", {"schema": schema, **more}


def look_up(subject, schema, **more):
    return "POST", f"/subjects/{subject}", {"schema": schema, **more}


def check(subject, version, schema, **more):
    return "POST", f"/compatibility/subjects/{subject}/versions/{version}", {"schema": schema, **more}


def evolutions():
    """Pairs of an old and a new schema: is it backward compatible?"""
    fixed, enum = '{"type":"fixed","name":"f","size":4}', '{"type":"enum","name":"e","symbols":["A","B"]}'
    for old, new in (
            ('"int"', '"long"'), ('"long"', '"int"'), ('"float"', '"double"'), ('"int"', '["null","int"]'), ('["null","int"]', '"int"'), ('"string"', '"bytes"'),
            (enum, enum.replace(',"B"', "")), (enum, enum.replace(',"B"]', '],"default":"A"')), (enum, enum.replace('"B"', '"B","C"')),
            (fixed, fixed.replace("4", "5")), (fixed, fixed.replace('"f"', '"g"')), (fixed, '{"type":"fixed","name":"g","aliases":["f"],"size":4}'),
            ('{"type":"array","items":"int"}', '{"type":"array","items":"string"}'), ('{"type":"map","values":"int"}', '{"type":"map","values":"long"}'),
            (record(A), record(field("x", "int", aliases=["a"]))), (record(A, name="n.r"), record(A, name="m.r")), (record(A), record(A, name="other")),
            (record(A), record(A, name="other", aliases=["r"])), (record(A, B), record(A)), (record(A), record(A, B)), (record(A), record(A, B_DEFAULT)),
            ('["int","string"]', '["int","string","null"]'), ('["int","string","null"]', '["int","string"]')):
        yield old, new, {}
    for old, new in (
            ("message M { int32 a = 1; }", "message M { string a = 1; }"), ("message M { int32 a = 1; }", "message M { int32 a = 1; string b = 2; }"),
            ("message M { int32 a = 1; }", "message N { int32 a = 1; }"), ("message M { int32 a = 1; }", "message M { repeated int32 a = 1; }"),
            ("message M { int32 a = 1; }", "message M { sint32 a = 1; }"), ("message M { int32 a = 1; }", "message M { int32 a = 1; } message N { }")):
        yield proto(old), proto(new), PROTOBUF
    integer, text = {"type": "integer"}, {"type": "string"}
    closed = {"additionalProperties": False}
    for old, new in (
            (obj({"a": integer}), obj({"a": {"type": "number"}})), (obj({"a": {"type": "number"}}), obj({"a": integer})), (obj({"a": integer}), obj({"a": text})),
            (obj({"a": integer}), obj({"a": integer, "b": text})), (obj({"a": integer}), obj({})), (obj({"a": integer}), obj({"a": integer}, required=["a"])),
            (obj({"a": integer}), obj({"a": integer}, **closed)), (obj({"a": integer}), obj({"a": {"type": "integer", "minimum": 5}})),
            (obj({"a": integer}), '{"type":"string"}'), (obj({"a": integer}, **closed), obj({"a": integer, "b": text}, **closed)),
            (obj({"a": integer, "b": text}, **closed), obj({"a": integer}, **closed)), (obj({"a": integer}, **closed), obj({"a": integer})),
            (obj({"a": integer}, **closed), obj({"a": integer, "b": text}, required=["b"], **closed)),
            (obj({"a": {**text, "maxLength": 5}}), obj({"a": {**text, "maxLength": 6}})), (obj({"a": {**text, "maxLength": 5}}), obj({"a": {**text, "maxLength": 4}})),
            (obj({"a": {"type": "array", "items": integer}}), obj({"a": {"type": "array", "items": {"type": "number"}}})),
            (obj({"a": {"type": "array", "items": integer}}), obj({"a": {"type": "array", "items": text}})),
            (obj({"a": {"enum": ["x", "y"]}}), obj({"a": {"enum": ["x", "y", "z"]}})), (obj({"a": {"enum": ["x", "y"]}}), obj({"a": {"enum": ["x"]}}))):
        yield old, new, JSON


def requests():
    yield "GET", "/subjects", None
    yield "GET", "/schemas/types", None
    yield "GET", "/config", None
    for subject, text in (("t", '"int"'), ("t", '"int"'), ("u", '"int"'), ("t", '"long"'), ("t", '"string"')):
        yield register(subject, text)
    for path in ("/subjects", "/subjects/t/versions", "/subjects/t/versions/1", "/subjects/t/versions/latest", "/subjects/t/versions/-1", "/subjects/t/versions/9",
                 "/subjects/t/versions/x", "/subjects/zz/versions", "/subjects/zz/versions/1", "/subjects/zz/versions/latest", "/subjects/t/versions/1/schema",
                 "/subjects/t/versions/1/referencedby", "/schemas/ids/999", "/schemas/ids/999/versions"):
        yield "GET", path, None
    for subject, text in (("t", '"int"'), ("t", '"bytes"'), ("zz", '"int"')):
        yield look_up(subject, text)
    for more in ({"schema": "{"}, {"schema": '"nope"'}, {"schema": 'syntax = "proto3"; m', **PROTOBUF}, {"schema": '{"type":"txt"}', **JSON}, {"schema": "{", **JSON}):
        yield "POST", "/subjects/bad/versions", more
    yield register("r", record(A))
    yield register("r", record(A, B))
    yield register("r", record(A, B_DEFAULT))
    for version, text in (("latest", record(A, B, field("c", "int"))), ("latest", record(A)), ("9", record(A)), ("1", record(A)), ("latest", "{")):
        yield check("r", version, text)
    yield check("zz", "latest", record(A))
    yield "POST", "/compatibility/subjects/r/versions", {"schema": record(A)}
    for level, text in (("FORWARD", record(A, B, field("c", "int"))), ("FORWARD", record(B)), ("FULL", record(A)), ("FULL", record(B)), ("NONE", '"int"')):
        yield "PUT", "/config/r", {"compatibility": level}
        yield "GET", "/config/r", None
        yield check("r", "latest", text)
    yield "DELETE", "/config/r", None
    yield "DELETE", "/config/zz", None
    inner, outer = record(A, name="inner"), record(field("i", "inner"), name="outer")
    yield register("inner", inner)
    yield register("outer", outer)
    yield register("outer", outer, references=[{"name": "inner", "subject": "inner", "version": 9}])
    yield register("outer", outer, references=[{"name": "inner", "subject": "inner", "version": 1}])
    yield "GET", "/subjects/outer/versions/1", None
    yield "DELETE", "/subjects/inner/versions/1", None
    yield "DELETE", "/subjects/inner", None
    for path in ("/subjects/t/versions/1?permanent=true", "/subjects/t/versions/1", "/subjects/t/versions/1"):
        yield "DELETE", path, None
    for path in ("/subjects/t/versions", "/subjects/t/versions?deleted=true", "/subjects/t/versions/1", "/subjects/t/versions/1?deleted=true"):
        yield "GET", path, None
    for path in ("/subjects/t/versions/1?permanent=true", "/subjects/t?permanent=true", "/subjects/t", "/subjects/t"):
        yield "DELETE", path, None
    for path in ("/subjects", "/subjects?deleted=true", "/subjects/t/versions"):
        yield "GET", path, None
    for path in ("/subjects/t?permanent=true", "/subjects/t", "/subjects/zz/versions/1", "/subjects/u/versions/9"):
        yield "DELETE", path, None
    for number, (old, new, kind) in enumerate(evolutions()):
        yield register(f"e{number}", old, **kind)
        yield check(f"e{number}", "latest", new, **kind)


def ask(base, method, path, document):
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(base + path, body, {"Content-Type": "application/vnd.schemaregistry.v1+json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def compared(status, answer):
    """What counts of an answer."""
    if status >= 400:
        return status, answer.get("error_code") if isinstance(answer, dict) else None
    if isinstance(answer, list) and all(isinstance(a, str) for a in answer):
        return status, sorted(answer)
    if not isinstance(answer, dict):
        return status, answer
    answer = {k: v for k, v in answer.items() if k != "id" and (k, v) not in (("schemaType", "AVRO"), ("references", []))}
    if "compatibilityLevel" in answer:  # Apicurio answers PUT so, too
        answer["compatibility"] = answer.pop("compatibilityLevel")
    if "schema" in answer:
        try:
            answer["schema"] = json.loads(answer["schema"])
        except ValueError:
            answer["schema"] = "".join(answer["schema"].split())
    return status, answer


def main():
    binary, real = sys.argv[1:3]
    server = Server(binary)
    wrong, used, count = [], set(), 0
    try:
        server.start()
        ours = f"http://127.0.0.1:{server.port}"
        for base in (ours, real):
            ask(base, "PUT", "/config", {"compatibility": "BACKWARD"})
        for method, path, document in requests():
            count += 1
            one, other = ask(ours, method, path, document), ask(real, method, path, document)
            name = f"{method} {path}" + (f" {json.dumps(document)}" if document is not None else "")
            alike = compared(*one) == compared(*other)
            known = [k for k in KNOWN if name == k]
            if not alike:
                used.update(known)
                if not known:
                    wrong.append(f"{name}\n  ours {one}\n  real {other}")
    finally:
        server.close()
    wrong += [f"answered alike, but known to differ: {k}" for k in KNOWN if k not in used]
    print("\n".join(wrong) or f"{count} requests, {len(KNOWN)} known differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
