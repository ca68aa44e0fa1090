"""Threads with records to remove, and what stands of them."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from afk.memory import MemoryStore
from afk.memory.records import RunStop
from afk.memory.sqlite import compaction
from tests.core.kit import rows
from tests.memory.kit import begin, key_of
from tests.support.tables import writable


def in_batches_of_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    def twenty(size: int, took_s: float) -> int:
        return 20

    monkeypatch.setattr(compaction, "next_size", twenty)
    monkeypatch.setattr(compaction, "FIRST_BATCH", 20)


def on_a_slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of twenty that take 5 ms more each: of 20,000 records there is always something left to be stopped."""
    in_batches_of_twenty(monkeypatch)
    batch = compaction.timed_batch

    def slow(
        db: sqlite3.Connection, plan: compaction.Plan, table: compaction.Table, size: int
    ) -> tuple[int, float]:
        time.sleep(0.005)
        return batch(db, plan, table, size)

    monkeypatch.setattr(compaction, "timed_batch", slow)


async def finished(store: MemoryStore, thread_id: str, run_id: str = "") -> None:
    """A thread whose only run is over."""
    run = (await begin(store, run_id or f"run_{thread_id}", thread_id)).run
    await store.stop_run(key_of(run), RunStop("completed", None, {"final_text": "done"}))
    store.live_runs.clear()


def add_events(db: Path, thread_id: str, number: int, *, at_ms: int = 1) -> None:
    """Old telemetry, cheaply."""
    with closing(writable(db)) as other, other:
        other.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO event (thread_id, type, body, created_at_ms) SELECT ?, 'noise', '{}', ? FROM n",
            (number, thread_id, at_ms),
        )


def noise(db: Path, thread_id: str) -> int:
    """How much of it is left."""
    return rows(db, "SELECT count(*) FROM event WHERE thread_id = ? AND type = 'noise'", thread_id)[0][0]


def compactions(db: Path) -> list[tuple[Any, ...]]:
    """(thread, why, whether it came to its end), the oldest first."""
    return rows(db, "SELECT thread_id, why, result IS NOT NULL FROM compaction ORDER BY id")
