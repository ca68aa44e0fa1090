"""Short texts of dialogs: a paragraph of at most some lines, and a legend of keys that wraps between keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.widget import Widget

from afk_tui.widgets.key_hints import drawn_hint, press


class Paragraph(Widget):
    """Plain text in at most `most` lines; of what is more it says how many lines. Takes no room while it is empty."""

    DEFAULT_CSS = """
    Paragraph { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._text = ""
        self._most = 4
        self.display = False

    @property
    def text(self) -> str:
        """What it says, whole."""
        return self._text

    def say(self, text: str, *, most: int = 4) -> None:
        """Show `text` (clean, plain) in at most `most` lines."""
        if (text, most) == (self._text, self._most):
            return
        self._text, self._most = text, max(1, most)
        self.display = bool(text)
        self.refresh(layout=True)

    def _lines(self, width: int) -> list[Text]:
        if width < 1:
            return []
        whole = list(Text(self._text).wrap(self.app.console, width))
        lines = whole[: self._most]
        if len(lines) < len(whole):
            cut = f"… +{len(whole) - len(lines)}"
            room = max(0, width - len(cut))
            lines[-1] = Text(f"{set_cell_size(lines[-1].plain.rstrip(), room).rstrip()}{cut}"[:width])
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it needs and may have."""
        return len(self._lines(width))

    def render(self) -> Text:
        """The lines."""
        return Text("\n", no_wrap=True, end="").join(self._lines(self.size.width))


@dataclass(frozen=True, slots=True)
class KeyHint:
    """`brief` is what the key does on a narrow screen, `word` on a tiny one ("": as `brief`). `ready` False: it
    does not work yet."""

    keys: str
    does: str
    brief: str
    word: str = ""
    ready: bool = True


class KeyLegend(Widget):
    """Which keys do what; wraps between the keys, never inside of one. A click presses the key that it is on."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-legend--key", "key-legend--does", "key-legend--not-yet"}
    BRIEF_WIDTH = 66
    WORD_WIDTH = 34
    DEFAULT_CSS = """
    KeyLegend {
        height: auto;
        width: 1fr;
        & > .key-legend--key { color: $text-accent; text-style: bold; }
        & > .key-legend--does { color: $foreground; }
        & > .key-legend--not-yet { color: $foreground 50%; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._hints: Sequence[KeyHint] = ()

    @property
    def hints(self) -> Sequence[KeyHint]:
        """What is listed."""
        return self._hints

    def list_keys(self, hints: Sequence[KeyHint]) -> None:
        """Show these keys."""
        if hints != self._hints:
            self._hints = hints
            self.refresh(layout=True)

    def _rows(self, width: int) -> list[list[KeyHint]]:
        rows: list[list[KeyHint]] = []
        used = 0
        for hint in self._hints:
            needs = cell_len(f"{hint.keys} {self._words(hint, width)}")
            if not rows or used + self._gap(width) + needs > width:
                rows.append([])
                used = -self._gap(width)
            rows[-1].append(hint)
            used += self._gap(width) + needs
        return rows

    def _words(self, hint: KeyHint, width: int) -> str:
        if width < self.WORD_WIDTH:
            return hint.word or hint.brief
        return hint.brief if width < self.BRIEF_WIDTH else hint.does

    def _gap(self, width: int) -> int:
        return 2 if width < self.BRIEF_WIDTH else 3

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the keys need at this width."""
        return len(self._rows(width))

    def render(self) -> Text:
        """The rows."""
        width = self.size.width
        key, does, not_yet = (
            self.get_component_rich_style(f"key-legend--{name}") for name in ("key", "does", "not-yet")
        )
        gap = " " * self._gap(width)
        rows = [
            Text(gap).join(
                drawn_hint(
                    hint.keys,
                    self._words(hint, width),
                    key if hint.ready else not_yet,
                    does if hint.ready else not_yet,
                )
                for hint in row
            )
            for row in self._rows(width)
        ]
        return Text("\n", no_wrap=True, end="", overflow="crop").join(rows)

    def on_click(self, event: events.Click) -> None:
        """What the key does: the same rules hold."""
        key = event.style.meta.get("hint")
        if key is not None:
            press(self.app, key)
