"""Whether what the rows say fits together: damage that SQLite itself can't see."""

from __future__ import annotations

import hashlib
import sqlite3

from afk.agents.errors import AgentCheckpointCorruptionError
from afk.memory.records import CheckpointRecord
from afk.memory.sqlite.lineage import read_transcript
from afk.memory.sqlite.rows import checkpoint_of


def broken_runs(db: sqlite3.Connection) -> dict[str, str]:
    """Open runs that can't be resumed, each with the reason, in the order in which they began."""
    broken: dict[str, str] = {}
    for run in db.execute(
        "SELECT * FROM run WHERE state IN ('running', 'awaiting_approval', 'interrupted')"
        " OR (state = 'cancelled' AND superseded_by IS NULL) ORDER BY rowid"
    ).fetchall():
        row = db.execute(
            "SELECT * FROM checkpoint WHERE run_id = ? AND number = ?", (run["id"], run["checkpoint"])
        ).fetchone()
        why = _what_is_wrong(db, run, row)
        if why:
            broken[run["id"]] = why
    return broken


def _what_is_wrong(db: sqlite3.Connection, run: sqlite3.Row, row: sqlite3.Row | None) -> str:
    if row is None:
        return "its own record is gone" if run["checkpoint"] < 0 else "its newest checkpoint is gone"
    try:
        checkpoint = checkpoint_of(row)
    except AgentCheckpointCorruptionError:
        return f"the checksum of its newest checkpoint ({row['number']}) does not fit"
    there = read_transcript(db, run["transcript_id"], checkpoint.head_seq).stored
    return what_does_not_fit(db, run, checkpoint, there)


def what_does_not_fit(
    db: sqlite3.Connection, run: sqlite3.Row, checkpoint: CheckpointRecord, messages_there: int
) -> str:
    """Why a run can't be resumed from this checkpoint, the newest that is there; "" where nothing is missing."""
    if run["checkpoint"] < 0:
        return "its own record is gone"
    if checkpoint.number != run["checkpoint"]:
        # what happened after an earlier one would be asked of the model, and done, again
        return f"its newest checkpoint ({run['checkpoint']}) is gone"
    if lost := lost_calls(db, run["id"], checkpoint):
        return f"the records of calls that it was in the middle of are gone ({', '.join(lost)})"
    if messages_there != checkpoint.message_count:
        return (
            f"its newest checkpoint refers to {checkpoint.message_count} messages, {messages_there} are there"
        )
    for child in checkpoint.state.get("children", ()):
        if not db.execute("SELECT 1 FROM run WHERE id = ?", (child["run_id"],)).fetchone():
            return f"the record of the run of its subagent {child['agent_name']} ({child['run_id']}) is gone"
    return ""


def lost_calls(db: sqlite3.Connection, run_id: str, checkpoint: CheckpointRecord) -> list[str]:
    """The calls without a result that a checkpoint stands in the middle of, and that are not there."""
    open_calls: list[str] = checkpoint.state.get("open_calls", [])
    if not open_calls:
        return []
    there = db.execute("SELECT call_id FROM effect WHERE run_id = ? AND step = ?", (run_id, checkpoint.step))
    known = {row[0] for row in there.fetchall()}
    return [call_id for call_id in open_calls if call_id not in known]


def incomplete_threads(db: sqlite3.Connection) -> tuple[str, ...]:
    """Threads of which messages are missing, in the order in which they began. What a fork reads from its source is
    the source's."""
    rows = db.execute(
        "SELECT id FROM thread WHERE forked_from IS NULL AND deleted_at_ms IS NULL AND message_count !="
        " (SELECT count(*) FROM message_row WHERE message_row.thread = thread.n) ORDER BY rowid"
    )
    return tuple(row[0] for row in rows)


def damaged_outputs(db: sqlite3.Connection) -> dict[str, str]:
    """The hashes of whole results that messages show a part of and that are not there as they were written, each with
    what is wrong and in which conversation. Reads every kept result once, part by part."""
    damaged: dict[str, str] = {}
    for row in db.execute(
        "SELECT m.output_sha AS sha, min(t.id) AS thread_id, o.sha256 IS NOT NULL AS known FROM message_row m"
        " LEFT JOIN name t ON t.n = m.thread"
        " LEFT JOIN output o ON o.sha256 = m.output_sha AND NOT o.leaving"
        " WHERE m.output_sha IS NOT NULL GROUP BY m.output_sha ORDER BY min(m.n)"
    ).fetchall():
        if not row["known"]:
            damaged[row["sha"]] = f"of thread {row['thread_id']}, is missing"
        elif _hash_of(db, row["sha"]) != row["sha"]:
            damaged[row["sha"]] = f"of thread {row['thread_id']}, does not fit its hash"
    return damaged


def _hash_of(db: sqlite3.Connection, sha256: str) -> str:
    content = hashlib.sha256()
    for (body,) in db.execute("SELECT body FROM output_part WHERE sha256 = ? ORDER BY first_char", (sha256,)):
        content.update(str(body).encode())
    return content.hexdigest()
