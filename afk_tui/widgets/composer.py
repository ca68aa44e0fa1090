"""Where a person writes: grows with the text, sends on enter, and leaves the app's keys to the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Location

from afk_tui.gateway.clean import clean

# Nobody types a key and then enter within this time; the keys of a paste are microseconds apart.
BURST_S = 0.015

# What `TextArea` would take from the app (DESIGN section 8). Undo moves to ctrl+underscore.
_KEYS_OF_THE_APP = frozenset({"f6", "f7", "ctrl+z", "super+z", "ctrl+c", "super+c"})


def _time_read(event: events.Key) -> float:
    return event.time


def _bindings_left() -> list[BindingType]:
    left: list[BindingType] = []
    for binding in TextArea.BINDINGS:
        assert isinstance(binding, Binding)
        if _KEYS_OF_THE_APP.isdisjoint(binding.key.split(",")):
            left.append(binding)
    return left


class Composer(TextArea, inherit_bindings=False):
    """A draft of one to eight lines on the screen.

    Enter sends. A new line is ctrl+j, shift+enter where the terminal delivers it, enter after a backslash
    (which goes), or an enter within `BURST_S` of the key before: that is a paste of a terminal without
    bracketed paste. Sending empties the composer and posts no `DraftChanged`: a draft on disk stays until the
    message is stored. `clock(key event)` gives the time of a key in seconds, by default the time at which it
    was read.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 3;
        max-height: 10;
        border: round $foreground 25%;
        background: transparent;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: round $border; }
        & .text-area--cursor-line { background: transparent; }
        & .text-area--placeholder { color: $foreground 60%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *_bindings_left(),
        Binding("ctrl+j,shift+enter", "new_line", "New line", show=False),
        Binding("ctrl+underscore", "undo", "Undo", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed; `text` is what was written, as written."""

        text: str

    class EmptySubmitted(Message):
        """Enter was pressed with nothing, or only blanks, in the composer."""

    @dataclass
    class DraftChanged(Message):
        """The draft is now `text`, by typing, pasting or undoing; not posted by `set_draft` or by sending."""

        text: str

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        cursor_blink: bool = True,
        clock: Callable[[events.Key], float] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            text, placeholder=Content(placeholder), highlight_cursor_line=False, id=id, classes=classes
        )
        self.can_submit = True
        """False: enter keeps the draft and rings the bell."""
        self.cursor_blink = cursor_blink
        self._clock = clock or _time_read
        self._last_key_s = float("-inf")
        self._known_draft = self.text

    @property
    def draft(self) -> str:
        """What is written now."""
        return self.text

    def set_draft(self, text: str) -> None:
        """Show `text` with the cursor at its end, as at the opening of a thread; forgets what could be
        undone."""
        self._known_draft = text
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._known_draft = self.text

    def action_new_line(self) -> None:
        """Begin a new line at the cursor."""
        self._replace_via_keyboard("\n", *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        now_s = self._clock(event)
        in_burst = now_s - self._last_key_s < BURST_S
        self._last_key_s = now_s
        if event.key != "enter":
            return
        event.stop()
        event.prevent_default()
        row, column = self.cursor_location
        before = self.document[row][:column]
        if in_burst:
            self.action_new_line()
        elif self.selection.is_empty and before.endswith("\\"):
            self._replace_via_keyboard("\n", (row, column - 1), (row, column))
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.text
        if not text.strip():
            self.post_message(self.EmptySubmitted())
        elif not self.can_submit:
            self.app.bell()
        else:
            self._known_draft = ""
            self.clear()
            self.post_message(self.Submitted(text))

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        # A terminal sends CR for the line ends of a paste. Tabs are the person's own; what hides is not.
        pasted = event.text.replace("\r\n", "\n").replace("\r", "\n")
        pasted = "\t".join(clean(part) for part in pasted.split("\t"))
        if result := self._replace_via_keyboard(pasted, *self.selection):
            self.move_cursor(result.end_location)
            self.focus()

    @on(TextArea.Changed)
    def _tell_the_draft(self, event: TextArea.Changed) -> None:
        event.stop()
        text = self.text
        if text != self._known_draft:
            self._known_draft = text
            self.post_message(self.DraftChanged(text))

    def find_matching_bracket(self, bracket: str, search_from: Location) -> Location | None:
        """None: this is prose, and the search reads the whole draft at each key."""
        return None
