"""What is to be approved, whole: wrapped, never cut, and it knows when the last line has been on the
screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from afk_tui.widgets.argument_diffs import Diff, SplitSheet, UnifiedSheet
from afk_tui.widgets.argument_lines import KINDS_OF_TOKEN, Colours
from afk_tui.widgets.argument_sheets import Sheet, TextSheet, json_folds

PreviewKind = Literal["diff", "command", "json"]

# From this width on a diff is shown side by side, unless it was asked for the other way.
SPLIT_WIDTH = 96
LEAST_SPLIT_WIDTH = 48


class ArgumentView(ScrollView, can_focus=True):
    """A preview of a call's arguments, of the kind "diff", "command" or "json". The text is clean already.

    Arrows, page keys, home, end and the wheel scroll; enter and space do nothing here. Long lines go on in
    the next row, behind a mark in the gutter. Long values of JSON are folded; `toggle_folds` unfolds them, and
    `unfold_next`, or a click on one, only that. A diff is side by side where there is room, or as `toggle_split`
    says. `last_line_seen` becomes true when the last row has been painted on the screen with nothing folded, and
    stays so until another text is shown.
    """

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "argument-view--gutter",
        "argument-view--header",
        "argument-view--hunk",
        "argument-view--added",
        "argument-view--removed",
        "argument-view--absent",
        "argument-view--note",
        "argument-view--mark",
        *(f"argument-view--{kind}" for kind in KINDS_OF_TOKEN),
    }

    DEFAULT_CSS = """
    ArgumentView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        & > .argument-view--gutter { color: $foreground 45%; }
        & > .argument-view--header { text-style: bold; }
        & > .argument-view--hunk { color: $text-primary; }
        & > .argument-view--added { color: $text-success; background: $success 15%; }
        & > .argument-view--removed { color: $text-error; background: $error 15%; }
        & > .argument-view--absent { background: $foreground 4%; }
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

    class LayoutChanged(Message):
        """It is shown side by side now, or no longer, or other lines are folded."""

    @dataclass
    class PositionChanged(Message):
        """What is on the screen changed; `text` says where it ends, such as "line 12 of 40"."""

        text: str

    def __init__(
        self,
        text: str = "",
        kind: PreviewKind = "json",
        *,
        file: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._styles: dict[str, Style] = {}
        self._told_position = ""
        # Counts the texts shown: a row painted of a former one says nothing about this one.
        self._edition = 0
        # None: by the width
        self._wants_split: bool | None = None
        self._take(text, kind, file)

    def show_preview(self, text: str, kind: PreviewKind, *, file: str = "", seen: bool = False) -> None:
        """Show another text from its first line on; nothing of it has been seen yet, unless it was `seen` before.

        `file` is what a diff is of: its name says in which language the content is coloured.
        """
        self._take(text, kind, file)
        self.set_reactive(ArgumentView.last_line_seen, seen)
        self._lay_out(force=True)
        self.scroll_to(y=0, animate=False)
        self.refresh()
        self.call_after_refresh(self._tell_position)

    def _take(self, text: str, kind: PreviewKind, file: str) -> None:
        self._edition += 1
        self._diff = Diff(text, file) if kind == "diff" else None
        if self._diff is not None:
            self._sheet: Sheet = self._sheet_of_diff(self._diff)
            return
        # of arguments, an empty last line is content
        lines = text.split("\n")
        # Strings of JSON never span lines, so each can be read when it is shown; a shell's can.
        whole = kind == "command"
        colours = Colours(lines, "bash" if whole else "json", whole=whole)
        self._sheet = TextSheet(lines, colours, json_folds(lines) if kind == "json" else ())

    @property
    def room(self) -> int:
        """Columns for the text: those beside the scroll bar, whether that is there or not."""
        return self.scrollable_content_region.width

    # Ways of showing it

    @property
    def is_diff(self) -> bool:
        """Whether it can be shown in two ways."""
        return self._diff is not None

    @property
    def can_split(self) -> bool:
        """Whether there is room to show it side by side."""
        return self.is_diff and self.size.width >= LEAST_SPLIT_WIDTH

    @property
    def is_split(self) -> bool:
        """Whether it is a diff shown side by side."""
        return isinstance(self._sheet, SplitSheet)

    @property
    def folded(self) -> int:
        """How many lines are folded away."""
        return self._sheet.folded

    @property
    def can_fold(self) -> bool:
        """Whether something can be folded, or unfolded."""
        return isinstance(self._sheet, TextSheet) and self._sheet.has_folds

    def toggle_split(self) -> None:
        """Show a diff the other way, this one and those after it."""
        self._wants_split = not self.is_split
        self._lay_out()

    def toggle_folds(self) -> None:
        """Unfold everything, or fold what is long."""
        top, _ = self._sheet.line_at(min(self.scroll_offset.y, self._sheet.height - 1))
        self._sheet.set_folded(not self._sheet.folded)
        self._show_from(top)

    def unfold_next(self) -> None:
        """Unfold one: the first that is folded on the screen, or below it, or else the first of all."""
        row = self._sheet.next_fold(self.scroll_offset.y)
        if row is None:
            return
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        line, _ = self._sheet.line_at(top if top <= row < bottom else row)
        self._sheet.unfold_at(row)
        self._show_from(line)

    def on_click(self, event: events.Click) -> None:
        """Unfold what was clicked on."""
        row = event.y + self.scroll_offset.y
        if row < self._sheet.height and self._sheet.unfold_at(row):
            self._show_from(self._sheet.line_at(min(self.scroll_offset.y, self._sheet.height - 1))[0])

    def _show_from(self, line: int) -> None:
        self.virtual_size = Size(0, self._sheet.height)
        self.scroll_to(y=self._sheet.row_of(line), animate=False)
        self.post_message(self.LayoutChanged())
        self.refresh()
        self.call_after_refresh(self._tell_position)

    @property
    def position_text(self) -> str:
        """Up to where the text is on the screen: "line 12 of 40"."""
        sheet = self._sheet
        row = min(self.scroll_offset.y + self.size.height, sheet.height) - 1
        if row < 0:
            return f"line 0 of {sheet.total}"
        line, rest = sheet.line_at(row)
        folded = f", {sheet.folded} folded" if sheet.folded else ""
        return f"line {line + 1} of {sheet.total}{', which goes on below' if rest else ''}{folded}"

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
        if not force and self._is_laid_out():
            return
        was, row = self._sheet, self.scroll_offset.y
        top = was.line_at(row)[0] if row < was.height else 0
        if self._diff is not None and isinstance(was, SplitSheet) != self._is_to_be_split():
            self._sheet = self._sheet_of_diff(self._diff)
            self.post_message(self.LayoutChanged())
            top = 0 if was.total == 0 else top * self._sheet.total // was.total
        self._sheet.lay_out(self.room)
        self.virtual_size = Size(0, self._sheet.height)
        if not force and 0 < top < self._sheet.total:
            self.scroll_to(y=self._sheet.row_of(top), animate=False)
        self.refresh()
        self.call_after_refresh(self._tell_position)

    def _is_to_be_split(self) -> bool:
        wanted = self._wants_split
        if wanted is None:  # beside a new file there would be nothing
            wanted = self.size.width >= SPLIT_WIDTH and self._diff is not None and self._diff.has_former
        return wanted and self.size.width >= LEAST_SPLIT_WIDTH

    def _sheet_of_diff(self, diff: Diff) -> Sheet:
        return SplitSheet(diff) if self._is_to_be_split() else UnifiedSheet(diff)

    def _is_laid_out(self) -> bool:
        split = self._diff is not None and self._is_to_be_split()
        return self._sheet.width == self.room and split == self.is_split

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
        if kind == "plain":
            return self.rich_style
        style = self._styles.get(kind)
        if style is None:
            style = self.get_component_rich_style(f"argument-view--{kind}")
            self._styles[kind] = style
        return style

    def render_line(self, y: int) -> Strip:
        """Row `y` of the screen."""
        width = self.room
        row = y + self.scroll_offset.y
        if width <= 0 or not self._is_laid_out() or row >= self._sheet.height:
            # Never a row wrapped for another width: it would be cut, and could count as seen.
            return Strip.blank(max(0, width), self.rich_style)
        if row == self._sheet.height - 1 and not self.last_line_seen and not self._sheet.folded:
            # Painting is the proof that it was on the screen: a row scrolled away or clipped is never asked
            # for.
            self.call_later(self._note_last_line, self._edition)
        segments, style = self._sheet.paint(row, self._style, self.app.console)
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, style)

    def _note_last_line(self, edition: int) -> None:
        if edition == self._edition:
            self.last_line_seen = True
