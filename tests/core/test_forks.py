"""Going on from the past in a thread of its own: the old one stays as it was, and nothing of it happens again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import (
    AgentCheckpointCompactedError,
    AgentCheckpointNotFoundError,
    AgentConfigurationError,
    ApprovalExpiredError,
)
from afk.core import Runner
from afk.memory import SQLiteMemoryStore, StateRetentionPolicy
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say, transcript, until

ASKS_TWICE = call(("act", {"what": "one"}), ("act", {"what": "two"}))
LOOKS = call(("look", {"what": "first"}))


async def view(runner: Runner, thread_id: str) -> list[tuple[str, str]]:
    """A thread's messages as they are read: role and text."""
    store = await runner._store()
    return [(m.role, m.text) for m in await store.messages(thread_id)]


async def fork_of(runner: Runner, run_id: str, number: int, message: str | None = None) -> Any:
    """The forked thread's only run."""
    thread_id = await runner.fork(run_id, f"{run_id}.{number}", message=message)
    [run] = await runner.list_runs(thread_id)
    return run


async def test_a_fork_reads_what_came_before_and_copies_nothing(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(LOOKS, say("The end.")))
    result = await work.run(agent, user_message="go")
    before = transcript(db, result.thread_id)
    run = await fork_of(work, result.run_id, 3)
    assert run.state == "completed"
    assert transcript(db, run.thread_id) == []
    assert await view(work, run.thread_id) == await view(work, result.thread_id)
    stored = await work.resume(agent, run_id=run.run_id, thread_id=run.thread_id)
    assert (stored.state, stored.final_text, stored.messages_count) == ("completed", "The end.", 4)
    assert transcript(db, result.thread_id) == before
    assert ledger.lines == ["look first"]


async def test_a_message_sent_to_a_fork_is_answered_with_all_that_came_before_it(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    model = ScriptedModel(LOOKS, say("The end."), say("And on."))
    work = runner(model)
    result = await work.run(agent, user_message="go")
    before = transcript(db, result.thread_id)
    fork = await fork_of(work, result.run_id, 3)
    on = await work.run(agent, user_message="and then?", thread_id=fork.thread_id)
    assert on.final_text == "And on."
    assert [m.content for m in model.requests[-1].messages] == [
        "Work.", "go", "", "look did first", "The end.", "and then?",
    ]  # fmt: skip
    assert transcript(db, result.thread_id) == before


async def test_a_fork_of_the_first_checkpoint_with_another_message_takes_the_place_of_the_first(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(say("Hello.")))
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 0, "go elsewhere")
    assert await view(work, fork.thread_id) == [("user", "go elsewhere")]
    assert (fork.state, fork.interruption["kind"]) == ("interrupted", "paused")
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert (on.state, on.final_text, on.messages_count) == ("completed", "Hello.", 2)
    assert await view(work, result.thread_id) == [("user", "go"), ("assistant", "Hello.")]


async def test_calls_that_wait_are_asked_for_anew_and_no_decision_is_copied(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go")
    source = await work.list_approvals(thread_id=result.thread_id)
    await work.decide(source[0].approval_id, "allow", args_sha=source[0].args_sha)
    fork = await fork_of(work, result.run_id, 1)
    assert fork.state == "awaiting_approval"
    asked = await work.list_approvals(thread_id=fork.thread_id)
    assert [a.arguments for a in asked] == [{"what": "one"}, {"what": "two"}]
    assert {a.approval_id for a in asked}.isdisjoint(a.approval_id for a in source)
    keys = rows(db, "SELECT idempotency_key FROM effect")
    assert len(set(keys)) == 4

    for request in asked:
        await work.decide(request.approval_id, "allow", args_sha=request.args_sha)
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert on.state == "completed"
    assert sorted(ledger.lines) == ["act one", "act two"]
    # the source is where it was: one allowed and not executed, one waiting
    assert [a.status for a in await work.list_approvals(thread_id=result.thread_id, pending_only=False)] == [
        "allowed",
        "pending",
    ]


async def test_what_is_asked_anew_expires_after_as_long_as_in_the_source(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    now_ms = [1_800_000_000_000]
    store = SQLiteMemoryStore(db, clock=lambda: now_ms[0])
    work = runner(ScriptedModel(ASKS_TWICE), memory_store=store, approval_expires_after_s=60)
    agent = agent_with(ledger.tool())
    result = await work.run(agent, user_message="go")
    now_ms[0] += 50_000
    fork = await fork_of(work, result.run_id, 1)
    now_ms[0] += 59_000
    first, second = await work.list_approvals(thread_id=fork.thread_id)
    await work.decide(first.approval_id, "allow", args_sha=first.args_sha)
    now_ms[0] += 1_000
    with pytest.raises(ApprovalExpiredError):
        await work.decide(second.approval_id, "allow", args_sha=second.args_sha)
    assert ledger.lines == []


async def test_a_call_that_is_done_by_now_keeps_its_result_and_is_not_repeated(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go")
    [one, _] = await work.list_approvals()
    await work.decide(one.approval_id, "allow", args_sha=one.args_sha)
    await work.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
    fork = await fork_of(work, result.run_id, 1)
    assert await view(work, fork.thread_id) == [
        ("user", "go"), ("assistant", ""), ("tool", "act did one"),
    ]  # fmt: skip
    [request] = await work.list_approvals(thread_id=fork.thread_id)
    await work.decide(request.approval_id, "deny", args_sha=request.args_sha, reason="no")
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert on.state == "completed"
    assert ledger.lines == ["act one"]
    # what happens in the source afterwards is not seen in the fork
    [two] = await work.list_approvals(thread_id=result.thread_id)
    await work.decide(two.approval_id, "allow", args_sha=two.args_sha)
    await work.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
    texts = [text for _, text in await view(work, fork.thread_id)]
    assert "act did two" not in texts
    assert any("denied" in text for text in texts)


async def test_a_call_caught_executing_is_of_unknown_outcome_in_the_fork_and_never_repeated(
    runner: MakeRunner, ledger: Ledger
) -> None:
    inside = asyncio.Event()

    async def forever(what: str) -> str:
        ledger.write(f"began {what}")
        inside.set()
        await asyncio.Event().wait()
        return ""

    from afk.tools import tool

    agent = agent_with(tool(name="act", description="Act.", approval="never")(forever))
    work = runner(ScriptedModel(call(("act", {"what": "it"}))))
    handle = await work.run_handle(agent, user_message="go")
    await inside.wait()
    fork = await fork_of(work, handle.run_id, 1)
    assert (await view(work, fork.thread_id))[-1][1].startswith("Outcome unknown")
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert on.state == "completed"
    assert ledger.lines == ["began it"]
    assert work.live_handle(handle.run_id) is not None
    await handle.cancel()


async def test_a_message_to_a_fork_in_the_middle_of_a_step_closes_its_open_calls(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE, say("Well.")))
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 1, "do something else")
    assert await work.list_approvals(thread_id=fork.thread_id) == []
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert on.final_text == "Well."
    assert [role for role, _ in await view(work, fork.thread_id)] == [
        "user", "assistant", "tool", "tool", "user", "assistant",
    ]  # fmt: skip
    assert len(await work.list_approvals(thread_id=result.thread_id)) == 2


async def test_a_fork_of_a_fork_reads_through_both(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with()
    work = runner(ScriptedModel(say("A."), say("B."), say("C.")))
    first = await work.run(agent, user_message="1")
    second = await fork_of(work, first.run_id, 1)
    await work.run(agent, user_message="2", thread_id=second.thread_id)
    [latest, _] = await work.list_runs(second.thread_id)
    third = await fork_of(work, latest.run_id, 1)
    await work.run(agent, user_message="3", thread_id=third.thread_id)
    assert [text for _, text in await view(work, third.thread_id)] == ["1", "A.", "2", "B.", "3", "C."]
    assert [text for _, text in await view(work, first.thread_id)] == ["1", "A."]


async def test_the_conversation_of_a_fork_shows_each_place_once_and_in_order(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 1)
    store = await work._store()
    heads = await store.message_heads(fork.thread_id)
    assert [(h.seq, h.role) for h in heads] == [(1, "user"), (3, "call"), (4, "call")]
    for count in range(1, 5):
        assert await store.heads_before(fork.thread_id, 2**62, count) == heads[-count:]
    assert await store.heads_before(fork.thread_id, 4, 1) == heads[1:2]
    assert await store.message_heads(fork.thread_id, after=1) == heads[1:]
    _, calls = await store.read_range(fork.thread_id, 1, 4)
    assert [effect.run_id for effect, _ in calls] == [fork.run_id, fork.run_id]


async def test_compacting_the_old_thread_leaves_its_fork_whole(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(*[call(("look", {"what": str(n)})) for n in range(4)]))
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 4)
    before = await view(work, fork.thread_id)
    await work.compact_thread(thread_id=result.thread_id, state_policy=StateRetentionPolicy(max_entries=1))
    assert await view(work, fork.thread_id) == before
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert on.state == "completed"
    with pytest.raises(AgentCheckpointCompactedError):
        await work.fork(result.run_id, f"{result.run_id}.2")
    assert await work.fork(result.run_id, f"{result.run_id}.4")  # a point a fork begins at is protected


async def test_what_can_not_be_forked_is_refused(runner: MakeRunner) -> None:
    work = runner(ScriptedModel())
    result = await work.run(agent_with(), user_message="go")
    with pytest.raises(AgentCheckpointNotFoundError):
        await work.fork("run_none", "run_none.0")
    with pytest.raises(AgentCheckpointNotFoundError):
        await work.fork(result.run_id, f"{result.run_id}.99")
    for checkpoint_id in ("", "other.0", f"{result.run_id}.x", result.run_id):
        with pytest.raises(AgentConfigurationError):
            await work.fork(result.run_id, checkpoint_id)
    with pytest.raises(AgentConfigurationError):
        await work.fork(result.run_id, f"{result.run_id}.0", message="  ")
    await until(lambda: not work._handles)


async def test_a_call_that_a_grant_allowed_is_asked_for_in_the_fork(
    runner: MakeRunner, ledger: Ledger
) -> None:
    """A grant of the old thread does not reach into the fork, not even for a call that it had allowed already."""
    inside = asyncio.Event()

    async def forever() -> str:
        inside.set()
        await asyncio.Event().wait()
        return ""

    from afk.tools import tool

    agent = agent_with(ledger.tool(), tool(name="hold", description="Hold.", approval="never")(forever))
    same = ("act", {"what": "it"})
    work = runner(ScriptedModel(call(same), call(("hold", {}), same)), max_parallel_tools=1)
    first = await work.run(agent, user_message="go", thread_id="th")
    [request] = await work.list_approvals()
    await work.decide(request.approval_id, "allow", args_sha=request.args_sha, scope="thread")
    handle = await work.resume_handle(agent, run_id=first.run_id, thread_id="th")
    await inside.wait()
    assert await work.list_approvals() == []
    newest = (await work.list_checkpoints("th"))[0]
    fork = await fork_of(work, first.run_id, newest.number)
    [asked] = await work.list_approvals(thread_id=fork.thread_id)
    assert (asked.tool_name, asked.arguments) == same
    assert ledger.lines == ["act it"]
    await handle.cancel()


async def test_a_fork_that_was_resumed_to_its_end_gives_its_result_and_runs_nothing_again(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    model = ScriptedModel(ASKS_TWICE)
    work = runner(model)
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 1)
    for request in await work.list_approvals(thread_id=fork.thread_id):
        await work.decide(request.approval_id, "allow", args_sha=request.args_sha)
    first = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    requests = len(model.requests)
    again = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert (again.state, again.final_text) == (first.state, first.final_text) == ("completed", "Done.")
    assert (len(model.requests), sorted(ledger.lines)) == (requests, ["act one", "act two"])
    # and the run that it was forked from still waits, and can be taken over by a message of its own thread only
    later = await work.run(agent, user_message="never mind", thread_id=fork.thread_id)
    assert later.state == "completed"
    [source] = await work.list_runs(result.thread_id)
    assert (source.state, source.interruption) == ("awaiting_approval", None)
