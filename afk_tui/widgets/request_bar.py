"""The bar above the composer while calls wait for a decision."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget


class RequestBar(Widget):
    """One line: how many calls wait, the first of them, and the keys that open it. Hidden while none
    waits."""

    DEFAULT_CSS = """
    RequestBar {
        height: 1;
        display: none;
        padding: 0 1;
        background: $warning-muted;
        color: $text-warning;
        pointer: pointer;
        &.-waiting { display: block; }
        &:hover { background: $warning; color: auto; }
    }
    """

    class Opened(Message):
        """The bar was clicked."""

    def __init__(self, *, key: str = "F4", id: str | None = None, classes: str | None = None) -> None:
        """`key`: what opens the requests, as it is written for a person."""
        super().__init__(id=id, classes=classes)
        self._key = key
        self.count = 0
        self._title = ""
        self._elsewhere = 0

    def show_requests(self, count: int, title: str = "", *, elsewhere: int = 0) -> None:
        """`count` calls wait in this thread, the first of them `title` (one clean line); `elsewhere` in
        others."""
        self.count, self._title, self._elsewhere = count, title, elsewhere
        self.set_class(count > 0 or elsewhere > 0, "-waiting")
        self.refresh()

    def render(self) -> Text:
        """The longest wording that fits; the count and the key are the last to go."""
        width = self.size.width
        wordings = self._wordings()
        for wording in wordings[:-1]:
            if Text(wording).cell_len <= width:
                return Text(wording, no_wrap=True)
        return Text(wordings[-1], no_wrap=True, overflow="ellipsis", end="")

    def _wordings(self) -> list[str]:
        key = self._key
        if not self.count:
            calls = "1 call waits" if self._elsewhere == 1 else f"{self._elsewhere} calls wait"
            return [
                f"{calls} for you in other threads — {key} to decide",
                f"{key}: {calls} in other threads",
                f"{key}: {calls}",
            ]
        calls = "1 call waits" if self.count == 1 else f"{self.count} calls wait"
        others = f" (and {self._elsewhere} in other threads)" if self._elsewhere else ""
        room = max(8, self.size.width - len(f"{key}: {calls}: "))
        title = self._title if Text(self._title).cell_len <= room else f"{self._title[: room - 1]}…"
        return [
            f"{calls} for you{others}: {self._title} — {key} or enter on an empty line to decide",
            f"{calls} for you: {self._title} — {key} or enter on an empty line to decide",
            f"{calls} for you: {self._title} — {key} to decide",
            f"{key}: {calls}: {title}" if self.size.width > 30 else f"{key}: {calls}",
            f"{key}: {calls}",
        ]

    def on_click(self, event: events.Click) -> None:
        """Tell that the bar was clicked."""
        event.stop()
        self.post_message(self.Opened())
