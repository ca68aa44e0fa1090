"""Messages that wait for the end of their thread's run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told
from afk_tui.gateway.items import ANY_PLACE


class Queue:
    """Kept with the app's preferences, one list a thread. Everything raises GatewayError; on return it is on disk."""

    def __init__(self, store: MemoryStore, send: Callable[[str, str], Awaitable[object]]) -> None:
        self._store = store
        self._send = send
        # a queue is read, changed and written back: two changes at once would lose a message
        self._lock = asyncio.Lock()

    async def texts(self, thread_id: str) -> list[str]:
        """What waits, in the order in which it is sent."""
        async with self._lock:
            return await self._settled(thread_id)

    async def add(self, thread_id: str, text: str) -> None:
        """Put a message behind those that wait."""
        async with self._lock:
            await self._keep(thread_id, [*await self._settled(thread_id), text])

    async def drop(self, thread_id: str, text: str) -> bool:
        """Forget a message; False where it waits no longer."""
        async with self._lock:
            waiting = await self._settled(thread_id)
            if text not in waiting:
                return False
            waiting.remove(text)
            await self._keep(thread_id, waiting)
            return True

    async def take_back(
        self, thread_id: str, draft_name: str, draft: str, *, only: str | None = None
    ) -> str | None:
        """Put what waits (or `only` this message) in front of a draft, which is kept as `draft_name`, in one write: it
        is in the one or in the other, whenever the process dies. The new draft; None where nothing waits."""
        async with self._lock:
            waiting = await self._settled(thread_id)
            taken = waiting if only is None else [text for text in waiting if text == only][:1]
            if not taken:
                return None
            left = list(waiting)
            for text in taken:
                left.remove(text)
            new = "\n\n".join([*taken, *filter(None, [draft])])
            await self._keep(thread_id, left, {draft_name: new})
            return new

    async def send_first(self, thread_id: str) -> None:
        """Send what waited longest, if anything does. That it is being sent is written down before: a process that dies
        in between leaves it to the next to see whether it was."""
        async with self._lock:
            waiting = await self._settled(thread_id)
            if not waiting:
                return
            with told():
                last = await self._store.heads_before(thread_id, ANY_PLACE, 1)
            intent = json.dumps({"text": waiting[0], "after": last[0].seq if last else 0})
            await self._keep(thread_id, waiting, {_sending(thread_id): intent})
            await self._send(thread_id, waiting[0])
            await self._keep(thread_id, waiting[1:], {_sending(thread_id): None})

    async def _settled(self, thread_id: str) -> list[str]:
        """What waits, without a message that was sent by a process that died before it could say so."""
        with told():
            intent = await self._store.get_preference(_sending(thread_id))
            waiting: list[str] = json.loads(await self._store.get_preference(_queue(thread_id)) or "[]")
            if intent is None:
                return waiting
            begun = json.loads(intent)
            messages, _ = await self._store.read_range(thread_id, begun["after"] + 1, ANY_PLACE)
        was_sent = any(message.role == "user" and message.text == begun["text"] for message in messages)
        if was_sent and waiting and waiting[0] == begun["text"]:
            waiting = waiting[1:]
        await self._keep(thread_id, waiting, {_sending(thread_id): None})
        return waiting

    async def _keep(
        self, thread_id: str, texts: list[str], more: dict[str, str | None] | None = None
    ) -> None:
        with told():
            await self._store.set_preferences(
                {_queue(thread_id): json.dumps(texts) if texts else None, **(more or {})}
            )


def _queue(thread_id: str) -> str:
    return f"queue:{thread_id}"


def _sending(thread_id: str) -> str:
    return f"queue-sending:{thread_id}"
