"""A terminal too small says so in one line; what was there is back, as it was, when it grows."""

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pyte
import pytest
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from afk_tui.screens.too_small import UNSEEN_SIZE, SizeGuard, too_small_line
from afk_tui.widgets.composer import Composer
from tests.screens.stage import until


class Question(ModalScreen[str]):
    def compose(self) -> ComposeResult:
        yield Input(id="answer")


class Room(SizeGuard[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", priority=True),
        Binding("ctrl+t", "leave", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.left = 0

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="conversation"):
            yield Static("\n".join(f"line {number}" for number in range(200)), id="lines")
        yield Composer(id="composer")

    def action_leave(self) -> None:
        self.left += 1


@pytest.mark.parametrize("tiny", [(20, 5), (1, 1), (29, 30), (100, 7), (0, 0)])
async def test_draft_modal_and_place_are_back(tiny: tuple[int, int]) -> None:
    app = Room()
    async with app.run_test(size=(100, 30)) as pilot:
        main = app.screen
        composer, conversation = main.query_one(Composer), main.query_one("#conversation")
        composer.focus()
        await pilot.press(*"draft")
        conversation.scroll_to(y=77, animate=False)
        question = Question()
        await app.push_screen(question)
        await pilot.press(*"half")
        sizes = {widget: widget.size for widget in (conversation, composer, question)}

        await pilot.resize_terminal(*tiny)
        assert app.is_too_small
        assert {widget: widget.size for widget in sizes} == sizes
        await pilot.resize_terminal(100, 30)

        assert not app.is_too_small
        assert app.screen is question
        assert question.query_one(Input).value == "half"
        assert question.query_one(Input).has_focus
        assert {widget: widget.size for widget in sizes} == sizes
        question.dismiss("")
        await pilot.pause()
        assert (composer.text, conversation.scroll_offset.y) == ("draft", 77)
        assert composer.has_focus


async def test_it_grows_into_another_size() -> None:
    app = Room()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.resize_terminal(20, 5)
        assert app.size == Size(100, 30)
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: app.screen.query_one("#conversation").size.width == 60)
        assert app.size == Size(60, 20)


def mouse_down_at(x: int, y: int) -> events.MouseDown:
    return events.MouseDown(None, x, y, 0, 0, 1, False, False, False)


async def test_what_cannot_be_seen_is_not_answered() -> None:
    app = Room()
    async with app.run_test(size=(100, 30)) as pilot:
        composer = app.screen.query_one(Composer)
        composer.focus()
        await pilot.resize_terminal(20, 5)
        await pilot.press("x", "ctrl+t")
        app.post_message(mouse_down_at(5, 2))
        app.post_message(events.Paste("pasted"))
        await pilot.pause()
        assert (composer.text, app.left) == ("", 0)
        await pilot.press("ctrl+q")
        assert app.left == 1
        await pilot.resize_terminal(100, 30)
        await pilot.press("y", "ctrl+t")
        assert (composer.text, app.left) == ("y", 2)
        app.post_message(mouse_down_at(5, 2))
        await pilot.pause()
        assert not composer.has_focus


async def test_what_opens_and_closes_by_itself_may_do_so_unseen() -> None:
    app = Room()
    async with app.run_test(size=(100, 30)) as pilot:
        first, second = Question(), Question()
        await app.push_screen(first)
        await pilot.resize_terminal(20, 5)
        first.dismiss("")
        await pilot.pause()
        await app.push_screen(second)
        await pilot.resize_terminal(100, 30)
        assert app.screen is second
        assert second.size == Size(100, 30)


@pytest.mark.parametrize("tiny", [(20, 5), (1, 1)])
async def test_it_may_begin_too_small(tiny: tuple[int, int]) -> None:
    app = Room()
    async with app.run_test(size=tiny) as pilot:
        await pilot.pause()
        assert app.size == UNSEEN_SIZE
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: app.screen.query_one("#conversation").size.width == 100)


@pytest.mark.parametrize(
    ("size", "line"),
    [
        ((29, 3), "Too small: 29x3, needs 30x8"),
        ((100, 7), "Too small: 100x7, needs 30x8"),
        ((20, 5), "Too small: 30x8"),
        ((10, 5), "Too small"),
        ((1, 1), "!"),
        ((0, 0), ""),
    ],
)
def test_the_line_is_the_most_telling_one_that_fits(size: tuple[int, int], line: str) -> None:
    assert too_small_line(Size(*size)) == line


PROGRAM = """
from textual.containers import VerticalScroll
from textual.widgets import Static
from afk_tui.screens.too_small import SizeGuard
from afk_tui.widgets.composer import Composer

class Room(SizeGuard):
    def compose(self):
        yield Static("the conversation")
        yield Composer("my draft")
    def on_mount(self):
        self.set_interval(0.05, lambda: self.query_one(Static).update("the conversation"))

Room().run(mouse=False)
"""


@dataclass
class Terminal:
    leader: int
    screen: pyte.Screen
    stream: pyte.ByteStream

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, wanted: str, *, without: str = "\0") -> list[str]:
        deadline = time.monotonic() + 30
        while True:
            shown = [line.rstrip() for line in self.screen.display]
            if any(wanted in line for line in shown) and not any(without in line for line in shown):
                return shown
            assert time.monotonic() < deadline, shown
            if select.select([self.leader], [], [], 0.2)[0]:
                # pyte takes the end of a keyboard mode for a cursor's, and prints it
                self.stream.feed(
                    os.read(self.leader, 65536).replace(b"\x1b[<u", b"").replace(b"\x1b[>1u", b"")
                )


@contextmanager
def terminal(columns: int, lines: int) -> Iterator[Terminal]:
    leader, follower = pty.openpty()
    screen = pyte.Screen(columns, lines)
    window = Terminal(leader, screen, pyte.ByteStream(screen))
    window.resize(columns, lines)
    # these two would be taken for the terminal's size
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment["TERM"] = "xterm-256color"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
    )
    os.close(follower)
    try:
        yield window
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def test_a_real_terminal_shows_one_line_while_it_is_too_small() -> None:
    with terminal(100, 30) as window:
        before = window.wait_for("my draft")
        window.resize(20, 5)
        assert window.wait_for("Too small: 30x8", without="conv") == ["Too small: 30x8", "", "", "", ""]
        window.resize(100, 30)
        assert window.wait_for("my draft", without="small") == before


def test_a_real_terminal_that_begins_too_small_shows_the_app_once_it_grows() -> None:
    with terminal(20, 5) as window:
        window.wait_for("Too small: 30x8")
        window.resize(1, 1)
        window.wait_for("!")
        window.resize(60, 12)
        assert "the conversation" in window.wait_for("my draft", without="!")[0]
