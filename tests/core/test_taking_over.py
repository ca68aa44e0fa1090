"""A run taken away from a living owner: its calls may still take effect, and its late writes are refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import RunFencedError
from afk.agents.policy import PolicyRule
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.memory.records import NewRun
from afk.tools import Tool, ToolContext, tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say, transcript, until

CALLS = call(("act", {"what": "a"}))


class Slow:
    """A tool that must not be repeated, and says truthfully whether it happened; it waits before it acts."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.begun = 0
        self.go = asyncio.Event()

    def tool(self, **options: Any) -> Tool:
        async def act(what: str) -> str:
            self.begun += 1
            await self.go.wait()
            self.ledger.write(f"act {what}")
            return "acted"

        async def happened(ctx: ToolContext, arguments: dict[str, Any]) -> bool:
            return bool(self.ledger.lines)

        options = {"effect": "once", "approval": "never", "verify": happened, **options}
        return tool(name="act", description="Act.", **options)(act)


async def test_a_call_of_a_living_owner_is_asked_about_whatever_its_tool_finds_out(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    """It has not happened yet, and may happen any moment."""
    slow = Slow(ledger)
    agent = agent_with(slow.tool())
    first = await runner(ScriptedModel(CALLS)).run_handle(agent, user_message="go", thread_id="th")
    await until(lambda: slow.begun == 1)
    other = runner(ScriptedModel(CALLS))
    taken = await other.resume_handle(agent, run_id=first.run_id, thread_id="th", take_over=True)
    assert (await taken.await_result()).state == "awaiting_approval"
    (request,) = await other.list_approvals()
    assert (request.kind, "Another process was making this call" in request.reason) == ("uncertain", True)
    slow.go.set()
    with pytest.raises(RunFencedError, match="taken over"):
        await first.await_result()
    assert ledger.lines == ["act a"]
    await other.decide(request.approval_id, "happened", args_sha=request.args_sha)
    ended = await other.resume(agent, run_id=first.run_id, thread_id="th")
    assert (ended.state, ledger.lines, slow.begun) == ("completed", ["act a"], 1)
    assert len(transcript(db, "th")) == 4


async def test_a_second_attempt_of_a_living_owner_is_asked_about_again(
    runner: MakeRunner, ledger: Ledger
) -> None:
    """ "Run it again" was said of the attempt that the living owner makes; not of another one beside it."""
    slow = Slow(ledger)
    agent = agent_with(slow.tool(verify=None))
    ids: dict[str, Any] = {"thread_id": "th"}
    one, two, three = (runner(ScriptedModel(CALLS)) for _ in range(3))
    first = await one.run_handle(agent, user_message="go", **ids)
    await until(lambda: slow.begun == 1)
    ids["run_id"] = first.run_id
    await (await two.resume_handle(agent, **ids, take_over=True)).await_result()
    (request,) = await two.list_approvals()
    slow.go.set()
    with pytest.raises(RunFencedError):
        await first.await_result()
    slow.go.clear()
    await two.decide(request.approval_id, "run_again", args_sha=request.args_sha)
    again = await two.resume_handle(agent, **ids)
    await until(lambda: slow.begun == 2)
    assert (await (await three.resume_handle(agent, **ids, take_over=True)).await_result()).state == (
        "awaiting_approval"
    )
    (request,) = await three.list_approvals()
    assert request.kind == "uncertain"
    assert slow.begun == 2
    slow.go.set()
    with pytest.raises(RunFencedError):
        await again.await_result()


async def test_a_call_is_not_run_again_beside_the_attempt_that_is_still_running(
    runner: MakeRunner, ledger: Ledger
) -> None:
    slow = Slow(ledger)
    agent = agent_with(slow.tool(verify=None))
    one, two = (runner(ScriptedModel(CALLS)) for _ in range(2))
    first = await one.run_handle(agent, user_message="go", thread_id="th")
    await until(lambda: slow.begun == 1)
    ids: dict[str, Any] = {"thread_id": "th", "run_id": first.run_id}
    await (await two.resume_handle(agent, **ids, take_over=True)).await_result()
    (request,) = await two.list_approvals()
    await two.decide(request.approval_id, "run_again", args_sha=request.args_sha)
    assert (await two.resume(agent, **ids)).state == "awaiting_approval"
    (request,) = await two.list_approvals()
    assert "still running" in request.reason
    assert slow.begun == 1
    slow.go.set()
    with pytest.raises(RunFencedError):
        await first.await_result()
    await two.decide(request.approval_id, "run_again", args_sha=request.args_sha)
    assert (await two.resume(agent, **ids)).state == "completed"
    assert slow.begun == 2


async def test_two_runners_on_one_store_do_not_stop_each_others_runs(db: Path, ledger: Ledger) -> None:
    store = SQLiteMemoryStore(db)
    slow = Slow(ledger)
    agent = agent_with(slow.tool(effect="idempotent", verify=None))
    one, two = (Runner(memory_store=store, llm=ScriptedModel(CALLS)) for _ in range(2))
    first = await one.run_handle(agent, user_message="go", thread_id="th")
    await until(lambda: slow.begun == 1)
    second = await two.resume_handle(agent, run_id=first.run_id, thread_id="th", take_over=True)
    await until(lambda: slow.begun == 2)
    with pytest.raises(RunFencedError):
        await first.interrupt()
    assert rows(db, "SELECT state FROM run") == [("running",)]
    assert second.run_id in store.live_runs
    slow.go.set()
    assert (await second.await_result()).state == "completed"
    await store.close()


async def test_a_rule_that_denies_also_stops_the_repetition_of_a_call_that_was_cut_off(
    runner: MakeRunner, ledger: Ledger
) -> None:
    slow = Slow(ledger)
    agent = agent_with(slow.tool(effect="idempotent", verify=None))
    first = await runner(ScriptedModel(CALLS)).run_handle(agent, user_message="go", thread_id="th")
    await until(lambda: slow.begun == 1)
    await first.interrupt()
    strict = runner(ScriptedModel(CALLS), policy=[PolicyRule("act", action="deny", reason="No more.")])
    slow.go.set()
    ended = await strict.resume(agent, run_id=first.run_id, thread_id="th")
    assert (ended.state, slow.begun, ledger.lines) == ("completed", 1, [])
    assert "may have had an effect" in ended.tool_executions[0].output
    assert "No more." in ended.tool_executions[0].output


async def test_a_database_behind_a_link_has_the_owners_of_the_file_itself(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "afk.db", tmp_path / "link.db"
    real.parent.mkdir()
    link.symlink_to(real)
    by_link, direct = SQLiteMemoryStore(link), SQLiteMemoryStore(real)
    await by_link.open()
    await direct.open()
    by_link.live_runs.add("run_1")
    await by_link.begin_run(NewRun("run_1", "th", "bot", "m", {}, "/w", "go"), "Title")
    run = await direct.get_run("run_1")
    assert run is not None
    assert run.state == "running", "its living owner was not found"
    assert by_link.is_own_file((tmp_path / "real" / "afk.db-wal").stat())
    await by_link.close()
    await direct.close()


async def test_a_fresh_budget_is_not_lost_with_a_process_that_dies_at_once(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    script = [call(("act", {"what": str(n)})) for n in range(3)] + [say("End.")]
    agent = agent_with(ledger.tool(approval="never"))
    one = runner(ScriptedModel(*script), max_steps=2)
    spent = await one.run(agent, user_message="go", thread_id="th")
    assert (spent.state, (spent.interruption and spent.interruption.kind)) == ("interrupted", "budget")
    store = SQLiteMemoryStore(db)
    await store.open()
    await store.take_run(spent.run_id, "th", None)
    await store.close()  # and nothing else: as if it had been killed
    ended = await one.resume(agent, run_id=spent.run_id, thread_id="th")
    assert ended.state == "completed"


async def test_runs_and_requests_stand_in_their_order_though_the_clock_went_back(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    now = [2_000_000_000_000]
    store = SQLiteMemoryStore(db, clock=lambda: now[0])
    one = runner(
        ScriptedModel(*[call(("act", {"what": "a"}), ("act", {"what": "b"}))] * 3), memory_store=store
    )
    agent = agent_with(ledger.tool())
    ids: list[str] = []
    for _ in range(3):
        ids.append((await one.run(agent, user_message="go", thread_id="th")).run_id)
        now[0] -= 86_400_000
    assert [run.run_id for run in await one.list_runs("th")] == ids[::-1]
    assert [run.run_id for run in await one.list_runs()] == ids[::-1]
    asked = await one.list_approvals(pending_only=False)
    assert list(dict.fromkeys(request.run_id for request in asked)) == ids
    for request in await one.list_approvals():
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    now[0] += 500 * 86_400_000
    ended = await one.resume(agent, run_id=ids[-1], thread_id="th")
    assert (ended.state, sorted(ledger.lines)) == ("completed", ["act a", "act b"])
