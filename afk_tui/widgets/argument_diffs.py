"""A diff laid out for reading: one under the other, or side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import overload

from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from afk_tui.widgets.argument_lines import (
    COLOURED_CHARS,
    HUNK,
    Colours,
    LineKind,
    Span,
    WrappedLines,
    diff_kinds,
    language_of_file,
    wrap,
)
from afk_tui.widgets.argument_sheets import NUMBERED_WIDTH, WRAP_MARK, Palette, Sheet, painted

# two numbers beside each line; below this one of them has to do
TWO_NUMBERS_WIDTH = 60
DIVIDER = "│"
# a hunk of more is coloured line by line
COLOURED_LINES = 2_000


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff: its number in the former file and in the new one, None where it is in none of them."""

    text: str
    kind: LineKind
    old: int | None
    new: int | None


class _Contents(Sequence[str]):
    """The lines of a diff without their signs."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [text[1:] for text in self._texts[index]]
        return self._texts[index][1:]


class Diff:
    """A unified diff, read; `file` names the language of its content. Large ones are read as fast as small ones
    show: what a line needs to be painted is made when it is painted."""

    def __init__(self, text: str, file: str = "") -> None:
        # A diff ends with a newline that is not a line of it.
        self.texts = text.removesuffix("\n").split("\n")
        self.kinds = diff_kinds(self.texts)
        self._file = file
        self._hunks: list[int] = []
        # the number in the former file and in the new one that the next line there has
        self._olds, self._news = self._count()
        self.digits = len(str(max((self._olds[-1], self._news[-1])))) if self.texts else 1
        self.has_former = "removed" in self.kinds or "plain" in self.kinds
        """Whether anything stood there before."""
        self._each = Colours(_Contents(self.texts), "", whole=False)
        self._hunk_colours = lru_cache(64)(self._read_hunk)

    def _count(self) -> tuple[list[int], list[int]]:
        olds: list[int] = []
        news: list[int] = []
        old = new = 0
        for number, kind in enumerate(self.kinds):
            olds.append(old)
            news.append(new)
            if kind == "plain":
                old, new = old + 1, new + 1
            elif kind == "added":
                new += 1
            elif kind == "removed":
                old += 1
            elif kind == "hunk" and (found := HUNK.match(self.texts[number])):
                self._hunks.append(number)
                old, new = int(found["old"]), int(found["new"])
        return olds, news

    def line(self, number: int) -> DiffLine:
        """A line, from 0."""
        kind = self.kinds[number]
        old = self._olds[number] if kind in ("plain", "removed") else None
        new = self._news[number] if kind in ("plain", "added") else None
        return DiffLine(self.texts[number], kind, old, new)

    @cached_property
    def _language(self) -> str:
        language = language_of_file(self._file) if self._file else ""
        self._each = Colours(_Contents(self.texts), language, whole=False)
        return language

    def spans(self, number: int) -> list[Span]:
        """The coloured parts of a line, without its sign."""
        if not self._language or self.kinds[number] not in ("plain", "added", "removed"):
            return []
        hunk = bisect_right(self._hunks, number) - 1
        if hunk < 0:
            return []
        places = self._hunk_colours(hunk)
        if places is None:
            return self._each.spans(number)
        colours, at = places[number]
        return colours.spans(at)

    def _read_hunk(self, hunk: int) -> dict[int, tuple[Colours, int]] | None:
        """The colours of each line of a hunk and its place in them: each side is read as one text, so that a string
        of several lines is one. None for a hunk too long for that."""
        first = self._hunks[hunk] + 1
        end = self._hunks[hunk + 1] if hunk + 1 < len(self._hunks) else len(self.texts)
        if end - first > COLOURED_LINES or sum(map(len, self.texts[first:end])) > COLOURED_CHARS:
            return None
        places: dict[int, tuple[Colours, int]] = {}
        for side in ("removed", "added"):  # what is in both is coloured as what it will be
            numbers = [n for n in range(first, end) if self.kinds[n] in ("plain", side)]
            colours = Colours([self.texts[n][1:] for n in numbers], self._language, whole=True)
            places.update((number, (colours, at)) for at, number in enumerate(numbers))
        return places


class UnifiedSheet(Sheet):
    """One line under the other, with the numbers of both files."""

    def __init__(self, diff: Diff) -> None:
        self._diff = diff
        self.total = len(diff.texts)
        self._wrapped = WrappedLines([], 1)

    @property
    def height(self) -> int:
        return self._wrapped.height

    @property
    def gutter_width(self) -> int:
        """One number or two, the wrap mark and a space."""
        digits = self._diff.digits
        if self.width >= max(TWO_NUMBERS_WIDTH, digits * 6):
            return 2 * digits + 3
        if self.width >= max(NUMBERED_WIDTH, digits * 3):
            return digits + 2
        return 2 if self.width >= 6 else 0

    def lay_out(self, width: int) -> None:
        self.width = width
        self._wrapped = WrappedLines(self._diff.texts, max(1, width - self.gutter_width))

    def line_at(self, row: int) -> tuple[int, bool]:
        index, piece = self._wrapped.at(row)
        return index, piece + 1 < len(self._wrapped.pieces(index))

    def row_of(self, line: int) -> int:
        return self._wrapped.first_row(line)

    def paint(self, row: int, palette: Palette, console: Console) -> tuple[list[Segment], Style]:
        index, piece = self._wrapped.at(row)
        line = self._diff.line(index)
        style = palette(line.kind)
        text = painted(self._wrapped.pieces(index), piece, self._diff.spans(index), 1, palette)
        segments = Segment.apply_style(text.render(console), style)
        return [*self._gutter(line, piece, palette), *segments], style

    def _gutter(self, line: DiffLine, piece: int, palette: Palette) -> list[Segment]:
        width, digits = self.gutter_width, self._diff.digits
        if not width:
            return []
        old, new = ("" if piece or n is None else str(n) for n in (line.old, line.new))
        if width == 2 * digits + 3:
            numbers = f"{old:>{digits}} {new:>{digits}}"
        else:
            numbers = f"{new or old:>{digits}}" if width > 2 else ""
        return [Segment(f"{numbers}{WRAP_MARK if piece else ' '} ", palette("gutter"))]


Pair = tuple[int | None, int | None]
"""A line of the former side and one of the new side; the same number twice is a line across both."""


class SplitSheet(Sheet):
    """The former text on the left, the new one on the right; what replaces something stands beside it."""

    def __init__(self, diff: Diff) -> None:
        self._diff = diff
        self._pairs = _pairs(diff.kinds)
        self.total = len(self._pairs)
        self._ends: list[int] = []
        self._half = 1

    @property
    def height(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def _gutter_width(self) -> int:
        """A number, the wrap mark, the sign and a space."""
        return self._diff.digits + 3

    def lay_out(self, width: int) -> None:
        self.width = width
        self._half = max(1, (width - 1) // 2)
        room = max(1, self._half - self._gutter_width)
        self._sides = [
            WrappedLines([self._content(pair, side) for pair in self._pairs], room) for side in (0, 1)
        ]
        self._across = {
            number: wrap(self._diff.texts[left], max(1, width))
            for number, (left, right) in enumerate(self._pairs)
            if left is not None and left == right and self._is_across(left)
        }
        end, ends = 0, list[int]()
        left, right = self._sides
        for number in range(len(self._pairs)):
            across = self._across.get(number)
            height = len(across) if across else max(left.rows_of(number), right.rows_of(number))
            end += height
            ends.append(end)
        self._ends = ends

    def _is_across(self, number: int) -> bool:
        return self._diff.kinds[number] in ("header", "hunk")

    def _content(self, pair: Pair, side: int) -> str:
        number = pair[side]
        if number is None or self._is_across(number):
            return ""
        text = self._diff.texts[number]
        return text if self._diff.kinds[number] == "note" else text[1:]

    def _at(self, row: int) -> tuple[int, int]:
        number = bisect_right(self._ends, row)
        return number, row - (self._ends[number - 1] if number else 0)

    def line_at(self, row: int) -> tuple[int, bool]:
        number, _ = self._at(row)
        return number, row + 1 < self._ends[number]

    def row_of(self, line: int) -> int:
        return self._ends[line - 1] if line else 0

    def paint(self, row: int, palette: Palette, console: Console) -> tuple[list[Segment], Style]:
        number, piece = self._at(row)
        plain = palette("plain")
        if number in self._across:
            kind = self._diff.kinds[self._pairs[number][0] or 0]
            text = painted(self._across[number], piece, (), 0, palette)
            return list(Segment.apply_style(text.render(console), palette(kind))), plain
        left, right = (self._side(number, side, piece, palette, console) for side in (0, 1))
        return [*left, Segment(DIVIDER, palette("gutter")), *right], plain

    def _side(self, number: int, side: int, piece: int, palette: Palette, console: Console) -> list[Segment]:
        at = self._pairs[number][side]
        pieces = self._sides[side].pieces(number)
        if at is None:
            return [Segment(" " * self._half, palette("absent"))]
        if piece >= len(pieces):
            numbers = min(self._half, self._diff.digits + 1)
            rest = Segment(" " * (self._half - numbers), palette(self._diff.kinds[at]))
            return [Segment(" " * numbers, palette("gutter")), rest]
        line = self._diff.line(at)
        style = palette(line.kind)
        shown = line.old if side == 0 else line.new
        figure = "" if piece or shown is None else str(shown)
        sign = line.text[:1] if line.kind in ("added", "removed") and not piece else " "
        gutter = f"{figure:>{self._diff.digits}}{WRAP_MARK if piece else ' '}"
        text = painted(pieces, piece, self._diff.spans(at), 0, palette)
        segments = [
            Segment(gutter, palette("gutter")),
            *Segment.apply_style([Segment(f"{sign} "), *text.render(console)], style),
        ]
        return Segment.adjust_line_length(segments, self._half, style)


def _pairs(kinds: Sequence[LineKind]) -> list[Pair]:
    pairs: list[Pair] = []
    removed: list[int] = []
    added: list[int] = []

    def flush() -> None:
        for at in range(max(len(removed), len(added))):
            pairs.append((removed[at] if at < len(removed) else None, added[at] if at < len(added) else None))
        removed.clear()
        added.clear()

    last: LineKind = "header"
    for number, kind in enumerate(kinds):
        match kind:
            case "removed":
                if added:
                    flush()
                removed.append(number)
            case "added":
                added.append(number)
            case "note" if last in ("removed", "added"):
                # of the line above it, on that line's side
                (removed if last == "removed" else added).append(number)
            case "note":
                flush()
                pairs.append((number, number))
            case "plain" | "header" | "hunk":
                flush()
                pairs.append((number, number))
        last = kind
    flush()
    return pairs
