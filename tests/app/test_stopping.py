"""Escape, ctrl+c, quitting: what runs is interrupted and kept, and nothing is stopped by accident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from afk.core import Runner
from afk.llms.protocol import Answer, ModelEvent, ModelRequest, TextDelta
from afk.memory import SQLiteMemoryStore
from afk_tui.screens import main
from tests.app.conftest import Driven
from tests.core.kit import ScriptedModel, agent_with, say

# a slow machine takes longer between two keys than a person may
LONG_S = 3600.0


class Held:
    """A model that says a word, and the rest when it is let go."""

    label = "held"

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.asked += 1
        yield TextDelta("thinking aloud")
        await self.go.wait()
        yield Answer("thinking aloud")

    async def close(self) -> None:
        return None


async def stop_amid_an_answer(driven: Driven) -> None:
    """By escape, as if nothing had been closed just before."""
    await driven.say("hello")
    await driven.until_shown("thinking aloud")
    driven.main._closed_at = float("-inf")
    await driven.pilot.press("escape")


async def test_escape_stops_the_run_and_ctrl_r_goes_on_from_there(start) -> None:
    model = Held()
    async with start(llm=model) as driven:
        await stop_amid_an_answer(driven)
        await driven.until_state("interrupted")
        await driven.until_shown("ctrl+r goes on")
        model.go.set()
        await driven.pilot.press("ctrl+r")
        await driven.until_state("done")
        assert model.asked == 2


async def test_the_run_is_stopped_whatever_is_opened_in_that_moment(start, monkeypatch) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    async with start(llm=Held()) as driven:
        gateway = driven.main.gateway
        stop = gateway.stop

        async def stop_slowly(thread_id: str) -> None:
            begun.set()
            await may_go_on.wait()
            await stop(thread_id)

        monkeypatch.setattr(gateway, "stop", stop_slowly)
        await stop_amid_an_answer(driven)
        await driven.until(begun.is_set, "it to begin")
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        may_go_on.set()
        await driven.until(lambda: not gateway.is_working(), "the run to stop")


async def test_what_was_said_before_the_stop_stays_until_the_model_is_asked_again(start) -> None:
    model = Held()
    async with start(llm=model) as driven:
        await stop_amid_an_answer(driven)
        await driven.until_state("interrupted")
        await driven.until_shown("broken off here · it is not recorded")
        # also when it was left for another one, and below what is on disk, above how the run stands
        thread_id = driven.main.thread_id
        await driven.main.open_thread(None)
        await driven.until(lambda: "thinking aloud" not in driven.text(), "the new conversation")
        await driven.main.open_thread(thread_id)
        await driven.until_shown("broken off here · it is not recorded")
        shown = driven.text()
        assert shown.index("hello") < shown.index("thinking aloud") < shown.index("ctrl+r goes on")
        model.go.set()
        await driven.pilot.press("ctrl+r")
        await driven.until_state("done")
        await driven.until(lambda: "broken off" not in driven.text(), "the former answer to be gone")
        await driven.until(lambda: driven.text().count("thinking aloud") == 1, "the answer")


async def test_what_was_said_before_the_stop_goes_once_another_process_goes_on(
    start, folder: Path, tmp_path: Path
) -> None:
    async with start(llm=Held()) as driven:
        await stop_amid_an_answer(driven)
        await driven.until_shown("broken off here · it is not recorded")
        thread_id = driven.main.thread_id
        store, model = SQLiteMemoryStore(tmp_path / "afk.db"), ScriptedModel(say("done there"))
        async with Runner(memory_store=store, llm=model, workspace=folder) as runner:
            await runner.run(agent_with(), user_message="more", thread_id=thread_id)
        await driven.until_shown("done there")
        await driven.until(lambda: "thinking aloud" not in driven.text(), "what was broken off to be gone")


async def test_the_escape_that_closes_something_does_not_stop_the_run_as_well(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "ESCAPE_DEAF_S", LONG_S)
    model = Held()
    async with start(llm=model) as driven:
        await driven.say("hello")
        await driven.until_shown("thinking aloud")
        await driven.pilot.press("f1")
        await driven.until_screen("HelpScreen")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        await driven.pilot.press("escape")
        await driven.pilot.pause()
        assert driven.main.gateway.is_working()
        model.go.set()
        await driven.until_state("done")


async def test_ctrl_c_clears_the_draft_then_stops_the_run_and_twice_it_quits(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "TWICE_S", LONG_S)
    model = Held()
    async with start(llm=model) as driven:
        await driven.say("hello")
        await driven.until_shown("thinking aloud")
        driven.main.composer.set_draft("half a thought")
        await driven.pilot.press("ctrl+c")
        await driven.until(lambda: driven.main.composer.draft == "", "the draft to be cleared")
        assert driven.main.gateway.is_working()
        driven.main._interrupted_at = float("-inf")
        await driven.pilot.press("ctrl+c")
        await driven.until_state("interrupted")
        await driven.pilot.press("ctrl+c")
        await driven.until_left()


async def test_quitting_interrupts_what_runs_and_keeps_it(start) -> None:
    model = Held()
    async with start(llm=model) as driven:
        await driven.say("hello")
        await driven.until_shown("thinking aloud")
        await driven.pilot.press("ctrl+q")
        await driven.until_left()
    async with start(llm=model) as driven:
        await driven.until_state("interrupted")
        assert model.asked == 1
        model.go.set()
        await driven.pilot.press("ctrl+r")
        await driven.until_state("done")


async def test_quitting_during_a_call_that_must_not_run_twice_asks(start) -> None:
    async with start() as driven:
        await driven.say("run: touch began; sleep 60")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        [request] = await driven.main.gateway.requests()
        await driven.main.gateway.decide(request, "allow")
        await driven.until(lambda: (driven.folder / "began").exists(), "the command to run")
        await driven.pilot.press("ctrl+q")
        await driven.until_screen("ConfirmScreen")
        await driven.until_shown("must not run twice")
        await driven.until_shown("Stop it and quit now")
        await driven.until(lambda: driven.app.screen.is_ready, "the dialog to hear")
        await driven.pilot.press("b")
        await driven.until_screen("MainScreen")
        assert driven.main.gateway.is_working()
        await driven.pilot.press("ctrl+q")
        await driven.until_screen("ConfirmScreen")
        await driven.until(lambda: driven.app.screen.is_ready, "the dialog to hear")
        await driven.pilot.press("s")
        await driven.until_left()


async def test_a_draft_that_ctrl_c_cleared_comes_back_with_undo(start) -> None:
    async with start() as driven:
        said = driven.notices()
        await driven.pilot.press(*"half a thought".replace(" ", "_"))
        await driven.pilot.press("ctrl+c")
        await driven.until(lambda: driven.main.composer.draft == "", "the draft to be cleared")
        assert "brings it back" in said[0]
        await driven.pilot.press("ctrl+underscore")
        await driven.until(lambda: driven.main.composer.draft == "half_a_thought", "the draft to be back")


async def test_stop_says_so_where_nothing_runs(start) -> None:
    async with start() as driven:
        said = driven.notices()
        await driven.say("/stop")
        await driven.until(lambda: "Nothing runs here that could be stopped." in said, "to be told so")


async def test_ctrl_c_over_a_request_answers_nothing_and_twice_quits(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "TWICE_S", LONG_S)
    async with start() as driven:
        await driven.say("run: ls")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        said = driven.notices()
        await driven.pilot.press("enter")
        await driven.until_screen("ApprovalScreen")
        await driven.pilot.press("ctrl+c")
        await driven.until(lambda: "Press ctrl+c again to quit." in said, "to be told so")
        assert len(await driven.main.gateway.requests()) == 1
        await driven.pilot.press("ctrl+c")
        await driven.until_left()


async def test_copying_twice_does_not_quit(start) -> None:
    async with start() as driven:
        said = driven.notices()
        driven.main.composer.set_draft("words")
        driven.main.composer.select_all()
        await driven.pilot.press("ctrl+c", "ctrl+c")
        await driven.until(lambda: said == ["Copied.", "Copied."], "both to be copied")
        assert not driven.app._exit
        assert driven.main.composer.draft == "words"
