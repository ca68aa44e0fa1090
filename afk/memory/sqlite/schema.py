"""The tables, and how an older file becomes a newer one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from afk.agents.errors import AgentCheckpointSchemaError, StoreError
from afk.memory.sqlite.migration_names import number_names
from afk.memory.sqlite.migration_search import add_search_blocks
from afk.memory.sqlite.migration_threads import add_thread_keeping
from afk.memory.sqlite.migrations import (
    add_compaction_reasons,
    add_grant_patterns,
    add_shown_basis,
    add_subagents,
    keep_copy,
    require_room,
)
from afk.memory.sqlite.outputs import add_outputs
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.pins import add_pins

PAGES_AT_ONCE = 4096
# "afk1": tells our file from any other SQLite database
APPLICATION_ID = 0x61666B31

FIRST = """
CREATE TABLE thread (
    id              TEXT NOT NULL UNIQUE,
    title           TEXT NOT NULL,
    agent_name      TEXT NOT NULL,
    workspace       TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    last_run_id     TEXT NOT NULL,
    head_seq        INTEGER NOT NULL,   -- the last place given to a message, reserved places included
    message_count   INTEGER NOT NULL,
    state_ordinal   INTEGER NOT NULL,   -- the last ordinal given to a checkpoint or a state row
    forked_from     TEXT,               -- the thread and place up to which messages are read from there
    forked_seq      INTEGER
);
CREATE INDEX thread_by_time ON thread (updated_at_ms DESC, id);
CREATE INDEX thread_by_workspace ON thread (workspace, updated_at_ms DESC, id);

CREATE TABLE run (
    id              TEXT NOT NULL UNIQUE,
    thread_id       TEXT NOT NULL,
    agent_name      TEXT NOT NULL,
    model           TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    workspace       TEXT NOT NULL,
    state           TEXT NOT NULL,
    interruption    TEXT,
    superseded_by   TEXT,
    step            INTEGER NOT NULL,
    context         TEXT NOT NULL,
    usage           TEXT NOT NULL,
    budget          TEXT NOT NULL,
    result          TEXT,
    epoch           INTEGER NOT NULL,
    owner           TEXT,
    checkpoint      INTEGER NOT NULL,   -- the number of its newest checkpoint
    root_run_id     TEXT NOT NULL,
    parent_run_id   TEXT,
    parent_call_id  TEXT,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL
);
CREATE INDEX run_by_thread ON run (thread_id, created_at_ms);
CREATE INDEX run_open ON run (updated_at_ms) WHERE state IN ('running', 'awaiting_approval', 'interrupted');

CREATE TABLE message (
    thread_id       TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    role            TEXT NOT NULL,
    chars           INTEGER NOT NULL,   -- before the text, so that a list of heads never reads overflow pages
    lines           INTEGER NOT NULL,
    run_id          TEXT NOT NULL,
    call_id         TEXT,
    created_at_ms   INTEGER NOT NULL,
    tool_calls      TEXT,
    text            TEXT NOT NULL
);
CREATE UNIQUE INDEX message_by_place ON message (thread_id, seq);

CREATE TABLE checkpoint (
    run_id          TEXT NOT NULL,
    number          INTEGER NOT NULL,
    thread_id       TEXT NOT NULL,
    ordinal         INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    phase           TEXT NOT NULL,
    head_seq        INTEGER NOT NULL,
    message_count   INTEGER NOT NULL,
    state           TEXT NOT NULL,
    checksum        TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
);
CREATE UNIQUE INDEX checkpoint_by_run ON checkpoint (run_id, number);
CREATE INDEX checkpoint_by_thread ON checkpoint (thread_id, ordinal);

CREATE TABLE effect (
    id              TEXT NOT NULL UNIQUE,
    run_id          TEXT NOT NULL,
    thread_id       TEXT NOT NULL,
    call_id         TEXT NOT NULL,
    step            INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    tool_name       TEXT NOT NULL,
    effect          TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    args_sha        TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    phase           TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    result_seq      INTEGER NOT NULL,
    approval_id     TEXT,
    allowed_by      TEXT,
    started_at_ms   INTEGER,
    finished_at_ms  INTEGER
);
CREATE UNIQUE INDEX effect_by_step ON effect (run_id, step, position);
CREATE INDEX effect_by_place ON effect (thread_id, result_seq);

CREATE TABLE approval (
    id              TEXT NOT NULL UNIQUE,
    run_id          TEXT NOT NULL,
    thread_id       TEXT NOT NULL,
    call_id         TEXT NOT NULL,
    effect_id       TEXT NOT NULL,
    kind            TEXT NOT NULL,
    tool_name       TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    args_sha        TEXT NOT NULL,
    tool_schema     TEXT NOT NULL,
    reason          TEXT NOT NULL,
    agent_path      TEXT NOT NULL,
    status          TEXT NOT NULL,
    requested_at_ms INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    edited_arguments TEXT,
    edited_sha      TEXT,
    decision_reason TEXT,
    output          TEXT,
    scope           TEXT NOT NULL,
    decided_by      TEXT,
    decided_at_ms   INTEGER,
    consumed_at_ms  INTEGER
);
CREATE INDEX approval_by_effect ON approval (effect_id);
CREATE INDEX approval_pending ON approval (thread_id, requested_at_ms) WHERE status = 'pending';

CREATE TABLE approval_grant (
    id              TEXT NOT NULL UNIQUE,
    tool_name       TEXT NOT NULL,
    args_sha        TEXT NOT NULL,
    scope           TEXT NOT NULL,
    scope_key       TEXT NOT NULL,
    approval_id     TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    revoked_at_ms   INTEGER
);
CREATE INDEX grant_by_call ON approval_grant (args_sha) WHERE revoked_at_ms IS NULL;

CREATE TABLE event (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    thread_id       TEXT NOT NULL,
    run_id          TEXT,
    type            TEXT NOT NULL,
    body            TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
);
CREATE INDEX event_by_thread ON event (thread_id, id);

CREATE TABLE state (
    thread_id       TEXT NOT NULL,
    ordinal         INTEGER NOT NULL,
    run_id          TEXT,
    key             TEXT NOT NULL,      -- 'summary', 'summary:CONVERSATION', or 'metadata:NAME'
    value           TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
);
CREATE INDEX state_by_thread ON state (thread_id, ordinal);

CREATE TABLE compaction (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    thread_id       TEXT NOT NULL,
    policies        TEXT NOT NULL,
    result          TEXT,
    created_at_ms   INTEGER NOT NULL
);
CREATE INDEX compaction_by_thread ON compaction (thread_id, id);

CREATE TABLE preference (
    key             TEXT NOT NULL UNIQUE,   -- 'draft:THREAD', 'trust:FOLDER', ...: the app's own, never compacted
    value           TEXT NOT NULL,
    updated_at_ms   INTEGER NOT NULL
);
"""


def _first(db: sqlite3.Connection) -> None:
    for statement in FIRST.split(";\n"):
        if statement.strip():
            db.execute(statement)


# in order; a file's user_version is how many of them it has been through
MIGRATIONS: Sequence[tuple[str, Callable[[sqlite3.Connection], None]]] = (
    ("first tables", _first),
    ("grants by a pattern", add_grant_patterns),
    ("runs inside runs", add_subagents),
    ("compactions with a reason", add_compaction_reasons),
    ("what was shown with a request", add_shown_basis),
    ("threads kept in order", add_thread_keeping),
    ("pinned messages", add_pins),
    ("blocks of the search index", add_search_blocks),
    ("whole results", add_outputs),
    ("numbers for names", number_names),
)
VERSION = len(MIGRATIONS)


def check_ours(db: sqlite3.Connection, path: str) -> int:
    """The file's version, having read nothing but its header. Raises StoreError for somebody else's database,
    AgentCheckpointSchemaError for a version that this program does not know."""
    application, version, tables = _read_identity(db)
    if application != APPLICATION_ID:
        if version or application or tables:
            raise StoreError(
                f"{path} is a database of another program, and was left as it is. "
                "Name another file with --db or AFK_DB."
            )
        return 0
    if version > VERSION:
        raise AgentCheckpointSchemaError(
            f"{path} was written by a newer version (its schema is {version}, this program knows {VERSION}). "
            "Nothing was changed. Install the newer afk-tui, or name another file with --db or AFK_DB."
        )
    return version


def _read_identity(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Application id, version and number of tables, of one moment: another process may be making them."""
    outermost = not db.in_transaction
    if outermost:
        db.execute("BEGIN")
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        return application, version, db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        if outermost and db.in_transaction:
            db.execute("ROLLBACK")


def migrate(db: sqlite3.Connection, path: str) -> Path | None:
    """Bring the file to this version, in one transaction; of a file of an earlier one a copy is kept before, whose name
    is returned. Two processes may do so at once: one waits, then sees that it is done.

    Raises StoreError while a process of an earlier version has the file open: it would write to tables that are gone.
    """
    if check_ours(db, path) == VERSION:
        return None
    kept: Path | None = None
    db.execute("BEGIN IMMEDIATE")
    try:
        before = check_ours(db, path)
        if 0 < before < VERSION:
            _refuse_beside_others(path)
            require_room(path, VERSION)
            kept = keep_copy(path, VERSION)
        take_steps(db, before, VERSION)
        if kept is not None:
            _refuse_beside_others(path)  # who came meanwhile
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # an error of the disk ends it by itself
            db.execute("ROLLBACK")
        if kept is not None:
            with contextlib.suppress(OSError):
                kept.unlink()
        raise
    if kept is not None:
        _give_back(db)
    return kept


def _give_back(db: sqlite3.Connection) -> None:
    """The pages where tables that were copied had been. What can't be given back now, a compaction gives back."""
    timeout_ms = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute("PRAGMA busy_timeout = 0")
    with contextlib.suppress(sqlite3.OperationalError):
        free, left = -1, _free_pages(db)
        while left not in (0, free):  # a file that was made otherwise gives nothing back
            # as a script, or it frees a single page
            db.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
            free, left = left, _free_pages(db)
    db.execute(f"PRAGMA busy_timeout = {timeout_ms}")


def _free_pages(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA freelist_count").fetchone()[0]


def _refuse_beside_others(path: str) -> None:
    """A store of the version before that is open. (One that opens in the moment between this and the commit finds no
    table that it could write a boundary to.)"""
    living = Owners(Path(path), "").living()
    if living:
        who = ", ".join(f"pid {pid}" if pid else "pid unknown" for pid in living)
        raise StoreError(
            f"The database {path} has the format of an earlier version, which has it open ({who}). Nothing was "
            "changed. Quit it there, then start again: the file gets the format of this version then, and a copy is "
            "kept of it as it was."
        )


def take_steps(db: sqlite3.Connection, before: int, version: int) -> None:
    """From one version to another, inside a transaction."""
    for _, step in MIGRATIONS[before:version]:
        step(db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {version}")
