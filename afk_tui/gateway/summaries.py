"""What stands for the older messages of a conversation: looked at, made, edited and dropped by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from afk.agents.agent import Agent
from afk.core.runner import Runner
from afk.memory.records import MessageRecord
from afk.memory.store import MemoryStore
from afk.memory.summaries import SummaryRecord
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.errors import told
from afk_tui.gateway.items import seq_of


@dataclass(frozen=True, slots=True)
class SummaryView:
    """A row that stands, or stood, for older messages.

    `in_effect`: it is what the model is sent now. `made_by`: "auto" or "person"; `edited`: in a person's words;
    `dropped`: it says that all messages are sent again, and has no text.
    """

    summary_id: int
    text: str
    message_count: int
    model: str
    tokens: int
    replaced_tokens: int
    made_by: str
    edited: bool
    dropped: bool
    in_effect: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class PinRow:
    """A pinned message in one line."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class ContextView:
    """How full the model's context is: `tokens` of `window_tokens`, None where it is not known.
    `is_estimate`: counted here, on the high side."""

    tokens: int
    window_tokens: int | None
    is_estimate: bool
    messages: int
    summarised_messages: int
    model: str

    @property
    def share(self) -> float | None:
        """From 0 on."""
        return None if not self.window_tokens else self.tokens / self.window_tokens


class Summaries:
    """The summaries and pins of one app's threads. Everything raises GatewayError; what changes a summary is refused
    while a run of the thread is live."""

    def __init__(self, runner: Runner, store: MemoryStore, agent: Agent) -> None:
        self._runner = runner
        self._store = store
        self._agent = agent

    async def share(self, thread_id: str) -> float | None:
        """How much of the model's context the last request took; None where that is not known. Reads no message."""
        with told():
            stands = await self._store.read_context(thread_id)
        if not stands.sent_tokens or not stands.window_tokens:
            return None
        return stands.sent_tokens / stands.window_tokens

    async def context(self, thread_id: str) -> ContextView:
        """How full the context would be with the next request. Reads and counts every message that it would send."""
        with told():
            use = await self._runner.context_of(thread_id, agent=self._agent)
        return ContextView(
            use.tokens,
            use.window_tokens,
            use.is_estimate,
            use.messages,
            use.summarised_messages,
            clean_line(use.model),
        )

    async def history(self, thread_id: str) -> list[SummaryView]:
        """Every row, the newest first."""
        with told():
            found = await self._runner.list_summaries(thread_id)
            stands = (await self._store.read_context(thread_id)).summary
        current = stands.summary_id if stands else None
        return [_view_of(summary, current) for summary in found]

    async def make(self, thread_id: str, *, anew: bool = False) -> None:
        """Summarise the older messages now; on return that is on disk and in effect. `anew`: from the messages alone.
        Cancelled, the conversation is as it was."""
        with told():
            await self._runner.summarise(thread_id, agent=self._agent, anew=anew)

    async def edit(self, thread_id: str, summary_id: int, text: str) -> None:
        """Put a person's text in the place of the one in effect."""
        with told():
            await self._runner.edit_summary(thread_id, summary_id, text)

    async def drop(self, thread_id: str, summary_id: int) -> None:
        """Send all messages again."""
        with told():
            await self._runner.drop_summary(thread_id, summary_id)

    async def pins(self, thread_id: str) -> list[PinRow]:
        """The pinned messages, in their order."""
        with told():
            pins = await self._runner.list_pins(thread_id)
            return [await self._pin_row(thread_id, pin.seq) for pin in pins]

    async def toggle_pin(self, thread_id: str, key: str) -> bool | None:
        """Pin the message that an item is of, or unpin it; whether it is pinned now, None where it can't be."""
        seq = seq_of(key)
        if seq is None:
            return None
        with told():
            if await self._runner.unpin(thread_id, seq):
                return False
            await self._runner.pin(thread_id, seq)
            return True

    async def _pin_row(self, thread_id: str, seq: int) -> PinRow:
        messages, _ = await self._store.read_range(thread_id, seq, seq)
        return PinRow(seq, _line_of(messages))


def _line_of(messages: Sequence[MessageRecord]) -> str:
    """The first line with something in it, or what the message is."""
    text = messages[0].text if messages else ""
    line = next((line.strip() for line in text[:2_000].splitlines() if line.strip()), "")
    return clean_line(line[:200]) or "(an answer with calls)"


def _view_of(summary: SummaryRecord, current: int | None) -> SummaryView:
    return SummaryView(
        summary_id=summary.summary_id,
        text=clean(summary.text),
        message_count=summary.message_count,
        model=clean_line(summary.model),
        tokens=summary.tokens,
        replaced_tokens=summary.replaced_tokens,
        made_by=summary.made_by,
        edited=summary.edited,
        dropped=summary.dropped,
        in_effect=summary.summary_id == current,
        created_at_ms=summary.created_at_ms,
    )
