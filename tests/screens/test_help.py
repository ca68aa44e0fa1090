"""The help holds every key and command, at every width."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.containers import VerticalScroll

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
