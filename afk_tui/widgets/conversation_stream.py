"""An answer while it arrives: finished blocks drawn once, the open one drawn again."""

from __future__ import annotations

from time import perf_counter

from afk_tui.widgets.blocks import BlockSplitter
from afk_tui.widgets.conversation_layout import Layout
from afk_tui.widgets.conversation_pieces import Piece, block_piece

SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
# how much longer than it took to show it, it then rests
REST = 2
# While somebody types it is shown right after a key, when the next one is furthest away: not more often than this, and
# without a key after that.
TYPING_S = 1.0
AFTER_KEY_AT_MOST_EVERY_S = 0.12
WITHOUT_KEY_S = 0.4


class Stream:
    """What was fed and not shown yet, and when it may be shown: at most 20 times a second, at most half of the time."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting = False
        self.shown_at = 0.0
        self._ready_at = 0.0
        self.restart()

    def restart(self) -> None:
        """Forget everything that was fed."""
        self._splitter = BlockSplitter()
        self._fresh: list[Piece] = []
        self._frozen = 0

    def feed(self, text: str) -> None:
        """Take text; costs time proportional to `text`."""
        for block in self._splitter.feed(text):
            self._fresh.append(block_piece(block, first=self._frozen + len(self._fresh) == 0))

    def show(self, layout: Layout, position: int) -> None:
        """Put what was fed since the last time into the layout."""
        fresh = self._fresh
        open_block = self._splitter.open()
        self._fresh = []
        first = self._frozen + len(fresh) == 0
        pieces = list(fresh)
        if open_block is not None:
            pieces.append(block_piece(open_block, first=first))
        if not pieces and first:
            pieces.append(Piece("waiting_for_text", "…"))
        if self._frozen == 0:
            pieces[0].gap = layout.gap(position)
        shown = layout.entries[position].pieces
        # an open block that ended as it was last drawn is not drawn again
        if pieces and self._frozen < len(shown) and shown[self._frozen].look == pieces[0].look:
            pieces[0] = shown[self._frozen]
        layout.replace_tail(position, self._frozen, pieces)
        self._frozen += len(fresh)

    def pause(self) -> float:
        """Seconds until it may be shown again."""
        return max(0.0, self._ready_at - perf_counter())

    def took(self, seconds: float, *, somebody_types: bool = False) -> None:
        """Note what showing it cost just now. While somebody types, the keys come first."""
        self.shown_at = perf_counter()
        shortest = WITHOUT_KEY_S if somebody_types else SHORTEST_PAUSE_S
        self._ready_at = self.shown_at + min(LONGEST_PAUSE_S, max(shortest, REST * seconds))
