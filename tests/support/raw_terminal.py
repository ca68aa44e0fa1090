"""A program in a terminal of its own whose every byte is kept, as no screen reader shows them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

DEADLINE_S = 30.0
PROJECT = Path(__file__).parents[2]


class RawTerminal:
    """`arguments` in a pty of `size` (columns, rows). `bytes` is all that the program wrote so far."""

    def __init__(self, arguments: Sequence[str], *, size: tuple[int, int] = (110, 34), **env: str) -> None:
        self._arguments = list(arguments)
        self._size = size
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PROJECT),
            **env,
        }
        self.bytes = b""
        self.is_over = False
        self._status: int | None = None

    def __enter__(self) -> RawTerminal:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            columns, rows = self._size
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(self._arguments[0], self._arguments, self._env)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._status is None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        if self._fd >= 0:
            os.close(self._fd)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._pid

    def hang_up(self) -> None:
        """Close the terminal, as its window does."""
        os.close(self._fd)
        self._fd = -1

    def wait(self, *, deadline_s: float = DEADLINE_S) -> int:
        """Wait, without reading, until the program has ended; its exit status."""
        deadline = time.monotonic() + deadline_s
        while True:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                return self._status
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {deadline_s:g} s for the program to end")
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Send these bytes as keys."""
        os.write(self._fd, text.encode())

    def until(self, condition: Callable[[], bool], what: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Read until a condition is met."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"waited {deadline_s:g} s for {what}; the end of the output: {self.bytes[-2000:]!r}"
                )
            self.read()

    def until_written(self, text: str) -> None:
        """Read until the program has written this text."""
        self.until(lambda: text.encode() in self.bytes, f"{text!r}")

    def until_over(self) -> None:
        """Read until the program has closed its terminal."""
        self.until(lambda: self.is_over, "the program to end")

    def read(self, wait_s: float = 0.05) -> None:
        """Take what was written meanwhile."""
        if not select.select([self._fd], [], [], wait_s)[0]:
            return
        try:
            data = os.read(self._fd, 65_536)
        except OSError:  # EIO: the other side is closed
            data = b""
        self.bytes += data
        self.is_over = not data
