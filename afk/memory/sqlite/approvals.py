"""Boundary D: someone decided. Once, by compare-and-set; the one who decides need not own the run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from afk.agents.errors import (
    ApprovalAlreadyDecidedError,
    ApprovalError,
    ApprovalExpiredError,
    ApprovalNotFoundError,
    ApprovalStaleError,
)
from afk.memory.records import DECISIONS_FOR, STATUS_OF_DECISION, ApprovalRecord, Decision
from afk.memory.sqlite.grants import add_grant
from afk.memory.sqlite.rows import approval_of, dump_or_null
from afk.memory.sqlite.writing import add_event
from afk.memory.text import storable


def decide(
    db: sqlite3.Connection, approval_id: str, decision: Decision, new_id: Callable[[str], str], now_ms: int
) -> ApprovalRecord:
    """Record a decision about exactly the arguments whose hash it carries. Raises an ApprovalError otherwise."""
    row = db.execute("SELECT * FROM approval WHERE id = ?", (approval_id,)).fetchone()
    if row is None:
        raise ApprovalNotFoundError(
            f"No request {approval_id!r} in this store. List what waits with: afk-tui approvals"
        )
    if _is_deleted(db, row["thread_id"]):
        raise ApprovalNotFoundError(
            f"Request {approval_id} can't be decided any more: its conversation was deleted. Nothing was executed."
        )
    if row["status"] != "pending":
        raise _decided_before(row)
    if decision.args_sha != row["args_sha"]:
        raise ApprovalStaleError(
            f"The decision was made about other arguments than those of request {approval_id}. Look at it again."
        )
    if decision.decision not in DECISIONS_FOR[row["kind"]]:
        allowed = ", ".join(sorted(DECISIONS_FOR[row["kind"]]))
        raise ApprovalError(
            f"{decision.decision!r} does not answer request {approval_id}, which is about a call "
            f"{'of unknown outcome' if row['kind'] == 'uncertain' else 'that waits'}; choose one of {allowed}."
        )
    if row["expires_at_ms"] is not None and row["expires_at_ms"] <= now_ms:
        raise ApprovalExpiredError(
            f"Request {approval_id} has expired. Resume run {row['run_id']} to have it asked again."
        )
    if decision.pattern is not None and decision.pattern.tool != row["tool_name"]:
        raise ApprovalError(
            f"Request {approval_id} is about {row['tool_name']!r}; a pattern over {decision.pattern.tool!r} can't be "
            "remembered with it."
        )
    changed = db.execute(
        "UPDATE approval SET status = ?, edited_arguments = ?, edited_sha = ?, decision_reason = ?, output = ?,"
        " scope = ?, shown = ?, decided_by = ?, decided_at_ms = ? WHERE id = ? AND status = 'pending' AND args_sha = ?",
        (
            STATUS_OF_DECISION[decision.decision],
            dump_or_null(decision.arguments),
            decision.edited_sha,
            storable(decision.reason) if decision.reason is not None else None,
            storable(decision.output) if decision.output is not None else None,
            decision.scope,
            decision.shown,
            decision.by,
            now_ms,
            approval_id,
            decision.args_sha,
        ),
    ).rowcount
    assert changed == 1  # inside BEGIN IMMEDIATE nobody can have come between
    if decision.scope != "once" and decision.decision == "allow":
        workspace = db.execute("SELECT workspace FROM run WHERE id = ?", (row["run_id"],)).fetchone()[0]
        add_grant(
            db,
            new_id("grant"),
            row["tool_name"],
            decision.edited_sha or decision.args_sha,
            decision.pattern,
            decision.scope,
            row["thread_id"] if decision.scope == "thread" else workspace,
            approval_id,
            now_ms,
        )
    add_event(
        db,
        row["thread_id"],
        row["run_id"],
        "approval_decided",
        {
            "approval_id": approval_id,
            "call_id": row["call_id"],
            "decision": decision.decision,
            "by": decision.by,
            "edited": decision.edited_sha is not None,
        },
        now_ms,
    )
    return approval_of(db.execute("SELECT * FROM approval WHERE id = ?", (approval_id,)).fetchone())


def expire(db: sqlite3.Connection, run_id: str, now_ms: int) -> None:
    """Requests of a run whose time ran out undecided say so, and can then be asked again."""
    db.execute(
        "UPDATE approval SET status = 'expired' WHERE run_id = ? AND status = 'pending' AND expires_at_ms <= ?",
        (run_id, now_ms),
    )


def _is_deleted(db: sqlite3.Connection, thread_id: str) -> bool:
    found = db.execute("SELECT deleted_at_ms FROM thread WHERE id = ?", (thread_id,)).fetchone()
    return found is not None and found["deleted_at_ms"] is not None


def _decided_before(row: sqlite3.Row) -> ApprovalError:
    if row["status"] == "expired":
        return ApprovalExpiredError(
            f"Request {row['id']} has expired. Resume run {row['run_id']} to have it asked again."
        )
    if row["status"] == "closed":
        return ApprovalAlreadyDecidedError(
            f"Request {row['id']} was closed before anyone decided: its run went another way. Nothing was executed.",
            status="closed",
            decided_by="nobody",
            decided_at_ms=row["requested_at_ms"],
        )
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["decided_at_ms"] / 1000))
    return ApprovalAlreadyDecidedError(
        f"Request {row['id']} was decided before: {row['status']}, by {row['decided_by']}, on {moment}. "
        "That decision stands.",
        status=row["status"],
        decided_by=row["decided_by"],
        decided_at_ms=row["decided_at_ms"],
    )
