"""Everything that can still be read of a damaged database, in a new file. The old one is only read."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec

from afk.agents.errors import StoreError
from afk.memory.clock import now_ms
from afk.memory.sqlite import search_index
from afk.memory.sqlite.aside import opened_to_read
from afk.memory.sqlite.connection import UNREADABLE, explain, make_ours
from afk.memory.sqlite.mending import mend
from afk.memory.sqlite.schema import VERSION, check_ours, take_steps
from afk.memory.sqlite.soundness import broken_runs, damaged_outputs

P = ParamSpec("P")

# what follows from other tables, and is made anew with them
DERIVED = ("thread_tally", *search_index.DERIVED)
# beyond a damaged page the next readable row is looked for this far, in ever larger steps
LARGEST_GAP = 1 << 24
ROWS_IN_A_TRANSACTION = 2_000
# columns of JSON that nothing can be read without; rubbish that stands in a page which SQLite can read is seen by them
_JSON = {
    "run": ("fingerprint", "interruption", "context", "usage", "budget", "result"),
    "message": ("tool_calls",),
    "checkpoint": ("state",),
    "effect": ("arguments",),
    "approval": ("arguments", "tool_schema", "edited_arguments"),
    "approval_grant": ("pattern",),
    "event": ("body",),
    "state": ("value",),
    "compaction": ("policies", "result"),
}


@dataclass(frozen=True, slots=True)
class SalvageReport:
    """What was written. `rows`: by table; `damaged_tables`: those in which something could not be read, so that rows
    are missing; `broken_runs`: runs whose newest checkpoint is gone or does not fit what it refers to, which can
    therefore not be resumed (their conversations can be read and gone on with); `damaged_outputs`: hashes of whole
    results of which something is missing (what the conversations show of them is there)."""

    rows: Mapping[str, int]
    damaged_tables: tuple[str, ...]
    broken_runs: tuple[str, ...]
    damaged_outputs: tuple[str, ...] = ()


def salvage(source: Path, out: Path) -> SalvageReport:
    """Write a new database `out` (0600) with every row of `source` that can be read, whatever its version, and with
    what they lack to be read and gone on with. It has its name when it is whole. Blocks.

    Raises StoreError where `out` exists or can't be written, where `source` is no database, another program's, or so
    damaged that not even its tables are known; AgentCheckpointSchemaError for one of a newer version.
    """
    if out.exists():
        raise StoreError(f"{out} exists, and is left as it is. Name a file that does not.")
    making = Path(f"{out}.making")
    _remove(making)
    try:
        with opened_to_read(source, copy_in=out.absolute().parent) as old:
            old.execute("PRAGMA cell_size_check = ON")  # a page of rubbish is an error, not rows of rubbish
            version = check_ours(old, str(source))
            tables = _tables(old)
            if version == 0 or not tables:
                raise StoreError(
                    f"{source} holds none of this program's tables, so there is nothing to read in it. "
                    "Name another file with --db or AFK_DB."
                )
            report = _write(old, version, tables, making, str(out))
        making.rename(out)
        return report
    except UNREADABLE as error:
        raise explain(error, str(source), doing="saved") from error
    finally:
        _remove(making)


def _write(
    old: sqlite3.Connection, version: int, tables: list[str], making: Path, name: str
) -> SalvageReport:
    try:
        new = sqlite3.connect(making, isolation_level=None)
        with contextlib.closing(new):
            making.chmod(0o600)
            return _copy(old, new, version, tables, name)
    except sqlite3.Error as error:  # what can't be read of the old one was told before
        raise explain(error, name, doing="written") from error


def _remove(making: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{making}{suffix}").unlink(missing_ok=True)


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        # before those that would be given new numbers
        " ORDER BY name != 'name', rowid"
    )
    return [row[0] for row in rows if row[0] not in DERIVED]


def _copy(
    old: sqlite3.Connection, new: sqlite3.Connection, version: int, tables: list[str], name: str
) -> SalvageReport:
    make_ours(new, name)
    _in_one(new, take_steps, 0, version)
    rows: dict[str, int] = {}
    damaged: list[str] = []
    for table in tables:
        named = table.removesuffix("_row")
        rows[named], whole = _copy_table(old, new, table)
        if not whole:
            damaged.append(named)
    _in_one(new, take_steps, version, VERSION)
    _in_one(new, mend, now_ms())
    return SalvageReport(rows, tuple(damaged), tuple(broken_runs(new)), tuple(damaged_outputs(new)))


def _in_one(
    db: sqlite3.Connection,
    work: Callable[Concatenate[sqlite3.Connection, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """In one transaction."""
    db.execute("BEGIN IMMEDIATE")
    work(db, *args, **kwargs)
    db.execute("COMMIT")


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """How many rows were written, and whether nothing was in the way."""
    columns = {row["name"]: bool(row["notnull"]) for row in new.execute(f"PRAGMA table_info({table})")}
    of_json = {name: columns[name] for name in _JSON.get(table.removesuffix("_row"), ()) if name in columns}
    names = ", ".join(columns)
    marks = ", ".join("?" * (len(columns) + 1))
    insert = f"INSERT OR IGNORE INTO {table} (rowid, {names}) VALUES ({marks})"
    reader = _Reader(old, table, names)
    written, whole = 0, True
    rows = reader.rows()
    while True:
        new.execute("BEGIN IMMEDIATE")
        batch = [dict(row) for row in itertools.islice(rows, ROWS_IN_A_TRANSACTION)]
        for row in batch:
            rubbish = [name for name in of_json if not _is_json(row[name])]
            whole = whole and not rubbish
            if any(of_json[name] for name in rubbish):
                continue
            row.update(dict.fromkeys(rubbish))
            written += new.execute(insert, tuple(row.values())).rowcount
        new.execute("COMMIT")
        if len(batch) < ROWS_IN_A_TRANSACTION:
            return written, whole and reader.whole


def _is_json(text: object) -> bool:
    if text is None:
        return True
    try:
        json.loads(str(text))
    except ValueError:
        return False
    return True


class _Reader:
    """Reads a table from its beginning, and past whatever can't be read from its end."""

    def __init__(self, db: sqlite3.Connection, table: str, names: str) -> None:
        self._db = db
        self._forward = (
            f"SELECT rowid AS at_row, {names} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid"
        )
        self._backward = (
            f"SELECT rowid AS at_row, {names} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid DESC"
        )
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
