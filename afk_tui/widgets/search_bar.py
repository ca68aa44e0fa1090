"""The line in which one searches the conversation that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from afk_tui.widgets.typing_order import LineInput

LONGEST = 200
KEYS = "↑↓ · enter, then n N · esc"
_ROOM_FOR_KEYS = 60


class SearchBar(Horizontal):
    """A field, and how many were found. Not displayed until it is opened."""

    DEFAULT_CSS = """
    SearchBar {
        display: none;
        height: 1;
        padding: 0 2;
        background: $boost;
        & #search-sign { width: auto; min-width: 1; color: $text-primary; }
        & #search-text { width: 1fr; min-width: 4; padding: 0; background: $boost; }
        & #search-count { width: auto; max-width: 70%; min-width: 1; padding: 0 0 0 1; color: $foreground 60%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Hit above", show=False),
        Binding("down", "step(1)", "Hit below", show=False),
    ]

    @dataclass
    class Changed(Message):
        """What is searched for is now `text`."""

        text: str

    @dataclass
    class StepAsked(Message):
        """Another hit is wanted: 1 is further down."""

        direction: int

    class Entered(Message):
        """Enter: what is searched for is written."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._said = ""

    def compose(self) -> ComposeResult:
        """A sign, the field, the count."""
        yield Static("/ ", id="search-sign", markup=False)
        yield LineInput(
            id="search-text", placeholder="find in this conversation", compact=True, max_length=LONGEST
        )
        yield Static(id="search-count", markup=False)

    @property
    def field(self) -> Input:
        """Where one writes."""
        return self.query_one("#search-text", Input)

    @property
    def text(self) -> str:
        """What is searched for; "" while it is closed."""
        return self.field.value if self.display else ""

    def open(self) -> None:
        """Show it, ready to be written in; what stood there last is selected."""
        self.display = True
        self.field.focus()
        self.field.action_select_all()
        self.post_message(self.Changed(self.field.value))

    def close(self) -> None:
        """Hide it."""
        self.display = False
        self.say("")

    def say(self, text: str) -> None:
        """How many were found; the keys too, where there is room."""
        self._said = text
        keys = f" · {KEYS}" if text and self.size.width >= _ROOM_FOR_KEYS else ""
        self.query_one("#search-count", Static).update(Content(f"{text}{keys}"))

    def on_resize(self) -> None:
        """There may be room for the keys now, or none any more."""
        if self.display:
            self.say(self._said)

    def action_step(self, direction: int) -> None:
        """Ask for another hit."""
        self.post_message(self.StepAsked(direction))

    @on(Input.Changed)
    def _tell_text(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _tell_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered())
