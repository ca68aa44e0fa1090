"""What a page of the timeline costs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from afk.memory.sqlite.owners import NoOwners
from afk.memory.sqlite.store import SQLiteMemoryStore
from afk.memory.sqlite.timeline import read_timeline
from tests.memory.kit import Clock, begin, key_of, progress, proposed


async def test_a_page_takes_as_many_statements_for_two_hundred_lines_as_for_two(
    tmp_path: Path,
) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db", clock=Clock())
    await store.open()
    run = (await begin(store)).run
    for n in range(120):
        await store.record_answer(
            key_of(run), "text", [], [proposed(f"c{n}")], progress(n + 1), {"model": "m"}, None
        )
    await store.close()
    db = sqlite3.connect(tmp_path / "afk.db")
    db.row_factory = sqlite3.Row
    asked: list[str] = []
    db.set_trace_callback(asked.append)

    def statements(limit: int) -> int:
        asked.clear()
        assert len(read_timeline(db, NoOwners("me"), "th", None, 0, limit)) == limit
        return len(asked)

    assert statements(120) == statements(2) <= 8
    db.close()
