"""A list over pages of rows: a hundred thousand behave as a hundred, since only what is near the screen is
read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.clean import clean_line
from afk_tui.widgets.row_pages import RowPages, Source, pages_near

T = TypeVar("T")


class PagedList(TellsBugs, ScrollView, Generic[T], can_focus=True):
    """Rows of `row_height` lines each, with a cursor.

    `render_row(row, width, selected)` gives a row's text, a line of it for each line of the row; what does
    not fit is cut with "…". `row_key(row)` tells rows apart over reloads. Pass both, or override them. A page
    or two around the screen is read, never more than `PAGES_KEPT` are kept.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"paged-list--cursor", "paged-list--muted", "paged-list--error"}

    DEFAULT_CSS = """
    PagedList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .paged-list--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:focus > .paged-list--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        & > .paged-list--muted { color: $foreground 60%; }
        & > .paged-list--error { color: $text-error; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home", "move_to_end(False)", "First", show=False),
        Binding("end", "move_to_end(True)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    @dataclass
    class RowHighlighted(Message):
        """The cursor is on another row, by a key, the mouse or a reload."""

        paged_list: PagedList[Any]
        row: Any
        key: str

        @property
        def control(self) -> PagedList[Any]:
            """The list."""
            return self.paged_list

    @dataclass
    class RowChosen(Message):
        """Enter was pressed on a row, or it was clicked."""

        paged_list: PagedList[Any]
        row: Any
        key: str

        @property
        def control(self) -> PagedList[Any]:
            """The list."""
            return self.paged_list

    @dataclass
    class LoadFailed(Message):
        """Rows could not be read. The list says so too, and tries again at the next `reload`."""

        paged_list: PagedList[Any]
        error: Exception

        @property
        def control(self) -> PagedList[Any]:
            """The list."""
            return self.paged_list

    def __init__(
        self,
        source: Source[T] | None = None,
        *,
        render_row: Callable[[T, int, bool], Text] | None = None,
        row_key: Callable[[T], str] | None = None,
        row_height: int = 1,
        empty_text: str = "Nothing here yet.",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.row_height = max(1, row_height)
        self.empty_text = empty_text
        self._source = source
        self._given_render = render_row
        self._given_key = row_key
        self._rows: RowPages[T] | None = None
        self._cursor = 0
        self._told_key: str | None = None
        # asked for with `select_key`, and not there yet
        self._awaited_key: str | None = None
        self._error: Exception | None = None
        self._loading = False
        # Raised by every reload: what an older one still reads is not this list any more.
        self._generation = 0

    def render_row(self, row: T, width: int, selected: bool) -> Text:
        """The text of `row` in `width` cells, a line for each line of the row."""
        if self._given_render is None:
            raise NotImplementedError("Pass render_row= or override render_row")
        return self._given_render(row, width, selected)

    def row_key(self, row: T) -> str:
        """What tells `row` from all others, over reloads."""
        if self._given_key is None:
            raise NotImplementedError("Pass row_key= or override row_key")
        return self._given_key(row)

    @property
    def count(self) -> int | None:
        """How many rows there are, or None until that is known."""
        return self._rows.total if self._rows is not None else None

    @property
    def cursor(self) -> int:
        """The index of the row that the cursor is on."""
        return self._cursor

    @property
    def highlighted(self) -> T | None:
        """The row under the cursor, or None if there is none or it is still being read."""
        return self._row_at(self._cursor)

    @property
    def error(self) -> Exception | None:
        """Why rows are missing, or None."""
        return self._error

    async def set_source(self, source: Source[T], *, select_key: str | None = None) -> None:
        """Show the rows of `source` from its first on, or with the cursor on `select_key`. Returns once
        read."""
        self._source = source
        self._rows = None
        self._error = None
        self._cursor = 0
        self._told_key = self._awaited_key = None
        self._resize_content()
        self.scroll_to(y=0, animate=False)
        self.refresh()
        await self.reload(keep=False)
        if select_key is not None:
            await self.select_key(select_key)

    async def reload(self, keep: bool = True) -> None:
        """Read the count and the rows on the screen again; with `keep`, the cursor stays on the same row.

        What was read stays shown until the new rows are there. A row that is gone leaves the cursor at its
        place. Of several reloads at once the last one counts. Returns when the rows are there; errors are
        shown, not raised.
        """
        source = self._source
        if source is None:
            return
        self._generation += 1
        generation = self._generation
        try:
            rows = await RowPages.read(source, self._pages_near)
            found = await self._place_in(rows) if keep else None
        except Exception as error:  # noqa: BLE001 - a source is anyone's; the list shows whatever it raised
            if generation == self._generation:
                self._fail(error)
            return
        if generation != self._generation:
            return
        self._rows, self._error = rows, None
        offset_on_screen = self._cursor - self._first_row()
        moved = found is not None and found != self._cursor
        self._cursor = self._clamp(self._cursor if found is None else found)
        self._resize_content()
        if moved and 0 <= offset_on_screen <= self._rows_on_screen():
            self.scroll_to(y=(self._cursor - offset_on_screen) * self.row_height, animate=False)
        self.refresh()
        self._after_move()

    async def _place_in(self, rows: RowPages[T]) -> int | None:
        """Where the cursor belongs in rows that were just read: it may be moved while they are looked through."""
        while True:
            looked_for, found = (self._awaited_key, self._told_key), None
            for key in looked_for:
                found = await rows.find(key, self.row_key, self._cursor) if key is not None else None
                if found is not None:
                    break
            if looked_for == (self._awaited_key, self._told_key):
                return found

    async def select_key(self, key: str) -> bool:
        """Put the cursor on the row with `key`; False if it was not found (see `Locator`): a reload that finds it does,
        unless the cursor was moved before."""
        self._awaited_key = key or None
        if self._rows is None:
            return False
        try:
            index = await self._rows.find(key, self.row_key, self._cursor)
        except Exception as error:  # noqa: BLE001 - as in `reload`
            self._fail(error)
            return False
        if index is None or self._awaited_key not in (key, None):  # meanwhile another one was asked for
            return False
        self.move_to(index)
        return True

    def move_to(self, index: int) -> None:
        """Put the cursor on row `index`, or the nearest there is, and on the screen."""
        self._awaited_key = None
        index = self._clamp(index)
        if index != self._cursor:
            for row in (self._cursor, index):
                self.refresh_lines(row * self.row_height, self.row_height)
            self._cursor = index
        self._after_move()

    # Keys and mouse

    def action_move(self, rows: int) -> None:
        """Move the cursor by `rows`."""
        self.move_to(self._cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self.move_to(self._cursor + pages * max(1, self._rows_on_screen() - 1))

    def action_move_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to((self.count or 1) - 1 if last else 0)

    def action_choose(self) -> None:
        """Choose the row under the cursor, if it was read."""
        row = self.highlighted
        if row is not None:
            self.post_message(self.RowChosen(self, row, self.row_key(row)))

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = (offset.y + self.scroll_offset.y) // self.row_height
        if index < (self.count or 0):
            event.stop()
            self.move_to(index)
            self.action_choose()

    # Reading

    def on_mount(self) -> None:
        """Begin to read."""
        self.run_worker(self.reload(), group="reload", exit_on_error=False)

    def on_resize(self) -> None:
        """Keep the cursor on the screen and read what came into it."""
        self._resize_content()
        self._scroll_to_cursor()
        self._read_missing()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read what came into the screen."""
        super().watch_scroll_y(old_value, new_value)
        self._read_missing()

    def _pages_near(self, total: int) -> list[int]:
        first_row = self._first_row()
        return pages_near(first_row, first_row + self._rows_on_screen(), self._cursor, total)

    def _missing(self) -> int | None:
        return self._rows.missing(self._pages_near(self._rows.total)) if self._rows is not None else None

    def _read_missing(self) -> None:
        if not self._loading and self._error is None and self.is_mounted and self._missing() is not None:
            self._loading = True
            self.run_worker(self._load(), group="pages", exit_on_error=False)

    async def _load(self) -> None:
        """Read pages near the screen, wherever that is by then, until none is missing."""
        try:
            while self._rows is not None and (number := self._missing()) is not None:
                rows = self._rows
                await rows.fetch(number, keep=self._pages_near(rows.total))
                if rows is self._rows:
                    self._cursor = self._clamp(self._cursor)
                    self._resize_content()
                    self.refresh()
                    self._tell_highlighted()
        except Exception as error:  # noqa: BLE001 - as in `reload`
            self._fail(error)
        finally:
            self._loading = False

    def _fail(self, error: Exception) -> None:
        self._error = error
        self.refresh()
        self.post_message(self.LoadFailed(self, error))

    # The cursor and the screen

    def _row_at(self, index: int) -> T | None:
        return self._rows.row_at(index) if self._rows is not None else None

    def _clamp(self, index: int) -> int:
        return max(0, min(index, (self.count or 0) - 1))

    def _first_row(self) -> int:
        return max(0, self.scroll_offset.y) // self.row_height

    def _rows_on_screen(self) -> int:
        return max(1, self.size.height // self.row_height)

    def _resize_content(self) -> None:
        self.virtual_size = Size(0, (self.count or 0) * self.row_height)

    def _after_move(self) -> None:
        self._scroll_to_cursor()
        self._read_missing()
        self._tell_highlighted()

    def _tell_highlighted(self) -> None:
        row = self.highlighted
        if row is None:
            if self.count == 0:
                self._told_key = None
            return
        key = self.row_key(row)
        if key == self._awaited_key:
            self._awaited_key = None
        if key != self._told_key:
            self._told_key = key
            self.post_message(self.RowHighlighted(self, row, key))

    def _scroll_to_cursor(self) -> None:
        height = self.size.height
        if height <= 0 or not self.count:
            return
        top = self._cursor * self.row_height
        if top < self.scroll_offset.y or height < self.row_height:
            self.scroll_to(y=top, animate=False)
        elif top + self.row_height > self.scroll_offset.y + height:
            self.scroll_to(y=top + self.row_height - height, animate=False)

    # Painting

    def render_line(self, y: int) -> Strip:
        """Line `y` of the screen."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if width <= 0:
            return Strip.blank(0, base)
        total = self.count
        last_line = self.size.height - 1 if total else 0
        if self._error is not None and y == last_line:
            return self._say(f"Could not be read: {clean_line(str(self._error))}", "paged-list--error", width)
        if not total:
            return self._say_nothing(y, width, loading=total is None)
        index, line = divmod(y + self.scroll_offset.y, self.row_height)
        if index >= total:
            return Strip.blank(width, base)
        selected = index == self._cursor
        style = self.get_component_rich_style("paged-list--cursor") if selected else base
        row = self._row_at(index)
        if row is None:
            text = Text(
                "…" if line == 0 else "", self.get_component_rich_style("paged-list--muted", partial=True)
            )
            return self._strip(text, width, style)
        lines = self.render_row(row, width, selected).split("\n", allow_blank=True)
        return self._strip(lines[line] if line < len(lines) else Text(), width, style)

    def _say_nothing(self, y: int, width: int, *, loading: bool) -> Strip:
        text = "" if self._error is not None else "Loading…" if loading else self.empty_text
        lines = Text(text).wrap(self.app.console, max(1, width - 1))
        return self._say(f" {lines[y].plain}" if y < len(lines) else "", "paged-list--muted", width)

    def _say(self, text: str, component: str, width: int) -> Strip:
        return self._strip(Text(text), width, self.get_component_rich_style(component))

    def _strip(self, text: Text, width: int, style: Style) -> Strip:
        text.end = ""
        text.no_wrap = True
        text.truncate(width, overflow="ellipsis")
        segments = Segment.apply_style(text.render(self.app.console), style)
        return Strip(segments).adjust_cell_length(width, style)
