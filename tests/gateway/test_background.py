"""Work beside the screen: nothing that goes wrong in it is lost."""

from __future__ import annotations

import asyncio

from textual.message import Message

from afk.agents.errors import AgentRunBusyError, StoreError
from afk_tui.gateway.background import Background
from afk_tui.gateway.messages import BugFound, Warned


async def test_an_unexpected_error_is_told_as_a_bug() -> None:
    told: asyncio.Queue[Message] = asyncio.Queue()
    background = Background(told.put_nowait)

    async def broken() -> None:
        raise KeyError("nobody expected this")

    background.begin(broken())
    message = await asyncio.wait_for(told.get(), 5)
    assert isinstance(message, BugFound)
    assert isinstance(message.error, KeyError)


async def test_an_error_of_the_engine_is_a_warning_and_a_busy_run_is_none() -> None:
    told: list[Message] = []
    background = Background(told.append)

    async def full_disk() -> None:
        raise StoreError("the disk is \x1b[31mfull")

    async def busy() -> None:
        raise AgentRunBusyError("another process owns the run", run_id="run", owner="4711")

    await background.warn(full_disk)
    await background.warn(busy)
    (message,) = told
    assert isinstance(message, Warned)
    assert "full" in message.text
    assert "\x1b" not in message.text


async def test_what_is_cancelled_at_the_end_is_no_bug() -> None:
    told: list[Message] = []
    background = Background(told.append)
    began = asyncio.Event()
    ended = asyncio.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.begin(endless())
    await began.wait()
    await background.end()
    assert ended.is_set()
    assert told == []
