"""Cancelled at any moment, however often, a run is on disk in a state to go on from."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say, transcript

SCRIPT = (
    call(("look", {"what": "1"}), ("act", {"what": "2"}), ("ask", {"what": "3"}), text="Three."),
    call(("act", {"what": "4"})),
    say("End."),
)


async def drive(runner: Runner, agent: Agent, run_id: str | None = None) -> None:
    """Begin or go on, and decide, until the run has completed."""
    if run_id is None:
        result = await runner.run(agent, user_message="go", thread_id="th")
    else:
        result = await runner.resume(agent, run_id=run_id, thread_id="th")
    while result.state != "completed":
        assert result.state == "awaiting_approval"
        for request in await runner.list_approvals():
            await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        result = await runner.resume(agent, run_id=result.run_id, thread_id="th")


def cancelling_store(db: Path, hop: int, times: int, task: list[asyncio.Task[Any]]) -> SQLiteMemoryStore:
    """A store that cancels the task when it sends its `hop`-th piece of work to the disk; so many times, one turn of
    the loop after the other."""
    store = SQLiteMemoryStore(db)
    send, sent = store._connection._send, [0]

    async def counting(work: Any, doing: Any) -> Any:
        sent[0] += 1
        if sent[0] == hop:
            cancel(times)
        return await send(work, doing)

    def cancel(left: int) -> None:
        task[0].cancel()
        if left > 1:
            asyncio.get_running_loop().call_soon(cancel, left - 1)

    store._connection._send = counting  # type: ignore[method-assign]
    return store


@pytest.mark.parametrize("times", [1, 3])
async def test_cancelled_at_any_hop_to_the_disk_a_run_can_go_on_at_once(tmp_path: Path, times: int) -> None:
    expected: list[tuple[Any, ...]] = []
    stopped = 0
    for hop in range(0, 40, 2):
        folder = tmp_path / str(hop)
        folder.mkdir()
        db, ledger = folder / "afk.db", Ledger(folder / "ledger")
        agent = agent_with(
            ledger.tool("look", "read"), ledger.tool("act", approval="never"), ledger.tool("ask")
        )
        task: list[asyncio.Task[None]] = []
        runner = Runner(memory_store=cancelling_store(db, hop, times, task), llm=ScriptedModel(*SCRIPT))
        task.append(asyncio.ensure_future(drive(runner, agent)))
        await asyncio.wait(task)
        runs = rows(db, "SELECT id, state, owner FROM run")
        assert [(state in ("running", "failed"), owner) for _, state, owner in runs] in ([], [(False, None)])
        if task[0].cancelled():
            stopped += 1
            await drive(runner, agent, runs[0][0] if runs else None)
        else:
            task[0].result()
        await runner.close()
        expected = expected or transcript(db, "th")
        for mine, calms in zip(transcript(db, "th"), expected, strict=True):
            assert mine == calms or "It may have had an effect." in mine[2]
        assert all(n == 1 for line, n in Counter(ledger.lines).items() if not line.startswith("look"))
    assert stopped > 10, "it was hardly ever cancelled"
