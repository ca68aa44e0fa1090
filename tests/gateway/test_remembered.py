"""What the app remembers, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from afk.memory.sqlite.store import SQLiteMemoryStore
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.remembered import Remembered


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteMemoryStore]:
    opened = SQLiteMemoryStore(tmp_path / "afk.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_messages_queued_at_the_same_moment_are_all_kept(store: SQLiteMemoryStore) -> None:
    remembered = Remembered(store)
    await asyncio.gather(*(remembered.queue("thread", f"message {n}") for n in range(5)))
    assert sorted(await remembered.queued("thread")) == [f"message {n}" for n in range(5)]


async def test_a_message_queued_while_another_is_sent_is_kept(store: SQLiteMemoryStore) -> None:
    remembered = Remembered(store)
    await remembered.queue("thread", "first")
    queued: list[asyncio.Task[None]] = []

    async def send(text: str) -> None:
        queued.append(asyncio.create_task(remembered.queue("thread", "second")))
        await remembered.recall("anything", "else")  # time in which the queue could be written

    await remembered.send_queued("thread", send)
    await asyncio.gather(*queued)
    assert await remembered.queued("thread") == ["second"]


async def test_a_message_that_could_not_be_sent_keeps_its_turn(store: SQLiteMemoryStore) -> None:
    remembered = Remembered(store)
    await remembered.queue("thread", "first")
    await remembered.queue("thread", "second")

    async def refuse(text: str) -> None:
        raise GatewayError("the run is live in another process", "busy")

    with pytest.raises(GatewayError):
        await remembered.send_queued("thread", refuse)
    assert await remembered.queued("thread") == ["first", "second"]


async def test_what_was_queued_outlives_the_process_s_memory(store: SQLiteMemoryStore) -> None:
    await Remembered(store).queue("thread", "for later")
    other = Remembered(store)
    assert await other.take_queued("thread") == ["for later"]
    assert await other.queued("thread") == []
