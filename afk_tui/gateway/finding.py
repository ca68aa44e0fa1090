"""What a search finds, as the list of hits shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from afk.memory.found import FoundText
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean_line


@dataclass(frozen=True, slots=True)
class Hit:
    """A title or a message that holds what was looked for. `excerpt` is one clean line; the text stands in it from
    `start` to `end` (both 0 where cleaning changed it). `seq` is the message's place, None for a title."""

    thread_id: str
    seq: int | None
    role: Literal["thread", "user", "assistant", "tool"]
    title: str
    excerpt: str
    start: int
    end: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Hits:
    """Titles first, then messages, the newest first; `more`: there are others."""

    hits: tuple[Hit, ...]
    more: bool


async def find_in(store: MemoryStore, text: str, workspace: str | None, limit: int) -> Hits:
    """The first `limit` hits in this workspace, or (None) in all."""
    found = await store.find(text, workspace=workspace, limit=limit + 1) if text.strip() else []
    return Hits(tuple(_hit(one, text) for one in found[:limit]), len(found) > limit)


def _hit(found: FoundText, text: str) -> Hit:
    excerpt = clean_line(found.excerpt.replace("\r\n", " ").replace("\n", " "))
    if found.cut_before:
        excerpt = f"…{excerpt}"
    sought = clean_line(text)
    start = excerpt.lower().find(sought.lower())
    if start < 0 or len(excerpt.lower()) != len(excerpt):
        # a letter whose small form is longer moves the places: better no mark than one in the wrong place
        start = excerpt.find(sought)
    end = start + len(sought)
    if start < 0:
        start = end = 0
    return Hit(
        found.thread_id, found.seq, found.role, clean_line(found.title), excerpt, start, end, found.at_ms
    )
