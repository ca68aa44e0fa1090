"""A compaction leaves the lock alone for a while where somebody else writes, and hurries where nobody does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from afk.memory import RetentionPolicy, SQLiteMemoryStore
from afk.memory.sqlite.compacting import LONGEST_PAUSE_S, Others
from tests.memory.compaction_kit import add_events, finished, in_batches_of_twenty, noise


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it pauses after each batch."""
    in_batches_of_twenty(monkeypatch)
    taken: list[float] = []
    real = Others.pause_after

    def pause_after(self: Others, took_s: float, writes: int) -> float:
        taken.append(real(self, took_s, writes))
        return taken[-1]

    monkeypatch.setattr(Others, "pause_after", pause_after)
    return taken


async def compacted(tmp_path: Path, progress: Callable[[SQLiteMemoryStore], object]) -> None:
    def tell(_done: int, _total: int, _what: str) -> None:
        progress(store)

    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    await finished(store, "th")
    add_events(tmp_path / "afk.db", "th", 200)
    await store.compact("th", RetentionPolicy(max_events=1), None, progress=tell)
    assert noise(tmp_path / "afk.db", "th") <= 1
    await store.close()


async def test_with_nobody_beside_it_it_never_pauses(tmp_path: Path, pauses: list[float]) -> None:
    await compacted(tmp_path, lambda _store: None)
    assert len(pauses) > 5
    assert set(pauses) == {0.0}


async def test_beside_another_process_it_pauses(tmp_path: Path, pauses: list[float]) -> None:
    with closing(sqlite3.connect(tmp_path / "afk.db", timeout=10, isolation_level=None)) as other:

        def write(_store: SQLiteMemoryStore) -> None:
            if len(pauses) < 3:
                other.execute(
                    "INSERT OR REPLACE INTO preference (key, value, updated_at_ms) VALUES ('a', 'b', 1)"
                )

        await compacted(tmp_path, write)
    assert pauses[0] == 0.0
    assert all(0.0 < pause <= LONGEST_PAUSE_S for pause in pauses[1:4])


async def test_beside_a_run_of_the_same_process_it_pauses(tmp_path: Path, pauses: list[float]) -> None:
    def write(store: SQLiteMemoryStore) -> None:
        store._connection.writes += 1  # as each transaction of a run does

    await compacted(tmp_path, write)
    assert all(pause > 0.0 for pause in pauses[1:])


@pytest.mark.usefixtures("pauses")
async def test_no_commit_folds_the_wal_while_it_goes_on_and_afterwards_as_before(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()

    async def folds_after() -> int:
        return await store._connection.bare(lambda db: db.execute("PRAGMA wal_autocheckpoint").fetchone()[0])

    before = await folds_after()
    asked: list[asyncio.Task[int]] = []

    def tell(_done: int, _total: int, _what: str) -> None:
        asked.append(asyncio.ensure_future(folds_after()))

    for ends in ("itself", "cancelled"):
        thread = f"th_{ends}"
        await finished(store, thread)
        add_events(tmp_path / "afk.db", thread, 200)
        compaction = asyncio.ensure_future(
            store.compact(thread, RetentionPolicy(max_events=1), None, progress=tell)
        )
        if ends == "cancelled":
            seen = len(asked)
            while len(asked) == seen:
                await asyncio.sleep(0)
            compaction.cancel()
        await asyncio.wait([compaction])
        assert compaction.cancelled() == (ends == "cancelled")
        assert await folds_after() == before > 0
    assert {await one for one in asked[:5]} == {0}
    await store.close()
