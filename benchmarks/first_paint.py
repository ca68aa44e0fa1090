"""From spawn to a typed character echoed, beside a bare Textual app.

Both are started in turn in a pseudo-terminal of 120x36, which answers nothing. As soon as the terminal is theirs, one
character is typed again and again until it is painted.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import PROGRAMS, ROOT, Figures, ratio_by_round
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, with_spread

PAIRS_A_ROUND = 5
TARGET = 1.25
COLUMNS, ROWS = 120, 36
# in no text of either app, and in no escape sequence
TYPED = "ж".encode()
TYPE_EVERY_S = 0.01
DEADLINE_S = 60.0


def start(arguments: list[str], home: Path) -> dict[str, float]:
    """Start a program, type until it echoes, and kill it: seconds until the echo, and of processor time until then."""
    began = time.monotonic()
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, *arguments], environment)
    written = b""
    typed_at = float("-inf")
    try:
        while TYPED not in written:
            now = time.monotonic()
            if now - began > DEADLINE_S:
                raise TimeoutError(f"{arguments} echoed nothing; it wrote {written[-2000:]!r}")
            # before that the terminal itself would echo
            if now - typed_at >= TYPE_EVERY_S and not termios.tcgetattr(fd)[3] & termios.ECHO:
                os.write(fd, TYPED)
                typed_at = now
            if select.select([fd], [], [], TYPE_EVERY_S / 2)[0]:
                written += os.read(fd, 65_536)
        echo_s = time.monotonic() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        usage = os.wait4(pid, 0)[2]
        os.close(fd)
    return {"echo_s": echo_s, "cpu_s": usage.ru_utime + usage.ru_stime}


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it. No peer is needed."""
    del peers
    bare, ours = Figures(), Figures()
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        home = Path(folder)
        work = home / "work"
        work.mkdir()
        app = ["-m", "afk_tui", "--demo", "--trust", "--db", str(home / "afk.db"), "--workspace", str(work)]
        pairs = rounds if quick else rounds * PAIRS_A_ROUND
        for number_of in range(pairs + 1):
            tell(f"pair {number_of} of {pairs}")
            pair = start([str(PROGRAMS / "bare_app.py")], home), start(app, home)
            if number_of:  # the first pair reads everything from the disk, and makes the database
                bare.add(pair[0])
                ours.add(pair[1])
    report = Report(
        "first_paint", "From spawn to a typed character echoed", ("app", "echo ms", "processor ms")
    )
    for name, figures in (("a bare Textual app", bare), ("afk-tui", ours)):
        report.rows.append((name, *(_ms(figures, what) for what in ("echo_s", "cpu_s"))))
    report.targets.append(
        Target("echo against a bare Textual app", ratio_by_round(ours, bare, "echo_s"), TARGET)
    )
    report.notes.append(
        "The bare app has a header, an input and a footer. *Processor* is what the process had used by the echo, all "
        "threads together."
    )
    return report


def _ms(figures: Figures, name: str) -> str:
    median, spread = figures.median(name), figures.spread(name)
    assert median is not None
    assert spread is not None
    return with_spread(median * 1000, (spread[0] * 1000, spread[1] * 1000))


if __name__ == "__main__":
    print(measure(Peers(wanted=False), 3, False, lambda _: None).markdown())
