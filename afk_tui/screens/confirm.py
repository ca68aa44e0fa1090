"""A question with a few answers, the harmless one last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from afk_tui.screens.deafness import LOOK_EVERY_S, QUIET_S, Clock, Deafness, key_time
from afk_tui.styles_folder import styles_folder
from afk_tui.telling import hush
from afk_tui.terminal.pacing import PaintsKeys

Choice = tuple[str, str, str]
"""The key (one letter), the id that is answered, and the label."""


class ChoiceList(Widget, can_focus=True):
    """The choices, a line or more each; `selected` is the one that enter would take."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choice-list--key",
        "choice-list--selected",
        "choice-list--danger",
    }

    def __init__(self, choices: Sequence[Choice], danger: str | None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.selected = len(self.choices) - 1
        self._danger = danger

    def select(self, index: int) -> None:
        """Another one; beyond the ends it stays."""
        self.selected = max(0, min(index, len(self.choices) - 1))
        self.refresh()

    def choice_at(self, y: int) -> Choice | None:
        """The choice on this row of the widget."""
        rows = self._rows(self.size.width)
        return self.choices[rows[y][0]] if 0 <= y < len(rows) else None

    def _rows(self, width: int) -> list[tuple[int, Text]]:
        """Each row with the number of its choice."""
        if width < 1:
            return []
        rows: list[tuple[int, Text]] = []
        for index, (key, choice_id, label) in enumerate(self.choices):
            selected = index == self.selected
            text = Text(f"{'›' if selected else ' '} {key}  {label}", end="")
            if choice_id == self._danger:
                text.stylize(self.get_component_rich_style("choice-list--danger", partial=True))
            text.stylize(self.get_component_rich_style("choice-list--key", partial=True), 2, 2 + len(key))
            hang = " " * min(2 + cell_len(key) + 2, width // 2)
            lines = text.wrap(self.app.console, max(1, width - len(hang)))
            for number, line in enumerate(lines):
                row = Text(hang).append_text(line) if number else line
                row.truncate(width, pad=True)
                if selected:
                    row.stylize(self.get_component_rich_style("choice-list--selected", partial=True))
                rows.append((index, row))
        return rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the labels need."""
        return len(self._rows(width))

    def render(self) -> Text:
        """The rows."""
        rows = [row for _, row in self._rows(self.size.width)]
        return Text("\n", no_wrap=True, end="", overflow="crop").join(rows)


class ConfirmScreen(PaintsKeys, ModalScreen[str | None]):
    """Asks `text` under `title` (clean, plain); answers the id of the choice, None for escape.

    A choice is taken by its letter, by the arrows and enter (at first on the last choice, which should be the
    harmless one), or by a click; deaf to all of it for half a second. `danger` is the id of the choice to be shown as
    dangerous.
    """

    AUTO_FOCUS: ClassVar[str | None] = ""
    CSS_PATH = styles_folder() / "confirm.tcss"

    def __init__(
        self,
        title: str,
        text: str,
        choices: Sequence[Choice],
        danger: str | None = None,
        *,
        clock: Clock = key_time,
    ) -> None:
        super().__init__()
        self._title_text = title
        self._text = text
        self._choices = tuple(choices)
        self._danger = danger
        self._clock = clock
        self._deafness = Deafness(clock)
        # A click within a moment of this only brings the window back.
        self._focused_at_s = float("-inf")

    def compose(self) -> ComposeResult:
        """The question, and below it the answers."""
        with Vertical(id="dialog"):
            yield Static(Content(self._title_text), id="title", markup=False)
            with VerticalScroll(id="about", can_focus=False):
                yield Static(Content(self._text), id="text", markup=False)
            yield ChoiceList(self._choices, self._danger, id="choices")
            yield Static(id="sign", markup=False)

    def on_mount(self) -> None:
        """Deaf until the question has been on the screen for a while."""
        hush(self.app)
        self.set_focus(self._list)
        self.watch(self.app, "app_focus", self._note_focus, init=False)
        self.set_interval(LOOK_EVERY_S, self._tell_readiness)
        self._tell_readiness()
        self.call_after_refresh(self._deafness.begin)

    @property
    def is_ready(self) -> bool:
        """Whether an answer pressed now would be heard."""
        return self._deafness.is_over

    @property
    def _list(self) -> ChoiceList:
        return self.query_one("#choices", ChoiceList)

    def _note_focus(self) -> None:
        self._focused_at_s = self._clock(None)

    def _tell_readiness(self) -> None:
        arrows = "↑↓ and enter, a letter, or esc" if self._deafness.is_over else "…"
        self.query_one("#sign", Static).update(Content(arrows))

    def on_key(self, event: events.Key) -> None:
        """Letters, arrows and enter once it hears; escape always."""
        heard = self._deafness.hears(event)
        taken = True
        match event.key:
            case "escape":
                self._answer(None)
            case "up" | "down":
                self._list.select(self._list.selected + (1 if event.key == "down" else -1))
            case "pageup" | "pagedown":
                about = self.query_one("#about", VerticalScroll)
                about.scroll_relative(
                    y=about.size.height * (1 if event.key == "pagedown" else -1), animate=False
                )
            case "enter" if heard:
                self._answer(self._choices[self._list.selected][1])
            case key:
                found = next((choice for choice in self._choices if choice[0] == key), None)
                taken = found is not None or key == "enter"
                if found is not None and heard:
                    self._answer(found[1])
        if taken:
            event.stop()
            event.prevent_default()
        else:
            self._deafness.mistaken(event)

    def on_click(self, event: events.Click) -> None:
        """On a choice, unless the click only brought the window back."""
        just_back = self._clock(None) - self._focused_at_s < QUIET_S
        if event.widget is self._list and self._deafness.is_over and not just_back:
            choice = self._list.choice_at(event.y - self._list.gutter.top)
            if choice is not None:
                self._answer(choice[1])

    def _answer(self, choice_id: str | None) -> None:
        if self.is_active:
            self.dismiss(choice_id)
