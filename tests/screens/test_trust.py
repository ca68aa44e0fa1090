"""The question of a first start says what matters and is never answered by accident."""

from __future__ import annotations

import time
from itertools import count

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from afk_tui.screens.deafness import Clock, key_time
from afk_tui.screens.trust import TrustScreen


class Room(App[None]):
    def __init__(self, screen: TrustScreen) -> None:
        super().__init__()
        self.question = screen
        self.answers: list[bool | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.question, self.answers.append)

    @property
    def said(self) -> str:
        return "\n".join(str(static.content) for static in self.question.query(Static))


def question(
    *,
    folder: str = "/home/ada/project",
    is_demo: bool = False,
    always: bool = False,
    clock: Clock | None = None,
) -> TrustScreen:
    hours = count(step=3600)
    passing = clock or (lambda key: float(next(hours)))  # so that it hears as soon as it is on the screen
    return TrustScreen(folder, "api.example.org", "model-7", is_demo, always, clock=passing)


async def listening(pilot: Pilot[None], screen: TrustScreen) -> None:
    deadline = time.monotonic() + 10
    while not screen.is_ready:
        assert time.monotonic() < deadline
        await pilot.pause()


async def test_it_says_folder_host_model_and_what_is_sent() -> None:
    app = Room(question())
    async with app.run_test() as pilot:
        await pilot.pause()
        for fact in (
            "/home/ada/project",
            "Sent to api.example.org",
            "your messages, the results of tools, and the contents of files that the model (model-7) reads",
            "Waits for your yes",
        ):
            assert fact in app.said


async def test_for_the_demo_model_it_says_that_nothing_leaves_the_machine() -> None:
    app = Room(question(is_demo=True))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "Nothing leaves this machine" in app.said
        assert "Sent to" not in app.said


@pytest.mark.parametrize(("folder", "why"), [("/home/ada", "your home folder"), ("/", "the whole disk")])
async def test_it_says_why_it_asks_every_time(folder: str, why: str) -> None:
    app = Room(question(folder=folder, always=True))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert why in app.said
        assert "at every start" in app.said


@pytest.mark.parametrize(("key", "answer"), [("y", True), ("n", False), ("escape", False)])
async def test_it_is_answered_by_a_letter(key: str, answer: bool) -> None:
    app = Room(question())
    async with app.run_test() as pilot:
        await listening(pilot, app.question)
        await pilot.press(key)
        await pilot.pause()
        assert app.answers == [answer]


async def test_enter_and_space_answer_nothing() -> None:
    app = Room(question())
    async with app.run_test() as pilot:
        await listening(pilot, app.question)
        await pilot.press("enter", "space", "Y", "tab", "down")
        await pilot.pause()
        assert app.answers == []
        assert app.screen is app.question


async def test_the_rest_of_a_word_that_begins_with_another_letter_answers_nothing() -> None:
    now = [1000.0]
    app = Room(question(clock=lambda key: now[0]))
    async with app.run_test() as pilot:
        await pilot.pause()
        now[0] += 1.0
        await listening(pilot, app.question)
        await pilot.press("m", "y", "n")
        await pilot.pause()
        assert app.answers == []


async def test_it_is_deaf_at_its_opening() -> None:
    app = Room(question(clock=lambda key: 1000.0))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("y", "n", "escape")
        await pilot.pause()
        assert app.answers == []
        assert not app.question.is_ready


async def test_a_key_typed_before_the_question_was_painted_is_lost() -> None:
    early = events.Key("y", "y")
    app = Room(question(clock=key_time))
    async with app.run_test() as pilot:
        await listening(pilot, app.question)
        app.question.post_message(early)
        await pilot.pause()
        assert app.answers == []


@pytest.mark.parametrize("size", [(120, 36), (40, 15), (30, 8)])
async def test_the_keys_are_on_the_screen_at_every_size(size: tuple[int, int]) -> None:
    app = Room(question(folder="/home/ada/" + "long/" * 60, always=True))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        keys, box = app.question.query_one("#keys"), app.question.query_one("#trust")
        assert keys.region.height == 1
        assert box.content_region.contains_region(keys.region)
        assert box.region.bottom <= size[1]


async def test_markup_in_a_folder_is_shown_as_it_is() -> None:
    app = Room(question(folder="/tmp/[@click=app.quit]x[/nope]"))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "/tmp/[@click=app.quit]x[/nope]" in app.said
