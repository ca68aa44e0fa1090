"""How far each boundary is on disk before the run goes on: what no kill of a process can show, only a power cut."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, say

# the statement that tells a boundary, and how it must be written
MARKS = {
    "INSERT INTO run ": "FULL",  # S
    "UPDATE approval SET status = 'allowed'": "FULL",  # D
    "UPDATE effect_row SET phase = 'executing'": "FULL",  # I
    "UPDATE effect_row SET phase = 'done'": "FULL",  # B of what changes something
    "UPDATE run SET state = 'awaiting_approval'": "FULL",  # A that asks
    "UPDATE run SET state = 'completed'": "FULL",  # A that ends the run
}


async def test_each_boundary_is_one_transaction_flushed_as_far_as_it_must_be(tmp_path: Path) -> None:
    db, ledger = tmp_path / "afk.db", Ledger(tmp_path / "ledger")
    said: list[str] = []
    store = SQLiteMemoryStore(db)
    await store.open()
    await store._connection.bare(lambda db: db.set_trace_callback(said.append))
    model = ScriptedModel(call(("act", {"what": "a"})), say("End."))
    agent = agent_with(ledger.tool())
    async with Runner(memory_store=store, llm=model) as runner:
        first = await runner.run(agent, user_message="go", thread_id="th")
        (request,) = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        await runner.resume(agent, run_id=first.run_id, thread_id="th")
    level = "FULL"
    transactions: list[tuple[str, list[str]]] = []
    for statement in (" ".join(text.split()) for text in said):
        if statement.startswith("PRAGMA synchronous = "):
            level = statement.rpartition(" ")[2]
        elif statement == "BEGIN IMMEDIATE":
            transactions.append((level, []))
        elif transactions:
            transactions[-1][1].append(statement)
    # S, A, D, taking the run, I, B, A
    assert len(transactions) == 7
    for mark, wanted in MARKS.items():
        levels = [level for level, texts in transactions if any(text.startswith(mark) for text in texts)]
        assert levels == [wanted], mark


async def test_who_is_cancelled_however_often_hears_of_it_when_his_transaction_has_ended(
    tmp_path: Path,
) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    go_on, begun = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        begun.set()
        assert go_on.wait(30)
        db.execute("INSERT INTO preference (key, value, updated_at_ms) VALUES ('late', 'written', 1)")

    writing = asyncio.ensure_future(store._connection.write("NORMAL", slow))
    await asyncio.to_thread(begun.wait, 30)
    for _ in range(3):
        writing.cancel()
        await asyncio.sleep(0)
    assert not writing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await store.get_preference("late") == "written"
    await store.close()
