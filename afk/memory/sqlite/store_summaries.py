"""The part of a store that is about summaries and pins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from afk.memory.records import Progress, RunKey
from afk.memory.sqlite import pins, summaries
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners
from afk.memory.summaries import NewSummary, PinRecord, StoredContext, StoredConversation, SummaryRecord


class SummariesInSQLite:
    """See `SummaryStore`."""

    clock: Callable[[], int]
    _connection: Connection
    _owners: Owners

    async def record_summary(
        self, key: RunKey, new: NewSummary, progress: Progress, telemetry: dict[str, Any]
    ) -> SummaryRecord:
        """Keep a summary that a run made."""
        return await self._connection.write(
            "FULL", summaries.record_summary, key, new, progress, telemetry, self.clock()
        )

    async def add_summary(self, thread_id: str, new: NewSummary, telemetry: dict[str, Any]) -> SummaryRecord:
        """Keep a summary that no run made."""
        return await self._connection.write(
            "FULL", summaries.add_summary, self._owners, thread_id, new, telemetry, self.clock()
        )

    async def edit_summary(self, thread_id: str, summary_id: int, text: str, tokens: int) -> SummaryRecord:
        """Put another text in the place of the one in effect."""
        return await self._connection.write(
            "FULL", summaries.edit_summary, self._owners, thread_id, summary_id, text, tokens, self.clock()
        )

    async def drop_summary(self, thread_id: str, summary_id: int) -> SummaryRecord:
        """No summary is in effect any more."""
        return await self._connection.write(
            "FULL", summaries.drop_summary, self._owners, thread_id, summary_id, self.clock()
        )

    async def require_idle(self, thread_id: str) -> None:
        """Nobody works on this thread."""
        await self._connection.read(summaries.require_idle, self._owners, thread_id)

    async def list_summaries(
        self, thread_id: str, *, transcript_id: str | None = None
    ) -> list[SummaryRecord]:
        """Every row of a conversation, the newest first."""
        return await self._connection.read(summaries.list_summaries, thread_id, transcript_id)

    async def read_conversation(self, thread_id: str) -> StoredConversation:
        """A thread's messages, its summary in effect and its pins."""
        return await self._connection.read(summaries.read_conversation, thread_id)

    async def read_context(self, thread_id: str) -> StoredContext:
        """The summary in effect, the pinned places and the size of the last request."""
        return await self._connection.read(summaries.read_context, thread_id)

    async def pin(self, thread_id: str, seq: int) -> PinRecord:
        """Pin a message."""
        return await self._connection.write("FULL", pins.pin, thread_id, seq, self.clock())

    async def unpin(self, thread_id: str, seq: int) -> bool:
        """Take a pin away."""
        return await self._connection.write("FULL", pins.unpin, thread_id, seq, self.clock())

    async def list_pins(self, thread_id: str) -> list[PinRecord]:
        """The pins of a thread."""
        return await self._connection.read(pins.list_pins, thread_id)
