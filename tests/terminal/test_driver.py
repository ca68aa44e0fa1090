"""A terminal that is slow, stalled or closed: the app goes on, or ends, and never hangs in it."""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE_S = 30.0
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"

# paints the whole screen anew every hundredth of a second, and notes how often it did
PROGRAM = """
import signal, sys
from pathlib import Path
from textual.app import App
from textual.widgets import Static
from afk_tui.shutdown import install_signal_handlers
from afk_tui.terminal.driver import TerminalDriver
from afk_tui.terminal.pacing import PacedApp

journal = Path(sys.argv[1])

class Room(PacedApp):
    painted = 0
    keys = ""
    def __init__(self):
        super().__init__(driver_class=TerminalDriver)
    def compose(self):
        yield Static()
    def on_mount(self):
        self.end_as = install_signal_handlers(self, grace_s=60)
        self.set_interval(0.01, self.paint)
    def on_terminal_gone(self):
        self.end_as(signal.SIGHUP)
    def paint(self):
        if self.keys.endswith("q"):  # rest, so that what is shown last can be looked at
            return
        self.painted += 1
        letter = "abcdefghij"[self.painted % 10]
        size = self.size
        cells = size.width * size.height
        self.query_one(Static).update((f"frame {self.painted} " + letter * cells)[:cells])
        journal.write_text(f"{self.painted} {self.keys}")
    def on_key(self, event):
        self.keys += event.character or ""
        if event.character == "q":
            self.query_one(Static).update(f"the end after {self.painted}")
            journal.write_text(f"{self.painted} {self.keys}")
    async def request_shutdown(self):
        journal.write_text("asked")

app = Room()
app.run()
journal.write_text(journal.read_text() + " over")
sys.exit(app.return_code)
"""


class Window:
    """The program in a pty that reads only when told to."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.leader, self.follower = pty.openpty()
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.before = termios.tcgetattr(self.follower)
        self.journal = folder / "journal"
        self.process = subprocess.Popen(
            [sys.executable, "-c", prefix + PROGRAM, str(self.journal)],
            stdin=self.follower,
            stdout=self.follower,
            stderr=self.follower,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        self.written = b""

    def until(self, holds: Callable[[], bool], what: str, *, reading: bool) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, (what, self.noted(), self.written[-300:])
            if reading:
                self.read()
            else:
                time.sleep(0.01)

    def read(self) -> None:
        if select.select([self.leader], [], [], 0.02)[0]:
            self.written += os.read(self.leader, 65536)

    def noted(self) -> str:
        return self.journal.read_text() if self.journal.exists() else ""

    def painted(self) -> int:
        first = self.noted().split(" ")[0]
        return int(first) if first.isdigit() else 0

    def until_painted_more(self, frames: int, *, reading: bool) -> None:
        wanted = self.painted() + frames
        self.until(lambda: self.painted() >= wanted, f"{frames} more frames", reading=reading)

    def hang_up(self) -> None:
        os.close(self.leader)
        self.leader = os.open(os.devnull, os.O_RDONLY)

    def until_over(self, *, reading: bool) -> int:
        self.until(lambda: self.process.poll() is not None, "the end", reading=reading)
        return self.process.returncode

    def is_given_back(self) -> bool:
        while select.select([self.leader], [], [], 0)[0]:
            self.written += os.read(self.leader, 65536)
        end = self.written[self.written.rindex(ALTERNATE_OFF) :] if ALTERNATE_OFF in self.written else b""
        is_shown = b"\x1b[?25h" in end and ALTERNATE_ON not in end
        return is_shown and termios.tcgetattr(self.follower) == self.before


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    with opened(tmp_path) as window:
        yield window


@contextmanager
def opened(folder: Path, *, prefix: str = "") -> Iterator[Window]:
    window = Window(folder, prefix)
    try:
        window.until(lambda: b"frame" in window.written and window.painted() > 5, "frames", reading=True)
        yield window
    finally:
        window.process.kill()
        window.process.wait()
        os.close(window.leader)
        os.close(window.follower)


# far more frames than any buffer on the way holds
MANY = 300


def test_a_terminal_that_does_not_read_does_not_stop_the_app_and_is_painted_whole_afterwards(
    window: Window,
) -> None:
    window.until_painted_more(MANY, reading=False)
    os.write(window.leader, b"xq")  # it hears, too
    window.until(lambda: window.noted().endswith("xq"), "the keys", reading=False)
    painted = window.painted()
    window.written = b""
    window.until(
        lambda: f"the end after {painted}".encode() in window.written, "the frame of now", reading=True
    )
    # the frames of the meantime were left out: all that was on its way is less than a hundred of them
    assert len(window.written) < 100 * 200 * 50


def test_a_signal_ends_an_app_whose_terminal_does_not_read_and_gives_the_terminal_back(
    window: Window,
) -> None:
    window.until_painted_more(MANY, reading=False)
    window.process.send_signal(signal.SIGTERM)
    assert window.until_over(reading=False) == 128 + signal.SIGTERM
    assert window.noted() == "asked over"
    assert window.is_given_back()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_paints_ends_the_app_in_order(window: Window, number: signal.Signals) -> None:
    window.process.send_signal(number)
    assert window.until_over(reading=True) == 128 + number
    assert window.noted() == "asked over"
    assert window.is_given_back()


def test_a_terminal_that_is_closed_while_it_paints_ends_the_app_in_order(window: Window) -> None:
    window.hang_up()
    assert window.until_over(reading=False) == 128 + signal.SIGHUP
    assert window.noted() == "asked over"


def test_a_terminal_that_is_closed_while_it_is_stalled_ends_the_app_in_order(window: Window) -> None:
    window.until_painted_more(MANY, reading=False)
    window.hang_up()
    assert window.until_over(reading=False) == 128 + signal.SIGHUP
    assert window.noted() == "asked over"


def test_the_end_of_the_input_ends_the_app_where_hang_ups_are_ignored(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with opened(tmp_path, prefix=ignoring) as window:
        window.hang_up()
        assert window.until_over(reading=False) == 128 + signal.SIGHUP
        assert window.noted() == "asked over"


def test_bytes_that_are_no_text_are_no_reason_to_end(window: Window) -> None:
    os.write(window.leader, b"\xff\xfe\xc3(q")
    window.until(lambda: window.noted().endswith("q"), "the key behind them", reading=True)
    window.process.send_signal(signal.SIGTERM)
    assert window.until_over(reading=True) == 128 + signal.SIGTERM
