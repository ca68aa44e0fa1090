"""The part of a store that lists what happened."""

from __future__ import annotations

from afk.memory.records import CheckpointRecord
from afk.memory.sqlite import timeline
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners
from afk.memory.timeline import TimelineCounts, TimelineEntry


class TimelineInSQLite:
    """See `TimelineStore`."""

    _connection: Connection
    _owners: Owners

    async def count_timeline(self, thread_id: str) -> TimelineCounts:
        """How many lines there are."""
        return await self._connection.read(timeline.count_timeline, thread_id)

    async def read_timeline(
        self, thread_id: str, *, before: float | None = None, offset: int = 0, limit: int = 200
    ) -> list[TimelineEntry]:
        """Lines of a thread's timeline, the newest first."""
        return await self._connection.read(
            timeline.read_timeline, self._owners, thread_id, before, offset, limit
        )

    async def checkpoint_with_former(
        self, run_id: str, number: int
    ) -> tuple[CheckpointRecord, CheckpointRecord | None] | None:
        """A checkpoint and the one before it."""
        return await self._connection.read(timeline.checkpoint_with_former, run_id, number)
