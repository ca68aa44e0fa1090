"""What is handed to a terminal: at once where it takes it, in order and whole where it does not."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Iterator

import pytest

from afk_tui.terminal.writer import TerminalWriter

Pair = tuple[int, int]


@pytest.fixture
def terminal() -> Iterator[Pair]:
    """The side of whoever looks at a terminal, and the terminal."""
    outside, inside = pty.openpty()
    tty.setraw(inside)
    yield outside, inside
    os.close(outside)
    os.close(inside)


@pytest.fixture
def writer(terminal: Pair) -> Iterator[TerminalWriter]:
    """One whose thread does not run yet."""
    writer = TerminalWriter(terminal[1], on_caught_up=lambda: None, on_gone=lambda: None)
    yield writer
    if writer.ident is None:
        writer.start()
    writer.clear()
    assert writer.close(10)


def taken(outside: int, count: int) -> bytes:
    """What is on the terminal, until it is so many bytes, or nothing more comes."""
    found = b""
    while len(found) < count and select.select([outside], [], [], 10)[0]:
        found += os.read(outside, 1 << 16)
    return found


def test_what_the_terminal_takes_is_there_before_anything_else_is_done(
    terminal: Pair, writer: TerminalWriter
) -> None:
    # no thread runs that could have written it, however long it is waited for
    writer.write(b"a frame")
    assert taken(terminal[0], 7) == b"a frame"
    assert not writer.is_behind


def test_what_the_terminal_does_not_take_at_once_follows_in_its_order(
    terminal: Pair, writer: TerminalWriter
) -> None:
    frames = [f"<{n:06d}>".encode() * 500 for n in range(60)]
    for frame in frames:  # nobody reads: most of it waits
        writer.write(frame)
    assert writer.is_behind
    writer.start()
    whole = b"".join(frames)
    assert taken(terminal[0], len(whole)) == whole
    # the thread may still be counting what it wrote; what comes now is behind it in either case
    for n in range(200):
        writer.write(f"[{n}]".encode())
    last = "".join(f"[{n}]" for n in range(200)).encode()
    assert taken(terminal[0], len(last)) == last
    assert writer.close(10)


def test_whoever_hands_in_never_waits_for_a_terminal_that_takes_nothing(
    terminal: Pair, writer: TerminalWriter
) -> None:
    handed_in = threading.Event()

    def hand_in() -> None:
        for _ in range(100):
            writer.write(b"x" * 10_000)
        handed_in.set()

    threading.Thread(target=hand_in, daemon=True).start()
    assert handed_in.wait(30)
    assert writer.is_behind


def test_that_a_terminal_is_gone_is_told_whoever_was_writing() -> None:
    gone = threading.Event()
    outside, inside = pty.openpty()
    writer = TerminalWriter(inside, on_caught_up=lambda: None, on_gone=gone.set)
    writer.start()
    os.close(inside)
    os.close(outside)
    deadline = time.monotonic() + 30
    while not gone.is_set() and time.monotonic() < deadline:
        writer.write(b"a frame")
    assert gone.is_set()
    assert writer.is_gone
    assert writer.close(10)
