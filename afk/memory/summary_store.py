"""What the runner needs of a store for summaries and pins. Every method that writes is one transaction."""

from __future__ import annotations

from typing import Any, Protocol

from afk.memory.records import Progress, RunKey
from afk.memory.summaries import NewSummary, PinRecord, StoredContext, StoredConversation, SummaryRecord


class SummaryStore(Protocol):
    """The part of a `MemoryStore` that is about what a model is sent of a long conversation."""

    async def record_summary(
        self, key: RunKey, new: NewSummary, progress: Progress, telemetry: dict[str, Any]
    ) -> SummaryRecord:
        """Keep a summary that a run made of its own conversation (FULL), with what the run has used up by then. Raises
        RunFencedError, or SummaryError where another row came into effect meanwhile."""
        ...

    async def add_summary(self, thread_id: str, new: NewSummary, telemetry: dict[str, Any]) -> SummaryRecord:
        """Keep a summary that no run made (FULL). Raises ThreadNotFoundError, AgentRunBusyError while a run of the
        thread is live, SummaryError where another row came into effect meanwhile."""
        ...

    async def edit_summary(self, thread_id: str, summary_id: int, text: str, tokens: int) -> SummaryRecord:
        """Put a newer row with another text in the place of the one in effect (FULL). Raises as `add_summary`."""
        ...

    async def drop_summary(self, thread_id: str, summary_id: int) -> SummaryRecord:
        """No summary is in effect any more; the row that says so (FULL). Raises as `add_summary`."""
        ...

    async def require_idle(self, thread_id: str) -> None:
        """Raises ThreadNotFoundError, AgentRunBusyError while a run of the thread is live."""
        ...

    async def list_summaries(
        self, thread_id: str, *, transcript_id: str | None = None
    ) -> list[SummaryRecord]:
        """Every row of a conversation, edits and drops among them, the newest first; the thread's own, or that of a
        subagent inside it."""
        ...

    async def read_conversation(self, thread_id: str) -> StoredConversation:
        """A thread's messages, its summary in effect and its pins, of one moment. Raises ThreadNotFoundError."""
        ...

    async def read_context(self, thread_id: str) -> StoredContext:
        """The summary in effect, the pinned places and the size of the last request, without reading any message; empty
        where there is no such thread."""
        ...

    async def pin(self, thread_id: str, seq: int) -> PinRecord:
        """Pin the message at a place, on disk on return; once is enough. Raises ThreadNotFoundError,
        AgentConfigurationError where there is no message."""
        ...

    async def unpin(self, thread_id: str, seq: int) -> bool:
        """Take a pin away; whether there was one."""
        ...

    async def list_pins(self, thread_id: str) -> list[PinRecord]:
        """The pinned messages of a thread, in their order."""
        ...
