"""The terminal, as Textual's app sees it, where it is slow, stalled or closed.

Textual's own driver hands its output to a thread through a queue of thirty writes: a terminal that does not read stops
the app, and one that is gone leaves it hanging in that queue, or reading the end of its input for ever. It rests on
private parts of Textual 8.2 (`tests/terminal/test_textual.py` says on which).
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from afk_tui.terminal.leaving import CANCEL, CLEAR, LEAVE
from afk_tui.terminal.writer import TerminalWriter

# a terminal that takes nothing for so long is left without waiting for it
LEAVE_S = 1.0
LOOK_EVERY_S = 0.1
READ_BYTES = 4096


class TerminalGone(Message):
    """Posted to the app, perhaps more than once: the terminal is closed, nobody sees or types anything any more."""


class CaughtUp(Message):
    """Posted to the app: the terminal has taken all that it was given, but frames were left out meanwhile."""


class TerminalDriver(LinuxDriver):
    """Never waits for the terminal, and says when it is gone."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._writer: TerminalWriter | None = None

    def leaves_out_frame(self) -> bool:
        """Whether a frame painted now is to be dropped: the terminal is behind. `CaughtUp` follows when it no longer
        is."""
        writer = self._writer
        if writer is None or not writer.is_behind:
            return False
        writer.miss()
        return True

    def write(self, data: str) -> None:
        """Have it written; never waits."""
        assert self._writer is not None, "application mode has begun"
        self._writer.write(data.encode("utf-8", "replace"))

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._writer = TerminalWriter(
            self._output, on_caught_up=self._poster(CaughtUp), on_gone=self._poster(TerminalGone)
        )
        self._writer.start()
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        """Give the terminal back, with nothing of the app on it."""
        self.write(CLEAR.decode())
        super().stop_application_mode()

    def close(self) -> None:
        """Wait until the terminal has taken all, but not for ever: what it did not take by then is thrown away, and
        it is left."""
        super().close()
        writer = self._writer
        if writer is None or writer.close(LEAVE_S):
            return
        writer.clear()
        writer.write(CANCEL + LEAVE)
        writer.close(LEAVE_S)

    def run_input_thread(self) -> None:
        """Hand on keys until `exit_event` is set or the terminal is gone."""
        parser = XTermParser(self._debug)
        # what is no UTF-8 was typed by nobody, and is no reason to end
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], LOOK_EVERY_S)[0]:
                data = self._read()
                if not data:
                    self._poster(TerminalGone)()
                    break
                for message in parser.feed(decode(data)):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)
        with contextlib.suppress(EOFError, ParseError):
            list(parser.feed(""))

    @property
    def _output(self) -> int:
        return sys.__stderr__.fileno() if sys.__stderr__ else 2

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # EIO: the other side is closed
            return b""

    def _poster(self, message: type[Message]) -> Callable[[], None]:
        def post() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over: so is the app
                self._loop.call_soon_threadsafe(self._app.post_message, message())

        return post
