"""Finding a text in one thread, in slices of time: no boundary of a run waits for it."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Container, Iterable

from afk.memory.sqlite.lineage import stretches

SLICE_S = 0.01
STRIDE = 200


def find_in_thread(
    db: sqlite3.Connection, thread_id: str, text: str, after: int
) -> tuple[list[tuple[int, int]], int | None]:
    """Places behind `after` at which a message, a result, or a call's name or arguments hold `text` (whatever the
    case), in order, each with how often they do; then the place to go on from, None when all was looked through."""
    row = db.execute("SELECT head_seq FROM thread WHERE id = ?", (thread_id,)).fetchone()
    last = row["head_seq"] if row is not None else 0
    wanted, found = text.casefold(), list[tuple[int, int]]()
    began = time.perf_counter()
    while after < last:
        found += sorted(_in_window(db, thread_id, wanted, after + 1, after + STRIDE).items())
        after += STRIDE
        if time.perf_counter() - began > SLICE_S:
            break
    return found, after if after < last else None


def _in_window(db: sqlite3.Connection, thread_id: str, wanted: str, first: int, last: int) -> Counter[int]:
    found: Counter[int] = Counter()
    for stretch in stretches(db, thread_id, first, last):
        place = (stretch.thread_id, stretch.first, stretch.last)
        rows = db.execute("SELECT seq, text FROM message WHERE thread_id = ? AND seq BETWEEN ? AND ?", place)
        _count(found, rows, wanted, stretch.hidden)
        calls = db.execute(
            "SELECT result_seq, tool_name || ' ' || arguments FROM effect"
            " WHERE thread_id = ? AND result_seq BETWEEN ? AND ?",
            place,
        )
        _count(found, calls, wanted, stretch.hidden)
    return found


def _count(found: Counter[int], rows: Iterable[tuple[int, str]], wanted: str, hidden: Container[int]) -> None:
    for seq, text in rows:
        if seq not in hidden and (times := text.casefold().count(wanted)):
            found[seq] += times
