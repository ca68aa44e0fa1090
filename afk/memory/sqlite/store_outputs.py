"""The part of a store that is about whole results."""

from __future__ import annotations

from afk.memory.records import LongResult
from afk.memory.sqlite import outputs
from afk.memory.sqlite.connection import Connection
from afk.outputs import OutputMatch, OutputRecord, OutputSlice

# how much is looked through before others get their turn
MOST_CHARS_AT_ONCE = 1 << 20


class OutputStore:
    """See `MemoryStore`."""

    _connection: Connection

    async def outputs_of(self, conversation_id: str, name: str = "") -> list[OutputRecord]:
        """The whole results of a conversation whose hash begins like this, in the order of its messages."""
        return await self._connection.read(outputs.outputs_of, conversation_id, name)

    async def long_results(self, thread_id: str) -> list[LongResult]:
        """The calls of a thread and the subagents in it that have a whole result."""
        return await self._connection.read(outputs.long_results, thread_id)

    async def get_output(self, sha256: str) -> OutputRecord | None:
        """What is known of a whole result, or None."""
        return await self._connection.read(outputs.get_output, sha256)

    async def read_output(self, sha256: str, offset: int, chars: int) -> OutputSlice:
        """A piece of a whole result."""
        return await self._connection.read(outputs.read_output, sha256, offset, chars)

    async def output_line(self, sha256: str, line: int) -> int:
        """The place of a line's first character."""
        return await self._connection.read(outputs.line_start, sha256, line)

    async def find_in_output(
        self, sha256: str, text: str, offset: int, *, backwards: bool = False
    ) -> OutputMatch | None:
        """The next place, or the one before, where a text stands; in slices, between which others get their turn."""
        look = outputs.find_backwards if backwards else outputs.find_forwards
        at: int | None = offset
        chars = outputs.PART_CHARS  # what is looked for is often near
        while at is not None:
            found, at = await self._connection.read(look, sha256, text, at, chars)
            if found is not None:
                return found
            chars = min(2 * chars, MOST_CHARS_AT_ONCE)
        return None
