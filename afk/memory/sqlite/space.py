"""What takes the space: of the file as SQLite counts its pages, of a thread as its texts are long."""

from __future__ import annotations

import sqlite3
from collections import Counter

from afk.memory.compaction_detail import SpaceTaken

WHAT = {
    "message_row": "messages",
    "event_row": "events",
    "checkpoint_row": "checkpoints",
    "effect_row": "calls",
    "approval": "requests",
    "approval_grant": "requests",
    "state": "summaries",
    "run": "runs",
    "thread": "threads",
    "thread_tally": "threads",
    "name": "threads",
    "pin": "messages",
    "output": "long outputs",
    "output_part": "long outputs",
    "message_block": "search index",
    "compaction": "compactions",
}
OTHER = "everything else"

# long texts stand in pages of their own, which `length` of a text would read: lengths that are kept, or short texts
TEXTS = (
    ("messages", "SELECT sum(chars) FROM message WHERE {where}"),
    ("events", "SELECT sum(length(body)) FROM event WHERE {where}"),
    ("checkpoints", "SELECT sum(length(state) + length(checksum)) FROM checkpoint WHERE {where}"),
    ("calls", "SELECT sum(length(arguments)) FROM effect WHERE {where}"),
    ("requests", "SELECT sum(length(arguments) + length(tool_schema)) FROM approval WHERE {where}"),
    ("summaries", "SELECT sum(length(value)) FROM state WHERE {where}"),
    ("runs", "SELECT sum(length(context) + coalesce(length(result), 0)) FROM run WHERE {where}"),
)


def of_file(db: sqlite3.Connection) -> list[SpaceTaken]:
    """Of all threads, the largest first: exact where SQLite was built to count its pages, else by the texts. Reads
    every page of the file: not for a connection that others wait for."""
    try:
        found = db.execute("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE").fetchall()
    except sqlite3.OperationalError:  # this SQLite was built without it
        return of_texts(db, None)
    table_of = dict(db.execute("SELECT name, tbl_name FROM sqlite_master").fetchall())
    taken = Counter[str]()
    for name, pages in found:
        taken[WHAT.get(table_of.get(name, name), OTHER)] += pages
    free = db.execute("PRAGMA freelist_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0]
    if free:
        taken["free space"] = free
    return [SpaceTaken(what, size, exact=True) for what, size in taken.most_common()]


def of_texts(db: sqlite3.Connection, thread_id: str | None) -> list[SpaceTaken]:
    """Of a thread, or of all, the largest first."""
    where, args = ("1", ()) if thread_id is None else ("thread_id = ?", (thread_id,))
    taken = Counter[str]()
    for what, sql in TEXTS:
        taken[what] = db.execute(sql.format(where=where), args).fetchone()[0] or 0
    return [SpaceTaken(what, size, exact=False) for what, size in taken.most_common()]
