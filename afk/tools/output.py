"""What a program prints: as much of it as is kept of a result, and what is shown of it while it runs."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable

LIVE_CHARACTERS = 16 * 1024
LIVE_WINDOW_S = 0.1


class KeptOutput:
    """A stream of any length in bounded memory: all of it up to `max_bytes`, else as much from both ends."""

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.total_bytes = 0

    def add(self, data: bytes) -> None:
        """Append to the stream."""
        self.total_bytes += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        rest = data[room:][-self._half :]
        if rest:
            self._tail.append(rest)
            self._tail_bytes += len(rest)
            while self._tail_bytes - len(self._tail[0]) >= self._half:
                self._tail_bytes -= len(self._tail.popleft())

    def text(self) -> str:
        """The stream as UTF-8 text, undecodable bytes replaced; in place of a middle left out, a note of
        its size."""
        head, tail = bytes(self._head), b"".join(self._tail)[-self._half :]
        if len(head) + len(tail) == self.total_bytes:
            return (head + tail).decode(errors="replace")
        # neither side shows half a character where the cut was made
        while tail and tail[0] & 0xC0 == 0x80:
            tail = tail[1:]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        start = decoder.decode(head)
        cut = self.total_bytes - len(head) + len(decoder.getstate()[0]) - len(tail)
        return (
            f"{start}\n[{cut:,} bytes are left out here: {2 * self._half:,} of an output are kept, from both ends; "
            f"redirect it to a file to see all of it]\n{tail.decode(errors='replace')}"
        )


class LiveOutput:
    """Decodes a stream as it comes and hands it on, but not more than a person could see: 16,000 characters
    in each tenth of a second. What is passed over is counted in a note.
    """

    def __init__(self, emit: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._emit = emit
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._window_ends_at = 0.0
        self._room = 0
        self._passed_over = 0

    def add(self, data: bytes) -> None:
        """Append to the stream."""
        now = self._clock()
        if now >= self._window_ends_at:
            self._window_ends_at = now + LIVE_WINDOW_S
            self._room = LIVE_CHARACTERS
        if self._room == 0:
            self._passed_over += len(data)
            self._decoder.reset()
            return
        if self._passed_over:
            self._emit(f"\n[{self._passed_over} bytes not shown while they came]\n")
            self._passed_over = 0
        shown, over = data[: self._room], data[self._room :]
        self._room -= len(shown)
        if text := self._decoder.decode(shown):
            self._emit(text)
        if over:
            self._passed_over = len(over)
            self._decoder.reset()

    def end(self) -> None:
        """Hand on what is left: half a character, or the note of what was passed over last."""
        if self._passed_over:
            self._emit(f"\n[{self._passed_over} bytes not shown while they came]\n")
            self._passed_over = 0
        elif text := self._decoder.decode(b"", final=True):
            self._emit(text)
