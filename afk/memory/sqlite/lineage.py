"""Reading a thread together with the threads it was forked from: what came before a fork is referred to, not copied.

A fork has places of its own from `forked_seq` + 1 on. Up to there it shows its source, as far as it has nothing of its
own at a place: a step that was open where it was forked goes its own way in the fork.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from afk.chat import Transcript
from afk.memory.records import MessageHead, MessageRecord
from afk.memory.sqlite.naming import NUMBER
from afk.memory.sqlite.rows import MESSAGE, TRANSCRIPT, messages_of, transcript_of

ANY_PLACE = 2**62
# of 4 KB; enough for those that the transaction around it wrote
PAGES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places `first` to `last` (both included) of the view that are read from one thread, but for `hidden`: those at
    which a fork of it has something of its own."""

    thread_id: str
    first: int
    last: int
    hidden: frozenset[int]


def stretches(db: sqlite3.Connection, thread_id: str, first: int = 0, last: int = ANY_PLACE) -> list[Stretch]:
    """Where these places of a thread are read from: the thread itself, then what it was forked from, and so on."""
    found: list[Stretch] = []
    hidden: frozenset[int] = frozenset()
    current: str | None = thread_id
    while current is not None and last >= first:
        found.append(Stretch(current, first, last, hidden))
        row = db.execute("SELECT forked_from, forked_seq FROM thread WHERE id = ?", (current,)).fetchone()
        if row is None or row["forked_from"] is None:
            break
        limit = min(last, row["forked_seq"])
        own = db.execute(
            f"SELECT result_seq FROM effect_row WHERE thread = {NUMBER} AND result_seq <= ?"
            f" UNION SELECT seq FROM message_row WHERE thread = {NUMBER} AND seq <= ?",
            (current, limit, current, limit),
        )
        hidden |= {seq for (seq,) in own}
        current, last = row["forked_from"], limit
    return found


def read_messages(
    db: sqlite3.Connection, thread_id: str, last: int = ANY_PLACE, *, first: int = 0
) -> tuple[MessageRecord, ...]:
    """The messages of a thread at these places, in order, those of its sources among them."""
    return tuple(messages_of(_message_rows(db, MESSAGE, 2, thread_id, first, last)))


def read_transcript(db: sqlite3.Connection, thread_id: str, last: int = ANY_PLACE) -> Transcript:
    """What a model reads of all messages up to a place."""
    with _few_pages_kept(db):
        rows = _message_rows(db, TRANSCRIPT, 0, thread_id, 0, last)
    return transcript_of(rows)


@contextlib.contextmanager
def _few_pages_kept(db: sqlite3.Connection) -> Generator[None]:
    """While all of a long conversation is read, each page once: memory that was never touched before takes longer to
    get than a page to read, so few places are used again and again."""
    (before,) = db.execute("PRAGMA cache_size").fetchone()
    db.execute(f"PRAGMA cache_size = {PAGES_KEPT}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA cache_size = {before}")


def _message_rows(
    db: sqlite3.Connection, columns: str, place: int, thread_id: str, first: int, last: int
) -> list[Sequence[Any]]:
    """`place`: which of the columns that is."""
    found: list[Sequence[Any]] = []
    read = stretches(db, thread_id, first, last)
    for stretch in read:
        cursor = db.cursor()
        cursor.row_factory = None
        rows = cursor.execute(
            f"SELECT {columns} FROM message m WHERE thread_id = ? AND seq BETWEEN ? AND ? ORDER BY seq",
            (stretch.thread_id, stretch.first, stretch.last),
        ).fetchall()
        found += [row for row in rows if row[place] not in stretch.hidden] if stretch.hidden else rows
    if len(read) > 1:
        found.sort(key=lambda row: row[place])
    return found


def message_heads(db: sqlite3.Connection, thread_id: str, after: int = -1) -> list[MessageHead]:
    """What a conversation consists of behind a place, without its texts: one head for each thing a person sees, in
    order.

    An answer without text has none; a call has one at its result's place, whether the result is there or not.
    """
    heads: list[MessageHead] = []
    for stretch in reversed(stretches(db, thread_id, after + 1)):
        heads += _heads_of(db, stretch, "ORDER BY 1")
    if any(a.seq > b.seq for a, b in pairwise(heads)):
        heads.sort(key=lambda head: head.seq)
    return heads


def heads_before(db: sqlite3.Connection, thread_id: str, before: int, count: int) -> list[MessageHead]:
    """The last `count` heads before a place, in order; costs what they are, however many there are before them."""
    heads: list[MessageHead] = []
    for stretch in stretches(db, thread_id, 0, before - 1):
        heads += _heads_of(db, stretch, f"ORDER BY 1 DESC LIMIT {count + len(stretch.hidden)}")
    heads.sort(key=lambda head: head.seq)
    return heads[-count:]


def _heads_of(db: sqlite3.Connection, stretch: Stretch, order: str) -> list[MessageHead]:
    rows = db.execute(
        f"""
        SELECT seq, role, chars, lines FROM message
         WHERE thread_id = ?1 AND seq BETWEEN ?2 AND ?3 AND (role = 'user' OR (role = 'assistant' AND chars > 0))
        UNION ALL
        SELECT e.result_seq, 'call', coalesce(m.chars, 0), coalesce(m.lines, 1) FROM effect e
          LEFT JOIN message_row m ON m.thread = e.thread AND m.seq = e.result_seq
         WHERE e.thread_id = ?1 AND e.result_seq BETWEEN ?2 AND ?3
        {order}
        """,
        (stretch.thread_id, stretch.first, stretch.last),
    ).fetchall()
    return [MessageHead(*row) for row in rows if row[0] not in stretch.hidden]


def effect_rows(db: sqlite3.Connection, thread_id: str, first: int, last: int) -> list[sqlite3.Row]:
    """The calls whose results stand, or will stand, at these places, in order."""
    rows: list[sqlite3.Row] = []
    for stretch in stretches(db, thread_id, first, last):
        found = db.execute(
            "SELECT * FROM effect WHERE thread_id = ? AND result_seq BETWEEN ? AND ? ORDER BY result_seq",
            (stretch.thread_id, stretch.first, stretch.last),
        )
        rows += [row for row in found if row["result_seq"] not in stretch.hidden]
    return sorted(rows, key=lambda row: row["result_seq"])
