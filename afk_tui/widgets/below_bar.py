"""The line that says what stands below the screen while the end is out of sight."""

from __future__ import annotations

from rich.text import Text
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class BelowBar(Widget):
    """One line, to be displayed only while something is below; `key` goes there, as a click does."""

    DEFAULT_CSS = """
    BelowBar {
        display: none;
        height: 1;
        min-width: 1;
        padding: 0 2;
        color: $text-primary;
        background: $boost;
        &.-new { color: $text-warning; text-style: bold; }
        &:hover { background: $primary-muted; }
    }
    """

    below: reactive[tuple[int, int]] = reactive((0, 0))
    """How many items are below, and how many of them are new."""

    class Clicked(Message):
        """A click: go to the end."""

    def __init__(self, key: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._key = key

    def show_below(self, below: int, new: int) -> None:
        """Say how many items are below, and how many of them are new; with none, that there is more."""
        self.below = (below, new)
        self.set_class(bool(new), "-new")

    def render(self) -> Text:
        """One line; the key has room first."""
        below, new = self.below
        goes = f"{self._key} goes to the end"
        said = (
            " · ".join(
                part
                for part in (f"{new:,} new below" if new else "", f"{below:,} below" if below > new else "")
                if part
            )
            or "more below"
        )
        for line in (f"↓ {said} · {goes}", f"↓ {said} · {self._key}", f"↓ {said}"):
            if len(line) <= self.size.width:
                break
        return Text(line, no_wrap=True, overflow="ellipsis", end="")

    def on_click(self) -> None:
        """As the key does."""
        self.post_message(self.Clicked())
