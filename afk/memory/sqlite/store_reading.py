"""The part of a store that serves those who read and write in the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from afk.memory.records import ApprovalRecord, CheckpointRecord
from afk.memory.sqlite import in_thread, queries, sent
from afk.memory.sqlite.connection import Connection


class ReadingStore:
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection

    async def requests_of(self, effect_ids: Sequence[str]) -> dict[str, list[ApprovalRecord]]:
        """All requests about these calls, each call's oldest first; by the call."""
        return await self._connection.read(queries.requests_of, tuple(effect_ids))

    async def first_checkpoint(self, run_id: str) -> CheckpointRecord | None:
        """The first checkpoint of a run, or None where it was removed."""
        return await self._connection.read(queries.first_checkpoint, run_id)

    async def sent_messages(self, workspace: str, *, limit: int, most_chars: int) -> list[str]:
        """What was sent last in a workspace."""
        return await self._connection.read(sent.sent_messages, workspace, limit, most_chars)

    async def find_in_thread(self, thread_id: str, text: str) -> list[tuple[int, int]]:
        """Places of a thread that hold a text, each with how often, in order."""
        found: list[tuple[int, int]] = []
        after: int | None = 0
        while after is not None and text:
            more, after = await self._connection.read(in_thread.find_in_thread, thread_id, text, after)
            found += more
        return found

    async def get_preference(self, key: str) -> str | None:
        """A value of the app's own, or None."""
        return await self._connection.read(queries.get_preference, key)

    async def set_preference(self, key: str, value: str | None) -> None:
        """Keep a value of the app's own; None forgets it."""
        await self.set_preferences({key: value})

    async def set_preferences(self, values: Mapping[str, str | None]) -> None:
        """Keep several at once."""
        await self._connection.write("NORMAL", queries.set_preferences, dict(values), self.clock())
