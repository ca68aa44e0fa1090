"""One process of a story: an agent at work, and the people who decide about its calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afk.agents import Agent
from afk.agents.errors import (
    AgentRunBusyError,
    AgentRunSupersededError,
    ApprovalAlreadyDecidedError,
    RunFencedError,
)
from afk.core import Runner, RunnerConfig
from afk.core.handle import AgentRunHandle
from afk.core.unknown import STILL_RUNNING
from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import Answer, ModelEvent, ModelRequest
from afk.memory.records import ApprovalRecord, DecisionText
from afk.memory.sqlite.connection import Connection
from afk.tools import Tool, ToolContext, tool
from tests.core.family import ByAgent
from tests.core.kit import call, say
from tests.crash.outgrowing import WINDOW_TOKENS, Unfolding, complaints
from tests.crash.plot import (
    AT_LENGTH,
    CAN_TELL,
    HAND,
    MAX_RESULT_CHARS,
    MIDDLE,
    ROOT,
    TOOLS,
    model_name,
    plot_of,
)
from tests.crash.points import (
    Fate,
    die,
    make_compaction_mortal,
    make_migration_mortal,
    make_ownership_mortal,
    mortal_store,
)
from tests.crash.program import compact
from tests.crash.sabotage import Sabotage, take_out

GIVE_UP_AFTER_S = 30
# what a compaction has to remove, so that pages become free: SQLite gives back whole ones only
PADDING_EVENTS, PADDING_CHARS = 8, 3500


@dataclass(frozen=True)
class Chapter:
    """One process of a story. `kill` is [point, when, n] as in `program`; with `stops` it stops itself there instead
    (SIGSTOP) and may be woken. `takes_over`: the run of a living process; where a call may be repeated only when that
    one is gone, the chapter ends as "still running". `supersedes`: a new message closes the run that was left open.
    `rival`: others work on the same run, so that who comes late is refused."""

    seed: int
    folder: str
    kill: tuple[str, str, int] | None = None
    stops: bool = False
    takes_over: bool = False
    supersedes: bool = False
    rival: bool = False
    base_url: str | None = None
    without: Sabotage | None = None


def perform(chapter: Chapter, output: Path) -> None:
    """Play it, and write what came of it."""
    if chapter.without:
        take_out(chapter.without)
    began = time.monotonic()
    said = asyncio.run(_Teller(chapter).tell())
    output.write_text(json.dumps({**said, "took_s": time.monotonic() - began}))


def write_line(path: Path, line: str, *, before_flush: Callable[[], None] | None = None) -> None:
    """A line that outlasts the process."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    if before_flush:
        before_flush()
    os.fsync(descriptor)
    os.close(descriptor)


class _Teller:
    def __init__(self, chapter: Chapter) -> None:
        self.chapter = chapter
        self.plot = plot_of(chapter.seed)
        self.folder = Path(chapter.folder)
        self.fate = Fate(chapter.kill, _stop_between_transactions() if chapter.stops else die)
        self.agent = self._agents()
        self._busy_until = time.monotonic() + GIVE_UP_AFTER_S

    def _agents(self) -> Agent:
        tools = [self._tool(name) for name in TOOLS]

        def agent(name: str, *below: Agent) -> Agent:
            model = model_name(self.chapter.seed)
            return Agent(name=name, model=model, instructions=name, tools=tools, subagents=below)

        match self.plot.nested:
            case "no":
                return agent(ROOT)
            case "deep":
                return agent(ROOT, agent(MIDDLE, agent(HAND)))
            case "all" | "beside":
                return agent(ROOT, agent(HAND))

    async def tell(self) -> dict[str, Any]:
        make_compaction_mortal(self.fate)
        make_migration_mortal(self.fate)
        make_ownership_mortal(self.fate)
        store = mortal_store(str(self.folder / "afk.db"), self.fate)
        llm = _Strict(self._model(), self.folder, self.fate, outgrows=self.plot.outgrows)
        config = RunnerConfig(
            retry_base_delay_s=0.001,
            max_result_chars=MAX_RESULT_CHARS,
            context_window_tokens=WINDOW_TOKENS if self.plot.outgrows else None,
            answer_tokens=0,
        )
        async with Runner(memory_store=store, llm=llm, config=config) as runner:
            try:
                outcome = await self._go_on(runner)
            except (RunFencedError, AgentRunSupersededError) as error:
                outcome = type(error).__name__
        return {"outcome": outcome, "met": self.fate.met}

    def _model(self) -> Any:
        if self.chapter.base_url:
            return OpenAIChat(base_url=self.chapter.base_url)
        told = ByAgent(
            **{
                name: tuple(
                    call(*wanted, text=text) if wanted else say(text)
                    for text, wanted in self.plot.script(name)
                )
                for name in (ROOT, MIDDLE, HAND)
            }
        )
        return Unfolding(told) if self.plot.outgrows else told

    async def _go_on(self, runner: Runner) -> str:
        while True:
            handle = await self._handle(runner)
            if handle is None:
                await asyncio.sleep(0.002)
                assert time.monotonic() < self._busy_until, "the run was busy for too long"
            else:
                compacting = self.plot.compacts == "beside" and asyncio.ensure_future(self._compact(runner))
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
                await self._compact(runner)
            if not await self._decide(runner):
                return "still running"

    async def _compact(self, runner: Runner) -> None:
        store = await runner._store()
        for _ in range(PADDING_EVENTS):
            await store.add_event("th", None, "padding", {"text": "x" * PADDING_CHARS})
        await compact(runner, self.fate)

    async def _handle(self, runner: Runner) -> AgentRunHandle | None:
        runs = [run for run in await runner.list_runs("th") if run.parent_run_id is None]
        if self.chapter.supersedes:
            return await runner.run_handle(
                Agent(name=ROOT, model=model_name(self.chapter.seed), instructions=ROOT),
                user_message="And now?",
                thread_id="th",
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

    async def _decide(self, runner: Runner) -> bool:
        """Whether the run can go on: not where all that waits is for another process to be gone."""
        requests = await runner.list_approvals()
        if self.chapter.takes_over:
            requests = [request for request in requests if not request.reason.startswith(STILL_RUNNING)]
            if not requests:
                return False
        for request in requests:
            try:
                await self._decide_one(runner, request)
            except ApprovalAlreadyDecidedError:
                if not (self.chapter.rival or self.chapter.stops):
                    raise
                continue
            if not self.plot.at_once:
                break
        return True

    async def _decide_one(self, runner: Runner, request: ApprovalRecord) -> None:
        write_line(self.folder / "asked", request.approval_id)
        about: dict[str, Any] = {"args_sha": request.args_sha, "by": f"process {os.getpid()}"}
        what = request.arguments["what"]
        deed = self.plot.deed(request.tool_name, what)
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
                about["output"] = f"A person did {what}.\n" * 100
        decided = await runner.decide(request.approval_id, decision, **about)
        write_line(self.folder / "decided", f"{request.approval_id} {decided.status}")

    def _tool(self, name: str) -> Tool:
        ledger = self.folder / "ledger"
        effect, asks = TOOLS[name]

        async def work(ctx: ToolContext, what: str) -> str:
            self.fate.meet("effect", "before")
            await asyncio.sleep(0)
            write_line(
                ledger,
                f"{name} {what} {ctx.idempotency_key}",
                before_flush=lambda: self.fate.meet("effect", "inside"),
            )
            self.fate.meet("effect", "after")
            await asyncio.sleep(0)
            return f"{name} did {what}\n" * (100 if name in AT_LENGTH else 1)

        async def happened(ctx: ToolContext, arguments: dict[str, Any]) -> bool:
            self.fate.meet("verify", "before")
            await asyncio.sleep(0)
            found = ledger.exists() and ctx.idempotency_key in ledger.read_text()
            self.fate.meet("verify", "after")
            return found

        return tool(
            name=name,
            description="Work.",
            effect=effect,
            approval="always" if asks else "never",
            verify=happened if name in CAN_TELL else None,
        )(work)


class _Strict:
    """A model that notes what a model server refuses: a call without its result right behind it, in the order of the
    calls."""

    def __init__(self, model: Any, folder: Path, fate: Fate, *, outgrows: bool) -> None:
        self.label = "strict"
        self._model = model
        self._db = folder / "afk.db"
        self._violations = folder / "violations"
        self._fate = fate
        self._outgrows = outgrows

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        waiting: list[str] = []
        for message in request.messages:
            if message.role == "tool":
                if not waiting or waiting.pop(0) != message.tool_call_id:
                    write_line(self._violations, f"the model was sent a result out of place: {message}")
            elif waiting:
                write_line(self._violations, f"the model was sent calls without results: {waiting}")
                waiting = []
            waiting += [c.id for c in message.tool_calls]
        for complaint in complaints(request, self._db) if self._outgrows else ():
            write_line(self._violations, complaint)
        self._fate.meet("model", "before")
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                self._fate.meet("model", "after" if isinstance(event, Answer) else "inside")
                yield event

    async def close(self) -> None:
        await self._model.close()


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
