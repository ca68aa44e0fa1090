"""What goes to the terminal: whoever hands it in never waits for the terminal. What it does not take at once is written
by a thread of its own."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import time
from collections import deque
from collections.abc import Callable

CHUNK_BYTES = 2048
LOOK_EVERY_S = 0.1
# A terminal that has that much before it, or anything for that long, is behind: it would show a frame of now later.
BEHIND_BYTES = 128 * 1024
BEHIND_S = 0.25
# Beyond that nothing is taken any more: no terminal catches up with it.
MOST_BYTES = 16 * 1024 * 1024


class TerminalWriter(threading.Thread):
    """Writes to the terminal that is open at `fd`, in order, whenever it takes something.

    What a terminal takes at once is written by whoever hands it in: this thread would get to it only when the app,
    which goes on at once, has been at its next work for a while (Python switches threads every 5 ms).
    `on_caught_up` is called, by this thread, when all is written after `miss` was called; `on_gone` when the terminal
    is closed: from then on all is thrown away. The process need not wait for this thread to end.
    """

    def __init__(self, fd: int, *, on_caught_up: Callable[[], None], on_gone: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="afk-tui-output")
        self._fd, self._is_own = _not_blocking(fd)
        self._on_caught_up = on_caught_up
        self._on_gone = on_gone
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._pending_bytes = 0
        self._since_s = 0.0
        self._missed = False
        self._closing = False
        self.is_gone = False
        """Whether the terminal was found closed."""

    def write(self, data: bytes) -> None:
        """Have it written. Never waits."""
        with self._changed:
            if self.is_gone or self._pending_bytes > MOST_BYTES:
                return
            if not self._pending_bytes:
                data = data[self._written_at_once(data) :]
                self._since_s = time.monotonic()
            if not data:
                return
            self._pending_bytes += len(data)
            self._waiting.append(data)
            self._changed.notify_all()

    def _written_at_once(self, data: bytes) -> int:
        """How much of it the terminal took without anybody waiting. That it is gone, the thread finds out."""
        if not self._is_own:
            return 0  # a write to it may wait
        try:
            return os.write(self._fd, data)
        except OSError:
            return 0

    @property
    def is_behind(self) -> bool:
        """Whether the terminal takes less than it is given."""
        with self._changed:
            if not self._pending_bytes:
                return False
            return self._pending_bytes > BEHIND_BYTES or time.monotonic() - self._since_s > BEHIND_S

    def miss(self) -> None:
        """Something was not handed in, because the terminal is behind."""
        with self._changed:
            self._missed = True
            at_once = not self._pending_bytes
        if at_once:
            self._catch_up()

    def clear(self) -> None:
        """Throw away what was not written yet, and what the terminal has not read yet."""
        with self._changed:
            self._pending_bytes -= sum(map(len, self._waiting))
            self._waiting.clear()
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._fd, termios.TCOFLUSH)

    def close(self, timeout_s: float) -> bool:
        """Wait until all is written, and end the thread; False if the terminal did not take it in time: the thread goes
        on trying."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.join(timeout_s)
        return not self.is_alive()

    def run(self) -> None:
        """Write until there is nothing more and `close` was called, or until the terminal is gone."""
        try:
            self._write_all()
        finally:
            if self._is_own:
                os.close(self._fd)

    def _write_all(self) -> None:
        while chunk := self._next_chunk():
            try:
                written = self._write(chunk)
            except OSError:  # EIO and its like: nobody is on the other side
                self._lose()
                return
            with self._changed:
                self._pending_bytes -= written
                if written < len(chunk):
                    self._waiting.appendleft(chunk[written:])
                is_even = not self._pending_bytes
            if is_even:
                self._catch_up()

    def _next_chunk(self) -> bytes:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            chunk = b""
            while self._waiting and len(chunk) < CHUNK_BYTES:
                data = self._waiting.popleft()
                room = CHUNK_BYTES - len(chunk)
                chunk += data[:room]
                if len(data) > room:
                    self._waiting.appendleft(data[room:])
            return chunk

    def _write(self, chunk: bytes) -> int:
        try:
            return os.write(self._fd, chunk)
        except BlockingIOError:
            # not for ever: what waits may be thrown away meanwhile
            select.select([], [self._fd], [], LOOK_EVERY_S)
            return 0

    def _catch_up(self) -> None:
        with self._changed:
            missed, self._missed = self._missed, False
        if missed:
            self._on_caught_up()

    def _lose(self) -> None:
        with self._changed:
            self.is_gone = True
            self._waiting.clear()
            self._pending_bytes = 0
        self._on_gone()


def _not_blocking(fd: int) -> tuple[int, bool]:
    """The same terminal, opened anew so that a write never waits in the system, where nothing could be thrown away; the
    shell's own descriptor, which other programs share, stays as it is. Where that can't be: the descriptor itself."""
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC), True
    except OSError:
        return fd, False
