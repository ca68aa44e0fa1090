"""One of a few words, side by side: chosen by the arrows, by a click, or from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class ChoiceRow(Widget, can_focus=True):
    """`value` is one of `options`, clean texts. What a person chooses is posted; what `value` is set to is not."""

    DEFAULT_CSS = """
    ChoiceRow {
        width: 1fr;
        min-width: 1;
        height: auto;
        &:focus { background: $boost; text-style: bold; }
        &:disabled { color: $foreground 60%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Before", show=False),
        Binding("right", "move(1)", "After", show=False),
    ]

    value: reactive[str] = reactive("", layout=True)

    class Chosen(Message):
        """A person chose `value`."""

        def __init__(self, row: ChoiceRow, value: str) -> None:
            super().__init__()
            self.row = row
            self.value = value

        @property
        def control(self) -> ChoiceRow:
            """Where."""
            return self.row

    def __init__(self, options: Sequence[str], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self.options = tuple(options)
        self.set_reactive(ChoiceRow.value, value)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the words take."""
        return self._text(width).plain.count("\n") + 1

    def render(self) -> Text:
        """The words with their marks."""
        return self._text(self.size.width)

    def _text(self, width: int) -> Text:
        """One that does not fit goes to the next line whole."""
        text, used = Text(no_wrap=True, overflow="ellipsis"), 0
        for n, option in enumerate(self.options):
            word = f"{'●' if option == self.value else '○'} {option}"
            if used and used + 2 + cell_len(word) > width:
                text.append("\n")
                used = 0
            elif used:
                text.append("  ")
                used += 2
            text.append(word, Style(meta={"choice": n}))
            used += cell_len(word)
        return text

    def choose(self, value: str) -> None:
        """As if a person had."""
        self.value = value
        self.post_message(self.Chosen(self, value))

    def choose_next(self) -> None:
        """The one behind; behind the last the first."""
        at = self.options.index(self.value) if self.value in self.options else -1
        self.choose(self.options[(at + 1) % len(self.options)])

    def action_move(self, by: int) -> None:
        """To the neighbour, if there is one."""
        at = self.options.index(self.value) if self.value in self.options else 0
        if 0 <= at + by < len(self.options):
            self.choose(self.options[at + by])

    def on_click(self, event: events.Click) -> None:
        """The word under the pointer."""
        at = event.style.meta.get("choice")
        if at is not None and not self.is_disabled:
            self.choose(self.options[at])
