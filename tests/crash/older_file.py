"""A database as the first version left it, with rows in every table: what a migration must not lose."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from afk.memory.sqlite import schema

Rows = dict[str, set[tuple[Any, ...]]]

ROWS_PER_TABLE = 3
TEXT_CHARS = 900  # so that the copy has pages enough to die between two of them


def make_older_file(path: Path) -> Rows:
    """Make it; what stands in it, table by table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN")
        schema.MIGRATIONS[0][1](db)
        for table, columns in _columns(db).items():
            marks = ", ".join("?" * len(columns))
            for n in range(ROWS_PER_TABLE):
                row = [
                    n if kind == "INTEGER" else f"{table} {name} {n}".ljust(TEXT_CHARS)
                    for name, kind in columns
                ]
                db.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("COMMIT")
        return rows_of_the_first_version(path)


def rows_of_the_first_version(path: Path) -> Rows:
    """Every row of a file of any version, without the columns that came later, and but for a call's name."""
    with closing(sqlite3.connect(":memory:")) as first:
        schema.MIGRATIONS[0][1](first)
        tables = _columns(first)
    tables["effect"] = [column for column in tables["effect"] if column[0] != "id"]
    with closing(sqlite3.connect(path)) as db:
        return {
            table: set(db.execute(f"SELECT {', '.join(name for name, _ in columns)} FROM {table}"))
            for table, columns in tables.items()
        }


def lost_from(path: Path, before: Rows) -> list[str]:
    """The tables that no longer hold all the rows they held."""
    now = rows_of_the_first_version(path)
    return [table for table, rows in before.items() if not rows <= now[table]]


def _columns(db: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
    tables = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    return {
        table: [(row[1], row[2]) for row in db.execute(f"PRAGMA table_info({table})")] for table in tables
    }
