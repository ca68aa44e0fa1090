"""Whether what the rows say fits together: damage that SQLite itself can't see."""

from __future__ import annotations

import sqlite3

from afk.agents.errors import AgentCheckpointCorruptionError
from afk.memory.sqlite.lineage import read_messages
from afk.memory.sqlite.rows import checkpoint_of


def broken_runs(db: sqlite3.Connection) -> dict[str, str]:
    """Open runs that can't be resumed, each with the reason, in the order in which they began."""
    broken: dict[str, str] = {}
    for run in db.execute(
        "SELECT id, transcript_id, checkpoint FROM run WHERE state IN ('running', 'awaiting_approval', 'interrupted')"
        " OR (state = 'cancelled' AND superseded_by IS NULL) ORDER BY rowid"
    ).fetchall():
        row = db.execute(
            "SELECT * FROM checkpoint WHERE run_id = ? AND number = ?", (run["id"], run["checkpoint"])
        ).fetchone()
        why = _what_is_wrong(db, run["transcript_id"], row)
        if why:
            broken[run["id"]] = why
    return broken


def _what_is_wrong(db: sqlite3.Connection, transcript_id: str, row: sqlite3.Row | None) -> str:
    if row is None:
        return "its newest checkpoint is gone"
    try:
        checkpoint = checkpoint_of(row)
    except AgentCheckpointCorruptionError:
        return f"the checksum of its newest checkpoint ({row['number']}) does not fit"
    there = len(read_messages(db, transcript_id, checkpoint.head_seq))
    if there != checkpoint.message_count:
        return f"its newest checkpoint refers to {checkpoint.message_count} messages, {there} are there"
    return ""


def incomplete_threads(db: sqlite3.Connection) -> tuple[str, ...]:
    """Threads of which messages are missing, in the order in which they began. What a fork reads from its source is
    the source's."""
    rows = db.execute(
        "SELECT id FROM thread WHERE forked_from IS NULL AND deleted_at_ms IS NULL AND message_count !="
        " (SELECT count(*) FROM message WHERE message.thread_id = thread.id) ORDER BY rowid"
    )
    return tuple(row[0] for row in rows)


def count_messages_anew(db: sqlite3.Connection) -> None:
    """Let every thread count the messages that are there, so that its conversation can go on without the others."""
    for thread in db.execute("SELECT id, head_seq, message_count FROM thread").fetchall():
        there = len(read_messages(db, thread["id"], thread["head_seq"]))
        if there != thread["message_count"]:
            db.execute("UPDATE thread SET message_count = ? WHERE id = ?", (there, thread["id"]))
