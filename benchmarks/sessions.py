"""A program in a pseudo-terminal of 120x36, as a person has it: what it paints, when, and what that costs.

The terminal answers what programs ask a terminal at their start (where the cursor is, what it can do, its colours):
some wait for that.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import TracebackType

from benchmarks.measuring import MeasuringError

COLUMNS, ROWS = 120, 36
DEADLINE_S = 60.0
# in no text that is shown, and in no escape sequence
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
BACKSPACE, CLEAR = b"\x7f", b"\x15"
# a person who types fast
KEY_EVERY_S = 0.15
# a key comes at any moment of what a program does at fixed times, as twenty paints a second
KEY_JITTER_S = 0.05
POLL_S = 0.005
SETTLED_S = 0.5
ANSWERS: Mapping[bytes, bytes] = {
    rb"\x1b\[6n": b"\x1b[1;1R",
    rb"\x1b\[0?c": b"\x1b[?62;22c",
    rb"\x1b\]10;\?(\x07|\x1b\\)": b"\x1b]10;rgb:dddd/dddd/dddd\x1b\\",
    rb"\x1b\]11;\?(\x07|\x1b\\)": b"\x1b]11;rgb:1111/1111/1111\x1b\\",
}


class Session:
    """A running program. `written` is what it painted since a key was last sent."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], mark: str = ""
    ) -> None:
        """`folder`: where it runs. `environment`: its own, with a HOME that no other program has.

        `mark`: a text whose first paint is noted.
        """
        self._command, self._folder, self._mark = command, folder, mark.encode()
        self._environment = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            **environment,
        }
        self.written = b""
        self.marked_at: float | None = None
        """When `mark` was painted."""
        self.began = 0.0
        self._letters: Iterator[str] = cycle(LETTERS)
        self._jitter = random.Random(0)
        self._asked = self._recent = b""

    def __enter__(self) -> Session:
        self.began = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(self._folder)
            try:
                os.execve(self._command[0], list(self._command), self._environment)
            finally:
                os._exit(127)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for pid in reversed(self._family()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # gone since it was listed
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def send(self, keys: bytes) -> None:
        """Send keys, and forget what was painted before."""
        self.written = b""
        os.write(self._fd, keys)

    def read(self, wait_s: float) -> None:
        """Take what is painted within this time. Raises MeasuringError where the program has ended."""
        if not select.select([self._fd], [], [], max(0.0, wait_s))[0]:
            return
        try:
            read = os.read(self._fd, 1 << 20)
        except OSError as error:
            raise MeasuringError(f"the program ended; it wrote {self.written[-300:]!r}") from error
        self.written += read
        self._answer(read)
        if self._mark and self.marked_at is None:
            self._look_for_mark(read)

    def _look_for_mark(self, read: bytes) -> None:
        # a key may be sent between its halves
        recent = self._recent + read
        if self._mark in recent:
            self.marked_at = time.monotonic()
        self._recent = recent[-len(self._mark) :]

    def _answer(self, read: bytes) -> None:
        self._asked += read
        for question, answer in ANSWERS.items():
            for _ in re.finditer(question, self._asked):
                os.write(self._fd, answer)
            self._asked = re.sub(question, b"", self._asked)
        self._asked = self._asked[-16:]

    def until(self, text: str, deadline_s: float = DEADLINE_S) -> float:
        """When this text was painted. Raises MeasuringError."""
        wanted, deadline = text.encode(), time.monotonic() + deadline_s
        while wanted not in self.written:
            if time.monotonic() > deadline:
                raise MeasuringError(f"{text!r} was not painted within {deadline_s:g} s")
            self.read(0.05)
        return time.monotonic()

    def rest(self, seconds: float) -> None:
        """Read on for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)

    def first_echo(self) -> float:
        """Seconds from the start until a letter that is typed all the time is painted."""
        letter = LETTERS[0].encode()
        typed_at = float("-inf")
        while letter not in self.written:
            now = time.monotonic()
            if now - self.began > DEADLINE_S:
                raise MeasuringError(f"it echoed nothing; it wrote {self.written[-300:]!r}")
            # before that the terminal itself would echo
            if now - typed_at >= 2 * POLL_S and not termios.tcgetattr(self._fd)[3] & termios.ECHO:
                os.write(self._fd, letter)
                typed_at = now
            self.read(POLL_S)
        return time.monotonic() - self.began

    def clear(self) -> None:
        """Empty the field that is typed in."""
        self.send(CLEAR)
        self.rest(SETTLED_S)

    def say(self, text: bytes, pause_s: float = SETTLED_S) -> None:
        """Type a message and send it."""
        for keys in (text, b"\r"):  # in one burst they would be a paste
            self.send(keys)
            self.rest(pause_s)

    def echo(self, deadline_s: float = DEADLINE_S) -> float:
        """Seconds from a key to its paint; the letter is taken away again. Raises MeasuringError."""
        letter = next(self._letters)
        began = time.monotonic()
        self.send(letter.encode())
        took = self.until(letter, deadline_s) - began
        self.send(BACKSPACE)
        self.rest(KEY_EVERY_S + self._jitter.uniform(0, KEY_JITTER_S))
        return took

    def processor_s(self) -> float:
        """Processor time that it and all that it started have used so far."""
        return sum(_processor_s(pid) for pid in self._family())

    def memory_mb(self) -> float:
        """Memory that it and all that it started hold; what they share is counted once."""
        return sum(_memory_kb(pid) for pid in self._family()) / 1024

    def _family(self) -> list[int]:
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))):
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        family = [self.pid]
        for pid in family:
            family += parents.get(pid, [])
        # what left the family, as a daemon does, still has its home
        home = f"HOME={self._environment['HOME']}\0".encode()
        everybody = [pid for children in parents.values() for pid in children]
        return family + [pid for pid in everybody if pid not in family and home in _environment_of(pid)]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []  # it has ended since


def _environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""  # it has ended since, or is not ours


def _processor_s(pid: int) -> float:
    fields = _stat(pid)
    # its own, and that of the children which it has waited for
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _memory_kb(pid: int) -> int:
    try:
        rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0  # it has ended since
    return int(found[1]) if (found := re.search(r"^Pss:\s+(\d+) kB", rolled, re.MULTILINE)) else 0


def percentile(seconds: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
