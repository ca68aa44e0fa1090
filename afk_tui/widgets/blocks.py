"""Markdown cut into top-level blocks while it arrives, in time proportional to the new text alone.

A block that is finished never changes, so it can be drawn once. The open block is bounded by `Limits`. What Markdown
means is decided by the renderer; this only decides where it is safe to cut, and at worst a cut costs looks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"( *)([-*+]|\d{1,9}[.)])(?:( +)(?=\S)|[ \t]*$)")
_QUOTE = re.compile(r" {0,3}>")
_SETEXT = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_DELIMITER = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_UNDECIDED = re.compile(r"[-=|: \t`~]*$")

Kind = Literal["none", "paragraph", "fence", "table", "list", "quote", "indented"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a long block is cut: lines of a fence, rows of a table, characters of anything."""

    fence_lines: int
    table_rows: int
    chars: int


STREAMING = Limits(fence_lines=20, table_rows=15, chars=2_000)
FINISHED = Limits(fence_lines=80, table_rows=60, chars=4_000)


@dataclass(frozen=True, slots=True)
class Block:
    """Markdown that can be drawn by itself.

    joined: it goes on from the block above, with no blank line between. indent: columns to the right, for the rest of
    a list item that was cut.
    """

    text: str
    joined: bool = False
    indent: int = 0


class BlockSplitter:
    """Feed it text in any portions; it gives back the blocks that became final, in order."""

    def __init__(self, limits: Limits = STREAMING) -> None:
        self._limits = limits
        self._tail: list[str] = []
        self._tail_chars = 0
        self._inside_line = False
        self._out: list[Block] = []
        self._begin("none")

    def feed(self, text: str) -> list[Block]:
        """Take `text` and return the blocks that it finished."""
        self._out = []
        first, *rest = text.replace("\r", "").split("\n")
        self._extend_line(first)
        for part in rest:
            self._end_line()
            self._extend_line(part)
        return self._out

    def close(self) -> list[Block]:
        """The end of the text: return what was still open."""
        self._out = []
        if self._tail_chars:
            self._end_line()
        self._freeze()
        return self._out

    def open(self) -> Block | None:
        """The block that is still growing, with its unfinished last line. Bounded by the limits."""
        lines, tail = self._lines, "".join(self._tail)
        # "--", "``" or "|-" may become a rule, a fence or a table: shown now it would only flicker
        if tail and not (self._kind != "none" and not self._inside_line and _UNDECIDED.fullmatch(tail)):
            lines = [*lines, tail]
        text = "\n".join(lines).rstrip("\n")
        if not text.strip() or self._repeats_only(lines):
            return None
        return Block(text, self._joined, self._indent)

    # -- lines ------------------------------------------------------------------------------------------------

    def _extend_line(self, part: str) -> None:
        if not part:
            return
        self._tail.append(part)
        self._tail_chars += len(part)
        limit = self._limits.chars
        if self._tail_chars <= limit:
            return
        line, start = "".join(self._tail), 0
        while len(line) - start > limit:
            space = line.rfind(" ", start + limit // 2, start + limit)
            end = space + 1 if space >= 0 else start + limit
            self._cut_inside_line(line[start:end])
            start = end
        self._tail = [line[start:]]
        self._tail_chars = len(line) - start

    def _cut_inside_line(self, part: str) -> None:
        self._line(part)
        if self._kind != "fence":
            indent = self._content if self._kind == "list" else self._indent
            self._freeze()
            self._begin("paragraph", joined=True, indent=indent)
        self._inside_line = True

    def _end_line(self) -> None:
        line = "".join(self._tail)
        self._tail = []
        self._tail_chars = 0
        self._line(line)
        self._inside_line = False

    def _line(self, line: str) -> None:
        if self._inside_line:
            self._add(line)
            if self._kind == "fence":
                self._bound_fence()
            return
        match self._kind:
            case "none":
                self._start(line)
            case "paragraph":
                self._in_paragraph(line)
            case "fence":
                self._in_fence(line)
            case "table":
                self._in_table(line)
            case "list":
                self._in_list(line)
            case "quote":
                self._in_quote(line)
            case "indented":
                self._in_indented(line)

    # -- blocks -----------------------------------------------------------------------------------------------

    def _begin(self, kind: Kind, *, joined: bool = False, indent: int = 0) -> None:
        self._kind: Kind = kind
        self._lines: list[str] = []
        self._chars = 0
        self._repeated = 0
        self._joined = joined
        self._indent = indent
        self._content = 0
        self._dedent = 0
        self._marker = ""
        self._inner = ""
        self._blank = False

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._chars += len(line) + 1

    def _repeats_only(self, lines: list[str]) -> bool:
        """Nothing here but the opener or header repeated after a cut."""
        return self._joined and 0 < self._repeated == len(lines)

    def _freeze(self) -> None:
        text = "\n".join(self._lines).rstrip("\n")
        if text.strip() and not self._repeats_only(self._lines):
            self._out.append(Block(text, self._joined, self._indent))
        self._begin("none")

    def _restart(self, line: str) -> None:
        self._freeze()
        self._start(line)

    def _start(self, line: str) -> None:
        if not line.strip():
            return
        if fence := _FENCE.match(line):
            self._begin("fence")
            self._marker = fence[1]
        elif _HEADING.match(line) or _RULE.match(line):
            self._begin("paragraph")
            self._add(line)
            self._freeze()
            return
        elif (item := _ITEM.match(line)) and len(item[1]) < 4:
            self._start_item(item, joined=False)
        elif _QUOTE.match(line):
            self._begin("quote")
        elif line.startswith(("    ", "\t")):
            self._begin("indented")
        else:
            self._begin("paragraph")
        self._add(line)

    def _start_item(self, item: re.Match[str], *, joined: bool) -> None:
        self._begin("list", joined=joined)
        space = item[3]
        # five spaces or more after the marker begin an indented code block, and count as one
        self._content = len(item[1]) + len(item[2]) + (len(space) if space and len(space) < 5 else 1)
        self._marker = item[2][-1]

    def _interrupts(self, line: str) -> bool:
        if _FENCE.match(line) or _HEADING.match(line) or _RULE.match(line) or _QUOTE.match(line):
            return True
        item = _ITEM.match(line)
        return bool(item and len(item[1]) < 4 and item[3] and (item[2] in "-*+" or item[2][:-1] == "1"))

    def _in_paragraph(self, line: str) -> None:
        if not line.strip():
            self._freeze()
        elif self._lines and "|" in line and "|" in self._lines[-1] and _DELIMITER.match(line):
            self._table_from(self._lines.pop(), line)
        elif self._lines and _SETEXT.match(line):
            self._add(line)
            self._freeze()
        elif self._interrupts(line):
            self._restart(line)
        else:
            self._add(line)
            if self._chars > self._limits.chars:
                indent = self._indent
                self._freeze()
                self._begin("paragraph", joined=True, indent=indent)

    def _table_from(self, header: str, delimiter: str) -> None:
        self._freeze()
        self._begin("table")
        self._add(header)
        self._add(delimiter)

    def _in_table(self, line: str) -> None:
        if not line.strip():
            self._freeze()
        elif self._interrupts(line):
            self._restart(line)
        else:
            self._add(line)
            if len(self._lines) - 2 >= self._limits.table_rows or self._chars > self._limits.chars:
                self._reopen(self._lines[:2])

    def _in_fence(self, line: str) -> None:
        closing = line.strip()
        closes = len(closing) >= len(self._marker) and not closing.strip(self._marker[0])
        self._add(line)
        if closes and not line.startswith("    "):
            if self._joined and len(self._lines) == 2:
                self._lines.pop()
            self._freeze()
        else:
            self._bound_fence()

    def _bound_fence(self) -> None:
        if len(self._lines) > self._limits.fence_lines or self._chars > self._limits.chars:
            self._reopen(self._lines[:1])

    def _reopen(self, repeated: list[str]) -> None:
        """Freeze what is there and go on in the same kind of block, its first lines repeated."""
        kind, marker = self._kind, self._marker
        self._freeze()
        self._begin(kind, joined=True)
        self._marker = marker
        for line in repeated:
            self._add(line)
        # what is repeated does not count: a long header would cut at every row
        self._chars = 0
        self._repeated = len(repeated)

    def _in_list(self, line: str) -> None:
        if not line.strip():
            self._blank = True
            self._add("")
            return
        indent = len(line) - len(line.lstrip(" "))
        if line.startswith("\t"):
            indent = 4
        inside = indent >= self._content
        if self._inner and not inside:
            self._inner = ""
        item = None if _RULE.match(line) or self._inner else _ITEM.match(line)
        if item and not inside:
            self._next_item(item, line)
        elif inside or not (self._blank or self._interrupts(line)):
            self._blank = False
            self._add_to_item(line)
        else:
            self._restart(line)

    def _next_item(self, item: re.Match[str], line: str) -> None:
        same_list = item[2][-1] == self._marker
        self._freeze()
        self._start_item(item, joined=same_list)
        self._add(line)

    def _add_to_item(self, line: str) -> None:
        text = line.strip()
        if self._inner:
            if len(text) >= len(self._inner) and not text.strip(self._inner[0]):
                self._inner = ""
        elif fence := _FENCE.match(text):
            self._inner = fence[1]
        margin = len(line) - len(line.lstrip(" "))
        self._add(line[min(margin, self._dedent) :])
        if self._chars > self._limits.chars:
            content, marker, inner = self._content, self._marker, self._inner
            self._freeze()
            self._begin("list", joined=True, indent=content)
            self._content, self._dedent, self._marker, self._inner = content, content, marker, inner
            if inner:
                self._add(inner)
                self._repeated = 1

    def _in_quote(self, line: str) -> None:
        if not line.strip():
            self._freeze()
        elif not _QUOTE.match(line) and self._interrupts(line):
            self._restart(line)
        else:
            self._add(line if _QUOTE.match(line) else "> " + line)
            if self._chars > self._limits.chars:
                self._freeze()
                self._begin("quote", joined=True)

    def _in_indented(self, line: str) -> None:
        if line.strip() and not line.startswith(("    ", "\t")):
            self._restart(line)
            return
        self._add(line)
        if len(self._lines) > self._limits.fence_lines or self._chars > self._limits.chars:
            self._freeze()
            self._begin("indented", joined=True)


def split_markdown(text: str, limits: Limits = FINISHED) -> list[Block]:
    """The blocks of a whole text."""
    splitter = BlockSplitter(limits)
    return [*splitter.feed(text), *splitter.close()]


def split_plain(text: str, chars: int = 4_000) -> list[str]:
    """Plain text in portions of about `chars` characters, cut at line ends, else at spaces, else anywhere."""
    if len(text) <= 2 * chars:
        return [text]
    portions: list[str] = []
    start = 0
    while len(text) - start > chars:
        newline = text.rfind("\n", start, start + chars)
        if newline > start:
            portions.append(text[start:newline])
            start = newline + 1
            continue
        space = text.rfind(" ", start + chars // 2, start + chars)
        end = space + 1 if space >= 0 else start + chars
        portions.append(text[start:end])
        start = end
    portions.append(text[start:])
    return portions
