"""A `ScrollView` that paints a `Layout` line by line and keeps its place while the heights are corrected."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from afk_tui.widgets.conversation_layout import Entry, Layout, Spot
from afk_tui.widgets.conversation_palette import Palette, palette_of
from afk_tui.widgets.conversation_pieces import Piece, Row, draw_piece
from afk_tui.widgets.conversation_plain import Line, draw_plain

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem

_DRAWN_PIECES = 500
# Textual keeps with each painted line what it derives from it, several kB: so only for a few screens
_PAINTED_SCREENS = 6
# a line of a selection is the serial of its entry, then its line there: it stays true when the text above grows
_LINE_BITS = 24


class ConversationCanvas(ScrollView, inherit_bindings=False):
    """What is common to showing any list of entries: place, paint, select. Hooks: `settled`."""

    ALLOW_SELECT: ClassVar[bool] = True

    follow: var[bool] = var(True)
    """At the end, and staying there when something is added. Set it to True to go there."""
    empty_text: var[str] = var("")
    """Shown in the middle when there is nothing."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.pages = Layout(self._measure)
        self.top = Spot(0, 0, 0)
        """The first line on the screen."""
        self.cursor_key: str | None = None
        """The item that the keys act on."""
        self.marks_cursor = False
        """Show that item also while the focus is elsewhere."""
        self.found = ""
        """A text in small letters, to be marked wherever it is shown."""
        self.found_here: tuple[Piece, int] | None = None
        """The one of them that was gone to: its piece, and how many stand before it there."""
        self._moving = False
        self._palette: Palette | None = None
        self._palette_is_stale = True
        self._drawn: OrderedDict[Piece, None] = OrderedDict()
        self._painted: OrderedDict[Piece, None] = OrderedDict()

    def start_over(self) -> None:
        """Forget all entries; the width is kept."""
        width = self.pages.width
        self._forget_drawn()
        self.pages = Layout(self._measure)
        self.pages.width = width
        self.top = Spot(0, 0, 0)
        self.set_reactive(ConversationCanvas.follow, True)

    def settled(self) -> None:
        """Called after what is on the screen was measured and placed."""

    # -- drawing ------------------------------------------------------------------------------------------

    @property
    def palette(self) -> Palette:
        """The colours now. Pieces drawn in others are forgotten."""
        if self._palette_is_stale or self._palette is None:
            self._palette_is_stale = False
            palette = palette_of(self)
            if palette != self._palette:
                self._palette = palette
                self._forget_drawn()
        assert self._palette is not None
        return self._palette

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette_is_stale = True

    def _forget_drawn(self) -> None:
        for piece in self._drawn:
            piece.rows = None
            piece.strips.clear()
        self._drawn.clear()
        self._painted.clear()

    def _measure(self, entry: Entry, piece: Piece) -> int:
        return len(self.rows_of(entry, piece))

    def rows_of(self, entry: Entry, piece: Piece) -> list[Row]:
        palette = self.palette
        if piece.rows is None:
            piece.strips.clear()
            piece.rows = draw_piece(piece, entry.item, entry.fold, self.pages.width, palette)
        self._drawn[piece] = None
        self._drawn.move_to_end(piece)
        if len(self._drawn) > _DRAWN_PIECES:
            old, _ = self._drawn.popitem(last=False)
            old.rows = None
            old.strips.clear()
        return piece.rows

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        palette = self.palette
        if not self.pages.entries:
            return self._empty_line(y, width, palette)
        line = self.scroll_offset.y + y
        if line >= self.pages.total:
            return Strip.blank(width, palette.base)
        spot = self.pages.locate(line)
        entry = self.pages.entries[spot.entry]
        if not entry.pieces:
            mark = " …" if spot.line == self.pages.gap(spot.entry) else ""
            return self._strip(Row((), [Segment(mark, palette["placeholder"])]), width, bar=False)
        piece = entry.pieces[spot.piece]
        rows = self.rows_of(entry, piece) if piece.exact else []
        if spot.line >= len(rows):
            return Strip.blank(width, palette.base)
        bar = (
            (self.has_focus or self.marks_cursor) and entry.key == self.cursor_key and spot.line >= piece.gap
        )
        key = (spot.line, bar, width)
        strip = piece.strips.get(key)
        if strip is None:
            strip = piece.strips[key] = self._strip(rows[spot.line], width, bar=bar)
            self._forget_painted_before(piece)
        if self.found:
            strip = self._mark_found(
                strip, rows[spot.line], self._number_of_found_here(piece, rows, spot.line)
            )
        number = (entry.serial << _LINE_BITS) + entry.sums.top(spot.piece) + spot.line
        selection = self.text_selection
        if selection is not None:
            strip = self._mark_selected(strip, rows[spot.line], selection.get_span(number))
        return strip.apply_offsets(0, number)

    def _forget_painted_before(self, piece: Piece) -> None:
        self._painted[piece] = None
        self._painted.move_to_end(piece)
        most = _PAINTED_SCREENS * self.size.height
        while len(self._painted) > 1 and sum(len(other.strips) for other in self._painted) > most:
            old, _ = self._painted.popitem(last=False)
            old.strips.clear()

    def _strip(self, row: Row, width: int, *, bar: bool) -> Strip:
        base = self.palette.base
        first = Segment("▌" if bar else " ", self.palette["cursor"] if bar else None)
        segments = list(Segment.apply_style([first, *row.prefix, *row.text], base))
        fill = base + row.fill if row.fill is not None else base
        return Strip(segments).adjust_cell_length(width, fill)

    def _number_of_found_here(self, piece: Piece, rows: list[Row], line: int) -> int:
        """Which of the hits on a line is the one that was gone to; -1 for none."""
        if self.found_here is None or self.found_here[0] is not piece:
            return -1
        return self.found_here[1] - sum(small(text_of(row)).count(self.found) for row in rows[:line])

    def _mark_found(self, strip: Strip, row: Row, here: int) -> Strip:
        text, begin = small(text_of(row)), _text_start(row)
        at = text.find(self.found)
        while at >= 0:
            end = at + len(self.found)
            part = "found-here" if here == 0 else "found"
            strip = _styled(strip, begin + at, begin + end, self.palette[part])
            at, here = text.find(self.found, end), here - 1
        return strip

    def _mark_selected(self, strip: Strip, row: Row, span: tuple[int, int] | None) -> Strip:
        if span is None:
            return strip
        begin = _text_start(row)
        end = begin + len(text_of(row))
        first = max(begin, span[0])
        last = end if span[1] < 0 else min(end, span[1])
        if first >= last:
            return strip
        return _styled(strip, first, last, self.screen.get_component_rich_style("screen--selection"))

    def _empty_line(self, y: int, width: int, palette: Palette) -> Strip:
        if not self.empty_text or width < 1:
            return Strip.blank(width, palette.base)
        lines = _empty_lines(self.empty_text, max(1, width - 2), palette)
        index = y - max(0, (self.size.height - len(lines)) // 2)
        if not 0 <= index < len(lines):
            return Strip.blank(width, palette.base)
        text = Strip(Segment.apply_style(lines[index], palette.base))
        left = max(0, (width - max(sum(s.cell_length for s in line) for line in lines)) // 2)
        return Strip([Segment(" " * left, palette.base), *text]).adjust_cell_length(width, palette.base)

    def put(self, position: int, item: ConversationItem) -> None:
        """Give an entry its body. What is on the screen of it stays where it is."""
        pages, top = self.pages, self.top
        if position != top.entry:
            pages.set_item(position, item)
            return
        before = pages.entries[position].pieces
        height, offset = pages.sums.heights[position], pages.line_of(top) - pages.sums.top(position)
        pages.set_item(position, item)
        after = pages.entries[position].pieces
        if not before:
            # a guess at its start says nothing: its end stays in place
            if top.line > pages.gap(position) and height > offset:
                self.top = pages.walk(pages.last_of(position), 1 + offset - height)
        elif top.piece > 0 and (top.piece >= len(after) or after[top.piece] is not before[top.piece]):
            # walking is exact, and draws all that it passes
            start = Spot(position, 0, 0)
            near = offset < 1_000 and not self.follow
            self.top = pages.walk(start, offset) if near else pages.locate(pages.line_of(start) + offset)

    # -- place --------------------------------------------------------------------------------------------

    @property
    def shown_range(self) -> tuple[int, int]:
        """The first and the last entry on the screen. Only where there are entries."""
        bottom = self.pages.line_of(self.top) + max(1, self.size.height) - 1
        return self.top.entry, self.pages.locate(bottom).entry

    def settle(self, *, repaint: bool = True) -> None:
        """Measure what is on the screen, put the first line where it belongs, and paint."""
        pages, height = self.pages, self.size.height
        if pages.width < 1 or height < 1:
            return
        if pages.entries:
            top = self.top
            if top.entry >= len(pages.entries):
                top = pages.last()
            self.top = pages.settle(None if self.follow else top, height)
            line = pages.line_of(self.top)
        else:
            self.top, line = Spot(0, 0, 0), 0
        with self._placing():
            size = Size(pages.width, pages.total)
            if size != self.virtual_size:
                self.virtual_size = size
            self.scroll_target_y = line
            self.scroll_y = line
        if repaint:
            self.refresh()
        self.settled()

    @contextmanager
    def _placing(self) -> Generator[None]:
        before, self._moving = self._moving, True
        try:
            yield
        finally:
            self._moving = before

    def move(self, lines: int) -> None:
        """Scroll by exactly so many lines; up lets go of the end, reaching the end follows again."""
        if not self.pages.entries or self.pages.width < 1:
            return
        self._go(self.pages.walk(self._held_top(), lines), upward=lines < 0)

    def move_to(self, spot: Spot) -> None:
        """Put a place at the top of the screen."""
        self._go(spot, upward=True)

    def scroll_to_end(self) -> None:
        """Go to the end and follow."""
        if self.follow:
            self.settle()
        else:
            self.follow = True

    def _held_top(self) -> Spot:
        return self.top if self.top.entry < len(self.pages.entries) else self.pages.last()

    def _go(self, spot: Spot, *, upward: bool) -> None:
        if self.pages.width < 1:
            # not laid out yet: nothing can be measured, and the place counts once it is
            self.top = spot
            self.set_reactive(ConversationCanvas.follow, False)
            return
        height = max(1, self.size.height)
        top = self.pages.settle(spot, height)
        at_end = self.pages.line_of(top) + height >= self.pages.total
        fits = self.pages.total <= height
        self.top = top
        self.set_reactive(ConversationCanvas.follow, fits or (at_end and not upward))
        self.settle()

    def watch_follow(self, follow: bool) -> None:
        if self.is_mounted:
            self.settle()

    def watch_empty_text(self) -> None:
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        old, new = round(old_value), round(new_value)
        if self._moving or old == new or not self.pages.entries:
            return
        # a short way is walked exactly; a long one, by the scrollbar, goes by what is known of the heights
        if abs(new - old) <= 3 * max(1, self.size.height):
            self.move(new - old)
        else:
            self._go(self.pages.locate(new), upward=new < old)

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        # what is clamped here was not scrolled by a person
        with self._placing():
            return super()._size_updated(size, virtual_size, container_size, layout)

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        if width == self.pages.width or width < 1:
            self.settle()
            return
        pages, top = self.pages, self.top
        if top.entry >= len(pages.entries):
            pages.resize(width)
            self.settle()
            return
        before = pages.measure(top.entry, top.piece) if pages.width else 1
        pages.resize(width)
        self._forget_drawn()
        after = pages.measure(top.entry, min(top.piece, max(0, len(pages.entries[top.entry].pieces) - 1)))
        gap = pages.gap(top.entry) if top.piece == 0 else 0
        if top.line > gap and before > 1:
            line = gap + round((top.line - gap) * (after - gap) / (before - gap))
            self.top = top._replace(line=max(gap, min(line, after - 1)))
        self.settle()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default().stop()
        self.move(round(self.app.scroll_sensitivity_y))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default().stop()
        self.move(-round(self.app.scroll_sensitivity_y))

    # -- selection ----------------------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected lines as they are shown, without bars and marks. What is not loaded is an ellipsis."""
        entries = self.pages.entries
        first, last = 0, len(entries) - 1
        if selection.start is not None:
            first = bisect_left(entries, selection.start.y >> _LINE_BITS, key=lambda entry: entry.serial)
        if selection.end is not None:
            last = bisect_left(entries, selection.end.y >> _LINE_BITS, key=lambda entry: entry.serial)
        lines: list[str] = []
        for entry in entries[first : last + 1]:
            number = entry.serial << _LINE_BITS
            if not entry.pieces:
                lines += ["", "…"]
            for piece in entry.pieces:
                for row in self.rows_of(entry, piece):
                    span = selection.get_span(number)
                    number += 1
                    if span is None:
                        continue
                    text, start = text_of(row), _text_start(row)
                    end = len(text) if span[1] < 0 else max(0, span[1] - start)
                    lines.append(text[max(0, span[0] - start) : end])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


@lru_cache(maxsize=2)
def _empty_lines(text: str, width: int, palette: Palette) -> list[Line]:
    return draw_plain(text, width, palette, "empty")


def text_of(row: Row) -> str:
    """What a row says, without what is drawn before it."""
    return "".join(segment.text for segment in row.text).rstrip()


def _text_start(row: Row) -> int:
    return 1 + sum(len(segment.text) for segment in row.prefix)


def small(text: str) -> str:
    """`text` to be compared whatever its case, as long as it was: there are letters whose small form is longer."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _styled(strip: Strip, first: int, last: int, style: Style) -> Strip:
    """The strip with its characters from `first` up to `last` in another style."""
    start, stop = (strip.index_to_cell_position(index) for index in (first, last))
    marked = [
        Segment(text, (old or Style.null()) + style, control)
        for text, old, control in strip.crop(start, stop)
    ]
    return Strip([*strip.crop(0, start), *marked, *strip.crop(stop, strip.cell_length)])
