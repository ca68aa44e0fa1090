"""Threads that are kept in order: pinned, archived, read, and told apart by how they stand.

`standing` is how the last run of a thread stands, and `thread_tally` how many listed threads of a workspace are in each
condition. Both follow from other columns and are kept by triggers, so that whatever writes those writes these too.
"""

from __future__ import annotations

import sqlite3

LISTED = "part_of IS NULL AND deleted_at_ms IS NULL"

# of the row of `thread` that is being changed
_STANDING = """
CASE WHEN EXISTS (SELECT 1 FROM approval a WHERE a.thread_id = thread.id AND a.status = 'pending') THEN 'waiting'
     ELSE coalesce((SELECT CASE r.state WHEN 'awaiting_approval' THEN 'waiting' WHEN 'running' THEN 'running'
                                        WHEN 'interrupted' THEN 'interrupted' WHEN 'cancelled' THEN 'interrupted'
                                        ELSE 'done' END
                      FROM run r WHERE r.id = thread.last_run_id), 'done')
END
"""
# what changes how a thread stands: (trigger, when it fires, the thread)
_CHANGES = (
    ("run_begins", "INSERT ON run WHEN NEW.parent_run_id IS NULL", "NEW.thread_id"),
    ("run_changes", "UPDATE OF state ON run WHEN NEW.parent_run_id IS NULL", "NEW.thread_id"),
    ("run_follows", "UPDATE OF last_run_id ON thread", "NEW.id"),
    ("request_begins", "INSERT ON approval WHEN NEW.status = 'pending'", "NEW.thread_id"),
    ("request_changes", "UPDATE OF status ON approval WHEN OLD.status != NEW.status", "NEW.thread_id"),
    ("request_goes", "DELETE ON approval WHEN OLD.status = 'pending'", "OLD.thread_id"),
)


def _tallied(row: str, by: int) -> str:
    """Statements of a trigger that count a row of `thread` in (1) or out (-1), where it is listed."""
    listed = f"{row}.part_of IS NULL AND {row}.deleted_at_ms IS NULL"
    values = (
        f"{row}.workspace, {row}.standing, {row}.archived_at_ms IS NOT NULL, {row}.pinned_at_ms IS NOT NULL"
    )
    return f"""
    INSERT OR IGNORE INTO thread_tally (workspace, standing, archived, pinned, threads)
    SELECT {values}, 0 WHERE {listed};
    UPDATE thread_tally SET threads = threads + {by}
     WHERE (workspace, standing, archived, pinned) = ({values}) AND {listed};
    """


_ORDER = "updated_at_ms DESC, id"
_FILTERED = "part_of, deleted_at_ms, pinned_at_ms, archived_at_ms, standing"
_COLUMNS = (
    "ALTER TABLE thread ADD COLUMN pinned_at_ms INTEGER",
    "ALTER TABLE thread ADD COLUMN archived_at_ms INTEGER",
    # what was touched later than this was not shown since
    "ALTER TABLE thread ADD COLUMN seen_at_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE thread ADD COLUMN standing TEXT NOT NULL DEFAULT 'done'",
    f"UPDATE thread SET seen_at_ms = updated_at_ms, standing = {_STANDING}",
    # whatever a list filters by stands in its index: rows are read only for the page that is shown
    "DROP INDEX thread_by_time",
    "DROP INDEX thread_by_workspace",
    f"CREATE INDEX thread_by_time ON thread ({_ORDER}, {_FILTERED}) WHERE {LISTED}",
    f"CREATE INDEX thread_by_workspace ON thread (workspace, {_ORDER}, {_FILTERED}) WHERE {LISTED}",
    # each of a few threads among many
    f"CREATE INDEX thread_pinned ON thread ({_ORDER}, workspace, {_FILTERED})"
    f" WHERE pinned_at_ms IS NOT NULL AND {LISTED}",
    f"CREATE INDEX thread_archived ON thread ({_ORDER}, workspace, {_FILTERED})"
    f" WHERE archived_at_ms IS NOT NULL AND {LISTED}",
    f"CREATE INDEX thread_open ON thread (standing, {_ORDER}, workspace, {_FILTERED.removesuffix(', standing')})"
    f" WHERE standing != 'done' AND {LISTED}",
    """
    CREATE TABLE thread_tally (
        workspace TEXT NOT NULL, standing TEXT NOT NULL, archived INTEGER NOT NULL, pinned INTEGER NOT NULL,
        threads INTEGER NOT NULL, PRIMARY KEY (workspace, standing, archived, pinned)
    ) WITHOUT ROWID
    """,
    "INSERT INTO thread_tally SELECT workspace, standing, archived_at_ms IS NOT NULL, pinned_at_ms IS NOT NULL,"
    f" count(*) FROM thread WHERE {LISTED} GROUP BY 1, 2, 3, 4",
)


def add_thread_keeping(db: sqlite3.Connection) -> None:
    """Threads can be pinned, archived and unread. Those that are there count as read."""
    for statement in _COLUMNS:
        db.execute(statement)
    for name, event, thread in _CHANGES:
        db.execute(
            f"CREATE TRIGGER thread_stands_when_{name} AFTER {event} BEGIN"
            f" UPDATE thread SET standing = {_STANDING} WHERE id = {thread} AND standing != {_STANDING}; END"
        )
    changed = "UPDATE OF workspace, standing, pinned_at_ms, archived_at_ms, deleted_at_ms, part_of"
    for name, event, statements in (
        ("comes", "INSERT", _tallied("NEW", 1)),
        ("goes", "DELETE", _tallied("OLD", -1)),
        ("changes", changed, _tallied("OLD", -1) + _tallied("NEW", 1)),
    ):
        db.execute(f"CREATE TRIGGER thread_tally_{name} AFTER {event} ON thread BEGIN {statements} END")
