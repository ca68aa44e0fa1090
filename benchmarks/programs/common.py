"""What all measured programs share. It runs under the Python of each peer, so it imports nothing but the standard
library.

A program is called with a size, an empty folder, and words: `count` counts commits instead of timing anything.
Its last line is a JSON object of figures.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

RESULT_CHARS = 1024
SIZE = int(sys.argv[1])
FOLDER = Path(sys.argv[2])
WORDS = sys.argv[3:]


def result_of(n: int) -> str:
    """The result of the n-th call: 1 KB that no other call has."""
    return (f"{n:07d} " * (RESULT_CHARS // 8))[:RESULT_CHARS]


class Commits:
    """Counts the writing transactions of every SQLite connection of this process, and those flushed to the disk."""

    def __init__(self) -> None:
        self.all = self.flushed = 0
        self._real = sqlite3.connect
        sqlite3.connect = sqlite3.dbapi2.connect = self._connect  # type: ignore[assignment]

    def _connect(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = self._real(*args, **kwargs)
        synchronous = "FULL"
        wrote = False

        def note(statement: str) -> None:
            nonlocal synchronous, wrote
            words = statement.upper().replace("=", " ").split()
            if words[:2] == ["PRAGMA", "SYNCHRONOUS"] and len(words) > 2:
                synchronous = words[2]
            elif words[0] in ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE"):
                wrote = True
            elif words[0] == "COMMIT" and wrote:
                wrote = False
                self.all += 1
                self.flushed += synchronous == "FULL"

        connection.set_trace_callback(note)
        return connection


COMMITS = Commits() if "count" in WORDS else None


class Clock:
    """Wall and CPU seconds from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_s()
        self._commits = (COMMITS.all, COMMITS.flushed) if COMMITS else (0, 0)

    def figures(self) -> dict[str, float]:
        """What it took until now, of the whole process."""
        figures = {"wall_s": time.perf_counter() - self._wall, "cpu_s": _cpu_s() - self._cpu}
        if COMMITS:
            figures["commits"] = COMMITS.all - self._commits[0]
            figures["flushed"] = COMMITS.flushed - self._commits[1]
        return figures


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bytes_of(*names: str) -> int:
    """The size of database files, their WAL folded in."""
    for name in names:
        with sqlite3.connect(FOLDER / name) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.close()
    return sum((FOLDER / name).stat().st_size for name in names)


def finish(figures: dict[str, float]) -> None:
    """The program's last line; nothing that a library does at exit is measured or waited for."""
    print(json.dumps(figures), flush=True)
    sys.stdout.flush()
    os._exit(0)
