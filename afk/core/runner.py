"""The runner: begins, resumes, decides, lists and compacts."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from afk.agents.agent import Agent
from afk.agents.errors import (
    AgentConfigurationError,
    AgentError,
    AgentRunBusyError,
    AgentRunSupersededError,
    RunFencedError,
)
from afk.agents.policy import Policy, PolicyRule
from afk.agents.results import TERMINAL, AgentResult
from afk.core.approvals import Attendant, InteractionProvider
from afk.core.config import RunnerConfig
from afk.core.desk import Desk
from afk.core.events import RunEvent, RunStarted, RunStopped, RunWarning
from afk.core.handle import AgentRunHandle
from afk.core.inputs import json_safe, model_of, require_id, title_of
from afk.core.judge import Judge
from afk.core.keeping import write_kept
from afk.core.outcome import interruption_of, result_of
from afk.core.schedule import compact_first
from afk.core.signals import StopOrder
from afk.core.subagents import Crew, Level, level_below, level_of
from afk.core.summary_desk import SummaryDesk
from afk.core.to_the_end import to_the_end
from afk.llms.protocol import LLM
from afk.memory.records import (
    ApprovalRecord,
    EffectRecord,
    NewRun,
    RunAndCalls,
    RunKey,
    RunRecord,
    RunSnapshot,
)
from afk.memory.store import MemoryStore
from afk.memory.text import storable


class Runner(Desk, SummaryDesk):
    """Runs agents on a durable store.

    Everything is a keyword. `memory_store` None is SQLite in AFK_DB, or in the user's data folder; `llm` None is the
    OpenAI-compatible server of OPENAI_BASE_URL; `workspace` (None: the current folder) is where tools act, and is
    kept with each new thread. A runner may be used without `async with` and left open: it never keeps the process
    alive, and whatever it had not finished reads as interrupted.
    """

    def __init__(
        self,
        *,
        memory_store: MemoryStore | None = None,
        llm: LLM | None = None,
        interaction_provider: InteractionProvider | None = None,
        policy: Policy | Sequence[PolicyRule] | None = None,
        workspace: str | os.PathLike[str] | None = None,
        config: RunnerConfig | None = None,
    ) -> None:
        self._given_store = memory_store
        self._given_llm = llm
        self._provider = interaction_provider
        self._policy = policy if isinstance(policy, Policy) else Policy(tuple(policy or ()))
        self._workspace = str(Path(workspace if workspace is not None else ".").resolve())
        self._config = config or RunnerConfig()
        self._handles: dict[str, AgentRunHandle] = {}
        self._unstopped: dict[str, StopOrder] = {}  # their stop could not be written

    async def __aenter__(self) -> Self:
        await self._store()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Interrupt what still runs, and give back the store and the connections. May be called twice."""
        for handle in list(self._handles.values()):
            order = StopOrder("interrupted", "paused", "The program that ran it was closed.")
            with contextlib.suppress(AgentError):
                await handle.stop(order)
        if self._given_store is not None:
            for run_id, order in list(self._unstopped.items()):  # the database may answer again
                await self._give_up(self._given_store, run_id, order)
        if self._given_llm is not None:
            await self._given_llm.close()
        if self._given_store is not None:
            await self._given_store.close()

    # running

    async def run(
        self,
        agent: Agent,
        *,
        user_message: str,
        thread_id: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> AgentResult:
        """Run `agent` on a message until it stops: completed, or short of that in a state to resume.

        A thread's earlier messages are part of the conversation. If this is cancelled, the run is on disk as
        interrupted before the cancellation goes on. Raises AgentConfigurationError, AgentRunBusyError, StoreError.
        """
        return await self._drain(
            await self.run_handle(agent, user_message=user_message, thread_id=thread_id, context=context)
        )

    def run_sync(
        self,
        agent: Agent,
        *,
        user_message: str,
        thread_id: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> AgentResult:
        """`run`, for a program without an event loop."""
        return asyncio.run(self.run(agent, user_message=user_message, thread_id=thread_id, context=context))

    async def run_handle(
        self,
        agent: Agent,
        *,
        user_message: str,
        thread_id: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> AgentRunHandle:
        """Begin a run and return while it goes on. On return the message is on disk (boundary S)."""
        if thread_id is not None:
            require_id("thread_id", thread_id)
        if not isinstance(user_message, str) or not user_message.strip():
            raise AgentConfigurationError("user_message is empty; a run begins with something to do.")
        store = await self._store()
        new = NewRun(
            run_id=store.new_id("run"),
            thread_id=thread_id or store.new_id("thread"),
            agent_name=agent.name,
            model=model_of(agent),
            fingerprint=agent.fingerprint(),
            workspace=self._workspace,
            user_message=storable(user_message),
            context=json_safe(context),
            limits=self._config.result_limits,
        )
        store.live_runs.add(new.run_id)
        try:
            snapshot = await store.begin_run(new, title_of(new.user_message))
        except BaseException:
            await self._give_up(store, new.run_id)
            raise
        return self._start(store, agent, snapshot, resumed=False)

    async def resume(
        self, agent: Agent, *, run_id: str, thread_id: str, context: dict[str, Any] | None = None
    ) -> AgentResult:
        """Go on with a run from its last checkpoint; of a finished one, its stored result.

        A run inside another is gone on with by its root, whose agent is to be passed and whose result is returned.
        `context` is merged over the stored one, and stored. Raises AgentConfigurationError (empty ids, another
        agent), AgentCheckpointCorruptionError and its kinds, AgentRunBusyError, AgentRunSupersededError.
        """
        handle = await self.resume_handle(agent, run_id=run_id, thread_id=thread_id, context=context)
        return await self._drain(handle)

    async def resume_handle(
        self,
        agent: Agent,
        *,
        run_id: str,
        thread_id: str,
        context: dict[str, Any] | None = None,
        take_over: bool = False,
    ) -> AgentRunHandle:
        """`resume`, and return while the run goes on. `take_over` takes it even from a living process: for a person
        who says so."""
        require_id("run_id", run_id)
        require_id("thread_id", thread_id)
        store = await self._store()
        root = await store.find_root(run_id, thread_id)
        if root is not None:  # taking it says what is wrong otherwise
            run_id = root.run.run_id
            await self._require_same_agent(store, agent, root)
        overlay = json_safe(context)
        if self._config.compact_before_resume is not None:
            await compact_first(store, run_id, thread_id, self._config.compact_before_resume)
        was_live = run_id in store.live_runs
        self._unstopped.pop(run_id, None)
        try:
            taken = await store.take_run(run_id, thread_id, overlay, take_over=take_over)
        except asyncio.CancelledError:
            if not was_live:
                await self._give_up(store, run_id)
            raise
        return self._start(store, agent, taken, resumed=True)

    async def fork(self, run_id: str, checkpoint_id: str, *, message: str | None = None) -> str:
        """Begin a new thread at a checkpoint of a run; its id. The old thread stays as it was, and nothing runs yet:
        resume the new thread's run.

        `message` goes on from there with another message; at a run's first checkpoint it takes the place of the one
        that the run began with. No effect of the past is repeated: calls that are done keep their results, calls that
        are being executed say "outcome unknown", the others are asked for anew; no decision is copied. On return the
        fork is on disk. Raises AgentConfigurationError, AgentCheckpointNotFoundError, AgentCheckpointCompactedError.
        """
        require_id("run_id", run_id)
        require_id("checkpoint_id", checkpoint_id)
        of_run, _, number = checkpoint_id.rpartition(".")
        if of_run != run_id or not number.isdecimal():
            raise AgentConfigurationError(
                f"{checkpoint_id!r} is no checkpoint of run {run_id}; they are named {run_id}.0 and so on."
            )
        store = await self._store()
        run = await store.get_run(run_id)
        if run is not None and run.parent_run_id is not None:
            raise AgentConfigurationError(
                f"Run {run_id} works for a call of run {run.parent_run_id} and can't be forked by itself. "
                f"Fork its root, run {run.root_run_id}, from one of its checkpoints."
            )
        if message is not None and not message.strip():
            raise AgentConfigurationError("The message of a fork is empty; leave it out, or write one.")
        text = None if message is None else storable(message)
        return await store.fork_run(run_id, int(number), text)

    def live_handle(self, run_id: str) -> AgentRunHandle | None:
        """The handle of a run that goes on in this runner, or None."""
        return self._handles.get(run_id)

    # inside

    async def _store(self) -> MemoryStore:
        if self._given_store is None:
            from afk.memory.sqlite.store import SQLiteMemoryStore, default_path

            self._given_store = SQLiteMemoryStore(default_path())
        await self._given_store.open()
        return self._given_store

    def _llm(self) -> LLM:
        if self._given_llm is None:
            from afk.llms.choose import default_llm

            self._given_llm = default_llm()
        return self._given_llm

    async def _require_same_agent(self, store: MemoryStore, agent: Agent, root: RunAndCalls) -> None:
        run = root.run
        if run.state in TERMINAL:
            return  # taking it gives its result
        if run.agent_name != agent.name:
            raise AgentConfigurationError(
                f"Run {run.run_id} was begun by agent {run.agent_name!r} and can't be resumed by {agent.name!r}. "
                f"Pass the agent of that name."
            )
        level = level_of(agent, model_of(agent), self._config)
        if problem := await self._mismatch(store, level, run, root.calls):
            raise AgentConfigurationError(
                f"Run {run.run_id} can't be resumed: {problem}. Pass the agent as it was when the run began."
            )

    async def _mismatch(
        self,
        store: MemoryStore,
        level: Level,
        run: RunRecord,
        calls: Sequence[tuple[EffectRecord, ApprovalRecord | None]],
    ) -> str | None:
        """Why these agents can't go on with the open calls of a run and of those inside it, or None."""
        judge = Judge(level.agent, self._policy, self._config, store, run.thread_id, run.workspace)
        delegated: list[EffectRecord] = []
        for effect, _ in calls:
            if effect.finished_at_ms is not None:
                continue
            if problem := judge.explain_mismatch(effect):
                return problem
            if effect.effect == "subagent":
                delegated.append(effect)
        if not delegated:
            return None
        inside = {
            one.parent_call_id: one
            for one in await store.list_descendants(run.root_run_id)
            if one.parent_run_id == run.run_id and one.state not in TERMINAL
        }
        for effect in delegated:
            child = inside.get(effect.call_id)
            if child is None:
                continue
            below = level_below(level, effect.tool_name, self._config)
            calls = await store.read_calls(child.run_id, child.step)
            if problem := await self._mismatch(store, below, child, calls):
                return problem
        return None

    def _start(
        self, store: MemoryStore, agent: Agent, taken: RunSnapshot | RunRecord, *, resumed: bool
    ) -> AgentRunHandle:
        run = taken.run if isinstance(taken, RunSnapshot) else taken
        handle = AgentRunHandle(run.run_id, run.thread_id)
        if isinstance(taken, RunSnapshot):
            store.live_runs.add(run.run_id)
            self._handles[run.run_id] = handle
        handle.attach(asyncio.ensure_future(self._execute(store, agent, handle, taken, resumed)))
        return handle

    async def _execute(
        self,
        store: MemoryStore,
        agent: Agent,
        handle: AgentRunHandle,
        taken: RunSnapshot | RunRecord,
        resumed: bool,
    ) -> AgentResult:
        owned_here = False
        try:
            if isinstance(taken, RunRecord):
                handle.emit(_stopped(taken, taken.state, taken.interruption))
                return await result_of(store, taken)
            handle.emit(RunStarted(handle.run_id, handle.thread_id, resumed))
            if resumed:
                _warn_of_changes(agent, taken.run, handle)
            try:
                await self._work(store, agent, handle, taken)
            except RunFencedError:
                owned_here = await self._is_owned_here(store, handle.run_id)
                raise
            except BaseException as error:
                if self._handles.get(handle.run_id) is handle:
                    await self._give_up(store, handle.run_id, _order_after(error))
                raise
            run = await store.get_run(handle.run_id)
            assert run is not None
            handle.emit(_stopped(run, run.state, run.interruption))
            return await result_of(store, run)
        finally:
            if self._handles.get(handle.run_id) is handle:
                if not owned_here:
                    store.live_runs.discard(handle.run_id)
                del self._handles[handle.run_id]

    async def _work(
        self, store: MemoryStore, agent: Agent, handle: AgentRunHandle, snapshot: RunSnapshot
    ) -> None:
        """The loop until the run stops; where it waits for people, the waiting, and the loop again."""
        attendant = Attendant(store, self._config, self._provider)
        crew = Crew(store, self._llm(), self._policy, self._config, handle.signals, handle.emit)
        while True:
            stop = await crew.root(agent, model_of(agent), snapshot).run()
            if stop.state != "awaiting_approval":
                return
            # nobody owns a run that only waits, so that whoever gets a decision can go on with it
            store.live_runs.discard(handle.run_id)
            goes_on = await attendant.attend(snapshot.run, handle.signals)
            cancelled = handle.signals.order is not None and handle.signals.order.state == "cancelled"
            if not goes_on and not cancelled:
                return
            try:
                taken = await store.take_run(handle.run_id, handle.thread_id, None)
            except (AgentRunBusyError, AgentRunSupersededError) as error:  # somebody else went on
                handle.emit(RunWarning(handle.run_id, str(error)))
                return
            if isinstance(taken, RunRecord):
                return
            if cancelled and handle.signals.order:
                key = RunKey(handle.run_id, handle.thread_id, taken.run.epoch)
                await store.stop_run(key, handle.signals.order.as_stop())
                return
            snapshot = taken

    async def _is_owned_here(self, store: MemoryStore, run_id: str) -> bool:
        """Whether the run that was taken away goes on all the same through this store: in another runner."""
        with contextlib.suppress(AgentError):
            run = await store.get_run(run_id)
            return run is not None and run.owner == store.owner_id
        return False

    async def _give_up(self, store: MemoryStore, run_id: str, order: StopOrder | None = None) -> None:
        """What this runner took and does not execute must not look as if it ran. Where that can't be written now, it
        is tried again when the runner is closed."""
        store.live_runs.discard(run_id)
        order = order or StopOrder("interrupted", "cancelled", "It was stopped before it went on.")
        self._unstopped[run_id] = order

        async def stop() -> None:
            run = await store.get_run(run_id)
            if run is not None and run.owner == store.owner_id:
                await write_kept(store, run)
                await store.stop_run(RunKey(run_id, run.thread_id, run.epoch), order.as_stop())
            self._unstopped.pop(run_id, None)

        with contextlib.suppress(AgentError):  # the error that led here says more
            await to_the_end(stop())

    async def _drain(self, handle: AgentRunHandle) -> AgentResult:
        try:
            handle.leave_unread()
            return await handle.await_result()
        except asyncio.CancelledError:
            order = StopOrder("interrupted", "cancelled", "The task that awaited this run was cancelled.")
            with contextlib.suppress(AgentError):
                await to_the_end(handle.stop(order))
            raise


def _order_after(error: BaseException) -> StopOrder | None:
    return StopOrder("interrupted", "infrastructure", str(error)) if isinstance(error, AgentError) else None


def _warn_of_changes(agent: Agent, run: RunRecord, handle: AgentRunHandle) -> None:
    now = agent.fingerprint()
    changed = [part for part in {**run.fingerprint, **now} if now.get(part) != run.fingerprint.get(part)]
    if changed:
        handle.emit(
            RunWarning(run.run_id, f"The agent is not quite as it was: its {' and '.join(changed)} changed.")
        )


def _stopped(run: RunRecord, state: Any, interruption: dict[str, Any] | None) -> RunEvent:
    final_text = (run.result or {}).get("final_text", "")
    return RunStopped(run.run_id, run.thread_id, state, interruption_of(interruption), final_text)
