"""SIGTERM and SIGHUP end the app in order, as the key does: runs are kept, the terminal is as it was before."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import threading
from collections.abc import Callable
from typing import Any, Protocol

from textual.app import App

from afk_tui.terminal.leaving import LEAVE

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
# An app that has not ended by then never will: its terminal may be gone while it paints.
GRACE_S = 10.0


class EndsInOrder(Protocol):
    """The app, as a signal knows it."""

    async def request_shutdown(self) -> None:
        """Interrupt what runs and keep it. The app exits when this returns."""
        ...

    def exit(self, result: Any = None, return_code: int = 0) -> None:
        """`App.exit`."""
        ...


def install_signal_handlers(app: EndsInOrder, *, grace_s: float = GRACE_S) -> Callable[[int], None]:
    """Let SIGTERM and SIGHUP end `app` with the return code 128 + n; returns what ends it as that signal would.

    Call it in the running loop of the main thread, once the app is mounted. A SIGTERM after that does not wait for
    `request_shutdown`; the code stays the first one's. Where the loop is not over after `grace_s` seconds the
    process is ended all the same: the terminal is given back as far as it can be, and what ran reads as
    interrupted at the next start. A SIGHUP that was ignored when the process began (nohup) stays ignored.
    """
    loop = asyncio.get_running_loop()
    ending: dict[int, asyncio.Task[None]] = {}

    async def end(code: int) -> None:
        try:
            await app.request_shutdown()
        finally:
            app.exit(return_code=code)

    def last_resort(code: int) -> None:
        if not loop.is_closed():
            _end_now(app, code)

    def receive(number: int) -> None:
        if ending:
            # one closed terminal can be told of three times, which is no impatience
            if number != signal.SIGHUP:
                app.exit(return_code=next(iter(ending)))
            return
        code = 128 + number
        timer = threading.Timer(grace_s, last_resort, (code,))
        timer.daemon = True
        timer.start()
        ending[code] = asyncio.create_task(end(code))

    installed = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in installed:
        loop.add_signal_handler(number, receive, number)

    return receive


def _end_now(app: EndsInOrder, code: int) -> None:
    try:
        _give_terminal_back(app)
    finally:
        os._exit(code)


def _give_terminal_back(app: EndsInOrder) -> None:
    driver = app._driver if isinstance(app, App) else None
    attributes = getattr(driver, "attrs_before", None)
    if attributes is None:
        return
    try:
        # the driver writes to standard error; a terminal that does not read must not hold up the end
        os.set_blocking(2, False)
        os.write(2, LEAVE)
        termios.tcsetattr(driver.fileno, termios.TCSANOW, attributes)  # pyright: ignore
    except (OSError, termios.error):
        # the terminal is gone
        return
