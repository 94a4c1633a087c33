"""A terminal's screen, as much of one as a line editor needs: letters with their style, cell by cell, from the bytes that were sent to it."""
import re
import unicodedata

TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z@])|\x1b[()][0-9A-B]|\x1b[=>]|[\s\S]")


def width_of(c):
    if unicodedata.combining(c) or c in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


class Screen:
    def __init__(self, lines, columns):
        self.lines, self.columns = lines, columns
        self.cells = [self.blank() for _ in range(lines)]
        self.row = self.column = 0
        self.style = ""
        self.full = False  # the last column was written: the next letter begins the next line

    def blank(self):
        return [(" ", "")] * self.columns

    def down(self):
        if self.row + 1 < self.lines:
            self.row += 1
        else:
            self.cells.append(self.blank())
            del self.cells[0]

    def feed(self, text):
        for match in TOKEN.finditer(text):
            if match.group(2):
                self.control(match.group(2), match.group(1))
            elif match.group(0)[0] != "\x1b":
                self.letter(match.group(0))

    def letter(self, c):
        if c == "\r":
            self.column, self.full = 0, False
        elif c == "\n":
            self.down()
            self.full = False
        elif c == "\b":
            self.column, self.full = max(0, self.column - 1), False
        elif c >= " ":
            width = width_of(c)
            if self.full or self.column + width > self.columns:
                self.down()
                self.column, self.full = 0, False
            if width == 0:
                return
            self.cells[self.row][self.column] = (c, self.style)
            if width == 2:
                self.cells[self.row][self.column + 1] = ("", self.style)
            self.column += width
            if self.column >= self.columns:
                self.column, self.full = self.columns - 1, True

    def control(self, name, argument):
        number = int(argument) if argument.isdigit() else 1
        row = self.cells[self.row]
        if name == "m":
            self.style = ";".join(part for part in argument.split(";") if part not in ("", "0"))
            return
        self.full = self.full and name in "hl"
        if name == "A":
            self.row = max(0, self.row - number)
        elif name == "B":
            self.row = min(self.lines - 1, self.row + number)
        elif name == "C":
            self.column = min(self.columns - 1, self.column + number)
        elif name == "D":
            self.column = max(0, self.column - number)
        elif name == "G":
            self.column = min(self.columns, number) - 1
        elif name == "d":
            self.row = min(self.lines, number) - 1
        elif name == "H":
            parts = [int(part or 1) for part in argument.split(";")] if argument else [1, 1]
            self.row, self.column = parts[0] - 1, (parts + [1])[1] - 1
        elif name == "K":
            row[self.column:] = [(" ", "")] * (self.columns - self.column)
        elif name == "J":
            row[self.column:] = [(" ", "")] * (self.columns - self.column)
            for below in range(self.row + 1, self.lines):
                self.cells[below] = self.blank()
            if argument == "2":
                self.cells = [self.blank() for _ in range(self.lines)]
        elif name == "P":
            row[self.column:] = row[self.column + number:] + [(" ", "")] * min(number, self.columns - self.column)
        elif name == "@":
            row[self.column:] = ([(" ", "")] * number + row[self.column:])[:self.columns - self.column]
        elif name not in "hl":
            raise AssertionError(f"the screen does not know ESC [ {argument} {name}")

    def text(self):
        return "\n".join("".join(c for c, _ in row).rstrip() for row in self.cells).rstrip()

    def style_of(self, text):
        """The style of the last place where the text stands in a line; of its first letter."""
        for row in reversed(self.cells):
            at = "".join(c or "\0" for c, _ in row).rfind(text)
            if at >= 0:
                return row[at][1]
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text()}")
