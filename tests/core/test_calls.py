"""Tool calls of one step: their order, their results, and what may go wrong in them."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from afk.core.events import CallFinished, CallStarted
from afk.memory import SQLiteMemoryStore
from afk.memory.records import StepResult
from afk.tools import ToolContext, ToolError, tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, events_of, rows, say, until


async def test_results_stand_in_the_order_of_the_calls_not_of_completion(runner: MakeRunner, db: Any) -> None:
    second_done = asyncio.Event()

    @tool(effect="read")
    async def slow() -> str:
        """Ends after the other."""
        await second_done.wait()
        return "slow"

    @tool(effect="read")
    async def fast() -> str:
        """Ends first."""
        second_done.set()
        return "fast"

    model = ScriptedModel(call(("slow", {}), ("fast", {})))
    handle = await runner(model).run_handle(agent_with(slow, fast), user_message="go")
    finished = [e.tool_name for e in await events_of(handle) if isinstance(e, CallFinished)]
    result = await handle.await_result()

    assert result.state == "completed"
    assert finished == ["fast", "slow"]
    assert [m.content for m in model.requests[1].messages if m.role == "tool"] == ["slow", "fast"]
    stored = rows(db, "SELECT text FROM message WHERE role = 'tool' ORDER BY seq")
    assert stored == [("slow",), ("fast",)]
    assert [e.output for e in result.tool_executions] == ["slow", "fast"]


async def test_results_that_the_run_wrote_itself_are_not_read_back_and_are_what_a_resume_reads(
    runner: MakeRunner, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_back: list[int] = []
    real = SQLiteMemoryStore.step_results

    async def step_results(store: SQLiteMemoryStore, run_id: str, step: int) -> list[StepResult]:
        read_back.append(step)
        return await real(store, run_id, step)

    monkeypatch.setattr(SQLiteMemoryStore, "step_results", step_results)

    @tool(effect="read")
    async def odd() -> str:
        """No text that can be stored, and too long for a message."""
        return "half \ud800 a character\n" * 20_000

    wanted = (("look", {"what": "a"}), ("look", {"what": "b"}), ("odd", {}))
    model = ScriptedModel(call(*wanted), call(*wanted), call(("act", {"what": "c"})), say("The end."))
    making = runner(model)
    agent = agent_with(ledger.tool("look", "read"), ledger.tool("act"), odd)
    result = await making.run(agent, user_message="go")
    assert result.state == "awaiting_approval"
    assert read_back == []
    seen = model.requests[-1].messages
    (request,) = await making.list_approvals()
    await making.decide(request.approval_id, "allow", args_sha=request.args_sha)
    await making.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
    # of the step that was open, only the disk knows all results
    assert read_back == [3]
    assert model.requests[-1].messages[: len(seen)] == seen


async def test_calls_that_need_no_approval_do_not_wait_for_those_that_do(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = ScriptedModel(call(("act", {"what": "write"}), ("look", {"what": "here"})))
    agent = agent_with(ledger.tool("act"), ledger.tool("look", "read"))
    result = await runner(model).run(agent, user_message="go")
    assert result.state == "awaiting_approval"
    assert ledger.lines == ["look here"]
    assert [e.phase for e in result.tool_executions] == ["proposed", "done"]


async def test_no_more_calls_run_at_once_than_allowed(runner: MakeRunner) -> None:
    running, most = 0, 0

    @tool(effect="read")
    async def count(n: int) -> str:
        """Count who is there."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return str(n)

    model = ScriptedModel(call(*(("count", {"n": n}) for n in range(6))))
    await runner(model, max_parallel_tools=2).run(agent_with(count), user_message="go")
    assert most == 2


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (("nothing", {}), "There is no tool named 'nothing'. The tools are: act."),
        (("act", "{not json"), "not valid JSON"),
        (("act", "[1]"), "must be a JSON object; got list"),
        (("act", "[" * 100_000), "not valid JSON"),
        (("act", '{"what": ' + "9" * 5_000 + "}"), "not valid JSON"),
        (("act", {"wat": "x"}), "what"),
    ],
    ids=["unknown tool", "no json", "no object", "too deep", "too long a number", "wrong arguments"],
)
async def test_the_model_is_told_what_is_wrong_with_its_call_and_the_run_goes_on(
    runner: MakeRunner, ledger: Ledger, wanted: Any, told: str
) -> None:
    model = ScriptedModel(call(wanted))
    result = await runner(model).run(agent_with(ledger.tool(approval="never")), user_message="go")
    assert result.state == "completed"
    assert told in model.requests[1].messages[-1].content
    assert ledger.lines == []
    assert result.tool_executions[0].phase == "failed"


async def test_half_a_character_in_an_answer_a_call_or_an_error_breaks_nothing(runner: MakeRunner) -> None:
    @tool(effect="read")
    async def broken(name: str) -> str:
        """Fail with a name that is no Unicode."""
        raise ToolError("no such file: \udcff")

    halves = call(("broken", '{"name": "\\ud800"}'), ("broken", {"name": "x"}), text="half \ud83d")
    model = ScriptedModel(halves, say("\ud83d\ude00"))
    result = await runner(model).run(agent_with(broken), user_message="go \udce4")
    assert (result.state, result.final_text) == ("completed", "😀")
    assert model.requests[1].messages[-1].content == "no such file: \ufffd"


async def test_what_a_tool_raises_is_its_result(runner: MakeRunner) -> None:
    @tool(effect="read")
    async def raises() -> str:
        """Raise."""
        raise ValueError("no such thing")

    @tool(effect="read")
    def exits() -> str:
        """Leave."""
        sys.exit(3)

    @tool(effect="read")
    async def cancels() -> str:
        """Let a cancellation of its own out."""
        raise asyncio.CancelledError

    @tool(effect="read")
    async def explains() -> str:
        """Fail on purpose."""
        raise ToolError("the disk is made of cheese")

    model = ScriptedModel(call(("raises", {}), ("exits", {}), ("cancels", {}), ("explains", {})))
    result = await runner(model).run(agent_with(raises, exits, cancels, explains), user_message="go")
    assert result.state == "completed"
    assert [e.output for e in result.tool_executions] == [
        "raises failed: ValueError: no such thing",
        "exits failed: SystemExit: 3",
        "cancels failed: CancelledError: ",
        "the disk is made of cheese",
    ]
    assert {e.phase for e in result.tool_executions} == {"failed"}


async def test_an_async_once_tool_past_its_time_has_failed_and_says_that_it_may_have_had_an_effect(
    runner: MakeRunner,
) -> None:
    gone = False

    @tool(effect="once", approval="never", timeout_s=0.01)
    async def hang() -> str:
        """Hang."""
        nonlocal gone
        try:
            await asyncio.Event().wait()
        finally:
            gone = True
        return ""

    result = await runner(ScriptedModel(call(("hang", {})))).run(agent_with(hang), user_message="go")
    assert (result.state, gone) == ("completed", True)
    assert result.tool_executions[0].phase == "failed"
    assert "may have had an effect" in result.tool_executions[0].output


async def test_a_threaded_once_tool_past_its_time_can_not_be_killed_so_a_person_is_asked(
    runner: MakeRunner,
) -> None:
    let_go = threading.Event()

    @tool(effect="once", approval="never", timeout_s=0.01)
    def hang() -> str:
        """Hang in a thread."""
        let_go.wait(15)
        return ""

    one = runner(ScriptedModel(call(("hang", {}))))
    try:
        result = await one.run(agent_with(hang), user_message="go")
    finally:
        let_go.set()
    assert result.state == "awaiting_approval"
    (request,) = await one.list_approvals()
    assert (request.kind, result.tool_executions[0].phase) == ("uncertain", "uncertain")
    await one.decide(request.approval_id, "happened", args_sha=request.args_sha)
    resumed = await one.resume(agent_with(hang), run_id=result.run_id, thread_id=result.thread_id)
    assert resumed.state == "completed"
    assert resumed.tool_executions[0].output.startswith("The outcome of this call was lost; a person says")


async def test_a_tool_is_given_its_context_and_a_key_of_its_own(runner: MakeRunner, tmp_path: Any) -> None:
    seen: list[ToolContext] = []

    @tool(effect="idempotent", approval="never")
    async def look(ctx: ToolContext) -> str:
        """Look at the context."""
        seen.append(ctx)
        ctx.emit("looking")
        return ""

    one = runner(ScriptedModel(call(("look", {}), ("look", {}))))
    result = await one.run(agent_with(look), user_message="go", context={"who": "Ada"})
    assert {ctx.run_id for ctx in seen} == {result.run_id}
    assert len({ctx.idempotency_key for ctx in seen}) == 2
    assert (seen[0].workspace, seen[0].context, seen[0].attempt) == (tmp_path, {"who": "Ada"}, 1)


async def test_nothing_that_a_tool_still_says_comes_after_the_run_has_stopped(runner: MakeRunner) -> None:
    let_go = threading.Event()
    said = threading.Event()

    @tool(effect="idempotent", approval="never")
    def talk(ctx: ToolContext) -> str:
        """Talk on after it was given up."""
        let_go.wait(15)
        ctx.emit("too late")
        said.set()
        return ""

    handle = await runner(ScriptedModel(call(("talk", {})))).run_handle(agent_with(talk), user_message="go")
    async for event in handle.events:
        if isinstance(event, CallStarted):
            break
    result = await handle.interrupt()
    let_go.set()
    await until(said.is_set)
    assert result.state == "interrupted"
    assert type((await events_of(handle))[-1]).__name__ == "RunStopped"


async def test_events_that_nobody_will_read_are_not_kept(runner: MakeRunner, ledger: Ledger) -> None:
    model = ScriptedModel(call(("look", {"what": "a"})), say("The end."))
    handle = await runner(model).run_handle(agent_with(ledger.tool("look", "read")), user_message="go")
    handle.leave_unread()
    assert (await handle.await_result()).final_text == "The end."
    assert await events_of(handle) == []
