"""Who decides while a run waits: people through `decide`, a provider of the caller's, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Protocol

from afk.agents.errors import ApprovalAlreadyDecidedError, ApprovalExpiredError
from afk.core.config import RunnerConfig
from afk.core.judge import call_sha
from afk.core.signals import Signals
from afk.memory.records import ApprovalRecord, Decision, EffectRecord, RunRecord
from afk.memory.store import MemoryStore

# how often a run looks whether another process decided something: within a second is the promise
LOOK_EVERY_S = 0.25

Calls = list[tuple[EffectRecord, ApprovalRecord | None]]


class InteractionProvider(Protocol):
    """Something of the caller's that decides: a prompt, a chat bot, a test."""

    async def decide(self, approval: ApprovalRecord) -> Decision | None:
        """A decision about this request, or None to leave it waiting. Asked once for each request; cancelled when
        the run is stopped meanwhile."""
        ...


class Attendant:
    """Waits with a run for decisions, while nobody owns it."""

    def __init__(
        self, store: MemoryStore, config: RunnerConfig, provider: InteractionProvider | None
    ) -> None:
        self._store = store
        self._config = config
        self._provider = provider
        self._asked: set[str] = set()

    async def attend(self, run: RunRecord, signals: Signals) -> bool:
        """Whether the run, or one inside it, can go on: somebody decided something. Headless and without a provider
        nobody is waited for; a stop order ends the waiting."""
        calls = await self._store.open_calls(run.run_id)
        if not self._only_waits(calls) or await self._answer(run, calls, signals):
            return signals.order is None
        if self._config.interaction_mode == "headless":
            return False
        return await self._wait(run, signals)

    async def _answer(self, run: RunRecord, calls: Calls, signals: Signals) -> bool:
        decided = False
        for _, approval in calls:
            if approval is None or approval.status != "pending" or approval.approval_id in self._asked:
                continue
            self._asked.add(approval.approval_id)
            decision = await self._decision(approval, signals)
            if decision is None:
                continue
            if decision.arguments is not None:
                sha = call_sha(approval.tool_name, decision.arguments, run.workspace)
                decision = replace(decision, edited_sha=sha)
            decided = True
            # somebody else, or the clock, was faster: that stands
            with contextlib.suppress(ApprovalAlreadyDecidedError, ApprovalExpiredError):
                await self._store.decide(approval.approval_id, decision)
        return decided

    async def _decision(self, approval: ApprovalRecord, signals: Signals) -> Decision | None:
        if self._provider is not None:
            return await _unless_stopped(self._provider, approval, signals)
        falls_back = self._config.interaction_mode == "headless" and self._config.approval_fallback == "deny"
        if falls_back and approval.kind == "call":
            return Decision(
                "deny", approval.args_sha, "approval_fallback", reason="Nobody is there to decide."
            )
        return None

    async def _wait(self, run: RunRecord, signals: Signals) -> bool:
        seen: tuple[int, int] | None = None
        expires_at_ms: int | None = None
        while signals.order is None:
            signals.decided.clear()
            version = await self._store.data_version()
            if version != seen:
                seen = version
                calls = await self._store.open_calls(run.run_id)
                if not self._only_waits(calls):
                    return True
                expires_at_ms = min(
                    (a.expires_at_ms for _, a in calls if a and a.expires_at_ms), default=None
                )
            if expires_at_ms is not None and expires_at_ms <= self._store.clock():
                return True  # it is asked anew
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await signals.decided.wait()
        return False

    def _only_waits(self, calls: Calls) -> bool:
        """Whether no call can go on without a person, and at least one waits for one."""
        waiting = [a is not None and a.status == "pending" for _, a in calls]
        return bool(waiting) and all(waiting)


async def _unless_stopped(
    provider: InteractionProvider, approval: ApprovalRecord, signals: Signals
) -> Decision | None:
    deciding = asyncio.ensure_future(provider.decide(approval))
    stopping = asyncio.ensure_future(signals.stopped.wait())
    try:
        await asyncio.wait({deciding, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await deciding if deciding.done() else None
    finally:
        for task in (deciding, stopping):
            task.cancel()
        await asyncio.gather(deciding, stopping, return_exceptions=True)
