#!/usr/bin/env python3
"""The shell where things go wrong: terminals that can nothing, that stop or are one letter wide, disks that are full, servers that go, text that is none.

usage: shell_trouble_test.py PATH-TO-SLUICE [test...]
"""
import base64
import fcntl
import os
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shell_fixture  # noqa: E402
from shell_fixture import Terminal, WithShell, run_program  # noqa: E402


class Raw(Terminal):
    """With all that is sent, escapes and all."""

    def __init__(self, args, env):
        super().__init__(args, env)
        self.raw = ""

    def take(self, text):
        self.raw += text
        super().take(text)


class TroubleTest(WithShell):
    def start(self, *args, prompt="sluice> ", kind=Terminal):
        self.env["PAGER"] = "cat"
        terminal = kind([*args, self.url], self.env)
        terminal.expect(prompt)
        return terminal

    def leave(self, terminal):
        terminal.settle()
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_a_terminal_without_escapes(self):
        """What cannot move its cursor gets no escapes: no colours, no bracketed paste, no suggestion."""
        for term in ("dumb", "no-such-terminal", None):
            self.env.pop("TERM", None)
            if term is not None:
                self.env["TERM"] = term
            terminal = self.start(kind=Raw)
            terminal.type("SELECT * FROM views", ";\r", "clear\r", "SELE", "\x03", "BROKEN;\r")
            terminal.expect("Syntax error at")
            terminal.settle()
            self.assertNotIn("\x1b", terminal.raw)
            self.leave(terminal)

    def test_terminals_of_no_size(self):
        for size in ((0, 0), (1, 1), (2, 3), (5, 10)):
            terminal = self.start()
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.kill(terminal.pid, signal.SIGWINCH)
            terminal.type("SELECT * FROM views;\r", "SELECT 'a long text' FROM\t\tx", "\x03", "SHOW STREAMS;\r", "BROKEN;\r")
            terminal.seen = ""
            terminal.resize(24, 80)
            terminal.type("SHOW STREAMS;\r")
            self.assertIn("Stream Name  Kafka Topic", terminal.seen)
            self.leave(terminal)

    def test_a_window_that_shrinks_while_one_types(self):
        """libedit's cursor stayed outside of its new picture of the screen, and the next letter was written there."""
        terminal = self.start("-q", "--no-color")
        for lines, columns in ((50, 200), (3, 10), (60, 250), (2, 3), (24, 80)) * 3:
            terminal.type("x" * 60)
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.kill(terminal.pid, signal.SIGWINCH)
            terminal.type("y")
        terminal.type("\x03", "INSERT one;\r")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;"])
        terminal.resize(24, 80)
        terminal.type("a" * 100)
        terminal.screen = shell_fixture.Screen(24, 60)
        fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        os.kill(terminal.pid, signal.SIGWINCH)
        terminal.settle()
        self.assertEqual(terminal.screen.text(), "sluice> " + "a" * 52 + "\n" + "a" * 48)  # drawn again at once
        terminal.type("\x03")
        self.leave(terminal)

    def test_a_window_that_grows_while_one_types(self):
        """Rows that the line does not need any more are gone."""
        for options, columns in ((("-q", "--no-color"), 120), (("-q",), 120), (("-q",), 98)):  # 98: the line fills the row
            terminal = self.start(*options)
            terminal.resize(24, 30)
            terminal.type("x" * 90, "\x1b[D" * 45)
            old, terminal.screen = terminal.screen, shell_fixture.Screen(24, columns)
            for row, cells in enumerate(old.cells):
                terminal.screen.cells[row][:30] = cells
            terminal.screen.row, terminal.screen.column = old.row, old.column
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            terminal.settle()
            self.assertEqual(terminal.screen.text(), "sluice> " + "x" * 90)
            terminal.type("y")
            self.assertEqual(terminal.screen.text().replace("\n", ""), "sluice> " + "x" * 45 + "y" + "x" * 45)
            terminal.type("\x03")
            self.leave(terminal)

    def test_a_new_size_while_one_searches(self):
        """The line was drawn again by a key of its own, which the search took for one of its keys; and libedit wrote outside of its picture of the screen meanwhile."""
        terminal = self.start("-q", "--no-color")
        terminal.type("INSERT one;\r", "INSERT two;\r", "\x12", "one")
        for lines, columns in ((40, 200), (3, 12), (2, 3), (24, 80)):
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            terminal.settle()
        terminal.type("\r")
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT one;")
        terminal.type("INS\x16\x00ERT three;\r")  # no text has such a letter
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT three;")
        self.leave(terminal)

    def test_keys_at_random(self):
        """Whatever is pressed, on windows of any size: the shell lives, and a statement gets through afterwards."""
        keys = ["SELECT ", "* FROM views ", "WHERE ", "'a", "'", '"', "`", "(", ")", ";", "\r", "\t", "\t\t", "\x03", "\x01", "\x02", "\x05", "\x06", "\x0b", "\x0c", "\x0e", "\x10", "\x12", "\x14",
                "\x15", "\x16", "\x17", "\x18", "\x19", "\x1f", "\x7f", "\x08", "\x00", "\x1b", "\x1bb", "\x1bd", "\x1b[A", "\x1b[B", "\x1b[C", "\x1bOD", "\x1b[1;5D", "\x1b[3~", "\x1b[5~", "日本",
                "\U0001F468\u200d\U0001F469", "e\u0301", "-- x\r", "/* ", "*/", "$$", "${a}", "\x1b[200~pasted\n\ttext;\n\x1b[201~", "!!\r", "^a^b\r", "INSERT x;\r", "SHOW STREAMS;\r", "SELECT * FROM s;\r",
                "\\x\r", "\\g\r", "\\watch 0.1 2\r", "help\r", "DEFINE a='b';\r", "address->", "PRINT 'v", "SET 'a"]
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder.name)  # files may be written, by `\g NAME`
        for seed in (1, 2, 3):
            rng = random.Random(seed)
            terminal = self.start()
            end = time.monotonic() + 4
            while time.monotonic() < end:
                if rng.random() < 0.05:
                    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rng.randrange(50), rng.randrange(120), 0, 0))
                    os.kill(terminal.pid, signal.SIGWINCH)
                terminal.send("".join(rng.choice(keys) for _ in range(rng.randrange(1, 6))))
                terminal.settle_for(0.01)  # a \watch, say, goes on and on
                terminal.seen = ""
            terminal.type("\x03", "\x03", "\x03")
            terminal.seen = ""
            terminal.send("version\r")
            terminal.expect("Version: ", 20)
            self.leave(terminal)

    def test_keys_while_a_statement_runs(self):
        """A terminal that is full takes no Ctrl-C either: what was typed is taken out of it, and stands at the next prompt. Ctrl-C drops it."""
        terminal = self.start("-q", "--no-color")
        terminal.send("SELECT FOREVER EMIT CHANGES;\r")
        terminal.expect(r"\| e ")
        terminal.send("x" * 30000)
        terminal.settle_for(0.3)
        terminal.send("\x03")
        terminal.expect("sluice> ")
        terminal.type("INSERT one;\r")
        terminal.send("INSERT NAP;\r")
        self.assertTrue(self.server.napping.wait(10))
        terminal.send("".join(f"INSERT {i};\r" for i in range(1000)))
        self.server.woken.set()
        terminal.expect("INSERT 999;\r\nsluice> ", 60)
        self.assertEqual([r["ksql"] for r in self.server.requests[1:]], ["INSERT one;", "INSERT NAP;"] + [f"INSERT {i};" for i in range(1000)])
        self.leave(terminal)

    def test_ctrl_d_right_after_ctrl_c(self):
        """It is a key of the next line, not of the one that is dropped, and no end of file to the terminal's own line editing."""
        for pause in (0, 0.0005, 0.001, 0.002, 0.005):
            terminal = self.start("-q")
            terminal.type("abc")
            terminal.send("\x03")
            time.sleep(pause)
            terminal.send("\x04")
            self.assertEqual(terminal.end(), 0)

    def test_ctrl_c_in_the_middle_of_lines(self):
        """The prompt comes below all that was typed, wherever the cursor stands."""
        for editrc in ("", "bind -v\n"):
            with open(os.path.join(self.folder.name, ".editrc"), "w", encoding="utf-8") as file:
                file.write(editrc)
            self.env["HOME"] = self.folder.name
            terminal = self.start("-q")
            terminal.resize(24, 60)
            terminal.type("\x1b[200~one\ntwo\nthree\x1b[201~", "\x1b[H", "\x03", "x")
            self.assertEqual(terminal.screen.text(), "sluice> one\ntwo\nthree^C\nsluice> x")
            terminal.type("\x03")
            self.leave(terminal)

    def test_a_stop(self):
        """What was typed is drawn again when the shell goes on."""
        terminal = self.start("-q")
        terminal.resize(24, 60)
        terminal.type("SELECT one")
        terminal.screen.feed("\r\nother programs' lines\r\n")
        os.kill(terminal.pid, signal.SIGTSTP)  # it has no shell above it, so it goes on at once
        terminal.settle(0.3)
        self.assertEqual(terminal.screen.text().splitlines()[-1], "sluice> SELECT one")
        terminal.type(" two")
        self.assertEqual(terminal.screen.text().splitlines()[-1], "sluice> SELECT one two")
        terminal.type("\x03")
        self.leave(terminal)

    def test_signals_are_the_shell_s_own(self):
        """A thread that takes Ctrl-C leaves the one that waits for keys asleep; one that crashes must not leave the terminal as it is while a line is edited."""
        for target in (self.url, os.path.join(self.folder.name, "data")):
            terminal = Terminal(["-q", target], self.env)
            terminal.expect("sluice> ", 30)
            terminal.settle()
            terminal.type("SHOW STREAMS;\r")  # every thread is there, and blocks what it does by its own will: one that begins blocks all
            masks = []
            for name in os.listdir(f"/proc/{terminal.pid}/task"):
                if int(name) != terminal.pid:
                    with open(f"/proc/{terminal.pid}/task/{name}/status", encoding="utf-8") as file:
                        masks.append(int(next(line for line in file if line.startswith("SigBlk:")).split()[1], 16))
            self.assertTrue(masks)
            for number in (signal.SIGINT, signal.SIGWINCH, signal.SIGTSTP, signal.SIGTERM, signal.SIGHUP):
                self.assertTrue(all(mask >> (number - 1) & 1 for mask in masks), (target, number))
            if os.environ.get("SLUICE_TEST_SANITIZER") != "thread":  # its own thread blocks them
                self.assertFalse(any(mask >> (signal.SIGSEGV - 1) & 1 for mask in masks), target)
            self.leave(terminal)

    def test_the_terminal_is_whole_again(self):
        """After an end of any kind it edits lines by itself and marks no pastes; while the shell is stopped, too."""
        for signals, code in (((), 0), ((signal.SIGTERM,), None), ((signal.SIGHUP,), None), ((signal.SIGSEGV,), -signal.SIGSEGV), ((signal.SIGABRT,), -signal.SIGABRT)):
            terminal = self.start("-q", kind=Raw)
            terminal.type("SELECT (one")
            self.assertFalse(termios.tcgetattr(terminal.fd)[3] & (termios.ICANON | termios.ECHO))
            os.kill(terminal.pid, signal.SIGTSTP)  # goes on at once
            terminal.settle()
            self.assertEqual(re.findall(r"\x1b\[\?2004.", terminal.raw), ["\x1b[?2004" + c for c in "hlh"])
            for number in signals:
                os.kill(terminal.pid, number)
            if not signals:
                terminal.type("\x03", "\x04")
            while terminal.read():
                terminal.settle_for(0.02)
            modes = termios.tcgetattr(terminal.fd)[3]
            self.assertEqual(modes & termios.ICANON and modes & termios.ECHO, termios.ECHO, signals)
            self.assertEqual(re.findall(r"\x1b\[\?2004.", terminal.raw)[-1], "\x1b[?2004l", signals)
            ended = terminal.end()
            self.assertTrue(ended == code or code is None, (signals, ended))

    def test_entries_called_up(self):
        terminal = self.start("-q", "--no-color")
        terminal.type("!!\r")
        terminal.expect("The history has no entry !!")
        terminal.type("INSERT one;\r", "INSERT two;\r", "!!\r", "!1\r", "!INSERT t;\r", "^two^three\r", "^nothing^x\r", "^\r")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT " + what for what in ("one;", "two;", "two;", "one;", "two;", "three;")])
        self.assertIn("The last entry of the history has no 'nothing'", terminal.seen)
        self.assertIn("sluice> !1\r\nINSERT one;\r\n", terminal.seen)  # what runs is shown
        terminal.type("\x03", "INSERT 'a\r", "!!b';\r")  # in a statement it is text
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT 'a\n!!b';")
        terminal.type("\x1b[A\r")  # and what stands in quotes stays as it was
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT 'a\n!!b';")
        terminal.type("INSERT -- why\r", "x;\r", "\x1b[A\r")
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT -- why\nx;")
        terminal.type("INSERT '--'\r", "y;\r", "\x1b[A\r")
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT '--' y;")
        self.leave(terminal)

    def test_why_a_query_ended(self):
        terminal = self.start()
        for sql, end in (("CUT", "the server is gone"), ("FAIL", "error"), ("UNCLOSED", "the server is gone")):
            terminal.send(f"SELECT {sql} EMIT CHANGES;\r")
            terminal.expect(rf"4 rows, \d+\.\d s, \d+ rows/s, {end}\s+sluice> ")
        terminal.send("SHOW STREAMS;\r")
        terminal.expect(r"\s1 row, \d+ ms\s+sluice> ")
        self.leave(terminal)

    def test_what_does_not_end_is_not_watched(self):
        terminal = self.start("-q")
        for sql in ("SELECT 'EMIT' FROM s EMIT CHANGES;", "PRINT FAIL;"):
            terminal.send(sql + "\r")
            terminal.expect("sluice> ")
            terminal.send("\\watch\r")
            terminal.expect("repeats statements that end")
            terminal.expect("sluice> ")
        terminal.send("\\i -\r")
        terminal.expect("Standard input is what you type")
        self.leave(terminal)

    def test_the_password_is_asked_for_without_echo(self):
        self.env.pop("SLUICE_PASSWORD", None)
        terminal = Terminal(["-q", "-u", "ann", self.url], self.env)
        terminal.expect("Password for ann: ")
        terminal.send("secret\r")
        self.assertNotIn("secret", terminal.expect("sluice> "))
        terminal.type("INSERT one;\r")
        self.assertEqual(self.server.requests[-1]["auth"], "Basic " + base64.b64encode(b"ann:secret").decode())
        self.leave(terminal)
        for key, code in (("\x03", 130), ("\x04", 130)):
            terminal = Terminal(["-u", "ann", self.url], self.env)
            terminal.expect("Password for ann: ")
            terminal.send("sec" + key if key == "\x03" else key)
            self.assertEqual(terminal.end(), code)

    def test_a_script_tells_how_far_it_is(self):
        path = self.file("-- what it is\nINSERT one; INSERT\n two;\n\nINSERT '" + "x" * 200 + "';\nBROKEN;\nINSERT four;")
        terminal = self.start("--no-color")
        terminal.resize(24, 100)
        terminal.type(f"run script '{path}'\r")
        self.assertEqual([line for line in terminal.screen.text().splitlines() if line.startswith(path)],
                         [f"{path}:2: INSERT one", f"{path}:2: INSERT…", (f"{path}:5: INSERT '" + "x" * 200)[:98] + "…", f"{path}:6: BROKEN",
                          f"{path}:7:3: Syntax error at or near 'x' (40001)", f"{path}: 4 statements run, with errors"])
        self.leave(terminal)
        terminal = self.start("-q")  # quiet
        terminal.type(f"\\i {path}\r")
        self.assertNotIn("INSERT one", terminal.seen)
        self.leave(terminal)

    def test_more_is_pasted_than_fits_a_line(self):
        """Nothing of it is run; before, what was too much became keys."""
        terminal = self.start("-q", "--no-color")
        terminal.send("\x1b[200~" + "INSERT 'a statement of some length';\n" * 32000 + "\x1b[201~")
        terminal.expect(r"more than 1 MB of text; run it as a file: \\i FILE", 60)
        terminal.type("INSERT one;\r")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;"])
        self.leave(terminal)

    def test_names_of_files(self):
        self.env["HOME"] = self.folder.name
        with open(os.path.join(self.folder.name, "a b -- c.sql"), "w", encoding="utf-8") as file:
            file.write("INSERT one;")
        terminal = self.start("-q", "--no-color")
        terminal.type("\\i ~/a\t\r", "run script '~/a b\t;\r", "\\o ~/out.txt\r", "SHOW STREAMS;\r", "\\o\r")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;", "INSERT one;", "SHOW STREAMS;"])
        self.assertTrue(os.path.exists(os.path.join(self.folder.name, "out.txt")))
        for command in ("\\o | cat", "\\g |cat", "spool '|cat'"):
            terminal.seen = ""
            terminal.type(command + "\r")
            self.assertIn("Results go to files", terminal.seen)
        self.leave(terminal)

    def test_results_that_are_lost(self):
        self.assertEqual(self.run_shell("-o", "/dev/full", "-e", "SELECT x;")[::2], (1, "cannot write the results: No space left on device\n"))
        for to, why in ((">/dev/full", b"No space left on device"), (">&-", b"Bad file descriptor")):  # closed: it would be the next file that is opened
            done = run_program(["sh", "-c", '"$@" ' + to, "sh", shell_fixture.SLUICE, "sql", "-e", "SHOW STREAMS;", self.url], stderr=subprocess.PIPE, env=self.env)
            self.assertEqual((done.returncode, done.stderr), (1, b"cannot write the results: %s\n" % why))
        terminal = self.start("-q", "--no-color")
        terminal.send("\\o /dev/full\r")
        terminal.expect("sluice> ")
        terminal.send("SHOW STREAMS;\r")
        terminal.expect("cannot write the results: No space left on device")
        terminal.expect("sluice> ")
        terminal.send("SHOW STREAMS;\r")  # to the terminal again
        terminal.expect("Stream Name")
        self.leave(terminal)

    def test_a_reader_that_has_enough(self):
        command = '"$@" | head -n 2; echo ${PIPESTATUS[0]}'
        done = run_program(["bash", "-c", command, "sh", shell_fixture.SLUICE, "sql", "-e", "SELECT FOREVER;", self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual((done.stdout, done.stderr), (b"ID\tV\tNOTE\na\t1\t\\N\n0\n", b""))
        self.assertTrue(self.server.gone.wait(5))

    def test_text_that_is_none(self):
        path = os.path.join(self.folder.name, "latin1.sql")
        with open(path, "wb") as file:
            file.write("INSERT one;\nINSERT 'Stra\u00dfe';".encode("latin-1"))
        code, _, err = self.run_shell("-f", path)
        self.assertEqual((code, len(self.server.requests)), (1, 1))
        self.assertTrue(err.startswith(f"{path}:2:13: This is no UTF-8 text"), err)
        self.assertRegex(err, r"\n  INSERT 'Stra.*\n {14}\^\n")

    def test_a_folder_that_cannot_be_written(self):
        self.env["XDG_CONFIG_HOME"] = "/proc/no"
        terminal = self.start("-q")
        terminal.send("INSERT one;\r")
        seen = terminal.expect("sluice> ")
        self.assertIn("The history cannot be written to /proc/no/sluice/history", seen)
        terminal.send("INSERT two;\r")
        self.assertNotIn("history", terminal.expect("sluice> "))
        self.leave(terminal)

    def test_shells_side_by_side_keep_each_others_history(self):
        one, other = self.start("-q"), self.start("-q")
        for terminal, sql in ((one, "INSERT one;"), (other, "INSERT 'zwei \\ ü';"), (one, "INSERT three;"), (one, "INSERT three;")):
            terminal.type(sql + "\r")
        self.leave(one)
        self.leave(other)
        path = os.path.join(self.folder.name, "sluice", "history")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        terminal = self.start("-q")
        terminal.type("\x1b[A\r", "\x1b[A\x1b[A\r", "\x1b[A\x1b[A\x1b[A\x1b[A\r")
        self.assertEqual([r["ksql"] for r in self.server.requests[4:]], ["INSERT three;", "INSERT 'zwei \\ ü';", "INSERT one;"])
        self.leave(terminal)

    def test_a_history_of_any_size(self):
        folder = os.path.join(self.folder.name, "sluice")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "history"), "wb") as file:
            file.write(b"_HiStOrY_V2_\n" + b"INSERT\\040%s;\n" % (b"x" * 100000) + b"\x00\xff\xfe\n")
            for i in range(20000):
                file.write(b"INSERT\\040%d;\n" % i)
        terminal = self.start("-q")
        terminal.type("\x1b[A\r")
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT 19999;")
        self.leave(terminal)
        with open(os.path.join(folder, "history"), "rb") as file:
            self.assertLess(len(file.readlines()), 2010)


if __name__ == "__main__":
    shell_fixture.main()
