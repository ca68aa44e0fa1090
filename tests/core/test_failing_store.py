"""A run whose database fails stops in a state that it can be resumed from, on what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.agents import Agent
from afk.agents.errors import AgentCheckpointCorruptionError, StoreError
from afk.memory import SQLiteMemoryStore
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows
from tests.support.failing import change, mounted, overwrite_page

CALL = call(("act", {"what": "a"}))


async def leave_waiting(runner: MakeRunner, agent: Agent, path: Path) -> str:
    """A run that waits for a decision which was given meanwhile, in a file that nobody has open; its id."""
    one = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
    result = await one.run(agent, user_message="go", thread_id="th")
    [request] = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    await one.close()
    return result.run_id


def standing(path: Path) -> list[tuple[object, ...]]:
    return rows(path, "SELECT r.state, r.owner, r.epoch, e.phase FROM run r JOIN effect e ON e.run_id = r.id")


async def test_on_a_read_only_disk_nothing_begins_and_it_goes_on_when_it_can_be_written(
    runner: MakeRunner, ledger: Ledger, tmp_path: Path
) -> None:
    agent = agent_with(ledger.tool())
    with mounted(tmp_path / "disk") as disk:
        path = disk.folder / "afk.db"
        run_id = await leave_waiting(runner, agent, path)
        disk.make_read_only()
        with pytest.raises(StoreError, match="read-only"):
            await runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path)).list_runs()
        assert ledger.lines == []
        disk.make_writable()
        one = runner(ScriptedModel(CALL), memory_store=SQLiteMemoryStore(path))
        assert (await one.resume(agent, run_id=run_id, thread_id="th")).state == "completed"
        await one.close()
    assert ledger.lines == ["act a"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE checkpoint SET checksum = 'x'", "its checksum does not fit"),
        ("UPDATE checkpoint SET state = '{'", "its checksum does not fit"),
        ("DELETE FROM message WHERE role = 'user'", "refers to 2 messages, 1 are there"),
        # from an earlier one, what happened since would be asked of the model again
        ("DELETE FROM checkpoint WHERE number = 1", r"its newest checkpoint \(1\) is gone"),
        ("UPDATE effect SET step = 7", r"the records of calls .* are gone \(call_0_of_0\)"),
    ],
)
async def test_of_a_checkpoint_that_is_not_sound_nothing_is_taken_and_nothing_called(
    runner: MakeRunner, ledger: Ledger, db: Path, statement: str, says: str
) -> None:
    agent = agent_with(ledger.tool())
    run_id = await leave_waiting(runner, agent, db)
    before = standing(db)
    change(db, statement)
    one = runner(ScriptedModel(CALL))
    with pytest.raises(AgentCheckpointCorruptionError, match=says):
        await one.resume(agent, run_id=run_id, thread_id="th")
    assert (standing(db), ledger.lines) == (before, [])
    assert before == [("awaiting_approval", None, 1, "proposed")]


async def test_from_an_earlier_checkpoint_that_is_sound_the_conversation_goes_on(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    run_id = await leave_waiting(runner, agent, db)
    change(db, "UPDATE checkpoint SET checksum = 'x' WHERE number = 1")
    one = runner(ScriptedModel(CALL))
    thread_id = await one.fork(run_id, f"{run_id}.0")
    [forked] = await one.list_runs(thread_id)
    assert (await one.resume(agent, run_id=forked.run_id, thread_id=thread_id)).state == "awaiting_approval"
    assert ledger.lines == []


async def test_a_checkpoint_in_the_middle_of_calls_that_are_lost_is_not_forked(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    run_id = await leave_waiting(runner, agent_with(ledger.tool()), db)
    change(db, "DELETE FROM effect")
    one = runner(ScriptedModel(CALL))
    with pytest.raises(AgentCheckpointCorruptionError, match="Fork from an earlier one"):
        await one.fork(run_id, f"{run_id}.1")
    assert [thread.thread_id for thread in await one.list_threads()] == ["th"]


async def test_rubbish_that_sqlite_can_read_is_told_as_damage(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    run_id = await leave_waiting(runner, agent, db)
    one = runner(ScriptedModel(CALL))
    for rubbish in ("'{'", "CAST(x'd9ddb8' AS TEXT)"):
        change(db, f"UPDATE effect SET arguments = {rubbish}")
        with pytest.raises(StoreError, match=r"damaged.*--salvage OUT"):
            await one.resume(agent, run_id=run_id, thread_id="th")
    assert ledger.lines == []


async def test_with_a_page_of_its_messages_overwritten_a_run_is_not_taken_and_the_rest_is_there(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    run_id = await leave_waiting(runner, agent, db)
    before = standing(db)
    overwrite_page(db, "message_row")
    one = runner(ScriptedModel(CALL))
    with pytest.raises(StoreError, match=r"damaged"):
        await one.resume(agent, run_id=run_id, thread_id="th")
    assert [thread.thread_id for thread in await one.list_threads()] == ["th"]
    assert [request.status for request in await one.list_approvals(pending_only=False)] == ["allowed"]
    assert (standing(db), ledger.lines) == (before, [])
