"""The index that says where a text can stand: FTS5 over blocks of messages, made beside the runs and never by them.

A row of the index is a block of about 32,000 characters, and what is kept of it is which three letters in a row occur
in it, not where. So any part of a word is found, in any script; less than a third of the text's size is enough, results
of tools included (a row for each message takes half of it, positions more than twice of it); and a step of a run costs
nothing. Which messages of a block hold a text is read in the messages themselves: a block named wrongly costs a
fraction of a millisecond, and what is in no block yet is looked through as if there were no index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

BLOCK_CHARS = 32_000
BLOCK_ROWS = 2_000
# one message of more than this would keep the database too long
LARGEST_CHARS = 128_000
# of the index's own tidying, done at once
MERGE_PAGES = 16
# this many terms narrow enough
TERMS = 40
# beginnings of more words than this narrow nothing
SPREADING = 400
# one in so many blocks may be of messages that are gone
GONE_AT_MOST = 8

_MAKE = (
    "CREATE VIRTUAL TABLE message_index USING fts5"
    " (text, content='', columnsize=0, detail=none, tokenize='trigram')",
    "INSERT INTO message_index (message_index, rank) VALUES ('automerge', 0)",
    "INSERT INTO message_index (message_index, rank) VALUES ('crisismerge', 64)",
    "CREATE VIRTUAL TABLE message_term USING fts5vocab (message_index, 'row')",
)
_UNMAKE = ("DROP TABLE IF EXISTS message_term", "DROP TABLE IF EXISTS message_index")
# what FTS5 wants to see of a table before it lets go of it
_MEND = (
    "CREATE TABLE IF NOT EXISTS message_index_config (k PRIMARY KEY, v) WITHOUT ROWID",
    "INSERT OR REPLACE INTO message_index_config VALUES ('version', 4)",
    "CREATE TABLE IF NOT EXISTS message_index_data (id INTEGER PRIMARY KEY, block BLOB)",
    "DELETE FROM message_index_data",
    "INSERT INTO message_index_data VALUES (1, x''), (10, x'00000000000000')",
    "CREATE TABLE IF NOT EXISTS message_index_idx (segid, term, pgno, PRIMARY KEY (segid, term)) WITHOUT ROWID",
)
DERIVED = (
    "message_block",
    "message_index",
    "message_index_config",
    "message_index_data",
    "message_index_idx",
    "message_term",
)

Span = tuple[int, int]


def is_made(db: sqlite3.Connection) -> bool:
    """Whether there is an index at all."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'message_index'").fetchone() is not None


def wants(db: sqlite3.Connection) -> Literal["anew", "block"] | None:
    """What there is to do: make the index anew, since it knows too much of messages that are gone, or put a block into
    it; None: nothing, or less than a block."""
    count, gone, stale = db.execute(
        "SELECT count(*), coalesce(sum(state = 'gone'), 0), coalesce(sum(state = 'stale'), 0) FROM message_block"
    ).fetchone()
    if gone * GONE_AT_MOST > count:
        return "anew"
    return "block" if stale or _take(db, _end(db) + 1, 2**62)[1] else None


def add_block(db: sqlite3.Connection) -> None:
    """Put one more block into the index, if there is one. Raises sqlite3.OperationalError where SQLite has no FTS5,
    another sqlite3.Error where the index is damaged."""
    stale = db.execute("SELECT id, first, last FROM message_block WHERE state = 'stale' LIMIT 1").fetchone()
    if stale is not None:
        _again(db, stale)
        return
    taken, is_full = _take(db, _end(db) + 1, 2**62)
    if is_full:
        _add(db, taken)


def _end(db: sqlite3.Connection) -> int:
    """The last message that is in a block."""
    row = db.execute(
        "SELECT last FROM message_block WHERE state IN ('indexed', 'large') ORDER BY first DESC LIMIT 1"
    ).fetchone()
    return row["last"] if row else 0


def tidy(db: sqlite3.Connection) -> bool:
    """Merge a little of the index; whether there is more to merge."""
    before = db.total_changes
    db.execute("INSERT INTO message_index (message_index, rank) VALUES ('merge', ?)", (MERGE_PAGES,))
    return db.total_changes - before >= 2


def start_over(db: sqlite3.Connection) -> None:
    """Forget the index, however damaged it is; what it covered is looked through until it is made anew."""
    db.execute("SAVEPOINT unmaking")
    try:
        _run(db, _UNMAKE)
    except sqlite3.DatabaseError:
        db.execute("ROLLBACK TO unmaking")
        _run(db, _MEND)
        _run(db, _UNMAKE)
    db.execute("RELEASE unmaking")
    db.execute("DELETE FROM message_block")


def is_damage(error: BaseException | None) -> bool:
    """Whether an error of SQLite's says that the index is not as it was made."""
    code = getattr(error, "sqlite_errorname", None) or ""
    if "no such module" in str(error):
        return False
    return code == "SQLITE_ERROR" or code.startswith(("SQLITE_CORRUPT", "SQLITE_CONSTRAINT"))


def spans_for(db: sqlite3.Connection, words: Sequence[str]) -> list[Span]:
    """Where messages that hold all these words can stand: stretches of rows of `message`, the newest first. Raises
    sqlite3.Error where the index is damaged."""
    query = _query(db, words) if is_made(db) else None
    named: set[int] | None = None
    if query is not None:
        named = {
            row[0]
            for row in db.execute("SELECT rowid FROM message_index WHERE message_index MATCH ?", (query,))
        }
    at: int = db.execute("SELECT coalesce(max(n), 0) FROM message_row").fetchone()[0]
    spans: list[Span] = []
    for block in db.execute(
        "SELECT id, first, last FROM message_block WHERE state = 'indexed' ORDER BY first DESC"
    ):
        if block["last"] < at:
            spans.append((block["last"] + 1, at))
        if named is None or block["id"] in named:
            spans.append((block["first"], block["last"]))
        at = block["first"] - 1
    if at > 0:
        spans.append((1, at))
    return spans


def state_of(db: sqlite3.Connection) -> Literal["none", "sound", "damaged"]:
    """Whether the index says what it should: it is read whole, and asked for a piece of each block. Takes as long as
    that."""
    blocks = db.execute("SELECT id, first, last FROM message_block WHERE state = 'indexed'").fetchall()
    if not is_made(db):
        return "damaged" if blocks else "none"
    try:
        db.execute("SELECT count(*), sum(doc) FROM message_term").fetchone()
        for block in blocks:
            text = db.execute(
                "SELECT text FROM message_row WHERE n BETWEEN ? AND ? AND chars > 2 LIMIT 1",
                (block["first"], block["last"]),
            ).fetchone()
            if (
                text is not None
                and not db.execute(
                    "SELECT 1 FROM message_index WHERE message_index MATCH ? AND rowid = ?",
                    (_quoted(text[0][:3]), block["id"]),
                ).fetchone()
            ):
                return "damaged"
    except sqlite3.DatabaseError:
        return "damaged"
    return "sound"


def _run(db: sqlite3.Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        db.execute(statement)


def _take(db: sqlite3.Connection, first: int, last: int) -> tuple[list[sqlite3.Row], bool]:
    """Heads of the next messages for one block, and whether that is a whole one, or at least an end to it."""
    taken: list[sqlite3.Row] = []
    chars = 0
    for row in db.execute(
        "SELECT n AS at, chars FROM message_row WHERE n BETWEEN ? AND ? ORDER BY n", (first, last)
    ):
        if row["chars"] > LARGEST_CHARS and taken:
            return taken, True
        taken.append(row)
        chars += row["chars"]
        if chars >= BLOCK_CHARS or len(taken) >= BLOCK_ROWS:
            return taken, True
    return taken, False


def _add(db: sqlite3.Connection, taken: Sequence[sqlite3.Row]) -> None:
    first, last = taken[0]["at"], taken[-1]["at"]
    if taken[0]["chars"] > LARGEST_CHARS:
        db.execute("INSERT INTO message_block (first, last, state) VALUES (?, ?, 'large')", (first, last))
        return
    if not is_made(db):
        _run(db, _MAKE)
    texts = [
        row[0] for row in db.execute("SELECT text FROM message_row WHERE n BETWEEN ? AND ?", (first, last))
    ]
    block = db.execute(
        "INSERT INTO message_block (first, last, state) VALUES (?, ?, 'indexed')", (first, last)
    ).lastrowid
    # two letters at an end begin a term too
    text = "".join(f"{text}\n\n" for text in texts)
    db.execute("INSERT INTO message_index (rowid, text) VALUES (?, ?)", (block, text))


def _again(db: sqlite3.Connection, stale: sqlite3.Row) -> None:
    """Put what is left of a block's messages into another one."""
    taken, _ = _take(db, stale["first"], stale["last"])
    db.execute("UPDATE message_block SET state = 'gone' WHERE id = ?", (stale["id"],))
    if taken:
        _add(db, taken)


def _query(db: sqlite3.Connection, words: Sequence[str]) -> str | None:
    """What to ask the index, or None: these words narrow nothing."""
    parts: list[str] = []
    for word in words:
        if len(word) > 2:
            threes = dict.fromkeys(word[at : at + 3] for at in range(len(word) - 2))
            parts += [_quoted(three) for three in threes][: TERMS - len(parts)]
        elif begun := _terms_that_begin(db, word):
            parts.append(f"({' OR '.join(begun)})")
    return " AND ".join(parts) or None


def _terms_that_begin(db: sqlite3.Connection, word: str) -> list[str]:
    """The terms that begin with one or two letters, or none where they are too many."""
    low = word.lower()
    found = db.execute(
        "SELECT term FROM message_term WHERE term >= ? AND term < ? LIMIT ?",
        (low, f"{low}\U0010ffff", SPREADING + 1),
    ).fetchall()
    if not found:
        # in no block; and so is this
        return [_quoted(f"{word}\n\n"[:3])]
    return [] if len(found) > SPREADING else [_quoted(row[0]) for row in found]


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
