"""Which messages the search index covers. The index itself is made when the first of them are put into it.

A block is a stretch of rows of `message` that the index knows as one text. Only a row that says `indexed` is relied on;
a message that goes or changes takes that back by a trigger, so nothing that writes messages knows of the index.
"""

from __future__ import annotations

import sqlite3

_BLOCKS = """
CREATE TABLE message_block (
    id          INTEGER PRIMARY KEY,    -- the row of the index
    first       INTEGER NOT NULL,       -- rowids of `message`, both included
    last        INTEGER NOT NULL,
    state       TEXT NOT NULL           -- 'indexed'; 'large': never in the index; 'stale': to be looked at; 'gone'
)
"""
STALE = """
CREATE TRIGGER message_block_{name} AFTER {event} ON {table} BEGIN
    UPDATE message_block SET state = 'stale'
     WHERE last >= OLD.{row} AND id = (SELECT id FROM message_block WHERE state IN ('indexed', 'large')
                                         AND first <= OLD.{row} ORDER BY first DESC LIMIT 1);
END
"""


def add_search_blocks(db: sqlite3.Connection) -> None:
    """No message is indexed yet: that is done later, a little at a time."""
    db.execute(_BLOCKS)
    db.execute(
        "CREATE INDEX message_block_there ON message_block (first) WHERE state IN ('indexed', 'large')"
    )
    db.execute("CREATE INDEX message_block_stale ON message_block (id) WHERE state = 'stale'")
    for name, event in (("loses", "DELETE"), ("changes", "UPDATE OF text")):
        db.execute(STALE.format(name=name, event=event, table="message", row="rowid"))
