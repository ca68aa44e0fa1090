"""The rows that a list holds: a few pages of many, read when they are wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar, runtime_checkable

PAGE_ROWS = 200
PAGES_KEPT = 8
# Without a `Locator`, a row is looked for by its key in this many pages around the cursor, then given up.
PAGES_SEARCHED = 10

T = TypeVar("T")
Row = TypeVar("Row", covariant=True)


class Source(Protocol[Row]):
    """Where the rows are. Both may raise: the list then shows the message and posts `LoadFailed`."""

    async def count(self) -> int:
        """How many rows there are now."""
        ...

    async def page(self, offset: int, limit: int) -> Sequence[Row]:
        """Up to `limit` rows from row `offset` on, in a stable order; fewer only at the end."""
        ...


@runtime_checkable
class Locator(Protocol):
    """A source that can also say where a row is, however far from the screen."""

    async def locate(self, key: str) -> int | None:
        """The offset of the row with this key, or None if there is none."""
        ...


class RowPages(Generic[T]):
    """`total` rows of `source`, of which at most about `PAGES_KEPT` pages are in memory."""

    def __init__(self, source: Source[T], total: int) -> None:
        self.source = source
        self.total = total
        self._pages: OrderedDict[int, Sequence[T]] = OrderedDict()

    @classmethod
    async def read(cls, source: Source[T], wanted: Callable[[int], Iterable[int]]) -> RowPages[T]:
        """Count, then read the pages that `wanted(total)` names. Raises what the source raises."""
        rows = cls(source, await source.count())
        for number in wanted(rows.total):
            await rows.fetch(number, keep=())
        return rows

    def row_at(self, index: int) -> T | None:
        """Row `index`, or None if it is not in memory."""
        page = self._pages.get(index // PAGE_ROWS)
        place = index % PAGE_ROWS
        return page[place] if page is not None and place < len(page) else None

    def missing(self, wanted: Iterable[int]) -> int | None:
        """The first of the pages `wanted` that is not in memory."""
        return next((number for number in wanted if number not in self._pages), None)

    async def fetch(self, number: int, keep: Iterable[int]) -> None:
        """Read page `number`; let the oldest pages go that are not in `keep`. Raises what the source
        raises."""
        rows = await self.source.page(number * PAGE_ROWS, PAGE_ROWS)
        self._pages[number] = rows
        kept = {number, *keep}
        for old in [page for page in self._pages if page not in kept][: len(self._pages) - PAGES_KEPT]:
            del self._pages[old]
        # A short page is the last one, whatever was counted before: rows may go between two questions.
        if len(rows) < PAGE_ROWS:
            self.total = min(self.total, number * PAGE_ROWS + len(rows))

    async def find(self, key: str, row_key: Callable[[T], str], middle: int) -> int | None:
        """The index of the row with `key`, or None: among the rows held, by the source, or around row
        `middle`."""

        def index_in(rows: Sequence[T]) -> int | None:
            return next((index for index, row in enumerate(rows) if row_key(row) == key), None)

        for number, rows in self._pages.items():
            if (index := index_in(rows)) is not None:
                return number * PAGE_ROWS + index
        if isinstance(self.source, Locator):
            return await self.source.locate(key)
        pages = range((self.total + PAGE_ROWS - 1) // PAGE_ROWS)
        by_distance = sorted(pages, key=lambda number: abs(number - middle // PAGE_ROWS))
        for number in by_distance[:PAGES_SEARCHED]:
            if number not in self._pages:
                index = index_in(await self.source.page(number * PAGE_ROWS, PAGE_ROWS))
                if index is not None:
                    return number * PAGE_ROWS + index
        return None

    def held(self) -> int:
        """How many pages are in memory."""
        return len(self._pages)


def pages_near(first_row: int, last_row: int, cursor: int, total: int) -> list[int]:
    """The pages of the rows on the screen, then those half a page around it and the cursor's."""
    if total <= 0:
        return []
    last_row = max(0, min(last_row, total - 1))
    first_row = max(0, min(first_row, last_row))
    on_screen = range(first_row // PAGE_ROWS, last_row // PAGE_ROWS + 1)
    around = {
        max(0, first_row - PAGE_ROWS // 2) // PAGE_ROWS,
        min(total - 1, last_row + PAGE_ROWS // 2) // PAGE_ROWS,
        max(0, min(cursor, total - 1)) // PAGE_ROWS,
    }
    return [*on_screen, *sorted(around.difference(on_screen))]
