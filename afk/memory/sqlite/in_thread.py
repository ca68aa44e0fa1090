"""Finding a text in one thread, in slices of time: no boundary of a run waits for it."""

from __future__ import annotations

import sqlite3
import time

from afk.memory.sqlite.lineage import stretches

SLICE_S = 0.01
STRIDE = 200


def find_in_thread(
    db: sqlite3.Connection, thread_id: str, text: str, after: int
) -> tuple[list[int], int | None]:
    """Places behind `after` at which a message, a result, or a call's name or arguments hold `text` (whatever the
    case), in order; then the place to go on from, None when all was looked through."""
    row = db.execute("SELECT head_seq FROM thread WHERE id = ?", (thread_id,)).fetchone()
    last = row["head_seq"] if row is not None else 0
    wanted, found = text.casefold(), list[int]()
    began = time.perf_counter()
    while after < last:
        found += sorted(_in_window(db, thread_id, wanted, after + 1, after + STRIDE))
        after += STRIDE
        if time.perf_counter() - began > SLICE_S:
            break
    return found, after if after < last else None


def _in_window(db: sqlite3.Connection, thread_id: str, wanted: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for stretch in stretches(db, thread_id, first, last):
        place = (stretch.thread_id, stretch.first, stretch.last)
        rows = db.execute("SELECT seq, text FROM message WHERE thread_id = ? AND seq BETWEEN ? AND ?", place)
        found |= {seq for seq, text in rows if seq not in stretch.hidden and wanted in text.casefold()}
        calls = db.execute(
            "SELECT result_seq, tool_name || ' ' || arguments FROM effect"
            " WHERE thread_id = ? AND result_seq BETWEEN ? AND ?",
            place,
        )
        found |= {seq for seq, text in calls if seq not in stretch.hidden and wanted in text.casefold()}
    return found
