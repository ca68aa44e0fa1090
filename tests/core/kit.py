"""What tests of the runner share: a model that follows a script, tools that write down that they ran, waiting."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from afk.agents import Agent
from afk.core.events import RunEvent
from afk.core.handle import AgentRunHandle
from afk.llms.protocol import Answer, ModelEvent, ModelRequest, TextDelta, ToolCall, Usage
from afk.tools import Tool, tool

# only a test that fails comes to it
GIVE_UP_AFTER_S = 30

Script = Callable[[ModelRequest], Answer]


def say(text: str, **fields: Any) -> Answer:
    """An answer of text alone, which ends the run."""
    return Answer(text, usage=Usage(10, 5), **fields)


def call(*wanted: tuple[str, dict[str, Any] | str], text: str = "") -> Answer:
    """An answer that asks for tools, as (name, arguments) pairs; arguments may be raw text."""
    calls = tuple(
        ToolCall(f"call_{n}", name, arguments if isinstance(arguments, str) else json.dumps(arguments))
        for n, (name, arguments) in enumerate(wanted)
    )
    return Answer(text, calls, "tool_calls", usage=Usage(10, 5))


class ScriptedModel:
    """Gives the n-th answer of its script to a conversation that holds n answers: the same in every process, and
    after every restart. Past the end of the script it says "Done."."""

    label = "script"

    def __init__(self, *script: Answer | Script) -> None:
        self._script = script
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        at = sum(1 for message in request.messages if message.role == "assistant")
        entry = self._script[at] if at < len(self._script) else say("Done.")
        answer = entry(request) if callable(entry) else entry
        await asyncio.sleep(0)
        if answer.text:
            yield TextDelta(answer.text)
        unique = tuple(ToolCall(f"{c.id}_of_{at}", c.name, c.arguments) for c in answer.tool_calls)
        yield Answer(answer.text, unique, answer.finish_reason, answer.refusal, answer.usage)

    async def close(self) -> None:
        return


class Ledger:
    """A file outside of the store in which tools write down that they ran, one line each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def write(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{line}\n")

    def tool(self, name: str = "act", effect: Any = "once", **options: Any) -> Tool:
        """A tool that writes down its name and its `what`."""

        async def act(what: str) -> str:
            self.write(f"{name} {what}")
            return f"{name} did {what}"

        return tool(name=name, effect=effect, description="Act.", **options)(act)


def agent_with(*tools: Tool, name: str = "bot") -> Agent:
    return Agent(name=name, model="test-model", instructions="Work.", tools=tools)


async def until(condition: Callable[[], object], what: str = "the state that was waited for") -> None:
    """Return once `condition()` is true."""
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    while not condition():
        assert time.monotonic() < deadline, f"not seen within {GIVE_UP_AFTER_S} s: {what}"
        await asyncio.sleep(0.002)


async def events_of(handle: AgentRunHandle) -> list[RunEvent]:
    return [event async for event in handle.events]


async def event_of(handle: AgentRunHandle, kind: type[RunEvent]) -> RunEvent:
    """Read a run's events up to the first of this kind, and return it."""
    try:
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            async for event in handle.events:
                if isinstance(event, kind):
                    return event
    except TimeoutError:
        raise AssertionError(f"not seen within {GIVE_UP_AFTER_S} s: a {kind.__name__}") from None
    raise AssertionError(f"the run ended without a {kind.__name__}")


def rows(db: Path, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    """What stands in a database, read by another connection."""
    connection = sqlite3.connect(db)
    try:
        return connection.execute(sql, args).fetchall()
    finally:
        connection.close()


def transcript(db: Path, thread_id: str) -> list[tuple[Any, ...]]:
    """A thread's messages in order, without what differs from run to run (ids and times)."""
    return rows(
        db,
        "SELECT seq, role, text, tool_calls, call_id FROM message WHERE thread_id = ? ORDER BY seq",
        thread_id,
    )
