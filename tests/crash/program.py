"""The program that is killed, and started again until its run has completed.

It begins a run, or goes on with the one it finds; what waits for a person is decided as the scenario says.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afk.agents import Agent, AgentResult
from afk.core import Runner, RunnerConfig
from afk.llms.openai_client import OpenAIChat
from afk.memory import RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.records import DecisionText
from afk.memory.sqlite import compaction
from afk.memory.sqlite.connection import Connection
from afk.tools import ToolContext, tool
from tests.core.kit import ScriptedModel, call, say

CALLS = call(("look", {"what": "1"}), ("stamp", {"what": "2"}), ("act", {"what": "3"}), text="Three at once.")
SCRIPT = (CALLS, call(("look", {"what": "4"})), say("All done."))


@dataclass(frozen=True)
class Scenario:
    """`kill` is where the process dies: [point, when, n], the n-th time it gets there. A point is a store's method
    ("before", "inside" its transaction, or "after" it), or a tool's name ("after" its effect). `settle` is what a
    person says of a call of unknown outcome; `verify` what the tool act finds out by itself."""

    db: str
    ledger: str
    kill: tuple[str, str, int] | None = None
    settle: DecisionText = "run_again"
    verify: bool | None = None
    base_url: str | None = None
    compact: bool = False


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Counts down to the moment at which the process dies. `met`: every point it came by."""

    def __init__(self, kill: tuple[str, str, int] | None, strike: Callable[[], None] = die) -> None:
        self._kill = kill
        self._left = kill[2] if kill else 0
        self._strike = strike
        self.met: list[tuple[str, str]] = []

    def meet(self, point: str, when: str) -> None:
        self.met.append((point, when))
        if self._kill and self._kill[:2] == (point, when):
            self._left -= 1
            if self._left == 0:
                self._strike()


def mortal_store(path: str, fate: Fate) -> SQLiteMemoryStore:
    """A store whose boundaries meet their fate before, inside and after each transaction."""

    class Mortal(SQLiteMemoryStore):
        pass

    def mortal(name: str) -> Any:
        async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            fate.meet(name, "before")
            boundary.set(name)
            try:
                result = await getattr(SQLiteMemoryStore, name)(self, *args, **kwargs)
            finally:
                boundary.set("")
            fate.meet(name, "after")
            return result

        return method

    boundary: ContextVar[str] = ContextVar("boundary", default="")
    boundaries = [
        "begin_run",
        "take_run",
        "record_answer",
        "decide",
        "begin_effect",
        "record_result",
        "ask_about",
        "stop_run",
    ]
    for name in boundaries:
        setattr(Mortal, name, mortal(name))
    write = Connection.write

    async def dying_write(self: Any, durability: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        point = boundary.get()

        def work_and_die(db: Any, *args: Any, **kwargs: Any) -> Any:
            result = work(db, *args, **kwargs)
            if point:
                fate.meet(point, "inside")  # everything is written, nothing is committed
            return result

        return await write(self, durability, work_and_die, *args, **kwargs)

    Connection.write = dying_write  # type: ignore[method-assign]
    return Mortal(path)


def make_agent(scenario: Scenario, fate: Fate) -> Agent:
    def note(name: str, ctx: ToolContext, what: str) -> str:
        descriptor = os.open(scenario.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{name} {what} {ctx.idempotency_key}\n".encode())
        os.fsync(descriptor)
        os.close(descriptor)
        fate.meet(name, "after")
        return f"{name} did {what}"

    @tool(effect="read")
    async def look(ctx: ToolContext, what: str) -> str:
        """Look."""
        return note("look", ctx, what)

    @tool(effect="idempotent", approval="never")
    async def stamp(ctx: ToolContext, what: str) -> str:
        """Stamp, which may be repeated."""
        return note("stamp", ctx, what)

    async def found(ctx: ToolContext, arguments: dict[str, Any]) -> bool | None:
        return scenario.verify

    @tool(effect="once", verify=found if scenario.verify is not None else None)
    async def act(ctx: ToolContext, what: str) -> str:
        """Act, which must not be repeated."""
        return note("act", ctx, what)

    return Agent(name="bot", model="test-model", instructions="Work.", tools=[look, stamp, act])


async def play(scenario: Scenario) -> dict[str, Any]:
    """Go on until the run has completed; what was asked on the way."""
    fate = Fate(scenario.kill)
    llm = OpenAIChat(base_url=scenario.base_url) if scenario.base_url else ScriptedModel(*SCRIPT)
    agent = make_agent(scenario, fate)
    asked: list[str] = []
    config = RunnerConfig(retry_base_delay_s=0.001)
    make_compaction_mortal(fate)
    async with Runner(memory_store=mortal_store(scenario.db, fate), llm=llm, config=config) as runner:

        async def resume(run_id: str) -> AgentResult:
            return await runner.resume(agent, run_id=run_id, thread_id="th")

        runs = await runner.list_runs()
        if runs:
            result = await resume(runs[0].run_id)
        else:
            result = await runner.run(agent, user_message="go", thread_id="th")
        while result.state == "awaiting_approval":
            for request in await runner.list_approvals():
                asked.append(request.kind)
                decision: DecisionText = "allow" if request.kind == "call" else scenario.settle
                await runner.decide(request.approval_id, decision, args_sha=request.args_sha)
            if scenario.compact:
                await compact(runner, fate)
            result = await resume(result.run_id)
        return {"state": result.state, "asked": asked, "final_text": result.final_text}


def make_compaction_mortal(fate: Fate) -> None:
    """Two rows at a time, each batch with a fate of its own."""

    def two(size: int, took_s: float) -> int:
        return 2

    compaction.next_size, compaction.FIRST_BATCH = two, 2
    batch = compaction.delete_batch

    def dying_batch(*args: Any) -> int:
        fate.meet("batch", "before")
        removed = batch(*args)
        fate.meet("batch", "inside")
        return removed

    compaction.delete_batch = dying_batch
    vacuum = compaction.vacuum_batch

    def dying_vacuum(db: Any) -> int:
        fate.meet("vacuum", "before")
        return vacuum(db)

    compaction.vacuum_batch = dying_vacuum


async def compact(runner: Runner, fate: Fate) -> None:
    """Compact as strictly as can be."""
    await runner.compact_thread(
        thread_id="th",
        event_policy=RetentionPolicy(max_events=1),
        state_policy=StateRetentionPolicy(max_entries=1),
    )
    fate.meet("compact", "after")


def perform(scenario: Scenario, output: Path) -> None:
    output.write_text(json.dumps(asyncio.run(play(scenario))))
