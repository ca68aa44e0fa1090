"""A text as the lines of a screen: wrapped at any width without loss, and coloured where that is cheap."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from rich.cells import chop_cells

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LineKind = Literal["plain", "header", "hunk", "added", "removed", "note"]

# A lexer takes about a microsecond a character: beyond these, text is shown in one colour.
COLOURED_CHARS = 64_000
COLOURED_LINE_CHARS = 5_000

# What `gateway.clean` puts in the place of a character that could deceive.
MARK = re.compile("[\u2400-\u2421]|⟨(?:[0-9a-f]{2}|U\\+[0-9A-F]{4,6})⟩")

MARK_CHARS = 10
"""No mark is longer."""

HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<olds>\d+))? \+(?P<new>\d+)(?:,(?P<news>\d+))? @@")


def wrap(line: str, width: int) -> list[str]:
    """`line` in pieces of at most `width` cells (a wide character alone in a piece where the width is 1).

    The pieces joined are the line: nothing is dropped and no space eaten, since what is shown is what is
    executed.
    """
    if width <= 0 or not line:
        return [line]
    if line.isascii():
        return [line[start : start + width] for start in range(0, len(line), width)]
    if len(line) * 2 <= width:
        return [line]
    return chop_cells(line, width) or [line]


def _height(line: str, width: int) -> int:
    if width <= 0 or len(line) * 2 <= width:
        return 1
    return max(1, -(-len(line) // width)) if line.isascii() else len(wrap(line, width))


class WrappedLines:
    """Lines laid out at one width: which line, and which piece of it, stands at each row of the screen."""

    def __init__(self, lines: list[str], width: int) -> None:
        self.lines = lines
        self.width = width
        self._ends = list(accumulate(_height(line, width) for line in lines))
        self._wrap_once = lru_cache(256)(self._wrap)

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._ends[-1] if self._ends else 0

    def at(self, row: int) -> tuple[int, int]:
        """The line at `row`, and the number of the piece of it, both from 0."""
        index = bisect_right(self._ends, row)
        return index, row - (self._ends[index - 1] if index else 0)

    def rows_of(self, index: int) -> int:
        """How many rows line `index` takes."""
        return self._ends[index] - (self._ends[index - 1] if index else 0)

    def first_row(self, index: int) -> int:
        """The row at which line `index` begins."""
        return self._ends[index - 1] if index else 0

    def pieces(self, index: int) -> list[str]:
        """Line `index`, wrapped."""
        return self._wrap_once(index)

    def _wrap(self, index: int) -> list[str]:
        return wrap(self.lines[index], self.width)


def diff_kinds(lines: list[str]) -> list[LineKind]:
    """What each line of a unified diff is.

    Hunks are read by the counts in their "@@" line, so that no content can pass for a header.
    """
    kinds: list[LineKind] = []
    old = new = 0
    for line in lines:
        if old <= 0 and new <= 0:
            hunk = HUNK.match(line)
            if hunk:
                old, new = (int(hunk[name]) if hunk[name] is not None else 1 for name in ("olds", "news"))
            kinds.append("hunk" if hunk else "note" if line.startswith("\\") else "header")
        elif line.startswith("+"):
            new -= 1
            kinds.append("added")
        elif line.startswith("-"):
            old -= 1
            kinds.append("removed")
        elif line.startswith("\\"):
            kinds.append("note")
        else:
            old, new = old - 1, new - 1
            kinds.append("plain")
    return kinds


Span = tuple[int, int, str]
"""Start and end in a line, and what stands there: one of `KINDS_OF_TOKEN`."""

KINDS_OF_TOKEN = ("keyword", "name", "string", "number", "comment", "operator")


class Colours:
    """Where the words of a language stand in lines of text. Imports pygments when it is first asked."""

    def __init__(self, lines: Sequence[str], language: str, *, whole: bool) -> None:
        """`whole`: read the lines as one text (a command with a here-document), else each for itself."""
        self._lines = lines
        self._language = language
        self._whole = whole
        self._lexer: Lexer | None = None
        self._spans: dict[int, list[Span]] | None = None
        self._line_spans = lru_cache(512)(self._read_line)

    def spans(self, index: int) -> list[Span]:
        """The coloured parts of line `index`; none for an unknown language or a text too long."""
        if not self._language:
            return []
        if not self._whole:
            return self._line_spans(index)
        if self._spans is None:
            self._spans = self._read_whole()
        return self._spans.get(index, [])

    def _read_line(self, index: int) -> list[Span]:
        line = self._lines[index]
        if len(line) > COLOURED_LINE_CHARS:
            return []
        return [(start, end, kind) for _, start, end, kind in self._read(line)]

    def _read_whole(self) -> dict[int, list[Span]]:
        if sum(map(len, self._lines)) > COLOURED_CHARS:
            return {}
        spans: dict[int, list[Span]] = {}
        for index, start, end, kind in self._read("\n".join(self._lines)):
            spans.setdefault(index, []).append((start, end, kind))
        return spans

    def _read(self, text: str) -> Iterator[tuple[int, int, int, str]]:
        """Line, start, end and kind of each token of `text`."""
        from pygments.lexers import get_lexer_by_name
        from pygments.util import ClassNotFound

        if self._lexer is None:
            try:
                self._lexer = get_lexer_by_name(self._language, stripnl=False, ensurenl=False)
            except ClassNotFound:
                self._language = ""
                return
        line = column = 0
        for token, value in self._lexer.get_tokens(text):
            kind = _kind_of(str(token))
            for number, part in enumerate(value.split("\n")):
                if number:
                    line, column = line + 1, 0
                if part and kind:
                    yield line, column, column + len(part), kind
                column += len(part)


def language_of_file(name: str) -> str:
    """What pygments calls the language of a file of this name; "" for none. Imports pygments."""
    from pygments.lexers import find_lexer_class_for_filename

    # what a name matches is decided by its end, and a pattern may hold what fnmatch reads as one
    found = find_lexer_class_for_filename(name.rpartition("/")[2])
    return found.aliases[0] if found is not None and found.aliases else ""


@lru_cache(256)
def _kind_of(token: str) -> str:
    """The kind of a pygments token by its name, such as "Token.Literal.String.Double"; "" for ordinary
    text."""
    for prefix, kind in (
        ("Token.Keyword", "keyword"),
        ("Token.Name.Tag", "name"),
        ("Token.Name.Builtin", "keyword"),
        ("Token.Name.Variable", "name"),
        ("Token.Name.Function", "name"),
        ("Token.Name.Class", "name"),
        ("Token.Name.Decorator", "name"),
        ("Token.Literal.String", "string"),
        ("Token.Literal.Number", "number"),
        ("Token.Comment", "comment"),
        ("Token.Operator", "operator"),
        ("Token.Punctuation", "operator"),
    ):
        if token.startswith(prefix):
            return kind
    return ""
