"""How a screen asks: of two dialogs asked for at once the last one opens, and what was answered is done."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen, ScreenResultType
from textual.worker import get_current_worker

DIALOG = "dialog"
"""The group of workers that may yet open a dialog: they make way for whatever dialog is asked for next."""


def keep_on() -> None:
    """From here on the worker that runs this ends what it began, whatever dialog is asked for next."""
    worker = get_current_worker()
    if worker.group == DIALOG:
        worker.group = "answered"


async def ask(screen: Screen[Any], dialog: Screen[ScreenResultType]) -> ScreenResultType | None:
    """Open `dialog` over `screen` and wait, in a worker, for its answer: None where it was left without one."""
    answer = await screen.app.push_screen_wait(dialog)
    keep_on()
    return answer
