"""A process that was stopped from outside and goes on: the terminal is taken anew, once."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


def install_continue_handler(app: App[Any]) -> None:
    """Take the terminal again when the process is continued (SIGCONT). Call it in the running loop, once the app is
    mounted.

    Textual's own handler believes that the terminal was given back before: after a SIGSTOP, which nobody can prepare
    for, it would start a second reader of the keys and take the raw terminal for the one to be left behind.
    """
    driver = app._driver
    if not isinstance(driver, LinuxDriver):
        return
    loop = asyncio.get_running_loop()

    def take_again(_: int, __: object) -> None:
        reader = driver._key_thread
        if not driver._auto_restart or loop.is_closed():
            return
        if reader is not None and reader.is_alive():
            driver.suspend_application_mode()
        elif not driver._must_signal_resume:  # it is just ending
            return
        driver.resume_application_mode()
        loop.call_soon_threadsafe(_paint, app)

    signal.signal(signal.SIGCONT, take_again)


def _paint(app: App[Any]) -> None:
    """Whatever wrote on the terminal meanwhile."""
    app.refresh(layout=True)
