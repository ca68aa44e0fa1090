"""The outcome of a call that can't be written is kept: only this process knows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from afk.agents import Agent
from afk.agents.errors import StoreError
from afk.core.events import CallFinished, OutcomeKept
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import connection
from afk.tools import Tool, tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, event_of, rows
from tests.support.failing import Disk, Holder, locked, mounted

CALL = call(("act", {"what": "a"}))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that waits a tenth of a second for a lock, so that it gives up often while a test looks."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 100)


class Locker:
    """A tool that acts, and whose database is locked by another process when it has."""

    def __init__(self, ledger: Ledger, db: Path) -> None:
        self.ledger = ledger
        self.db = db
        self.holder: Holder | None = None

    def tool(self) -> Tool:
        async def act(what: str) -> str:
            self.ledger.write(f"act {what}")
            self.holder = await asyncio.to_thread(Holder, self.db)
            return "acted"

        return tool(name="act", effect="once", approval="never", description="Act.")(act)

    def let_go(self) -> None:
        assert self.holder is not None
        self.holder.let_go()


def full_after_the_call(ledger: Ledger, disk: Disk) -> Agent:
    """An agent whose call has filled the disk when it ends."""

    async def act(what: str) -> str:
        ledger.write(f"act {what}")
        disk.fill()
        return "x" * 100_000

    return agent_with(tool(name="act", approval="never", description="Act.")(act))


async def test_an_outcome_is_written_again_until_the_lock_is_gone_and_nobody_is_asked(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    locker = Locker(ledger, db)
    one = runner(ScriptedModel(CALL))
    handle = await one.run_handle(agent_with(locker.tool()), user_message="go", thread_id="th")
    kept = await event_of(handle, OutcomeKept)
    assert isinstance(kept, OutcomeKept)
    assert (kept.tool_name, "locked by another program" in kept.reason) == ("act", True)
    await asyncio.sleep(0.5)  # several attempts that fail
    assert handle.is_running
    locker.let_go()
    finished = await event_of(handle, CallFinished)
    assert isinstance(finished, CallFinished)
    assert finished.phase == "done"
    assert (await handle.await_result()).state == "completed"
    assert ledger.lines == ["act a"]
    assert await one.list_approvals(pending_only=False) == []


async def test_a_run_that_is_stopped_meanwhile_is_resumed_with_the_outcome_that_was_kept(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    locker = Locker(ledger, db)
    one = runner(ScriptedModel(CALL))
    agent = agent_with(locker.tool())
    handle = await one.run_handle(agent, user_message="go", thread_id="th")
    await event_of(handle, OutcomeKept)
    with pytest.raises(StoreError, match="locked by another program"):
        await handle.interrupt()  # that can't be written either
    [run] = await one.list_runs()
    assert run.state == "interrupted"
    assert "could not be written to the database" in (run.interruption or {})["detail"]
    locker.let_go()
    ended = await one.resume(agent, run_id=handle.run_id, thread_id="th")
    assert (ended.state, ended.tool_executions[0].output) == ("completed", "acted")
    assert ledger.lines == ["act a"]
    assert await one.list_approvals(pending_only=False) == []


async def test_on_a_full_disk_the_run_stops_at_once_and_goes_on_with_the_outcome_when_there_is_room(
    runner: MakeRunner, ledger: Ledger, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk") as disk:
        agent, path = full_after_the_call(ledger, disk), disk.folder / "afk.db"
        one = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
        with pytest.raises(StoreError, match="disk is full"):
            await one.run(agent, user_message="go", thread_id="th")
        [run] = await one.list_runs()
        assert run.state == "interrupted"
        disk.free()
        ended = await one.resume(agent, run_id=run.run_id, thread_id="th")
        [made] = ended.tool_executions
        assert (ended.state, made.output_sha is not None) == ("completed", True)
        assert (await one.read_output(made.output_sha or "", chars=200_000)).text == "x" * 100_000
        assert ledger.lines == ["act a"]
        assert await one.list_approvals(pending_only=False) == []
        await one.close()


async def test_an_outcome_that_was_kept_is_written_when_the_program_ends_and_there_is_room_again(
    runner: MakeRunner, ledger: Ledger, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk") as disk:
        agent, path = full_after_the_call(ledger, disk), disk.folder / "afk.db"
        one = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
        with pytest.raises(StoreError, match="disk is full"):
            await one.run(agent, user_message="go", thread_id="th")
        disk.free()
        await one.close()
        assert rows(path, "SELECT phase FROM effect") == [("done",)]
        other = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
        [run] = await other.list_runs()
        assert (run.state, "disk is full" in (run.interruption or {})["detail"]) == ("interrupted", True)
        assert (await other.resume(agent, run_id=run.run_id, thread_id="th")).state == "completed"
        assert ledger.lines == ["act a"]
        await other.close()


async def test_an_outcome_that_never_could_be_written_is_asked_about_and_no_dead_process_is_blamed(
    runner: MakeRunner, ledger: Ledger, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk") as disk:
        agent, path = full_after_the_call(ledger, disk), disk.folder / "afk.db"
        store = SQLiteMemoryStore(path)
        one = runner(ScriptedModel(CALL), memory_store=store)
        with pytest.raises(StoreError, match="disk is full"):
            await one.run(agent, user_message="go", thread_id="th")
        store.unrecorded.clear()  # as a process forgets it that ends before there is room
        disk.free()
        await one.close()
        other = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
        [run] = await other.list_runs()
        assert (await other.resume(agent, run_id=run.run_id, thread_id="th")).state == "awaiting_approval"
        [request] = await other.list_approvals()
        assert request.kind == "uncertain"
        assert "its outcome could not be recorded" in request.reason
        assert "disk is full" in request.reason
        await other.close()


async def test_a_database_that_is_locked_before_a_call_begins_stops_the_run_and_nothing_was_called(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(CALL))
    first = await one.run(agent, user_message="go", thread_id="th")
    [request] = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    with locked(db) as holder:
        with pytest.raises(StoreError, match="locked by another program") as caught:
            await one.resume(agent, run_id=first.run_id, thread_id="th")
        assert caught.value.is_locked
        assert ledger.lines == []
        holder.let_go()
    ended = await one.resume(agent, run_id=first.run_id, thread_id="th")
    assert (ended.state, ledger.lines) == ("completed", ["act a"])
