"""Loops inside loops: a call to a subagent is a run of its own, worked on by the same loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from afk.agents.agent import Agent
from afk.agents.policy import Policy
from afk.core.budget import Budget
from afk.core.config import RunnerConfig
from afk.core.events import RunEvent, SubagentStarted, SubagentStopped
from afk.core.judge import Judge
from afk.core.loop import StepLoop
from afk.core.signals import Signals
from afk.llms.protocol import LLM
from afk.memory.decided import answered_result
from afk.memory.records import CallResult, EffectRecord, NewChild, RunKey, RunRecord, RunSnapshot, RunStop
from afk.memory.store import MemoryStore

PATH_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Level:
    """An agent at its place: `path` names it and those above it, `depth` counts from 0 for a root run's."""

    agent: Agent
    model: str
    path: str
    depth: int


@dataclass(frozen=True, slots=True)
class Delegated:
    """What became of a call to a subagent: its result; or `stop`, how its run stands, which is no end."""

    effect: EffectRecord
    result: CallResult | None = None
    stop: RunStop | None = None


class Delegate(Protocol):
    """Gives a call's task to the subagent it names."""

    async def __call__(
        self,
        key: RunKey,
        effect: EffectRecord,
        arguments: dict[str, Any],
        args_sha: str,
        decided_sha: str | None,
        budget: Budget,
    ) -> Delegated | None: ...


class Crew:
    """Makes the loop of a root run and those of the runs inside it, which share the store, the model, the limits, the
    signals and the events."""

    def __init__(
        self,
        store: MemoryStore,
        llm: LLM,
        policy: Policy,
        config: RunnerConfig,
        signals: Signals,
        emit: Callable[[RunEvent], None],
    ) -> None:
        self._store = store
        self._llm = llm
        self._policy = policy
        self._config = config
        self._signals = signals
        self._emit = emit

    def root(self, agent: Agent, model: str, snapshot: RunSnapshot) -> StepLoop:
        """The loop of a root run."""
        return self._loop(level_of(agent, model, self._config), snapshot, None)

    def _loop(self, level: Level, snapshot: RunSnapshot, above: Budget | None) -> StepLoop:
        run = snapshot.run
        # the root's clock goes for all of them
        config = self._config if above is None else replace(self._config, max_wall_time_s=None)
        judge = Judge(
            level.agent, self._policy, config, self._store, run.thread_id, run.workspace, level.path
        )

        return StepLoop(
            self._store,
            self._llm,
            level.agent,
            level.model,
            config,
            judge,
            snapshot,
            self._signals,
            self._emit,
            partial(self._work_inside, level),
            above,
        )

    async def _work_inside(
        self,
        level: Level,
        key: RunKey,
        effect: EffectRecord,
        arguments: dict[str, Any],
        args_sha: str,
        decided_sha: str | None,
        budget: Budget,
    ) -> Delegated | None:
        """Begin the subagent's run, or go on with it, until it stops. None: the call may not be made any more."""
        below = level_below(level, effect.tool_name, self._config)
        new = NewChild(
            run_id=self._store.new_id("run"),
            agent_name=below.agent.name,
            model=below.model,
            fingerprint=below.agent.fingerprint(),
            task=str(arguments["task"]),
        )
        begun = await self._store.begin_child(
            key, effect.effect_id, arguments, args_sha, new, decided_sha=decided_sha
        )
        if begun is None:
            return None
        effect, child = begun.effect, begun.child
        if isinstance(child, RunSnapshot):
            run_id = child.run.run_id
            self._emit(
                SubagentStarted(key.run_id, effect.call_id, effect.result_seq, run_id, below.agent.name)
            )
            stop = await self._loop(below, child, budget).run_inside()
            self._emit(SubagentStopped(key.run_id, effect.call_id, run_id, stop.state))
        else:
            stop = RunStop(child.state, child.interruption, child.result)
        if result := answered_result(stop.state, stop.result):
            return Delegated(effect, result)
        return Delegated(effect, stop=_told_above(stop, below.agent.name))


def level_of(agent: Agent, model: str, config: RunnerConfig) -> Level:
    """A root run's agent."""
    return Level(agent if config.max_subagent_depth > 0 else agent.alone(), model, agent.name, 0)


def level_below(level: Level, tool_name: str, config: RunnerConfig) -> Level:
    """The subagent that is offered to this level under that name; at the last level it is without its own."""
    agent = level.agent.subagent(tool_name)
    assert agent is not None  # judged before the call was proposed, and again before its run was taken
    depth = level.depth + 1
    return Level(
        agent if depth < config.max_subagent_depth else agent.alone(),
        agent.model or level.model,
        f"{level.path}{PATH_SEPARATOR}{agent.name}",
        depth,
    )


async def runs_inside(store: MemoryStore, run_id: str) -> list[RunRecord]:
    """The runs inside a run, at whatever depth, the oldest first."""
    run = await store.get_run(run_id)
    if run is None:
        return []
    known = {run_id}
    inside: list[RunRecord] = []
    for one in await store.list_descendants(
        run.root_run_id
    ):  # the oldest first: a parent before its children
        if one.parent_run_id in known:
            known.add(one.run_id)
            inside.append(one)
    return inside


def _told_above(stop: RunStop, name: str) -> RunStop:
    if stop.interruption is None:
        return stop
    return replace(
        stop, interruption={**stop.interruption, "detail": f"Subagent {name}: {stop.interruption['detail']}"}
    )
