"""Reading a database that is only looked at, also where nothing can be written beside it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Generator
from pathlib import Path

from afk.memory.sqlite.connection import BUSY_TIMEOUT_MS

_NO_ROOM_BESIDE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY")


@contextlib.contextmanager
def opened_to_read(path: Path, *, copy_in: Path | None = None) -> Generator[sqlite3.Connection]:
    """A connection that refuses every statement that would change the file; with what a killed process left in its
    WAL. Only for a process that has no store open on it.

    On a disk that is full or read-only SQLite can't make what it needs beside the file: it is then read from a copy
    in the folder `copy_in` (None: the system's for such files), which is gone at the end.
    """
    path = path.resolve()
    db = _open(path)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if not error.sqlite_errorname.startswith(_NO_ROOM_BESIDE):
            raise
    else:
        with contextlib.closing(db):
            yield db
        return
    with tempfile.TemporaryDirectory(dir=copy_in, prefix=".afk-") as folder:
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{folder}/copy.db{suffix}")
        with contextlib.closing(_open(Path(folder, "copy.db"))) as db:
            yield db


def _open(path: Path) -> sqlite3.Connection:
    # mode=rw and not ro: what a killed process left in the WAL is then read as it is by every other program; it
    # never makes the file
    db = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None
    )
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA query_only = ON")
    return db
