"""A key's echo while an answer streams at 1,000 tokens/s, and when the answer is whole on the screen.

The app runs in a pseudo-terminal of 120x36 against a server on loopback that keeps its pace by a clock. Letters that
stand in no text are typed one after another, first while nothing else happens and then while the answer arrives; what
counts is the time from the write of the key to the read of its paint. The view follows the answer's end.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from benchmarks.measuring import PROGRAMS, ROOT, Figures, MeasuringError
from benchmarks.peers import Peers
from benchmarks.programs.streaming_server import LAST_WORDS
from benchmarks.report import Report, Target

RATE = 1_000
SIZES = {"mixed": 50_000, "fence": 10_000, "table": 5_000}
QUICK_TOKENS = 1_500
KINDS = {
    "mixed": "prose, lists, code blocks of 30 lines, tables",
    "fence": "one code block",
    "table": "one table",
}
ECHO_TARGET = 2.0
ENDS_TARGET_S = 1.0
COLUMNS, ROWS = 120, 36
IDLE_KEYS = 60
# a person who types fast
KEY_EVERY_S = 0.15
SETTLED_S = 2.0
DEADLINE_S = 60.0
CLEAR = b"\x15"
PLACEHOLDER = "rite a message"  # the first letter is under the cursor
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


class Session:
    """The app in a pseudo-terminal; `written` is what it painted since it was last emptied."""

    def __init__(self, url: str, home: Path) -> None:
        self._url, self._home = url, home
        self.written = b""
        self.whole_at: float | None = None
        """When the last words of the answer were painted."""
        self._letters: Iterator[str] = iter(())

    def __enter__(self) -> Session:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LANG": "C.UTF-8",
                "OPENAI_BASE_URL": self._url,
                "OPENAI_API_KEY": "none",
                "AFK_POLICY": "",
            }
            os.chdir(ROOT)
            arguments = [
                sys.executable,
                "-m",
                "afk_tui",
                "--trust",
                "--model",
                "m",
                "--workspace",
                str(self._home),
            ]
            os.execve(sys.executable, [*arguments, "--db", str(self._home / "afk.db")], environment)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)

    def type(self, keys: bytes) -> None:
        """Send keys, and forget what was painted before."""
        self.written = b""
        os.write(self._fd, keys)

    def read(self, wait_s: float) -> None:
        """Take what is painted within this time."""
        if select.select([self._fd], [], [], wait_s)[0]:
            self.written += os.read(self._fd, 1 << 20)
            if self.whole_at is None and LAST_WORDS.encode() in self.written:
                self.whole_at = time.monotonic()

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
            self.written = self.written[-len(LAST_WORDS) :]

    def echo(self) -> float:
        """Seconds from a key to its paint."""
        letter = next(self._letters, "")
        if not letter:
            self.clear()
            self._letters = iter(LETTERS)
            letter = next(self._letters)
        began = time.monotonic()
        self.type(letter.encode())
        return self.until(letter) - began

    def clear(self) -> None:
        """Empty the composer, which then says so."""
        self.type(CLEAR)
        self.until(PLACEHOLDER)

    def processor_s(self) -> float:
        """Processor time that the app has used so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one(kind: str, tokens: int) -> dict[str, float]:
    """Measure one answer in a new app. Raises MeasuringError."""
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        home, notes = Path(folder), Path(folder) / "notes.json"
        command = [
            sys.executable,
            str(PROGRAMS / "streaming_server.py"),
            kind,
            str(tokens),
            str(RATE),
            str(notes),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                with Session(server.stdout.readline().strip(), home) as session:
                    return _measure(session, tokens, notes)
            finally:
                server.kill()


def _measure(session: Session, tokens: int, notes: Path) -> dict[str, float]:
    session.until("A new conversation")
    session.rest(SETTLED_S)
    idle = [_echo(session) for _ in range(IDLE_KEYS)]
    session.clear()
    for keys in (b"go", b"\r"):  # in one burst they would be a paste
        session.type(keys)
        session.rest(SETTLED_S / 4)
    before, began = session.processor_s(), time.monotonic()
    streaming: list[float] = []
    while session.whole_at is None:
        if time.monotonic() - began > 3 * tokens / RATE + DEADLINE_S:
            raise MeasuringError("the end of the answer was not painted")
        streaming.append(_echo(session))
    processor_s = session.processor_s() - before
    session.rest(SETTLED_S / 4)
    told = json.loads(notes.read_text())
    return {
        **{f"idle_p{at}": _ms(idle, at) for at in (50, 95)},
        **{f"echo_p{at}": _ms(streaming, at) for at in (50, 95, 100)},
        "rate": told["tokens"] / (told["ended"] - told["began"]),
        "ends_s": session.whole_at - told["ended"],
        "cpu": 100 * processor_s / (session.whole_at - began),
    }


def _echo(session: Session) -> float:
    seconds = session.echo()
    session.rest(KEY_EVERY_S)
    return seconds


def _ms(seconds: list[float], percent: int) -> float:
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it. No peer is needed."""
    del peers
    taken = {kind: Figures() for kind in SIZES}
    for turn in range(rounds):
        for kind, size in SIZES.items():
            tokens = QUICK_TOKENS if quick else size
            tell(f"round {turn + 1} of {rounds}: {kind}, {tokens:,} tokens")
            try:
                taken[kind].add(one(kind, tokens))
            except MeasuringError as error:
                taken[kind].failure = str(error)
    report = Report(
        "streaming",
        "A key's echo while an answer streams at 1,000 tokens/s",
        (
            "answer",
            "idle p50 / p95 ms",
            "streaming p50 / p95 / worst ms",
            "tokens/s",
            "ends after s",
            "processor %",
        ),
    )
    for kind, figures in taken.items():
        report.rows.append(
            (
                f"{QUICK_TOKENS if quick else SIZES[kind]:,} tokens: {KINDS[kind]}",
                " / ".join(_said(figures, f"idle_p{at}") for at in (50, 95)),
                " / ".join(_said(figures, f"echo_p{at}") for at in (50, 95, 100)),
                _said(figures, "rate"),
                _said(figures, "ends_s", 2),
                _said(figures, "cpu"),
            )
        )
        ratios = [
            streaming / idle
            for streaming, idle in zip(
                figures.values.get("echo_p95", ()), figures.values.get("idle_p95", ()), strict=True
            )
        ]
        report.targets.append(
            Target(
                f"{kind}: p95 while streaming against idle",
                statistics.median(ratios) if ratios else None,
                ECHO_TARGET,
            )
        )
        report.targets.append(
            Target(
                f"{kind}: whole on the screen after the stream", figures.median("ends_s"), ENDS_TARGET_S, "s"
            )
        )
        if figures.failure:
            report.notes.append(f"{kind}: {figures.failure}")
    report.notes.append(
        "Medians of the rounds. *Tokens/s* is what the server could send: it is on the same machine. *Processor* is of "
        "one core."
    )
    return report


def _said(figures: Figures, name: str, digits: int = 0) -> str:
    median = figures.median(name)
    return "-" if median is None else f"{median:,.{digits}f}"


if __name__ == "__main__":
    quickly = "--quick" in sys.argv
    print(measure(Peers(wanted=False), 1, quickly, lambda line: print(line, file=sys.stderr)).markdown())
