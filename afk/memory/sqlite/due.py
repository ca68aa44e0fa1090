"""Which threads the schedule has something to do in."""

from __future__ import annotations

import sqlite3
import time

from afk.memory.retention import Retention
from afk.memory.sqlite.compaction import anything_goes, make_plan
from afk.memory.sqlite.compaction_rows import is_early

# a look ends at the first of these, so that whoever waits for the connection gets his turn
LOOK_S = 0.008
THREADS_A_LOOK = 500


def due_threads(
    db: sqlite3.Connection, retention: Retention, every_ms: int, after: int, now_ms: int
) -> tuple[list[str], int | None]:
    """Threads behind the place `after` (0: from the beginning) that were not compacted for as long as that and have
    rows to remove, and the place to go on behind; None: that were all. What is found is taken only by `claim`."""
    ends_at = time.perf_counter() + LOOK_S
    due: list[str] = []
    threads = db.execute(
        "SELECT rowid AS place, id FROM thread WHERE rowid > ? AND part_of IS NULL AND deleted_at_ms IS NULL"
        " ORDER BY rowid LIMIT ?",
        (after, THREADS_A_LOOK),
    ).fetchall()
    for seen, thread in enumerate(threads, 1):
        after = thread["place"]
        if not is_early(db, thread["id"], every_ms, now_ms):
            plan = make_plan(db, thread["id"], retention.events, retention.states, now_ms)
            if anything_goes(db, plan):
                due.append(thread["id"])
        if seen < len(threads) and time.perf_counter() >= ends_at:
            return due, after
    return due, after if len(threads) == THREADS_A_LOOK else None
