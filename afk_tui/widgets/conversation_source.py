"""Where a conversation's items come from, and which of them are worth having in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from afk_tui.widgets.conversation_pieces import Piece

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem, ItemHead
    from afk_tui.widgets.conversation_canvas import ConversationCanvas
    from afk_tui.widgets.conversation_layout import Entry

LOAD_AT_MOST = 100
"""Items asked for at once."""
FIRST_BODIES = 25
"""Items that fill a usual screen; a tall one asks for more. The rest is asked for once these are painted."""
OPENED_WITH = 120
"""Heads asked for where a long conversation is opened at its end."""
EARLIER_AT_ONCE = 4_000
"""Heads asked for at once of what is before those."""
MARGIN = 20
"""Items loaded above and below what is on the screen."""
KEPT_CHARS = 4_000_000
"""Bodies kept in memory, in characters; what is on the screen always is."""
KEPT_ITEMS = 2_000
"""Bodies kept in memory, however short: Python searches all of them for garbage, a twentieth of a second for 20,000."""


class Source(Protocol):
    """A conversation on disk. An error raised by either is shown to the person, not swallowed."""

    async def heads(self) -> list[ItemHead]:
        """All items in order, without their bodies."""
        ...

    async def load(self, first: int, last: int) -> list[ConversationItem]:
        """The items `first` to `last` (exclusive) of the list that `heads` gave. Items gone since may be missing."""
        ...


@runtime_checkable
class LongSource(Source, Protocol):
    """A source that can be opened at its end, and be asked for what is before it later."""

    async def last_heads(self, count: int, place: str | None = None) -> list[ItemHead]:
        """At least the last `count` items in order, and all from the item `place` on; those that `load` counts from."""
        ...

    async def earlier_heads(self, count: int) -> list[ItemHead]:
        """Up to `count` items before all that were given so far, in order; they then come first in what `load` counts.
        Empty: there are none."""
        ...


class Loader:
    """Loads the bodies of what is on the screen and around it, and gives up those long out of sight.

    One for each opened source; after `stop` it changes nothing any more.
    """

    def __init__(
        self, source: Source, canvas: ConversationCanvas, failed: Callable[[Exception], object]
    ) -> None:
        self.source = source
        self.busy = False
        self._canvas = canvas
        self._failed = failed
        self._stopped = False
        self._kept: OrderedDict[int, tuple[Entry, int]] = OrderedDict()
        self._kept_chars = 0

    def stop(self) -> None:
        """Change nothing from now on."""
        self._stopped = True

    def wanted(self) -> list[Entry]:
        """Neighbouring entries without body, what is on the screen first; empty if nothing is missing."""
        entries = self._canvas.pages.entries
        if not entries:
            return []
        first, last = self._canvas.shown_range
        start, end = max(0, first - MARGIN), min(len(entries) - 1, last + MARGIN)
        near = [*range(first, last + 1), *range(last + 1, end + 1), *range(first - 1, start - 1, -1)]
        found = next((index for index in near if _is_missing(entries[index])), None)
        if found is None:
            return []
        low = high = found
        while high < end and _is_missing(entries[high + 1]) and high - low < LOAD_AT_MOST - 1:
            high += 1
        while low > start and _is_missing(entries[low - 1]) and high - low < LOAD_AT_MOST - 1:
            low -= 1
        return entries[low : high + 1]

    async def run(self) -> None:
        """Load until nothing on the screen and around it is missing."""
        self.busy = True
        try:
            while not self._stopped and (wanted := self.wanted()):
                await self._load(wanted)
        finally:
            self.busy = False

    async def _load(self, wanted: list[Entry]) -> None:
        first, last = wanted[0].source_index, wanted[-1].source_index
        assert first is not None
        assert last is not None
        earlier = self._canvas.pages.earlier
        error: Exception | None = None
        items: list[ConversationItem] = []
        try:
            items = await self.source.load(first + earlier, last + earlier + 1)
        except Exception as raised:  # noqa: BLE001  (any source, any error: it is shown in place of the items)
            error = raised
        if self._stopped:
            return
        self.take(items)
        self._note_missing(wanted, error)
        self._give_up()
        self._canvas.settle()

    def take(self, items: list[ConversationItem]) -> None:
        """Put bodies that came from the source in their places."""
        pages = self._canvas.pages
        for item in items:
            position = pages.find(item.key)
            if position is None or pages.entries[position].item is not None:
                continue
            self._canvas.put(position, item)
            entry = pages.entries[position]
            self._kept[entry.serial] = (entry, entry.chars)
            self._kept_chars += entry.chars

    def forget(self, entry: Entry) -> None:
        """The body of this entry is not the source's any more: it is never loaded or given up."""
        entry.source_index = None
        _, chars = self._kept.pop(entry.serial, (entry, 0))
        self._kept_chars -= chars

    def _note_missing(self, wanted: list[Entry], error: Exception | None) -> None:
        pages = self._canvas.pages
        for entry in wanted:
            position = pages.find(entry.key)
            if position is None or not _is_missing(entry):
                continue
            text = f"This could not be loaded: {error} · enter tries again" if error else "This is gone."
            entry.failed = True
            pages.set_pieces(position, [Piece("failure", text, gap=pages.gap(position))])
        if error is not None:
            self._failed(error)

    def _give_up(self) -> None:
        if not self._is_too_much(self._kept_chars, len(self._kept)):
            return
        pages = self._canvas.pages
        first, last = self._canvas.shown_range
        near = {entry.serial for entry in pages.entries[max(0, first - 2 * MARGIN) : last + 2 * MARGIN + 1]}
        kept_chars = self._kept_chars
        going: list[int] = []
        for serial, (entry, chars) in self._kept.items():
            if not self._is_too_much(kept_chars, len(self._kept) - len(going)):
                break
            position = pages.find(entry.key)
            if serial in near or position is None:
                continue
            kept_chars -= chars
            going.append(serial)
            pages.unload(position)
        for serial in going:
            del self._kept[serial]
        self._kept_chars = kept_chars

    @staticmethod
    def _is_too_much(chars: int, items: int) -> bool:
        return chars > KEPT_CHARS or items > KEPT_ITEMS


def _is_missing(entry: Entry) -> bool:
    return entry.item is None and entry.source_index is not None and not entry.failed
