"""What a person sent: the user messages of a workspace, and of one thread what holds a text."""

from __future__ import annotations

import sqlite3

# threads that are looked into, the ones touched last first
THREADS = 50


def sent_messages(db: sqlite3.Connection, workspace: str, limit: int, most_chars: int) -> list[str]:
    """Texts of the last user messages in a workspace, the newest first, each once; longer ones are left out. Looks into
    the THREADS threads touched last, archived ones included, and into no deleted one."""
    rows: list[sqlite3.Row] = []
    for (thread_id,) in db.execute(
        "SELECT id FROM thread WHERE workspace = ? AND part_of IS NULL AND deleted_at_ms IS NULL"
        " ORDER BY updated_at_ms DESC, id LIMIT ?",
        (workspace, THREADS),
    ).fetchall():
        rows += db.execute(
            "SELECT n, text FROM message WHERE thread_id = ? AND role = 'user' AND chars <= ?"
            " ORDER BY seq DESC LIMIT ?",
            (thread_id, most_chars, limit),
        )
    rows.sort(key=lambda row: row["n"], reverse=True)
    return list(dict.fromkeys(text for _, text in rows))[:limit]
