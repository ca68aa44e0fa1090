"""Ways in which a database really fails: held by another process, on a full or read-only disk, damaged in its file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.memory.children import finish, line_of, start_code
from tests.support.tables import writable

PAGE = 4096

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
"""


class Holder:
    """Another process that holds the write lock of a database."""

    def __init__(self, db: Path) -> None:
        self._process = start_code(HOLD, db)
        assert line_of(self._process) == "held"

    def let_go(self) -> None:
        """On return the lock is free."""
        if self._process.poll() is None:
            assert finish(self._process) == ("", "")


@contextlib.contextmanager
def locked(db: Path) -> Generator[Holder]:
    """The database is locked by another process until `let_go`, or the end."""
    holder = Holder(db)
    try:
        yield holder
    finally:
        holder.let_go()


class Disk:
    """A file system of its own, that can be full or read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * PAGE)

    def free(self) -> None:
        """Take it back."""
        (self.folder / "ballast").unlink()

    def make_read_only(self) -> None:
        """While nothing on it is open for writing."""
        self._remount("ro")

    def make_writable(self) -> None:
        """Again."""
        self._remount("rw")

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True, capture_output=True)


@contextlib.contextmanager
def mounted(folder: Path, *, size: str = "4m") -> Generator[Disk]:
    """A small file system at `folder`; skips the test where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def change(db: Path, statement: str, *values: object) -> None:
    """Change rows behind the program's back."""
    connection = writable(db)
    try:
        before = connection.total_changes
        connection.execute(statement, values)
        assert connection.total_changes > before, statement
        connection.commit()
    finally:
        connection.close()


def overwrite_page(db: Path, table: str) -> None:
    """Write rubbish over the page that holds the newest rows of a table; nobody may have the file open."""
    connection = sqlite3.connect(db)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path DESC LIMIT 1",
            (table,),
        ).fetchone()
    finally:
        connection.close()
    with db.open("r+b") as file:
        file.seek((found[0] - 1) * PAGE)
        file.write(b"\xa5" * PAGE)
