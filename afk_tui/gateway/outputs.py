"""Whole results for the app: which there are, and pieces of one, read as they come on the screen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.errors import told
from afk_tui.gateway.items import call_title

# a longer line is read, and shown, in pieces of so many characters
PIECE_CHARS = 8_000
# what is read at once
SLICE_CHARS = 1 << 16
# what is given to a clipboard at the most
COPY_CHARS = 1_000_000


@dataclass(frozen=True, slots=True)
class OutputView:
    """A whole result; `title` is the call in one line."""

    sha: str
    title: str
    size_bytes: int
    chars: int
    lines: int


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """A line of a result, or a piece of a long one: `text` is clean; `offset` is the place of its first character and
    `end` of the next piece's, in the text as it is kept; `part` counts the pieces of the line, from 0."""

    offset: int
    end: int
    line: int
    part: int
    text: str


@dataclass(frozen=True, slots=True)
class OutputHit:
    """Where a text was found: at `start` of the text of the piece that begins at `piece`. `offset`: to look on from."""

    offset: int
    piece: int
    start: int
    line: int


class LongResults:
    """The results of calls of which a conversation shows a part."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def of_thread(self, thread_id: str) -> list[OutputView]:
        """Those of a thread and of the subagents in it, in the order in which they came."""
        with told():
            found = await self._store.long_results(thread_id)
        return [
            OutputView(
                one.output.sha256,
                call_title(one.effect.tool_name, one.effect.arguments),
                one.output.size_bytes,
                one.output.chars,
                one.output.lines,
            )
            for one in found
        ]

    def pieces(self, view: OutputView) -> OutputPieces:
        """What stands in one."""
        return OutputPieces(self._store, view)


class OutputPieces:
    """The pieces of one result. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore, view: OutputView) -> None:
        self._store = store
        self._view = view

    @property
    def chars(self) -> int:
        """How long the text is."""
        return self._view.chars

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self._view.lines

    async def piece_at(self, offset: int) -> int:
        """Where the piece begins in which this place stands; the last one, beyond the end."""
        offset = max(0, min(offset, self.chars - 1))
        with told():
            found = await self._store.read_output(self._view.sha, offset, 1)
        # a line break is of the piece before it
        back = 1 if found.text == "\n" and found.column > 1 else 0
        return offset - back - (found.column - 1 - back) % PIECE_CHARS

    async def line(self, number: int) -> int:
        """Where a line begins; the last one, beyond it."""
        with told():
            return await self._store.output_line(self._view.sha, max(1, min(number, self.lines)))

    async def after(self, offset: int) -> list[OutputPiece]:
        """The next pieces, the first of which begins at `offset`; none at the end."""
        with told():
            found = await self._store.read_output(self._view.sha, offset, SLICE_CHARS)
        goes_on = found.offset + len(found.text) < self.chars
        pieces = _cut(found.text, found.offset, found.line, found.column)
        if goes_on and len(pieces) > 1 and not found.text.endswith("\n"):
            pieces.pop()  # it may not be whole
        return pieces

    async def before(self, offset: int) -> list[OutputPiece]:
        """The pieces before the one that begins at `offset`; none at the start."""
        start = max(0, offset - SLICE_CHARS)
        with told():
            found = await self._store.read_output(self._view.sha, start, offset - start)
        pieces = _cut(found.text, found.offset, found.line, found.column)
        if found.column % PIECE_CHARS != 1 or (found.column > 1 and found.text.startswith("\n")):
            pieces = pieces[1:]  # of the first one the beginning was not read
        return pieces

    async def find(self, text: str, offset: int, *, backwards: bool = False) -> OutputHit | None:
        """The next place at or after `offset`, or the last before it, where a text stands; case does not count."""
        with told():
            match = await self._store.find_in_output(self._view.sha, text, offset, backwards=backwards)
            if match is None:
                return None
            piece = await self.piece_at(match.offset)
            before = (await self._store.read_output(self._view.sha, piece, match.offset - piece)).text
        return OutputHit(match.offset, piece, len(clean_line(before)), match.line)

    async def copy(self) -> str | None:
        """All of it, for a clipboard; None where that is too much for one."""
        if self.chars > COPY_CHARS:
            return None
        with told():
            return clean((await self._store.read_output(self._view.sha, 0, self.chars)).text)


def _cut(text: str, offset: int, line: int, column: int) -> list[OutputPiece]:
    """Pieces of a text that begins at this place; the first one up to where a piece of its line ends."""
    pieces: list[OutputPiece] = []
    at = 0
    while at < len(text):
        room = PIECE_CHARS - (column - 1) % PIECE_CHARS
        end = text.find("\n", at, at + room + 1)
        ends_line = end >= 0
        stop = end if ends_line else min(len(text), at + room)
        # a line break right behind a piece is that piece's
        after = stop + 1 if ends_line else stop
        shown = clean_line(text[at:stop].removesuffix("\r"))
        pieces.append(OutputPiece(offset + at, offset + after, line, (column - 1) // PIECE_CHARS, shown))
        line, column = (line + 1, 1) if ends_line else (line, column + stop - at)
        at = after
    return pieces


def matches_in(text: str, wanted: str) -> list[tuple[int, int]]:
    """Where a text stands in a piece."""
    found = re.finditer(re.escape(clean_line(wanted)), text, re.IGNORECASE) if wanted else ()
    return [(match.start(), match.end()) for match in found]
