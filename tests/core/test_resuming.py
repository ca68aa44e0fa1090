"""Going on with a run, and with a thread: what is restored, what must match, what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent
from afk.agents.errors import (
    AgentCheckpointCorruptionError,
    AgentCheckpointNotFoundError,
    AgentConfigurationError,
    AgentRunBusyError,
    AgentRunSupersededError,
    RunFencedError,
)
from afk.core.events import RunStarted, RunWarning
from afk.memory import InMemoryMemoryStore
from afk.tools import ToolContext, tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, events_of, rows, say, transcript, until
from tests.core.test_stopping import Held

ASKS = call(("act", {"what": "it"}))


async def test_a_resumed_run_goes_on_where_it_stopped_with_all_it_knew(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    script = [call(("look", {"what": str(n)})) for n in range(3)]
    first = await runner(ScriptedModel(*script), max_steps=2).run(agent, user_message="go")
    model = ScriptedModel(*script)
    resumed = await runner(model).resume(agent, run_id=first.run_id, thread_id=first.thread_id)
    assert (resumed.state, resumed.step) == ("completed", 4)
    assert ledger.lines == ["look 0", "look 1", "look 2"]
    assert [m.role for m in model.requests[0].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    assert (resumed.usage.model_calls, resumed.usage.input_tokens) == (4, 40)
    assert resumed.messages_count == 8


async def test_a_finished_run_is_given_back_without_a_model_call_and_without_a_tool_call(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    one = runner(ScriptedModel(call(("look", {"what": "x"})), say("End.")))
    first = await one.run(agent, user_message="go")
    model = ScriptedModel()
    handle = await runner(model).resume_handle(agent, run_id=first.run_id, thread_id=first.thread_id)
    events = await events_of(handle)
    assert await handle.await_result() == first
    assert (model.requests, ledger.lines) == ([], ["look x"])
    assert [type(e).__name__ for e in events] == ["RunStopped"]


async def test_a_second_run_on_a_thread_sees_the_first(runner: MakeRunner) -> None:
    model = ScriptedModel(say("Ada."), say("Ada, I said."))
    one = runner(model)
    first = await one.run(agent_with(), user_message="Who?")
    second = await one.run(agent_with(), user_message="Again?", thread_id=first.thread_id)
    assert [m.content for m in model.requests[1].messages] == ["Work.", "Who?", "Ada.", "Again?"]
    assert (second.thread_id, second.messages_count, second.step) == (first.thread_id, 4, 1)


async def test_the_context_of_a_resume_is_merged_over_the_stored_one_and_stored(
    runner: MakeRunner, db: Path
) -> None:
    seen: list[dict[str, Any]] = []

    @tool(effect="once")
    async def act(ctx: ToolContext) -> str:
        """Look at the context."""
        seen.append(dict(ctx.context))
        return ""

    one = runner(ScriptedModel(call(("act", {}))))
    first = await one.run(agent_with(act), user_message="go", context={"a": 1, "b": 1})
    (request,) = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    await one.resume(
        agent_with(act), run_id=first.run_id, thread_id=first.thread_id, context={"b": 2, "c": 3}
    )
    assert seen == [{"a": 1, "b": 2, "c": 3}]
    assert rows(db, "SELECT context FROM run") == [('{"a":1,"b":2,"c":3}',)]


@pytest.mark.parametrize("context", [{"a": object()}, ["a"], {"a": {1, 2}}, {"a": float("nan")}])
async def test_a_context_that_can_not_be_kept_is_refused(runner: MakeRunner, context: Any) -> None:
    one = runner(ScriptedModel())
    with pytest.raises(AgentConfigurationError, match="context must"):
        await one.run(agent_with(), user_message="go", context=context)
    assert await one.list_runs() == []


async def test_another_agent_or_one_without_the_tool_is_refused_and_nothing_changes(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    one = runner(ScriptedModel(ASKS))
    first = await one.run(agent_with(ledger.tool()), user_message="go")
    ids: dict[str, Any] = {"run_id": first.run_id, "thread_id": first.thread_id}

    @tool(name="act")
    async def other_arguments(how_much: int) -> str:
        """Take other arguments."""
        return ""

    before = rows(db, "SELECT * FROM run"), rows(db, "SELECT count(*) FROM event")
    with pytest.raises(AgentConfigurationError, match="begun by agent 'bot'"):
        await one.resume(agent_with(ledger.tool(), name="other"), **ids)
    with pytest.raises(AgentConfigurationError, match="has no such tool any more"):
        await one.resume(agent_with(), **ids)
    with pytest.raises(AgentConfigurationError, match="no longer accepts"):
        await one.resume(agent_with(other_arguments), **ids)
    assert (rows(db, "SELECT * FROM run"), rows(db, "SELECT count(*) FROM event")) == before


async def test_any_other_change_of_the_agent_is_a_warning(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ScriptedModel(call(("look", {"what": "x"}))), max_steps=1)
    first = await one.run(agent_with(ledger.tool("look", "read")), user_message="go")
    changed = Agent(
        name="bot", model="other-model", instructions="Rest.", tools=[ledger.tool("look", "read")]
    )
    handle = await one.resume_handle(changed, run_id=first.run_id, thread_id=first.thread_id)
    events = await events_of(handle)
    assert isinstance(events[0], RunStarted)
    assert [e.text for e in events if isinstance(e, RunWarning)] == [
        "The agent is not quite as it was: its instructions and model changed."
    ]


@pytest.mark.parametrize("wrong", ["", "   ", None, 7, "half \ud800"])
async def test_an_id_that_can_be_none_is_a_configuration_error(runner: MakeRunner, wrong: Any) -> None:
    one = runner(ScriptedModel())
    wrong_ids: list[dict[str, Any]] = [
        {"run_id": wrong, "thread_id": "th"},
        {"run_id": "run_1", "thread_id": wrong},
    ]
    for ids in wrong_ids:
        with pytest.raises(AgentConfigurationError, match="must be a text that is not empty"):
            await one.resume(agent_with(), **ids)
    with pytest.raises(AgentConfigurationError):
        await one.compact_thread(thread_id=wrong)
    if wrong is not None:
        with pytest.raises(AgentConfigurationError):
            await one.run(agent_with(), user_message="go", thread_id=wrong)
    with pytest.raises(AgentConfigurationError, match="user_message is empty"):
        await one.run(agent_with(), user_message=" \n")


async def test_a_run_that_is_not_there_or_in_another_thread_is_not_found(runner: MakeRunner) -> None:
    one = runner(ScriptedModel())
    first = await one.run(agent_with(), user_message="go", thread_id="th")
    await one.run(agent_with(), user_message="go", thread_id="other")
    wrong: list[dict[str, Any]] = [
        {"run_id": "run_none", "thread_id": "th"},
        {"run_id": first.run_id, "thread_id": "other"},
    ]
    for ids in wrong:
        with pytest.raises(AgentCheckpointNotFoundError, match="No checkpoint of run"):
            await one.resume(agent_with(), **ids)
    assert issubclass(AgentCheckpointNotFoundError, AgentCheckpointCorruptionError)


async def test_a_new_message_closes_the_run_that_was_left_open(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    model = ScriptedModel(ASKS, say("As you like."))
    one = runner(model)
    left = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    newer = await one.run(agent, user_message="never mind", thread_id="th")

    assert newer.state == "completed"
    assert [m.role for m in model.requests[1].messages] == ["system", "user", "assistant", "tool", "user"]
    assert model.requests[1].messages[3].content.startswith("This call was never executed")
    with pytest.raises(AgentRunSupersededError, match=newer.run_id) as caught:
        await one.resume(agent, run_id=left.run_id, thread_id="th")
    assert caught.value.superseded_by == newer.run_id
    with pytest.raises(Exception, match="closed before anyone decided"):
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    assert ledger.lines == []


async def test_a_live_run_is_busy_for_a_resume_and_for_a_new_message(runner: MakeRunner, db: Path) -> None:
    model = Held(say("End."))
    one = runner(model)
    handle = await one.run_handle(agent_with(), user_message="go", thread_id="th")
    await until(lambda: model.asked)
    for other in (one, runner(ScriptedModel())):
        with pytest.raises(AgentRunBusyError, match="in this process"):
            await other.resume(agent_with(), run_id=handle.run_id, thread_id="th")
        with pytest.raises(AgentRunBusyError):
            await other.run(agent_with(), user_message="and", thread_id="th")
    model.go.set()
    assert (await handle.await_result()).state == "completed"
    assert len(rows(db, "SELECT * FROM run")) == 1


async def test_of_two_who_resume_at_once_in_one_process_exactly_one_wins(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool(approval="never"))
    one = runner(ScriptedModel(call(("act", {"what": "a"})), call(("act", {"what": "b"}))), max_steps=1)
    first = await one.run(agent, user_message="go")
    ids: dict[str, Any] = {"run_id": first.run_id, "thread_id": first.thread_id}
    outcomes = await asyncio.gather(*(one.resume(agent, **ids) for _ in range(3)), return_exceptions=True)
    assert sorted(type(o).__name__ for o in outcomes) == ["AgentResult"] + ["AgentRunBusyError"] * 2
    assert ledger.lines == ["act a", "act b"]


async def test_a_person_can_take_a_run_away_and_its_former_owner_writes_no_more(
    runner: MakeRunner, db: Path
) -> None:
    stuck = Held(say("Too late."))
    one = runner(stuck)
    handle = await one.run_handle(agent_with(), user_message="go", thread_id="th")
    await until(lambda: stuck.asked)
    other = runner(ScriptedModel(say("Mine now.")))
    taken = await other.resume_handle(agent_with(), run_id=handle.run_id, thread_id="th", take_over=True)
    assert (await taken.await_result()).final_text == "Mine now."
    before = transcript(db, "th")
    stuck.go.set()
    with pytest.raises(RunFencedError, match="taken over"):
        await handle.await_result()
    assert transcript(db, "th") == before
    assert rows(db, "SELECT state FROM run") == [("completed",)]


async def test_taken_over_within_one_runner_the_new_owner_is_not_disturbed(runner: MakeRunner) -> None:
    model = Held(say("End."))
    one = runner(model)
    first = await one.run_handle(agent_with(), user_message="go", thread_id="th")
    await until(lambda: model.asked == 1)
    second = await one.resume_handle(agent_with(), run_id=first.run_id, thread_id="th", take_over=True)
    await until(lambda: model.asked == 2)
    model.go.set()
    outcomes = await asyncio.gather(first.await_result(), second.await_result(), return_exceptions=True)
    assert isinstance(outcomes[0], RunFencedError)
    assert getattr(outcomes[1], "state", outcomes[1]) == "completed"


async def test_a_thread_keeps_its_workspace_and_takes_its_title_from_the_first_message(
    runner: MakeRunner, tmp_path: Path
) -> None:
    await runner(ScriptedModel()).run(agent_with(), user_message="\n  Tidy up\nplease", thread_id="th")
    elsewhere = runner(ScriptedModel(), workspace="/")
    await elsewhere.run(agent_with(), user_message="More", thread_id="th")
    (thread,) = await elsewhere.list_threads()
    assert (thread.title, thread.workspace) == ("Tidy up", str(tmp_path))
    assert {run.workspace for run in await elsewhere.list_runs()} == {str(tmp_path)}


async def test_the_store_in_memory_serves_a_runner_like_any_other(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(ASKS), memory_store=InMemoryMemoryStore())
    first = await one.run(agent, user_message="go")
    (request,) = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    resumed = await one.resume(agent, run_id=first.run_id, thread_id=first.thread_id)
    assert (resumed.state, ledger.lines) == ("completed", ["act it"])


async def test_an_answer_given_before_a_new_message_closed_the_run_reaches_the_model(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    twice = call(("act", {"what": "one"}), ("act", {"what": "two"}), ("act", {"what": "three"}))
    model = ScriptedModel(twice, say("I see."))
    one = runner(model)
    await one.run(agent, user_message="go", thread_id="th")
    answered, denied, _ = await one.list_approvals()
    await one.decide(answered.approval_id, "respond", args_sha=answered.args_sha, output="by hand")
    await one.decide(denied.approval_id, "deny", args_sha=denied.args_sha, reason="no need")
    newer = await one.run(agent, user_message="go on", thread_id="th")
    assert newer.state == "completed"
    assert [m.content for m in model.requests[1].messages if m.role == "tool"] == [
        "by hand",
        "The person denied this call. Reason: no need",
        "This call was never executed: the conversation went on without it.",
    ]
    assert ledger.lines == []
