"""The long results of one conversation, as a tool may read them."""

from __future__ import annotations

from dataclasses import dataclass

from afk.memory.store import MemoryStore
from afk.outputs import OutputMatch, OutputRecord, OutputSlice


@dataclass(frozen=True, slots=True)
class ConversationOutputs:
    """Those that messages of a conversation, or of its sources, show a part of: no others have a name here."""

    store: MemoryStore
    conversation_id: str

    async def named(self, name: str) -> list[OutputRecord]:
        """Those whose hash begins like this."""
        return await self.store.outputs_of(self.conversation_id, name)

    async def read(self, sha256: str, offset: int, chars: int) -> OutputSlice:
        """A piece of one."""
        return await self.store.read_output(sha256, offset, chars)

    async def line_start(self, sha256: str, line: int) -> int:
        """The place of a line's first character."""
        return await self.store.output_line(sha256, line)

    async def find(self, sha256: str, text: str, offset: int) -> OutputMatch | None:
        """The next place where a text stands."""
        return await self.store.find_in_output(sha256, text, offset)
