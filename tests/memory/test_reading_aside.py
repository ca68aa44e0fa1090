"""What is read on a connection of its own, and given up meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from afk.memory import SQLiteMemoryStore

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_it_is_closed_after_its_thread_however_often_it_is_cancelled(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    began, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    came: list[Exception] = []

    def work(db: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(began.set)
        assert goes_on.wait(30)
        try:
            db.execute(ENDLESS)
        except sqlite3.Error as error:
            came.append(error)
            raise

    reading = asyncio.create_task(store._connection.aside(work))
    await began.wait()
    for _ in range(5):  # as a form does with each key
        reading.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not reading.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    [error] = came
    assert isinstance(error, sqlite3.OperationalError)
    assert str(error) == "interrupted"  # and not that it works on a closed connection
    await store.close()
