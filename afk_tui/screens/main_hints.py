"""The main screen's word about a conversation that has grown long: what a compaction would remove."""

from __future__ import annotations

from dataclasses import replace

from textual import on, work

from afk_tui.gateway import messages as told
from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.main_summaries import MainSummaries
from afk_tui.telling import tell_error


class MainHints(MainSummaries):
    """Counted when a run has ended, said in the status line, gone after a compaction."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self._removable: dict[str, int] = {}

    @on(told.RunEnded)
    def count_removable(self, event: told.RunEnded) -> None:
        """A run stopped: it may have made the thread a long one."""
        self._count_removable(event.thread_id)

    @on(told.StoreChanged)
    @on(told.ThreadCompacted)
    def review_hint(self) -> None:
        """Somebody may have compacted the thread that is shown."""
        if self.thread_id in self._removable:
            self._review_hint(self.thread_id)

    def on_screen_resume(self) -> None:
        """What was open above may have been the compaction screen."""
        self.review_hint()

    async def show_standing(self) -> None:
        """With the hint."""
        await super().show_standing()
        self._show_hint()

    def _show_hint(self) -> None:
        removable = self._removable.get(self.thread_id or "", 0)
        self.status.status = replace(self.status.status, removable=removable)

    @work(group="hint", exit_on_error=False)
    async def _count_removable(self, thread_id: str) -> None:
        try:
            removable = await self.gateway.hints.look(thread_id)
        except GatewayError as error:
            tell_error(self, error)
            return
        if removable:
            self._removable[thread_id] = removable
            self._show_hint()

    @work(group="hint", exit_on_error=False)
    async def _review_hint(self, thread_id: str) -> None:
        try:
            holds = await self.gateway.hints.holds(thread_id)
        except GatewayError as error:
            tell_error(self, error)
            return
        if not holds:
            self._removable.pop(thread_id, None)
            self._show_hint()
