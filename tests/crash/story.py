"""A run that differs with its seed: which calls, what a person decides of each, what is compacted beside it.

Everything follows from the seed, so that a run which was killed can be held against one which was not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from afk.agents import Agent
from afk.agents.errors import (
    AgentRunBusyError,
    AgentRunSupersededError,
    ApprovalAlreadyDecidedError,
    RunFencedError,
)
from afk.core import Runner, RunnerConfig
from afk.core.handle import AgentRunHandle
from afk.llms.protocol import ModelRequest
from afk.memory.records import ApprovalRecord, DecisionText
from afk.memory.sqlite import schema
from afk.memory.sqlite.connection import Connection
from afk.tools import Tool, ToolContext, tool
from tests.core.kit import ScriptedModel, call, say
from tests.crash.program import Fate, compact, die, make_compaction_mortal, mortal_store
from tests.crash.sabotage import Sabotage, take_out

Deed = Literal["allow", "deny", "edit", "respond"]

# name: effect, and whether it asks
TOOLS: dict[str, tuple[Literal["read", "idempotent", "once"], bool]] = {
    "look": ("read", False),
    "peek": ("read", True),
    "stamp": ("idempotent", False),
    "mark": ("idempotent", True),
    "act": ("once", True),
    "send": ("once", False),
    "check": ("once", True),  # can tell whether it happened
    "ship": ("once", False),  # can tell, too
}
CAN_TELL = ("check", "ship")
ONCE = tuple(name for name, (effect, _) in TOOLS.items() if effect == "once")
GIVE_UP_AFTER_S = 30


@dataclass(frozen=True)
class Plot:
    """What happens: calls as (tool, what), step by step; the deed about each; what is said of an unknown outcome."""

    steps: tuple[tuple[tuple[str, str], ...], ...]
    deeds: dict[str, Deed]
    settle: DecisionText
    compacts: Literal["never", "waiting", "beside"]
    at_once: bool

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [call for step in self.steps for call in step]


def plot_of(seed: int) -> Plot:
    random = Random(seed)
    steps = tuple(
        tuple((random.choice(list(TOOLS)), f"s{n}c{m}") for m in range(random.choice((1, 3))))
        for n in range(random.choice((1, 2, 3)))
    )
    deeds: list[Deed] = ["allow", "allow", "allow", "deny", "edit", "respond"]
    return Plot(
        steps,
        {what: random.choice(deeds) for step in steps for _, what in step},
        random.choice(("run_again", "happened", "skip")),
        random.choice(("never", "never", "waiting", "beside")),
        random.random() < 0.5,
    )


@dataclass(frozen=True)
class Chapter:
    """One process of a story. `kill` is [point, when, n] as in `program`; with `stops` it stops itself there instead
    (SIGSTOP) and may be woken. `supersedes`: a new message closes the run that was left open. `rival`: others work
    on the same run, so that who comes late is refused."""

    seed: int
    folder: str
    kill: tuple[str, str, int] | None = None
    stops: bool = False
    takes_over: bool = False
    supersedes: bool = False
    rival: bool = False
    without: Sabotage | None = None


def perform(chapter: Chapter, output: Path) -> None:
    """Play it, and write what came of it."""
    if chapter.without:
        take_out(chapter.without)
    began = time.monotonic()
    said = asyncio.run(_Teller(chapter).tell())
    output.write_text(json.dumps({**said, "took_s": time.monotonic() - began}))


def write_line(path: Path, line: str) -> None:
    """A line that outlasts the process."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


class _Teller:
    def __init__(self, chapter: Chapter) -> None:
        self.chapter = chapter
        self.plot = plot_of(chapter.seed)
        self.folder = Path(chapter.folder)
        self.fate = Fate(chapter.kill, _stop_between_transactions() if chapter.stops else die)
        self.agent = Agent(
            name="bot", model="m", instructions="Work.", tools=[self._tool(name) for name in TOOLS]
        )
        self._busy_until = time.monotonic() + GIVE_UP_AFTER_S

    async def tell(self) -> dict[str, Any]:
        make_compaction_mortal(self.fate)
        _make_migration_mortal(self.fate)
        store = mortal_store(str(self.folder / "afk.db"), self.fate)
        script = [
            call(*((name, {"what": what}) for name, what in step), text=f"Step {n}.")
            for n, step in enumerate(self.plot.steps)
        ]
        llm = _Strict(self.folder / "violations", *script, say("All done."))
        config = RunnerConfig(retry_base_delay_s=0.001)
        async with Runner(memory_store=store, llm=llm, config=config) as runner:
            try:
                outcome = await self._go_on(runner)
            except (RunFencedError, AgentRunSupersededError) as error:
                outcome = type(error).__name__
        return {"outcome": outcome, "met": self.fate.met}

    async def _go_on(self, runner: Runner) -> str:
        while True:
            handle = await self._handle(runner)
            if handle is None:
                await asyncio.sleep(0.002)
                assert time.monotonic() < self._busy_until, "the run was busy for too long"
            else:
                compacting = self.plot.compacts == "beside" and asyncio.ensure_future(
                    compact(runner, self.fate)
                )
                try:
                    result = await handle.await_result()
                finally:
                    if compacting:
                        await asyncio.wait([compacting])
                if compacting:
                    compacting.result()
                if result.state in ("completed", "failed", "degraded"):
                    return result.state
                assert result.state == "awaiting_approval" or self.chapter.rival, result
            if self.plot.compacts == "waiting":
                await compact(runner, self.fate)
            await self._decide(runner)

    async def _handle(self, runner: Runner) -> AgentRunHandle | None:
        runs = await runner.list_runs("th")
        if self.chapter.supersedes:
            return await runner.run_handle(
                Agent(name="bot", model="m"), user_message="And now?", thread_id="th"
            )
        if not runs:
            return None if self.chapter.rival else await self._begin(runner)
        take_over = self.chapter.takes_over
        with contextlib.suppress(*([AgentRunBusyError] if self.chapter.rival else [])):
            return await runner.resume_handle(
                self.agent, run_id=runs[-1].run_id, thread_id="th", take_over=take_over
            )
        return None

    async def _begin(self, runner: Runner) -> AgentRunHandle:
        return await runner.run_handle(self.agent, user_message="go", thread_id="th")

    async def _decide(self, runner: Runner) -> None:
        for request in await runner.list_approvals():
            try:
                await self._decide_one(runner, request)
            except ApprovalAlreadyDecidedError:
                if not (self.chapter.rival or self.chapter.stops):
                    raise
                continue
            if not self.plot.at_once:
                return

    async def _decide_one(self, runner: Runner, request: ApprovalRecord) -> None:
        write_line(self.folder / "asked", request.approval_id)
        about: dict[str, Any] = {"args_sha": request.args_sha, "by": f"process {os.getpid()}"}
        what = request.arguments["what"]
        deed = self.plot.deeds.get(what, "allow")
        if request.kind == "uncertain":
            decision: DecisionText = self.plot.settle
        elif deed == "edit":
            decision = "allow"
            about["arguments"] = {"what": f"{what}-edited"}
        else:
            decision = deed
            if deed == "deny":
                about["reason"] = f"Not {what}."
            elif deed == "respond":
                about["output"] = f"A person did {what}."
        decided = await runner.decide(request.approval_id, decision, **about)
        write_line(self.folder / "decided", f"{request.approval_id} {decided.status}")

    def _tool(self, name: str) -> Tool:
        ledger = self.folder / "ledger"
        effect, asks = TOOLS[name]

        async def work(ctx: ToolContext, what: str) -> str:
            self.fate.meet("effect", "before")
            await asyncio.sleep(0)
            write_line(ledger, f"{name} {what} {ctx.idempotency_key}")
            self.fate.meet("effect", "after")
            await asyncio.sleep(0)
            return f"{name} did {what}"

        async def happened(ctx: ToolContext, arguments: dict[str, Any]) -> bool:
            self.fate.meet("verify", "before")
            return ledger.exists() and ctx.idempotency_key in ledger.read_text()

        return tool(
            name=name,
            description="Work.",
            effect=effect,
            approval="always" if asks else "never",
            verify=happened if name in CAN_TELL else None,
        )(work)


class _Strict(ScriptedModel):
    """Refuses what a model server refuses: a call without its result right behind it, in the order of the calls."""

    def __init__(self, violations: Path, *script: Any) -> None:
        super().__init__(*script)
        self._violations = violations

    def stream(self, request: ModelRequest) -> Any:
        waiting: list[str] = []
        for message in request.messages:
            if message.role == "tool":
                if not waiting or waiting.pop(0) != message.tool_call_id:
                    write_line(self._violations, f"the model was sent a result out of place: {message}")
            elif waiting:
                write_line(self._violations, f"the model was sent calls without results: {waiting}")
                waiting = []
            waiting += [c.id for c in message.tool_calls]
        return super().stream(request)


def _stop_between_transactions() -> Callable[[], None]:
    """Stops this process where its database thread holds no lock: a stopped lock would hold up everybody."""
    at_work = threading.RLock()
    send = Connection._send

    async def guarded_send(self: Any, work: Any, doing: str) -> Any:
        def guarded(db: Any) -> Any:
            with at_work:
                return work(db)

        return await send(self, guarded, doing)

    Connection._send = guarded_send  # type: ignore[method-assign]

    def stop() -> None:
        with at_work:
            os.kill(os.getpid(), signal.SIGSTOP)

    return stop


def _make_migration_mortal(fate: Fate) -> None:
    def dying(step: Any) -> Any:
        def migrate(db: Any) -> None:
            fate.meet("migration", "before")
            step(db)
            fate.meet("migration", "inside")

        return migrate

    schema.MIGRATIONS = tuple((name, dying(step)) for name, step in schema.MIGRATIONS)
