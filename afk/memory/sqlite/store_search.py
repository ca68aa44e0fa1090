"""The part of a store that finds texts, and keeps the index for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Literal

from afk.agents.errors import StoreError
from afk.memory.found import FoundText
from afk.memory.sqlite import search, search_index
from afk.memory.sqlite.connection import Connection

# titles that come before messages; the others come after them
TITLES_FIRST = 50


class SearchStore:
    """See `MemoryStore`."""

    _connection: Connection
    _index_is_damaged: bool = False
    _is_untidy: bool = False

    async def find(
        self,
        text: str,
        *,
        workspace: str | None = None,
        limit: int = 200,
        so_far: Callable[[list[FoundText]], object] | None = None,
    ) -> list[FoundText]:
        """Titles, then messages, that hold a text; in slices, between which others get their turn."""
        for sought in search.passes_of(text):
            if found := await self._find(sought, workspace, limit, so_far or (lambda _: None)):
                return found
        return []

    async def _find(
        self,
        sought: search.Sought,
        workspace: str | None,
        limit: int,
        so_far: Callable[[list[FoundText]], object],
    ) -> list[FoundText]:
        titles = search.Titles(sought, workspace)
        while titles.below > 0 and len(titles.found) < limit:
            await self._connection.read(search.look_at_titles, titles, limit)
        titles.found.sort(key=lambda one: one.at_ms, reverse=True)
        found, others = titles.found[:TITLES_FIRST], titles.found[TITLES_FIRST:]
        if found:
            so_far(found)
        spans = await self._connection.read(self._spans, sought.words)
        while spans and len(found) < limit:
            more = await self._connection.read(
                search.look_at_messages, sought, workspace, limit - len(found), spans
            )
            found += more
            if more:
                so_far(found[:limit])
        return (found + others)[:limit]

    async def index_messages(self) -> bool:
        """One more piece of work on the index, about 10 ms of the database; False: there is none now."""
        wanted = "anew" if self._index_is_damaged else await self._connection.read(search_index.wants)
        try:
            if wanted == "anew":
                await self._connection.write("NORMAL", search_index.start_over)
                self._index_is_damaged = False
            elif wanted == "block":
                await self._connection.write("NORMAL", search_index.add_block)
                self._is_untidy = True
            else:
                self._is_untidy = self._is_untidy and await self._connection.write(
                    "NORMAL", search_index.tidy
                )
                return self._is_untidy
        except StoreError as error:
            if not search_index.is_damage(error.__cause__) or self._index_is_damaged:
                raise
            self._index_is_damaged = True
        return True

    async def search_index_state(self) -> Literal["none", "sound", "damaged"]:
        """Whether the index says what it should; reads all of it."""
        return await self._connection.read(search_index.state_of)

    async def forget_search_index(self) -> None:
        """Have it made anew."""
        await self._connection.write("NORMAL", search_index.start_over)

    def _spans(self, db: sqlite3.Connection, words: tuple[str, ...]) -> list[search_index.Span]:
        try:
            return search_index.spans_for(db, words)
        except sqlite3.DatabaseError as error:
            if not search_index.is_damage(error):
                raise
            # whatever is wrong with the index, the messages are there to be looked through
            self._index_is_damaged = True
            last = db.execute("SELECT coalesce(max(n), 0) FROM message_row").fetchone()[0]
            return [(1, last)]
