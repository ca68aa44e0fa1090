"""The command palette lists our actions with their keys, and runs the one chosen."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from textual.app import App
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from afk_tui.actions import ACTIONS
from afk_tui.palette import AfkCommands

# it is open already
OFFERED = [action for action in ACTIONS if action.name != "palette"]


class Room(App[None]):
    COMMANDS: ClassVar[set[Any]] = {AfkCommands}

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def run_main_action(self, name: str) -> None:
        self.ran.append(name)


async def listed(pilot: Pilot[None], count: int) -> list[str]:
    """The commands in the palette, once there are `count` of them."""
    deadline = time.monotonic() + 20
    while True:
        commands = pilot.app.screen.query_one(CommandList)
        if commands.option_count == count:
            return [str(option.hit.text) for option in commands.options]  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, commands.option_count
        await pilot.pause(0.01)


async def test_it_lists_every_action_and_no_other() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        assert await listed(pilot, len(OFFERED)) == [action.title for action in OFFERED]


async def test_each_stands_there_with_its_key_and_command() -> None:
    app = Room()
    async with app.run_test():
        hits = [hit async for hit in AfkCommands(app.screen).discover()]
        for action, hit in zip(OFFERED, hits, strict=True):
            assert hit.help is not None
            assert action.key_label in hit.help
            assert f"/{action.command}" in hit.help
            assert action.about in hit.help


async def test_an_action_is_found_by_its_command_and_run() -> None:
    app = Room()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        await listed(pilot, len(OFFERED))
        await pilot.press(*"compact")
        assert await listed(pilot, 1) == ["Compaction"]
        await pilot.press("enter")
        deadline = time.monotonic() + 20
        while not app.ran:
            assert time.monotonic() < deadline
            await pilot.press("enter") if isinstance(app.screen, CommandPalette) else None
            await pilot.pause(0.01)
        assert app.ran == ["compaction"]


async def test_a_key_finds_its_action() -> None:
    app = Room()
    async with app.run_test():
        found = [hit.text async for hit in AfkCommands(app.screen).search("f6")]
        assert "Compaction" in found
