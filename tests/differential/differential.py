#!/usr/bin/env python3
"""Random cases on the real server: what an undisturbed run makes of them must be what a small model says, must look the same in a table's topic,
in pull queries and in the state files, and must be the same after kills and restarts, with tiny caches and another number of workers after each.

usage: differential.py [options] PATH-TO-SLUICE
  --seconds N          go on for so long (60)
  --seed S             the first case; the next is S + 1 (default: the time)
  --cases N            stop after so many
  --size N             records of a case (300)
  --bootstrap H:P      on that Kafka instead of the embedded log (default: $SLUICE_TEST_BOOTSTRAP)
  --keep               leave the folders of a failed case
A failure prints the case's seed and leaves a script of its statements and records; `--seed S --cases 1` runs it again.
"""
import argparse
import glob
import base64
import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import cases  # noqa: E402
import model  # noqa: E402
import observe  # noqa: E402
import values  # noqa: E402
from sluice_server import Server  # noqa: E402

PATIENCE = 40
STABLE = 3  # equal looks in a row
NOT_BUILT = ("not built", "Sluice cannot", "Sluice does not", "does not execute", "Sluice joins", "not supported yet", " yet")


class Failure(Exception):
    pass


class Variant:
    """How a case is run."""

    def __init__(self, name, rng=None, bootstrap=None, guarantee="exactly_once_v2"):
        self.name, self.guarantee = name, guarantee
        self.properties = {"ksql.streams.processing.guarantee": guarantee, "ksql.streams.num.stream.threads": "1"}
        self.events = []
        if bootstrap:
            self.properties["bootstrap.servers"] = bootstrap
        if rng:
            self.properties["ksql.streams.num.stream.threads"] = str(rng.choice((1, 2, 4)))
            self.properties["ksql.streams.cache.max.bytes.buffering"] = str(rng.choice((0, 0, 1000, 10485760)))
            self.properties["ksql.streams.commit.interval.ms"] = str(rng.choice((10, 50, 100, 500)))
            self.events = [(rng.choice(("kill", "kill", "stop", "restore", "older", "swap", None)), rng.random() * 0.15, str(rng.choice((1, 2, 4)))) for _ in range(10)]

    def emits_late(self):
        return self.properties.get("ksql.streams.cache.max.bytes.buffering", "0") != "0"


class Run:
    def __init__(self, case, variant, binary):
        self.case, self.variant = case, variant
        self.prefix = "d%x_%s_" % (random.getrandbits(40), variant.name)
        self.server = Server(binary, {**variant.properties, "ksql.service.id": self.prefix, "sluice.functions.create.enabled": "true"})
        self.refused, self.schemas, self.fed = set(), {}, {}

    def sql(self, text):
        return text.replace("{P}", self.prefix)

    def start(self):
        self.server.start()
        self.server.ok(cases.TALLY)
        for source in self.case.sources:
            self.server.ok(self.sql(source.create()))
        for query in self.case.queries:
            status, answer = self.server.ksql(self.sql(query.statement))
            if status == 200:
                self.schemas[query.name] = observe.describe(self.server, query.name)
            elif any(text in answer["message"] for text in NOT_BUILT) or any(name in query.statement for name in self.refused):
                self.refused.add(query.name)
            else:
                raise Failure(f"refused: {query.statement}\n{answer['message']}")

    def feed(self, source, records):
        def encoded(data):
            return None if data is None else base64.b64encode(data).decode()
        sent = [{"key64": encoded(key), "value64": encoded(value), "timestamp": timestamp} for _, _, timestamp, key, value in records]
        for record in sent:
            for side in ("key64", "value64"):
                if record[side] is None:
                    del record[side]
        status, body, _ = self.server.post("/sluice/records", {"topic": self.sql(source.topic), "partitions": source.partitions, "records": sent})
        if status != 200:
            raise Failure(f"feeding {source.name}: {status} {body}")
        self.fed[source.name] = self.fed.get(source.name, 0) + len(sent)

    def disturb(self, event):
        how, delay, workers = event
        if how is None:
            return
        time.sleep(delay)
        self.server.stop(signal.SIGTERM if how == "stop" else signal.SIGKILL)
        self.server.properties["ksql.streams.num.stream.threads"] = workers
        if how == "older":
            self.put_older_files_back()
        elif how == "swap":
            self.swap_files()
        if how == "restore":  # from the changelogs, and killed on the way
            for path in self.state_files("worker-*"):
                os.remove(path)
            self.server.start(ready=False)
            time.sleep(delay)
            self.server.stop(signal.SIGKILL)
        self.server.start()

    def state_files(self, pattern):
        return sorted(glob.glob(os.path.join(self.server.properties["ksql.streams.state.dir"], "state", pattern)))

    def put_older_files_back(self):
        """Those of the last event of this kind, as from a backup: behind, and to be caught up with from the changelogs. A WAL goes with its file."""
        older = os.path.join(self.server.directory, "older")
        saved = tempfile.mkdtemp(dir=self.server.directory)
        for path in self.state_files("worker-*[0-9].db*"):
            if path.endswith((".db", "-wal")):
                shutil.copy(path, saved)
        if os.path.isdir(older):
            for path in self.state_files("worker-*[0-9].db*"):
                os.remove(path)
            for name in os.listdir(older):
                shutil.copy(os.path.join(older, name), os.path.join(self.server.properties["ksql.streams.state.dir"], "state", name))
            shutil.rmtree(older)
        os.rename(saved, older)

    def swap_files(self):
        """Each worker's file under the next one's name."""
        files = self.state_files("worker-*[0-9].db")
        contents = [{end: self.content(path + end) for end in ("", "-wal")} for path in files]
        for path, content in zip(files, contents[1:] + contents[:1]):
            for end, data in content.items():
                if data is not None:
                    with open(path + end, "wb") as file:
                        file.write(data)
                elif os.path.exists(path + end):
                    os.remove(path + end)
            if os.path.exists(path + "-shm"):
                os.remove(path + "-shm")

    @staticmethod
    def content(path):
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()

    def queries(self):
        return [q for q in self.case.queries if q.name in self.schemas]

    def look(self):
        """{query: what its topic holds}."""
        queries = self.queries()
        with concurrent.futures.ThreadPoolExecutor(len(queries)) as pool:  # each waits for the end of its topic
            return dict(zip((query.name for query in queries), pool.map(self.look_at, queries)))

    def look_at(self, query):
        """What its topic holds. An end is where nothing comes for a while, so on a busy machine it may be less."""
        schema = self.schemas[query.name]
        if query.is_table:
            return observe.topic_rows(self.server, schema) if schema.key_format == "JSON" and schema.value_format == "JSON" else None
        return observe.topic_lines(self.server, schema, self.case.partitions == 1 and query.direct)

    def consumed(self):
        """Has every query read all that was fed? What it does not tell of has not been opened yet; the end that it tells may be an old one."""
        for query in self.queries():
            extended = self.server.ok(f"DESCRIBE {query.name} EXTENDED;")[0]["sourceDescription"]
            for written in extended["writeQueries"]:
                if written["state"] != "RUNNING":
                    raise Failure(f"{query.name} is {written['state']}\n" + self.server.log()[-2000:])
            positions = {topic["kafkaTopic"]: topic["offsets"] for summary in extended["queryOffsetSummaries"] for topic in summary["topicSummaries"]}
            for source in self.case.sources:
                offsets = positions.get(self.sql(source.topic), [])
                if re.search(rf"\b(FROM|JOIN) {source.name}\b", query.statement) and (
                        len(offsets) < source.partitions or sum(o["consumerOffset"] for o in offsets) < self.fed.get(source.name, 0)):
                    return False
        return True

    def settle(self):
        """Until nothing changes any more; what there is then."""
        end, seen, same = time.monotonic() + PATIENCE, None, 0
        while time.monotonic() < end:
            if not self.consumed():
                time.sleep(0.05)
                continue
            now = self.look()
            same = same + 1 if now == seen else 0
            seen = now
            if same + 1 >= STABLE:
                return seen
        raise Failure("it does not come to an end\n" + self.server.log()[-2000:])

    def await_equal(self, wanted, compare):
        """Until what there is compares as wanted; the last difference where it never does."""
        end, difference = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            difference = compare(wanted, self.look())
            if difference is None:
                return
            time.sleep(0.1)
        raise Failure(difference + "\n" + self.server.log()[-3000:])

    def play(self):
        """Everything but the looking."""
        events = iter(self.variant.events)
        self.feed(self.case.table, self.case.tables)
        self.disturb(next(events, (None, 0, None)))
        self.await_table()
        for batch, pair, referring in zip(self.case.batches, self.case.pair_batches, self.case.referring_batches):
            for source, records in zip(self.case.pair, pair):
                self.feed(source, records)
            self.feed(self.case.stream, batch)
            if self.case.referring:
                self.feed(self.case.referring, referring)
            self.disturb(next(events, (None, 0, None)))
        if self.case.pair:
            self.settle()  # nothing may be late
            for source, records in zip(self.case.pair, self.case.pair_ends):
                self.feed(source, records)
        if any(query.final for query in self.queries()):
            self.feed(self.case.stream, self.case.nudges)

    def await_table(self):
        end = time.monotonic() + PATIENCE
        while not self.consumed():
            if time.monotonic() > end:
                raise Failure("the table is not read\n" + self.server.log()[-2000:])
            time.sleep(0.05)
        time.sleep(0.2 + int(self.variant.properties.get("ksql.streams.commit.interval.ms", "100")) / 1000)  # read is not committed yet

    # ---- one run's own views must agree ----

    def check_views(self, seen):
        pulled = {}
        for query in self.queries():
            schema, topic = self.schemas[query.name], seen[query.name]
            if not query.is_table or topic is None:
                continue
            pulled[query.name], seen[query.name] = self.pull_as(query, schema, topic)
        self.server.stop()
        for query in self.queries():
            if query.name not in pulled:
                continue
            rows = observe.sqlite_rows(self.server.properties["ksql.streams.state.dir"], query.name, self.schemas[query.name])
            topic = kept(query, seen[query.name], rows)
            other = topic if pulled[query.name] is None else kept(query, pulled[query.name], rows)
            differ(f"{query.name}: open.sql and {'the topic' if other is topic else 'the pull query'}", observe.loose(other), observe.loose(rows), query.final)

    def pull_as(self, query, schema, topic):
        """(What a pull query answers, what the topic holds). The answer is what is committed, which may be a moment behind the topic."""
        end = time.monotonic() + PATIENCE
        while True:
            rows = observe.pull_rows(self.server, query.name, schema, {key for key, _ in topic})
            if rows is None:
                return None, topic
            try:
                differ(f"{query.name}: the topic and the pull query", observe.loose(kept(query, topic, rows)), observe.loose(rows), query.final)
                return rows, topic
            except Failure:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
                topic = self.look_at(query)

    def close(self):
        """A broker outlives the test, and bears only so many partitions: what is the run's own goes."""
        if "bootstrap.servers" in self.variant.properties:
            try:
                self.remove_topics()
            except Exception as failure:  # it was to be thrown away
                print(f"topics of {self.prefix} are left on the broker: {failure}", flush=True)
        self.server.close()

    def remove_topics(self):
        if self.server.process is None:
            self.server.start()
        for query in reversed(self.queries()):
            for written in self.server.ok("SHOW QUERIES;")[0]["queries"]:
                if query.name in written["sinks"]:
                    self.server.ok(f"TERMINATE {written['id']};")
            self.server.ok(f"DROP {'TABLE' if query.is_table else 'STREAM'} {query.name} DELETE TOPIC;")
        for source in self.case.sources:
            self.server.ok(f"DROP {'TABLE' if source.is_table else 'STREAM'} {source.name} DELETE TOPIC;")
        time.sleep(0.5)  # internal topics go a little later


# ---- comparing ----

def kept(query, wanted, found):
    """Of what the topic has, what is still in the state."""
    return {at: row for at, row in wanted.items() if at in found} if query.forgets else wanted


def differ(what, wanted, found, only_wanted=False):
    """Raises a Failure that shows the first difference. `only_wanted`: there may be more rows than wanted."""
    lines = []
    for at in sorted(set(wanted) | set(found), key=repr):
        if wanted.get(at) != found.get(at) and not (only_wanted and at not in wanted):
            lines.append(f"    {at!r}: {wanted.get(at)!r} and {found.get(at)!r}")
    if lines:
        raise Failure(f"{what} differ ({len(lines)} rows):\n" + "\n".join(lines[:6]))


def difference_of(case, refused, late, once):
    def compare(wanted, found):
        for query in case.queries:
            if query.name not in wanted or wanted[query.name] is None or query.name in refused:
                continue
            a, b = wanted[query.name], found[query.name]
            if query.is_table:
                a, b = query.without_empty(a), query.without_empty(b)
                if once:
                    try:
                        differ(f"{query.name}: undisturbed and disturbed", a, b)
                    except Failure as failure:
                        return str(failure)
                elif set(a) - set(b):
                    return f"{query.name}: missing {sorted(set(a) - set(b), key=repr)[:5]}"
                continue
            if once and a != b and not (isinstance(a, list) and late):
                return f"{query.name}: undisturbed and disturbed differ:\n    " + "\n    ".join(describe_lines(a, b))
            if not once and (missing := [line for line in (set(a) if isinstance(a, list) else a) if line not in b]):
                return f"{query.name}: missing {missing[:5]}"
        return None
    return compare


def describe_lines(a, b):
    if isinstance(a, list):
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return [f"{len(a)} and {len(b)} records; at {at}: {a[at:at + 2]} and {b[at:at + 2]}"]
    return [f"{line}: {a[line]} and {b[line]}" for line in sorted(set(a) | set(b), key=repr) if a[line] != b[line]][:6]


def check_model(case, run, seen):
    records = case.all_records() + (case.nudges if any(q.final for q in run.queries()) else [])
    for query in run.queries():
        if query.model is None or seen[query.name] is None:
            continue
        if callable(query.model):
            found = len(seen[query.name]) if isinstance(seen[query.name], list) else sum(seen[query.name].values())
            if found != query.model(records):
                raise Failure(f"{query.name}: the model has {query.model(records)} records, the topic {found}")
            continue
        if "foreign" in query.model:
            wanted = model.foreign_join(query, case.referring_records(), records)
            differ(f"{query.name}: the model and the topic", observe.loose(wanted), observe.loose(seen[query.name]))
            continue
        if "join" in query.model:
            found = collections.Counter()
            for (_, key, value), count in seen[query.name].items():
                value = json.loads(value)
                found[(json.loads(key), value["X"], value["Y"])] += count
            wanted = model.stream_join(query, case.pair_records(0), case.pair_records(1), cases.START + 4 * 24 * cases.HOUR)
            if wanted != found:
                raise Failure(f"{query.name}: the model and the topic differ:\n    " + "\n    ".join(describe_lines(wanted, found)))
            continue
        differ(f"{query.name}: the model and the topic", observe.loose(model.table(query, case.stream, records, query.final)), observe.loose(seen[query.name]))


# ---- a case ----

def run_case(case, binary, bootstrap):
    """Raises what is wrong; which statements were not built."""
    runs, rng = [], random.Random(case.seed + 1)
    reference = Run(case, Variant("plain", bootstrap=bootstrap), binary)
    runs.append(reference)
    try:
        reference.start()
        reference.play()
        seen = reference.settle()
        check_model(case, reference, seen)
        reference.check_views(seen)
        for number in range(2):
            once = number == 0 or rng.random() < 0.5
            variant = Variant("kills%d" % number, rng, bootstrap, "exactly_once_v2" if once else "at_least_once")
            run = Run(case, variant, binary)
            runs.append(run)
            run.start()
            run.play()
            run.await_equal(seen, difference_of(case, run.refused, variant.emits_late(), once))
            if once:
                run.check_views(run.look())
            run.close()
            runs.pop()
    except Exception as failure:
        script(case, runs[-1], failure)
        raise
    finally:
        if not KEEP or sys.exc_info()[0] is None:
            for run in runs:
                run.close()
    return reference.refused


KEEP = False


def script(case, run, failure):
    """What a person needs to see it again."""
    path = os.path.join(tempfile.gettempdir(), "differential-%d.txt" % case.seed)
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"-- seed {case.seed}, run {run.variant.name}: {run.variant.properties} {run.variant.events}\n-- {failure}\n".replace("\n", "\n-- ") + "\n")
        out.write(cases.TALLY + "\n")
        for source in case.sources:
            out.write(source.create() + "\n")
        for query in case.queries:
            out.write(query.statement + "\n")
        fed = [(case.table, case.tables), (case.stream, case.all_records() + case.nudges)]
        if case.referring:
            fed.append((case.referring, case.referring_records()))
        for source, records in fed + [(source, case.pair_records(side)) for side, source in enumerate(case.pair)]:
            for key, row, timestamp, _, value in records:
                out.write(f"-- {source.name} @{timestamp} {key!r} {value!r}\n")
    print(f"statements and records: {path}", flush=True)
    if KEEP:
        print(f"state: {run.server.directory}", flush=True)


def main():
    global KEEP
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--bootstrap", default=os.environ.get("SLUICE_TEST_BOOTSTRAP"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    KEEP = options.keep
    end, done, refused, failed = time.monotonic() + options.seconds, 0, 0, []
    while done < options.cases and time.monotonic() < end:
        seed = options.seed + done
        case = cases.Case(seed, options.size)
        done += 1
        try:
            refused += len(run_case(case, options.binary, options.bootstrap))
        except Exception as failure:  # the next case is another one: all that are wrong are told
            failed.append(seed)
            text = str(failure) if isinstance(failure, Failure) else traceback.format_exc()
            print(f"not ok - seed {seed}: {text}\n  again: differential.py --seed {seed} --cases 1 --size {options.size}", flush=True)
    print(f"{done} cases from seed {options.seed}: {len(failed)} failed {failed or ''}; {refused} statements are not built")
    return 1 if failed or done == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
