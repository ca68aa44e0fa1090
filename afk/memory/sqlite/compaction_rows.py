"""The rows that compactions leave, and the claim of one that nobody stands beside."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from afk.memory.records import CompactionRecord
from afk.memory.retention import CompactionReason, MemoryCompactionResult, Retention
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.rows import dump, load_or_none

LAST_BY_SCHEDULE = (
    "SELECT created_at_ms FROM compaction WHERE thread_id = ? AND why = 'schedule' AND result IS NOT NULL"
    " ORDER BY id DESC LIMIT 1"
)


def is_live(db: sqlite3.Connection, owners: Owners, thread_id: str) -> bool:
    """Whether a run of this thread, or one inside it, is being executed now, in whatever process."""
    owned = db.execute(
        "SELECT owner, root_run_id FROM run WHERE thread_id = ? AND owner IS NOT NULL", (thread_id,)
    )
    return any(owners.executes(run["owner"], run["root_run_id"]) for run in owned.fetchall())


def is_early(db: sqlite3.Connection, thread_id: str, every_ms: int, now_ms: int) -> bool:
    """Whether the schedule compacted this thread less than that ago. A clock that was set back by more than that is
    taken for passed time: so it is done once, by the new time, and then waited for again."""
    last = db.execute(LAST_BY_SCHEDULE, (thread_id,)).fetchone()
    return last is not None and abs(now_ms - last["created_at_ms"]) < every_ms


def claim(
    db: sqlite3.Connection,
    owners: Owners,
    thread_id: str,
    retention: Retention,
    why: CompactionReason,
    every_ms: int,
    now_ms: int,
) -> int | Literal["gone", "live", "claimed", "early"]:
    """Take the compaction of a thread, for one of all processes: the row of it, or why it can't be had now."""
    there = db.execute(
        "SELECT 1 FROM thread WHERE id = ? AND part_of IS NULL AND deleted_at_ms IS NULL", (thread_id,)
    ).fetchone()
    if there is None:
        return "gone"
    if is_live(db, owners, thread_id):
        return "live"
    unfinished = db.execute(
        "SELECT id, owner FROM compaction WHERE thread_id = ? AND result IS NULL AND stopped IS NULL"
        " AND owner IS NOT NULL",
        (thread_id,),
    )
    if any(owners.compacts(one["owner"], one["id"]) for one in unfinished.fetchall()):
        return "claimed"
    if why == "schedule" and is_early(db, thread_id, every_ms, now_ms):
        return "early"
    return begin(db, owners, thread_id, retention, why, now_ms)


def begin(
    db: sqlite3.Connection,
    owners: Owners,
    thread_id: str,
    retention: Retention,
    why: CompactionReason,
    now_ms: int,
) -> int:
    """Write down that a compaction began; its id, which is among the live ones from here on."""
    # one of this store whose end could not be written must not look to others as if it went on
    db.execute(
        "UPDATE compaction SET owner = NULL WHERE thread_id = ? AND owner = ?"
        " AND id NOT IN (SELECT value FROM json_each(?))",
        (thread_id, owners.owner_id, dump(sorted(owners.live_compactions))),
    )
    cursor = db.execute(
        "INSERT INTO compaction (thread_id, policies, why, owner, created_at_ms) VALUES (?, ?, ?, ?, ?)",
        (thread_id, dump(retention.to_json()), why, owners.owner_id, now_ms),
    )
    assert cursor.lastrowid is not None
    owners.live_compactions.add(cursor.lastrowid)
    return cursor.lastrowid


def end(db: sqlite3.Connection, compaction_id: int, result: MemoryCompactionResult) -> None:
    """Write down what a compaction removed."""
    db.execute(
        "UPDATE compaction SET result = ?, owner = NULL WHERE id = ?", (dump(asdict(result)), compaction_id)
    )


def stop(
    db: sqlite3.Connection, compaction_id: int, why: Literal["cancelled", "live"], removed: Mapping[str, int]
) -> None:
    """Write down that a compaction ended before its end, and what it had removed by then."""
    stopped = {"why": why, "events_removed": removed["events"], "states_removed": removed["states"]}
    db.execute("UPDATE compaction SET stopped = ?, owner = NULL WHERE id = ?", (dump(stopped), compaction_id))


def list_compactions(
    db: sqlite3.Connection, owners: Owners, thread_id: str | None, limit: int
) -> list[CompactionRecord]:
    """Past compactions of a thread, or of all that are there, the newest first."""
    where = "c.thread_id = ?" if thread_id is not None else "t.deleted_at_ms IS NULL"
    rows = db.execute(
        "SELECT c.*, t.title FROM compaction c LEFT JOIN thread t ON t.id = c.thread_id"
        f" WHERE {where} ORDER BY c.id DESC LIMIT ?",
        (*([thread_id] if thread_id is not None else []), limit),
    )
    return [_record_of(row, owners) for row in rows.fetchall()]


def _record_of(row: sqlite3.Row, owners: Owners) -> CompactionRecord:
    unfinished = row["result"] is None and row["stopped"] is None and row["owner"] is not None
    return CompactionRecord(
        compaction_id=row["id"],
        thread_id=row["thread_id"],
        policies=load_or_none(row["policies"]) or {},
        result=load_or_none(row["result"]),
        created_at_ms=row["created_at_ms"],
        why=row["why"],
        stopped=load_or_none(row["stopped"]),
        is_going_on=unfinished and owners.compacts(row["owner"], row["id"]),
        thread_title=row["title"] or "",
    )
