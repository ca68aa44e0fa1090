"""The help holds every key and command, at every width."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.widgets import TextArea

import afk_tui.screens
import afk_tui.widgets
from afk_tui.actions import ACTIONS, LOCAL_KEYS
from afk_tui.screens.help import HelpScreen, help_text


class Room(App[None]):
    def on_mount(self) -> None:
        self.push_screen(HelpScreen())


@pytest.mark.parametrize("width", [20, 34, 61, 62, 86, 200])
def test_every_key_and_command_is_there_and_no_line_is_too_wide(width: int) -> None:
    text = help_text(width).plain
    words = " ".join(text.split())
    assert "Nothing that changes anything runs before you allow it." in words
    for action in ACTIONS:
        assert action.key_label in text
        assert f"/{action.command}" in text
        assert " ".join(action.about.split()) in words
    for key, does, _ in LOCAL_KEYS:
        assert key in text
        assert f"{does[0].upper()}{does[1:]}" in words
    assert max(len(line) for line in text.split("\n")) <= max(width, 24)


@pytest.mark.parametrize("key", ["escape", "f1"])
async def test_it_closes(key: str) -> None:
    app = Room()
    async with app.run_test() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


@pytest.mark.parametrize("size", [(80, 24), (40, 15), (30, 8)])
async def test_its_last_line_can_be_scrolled_to(size: tuple[int, int]) -> None:
    app = Room()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        box = app.screen.query_one("#help", VerticalScroll)
        await pilot.press("down")
        await pilot.pause()
        assert box.scroll_target_y == 1
        await pilot.press("end")
        await pilot.pause()
        assert box.max_scroll_y > 0
        assert box.scroll_target_y == box.max_scroll_y
        text = box.children[0]
        assert text.size.height == len(help_text(text.content_size.width).plain.split("\n"))


PLACES = {
    "CheckpointsScreen": "Checkpoints",
    "CompactionScreen": "Compaction",
    "Composer": "Composer",
    "ConversationCursor": "Conversation",
    "GrantsScreen": "Grants",
    "OutputScreen": "Long result",
    "OutputView": "Long result",
    "PagedList": "Lists",
    "SummaryScreen": "Summary",
    "ThreadList": "Thread list",
    "TimelineList": "Checkpoints",
}
# they say their keys themselves, and are left with the help's own "esc"
SAY_THEMSELVES = {
    "ChoiceRow",
    "EditMessageScreen",
    "FindScreen",
    "HelpScreen",
    "InboxScreen",
    "MainScreen",
    "MenuScreen",
    "PasteScreen",
    "SearchBar",
    "ThemeScreen",
}
WRITTEN = {
    "pageup": "pgup",
    "pagedown": "pgdn",
    "delete": "del",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "ctrl+underscore": "ctrl+_",
    "slash": "/",
}


def classes_with_bindings() -> Iterator[type[DOMNode]]:
    for package in (afk_tui.screens, afk_tui.widgets):
        for module in pkgutil.iter_modules(package.__path__):
            found = importlib.import_module(f"{package.__name__}.{module.name}")
            for kind in vars(found).values():
                if inspect.isclass(kind) and kind.__module__ == found.__name__ and "BINDINGS" in vars(kind):
                    yield kind


def test_every_key_that_is_bound_anywhere_stands_in_the_help() -> None:
    untold: list[str] = []
    for kind in classes_with_bindings():
        if kind.__name__ in SAY_THEMSELVES:
            continue
        told = {
            key.strip("(),:")
            for keys, does, place in LOCAL_KEYS
            if place == PLACES.get(kind.__name__, place)
            for key in f"{keys} {does}".split()
        }
        inherited = set(TextArea.BINDINGS) if issubclass(kind, TextArea) else set()
        for binding in (binding for binding in kind.BINDINGS if binding not in inherited):
            assert isinstance(binding, Binding)
            # those with an id are keys of actions, which all stand there
            keys = [] if binding.id else binding.key.split(",")
            untold += [
                f"{kind.__name__}: {key}"
                for key in keys
                if key != "escape" and WRITTEN.get(key, key) not in told
            ]
    assert untold == []
