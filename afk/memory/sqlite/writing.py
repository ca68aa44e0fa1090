"""The single rows that the boundaries are made of. Every function here runs inside somebody's transaction."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any, Literal

from afk.agents.errors import RunFencedError
from afk.memory.records import CheckpointPhase, EffectRecord, MessageRecord, Progress, Request, RunKey
from afk.memory.sqlite.naming import NUMBER, OF_CALL, place_of
from afk.memory.sqlite.rows import SPENT, checksum_of, dump, dump_or_null, state_text
from afk.memory.text import storable

# of `run`, with `_owner` of the key
OWNED = "WHERE id = ? AND epoch = ? AND owner IS NOT NULL"


def require_epoch(db: sqlite3.Connection, key: RunKey) -> sqlite3.Row:
    """The run's row, if this epoch still owns it; it is read, and nobody else writes meanwhile. Raises RunFencedError,
    so that the transaction is undone."""
    return _owned(key, db.execute(f"SELECT * FROM run {OWNED}", _owner(key)))


def step_on(db: sqlite3.Connection, key: RunKey, progress: Progress, now_ms: int) -> sqlite3.Row:
    """`require_epoch`, what the run has used up, and the number of a further checkpoint, in one."""
    updated = db.execute(
        "UPDATE run SET updated_at_ms = ?, step = ?, usage = ?, budget = ?, checkpoint = checkpoint + 1"
        f" {OWNED} RETURNING *",
        (now_ms, *_used(progress), *_owner(key)),
    )
    return _owned(key, updated)


def _used(progress: Progress) -> tuple[int, str, str]:
    return progress.step, dump(progress.usage), dump(progress.budget)


def _owner(key: RunKey) -> tuple[str, int]:
    return key.run_id, key.epoch


def _owned(key: RunKey, found: sqlite3.Cursor) -> sqlite3.Row:
    row = found.fetchone()
    if row is None:
        raise RunFencedError(
            f"Run {key.run_id} was taken over by another process, so what this one was about to record is refused. "
            "Open the thread again to see how it stands."
        )
    return row


def add_message(
    db: sqlite3.Connection,
    thread_id: str,
    run_id: str,
    seq: int,
    role: Literal["user", "assistant", "tool"],
    text: str,
    now_ms: int,
    *,
    tool_calls: list[dict[str, str]] | None = None,
    call_id: str | None = None,
    output_sha: str | None = None,
    count: bool = True,
) -> MessageRecord:
    """One message at its place; `reserve` gave the place before. Without `count`, the checkpoint that follows counts
    it."""
    text = storable(text)
    db.execute(
        "INSERT INTO message_row (thread, seq, role, chars, lines, run, call_id, created_at_ms, tool_calls, text,"
        f" output_sha) VALUES ({NUMBER}, ?, ?, ?, ?, {NUMBER}, ?, ?, ?, ?, ?)",
        (
            thread_id,
            seq,
            role,
            len(text),
            text.count("\n") + 1,
            run_id,
            call_id,
            now_ms,
            dump_or_null(tool_calls),
            text,
            output_sha,
        ),
    )
    if count:
        _count_messages(db, thread_id, 1)
    return MessageRecord(
        thread_id, run_id, seq, role, text, tuple(tool_calls or ()), call_id, now_ms, output_sha
    )


def _count_messages(db: sqlite3.Connection, thread_id: str, more: int) -> None:
    db.execute("UPDATE thread SET message_count = message_count + ? WHERE id = ?", (more, thread_id))


def reserve(db: sqlite3.Connection, thread_id: str, places: int, now_ms: int) -> int:
    """Give out the next `places` places of a thread; returns the first."""
    row = db.execute(
        "UPDATE thread SET head_seq = head_seq + ?, updated_at_ms = ? WHERE id = ? RETURNING head_seq",
        (places, touched_ms(db, thread_id, now_ms), thread_id),
    ).fetchone()
    return row[0] - places + 1


def touched_ms(db: sqlite3.Connection, thread_id: str, now_ms: int) -> int:
    """When a thread is touched now: later than every other listed thread was, also where the clock went back."""
    newest = db.execute(
        "SELECT id, updated_at_ms FROM thread WHERE part_of IS NULL AND deleted_at_ms IS NULL"
        " ORDER BY updated_at_ms DESC, id LIMIT 1"
    ).fetchone()
    if newest is None or newest["updated_at_ms"] < now_ms:
        return now_ms
    return newest["updated_at_ms"] + (newest["id"] != thread_id)


def add_checkpoint(
    db: sqlite3.Connection,
    run_id: str,
    thread_id: str,
    step: int,
    phase: CheckpointPhase,
    state: dict[str, Any],
    now_ms: int,
) -> None:
    """The next checkpoint of a run, at the present head of its conversation."""
    run = db.execute(
        "UPDATE run SET checkpoint = checkpoint + 1 WHERE id = ? RETURNING *", (run_id,)
    ).fetchone()
    write_checkpoint(db, run, thread_id, step, phase, state, now_ms)


def write_checkpoint(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    thread_id: str,
    step: int,
    phase: CheckpointPhase,
    state: dict[str, Any],
    now_ms: int,
    *,
    progress: Progress | None = None,
    uncounted: int = 0,
) -> None:
    """The checkpoint whose number `run`, the run's row as it is now, already has. `spent`, in its state: what the run
    had used up by then (`progress`, else what the row says), where that is anything. `uncounted`: so many messages
    came to its conversation with it."""
    transcript_id = run["transcript_id"]
    apart = transcript_id != thread_id
    if apart and uncounted:
        _count_messages(db, transcript_id, uncounted)
    head_seq, message_count, ordinal = db.execute(
        "UPDATE thread SET state_ordinal = state_ordinal + 1, message_count = message_count + ? WHERE id = ?"
        " RETURNING head_seq, message_count, state_ordinal",
        (0 if apart else uncounted, thread_id),
    ).fetchone()
    if apart:
        head_seq, message_count = db.execute(
            "SELECT head_seq, message_count FROM thread WHERE id = ?", (transcript_id,)
        ).fetchone()
    if progress is None:
        progress = Progress(step, json.loads(run["usage"]), json.loads(run["budget"]))
    number = run["checkpoint"]
    text = state_text(state, _spent(progress))
    db.execute(
        "INSERT INTO checkpoint_row (run, number, thread, ordinal, step, phase, head_seq, message_count, state,"
        f" checksum, created_at_ms) VALUES (?, ?, {NUMBER}, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run["n"],
            number,
            thread_id,
            ordinal,
            step,
            phase,
            head_seq,
            message_count,
            text,
            checksum_of(run["id"], number, step, phase, head_seq, message_count, text),
            now_ms,
        ),
    )


def _spent(progress: Progress) -> list[int]:
    """In the order of `rows.SPENT`."""
    used = {**progress.usage, "tool_calls": progress.budget.get("tool_calls", 0)}
    return [used.get(name, 0) for name in SPENT]


def add_event(
    db: sqlite3.Connection, thread_id: str, run_id: str | None, type_: str, body: dict[str, Any], now_ms: int
) -> None:
    """One row of telemetry; none for a thread that is not there."""
    db.execute(
        "INSERT INTO event_row (thread, run, type, body, created_at_ms)"
        f" SELECT n, {NUMBER}, ?, ?, ? FROM name WHERE id = ?",
        (run_id, type_, dump(body), now_ms, thread_id),
    )


def add_request(
    db: sqlite3.Connection, effect: EffectRecord, request: Request, approval_id: str, now_ms: int
) -> EffectRecord:
    """Ask for a decision about a call; it becomes the effect's current request, as it is returned. It belongs to the
    root's thread, whichever run inside it made the call."""
    thread_id = db.execute("SELECT thread_id FROM run WHERE id = ?", (effect.run_id,)).fetchone()[0]
    db.execute(
        "INSERT INTO approval (id, run_id, thread_id, call_id, effect_id, kind, tool_name, arguments, args_sha,"
        " tool_schema, reason, agent_path, status, requested_at_ms, expires_at_ms, scope)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, 'once')",
        (
            approval_id,
            effect.run_id,
            thread_id,
            effect.call_id,
            effect.effect_id,
            request.kind,
            effect.tool_name,
            dump(effect.arguments),
            effect.args_sha,
            dump(request.schema),
            request.reason,
            request.agent_path,
            now_ms,
            request.expires_at_ms,
        ),
    )
    db.execute(
        f"UPDATE effect_row SET approval_id = ? WHERE {OF_CALL}", (approval_id, *place_of(effect.effect_id))
    )
    add_event(
        db,
        thread_id,
        effect.run_id,
        "approval_requested",
        {"approval_id": approval_id, "call_id": effect.call_id, "kind": request.kind},
        now_ms,
    )
    return replace(effect, approval_id=approval_id)


def note_progress(db: sqlite3.Connection, run_id: str, progress: Progress) -> None:
    """What the run has used up so far."""
    db.execute(
        "UPDATE run SET step = ?, usage = ?, budget = ? WHERE id = ?",
        (*_used(progress), run_id),
    )
