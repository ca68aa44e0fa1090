"""Standing grants are listed whole, and one is taken back by a key and a yes, never by a key alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from afk.memory.grants import GrantPattern
from afk_tui.gateway.gateway import Gateway
from afk_tui.screens.confirm import ConfirmScreen
from afk_tui.screens.grants import EMPTY, GrantsScreen
from tests.screens.stage import Stage, begin_waiting, open_gateway, plain_text, until, until_run


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncGenerator[Gateway]:
    folder = tmp_path / "work"
    folder.mkdir()
    gateway = await open_gateway(folder)
    yield gateway
    await gateway.close()


async def grant(
    gateway: Gateway, message: str, scope: Any = "thread", pattern: GrantPattern | None = None
) -> str:
    thread_id = await begin_waiting(gateway, message)
    [request] = await gateway.requests(thread_id)
    await gateway._runner.decide(
        request.approval_id, "allow", args_sha=request.args_sha, scope=scope, pattern=pattern, by="ada"
    )
    await gateway.resume(thread_id)
    await until_run(gateway, thread_id, "idle")
    return thread_id


async def ready(pilot: Pilot[Any]) -> ConfirmScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen) and pilot.app.screen.is_ready)
    screen = pilot.app.screen
    assert isinstance(screen, ConfirmScreen)
    return screen


async def test_each_grant_says_what_it_covers_where_and_by_whom(gateway: Gateway) -> None:
    await grant(gateway, "write notes.txt: hello")
    prefix = GrantPattern("run_command", "command_prefix", "echo hi")
    await grant(gateway, "run: echo hi there", "workspace", prefix)
    async with Stage(GrantsScreen(gateway)).run_test(size=(110, 24)) as pilot:
        await until(pilot, lambda: "notes.txt" in plain_text(pilot.app))
        text = plain_text(pilot.app)
    assert "run_command  any one command that begins with: echo hi" in text
    assert "everywhere in" in text
    assert "write_file  this very call: write_file notes.txt" in text
    assert "in the thread “write notes.txt: hello”" in text
    assert "by ada" in text


@pytest.mark.parametrize("key", ["x", "delete"])
async def test_a_key_and_a_yes_take_a_grant_back(gateway: Gateway, key: str) -> None:
    thread_id = await grant(gateway, "run: echo hi")
    async with Stage(GrantsScreen(gateway)).run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "echo hi" in plain_text(pilot.app))
        await pilot.press(key)
        await ready(pilot)
        assert len(await gateway.grants()) == 1
        await pilot.press("r")
        await until(pilot, lambda: EMPTY in plain_text(pilot.app))
    assert await gateway.grants() == []
    await gateway.send(thread_id, "run: echo hi")
    await until_run(gateway, thread_id, "waiting")


@pytest.mark.parametrize("answer", ["escape", "b", "enter"])
async def test_without_a_yes_a_grant_stays(gateway: Gateway, answer: str) -> None:
    await grant(gateway, "run: echo hi")
    async with Stage(GrantsScreen(gateway)).run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "echo hi" in plain_text(pilot.app))
        await pilot.press("x")
        await ready(pilot)
        await pilot.press(answer)
        await until(pilot, lambda: isinstance(pilot.app.screen, GrantsScreen))
    assert len(await gateway.grants()) == 1


async def test_an_empty_list_says_how_a_grant_comes_about_and_escape_closes(gateway: Gateway) -> None:
    stage = Stage(GrantsScreen(gateway))
    async with stage.run_test(size=(40, 15)) as pilot:
        await until(pilot, lambda: EMPTY[:20] in plain_text(pilot.app))
        await pilot.press("x")
        assert isinstance(pilot.app.screen, GrantsScreen)
        await pilot.press("escape")
        await until(pilot, lambda: stage.dismissed == [None])


async def test_what_is_hidden_in_a_pattern_is_made_visible(gateway: Gateway) -> None:
    pattern = GrantPattern("write_file", "path_glob", "a\u202e*")
    await grant(gateway, "write a\u202eb: x", "thread", pattern)
    [row] = await gateway.grants()
    assert "\u202e" not in row.covers + row.title
    assert "202E" in row.covers
