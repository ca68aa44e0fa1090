"""Cancelled at any moment, a run with runs inside it is on disk in a state to go on from, and so is each of those."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from afk.core import Runner, RunnerConfig
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, rows
from tests.core.nested import check_at_rest, check_over, conversations, drive, nested_agent, nested_model
from tests.core.test_cancelled_anywhere import cancelling_store

# the run has some 220 hops; the cases leave different ones out
HOPS, STRIDE = 400, 5


@pytest.mark.parametrize(("parallel", "times", "first"), [(8, 1, 1), (8, 3, 2), (1, 1, 3)])
async def test_cancelled_at_any_hop_to_the_disk_a_nested_run_can_go_on_at_once(
    tmp_path: Path, parallel: int, times: int, first: int
) -> None:
    config = RunnerConfig(max_parallel_tools=parallel)
    calm = tmp_path / "calm.db"
    async with Runner(memory_store=SQLiteMemoryStore(calm), llm=nested_model(), config=config) as runner:
        await drive(runner, nested_agent(Ledger(tmp_path / "calm")))
    expected = conversations(calm)
    assert len(expected) == 7
    stopped = 0
    for hop in range(first, HOPS, STRIDE):
        folder = tmp_path / str(hop)
        folder.mkdir()
        db, ledger = folder / "afk.db", Ledger(folder / "ledger")
        agent = nested_agent(ledger)
        task: list[asyncio.Task[Any]] = []
        store = cancelling_store(db, hop, times, task)
        runner = Runner(memory_store=store, llm=nested_model(), config=config)
        task.append(asyncio.ensure_future(drive(runner, agent)))
        await asyncio.wait(task)
        if task[0].cancelled():
            stopped += 1
            check_at_rest(db)
            root = rows(db, "SELECT id FROM run WHERE parent_run_id IS NULL")
            await drive(runner, agent, root[0][0] if root else None)
        else:
            task[0].result()
            await runner.close()
            break
        await runner.close()
        check_over(db)
        found = conversations(db)
        assert found.keys() == expected.keys(), hop
        for name, calms in expected.items():
            for mine, undisturbed in zip(found[name], calms, strict=True):
                assert mine == undisturbed or "It may have had an effect." in mine[2], (hop, name)
        assert all(n == 1 for line, n in Counter(ledger.lines).items() if not line.startswith("look"))
    assert stopped > 30, "it was hardly ever cancelled"
