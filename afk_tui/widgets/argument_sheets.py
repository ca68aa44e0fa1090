"""A text laid out for reading: which piece of which line stands in a row, and how it is painted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from afk_tui.widgets.argument_lines import MARK, MARK_CHARS, Colours, Span, WrappedLines

WRAP_MARK = "↪"
# Below this width the line numbers go, below the next one the gutter.
NUMBERED_WIDTH = 24
GUTTER_WIDTH = 6

Palette = Callable[[str], Style]
"""The style of a kind of text: "plain", "gutter", "added", "mark", "keyword", ..."""


class Sheet(ABC):
    """Rows of a screen at one width. Lines are counted from 1 where a person reads the count."""

    total: int
    """How many lines there are, folded ones included."""
    folded = 0
    """How many of them are folded away."""
    width = -1
    """The width it is laid out at, -1 before the first time."""

    @property
    @abstractmethod
    def height(self) -> int:
        """How many rows there are at this width."""

    @abstractmethod
    def lay_out(self, width: int) -> None:
        """Wrap everything at a width."""

    @abstractmethod
    def line_at(self, row: int) -> tuple[int, bool]:
        """The line, from 0, of a row, and whether it goes on in the next one."""

    @abstractmethod
    def row_of(self, line: int) -> int:
        """The row at which a line, or the fold that it is in, begins."""

    @abstractmethod
    def paint(self, row: int, palette: Palette, console: Console) -> tuple[list[Segment], Style]:
        """What stands in a row, and the style of what is left of it."""

    def set_folded(self, folded: bool) -> None:  # noqa: B027 - most have nothing to fold
        """Fold what is long, or unfold everything."""

    def unfold_at(self, row: int) -> bool:
        """Unfold what is folded in a row; whether there was something."""
        return False

    def next_fold(self, row: int) -> int | None:
        """The first row from this one on, or else of all, in which something is folded."""
        return None


class TextSheet(Sheet):
    """Numbered lines of one text. What `folds` name (first and last line inside, from 0) is folded to begin with."""

    def __init__(self, lines: list[str], colours: Colours, folds: Sequence[tuple[int, int]] = ()) -> None:
        self.lines = lines
        self.total = len(lines)
        self._colours = colours
        self._folds = {first - 1: last for first, last in folds}
        self._open_folds: set[int] = set()
        self._wrapped = WrappedLines([], 1)
        self._take_visible()

    def _take_visible(self) -> None:
        self._visible: list[int] = []
        line = 0
        self.folded = 0
        while line < self.total:
            self._visible.append(line)
            last = self._fold_after(line)
            if last is not None:
                self.folded += last - line
                line = last + 1  # the line that closes it stands behind the one that opens it
            line += 1
        self._texts = [self._text(line) for line in self._visible]

    def _fold_after(self, line: int) -> int | None:
        return None if line in self._open_folds else self._folds.get(line)

    def _text(self, line: int) -> str:
        last = self._fold_after(line)
        if last is None:
            return self.lines[line]
        closing = self.lines[last + 1].strip() if last + 1 < self.total else ""
        return f"{self.lines[line]} {_folded_note(last - line)} {closing}"

    @property
    def height(self) -> int:
        return self._wrapped.height

    def lay_out(self, width: int) -> None:
        self.width = width
        self._wrapped = WrappedLines(self._texts, max(1, width - self.gutter_width))

    @property
    def gutter_width(self) -> int:
        """Line number, wrap mark and a space; less on a narrow screen."""
        digits = len(str(self.total))
        if self.width >= NUMBERED_WIDTH and self.width >= digits * 3:
            return digits + 3
        return 2 if self.width >= GUTTER_WIDTH else 0

    def line_at(self, row: int) -> tuple[int, bool]:
        index, piece = self._wrapped.at(row)
        return self._visible[index], piece + 1 < len(self._wrapped.pieces(index))

    def row_of(self, line: int) -> int:
        return self._wrapped.first_row(max(0, bisect_right(self._visible, line) - 1))

    @property
    def has_folds(self) -> bool:
        """Whether anything can be folded."""
        return bool(self._folds)

    def set_folded(self, folded: bool) -> None:
        self._open_folds = set() if folded else set(self._folds)
        self._refold()

    def unfold_at(self, row: int) -> bool:
        index, _ = self._wrapped.at(row)
        line = self._visible[index]
        if self._fold_after(line) is None:
            return False
        self._open_folds.add(line)
        self._refold()
        return True

    def next_fold(self, row: int) -> int | None:
        folded = [line for line in self._folds if line not in self._open_folds]
        if not folded:
            return None
        rows = [self.row_of(line) for line in folded]
        return next((at for at in rows if at >= row), rows[0])

    def _refold(self) -> None:
        self._take_visible()
        self.lay_out(self.width)

    def paint(self, row: int, palette: Palette, console: Console) -> tuple[list[Segment], Style]:
        index, piece = self._wrapped.at(row)
        line, base = self._visible[index], palette("plain")
        pieces = self._wrapped.pieces(index)
        gutter = _gutter(self.gutter_width, str(line + 1), piece, palette)
        text = painted(pieces, piece, self._colours.spans(line), 0, palette)
        if self._fold_after(line) is not None:
            note = _folded_note(self._folds[line] - line)
            at = text.plain.find(note)
            if at >= 0:
                text.stylize(palette("note"), at, at + len(note))
        return [*gutter, *Segment.apply_style(text.render(console), base)], base


def _folded_note(lines: int) -> str:
    return f"… {lines} line{'' if lines == 1 else 's'} folded …"


def _gutter(width: int, number: str, piece: int, palette: Palette) -> list[Segment]:
    if not width:
        return []
    shown = "" if piece or width == 2 else number
    return [Segment(f"{shown:>{width - 2}}{WRAP_MARK if piece else ' '} ", palette("gutter"))]


def painted(pieces: list[str], piece: int, spans: Sequence[Span], shift: int, palette: Palette) -> Text:
    """A piece of a line in its colours. `spans` are of the line without its first `shift` characters."""
    start = sum(map(len, pieces[:piece]))
    text = Text(pieces[piece], end="", no_wrap=True)
    for first, last, kind in spans:
        first, last = first + shift - start, last + shift - start
        if last > 0 and first < len(text):
            # Only the foreground: the line's own background says added or removed.
            text.stylize(Style(color=palette(kind).color), max(0, first), last)
    # a mark may be wrapped in its middle
    before = pieces[piece - 1][-MARK_CHARS:] if piece else ""
    after = pieces[piece + 1][:MARK_CHARS] if piece + 1 < len(pieces) else ""
    for mark in MARK.finditer(f"{before}{pieces[piece]}{after}"):
        first, last = mark.start() - len(before), mark.end() - len(before)
        if last > 0 and first < len(text):
            text.stylize(palette("mark"), max(0, first), last)
    return text


# Below these nothing is folded: a screen or two are read faster than unfolded.
FOLDED_FROM_LINES = 40
FOLD_LINES = 12


def json_folds(lines: list[str]) -> list[tuple[int, int]]:
    """The first and last line inside of each long value of an indented JSON object or list, from 0."""
    folds: list[tuple[int, int]] = []
    if len(lines) < FOLDED_FROM_LINES:
        return folds
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("  ") or line[2:3] in ("", " "):
            continue
        # a string ends with its quote, so that only what opens a value ends with a bracket
        if line.endswith(("{", "[")):
            opened = number
        elif opened is not None and line[2] in "}]":
            if number - opened - 1 >= FOLD_LINES:
                folds.append((opened + 1, number - 1))
            opened = None
    return folds
