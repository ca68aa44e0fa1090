"""The last line: the menu's key and the count of what waits, always; other keys where there is room."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class KeyHints(Widget):
    """`hints` are (key, what it does), the most important first; what has no room is left out."""

    DEFAULT_CSS = """
    KeyHints { height: 1; padding: 0 1; color: $foreground 60%; }
    """

    class Clicked(Message):
        """A hint was clicked; `key` as it stands there. What it does is up to the screen."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    hints: reactive[tuple[tuple[str, str], ...]] = reactive(())

    def render(self) -> Text:
        """The hints that fit."""
        line = Text(no_wrap=True, end="")
        for key, what in self.hints:
            hint = Text.assemble((key, "bold"), f" {what}", end="")
            hint.stylize(Style(meta={"hint": key}))
            if line.cell_len and line.cell_len + 3 + hint.cell_len > self.size.width:
                break
            if line.cell_len:
                line.append("   ")
            line.append_text(hint)
        return line

    def on_click(self, event: events.Click) -> None:
        """Say which hint is under the pointer."""
        key = event.style.meta.get("hint")
        if key is not None:
            self.post_message(self.Clicked(key))
