"""Databases of many threads, made of rows: cheap copies of a thread that really ran."""

from __future__ import annotations

import contextlib
import os
import pty
import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path

from tests.support.tables import writable


def multiply(db: Path, number: int, *, events: int) -> list[str]:
    """Copy the oldest finished thread so many times, each with so many events of long ago; their ids."""
    with contextlib.closing(writable(db)) as connection, connection:
        connection.row_factory = sqlite3.Row
        (source,) = connection.execute("SELECT id FROM thread ORDER BY rowid LIMIT 1").fetchone()
        names = [f"thread_copy_{n:05}" for n in range(number)]
        for table in ("thread", "run", "checkpoint"):
            key = "id" if table == "thread" else "thread_id"
            # numbers are given to the copies
            columns = [
                row["name"]
                for row in connection.execute(f"PRAGMA table_info({table})")
                if row["name"] not in ("n", "thread", "run")
            ]
            for row in connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (source,)).fetchall():
                marks = ", ".join("?" * len(columns))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
                    ([_renamed(row[c], source, name) for c in columns] for name in names),
                )
        connection.executemany(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO event (thread_id, type, body, created_at_ms) SELECT ?, 'noise', '{}', 1 FROM n",
            ((events, name) for name in names if events),
        )
    return names


def _renamed(value: object, source: str, name: str) -> object:
    if not isinstance(value, str):
        return value
    # a run's id stands in several tables, and must stay one id
    return value.replace(source, name) if source in value else _run_of(value, name)


def _run_of(value: str, name: str) -> str:
    return f"{value}_{name}" if value.startswith("run_") else value


class Watched:
    """A pseudo-terminal that a program writes to."""

    def __init__(self, ours: int, theirs: int) -> None:
        self.descriptor = theirs
        self.text = ""
        self._ours = ours
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # so a terminal ends on Linux
            while data := os.read(self._ours, 65_536):
                self.text += data.decode(errors="replace")


@contextlib.contextmanager
def watched_terminal() -> Generator[Watched]:
    ours, theirs = pty.openpty()
    try:
        yield Watched(ours, theirs)
    finally:
        os.close(theirs)
        os.close(ours)
