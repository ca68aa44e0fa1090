"""Fields of dialogs to write in. What is pasted is cleaned, as everything that comes from elsewhere."""

from __future__ import annotations

from textual import events

from afk_tui.gateway.clean import clean
from afk_tui.widgets.typing_order import LineInput, TextInput


class LineField(LineInput):
    """One line."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        line = next((line for line in clean(event.text).splitlines() if line.strip()), "")
        self.replace(line, *self.selection)

    def take_key(self, character: str) -> None:
        """A character typed before the field had the focus."""
        self.insert_text_at_cursor(character)


class TextField(TextInput):
    """Several lines; enter begins a new one."""

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        pasted = clean(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if result := self._replace_via_keyboard(pasted, *self.selection):
            self.move_cursor(result.end_location)

    def take_key(self, character: str) -> None:
        """A character typed before the field had the focus."""
        self.insert(character)
