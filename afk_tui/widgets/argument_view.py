"""What is to be approved, whole: wrapped, never cut, and it knows when the last line has been on the
screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from afk_tui.widgets.argument_lines import KINDS_OF_TOKEN, MARK, Colours, LineKind, WrappedLines, diff_kinds

PreviewKind = Literal["diff", "command", "json"]

WRAP_MARK = "↪"
# Below this width the line numbers go, below the next one the gutter.
NUMBERED_WIDTH = 24
GUTTER_WIDTH = 6


class ArgumentView(ScrollView, can_focus=True):
    """A preview of a call's arguments, of the kind "diff", "command" or "json". The text is clean already.

    Arrows, page keys, home, end and the wheel scroll; enter and space do nothing here. Long lines go on in
    the next row, behind a mark in the gutter. `last_line_seen` becomes true when the last row has been
    painted on the screen, and stays so until another text is shown.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "argument-view--gutter",
        "argument-view--header",
        "argument-view--hunk",
        "argument-view--added",
        "argument-view--removed",
        "argument-view--note",
        "argument-view--mark",
        *(f"argument-view--{kind}" for kind in KINDS_OF_TOKEN),
    }

    DEFAULT_CSS = """
    ArgumentView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        & > .argument-view--gutter { color: $foreground 45%; }
        & > .argument-view--header { text-style: bold; }
        & > .argument-view--hunk { color: $text-primary; }
        & > .argument-view--added { color: $text-success; background: $success 15%; }
        & > .argument-view--removed { color: $text-error; background: $error 15%; }
        & > .argument-view--note { color: $foreground 60%; text-style: italic; }
        & > .argument-view--mark { color: $text-warning; background: $warning 30%; text-style: bold; }
        & > .argument-view--keyword { color: $text-accent; }
        & > .argument-view--name { color: $text-primary; }
        & > .argument-view--string { color: $text-success; }
        & > .argument-view--number { color: $text-warning; }
        & > .argument-view--comment { color: $foreground 60%; text-style: italic; }
        & > .argument-view--operator { color: $foreground 75%; }
    }
    """

    last_line_seen: reactive[bool] = reactive(False, repaint=False)
    """Whether the last row of this text has been on the screen."""

    class LastLineSeen(Message):
        """The last row of the text has been on the screen, for the first time."""

    @dataclass
    class PositionChanged(Message):
        """What is on the screen changed; `text` says where it ends, such as "line 12 of 40"."""

        text: str

    def __init__(
        self,
        text: str = "",
        kind: PreviewKind = "json",
        *,
        language: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[str] = []
        self._line_kinds: list[LineKind] = []
        self._is_diff = False
        self._colours = Colours([], "", whole=False)
        self._wrapped = WrappedLines([], 1)
        self._styles: dict[str, Style] = {}
        self._told_position = ""
        # Counts the texts shown: a row painted of a former one says nothing about this one.
        self._edition = 0
        self._take(text, kind, language)

    def show_preview(self, text: str, kind: PreviewKind, *, language: str = "") -> None:
        """Show another text from its first line on; nothing of it has been seen yet.

        `language` names, for a diff, the language of its content as pygments calls it; "" for none.
        """
        self._take(text, kind, language)
        self.last_line_seen = False
        self._lay_out(force=True)
        self.scroll_to(y=0, animate=False)
        self.refresh()
        self.call_after_refresh(self._tell_position)

    @property
    def position_text(self) -> str:
        """Up to where the text is on the screen: "line 12 of 40"."""
        total = len(self._lines)
        row = min(self.scroll_offset.y + self.size.height, self._wrapped.height) - 1
        if row < 0:
            return f"line 0 of {total}"
        index, piece = self._wrapped.at(row)
        rest = piece + 1 < len(self._wrapped.pieces(index))
        return f"line {index + 1} of {total}{', which goes on below' if rest else ''}"

    def _take(self, text: str, kind: PreviewKind, language: str) -> None:
        self._edition += 1
        self._is_diff = kind == "diff"
        if self._is_diff:
            # A diff ends with a newline that is not a line of it; of arguments, an empty last line is
            # content.
            self._lines = text.removesuffix("\n").split("\n")
            self._line_kinds = diff_kinds(self._lines)
            content = [
                line[1:] if line_kind in ("added", "removed", "plain") else ""
                for line, line_kind in zip(self._lines, self._line_kinds, strict=True)
            ]
            self._colours = Colours(content, language, whole=False)
        else:
            self._lines = text.split("\n")
            self._line_kinds = ["plain"] * len(self._lines)
            # Strings of JSON never span lines, so each can be read when it is shown; a shell's can.
            whole = kind == "command"
            self._colours = Colours(self._lines, language or ("bash" if whole else "json"), whole=whole)

    # Layout

    def on_resize(self) -> None:
        """Wrap at the new width; the line at the top stays there."""
        self._lay_out()
        self.call_after_refresh(self._tell_position)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell the new position."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_position()

    def watch_last_line_seen(self, seen: bool) -> None:
        """Tell it, once."""
        if seen:
            self.post_message(self.LastLineSeen())

    def notify_style_update(self) -> None:
        """Forget the colours of the former theme."""
        self._styles.clear()
        super().notify_style_update()

    def _lay_out(self, *, force: bool = False) -> None:
        width = self._text_width()
        if not force and self._is_laid_out():
            return
        top, _ = self._wrapped.at(self.scroll_offset.y) if self._wrapped.height else (0, 0)
        self._wrapped = WrappedLines(self._lines, width)
        self.virtual_size = Size(0, self._wrapped.height)
        if not force and 0 < top < len(self._lines):
            self.scroll_to(y=self._wrapped.first_row(top), animate=False)
        self.refresh()

    def _is_laid_out(self) -> bool:
        return self._wrapped.lines is self._lines and self._wrapped.width == self._text_width()

    def _text_width(self) -> int:
        return max(1, self.size.width - self._gutter_width())

    def _gutter_width(self) -> int:
        """Line number, wrap mark and a space; less on a narrow screen."""
        width = self.size.width
        digits = len(str(len(self._lines)))
        if width >= NUMBERED_WIDTH and width >= digits * 3:
            return digits + 3
        return 2 if width >= GUTTER_WIDTH else 0

    def _tell_position(self) -> None:
        text = self.position_text
        if text != self._told_position:
            self._told_position = text
            self.post_message(self.PositionChanged(text))

    # Keys: as of every scroll view, but at once; an animation paints each step of the way

    def action_scroll_up(self) -> None:
        """A row up."""
        self.scroll_relative(y=-1, animate=False)

    def action_scroll_down(self) -> None:
        """A row down."""
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        """A screen up, less a row."""
        self.scroll_relative(y=-max(1, self.size.height - 1), animate=False)

    def action_page_down(self) -> None:
        """A screen down, less a row."""
        self.scroll_relative(y=max(1, self.size.height - 1), animate=False)

    def action_scroll_home(self) -> None:
        """The first row."""
        self.scroll_to(y=0, animate=False)

    def action_scroll_end(self) -> None:
        """The last row."""
        self.scroll_to(y=self.max_scroll_y, animate=False)

    # Painting

    def _style(self, kind: str) -> Style:
        style = self._styles.get(kind)
        if style is None:
            style = self.get_component_rich_style(f"argument-view--{kind}")
            self._styles[kind] = style
        return style

    def render_line(self, y: int) -> Strip:
        """Row `y` of the screen."""
        width = self.size.width
        base = self.rich_style
        row = y + self.scroll_offset.y
        if width <= 0 or row >= self._wrapped.height or not self._is_laid_out():
            # Never a row wrapped for another width: it would be cut, and could count as seen.
            return Strip.blank(max(0, width), base)
        index, piece = self._wrapped.at(row)
        if row == self._wrapped.height - 1 and not self.last_line_seen:
            # Painting is the proof that it was on the screen: a row scrolled away or clipped is never asked
            # for.
            self.call_later(self._note_last_line, self._edition)
        line_kind = self._line_kinds[index]
        style = base if line_kind == "plain" else self._style(line_kind)
        segments = [*self._gutter(index, piece), *Segment.apply_style(self._content(index, piece), style)]
        return Strip(segments).adjust_cell_length(width, style)

    def _note_last_line(self, edition: int) -> None:
        if edition == self._edition:
            self.last_line_seen = True

    def _gutter(self, index: int, piece: int) -> list[Segment]:
        gutter = self._gutter_width()
        if not gutter:
            return []
        number = "" if piece or gutter == 2 else str(index + 1)
        mark = WRAP_MARK if piece else " "
        return [Segment(f"{number:>{gutter - 2}}{mark} ", self._style("gutter"))]

    def _content(self, index: int, piece: int) -> list[Segment]:
        pieces = self._wrapped.pieces(index)
        start = sum(map(len, pieces[:piece]))
        text = Text(pieces[piece], end="", no_wrap=True)
        shift = 1 if self._is_diff else 0
        plain = self._line_kinds[index] in ("plain", "added", "removed")
        for first, last, kind in self._colours.spans(index) if plain else ():
            first, last = first + shift - start, last + shift - start
            if last > 0 and first < len(text):
                # Only the foreground: the line's own background says added or removed.
                text.stylize(Style(color=self._style(kind).color), max(0, first), last)
        for mark in MARK.finditer(pieces[piece]):
            text.stylize(self._style("mark"), mark.start(), mark.end())
        return list(text.render(self.app.console))
