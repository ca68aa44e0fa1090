"""A long text, of which only what is near the screen is in memory: wrapped, with line numbers, like a pager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from afk_tui.widgets.argument_lines import MARK, wrap
from afk_tui.widgets.conversation_safe import safe

WHEEL_ROWS = 3
# pieces that are kept around those on the screen
KEPT_PIECES = 600
WRAP_MARK = "↪"
# below this width there are no line numbers
NUMBERED_WIDTH = 32


class Piece(Protocol):
    """A line, or a piece of a long one. `offset` is where it begins in the whole text, `end` where the next does."""

    @property
    def offset(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def part(self) -> int: ...
    @property
    def text(self) -> str: ...


class Pieces(Protocol):
    """Where they come from; `chars` and `lines` are those of the whole text."""

    @property
    def chars(self) -> int: ...
    @property
    def lines(self) -> int: ...
    async def after(self, offset: int) -> Sequence[Piece]: ...
    async def before(self, offset: int) -> Sequence[Piece]: ...


class OutputView(Widget, can_focus=True):
    """Shows `Pieces` from any place on. The text is clean already.

    Arrows, page keys, space, home, end and the wheel scroll; a click on the bar at the right goes there. `marked` finds
    what is to be marked in a piece's text.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "output-view--gutter",
        "output-view--mark",
        "output-view--match",
        "output-view--found",
        "output-view--bar",
        "output-view--thumb",
    }
    DEFAULT_CSS = """
    OutputView {
        height: 1fr;
        min-width: 1;
        background: $surface;
        color: $foreground;
        & > .output-view--gutter { color: $foreground 45%; }
        & > .output-view--mark { color: $text-warning; background: $warning 30%; text-style: bold; }
        & > .output-view--match { background: $warning 40%; }
        & > .output-view--found { background: $warning; color: auto; text-style: bold underline; }
        & > .output-view--bar { color: $foreground 20%; }
        & > .output-view--thumb { color: $foreground 60%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "rows(-1)", "Up", show=False),
        Binding("down,j", "rows(1)", "Down", show=False),
        Binding("pageup,b", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home", "start", "Start", show=False),
        Binding("end", "end", "End", show=False),
    ]

    @dataclass
    class Moved(Message):
        """Lines `first` to `last` of the text are on the screen now."""

        first: int
        last: int

    @dataclass
    class PlaceAsked(Message):
        """A click on the bar: the text is to be shown from about this place on."""

        offset: int

    @dataclass
    class ReadFailed(Message):
        """The text could not be read any further."""

        error: Exception

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pieces: Pieces | None = None
        self._near: list[Piece] = []
        # the piece at the top of the screen, among those near, and the row of it
        self._top, self._row = 0, 0
        self._wrapped: dict[int, list[str]] = {}
        self._styles: dict[str, Style] = {}
        self._found: tuple[int, int] | None = None
        self._told = (0, 0)
        self._moving = asyncio.Lock()
        self.marked: Callable[[str], Sequence[tuple[int, int]]] = lambda text: ()

    async def show(self, pieces: Pieces, offset: int = 0) -> None:
        """Show another text, from the piece that begins at `offset` on."""
        self._pieces = pieces
        self._told = (0, 0)
        await self.go_to(offset)

    async def go_to(self, offset: int, *, found_at: int | None = None, rows_above: int = 0) -> None:
        """Put the piece that begins at `offset` at the top, or `rows_above` rows below it. With `found_at` what is
        marked at that place in it stands out, and its row is what is put there."""
        async with self._moving:
            near = await self._read(self._pieces.after(offset)) if self._pieces else None
            if near is None:
                return
            self._near = list(near)
            self._wrapped.clear()
            self._top, self._row = 0, 0
            self._found = None if found_at is None else (offset, found_at)
            if found_at is not None and near:
                self._row = self._row_of(near[0], found_at)
            await self._settle(-rows_above)

    @property
    def top_offset(self) -> int:
        """Where the piece at the top of the screen begins."""
        return self._near[self._top].offset if self._near else 0

    @property
    def found_offset(self) -> int | None:
        """Where the piece begins in which something stands out, if it is on the screen."""
        on_screen = {piece.offset for piece, _ in self._rows()}
        return self._found[0] if self._found and self._found[0] in on_screen else None

    def shown_text(self) -> str:
        """The lines on the screen, as they are before they are wrapped."""
        text = ""
        last: Piece | None = None
        for piece, _ in self._rows():
            if piece is not last:
                text += piece.text if piece.part or not text else f"\n{piece.text}"
                last = piece
        return text

    # moving

    async def action_rows(self, rows: int) -> None:
        await self._move(rows)

    async def action_page(self, pages: int) -> None:
        await self._move(pages * max(1, self.size.height - 1))

    async def action_start(self) -> None:
        await self.go_to(0)

    async def action_end(self) -> None:
        async with self._moving:
            near = await self._read(self._pieces.before(self._pieces.chars)) if self._pieces else None
            if near:
                self._near = list(near)
                self._wrapped.clear()
                self._top, self._row = len(near), 0
                await self._settle(-self.size.height)

    async def on_resize(self) -> None:
        """The piece at the top stays there."""
        async with self._moving:
            self._wrapped.clear()
            self._row = 0
            await self._settle(0)

    async def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        await self._move(WHEEL_ROWS)

    async def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        await self._move(-WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if self._pieces is not None and event.x == self.size.width - 1 and self.size.height > 1:
            self.post_message(self.PlaceAsked(self._pieces.chars * event.y // (self.size.height - 1)))

    async def _move(self, rows: int) -> None:
        async with self._moving:
            await self._settle(rows)

    async def _settle(self, rows: int) -> None:
        """So many rows down, or up; never so far that less than a screen is shown, if there is that much."""
        if rows < 0:
            await self._up(-rows)
        elif rows:
            await self._down(rows)
        missing = self.size.height - await self._rows_from_top(self.size.height)
        if missing > 0:
            await self._up(missing)
            await self._rows_from_top(self.size.height)
        self._trim()
        self._tell()
        self.refresh()

    async def _down(self, rows: int) -> None:
        while rows > 0:
            if self._top >= len(self._near) or (
                self._top == len(self._near) - 1 and not await self._more_below()
            ):
                break
            left = len(self._wrap(self._near[self._top])) - self._row
            if rows < left:
                self._row += rows
                return
            rows -= left
            self._top, self._row = self._top + 1, 0

    async def _up(self, rows: int) -> None:
        while rows > 0:
            if self._row >= rows:
                self._row -= rows
                return
            rows -= self._row
            self._row = 0
            if self._top == 0 and not await self._more_above():
                return
            self._top -= 1
            self._row = len(self._wrap(self._near[self._top]))

    async def _rows_from_top(self, wanted: int) -> int:
        """How many rows there are from the top on, up to `wanted`; they are read then."""
        rows, at, skipped = 0, self._top, self._row
        while rows < wanted:
            if at >= len(self._near) and not await self._more_below():
                break
            rows += len(self._wrap(self._near[at])) - skipped
            at, skipped = at + 1, 0
        return rows

    async def _more_below(self) -> bool:
        if self._pieces is None or not self._near:
            return False
        more = await self._read(self._pieces.after(self._near[-1].end))
        self._near += more or ()
        return bool(more)

    async def _more_above(self) -> bool:
        if self._pieces is None or not self._near or self._near[0].offset == 0:
            return False
        more = await self._read(self._pieces.before(self._near[0].offset))
        self._near[:0] = more or ()
        self._top += len(more or ())
        return bool(more)

    async def _read(self, reading: Awaitable[Sequence[Piece]]) -> Sequence[Piece] | None:
        try:
            return await reading
        except Exception as error:  # noqa: BLE001 - whatever the text comes from; the screen says what it was
            self.post_message(self.ReadFailed(error))
            return None

    def _trim(self) -> None:
        first = max(0, self._top - KEPT_PIECES // 2)
        if first or len(self._near) > self._top + KEPT_PIECES:
            self._near = self._near[first : self._top + KEPT_PIECES]
            self._top -= first
            kept = {piece.offset for piece in self._near}
            self._wrapped = {offset: rows for offset, rows in self._wrapped.items() if offset in kept}

    def _tell(self) -> None:
        rows = self._rows()
        told = (rows[0][0].line, rows[-1][0].line) if rows else (0, 0)
        if told != self._told:
            self._told = told
            self.post_message(self.Moved(*told))

    # drawing

    def notify_style_update(self) -> None:
        """Forget the colours of the former theme."""
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"output-view--{name}")
        return self._styles[name]

    @property
    def _gutter(self) -> int:
        """Line number, wrap mark and a space."""
        if self._pieces is None or self.size.width < NUMBERED_WIDTH:
            return 0
        return len(str(self._pieces.lines)) + 3

    def _wrap(self, piece: Piece) -> list[str]:
        rows = self._wrapped.get(piece.offset)
        if rows is None:
            rows = self._wrapped[piece.offset] = wrap(piece.text, max(1, self.size.width - self._gutter - 1))
        return rows

    def _row_of(self, piece: Piece, at: int) -> int:
        """The row of a piece in which this character of its text stands."""
        for number, row in enumerate(self._wrap(piece)):
            if at < len(row):
                return number
            at -= len(row)
        return 0

    def _rows(self) -> list[tuple[Piece, int]]:
        """What is on the screen: pieces, and rows of them."""
        rows: list[tuple[Piece, int]] = []
        at, first = self._top, self._row
        while at < len(self._near) and len(rows) < self.size.height:
            piece = self._near[at]
            rows += [(piece, row) for row in range(first, len(self._wrap(piece)))]
            at, first = at + 1, 0
        return rows[: self.size.height]

    def render_lines(self, crop: object) -> list[Strip]:
        """The screen's rows; all of them are found at once."""
        self._drawn = self._rows()
        return super().render_lines(crop)  # pyright: ignore[reportArgumentType]

    _drawn: Sequence[tuple[Piece, int]] = ()

    def render_line(self, y: int) -> Strip:
        """Row `y` of the screen."""
        width, base = self.size.width, self.rich_style
        room = width - 1
        if y >= len(self._drawn):
            return Strip([Segment(" " * max(0, room), base), self._bar(y)])
        piece, row = self._drawn[y]
        segments: list[Segment] = []
        if gutter := self._gutter:
            number = "" if row or piece.part else str(piece.line)
            mark = WRAP_MARK if row or piece.part else " "
            segments.append(Segment(f"{number:>{gutter - 2}}{mark} ", base + self._style("gutter")))
        segments += self._text(piece, row, base)
        return Strip([*Strip(segments).adjust_cell_length(room, base), self._bar(y)])

    def _text(self, piece: Piece, row: int, base: Style) -> list[Segment]:
        rows = self._wrap(piece)
        start = sum(map(len, rows[:row]))
        text = rows[row]
        styles = [base] * len(text)
        for mark in MARK.finditer(text):
            styles[mark.start() : mark.end()] = [base + self._style("mark")] * (mark.end() - mark.start())
        for first, last in self.marked(piece.text):
            name = "found" if self._found == (piece.offset, first) else "match"
            for at in range(max(0, first - start), min(len(text), last - start)):
                styles[at] = base + self._style(name)
        segments: list[Segment] = []
        begin = 0
        for at in range(1, len(text) + 1):
            if at == len(text) or styles[at] != styles[begin]:
                segments.append(Segment(safe(text[begin:at]), styles[begin]))
                begin = at
        return segments

    def _bar(self, y: int) -> Segment:
        """Where in the text the screen stands."""
        height, pieces = self.size.height, self._pieces
        if pieces is None or not self._drawn or height < 2:
            return Segment(" ", self.rich_style)
        first, last = self._drawn[0][0].offset, self._drawn[-1][0].end
        from_y = first * height // max(1, pieces.chars)
        to_y = max(from_y + 1, last * height // max(1, pieces.chars))
        name = "thumb" if from_y <= y < to_y else "bar"
        return Segment("┃" if name == "thumb" else "│", self.rich_style + self._style(name))
