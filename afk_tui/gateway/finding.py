"""What a search finds, as the list of hits shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from afk.memory.found import FoundText, words_of
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean_line


@dataclass(frozen=True, slots=True)
class Hit:
    """A title or a message that holds what was looked for. `excerpt` is one clean line; `marks` are the places in it of
    what was found, in order (none where cleaning changed it). `seq` is the message's place, None for a title."""

    thread_id: str
    seq: int | None
    role: Literal["thread", "user", "assistant", "tool"]
    title: str
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    at_ms: int
    archived: bool = False

    @property
    def start(self) -> int:
        """Where the first mark begins; 0 where there is none."""
        return self.marks[0][0] if self.marks else 0

    @property
    def end(self) -> int:
        """Where the first mark ends; 0 where there is none."""
        return self.marks[0][1] if self.marks else 0


@dataclass(frozen=True, slots=True)
class Hits:
    """Titles first, then messages, the newest first; `more`: there are others. `by_words`: nothing holds the text as it
    was typed, these hold all of its words."""

    hits: tuple[Hit, ...]
    more: bool
    by_words: bool = False


async def find_in(
    store: MemoryStore,
    text: str,
    workspace: str | None,
    limit: int,
    so_far: Callable[[Hits], object] | None = None,
) -> Hits:
    """The first `limit` hits in this workspace, or (None) in all; `so_far` is told what there is yet."""

    def hits_of(found: list[FoundText]) -> Hits:
        by_words = bool(found) and found[0].by_words
        words = words_of(text) if by_words else (text.strip(),)
        return Hits(tuple(_hit(one, words) for one in found[:limit]), len(found) > limit, by_words)

    def tell(found: list[FoundText]) -> None:
        if so_far is not None:
            so_far(hits_of(found))

    return hits_of(await store.find(text, workspace=workspace, limit=limit + 1, so_far=tell))


def _hit(found: FoundText, words: tuple[str, ...]) -> Hit:
    excerpt = clean_line(found.excerpt.replace("\r\n", " ").replace("\n", " "))
    if found.cut_before:
        excerpt = f"…{excerpt}"
    return Hit(
        found.thread_id,
        found.seq,
        found.role,
        clean_line(found.title),
        excerpt,
        tuple(sorted(mark for word in words for mark in _places(excerpt, clean_line(word)))),
        found.at_ms,
        found.is_archived,
    )


def _places(text: str, word: str) -> list[tuple[int, int]]:
    """Where a word stands in a text, whatever its case."""
    low, sought = text.lower(), word.lower()
    if len(low) != len(text) or len(sought) != len(word):
        # a letter whose small form is longer moves the places: better no mark than one in the wrong place
        low, sought = text, word
    places: list[tuple[int, int]] = []
    at = low.find(sought) if sought else -1
    while at >= 0:
        places.append((at, at + len(sought)))
        at = low.find(sought, at + len(sought))
    return places
