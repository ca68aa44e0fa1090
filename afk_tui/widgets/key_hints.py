"""The last line of a screen or of a frame: which keys do what, each of them to be clicked too."""

from __future__ import annotations

from typing import cast

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style as ContentStyle
from textual.widget import Widget

Hint = tuple[str, str]
"""Keys with a space between them, as they are written for a person, and what they do."""

_NAMES = {
    "esc": "escape",
    "del": "delete",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "/": "slash",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "←": "left",
    "→": "right",
}
_GAP = 3


def key_named(written: str) -> str:
    """What Textual calls a key that is written so for a person."""
    return _NAMES.get(written, written)


def press(app: App[object], written: str) -> None:
    """As if a person pressed that key. It comes from the app: one that comes from what is around the focus would not go
    up beyond that."""
    character = written if len(written) == 1 else None
    app.call_later(lambda: app.post_message(events.Key(key_named(written), character)))


def frame_hints(*hints: Hint) -> Content:
    """Hints for the border of a dialog; a click presses the first of the keys. Without keys it is said only."""
    parts: list[Content] = []
    for keys, what in hints:
        hint = Content(f"{keys} {what}".strip())
        if keys:
            press = f"app.press({keys.split()[0]!r})"
            hint = hint.stylize(ContentStyle.from_meta({"@click": press}))
        parts.append(hint)
    return Content(" · ").join(parts)


class PressesKeys:
    """For the app: the action of `frame_hints`."""

    def action_press(self, key: str) -> None:
        """As if a person pressed it."""
        press(cast("App[object]", self), key)


class KeyHints(Widget):
    """`hints`, the most important first. What has no room is left out; `more` then stands at the end, if it is given.

    A click presses the key (`presses`), or is told for the screen to do it; on `more` it always presses.
    """

    DEFAULT_CSS = """
    KeyHints { height: 1; padding: 0 1; color: $foreground 60%; }
    """

    class Clicked(Message):
        """A hint was clicked; `key` as it stands there. What it does is up to the screen."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    hints: reactive[tuple[Hint, ...]] = reactive(())

    def __init__(self, *, more: Hint | None = None, presses: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._more = more
        self._presses = presses

    def render(self) -> Text:
        """The hints that fit."""
        return Text((" " * _GAP), no_wrap=True, end="").join(self._fitting())

    def _fitting(self) -> list[Text]:
        room = self.size.width
        drawn = [_drawn(hint) for hint in self.hints]
        if _width(drawn) <= room:
            return drawn
        last = [_drawn(self._more)] if self._more else []
        while drawn and _width([*drawn, *last]) > room:
            drawn.pop()
        return [*drawn, *last]

    def on_click(self, event: events.Click) -> None:
        """Say which hint is under the pointer, or press its key."""
        key = event.style.meta.get("hint")
        if key is None:
            return
        if self._presses or (self._more is not None and key in self._more[0].split()):
            press(self.app, key)
        else:
            self.post_message(self.Clicked(key))


def _drawn(hint: Hint) -> Text:
    return drawn_hint(*hint, Style(bold=True), Style())


def drawn_hint(keys: str, what: str, of_keys: Style, of_words: Style) -> Text:
    """Each key tells in its style's meta, under "hint", which one it is; the words are the first one's."""
    each = keys.split()
    line = Text(" ", end="").join(Text(key, of_keys + Style(meta={"hint": key})) for key in each)
    line.append(f" {what}", of_words + Style(meta={"hint": each[0]}))
    return line


def _width(hints: list[Text]) -> int:
    return sum(hint.cell_len for hint in hints) + _GAP * max(0, len(hints) - 1)
