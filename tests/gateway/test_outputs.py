"""The pieces of a whole result: clean lines, read as they are needed, whatever it holds."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator

import pytest

from afk.memory import InMemoryMemoryStore, MemoryStore
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.outputs import PIECE_CHARS, LongResults, OutputPiece, OutputPieces
from tests.memory.contract_outputs import keep

LOG = "".join(f"{n}: a line of the log\n" for n in range(1, 9_001))
LONG_LINE = f"first\n{'0123456789' * 20_000}\nlast"
EXACT = "x" * PIECE_CHARS + "\n" + "y" * 2 * PIECE_CHARS + "\n\n" + "z" * (PIECE_CHARS + 1) + "\n"
HOSTILE = "".join(f"{n}\x1b[2J\u202e\t\r\n" for n in range(3_000))
TEXTS = {"log": LOG, "a long line": LONG_LINE, "lines as long as pieces": EXACT * 6, "hostile": HOSTILE}


@pytest.fixture
async def store() -> AsyncGenerator[MemoryStore, None]:
    made = InMemoryMemoryStore()
    await made.open()
    yield made
    await made.close()


async def opened(store: MemoryStore, text: str) -> OutputPieces:
    await keep(store, text)
    results = LongResults(store)
    [view] = await results.of_thread("th")
    assert (view.chars, view.size_bytes) == (len(text), len(text.encode()))
    return results.pieces(view)


def expected(text: str) -> list[OutputPiece]:
    """All pieces, worked out in the plainest way."""
    pieces: list[OutputPiece] = []
    at = 0
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        parts = [line[n : n + PIECE_CHARS] for n in range(0, len(line), PIECE_CHARS)] or [""]
        for part, piece in enumerate(parts):
            end = at + len(piece)
            if part == len(parts) - 1 and end < len(text):
                end += 1
            pieces.append(OutputPiece(at, end, number, part, clean_line(piece.removesuffix("\r"))))
            at = end
    return pieces


@pytest.mark.parametrize("name", TEXTS)
async def test_read_forwards_and_backwards_it_is_all_there_and_clean(store: MemoryStore, name: str) -> None:
    text = TEXTS[name]
    pieces = await opened(store, text)
    wanted = expected(text)
    forwards: list[OutputPiece] = []
    while more := await pieces.after(forwards[-1].end if forwards else 0):
        forwards += more
    assert forwards == wanted
    backwards: list[OutputPiece] = []
    while more := await pieces.before(backwards[0].offset if backwards else len(text)):
        backwards[:0] = more
    assert backwards == wanted
    assert not any(mark in piece.text for piece in forwards for mark in "\x1b\u202e\t\r")


@pytest.mark.parametrize("name", TEXTS)
async def test_any_place_is_in_a_piece_and_any_line_begins_one(store: MemoryStore, name: str) -> None:
    text = TEXTS[name]
    pieces = await opened(store, text)
    wanted = expected(text)
    begins = {piece.offset for piece in wanted}
    some = random.Random(2)
    for place in [0, len(text) - 1, *(some.randrange(len(text)) for _ in range(40))]:
        begin = await pieces.piece_at(place)
        assert begin in begins
        assert next(p for p in wanted if p.offset == begin).end > place >= begin
    assert await pieces.piece_at(10**9) == wanted[-1].offset
    for number in {1, 2, pieces.lines, 10**9}:
        asked = next(p for p in wanted if p.line == min(number, pieces.lines) and p.part == 0)
        assert await pieces.line(number) == asked.offset


async def test_a_match_is_told_by_its_piece_and_its_place_in_what_is_shown(store: MemoryStore) -> None:
    text = "\x1b" * 300 + "\t" + "x" * (PIECE_CHARS + 500) + "Needle\n" + "filler\n" * 3_000 + "needle"
    pieces = await opened(store, text)
    first = await pieces.find("NEEDLE", 0)
    assert first is not None
    assert (first.line, first.piece) == (1, PIECE_CHARS)
    [piece, *_] = await pieces.after(first.piece)
    assert piece.text[first.start :].startswith("Needle")
    last = await pieces.find("needle", first.offset + 1)
    assert last is not None
    assert last.line == 3_002
    assert await pieces.find("needle", last.offset, backwards=True) == first
    assert await pieces.find("needle", last.offset + 1) is None


async def test_only_what_a_clipboard_takes_is_copied_whole(store: MemoryStore) -> None:
    assert await (await opened(store, LOG)).copy() == LOG


async def test_too_much_for_a_clipboard_is_not_copied(store: MemoryStore) -> None:
    assert await (await opened(store, "x" * 1_000_001)).copy() is None
