"""The part of a store that is about lists of threads."""

from __future__ import annotations

from collections.abc import Callable

from afk.memory.records import ThreadRecord
from afk.memory.sqlite import threads
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners
from afk.memory.threads import ThreadFilter


class ThreadStore:
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection
    _owners: Owners

    async def list_threads(
        self,
        *,
        workspace: str | None = None,
        show: ThreadFilter = "all",
        offset: int = 0,
        limit: int = 200,
    ) -> list[ThreadRecord]:
        """Threads, the pinned ones first, then the one touched last first."""
        await self._settle(show)
        return await self._connection.read(threads.list_threads, self._owners, workspace, show, offset, limit)

    async def count_threads(self, *, workspace: str | None = None, show: ThreadFilter = "all") -> int:
        """How many there are."""
        await self._settle(show)
        return await self._connection.read(threads.count_threads, workspace, show)

    async def count_threads_by_filter(self, *, workspace: str | None = None) -> dict[ThreadFilter, int]:
        """The same for every filter."""
        await self._settle("running")
        return await self._connection.read(threads.count_by_filter, workspace)

    async def locate_thread(
        self, thread_id: str, *, workspace: str | None = None, show: ThreadFilter = "all"
    ) -> int | None:
        """At which offset of a list a thread stands."""
        return await self._connection.read(threads.locate_thread, thread_id, workspace, show)

    async def get_thread(self, thread_id: str) -> ThreadRecord | None:
        """One thread, or None."""
        return await self._connection.read(threads.get_thread, self._owners, thread_id)

    async def rename_thread(self, thread_id: str, title: str) -> None:
        """Another title."""
        await self._connection.write("FULL", threads.rename, thread_id, title)

    async def pin_thread(self, thread_id: str, *, pinned: bool = True) -> None:
        """Before the others, or not."""
        await self._connection.write("FULL", threads.pin, thread_id, self.clock() if pinned else None)

    async def archive_thread(self, thread_id: str, *, archived: bool = True) -> None:
        """Out of the lists of current threads, or back."""
        await self._connection.write("FULL", threads.archive, thread_id, self.clock() if archived else None)

    async def mark_thread_seen(self, thread_id: str, upto_ms: int) -> None:
        """Read up to there. NORMAL: lost with the power, the thread is unread once more."""
        await self._connection.write("NORMAL", threads.mark_seen, thread_id, upto_ms)

    async def _settle(self, show: ThreadFilter) -> None:
        """What only reads as interrupted is filtered as that."""
        if show in ("running", "interrupted") and await self._connection.read(
            threads.dead_running, self._owners
        ):
            await self._connection.write("NORMAL", threads.settle_dead, self._owners)
