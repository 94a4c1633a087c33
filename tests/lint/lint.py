#!/usr/bin/env python3
"""lint.py [ROOT] - the rules of the style guide that a program can check; prints `file:line: what` for each breach, exit status 1 if there is one.

    layers      #include "folder/..." only along the table below; what runs queries never reaches the syntax tree, not even through others
    rooms       the same between the rooms of a folder; a folder with rooms has no sources outside them
    readme      every folder has a README.md
    paths       every file and folder that docs/architecture.md names is there
    comment     every source file begins with the comment that says what it is for
    function    no function is longer than 90 lines
    file        no file is longer than 700 lines
    settings    what a setting's row says of who reads it is so, and what is read by name has a row
    members     a member of a family stands in its own file and its row: nothing else knows it by name
    clock       no time(), rand(), localtime() below server/: time and randomness come through core/clock.h
    format      no code outside serde/ names a format: it asks format_facts()
    words       no path of somebody's machine, no host of a package registry, nothing about who or what typed the text

`lint.py --layout CLANG_FORMAT [ROOT]` asks that program whether C sources are laid out as .clang-format says.
`lint.py --self-test` plants one breach of each kind in a temporary tree and looks whether it is found.
"""

import os
import re
import subprocess
import sys
import tempfile

# A folder includes itself and what stands in its row.
LAYERS = {
    "core": [],
    "web": ["core"],
    "parser": ["core"],
    "udf": ["core"],
    "serde": ["core"],
    "registry": ["core", "serde", "web", "log"],
    "log": ["core"],
    "state": ["core"],
    "catalog": ["core", "serde"],  # FormatSpec: docs/architecture.md, "Deviations"
    "expr": ["core", "udf"],
    "planner": ["core", "parser", "catalog", "expr", "udf", "serde"],
    "executor": ["core", "planner", "expr", "udf", "serde", "log", "state"],
    "server": ["core", "parser", "udf", "serde", "web", "registry", "log", "state", "catalog", "expr", "planner", "executor"],
    "shell": ["core"],
    "main": ["core", "parser", "udf", "serde", "web", "registry", "log", "state", "catalog", "expr", "planner", "executor", "server", "shell"],
}
# A folder of several rooms: a room includes itself and what stands in its row.
ROOMS = {
    "udf": [],  # the ground floor: a folder that is a room itself
    "udf/extension": ["udf"],
    "udf/extension/example": ["udf/extension"],
    "executor/dataflow": [],
    "executor/runtime": ["executor/dataflow"],
    "executor/pull": ["executor/runtime", "executor/dataflow"],
    "server/settings": [],
    "server/http": [],
    "server/access": ["server/settings"],
    "server/connect": ["server/settings"],
    "server/engine": ["server/access", "server/settings"],
    "server/statements": ["server/engine", "server/access", "server/connect", "server/settings"],
    "server/cluster": ["server/engine", "server/settings"],
    "server/peers": ["server/settings"],
    "server/rest": ["server/peers", "server/http", "server/access", "server/statements", "server/engine", "server/settings"],
    "server/node": ["server/peers", "server/rest", "server/http", "server/access", "server/cluster", "server/statements", "server/engine", "server/connect", "server/settings"],
    "server/testing": ["server/statements", "server/engine", "server/settings"],
}
# A room that needs less than its folder: it includes itself and these folders.
ROOM_LAYERS = {"server/settings": ["core", "planner"], "server/http": ["core"], "server/access": ["core"], "server/connect": ["core", "web"]}
# Folder: what its files must not reach, directly or through any header.
UNREACHABLE = {"executor": ["parser"], "state": ["planner", "parser"], "log": ["planner", "parser"]}
# Headers that Lemon makes.
GENERATED = {"parser/sql.h"}
README_TOO = ["bench", "docs", "sql-examples", "tests"]

LONGEST_FUNCTION = 90
LONGEST_FILE = 700
SOURCES = (".c", ".h", ".cc", ".y")
PROGRAMS = SOURCES + (".py", ".sh", ".def")

CLOCK_FREE = ["core", "parser", "udf", "serde", "log", "state", "catalog", "expr", "planner", "executor"]
# Where every path that is named, `like/this.c`, must be there.
NAMES_PATHS = ["docs/architecture.md"]
NAMED_PATH = re.compile(r"`((?:[\w.-]+/)*(?:[\w.-]+\.(?:c|cc|h|def|y|py|md)|[\w.-]+/))`")
CLOCK_ITSELF = {"core/clock.c"}
CLOCK_CALL = re.compile(r"(?<![\w.>])(time|rand|random|srand|localtime|localtime_r|gettimeofday)\s*\(")

# Where a format's facts are asked for; serde/ is where they are told.
FORMAT_BLIND = ["catalog", "planner", "executor", "server"]
FORMAT_NAME = re.compile(r'"(KAFKA|DELIMITED|JSON|JSON_SR|AVRO|PROTOBUF|PROTOBUF_NOSR|NONE|INTERNAL)"|\b(str\w*cmp|str_equal\w*)\s*\([^;]*format_name')

# Character classes keep these patterns from finding themselves.
WORDS = [
    (re.compile(r"\.\./[s]hared"), "a path outside the project"),
    (re.compile(r"(?<![\w.}])/[w]ork/"), "a path of one machine"),
    (re.compile(r"/[h]ome/\w"), "a path of one machine"),
    (re.compile(r"pypi\.[o]rg|pythonhosted\.[o]rg|registry\.npmjs\.[o]rg|proxy\.golang\.[o]rg|sum\.golang\.[o]rg|crates\.[i]o"
                r"|repo1?\.maven\.(apache\.)?[o]rg|deb\.debian\.[o]rg|rubygems\.[o]rg|packages\.confluent\.[i]o"), "a host of a package registry"),
    (re.compile(r'(?<!user[ -])(?<!user_)(?<!")\b[a]gents?\b', re.I), "who typed this is no matter of the project"),
    (re.compile(r"\b[c]laude\b|\b[A]I assistant\b|\b[a]nthropic\b|\bco-[a]uthored-by\b", re.I), "who typed this is no matter of the project"),
]

# Table of a family: what is the member's symbol in a row, where it may stand beside the table. None: in one file, whichever.
MEMBERS = {
    "executor/dataflow/operators.def": (re.compile(r"^OPERATOR\(.*?(\bop_\w+)\)$"), None),
    "core/statements.def": (re.compile(r'^STATEMENT\(\w+, "[^"]*", (\w+)'), None),
    "server/rest/routes.def": (re.compile(r"^ROUTE\(.*?(\brest_\w+)"), None),
    "udf/families.def": (re.compile(r"^FAMILY\((\w+)"), None),
    "main/commands.def": (re.compile(r'^COMMAND\("\w+", (\w+)'), None),
    "serde/formats.def": (re.compile(r"^FORMAT\((\w+)\)"), "serde/"),
}

SETTING_ROWS = ["planner/query_settings.def", "server/settings/settings.def"]
SETTING_ROW = re.compile(r'(?:QUERY_SETTING\((\w+), |SETTING\()"([^"]+)",.*, (?:CLIENT|OPERATOR), "([^"]*)", "')
PROPERTY_READ = r'(properties_(?:get_c|int|is_true)|execution_property)\([^;"]*?"(%s)"'

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z]+)/([^"]+)"')


def canonical(setting):
    return setting[len("ksql.streams."):] if setting.startswith("ksql.streams.") else setting


class Lint:
    def __init__(self, root):
        self.root = root
        self.breaches = []
        self.files = self.list_files()
        self.includes = {}  # path: [(line, included path)]

    def list_files(self):
        """What git tracks or would track; without git, whatever is there."""
        try:
            out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, check=True, capture_output=True, text=True).stdout
            names = out.splitlines()
        except (OSError, subprocess.CalledProcessError):
            names = [os.path.relpath(os.path.join(folder, name), self.root)
                     for folder, _, found in os.walk(self.root) for name in found]
        return sorted(name for name in names if os.path.isfile(os.path.join(self.root, name)))

    def breach(self, path, line, text):
        self.breaches.append("%s:%d: %s" % (path, line, text))

    def read(self, path):
        with open(os.path.join(self.root, path), "rb") as f:
            data = f.read()
        return None if b"\0" in data else data.decode("utf-8", "replace").splitlines()

    def run(self):
        for path in self.files:
            lines = self.read(path)
            if lines is None:
                continue
            folder = path.split("/")[0]
            if not path.startswith("tests/fuzz/corpus/"):
                self.check_words(path, lines)
            if path.endswith(PROGRAMS) and len(lines) > LONGEST_FILE:
                self.breach(path, len(lines), "file: %d lines; look for the second idea" % len(lines))
            if path.endswith(SOURCES):
                self.check_source(path, folder, lines)
        self.check_reach()
        self.check_readmes()
        self.check_paths()
        self.check_settings()
        self.check_members()
        return self.breaches

    def check_members(self):
        """Comments may name a member; tests call functions' tables."""
        code = {}
        for path in self.files:
            if path.endswith(SOURCES) and path.split("/")[0] in LAYERS:
                in_comment, text = False, []
                for line in self.read(path) or []:
                    stripped, in_comment = strip_comments(line, in_comment)
                    text.append(stripped)
                code[path] = text
        for table, (row, home) in MEMBERS.items():
            for line in self.read(table) if table in self.files else []:
                match = row.match(line)
                if match:
                    self.check_member(code, table, match.group(1), home)

    def check_member(self, code, table, symbol, home):
        word = re.compile(r"\b%s\b" % re.escape(symbol))
        places = [(path, number) for path, text in code.items() for number, line in enumerate(text, 1) if symbol in line and word.search(line)]
        if home is not None:
            places = [place for place in places if not place[0].startswith(home)]
        elif places:
            own = places[0][0]  # where it is defined, if it is where it should be
            defined = re.compile(r"[\w ]+[ *]%s\b" % re.escape(symbol))
            own = next((path for path, number in places if defined.match(code[path][number - 1])), own)
            places = [place for place in places if place[0] != own]
        for path, number in places[:1]:
            self.breach(path, number, "members: %s is known by its row in %s alone" % (symbol, table))

    def check_source(self, path, folder, lines):
        if not lines or not lines[0].lstrip().startswith(("/*", "//", "%include")):
            self.breach(path, 1, "comment: begin with one that says what the file is for")
        if folder in LAYERS:
            self.check_includes(path, folder, lines)
            here = os.path.dirname(path)
            if here not in ROOMS and any(room.startswith(folder + "/") for room in ROOMS):
                self.breach(path, 1, "rooms: %s/ is no room of %s/" % (here, folder))
        if folder in CLOCK_FREE and path not in CLOCK_ITSELF:
            self.check_clock(path, lines)
        if folder in FORMAT_BLIND:
            self.check_formats(path, lines)
        if path.endswith((".c", ".cc")):
            self.check_functions(path, lines)

    def check_includes(self, path, folder, lines):
        found = self.includes.setdefault(path, [])
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            other, name = match.groups()
            found.append((number, other + "/" + name))
            here, there = os.path.dirname(path), os.path.dirname(other + "/" + name)
            if other == folder and here in ROOMS and there in ROOMS and there != here and there not in ROOMS[here]:
                self.breach(path, number, "rooms: %s/ does not include %s/" % (here, there))
            if other != folder and here in ROOM_LAYERS and other not in ROOM_LAYERS[here]:
                self.breach(path, number, "rooms: %s/ does not include %s/" % (here, other))
            if other in LAYERS and other != folder and other not in LAYERS[folder]:
                self.breach(path, number, "layers: %s/ does not include %s/" % (folder, other))
            elif other + "/" + name not in self.files and other + "/" + name not in GENERATED:
                self.breach(path, number, "layers: there is no %s/%s" % (other, name))

    def check_clock(self, path, lines):
        in_comment = False
        for number, line in enumerate(lines, 1):
            code, in_comment = strip_comments(line, in_comment)
            match = CLOCK_CALL.search(code)
            if match:
                self.breach(path, number, "clock: %s() below server/; ask the Clock" % match.group(1))

    def check_formats(self, path, lines):
        for number, line in enumerate(lines, 1):
            match = FORMAT_NAME.search(line)
            if match:
                self.breach(path, number, "format: `%s`: ask format_facts()" % match.group(0))

    def check_functions(self, path, lines):
        start, name = 0, ""
        for number, line in enumerate(lines, 1):
            if re.match(r"[A-Za-z_].*\(", line) and not line.rstrip().endswith(";"):
                name = line
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start > LONGEST_FUNCTION:
                    self.breach(path, start, "function: %d lines: %s" % (number - start, name.strip()[:80]))
                start = 0

    def check_words(self, path, lines):
        for number, line in enumerate(lines, 1):
            for pattern, why in WORDS:
                match = pattern.search(line)
                if match:
                    self.breach(path, number, "words: `%s`: %s" % (match.group(0), why))

    def check_reach(self):
        for path in self.includes:
            folder = path.split("/")[0]
            for number, way in self.ways(path):
                target = way[-1].split("/")[0]
                if target in UNREACHABLE.get(folder, []) and target in LAYERS.get(way[-2].split("/")[0], []) and len(way) > 2:
                    self.breach(path, number, "layers: %s/ reaches %s/ by %s" % (folder, target, " > ".join(way[1:])))

    def ways(self, path):
        """(line, [path, header, header, ...]) for every header that is reached, by one of the ways to it."""
        seen, queue = {path}, [(number, [path, name]) for number, name in self.includes[path]]
        while queue:
            number, way = queue.pop(0)
            if way[-1] in seen:
                continue
            seen.add(way[-1])
            yield number, way
            queue += [(number, way + [name]) for _, name in self.includes.get(way[-1], [])]

    def check_settings(self):
        """A setting without effect says so in its row; one that says it is read is read there."""
        rows = {}  # canonical name: (path, line, field or None, reader)
        for path in SETTING_ROWS:
            for number, line in enumerate(self.read(path) if path in self.files else [], 1):
                match = SETTING_ROW.match(line)
                if match:
                    field, name, reader = match.groups()
                    rows[canonical(name)] = (path, number, field, reader)
        code = {path: "\n".join(self.read(path) or []) for path in self.files if path.endswith((".c", ".h"))}
        for name, (path, number, field, reader) in rows.items():
            wanted = r"[>.]%s\b" % field if field else r'"(ksql\.streams\.)?%s"' % re.escape(name)
            if reader and not re.search(r'%s|"(ksql\.streams\.)?%s"' % (wanted, re.escape(name)), code.get(reader, "")):
                self.breach(path, number, "settings: %s does not read %s" % (reader, name))
            elif not reader and any(re.search(PROPERTY_READ % re.escape(name), text) for text in code.values()):
                self.breach(path, number, "settings: somebody reads %s" % name)
        for path, text in code.items():
            if path.startswith("server/") and rows:
                for match in re.finditer(PROPERTY_READ % r"[a-z][a-z0-9_.]*", text):
                    if canonical(match.group(2)) not in rows:
                        self.breach(path, text.count("\n", 0, match.start()) + 1, "settings: %s has no row" % match.group(2))

    def check_readmes(self):
        folders = {path.split("/")[0] for path in self.files if "/" in path}
        for folder in sorted(folders & (set(LAYERS) | set(README_TOO))):
            if folder + "/README.md" not in self.files:
                self.breach(folder + "/README.md", 1, "readme: missing: the idea, the file to read first, the invariants")

    def check_paths(self):
        there = set(self.files)
        for path in self.files:
            there.update(path[:at + 1] for at, letter in enumerate(path) if letter == "/")
        for document in set(NAMES_PATHS) & there:
            for number, line in enumerate(self.read(document) or [], 1):
                for name in NAMED_PATH.findall(line):
                    if name not in there:
                        self.breach(document, number, "paths: there is no " + name)


def strip_comments(line, in_comment):
    """The code of a line; texts lose their contents. -> (code, whether a comment goes on)"""
    out, at = [], 0
    while at < len(line):
        if in_comment:
            end = line.find("*/", at)
            if end < 0:
                return "".join(out), True
            at, in_comment = end + 2, False
        elif line.startswith("/*", at):
            at, in_comment = at + 2, True
        elif line.startswith("//", at):
            break
        elif line[at] == '"':
            end = at + 1
            while end < len(line) and line[end] != '"':
                end += 2 if line[end] == "\\" else 1
            out.append('""')
            at = end + 1
        else:
            out.append(line[at])
            at += 1
    return "".join(out), in_comment


PLANTED = {
    "core/a.h": "/* ok */\n#include \"parser/tree.h\"\n",
    "core/README.md": "# core\n",
    "parser/tree.h": "/* ok */\n",
    "planner/plan.h": "/* ok */\n#include \"parser/tree.h\"\n",
    "executor/dataflow/up.c": "/* ok */\n#include \"executor/runtime/worker.h\"\n",
    "executor/runtime/worker.h": "/* ok */\n",
    "executor/runtime/run.c": "/* ok */\n#include \"planner/plan.h\"\n",
    "main/commands.def": "COMMAND(\"x\", cmd_x, NULL)\n", "main/cmd_x.c": "/* ok */\nint cmd_x(void)\n{\n}\n",
    "main/other.c": "/* cmd_x may be named here */\nint y = 1; /* so */\nint z(void) { return cmd_x(); }\n",
    "executor/gone.c": "/* ok */\n",
    "server/http/exchange.c": "/* ok */\n#include \"planner/plan.h\"\n",
    "expr/gone.c": "/* ok */\n#include \"core/missing.h\"\n",
    "udf/bare.c": "int x;\n",
    "udf/long.c": "/* ok */\nint f(void)\n{\n" + "    x();\n" * 91 + "}\n",
    "log/late.c": "/* time() in a comment is none */\nint now(void) { return time(0) + x.time(1); }\n",
    "state/huge.c": "/* ok */\n" + "int y;\n" * 700,
    "planner/picky.c": "/* ok */\nint f(void) { return strcmp(name, \"AVRO\"); }\nint g(void) { return strcmp(format_name(f), x); }\nint h = \"a JSON text\";\n",
    "server/settings/settings.def": 'SETTING("ksql.read", SERVER, INT, "1", "0..", OPERATOR, "server/rest/a.c", "x")\n'
                                    'SETTING("ksql.streams.unread", SERVER, INT, "1", "0..", OPERATOR, "server/rest/a.c", "x")\n'
                                    'SETTING("denied", SERVER, INT, "1", "0..", OPERATOR, "", "x")\n',
    "server/rest/a.c": '/* ok */\nint a = properties_int(p, "ksql.read", 1) + properties_int(p, "denied", 1);\nint b = properties_is_true(p, "ksql.rowless");\n',
    "docs/architecture.md": "`core/a.h`, `core/`, `state/gone.c`, `gone/`, `x / y`, `<dir>/a.h`\n",
    "docs/README.md": "see .." + "/shared/x, /" + "work/main, pypi." + "org; our a" + "gent; a User-A" + "gent is fine\n",
}
EXPECTED = [
    "core/a.h:2: layers: core/ does not include parser/",
    "executor/runtime/run.c:2: layers: executor/ reaches parser/ by planner/plan.h > parser/tree.h",
    "main/other.c:3: members: cmd_x is known by its row in main/commands.def alone",
    "executor/dataflow/up.c:2: rooms: executor/dataflow/ does not include executor/runtime/", "expr/gone.c:2: layers: there is no core/missing.h",
    "executor/gone.c:1: rooms: executor/ is no room", "server/http/exchange.c:2: rooms: server/http/ does not include planner/",
    "docs/architecture.md:1: paths: there is no state/gone.c", "docs/architecture.md:1: paths: there is no gone/",
    "udf/bare.c:1: comment:", "udf/long.c:3: function: 92 lines: int f(void)", "log/late.c:2: clock: time()", "state/huge.c:701: file: 701 lines",
    "planner/picky.c:2: format:", "planner/picky.c:3: format:",
    "parser/README.md:1: readme: missing", "a path outside the project", "a path of one machine", "a host of a package registry",
    "who typed this", "settings.def:2: settings: server/rest/a.c does not read unread", "settings.def:3: settings: somebody reads denied",
    "server/rest/a.c:3: settings: ksql.rowless has no row",
]


def self_test():
    with tempfile.TemporaryDirectory() as root:
        for path, text in PLANTED.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w") as f:
                f.write(text)
        breaches = Lint(root).run()
    missed = [want for want in EXPECTED if not any(want in breach for breach in breaches)]
    readmes = sum("readme:" in breach for breach in breaches)
    for want in missed:
        print("not found: " + want)
    if len(breaches) - readmes != len(EXPECTED) - 1:
        print("%d breaches besides the missing READMEs instead of %d" % (len(breaches) - readmes, len(EXPECTED) - 1))
        missed.append("count")
    if missed:
        print("\n".join(breaches))
    return 1 if missed else 0


def check_layout(clang_format, root):
    """Its exit status; it prints what it would change. All files in one call: it starts slowly."""
    files = [path for path in Lint(root).files if path.endswith((".c", ".h"))]
    return subprocess.run([clang_format, "--dry-run", "-Werror", *files], cwd=root).returncode


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    layout = sys.argv[2] if sys.argv[1:2] == ["--layout"] else None
    rest = sys.argv[3:] if layout else sys.argv[1:]
    root = os.path.abspath(rest[0] if rest else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    if layout:
        return check_layout(layout, root)
    breaches = Lint(root).run()
    print("\n".join(breaches + ["%d breaches" % len(breaches)]))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
