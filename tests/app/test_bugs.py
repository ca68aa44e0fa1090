"""Errors that no screen knows: they are told, and the app goes on."""

from __future__ import annotations

import pytest

from afk_tui.gateway.gateway import Gateway
from afk_tui.screens.approval import ApprovalScreen
from tests.app.conftest import Driven, Start


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
        for _ in range(1000):
            if driven.app.bugs:
                break
            await driven.pilot.pause(0.01)
        assert [str(bug) for bug in driven.app.bugs] == ["no such luck"]
        driven.app.bugs.clear()
        await driven.until_shown("It is not known whether this was recorded.")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        monkeypatch.undo()
        await driven.until_state("waiting for you")
