"""SIZE steps of nothing but rows: 1.5 KB a step, with as many commits and flushes as a step of ours has.

`sqlite3`; or `aiosqlite`, whose statements go to its thread one by one, as its documentation shows, or with `hop` a
whole transaction at once, as our store sends them.
"""

from __future__ import annotations

import asyncio
import sqlite3

from common import FOLDER, SIZE, WORDS, Clock, bytes_of, finish, result_of

# boundary A, I and B: which of them is flushed
FLUSHES = ("NORMAL", "FULL", "FULL")
PARTS = (250, 250, 1024)
PATH = FOLDER / "floor.db"


def prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE row (n INTEGER PRIMARY KEY, body TEXT NOT NULL)")


def write(db: sqlite3.Connection, flush: str, body: str) -> None:
    """One transaction."""
    db.execute(f"PRAGMA synchronous = {flush}")
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO row (body) VALUES (?)", (body,))
    db.execute("COMMIT")


def main() -> None:
    db = sqlite3.connect(PATH, isolation_level=None)
    prepare(db)
    clock = Clock()
    for n in range(SIZE):
        for flush, chars in zip(FLUSHES, PARTS, strict=True):
            write(db, flush, result_of(n)[:chars])
    figures = clock.figures()
    db.close()
    finish({**figures, "bytes": bytes_of("floor.db")})


async def main_async() -> None:
    import aiosqlite

    async with aiosqlite.connect(PATH, isolation_level=None) as db:
        await db._execute(prepare, db._conn)
        clock = Clock()
        for n in range(SIZE):
            for flush, chars in zip(FLUSHES, PARTS, strict=True):
                if "hop" in WORDS:
                    await db._execute(write, db._conn, flush, result_of(n)[:chars])
                    continue
                await db.execute(f"PRAGMA synchronous = {flush}")
                await db.execute("BEGIN IMMEDIATE")
                await db.execute("INSERT INTO row (body) VALUES (?)", (result_of(n)[:chars],))
                await db.execute("COMMIT")
        figures = clock.figures()
    finish({**figures, "bytes": bytes_of("floor.db")})


if "aiosqlite" in WORDS:
    asyncio.run(main_async())
else:
    main()
