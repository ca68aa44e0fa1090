"""The requests that wait, one line each: which of them is shown, and which were read to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """`title` and `thread` ("": not said) are clean and of one line; `seen`: it was read to its last line."""

    title: str
    thread: str
    kind: Literal["call", "uncertain"]
    seen: bool


class RequestList(Widget, can_focus=False):
    """A list that answers nothing: the keys of the screen around it do. What is shown stays in sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "request-list--here",
        "request-list--seen",
        "request-list--unseen",
        "request-list--unknown",
        "request-list--muted",
    }
    DEFAULT_CSS = """
    RequestList {
        width: 34;
        height: 100%;
        & > .request-list--here { color: $text-accent; text-style: bold; }
        & > .request-list--seen { color: $text-success; }
        & > .request-list--unseen { color: $foreground 60%; }
        & > .request-list--unknown { color: $text-error; }
        & > .request-list--muted { color: $foreground 60%; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._requests: Sequence[ListedRequest] = ()
        self._at = 0

    def list_requests(self, requests: Sequence[ListedRequest], at: int) -> None:
        """Show these, the one `at` as the one that is shown."""
        if (requests, at) != (self._requests, self._at):
            self._requests, self._at = requests, at
            self.refresh()

    def render(self) -> Text:
        """As many as there is room for, around the one that is shown; how many are not listed is said."""
        width, height = self.size.width, self.size.height
        if width < 4 or height < 1:
            return Text("")
        tall = 2 if any(request.thread for request in self._requests) else 1
        room = max(1, height // tall)
        first = 0
        if len(self._requests) > room:
            room = max(1, (height - 1) // tall)
            first = max(0, min(self._at - room // 2, len(self._requests) - room))
        lines: list[Text] = []
        for number in range(first, min(first + room, len(self._requests))):
            lines.extend(self._lines(number, width)[:tall])
        hidden = len(self._requests) - min(room, len(self._requests))
        if hidden:
            lines.append(Text(f"  … {hidden} more", self._style("muted")))
        return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)

    def _lines(self, number: int, width: int) -> list[Text]:
        request = self._requests[number]
        is_here = number == self._at
        sign, kind = ("●", "seen") if request.seen else ("○", "unseen")
        if request.kind == "uncertain":
            sign, kind = "?", "unknown"
        here = self._style("here")
        title = Text.assemble(
            ("▸ " if is_here else "  ", here),
            (f"{sign} ", self._style(kind)),
            (fitted(request.title, width - 4), here if is_here else ""),
        )
        if not request.thread:
            return [title]
        return [title, Text(f"    {fitted(request.thread, width - 4)}", self._style("muted"))]

    def _style(self, name: str):
        return self.get_component_rich_style(f"request-list--{name}", partial=True)


def fitted(text: str, width: int) -> str:
    """`text` in at most `width` cells; what is cut off is said by "…"."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"
