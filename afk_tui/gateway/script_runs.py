"""Begin or resume a run for a script, and follow it until it stops."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Protocol, assert_never

from afk.agents.errors import AgentError
from afk.core.events import (
    AnswerDelta,
    AnswerRecorded,
    AnswerRestarted,
    ApprovalDecided,
    ApprovalRequested,
    CallFinished,
    CallOutput,
    CallProposed,
    CallStarted,
    OutcomeKept,
    RunEvent,
    RunPaused,
    RunStarted,
    RunStopped,
    RunWarning,
    StepStarted,
    SubagentStarted,
    SubagentStopped,
    SummaryRecorded,
    SummaryStarted,
)
from afk.core.handle import AgentRunHandle
from afk.core.schedule import compact_first, read_schedule
from afk.llms.protocol import ModelError
from afk.memory.records import RunRecord
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.script import Doc, approval_doc, database_path, open_store
from afk_tui.gateway.settings import Engine, Settings, build


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run stands: the document of `run --json`."""

    document: Doc


class Follower(Protocol):
    """Hears how a run goes on. Texts are as the model and the tools wrote them: whoever shows them cleans them."""

    def began(self, model: str, server: str) -> None:
        """The model is about to be asked, at this server."""
        ...

    def said(self, text: str) -> None:
        """More of the answer."""
        ...

    def answered(self) -> None:
        """The answer is whole, and on disk."""
        ...

    def noted(self, line: str) -> None:
        """Something to know: a call, a warning, an answer that must be asked for again."""
        ...


async def run(
    settings: Settings, prompt: str, thread_id: str | None, follower: Follower, stop: asyncio.Event
) -> Outcome:
    """Run on a message until it stops, or, once `stop` is set, until it is interrupted and on disk.

    If the follower raises, the run is interrupted and kept, and the error goes on.
    """
    require_a_model(settings)
    async with opened_engine(settings) as engine:
        if thread_id is not None:
            await _tell_what_is_closed(engine, thread_id, follower)
        handle = await engine.runner.run_handle(engine.agent, user_message=prompt, thread_id=thread_id)
        return await _follow(engine, handle, follower, stop)


async def resume(
    settings: Settings, run_id: str, follower: Follower, stop: asyncio.Event, *, compacts: bool = False
) -> Outcome:
    """Go on with a run, wherever it was begun; of a finished one its stored result. `compacts`: first its thread is
    compacted to what the schedule keeps, where that can be done. Otherwise like `run`."""
    require_a_model(settings)
    path = database_path(settings)
    if not path.exists():
        raise GatewayError(f"No run {run_id!r}: there is no database at {path}. Name it with --db or AFK_DB.")
    async with opened_engine(settings) as engine:
        known = await engine.store.get_run(run_id)
        if known is None:
            raise GatewayError(f"No run {run_id!r} in {path}. List what there is with: afk-tui runs")
        _require_workspace(known)
        if compacts:
            with told():
                kept = (await read_schedule(engine.store)).retention
            await compact_first(engine.store, run_id, known.thread_id, kept)
        handle = await engine.runner.resume_handle(engine.agent, run_id=run_id, thread_id=known.thread_id)
        return await _follow(engine, handle, follower, stop)


def check(settings: Settings) -> None:
    """Raises GatewayError if no run could be begun or resumed with these settings."""
    require_a_model(settings)
    _build(settings)


@asynccontextmanager
async def opened_engine(settings: Settings) -> AsyncGenerator[Engine]:
    engine = _build(settings)
    try:
        with told():
            await open_store(engine.store, engine.database, settings)
            yield engine
    finally:
        await engine.runner.close()


def _build(settings: Settings) -> Engine:
    try:
        return build(settings)
    except FileNotFoundError as error:
        raise GatewayError("The current folder is not there any more. Name one with --workspace.") from error


async def _follow(engine: Engine, handle: AgentRunHandle, follower: Follower, stop: asyncio.Event) -> Outcome:
    stopper = asyncio.ensure_future(_interrupt_when(stop, handle))
    try:
        inside: dict[str, str] = {}
        async for event in handle.events:
            if isinstance(event, SubagentStarted):
                inside[event.child_run_id] = f"{inside.get(event.run_id, '')}{event.agent_name} › "
            if event.run_id == handle.run_id:
                _tell(engine, event, follower)
            else:
                _tell_inside(event, inside.get(event.run_id, ""), follower)
        result = await handle.await_result()
    except OSError:
        # nobody reads what is told any more: the run is kept, to be resumed
        await handle.interrupt()
        raise
    finally:
        stopper.cancel()
    # those of runs inside it too
    waiting = await engine.store.list_approvals(thread_id=result.thread_id, pending_only=True)
    document = {
        "run_id": result.run_id,
        "thread_id": result.thread_id,
        "state": result.state,
        "interruption": asdict(result.interruption) if result.interruption else None,
        "final_text": result.final_text,
        "pending_approvals": [approval_doc(request) for request in waiting],
    }
    return Outcome(document)


async def _interrupt_when(stop: asyncio.Event, handle: AgentRunHandle) -> None:
    await stop.wait()
    try:
        await handle.interrupt()
    except (AgentError, ModelError):
        return  # awaiting the run's result raises it too, where it is told


def _tell(engine: Engine, event: RunEvent, follower: Follower) -> None:
    match event:
        case RunStarted():
            follower.began(engine.model, engine.llm.label)
        case AnswerDelta(text=text):
            follower.said(text)
        case AnswerRecorded():
            follower.answered()
        case AnswerRestarted(attempt=attempt, delay_s=delay_s, reason=reason):
            follower.answered()
            follower.noted(f"{reason} Asking again in {delay_s:.1f} s (retry {attempt}).")
        case CallStarted(tool_name=name):
            follower.noted(f"{name}: running")
        case CallFinished(tool_name=name, phase=phase, duration_ms=duration_ms):
            follower.noted(f"{name}: {_OUTCOMES.get(phase, phase)} ({duration_ms / 1000:.1f} s)")
        case ApprovalDecided(status=status, decided_by=by):
            follower.noted(f"{status.replace('_', ' ')} by {by}")
        case OutcomeKept(tool_name=name, reason=reason):
            follower.noted(
                f"{name}: has ended; its outcome is kept, and is written as soon as it can be. {reason}"
            )
        case RunWarning(text=text):
            follower.noted(text)
        case SummaryStarted(messages=messages):
            follower.noted(f"summarising {messages} older messages")
        case SummaryRecorded(messages=messages):
            follower.noted(f"{messages} older messages summarised")
        case SubagentStopped(state=state):
            if state == "awaiting_approval":
                follower.noted("the subagent waits for a decision")
        case (
            StepStarted()
            | CallProposed()
            | CallOutput()
            | ApprovalRequested()
            | SubagentStarted()
            | RunPaused()
            | RunStopped()
        ):
            pass  # the end says what waits and how the run stands
        case _:
            assert_never(event)


def _tell_inside(event: RunEvent, path: str, follower: Follower) -> None:
    """Of a run inside the run, in a line each: its calls, and what went wrong; its words are for the run above."""
    match event:
        case CallStarted(tool_name=name):
            follower.noted(f"{path}{name}: running")
        case CallFinished(tool_name=name, phase=phase, duration_ms=duration_ms):
            follower.noted(f"{path}{name}: {_OUTCOMES.get(phase, phase)} ({duration_ms / 1000:.1f} s)")
        case ApprovalDecided(status=status, decided_by=by):
            follower.noted(f"{path}{status.replace('_', ' ')} by {by}")
        case AnswerRestarted(delay_s=delay_s, reason=reason):
            follower.noted(f"{path}{reason} Asking again in {delay_s:.1f} s.")
        case RunWarning(text=text):
            follower.noted(f"{path}{text}")
        case _:
            pass


_OUTCOMES = {"done": "ran", "failed": "failed", "skipped": "not executed", "uncertain": "outcome unknown"}


async def _tell_what_is_closed(engine: Engine, thread_id: str, follower: Follower) -> None:
    thread = await engine.store.get_thread(thread_id)
    if thread is not None and thread.state in ("awaiting_approval", "interrupted", "cancelled"):
        state = thread.state.replace("_", " ")
        follower.noted(f"Run {thread.last_run_id} was left open ({state}); this message closes it.")


def require_a_model(settings: Settings) -> None:
    """Whoever names a model wants that one: the demo model does not answer in its place."""
    named = settings.model is not None and not settings.demo
    if named and not any(os.environ.get(name, "").strip() for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL")):
        raise GatewayError(
            f"Model {settings.model!r} can't be asked: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set. Set one, "
            "or use --demo for the offline demo model."
        )


def _require_workspace(run: RunRecord) -> None:
    if run.state in ("completed", "failed", "degraded"):
        return
    if not os.path.isdir(run.workspace):
        raise GatewayError(
            f"Run {run.run_id} works in {run.workspace}, which is not there. Bring that folder back, then resume."
        )
