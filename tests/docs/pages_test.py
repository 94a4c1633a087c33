#!/usr/bin/env python3
"""What is made from the rows of commands and options: --help, manual pages, completion; and that the rows are what the commands take.

usage: pages_test.py PATH-TO-SLUICE
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLUICE = "build/sluice"


def run(*args, **how):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([SLUICE, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, cwd=folder, **how)


def rows(path, macro):
    return re.findall(rf"^{macro}\((.*)\)$", (ROOT / path).read_text(encoding="utf-8"), re.M)


def options():
    """[(command, letter, name, takes an argument)]"""
    shell = [re.sub(r"^\w+, ", '"sql", ', row) for row in rows("shell/options.def", "SHELL_OPTION")]
    found = []
    for row in shell + rows("main/options.def", "OPTION"):
        command, letter, name, argument = re.match(r"\"(\w+)\", (?:'(\w)'|0), (?:\"([\w-]+)\"|NULL), (?:\"([^\"]*)\"|NULL), ", row).groups()
        found.append((command, letter, name, argument is not None))
    return found


COMMANDS = re.findall(r'^COMMAND\("(\w+)"', (ROOT / "main" / "commands.def").read_text(encoding="utf-8"), re.M)


class Pages(unittest.TestCase):
    def test_the_tables(self):
        self.assertGreater(len(options()), 35)
        self.assertGreater(len(COMMANDS), 7)

    def test_every_row_is_taken(self):
        """Behind each option stands what is refused: so nothing is started."""
        for command, letter, name, argument in options():
            if name == "help":
                continue
            for option in (["--" + name] if name else []) + (["-" + letter] if letter else []):
                value = {"output": ["csv"], "query-row-limit": ["1"], "query-timeout": ["1"], "partitions": ["1"], "key-separator": [";"]}.get(name, ["a=b"]) if argument else []
                done = run(command, option, *value, "one:1", "two:2")
                self.assertNotRegex(done.stderr, "has no option|there is no option", (command, option))
                self.assertNotEqual(done.returncode, 0, (command, option, done.stdout))

    def test_what_is_no_option_is_refused(self):
        for command in COMMANDS:
            if command not in ("version",):
                self.assertEqual(run(command, "--nonsense").returncode, 2, command)

    def test_slips_are_told_the_right_name(self):
        for command, _, name, _ in options():
            if name:
                slip = name[:2] + name[1] + name[2:]  # one letter twice
                done = run(command, "--" + slip)
                self.assertEqual(done.returncode, 2, (command, slip))
                self.assertIn(f"no option --{slip}\nDid you mean --{name}?\n", done.stderr)
        for command in COMMANDS:
            done = run(command[0] + command[2:] if len(command) > 3 else command + "x")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"\nDid you mean {command}?\n", done.stderr)

    def test_what_is_taken_has_a_row(self):
        known = {(command, name) for command, _, name, _ in options()}
        for path, commands in (("main/cmd_feed.c", ["feed"]), ("main/command.c", ["server", "run"]), ("main/cmd_test.c", ["test"])):
            text = (ROOT / path).read_text(encoding="utf-8")
            names = set(re.findall(r'"--([a-z-]+)"', text)) | set(re.findall(r'\{"([a-z-]+)", (?:required|no)_argument', text))
            self.assertGreater(len(names), 1, path)
            for name in names - {"help"}:
                self.assertTrue(any((command, name) in known for command in commands), f"{path} takes --{name}; main/options.def has no row")

    def test_help(self):
        overview = run("--help").stdout
        for command in COMMANDS:
            self.assertRegex(overview, rf"sluice {command} ")
            done = run(command, "--help")
            self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", run("help", command).stdout))
            self.assertIn("Example: ", done.stdout)
            for of, letter, name, argument in options():
                if of == command:
                    self.assertRegex(done.stdout, rf"(?m)^  +{'-' + letter if letter else ''}(, )?{'--' + name if name else ''}{' ' if argument else ''}")
        self.assertEqual(run("sql", "-q", "--help").stdout, run("help", "sql").stdout)
        self.assertEqual(run("help", "nonsense").returncode, 2)

    def test_what_is_no_command_is_the_shells(self):
        """A file, a directory, an address: each as if `sql` stood before it."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "one.sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write("DEFINE a = 'b'; SHOW VARIABLES;")
            for target, code in ((path, 0), ("127.0.0.1:1", 3), ("http://127.0.0.1:1", 3)):
                done = subprocess.run([SLUICE, target], input="SHOW TABLES;", capture_output=True, text=True, timeout=30, cwd=folder)
                self.assertEqual(done.returncode, code, (target, done.stderr))
            self.assertEqual(run(os.path.join(folder, "no-such-file")).returncode, 2)

    def test_manual(self):
        pages = {"sluice": run("man").stdout, **{"sluice-" + command: run("man", command).stdout for command in COMMANDS}}
        for name, page in pages.items():
            self.assertTrue(page.startswith(".TH "), name)
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION"):
                self.assertIn(f"\n.SH {section}\n", page)
            if shutil.which("groff"):
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou"], input=page, capture_output=True, text=True, timeout=30)
                self.assertEqual((name, done.returncode, done.stderr), (name, 0, ""))
                for command, letter, option, _ in options():
                    if name == "sluice-" + command and option:
                        self.assertIn("--" + option, done.stdout.replace("\u2010", "-"))
        self.assertIn("ksql.max.push.queries", pages["sluice-server"].replace("\\-", "-"))
        self.assertIn("\\ewatch", pages["sluice-sql"])
        self.assertEqual(run("man", "nonsense").returncode, 2)

    def bash(self, *words):
        script = 'source /dev/stdin <<<"$SCRIPT"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, "bash", "sluice", *words], capture_output=True, text=True, timeout=30, cwd=ROOT / "docs",
                              env={**os.environ, "SCRIPT": run("completion", "bash").stdout})
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.bash("ser"), ["server"])
        self.assertEqual(set(COMMANDS) - set(self.bash("")), set())
        self.assertEqual(self.bash("server", "--queries"), ["--queries-file"])
        self.assertEqual(self.bash("--query-r"), ["--query-row-limit"])  # without a command it is the shell
        self.assertEqual(self.bash("sql", "--output", "js"), ["json", "jsonl"])
        self.assertEqual(self.bash("server", "--property", "ksql.max.p"), ["ksql.max.push.queries="])
        self.assertEqual(self.bash("run", "rest"), ["rest.md"])
        self.assertEqual(self.bash("log", "ch"), ["check"])
        self.assertEqual(self.bash("man", "fe"), ["feed"])
        self.assertEqual(self.bash("sql", "--nonsense"), [])

    def test_zsh(self):
        script = run("completion", "zsh").stdout
        self.assertTrue(script.startswith("#compdef sluice\n"))
        if not shutil.which("zsh"):
            self.skipTest("no zsh")
        stubs = "_arguments() { print -rl -- $@ }\n_files() { print files }\n_directories() { print dirs }\n_describe() { print -rl -- ${(P)2} }\ncompadd() { print -rl -- $@ }\ncompdef() { : }\n"
        def ask(*words):
            quoted = " ".join("'%s'" % w for w in ("sluice", *words))
            done = subprocess.run(["zsh", "-f", "-c", f"{stubs}{script}\nwords=({quoted}); CURRENT={len(words) + 1}; _sluice"], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.stderr, "")
            return done.stdout.splitlines()
        self.assertTrue(any(line.startswith("server:") for line in ask("")))
        self.assertIn("*--queries-file[run these statements, and let nobody change them]:FILE:_files", ask("server", "--q"))
        self.assertTrue(any(line.startswith("*--output[") and line.endswith(":FORM:(tabular json jsonl csv tsv vertical markdown)") for line in ask("--o", "")))
        self.assertIn("1:word:(check repair)", ask("log", ""))


if __name__ == "__main__":
    SLUICE = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
