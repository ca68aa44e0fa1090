"""A signal ends the app in order, with the terminal as it was; and ends it at all."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, signal, sys
from pathlib import Path
from textual.app import App
from textual.widgets import Static
from afk_tui.shutdown import install_signal_handlers

journal = Path(sys.argv[1])
def note(text):
    with journal.open("a") as file:
        print(text, file=file)

class Room(App):
    def compose(self):
        yield Static("up and running")
    def on_mount(self):
        install_signal_handlers(self, grace_s=float(sys.argv[3]))
        if sys.argv[2] == "paints":
            self.set_interval(0.01, self.paint)
    def paint(self):
        self.painted = getattr(self, "painted", 0) + 1
        self.query_one(Static).update(f"up and running {self.painted}")
    async def request_shutdown(self):
        note("asked")
        if sys.argv[2] == "hangs":
            await asyncio.sleep(3600)
        if sys.argv[2] == "fails":
            raise RuntimeError("no room left")
        self.exit()
    async def on_unmount(self):
        await asyncio.sleep(0)
        note("unmounted")

app = Room()
app.run()
note("over")
sys.exit(app.return_code)
"""
LEAVES = b"\x1b[?1049l"


@dataclass
class Window:
    leader: int
    follower: int
    process: subprocess.Popen[bytes]
    journal: Path
    before: list[object]
    written: bytes = field(default=b"")

    def read_until(self, what: bytes) -> None:
        deadline = time.monotonic() + 30
        while what not in self.written:
            assert time.monotonic() < deadline, self.written[-500:]
            self.read()

    def read(self) -> None:
        if select.select([self.leader], [], [], 0.1)[0]:
            self.written += os.read(self.leader, 65536)

    def status(self) -> int:
        deadline = time.monotonic() + 30
        while (status := self.process.poll()) is None:
            assert time.monotonic() < deadline
            self.read()
        while select.select([self.leader], [], [], 0)[0]:
            self.written += os.read(self.leader, 65536)
        return status

    def notes(self) -> list[str]:
        return self.journal.read_text().split() if self.journal.exists() else []

    def wait_for_note(self, note: str) -> None:
        deadline = time.monotonic() + 30
        while note not in self.notes():
            assert time.monotonic() < deadline
            self.read()

    def modes(self) -> list[object]:
        return termios.tcgetattr(self.follower)


@contextmanager
def window(folder: Path, behaviour: str = "ends", grace_s: float = 60, prefix: str = "") -> Iterator[Window]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(follower)
    journal = folder / "journal"
    process = subprocess.Popen(
        [sys.executable, "-c", prefix + PROGRAM, str(journal), behaviour, str(grace_s)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
    )
    opened = Window(leader, follower, process, journal, before)
    try:
        opened.read_until(b"up and running")
        assert opened.modes() != before
        yield opened
    finally:
        process.kill()
        process.wait()
        os.close(opened.leader)
        os.close(follower)


def is_given_back(opened: Window) -> bool:
    """Left for good: the alternate screen is not entered again, the cursor is shown, the modes are as before."""
    end = opened.written[opened.written.rindex(LEAVES) :] if LEAVES in opened.written else b""
    return b"\x1b[?25h" in end and b"\x1b[?1049h" not in end and opened.modes() == opened.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_app_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with window(tmp_path) as opened:
        opened.process.send_signal(number)
        assert opened.status() == 128 + number
        assert opened.notes() == ["asked", "unmounted", "over"]
        assert is_given_back(opened)


def test_a_shutdown_that_fails_still_ends_the_app_in_order(tmp_path: Path) -> None:
    with window(tmp_path, "fails") as opened:
        opened.process.send_signal(signal.SIGTERM)
        assert opened.status() == 128 + signal.SIGTERM
        assert opened.notes() == ["asked", "unmounted", "over"]
        assert is_given_back(opened)


def test_a_second_signal_does_not_wait_for_the_first(tmp_path: Path) -> None:
    with window(tmp_path, "hangs") as opened:
        opened.process.send_signal(signal.SIGHUP)
        opened.wait_for_note("asked")
        opened.process.send_signal(signal.SIGTERM)
        assert opened.status() == 128 + signal.SIGHUP
        assert opened.notes() == ["asked", "unmounted", "over"]
        assert is_given_back(opened)


def test_an_app_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with window(tmp_path, "hangs", grace_s=0.2) as opened:
        opened.process.send_signal(signal.SIGTERM)
        assert opened.status() == 128 + signal.SIGTERM
        assert opened.notes() == ["asked"]
        assert is_given_back(opened)


def test_a_terminal_that_is_closed_while_the_app_paints_does_not_keep_it_alive(tmp_path: Path) -> None:
    with window(tmp_path, "paints", grace_s=1) as opened:
        os.close(opened.leader)
        opened.leader = os.open(os.devnull, os.O_RDONLY)
        assert opened.process.wait(30) == 128 + signal.SIGHUP
        assert opened.notes()[0] == "asked"


def test_a_hang_up_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with window(tmp_path, prefix=ignoring) as opened:
        opened.process.send_signal(signal.SIGHUP)
        opened.process.send_signal(signal.SIGTERM)
        assert opened.status() == 128 + signal.SIGTERM
