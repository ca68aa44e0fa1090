"""Everything that can still be read of a damaged database, in a new file. The old one is only read."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from afk.agents.errors import StoreError
from afk.memory.sqlite.aside import opened_to_read
from afk.memory.sqlite.connection import explain, prepare
from afk.memory.sqlite.schema import VERSION, check_ours
from afk.memory.sqlite.soundness import broken_runs, count_messages_anew

# beyond a damaged page the next readable row is looked for this far, in ever larger steps
LARGEST_GAP = 1 << 24
ROWS_IN_A_TRANSACTION = 2_000


@dataclass(frozen=True, slots=True)
class SalvageReport:
    """What was written. `rows`: by table; `damaged_tables`: those in which something could not be read, so that rows
    are missing; `broken_runs`: runs whose newest checkpoint is gone or does not fit what it refers to, which can
    therefore not be resumed (their conversations can be read and gone on with)."""

    rows: Mapping[str, int]
    damaged_tables: tuple[str, ...]
    broken_runs: tuple[str, ...]


def salvage(source: Path, out: Path) -> SalvageReport:
    """Write a new database `out` (0600) with every row of `source` that can be read. Blocks.

    Raises StoreError where `out` exists, where `source` is no database, another program's, or so damaged that not
    even its tables are known; AgentCheckpointSchemaError for one of a newer version.
    """
    if out.exists():
        raise StoreError(f"{out} exists, and is left as it is. Name a file that does not.")
    try:
        with opened_to_read(source, copy_in=out.absolute().parent) as old:
            old.execute("PRAGMA cell_size_check = ON")  # a page of rubbish is an error, not rows of rubbish
            version = check_ours(old, str(source))
            tables = _tables(old)
            if version != VERSION or not tables:
                raise StoreError(
                    f"{source} holds no table of this version ({version}, this program knows {VERSION}), so nothing "
                    "can be read of it. Open it with the version that wrote it."
                )
            return _copy(old, tables, out)
    except sqlite3.Error as error:
        raise explain(error, str(source), doing="read") from error


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [row[0] for row in rows]


def _copy(old: sqlite3.Connection, tables: list[str], out: Path) -> SalvageReport:
    new = sqlite3.connect(out, isolation_level=None)
    with contextlib.closing(new):
        out.chmod(0o600)
        prepare(new, str(out))
        rows: dict[str, int] = {}
        damaged: list[str] = []
        for table in tables:
            rows[table], whole = _copy_table(old, new, table)
            if not whole:
                damaged.append(table)
        new.row_factory = sqlite3.Row
        broken = tuple(broken_runs(new))
        new.execute("BEGIN IMMEDIATE")
        count_messages_anew(new)
        new.execute("COMMIT")
        return SalvageReport(rows, tuple(damaged), broken)


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """How many rows were written, and whether nothing was in the way."""
    columns = [row["name"] for row in new.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(columns)
    marks = ", ".join("?" * (len(columns) + 1))
    insert = f"INSERT OR IGNORE INTO {table} (rowid, {names}) VALUES ({marks})"
    reader = _Reader(old, table, names)
    written = 0
    rows = reader.rows()
    while True:
        new.execute("BEGIN IMMEDIATE")
        batch = [row for row, _ in zip(rows, range(ROWS_IN_A_TRANSACTION), strict=False)]
        for row in batch:
            written += new.execute(insert, tuple(row)).rowcount
        new.execute("COMMIT")
        if len(batch) < ROWS_IN_A_TRANSACTION:
            return written, reader.whole


class _Reader:
    """Reads a table from its beginning, and past whatever can't be read from its end."""

    def __init__(self, db: sqlite3.Connection, table: str, names: str) -> None:
        self._db = db
        self._forward = f"SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid"
        self._backward = f"SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid DESC"
        self.whole = True

    def rows(self) -> Iterator[sqlite3.Row]:
        last, gap = -1, 0
        while gap <= LARGEST_GAP:
            try:
                for row in self._db.execute(self._forward, (last + gap,)):
                    last, gap = row[0], 0
                    yield row
                break
            except sqlite3.DatabaseError:
                self.whole = False
                gap = max(1, gap * 2)
        if not self.whole:
            # what the leaps went over, seen from the other side
            with contextlib.suppress(sqlite3.DatabaseError):
                yield from self._db.execute(self._backward, (-1,))
