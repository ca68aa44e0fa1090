"""The steps after the first one, and the copy that is kept of a file before it takes them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from afk.agents.errors import StoreError

# of the file's size: the copy, and what the file and its WAL grow to meanwhile; measured with 320 MB
ROOM = 4.5

GRANT_PATTERNS = (
    # NULL: the very same call, which is all that the first version knew
    "ALTER TABLE approval_grant ADD COLUMN pattern TEXT",
    "ALTER TABLE approval_grant ADD COLUMN revoked_by TEXT",
    "CREATE INDEX grant_by_tool ON approval_grant (tool_name) WHERE revoked_at_ms IS NULL AND pattern IS NOT NULL",
)


def add_grant_patterns(db: sqlite3.Connection) -> None:
    """Grants may stand for more than the very same call."""
    for statement in GRANT_PATTERNS:
        db.execute(statement)


SUBAGENTS = (
    # of a subagent's conversation: the thread that its root run belongs to
    "ALTER TABLE thread ADD COLUMN part_of TEXT",
    # what a deleted thread still has is read by its forks
    "ALTER TABLE thread ADD COLUMN deleted_at_ms INTEGER",
    "DROP INDEX thread_by_time",
    "DROP INDEX thread_by_workspace",
    "CREATE INDEX thread_by_time ON thread (updated_at_ms DESC, id) WHERE part_of IS NULL AND deleted_at_ms IS NULL",
    "CREATE INDEX thread_by_workspace ON thread (workspace, updated_at_ms DESC, id)"
    " WHERE part_of IS NULL AND deleted_at_ms IS NULL",
    # few threads are forks, parts or deleted: what looks for those must not read all the others
    "CREATE INDEX thread_forked ON thread (forked_from) WHERE forked_from IS NOT NULL",
    "CREATE INDEX thread_part ON thread (part_of) WHERE part_of IS NOT NULL",
    "CREATE INDEX thread_deleted ON thread (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL",
    # where a run's messages stand: in its thread, or in a conversation of its own inside it
    "ALTER TABLE run ADD COLUMN transcript_id TEXT NOT NULL DEFAULT ''",
    "UPDATE run SET transcript_id = thread_id",
    "ALTER TABLE run ADD COLUMN parent_effect_id TEXT",
    # one call has one run of its subagent, whoever begins it
    "CREATE UNIQUE INDEX run_by_call ON run (parent_effect_id) WHERE parent_effect_id IS NOT NULL",
    "CREATE INDEX run_by_root ON run (root_run_id) WHERE parent_run_id IS NOT NULL",
)


def add_subagents(db: sqlite3.Connection) -> None:
    """Runs may have runs of their own inside them; threads may go while forks of them stay."""
    for statement in SUBAGENTS:
        db.execute(statement)


COMPACTION_REASONS = (
    "ALTER TABLE compaction ADD COLUMN why TEXT NOT NULL DEFAULT 'hand'",
    # the store that works on it, while it has neither a result nor was stopped
    "ALTER TABLE compaction ADD COLUMN owner TEXT",
    "ALTER TABLE compaction ADD COLUMN stopped TEXT",
    # asked before every batch of a compaction that must not work beside a run
    "CREATE INDEX run_owned ON run (thread_id) WHERE owner IS NOT NULL",
)


def add_compaction_reasons(db: sqlite3.Connection) -> None:
    """A compaction says why it was made, who makes it, and why it ended early."""
    for statement in COMPACTION_REASONS:
        db.execute(statement)


def add_shown_basis(db: sqlite3.Connection) -> None:
    """A decision keeps what the call would have changed when it was made; NULL: that was not shown."""
    db.execute("ALTER TABLE approval ADD COLUMN shown TEXT")


def require_room(path: str, version: int) -> None:
    """Raises StoreError where the disk is too full for a migration of this file: it would fail on the way, or leave no
    room to open the file after it."""
    size = sum(_size(Path(f"{path}{part}")) for part in ("", "-wal"))
    free = shutil.disk_usage(Path(path).parent).free + _size(copy_of(path, version))
    if free < ROOM * size:
        raise StoreError(
            f"The database {path} has the format of an earlier version. To bring it to that of this one, "
            f"{ROOM * size / 1e6:,.0f} MB have to be free for a while, and {free / 1e6:,.0f} are. Nothing was changed. "
            "Free some space, then start again."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def copy_of(path: str, version: int) -> Path:
    """Where the copy is kept of a file as it was before it became one of this version."""
    return Path(f"{path}.before-v{version}")


def keep_copy(path: str, version: int) -> Path:
    """Copy the database at `path`, as it is on disk, to `PATH.before-vVERSION`, and return that name. For the holder
    of the write lock: nobody else makes the copy, or changes what is copied, meanwhile.

    The copy is made under another name and is whole when it gets its own; one of an earlier attempt goes before, or
    there would have to be room for both. Raises StoreError or sqlite3.Error, having left no half copy.
    """
    kept = copy_of(path, version)
    making = Path(f"{kept}.making")
    try:
        kept.unlink(missing_ok=True)
        making.unlink(missing_ok=True)
        os.close(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        # a connection of its own: one that holds a write transaction can't be copied from
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(making)) as copy,
        ):
            source.backup(copy)
        making.replace(kept)
        _flush_name(kept)
    except OSError as error:
        raise StoreError(
            f"The database {path} is of an earlier version, and no copy of it could be kept at {kept}: "
            f"{error.strerror or error}. Nothing was changed. Allow writing to its folder, then start again."
        ) from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                Path(f"{making}{suffix}").unlink(missing_ok=True)
    return kept


def _flush_name(path: Path) -> None:
    """A power cut after the migration must not take the copy's name with it."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
