"""Grants: remembered with a decision, listed, revoked. What they cover is judged elsewhere, whether they stand here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from afk.agents.errors import GrantNotFoundError
from afk.memory.grants import GrantPattern
from afk.memory.records import EffectRecord, GrantRecord
from afk.memory.sqlite.rows import dump
from afk.memory.sqlite.writing import add_event

# with the request that it came from, so that a person can tell what was allowed, and by whom
_GRANTS = """
SELECT g.*, a.thread_id, a.decided_by, coalesce(a.edited_arguments, a.arguments) AS arguments, t.title,
       coalesce(r.workspace, CASE g.scope WHEN 'workspace' THEN g.scope_key END) AS workspace
FROM approval_grant g
LEFT JOIN approval a ON a.id = g.approval_id
LEFT JOIN run r ON r.id = a.run_id
LEFT JOIN thread t ON t.id = a.thread_id
"""
_IN_SCOPE = "((g.scope = 'thread' AND g.scope_key = ?) OR (g.scope = 'workspace' AND g.scope_key = ?))"
# with a deleted thread goes what was granted in it alone
_NOT_DELETED = (
    "NOT (g.scope = 'thread' AND EXISTS"
    " (SELECT 1 FROM thread d WHERE d.id = g.scope_key AND d.deleted_at_ms IS NOT NULL))"
)


def add_grant(
    db: sqlite3.Connection,
    grant_id: str,
    tool_name: str,
    args_sha: str,
    pattern: GrantPattern | None,
    scope: str,
    scope_key: str,
    approval_id: str,
    now_ms: int,
) -> None:
    """One grant. With a pattern it has no hash of its own, so that no call is taken for the very same one."""
    db.execute(
        "INSERT INTO approval_grant (id, tool_name, args_sha, scope, scope_key, approval_id, created_at_ms, pattern)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant_id,
            tool_name,
            args_sha if pattern is None else "",
            scope,
            scope_key,
            approval_id,
            now_ms,
            None if pattern is None else dump(pattern.to_json()),
        ),
    )


def pattern_grants(
    db: sqlite3.Connection, tool_names: Sequence[str], thread_id: str, workspace: str
) -> list[GrantRecord]:
    """Grants by a pattern that stand for these tools in this thread or workspace, the oldest first."""
    marks = ", ".join("?" * len(tool_names))
    rows = db.execute(
        f"{_GRANTS} WHERE g.tool_name IN ({marks}) AND g.pattern IS NOT NULL AND g.revoked_at_ms IS NULL"
        f" AND {_IN_SCOPE} ORDER BY g.rowid",
        (*tool_names, thread_id, workspace),
    )
    return [_grant_of(row) for row in rows]


def list_grants(
    db: sqlite3.Connection, thread_id: str | None, workspace: str | None, revoked_too: bool
) -> list[GrantRecord]:
    """Grants, the newest first: those given in one thread or one workspace, or all."""
    clauses, args = [_NOT_DELETED], list[str]()
    if not revoked_too:
        clauses.append("g.revoked_at_ms IS NULL")
    if thread_id is not None:
        clauses.append("a.thread_id = ?")
        args.append(thread_id)
    if workspace is not None:
        # also where the thread that it was given in is gone
        clauses.append("coalesce(r.workspace, CASE g.scope WHEN 'workspace' THEN g.scope_key END) = ?")
        args.append(workspace)
    rows = db.execute(f"{_GRANTS} WHERE {' AND '.join(clauses)} ORDER BY g.rowid DESC", args)
    return [_grant_of(row) for row in rows]


def revoke_grant(db: sqlite3.Connection, grant_id: str, by: str, now_ms: int) -> GrantRecord:
    """Take a grant back; of one that was taken back before, how it stands. Raises GrantNotFoundError."""
    changed = db.execute(
        "UPDATE approval_grant SET revoked_at_ms = ?, revoked_by = ? WHERE id = ? AND revoked_at_ms IS NULL",
        (now_ms, by, grant_id),
    ).rowcount
    row = db.execute(f"{_GRANTS} WHERE g.id = ?", (grant_id,)).fetchone()
    if row is None:
        raise GrantNotFoundError(f"No grant {grant_id!r} in this store. List them with: afk-tui grants")
    if changed:
        add_event(db, row["thread_id"] or "", None, "grant_revoked", {"grant_id": grant_id, "by": by}, now_ms)
    return _grant_of(row)


def note_use(db: sqlite3.Connection, thread_id: str, effect: EffectRecord, now_ms: int) -> None:
    """A call begins on the strength of a grant alone: that is an event."""
    allowed_by = effect.allowed_by or ""
    if effect.approval_id is None and allowed_by.startswith("grant:"):
        body = {
            "grant_id": allowed_by.removeprefix("grant:"),
            "call_id": effect.call_id,
            "tool": effect.tool_name,
            "attempt": effect.attempt,
        }
        add_event(db, thread_id, effect.run_id, "grant_used", body, now_ms)


def _grant_of(row: sqlite3.Row) -> GrantRecord:
    return GrantRecord(
        grant_id=row["id"],
        tool_name=row["tool_name"],
        args_sha=row["args_sha"],
        scope=row["scope"],
        scope_key=row["scope_key"],
        created_at_ms=row["created_at_ms"],
        pattern=GrantPattern.from_json(json.loads(row["pattern"])) if row["pattern"] else None,
        approval_id=row["approval_id"],
        arguments=json.loads(row["arguments"] or "{}"),
        thread_id=row["thread_id"] or "",
        thread_title=row["title"] or "",
        workspace=row["workspace"] or "",
        decided_by=row["decided_by"] or "",
        revoked_at_ms=row["revoked_at_ms"],
        revoked_by=row["revoked_by"],
    )
