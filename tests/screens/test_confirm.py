"""Small questions: answered on purpose, by a letter, by arrows and enter, or by a click."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from afk_tui.screens.ask_text import AskTextScreen
from afk_tui.screens.confirm import ChoiceList, ConfirmScreen
from tests.screens.stage import Stage, plain_text, until

CHOICES = [
    ("w", "wait", "Wait for it, then quit"),
    ("s", "stop", "Stop it now: its outcome may be unknown"),
    ("b", "stay", "Stay"),
]


class Clock:
    """Time stands still unless it is moved on."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self, key: events.Key | None) -> float:
        return self.now_s


@asynccontextmanager
async def asked(
    size: tuple[int, int] = (80, 24), text: str = "run_command sleep 60", *, wait: bool = True
) -> AsyncGenerator[tuple[Stage, Pilot[Any], Clock]]:
    clock = Clock()
    screen = ConfirmScreen("A call is running", text, CHOICES, danger="stop", clock=clock)
    app = Stage(screen)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: screen._deafness._quiet_since_s < float("inf"))
        if wait:
            clock.now_s += 0.6
        yield app, pilot, clock


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("w", "wait"),
        ("s", "stop"),
        ("enter", "stay"),
        ("up enter", "stop"),
        ("up up up enter", "wait"),
        ("up down down enter", "stay"),
        ("escape", None),
    ],
)
async def test_a_choice_is_taken_by_letter_or_arrows_and_the_last_one_is_selected(
    keys: str, answer: str | None
) -> None:
    async with asked() as (app, pilot, _):
        await pilot.press(*keys.split())
        await until(pilot, lambda: app.dismissed == [answer])


async def test_other_keys_answer_nothing_and_do_not_reach_the_app() -> None:
    async with asked() as (app, pilot, _):
        await pilot.press("a", "space", "tab", "y", "f1", "f4", "d")
        await pilot.pause()
        assert app.dismissed == []
        assert app.pressed == []


async def test_it_is_deaf_until_half_a_second_after_the_last_key() -> None:
    async with asked(wait=False) as (app, pilot, clock):
        for key in ("s", "enter", "w", "enter"):
            clock.now_s += 0.4
            await pilot.press(key)
        await pilot.click("#choices", offset=(3, 0))
        await pilot.pause()
        assert app.dismissed == []
        clock.now_s += 0.6
        await pilot.press("s")
        await until(pilot, lambda: app.dismissed == ["stop"])


async def test_a_click_on_a_choice_takes_it() -> None:
    async with asked() as (app, pilot, _):
        await pilot.click("#choices", offset=(3, 0))
        await until(pilot, lambda: app.dismissed == ["wait"])


async def test_a_click_beside_the_choices_or_that_brings_the_window_back_answers_nothing() -> None:
    async with asked() as (app, pilot, clock):
        await pilot.click("#text")
        await pilot.click(offset=(0, 0))
        app.app_focus = False
        await pilot.pause()
        await pilot.click("#choices", offset=(3, 0))
        await pilot.pause()
        assert app.dismissed == []
        clock.now_s += 0.6
        await pilot.click("#choices", offset=(3, 0))
        await until(pilot, lambda: app.dismissed == ["wait"])


async def test_the_text_is_plain_and_a_long_one_leaves_the_choices_on_the_screen() -> None:
    text = "[/nope] [@click=app.quit]x[/]\n" * 60
    async with asked(size=(40, 15), text=text) as (app, _, __):
        assert "[/nope] [@click=app.quit]x[/]" in plain_text(app)
        assert "b  Stay" in plain_text(app)
        assert "w  Wait for it" in plain_text(app)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (20, 5)])
async def test_it_stands_a_terminal_of_any_size(size: tuple[int, int]) -> None:
    async with asked(size=size) as (app, pilot, _):
        await pilot.press("up", "down", "pagedown")
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "Stop it now" in plain_text(app))
        assert app.screen.query_one(ChoiceList).selected == 2


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


async def test_a_paste_brings_its_first_line_with_marks_for_what_hides() -> None:
    app = Stage(AskTextScreen("New title", "a few words"))
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "a few words" in plain_text(app))
        app.post_message(events.Paste("\none \x1b[2Jtwo\nthree"))
        await until(pilot, lambda: "one ␛[2Jtwo" in plain_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.dismissed == ["one ␛[2Jtwo"])
