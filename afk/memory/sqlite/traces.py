"""What is known of a call whose outcome is not: who made it, and whether that process, or the call, still lives."""

from __future__ import annotations

import sqlite3

from afk.memory.records import CallTrace, EffectRecord
from afk.memory.sqlite.naming import OF_CALL, place_of
from afk.memory.sqlite.owners import Owners


def call_trace(
    db: sqlite3.Connection, effect: EffectRecord, owners: Owners, running_group: int | None
) -> CallTrace:
    """The trace of a call's latest attempt. Whether a process lives is told by its lock; the process id, written down
    when the attempt began, is only for a person to read."""
    made = db.execute(
        f"SELECT owner, process_id FROM effect_row WHERE {OF_CALL}", place_of(effect.effect_id)
    ).fetchone()
    owner, process_id = (None, None) if made is None else made
    return CallTrace(
        process_id=process_id,
        process_lives=owner is not None and owners.is_alive(owner),
        is_here=owner == owners.owner_id,
        running_group=running_group,
        was_edited=_was_edited(db, effect.effect_id),
    )


def _was_edited(db: sqlite3.Connection, effect_id: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM approval WHERE effect_id = ? AND status = 'allowed' AND edited_sha IS NOT NULL LIMIT 1",
        (effect_id,),
    ).fetchone()
    return row is not None
