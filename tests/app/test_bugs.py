"""Errors that no screen knows: they are told, and the app goes on."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil

import pytest
from textual.css.query import NoMatches
from textual.dom import DOMNode

import afk_tui.screens
import afk_tui.widgets
from afk_tui.bugs import TellsBugs
from afk_tui.gateway.gateway import Gateway
from afk_tui.screens.approval import ApprovalScreen
from tests.app.conftest import Driven, Start
from tests.screens.history_kit import until_true


async def asked(driven: Driven) -> None:
    """A request stands on the screen, and its keys are heard."""
    await driven.say("write made.txt: text")
    await driven.until_state("waiting for you")
    await driven.pilot.press("enter")
    await driven.until_screen("ApprovalScreen")
    screen = driven.app.screen
    assert isinstance(screen, ApprovalScreen)
    await driven.until(lambda: screen._deafness.is_over, "the screen to hear keys")


async def test_a_bug_while_a_decision_is_recorded_is_told_and_the_request_waits_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Gateway, *args: object, **kwargs: object) -> None:
        raise RuntimeError("no such luck")

    async with start() as driven:
        await asked(driven)
        monkeypatch.setattr(Gateway, "decide", broken)
        await driven.pilot.press("d")
        await until_true(lambda: driven.app.bugs)
        assert [str(bug) for bug in driven.app.bugs] == ["no such luck"]
        driven.app.bugs.clear()
        await driven.until_shown("It is not known whether this was recorded.")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        monkeypatch.undo()
        await driven.until_state("waiting for you")


ACTIONS = ["help", "menu", "find", "approvals", "checkpoints", "compaction", "grants", "summary", "theme"]


@pytest.mark.parametrize("action", ACTIONS)
async def test_to_leave_while_a_screen_opens_is_no_crash(start: Start, action: str) -> None:
    async with start() as driven:
        await driven.ask_for("write made.txt: text")
        before = driven.app.screen
        driven.main.call_later(driven.main.run_action, action)
        while driven.app.screen is before:
            await asyncio.sleep(0)
        driven.app.exit()
    assert driven.app.return_code in (None, 0)


@pytest.mark.parametrize("turns", range(4))
async def test_to_leave_while_a_request_opens_by_itself_is_no_crash(start: Start, turns: int) -> None:
    async with start() as driven:
        await driven.ask_for("write made.txt: text")
        driven.main.open_requests()
        while not isinstance(driven.app.screen, ApprovalScreen):
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        driven.app.exit()
    assert driven.app.return_code in (None, 0)


async def test_to_close_a_request_while_it_opens_is_no_crash(start: Start) -> None:
    async with start() as driven:
        await driven.ask_for("write made.txt: text")
        driven.main.open_requests()
        while not isinstance(driven.app.screen, ApprovalScreen):
            await asyncio.sleep(0)
        await driven.app.pop_screen()
        await driven.until_screen("MainScreen")
    assert driven.app.return_code in (None, 0)


async def lacking(start: Start) -> None:
    async with start() as driven:
        driven.main.call_later(driven.main.query_one, "#nowhere")
        await driven.until(lambda: driven.app._exception is not None, "the crash")


async def test_what_is_missing_in_an_app_that_stays_is_a_crash(start: Start) -> None:
    with pytest.raises(NoMatches, match="#nowhere"):
        await lacking(start)


def test_every_screen_and_widget_that_runs_workers_tells_their_bugs() -> None:
    found = {
        node
        for package in (afk_tui.screens, afk_tui.widgets)
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        for _, node in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        if issubclass(node, DOMNode) and node.__module__ == module.name
    }
    running = {node for node in found if {"run_worker(", "@work("} & _words(node)}
    assert len(running) > 10
    assert {node.__name__ for node in running if not issubclass(node, TellsBugs)} == set()


def _words(node: type[DOMNode]) -> set[str]:
    source = inspect.getsource(node)
    return {word for word in ("run_worker(", "@work(") if word in source}
