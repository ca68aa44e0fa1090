"""What the runner needs of a store for results that are longer than a model is shown."""

from __future__ import annotations

from typing import Protocol

from afk.memory.records import LongResult
from afk.outputs import OutputMatch, OutputRecord, OutputSlice


class WholeOutputs(Protocol):
    """The part of a `MemoryStore` that is about whole results. They are written with the result (boundary B), once for
    the same text, and are there for as long as a message shows a part of them."""

    async def outputs_of(self, conversation_id: str, name: str = "") -> list[OutputRecord]:
        """The whole results whose hash begins with `name` and of which messages of a conversation (a thread's, or a
        subagent's run) show a part, those that a fork reads in its sources among them; in the order of the messages."""
        ...

    async def long_results(self, thread_id: str) -> list[LongResult]:
        """The calls of a thread, of its sources and of the subagents in it of which a part of the result is shown, in
        the order in which they were recorded."""
        ...

    async def get_output(self, sha256: str) -> OutputRecord | None:
        """What is known of a whole result, or None."""
        ...

    async def read_output(self, sha256: str, offset: int, chars: int) -> OutputSlice:
        """Up to `chars` characters of a whole result from the place `offset` (from 0) on. Raises StoreError where it is
        not there, or damaged."""
        ...

    async def output_line(self, sha256: str, line: int) -> int:
        """The place of the first character of a line (from 1); of one beyond the last, the end. Raises StoreError."""
        ...

    async def find_in_output(
        self, sha256: str, text: str, offset: int, *, backwards: bool = False
    ) -> OutputMatch | None:
        """The first place at or after `offset`, or the last before it, where `text` (not empty) stands, upper and lower
        case alike. Raises StoreError."""
        ...
