"""Whether a database file is sound, looked at from outside: nothing is made, migrated or changed."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from afk.memory.sqlite.aside import opened_to_read
from afk.memory.sqlite.connection import UNREADABLE, explain
from afk.memory.sqlite.mending_names import misnamed
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.queries import THERE, list_open_runs
from afk.memory.sqlite.schema import VERSION, check_ours
from afk.memory.sqlite.search_index import state_of
from afk.memory.sqlite.soundness import broken_runs, damaged_outputs, incomplete_threads

SQLITE_VERSION = sqlite3.sqlite_version
SCHEMA_VERSION = VERSION
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """What was found in a file. `problems` are in SQLite's own words, or ours where names contradict each other; none
    where it is sound. `open_runs` counts the runs that were left open by their state as it reads now. `broken_runs` are
    those of them that can't be resumed, with the reason; `incomplete_threads` those of which messages are missing; a
    damaged `search_index` loses nothing. `outputs` are the whole results that are kept, `output_bytes` what they say,
    `damaged_outputs` by hash those that are missing or not as they were written. An empty file has `schema_version` 0
    and no rows."""

    schema_version: int
    problems: tuple[str, ...] = ()
    open_runs: Mapping[str, int] = field(default_factory=dict[str, int])
    waiting_requests: int = 0
    broken_runs: Mapping[str, str] = field(default_factory=dict[str, str])
    incomplete_threads: tuple[str, ...] = ()
    search_index: Literal["none", "sound", "damaged"] = "none"
    outputs: int = 0
    output_bytes: int = 0
    damaged_outputs: Mapping[str, str] = field(default_factory=dict[str, str])


def examine(path: Path) -> DatabaseHealth:
    """Read the whole of an existing database file once; takes as long as that. Blocks.

    Only for a process that has no store open on it. Raises StoreError (can't be read, no database, another
    program's) or AgentCheckpointSchemaError (a newer version).
    """
    try:
        with opened_to_read(path) as db:
            return _examine(db, path)
    except UNREADABLE as error:
        raise explain(error, str(path), doing="read") from error


def _examine(db: sqlite3.Connection, path: Path) -> DatabaseHealth:
    version = check_ours(db, str(path))
    said = [row[0] for row in db.execute(f"PRAGMA quick_check({_SHOWN_PROBLEMS})")]
    # what newer versions of SQLite say of the search index is no damage to what is kept
    problems = tuple(one for one in said if one != "ok" and "message_index" not in one)
    if problems or version == 0:
        return DatabaseHealth(version, problems)
    # a file of an earlier version knows no deleted threads
    there = THERE if version == VERSION else "1"
    waiting = db.execute(
        f"SELECT count(*) FROM approval WHERE status = 'pending' AND {there.format(table='approval')}"
    ).fetchone()[0]
    owners = Owners(Path(os.path.realpath(path)), "nobody")
    runs = Counter(run.state for run in list_open_runs(db, owners, None, there=there))
    if version != VERSION:
        return DatabaseHealth(version, (), dict(runs), waiting)
    kept = db.execute(
        "SELECT count(*), coalesce(sum(size_bytes), 0) FROM output WHERE NOT leaving"
    ).fetchone()
    return DatabaseHealth(
        version,
        misnamed(db, _SHOWN_PROBLEMS),
        dict(runs),
        waiting,
        broken_runs(db),
        incomplete_threads(db),
        state_of(db),
        kept[0],
        kept[1],
        damaged_outputs(db),
    )
