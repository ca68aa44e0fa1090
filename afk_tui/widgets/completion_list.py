"""What a word that is being written could become: a few lines above the composer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.style import Style
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

ROWS = 8
_FILE = re.compile(r'(?:^|(?<=[\s(\[{,;:]))@(?:"([^"]*)|([^\s"@]*))$')
_COMMAND = re.compile(r"/([\w-]*)$")


@dataclass(frozen=True, slots=True)
class Token:
    """A word that can be completed: "/" a command, which is all that is written, or "@" a file. It stands in line `row`
    from `column` (its sign) up to the cursor; `text` is without the sign."""

    kind: Literal["/", "@"]
    text: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Completion:
    """One possibility: `value` takes the place of the word. `label` and `about` are clean lines."""

    value: str
    label: str
    about: str = ""


def token_before(line: str, row: int, *, whole: bool) -> Token | None:
    """The word that ends where `line` ends, at the cursor. `whole`: nothing else is written."""
    if whole and (command := _COMMAND.fullmatch(line)):
        return Token("/", command[1], row, 0)
    if found := _FILE.search(line):
        return Token("@", found[1] or found[2] or "", row, found.start())
    return None


class CompletionList(Widget):
    """Shown while it has something to offer. The composer has the focus, and hands it the keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"completion-list--selected", "completion-list--about"}

    DEFAULT_CSS = """
    CompletionList {
        display: none;
        height: auto;
        min-width: 1;
        padding: 0 1;
        border: round $primary;
        border-subtitle-color: $text-muted;
        background: $surface;
        & > .completion-list--selected {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
        & > .completion-list--about { color: $foreground 60%; }
    }
    """

    @dataclass
    class Chosen(Message):
        """A click on a possibility."""

        completion: Completion

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offers: Sequence[Completion] = ()
        self.token: Token | None = None
        """The word that is offered for."""
        self._at = 0
        self._first = 0

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose from."""
        return bool(self._offers)

    @property
    def selected(self) -> Completion | None:
        """The one that tab or enter would take."""
        return self._offers[self._at] if self._offers else None

    def show(self, token: Token | None, offers: Sequence[Completion], note: str = "") -> None:
        """Offer these for a word, the first of them selected; `note` says what is not among them. None at all: hide."""
        self.token, self._offers = token, tuple(offers)
        self._at = self._first = 0
        self.display = bool(offers)
        self.border_subtitle = Content(note or "tab takes it · esc closes")
        self.refresh(layout=True)

    def hide(self) -> None:
        """Offer nothing."""
        self.show(None, ())

    def move(self, by: int) -> None:
        """Select another one; round at the ends."""
        if not self._offers:
            return
        self._at = (self._at + by) % len(self._offers)
        rows = self._rows
        self._first = max(min(self._first, self._at), self._at - rows + 1)
        self.refresh()

    @property
    def _rows(self) -> int:
        room = self.app.size.height - 12
        return max(1, min(ROWS, len(self._offers), room))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are, up to ROWS, and fewer on a low screen."""
        return self._rows if self._offers else 0

    def render(self) -> Text:
        """The possibilities around the selected one."""
        width = self.size.width
        about_style = Style(color=self.get_component_rich_style("completion-list--about").color)
        lines: list[Text] = []
        for index in range(self._first, min(len(self._offers), self._first + self.size.height)):
            offer = self._offers[index]
            line = Text(offer.label, no_wrap=True, end="")
            if offer.about:
                line.append(f"  {offer.about}", about_style)
            line.truncate(width, overflow="ellipsis", pad=True)
            if index == self._at:
                line.stylize(self.get_component_rich_style("completion-list--selected", partial=True))
            lines.append(line)
        return Text("\n", no_wrap=True, end="").join(lines)

    def on_click(self, event: events.Click) -> None:
        """Take the one that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and self._first + offset.y < len(self._offers):
            self.post_message(self.Chosen(self._offers[self._first + offset.y]))
