#!/usr/bin/env python3
"""docs/shell.md is complete: every option and every command of the shell stands in it, by every name, and none that is not there."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def rows(path, macro):
    return re.findall(rf"^{macro}\((.*)\)$", (ROOT / path).read_text(encoding="utf-8"), re.M)


class ShellDocs(unittest.TestCase):
    text = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")

    def section(self, name):
        return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S).group(1)

    def named(self, section):
        """Names in the first cells of a section's tables, up to their arguments."""
        cells = [line.split(" | ")[0] for line in self.section(section).splitlines() if line.startswith("| `")]
        return [name.replace("\\|", "|") for cell in cells for name in re.findall(r"`([^`]+)`", cell)]

    def test_options(self):
        wanted = set()
        for row in rows("shell/options.def", "SHELL_OPTION"):
            letter, name = re.match(r"\w+, (?:'(\w)'|0), (?:\"([\w-]+)\"|NULL), ", row).groups()
            wanted |= {"-" + letter} if letter else set()
            wanted |= {"--" + name} if name else set()
        self.assertGreater(len(wanted), 20)
        found = {name.split()[0] for name in self.named("Options") if name.startswith("-")}
        self.assertEqual(found, wanted)

    def test_commands(self):
        wanted = {re.match(r'"([^"]+)"', row).group(1).replace("\\\\", "\\") for row in rows("shell/commands.def", "SHELL_COMMAND")}
        self.assertGreater(len(wanted), 20)
        named = self.named("Commands")
        for words in wanted:
            self.assertTrue(any(name == words or name.startswith(words + " ") for name in named), f"docs/shell.md lacks {words}")
        for name in named:
            self.assertTrue(any(name == words or name.startswith(words + " ") for words in wanted), f"docs/shell.md tells of {name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
