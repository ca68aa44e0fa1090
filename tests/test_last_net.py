"""Hostile text that no one cleaned does not reach the terminal: the bytes of a real one are read."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color

from afk_tui.last_net import LastNet, install

PROGRAM = """
import sys
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.widgets import Label, Static
from afk_tui.last_net import install

def hostile(place):
    return (f"\\x1b]0;TITLE-{place}\\x07 \\x1b[9{len(place)}n c1\\x9b31m bidi\\u202e zero\\u200b tag\\U000e0041"
            f" shown-{place}")

class Hostile(App):
    def __init__(self, net):
        super().__init__()
        if net:
            install(self)
    def compose(self):
        yield Static(hostile("static"), markup=False)
        yield Static(Text(hostile("link"), Style(link="http://x/\\x1b]0;TITLE-target\\x07")))
        label = Label(Text(hostile("label")))
        label.styles.border = ("round", "white")
        label.styles.width = "100%"
        label.border_title = hostile("border")
        yield label
    def on_mount(self):
        self.notify(hostile("toast"), timeout=600, markup=False)

Hostile(sys.argv[1] == "net").run(mouse=False)
"""
PLACES = ("static", "link", "label", "border", "toast")
# As text holds them, in the order of PROGRAM; the app's own sequences have none of these.
COMMANDS = (
    b"\x1b]0;TITLE",
    b"\x1b]0;TITLE-target",
    b"n c1",
    "\x9b".encode(),
    "\u202e".encode(),
    "\u200b".encode(),
    b"\xf3\xa0",
)


def painted(net: str) -> bytes:
    """What the app wrote to its terminal until each place was painted."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 140, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, net],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
    )
    os.close(follower)
    written = b""
    deadline = time.monotonic() + 30
    try:
        while not all(f"shown-{place}".encode() in written for place in PLACES):
            assert time.monotonic() < deadline, [p for p in PLACES if f"shown-{p}".encode() not in written]
            if select.select([leader], [], [], 0.2)[0]:
                written += os.read(leader, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return written


def test_no_command_in_a_text_reaches_the_terminal() -> None:
    written = painted("net")
    assert [command for command in COMMANDS if command in written and command != b"n c1"] == []
    assert not any(f"\x1b[9{len(place)}n".encode() in written for place in PLACES)


def test_without_the_net_the_same_texts_do_reach_it() -> None:
    written = painted("bare")
    assert all(command in written for command in COMMANDS)


@pytest.mark.parametrize(
    "text", ["a\x1bb", "\u202e日本", "x\ud800y", "\x00\x07", "plain", "👩\u200d💻 ❤\ufe0f", "a\u00a0\ue000"]
)
def test_a_segment_keeps_its_width_and_its_style(text: str) -> None:
    style = Style(bold=True)
    (kept,) = LastNet().apply([Segment(text, style)], Color(0, 0, 0))
    assert kept.cell_length == Segment(text).cell_length
    assert kept.style == style
    assert not set(kept.text) & set("\x1b\u202e\ud800\x00\x07")


def test_harmless_text_passes_unchanged() -> None:
    segments = [
        Segment("👩\u200d💻 می\u200cخواهم\u00a0\ue0b0 [bold]", Style(link="https://example.org/a?b=c"))
    ]
    assert LastNet().apply(segments, Color(0, 0, 0)) == segments


def test_it_is_installed_once() -> None:
    app: App[None] = App()
    install(app)
    install(app)
    assert sum(isinstance(line_filter, LastNet) for line_filter in app.get_line_filters()) == 1
