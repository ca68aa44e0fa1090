"""What a model says reaches the app in few messages, whole, and before whatever happened after it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from textual.message import Message

from afk.core import events
from afk.core.handle import AgentRunHandle
from afk_tui.gateway import messages as told
from afk_tui.gateway.pump import Pump


def pumped() -> tuple[AgentRunHandle, list[Message], Pump]:
    posted: list[Message] = []
    handle = AgentRunHandle("run", "thread")
    return handle, posted, Pump(handle, cast("Any", None), posted.append)


def grown(posted: list[Message]) -> list[str]:
    return [message.text for message in posted if isinstance(message, told.AnswerGrew)]


async def test_pieces_that_come_at_once_are_told_together_and_before_what_follows() -> None:
    handle, posted, pump = pumped()
    said = [f"piece {n}. " for n in range(1_000)]
    for text in said:
        handle.emit(events.AnswerDelta("run", text))
    handle.emit(events.AnswerRestarted("run", 2, 1.0, "It broke off."))
    handle.emit(events.AnswerDelta("run", "anew"))
    handle.emit(events.RunStopped("run", "thread", "completed", None, "anew"))
    carrying = asyncio.create_task(pump.run())
    while not any(isinstance(message, told.RunEnded) for message in posted):
        await asyncio.sleep(0)
    carrying.cancel()
    assert [type(message) for message in posted] == [
        told.AnswerGrew,
        told.AnswerRestarted,
        told.AnswerGrew,
        told.RunEnded,
    ]
    assert grown(posted) == ["".join(said), "anew"]


async def test_a_piece_that_nothing_follows_is_told_all_the_same() -> None:
    handle, posted, pump = pumped()
    carrying = asyncio.create_task(pump.run())
    for text in ("one, ", "two"):
        handle.emit(events.AnswerDelta("run", text))
        async with asyncio.timeout(30):
            while text not in "".join(grown(posted)):
                await asyncio.sleep(0.001)
    carrying.cancel()
    assert grown(posted) == ["one, ", "two"]


async def test_what_was_said_last_is_told_when_the_carrying_is_broken_off() -> None:
    handle, posted, pump = pumped()
    carrying = asyncio.create_task(pump.run())
    handle.emit(events.AnswerDelta("run", "first"))
    while not grown(posted):
        await asyncio.sleep(0)
    handle.emit(events.AnswerDelta("run", " and last"))
    while handle._events:
        await asyncio.sleep(0)
    carrying.cancel()
    await asyncio.wait([carrying])
    assert "".join(grown(posted)) == "first and last"
