"""Small questions: answered on purpose, by a letter, by arrows and enter, or by a click."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

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


async def test_the_rest_of_a_word_that_begins_with_another_letter_answers_nothing() -> None:
    async with asked() as (app, pilot, clock):
        for letter in "news":
            await pilot.press(letter)
            clock.now_s += 0.12
        await pilot.pause()
        assert app.dismissed == []
        clock.now_s += 0.6
        await pilot.press("w")
        await until(pilot, lambda: app.dismissed == ["wait"])


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
