"""The menu holds every action with its key and command, and answers with the one chosen."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from afk_tui.actions import ACTIONS
from afk_tui.screens.menu import OFFERED, MenuScreen, action_line


class Room(App[None]):
    def __init__(self, badges: dict[str, str] | None = None) -> None:
        super().__init__()
        self.badges = badges or {}
        self.answers: list[str | None] = []

    def on_mount(self) -> None:
        self.push_screen(MenuScreen(self.badges), self.answers.append)

    @property
    def shown(self) -> list[str]:
        return [str(option.prompt) for option in self.screen.query_one(OptionList).options]

    @property
    def chosen(self) -> str | None:
        option = self.screen.query_one(OptionList).highlighted_option
        return option.id if option else None


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15), (30, 8)])
async def test_every_action_stands_there_with_its_key_and_command(size: tuple[int, int]) -> None:
    app = Room()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for action in OFFERED:
            line = next(line for line in app.shown if f"/{action.command}" in line)
            assert line.startswith(action.title[:3])
            assert action.key_label in line
        assert {action.name for action in OFFERED} == {action.name for action in ACTIONS} - {"menu"}


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15), (30, 8)])
async def test_no_line_is_wider_than_the_list(size: tuple[int, int]) -> None:
    app = Room({"approvals": "12"})
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        actions = app.screen.query_one(OptionList)
        assert max(len(line) for line in app.shown) <= actions.scrollable_content_region.width - 2
        assert actions.region.bottom < app.screen.query_one("#menu").region.bottom <= size[1]


async def test_groups_have_names_that_cannot_be_chosen() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [group for group in app.shown if group in {"Threads", "Run", "History", "App"}] == [
            "Threads",
            "Run",
            "History",
            "App",
        ]
        for _ in range(len(OFFERED) + 4):
            await press(pilot, "down")
            assert app.chosen is not None


async def test_enter_answers_with_the_action_under_the_cursor() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, "down", "down", "enter")
        assert app.answers == [OFFERED[2].name]


async def test_letters_narrow_the_list_to_what_begins_with_them() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, "c", "o")
        assert [line.split()[0] for line in app.shown] == [
            "History",
            "Compaction",
            "Reading",
            "Copy",
            "Copy",
            "Copy",
        ]
        assert "co" in str(app.screen.query_one("#typed", Static).content)
        await press(pilot, "p", "enter")
        assert app.answers == ["copy_last"]


async def test_a_command_finds_its_action_with_and_without_the_slash() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, "slash", "a", "p", "p")
        assert app.chosen == "approvals"
        await press(pilot, "backspace", "backspace", "backspace", "backspace", "a", "p", "p", "enter")
        assert app.answers == ["approvals"]


async def test_letters_that_begin_nothing_say_so_and_choose_nothing() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, "x", "y", "enter")
        assert app.answers == []
        assert app.shown == ["Nothing begins with that."]
        await press(pilot, "backspace", "backspace")
        assert app.chosen == OFFERED[0].name


async def test_the_key_of_an_action_works_in_the_menu_too() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, "f5")
        assert app.answers == ["checkpoints"]


@pytest.mark.parametrize("key", ["escape", "f2"])
async def test_it_closes_without_an_answer(key: str) -> None:
    app = Room()
    async with app.run_test() as pilot:
        await press(pilot, key)
        assert app.answers == [None]


async def test_a_badge_stands_beside_its_action() -> None:
    app = Room({"approvals": "2"})
    async with app.run_test() as pilot:
        await pilot.pause()
        (line,) = [line for line in app.shown if "/approvals" in line]
        assert line.split()[:2] == ["Requests", "2"]


async def test_what_an_action_is_about_stands_in_its_line_or_at_the_bottom() -> None:
    about = OFFERED[0].about
    app = Room()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert any(about in line for line in app.shown)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not any(about in line for line in app.shown)
        bottom = app.screen.query_one("#about", Static)
        assert bottom.display
        assert str(bottom.content) == about


def test_a_title_that_does_not_fit_is_cut_and_the_command_is_not() -> None:
    action = next(action for action in OFFERED if action.name == "all_threads")
    line = str(action_line(action, "", 20))
    assert len(line) == 20
    assert line.startswith("All")
    assert "…" in line
    assert "/all" in line


async def test_every_action_can_be_chosen_with_the_mouse() -> None:
    for number in range(len(OFFERED)):
        app = Room()
        async with app.run_test(size=(120, 50)) as pilot:
            await pilot.pause()
            row = next(n for n, option in enumerate(_options(app)) if option == OFFERED[number].name)
            assert await pilot.click(OptionList, offset=(10, row))
            await pilot.pause()
            assert app.answers == [OFFERED[number].name]


def _options(app: Room) -> list[str | None]:
    return [option.id for option in app.screen.query_one(OptionList).options]
