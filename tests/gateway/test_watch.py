"""Noticing what others record, also after a time in which the store did not answer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from textual.message import Message

from afk.memory import SQLiteMemoryStore
from afk_tui.gateway import messages
from afk_tui.gateway.watch import LOOK_EVERY_S, Watch
from tests.memory.kit import begin


async def until_posted(posted: list[Message], kind: type[Message]) -> None:
    deadline = time.monotonic() + 15
    while not any(isinstance(message, kind) for message in posted):
        assert time.monotonic() < deadline, f"no {kind.__name__} was posted"
        await asyncio.sleep(0.01)


async def test_a_store_that_failed_is_told_once_and_watched_again_when_it_answers(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    other = SQLiteMemoryStore(tmp_path / "afk.db")
    await other.open()
    await begin(other, thread_id="t")
    posted: list[Message] = []

    async def decided(_: str) -> None:
        return

    watching = asyncio.create_task(Watch(store, posted.append, decided).run())  # not opened: it can't be read
    try:
        await until_posted(posted, messages.StoreFailed)
        await asyncio.sleep(3 * LOOK_EVERY_S)  # several looks that fail as well
        assert [type(message) for message in posted] == [messages.StoreFailed]
        await other.add_event("t", None, "test", {})
        await store.open()
        await until_posted(posted, messages.StoreChanged)
        posted.clear()
        await other.add_event("t", None, "test", {})
        await until_posted(posted, messages.StoreChanged)
    finally:
        watching.cancel()
        await store.close()
        await other.close()
