"""Notices what anybody records in the store, in this process or another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from textual.message import Message

from afk.agents.errors import StoreError
from afk.memory.records import ApprovalRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway import messages
from afk_tui.gateway.clean import clean

# a decision of another process is seen within a second
LOOK_EVERY_S = 0.3


class Watch:
    """Posts StoreChanged for every change, and calls `decided` with the thread of a request that this app has shown
    waiting and that waits no longer."""

    def __init__(
        self,
        store: MemoryStore,
        post: Callable[[Message], object],
        decided: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._post = post
        self._decided = decided
        self._shown: dict[str, str] = {}

    def shown(self, requests: Iterable[ApprovalRecord]) -> None:
        """These were shown, waiting."""
        self._shown.update({request.approval_id: request.thread_id for request in requests})

    def forget(self, approval_id: str) -> None:
        """This one is being decided here."""
        self._shown.pop(approval_id, None)

    async def run(self) -> None:
        """Look until cancelled. A store that fails is told once (StoreFailed), and looked at again until it answers."""
        seen: tuple[int, int] | None = None
        failed = False
        while True:
            try:
                version = await self._store.data_version()
                if version != seen and (seen is not None or failed):
                    self._post(messages.StoreChanged())
                    await self._notice_decisions()
                seen, failed = version, False
            except StoreError as error:
                if not failed:
                    self._post(messages.StoreFailed(clean(str(error))))
                seen, failed = None, True  # whatever was recorded meanwhile is news
            await asyncio.sleep(LOOK_EVERY_S)

    async def _notice_decisions(self) -> None:
        if not self._shown:
            return
        waiting = {a.approval_id for a in await self._store.list_approvals(pending_only=True)}
        threads = {thread for approval, thread in self._shown.items() if approval not in waiting}
        self._shown = {a: t for a, t in self._shown.items() if a in waiting}
        for thread_id in threads:
            await self._decided(thread_id)
