"""Who decides while a run waits: people through `decide`, a provider of the caller's, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from afk.agents.errors import ApprovalAlreadyDecidedError
from afk.core.config import RunnerConfig
from afk.core.signals import Signals
from afk.memory.records import ApprovalRecord, Decision
from afk.memory.store import MemoryStore

# how often a run looks whether another process decided something: within a second is the promise
LOOK_EVERY_S = 0.25


class InteractionProvider(Protocol):
    """Something of the caller's that decides: a prompt, a chat bot, a test."""

    async def decide(self, approval: ApprovalRecord) -> Decision | None:
        """A decision about this request, or None to leave it waiting. Asked once for each request."""
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

    async def attend(self, run_id: str, signals: Signals) -> bool:
        """Whether the run can go on: somebody decided something. Headless and without a provider nobody is waited
        for; a stop order ends the waiting."""
        waiting = await self._waiting(run_id)
        if await self._answer(waiting):
            return True
        if self._config.interaction_mode == "headless":
            return False
        return await self._wait(run_id, {a.approval_id for a in waiting}, signals)

    async def _answer(self, waiting: list[ApprovalRecord]) -> bool:
        decided = False
        for approval in waiting:
            if approval.approval_id in self._asked:
                continue
            self._asked.add(approval.approval_id)
            decision = await self._decision(approval)
            if decision is None:
                continue
            decided = True
            # somebody else was faster: their decision stands
            with contextlib.suppress(ApprovalAlreadyDecidedError):
                await self._store.decide(approval.approval_id, decision)
        return decided

    async def _decision(self, approval: ApprovalRecord) -> Decision | None:
        if self._provider is not None:
            return await self._provider.decide(approval)
        falls_back = self._config.interaction_mode == "headless" and self._config.approval_fallback == "deny"
        if falls_back and approval.kind == "call":
            return Decision(
                "deny", approval.args_sha, "approval_fallback", reason="Nobody is there to decide."
            )
        return None

    async def _wait(self, run_id: str, before: set[str], signals: Signals) -> bool:
        seen: tuple[int, int] | None = None
        while signals.order is None:
            signals.decided.clear()
            version = await self._store.data_version()
            if version != seen:
                seen = version
                if {a.approval_id for a in await self._waiting(run_id)} != before:
                    return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await signals.decided.wait()
        return False

    async def _waiting(self, run_id: str) -> list[ApprovalRecord]:
        return await self._store.list_approvals(run_id=run_id, pending_only=True)
