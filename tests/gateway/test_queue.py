"""Messages that wait for the end of a run: none is lost, and none is sent twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from afk.memory.sqlite.store import SQLiteMemoryStore
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.queue import Queue
from tests.memory.kit import new_run


async def nobody(thread_id: str, text: str) -> None:
    raise AssertionError(f"{text!r} was sent")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteMemoryStore]:
    opened = SQLiteMemoryStore(tmp_path / "afk.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_messages_queued_at_the_same_moment_are_all_kept(store: SQLiteMemoryStore) -> None:
    queue = Queue(store, nobody)
    await asyncio.gather(*(queue.add("th", f"message {n}") for n in range(5)))
    assert sorted(await queue.texts("th")) == [f"message {n}" for n in range(5)]


async def test_they_are_sent_one_at_a_time_in_the_order_in_which_they_came(store: SQLiteMemoryStore) -> None:
    sent: list[str] = []

    async def send(thread_id: str, text: str) -> None:
        sent.append(text)
        # time in which the queue could be written: what comes meanwhile is kept
        added.append(asyncio.create_task(queue.add("th", f"after {text}")))
        await store.get_preference("anything")

    added: list[asyncio.Task[None]] = []
    queue = Queue(store, send)
    await queue.add("th", "first")
    await queue.add("th", "second")
    await queue.send_first("th")
    await asyncio.gather(*added)
    assert sent == ["first"]
    assert await queue.texts("th") == ["second", "after first"]


async def test_a_message_that_could_not_be_sent_keeps_its_turn(store: SQLiteMemoryStore) -> None:
    async def refuse(thread_id: str, text: str) -> None:
        raise GatewayError("the run is live in another process", "busy")

    queue = Queue(store, refuse)
    await queue.add("th", "first")
    await queue.add("th", "second")
    with pytest.raises(GatewayError):
        await queue.send_first("th")
    assert await queue.texts("th") == ["first", "second"]


async def test_what_waits_becomes_a_draft_in_the_same_write(store: SQLiteMemoryStore) -> None:
    writes: list[dict[str, str | None]] = []
    kept = store.set_preferences

    async def note(values: dict[str, str | None]) -> None:
        writes.append(values)
        await kept(values)

    queue = Queue(store, nobody)
    for text in ("one", "two", "three"):
        await queue.add("th", text)
    store.set_preferences = note  # pyright: ignore[reportAttributeAccessIssue]
    assert await queue.take_back("th", "draft:th", "begun", only="two") == "two\n\nbegun"
    assert await queue.texts("th") == ["one", "three"]
    assert await queue.take_back("th", "draft:th", "") == "one\n\nthree"
    assert [sorted(write) for write in writes] == [["draft:th", "queue:th"]] * 2
    assert await store.get_preference("draft:th") == "one\n\nthree"
    assert await queue.take_back("th", "draft:th", "x") is None
    assert await queue.take_back("th", "draft:th", "x", only="gone") is None


async def test_one_is_dropped_unless_it_is_gone_already(store: SQLiteMemoryStore) -> None:
    queue = Queue(store, nobody)
    for text in ("one", "two", "one"):
        await queue.add("th", text)
    assert await queue.drop("th", "one")
    assert await queue.texts("th") == ["two", "one"]
    assert not await queue.drop("th", "three")


DYING = """
import asyncio, os, signal, sys
from afk.memory.sqlite.store import SQLiteMemoryStore
from afk_tui.gateway.queue import Queue
from tests.memory.kit import new_run

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    await store.open()
    async def send(thread_id, text):
        if sys.argv[2] == "after":
            await store.begin_run(new_run("run_2", "th", user_message=text), "Title")
        os.kill(os.getpid(), signal.SIGKILL)
    await Queue(store, send).send_first("th")

asyncio.run(main())
"""


@pytest.mark.parametrize(("dies", "left"), [("before", ["again", "other"]), ("after", ["other"])])
async def test_killed_while_it_sends_one_it_is_sent_once_by_whoever_comes_next(
    tmp_path: Path, dies: str, left: list[str]
) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    # the very same text was sent before: that is not the one that is being sent
    await store.begin_run(new_run("run_1", "th", user_message="again"), "Title")
    for text in ("again", "other"):
        await Queue(store, nobody).add("th", text)
    await store.close()
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path / "afk.db"), dies], check=False, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    await store.open()
    try:
        assert await Queue(store, nobody).texts("th") == left
        assert await Queue(store, nobody).texts("th") == left
    finally:
        await store.close()
