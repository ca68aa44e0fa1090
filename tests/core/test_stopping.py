"""Pausing, interrupting and cancelling: whatever stops a run, it is on disk and can go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import StoreError
from afk.core import Runner
from afk.core.events import AnswerDelta, CallStarted, RunPaused, RunStopped
from afk.llms.protocol import Answer, ModelEvent, ModelRequest
from afk.memory import SQLiteMemoryStore
from afk.tools import tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, event_of, events_of, rows, say, until

LOOKS = call(("look", {"what": "here"}))


class Held(ScriptedModel):
    """Waits before each answer until it is let go."""

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.go = asyncio.Event()
        self.asked = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.asked += 1
        await self.go.wait()
        async for event in super().stream(request):
            yield event


async def test_a_paused_run_begins_nothing_until_it_is_resumed(runner: MakeRunner, ledger: Ledger) -> None:
    model = Held(LOOKS)
    handle = await runner(model).run_handle(agent_with(ledger.tool("look", "read")), user_message="go")
    await until(lambda: model.asked)
    await handle.pause()
    model.go.set()
    await event_of(handle, RunPaused)
    assert (ledger.lines, handle.is_running) == ([], True)
    await handle.resume()
    assert (await handle.await_result()).state == "completed"
    assert ledger.lines == ["look here"]


async def test_a_run_resumed_and_paused_again_at_once_stays_paused(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = Held(LOOKS)
    handle = await runner(model).run_handle(agent_with(ledger.tool("look", "read")), user_message="go")
    await until(lambda: model.asked)
    await handle.pause()
    model.go.set()
    await event_of(handle, RunPaused)
    await handle.resume()
    await handle.pause()
    await event_of(handle, RunPaused)
    assert (ledger.lines, handle.is_running) == ([], True)
    await handle.resume()
    assert (await handle.await_result()).state == "completed"
    assert ledger.lines == ["look here"]


@pytest.mark.parametrize(
    ("how", "state", "kind"), [("interrupt", "interrupted", "paused"), ("cancel", "cancelled", "cancelled")]
)
async def test_a_stopped_run_is_on_disk_and_goes_on_when_resumed(
    runner: MakeRunner, db: Path, how: str, state: str, kind: str
) -> None:
    model = Held(say("Here I am."))
    one = runner(model)
    handle = await one.run_handle(agent_with(), user_message="go")
    await until(lambda: model.asked)
    result = await getattr(handle, how)()
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == (state, kind)
    assert rows(db, "SELECT state, owner FROM run") == [(state, None)]
    assert isinstance((await events_of(handle))[-1], RunStopped)
    model.go.set()
    resumed = await one.resume(agent_with(), run_id=handle.run_id, thread_id=handle.thread_id)
    assert (resumed.state, resumed.final_text) == ("completed", "Here I am.")


async def test_a_paused_run_can_be_stopped(runner: MakeRunner, ledger: Ledger) -> None:
    model = Held(LOOKS)
    handle = await runner(model).run_handle(agent_with(ledger.tool("look", "read")), user_message="go")
    await handle.pause()
    model.go.set()
    await event_of(handle, RunPaused)
    assert (await handle.interrupt()).state == "interrupted"
    assert ledger.lines == []


async def test_cancelling_a_run_that_waits_for_a_person_keeps_its_request(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(call(("act", {"what": "it"}))), interaction_mode="interactive")
    handle = await one.run_handle(agent, user_message="go")
    await until(lambda: handle.run_id not in one._given_store.live_runs)  # type: ignore[union-attr]
    assert (await handle.cancel()).state == "cancelled"
    (request,) = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    resumed = await one.resume(agent, run_id=handle.run_id, thread_id=handle.thread_id)
    assert (resumed.state, ledger.lines) == ("completed", ["act it"])


async def test_cancelling_the_task_that_awaits_a_run_leaves_it_resumable(
    runner: MakeRunner, db: Path
) -> None:
    model = Held(say("Here I am."))
    one = runner(model)
    waiting = asyncio.ensure_future(one.run(agent_with(), user_message="go", thread_id="th"))
    await until(lambda: model.asked)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    ((run_id, state, interruption),) = rows(db, "SELECT id, state, interruption FROM run")
    assert (state, '"kind":"cancelled"' in interruption) == ("interrupted", True)
    model.go.set()
    assert (await one.resume(agent_with(), run_id=run_id, thread_id="th")).state == "completed"


@pytest.mark.parametrize("boundary", ["begin_run", "record_answer", "stop_run"])
async def test_a_run_cancelled_in_the_middle_of_a_boundary_is_whole(
    runner: MakeRunner, ledger: Ledger, db: Path, boundary: str
) -> None:
    """The boundary was sent to the disk and comes to its end; the cancellation goes on after it."""

    class Cancels(SQLiteMemoryStore):
        cancelled = False

    async def cancelling(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = asyncio.ensure_future(getattr(SQLiteMemoryStore, boundary)(self, *args, **kwargs))
        await asyncio.sleep(0)  # it is on its way
        if not self.cancelled:
            self.cancelled = True
            waiting.cancel()
        return await task

    setattr(Cancels, boundary, cancelling)
    agent = agent_with(ledger.tool("look", "read"))
    model = ScriptedModel(LOOKS)
    one = runner(model, memory_store=Cancels(db), max_steps=1 if boundary == "stop_run" else None)
    waiting = asyncio.ensure_future(one.run(agent, user_message="go", thread_id="th"))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    ((run_id, state, owner),) = rows(db, "SELECT id, state, owner FROM run")
    assert (state, owner) == ("interrupted", None)
    resumed = await runner(model).resume(agent, run_id=run_id, thread_id="th")
    assert (resumed.state, ledger.lines) == ("completed", ["look here"])
    old = await one.resume(agent, run_id=run_id, thread_id="th")
    assert old == resumed
    assert len(rows(db, "SELECT * FROM message WHERE role = 'user'")) == 1


async def test_an_order_to_stop_that_comes_after_the_last_answer_leaves_the_run_completed(
    runner: MakeRunner, db: Path
) -> None:
    class Late(SQLiteMemoryStore):
        async def record_answer(self, *args: Any, **kwargs: Any) -> Any:
            recorded = await super().record_answer(*args, **kwargs)
            handles[0].signals.stop(ORDER)
            await asyncio.sleep(0)
            return recorded

    from afk.core.signals import StopOrder

    ORDER = StopOrder("interrupted", "paused", "Too late.")
    handles: list[Any] = []
    one = runner(ScriptedModel(say("The end.")), memory_store=Late(db))
    handles.append(await one.run_handle(agent_with(), user_message="go"))
    result = await handles[0].await_result()
    assert (result.state, result.final_text, result.interruption) == ("completed", "The end.", None)


async def test_a_stopped_once_tool_of_a_coroutine_has_failed_and_is_not_run_again(
    runner: MakeRunner, ledger: Ledger
) -> None:
    @tool(effect="once", approval="never")
    async def act() -> str:
        """Begin, and hang."""
        ledger.write("began")
        await asyncio.Event().wait()
        return ""

    one = runner(ScriptedModel(call(("act", {}))))
    handle = await one.run_handle(agent_with(act), user_message="go")
    await event_of(handle, CallStarted)
    await until(lambda: ledger.lines)
    result = await handle.interrupt()
    assert result.tool_executions[0].phase == "failed"
    assert "may have had an effect" in result.tool_executions[0].output
    resumed = await one.resume(agent_with(act), run_id=result.run_id, thread_id=result.thread_id)
    assert (resumed.state, ledger.lines) == ("completed", ["began"])


async def test_a_program_that_ends_with_a_run_in_the_background_leaves_it_whole(
    db: Path, ledger: Ledger
) -> None:
    """asyncio.run cancels every task at once: the loop's, the call's, the store's."""

    @tool(effect="once", approval="never")
    async def act() -> str:
        """Begin, and hang."""
        ledger.write("began")
        await asyncio.Event().wait()
        return ""

    agent = agent_with(act)
    complaints: list[Any] = []

    async def program() -> str:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        left = Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(call(("act", {}))))
        handle = await left.run_handle(agent, user_message="go", thread_id="th")
        await until(lambda: ledger.lines)
        return handle.run_id

    run_id = await asyncio.to_thread(asyncio.run, program())
    assert complaints == []
    assert rows(db, "SELECT state, owner FROM run") == [("interrupted", None)]
    assert rows(db, "SELECT phase FROM effect") == [("failed",)]
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(call(("act", {})))) as one:
        resumed = await one.resume(agent, run_id=run_id, thread_id="th")
    assert (resumed.state, ledger.lines) == ("completed", ["began"])


async def test_closing_a_runner_interrupts_what_it_still_runs(db: Path) -> None:
    model = Held()
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=model) as one:
        handle = await one.run_handle(agent_with(), user_message="go")
        await until(lambda: model.asked)
    assert not handle.is_running
    assert rows(db, "SELECT state, owner FROM run") == [("interrupted", None)]


async def test_a_store_that_fails_is_told_and_the_run_does_not_look_as_if_it_ran(
    runner: MakeRunner, db: Path
) -> None:
    class Fails(SQLiteMemoryStore):
        failing = True

        async def record_answer(self, *args: Any, **kwargs: Any) -> Any:
            if self.failing:
                raise StoreError("the disk is on fire")
            return await super().record_answer(*args, **kwargs)

    store = Fails(db)
    one = runner(ScriptedModel(say("Here I am.")), memory_store=store)
    with pytest.raises(StoreError, match="on fire"):
        await one.run(agent_with(), user_message="go", thread_id="th")
    (run,) = await one.list_runs()
    assert (run.state, (run.interruption or {})["kind"]) == ("interrupted", "infrastructure")
    store.failing = False
    assert (await one.resume(agent_with(), run_id=run.run_id, thread_id="th")).state == "completed"


async def test_a_model_that_breaks_leaves_a_resumable_run(runner: MakeRunner) -> None:
    def breaks(_: Any) -> Answer:
        raise RuntimeError("a bug")

    one = runner(ScriptedModel(breaks))
    with pytest.raises(RuntimeError, match="a bug"):
        await one.run(agent_with(), user_message="go", thread_id="th")
    (run,) = await one.list_runs()
    assert run.state == "interrupted"
    fixed = runner(ScriptedModel(say("Fixed.")))
    assert (await fixed.resume(agent_with(), run_id=run.run_id, thread_id="th")).final_text == "Fixed."


async def test_events_tell_the_run_from_its_beginning_to_its_stop(runner: MakeRunner, ledger: Ledger) -> None:
    model = ScriptedModel(call(("look", {"what": "here"}), text="Looking."), say("Seen."))
    handle = await runner(model).run_handle(agent_with(ledger.tool("look", "read")), user_message="go")
    await handle.await_result()
    events = await events_of(handle)
    assert [type(e).__name__ for e in events] == [
        "RunStarted",
        "StepStarted",
        "AnswerDelta",
        "AnswerRecorded",
        "CallProposed",
        "CallStarted",
        "CallFinished",
        "StepStarted",
        "AnswerDelta",
        "AnswerRecorded",
        "RunStopped",
    ]
    assert [e.text for e in events if isinstance(e, AnswerDelta)] == ["Looking.", "Seen."]
    assert {e.run_id for e in events} == {handle.run_id}
