"""Deleting threads: first they are marked, in one small transaction, and are listed and found no more; then their rows
go, in small batches that can be stopped at any point and be gone on with by anybody.

A fork reads its source's messages and calls where they stand. What a fork that is still there reads stays, and with it
the row of its thread, an empty husk; both go with the last such fork. What must stay is a condition inside every batch.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from afk.agents.errors import ThreadNotFoundError
from afk.memory.deletion import ThreadDeletion
from afk.memory.sqlite.naming import NUMBER, OF_THREAD, forget_names
from afk.memory.sqlite.outputs import mark_unreferred
from afk.memory.sqlite.owners import Owners, refuse_if_live
from afk.memory.sqlite.rows import dump
from afk.memory.sqlite.writing import add_event

# a state row of a deleted thread: who keeps it whole for now, or what was left of it for whom
NOTE = "metadata:deleted"
# above every ordinal that a thread gives out
_NOTE_ORDINAL = 2**62
_WHOLE = 2**62
# rows of a first batch; and the text that a batch takes at the most: a long one is freed page by page
FIRST_BATCH = 100
BATCH_CHARS = 1_000_000

# the thread itself, and the conversations of its subagents
_FAMILY = "SELECT id FROM thread WHERE id = :thread OR part_of = :thread"
_FAMILY_NUMBERS = "SELECT n FROM thread WHERE id = :thread OR part_of = :thread"

# direct forks of a thread, with the last place that is read through each by a thread that is there, or kept
_READERS = """
WITH RECURSIVE reach (child, id, place) AS (
    SELECT c.id, c.id, c.forked_seq FROM thread c WHERE c.forked_from = :thread
    UNION
    SELECT r.child, f.id, min(r.place, f.forked_seq)
      FROM reach r JOIN thread t ON t.id = r.id
      JOIN thread f ON f.forked_from = t.id
     WHERE t.deleted_at_ms IS NOT NULL
)
SELECT r.child, max(r.place) AS place FROM reach r JOIN thread t ON t.id = r.id
 WHERE t.deleted_at_ms IS NULL OR t.id IN (SELECT value FROM json_each(:kept))
 GROUP BY r.child ORDER BY r.child
"""
# rows `x` with a place of their own, which nobody reads
_UNREAD = """
NOT EXISTS (
    SELECT 1 FROM json_each(:readers) r
     WHERE r.value ->> 1 >= x.{place}
       AND NOT EXISTS (SELECT 1 FROM name t JOIN message_row o ON o.thread = t.n
                        WHERE t.id = r.value ->> 0 AND o.seq = x.{place})
       AND NOT EXISTS (SELECT 1 FROM name t JOIN effect_row o ON o.thread = t.n
                        WHERE t.id = r.value ->> 0 AND o.result_seq = x.{place})
)
"""
# what is remembered of a standing grant is told by the request that it was given with
_UNGRANTED = """
NOT EXISTS (SELECT 1 FROM approval_grant g
             WHERE g.approval_id = approval.id AND g.revoked_at_ms IS NULL AND g.scope = 'workspace')
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of rows of a thread, and from which place down they are still to be looked at."""

    table: str
    below: int = _WHOLE


# in this order: what a crash leaves behind is found by what comes later
PARTS = tuple(
    Part(name) for name in ("effect", "message", "event", "checkpoint", "state", "pin", "compaction", "run")
)
_PLACE = {"effect": "result_seq", "message": "seq"}
BY_NUMBER = ("event", "checkpoint")


def contents(db: sqlite3.Connection, owners: Owners, thread_id: str) -> ThreadDeletion:
    """What would go with a thread now. Raises ThreadNotFoundError."""
    thread = _require(db, thread_id)
    forks = db.execute(
        "SELECT count(*) FROM thread WHERE forked_from = ? AND deleted_at_ms IS NULL", (thread_id,)
    ).fetchone()[0]
    args = {"thread": thread_id, "readers": json.dumps(_readers(db, owners, thread_id))}

    def rows(table: str, where: str = "1") -> int:
        of_family = f"{table} x WHERE x.thread_id IN ({_FAMILY})"
        if table in (*BY_NUMBER, *_PLACE):
            of_family = f"{table}_row x WHERE x.thread IN ({_FAMILY_NUMBERS})"
        return db.execute(f"SELECT count(*) FROM {of_family} AND {where}", args).fetchone()[0]

    unread = _UNREAD.format(place="seq")
    return ThreadDeletion(
        thread_id=thread_id,
        title=thread["title"],
        messages=rows("message"),
        messages_kept=rows("message", f"x.thread = {OF_THREAD} AND NOT {unread}") if forks else 0,
        calls=rows("effect"),
        runs=rows("run"),
        checkpoints=rows("checkpoint"),
        pending_approvals=rows("approval", "x.status = 'pending'"),
        forks=forks,
    )


def mark(db: sqlite3.Connection, owners: Owners, thread_id: str, keep: bool, now_ms: int) -> None:
    """From here on the thread is listed, found, resumed and decided about no more. With `keep` it stays whole for as
    long as this store is open and until `let_go`. Raises ThreadNotFoundError, AgentRunBusyError."""
    _require(db, thread_id)
    owned = db.execute(
        f"SELECT * FROM run WHERE thread_id IN ({_FAMILY}) AND owner IS NOT NULL", {"thread": thread_id}
    )
    for run in owned.fetchall():
        refuse_if_live(run, owners)
    family = [row["id"] for row in db.execute(_FAMILY, {"thread": thread_id})]
    note = {"keeper": owners.owner_id} if keep else {}
    for one in family:
        db.execute("UPDATE thread SET deleted_at_ms = ? WHERE id = ?", (now_ms, one))
        _write_note(db, one, note)
    add_event(db, thread_id, None, "thread_deleted", {"kept": keep}, now_ms)


def restore(db: sqlite3.Connection, owners: Owners, thread_id: str, now_ms: int) -> None:
    """Undo `mark` for a thread that is kept. Raises ThreadNotFoundError where it is not, or no longer."""
    row = db.execute(
        "SELECT * FROM thread WHERE id = ? AND deleted_at_ms IS NOT NULL", (thread_id,)
    ).fetchone()
    if row is None or thread_id not in _kept(db, owners):
        raise ThreadNotFoundError(
            f"Thread {thread_id!r} can't be brought back: it was not deleted, or its rows are gone by now. "
            "List what there is with: afk-tui threads"
        )
    for one in [row["id"] for row in db.execute(_FAMILY, {"thread": thread_id})]:
        db.execute("UPDATE thread SET deleted_at_ms = NULL WHERE id = ?", (one,))
        db.execute("DELETE FROM state WHERE thread_id = ? AND ordinal = ?", (one, _NOTE_ORDINAL))
    add_event(db, thread_id, None, "thread_restored", {}, now_ms)


def let_go(db: sqlite3.Connection, owners: Owners) -> None:
    """What this store kept may be removed now, by whoever comes by."""
    for (one,) in db.execute("SELECT id FROM thread WHERE deleted_at_ms IS NOT NULL").fetchall():
        if _note(db, one).get("keeper") == owners.owner_id:
            _write_note(db, one, {})


def unfinished(db: sqlite3.Connection, owners: Owners) -> list[str]:
    """Deleted threads that nobody keeps and of which there is something to remove: the latest first, since a fork is
    newer than what it reads."""
    kept = _kept(db, owners)
    gone = db.execute("SELECT id FROM thread WHERE deleted_at_ms IS NOT NULL ORDER BY rowid DESC").fetchall()
    return [
        row["id"]
        for row in gone
        if row["id"] not in kept and _note(db, row["id"]).get("read_by") != _readers(db, owners, row["id"])
    ]


def remove_batch(
    db: sqlite3.Connection, owners: Owners, thread_id: str, part: Part, size: int
) -> tuple[int, int | None, float]:
    """Look at up to `size` rows and remove those that nobody reads: how many were, the place to go on below (None: it
    was the last), and the seconds it took. A thread that is there, or is kept, loses nothing."""
    began = time.perf_counter()
    if not _is_gone(db, owners, thread_id):
        return 0, None, 0.0
    place = _PLACE.get(part.table)
    if place is None:
        but = f"AND ordinal < {_NOTE_ORDINAL}" if part.table == "state" else ""
        if part.table in BY_NUMBER:
            table, of_thread = f"{part.table}_row", f"thread = {NUMBER}"
        else:
            table, of_thread = part.table, "thread_id = ?"
        removed = db.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {of_thread} {but} LIMIT ?)",
            (thread_id, size),
        ).rowcount
        return removed, part.below if removed else None, time.perf_counter() - began
    seen = _look_below(db, thread_id, part, place, size)
    if not seen:
        return 0, None, time.perf_counter() - began
    removed = _remove_unread(db, owners, thread_id, part.table, place, seen[-1], seen[0])
    return removed, seen[-1], time.perf_counter() - began


def finish(db: sqlite3.Connection, owners: Owners, thread_id: str) -> bool:
    """After all its batches: remove the row of a thread that nobody reads; else note who does. Whether it is gone."""
    if not _is_gone(db, owners, thread_id):
        return False
    for kept in ("draft", "place", "queue", "queue-sending"):
        db.execute("DELETE FROM preference WHERE key = ?", (f"{kept}:{thread_id}",))
    db.execute("DELETE FROM approval_grant WHERE scope = 'thread' AND scope_key = ?", (thread_id,))
    readers = _readers(db, owners, thread_id)
    if readers:
        db.execute("UPDATE thread SET title = '' WHERE id = ?", (thread_id,))
        _write_note(db, thread_id, {"read_by": readers})
        return False
    db.execute("DELETE FROM state WHERE thread_id = ?", (thread_id,))
    db.execute("DELETE FROM thread WHERE id = ?", (thread_id,))
    forget_names(db, thread_id)
    return True


def _look_below(db: sqlite3.Connection, thread_id: str, part: Part, place: str, size: int) -> list[int]:
    """The next places, from the end, as many as a batch may take."""
    chars = "chars" if part.table == "message" else "length(arguments)"
    rows = db.execute(
        f"SELECT {place}, {chars} FROM {part.table} WHERE thread_id = ? AND {place} < ? ORDER BY {place} DESC LIMIT ?",
        (thread_id, part.below, size),
    )
    seen: list[int] = []
    total = 0
    for at, length in rows:
        total += length
        if seen and total > BATCH_CHARS:
            break
        seen.append(at)
    return seen


def _remove_unread(
    db: sqlite3.Connection, owners: Owners, thread_id: str, table: str, place: str, first: int, last: int
) -> int:
    args = {
        "thread": thread_id,
        "first": first,
        "last": last,
        "readers": json.dumps(_readers(db, owners, thread_id)),
    }
    going = (
        f"SELECT x.n FROM {table}_row x WHERE x.thread = {OF_THREAD} AND x.{place} BETWEEN :first AND :last"
        f" AND {_UNREAD.format(place=place)}"
    )
    if table == "effect":
        effects = f"SELECT id FROM effect WHERE n IN ({going})"
        db.execute(f"DELETE FROM approval WHERE effect_id IN ({effects}) AND {_UNGRANTED}", args)
    wholes = _wholes_of(db, going, args) if table == "message" else []
    removed = db.execute(f"DELETE FROM {table}_row WHERE n IN ({going})", args).rowcount
    mark_unreferred(db, wholes)
    return removed


def _wholes_of(db: sqlite3.Connection, going: str, args: dict[str, Any]) -> list[str]:
    """The hashes of what the messages that go show a part of."""
    hashes = going.replace("x.n", "DISTINCT x.output_sha", 1)
    return [row[0] for row in db.execute(f"{hashes} AND x.output_sha IS NOT NULL", args).fetchall()]


def _readers(db: sqlite3.Connection, owners: Owners, thread_id: str) -> list[list[Any]]:
    """Pairs of a fork and the last place that is read through it."""
    args = {"thread": thread_id, "kept": json.dumps(sorted(_kept(db, owners)))}
    return [[row["child"], row["place"]] for row in db.execute(_READERS, args)]


def _kept(db: sqlite3.Connection, owners: Owners) -> set[str]:
    """Deleted threads that a living store keeps, for the deletion to be undone."""
    notes = db.execute(
        "SELECT t.id, s.value FROM thread t JOIN state s ON s.thread_id = t.id AND s.ordinal = ?"
        " WHERE t.deleted_at_ms IS NOT NULL",
        (_NOTE_ORDINAL,),
    )
    keepers = [(row["id"], json.loads(row["value"]).get("keeper")) for row in notes]
    return {thread_id for thread_id, keeper in keepers if keeper and owners.is_alive(keeper)}


def _is_gone(db: sqlite3.Connection, owners: Owners, thread_id: str) -> bool:
    row = db.execute("SELECT deleted_at_ms FROM thread WHERE id = ?", (thread_id,)).fetchone()
    return row is not None and row["deleted_at_ms"] is not None and thread_id not in _kept(db, owners)


def _require(db: sqlite3.Connection, thread_id: str) -> sqlite3.Row:
    row = db.execute(
        "SELECT * FROM thread WHERE id = ? AND part_of IS NULL AND deleted_at_ms IS NULL", (thread_id,)
    ).fetchone()
    if row is None:
        raise ThreadNotFoundError(
            f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads"
        )
    return row


def _note(db: sqlite3.Connection, thread_id: str) -> dict[str, Any]:
    row = db.execute(
        "SELECT value FROM state WHERE thread_id = ? AND ordinal = ?", (thread_id, _NOTE_ORDINAL)
    ).fetchone()
    return json.loads(row["value"]) if row else {}


def _write_note(db: sqlite3.Connection, thread_id: str, note: dict[str, Any]) -> None:
    """In place of the former one, which may have been lost with a damaged part of the database."""
    db.execute("DELETE FROM state WHERE thread_id = ? AND ordinal = ?", (thread_id, _NOTE_ORDINAL))
    db.execute(
        "INSERT INTO state (thread_id, ordinal, run_id, key, value, created_at_ms)"
        " SELECT id, ?, NULL, ?, ?, deleted_at_ms FROM thread WHERE id = ?",
        (_NOTE_ORDINAL, NOTE, dump(note), thread_id),
    )
