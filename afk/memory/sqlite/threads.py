"""Lists of threads, and what a person does to a thread in one.

A list has the pinned threads first, then the others, each the one touched last first. Its pages are found on indexes
alone; the rows of `thread` and the states of runs are read for one page. Counts are kept, not counted.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from afk.agents.errors import ThreadNotFoundError
from afk.memory.records import ThreadRecord
from afk.memory.sqlite.migration_threads import LISTED
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.runs import read_state
from afk.memory.text import storable
from afk.memory.threads import THREAD_FILTERS, ThreadFilter

_STANDS = "archived_at_ms IS NULL AND standing = '{}'"
_WHERE: dict[ThreadFilter, str] = {
    "current": "archived_at_ms IS NULL",
    # as it stands in the partial index, which is used for nothing else
    **{
        show: f"{_STANDS.format(show)} AND standing != 'done'"
        for show in ("waiting", "running", "interrupted")
    },
    "done": _STANDS.format("done"),
    "archived": "archived_at_ms IS NOT NULL",
    "all": "1",
}
_IN_TALLY = {show: where.replace("archived_at_ms IS NULL", "archived = 0") for show, where in _WHERE.items()}
_IN_TALLY["archived"] = "archived = 1"
_RARE: dict[ThreadFilter, str] = {
    "waiting": "thread_open",
    "running": "thread_open",
    "interrupted": "thread_open",
    "archived": "thread_archived",
}

_ROWS = """
SELECT t.*, r.state, r.owner, r.root_run_id,
       (SELECT count(*) FROM approval a WHERE a.thread_id = t.id AND a.status = 'pending') AS pending
"""


def page_sql(show: ThreadFilter, workspace: str | None, *, pinned: bool, columns: str = "rowid") -> str:
    """The part of a list that is pinned, or the part that is not, with :workspace; without an end."""
    index = _RARE.get(show, "thread_by_time" if workspace is None else "thread_by_workspace")
    where = f"{LISTED} AND {_WHERE[show]} AND pinned_at_ms IS {'NOT ' if pinned else ''}NULL"
    if workspace is not None:
        where += " AND workspace = :workspace"
    return f"SELECT {columns} FROM thread INDEXED BY {'thread_pinned' if pinned else index} WHERE {where}"


_ORDER = "ORDER BY updated_at_ms DESC, id"
_BEFORE = "AND updated_at_ms >= :updated AND (updated_at_ms > :updated OR id < :id)"


def list_threads(
    db: sqlite3.Connection,
    owners: Owners,
    workspace: str | None,
    show: ThreadFilter,
    offset: int,
    limit: int,
) -> list[ThreadRecord]:
    """Some threads of a list, in order."""
    pinned = _count(db, workspace, show, "AND pinned = 1")
    rows: list[sqlite3.Row] = []
    if offset < pinned:
        rows += _page(db, workspace, show, offset, limit, pinned=True)
    if len(rows) < limit:
        rows += _page(db, workspace, show, max(0, offset - pinned), limit - len(rows), pinned=False)
    return [_thread_of(row, owners) for row in rows]


def _page(
    db: sqlite3.Connection,
    workspace: str | None,
    show: ThreadFilter,
    offset: int,
    limit: int,
    *,
    pinned: bool,
) -> list[sqlite3.Row]:
    page = page_sql(show, workspace, pinned=pinned, columns="rowid AS at")
    return db.execute(
        f"{_ROWS} FROM ({page} {_ORDER} LIMIT :limit OFFSET :offset) AS page"
        " JOIN thread t ON t.rowid = page.at LEFT JOIN run r ON r.id = t.last_run_id"
        " ORDER BY t.updated_at_ms DESC, t.id",
        {"workspace": workspace, "limit": limit, "offset": offset},
    ).fetchall()


def count_threads(db: sqlite3.Connection, workspace: str | None, show: ThreadFilter) -> int:
    """How many `list_threads` would list."""
    return _count(db, workspace, show)


def count_by_filter(db: sqlite3.Connection, workspace: str | None) -> dict[ThreadFilter, int]:
    """The same for every filter."""
    return {show: _count(db, workspace, show) for show in THREAD_FILTERS}


def _count(db: sqlite3.Connection, workspace: str | None, show: ThreadFilter, more: str = "") -> int:
    where = f"{_IN_TALLY[show]} {more}" + ("" if workspace is None else " AND workspace = ?")
    args = () if workspace is None else (workspace,)
    return db.execute(f"SELECT coalesce(sum(threads), 0) FROM thread_tally WHERE {where}", args).fetchone()[0]


def locate_thread(
    db: sqlite3.Connection, thread_id: str, workspace: str | None, show: ThreadFilter
) -> int | None:
    """How many threads stand before this one in a list; None where it is not in it."""
    row = db.execute(
        f"SELECT updated_at_ms, pinned_at_ms FROM thread WHERE id = :id AND {LISTED} AND {_WHERE[show]}"
        " AND (:workspace IS NULL OR workspace = :workspace)",
        {"id": thread_id, "workspace": workspace},
    ).fetchone()
    if row is None:
        return None
    args = {"id": thread_id, "workspace": workspace, "updated": row["updated_at_ms"]}
    is_pinned = row["pinned_at_ms"] is not None
    before = page_sql(show, workspace, pinned=is_pinned, columns="count(*)")
    place = db.execute(f"{before} {_BEFORE}", args).fetchone()[0]
    return place if is_pinned else place + _count(db, workspace, show, "AND pinned = 1")


def get_thread(db: sqlite3.Connection, owners: Owners, thread_id: str) -> ThreadRecord | None:
    """One thread, or None."""
    row = db.execute(
        f"{_ROWS} FROM thread t LEFT JOIN run r ON r.id = t.last_run_id WHERE t.id = ? AND t.deleted_at_ms IS NULL",
        (thread_id,),
    ).fetchone()
    return None if row is None else _thread_of(row, owners)


def dead_running(db: sqlite3.Connection, owners: Owners) -> list[str]:
    """Threads that count as running and read as interrupted: whoever ran them is gone."""
    rows = db.execute(
        "SELECT t.id, r.state, r.owner, r.root_run_id FROM thread t INDEXED BY thread_open"
        " JOIN run r ON r.id = t.last_run_id WHERE t.standing = 'running' AND t.standing != 'done'"
        " AND t.part_of IS NULL AND t.deleted_at_ms IS NULL"
    ).fetchall()
    return [row["id"] for row in rows if read_state(row, owners) == "interrupted"]


def settle_dead(db: sqlite3.Connection, owners: Owners) -> None:
    """Count those as interrupted. Their runs stay as they are, for whoever takes them."""
    for thread_id in dead_running(db, owners):
        db.execute("UPDATE thread SET standing = 'interrupted' WHERE id = ?", (thread_id,))


def rename(db: sqlite3.Connection, thread_id: str, title: str) -> None:
    """Give a thread another title. Raises ThreadNotFoundError."""
    _change(db, thread_id, "title = ?", storable(title))


def pin(db: sqlite3.Connection, thread_id: str, at_ms: int | None) -> None:
    """Put a thread before the others, or (None) back among them. Raises ThreadNotFoundError."""
    _change(db, thread_id, "pinned_at_ms = ?", at_ms)


def archive(db: sqlite3.Connection, thread_id: str, at_ms: int | None) -> None:
    """Take a thread out of the lists of current ones, or (None) bring it back. Raises ThreadNotFoundError."""
    _change(db, thread_id, "archived_at_ms = ?", at_ms)


def mark_seen(db: sqlite3.Connection, thread_id: str, upto_ms: int) -> None:
    """What was done in a thread up to then was shown."""
    db.execute("UPDATE thread SET seen_at_ms = ?2 WHERE id = ?1 AND seen_at_ms < ?2", (thread_id, upto_ms))


def _change(db: sqlite3.Connection, thread_id: str, what: str, value: Any) -> None:
    changed = db.execute(f"UPDATE thread SET {what} WHERE id = ? AND {LISTED}", (value, thread_id)).rowcount
    if changed != 1:
        raise ThreadNotFoundError(
            f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads"
        )


def _thread_of(row: sqlite3.Row, owners: Owners) -> ThreadRecord:
    return ThreadRecord(
        thread_id=row["id"],
        title=row["title"],
        agent_name=row["agent_name"],
        workspace=row["workspace"],
        state=read_state(row, owners),
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        message_count=row["message_count"],
        last_run_id=row["last_run_id"],
        pending_approvals=row["pending"],
        pinned_at_ms=row["pinned_at_ms"],
        archived_at_ms=row["archived_at_ms"],
        is_unread=row["updated_at_ms"] > row["seen_at_ms"],
    )
