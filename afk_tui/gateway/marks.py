"""What is marked in a conversation: where its summary stands, and which messages are pinned."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from afk.memory.store import MemoryStore
from afk_tui.gateway.items import key_of
from afk_tui.gateway.views import ConversationItem

PINNED = "pinned: always sent word for word"


@dataclass(frozen=True, slots=True)
class Marks:
    """The last place that a summary stands for (None: there is none), for how many messages, and the pinned places."""

    through_seq: int | None = None
    messages: int = 0
    pins: frozenset[int] = frozenset()

    def put_on(self, items: Sequence[ConversationItem], seqs: Sequence[int]) -> list[ConversationItem]:
        """The items with what is said above and below them. `seqs`: the places of all items, in order."""
        place = self._after(seqs)
        after = None if place is None else key_of(place)
        pinned = {key_of(seq) for seq in self.pins}
        return [self._marked(item, after, pinned) for item in items]

    def differing(self, before: Marks, seqs: Sequence[int]) -> list[int]:
        """The places of the items that are marked otherwise than before."""
        differ = set(self.pins ^ before.pins)
        if (self.through_seq, self.messages) != (before.through_seq, before.messages):
            differ |= {seq for seq in (self._after(seqs), before._after(seqs)) if seq is not None}
        return sorted(differ)

    def _after(self, seqs: Sequence[int]) -> int | None:
        """The first place that the summary does not stand for."""
        if self.through_seq is None:
            return None
        place = bisect_right(seqs, self.through_seq)
        return seqs[place] if place < len(seqs) else None

    def _marked(self, item: ConversationItem, after: str | None, pinned: set[str]) -> ConversationItem:
        if item.key == after:
            many = f"{self.messages:,} {'message' if self.messages == 1 else 'messages'}"
            item = replace(item, above=f"{many} summarised · /summary shows what the model is sent of them")
        if item.key in pinned:
            item = replace(item, footnote=" · ".join(filter(None, (item.footnote, PINNED))))
        return item


async def read_marks(store: MemoryStore, thread_id: str) -> Marks:
    """As they stand on disk now."""
    stands = await store.read_context(thread_id)
    if stands.summary is None:
        return Marks(pins=frozenset(stands.pins))
    return Marks(stands.summary.through_seq, stands.summary.message_count, frozenset(stands.pins))
