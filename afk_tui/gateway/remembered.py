"""What the app remembers over restarts: drafts, places, what was trusted, and messages that wait for their turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told


class Remembered:
    """Preferences of the store. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        # a queue is read, changed and written back: two changes at once would lose a message
        self._queue_lock = asyncio.Lock()

    async def recall(self, what: str, of: str) -> str | None:
        """What was remembered under these names, or None."""
        with told():
            return await self._store.get_preference(f"{what}:{of}")

    async def remember(self, what: str, of: str, value: str | None) -> None:
        """On return it is on disk; None forgets it."""
        with told():
            await self._store.set_preference(f"{what}:{of}", value)

    async def queued(self, thread_id: str) -> list[str]:
        """The messages that wait for the end of the thread's run, in order."""
        return json.loads(await self.recall("queue", thread_id) or "[]")

    async def queue(self, thread_id: str, text: str) -> None:
        """Put a message behind those that wait."""
        async with self._queue_lock:
            await self._keep_queue(thread_id, [*await self.queued(thread_id), text])

    async def take_queued(self, thread_id: str) -> list[str]:
        """All that wait, which then wait no longer."""
        async with self._queue_lock:
            waiting = await self.queued(thread_id)
            if waiting:
                await self._keep_queue(thread_id, [])
            return waiting

    async def send_queued(self, thread_id: str, send: Callable[[str], Awaitable[object]]) -> None:
        """Hand the first that waits to `send`; it waits no longer once `send` has returned."""
        async with self._queue_lock:
            waiting = await self.queued(thread_id)
            if waiting:
                await send(waiting[0])
                await self._keep_queue(thread_id, waiting[1:])

    async def _keep_queue(self, thread_id: str, texts: list[str]) -> None:
        await self.remember("queue", thread_id, json.dumps(texts) if texts else None)
