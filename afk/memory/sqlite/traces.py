"""What is known of a call whose outcome is not: who made it, and whether that process, or the call, still lives."""

from __future__ import annotations

import sqlite3
from typing import Any

from afk.memory.records import CallTrace, EffectRecord
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.rows import load_or_none


def call_trace(
    db: sqlite3.Connection, effect: EffectRecord, owners: Owners, running_group: int | None
) -> CallTrace:
    """The trace of a call's latest attempt. Whether a process lives is told by its lock; the process id, written down
    when the attempt began, is only for a person to read."""
    start = _start_of(db, effect)
    owner = start.get("owner")
    return CallTrace(
        process_id=start.get("process_id"),
        process_lives=owner is not None and owners.is_alive(owner),
        is_here=owner == owners.owner_id,
        running_group=running_group,
        was_edited=_was_edited(db, effect.effect_id),
    )


def _start_of(db: sqlite3.Connection, effect: EffectRecord) -> dict[str, Any]:
    """The event of the attempt's beginning; {} where it was compacted."""
    row = db.execute(
        "SELECT body FROM event WHERE thread_id = ? AND run_id = ? AND type = 'tool_started'"
        " AND json_extract(body, '$.call_id') = ? AND json_extract(body, '$.attempt') = ? ORDER BY id DESC LIMIT 1",
        (effect.thread_id, effect.run_id, effect.call_id, effect.attempt),
    ).fetchone()
    return (load_or_none(row["body"]) or {}) if row else {}


def _was_edited(db: sqlite3.Connection, effect_id: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM approval WHERE effect_id = ? AND status = 'allowed' AND edited_sha IS NOT NULL LIMIT 1",
        (effect_id,),
    ).fetchone()
    return row is not None
