"""A subagent's run: begun by a call, stopped and resumed with its root, never run again once it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent, PolicyRule
from afk.agents.errors import AgentConfigurationError, AgentRunBusyError, RunFencedError
from afk.core import Runner
from afk.core.events import ApprovalRequested, RunWarning, SubagentStarted, SubagentStopped
from afk.llms.protocol import Answer, ModelError, ModelEvent, ModelRequest, ToolCall
from afk.memory import RetentionPolicy, StateRetentionPolicy
from afk.memory.records import Decision
from afk.tools import ToolContext, tool
from tests.core.conftest import MakeRunner
from tests.core.family import ACTS, BOSS, ByAgent, delegate, member
from tests.core.kit import Ledger, call, events_of, rows, say, transcript, until


def boss_and_helper(ledger: Ledger, **options: Any) -> Agent:
    return member("boss", below=(member("helper", ledger.tool(**options)),))


async def allow_all(runner: Runner) -> None:
    for request in await runner.list_approvals():
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha, by="ada")


async def test_a_subagent_is_offered_as_a_tool_and_its_answer_is_the_result_of_the_call(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    model = ByAgent(boss=BOSS, helper=ACTS)
    agent = boss_and_helper(ledger, approval="never")
    result = await runner(model).run(agent, user_message="go", thread_id="th")
    assert (result.state, result.final_text, ledger.lines) == ("completed", "All done.", ["act it"])
    (offered,) = model.models["boss"].requests[0].tools
    assert (offered.name, list(offered.parameters["properties"])) == ("helper", ["task"])
    task = model.models["helper"].requests[0].messages
    assert [(m.role, m.content) for m in task] == [("system", "helper"), ("user", "do it (0)")]
    (child,) = result.subagent_executions
    assert (child.agent_name, child.call_id, child.state) == ("helper", "call_0_of_0", "completed")
    assert [(seq, role, text) for seq, role, text, *_ in transcript(db, "th")] == [
        (1, "user", "go"),
        (2, "assistant", ""),
        (3, "tool", "I did it."),
        (4, "assistant", "All done."),
    ]
    assert (result.usage.model_calls, result.messages_count) == (4, 4)
    parent = rows(
        db, "SELECT root_run_id, parent_run_id, parent_call_id, thread_id FROM run WHERE id = ?", child.run_id
    )
    assert parent == [(result.run_id, result.run_id, "call_0_of_0", "th")]


async def test_its_request_shows_the_path_and_is_decided_after_a_restart(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    model = ByAgent(boss=BOSS, helper=ACTS)
    first = runner(model)
    agent = boss_and_helper(ledger)
    result = await first.run(agent, user_message="go", thread_id="th")
    assert (result.state, result.subagent_executions[0].state) == ("awaiting_approval", "awaiting_approval")
    await first.close()

    second = runner(model)
    (request,) = await second.list_approvals(thread_id="th")
    assert (request.agent_path, request.tool_name) == ("boss › helper", "act")
    (thread,) = await second.list_threads()
    assert (thread.thread_id, thread.state, thread.pending_approvals) == ("th", "awaiting_approval", 1)
    await allow_all(second)
    ended = await second.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ended.final_text, ledger.lines) == ("completed", "All done.", ["act it"])
    assert (model.asked("boss"), model.asked("helper")) == (2, 2)
    assert rows(db, "SELECT count(*) FROM run") == [(2,)]


async def test_resuming_a_subagents_run_resumes_its_root(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS))
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    child = result.subagent_executions[0].run_id
    await allow_all(one)
    with pytest.raises(AgentConfigurationError, match="begun by agent 'boss'"):
        await one.resume(agent.subagents[0], run_id=child, thread_id="th")
    ended = await one.resume(agent, run_id=child, thread_id="th")
    assert (ended.run_id, ended.state, ledger.lines) == (result.run_id, "completed", ["act it"])


async def test_a_finished_subagent_is_never_run_again(
    runner: MakeRunner, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended, and the process died before its answer stood in the conversation above."""
    model = ByAgent(boss=BOSS, helper=ACTS)
    first = runner(model)
    store = await first._store()
    record = store.record_result

    async def dies_above(key: Any, effect: Any, *rest: Any) -> Any:
        if effect.effect == "subagent":
            raise asyncio.CancelledError
        return await record(key, effect, *rest)

    agent = boss_and_helper(ledger, approval="never")
    with monkeypatch.context() as patched:
        patched.setattr(store, "record_result", dies_above)
        result = await (await first.run_handle(agent, user_message="go", thread_id="th")).await_result()
    assert (result.state, result.subagent_executions[0].state) == ("interrupted", "completed")
    ended = await runner(model).resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ended.final_text, ledger.lines) == ("completed", "All done.", ["act it"])
    assert model.asked("helper") == 2
    assert ended.tool_executions[0].output == "I did it."


async def test_its_conversation_takes_no_messages_of_anybody_else(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    model = ByAgent(boss=BOSS, helper=ACTS)
    agent = boss_and_helper(ledger, approval="never")
    work = runner(model)
    (child,) = (await work.run(agent, user_message="go", thread_id="th")).subagent_executions
    said = transcript(db, child.run_id)
    with pytest.raises(AgentConfigurationError, match="what a subagent did in thread 'th'"):
        await work.run(agent, user_message="and you?", thread_id=child.run_id)
    assert transcript(db, child.run_id) == said != []


async def test_a_checkpoint_of_the_run_above_knows_the_runs_inside(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ByAgent(boss=(delegate("helper", "helper"), say("All done.")), helper=ACTS))
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    known = {e.call_id: (e.run_id, "helper") for e in result.subagent_executions}
    newest = next(c for c in await one.list_checkpoints("th") if c.run_id == result.run_id)
    assert newest.phase == "delegated"
    assert {c["call_id"]: (c["run_id"], c["agent_name"]) for c in newest.state["children"]} == known
    assert len(known) == 2


async def test_children_wait_and_go_on_one_by_one_beside_each_other(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    """One decision lets its own subagent go on to its end while the other one still waits."""
    one = runner(ByAgent(boss=(delegate("helper", "helper"), say("All done.")), helper=ACTS))
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    first, second = await one.list_approvals()
    await one.decide(second.approval_id, "allow", args_sha=second.args_sha)
    again = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert again.state == "awaiting_approval"
    states = {e.run_id: e.state for e in again.subagent_executions}
    assert (states[first.run_id], states[second.run_id]) == ("awaiting_approval", "completed")
    assert [r.approval_id for r in await one.list_approvals()] == [first.approval_id]
    await one.decide(first.approval_id, "deny", args_sha=first.args_sha, reason="not twice")
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ledger.lines) == ("completed", ["act it"])
    assert [row[1] for row in transcript(db, "th")] == ["user", "assistant", "tool", "tool", "assistant"]


async def test_a_run_that_waits_in_this_process_goes_on_when_its_subagents_request_is_decided(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS), interaction_mode="interactive")
    handle = await one.run_handle(boss_and_helper(ledger), user_message="go", thread_id="th")
    events = asyncio.ensure_future(events_of(handle))
    while not await one.list_approvals():
        await asyncio.sleep(0.002)
    await allow_all(one)
    assert (await handle.await_result()).state == "completed"
    told = await events
    (asked,) = [e for e in told if isinstance(e, ApprovalRequested)]
    starts = [e for e in told if isinstance(e, SubagentStarted)]
    stops = [e.state for e in told if isinstance(e, SubagentStopped)]
    assert {e.child_run_id for e in starts} == {asked.run_id} != {handle.run_id}
    assert (stops[0], stops[-1]) == ("awaiting_approval", "completed")


async def test_a_subagent_goes_on_while_another_call_of_its_step_still_works(
    runner: MakeRunner, ledger: Ledger
) -> None:
    """The run above has work of its own: the decision is seen all the same, and nobody waits for the slow one."""
    go = asyncio.Event()

    @tool(effect="read")
    async def slow() -> str:
        "Wait."
        await go.wait()
        return "at last"

    model = ByAgent(boss=(call(("helper", {"task": "x"}), ("slow", {})), say("All done.")), helper=ACTS)
    agent = member("boss", slow, below=(member("helper", ledger.tool()),))
    one = runner(model)
    handle = await one.run_handle(agent, user_message="go", thread_id="th")
    while not await one.list_approvals():
        await asyncio.sleep(0.002)
    await allow_all(one)
    await until(lambda: model.asked("helper") == 2)
    go.set()
    assert ((await handle.await_result()).state, ledger.lines) == ("completed", ["act it"])


async def test_a_subagent_of_a_subagent_asks_with_the_whole_path(runner: MakeRunner, ledger: Ledger) -> None:
    model = ByAgent(boss=BOSS, helper=(delegate("hand"), say("It is done below.")), hand=ACTS)
    agent = member("boss", below=(member("helper", below=(member("hand", ledger.tool()),)),))
    one = runner(model)
    result = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    assert request.agent_path == "boss › helper › hand"
    await allow_all(one)
    ended = await one.resume(agent, run_id=request.run_id, thread_id="th")
    assert (ended.run_id, ended.state, ledger.lines) == (result.run_id, "completed", ["act it"])
    assert ended.tool_executions[0].output == "It is done below."
    assert ended.usage.model_calls == 6


async def test_no_level_below_the_limit_is_offered_a_subagent(runner: MakeRunner, ledger: Ledger) -> None:
    hand = member("hand", ledger.tool())
    agent = member("boss", below=(member("helper", below=(hand,)),))
    model = ByAgent(boss=BOSS, helper=(delegate("hand"), say("Nobody to ask.")), hand=ACTS)
    result = await runner(model, max_subagent_depth=1).run(agent, user_message="go", thread_id="th")
    assert (result.state, model.asked("hand")) == ("completed", 0)
    assert model.models["helper"].requests[0].tools == ()
    assert "There is no tool named 'hand'" in model.models["helper"].requests[1].messages[-1].content
    none = ByAgent(boss=BOSS, helper=ACTS)
    await runner(none, max_subagent_depth=0).run(agent, user_message="go", thread_id="other")
    assert (none.models["boss"].requests[0].tools, none.asked("helper")) == ((), 0)


async def test_a_run_gives_no_more_tasks_than_its_limit(runner: MakeRunner, ledger: Ledger, db: Path) -> None:
    boss = (delegate("helper", "helper"), delegate("helper", "helper"), say("All done."))
    model = ByAgent(boss=boss, helper=(say("Yes."),))
    agent = boss_and_helper(ledger)
    result = await runner(model, max_subagents=3).run(agent, user_message="go", thread_id="th")
    assert (result.state, len(result.subagent_executions)) == ("completed", 3)
    assert [e.phase for e in result.tool_executions] == ["done", "done", "done", "failed"]
    assert "3 tasks to subagents" in result.tool_executions[3].output


async def test_a_subagent_that_stops_short_stops_its_root_resumably(
    runner: MakeRunner, ledger: Ledger
) -> None:
    down = True

    def perhaps(request: ModelRequest) -> Any:
        if down:
            raise ModelError("auth", "The key was refused.")
        return say("It works again.")

    model = ByAgent(boss=BOSS, helper=(perhaps,))
    one, agent = runner(model), boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "infrastructure")
    assert result.interruption.detail == "Subagent helper: The key was refused."
    assert result.subagent_executions[0].state == "interrupted"
    down = False
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ended.tool_executions[0].output) == ("completed", "It works again.")
    assert len(ended.subagent_executions) == 1


async def test_a_spent_budget_of_a_subagent_is_granted_anew_with_its_root(
    runner: MakeRunner, ledger: Ledger
) -> None:
    helper = (call(("act", {"what": "a"})), call(("act", {"what": "b"})), say("I did both."))
    one = runner(ByAgent(boss=BOSS, helper=helper), max_steps=2)
    agent = boss_and_helper(ledger, approval="never")
    result = await one.run(agent, user_message="go", thread_id="th")
    assert result.interruption is not None
    assert (result.interruption.kind, ledger.lines) == ("budget", ["act a", "act b"])
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ended.tool_executions[0].output) == ("completed", "I did both.")


async def test_a_call_inside_that_was_caught_by_a_stop_is_asked_about_and_the_subagent_is_not(
    runner: MakeRunner, ledger: Ledger
) -> None:
    """The subagent's own call may have had its effect; the call that began the subagent is simply gone on with."""
    begun = asyncio.Event()

    def act(what: str) -> str:
        "Act."
        begun.set()
        ledger.write(what)
        return what

    slow = tool(name="act", effect="once", approval="never")(act)
    model = ByAgent(boss=BOSS, helper=ACTS)
    agent = member("boss", below=(member("helper", slow),))
    first = runner(model)
    store = await first._store()
    record = store.record_result

    async def never(*args: Any) -> Any:
        await asyncio.Event().wait()

    store.record_result = never  # type: ignore[method-assign]
    handle = await first.run_handle(agent, user_message="go", thread_id="th")
    await begun.wait()
    other = runner(model)
    taken = await other.resume_handle(agent, run_id=handle.run_id, thread_id="th", take_over=True)
    assert (await taken.await_result()).state == "awaiting_approval"
    (request,) = await other.list_approvals()
    assert (request.kind, request.agent_path) == ("uncertain", "boss › helper")
    store.record_result = record  # type: ignore[method-assign]
    await other.decide(request.approval_id, "happened", args_sha=request.args_sha)
    ended = await other.resume(agent, run_id=handle.run_id, thread_id="th")
    assert (ended.state, ledger.lines) == ("completed", ["it"])
    with pytest.raises(RunFencedError):
        await handle.interrupt()


async def test_the_late_write_of_a_subagent_taken_over_is_refused(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    """Root and children share the epoch: taking the root over fences the child too."""
    begun, go = asyncio.Event(), asyncio.Event()

    @tool(effect="read")
    async def look() -> str:
        "Look."
        begun.set()
        await go.wait()
        return "seen late"

    model = ByAgent(boss=BOSS, helper=(call(("look", {})), say("I looked.")))
    agent = member("boss", below=(member("helper", look),))
    first, other = runner(model), runner(model)
    handle = await first.run_handle(agent, user_message="go", thread_id="th")
    await begun.wait()
    with pytest.raises(AgentRunBusyError):
        await other.resume_handle(agent, run_id=handle.run_id, thread_id="th")
    taken = await other.resume_handle(agent, run_id=handle.run_id, thread_id="th", take_over=True)
    epochs = rows(db, "SELECT epoch FROM run")
    assert epochs == [(2,), (2,)]
    go.set()
    with pytest.raises(RunFencedError, match="taken over"):
        await handle.await_result()
    assert (await taken.await_result()).state == "completed"
    assert [row[1] for row in transcript(db, "th")] == ["user", "assistant", "tool", "assistant"]
    child = rows(db, "SELECT id FROM run WHERE parent_run_id IS NOT NULL")[0][0]
    assert [row[1] for row in transcript(db, child)] == ["user", "assistant", "tool", "assistant"]


async def test_an_interrupt_stops_the_runs_inside_and_a_resume_goes_on_with_them(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @tool(effect="read")
    async def look() -> str:
        "Look."
        begun.set()
        await go.wait()
        return "seen"

    model = ByAgent(boss=BOSS, helper=(call(("look", {})), say("I looked.")))
    agent = member("boss", below=(member("helper", look),))
    one = runner(model)
    handle = await one.run_handle(agent, user_message="go", thread_id="th")
    await begun.wait()
    stopped = await handle.cancel()
    assert (stopped.state, stopped.subagent_executions[0].state) == ("cancelled", "cancelled")
    assert rows(db, "SELECT count(*) FROM run WHERE owner IS NOT NULL") == [(0,)]
    go.set()
    ended = await one.resume(agent, run_id=handle.run_id, thread_id="th")
    assert (ended.state, ended.tool_executions[0].output) == ("completed", "I looked.")
    assert model.asked("helper") == 2


async def test_compaction_spares_every_run_inside_an_unfinished_one(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    """Finished ones too: the newest checkpoint of each stays, and the root resumes as if nothing was removed."""
    boss = (call(("reader", {"task": "a"}), ("helper", {"task": "b"})), say("All done."))
    model = ByAgent(boss=boss, helper=ACTS, reader=(say("Read."),))
    agent = member("boss", below=(member("helper", ledger.tool()), member("reader")))
    one = runner(model)
    result = await one.run(agent, user_message="go", thread_id="th")
    assert sorted(e.state for e in result.subagent_executions) == ["awaiting_approval", "completed"]
    removed = await one.compact_thread(
        thread_id="th",
        event_policy=RetentionPolicy(max_events=1),
        state_policy=StateRetentionPolicy(max_entries=1),
    )
    assert removed.states_removed > 0
    left = rows(db, "SELECT run_id, max(number) FROM checkpoint GROUP BY run_id")
    assert dict(left) == dict(rows(db, "SELECT id, checkpoint FROM run"))
    assert len(left) == 3
    await allow_all(one)
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ledger.lines, model.asked("reader")) == ("completed", ["act it"], 1)


async def test_a_grant_for_the_thread_covers_its_subagents(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ByAgent(boss=(*BOSS[:1], delegate("helper"), say("All done.")), helper=ACTS))
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, scope="thread")
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (ended.state, ledger.lines) == ("completed", ["act it", "act it"])
    assert len(await one.list_approvals(pending_only=False)) == 1


async def test_a_rule_may_ask_before_a_task_is_given_and_the_task_may_be_edited(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = ByAgent(boss=BOSS, helper=(say("Yes."),))
    one = runner(model, policy=[PolicyRule("helper", "ask", reason="Costly.")])
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    assert (request.agent_path, request.reason, model.asked("helper")) == ("boss", "Costly.", 0)
    await one.decide(
        request.approval_id, "allow", args_sha=request.args_sha, arguments={"task": "something smaller"}
    )
    ended = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert ended.state == "completed"
    assert model.models["helper"].requests[0].messages[1].content == "something smaller"
    assert "The person changed the arguments" in ended.tool_executions[0].output


async def test_an_agent_without_the_tool_of_an_open_call_inside_is_refused(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS))
    result = await one.run(boss_and_helper(ledger), user_message="go", thread_id="th")
    bare = member("boss", below=(member("helper"),))
    with pytest.raises(AgentConfigurationError, match="'helper' has no such tool"):
        await one.resume(bare, run_id=result.run_id, thread_id="th")
    with pytest.raises(AgentConfigurationError, match="'boss' has no such tool"):
        await one.resume(member("boss"), run_id=result.run_id, thread_id="th")


async def test_context_of_a_resume_reaches_the_tools_of_a_subagent(
    runner: MakeRunner, ledger: Ledger
) -> None:
    seen: list[Any] = []

    @tool(name="act", effect="once")
    async def act(what: str, ctx: ToolContext) -> str:
        "Act."
        seen.append((dict(ctx.context), ctx.thread_id, ctx.run_id))
        return what

    one = runner(ByAgent(boss=BOSS, helper=ACTS))
    agent = member("boss", below=(member("helper", act),))
    result = await one.run(agent, user_message="go", thread_id="th", context={"a": 1})
    await allow_all(one)
    await one.resume(agent, run_id=result.run_id, thread_id="th", context={"b": 2})
    assert seen == [({"a": 1, "b": 2}, "th", result.subagent_executions[0].run_id)]


async def test_a_new_message_closes_the_runs_inside_the_one_left_open(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    model = ByAgent(boss=(*BOSS, say("Something else.")), helper=ACTS)
    one, agent = runner(model), boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    await one.run(agent, user_message="never mind", thread_id="th")
    child = result.subagent_executions[0].run_id
    assert (
        rows(db, "SELECT state, superseded_by IS NULL FROM run WHERE id IN (?, ?)", child, result.run_id)
        == [("cancelled", 0)] * 2
    )
    assert await one.list_approvals() == []
    assert [row[1] for row in transcript(db, child)] == ["user", "assistant", "tool"]
    assert rows(db, "SELECT count(*) FROM effect WHERE finished_at_ms IS NULL") == [(0,)]


async def test_a_new_message_keeps_all_that_is_known_of_a_subagent_whose_answer_was_not_recorded(
    runner: MakeRunner, ledger: Ledger, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was cut and its task edited, which the model above is told however the conversation goes on."""
    helper = (*ACTS[:1], say("I did", finish_reason="length"))
    one = runner(ByAgent(boss=BOSS, helper=helper), policy=[PolicyRule(tool="helper", action="ask")])
    agent, store = boss_and_helper(ledger, approval="never"), await one._store()
    record = store.record_result

    async def dies_above(key: Any, effect: Any, *rest: Any) -> Any:
        if effect.effect == "subagent":
            raise asyncio.CancelledError
        return await record(key, effect, *rest)

    told: list[str] = []
    for thread_id in ("th", "closed"):
        result = await one.run(agent, user_message="go", thread_id=thread_id)
        (request,) = await one.list_approvals()
        await one.decide(
            request.approval_id, "allow", args_sha=request.args_sha, arguments={"task": "this instead"}
        )
        if thread_id == "closed":
            monkeypatch.setattr(store, "record_result", dies_above)
        handle = await one.resume_handle(agent, run_id=result.run_id, thread_id=thread_id)
        result = await handle.await_result()
        if thread_id == "closed":
            assert result.subagent_executions[0].state == "degraded"
            await one.run(member("boss"), user_message="more", thread_id=thread_id)
        told.append(next(row[2] for row in transcript(db, thread_id) if row[1] == "tool"))
    assert told[0] == told[1]
    assert "this instead" in told[0]
    assert "cut" in told[0]


async def test_a_provider_decides_for_subagents_too(runner: MakeRunner, ledger: Ledger) -> None:
    class Yes:
        async def decide(self, approval: Any) -> Decision:
            return Decision("allow", approval.args_sha, "robot")

    one = runner(ByAgent(boss=BOSS, helper=ACTS), interaction_provider=Yes())
    result = await one.run(boss_and_helper(ledger), user_message="go", thread_id="th")
    assert (result.state, ledger.lines) == ("completed", ["act it"])


async def test_expired_requests_of_a_subagent_are_asked_again(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS), approval_expires_after_s=60)
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    store = await one._store()
    now = store.clock()
    store.clock = lambda: now + 61_000
    again = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert again.state == "awaiting_approval"
    (asked,) = await one.list_approvals()
    assert asked.approval_id != request.approval_id
    assert asked.agent_path == "boss › helper"


async def test_a_request_that_expires_again_and_again_gives_its_reason_once(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS), approval_expires_after_s=0.001)
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    asked = len(await one.list_approvals(pending_only=False))
    while asked < 4:
        result = await one.resume(agent, run_id=result.run_id, thread_id="th")
        asked = len(await one.list_approvals(pending_only=False))
    reasons = [r.reason for r in await one.list_approvals(pending_only=False)]
    assert {reason.count("Asked again") for reason in reasons[1:]} == {1}


@pytest.mark.parametrize("was_subagent", [True, False])
async def test_a_call_to_a_subagent_is_not_gone_on_with_as_a_tool_nor_the_other_way_round(
    runner: MakeRunner, ledger: Ledger, was_subagent: bool
) -> None:
    @tool(effect="once", name="helper", description="Help.")
    async def helper(task: str) -> str:
        ledger.write(task)
        return "helped"

    agents = [boss_and_helper(ledger), member("boss", helper)]
    before, after = agents if was_subagent else reversed(agents)
    one = runner(ByAgent(boss=BOSS, helper=ACTS))
    result = await one.run(before, user_message="go", thread_id="th")
    await allow_all(one)
    with pytest.raises(AgentConfigurationError, match="of that name now"):
        await one.resume(after, run_id=result.run_id, thread_id="th")
    ended = await one.resume(before, run_id=result.run_id, thread_id="th")
    assert (ended.state, len(ledger.lines)) == ("completed", 1)


async def test_a_subagent_that_was_added_since_is_told_at_a_resume(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ByAgent(boss=(call(("act", {"what": "it"})),)))
    result = await one.run(member("boss", ledger.tool()), user_message="go", thread_id="th")
    more = member("boss", ledger.tool(), below=(member("helper"),))
    handle = await one.resume_handle(more, run_id=result.run_id, thread_id="th")
    (warning,) = [e.text for e in await events_of(handle) if isinstance(e, RunWarning)]
    assert "its subagents changed" in warning


async def test_a_subagents_run_is_forked_with_its_root_only(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ByAgent(boss=BOSS, helper=ACTS))
    agent = boss_and_helper(ledger)
    result = await one.run(agent, user_message="go", thread_id="th")
    child = result.subagent_executions[0].run_id
    with pytest.raises(AgentConfigurationError, match=f"Fork its root, run {result.run_id}"):
        await one.fork(child, f"{child}.0")
    fork = await one.fork(result.run_id, f"{result.run_id}.2")
    (run,) = await one.list_runs(fork)
    ended = await one.resume(agent, run_id=run.run_id, thread_id=fork)
    assert (ended.state, ledger.lines) == ("completed", [])
    assert "Outcome unknown" in ended.tool_executions[0].output


def test_names_of_tools_and_subagents_are_unique_together(ledger: Ledger) -> None:
    with pytest.raises(AgentConfigurationError, match="several tools or subagents named act"):
        member("boss", ledger.tool(), below=(member("act"),))
    with pytest.raises(AgentConfigurationError, match="which is no Agent"):
        Agent(name="boss", subagents=("helper",))  # type: ignore[arg-type]
    assert [t.name for t in member("boss", below=(member("web & news"),)).toolbox] == ["web_news"]


class OneIdForAll(ByAgent):
    """A server that gives every call of every answer the same id."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        async for event in super().stream(request):
            if isinstance(event, Answer):
                calls = tuple(ToolCall("call", c.name, c.arguments) for c in event.tool_calls)
                yield replace(event, tool_calls=calls)
            else:
                yield event


async def test_no_two_calls_of_a_conversation_have_one_id_so_a_run_inside_names_its_call(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    script = (delegate("helper", "helper"), delegate("helper"), delegate("helper"), say("All done."))
    model = OneIdForAll(boss=script, helper=ACTS)
    agent = boss_and_helper(ledger, approval="never")
    result = await runner(model).run(agent, user_message="go", thread_id="th")
    assert result.state == "completed"
    calls = [execution.call_id for execution in result.subagent_executions]
    assert len(set(calls)) == 4
    assert [call_id for *_, role, _, _, call_id in transcript(db, "th") if role == "tool"] == calls
