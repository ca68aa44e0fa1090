"""A model that does not answer: how long it is waited for, counted down, and not waiting any longer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on
from textual.timer import Timer

from afk_tui.gateway import messages as told
from afk_tui.screens.main_syncing import MainSyncing
from afk_tui.screens.main_words import Wait

if TYPE_CHECKING:
    from afk_tui.gateway.views import RunView

TICK_S = 1.0


class MainTrouble(MainSyncing):
    """The main screen while a run waits before it asks its model again."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self._ticking: Timer | None = None

    @on(told.AnswerRestarted)
    def restart_answer(self, event: told.AnswerRestarted) -> None:
        """What arrived is void, and the model is asked again in a while."""
        self._streamed[event.thread_id] = ""
        self.waits[event.thread_id] = Wait(time.monotonic() + event.delay_s, event.attempt, event.reason)
        if event.thread_id == self.thread_id:
            self.conversation.restart_stream()
        if self._ticking is None:
            self._ticking = self.set_interval(TICK_S, self._count_down)
        self._count_down()

    def end_wait(self, thread_id: str) -> None:
        """The model answers, or the run stopped."""
        if self.waits.pop(thread_id, None) is not None and thread_id == self.thread_id:
            self.say("")
            self.show_note()
            self.show_hints()
        if not self.waits and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    def _count_down(self) -> None:
        wait = self.waits.get(self.thread_id or "")
        if wait is None:
            return
        self._say_how_long(wait)
        self.show_note()
        self.show_hints()

    def _say_how_long(self, wait: Wait) -> None:
        left_s = wait.left_s(time.monotonic())
        self.say(f"asking again in {left_s} s" if left_s else f"asking again (attempt {wait.attempt})")

    def show_status(self, view: RunView | None, workspace: str) -> None:
        """With how long is waited, which a new status would hide until the next second."""
        super().show_status(view, workspace)
        if (wait := self.waits.get(self.thread_id or "")) is not None:
            self._say_how_long(wait)

    async def try_now(self) -> None:
        """Ask the model again at once."""
        if self.thread_id is not None:
            await self.gateway.try_now(self.thread_id)
