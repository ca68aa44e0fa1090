"""The help: every key and every /command."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget

from afk_tui.actions import ACTIONS, LOCAL_KEYS, Action
from afk_tui.keys import actions_of
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import frame_hints

INTRODUCTION = (
    "Chat with an agent that has real tools. Nothing that changes anything runs before you allow it. "
    "What waits, waits on disk: quit whenever you like."
)
COMMANDS_NOTE = (
    "A /command is typed in the composer: for terminals that keep a key to themselves. "
    "The menu and the palette offer the same. Give actions other keys in config.toml: afk-tui doctor says where."
)

_KEYS = max(len(key) for key, _, _ in LOCAL_KEYS)
_COMMANDS = max(len(action.command) for action in ACTIONS) + 1
# below this many cells, what a key does stands under the key
_ROOM_FOR_COLUMNS = 62


def help_text(width: int, offered: Sequence[Action] = ACTIONS) -> Content:
    """All of it, wrapped to `width` cells, with the keys of these actions."""
    width = max(12, width)
    lines = [*_wrapped(INTRODUCTION, width), Content()]
    for group, actions in groupby(offered, lambda action: action.group):
        lines.append(_heading(group))
        for action in actions:
            lines += _row(action.key_label, f"/{action.command}", action.about, width)
        lines.append(Content())
    lines += [*_wrapped(COMMANDS_NOTE, width), Content()]
    for place, keys in groupby(LOCAL_KEYS, lambda local: local[2]):
        lines.append(_heading(_WHERE.get(place, place)))
        for key, does, _ in keys:
            lines += _row(key, "", f"{does[:1].upper()}{does[1:]}", width)
        lines.append(Content())
    return Content("\n").join(lines[:-1])


_WHERE = {
    "Composer": "In the composer",
    "Conversation": "In the conversation",
    "Lists": "In every list",
    "Request": "On a request",
    "Summary": "In the summary",
    "Compaction": "In compaction",
    "Grants": "In the list of grants",
    "Checkpoints": "In the checkpoints",
}


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def _wrapped(text: str, width: int) -> list[Content]:
    return [Content(line) for line in textwrap.wrap(text, width)]


def _row(key: str, command: str, does: str, width: int) -> list[Content]:
    if width < _ROOM_FOR_COLUMNS:
        names = Content("  ").join(
            Content.styled(name, style) for name, style in ((key, "bold"), (command, "$text-accent")) if name
        )
        return [names, *(Content(f"  {line}") for line in textwrap.wrap(does, width - 2))]
    # a key of one action and the longest of a place share a column, so that all texts begin in one line
    column = _KEYS + 2
    if command:
        first = Content.assemble(
            (f"{key:<{column - _COMMANDS - 2}}", "bold"), (f"{command:<{_COMMANDS + 2}}", "$text-accent")
        )
    else:
        first = Content.styled(f"{key:<{column}}", "bold")
    head, *rest = textwrap.wrap(does, width - column) or [""]
    return [first + Content(head), *(Content(" " * column + line) for line in rest)]


class _HelpText(Widget):
    def render(self) -> Content:
        """The text, at this width."""
        return help_text(self.content_size.width, actions_of(self.app))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the text takes at this width."""
        return len(help_text(width, actions_of(self.app)).plain.split("\n"))


class HelpScreen(PaintsKeys, ModalScreen[None]):
    """Every key, by where it acts, and the /commands. Arrows scroll; escape or f1 closes."""

    CSS_PATH = styles_folder() / "help.tcss"
    AUTO_FOCUS = "#help"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f1", "dismiss(None)", "Close", show=False, id="help"),
    ]

    def compose(self) -> ComposeResult:
        """One long text."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = frame_hints(("↑↓", "scroll"), ("esc", "close"))
            yield _HelpText()
