"""The dialog for one line of text."""

from __future__ import annotations

from afk_tui.screens.ask_text import AskTextScreen
from tests.screens.stage import Stage, plain_text, until


async def test_a_line_of_text_is_asked_for_and_blanks_around_it_go() -> None:
    app = Stage(AskTextScreen("New title [/nope]", "a few words", "draft"))
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "New title [/nope]" in plain_text(app))
        await pilot.press("space", *"two", "space", "enter")
        await until(pilot, lambda: app.dismissed == ["draft two"])


async def test_an_empty_line_is_not_sent_and_escape_answers_nothing() -> None:
    app = Stage(AskTextScreen("New title", "a few words"))
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "a few words" in plain_text(app))
        await pilot.press("space", "enter", "f1")
        await pilot.pause()
        assert app.dismissed == []
        assert app.pressed == []
        await pilot.press("escape")
        await until(pilot, lambda: app.dismissed == [None])
