"""Asks for one line of text."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from afk_tui.screens.fields import LineField
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys


class AskTextScreen(PaintsKeys, ModalScreen[str | None]):
    """Answers what was written, without blanks around it; an empty line is not sent. Escape answers None."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    CSS_PATH = styles_folder() / "ask_text.tcss"

    def __init__(self, title: str, placeholder: str, initial: str = "") -> None:
        super().__init__()
        self._title_text = title
        self._placeholder = placeholder
        self._initial = initial

    def compose(self) -> ComposeResult:
        """The question and the line."""
        with Vertical(id="dialog"):
            yield Static(Content(self._title_text), id="title", markup=False)
            yield LineField(
                self._initial,
                placeholder=self._placeholder,
                compact=True,
                select_on_focus=False,
                id="line",
            )
            yield Static(Content("enter takes it · esc leaves it"), id="sign", markup=False)

    def on_mount(self) -> None:
        """Ready to write, at the end of what is there."""
        line = self.query_one("#line", LineField)
        line.cursor_position = len(line.value)
        self.set_focus(line)

    def on_key(self, event: events.Key) -> None:
        """Escape; the rest is the line's."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self._answer(None)

    @on(LineField.Submitted)
    def take_line(self, event: LineField.Submitted) -> None:
        """Enter, with something written."""
        event.stop()
        if text := event.value.strip():
            self._answer(text)
        else:
            self.app.bell()

    def _answer(self, text: str | None) -> None:
        if self.is_active:
            self.dismiss(text)
