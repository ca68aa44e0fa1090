"""Tampering with a database by name: what is kept in tables of numbers is written through the views of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

# the columns of each view that stand in its table as they are, and those that may be bytes there
_SAME = {
    "message": "seq, role, chars, lines, call_id, created_at_ms, output_sha, tool_calls, text",
    "checkpoint": "number, ordinal, step, phase, head_seq, message_count, state, created_at_ms",
    "effect": "step, position, call_id, tool_name, effect, arguments, phase, attempt, epoch, result_seq, approval_id,"
    " allowed_by, owner, process_id, started_at_ms, finished_at_ms",
    "event": "type, body, created_at_ms",
}
_BYTES = {"checkpoint": ("checksum",), "effect": ("args_sha", "idempotency_key")}
_NAMED = """
    INSERT INTO name (id) SELECT i FROM (SELECT NEW.thread_id AS i UNION SELECT NEW.run_id)
     WHERE i IS NOT NULL AND i NOT IN (SELECT id FROM name);
"""


def as_tables(db: sqlite3.Connection) -> sqlite3.Connection:
    """Rows of `message`, `checkpoint`, `effect` and `event` can be inserted, updated and deleted through this
    connection (SQLite does not count them as changed)."""
    views = {row[0] for row in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'view'")}
    number = "(SELECT n FROM name WHERE id = NEW.{}_id)"
    for view, columns in _SAME.items():
        if view not in views:  # of an earlier version: a table
            continue
        key = "id" if view == "event" else "n"
        names = columns.split(", ")
        of_bytes = _BYTES.get(view, ())
        into = ", ".join((key, "thread", "run", *names, *of_bytes))
        values = ", ".join(
            (
                f"NEW.{key}",
                number.format("thread"),
                number.format("run"),
                *(f"NEW.{n}" for n in (*names, *of_bytes)),
            )
        )
        sets = ", ".join(
            (
                f"thread = {number.format('thread')}",
                f"run = {number.format('run')}",
                *(f"{n} = NEW.{n}" for n in names),
                *(f"{n} = CASE WHEN NEW.{n} IS OLD.{n} THEN {n} ELSE NEW.{n} END" for n in of_bytes),
            )
        )
        for event, statements in {
            "INSERT": f"{_NAMED} INSERT INTO {view}_row ({into}) VALUES ({values});",
            "UPDATE": f"{_NAMED} UPDATE {view}_row SET {sets} WHERE {key} = OLD.{key};",
            "DELETE": f"DELETE FROM {view}_row WHERE {key} = OLD.{key};",
        }.items():
            db.execute(
                f"CREATE TEMP TRIGGER {view}_{event} INSTEAD OF {event} ON main.{view} BEGIN {statements} END"
            )
    db.commit()
    return db


def writable(path: Path | str, **options: Any) -> sqlite3.Connection:
    """A connection to a database for `as_tables`."""
    return as_tables(sqlite3.connect(path, **options))
