"""Messages that are pinned: they stay in what a model is sent, whatever is summarised around them."""

from __future__ import annotations

import sqlite3

from afk.agents.errors import AgentConfigurationError, ThreadNotFoundError
from afk.memory.sqlite.lineage import read_messages
from afk.memory.sqlite.writing import add_event
from afk.memory.summaries import PinRecord

PINS = (
    "CREATE TABLE pin (thread_id TEXT NOT NULL, seq INTEGER NOT NULL, created_at_ms INTEGER NOT NULL)",
    "CREATE UNIQUE INDEX pin_by_place ON pin (thread_id, seq)",
)


def add_pins(db: sqlite3.Connection) -> None:
    """The migration: messages can be pinned."""
    for statement in PINS:
        db.execute(statement)


def pin(db: sqlite3.Connection, thread_id: str, seq: int, now_ms: int) -> PinRecord:
    """Pin a message; one that is pinned stays so."""
    thread = db.execute(
        "SELECT 1 FROM thread WHERE id = ? AND part_of IS NULL AND deleted_at_ms IS NULL", (thread_id,)
    ).fetchone()
    if thread is None:
        raise ThreadNotFoundError(
            f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads"
        )
    if not read_messages(db, thread_id, seq, first=seq):
        raise AgentConfigurationError(
            f"Thread {thread_id!r} has no message at place {seq}, so there is nothing to pin."
        )
    added = db.execute(
        "INSERT INTO pin (thread_id, seq, created_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (thread_id, seq, now_ms),
    ).rowcount
    if added:
        add_event(db, thread_id, None, "pinned", {"seq": seq}, now_ms)
    row = db.execute("SELECT * FROM pin WHERE thread_id = ? AND seq = ?", (thread_id, seq)).fetchone()
    return _pin_of(row)


def unpin(db: sqlite3.Connection, thread_id: str, seq: int, now_ms: int) -> bool:
    """Take a pin away; whether there was one."""
    gone = db.execute("DELETE FROM pin WHERE thread_id = ? AND seq = ?", (thread_id, seq)).rowcount
    if gone:
        add_event(db, thread_id, None, "unpinned", {"seq": seq}, now_ms)
    return bool(gone)


def list_pins(db: sqlite3.Connection, thread_id: str) -> list[PinRecord]:
    """The pins of a thread, in the order of the messages."""
    rows = db.execute("SELECT * FROM pin WHERE thread_id = ? ORDER BY seq", (thread_id,))
    return [_pin_of(row) for row in rows]


def pinned_places(db: sqlite3.Connection, thread_id: str, head_seq: int) -> tuple[int, ...]:
    """The pinned places up to `head_seq`, in order."""
    rows = db.execute(
        "SELECT seq FROM pin WHERE thread_id = ? AND seq <= ? ORDER BY seq", (thread_id, head_seq)
    )
    return tuple(seq for (seq,) in rows)


def take_along(db: sqlite3.Connection, source_id: str, thread_id: str, head_seq: int) -> None:
    """Give a fork the pins of what it shares with its source."""
    db.execute(
        "INSERT INTO pin (thread_id, seq, created_at_ms) SELECT ?, seq, created_at_ms FROM pin"
        " WHERE thread_id = ? AND seq <= ?",
        (thread_id, source_id, head_seq),
    )


def _pin_of(row: sqlite3.Row) -> PinRecord:
    return PinRecord(row["thread_id"], row["seq"], row["created_at_ms"])
