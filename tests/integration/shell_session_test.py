#!/usr/bin/env python3
"""The shell on a terminal: prompt, statements of several lines, Ctrl-C, completion, paste, resize, colours, suggestions, what results look like.

    shell_session_test.py SLUICE      # path of the binary
"""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shell_fixture  # noqa: E402
from shell_fixture import Terminal  # noqa: E402


class SessionTest(shell_fixture.WithShell):
    def start(self, *args):
        terminal = Terminal([*args, self.url], self.env)
        terminal.expect("sluice> ")
        return terminal

    def test_banner_and_exit(self):
        terminal = Terminal([self.url], self.env)
        self.assertIn("ksqlDB 0.29.0", terminal.expect("sluice> "))
        terminal.send("exit\r")
        self.assertEqual(terminal.end(), 0)

    def test_lines_are_gathered(self):
        terminal = self.start()
        terminal.send("INSERT (\r")
        terminal.expect(r"\(> ")
        terminal.send(") 'a\r")
        terminal.expect(r"'> ")
        terminal.send("b'\r")
        terminal.expect(r"-> ")
        terminal.send("; SHOW STREAMS;\r")
        terminal.expect(r"Stream Name +Kafka Topic")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT (\n) 'a\nb';", "SHOW STREAMS;"])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt_drops_the_line(self):
        terminal = self.start()
        terminal.send("INSERT wrong\r")
        terminal.expect("-> ")
        terminal.send("half\x03")
        terminal.expect(r"sluice> ")
        terminal.send("INSERT right;\r")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT right;"])
        terminal.send("quit;\r")
        self.assertEqual(terminal.end(), 0)

    def test_interrupt_ends_the_query(self):
        terminal = self.start()
        terminal.send("SELECT * FROM s FOREVER EMIT CHANGES;\r")
        terminal.expect(r"\| ID +\| +V +\| NOTE")
        terminal.expect("<TOMBSTONE>")
        start = time.time()
        terminal.send("\x03")
        seen = terminal.expect("sluice> ")
        self.assertLess(time.time() - start, 1)
        self.assertIn("Query terminated", seen)
        self.assertRegex(seen, r"\d+ rows, .*interrupted")
        self.assertTrue(self.server.gone.wait(5))
        terminal.send("SHOW STREAMS;\r")
        terminal.expect("Stream Name")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_keys_typed_ahead(self):
        """What is typed while a statement runs is the next line, shown once; a Ctrl-D among it is one."""
        terminal = self.start()
        terminal.send("NAP;\r")
        self.assertTrue(self.server.napping.wait(10))
        terminal.send("INSERT ahead;\r\x04")
        self.server.woken.set()
        seen = terminal.expect(r"Stream created\s+sluice> ")
        self.assertNotIn("ahead", seen)
        self.assertIn("INSERT ahead;", terminal.expect("sluice> "))
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.server.requests[-1]["ksql"], "INSERT ahead;")

    def test_history_is_kept(self):
        terminal = self.start("-q")
        terminal.send("INSERT\r")
        terminal.expect("-> ")
        terminal.send("kept;\r")
        terminal.expect("sluice> ")
        terminal.send("CREATE x WITH ('password'='p');\r")
        terminal.expect("sluice> ")
        terminal.send("exit\r")
        self.assertEqual(terminal.end(), 0)
        with open(os.path.join(self.folder.name, "sluice", "history"), encoding="utf-8") as file:
            text = file.read().replace("\\040", " ")
        self.assertIn("INSERT kept;", text)
        self.assertNotIn("password", text)
        terminal = self.start("-q")
        terminal.send("\x1b[A\x1b[A\r")  # exit, then the statement before
        terminal.expect("sluice> ")
        self.assertEqual(self.server.requests[-1]["ksql"].split(), ["INSERT", "kept;"])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_an_error_keeps_the_shell(self):
        terminal = self.start("--no-color")
        terminal.send("BROKEN;\r")
        terminal.expect("Syntax error at or near")
        terminal.expect("sluice> ")
        terminal.send("server http://127.0.0.1:1\r")
        terminal.expect("Cannot reach")
        terminal.expect("sluice> ")
        terminal.send(f"server {self.url}\r")
        terminal.expect("ksqlDB 0.29.0")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_terminate_signal(self):
        terminal = self.start()
        os.kill(terminal.pid, signal.SIGTERM)
        self.assertEqual(terminal.end(), 0)

    def test_completion(self):
        terminal = self.start("-q", "--no-color")
        terminal.send("sel\t")
        terminal.expect("ect ")
        terminal.send("use\t")  # what USER_ID and USER_NAME have in common
        terminal.expect("r_")
        terminal.send("\t")
        terminal.expect(r"user_id +user_name")
        terminal.send("i\t")
        terminal.expect("d ")
        terminal.send("from vi\t")
        terminal.expect("ews ")
        terminal.send(";\r")
        terminal.expect("sluice> ")
        self.assertEqual(self.server.requests[-1]["ksql"], "select user_id from views;")
        for typed, line in (("print \tv\t", "print 'views-topic' "), ("print o\t;", "print 'orders' ;"), ("PRINT 'vi\t", "PRINT 'views-topic' "),
                            ("SET 'auto.off\t='e\t;", "SET 'auto.offset.reset' ='earliest' ;"), ("SET ks\t", "SET 'ksql.streams.auto.offset.reset' "),
                            ("select address->str\tfrom", "select address->street from"), ("INSERT INTO views (user_n\t", "INSERT INTO views (user_name "),
                            ("CREATE STREAM x (a INT) WITH (value_f\t= 'av\t)", "CREATE STREAM x (a INT) WITH (value_format = 'AVRO' )"),
                            ("DROP STREAM vi\t;", "DROP STREAM views ;"), ("describe function uc\t;", "describe function ucase ;"), ("SELECT UC\tpage)", "SELECT UCASE(page)"),
                            ("TERMINATE c\t;", "TERMINATE CTAS_X_1 ;"), ("\\wa\t", "\\watch "), ("SELECT 'it''s' , user_n\t", "SELECT 'it''s' , user_name ")):
            terminal.resize(24, 100)
            terminal.type(typed)
            self.assertEqual(terminal.screen.text().splitlines()[-1], "sluice> " + line.rstrip())
            self.assertEqual(terminal.screen.column, 8 + len(line))
            terminal.type("\x03")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_completion_finds_what_others_have_made(self):
        terminal = self.start("-q", "--no-color")
        terminal.resize(24, 80)
        terminal.type("PRINT new\t")
        self.assertEqual(terminal.screen.text(), "sluice> PRINT new")
        topics = shell_fixture.NAMES["SHOW TOPICS;"]
        shell_fixture.NAMES["SHOW TOPICS;"] = [shell_fixture.entity("kafka_topics", topics=[{"name": "new-topic"}])]
        self.addCleanup(shell_fixture.NAMES.__setitem__, "SHOW TOPICS;", topics)
        time.sleep(5.1)
        terminal.type("\t")
        self.assertEqual(terminal.screen.text(), "sluice> PRINT 'new-topic'")
        terminal.type("\x03", "\x04")
        self.assertEqual(terminal.end(), 0)

    def test_pasted_text_is_one_edit(self):
        terminal = self.start("-q")
        terminal.send("\x1b[200~INSERT\n\tone;\nINSERT two;\nINSERT three;\n\x1b[201~")
        terminal.expect("three;")
        self.assertEqual(self.server.requests, [])
        terminal.send("\r")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT\n one;", "INSERT two;", "INSERT three;"])
        terminal.send("\x1b[A\r")  # and one entry of the history
        terminal.expect("sluice> ")
        self.assertEqual(len(self.server.requests), 6)
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_a_pasted_script_that_fails(self):
        terminal = self.start("-q")
        for text, told in (("INSERT one;\nBROKEN;\n\nINSERT 'two;';\n-- and;\nINSERT three", "2 statements behind it were not run"), ("BROKEN; INSERT two;", "1 statement behind it was not run")):
            terminal.send(f"\x1b[200~{text}\x1b[201~\r")
            terminal.expect("Syntax error at or near 'x'")
            terminal.expect(told)
            terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;", "BROKEN;", "BROKEN;"])
        terminal.send("BROKEN; -- nothing behind it\r")
        self.assertNotIn("behind it w", terminal.expect("hint[^$]*sluice> "))
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_the_last_statement_again(self):
        terminal = self.start("-q", "--no-color")
        terminal.send("\\g\r")
        terminal.expect("There is no statement yet")
        terminal.expect("sluice> ")
        terminal.send("SHOW COUNTER;\r")
        terminal.expect("n +1")
        terminal.expect("sluice> ")
        terminal.send("\\g\r")
        terminal.expect("n +2")
        terminal.expect("sluice> ")
        path = os.path.join(self.folder.name, "out.txt")
        terminal.send("\\g %s\r" % path)
        terminal.expect("sluice> ")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "Variable Name\tValue\nsame\t1\nn\t3\n")
        terminal.send("\\watch 0.1 3\r")
        terminal.expect(r"same +1\s")
        terminal.expect(r"n +4\s")
        seen = terminal.expect(r"n +5 \*\s")
        self.assertNotRegex(seen, r"same +1 \*")
        terminal.expect(r"n +6 \*\s")
        terminal.expect("sluice> ")
        terminal.send("\\watch\r")
        terminal.expect(r"Every 2\.0 s: SHOW COUNTER")
        terminal.send("\x03")
        terminal.expect("sluice> ")
        terminal.send("\\watch often\r")
        terminal.expect("usage: ")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_edit(self):
        editor = os.path.join(self.folder.name, "editor")
        with open(editor, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nsed -i s/one/two/ \"$1\"\n")
        os.chmod(editor, 0o755)
        self.env["VISUAL"] = editor
        self.env.pop("SLUICE_EDITOR", None)
        terminal = self.start("-q")
        terminal.send("INSERT one;\r")
        terminal.expect("sluice> ")
        terminal.send("\\e\r")
        terminal.expect("INSERT two;")
        terminal.expect("sluice> ")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;", "INSERT two;"])
        terminal.resize(24, 80)
        terminal.type("ab", "\x1b[D", "X")  # the line is edited as before
        self.assertEqual(terminal.screen.text().splitlines()[-1], "sluice> aXb")
        terminal.type("\x03")
        self.assertEqual([name for name in os.listdir("/tmp") if name.startswith("sluice-edit-")], [])
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_pager(self):
        self.env["PAGER"] = "tail -n 1; stty sane; echo paged"  # one that leaves the terminal as it likes
        terminal = self.start("-q")
        terminal.send("SHOW MANY;\r")
        seen = terminal.expect("paged")
        self.assertNotIn("STREAM_50 ", seen)
        terminal.expect("sluice> ")
        terminal.resize(24, 80)
        terminal.type("ab", "\x1b[D", "X")
        self.assertEqual(terminal.screen.text().splitlines()[-1], "sluice> aXb")
        terminal.type("\x03")
        terminal.seen = ""
        terminal.send("SHOW STREAMS;\r")  # fits the screen
        self.assertNotIn("paged", terminal.expect("sluice> "))
        terminal.send("\\pset pager off\r")
        terminal.expect("sluice> ")
        terminal.send("SHOW MANY;\r")
        terminal.expect("STREAM_50 ")
        self.assertNotIn("paged", terminal.expect("sluice> "))
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_numbers_and_names_are_never_cut(self):
        terminal = self.start("-q")
        terminal.resize(24, 30)
        terminal.send("SHOW STREAMS;\r")
        terminal.expect(r"Stream Name +\| S\s")
        terminal.expect(r"Value Format +\| JSON\s")
        terminal.expect("sluice> ")
        terminal.send("SELECT * FROM s;\r")
        terminal.expect(r"<null>")
        self.assertNotIn("\u2026", terminal.expect("sluice> "))
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_times_are_never_cut(self):
        """The text gives way as far as it can; where that is not enough, the row is shown one column a line."""
        whole = ("2024-01-01T10:00:01.234", "2024-01-02", "10:11:12.345", "false")
        terminal = self.start("-q")
        for columns, separator in ((80, r" \| "), (60, r"\s+\w+ +\| ")):
            terminal.resize(24, columns)
            terminal.send("SELECT * FROM TIMES;\r")
            terminal.expect(r"\| " + separator.join(whole).replace(".", r"\."))
            terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_colours_as_one_types(self):
        terminal = self.start("-q")
        terminal.resize(24, 80)
        terminal.type("SELECT 'a b', 12, n FROM s) -- done")
        self.assertEqual(terminal.screen.text(), "sluice> SELECT 'a b', 12, n FROM s) -- done")
        styles = {text: terminal.screen.style_of(text) for text in ("sluice", "SELECT", "'a b'", "12", "n FROM", "FROM", "s)", ") --", "-- done")}
        self.assertEqual(styles, {"sluice": "", "SELECT": "1", "'a b'": "32", "12": "35", "n FROM": "", "FROM": "1", "s)": "", ") --": "1;31", "-- done": "2"})
        terminal.type("\x15", "SELECT 'open")  # the line is dropped
        self.assertEqual((terminal.screen.style_of("'open"), terminal.screen.style_of("open")), ("1;31", "32"))
        terminal.type("'", "\x15", "\\pset color off\r", "SELECT 1")
        self.assertEqual(terminal.screen.style_of("SELECT 1"), "")
        terminal.type("\x03", "\x04")
        self.assertEqual(terminal.end(), 0)

    def test_colours_change_no_letter(self):
        """The same keys with and without colours, edits in the middle, wide letters, lines longer than the screen: the screens show the same."""
        keys = ["\x1b[D", "\x1b[D\x1b[D", "\x1b[C", "\x01", "\x05", "\x7f", "\x7f\x7f", "\x1b[3~", "\x0b", "\x19", "\x1bb", "\x1bf", "日本", "e\u0301", "'", "(", ")",
                "SELECT ", "user_name, ", "42 ", "FROM views ", "-- x"]
        rng = random.Random(7)
        for round_number in range(4):
            plain, coloured = self.start("-q", "-X", "--no-color"), self.start("-q", "-X")
            for terminal in (plain, coloured):
                terminal.resize(12, 30)
            for _ in range(25):
                key = rng.choice(keys)
                for terminal in (plain, coloured):
                    terminal.send(key)
                for terminal in (plain, coloured):
                    terminal.settle(0.05)
                if plain.screen.text() != coloured.screen.text():
                    for terminal in (plain, coloured):
                        terminal.settle(0.5)
                shown = coloured.screen.text()
                faint = {c for row in coloured.screen.cells for c, style in row if style == "2"}
                if not faint:  # a suggestion is more than what was typed
                    self.assertEqual(shown, plain.screen.text(), (round_number, key))
                self.assertEqual((coloured.screen.row, coloured.screen.column), (plain.screen.row, plain.screen.column), (round_number, key, shown))
            for terminal in (plain, coloured):
                terminal.type("\x03", "\x04")
                self.assertEqual(terminal.end(), 0)

    def test_suggestions(self):
        terminal = self.start("-q")
        terminal.type("INSERT one two;\r")
        terminal.resize(24, 80)
        terminal.type("INS")
        self.assertEqual(terminal.screen.text(), "sluice> INSERT one two;")
        self.assertEqual((terminal.screen.style_of("ERT one"), terminal.screen.column), ("2", 11))
        terminal.type("X")
        self.assertEqual(terminal.screen.text(), "sluice> INSX")
        terminal.type("\x7f", "\x1b[C")
        self.assertEqual((terminal.screen.style_of("one"), terminal.screen.column), ("", 23))
        terminal.send("\r")
        terminal.expect("Stream created|sluice> ")
        terminal.settle()
        terminal.type("SELECT user_i")  # the one column that goes on so
        self.assertEqual(terminal.screen.style_of("user_id"), "")
        self.assertTrue(terminal.screen.text().endswith("SELECT user_id"))
        self.assertEqual(terminal.screen.cells[terminal.screen.row][terminal.screen.column], ("d", "2"))
        terminal.type("\r", "\x03")  # what is suggested is not sent
        self.assertTrue(any(line.endswith("SELECT user_i") for line in terminal.screen.text().splitlines()), terminal.screen.text())
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one two;"] * 2)

    def test_undo(self):
        terminal = self.start("-q", "--no-color")
        terminal.resize(24, 80)
        terminal.type(*"one two", "\x17")
        self.assertEqual(terminal.screen.text(), "sluice> one")
        terminal.type("\x1f")
        self.assertEqual(terminal.screen.text(), "sluice> one two")
        terminal.type("\x1f")
        self.assertEqual(terminal.screen.text(), "sluice> one")
        terminal.type("\x1f", "\x1f", "\x1f", *"x;", "\x03", "\x04")
        self.assertEqual(terminal.end(), 0)

    def test_keys_of_emacs_and_of_terminals(self):
        terminal = self.start("-q", "--no-color")
        terminal.resize(24, 80)
        for keys, line, column in (("abc def\x1b[1;5DX", "abc Xdef", 5), ("abc def\x1b[1;3D\x1b[1;5D\x1b[1;5CX", "abcX def", 4), ("abc\x1b[1;2DX", "abXc", 3),
                                   ("abc\x1b[HX", "Xabc", 1), ("abc\x1bOHX", "Xabc", 1), ("abc\x1b[1~X", "Xabc", 1), ("abc\x1b[7~X\x1b[8~Y", "XabcY", 5), ("abc\x01X\x1b[4~Y\x1b[FZ", "XabcYZ", 6),
                                   ("abc\x01\x1b[3~\x1b[3~", "c", 0), ("ab\x1b[5~\x1b[6~\x1b[15~\x1b[2~\x1b[24;5~c", "abc", 3), ("\x1b[<0;10;10Mab", "ab", 2),
                                   ("abc def\x1bbX", "abc Xdef", 5), ("abc def\x17X", "abc X", 5), ("abc\x1b[D\x1bOD\x1b[C\x1bOCX", "abcX", 4)):
            terminal.type(keys)
            self.assertEqual((terminal.screen.text().splitlines()[-1], terminal.screen.column), ("sluice> " + line, 8 + column), keys)
            terminal.type("\x03")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_keys_of_vi(self):
        with open(os.path.join(self.folder.name, ".editrc"), "w", encoding="utf-8") as file:
            file.write("bind -v\n")
        self.env["HOME"] = self.folder.name
        terminal = self.start("-q", "--no-color")
        terminal.resize(24, 80)
        for keys, line, column in ((("abc def", "\x1b", "b", "x"), "abc ef", 4), (("abc", "\x1bhiX"), "aXbc", 2), (("abc", "\x1b[D", "X"), "abXc", 3), (("abc", "\x1b", "\x1b[D", "iX"), "aXbc", 2),
                                   (("abc def", "\x1b", "0", "cw", "xy"), "xy def", 2), (("abc", "\x1b", "\x1b", "A", "d"), "abcd", 4), (("sel\t", "user_n\t"), "select user_name ", 17),
                                   (("a", "\x1b[200~b\n\tc\x1b[201~", "d"), "a", None), (("abc", "\x1b[H", "X", "\x1b[F", "Y"), "XabcY", 5)):
            terminal.type(*keys)
            if column is None:
                self.assertEqual(terminal.screen.text().splitlines()[-2:], ["sluice> ab", " cd"])
            else:
                self.assertEqual((terminal.screen.text().splitlines()[-1], terminal.screen.column), (("sluice> " + line).rstrip(), 8 + column), keys)
            terminal.type("\x03")
        terminal.type("INSERT one;\r", "\x1b", "k", "\r", "\x1b[A", "\r")
        self.assertEqual([r["ksql"] for r in self.server.requests], ["INSERT one;"] * 3)
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_null_is_told_from_its_letters(self):
        terminal = self.start("-q")
        terminal.resize(30, 80)
        terminal.type("SELECT NULLS;\r")
        terminal.settle(0.5)
        rows = [line for line in terminal.screen.text().splitlines() if "<null>" in line]
        self.assertEqual(len(rows), 2)
        styles = [row[[c for c, _ in row].index("<")][1] for row in terminal.screen.cells if "<" in [c for c, _ in row]]
        self.assertEqual(styles, ["2", ""])
        path = os.path.join(self.folder.name, "spooled")
        terminal.type("spool '%s'\r" % path, "SELECT NULLS;\r")
        terminal.settle(0.5)
        terminal.type("spool off\r", "\x04")
        self.assertEqual(terminal.end(), 0)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("<null>", text)
        self.assertNotIn("\x1b", text)

    def test_progress(self):
        terminal = self.start("-q", "--no-color")
        terminal.type("SELECT LATE;\r")
        self.assertNotIn("so far", terminal.seen)  # quiet
        terminal.expect("late")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)
        terminal = self.start("--no-color")
        terminal.resize(24, 80)
        terminal.send("SELECT LATE;\r")
        terminal.expect(r"2 rows so far, \d\.\d s")
        terminal.expect("late")
        terminal.expect("sluice> ")
        self.assertNotIn("so far", terminal.screen.text())
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_files_are_never_cut(self):
        terminal = self.start("-q")
        terminal.resize(24, 40)
        path = os.path.join(self.folder.name, "out.txt")
        terminal.type("output tabular\r", "\\o %s\r" % path, "SELECT LONG;\r")
        terminal.settle(0.5)
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("x" * 300, text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("+--", text)

    def test_help(self):
        terminal = self.start()
        terminal.send("help create stream\r")
        terminal.expect(r"CREATE \[OR REPLACE\] \[SOURCE\] STREAM")
        terminal.expect("Example: ")
        terminal.expect("sluice> ")
        terminal.send("\\nonsense\r")
        terminal.expect("There is no command")
        terminal.expect("sluice> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    shell_fixture.main()
