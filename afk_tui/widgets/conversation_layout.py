"""Where everything in a conversation is: heights, guessed until measured, and their prefix sums.

No widget here: `Layout` is told how to draw a piece and answers which piece stands at a line. A `Spot` is a place
that stays true while the heights around it are corrected.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from afk_tui.widgets.conversation_pieces import Piece, estimate_head, estimate_piece, pieces_of

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem, ItemHead, ItemKind


class Sums:
    """Heights and the sums up to each of them, computed again only from the first height that changed."""

    __slots__ = ("_tops", "heights")

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self.heights = list(heights)
        self._tops = [0]

    def set(self, index: int, height: int) -> None:
        """Change one height."""
        if self.heights[index] != height:
            self.heights[index] = height
            del self._tops[index + 1 :]

    def cut(self, index: int) -> None:
        """Forget the heights from `index` on."""
        del self.heights[index:]
        del self._tops[index + 1 :]

    def _sum(self) -> list[int]:
        tops = self._tops
        if len(tops) <= len(self.heights):
            top = tops[-1]
            for height in self.heights[len(tops) - 1 :]:
                top += height
                tops.append(top)
        return tops

    def top(self, index: int) -> int:
        """The sum of all heights before `index`."""
        return self._sum()[index]

    @property
    def total(self) -> int:
        return self._sum()[-1]

    def find(self, line: int) -> int:
        """The index of the height that covers `line`; the last one beyond the end."""
        return max(0, min(bisect_right(self._sum(), line) - 1, len(self.heights) - 1))


# shared by all entries without body: a conversation may have 100,000 of them
NO_SUMS = Sums()
# serials that are left for what comes before the first entries
SERIALS_BEFORE = 1_000_000_000


@dataclass(slots=True, eq=False)
class Entry:
    """An item of the conversation, its body perhaps not loaded (`item` is None, `pieces` empty).

    serial: grows with the position, and never changes. source_index: its place in the source's list of heads, as it was
    when the conversation was opened (see `Layout.earlier`).
    """

    key: str
    kind: ItemKind
    chars: int
    lines: int
    serial: int
    source_index: int | None = None
    item: ConversationItem | None = None
    fold: int = 0
    failed: bool = False
    pieces: Sequence[Piece] = ()
    sums: Sums = NO_SUMS


class Spot(NamedTuple):
    """Line `line` of piece `piece` of entry `entry`."""

    entry: int
    piece: int
    line: int


class Layout:
    """The entries of a conversation and their places.

    draw: draws a piece of an entry and returns its exact height.
    """

    def __init__(self, draw: Callable[[Entry, Piece], int]) -> None:
        self._draw = draw
        self.entries: list[Entry] = []
        self.positions: dict[str, int] = {}
        self.sums = Sums()
        self.width = 0
        # heads that came before those of the opening
        self.earlier = 0
        self._serial = 0

    # -- entries ------------------------------------------------------------------------------------------

    def find(self, key: str) -> int | None:
        """The position of the entry with this key."""
        return self.positions.get(key)

    def add(self, key: str, kind: ItemKind, chars: int, lines: int, source_index: int | None = None) -> int:
        """Put an entry without body at the end; returns its position."""
        position = len(self.entries)
        self._serial += 1
        self.entries.append(Entry(key, kind, chars, lines, self._serial, source_index))
        self.positions[key] = position
        self.sums.heights.append(self._guess(position))
        return position

    def fill(self, heads: Sequence[ItemHead]) -> None:
        """Begin with entries without body, one for each head; of heads with the same key, the first."""
        places = {head.key: index for index, head in reversed(list(enumerate(heads)))}
        if len(places) < len(heads):
            kept = sorted(places.values())
            heads = [heads[index] for index in kept]
        else:
            kept = range(len(heads))
        self.earlier = 0
        self.entries = [
            Entry(head.key, head.kind, head.chars, head.lines, SERIALS_BEFORE + index, index)
            for index, head in zip(kept, heads, strict=True)
        ]
        self._serial = SERIALS_BEFORE + (kept[-1] if self.entries else 0)
        self.positions = {entry.key: position for position, entry in enumerate(self.entries)}
        self.sums = Sums(self._guess(position) for position in range(len(self.entries)))

    def prepend(self, heads: Sequence[ItemHead]) -> int:
        """Put entries without body before all others, those whose keys are there already left out; how many."""
        self.earlier += len(heads)
        lowest = self.entries[0].serial if self.entries else SERIALS_BEFORE
        added = [
            Entry(
                head.key, head.kind, head.chars, head.lines, lowest - len(heads) + index, index - self.earlier
            )
            for index, head in enumerate(heads)
            if head.key not in self.positions
        ]
        self.entries[:0] = added
        self.positions = {entry.key: position for position, entry in enumerate(self.entries)}
        guesses = [self._guess(position) for position in range(len(added))]
        self.sums = Sums([*guesses, *self.sums.heights])
        self._fit_gap(len(added))
        return len(added)

    def remove(self, position: int) -> None:
        """Take an entry out."""
        del self.entries[position]
        heights = self.sums.heights[position + 1 :]
        self.sums.cut(position)
        self.sums.heights += heights
        self.positions = {entry.key: index for index, entry in enumerate(self.entries)}
        self._fit_gap(position)

    def _fit_gap(self, position: int) -> None:
        """What stands before an entry has changed."""
        if position >= len(self.entries):
            return
        entry = self.entries[position]
        if entry.pieces:
            first = entry.pieces[0]
            gap = self.gap(position)
            if first.gap != gap:
                first.height += gap - first.gap
                first.gap, first.rows = gap, None
                entry.sums.set(0, first.height)
        self._sum_up(position)

    def rename(self, position: int, key: str) -> None:
        """Give an entry another key."""
        entry = self.entries[position]
        del self.positions[entry.key]
        entry.key = key
        self.positions[key] = position

    def gap(self, position: int) -> int:
        """Blank lines above an entry: calls that follow each other stand together."""
        if position == 0:
            return 0
        before, entry = self.entries[position - 1], self.entries[position]
        return 0 if before.kind == entry.kind == "call" else 1

    def set_item(self, position: int, item: ConversationItem) -> None:
        """Give an entry its body, new or changed. What looks the same is not drawn again."""
        entry = self.entries[position]
        entry.item, entry.kind = item, item.kind
        entry.chars, entry.lines, entry.failed = len(item.text), item.text.count("\n") + 1, False
        self.set_pieces(
            position, pieces_of(item, entry.fold, self.gap(position)), keep=item.kind == "assistant"
        )

    def set_pieces(self, position: int, pieces: list[Piece], *, keep: bool = True) -> None:
        """Replace the pieces of an entry, keeping those that did not change."""
        entry = self.entries[position]
        if keep:
            known = {piece.look: piece for piece in entry.pieces}
            # each only once: a piece is a place too
            pieces = [known.pop(piece.look, piece) for piece in pieces]
        for piece in pieces:
            if not piece.exact:
                piece.height = estimate_piece(piece, self.width)
        entry.pieces = pieces
        entry.sums = Sums(piece.height for piece in pieces)
        self._sum_up(position)

    def replace_tail(self, position: int, start: int, pieces: list[Piece]) -> None:
        """Replace the pieces of an entry from `start` on, in time proportional to the new ones."""
        entry = self.entries[position]
        if not isinstance(entry.pieces, list):
            entry.pieces, entry.sums = list(entry.pieces), Sums(entry.sums.heights)
        del entry.pieces[start:]
        entry.sums.cut(start)
        for piece in pieces:
            if not piece.exact:
                piece.height = estimate_piece(piece, self.width)
            entry.pieces.append(piece)
            entry.sums.heights.append(piece.height)
        self._sum_up(position)

    def unload(self, position: int) -> None:
        """Drop the body of an entry; its height stays as the guess."""
        entry = self.entries[position]
        entry.item, entry.pieces, entry.sums = None, (), NO_SUMS

    def _guess(self, position: int) -> int:
        entry = self.entries[position]
        return self.gap(position) + estimate_head(entry.kind, entry.chars, entry.lines, self.width)

    def _sum_up(self, position: int) -> None:
        entry = self.entries[position]
        self.sums.set(position, entry.sums.total if entry.pieces else self._guess(position))

    def resize(self, width: int) -> None:
        """Every height is a guess again, at this width."""
        self.width = width
        heights: list[int] = []
        for position, entry in enumerate(self.entries):
            for piece in entry.pieces:
                piece.exact, piece.rows = False, None
                piece.height = estimate_piece(piece, width)
            if entry.pieces:
                entry.sums = Sums(piece.height for piece in entry.pieces)
                heights.append(entry.sums.total)
            else:
                heights.append(self._guess(position))
        self.sums = Sums(heights)

    # -- places -------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Lines in all, as far as is known."""
        return self.sums.total

    def locate(self, line: int) -> Spot:
        """The place at a line; nothing is measured."""
        position = self.sums.find(line)
        entry = self.entries[position]
        line -= self.sums.top(position)
        if not entry.pieces:
            return Spot(position, 0, line)
        piece = entry.sums.find(line)
        return Spot(position, piece, line - entry.sums.top(piece))

    def line_of(self, spot: Spot) -> int:
        """The line at which a place is now."""
        entry = self.entries[spot.entry]
        inside = entry.sums.top(spot.piece) if entry.pieces else 0
        return self.sums.top(spot.entry) + inside + spot.line

    def measure(self, position: int, piece_index: int) -> int:
        """The height of a piece: exact after this, unless the body is not loaded."""
        entry = self.entries[position]
        if not entry.pieces:
            return self.sums.heights[position]
        piece = entry.pieces[piece_index]
        if not piece.exact:
            piece.height = self._draw(entry, piece)
            piece.exact = True
            entry.sums.set(piece_index, piece.height)
            self._sum_up(position)
        return piece.height

    def hold(self, spot: Spot) -> Spot:
        """The same place after its piece was measured, or its body came or went."""
        entry = self.entries[spot.entry]
        piece = min(spot.piece, max(0, len(entry.pieces) - 1))
        height = self.measure(spot.entry, piece)
        return Spot(spot.entry, piece, max(0, min(spot.line, height - 1)))

    def walk(self, spot: Spot, lines: int) -> Spot:
        """The place `lines` further down (up if negative), measuring what is passed; stops at both ends."""
        position, piece, line = self.hold(spot)
        line += lines
        while line < 0:
            if piece > 0:
                piece -= 1
            elif position > 0:
                position -= 1
                piece = max(0, len(self.entries[position].pieces) - 1)
            else:
                return Spot(0, 0, 0)
            line += self.measure(position, piece)
        while line >= (height := self.measure(position, piece)):
            if piece + 1 < len(self.entries[position].pieces):
                piece += 1
            elif position + 1 < len(self.entries):
                position, piece = position + 1, 0
            else:
                return Spot(position, piece, max(0, height - 1))
            line -= height
        return Spot(position, piece, line)

    def last(self) -> Spot:
        """The very last line."""
        return self.last_of(len(self.entries) - 1)

    def last_of(self, position: int) -> Spot:
        """The last line of an entry."""
        piece = max(0, len(self.entries[position].pieces) - 1)
        return Spot(position, piece, max(0, self.measure(position, piece) - 1))

    def settle(self, top: Spot | None, height: int) -> Spot:
        """Measure `height` lines from `top` down, or the last ones if it is None. Returns the first line shown."""
        if top is not None:
            top = self.hold(top)
            self.walk(top, height - 1)
            if self.total - self.line_of(top) >= height:
                return top
        return self.walk(self.last(), 1 - height)
