"""What can be listed. Pages are asked for by offset and size; every order has an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from afk.agents.errors import ApprovalNotFoundError
from afk.memory.records import (
    ApprovalRecord,
    CheckpointRecord,
    EffectRecord,
    EventRecord,
    GrantRecord,
    MessageRecord,
    RunRecord,
    StepResult,
)
from afk.memory.sqlite.lineage import effect_rows, read_messages
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.rows import (
    MESSAGE,
    approval_of,
    checkpoint_of,
    effect_of,
    event_of,
    grant_of,
    messages_of,
    run_of,
)
from afk.memory.sqlite.runs import read_state

# of rows that belong to a thread: it was not deleted
THERE = "NOT EXISTS (SELECT 1 FROM thread d WHERE d.id = {table}.thread_id AND d.deleted_at_ms IS NOT NULL)"

# looked up once for a thread, and mostly empty
OF_ROOTS = "run_id NOT IN (SELECT id FROM run WHERE thread_id = ?1 AND parent_run_id IS NOT NULL)"


def list_runs(
    db: sqlite3.Connection, owners: Owners, thread_id: str | None, offset: int, limit: int
) -> list[RunRecord]:
    """Runs, the newest first; of one thread, or all. States are as they read now."""
    where, args = ("thread_id = ?", (thread_id,)) if thread_id is not None else ("1", ())
    rows = db.execute(
        f"SELECT * FROM run WHERE {where} AND {THERE.format(table='run')}"
        " ORDER BY rowid DESC LIMIT ? OFFSET ?",
        (*args, limit, offset),
    )
    return [run_as_it_reads(row, owners) for row in rows]


def get_run(db: sqlite3.Connection, owners: Owners, run_id: str) -> RunRecord | None:
    """One run as it reads now, or None."""
    there = THERE.format(table="run")
    row = db.execute(f"SELECT * FROM run WHERE id = ? AND {there}", (run_id,)).fetchone()
    return None if row is None else run_as_it_reads(row, owners)


def list_open_runs(
    db: sqlite3.Connection, owners: Owners, workspace: str | None, *, there: str = THERE
) -> list[RunRecord]:
    """Root runs that were left open (awaiting, interrupted, running), the newest first. `there`: which
    count, for a file of a version that could not delete threads."""
    rows = db.execute(
        "SELECT * FROM run WHERE state IN ('running', 'awaiting_approval', 'interrupted')"
        f" AND parent_run_id IS NULL AND {there.format(table='run')} ORDER BY updated_at_ms DESC"
    )
    return [run_as_it_reads(r, owners) for r in rows if workspace is None or r["workspace"] == workspace]


def list_checkpoints(
    db: sqlite3.Connection, thread_id: str, offset: int, limit: int
) -> list[CheckpointRecord]:
    """Checkpoints of a thread's own runs, the newest first; those of runs inside them are named by theirs."""
    rows = db.execute(
        f"SELECT * FROM checkpoint WHERE thread_id = ?1 AND {OF_ROOTS} ORDER BY ordinal DESC LIMIT ?2 OFFSET ?3",
        (thread_id, limit, offset),
    )
    return [checkpoint_of(row) for row in rows]


def first_checkpoint(db: sqlite3.Connection, run_id: str) -> CheckpointRecord | None:
    """The first checkpoint of a run, or None."""
    row = db.execute("SELECT * FROM checkpoint WHERE run_id = ? AND number = 0", (run_id,)).fetchone()
    return None if row is None else checkpoint_of(row)


def count_checkpoints(db: sqlite3.Connection, thread_id: str) -> int:
    """How many `list_checkpoints` would list."""
    return db.execute(
        f"SELECT count(*) FROM checkpoint WHERE thread_id = ?1 AND {OF_ROOTS}", (thread_id,)
    ).fetchone()[0]


def list_approvals(
    db: sqlite3.Connection, thread_id: str | None, run_id: str | None, pending_only: bool
) -> list[ApprovalRecord]:
    """Requests, the oldest first."""
    clauses, args = [THERE.format(table="approval")], list[str]()
    if thread_id is not None:
        clauses.append("thread_id = ?")
        args.append(thread_id)
    if run_id is not None:
        clauses.append("run_id = ?")
        args.append(run_id)
    if pending_only:
        clauses.append("status = 'pending'")
    rows = db.execute(f"SELECT * FROM approval WHERE {' AND '.join(clauses)} ORDER BY rowid", args)
    return [approval_of(row) for row in rows]


def requests_of(db: sqlite3.Connection, effect_ids: Sequence[str]) -> dict[str, list[ApprovalRecord]]:
    """All requests that were ever made about these calls, each call's oldest first; by the call."""
    found: dict[str, list[ApprovalRecord]] = {}
    marks = ", ".join("?" * len(effect_ids))
    for row in db.execute(f"SELECT * FROM approval WHERE effect_id IN ({marks}) ORDER BY rowid", effect_ids):
        found.setdefault(row["effect_id"], []).append(approval_of(row))
    return found


def get_approval(db: sqlite3.Connection, approval_id: str) -> ApprovalRecord:
    """One request. Raises ApprovalNotFoundError."""
    row = db.execute("SELECT * FROM approval WHERE id = ?", (approval_id,)).fetchone()
    if row is None:
        raise ApprovalNotFoundError(
            f"No request {approval_id!r} in this store. List what waits with: afk-tui approvals"
        )
    return approval_of(row)


def matching_grants(
    db: sqlite3.Connection, args_shas: Sequence[str], thread_id: str, workspace: str
) -> dict[str, GrantRecord]:
    """Grants that stand for these calls in this thread or workspace, by the hash of the call."""
    marks = ", ".join("?" * len(args_shas))
    rows = db.execute(
        f"SELECT * FROM approval_grant WHERE revoked_at_ms IS NULL AND args_sha IN ({marks})"
        " AND ((scope = 'thread' AND scope_key = ?) OR (scope = 'workspace' AND scope_key = ?)) ORDER BY rowid DESC",
        (*args_shas, thread_id, workspace),
    )
    return {row["args_sha"]: grant_of(row) for row in rows}


def list_effects(db: sqlite3.Connection, run_id: str) -> list[tuple[EffectRecord, MessageRecord | None]]:
    """Every call of a run in the order of the calls, with its result (None while there is none)."""
    found = db.execute(
        f"SELECT {MESSAGE} FROM effect e JOIN message m ON m.thread = e.thread AND m.seq = e.result_seq"
        " WHERE e.run_id = ?",
        (run_id,),
    ).fetchall()
    results = {(message.thread_id, message.seq): message for message in messages_of(found)}
    rows = db.execute("SELECT * FROM effect WHERE run_id = ? ORDER BY step, position", (run_id,))
    return [(effect_of(row), results.get((row["thread_id"], row["result_seq"]))) for row in rows]


def step_results(db: sqlite3.Connection, run_id: str, step: int) -> list[StepResult]:
    """A step's results, in the order of the calls."""
    rows = db.execute(
        "SELECT m.seq, m.text, m.call_id, m.output_sha"
        " FROM effect e JOIN message_row m ON m.thread = e.thread AND m.seq = e.result_seq"
        " WHERE e.run_id = ? AND e.step = ? ORDER BY e.position",
        (run_id, step),
    )
    return [StepResult(*row) for row in rows]


def list_events(db: sqlite3.Connection, thread_id: str, after: int, limit: int) -> list[EventRecord]:
    """Events of a thread in their order, those after an event id."""
    rows = db.execute(
        "SELECT * FROM event WHERE thread_id = ? AND id > ? ORDER BY id LIMIT ?", (thread_id, after, limit)
    )
    return [event_of(row) for row in rows]


def last_event_id(db: sqlite3.Connection) -> int:
    """The newest event's id, 0 where there is none."""
    return db.execute("SELECT coalesce(max(id), 0) FROM event_row").fetchone()[0]


def read_range(
    db: sqlite3.Connection, thread_id: str, first_seq: int, last_seq: int
) -> tuple[list[MessageRecord], list[tuple[EffectRecord, ApprovalRecord | None]]]:
    """Messages at these places (both included), and the calls whose results stand, or will stand, there."""
    messages = list(read_messages(db, thread_id, last_seq, first=first_seq))
    calls: list[tuple[EffectRecord, ApprovalRecord | None]] = []
    for row in effect_rows(db, thread_id, first_seq, last_seq):
        request = (
            db.execute("SELECT * FROM approval WHERE id = ?", (row["approval_id"],)).fetchone()
            if row["approval_id"]
            else None
        )
        calls.append((effect_of(row), approval_of(request) if request else None))
    return messages, calls


def get_preference(db: sqlite3.Connection, key: str) -> str | None:
    """A value of the app's own, or None."""
    row = db.execute("SELECT value FROM preference WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def set_preferences(db: sqlite3.Connection, values: Mapping[str, str | None], now_ms: int) -> None:
    """Keep values of the app's own; None forgets one."""
    for key, value in values.items():
        if value is None:
            db.execute("DELETE FROM preference WHERE key = ?", (key,))
        else:
            db.execute(
                "INSERT INTO preference (key, value, updated_at_ms) VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms",
                (key, value, now_ms),
            )


def run_as_it_reads(row: sqlite3.Row, owners: Owners) -> RunRecord:
    """A run, with the state that it has in truth."""
    run = run_of(row)
    state = read_state(row, owners)
    if state == run.state:
        return run
    if row["owner"] == owners.owner_id:
        kind = "infrastructure"
        detail = "It stopped here, and that could not be written to the database. What was recorded before is kept."
    else:
        kind = "process_died"
        detail = (
            "The process that was running it ended before it could stop the run; nothing on disk was lost."
        )
    interruption = {"kind": kind, "detail": detail, "superseded_by": None}
    return replace(run, state=state, interruption=interruption)
